/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any sequence of events, senseless ones included (a file of them may be hostile), leaves a result
 * whose tables agree with each other, within its bounds.
 */
#include "prop.h"

#include <stdbool.h>
#include <string.h>
#include "base/cursor.h"
#include "result/result.h"
#include "result/stats.h"

static const struct wn_result_limits limits = {
	.probes = 48,
	.replies = 64,
	.responders = 12,
	.notes = 4,
	.bytes = 4096,
};

#define FLOWS_MAX 64
#define LINKS_MAX 512

static struct wn_addr some_addr(struct wn_rd *r)
{
	uint8_t bytes[16] = {10, 0, 0, wn_rd_u8(r) & 15};

	return wn_addr_from_bytes(bytes[3] & 8 ? 6 : 4, bytes);
}

static struct wn_probe some_probe(struct wn_rd *r, uint64_t id)
{
	uint8_t bits = wn_rd_u8(r);

	return (struct wn_probe){
		.id = id ^ (bits == 0xff), /* seldom another than the event's */
		.flow = bits & 3,
		.proto = (enum wn_proto)(bits >> 2 & 3),
		.ttl = bits >> 4,
	};
}

static void some_reply(struct wn_rd *r, struct wn_event *ev)
{
	uint8_t bits = wn_rd_u8(r);
	struct wn_reply *reply = &ev->u.reply.reply;

	reply->kind = (enum wn_reply_kind)(wn_rd_u8(r) % (WN_REPLY_KINDS + 1));
	reply->from = some_addr(r);
	reply->ext.present = bits & 1;
	reply->ext.mpls_count = bits & 1;
	ev->u.reply.rtt_ns = (int64_t)(wn_rd_be64(r) >> (bits & 63) & INT64_MAX) - 1;
	ev->u.reply.clock = (enum wn_clock)(bits % 6);
	ev->u.reply.match = (enum wn_match)(bits >> 6 & 1);
	ev->u.reply.late = bits & 2;
	ev->u.reply.duplicate = bits & 4;
	ev->u.reply.reached = bits & 8;
}

static void some_event(struct wn_rd *r, struct wn_event *ev)
{
	uint8_t kind = wn_rd_u8(r);

	memset(ev, 0, sizeof(*ev));
	/* Mostly what can make sense after a start. */
	ev->kind = (enum wn_event_kind)(kind < 0xf0 ? 1 + kind % 5 : kind & 15);
	ev->at_ns = wn_rd_u8(r);
	ev->probe_id = wn_rd_u8(r) & 63;
	switch (ev->kind) {
	case WN_EV_SENT:
		ev->u.sent.probe = some_probe(r, ev->probe_id);
		ev->u.sent.clock = (enum wn_clock)(ev->at_ns % 6);
		break;
	case WN_EV_FAILED:
		ev->u.failed.probe = some_probe(r, ev->probe_id);
		ev->u.failed.err = WN_EBLOCKED;
		break;
	case WN_EV_REPLY:
		some_reply(r, ev);
		break;
	case WN_EV_NAME:
		ev->u.name.addr = some_addr(r);
		wn_rd_bytes(r, ev->u.name.name, wn_rd_u8(r));
		break;
	case WN_EV_STOP:
		ev->u.stop.stop = (enum wn_stop)(wn_rd_u8(r) % 12);
		ev->u.stop.ttl = wn_rd_u8(r);
		break;
	default:
		break;
	}
}

static void check_probes(const struct wn_result *r)
{
	uint32_t per_ttl[256] = {0}, firsts[256] = {0};

	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];
		bool answered = p->state == WN_PROBE_ANSWERED || p->state == WN_PROBE_LATE;

		per_ttl[p->probe.ttl]++;
		prop_check(answered == (p->first_reply != WN_NONE));
		prop_check(wn_result_find_probe(r, p->probe.id) == i);
		if (!answered)
			continue;
		firsts[p->probe.ttl]++;
		prop_check(p->first_reply < r->reply_count);
		prop_check(r->replies[p->first_reply].probe == i);
	}
	for (unsigned ttl = 0; ttl < 256; ttl++) {
		const struct wn_hop *hop = &r->hops[ttl];
		uint32_t sum = 0;

		prop_check(hop->probes == per_ttl[ttl]);
		for (uint32_t i = 0; i < hop->responder_count; i++) {
			prop_check(hop->responders[i].responder < r->responder_count);
			prop_check(hop->responders[i].first_reply < r->reply_count);
			for (uint32_t j = 0; j < i; j++)
				prop_check(hop->responders[i].responder !=
					   hop->responders[j].responder);
			sum += hop->responders[i].replies;
		}
		prop_check(sum == firsts[ttl]);
	}
}

static void check_tables(const struct wn_result *r)
{
	prop_check(r->probe_count <= limits.probes && r->reply_count <= limits.replies);
	prop_check(r->responder_count <= limits.responders && r->note_count <= limits.notes);
	for (uint32_t i = 0; i < r->reply_count; i++) {
		prop_check(r->replies[i].probe < r->probe_count);
		prop_check(r->replies[i].responder < r->responder_count);
	}
	for (uint32_t i = 0; i < r->responder_count; i++) {
		prop_check(r->responders[i].name != NULL);
		prop_check(wn_result_find_responder(r, &r->responders[i].addr) == i);
	}
	prop_check(r->reached == (r->reached_reply != WN_NONE));
}

static void check_views(const struct wn_result *r)
{
	uint32_t flows[FLOWS_MAX], path[256];
	struct wn_link links[LINKS_MAX];
	size_t n = wn_result_flows(r, flows, FLOWS_MAX);
	size_t link_count = wn_result_links(r, links, LINKS_MAX);
	uint8_t last = 0;
	uint8_t silent = wn_result_trailing_silent(r, &last);

	prop_check(n <= r->probe_count && n <= FLOWS_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t len = wn_result_path(r, flows[i], path, 256);

		prop_check(len <= 256);
		for (size_t j = 0; j < len; j++)
			prop_check(path[j] == WN_NONE || path[j] < r->responder_count);
	}
	for (size_t i = 0; i < link_count && i < LINKS_MAX; i++) {
		prop_check(links[i].from < r->responder_count && links[i].to < r->responder_count);
		prop_check(links[i].flows >= 1 && links[i].flows <= n);
		prop_check(i == 0 || links[i].ttl >= links[i - 1].ttl);
	}
	prop_check(silent == 0 || silent <= last);
	for (unsigned ttl = silent; silent && ttl <= last; ttl++)
		prop_check(r->hops[ttl].responder_count == 0);
}

static void check_stats(const struct wn_result *r)
{
	const struct wn_stats_filter all = {.ttl = -1, .responder = WN_NONE, .flow = -1};
	struct wn_stats s;

	if (wn_stats_compute(r, &all, &s) != WN_OK)
		return;
	prop_check(s.sent + s.failed == r->probe_count);
	prop_check(s.received + s.lost + s.pending == s.sent);
	prop_check(s.samples <= s.received && s.late <= s.received);
	prop_check((s.samples > 0) == (s.best_ns >= 0));
	prop_check(s.best_ns <= s.mean_ns && s.mean_ns <= s.worst_ns);
	prop_check(s.best_ns <= s.last_ns && s.last_ns <= s.worst_ns);
	prop_check(s.jitter_mean_ns <= s.jitter_worst_ns);
	prop_check(s.jitter_rfc3550_ns <= s.jitter_worst_ns);
}

int prop_result(const uint8_t *data, size_t size)
{
	struct wn_result *r = wn_result_new(&limits);
	struct wn_event ev = {.kind = WN_EV_START};
	struct wn_rd rd;

	prop_check(r != NULL);
	wn_rd_init(&rd, data, size);
	prop_check(wn_result_apply(r, &ev) == WN_OK);
	while (wn_rd_left(&rd) > 0) {
		uint32_t probes = r->probe_count, replies = r->reply_count;
		uint64_t overflow = r->counters.overflow;
		wn_err err;

		some_event(&rd, &ev);
		err = wn_result_apply(r, &ev);
		prop_check(err == WN_OK || err == WN_EINVAL || err == WN_EFULL);
		if (err == WN_EINVAL)
			prop_check(r->probe_count == probes && r->reply_count == replies);
		if (err == WN_EFULL)
			prop_check(r->counters.overflow == overflow + 1);
	}
	check_probes(r);
	check_tables(r);
	check_views(r);
	check_stats(r);
	wn_result_free(r);
	return 0;
}
