/* SPDX-License-Identifier: Apache-2.0 */
/* Any probe that passes the check builds right bytes, and comes back from a router's quote and
 * from the target's answer as it was sent. */
#include "prop.h"
#include "base/cursor.h"
#include "packets.h"

static struct wn_addr take_addr(struct wn_rd *r, uint8_t family)
{
	uint8_t bytes[16];

	wn_rd_bytes(r, bytes, sizeof(bytes));
	return wn_addr_from_bytes(family, bytes);
}

static struct wn_probe take_probe(struct wn_rd *r)
{
	struct wn_probe p;
	uint8_t family = wn_rd_u8(r) % 2 ? 4 : 6;

	memset(&p, 0, sizeof(p));
	p.proto = (enum wn_proto)(wn_rd_u8(r) % WN_PROTO_COUNT);
	p.src = take_addr(r, family);
	p.dst = take_addr(r, family);
	p.ttl = wn_rd_u8(r);
	p.tos = wn_rd_u8(r);
	p.df = wn_rd_u8(r) & 1;
	p.flow_label = family == 6 ? wn_rd_be32(r) & 0xfffff : 0;
	if (p.proto == WN_PROTO_TCP) {
		p.tcp_flags = wn_rd_u8(r);
		p.tcp_options = wn_rd_u8(r) & WN_TCP_OPT_USUAL;
		p.tcp_ack = wn_rd_be32(r);
		p.tcp_tsval = wn_rd_be32(r);
		p.tcp_tsecr = wn_rd_be32(r);
	}
	p.size = (uint16_t)(wn_probe_min_size(family, p.proto) +
			    wn_tcp_options_size(p.tcp_options) + wn_rd_be16(r) % 1500);
	p.sport = wn_rd_be16(r);
	p.dport = wn_rd_be16(r);
	p.icmp_id = wn_rd_be16(r);
	p.checksum = wn_rd_be16(r);
	p.pattern = wn_rd_u8(r);
	p.flow = wn_rd_be32(r);
	if (wn_rd_u8(r) % 4) {
		wn_probe_stamp(&p, &test_key, wn_rd_be32(r), wn_rd_be32(r));
	} else {
		p.ip_id = wn_rd_be16(r);
		p.icmp_seq = wn_rd_be16(r);
		p.tcp_seq = wn_rd_be32(r);
		wn_rd_bytes(r, p.cookie, sizeof(p.cookie));
	}
	return p;
}

/* The bytes given for "no checksum asked" are not the caller's; all others are. */
static bool owns_checksum(const struct wn_probe *p)
{
	return p->proto != WN_PROTO_TCP && p->checksum != 0;
}

/* Options come back as they were sent: none is gone, none has another value. */
static void check_options(const struct wn_probe *p, const struct wn_quote *q)
{
	const struct wn_tcp_opts *o = &q->tcp_opts;
	uint8_t stripped = 1, changed = 1;

	prop_check(q->tcp_flags == wn_tcp_flags(p));
	prop_check(o->whole && o->set == p->tcp_options);
	prop_check(o->mss == (p->tcp_options & WN_TCP_OPT_MSS ? wn_tcp_mss(p->dst.family) : 0));
	prop_check(o->tsval == (p->tcp_options & WN_TCP_OPT_TIMESTAMPS ? p->tcp_tsval : 0));
	prop_check(wn_tcp_changes(p, q, &stripped, &changed));
	prop_check(stripped == 0 && changed == 0);
}

static void check_quote(
	const struct wn_probe *p, const struct wn_wire_head *h, const struct wn_reply *r)
{
	const struct wn_quote *q = &r->quote;
	uint32_t tag = 0;

	prop_check(q->present && q->l4_present);
	prop_check(wn_addr_eq(&q->src, &p->src) && wn_addr_eq(&q->dst, &p->dst));
	prop_check(q->ttl == p->ttl && q->tos == p->tos && q->length == p->size);
	prop_check(q->flow_label == p->flow_label);
	prop_check(p->dst.family == 6 || (q->ip_id == p->ip_id && q->df == p->df));
	if (p->proto == WN_PROTO_ICMP)
		prop_check(q->icmp_id == p->icmp_id && q->icmp_seq == p->icmp_seq);
	else
		prop_check(q->sport == p->sport && q->dport == p->dport);
	prop_check(q->checksum == h->checksum);
	prop_check(wn_reply_tag(r, p->proto, &tag));
	if (p->proto != WN_PROTO_UDP || owns_checksum(p))
		prop_check(tag == wn_probe_tag(p));
	if (p->proto == WN_PROTO_TCP)
		check_options(p, q);
	prop_check(q->payload_present == (wn_probe_payload_size(p) >= 8));
	if (q->payload_present)
		prop_check(memcmp(q->cookie, p->cookie, 8) == 0);
}

static void errors(const struct wn_probe *p, struct wn_rd *in, const uint8_t *pkt, size_t len)
{
	struct wn_wire_error e = {
		.kind = (enum wn_reply_kind)(wn_rd_u8(in) % WN_REPLY_SOURCE_QUENCH),
		.code = wn_rd_u8(in) % 4, /* 4 would make a host unreachable too big */
		.mtu = wn_rd_be16(in),
		.from = take_addr(in, p->dst.family),
		.to = p->src,
		.ttl = wn_rd_u8(in)};
	uint8_t buf[WN_PACKET_MAX];
	struct wn_wire_head h;
	struct wn_reply r;
	size_t out;

	prop_check(wn_wire_head(pkt, len, &h) == WN_OK);
	prop_check(!owns_checksum(p) || h.checksum == p->checksum);
	prop_check(wn_wire_build_error(&e, pkt, len, buf, sizeof(buf), &out) == WN_OK);
	prop_check(naive_right(buf, out));
	prop_check(wn_wire_parse(buf, out, &r) == WN_OK);
	prop_check(r.kind == e.kind && !r.truncated && !r.checksum_bad);
	prop_check(wn_addr_eq(&r.from, &e.from) && r.ttl == e.ttl);
	prop_check(r.kind != WN_REPLY_TOO_BIG || r.mtu == e.mtu);
	check_quote(p, &h, &r);
}

/* RFC 9293 3.10.7.1 and 3.10.7.2, by the flags alone. */
static bool is_answered(const struct wn_probe *p, enum wn_reply_kind kind)
{
	uint8_t flags = wn_tcp_flags(p);

	if (kind == WN_REPLY_SYN_ACK)
		return (flags & (WN_TCP_SYN | WN_TCP_ACK | WN_TCP_RST | WN_TCP_FIN)) == WN_TCP_SYN;
	return kind != WN_REPLY_RST || !(flags & WN_TCP_RST);
}

/* The number of a RST: of the acknowledgment it answers, else it counts what it acknowledges. */
static void check_reset(const struct wn_probe *p, const struct wn_reply *r)
{
	uint8_t flags = wn_tcp_flags(p);
	uint32_t ack = p->tcp_seq + wn_probe_payload_size(p) + !!(flags & WN_TCP_SYN) +
		       !!(flags & WN_TCP_FIN);

	if (flags & WN_TCP_ACK)
		prop_check(r->tcp_flags == WN_TCP_RST && r->tcp_seq == p->tcp_ack);
	else
		prop_check(r->tcp_flags == (WN_TCP_RST | WN_TCP_ACK) && r->tcp_ack == ack);
}

static void answers(const struct wn_probe *p, const uint8_t *pkt, size_t len)
{
	static const enum wn_reply_kind kinds[WN_PROTO_COUNT][2] = {
		{WN_REPLY_UDP, WN_REPLY_UDP},
		{WN_REPLY_ECHO, WN_REPLY_ECHO},
		{WN_REPLY_SYN_ACK, WN_REPLY_RST},
	};
	uint8_t buf[WN_PACKET_MAX];
	struct wn_reply r;
	uint32_t tag = 0;
	size_t out;

	for (int i = 0; i < 2; i++) {
		bool answered = is_answered(p, kinds[p->proto][i]);

		prop_check((wn_wire_build_answer(kinds[p->proto][i], pkt, len, 64, buf, sizeof(buf),
				    &out) == WN_OK) == answered);
		if (!answered)
			continue;
		prop_check(naive_right(buf, out));
		prop_check(wn_wire_parse(buf, out, &r) == WN_OK);
		prop_check(r.kind == kinds[p->proto][i] && !r.truncated && !r.checksum_bad);
		prop_check(wn_addr_eq(&r.from, &p->dst) && wn_addr_eq(&r.to, &p->src));
		if (r.kind == WN_REPLY_UDP)
			continue;
		if (r.kind == WN_REPLY_RST) {
			check_reset(p, &r);
			continue;
		}
		prop_check(wn_reply_tag(&r, p->proto, &tag) && tag == wn_probe_tag(p));
	}
}

int prop_wire_build(const uint8_t *data, size_t size)
{
	uint8_t pkt[WN_PACKET_MAX], part[WN_PACKET_MAX];
	struct wn_rd in;
	struct wn_probe p;
	size_t len, part_len;

	wn_rd_init(&in, data, size);
	p = take_probe(&in);
	if (p.ttl == 0) {
		prop_check(wn_wire_build(&p, pkt, sizeof(pkt), &len) == WN_ERANGE);
		return 0;
	}
	prop_check(wn_probe_check(&p, NULL) == WN_OK);
	prop_check(wn_wire_build(&p, pkt, sizeof(pkt), &len) == WN_OK);
	prop_check(len == p.size && naive_right(pkt, len));
	prop_check(wn_wire_build_payload(&p, part, sizeof(part), &part_len) == WN_OK);
	prop_check(memcmp(part, pkt + len - part_len, part_len) == 0);
	errors(&p, &in, pkt, len);
	answers(&p, pkt, len);
	return 0;
}
