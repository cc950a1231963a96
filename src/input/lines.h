/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as they come, as lines: bounded, whatever is sent. Who reads them puts them where
 * wn_in_lines_room says, and takes lines until there is none. A line longer than allowed is told
 * as soon as it is known to be, once; what follows it up to the newline is thrown away.
 */
#ifndef WN_INPUT_LINES_H
#define WN_INPUT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum wn_in_line {
	WN_IN_LINE_NONE, /* not yet, or no more */
	WN_IN_LINE_WHOLE,
	WN_IN_LINE_TOO_LONG
};

struct wn_in_lines {
	char *data; /* owned */
	size_t cap, start, len;
	size_t max;	 /* bytes of a line with its newline */
	uint64_t number; /* of the line told last, from 1 */
	bool skipping;	 /* the rest of one that is too long */
	bool ended;	 /* nothing more comes: what waits is the last line, newline or not */
};

wn_err wn_in_lines_init(struct wn_in_lines *l, size_t max_bytes);
void wn_in_lines_fini(struct wn_in_lines *l);
/* Where the next bytes go, at least one; to be followed by wn_in_lines_add. NULL: take lines first.
 */
char *wn_in_lines_room(struct wn_in_lines *l, size_t *out_room);
void wn_in_lines_add(struct wn_in_lines *l, size_t len);
/* WHOLE: without its newline, and borrowed until wn_in_lines_room. */
enum wn_in_line wn_in_lines_next(struct wn_in_lines *l, const char **out, size_t *out_len);

#endif
