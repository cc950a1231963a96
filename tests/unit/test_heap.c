/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "alloc_fault.h"
#include "base/heap.h"
#include "base/rng.h"

static void test_earliest_first(void **state)
{
	struct wn_heap_item item;
	struct wn_heap h;

	(void)state;
	wn_heap_init(&h, 10);
	assert_null(wn_heap_peek(&h));
	assert_false(wn_heap_pop(&h, &item));
	assert_int_equal(wn_heap_push(&h, 30, 3), WN_OK);
	assert_int_equal(wn_heap_push(&h, 10, 1), WN_OK);
	assert_int_equal(wn_heap_push(&h, UINT64_MAX, 4), WN_OK);
	assert_int_equal(wn_heap_push(&h, 20, 2), WN_OK);
	assert_int_equal(wn_heap_peek(&h)->value, 1);
	for (uint64_t want = 1; want <= 4; want++) {
		assert_true(wn_heap_pop(&h, &item));
		assert_true(item.value == want);
	}
	assert_false(wn_heap_pop(&h, &item));
	wn_heap_fini(&h);
}

/* Equal times leave in the order they came, also when pops are in between. */
static void test_equal_times_keep_order(void **state)
{
	uint64_t last[4] = {0};
	struct wn_heap_item item;
	struct wn_heap h;
	struct wn_rng r;

	(void)state;
	wn_rng_seed(&r, 3);
	wn_heap_init(&h, 4000);
	for (uint64_t i = 1; i <= 4000; i++) {
		assert_int_equal(wn_heap_push(&h, wn_rng_below(&r, 4), i), WN_OK);
		if (i % 3 == 0 && wn_heap_pop(&h, &item) && item.at_ns == 0) {
			assert_true(item.value > last[0]);
			last[0] = item.value;
		}
	}
	while (wn_heap_pop(&h, &item)) {
		if (item.at_ns > 0 && last[item.at_ns] == 0)
			last[item.at_ns] = 1;
		assert_true(item.value > last[item.at_ns] || item.value == 1);
		last[item.at_ns] = item.value;
	}
	wn_heap_fini(&h);
}

static void test_limit(void **state)
{
	struct wn_heap_item item;
	struct wn_heap h;

	(void)state;
	wn_heap_init(&h, 17);
	for (uint64_t i = 0; i < 17; i++)
		assert_int_equal(wn_heap_push(&h, i, i), WN_OK);
	assert_int_equal(wn_heap_push(&h, 0, 99), WN_EFULL);
	assert_true(wn_heap_pop(&h, &item));
	assert_int_equal(item.value, 0);
	assert_int_equal(wn_heap_push(&h, 50, 50), WN_OK);
	wn_heap_fini(&h);
	wn_heap_init(&h, 0);
	assert_int_equal(wn_heap_push(&h, 0, 0), WN_EFULL);
	wn_heap_fini(&h);
}

static void test_out_of_memory_loses_nothing(void **state)
{
	struct wn_heap_item item;
	struct wn_heap h;

	(void)state;
	wn_heap_init(&h, 100);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(wn_heap_push(&h, i, i), WN_OK);
	alloc_fault_arm(1);
	assert_int_equal(wn_heap_push(&h, 16, 16), WN_ENOMEM);
	assert_true(alloc_fault_disarm());
	assert_int_equal(wn_heap_push(&h, 16, 16), WN_OK);
	for (uint64_t i = 0; i <= 16; i++)
		assert_true(wn_heap_pop(&h, &item) && item.value == i);
	wn_heap_fini(&h);
}

static void test_room(void **state)
{
	struct wn_heap h;

	(void)state;
	wn_heap_init(&h, 100);
	alloc_fault_arm_from(1);
	assert_int_equal(wn_heap_room(&h, 1), WN_ENOMEM);
	assert_true(alloc_fault_disarm());
	assert_int_equal(wn_heap_room(&h, 101), WN_EFULL);
	assert_int_equal(wn_heap_room(&h, 100), WN_OK);
	alloc_fault_arm_from(1);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(wn_heap_push(&h, i, i), WN_OK);
	assert_int_equal(wn_heap_room(&h, 50), WN_OK);
	assert_false(alloc_fault_disarm());
	wn_heap_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_earliest_first),
		cmocka_unit_test(test_equal_times_keep_order),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_out_of_memory_loses_nothing),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
