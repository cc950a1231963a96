/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes arrive, the reply made of them is consistent, and its checksums are judged as a
 * naive reader would. */
#include "prop.h"
#include "packets.h"

static void check_quote(const struct wn_quote *q, size_t size)
{
	prop_check(!q->payload_present || q->l4_present);
	prop_check(!q->l4_present || q->present);
	prop_check(q->quoted_bytes <= size);
	prop_check(!q->present || q->src.family == q->dst.family);
	prop_check(!q->present || q->quoted_bytes >= (q->src.family == 4 ? 20 : 40));
	prop_check(q->flow_label <= 0xfffff);
}

static void check_ext(const struct wn_ext *x)
{
	prop_check(x->mpls_count <= WN_MPLS_MAX && x->object_count <= WN_EXT_OBJECTS_MAX);
	prop_check(x->ifinfo_count <= 4);
	prop_check(!x->bad || x->present);
	prop_check(!x->bad || x->mpls_count + x->ifinfo_count + x->object_count == 0);
	for (size_t i = 0; i < x->mpls_count; i++)
		prop_check(x->mpls[i].label <= 0xfffff && x->mpls[i].tc <= 7);
	for (size_t i = 0; i < x->ifinfo_count; i++)
		prop_check(memchr(x->ifinfo[i].name, 0, sizeof(x->ifinfo[i].name)) != NULL);
}

static void check_reply(const struct wn_reply *r, size_t size)
{
	char mark[WN_MARK_STRLEN];
	uint32_t tag;

	prop_check((unsigned)r->kind < WN_REPLY_KINDS);
	prop_check(r->hint_id == WN_HINT_NONE && !r->from_errqueue);
	prop_check(!r->payload_present || r->kind == WN_REPLY_ECHO);
	prop_check(!r->quote.present || r->kind < WN_REPLY_ECHO);
	check_quote(&r->quote, size);
	check_ext(&r->ext);
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++)
		wn_reply_tag(r, (enum wn_proto)proto, &tag);
	prop_check(wn_reply_mark(r->kind, r->from.family, r->icmp_code, r->mtu, mark) == mark);
	prop_check(memchr(mark, 0, sizeof(mark)) != NULL);
}

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Where the checksum of a UDP or TCP message is, or 0. */
static size_t offload_at(uint8_t proto)
{
	return proto == WN_IP_TCP ? 16 : proto == WN_IP_UDP ? 6 : 0;
}

/* Is the verdict on a whole packet without extension headers that of the naive sum? */
static void check_sums(const struct wn_reply *r, const uint8_t *data, size_t size)
{
	bool v4 = r->from.family == 4;
	size_t header = v4 ? (size_t)(data[0] & 15) * 4 : 40;
	uint8_t proto = v4 ? data[9] : data[6];
	size_t at = header + offload_at(proto);
	uint16_t l4, pseudo;
	bool bad;

	if (r->truncated || r->length > size)
		return;
	if (!v4 && proto != WN_IP_TCP && proto != WN_IP_ICMP6 && proto != WN_IP_UDP)
		return;
	if (proto == WN_IP_UDP && be16(data + header + 4) != r->length - header)
		return; /* its own length says that less is covered */
	l4 = naive_l4_sum(data, r->length);
	bad = l4 != 0xffff;
	if (bad && at > header) { /* half done, for an offload */
		pseudo = naive_add(l4, (uint16_t)~naive_sum(0, data + header, r->length - header));
		bad = be16(data + at) % 0xffff != pseudo % 0xffff;
	}
	if (proto == WN_IP_UDP && be16(data + at) == 0)
		bad = !v4;
	if (v4)
		bad |= naive_sum(0, data, header) != 0xffff;
	prop_check(r->checksum_bad == bad);
}

static void whole_packet(const uint8_t *data, size_t size)
{
	struct wn_reply r, again;
	struct wn_wire_head h;
	wn_err err;

	memset(&r, 0xa5, sizeof(r));
	memset(&again, 0x5a, sizeof(again));
	err = wn_wire_parse(data, size, &r);
	prop_check(err == WN_OK || err == WN_EPARSE || err == WN_ETRUNC || err == WN_EUNSUPPORTED);
	prop_check(wn_wire_parse(data, size, &again) == err);
	prop_check(memcmp(&r, &again, sizeof(r)) == 0);
	prop_check(wn_wire_head(data, size, &h) == WN_OK || err != WN_OK);
	if (err != WN_OK)
		return;
	prop_check(wn_addr_eq(&r.from, &h.src) && wn_addr_eq(&r.to, &h.dst));
	prop_check(r.ttl == h.ttl && r.tos == h.tos && r.length == h.length);
	prop_check(h.l4_offset <= size);
	check_reply(&r, size);
	check_sums(&r, data, size);
}

static void message_alone(const uint8_t *data, size_t size)
{
	static const uint8_t protos[] = {WN_IP_ICMP, WN_IP_ICMP6, WN_IP_TCP, WN_IP_UDP};
	struct wn_reply r;

	for (size_t i = 0; i < sizeof(protos); i++) {
		memset(&r, 0xa5, sizeof(r));
		r.from = addr_of(protos[i] == WN_IP_ICMP ? "192.0.2.1" : "2001:db8::1");
		memset(&r.to, 0, sizeof(r.to));
		if (size % 2)
			r.to = r.from;
		if (wn_wire_parse_l4(protos[i], data, size, &r) == WN_OK)
			check_reply(&r, size);
	}
}

int prop_wire_parse(const uint8_t *data, size_t size)
{
	whole_packet(data, size);
	message_alone(data, size);
	return 0;
}
