/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which probe a reply belongs to. Nothing here believes a reply: it must carry what only we and
 * the routers that saw the probe know. What is about our flow but lacks the proof is counted as
 * forged and goes no further; what is not about our flow is left to others.
 *
 * Where an unprivileged socket delivers no transport header, the kernel's own match by socket
 * stands in for the proof; such matches are weak unless the cookie came back too, or the kernel
 * checked the 32 bits of a TCP sequence number.
 */
#include "trace/trace_priv.h"

#include <string.h>

#include "packet/wire.h"

static const struct verdict not_ours = {.claim = WN_CLAIM_NO, .rec = NO_REC};
static const struct verdict counted = {.claim = WN_CLAIM_TAKEN, .rec = NO_REC};
static const struct verdict rejected = {.claim = WN_CLAIM_REJECTED, .rec = NO_REC};

static struct verdict accept(uint16_t rec, enum wn_match match)
{
	return (struct verdict){.claim = WN_CLAIM_TAKEN, .rec = rec, .match = match};
}

static struct verdict forged(struct wn_trace *t)
{
	t->counters.forged++;
	return rejected;
}

/* Ports as our probes carry them, whichever probe it is. */
static bool are_our_ports(const struct params *p, uint16_t sport, uint16_t dport)
{
	if (wn_flow_is_fixed(p->flow_mode))
		return (uint16_t)(sport - p->sport - p->flow) < (p->flows ? p->flows : 1) &&
		       dport == p->dport;
	if (p->proto == WN_PROTO_TCP)
		return (uint16_t)(sport - p->sport) < CLASSIC_SPORTS && dport == p->dport;
	return sport == p->sport && dport >= p->dport;
}

static bool is_our_quote(const struct wn_trace *t, const struct wn_quote *q)
{
	const struct params *p = &t->params;

	if (!wn_addr_eq(&q->dst, &p->dst))
		return false;
	if (p->proto == WN_PROTO_ICMP)
		return !p->caps.sends_icmp_id || q->icmp_id == p->sport;
	return are_our_ports(p, q->sport, q->dport);
}

static bool has_ports_of(const struct wn_probe *probe, uint16_t sport, uint16_t dport)
{
	return probe->proto == WN_PROTO_ICMP || (probe->sport == sport && probe->dport == dport);
}

/* A single probe may be too small for one, or have another payload throughout. */
static bool sends_cookie(const struct wn_trace *t)
{
	const struct params *p = &t->params;

	return !p->plain && p->size >= wn_probe_min_size(p->dst.family, p->proto);
}

/*
 * Zeros where the cookie should be are no cookie: a router that quotes 8 bytes and adds extensions
 * pads its quote with them (RFC 4884 section 3).
 */
static bool has_cookie(const struct wn_trace *t, const struct wn_quote *q)
{
	return q->present && q->payload_present && t->params.proto != WN_PROTO_TCP &&
	       sends_cookie(t) && wn_cookie_u64(q->cookie) != 0;
}

static bool is_waited_for(const struct rec *rec)
{
	return rec->state == REC_OFFERED || rec->state == REC_OUT || rec->state == REC_AGAIN;
}

/*
 * Without any identity: the probe can only be meant if it is the only one. When several are out,
 * the rest of the trace learns nothing this way, and stop.c probes again one at a time.
 */
static struct verdict match_only_one(struct wn_trace *t)
{
	if (t->out_count == 1 && t->recs[t->out[0].rec].state == REC_OUT)
		return accept(t->out[0].rec, WN_MATCH_WEAK);
	if (t->out_count == 0)
		t->counters.stale++;
	else
		t->counters.unattributed++;
	return counted;
}

/* The cookie tells the probe whatever a translator did to addresses, ports and checksum. */
static struct verdict match_cookie(struct wn_trace *t, const struct wn_quote *q)
{
	uint16_t rec = wn_trace_rec_by_cookie(t, q->cookie);

	if (rec != NO_REC)
		return accept(rec, WN_MATCH_STRONG);
	return is_our_quote(t, q) ? forged(t) : not_ours;
}

/* Eight transport bytes: the tag, and the IP-ID where we chose it. TCP's tag alone is 32 bits. */
static struct verdict match_tag(struct wn_trace *t, const struct wn_reply *r)
{
	const struct caps *caps = &t->params.caps;
	bool tcp = t->params.proto == WN_PROTO_TCP, ours = is_our_quote(t, &r->quote);
	bool has_id = caps->sends_ip_id && caps->sees_quote_ip && t->params.dst.family == 4;
	uint16_t rec = NO_REC;
	uint32_t tag;

	if (ours && t->params.proto == WN_PROTO_UDP && !caps->sends_checksum)
		return match_only_one(t);
	if (!wn_reply_tag(r, t->params.proto, &tag))
		return ours ? forged(t) : not_ours;
	while ((rec = wn_trace_rec_by_tag(t, tag, rec)) != NO_REC) {
		struct wn_probe probe;
		bool id_ok;

		wn_trace_rec_probe(t, rec, &probe);
		id_ok = has_id && r->quote.ip_id == probe.ip_id;
		/* 48 bits are proof enough to see through a translator. */
		if (tcp && id_ok)
			return accept(rec, WN_MATCH_STRONG);
		if (!ours || !has_ports_of(&probe, r->quote.sport, r->quote.dport))
			continue;
		if (tcp)
			return accept(rec, has_id ? WN_MATCH_WEAK : WN_MATCH_STRONG);
		if (id_ok || !has_id)
			return accept(rec, WN_MATCH_WEAK);
	}
	return ours ? forged(t) : not_ours;
}

/* A translator has changed the checksum, and left the IP-ID that is the same. */
static struct verdict match_id(struct wn_trace *t, const struct wn_quote *q)
{
	uint16_t rec = NO_REC;

	while ((rec = wn_trace_rec_by_tag(t, q->ip_id, rec)) != NO_REC) {
		struct wn_probe probe;

		wn_trace_rec_probe(t, rec, &probe);
		if (probe.ip_id == q->ip_id && has_ports_of(&probe, q->sport, q->dport))
			return accept(rec, WN_MATCH_WEAK);
	}
	return forged(t);
}

static struct verdict match_quote(struct wn_trace *t, const struct wn_reply *r)
{
	const struct wn_quote *q = &r->quote;

	if (q->proto != wn_ip_proto(t->params.proto, t->params.dst.family))
		return not_ours;
	if (!q->l4_present) {
		if (!wn_addr_eq(&q->dst, &t->params.dst))
			return not_ours;
		t->counters.truncated++;
		return rejected;
	}
	if (has_cookie(t, q))
		return match_cookie(t, q);
	if (t->params.flow_mode == WN_FLOW_DUBLIN && t->params.proto == WN_PROTO_UDP &&
		t->params.dst.family == 4 && t->params.caps.sends_ip_id && is_our_quote(t, q))
		return match_id(t, q);
	return match_tag(t, r);
}

/* The socket names the probe, or at least the flow; the kernel has compared addresses and ports. */
static struct verdict match_hint(struct wn_trace *t, const struct wn_reply *r)
{
	bool cookie = has_cookie(t, &r->quote);
	uint16_t rec;

	if (r->hint_id == WN_HINT_NONE) {
		if (!cookie)
			return match_only_one(t);
		rec = wn_trace_rec_by_cookie(t, r->quote.cookie);
		return rec != NO_REC ? accept(rec, WN_MATCH_STRONG) : forged(t);
	}
	if (!wn_trace_rec(t, r->hint_id, &rec)) {
		t->counters.stale++;
		return counted;
	}
	/* A connecting socket takes no error but one that quotes its keyed sequence number. */
	if (!cookie)
		return accept(
			rec, t->params.proto == WN_PROTO_TCP ? WN_MATCH_STRONG : WN_MATCH_WEAK);
	return wn_trace_rec_has_cookie(t, rec, r->quote.cookie) ? accept(rec, WN_MATCH_STRONG)
								: forged(t);
}

static struct verdict match_echo(struct wn_trace *t, const struct wn_reply *r)
{
	uint16_t rec = NO_REC;

	if (t->params.proto != WN_PROTO_ICMP || r->icmp_id != t->params.sport)
		return not_ours;
	while ((rec = wn_trace_rec_by_tag(t, r->icmp_seq, rec)) != NO_REC)
		if (!sends_cookie(t))
			return accept(rec, WN_MATCH_WEAK);
		else if (r->payload_present && wn_trace_rec_has_cookie(t, rec, r->cookie))
			return accept(rec, WN_MATCH_STRONG);
	return forged(t);
}

/* The probe of this tag that a segment between its ports answers. */
static uint16_t find_answered(const struct wn_trace *t, const struct wn_reply *r, uint32_t tag)
{
	uint16_t rec = NO_REC;

	while ((rec = wn_trace_rec_by_tag(t, tag, rec)) != NO_REC) {
		struct wn_probe probe;

		wn_trace_rec_probe(t, rec, &probe);
		if (has_ports_of(&probe, r->dport, r->sport))
			break;
	}
	return rec;
}

/* Guided: each probe may have a length of its own. */
static uint16_t find_by_length(const struct wn_trace *t, const struct wn_reply *r, uint32_t ack)
{
	for (uint16_t i = 0; i < t->out_count; i++) {
		uint16_t rec = t->out[i].rec;
		struct wn_probe probe;

		wn_trace_rec_probe(t, rec, &probe);
		if (ack - wn_probe_payload_size(&probe) == probe.tcp_seq &&
			has_ports_of(&probe, r->dport, r->sport))
			return rec;
	}
	return NO_REC;
}

/*
 * RFC 9293 3.10.7.1: a reset takes its number from the acknowledgment that it answers; without
 * one, as a SYN-ACK does, it acknowledges SYN and FIN, and by some stacks the payload with them.
 */
static uint16_t find_by_numbers(const struct wn_trace *t, const struct wn_reply *r)
{
	struct wn_probe p = {.proto = WN_PROTO_TCP,
		.dst = t->params.dst,
		.size = t->params.size,
		.tcp_flags = t->params.tcp_flags,
		.tcp_options = t->params.tcp_options};
	uint8_t flags = wn_tcp_flags(&p);
	uint32_t ack = r->tcp_ack - !!(flags & WN_TCP_SYN) - !!(flags & WN_TCP_FIN);
	uint16_t payload = wn_probe_payload_size(&p), rec = NO_REC;

	if ((flags & WN_TCP_ACK) && r->kind == WN_REPLY_RST)
		rec = find_answered(t, r, r->tcp_seq);
	if (!(r->tcp_flags & WN_TCP_ACK))
		return rec;
	if (rec == NO_REC)
		rec = find_answered(t, r, ack);
	if (rec == NO_REC && payload > 0)
		rec = find_answered(t, r, ack - payload);
	return rec == NO_REC && t->more ? find_by_length(t, r, ack) : rec;
}

/* The block of a probe's one byte, told by somebody who has got nothing before it. */
static uint16_t find_by_sack(const struct wn_trace *t, const struct wn_reply *r)
{
	const struct wn_sack *block = &r->tcp_sack[0];

	if (r->kind != WN_REPLY_TCP_OTHER || !(r->tcp_opts.set & WN_TCP_OPT_SACK) ||
		r->tcp_ack != t->params.tcp_seq || block->right != block->left + 1)
		return NO_REC;
	return find_answered(t, r, block->left);
}

static struct verdict match_tcp(struct wn_trace *t, const struct wn_reply *r)
{
	const struct params *p = &t->params;
	uint16_t rec;

	if (p->proto != WN_PROTO_TCP)
		return not_ours;
	/* A kernel's own connection: it has checked the number that it drew itself. */
	if (r->hint_id != WN_HINT_NONE && wn_trace_rec(t, r->hint_id, &rec))
		return accept(rec, WN_MATCH_STRONG);
	if (!are_our_ports(p, r->dport, r->sport))
		return not_ours;
	rec = p->tcp_method == WN_TCP_METHOD_SACK ? find_by_sack(t, r) : find_by_numbers(t, r);
	if (rec != NO_REC)
		return accept(rec, WN_MATCH_STRONG);
	if (r->kind != WN_REPLY_TCP_OTHER)
		return forged(t);
	t->counters.stale++; /* a segment of an older connection, a challenge ACK (RFC 5961) */
	return counted;
}

/*
 * A UDP answer carries nothing of the probe but its ports. Those of classic flows name the probe
 * (the oldest one, should ports come round), and so do those of a guided engine that has only one
 * of a flow out; within one flow tie.c finds it.
 */
static struct verdict match_udp(struct wn_trace *t, const struct wn_reply *r)
{
	uint16_t best = NO_REC, fits = 0;

	if (t->params.proto != WN_PROTO_UDP)
		return not_ours;
	if (r->hint_id != WN_HINT_NONE && wn_trace_rec(t, r->hint_id, &best))
		return accept(best, WN_MATCH_WEAK);
	if (!are_our_ports(&t->params, r->dport, r->sport))
		return not_ours;
	if (wn_flow_is_fixed(t->params.flow_mode) && !t->more)
		return (struct verdict){.claim = WN_CLAIM_TAKEN, .rec = NO_REC, .tie = true};
	best = NO_REC;
	for (uint16_t i = 0; i < t->out_count; i++) {
		uint16_t rec = t->out[i].rec;
		struct wn_probe probe;

		/* Of many flows each has a length of its own. */
		if ((t->recs[rec].ttl <= t->expire_top && !t->more) ||
			!is_waited_for(&t->recs[rec]))
			continue;
		wn_trace_rec_probe(t, rec, &probe);
		if (!has_ports_of(&probe, r->dport, r->sport))
			continue;
		fits++;
		if (best == NO_REC || probe.id < wn_trace_rec_id(t, best))
			best = rec;
	}
	if (fits > 1 && t->more) {
		t->counters.unattributed++;
		return counted;
	}
	if (best != NO_REC)
		return accept(best, WN_MATCH_WEAK);
	t->counters.stale++;
	return counted;
}

static struct verdict match_direct(struct wn_trace *t, const struct wn_reply *r)
{
	if (!wn_addr_eq(&r->from, &t->params.dst))
		return not_ours;
	switch (r->kind) {
	case WN_REPLY_ECHO:
		return match_echo(t, r);
	case WN_REPLY_UDP:
		return match_udp(t, r);
	default:
		return match_tcp(t, r);
	}
}

/* As near to being ours as damaged bytes can be. */
static bool may_be_ours(const struct wn_trace *t, const struct wn_reply *r)
{
	if (wn_reply_is_direct(r->kind))
		return wn_addr_eq(&r->from, &t->params.dst);
	if (!r->quote.present || r->hint_id != WN_HINT_NONE)
		return true;
	return wn_addr_eq(&r->quote.dst, &t->params.dst) || is_our_quote(t, &r->quote);
}

struct verdict wn_trace_match(struct wn_trace *t, const struct wn_reply *r)
{
	if ((unsigned)r->kind >= WN_REPLY_KINDS)
		return not_ours;
	if (r->checksum_bad || r->truncated || r->from.family != t->params.dst.family) {
		if (!may_be_ours(t, r))
			return not_ours;
		if (r->checksum_bad)
			t->counters.corrupt++;
		else
			t->counters.truncated++;
		return rejected;
	}
	if (r->kind == WN_REPLY_REDIRECT || r->kind == WN_REPLY_SOURCE_QUENCH)
		return may_be_ours(t, r) ? counted : not_ours; /* information, no answer */
	if (wn_reply_is_direct(r->kind))
		return match_direct(t, r);
	if (r->from_errqueue || r->hint_id != WN_HINT_NONE)
		return match_hint(t, r);
	if (!r->quote.present)
		return not_ours;
	return match_quote(t, r);
}
