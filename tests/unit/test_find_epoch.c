/* SPDX-License-Identifier: Apache-2.0 */
/* One flow and several routers: a path that changed, or packets on their own ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "multipath/graph.h"
#include "record.h"
#include "traced.h"

/* r2 has another way to r5, over a and b. */
#define OTHER_WAY                                                                                  \
	"node a addr 10.1.1.1\nnode b addr 10.1.2.1\nlink r2 a delay 3ms\nlink a b delay 2ms\n"    \
	"link b r5 delay 2ms\nroute r2 to r7 via r3\n"

static void same_addr(const struct wn_addr *got, const char *want)
{
	char text[WN_ADDR_STRLEN];

	assert_string_equal(wn_addr_str(got, text), want);
}

static void test_change(void **state)
{
	const struct wn_found_epoch *e;
	struct traced t;

	(void)state;
	traced_line(
		&t, 6, NO_PARTS, OTHER_WAY "route r2 to r7 via a during 70ms..10s\n", "probes 40");
	expect_found(&t.found, "path-changed certain 2-3..4\n");
	e = &t.found.list[0].u.epoch;
	same_addr(&e->was, "10.0.3.1");
	same_addr(&e->is, "10.1.1.1");
	/* Probes pass r2 4 ms after they were sent. */
	assert_true(e->from_ns < 66 * RECORD_MS + 1 && e->to_ns >= 66 * RECORD_MS);
	assert_false(e->back);
	assert_int_equal(e->lost, 0);
	assert_int_equal(t.found.list[0].hops, 2);
	traced_close(&t);
}

/* There and back again: two changes, each with its time. */
static void test_two_changes(void **state)
{
	const struct wn_found_epoch *e;
	struct traced t;

	(void)state;
	traced_line(&t, 6, NO_PARTS, OTHER_WAY "route r2 to r7 via a during 70ms..130ms\n",
		"probes 60");
	expect_found(&t.found, "path-changed certain 2-3..4\npath-changed certain 2-3..4\n");
	e = &t.found.list[0].u.epoch;
	assert_true(e->from_ns <= 66 * RECORD_MS && e->to_ns >= 66 * RECORD_MS && !e->back);
	e = &t.found.list[1].u.epoch;
	assert_true(e->from_ns <= 126 * RECORD_MS && e->to_ns >= 126 * RECORD_MS && e->back);
	same_addr(&e->is, "10.0.3.1");
	traced_close(&t);
}

/* A link fails, and a while later there is another way: no loss of the path, but of the change. */
static void test_outage(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 6, PARTS({LINE_LINK, 3, "down 60ms..100ms"}),
		OTHER_WAY "route r2 to r7 via a during 100ms..10s\n", "probes 40");
	expect_found(&t.found, "path-changed certain 2-3..4\n");
	assert_in_range(t.found.list[0].u.epoch.lost, 20, 80);
	traced_close(&t);
}

/* Each epoch is looked at by itself: loss that begins with the new path is of that path. */
static void test_loss_in_one_epoch(void **state)
{
	const struct wn_found_loss *l;
	struct traced t;

	(void)state;
	traced_line(&t, 6, NO_PARTS,
		"node a addr 10.1.1.1\nnode b addr 10.1.2.1\nlink r2 a delay 3ms\n"
		"link a b delay 2ms loss 30%\nlink b r5 delay 2ms\nroute r2 to r7 via r3\n"
		"return r5 via r4\nroute r2 to r7 via a during 70ms..10s\n",
		"probes 60");
	assert_non_null(found_nth(&t.found, WN_FINDING_PATH_CHANGED, 0));
	assert_non_null(found_nth(&t.found, WN_FINDING_LOSS_PATH, 0));
	l = &found_nth(&t.found, WN_FINDING_LOSS_PATH, 0)->u.loss;
	assert_true(l->from_ns >= 60 * RECORD_MS);
	assert_int_equal(found_nth(&t.found, WN_FINDING_LOSS_PATH, 0)->before.ttl, 3);
	assert_null(found_nth(&t.found, WN_FINDING_LOSS_PATH, 1));
	traced_close(&t);
}

/* The new way is shorter: the target answers at two TTLs. */
static void test_other_length(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 6, NO_PARTS,
		"node a addr 10.1.1.1\nlink r2 a delay 3ms\nlink a r7 delay 2ms\n"
		"route r2 to r7 via r3\nroute r2 to r7 via a during 70ms..10s\n",
		"probes 40");
	assert_non_null(found_nth(&t.found, WN_FINDING_PATH_CHANGED, 0));
	assert_int_equal(found_nth(&t.found, WN_FINDING_PATH_CHANGED, 0)->first.ttl, 3);
	assert_int_equal(found_count(&t.found, WN_FINDING_PER_PACKET), 0);
	traced_close(&t);
}

static void test_per_packet(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 6, PARTS({LINE_NODE, 2, "balance packet"}),
		"node a addr 10.1.1.1\nnode b addr 10.1.2.1\nlink r2 a delay 2ms\n"
		"link a b delay 2ms\nlink b r5 delay 2ms\nroute r2 to r7 via r3 via a\n",
		"probes 20");
	expect_found(&t.found, "per-packet certain 2-3..4\n");
	assert_int_equal(t.found.list[0].u.epoch.responders, 2);
	assert_int_equal(t.found.list[0].u.epoch.answered, 40);
	assert_int_equal(t.found.list[0].until.ttl, 5);
	traced_close(&t);
	/* Classic probes are of another flow each: no news. */
	expect_line(6, PARTS({LINE_NODE, 2, "balance packet"}),
		OTHER_WAY "route r2 to r6 via r3 via a\n", "probes 20 flow classic", "");
}

/* Balancing by flow sends one flow one way. */
static void test_per_flow_is_no_change(void **state)
{
	char options[64];

	(void)state;
	for (int flow = 0; flow < 8; flow++) {
		snprintf(options, sizeof(options), "probes 20 flow %d", flow);
		expect_line(6, NO_PARTS,
			"node a addr 10.1.1.1\nnode b addr 10.1.2.1\nlink r2 a\nlink a b\n"
			"link b r5\nroute r2 to r7 via r3 via a\n",
			options, "");
	}
}

/* TTL 2 answered in this order by routers a, b, c; "-" is lost. */
static void answered(const char *order, struct wn_findings *f)
{
	struct record rec = {0};
	struct wn_result *r;

	record_start(&rec, "203.0.113.9");
	record_hop(&rec, 1, "198.51.100.1", 1000);
	for (; *order; order++) {
		char from[32];

		snprintf(from, sizeof(from), "198.51.100.%d", *order);
		if (*order == '-')
			record_lost(&rec, 2);
		else
			record_hop(&rec, 2, from, 1000);
	}
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, f), WN_OK);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_how_many_it_takes(void **state)
{
	static const struct {
		const char *order, *want;
	} cases[] = {
		{"aaaa", ""},
		{"aab", "path-unsteady possible 1-2..2\n"},
		{"aba", "per-packet possible 1-2..2\n"},
		{"aabbb", "path-unsteady possible 1-2..2\n"},
		{"aaaaabbbbb", "path-changed likely 1-2..2\n"},
		{"aaaaabbbbbaaaaabbbbb", "path-changed likely 1-2..2\npath-changed likely 1-2..2\n"
					 "path-changed likely 1-2..2\n"},
		{"aaaaaaaaaaaabbbbbbbbbbbb", "path-changed certain 1-2..2\n"},
		{"abbabaab", "per-packet likely 1-2..2\n"},
		{"aabbabbabaababbaabab", "per-packet certain 1-2..2\n"},
		/* Too many changes to be any, and too few runs to be chance. */
		{"aaaabbbbaaaabbbbaaaabbbbaaaabbbbaaaabbbbaaaabbbb",
			"path-unsteady possible 1-2..2\n"},
		{"aaaaa-----bbbbb", "path-changed likely 1-2..2\n"},
		{"aaaabbbbcccc", "path-changed likely 1-2..2\npath-changed likely 1-2..2\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wn_findings f;

		answered(cases[i].order, &f);
		expect_found(&f, cases[i].want);
		wn_findings_free(&f);
	}
}

/* s - r - one of four - j - d: of all paths, with more of r, of the four, and behind all. */
static void trace_fan(const char *r, const char *four, const char *extra, const char *options,
	uint64_t seed, struct traced *out)
{
	char text[2048];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text),
		"source s\ntarget d\nhost s addr 10.0.0.1\nnode r addr 10.0.1.1 %s\n"
		"node j addr 10.0.4.1\nhost d addr 10.0.5.1\nlink s r delay 1ms\n"
		"link j d delay 1ms\n",
		r);
	for (int i = 0; i < 4; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"node m%d addr 10.0.2.%d %s\nlink r m%d delay 1ms\nlink m%d j delay 1ms\n",
			i, i + 1, four, i, i);
	snprintf(text + len, sizeof(text) - len, "%s", extra);
	traced_open(out, text, options, seed);
}

/* Each flow was asked once: that all of them go one way from then on tells of the change. */
static void test_change_over_flows(void **state)
{
	const uint64_t change_ns = 59 * RECORD_MS; /* 1 ms from s to r */
	unsigned in_time = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		const struct wn_finding *f;
		struct traced t;

		trace_fan("", "", "route r to d via m0 during 60ms..10s\n", "paths yes pps 300",
			seed, &t);
		expect_found(&t.found, "path-changed likely 1-2..2\n");
		f = &t.found.list[0];
		assert_int_equal(f->u.epoch.routers_after, 1);
		same_addr(&f->u.epoch.is, "10.0.2.1");
		assert_true(f->u.epoch.flows_before > 3 && f->u.epoch.flows_after > 100);
		assert_true(f->u.epoch.from_ns <= change_ns);
		in_time += f->u.epoch.to_ns >= change_ns;
		traced_close(&t);
	}
	assert_true(in_time >= 7);
}

/* Balancing by flow is no change, whatever its routers leave unanswered. */
static void test_no_change_over_flows(void **state)
{
	static const char *const four[] = {"", "limit 2/s burst 2", "drop-replies 30%"};
	char options[64];
	struct traced t;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		snprintf(options, sizeof(options), "paths yes pps %d source-port %d",
			seed % 2 ? 100 : 300, (int)(20000 + 77 * seed));
		trace_fan("", four[seed % 3], "", options, seed, &t);
		assert_int_equal(found_count(&t.found, WN_FINDING_PATH_CHANGED), 0);
		assert_int_equal(found_count(&t.found, WN_FINDING_PER_PACKET), 0);
		traced_close(&t);
	}
}

/* What the graph shows as balanced packet by packet is called so, and nothing else. */
static void test_packets_over_flows(void **state)
{
	unsigned shown = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct wn_graph g;
		struct traced t;
		bool packet;

		trace_fan("balance packet", "", "", "paths yes", seed, &t);
		assert_int_equal(wn_graph_build(t.r, &g), WN_OK);
		packet = g.nodes[g.hop_first[1]].lb == WN_LB_PACKET;
		shown += packet;
		assert_int_equal(found_count(&t.found, WN_FINDING_PER_PACKET), packet);
		if (packet)
			assert_int_equal(found_count(&t.found, WN_FINDING_UNSTEADY), 0);
		wn_graph_free(&g);
		traced_close(&t);
	}
	assert_true(shown >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_two_changes),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_loss_in_one_epoch),
		cmocka_unit_test(test_other_length),
		cmocka_unit_test(test_per_packet),
		cmocka_unit_test(test_per_flow_is_no_change),
		cmocka_unit_test(test_how_many_it_takes),
		cmocka_unit_test(test_change_over_flows),
		cmocka_unit_test(test_no_change_over_flows),
		cmocka_unit_test(test_packets_over_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
