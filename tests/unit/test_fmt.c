/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "base/fmt.h"

#define CHECK(want, ...)                                                                           \
	do {                                                                                       \
		char buf_[128];                                                                    \
		assert_int_equal(wn_fmt(buf_, sizeof(buf_), __VA_ARGS__), strlen(want));           \
		assert_string_equal(buf_, want);                                                   \
	} while (0)

static void test_conversions(void **state)
{
	(void)state;
	CHECK("", "%s", "");
	CHECK("100%", "%d%%", 100);
	CHECK("-2147483648", "%d", INT32_MIN);
	CHECK("-9223372036854775808", "%lld", (long long)INT64_MIN);
	CHECK("18446744073709551615", "%lu", UINT64_MAX);
	CHECK("ffffffffffffffff", "%llx", (unsigned long long)UINT64_MAX);
	CHECK("12345", "%zu", (size_t)12345);
	CHECK("a", "%c", 'a');
	CHECK("ab", "%.2s", "abc");
	CHECK("ab", "%.*s", 2, "abc");
	CHECK("abc", "%.*s", -1, "abc");
}

/* A text with a length need not end: nothing behind it may be read. */
static void test_bounded_text_without_nul(void **state)
{
	const char raw[3] = {'x', 'y', 'z'};

	(void)state;
	CHECK("xyz", "%.3s", raw);
}

static void test_width_and_flags(void **state)
{
	(void)state;
	CHECK("[   -7]", "[%5d]", -7);
	CHECK("[-7   ]", "[%-5d]", -7);
	CHECK("[-0007]", "[%05d]", -7);
	CHECK("[00ff]", "[%04x]", 255u);
	CHECK("[  ab]", "[%4s]", "ab");
	CHECK("[ab  ]", "[%-4s]", "ab");
	CHECK("[ab  ]", "[%*s]", -4, "ab");
	CHECK("[123456]", "[%3d]", 123456);
}

static void test_truncates_with_nul(void **state)
{
	char buf[8];

	(void)state;
	memset(buf, '#', sizeof(buf));
	assert_int_equal(wn_fmt(buf, 4, "%s", "abcdef"), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(buf[4], '#');
	assert_int_equal(wn_fmt(buf, 1, "%d", 42), 2);
	assert_string_equal(buf, "");
	assert_int_equal(wn_fmt(NULL, 0, "%d", 42), 2);
}

static void test_fixed(void **state)
{
	static const struct {
		int64_t value;
		unsigned scale, decimals;
		const char *want;
	} cases[] = {
		{1234567, 6, 3, "1.235"},
		{1234567, 6, 6, "1.234567"},
		{1499999, 6, 0, "1"},
		{1500000, 6, 0, "2"},
		{-1500000, 6, 0, "-2"},
		{999999, 6, 3, "1.000"},
		{-4, 1, 0, "0"},
		{-5, 1, 0, "-1"},
		{5, 6, 3, "0.000"},
		{50, 3, 3, "0.050"},
		{0, 9, 1, "0.0"},
		{7, 0, 0, "7"},
		{INT64_MIN, 18, 18, "-9.223372036854775808"},
		{INT64_MAX, 0, 0, "9223372036854775807"},
		{INT64_MIN, 18, 0, "-9"},
	};
	char buf[48];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wn_fmt_fixed(buf, sizeof(buf), cases[i].value, cases[i].scale, cases[i].decimals);
		assert_string_equal(buf, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_bounded_text_without_nul),
		cmocka_unit_test(test_width_and_flags),
		cmocka_unit_test(test_truncates_with_nul),
		cmocka_unit_test(test_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
