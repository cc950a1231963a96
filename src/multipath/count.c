/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the flows have shown so far, counted from the cells. Evidence for a vertex is a flow that
 * is known to pass it and known one TTL on: nothing else makes a link or counts as a flow that
 * might have shown another successor.
 */
#include "multipath/paths_priv.h"

#include <string.h>

uint16_t wn_paths_vertex_of(const struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	const struct cell *cell;

	if (ttl < p->params.first_ttl)
		return SOURCE;
	cell = wn_paths_cell(p, flow, ttl);
	if (cell->state == CELL_SEEN)
		return cell->vertex;
	return wn_paths_hop(p, ttl)->assume;
}

uint16_t wn_paths_vertex(struct wn_paths *p, unsigned ttl, const struct wn_addr *addr)
{
	struct hop *hop = wn_paths_hop(p, ttl);
	uint16_t i, *end = &hop->first;

	for (i = hop->first; i != NO_VERTEX; i = p->vertex[i].next) {
		if (wn_addr_eq(&p->vertex[i].addr, addr))
			return i;
		end = &p->vertex[i].next;
	}
	if (p->vertex_count == p->vertex_cap) {
		p->full = true;
		return NO_VERTEX;
	}
	i = p->vertex_count++;
	p->vertex[i] = (struct vertex){
		.addr = *addr,
		.ttl = (uint8_t)ttl,
		.flags = (uint8_t)(addr->family ? 0 : VERTEX_SILENT),
		.next = NO_VERTEX,
	};
	*end = i;
	return i;
}

static struct link *link_slot(const struct wn_paths *p, uint16_t from, uint16_t to)
{
	uint32_t at = (from * 0x9e3779b1u ^ to * 0x85ebca6bu) >> 7;

	for (;; at++) {
		struct link *l = &p->links[at & p->link_mask];

		if (l->from == NO_VERTEX || (l->from == from && l->to == to))
			return l;
	}
}

struct link *wn_paths_link(const struct wn_paths *p, uint16_t from, uint16_t to)
{
	struct link *l = link_slot(p, from, to);

	return l->from != NO_VERTEX ? l : NULL;
}

static void add_link(struct wn_paths *p, uint16_t from, uint16_t to, bool proved, bool repeated)
{
	struct link *l = link_slot(p, from, to);
	struct vertex *v = &p->vertex[from];

	v->via++;
	if (l->from != NO_VERTEX) {
		l->proved = l->proved || proved;
		l->repeated += repeated;
		return;
	}
	if (p->link_count > p->link_mask - p->link_mask / 4) {
		p->full = true;
		return;
	}
	*l = (struct link){from, to, proved, repeated};
	p->link_count++;
	v->sole = to;
	v->succ++;
}

/* The last two hops once more: the flow goes round in circles. */
static bool is_loop(const struct wn_paths *p, uint32_t flow, unsigned ttl, uint16_t at)
{
	uint16_t before, again, once;

	if (ttl < p->params.first_ttl + 3u)
		return false;
	before = wn_paths_vertex_of(p, flow, ttl - 1);
	again = wn_paths_vertex_of(p, flow, ttl - 2);
	once = wn_paths_vertex_of(p, flow, ttl - 3);
	if (before == NO_VERTEX || again == NO_VERTEX || once == NO_VERTEX)
		return false;
	return p->vertex[at].addr.family && p->vertex[before].addr.family &&
	       !wn_addr_eq(&p->vertex[at].addr, &p->vertex[before].addr) &&
	       wn_addr_eq(&p->vertex[at].addr, &p->vertex[again].addr) &&
	       wn_addr_eq(&p->vertex[before].addr, &p->vertex[once].addr);
}

static bool is_seen(const struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	return ttl < p->params.first_ttl || wn_paths_cell(p, flow, ttl)->state == CELL_SEEN;
}

static void count_step(struct wn_paths *p, uint32_t flow, unsigned ttl, uint16_t at)
{
	const struct cell *cell = wn_paths_cell(p, flow, ttl);
	uint16_t to = wn_paths_vertex_of(p, flow, ttl);
	struct vertex *v = &p->vertex[at];

	if (cell->state == CELL_OUT || cell->state == CELL_AGAIN)
		v->pending++;
	else if (to != NO_VERTEX &&
		 (cell->state == CELL_SEEN || (p->vertex[to].flags & VERTEX_SILENT)))
		add_link(p, at, to, is_seen(p, flow, ttl) && is_seen(p, flow, ttl - 1),
			cell->tries > 1);
}

/* The silence before one that answers. */
static void mark_silence(struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	while (ttl-- > p->params.first_ttl) {
		uint16_t at = wn_paths_vertex_of(p, flow, ttl);

		if (at == NO_VERTEX || !(p->vertex[at].flags & VERTEX_SILENT))
			return;
		p->vertex[at].flags |= VERTEX_GOES_ON;
	}
}

static void count_flow(struct wn_paths *p, uint32_t flow)
{
	p->ends[flow] = 0;
	for (unsigned ttl = p->params.first_ttl - 1u; ttl <= p->params.max_ttl; ttl++) {
		uint16_t at = wn_paths_vertex_of(p, flow, ttl);

		if (at == NO_VERTEX)
			continue;
		p->vertex[at].flows++;
		if (!(p->vertex[at].flags & VERTEX_SILENT))
			mark_silence(p, flow, ttl);
		if (is_loop(p, flow, ttl, at))
			p->vertex[at].flags |= VERTEX_LOOP;
		if (p->vertex[at].flags & VERTEX_END) {
			p->ends[flow] = (uint8_t)ttl;
			return;
		}
		if (ttl < p->params.max_ttl)
			count_step(p, flow, ttl + 1, at);
	}
}

/* Flows met it; where packets go each their own way, one answer to any of them is enough. */
static bool is_met(const struct hop *hop, const struct vertex *v)
{
	return v->flows > 0 || (hop->per_packet && !(v->flags & VERTEX_SILENT));
}

static void count_hops(struct wn_paths *p)
{
	for (unsigned ttl = p->params.first_ttl; ttl <= p->params.max_ttl; ttl++) {
		struct hop *hop = wn_paths_hop(p, ttl);

		hop->vertices = hop->out = hop->again = hop->seen = 0;
		hop->settled = true;
		for (uint16_t i = hop->first; i != NO_VERTEX; i = p->vertex[i].next)
			hop->vertices += is_met(hop, &p->vertex[i]);
		for (uint32_t flow = 0; flow < p->used; flow++) {
			const struct cell *cell = wn_paths_cell(p, flow, ttl);

			hop->out += cell->state == CELL_OUT;
			hop->again += cell->state == CELL_AGAIN;
			hop->seen += cell->state == CELL_SEEN;
		}
	}
}

/* From where packets go each their own way to where all ways meet again. */
static void find_apart(struct wn_paths *p)
{
	bool apart = false;

	for (uint32_t i = 0; i < p->hops; i++) {
		apart = (apart || p->hop[i].per_packet) && p->hop[i].vertices > 1;
		p->hop[i].apart = apart;
	}
}

bool wn_paths_is_whole(const struct wn_paths *p, unsigned ttl)
{
	if (p->params.paths == WN_PATHS_NODES || wn_paths_hop(p, ttl)->per_packet)
		return true;
	return ttl > p->params.first_ttl && wn_paths_hop(p, ttl - 1)->apart;
}

bool wn_paths_is_hidden(const struct wn_paths *p, uint16_t at)
{
	unsigned next = at == SOURCE ? p->params.first_ttl : p->vertex[at].ttl + 1u;

	return next <= p->params.max_ttl && wn_paths_is_whole(p, next);
}

void wn_paths_count(struct wn_paths *p)
{
	p->link_count = 0;
	memset(p->links, 0xff, (p->link_mask + 1u) * sizeof(*p->links));
	for (uint16_t i = 0; i < p->vertex_count; i++) {
		struct vertex *v = &p->vertex[i];

		v->flows = v->via = v->pending = v->succ = 0;
		v->flags &= (uint8_t) ~(VERTEX_LOOP | VERTEX_GOES_ON);
		v->sole = NO_VERTEX;
	}
	for (uint32_t flow = 0; flow < p->used; flow++)
		count_flow(p, flow);
	count_hops(p);
	find_apart(p);
	wn_paths_share_out(p);
}
