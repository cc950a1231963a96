/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths, IP-IDs and checksums as routers quote them. */
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
	record_start(rec, dst);
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

static void test_lengths(void **state)
{
	static const struct {
		const char *part;
		const char *options;
		enum wn_found_how how;
		int64_t is;
	} cases[] = {
		{"quote-length swapped", "", WN_HOW_SWAPPED, 60 << 8},
		{"quote-length swapped", "6", WN_HOW_SWAPPED, (40 << 8) + 40},
		{"quote-length payload", "", WN_HOW_LESS_IP, 40},
		{"quote-length payload", "6 protocol icmp", WN_HOW_LESS_IP, 40},
		{"quote-length plus 8", "", WN_HOW_VALUE, 68},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct traced t;

		traced_line(&t, 5, PARTS({LINE_NODE, 3, cases[i].part}), "", cases[i].options);
		expect_found(&t.found, "quoted-length certain 2-3..3\n");
		assert_int_equal(t.found.list[0].u.change.how, cases[i].how);
		assert_int_equal(t.found.list[0].u.change.is, cases[i].is);
		assert_int_equal(t.found.list[0].u.change.sent, t.r->params.size);
		assert_int_equal(t.found.list[0].until.ttl, 4);
		traced_close(&t);
	}
	/* Two routers of a kind side by side. */
	expect_line(5,
		PARTS({LINE_NODE, 3, "quote-length payload"},
			{LINE_NODE, 4, "quote-length payload"}),
		"", "", "quoted-length certain 2-3..4\n");
}

static void shorter(uint8_t ttl, struct wn_quote *q)
{
	q->length = (uint16_t)(q->length - (ttl > 3 ? 12 : 0));
}

/* All behind show it: the packet is another one. */
static void test_length_that_stays(void **state)
{
	struct wn_findings f;

	(void)state;
	look(&f, DST, shorter);
	expect_found(&f, "quoted-length certain 3-4..6\n");
	assert_int_equal(f.list[0].u.change.is, 48);
	assert_int_equal(f.list[0].u.change.sent, 60);
	wn_findings_free(&f);
}

static void swap_id(uint8_t ttl, struct wn_quote *q)
{
	if (ttl == 2)
		q->ip_id = (uint16_t)(q->ip_id << 8 | q->ip_id >> 8);
}

static void clear_id(uint8_t ttl, struct wn_quote *q)
{
	if (ttl > 2)
		q->ip_id = 0;
}

static void test_ip_id(void **state)
{
	struct wn_findings f;

	(void)state;
	expect_line(
		5, PARTS({LINE_NODE, 2, "ip-id 777"}), "", "", "ip-id-changed certain 2-3..6\n");
	expect_line(5, PARTS({LINE_NODE, 2, "ip-id 777"}), "", "6", "");
	look(&f, DST, swap_id);
	expect_found(&f, "ip-id-changed certain 1-2..2\n");
	assert_int_equal(f.list[0].u.change.how, WN_HOW_SWAPPED);
	wn_findings_free(&f);
	look(&f, DST, clear_id);
	expect_found(&f, "ip-id-changed certain 2-3..6\n");
	assert_int_equal(f.list[0].u.change.how, WN_HOW_CLEARED);
	wn_findings_free(&f);
}

/* A checksum taken out, and one made right for a payload that is another each time. */
static void test_checksum(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 5, PARTS({LINE_NODE, 3, "clear checksum"}), "", "");
	expect_found(&t.found, "checksum-changed certain 3-4..6\n");
	assert_int_equal(t.found.list[0].u.change.how, WN_HOW_CLEARED);
	assert_int_equal(t.found.list[0].u.change.is, 0);
	traced_close(&t);
	traced_line(&t, 5, PARTS({LINE_NODE, 3, "clear payload"}), "", "");
	expect_found(&t.found, "checksum-changed certain 3-4..6\n");
	assert_int_equal(t.found.list[0].u.change.how, WN_HOW_VARIES);
	traced_close(&t);
	expect_line(5, PARTS({LINE_NODE, 3, "clear payload"}), "", "6 protocol icmp",
		"checksum-changed certain 3-4..5\n");
	/* With one probe for each TTL it takes three hops that all differ. */
	expect_line(6, PARTS({LINE_NODE, 3, "clear payload"}), "", "probes 1",
		"checksum-changed certain 3-4..7\n");
	expect_line(6, PARTS({LINE_NODE, 3, "clear payload"}), "", "probes 1 protocol icmp 6",
		"checksum-changed certain 3-4..6\n");
	expect_line(5, PARTS({LINE_NODE, 3, "clear checksum"}), "", "6", "");
	expect_line(5, PARTS({LINE_NODE, 3, "clear payload"}), "", "protocol tcp", "");
}

static void wrong_sum(uint8_t ttl, struct wn_quote *q)
{
	if (ttl > 3)
		q->checksum = (uint16_t)(q->checksum + 0x101);
}

/* The same difference in each packet is a box that hides something, not a changed payload. */
static void test_fixed_difference(void **state)
{
	struct wn_findings f;

	(void)state;
	look(&f, DST, wrong_sum);
	expect_found(&f, "nat likely 3-4..6\n");
	assert_int_equal(f.list[0].u.nat.sum_is, 0x101);
	wn_findings_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_length_that_stays),
		cmocka_unit_test(test_ip_id),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_fixed_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
