/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input of wend pipe, cut into reads of any size: the lines are those that the bytes have, whatever
 * the cuts. Each line is a request, which says the same when written again, or is refused with one
 * clean line, and the library takes or refuses its options.
 */
#include "oneline.h"

#include <stdlib.h>
#include <wend/wend.h>
#include "input/lines.h"
#include "input/request.h"
#include "output/json_writer.h"

#define LINE_BYTES 512 /* so that lines of the longest inputs are too long, too */

struct world {
	const uint8_t *data; /* not yet split by the plain way */
	size_t left;
	wend_options *o;
	struct wn_in_request *request, *again;
};

static void write_id(struct wn_jw *w, const char *key, const struct wn_in_id *id)
{
	if (id->kind == WN_IN_ID_TEXT)
		wn_jw_text(w, key, id->text);
	else
		wn_jw_int(w, key, id->number);
}

static void write_request(struct wn_strbuf *out, const struct wn_in_request *r)
{
	bool starts = wn_in_ask_starts(r->ask);
	struct wn_jw w;

	wn_jw_init(&w, out, 0);
	wn_jw_object(&w, NULL);
	write_id(&w, starts ? "id" : wn_in_ask_name(r->ask), &r->id);
	if (starts)
		wn_jw_text(
			&w, r->ask == WN_IN_TRACE ? "target" : wn_in_ask_name(r->ask), r->target);
	if (r->ask == WN_IN_PROBE)
		wn_jw_int(&w, "ttl", r->ttl);
	for (size_t i = 0; i < r->setting_count; i++)
		wn_jw_text(&w, r->settings[i].key, r->settings[i].value);
	wn_jw_end(&w);
}

static void check_same(const struct wn_in_request *a, const struct wn_in_request *b)
{
	prop_check(a->ask == b->ask && wn_in_id_eq(&a->id, &b->id) && a->ttl == b->ttl);
	prop_check(!a->target == !b->target && (!a->target || strcmp(a->target, b->target) == 0));
	prop_check(a->setting_count == b->setting_count);
	for (size_t i = 0; i < a->setting_count; i++) {
		prop_check(strcmp(a->settings[i].key, b->settings[i].key) == 0);
		prop_check(strcmp(a->settings[i].value, b->settings[i].value) == 0);
	}
}

static void check_request(struct world *w)
{
	const struct wn_in_request *r = w->request;
	struct wn_strbuf text = WN_STRBUF_INIT;
	struct wn_errctx ctx = {0};

	prop_check(r->ask != WN_IN_UNKNOWN && r->id.kind != WN_IN_ID_NONE);
	prop_check((r->target != NULL) == wn_in_ask_starts(r->ask));
	write_request(&text, r);
	/* Escapes may make it too long for one line; it is a request all the same. */
	if (text.len < WN_IN_REQUEST_BYTES) {
		prop_check(wn_in_request(text.data, text.len, w->again, &ctx) == WN_OK);
		check_same(r, w->again);
	}
	wn_strbuf_fini(&text);
	for (size_t i = 0; i < r->setting_count; i++)
		if (wend_options_set(w->o, r->settings[i].key, r->settings[i].value) != WEND_OK) {
			ctx.code = WN_EUSAGE;
			strcpy(ctx.text, wend_options_error(w->o));
			check_one_line(&ctx);
		}
}

static void check_line(struct world *w, const char *line, size_t len)
{
	char *copy = malloc(len ? len : 1);
	struct wn_errctx ctx = {0};

	prop_check(copy != NULL);
	memcpy(copy, line, len); /* ends where the line ends */
	if (wn_in_request(copy, len, w->request, &ctx) != WN_OK)
		check_one_line(&ctx);
	else
		check_request(w);
	free(copy);
}

/* The next line as it is found by looking at all bytes at once. */
static enum wn_in_line expected(struct world *w, const uint8_t **out, size_t *out_len)
{
	const uint8_t *newline = memchr(w->data, '\n', w->left);
	size_t len = newline ? (size_t)(newline - w->data) : w->left;

	if (w->left == 0)
		return WN_IN_LINE_NONE;
	*out = w->data;
	*out_len = len;
	w->data += len + (newline ? 1 : 0);
	w->left -= len + (newline ? 1 : 0);
	return len < LINE_BYTES ? WN_IN_LINE_WHOLE : WN_IN_LINE_TOO_LONG;
}

static uint64_t take_all(struct world *w, struct wn_in_lines *l)
{
	const uint8_t *want;
	const char *line;
	size_t len, want_len;
	enum wn_in_line kind;
	uint64_t count = 0;

	while ((kind = wn_in_lines_next(l, &line, &len)) != WN_IN_LINE_NONE) {
		prop_check(expected(w, &want, &want_len) == kind);
		count++;
		if (kind == WN_IN_LINE_TOO_LONG)
			continue;
		prop_check(len == want_len && memcmp(line, want, len) == 0);
		check_line(w, line, len);
	}
	return count;
}

int prop_request(const uint8_t *data, size_t size)
{
	size_t step = size > 0 ? (size_t)data[0] * 3 + 1 : 1;
	struct world w = {.data = data, .left = size};
	struct wn_in_lines l;
	uint64_t lines = 0;

	w.request = malloc(sizeof(*w.request));
	w.again = malloc(sizeof(*w.again));
	prop_check(w.request && w.again && wend_options_new(&w.o) == WEND_OK);
	prop_check(wn_in_lines_init(&l, LINE_BYTES) == WN_OK);
	for (size_t at = 0; at < size;) {
		size_t room, n = size - at < step ? size - at : step;
		char *to = wn_in_lines_room(&l, &room);

		prop_check(to != NULL); /* all lines were taken */
		n = n < room ? n : room;
		memcpy(to, data + at, n);
		wn_in_lines_add(&l, n);
		at += n;
		lines += take_all(&w, &l);
		prop_check(l.len < LINE_BYTES);
	}
	l.ended = true;
	lines += take_all(&w, &l);
	prop_check(w.left == 0 && lines == l.number);
	wn_in_lines_fini(&l);
	wend_options_free(w.o);
	free(w.request);
	free(w.again);
	return 0;
}
