/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "base/err.h"

/* Names go into JSON and back: each must be unique and find its own value. */
static void test_names_round_trip(void **state)
{
#define X(sym, val, name, text)                                                                    \
	assert_int_equal(sym, val);                                                                \
	assert_string_equal(wn_err_name(sym), name);                                               \
	assert_string_equal(wn_err_text(sym), text);                                               \
	assert_int_equal(wn_err_from_name(name), sym);
	WN_ERR_LIST(X)
#undef X
	(void)state;
}

static void test_foreign_values(void **state)
{
	(void)state;
	assert_string_equal(wn_err_name((wn_err)-9999), "unknown");
	assert_string_equal(wn_err_text((wn_err)7), "unknown");
	assert_int_equal(wn_err_from_name("unknown"), WN_EINVAL);
	assert_int_equal(wn_err_from_name(""), WN_EINVAL);
}

static void test_fail_records(void **state)
{
	struct wn_errctx ctx = {0};

	(void)state;
	assert_int_equal(wn_fail_sys(&ctx, WN_EIO, 28, "%s: %d", "out", 3), WN_EIO);
	assert_int_equal(ctx.code, WN_EIO);
	assert_int_equal(ctx.sys, 28);
	assert_string_equal(ctx.text, "out: 3");
	assert_int_equal(wn_fail(&ctx, WN_EINVAL, "again"), WN_EINVAL);
	assert_int_equal(ctx.sys, 0);
	assert_string_equal(ctx.text, "again");
	assert_int_equal(wn_fail(NULL, WN_EINVAL, "%s", "nobody listens"), WN_EINVAL);
}

static void test_long_text_is_cut(void **state)
{
	struct wn_errctx ctx = {0};

	(void)state;
	wn_fail(&ctx, WN_EINVAL, "%999d", 1);
	assert_int_equal(strlen(ctx.text), sizeof(ctx.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_round_trip),
		cmocka_unit_test(test_foreign_values),
		cmocka_unit_test(test_fail_records),
		cmocka_unit_test(test_long_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
