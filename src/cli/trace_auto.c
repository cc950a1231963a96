/* SPDX-License-Identifier: Apache-2.0 */
/* -P auto: which protocol got farthest. */
#include "cli/trace.h"

static bool farther(const struct wn_result *a, const struct wn_result *b)
{
	if (a->reached != b->reached)
		return a->reached;
	/* Who reached is equally far, whatever the number of hops; else the last answer counts. */
	return !a->reached && a->last_ttl > b->last_ttl;
}

struct wn_cli_trace *wn_session_best(struct wn_session *s)
{
	struct wn_cli_trace *best = NULL;

	for (unsigned i = 0; i < s->trace_count; i++) {
		struct wn_cli_trace *t = &s->traces[i];

		if (t->rt && (!best || farther(wn_run_result(t->rt), wn_run_result(best->rt))))
			best = t;
	}
	return best;
}

static void add_outcome(const struct wn_cli_trace *t, struct wn_strbuf *out)
{
	const struct wn_result *r = t->rt ? wn_run_result(t->rt) : NULL;

	wn_strbuf_fmt(out, "%s ", wn_proto_name(t->proto));
	if (t->proto == WN_PROTO_TCP && r)
		wn_strbuf_fmt(out, "%u ", r->params.dport);
	if (!r)
		wn_strbuf_fmt(out, "could not run (%s)", wn_err_text(t->why.code));
	else if (r->reached)
		wn_strbuf_fmt(out, "reached it at %u", r->last_ttl);
	else if (r->last_ttl > 0 && r->responder_count > 0)
		wn_strbuf_fmt(out, "got to %u", r->last_ttl);
	else
		wn_strbuf_puts(out, "got no reply");
}

void wn_session_auto_line(struct wn_session *s, struct wn_strbuf *out)
{
	const struct wn_cli_trace *best = wn_session_best(s);
	const char *comma = "";

	if (!best)
		return;
	wn_strbuf_fmt(out, "-P auto kept %s: ", wn_proto_name(best->proto));
	for (unsigned i = 0; i < s->trace_count; i++) {
		wn_strbuf_puts(out, comma);
		add_outcome(&s->traces[i], out);
		comma = ", ";
	}
}
