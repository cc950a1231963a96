/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers are read whole or not at all; foreign text leaves here as valid UTF-8 without any code
 * point that could move a cursor, hide a character or turn the reading direction.
 */
#include "base/text.h"

#include <assert.h>
#include <string.h>
#include "base/fmt.h"

#define NANO	     1000000000u
#define DECIMALS_MAX 9

int wn_text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int digit_of(char c, unsigned base)
{
	int v = wn_text_hex_digit(c);

	return v < (int)base ? v : -1;
}

/* Reads digits from *p on and moves it behind them: WN_EPARSE when there is no digit. */
static wn_err read_digits(const char **p, unsigned base, uint64_t *out)
{
	const char *start = *p;
	wn_err err = WN_OK;
	uint64_t v = 0;

	for (; digit_of(**p, base) >= 0; (*p)++)
		if (__builtin_mul_overflow(v, base, &v) ||
			__builtin_add_overflow(v, (uint64_t)digit_of(**p, base), &v))
			err = WN_ERANGE;
	*out = v;
	return *p == start ? WN_EPARSE : err;
}

wn_err wn_text_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *p = hex ? text + 2 : text;
	uint64_t v;
	wn_err err = read_digits(&p, hex ? 16 : 10, &v);

	if (err == WN_EPARSE || *p)
		return WN_EPARSE;
	if (err || v < min || v > max)
		return WN_ERANGE;
	*out = v;
	return WN_OK;
}

/* Up to nine decimals behind a point, as billionths; none is fine, a point alone is not. */
static wn_err read_fraction(const char **p, uint64_t *out)
{
	uint64_t v = 0;
	int n = 0;

	*out = 0;
	if (**p != '.')
		return WN_OK;
	for ((*p)++; digit_of(**p, 10) >= 0; (*p)++, n++)
		if (n < DECIMALS_MAX)
			v = v * 10 + (uint64_t)digit_of(**p, 10);
	if (n == 0 || n > DECIMALS_MAX)
		return WN_EPARSE;
	for (; n < DECIMALS_MAX; n++)
		v *= 10;
	*out = v;
	return WN_OK;
}

/* whole.fraction times unit, where unit is a power of ten below NANO or a multiple of NANO. */
static wn_err scale(uint64_t whole, uint64_t nano, uint64_t unit, uint64_t *out)
{
	uint64_t part = unit >= NANO ? nano * (unit / NANO) : nano * unit / NANO;
	uint64_t v;

	if (__builtin_mul_overflow(whole, unit, &v) || __builtin_add_overflow(v, part, &v))
		return WN_ERANGE;
	*out = v;
	return WN_OK;
}

/* Reads a decimal number; what follows it is left at *p for the caller to judge. */
static wn_err read_decimal(const char **p, uint64_t *out_whole, uint64_t *out_nano)
{
	wn_err err = read_digits(p, 10, out_whole);
	wn_err frac = err == WN_EPARSE ? WN_OK : read_fraction(p, out_nano);

	return frac ? frac : err;
}

wn_err wn_text_nano(const char *text, uint64_t *out_nano)
{
	const char *p = text;
	uint64_t whole, nano;
	wn_err err = read_decimal(&p, &whole, &nano);

	if (err == WN_EPARSE || *p)
		return WN_EPARSE;
	return err ? err : scale(whole, nano, NANO, out_nano);
}

wn_err wn_text_duration_ns(const char *text, uint64_t *out_ns)
{
	static const struct {
		char name[4];
		uint64_t ns;
	} units[] = {
		{"", NANO},
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", NANO},
		{"m", 60ull * NANO},
		{"h", 3600ull * NANO},
	};
	const char *p = text;
	uint64_t whole, nano;
	wn_err err = read_decimal(&p, &whole, &nano);

	if (err == WN_EPARSE)
		return err;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(p, units[i].name) == 0)
			return err ? err : scale(whole, nano, units[i].ns, out_ns);
	return WN_EPARSE;
}

size_t wn_text_utf8(const char *text, size_t len, uint32_t *out_cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *p = (const uint8_t *)text;
	uint32_t cp;
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*out_cp = p[0];
		return 1;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	cp = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3fu);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*out_cp = cp;
	return n;
}

bool wn_text_unsafe(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f},	    /* C0 */
		{0x7f, 0x9f},	    /* DEL, C1 */
		{0x61c, 0x61c},	    /* Arabic letter mark */
		{0x180e, 0x180e},   /* zero-width vowel separator */
		{0x200b, 0x200f},   /* zero-width, left-to-right and right-to-left marks */
		{0x2028, 0x202e},   /* line and paragraph separators, embeddings, overrides */
		{0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
		{0xd800, 0xdfff},   /* surrogates */
		{0xfdd0, 0xfdef},   /* noncharacters */
		{0xfeff, 0xfeff},   /* byte order mark, zero-width */
		{0xfff9, 0xfffb},   /* interlinear annotation */
		{0xe0000, 0xe007f}, /* tags */
		{0x110000, UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return (cp & 0xfffe) == 0xfffe;
}

size_t wn_text_clean(char *out, size_t size, const char *text, size_t len)
{
	size_t total = 0;
	size_t written = 0;
	size_t used;

	for (size_t i = 0; i < len; i += used) {
		char unit[16];
		size_t n;
		uint32_t cp;

		used = wn_text_utf8(text + i, len - i, &cp);
		if (used == 0 || (used == 1 && wn_text_unsafe(cp))) {
			used = 1;
			n = wn_fmt(unit, sizeof(unit), "\\x%02x", (unsigned char)text[i]);
		} else if (wn_text_unsafe(cp)) {
			n = wn_fmt(unit, sizeof(unit), "\\u{%x}", cp);
		} else {
			memcpy(unit, text + i, used);
			n = used;
		}
		/* After the first unit that does not fit nothing follows: no holes in the text. */
		if (written == total && total + n < size) {
			memcpy(out + written, unit, n);
			written += n;
		}
		total += n;
	}
	if (size > 0)
		out[written] = '\0';
	return total;
}
