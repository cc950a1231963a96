/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "base/alloc.h"

static void test_overflowing_products(void **state)
{
	volatile size_t huge = SIZE_MAX / 2 + 2;

	(void)state;
	assert_null(wn_calloc(huge, 2));
	assert_null(wn_realloc(NULL, huge, 2));
}

/* No room needs to know that malloc(0) may be NULL: NULL always means failure. */
static void test_nothing_is_something(void **state)
{
	void *p[] = {wn_malloc(0), wn_calloc(0, 8), wn_calloc(8, 0), wn_realloc(NULL, 0, 4)};

	(void)state;
	for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
		assert_non_null(p[i]);
		wn_free(p[i]);
	}
	wn_free(NULL);
}

static void test_contents(void **state)
{
	static const char zero[24];
	char *z = wn_calloc(3, 8);
	char *s = wn_strdup("text");

	(void)state;
	assert_memory_equal(z, zero, sizeof(zero));
	s = wn_realloc(s, 100, 10);
	assert_string_equal(s, "text");
	wn_free(s);
	wn_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overflowing_products),
		cmocka_unit_test(test_nothing_is_something),
		cmocka_unit_test(test_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
