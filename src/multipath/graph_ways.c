/* SPDX-License-Identifier: Apache-2.0 */
/* The ways through a graph: those that single flows showed from end to end, and all there may be.
 */
#include "multipath/graph_int.h"

#include "base/alloc.h"
#include "base/sort.h"

/* Flows of which it is known what they met at each TTL, from the first to their end. */
struct whole {
	const struct wn_graph *g;
	uint32_t *flows;
	bool given[256];  /* every flow that goes so far passes the only node there is */
	bool unsure[256]; /* links from there are unsure, or a flow takes them by turns */
};

static bool is_given(const struct wn_builder *b, unsigned ttl)
{
	const struct wn_graph_node *only = &b->g->nodes[b->g->hop_first[ttl]];

	if (wn_graph_width(b->g, ttl) != 1 || !wn_graph_infers(b, ttl))
		return false;
	return ttl == b->g->last_ttl || only->ended < only->flows;
}

/* No flow has one way through it. */
static bool by_turns(const struct wn_graph_node *n)
{
	return n->lb == WN_LB_PACKET || n->lb == WN_LB_UNKNOWN;
}

static void read_ttls(const struct wn_builder *b, struct whole *w)
{
	for (unsigned ttl = b->g->first_ttl; ttl <= b->g->last_ttl; ttl++)
		w->given[ttl] = is_given(b, ttl);
	for (uint32_t i = 0; i < b->g->link_count; i++)
		w->unsure[b->g->nodes[b->g->links[i].from].ttl] = b->g->links[i].unsure;
	for (uint32_t i = 0; i < b->g->node_count; i++)
		if (by_turns(&b->g->nodes[i]))
			w->unsure[b->g->nodes[i].ttl] = true;
}

/* Where a flow ends, for all that is known. */
static unsigned end_of(const struct wn_graph *g, const struct wn_graph_flow *f)
{
	if (f->end == WN_GRAPH_OPEN || f->step_count == 0)
		return g->last_ttl;
	return g->steps[f->first_step + f->step_count - 1].ttl;
}

static bool is_joined(const struct wn_graph *g, uint32_t from, uint32_t to)
{
	uint32_t low = g->nodes[from].first_out, high = low + g->nodes[from].out_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (g->links[mid].to == to)
			return true;
		if (g->links[mid].to < to)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* What is given lies on the way only where a link leads there: a branch may be a dead end. */
static bool is_whole(const struct whole *w, const struct wn_graph_flow *f)
{
	const struct wn_graph_step *s = w->g->steps + f->first_step, *end = s + f->step_count;
	uint32_t node, before = WN_GRAPH_SOURCE;
	unsigned last = end_of(w->g, f);

	if (f->step_count == 0 || w->unsure[w->g->first_ttl - 1])
		return false;
	for (unsigned ttl = w->g->first_ttl; ttl <= last; ttl++) {
		bool seen = s < end && s->ttl == ttl;

		if ((!seen && !w->given[ttl]) || (ttl < last && w->unsure[ttl]))
			return false;
		node = seen ? s->node : w->g->hop_first[ttl];
		if (node == WN_NONE || !is_joined(w->g, before, node))
			return false;
		before = node;
		s += seen;
	}
	return true;
}

/* What is given is the same for all, seen or not. */
static const struct wn_graph_step *skip_given(
	const struct whole *w, const struct wn_graph_step *s, const struct wn_graph_step *end)
{
	while (s < end && w->given[s->ttl])
		s++;
	return s;
}

static int compare(
	const struct whole *w, const struct wn_graph_flow *x, const struct wn_graph_flow *y)
{
	const struct wn_graph_step *a = w->g->steps + x->first_step, *a_end = a + x->step_count;
	const struct wn_graph_step *b = w->g->steps + y->first_step, *b_end = b + y->step_count;
	unsigned x_last = end_of(w->g, x), y_last = end_of(w->g, y);

	for (;; a++, b++) {
		a = skip_given(w, a, a_end);
		b = skip_given(w, b, b_end);
		if (a == a_end || b == b_end)
			break;
		if (a->node != b->node)
			return a->node < b->node ? -1 : 1;
	}
	return (x_last > y_last) - (x_last < y_last);
}

static bool flow_before(const void *items, size_t a, size_t b)
{
	const struct whole *w = items;
	const struct wn_graph_flow *x = &w->g->flows[w->flows[a]], *y = &w->g->flows[w->flows[b]];
	int order = compare(w, x, y);

	return order != 0 ? order < 0 : x->flow < y->flow;
}

static void swap_flows(void *items, size_t a, size_t b)
{
	uint32_t *v = ((struct whole *)items)->flows, t = v[a];

	v[a] = v[b];
	v[b] = t;
}

static void collect_paths(struct wn_graph *g, const struct whole *w, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wn_graph_flow *f = &g->flows[w->flows[i]];

		if (i == 0 || compare(w, &g->flows[w->flows[i - 1]], f) != 0)
			g->paths[g->path_count++] = (struct wn_graph_path){
				.flow = w->flows[i],
				.last_ttl = (uint8_t)end_of(g, f),
			};
		f->path = g->path_count - 1;
		g->paths[f->path].flows++;
	}
}

static void add(uint64_t *sum, uint64_t n)
{
	*sum = n > INT64_MAX - *sum ? INT64_MAX : *sum + n;
}

/* Links say which ways there are: they were asked for, and flows keep to theirs. */
static bool links_tell(const struct wn_builder *b)
{
	for (uint32_t i = 0; i < b->g->link_count; i++)
		if (b->g->links[i].unsure)
			return false;
	for (uint32_t i = 0; i < b->g->node_count; i++)
		if (by_turns(&b->g->nodes[i]))
			return false;
	return b->r->params.paths != WN_PATHS_NODES;
}

/* Ways from the source to where flows ended or no link leads on. Links come in order of TTL. */
static void count_possible(struct wn_graph *g, uint64_t *ways)
{
	ways[WN_GRAPH_SOURCE] = 1;
	for (uint32_t i = 0; i < g->node_count; i++) {
		const struct wn_graph_node *n = &g->nodes[i];

		for (uint32_t j = n->first_out; j < n->first_out + n->out_count; j++)
			add(&ways[g->links[j].to], ways[i]);
		if (i != WN_GRAPH_SOURCE && (n->ended > 0 || n->out_count == 0))
			add(&g->paths_possible, ways[i]);
	}
}

wn_err wn_graph_ways(struct wn_builder *b)
{
	static const struct wn_sort_ops ops = {flow_before, swap_flows};
	struct wn_graph *g = b->g;
	struct whole w = {.g = g, .flows = wn_calloc(g->flow_count, sizeof(*w.flows))};
	uint64_t *ways = wn_calloc(g->node_count, sizeof(*ways));
	uint32_t count = 0;
	wn_err err = WN_ENOMEM;

	g->paths = wn_calloc(g->flow_count, sizeof(*g->paths));
	if (w.flows && ways && g->paths) {
		read_ttls(b, &w);
		for (uint32_t i = 0; i < g->flow_count; i++)
			if (is_whole(&w, &g->flows[i]))
				w.flows[count++] = i;
		wn_sort(&w, count, &ops);
		collect_paths(g, &w, count);
		g->links_claimed = links_tell(b);
		if (g->links_claimed)
			count_possible(g, ways);
		err = WN_OK;
	}
	wn_free(w.flows);
	wn_free(ways);
	return err;
}
