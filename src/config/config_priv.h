/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the way to complain, and the parsers of special values. */
#ifndef WN_CONFIG_PRIV_H
#define WN_CONFIG_PRIV_H

#include "config/options.h"

#define WN_OPT_YES	   "yes" /* the value of a flag that stands without one */
#define WN_OPT_NO	   "no"
#define WN_REQ_PORT_UDP	   33434
#define WN_REQ_PORT_TCP	   80
#define WN_REQ_PORT_AUTO   443 /* the TCP port of -P auto */
#define WN_REQ_SIZE_V4	   60
#define WN_REQ_SIZE_V6	   80
#define WN_REQ_FLOW_MAX	   1023
#define WN_REQ_WINDOW_MAX  4096
#define WN_REQ_WINDOW_ALL  256 /* where all paths are traced */
#define WN_REQ_FLOWS_MAX   16384
#define WN_REQ_PPS_MAX	   1000000
#define WN_REQ_LINES_MAX   10000
#define WN_OPT_VALUE_SHOWN 64 /* bytes of a user's value repeated in a message */

/* One of the values an option takes, for the messages and completions. */
typedef wn_err wn_opt_parse(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx);

/* "--max-ttl 256: must be ...", the value made harmless. Returns WN_EUSAGE. */
wn_err wn_opt_bad(struct wn_errctx *ctx, const struct wn_opt *opt, const char *value,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A user's text for a message: clean and short. Returns buf. */
const char *wn_opt_quote(char buf[WN_OPT_VALUE_SHOWN + 16], const char *text);
size_t wn_opt_index(const struct wn_opt *opt);

wn_opt_parse wn_opt_parse_family;
wn_opt_parse wn_opt_parse_port;
wn_opt_parse wn_opt_parse_flow;
wn_opt_parse wn_opt_parse_wait;
wn_opt_parse wn_opt_parse_iface;
wn_opt_parse wn_opt_parse_source;
wn_opt_parse wn_opt_parse_dscp;
wn_opt_parse wn_opt_parse_tcp_flags;
wn_opt_parse wn_opt_parse_tcp_options;
wn_opt_parse wn_opt_parse_verbose;
wn_opt_parse wn_opt_parse_resolver;
wn_opt_parse wn_opt_parse_confidence;
wn_opt_parse wn_opt_parse_min_share;

/* The n-th word of a comma separated list; false when there are fewer. */
bool wn_opt_choice(const char *list, size_t n, const char **out, size_t *out_len);
/* Its operand is a target, and the options are its own. */
bool wn_command_traces(const struct wn_command *command);
/* It is one of the command's. */
bool wn_opt_applies(const struct wn_opt *opt, const char *command);
/* What an exit status of a command that traces means; NULL: it has no such status. */
const char *wn_exit_text(const struct wn_command *command, size_t status);

/* What help says of the default: "30 hops", "chosen at random"; "" for none. */
const char *wn_opt_default(const struct wn_opt *opt, char *buf, size_t size);

/* 255.255.255.255: every host of the link, so no one host. */
bool wn_opt_is_broadcast(const struct wn_addr *addr);

#endif
