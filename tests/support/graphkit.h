/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs of records made by hand, and questions about them in one line each. */
#ifndef WN_TESTS_GRAPHKIT_H
#define WN_TESTS_GRAPHKIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "multipath/graph.h"
#include "walks.h"

struct scene {
	struct record rec;
	struct wn_result *r;
	struct wn_graph g;
};

static inline void build(struct scene *s)
{
	s->r = record_fold(&s->rec);
	assert_int_equal(wn_graph_build(s->r, &s->g), WN_OK);
}

/* One flow for each line, from flow 0 on. */
static inline void draw(struct scene *s, enum wn_paths_mode mode, const char *const *lines)
{
	*s = (struct scene){0};
	walk_start(&s->rec, mode);
	for (uint32_t flow = 0; lines[flow]; flow++)
		walk(&s->rec, flow, lines[flow]);
	build(s);
}

static inline void stage(struct scene *s, void (*scene)(struct record *rec))
{
	*s = (struct scene){0};
	scene(&s->rec);
	build(s);
}

static inline void leave(struct scene *s)
{
	wn_graph_free(&s->g);
	wn_result_free(s->r);
	record_fini(&s->rec);
}

/* host: as in walks.h, 0 the target, -1 silence; WN_NONE when there is no such node. */
static inline uint32_t node(const struct scene *s, unsigned ttl, int host)
{
	char text[32];
	struct wn_addr addr = {0};

	snprintf(text, sizeof(text), "10.0.%d.%d", host / 100, host % 100);
	if (host >= 0)
		addr = record_addr(host ? text : WALK_DST);
	for (uint32_t i = s->g.hop_first[ttl]; i < s->g.hop_first[ttl + 1]; i++) {
		uint32_t responder = s->g.nodes[i].responder;

		if (host < 0 ? wn_graph_is_silent(&s->g, i)
			     : responder != WN_NONE &&
					wn_addr_eq(&s->r->responders[responder].addr, &addr))
			return i;
	}
	return WN_NONE;
}

static inline const struct wn_graph_node *at(const struct scene *s, unsigned ttl, int host)
{
	uint32_t i = node(s, ttl, host);

	if (i == WN_NONE)
		fail_msg("no node %d at TTL %u", host, ttl);
	return &s->g.nodes[i];
}

/* The link from one host at ttl to another at ttl + 1, NULL when there is none. */
static inline const struct wn_graph_link *joined(
	const struct scene *s, unsigned ttl, int from, int to)
{
	uint32_t a = ttl + 1u == s->g.first_ttl ? WN_GRAPH_SOURCE : node(s, ttl, from);
	uint32_t b = node(s, ttl + 1, to);

	assert_true(a != WN_NONE && b != WN_NONE);
	for (uint32_t i = 0; i < s->g.link_count; i++)
		if (s->g.links[i].from == a && s->g.links[i].to == b)
			return &s->g.links[i];
	return NULL;
}

static inline void expect_link(
	const struct scene *s, unsigned ttl, int from, int to, uint32_t flows)
{
	const struct wn_graph_link *l = joined(s, ttl, from, to);

	if (!l)
		fail_msg("TTL %u: no link from %d to %d", ttl, from, to);
	assert_int_equal(l->flows, flows);
	assert_int_equal(l->inferred, flows == 0);
}

static inline void expect_size(const struct scene *s, uint32_t nodes, uint32_t links)
{
	assert_int_equal(s->g.node_count, nodes + 1); /* and the source */
	assert_int_equal(s->g.link_count, links);
}

#endif
