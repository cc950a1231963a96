/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a router balances is told by a few extra probes where flows part. The same flow once more:
 * if it comes elsewhere, packets are balanced one by one, and no flow tells of links there. Over
 * IPv6 the ports of one flow with the label of another: which of the two takes it where it goes?
 */
#include "multipath/paths_priv.h"

#define MIXED_PAIRS 3 /* of flows that went apart, both ways */

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

/*
 * Flows that were answered here, at their first try: each tells once. Not in the order in which
 * they came: a router that takes its next hops in turn might give each the same as before.
 */
static void repeat(struct wn_paths *p, unsigned ttl, uint32_t wants)
{
	struct hop *hop = wn_paths_hop(p, ttl);
	uint32_t half = (p->used + 1) / 2;

	for (uint32_t i = 0; i < p->used && hop->repeated < wants; i++) {
		uint32_t flow = i < half ? 2 * i : 2 * (i - half) + 1;
		const struct cell *cell = wn_paths_cell(p, flow, ttl);

		if (cell->state != CELL_SEEN || cell->tries != 1 ||
			(p->vertex[cell->vertex].flags & VERTEX_SILENT))
			continue;
		if (!ask_extra(p, flow, p->params.flow + flow, ttl))
			return;
		hop->repeated++;
	}
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
	if (ttl > p->params.first_ttl && wn_paths_hop(p, ttl - 1)->vertices > 1)
		return; /* where ways part, not where they only run on side by side */
	repeat(p, ttl, repeats_for(p, k));
	if (p->params.dst.family == 6 && p->params.caps.sends_flow_label && !hop->mixed &&
		!hop->per_packet)
		mix(p, ttl);
}
