/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "golden.h"
#include "output/output.h"
#include "scenes.h"

static void check(void (*scene)(struct record *rec), bool names, const char *golden)
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record rec = {0};
	struct wn_result *r;

	scene(&rec);
	r = record_fold(&rec);
	wn_out_classic_header(&out, r);
	for (unsigned ttl = r->params.first_ttl; ttl <= wn_out_classic_last(r); ttl++)
		wn_out_classic_hop(&out, r, (uint8_t)ttl, names);
	golden_check(golden, wn_strbuf_str(&out));
	wn_strbuf_fini(&out);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_names(void **state)
{
	(void)state;
	check(scene_rich, true, "classic_rich.txt");
}

static void test_numeric(void **state)
{
	(void)state;
	check(scene_rich, false, "classic_numeric.txt");
}

static void test_silence_and_marks(void **state)
{
	(void)state;
	check(scene_silent, false, "classic_silent.txt");
	check(scene_refused, false, "classic_refused.txt");
	check(scene_v6, true, "classic_v6.txt");
}

/* A name can bring no field of its own into a line. */
static void test_hostile_names(void **state)
{
	(void)state;
	check(scene_hostile, true, "classic_hostile.txt");
}

/* The address is repeated where it changes, also across a star. */
static void test_repeated_address(void **state)
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	record_start(&rec, "203.0.113.9");
	record_hop(&rec, 1, "192.0.2.254", 100);
	record_lost(&rec, 1);
	record_hop(&rec, 1, "192.0.2.254", 1200);
	record_lost(&rec, 2);
	record_hop(&rec, 2, "192.0.2.253", -1);
	record_hop(&rec, 2, "192.0.2.252", 1234567);
	r = record_fold(&rec);
	wn_out_classic_hop(&out, r, 1, false);
	wn_out_classic_hop(&out, r, 2, false);
	assert_string_equal(wn_strbuf_str(&out), " 1  192.0.2.254  0.100 ms *  1.200 ms\n"
						 " 2  * 192.0.2.253 192.0.2.252  1234.567 ms\n");
	wn_strbuf_fini(&out);
	wn_result_free(r);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_numeric),
		cmocka_unit_test(test_silence_and_marks),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_repeated_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
