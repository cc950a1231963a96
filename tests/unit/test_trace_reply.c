/* SPDX-License-Identifier: Apache-2.0 */
/* Single replies: what each protocol answers, from the error queue too, its time, its bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_path.h"

static struct fake f;

static void run(void (*network)(struct fake *, const struct wn_probe *))
{
	f.network = network;
	fake_run(&f);
	assert_true(f.done);
}

static enum wn_claim feed(const struct wn_reply *r)
{
	return wn_trace_reply(f.trace, r, f.now_ns, WN_CLOCK_SIM, f.now_ns);
}

static void nothing(struct fake *net, const struct wn_probe *p)
{
	(void)net;
	(void)p;
}

/* A trace with one probe out to each TTL, those well ahead too after a time of silence. */
static void begin(enum wn_proto proto, uint16_t size)
{
	fake_init(&f, 10, FAKE_MS);
	f.params.proto = proto;
	f.params.size = size;
	f.params.probes = 1;
	f.network = nothing;
	fake_start(&f);
	fake_run_until(&f, FAKE_START + f.params.wait_min_ns + FAKE_MS);
	assert_int_equal(f.sent_count, 12);
}

static void end(void)
{
	wn_trace_stop(f.trace, WN_STOP_INTERRUPTED, WN_OK, 0);
	fake_run(&f);
	assert_true(f.done);
}

static void test_echo_answers(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(WN_PROTO_ICMP, 60);
	r = fake_direct(&f.sent[9], WN_REPLY_ECHO);
	r.payload_present = false;
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	r = fake_direct(&f.sent[9], WN_REPLY_ECHO);
	r.icmp_seq++;
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	r = fake_direct(&f.sent[9], WN_REPLY_ECHO);
	r.icmp_id++;
	assert_int_equal(feed(&r), WN_CLAIM_NO);
	r = fake_direct(&f.sent[9], WN_REPLY_ECHO);
	r.from = fake_router(3);
	assert_int_equal(feed(&r), WN_CLAIM_NO);
	r = fake_direct(&f.sent[9], WN_REPLY_ECHO);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	end();
	assert_int_equal(fake_counted(&f)->forged, 2);
	assert_int_equal(fake_counter_sum(&f), 2);
	assert_true(f.result->reached);
	fake_fini(&f);
}

static void udp_answers(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (!fake_reply_to(net, p, &r))
		return;
	if (p->ttl >= net->length)
		r = fake_direct(p, WN_REPLY_UDP);
	fake_deliver(net, net->hops[p->ttl < net->length ? p->ttl : net->length].rtt_ns, &r);
}

static void test_udp_answers(void **state)
{
	(void)state;
	for (int mode = WN_FLOW_FIXED; mode <= WN_FLOW_CLASSIC; mode++) {
		fake_init(&f, 6, 2 * FAKE_MS);
		f.params.flow_mode = (enum wn_flow_mode)mode;
		run(udp_answers);
		assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
		assert_int_equal(f.stop.u.stop.ttl, 6);
		assert_true(fake_counted(&f)->weak >= 3);
		assert_int_equal(fake_counted(&f)->duplicate + fake_counted(&f)->stale, 0);
		assert_in_range(fake_took_ms(&f), 14, 40);
		fake_fini(&f);
	}
}

/* Answers of the target do not say to which TTL: those that got there are the highest. */
static void test_udp_answers_behind_silence(void **state)
{
	(void)state;
	fake_init(&f, 9, 4 * FAKE_MS);
	fake_silent(&f, 6, 8);
	run(udp_answers);
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	assert_int_equal(f.stop.u.stop.ttl, 9);
	for (unsigned ttl = 6; ttl < 9; ttl++)
		assert_int_equal(f.result->hops[ttl].responder_count, 0);
	assert_int_equal(f.result->hops[9].responders[0].replies, 3);
	for (uint32_t i = 0; i < f.result->reply_count; i++)
		if (f.result->replies[i].kind == WN_REPLY_UDP)
			assert_int_equal(f.result->replies[i].rtt_ns, 36 * FAKE_MS);
	assert_in_range(fake_took_ms(&f), 72, 250);
	fake_fini(&f);
}

/* The program that answers is let run seldom: it answers what is there, and later the rest. */
static void udp_answers_late(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (!fake_reply_to(net, p, &r))
		return;
	if (p->ttl < net->length) {
		fake_deliver(net, net->hops[p->ttl].rtt_ns, &r);
		return;
	}
	r = fake_direct(p, WN_REPLY_UDP);
	fake_deliver(net, (p->ttl > net->length ? 9 : 1) * FAKE_MS, &r);
}

static void test_udp_answers_in_two_parts(void **state)
{
	(void)state;
	fake_init(&f, 4, FAKE_MS / 5);
	run(udp_answers_late);
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	assert_int_equal(f.stop.u.stop.ttl, 4);
	assert_int_equal(fake_counted(&f)->stale, 0);
	assert_int_equal(f.result->hops[4].responders[0].replies, 3);
	fake_fini(&f);
}

/* The answers overtake the last router's error. */
static void test_udp_answers_overtake(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(WN_PROTO_UDP, 60);
	for (unsigned i = 0; i < 8; i++) {
		r = fake_error(&f.sent[i], WN_REPLY_TIME_EXCEEDED, fake_router(i + 1));
		feed(&r);
	}
	for (unsigned i = 9; i < 12; i++) {
		r = fake_direct(&f.sent[i], WN_REPLY_UDP);
		assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	}
	fake_run_until(&f, f.now_ns + 1);
	r = fake_error(&f.sent[8], WN_REPLY_TIME_EXCEEDED, fake_router(9));
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	f.network = udp_answers;
	fake_run(&f);
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	assert_int_equal(f.stop.u.stop.ttl, 10);
	fake_fini(&f);
}

/* Held answers are told even when the trace is stopped before their probes are known. */
static void test_held_answers_at_a_stop(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(WN_PROTO_UDP, 60);
	r = fake_direct(&f.sent[11], WN_REPLY_UDP);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	end();
	assert_int_equal(f.counts[WN_EV_REPLY], 1);
	assert_true(f.result->reached);
	assert_int_equal(f.result->last_ttl, 12);
	fake_fini(&f);
}

static void test_stale(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(WN_PROTO_UDP, 60);
	r = fake_error(&f.sent[0], WN_REPLY_TIME_EXCEEDED, fake_router(1));
	r.quote.present = r.quote.l4_present = r.quote.payload_present = false;
	r.from_errqueue = true;
	r.hint_id = 4711; /* never was */
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	/* A UDP answer when every probe is known to have expired on the way. */
	for (unsigned i = 0; i < 12; i++) {
		r = fake_error(&f.sent[i], WN_REPLY_TIME_EXCEEDED, fake_router(i + 1));
		assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	}
	r = fake_direct(&f.sent[11], WN_REPLY_UDP);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	end();
	assert_int_equal(fake_counted(&f)->stale, 2);
	assert_int_equal(feed(&r), WN_CLAIM_NO); /* after the end nothing is ours */
	fake_fini(&f);
}

static struct wn_reply from_errqueue(unsigned i, bool hint, bool cookie)
{
	struct wn_reply r = fake_error(&f.sent[i], WN_REPLY_TIME_EXCEEDED, fake_router(i + 1));

	r.from_errqueue = true;
	r.quote.l4_present = false;
	r.quote.payload_present = cookie;
	r.hint_id = hint ? f.sent[i].id : WN_HINT_NONE;
	return r;
}

static void test_errqueue(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(WN_PROTO_UDP, 60);
	r = from_errqueue(0, true, true);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = from_errqueue(1, true, false);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = from_errqueue(2, false, true);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = from_errqueue(3, true, true);
	r.quote.cookie[0] ^= 0x80;
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	r = from_errqueue(3, false, true);
	r.quote.cookie[0] ^= 0x80;
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	r = from_errqueue(4, false, false);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN); /* fits nine probes */
	end();
	assert_int_equal(fake_counted(&f)->weak, 1);
	assert_int_equal(fake_counted(&f)->forged, 2);
	assert_int_equal(fake_counted(&f)->unattributed, 1);
	assert_int_equal(f.counts[WN_EV_REPLY], 3);
	assert_int_equal(f.result->replies[0].match, WN_MATCH_STRONG);
	assert_int_equal(f.result->replies[1].match, WN_MATCH_WEAK);
	assert_int_equal(f.result->replies[2].match, WN_MATCH_STRONG);
	fake_fini(&f);
}

/* Routers quote 8 bytes, of which an unprivileged socket sees none, nor which probe is meant. */
static void anonymous(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (!fake_reply_to(net, p, &r))
		return;
	if (p->ttl != 1 && p->ttl != 4) {
		r.quote.l4_present = r.quote.payload_present = false;
		memset(r.quote.cookie, 0, 8);
	}
	r.from_errqueue = true;
	fake_deliver(net, net->hops[p->ttl < net->length ? p->ttl : net->length].rtt_ns, &r);
}

static size_t serial_peak;
static bool serial;

static void watch_serial(struct fake *net, const struct wn_event *ev)
{
	if (ev->kind == WN_EV_NOTE) {
		assert_int_equal(ev->u.note.kind, WN_NOTE_SERIAL_PASS);
		serial = true;
		net->peak = 0;
	}
	serial_peak = net->peak;
}

static void test_serial_pass(void **state)
{
	(void)state;
	fake_init(&f, 6, 2 * FAKE_MS);
	f.params.caps.sees_quote_l4 = f.params.caps.sees_quote_ip = false;
	f.event = watch_serial;
	serial = false;
	run(anonymous);
	assert_true(serial);
	assert_int_equal(serial_peak, 1);
	assert_int_equal(f.counts[WN_EV_NOTE], 1);
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	assert_int_equal(f.stop.u.stop.ttl, 6);
	assert_true(fake_counted(&f)->unattributed > 0);
	for (unsigned ttl = 1; ttl <= 6; ttl++) {
		const struct wn_hop *hop = &f.result->hops[ttl];

		assert_int_equal(hop->responder_count, 1);
		assert_true(wn_addr_eq(&f.result->responders[hop->responders[0].responder].addr,
			&f.hops[ttl].addr));
	}
	fake_fini(&f);
}

static int64_t rtt_of(const struct wn_reply *r, uint64_t rx_ns, enum wn_clock clock)
{
	assert_int_equal(wn_trace_reply(f.trace, r, rx_ns, clock, f.now_ns), WN_CLAIM_TAKEN);
	fake_run_until(&f, f.now_ns + 1);
	return f.result->replies[f.result->reply_count - 1].rtt_ns;
}

static void test_rtt(void **state)
{
	const struct wn_reply_rec *last;
	struct wn_reply r[6];
	uint64_t t0;

	(void)state;
	begin(WN_PROTO_UDP, 60);
	t0 = f.sent_ns[0];
	for (unsigned i = 0; i < 6; i++)
		r[i] = fake_error(&f.sent[i], WN_REPLY_TIME_EXCEEDED, fake_router(i + 1));
	assert_int_equal(rtt_of(&r[0], t0 + 1000, WN_CLOCK_SIM), 1000);
	last = &f.result->replies[0];
	assert_int_equal(last->clock, WN_CLOCK_SIM);
	/* Never better than the worse of both clocks. */
	assert_int_equal(rtt_of(&r[1], t0 + 2000, WN_CLOCK_USER), 2000);
	assert_int_equal(f.result->replies[1].clock, WN_CLOCK_USER);
	assert_int_equal(rtt_of(&r[2], t0 - 1, WN_CLOCK_SIM), -1);
	assert_int_equal(rtt_of(&r[3], t0 + 3601 * 1000 * FAKE_MS, WN_CLOCK_SIM), -1);
	assert_int_equal(rtt_of(&r[4], t0 + 5, WN_CLOCK_NONE), -1);
	assert_int_equal(rtt_of(&r[5], t0 + 5, (enum wn_clock)77), -1);
	end();
	fake_fini(&f);
}

static void test_better_stamp(void **state)
{
	struct wn_reply r;
	struct wn_act act;
	uint64_t now = FAKE_START;

	(void)state;
	fake_init(&f, 10, FAKE_MS);
	fake_start(&f);
	assert_int_equal(wn_trace_next(f.trace, now, &act), WN_ACT_EMIT);
	fake_take_event(&f, &act.event);
	assert_int_equal(wn_trace_next(f.trace, now, &act), WN_ACT_SEND);
	wn_trace_sent(f.trace, act.probe.id, now, WN_CLOCK_USER);
	wn_trace_sent(f.trace, act.probe.id, now + 300, WN_CLOCK_KERNEL);
	wn_trace_sent(f.trace, act.probe.id, now + 900, WN_CLOCK_USER); /* no better */
	r = fake_error(&act.probe, WN_REPLY_TIME_EXCEEDED, fake_router(1));
	wn_trace_reply(f.trace, &r, now + 1300, WN_CLOCK_KERNEL, now + 1300);
	f.now_ns = now + 1300;
	end();
	assert_int_equal(f.result->replies[0].rtt_ns, 1000);
	assert_int_equal(f.result->replies[0].clock, WN_CLOCK_KERNEL);
	fake_fini(&f);
}

/* A driver that is told of an answer before it says that the probe left. */
static void test_answer_before_sent(void **state)
{
	struct wn_reply r;
	struct wn_act act;

	(void)state;
	fake_init(&f, 10, FAKE_MS);
	fake_start(&f);
	wn_trace_next(f.trace, FAKE_START, &act);
	fake_take_event(&f, &act.event);
	assert_int_equal(wn_trace_next(f.trace, FAKE_START, &act), WN_ACT_SEND);
	r = fake_error(&act.probe, WN_REPLY_TIME_EXCEEDED, fake_router(1));
	assert_int_equal(wn_trace_reply(f.trace, &r, FAKE_START + 10, WN_CLOCK_SIM, FAKE_START),
		WN_CLAIM_TAKEN);
	wn_trace_sent(f.trace, act.probe.id, FAKE_START, WN_CLOCK_SIM);
	end();
	assert_int_equal(f.result->replies[0].rtt_ns, -1);
	assert_int_equal(f.counts[WN_EV_SENT], 1);
	fake_fini(&f);
}

static struct wn_reply rich(const struct wn_probe *p)
{
	struct wn_reply r = fake_error(p, WN_REPLY_TIME_EXCEEDED, fake_router(p->ttl));
	uint8_t *ext = (uint8_t *)&r.ext;

	for (size_t i = 0; i < sizeof(r.ext); i++)
		ext[i] = (uint8_t)(1 + (i * 7 + p->ttl) % 255);
	r.ext.present = true;
	r.ext.bad = false;
	r.ext.mpls_count = WN_MPLS_MAX;
	r.ext.ifinfo_count = 4;
	r.ext.object_count = WN_EXT_OBJECTS_MAX;
	for (unsigned i = 0; i < WN_MPLS_MAX; i++)
		r.ext.mpls[i].bottom = i % 2;
	for (unsigned i = 0; i < 4; i++)
		r.ext.ifinfo[i].present = true;
	return r;
}

static struct wn_reply expected_reply;

static void same_reply(struct fake *net, const struct wn_event *ev)
{
	(void)net;
	if (ev->kind == WN_EV_REPLY)
		assert_memory_equal(&ev->u.reply.reply, &expected_reply, sizeof(expected_reply));
}

/* What is emitted is what came, to the last byte, extensions included. */
static void test_reply_is_kept_whole(void **state)
{
	struct wn_reply r;

	(void)state;
	for (unsigned variant = 0; variant < 64; variant++) {
		begin(WN_PROTO_UDP, 60);
		f.event = same_reply;
		r = rich(&f.sent[variant % 12]);
		if (variant >= 12)
			for (size_t i = offsetof(struct wn_reply, tos); i < 24; i++)
				((uint8_t *)&r)[i] ^= (uint8_t)(variant * i);
		if (variant % 3 == 0)
			memset(&r.ext, 0, sizeof(r.ext));
		r.checksum_bad = r.truncated = false;
		r.quote.ttl = (uint8_t)variant;
		r.quote.tos ^= (uint8_t)variant;
		r.quote.length = (uint16_t)(60 - variant);
		memcpy(&expected_reply, &r, sizeof(r));
		assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
		end();
		assert_int_equal(f.counts[WN_EV_REPLY], 1);
		fake_fini(&f);
	}
}

/* More than fits between two calls of next: extensions go first, then duplicates. */
static void test_queue_overflow(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(WN_PROTO_UDP, 60);
	for (unsigned i = 0; i < 12; i++) {
		r = rich(&f.sent[i]);
		assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	}
	for (unsigned i = 0; i < 200; i++) {
		r = rich(&f.sent[i % 12]);
		assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	}
	fake_run_until(&f, f.now_ns + 1);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(f.result->hops[i + 1].responder_count, 1);
	assert_non_null(f.result->replies[0].ext);
	end();
	assert_true(fake_counted(&f)->overflow >= 200);
	assert_int_equal(f.counts[WN_EV_REPLY], 12 + fake_counted(&f)->duplicate);
	fake_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo_answers),
		cmocka_unit_test(test_udp_answers),
		cmocka_unit_test(test_udp_answers_behind_silence),
		cmocka_unit_test(test_udp_answers_in_two_parts),
		cmocka_unit_test(test_udp_answers_overtake),
		cmocka_unit_test(test_held_answers_at_a_stop),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_errqueue),
		cmocka_unit_test(test_serial_pass),
		cmocka_unit_test(test_rtt),
		cmocka_unit_test(test_better_stamp),
		cmocka_unit_test(test_answer_before_sent),
		cmocka_unit_test(test_reply_is_kept_whole),
		cmocka_unit_test(test_queue_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
