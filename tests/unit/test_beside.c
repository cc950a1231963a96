/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "multipath/beside.h"
#include "multipath/graph.h"
#include "record.h"
#include "traced.h"

#define MS UINT64_C(1000000)

static void expect_neighbour(const char *dst, unsigned n, const char *want)
{
	struct wn_addr a = record_addr(dst), out, wanted = record_addr(want);

	assert_true(wn_beside_neighbour(&a, n, &out));
	assert_true(wn_addr_eq(&out, &wanted));
}

static void test_neighbours(void **state)
{
	struct wn_addr dst = record_addr("192.0.2.77"), out, other;
	unsigned n = 0;

	(void)state;
	expect_neighbour("192.0.2.8", 0, "192.0.2.9");
	expect_neighbour("192.0.2.8", 1, "192.0.2.10");
	/* Neither the network nor its broadcast address. */
	expect_neighbour("192.0.2.1", 0, "192.0.2.3");
	expect_neighbour("192.0.2.254", 0, "192.0.2.252");
	expect_neighbour("2001:db8::1", 0, "2001:db8::3");
	expect_neighbour("2001:db8::fe", 0, "2001:db8::ff");
	for (; wn_beside_neighbour(&dst, n, &out); n++)
		for (unsigned before = 0; before < n; before++) {
			assert_true(wn_beside_neighbour(&dst, before, &other));
			assert_false(wn_addr_eq(&out, &other));
			assert_false(wn_addr_eq(&out, &dst));
		}
	assert_true(n >= WN_DESTINATIONS_MAX);
}

static const struct wn_side_rec *side_to(const struct wn_result *r, const char *to, unsigned nth)
{
	struct wn_addr a = record_addr(to);

	for (uint32_t i = 0; i < r->side_count; i++)
		if (wn_addr_eq(&r->sides[i].sent.probe.dst, &a) && nth-- == 0)
			return &r->sides[i];
	fail_msg("no side probe to %s", to);
	return NULL;
}

static void test_pings(void **state)
{
	const struct wn_side_rec *s;
	struct traced t;

	(void)state;
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		char options[64];

		snprintf(options, sizeof(options), "ping-hops yes protocol %s",
			wn_proto_name((enum wn_proto)proto));
		traced_line(&t, 4, NO_PARTS, "", options);
		assert_true(t.r->reached);
		assert_false(t.r->partial);
		assert_int_equal(t.r->side_count, 4); /* routers, not the target */
		s = side_to(t.r, "10.0.3.1", 0);
		assert_int_equal(s->sent.probe.proto, WN_PROTO_ICMP);
		assert_int_equal(s->sent.probe.flow, WN_FLOW_PING);
		assert_int_equal(s->sent.state, WN_PROBE_ANSWERED);
		assert_int_equal(s->reply.kind, WN_REPLY_ECHO);
		assert_int_equal(s->reply.rtt_ns, 12 * MS);
		assert_true(s->sent.sent_ns >= t.r->stop_ns);
		assert_true(t.r->end_ns >= s->reply.at_ns);
		assert_int_equal(t.r->counters.forged + t.r->counters.stale, 0);
		traced_close(&t);
	}
}

/* Each router is asked twice at most, all side by side, and not waited for without end. */
static void test_silence(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 3, PARTS({LINE_NODE, 2, "silent icmp"}, {LINE_NODE, 3, "silent icmp"}), "",
		"ping-hops yes");
	assert_true(t.r->reached);
	assert_false(t.r->partial);
	assert_int_equal(t.r->side_count, 5);
	assert_int_equal(side_to(t.r, "10.0.1.1", 0)->sent.state, WN_PROBE_ANSWERED);
	assert_int_equal(side_to(t.r, "10.0.2.1", 1)->sent.state, WN_PROBE_LOST);
	assert_int_equal(side_to(t.r, "10.0.3.1", 1)->sent.state, WN_PROBE_LOST);
	assert_true(t.r->end_ns - t.r->stop_ns <= 2 * t.r->params.wait_min_ns + 50 * MS);
	traced_close(&t);
}

/* Late answers are answers. */
static void test_late(void **state)
{
	uint32_t late = 0;
	struct traced t;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		char text[4096];

		line_text(text, sizeof(text), 3,
			PARTS({LINE_NODE, 2, "reply-delay 50ms jitter 100ms"}), "");
		traced_open(&t, text, "ping-hops yes probes 1 wait 100ms,3,3", seed);
		for (uint32_t i = 0; i < t.r->side_count; i++)
			late += t.r->sides[i].sent.state == WN_PROBE_LATE;
		assert_true(t.r->side_count <= 4);
		assert_true(t.r->ended);
		traced_close(&t);
	}
	assert_true(late > 0);
}

static void test_cut_short(void **state)
{
	struct traced t;

	(void)state;
	/* A trace that was cut short asks nothing more. */
	traced_line(&t, 3, NO_PARTS, "", "ping-hops yes deadline 9ms");
	assert_true(t.r->partial);
	assert_int_equal(t.r->side_count, 0);
	traced_close(&t);
	/* The deadline is for all of it. */
	traced_line(
		&t, 3, PARTS({LINE_NODE, 2, "silent icmp"}), "", "ping-hops yes deadline 100ms");
	assert_int_equal(t.r->stop, WN_STOP_REACHED);
	assert_true(t.r->partial);
	assert_int_equal(t.r->side_count, 3);
	assert_int_equal(side_to(t.r, "10.0.2.1", 0)->sent.state, WN_PROBE_PENDING);
	assert_true(t.r->end_ns <= 100 * MS);
	traced_close(&t);
}

static void test_pace(void **state)
{
	struct traced t;
	uint64_t first, last;

	(void)state;
	traced_line(&t, 20, NO_PARTS, "", "ping-hops yes pps 100");
	assert_int_equal(t.r->side_count, 20);
	first = t.r->sides[0].sent.sent_ns;
	last = t.r->sides[19].sent.sent_ns;
	assert_true(last - first >= 16 * 10 * MS); /* but for a burst of 20 ms' worth */
	assert_true(last - first <= 20 * 10 * MS);
	traced_close(&t);
}

#define FORK                                                                                       \
	"source s\nhost s addr 10.0.0.1 addr6 fd00::1\ntarget t\n"                                 \
	"node r1 addr 10.0.1.1 addr6 fd00:1::1 balance %s\n"                                       \
	"node a addr 10.0.2.1 addr6 fd00:2::1\nnode b addr 10.0.3.1 addr6 fd00:3::1\n"             \
	"node r4 addr 10.0.4.1 addr6 fd00:4::1 owns 10.0.99.0/24 owns fd00:99::/64\n"              \
	"host t addr 10.0.99.9 addr6 fd00:99::9\n"                                                 \
	"link s r1 delay 2ms\nlink r1 a delay 2ms %s\nlink r1 b delay 2ms %s\n"                    \
	"link a r4 delay 2ms\nlink b r4 delay 2ms\nlink r4 t delay 2ms\n"

static void split(
	struct traced *t, const char *balance, const char *link, const char *options, uint64_t seed)
{
	char text[2048];

	snprintf(text, sizeof(text), FORK, balance, link, link);
	traced_open(t, text, options, seed);
}

static uint32_t kinds(const struct traced *t, enum wn_lb lb)
{
	struct wn_graph g;
	uint32_t n = 0;

	assert_int_equal(wn_graph_build(t->r, &g), WN_OK);
	for (uint32_t i = 0; i < g.node_count; i++)
		n += g.nodes[i].lb == lb;
	wn_graph_free(&g);
	return n;
}

/*
 * Two ways by destination, five others: all of them take the target's way in one of 32 networks.
 * Ways by flow look so where the other one was missed, and the confidence is about that.
 */
static void test_destinations(void **state)
{
	static const char *const options[] = {"paths yes destinations 5",
		"paths yes destinations 5 6", "paths yes destinations 5 protocol icmp",
		"paths yes destinations 5 protocol tcp"};
	unsigned found = 0, false_ones = 0;
	struct traced t;

	(void)state;
	for (uint64_t seed = 1; seed <= 160; seed++) {
		split(&t, "dest", "", options[seed % 4], seed);
		found += kinds(&t, WN_LB_DESTINATION);
		assert_int_equal(kinds(&t, WN_LB_FLOW) + kinds(&t, WN_LB_ICMP_CHECKSUM), 0);
		for (uint32_t i = 0; i < t.r->side_count; i++) {
			assert_true(t.r->sides[i].sent.probe.flow >= WN_FLOW_DESTINATION);
			assert_true(t.r->sides[i].sent.probe.ttl < t.r->last_ttl);
		}
		assert_int_equal(t.r->side_count, 5 * 3);
		traced_close(&t);
		split(&t, "flow", "", options[seed % 4], seed);
		false_ones += kinds(&t, WN_LB_DESTINATION);
		traced_close(&t);
	}
	assert_in_range(found, 141, 160);   /* 155 on the average; below that one in 10^5 */
	assert_in_range(false_ones, 0, 17); /* 5% are 8; above that one in 10^3 */
}

/* What is lost is asked once more; whatever happens, the record is one. */
static void test_loss(void **state)
{
	struct traced t;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		uint32_t lost = 0, answered = 0;

		split(&t, "dest", "loss 20%", "paths yes destinations 8 ping-hops yes", seed);
		assert_true(t.r->ended);
		for (uint32_t i = 0; i < t.r->side_count; i++) {
			lost += t.r->sides[i].sent.state == WN_PROBE_LOST;
			answered += t.r->sides[i].sent.first_reply != WN_NONE;
			assert_int_not_equal(t.r->sides[i].sent.state, WN_PROBE_PENDING);
		}
		assert_true(t.r->side_count <= 2 * (8 * 3 + 4));
		assert_true(answered >= 8 * 3 - 8);
		assert_int_equal(lost + answered, t.r->side_count);
		traced_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_pings),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
