/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting of numbers with what belongs to them. */
#include "result/result_int.h"

#include <stdbool.h>
#include "base/sort.h"

static bool less(const void *items, size_t a, size_t b)
{
	const struct wn_sort_item *x = (const struct wn_sort_item *)items + a;
	const struct wn_sort_item *y = (const struct wn_sort_item *)items + b;

	return x->key != y->key ? x->key < y->key : x->val < y->val;
}

static void swap(void *items, size_t a, size_t b)
{
	struct wn_sort_item *v = items, t = v[a];

	v[a] = v[b];
	v[b] = t;
}

void wn_sort_items(struct wn_sort_item *items, size_t count)
{
	static const struct wn_sort_ops ops = {less, swap};

	wn_sort(items, count, &ops);
}
