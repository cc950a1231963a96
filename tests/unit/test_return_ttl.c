/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels inferred from the TTLs of replies, with those TTLs written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "multipath/return_ttl.h"
#include "record.h"
#include "traced.h"

#define HOPS_MAX 16

struct row {
	struct wn_return_ttl hops[HOPS_MAX];
	size_t count;
	struct wn_return_found found[4];
	size_t n;
};

/* Hops from TTL 1 on by the TTL of their replies; 0 ends, 1 is a silent hop. */
static void infer(struct row *row, const int *exceeded, const int *echo)
{
	row->count = 0;
	for (int i = 0; exceeded[i] != 0; i++) {
		if (exceeded[i] == 1)
			continue;
		row->hops[row->count++] = (struct wn_return_ttl){
			(uint8_t)(i + 1), (int16_t)exceeded[i], (int16_t)(echo ? echo[i] : -1)};
	}
	row->n = wn_return_infer(row->hops, row->count, row->found, 4);
}

static void test_initial(void **state)
{
	(void)state;
	assert_int_equal(wn_return_initial(64), 64);
	assert_int_equal(wn_return_initial(1), 64);
	assert_int_equal(wn_return_initial(65), 128);
	assert_int_equal(wn_return_initial(128), 128);
	assert_int_equal(wn_return_initial(129), 255);
}

static void test_symmetric(void **state)
{
	static const int plain[] = {255, 254, 253, 252, 60, 250, 0};
	static const int mixed[] = {64, 127, 253, 61, 251, 59, 0};
	struct row row;

	(void)state;
	infer(&row, plain, NULL);
	assert_int_equal(row.n, 0);
	infer(&row, mixed, NULL);
	assert_int_equal(row.n, 0);
	infer(&row, (const int[]){0}, NULL);
	assert_int_equal(row.n, 0);
	infer(&row, (const int[]){250, 0}, NULL);
	assert_int_equal(row.n, 0);
}

static void test_frpla(void **state)
{
	/* Four more from the third hop on; the target's 64 agrees. */
	static const int four[] = {255, 254, 249, 248, 247, 55, 0};
	static const int silent[] = {255, 254, 1, 1, 245, 244, 0};
	static const int goes_back[] = {255, 254, 249, 248, 251, 250, 0};
	static const int last[] = {255, 254, 253, 246, 0};
	static const int two[] = {255, 254, 251, 250, 249, 0};
	struct row row;

	(void)state;
	infer(&row, four, NULL);
	assert_int_equal(row.n, 1);
	assert_int_equal(row.found[0].sign, WN_RETURN_FRPLA);
	assert_int_equal(row.found[0].from, 1);
	assert_int_equal(row.found[0].to, 2);
	assert_int_equal(row.found[0].hidden, 4);
	assert_int_equal(row.found[0].was, 0);
	assert_int_equal(row.found[0].is, 4);
	infer(&row, silent, NULL);
	assert_int_equal(row.n, 1);
	assert_int_equal(row.hops[row.found[0].to].ttl, 5);
	assert_int_equal(row.found[0].hidden, 6);
	infer(&row, goes_back, NULL);
	assert_int_equal(row.n, 0);
	infer(&row, last, NULL); /* nobody confirms it */
	assert_int_equal(row.n, 0);
	infer(&row, two, NULL); /* too ordinary */
	assert_int_equal(row.n, 0);
}

/* From 255 and from 64: the tunnel of three is in the first alone. */
static void test_rtla(void **state)
{
	static const int exceeded[] = {255, 254, 250, 249, 0};
	static const int echo[] = {64, 63, 62, 61, 0};
	static const int no_echo[] = {-1, -1, 62, -1, 0};
	static const int from_255[] = {255, 254, 253, 252, 0};
	struct row row;

	(void)state;
	infer(&row, exceeded, echo);
	assert_int_equal(row.n, 2); /* FRPLA sees it as well */
	assert_int_equal(row.found[1].sign, WN_RETURN_RTLA);
	assert_int_equal(row.found[1].to, 2);
	assert_int_equal(row.found[1].hidden, 3);
	assert_int_equal(row.found[1].was, 0);
	assert_int_equal(row.found[1].is, 3);
	infer(&row, exceeded, no_echo);
	assert_int_equal(row.n, 2);
	assert_int_equal(row.found[1].hidden, 3);
	infer(&row, exceeded, from_255); /* one and the same TTL: nothing to compare */
	assert_int_equal(row.n, 1);
	/* One hop, too little for FRPLA, is enough. */
	infer(&row, (const int[]){255, 254, 252, 251, 0}, echo);
	assert_int_equal(row.n, 1);
	assert_int_equal(row.found[0].hidden, 1);
}

/* Three switches that send their errors on: 6, 4, 2 hops more, then none. */
static void test_u_turn(void **state)
{
	static const int three[] = {255, 254, 247, 248, 249, 250, 249, 0};
	static const int stays[] = {255, 254, 247, 248, 249, 248, 247, 0};
	struct row row;

	(void)state;
	infer(&row, three, NULL);
	assert_int_equal(row.n, 1);
	assert_int_equal(row.found[0].sign, WN_RETURN_U_TURN);
	assert_int_equal(row.hops[row.found[0].from].ttl, 2);
	assert_int_equal(row.hops[row.found[0].to].ttl, 5);
	assert_int_equal(row.found[0].is - row.found[0].was, 6);
	infer(&row, stays, NULL); /* does not come down to where it was */
	for (size_t i = 0; i < row.n; i++)
		assert_int_not_equal(row.found[i].sign, WN_RETURN_U_TURN);
}

/* Whatever the TTLs are: no more than fits, and places that are there. */
static void test_bounds(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct wn_return_ttl hops[40];
		struct wn_return_found found[3];
		size_t count = 0, n;

		for (unsigned ttl = 1; ttl <= 40; ttl++) {
			x = x * 1664525 + 1013904223;
			if (x >> 30 != 0)
				hops[count++] = (struct wn_return_ttl){(uint8_t)ttl,
					(int16_t)(x >> 8 & 0xff), (int16_t)((x >> 16 & 0xff) - 1)};
		}
		n = wn_return_infer(hops, count, found, 3);
		for (size_t i = 0; i < n && i < 3; i++)
			assert_true(found[i].from <= found[i].to && found[i].to < count);
	}
}

/* In a record: echo replies of routers, of probes that were sent to them. */
static void test_record_with_echoes(void **state)
{
	static const int exceeded[] = {255, 254, 252, 251};
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;

	(void)state;
	record_start(&rec, "203.0.113.9");
	for (uint8_t ttl = 1; ttl <= 4; ttl++) {
		char from[32];
		uint64_t id;

		snprintf(from, sizeof(from), "198.51.100.%u", ttl);
		record_hop(&rec, ttl, from, 1000);
		rec.events[rec.count - 1].u.reply.reply.ttl = (int16_t)exceeded[ttl - 1];
		/* An echo request to the router itself, in another flow, far enough to get there.
		 */
		id = record_sent(&rec, 64, 7, ttl)->probe_id;
		rec.events[rec.count - 1].u.sent.probe.dst = record_addr(from);
		record_reply(&rec, id, WN_REPLY_ECHO, from, 1000);
		rec.events[rec.count - 1].u.reply.reply.ttl = (int16_t)(65 - ttl);
	}
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	assert_non_null(found_nth(&f, WN_FINDING_MPLS_INVISIBLE, 0));
	assert_int_equal(found_nth(&f, WN_FINDING_MPLS_INVISIBLE, 0)->certainty, WN_LIKELY);
	assert_int_equal(found_nth(&f, WN_FINDING_MPLS_INVISIBLE, 0)->u.mpls.sign, WN_SIGN_RTLA);
	assert_int_equal(found_nth(&f, WN_FINDING_MPLS_INVISIBLE, 0)->first.ttl, 3);
	assert_int_equal(found_nth(&f, WN_FINDING_MPLS_INVISIBLE, 0)->u.mpls.echo_ttl, 62);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initial),
		cmocka_unit_test(test_symmetric),
		cmocka_unit_test(test_frpla),
		cmocka_unit_test(test_rtla),
		cmocka_unit_test(test_u_turn),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_record_with_echoes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
