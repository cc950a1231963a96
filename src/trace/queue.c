/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies and notes wait here until next() emits them, first in first out, in a bounded ring of
 * bytes. An event is large (a reply has room for many extension objects) and mostly zero, and
 * what a reply quotes is mostly what we sent. So a reply is stored as its difference from the
 * one expected for its probe, and zero bytes are left out: per 512 bytes one mask byte that tells
 * which 64 are not all zero, per 64 one that tells which 8, per 8 one that tells which. A usual
 * reply takes about 40 bytes (IPv6: 55), and one with many extension objects what it needs.
 */
#include "trace/trace_priv.h"

#include <string.h>

#define EVENT_BYTES  sizeof(struct wn_event)
#define PADDED	     ((EVENT_BYTES + 511) / 512 * 512)
#define ENTRY_HEADER 4

_Static_assert(PADDED + PADDED / 4 < 0x8000, "the longest entry fits its length field");

struct entry {
	uint16_t rec; /* whose reply; NO_REC: stored as it is */
	bool quote;   /* it quotes the probe, or else is a direct answer */
	uint32_t len; /* of what follows the header */
};

static void put(struct wn_trace *t, uint32_t at, uint8_t byte)
{
	t->queue[(t->queue_at + at) % t->queue_cap] = byte;
}

static uint8_t get(const struct wn_trace *t, uint32_t at)
{
	return t->queue[(t->queue_at + at) % t->queue_cap];
}

static void expected_tcp(const struct wn_probe *p, struct wn_quote *q)
{
	q->tcp_flags = wn_tcp_flags(p);
	q->tcp_opts.whole = true;
	q->tcp_opts.set = p->tcp_options;
	if (p->tcp_options & WN_TCP_OPT_MSS)
		q->tcp_opts.mss = wn_tcp_mss(p->dst.family);
	if (p->tcp_options & WN_TCP_OPT_WSCALE)
		q->tcp_opts.wscale = WN_TCP_WSCALE;
	q->tcp_opts.tsval = p->tcp_tsval;
}

static void expected_quote(const struct wn_probe *p, struct wn_quote *q)
{
	q->present = q->l4_present = true;
	q->src = p->src;
	q->dst = p->dst;
	q->ttl = 1;
	q->tos = p->tos;
	q->length = q->quoted_bytes = p->size;
	q->ip_id = p->dst.family == 4 ? p->ip_id : 0;
	q->df = p->df;
	q->flow_label = p->flow_label;
	q->sport = p->sport;
	q->dport = p->dport;
	q->checksum = p->checksum;
	q->icmp_id = p->icmp_id;
	q->icmp_seq = p->icmp_seq;
	q->tcp_seq = p->tcp_seq;
	q->payload_present = p->proto != WN_PROTO_TCP;
	if (p->proto == WN_PROTO_TCP)
		expected_tcp(p, q);
	if (q->payload_present)
		memcpy(q->cookie, p->cookie, sizeof(p->cookie));
}

/* What a back end would hand over if all went as expected, as far as it does not vary. */
static void expected(const struct wn_trace *t, uint16_t rec, bool quote, struct wn_reply *out)
{
	struct wn_probe p;

	memset(out, 0, sizeof(*out));
	wn_trace_rec_probe(t, rec, &p);
	out->to = p.src;
	out->from = p.dst;
	out->hint_id = WN_HINT_NONE;
	if (quote) {
		expected_quote(&p, &out->quote);
		return;
	}
	out->sport = p.dport;
	out->dport = p.sport;
	out->icmp_id = p.icmp_id;
	out->icmp_seq = p.icmp_seq;
	out->tcp_seq = p.tcp_ack;
	out->tcp_ack = p.tcp_seq + 1;
	out->tcp_tsecr = p.tcp_tsval;
	if (t->params.tcp_method == WN_TCP_METHOD_SACK) {
		out->tcp_ack = t->params.tcp_seq;
		out->tcp_sack[0] = (struct wn_sack){p.tcp_seq, p.tcp_seq + 1};
	}
	if (p.proto != WN_PROTO_TCP)
		memcpy(out->cookie, p.cookie, sizeof(p.cookie));
}

/* XOR twice gives the event back, padding and all. */
static void difference(const struct wn_trace *t, const struct entry *e, uint8_t bytes[PADDED])
{
	struct wn_reply reply;
	const uint8_t *r;
	uint8_t *at = bytes + offsetof(struct wn_event, u.reply.reply);

	if (e->rec == NO_REC)
		return;
	expected(t, e->rec, e->quote, &reply);
	r = (const uint8_t *)&reply;
	for (size_t i = 0; i < sizeof(reply); i++)
		at[i] ^= r[i];
}

/* Which of eight neighbours are not all zero. */
static uint8_t mask_of(const uint8_t *p, size_t step)
{
	static const uint8_t zero[64];
	uint8_t mask = 0;

	for (unsigned i = 0; i < 8; i++)
		mask = (uint8_t)(mask | (memcmp(p + i * step, zero, step) != 0) << i);
	return mask;
}

/* Where packed bytes go; only counted where the ring has no room for them. */
struct sink {
	struct wn_trace *t; /* NULL: count */
	uint32_t at;
};

static void emit(struct sink *s, uint8_t byte)
{
	if (s->t)
		put(s->t, s->at, byte);
	s->at++;
}

/* A mask of eight parts, then each that is not zero: parts of step bytes, down to single ones. */
static void pack(struct sink *s, const uint8_t *bytes, size_t step)
{
	uint8_t mask = mask_of(bytes, step);

	emit(s, mask);
	for (unsigned i = 0; i < 8; i++) {
		if (!(mask >> i & 1))
			continue;
		if (step == 1)
			emit(s, bytes[i]);
		else
			pack(s, bytes + i * step, step / 8);
	}
}

static void unpack(const struct wn_trace *t, uint32_t *at, uint8_t *bytes, size_t step)
{
	uint8_t mask = get(t, (*at)++);

	for (unsigned i = 0; i < 8; i++) {
		if (!(mask >> i & 1))
			continue;
		if (step == 1)
			bytes[i] = get(t, (*at)++);
		else
			unpack(t, at, bytes + i * step, step / 8);
	}
}

static struct entry read_header(const struct wn_trace *t)
{
	return (struct entry){
		.rec = (uint16_t)(get(t, 0) << 8 | get(t, 1)),
		.quote = get(t, 2) & 0x80,
		.len = (uint32_t)(get(t, 2) & 0x7f) << 8 | get(t, 3),
	};
}

static void write_header(struct wn_trace *t, uint32_t at, const struct entry *e)
{
	put(t, at, (uint8_t)(e->rec >> 8));
	put(t, at + 1, (uint8_t)e->rec);
	put(t, at + 2, (uint8_t)(e->quote << 7 | e->len >> 8));
	put(t, at + 3, (uint8_t)e->len);
}

bool wn_trace_queue_push(struct wn_trace *t, const struct wn_event *ev, uint16_t rec, uint32_t keep)
{
	uint8_t bytes[PADDED] = {0};
	struct entry e = {.rec = rec};
	struct sink count = {0}, ring = {t, t->queue_len + ENTRY_HEADER};

	if (rec != NO_REC)
		e.quote = ev->u.reply.reply.quote.present;
	memcpy(bytes, ev, EVENT_BYTES);
	difference(t, &e, bytes);
	for (size_t i = 0; i < PADDED; i += 512)
		pack(&count, bytes + i, 64);
	e.len = count.at;
	if (e.len + ENTRY_HEADER + keep > t->queue_cap - t->queue_len)
		return false;
	write_header(t, t->queue_len, &e);
	for (size_t i = 0; i < PADDED; i += 512)
		pack(&ring, bytes + i, 64);
	t->queue_len += e.len + ENTRY_HEADER;
	return true;
}

bool wn_trace_queue_pop(struct wn_trace *t, struct wn_event *ev)
{
	uint8_t bytes[PADDED] = {0};
	uint32_t at = ENTRY_HEADER;
	struct entry e;

	if (t->queue_len == 0)
		return false;
	e = read_header(t);
	for (size_t i = 0; i < PADDED; i += 512)
		unpack(t, &at, bytes + i, 64);
	difference(t, &e, bytes);
	memcpy(ev, bytes, EVENT_BYTES);
	t->queue_at = (t->queue_at + ENTRY_HEADER + e.len) % t->queue_cap;
	t->queue_len -= ENTRY_HEADER + e.len;
	return true;
}
