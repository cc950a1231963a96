/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that build a graph share. */
#ifndef WN_MULTIPATH_GRAPH_INT_H
#define WN_MULTIPATH_GRAPH_INT_H

#include <stddef.h>
#include "multipath/graph.h"

enum wn_cell_kind {
	WN_CELL_UNKNOWN, /* nothing can be said */
	WN_CELL_LOST,	 /* all its probes were lost */
	WN_CELL_SILENT,	 /* lost where there must be something */
	WN_CELL_ONE,	 /* one responder */
	WN_CELL_TORN	 /* several */
};

/* What a flow met at a TTL. */
struct wn_cell {
	uint32_t flow;
	uint32_t first, count; /* in order */
	uint32_t responder;    /* ONE */
	uint32_t node;	       /* ONE, SILENT */
	enum wn_cell_kind kind;
	uint8_t ttl;
	bool ends; /* no answer says that a packet travels on */
	bool reached;
};

struct wn_builder {
	const struct wn_result *r;
	struct wn_graph *g;
	uint64_t *order; /* probes by flow, TTL, time: flow << 40 | ttl << 32 | index */
	uint32_t order_count;
	struct wn_cell *cells;
	uint32_t cell_count;
	uint32_t *rank;	 /* of each responder in the order of addresses */
	uint64_t *keys;	 /* of nodes, as they are first numbered: ttl << 32 | rank */
	uint32_t *moved; /* where these are since they were arranged */
};

static inline uint32_t wn_order_probe(const struct wn_builder *b, uint32_t i)
{
	return (uint32_t)b->order[i];
}

/* The node of responder, WN_NONE for silence, at ttl; WN_NONE when there is none. */
uint32_t wn_graph_find(const struct wn_builder *b, uint8_t ttl, uint32_t responder);
/* The node that the flow of a cell passed one TTL before, WN_NONE where that is not known. */
uint32_t wn_graph_before(const struct wn_builder *b, uint32_t cell);
void wn_graph_sort(uint64_t *keys, size_t count);
/* Keeps one of each of sorted keys; how many are left. */
uint32_t wn_graph_unique(uint64_t *keys, uint32_t count);

/* Cells of the target that were only met because nearer answers got lost: nothing is known there.
 */
wn_err wn_graph_cut_ends(struct wn_builder *b);

/* The steps of building, in this order. */
wn_err wn_graph_collect(struct wn_builder *b); /* order and cells */
wn_err wn_graph_place(struct wn_builder *b);   /* nodes, by TTL and address */
wn_err wn_graph_walk(struct wn_builder *b);    /* flows and their steps */
wn_err wn_graph_join(struct wn_builder *b);    /* links */
wn_err wn_graph_arrange(struct wn_builder *b); /* nodes side by side as they are joined */
wn_err wn_balance_judge(struct wn_builder *b);
wn_err wn_balance_compare(struct wn_builder *b); /* by flows that differ in one thing */
wn_err wn_graph_share(struct wn_builder *b);	 /* which ways are taken how often */
void wn_balance_bound(struct wn_builder *b);
wn_err wn_graph_ways(struct wn_builder *b); /* paths */

/* Nobody ever answered at this TTL: whoever goes on has passed the silence there. */
static inline bool wn_graph_is_dark(const struct wn_graph *g, unsigned ttl)
{
	return wn_graph_width(g, ttl) == 1 && wn_graph_is_silent(g, g->hop_first[ttl]);
}

/*
 * What hangs on a single node of a TTL may be said of it though no flow showed it: where it was
 * proved that there is no other, or nobody answers. Asking for interfaces alone proves too little:
 * in some runs of a hundred an interface is missed, and what was inferred from its neighbour would
 * be false.
 */
static inline bool wn_graph_infers(const struct wn_builder *b, unsigned ttl)
{
	if (b->r->params.paths == WN_PATHS_NODES)
		return false;
	return b->r->params.paths == WN_PATHS_LITE || b->r->params.paths == WN_PATHS_FULL ||
	       wn_graph_is_dark(b->g, ttl);
}

#endif
