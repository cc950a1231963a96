/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a router put into an ICMP error reaches an unprivileged program through the error queue:
 * whatever the kernel hands over of it, the reply made of it is consistent and within its bounds.
 */
#include "prop.h"

#include <time.h>

#include <linux/errqueue.h>
#include <string.h>
#include "base/cursor.h"
#include "io/errqueue.h"

static void some_offender(struct wn_rd *r, uint8_t family, union wn_sa *out)
{
	uint8_t bytes[16];
	struct wn_addr a;

	wn_rd_bytes(r, bytes, sizeof(bytes));
	a = wn_addr_from_bytes(family, bytes);
	wn_sa_set(out, &a, 0, 0);
}

static void check_ext(const struct wn_ext *x)
{
	prop_check(x->mpls_count <= WN_MPLS_MAX && x->object_count <= WN_EXT_OBJECTS_MAX);
	prop_check(x->ifinfo_count <= sizeof(x->ifinfo) / sizeof(x->ifinfo[0]));
	prop_check(!x->bad || x->present);
	prop_check(!x->bad || x->mpls_count + x->ifinfo_count + x->object_count == 0);
	for (size_t i = 0; i < x->ifinfo_count; i++)
		prop_check(memchr(x->ifinfo[i].name, 0, sizeof(x->ifinfo[i].name)) != NULL);
}

int prop_errqueue(const uint8_t *data, size_t size)
{
	struct sock_extended_err ee = {0};
	struct wn_errq_msg m = {.kind = WN_ERRQ_ICMP};
	struct wn_reply reply;
	struct wn_rd r;
	uint8_t how, family, offender;
	size_t headers;

	wn_rd_init(&r, data, size);
	how = wn_rd_u8(&r);
	family = how & 1 ? 6 : 4;
	offender = how & 2 ? 6 : 4;
	headers = (family == 4 ? 20 : 40) + (how & 4 ? 8 : 0);
	ee.ee_type = wn_rd_u8(&r);
	ee.ee_code = wn_rd_u8(&r);
	ee.ee_info = wn_rd_be32(&r);
	ee.ee_rfc4884.len = wn_rd_be16(&r);
	ee.ee_rfc4884.flags = wn_rd_u8(&r);
	some_offender(&r, offender, &m.c.offender);
	m.c.ee = &ee;
	m.c.ttl = m.c.tos = -1;
	m.len = wn_rd_left(&r);
	m.data = wn_rd_ptr(&r);
	if (r.bad || !wn_errq_reply(&m, family, headers, &reply))
		return 0;
	prop_check(offender == family && reply.from.family == family);
	prop_check((unsigned)reply.kind < WN_REPLY_ECHO);
	prop_check(reply.quote.present && reply.quote.quoted_bytes >= headers);
	prop_check(reply.quote.quoted_bytes <= headers + m.len);
	prop_check(reply.from_errqueue && reply.hint_id == WN_HINT_NONE);
	check_ext(&reply.ext);
	return 0;
}
