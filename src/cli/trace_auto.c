/* SPDX-License-Identifier: Apache-2.0 */
/* -P auto: which protocol got farthest. */
#include "cli/trace.h"

bool wn_session_farther(const struct wn_result *a, const struct wn_result *b)
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

		if (t->rt && (!best || wn_session_farther(
					       wn_run_result(t->rt), wn_run_result(best->rt))))
			best = t;
	}
	return best;
}

static void add_name(const struct wn_cli_trace *t, struct wn_strbuf *out)
{
	wn_strbuf_puts(out, wn_proto_name(t->proto));
	if (t->rt && t->proto == WN_PROTO_TCP)
		wn_strbuf_fmt(out, " %u", wn_run_result(t->rt)->params.dport);
}

/* Why not a single probe left this machine; WN_OK when one did. */
static wn_err never_sent(const struct wn_result *r)
{
	for (uint32_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].state != WN_PROBE_FAILED)
			return WN_OK;
	return r->probe_count > 0 ? r->probes[0].err : r->stop_err;
}

static void add_outcome(const struct wn_cli_trace *t, struct wn_strbuf *out)
{
	const struct wn_result *r = t->rt ? wn_run_result(t->rt) : NULL;

	if (!r)
		wn_strbuf_fmt(out, "could not run (%s)",
			t->why.text[0] ? t->why.text : wn_err_text(t->why.code));
	else if (r->reached)
		wn_strbuf_fmt(out, "reached the target at hop %u", r->last_ttl);
	else if (r->responder_count > 0)
		wn_strbuf_fmt(out, "got to hop %u", r->last_ttl);
	else if (never_sent(r) != WN_OK)
		wn_strbuf_fmt(out, "could not be sent (%s)", wn_err_text(never_sent(r)));
	else
		wn_strbuf_puts(out, "got no reply");
}

void wn_session_auto_line(struct wn_session *s, struct wn_strbuf *out)
{
	const struct wn_cli_trace *best = wn_session_best(s);
	const char *mark = "; ";

	if (!best)
		return;
	wn_strbuf_puts(out, "-P auto kept ");
	add_name(best, out);
	wn_strbuf_puts(out, ", which ");
	add_outcome(best, out);
	for (unsigned i = 0; i < s->trace_count; i++) {
		if (&s->traces[i] == best)
			continue;
		wn_strbuf_puts(out, mark);
		add_name(&s->traces[i], out);
		wn_strbuf_putc(out, ' ');
		add_outcome(&s->traces[i], out);
		mark = ", ";
	}
	wn_strbuf_putc(out, '.');
}
