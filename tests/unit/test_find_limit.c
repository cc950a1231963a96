/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets recognised by which probes they answered, and answers in random order that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "multipath/find_int.h"

#define MS   UINT64_C(1000000)
#define MOST 400

struct row {
	struct wn_limit_sample s[MOST];
	uint32_t n;
};

/* n probes, gap apart in groups of so many at once, through a bucket; jitter up to so much. */
static void fill(struct row *row, uint32_t n, uint64_t gap_ns, uint32_t group)
{
	row->n = n;
	for (uint32_t i = 0; i < n; i++)
		row->s[i] = (struct wn_limit_sample){.at_ns = i / group * gap_ns, .order = i};
}

static void limit(struct row *row, uint64_t interval_ns, uint32_t burst, uint64_t jitter_ns)
{
	uint64_t level = interval_ns * burst, at = 0;
	struct wn_rng rng;

	wn_rng_seed(&rng, 7);
	for (uint32_t i = 0; i < row->n; i++) {
		uint64_t now = row->s[i].at_ns + (jitter_ns ? wn_rng_below(&rng, jitter_ns) : 0);

		now = now < at ? at : now;
		level += now - at;
		at = now;
		level = level > interval_ns * burst ? interval_ns * burst : level;
		row->s[i].answered = level >= interval_ns;
		level -= row->s[i].answered ? interval_ns : 0;
	}
}

static bool fits(struct row *row, struct wn_found_loss *out)
{
	memset(out, 0, sizeof(*out));
	return wn_limit_fit(row->s, row->n, out);
}

static void test_buckets(void **state)
{
	static const struct {
		uint32_t n, group;
		uint64_t gap_ns, interval_ns;
		uint32_t burst;
	} cases[] = {
		{40, 1, 10 * MS, 100 * MS, 5},
		{40, 4, 50 * MS, 100 * MS, 1},
		{100, 1, 100 * MS, 1000 * MS, 6},
		{60, 3, 20 * MS, 50 * MS, 3},
		{300, 10, 40 * MS, 20 * MS, 8},
	};
	struct wn_found_loss l;
	struct row row;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (uint64_t jitter_ns = 0; jitter_ns <= 3 * MS; jitter_ns += 3 * MS) {
			fill(&row, cases[i].n, cases[i].gap_ns, cases[i].group);
			limit(&row, cases[i].interval_ns, cases[i].burst, jitter_ns);
			assert_true(fits(&row, &l));
			assert_true(l.burst >= cases[i].burst && l.burst <= cases[i].burst + 1);
			assert_in_range(l.interval_ns, cases[i].interval_ns * 85 / 100,
				cases[i].interval_ns * 115 / 100);
			assert_true(l.chance_ppb <= 20000000);
		}
}

/* A first burst, then nothing for as long as was looked. */
static void test_never_filled(void **state)
{
	struct wn_found_loss l;
	struct row row;

	(void)state;
	fill(&row, 20, 5 * MS, 2);
	limit(&row, 10000 * MS, 6, 0);
	assert_true(fits(&row, &l));
	assert_int_equal(l.burst, 6);
	assert_int_equal(l.interval_ns, 0);
	/* The other way round it is none. */
	for (uint32_t i = 0; i < row.n; i++)
		row.s[i].answered = i >= 6;
	assert_false(fits(&row, &l));
}

static void test_too_few(void **state)
{
	struct wn_found_loss l;
	struct row row;

	(void)state;
	fill(&row, 5, MS, 1);
	limit(&row, 1000 * MS, 2, 0);
	assert_false(fits(&row, &l));
	fill(&row, 40, MS, 1); /* all answered, none answered */
	for (int answered = 0; answered < 2; answered++) {
		for (uint32_t i = 0; i < row.n; i++)
			row.s[i].answered = answered;
		assert_false(fits(&row, &l));
	}
}

/* Answers by chance are taken for a limit no more often than is said. */
static void test_chance_is_no_limit(void **state)
{
	static const unsigned percent[] = {10, 30, 50, 80};
	struct wn_found_loss l;
	struct wn_rng rng;
	struct row row;

	(void)state;
	wn_rng_seed(&rng, 1);
	for (size_t p = 0; p < 4; p++) {
		unsigned wrong = 0;

		for (int round = 0; round < 300; round++) {
			fill(&row, 12 + (uint32_t)wn_rng_below(&rng, 40), 10 * MS,
				1 + (uint32_t)wn_rng_below(&rng, 4));
			for (uint32_t i = 0; i < row.n; i++)
				row.s[i].answered = wn_rng_below(&rng, 100) < percent[p];
			wrong += fits(&row, &l);
		}
		/* 2% of 300 are 6; 14 or more come by chance in less than 1 of 200 cases. */
		assert_true(wrong <= 14);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_never_filled),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_chance_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
