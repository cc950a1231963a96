/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP extensions (RFC 4884): MPLS label stacks (RFC 4950), interface information (RFC 5837),
 * and unknown objects kept as bytes. One wrong length makes the whole structure unbelievable.
 */
#include <string.h>
#include "packet/wire.h"
#include "packet/wire_int.h"

#define EXT_VERSION 2
#define EXT_HEADER  4
#define OBJ_HEADER  4

#define CLASS_MPLS  1
#define TYPE_STACK  1
#define CLASS_IF    2

/* RFC 5837 4.1: the C-Type of interface information says what follows, in this order. */
#define IF_ROLE_SHIFT 6
#define IF_INDEX      0x08
#define IF_ADDR	      0x04
#define IF_NAME	      0x02
#define IF_MTU	      0x01
#define IF_KNOWN      (IF_INDEX | IF_ADDR | IF_NAME | IF_MTU)
#define AFI_V4	      1
#define AFI_V6	      2

#define IFINFO_MAX    (sizeof(((struct wn_ext *)0)->ifinfo) / sizeof(struct wn_ifinfo))

static void note_dropped(struct wn_ext *out)
{
	if (out->dropped < UINT8_MAX)
		out->dropped++;
}

/* RFC 4950 3 and RFC 3032 2.1 */
static void parse_mpls(struct wn_rd *r, struct wn_ext *out)
{
	while (wn_rd_left(r) > 0) {
		uint32_t entry = wn_rd_be32(r);
		struct wn_mpls *m = &out->mpls[out->mpls_count];

		if (r->bad)
			return;
		if (out->mpls_count == WN_MPLS_MAX) {
			note_dropped(out);
			continue;
		}
		m->label = entry >> 12;
		m->tc = entry >> 9 & 7;
		m->bottom = entry >> 8 & 1;
		m->ttl = (uint8_t)entry;
		out->mpls_count++;
	}
}

static void parse_if_addr(struct wn_rd *r, struct wn_ifinfo *info)
{
	uint8_t bytes[16] = {0};
	uint16_t afi = wn_rd_be16(r);

	wn_rd_skip(r, 2);
	if (afi == AFI_V4) {
		wn_rd_bytes(r, bytes, 4);
		info->addr = wn_addr_from_bytes(4, bytes);
	} else if (afi == AFI_V6) {
		wn_rd_bytes(r, bytes, 16);
		info->addr = wn_addr_from_bytes(6, bytes);
	} else {
		r->bad = true; /* an address of unknown length */
	}
}

/* RFC 5837 4.3: a length octet that counts itself, at most 64, then the padded name. */
static void parse_if_name(struct wn_rd *r, struct wn_ifinfo *info)
{
	uint8_t len = wn_rd_u8(r);

	if (len == 0 || len > sizeof(info->name)) {
		r->bad = true;
		return;
	}
	wn_rd_bytes(r, info->name, len - 1u);
}

static void parse_ifinfo(uint8_t c_type, struct wn_rd *r, struct wn_ext *out)
{
	struct wn_ifinfo info;

	memset(&info, 0, sizeof(info));
	info.present = true;
	info.role = c_type >> IF_ROLE_SHIFT;
	if (c_type & IF_INDEX)
		info.ifindex = wn_rd_be32(r);
	if (c_type & IF_ADDR)
		parse_if_addr(r, &info);
	if (c_type & IF_NAME)
		parse_if_name(r, &info);
	if (c_type & IF_MTU)
		info.mtu = wn_rd_be32(r);
	if (r->bad)
		return;
	if (out->ifinfo_count == IFINFO_MAX)
		note_dropped(out);
	else
		out->ifinfo[out->ifinfo_count++] = info;
}

static void keep_unknown(uint8_t class_num, uint8_t c_type, struct wn_rd *r, struct wn_ext *out)
{
	struct wn_ext_object *o = &out->objects[out->object_count];
	size_t len = wn_rd_left(r);

	if (out->object_count == WN_EXT_OBJECTS_MAX) {
		note_dropped(out);
		return;
	}
	o->class_num = class_num;
	o->c_type = c_type;
	o->len = (uint16_t)len;
	wn_rd_bytes(r, o->data, len < sizeof(o->data) ? len : sizeof(o->data));
	out->object_count++;
}

/* RFC 4884 8. Returns false when a length is wrong. */
static bool parse_object(struct wn_rd *r, struct wn_ext *out)
{
	size_t len = wn_rd_be16(r);
	uint8_t class_num = wn_rd_u8(r);
	uint8_t c_type = wn_rd_u8(r);
	struct wn_rd body;

	if (r->bad || len < OBJ_HEADER)
		return false;
	body = wn_rd_sub(r, len - OBJ_HEADER);
	if (body.bad)
		return false;
	if (class_num == CLASS_MPLS && c_type == TYPE_STACK)
		parse_mpls(&body, out);
	else if (class_num == CLASS_IF && (c_type & ~IF_KNOWN & 0x3f) == 0)
		parse_ifinfo(c_type, &body, out);
	else
		keep_unknown(class_num, c_type, &body, out);
	return !body.bad;
}

void wn_wire_parse_ext(const uint8_t *buf, size_t len, struct wn_ext *out)
{
	struct wn_rd r;
	uint8_t version;
	uint16_t csum;
	bool ok;

	memset(out, 0, sizeof(*out));
	out->present = true;
	wn_rd_init(&r, buf, len);
	version = wn_rd_u8(&r) >> 4;
	wn_rd_skip(&r, 1);
	csum = wn_rd_be16(&r);
	ok = !r.bad && version == EXT_VERSION;
	/* RFC 4884 7: 0 says that none was computed. */
	if (ok && csum != 0)
		ok = wn_csum_finish(wn_csum_add(0, buf, len)) == 0;
	while (ok && wn_rd_left(&r) > 0)
		ok = parse_object(&r, out);
	if (!ok) {
		memset(out, 0, sizeof(*out));
		out->present = true;
		out->bad = true;
	}
}

bool wn_ext_plausible(const uint8_t *buf, size_t len)
{
	return len >= EXT_HEADER + OBJ_HEADER && buf[0] >> 4 == EXT_VERSION &&
	       wn_csum_finish(wn_csum_add(0, buf, len)) == 0;
}

/* Begins an object; end_object fills in its length. Returns where it began. */
static size_t begin_object(struct wn_wr *w, uint8_t class_num, uint8_t c_type)
{
	size_t start = w->pos;

	wn_wr_be16(w, 0);
	wn_wr_u8(w, class_num);
	wn_wr_u8(w, c_type);
	return start;
}

static void end_object(struct wn_wr *w, size_t start)
{
	wn_wr_patch_be16(w, start, (uint16_t)(w->pos - start));
}

static void write_mpls(const struct wn_ext *ext, struct wn_wr *w)
{
	size_t start = begin_object(w, CLASS_MPLS, TYPE_STACK);

	for (uint8_t i = 0; i < ext->mpls_count && i < WN_MPLS_MAX; i++) {
		const struct wn_mpls *m = &ext->mpls[i];

		wn_wr_be32(
			w, m->label << 12 | (m->tc & 7u) << 9 | (m->bottom ? 1u << 8 : 0) | m->ttl);
	}
	end_object(w, start);
}

static void write_if_name(const char *name, struct wn_wr *w)
{
	size_t len = strnlen(name, sizeof(((struct wn_ifinfo *)0)->name) - 1);
	size_t padded = (len + 1 + 3) / 4 * 4;

	wn_wr_u8(w, (uint8_t)padded);
	wn_wr_bytes(w, name, len);
	wn_wr_fill(w, 0, padded - 1 - len);
}

static void write_ifinfo(const struct wn_ifinfo *info, struct wn_wr *w)
{
	uint8_t c_type = (uint8_t)((info->role & 3) << IF_ROLE_SHIFT);
	size_t start;

	c_type |= info->ifindex ? IF_INDEX : 0;
	c_type |= info->addr.family ? IF_ADDR : 0;
	c_type |= info->name[0] ? IF_NAME : 0;
	c_type |= info->mtu ? IF_MTU : 0;
	start = begin_object(w, CLASS_IF, c_type);
	if (c_type & IF_INDEX)
		wn_wr_be32(w, info->ifindex);
	if (c_type & IF_ADDR) {
		wn_wr_be16(w, info->addr.family == 4 ? AFI_V4 : AFI_V6);
		wn_wr_be16(w, 0);
		wn_wr_bytes(w, info->addr.bytes, info->addr.family == 4 ? 4 : 16);
	}
	if (c_type & IF_NAME)
		write_if_name(info->name, w);
	if (c_type & IF_MTU)
		wn_wr_be32(w, info->mtu);
	end_object(w, start);
}

void wn_ext_write(const struct wn_ext *ext, struct wn_wr *w)
{
	size_t start = w->pos;
	uint16_t csum;

	wn_wr_be16(w, EXT_VERSION << 12);
	wn_wr_be16(w, 0);
	if (ext->mpls_count)
		write_mpls(ext, w);
	for (uint8_t i = 0; i < ext->ifinfo_count && i < IFINFO_MAX; i++)
		write_ifinfo(&ext->ifinfo[i], w);
	for (uint8_t i = 0; i < ext->object_count && i < WN_EXT_OBJECTS_MAX; i++) {
		const struct wn_ext_object *o = &ext->objects[i];
		size_t kept = o->len < sizeof(o->data) ? o->len : sizeof(o->data);
		size_t at = begin_object(w, o->class_num, o->c_type);

		wn_wr_bytes(w, o->data, kept);
		end_object(w, at);
	}
	if (w->bad)
		return;
	csum = wn_csum_finish(wn_csum_add(0, w->data + start, w->pos - start));
	wn_wr_patch_be16(w, start + 2, csum ? csum : 0xffff);
}
