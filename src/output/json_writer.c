/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings leave here in a form that is harmless wherever JSON goes: what a terminal, an HTML page
 * or a script element could take for more than text is written as \uXXXX.
 */
#include "output/json_writer.h"

#include <assert.h>
#include <string.h>
#include "base/text.h"

void wn_jw_init(struct wn_jw *w, struct wn_strbuf *out, unsigned lines)
{
	*w = (struct wn_jw){.out = out, .lines = lines};
}

static void line_break(struct wn_jw *w, unsigned depth)
{
	wn_strbuf_putc(w->out, '\n');
	for (unsigned i = 0; i < depth; i++)
		wn_strbuf_putc(w->out, ' ');
}

/* Comma, place and key of the next value. */
static void begin(struct wn_jw *w, const char *key)
{
	bool own_line = w->depth > 0 && w->depth <= w->lines;

	if (w->depth > 0 && w->used[w->depth - 1])
		wn_strbuf_puts(w->out, own_line ? "," : ", ");
	if (own_line)
		line_break(w, w->depth);
	if (w->depth > 0)
		w->used[w->depth - 1] = true;
	if (key) {
		wn_json_string(w->out, key, strlen(key));
		wn_strbuf_puts(w->out, ": ");
	}
}

static void open_container(struct wn_jw *w, const char *key, char left, char right)
{
	begin(w, key);
	assert(w->depth < WN_JW_DEPTH_MAX);
	wn_strbuf_putc(w->out, left);
	w->used[w->depth] = false;
	w->close[w->depth++] = right;
}

void wn_jw_object(struct wn_jw *w, const char *key)
{
	open_container(w, key, '{', '}');
}

void wn_jw_array(struct wn_jw *w, const char *key)
{
	open_container(w, key, '[', ']');
}

void wn_jw_end(struct wn_jw *w)
{
	assert(w->depth > 0);
	w->depth--;
	if (w->used[w->depth] && w->depth < w->lines)
		line_break(w, w->depth);
	wn_strbuf_putc(w->out, w->close[w->depth]);
}

void wn_jw_null(struct wn_jw *w, const char *key)
{
	begin(w, key);
	wn_strbuf_puts(w->out, "null");
}

void wn_jw_bool(struct wn_jw *w, const char *key, bool value)
{
	begin(w, key);
	wn_strbuf_puts(w->out, value ? "true" : "false");
}

void wn_jw_int(struct wn_jw *w, const char *key, int64_t value)
{
	begin(w, key);
	wn_strbuf_fmt(w->out, "%lld", (long long)value);
}

void wn_jw_opt(struct wn_jw *w, const char *key, int64_t value)
{
	if (value == -1)
		wn_jw_null(w, key);
	else
		wn_jw_int(w, key, value);
}

void wn_jw_fixed(struct wn_jw *w, const char *key, int64_t value, unsigned scale)
{
	if (value == -1) {
		wn_jw_null(w, key);
		return;
	}
	begin(w, key);
	wn_strbuf_fixed(w->out, value, scale, scale);
}

void wn_jw_hex(struct wn_jw *w, const char *key, const void *data, size_t len)
{
	begin(w, key);
	wn_strbuf_putc(w->out, '"');
	wn_strbuf_hex(w->out, data, len);
	wn_strbuf_putc(w->out, '"');
}

static bool is_utf8(const char *text, size_t len)
{
	uint32_t cp;

	for (size_t n; len > 0; text += n, len -= n) {
		n = wn_text_utf8(text, len, &cp);
		if (n == 0)
			return false;
	}
	return true;
}

void wn_jw_text_n(struct wn_jw *w, const char *key, const char *text, size_t len)
{
	if (w->raw_text && !is_utf8(text, len)) {
		wn_jw_object(w, key);
		wn_jw_hex(w, "hex", text, len);
		wn_jw_end(w);
		return;
	}
	begin(w, key);
	wn_json_string(w->out, text, len);
}

void wn_jw_text(struct wn_jw *w, const char *key, const char *text)
{
	wn_jw_text_n(w, key, text, strlen(text));
}

void wn_jw_addr(struct wn_jw *w, const char *key, const struct wn_addr *addr)
{
	char buf[WN_ADDR_STRLEN];

	if (addr->family == 0)
		wn_jw_null(w, key);
	else
		wn_jw_text(w, key, wn_addr_str(addr, buf));
}

static void add_unit(struct wn_strbuf *out, unsigned unit)
{
	wn_strbuf_fmt(out, "\\u%04x", unit);
}

static void add_char(struct wn_strbuf *out, const char *bytes, size_t n, uint32_t cp)
{
	static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";

	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2)
		if (cp == (unsigned char)shorts[i]) {
			wn_strbuf_putc(out, '\\');
			wn_strbuf_putc(out, shorts[i + 1]);
			return;
		}
	if (!wn_text_unsafe(cp) && cp != '<' && cp != '>' && cp != '&') {
		wn_strbuf_add(out, bytes, n);
	} else if (cp < 0x10000) {
		add_unit(out, cp);
	} else {
		add_unit(out, 0xd800 + ((cp - 0x10000) >> 10));
		add_unit(out, 0xdc00 + ((cp - 0x10000) & 0x3ff));
	}
}

/* How much of text is written as it stands. Keys and nearly all values are, so it goes fast. */
static size_t plain(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= ' ' && text[n] < 0x7f && text[n] != '"' && text[n] != '\\' &&
		text[n] != '<' && text[n] != '>' && text[n] != '&')
		n++;
	return n;
}

void wn_json_string(struct wn_strbuf *out, const char *text, size_t len)
{
	uint32_t cp;

	wn_strbuf_putc(out, '"');
	for (size_t n; len > 0; text += n, len -= n) {
		n = plain(text, len);
		if (n > 0) {
			wn_strbuf_add(out, text, n);
			continue;
		}
		n = wn_text_utf8(text, len, &cp);
		if (n > 0) {
			add_char(out, text, n, cp);
		} else {
			wn_strbuf_puts(out, "\\ufffd");
			n = 1;
		}
	}
	wn_strbuf_putc(out, '"');
}
