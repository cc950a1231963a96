/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "alloc_fault.h"
#include "base/arena.h"

static void test_aligned_and_zeroed(void **state)
{
	struct wn_arena a;

	(void)state;
	wn_arena_init(&a, 1 << 20);
	for (size_t n = 0; n < 3000; n += 7) {
		uint8_t *p = wn_arena_alloc(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xee, n);
	}
	wn_arena_fini(&a);
	assert_null(a.head);
}

static void test_limit(void **state)
{
	struct wn_arena a;

	(void)state;
	wn_arena_init(&a, 100);
	assert_non_null(wn_arena_alloc(&a, 60));
	assert_null(wn_arena_alloc(&a, 60));
	assert_non_null(wn_arena_alloc(&a, 30));
	assert_null(wn_arena_alloc(&a, 16));
	assert_true(a.used_bytes <= 100);
	assert_null(wn_arena_alloc(&a, SIZE_MAX));
	assert_null(wn_arena_strdup(&a, "this does not fit in here"));
	wn_arena_fini(&a);

	wn_arena_init(&a, SIZE_MAX);
	assert_null(wn_arena_alloc(&a, SIZE_MAX));
	assert_null(wn_arena_alloc(&a, SIZE_MAX - 8));
	wn_arena_fini(&a);
}

/* A large piece has its own block; the one being filled goes on being filled. */
static void test_large_piece_wastes_nothing(void **state)
{
	struct wn_arena a;
	char *first, *second;

	(void)state;
	wn_arena_init(&a, 1 << 20);
	first = wn_arena_strdup(&a, "first");
	assert_non_null(wn_arena_alloc(&a, 200000));
	second = wn_arena_strdup(&a, "second");
	assert_string_equal(first, "first");
	assert_string_equal(second, "second");
	assert_ptr_equal(second, first + _Alignof(max_align_t));
	wn_arena_fini(&a);
}

static void test_out_of_memory(void **state)
{
	struct wn_arena a;

	(void)state;
	wn_arena_init(&a, 1 << 20);
	alloc_fault_arm(1);
	assert_null(wn_arena_alloc(&a, 8));
	assert_true(alloc_fault_disarm());
	assert_int_equal(a.used_bytes, 0);
	assert_non_null(wn_arena_alloc(&a, 8));
	wn_arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned_and_zeroed),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_large_piece_wastes_nothing),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
