/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an output file holds. A record says at its beginning which line it is about (output/record.c
 * writes it), so that of documents nothing need be kept or understood: a record that begins right
 * and ends with its newline is whole, since it was written from front to back. Of each line a
 * number of 32 bits is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/siphash.h"
#include "cli/batch.h"
#include "cli/cli.h"

#define PAGE_LINES  65536u
#define PAGES	    65536u
#define CHUNK_BYTES 262144u
/* The most that a beginning can take: six bytes for each of the text, and what is around it. */
#define HEAD_BYTES (6 * WN_LINE_MAX + 128)

/* ---- marks ---- */

static uint32_t mark_of(const char *literal, size_t len)
{
	static const struct wn_sipkey key;
	uint32_t mark = (uint32_t)wn_siphash(&key, literal, len);

	return mark ? mark : 1;
}

/* Of the text as it stands in a record, so that records need not be decoded. */
uint32_t wn_batch_mark(const struct wn_line *line)
{
	struct wn_strbuf literal = WN_STRBUF_INIT;
	uint32_t mark;

	wn_json_string(&literal, line->text, line->len);
	mark = mark_of(wn_strbuf_str(&literal), literal.len);
	wn_strbuf_fini(&literal);
	return mark;
}

uint32_t wn_batch_marked(const struct wn_batch_marks *m, uint64_t line)
{
	uint64_t page = (line - 1) / PAGE_LINES;

	if (!m->pages || page >= PAGES || !m->pages[page])
		return 0;
	return m->pages[page][(line - 1) % PAGE_LINES];
}

void wn_batch_marks_free(struct wn_batch_marks *m)
{
	for (size_t i = 0; m->pages && i < PAGES; i++)
		wn_free(m->pages[i]);
	wn_free(m->pages);
	m->pages = NULL;
}

struct head {
	uint64_t line;
	uint32_t mark;
	bool failed;
};

static wn_err note(struct wn_batch_marks *m, const struct head *h)
{
	uint64_t page = (h->line - 1) / PAGE_LINES;
	uint32_t *slot;

	if (h->line == 0 || page >= PAGES)
		return WN_EPARSE;
	if (!m->pages[page])
		m->pages[page] = wn_calloc(PAGE_LINES, sizeof(**m->pages));
	if (!m->pages[page])
		return WN_ENOMEM;
	slot = &m->pages[page][(h->line - 1) % PAGE_LINES];
	if (*slot && *slot != h->mark)
		return WN_EPARSE;
	if (!*slot) {
		m->count++;
		m->failed += h->failed;
	}
	*slot = h->mark;
	if (h->line > m->last)
		m->last = h->line;
	return WN_OK;
}

/* ---- the beginning of a record ---- */

static bool take(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool take_number(const char **at, uint64_t *out)
{
	const char *from = *at;

	for (*out = 0; **at >= '0' && **at <= '9' && *at - from < 12; (*at)++)
		*out = *out * 10 + (uint64_t)(**at - '0');
	return *at > from;
}

/* A string literal; where it ends. NULL: it does not. */
static const char *end_of_literal(const char *text)
{
	if (*text != '"')
		return NULL;
	for (text++; *text && *text != '"'; text++)
		if (*text == '\\' && text[1])
			text++;
	return *text ? text + 1 : NULL;
}

/* text: NUL-terminated; as much of the record as a beginning can take. */
static bool read_head(const char *text, struct head *out)
{
	const char *end;

	if (!take(&text, "{\"schema\": \"" WN_BATCH_SCHEMA "\", \"line\": ") ||
		!take_number(&text, &out->line) || !take(&text, ", \"input\": "))
		return false;
	end = end_of_literal(text);
	if (!end)
		return false;
	out->mark = mark_of(text, (size_t)(end - text));
	text = end;
	if (!take(&text, ", \"error\": "))
		return false;
	out->failed = *text == '{';
	return out->failed || take(&text, "null, \"trace\": {");
}

/* ---- the file ---- */

struct reader {
	struct wn_batch *b;
	int fd;
	char *chunk;	 /* owned, CHUNK_BYTES */
	char *head;	 /* owned, HEAD_BYTES + 1; of the record at hand */
	size_t have;	 /* of it */
	char last;	 /* its last byte so far */
	uint64_t at;	 /* in the file */
	uint64_t whole;	 /* where the last whole record ends */
	uint64_t number; /* of the record at hand, from 1 */
};

static int refuse(const struct reader *r)
{
	return wn_cli_fail(WN_EXIT_USAGE,
		"%s:%llu is no record of a batch; --resume goes on with a file that wend batch "
		"wrote",
		r->b->req.output, (unsigned long long)r->number);
}

static int end_record(struct reader *r)
{
	struct head h = {0};
	wn_err err = WN_EPARSE;

	r->head[r->have] = '\0';
	if (r->last == '}' && read_head(r->head, &h))
		err = note(&r->b->marks, &h);
	if (err == WN_ENOMEM)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	if (err != WN_OK)
		return refuse(r);
	r->have = 0;
	r->last = '\0';
	r->number++;
	return WN_EXIT_OK;
}

static int take_chunk(struct reader *r, size_t size)
{
	const char *from = r->chunk, *end = r->chunk + size;
	int code = WN_EXIT_OK;

	while (from < end && code == WN_EXIT_OK) {
		const char *newline = memchr(from, '\n', (size_t)(end - from));
		size_t len = (size_t)((newline ? newline : end) - from);
		size_t keep = HEAD_BYTES - r->have < len ? HEAD_BYTES - r->have : len;

		memcpy(r->head + r->have, from, keep);
		r->have += keep;
		if (len > 0)
			r->last = from[len - 1];
		from += len;
		r->at += len;
		if (!newline)
			break;
		from++;
		r->at++;
		code = end_record(r);
		if (code == WN_EXIT_OK)
			r->whole = r->at;
	}
	return code;
}

static int read_records(struct reader *r)
{
	int code = WN_EXIT_OK;
	ssize_t n;

	while (code == WN_EXIT_OK && (n = read(r->fd, r->chunk, CHUNK_BYTES)) != 0) {
		if (n > 0)
			code = take_chunk(r, (size_t)n);
		else if (errno != EINTR)
			code = wn_cli_fail(WN_EXIT_FAILED, "cannot read --output %s: %s",
				r->b->req.output, strerror(errno));
	}
	return code;
}

/* What is behind the last newline may be a record that was cut off, but nothing else. */
static int check_rest(const struct reader *r)
{
	static const char begins[] = "{\"schema\": \"" WN_BATCH_SCHEMA "\"";
	size_t len = r->have < sizeof(begins) - 1 ? r->have : sizeof(begins) - 1;

	r->b->marks.whole = r->whole;
	r->b->marks.cut = r->at > r->whole;
	return memcmp(r->head, begins, len) == 0 ? WN_EXIT_OK : refuse(r);
}

int wn_batch_drop_rest(struct wn_batch *b)
{
	if (!b->marks.cut || ftruncate(b->out.fd, (off_t)b->marks.whole) == 0)
		return WN_EXIT_OK;
	return wn_cli_fail(WN_EXIT_FAILED, "cannot take a record that is cut off out of %s: %s",
		b->req.output, strerror(errno));
}

int wn_batch_resume(struct wn_batch *b)
{
	struct reader r = {.b = b, .fd = b->out_read, .number = 1};
	int code = WN_EXIT_FAILED;

	b->marks.pages = wn_calloc(PAGES, sizeof(*b->marks.pages));
	r.chunk = wn_malloc(CHUNK_BYTES);
	r.head = wn_malloc(HEAD_BYTES + 1);
	if (b->marks.pages && r.chunk && r.head)
		code = read_records(&r);
	else
		wn_cli_fail(code, "out of memory");
	if (code == WN_EXIT_OK)
		code = check_rest(&r);
	b->done = b->marks.count;
	b->failed = b->marks.failed;
	wn_free(r.chunk);
	wn_free(r.head);
	return code;
}
