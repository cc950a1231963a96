/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting: in order, and nothing lost, whatever the order before. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "base/sort.h"

#define COUNT_MAX 300

static size_t compared;

static bool less(const void *items, size_t a, size_t b)
{
	const uint32_t *v = items;

	compared++;
	return v[a] < v[b];
}

static void swap(void *items, size_t a, size_t b)
{
	uint32_t *v = items, t = v[a];

	v[a] = v[b];
	v[b] = t;
}

static const struct wn_sort_ops ops = {less, swap};

static void test_any_order(void **state)
{
	struct wn_rng rng;

	(void)state;
	wn_rng_seed(&rng, 7);
	for (size_t count = 0; count < COUNT_MAX; count++) {
		uint32_t v[COUNT_MAX], seen[16] = {0};

		for (size_t i = 0; i < count; i++) {
			v[i] = (uint32_t)wn_rng_below(&rng, 16);
			seen[v[i]]++;
		}
		wn_sort(v, count, &ops);
		for (size_t i = 0; i < count; i++) {
			assert_true(i == 0 || v[i - 1] <= v[i]);
			seen[v[i]]--;
		}
		for (size_t i = 0; i < 16; i++)
			assert_int_equal(seen[i], 0);
	}
}

/* No order is a bad case, and what is in order costs one look at each. */
static void test_cost(void **state)
{
	uint32_t v[256];

	(void)state;
	for (size_t i = 0; i < 256; i++)
		v[i] = (uint32_t)(256 - i);
	compared = 0;
	wn_sort(v, 256, &ops);
	assert_in_range(compared, 1, 256 * 2 * 8 * 2);
	compared = 0;
	wn_sort(v, 256, &ops);
	assert_int_equal(compared, 255);
}

struct odd {
	unsigned char key, rest[10];
};

static bool odd_less(const void *items, size_t a, size_t b)
{
	const struct odd *v = items;

	return v[a].key < v[b].key;
}

/* Items move as they are, whatever their size, and those beside the array not at all. */
static void test_array(void **state)
{
	struct odd v[COUNT_MAX + 2];
	struct wn_rng rng;

	(void)state;
	wn_rng_seed(&rng, 9);
	memset(v, 0xee, sizeof(v));
	for (size_t i = 1; i <= COUNT_MAX; i++) {
		v[i].key = (unsigned char)wn_rng_below(&rng, 200);
		for (size_t b = 0; b < sizeof(v[i].rest); b++)
			v[i].rest[b] = (unsigned char)(v[i].key + b + 1);
	}
	wn_sort_array(v + 1, COUNT_MAX, sizeof(*v), odd_less);
	for (size_t i = 1; i <= COUNT_MAX; i++) {
		assert_true(i == 1 || v[i - 1].key <= v[i].key);
		for (size_t b = 0; b < sizeof(v[i].rest); b++)
			assert_int_equal(v[i].rest[b], (unsigned char)(v[i].key + b + 1));
	}
	for (size_t b = 0; b < sizeof(*v); b++) {
		assert_int_equal(((unsigned char *)&v[0])[b], 0xee);
		assert_int_equal(((unsigned char *)&v[COUNT_MAX + 1])[b], 0xee);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
