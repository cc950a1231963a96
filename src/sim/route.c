/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which way from here: explicit routes first, else the shortest paths by cost; among equals the
 * node's way of balancing decides. Trees of distances are made when a destination is first used.
 */
#include "sim/model.h"

#include <assert.h>
#include <string.h>
#include "base/alloc.h"
#include "base/cursor.h"
#include "base/siphash.h"

#define UNREACHED UINT32_MAX

/* Relaxes what is one link before node on the way to the tree's destination. */
static wn_err relax(const struct wn_topo *t, struct wn_heap *heap, uint32_t *dist, uint32_t node)
{
	for (uint32_t i = t->edge_start[node]; i < t->edge_start[node + 1]; i++) {
		uint32_t edge = t->edges[i];
		uint32_t before = wn_topo_edge_to(t, edge);
		uint32_t d = dist[node] + t->links[edge / 2].cost;

		if (d >= dist[before])
			continue;
		dist[before] = d;
		if (wn_heap_push(heap, d, before))
			return WN_ENOMEM;
	}
	return WN_OK;
}

/* Dijkstra from the destination; costs are the same both ways. */
static wn_err fill_tree(const struct wn_topo *t, uint32_t dest, uint32_t *dist)
{
	struct wn_heap heap;
	struct wn_heap_item item;
	wn_err err;

	for (uint32_t i = 0; i < t->node_count; i++)
		dist[i] = UNREACHED;
	wn_heap_init(&heap, (size_t)t->link_count * 2 + 1);
	dist[dest] = 0;
	err = wn_heap_push(&heap, 0, dest);
	while (!err && wn_heap_pop(&heap, &item)) {
		uint32_t node = (uint32_t)item.value;

		if (item.at_ns == dist[node] && (node == dest || wn_topo_transits(t, node)))
			err = relax(t, &heap, dist, node);
	}
	wn_heap_fini(&heap);
	return err;
}

static const uint32_t *tree_to(struct wn_sim *s, uint32_t dest)
{
	struct wn_sim_tree *tree = &s->trees[dest % WN_SIM_TREES];

	if (tree->dist && tree->dest == dest)
		return tree->dist;
	if (!tree->dist)
		tree->dist = wn_calloc(s->topo->node_count, sizeof *tree->dist);
	if (!tree->dist)
		return NULL;
	tree->dest = dest;
	if (fill_tree(s->topo, dest, tree->dist) == WN_OK)
		return tree->dist;
	wn_free(tree->dist);
	tree->dist = NULL;
	return NULL;
}

/* As above, but over the delays of the ways back to the source. */
wn_err wn_sim_measure(struct wn_sim *s)
{
	const struct wn_topo *t = s->topo;
	struct wn_heap heap;
	struct wn_heap_item item;
	wn_err err;

	for (uint32_t i = 0; i < t->node_count; i++)
		s->nearest_ns[i] = UINT64_MAX / 2; /* no way: a sum must not wrap */
	s->nearest_ns[t->source] = 0;
	wn_heap_init(&heap, (size_t)t->link_count * 2 + 1);
	err = wn_heap_push(&heap, 0, t->source);
	while (!err && wn_heap_pop(&heap, &item)) {
		uint32_t node = (uint32_t)item.value;

		if (item.at_ns != s->nearest_ns[node])
			continue;
		for (uint32_t i = t->edge_start[node]; i < t->edge_start[node + 1] && !err; i++) {
			uint32_t edge = t->edges[i], before = wn_topo_edge_to(t, edge);
			uint64_t at = item.at_ns + t->links[edge / 2].way[1 - edge % 2].delay_ns;

			if (at >= s->nearest_ns[before])
				continue;
			s->nearest_ns[before] = at;
			err = wn_heap_push(&heap, at, before);
		}
	}
	wn_heap_fini(&heap);
	return err;
}

/*
 * What a balancer hashes. Errors on their way back carry no ports: real routers then look at
 * the addresses alone, so that one path back is kept.
 */
static uint64_t flow_hash(const struct wn_sim *s, uint32_t node, const struct wn_wire_head *h)
{
	enum wn_topo_balance how = s->topo->nodes[node].balance;
	struct wn_sipkey key = {{0}};
	uint8_t in[64] = {0};

	wn_put_be32(key.bytes, node);
	wn_put_be32(key.bytes + 4, (uint32_t)(s->seed >> 32));
	wn_put_be32(key.bytes + 8, (uint32_t)s->seed);
	memcpy(in, h->dst.bytes, 16);
	if (how != WN_BALANCE_DEST)
		memcpy(in + 16, h->src.bytes, 16);
	if (how == WN_BALANCE_FLOW || how == WN_BALANCE_FLOW_LABEL) {
		in[32] = h->proto;
		wn_put_be32(in + 36, (uint32_t)h->sport << 16 | h->dport);
		if ((h->proto == WN_IP_ICMP || h->proto == WN_IP_ICMP6) && !wn_sim_is_error(h))
			wn_put_be32(in + 40, (uint32_t)h->icmp_id << 16 | h->checksum);
	}
	if (how == WN_BALANCE_LABEL || how == WN_BALANCE_FLOW_LABEL)
		wn_put_be32(in + 44, h->flow_label);
	return wn_siphash(&key, in, sizeof in);
}

/* total is the sum of weights, each of at least 1. */
static uint64_t draw(struct wn_sim *s, uint32_t node, const struct wn_wire_head *h, uint64_t total)
{
	assert(total > 0);
	if (s->topo->nodes[node].balance == WN_BALANCE_PACKET)
		return wn_rng_below(&s->rng, total);
	return flow_hash(s, node, h) % total;
}

static uint32_t pick_explicit(
	struct wn_sim *s, const struct wn_topo_route *r, const struct wn_wire_head *h)
{
	const struct wn_topo_hop *hops = &s->topo->hops[r->first_hop];
	uint64_t total = 0, at;

	if (r->hop_count == 1)
		return hops[0].edge;
	for (uint32_t i = 0; i < r->hop_count; i++)
		total += hops[i].weight;
	at = draw(s, r->node, h, total);
	for (uint32_t i = 0; i < r->hop_count; i++) {
		if (at < hops[i].weight)
			return hops[i].edge;
		at -= hops[i].weight;
	}
	return WN_TOPO_NONE;
}

/* How well a route fits: longest prefix first, a node named is best; -1 not at all. */
static int fit(const struct wn_topo *t, const struct wn_topo_route *r, const struct wn_addr *dst,
	uint32_t owner, bool back)
{
	switch (r->dest) {
	case WN_ROUTE_ANY:
		return back ? -1 : 0;
	case WN_ROUTE_PREFIX:
		return wn_prefix_contains(&r->prefix, dst) ? 1 + r->prefix.len : -1;
	case WN_ROUTE_NODE:
		break;
	}
	if (r->dest_node == owner || (back && r->dest_node == t->source))
		return 1000;
	return -1;
}

static bool is_valid_now(const struct wn_sim *s, const struct wn_topo_route *r)
{
	uint64_t since = s->now_ns - s->start_ns;

	return r->during.to_ns == 0 || (since >= r->during.from_ns && since < r->during.to_ns);
}

/* Of those that fit alike, one for a time comes before one for good. */
static const struct wn_topo_route *find_explicit(
	const struct wn_sim *s, uint32_t node, const struct wn_addr *dst, uint32_t owner, bool back)
{
	const struct wn_topo *t = s->topo;
	const struct wn_topo_route *best = NULL;
	int best_fit = -1;

	for (uint32_t i = t->route_start[node]; i < t->route_start[node + 1]; i++) {
		const struct wn_topo_route *r = &t->routes[i];
		int f = is_valid_now(s, r) ? 2 * fit(t, r, dst, owner, back) : -1;

		f += f >= 0 && r->during.to_ns != 0;
		if (f > best_fit) {
			best_fit = f;
			best = r;
		}
	}
	return best;
}

static bool is_shortest(
	const struct wn_topo *t, const uint32_t *dist, uint32_t node, uint32_t dest, uint32_t edge)
{
	uint32_t next = wn_topo_edge_to(t, edge);

	return (next == dest || wn_topo_transits(t, next)) && dist[next] != UNREACHED &&
	       dist[next] + t->links[edge / 2].cost == dist[node];
}

static uint32_t pick_shortest(
	struct wn_sim *s, uint32_t node, uint32_t dest, const struct wn_wire_head *h)
{
	const struct wn_topo *t = s->topo;
	const uint32_t *dist = tree_to(s, dest);
	uint32_t found = 0, edge = WN_TOPO_NONE;
	uint64_t total = 0, at;

	if (!dist || dist[node] == UNREACHED)
		return WN_TOPO_NONE;
	for (uint32_t i = t->edge_start[node]; i < t->edge_start[node + 1]; i++) {
		if (!is_shortest(t, dist, node, dest, t->edges[i]))
			continue;
		edge = t->edges[i];
		total += t->links[edge / 2].weight;
		found++;
	}
	if (found < 2)
		return edge;
	at = draw(s, node, h, total);
	for (uint32_t i = t->edge_start[node]; i < t->edge_start[node + 1]; i++) {
		uint32_t weight = t->links[t->edges[i] / 2].weight;

		if (!is_shortest(t, dist, node, dest, t->edges[i]))
			continue;
		if (at < weight)
			return t->edges[i];
		at -= weight;
	}
	return WN_TOPO_NONE;
}

uint32_t wn_sim_route(struct wn_sim *s, uint32_t node, const struct wn_wire_head *h)
{
	const struct wn_topo *t = s->topo;
	const struct wn_topo_route *r;
	bool back;
	uint32_t owner = wn_topo_owner(t, &h->dst, &back);

	r = find_explicit(s, node, &h->dst, owner, back);
	if (r)
		return pick_explicit(s, r, h);
	if (owner != WN_TOPO_NONE)
		return pick_shortest(s, node, owner, h);
	/* Nobody's address: the source hands it to its gateway, a router knows no way. */
	if (node == t->source && t->edge_start[node] < t->edge_start[node + 1])
		return t->edges[t->edge_start[node]];
	return WN_TOPO_NONE;
}
