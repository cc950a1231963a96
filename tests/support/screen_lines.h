/* SPDX-License-Identifier: Apache-2.0 */
/* Holds a text to what a terminal can show: whole lines, no control, none wider than it is. */
#ifndef WN_TESTS_SCREEN_LINES_H
#define WN_TESTS_SCREEN_LINES_H

#include <string.h>
#include "base/text.h"
#include "output/output.h"

/* Columns of the line with its escape sequences left out; no other control may be there. */
static inline size_t screen_columns(const char *line, size_t len)
{
	char plain_text[4096];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint32_t cp;
		size_t used = wn_text_utf8(line + i, len - i, &cp);

		assert_true(used > 0);
		if (line[i] == '\033') {
			assert_int_equal(line[i + 1], '[');
			i += strcspn(line + i, "m");
			continue;
		}
		assert_false(wn_text_unsafe(cp));
		assert_true(n + used < sizeof(plain_text));
		memcpy(plain_text + n, line + i, used);
		n += used;
		i += used - 1;
	}
	return wn_text_columns(plain_text, n);
}

/* From 60 columns on every line must fit; no raw byte gets through in any form. */
static inline void screen_check(const struct wn_strbuf *text, const struct wn_table_opts *o)
{
	const char *line = wn_strbuf_str(text);

	while (*line) {
		size_t len = strcspn(line, "\n");
		size_t columns = screen_columns(line, len);

		assert_int_equal(line[len], '\n');
		if (o->columns >= 60 && columns > o->columns)
			fail_msg("too wide for %u: %.*s", o->columns, (int)len, line);
		line += len + 1;
	}
	if (!o->color)
		assert_null(strchr(wn_strbuf_str(text), '\033'));
}

#endif
