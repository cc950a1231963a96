/* SPDX-License-Identifier: Apache-2.0 */
/* Events and results to the output, each format at its own time. */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/trace.h"

static bool wants_color(const struct wn_session *s)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (s->req.color != WN_COLOR_AUTO)
		return s->req.color == WN_COLOR_ALWAYS;
	return !s->req.output && isatty(STDOUT_FILENO) && !(no_color && no_color[0]) && term &&
	       strcmp(term, "dumb") != 0;
}

static void table_opts(const struct wn_session *s, bool live, struct wn_table_opts *out)
{
	*out = (struct wn_table_opts){
		.columns = s->req.output ? 0 : wn_cli_columns(STDOUT_FILENO, NULL),
		.color = wants_color(s),
		.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.names = !s->req.numeric,
		.live = live,
		.verbose = s->req.verbose,
	};
}

void wn_session_out_event(struct wn_cli_trace *t, const struct wn_event *ev)
{
	struct wn_session *s = t->session;

	s->live.dirty = true;
	if (s->req.format == WN_FMT_JSONL)
		wn_out_jsonl(&s->out.buf, ev, t->index);
}

/* Nothing about this hop can change a classic line any more, except by a late reply. */
static bool hop_complete(const struct wn_session *s, const struct wn_result *r, unsigned ttl)
{
	const struct wn_hop *hop = &r->hops[ttl];

	if (hop->probes < r->params.probes)
		return false;
	for (uint32_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].probe.ttl == ttl && r->probes[i].state == WN_PROBE_PENDING)
			return false;
	for (uint32_t i = 0; i < hop->responder_count && !s->req.numeric; i++)
		if (!r->responders[hop->responders[i].responder].name_known)
			return false;
	return true;
}

/* Somebody before this TTL has refused, and whether that ends the trace is not decided yet. */
static bool may_be_beyond_end(const struct wn_result *r, unsigned ttl)
{
	if (r->stop != WN_STOP_NONE)
		return false;
	for (uint32_t i = 0; i < r->reply_count; i++) {
		const struct wn_reply_rec *reply = &r->replies[i];

		if (!reply->reached && r->probes[reply->probe].probe.ttl < ttl &&
			(reply->kind == WN_REPLY_UNREACHABLE || reply->kind == WN_REPLY_TOO_BIG ||
				reply->kind == WN_REPLY_PARAM_PROBLEM))
			return true;
	}
	return false;
}

static void classic_lines(struct wn_session *s, bool all)
{
	struct wn_cli_trace *best = wn_session_best(s);
	const struct wn_result *r = best ? wn_run_result(best->rt) : NULL;

	if (!r || !r->started)
		return;
	if (s->classic_next == 0) {
		wn_out_classic_header(&s->out.buf, r);
		s->classic_next = r->params.first_ttl;
	}
	while (s->classic_next <= wn_out_classic_last(r) &&
		(all || (hop_complete(s, r, s->classic_next) &&
				!may_be_beyond_end(r, s->classic_next))))
		wn_out_classic_hop(&s->out.buf, r, (uint8_t)s->classic_next++, !s->req.numeric);
}

void wn_session_out_idle(struct wn_session *s)
{
	/* Which trace -P auto keeps is known at the end only. */
	if (s->req.format == WN_FMT_CLASSIC && s->trace_count == 1)
		classic_lines(s, false);
	if (s->out.buf.len > 0)
		wn_sink_flush(&s->out);
}

/* The face for people: of one path the table, of all of them drawing, table or DOT. */
void wn_session_draw(
	const struct wn_session *s, const struct wn_result *r, bool live, struct wn_strbuf *out)
{
	struct wn_table_opts opts;

	table_opts(s, live, &opts);
	if (!s->req.paths)
		wn_out_table(out, r, &opts);
	else if (s->req.format == WN_FMT_TREE)
		wn_out_paths_tree(out, r, &opts);
	else if (s->req.format == WN_FMT_DOT)
		wn_out_paths_dot(out, r, &opts);
	else
		wn_out_paths_table(out, r, &opts);
}

void wn_session_explain(struct wn_session *s, const struct wn_result *r)
{
	struct wn_table_opts opts;

	table_opts(s, false, &opts);
	if (s->req.format == WN_FMT_JSON)
		wn_out_findings_json(&s->out.buf, r);
	else
		wn_out_findings(&s->out.buf, r, &opts);
}

static void final_face(struct wn_session *s, const struct wn_result *r)
{
	wn_session_live_erase(s);
	if (s->explain)
		wn_session_explain(s, r);
	else
		wn_session_draw(s, r, false, &s->out.buf);
	if (s->trace_count > 1) {
		wn_session_auto_line(s, &s->out.buf);
		wn_strbuf_putc(&s->out.buf, '\n');
	}
}

static void final_json(struct wn_session *s, const struct wn_cli_trace *best)
{
	const struct wn_result *tried[WN_CLI_TRACES_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < s->trace_count; i++)
		if (&s->traces[i] != best && s->traces[i].rt)
			tried[count++] = wn_run_result(s->traces[i].rt);
	wn_out_json(&s->out.buf, wn_run_result(best->rt), tried, count);
}

/* The lines of classic output look the same whether the trace was finished or not. */
static void tell_partial(const struct wn_result *r)
{
	if (r->stop == WN_STOP_INTERRUPTED)
		wn_cli_fail(0, "interrupted: the result is partial");
	else if (r->stop == WN_STOP_DEADLINE)
		wn_cli_fail(0, "stopped by the deadline: the result is partial");
}

void wn_session_out_final(struct wn_session *s)
{
	const struct wn_cli_trace *best = wn_session_best(s);
	struct wn_strbuf line = WN_STRBUF_INIT;

	if (!best)
		return;
	switch (s->req.format) {
	case WN_FMT_TREE:
	case WN_FMT_DOT:
	case WN_FMT_TABLE:
		final_face(s, wn_run_result(best->rt));
		break;
	case WN_FMT_JSON:
		if (s->explain)
			wn_session_explain(s, wn_run_result(best->rt));
		else
			final_json(s, best);
		break;
	case WN_FMT_JSONL:
		break; /* every event is there already */
	case WN_FMT_CLASSIC:
		classic_lines(s, true);
		tell_partial(wn_run_result(best->rt));
		break;
	}
	/* JSON says it itself, and the other formats for machines have no place for remarks. */
	if (s->trace_count > 1 &&
		(s->req.format == WN_FMT_CLASSIC || s->req.format == WN_FMT_JSONL)) {
		wn_session_auto_line(s, &line);
		wn_cli_fail(0, "%s", wn_strbuf_str(&line));
	}
	wn_strbuf_fini(&line);
}
