/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting: in order, and nothing lost, whatever the order before. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
