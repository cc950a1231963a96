/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text and comparison of addresses. Parsing is stricter than inet_aton on purpose: what one
 * program reads as octal and another as decimal must not name two hosts (RFC 6943 3.1.1).
 */
#include "base/addr.h"

#include <assert.h>
#include <string.h>
#include "base/fmt.h"
#include "base/text.h"

#define GROUPS 8

struct wn_addr wn_addr_v4(uint32_t host_order)
{
	struct wn_addr a = {4, {0}};

	for (unsigned i = 0; i < 4; i++)
		a.bytes[i] = (uint8_t)(host_order >> (24 - 8 * i));
	return a;
}

struct wn_addr wn_addr_from_bytes(uint8_t family, const uint8_t *bytes)
{
	struct wn_addr a = {family, {0}};

	assert(family == 4 || family == 6);
	memcpy(a.bytes, bytes, family == 4 ? 4 : 16);
	return a;
}

uint32_t wn_addr_to_v4(const struct wn_addr *a)
{
	if (a->family != 4)
		return 0;
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 |
	       (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

/* One decimal number of at most max without leading zeros; NULL when there is none at p. */
static const char *read_decimal(const char *p, unsigned max, unsigned *out)
{
	unsigned v = 0;
	const char *start = p;

	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (unsigned)(*p - '0');
		if (v > max || (p > start && *start == '0'))
			return NULL;
	}
	*out = v;
	return p > start ? p : NULL;
}

static bool parse_v4(const char *p, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned v;

		p = read_decimal(p, 255, &v);
		if (!p)
			return false;
		out[i] = (uint8_t)v;
		if (i < 3 && *p++ != '.')
			return false;
	}
	return *p == '\0';
}

/* The groups read so far, and where "::" stood among them (-1: nowhere). */
struct v6_groups {
	uint8_t bytes[16];
	int n, gap;
};

/* One group of one to four hex digits, or a final dotted quad; NULL when neither. */
static const char *read_group(const char *p, struct v6_groups *g)
{
	unsigned v = 0;
	const char *start = p;

	while (p < start + 4 && wn_text_hex_digit(*p) >= 0)
		v = v << 4 | (unsigned)wn_text_hex_digit(*p++);
	if (*p == '.') {
		if (g->n > GROUPS - 2 || !parse_v4(start, g->bytes + 2 * g->n))
			return NULL;
		g->n += 2;
		return start + strlen(start);
	}
	if (p == start || g->n > GROUPS - 1)
		return NULL;
	g->bytes[2 * g->n] = (uint8_t)(v >> 8);
	g->bytes[2 * g->n + 1] = (uint8_t)v;
	g->n++;
	return p;
}

static bool parse_v6(const char *p, uint8_t out[16])
{
	struct v6_groups g = {.gap = -1};
	size_t head, tail; /* bytes before and behind "::" */

	if (p[0] == ':' && p[1] != ':')
		return false;
	while (*p) {
		if (p[0] == ':' && p[1] == ':') {
			if (g.gap >= 0)
				return false;
			g.gap = g.n;
			p += 2;
			if (*p == '\0')
				break;
		} else if (g.n > 0) {
			if (*p++ != ':')
				return false;
		}
		p = read_group(p, &g);
		if (!p)
			return false;
	}
	/* "::" stands for at least one group (RFC 4291 2.2). */
	if (g.gap < 0 ? g.n != GROUPS : g.n >= GROUPS)
		return false;
	head = g.gap < 0 ? sizeof(g.bytes) : 2 * (size_t)g.gap;
	tail = 2 * (size_t)g.n - head;
	memset(out, 0, 16);
	memcpy(out, g.bytes, head);
	memcpy(out + 16 - tail, g.bytes + head, tail);
	return true;
}

wn_err wn_addr_parse(const char *text, struct wn_addr *out)
{
	struct wn_addr a = {0};

	if (strchr(text, ':')) {
		a.family = 6;
		if (!parse_v6(text, a.bytes))
			return WN_EPARSE;
	} else {
		a.family = 4;
		if (!parse_v4(text, a.bytes))
			return WN_EPARSE;
	}
	*out = a;
	return WN_OK;
}

static unsigned group(const uint8_t *bytes, int i)
{
	return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* RFC 5952 4.2: the longest run of zero groups, the first of equals, never a single one. */
static void longest_zero_run(const uint8_t *bytes, int *out_start, int *out_len)
{
	int run = 0;

	*out_start = -1;
	*out_len = 1;
	for (int i = 0; i < GROUPS; i++) {
		run = group(bytes, i) == 0 ? run + 1 : 0;
		if (run > *out_len) {
			*out_len = run;
			*out_start = i + 1 - run;
		}
	}
}

static void print_v6(const uint8_t *bytes, char buf[WN_ADDR_STRLEN])
{
	int start, len;
	size_t n = 0;

	longest_zero_run(bytes, &start, &len);
	for (int i = 0; i < GROUPS; i++) {
		if (i == start) {
			n += wn_fmt(buf + n, WN_ADDR_STRLEN - n, i + len == GROUPS ? "::" : ":");
			i += len - 1;
			continue;
		}
		n += wn_fmt(buf + n, WN_ADDR_STRLEN - n, "%s%x", i > 0 ? ":" : "", group(bytes, i));
	}
}

/* RFC 5952 5: the dotted form where the prefix says that an IPv4 address is inside. */
static bool is_v4_mapped(const struct wn_addr *a)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

const char *wn_addr_str(const struct wn_addr *a, char buf[WN_ADDR_STRLEN])
{
	const uint8_t *b = a->bytes;

	buf[0] = '\0';
	if (a->family == 4)
		wn_fmt(buf, WN_ADDR_STRLEN, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	else if (a->family == 6 && is_v4_mapped(a))
		wn_fmt(buf, WN_ADDR_STRLEN, "::ffff:%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
	else if (a->family == 6)
		print_v6(b, buf);
	return buf;
}

static unsigned family_bits(uint8_t family)
{
	return family == 4 ? 32 : family == 6 ? 128 : 0;
}

/* The mask of byte i of a prefix of that length. */
static uint8_t mask_byte(unsigned len, unsigned i)
{
	if (len <= 8 * i)
		return 0;
	if (len >= 8 * i + 8)
		return 0xff;
	return (uint8_t)(0xff00u >> (len - 8 * i));
}

wn_err wn_prefix_parse(const char *text, struct wn_prefix *out)
{
	const char *slash = strchr(text, '/');
	char addr[WN_ADDR_STRLEN];
	struct wn_prefix p = {0};
	const char *end;
	unsigned len;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return WN_EPARSE;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (wn_addr_parse(addr, &p.addr))
		return WN_EPARSE;
	end = read_decimal(slash + 1, family_bits(p.addr.family), &len);
	if (!end || *end)
		return WN_EPARSE;
	for (unsigned i = 0; i < 16; i++)
		if (p.addr.bytes[i] & (uint8_t)~mask_byte(len, i))
			return WN_EPARSE;
	p.len = (uint8_t)len;
	*out = p;
	return WN_OK;
}

const char *wn_prefix_str(const struct wn_prefix *p, char buf[WN_PREFIX_STRLEN])
{
	char addr[WN_ADDR_STRLEN];

	buf[0] = '\0';
	if (p->addr.family)
		wn_fmt(buf, WN_PREFIX_STRLEN, "%s/%u", wn_addr_str(&p->addr, addr), p->len);
	return buf;
}

bool wn_prefix_contains(const struct wn_prefix *p, const struct wn_addr *a)
{
	if (p->addr.family == 0 || p->addr.family != a->family)
		return false;
	for (unsigned i = 0; i < 16; i++)
		if ((p->addr.bytes[i] ^ a->bytes[i]) & mask_byte(p->len, i))
			return false;
	return true;
}

bool wn_addr_eq(const struct wn_addr *a, const struct wn_addr *b)
{
	return wn_addr_cmp(a, b) == 0;
}

int wn_addr_cmp(const struct wn_addr *a, const struct wn_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

uint64_t wn_addr_hash(const struct wn_addr *a)
{
	uint64_t h = a->family;

	for (size_t i = 0; i < sizeof(a->bytes); i += 8) {
		uint64_t word;

		memcpy(&word, a->bytes + i, sizeof(word));
		h = (h ^ word) * 0xbf58476d1ce4e5b9u;
		h ^= h >> 29;
	}
	h *= 0x94d049bb133111ebu;
	return h ^ h >> 32;
}

bool wn_addr_is_multicast(const struct wn_addr *a)
{
	return a->family == 4 ? (a->bytes[0] & 0xf0) == 0xe0
			      : a->family == 6 && a->bytes[0] == 0xff;
}

bool wn_addr_is_loopback(const struct wn_addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return a->family == 4 ? a->bytes[0] == 127
			      : a->family == 6 && memcmp(a->bytes, one, sizeof(one)) == 0;
}

bool wn_addr_is_link_local(const struct wn_addr *a)
{
	if (a->family == 4)
		return a->bytes[0] == 169 && a->bytes[1] == 254;
	return a->family == 6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}
