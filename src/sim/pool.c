/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets under way, in a bounded pool. Freed slots keep their bytes for the next packet, so a
 * long run settles to no allocation.
 */
#include "sim/model.h"

#include <string.h>
#include "base/alloc.h"

static bool grow_pool(struct wn_sim *s)
{
	uint32_t cap = s->pkt_cap ? s->pkt_cap * 2 : 64;
	struct wn_sim_pkt *more;

	if (cap > WN_SIM_PACKETS_MAX)
		return false;
	more = wn_realloc(s->pkts, cap, sizeof *more);
	if (!more)
		return false;
	s->pkts = more;
	s->pkt_cap = cap;
	return true;
}

bool wn_sim_pkt_set(struct wn_sim_pkt *p, const uint8_t *data, size_t len)
{
	if (len > p->cap) {
		/* Room for the usual ICMP error, which often takes the packet's place. */
		size_t cap = len < 640 ? 640 : len;
		uint8_t *bytes = wn_malloc(cap);

		if (!bytes)
			return false;
		wn_free(p->data);
		p->data = bytes;
		p->cap = (uint32_t)cap;
	}
	memcpy(p->data, data, len);
	p->len = (uint32_t)len;
	return true;
}

uint32_t wn_sim_pkt_new(struct wn_sim *s, const uint8_t *data, size_t len)
{
	uint32_t index = s->free_head;
	struct wn_sim_pkt *p;

	if (index != WN_TOPO_NONE) {
		s->free_head = s->pkts[index].next_free;
	} else if (s->pkt_count < s->pkt_cap || grow_pool(s)) {
		index = s->pkt_count++;
		memset(&s->pkts[index], 0, sizeof s->pkts[index]);
	} else {
		s->stats.overflow++;
		return WN_TOPO_NONE;
	}
	p = &s->pkts[index];
	p->in_edge = p->out_edge = p->lsp = WN_TOPO_NONE;
	p->node = s->topo->source;
	p->lsp_pos = p->lse_ttl = 0;
	if (wn_sim_pkt_set(p, data, len))
		return index;
	s->stats.overflow++;
	wn_sim_pkt_drop(s, index);
	return WN_TOPO_NONE;
}

void wn_sim_pkt_drop(struct wn_sim *s, uint32_t index)
{
	s->pkts[index].next_free = s->free_head;
	s->free_head = index;
}

bool wn_sim_chance(struct wn_sim *s, uint32_t ppb)
{
	return ppb && wn_rng_below(&s->rng, WN_TOPO_PPB) < ppb;
}
