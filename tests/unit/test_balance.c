/* SPDX-License-Identifier: Apache-2.0 */
/* How nodes of a graph balance, and what that leaves to chance. */
#include "graphkit.h"

#include "multipath/stopping.h"

static void test_per_packet(void **state)
{
	struct scene s;

	(void)state;
	stage(&s, scene_paths_packet);
	assert_int_equal(at(&s, 2, 2)->lb, WN_LB_PACKET);
	assert_int_equal(s.g.torn_flows, 6);
	assert_int_equal(s.g.hops[3].torn, 6);
	/* Up to where all meet again nothing is sure, nor judged. */
	assert_false(joined(&s, 2, 2, 31)->unsure);
	assert_true(joined(&s, 3, 31, 42)->unsure);
	assert_true(joined(&s, 4, 42, 51)->unsure);
	assert_false(joined(&s, 5, 51, 6)->unsure);
	assert_false(joined(&s, 6, 6, 0)->unsure);
	assert_int_equal(at(&s, 4, 41)->lb, WN_LB_UNKNOWN);
	leave(&s);
}

static void test_torn_flows_draw_no_links(void **state)
{
	static const char *const lines[] = {
		"1 21/21/21/21/21/21/21/21 31/32/31 4", "1 22 33 4", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	assert_null(joined(&s, 2, 21, 31));
	assert_int_equal(at(&s, 2, 21)->lb, WN_LB_PACKET);
	assert_int_equal(at(&s, 2, 21)->tested, 1);
	assert_int_equal(at(&s, 2, 22)->lb, WN_LB_NONE);
	assert_int_equal(at(&s, 3, 31)->torn, 1);
	assert_int_equal(at(&s, 3, 31)->flows, 1);
	/* There is but one way on, even for packets one by one. */
	expect_link(&s, 3, 31, 4, 0);
	expect_link(&s, 3, 33, 4, 1);
	assert_int_equal(s.g.flows[0].path, WN_NONE);
	leave(&s);
}

/* It is not the last node that answered which sends them so, unless they come to it each time. */
static void test_packets_parted_before(void **state)
{
	static const char *const lines[] = {
		"1 21 31/32/31 41 5", "1 21/21 31 41 5", "1 22 33 42 5", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	assert_false(joined(&s, 1, 1, 21)->unsure);
	assert_true(joined(&s, 2, 21, 31)->unsure);
	assert_true(joined(&s, 2, 22, 33)->unsure);
	assert_true(joined(&s, 3, 31, 41)->unsure);
	assert_false(joined(&s, 4, 41, 5)->unsure);
	assert_int_equal(at(&s, 2, 21)->lb, WN_LB_UNKNOWN);
	assert_true(s.g.hops[2].apart);
	assert_false(s.g.hops[4].apart && s.g.hops[5].apart);
	assert_false(s.g.links_claimed);
	leave(&s);
}

/* One change at one moment may be a new path; changes that fit no moment are none. */
static void test_path_change(void **state)
{
	static const char *const lines[] = {"1 21/22", "1 21/22", NULL};
	struct scene s = {0};

	(void)state;
	walk_start(&s.rec, WN_PATHS_FULL);
	walk(&s.rec, 0, "1 21");
	walk(&s.rec, 1, "1 21");
	walk(&s.rec, 0, "- 22");
	walk(&s.rec, 1, "- 22");
	build(&s);
	assert_int_equal(at(&s, 1, 1)->lb, WN_LB_UNKNOWN);
	assert_int_equal(s.g.torn_flows, 2);
	leave(&s);
	/* The same moment, but the one that was left is still there for another flow. */
	walk_start(&s.rec, WN_PATHS_FULL);
	walk(&s.rec, 0, "1 21");
	walk(&s.rec, 1, "1 21");
	walk(&s.rec, 0, "- 22");
	walk(&s.rec, 1, "- 21");
	build(&s);
	assert_int_equal(at(&s, 1, 1)->lb, WN_LB_PACKET);
	leave(&s);
	draw(&s, WN_PATHS_FULL, lines);
	assert_int_equal(at(&s, 1, 1)->lb, WN_LB_PACKET);
	leave(&s);
}

static void test_icmp(void **state)
{
	struct scene s = {0};

	(void)state;
	walk_start(&s.rec, WN_PATHS_FULL)->proto = WN_PROTO_ICMP;
	walk(&s.rec, 0, "1 21");
	walk(&s.rec, 1, "1 22");
	build(&s);
	assert_int_equal(at(&s, 1, 1)->lb, WN_LB_ICMP_CHECKSUM);
	leave(&s);
}

/* by: bit 0 the port decides, bit 1 the label. tests: how many flows differ in one alone. */
static void label_scene(struct scene *s, unsigned by, uint32_t tests)
{
	static const char *const ways[] = {"2001:db8::21", "2001:db8::22"};
	struct wn_params *p;

	*s = (struct scene){0};
	p = &record_start(&s->rec, "2001:db8:9::9")->u.start;
	p->paths = WN_PATHS_FULL;
	p->miss_ppm = 50000;
	for (uint32_t i = 0; i < 8 + 2 * tests; i++) {
		uint32_t port = i < 8 ? i : i < 8 + tests ? 0 : i - 8 - tests;
		uint32_t label = i < 8 ? i : i < 8 + tests ? i - 8 : 0;
		uint32_t flow = i < 8 ? i : port | (label + 1) << 16;
		unsigned way = ((by & 1 ? port : 0) + (by & 2 ? label : 0) / (by == 3 ? 2 : 1)) & 1;
		struct wn_event *sent;

		for (uint8_t ttl = 1; ttl <= 2; ttl++) {
			sent = record_sent(&s->rec, ttl, flow, 0);
			sent->u.sent.probe.sport = (uint16_t)(50000 + port);
			sent->u.sent.probe.flow_label = label;
			record_reply(&s->rec, sent->probe_id, WN_REPLY_TIME_EXCEEDED,
				ttl == 1 ? "2001:db8::1" : ways[way], 1000);
		}
	}
	build(s);
}

static void test_flow_label(void **state)
{
	static const struct {
		unsigned by;
		uint32_t tests;
		enum wn_lb lb;
		bool known;
	} cases[] = {
		{1, 0, WN_LB_FLOW, false},
		{1, 2, WN_LB_FLOW, false}, /* too few to tell */
		{1, 8, WN_LB_FLOW, true},
		{2, 8, WN_LB_FLOW_LABEL, true},
		{3, 8, WN_LB_FLOW_AND_LABEL, true},
	};
	struct scene s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		label_scene(&s, cases[i].by, cases[i].tests);
		assert_int_equal(s.g.flow_count, 8); /* tests are no flows */
		assert_int_equal(s.g.nodes[1].flows, 8);
		assert_int_equal(s.g.nodes[1].lb, cases[i].lb);
		assert_int_equal(s.g.nodes[1].label_known, cases[i].known);
		leave(&s);
	}
}

static void test_destination(void **state)
{
	struct scene s = {0};

	(void)state;
	walk_start(&s.rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 6; flow++)
		walk(&s.rec, flow, "1 2 3 !");
	for (uint32_t i = 1; i < 4; i++) {
		struct wn_event *sent = record_sent(&s.rec, 2, i << 16, 0);

		sent->u.sent.probe.dst = record_addr("203.0.113.10");
		walk_answer(&s.rec, sent, i == 2 ? "7" : "2", 1);
		/* Another address answers for itself: that says nothing. */
		sent = record_sent(&s.rec, 4, i << 16, 0);
		sent->u.sent.probe.dst = record_addr("203.0.113.10");
		walk_answer(&s.rec, sent, "!8", 2);
	}
	build(&s);
	expect_size(&s, 4, 4);
	assert_int_equal(at(&s, 1, 1)->lb, WN_LB_DESTINATION);
	assert_int_equal(at(&s, 1, 1)->destinations, 3);
	assert_int_equal(at(&s, 1, 1)->elsewhere, 1);
	assert_int_equal(at(&s, 3, 3)->lb, WN_LB_NONE);
	assert_int_equal(node(&s, 2, 7), WN_NONE);
	leave(&s);
}

/* ---- bounds ---- */

static void expect_whole(const struct scene *s, uint32_t several, uint32_t single)
{
	assert_int_equal(s->g.whole_ppb, several > single ? several : single);
}

/* What balances, or the worst of what does not. */
static void test_bounds(void **state)
{
	static const char *const lines[] = {"1 21 !", "1 22 !", "1 21 !", "1 22 !", "1 21 !",
		"1 22 !", "1 21 !", "1 22 !", NULL};
	uint32_t k1n8 = wn_stopping_miss_ppb(1, 8), k2n8 = wn_stopping_miss_ppb(2, 8);
	uint32_t k1n4 = wn_stopping_miss_ppb(1, 4);
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	assert_int_equal(s.g.nodes[0].miss_ppb, k1n8);
	assert_int_equal(at(&s, 1, 1)->miss_ppb, k2n8);
	assert_int_equal(at(&s, 2, 21)->miss_ppb, k1n4);
	assert_int_equal(s.g.worst_ppb, k1n4);
	assert_int_equal(s.g.worst_ttl, 3);
	assert_int_equal(s.g.nodes[s.g.worst_node].ttl, 2);
	expect_whole(&s, k2n8, k1n4);
	leave(&s);
	/* As a whole, the last TTL was seen with eight flows; the first is granted. */
	draw(&s, WN_PATHS_NODES, lines);
	assert_int_equal(s.g.hops[3].miss_ppb, k1n8);
	assert_int_equal(s.g.hops[1].miss_ppb, 0);
	assert_int_equal(s.g.worst_ppb, k2n8);
	assert_int_equal(s.g.worst_node, WN_NONE);
	expect_whole(&s, k2n8, k1n8);
	leave(&s);
	/* Who delivers to the target does nothing else. */
	draw(&s, WN_PATHS_LITE, lines);
	assert_int_equal(at(&s, 2, 21)->miss_ppb, 0);
	assert_int_equal(s.g.worst_ppb, k2n8);
	expect_whole(&s, k2n8, k1n8);
	leave(&s);
}

/* Behind many routers LITE judges a TTL as a whole, unless one of them shows that links cross. */
static void test_bounds_of_wide_ttls(void **state)
{
	struct scene s = {0};
	char way[32];

	(void)state;
	for (unsigned crossing = 0; crossing < 2; crossing++) {
		s = (struct scene){0};
		walk_start(&s.rec, WN_PATHS_LITE);
		for (uint32_t flow = 0; flow < 120; flow++) {
			unsigned to = crossing && flow == 100 ? 41 : 40 + flow % 20 / 10;

			snprintf(way, sizeof(way), "1 %u %u 5", 20 + flow % 20, to);
			walk(&s.rec, flow, way);
		}
		build(&s);
		assert_int_equal(at(&s, 2, 21)->miss_ppb, wn_stopping_miss_ppb(1, 6));
		assert_int_equal(s.g.worst_ttl, crossing ? 3 : 2);
		assert_true(s.g.worst_ppb >= wn_stopping_miss_ppb(1, 6) || !crossing);
		leave(&s);
	}
}

/* A TTL where nobody answers is probed with few flows, and all pass it. */
static void test_dark(void **state)
{
	struct scene s = {0};

	(void)state;
	walk_start(&s.rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 16; flow++)
		walk(&s.rec, flow,
			flow < 3   ? "1 2 * * 5 !"
			: flow % 2 ? "1 2 - - 5 !"
				   : "1 3 - - 5 !");
	build(&s);
	expect_link(&s, 2, 2, -1, 3);
	expect_link(&s, 2, 3, -1, 0);
	expect_link(&s, 4, -1, 5, 3);
	assert_int_equal(at(&s, 2, 3)->tested, 6);
	assert_int_equal(at(&s, 3, -1)->tested, 16);
	assert_int_equal(at(&s, 4, -1)->tested, 16);
	assert_int_equal(at(&s, 4, -1)->miss_ppb, wn_stopping_miss_ppb(1, 16));
	assert_int_equal(s.g.worst_ppb, wn_stopping_miss_ppb(1, 6));
	leave(&s);
}

static void test_minimum_share(void **state)
{
	struct scene s = {0};

	(void)state;
	walk_start(&s.rec, WN_PATHS_FULL)->min_share_ppm = 66667;
	for (uint32_t flow = 0; flow < 21; flow++)
		walk(&s.rec, flow, "1 !");
	build(&s);
	assert_int_equal(at(&s, 1, 1)->miss_ppb, wn_stopping_miss_share_ppb(66667, 21));
	leave(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_packet),
		cmocka_unit_test(test_torn_flows_draw_no_links),
		cmocka_unit_test(test_packets_parted_before),
		cmocka_unit_test(test_path_change),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_flow_label),
		cmocka_unit_test(test_destination),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_bounds_of_wide_ttls),
		cmocka_unit_test(test_dark),
		cmocka_unit_test(test_minimum_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
