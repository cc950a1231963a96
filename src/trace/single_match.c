/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of probes, and which of them a reply belongs to. A probe is known by its cookie, where it
 * has room for one, and by its tag: what eight quoted bytes of transport header show. A tag of 16
 * bits is believed only with the IP-ID, which is as secret, beside it; IPv6 has none, and there the
 * target's address has to do.
 */
#include "trace/single_priv.h"

#include <string.h>

#include "packet/wire.h"

#define NUMBERS	   (0x10000u - WN_SINGLE_FIRST_NUMBER)
#define SALT_TRIES 64
#define PEERS_MAX  256 /* of one flow, looked at for an answer that names none */

/* ---- keys ---- */

static uint64_t mix(const struct wn_addr *dst, uint16_t sport, uint16_t dport, uint16_t low)
{
	return wn_addr_hash(dst) ^ ((uint64_t)sport << 48 | (uint64_t)dport << 32 | low);
}

static uint64_t ports_key(const struct wn_probe *p)
{
	return mix(&p->dst, p->sport, p->dport, 0);
}

/* UDP whose destination port is a number of ours. */
static uint64_t counted_key(uint16_t sport, uint16_t dport)
{
	return (uint64_t)sport << 16 | dport;
}

static bool has_cookie(const struct wn_probe *p)
{
	return !p->plain && wn_probe_payload_size(p) >= (p->proto == WN_PROTO_TCP ? 8 : 10);
}

/* ---- names ---- */

static bool is_taken(const struct wn_single *s, uint64_t tag)
{
	uint32_t slot;

	return wn_map_get(&s->by_tag, tag, &slot);
}

static uint16_t turn_port(const struct wn_single *s, uint32_t n)
{
	return (uint16_t)(s->config.sport + n % s->config.span);
}

/* When the target is this machine, what is sent to a port that we hold meets ourselves. */
static bool is_own_port(const struct wn_single *s, uint16_t port)
{
	return (uint16_t)(port - s->config.sport) < s->config.span;
}

static void name_counted(struct wn_single *s, struct slot *slot)
{
	struct wn_probe *p = &slot->probe;
	bool icmp = p->proto == WN_PROTO_ICMP;

	do {
		uint32_t n = s->sequence++;
		uint16_t number = (uint16_t)(WN_SINGLE_FIRST_NUMBER + n % NUMBERS);

		if (icmp) {
			p->icmp_seq = number;
			p->icmp_id = turn_port(s, n / NUMBERS);
			slot->tag = (uint64_t)p->icmp_id << 16 | number;
			continue;
		}
		p->dport = number;
		p->sport = slot->own_sport ? turn_port(s, n / NUMBERS) : p->sport;
		slot->tag = counted_key(p->sport, number);
	} while (is_taken(s, slot->tag) || (!icmp && is_own_port(s, p->dport)));
}

static void name_udp(struct wn_single *s, struct slot *slot)
{
	struct wn_probe *p = &slot->probe;

	p->plain = false; /* nothing else tells one from another */
	if (slot->own_sport)
		p->sport = turn_port(s, (uint32_t)(wn_addr_hash(&p->dst) + p->dport));
	for (uint32_t salt = 0; salt < SALT_TRIES; salt++) {
		wn_probe_stamp(p, &s->config.key, s->number, salt);
		slot->tag = mix(&p->dst, p->sport, p->dport, p->checksum);
		if (!is_taken(s, slot->tag))
			return;
	}
}

static void name_tcp(struct wn_single *s, struct slot *slot)
{
	struct wn_probe *p = &slot->probe;

	if (slot->own_sport)
		p->sport = turn_port(s, s->number);
	slot->tag = (uint64_t)p->sport << 32 | p->tcp_seq;
}

void wn_single_name(struct wn_single *s, struct slot *slot)
{
	struct wn_probe *p = &slot->probe;
	bool compensated;

	s->number++;
	wn_probe_stamp(p, &s->config.key, s->number, 0);
	switch (p->proto) {
	case WN_PROTO_ICMP:
		name_counted(s, slot);
		p->checksum = s->flow_checksum;
		break;
	case WN_PROTO_UDP:
		(slot->own_dport ? name_counted : name_udp)(s, slot);
		break;
	case WN_PROTO_TCP:
		name_tcp(s, slot);
		return;
	}
	compensated = wn_probe_payload_size(p) >= 2 && !p->plain;
	p->checksum = compensated ? p->checksum : 0;
}

/* ---- tables ---- */

/* Answers may name it by its ports alone. */
static bool has_peers(const struct wn_probe *p)
{
	return p->proto == WN_PROTO_UDP ||
	       (p->proto == WN_PROTO_TCP && wn_probe_payload_size(p) > 0);
}

static void link_peer(struct wn_single *s, uint32_t at)
{
	struct slot *slot = &s->slots[at];
	uint32_t head;

	slot->peer[0] = slot->peer[1] = NO_SLOT;
	if (wn_map_get(&s->by_ports, ports_key(&slot->probe), &head)) {
		slot->peer[1] = head;
		s->slots[head].peer[0] = at;
	}
	(void)wn_map_put(&s->by_ports, ports_key(&slot->probe), at);
}

static void unlink_peer(struct wn_single *s, uint32_t at)
{
	struct slot *slot = &s->slots[at];

	if (slot->peer[1] != NO_SLOT)
		s->slots[slot->peer[1]].peer[0] = slot->peer[0];
	if (slot->peer[0] != NO_SLOT)
		s->slots[slot->peer[0]].peer[1] = slot->peer[1];
	else if (slot->peer[1] != NO_SLOT)
		(void)wn_map_put(&s->by_ports, ports_key(&slot->probe), slot->peer[1]);
	else
		wn_map_del(&s->by_ports, ports_key(&slot->probe));
}

void wn_single_index(struct wn_single *s, uint32_t at)
{
	const struct wn_probe *p = &s->slots[at].probe;

	(void)wn_map_put(&s->by_tag, s->slots[at].tag, at);
	if (has_cookie(p))
		(void)wn_map_put(&s->by_cookie, wn_cookie_u64(p->cookie), at);
	if (has_peers(p))
		link_peer(s, at);
}

static void drop(struct wn_map *m, uint64_t key, uint32_t at)
{
	uint32_t found;

	/* Of two with one name the later has it. */
	if (wn_map_get(m, key, &found) && found == at)
		wn_map_del(m, key);
}

void wn_single_unindex(struct wn_single *s, uint32_t at)
{
	const struct wn_probe *p = &s->slots[at].probe;

	drop(&s->by_tag, s->slots[at].tag, at);
	if (has_cookie(p))
		drop(&s->by_cookie, wn_cookie_u64(p->cookie), at);
	if (has_peers(p))
		unlink_peer(s, at);
}

/* ---- replies ---- */

static uint32_t forged(struct wn_single *s)
{
	s->counters.forged++;
	return NO_SLOT;
}

static uint32_t stale(struct wn_single *s)
{
	s->counters.stale++;
	return NO_SLOT;
}

static bool quotes_cookie(const struct wn_quote *q)
{
	return q->payload_present && wn_cookie_u64(q->cookie) != 0;
}

static bool find_tag(const struct wn_single *s, const struct wn_quote *q, uint32_t *out)
{
	switch (s->config.proto) {
	case WN_PROTO_ICMP:
		return wn_map_get(&s->by_tag, (uint64_t)q->icmp_id << 16 | q->icmp_seq, out);
	case WN_PROTO_UDP:
		return wn_map_get(&s->by_tag, counted_key(q->sport, q->dport), out) ||
		       wn_map_get(&s->by_tag, mix(&q->dst, q->sport, q->dport, q->checksum), out);
	case WN_PROTO_TCP:
		break;
	}
	return wn_map_get(&s->by_tag, (uint64_t)q->sport << 32 | q->tcp_seq, out);
}

static uint32_t match_quote(struct wn_single *s, const struct wn_reply *r)
{
	const struct wn_quote *q = &r->quote;
	const struct wn_probe *p;
	uint32_t at;

	if (!q->present || !q->l4_present ||
		q->proto != wn_ip_proto(s->config.proto, r->from.family))
		return NO_SLOT;
	if (quotes_cookie(q) && wn_map_get(&s->by_cookie, wn_cookie_u64(q->cookie), &at))
		return at;
	if (!find_tag(s, q, &at))
		return stale(s);
	p = &s->slots[at].probe;
	if (p->proto == WN_PROTO_TCP)
		return at;
	/* A router that pads its quote has zeros there, RFC 4884 section 3. */
	if (quotes_cookie(q) && has_cookie(p))
		return forged(s);
	if (p->dst.family == 4 ? q->ip_id != p->ip_id : !wn_addr_eq(&q->dst, &p->dst))
		return forged(s);
	return at;
}

static uint32_t match_echo(struct wn_single *s, const struct wn_reply *r)
{
	const struct wn_probe *p;
	uint32_t at;

	if (!wn_map_get(&s->by_tag, (uint64_t)r->icmp_id << 16 | r->icmp_seq, &at))
		return stale(s);
	p = &s->slots[at].probe;
	if (has_cookie(p) ? !r->payload_present ||
				    memcmp(r->cookie, p->cookie, sizeof(p->cookie)) != 0
			  : !wn_addr_eq(&r->from, &p->dst))
		return forged(s);
	return at;
}

/* Some stacks acknowledge the payload of a SYN with it. */
static uint32_t find_by_length(const struct wn_single *s, const struct wn_reply *r)
{
	uint32_t at, left = PEERS_MAX;

	if (!wn_map_get(&s->by_ports, mix(&r->from, r->dport, r->sport, 0), &at))
		return NO_SLOT;
	for (; at != NO_SLOT && left > 0; at = s->slots[at].peer[1], left--) {
		const struct wn_probe *p = &s->slots[at].probe;

		if (r->tcp_ack - 1 - wn_probe_payload_size(p) == p->tcp_seq)
			return at;
	}
	return NO_SLOT;
}

/* As a trace does it: RFC 9293 3.10.7.1. */
static uint32_t match_tcp(struct wn_single *s, const struct wn_reply *r)
{
	uint64_t port = (uint64_t)r->dport << 32;
	bool ack = r->tcp_flags & WN_TCP_ACK, reset = r->tcp_flags & WN_TCP_RST;
	const struct wn_probe *p;
	uint32_t at = NO_SLOT;

	if (!(ack && wn_map_get(&s->by_tag, port | (r->tcp_ack - 1), &at)) &&
		!(reset && wn_map_get(&s->by_tag, port | r->tcp_seq, &at)))
		at = ack ? find_by_length(s, r) : NO_SLOT;
	if (at == NO_SLOT)
		return stale(s);
	p = &s->slots[at].probe;
	return wn_addr_eq(&r->from, &p->dst) && r->sport == p->dport ? at : forged(s);
}

/*
 * An answer names only ports. Of several probes between them that are out it was the one that went
 * farthest, and of these the first.
 */
static uint32_t match_udp(struct wn_single *s, const struct wn_reply *r)
{
	uint32_t at, best = NO_SLOT, left = PEERS_MAX;

	if (!wn_map_get(&s->by_ports, mix(&r->from, r->dport, r->sport, 0), &at))
		return stale(s);
	for (; at != NO_SLOT && left > 0; at = s->slots[at].peer[1], left--)
		if (best == NO_SLOT || s->slots[at].probe.ttl >= s->slots[best].probe.ttl)
			best = at; /* the newest are first */
	return best;
}

uint32_t wn_single_match(struct wn_single *s, const struct wn_reply *r)
{
	if ((unsigned)r->kind >= WN_REPLY_KINDS || r->kind == WN_REPLY_REDIRECT ||
		r->kind == WN_REPLY_SOURCE_QUENCH)
		return NO_SLOT; /* information, no answer */
	if (r->checksum_bad || r->truncated) {
		s->counters.damaged++;
		return NO_SLOT;
	}
	if (!wn_reply_is_direct(r->kind))
		return match_quote(s, r);
	if (r->kind == WN_REPLY_ECHO)
		return s->config.proto == WN_PROTO_ICMP ? match_echo(s, r) : NO_SLOT;
	if (r->kind == WN_REPLY_UDP)
		return s->config.proto == WN_PROTO_UDP ? match_udp(s, r) : NO_SLOT;
	return s->config.proto == WN_PROTO_TCP ? match_tcp(s, r) : NO_SLOT;
}
