/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a result: their birth, their bounded growth and how entries are found. Everything
 * is reserved before anything is changed, so that a fold step happens wholly or not at all.
 */
#include "result/result_int.h"

#include <string.h>
#include "base/alloc.h"

#define PROBES_DEFAULT	   65536
#define REPLIES_DEFAULT	   131072
#define RESPONDERS_DEFAULT 16384
#define NOTES_DEFAULT	   1024
#define SIDES_DEFAULT	   4096
#define BYTES_DEFAULT	   ((size_t)16 << 20)
#define PROBES_MAX	   (1u << 22) /* sums of squares in stats.c stay below 2^128 */
#define CAP_MIN		   16

static struct wn_result_limits limits_or_defaults(const struct wn_result_limits *given)
{
	struct wn_result_limits l = given ? *given : (struct wn_result_limits){0};

	if (l.probes == 0)
		l.probes = PROBES_DEFAULT;
	if (l.probes > PROBES_MAX)
		l.probes = PROBES_MAX;
	if (l.replies == 0)
		l.replies = REPLIES_DEFAULT;
	if (l.responders == 0)
		l.responders = RESPONDERS_DEFAULT;
	if (l.responders > PROBES_MAX)
		l.responders = PROBES_MAX;
	if (l.notes == 0)
		l.notes = NOTES_DEFAULT;
	if (l.sides == 0)
		l.sides = SIDES_DEFAULT;
	if (l.sides > PROBES_MAX)
		l.sides = PROBES_MAX;
	if (l.bytes == 0)
		l.bytes = BYTES_DEFAULT;
	return l;
}

static void set_growth(struct wn_result_priv *p)
{
	p->probes.limit = p->limits.probes;
	p->next_g.limit = p->limits.probes;
	p->flows_g.limit = p->limits.probes;
	p->replies.limit = p->limits.replies;
	p->responders.limit = p->limits.responders;
	p->notes.limit = p->limits.notes;
	p->sides.limit = p->limits.sides;
}

struct wn_result *wn_result_new(const struct wn_result_limits *limits)
{
	struct wn_result *r = wn_calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->priv = wn_calloc(1, sizeof(*r->priv));
	if (!r->priv) {
		wn_free(r);
		return NULL;
	}
	r->priv->limits = limits_or_defaults(limits);
	set_growth(r->priv);
	wn_arena_init(&r->priv->arena, r->priv->limits.bytes);
	r->reached_reply = WN_NONE;
	for (unsigned ttl = 0; ttl < 256; ttl++)
		r->hops[ttl].ttl = (uint8_t)ttl;
	return r;
}

void wn_result_free(struct wn_result *r)
{
	if (!r)
		return;
	for (unsigned ttl = 0; ttl < 256; ttl++)
		wn_free(r->hops[ttl].responders);
	wn_map_fini(&r->priv->probe_map);
	wn_map_fini(&r->priv->responder_map);
	wn_map_fini(&r->priv->flow_map);
	wn_arena_fini(&r->priv->arena);
	wn_free(r->priv->flows);
	wn_free(r->priv->next_in_flow);
	wn_free(r->priv);
	wn_free(r->probes);
	wn_free(r->replies);
	wn_free(r->responders);
	wn_free(r->notes);
	wn_free(r->sides);
	wn_free(r);
}

wn_err wn_result_grow(void *array_at, struct wn_growth *g, uint32_t count, size_t item_bytes)
{
	uint32_t cap = g->cap > g->limit / 2 ? g->limit : g->cap * 2;
	void *old, *grown;

	if (count < g->cap)
		return WN_OK;
	if (count >= g->limit)
		return WN_EFULL;
	if (cap < CAP_MIN)
		cap = g->limit < CAP_MIN ? g->limit : CAP_MIN;
	memcpy(&old, array_at, sizeof(old));
	grown = wn_realloc(old, cap, item_bytes);
	if (!grown)
		return WN_ENOMEM;
	memcpy(array_at, &grown, sizeof(grown));
	g->cap = cap;
	return WN_OK;
}

/* wn_map reads its arrays without asking whether there are any. */
static bool map_get(const struct wn_map *m, uint64_t key, uint32_t *out)
{
	return m->limit > 0 && wn_map_get(m, key, out);
}

bool wn_result_is_sizing(const struct wn_result *r, const struct wn_probe *probe)
{
	return r->params.pmtu && probe->size != r->params.size;
}

uint32_t wn_result_find_probe(const struct wn_result *r, uint64_t id)
{
	uint32_t i;

	return map_get(&r->priv->probe_map, id, &i) && !(i & WN_SIDE_BIT) ? i : WN_NONE;
}

bool wn_result_knows_id(const struct wn_result *r, uint64_t id)
{
	uint32_t i;

	return map_get(&r->priv->probe_map, id, &i);
}

uint32_t wn_result_find_side(const struct wn_result *r, uint64_t id)
{
	uint32_t i;

	return map_get(&r->priv->probe_map, id, &i) && (i & WN_SIDE_BIT) ? i & ~WN_SIDE_BIT
									 : WN_NONE;
}

uint32_t wn_result_responder_key(
	const struct wn_result *r, const struct wn_addr *addr, uint64_t *out_key)
{
	uint64_t key = wn_addr_hash(addr);
	uint32_t i;

	/* Two addresses of one hash sit at neighbouring keys. */
	for (; map_get(&r->priv->responder_map, key, &i); key++)
		if (wn_addr_eq(&r->responders[i].addr, addr))
			return i;
	*out_key = key;
	return WN_NONE;
}

uint32_t wn_result_find_responder(const struct wn_result *r, const struct wn_addr *addr)
{
	uint64_t key;

	return wn_result_responder_key(r, addr, &key);
}
