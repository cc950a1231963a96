/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP headers, read and written in one place: the outer header of a reply, the quoted one, and
 * those of simulated packets follow the same rules.
 * A header is read as far as it is there; only the fixed part is required.
 */
#include <string.h>
#include "packet/wire.h"
#include "packet/wire_int.h"

#define V6_HEADERS_MAX 8 /* a longer chain is nothing that answers a probe */

#define V6_HOP_BY_HOP  0
#define V6_ROUTING     43
#define V6_FRAGMENT    44
#define V6_AUTH	       51
#define V6_DESTINATION 60

/* RFC 791 3.1 */
static wn_err read_v4(const uint8_t *buf, size_t len, struct wn_ip *out)
{
	struct wn_rd r;
	uint8_t src[4], dst[4];
	uint16_t frag;
	size_t header;

	wn_rd_init(&r, buf, len);
	header = (size_t)(wn_rd_u8(&r) & 0x0f) * 4;
	out->tos = wn_rd_u8(&r);
	out->length = wn_rd_be16(&r);
	out->ip_id = wn_rd_be16(&r);
	frag = wn_rd_be16(&r);
	out->ttl = wn_rd_u8(&r);
	out->proto = wn_rd_u8(&r);
	wn_rd_skip(&r, 2);
	wn_rd_bytes(&r, src, sizeof(src));
	wn_rd_bytes(&r, dst, sizeof(dst));
	if (r.bad)
		return WN_ETRUNC;
	if (header < WN_IP4_HEADER)
		return WN_EPARSE;
	out->src = wn_addr_from_bytes(4, src);
	out->dst = wn_addr_from_bytes(4, dst);
	out->df = frag & 0x4000;
	out->more_fragments = frag & 0x2000;
	out->later_fragment = frag & 0x1fff;
	out->l4_known = header <= len;
	out->l4_offset = out->l4_known ? header : len;
	return WN_OK;
}

static bool v6_is_extension(uint8_t header)
{
	return header == V6_HOP_BY_HOP || header == V6_ROUTING || header == V6_FRAGMENT ||
	       header == V6_AUTH || header == V6_DESTINATION;
}

/* RFC 8200 4: steps over one extension header at the cursor. */
static void v6_step(struct wn_rd *r, struct wn_ip *out)
{
	uint8_t header = out->proto;
	uint8_t next = wn_rd_u8(r);
	uint8_t units = wn_rd_u8(r);

	if (header == V6_FRAGMENT) {
		uint16_t frag = wn_rd_be16(r);

		out->ip_id = (uint16_t)wn_rd_be32(r);
		out->later_fragment |= (frag & 0xfff8) != 0;
		out->more_fragments |= (frag & 1) != 0;
	} else if (header == V6_AUTH) { /* RFC 4302 2.2 counts in 4 bytes, minus 2 */
		wn_rd_skip(r, ((size_t)units + 2) * 4 - 2);
	} else {
		wn_rd_skip(r, ((size_t)units + 1) * 8 - 2);
	}
	if (!r->bad)
		out->proto = next;
}

static wn_err read_v6(const uint8_t *buf, size_t len, struct wn_ip *out)
{
	struct wn_rd r;
	uint8_t src[16], dst[16];
	uint32_t word;
	int steps = 0;

	wn_rd_init(&r, buf, len);
	word = wn_rd_be32(&r);
	out->tos = (uint8_t)(word >> 20);
	out->flow_label = word & 0xfffff;
	word = wn_rd_be16(&r) + (uint32_t)WN_IP6_HEADER;
	out->length = word > UINT16_MAX ? UINT16_MAX : (uint16_t)word;
	out->proto = wn_rd_u8(&r);
	out->ttl = wn_rd_u8(&r);
	wn_rd_bytes(&r, src, sizeof(src));
	wn_rd_bytes(&r, dst, sizeof(dst));
	if (r.bad)
		return WN_ETRUNC;
	out->src = wn_addr_from_bytes(6, src);
	out->dst = wn_addr_from_bytes(6, dst);
	out->df = true;
	while (!r.bad && !out->later_fragment && v6_is_extension(out->proto) &&
		steps++ < V6_HEADERS_MAX)
		v6_step(&r, out);
	out->l4_known = !r.bad && (out->later_fragment || !v6_is_extension(out->proto));
	out->l4_offset = out->l4_known ? r.pos : len;
	return WN_OK;
}

wn_err wn_ip_read(const uint8_t *buf, size_t len, struct wn_ip *out)
{
	memset(out, 0, sizeof(*out));
	if (len == 0)
		return WN_ETRUNC;
	out->family = buf[0] >> 4;
	if (out->family == 4)
		return read_v4(buf, len, out);
	if (out->family == 6)
		return read_v6(buf, len, out);
	return WN_EPARSE;
}

void wn_ip_write(const struct wn_ip *ip, struct wn_wr *w)
{
	size_t start = w->pos;

	if (ip->family == 6) {
		wn_wr_be32(w, 6u << 28 | (uint32_t)ip->tos << 20 | (ip->flow_label & 0xfffff));
		wn_wr_be16(w, (uint16_t)(ip->length - WN_IP6_HEADER));
		wn_wr_u8(w, ip->proto);
		wn_wr_u8(w, ip->ttl);
		wn_wr_bytes(w, ip->src.bytes, 16);
		wn_wr_bytes(w, ip->dst.bytes, 16);
		return;
	}
	wn_wr_u8(w, 0x45);
	wn_wr_u8(w, ip->tos);
	wn_wr_be16(w, ip->length);
	wn_wr_be16(w, ip->ip_id);
	wn_wr_be16(w, ip->df ? 0x4000 : 0);
	wn_wr_u8(w, ip->ttl);
	wn_wr_u8(w, ip->proto);
	wn_wr_be16(w, 0);
	wn_wr_bytes(w, ip->src.bytes, 4);
	wn_wr_bytes(w, ip->dst.bytes, 4);
	if (!w->bad)
		wn_wr_patch_be16(w, start + 10,
			wn_csum_finish(wn_csum_add(0, w->data + start, WN_IP4_HEADER)));
}
