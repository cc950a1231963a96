/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments of our own packets, which have no IP options or extension headers. */
#include <assert.h>
#include <string.h>

#include "base/cursor.h"
#include "io/raw.h"

#define IP4_HEADER	20
#define IP6_HEADER	40
#define FRAGMENT_HEADER 8
#define NEXT_FRAGMENT	44
#define MORE_V4		0x2000 /* RFC 791 3.1, beside the offset in units of 8 bytes */
#define MORE_V6		1      /* RFC 8200 4.5, below it */

/* ports and length, or type, checksum and id: different for each probe, which is all it takes. */
static uint32_t fragment_id(const uint8_t *l4)
{
	struct wn_rd r;
	uint32_t a;

	wn_rd_init(&r, l4, 8);
	a = wn_rd_be32(&r);
	return a ^ (wn_rd_be32(&r) * 0x9e3779b1u);
}

/* The kernel computes the header checksum of every IPv4 packet it is given. */
static void write_v4(const uint8_t *packet, size_t at, size_t part, bool more, struct wn_wr *w)
{
	struct wn_rd r;
	uint16_t id;

	wn_rd_init(&r, packet, IP4_HEADER);
	wn_wr_u8(w, wn_rd_u8(&r));
	wn_wr_u8(w, wn_rd_u8(&r));
	wn_rd_skip(&r, 2);
	wn_wr_be16(w, (uint16_t)(IP4_HEADER + part));
	id = wn_rd_be16(&r);
	/* Left at 0 the kernel would choose a different one for each fragment. */
	wn_wr_be16(w, id ? id : (uint16_t)(fragment_id(packet + IP4_HEADER) | 1));
	wn_rd_skip(&r, 2);
	wn_wr_be16(w, (uint16_t)(at / 8 | (more ? MORE_V4 : 0)));
	wn_wr_bytes(w, packet + r.pos, IP4_HEADER - r.pos);
	wn_wr_bytes(w, packet + IP4_HEADER + at, part);
}

static void write_v6(const uint8_t *packet, size_t at, size_t part, bool more, struct wn_wr *w)
{
	struct wn_rd r;
	uint8_t next;

	wn_rd_init(&r, packet, IP6_HEADER);
	wn_wr_be32(w, wn_rd_be32(&r));
	wn_rd_skip(&r, 2);
	wn_wr_be16(w, (uint16_t)(FRAGMENT_HEADER + part));
	next = wn_rd_u8(&r);
	wn_wr_u8(w, NEXT_FRAGMENT);
	wn_wr_bytes(w, packet + r.pos, IP6_HEADER - r.pos);
	wn_wr_u8(w, next);
	wn_wr_u8(w, 0);
	wn_wr_be16(w, (uint16_t)(at | (more ? MORE_V6 : 0)));
	wn_wr_be32(w, fragment_id(packet + IP6_HEADER));
	wn_wr_bytes(w, packet + IP6_HEADER + at, part);
}

size_t wn_raw_fragment(const uint8_t *packet, size_t len, uint32_t mtu, struct wn_wr *out,
	uint16_t lens[WN_RAW_TX_BATCH])
{
	bool v4 = packet[0] >> 4 == 4;
	size_t header = v4 ? IP4_HEADER : IP6_HEADER;
	size_t extra = header + (v4 ? 0 : FRAGMENT_HEADER);
	size_t total = len - header, room, n = 0;

	assert(len > header);
	if (mtu < extra + 8)
		return 0;
	room = (mtu - extra) & ~(size_t)7;
	for (size_t at = 0; at < total; at += room) {
		size_t part = total - at < room ? total - at : room;

		if (n == WN_RAW_TX_BATCH)
			return 0;
		if (v4)
			write_v4(packet, at, part, at + part < total, out);
		else
			write_v6(packet, at, part, at + part < total, out);
		lens[n++] = (uint16_t)(extra + part);
	}
	return out->bad ? 0 : n;
}
