/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting in place: no recursion, no memory, no bad case that hostile samples could provoke. */
#ifndef WN_BASE_SORT_H
#define WN_BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>

struct wn_sort_ops {
	bool (*less)(const void *items, size_t a, size_t b); /* of the items at a and b */
	void (*swap)(void *items, size_t a, size_t b);
};

/* Ascending. Items of which neither is less may end up in either order. */
void wn_sort(void *items, size_t count, const struct wn_sort_ops *ops);
/* The same of an array whose items, of so many bytes, may be moved as they are. */
void wn_sort_array(void *items, size_t count, size_t item_bytes,
	bool (*less)(const void *items, size_t a, size_t b));

#endif
