/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What routers and NATs see and change of a packet that passes them.
 * Every change keeps the checksums it touches as right or as wrong as they were (RFC 1624), so
 * corruption injected by the simulator survives translation.
 */
#include <assert.h>
#include <string.h>
#include "packet/wire.h"
#include "packet/wire_int.h"

#define NO_FIELD SIZE_MAX

static bool is_icmp(uint8_t proto)
{
	return proto == WN_IP_ICMP || proto == WN_IP_ICMP6;
}

static bool is_echo(const struct wn_wire_head *h)
{
	if (h->proto == WN_IP_ICMP)
		return h->icmp_type == WN_ICMP4_ECHO || h->icmp_type == WN_ICMP4_ECHO_REPLY;
	return h->proto == WN_IP_ICMP6 &&
	       (h->icmp_type == WN_ICMP6_ECHO || h->icmp_type == WN_ICMP6_ECHO_REPLY);
}

static void read_icmp_head(struct wn_rd *r, struct wn_wire_head *out)
{
	out->icmp_type = wn_rd_u8(r);
	out->icmp_code = wn_rd_u8(r);
	out->checksum = wn_rd_be16(r);
	if (!is_echo(out))
		return;
	out->icmp_id = wn_rd_be16(r);
	out->icmp_seq = wn_rd_be16(r);
}

static void read_port_head(struct wn_rd *r, struct wn_wire_head *out)
{
	out->sport = wn_rd_be16(r);
	out->dport = wn_rd_be16(r);
	if (out->proto == WN_IP_UDP) {
		wn_rd_skip(r, 2);
	} else {
		wn_rd_skip(r, 9);
		out->tcp_flags = wn_rd_u8(r);
		wn_rd_skip(r, 2);
	}
	out->checksum = wn_rd_be16(r);
}

wn_err wn_wire_head(const uint8_t *buf, size_t len, struct wn_wire_head *out)
{
	struct wn_ip ip;
	struct wn_rd r;
	wn_err err = wn_ip_read(buf, len, &ip);

	memset(out, 0, sizeof(*out));
	if (err != WN_OK)
		return err;
	out->src = ip.src;
	out->dst = ip.dst;
	out->proto = ip.proto;
	out->ttl = ip.ttl;
	out->tos = ip.tos;
	out->df = ip.df;
	out->length = ip.length;
	out->ip_id = ip.ip_id;
	out->flow_label = ip.flow_label;
	out->l4_offset = ip.l4_offset;
	if (!ip.l4_known || ip.later_fragment)
		return WN_OK;
	wn_rd_init(&r, buf, len);
	wn_rd_skip(&r, ip.l4_offset);
	if (is_icmp(ip.proto))
		read_icmp_head(&r, out);
	else if (ip.proto == WN_IP_UDP || ip.proto == WN_IP_TCP)
		read_port_head(&r, out);
	return WN_OK;
}

/* Changes len bytes (even, at an even offset of what the sum covers) and the sum in the field. */
static void change(uint8_t *at, const uint8_t *now, size_t len, uint8_t *csum)
{
	assert(at != NULL);
	if (csum != NULL)
		wn_put_be16(csum, wn_csum_update(wn_get_be16(csum), at, now, len));
	memcpy(at, now, len);
}

static wn_err set_v4_byte(uint8_t *buf, size_t len, size_t at, uint8_t value)
{
	uint8_t now[2];
	size_t word = at & ~(size_t)1;

	if (len < WN_IP4_HEADER)
		return WN_ETRUNC;
	memcpy(now, buf + word, 2);
	now[at & 1] = value;
	change(buf + word, now, 2, buf + 10);
	return WN_OK;
}

static wn_err check_v6(const uint8_t *buf, size_t len)
{
	if (len < WN_IP6_HEADER)
		return WN_ETRUNC;
	return buf[0] >> 4 == 6 ? WN_OK : WN_EPARSE;
}

wn_err wn_wire_set_ttl(uint8_t *buf, size_t len, uint8_t ttl)
{
	wn_err err;

	if (len > 0 && buf[0] >> 4 == 4)
		return set_v4_byte(buf, len, 8, ttl);
	err = check_v6(buf, len);
	if (err == WN_OK)
		buf[7] = ttl;
	return err;
}

wn_err wn_wire_set_tos(uint8_t *buf, size_t len, uint8_t tos)
{
	wn_err err;

	if (len > 0 && buf[0] >> 4 == 4)
		return set_v4_byte(buf, len, 1, tos);
	err = check_v6(buf, len);
	if (err != WN_OK)
		return err;
	buf[0] = (uint8_t)((buf[0] & 0xf0) | tos >> 4);
	buf[1] = (uint8_t)((buf[1] & 0x0f) | tos << 4);
	return WN_OK;
}

/* Where the transport checksum is, from the start of the packet; NO_FIELD when out of reach. */
static size_t l4_csum_at(const struct wn_ip *ip, const uint8_t *buf, size_t len)
{
	size_t at;

	if (!ip->l4_known || ip->later_fragment)
		return NO_FIELD;
	if (ip->proto == WN_IP_UDP)
		at = ip->l4_offset + 6;
	else if (ip->proto == WN_IP_TCP)
		at = ip->l4_offset + 16;
	else if (is_icmp(ip->proto))
		at = ip->l4_offset + 2;
	else
		return NO_FIELD;
	if (at + 2 > len)
		return NO_FIELD;
	if (ip->proto == WN_IP_UDP && wn_get_be16(buf + at) == 0) /* RFC 768: no checksum */
		return NO_FIELD;
	return at;
}

/* Where the port (or the echo identifier) is; NO_FIELD when there is none. */
static size_t port_at(const struct wn_ip *ip, const uint8_t *buf, size_t len, bool source)
{
	struct wn_wire_head h = {.proto = ip->proto};
	size_t at;

	if (!ip->l4_known || ip->later_fragment || len - ip->l4_offset < WN_ICMP_HEADER)
		return NO_FIELD;
	at = ip->l4_offset;
	if (ip->proto == WN_IP_UDP || ip->proto == WN_IP_TCP)
		return source ? at : at + 2;
	h.icmp_type = buf[at];
	return is_echo(&h) ? at + 4 : NO_FIELD;
}

static wn_err set_end(
	uint8_t *buf, size_t len, const struct wn_addr *addr, uint16_t port, bool source)
{
	struct wn_ip ip;
	size_t bytes, at, csum_at, where;
	uint8_t *csum, port_bytes[2];
	wn_err err = wn_ip_read(buf, len, &ip);

	if (err != WN_OK)
		return err;
	if (addr->family != ip.family)
		return WN_EINVAL;
	bytes = ip.family == 4 ? 4 : 16;
	at = ip.family == 4 ? (source ? 12 : 16) : (source ? 8 : 24);
	csum_at = l4_csum_at(&ip, buf, len);
	csum = csum_at == NO_FIELD ? NULL : buf + csum_at;
	if (csum != NULL && ip.proto != WN_IP_ICMP) /* the others sum the addresses too */
		wn_put_be16(csum, wn_csum_update(wn_get_be16(csum), buf + at, addr->bytes, bytes));
	change(buf + at, addr->bytes, bytes, ip.family == 4 ? buf + 10 : NULL);
	where = port != 0 ? port_at(&ip, buf, len, source) : NO_FIELD;
	if (where != NO_FIELD) {
		wn_put_be16(port_bytes, port);
		change(buf + where, port_bytes, 2, csum);
	}
	if (csum != NULL && ip.proto == WN_IP_UDP && wn_get_be16(csum) == 0)
		wn_put_be16(csum, 0xffff); /* RFC 768: 0 would say that there is none */
	return WN_OK;
}

wn_err wn_wire_set_src(uint8_t *buf, size_t len, const struct wn_addr *src, uint16_t sport)
{
	return set_end(buf, len, src, sport, true);
}

wn_err wn_wire_set_dst(uint8_t *buf, size_t len, const struct wn_addr *dst, uint16_t dport)
{
	return set_end(buf, len, dst, dport, false);
}

/* The options of a TCP header that is all there. */
struct tcp_at {
	struct wn_rd options;
	uint8_t *csum;
	uint8_t flags;
};

static bool find_tcp(uint8_t *buf, size_t len, struct tcp_at *out)
{
	struct wn_ip ip;
	size_t header;
	uint8_t *tcp;

	if (wn_ip_read(buf, len, &ip) != WN_OK || ip.proto != WN_IP_TCP || !ip.l4_known ||
		ip.later_fragment || len - ip.l4_offset < WN_TCP_HEADER)
		return false;
	tcp = buf + ip.l4_offset;
	header = (size_t)(tcp[12] >> 4) * 4;
	if (header < WN_TCP_HEADER || len - ip.l4_offset < header)
		return false;
	wn_rd_init(&out->options, tcp + WN_TCP_HEADER, header - WN_TCP_HEADER);
	out->flags = tcp[13];
	out->csum = tcp + 16;
	return true;
}

/* The sum is over words: what stands beside in the first and last of them is kept. */
static void put(uint8_t *buf, uint8_t *csum, size_t at, const uint8_t *data, size_t len)
{
	size_t first = at & ~(size_t)1, end = (at + len + 1) & ~(size_t)1;
	uint8_t now[WN_TCP_HEADER_MAX];

	assert(end - first <= sizeof(now));
	memcpy(now, buf + first, end - first);
	memcpy(now + (at - first), data, len);
	change(buf + first, now, end - first, csum);
}

void wn_wire_strip_tcp(uint8_t *buf, size_t len, uint8_t options)
{
	uint8_t kind, nops[WN_TCP_HEADER_MAX - WN_TCP_HEADER];
	struct tcp_at tcp;
	struct wn_rd one;

	if (!find_tcp(buf, len, &tcp))
		return;
	memset(nops, WN_TCP_NOP, sizeof(nops));
	while (wn_tcp_next_option(&tcp.options, &kind, &one))
		if (wn_tcp_kind_option(kind) & options)
			put(buf, tcp.csum, (size_t)(one.data - buf) - 2, nops, one.len + 2);
}

void wn_wire_clamp_mss(uint8_t *buf, size_t len, uint16_t mss)
{
	uint8_t kind, bytes[2];
	struct tcp_at tcp;
	struct wn_rd one;

	if (!find_tcp(buf, len, &tcp) || !(tcp.flags & WN_TCP_SYN))
		return;
	wn_put_be16(bytes, mss);
	while (wn_tcp_next_option(&tcp.options, &kind, &one))
		if (wn_tcp_kind_option(kind) == WN_TCP_OPT_MSS && one.len == 2 &&
			wn_get_be16(one.data) > mss)
			put(buf, tcp.csum, (size_t)(one.data - buf), bytes, 2);
}
