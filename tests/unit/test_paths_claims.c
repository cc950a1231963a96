/* SPDX-License-Identifier: Apache-2.0 */
/* What all paths are said to be: how much was seen, how sure that is, and how routers balance. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "faces.h"
#include "multipath/beside.h"

static void test_one_is_no_plural(void **state)
{
	static const char *const lines[] = {"1 !", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, lines);
	expect(&rec, "1 path, 2 interfaces, 2 links, 1 flow.\n");
	expect(&rec, "Not enough flows were seen behind the source: there may be more than is "
		     "shown.\n");
	record_fini(&rec);
}

/* Where flows part at once the source is drawn. */
static void test_source(void **state)
{
	static const char *const lines[] = {"11 2 !", "12 2 !", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, lines);
	expect(&rec, "  0  ●   here (192.0.2.1)\n     ├─╮   per flow over 2, 2 flows\n  1  a │ ");
	record_fini(&rec);
}

static void test_refused(void **state)
{
	static const char *const lines[] = {"1 21 !", "1 x22", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, lines);
	expect(&rec, "b 10.0.0.22 !H ");
	expect_face(&rec, wn_out_paths_tree, "longer paths", false);
	record_fini(&rec);
}

/* A drawing is looked at without the lines around it. */
static void test_dot_says_what_it_claims(void **state)
{
	static const char *const lines[] = {"1 2 !", "1 2 !", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, lines);
	expect_face(&rec, wn_out_paths_dot, "partial", false);
	expect_face(&rec, wn_out_paths_dot, "Model: per-flow balancing", true);
	record_end(&rec)->u.end.partial = true;
	expect_face(&rec, wn_out_paths_dot, "33434, partial result\\nModel", true);
	record_fini(&rec);
}

/* What was not probed is neither the source nor somebody that rows could come from. */
static void test_not_from_the_source(void **state)
{
	static const char *const lines[] = {"- - 11 2 !", "- - 12 2 !", NULL};
	struct record rec = {0};

	(void)state;
	walk_start(&rec, WN_PATHS_FULL)->first_ttl = 3;
	for (uint32_t flow = 0; lines[flow]; flow++)
		walk(&rec, flow, lines[flow]);
	expect(&rec, "  2  ○   not probed\n     ├─╮   per flow over 2, 2 flows\n  3  a │ ");
	expect(&rec, "all branches of a router alike, and all interfaces at TTL 3. ");
	expect(&rec, "behind the way before TTL 3: ");
	expect_face(&rec, wn_out_paths_table, "  3a  10.0.0.11          4 ", true);
	expect_face(&rec, wn_out_paths_dot, "n0 [label=\"not probed\\nbelow TTL 3\"]", true);
	record_fini(&rec);
}

/* Chances below 0.1% matter to those who asked for less. */
static void test_small_chances(void **state)
{
	static const char *const few[] = {"1 21 !", "1 22 !", NULL};
	static const char legend[] = "? under Missed: too few flows were seen to tell.\n";
	struct record rec = {0};

	(void)state;
	walk_start(&rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 17; flow++)
		walk(&rec, flow, "1 2 !");
	expect(&rec, "was missed is below 0.1%.\n");
	expect_face(&rec, wn_out_paths_table, legend, false);
	rec.events[0].u.start.miss_ppm = 10;
	expect(&rec, "was missed is at most 0.0016%, more than the 0.001% asked for; at one router "
		     "at most 0.0016% (the source).\n");
	expect_face(&rec, wn_out_paths_table, " 0.0016%\n", true);
	expect_face(&rec, wn_out_paths_dot, "missed: 0.0016%", true);
	record_fini(&rec);
	lines_of(&rec, WN_PATHS_FULL, few);
	expect_face(&rec, wn_out_paths_table, legend, true);
	expect_face(&rec, wn_out_paths_tree, legend, false);
	record_fini(&rec);
}

static void test_more_than_asked_for(void **state)
{
	static const char *const lines[] = {"1 2 !", "1 2 !", "1 2 !", "1 2 !", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, lines);
	expect(&rec, "at most 12.5%, more than the 5% asked for; at one");
	rec.events[0].u.start.miss_ppm = 130000;
	expect(&rec, "at most 12.5%; at one");
	record_fini(&rec);
}

static void test_kinds_of_balancing(void **state)
{
	static const char *const lines[] = {"1 21 !", "1 22 !", NULL};
	static const char *const change[] = {"1 21/22", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, lines);
	rec.events[0].u.start.proto = WN_PROTO_ICMP;
	expect(&rec, "per ICMP checksum over 2, 2 flows");
	rec.events[0].u.start.proto = WN_PROTO_UDP;
	rec.events[0].u.start.dst = record_addr("2001:db8::9");
	for (size_t i = 0; i < rec.count; i++)
		if (rec.events[i].kind == WN_EV_SENT)
			rec.events[i].u.sent.probe.dst = record_addr("2001:db8::9");
	expect(&rec, "per flow (ports or flow label) over 2, 2 flows");
	record_fini(&rec);
	lines_of(&rec, WN_PATHS_FULL, change);
	expect(&rec, "per flow or packet over 2, 1 flow\n");
	expect(&rec, "Behind 10.0.0.1 (TTL 1) flows met one router, later another: the path "
		     "changed, or each packet takes its own way.\n"
		     "1 flow met several routers at one TTL and adds no links there.\n");
	record_fini(&rec);
}

/* What the model does not cover is said where it is met. */
static void test_beyond_the_model(void **state)
{
	static const char *const packets[] = {"1 21/22/21 3 !", "1 22/21/22 3 !", "1 21 3 !", NULL};
	static const char *const dead[] = {
		"1 2 4 !", "1 2 4 !", "1 2 4 !", "1 3 */*/* *", "1 * - -", "1 3 */*/* *", NULL};
	static const char *const round[] = {"1 2 4 5 !", "1 3 1 3", "1 2 4 5 !", "1 3 1 3", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, packets);
	/* Behind it a TTL is judged as a whole: that routers have alike branches is not enough. */
	expect(&rec, "Model: per-flow balancing, all branches of a router alike, and all "
		     "interfaces at TTLs 2-3; where each packet takes its own way no links are "
		     "claimed. ");
	expect(&rec,
		"\nNo path seen from end to end; 5 interfaces, 6 links (2 inferred), 3 flows.\n");
	record_fini(&rec);
	lines_of(&rec, WN_PATHS_NODES, packets);
	expect(&rec, "Model: per-flow balancing (--mode nodes does not test it), all interfaces of "
		     "a TTL alike, no more than one at TTLs 1, 4; where ");
	record_fini(&rec);
	lines_of(&rec, WN_PATHS_FLOWS, round);
	expect(&rec, "Model: per-flow balancing (--npaths does not test it), all branches");
	record_fini(&rec);
	lines_of(&rec, WN_PATHS_LITE, dead);
	expect(&rec, "The chance that anything else was missed is at most ");
	expect(&rec, "\nNobody answers behind 10.0.0.3 (TTL 2b): how many ways lead on from there "
		     "is not known.\n");
	expect_face(&rec, wn_out_paths_tree, "Not enough", false);
	record_fini(&rec);
	lines_of(&rec, WN_PATHS_FULL, round);
	expect(&rec, "The chance that anything else was missed is at most ");
	expect(&rec, "\nPackets come round again to 10.0.0.3 (TTL 4a): a routing loop, which other "
		     "ways avoid.\n");
	record_fini(&rec);
}

/* Forty flows, of which `rare` take one way and `other` a third. */
static void uneven_of(struct record *rec, uint32_t rare, uint32_t other, uint32_t share_ppm)
{
	walk_start(rec, WN_PATHS_FULL)->min_share_ppm = share_ppm;
	for (uint32_t flow = 0; flow < 40; flow++)
		walk(rec, flow, flow < rare ? "1 21 !" : flow < rare + other ? "1 22 !" : "1 23 !");
}

static void test_uneven_shares(void **state)
{
	struct record rec = {0};

	(void)state;
	uneven_of(&rec, 3, 0, 0);
	expect(&rec,
		"\n10.0.0.1 (TTL 1) sends 7.5% and 93% of 40 flows: uneven; --min-share 7 bounds "
		"the chance to miss a branch as small as that.\n");
	record_fini(&rec);
	uneven_of(&rec, 1, 4, 20000);
	expect(&rec,
		"sends 2.5%, 10% and 88% of 40 flows: uneven, which --min-share allows for.\n");
	record_fini(&rec);
	uneven_of(&rec, 1, 4, 50000);
	expect(&rec, "--min-share 2 bounds");
	record_fini(&rec);
	uneven_of(&rec, 12, 14, 0);
	expect_face(&rec, wn_out_paths_tree, "uneven", false);
	record_fini(&rec);
	walk_start(&rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 40; flow++)
		walk(&rec, flow, flow < 3 ? "11 2 !" : "12 2 !");
	expect(&rec, "\nThe source sends 7.5% and 93% of 40 flows: uneven; ");
	record_fini(&rec);
}

/* By links in mode lite, where r was proved alone: four of five flows met b. */
static void test_shares_in_dot(void **state)
{
	static const char *const lines[] = {"1 21 3", "1 22 3", "- 22 3", "- 22 3", "- 22 3", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_LITE, lines);
	expect_face(&rec, wn_out_paths_dot, "n1 -> n2 [label=\"20%\"]", true);
	expect_face(&rec, wn_out_paths_dot, "n1 -> n3 [label=\"80%\"]", true);
	record_fini(&rec);
}
/* Of addresses beside the target's. */
static void test_destinations(void **state)
{
	static const char *const lines[] = {"1 2 !", "1 2 !", "1 2 !", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, lines);
	for (uint32_t i = 0; i < 3; i++) {
		struct wn_event *ev = record_sent(&rec, 2, WN_FLOW_DESTINATION + i, 0);
		uint64_t id = ev->probe_id;

		ev->u.sent.probe.dst = record_addr("203.0.113.10");
		record_reply(
			&rec, id, WN_REPLY_TIME_EXCEEDED, i == 1 ? "10.0.0.7" : "10.0.0.2", 900);
		expect(&rec, i == 0 ? "1 address beside the target's met nobody else where"
				    : "10.0.0.1 (TTL 1) sends 1 of ");
	}
	expect(&rec, "sends 1 of 3 addresses beside the target's elsewhere (10.0.0.7): it balances "
		     "by destination, or has a way by flow that was missed.\n");
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_is_no_plural),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_dot_says_what_it_claims),
		cmocka_unit_test(test_not_from_the_source),
		cmocka_unit_test(test_small_chances),
		cmocka_unit_test(test_more_than_asked_for),
		cmocka_unit_test(test_kinds_of_balancing),
		cmocka_unit_test(test_beyond_the_model),
		cmocka_unit_test(test_uneven_shares),
		cmocka_unit_test(test_shares_in_dot),
		cmocka_unit_test(test_destinations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
