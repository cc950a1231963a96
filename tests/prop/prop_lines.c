/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list is the same list in whatever pieces it comes; its lines are those that a plain search for
 * newlines finds; and each is a request with a target, or is refused with one clean line.
 */
#include "oneline.h"

#include <stdlib.h>

#include "config/lines.h"

#define LINES_MAX 64

struct seen {
	uint64_t number;
	size_t from, len; /* in the data, blanks around it left out */
	bool too_long;
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What is in [from, end) as a line should be seen; false: it is to be passed over. */
static bool look(const uint8_t *data, size_t from, size_t end, struct seen *s)
{
	s->too_long = end - from > WN_LINE_MAX;
	if (s->too_long)
		end = from + WN_LINE_MAX;
	if (s->number == 1 && end - from >= 3 && memcmp(data + from, "\xef\xbb\xbf", 3) == 0)
		from += 3;
	while (from < end && is_blank(data[from]))
		from++;
	while (end > from && is_blank(data[end - 1]))
		end--;
	s->from = from;
	s->len = end - from;
	return s->too_long || (s->len > 0 && data[from] != '#');
}

static size_t find_lines(const uint8_t *data, size_t size, struct seen *out)
{
	size_t count = 0, from = 0;
	uint64_t number = 0;

	while (from < size && count < LINES_MAX) {
		const uint8_t *newline = memchr(data + from, '\n', size - from);
		size_t end = newline ? (size_t)(newline - data) : size;

		out[count].number = ++number;
		count += look(data, from, end, &out[count]);
		from = end + 1;
	}
	return count;
}

static void check_request(struct wn_line *line)
{
	struct wn_request defaults, req;
	struct wn_errctx ctx = {0};

	wn_request_init(&defaults);
	if (wn_line_request(line, &defaults, &req, &ctx)) {
		check_one_line(&ctx);
		return;
	}
	prop_check(!line->too_long && req.params.target[0] && req.params.host[0]);
	/* Nothing of the line is borrowed: it is gone when the next one comes. */
	prop_check(!req.output && !req.sim && !req.resolver);
}

static void check_line(struct wn_line *line, const struct seen *want, const uint8_t *data)
{
	prop_check(line->number == want->number && line->len == want->len);
	prop_check(line->too_long == want->too_long);
	prop_check(memcmp(line->text, data + want->from, want->len) == 0);
	prop_check(line->text[line->len] == '\0');
	check_request(line);
}

/* Pieces of `step` bytes; 0: as much as there is room for. */
static void check_pieces(const uint8_t *data, size_t size, size_t step)
{
	static const struct wn_errctx none;
	struct seen want[LINES_MAX];
	size_t count = find_lines(data, size, want), got = 0, at = 0;
	struct wn_errctx ctx = none;
	struct wn_lines l;
	struct wn_line line;

	prop_check(wn_lines_init(&l, &ctx) == WN_OK);
	for (bool ended = false; !ended;) {
		size_t room, n = size - at;
		char *to = wn_lines_room(&l, &room);

		prop_check(room > 0);
		n = n > room ? room : n;
		n = step > 0 && n > step ? step : n;
		if (n > 0)
			memcpy(to, data + at, n);
		wn_lines_put(&l, n);
		at += n;
		ended = n == 0;
		while (got < LINES_MAX && wn_lines_next(&l, &line)) {
			prop_check(got < count);
			check_line(&line, &want[got++], data);
		}
		ended = ended || got == LINES_MAX;
	}
	prop_check(got == count);
	wn_lines_fini(&l);
}

int prop_lines(const uint8_t *data, size_t size)
{
	uint8_t *many;
	size_t times, step;

	if (size < 2)
		return 0;
	step = data[0];
	times = data[1] % 8 == 0 ? 1 + data[1] * 8u : 1; /* long ones take many bytes */
	data += 2;
	size -= 2;
	check_pieces(data, size, step);
	if (times == 1 || size == 0)
		return 0;
	many = malloc(size * times);
	prop_check(many != NULL);
	for (size_t i = 0; i < times; i++)
		memcpy(many + i * size, data, size);
	check_pieces(many, size * times, step ? step * 97 : 0);
	free(many);
	return 0;
}
