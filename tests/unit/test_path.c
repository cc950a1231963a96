/* SPDX-License-Identifier: Apache-2.0 */
/* Views over a result: flows, paths, links, and where silence begins. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "record.h"

#define DST "203.0.113.9"
#define A   "198.51.100.1"
#define B   "198.51.100.2"
#define C   "198.51.100.3"
#define D   "198.51.100.4"
#define E   "198.51.100.5"

static void check_addr(const struct wn_result *r, uint32_t responder, const char *want)
{
	struct wn_addr a = record_addr(want);

	assert_int_not_equal(responder, WN_NONE);
	assert_true(wn_addr_eq(&r->responders[responder].addr, &a));
}

static uint64_t flow_hop(struct record *rec, uint8_t ttl, uint32_t flow, const char *from)
{
	uint64_t id = record_sent(rec, ttl, flow, 0)->probe_id;

	record_reply(rec, id, WN_REPLY_TIME_EXCEEDED, from, 1000 * ttl);
	return id;
}

/*
 * A diamond: flow 7 goes A-B-D, flow 3 goes A-C-D; flow 5 is silent in the middle, so that it
 * proves no link at all.
 */
static void test_paths_and_links_of_flows(void **state)
{
	struct record rec = {0};
	struct wn_link links[8];
	uint32_t flows[4], path[8];
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	for (uint8_t ttl = 1; ttl <= 3; ttl++) {
		flow_hop(&rec, ttl, 7, ttl == 1 ? A : ttl == 2 ? B : D);
		flow_hop(&rec, ttl, 3, ttl == 1 ? A : ttl == 2 ? C : D);
		if (ttl != 2)
			flow_hop(&rec, ttl, 5, ttl == 1 ? A : D);
		else
			record_timeout(&rec, record_sent(&rec, 2, 5, 0)->probe_id);
	}
	r = record_fold(&rec);

	assert_int_equal(wn_result_flows(r, flows, 4), 3);
	assert_int_equal(flows[0], 7);
	assert_int_equal(flows[1], 3);
	assert_int_equal(flows[2], 5);
	flows[1] = 0;
	assert_int_equal(wn_result_flows(r, flows, 1), 3);
	assert_int_equal(flows[1], 0);

	assert_int_equal(wn_result_path(r, 7, path, 8), 3);
	check_addr(r, path[0], A);
	check_addr(r, path[1], B);
	check_addr(r, path[2], D);
	assert_int_equal(wn_result_path(r, 5, path, 8), 3);
	assert_int_equal(path[1], WN_NONE);
	assert_int_equal(wn_result_path(r, 99, path, 8), 0);

	assert_int_equal(wn_result_links(r, links, 8), 4);
	assert_int_equal(links[0].ttl, 1);
	check_addr(r, links[0].from, A);
	check_addr(r, links[0].to, B);
	assert_int_equal(links[0].flows, 1);
	check_addr(r, links[1].to, C);
	assert_int_equal(links[2].ttl, 2);
	check_addr(r, links[2].from, B);
	check_addr(r, links[2].to, D);
	check_addr(r, links[3].from, C);
	wn_result_free(r);
	record_fini(&rec);
}

/* The flow that was used first may be the one whose link is known last. */
static void test_links_in_order_of_discovery(void **state)
{
	struct record rec = {0};
	struct wn_link links[2];
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	flow_hop(&rec, 1, 1, A);
	flow_hop(&rec, 1, 2, A);
	flow_hop(&rec, 2, 2, C);
	flow_hop(&rec, 2, 1, B);
	r = record_fold(&rec);
	assert_int_equal(wn_result_links(r, links, 2), 2);
	check_addr(r, links[0].to, C);
	check_addr(r, links[1].to, B);
	wn_result_free(r);
	record_fini(&rec);
}

/* One flow, packets spread one by one over B and C: only B-D and C-E were travelled. */
static void test_torn_flow_draws_no_false_links(void **state)
{
	static const char *const near[] = {B, C, B};
	static const char *const far[] = {D, E, D};
	struct record rec = {0};
	struct wn_link links[8];
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	for (int i = 0; i < 3; i++) {
		record_hop(&rec, 1, A, 100);
		record_hop(&rec, 2, near[i], 200);
		record_hop(&rec, 3, far[i], 300);
	}
	r = record_fold(&rec);
	assert_int_equal(wn_result_links(r, links, 8), 4);
	check_addr(r, links[0].to, B);
	check_addr(r, links[1].to, C);
	check_addr(r, links[2].from, B);
	check_addr(r, links[2].to, D);
	check_addr(r, links[3].from, C);
	check_addr(r, links[3].to, E);
	for (int i = 0; i < 4; i++)
		assert_int_equal(links[i].flows, 1);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_trailing_silence(void **state)
{
	struct record rec = {0};
	struct wn_result *r;
	uint8_t last;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 100);
	record_lost(&rec, 2);
	record_hop(&rec, 3, B, 100);
	for (uint8_t ttl = 4; ttl <= 7; ttl++)
		record_lost(&rec, ttl);
	r = record_fold(&rec);
	assert_int_equal(wn_result_trailing_silent(r, &last), 4);
	assert_int_equal(last, 7);
	wn_result_free(r);

	/* Waiting is not silence. */
	record_sent(&rec, 6, 0, 1);
	r = record_fold(&rec);
	assert_int_equal(wn_result_trailing_silent(r, &last), 7);
	wn_result_free(r);
	record_sent(&rec, 8, 0, 0);
	r = record_fold(&rec);
	assert_int_equal(wn_result_trailing_silent(r, &last), 0);
	assert_int_equal(last, 0);
	wn_result_free(r);

	/* Behind the destination nothing is missing. */
	record_dest(&rec, 4, DST, 100);
	r = record_fold(&rec);
	assert_int_equal(wn_result_trailing_silent(r, &last), 0);
	wn_result_free(r);
	record_fini(&rec);
}

/* Thousands of responders and flows at one TTL: growth and lookup, and links in order. */
static void test_many(void **state)
{
	enum { N = 3000 };
	static struct wn_link links[N];
	struct record rec = {0};
	struct wn_result *r;
	char text[WN_ADDR_STRLEN];

	(void)state;
	record_start(&rec, DST);
	for (uint32_t i = 0; i < N; i++) {
		struct wn_addr a = wn_addr_v4(0x0a000000 + i * 257);
		uint64_t id;

		id = flow_hop(&rec, 1, i, A);
		assert_int_equal(id, 2 * i + 1);
		flow_hop(&rec, 2, i, wn_addr_str(&a, text));
	}
	r = record_fold(&rec);
	assert_int_equal(r->responder_count, N + 1);
	assert_int_equal(r->hops[2].responder_count, N);
	for (uint32_t i = 0; i < N; i++) {
		struct wn_addr a = wn_addr_v4(0x0a000000 + i * 257);

		assert_int_equal(wn_result_find_responder(r, &a), i + 1);
		assert_int_equal(wn_result_find_probe(r, 2 * i + 1), 2 * i);
	}
	assert_int_equal(wn_result_links(r, links, N), N);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(links[i].from, 0);
		assert_int_equal(links[i].to, i + 1);
	}
	wn_result_free(r);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_and_links_of_flows),
		cmocka_unit_test(test_links_in_order_of_discovery),
		cmocka_unit_test(test_torn_flow_draws_no_false_links),
		cmocka_unit_test(test_trailing_silence),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
