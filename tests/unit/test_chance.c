/* SPDX-License-Identifier: Apache-2.0 */
/* Chances against all cases counted one by one, and against figures from elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "multipath/chance.h"

static void near(uint32_t got_ppb, double want)
{
	double got = got_ppb;

	want *= WN_CHANCE_PPB;
	if (got < want - 0.01 || got > want + 1.01)
		fail_msg("%u is not %.3f", got_ppb, want);
}

static unsigned bits(uint32_t v)
{
	return (unsigned)__builtin_popcount(v);
}

/* Every way to lose so many of up to 12 packets. */
static void test_fisher_counts_cases(void **state)
{
	(void)state;
	for (uint32_t here = 1; here <= 6; here++)
		for (uint32_t there = 0; there <= 6; there++)
			for (uint32_t a = 1; a <= here; a++)
				for (uint32_t b = 0; b <= there; b++) {
					uint32_t all = 0, more = 0;

					for (uint32_t m = 0; m < 1u << (here + there); m++) {
						if (bits(m) != a + b)
							continue;
						all++;
						more += bits(m & ((1u << here) - 1)) >= a;
					}
					near(wn_chance_more_lost(a, here, b, there),
						(double)more / all);
				}
	assert_int_equal(wn_chance_more_lost(0, 5, 2, 5), WN_CHANCE_PPB);
	assert_int_equal(wn_chance_more_lost(0, 0, 2, 5), WN_CHANCE_PPB);
}

static unsigned runs_of(uint32_t row, unsigned n)
{
	unsigned runs = 1;

	for (unsigned i = 1; i < n; i++)
		runs += (row >> i & 1) != (row >> (i - 1) & 1);
	return runs;
}

static void test_runs_count_cases(void **state)
{
	(void)state;
	for (uint32_t a = 1; a <= 6; a++)
		for (uint32_t b = 1; b <= 6; b++)
			for (uint32_t runs = 0; runs <= a + b; runs++) {
				uint32_t all = 0, few = 0;

				for (uint32_t m = 0; m < 1u << (a + b); m++) {
					if (bits(m) != a)
						continue;
					all++;
					few += runs_of(m, a + b) <= runs;
				}
				near(wn_chance_few_runs(a, b, runs), (double)few / all);
			}
	assert_int_equal(wn_chance_few_runs(5, 0, 1), WN_CHANCE_PPB);
}

/* Every way to draw so often among up to four. */
static void test_share_counts_cases(void **state)
{
	(void)state;
	for (uint32_t ways = 2; ways <= 4; ways++)
		for (uint32_t of = 1; of <= 6; of++)
			for (uint32_t part = 0; part <= of; part++) {
				uint32_t all = 0, low = 0, high = 0, rows = 1;

				for (uint32_t i = 0; i < of; i++)
					rows *= ways;
				for (uint32_t row = 0; row < rows; row++) {
					uint32_t first = 0, rest = row;

					for (uint32_t i = 0; i < of; i++, rest /= ways)
						first += rest % ways == 0;
					all++;
					low += first <= part;
					high += first >= part;
				}
				low = low < high ? low : high;
				near(wn_chance_share(part, of, ways),
					2.0 * low < all ? 2.0 * low / all : 1);
			}
	assert_int_equal(wn_chance_share(0, 0, 3), WN_CHANCE_PPB);
	assert_int_equal(wn_chance_share(5, 5, 1), WN_CHANCE_PPB);
}

/* Figures from exact fractions; nothing overflows where there are many. */
static void test_large(void **state)
{
	(void)state;
	near(wn_chance_more_lost(20, 100, 60, 900), 3.878005280221175e-05);
	near(wn_chance_more_lost(1000, 20000, 950, 20000), 0.12761817316523538);
	assert_int_equal(wn_chance_more_lost(30000, 65536, 0, 65536), 1);
	assert_int_equal(wn_chance_more_lost(65536, 65536, 65536, 65536), WN_CHANCE_PPB);
	near(wn_chance_few_runs(32, 32, 20), 0.000718090770361661);
	assert_int_equal(wn_chance_few_runs(2000, 2000, 2), 1);
	near(wn_chance_few_runs(2000, 2000, 2001), 0.5063066486976152);
	near(wn_chance_share(7, 201, 2), 1.53e-48);
	near(wn_chance_share(12, 200, 10), 0.06409305759381284);
	assert_int_equal(wn_chance_share(65536, 65536, 65536), 1);
	assert_int_equal(wn_chance_both(500000000, 500000000), 250000000);
	assert_int_equal(wn_chance_both(1, 1), 1);
	assert_int_equal(wn_chance_both(WN_CHANCE_PPB, 7), 7);
}

static void check_interval(uint32_t part, uint32_t of, uint32_t low, uint32_t high)
{
	uint32_t got_low, got_high;

	wn_chance_interval(part, of, &got_low, &got_high);
	assert_int_equal(got_low, low);
	assert_int_equal(got_high, high);
}

/* As other programs give them (Wilson's score interval, 95%). */
static void test_interval(void **state)
{
	(void)state;
	check_interval(0, 0, 0, 1000000);
	check_interval(0, 3, 0, 561498);
	check_interval(1, 3, 61491, 792341);
	check_interval(3, 3, 438502, 1000000);
	check_interval(5, 100, 21543, 111751);
	check_interval(2500, 50000, 48123, 51946);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fisher_counts_cases),
		cmocka_unit_test(test_runs_count_cases),
		cmocka_unit_test(test_share_counts_cases),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
