/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views over a result: flows, paths and links. They are computed when asked for, because most
 * readers want a hop list only.
 */
#include "result/result_int.h"

#include "base/alloc.h"

size_t wn_result_flows(const struct wn_result *r, uint32_t *out, size_t cap)
{
	for (uint32_t i = 0; i < r->priv->flow_count && i < cap; i++)
		out[i] = r->priv->flows[i].id;
	return r->priv->flow_count;
}

static const struct wn_flow_rec *find_flow(const struct wn_result *r, uint32_t flow)
{
	uint32_t i;

	if (r->priv->flow_count == 0 || !wn_map_get(&r->priv->flow_map, flow, &i))
		return NULL;
	return &r->priv->flows[i];
}

uint32_t wn_result_first_in_flow(const struct wn_result *r, uint32_t flow)
{
	const struct wn_flow_rec *f = find_flow(r, flow);

	return f ? f->first : WN_NONE;
}

/* What a flow met at one TTL: a path has one responder there, a flow that is torn has more. */
struct spot {
	uint32_t probe; /* the first answered probe, WN_NONE */
	bool many;
};

static uint32_t responder_of(const struct wn_result *r, uint32_t probe)
{
	return r->replies[r->probes[probe].first_reply].responder;
}

static void walk_flow(
	const struct wn_result *r, const struct wn_flow_rec *flow, struct spot spots[256])
{
	for (unsigned ttl = 0; ttl < 256; ttl++)
		spots[ttl] = (struct spot){.probe = WN_NONE};
	for (uint32_t i = flow->first; i != WN_NONE; i = r->priv->next_in_flow[i]) {
		struct spot *s = &spots[r->probes[i].probe.ttl];

		if (r->probes[i].first_reply == WN_NONE ||
			wn_result_is_sizing(r, &r->probes[i].probe))
			continue;
		if (s->probe == WN_NONE)
			s->probe = i;
		else if (responder_of(r, s->probe) != responder_of(r, i))
			s->many = true;
	}
}

size_t wn_result_path(const struct wn_result *r, uint32_t flow, uint32_t *out, size_t cap)
{
	const struct wn_flow_rec *f = find_flow(r, flow);
	struct spot spots[256];
	size_t n = 0;

	if (!f)
		return 0;
	walk_flow(r, f, spots);
	for (uint32_t ttl = r->params.first_ttl; ttl <= r->last_ttl; ttl++, n++)
		if (n < cap)
			out[n] = spots[ttl].probe == WN_NONE ? WN_NONE
							     : responder_of(r, spots[ttl].probe);
	return n;
}

/* ---- links ---- */

struct edge {
	struct wn_link link;
	uint32_t seen;	    /* reply that completed it first */
	uint32_t last_flow; /* index + 1 of the flow that was counted last */
};

struct edges {
	struct wn_map map; /* (ttl, from, to), hashed, to index */
	struct edge *items;
	uint32_t count;
	struct wn_growth growth;
	wn_err err;
};

static uint64_t edge_key(const struct wn_link *l)
{
	uint64_t key = ((uint64_t)l->from << 32 | l->to) * 0x9e3779b97f4a7c15u;

	return (key ^ key >> 29) * 0xbf58476d1ce4e5b9u ^ l->ttl;
}

static struct edge *find_edge(struct edges *e, const struct wn_link *l, uint64_t *out_key)
{
	uint64_t key = edge_key(l);
	uint32_t i;

	for (; e->count > 0 && wn_map_get(&e->map, key, &i); key++) {
		const struct wn_link *have = &e->items[i].link;

		if (have->ttl == l->ttl && have->from == l->from && have->to == l->to)
			return &e->items[i];
	}
	*out_key = key;
	return NULL;
}

static struct edge *add_edge(struct edges *e, const struct wn_link *l, uint64_t key)
{
	e->err = wn_result_grow(&e->items, &e->growth, e->count, sizeof(*e->items));
	if (!e->err)
		e->err = wn_map_room(&e->map);
	if (e->err)
		return NULL;
	(void)wn_map_put(&e->map, key, e->count);
	e->items[e->count] = (struct edge){.link = *l, .seen = UINT32_MAX};
	return &e->items[e->count++];
}

static void note_edge(const struct wn_result *r, struct edges *e, uint32_t flow_index,
	uint32_t near, uint32_t far)
{
	struct wn_link l = {
		.ttl = r->probes[near].probe.ttl,
		.from = responder_of(r, near),
		.to = responder_of(r, far),
	};
	uint32_t a = r->probes[near].first_reply;
	uint32_t b = r->probes[far].first_reply;
	uint64_t key;
	struct edge *edge = find_edge(e, &l, &key);

	if (!edge)
		edge = add_edge(e, &l, key);
	if (!edge)
		return;
	if (edge->last_flow != flow_index + 1)
		edge->link.flows++;
	edge->last_flow = flow_index + 1;
	if ((a > b ? a : b) < edge->seen)
		edge->seen = a > b ? a : b;
}

/* Answered probes of a flow at one TTL, by number. */
static wn_err index_numbers(
	const struct wn_result *r, const struct wn_flow_rec *f, unsigned ttl, struct wn_map *out)
{
	wn_err err = wn_map_room(out);

	for (uint32_t i = f->first; i != WN_NONE && !err; i = r->priv->next_in_flow[i]) {
		const struct wn_probe_rec *p = &r->probes[i];
		uint32_t have;

		if (p->probe.ttl != ttl || p->first_reply == WN_NONE ||
			wn_result_is_sizing(r, &p->probe))
			continue;
		if (!wn_map_get(out, p->number, &have))
			err = wn_map_put(out, p->number, i);
		if (!err)
			err = wn_map_room(out);
	}
	return err;
}

/*
 * A flow that met one responder at each end proves the link. One that met several (the path
 * changed, or packets are spread one by one) pairs only probes of the same number, which left
 * next to each other: every pair would draw links that no packet can have taken.
 */
static void link_torn(const struct wn_result *r, struct edges *e, uint32_t flow_index, unsigned ttl)
{
	const struct wn_flow_rec *f = &r->priv->flows[flow_index];
	struct wn_map far = {0};

	e->err = index_numbers(r, f, ttl + 1, &far);
	for (uint32_t i = f->first; i != WN_NONE && !e->err; i = r->priv->next_in_flow[i]) {
		const struct wn_probe_rec *p = &r->probes[i];
		uint32_t mate;

		if (p->probe.ttl == ttl && p->first_reply != WN_NONE &&
			!wn_result_is_sizing(r, &p->probe) && wn_map_get(&far, p->number, &mate))
			note_edge(r, e, flow_index, i, mate);
	}
	wn_map_fini(&far);
}

static void link_flow(const struct wn_result *r, struct edges *e, uint32_t flow_index)
{
	struct spot spots[256];

	walk_flow(r, &r->priv->flows[flow_index], spots);
	for (unsigned ttl = 1; ttl < r->last_ttl && !e->err; ttl++) {
		const struct spot *near = &spots[ttl], *far = &spots[ttl + 1];

		if (near->probe == WN_NONE || far->probe == WN_NONE)
			continue;
		if (near->many || far->many)
			link_torn(r, e, flow_index, ttl);
		else
			note_edge(r, e, flow_index, near->probe, far->probe);
	}
}

static size_t copy_sorted(const struct edges *e, struct wn_link *out, size_t cap)
{
	struct wn_sort_item *order = wn_calloc(e->count, sizeof(*order));

	if (!order)
		return SIZE_MAX;
	for (uint32_t i = 0; i < e->count; i++)
		order[i] = (struct wn_sort_item){
			.key = (uint64_t)e->items[i].link.ttl << 32 | e->items[i].seen,
			.val = i,
		};
	wn_sort_items(order, e->count);
	for (uint32_t i = 0; i < e->count && i < cap; i++)
		out[i] = e->items[order[i].val].link;
	wn_free(order);
	return e->count;
}

size_t wn_result_links(const struct wn_result *r, struct wn_link *out, size_t cap)
{
	struct edges e = {.growth = {.limit = r->priv->limits.probes}};
	size_t n;

	for (uint32_t i = 0; i < r->priv->flow_count && !e.err; i++)
		link_flow(r, &e, i);
	n = e.err == WN_ENOMEM ? SIZE_MAX : copy_sorted(&e, out, cap);
	wn_map_fini(&e.map);
	wn_free(e.items);
	return n;
}

/* ---- silence ---- */

uint8_t wn_result_trailing_silent(const struct wn_result *r, uint8_t *out_last)
{
	unsigned sent[256] = {0}, undecided[256] = {0};
	unsigned last = 0, from = 0;

	*out_last = 0;
	if (r->reached || r->stop == WN_STOP_UNREACHABLE || r->stop == WN_STOP_LOOP)
		return 0;
	for (uint32_t i = 0; i < r->probe_count; i++) {
		sent[r->probes[i].probe.ttl] += r->probes[i].state != WN_PROBE_FAILED;
		undecided[r->probes[i].probe.ttl] += r->probes[i].state == WN_PROBE_PENDING;
	}
	for (unsigned ttl = r->last_ttl + 1; ttl < 256; ttl++) {
		if (r->hops[ttl].probes == 0)
			continue;
		last = ttl;
		if (sent[ttl] == 0 || undecided[ttl] > 0)
			from = 0;
		else if (from == 0)
			from = ttl;
	}
	if (from != 0)
		*out_last = (uint8_t)last;
	return (uint8_t)from;
}
