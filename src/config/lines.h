/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of targets: from bytes that come in any pieces to lines, and from a line to a request.
 *
 * A line is a target and options, as on a command line. Words are separated by blanks and tabs;
 * '...' and "..." hold a word together, a backslash takes the next character as it is (not within
 * '...'); a word that begins with # begins a comment. Empty lines count and are passed over; a CR
 * before the newline and a byte order mark at the beginning of the list do not matter.
 */
#ifndef WN_CONFIG_LINES_H
#define WN_CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "config/options.h"

#define WN_LINE_MAX 4096 /* bytes of a line */

struct wn_line {
	uint64_t number; /* from 1 */
	char *text;	 /* blanks around it removed, NUL behind it; valid until the next call */
	size_t len;	 /* of a line that is too long: of what is kept of it */
	bool too_long;
};

struct wn_lines {
	char *buf; /* owned */
	size_t at, len;
	uint64_t number;
	uint64_t lost; /* bytes of the line at hand that were thrown away: it is too long */
	bool ended;
};

wn_err wn_lines_init(struct wn_lines *l, struct wn_errctx *ctx);
void wn_lines_fini(struct wn_lines *l);
void wn_lines_rewind(struct wn_lines *l); /* as after init: the list is read once more */
/* Where bytes may be put once wn_lines_next has said false, and how many; never 0. */
char *wn_lines_room(struct wn_lines *l, size_t *out_size);
void wn_lines_put(struct wn_lines *l, size_t size); /* so many were; 0: the list has ended */
/* The next line that is neither empty nor a comment. False: bytes are missing, or it has ended. */
bool wn_lines_next(struct wn_lines *l, struct wn_line *out);

/* Whether it is text, and short enough to be a line. WN_EUSAGE: ctx says what it is. */
wn_err wn_line_check(const struct wn_line *line, struct wn_errctx *ctx);
/*
 * What a line asks for: the defaults, with what its words change. Its text is cut into words. The
 * options of *out that are texts are those of the defaults. WN_EUSAGE: ctx says what is wrong.
 */
wn_err wn_line_request(struct wn_line *line, const struct wn_request *defaults,
	struct wn_request *out, struct wn_errctx *ctx);

#endif
