/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a topology file word by word. A file is foreign input: words are bounded, control bytes
 * refused, and every number is checked with its unit, because a delay of "4" could be anything.
 */
#include "sim/lex.h"

#include <stdarg.h>
#include <string.h>
#include "base/fmt.h"
#include "base/text.h"

void wn_lex_init(struct wn_lex *lx, const char *text, size_t len, struct wn_errctx *ctx)
{
	memset(lx, 0, sizeof *lx);
	lx->text = text;
	lx->len = len;
	lx->ctx = ctx;
}

wn_err wn_lex_fail(struct wn_lex *lx, const char *fmt, ...)
{
	char what[192];
	va_list ap;

	if (lx->err)
		return lx->err;
	va_start(ap, fmt);
	wn_vfmt(what, sizeof what, fmt, ap);
	va_end(ap);
	lx->err = wn_fail(lx->ctx, WN_EPARSE, "line %u, column %u: %s", (unsigned)lx->line,
		(unsigned)lx->column, what);
	return lx->err;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct wn_lex *lx)
{
	while (lx->pos < lx->len && is_blank(lx->text[lx->pos]))
		lx->pos++;
}

static bool at_line_end(const struct wn_lex *lx)
{
	return lx->pos >= lx->len || lx->text[lx->pos] == '\n' || lx->text[lx->pos] == '#';
}

static void set_column(struct wn_lex *lx)
{
	lx->column = (uint32_t)(lx->pos - lx->line_start + 1);
}

bool wn_lex_line(struct wn_lex *lx)
{
	if (lx->err)
		return false;
	if (lx->line == 0) {
		lx->line = 1;
		skip_blanks(lx);
		if (!at_line_end(lx))
			return true;
	}
	while (lx->pos < lx->len) {
		if (lx->text[lx->pos++] != '\n')
			continue;
		lx->line++;
		lx->line_start = lx->pos;
		skip_blanks(lx);
		if (!at_line_end(lx))
			return true;
	}
	return false;
}

bool wn_lex_next(struct wn_lex *lx)
{
	size_t n = 0;

	if (lx->err)
		return false;
	skip_blanks(lx);
	set_column(lx);
	lx->word[0] = 0;
	if (at_line_end(lx))
		return false;
	while (lx->pos < lx->len && !is_blank(lx->text[lx->pos]) && lx->text[lx->pos] != '\n') {
		unsigned char c = (unsigned char)lx->text[lx->pos];

		if (c < 0x20 || c >= 0x7f) {
			set_column(lx);
			wn_lex_fail(
				lx, "byte 0x%02x is not allowed here: words are plain ASCII", c);
			return false;
		}
		if (n + 1 >= sizeof lx->word) {
			wn_lex_fail(lx, "this word is longer than %u bytes", WN_LEX_WORD - 1);
			return false;
		}
		lx->word[n++] = (char)c;
		lx->pos++;
	}
	lx->word[n] = 0;
	return true;
}

bool wn_lex_accept(struct wn_lex *lx, const char *word)
{
	size_t n = strlen(word);
	size_t at;

	if (lx->err)
		return false;
	skip_blanks(lx);
	at = lx->pos;
	if (lx->len - at < n || memcmp(lx->text + at, word, n) != 0)
		return false;
	if (at + n < lx->len && !is_blank(lx->text[at + n]) && lx->text[at + n] != '\n')
		return false;
	return wn_lex_next(lx);
}

bool wn_lex_peek_digit(struct wn_lex *lx)
{
	if (lx->err)
		return false;
	skip_blanks(lx);
	return !at_line_end(lx) && lx->text[lx->pos] >= '0' && lx->text[lx->pos] <= '9';
}

wn_err wn_lex_need(struct wn_lex *lx, const char *what)
{
	if (lx->err)
		return lx->err;
	if (!wn_lex_next(lx))
		return wn_lex_fail(lx, "%s is missing", what);
	return WN_OK;
}

wn_err wn_lex_u32(struct wn_lex *lx, const char *what, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t v;
	wn_err err = wn_lex_need(lx, what);

	if (err)
		return err;
	if (wn_text_u64(lx->word, min, max, &v))
		return wn_lex_fail(lx, "%s is \"%s\", should be a whole number from %u to %u", what,
			lx->word, (unsigned)min, (unsigned)max);
	*out = (uint32_t)v;
	return WN_OK;
}

#define DAY_NS (24ull * 3600 * 1000000000)

/* Durations must carry their unit, and nothing here lasts longer than a day. */
static bool read_time(const char *word, uint64_t *out_ns)
{
	size_t n = strlen(word);

	if (n < 2 || (word[n - 1] >= '0' && word[n - 1] <= '9'))
		return false;
	return wn_text_duration_ns(word, out_ns) == WN_OK && *out_ns <= DAY_NS;
}

wn_err wn_lex_time(struct wn_lex *lx, const char *what, uint64_t *out_ns)
{
	wn_err err = wn_lex_need(lx, what);

	if (err)
		return err;
	if (!read_time(lx->word, out_ns))
		return wn_lex_fail(lx,
			"%s is \"%s\", should be a time with its unit, like 4ms, 250us or 1.5s",
			what, lx->word);
	return WN_OK;
}

wn_err wn_lex_share(struct wn_lex *lx, const char *what, uint32_t *out_ppb)
{
	char number[WN_LEX_WORD];
	uint64_t nano;
	size_t n;
	wn_err err = wn_lex_need(lx, what);

	if (err)
		return err;
	n = strlen(lx->word);
	memcpy(number, lx->word, n + 1);
	number[n - 1] = 0;
	if (lx->word[n - 1] != '%' || wn_text_nano(number, &nano) || nano > 100ull * 1000000000)
		return wn_lex_fail(lx,
			"%s is \"%s\", should be a share from 0%% to 100%%, like 5%% or 0.5%%",
			what, lx->word);
	*out_ppb = (uint32_t)(nano / 100);
	return WN_OK;
}

/* Splits "10/s" at the slash; both parts are put into the caller's buffers. */
static bool split_at(const char *word, char at, char *left, char *right)
{
	const char *mid = strchr(word, at);

	if (!mid)
		return false;
	memcpy(left, word, (size_t)(mid - word));
	left[mid - word] = 0;
	memcpy(right, mid + 1, strlen(mid + 1) + 1);
	return true;
}

wn_err wn_lex_interval(struct wn_lex *lx, const char *what, uint64_t *out_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};
	char count[WN_LEX_WORD], unit[WN_LEX_WORD];
	uint64_t n;
	wn_err err = wn_lex_need(lx, what);

	if (err)
		return err;
	if (split_at(lx->word, '/', count, unit) && !wn_text_u64(count, 1, 1000000, &n)) {
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
			if (strcmp(unit, units[i].unit) == 0) {
				*out_ns = units[i].ns / n ? units[i].ns / n : 1;
				return WN_OK;
			}
		}
	}
	return wn_lex_fail(
		lx, "%s is \"%s\", should be a rate like 1/s, 100/s or 6/m", what, lx->word);
}

wn_err wn_lex_bitrate(struct wn_lex *lx, const char *what, uint64_t *out_bps)
{
	static const struct {
		const char *unit;
		uint64_t kilo;
	} units[] = {{"kbit", 1}, {"Mbit", 1000}, {"Gbit", 1000000}};
	char number[WN_LEX_WORD];
	size_t n;
	uint64_t nano;
	wn_err err = wn_lex_need(lx, what);

	if (err)
		return err;
	n = strlen(lx->word);
	memcpy(number, lx->word, n + 1);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		size_t u = strlen(units[i].unit);

		if (n <= u || strcmp(lx->word + n - u, units[i].unit) != 0)
			continue;
		number[n - u] = 0;
		if (wn_text_nano(number, &nano) || nano > 1000ull * 1000000000)
			break;
		*out_bps = nano / 1000 * units[i].kilo / 1000;
		if (*out_bps >= 1000)
			return WN_OK;
		break;
	}
	return wn_lex_fail(lx,
		"%s is \"%s\", should be a bit rate from 1kbit to 1000Gbit, like 10Mbit", what,
		lx->word);
}

wn_err wn_lex_addr(struct wn_lex *lx, const char *what, uint8_t family, struct wn_addr *out)
{
	wn_err err = wn_lex_need(lx, what);

	if (err)
		return err;
	if (wn_addr_parse(lx->word, out) || (family && out->family != family))
		return wn_lex_fail(lx, "%s is \"%s\", should be an %s address", what, lx->word,
			family == 4   ? "IPv4"
			: family == 6 ? "IPv6"
				      : "IP");
	return WN_OK;
}

wn_err wn_lex_prefix(struct wn_lex *lx, const char *what, struct wn_prefix *out)
{
	wn_err err = wn_lex_need(lx, what);

	if (err)
		return err;
	if (wn_prefix_parse(lx->word, out) == WN_OK)
		return WN_OK;
	if (wn_addr_parse(lx->word, &out->addr) == WN_OK) {
		out->len = out->addr.family == 6 ? 128 : 32;
		return WN_OK;
	}
	return wn_lex_fail(lx,
		"%s is \"%s\", should be a prefix like 203.0.113.0/24 (host bits zero)", what,
		lx->word);
}

wn_err wn_lex_window(struct wn_lex *lx, const char *what, uint64_t *out_from, uint64_t *out_to)
{
	char from[WN_LEX_WORD], to[WN_LEX_WORD];
	const char *dots;
	wn_err err = wn_lex_need(lx, what);

	if (err)
		return err;
	dots = strstr(lx->word, "..");
	if (dots) {
		memcpy(from, lx->word, (size_t)(dots - lx->word));
		from[dots - lx->word] = 0;
		memcpy(to, dots + 2, strlen(dots + 2) + 1);
		if (read_time(from, out_from) && read_time(to, out_to) && *out_from < *out_to)
			return WN_OK;
	}
	return wn_lex_fail(lx,
		"%s is \"%s\", should be a span of time like 2s..3s, the later behind", what,
		lx->word);
}

static bool read_range(const char *text, uint16_t *first, uint16_t *last)
{
	char left[WN_LEX_WORD], right[WN_LEX_WORD];
	uint64_t a, b;

	if (wn_text_u64(text, 0, 65535, &a) == WN_OK) {
		*first = *last = (uint16_t)a;
		return true;
	}
	if (!split_at(text, '-', left, right) || wn_text_u64(left, 0, 65535, &a) ||
		wn_text_u64(right, a, 65535, &b))
		return false;
	*first = (uint16_t)a;
	*last = (uint16_t)b;
	return true;
}

wn_err wn_lex_ports(struct wn_lex *lx, wn_lex_range_fn add, void *user)
{
	char one[WN_LEX_WORD];
	const char *at;
	wn_err err = wn_lex_need(lx, "port");

	if (err)
		return err;
	for (at = lx->word; at;) {
		const char *comma = strchr(at, ',');
		size_t n = comma ? (size_t)(comma - at) : strlen(at);
		uint16_t first, last;

		memcpy(one, at, n);
		one[n] = 0;
		if (!read_range(one, &first, &last))
			return wn_lex_fail(lx,
				"\"%s\" is no port list: write 53 or 80,443 or 33434-33500, up to "
				"65535",
				lx->word);
		err = add(user, first, last);
		if (err)
			return err;
		at = comma ? comma + 1 : NULL;
	}
	return WN_OK;
}
