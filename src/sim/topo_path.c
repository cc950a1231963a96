/* SPDX-License-Identifier: Apache-2.0 */
/* "route", "return" and "mpls" lines: ways that differ from the shortest. */
#include "sim/topo_parse.h"

#include <string.h>

#define LABEL_FIRST 16	    /* RFC 3032: 0 to 15 are reserved */
#define LABEL_LAST  1048575 /* 20 bits */

static wn_err read_dest(struct wn_topo_parser *p, struct wn_topo_route *r)
{
	uint32_t node;

	if (wn_lex_need(&p->lx, "the destination"))
		return p->lx.err;
	node = wn_topo_node_by_name(p->topo, p->lx.word);
	if (node != WN_TOPO_NONE) {
		r->dest = WN_ROUTE_NODE;
		r->dest_node = node;
		return WN_OK;
	}
	r->dest = WN_ROUTE_PREFIX;
	if (wn_prefix_parse(p->lx.word, &r->prefix) == WN_OK)
		return WN_OK;
	return wn_lex_fail(
		&p->lx, "\"%.60s\" is neither a node nor a prefix like 203.0.113.0/24", p->lx.word);
}

/* "via NODE [weight N]", once or more, then "during SPAN". */
static wn_err read_hops(struct wn_topo_parser *p, struct wn_topo_route *r)
{
	struct wn_topo *t = p->topo;

	r->first_hop = t->hop_count;
	while (wn_lex_accept(&p->lx, "via")) {
		struct wn_topo_hop *h;
		uint32_t next, edge, weight = 1;

		if (wn_topo_need_node(p, "the next node", &next))
			return p->lx.err;
		edge = wn_topo_edge_between(t, r->node, next);
		if (edge == WN_TOPO_NONE)
			return wn_lex_fail(&p->lx, "there is no link between %s and %s",
				t->nodes[r->node].name, t->nodes[next].name);
		if (wn_lex_accept(&p->lx, "weight") &&
			wn_lex_u32(&p->lx, "the weight", 1, 1000, &weight))
			return p->lx.err;
		h = wn_topo_grow((void **)&t->hops, &t->hop_count, sizeof *h);
		if (!h)
			return p->lx.err = WN_ENOMEM;
		h->edge = edge;
		h->weight = weight;
		r->hop_count++;
	}
	if (!p->lx.err && r->hop_count && wn_lex_accept(&p->lx, "during") &&
		wn_lex_window(&p->lx, "the span of time", &r->during.from_ns, &r->during.to_ns))
		return p->lx.err;
	if (wn_lex_next(&p->lx))
		return wn_lex_fail(&p->lx,
			"\"%.60s\" cannot stand here: write via NODE [weight N] or during SPAN",
			p->lx.word);
	if (!p->lx.err && !r->hop_count)
		return wn_lex_fail(&p->lx, "here follows via and the next node");
	return p->lx.err;
}

static wn_err read_route(struct wn_topo_parser *p, bool back)
{
	struct wn_topo_route r = {0};
	struct wn_topo_route *slot;

	if (wn_topo_need_node(p, "the node", &r.node))
		return p->lx.err;
	r.dest = WN_ROUTE_ANY;
	if (back) {
		r.dest = WN_ROUTE_NODE;
		r.dest_node = WN_TOPO_NONE; /* the source, known at the end */
	} else if (wn_lex_accept(&p->lx, "to") && read_dest(p, &r)) {
		return p->lx.err;
	}
	if (read_hops(p, &r))
		return p->lx.err;
	slot = wn_topo_grow((void **)&p->topo->routes, &p->topo->route_count, sizeof *slot);
	if (!slot)
		return p->lx.err = WN_ENOMEM;
	*slot = r;
	return WN_OK;
}

wn_err wn_topo_parse_route(struct wn_topo_parser *p)
{
	return read_route(p, false);
}

wn_err wn_topo_parse_return(struct wn_topo_parser *p)
{
	return read_route(p, true);
}

static wn_err read_kind(struct wn_topo_parser *p, enum wn_topo_mpls_kind *out)
{
	static const char *const words[] = {
		[WN_LSP_EXPLICIT] = "explicit",
		[WN_LSP_IMPLICIT] = "implicit",
		[WN_LSP_OPAQUE] = "opaque",
		[WN_LSP_INVISIBLE] = "invisible",
	};

	if (wn_lex_need(&p->lx, "the kind of tunnel"))
		return p->lx.err;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(p->lx.word, words[i]) == 0) {
			*out = (enum wn_topo_mpls_kind)i;
			return WN_OK;
		}
	}
	return wn_lex_fail(&p->lx,
		"\"%.40s\" is no kind of tunnel: write explicit, implicit, opaque or invisible",
		p->lx.word);
}

static wn_err lsp_node(struct wn_topo_parser *p, struct wn_topo_lsp *lsp)
{
	const struct wn_topo *t = p->topo;
	uint32_t node = wn_topo_node_by_name(t, p->lx.word);
	uint32_t edge;

	if (node == WN_TOPO_NONE)
		return wn_lex_fail(
			&p->lx, "there is no node %.60s (nor an option of that name)", p->lx.word);
	if (lsp->len == WN_LSP_PATH)
		return wn_lex_fail(&p->lx, "a tunnel has at most %d nodes", WN_LSP_PATH);
	if (lsp->len) {
		edge = wn_topo_edge_between(t, lsp->path[lsp->len - 1], node);
		if (edge == WN_TOPO_NONE)
			return wn_lex_fail(&p->lx, "there is no link between %s and %s",
				t->nodes[lsp->path[lsp->len - 1]].name, t->nodes[node].name);
		lsp->edge[lsp->len - 1] = edge;
	}
	/* A default label that differs from hop to hop, as real ones do. */
	lsp->label[lsp->len] = 24000 + t->lsp_count * 16 + lsp->len;
	lsp->path[lsp->len++] = node;
	return WN_OK;
}

static wn_err lsp_labels(struct wn_topo_parser *p, struct wn_topo_lsp *lsp)
{
	unsigned at = 1;

	do {
		if (at >= lsp->len) {
			wn_lex_next(&p->lx);
			return wn_lex_fail(
				&p->lx, "there are more labels than nodes behind the first");
		}
		if (wn_lex_u32(&p->lx, "the label", LABEL_FIRST, LABEL_LAST, &lsp->label[at++]))
			return p->lx.err;
	} while (wn_lex_peek_digit(&p->lx));
	return WN_OK;
}

static wn_err lsp_words(struct wn_topo_parser *p, struct wn_topo_lsp *lsp)
{
	uint32_t tc;

	while (wn_lex_next(&p->lx)) {
		if (strcmp(p->lx.word, "labels") == 0) {
			if (lsp_labels(p, lsp))
				return p->lx.err;
		} else if (strcmp(p->lx.word, "inner") == 0) {
			if (wn_lex_u32(&p->lx, "the inner label", LABEL_FIRST, LABEL_LAST,
				    &lsp->inner))
				return p->lx.err;
		} else if (strcmp(p->lx.word, "tc") == 0) {
			if (wn_lex_u32(&p->lx, "the traffic class", 0, 7, &tc))
				return p->lx.err;
			lsp->tc = (uint8_t)tc;
		} else if (strcmp(p->lx.word, "u-turn") == 0) {
			lsp->u_turn = true;
		} else if (lsp_node(p, lsp)) {
			return p->lx.err;
		}
	}
	return p->lx.err;
}

/* "mpls KIND INGRESS SWITCH... EGRESS [labels N...] [inner N] [tc N] [u-turn]" */
wn_err wn_topo_parse_mpls(struct wn_topo_parser *p)
{
	struct wn_topo_lsp lsp = {0};
	struct wn_topo_lsp *slot;

	if (read_kind(p, &lsp.kind) || lsp_words(p, &lsp))
		return p->lx.err;
	if (lsp.len < 3)
		return wn_lex_fail(&p->lx,
			"a tunnel needs at least three nodes: ingress, one that switches, egress");
	slot = wn_topo_grow((void **)&p->topo->lsps, &p->topo->lsp_count, sizeof *slot);
	if (!slot)
		return p->lx.err = WN_ENOMEM;
	*slot = lsp;
	return WN_OK;
}
