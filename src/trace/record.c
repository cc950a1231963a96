/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record of 32 bytes per probe. What a probe looks like follows from the parameters, the
 * key and (ttl, number, salt), so it is rebuilt when needed and never stored. Two hash tables
 * chain the records by tag and by cookie. A probe's id is its index plus a multiple of the
 * table's size, so that a record used again gets a new id.
 */
#include "trace/trace_priv.h"

#include <assert.h>
#include <string.h>

#define SALT_TRIES 64 /* a 16-bit tag may have to be shared once most are taken */

void wn_trace_rec_init(struct wn_trace *t)
{
	memset(t->tag_heads, 0xff, (t->index_mask + 1u) * sizeof(*t->tag_heads));
	memset(t->cookie_heads, 0xff, (t->index_mask + 1u) * sizeof(*t->cookie_heads));
	t->free_head = t->say_head = t->say_tail = NO_REC;
	t->ask_head = t->ask_tail = NO_REC;
}

uint64_t wn_trace_rec_id(const struct wn_trace *t, uint16_t index)
{
	return index + (uint64_t)t->recs[index].gen * t->rec_cap;
}

struct rec *wn_trace_rec(struct wn_trace *t, uint64_t id, uint16_t *out_index)
{
	uint64_t index = id % t->rec_cap;

	if (index >= t->rec_count || t->recs[index].state == REC_FREE ||
		t->recs[index].gen != id / t->rec_cap)
		return NULL;
	*out_index = (uint16_t)index;
	return &t->recs[index];
}

/* The flow's number picks another path in every protocol; 0 and 0xffff stay out of checksums. */
static void fixed_flow(const struct params *p, uint32_t flow, struct wn_probe *out)
{
	uint32_t ports = flow & ((1u << WN_FLOW_LABEL_SHIFT) - 1), label = flow;

	if (flow >> WN_FLOW_LABEL_SHIFT)
		label = (flow >> WN_FLOW_LABEL_SHIFT) - 1;
	out->flow = flow;
	out->sport = (uint16_t)(p->sport + ports);
	if (p->proto == WN_PROTO_ICMP) {
		uint32_t base = p->flow_checksum + 0xfffdu;

		out->sport = p->sport;
		out->checksum = (uint16_t)(1 + (base + ports) % 0xfffe);
	}
	if (p->dst.family == 6)
		out->flow_label = wn_flow_label(p->flow_label, label);
}

static void classic_flow(const struct params *p, uint64_t id, struct wn_probe *out)
{
	out->flow = (uint32_t)id;
	if (p->proto == WN_PROTO_UDP)
		out->dport = (uint16_t)(p->dport + id % (0x10000u - p->dport));
	else if (p->proto == WN_PROTO_TCP)
		out->sport = (uint16_t)(p->sport + id % CLASSIC_SPORTS);
}

/* IP-ID 0 would be the kernel's to choose. */
static void name_like_dublin(struct wn_probe *p)
{
	uint16_t id = (uint16_t)wn_probe_tag(p);

	if (p->dst.family == 4)
		p->ip_id = id ? id : p->ip_id;
	else if (p->proto != WN_PROTO_TCP)
		p->size = (uint16_t)(p->size + p->ttl);
}

/*
 * Numbers that the connection gives: one byte for each probe and one left out before it, so that
 * no two bytes touch and what the target has got is told one by one. What never left may be used
 * again.
 */
static void in_connection(const struct params *p, uint16_t index, struct wn_probe *out)
{
	out->tcp_seq = WN_SACK_SEQ(p->tcp_seq, index);
	out->tcp_ack = p->tcp_ack;
	out->tcp_tsval = 0;
}

void wn_trace_rec_probe(const struct wn_trace *t, uint16_t index, struct wn_probe *out)
{
	const struct params *p = &t->params;
	const struct rec *rec = &t->recs[index];

	*out = (struct wn_probe){
		.id = wn_trace_rec_id(t, index),
		.src = p->src,
		.dst = p->dst,
		.proto = p->proto,
		.ttl = rec->ttl,
		.tos = p->tos,
		.df = p->df,
		.flow_label = p->flow_label,
		.size = t->more && t->more[index].size ? t->more[index].size : p->size,
		.sport = p->sport,
		.dport = p->dport,
		.pattern = p->pattern,
		.plain = p->plain,
		.tcp_flags = p->tcp_flags,
		.tcp_options = p->tcp_options,
		.mark = p->mark,
	};
	if (wn_flow_is_fixed(p->flow_mode))
		fixed_flow(p, t->more ? t->more[index].flow : p->flow, out);
	else
		classic_flow(p, out->id, out);
	if (p->proto == WN_PROTO_ICMP) {
		out->icmp_id = out->sport;
		out->sport = out->dport = 0;
	}
	wn_probe_stamp(out, &t->key, rec->number, rec->salt);
	/* Too small for a checksum of our choice: a single probe, which its socket knows. */
	if (p->proto != WN_PROTO_TCP && wn_probe_payload_size(out) < 2)
		out->checksum = 0;
	if (p->flow_mode == WN_FLOW_DUBLIN)
		name_like_dublin(out);
	if (p->tcp_method == WN_TCP_METHOD_SACK)
		in_connection(p, index, out);
}

void wn_trace_rec_tell(const struct wn_trace *t, uint16_t index, struct wn_probe *out)
{
	const struct caps *caps = &t->params.caps;

	wn_trace_rec_probe(t, index, out);
	if (!caps->sends_ip_id)
		out->ip_id = 0;
	/* Whoever does not write the checksum of TCP does not write its header. */
	if (out->proto != WN_PROTO_TCP || caps->sends_checksum)
		return;
	out->tcp_seq = out->tcp_tsval = 0;
	out->tcp_options = 0;
}

static uint16_t tag_slot(const struct wn_trace *t, uint32_t tag)
{
	return (uint16_t)((tag ^ tag >> 16) & t->index_mask);
}

static uint16_t cookie_slot(const struct wn_trace *t, const uint8_t cookie[8])
{
	return (uint16_t)(wn_cookie_u64(cookie) & t->index_mask);
}

uint16_t wn_trace_rec_by_tag(const struct wn_trace *t, uint32_t tag, uint16_t from)
{
	uint16_t i = from == NO_REC ? t->tag_heads[tag_slot(t, tag)] : t->recs[from].tag_next;

	while (i != NO_REC && t->recs[i].tag != tag)
		i = t->recs[i].tag_next;
	return i;
}

bool wn_trace_rec_has_cookie(const struct wn_trace *t, uint16_t index, const uint8_t cookie[8])
{
	struct wn_probe probe;

	wn_trace_rec_probe(t, index, &probe);
	return memcmp(probe.cookie, cookie, sizeof(probe.cookie)) == 0;
}

uint16_t wn_trace_rec_by_cookie(const struct wn_trace *t, const uint8_t cookie[8])
{
	uint16_t i = t->cookie_heads[cookie_slot(t, cookie)];

	while (i != NO_REC && !wn_trace_rec_has_cookie(t, i, cookie))
		i = t->recs[i].cookie_next;
	return i;
}

static void stamp(struct wn_trace *t, uint16_t index, struct wn_probe *probe)
{
	struct rec *rec = &t->recs[index];

	for (rec->salt = 0;; rec->salt++) {
		wn_trace_rec_probe(t, index, probe);
		rec->tag = wn_probe_tag(probe);
		if (rec->salt == SALT_TRIES || wn_trace_rec_by_tag(t, rec->tag, NO_REC) == NO_REC)
			return;
	}
}

uint16_t wn_trace_rec_new(struct wn_trace *t, const struct wn_ask *ask)
{
	uint16_t index = t->free_head, *head;
	struct wn_probe probe;
	struct rec *rec;
	uint8_t gen = 0;

	if (index != NO_REC) {
		t->free_head = t->recs[index].tag_next;
		gen = t->recs[index].gen;
	} else if (t->rec_count < t->rec_cap) {
		index = t->rec_count++;
	} else {
		return NO_REC;
	}
	rec = &t->recs[index];
	*rec = (struct rec){
		.number = ask->number,
		.say_next = NO_REC,
		.ttl = ask->ttl,
		.gen = gen,
		.state = REC_OFFERED,
	};
	if (t->more)
		t->more[index] = (struct more){.flow = ask->flow, .size = ask->size};
	stamp(t, index, &probe);
	head = &t->tag_heads[tag_slot(t, rec->tag)];
	rec->tag_next = *head;
	*head = index;
	head = &t->cookie_heads[cookie_slot(t, probe.cookie)];
	rec->cookie_next = *head;
	*head = index;
	return index;
}

void wn_trace_rec_recycle(struct wn_trace *t, uint16_t index)
{
	struct rec *rec = &t->recs[index];
	struct wn_probe probe;
	uint16_t *link;

	assert(rec->state == REC_AGAIN || (rec->state == REC_FAILED && rec->gen < UINT8_MAX));
	wn_trace_rec_probe(t, index, &probe);
	for (link = &t->tag_heads[tag_slot(t, rec->tag)]; *link != index;
		link = &t->recs[*link].tag_next)
		;
	*link = rec->tag_next;
	for (link = &t->cookie_heads[cookie_slot(t, probe.cookie)]; *link != index;
		link = &t->recs[*link].cookie_next)
		;
	*link = rec->cookie_next;
	/* An id that no event has named may come again. */
	if (rec->state == REC_FAILED)
		rec->gen++;
	rec->state = REC_FREE;
	rec->tag_next = t->free_head;
	t->free_head = index;
}
