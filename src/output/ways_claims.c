/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a graph claims, in words: how much was seen, under which model that is all there is, how
 * sure that is, and where the model does not hold.
 */
#include "output/ways.h"

#include "multipath/stopping.h"

#define PLACES_SHOWN 3 /* routers that one sentence names */

struct claims {
	struct wn_strbuf *out;
	const struct wn_ways *p;
	struct wn_strbuf text; /* the sentences of the line being made */
};

static void end_line(struct claims *c)
{
	if (c->text.len > 0)
		wn_view_wrap(c->out, wn_strbuf_str(&c->text), (struct wn_indent){0, 2},
			c->p->o->columns);
	if (!c->text.err)
		wn_strbuf_reset(&c->text);
}

static void add(struct claims *c, const char *text)
{
	wn_strbuf_puts(&c->text, text);
}

static void add_count(struct claims *c, uint64_t n, const char *one)
{
	wn_strbuf_fmt(&c->text, "%llu %s%s", (unsigned long long)n, one, n == 1 ? "" : "s");
}

static void add_ttl(struct claims *c, uint32_t node)
{
	add(c, "TTL ");
	wn_ways_name(&c->text, c->p, node);
}

/* "10.0.0.2 (TTL 2b)" */
static void add_place(struct claims *c, uint32_t node)
{
	uint32_t responder = c->p->g.nodes[node].responder;
	char addr[WN_ADDR_STRLEN];

	if (node == WN_GRAPH_SOURCE) {
		add(c, "the source");
		return;
	}
	add(c, responder == WN_NONE ? "*"
				    : wn_addr_str(&c->p->r->responders[responder].addr, addr));
	add(c, " (");
	add_ttl(c, node);
	add(c, ")");
}

/* ---- how much ---- */

static void add_paths(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;

	if (g->path_count > 0)
		add_count(c, g->path_count, "path");
	else
		add(c, "No path");
	if (g->path_count == g->paths_possible)
		return;
	add(c, " seen from end to end, ");
	if (g->paths_possible == INT64_MAX)
		add(c, "more than can be counted");
	else
		wn_strbuf_fmt(&c->text, "%llu", (unsigned long long)g->paths_possible);
	add(c, " possible along the links");
}

static uint32_t count_silent(const struct wn_graph *g)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < g->node_count; i++)
		n += wn_graph_is_silent(g, i);
	return n;
}

static void say_size(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;
	uint32_t silent = count_silent(g);

	add_paths(c);
	add(c, g->path_count == g->paths_possible ? ", " : "; ");
	add_count(c, g->interfaces, "interface");
	if (silent > 0) {
		add(c, ", ");
		add_count(c, silent, "silent hop");
	}
	add(c, ", ");
	add_count(c, g->link_count, "link");
	if (g->inferred > 0)
		wn_strbuf_fmt(&c->text, " (%u inferred)", (unsigned)g->inferred);
	add(c, ", ");
	add_count(c, g->flow_count, "flow");
	add(c, ".");
	end_line(c);
}

/* ---- how sure ---- */

static void add_model(struct claims *c)
{
	uint32_t share_ppm = c->p->r->params.min_share_ppm;

	add(c, "Model: per-flow balancing");
	if (share_ppm == 0) {
		add(c, ", all branches of a router alike");
		return;
	}
	add(c, ", each branch of a router with at least ");
	wn_ways_percent(&c->text, share_ppm, 1000000);
	add(c, " of its flows");
}

static void add_bound(struct claims *c, uint32_t ppb)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	const char *bound;

	wn_ways_bound(&text, ppb);
	bound = wn_strbuf_str(&text);
	wn_strbuf_fmt(
		&c->text, "%s%s", *bound == '<' ? "below " : "at most ", bound + (*bound == '<'));
	wn_view_drop(&c->text, &text);
}

static bool has_unsure(const struct wn_graph *g)
{
	for (uint32_t i = 0; i < g->link_count; i++)
		if (g->links[i].unsure)
			return true;
	return false;
}

static void say_model(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;
	bool nodes = c->p->r->params.paths == WN_PATHS_NODES || has_unsure(g);

	if (g->worst_ttl == 0)
		return;
	add_model(c);
	if (g->worst_ppb == WN_STOPPING_PPB) {
		add(c, ". Not enough flows were seen behind ");
		if (g->worst_node == WN_NONE)
			wn_strbuf_fmt(&c->text, "TTL %u", g->worst_ttl - 1u);
		else
			add_place(c, g->worst_node);
		add(c, ": there may be more than is shown.");
		end_line(c);
		return;
	}
	wn_strbuf_fmt(&c->text, ". The chance that %s was missed is ",
		nodes ? "an interface" : "anything");
	add_bound(c, g->whole_ppb);
	if (g->whole_ppb < WN_STOPPING_PPB / 1000) {
		add(c, ".");
		end_line(c);
		return;
	}
	add(c, g->worst_node == WN_NONE ? "; at one TTL " : "; at one router ");
	add_bound(c, g->worst_ppb);
	add(c, " (");
	if (g->worst_node == WN_GRAPH_SOURCE)
		add(c, "the source");
	else if (g->worst_node == WN_NONE)
		wn_strbuf_fmt(&c->text, "TTL %u", (unsigned)g->worst_ttl);
	else
		add_ttl(c, g->worst_node);
	add(c, ").");
	end_line(c);
}

/* ---- where the model does not hold ---- */

/* Where ways part that a flow takes by turns: their links may be unsure, not those to them. */
static bool is_torn_here(const struct wn_graph *g, const struct wn_graph_node *n)
{
	return n->out_count > 0 && !g->links[n->first_out].unsure;
}

static void say_places(struct claims *c, enum wn_lb lb, const char *words)
{
	const struct wn_graph *g = &c->p->g;
	unsigned count = 0;

	for (uint32_t i = 0; i < g->node_count; i++) {
		if (g->nodes[i].lb != lb || !is_torn_here(g, &g->nodes[i]))
			continue;
		if (count++ >= PLACES_SHOWN)
			continue;
		add(c, count > 1 ? ", " : "Behind ");
		add_place(c, i);
	}
	if (count > PLACES_SHOWN)
		wn_strbuf_fmt(&c->text, " and %u more", count - PLACES_SHOWN);
	if (count > 0)
		add(c, words);
	end_line(c);
}

static void say_unsure(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;
	unsigned first = 0, last = 0;

	for (uint32_t i = 0; i < g->link_count; i++) {
		if (!g->links[i].unsure)
			continue;
		first = first ? first : g->nodes[g->links[i].from].ttl;
		last = g->nodes[g->links[i].to].ttl;
	}
	if (first > 0)
		wn_strbuf_fmt(&c->text,
			"Which router leads to which between TTLs %u and %u cannot be told from "
			"flows.",
			first, last);
	end_line(c);
}

static void say_torn(struct claims *c)
{
	uint32_t torn = c->p->g.torn_flows;

	say_places(c, WN_LB_PACKET, " each packet takes its own way.");
	say_places(c, WN_LB_UNKNOWN,
		" flows met one router, later another: the path changed, or each packet takes its "
		"own way.");
	say_unsure(c);
	if (torn > 0) {
		add_count(c, torn, "flow");
		add(c, " met several routers at one TTL and add");
		add(c, torn == 1 ? "s" : "");
		add(c, " no links there.");
		end_line(c);
	}
}

static void say_signs(struct claims *c)
{
	if (c->p->tangled || c->p->unsure)
		wn_strbuf_fmt(&c->text, "%s joins several routers above with several below%s",
			c->p->o->unicode ? "═" : "=",
			!c->p->unsure	? ": From says which."
			: c->p->tangled ? ": From says which, or ? where that cannot be told."
					: ", where it cannot be told which.");
	end_line(c);
}

void wn_ways_claims(struct wn_strbuf *out, const struct wn_ways *p)
{
	struct claims c = {.out = out, .p = p, .text = WN_STRBUF_INIT};

	say_signs(&c);
	if (p->g.node_count > 1) {
		say_size(&c);
		say_model(&c);
		say_torn(&c);
	}
	wn_view_drop(out, &c.text);
	wn_out_closing(out, p->r, p->o);
}
