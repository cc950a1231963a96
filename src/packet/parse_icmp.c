/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP messages: which kind one is, what it quotes, and where its extensions begin.
 * Checksums are the caller's affair; here every length is taken from the bytes that are there.
 */
#include "packet/wire.h"
#include "packet/wire_int.h"

#define LEGACY_QUOTE 128 /* RFC 4884 5.5: where extensions begin when no length says so */

/* RFC 792, 1812, 4443; the length fields are those of RFC 4884 4. The first form of a kind is
 * the one that is built. */
static const struct wn_icmp_form forms[] = {
	{4, 11, 0, WN_REPLY_TIME_EXCEEDED, 5, 4, false},
	{4, 11, 1, WN_REPLY_REASSEMBLY, 5, 4, false},
	{4, 3, 4, WN_REPLY_TOO_BIG, 5, 4, true},
	{4, 3, -1, WN_REPLY_UNREACHABLE, 5, 4, false},
	{4, 12, -1, WN_REPLY_PARAM_PROBLEM, 5, 4, false},
	{4, 4, -1, WN_REPLY_SOURCE_QUENCH, 0, 0, false},
	{4, 5, -1, WN_REPLY_REDIRECT, 0, 0, false},
	{6, 3, 0, WN_REPLY_TIME_EXCEEDED, 4, 8, false},
	{6, 3, 1, WN_REPLY_REASSEMBLY, 4, 8, false},
	{6, 1, -1, WN_REPLY_UNREACHABLE, 4, 8, false},
	{6, 2, -1, WN_REPLY_TOO_BIG, 0, 0, true},
	{6, 4, -1, WN_REPLY_PARAM_PROBLEM, 0, 0, false},
	{6, 137, -1, WN_REPLY_REDIRECT, 0, 0, false},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

/* RFC 4861 4.5: a redirect holds two addresses and then options, one of which quotes. */
#define V6_REDIRECT_OPTIONS 40
#define V6_REDIRECTED	    4

const struct wn_icmp_form *wn_icmp_form_of_type(uint8_t family, uint8_t type, uint8_t code)
{
	for (size_t i = 0; i < FORMS; i++)
		if (forms[i].family == family && forms[i].type == type &&
			(forms[i].code < 0 || forms[i].code == code))
			return &forms[i];
	return NULL;
}

bool wn_icmp_error_kind(uint8_t family, uint8_t type, uint8_t code, enum wn_reply_kind *out)
{
	const struct wn_icmp_form *f = wn_icmp_form_of_type(family, type, code);

	if (f)
		*out = f->kind;
	return f != NULL;
}

const struct wn_icmp_form *wn_icmp_form_of_kind(uint8_t family, enum wn_reply_kind kind)
{
	for (size_t i = 0; i < FORMS; i++)
		if (forms[i].family == family && forms[i].kind == kind)
			return &forms[i];
	return NULL;
}

/*
 * Finds the extension structure behind the quote; returns how many bytes the quote has.
 * A length that leads nowhere is taken as rubbish in a field that was once unused.
 */
static size_t split_ext(
	const struct wn_icmp_form *f, const uint8_t *msg, size_t len, struct wn_ext *ext)
{
	size_t body = len - WN_ICMP_HEADER;
	size_t quote = f->length_at ? (size_t)msg[f->length_at] * f->length_unit : 0;

	if (f->length_at == 0)
		return body;
	if (quote == 0 || quote > body) {
		if (body <= LEGACY_QUOTE ||
			!wn_ext_plausible(msg + WN_ICMP_HEADER + LEGACY_QUOTE, body - LEGACY_QUOTE))
			return body;
		quote = LEGACY_QUOTE;
	}
	if (quote == body)
		return body;
	wn_wire_parse_ext(msg + WN_ICMP_HEADER + quote, body - quote, ext);
	return ext->bad ? body : quote;
}

/* The bytes quoted by an ICMPv6 redirect, which may have none. */
static struct wn_rd redirected(struct wn_rd r)
{
	wn_rd_skip(&r, V6_REDIRECT_OPTIONS - WN_ICMP_HEADER);
	while (!r.bad && wn_rd_left(&r) >= 8) {
		uint8_t type = wn_rd_u8(&r);
		size_t len = (size_t)wn_rd_u8(&r) * 8;

		if (len == 0)
			break;
		if (type == V6_REDIRECTED) {
			wn_rd_skip(&r, 6);
			if (len - 8 < wn_rd_left(&r))
				return wn_rd_sub(&r, len - 8);
			return r;
		}
		wn_rd_skip(&r, len - 2);
	}
	wn_rd_init(&r, NULL, 0);
	return r;
}

static wn_err parse_error(
	const struct wn_icmp_form *f, const uint8_t *buf, size_t len, struct wn_reply *out)
{
	struct wn_rd r;
	uint32_t word;

	out->kind = f->kind;
	if (len < WN_ICMP_HEADER) {
		out->truncated = true;
		return WN_OK;
	}
	wn_rd_init(&r, buf, len);
	wn_rd_skip(&r, 4);
	word = wn_rd_be32(&r);
	if (f->mtu) /* RFC 1191 4: sixteen bits; RFC 4443 3.2: all */
		out->mtu = f->family == 4 ? word & 0xffff : word;
	if (f->family == 6 && f->kind == WN_REPLY_REDIRECT) {
		r = redirected(r);
		if (wn_rd_left(&r) == 0)
			return WN_OK;
	} else {
		r.len = WN_ICMP_HEADER + split_ext(f, buf, len, &out->ext);
	}
	if (!wn_parse_quote(f->family, wn_rd_ptr(&r), wn_rd_left(&r), &out->quote))
		out->truncated = true;
	return WN_OK;
}

static wn_err parse_echo(const uint8_t *buf, size_t len, struct wn_reply *out)
{
	struct wn_rd r;

	wn_rd_init(&r, buf, len);
	wn_rd_skip(&r, 4);
	out->kind = WN_REPLY_ECHO;
	out->icmp_id = wn_rd_be16(&r);
	out->icmp_seq = wn_rd_be16(&r);
	out->truncated |= r.bad;
	out->payload_present = !r.bad && wn_rd_left(&r) >= WN_COOKIE_BYTES;
	if (out->payload_present)
		wn_rd_bytes(&r, out->cookie, WN_COOKIE_BYTES);
	return WN_OK;
}

wn_err wn_parse_icmp(uint8_t family, const uint8_t *buf, size_t len, struct wn_reply *out)
{
	const struct wn_icmp_form *f;

	if (len < 4)
		return WN_ETRUNC;
	out->icmp_type = buf[0];
	out->icmp_code = buf[1];
	if (buf[0] == (family == 4 ? WN_ICMP4_ECHO_REPLY : WN_ICMP6_ECHO_REPLY))
		return parse_echo(buf, len, out);
	f = wn_icmp_form_of_type(family, buf[0], buf[1]);
	if (f == NULL)
		return WN_EUNSUPPORTED;
	return parse_error(f, buf, len, out);
}
