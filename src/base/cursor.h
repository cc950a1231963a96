/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way bytes of a packet or file are read and written. Both cursors have a sticky error:
 * after the first access beyond the end every read gives 0 and every write does nothing, so a
 * parser checks once, at the end. Integers are big-endian (network order) on the wire, host
 * order in C.
 */
#ifndef WN_BASE_CURSOR_H
#define WN_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wn_rd {
	const uint8_t *data; /* borrowed */
	size_t len;
	size_t pos;
	bool bad; /* something was read beyond the end */
};

struct wn_wr {
	uint8_t *data; /* borrowed */
	size_t cap;
	size_t pos;
	bool bad;
};

void wn_rd_init(struct wn_rd *r, const void *data, size_t len);
size_t wn_rd_left(const struct wn_rd *r);
uint8_t wn_rd_u8(struct wn_rd *r);
uint16_t wn_rd_be16(struct wn_rd *r);
uint32_t wn_rd_be32(struct wn_rd *r);
uint64_t wn_rd_be64(struct wn_rd *r);
void wn_rd_bytes(struct wn_rd *r, void *out, size_t len); /* zero-fills out on error */
void wn_rd_skip(struct wn_rd *r, size_t len);
/* A cursor over the next len bytes, which are consumed; an empty bad one when too short. */
struct wn_rd wn_rd_sub(struct wn_rd *r, size_t len);
const uint8_t *wn_rd_ptr(const struct wn_rd *r); /* at pos; valid for wn_rd_left bytes */

void wn_wr_init(struct wn_wr *w, void *data, size_t cap);
void wn_wr_u8(struct wn_wr *w, uint8_t v);
void wn_wr_be16(struct wn_wr *w, uint16_t v);
void wn_wr_be32(struct wn_wr *w, uint32_t v);
void wn_wr_be64(struct wn_wr *w, uint64_t v);
void wn_wr_bytes(struct wn_wr *w, const void *data, size_t len);
void wn_wr_fill(struct wn_wr *w, uint8_t value, size_t len);
/* Overwrites two bytes written earlier (a checksum or length); pos does not move. */
void wn_wr_patch_be16(struct wn_wr *w, size_t at, uint16_t v);

/* Without a cursor, for fields that the caller knows to be there. */
static inline uint16_t wn_get_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void wn_put_be16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void wn_put_be32(uint8_t *at, uint32_t v)
{
	wn_put_be16(at, (uint16_t)(v >> 16));
	wn_put_be16(at + 2, (uint16_t)v);
}

#endif
