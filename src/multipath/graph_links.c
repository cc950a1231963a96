/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: those that flows showed, and those that follow without a flow where one of two
 * neighbouring TTLs has a single node. Then the order in which nodes are shown: beside each other
 * what has a parent, then a child in common, so that links seldom cross.
 */
#include "multipath/graph_int.h"

#include "base/alloc.h"
#include "base/sort.h"

static uint64_t link_key(uint32_t from, uint32_t to)
{
	return (uint64_t)from << 32 | to;
}

/* One key for each flow and link: a flow has one step at a TTL. */
static uint32_t collect_seen(const struct wn_graph *g, uint64_t *keys)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->flow_count; i++) {
		const struct wn_graph_flow *f = &g->flows[i];

		for (uint32_t j = 0; j < f->step_count; j++) {
			const struct wn_graph_step *s = &g->steps[f->first_step + j];

			if (s->node == WN_NONE)
				continue;
			if (s->ttl == g->first_ttl)
				keys[n++] = link_key(WN_GRAPH_SOURCE, s->node);
			else if (j > 0 && s[-1].ttl + 1 == s->ttl && s[-1].node != WN_NONE)
				keys[n++] = link_key(s[-1].node, s->node);
		}
	}
	wn_graph_sort(keys, n);
	return n;
}

static void count_links(struct wn_graph *g, const uint64_t *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (i == 0 || keys[i] != keys[i - 1])
			g->links[g->link_count++] = (struct wn_graph_link){
				.from = (uint32_t)(keys[i] >> 32),
				.to = (uint32_t)keys[i],
			};
		g->links[g->link_count - 1].flows++;
	}
}

/* ---- inferred links ---- */

/* ttl: where the single node is. Torn flows show no links, but they do pass it. */
static bool may_infer(const struct wn_builder *b, unsigned ttl, const struct wn_graph_node *n)
{
	return wn_graph_infers(b, ttl) ||
	       (n->torn == n->flows && b->r->params.paths != WN_PATHS_NODES);
}

static void infer(struct wn_graph *g, uint32_t from, uint32_t to)
{
	g->links[g->link_count++] =
		(struct wn_graph_link){.from = from, .to = to, .inferred = true};
	g->inferred++;
}

/*
 * What is at ttl + 1 where ttl has a single node, and the other way round; but not where flows
 * were lost that a node sent on: it may be a dead end.
 */
static void infer_between(struct wn_builder *b, unsigned ttl, const bool *has_out,
	const bool *has_in, const bool *has_lost)
{
	struct wn_graph *g = b->g;
	uint32_t near = g->hop_first[ttl], far = g->hop_first[ttl + 1], end = g->hop_first[ttl + 2];

	if (far - near == 1 && g->nodes[near].ended < g->nodes[near].flows)
		for (uint32_t i = far; i < end; i++)
			if (!has_in[i] && may_infer(b, ttl, &g->nodes[i]))
				infer(g, near, i);
	if (end - far == 1 && far - near > 1)
		for (uint32_t i = near; i < far; i++)
			if (!has_out[i] && !has_lost[i] && g->nodes[i].ended < g->nodes[i].flows &&
				may_infer(b, ttl + 1, &g->nodes[i]))
				infer(g, i, far);
}

static wn_err infer_links(struct wn_builder *b)
{
	struct wn_graph *g = b->g;
	bool *has_out = wn_calloc(g->node_count, sizeof(*has_out));
	bool *has_in = wn_calloc(g->node_count, sizeof(*has_in));
	bool *has_lost = wn_calloc(g->node_count, sizeof(*has_lost));
	wn_err err = has_out && has_in && has_lost ? WN_OK : WN_ENOMEM;

	for (uint32_t i = 0; !err && i < g->link_count; i++) {
		has_out[g->links[i].from] = true;
		has_in[g->links[i].to] = true;
	}
	for (uint32_t i = 0; !err && i < b->cell_count; i++) {
		uint32_t before =
			b->cells[i].kind == WN_CELL_LOST ? wn_graph_before(b, i) : WN_NONE;

		if (before != WN_NONE)
			has_lost[before] = true;
	}
	for (unsigned ttl = g->first_ttl - 1u; !err && ttl < g->last_ttl; ttl++)
		infer_between(b, ttl, has_out, has_in, has_lost);
	wn_free(has_out);
	wn_free(has_in);
	wn_free(has_lost);
	return err;
}

static bool link_before(const void *items, size_t a, size_t b)
{
	const struct wn_graph_link *l = items;

	return link_key(l[a].from, l[a].to) < link_key(l[b].from, l[b].to);
}

static void sort_links(struct wn_graph *g)
{
	wn_sort_array(g->links, g->link_count, sizeof(*g->links), link_before);
}

wn_err wn_graph_join(struct wn_builder *b)
{
	struct wn_graph *g = b->g;
	uint64_t *keys = wn_calloc(g->step_count, sizeof(*keys));
	uint32_t count;
	wn_err err = WN_ENOMEM;

	if (keys) {
		count = collect_seen(g, keys);
		/* A node is the end of at most one inferred link to either side. */
		g->links = wn_calloc((size_t)count + 2 * (size_t)g->node_count, sizeof(*g->links));
		if (g->links) {
			count_links(g, keys, count);
			err = infer_links(b);
			sort_links(g);
		}
	}
	wn_free(keys);
	return err;
}

/* ---- arrangement ---- */

struct place {
	uint32_t parent; /* the first of them, as arranged */
	uint32_t child;	 /* the first of them, as numbered */
	uint32_t node;
};

static bool place_before(const void *items, size_t a, size_t b)
{
	const struct place *x = (const struct place *)items + a;
	const struct place *y = (const struct place *)items + b;

	if (x->parent != y->parent)
		return x->parent < y->parent;
	return x->child != y->child ? x->child < y->child : x->node < y->node;
}

/* places: by node; at the end by position, with moved[] the position of each node. */
static void arrange(struct wn_graph *g, struct place *places, uint32_t *moved)
{
	uint32_t l = 0;

	for (uint32_t i = 0; i < g->node_count; i++)
		places[i] = (struct place){WN_NONE, WN_NONE, i};
	for (uint32_t i = g->link_count; i-- > 0;)
		places[g->links[i].from].child = g->links[i].to;
	for (unsigned ttl = 0; ttl < 256; ttl++) {
		uint32_t first = g->hop_first[ttl], end = g->hop_first[ttl + 1];

		wn_sort_array(places + first, end - first, sizeof(*places), place_before);
		for (uint32_t i = first; i < end; i++)
			moved[places[i].node] = i;
		for (; l < g->link_count && g->links[l].from < end; l++) {
			struct place *to = &places[g->links[l].to];

			if (moved[g->links[l].from] < to->parent)
				to->parent = moved[g->links[l].from];
		}
	}
}

static wn_err renumber(struct wn_builder *b, const struct place *places, const uint32_t *moved)
{
	struct wn_graph *g = b->g;
	struct wn_graph_node *nodes = wn_calloc(g->node_count, sizeof(*nodes));

	if (!nodes)
		return WN_ENOMEM;
	for (uint32_t i = 0; i < g->node_count; i++)
		nodes[i] = g->nodes[places[i].node];
	wn_free(g->nodes);
	g->nodes = nodes;
	for (uint32_t i = 0; i < g->link_count; i++) {
		g->links[i].from = moved[g->links[i].from];
		g->links[i].to = moved[g->links[i].to];
	}
	sort_links(g);
	for (uint32_t i = 0; i < g->step_count; i++)
		if (g->steps[i].node != WN_NONE)
			g->steps[i].node = moved[g->steps[i].node];
	for (uint32_t i = 0; i < b->cell_count; i++)
		if (b->cells[i].node != WN_NONE)
			b->cells[i].node = moved[b->cells[i].node];
	return WN_OK;
}

/* keys: one for each link. */
static void index_links(struct wn_graph *g, uint64_t *keys)
{
	for (uint32_t i = 0; i < g->link_count; i++) {
		struct wn_graph_node *from = &g->nodes[g->links[i].from];

		if (from->out_count++ == 0)
			from->first_out = i;
		keys[i] = link_key(g->links[i].to, i);
	}
	wn_graph_sort(keys, g->link_count);
	for (uint32_t i = 0; i < g->link_count; i++) {
		struct wn_graph_node *to = &g->nodes[keys[i] >> 32];

		if (to->in_count++ == 0)
			to->first_in = i;
		g->in_links[i] = (uint32_t)keys[i];
	}
}

wn_err wn_graph_arrange(struct wn_builder *b)
{
	struct wn_graph *g = b->g;
	struct place *places = wn_calloc(g->node_count, sizeof(*places));
	uint64_t *keys = wn_calloc(g->link_count, sizeof(*keys));
	wn_err err = WN_ENOMEM;

	b->moved = wn_calloc(g->node_count, sizeof(*b->moved));
	g->in_links = wn_calloc(g->link_count, sizeof(*g->in_links));
	if (places && keys && b->moved && g->in_links) {
		arrange(g, places, b->moved);
		err = renumber(b, places, b->moved);
	}
	if (!err)
		index_links(g, keys);
	wn_free(places);
	wn_free(keys);
	return err;
}
