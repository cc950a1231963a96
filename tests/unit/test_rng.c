/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/rng.h"

/* The first numbers for the state 1 2 3 4 follow from the published algorithm by hand. */
static void test_xoshiro_reference(void **state)
{
	struct wn_rng r = {{1, 2, 3, 4}};
	static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240u};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_true(wn_rng_u64(&r) == want[i]);
}

/* splitmix64 from seed 0 begins with this published number. */
static void test_seed_reference(void **state)
{
	struct wn_rng r;

	(void)state;
	wn_rng_seed(&r, 0);
	assert_true(r.s[0] == 0xe220a8397b1dcdafu);
	assert_true(r.s[1] == 0x6e789e6aa1b965f4u);
}

static void test_same_seed_same_numbers(void **state)
{
	struct wn_rng a, b, c;
	int same = 0;

	(void)state;
	wn_rng_seed(&a, 42);
	wn_rng_seed(&b, 42);
	wn_rng_seed(&c, 43);
	for (int i = 0; i < 100; i++) {
		uint64_t v = wn_rng_u64(&a);

		assert_true(v == wn_rng_u64(&b));
		same += v == wn_rng_u64(&c);
	}
	assert_int_equal(same, 0);
}

static void test_below(void **state)
{
	struct wn_rng r;
	unsigned seen[6] = {0};

	(void)state;
	wn_rng_seed(&r, 7);
	for (int i = 0; i < 60000; i++)
		seen[wn_rng_below(&r, 6)]++;
	for (int i = 0; i < 6; i++)
		assert_in_range(seen[i], 9600, 10400); /* four standard deviations */
	for (int i = 0; i < 100; i++) {
		assert_true(wn_rng_below(&r, 1) == 0);
		assert_true(wn_rng_below(&r, UINT64_MAX) < UINT64_MAX);
	}
}

/* With a bound of 3 * 2^62 a plain remainder would give the lowest third every second time. */
static void test_below_is_unbiased(void **state)
{
	uint64_t third = (uint64_t)1 << 62;
	unsigned low = 0;
	struct wn_rng r;

	(void)state;
	wn_rng_seed(&r, 8);
	for (int i = 0; i < 30000; i++)
		low += wn_rng_below(&r, 3 * third) < third;
	assert_in_range(low, 9650, 10350);
}

static void test_unit(void **state)
{
	struct wn_rng r;
	double sum = 0;

	(void)state;
	wn_rng_seed(&r, 9);
	for (int i = 0; i < 10000; i++) {
		double u = wn_rng_unit(&r);

		assert_true(u >= 0 && u < 1);
		sum += u;
	}
	assert_true(sum > 4880 && sum < 5120);
	r = (struct wn_rng){{0, UINT64_MAX, 0, 0}};
	assert_true(wn_rng_unit(&r) < 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xoshiro_reference),
		cmocka_unit_test(test_seed_reference),
		cmocka_unit_test(test_same_seed_same_numbers),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_below_is_unbiased),
		cmocka_unit_test(test_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
