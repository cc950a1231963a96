/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear probing at a load of at most one half. Deleting shifts followers back instead of leaving
 * tombstones, so a table that lives through millions of probes stays as fast as a new one.
 */
#include "base/map.h"

#include "base/alloc.h"

#define LIMIT_MAX (SIZE_MAX / 64)
#define ROOM_MIN  16

wn_err wn_map_init(struct wn_map *m, size_t limit)
{
	size_t cap = 8;

	*m = (struct wn_map){0};
	if (limit > LIMIT_MAX)
		return WN_ENOMEM;
	while (cap < limit * 2)
		cap *= 2;
	m->keys = wn_calloc(cap, sizeof(*m->keys));
	m->vals = wn_calloc(cap, sizeof(*m->vals));
	m->used = wn_calloc(cap, sizeof(*m->used));
	if (!m->keys || !m->vals || !m->used) {
		wn_map_fini(m);
		return WN_ENOMEM;
	}
	m->mask = cap - 1;
	m->limit = limit;
	return WN_OK;
}

void wn_map_fini(struct wn_map *m)
{
	wn_free(m->keys);
	wn_free(m->vals);
	wn_free(m->used);
	*m = (struct wn_map){0};
}

/* Spreads keys which differ in few bits only (sequence numbers) over the table. */
static size_t home(const struct wn_map *m, uint64_t key)
{
	key *= 0x9e3779b97f4a7c15u;
	return (size_t)(key ^ key >> 32) & m->mask;
}

/* The slot of key, or the free slot where it would go: there is always a free one. */
static size_t slot_of(const struct wn_map *m, uint64_t key)
{
	size_t i = home(m, key);

	while (m->used[i] && m->keys[i] != key)
		i = (i + 1) & m->mask;
	return i;
}

wn_err wn_map_put(struct wn_map *m, uint64_t key, uint32_t val)
{
	size_t i = slot_of(m, key);

	if (!m->used[i]) {
		if (m->len >= m->limit)
			return WN_EFULL;
		m->used[i] = 1;
		m->keys[i] = key;
		m->len++;
	}
	m->vals[i] = val;
	return WN_OK;
}

wn_err wn_map_room(struct wn_map *m)
{
	struct wn_map bigger;
	wn_err err;

	if (m->len < m->limit)
		return WN_OK;
	err = wn_map_init(&bigger, m->limit ? m->limit * 2 : ROOM_MIN);
	if (err)
		return err;
	for (size_t i = 0; m->limit && i <= m->mask; i++)
		if (m->used[i])
			(void)wn_map_put(&bigger, m->keys[i], m->vals[i]);
	wn_map_fini(m);
	*m = bigger;
	return WN_OK;
}

bool wn_map_get(const struct wn_map *m, uint64_t key, uint32_t *out_val)
{
	size_t i = slot_of(m, key);

	if (m->used[i])
		*out_val = m->vals[i];
	return m->used[i];
}

bool wn_map_del(struct wn_map *m, uint64_t key)
{
	size_t hole = slot_of(m, key);

	if (!m->used[hole])
		return false;
	m->used[hole] = 0;
	m->len--;
	for (size_t i = (hole + 1) & m->mask; m->used[i]; i = (i + 1) & m->mask) {
		size_t want = home(m, m->keys[i]);

		/* Only an item whose home is not between the hole and itself may move back. */
		if (((i - want) & m->mask) < ((i - hole) & m->mask))
			continue;
		m->keys[hole] = m->keys[i];
		m->vals[hole] = m->vals[i];
		m->used[hole] = 1;
		m->used[i] = 0;
		hole = i;
	}
	return true;
}
