/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of the path MTU among routers that answer, keep silent or say "too big" with any
 * number, at random: its events fold into a result, it sends no more than it says, it ends, and at
 * any moment the view of the record keeps its own rules.
 */
#include "prop.h"

#include <stdlib.h>
#include <string.h>
#include "base/cursor.h"
#include "base/rng.h"
#include "multipath/pmtu.h"
#include "multipath/pmtu_view.h"
#include "result/result.h"

#define MS	  UINT64_C(1000000)
#define BATCH	  64
#define VIEW_EACH 64 /* events between two looks at the view */

struct world {
	struct wn_rd in;
	struct wn_rng rng; /* goes on where the input ends */
	struct wn_params params;
	struct wn_pmtu *pmtu;
	struct wn_result *result;
	uint64_t now_ns;
	uint16_t mtu[256];     /* what a link carries; by TTL of its far end */
	uint8_t kind[256];     /* how a node behaves */
	uint8_t length, chaos; /* chaos of 256 answers are arbitrary */
	struct wn_probe batch[BATCH];
	size_t batched;
	uint32_t sent, events;
	bool ended;
};

enum kind { ANSWERS, SILENT, HOLE, MUMBLES, KINDS };

static uint32_t pick(struct world *w, uint32_t n)
{
	return wn_rd_left(&w->in) >= 2 ? wn_rd_be16(&w->in) % n
				       : (uint32_t)wn_rng_below(&w->rng, n);
}

static void read_world(struct world *w)
{
	struct wn_params *p = &w->params;
	bool v6 = pick(w, 2);

	p->proto = pick(w, 2) ? WN_PROTO_ICMP : WN_PROTO_UDP;
	p->src = wn_addr_v4(0xc0000201);
	p->dst = wn_addr_v4(0xcb007105);
	if (v6)
		p->src.family = p->dst.family = 6;
	p->pmtu = true;
	p->link_mtu = pick(w, 2) ? pick(w, 12000) : 0;
	p->size = v6 ? 80 : 60;
	p->sport = 40000;
	p->dport = 33434;
	p->flow_checksum = 0x1234;
	p->first_ttl = (uint8_t)(1 + pick(w, 3));
	p->max_ttl = (uint8_t)(p->first_ttl + pick(w, 20));
	p->probes = 1 + pick(w, 4);
	p->window = 1 + pick(w, 40);
	p->gap = 1 + pick(w, 12);
	p->wait_max_ns = 1000 * MS;
	p->wait_min_ns = 200 * MS;
	p->caps.sends_ip_id = p->caps.sends_checksum = p->caps.sends_icmp_id = true;
	p->caps.sees_quote_l4 = p->caps.sees_quote_ip = true;
	p->caps.per_flow = pick(w, 4) == 0;
	w->length = (uint8_t)(1 + pick(w, 20));
	w->chaos = (uint8_t)(pick(w, 2) ? pick(w, 256) : 0);
	for (unsigned ttl = 0; ttl < 256; ttl++) {
		w->kind[ttl] = (uint8_t)(pick(w, 3) ? ANSWERS : pick(w, KINDS));
		w->mtu[ttl] = (uint16_t)(pick(w, 4) ? 9216 : pick(w, 9217));
	}
}

static struct wn_addr node(const struct world *w, unsigned ttl)
{
	struct wn_addr a = wn_addr_v4(0x0a000000u + ttl);

	a.family = w->params.dst.family;
	return ttl >= w->length ? w->params.dst : a;
}

static struct wn_reply error(
	const struct world *w, const struct wn_probe *p, enum wn_reply_kind kind, unsigned ttl)
{
	struct wn_reply r;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	r.from = node(w, ttl);
	r.hint_id = WN_HINT_NONE;
	r.quote.present = r.quote.l4_present = r.quote.payload_present = true;
	r.quote.src = p->src;
	r.quote.dst = p->dst;
	r.quote.proto = p->proto == WN_PROTO_UDP ? 17 : p->dst.family == 6 ? 58 : 1;
	r.quote.ip_id = p->ip_id;
	r.quote.sport = p->sport;
	r.quote.dport = p->dport;
	r.quote.checksum = p->checksum;
	r.quote.icmp_id = p->icmp_id;
	r.quote.icmp_seq = p->icmp_seq;
	memcpy(r.quote.cookie, p->cookie, sizeof(p->cookie));
	r.icmp_code = p->dst.family == 6 ? 4 : 3;
	return r;
}

/* What the network does with a probe; false: silence. */
static bool answer(struct world *w, const struct wn_probe *p, struct wn_reply *out)
{
	if (pick(w, 256) < w->chaos) {
		*out = error(w, p, (enum wn_reply_kind)pick(w, WN_REPLY_KINDS), pick(w, 24));
		out->mtu = pick(w, 2) ? pick(w, 65536) : pick(w, 1500);
		return pick(w, 3) > 0;
	}
	for (unsigned ttl = 1; ttl <= p->ttl && ttl <= w->length; ttl++) {
		if (p->size <= w->mtu[ttl])
			continue;
		*out = error(w, p, WN_REPLY_TOO_BIG, ttl - 1);
		out->mtu = w->kind[ttl - 1] == MUMBLES ? pick(w, 20000) : w->mtu[ttl];
		return ttl > 1 && w->kind[ttl - 1] != SILENT && w->kind[ttl - 1] != HOLE;
	}
	*out = error(
		w, p, p->ttl < w->length ? WN_REPLY_TIME_EXCEEDED : WN_REPLY_UNREACHABLE, p->ttl);
	return w->kind[p->ttl < w->length ? p->ttl : w->length] != SILENT;
}

static void check_view(const struct world *w)
{
	static struct wn_pmtu_view v;
	uint16_t was;

	wn_pmtu_view(w->result, &v);
	was = v.start;
	for (unsigned ttl = 0; ttl < 256; ttl++) {
		prop_check(v.hops[ttl].low <= v.hops[ttl].high && v.hops[ttl].high <= v.start);
		prop_check(ttl == 0 || v.hops[ttl].low <= v.hops[ttl - 1].low);
	}
	for (uint32_t i = 0; i < v.count; i++) {
		const struct wn_pmtu_lowering *l = &v.lowerings[i];

		prop_check(l->mtu < was && l->was == was && l->after < l->before);
		prop_check(l->before <= v.last && (i == 0 || l[-1].before <= l->after + 1u));
		prop_check(l->by == WN_NONE || l->by < w->result->responder_count);
		prop_check(!l->told || (l->by != WN_NONE && l->said == l->mtu));
		was = l->mtu;
	}
}

static void check_event(struct world *w, const struct wn_event *ev)
{
	prop_check(!w->ended);
	prop_check(wn_result_apply(w->result, ev) == WN_OK);
	w->ended = ev->kind == WN_EV_END;
	if (++w->events % VIEW_EACH == 0 || w->ended)
		check_view(w);
}

static void flush(struct world *w)
{
	struct wn_trace *t = wn_pmtu_trace(w->pmtu);

	for (size_t i = 0; i < w->batched; i++) {
		const struct wn_probe *p = &w->batch[i];
		struct wn_reply r;

		prop_check(p->ttl >= w->params.first_ttl && p->ttl <= w->params.max_ttl && p->df);
		if (p->size > w->mtu[1]) {
			wn_trace_failed(t, p->id, WN_EMSGSIZE, 0, w->now_ns);
			continue;
		}
		prop_check(++w->sent <= wn_pmtu_probes_max(w->pmtu));
		wn_trace_sent(t, p->id, w->now_ns, WN_CLOCK_USER);
		if (answer(w, p, &r))
			wn_trace_reply(
				t, &r, w->now_ns + pick(w, 20) * MS, WN_CLOCK_USER, w->now_ns);
	}
	w->batched = 0;
}

static void run(struct world *w)
{
	uint32_t steps = 200 * wn_pmtu_probes_max(w->pmtu);
	struct wn_act act;

	for (;;) {
		prop_check(steps-- > 0);
		switch (wn_pmtu_next(w->pmtu, w->now_ns, &act)) {
		case WN_ACT_DONE:
			return;
		case WN_ACT_EMIT:
			check_event(w, &act.event);
			break;
		case WN_ACT_SEND:
			w->batch[w->batched++] = act.probe;
			if (w->batched == BATCH)
				flush(w);
			break;
		case WN_ACT_WAIT:
			if (w->batched > 0) {
				flush(w);
				break;
			}
			prop_check(act.until_ns != UINT64_MAX && act.until_ns > w->now_ns);
			w->now_ns = act.until_ns;
			break;
		}
	}
}

int prop_pmtu(const uint8_t *data, size_t size)
{
	static const struct wn_sipkey key = {{1, 2, 3}};
	struct world *w = calloc(1, sizeof(*w));

	prop_check(w);
	wn_rd_init(&w->in, data, size);
	wn_rng_seed(&w->rng, size ? data[0] : 0);
	read_world(w);
	w->now_ns = 1000 * MS;
	prop_check(wn_pmtu_new(&w->params, &key, w->now_ns, &w->pmtu, NULL) == WN_OK);
	w->result = wn_result_new(NULL);
	prop_check(w->result);
	run(w);
	prop_check(w->ended);
	wn_pmtu_free(w->pmtu);
	wn_result_free(w->result);
	free(w);
	return 0;
}
