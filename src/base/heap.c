/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: no item sorts before its parent; (at_ns, order) is unique, so the order is total. */
#include "base/heap.h"

#include "base/alloc.h"

#define CAP_MIN 16

void wn_heap_init(struct wn_heap *h, size_t limit)
{
	*h = (struct wn_heap){.limit = limit};
}

void wn_heap_fini(struct wn_heap *h)
{
	wn_free(h->items);
	*h = (struct wn_heap){0};
}

static bool before(const struct wn_heap_item *a, const struct wn_heap_item *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static wn_err grow(struct wn_heap *h)
{
	size_t cap = h->cap ? h->cap * 2 : CAP_MIN;
	struct wn_heap_item *items;

	if (cap > h->limit)
		cap = h->limit;
	items = wn_realloc(h->items, cap, sizeof(*items));
	if (!items)
		return WN_ENOMEM;
	h->items = items;
	h->cap = cap;
	return WN_OK;
}

wn_err wn_heap_room(struct wn_heap *h, size_t items)
{
	wn_err err = items > h->limit ? WN_EFULL : WN_OK;

	while (err == WN_OK && h->cap < items)
		err = grow(h);
	return err;
}

wn_err wn_heap_push(struct wn_heap *h, uint64_t at_ns, uint64_t value)
{
	struct wn_heap_item item = {at_ns, h->next_order, value};
	size_t i = h->len;

	if (h->len >= h->limit)
		return WN_EFULL;
	if (h->len == h->cap && grow(h) != WN_OK)
		return WN_ENOMEM;
	h->next_order++;
	h->len++;
	for (; i > 0 && before(&item, &h->items[(i - 1) / 2]); i = (i - 1) / 2)
		h->items[i] = h->items[(i - 1) / 2];
	h->items[i] = item;
	return WN_OK;
}

const struct wn_heap_item *wn_heap_peek(const struct wn_heap *h)
{
	return h->len ? &h->items[0] : NULL;
}

bool wn_heap_pop(struct wn_heap *h, struct wn_heap_item *out)
{
	struct wn_heap_item last;
	size_t i = 0;
	size_t child;

	if (h->len == 0)
		return false;
	*out = h->items[0];
	last = h->items[--h->len];
	while ((child = 2 * i + 1) < h->len) {
		if (child + 1 < h->len && before(&h->items[child + 1], &h->items[child]))
			child++;
		if (!before(&h->items[child], &last))
			break;
		h->items[i] = h->items[child];
		i = child;
	}
	h->items[i] = last;
	return true;
}
