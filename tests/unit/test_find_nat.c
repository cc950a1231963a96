/* SPDX-License-Identifier: Apache-2.0 */
/* Address translation: where it is, from networks that have it and records made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <cmocka.h>

#include "record.h"
#include "traced.h"

#define DST "203.0.113.9"

static void same_addr(const struct wn_addr *got, const char *want)
{
	char text[WN_ADDR_STRLEN];

	assert_string_equal(wn_addr_str(got, text), want);
}

/* Quotes that nobody translated back show each box. */
static void test_quoted_addresses(void **state)
{
	struct traced t;
	const struct wn_found_nat *n;

	(void)state;
	traced_line(&t, 6,
		PARTS({LINE_NODE, 2, "nat source 192.0.2.7 keep-quotes"},
			{LINE_NODE, 4, "nat source 192.0.2.9 from 192.0.2.7 keep-quotes"}),
		"", "protocol udp");
	expect_found(&t.found, "nat certain 2-3..4\nnat certain 4-5..7\n");
	n = &t.found.list[0].u.nat;
	same_addr(&n->src_was, "10.0.0.1");
	same_addr(&n->src_is, "192.0.2.7");
	assert_int_equal(n->sport_is, 0);
	assert_int_equal(n->dst_is.family, 0);
	assert_false(n->by_checksum || n->by_answers);
	assert_int_equal(t.found.list[0].hops, 2);
	same_addr(&t.r->responders[t.found.list[0].before.responder].addr, "10.0.2.1");
	same_addr(&t.r->responders[t.found.list[0].first.responder].addr, "10.0.3.1");
	n = &t.found.list[1].u.nat;
	same_addr(&n->src_was, "192.0.2.7");
	same_addr(&n->src_is, "192.0.2.9");
	assert_int_equal(t.found.list[1].until.ttl, 0);
	traced_close(&t);
	/* The checksum of ICMP does not cover addresses, that of ICMPv6 does: both fit. */
	for (int v6 = 0; v6 < 2; v6++) {
		traced_line(&t, 6,
			PARTS({LINE_NODE, 2,
				"nat source 192.0.2.7 keep-quotes"
				" nat source 2001:db8::7 keep-quotes"}),
			"", v6 ? "protocol icmp 6" : "protocol icmp");
		expect_found(&t.found, "nat certain 2-3..6\n");
		assert_false(t.found.list[0].u.nat.by_checksum);
		traced_close(&t);
	}
}

/* Addresses are ours again, the checksum tells: once per box, in every protocol that has one. */
static void test_checksum_residue(void **state)
{
	static const char *const options[] = {
		"protocol udp", "protocol icmp", "protocol udp 6", "protocol icmp 6"};
	struct traced t;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct wn_found_nat *n;

		traced_line(&t, 6,
			PARTS({LINE_NODE, 2,
				      "nat source 192.0.2.7 port-shift 9 keep-checksum"
				      " nat source 2001:db8::7 port-shift 9 keep-checksum"},
				{LINE_NODE, 4,
					"nat source 192.0.2.9 from 192.0.2.7 port-shift 5"
					" keep-checksum nat source 2001:db8::9 from 2001:db8::7"
					" port-shift 5 keep-checksum"}),
			"", options[i]);
		/* An echo reply quotes nothing: there the last hop is the one before the target. */
		expect_found(&t.found, i % 2 ? "nat likely 2-3..4\nnat likely 4-5..6\n"
					     : "nat likely 2-3..4\nnat likely 4-5..7\n");
		n = &t.found.list[0].u.nat;
		assert_true(n->by_checksum);
		assert_int_equal(n->src_is.family, 0);
		assert_int_equal(n->sum_was, 0);
		assert_int_not_equal(n->sum_is, 0);
		assert_int_equal(t.found.list[1].u.nat.sum_was, n->sum_is);
		traced_close(&t);
	}
	/* What is quoted as it should be cannot be told. */
	traced_line(&t, 6, PARTS({LINE_NODE, 2, "nat source 192.0.2.7 port-shift 9"}), "", "");
	expect_found(&t.found, "");
	traced_close(&t);
}

/* The value by hand: 10.0.0.1 port 50000 became 192.0.2.7 port 50009, one's complement. */
static void test_residue_value(void **state)
{
	struct traced t;
	uint32_t was = 0x0a00 + 0x0001, is = 0xc000 + 0x0207 + 9;
	uint32_t want = 2 * 0xffffu + was - is;

	(void)state;
	want = (want & 0xffff) + (want >> 16);
	want = (want & 0xffff) + (want >> 16);
	traced_line(&t, 3, PARTS({LINE_NODE, 1, "nat source 192.0.2.7 port-shift 9 keep-checksum"}),
		"", "");
	expect_found(&t.found, "nat likely 1-2..4\n");
	assert_int_equal(t.found.list[0].u.nat.sum_is, want);
	traced_close(&t);
}

/* Silent hops in between: the place is as wide as they make it. */
static void test_silent_hops(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 7,
		PARTS({LINE_NODE, 3, "silent"},
			{LINE_NODE, 4, "silent nat source 192.0.2.7 keep-quotes"},
			{LINE_NODE, 5, "silent"}),
		"", "");
	expect_found(&t.found, "nat certain 2-6..8\n");
	traced_close(&t);
	traced_line(&t, 4,
		PARTS({LINE_NODE, 1, "silent"},
			{LINE_NODE, 2, "silent nat source 192.0.2.7 keep-quotes"}),
		"", "protocol tcp");
	expect_found(&t.found, "nat certain 0-3..4\n");
	traced_close(&t);
	/* Only the target shows it. */
	traced_line(&t, 4, PARTS({LINE_NODE, 4, "nat source 192.0.2.7 keep-quotes"}), "", "");
	expect_found(&t.found, "nat likely 4-5..5\n");
	traced_close(&t);
}

/* Time exceeded from the target's address: all behind the box hide there. */
static void test_destination(void **state)
{
	static const char *const quotes[] = {"", "keep-quotes", "keep-checksum"};
	struct traced t;
	char nat[128];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct wn_found_nat *n;

		snprintf(nat, sizeof(nat), "nat dest 192.0.2.80 to 10.0.99.9 %s", quotes[i]);
		traced_line(&t, 6, PARTS({LINE_NODE, 3, nat}), "target 192.0.2.80\n", "");
		expect_found(&t.found, i == 0 ? "nat certain 3-4..6\n" : "nat certain 3-4..7\n");
		n = &t.found.list[0].u.nat;
		assert_true(n->by_answers);
		assert_int_equal(n->by_checksum, i == 2);
		if (i == 1) {
			same_addr(&n->dst_was, "192.0.2.80");
			same_addr(&n->dst_is, "10.0.99.9");
		}
		traced_close(&t);
	}
	/* One hop behind the box: it may be a router that has the address. */
	traced_line(&t, 4, PARTS({LINE_NODE, 3, "nat dest 192.0.2.80 to 10.0.99.9"}),
		"target 192.0.2.80\n", "");
	expect_found(&t.found, "nat likely 3-4..4\n");
	traced_close(&t);
}

/* Ports of each flow become others: one box all the same, and no other for each port. */
static void test_many_flows(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 5, PARTS({LINE_NODE, 2, "nat source 192.0.2.7 keep-quotes"}), "",
		"flow classic protocol tcp");
	expect_found(&t.found, "nat certain 2-3..5\n");
	traced_close(&t);
	traced_line(&t, 5, PARTS({LINE_NODE, 2, "nat source 192.0.2.7 port-shift 9 keep-checksum"}),
		"", "flow classic");
	expect_found(&t.found, "nat likely 2-3..6\n");
	traced_close(&t);
}

static struct wn_quote *last_quote(struct record *rec)
{
	return &rec->events[rec->count - 1].u.reply.reply.quote;
}

/* Already the first hop quotes it: this machine, or that hop itself. */
static void test_before_the_first_hop(void **state)
{
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	for (uint8_t ttl = 1; ttl <= 4; ttl++) {
		record_hop(&rec, ttl, ttl == 1 ? "192.0.2.254" : "198.51.100.1", 1000);
		last_quote(&rec)->src = record_addr("100.64.0.9");
	}
	record_dest(&rec, 5, DST, 5000);
	last_quote(&rec)->src = record_addr("100.64.0.9");
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	assert_non_null(found_nth(&f, WN_FINDING_NAT, 0));
	assert_int_equal(f.list[0].before.ttl, 0);
	assert_int_equal(f.list[0].first.ttl, 1);
	assert_int_equal(f.list[0].certainty, WN_CERTAIN);
	same_addr(&f.list[0].u.nat.src_was, "192.0.2.1");
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

/* A path of five hops; from TTL 3 on the packet is quoted with other ports. */
static struct wn_result *ported(struct record *rec, bool classic, uint16_t by)
{
	record_start(rec, DST)->u.start.flow_mode = classic ? WN_FLOW_CLASSIC : WN_FLOW_FIXED;
	for (uint8_t ttl = 1; ttl <= 5; ttl++) {
		char from[32];
		uint64_t id;

		snprintf(from, sizeof(from), "198.51.100.%u", ttl);
		id = record_sent(rec, ttl, classic ? ttl : 0, 0)->probe_id;
		record_reply(rec, id, WN_REPLY_TIME_EXCEEDED, from, 1000);
		if (ttl >= 3) {
			last_quote(rec)->sport = (uint16_t)(last_quote(rec)->sport + by * ttl);
			last_quote(rec)->dport = (uint16_t)(last_quote(rec)->dport - by * ttl);
		}
	}
	return record_fold(rec);
}

/* With the checksum as it must be then; ports that differ from probe to probe only if classic. */
static void test_ports(void **state)
{
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r = ported(&rec, true, 7);

	(void)state;
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	expect_found(&f, "nat certain 2-3..5\n");
	assert_int_equal(f.list[0].u.nat.sport_was, 50002);
	assert_int_equal(f.list[0].u.nat.sport_is, 50003 + 21);
	assert_int_equal(f.list[0].u.nat.dport_is, 33434 - 21);
	/* The sum of both ports is as it was, and so is the checksum. */
	assert_false(f.list[0].u.nat.by_checksum);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

/* ICMP has an identifier instead; what a socket chose itself is no sign of a box. */
static void test_identifier(void **state)
{
	for (int ours = 0; ours < 2; ours++) {
		struct record rec = {0};
		struct wn_params *p = &record_start(&rec, DST)->u.start;
		struct wn_findings f;
		struct wn_result *r;

		(void)state;
		p->proto = WN_PROTO_ICMP;
		p->caps.sends_icmp_id = ours;
		for (uint8_t ttl = 1; ttl <= 4; ttl++) {
			record_hop(&rec, ttl, ttl < 3 ? "198.51.100.1" : "198.51.100.3", 1000);
			if (ttl >= 3)
				last_quote(&rec)->icmp_id = 99;
		}
		r = record_fold(&rec);
		assert_int_equal(wn_findings_find(r, &f), WN_OK);
		assert_int_equal(found_count(&f, WN_FINDING_NAT), ours);
		if (ours)
			assert_int_equal(f.list[0].u.nat.sport_is, 99);
		wn_findings_free(&f);
		wn_result_free(r);
		record_fini(&rec);
	}
}

/* Without what routers quote nothing is said, whatever stands there. */
static void test_blind(void **state)
{
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST)->u.start.caps.sees_quote_ip = false;
	for (uint8_t ttl = 1; ttl <= 4; ttl++) {
		record_hop(&rec, ttl, "198.51.100.1", 1000);
		last_quote(&rec)->src = record_addr("100.64.0.9");
	}
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	assert_int_equal(found_count(&f, WN_FINDING_NAT), 0);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoted_addresses),
		cmocka_unit_test(test_checksum_residue),
		cmocka_unit_test(test_residue_value),
		cmocka_unit_test(test_silent_hops),
		cmocka_unit_test(test_destination),
		cmocka_unit_test(test_many_flows),
		cmocka_unit_test(test_before_the_first_hop),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_identifier),
		cmocka_unit_test(test_blind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
