/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single probes under any sequence of starts, cancels, failures, true and false answers and waits:
 * each ends exactly once, a true answer ends the one it is about, a false one none, and nothing is
 * left when the network falls silent.
 */
#include "prop.h"

#include <string.h>
#include "base/cursor.h"
#include "packet/wire.h"
#include "trace/single.h"

#define PROBES 96
#define MS     UINT64_C(1000000)
#define SPORT  40000
#define SPAN   4

struct one {
	uint64_t id;
	struct wn_probe probe;
	bool started, out, held, ended, canceled;
};

struct world {
	struct wn_rd in;
	struct wn_single *s;
	enum wn_proto proto;
	uint8_t family;
	uint64_t now_ns;
	struct one at[PROBES];
	uint32_t count, live;
};

static struct wn_addr target(const struct world *w, uint8_t which)
{
	struct wn_addr a = wn_addr_v4(0xcb007100u + which % 4);

	a.family = w->family;
	return a;
}

static void add(struct world *w)
{
	struct one *o = &w->at[w->count];
	uint8_t bits = wn_rd_u8(&w->in);
	struct wn_single_spec spec = {
		.probe = {.src = target(w, 9),
			.dst = target(w, bits),
			.ttl = (uint8_t)(bits & 4 ? wn_rd_u8(&w->in) : 7),
			.size = (uint16_t)(bits & 8 ? wn_rd_u8(&w->in) : 64),
			.dport = (uint16_t)(w->proto == WN_PROTO_TCP || bits & 16 ? 53 : 0),
			.sport = (uint16_t)(bits & 32 ? 5000 : 0),
			.plain = bits & 64},
		.wait_ns = wn_rd_u8(&w->in) * 20 * MS,
		.user = o,
	};
	wn_err err;

	if (w->count == PROBES)
		return;
	err = wn_single_add(w->s, &spec, w->now_ns, &o->id);
	prop_check(err == (spec.probe.ttl ? WN_OK : WN_ERANGE));
	if (err != WN_OK)
		return;
	o->started = true;
	w->count++;
	w->live++;
}

static void take_end(struct world *w, const struct wn_single_end *end)
{
	struct one *o = end->user;

	prop_check(o >= w->at && o < w->at + w->count && o->id == end->id);
	prop_check(o->started && !o->ended);
	prop_check((end->reply != NULL) == (end->kind == WN_SINGLE_REPLY));
	prop_check(end->ended_ns >= end->added_ns);
	prop_check(end->rtt_ns <= (int64_t)(end->ended_ns - end->added_ns));
	prop_check((end->kind == WN_SINGLE_CANCELED) <= o->canceled);
	o->ended = true;
	w->live--;
}

static void take_ends(struct world *w)
{
	struct wn_single_end end;

	while (wn_single_end(w->s, w->now_ns, &end))
		take_end(w, &end);
	prop_check(wn_single_count(w->s) == w->live);
}

static struct one *find(struct world *w, uint64_t id)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->at[i].id == id)
			return &w->at[i];
	return NULL;
}

static void send_some(struct world *w)
{
	for (unsigned n = wn_rd_u8(&w->in) % 8; n > 0 && wn_single_ready(w->s, w->now_ns); n--) {
		struct wn_probe p;
		uint8_t fate = wn_rd_u8(&w->in);
		struct one *o;

		o = find(w, wn_single_peek(w->s)->id);
		if (fate % 16 == 1) {
			prop_check(o && !o->ended);
			o->held = true;
			wn_single_hold(w->s, o);
			continue;
		}
		wn_single_next(w->s, w->now_ns, &p);
		prop_check(o && o->id == p.id);
		prop_check(o && o->started && !o->ended);
		prop_check(wn_probe_check(&p, NULL) == WN_OK);
		o->probe = p;
		o->out = fate < 224;
		if (fate < 224)
			wn_single_sent(w->s, p.id, w->now_ns);
		else if (fate < 240)
			wn_single_failed(w->s, p.id, WN_EAGAIN, 11, w->now_ns);
		else
			wn_single_failed(w->s, p.id, WN_ENOROUTE, 101, w->now_ns);
	}
}

static void let_go(struct world *w, bool all)
{
	for (uint32_t i = 0; i < w->count; i++) {
		struct one *o = &w->at[i];

		if (!o->held || (!all && wn_rd_u8(&w->in) % 2))
			continue;
		o->held = false;
		prop_check((wn_single_go(w->s, o->id) == WN_OK) == (!o->ended && !o->canceled));
		prop_check(o->ended || o->canceled || wn_single_peek(w->s)->id == o->id);
	}
}

/* What a router that quotes so many bytes says. */
static void quote(const struct world *w, const struct wn_probe *p, bool whole, struct wn_reply *r)
{
	struct wn_quote *q = &r->quote;

	*r = (struct wn_reply){.kind = WN_REPLY_TIME_EXCEEDED,
		.from = wn_addr_v4(0x0a000001),
		.icmp_type = w->family == 4 ? 11 : 3};
	r->from.family = w->family;
	*q = (struct wn_quote){.present = true,
		.l4_present = true,
		.src = p->src,
		.dst = p->dst,
		.proto = wn_ip_proto(w->proto, w->family),
		.ip_id = p->ip_id,
		.sport = p->sport,
		.dport = p->dport,
		.checksum = p->checksum,
		.icmp_id = p->icmp_id,
		.icmp_seq = p->icmp_seq,
		.tcp_seq = p->tcp_seq};
	q->payload_present = whole && !p->plain && wn_probe_payload_size(p) >= 10;
	if (q->payload_present)
		memcpy(q->cookie, p->cookie, sizeof(q->cookie));
}

static void answer(struct world *w)
{
	struct one *o = w->count ? &w->at[wn_rd_u8(&w->in) % w->count] : NULL;
	bool whole = wn_rd_u8(&w->in) & 1, waits;
	struct wn_single_end end;
	struct wn_reply r;

	if (!o || !o->probe.ttl)
		return;
	waits = o->out && !o->ended && !o->canceled;
	quote(w, &o->probe, whole, &r);
	/* UDP to one port: 16 bits of checksum are natural ones where nothing compensates. */
	if (!wn_single_reply(w->s, &r, w->now_ns + 5, w->now_ns, &end)) {
		prop_check(!waits);
		return;
	}
	take_end(w, &end);
	prop_check(!waits || end.user == o);
	prop_check(end.rtt_ns >= -1 && !end.reached);
}

/* Of what a stranger can guess nothing is taken for an answer. */
static void forge(struct world *w)
{
	struct one *o = w->count ? &w->at[wn_rd_u8(&w->in) % w->count] : NULL;
	struct wn_single_end end;
	struct wn_reply r;

	if (!o || !o->probe.ttl || w->family != 4 || w->proto == WN_PROTO_TCP)
		return;
	quote(w, &o->probe, wn_rd_u8(&w->in) & 1, &r);
	r.quote.ip_id ^= 0x1111;
	r.quote.cookie[3] ^= 0x40;
	r.quote.checksum ^= w->proto == WN_PROTO_UDP ? 0x0101 : 0;
	prop_check(!wn_single_reply(w->s, &r, w->now_ns, w->now_ns, &end));
}

static void garbage(struct world *w)
{
	struct wn_single_end end;
	struct wn_reply r;

	memset(&r, 0, sizeof(r));
	r.kind = (enum wn_reply_kind)(wn_rd_u8(&w->in) % (WN_REPLY_KINDS + 1));
	r.from = target(w, wn_rd_u8(&w->in));
	r.checksum_bad = wn_rd_u8(&w->in) & 1;
	r.sport = (uint16_t)(wn_rd_u8(&w->in) & 1 ? 53 : 33000);
	r.dport = r.icmp_id = (uint16_t)(SPORT + wn_rd_u8(&w->in) % 5);
	r.icmp_seq = (uint16_t)(33000 + wn_rd_u8(&w->in));
	r.tcp_flags = wn_rd_u8(&w->in);
	r.tcp_ack = wn_rd_be32(&w->in);
	r.quote.present = r.quote.l4_present = true;
	r.quote.proto = wn_rd_u8(&w->in);
	if (wn_single_reply(w->s, &r, w->now_ns, w->now_ns, &end))
		take_end(w, &end);
}

static void cancel(struct world *w)
{
	struct one *o = w->count ? &w->at[wn_rd_u8(&w->in) % w->count] : NULL;

	if (!o)
		return;
	prop_check(wn_single_cancel(w->s, o->id) == (o->ended ? WN_ENOENT : WN_OK));
	o->canceled = true;
}

static void step(struct world *w)
{
	switch (wn_rd_u8(&w->in) % 8) {
	case 0:
	case 1:
		add(w);
		break;
	case 2:
		let_go(w, false);
		send_some(w);
		break;
	case 3:
		answer(w);
		break;
	case 4:
		forge(w);
		break;
	case 5:
		garbage(w);
		break;
	case 6:
		cancel(w);
		break;
	default:
		w->now_ns += wn_rd_u8(&w->in) * 10 * MS;
		take_ends(w);
		break;
	}
}

/* Nothing answers any more. */
static void finish(struct world *w)
{
	let_go(w, true);
	for (unsigned i = 0; i < 2000 && w->live > 0; i++) {
		uint64_t next = wn_single_next_ns(w->s);
		struct wn_probe p;

		prop_check(next != UINT64_MAX);
		w->now_ns = next > w->now_ns ? next : w->now_ns;
		for (; wn_single_ready(w->s, w->now_ns); wn_single_sent(w->s, p.id, w->now_ns))
			wn_single_next(w->s, w->now_ns, &p);
		w->now_ns += 100 * MS;
		take_ends(w);
	}
	prop_check(w->live == 0);
}

int prop_single(const uint8_t *data, size_t size)
{
	struct world *w;
	struct wn_single_config c = {.sport = SPORT, .span = SPAN};
	static const struct wn_sipkey key = {{7, 1, 9}};
	static struct world space;
	uint8_t bits;

	w = &space;
	memset(w, 0, sizeof(*w));
	w->now_ns = 1000 * MS;
	wn_rd_init(&w->in, data, size);
	bits = wn_rd_u8(&w->in);
	w->family = bits & 1 ? 6 : 4;
	w->proto = c.proto = (enum wn_proto)(bits / 2 % WN_PROTO_COUNT);
	c.limit = bits & 128 ? 3 : 64;
	c.key = key;
	prop_check(wn_single_new(&c, w->now_ns, &w->s) == WN_OK);
	while (wn_rd_left(&w->in) > 0)
		step(w);
	take_ends(w);
	finish(w);
	wn_single_free(w->s);
	return 0;
}
