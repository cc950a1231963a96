/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Received bytes to replies: the IP layer, direct answers, and the way to the ICMP parser.
 * Every field of the reply is either read within bounds or stays at its "not there" value.
 */
#include <string.h>
#include "packet/wire.h"
#include "packet/wire_int.h"

#define PORTS_BYTES 4

static void clear(struct wn_reply *out)
{
	memset(out, 0, sizeof(*out));
	out->ttl = -1;
	out->tos = -1;
	out->hint_id = WN_HINT_NONE;
}

/*
 * Does the checksum of a message with pseudo header come out wrong? Unknown ends cannot tell.
 * A UDP or TCP answer that never left this machine (veth, virtio) may still hold the half that
 * Linux leaves to an interface with checksum offload: the pseudo header's sum, not complemented.
 * field is the checksum field, or 0 where it is never half done.
 */
static bool sum_bad(
	const struct wn_reply *r, uint8_t proto, const uint8_t *buf, size_t len, uint16_t field)
{
	uint32_t pseudo;
	uint16_t half;

	if (r->truncated || r->from.family == 0 || r->to.family == 0)
		return false;
	pseudo = wn_csum_pseudo(&r->from, &r->to, proto, (uint32_t)len);
	if (wn_csum_finish(wn_csum_add(pseudo, buf, len)) == 0)
		return false;
	half = (uint16_t)~wn_csum_finish(pseudo);
	return field != half; /* which is never 0 */
}

static wn_err parse_udp(const uint8_t *buf, size_t len, struct wn_reply *out)
{
	struct wn_rd r;
	uint16_t claimed, csum;

	if (len < PORTS_BYTES)
		return WN_ETRUNC;
	wn_rd_init(&r, buf, len);
	out->kind = WN_REPLY_UDP;
	out->sport = wn_rd_be16(&r);
	out->dport = wn_rd_be16(&r);
	claimed = wn_rd_be16(&r);
	csum = wn_rd_be16(&r);
	if (r.bad || claimed > len) {
		out->truncated = true;
		return WN_OK;
	}
	if (claimed < WN_UDP_HEADER)
		return WN_EPARSE;
	if (csum != 0)
		out->checksum_bad |= sum_bad(out, WN_IP_UDP, buf, claimed, csum);
	else if (out->from.family == 6) /* RFC 8200 8.1: never without a checksum */
		out->checksum_bad = true;
	return WN_OK;
}

static enum wn_reply_kind tcp_kind(uint8_t flags)
{
	if (flags & WN_TCP_RST)
		return WN_REPLY_RST;
	if ((flags & (WN_TCP_SYN | WN_TCP_ACK)) == (WN_TCP_SYN | WN_TCP_ACK))
		return WN_REPLY_SYN_ACK;
	return WN_REPLY_TCP_OTHER;
}

static wn_err parse_tcp(const uint8_t *buf, size_t len, struct wn_reply *out)
{
	struct wn_tcp_header h;
	struct wn_rd r;

	if (len < PORTS_BYTES)
		return WN_ETRUNC;
	wn_rd_init(&r, buf, len);
	out->kind = WN_REPLY_TCP_OTHER;
	out->sport = wn_rd_be16(&r);
	out->dport = wn_rd_be16(&r);
	if (len < WN_TCP_HEADER) {
		out->truncated = true;
		return WN_OK;
	}
	out->tcp_seq = wn_rd_be32(&r);
	out->tcp_ack = wn_rd_be32(&r);
	if (!wn_tcp_read(&r, &h))
		return WN_EPARSE;
	out->kind = tcp_kind(h.flags);
	out->tcp_flags = h.flags;
	out->tcp_window = h.window;
	out->tcp_opts = h.opts;
	out->tcp_tsecr = h.tsecr;
	memcpy(out->tcp_sack, h.sack, sizeof(h.sack));
	out->truncated |= !h.opts.whole;
	out->checksum_bad |= sum_bad(out, WN_IP_TCP, buf, len, h.checksum);
	return WN_OK;
}

/* An IPv6 address pair must belong to ICMPv6 and the other way round. */
static bool icmp_fits(uint8_t proto, const struct wn_addr *from)
{
	return from->family == 0 || from->family == (proto == WN_IP_ICMP ? 4 : 6);
}

static wn_err parse_message(uint8_t proto, const uint8_t *buf, size_t len, struct wn_reply *out)
{
	switch (proto) {
	case WN_IP_UDP:
		return parse_udp(buf, len, out);
	case WN_IP_TCP:
		return parse_tcp(buf, len, out);
	case WN_IP_ICMP:
		if (!icmp_fits(proto, &out->from))
			return WN_EUNSUPPORTED;
		if (!out->truncated && wn_csum_finish(wn_csum_add(0, buf, len)) != 0)
			out->checksum_bad = true;
		return wn_parse_icmp(4, buf, len, out);
	case WN_IP_ICMP6:
		if (!icmp_fits(proto, &out->from))
			return WN_EUNSUPPORTED;
		out->checksum_bad |= sum_bad(out, WN_IP_ICMP6, buf, len, 0);
		return wn_parse_icmp(6, buf, len, out);
	default:
		return WN_EUNSUPPORTED;
	}
}

wn_err wn_wire_parse_l4(uint8_t proto, const uint8_t *buf, size_t len, struct wn_reply *out)
{
	struct wn_addr from = out->from, to = out->to;
	int16_t ttl = out->ttl, tos = out->tos;

	clear(out);
	out->from = from;
	out->to = to;
	out->ttl = ttl;
	out->tos = tos;
	return parse_message(proto, buf, len, out);
}

wn_err wn_wire_parse(const uint8_t *buf, size_t len, struct wn_reply *out)
{
	struct wn_ip ip;
	wn_err err;

	clear(out);
	err = wn_ip_read(buf, len, &ip);
	if (err != WN_OK)
		return err;
	if (!ip.l4_known)
		return WN_ETRUNC;
	if (ip.length < ip.l4_offset)
		return WN_EPARSE;
	out->from = ip.src;
	out->to = ip.dst;
	out->ttl = ip.ttl;
	out->tos = ip.tos;
	out->length = ip.length;
	if (ip.later_fragment)
		return WN_EUNSUPPORTED;
	out->truncated = ip.length > len || ip.more_fragments;
	if (ip.length < len)
		len = ip.length; /* what follows is link padding */
	if (ip.family == 4 && wn_csum_finish(wn_csum_add(0, buf, ip.l4_offset)) != 0)
		out->checksum_bad = true;
	return parse_message(ip.proto, buf + ip.l4_offset, len - ip.l4_offset, out);
}
