/* SPDX-License-Identifier: Apache-2.0 */
/* TTLs that boxes set, and routers that send on what has expired. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "record.h"
#include "traced.h"

#define DST "203.0.113.9"

static struct wn_reply *last_reply(struct record *rec)
{
	return &rec->events[rec->count - 1].u.reply.reply;
}

static void find(struct record *rec, struct wn_findings *f)
{
	struct wn_result *r = record_fold(rec);

	assert_int_equal(wn_findings_find(r, f), WN_OK);
	wn_result_free(r);
	record_fini(rec);
}

static void test_zero_ttl(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 6, PARTS({LINE_NODE, 3, "zero-ttl"}), "", "");
	expect_found(&t.found, "zero-ttl-forwarding certain 2-3..4\n");
	assert_int_equal(t.found.list[0].u.ttl.quoted_least, 0);
	assert_int_equal(t.found.list[0].u.ttl.quoted_most, 1);
	assert_int_equal(t.found.list[0].probe_count, 2);
	traced_close(&t);
	expect_line(6, PARTS({LINE_NODE, 3, "zero-ttl"}), "", "6 protocol icmp",
		"zero-ttl-forwarding certain 2-3..4\n");
	/* Two of them, one after the other. */
	expect_line(7, PARTS({LINE_NODE, 2, "zero-ttl"}, {LINE_NODE, 5, "zero-ttl"}), "", "",
		"zero-ttl-forwarding certain 1-2..3\nzero-ttl-forwarding certain 4-5..6\n");
}

/* A router that quotes 0 and is not seen again may count in its own way. */
static void test_quoted_zero(void **state)
{
	struct record rec = {0};
	struct wn_findings f;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, "198.51.100.1", 1000);
	record_hop(&rec, 2, "198.51.100.2", 1000);
	last_reply(&rec)->quote.ttl = 0;
	record_hop(&rec, 3, "198.51.100.3", 1000);
	find(&rec, &f);
	expect_found(&f, "zero-ttl-forwarding possible 1-2..2\n");
	wn_findings_free(&f);
}

/* The target is all that is seen behind the box. */
static void test_set_anew(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 6, PARTS({LINE_NODE, 3, "ttl 60"}), "", "");
	expect_found(&t.found, "ttl-rewritten certain 3-4..4\n");
	assert_true(t.found.list[0].u.ttl.fixed);
	assert_int_equal(t.found.list[0].u.ttl.quoted_least, 57);
	assert_int_equal(t.found.list[0].u.ttl.sent_first, 4);
	assert_in_range(t.found.list[0].u.ttl.sent_last, 6, 10);
	traced_close(&t);
	expect_line(6, PARTS({LINE_NODE, 3, "ttl 60"}), "", "6", "ttl-rewritten certain 3-4..4\n");
	/* An echo reply or a SYN-ACK quotes nothing. */
	expect_line(6, PARTS({LINE_NODE, 3, "ttl 60"}), "", "protocol icmp", "");
}

/* Too little to get there: one router answers for good, with one way back. */
static void test_set_too_low(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 7, PARTS({LINE_NODE, 2, "ttl 3"}), "", "max-ttl 12");
	expect_found(&t.found, "ttl-rewritten likely 2-3..12\n");
	assert_int_equal(t.found.list[0].hops, 10);
	traced_close(&t);
}

/* Routers behind one address have ways back of different length: that is translation. */
static void test_routers_behind_one_address(void **state)
{
	struct record rec = {0};
	struct wn_findings f;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, "198.51.100.1", 1000);
	for (uint8_t ttl = 2; ttl <= 4; ttl++) {
		record_hop(&rec, ttl, "198.51.100.2", 1000);
		last_reply(&rec)->ttl = (int16_t)(64 - ttl);
	}
	find(&rec, &f);
	expect_found(&f, "nat likely 1-2..4\n");
	assert_true(f.list[0].u.nat.by_answers);
	wn_findings_free(&f);
}

/* Silence before the target: it may be nearer than it seems, and quote 3 for that reason. */
static void test_near_target(void **state)
{
	for (uint8_t quoted = 3; quoted <= 5; quoted++) {
		struct record rec = {0};
		struct wn_findings f;

		(void)state;
		record_start(&rec, DST);
		record_hop(&rec, 1, "198.51.100.1", 1000);
		record_hop(&rec, 2, "198.51.100.2", 1000);
		record_lost(&rec, 3);
		record_lost(&rec, 4);
		record_dest(&rec, 5, DST, 5000);
		last_reply(&rec)->quote.ttl = quoted;
		find(&rec, &f);
		/* Two hops nearer is possible, three are not: hop 2 is somebody else. */
		expect_found(&f, quoted > 3 ? "ttl-rewritten likely 2-5..5\n" : "");
		wn_findings_free(&f);
	}
}

/* More than any tunnel could leave. */
static void test_quoted_too_high(void **state)
{
	struct record rec = {0};
	struct wn_findings f;

	(void)state;
	record_start(&rec, DST);
	for (uint8_t ttl = 1; ttl <= 4; ttl++) {
		char from[32];

		snprintf(from, sizeof(from), "198.51.100.%u", ttl);
		record_hop(&rec, ttl, from, 1000);
		if (ttl == 3)
			last_reply(&rec)->quote.ttl = 64;
	}
	find(&rec, &f);
	expect_found(&f, "ttl-rewritten possible 2-3..3\n");
	assert_int_equal(f.list[0].u.ttl.quoted_most, 64);
	wn_findings_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_ttl),
		cmocka_unit_test(test_quoted_zero),
		cmocka_unit_test(test_set_anew),
		cmocka_unit_test(test_set_too_low),
		cmocka_unit_test(test_routers_behind_one_address),
		cmocka_unit_test(test_near_target),
		cmocka_unit_test(test_quoted_too_high),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
