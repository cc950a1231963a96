/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is given back all at once. An arena is bounded: beyond its limit it yields NULL. */
#ifndef WN_BASE_ARENA_H
#define WN_BASE_ARENA_H

#include <stddef.h>

struct wn_arena_block;
struct wn_arena {
	struct wn_arena_block *head;
	size_t used_bytes; /* handed out */
	size_t limit_bytes;
};

void wn_arena_init(struct wn_arena *a, size_t limit_bytes);
void wn_arena_fini(struct wn_arena *a);
void *wn_arena_alloc(struct wn_arena *a, size_t bytes); /* zeroed, max-aligned; NULL when full */
char *wn_arena_strdup(struct wn_arena *a, const char *text);

#endif
