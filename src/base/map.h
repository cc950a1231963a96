/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uint64 to uint32 hash map with open addressing, for matching tables. Keys are secret-derived
 * or hashed by the caller. Fixed capacity, allocated at init: put never allocates, and answers
 * WN_EFULL at the limit, which wn_map_room moves.
 */
#ifndef WN_BASE_MAP_H
#define WN_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

struct wn_map {
	uint64_t *keys; /* owned, like vals and used */
	uint32_t *vals;
	uint8_t *used;
	size_t mask, len, limit;
};

wn_err wn_map_init(struct wn_map *m, size_t limit);
void wn_map_fini(struct wn_map *m);
/* Room for one more: the next put will not fail. One that is all zero may grow, too. WN_ENOMEM. */
wn_err wn_map_room(struct wn_map *m);
wn_err wn_map_put(struct wn_map *m, uint64_t key, uint32_t val); /* replaces */
bool wn_map_get(const struct wn_map *m, uint64_t key, uint32_t *out_val);
bool wn_map_del(struct wn_map *m, uint64_t key);

#endif
