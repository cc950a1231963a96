/* SPDX-License-Identifier: Apache-2.0 */
/* The list. A file is read twice, so that its end is known; a pipe once, as it comes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/batch.h"
#include "cli/cli.h"

#define LOST_MAX     (16u << 20) /* bytes of one line: this is no list */
#define NOT_TEXT_MIN 10		 /* lines: the same, when most are so */

static int open_file(struct wn_batch *b, const char *operand)
{
	b->path = operand;
	b->in = wn_cli_open(operand, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (b->in >= 0)
		return WN_EXIT_OK;
	if (errno == ENOENT && !strchr(operand, '/'))
		return wn_cli_fail(WN_EXIT_FAILED,
			"cannot open %s: there is no such file; batch reads a list of targets (for "
			"one: wend trace %s)",
			operand, operand);
	return wn_cli_fail(WN_EXIT_FAILED, "cannot open %s: %s", operand, strerror(errno));
}

int wn_batch_open(struct wn_batch *b, const char *operand)
{
	struct wn_errctx ctx = {0};
	struct stat st;
	int code = WN_EXIT_OK;

	b->path = "standard input";
	b->in = STDIN_FILENO;
	if (strcmp(operand, "-") != 0)
		code = open_file(b, operand);
	if (code != WN_EXIT_OK)
		return code;
	if (fstat(b->in, &st) != 0)
		return wn_cli_fail(WN_EXIT_FAILED, "cannot read %s: %s", b->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return wn_cli_fail(WN_EXIT_FAILED,
			"%s is a directory; batch reads a file with a target on each line",
			b->path);
	b->in_regular = S_ISREG(st.st_mode);
	b->in_terminal = isatty(b->in);
	if (wn_lines_init(&b->lines, &ctx) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "%s", ctx.text);
	return WN_EXIT_OK;
}

/* ---- reading ---- */

/* More bytes of the list. False: it cannot be read. */
static bool fill(struct wn_batch *b)
{
	size_t room;
	char *to = wn_lines_room(&b->lines, &room);
	ssize_t n;

	do
		n = read(b->in, to, room);
	while (n < 0 && errno == EINTR);
	b->in_ready = false;
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n < 0) {
		wn_batch_fail(b, WN_EXIT_FAILED, "cannot read %s: %s", b->path, strerror(errno));
		return false;
	}
	wn_lines_put(&b->lines, (size_t)n);
	b->in_ended = n == 0;
	if (b->lines.lost <= LOST_MAX)
		return true;
	wn_batch_fail(b, WN_EXIT_USAGE,
		"%s:%llu: a line without end; a list is text with a target on each line", b->path,
		(unsigned long long)b->lines.number + 1);
	return false;
}

static bool is_utf16(const struct wn_line *line)
{
	return line->number == 1 && line->len >= 2 &&
	       (memcmp(line->text, "\xff\xfe", 2) == 0 || memcmp(line->text, "\xfe\xff", 2) == 0);
}

/* Whether it is the line that the output has a record of, if it has one. */
static bool check_mark(struct wn_batch *b, const struct wn_line *line, bool *out_done)
{
	uint32_t mark = wn_batch_marked(&b->marks, line->number);

	*out_done = mark != 0;
	if (mark == 0 || mark == wn_batch_mark(line))
		return true;
	wn_batch_fail(b, WN_EXIT_USAGE,
		"%s:%llu: the line is not the one that %s has a record of; --resume needs the same "
		"list",
		b->path, (unsigned long long)line->number, b->req.output);
	return false;
}

static bool check_end(struct wn_batch *b)
{
	if (b->lines.number >= b->marks.last)
		return true;
	wn_batch_fail(b, WN_EXIT_USAGE,
		"%s has %llu lines, and %s a record of line %llu; --resume needs the same list",
		b->path, (unsigned long long)b->lines.number, b->req.output,
		(unsigned long long)b->marks.last);
	return false;
}

/* Any line, done or not; false as of wn_batch_next. */
static bool read_line(struct wn_batch *b, struct wn_line *out, bool *out_done)
{
	while (!wn_lines_next(&b->lines, out)) {
		if (b->in_ended) {
			check_end(b);
			return false;
		}
		if (!(b->in_regular || b->in_ready) || !fill(b))
			return false;
	}
	if (is_utf16(out)) {
		wn_batch_fail(
			b, WN_EXIT_USAGE, "%s is in UTF-16; a list must be text in UTF-8", b->path);
		return false;
	}
	return check_mark(b, out, out_done);
}

bool wn_batch_next(struct wn_batch *b, struct wn_line *out)
{
	bool done;

	while (read_line(b, out, &done))
		if (!done)
			return true;
	return false;
}

int wn_batch_survey(struct wn_batch *b)
{
	struct wn_line line;
	uint64_t not_text = 0;
	bool done;
	off_t from = b->in_regular ? lseek(b->in, 0, SEEK_CUR) : -1;

	if (from < 0) {
		b->in_regular = false;
		return WN_EXIT_OK;
	}
	while (read_line(b, &line, &done)) {
		b->total++;
		not_text += wn_line_check(&line, NULL) != WN_OK;
	}
	if (b->code != WN_EXIT_OK)
		return b->code;
	if (b->total == 0)
		return wn_cli_fail(WN_EXIT_USAGE,
			"%s: there is no target in it; a list has one on each line", b->path);
	/* A few such lines may be damage. */
	if (not_text >= NOT_TEXT_MIN && not_text > b->total / 2)
		return wn_cli_fail(
			WN_EXIT_USAGE, "%s is no text: a list has a target on each line", b->path);
	if (lseek(b->in, from, SEEK_SET) != from)
		return wn_cli_fail(WN_EXIT_FAILED, "cannot read %s: %s", b->path, strerror(errno));
	wn_lines_rewind(&b->lines);
	b->in_ended = false;
	return WN_EXIT_OK;
}
