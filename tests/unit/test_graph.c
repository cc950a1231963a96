/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of all paths against records made by hand: what it shows, and what it must not. */
#include "graphkit.h"

#include "alloc_fault.h"
#include "multipath/stopping.h"

/* ---- what flows show ---- */

static void test_one_path(void **state)
{
	static const char *const lines[] = {"1 2 !", "1 2 !", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	expect_size(&s, 3, 3);
	expect_link(&s, 0, 0, 1, 2);
	expect_link(&s, 1, 1, 2, 2);
	expect_link(&s, 2, 2, 0, 2);
	assert_int_equal(s.g.nodes[0].ttl, 0);
	assert_int_equal(s.g.nodes[0].flows, 2);
	assert_true(at(&s, 3, 0)->target && at(&s, 3, 0)->ended == 2);
	assert_int_equal(at(&s, 1, 1)->lb, WN_LB_NONE);
	assert_int_equal(s.g.flows[1].end, WN_GRAPH_REACHED);
	assert_int_equal(s.g.path_count, 1);
	assert_int_equal(s.g.paths[0].flows, 2);
	assert_int_equal(s.g.paths_possible, 1);
	assert_int_equal(s.g.interfaces, 3);
	leave(&s);
}

static void test_diamond(void **state)
{
	struct scene s;

	(void)state;
	stage(&s, scene_paths_diamond);
	expect_size(&s, 10, 13);
	assert_int_equal(wn_graph_width(&s.g, 3), 4);
	assert_int_equal(wn_graph_width(&s.g, 4), 2);
	assert_non_null(joined(&s, 3, 31, 41));
	assert_non_null(joined(&s, 3, 34, 42));
	assert_null(joined(&s, 3, 31, 42));
	assert_int_equal(at(&s, 2, 2)->lb, WN_LB_FLOW);
	assert_int_equal(at(&s, 2, 2)->out_count, 4);
	assert_int_equal(at(&s, 2, 2)->tested, 48);
	assert_int_equal(at(&s, 2, 2)->miss_ppb, wn_stopping_miss_ppb(4, 48));
	assert_int_equal(at(&s, 3, 31)->lb, WN_LB_NONE);
	assert_int_equal(s.g.path_count, 4);
	assert_int_equal(s.g.paths_possible, 4);
	assert_int_equal(s.g.interfaces, 10);
	leave(&s);
}

/* Branches end where the target answers; what is probed beyond is no hop. */
static void test_unequal_branches(void **state)
{
	static const char *const lines[] = {
		"1 2 4 !", "1 3 ! !", "1 2 4 ! !", "1 3 !", "- 3 ! 9", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FLOWS, lines);
	expect_size(&s, 6, 6);
	expect_link(&s, 2, 3, 0, 3);
	expect_link(&s, 2, 2, 4, 2);
	expect_link(&s, 3, 4, 0, 2);
	assert_true(at(&s, 3, 0)->target && at(&s, 4, 0)->target);
	assert_int_equal(at(&s, 3, 0)->ended, 3);
	assert_int_equal(at(&s, 3, 0)->miss_ppb, 0);
	assert_int_equal(node(&s, 4, 9), WN_NONE);
	assert_int_equal(s.g.last_ttl, 4);
	assert_int_equal(s.g.path_count, 2);
	assert_int_equal(s.g.flows[4].path, WN_NONE); /* not seen at TTL 1 */
	assert_int_equal(s.g.interfaces, 5);
	leave(&s);
}

/* Who lost all its answers where the others met the target does not show it twice. */
static void test_target_once(void **state)
{
	static const char *const lost[] = {
		"1 2 !", "1 2 */*/*/*/* !", "1 3 !", "1 2 !", "1 3 !", NULL};
	static const char *const open[] = {"1 2 !", "1 2 ? !", "1 - - !", NULL};
	static const char *const longer[] = {"1 2 !", "1 2 !", "1 2 * !", "1 2 * !", NULL};
	static const char *const other[] = {"1 2 !", "1 3 4 !", "1 3 * !", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_LITE, lost);
	expect_size(&s, 4, 5);
	assert_int_equal(s.g.last_ttl, 3);
	assert_int_equal(node(&s, 3, -1), WN_NONE);
	leave(&s);
	draw(&s, WN_PATHS_FLOWS, open); /* interrupted */
	assert_int_equal(s.g.last_ttl, 3);
	leave(&s);
	draw(&s, WN_PATHS_LITE, longer); /* as many: a silent router on a longer way */
	assert_int_equal(s.g.last_ttl, 4);
	leave(&s);
	draw(&s, WN_PATHS_LITE, other); /* the way over 3 is longer */
	assert_int_equal(s.g.last_ttl, 4);
	expect_link(&s, 3, 4, 0, 1);
	leave(&s);
}

static void test_refusal_ends_a_flow(void **state)
{
	static const char *const lines[] = {"1 x2 x2 x2", "1 3 !", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	expect_size(&s, 4, 4);
	assert_int_equal(at(&s, 2, 2)->ended, 1);
	assert_false(at(&s, 2, 2)->target);
	assert_int_equal(s.g.flows[0].end, WN_GRAPH_REFUSED);
	assert_int_equal(s.g.path_count, 2);
	leave(&s);
}

/* Destination NAT: the target's address on the way does not end it. */
static void test_target_on_the_way(void **state)
{
	struct scene s = {0};

	(void)state;
	walk_start(&s.rec, WN_PATHS_FULL);
	walk(&s.rec, 0, "1");
	record_reply(&s.rec, record_sent(&s.rec, 2, 0, 0)->probe_id, WN_REPLY_TIME_EXCEEDED,
		WALK_DST, 2000);
	walk(&s.rec, 0, "- - 3 !");
	build(&s);
	expect_size(&s, 4, 4);
	assert_false(at(&s, 2, 0)->target);
	assert_true(at(&s, 4, 0)->target);
	assert_int_equal(s.g.interfaces, 3);
	leave(&s);
}

static void test_no_link_without_a_flow(void **state)
{
	static const char *const lines[] = {
		"1 21 31 4 !", "1 22 32 4 !", "- 23 - - -", "- - 33 - -", "- - 33 - -", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FLOWS, lines);
	expect_size(&s, 9, 8);
	assert_null(joined(&s, 2, 23, 33));
	assert_null(joined(&s, 1, 1, 23));
	assert_int_equal(at(&s, 2, 23)->in_count + at(&s, 2, 23)->out_count, 0);
	assert_int_equal(at(&s, 2, 23)->miss_ppb, WN_STOPPING_PPB);
	assert_int_equal(s.g.whole_ppb, WN_STOPPING_PPB);
	leave(&s);
	draw(&s, WN_PATHS_LITE, lines);
	expect_size(&s, 9, 10);
	expect_link(&s, 1, 1, 23, 0);
	expect_link(&s, 3, 33, 4, 0);
	assert_null(joined(&s, 2, 23, 33));
	assert_null(joined(&s, 2, 21, 32));
	assert_int_equal(s.g.inferred, 2);
	assert_int_equal(at(&s, 1, 1)->out_count, 3);
	assert_int_equal(at(&s, 1, 1)->tested, 3);
	leave(&s);
}

/* Who asks for interfaces alone gets no link that a flow has not shown, nor a path. */
static void test_interfaces_alone(void **state)
{
	static const char *const lines[] = {
		"1 21 * 4 !", "- 22 - - -", "- 23/24 - - -", "- - - 4 !", "- - - - !", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_NODES, lines);
	expect_size(&s, 8, 5);
	assert_int_equal(s.g.inferred, 0);
	assert_null(joined(&s, 1, 1, 22));
	assert_null(joined(&s, 1, 1, 23));
	assert_int_equal(s.g.path_count, 0); /* a flow went by turns: none keeps to its way */
	assert_int_equal(s.g.paths_possible, 0);
	assert_false(s.g.links_claimed);
	for (uint32_t i = 0; i < s.g.node_count; i++)
		assert_int_equal(s.g.nodes[i].miss_ppb, 0);
	leave(&s);
}

/* Shares are parts of what adds up, whatever was probed where. */
static void test_shares_add_up(void **state)
{
	static const char *const lines[] = {
		"1 21 3", "1 22 3", "- 21 3", "- 21 3", "- 21 -", "- 21/22 -", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_LITE, lines);
	expect_link(&s, 1, 1, 21, 1);
	assert_int_equal(joined(&s, 1, 1, 21)->passed, 5);
	assert_int_equal(joined(&s, 1, 1, 22)->passed, 2);
	assert_int_equal(at(&s, 1, 1)->taken, 7);
	assert_int_equal(s.g.hops[2].flows, 6);
	assert_int_equal(s.g.hops[2].met, 7);
	leave(&s);
	draw(&s, WN_PATHS_FLOWS, lines);
	assert_int_equal(joined(&s, 1, 1, 21)->passed, 1);
	assert_int_equal(at(&s, 1, 1)->taken, 2);
	leave(&s);
}

/* `often` flows of 40 take one of two ways. */
static uint32_t unevenness_of(enum wn_paths_mode mode, uint32_t often, const char *way)
{
	struct scene s = {0};
	uint32_t ppb;

	walk_start(&s.rec, mode);
	for (uint32_t flow = 0; flow < 40; flow++)
		walk(&s.rec, flow, flow < often ? way : "1 22 !");
	build(&s);
	ppb = at(&s, 1, 1)->uneven_ppb;
	leave(&s);
	return ppb;
}

static void test_uneven_ways(void **state)
{
	(void)state;
	assert_true(unevenness_of(WN_PATHS_FULL, 20, "1 21 !") == WN_STOPPING_PPB);
	assert_true(unevenness_of(WN_PATHS_FULL, 25, "1 21 !") > 100000000);
	assert_true(unevenness_of(WN_PATHS_LITE, 38, "1 21 !") < 10000);
	assert_int_equal(unevenness_of(WN_PATHS_LITE, 40, "1 21 !"), 0); /* one way */
	assert_int_equal(unevenness_of(WN_PATHS_FULL, 38, "1 21/22/21 !"), 0);
	assert_int_equal(unevenness_of(WN_PATHS_NODES, 38, "1 21 !"), 0);
}

/* Where there is one node only, a flow need not have been seen to be followed from end to end. */
static void test_paths_over_single_nodes(void **state)
{
	static const char *const lines[] = {"1 2 31 41 5 !", "- - 32 41", "- - 32 42 - !",
		"- 2 31 42", "- - 31 41", "1 2 - 41 5 !", NULL};
	static const uint32_t paths[] = {0, 2, 3, 1, 0, WN_NONE};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_LITE, lines);
	assert_int_equal(s.g.path_count, 4);
	assert_int_equal(s.g.paths_possible, 4);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(s.g.flows[i].path, paths[i]);
	assert_int_equal(s.g.paths[0].flows, 2);
	assert_int_equal(s.g.paths[2].last_ttl, 6);
	leave(&s);
	draw(&s, WN_PATHS_FLOWS, lines);
	assert_int_equal(s.g.path_count, 1);
	leave(&s);
}

/* Nothing follows from a single node at which every flow ended. */
static void test_no_link_behind_the_end(void **state)
{
	static const char *const lines[] = {"1 !", "1 !", "- - 3", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_LITE, lines);
	expect_size(&s, 3, 2);
	assert_null(joined(&s, 2, 0, 3));
	leave(&s);
}

/* ---- silence and loss ---- */

static void test_silent_router(void **state)
{
	static const char *const lines[] = {"1 */* 3 !", "1 * 3 !", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	expect_size(&s, 4, 4);
	expect_link(&s, 1, 1, -1, 2);
	expect_link(&s, 2, -1, 3, 2);
	assert_int_equal(s.g.path_count, 1);
	assert_int_equal(s.g.interfaces, 3);
	leave(&s);
}

/* A lost probe is no silent router unless something farther answered, or nobody ever did there. */
static void test_loss_is_not_silence(void **state)
{
	static const char *const lines[] = {
		"1 2 !", "1 *", "1 */2 !", "1 ? !", "1 # !", "1 2 !", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	expect_size(&s, 3, 3);
	assert_int_equal(node(&s, 2, -1), WN_NONE);
	assert_int_equal(at(&s, 2, 2)->flows, 3);
	assert_int_equal(s.g.path_count, 1);
	leave(&s);
}

/* Flows that are so many whatever they show are asked twice at most: a limit looks as silence
 * would. */
static void test_a_limit_is_not_silence(void **state)
{
	static const char *const lines[] = {"1 2 3 !", "1 2 3 !", "1 */* 3 !", "1 */* 3 !",
		"1 */* 3 !", "1 */* 3 !", "1 */* 3 !", "1 */* 3 !", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FLOWS, lines);
	assert_int_equal(node(&s, 2, -1), WN_NONE);
	assert_int_equal(s.g.path_count, 1);
	leave(&s);
}

/* What was sent on by a branch and lost may have come to a dead end: no link follows from it. */
static void test_dead_end(void **state)
{
	static const char *const lines[] = {
		"1 2 4 !", "1 2 4 !", "1 3 */*/* *", "1 3 */*/* *", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_LITE, lines);
	expect_link(&s, 2, 2, 4, 2);
	assert_null(joined(&s, 2, 3, 4));
	assert_true(at(&s, 2, 3)->dead_end);
	assert_false(at(&s, 2, 2)->dead_end);
	assert_int_equal(at(&s, 2, 3)->miss_ppb, WN_STOPPING_PPB);
	/* No way leads on to what the others share. */
	assert_int_equal(s.g.path_count, 1);
	assert_int_equal(s.g.paths_possible, 2);
	/* It is no question of how many flows there were. */
	assert_true(s.g.whole_ppb < WN_STOPPING_PPB && s.g.worst_ppb < WN_STOPPING_PPB);
	leave(&s);
}

/* What comes again needs no proof. */
static void test_loop(void **state)
{
	struct scene s = {0};

	(void)state;
	walk_start(&s.rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 8; flow++)
		walk(&s.rec, flow, flow ? "1 2 3 2" : "1 2 3 2 3");
	record_stop(&s.rec, WN_STOP_LOOP, 5);
	build(&s);
	assert_int_equal(s.g.whole_ppb, wn_stopping_miss_ppb(1, 8));
	assert_int_equal(at(&s, 4, 2)->miss_ppb, 0);
	assert_true(at(&s, 5, 3)->loop);
	assert_false(at(&s, 4, 2)->loop || at(&s, 3, 3)->loop);
	leave(&s);
}

static void test_silence_where_nobody_answers(void **state)
{
	static const char *const lines[] = {"1 *", "1 * - 4", "1 * * 4", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	assert_int_equal(at(&s, 2, -1)->flows, 3);
	assert_int_equal(at(&s, 3, -1)->flows, 1);
	expect_link(&s, 1, 1, -1, 3);
	expect_link(&s, 2, -1, -1, 1);
	expect_link(&s, 3, -1, 4, 1);
	leave(&s);
}

/* `answered` flows were answered at TTL 2 with one probe each, `silent` ones gave up there. */
static void silence_scene(struct scene *s, uint32_t answered, uint32_t silent, const char *way)
{
	*s = (struct scene){0};
	walk_start(&s->rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < answered; flow++)
		walk(&s->rec, flow, "1 2 3 !");
	for (uint32_t flow = answered; flow < answered + silent; flow++)
		walk(&s->rec, flow, way);
	build(s);
}

/* Beside interfaces that answer, silence is what loss does not explain. */
static void test_silence_or_loss(void **state)
{
	static const struct {
		uint32_t answered, silent;
		const char *way;
		bool silence;
	} cases[] = {
		{3, 1, "1 * 3 !", false},
		{20, 4, "1 * 3 !", false},
		{20, 5, "1 * 3 !", true},
		{20, 1, "1 */* 3 !", false},
		{20, 2, "1 */* 3 !", true},
		{6, 1, "1 */* 3 !", false},
		{3, 1, "1 */*/* 3 !", false},
		{9, 1, "1 */*/* 3 !", true},
		{3, 2, "1 */*/* 3 !", true},
	};
	struct scene s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		silence_scene(&s, cases[i].answered, cases[i].silent, cases[i].way);
		assert_int_equal(wn_graph_width(&s.g, 2), 1 + cases[i].silence);
		assert_int_equal(s.g.hops[2].lost, cases[i].silence ? 0 : cases[i].silent);
		assert_int_equal(at(&s, 1, 1)->lb, cases[i].silence ? WN_LB_FLOW : WN_LB_NONE);
		assert_int_equal(s.g.path_count, 1 + cases[i].silence);
		leave(&s);
	}
	/* Where the others lose probes, too, more is needed. */
	s = (struct scene){0};
	walk_start(&s.rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 12; flow++)
		walk(&s.rec, flow, flow < 10 ? "1 */2 3 !" : "1 */* 3 !");
	build(&s);
	assert_int_equal(node(&s, 2, -1), WN_NONE);
	leave(&s);
}

static void test_silent_end(void **state)
{
	static const char *const lines[] = {"1 2 * * *", "1 * * * *", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	expect_size(&s, 2, 2);
	assert_int_equal(s.g.last_ttl, 2);
	assert_int_equal(s.g.path_count, 1);
	assert_int_equal(s.g.flows[0].end, WN_GRAPH_OPEN);
	leave(&s);
}

static void test_nothing_at_all(void **state)
{
	static const char *const lines[] = {"* * *", NULL};
	struct scene s;

	(void)state;
	draw(&s, WN_PATHS_FULL, lines);
	expect_size(&s, 0, 0);
	assert_int_equal(s.g.last_ttl, 0);
	assert_int_equal(s.g.worst_ttl, 0);
	assert_int_equal(s.g.paths_possible, 0);
	leave(&s);
	draw(&s, WN_PATHS_LITE, lines + 1);
	expect_size(&s, 0, 0);
	leave(&s);
}

/* ---- order, size, memory ---- */

/* Who answers first, and in which order flows are numbered, changes nothing. */
static void test_order(void **state)
{
	static const char *const one[] = {"1 21 31", "1 22 32", "1 23 31", "1 24 32", NULL};
	static const char *const other[] = {"1 24 32", "1 23 31", "1 22 32", "1 21 31", NULL};
	/* What leads to the same place stands side by side. */
	static const int hosts[] = {21, 23, 22, 24, 31, 32};
	struct scene s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		draw(&s, WN_PATHS_FULL, i ? other : one);
		for (uint32_t j = 0; j < 6; j++)
			assert_int_equal(node(&s, j < 4 ? 2 : 3, hosts[j]), j + 2);
		leave(&s);
	}
}

static void test_links_in(void **state)
{
	struct scene s;

	(void)state;
	stage(&s, scene_paths_mesh);
	expect_size(&s, 11, 1 + 4 + 16 + 4 + 1);
	for (uint32_t i = 1; i < s.g.node_count; i++) {
		const struct wn_graph_node *n = &s.g.nodes[i];

		for (uint32_t j = 0; j < n->in_count; j++)
			assert_int_equal(s.g.links[s.g.in_links[n->first_in + j]].to, i);
		for (uint32_t j = 0; j < n->out_count; j++)
			assert_int_equal(s.g.links[n->first_out + j].from, i);
	}
	assert_int_equal(at(&s, 3, 31)->in_count, 4);
	assert_int_equal(s.g.paths_possible, 16);
	leave(&s);
}

/* 70 pairs that all lead to the next pair: more ways than can be counted. */
static void test_paths_saturate(void **state)
{
	struct scene s = {0};

	(void)state;
	walk_start(&s.rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 4; flow++)
		for (unsigned ttl = 1; ttl <= 70; ttl++) {
			unsigned bit = ttl % 2 ? flow & 1 : flow >> 1;
			char token[8];

			snprintf(token, sizeof(token), "%u", 2 * ttl + bit);
			walk_answer(&s.rec, walk_probe(&s.rec, (uint8_t)ttl, flow, 0), token,
				strlen(token));
		}
	build(&s);
	assert_true(s.g.paths_possible == INT64_MAX);
	assert_int_equal(s.g.path_count, 4);
	leave(&s);
}

static wn_err try_scene(void (*scene)(struct record *rec), unsigned long nth)
{
	struct record rec = {0};
	struct wn_result *r;
	struct wn_graph g;
	unsigned long live;
	wn_err err;

	scene(&rec);
	r = record_fold(&rec);
	live = alloc_fault_live();
	alloc_fault_arm(nth);
	err = wn_graph_build(r, &g);
	assert_int_equal(alloc_fault_disarm(), err != WN_OK);
	if (err)
		assert_int_equal(g.node_count, 0);
	wn_graph_free(&g);
	assert_int_equal(alloc_fault_live(), live);
	wn_result_free(r);
	record_fini(&rec);
	return err;
}

static void test_without_memory(void **state)
{
	unsigned long nth = 1;

	(void)state;
	while (try_scene(scene_paths_v6, nth) == WN_ENOMEM)
		nth++;
	assert_true(nth > 15);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(wn_lb_name(WN_LB_PACKET), "per-packet");
	assert_string_equal(wn_lb_name((enum wn_lb)99), "unknown");
	assert_string_equal(wn_graph_end_name(WN_GRAPH_REFUSED), "refused");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_path),
		cmocka_unit_test(test_diamond),
		cmocka_unit_test(test_unequal_branches),
		cmocka_unit_test(test_target_once),
		cmocka_unit_test(test_refusal_ends_a_flow),
		cmocka_unit_test(test_target_on_the_way),
		cmocka_unit_test(test_no_link_without_a_flow),
		cmocka_unit_test(test_interfaces_alone),
		cmocka_unit_test(test_shares_add_up),
		cmocka_unit_test(test_uneven_ways),
		cmocka_unit_test(test_paths_over_single_nodes),
		cmocka_unit_test(test_no_link_behind_the_end),
		cmocka_unit_test(test_silent_router),
		cmocka_unit_test(test_loss_is_not_silence),
		cmocka_unit_test(test_a_limit_is_not_silence),
		cmocka_unit_test(test_dead_end),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_silence_where_nobody_answers),
		cmocka_unit_test(test_silence_or_loss),
		cmocka_unit_test(test_silent_end),
		cmocka_unit_test(test_nothing_at_all),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_links_in),
		cmocka_unit_test(test_paths_saturate),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
