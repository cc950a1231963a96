/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes to bytes. Header and payload are made apart, because some sockets want only one of
 * them, and summed together, because the two compensation bytes in the payload decide at what
 * value the checksum in the header comes out.
 */
#include <string.h>
#include "packet/wire.h"
#include "packet/wire_int.h"

#define SYN_WINDOW     64240 /* of a Linux machine ... */
#define SEGMENT_WINDOW 502   /* ... and about the same scaled, behind a handshake */

struct l4 {
	uint8_t bytes[WN_TCP_HEADER + WN_TCP_OPTIONS_MAX];
	size_t len;
	size_t csum_at;
};

static void write_udp(const struct wn_probe *p, size_t payload_len, struct wn_wr *w)
{
	wn_wr_be16(w, p->sport);
	wn_wr_be16(w, p->dport);
	wn_wr_be16(w, (uint16_t)(WN_UDP_HEADER + payload_len));
	wn_wr_be16(w, 0);
}

static void write_echo(const struct wn_probe *p, struct wn_wr *w)
{
	wn_wr_u8(w, p->dst.family == 4 ? WN_ICMP4_ECHO : WN_ICMP6_ECHO);
	wn_wr_u8(w, 0);
	wn_wr_be16(w, 0);
	wn_wr_be16(w, p->icmp_id);
	wn_wr_be16(w, p->icmp_seq);
}

static void write_tcp(const struct wn_probe *p, struct wn_wr *w)
{
	struct wn_tcp_header h = {.opts = {.set = p->tcp_options,
					  .mss = wn_tcp_mss(p->dst.family),
					  .wscale = WN_TCP_WSCALE,
					  .tsval = p->tcp_tsval},
		.tsecr = p->tcp_tsecr};
	unsigned words = (WN_TCP_HEADER + wn_tcp_options_size(p->tcp_options)) / 4u;

	wn_wr_be16(w, p->sport);
	wn_wr_be16(w, p->dport);
	wn_wr_be32(w, p->tcp_seq);
	wn_wr_be32(w, p->tcp_ack);
	wn_wr_u8(w, (uint8_t)(words << 4));
	wn_wr_u8(w, wn_tcp_flags(p));
	wn_wr_be16(w, wn_tcp_flags(p) & WN_TCP_SYN ? SYN_WINDOW : SEGMENT_WINDOW);
	wn_wr_be16(w, 0);
	wn_wr_be16(w, 0);
	wn_tcp_write_options(&h, w);
}

static void write_header(const struct wn_probe *p, size_t payload_len, struct l4 *l4)
{
	struct wn_wr w;

	wn_wr_init(&w, l4->bytes, sizeof(l4->bytes));
	switch (p->proto) {
	case WN_PROTO_UDP:
		write_udp(p, payload_len, &w);
		l4->csum_at = 6;
		break;
	case WN_PROTO_ICMP:
		write_echo(p, &w);
		l4->csum_at = 2;
		break;
	case WN_PROTO_TCP:
		write_tcp(p, &w);
		l4->csum_at = 16;
		break;
	}
	l4->len = w.pos;
}

/* In the payload; even, so that it is one word of the sum. Without room for a cookie: first. */
static size_t compensation_at(size_t payload_len)
{
	return payload_len < WN_COOKIE_BYTES + WN_COMPENSATION_BYTES ? 0 : WN_COOKIE_BYTES;
}

/* The two compensation bytes are left at 0. */
static void write_payload(const struct wn_probe *p, uint8_t *payload, size_t len)
{
	struct wn_wr w;

	wn_wr_init(&w, payload, len);
	if (p->plain) {
		wn_wr_fill(&w, p->pattern, len);
		return;
	}
	if (p->proto == WN_PROTO_TCP ? len >= WN_COOKIE_BYTES : compensation_at(len) > 0)
		wn_wr_bytes(&w, p->cookie, WN_COOKIE_BYTES);
	if (p->proto != WN_PROTO_TCP && len >= WN_COMPENSATION_BYTES)
		wn_wr_be16(&w, 0);
	wn_wr_fill(&w, p->pattern, len - w.pos);
}

/* Puts the checksum into the header and, where one is asked for, its cause into the payload. */
static void settle_checksum(const struct wn_probe *p, struct l4 *l4, uint8_t *payload, size_t len)
{
	uint8_t proto = wn_ip_proto(p->proto, p->dst.family);
	uint32_t sum = 0;
	uint16_t csum;

	if (proto != WN_IP_ICMP)
		sum = wn_csum_pseudo(&p->src, &p->dst, proto, (uint32_t)(l4->len + len));
	sum = wn_csum_add(sum, l4->bytes, l4->len);
	sum = wn_csum_add(sum, payload, len);
	if (p->proto != WN_PROTO_TCP && p->checksum != 0 && !p->plain) {
		csum = p->checksum;
		wn_put_be16(payload + compensation_at(len), wn_csum_compensate(sum, csum));
	} else {
		csum = wn_csum_finish(sum);
		if (csum == 0 && p->proto == WN_PROTO_UDP) /* RFC 768: 0 means none */
			csum = 0xffff;
	}
	wn_put_be16(l4->bytes + l4->csum_at, csum);
}

wn_err wn_wire_build(const struct wn_probe *p, uint8_t *buf, size_t cap, size_t *out_len)
{
	struct wn_ip ip = {.family = p->dst.family,
		.proto = wn_ip_proto(p->proto, p->dst.family),
		.ttl = p->ttl,
		.tos = p->tos,
		.df = p->df,
		.ip_id = p->ip_id,
		.length = p->size,
		.flow_label = p->flow_label,
		.src = p->src,
		.dst = p->dst};
	size_t payload_len;
	struct wn_wr w;
	struct l4 l4;
	wn_err err = wn_probe_check(p, NULL);

	*out_len = 0;
	if (err != WN_OK)
		return err;
	if (cap < p->size)
		return WN_EFULL;
	payload_len = wn_probe_payload_size(p);
	write_header(p, payload_len, &l4);
	wn_wr_init(&w, buf, p->size);
	wn_ip_write(&ip, &w);
	write_payload(p, buf + w.pos + l4.len, payload_len);
	settle_checksum(p, &l4, buf + w.pos + l4.len, payload_len);
	wn_wr_bytes(&w, l4.bytes, l4.len);
	*out_len = p->size;
	return WN_OK;
}

wn_err wn_wire_build_payload(const struct wn_probe *p, uint8_t *buf, size_t cap, size_t *out_len)
{
	size_t header, payload_len;
	struct l4 l4;
	wn_err err = wn_probe_check(p, NULL);

	*out_len = 0;
	if (err != WN_OK)
		return err;
	payload_len = wn_probe_payload_size(p);
	write_header(p, payload_len, &l4);
	header = p->proto == WN_PROTO_ICMP ? l4.len : 0;
	if (cap < header + payload_len)
		return WN_EFULL;
	write_payload(p, buf + header, payload_len);
	settle_checksum(p, &l4, buf + header, payload_len);
	if (header)
		memcpy(buf, l4.bytes, header);
	*out_len = header + payload_len;
	return WN_OK;
}
