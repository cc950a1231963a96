/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes and the flows' steps over them. Nodes are first numbered by TTL and address, so that equal
 * networks give equal graphs whatever answered first; silence comes last at its TTL.
 */
#include "multipath/graph_int.h"

#include "base/alloc.h"
#include "base/sort.h"

/* ---- addresses in order ---- */

struct ranking {
	const struct wn_result *r;
	uint32_t *responders;
};

static bool ranks_before(const void *items, size_t a, size_t b)
{
	const struct ranking *k = items;

	return wn_addr_cmp(&k->r->responders[k->responders[a]].addr,
		       &k->r->responders[k->responders[b]].addr) < 0;
}

static void swap_ranks(void *items, size_t a, size_t b)
{
	uint32_t *v = ((struct ranking *)items)->responders, t = v[a];

	v[a] = v[b];
	v[b] = t;
}

/* by_rank: responders in the order of their addresses. */
static wn_err rank_responders(struct wn_builder *b, uint32_t *by_rank)
{
	static const struct wn_sort_ops ops = {ranks_before, swap_ranks};
	struct ranking k = {b->r, by_rank};

	b->rank = wn_calloc(b->r->responder_count, sizeof(*b->rank));
	if (!b->rank)
		return WN_ENOMEM;
	for (uint32_t i = 0; i < b->r->responder_count; i++)
		by_rank[i] = i;
	wn_sort(&k, b->r->responder_count, &ops);
	for (uint32_t i = 0; i < b->r->responder_count; i++)
		b->rank[by_rank[i]] = i;
	return WN_OK;
}

/* ---- nodes ---- */

static uint64_t node_key(const struct wn_builder *b, uint8_t ttl, uint32_t responder)
{
	uint32_t rank = responder == WN_NONE ? b->r->responder_count : b->rank[responder];

	return (uint64_t)ttl << 32 | rank;
}

static uint32_t first_reply_of(const struct wn_builder *b, uint32_t i)
{
	return b->r->probes[wn_order_probe(b, i)].first_reply;
}

/* At most one for each probe. */
static uint32_t collect_keys(struct wn_builder *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->cell_count; i++) {
		const struct wn_cell *c = &b->cells[i];

		if (c->kind == WN_CELL_SILENT)
			b->keys[n++] = node_key(b, c->ttl, WN_NONE);
		if (c->kind == WN_CELL_ONE)
			b->keys[n++] = node_key(b, c->ttl, c->responder);
		for (uint32_t j = c->first; c->kind == WN_CELL_TORN && j < c->first + c->count; j++)
			if (first_reply_of(b, j) != WN_NONE)
				b->keys[n++] = node_key(
					b, c->ttl, b->r->replies[first_reply_of(b, j)].responder);
	}
	wn_graph_sort(b->keys, n);
	return wn_graph_unique(b->keys, n);
}

static void fill_nodes(struct wn_builder *b, uint32_t count, const uint32_t *by_rank)
{
	struct wn_graph *g = b->g;
	unsigned ttl = 0;

	g->nodes[WN_GRAPH_SOURCE] = (struct wn_graph_node){
		.ttl = (uint8_t)(g->first_ttl - 1),
		.responder = WN_NONE,
	};
	for (uint32_t i = 0; i < count; i++) {
		uint32_t rank = (uint32_t)b->keys[i];

		g->nodes[i + 1] = (struct wn_graph_node){
			.ttl = (uint8_t)(b->keys[i] >> 32),
			.responder = rank < b->r->responder_count ? by_rank[rank] : WN_NONE,
		};
	}
	g->node_count = count + 1;
	for (uint32_t i = 0; i < g->node_count; i++)
		while (ttl <= g->nodes[i].ttl)
			g->hop_first[ttl++] = i;
	while (ttl <= 256)
		g->hop_first[ttl++] = g->node_count;
}

wn_err wn_graph_place(struct wn_builder *b)
{
	uint32_t *by_rank = wn_calloc(b->r->responder_count, sizeof(*by_rank));
	wn_err err = by_rank ? rank_responders(b, by_rank) : WN_ENOMEM;
	uint32_t count;

	if (!err) {
		b->keys = wn_calloc(b->order_count, sizeof(*b->keys));
		err = b->keys ? WN_OK : WN_ENOMEM;
	}
	if (!err) {
		count = collect_keys(b);
		b->g->nodes = wn_calloc((size_t)count + 1, sizeof(*b->g->nodes));
		err = b->g->nodes ? WN_OK : WN_ENOMEM;
	}
	if (!err)
		fill_nodes(b, count, by_rank);
	wn_free(by_rank);
	return err;
}

uint32_t wn_graph_find(const struct wn_builder *b, uint8_t ttl, uint32_t responder)
{
	uint64_t key = node_key(b, ttl, responder);
	uint32_t low = b->g->hop_first[ttl], high = b->g->hop_first[ttl + 1];

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (b->keys[mid - 1] <= key)
			low = mid;
		else
			high = mid;
	}
	if (low == high || low == WN_GRAPH_SOURCE || b->keys[low - 1] != key)
		return WN_NONE;
	return b->moved ? b->moved[low] : low;
}

uint32_t wn_graph_before(const struct wn_builder *b, uint32_t cell)
{
	const struct wn_cell *c = &b->cells[cell];
	unsigned before = c->ttl - 1u;

	if (wn_graph_width(b->g, before) == 1)
		return b->g->hop_first[before];
	if (cell > 0 && c[-1].flow == c->flow && c[-1].ttl == before)
		return c[-1].node;
	return WN_NONE;
}

/* ---- flows ---- */

static void add_interface(struct wn_builder *b, uint32_t node, uint32_t *seen)
{
	uint32_t responder = b->g->nodes[node].responder;

	if (responder == WN_NONE || seen[responder])
		return;
	seen[responder] = 1;
	b->g->interfaces++;
}

static void meet(struct wn_builder *b, const struct wn_cell *c, uint32_t node)
{
	struct wn_graph_node *n = &b->g->nodes[node];

	n->flows++;
	b->g->hops[c->ttl].met++;
	n->torn += c->kind == WN_CELL_TORN;
	n->ended += c->ends;
}

/* Every responder of a torn cell once; last: by node, the cell that was counted last. */
static void meet_several(struct wn_builder *b, uint32_t cell, uint32_t *last)
{
	const struct wn_cell *c = &b->cells[cell];

	for (uint32_t i = c->first; i < c->first + c->count; i++) {
		uint32_t reply = first_reply_of(b, i);
		uint32_t node;

		if (reply == WN_NONE)
			continue;
		node = wn_graph_find(b, c->ttl, b->r->replies[reply].responder);
		b->g->nodes[node].target = b->g->nodes[node].target || b->r->replies[reply].reached;
		if (last[node] != cell + 1)
			meet(b, c, node);
		last[node] = cell + 1;
	}
}

static void meet_one(struct wn_builder *b, struct wn_cell *c)
{
	c->node = wn_graph_find(b, c->ttl, c->kind == WN_CELL_ONE ? c->responder : WN_NONE);
	b->g->nodes[c->node].target = b->g->nodes[c->node].target || c->reached;
	meet(b, c, c->node);
}

static struct wn_graph_flow *flow_of(struct wn_graph *g, uint32_t flow)
{
	if (g->flow_count == 0 || g->flows[g->flow_count - 1].flow != flow)
		g->flows[g->flow_count++] = (struct wn_graph_flow){
			.flow = flow,
			.first_step = g->step_count,
			.path = WN_NONE,
		};
	return &g->flows[g->flow_count - 1];
}

static void take_step(struct wn_builder *b, const struct wn_cell *c)
{
	struct wn_graph *g = b->g;
	struct wn_graph_flow *f = flow_of(g, c->flow);

	if (c->kind == WN_CELL_UNKNOWN || c->kind == WN_CELL_LOST)
		return;
	g->steps[g->step_count++] = (struct wn_graph_step){.node = c->node, .ttl = c->ttl};
	f->step_count++;
	if (c->ends)
		f->end = c->reached ? WN_GRAPH_REACHED : WN_GRAPH_REFUSED;
	g->hops[c->ttl].flows++;
	g->hops[c->ttl].torn += c->kind == WN_CELL_TORN;
}

/* seen: by responder; last: by node. Both zero. */
static void walk(struct wn_builder *b, uint32_t *seen, uint32_t *last)
{
	struct wn_graph *g = b->g;
	uint32_t torn_flow = WN_NONE;

	for (uint32_t i = 0; i < b->cell_count; i++) {
		struct wn_cell *c = &b->cells[i];

		if (c->kind == WN_CELL_TORN)
			meet_several(b, i, last);
		else if (c->kind == WN_CELL_ONE || c->kind == WN_CELL_SILENT)
			meet_one(b, c);
		take_step(b, c);
		if (c->kind == WN_CELL_TORN && torn_flow != c->flow) {
			torn_flow = c->flow;
			g->torn_flows++;
		}
	}
	for (uint32_t i = 1; i < g->node_count; i++)
		add_interface(b, i, seen);
	g->nodes[WN_GRAPH_SOURCE].flows = g->flow_count;
}

wn_err wn_graph_walk(struct wn_builder *b)
{
	uint32_t *seen = wn_calloc(b->r->responder_count, sizeof(*seen));
	uint32_t *last = wn_calloc(b->g->node_count, sizeof(*last));
	wn_err err = WN_OK;

	b->g->flows = wn_calloc(b->cell_count, sizeof(*b->g->flows));
	b->g->steps = wn_calloc(b->cell_count, sizeof(*b->g->steps));
	if (!seen || !last || !b->g->flows || !b->g->steps)
		err = WN_ENOMEM;
	else
		walk(b, seen, last);
	wn_free(seen);
	wn_free(last);
	return err;
}
