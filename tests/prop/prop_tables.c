/* SPDX-License-Identifier: Apache-2.0 */
/* Map and heap do what the simplest imaginable table does, under any sequence of operations. */
#include "prop.h"

#include <stdbool.h>
#include <string.h>
#include "base/cursor.h"
#include "base/heap.h"
#include "base/map.h"

#define LIMIT 24

struct pair {
	uint64_t key;
	uint32_t val;
};

/* Unsorted, searched from the front. */
struct naive_map {
	struct pair pairs[LIMIT];
	size_t len;
};

static struct pair *naive_find(struct naive_map *m, uint64_t key)
{
	for (size_t i = 0; i < m->len; i++)
		if (m->pairs[i].key == key)
			return &m->pairs[i];
	return NULL;
}

static void map_put(struct wn_map *m, struct naive_map *n, struct pair p)
{
	struct pair *old = naive_find(n, p.key);
	wn_err err = wn_map_put(m, p.key, p.val);

	if (!old && n->len == LIMIT) {
		prop_check(err == WN_EFULL);
		return;
	}
	prop_check(err == WN_OK);
	if (!old)
		old = &n->pairs[n->len++];
	*old = p;
}

static void map_del(struct wn_map *m, struct naive_map *n, uint64_t key)
{
	struct pair *old = naive_find(n, key);

	prop_check(wn_map_del(m, key) == (old != NULL));
	if (old)
		*old = n->pairs[--n->len];
}

/* Few distinct keys, some far apart: collisions and wrapped probe sequences both happen. */
static void check_map(struct wn_rd r)
{
	struct naive_map n = {0};
	struct wn_map m;

	prop_check(wn_map_init(&m, LIMIT) == WN_OK);
	while (wn_rd_left(&r) > 0) {
		uint8_t op = wn_rd_u8(&r);
		uint64_t key = (uint64_t)(wn_rd_u8(&r) & 63) << (op & 0x18 ? 0 : 40);
		uint32_t val = 0;
		struct pair *want;

		if (op & 1)
			map_put(&m, &n, (struct pair){key, op});
		else
			map_del(&m, &n, key);
		want = naive_find(&n, key);
		prop_check(wn_map_get(&m, key, &val) == (want != NULL));
		prop_check(!want || want->val == val);
		prop_check(m.len == n.len);
	}
	for (size_t i = 0; i < n.len; i++) {
		uint32_t val;

		prop_check(wn_map_get(&m, n.pairs[i].key, &val) && val == n.pairs[i].val);
	}
	wn_map_fini(&m);
}

/* The first of the earliest items of a list in order of arrival. */
static size_t naive_min(const struct wn_heap_item *items, size_t len)
{
	size_t best = 0;

	for (size_t i = 1; i < len; i++)
		if (items[i].at_ns < items[best].at_ns)
			best = i;
	return best;
}

static void heap_pop(struct wn_heap *h, struct wn_heap_item *items, size_t *len)
{
	struct wn_heap_item got;
	size_t best;

	prop_check(wn_heap_pop(h, &got) == (*len > 0));
	if (*len == 0)
		return;
	best = naive_min(items, *len);
	prop_check(got.at_ns == items[best].at_ns && got.value == items[best].value);
	memmove(items + best, items + best + 1, (*len - best - 1) * sizeof(*items));
	(*len)--;
}

static void check_heap(struct wn_rd r)
{
	struct wn_heap_item items[LIMIT];
	uint64_t serial = 0;
	size_t len = 0;
	struct wn_heap h;

	wn_heap_init(&h, LIMIT);
	while (wn_rd_left(&r) > 0) {
		uint8_t op = wn_rd_u8(&r);

		if (op % 3 == 0) {
			heap_pop(&h, items, &len);
			continue;
		}
		serial++;
		prop_check(wn_heap_push(&h, op & 15, serial) == (len < LIMIT ? WN_OK : WN_EFULL));
		if (len < LIMIT)
			items[len++] = (struct wn_heap_item){.at_ns = op & 15, .value = serial};
		prop_check(wn_heap_peek(&h)->value == items[naive_min(items, len)].value);
	}
	while (len > 0)
		heap_pop(&h, items, &len);
	prop_check(!wn_heap_peek(&h));
	wn_heap_fini(&h);
}

int prop_tables(const uint8_t *data, size_t size)
{
	struct wn_rd r;

	wn_rd_init(&r, data, size);
	check_map(r);
	check_heap(r);
	return 0;
}
