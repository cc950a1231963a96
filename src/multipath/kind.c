/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a router balances is told by a few extra probes where flows part. The same flow once more:
 * if it comes elsewhere, packets are balanced one by one, and no flow tells of links there. Over
 * IPv6 the ports of one flow with the label of another: which of the two takes it where it goes?
 */
#include "multipath/paths_priv.h"

#define MIXED_PAIRS 3  /* of flows that went apart, both ways */
#define CERTAIN	    10 /* repeats that leave hardly any doubt; also of who it is */

/* Repeats after which balancing by packet over k ways would have shown, but for the chance allowed.
 */
static uint32_t repeats_for(const struct wn_paths *p, uint32_t k)
{
	double chance = 1;
	uint32_t n = 0;

	for (; chance > p->miss; n++)
		chance /= k;
	return n;
}

/* id: the flow itself, or its ports with another's label. */
static bool ask_extra(struct wn_paths *p, uint32_t flow, uint32_t id, unsigned ttl)
{
	struct cell *cell = wn_paths_cell(p, flow, ttl);
	struct wn_ask ask = {.flow = id, .number = cell->tries, .ttl = (uint8_t)ttl};

	if (p->ask_err != WN_OK || cell->tries == UINT8_MAX || !wn_paths_may_send(p, ttl))
		return false;
	p->ask_err = wn_trace_ask(p->trace, &ask);
	if (p->ask_err != WN_OK)
		return false;
	cell->tries++;
	p->under_way++;
	p->asked++;
	return true;
}

static bool is_answered(const struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	const struct cell *cell = wn_paths_cell(p, flow, ttl);

	return cell->state == CELL_SEEN && !(p->vertex[cell->vertex].flags & VERTEX_SILENT);
}

/* Its repeat tells: it was answered at its first try. NULL where it does not. */
static struct link *link_to_repeat(
	const struct wn_paths *p, uint16_t at, uint32_t flow, unsigned ttl)
{
	const struct cell *cell = wn_paths_cell(p, flow, ttl);

	if (!is_answered(p, flow, ttl) || cell->tries != 1 ||
		wn_paths_vertex_of(p, flow, ttl - 1) != at)
		return NULL;
	return wn_paths_link(p, at, cell->vertex);
}

/*
 * Flows through a vertex that were answered behind it, so that each way on gets as many: one that
 * does not exist would be shown only by flows that went apart before. Not in the order in which
 * they came: a router that takes its next hops in turn might give each the same as before.
 */
static void repeat(struct wn_paths *p, uint16_t at, unsigned ttl, uint32_t wants)
{
	struct vertex *v = &p->vertex[at];
	uint32_t half = (p->used + 1) / 2;

	for (uint32_t each = 1; each <= wants; each++) {
		for (uint32_t i = 0; i < p->used && v->repeated < wants; i++) {
			uint32_t flow = i < half ? 2 * i : 2 * (i - half) + 1;
			struct link *l = link_to_repeat(p, at, flow, ttl);

			if (!l || l->repeated >= each)
				continue;
			if (!ask_extra(p, flow, p->params.flow + flow, ttl))
				return;
			l->repeated++;
			v->repeated++;
		}
	}
}

/* Where ways part by packet: a few more, which tell it from a path that changed once. */
static uint32_t repeats_at(const struct wn_paths *p, uint16_t at, unsigned ttl)
{
	const struct hop *hop = wn_paths_hop(p, ttl);
	uint32_t k = p->vertex[at].succ;

	if (hop->star != NO_VERTEX && wn_paths_link(p, at, hop->star))
		k--;
	if (k < 2)
		return 0;
	return hop->per_packet ? CERTAIN : repeats_for(p, k);
}

/* What counts repeats at a TTL of a flow that goes by turns at `torn`, this one or the next. */
static uint8_t *count_of(struct wn_paths *p, uint32_t flow, unsigned ttl, unsigned torn)
{
	uint16_t at = wn_paths_vertex_of(p, flow, torn - 1);

	if (!wn_paths_cell(p, flow, torn)->torn || !is_answered(p, flow, ttl) || at == NO_VERTEX)
		return NULL;
	return torn > ttl ? &p->vertex[at].confirmed : &p->vertex[at].repeated;
}

/* Each of these flows once more, as long as their vertex needs it. Whether any was asked. */
static bool ask_torn(struct wn_paths *p, unsigned ttl, unsigned torn)
{
	bool asked = false;

	for (uint32_t flow = 0; flow < p->used; flow++) {
		uint8_t *count = count_of(p, flow, ttl, torn);

		if (!count || *count >= CERTAIN)
			continue;
		if (!ask_extra(p, flow, p->params.flow + flow, ttl))
			return false;
		++*count;
		asked = true;
	}
	return asked;
}

static void repeat_all(struct wn_paths *p, unsigned ttl)
{
	uint16_t i = ttl > p->params.first_ttl ? wn_paths_hop(p, ttl - 1)->first : SOURCE;

	for (; i != NO_VERTEX; i = p->vertex[i].next)
		repeat(p, i, ttl, repeats_at(p, i, ttl));
	while (wn_paths_hop(p, ttl)->per_packet && ask_torn(p, ttl, ttl))
		;
}

/*
 * Flows that go by turns one TTL on: is it the vertex here that sends them so, or one before, which
 * was not caught at it? Then they are at several vertices here, too.
 */
static void confirm(struct wn_paths *p, unsigned ttl)
{
	const struct hop *hop = wn_paths_hop(p, ttl);

	if (ttl == p->params.max_ttl || hop->per_packet || hop->vertices < 2)
		return;
	while (wn_paths_hop(p, ttl + 1)->per_packet && ask_torn(p, ttl, ttl + 1))
		;
}

static bool differ(const struct wn_paths *p, uint32_t a, uint32_t b, unsigned ttl)
{
	uint16_t va = wn_paths_vertex_of(p, a, ttl), vb = wn_paths_vertex_of(p, b, ttl);

	return va != NO_VERTEX && vb != NO_VERTEX && va != vb &&
	       wn_paths_vertex_of(p, a, ttl - 1) == wn_paths_vertex_of(p, b, ttl - 1);
}

static void mix(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);
	uint32_t pairs = 0;

	for (uint32_t flow = 0; flow + 1 < p->used && pairs < MIXED_PAIRS; flow++) {
		uint32_t a = p->params.flow + flow, b = a + 1;

		if (!differ(p, flow, flow + 1, ttl))
			continue;
		pairs++;
		hop->mixed = true;
		if (!ask_extra(p, flow, WN_FLOW_MIXED(a, b), ttl) ||
			!ask_extra(p, flow + 1, WN_FLOW_MIXED(b, a), ttl))
			return;
	}
}

void wn_paths_kind_plan(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);
	bool star = hop->star != NO_VERTEX && p->vertex[hop->star].flows > 0;
	uint32_t k = hop->vertices - star;

	/* Once the flows themselves are through: an extra probe must not take their place. */
	if (p->params.paths == WN_PATHS_NODES || k < 2 || hop->out + hop->again > 0)
		return;
	if (ttl > p->params.first_ttl && wn_paths_hop(p, ttl - 1)->apart)
		return; /* whom they pass there is not known */
	repeat_all(p, ttl);
	confirm(p, ttl);
	if (ttl > p->params.first_ttl && wn_paths_hop(p, ttl - 1)->vertices > 1)
		return; /* where ways part, not where they only run on side by side */
	if (p->params.dst.family == 6 && p->params.caps.sends_flow_label && !hop->mixed &&
		!hop->per_packet)
		mix(p, ttl);
}
