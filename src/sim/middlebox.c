/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What boxes change of packets that pass, addresses aside (nat.c). All but DSCP, ECN and TCP
 * options only on the way from the source: what comes back is of no interest to a trace. Checksums
 * stay right, so that the target takes the packet for a good one.
 */
#include "sim/model.h"

#include <string.h>
#include "base/cursor.h"

#define COOKIE_BYTES 8 /* of a probe's payload, by which it is known again */
#define DF	     0x40

static void remark(const struct wn_topo_node *n, struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	uint8_t tos = h->tos;

	if (n->set_dscp >= 0)
		tos = (uint8_t)(n->set_dscp << 2 | (tos & 3));
	if (n->set_ecn >= 0)
		tos = (uint8_t)((tos & 0xfc) | n->set_ecn);
	if (tos != h->tos)
		wn_wire_set_tos(p->data, p->len, tos);
}

static void sum_ip_header(uint8_t *data)
{
	wn_put_be16(data + 10, 0);
	wn_put_be16(data + 10, wn_csum_finish(wn_csum_add(0, data, (size_t)(data[0] & 15) * 4)));
}

/* Fields of the IPv4 header. */
static void rewrite_ip(
	const struct wn_topo_node *n, struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	if (h->src.family != 4 || (n->set_ip_id < 0 && !n->clear_df))
		return;
	if (n->set_ip_id >= 0)
		wn_put_be16(p->data + 4, (uint16_t)n->set_ip_id);
	if (n->clear_df)
		p->data[6] &= (uint8_t)~DF;
	sum_ip_header(p->data);
}

/* Where the payload of a UDP datagram or an echo request begins; 0 for other packets. */
static size_t payload_at(const struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	bool known = h->proto == WN_IP_UDP || h->proto == WN_IP_ICMP || h->proto == WN_IP_ICMP6;
	size_t at = h->l4_offset + 8;

	return known && !wn_sim_is_error(h) && h->length == p->len && at <= p->len ? at : 0;
}

static void clear_payload(struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	size_t at = payload_at(p, h), l4 = p->len - h->l4_offset;
	uint8_t *sum_at = p->data + h->l4_offset + (h->proto == WN_IP_UDP ? 6 : 2);
	uint32_t sum = 0;

	if (!at || at + COOKIE_BYTES >= p->len || (h->proto == WN_IP_UDP && h->checksum == 0))
		return;
	memset(p->data + at + COOKIE_BYTES, 0, p->len - at - COOKIE_BYTES);
	wn_put_be16(sum_at, 0);
	if (h->proto != WN_IP_ICMP)
		sum = wn_csum_pseudo(&h->src, &h->dst, h->proto, (uint32_t)l4);
	wn_put_be16(sum_at, wn_csum_finish(wn_csum_add(sum, p->data + h->l4_offset, l4)));
}

void wn_sim_rewrite(
	const struct wn_topo_node *n, struct wn_sim_pkt *p, const struct wn_wire_head *h, bool back)
{
	remark(n, p, h);
	if (n->strip_tcp)
		wn_wire_strip_tcp(p->data, p->len, n->strip_tcp);
	if (n->clamp_mss)
		wn_wire_clamp_mss(p->data, p->len, n->clamp_mss);
	if (back)
		return;
	if (n->set_ttl)
		wn_wire_set_ttl(p->data, p->len, n->set_ttl);
	rewrite_ip(n, p, h);
	if (n->clear_payload)
		clear_payload(p, h);
	if (n->clear_checksum && h->src.family == 4 && h->proto == WN_IP_UDP && payload_at(p, h))
		wn_put_be16(p->data + h->l4_offset + 6, 0);
}
