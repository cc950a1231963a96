/* SPDX-License-Identifier: Apache-2.0 */
/* Heapsort. What is in order already, which is common, is only looked through. */
#include "base/sort.h"

static void sift_down(void *items, size_t at, size_t count, const struct wn_sort_ops *ops)
{
	for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && ops->less(items, child, child + 1))
			child++;
		if (!ops->less(items, at, child))
			return;
		ops->swap(items, at, child);
		at = child;
	}
}

static bool is_sorted(const void *items, size_t count, const struct wn_sort_ops *ops)
{
	for (size_t i = 1; i < count; i++)
		if (ops->less(items, i, i - 1))
			return false;
	return true;
}

void wn_sort(void *items, size_t count, const struct wn_sort_ops *ops)
{
	if (is_sorted(items, count, ops))
		return;
	for (size_t i = count / 2; i-- > 0;)
		sift_down(items, i, count, ops);
	for (size_t end = count; end-- > 1;) {
		ops->swap(items, 0, end);
		sift_down(items, 0, end, ops);
	}
}
