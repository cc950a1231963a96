/* SPDX-License-Identifier: Apache-2.0 */
#include "input/lines.h"

#include <assert.h>
#include <string.h>
#include "base/alloc.h"

#define LINES 4 /* of the longest that there is room for: many short ones come in one read */

wn_err wn_in_lines_init(struct wn_in_lines *l, size_t max_bytes)
{
	*l = (struct wn_in_lines){.cap = LINES * max_bytes, .max = max_bytes};
	l->data = wn_malloc(l->cap);
	return l->data ? WN_OK : WN_ENOMEM;
}

void wn_in_lines_fini(struct wn_in_lines *l)
{
	wn_free(l->data);
	l->data = NULL;
}

char *wn_in_lines_room(struct wn_in_lines *l, size_t *out_room)
{
	if (l->start > 0)
		memmove(l->data, l->data + l->start, l->len);
	l->start = 0;
	*out_room = l->cap - l->len;
	return *out_room > 0 ? l->data + l->len : NULL;
}

void wn_in_lines_add(struct wn_in_lines *l, size_t len)
{
	assert(l->start + l->len + len <= l->cap);
	l->len += len;
}

static void drop(struct wn_in_lines *l, size_t len)
{
	l->start += len;
	l->len -= len;
}

enum wn_in_line wn_in_lines_next(struct wn_in_lines *l, const char **out, size_t *out_len)
{
	char *newline = memchr(l->data + l->start, '\n', l->len);

	if (l->skipping) {
		drop(l, newline ? (size_t)(newline + 1 - (l->data + l->start)) : l->len);
		l->skipping = !newline;
		newline = memchr(l->data + l->start, '\n', l->len);
	}
	*out = l->data + l->start;
	*out_len = newline ? (size_t)(newline - *out) : l->len;
	if (*out_len >= l->max) {
		l->number++;
		l->skipping = true;
		return WN_IN_LINE_TOO_LONG;
	}
	if (!newline && !(l->ended && l->len > 0))
		return WN_IN_LINE_NONE;
	l->number++;
	drop(l, *out_len + (newline ? 1 : 0));
	return WN_IN_LINE_WHOLE;
}
