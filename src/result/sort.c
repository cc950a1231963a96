/* SPDX-License-Identifier: Apache-2.0 */
/* Heapsort: no recursion, no memory, no bad case that hostile samples could provoke. */
#include "result/result_int.h"

#include <stdbool.h>

static bool less(const struct wn_sort_item *a, const struct wn_sort_item *b)
{
	return a->key != b->key ? a->key < b->key : a->val < b->val;
}

static void swap(struct wn_sort_item *a, struct wn_sort_item *b)
{
	struct wn_sort_item t = *a;

	*a = *b;
	*b = t;
}

static void sift_down(struct wn_sort_item *items, size_t at, size_t count)
{
	for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && less(&items[child], &items[child + 1]))
			child++;
		if (!less(&items[at], &items[child]))
			return;
		swap(&items[at], &items[child]);
		at = child;
	}
}

static bool is_sorted(const struct wn_sort_item *items, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (less(&items[i], &items[i - 1]))
			return false;
	return true;
}

void wn_sort_items(struct wn_sort_item *items, size_t count)
{
	if (is_sorted(items, count))
		return;
	for (size_t i = count / 2; i-- > 0;)
		sift_down(items, i, count);
	for (size_t end = count; end-- > 1;) {
		swap(&items[0], &items[end]);
		sift_down(items, 0, end);
	}
}
