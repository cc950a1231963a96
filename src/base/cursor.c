/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant: pos <= len (or cap), whatever was asked; once bad, nothing is read, written or moved.
 */
#include "base/cursor.h"

#include <string.h>

void wn_rd_init(struct wn_rd *r, const void *data, size_t len)
{
	*r = (struct wn_rd){data, len, 0, false};
}

size_t wn_rd_left(const struct wn_rd *r)
{
	return r->bad ? 0 : r->len - r->pos;
}

static const uint8_t *take(struct wn_rd *r, size_t len)
{
	const uint8_t *p;

	if (r->bad || len > r->len - r->pos) {
		r->bad = true;
		return NULL;
	}
	p = wn_rd_ptr(r);
	r->pos += len;
	return p;
}

static uint64_t take_be(struct wn_rd *r, size_t len)
{
	const uint8_t *p = take(r, len);
	uint64_t v = 0;

	for (size_t i = 0; p && i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t wn_rd_u8(struct wn_rd *r)
{
	return (uint8_t)take_be(r, 1);
}

uint16_t wn_rd_be16(struct wn_rd *r)
{
	return (uint16_t)take_be(r, 2);
}

uint32_t wn_rd_be32(struct wn_rd *r)
{
	return (uint32_t)take_be(r, 4);
}

uint64_t wn_rd_be64(struct wn_rd *r)
{
	return take_be(r, 8);
}

void wn_rd_bytes(struct wn_rd *r, void *out, size_t len)
{
	const uint8_t *p = take(r, len);

	if (len == 0)
		return;
	if (p)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

void wn_rd_skip(struct wn_rd *r, size_t len)
{
	take(r, len);
}

struct wn_rd wn_rd_sub(struct wn_rd *r, size_t len)
{
	const uint8_t *p = take(r, len);

	/* take() alone cannot tell: a good, empty cursor may stand on a NULL buffer. */
	if (r->bad)
		return (struct wn_rd){NULL, 0, 0, true};
	return (struct wn_rd){p, len, 0, false};
}

const uint8_t *wn_rd_ptr(const struct wn_rd *r)
{
	return r->data ? r->data + r->pos : NULL;
}

void wn_wr_init(struct wn_wr *w, void *data, size_t cap)
{
	*w = (struct wn_wr){data, cap, 0, false};
}

static uint8_t *give(struct wn_wr *w, size_t len)
{
	uint8_t *p;

	if (w->bad || len > w->cap - w->pos) {
		w->bad = true;
		return NULL;
	}
	p = w->data ? w->data + w->pos : NULL; /* NULL + 0 is undefined */
	w->pos += len;
	return p;
}

static void put_be(struct wn_wr *w, uint64_t v, size_t len)
{
	uint8_t *p = give(w, len);

	for (size_t i = 0; p && i < len; i++)
		p[i] = (uint8_t)(v >> 8 * (len - 1 - i));
}

void wn_wr_u8(struct wn_wr *w, uint8_t v)
{
	put_be(w, v, 1);
}

void wn_wr_be16(struct wn_wr *w, uint16_t v)
{
	put_be(w, v, 2);
}

void wn_wr_be32(struct wn_wr *w, uint32_t v)
{
	put_be(w, v, 4);
}

void wn_wr_be64(struct wn_wr *w, uint64_t v)
{
	put_be(w, v, 8);
}

void wn_wr_bytes(struct wn_wr *w, const void *data, size_t len)
{
	uint8_t *p = give(w, len);

	if (p && len > 0)
		memcpy(p, data, len);
}

void wn_wr_fill(struct wn_wr *w, uint8_t value, size_t len)
{
	uint8_t *p = give(w, len);

	if (p && len > 0)
		memset(p, value, len);
}

void wn_wr_patch_be16(struct wn_wr *w, size_t at, uint16_t v)
{
	if (w->bad)
		return;
	if (at > w->pos || w->pos - at < 2) {
		w->bad = true;
		return;
	}
	w->data[at] = (uint8_t)(v >> 8);
	w->data[at + 1] = (uint8_t)v;
}
