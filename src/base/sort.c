/* SPDX-License-Identifier: Apache-2.0 */
/* Heapsort. What is in order already, which is common, is only looked through. */
#include "base/sort.h"

#include <stdint.h>
#include <string.h>

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

/* ---- arrays ---- */

struct array {
	unsigned char *items;
	size_t item_bytes;
	bool (*less)(const void *items, size_t a, size_t b);
};

static bool array_less(const void *array, size_t a, size_t b)
{
	const struct array *v = array;

	return v->less(v->items, a, b);
}

/* By words of a known size, which is as good as an assignment. */
static void array_swap(void *array, size_t a, size_t b)
{
	const struct array *v = array;
	unsigned char *x = v->items + a * v->item_bytes, *y = v->items + b * v->item_bytes;
	size_t left = v->item_bytes;

	for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
		uint64_t was, is;

		memcpy(&was, x, sizeof(was));
		memcpy(&is, y, sizeof(is));
		memcpy(x, &is, sizeof(is));
		memcpy(y, &was, sizeof(was));
		x += sizeof(was);
		y += sizeof(was);
	}
	for (; left > 0; left--) {
		unsigned char was = *x;

		*x++ = *y;
		*y++ = was;
	}
}

void wn_sort_array(void *items, size_t count, size_t item_bytes,
	bool (*less)(const void *items, size_t a, size_t b))
{
	static const struct wn_sort_ops ops = {array_less, array_swap};
	struct array array = {items, item_bytes, less};

	wn_sort(&array, count, &ops);
}
