/* SPDX-License-Identifier: Apache-2.0 */
/* Paced traces over a simulated network in virtual time: what leaves when, and what each router
 * gets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "run/run_priv.h"

#define TRACES	   60
#define PROBES	   80 /* of one trace */
#define SECOND	   UINT64_C(1000000000)
#define RTT_MAX_NS (16 * SECOND / 1000)

/* Two ways behind the second router. */
static const char network[] = "source me\ntarget d1\n"
			      "host me addr 192.0.2.1\n"
			      "node r1 addr 198.51.100.1\n"
			      "node r2 addr 198.51.100.2\n"
			      "node a3 addr 198.51.100.3\n"
			      "node b3 addr 198.51.100.13\n"
			      "host d1 addr 203.0.113.1 owns 203.0.113.0/25\n"
			      "host d2 addr 203.0.113.129 owns 203.0.113.128/25\n"
			      "link me r1 delay 2ms\nlink r1 r2 delay 2ms\n"
			      "link r2 a3 delay 2ms\nlink r2 b3 delay 2ms\n"
			      "link a3 d1 delay 2ms\nlink b3 d2 delay 2ms\n";

struct mark {
	uint64_t at_ns;
	struct wn_addr by, dst;
};

struct watch {
	struct world *w;
	struct wn_addr dst;
	uint64_t start_ns, sent_ns[PROBES];
	unsigned replies[6]; /* by TTL */
	uint8_t ttl[PROBES];
	unsigned lost, failed, done;
	bool reached, stop_early;
};

struct world {
	struct wn_topo *topo;
	struct wn_sim *sim;
	struct wn_run *run;
	struct watch traces[TRACES];
	struct mark sent[TRACES * PROBES], answered[TRACES * PROBES];
	unsigned sent_count, answered_count, aside; /* sent to others than the target */
};

static struct world w;

static void on_event(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	struct watch *t = user;

	if (ev->kind == WN_EV_SENT) {
		assert_true(ev->probe_id < PROBES);
		t->sent_ns[ev->probe_id] = t->start_ns + ev->at_ns;
		t->ttl[ev->probe_id] = ev->u.sent.probe.ttl;
		w.aside += !wn_addr_eq(&ev->u.sent.probe.dst, &t->dst);
		w.sent[w.sent_count++] =
			(struct mark){.at_ns = t->start_ns + ev->at_ns, .dst = t->dst};
	}
	if (ev->kind == WN_EV_REPLY) {
		w.answered[w.answered_count++] = (struct mark){.at_ns = t->sent_ns[ev->probe_id],
			.by = ev->u.reply.reply.from,
			.dst = t->dst};
		if (t->ttl[ev->probe_id] < 6)
			t->replies[t->ttl[ev->probe_id]]++;
		t->reached = t->reached || ev->u.reply.reached;
		if (t->stop_early)
			wn_run_stop(rt, WN_STOP_INTERRUPTED);
	}
	t->lost += ev->kind == WN_EV_TIMEOUT;
	t->failed += ev->kind == WN_EV_FAILED;
}

static void on_done(void *user, struct wn_run_trace *rt)
{
	struct watch *t = user;

	t->done++;
	wn_run_drop(rt);
}

/* aside: with a result, and pings of its hops and probes of two addresses beside it. */
static void start_as(unsigned i, struct wn_addr dst, bool aside)
{
	struct wn_run_trace_config c = {
		.backend = WN_BACKEND_SIM,
		.sim = w.sim,
		.share = true,
		.lean = !aside,
		.on_event = on_event,
		.on_done = on_done,
		.user = &w.traces[i],
		.params = {.src = wn_topo_source(w.topo, 4),
			.dst = dst,
			.proto = WN_PROTO_ICMP,
			.first_ttl = 1,
			.max_ttl = 30,
			.probes = 3,
			.window = 16,
			.gap = 12,
			.wait_max_ns = SECOND,
			.wait_min_ns = SECOND / 5,
			.wait_here_milli = 3000,
			.wait_near_milli = 3000,
			.size = 60,
			.ping_hops = aside,
			.destinations = aside ? 2 : 0},
	};
	struct wn_run_trace *rt;

	assert_int_equal(wn_run_prepare(w.run, &c, &rt, NULL), WN_OK);
	w.traces[i].dst = dst;
	w.traces[i].start_ns = wn_run_now_ns(w.run);
	assert_int_equal(wn_run_start(rt, NULL), WN_OK);
}

static void start(unsigned i, struct wn_addr dst)
{
	start_as(i, dst, false);
}

static void open_world(const struct wn_pace_config *pace)
{
	memset(&w, 0, sizeof(w));
	assert_int_equal(wn_topo_parse(network, strlen(network), &w.topo, NULL), WN_OK);
	assert_int_equal(wn_run_new(true, &w.run, NULL), WN_OK);
	assert_int_equal(wn_run_set_pace(w.run, pace, NULL), WN_OK);
	assert_int_equal(wn_sim_new(w.topo, 1, wn_run_now_ns(w.run), &w.sim), WN_OK);
}

static void close_world(void)
{
	wn_run_free(w.run);
	wn_sim_free(w.sim);
	wn_topo_free(w.topo);
}

/* Every third destination twice; half of them either way. */
static void run_all(void)
{
	for (unsigned i = 0; i < TRACES; i++)
		start(i, wn_addr_v4(0xcb007101u + i % 40 + (i % 2 ? 128 : 0)));
	assert_int_equal(wn_run_until_done(w.run, NULL), WN_OK);
}

static int by_time(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

/* Of the marks about this address (NULL: all) in any span. */
static void assert_rate(struct mark *marks, unsigned count, size_t field,
	const struct wn_addr *about, uint32_t pps, uint64_t burst)
{
	qsort(marks, count, sizeof(*marks), by_time);
	for (unsigned i = 0; i < count; i++) {
		uint64_t n = 0;

		for (unsigned j = i; j < count; j++) {
			const void *a = (const uint8_t *)&marks[j] + field;
			uint64_t span = marks[j].at_ns - marks[i].at_ns;

			if (about && !wn_addr_eq(a, about))
				continue;
			n++;
			assert_true(n <= burst + 1 + span * pps / SECOND);
		}
	}
}

/* As without a pace: all hops known, three answers each, nothing lost. */
static void assert_whole(void)
{
	for (unsigned i = 0; i < TRACES; i++) {
		const struct watch *t = &w.traces[i];

		assert_int_equal(t->done, 1);
		assert_true(t->reached);
		assert_int_equal(t->lost + t->failed, 0);
		for (unsigned ttl = 1; ttl <= 4; ttl++)
			assert_int_equal(t->replies[ttl], 3);
	}
}

static uint64_t seconds_of(unsigned probes, uint32_t pps)
{
	return (uint64_t)probes * SECOND / pps;
}

static void test_all_together(void **state)
{
	struct wn_run_stats s;
	uint64_t began;

	(void)state;
	open_world(&(struct wn_pace_config){.pps = 200});
	began = wn_run_now_ns(w.run);
	run_all();
	assert_whole();
	assert_rate(w.sent, w.sent_count, 0, NULL, 200, WN_PACE_BURST(200));
	/* It is used, too, and for hardly anything that a trace does not need. */
	assert_in_range(w.sent_count, TRACES * 12, TRACES * 13);
	assert_in_range(wn_run_now_ns(w.run) - began, seconds_of(w.sent_count, 210),
		seconds_of(w.sent_count, 195));
	wn_run_stats(w.run, &s);
	assert_int_equal(s.sent, w.sent_count);
	assert_in_range(s.waits_pace, w.sent_count / 2, 2 * w.sent_count);
	assert_int_equal(s.waits_room + s.eagain + s.enobufs + s.dropped + s.pace_shared, 0);
	close_world();
}

static void test_destinations(void **state)
{
	(void)state;
	open_world(&(struct wn_pace_config){.pps_per_destination = 10});
	run_all();
	assert_whole();
	for (unsigned i = 0; i < TRACES; i++)
		assert_rate(
			w.sent, w.sent_count, offsetof(struct mark, dst), &w.traces[i].dst, 10, 1);
	close_world();
}

static void test_routers(void **state)
{
	static const char *const routers[] = {
		"198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.13"};
	static const uint32_t rates[] = {5, 50, 300};

	(void)state;
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		uint64_t began, at_once = WN_PACE_BURST(rates[r]);

		open_world(&(struct wn_pace_config){.pps_per_router = rates[r]});
		began = wn_run_now_ns(w.run);
		run_all();
		assert_whole();
		/*
		 * Its own burst, and before its first answer that of the place; the third may be
		 * met behind us, behind the first or behind the second.
		 */
		for (unsigned i = 0; i < 4; i++) {
			struct wn_addr a;

			assert_int_equal(wn_addr_parse(routers[i], &a), WN_OK);
			assert_rate(w.answered, w.answered_count, offsetof(struct mark, by), &a,
				rates[r], (1 + i) * (at_once + 1 + rates[r] * RTT_MAX_NS / SECOND));
		}
		/* All have the first router in common: that is what takes its time. */
		assert_in_range(wn_run_now_ns(w.run) - began,
			seconds_of(TRACES * 3 - (unsigned)at_once * 4, rates[r]),
			seconds_of(TRACES * 3, rates[r]) * 3 / 2 + SECOND);
		close_world();
	}
}

/* What is asked of others when a trace is over is paced with the rest, and all of it is asked. */
static void test_side_probes(void **state)
{
	static const char *const routers[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3"};
	unsigned aside[2];

	(void)state;
	for (unsigned paced = 0; paced < 2; paced++) {
		open_world(&(struct wn_pace_config){.pps_per_router = paced ? 20 : 0});
		for (unsigned i = 0; i < 6; i++)
			start_as(i, wn_addr_v4(0xcb007101u + i), true);
		assert_int_equal(wn_run_until_done(w.run, NULL), WN_OK);
		for (unsigned i = 0; i < 6; i++) {
			assert_int_equal(w.traces[i].done, 1);
			assert_int_equal(w.traces[i].lost + w.traces[i].failed, 0);
		}
		aside[paced] = w.aside;
		for (unsigned i = 0; paced && i < 3; i++) {
			struct wn_addr a;

			assert_int_equal(wn_addr_parse(routers[i], &a), WN_OK);
			assert_rate(w.answered, w.answered_count, offsetof(struct mark, by), &a, 20,
				(1 + i) * 3);
		}
		close_world();
	}
	assert_true(aside[0] >= 6 * 3); /* each pings three routers at least */
	assert_int_equal(aside[1], aside[0]);
}

/* Everything at once, and traces that are stopped while probes of theirs wait. */
static void test_stopped(void **state)
{
	struct wn_run_stats s;

	(void)state;
	open_world(&(struct wn_pace_config){
		.pps = 100, .pps_per_destination = 20, .pps_per_router = 50});
	for (unsigned i = 0; i < TRACES; i++)
		w.traces[i].stop_early = i % 3 != 0;
	run_all();
	for (unsigned i = 0; i < TRACES; i++) {
		assert_int_equal(w.traces[i].done, 1);
		assert_true(i % 3 != 0 || w.traces[i].replies[4] == 3);
	}
	wn_run_stats(w.run, &s);
	assert_true(s.waits_pace > 0);
	/* Some are freed while they wait. */
	for (unsigned i = 0; i < TRACES; i++)
		start(i, wn_addr_v4(0xcb007101u));
	wn_run_process(w.run);
	close_world();
}

/* ---- probes of no trace ---- */

#define LONE 40

static struct wn_io io;
static struct wn_run_net net = {.io = &io, .line = WN_PACE_NO_GATE};
static struct lone {
	struct wn_run_hold hold; /* the first member */
	struct wn_run_turn turn;
	bool left;
} lone[LONE];

static void lone_left(struct lone *l)
{
	struct wn_addr first;

	l->left = true;
	w.answered[w.answered_count++] = (struct mark){.at_ns = wn_run_now_ns(w.run)};
	assert_int_equal(wn_addr_parse("198.51.100.1", &first), WN_OK);
	wn_run_turn_answered(&net, l->turn.id, &first, wn_run_now_ns(w.run), 1);
}

static void on_turn(struct wn_run_hold *h)
{
	struct lone *l = (struct lone *)h;

	assert_true(wn_run_turn_pass(&l->turn, h));
	lone_left(l);
}

/* To different targets, with the same TTL: the router that all meet is spared all the same. */
static void test_lone(void **state)
{
	unsigned left = 0;
	bool waiting = false;

	(void)state;
	open_world(&(struct wn_pace_config){.pps_per_router = 50});
	net.run = w.run;
	memset(lone, 0, sizeof(lone));
	for (unsigned i = 0; i < LONE; i++) {
		struct wn_addr dst = wn_addr_v4(0xcb007101u + i % 30);

		lone[i].hold.go = on_turn;
		lone[i].turn = (struct wn_run_turn){
			.net = &net, .id = 1000 + i, .probe = wn_run_lone_probe(&net, &dst, 1, 7)};
		if (wn_run_turn_pass(&lone[i].turn, NULL)) {
			lone_left(&lone[i]);
			continue;
		}
		if (!waiting)
			w.run->now_ns += SECOND; /* time passes, and it might by now */
		waiting = true;
		wn_run_turn_wait(&lone[i].turn, &lone[i].hold);
	}
	wn_pace_leave(w.run->pace, &lone[LONE - 1].hold.wait);
	while (wn_run_next_ns(w.run) != UINT64_MAX) {
		w.run->now_ns = wn_run_next_ns(w.run);
		wn_run_process(w.run);
	}
	for (unsigned i = 0; i < LONE; i++)
		left += lone[i].left;
	assert_int_equal(left, LONE - 1);
	/* The place's burst, and after the first answer that of the router. */
	assert_rate(w.answered, w.answered_count, 0, NULL, 50, 2);
	close_world();
}

/* With room for two answers: as long as each comes at once nobody waits. */
static void test_lone_room(void **state)
{
	struct wn_run_stats s;

	(void)state;
	open_world(&(struct wn_pace_config){0});
	io.answers_max = 2;
	net.run = w.run;
	wn_run_credit_new(&net);
	memset(lone, 0, sizeof(lone));
	for (unsigned i = 0; i < LONE; i++) {
		struct wn_addr dst = wn_addr_v4(0xcb007101u);

		lone[i].turn = (struct wn_run_turn){
			.net = &net, .id = i, .probe = wn_run_lone_probe(&net, &dst, 1, 7)};
		assert_true(wn_run_turn_pass(&lone[i].turn, NULL));
		if (i < LONE - 2)
			lone_left(&lone[i]);
	}
	lone[0].turn.id = LONE;
	assert_false(wn_run_turn_pass(&lone[0].turn, NULL));
	wn_run_turn_wait(&lone[0].turn, &lone[0].hold);
	wn_run_stats(w.run, &s);
	assert_int_equal(s.waits_room, 1);
	assert_int_equal(s.waits_pace, 0);
	wn_pace_leave(w.run->pace, &lone[0].hold.wait);
	wn_run_credit_free(&net);
	net.credit = NULL;
	net.line = WN_PACE_NO_GATE;
	io.answers_max = 0;
	close_world();
}

/* ---- single probes ---- */

#define SINGLES 60

static unsigned singles_ended, singles_lost, singles_canceled;

static void on_end(void *user, const struct wn_single_end *end)
{
	(void)user;
	singles_ended++;
	singles_lost += end->kind == WN_SINGLE_LOST;
	singles_canceled += end->kind == WN_SINGLE_CANCELED;
	if (end->kind != WN_SINGLE_REPLY)
		return;
	w.sent[w.sent_count++] = (struct mark){.at_ns = end->sent_ns, .dst = end->dst};
	w.answered[w.answered_count++] =
		(struct mark){.at_ns = end->ended_ns, .by = end->reply->from};
}

/* In turn to 20 targets and with TTLs of 1 to 3, longer under way than they would be waited for. */
static void run_singles(const struct wn_pace_config *pace, bool cancel)
{
	struct wn_run_probe_id ids[SINGLES];

	open_world(pace);
	singles_ended = singles_lost = singles_canceled = 0;
	for (unsigned i = 0; i < SINGLES; i++) {
		struct wn_run_probe c = {
			.backend = WN_BACKEND_SIM,
			.sim = w.sim,
			.spec = {.probe = {.proto = WN_PROTO_ICMP,
					 .src = wn_topo_source(w.topo, 4),
					 .dst = wn_addr_v4(0xcb007101u + i % 20),
					 .ttl = (uint8_t)(1 + i % 3),
					 .size = 60},
				.wait_ns = SECOND / 2},
			.on_end = on_end,
		};

		assert_int_equal(wn_run_probe(w.run, &c, &ids[i], NULL), WN_OK);
	}
	wn_run_process(w.run);
	for (unsigned i = 0; cancel && i < SINGLES; i += 2)
		wn_run_probe_cancel(&ids[i]);
	assert_int_equal(wn_run_until_done(w.run, NULL), WN_OK);
	assert_int_equal(singles_ended, SINGLES);
	assert_int_equal(singles_lost, 0);
}

static void test_singles(void **state)
{
	struct wn_run_stats s;

	(void)state;
	run_singles(&(struct wn_pace_config){.pps = 50}, false);
	assert_int_equal(w.sent_count, SINGLES);
	assert_rate(w.sent, w.sent_count, 0, NULL, 50, 1);
	wn_run_stats(w.run, &s);
	assert_int_equal(s.sent, SINGLES);
	assert_true(s.waits_pace >= SINGLES - 2);
	close_world();

	run_singles(&(struct wn_pace_config){.pps_per_destination = 2}, false);
	for (unsigned i = 0; i < 20; i++) {
		struct wn_addr dst = wn_addr_v4(0xcb007101u + i);

		assert_rate(w.sent, w.sent_count, offsetof(struct mark, dst), &dst, 2, 1);
	}
	/* Three to each of 20 targets: nobody waits for another target. */
	assert_in_range(w.sent[w.sent_count - 1].at_ns - w.sent[0].at_ns, SECOND, SECOND * 11 / 10);
	close_world();

	run_singles(&(struct wn_pace_config){.pps_per_router = 10}, false);
	for (unsigned i = 0; i < w.answered_count; i++)
		assert_rate(w.answered, w.answered_count, offsetof(struct mark, by),
			&w.answered[i].by, 10, 4);
	close_world();
}

/* Those that are canceled while they wait end at once, and take nobody's turn. */
static void test_singles_canceled(void **state)
{
	(void)state;
	run_singles(&(struct wn_pace_config){.pps = 50}, true);
	assert_in_range(singles_canceled, SINGLES / 2 - 1, SINGLES / 2);
	assert_rate(w.sent, w.sent_count, 0, NULL, 50, 1);
	assert_in_range(w.sent[w.sent_count - 1].at_ns - w.sent[0].at_ns, 0,
		SECOND * (SINGLES / 2 + 2) / 50);
	close_world();
	/* Freed while they wait. */
	run_singles(&(struct wn_pace_config){.pps = 50}, false);
	for (unsigned i = 0; i < 10; i++) {
		struct wn_run_probe c = {.backend = WN_BACKEND_SIM,
			.sim = w.sim,
			.spec = {.probe = {.proto = WN_PROTO_ICMP,
					 .src = wn_topo_source(w.topo, 4),
					 .dst = wn_addr_v4(0xcb007101u),
					 .ttl = 1,
					 .size = 60},
				.wait_ns = SECOND / 2},
			.on_end = on_end};
		struct wn_run_probe_id id;

		assert_int_equal(wn_run_probe(w.run, &c, &id, NULL), WN_OK);
	}
	wn_run_process(w.run);
	close_world();
}

static void test_too_late(void **state)
{
	(void)state;
	open_world(&(struct wn_pace_config){0});
	start(0, wn_addr_v4(0xcb007101u));
	assert_int_equal(
		wn_run_set_pace(w.run, &(struct wn_pace_config){.pps = 1}, NULL), WN_ESTATE);
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_together),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_routers),
		cmocka_unit_test(test_side_probes),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_lone),
		cmocka_unit_test(test_lone_room),
		cmocka_unit_test(test_singles),
		cmocka_unit_test(test_singles_canceled),
		cmocka_unit_test(test_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
