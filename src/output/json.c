/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The complete document, schema wend.trace/1 (docs/json.md). It is a function of the result
 * alone, with keys in a fixed order: equal results give equal bytes.
 */
#include "output/json_writer.h"

#include "base/alloc.h"
#include "output/view.h"

#define LINES 2 /* one line for each probe, reply, hop */

/* Figures that need no attribution of lost probes. */
static void write_times(struct wn_jw *w, const struct wn_stats *s)
{
	wn_jw_int(w, "late", s->late);
	wn_jw_int(w, "duplicates", s->duplicates);
	wn_jw_int(w, "samples", s->samples);
	wn_jw_opt(w, "last_ns", s->last_ns);
	wn_jw_opt(w, "best_ns", s->best_ns);
	wn_jw_opt(w, "worst_ns", s->worst_ns);
	wn_jw_opt(w, "mean_ns", s->mean_ns);
	wn_jw_opt(w, "stddev_ns", s->stddev_ns);
	wn_jw_opt(w, "jitter_ns", s->jitter_ns);
	wn_jw_opt(w, "jitter_mean_ns", s->jitter_mean_ns);
	wn_jw_opt(w, "jitter_worst_ns", s->jitter_worst_ns);
	wn_jw_opt(w, "jitter_rfc3550_ns", s->jitter_rfc3550_ns);
	wn_jw_opt(w, "p50_ns", s->p50_ns);
	wn_jw_opt(w, "p90_ns", s->p90_ns);
	wn_jw_opt(w, "p95_ns", s->p95_ns);
	wn_jw_opt(w, "p99_ns", s->p99_ns);
}

static void write_stats(struct wn_jw *w, const struct wn_stats *s)
{
	wn_jw_object(w, "statistics");
	wn_jw_int(w, "sent", s->sent);
	wn_jw_int(w, "received", s->received);
	wn_jw_int(w, "lost", s->lost);
	wn_jw_int(w, "pending", s->pending);
	wn_jw_int(w, "failed", s->failed);
	wn_jw_fixed(w, "loss_percent", wn_stats_loss_milli(s), 3);
	write_times(w, s);
	wn_jw_end(w);
}

/* ---- head ---- */

static void write_run(struct wn_jw *w, const struct wn_result *r)
{
	const struct wn_params *p = &r->params;
	char time[WN_TIME_STRLEN];

	wn_jw_text(w, "started", wn_view_rfc3339(p->start_unix_ns, time));
	wn_jw_opt(w, "duration_ns", r->ended ? (int64_t)r->end_ns : -1);
	wn_jw_bool(w, "complete", r->ended && !r->partial);
	wn_jw_bool(w, "partial", r->partial);
	wn_jw_bool(w, "reached", r->reached);
	wn_jw_opt(w, "last_ttl", r->last_ttl ? (int64_t)r->last_ttl : -1);
	wn_jw_params(w, p);
}

void wn_jw_stop(struct wn_jw *w, const struct wn_result *r)
{
	if (r->stop == WN_STOP_NONE) {
		wn_jw_null(w, "stop");
		return;
	}
	wn_jw_object(w, "stop");
	wn_jw_int(w, "at_ns", (int64_t)r->stop_ns);
	wn_jw_text(w, "reason", wn_stop_name(r->stop));
	wn_jw_opt(w, "ttl", r->stop_ttl ? r->stop_ttl : -1);
	wn_jw_addr(w, "by", &r->stop_by);
	if (r->stop_err)
		wn_jw_text(w, "error", wn_err_name(r->stop_err));
	else
		wn_jw_null(w, "error");
	if (r->stop_sys)
		wn_jw_int(w, "errno", r->stop_sys);
	else
		wn_jw_null(w, "errno");
	wn_jw_end(w);
}

static void write_silence(struct wn_jw *w, const struct wn_result *r)
{
	uint8_t last;
	uint8_t first = wn_result_trailing_silent(r, &last);

	if (first == 0) {
		wn_jw_null(w, "trailing_silence");
		return;
	}
	wn_jw_object(w, "trailing_silence");
	wn_jw_int(w, "first_ttl", first);
	wn_jw_int(w, "last_ttl", last);
	wn_jw_end(w);
}

/* ---- tables ---- */

static void write_responders(struct wn_jw *w, const struct wn_result *r)
{
	wn_jw_array(w, "responders");
	for (uint32_t i = 0; i < r->responder_count; i++) {
		const struct wn_responder *resp = &r->responders[i];

		wn_jw_object(w, NULL);
		wn_jw_addr(w, "address", &resp->addr);
		if (resp->name[0])
			wn_jw_text(w, "name", resp->name);
		else
			wn_jw_null(w, "name");
		if (resp->name_known)
			wn_jw_text(w, "name_status", wn_err_name(resp->name_err));
		else
			wn_jw_null(w, "name_status");
		wn_jw_end(w);
	}
	wn_jw_end(w);
}

static void write_hop_responder(
	struct wn_jw *w, const struct wn_result *r, int ttl, const struct wn_hop_responder *hr)
{
	struct wn_stats s = wn_view_stats(r, wn_view_filter(ttl, hr->responder, -1), &w->out->err);

	wn_jw_object(w, NULL);
	wn_jw_int(w, "responder", hr->responder);
	wn_jw_addr(w, "address", &r->responders[hr->responder].addr);
	wn_jw_int(w, "received", hr->replies);
	write_times(w, &s);
	wn_jw_end(w);
}

static void write_hops(struct wn_jw *w, const struct wn_result *r)
{
	unsigned last = wn_view_last_ttl(r);

	wn_jw_array(w, "hops");
	for (unsigned ttl = r->params.first_ttl; ttl <= last; ttl++) {
		const struct wn_hop *hop = &r->hops[ttl];
		struct wn_stats s =
			wn_view_stats(r, wn_view_filter((int)ttl, WN_NONE, -1), &w->out->err);

		wn_jw_object(w, NULL);
		wn_jw_int(w, "ttl", ttl);
		write_stats(w, &s);
		wn_jw_array(w, "responders");
		for (uint32_t i = 0; i < hop->responder_count; i++)
			write_hop_responder(w, r, (int)ttl, &hop->responders[i]);
		wn_jw_end(w);
		wn_jw_end(w);
	}
	wn_jw_end(w);
}

static void write_flow(struct wn_jw *w, const struct wn_result *r, uint32_t flow)
{
	struct wn_stats s = wn_view_stats(r, wn_view_filter(-1, WN_NONE, flow), &w->out->err);
	uint32_t path[256];
	size_t n = wn_result_path(r, flow, path, 256);

	wn_jw_object(w, NULL);
	wn_jw_int(w, "flow", flow);
	wn_jw_array(w, "path");
	for (size_t i = 0; i < n; i++)
		wn_jw_opt(w, NULL, path[i] == WN_NONE ? -1 : (int64_t)path[i]);
	wn_jw_end(w);
	write_stats(w, &s);
	wn_jw_end(w);
}

static void write_flows(struct wn_jw *w, const struct wn_result *r)
{
	size_t count = wn_result_flows(r, NULL, 0);
	uint32_t *flows = wn_calloc(count, sizeof(*flows));

	wn_jw_array(w, "flows");
	if (flows)
		wn_result_flows(r, flows, count);
	else
		w->out->err = WN_ENOMEM;
	for (size_t i = 0; flows && i < count; i++)
		write_flow(w, r, flows[i]);
	wn_jw_end(w);
	wn_free(flows);
}

static void write_links(struct wn_jw *w, const struct wn_result *r)
{
	size_t count = wn_result_links(r, NULL, 0);
	struct wn_link *links = wn_calloc(count, sizeof(*links));
	bool known = links && wn_result_links(r, links, count) == count;

	wn_jw_array(w, "links");
	if (!known)
		w->out->err = WN_ENOMEM;
	for (size_t i = 0; known && i < count; i++) {
		wn_jw_object(w, NULL);
		wn_jw_int(w, "ttl", links[i].ttl);
		wn_jw_int(w, "from", links[i].from);
		wn_jw_int(w, "to", links[i].to);
		wn_jw_int(w, "flows", links[i].flows);
		wn_jw_end(w);
	}
	wn_jw_end(w);
	wn_free(links);
}

/* Up to its reply. */
static void write_sent(struct wn_jw *w, const struct wn_probe_rec *p, int64_t rtt_ns)
{
	bool failed = p->state == WN_PROBE_FAILED;

	wn_jw_object(w, NULL);
	wn_jw_fields(w, &wn_fields_probe, &p->probe, wn_about_probe(&p->probe));
	wn_jw_int(w, "number", p->number);
	wn_jw_text(w, "state", wn_probe_state_name(p->state));
	wn_jw_opt(w, "sent_ns", failed ? -1 : (int64_t)p->sent_ns);
	wn_jw_opt(w, "failed_ns", failed ? (int64_t)p->sent_ns : -1);
	if (failed)
		wn_jw_null(w, "clock");
	else
		wn_jw_text(w, "clock", wn_clock_name(p->clock));
	wn_jw_opt(w, "waited_ns", p->waited_ns ? (int64_t)p->waited_ns : -1);
	wn_jw_opt(w, "rtt_ns", rtt_ns);
}

static void write_failure(struct wn_jw *w, const struct wn_probe_rec *p)
{
	if (p->state == WN_PROBE_FAILED)
		wn_jw_text(w, "error", wn_err_name(p->err));
	else
		wn_jw_null(w, "error");
	wn_jw_opt(w, "errno", p->sys ? p->sys : -1);
	wn_jw_end(w);
}

static void write_probe(struct wn_jw *w, const struct wn_result *r, const struct wn_probe_rec *p)
{
	bool answered = p->first_reply != WN_NONE;

	write_sent(w, p, answered ? r->replies[p->first_reply].rtt_ns : -1);
	wn_jw_opt(w, "reply", answered ? (int64_t)p->first_reply : -1);
	write_failure(w, p);
}

static void write_reply_packet(struct wn_jw *w, const struct wn_result *r,
	const struct wn_reply_rec *p, const struct wn_probe_rec *of)
{
	const struct wn_addr *from = &r->responders[p->responder].addr;
	struct wn_reply about = {.kind = p->kind, .from = *from};
	bool icmp = (wn_about_reply(&about) & WN_ABOUT_ICMP) != 0;
	bool tcp = (wn_about_reply(&about) & WN_ABOUT_TCP) != 0;
	char mark[WN_MARK_STRLEN];

	wn_jw_text(w, "kind", wn_reply_kind_name(p->kind));
	wn_jw_opt(w, "icmp_type", icmp ? p->icmp_type : -1);
	wn_jw_opt(w, "icmp_code", icmp ? p->icmp_code : -1);
	wn_jw_opt(w, "tcp_flags", tcp ? p->tcp_flags : -1);
	wn_jw_opt(w, "tcp_options", p->tcp_opts.whole ? p->tcp_opts.set : -1);
	wn_jw_opt(w, "tcp_mss", p->tcp_opts.whole ? p->tcp_opts.mss : -1);
	wn_reply_mark(p->kind, from->family, p->icmp_code, p->mtu, mark);
	if (mark[0])
		wn_jw_text(w, "mark", mark);
	else
		wn_jw_null(w, "mark");
	wn_jw_text(w, "text", wn_view_answer_text(r, &of->probe, p));
	wn_jw_opt(w, "ttl", p->ttl);
	wn_jw_opt(w, "tos", p->tos);
	wn_jw_opt(w, "mtu", p->mtu ? (int64_t)p->mtu : -1);
	wn_jw_opt(w, "length_bytes", p->length ? p->length : -1);
	wn_jw_quote(w, "quote", &p->quote, r->params.caps.sees_quote_ip);
	wn_jw_ext(w, "extensions", p->ext);
}

static void write_reply(struct wn_jw *w, const char *key, const struct wn_result *r,
	const struct wn_reply_rec *p, const struct wn_probe_rec *of)
{
	wn_jw_object(w, key);
	wn_jw_int(w, "probe_id", (int64_t)of->probe.id);
	wn_jw_int(w, "responder", p->responder);
	wn_jw_addr(w, "from", &r->responders[p->responder].addr);
	wn_jw_int(w, "at_ns", (int64_t)p->at_ns);
	wn_jw_opt(w, "rtt_ns", p->rtt_ns);
	wn_jw_text(w, "clock", wn_clock_name(p->clock));
	wn_jw_text(w, "match", wn_match_name(p->match));
	wn_jw_bool(w, "late", p->late);
	wn_jw_bool(w, "duplicate", p->duplicate);
	wn_jw_bool(w, "reached", p->reached);
	write_reply_packet(w, r, p, of);
	wn_jw_end(w);
}

static void write_side(struct wn_jw *w, const struct wn_result *r, const struct wn_side_rec *s)
{
	bool answered = s->sent.first_reply != WN_NONE;

	write_sent(w, &s->sent, answered ? s->reply.rtt_ns : -1);
	if (answered)
		write_reply(w, "reply", r, &s->reply, &s->sent);
	else
		wn_jw_null(w, "reply");
	write_failure(w, &s->sent);
}

static void write_packets(struct wn_jw *w, const struct wn_result *r)
{
	wn_jw_array(w, "probes");
	for (uint32_t i = 0; i < r->probe_count; i++)
		write_probe(w, r, &r->probes[i]);
	wn_jw_end(w);
	wn_jw_array(w, "replies");
	for (uint32_t i = 0; i < r->reply_count; i++)
		write_reply(w, NULL, r, &r->replies[i], &r->probes[r->replies[i].probe]);
	wn_jw_end(w);
	wn_jw_array(w, "side_probes");
	for (uint32_t i = 0; i < r->side_count; i++)
		write_side(w, r, &r->sides[i]);
	wn_jw_end(w);
}

void wn_jw_notes(struct wn_jw *w, const struct wn_result *r)
{
	wn_jw_array(w, "notes");
	for (uint32_t i = 0; i < r->note_count; i++) {
		wn_jw_object(w, NULL);
		wn_jw_fields(w, &wn_fields_event[WN_EV_NOTE], &r->notes[i], 0);
		wn_jw_end(w);
	}
	wn_jw_end(w);
}

static void write_tried(struct wn_jw *w, const struct wn_result *const *tried, size_t count)
{
	wn_jw_array(w, "tried");
	for (size_t i = 0; tried && i < count; i++) {
		const struct wn_result *r = tried[i];
		struct wn_stats s = wn_view_stats(r, wn_view_filter(-1, WN_NONE, -1), &w->out->err);

		wn_jw_object(w, NULL);
		wn_jw_text(w, "protocol", wn_proto_name(r->params.proto));
		wn_jw_opt(w, "destination_port", r->params.dport ? r->params.dport : -1);
		wn_jw_text(w, "backend", r->params.caps.name);
		wn_jw_bool(w, "partial", r->partial);
		wn_jw_bool(w, "reached", r->reached);
		wn_jw_opt(w, "last_ttl", r->last_ttl ? (int64_t)r->last_ttl : -1);
		wn_jw_stop(w, r);
		write_stats(w, &s);
		wn_jw_end(w);
	}
	wn_jw_end(w);
}

void wn_jw_result(struct wn_jw *w, const char *key, const struct wn_result *r,
	const struct wn_result *const *tried, size_t tried_count)
{
	wn_jw_object(w, key);
	wn_jw_text(w, "schema", WN_JSON_SCHEMA);
	wn_jw_text(w, "generator", "wend " WN_VERSION);
	write_run(w, r);
	wn_jw_stop(w, r);
	wn_jw_counters(w, &r->counters);
	write_silence(w, r);
	write_responders(w, r);
	write_hops(w, r);
	write_flows(w, r);
	write_links(w, r);
	wn_jw_paths(w, "paths", r);
	wn_jw_pmtu(w, "pmtu", r);
	write_packets(w, r);
	wn_jw_notes(w, r);
	wn_jw_findings(w, r);
	write_tried(w, tried, tried_count);
	wn_jw_end(w);
}

void wn_out_json(struct wn_strbuf *out, const struct wn_result *r,
	const struct wn_result *const *tried, size_t tried_count)
{
	struct wn_jw w;

	wn_jw_init(&w, out, LINES);
	wn_jw_result(&w, NULL, r, tried, tried_count);
	wn_strbuf_putc(out, '\n');
}
