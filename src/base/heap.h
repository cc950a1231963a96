/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary min-heap of (time, sequence, value): the earliest time comes out first, equal times
 * in the order they went in, so that runs are repeatable. Grows up to `limit` entries.
 */
#ifndef WN_BASE_HEAP_H
#define WN_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

struct wn_heap_item {
	uint64_t at_ns;
	uint64_t order;
	uint64_t value; /* an index or a pointer, the user's affair */
};

struct wn_heap {
	struct wn_heap_item *items; /* owned */
	size_t len, cap, limit;
	uint64_t next_order;
};

void wn_heap_init(struct wn_heap *h, size_t limit);
void wn_heap_fini(struct wn_heap *h);
/* Pushes up to this many items in all will find memory. */
wn_err wn_heap_room(struct wn_heap *h, size_t items);			/* WN_EFULL, WN_ENOMEM */
wn_err wn_heap_push(struct wn_heap *h, uint64_t at_ns, uint64_t value); /* WN_EFULL, WN_ENOMEM */
const struct wn_heap_item *wn_heap_peek(const struct wn_heap *h);	/* NULL when empty */
bool wn_heap_pop(struct wn_heap *h, struct wn_heap_item *out);

#endif
