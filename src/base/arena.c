/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bump allocation out of a list of zeroed blocks. The head is the block being filled; a request
 * too large for the usual block gets its own behind the head, so that no started block is wasted.
 */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>
#include "base/alloc.h"

#define BLOCK_BYTES 16384
#define ALIGN	    _Alignof(max_align_t)

struct wn_arena_block {
	struct wn_arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) uint8_t data[];
};

void wn_arena_init(struct wn_arena *a, size_t limit_bytes)
{
	*a = (struct wn_arena){.limit_bytes = limit_bytes};
}

void wn_arena_fini(struct wn_arena *a)
{
	while (a->head) {
		struct wn_arena_block *next = a->head->next;

		wn_free(a->head);
		a->head = next;
	}
	*a = (struct wn_arena){0};
}

static struct wn_arena_block *add_block(struct wn_arena *a, size_t bytes)
{
	size_t size = bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES;
	struct wn_arena_block *b = wn_calloc(1, sizeof(*b) + size);

	if (!b)
		return NULL;
	b->size = size;
	if (size == BLOCK_BYTES || !a->head) {
		b->next = a->head;
		a->head = b;
	} else {
		b->next = a->head->next;
		a->head->next = b;
	}
	return b;
}

void *wn_arena_alloc(struct wn_arena *a, size_t bytes)
{
	struct wn_arena_block *b = a->head;
	void *out;

	if (bytes > a->limit_bytes || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = bytes ? (bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
	if (bytes > a->limit_bytes - a->used_bytes)
		return NULL;
	if (!b || b->size - b->used < bytes)
		b = add_block(a, bytes);
	if (!b)
		return NULL;
	out = b->data + b->used;
	b->used += bytes;
	a->used_bytes += bytes;
	return out;
}

char *wn_arena_strdup(struct wn_arena *a, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = wn_arena_alloc(a, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}
