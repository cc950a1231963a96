/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of all paths as an object of the document: a function of the record like the rest. */
#include "output/json_writer.h"

#include "multipath/graph.h"

#define LINES 3 /* one for each node, link, flow */

/* Nothing where nothing is claimed. */
static void write_miss(struct wn_jw *w, uint32_t ppb)
{
	wn_jw_opt(w, "miss_ppb", ppb > 0 ? (int64_t)ppb : -1);
}

static void write_claims(struct wn_jw *w, const struct wn_result *r, const struct wn_graph *g)
{
	bool bounded = g->worst_ttl > 0;

	wn_jw_text(w, "model", r->params.min_share_ppm ? "minimum-share" : "uniform");
	wn_jw_bool(w, "links_claimed", g->links_claimed);
	wn_jw_opt(w, "miss_ppb", bounded ? (int64_t)g->whole_ppb : -1);
	wn_jw_opt(w, "worst_miss_ppb", bounded ? (int64_t)g->worst_ppb : -1);
	wn_jw_opt(w, "worst_ttl", bounded ? g->worst_ttl : -1);
	wn_jw_opt(w, "worst_node", g->worst_node == WN_NONE ? -1 : (int64_t)g->worst_node);
	wn_jw_int(w, "paths_seen", g->path_count);
	wn_jw_opt(w, "paths_possible",
		g->paths_possible == INT64_MAX || g->paths_possible == 0
			? -1
			: (int64_t)g->paths_possible);
	wn_jw_int(w, "interfaces", g->interfaces);
	wn_jw_int(w, "torn_flows", g->torn_flows);
}

static void write_hops(struct wn_jw *w, const struct wn_graph *g)
{
	wn_jw_array(w, "hops");
	for (unsigned ttl = g->first_ttl; ttl <= g->last_ttl; ttl++) {
		wn_jw_object(w, NULL);
		wn_jw_int(w, "ttl", ttl);
		wn_jw_int(w, "first_node", g->hop_first[ttl]);
		wn_jw_int(w, "node_count", wn_graph_width(g, ttl));
		wn_jw_int(w, "flows", g->hops[ttl].flows);
		wn_jw_int(w, "torn", g->hops[ttl].torn);
		wn_jw_int(w, "lost", g->hops[ttl].lost);
		write_miss(w, g->hops[ttl].miss_ppb);
		wn_jw_end(w);
	}
	wn_jw_end(w);
}

static const char *kind_of(const struct wn_graph *g, uint32_t node)
{
	if (node == WN_GRAPH_SOURCE)
		return "source";
	return wn_graph_is_silent(g, node) ? "silent" : "interface";
}

static void write_node(
	struct wn_jw *w, const struct wn_result *r, const struct wn_graph *g, uint32_t node)
{
	const struct wn_graph_node *n = &g->nodes[node];
	bool answers = n->responder != WN_NONE;
	struct wn_addr none = {0};

	wn_jw_object(w, NULL);
	wn_jw_int(w, "node", node);
	wn_jw_int(w, "ttl", n->ttl);
	wn_jw_text(w, "kind", kind_of(g, node));
	wn_jw_opt(w, "responder", answers ? (int64_t)n->responder : -1);
	wn_jw_addr(w, "address", answers ? &r->responders[n->responder].addr : &none);
	wn_jw_bool(w, "target", n->target);
	wn_jw_int(w, "flows", n->flows);
	wn_jw_int(w, "torn", n->torn);
	wn_jw_int(w, "ended", n->ended);
	wn_jw_int(w, "successors", n->out_count);
	wn_jw_int(w, "tested", n->tested);
	write_miss(w, n->miss_ppb);
	wn_jw_bool(w, "dead_end", n->dead_end);
	wn_jw_bool(w, "loop", n->loop);
	wn_jw_text(w, "balancing", wn_lb_name(n->lb));
	wn_jw_opt(w, "uneven_ppb", n->uneven_ppb > 0 ? (int64_t)n->uneven_ppb : -1);
	wn_jw_bool(w, "label_known", n->label_known);
	wn_jw_int(w, "destinations", n->destinations);
	wn_jw_int(w, "destinations_elsewhere", n->elsewhere);
	wn_jw_opt(w, "elsewhere_to", n->elsewhere > 0 ? (int64_t)n->elsewhere_to : -1);
	wn_jw_end(w);
}

static void write_links(struct wn_jw *w, const struct wn_graph *g)
{
	wn_jw_array(w, "links");
	for (uint32_t i = 0; i < g->link_count; i++) {
		wn_jw_object(w, NULL);
		wn_jw_int(w, "from", g->links[i].from);
		wn_jw_int(w, "to", g->links[i].to);
		wn_jw_int(w, "flows", g->links[i].flows);
		wn_jw_int(w, "passed", g->links[i].passed);
		wn_jw_bool(w, "inferred", g->links[i].inferred);
		wn_jw_bool(w, "unsure", g->links[i].unsure);
		wn_jw_end(w);
	}
	wn_jw_end(w);
}

/* By TTL from the first on; null where nothing, or more than one thing, is known. */
static void write_steps(struct wn_jw *w, const struct wn_graph *g, const struct wn_graph_flow *f)
{
	unsigned ttl = g->first_ttl;

	wn_jw_array(w, "nodes");
	for (uint32_t i = 0; i < f->step_count; i++) {
		const struct wn_graph_step *s = &g->steps[f->first_step + i];

		for (; ttl < s->ttl; ttl++)
			wn_jw_null(w, NULL);
		wn_jw_opt(w, NULL, s->node == WN_NONE ? -1 : (int64_t)s->node);
		ttl++;
	}
	wn_jw_end(w);
}

static void write_flows(struct wn_jw *w, const struct wn_graph *g)
{
	wn_jw_array(w, "flows");
	for (uint32_t i = 0; i < g->flow_count; i++) {
		const struct wn_graph_flow *f = &g->flows[i];

		wn_jw_object(w, NULL);
		wn_jw_int(w, "flow", f->flow);
		wn_jw_text(w, "end", wn_graph_end_name(f->end));
		wn_jw_opt(w, "path", f->path == WN_NONE ? -1 : (int64_t)f->path);
		write_steps(w, g, f);
		wn_jw_end(w);
	}
	wn_jw_end(w);
}

void wn_jw_paths(struct wn_jw *w, const char *key, const struct wn_result *r)
{
	unsigned lines = w->lines;
	struct wn_graph g;
	wn_err err;

	if (r->params.paths == WN_PATHS_OFF) {
		wn_jw_null(w, key);
		return;
	}
	err = wn_graph_build(r, &g);
	if (err)
		w->out->err = err;
	w->lines = lines > 0 ? LINES : 0;
	wn_jw_object(w, key);
	write_claims(w, r, &g);
	write_hops(w, &g);
	wn_jw_array(w, "nodes");
	for (uint32_t i = 0; i < g.node_count; i++)
		write_node(w, r, &g, i);
	wn_jw_end(w);
	write_links(w, &g);
	write_flows(w, &g);
	wn_jw_end(w);
	w->lines = lines;
	wn_graph_free(&g);
}
