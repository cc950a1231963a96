/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "base/text.h"

static void test_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		wn_err err;
		uint64_t want;
	} cases[] = {
		{"0", 0, 9, WN_OK, 0},
		{"255", 1, 255, WN_OK, 255},
		{"256", 1, 255, WN_ERANGE, 0},
		{"0", 1, 255, WN_ERANGE, 0},
		{"0xff", 0, 255, WN_OK, 255},
		{"0XFf", 0, 255, WN_OK, 255},
		{"010", 0, 255, WN_OK, 10},
		{"18446744073709551615", 0, UINT64_MAX, WN_OK, UINT64_MAX},
		{"18446744073709551616", 0, UINT64_MAX, WN_ERANGE, 0},
		{"99999999999999999999999999", 0, UINT64_MAX, WN_ERANGE, 0},
		{"99999999999999999999999999x", 0, UINT64_MAX, WN_EPARSE, 0},
		{"0x10000000000000000", 0, UINT64_MAX, WN_ERANGE, 0},
		{"", 0, 9, WN_EPARSE, 0},
		{"0x", 0, 9, WN_EPARSE, 0},
		{"-1", 0, UINT64_MAX, WN_EPARSE, 0},
		{"+1", 0, 9, WN_EPARSE, 0},
		{" 1", 0, 9, WN_EPARSE, 0},
		{"1 ", 0, 9, WN_EPARSE, 0},
		{"1.0", 0, 9, WN_EPARSE, 0},
		{"1e3", 0, 9999, WN_EPARSE, 0},
		{"ff", 0, 255, WN_EPARSE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t v = 4711;
		wn_err err = wn_text_u64(cases[i].text, cases[i].min, cases[i].max, &v);

		if (err != cases[i].err || v != (err ? 4711 : cases[i].want))
			fail_msg("'%s': %d", cases[i].text, err);
	}
}

struct number {
	const char *text;
	wn_err err;
	uint64_t want;
};

static void check(wn_err (*read)(const char *, uint64_t *), const struct number *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v = 4711;
		wn_err err = read(cases[i].text, &v);

		if (err != cases[i].err || v != (err ? 4711 : cases[i].want))
			fail_msg("'%s': %d", cases[i].text, err);
	}
}

static void test_nano(void **state)
{
	static const struct number cases[] = {
		{"0.25", WN_OK, 250000000},
		{"3", WN_OK, 3000000000},
		{"0.000000001", WN_OK, 1},
		{"18446744073.709551615", WN_OK, UINT64_MAX},
		{"18446744073.709551616", WN_ERANGE, 0},
		{"18446744074", WN_ERANGE, 0},
		{"0.0000000001", WN_EPARSE, 0},
		{".5", WN_EPARSE, 0},
		{"5.", WN_EPARSE, 0},
		{"-1", WN_EPARSE, 0},
		{"1,5", WN_EPARSE, 0},
		{"1.2.3", WN_EPARSE, 0},
		{"", WN_EPARSE, 0},
		{"0x10", WN_EPARSE, 0},
		{"nan", WN_EPARSE, 0},
	};

	(void)state;
	check(wn_text_nano, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_duration(void **state)
{
	static const struct number cases[] = {
		{"1", WN_OK, 1000000000},
		{"1.5", WN_OK, 1500000000},
		{"1.5ms", WN_OK, 1500000},
		{"250us", WN_OK, 250000},
		{"7ns", WN_OK, 7},
		{"0.001us", WN_OK, 1},
		{"2m", WN_OK, 120000000000},
		{"0.5h", WN_OK, 1800000000000},
		{"0.999999999h", WN_OK, 3599999996400},
		{"18446744073709551615ns", WN_OK, UINT64_MAX},
		{"18446744073709551616ns", WN_ERANGE, 0},
		{"5124095h", WN_OK, 18446742000000000000u},
		{"5124096h", WN_ERANGE, 0},
		{"99999999999999999999x", WN_EPARSE, 0},
		{"1 s", WN_EPARSE, 0},
		{"1S", WN_EPARSE, 0},
		{"1sec", WN_EPARSE, 0},
		{"ms", WN_EPARSE, 0},
		{"-1s", WN_EPARSE, 0},
		{"1..5s", WN_EPARSE, 0},
		{"", WN_EPARSE, 0},
	};

	(void)state;
	check(wn_text_duration_ns, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, used;
		uint32_t cp;
	} cases[] = {
		{"", 0, 0, 0},
		{"\0", 1, 1, 0},
		{"A", 1, 1, 'A'},
		{"\xc3\xa9", 2, 2, 0xe9},
		{"\xe2\x82\xac", 3, 3, 0x20ac},
		{"\xf0\x9f\x8c\x8d", 4, 4, 0x1f30d},
		{"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
		{"\xf4\x90\x80\x80", 4, 0, 0}, /* above the last code point */
		{"\xc0\x80", 2, 0, 0},	       /* overlong NUL */
		{"\xc1\xbf", 2, 0, 0},
		{"\xe0\x9f\xbf", 3, 0, 0},
		{"\xf0\x8f\xbf\xbf", 4, 0, 0},
		{"\xed\xa0\x80", 3, 0, 0}, /* surrogate */
		{"\xed\x9f\xbf", 3, 3, 0xd7ff},
		{"\x80", 1, 0, 0},
		{"\xe2\x82", 2, 0, 0}, /* ends too early */
		{"\xe2\x28\xa1", 3, 0, 0},
		{"\xff", 1, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t cp = 0;

		assert_int_equal(wn_text_utf8(cases[i].bytes, cases[i].len, &cp), cases[i].used);
		assert_int_equal(cp, cases[i].used ? cases[i].cp : 0);
	}
}

static void test_unsafe_code_points(void **state)
{
	static const uint32_t bad[] = {0, '\t', '\n', 0x1b, 0x7f, 0x80, 0x9b, 0x9f, 0x61c, 0x200b,
		0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069,
		0xd800, 0xfdd0, 0xfdef, 0xfeff, 0xfffe, 0xffff, 0x1fffe, 0x10ffff, 0xe0041,
		0x110000};
	static const uint32_t good[] = {' ', '~', 0xa0, 0xe9, 0x5d0, 0x627, 0x200a, 0x2010, 0x2027,
		0x202f, 0x3042, 0xfdcf, 0xfffd, 0x1f30d};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!wn_text_unsafe(bad[i]))
			fail_msg("U+%04X passed", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (wn_text_unsafe(good[i]))
			fail_msg("U+%04X refused", good[i]);
}

static void test_clean(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"core1.example.net", "core1.example.net"},
		{"b\xc3\xbc"
		 "cher.example",
			"b\xc3\xbc"
			"cher.example"},
		{"\x1b[2Jx", "\\x1b[2Jx"},
		{"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
		{"\xc2\x9b"
		 "31m",
			"\\u{9b}31m"},
		{"exe\xe2\x80\xaegpj", "exe\\u{202e}gpj"},
		{"\xff\xfe", "\\xff\\xfe"},
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xf4\x8f\xbf\xbf", "\\u{10ffff}"},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = wn_text_clean(out, sizeof(out), cases[i].in, strlen(cases[i].in));

		assert_string_equal(out, cases[i].want);
		assert_int_equal(len, strlen(out));
	}
	assert_int_equal(wn_text_clean(out, sizeof(out), "a\0b", 3), 6);
	assert_string_equal(out, "a\\x00b");
}

static void test_clean_cuts_between_characters(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(wn_text_clean(out, 4,
				 "ab\xe2\x82\xac"
				 "c",
				 6),
		6);
	assert_string_equal(out, "ab"); /* and no c in the place of the euro sign */
	assert_int_equal(wn_text_clean(out, 6, "abc\x1b", 4), 7);
	assert_string_equal(out, "abc");
	assert_int_equal(wn_text_clean(out, 8, "abc\x1b", 4), 7);
	assert_string_equal(out, "abc\\x1b");
	assert_int_equal(wn_text_clean(NULL, 0, "abc", 3), 3);
	wn_text_clean(out, 1, "abc", 3);
	assert_string_equal(out, "");
}

static void test_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
	} cases[] = {
		{"", 0}, {"abc", 3}, {"caf\xc3\xa9", 4}, {"cafe\xcc\x81", 4}, /* combining acute */
		{"\xe6\x9d\xb1\xe4\xba\xac", 4},			      /* Tokyo in kanji */
		{"\xe3\x81\x8b\xe3\x82\x99", 2}, /* kana with a combining voiced mark */
		{"\xef\xbd\xb1", 1},		 /* halfwidth katakana */
		{"\xef\xbc\xa1", 2},		 /* fullwidth A */
		{"\xf0\x9f\x8c\x8d", 2},	 /* globe emoji */
		{"\xea\xb0\x80", 2},		 /* Hangul syllable */
		{"\xd7\xa9\xd7\x82", 1},	 /* Hebrew letter with point */
		{"\xe2\x94\x82\xe2\x80\xa6", 2}, /* box drawing, ellipsis */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			wn_text_columns(cases[i].text, strlen(cases[i].text)), cases[i].columns);
}

static const char *word_at(const void *words, size_t i)
{
	return ((const char *const *)words)[i];
}

static void test_nearest(void **state)
{
	static const char *const words[] = {"source", "max-ttl", "addr", "addr6"};
	static const struct {
		const char *typed, *want;
	} cases[] = {{"sorce", "source"}, {"adr", "addr"}, {"addr7", "addr"},
		{"max-tll", "max-ttl"}, {"source", "source"}, {"xyz", NULL}, {"", NULL},
		{"gibberish", NULL},
		{"sourcesourcesourcesourcesourcesourcesourcesourcesourcesourcesourcesourcesourcesou"
		 "rcesourcesource",
			NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = wn_text_nearest(cases[i].typed, word_at, words, 4);

		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
		else
			assert_null(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_nano),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_unsafe_code_points),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_cuts_between_characters),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
