/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a link does to a packet: it takes its time, and sometimes loses, doubles, spoils, cuts or
 * overtakes. Packets of one direction otherwise keep their order.
 */
#include "sim/model.h"

#include <string.h>
#include "base/cursor.h"

bool wn_sim_link_down(const struct wn_sim *s, uint32_t link, uint64_t at_ns)
{
	const struct wn_topo_link *l = &s->topo->links[link];
	uint64_t since = at_ns > s->start_ns ? at_ns - s->start_ns : 0;

	for (unsigned i = 0; i < l->down_count; i++)
		if (since >= l->down[i].from_ns && since < l->down[i].to_ns)
			return true;
	return false;
}

/* One bit of what the IP header carries is turned over; routers still know where to send it. */
static void corrupt(struct wn_sim *s, struct wn_sim_pkt *p)
{
	struct wn_wire_head h;
	size_t at;

	if (wn_wire_head(p->data, p->len, &h) || h.l4_offset >= p->len)
		return;
	at = h.l4_offset + wn_rng_below(&s->rng, p->len - h.l4_offset);
	p->data[at] ^= (uint8_t)(1u << wn_rng_below(&s->rng, 8));
}

/* Makes the lengths and checksums say that the packet ends where it was cut. */
static void make_plausible(struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	uint32_t l4 = p->len - (uint32_t)h->l4_offset;
	uint32_t sum = 0;

	if (h->src.family == 4) {
		wn_put_be16(p->data + 2, (uint16_t)p->len);
		wn_put_be16(p->data + 10, 0);
		wn_put_be16(p->data + 10, wn_csum_finish(wn_csum_add(0, p->data, h->l4_offset)));
	} else {
		wn_put_be16(p->data + 4, (uint16_t)(p->len - 40));
		sum = wn_csum_pseudo(&h->src, &h->dst, h->proto, l4);
	}
	if ((h->proto != WN_IP_ICMP && h->proto != WN_IP_ICMP6) || l4 < 4)
		return;
	wn_put_be16(p->data + h->l4_offset + 2, 0);
	wn_put_be16(p->data + h->l4_offset + 2,
		wn_csum_finish(wn_csum_add(sum, p->data + h->l4_offset, l4)));
}

/*
 * Cuts somewhere behind the IP header. Half of them keep headers that promise more; the other
 * half look as if a careless box had sent them so, checksums and all.
 */
static void cut(struct wn_sim *s, struct wn_sim_pkt *p)
{
	struct wn_wire_head h;

	if (wn_wire_head(p->data, p->len, &h) || h.l4_offset >= p->len)
		return;
	p->len = (uint32_t)(h.l4_offset + wn_rng_below(&s->rng, p->len - h.l4_offset));
	if (wn_rng_below(&s->rng, 2))
		make_plausible(p, &h);
}

/* When the last bit has left, or UINT64_MAX when the queue before the link is full. */
static uint64_t depart(
	const struct wn_topo_way *w, struct wn_sim_way *state, size_t bytes, uint64_t at_ns)
{
	uint64_t start;

	if (!w->rate_bps)
		return at_ns;
	start = state->free_ns > at_ns ? state->free_ns : at_ns;
	if (start - at_ns > w->queue_ns)
		return UINT64_MAX;
	state->free_ns = start + (uint64_t)bytes * 8 * 1000000000 / w->rate_bps;
	return state->free_ns;
}

static uint64_t arrival(
	struct wn_sim *s, const struct wn_topo_way *w, struct wn_sim_way *state, uint64_t depart_ns)
{
	uint64_t at = depart_ns + w->delay_ns;

	if (wn_sim_chance(s, w->reorder_ppb))
		return at + w->reorder_ns;
	if (w->jitter_ns)
		at += wn_rng_below(&s->rng, w->jitter_ns + 1);
	if (at < state->last_arrival_ns)
		at = state->last_arrival_ns;
	state->last_arrival_ns = at;
	return at;
}

static void schedule(struct wn_sim *s, uint32_t index, uint64_t at_ns)
{
	if (wn_heap_push(&s->events, at_ns, index) == WN_OK)
		return;
	s->stats.overflow++;
	wn_sim_pkt_drop(s, index);
}

static void duplicate(struct wn_sim *s, uint32_t index, uint64_t at_ns)
{
	/* By value: the pool may move while it grows; the bytes stay where they are. */
	struct wn_sim_pkt was = s->pkts[index];
	uint32_t copy = wn_sim_pkt_new(s, was.data, was.len);

	if (copy == WN_TOPO_NONE)
		return;
	s->pkts[copy].node = was.node;
	s->pkts[copy].in_edge = was.in_edge;
	s->pkts[copy].lsp = was.lsp;
	s->pkts[copy].lsp_pos = was.lsp_pos;
	s->pkts[copy].lse_ttl = was.lse_ttl;
	schedule(s, copy, at_ns);
}

void wn_sim_emit(struct wn_sim *s, uint32_t index, uint32_t edge, uint64_t at_ns)
{
	const struct wn_topo_way *w = &s->topo->links[edge / 2].way[edge % 2];
	struct wn_sim_pkt *p = &s->pkts[index];
	uint64_t at;

	if (at_ns > s->now_ns) { /* the node takes its time: it leaves later */
		p->out_edge = edge;
		schedule(s, index, at_ns);
		return;
	}
	at = depart(w, &s->ways[edge], p->len, at_ns);
	if (at == UINT64_MAX || wn_sim_link_down(s, edge / 2, at_ns) ||
		wn_sim_chance(s, w->loss_ppb)) {
		s->stats.lost++;
		wn_sim_pkt_drop(s, index);
		return;
	}
	at = arrival(s, w, &s->ways[edge], at);
	p->out_edge = WN_TOPO_NONE;
	p->in_edge = edge;
	p->node = wn_topo_edge_to(s->topo, edge);
	if (wn_sim_chance(s, w->corrupt_ppb))
		corrupt(s, p);
	if (wn_sim_chance(s, w->truncate_ppb))
		cut(s, p);
	if (wn_sim_chance(s, w->duplicate_ppb))
		duplicate(s, index, at);
	schedule(s, index, at);
}
