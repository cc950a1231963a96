/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an ICMP error quotes of our packet. Routers cut it anywhere, pad it, and rewrite its
 * header: each part is reported only if its own bytes are there, the rest says "not present".
 */
#include <string.h>
#include "packet/wire.h"
#include "packet/wire_int.h"

static void read_cookie(struct wn_rd *r, struct wn_quote *out)
{
	out->payload_present = !r->bad && wn_rd_left(r) >= WN_COOKIE_BYTES;
	if (out->payload_present)
		wn_rd_bytes(r, out->cookie, WN_COOKIE_BYTES);
}

static void read_udp(struct wn_rd *r, struct wn_quote *out)
{
	out->sport = wn_rd_be16(r);
	out->dport = wn_rd_be16(r);
	wn_rd_skip(r, 2);
	out->checksum = wn_rd_be16(r);
	read_cookie(r, out);
}

/* Of ICMP only an echo request can be a probe; another message has other fields there. */
static void read_icmp(uint8_t family, struct wn_rd *r, struct wn_quote *out)
{
	uint8_t type = wn_rd_u8(r);

	out->l4_present = type == (family == 4 ? WN_ICMP4_ECHO : WN_ICMP6_ECHO);
	if (!out->l4_present)
		return;
	wn_rd_skip(r, 1);
	out->checksum = wn_rd_be16(r);
	out->icmp_id = wn_rd_be16(r);
	out->icmp_seq = wn_rd_be16(r);
	read_cookie(r, out);
}

static void read_tcp(struct wn_rd *r, struct wn_quote *out)
{
	struct wn_tcp_header h;

	out->sport = wn_rd_be16(r);
	out->dport = wn_rd_be16(r);
	out->tcp_seq = wn_rd_be32(r);
	if (wn_rd_left(r) < WN_TCP_HEADER - 8)
		return;
	wn_rd_skip(r, 4);
	if (wn_tcp_read(r, &h))
		read_cookie(r, out);
	out->tcp_flags = h.flags;
	out->tcp_opts = h.opts;
	out->checksum = h.checksum;
}

/*
 * Padding to 128 bytes (RFC 4884 3) is no part of the quoted packet: its own length ends it,
 * unless that is too small to be true; some routers have swapped or reduced it.
 */
static size_t end_of_quote(const struct wn_ip *ip, size_t len)
{
	if (ip->length < len && ip->length >= ip->l4_offset + WN_UDP_HEADER)
		return ip->length;
	return len;
}

bool wn_parse_quote(uint8_t family, const uint8_t *buf, size_t len, struct wn_quote *out)
{
	struct wn_ip ip;
	struct wn_rd r;
	wn_err err = wn_ip_read(buf, len, &ip);

	if (err == WN_ETRUNC)
		return false;
	if (err != WN_OK || ip.family != family)
		return true; /* not truncated, only nothing to be read */
	out->present = true;
	out->src = ip.src;
	out->dst = ip.dst;
	out->proto = ip.proto;
	out->ttl = ip.ttl;
	out->tos = ip.tos;
	out->length = ip.length;
	out->ip_id = family == 4 ? ip.ip_id : 0;
	out->df = family == 4 && ip.df;
	out->flow_label = ip.flow_label;
	len = end_of_quote(&ip, len);
	out->quoted_bytes = (uint16_t)len;
	if (!ip.l4_known)
		return false;
	if (ip.later_fragment)
		return true;
	wn_rd_init(&r, buf, len);
	wn_rd_skip(&r, ip.l4_offset);
	if (wn_rd_left(&r) < WN_UDP_HEADER)
		return false;
	out->l4_present = true;
	if (ip.proto == WN_IP_UDP)
		read_udp(&r, out);
	else if (ip.proto == WN_IP_TCP)
		read_tcp(&r, out);
	else if (ip.proto == (family == 4 ? WN_IP_ICMP : WN_IP_ICMP6))
		read_icmp(family, &r, out);
	return true;
}
