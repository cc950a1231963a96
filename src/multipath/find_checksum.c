/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checksum of UDP and ICMP probes goes out at a value we know. What a box changes correctly
 * changes the checksum by as much, so from the quoted addresses and ports it follows what the
 * quoted checksum should be. A residue that is the same in each packet of a flow comes from
 * something that stays the same (find_nat.c); one that differs from packet to packet, from the
 * payload. The checksum of TCP also covers options, which boxes change for other reasons: it is
 * left out.
 */
#include "multipath/find_int.h"

#include "packet/wire.h"

#define ONES	0xffffu /* is 0 in one's complement */

#define VARIED	1
#define CLEARED 2

static uint32_t sum_words(const struct wn_addr *a, uint16_t port)
{
	/* The bytes beyond an IPv4 address are zero. */
	return wn_csum_add(port, a->bytes, sizeof(a->bytes));
}

/* The sum of what a translator may change: addresses only where the checksum covers them. */
static uint32_t sum_ends(const struct wn_addr *src, const struct wn_addr *dst, uint16_t sport,
	uint16_t dport, bool covers_addresses)
{
	static const struct wn_addr none = {0};

	return sum_words(covers_addresses ? src : &none, sport) +
	       sum_words(covers_addresses ? dst : &none, dport);
}

static bool has_sum(const struct wn_finder *f, const struct wn_seen *s)
{
	const struct wn_quote *q = wn_seen_l4(f, s);
	const struct wn_probe *p = &wn_seen_probe(f, s)->probe;

	return q && p->checksum != 0 && p->proto != WN_PROTO_TCP &&
	       q->proto == wn_ip_proto(p->proto, p->dst.family) &&
	       f->r->params.caps.sends_checksum &&
	       (p->proto != WN_PROTO_ICMP || f->r->params.caps.sends_icmp_id);
}

/* RFC 768: a UDP datagram over IPv4 may have none. */
static bool is_cleared(const struct wn_finder *f, const struct wn_seen *s)
{
	const struct wn_probe *p = &wn_seen_probe(f, s)->probe;

	return p->proto == WN_PROTO_UDP && wn_seen_l4(f, s)->checksum == 0;
}

bool wn_find_residue(const struct wn_finder *f, const struct wn_seen *s, uint16_t *out)
{
	const struct wn_quote *q = wn_seen_l4(f, s);
	const struct wn_probe *p = &wn_seen_probe(f, s)->probe;
	const struct wn_addr *src = p->src.family ? &p->src : &f->r->params.src;
	bool icmp = p->proto == WN_PROTO_ICMP;
	bool covers = !icmp || p->dst.family == 6;
	uint32_t sum;

	if (!has_sum(f, s) || is_cleared(f, s) || src->family == 0)
		return false;
	/* checksum = ~sum: quoted - sent + (quoted ends - sent ends) */
	sum = sum_ends(&q->src, &q->dst, icmp ? q->icmp_id : q->sport, icmp ? 0 : q->dport, covers);
	sum += q->checksum;
	sum += wn_csum_finish(
		sum_ends(src, &p->dst, icmp ? p->icmp_id : p->sport, icmp ? 0 : p->dport, covers));
	sum += (uint16_t)~p->checksum;
	*out = (uint16_t)~wn_csum_finish(sum);
	if (*out == ONES)
		*out = 0;
	return true;
}

/* ---- from packet to packet ---- */

struct residues {
	uint32_t known, changes; /* of TTLs that have one; from one of them to the next */
	uint16_t last;
	bool torn; /* within a TTL */
};

static void look(const struct wn_finder *f, const struct wn_slice *slice, struct residues *out)
{
	uint16_t first = 0, residue;

	for (uint32_t i = 0; i < slice->count; i++) {
		if (!wn_find_residue(f, &f->seen[slice->first + i], &residue) || residue == 0)
			continue;
		if (first == 0)
			first = residue;
		else if (first != residue)
			out->torn = true;
	}
	if (first == 0)
		return;
	out->changes += out->known > 0 && first != out->last;
	out->last = first;
	out->known++;
}

/* Two packets of one TTL, or three hops in a row that all differ: no fixed box does that. */
void wn_find_varied(struct wn_finder *f)
{
	for (uint32_t lane = 0; lane < f->lane_count; lane++) {
		uint32_t at = f->lane_first[lane];
		struct residues r = {0};
		struct wn_slice slice;

		while (wn_find_slice(f, lane, &at, &slice))
			look(f, &slice, &r);
		f->varied[lane] = r.torn || (r.known >= 3 && r.changes == r.known - 1);
	}
}

/* ---- the trait ---- */

static bool read_checksum(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	uint16_t residue;

	if (!has_sum(f, s))
		return false;
	*out_sent = *out_is = 0;
	if (is_cleared(f, s))
		*out_is = CLEARED;
	else if (wn_find_residue(f, s, &residue) && residue != 0 && f->varied[s->lane])
		*out_is = VARIED;
	return true;
}

static enum wn_found_how how(int64_t value)
{
	return value == CLEARED ? WN_HOW_CLEARED : WN_HOW_VARIES;
}

void wn_find_checksum(struct wn_finder *f)
{
	static const struct wn_trait trait = {.kind = WN_FINDING_CHECKSUM, .read = read_checksum};
	uint32_t first = f->out->count;

	wn_find_trait(f, &trait, how);
	for (uint32_t i = first; i < f->out->count; i++) {
		struct wn_finding *finding = &f->out->list[i];
		uint32_t probe = wn_result_find_probe(f->r, finding->probes[0]);
		const struct wn_probe_rec *p = &f->r->probes[probe];

		finding->u.change.sent = finding->u.change.was = p->probe.checksum;
		finding->u.change.is = f->r->replies[p->first_reply].quote.checksum;
	}
}
