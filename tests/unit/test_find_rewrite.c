/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that boxes rewrite: at which hop, back again, and what is only a way of quoting. */
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

static struct wn_quote *last_quote(struct record *rec)
{
	return &rec->events[rec->count - 1].u.reply.reply.quote;
}

/* One answer of a router of its own at each of TTLs 1 to 6; change may rewrite what it quotes. */
static struct wn_result *six_hops(
	struct record *rec, const char *dst, void (*change)(uint8_t ttl, struct wn_quote *q))
{
	record_start(rec, dst)->u.start.tos = 0x02;
	for (uint8_t ttl = 1; ttl <= 6; ttl++) {
		char from[48];

		snprintf(from, sizeof(from),
			dst[0] == '2' && dst[1] == '0' && dst[2] == '3' ? "198.51.100.%u"
									: "2001:db8:1::%u",
			ttl);
		record_hop(rec, ttl, from, 1000);
		change(ttl, last_quote(rec));
	}
	return record_fold(rec);
}

static void look(struct wn_findings *f, const char *dst, void (*change)(uint8_t, struct wn_quote *))
{
	struct record rec = {0};
	struct wn_result *r = six_hops(&rec, dst, change);

	assert_int_equal(wn_findings_find(r, f), WN_OK);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_dscp(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 6, PARTS({LINE_NODE, 3, "dscp 0"}), "", "dscp ef");
	expect_found(&t.found, "dscp-rewritten certain 3-4..7\n");
	assert_int_equal(t.found.list[0].u.change.sent, 46);
	assert_int_equal(t.found.list[0].u.change.was, 46);
	assert_int_equal(t.found.list[0].u.change.is, 0);
	assert_int_equal(t.found.list[0].hops, 4);
	assert_int_equal(t.found.list[0].until.ttl, 0);
	assert_int_equal(t.found.list[0].u.change.quotes, t.found.list[0].u.change.of);
	traced_close(&t);
	expect_line(6, PARTS({LINE_NODE, 3, "dscp 0"}), "", "", "");
	expect_line(6, PARTS({LINE_NODE, 3, "dscp 0"}), "", "6 protocol icmp dscp cs1",
		"dscp-rewritten certain 3-4..6\n");
	expect_line(6, PARTS({LINE_NODE, 3, "dscp 0"}, {LINE_NODE, 4, "silent"}), "",
		"protocol tcp dscp ef", "dscp-rewritten certain 3-5..6\n");
}

/* Two boxes; the second sets back what the first did, or does something else. */
static void test_set_back(void **state)
{
	struct traced t;

	(void)state;
	traced_line(
		&t, 7, PARTS({LINE_NODE, 2, "dscp 0"}, {LINE_NODE, 5, "dscp 46"}), "", "dscp ef");
	expect_found(&t.found, "dscp-rewritten certain 2-3..5\n");
	assert_int_equal(t.found.list[0].until.ttl, 6);
	traced_close(&t);
	expect_line(7, PARTS({LINE_NODE, 2, "dscp 0"}, {LINE_NODE, 5, "dscp 8"}), "", "dscp ef",
		"dscp-rewritten certain 2-3..5\ndscp-rewritten certain 5-6..8\n");
	/* One within the other, each with its end. */
	traced_line(&t, 9,
		PARTS({LINE_NODE, 2, "dscp 0"}, {LINE_NODE, 4, "dscp 8"}, {LINE_NODE, 6, "dscp 0"},
			{LINE_NODE, 8, "dscp 46"}),
		"", "dscp ef");
	expect_found(&t.found, "dscp-rewritten certain 2-3..8\ndscp-rewritten certain 4-5..6\n");
	assert_int_equal(t.found.list[0].until.ttl, 9);
	assert_int_equal(t.found.list[1].until.ttl, 7);
	assert_int_equal(t.found.list[0].hops, 4);
	traced_close(&t);
}

static void test_ecn(void **state)
{
	struct traced t;

	(void)state;
	expect_line(6, PARTS({LINE_NODE, 2, "ecn clear"}), "", "tos 2",
		"ecn-rewritten certain 2-3..7\n");
	expect_line(6, PARTS({LINE_NODE, 2, "ecn clear"}), "", "", "");
	traced_line(&t, 6, PARTS({LINE_NODE, 2, "ecn ce"}), "", "tos 2");
	expect_found(&t.found, "congestion-marked certain 2-3..7\n");
	traced_close(&t);
	/* Both at once are two findings at one place. */
	expect_line(6, PARTS({LINE_NODE, 2, "ecn clear dscp 0"}), "", "tos 186",
		"dscp-rewritten certain 2-3..7\necn-rewritten certain 2-3..7\n");
}

static void mark_some(uint8_t ttl, struct wn_quote *q)
{
	if (ttl == 3 || ttl == 6)
		q->tos = 0x03;
}

/* Marks come and go with the load: one finding, from the first on. */
static void test_some_marks(void **state)
{
	struct wn_findings f;

	(void)state;
	look(&f, DST, mark_some);
	expect_found(&f, "congestion-marked likely 2-3..6\n");
	assert_int_equal(f.list[0].hops, 2);
	assert_int_equal(f.list[0].u.change.quotes, 2);
	assert_int_equal(f.list[0].u.change.of, 4);
	wn_findings_free(&f);
}

static void odd_fourth(uint8_t ttl, struct wn_quote *q)
{
	if (ttl == 4)
		q->tos = 0x22;
}

/* One hop alone shows it: nobody can say whether it was the packet or the quote. */
static void test_one_hop_alone(void **state)
{
	struct wn_findings f;

	(void)state;
	look(&f, DST, odd_fourth);
	expect_found(&f, "dscp-rewritten possible 3-4..4\n");
	assert_int_equal(f.list[0].until.ttl, 5);
	assert_int_equal(f.list[0].probe_count, 1);
	assert_int_equal(f.list[0].probes[0], 4);
	wn_findings_free(&f);
}

static void set_df(uint8_t ttl, struct wn_quote *q)
{
	q->df = ttl > 2;
}

static void set_label(uint8_t ttl, struct wn_quote *q)
{
	q->flow_label = ttl > 4 ? 0x12345 : 0;
}

static void test_df_and_label(void **state)
{
	struct wn_findings f;

	(void)state;
	expect_line(5, PARTS({LINE_NODE, 3, "clear df"}), "", "df yes",
		"df-rewritten certain 3-4..6\n");
	expect_line(5, PARTS({LINE_NODE, 3, "clear df"}), "", "", "");
	look(&f, DST, set_df);
	expect_found(&f, "df-rewritten certain 2-3..6\n");
	wn_findings_free(&f);
	look(&f, "2001:db8:9::9", set_label);
	expect_found(&f, "flow-label-rewritten certain 4-5..6\n");
	assert_int_equal(f.list[0].u.change.is, 0x12345);
	wn_findings_free(&f);
}

/* Many flows with gaps in what each of them saw: the place is what all of them leave. */
static void test_flows_narrow_it_down(void **state)
{
	static const struct {
		uint32_t flow;
		uint8_t ttl, tos;
	} seen[] = {{1, 2, 0xb8}, {1, 7, 0}, {2, 3, 0xb8}, {2, 8, 0}, {3, 1, 0xb8}, {3, 5, 0},
		{4, 9, 0}, {5, 2, 0xb8}};
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST)->u.start.tos = 0xb8;
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		char from[32];
		uint64_t id = record_sent(&rec, seen[i].ttl, seen[i].flow, 0)->probe_id;

		snprintf(from, sizeof(from), "198.51.100.%u", seen[i].ttl);
		record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, from, 1000);
		last_quote(&rec)->tos = seen[i].tos;
	}
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	expect_found(&f, "dscp-rewritten certain 3-5..9\n");
	assert_int_equal(f.list[0].flows, 4);
	assert_int_equal(f.list[0].hops, 4);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

/* The same change on two branches, at places that cannot be one. */
static void test_two_places(void **state)
{
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST)->u.start.tos = 0xb8;
	for (uint32_t flow = 1; flow <= 2; flow++)
		for (uint8_t ttl = 1; ttl <= 6; ttl++) {
			char from[32];
			uint64_t id = record_sent(&rec, ttl, flow, 0)->probe_id;

			snprintf(from, sizeof(from), "198.51.%u.%u", flow, ttl);
			record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, from, 1000);
			if (ttl >= 2 * flow)
				last_quote(&rec)->tos = 0;
		}
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	expect_found(&f, "dscp-rewritten certain 1-2..6\ndscp-rewritten certain 3-4..6\n");
	assert_int_equal(f.list[0].flows, 1);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_tcp_options(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 6, PARTS({LINE_NODE, 3, "clamp-mss 1360"}), "", "protocol tcp port 80");
	expect_found(&t.found, "mss-clamped certain 3-4..6\n");
	assert_int_equal(t.found.list[0].u.change.was, 1460);
	assert_int_equal(t.found.list[0].u.change.is, 1360);
	traced_close(&t);
	traced_line(&t, 6, PARTS({LINE_NODE, 2, "strip-tcp-options sack,timestamps"}), "",
		"protocol tcp port 80");
	expect_found(&t.found, "tcp-options-stripped certain 2-3..6\n");
	assert_int_equal(t.found.list[0].u.change.was & ~t.found.list[0].u.change.is,
		WN_TCP_OPT_SACK_OK | WN_TCP_OPT_TIMESTAMPS);
	traced_close(&t);
	/* Eight bytes tell nothing. */
	expect_line(6,
		PARTS({LINE_NODE, 3, "clamp-mss 1360"}, {LINE_NODE, 4, "quote 28"},
			{LINE_NODE, 5, "quote 28"}, {LINE_NODE, 6, "quote 28"}),
		"", "protocol tcp port 80", "");
	expect_line(6, NO_PARTS, "", "protocol tcp port 80", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dscp),
		cmocka_unit_test(test_set_back),
		cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_some_marks),
		cmocka_unit_test(test_one_hop_alone),
		cmocka_unit_test(test_df_and_label),
		cmocka_unit_test(test_flows_narrow_it_down),
		cmocka_unit_test(test_two_places),
		cmocka_unit_test(test_tcp_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
