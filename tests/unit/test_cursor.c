/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "base/cursor.h"

static void test_reads_network_order(void **state)
{
	static const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
	struct wn_rd r;
	uint8_t two[2];

	(void)state;
	wn_rd_init(&r, in, sizeof(in));
	assert_int_equal(wn_rd_u8(&r), 0x01);
	assert_int_equal(wn_rd_be16(&r), 0x0203);
	assert_int_equal(wn_rd_be32(&r), 0x04050607);
	assert_true(wn_rd_be64(&r) == 0x08090a0b0c0d0e0fu);
	assert_int_equal(wn_rd_left(&r), 2);
	assert_ptr_equal(wn_rd_ptr(&r), in + 15);
	wn_rd_bytes(&r, two, 2);
	assert_memory_equal(two, in + 15, 2);
	assert_int_equal(wn_rd_left(&r), 0);
	assert_false(r.bad);
}

/* Two bytes are left and four are asked for: no byte of them may leak out, nor any later one. */
static void test_read_error_is_sticky(void **state)
{
	static const uint8_t in[] = {1, 2, 3};
	struct wn_rd r;
	uint8_t out[2] = {9, 9};

	(void)state;
	wn_rd_init(&r, in, sizeof(in));
	wn_rd_skip(&r, 1);
	assert_int_equal(wn_rd_be32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(r.pos, 1);
	assert_int_equal(wn_rd_left(&r), 0);
	assert_int_equal(wn_rd_u8(&r), 0);
	wn_rd_bytes(&r, out, 2);
	assert_int_equal(out[0] | out[1], 0);
	assert_true(wn_rd_sub(&r, 0).bad);
}

static void test_lengths_near_overflow(void **state)
{
	static const uint8_t in[] = {1, 2, 3};
	struct wn_rd r;
	struct wn_wr w;
	uint8_t out[3];

	(void)state;
	wn_rd_init(&r, in, sizeof(in));
	wn_rd_skip(&r, 2);
	wn_rd_skip(&r, SIZE_MAX);
	assert_true(r.bad);
	wn_wr_init(&w, out, sizeof(out));
	wn_wr_u8(&w, 1);
	wn_wr_fill(&w, 0, SIZE_MAX);
	assert_true(w.bad);
	assert_int_equal(w.pos, 1);
}

static void test_sub_cursor(void **state)
{
	static const uint8_t in[] = {1, 2, 3, 4};
	struct wn_rd r, sub;

	(void)state;
	wn_rd_init(&r, in, sizeof(in));
	sub = wn_rd_sub(&r, 3);
	assert_int_equal(wn_rd_left(&r), 1);
	wn_rd_skip(&sub, 3);
	assert_false(sub.bad);
	wn_rd_u8(&sub);
	assert_true(sub.bad);
	assert_false(r.bad);
	assert_int_equal(wn_rd_u8(&r), 4);
	sub = wn_rd_sub(&r, 1);
	assert_true(sub.bad && r.bad);
	assert_int_equal(wn_rd_left(&sub), 0);
}

static void test_nothing_to_read(void **state)
{
	struct wn_rd r;

	(void)state;
	wn_rd_init(&r, NULL, 0);
	wn_rd_skip(&r, 0);
	assert_false(r.bad);
	assert_false(wn_rd_sub(&r, 0).bad);
	assert_int_equal(wn_rd_u8(&r), 0);
	assert_true(r.bad);
}

static void test_writes_network_order(void **state)
{
	static const uint8_t want[] = {
		1, 0xbe, 0xef, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 7, 7};
	uint8_t out[17];
	struct wn_wr w;

	(void)state;
	wn_wr_init(&w, out, sizeof(out));
	wn_wr_u8(&w, 1);
	wn_wr_be16(&w, 0);
	wn_wr_be32(&w, 0x04050607);
	wn_wr_be64(&w, 0x08090a0b0c0d0e0fu);
	wn_wr_fill(&w, 7, 2);
	wn_wr_patch_be16(&w, 1, 0xbeef);
	assert_false(w.bad);
	assert_int_equal(w.pos, sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
}

static void test_write_error_is_sticky(void **state)
{
	uint8_t out[4] = {0xaa, 0xaa, 0xaa, 0xaa};
	struct wn_wr w;

	(void)state;
	wn_wr_init(&w, out, 3);
	wn_wr_be16(&w, 0x0102);
	wn_wr_be16(&w, 0x0304);
	assert_true(w.bad);
	wn_wr_u8(&w, 5);
	wn_wr_bytes(&w, "x", 1);
	wn_wr_patch_be16(&w, 0, 0xffff);
	assert_memory_equal(out, "\x01\x02\xaa\xaa", 4);
}

/* Only bytes written already may be patched. */
static void test_patch_bounds(void **state)
{
	uint8_t out[8] = {0};
	struct wn_wr w;

	(void)state;
	wn_wr_init(&w, out, sizeof(out));
	wn_wr_fill(&w, 1, 3);
	wn_wr_patch_be16(&w, 1, 0x0909);
	assert_false(w.bad);
	wn_wr_patch_be16(&w, 2, 0x0808);
	assert_true(w.bad);
	wn_wr_init(&w, out, sizeof(out));
	wn_wr_patch_be16(&w, SIZE_MAX, 1);
	assert_true(w.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_network_order),
		cmocka_unit_test(test_read_error_is_sticky),
		cmocka_unit_test(test_lengths_near_overflow),
		cmocka_unit_test(test_sub_cursor),
		cmocka_unit_test(test_nothing_to_read),
		cmocka_unit_test(test_writes_network_order),
		cmocka_unit_test(test_write_error_is_sticky),
		cmocka_unit_test(test_patch_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
