/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A path engine on an imaginary network in virtual time. The network is one function of the test:
 * it sees each probe that left and may answer it, at any time, with anything. Every event is
 * folded into a result, which must accept it; windows and counts are watched on the way.
 */
#ifndef WN_TESTS_FAKE_PATH_H
#define WN_TESTS_FAKE_PATH_H

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "packet/wire.h"
#include "result/result.h"
#include "trace/trace.h"

#define FAKE_MS	    UINT64_C(1000000)
#define FAKE_START  (UINT64_C(7) * 1000 * FAKE_MS)
#define FAKE_HOPS   64
#define FAKE_PROBES 4096
#define FAKE_STEPS  2000000 /* a run that needs more does not end */
#define FAKE_BATCH  64

struct fake_delivery {
	struct wn_reply reply;
	uint64_t at_ns;
};

struct fake_hop {
	struct wn_addr addr; /* family 0: silent */
	uint64_t rtt_ns;
	enum wn_reply_kind kind; /* 0: time exceeded */
	uint8_t code;
	uint32_t mtu;
};

struct fake {
	struct wn_params params;
	struct wn_sipkey key;
	struct wn_trace *trace;
	struct wn_result *result;
	uint64_t now_ns;
	struct wn_heap heap;
	struct fake_delivery *slots; /* grows; freed at the end */
	size_t slot_count, slot_cap;

	/* The network: what it does with a probe that left. NULL: fake_answer. */
	void (*network)(struct fake *f, const struct wn_probe *p);
	/* What becomes of sending it. NULL: it leaves. */
	wn_err (*send)(struct fake *f, const struct wn_probe *p);
	/* Who is asked what is next, where another engine steers f->trace. NULL: that. */
	enum wn_act_kind (*next)(struct fake *f, struct wn_act *out);
	/* Sees every event after it was folded. */
	void (*event)(struct fake *f, const struct wn_event *ev);
	void *user;
	struct fake_hop hops[FAKE_HOPS]; /* by TTL; the path for fake_answer */
	uint8_t length;			 /* TTL of the target */

	/* What happened. */
	struct wn_probe sent[FAKE_PROBES];
	uint64_t sent_ns[FAKE_PROBES];
	size_t sent_count;
	size_t outstanding, peak; /* sent and neither answered nor timed out */
	unsigned char pending[FAKE_PROBES];
	enum wn_claim claims[3 * FAKE_PROBES];
	size_t claim_count;
	size_t counts[WN_EV_END + 1];
	struct wn_event stop, end;
	bool done;
};

static inline struct wn_addr fake_router(unsigned ttl)
{
	return wn_addr_v4(0x0a000000u | ttl << 8 | 1);
}

/* A path of `length` hops with `step_ns` more of round trip at each, over UDP and IPv4. */
static inline void fake_init(struct fake *f, uint8_t length, uint64_t step_ns)
{
	memset(f, 0, sizeof(*f));
	f->params = (struct wn_params){
		.target = "target.example",
		.host = "target.example",
		.src = wn_addr_v4(0xc0000201),
		.dst = wn_addr_v4(0xcb007105),
		.proto = WN_PROTO_UDP,
		.sport = 40000,
		.dport = 33434,
		.flow_checksum = 0x1234,
		.first_ttl = 1,
		.max_ttl = 30,
		.probes = 3,
		.window = 32,
		.gap = 12,
		.pps = 1000,
		.wait_max_ns = 1000 * FAKE_MS,
		.wait_min_ns = 200 * FAKE_MS,
		.wait_here_milli = 3000,
		.wait_near_milli = 3000,
		.size = 60,
		.caps = {.name = "fake",
			.sends_ip_id = true,
			.sends_checksum = true,
			.sends_icmp_id = true,
			.sends_flow_label = true,
			.sees_quote_l4 = true,
			.sees_quote_ip = true,
			.sees_reply_ttl = true,
			.sees_extensions = true,
			.sees_foreign = true,
			.tx_clock = WN_CLOCK_SIM,
			.rx_clock = WN_CLOCK_SIM},
	};
	memcpy(f->key.bytes, "0123456789abcdef", sizeof(f->key.bytes));
	f->length = length;
	for (unsigned ttl = 1; ttl < FAKE_HOPS; ttl++) {
		f->hops[ttl].addr = ttl < length ? fake_router(ttl) : f->params.dst;
		f->hops[ttl].rtt_ns = (ttl < length ? ttl : length) * step_ns;
	}
	f->now_ns = FAKE_START;
	wn_heap_init(&f->heap, 1u << 20);
}

static inline void fake_silent(struct fake *f, unsigned first, unsigned last)
{
	for (unsigned ttl = first; ttl <= last; ttl++)
		f->hops[ttl].addr = (struct wn_addr){0};
}

static inline void fake_fini(struct fake *f)
{
	wn_trace_free(f->trace);
	wn_result_free(f->result);
	wn_heap_fini(&f->heap);
	free(f->slots);
}

static inline void fake_deliver(struct fake *f, uint64_t delay_ns, const struct wn_reply *r)
{
	if (f->slot_count == f->slot_cap) {
		f->slot_cap = f->slot_cap ? f->slot_cap * 2 : 64;
		f->slots = realloc(f->slots, f->slot_cap * sizeof(*f->slots));
		if (!f->slots)
			abort();
	}
	f->slots[f->slot_count] = (struct fake_delivery){*r, f->now_ns + delay_ns};
	if (wn_heap_push(&f->heap, f->now_ns + delay_ns, f->slot_count++) != WN_OK)
		abort();
}

/* The error a router at `from` sends about a probe, quoting all of it. */
static inline struct wn_reply fake_error(
	const struct wn_probe *p, enum wn_reply_kind kind, struct wn_addr from)
{
	struct wn_reply r;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	r.from = from;
	r.to = p->src;
	r.icmp_type = 11;
	r.ttl = 60;
	r.length = 56;
	r.hint_id = WN_HINT_NONE;
	r.quote.present = r.quote.l4_present = r.quote.payload_present = true;
	r.quote.src = p->src;
	r.quote.dst = p->dst;
	r.quote.proto = p->proto == WN_PROTO_UDP   ? WN_IP_UDP
			: p->proto == WN_PROTO_TCP ? WN_IP_TCP
			: p->dst.family == 6	   ? WN_IP_ICMP6
						   : WN_IP_ICMP;
	r.quote.ttl = 1;
	r.quote.tos = p->tos;
	r.quote.length = r.quote.quoted_bytes = p->size;
	r.quote.ip_id = p->ip_id;
	r.quote.flow_label = p->flow_label;
	r.quote.sport = p->sport;
	r.quote.dport = p->dport;
	r.quote.checksum = p->checksum;
	r.quote.icmp_id = p->icmp_id;
	r.quote.icmp_seq = p->icmp_seq;
	r.quote.tcp_seq = p->tcp_seq;
	if (p->proto != WN_PROTO_TCP)
		memcpy(r.quote.cookie, p->cookie, sizeof(p->cookie));
	else
		r.quote.payload_present = false;
	return r;
}

/* What the target itself says: port unreachable, echo reply or SYN-ACK, or another kind. */
static inline struct wn_reply fake_direct(const struct wn_probe *p, enum wn_reply_kind kind)
{
	struct wn_reply r;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	r.from = p->dst;
	r.to = p->src;
	r.ttl = 55;
	r.hint_id = WN_HINT_NONE;
	r.sport = p->dport;
	r.dport = p->sport;
	r.icmp_id = p->icmp_id;
	r.icmp_seq = p->icmp_seq;
	r.payload_present = kind == WN_REPLY_ECHO;
	memcpy(r.cookie, p->cookie, sizeof(p->cookie));
	r.tcp_ack = p->tcp_seq + 1;
	r.tcp_flags = kind == WN_REPLY_SYN_ACK ? WN_TCP_SYN | WN_TCP_ACK : WN_TCP_RST | WN_TCP_ACK;
	return r;
}

static inline struct wn_reply fake_arrival(const struct wn_probe *p)
{
	struct wn_reply r;

	if (p->proto == WN_PROTO_ICMP)
		return fake_direct(p, WN_REPLY_ECHO);
	if (p->proto == WN_PROTO_TCP)
		return fake_direct(p, WN_REPLY_SYN_ACK);
	r = fake_error(p, WN_REPLY_UNREACHABLE, p->dst);
	r.icmp_type = p->dst.family == 6 ? 1 : 3;
	r.icmp_code = p->dst.family == 6 ? 4 : 3;
	return r;
}

/* The answer the path of f->hops gives to this probe; false: silence. */
static inline bool fake_reply_to(struct fake *f, const struct wn_probe *p, struct wn_reply *out)
{
	const struct fake_hop *hop = &f->hops[p->ttl < f->length ? p->ttl : f->length];

	if (!hop->addr.family)
		return false;
	if (hop->kind) {
		*out = fake_error(p, hop->kind, hop->addr);
		out->icmp_code = hop->code;
		out->mtu = hop->mtu;
	} else if (p->ttl >= f->length) {
		*out = fake_arrival(p);
	} else {
		*out = fake_error(p, WN_REPLY_TIME_EXCEEDED, hop->addr);
	}
	return true;
}

static inline void fake_answer(struct fake *f, const struct wn_probe *p)
{
	struct wn_reply r;

	if (fake_reply_to(f, p, &r))
		fake_deliver(f, f->hops[p->ttl < f->length ? p->ttl : f->length].rtt_ns, &r);
}

static inline void fake_settle(struct fake *f, uint64_t id)
{
	if (id < FAKE_PROBES && f->pending[id]) {
		f->pending[id] = 0;
		f->outstanding--;
	}
}

static inline void fake_take_event(struct fake *f, const struct wn_event *ev)
{
	if (wn_result_apply(f->result, ev) != WN_OK)
		abort();
	f->counts[ev->kind]++;
	if (ev->kind == WN_EV_REPLY || ev->kind == WN_EV_TIMEOUT || ev->kind == WN_EV_FAILED)
		fake_settle(f, ev->probe_id);
	if (ev->kind == WN_EV_STOP)
		f->stop = *ev;
	if (ev->kind == WN_EV_END)
		f->end = *ev;
	if (f->event)
		f->event(f, ev);
}

static inline void fake_send_one(struct fake *f, const struct wn_probe *p)
{
	wn_err err = f->send ? f->send(f, p) : WN_OK;

	if (err != WN_OK) {
		wn_trace_failed(f->trace, p->id, err, 0, f->now_ns);
		return;
	}
	if (f->sent_count == FAKE_PROBES)
		abort();
	f->sent[f->sent_count] = *p;
	f->sent_ns[f->sent_count++] = f->now_ns;
	if (p->id < FAKE_PROBES) {
		f->pending[p->id] = 1;
		if (++f->outstanding > f->peak)
			f->peak = f->outstanding;
	}
	wn_trace_sent(f->trace, p->id, f->now_ns, WN_CLOCK_SIM);
	if (f->network)
		f->network(f, p);
	else
		fake_answer(f, p);
}

static inline void fake_receive(struct fake *f)
{
	struct wn_heap_item item;

	while (wn_heap_peek(&f->heap) && wn_heap_peek(&f->heap)->at_ns <= f->now_ns) {
		const struct fake_delivery *d;
		enum wn_claim claim;

		wn_heap_pop(&f->heap, &item);
		d = &f->slots[item.value];
		claim = wn_trace_reply(f->trace, &d->reply, d->at_ns, WN_CLOCK_SIM, f->now_ns);
		if (f->claim_count < sizeof(f->claims) / sizeof(f->claims[0]))
			f->claims[f->claim_count++] = claim;
	}
}

static inline void fake_start(struct fake *f)
{
	struct wn_errctx ctx = {0};

	if (wn_trace_new(&f->params, &f->key, f->now_ns, &f->trace, &ctx) != WN_OK)
		abort();
	f->result = wn_result_new(NULL);
	if (!f->result)
		abort();
}

/* Runs until the engine is done or the given time; replies arrive when they are due. */
static inline void fake_run_until(struct fake *f, uint64_t until_ns)
{
	struct wn_probe batch[FAKE_BATCH];
	size_t batched = 0;
	struct wn_act act;

	for (size_t step = 0; step < FAKE_STEPS; step++) {
		uint64_t next;

		switch (f->next ? f->next(f, &act) : wn_trace_next(f->trace, f->now_ns, &act)) {
		case WN_ACT_SEND:
			batch[batched++] = act.probe;
			if (batched < FAKE_BATCH)
				continue;
			break;
		case WN_ACT_EMIT:
			fake_take_event(f, &act.event);
			continue;
		case WN_ACT_DONE:
			f->done = true;
			return;
		case WN_ACT_WAIT:
			break;
		}
		if (batched > 0) {
			for (size_t i = 0; i < batched; i++)
				fake_send_one(f, &batch[i]);
			batched = 0;
			continue;
		}
		next = act.until_ns;
		if (wn_heap_peek(&f->heap) && wn_heap_peek(&f->heap)->at_ns < next)
			next = wn_heap_peek(&f->heap)->at_ns;
		if (next <= f->now_ns && act.until_ns <= f->now_ns)
			abort(); /* it asked to wait for the past */
		if (next > until_ns) {
			f->now_ns = until_ns;
			return;
		}
		if (next > f->now_ns)
			f->now_ns = next;
		fake_receive(f);
	}
	abort();
}

static inline void fake_run(struct fake *f)
{
	if (!f->trace)
		fake_start(f);
	fake_run_until(f, UINT64_MAX - 1);
}

static inline const struct wn_counters *fake_counted(const struct fake *f)
{
	return &f->end.u.end.counters;
}

/* Of all counters. */
static inline uint64_t fake_counter_sum(const struct fake *f)
{
	uint64_t n = 0;

#define X(field, text) n += fake_counted(f)->field;
	WN_COUNTER_LIST(X)
#undef X
	return n;
}

/* Milliseconds from the start to the end. */
static inline uint64_t fake_took_ms(const struct fake *f)
{
	return f->end.at_ns / FAKE_MS;
}

#endif
