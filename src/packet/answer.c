/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other direction: what routers say about a packet, and what its target answers.
 * Written for the simulator, so it can also do what old and sloppy routers do.
 */
#include <string.h>
#include "packet/wire.h"
#include "packet/wire_int.h"

#define MIN_QUOTE_EXT 128  /* RFC 4884 4: a quote followed by extensions is padded to it */
#define V4_ERROR_MAX  576  /* RFC 1812 4.3.2.3 */
#define V6_ERROR_MAX  1280 /* RFC 4443 2.4 c */
#define EXT_MAX	      1024 /* beyond what a wn_ext can hold */
#define RST_ACK	      (WN_TCP_RST | WN_TCP_ACK)
#define SYN_ACK	      (WN_TCP_SYN | WN_TCP_ACK)
#define WINDOW	      65160

/* Sets the checksum in a message of len bytes that was written with 0 there. */
static void set_checksum(const struct wn_ip *ip, uint8_t *l4, size_t len, size_t at)
{
	uint32_t sum = 0;
	uint16_t csum;

	if (ip->proto != WN_IP_ICMP)
		sum = wn_csum_pseudo(&ip->src, &ip->dst, ip->proto, (uint32_t)len);
	csum = wn_csum_finish(wn_csum_add(sum, l4, len));
	if (csum == 0 && ip->proto == WN_IP_UDP)
		csum = 0xffff;
	wn_put_be16(l4 + at, csum);
}

/* How the part behind the ICMP header is laid out. */
struct layout {
	size_t quote;  /* bytes of the offending packet */
	size_t padded; /* the same with padding */
	uint8_t ext[EXT_MAX];
	size_t ext_len; /* 0: none */
};

static wn_err lay_out(const struct wn_wire_error *e, const struct wn_icmp_form *f,
	size_t offending_len, struct layout *l)
{
	size_t max = f->family == 4 ? V4_ERROR_MAX : V6_ERROR_MAX;
	struct wn_wr w;

	l->ext_len = 0;
	if (e->ext != NULL && f->length_at != 0) {
		wn_wr_init(&w, l->ext, sizeof(l->ext));
		wn_ext_write(e->ext, &w);
		if (w.bad)
			return WN_EFULL;
		l->ext_len = w.pos;
	}
	max -= wn_ip_header_size(f->family) + WN_ICMP_HEADER;
	/* Only what is left beside extensions is for the quote, but never less than 128 bytes. */
	max = max > l->ext_len + MIN_QUOTE_EXT ? max - l->ext_len : MIN_QUOTE_EXT;
	if (l->ext_len > 0)
		max -= max % f->length_unit; /* the quote is padded up to whole units below */
	l->quote = e->quote_bytes ? e->quote_bytes : max;
	if (l->quote > offending_len)
		l->quote = offending_len;
	if (l->ext_len == 0) {
		l->padded = l->quote;
		return WN_OK;
	}
	if (e->legacy_ext && l->quote > MIN_QUOTE_EXT)
		l->quote = MIN_QUOTE_EXT;
	max = (size_t)UINT8_MAX * f->length_unit; /* what the length field can say */
	if (l->quote > max)
		l->quote = max;
	l->padded = (l->quote + f->length_unit - 1) / f->length_unit * f->length_unit;
	if (l->padded < MIN_QUOTE_EXT)
		l->padded = MIN_QUOTE_EXT;
	return WN_OK;
}

static void write_error(const struct wn_wire_error *e, const struct wn_icmp_form *f,
	const struct layout *l, const uint8_t *offending, struct wn_wr *w)
{
	size_t start = w->pos;

	wn_wr_u8(w, f->type);
	wn_wr_u8(w, f->code < 0 ? e->code : (uint8_t)f->code);
	wn_wr_be16(w, 0);
	if (!f->mtu)
		wn_wr_be32(w, 0);
	else
		wn_wr_be32(w, f->family == 4 ? e->mtu & 0xffff : e->mtu);
	if (l->ext_len && !e->legacy_ext && !w->bad)
		w->data[start + f->length_at] = (uint8_t)(l->padded / f->length_unit);
	wn_wr_bytes(w, offending, l->quote);
	wn_wr_fill(w, 0, l->padded - l->quote);
	wn_wr_bytes(w, l->ext, l->ext_len);
}

wn_err wn_wire_build_error(const struct wn_wire_error *e, const uint8_t *offending,
	size_t offending_len, uint8_t *buf, size_t cap, size_t *out_len)
{
	struct wn_ip ip = {.family = e->from.family,
		.proto = e->from.family == 4 ? WN_IP_ICMP : WN_IP_ICMP6,
		.ttl = e->ttl,
		.tos = e->tos,
		.ip_id = e->ip_id,
		.src = e->from,
		.dst = e->to};
	const struct wn_icmp_form *f = wn_icmp_form_of_kind(e->from.family, e->kind);
	struct layout l;
	struct wn_wr w;
	size_t at;
	wn_err err;

	*out_len = 0;
	if (f == NULL || e->to.family != e->from.family ||
		(f->family == 6 && e->kind == WN_REPLY_REDIRECT))
		return WN_EINVAL;
	err = lay_out(e, f, offending_len, &l);
	if (err != WN_OK)
		return err;
	at = wn_ip_header_size(ip.family);
	ip.length = (uint16_t)(at + WN_ICMP_HEADER + l.padded + l.ext_len);
	wn_wr_init(&w, buf, cap);
	wn_ip_write(&ip, &w);
	write_error(e, f, &l, offending, &w);
	if (w.bad)
		return WN_EFULL;
	set_checksum(&ip, buf + at, w.pos - at, 2);
	*out_len = w.pos;
	return WN_OK;
}

/* The probe as its target reads it. */
struct asked {
	struct wn_ip ip;
	struct wn_wire_head head;
	const uint8_t *l4;
	size_t l4_len;
};

static wn_err read_probe(const uint8_t *probe, size_t len, struct asked *a)
{
	wn_err err = wn_ip_read(probe, len, &a->ip);

	if (err != WN_OK)
		return err;
	if (!a->ip.l4_known || a->ip.later_fragment)
		return WN_EUNSUPPORTED;
	if (a->ip.length < len && a->ip.length >= a->ip.l4_offset)
		len = a->ip.length;
	a->l4 = probe + a->ip.l4_offset;
	a->l4_len = len - a->ip.l4_offset;
	return wn_wire_head(probe, len, &a->head);
}

static wn_err answer_echo(const struct asked *a, struct wn_wr *w)
{
	bool v4 = a->ip.family == 4;

	if (a->ip.proto != (v4 ? WN_IP_ICMP : WN_IP_ICMP6) || a->l4_len < WN_ICMP_HEADER ||
		a->head.icmp_type != (v4 ? WN_ICMP4_ECHO : WN_ICMP6_ECHO))
		return WN_EINVAL;
	wn_wr_u8(w, v4 ? WN_ICMP4_ECHO_REPLY : WN_ICMP6_ECHO_REPLY);
	wn_wr_u8(w, 0);
	wn_wr_be16(w, 0);
	wn_wr_bytes(w, a->l4 + 4, a->l4_len - 4);
	return WN_OK;
}

/* An echo service: the answer says what the probe said. */
static wn_err answer_udp(const struct asked *a, struct wn_wr *w)
{
	if (a->ip.proto != WN_IP_UDP || a->l4_len < WN_UDP_HEADER)
		return WN_EINVAL;
	wn_wr_be16(w, a->head.dport);
	wn_wr_be16(w, a->head.sport);
	wn_wr_be16(w, (uint16_t)a->l4_len);
	wn_wr_be16(w, 0);
	wn_wr_bytes(w, a->l4 + WN_UDP_HEADER, a->l4_len - WN_UDP_HEADER);
	return WN_OK;
}

static wn_err answer_tcp(const struct asked *a, uint8_t flags, struct wn_wr *w)
{
	bool open = flags == SYN_ACK;
	struct wn_rd r;
	uint32_t seq, ack;
	size_t header;

	if (a->ip.proto != WN_IP_TCP || a->l4_len < WN_TCP_HEADER)
		return WN_EINVAL;
	wn_rd_init(&r, a->l4, a->l4_len);
	wn_rd_skip(&r, 4);
	seq = wn_rd_be32(&r);
	wn_rd_skip(&r, 4);
	header = (size_t)(wn_rd_u8(&r) >> 4) * 4;
	ack = seq + 1;
	if (!open && header <= a->l4_len) /* RFC 9293 3.10.7.1: SEG.SEQ + SEG.LEN */
		ack += (uint32_t)(a->l4_len - header);
	wn_wr_be16(w, a->head.dport);
	wn_wr_be16(w, a->head.sport);
	wn_wr_be32(w, open ? seq * 2654435761u + 1 : 0); /* any number will do */
	wn_wr_be32(w, ack);
	wn_wr_u8(w, open ? WN_TCP_SYN_SIZE / 4 << 4 : WN_TCP_HEADER / 4 << 4);
	wn_wr_u8(w, flags);
	wn_wr_be16(w, open ? WINDOW : 0);
	wn_wr_be32(w, 0);
	if (open) {
		wn_wr_be16(w, 0x0204);
		wn_wr_be16(w, a->ip.family == 4 ? 1460 : 1440);
	}
	return WN_OK;
}

static wn_err write_answer(enum wn_reply_kind kind, const struct asked *a, struct wn_wr *w)
{
	switch (kind) {
	case WN_REPLY_ECHO:
		return answer_echo(a, w);
	case WN_REPLY_UDP:
		return answer_udp(a, w);
	case WN_REPLY_SYN_ACK:
		return answer_tcp(a, SYN_ACK, w);
	case WN_REPLY_RST:
		return answer_tcp(a, RST_ACK, w);
	default:
		return WN_EINVAL;
	}
}

static size_t checksum_at(uint8_t proto)
{
	return proto == WN_IP_TCP ? 16 : proto == WN_IP_UDP ? 6 : 2;
}

wn_err wn_wire_build_answer(enum wn_reply_kind kind, const uint8_t *probe, size_t probe_len,
	uint8_t ttl, uint8_t *buf, size_t cap, size_t *out_len)
{
	struct wn_ip ip = {0};
	struct asked a;
	struct wn_wr l4, w;
	size_t at;
	wn_err err = read_probe(probe, probe_len, &a);

	*out_len = 0;
	if (err != WN_OK)
		return err;
	at = wn_ip_header_size(a.ip.family);
	if (cap < at)
		return WN_EFULL;
	wn_wr_init(&l4, buf + at, cap - at < UINT16_MAX - at ? cap - at : UINT16_MAX - at);
	err = write_answer(kind, &a, &l4);
	if (err == WN_OK && l4.bad)
		err = WN_EFULL;
	if (err != WN_OK)
		return err;
	ip.family = a.ip.family;
	ip.proto = a.ip.proto;
	ip.ttl = ttl;
	ip.tos = kind == WN_REPLY_ECHO ? a.ip.tos : 0; /* RFC 1122 3.2.2.6: as received */
	ip.df = true;
	ip.length = (uint16_t)(at + l4.pos);
	ip.src = a.ip.dst;
	ip.dst = a.ip.src;
	wn_wr_init(&w, buf, at);
	wn_ip_write(&ip, &w);
	set_checksum(&ip, buf + at, l4.pos, checksum_at(ip.proto));
	*out_len = at + l4.pos;
	return WN_OK;
}
