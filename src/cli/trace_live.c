/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that fills in. No alternate screen and no terminal mode: a frame is written, and the
 * next one moves the cursor up over it. The one thing to know is how many rows of the screen the
 * last frame takes, at the present width.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/trace.h"

/* Columns of one line, with escape sequences (CSI ... letter) left out. */
static size_t line_columns(const char *line, size_t len)
{
	size_t columns = 0, at = 0;

	while (at < len) {
		const char *esc = memchr(line + at, '\033', len - at);
		size_t plain = esc ? (size_t)(esc - line) - at : len - at;

		columns += wn_text_columns(line + at, plain);
		at += plain;
		if (!esc)
			break;
		at += 2; /* ESC [ */
		while (at < len && (line[at] < '@' || line[at] > '~'))
			at++;
		at++;
	}
	return columns;
}

static unsigned line_rows(const char *line, size_t len, unsigned columns)
{
	size_t n = line_columns(line, len);

	return n == 0 ? 1 : (unsigned)((n + columns - 1) / columns);
}

static unsigned text_rows(const char *text, unsigned columns)
{
	unsigned rows = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		rows += line_rows(text, len, columns);
		text += len + (text[len] == '\n');
	}
	return rows;
}

/* The last lines of text that fit on the screen with the cursor below them. */
static const char *tail_that_fits(const char *text, unsigned columns, unsigned rows)
{
	unsigned have = text_rows(text, columns);

	while (*text && have >= rows) {
		size_t len = strcspn(text, "\n");

		have -= line_rows(text, len, columns);
		text += len + (text[len] == '\n');
	}
	return text;
}

void wn_session_live_init(struct wn_session *s)
{
	const char *term = getenv("TERM");

	bool drawn = s->req.format == WN_FMT_TABLE || s->req.format == WN_FMT_TREE;

	if (!drawn || s->req.output || !term || strcmp(term, "dumb") == 0)
		return;
	s->live.columns = wn_cli_columns(STDOUT_FILENO, &s->live.rows);
	s->live.on = s->live.columns > 0;
	s->live.dirty = true;
}

void wn_session_live_erase(struct wn_session *s)
{
	unsigned rows = text_rows(wn_strbuf_str(&s->live.shown), s->live.columns);

	if (rows == 0)
		return;
	/* Beyond the top of the screen the cursor does not go, nor is anything of ours there. */
	wn_strbuf_fmt(&s->out.buf, "\r\033[%uA\033[J", rows);
	wn_strbuf_reset(&s->live.shown);
}

/* Writes text with every line cleared to its end: no flicker, no rest of a longer line. */
static void add_frame(struct wn_session *s, const char *text)
{
	unsigned rows = text_rows(wn_strbuf_str(&s->live.shown), s->live.columns);

	if (rows > 0)
		wn_strbuf_fmt(&s->out.buf, "\r\033[%uA", rows);
	wn_strbuf_reset(&s->live.shown);
	wn_strbuf_puts(&s->live.shown, text);
	while (*text) {
		size_t len = strcspn(text, "\n");

		wn_strbuf_add(&s->out.buf, text, len);
		wn_strbuf_puts(&s->out.buf, "\033[K\n");
		text += len + (text[len] == '\n');
	}
	wn_strbuf_puts(&s->out.buf, "\033[J");
}

void wn_session_live_frame(struct wn_session *s)
{
	struct wn_strbuf table = WN_STRBUF_INIT;
	struct wn_cli_trace *best = wn_session_best(s);

	/* A terminal that has not taken the last frame gets no further one. */
	if (!s->live.on || !s->live.dirty || !best || s->out.buf.len > 0)
		return;
	s->live.dirty = false;
	wn_session_draw(s, wn_run_result(best->rt), true, &table);
	add_frame(s, tail_that_fits(wn_strbuf_str(&table), s->live.columns, s->live.rows));
	wn_strbuf_fini(&table);
	wn_sink_flush(&s->out);
}

void wn_session_live_resized(struct wn_session *s)
{
	if (!s->live.on)
		return;
	s->live.columns = wn_cli_columns(STDOUT_FILENO, &s->live.rows);
	if (s->live.columns == 0)
		s->live.columns = 80;
	s->live.dirty = true;
}

void wn_session_live_resumed(struct wn_session *s)
{
	wn_strbuf_reset(&s->live.shown);
	s->live.dirty = true;
}

void wn_session_live_free(struct wn_session *s)
{
	wn_strbuf_fini(&s->live.shown);
}
