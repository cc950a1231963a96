/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of a topology file: shared by the files that read one kind of statement each. */
#ifndef WN_SIM_TOPO_PARSE_H
#define WN_SIM_TOPO_PARSE_H

#include "sim/lex.h"
#include "sim/topo.h"

struct wn_topo_parser {
	struct wn_lex lx;
	struct wn_topo *topo;
};

/* The rest of a "node" or "host" line. */
wn_err wn_topo_parse_node(struct wn_topo_parser *p, bool is_host);
/* The rest of a "link" line. */
wn_err wn_topo_parse_link(struct wn_topo_parser *p);
/* The rest of a "route" and a "return" line; links are known by now. */
wn_err wn_topo_parse_route(struct wn_topo_parser *p);
wn_err wn_topo_parse_return(struct wn_topo_parser *p);
wn_err wn_topo_parse_mpls(struct wn_topo_parser *p);

/* Takes the next word, which must name a node. */
wn_err wn_topo_need_node(struct wn_topo_parser *p, const char *what, uint32_t *out);
/* The word at hand is none of the options that may stand here. */
wn_err wn_topo_unknown(struct wn_topo_parser *p, const char *kind, const char *const *known);

#endif
