/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a graph claims, in words: how much was seen, how sure it is that this is all there is, and
 * where the model does not hold under which that is said.
 */
#include "output/ways.h"

#include "multipath/beside.h"
#include "multipath/stopping.h"

#define PLACES_SHOWN 3 /* routers that one sentence names */
#define SHARES_SHOWN 4 /* of one router */
#define UNEVEN_PPB   (WN_STOPPING_PPB / 100)

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
		add(c, c->text.len > 0 ? "the " : "The "); /* first word of a line */
		if (c->p->g.first_ttl > 1)
			wn_strbuf_fmt(&c->text, "way before TTL %u", (unsigned)c->p->g.first_ttl);
		else
			add(c, "source");
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
	if (g->path_count > 0 && g->path_count == g->paths_possible)
		return;
	add(c, " seen from end to end");
	if (g->paths_possible == 0)
		return;
	add(c, ", ");
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

static uint32_t count_unsure(const struct wn_graph *g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->link_count; i++)
		n += g->links[i].unsure;
	return n;
}

static void add_links(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;
	uint32_t unsure = count_unsure(g);

	add(c, ", ");
	add_count(c, g->link_count, "link");
	if (g->inferred > 0)
		wn_strbuf_fmt(&c->text, " (%u inferred", (unsigned)g->inferred);
	if (unsure > 0)
		wn_strbuf_fmt(
			&c->text, "%s%u unsure", g->inferred > 0 ? ", " : " (", (unsigned)unsure);
	add(c, g->inferred + unsure > 0 ? ")" : "");
}

/* Where interfaces alone were asked for, what is drawn between them is a by-product. */
static void say_size(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;
	bool nodes = c->p->r->params.paths == WN_PATHS_NODES;
	uint32_t silent = count_silent(g);

	if (!nodes) {
		add_paths(c);
		add(c, g->path_count > 0 && g->path_count == g->paths_possible ? ", " : "; ");
	}
	add_count(c, g->interfaces, "interface");
	if (silent > 0) {
		add(c, ", ");
		add_count(c, silent, "silent hop");
	}
	if (!nodes)
		add_links(c);
	add(c, ", ");
	add_count(c, g->flow_count, "flow");
	add(c, ".");
	if (nodes)
		wn_strbuf_fmt(&c->text,
			" Links were not asked for (--mode nodes): those shown are the %u that "
			"flows met by the way.",
			(unsigned)g->link_count);
	end_line(c);
}

/* ---- how sure ---- */

static void add_bound(struct claims *c, uint32_t ppb)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	const char *bound;

	wn_ways_bound(&text, c->p, ppb);
	bound = wn_strbuf_str(&text);
	wn_strbuf_fmt(
		&c->text, "%s%s", *bound == '<' ? "below " : "at most ", bound + (*bound == '<'));
	wn_view_drop(&c->text, &text);
}

/* Of which a line of its own says that flows cannot tell what follows. */
static bool has_dead_ends(const struct claims *c)
{
	const struct wn_graph *g = &c->p->g;
	bool loops = c->p->r->stop != WN_STOP_LOOP;

	for (uint32_t i = 0; i < g->node_count; i++)
		if (g->nodes[i].dead_end || (loops && g->nodes[i].loop))
			return true;
	return false;
}

/* Where packets go each its own way only interfaces can be counted. */
static void add_exceptions(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;
	bool packets = false, maybe = false;

	for (uint32_t i = 0; i < g->node_count; i++) {
		packets = packets || g->nodes[i].lb == WN_LB_PACKET;
		maybe = maybe || g->nodes[i].lb == WN_LB_UNKNOWN;
	}
	if (packets)
		add(c, "; where each packet takes its own way no links are claimed");
	else if (maybe)
		add(c, "; where flows met one router, later another, no links are claimed");
}

/* Both are bounds, and the engine's is the closer one where many routers have two ways. */
static void add_excess(struct claims *c, uint32_t ppb)
{
	const struct wn_params *p = &c->p->r->params;
	uint64_t asked = (uint64_t)p->miss_ppm * 1000;

	if (p->paths == WN_PATHS_FLOWS || p->miss_by_vertex || p->miss_ppm == 0 ||
		ppb <= asked + asked / 100)
		return;
	add(c, ", more than the ");
	wn_ways_bound(&c->text, c->p, (uint32_t)asked);
	add(c, " asked for");
}

static void say_model(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;

	if (g->worst_ttl == 0)
		return;
	wn_ways_model(&c->text, c->p);
	add_exceptions(c);
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
	wn_strbuf_fmt(&c->text, ". The chance that %s%s was missed is ",
		g->links_claimed ? "anything" : "an interface",
		!has_dead_ends(c)  ? ""
		: g->links_claimed ? " else"
				   : " elsewhere");
	add_bound(c, g->whole_ppb);
	add_excess(c, g->whole_ppb);
	if (g->whole_ppb < wn_ways_least_ppb(c->p)) {
		add(c, ".");
		end_line(c);
		return;
	}
	add(c, g->worst_node == WN_NONE ? "; at one TTL " : "; at one router ");
	add_bound(c, g->worst_ppb);
	add(c, " (");
	if (g->worst_node == WN_GRAPH_SOURCE)
		add_place(c, WN_GRAPH_SOURCE);
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

static bool by_packet(const struct wn_graph *g, const struct wn_graph_node *n)
{
	return n->lb == WN_LB_PACKET && is_torn_here(g, n);
}

static bool maybe_by_packet(const struct wn_graph *g, const struct wn_graph_node *n)
{
	return n->lb == WN_LB_UNKNOWN && is_torn_here(g, n);
}

static bool is_dead_end(const struct wn_graph *g, const struct wn_graph_node *n)
{
	(void)g;
	return n->dead_end;
}

static bool is_loop(const struct wn_graph *g, const struct wn_graph_node *n)
{
	(void)g;
	return n->loop;
}

static void say_places(struct claims *c, const char *before,
	bool (*is_one)(const struct wn_graph *g, const struct wn_graph_node *n), const char *after)
{
	const struct wn_graph *g = &c->p->g;
	unsigned count = 0;

	for (uint32_t i = 0; i < g->node_count; i++) {
		if (!is_one(g, &g->nodes[i]) || count++ >= PLACES_SHOWN)
			continue;
		add(c, count > 1 ? ", " : before);
		add_place(c, i);
	}
	if (count > PLACES_SHOWN)
		wn_strbuf_fmt(&c->text, " and %u more", count - PLACES_SHOWN);
	if (count > 0)
		add(c, after);
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

	say_places(c, "Behind ", by_packet, " each packet takes its own way.");
	say_places(c, "Behind ", maybe_by_packet,
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

/* ---- shares ---- */

/* The node whose ways are least alike; how many there are that are not, by chance in 1% of graphs.
 */
static uint32_t find_uneven(const struct wn_graph *g, uint32_t *out_count)
{
	uint32_t judged = 0, worst = WN_NONE;

	*out_count = 0;
	for (uint32_t i = 0; i < g->node_count; i++)
		judged += g->nodes[i].uneven_ppb > 0;
	for (uint32_t i = 0; i < g->node_count; i++) {
		uint32_t ppb = g->nodes[i].uneven_ppb;

		if (ppb == 0 || ppb > UNEVEN_PPB / judged)
			continue;
		++*out_count;
		if (worst == WN_NONE || ppb < g->nodes[worst].uneven_ppb)
			worst = i;
	}
	return worst;
}

/* "97% and 3.5%", of many "2.1% to 40%"; the smallest share is returned. */
static uint32_t add_shares(struct claims *c, const struct wn_graph_node *n)
{
	const struct wn_graph_link *links = &c->p->g.links[n->first_out];
	uint32_t least = links[0].passed, most = least;

	for (uint32_t i = 1; i < n->out_count; i++) {
		least = links[i].passed < least ? links[i].passed : least;
		most = links[i].passed > most ? links[i].passed : most;
	}
	for (uint32_t i = 0; n->out_count <= SHARES_SHOWN && i < n->out_count; i++) {
		add(c, i == 0 ? "" : i + 1 < n->out_count ? ", " : " and ");
		wn_ways_percent(&c->text, links[i].passed, n->taken);
	}
	if (n->out_count > SHARES_SHOWN) {
		wn_ways_percent(&c->text, least, n->taken);
		add(c, " to ");
		wn_ways_percent(&c->text, most, n->taken);
	}
	return (uint32_t)((uint64_t)least * 1000000 / n->taken);
}

/* A value that the option takes: whole percent, tenths below one. */
static void add_min_share(struct claims *c, uint32_t least_ppm)
{
	uint32_t tenths = least_ppm / 1000 > 0 ? least_ppm / 1000 : 1;

	if (tenths >= 10)
		tenths -= tenths % 10;
	add(c, "; --min-share ");
	wn_strbuf_fixed(&c->text, tenths, 1, tenths < 10 ? 1 : 0);
	add(c, " bounds the chance to miss a branch as small as that.");
}

static void say_uneven(struct claims *c)
{
	uint32_t count, node = find_uneven(&c->p->g, &count), least_ppm;
	const struct wn_graph_node *n;

	if (node == WN_NONE)
		return;
	n = &c->p->g.nodes[node];
	add_place(c, node);
	add(c, " sends ");
	least_ppm = add_shares(c, n);
	wn_strbuf_fmt(&c->text, " of %u flows", (unsigned)n->taken);
	if (count > 1)
		wn_strbuf_fmt(&c->text, ", and %u more router%s unequal shares as well",
			(unsigned)count - 1, count > 2 ? "s" : "");
	add(c, ": uneven");
	if (c->p->r->params.min_share_ppm == 0 || least_ppm < c->p->r->params.min_share_ppm)
		add_min_share(c, least_ppm);
	else
		add(c, ", which --min-share allows for.");
	end_line(c);
}

/* ---- other destinations ---- */

/* Addresses beside the target's that were sent to. */
static uint32_t count_destinations(const struct wn_result *r)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < r->side_count; i++) {
		uint32_t flow = r->sides[i].sent.probe.flow;

		if (flow >= WN_FLOW_DESTINATION && flow - WN_FLOW_DESTINATION + 1 > last)
			last = flow - WN_FLOW_DESTINATION + 1;
	}
	return last;
}

/* The last TTL at which one of them travelled on; 0: none. */
static unsigned far_of_destinations(const struct wn_result *r)
{
	unsigned far = 0;

	for (uint32_t i = 0; i < r->side_count; i++) {
		const struct wn_side_rec *s = &r->sides[i];

		if (s->sent.probe.flow >= WN_FLOW_DESTINATION && s->sent.first_reply != WN_NONE &&
			s->reply.kind == WN_REPLY_TIME_EXCEEDED && s->sent.probe.ttl > far)
			far = s->sent.probe.ttl;
	}
	return far;
}

static void say_elsewhere(struct claims *c, uint32_t node)
{
	const struct wn_graph_node *n = &c->p->g.nodes[node];
	char addr[WN_ADDR_STRLEN];

	add_place(c, node);
	wn_strbuf_fmt(&c->text, " sends %u of %u addresses beside the target's elsewhere (%s%s)",
		(unsigned)n->elsewhere, (unsigned)n->destinations,
		wn_addr_str(&c->p->r->responders[n->elsewhere_to].addr, addr),
		n->elsewhere > 1 ? " for one" : "");
	add(c, ": it balances by destination, or has a way by flow that was missed.");
	end_line(c);
}

static void say_destinations(struct claims *c)
{
	const struct wn_graph *g = &c->p->g;
	uint32_t count = count_destinations(c->p->r), told = 0;
	unsigned far;

	for (uint32_t i = 0; i < g->node_count; i++)
		if (g->nodes[i].elsewhere > 0 && told++ < PLACES_SHOWN)
			say_elsewhere(c, i);
	if (count == 0 || told > 0)
		return;
	far = far_of_destinations(c->p->r);
	if (far == 0) {
		wn_strbuf_fmt(&c->text,
			"No router answered for the %u address%s beside the target's: whether any "
			"balances by destination is not known.",
			(unsigned)count, count == 1 ? "" : "es");
		end_line(c);
		return;
	}
	wn_strbuf_fmt(&c->text,
		"%u address%s beside the target's met nobody else where all flows take one way: no "
		"balancing by destination was seen up to TTL %u",
		(unsigned)count, count == 1 ? "" : "es", far);
	add(c, far + 1 < g->last_ttl ? ", beyond which nobody answered for them." : ".");
	end_line(c);
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
	if (c->p->unknown)
		add(c, "? under Missed: too few flows were seen to tell.");
	end_line(c);
}

/* What is not over yet claims nothing. */
static void say_certainty(struct claims *c)
{
	say_model(c);
	say_places(c,
		c->p->r->partial ? "Nobody has answered yet behind " : "Nobody answers behind ",
		is_dead_end, ": how many ways lead on from there is not known.");
	if (c->p->r->stop != WN_STOP_LOOP)
		say_places(c, "Packets come round again to ", is_loop,
			": a routing loop, which other ways avoid.");
	say_uneven(c);
	say_destinations(c);
}

void wn_ways_claims(struct wn_strbuf *out, const struct wn_ways *p)
{
	struct claims c = {.out = out, .p = p, .text = WN_STRBUF_INIT};
	bool live = p->o->live && p->r->stop == WN_STOP_NONE;

	say_signs(&c);
	if (p->g.node_count > 1) {
		say_size(&c);
		if (!live)
			say_certainty(&c);
		say_torn(&c);
	}
	wn_view_drop(out, &c.text);
	wn_out_closing(out, p->r, p->o);
}
