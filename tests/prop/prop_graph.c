/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a record holds, its graph is one: nodes by TTL, links between neighbouring TTLs, each
 * link that is not inferred shown by as many flows as it says, each flow that shows one heard, and
 * the counts agree. Flows are counted anew here, by looking at every probe.
 */
#include "oneline.h"

#include <stdbool.h>
#include <string.h>
#include "base/cursor.h"
#include "multipath/graph.h"
#include "multipath/stopping.h"
#include "output/output.h"

#define FLOWS 6
#define TTLS  8 /* 1 to 7 */

static const struct wn_result_limits limits = {
	.probes = 160,
	.replies = 200,
	.responders = 24,
	.notes = 4,
	.bytes = 4096,
};

static void some_start(struct wn_rd *rd, struct wn_result *r)
{
	struct wn_event ev = {.kind = WN_EV_START};
	uint8_t bits = wn_rd_u8(rd);

	ev.u.start.paths = (enum wn_paths_mode)(bits & 3);
	ev.u.start.proto = (enum wn_proto)((bits >> 2 & 3) % WN_PROTO_COUNT);
	ev.u.start.first_ttl = bits >> 4 & 3;
	ev.u.start.min_share_ppm = bits & 64 ? 100000 : 0;
	ev.u.start.dst = wn_addr_v4(0xcb007109);
	prop_check(wn_result_apply(r, &ev) == WN_OK);
}

static void some_answer(struct wn_rd *rd, struct wn_result *r, uint64_t id)
{
	uint8_t bits = wn_rd_u8(rd);
	struct wn_event ev = {.probe_id = id, .kind = WN_EV_REPLY};
	struct wn_reply *reply = &ev.u.reply.reply;

	if (bits < 8)
		return; /* pending */
	if (bits < 64) {
		ev.kind = WN_EV_TIMEOUT;
	} else {
		reply->kind = bits & 0x30 ? WN_REPLY_TIME_EXCEEDED
					  : (enum wn_reply_kind)(bits % WN_REPLY_KINDS);
		reply->from = wn_addr_v4(0x0a000000u + (bits & 7));
		ev.u.reply.reached = (bits & 0x38) == 8;
		ev.u.reply.late = bits >= 0xf0;
	}
	prop_check(wn_result_apply(r, &ev) == WN_OK || ev.kind == WN_EV_REPLY);
}

static void some_probe(struct wn_rd *rd, struct wn_result *r)
{
	uint8_t where = wn_rd_u8(rd), more = wn_rd_u8(rd);
	struct wn_event ev = {.kind = WN_EV_SENT, .probe_id = r->probe_count + 1u};
	struct wn_probe *p = &ev.u.sent.probe;

	p->id = ev.probe_id;
	p->flow = (where >> 3) % FLOWS;
	p->ttl = where % (TTLS - 1) + 1;
	p->sport = (uint16_t)p->flow;
	p->flow_label = more & 64 ? more >> 2 & 7 : p->flow;
	p->dst = wn_addr_v4(more & 32 ? 0xcb00710a : 0xcb007109);
	if (more >= 0xc0)
		p->flow |= (p->flow_label + 1) << 16;
	if (more == 1) {
		ev.kind = WN_EV_FAILED;
		ev.u.failed.probe = *p;
	}
	if (wn_result_apply(r, &ev) == WN_OK && ev.kind == WN_EV_SENT)
		some_answer(rd, r, ev.probe_id);
}

/* ---- flows counted anew ---- */

struct spot {
	uint32_t responder; /* of its first answer */
	bool answered, torn, lost, pending, ends, reached;
};

struct truth {
	struct spot spots[FLOWS][TTLS];
	unsigned last;	  /* TTL that answered */
	unsigned nearest; /* of the target */
};

static bool is_end(const struct wn_reply_rec *reply)
{
	return reply->reached || reply->kind == WN_REPLY_UNREACHABLE ||
	       reply->kind == WN_REPLY_TOO_BIG || reply->kind == WN_REPLY_PARAM_PROBLEM;
}

static void look(const struct wn_result *r, const struct wn_probe_rec *p, struct spot *s)
{
	const struct wn_reply_rec *reply;

	if (p->first_reply == WN_NONE) {
		s->lost = s->lost || p->state == WN_PROBE_LOST;
		s->pending = s->pending || p->state == WN_PROBE_PENDING;
		return;
	}
	reply = &r->replies[p->first_reply];
	s->torn = s->torn || (s->answered && s->responder != reply->responder);
	s->ends = (s->ends || !s->answered) && is_end(reply);
	s->reached = s->reached || reply->reached;
	s->responder = s->answered ? s->responder : reply->responder;
	s->answered = true;
}

/* Where flow f was before it met the target late, at ttl: a TTL, or 0 for the nearest of the
 * target's.
 */
static bool is_late(const struct truth *t, unsigned f, unsigned ttl, unsigned *out_from)
{
	const struct spot *s = t->spots[f];
	unsigned from = ttl - 1;

	while (from > 0 && !s[from].answered)
		from--;
	*out_from = from > 0 && !s[from].torn && from + 1 >= t->nearest ? from : 0;
	if (!s[ttl].reached || s[ttl].torn || !s[ttl].ends)
		return false;
	return *out_from > 0 ? from + 1 < ttl : from < t->nearest && ttl > t->nearest;
}

static bool is_lost(const struct truth *t, unsigned f, unsigned from)
{
	unsigned to = from > 0 ? from + 1 : t->nearest, met = 0, late = 0, at;

	for (unsigned i = 0; i < FLOWS; i++) {
		const struct spot *s = t->spots[i];
		bool same = from == 0 || (s[from].answered && !s[from].torn &&
						 s[from].responder == t->spots[f][from].responder);

		if (same && s[to].answered && !s[to].reached)
			return false;
		met += same && s[to].reached;
		for (unsigned ttl = 1; ttl < TTLS; ttl++)
			late += is_late(t, i, ttl, &at) && at == from && same;
	}
	return met > 0 && (late == 1 || late * 8 <= met);
}

/* The target met too late, as nearer answers were lost. */
static void cut_ends(struct truth *t)
{
	static struct truth whole;
	unsigned from;

	for (unsigned i = 0; i < FLOWS * TTLS; i++)
		if (t->spots[i / TTLS][i % TTLS].reached &&
			(t->nearest == 0 || i % TTLS < t->nearest))
			t->nearest = i % TTLS;
	whole = *t;
	for (unsigned i = 0; i < FLOWS * TTLS && t->nearest > 0; i++)
		if (i % TTLS > 0 && is_late(&whole, i / TTLS, i % TTLS, &from) &&
			is_lost(&whole, i / TTLS, from))
			t->spots[i / TTLS][i % TTLS] = (struct spot){0};
}

static void find_truth(const struct wn_result *r, struct truth *t)
{
	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe *p = &r->probes[i].probe;

		if (p->flow < FLOWS && r->probes[i].state != WN_PROBE_FAILED)
			look(r, &r->probes[i], &t->spots[p->flow][p->ttl]);
	}
	for (unsigned f = 0; f < FLOWS; f++) {
		bool ended = false;

		for (unsigned ttl = 1; ttl < TTLS; ttl++) {
			if (ended)
				t->spots[f][ttl] = (struct spot){0};
			ended = ended || t->spots[f][ttl].ends;
		}
	}
	cut_ends(t);
	for (unsigned i = 0; i < FLOWS * TTLS; i++)
		if (t->spots[i / TTLS][i % TTLS].answered && i % TTLS > t->last)
			t->last = i % TTLS;
}

/* What flow f met at ttl: a responder, r->responder_count for what may be silence, WN_NONE: cannot
 * be said. */
static uint32_t met(const struct wn_result *r, const struct truth *t, unsigned f, unsigned ttl)
{
	const struct spot *s = &t->spots[f][ttl];
	bool farther = false, others = false;

	if (s->answered)
		return s->torn ? WN_NONE : s->responder;
	for (unsigned i = ttl + 1; i < TTLS; i++)
		farther = farther || t->spots[f][i].answered;
	for (unsigned i = 0; i < FLOWS; i++)
		others = others || t->spots[i][ttl].answered;
	if (!s->lost || s->pending || ttl >= t->last || (!farther && others))
		return WN_NONE;
	return r->responder_count;
}

/* ---- checks ---- */

static uint32_t known(const struct wn_result *r, const struct wn_graph *g, uint32_t node)
{
	if (node == WN_GRAPH_SOURCE)
		return WN_NONE - 1;
	return wn_graph_is_silent(g, node) ? r->responder_count : g->nodes[node].responder;
}

static uint32_t witnesses(const struct wn_result *r, const struct wn_graph *g,
	const struct truth *t, const struct wn_graph_link *l)
{
	uint32_t n = 0;

	for (unsigned f = 0; f < FLOWS; f++) {
		uint32_t from = l->from == WN_GRAPH_SOURCE ? known(r, g, 0)
							   : met(r, t, f, g->nodes[l->from].ttl);

		n += from == known(r, g, l->from) &&
		     met(r, t, f, g->nodes[l->to].ttl) == known(r, g, l->to);
	}
	return n;
}

/* What may be silence is taken for it for all flows of a TTL or for none. */
static void check_links(const struct wn_result *r, const struct wn_graph *g, const struct truth *t)
{
	uint32_t inferred = 0;

	for (uint32_t i = 0; i < g->link_count; i++) {
		const struct wn_graph_link *l = &g->links[i];

		prop_check(l->from < g->node_count && l->to < g->node_count);
		prop_check(g->nodes[l->from].ttl + 1 == g->nodes[l->to].ttl);
		prop_check(i == 0 || l[-1].from < l->from ||
			   (l[-1].from == l->from && l[-1].to < l->to));
		prop_check(l->flows == witnesses(r, g, t, l));
		prop_check(l->inferred == (l->flows == 0));
		prop_check(l->passed >= l->flows && l->passed <= FLOWS);
		prop_check(!l->inferred || r->params.paths != WN_PATHS_NODES);
		inferred += l->inferred;
		if (l->inferred)
			prop_check(wn_graph_width(g, g->nodes[l->from].ttl) == 1 ||
				   wn_graph_width(g, g->nodes[l->to].ttl) == 1);
	}
	prop_check(inferred == g->inferred);
}

static uint32_t node_of(
	const struct wn_result *r, const struct wn_graph *g, unsigned ttl, uint32_t what)
{
	for (uint32_t i = g->hop_first[ttl]; i < g->hop_first[ttl + 1]; i++)
		if (known(r, g, i) == what)
			return i;
	return WN_NONE;
}

static bool has_link(const struct wn_graph *g, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < g->nodes[from].out_count; i++)
		if (g->links[g->nodes[from].first_out + i].to == to)
			return true;
	return false;
}

static void check_every_flow_is_heard(
	const struct wn_result *r, const struct wn_graph *g, const struct truth *t)
{
	prop_check(g->last_ttl == t->last);
	for (unsigned f = 0; f < FLOWS; f++) {
		uint32_t before = WN_NONE;

		for (unsigned ttl = 1; ttl < TTLS; ttl++) {
			uint32_t what = met(r, t, f, ttl), node = WN_NONE;

			if (what != WN_NONE)
				node = node_of(r, g, ttl, what);
			/* Only what is taken for loss has none. */
			prop_check(what == WN_NONE || node != WN_NONE ||
				   (what == r->responder_count && g->hops[ttl].lost > 0));
			if (before != WN_NONE && node != WN_NONE)
				prop_check(has_link(g, before, node));
			before = node;
		}
	}
}

static void check_nodes(const struct wn_result *r, const struct wn_graph *g)
{
	uint32_t met[256] = {0};

	for (uint32_t i = 0; i < g->node_count; i++) {
		const struct wn_graph_node *n = &g->nodes[i];
		uint32_t taken = 0;

		prop_check(i >= g->hop_first[n->ttl] && i < g->hop_first[n->ttl + 1]);
		prop_check(i == 0 || n->responder == WN_NONE || n->responder < r->responder_count);
		prop_check(i == 0 || (n->flows > 0 && n->flows <= FLOWS));
		prop_check(n->torn <= n->flows && n->ended <= n->flows);
		prop_check(n->tested <= FLOWS);
		prop_check(n->miss_ppb <= WN_STOPPING_PPB && (unsigned)n->lb < WN_LB_COUNT);
		prop_check(n->uneven_ppb <= WN_STOPPING_PPB && (!n->dead_end || !n->out_count));
		for (uint32_t j = 0; j < n->out_count; j++)
			prop_check(g->links[n->first_out + j].from == i);
		for (uint32_t j = 0; j < n->out_count; j++)
			taken += g->links[n->first_out + j].passed;
		prop_check(n->taken == taken);
		met[n->ttl] += n->flows;
		for (uint32_t j = 0; j < n->in_count; j++)
			prop_check(g->links[g->in_links[n->first_in + j]].to == i);
	}
	for (unsigned ttl = g->first_ttl; ttl < 256; ttl++)
		prop_check(g->hops[ttl].met == met[ttl]);
	prop_check(g->hop_first[0] == 0 && g->hop_first[256] == g->node_count);
}

static void check_flows(const struct wn_graph *g)
{
	uint32_t steps = 0, on_paths = 0, taken = 0;

	for (uint32_t i = 0; i < g->flow_count; i++) {
		const struct wn_graph_flow *f = &g->flows[i];

		prop_check(f->first_step == steps && f->flow < FLOWS);
		prop_check(f->path == WN_NONE || f->path < g->path_count);
		steps += f->step_count;
		on_paths += f->path != WN_NONE;
	}
	for (uint32_t i = 0; i < g->path_count; i++)
		taken += g->paths[i].flows;
	prop_check(steps == g->step_count && taken == on_paths);
	prop_check(g->paths_possible == 0 || g->path_count <= g->paths_possible);
	prop_check(g->paths_possible <= INT64_MAX);
	prop_check(g->torn_flows <= g->flow_count && g->whole_ppb <= WN_STOPPING_PPB);
	prop_check(g->whole_ppb >= g->worst_ppb);
}

/* Every face, in widths that leave no room and enough of it. */
static void draw(const struct wn_result *r)
{
	static const struct wn_table_opts faces[] = {
		{.columns = 0, .names = true, .verbose = 1},
		{.columns = 80, .color = true, .unicode = true, .names = true},
		{.columns = 20, .unicode = true},
	};

	for (size_t i = 0; i < sizeof(faces) / sizeof(faces[0]); i++) {
		struct wn_strbuf sb = WN_STRBUF_INIT;

		wn_out_paths_tree(&sb, r, &faces[i]);
		wn_out_paths_table(&sb, r, &faces[i]);
		wn_out_paths_dot(&sb, r, &faces[i]);
		check_clean_lines(&sb, faces[i].color);
		wn_strbuf_fini(&sb);
	}
}

int prop_graph(const uint8_t *data, size_t size)
{
	struct wn_result *r = wn_result_new(&limits);
	struct truth t;
	struct wn_graph g;
	struct wn_rd rd;

	prop_check(r != NULL);
	wn_rd_init(&rd, data, size);
	some_start(&rd, r);
	while (wn_rd_left(&rd) > 0)
		some_probe(&rd, r);
	prop_check(wn_graph_build(r, &g) == WN_OK);
	find_truth(r, &t);
	check_nodes(r, &g);
	check_links(r, &g, &t);
	check_every_flow_is_heard(r, &g, &t);
	check_flows(&g);
	draw(r);
	wn_graph_free(&g);
	wn_result_free(r);
	return 0;
}
