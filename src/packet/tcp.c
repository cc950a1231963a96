/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP headers beyond their ports and numbers: flags and options, named, written and read in one
 * place. Options are written as Linux orders them, so that a SYN of ours looks like any other.
 */
#include <string.h>
#include "packet/wire.h"
#include "packet/wire_int.h"

struct named {
	const char *name;
	uint8_t bit;
};

static const struct named flags[] = {
	{"fin", WN_TCP_FIN},
	{"syn", WN_TCP_SYN},
	{"rst", WN_TCP_RST},
	{"psh", WN_TCP_PSH},
	{"ack", WN_TCP_ACK},
	{"urg", WN_TCP_URG},
	{"ece", WN_TCP_ECE},
	{"cwr", WN_TCP_CWR},
};

static const struct named options[] = {
	{"mss", WN_TCP_OPT_MSS},
	{"sack", WN_TCP_OPT_SACK_OK},
	{"timestamps", WN_TCP_OPT_TIMESTAMPS},
	{"wscale", WN_TCP_OPT_WSCALE},
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t find(const struct named *list, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(list[i].name) == len && memcmp(list[i].name, name, len) == 0)
			return list[i].bit;
	return 0;
}

static const char *name_of(const struct named *list, size_t count, uint8_t bit)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].bit == bit)
			return list[i].name;
	return "";
}

uint8_t wn_tcp_flag(const char *name, size_t len)
{
	return find(flags, LEN(flags), name, len);
}

uint8_t wn_tcp_option(const char *name, size_t len)
{
	return find(options, LEN(options), name, len);
}

const char *wn_tcp_flag_name(uint8_t flag)
{
	return name_of(flags, LEN(flags), flag);
}

const char *wn_tcp_option_name(uint8_t option)
{
	return name_of(options, LEN(options), option);
}

uint8_t wn_tcp_flags(const struct wn_probe *p)
{
	return p->tcp_flags ? p->tcp_flags : WN_TCP_SYN;
}

/* RFC 9293 3.7.1, of an Ethernet's packets. */
uint16_t wn_tcp_mss(uint8_t family)
{
	return family == 4 ? 1460 : 1440;
}

uint16_t wn_tcp_options_size(uint8_t set)
{
	bool stamps = set & WN_TCP_OPT_TIMESTAMPS;
	unsigned words = (set & WN_TCP_OPT_MSS ? 1 : 0) + (stamps ? 3 : 0) +
			 (set & WN_TCP_OPT_SACK_OK && !stamps ? 1 : 0) +
			 (set & WN_TCP_OPT_WSCALE ? 1 : 0);

	return (uint16_t)(words * 4);
}

/* The two bytes before the time stamps, or a word of its own. */
static void write_sack_ok(uint8_t set, struct wn_wr *w)
{
	bool stamps = set & WN_TCP_OPT_TIMESTAMPS, ok = set & WN_TCP_OPT_SACK_OK;

	if (ok && !stamps)
		wn_wr_fill(w, WN_TCP_NOP, 2);
	if (ok)
		wn_wr_be16(w, WN_TCP_KIND_SACK_OK << 8 | 2); /* RFC 2018 2 */
	else if (stamps)
		wn_wr_fill(w, WN_TCP_NOP, 2);
}

void wn_tcp_write_options(const struct wn_tcp_header *h, struct wn_wr *w)
{
	if (h->opts.set & WN_TCP_OPT_MSS) {
		wn_wr_be16(w, WN_TCP_KIND_MSS << 8 | 4); /* RFC 9293 3.2 */
		wn_wr_be16(w, h->opts.mss);
	}
	write_sack_ok(h->opts.set, w);
	if (h->opts.set & WN_TCP_OPT_TIMESTAMPS) {
		wn_wr_be16(w, WN_TCP_KIND_TIMESTAMPS << 8 | 10); /* RFC 7323 3.2 */
		wn_wr_be32(w, h->opts.tsval);
		wn_wr_be32(w, h->tsecr);
	}
	if (h->opts.set & WN_TCP_OPT_WSCALE) {
		wn_wr_u8(w, WN_TCP_NOP);
		wn_wr_be16(w, WN_TCP_KIND_WSCALE << 8 | 3); /* RFC 7323 2.2 */
		wn_wr_u8(w, h->opts.wscale);
	}
}

uint8_t wn_tcp_kind_option(uint8_t kind)
{
	switch (kind) {
	case WN_TCP_KIND_MSS:
		return WN_TCP_OPT_MSS;
	case WN_TCP_KIND_WSCALE:
		return WN_TCP_OPT_WSCALE;
	case WN_TCP_KIND_SACK_OK:
		return WN_TCP_OPT_SACK_OK;
	case WN_TCP_KIND_SACK:
		return WN_TCP_OPT_SACK;
	case WN_TCP_KIND_TIMESTAMPS:
		return WN_TCP_OPT_TIMESTAMPS;
	default:
		return 0;
	}
}

static size_t content_size(uint8_t option)
{
	switch (option) {
	case WN_TCP_OPT_MSS:
		return 2;
	case WN_TCP_OPT_WSCALE:
		return 1;
	case WN_TCP_OPT_TIMESTAMPS:
		return 8;
	default:
		return 0;
	}
}

/* Blocks of received data; RFC 2018 4: the first names the segment that is answered. */
static void read_sack(struct wn_rd *r, size_t len, struct wn_tcp_header *out)
{
	if (len < 8 || len % 8 != 0)
		return;
	out->opts.set |= WN_TCP_OPT_SACK;
	for (size_t i = 0; i < WN_SACK_MAX && wn_rd_left(r) > 0; i++) {
		out->sack[i].left = wn_rd_be32(r);
		out->sack[i].right = wn_rd_be32(r);
	}
}

/* len bytes of content; one of another length than its kind has is as good as none. */
static void read_option(uint8_t kind, struct wn_rd *r, struct wn_tcp_header *out)
{
	uint8_t option = wn_tcp_kind_option(kind);
	size_t len = wn_rd_left(r);

	if (option == WN_TCP_OPT_SACK) {
		read_sack(r, len, out);
		return;
	}
	if (option == 0 || len != content_size(option))
		return;
	out->opts.set |= option;
	if (option == WN_TCP_OPT_MSS) {
		out->opts.mss = wn_rd_be16(r);
	} else if (option == WN_TCP_OPT_WSCALE) {
		out->opts.wscale = wn_rd_u8(r);
	} else if (option == WN_TCP_OPT_TIMESTAMPS) {
		out->opts.tsval = wn_rd_be32(r);
		out->tsecr = wn_rd_be32(r);
	}
}

bool wn_tcp_next_option(struct wn_rd *r, uint8_t *out_kind, struct wn_rd *out)
{
	uint8_t len;

	do {
		*out_kind = wn_rd_left(r) > 0 ? wn_rd_u8(r) : WN_TCP_END;
	} while (*out_kind == WN_TCP_NOP);
	if (*out_kind == WN_TCP_END)
		return false;
	len = wn_rd_u8(r);
	if (r->bad || len < 2)
		return false; /* where the next one begins nobody knows */
	*out = wn_rd_sub(r, len - 2u);
	return !r->bad;
}

bool wn_tcp_read(struct wn_rd *r, struct wn_tcp_header *out)
{
	struct wn_rd all, one;
	size_t header;
	uint8_t kind;

	memset(out, 0, sizeof(*out));
	header = (size_t)(wn_rd_u8(r) >> 4) * 4;
	out->flags = wn_rd_u8(r);
	out->window = wn_rd_be16(r);
	out->checksum = wn_rd_be16(r);
	wn_rd_skip(r, 2);
	if (r->bad || header < WN_TCP_HEADER)
		return false;
	all = wn_rd_sub(r, header - WN_TCP_HEADER);
	out->opts.whole = !r->bad;
	while (out->opts.whole && wn_tcp_next_option(&all, &kind, &one))
		read_option(kind, &one, out);
	return true;
}

bool wn_tcp_changes(const struct wn_probe *p, const struct wn_quote *q, uint8_t *out_stripped,
	uint8_t *out_changed)
{
	const struct wn_tcp_opts *o = &q->tcp_opts;
	uint8_t both = p->tcp_options & o->set;

	*out_stripped = *out_changed = 0;
	if (p->proto != WN_PROTO_TCP || !o->whole)
		return false;
	*out_stripped = (uint8_t)(p->tcp_options & ~o->set);
	if (both & WN_TCP_OPT_MSS && o->mss != wn_tcp_mss(p->dst.family))
		*out_changed |= WN_TCP_OPT_MSS;
	if (both & WN_TCP_OPT_WSCALE && o->wscale != WN_TCP_WSCALE)
		*out_changed |= WN_TCP_OPT_WSCALE;
	/* A back end that keeps the time itself (tcp_tsval 0) does not tell it. */
	if (both & WN_TCP_OPT_TIMESTAMPS && p->tcp_tsval && o->tsval != p->tcp_tsval)
		*out_changed |= WN_TCP_OPT_TIMESTAMPS;
	return true;
}
