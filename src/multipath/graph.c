/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a graph step by step. Everything is sorted arrays: what a hostile record can do is bounded
 * by n log n in the number of its probes, and there is no recursion.
 */
#include "multipath/graph.h"

#include "base/alloc.h"
#include "base/sort.h"
#include "multipath/graph_int.h"

static const char *const lb_names[WN_LB_COUNT] = {
	[WN_LB_NONE] = "none",
	[WN_LB_FLOW] = "per-flow",
	[WN_LB_ICMP_CHECKSUM] = "per-icmp-checksum",
	[WN_LB_FLOW_LABEL] = "per-flow-label",
	[WN_LB_FLOW_AND_LABEL] = "per-flow-and-label",
	[WN_LB_PACKET] = "per-packet",
	[WN_LB_DESTINATION] = "per-destination",
	[WN_LB_UNKNOWN] = "unknown",
};

const char *wn_lb_name(enum wn_lb lb)
{
	return (unsigned)lb < WN_LB_COUNT ? lb_names[lb] : "unknown";
}

const char *wn_graph_end_name(enum wn_graph_end end)
{
	static const char *const names[] = {"open", "reached", "refused"};

	return (unsigned)end < sizeof(names) / sizeof(names[0]) ? names[end] : "open";
}

static bool less(const void *items, size_t a, size_t b)
{
	const uint64_t *v = items;

	return v[a] < v[b];
}

static void swap(void *items, size_t a, size_t b)
{
	uint64_t *v = items, t = v[a];

	v[a] = v[b];
	v[b] = t;
}

void wn_graph_sort(uint64_t *keys, size_t count)
{
	static const struct wn_sort_ops ops = {less, swap};

	wn_sort(keys, count, &ops);
}

uint32_t wn_graph_unique(uint64_t *keys, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		if (n == 0 || keys[i] != keys[n - 1])
			keys[n++] = keys[i];
	return n;
}

static wn_err build(struct wn_builder *b)
{
	static wn_err (*const steps[])(struct wn_builder *) = {
		wn_graph_collect,
		wn_graph_place,
		wn_graph_walk,
		wn_graph_join,
		wn_graph_arrange,
		wn_balance_judge,
		wn_balance_compare,
		wn_graph_share,
		wn_graph_ways,
	};
	wn_err err = WN_OK;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !err; i++)
		err = steps[i](b);
	if (!err)
		wn_balance_bound(b);
	return err;
}

wn_err wn_graph_build(const struct wn_result *r, struct wn_graph *out)
{
	struct wn_builder b = {.r = r, .g = out};
	wn_err err;

	*out = (struct wn_graph){.worst_node = WN_NONE};
	err = build(&b);
	wn_free(b.order);
	wn_free(b.cells);
	wn_free(b.rank);
	wn_free(b.keys);
	wn_free(b.moved);
	if (err)
		wn_graph_free(out);
	return err;
}

void wn_graph_free(struct wn_graph *g)
{
	wn_free(g->nodes);
	wn_free(g->links);
	wn_free(g->in_links);
	wn_free(g->flows);
	wn_free(g->steps);
	wn_free(g->paths);
	*g = (struct wn_graph){.worst_node = WN_NONE};
}
