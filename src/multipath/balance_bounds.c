/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left to chance, as the engine of all paths shares it out. A node may have one successor
 * more than flows have shown; where links are not proved at each node, a TTL may have one interface
 * more. What has several successors could have more, so all of that counts. What has one could
 * only have gone wrong if it has two in truth, and of what looks so the worst counts: where all
 * the others are what they look like, nothing was missed. Of the two the worse is shown: that both
 * went wrong at once is far less likely than either.
 */
#include "multipath/graph_int.h"
#include "multipath/paths_priv.h" /* LITE_WIDTH */
#include "multipath/stopping.h"

struct bounds {
	struct wn_builder *b;
	uint64_t sure_ppb;   /* of all that has several */
	uint32_t single_ppb; /* the worst of the others */
};

static uint32_t miss(const struct wn_builder *b, uint32_t seen, uint32_t flows)
{
	uint32_t share_ppm = b->r->params.min_share_ppm;
	uint32_t alike = wn_stopping_miss_ppb(seen, flows);
	uint32_t share = share_ppm ? wn_stopping_miss_share_ppb(share_ppm, flows) : 0;

	return alike > share ? alike : share;
}

/* ---- flows that are known one TTL on ---- */

static void count_steps(struct wn_graph *g)
{
	for (uint32_t i = 0; i < g->flow_count; i++) {
		const struct wn_graph_flow *f = &g->flows[i];

		for (uint32_t j = 0; j < f->step_count; j++) {
			const struct wn_graph_step *s = &g->steps[f->first_step + j];

			if (s->ttl == g->first_ttl)
				g->nodes[WN_GRAPH_SOURCE].tested++;
			else if (j > 0 && s[-1].ttl + 1 == s->ttl && s[-1].node != WN_NONE)
				g->nodes[s[-1].node].tested++;
		}
	}
}

/* on[ttl]: flows that did not end there or before. */
static void count_going(const struct wn_graph *g, uint32_t on[256])
{
	uint32_t ended[256] = {0}, left = g->flow_count;

	for (uint32_t i = 0; i < g->flow_count; i++) {
		const struct wn_graph_flow *f = &g->flows[i];

		if (f->end != WN_GRAPH_OPEN)
			ended[g->steps[f->first_step + f->step_count - 1].ttl]++;
	}
	for (unsigned ttl = 0; ttl < 256; ttl++)
		on[ttl] = left -= ended[ttl];
}

/* Whoever goes on passes a silence where nobody answers, and the only node there is. */
static void count_tested(struct wn_builder *b)
{
	struct wn_graph *g = b->g;
	uint32_t on[256];

	count_steps(g);
	count_going(g, on);
	for (unsigned ttl = g->first_ttl - 1u; ttl < g->last_ttl; ttl++) {
		bool alone = wn_graph_width(g, ttl) == 1 && wn_graph_infers(b, ttl);
		bool dark = wn_graph_is_dark(g, ttl + 1);

		for (uint32_t i = g->hop_first[ttl]; i < g->hop_first[ttl + 1]; i++)
			if (dark)
				g->nodes[i].tested =
					alone ? on[ttl] : g->nodes[i].flows - g->nodes[i].ended;
			else if (alone)
				g->nodes[i].tested = g->hops[ttl + 1].flows;
	}
}

/* ---- nodes and TTLs ---- */

/* Nothing follows, or what has been seen before. */
static bool is_last(const struct wn_builder *b, const struct wn_graph_node *n)
{
	const struct wn_graph *g = b->g;

	return n->ttl >= g->last_ttl || n->ended == n->flows || n->loop ||
	       (n->out_count == 1 && g->nodes[g->links[n->first_out].to].loop);
}

/* The last two hops once more. */
static bool is_loop(const struct wn_graph *g, const struct wn_graph_step *last)
{
	uint32_t who[4];

	for (unsigned i = 0; i < 4; i++) {
		const struct wn_graph_step *s = last - i;

		if (s->node == WN_NONE || s->ttl + i != last->ttl)
			return false;
		who[i] = g->nodes[s->node].responder;
	}
	return who[0] == who[2] && who[1] == who[3] && who[0] != who[1] && who[0] != WN_NONE &&
	       who[1] != WN_NONE;
}

static void find_loops(struct wn_graph *g)
{
	for (uint32_t i = 0; i < g->flow_count; i++) {
		const struct wn_graph_flow *f = &g->flows[i];

		for (uint32_t j = 3; j < f->step_count; j++) {
			const struct wn_graph_step *s = &g->steps[f->first_step + j];

			if (is_loop(g, s))
				g->nodes[s->node].loop = true;
		}
	}
}

/*
 * Nobody answers who could tell what follows: not for want of flows. That is known where what got
 * lost is asked for again until silence is the better explanation.
 */
static void find_dead_ends(struct wn_builder *b)
{
	enum wn_paths_mode mode = b->r->params.paths;
	struct wn_graph *g = b->g;

	if (mode != WN_PATHS_LITE && mode != WN_PATHS_FULL)
		return;
	for (uint32_t i = 0; i < b->cell_count; i++) {
		uint32_t node = b->cells[i].kind == WN_CELL_LOST ? wn_graph_before(b, i) : WN_NONE;

		if (node != WN_NONE && g->nodes[node].out_count == 0 &&
			!is_last(b, &g->nodes[node]))
			g->nodes[node].dead_end = true;
	}
}

static bool is_end(const struct wn_graph *g, uint32_t node)
{
	return g->nodes[node].ended > 0;
}

/* ---- all of it ---- */

static void add_part(struct bounds *s, unsigned ttl, uint32_t node, uint32_t seen)
{
	struct wn_graph *g = s->b->g;
	uint32_t ppb = node == WN_NONE ? g->hops[ttl].miss_ppb : g->nodes[node].miss_ppb;

	if (seen > 1)
		s->sure_ppb = s->sure_ppb * (WN_STOPPING_PPB - ppb) / WN_STOPPING_PPB;
	else if (ppb > s->single_ppb)
		s->single_ppb = ppb;
	if (g->worst_ttl != 0 && ppb <= g->worst_ppb)
		return;
	g->worst_ttl = (uint8_t)ttl;
	g->worst_node = node;
	g->worst_ppb = ppb;
}

/* The links from ttl - 1 to ttl are proved at a whole TTL, not at each node. */
static bool is_judged_as_a_whole(const struct wn_builder *b, unsigned ttl)
{
	const struct wn_graph *g = b->g;

	if (b->r->params.paths == WN_PATHS_NODES || g->hops[ttl].torn > 0 || g->hops[ttl - 1].apart)
		return true;
	if (b->r->params.paths != WN_PATHS_LITE || wn_graph_width(g, ttl - 1) <= LITE_WIDTH)
		return false;
	for (uint32_t i = g->hop_first[ttl - 1]; i < g->hop_first[ttl]; i++)
		if (g->nodes[i].out_count > 1)
			return false;
	return true;
}

/*
 * Asking for interfaces alone takes the first TTL and the one of the target for what they show:
 * whoever wants to know more of these has to prove links.
 */
static bool is_granted(const struct wn_builder *b, unsigned ttl)
{
	const struct wn_graph *g = b->g;

	if (wn_graph_is_dark(g, ttl))
		return true;
	if (b->r->params.paths != WN_PATHS_NODES || wn_graph_width(g, ttl) > 1)
		return false;
	return ttl == g->first_ttl ||
	       (is_end(g, g->hop_first[ttl]) && wn_graph_width(g, ttl - 1) == 1);
}

/* LITE takes for granted that whoever delivers to the target does nothing else. */
static bool is_delivering(const struct wn_builder *b, const struct wn_graph_node *n)
{
	return b->r->params.paths == WN_PATHS_LITE && n->out_count == 1 &&
	       is_end(b->g, b->g->links[n->first_out].to);
}

/* Where interfaces alone were asked for, nothing was proved of what follows which. */
static void bound_nodes(struct wn_builder *b)
{
	bool asked = b->r->params.paths != WN_PATHS_NODES;

	for (uint32_t i = 0; asked && i < b->g->node_count; i++) {
		struct wn_graph_node *n = &b->g->nodes[i];

		if (!is_last(b, n) && !is_delivering(b, n))
			n->miss_ppb = miss(b, n->out_count, n->tested);
	}
}

static void bound_hop(struct bounds *s, unsigned ttl)
{
	struct wn_graph *g = s->b->g;
	uint32_t seen = wn_graph_width(g, ttl);

	if (is_judged_as_a_whole(s->b, ttl)) {
		if (is_granted(s->b, ttl))
			return;
		g->hops[ttl].miss_ppb = miss(s->b, seen, g->hops[ttl].flows);
		add_part(s, ttl, WN_NONE, seen);
		return;
	}
	for (uint32_t i = g->hop_first[ttl - 1]; i < g->hop_first[ttl]; i++)
		if (!is_last(s->b, &g->nodes[i]) && !g->nodes[i].dead_end &&
			!is_delivering(s->b, &g->nodes[i]))
			add_part(s, ttl, i, g->nodes[i].out_count);
}

void wn_balance_bound(struct wn_builder *b)
{
	struct bounds s = {b, WN_STOPPING_PPB, 0};
	struct wn_graph *g = b->g;

	count_tested(b);
	find_loops(g);
	find_dead_ends(b);
	bound_nodes(b);
	for (unsigned ttl = g->first_ttl; ttl <= g->last_ttl; ttl++)
		bound_hop(&s, ttl);
	g->whole_ppb = (uint32_t)(WN_STOPPING_PPB - s.sure_ppb);
	if (g->whole_ppb < s.single_ppb)
		g->whole_ppb = s.single_ppb;
}
