/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address translation. A box that translates an error back may forget the packet quoted in it, so
 * that addresses or ports in quotes are others than were sent; or it translates those back but not
 * the checksum, which then tells that they were others (the NAT id of dublin-traceroute). Behind
 * destination NAT as Linux does it all errors come from the target's address. What a box translates
 * back without a trace is not to be seen.
 * Each change of any of these from hop to hop is a box; those at one place are one.
 */
#include "multipath/find_int.h"

#include <assert.h>

/* Equal addresses have equal numbers, as sent is 0. */
static int64_t address_value(const struct wn_addr *sent, const struct wn_addr *quoted)
{
	return wn_addr_eq(sent, quoted) ? 0 : (int64_t)(wn_addr_hash(quoted) | 1);
}

static const struct wn_addr *sent_src(const struct wn_finder *f, const struct wn_seen *s)
{
	const struct wn_addr *src = &wn_seen_probe(f, s)->probe.src;

	return src->family ? src : &f->r->params.src;
}

static bool read_src(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);
	const struct wn_addr *src = sent_src(f, s);

	if (!q || q->src.family == 0 || src->family == 0)
		return false;
	*out_sent = 0;
	*out_is = address_value(src, &q->src);
	return true;
}

static bool read_dst(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);

	if (!q || q->dst.family == 0)
		return false;
	*out_sent = 0;
	*out_is = address_value(&wn_seen_probe(f, s)->probe.dst, &q->dst);
	return true;
}

/* The port, of ICMP the identifier, as a difference: boxes give each flow another. */
static bool read_sport(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_l4(f, s);
	const struct wn_probe *p = &wn_seen_probe(f, s)->probe;
	bool icmp = p->proto == WN_PROTO_ICMP;

	if (!q || (icmp && !f->r->params.caps.sends_icmp_id))
		return false;
	*out_sent = 0;
	*out_is = icmp ? (uint16_t)(q->icmp_id - p->icmp_id) : (uint16_t)(q->sport - p->sport);
	if (f->r->params.flow_mode == WN_FLOW_CLASSIC)
		*out_is = *out_is != 0;
	return true;
}

static bool read_dport(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_l4(f, s);
	const struct wn_probe *p = &wn_seen_probe(f, s)->probe;

	if (!q || p->proto == WN_PROTO_ICMP)
		return false;
	*out_sent = 0;
	*out_is = (uint16_t)(q->dport - p->dport);
	if (f->r->params.flow_mode == WN_FLOW_CLASSIC)
		*out_is = *out_is != 0;
	return true;
}

static bool read_sum(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	uint16_t residue;

	if (f->varied[s->lane] || !wn_find_residue(f, s, &residue))
		return false;
	*out_sent = 0;
	*out_is = residue;
	return true;
}

/* The target does not complain about the TTL of what it gets. */
static bool read_answers(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_reply_rec *reply = wn_seen_reply(f, s);

	if (!reply || reply->kind != WN_REPLY_TIME_EXCEEDED)
		return false;
	*out_sent = 0;
	*out_is = wn_addr_eq(
		&f->r->responders[reply->responder].addr, &wn_seen_probe(f, s)->probe.dst);
	return true;
}

/* ---- figures ---- */

static const struct wn_quote *quote_of(const struct wn_finder *f, uint32_t probe)
{
	uint32_t reply = f->r->probes[probe].first_reply;

	assert(reply != WN_NONE); /* what a change was read from */
	return &f->r->replies[reply].quote;
}

/* Before the change: as the last quote has it, or as it was sent. */
static void show_src(const struct wn_finder *f, const struct wn_change *c, struct wn_found_nat *out)
{
	const struct wn_addr *sent = &f->r->probes[c->probe_is].probe.src;

	out->src_was = sent->family ? *sent : f->r->params.src;
	if (c->probe_was != WN_NONE)
		out->src_was = quote_of(f, c->probe_was)->src;
	out->src_is = quote_of(f, c->probe_is)->src;
}

static void show_dst(const struct wn_finder *f, const struct wn_change *c, struct wn_found_nat *out)
{
	out->dst_was = f->r->probes[c->probe_is].probe.dst;
	if (c->probe_was != WN_NONE)
		out->dst_was = quote_of(f, c->probe_was)->dst;
	out->dst_is = quote_of(f, c->probe_is)->dst;
}

static uint16_t sport_of(const struct wn_quote *q, bool icmp)
{
	return icmp ? q->icmp_id : q->sport;
}

static void show_sport(
	const struct wn_finder *f, const struct wn_change *c, struct wn_found_nat *out)
{
	const struct wn_probe *p = &f->r->probes[c->probe_is].probe;
	bool icmp = p->proto == WN_PROTO_ICMP;

	out->sport_was = icmp ? p->icmp_id : p->sport;
	if (c->probe_was != WN_NONE)
		out->sport_was = sport_of(quote_of(f, c->probe_was), icmp);
	out->sport_is = sport_of(quote_of(f, c->probe_is), icmp);
}

static void show_dport(
	const struct wn_finder *f, const struct wn_change *c, struct wn_found_nat *out)
{
	out->dport_was = f->r->probes[c->probe_is].probe.dport;
	if (c->probe_was != WN_NONE)
		out->dport_was = quote_of(f, c->probe_was)->dport;
	out->dport_is = quote_of(f, c->probe_is)->dport;
}

static void show_sum(const struct wn_finder *f, const struct wn_change *c, struct wn_found_nat *out)
{
	(void)f;
	out->by_checksum = true;
	out->sum_was = (uint16_t)c->was;
	out->sum_is = (uint16_t)c->is;
}

static void show_answers(
	const struct wn_finder *f, const struct wn_change *c, struct wn_found_nat *out)
{
	(void)f;
	(void)c;
	out->by_answers = true;
}

static const struct sign {
	struct wn_trait trait;
	void (*show)(
		const struct wn_finder *f, const struct wn_change *c, struct wn_found_nat *out);
} signs[] = {
	{{.kind = WN_FINDING_NAT, .read = read_src}, show_src},
	{{.kind = WN_FINDING_NAT, .read = read_dst}, show_dst},
	{{.kind = WN_FINDING_NAT, .read = read_sport}, show_sport},
	{{.kind = WN_FINDING_NAT, .read = read_dport}, show_dport},
	{{.kind = WN_FINDING_NAT, .read = read_sum}, show_sum},
	{{.kind = WN_FINDING_NAT, .read = read_answers}, show_answers},
};

/* ---- boxes ---- */

/* A checksum alone has other explanations. */
static enum wn_certainty certainty_of(const struct sign *sign, const struct wn_change *c)
{
	enum wn_certainty certainty = wn_change_certainty(c);

	if (sign->show == show_sum && certainty < WN_POSSIBLE)
		certainty++;
	return certainty;
}

static struct wn_finding *find_box(
	const struct wn_finder *f, uint32_t first_box, const struct wn_change *c)
{
	for (uint32_t i = first_box; i < f->out->count; i++) {
		struct wn_finding *box = &f->out->list[i];

		if (box->before.ttl < c->first.ttl && c->before.ttl < box->first.ttl)
			return box;
	}
	return NULL;
}

/* Another sign of a box that is known: each narrows down where it is. */
static void add_sign(struct wn_finding *box, const struct wn_change *c)
{
	if (c->before.ttl > box->before.ttl)
		box->before = c->before;
	if (c->first.ttl < box->first.ttl)
		box->first = c->first;
	if (c->last.ttl > box->last.ttl)
		box->last = c->last;
	if (wn_change_hops(c) > box->hops)
		box->hops = wn_change_hops(c);
	if (c->quotes > box->probe_count)
		box->probe_count = c->quotes;
	if (c->flows > box->flows)
		box->flows = c->flows;
}

void wn_find_nat(struct wn_finder *f)
{
	uint32_t first_box = f->out->count;
	struct wn_changes changes;

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		wn_find_changes(f, &signs[i].trait, &changes);
		f->out->dropped += changes.dropped;
		for (uint32_t j = 0; j < changes.count; j++) {
			const struct wn_change *c = &changes.list[j];
			struct wn_finding *box = find_box(f, first_box, c);

			if (box) {
				add_sign(box, c);
			} else {
				box = wn_find_add(f, WN_FINDING_NAT);
				if (!box)
					continue;
				wn_find_from_change(f, c, box);
				box->certainty = WN_POSSIBLE;
			}
			if (certainty_of(&signs[i], c) < box->certainty)
				box->certainty = certainty_of(&signs[i], c);
			signs[i].show(f, c, &box->u.nat);
		}
	}
}
