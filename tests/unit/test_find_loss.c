/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss of the path, of replies, and limits told apart, in networks where the truth is known; over
 * many seeds how often what is said is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "record.h"
#include "traced.h"

#define RUNS 60

/* Replies are limited: with the figure, and the path is clean. */
static void test_limit(void **state)
{
	const struct wn_found_loss *l;
	struct traced t;

	(void)state;
	traced_line(&t, 8, PARTS({LINE_NODE, 4, "limit 50/s burst 6"}), "", "probes 40");
	expect_found(&t.found, "rate-limited certain 4..4\n");
	l = &t.found.list[0].u.loss;
	assert_int_equal(l->burst, 6);
	assert_in_range(l->interval_ns, 16000000, 25000000); /* 20 ms */
	assert_int_equal(l->here.sent, 40);
	assert_int_equal(l->rest.lost, 0);
	assert_int_equal(l->target.lost, 0);
	assert_int_equal(l->passed, l->here.lost);
	assert_int_equal(t.found.list[0].probe_count, l->here.lost);
	traced_close(&t);
	/* None comes after the burst, as in most traces through Linux routers. */
	traced_line(&t, 8, PARTS({LINE_NODE, 4, "limit 1/s burst 6"}), "", "probes 20");
	expect_found(&t.found, "rate-limited certain 4..4\n");
	assert_int_equal(t.found.list[0].u.loss.burst, 6);
	assert_int_equal(t.found.list[0].u.loss.interval_ns, 0);
	traced_close(&t);
}

/* A target that answers no more often loses nothing. */
static void test_limited_target(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 6, PARTS({LINE_NODE, 7, "limit 20/s burst 3"}), "", "probes 20");
	assert_int_equal(found_count(&t.found, WN_FINDING_LOSS_PATH), 0);
	assert_int_equal(found_count(&t.found, WN_FINDING_RATE_LIMIT), 1);
	assert_int_equal(t.found.list[0].first.ttl, 7);
	assert_int_equal(t.found.list[0].u.loss.burst, 3);
	traced_close(&t);
}

/* Lost at random, that is no limit. */
static void test_lost_replies(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 8, PARTS({LINE_NODE, 4, "drop-replies 50%"}), "", "probes 30");
	expect_found(&t.found, "loss-replies certain 4..4\n");
	assert_int_equal(t.found.list[0].u.loss.rest.lost, 0);
	traced_close(&t);
}

/* There or back, from that hop on, with the share. */
static void test_path_loss(void **state)
{
	static const char *const links[] = {"loss 20%", "loss-back 20%"};
	const struct wn_found_loss *l;
	uint32_t want_ppm;
	struct traced t;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		traced_line(&t, 8, PARTS({LINE_LINK, 5, links[i]}), "", "probes 40");
		expect_found(&t.found, "loss-path certain 4-5..9\n");
		l = &t.found.list[0].u.loss;
		want_ppm = i == 0 ? 360000 : 200000; /* there and back, or back alone */
		assert_true(l->here.low_ppm < want_ppm && l->here.high_ppm > want_ppm);
		assert_int_equal(l->rest.lost, 0);
		assert_int_equal(l->rest.sent, 160);
		assert_true(l->target.lost > 0);
		traced_close(&t);
	}
	/* Two places, one after the other. */
	traced_line(&t, 8, PARTS({LINE_LINK, 3, "loss 10%"}, {LINE_LINK, 7, "loss 30%"}), "",
		"probes 60");
	/* The first of them is known up to one hop. */
	expect_found(&t.found, "loss-path certain 2-4..6\nloss-path certain 6-7..9\n");
	traced_close(&t);
	/* From the start on there is nothing to compare with, but it is seen. */
	traced_line(&t, 5, PARTS({LINE_LINK, 1, "loss 20%"}), "", "probes 20");
	expect_found(&t.found, "loss-path certain 0-1..6\n");
	traced_close(&t);
}

/* A hop that loses its own on a path that loses as well. */
static void test_both(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 8, PARTS({LINE_LINK, 6, "loss 20%"}, {LINE_NODE, 3, "limit 20/s burst 4"}),
		"", "probes 60");
	assert_non_null(found_nth(&t.found, WN_FINDING_RATE_LIMIT, 0));
	assert_int_equal(found_nth(&t.found, WN_FINDING_RATE_LIMIT, 0)->first.ttl, 3);
	assert_non_null(found_nth(&t.found, WN_FINDING_LOSS_PATH, 0));
	assert_int_equal(found_nth(&t.found, WN_FINDING_LOSS_PATH, 0)->before.ttl, 5);
	assert_int_equal(t.found.count, 2);
	traced_close(&t);
}

/* A record in which hop i lost so many of so many, the first of each; the last is the target. */
static void count_out(struct record *rec, const unsigned (*hops)[2], size_t count)
{
	record_start(rec, "203.0.113.9");
	for (size_t i = 0; i < count; i++)
		for (unsigned n = 0; n < hops[i][1]; n++) {
			char from[32];

			snprintf(from, sizeof(from), "198.51.100.%u", (unsigned)i + 1);
			if (n < hops[i][0])
				record_lost(rec, (uint8_t)(i + 1));
			else if (i + 1 == count)
				record_dest(rec, (uint8_t)(i + 1), "203.0.113.9", 1000);
			else
				record_hop(rec, (uint8_t)(i + 1), from, 1000);
		}
}

/*
 * Hops in a row whose replies take a lossy way back of their own: each loses too little to be told
 * alone, together they do, and those behind show that it is no loss of the path.
 */
static void test_block(void **state)
{
	static const unsigned hops[][2] = {{0, 20}, {0, 20}, {2, 20}, {2, 20}, {2, 20}, {2, 20},
		{0, 20}, {0, 20}, {0, 20}, {0, 20}, {0, 20}, {0, 20}, {0, 50}};
	struct record rec = {0};
	struct wn_findings f;
	struct wn_result *r;

	(void)state;
	count_out(&rec, hops, sizeof(hops) / sizeof(hops[0]));
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	expect_found(&f, "loss-replies possible 3..6\n");
	assert_int_equal(f.list[0].hops, 4);
	assert_int_equal(f.list[0].u.loss.here.lost, 8);
	assert_int_equal(f.list[0].u.loss.here.sent, 80);
	assert_int_equal(f.list[0].u.loss.rest.sent, 170);
	assert_int_equal(f.list[0].probe_count, 8);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

/* Passed is who was near in time, and of those lost alone. */
static void test_passed(void **state)
{
	(void)state;
	for (int apart_ms = 40; apart_ms <= 60; apart_ms += 20) {
		struct record rec = {0};
		struct wn_findings f;
		struct wn_result *r;

		record_start(&rec, "203.0.113.9");
		for (int i = 0; i < 20; i++) {
			if (i < 4)
				record_hop(&rec, 1, "198.51.100.1", 1000);
			else
				record_lost(&rec, 1);
			rec.at_ns += (uint64_t)apart_ms * RECORD_MS - RECORD_MS;
			record_hop(&rec, 2, "198.51.100.2", 1000);
			rec.at_ns += 500 * RECORD_MS;
		}
		r = record_fold(&rec);
		assert_int_equal(wn_findings_find(r, &f), WN_OK);
		assert_int_equal(f.count, 1);
		assert_int_equal(f.list[0].u.loss.here.lost, 16);
		assert_int_equal(f.list[0].u.loss.passed, apart_ms <= 50 ? 16 : 0);
		wn_findings_free(&f);
		wn_result_free(r);
		record_fini(&rec);
	}
}

/* Three probes prove nothing: no finding that claims more than possible. */
static void test_three_probes(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 8, PARTS({LINE_NODE, 4, "limit 1/s burst 2"}), "", "");
	expect_found(&t.found, "");
	assert_int_equal(t.found.unclear_first, 4);
	assert_int_equal(t.found.unclear_last, 4);
	traced_close(&t);
	traced_line(&t, 8, PARTS({LINE_NODE, 4, "limit 1/s burst 1"}), "", "");
	expect_found(&t.found, "loss-replies possible 4..4\n");
	assert_int_equal(t.found.unclear_first, 0);
	traced_close(&t);
	/* Limits here and there that let one of three through are no loss of the path. */
	traced_line(&t, 12,
		PARTS({LINE_NODE, 4, "limit 1/s burst 2"}, {LINE_NODE, 6, "limit 1/s burst 2"},
			{LINE_NODE, 9, "limit 1/s burst 2"}),
		"", "");
	expect_found(&t.found, "");
	traced_close(&t);
	/* A silent hop is not a lossy one. */
	expect_line(8, PARTS({LINE_NODE, 4, "silent"}), "", "probes 30", "");
	expect_line(8, NO_PARTS, "", "probes 30", "");
}

struct tally {
	unsigned runs, path, path_wrong, own_sure, own, limit;
};

/* Over many seeds: findings of each kind, and where loss of the path was put wrongly. */
static void repeat(
	const struct line_part *parts, const char *options, unsigned link, struct tally *out)
{
	char text[8192];

	line_text(text, sizeof(text), 10, parts, "");
	*out = (struct tally){0};
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct traced t;

		traced_open(&t, text, options, seed);
		out->runs++;
		for (uint32_t i = 0; i < t.found.count; i++) {
			const struct wn_finding *f = &t.found.list[i];

			out->limit += f->kind == WN_FINDING_RATE_LIMIT;
			out->own += f->kind == WN_FINDING_LOSS_REPLIES;
			out->own_sure +=
				f->kind == WN_FINDING_LOSS_REPLIES && f->certainty != WN_POSSIBLE;
			if (f->kind != WN_FINDING_LOSS_PATH)
				continue;
			out->path++;
			out->path_wrong += f->before.ttl >= link || f->first.ttl < link;
		}
		traced_close(&t);
	}
}

/* Loss of the path is called that, and put where it is; hops are not blamed for it. */
static void test_rates_of_path_loss(void **state)
{
	static const char *const options[] = {"probes 3", "probes 10", "probes 30"};
	struct tally t;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		repeat(PARTS({LINE_LINK, 5, "loss 10%"}), options[i], 5, &t);
		if (i > 0)
			assert_true(t.path >= RUNS * 8 / 10);
		if (i > 1)
			assert_true(t.path >= RUNS * 98 / 100);
		assert_true(t.path_wrong <= 3);
		assert_int_equal(t.own_sure, 0);
		assert_true(t.own <= RUNS / 10 && t.limit <= 1);
	}
}

/* Lost replies are called that and never a loss of the path, a limit hardly ever. */
static void test_rates_of_lost_replies(void **state)
{
	static const char *const options[] = {"probes 3", "probes 10", "probes 30"};
	struct tally t;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		repeat(PARTS({LINE_NODE, 4, "drop-replies 40%"}), options[i], 0, &t);
		assert_int_equal(t.path, 0);
		assert_true(t.limit <= 3);
		if (i > 0)
			assert_true(t.own + t.limit >= RUNS * 7 / 10);
	}
}

/* A diamond; more of its routers a, b and j. */
static void find_in_diamond(const char *a, const char *b, const char *j, const char *want)
{
	char text[1024];
	struct traced t;

	snprintf(text, sizeof(text),
		"source s\ntarget d\nhost s addr 10.0.0.1\nnode r addr 10.0.1.1\n"
		"node a addr 10.0.2.1 %s\nnode b addr 10.0.3.1 %s\nnode j addr 10.0.4.1 %s\n"
		"host d addr 10.0.5.1\nlink s r delay 1ms\nlink r a delay 1ms\n"
		"link r b delay 1ms\nlink a j delay 1ms\nlink b j delay 1ms\n"
		"link j d delay 1ms\n",
		a, b, j);
	traced_open(&t, text, "paths yes", 1);
	expect_found(&t.found, want);
	traced_close(&t);
}

/* Of all paths: what a branch does not answer at all is no loss of the others. */
static void test_branches(void **state)
{
	(void)state;
	find_in_diamond("", "", "", "");
	find_in_diamond("", "blackhole", "", "");
	find_in_diamond("", "silent", "", "");
	/* What was asked at once and what later tells of the limit. */
	find_in_diamond("", "", "limit 2/s burst 1", "rate-limited certain 3..3\n");
}

static const char *const fans[] = {"10.0.2.1", "10.0.2.2", "10.0.2.3", "10.0.2.4"};

/* s - r - one of four - j - d, with more of the four and of the links to them. */
static void find_in_fan(const char *node, const char *link, struct traced *out)
{
	char text[2048];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text),
		"source s\ntarget d\nhost s addr 10.0.0.1\nnode r addr 10.0.1.1\n"
		"node j addr 10.0.4.1\nhost d addr 10.0.5.1\nlink s r delay 1ms\n"
		"link j d delay 1ms\n");
	for (size_t i = 0; i < 4; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"node m%zu addr %s %s\nlink r m%zu delay 1ms %s\n"
			"link m%zu j delay 1ms\n",
			i, fans[i], node, i, link, i);
	traced_open(out, text, "paths yes", 1);
}

/* Each of several routers has a limit of its own, and flows tell which of them they pass. */
static void test_limits_of_branches(void **state)
{
	uint32_t met[4];
	struct traced t;

	(void)state;
	find_in_fan("limit 1/s burst 3", "", &t);
	assert_true(t.found.count >= 1);
	for (uint32_t i = 0; i < t.found.count; i++) {
		const struct wn_finding *f = &t.found.list[i];

		assert_int_equal(f->kind, WN_FINDING_RATE_LIMIT);
		assert_int_equal(f->first.ttl, 2);
		assert_int_not_equal(f->first.responder, WN_NONE);
		assert_true(f->u.loss.here.sent < 60);
		assert_int_equal(f->u.loss.burst, 3);
		met[i] = f->first.responder;
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(met[k], met[i]);
	}
	traced_close(&t);
}

/* Loss on all ways to them is behind the router before, and none of them is named for all. */
static void test_loss_of_branches(void **state)
{
	const struct wn_finding *f;
	struct traced t;

	(void)state;
	find_in_fan("", "loss 20%", &t);
	f = found_nth(&t.found, WN_FINDING_LOSS_PATH, 0);
	assert_non_null(f);
	assert_int_equal(f->before.ttl, 1);
	assert_int_equal(f->first.ttl, 2);
	assert_int_equal(f->first.responder, WN_NONE);
	assert_true(f->u.loss.rest.sent > 0);
	traced_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limited_target),
		cmocka_unit_test(test_lost_replies),
		cmocka_unit_test(test_path_loss),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_passed),
		cmocka_unit_test(test_three_probes),
		cmocka_unit_test(test_rates_of_path_loss),
		cmocka_unit_test(test_rates_of_lost_replies),
		cmocka_unit_test(test_branches),
		cmocka_unit_test(test_limits_of_branches),
		cmocka_unit_test(test_loss_of_branches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
