/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a probe is before it is bytes: its names, its bounds, its identity.
 * The identity is the same for the same inputs, and tells nothing about them without the key.
 */
#include <string.h>
#include "packet/probe.h"
#include "packet/wire.h"
#include "packet/wire_int.h"

static const char *const proto_names[WN_PROTO_COUNT] = {"udp", "icmp", "tcp"};
static const char *const clock_names[] = {"none", "user", "kernel", "tcp-info", "sim"};

const char *wn_proto_name(enum wn_proto proto)
{
	return (unsigned)proto < WN_PROTO_COUNT ? proto_names[proto] : "unknown";
}

const char *wn_clock_name(enum wn_clock clock)
{
	return (unsigned)clock <= WN_CLOCK_SIM ? clock_names[clock] : "unknown";
}

uint8_t wn_ip_proto(enum wn_proto proto, uint8_t family)
{
	switch (proto) {
	case WN_PROTO_UDP:
		return WN_IP_UDP;
	case WN_PROTO_TCP:
		return WN_IP_TCP;
	case WN_PROTO_ICMP:
		break;
	}
	return family == 4 ? WN_IP_ICMP : WN_IP_ICMP6;
}

uint16_t wn_ip_header_size(uint8_t family)
{
	return family == 4 ? WN_IP4_HEADER : WN_IP6_HEADER;
}

static uint16_t l4_header(enum wn_proto proto)
{
	return proto == WN_PROTO_TCP ? WN_TCP_HEADER : WN_UDP_HEADER;
}

static uint16_t options_size(const struct wn_probe *p)
{
	return p->proto == WN_PROTO_TCP ? wn_tcp_options_size(p->tcp_options) : 0;
}

uint16_t wn_probe_min_size(uint8_t family, enum wn_proto proto)
{
	uint16_t payload = proto == WN_PROTO_TCP ? 0 : WN_COOKIE_BYTES + WN_COMPENSATION_BYTES;

	return (uint16_t)(wn_ip_header_size(family) + l4_header(proto) + payload);
}

uint16_t wn_probe_payload_size(const struct wn_probe *p)
{
	return (uint16_t)(p->size - wn_ip_header_size(p->dst.family) - l4_header(p->proto) -
			  options_size(p));
}

wn_err wn_probe_check(const struct wn_probe *p, struct wn_errctx *ctx)
{
	uint16_t min;

	if ((unsigned)p->proto >= WN_PROTO_COUNT)
		return wn_fail(ctx, WN_EINVAL, "no such protocol: %d", (int)p->proto);
	if (p->dst.family != 4 && p->dst.family != 6)
		return wn_fail(ctx, WN_EINVAL, "a probe needs a destination address");
	if (p->src.family != 0 && p->src.family != p->dst.family)
		return wn_fail(ctx, WN_EINVAL, "source and destination differ in IP version");
	if (p->ttl == 0)
		return wn_fail(ctx, WN_ERANGE, "TTL 0: it must be 1 to 255");
	if (p->flow_label > 0xfffff)
		return wn_fail(ctx, WN_ERANGE, "flow label beyond 20 bits");
	if (p->tcp_options & ~WN_TCP_OPT_USUAL)
		return wn_fail(ctx, WN_EINVAL, "a TCP option that probes cannot have");
	min = (uint16_t)(wn_ip_header_size(p->dst.family) + l4_header(p->proto) + options_size(p));
	if (p->proto != WN_PROTO_TCP && p->checksum)
		min += WN_COMPENSATION_BYTES;
	if (p->size < min || p->size > WN_PACKET_MAX)
		return wn_fail(ctx, WN_ERANGE, "size %u: %s over IPv%u needs %u to %u bytes",
			(unsigned)p->size, wn_proto_name(p->proto), (unsigned)p->dst.family,
			(unsigned)min, (unsigned)WN_PACKET_MAX);
	return WN_OK;
}

/* Never 0, which means something else in the field that gets it. */
static uint16_t nonzero(uint32_t random, uint16_t max)
{
	return (uint16_t)(1 + random % max);
}

void wn_probe_stamp(struct wn_probe *p, const struct wn_sipkey *key, uint32_t number, uint32_t salt)
{
	uint8_t in[30], hash[16];
	struct wn_wr w;
	struct wn_rd r;
	uint16_t id;
	uint32_t tag;

	wn_wr_init(&w, in, sizeof(in));
	wn_wr_u8(&w, p->dst.family);
	wn_wr_bytes(&w, p->dst.bytes, sizeof(p->dst.bytes));
	wn_wr_u8(&w, p->ttl);
	wn_wr_be32(&w, p->flow);
	wn_wr_be32(&w, number);
	wn_wr_be32(&w, salt);
	wn_siphash128(key, in, sizeof(in), hash);

	wn_rd_init(&r, hash, sizeof(hash));
	wn_rd_bytes(&r, p->cookie, sizeof(p->cookie));
	tag = wn_rd_be32(&r);
	id = (uint16_t)(wn_rd_be32(&r) >> 16);
	p->ip_id = nonzero(id, 0xffff);
	switch (p->proto) {
	case WN_PROTO_UDP:
		/* 0 would mean "no checksum", 0xffff is how a computed 0 is sent (RFC 768). */
		p->checksum = nonzero(tag, 0xfffe);
		break;
	case WN_PROTO_ICMP:
		p->icmp_seq = (uint16_t)tag;
		break;
	case WN_PROTO_TCP:
		p->tcp_seq = tag;
		/* A RST to an acknowledgment has its number and no other, RFC 9293 3.10.7.1. */
		p->tcp_ack = wn_tcp_flags(p) & WN_TCP_ACK ? tag : 0;
		p->tcp_tsval = p->tcp_options & WN_TCP_OPT_TIMESTAMPS
				       ? (uint32_t)(wn_cookie_u64(p->cookie) >> 32)
				       : 0;
		break;
	}
}

uint32_t wn_probe_tag(const struct wn_probe *p)
{
	switch (p->proto) {
	case WN_PROTO_UDP:
		return p->checksum;
	case WN_PROTO_ICMP:
		return p->icmp_seq;
	case WN_PROTO_TCP:
		return p->tcp_seq;
	}
	return 0;
}

uint64_t wn_cookie_u64(const uint8_t cookie[8])
{
	struct wn_rd r;

	wn_rd_init(&r, cookie, WN_COOKIE_BYTES);
	return wn_rd_be64(&r);
}

static bool quote_tag(const struct wn_quote *q, enum wn_proto proto, uint32_t *out_tag)
{
	if (!q->present || !q->l4_present)
		return false;
	switch (proto) {
	case WN_PROTO_UDP:
		*out_tag = q->checksum;
		return q->proto == WN_IP_UDP;
	case WN_PROTO_ICMP:
		*out_tag = q->icmp_seq;
		return q->proto == WN_IP_ICMP || q->proto == WN_IP_ICMP6;
	case WN_PROTO_TCP:
		*out_tag = q->tcp_seq;
		return q->proto == WN_IP_TCP;
	}
	return false;
}

bool wn_reply_is_direct(enum wn_reply_kind kind)
{
	switch (kind) {
	case WN_REPLY_ECHO:
	case WN_REPLY_UDP:
	case WN_REPLY_SYN_ACK:
	case WN_REPLY_RST:
	case WN_REPLY_TCP_OTHER:
		return true;
	default:
		return false;
	}
}

bool wn_reply_tag(const struct wn_reply *r, enum wn_proto proto, uint32_t *out_tag)
{
	switch (r->kind) {
	case WN_REPLY_ECHO:
		*out_tag = r->icmp_seq;
		return proto == WN_PROTO_ICMP && !r->truncated;
	case WN_REPLY_SYN_ACK:
		*out_tag = r->tcp_ack - 1;
		return proto == WN_PROTO_TCP;
	case WN_REPLY_RST:
		*out_tag = r->tcp_flags & WN_TCP_ACK ? r->tcp_ack - 1 : r->tcp_seq;
		return proto == WN_PROTO_TCP;
	case WN_REPLY_UDP:
	case WN_REPLY_TCP_OTHER:
		return false;
	default:
		return quote_tag(&r->quote, proto, out_tag);
	}
}
