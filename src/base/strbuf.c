/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: data is NULL, or cap > len and data[len] is NUL. */
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include "base/alloc.h"
#include "base/fmt.h"

#define CAP_MIN 64

void wn_strbuf_fini(struct wn_strbuf *sb)
{
	wn_free(sb->data);
	*sb = (struct wn_strbuf)WN_STRBUF_INIT;
}

void wn_strbuf_reset(struct wn_strbuf *sb)
{
	sb->len = 0;
	sb->err = WN_OK;
	if (sb->data)
		sb->data[0] = '\0';
}

/* Room for len more bytes and the NUL; false, with the error recorded, when there is none. */
static bool reserve(struct wn_strbuf *sb, size_t len)
{
	size_t cap = sb->cap ? sb->cap : CAP_MIN;
	char *data;

	if (sb->err)
		return false;
	if (len > SIZE_MAX / 4 - sb->len) {
		sb->err = WN_ENOMEM;
		return false;
	}
	while (cap < sb->len + len + 1)
		cap *= 2;
	if (cap == sb->cap)
		return true;
	data = wn_realloc(sb->data, cap, 1);
	if (!data) {
		sb->err = WN_ENOMEM;
		return false;
	}
	sb->data = data;
	sb->cap = cap;
	return true;
}

void wn_strbuf_add(struct wn_strbuf *sb, const void *data, size_t len)
{
	if (!reserve(sb, len))
		return;
	if (len > 0)
		memcpy(sb->data + sb->len, data, len);
	sb->len += len;
	sb->data[sb->len] = '\0';
}

void wn_strbuf_puts(struct wn_strbuf *sb, const char *text)
{
	wn_strbuf_add(sb, text, strlen(text));
}

void wn_strbuf_putc(struct wn_strbuf *sb, char c)
{
	wn_strbuf_add(sb, &c, 1);
}

void wn_strbuf_fmt(struct wn_strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = wn_vfmt(NULL, 0, fmt, ap);
	va_end(ap);
	if (!reserve(sb, len))
		return;
	va_start(ap, fmt);
	wn_vfmt(sb->data + sb->len, len + 1, fmt, ap);
	va_end(ap);
	sb->len += len;
}

void wn_strbuf_fixed(struct wn_strbuf *sb, int64_t value, unsigned scale, unsigned decimals)
{
	char text[48];

	wn_strbuf_add(sb, text, wn_fmt_fixed(text, sizeof(text), value, scale, decimals));
}

void wn_strbuf_hex(struct wn_strbuf *sb, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		wn_strbuf_putc(sb, "0123456789abcdef"[bytes[i] >> 4]);
		wn_strbuf_putc(sb, "0123456789abcdef"[bytes[i] & 15]);
	}
}

const char *wn_strbuf_str(const struct wn_strbuf *sb)
{
	return sb->data ? sb->data : "";
}
