/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "alloc_fault.h"
#include "base/map.h"

static void test_put_get_del(void **state)
{
	uint32_t val = 77;
	struct wn_map m;

	(void)state;
	assert_int_equal(wn_map_init(&m, 8), WN_OK);
	assert_false(wn_map_get(&m, 5, &val));
	assert_int_equal(val, 77);
	assert_false(wn_map_del(&m, 5));
	assert_int_equal(wn_map_put(&m, 5, 1), WN_OK);
	assert_int_equal(wn_map_put(&m, 5, 2), WN_OK);
	assert_int_equal(m.len, 1);
	assert_true(wn_map_get(&m, 5, &val));
	assert_int_equal(val, 2);
	assert_true(wn_map_del(&m, 5));
	assert_false(wn_map_get(&m, 5, &val));
	assert_int_equal(m.len, 0);
	wn_map_fini(&m);
}

static void test_every_key_is_allowed(void **state)
{
	static const uint64_t keys[] = {0, UINT64_MAX, 1, (uint64_t)1 << 63};
	struct wn_map m;
	uint32_t val;

	(void)state;
	assert_int_equal(wn_map_init(&m, 4), WN_OK);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(wn_map_put(&m, keys[i], i), WN_OK);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(wn_map_get(&m, keys[i], &val) && val == i);
	wn_map_fini(&m);
}

/* At the limit old keys still may change, new ones find no place until one is gone. */
static void test_limit(void **state)
{
	struct wn_map m;
	uint32_t val;

	(void)state;
	assert_int_equal(wn_map_init(&m, 1000), WN_OK);
	for (uint64_t k = 0; k < 1000; k++)
		assert_int_equal(wn_map_put(&m, k << 40, (uint32_t)k), WN_OK);
	assert_int_equal(wn_map_put(&m, 1, 1), WN_EFULL);
	assert_int_equal(wn_map_put(&m, (uint64_t)7 << 40, 8), WN_OK);
	assert_true(wn_map_del(&m, 0));
	assert_int_equal(wn_map_put(&m, 1, 1), WN_OK);
	assert_true(wn_map_get(&m, (uint64_t)999 << 40, &val) && val == 999);
	wn_map_fini(&m);
	assert_int_equal(wn_map_init(&m, 0), WN_OK);
	assert_int_equal(wn_map_put(&m, 1, 1), WN_EFULL);
	assert_false(wn_map_get(&m, 1, &val));
	wn_map_fini(&m);
}

/* From nothing on, and nothing is forgotten on the way. */
static void test_room(void **state)
{
	struct wn_map m = {0};
	uint32_t val;

	(void)state;
	for (uint64_t key = 0; key < 1000; key++) {
		assert_int_equal(wn_map_room(&m), WN_OK);
		assert_int_equal(wn_map_put(&m, key * 3, (uint32_t)key), WN_OK);
	}
	for (uint64_t key = 0; key < 1000; key++) {
		assert_true(wn_map_get(&m, key * 3, &val));
		assert_int_equal(val, key);
		assert_false(wn_map_get(&m, key * 3 + 1, &val));
	}
	assert_int_equal(m.len, 1000);
	alloc_fault_arm(1);
	while (m.len < m.limit)
		assert_int_equal(wn_map_put(&m, 4 + 3 * m.len, 0), WN_OK);
	assert_int_equal(wn_map_room(&m), WN_ENOMEM);
	assert_true(alloc_fault_disarm());
	assert_true(wn_map_get(&m, 3, &val));
	wn_map_fini(&m);
}

static void test_init_failures(void **state)
{
	struct wn_map m;
	unsigned long live = alloc_fault_live();

	(void)state;
	assert_int_equal(wn_map_init(&m, SIZE_MAX), WN_ENOMEM);
	for (unsigned long n = 1; n <= 3; n++) {
		alloc_fault_arm(n);
		assert_int_equal(wn_map_init(&m, 10), WN_ENOMEM);
		assert_true(alloc_fault_disarm());
		assert_int_equal(alloc_fault_live(), live);
	}
	wn_map_fini(&m);
}

/* A matching table lives through millions of probes: holes must not pile up. */
static void test_long_life(void **state)
{
	struct wn_map m;
	uint32_t val;

	(void)state;
	assert_int_equal(wn_map_init(&m, 64), WN_OK);
	for (uint64_t k = 0; k < 200000; k++) {
		assert_int_equal(wn_map_put(&m, k, (uint32_t)k), WN_OK);
		if (k >= 60)
			assert_true(wn_map_del(&m, k - 60));
	}
	assert_int_equal(m.len, 60);
	for (uint64_t k = 200000 - 60; k < 200000; k++)
		assert_true(wn_map_get(&m, k, &val) && val == k);
	wn_map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get_del),
		cmocka_unit_test(test_every_key_is_allowed),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_init_failures),
		cmocka_unit_test(test_long_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
