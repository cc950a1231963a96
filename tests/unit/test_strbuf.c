/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "alloc_fault.h"
#include "base/strbuf.h"

static void test_appends(void **state)
{
	struct wn_strbuf sb = WN_STRBUF_INIT;

	(void)state;
	assert_string_equal(wn_strbuf_str(&sb), "");
	wn_strbuf_puts(&sb, "rtt=");
	wn_strbuf_fixed(&sb, -12345, 3, 1);
	wn_strbuf_putc(&sb, ' ');
	wn_strbuf_hex(&sb, "\x00\xff", 2);
	wn_strbuf_fmt(&sb, " %s/%d", "x", 7);
	wn_strbuf_add(&sb, NULL, 0);
	assert_string_equal(wn_strbuf_str(&sb), "rtt=-12.3 00ff x/7");
	assert_int_equal(sb.len, strlen(sb.data));
	wn_strbuf_reset(&sb);
	assert_string_equal(wn_strbuf_str(&sb), "");
	wn_strbuf_fini(&sb);
	assert_null(sb.data);
}

static void test_grows(void **state)
{
	struct wn_strbuf sb = WN_STRBUF_INIT;

	(void)state;
	for (int i = 0; i < 5000; i++)
		wn_strbuf_fmt(&sb, "%04d", i);
	assert_int_equal(sb.err, WN_OK);
	assert_int_equal(sb.len, 20000);
	assert_memory_equal(sb.data + 4 * 4321, "4321", 4);
	wn_strbuf_fini(&sb);
}

/* What was there stays readable; nothing follows until a reset. */
static void test_failure_is_sticky(void **state)
{
	struct wn_strbuf sb = WN_STRBUF_INIT;
	char big[200];

	(void)state;
	memset(big, 'b', sizeof(big));
	wn_strbuf_puts(&sb, "kept");
	alloc_fault_arm(1);
	wn_strbuf_add(&sb, big, sizeof(big));
	assert_true(alloc_fault_disarm());
	assert_int_equal(sb.err, WN_ENOMEM);
	wn_strbuf_puts(&sb, "x");
	wn_strbuf_fmt(&sb, "%d", 1);
	assert_string_equal(wn_strbuf_str(&sb), "kept");
	wn_strbuf_reset(&sb);
	wn_strbuf_puts(&sb, "new");
	assert_int_equal(sb.err, WN_OK);
	assert_string_equal(wn_strbuf_str(&sb), "new");
	wn_strbuf_fini(&sb);
}

static void test_absurd_length(void **state)
{
	struct wn_strbuf sb = WN_STRBUF_INIT;

	(void)state;
	wn_strbuf_add(&sb, "x", SIZE_MAX);
	assert_int_equal(sb.err, WN_ENOMEM);
	wn_strbuf_fini(&sb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_failure_is_sticky),
		cmocka_unit_test(test_absurd_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
