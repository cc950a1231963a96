/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping points against what others have published and measured, and against a count of all ways
 * that a vertex can be left too early.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "multipath/stopping.h"

#define WIDEST 97
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Augustin et al. 2007 and what scamper's tracelb uses; k = 7 and 8 differ at 95%, see below. */
static void test_published_points(void **state)
{
	static const uint32_t at95[] = {6, 11, 16, 21, 27, 33};
	static const uint32_t at99[] = {8, 15, 21, 28, 36, 43, 51, 58};

	(void)state;
	for (uint32_t k = 1; k <= LEN(at95); k++)
		assert_int_equal(wn_stopping_flows(k, .05, 0), at95[k - 1]);
	for (uint32_t k = 1; k <= LEN(at99); k++)
		assert_int_equal(wn_stopping_flows(k, .01, 0), at99[k - 1]);
	assert_int_equal(wn_stopping_flows(15, .05, 0), 90);
	assert_int_equal(wn_stopping_flows(31, .05, 0), 203);
	assert_int_equal(wn_stopping_flows(63, .05, 0), 453);
	assert_int_equal(wn_stopping_flows(96, .05, 0), 729);
	assert_int_equal(wn_stopping_flows(15, .01, 0), 115);
	assert_int_equal(wn_stopping_flows(96, .01, 0), 886);
}

/*
 * The chance that a vertex with `width` successors, all alike, is left before all were seen: every
 * sequence of flows counted by how many successors it has shown (Veitch et al. 2009).
 */
static double failure(uint32_t width, const uint32_t *points)
{
	double chance[WIDEST + 1] = {0}, lost = 0;

	chance[1] = 1;
	for (uint32_t n = 1; n <= points[width - 2]; n++) {
		for (uint32_t k = width - 1; k >= 1; k--) {
			if (n > 1)
				chance[k] = chance[k] * k / width +
					    chance[k - 1] * (width - k + 1) / width;
		}
		chance[0] = 0;
		for (uint32_t k = 1; k < width; k++) {
			if (n >= points[k - 1]) {
				lost += chance[k];
				chance[k] = 0;
			}
		}
	}
	return lost;
}

static void check_failures(double bound, double excess)
{
	uint32_t points[WIDEST];

	for (uint32_t k = 1; k < WIDEST; k++)
		points[k - 1] = wn_stopping_flows(k, bound, 0);
	for (uint32_t width = 2; width <= WIDEST; width++) {
		double lost = failure(width, points);

		if (lost > bound * (1 + excess))
			fail_msg("width %u at %g: %g", width, bound, lost);
		if (lost < bound / 4)
			fail_msg("width %u at %g: %g is far too careful", width, bound, lost);
	}
}

static void test_failure_is_controlled(void **state)
{
	(void)state;
	check_failures(.05, 0);
	check_failures(.01, 0);
	check_failures(.001, 0);
	check_failures(.0253, 0);
}

static void test_smallest_share(void **state)
{
	(void)state;
	/* Shares 8:4:2:1: the smallest is 1/15, ln .05 / ln (14/15) = 43.4. */
	assert_int_equal(wn_stopping_flows(4, .05, 66667), 44);
	/* Many branches, all alike, may need more than the share does. */
	assert_int_equal(wn_stopping_flows(15, .05, 66667), 90);
	assert_int_equal(wn_stopping_flows(1, .05, 999999), 6);
}

static void test_bounds_reached(void **state)
{
	(void)state;
	assert_int_equal(wn_stopping_miss_ppb(1, 6), 31250000);
	assert_int_equal(wn_stopping_miss_ppb(1, 7), 15625000);
	assert_int_equal(wn_stopping_miss_ppb(1, 1), WN_STOPPING_PPB);
	assert_int_equal(wn_stopping_miss_ppb(0, 1000), WN_STOPPING_PPB);
	assert_int_equal(wn_stopping_miss_ppb(97, 96), WN_STOPPING_PPB);
	assert_in_range(wn_stopping_miss_ppb(2, 11), 34600000, 34700000);
	assert_int_equal(wn_stopping_miss_ppb(1, 4000), 0);
	assert_int_equal(wn_stopping_miss_share_ppb(500000, 3), 125000000);
	assert_int_equal(wn_stopping_miss_share_ppb(1000000, 1), 0);
	assert_int_equal(wn_stopping_miss_share_ppb(1000000, 0), WN_STOPPING_PPB);
	/* More flows never make it more likely that something was missed. */
	for (uint32_t k = 1; k < 120; k += 7)
		for (uint32_t n = k; n < 12 * k; n++)
			assert_true(wn_stopping_miss_ppb(k, n + 1) <= wn_stopping_miss_ppb(k, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_points),
		cmocka_unit_test(test_failure_is_controlled),
		cmocka_unit_test(test_smallest_share),
		cmocka_unit_test(test_bounds_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
