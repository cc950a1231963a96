/* SPDX-License-Identifier: Apache-2.0 */
/* Every expected figure is worked out in the comment beside it, from the definitions. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "record.h"
#include "result/stats.h"

#define DST "203.0.113.9"
#define A   "198.51.100.1"
#define B   "198.51.100.2"

static const struct wn_stats_filter all = {.ttl = -1, .responder = WN_NONE, .flow = -1};

static struct wn_stats compute(const struct record *rec, const struct wn_stats_filter *f)
{
	struct wn_result *r = record_fold(rec);
	struct wn_stats s;

	assert_int_equal(wn_stats_compute(r, f, &s), WN_OK);
	wn_result_free(r);
	return s;
}

static struct wn_stats of_rtts(const int64_t *rtt_us, size_t n)
{
	struct record rec = {0};
	struct wn_stats s;

	record_start(&rec, DST);
	for (size_t i = 0; i < n; i++)
		record_hop(&rec, 1, A, rtt_us[i]);
	s = compute(&rec, &all);
	record_fini(&rec);
	return s;
}

static void test_no_value_is_never_zero(void **state)
{
	struct wn_stats s = of_rtts(NULL, 0);

	(void)state;
	assert_int_equal(s.sent, 0);
	assert_int_equal(s.last_ns, -1);
	assert_int_equal(s.best_ns, -1);
	assert_int_equal(s.worst_ns, -1);
	assert_int_equal(s.mean_ns, -1);
	assert_int_equal(s.stddev_ns, -1);
	assert_int_equal(s.jitter_ns, -1);
	assert_int_equal(s.jitter_mean_ns, -1);
	assert_int_equal(s.jitter_worst_ns, -1);
	assert_int_equal(s.jitter_rfc3550_ns, -1);
	assert_int_equal(s.p50_ns, -1);
	assert_int_equal(s.p99_ns, -1);
	assert_int_equal(wn_stats_loss_milli(&s), -1);
}

/* One sample has no spread and no difference to another, but every rank. */
static void test_one_sample(void **state)
{
	static const int64_t rtts[] = {333};
	struct wn_stats s = of_rtts(rtts, 1);

	(void)state;
	assert_int_equal(s.samples, 1);
	assert_int_equal(s.last_ns, 333000);
	assert_int_equal(s.mean_ns, 333000);
	assert_int_equal(s.stddev_ns, -1);
	assert_int_equal(s.jitter_worst_ns, -1);
	assert_int_equal(s.jitter_rfc3550_ns, -1);
	assert_int_equal(s.p50_ns, 333000);
	assert_int_equal(s.p99_ns, 333000);
}

/*
 * 2 4 4 4 5 5 7 9 ms: mean 40/8 = 5 ms; squared distances 9 1 1 1 0 0 4 16 = 32;
 * 32/7 = 4.571428... ms^2, root 2.138089935... ms.
 * Differences 2 0 0 1 0 2 2: sum 7, mean 1 ms, worst 2, last 2.
 * Nearest rank: p50 rank ceil(4.0) = 4: 4 ms; p90 rank ceil(7.2) = 8: 9 ms.
 */
static void test_textbook_sample(void **state)
{
	static const int64_t rtts[] = {2000, 4000, 4000, 4000, 5000, 5000, 7000, 9000};
	struct wn_stats s = of_rtts(rtts, 8);

	(void)state;
	assert_int_equal(s.mean_ns, 5000000);
	assert_int_equal(s.stddev_ns, 2138089);
	assert_int_equal(s.best_ns, 2000000);
	assert_int_equal(s.worst_ns, 9000000);
	assert_int_equal(s.last_ns, 9000000);
	assert_int_equal(s.jitter_ns, 2000000);
	assert_int_equal(s.jitter_mean_ns, 1000000);
	assert_int_equal(s.jitter_worst_ns, 2000000);
	assert_int_equal(s.p50_ns, 4000000);
	assert_int_equal(s.p90_ns, 9000000);
}

/*
 * RFC 3550 6.4.1 over 333 700 490 us: |D| = 367, 210.
 * J1 = 367000/16 = 22937.5 ns; J2 = 22937.5 + (210000 - 22937.5)/16 = 34628.90625 ns.
 * The unscaled form would say 554062. The first RTT is no difference: worst is 367, not 333 or 700.
 */
static void test_rfc3550_is_scaled(void **state)
{
	static const int64_t rtts[] = {333, 700, 490};
	struct wn_stats s = of_rtts(rtts, 3);

	(void)state;
	assert_int_equal(s.jitter_rfc3550_ns, 34629);
	assert_int_equal(s.jitter_worst_ns, 367000);
	assert_int_equal(s.jitter_mean_ns, 288500);
	assert_int_equal(s.jitter_ns, 210000);
	assert_true(s.jitter_rfc3550_ns <= s.jitter_worst_ns);
}

/*
 * The sample on which other tools report 333 as the worst jitter because they take the first RTT
 * for a difference: RTTs 333 123 250, differences 210 127.
 */
static void test_first_rtt_is_no_difference(void **state)
{
	static const int64_t rtts[] = {333, 123, 250};
	struct wn_stats s = of_rtts(rtts, 3);

	(void)state;
	assert_int_equal(s.jitter_worst_ns, 210000);
	assert_int_equal(s.jitter_mean_ns, 168500);
}

/* A steady difference of 800 us: after 400 steps J = 800 (1 - (15/16)^400) us, all but 800. */
static void test_rfc3550_converges_to_the_difference(void **state)
{
	int64_t rtts[401];
	struct wn_stats s;

	(void)state;
	for (int i = 0; i < 401; i++)
		rtts[i] = i % 2 ? 1800 : 1000;
	s = of_rtts(rtts, 401);
	assert_in_range(s.jitter_rfc3550_ns, 799999, 800000);
	assert_int_equal(s.jitter_mean_ns, 800000);
	/* 200 of 401 are 400 us above... mean = 1000 + 800*200/401 = 1399.002493... us */
	assert_int_equal(s.mean_ns, 1399002);
}

/* 1..100 us shuffled: the p-th percentile by nearest rank is p us. */
static void test_nearest_rank(void **state)
{
	int64_t rtts[100];
	struct wn_stats s;

	(void)state;
	for (int i = 0; i < 100; i++)
		rtts[i] = i * 37 % 100 + 1;
	s = of_rtts(rtts, 100);
	assert_int_equal(s.p50_ns, 50000);
	assert_int_equal(s.p90_ns, 90000);
	assert_int_equal(s.p95_ns, 95000);
	assert_int_equal(s.p99_ns, 99000);
	/* variance of 1..n with n-1 is n(n+1)/12 = 841.666..., root 29.011491975... */
	assert_int_equal(s.stddev_ns, 29011);
	assert_int_equal(s.mean_ns, 50500);
	/* Without the 100: the ranks are ceil(49.5), ceil(89.1), ceil(94.05), ceil(98.01). */
	for (int i = 0; i < 99; i++)
		rtts[i] = i * 37 % 99 + 1;
	s = of_rtts(rtts, 99);
	assert_int_equal(s.p50_ns, 50000);
	assert_int_equal(s.p90_ns, 90000);
	assert_int_equal(s.p95_ns, 95000);
	assert_int_equal(s.p99_ns, 99000);
}

/* 1000 and 1001 ns: the mean is rounded to the nearest, half up. */
static void test_mean_is_rounded(void **state)
{
	struct record rec = {0};

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 1);
	record_hop(&rec, 1, A, 1);
	rec.events[rec.count - 1].u.reply.rtt_ns = 1001;
	assert_int_equal(compute(&rec, &all).mean_ns, 1001);
	record_hop(&rec, 1, A, 1);
	assert_int_equal(compute(&rec, &all).mean_ns, 1000);
	record_fini(&rec);
}

/*
 * Two samples at the far ends of what a record holds: distance to the mean m/2 each, so that
 * the sum of squares is m^2/2 and the deviation m/sqrt(2) = 2^53/sqrt(2) = 6369051672525772.6...
 */
static void test_largest_values_do_not_overflow(void **state)
{
	struct record rec = {0};
	struct wn_stats s;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 0);
	record_hop(&rec, 1, A, 1);
	rec.events[rec.count - 1].u.reply.rtt_ns = (int64_t)1 << 53;
	s = compute(&rec, &all);
	assert_int_equal(s.mean_ns, (int64_t)1 << 52);
	assert_int_equal(s.stddev_ns, 6369051672525772);
	assert_int_equal(s.jitter_mean_ns, (int64_t)1 << 53);
	assert_int_equal(s.jitter_rfc3550_ns, (int64_t)1 << 49);
	record_fini(&rec);
}

static void test_counts(void **state)
{
	struct record rec = {0};
	struct wn_stats s;
	uint64_t id;

	(void)state;
	record_start(&rec, DST);
	id = record_hop(&rec, 1, A, 1000);
	record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, A, 9000)->u.reply.duplicate = true;
	record_lost(&rec, 1);
	id = record_lost(&rec, 1);
	record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, A, 3000)->u.reply.late = true;
	record_sent(&rec, 1, 0, 3);
	record_failed(&rec, 1, 4, WN_EBLOCKED);
	record_hop(&rec, 1, A, -1); /* answered, but its RTT cannot be known */
	s = compute(&rec, &all);
	assert_int_equal(s.sent, 5);
	assert_int_equal(s.received, 3);
	assert_int_equal(s.lost, 1);
	assert_int_equal(s.pending, 1);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.late, 1);
	assert_int_equal(s.duplicates, 1);
	assert_int_equal(s.samples, 2);
	assert_int_equal(s.worst_ns, 3000000);
	/* Unanswered yet is not lost: 1 of 4 decided, not 2 of 5 sent. */
	assert_int_equal(wn_stats_loss_milli(&s), 25000);
	record_fini(&rec);
}

static void test_loss_is_rounded(void **state)
{
	struct wn_stats s = {.received = 2, .lost = 1};

	(void)state;
	assert_int_equal(wn_stats_loss_milli(&s), 33333);
	s.received = 1;
	s.lost = 2;
	assert_int_equal(wn_stats_loss_milli(&s), 66667);
	s.received = 0;
	assert_int_equal(wn_stats_loss_milli(&s), 100000);
	s = (struct wn_stats){.pending = 3, .sent = 3};
	assert_int_equal(wn_stats_loss_milli(&s), -1);
}

static void test_filters(void **state)
{
	struct wn_stats_filter f = all;
	struct record rec = {0};
	struct wn_stats s;
	uint64_t id;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 1000);
	record_hop(&rec, 2, A, 2000);
	record_hop(&rec, 2, B, 4000);
	record_lost(&rec, 2);
	id = record_sent(&rec, 2, 6, 0)->probe_id;
	record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, B, 8000);
	f.ttl = 2;
	s = compute(&rec, &f);
	assert_int_equal(s.sent, 4);
	assert_int_equal(s.lost, 1);
	f.responder = 1; /* B: only what it answered, so nothing is lost */
	s = compute(&rec, &f);
	assert_int_equal(s.sent, 2);
	assert_int_equal(s.lost, 0);
	assert_int_equal(s.mean_ns, 6000000);
	f.flow = 6;
	s = compute(&rec, &f);
	assert_int_equal(s.sent, 1);
	assert_int_equal(s.last_ns, 8000000);
	f = all;
	f.responder = 0;
	s = compute(&rec, &f);
	assert_int_equal(s.sent, 2);
	record_fini(&rec);
}

/* Stamps may come in another order than events: differences are between neighbours in time. */
static void test_order_of_sending(void **state)
{
	struct record rec = {0};
	struct wn_event *ev;
	struct wn_stats s;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 1000); /* sent at 1 ms */
	record_hop(&rec, 1, A, 5000); /* 2 ms */
	record_hop(&rec, 1, A, 1100); /* moved to before the second */
	ev = &rec.events[rec.count - 2];
	assert_int_equal(ev->kind, WN_EV_SENT);
	ev->at_ns = 3 * RECORD_MS / 2;
	s = compute(&rec, &all);
	assert_int_equal(s.last_ns, 5000000);
	assert_int_equal(s.jitter_ns, 3900000);
	assert_int_equal(s.jitter_mean_ns, 2000000);
	record_fini(&rec);
}

/* The way to the second hop is longer: that is distance, not jitter. */
static void test_several_ttls_have_no_jitter(void **state)
{
	struct wn_stats_filter second = all;
	struct record rec = {0};
	struct wn_stats s;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 1000);
	record_hop(&rec, 2, B, 50000);
	record_hop(&rec, 2, B, 50300);
	s = compute(&rec, &all);
	assert_int_equal(s.samples, 3);
	assert_int_equal(s.worst_ns, 50300000);
	assert_int_equal(s.jitter_ns, -1);
	assert_int_equal(s.jitter_mean_ns, -1);
	assert_int_equal(s.jitter_worst_ns, -1);
	assert_int_equal(s.jitter_rfc3550_ns, -1);
	second.ttl = 2;
	s = compute(&rec, &second);
	assert_int_equal(s.jitter_ns, 300000);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_value_is_never_zero),
		cmocka_unit_test(test_one_sample),
		cmocka_unit_test(test_textbook_sample),
		cmocka_unit_test(test_rfc3550_is_scaled),
		cmocka_unit_test(test_first_rtt_is_no_difference),
		cmocka_unit_test(test_rfc3550_converges_to_the_difference),
		cmocka_unit_test(test_nearest_rank),
		cmocka_unit_test(test_mean_is_rounded),
		cmocka_unit_test(test_largest_values_do_not_overflow),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_loss_is_rounded),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_order_of_sending),
		cmocka_unit_test(test_several_ttls_have_no_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
