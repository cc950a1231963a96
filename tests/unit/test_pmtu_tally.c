/* SPDX-License-Identifier: Apache-2.0 */
/* How many losses of a large probe are a no, by what becomes of the small ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "multipath/pmtu_tally.h"

#define BIG 1500

/* "B": a large one lost, "A": answered; "s": a small one answered, "l": lost. Whether it ends as a
 * no. */
static bool is_no(const char *fates)
{
	struct wn_pmtu_tally t = {0};

	for (; *fates; fates++) {
		if (*fates == 'B' || *fates == 'A')
			wn_pmtu_tally_large(&t, BIG, *fates == 'B');
		else
			wn_pmtu_tally_small(&t, *fates == 's');
	}
	return wn_pmtu_tally_is_no(&t);
}

static void test_without_loss(void **state)
{
	(void)state;
	/* 1 of C(15, 4), C(18, 5) ways to deal out the losses. */
	assert_false(is_no("sssBssBssBss"));
	assert_false(is_no("sssBssBssBssBss"));
	assert_true(is_no("sssBssBssBssBssBss"));
	/* Who has answered often needs fewer: C(40, 3). */
	assert_false(is_no("sssssssssssssssssssssssssssssBssBss"));
	assert_true(is_no("sssssssssssssssssssssssssssssssBssBssBss"));
}

static void test_with_loss(void **state)
{
	(void)state;
	assert_false(is_no("slsBssBssBssBssBss"));
	/* Losses with a small one lost behind them are no clean ones, however many. */
	assert_false(is_no("sssssssssBlssBslsBlssBslsBlssBslsBlssBsls"));
	/* Seven clean ones are enough whatever gets lost. */
	assert_false(is_no("lllllllllllllllllBssBssBssBssBssBss"));
	assert_true(is_no("lllllllllllllllllBssBssBssBssBssBssBss"));
}

static void test_answer_begins_anew(void **state)
{
	struct wn_pmtu_tally t = {0};

	(void)state;
	assert_false(is_no("sssBssBssBssBssABss"));
	for (int i = 0; i < 7; i++) {
		wn_pmtu_tally_large(&t, (uint16_t)(BIG - (i == 6)), true);
		assert_false(wn_pmtu_tally_small(&t, true));
		assert_true(wn_pmtu_tally_small(&t, true));
		assert_false(wn_pmtu_tally_small(&t, true));
	}
	assert_false(wn_pmtu_tally_is_no(&t));
	assert_int_equal(t.lost, 1);
	assert_int_equal(wn_pmtu_tally_loss_ppm(&t), 0);
	wn_pmtu_tally_small(&t, false);
	assert_int_equal(wn_pmtu_tally_loss_ppm(&t), 1000000 / 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_loss),
		cmocka_unit_test(test_with_loss),
		cmocka_unit_test(test_answer_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
