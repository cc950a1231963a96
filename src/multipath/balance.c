/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each node chooses among its successors.
 *
 * A flow that meets several responders at one TTL is torn. Its probes, in the order of sending,
 * say between which two of them the answer changed. Where all changes behind a node fit one moment,
 * and who was left then is not met again, the path may have changed; else each packet goes its own
 * way. From there on two probes of one flow need not have taken the same way, until all ways meet
 * in one node again.
 */
#include "multipath/graph_int.h"

#include "base/alloc.h"

#define CERTAIN 7 /* repeats that would have shown it, but for a chance of 1% at most */

/* When the answer changed behind a node: after every probe up to `after`, before `before`. */
struct change {
	uint32_t after, before;
	bool seen;
	bool back;	/* who was left was met again */
	uint32_t stays; /* repeats of torn flows that came to the node again */
};

struct judge {
	struct wn_builder *b;
	struct change *changes; /* by node */
	uint64_t *left;		/* node << 32 | responder that a flow met no more */
	uint32_t left_count;
	bool from[256]; /* probes of a flow at ttl and ttl + 1 may have taken different ways */
};

static uint32_t responder_at(const struct wn_builder *b, uint32_t i)
{
	uint32_t reply = b->r->probes[wn_order_probe(b, i)].first_reply;

	return reply == WN_NONE ? WN_NONE : b->r->replies[reply].responder;
}

/* Probes last and i of a flow were answered one after the other, not by the same. */
static void note_change(struct judge *j, uint32_t node, uint32_t last, uint32_t i)
{
	uint32_t after = wn_order_probe(j->b, last), before = wn_order_probe(j->b, i);
	struct change *c = &j->changes[node];

	if (!c->seen || after > c->after)
		c->after = after;
	if (!c->seen || before < c->before)
		c->before = before;
	c->seen = true;
	j->left[j->left_count++] = (uint64_t)node << 32 | responder_at(j->b, last);
}

static void read_torn(struct judge *j, const struct wn_cell *c, uint32_t node)
{
	uint32_t last = WN_NONE; /* answered, in order */

	for (uint32_t i = c->first; i < c->first + c->count; i++) {
		if (responder_at(j->b, i) == WN_NONE)
			continue;
		if (last != WN_NONE && responder_at(j->b, i) != responder_at(j->b, last))
			note_change(j, node, last, i);
		last = i;
	}
}

static uint32_t answers_of(const struct wn_builder *b, const struct wn_cell *c)
{
	uint32_t n = 0;

	for (uint32_t i = c->first; i < c->first + c->count; i++)
		n += b->r->probes[wn_order_probe(b, i)].first_reply != WN_NONE;
	return n;
}

/*
 * That it is the node itself by which flows go apart: those that do came to it each time they were
 * sent. Were it one before, they would have been elsewhere as well. By node.
 */
static void find_certain(struct judge *j)
{
	const struct wn_builder *b = j->b;

	for (uint32_t i = 0; i < b->cell_count; i++) {
		const struct wn_cell *c = &b->cells[i];
		uint32_t node = c->kind == WN_CELL_TORN ? wn_graph_before(b, i) : WN_NONE;

		if (node == WN_NONE)
			continue;
		if (wn_graph_width(b->g, b->g->nodes[node].ttl) == 1)
			j->changes[node].stays = CERTAIN;
		else if (answers_of(b, c - 1) > 1)
			j->changes[node].stays += answers_of(b, c - 1) - 1;
	}
}

static void find_torn(struct judge *j)
{
	for (uint32_t i = 0; i < j->b->cell_count; i++) {
		const struct wn_cell *c = &j->b->cells[i];
		uint32_t node;

		if (c->kind != WN_CELL_TORN)
			continue;
		node = wn_graph_before(j->b, i);
		if (node == WN_NONE || j->changes[node].stays < CERTAIN)
			j->from[c->ttl - 1] = true;
		if (node != WN_NONE)
			read_torn(j, c, node);
		j->from[c->ttl] = true;
	}
	wn_graph_sort(j->left, j->left_count);
	j->left_count = wn_graph_unique(j->left, j->left_count);
}

static bool was_left(const struct judge *j, uint64_t key)
{
	uint32_t low = 0, high = j->left_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (j->left[mid] < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low < j->left_count && j->left[low] == key;
}

static void find_back(struct judge *j)
{
	const struct wn_builder *b = j->b;

	for (uint32_t i = 0; j->left_count > 0 && i < b->cell_count; i++) {
		uint32_t node = wn_graph_before(b, i), end = b->cells[i].first + b->cells[i].count;

		if (node == WN_NONE || !j->changes[node].seen)
			continue;
		for (uint32_t k = b->cells[i].first; k < end; k++)
			if (wn_order_probe(b, k) >= j->changes[node].before &&
				responder_at(b, k) != WN_NONE &&
				was_left(j, (uint64_t)node << 32 | responder_at(b, k)))
				j->changes[node].back = true;
	}
}

static void judge_torn(struct judge *j)
{
	find_certain(j);
	find_torn(j);
	find_back(j);
	for (uint32_t i = 0; i < j->b->g->node_count; i++) {
		const struct change *c = &j->changes[i];

		if (c->seen)
			j->b->g->nodes[i].lb =
				c->back || c->after >= c->before ? WN_LB_PACKET : WN_LB_UNKNOWN;
	}
}

/* Links within reach of a node that tears flows; what they hang on is not to be judged. */
static void judge_reach(struct wn_graph *g, const bool from[256])
{
	bool torn = false;
	uint32_t l = 0;

	for (unsigned ttl = g->first_ttl - 1u; ttl < g->last_ttl; ttl++) {
		uint32_t end = g->hop_first[ttl + 1];

		torn = (torn || from[ttl]) && wn_graph_width(g, ttl) > 1;
		g->hops[ttl].apart = torn;
		for (uint32_t i = g->hop_first[ttl]; torn && i < end; i++)
			if (g->nodes[i].out_count > 1 || g->nodes[i].lb != WN_LB_NONE)
				g->nodes[i].lb = WN_LB_UNKNOWN;
		for (; l < g->link_count && g->links[l].from < end; l++)
			g->links[l].unsure = torn && wn_graph_width(g, ttl + 1) > 1;
	}
}

static void judge_flows(struct wn_builder *b)
{
	enum wn_lb lb = b->r->params.proto == WN_PROTO_ICMP ? WN_LB_ICMP_CHECKSUM : WN_LB_FLOW;
	struct wn_graph *g = b->g;

	for (uint32_t i = 0; i < g->node_count; i++)
		if (g->nodes[i].out_count > 1 && g->nodes[i].lb == WN_LB_NONE)
			g->nodes[i].lb = lb;
}

wn_err wn_balance_judge(struct wn_builder *b)
{
	struct wn_graph *g = b->g;
	struct judge j = {.b = b};
	bool ready;

	j.changes = wn_calloc(g->node_count, sizeof(*j.changes));
	j.left = wn_calloc(b->order_count, sizeof(*j.left));
	ready = j.changes && j.left;
	if (ready)
		judge_torn(&j);
	wn_free(j.changes);
	wn_free(j.left);
	if (!ready)
		return WN_ENOMEM;
	judge_reach(g, j.from);
	judge_flows(b);
	return WN_OK;
}
