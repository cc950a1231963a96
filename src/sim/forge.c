/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attacker on the path who knows what a probe looks like but not its secret: replies with
 * the right addresses and ports, and guesses where the probe carried its tag and cookie.
 */
#include "sim/model.h"

#include <string.h>

#define FORGED_MAX 1280

static void guess(struct wn_sim *s, uint8_t *at, size_t len, size_t have)
{
	for (size_t i = 0; i < len && i < have; i++)
		at[i] = (uint8_t)wn_rng_below(&s->rng, 256);
}

/* The IP-ID, with the header's checksum made right for it. */
static void guess_ip_id(struct wn_sim *s, uint8_t *data, size_t len)
{
	uint16_t sum;

	if (data[0] >> 4 != 4 || len < 20)
		return;
	guess(s, data + 4, 2, 2);
	data[10] = data[11] = 0;
	sum = wn_csum_finish(wn_csum_add(0, data, 20));
	data[10] = (uint8_t)(sum >> 8);
	data[11] = (uint8_t)sum;
}

static void guess_rest(struct wn_sim *s, uint8_t *data, size_t len, const struct wn_wire_head *h)
{
	uint8_t *l4 = data + h->l4_offset;
	size_t have = len - h->l4_offset;

	guess_ip_id(s, data, len);
	if (h->proto == WN_IP_TCP) {
		if (have > 4)
			guess(s, l4 + 4, 4, have - 4);
		return;
	}
	/* UDP checksum; ICMP sequence (its id and checksum are the flow's, so they are known). */
	if (have > 6)
		guess(s, l4 + 6, 2, have - 6);
	if (have > 8)
		guess(s, l4 + 8, 8, have - 8);
}

void wn_sim_forge(struct wn_sim *s, const struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];
	const struct wn_addr *as = &n->forge_as[wn_topo_fam(h->src.family)];
	struct wn_wire_error e = {
		.kind = WN_REPLY_TIME_EXCEEDED, .from = *as, .to = h->src, .ttl = n->reply_ttl};
	struct wn_sim_move mv = {.now_ns = s->now_ns};
	uint8_t copy[FORGED_MAX], buf[FORGED_MAX];
	uint32_t node = p->node, index;
	size_t len = p->len < sizeof copy ? p->len : sizeof copy;

	if (as->family != h->src.family || wn_sim_is_error(h) || h->l4_offset > len)
		return;
	memcpy(copy, p->data, len);
	wn_wire_set_ttl(copy, len, 1);
	guess_rest(s, copy, len, h);
	if (wn_wire_build_error(&e, copy, len, buf, sizeof buf, &len))
		return;
	index = wn_sim_pkt_new(s, buf, len);
	if (index == WN_TOPO_NONE)
		return;
	s->pkts[index].node = node;
	if (wn_sim_originate(s, &s->pkts[index], &mv) == WN_FATE_LEAVES)
		wn_sim_emit(s, index, mv.edge, s->now_ns);
	else
		wn_sim_pkt_drop(s, index);
}
