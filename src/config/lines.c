/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer holds the line at hand from `at` on. Of a line that is longer than a line may be its
 * first WN_LINE_MAX bytes stay there and the rest is thrown away as it comes, so that no input can
 * make it grow.
 */
#include "config/lines.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "config/config_priv.h"

#define BUF_BYTES 65536u
#define WORDS_MAX 64

wn_err wn_lines_init(struct wn_lines *l, struct wn_errctx *ctx)
{
	*l = (struct wn_lines){.buf = wn_malloc(BUF_BYTES + 1)};
	return l->buf ? WN_OK : wn_fail(ctx, WN_ENOMEM, "out of memory");
}

void wn_lines_fini(struct wn_lines *l)
{
	wn_free(l->buf);
	l->buf = NULL;
}

void wn_lines_rewind(struct wn_lines *l)
{
	*l = (struct wn_lines){.buf = l->buf};
}

/* ---- bytes to lines ---- */

char *wn_lines_room(struct wn_lines *l, size_t *out_size)
{
	memmove(l->buf, l->buf + l->at, l->len - l->at);
	l->len -= l->at;
	l->at = 0;
	*out_size = BUF_BYTES - l->len;
	return l->buf + l->len;
}

void wn_lines_put(struct wn_lines *l, size_t size)
{
	l->len += size;
	l->ended = l->ended || size == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct wn_line *line)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t skip =
		line->number == 1 && line->len >= 3 && memcmp(line->text, mark, 3) == 0 ? 3 : 0;

	while (skip < line->len && is_blank(line->text[skip]))
		skip++;
	line->text += skip;
	line->len -= skip;
	while (line->len > 0 && is_blank(line->text[line->len - 1]))
		line->len--;
	line->text[line->len] = '\0';
}

/* What is kept of the line at hand is its beginning. */
static void lose_rest(struct wn_lines *l)
{
	size_t end = l->at + WN_LINE_MAX;

	if (l->len <= end)
		return;
	l->lost += l->len - end;
	l->len = end;
}

/* The line at hand, whatever is in it; false: its end is missing. */
static bool take_line(struct wn_lines *l, struct wn_line *out)
{
	size_t known = l->lost > 0 ? WN_LINE_MAX : 0;
	char *from = l->buf + l->at;
	char *newline = memchr(from + known, '\n', l->len - l->at - known);
	size_t size = newline ? (size_t)(newline - from) : l->len - l->at;

	if (!newline && (!l->ended || size == 0)) {
		lose_rest(l);
		return false;
	}
	l->at += size + (newline ? 1 : 0);
	*out = (struct wn_line){
		.number = ++l->number,
		.text = from,
		.len = size < WN_LINE_MAX ? size : WN_LINE_MAX,
		.too_long = l->lost > 0 || size > WN_LINE_MAX,
	};
	l->lost = 0;
	trim(out);
	return true;
}

bool wn_lines_next(struct wn_lines *l, struct wn_line *out)
{
	while (take_line(l, out))
		if (out->too_long || (out->len > 0 && out->text[0] != '#'))
			return true;
	return false;
}

/* ---- lines to requests ---- */

struct words {
	char *from, *to; /* what is read, and where it is put */
	char *list[WORDS_MAX];
	int count;
};

static wn_err cut_word(struct words *w, struct wn_errctx *ctx)
{
	char quote = '\0', c;

	if (w->count == WORDS_MAX)
		return wn_fail(ctx, WN_EUSAGE, "more than %d words", WORDS_MAX);
	w->list[w->count++] = w->to;
	while ((c = *w->from) != '\0' && (quote || !is_blank(c))) {
		w->from++;
		if (quote ? c == quote : c == '\'' || c == '"') {
			quote = quote ? '\0' : c;
			continue;
		}
		if (c == '\\' && quote != '\'') {
			c = *w->from;
			if (c == '\0')
				return wn_fail(ctx, WN_EUSAGE,
					"a backslash at the end: nothing is left for it to stand "
					"before");
			w->from++;
		}
		*w->to++ = c;
	}
	if (quote)
		return wn_fail(ctx, WN_EUSAGE, "the quote %c is not closed", quote);
	if (c != '\0')
		w->from++;
	*w->to++ = '\0';
	return WN_OK;
}

static wn_err cut_words(struct words *w, char *text, struct wn_errctx *ctx)
{
	wn_err err = WN_OK;

	*w = (struct words){.from = text, .to = text};
	while (err == WN_OK) {
		while (is_blank(*w->from))
			w->from++;
		if (*w->from == '\0' || *w->from == '#')
			break;
		err = cut_word(w, ctx);
	}
	return err;
}

wn_err wn_line_check(const struct wn_line *line, struct wn_errctx *ctx)
{
	size_t n;

	if (line->too_long)
		return wn_fail(ctx, WN_EUSAGE, "longer than %d bytes", WN_LINE_MAX);
	for (size_t i = 0; i < line->len; i += n) {
		uint32_t cp;

		n = wn_text_utf8(line->text + i, line->len - i, &cp);
		if (n == 0)
			return wn_fail(ctx, WN_EUSAGE,
				"byte 0x%02x at %zu is no UTF-8: the list must be text in UTF-8",
				(unsigned char)line->text[i], i + 1);
		if ((cp < 0x20 && cp != '\t') || cp == 0x7f)
			return wn_fail(ctx, WN_EUSAGE,
				"byte 0x%02x at %zu is a control character: the list must be text",
				(unsigned)cp, i + 1);
	}
	return WN_OK;
}

/* About the run as a whole. */
static wn_err check_keys(const struct wn_request *req, struct wn_errctx *ctx)
{
	static const char *const of_run[] = {"help", "version", "output", "parallel", "all-pps",
		"target-pps", "router-pps", "resume", "sim", "sim-seed", "resolver"};

	for (size_t i = 0; i < sizeof(of_run) / sizeof(of_run[0]); i++)
		if (wn_request_has(req, of_run[i]))
			return wn_fail(ctx, WN_EUSAGE, "--%s is for the command line, not a line",
				of_run[i]);
	return WN_OK;
}

/* A default is no contradiction of what the line says. */
static wn_err set_target(struct wn_request *req, const char *target, struct wn_errctx *ctx)
{
	bool by_default = req->port_set && !wn_request_has(req, "port");
	uint16_t port = req->params.dport;
	wn_err err;

	if (by_default)
		req->port_set = false;
	err = wn_request_target(req, target, ctx);
	if (err == WN_OK && by_default && !req->port_set && req->proto != WN_REQ_ICMP) {
		req->port_set = true;
		req->params.dport = port;
	}
	return err;
}

static void add_defaults(struct wn_request *req, const struct wn_request *defaults)
{
	static const char *const families[] = {"ipv4", "ipv6"};
	bool family = wn_request_has(req, families[0]) || wn_request_has(req, families[1]);
	uint64_t mask[4];

	memcpy(mask, defaults->set_mask, sizeof(mask));
	for (size_t i = 0; family && i < 2; i++) {
		size_t bit = wn_opt_index(wn_opt_find(families[i]));

		mask[bit / 64] &= ~(1ull << (bit % 64));
	}
	for (size_t i = 0; i < sizeof(mask) / sizeof(mask[0]); i++)
		req->set_mask[i] |= mask[i];
}

wn_err wn_line_request(struct wn_line *line, const struct wn_request *defaults,
	struct wn_request *out, struct wn_errctx *ctx)
{
	const char *targets[2] = {NULL, NULL};
	char shown[WN_OPT_VALUE_SHOWN + 16];
	struct words words;
	size_t count = 0;
	wn_err err = wn_line_check(line, ctx);

	*out = *defaults;
	memset(out->set_mask, 0, sizeof(out->set_mask));
	if (err == WN_OK)
		err = cut_words(&words, line->text, ctx);
	if (err == WN_OK)
		err = wn_request_argv(
			out, "batch", words.count, words.list, targets, 2, &count, ctx);
	if (err == WN_OK)
		err = check_keys(out, ctx);
	if (err == WN_OK && count == 0)
		err = wn_fail(ctx, WN_EUSAGE, "no target; give a host name or an address");
	if (err == WN_OK && count == 2)
		err = wn_fail(ctx, WN_EUSAGE, "two targets; %s needs a line of its own",
			wn_opt_quote(shown, targets[1]));
	if (err == WN_OK)
		err = set_target(out, targets[0], ctx);
	if (err != WN_OK)
		return err;
	add_defaults(out, defaults);
	return wn_request_check(out, ctx);
}
