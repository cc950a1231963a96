/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "packets.h"

/* What Linux traceroute 2.1.2 printed when each of these was sent to it. */
static const struct {
	enum wn_reply_kind kind;
	uint8_t family, code;
	const char *mark;
} linux_marks[] = {
	{WN_REPLY_UNREACHABLE, 4, 0, "!N"},
	{WN_REPLY_UNREACHABLE, 4, 1, "!H"},
	{WN_REPLY_UNREACHABLE, 4, 2, "!P"},
	{WN_REPLY_UNREACHABLE, 4, 3, ""},
	{WN_REPLY_UNREACHABLE, 4, 5, "!S"},
	{WN_REPLY_UNREACHABLE, 4, 6, "!N"},
	{WN_REPLY_UNREACHABLE, 4, 7, "!H"},
	{WN_REPLY_UNREACHABLE, 4, 8, "!N"},
	{WN_REPLY_UNREACHABLE, 4, 9, "!X"},
	{WN_REPLY_UNREACHABLE, 4, 10, "!X"},
	{WN_REPLY_UNREACHABLE, 4, 11, "!N"},
	{WN_REPLY_UNREACHABLE, 4, 12, "!H"},
	{WN_REPLY_UNREACHABLE, 4, 13, "!X"},
	{WN_REPLY_UNREACHABLE, 4, 14, "!V"},
	{WN_REPLY_UNREACHABLE, 4, 15, "!C"},
	{WN_REPLY_PARAM_PROBLEM, 4, 0, "!<12-0>"},
	{WN_REPLY_PARAM_PROBLEM, 4, 1, "!<12-1>"},
	{WN_REPLY_UNREACHABLE, 6, 0, "!N"},
	{WN_REPLY_UNREACHABLE, 6, 1, "!X"},
	{WN_REPLY_UNREACHABLE, 6, 2, "!H"},
	{WN_REPLY_UNREACHABLE, 6, 3, "!H"},
	{WN_REPLY_UNREACHABLE, 6, 4, ""},
	{WN_REPLY_UNREACHABLE, 6, 8, "!<8>"},
	{WN_REPLY_UNREACHABLE, 6, 9, "!<9>"},
	{WN_REPLY_TOO_BIG, 6, 0, "!F-1280"},
	{WN_REPLY_REASSEMBLY, 6, 1, "!<3-1>"},
	{WN_REPLY_PARAM_PROBLEM, 6, 1, "!<4-1>"},
};

static void as_linux_traceroute(void **state)
{
	char buf[WN_MARK_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(linux_marks) / sizeof(linux_marks[0]); i++)
		assert_string_equal(wn_reply_mark(linux_marks[i].kind, linux_marks[i].family,
					    linux_marks[i].code, 1280, buf),
			linux_marks[i].mark);
}

static void our_own(void **state)
{
	char buf[WN_MARK_STRLEN];

	(void)state;
	assert_string_equal(wn_reply_mark(WN_REPLY_UNREACHABLE, 6, 5, 0, buf), "!A");
	assert_string_equal(wn_reply_mark(WN_REPLY_UNREACHABLE, 6, 6, 0, buf), "!A");
	assert_string_equal(wn_reply_mark(WN_REPLY_UNREACHABLE, 6, 7, 0, buf), "!S");
	assert_string_equal(wn_reply_mark(WN_REPLY_UNREACHABLE, 4, 255, 0, buf), "!<255>");
	assert_string_equal(wn_reply_mark(WN_REPLY_REASSEMBLY, 4, 1, 0, buf), "!<11-1>");
	assert_string_equal(
		wn_reply_mark(WN_REPLY_TOO_BIG, 6, 0, UINT32_MAX, buf), "!F-4294967295");
}

static void no_error_no_mark(void **state)
{
	static const enum wn_reply_kind kinds[] = {WN_REPLY_TIME_EXCEEDED, WN_REPLY_ECHO,
		WN_REPLY_UDP, WN_REPLY_SYN_ACK, WN_REPLY_RST, WN_REPLY_TCP_OTHER,
		WN_REPLY_REDIRECT};
	char buf[WN_MARK_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_string_equal(wn_reply_mark(kinds[i], 4, 1, 0, buf), "");
}

static void words(void **state)
{
	(void)state;
	assert_string_equal(wn_reply_text(WN_REPLY_UNREACHABLE, 4, 1), "host unreachable");
	assert_string_equal(wn_reply_text(WN_REPLY_UNREACHABLE, 4, 13),
		"communication administratively prohibited");
	assert_string_equal(wn_reply_text(WN_REPLY_UNREACHABLE, 6, 4), "port unreachable");
	assert_string_equal(wn_reply_text(WN_REPLY_UNREACHABLE, 4, 200), "destination unreachable");
	assert_string_equal(wn_reply_text((enum wn_reply_kind)77, 4, 0), "unknown");
	for (int kind = 0; kind < WN_REPLY_KINDS; kind++)
		for (uint8_t family = 4; family <= 6; family++)
			for (int code = 0; code < 256; code++)
				assert_non_null(wn_reply_text(
					(enum wn_reply_kind)kind, family, (uint8_t)code));
}

static void kind_names_are_distinct(void **state)
{
	(void)state;
	for (int a = 0; a < WN_REPLY_KINDS; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(wn_reply_kind_name((enum wn_reply_kind)a),
				wn_reply_kind_name((enum wn_reply_kind)b));
	assert_string_equal(wn_reply_kind_name(WN_REPLY_TIME_EXCEEDED), "time-exceeded");
	assert_string_equal(wn_reply_kind_name(WN_REPLY_SYN_ACK), "syn-ack");
	assert_string_equal(wn_reply_kind_name((enum wn_reply_kind)WN_REPLY_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_linux_traceroute),
		cmocka_unit_test(our_own),
		cmocka_unit_test(no_error_no_mark),
		cmocka_unit_test(words),
		cmocka_unit_test(kind_names_are_distinct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
