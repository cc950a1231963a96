/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many flows took which link, and whether the ways of a node are taken as often as each other.
 * What a share is part of is the same everywhere: at a node the flows that met something at its
 * TTL, at a link those that took any link of the node above it.
 */
#include "multipath/chance.h"
#include "multipath/graph_int.h"

/* Whoever met the end passed the only node before it, seen there or not. */
static void count_passed(struct wn_builder *b)
{
	struct wn_graph *g = b->g;

	for (uint32_t i = 0; i < g->link_count; i++) {
		struct wn_graph_link *l = &g->links[i];
		unsigned ttl = g->nodes[l->from].ttl;

		l->passed = l->flows;
		if (wn_graph_width(g, ttl) == 1 && wn_graph_infers(b, ttl))
			l->passed = g->nodes[l->to].flows;
	}
}

static uint32_t count_taken(const struct wn_graph *g, const struct wn_graph_node *n)
{
	uint32_t taken = 0;

	for (uint32_t i = n->first_out; i < n->first_out + n->out_count; i++)
		taken += g->links[i].passed;
	return taken;
}

/* Only what flows choose by themselves: neither by packet, nor where links were not asked for. */
static bool is_judged(const struct wn_builder *b, const struct wn_graph_node *n)
{
	bool by_flow = n->lb == WN_LB_FLOW || n->lb == WN_LB_ICMP_CHECKSUM ||
		       n->lb == WN_LB_FLOW_LABEL || n->lb == WN_LB_FLOW_AND_LABEL;

	return by_flow && n->out_count > 1 && !b->g->links[n->first_out].unsure &&
	       b->r->params.paths != WN_PATHS_NODES;
}

/* The branch that is farthest from its share; any of them might have been. */
static uint32_t unevenness(const struct wn_graph *g, const struct wn_graph_node *n)
{
	uint32_t ppb = WN_CHANCE_PPB;
	uint64_t any;

	for (uint32_t i = n->first_out; i < n->first_out + n->out_count; i++) {
		uint32_t one = wn_chance_share(g->links[i].passed, n->taken, n->out_count);

		ppb = one < ppb ? one : ppb;
	}
	/* Of two ways the one tells what the other does. */
	any = n->out_count > 2 ? (uint64_t)ppb * n->out_count : ppb;
	return any < WN_CHANCE_PPB ? (uint32_t)any : WN_CHANCE_PPB;
}

wn_err wn_graph_share(struct wn_builder *b)
{
	struct wn_graph *g = b->g;

	count_passed(b);
	for (uint32_t i = 0; i < g->node_count; i++) {
		struct wn_graph_node *n = &g->nodes[i];

		n->taken = count_taken(g, n);
		if (is_judged(b, n))
			n->uneven_ppb = unevenness(g, n);
	}
	return WN_OK;
}
