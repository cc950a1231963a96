/* SPDX-License-Identifier: Apache-2.0 */
/* Probes that this machine refuses, time that jumps, and what a driver may say. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_path.h"

static struct fake f;

static void run(void)
{
	fake_run(&f);
	assert_true(f.done);
}

static unsigned refusals;

static wn_err full_now_and_then(struct fake *net, const struct wn_probe *p)
{
	(void)p;
	if ((net->now_ns / FAKE_MS) % 7 < 3) {
		refusals++;
		return refusals % 2 ? WN_ENOBUFS : WN_EAGAIN;
	}
	return WN_OK;
}

static void test_full_queue(void **state)
{
	(void)state;
	refusals = 0;
	fake_init(&f, 10, 4 * FAKE_MS);
	f.send = full_now_and_then;
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	assert_true(refusals > 0);
	assert_int_equal(f.end.u.end.counters.send_retries, refusals);
	assert_int_equal(f.counts[WN_EV_FAILED], 0);
	assert_int_equal(f.counts[WN_EV_SENT], f.sent_count);
	for (unsigned ttl = 1; ttl <= 10; ttl++)
		assert_int_equal(f.result->hops[ttl].responders[0].replies, 3);
	fake_fini(&f);
}

static wn_err full_at_first(struct fake *net, const struct wn_probe *p)
{
	(void)p;
	if (net->now_ns >= FAKE_START + 60 * FAKE_MS)
		return WN_OK;
	refusals++;
	return WN_ENOBUFS;
}

/* What did not leave does not count against the pace. */
static void test_full_queue_is_not_paced(void **state)
{
	(void)state;
	refusals = 0;
	fake_init(&f, 3, FAKE_MS);
	f.params.pps = 10;
	f.params.window = 1;
	f.params.probes = 1;
	f.send = full_at_first;
	run();
	assert_true(refusals >= 6);
	assert_in_range(fake_took_ms(&f), 260, 320);
	fake_fini(&f);
}

static wn_err always_full(struct fake *net, const struct wn_probe *p)
{
	(void)net;
	(void)p;
	return WN_ENOBUFS;
}

static void test_full_queue_for_ever(void **state)
{
	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	f.send = always_full;
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_ERROR);
	assert_int_equal(f.stop.u.stop.err, WN_ENOBUFS);
	assert_int_equal(f.sent_count, 0);
	assert_in_range(fake_took_ms(&f), 1000, 10000);
	fake_fini(&f);
}

static wn_err full_beyond_five(struct fake *net, const struct wn_probe *p)
{
	return p->ttl > 5 && net->now_ns < FAKE_START + 6 * FAKE_MS ? WN_EAGAIN : WN_OK;
}

/* What could not be sent at once is not sent at all once it lies beyond the destination. */
static void test_refused_probe_overtaken_by_the_end(void **state)
{
	(void)state;
	fake_init(&f, 3, FAKE_MS);
	fake_silent(&f, 2, 2); /* so that it takes a while */
	f.send = full_beyond_five;
	run();
	assert_int_equal(f.stop.u.stop.ttl, 3);
	for (size_t i = 0; i < f.sent_count; i++)
		assert_true(f.sent[i].ttl <= 5);
	fake_fini(&f);
}

static wn_err error;

static wn_err always_error(struct fake *net, const struct wn_probe *p)
{
	(void)net;
	(void)p;
	return error;
}

static void test_nothing_can_be_sent(void **state)
{
	static const wn_err errors[] = {
		WN_ENOROUTE, WN_ENETDOWN, WN_EPERM, WN_EBLOCKED, WN_EMSGSIZE, WN_EIO};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		error = errors[i];
		fake_init(&f, 10, 4 * FAKE_MS);
		f.send = always_error;
		run();
		assert_int_equal(f.stop.u.stop.stop, WN_STOP_ERROR);
		assert_int_equal(f.stop.u.stop.err, error);
		assert_true(f.end.u.end.partial);
		assert_true(fake_took_ms(&f) < 50);
		assert_int_equal(f.counts[WN_EV_SENT], 0);
		assert_int_equal(f.end.u.end.counters.blocked,
			error == WN_EBLOCKED ? f.counts[WN_EV_FAILED] : 0);
		fake_fini(&f);
	}
}

static wn_err some_ports_blocked(struct fake *net, const struct wn_probe *p)
{
	(void)net;
	return p->dport % 4 == 1 ? WN_EBLOCKED : WN_OK;
}

static void test_some_ports_blocked(void **state)
{
	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	f.params.flow_mode = WN_FLOW_CLASSIC;
	f.send = some_ports_blocked;
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	assert_true(f.counts[WN_EV_FAILED] > 3);
	assert_int_equal(f.end.u.end.counters.blocked, f.counts[WN_EV_FAILED]);
	assert_false(f.end.u.end.partial);
	fake_fini(&f);
}

static wn_err link_flaps(struct fake *net, const struct wn_probe *p)
{
	uint64_t at = (net->now_ns - FAKE_START) / FAKE_MS;

	(void)p;
	return at >= 10 && at < 300 ? WN_ENETDOWN : WN_OK;
}

static void test_link_flap(void **state)
{
	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	f.send = link_flaps;
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	assert_int_equal(f.stop.u.stop.ttl, 10);
	assert_true(f.counts[WN_EV_FAILED] > 0);
	/* While it is down one probe at a time tries: few failures, all replaced. */
	assert_true(f.counts[WN_EV_FAILED] < 16);
	for (unsigned ttl = 1; ttl <= 10; ttl++)
		assert_int_equal(f.result->hops[ttl].responders[0].replies, 3);
	assert_in_range(fake_took_ms(&f), 300, 700);
	fake_fini(&f);
}

static wn_err link_gone(struct fake *net, const struct wn_probe *p)
{
	(void)p;
	return net->now_ns >= FAKE_START + 10 * FAKE_MS ? WN_ENOROUTE : WN_OK;
}

static void test_link_gone_for_good(void **state)
{
	(void)state;
	fake_init(&f, 20, 4 * FAKE_MS);
	f.send = link_gone;
	run();
	assert_true(f.counts[WN_EV_FAILED] > 0);
	assert_in_range(fake_took_ms(&f), 1000, 6000);
	assert_false(f.result->reached);
	fake_fini(&f);
}

static void test_time_jump(void **state)
{
	struct wn_act act;

	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	fake_start(&f);
	fake_run_until(&f, FAKE_START + 20 * FAKE_MS);
	/* Ten seconds without running; the answers wait in the kernel and come first. */
	f.now_ns += 10000 * FAKE_MS;
	assert_int_equal(wn_trace_next(f.trace, f.now_ns, &act), WN_ACT_EMIT);
	assert_int_equal(act.event.kind, WN_EV_NOTE);
	assert_int_equal(act.event.u.note.kind, WN_NOTE_GAP_IN_TIME);
	assert_in_range(act.event.u.note.value, 9000 * FAKE_MS, 10000 * FAKE_MS);
	fake_take_event(&f, &act.event);
	run();
	assert_int_equal(f.counts[WN_EV_TIMEOUT], 0);
	assert_int_equal(f.counts[WN_EV_NOTE], 1);
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	fake_fini(&f);
}

static void test_time_jump_with_silence(void **state)
{
	(void)state;
	fake_init(&f, 40, 4 * FAKE_MS);
	fake_silent(&f, 1, 40);
	fake_start(&f);
	fake_run_until(&f, FAKE_START + 500 * FAKE_MS);
	f.now_ns += 60000 * FAKE_MS;
	run();
	/* The wait goes on where it was interrupted. */
	assert_int_equal(f.counts[WN_EV_NOTE], 1);
	assert_in_range(fake_took_ms(&f), 60500, 61300);
	fake_fini(&f);
}

static void test_late_wakeup_is_no_jump(void **state)
{
	(void)state;
	fake_init(&f, 40, 4 * FAKE_MS);
	fake_silent(&f, 11, 40);
	fake_start(&f);
	fake_run_until(&f, FAKE_START + 50 * FAKE_MS);
	f.now_ns += 200 * FAKE_MS;
	run();
	assert_int_equal(f.counts[WN_EV_NOTE], 0);
	fake_fini(&f);
}

static void test_clock_that_goes_back(void **state)
{
	struct wn_act act;

	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	fake_start(&f);
	fake_run_until(&f, FAKE_START + 20 * FAKE_MS);
	assert_int_equal(wn_trace_next(f.trace, 5, &act), WN_ACT_WAIT);
	assert_true(act.until_ns > FAKE_START + 20 * FAKE_MS);
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	fake_fini(&f);
}

static void test_notes_and_counts(void **state)
{
	struct wn_counters add = {.foreign = 3, .corrupt = 2};
	char longtext[500];

	(void)state;
	memset(longtext, 'x', sizeof(longtext));
	longtext[499] = '\0';
	fake_init(&f, 5, FAKE_MS);
	fake_start(&f);
	wn_trace_note(f.trace, WN_NOTE_LINK_DOWN, 7, "eth0");
	wn_trace_note(f.trace, WN_NOTE_LINK_UP, 8, NULL);
	wn_trace_note(f.trace, WN_NOTE_TEXT, 0, longtext);
	wn_trace_count(f.trace, &add);
	run();
	assert_int_equal(f.result->note_count, 3);
	assert_int_equal(f.result->notes[0].u.note.kind, WN_NOTE_LINK_DOWN);
	assert_string_equal(f.result->notes[0].u.note.text, "eth0");
	assert_int_equal(f.result->notes[1].u.note.value, 8);
	assert_int_equal(strlen(f.result->notes[2].u.note.text), 159);
	assert_int_equal(f.end.u.end.counters.foreign, 3);
	assert_int_equal(f.end.u.end.counters.corrupt, 2);
	fake_fini(&f);
	/* A driver that only talks: bounded, and the loss is counted. */
	fake_init(&f, 5, FAKE_MS);
	fake_start(&f);
	for (unsigned i = 0; i < 1000; i++)
		wn_trace_note(f.trace, WN_NOTE_TEXT, 0, longtext);
	run();
	assert_int_equal(f.result->note_count + f.end.u.end.counters.overflow, 1000);
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	fake_fini(&f);
}

/* ---- probes that their driver keeps back ---- */

static struct {
	uint64_t for_ns, until_ns;
	unsigned times;
	bool may_go; /* the one that was kept back last */
} keeper;

static enum wn_act_kind next_kept_back(struct fake *net, struct wn_act *act)
{
	enum wn_act_kind kind;

	if (keeper.until_ns && net->now_ns >= keeper.until_ns) {
		keeper.until_ns = 0;
		keeper.may_go = true;
		wn_trace_go(net->trace, net->now_ns);
	}
	kind = wn_trace_next(net->trace, net->now_ns, act);
	if (kind == WN_ACT_SEND && !keeper.may_go) {
		assert_int_equal(keeper.until_ns, 0);
		wn_trace_hold(net->trace, act->probe.id);
		keeper.until_ns = net->now_ns + keeper.for_ns;
		keeper.times++;
		kind = wn_trace_next(net->trace, net->now_ns, act);
		assert_int_not_equal(kind, WN_ACT_SEND);
	}
	if (kind == WN_ACT_SEND)
		keeper.may_go = false;
	if (kind == WN_ACT_WAIT && keeper.until_ns && keeper.until_ns < act->until_ns)
		act->until_ns = keeper.until_ns;
	return kind;
}

/* For longer than any answer is waited for: each leaves, none is lost, nothing is sent in vain. */
static void test_kept_back(void **state)
{
	(void)state;
	memset(&keeper, 0, sizeof(keeper));
	keeper.for_ns = 5000 * FAKE_MS;
	fake_init(&f, 10, 4 * FAKE_MS);
	f.next = next_kept_back;
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	assert_int_equal(f.counts[WN_EV_FAILED], 0);
	assert_int_equal(f.counts[WN_EV_TIMEOUT], 0);
	assert_int_equal(f.end.u.end.counters.send_retries, 0);
	for (unsigned ttl = 1; ttl <= 10; ttl++)
		assert_int_equal(f.result->hops[ttl].responders[0].replies, 3);
	/* One at a time, each with the answer to the one before: no probe is beyond the target. */
	assert_int_equal(f.sent_count, 30);
	assert_int_equal(keeper.times, 30);
	assert_true(wn_addr_eq(wn_trace_responder(f.trace, 3), &f.hops[3].addr));
	assert_null(wn_trace_responder(f.trace, 11));
	assert_null(wn_trace_responder(f.trace, 0));
	assert_null(wn_trace_responder(f.trace, 255));
	fake_fini(&f);
}

/* A target that is found while a probe beyond it is kept back: that never leaves. */
static void test_kept_back_in_vain(void **state)
{
	unsigned in_vain = 0;

	(void)state;
	for (unsigned ms = 1; ms < 40; ms++) {
		memset(&keeper, 0, sizeof(keeper));
		keeper.for_ns = ms * FAKE_MS;
		fake_init(&f, 2, 30 * FAKE_MS);
		f.next = next_kept_back;
		run();
		assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
		assert_int_equal(f.counts[WN_EV_TIMEOUT], 0);
		assert_int_equal(f.counts[WN_EV_SENT], f.sent_count);
		assert_int_equal(f.result->hops[2].responders[0].replies, 3);
		in_vain += keeper.times > f.sent_count;
		fake_fini(&f);
	}
	assert_true(in_vain > 5);
}

/* A deadline comes to one that is kept back, too. */
static void test_kept_back_for_ever(void **state)
{
	(void)state;
	memset(&keeper, 0, sizeof(keeper));
	keeper.for_ns = UINT64_MAX / 2;
	fake_init(&f, 10, 4 * FAKE_MS);
	f.params.deadline_ns = 2000 * FAKE_MS;
	f.next = next_kept_back;
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_DEADLINE);
	assert_int_equal(f.sent_count, 0);
	fake_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_full_queue_is_not_paced),
		cmocka_unit_test(test_kept_back),
		cmocka_unit_test(test_kept_back_in_vain),
		cmocka_unit_test(test_kept_back_for_ever),
		cmocka_unit_test(test_full_queue_for_ever),
		cmocka_unit_test(test_refused_probe_overtaken_by_the_end),
		cmocka_unit_test(test_nothing_can_be_sent),
		cmocka_unit_test(test_some_ports_blocked),
		cmocka_unit_test(test_link_flap),
		cmocka_unit_test(test_link_gone_for_good),
		cmocka_unit_test(test_time_jump),
		cmocka_unit_test(test_time_jump_with_silence),
		cmocka_unit_test(test_late_wakeup_is_no_jump),
		cmocka_unit_test(test_clock_that_goes_back),
		cmocka_unit_test(test_notes_and_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
