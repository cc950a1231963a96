/* SPDX-License-Identifier: Apache-2.0 */
/* The list of findings: in order, bounded, whole or not there, and the same without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fault.h"
#include "record.h"
#include "scenes.h"
#include "traced.h"

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(wn_finding_name(WN_FINDING_NAT), "nat");
	assert_string_equal(wn_finding_name(WN_FINDING_UNSTEADY), "path-unsteady");
	assert_string_equal(wn_finding_name((enum wn_finding_kind)WN_FINDING_KINDS), "unknown");
	assert_string_equal(wn_certainty_name(WN_LIKELY), "likely");
	assert_string_equal(wn_found_how_name(WN_HOW_SWAPPED), "byte-swapped");
	assert_string_equal(wn_found_sign_name(WN_SIGN_RTLA), "rtla");
	for (int k = 0; k < WN_FINDING_KINDS; k++) {
		const struct wn_fields *fields = wn_finding_fields((enum wn_finding_kind)k);

		assert_true(fields->count > 0);
		for (int i = 0; i < k; i++)
			assert_string_not_equal(wn_finding_name((enum wn_finding_kind)k),
				wn_finding_name((enum wn_finding_kind)i));
		for (size_t i = 0; i < fields->count; i++)
			assert_true(fields->items[i].offset + fields->items[i].size <=
				    sizeof(struct wn_finding));
	}
}

/* Nothing to look at is nothing found. */
static void test_empty(void **state)
{
	struct wn_result *r = wn_result_new(NULL);
	struct record rec = {0};
	struct wn_findings f;

	(void)state;
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	assert_int_equal(f.count, 0);
	wn_findings_free(&f);
	wn_result_free(r);
	record_start(&rec, "203.0.113.9");
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	assert_int_equal(f.count, 0);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

/* Every hop of many flows says another thing: what does not fit is counted. */
static void many(struct record *rec)
{
	record_start(rec, "203.0.113.9");
	for (uint32_t flow = 0; flow < 60; flow++)
		for (uint8_t ttl = 1; ttl <= 20; ttl++) {
			char from[32];
			uint64_t id = record_sent(rec, ttl, flow, 0)->probe_id;
			struct wn_reply *reply;

			snprintf(from, sizeof(from), "198.51.%u.%u", flow, ttl);
			reply = &record_reply(rec, id, WN_REPLY_TIME_EXCEEDED, from, 1000)
					 ->u.reply.reply;
			if (ttl % 2 == 0)
				reply->quote.ttl = 200;
		}
}

static void test_bounds(void **state)
{
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;

	(void)state;
	many(&rec);
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	assert_int_equal(f.count, WN_FINDINGS_MAX);
	assert_int_equal(f.count + f.dropped, 600);
	for (uint32_t i = 1; i < f.count; i++)
		assert_true(f.list[i - 1].first.ttl <= f.list[i].first.ttl);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

/* Probes to others, beyond the end, and those that never left are no evidence. */
static void test_what_counts(void **state)
{
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;

	(void)state;
	record_start(&rec, "203.0.113.9");
	record_hop(&rec, 1, "198.51.100.1", 1000);
	record_dest(&rec, 2, "203.0.113.9", 2000);
	for (uint32_t i = 0; i < 20; i++) {
		uint64_t id = record_sent(&rec, 2, 0, 10 + i)->probe_id;

		rec.events[rec.count - 1].u.sent.probe.dst = record_addr("203.0.113.77");
		record_timeout(&rec, id);
		record_failed(&rec, 1, 10 + i, WN_EBLOCKED);
	}
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	assert_int_equal(f.count, 0);
	assert_int_equal(f.unclear_first, 0);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

/* The nth allocation fails, whichever it is: no findings, no leak. */
static void test_no_memory(void **state)
{
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;
	wn_err err = WN_ENOMEM;
	long live, n;

	(void)state;
	scene_rich(&rec);
	r = record_fold(&rec);
	live = (long)alloc_fault_live();
	for (n = 1; err != WN_OK; n++) {
		alloc_fault_arm((unsigned)n);
		err = wn_findings_find(r, &f);
		alloc_fault_arm(0);
		if (err != WN_OK) {
			assert_int_equal(err, WN_ENOMEM);
			assert_null(f.list);
			assert_int_equal(f.count, 0);
		}
		wn_findings_free(&f);
		assert_int_equal((long)alloc_fault_live(), live);
	}
	assert_true(n > 6);
	wn_result_free(r);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
