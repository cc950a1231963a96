/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies and notes wait here until next() emits them, first in first out, in a bounded ring of
 * bytes. An event is large (a reply has room for many extension objects) and mostly zero, and
 * what a reply quotes is mostly what we sent. So a reply is stored as its difference from the
 * one expected for its probe, and zero bytes are left out: per 64 bytes one mask byte that tells
 * which groups of 8 follow, per group one that tells which bytes do. A usual reply takes about
 * 50 bytes, and one with many extension objects what it needs.
 */
#include "trace/trace_priv.h"

#include <string.h>

#define EVENT_BYTES  sizeof(struct wn_event)
#define BLOCKS	     ((EVENT_BYTES + 63) / 64)
#define ENTRY_HEADER 4 /* record, length */

static void put(struct wn_trace *t, uint32_t at, uint8_t byte)
{
	t->queue[(t->queue_at + at) % t->queue_cap] = byte;
}

static uint8_t get(const struct wn_trace *t, uint32_t at)
{
	return t->queue[(t->queue_at + at) % t->queue_cap];
}

/* What a back end would hand over if all went as expected, as far as it does not vary. */
static void expected(const struct wn_trace *t, uint16_t rec, struct wn_reply *out)
{
	struct wn_probe p;

	memset(out, 0, sizeof(*out));
	wn_trace_rec_probe(t, rec, &p);
	out->to = p.src;
	out->hint_id = WN_HINT_NONE;
	out->quote.present = out->quote.l4_present = out->quote.payload_present = true;
	out->quote.src = p.src;
	out->quote.dst = p.dst;
	out->quote.ttl = 1;
	out->quote.tos = p.tos;
	out->quote.length = p.size;
	out->quote.quoted_bytes = p.size;
	out->quote.ip_id = p.dst.family == 4 ? p.ip_id : 0;
	out->quote.df = p.df;
	out->quote.flow_label = p.flow_label;
	out->quote.sport = p.sport;
	out->quote.dport = p.dport;
	out->quote.checksum = p.checksum;
	out->quote.icmp_id = p.icmp_id;
	out->quote.icmp_seq = p.icmp_seq;
	out->quote.tcp_seq = p.tcp_seq;
	memcpy(out->quote.cookie, p.cookie, sizeof(p.cookie));
}

/* XOR twice gives the event back, padding and all. */
static void difference(const struct wn_trace *t, uint16_t rec, uint8_t bytes[BLOCKS * 64])
{
	struct wn_reply reply;
	const uint8_t *r = (const uint8_t *)&reply;
	uint8_t *at = bytes + offsetof(struct wn_event, u.reply.reply);

	expected(t, rec, &reply);
	for (size_t i = 0; i < sizeof(reply); i++)
		at[i] ^= r[i];
}

static uint8_t mask_of(const uint8_t *p, size_t step)
{
	static const uint8_t zero[8];
	uint8_t mask = 0;

	for (unsigned i = 0; i < 8; i++)
		mask = (uint8_t)(mask | (memcmp(p + i * step, zero, step) != 0) << i);
	return mask;
}

/* Writes when there is room; returns the length it has in any case. */
static uint32_t pack(
	struct wn_trace *t, uint32_t base, const uint8_t bytes[BLOCKS * 64], bool write)
{
	uint32_t n = 0;

	for (size_t b = 0; b < BLOCKS; b++) {
		uint8_t groups = mask_of(bytes + b * 64, 8);

		if (write)
			put(t, base + n, groups);
		n++;
		for (unsigned g = 0; g < 8; g++) {
			const uint8_t *p = bytes + b * 64 + g * 8;
			uint8_t mask = mask_of(p, 1);

			if (!mask)
				continue;
			if (write)
				put(t, base + n, mask);
			n++;
			for (unsigned i = 0; i < 8; i++) {
				if (!p[i])
					continue;
				if (write)
					put(t, base + n, p[i]);
				n++;
			}
		}
	}
	return n;
}

static void unpack(const struct wn_trace *t, uint32_t at, uint8_t bytes[BLOCKS * 64])
{
	memset(bytes, 0, BLOCKS * 64);
	for (size_t b = 0; b < BLOCKS; b++) {
		uint8_t groups = get(t, at++);

		for (unsigned g = 0; g < 8; g++) {
			uint8_t mask;

			if (!(groups >> g & 1))
				continue;
			mask = get(t, at++);
			for (unsigned i = 0; i < 8; i++)
				if (mask >> i & 1)
					bytes[b * 64 + g * 8 + i] = get(t, at++);
		}
	}
}

bool wn_trace_queue_push(struct wn_trace *t, const struct wn_event *ev, uint16_t rec)
{
	uint8_t bytes[BLOCKS * 64] = {0};
	uint32_t len, base = t->queue_len;

	memcpy(bytes, ev, EVENT_BYTES);
	if (rec != NO_REC)
		difference(t, rec, bytes);
	len = pack(t, 0, bytes, false);
	if (len + ENTRY_HEADER > t->queue_cap - t->queue_len)
		return false;
	put(t, base, (uint8_t)(rec >> 8));
	put(t, base + 1, (uint8_t)rec);
	put(t, base + 2, (uint8_t)(len >> 8));
	put(t, base + 3, (uint8_t)len);
	pack(t, base + ENTRY_HEADER, bytes, true);
	t->queue_len += len + ENTRY_HEADER;
	return true;
}

bool wn_trace_queue_pop(struct wn_trace *t, struct wn_event *ev)
{
	uint8_t bytes[BLOCKS * 64];
	uint32_t len;
	uint16_t rec;

	if (t->queue_len == 0)
		return false;
	rec = (uint16_t)(get(t, 0) << 8 | get(t, 1));
	len = ENTRY_HEADER + ((uint32_t)get(t, 2) << 8 | get(t, 3));
	unpack(t, ENTRY_HEADER, bytes);
	if (rec != NO_REC)
		difference(t, rec, bytes);
	memcpy(ev, bytes, EVENT_BYTES);
	t->queue_at = (t->queue_at + len) % t->queue_cap;
	t->queue_len -= len;
	return true;
}
