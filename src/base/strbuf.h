/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable text. Failure to grow is sticky: later appends do nothing, wn_strbuf_err tells.
 * The text is always NUL-terminated once anything was appended.
 */
#ifndef WN_BASE_STRBUF_H
#define WN_BASE_STRBUF_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

struct wn_strbuf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t cap;
	wn_err err;
};

#define WN_STRBUF_INIT                                                                             \
	{                                                                                          \
		NULL, 0, 0, WN_OK                                                                  \
	}

void wn_strbuf_fini(struct wn_strbuf *sb);
void wn_strbuf_reset(struct wn_strbuf *sb); /* keeps the memory, clears the text and the error */
void wn_strbuf_add(struct wn_strbuf *sb, const void *data, size_t len);
void wn_strbuf_puts(struct wn_strbuf *sb, const char *text);
void wn_strbuf_putc(struct wn_strbuf *sb, char c);
void wn_strbuf_fmt(struct wn_strbuf *sb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void wn_strbuf_fixed(struct wn_strbuf *sb, int64_t value, unsigned scale, unsigned decimals);
void wn_strbuf_hex(struct wn_strbuf *sb, const void *data, size_t len);
const char *wn_strbuf_str(const struct wn_strbuf *sb); /* "" when empty; borrowed */

#endif
