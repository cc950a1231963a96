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

/* A probe's TCP header as the answer needs it. */
struct segment {
	uint32_t seq, ack, payload;
	struct wn_tcp_header header;
};

static bool read_segment(const struct asked *a, struct segment *out)
{
	struct wn_rd r;

	memset(out, 0, sizeof(*out));
	if (a->ip.proto != WN_IP_TCP)
		return false;
	wn_rd_init(&r, a->l4, a->l4_len);
	wn_rd_skip(&r, 4);
	out->seq = wn_rd_be32(&r);
	out->ack = wn_rd_be32(&r);
	if (!wn_tcp_read(&r, &out->header))
		return false;
	out->payload = (uint32_t)wn_rd_left(&r);
	return true;
}

static void write_segment(const struct asked *a, const struct segment *s, struct wn_wr *w)
{
	unsigned words = (WN_TCP_HEADER + wn_tcp_options_size(s->header.opts.set)) / 4u;

	wn_wr_be16(w, a->head.dport);
	wn_wr_be16(w, a->head.sport);
	wn_wr_be32(w, s->seq);
	wn_wr_be32(w, s->ack);
	wn_wr_u8(w, (uint8_t)(words << 4));
	wn_wr_u8(w, s->header.flags);
	wn_wr_be16(w, s->header.window);
	wn_wr_be32(w, 0);
	wn_tcp_write_options(&s->header, w);
}

/* A listener takes up the options that it is offered; its own MSS it says in any case. */
static wn_err answer_syn(const struct asked *a, struct wn_wr *w)
{
	const uint8_t judged = WN_TCP_SYN | WN_TCP_ACK | WN_TCP_RST | WN_TCP_FIN;
	struct segment syn, answer;

	if (!read_segment(a, &syn) || (syn.header.flags & judged) != WN_TCP_SYN)
		return WN_EINVAL;
	answer = (struct segment){
		.seq = syn.seq * 2654435761u + 1, /* any number will do */
		.ack = syn.seq + 1,
		.header = {.flags = SYN_ACK,
			.window = WINDOW,
			.opts = {.set = WN_TCP_OPT_MSS | syn.header.opts.set,
				.mss = wn_tcp_mss(a->ip.family),
				.wscale = WN_TCP_WSCALE,
				.tsval = syn.seq ^ syn.header.opts.tsval}, /* nor here */
			.tsecr = syn.header.opts.tsval},
	};
	write_segment(a, &answer, w);
	return WN_OK;
}

/* RFC 9293 3.10.7.1: what nobody expects is reset, but for a reset. */
static wn_err answer_reset(const struct asked *a, struct wn_wr *w)
{
	struct segment seg, answer = {.header.flags = RST_ACK};
	uint8_t flags;

	if (!read_segment(a, &seg) || seg.header.flags & WN_TCP_RST)
		return WN_EINVAL;
	flags = seg.header.flags;
	answer.ack = seg.seq + seg.payload + !!(flags & WN_TCP_SYN) + !!(flags & WN_TCP_FIN);
	if (flags & WN_TCP_ACK)
		answer = (struct segment){.seq = seg.ack, .header.flags = WN_TCP_RST};
	write_segment(a, &answer, w);
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
		return answer_syn(a, w);
	case WN_REPLY_RST:
		return answer_reset(a, w);
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
