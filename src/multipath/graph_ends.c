/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target one TTL too far. A flow that was answered by nobody where the others met the target,
 * and then by the target from farther away, has lost its answers there: it would show the target
 * twice. That is said where all who passed the same router, and were answered one TTL on, met the
 * target there; or, if it is not known what it passed, where all who were answered at the nearest
 * TTL of the target met it. Are there more than a few such flows, they have a longer way, behind
 * silence.
 */
#include "multipath/graph_int.h"

#include "base/alloc.h"

#define FEW 8 /* one in so many of those that met the target nearer */

/* What was said of the next TTL, below the router that was passed: in the low bits of a key. */
enum what { MET, WENT_ON, LATE };

struct ends {
	struct wn_builder *b;
	uint64_t *keys; /* place << 2 | what */
	uint32_t count;
	uint8_t nearest; /* TTL of the target; 0 none */
};

static bool is_answered(const struct wn_cell *c)
{
	return c->kind == WN_CELL_ONE || c->kind == WN_CELL_TORN;
}

/* The last answered cell of the same flow before it; NULL. */
static const struct wn_cell *before(const struct wn_builder *b, uint32_t cell)
{
	for (uint32_t i = cell; i-- > 0 && b->cells[i].flow == b->cells[cell].flow;)
		if (is_answered(&b->cells[i]))
			return &b->cells[i];
	return NULL;
}

static uint64_t place_of(const struct wn_cell *c)
{
	return ((uint64_t)c->ttl << 32 | c->responder) << 2;
}

/* The target was met later than one TTL on, at a place where that is odd. */
static bool is_late(const struct ends *e, uint32_t cell, uint64_t *out_place)
{
	const struct wn_cell *c = &e->b->cells[cell], *from = before(e->b, cell);

	if (c->kind != WN_CELL_ONE || !c->reached || !c->ends)
		return false;
	if (from && from->kind == WN_CELL_ONE && from->ttl + 1 >= e->nearest) {
		*out_place = place_of(from);
		return from->ttl + 1 < c->ttl;
	}
	*out_place = 0; /* the nearest TTL of the target */
	return (!from || from->ttl < e->nearest) && c->ttl > e->nearest;
}

static void add(struct ends *e, uint64_t place, enum what what)
{
	e->keys[e->count++] = place | what;
}

static void collect(struct ends *e)
{
	const struct wn_builder *b = e->b;
	uint64_t place;

	for (uint32_t i = 0; i < b->cell_count; i++) {
		const struct wn_cell *c = &b->cells[i];
		enum what what = c->reached ? MET : WENT_ON;

		if (!is_answered(c))
			continue;
		if (c->ttl == e->nearest)
			add(e, 0, what);
		if (i > 0 && c[-1].flow == c->flow && c[-1].kind == WN_CELL_ONE &&
			c[-1].ttl + 1 == c->ttl)
			add(e, place_of(&c[-1]), what);
		if (is_late(e, i, &place))
			add(e, place, LATE);
	}
	wn_graph_sort(e->keys, e->count);
}

/* The first key that is not less. */
static uint32_t find(const struct ends *e, uint64_t key)
{
	uint32_t low = 0, high = e->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (e->keys[mid] < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_lost(const struct ends *e, uint64_t place)
{
	uint32_t met = find(e, place | WENT_ON) - find(e, place | MET);
	uint32_t on = find(e, place | LATE) - find(e, place | WENT_ON);
	uint32_t late = find(e, (place | LATE) + 1) - find(e, place | LATE);

	return met > 0 && on == 0 && (late == 1 || late * FEW <= met);
}

wn_err wn_graph_cut_ends(struct wn_builder *b)
{
	struct ends e = {.b = b};
	uint64_t place;

	for (uint32_t i = 0; i < b->cell_count; i++)
		if (b->cells[i].reached && (e.nearest == 0 || b->cells[i].ttl < e.nearest))
			e.nearest = b->cells[i].ttl;
	if (e.nearest == 0)
		return WN_OK;
	e.keys = wn_calloc(3 * (size_t)b->cell_count, sizeof(*e.keys));
	if (!e.keys)
		return WN_ENOMEM;
	collect(&e);
	/* What is cut changes nothing for the others: it is the last of its flow. */
	for (uint32_t i = b->cell_count; i-- > 0;)
		if (is_late(&e, i, &place) && is_lost(&e, place)) {
			b->cells[i].kind = WN_CELL_UNKNOWN;
			b->cells[i].ends = b->cells[i].reached = false;
		}
	wn_free(e.keys);
	return WN_OK;
}
