/* SPDX-License-Identifier: Apache-2.0 */
/* The driver in virtual time: engine, simulated network and result together. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "os/os.h"
#include "run/run.h"
#include "sim/sim.h"

static const char line_of_four[] = "source me\n"
				   "target dst\n"
				   "host me addr 192.0.2.1\n"
				   "node r1 addr 198.51.100.1\n"
				   "node r2 addr 198.51.100.2\n"
				   "node r3 addr 198.51.100.3 silent\n"
				   "host dst addr 203.0.113.9\n"
				   "link me r1 delay 2ms\n"
				   "link r1 r2 delay 2ms\n"
				   "link r2 r3 delay 2ms\n"
				   "link r3 dst delay 2ms\n";

struct watch {
	unsigned events, done, names;
	bool ended;
	struct wn_run_trace *stop_at_first_reply;
};

static void on_event(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	struct watch *w = user;

	assert_false(w->ended); /* nothing after END */
	w->events++;
	w->names += ev->kind == WN_EV_NAME;
	w->ended = ev->kind == WN_EV_END;
	if (ev->kind == WN_EV_REPLY && w->stop_at_first_reply)
		wn_run_stop(rt, WN_STOP_INTERRUPTED);
}

static void on_done(void *user, struct wn_run_trace *rt)
{
	struct watch *w = user;

	(void)rt;
	assert_true(w->ended);
	w->done++;
}

struct net {
	struct wn_topo *topo;
	struct wn_sim *sim;
	struct wn_run *run;
	struct watch watch;
};

static void net_open_in(struct net *n, const char *text, bool virtual_time)
{
	struct wn_errctx ctx = {0};

	memset(n, 0, sizeof(*n));
	if (wn_topo_parse(text, strlen(text), &n->topo, &ctx) != WN_OK)
		fail_msg("%s", ctx.text);
	assert_int_equal(wn_run_new(virtual_time, &n->run, &ctx), WN_OK);
	assert_int_equal(wn_sim_new(n->topo, 1, wn_run_now_ns(n->run), &n->sim), WN_OK);
}

static void net_open(struct net *n, const char *text)
{
	net_open_in(n, text, true);
}

static void net_close(struct net *n)
{
	wn_run_free(n->run);
	wn_sim_free(n->sim);
	wn_topo_free(n->topo);
}

static struct wn_run_trace_config request(
	struct net *n, enum wn_proto proto, uint8_t family, struct watch *watch)
{
	struct wn_run_trace_config c = {
		.backend = WN_BACKEND_SIM,
		.sim = n->sim,
		.on_event = on_event,
		.on_done = on_done,
		.user = watch,
	};

	c.params.src = wn_topo_source(n->topo, family);
	c.params.dst = wn_topo_target(n->topo, family);
	c.params.proto = proto;
	c.params.dport = proto == WN_PROTO_TCP ? 80 : 33434;
	c.params.first_ttl = 1;
	c.params.max_ttl = 30;
	c.params.probes = 3;
	c.params.window = 32;
	c.params.gap = 12;
	c.params.pps = 1000;
	c.params.wait_max_ns = 1000000000;
	c.params.wait_min_ns = 200000000;
	c.params.wait_here_milli = c.params.wait_near_milli = 3000;
	c.params.size = family == 6 ? 80 : 60;
	return c;
}

static struct wn_run_trace *prepare(
	struct net *n, enum wn_proto proto, uint8_t family, struct watch *watch)
{
	struct wn_run_trace_config c = request(n, proto, family, watch);
	struct wn_errctx ctx = {0};
	struct wn_run_trace *rt;

	if (wn_run_prepare(n->run, &c, &rt, &ctx) != WN_OK)
		fail_msg("%s", ctx.text);
	return rt;
}

static void run_all(struct net *n)
{
	struct wn_errctx ctx = {0};

	if (wn_run_until_done(n->run, &ctx) != WN_OK)
		fail_msg("%s", ctx.text);
}

static struct wn_addr only_responder(const struct wn_result *r, uint8_t ttl)
{
	struct wn_addr none = {0};

	if (r->hops[ttl].responder_count == 0)
		return none;
	assert_int_equal(r->hops[ttl].responder_count, 1);
	return r->responders[r->hops[ttl].responders[0].responder].addr;
}

static void test_every_protocol_finds_the_path(void **state)
{
	(void)state;
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		struct net n;
		struct wn_run_trace *rt;
		const struct wn_result *r;
		struct wn_errctx ctx = {0};

		net_open(&n, line_of_four);
		rt = prepare(&n, (enum wn_proto)proto, 4, &n.watch);
		assert_int_equal(wn_run_start(rt, &ctx), WN_OK);
		run_all(&n);
		r = wn_run_result(rt);
		assert_int_equal(r->stop, WN_STOP_REACHED);
		assert_true(r->reached && r->ended && !r->partial);
		assert_int_equal(r->last_ttl, 4);
		for (uint8_t ttl = 1; ttl <= 4; ttl++) {
			struct wn_addr got = only_responder(r, ttl);
			uint32_t want = ttl == 3 ? 0 : ttl == 4 ? 0xcb007109 : 0xc6336400u + ttl;

			assert_int_equal(wn_addr_to_v4(&got), want);
			assert_int_equal(r->hops[ttl].probes, 3);
		}
		/* RTT of the target is the simulated 16 ms, to the nanosecond. */
		assert_int_equal(r->replies[r->reached_reply].rtt_ns, 16000000);
		assert_int_equal(n.watch.done, 1);
		net_close(&n);
	}
}

static void test_end_waits_until_released(void **state)
{
	struct net n;
	struct wn_run_trace *rt;
	struct wn_errctx ctx = {0};
	struct wn_addr r1 = wn_addr_v4(0xc6336401);

	(void)state;
	net_open(&n, line_of_four);
	rt = prepare(&n, WN_PROTO_UDP, 4, &n.watch);
	wn_run_hold(rt);
	assert_int_equal(wn_run_start(rt, &ctx), WN_OK);
	/* Held back, the run comes to where nothing moves any more, and says so. */
	assert_int_equal(wn_run_until_done(n.run, &ctx), WN_ESTATE);
	assert_true(wn_run_trace_quiet(rt));
	assert_int_equal(n.watch.done, 0);
	wn_run_name(rt, &r1, "r1.example.net", WN_OK);
	wn_run_release(rt);
	run_all(&n);
	assert_int_equal(n.watch.done, 1);
	assert_int_equal(n.watch.names, 1);
	assert_string_equal(wn_run_result(rt)
				    ->responders[wn_result_find_responder(wn_run_result(rt), &r1)]
				    .name,
		"r1.example.net");
	wn_run_name(rt, &r1, "too.late.example", WN_OK); /* ignored after END */
	assert_int_equal(n.watch.names, 1);
	net_close(&n);
}

static void test_stop_from_a_callback_keeps_what_is_there(void **state)
{
	struct net n;
	struct wn_run_trace *rt;
	struct wn_errctx ctx = {0};

	(void)state;
	net_open(&n, line_of_four);
	rt = prepare(&n, WN_PROTO_ICMP, 4, &n.watch);
	n.watch.stop_at_first_reply = rt;
	assert_int_equal(wn_run_start(rt, &ctx), WN_OK);
	run_all(&n);
	assert_true(wn_run_result(rt)->partial);
	assert_int_equal(wn_run_result(rt)->stop, WN_STOP_INTERRUPTED);
	assert_true(wn_run_result(rt)->reply_count >= 1);
	assert_int_equal(n.watch.done, 1);
	net_close(&n);
}

static void test_three_protocols_side_by_side(void **state)
{
	struct net n;
	struct wn_run_trace *rt[WN_PROTO_COUNT];
	struct watch watch[WN_PROTO_COUNT] = {0};
	struct wn_errctx ctx = {0};

	(void)state;
	net_open(&n, line_of_four);
	for (int i = 0; i < WN_PROTO_COUNT; i++)
		rt[i] = prepare(&n, (enum wn_proto)i, 4, &watch[i]);
	for (int i = 0; i < WN_PROTO_COUNT; i++)
		assert_int_equal(wn_run_start(rt[i], &ctx), WN_OK);
	run_all(&n);
	for (int i = 0; i < WN_PROTO_COUNT; i++) {
		const struct wn_result *r = wn_run_result(rt[i]);

		assert_int_equal(watch[i].done, 1);
		assert_int_equal(r->stop, WN_STOP_REACHED);
		assert_int_equal(r->last_ttl, 4);
		/* Each took its own answers and none of the others'. */
		assert_int_equal(r->counters.foreign, 0);
		assert_int_equal(r->counters.forged, 0);
		assert_int_equal(r->counters.duplicate, 0);
	}
	net_close(&n);
}

/* A remark made at once stands behind START: a record cannot begin with anything else. */
static void test_early_note_is_kept(void **state)
{
	struct net n;
	struct wn_run_trace *rt;
	struct wn_errctx ctx = {0};
	const struct wn_result *r;

	(void)state;
	net_open(&n, line_of_four);
	rt = prepare(&n, WN_PROTO_UDP, 4, &n.watch);
	assert_int_equal(wn_run_start(rt, &ctx), WN_OK);
	wn_run_note(rt, WN_NOTE_TEXT, 5, "said early");
	run_all(&n);
	r = wn_run_result(rt);
	assert_int_equal(r->note_count, 1);
	assert_int_equal(r->notes[0].u.note.value, 5);
	assert_string_equal(r->notes[0].u.note.text, "said early");
	net_close(&n);
}

static void test_free_in_mid_flight_calls_nobody(void **state)
{
	struct net n;
	struct wn_run_trace *rt;
	struct wn_errctx ctx = {0};

	(void)state;
	net_open(&n, line_of_four);
	rt = prepare(&n, WN_PROTO_UDP, 4, &n.watch);
	assert_int_equal(wn_run_start(rt, &ctx), WN_OK);
	wn_run_process(n.run);
	assert_false(wn_run_idle(n.run));
	net_close(&n);
	assert_int_equal(n.watch.done, 0);
}

/* ---- many on one back end ---- */

#define MANY 600

static const char prefix[] = "source me\n"
			     "target dst\n"
			     "host me addr 192.0.2.1 addr6 fd00::1\n"
			     "node r1 addr 198.51.100.1 addr6 fd00:1::1\n"
			     "node r2 addr 198.51.100.2 addr6 fd00:2::1\n"
			     "host dst addr 203.0.113.9 addr6 fd00:9::9 owns 203.0.113.0/24 "
			     "owns fd00:9::/64\n"
			     "link me r1 delay 2ms\n"
			     "link r1 r2 delay 2ms\n"
			     "link r2 dst delay 2ms\n";

/* Routers behind the translator quote the inner address. */
static const char translated[] = "source me\n"
				 "target 203.0.113.9\n"
				 "host me addr 192.0.2.1\n"
				 "node r1 addr 198.51.100.1\n"
				 "node box addr 198.51.100.2 nat dest 203.0.113.9 to 10.0.0.9 "
				 "keep-quotes\n"
				 "node r3 addr 198.51.100.3\n"
				 "host dst addr 10.0.0.9\n"
				 "link me r1 delay 2ms\n"
				 "link r1 box delay 2ms\n"
				 "link box r3 delay 2ms\n"
				 "link r3 dst delay 2ms\n";

/* count traces at once, to `targets` addresses in turn and by every protocol in turn. */
static void start_many(
	struct net *n, struct wn_run_trace **rt, unsigned count, unsigned targets, uint8_t family)
{
	struct wn_errctx ctx = {0};

	for (unsigned i = 0; i < count; i++) {
		struct wn_run_trace_config c =
			request(n, (enum wn_proto)(i % WN_PROTO_COUNT), family, NULL);

		c.share = true;
		c.on_event = NULL;
		c.on_done = NULL;
		c.params.pps = 0;
		c.params.dst.bytes[family == 4 ? 3 : 15] = (uint8_t)(1 + i / 3 % targets);
		if (wn_run_prepare(n->run, &c, &rt[i], &ctx) != WN_OK ||
			wn_run_start(rt[i], &ctx) != WN_OK)
			fail_msg("%s", ctx.text);
	}
}

/* Each has its own path, whole, and nobody took anything of another. */
static void test_many_share(void **state)
{
	static struct wn_run_trace *rt[MANY];
	static const struct {
		unsigned targets;
		uint8_t family;
	} cases[] = {{200, 4}, {200, 6}, {3, 4}, {1, 6}};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct net n;

		net_open(&n, prefix);
		start_many(&n, rt, MANY, cases[c].targets, cases[c].family);
		run_all(&n);
		for (unsigned i = 0; i < MANY; i++) {
			const struct wn_result *r = wn_run_result(rt[i]);
			struct wn_addr last = only_responder(r, 3);

			assert_true(r->reached && r->ended && !r->partial);
			assert_int_equal(r->last_ttl, 3);
			assert_true(wn_addr_eq(&last, &r->params.dst));
			assert_int_equal(r->replies[r->reached_reply].rtt_ns, 12000000);
			for (uint8_t ttl = 1; ttl <= 3; ttl++)
				assert_int_equal(r->hops[ttl].responders[0].replies, 3);
			assert_int_equal(r->counters.forged + r->counters.foreign +
						 r->counters.stale + r->counters.duplicate,
				0);
		}
		net_close(&n);
	}
}

static void test_shared_through_a_translator(void **state)
{
	struct wn_run_trace *rt[30];
	struct wn_errctx ctx = {0};
	struct net n;

	(void)state;
	net_open(&n, translated);
	for (unsigned i = 0; i < 30; i++) {
		struct wn_run_trace_config c =
			request(&n, (enum wn_proto)(i % WN_PROTO_COUNT), 4, NULL);

		c.share = true;
		c.on_event = NULL;
		c.on_done = NULL;
		c.params.dst = wn_addr_v4(0xcb007109);
		assert_int_equal(wn_run_prepare(n.run, &c, &rt[i], &ctx), WN_OK);
		assert_int_equal(wn_run_start(rt[i], &ctx), WN_OK);
	}
	run_all(&n);
	for (unsigned i = 0; i < 30; i++) {
		const struct wn_result *r = wn_run_result(rt[i]);

		assert_true(r->reached);
		assert_int_equal(r->last_ttl, 4);
		assert_int_equal(r->hops[3].responders[0].replies, 3);
		assert_int_equal(r->counters.forged, 0);
	}
	net_close(&n);
}

/* ---- traces that come and go ---- */

struct crowd {
	struct net n;
	unsigned started, wanted, done, events, replies;
};

static void crowd_event(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	struct crowd *c = user;

	assert_null(wn_run_result(rt));
	c->events++;
	c->replies += ev->kind == WN_EV_REPLY;
}

static void crowd_start(struct crowd *c);

/* Each that ends makes room for the next. */
static void crowd_done(void *user, struct wn_run_trace *rt)
{
	struct crowd *c = user;

	c->done++;
	wn_run_drop(rt);
	if (c->started < c->wanted)
		crowd_start(c);
}

static void crowd_start(struct crowd *c)
{
	struct wn_run_trace_config config =
		request(&c->n, (enum wn_proto)(c->started % WN_PROTO_COUNT), 4, NULL);
	struct wn_errctx ctx = {0};
	struct wn_run_trace *rt;

	config.share = config.lean = true;
	config.on_event = crowd_event;
	config.on_done = crowd_done;
	config.user = c;
	config.params.pps = 0;
	config.params.dst.bytes[3] = (uint8_t)(1 + c->started++ % 250);
	if (wn_run_prepare(c->n.run, &config, &rt, &ctx) != WN_OK ||
		wn_run_start(rt, &ctx) != WN_OK)
		fail_msg("%s", ctx.text);
}

/* Events alone tell all; what is late for one is nothing to the next in its place. */
static void test_lean_and_dropped(void **state)
{
	struct crowd c = {.wanted = 2000};

	(void)state;
	net_open(&c.n, prefix);
	for (unsigned i = 0; i < 50; i++)
		crowd_start(&c);
	run_all(&c.n);
	assert_int_equal(c.started, 2000);
	assert_int_equal(c.done, 2000);
	/* Nine probes at three hops reach the target; a few go beyond it before that is known. */
	assert_in_range(c.replies, 2000 * 9, 2000 * 40);
	assert_true(wn_run_idle(c.n.run));
	net_close(&c.n);
}

static void test_dropped_before_it_began(void **state)
{
	struct wn_errctx ctx = {0};
	struct wn_run_trace *rt;
	struct net n;

	(void)state;
	net_open(&n, line_of_four);
	wn_run_drop(prepare(&n, WN_PROTO_UDP, 4, &n.watch));
	rt = prepare(&n, WN_PROTO_UDP, 4, &n.watch);
	assert_int_equal(wn_run_start(rt, &ctx), WN_OK);
	run_all(&n);
	assert_true(wn_run_result(rt)->reached);
	wn_run_drop(rt);
	net_close(&n);
}

/* Who takes his time in a callback, at the first reply. */
static void dawdle(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	struct watch *w = user;
	uint64_t until_ns = wn_os_mono_ns() + 200000000;

	(void)rt;
	w->ended = ev->kind == WN_EV_END;
	if (ev->kind != WN_EV_REPLY || w->events++ > 0)
		return;
	while (wn_os_mono_ns() < until_ns)
		;
}

static void expect_no_loss(const struct wn_run_trace *rt)
{
	const struct wn_result *r = wn_run_result(rt);

	assert_true(r->reached);
	for (uint32_t i = 0; i < r->probe_count; i++) {
		assert_int_not_equal(r->probes[i].state, WN_PROBE_LOST);
		assert_int_not_equal(r->probes[i].state, WN_PROBE_LATE);
	}
}

/*
 * In real time, longer than a wait and shorter than what an engine takes for a stop: neither this
 * trace nor another takes answers for lost.
 */
static void test_slow_callback(void **state)
{
	static const char three[] = "source me\ntarget dst\n"
				    "host me addr 192.0.2.1\n"
				    "node r1 addr 198.51.100.1\n"
				    "node r2 addr 198.51.100.2\n"
				    "host dst addr 203.0.113.9\n"
				    "link me r1 delay 1ms\n"
				    "link r1 r2 delay 10ms\n"
				    "link r2 dst delay 10ms\n";
	struct wn_run_trace_config c;
	struct wn_run_trace *slow, *other;
	struct wn_errctx ctx = {0};
	struct watch watch = {0};
	struct net n;

	(void)state;
	net_open_in(&n, three, false);
	c = request(&n, WN_PROTO_UDP, 4, &n.watch);
	c.on_event = dawdle;
	c.params.wait_min_ns = 100000000;
	assert_int_equal(wn_run_prepare(n.run, &c, &slow, &ctx), WN_OK);
	c = request(&n, WN_PROTO_TCP, 4, &watch);
	c.params.wait_min_ns = 100000000;
	assert_int_equal(wn_run_prepare(n.run, &c, &other, &ctx), WN_OK);
	assert_int_equal(wn_run_start(slow, &ctx), WN_OK);
	assert_int_equal(wn_run_start(other, &ctx), WN_OK);
	assert_int_equal(wn_run_until_done(n.run, &ctx), WN_OK);
	expect_no_loss(slow);
	expect_no_loss(other);
	net_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_protocol_finds_the_path),
		cmocka_unit_test(test_end_waits_until_released),
		cmocka_unit_test(test_stop_from_a_callback_keeps_what_is_there),
		cmocka_unit_test(test_three_protocols_side_by_side),
		cmocka_unit_test(test_early_note_is_kept),
		cmocka_unit_test(test_free_in_mid_flight_calls_nobody),
		cmocka_unit_test(test_many_share),
		cmocka_unit_test(test_shared_through_a_translator),
		cmocka_unit_test(test_lean_and_dropped),
		cmocka_unit_test(test_dropped_before_it_began),
		cmocka_unit_test(test_slow_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
