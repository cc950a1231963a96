/* SPDX-License-Identifier: Apache-2.0 */
/* What targets answer to TCP probes of any flags, and which probe an answer names. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_path.h"

#define CONN_SEQ 0xfffffff8u /* the numbers wrap among the probes */
#define CONN_ACK 4711u

static struct fake f;

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
static void begin(uint16_t size, uint8_t flags)
{
	fake_init(&f, 10, FAKE_MS);
	f.params.proto = WN_PROTO_TCP;
	f.params.tcp_flags = flags;
	f.params.size = size;
	f.params.probes = 1;
	f.network = nothing;
	if (flags == (WN_TCP_ACK | WN_TCP_PSH)) {
		f.params.tcp_method = WN_TCP_METHOD_SACK;
		f.params.tcp_seq = CONN_SEQ;
		f.params.tcp_ack = CONN_ACK;
	}
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

static void test_answers(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(56, 0); /* 16 bytes of payload */
	r = fake_direct(&f.sent[9], WN_REPLY_RST);
	r.tcp_ack++;
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	r = fake_direct(&f.sent[9], WN_REPLY_RST);
	r.tcp_flags = WN_TCP_RST; /* acknowledges nothing */
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	r = fake_direct(&f.sent[9], WN_REPLY_SYN_ACK);
	r.dport++;
	assert_int_equal(feed(&r), WN_CLAIM_NO);
	r = fake_direct(&f.sent[9], WN_REPLY_SYN_ACK);
	r.from = fake_router(9);
	assert_int_equal(feed(&r), WN_CLAIM_NO);
	r = fake_direct(&f.sent[9], WN_REPLY_TCP_OTHER);
	r.tcp_flags = WN_TCP_ACK;
	r.tcp_ack ^= 0x80000000;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	/* Acknowledges the payload too. */
	r = fake_direct(&f.sent[9], WN_REPLY_SYN_ACK);
	r.tcp_ack += 16;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = fake_direct(&f.sent[10], WN_REPLY_TCP_OTHER);
	r.tcp_flags = WN_TCP_ACK;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	end();
	assert_int_equal(fake_counted(&f)->forged, 2);
	assert_int_equal(fake_counted(&f)->stale, 1);
	assert_int_equal(fake_counter_sum(&f), 3);
	assert_int_equal(f.counts[WN_EV_REPLY], 2);
	assert_int_equal(f.result->last_ttl, 10);
	fake_fini(&f);
}

/* A reset has the number of the acknowledgment that it answers, and only such a probe has one. */
static void test_resets_of_acknowledgments(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(48, WN_TCP_ACK);
	assert_int_equal(f.sent[9].tcp_ack, f.sent[9].tcp_seq);
	r = fake_direct(&f.sent[9], WN_REPLY_RST);
	r.tcp_flags = WN_TCP_RST;
	r.tcp_ack = 0;
	r.tcp_seq = f.sent[9].tcp_ack + 1;
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	r.tcp_seq--;
	r.sport++;
	assert_int_equal(feed(&r), WN_CLAIM_NO);
	r.sport--;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	/* Some stacks acknowledge beside it; a number to guess is no number to acknowledge. */
	r = fake_direct(&f.sent[10], WN_REPLY_RST);
	r.tcp_seq = f.sent[10].tcp_ack;
	r.tcp_ack = 0;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	end();
	assert_int_equal(fake_counted(&f)->forged, 1);
	assert_int_equal(fake_counter_sum(&f), 1);
	assert_int_equal(f.counts[WN_EV_REPLY], 2);
	assert_int_equal(f.result->last_ttl, 10);
	fake_fini(&f);
}

/* FIN counts as a byte, as SYN does. */
static void test_resets_of_other_flags(void **state)
{
	static const struct {
		uint8_t flags, acked;
	} cases[] = {
		{WN_TCP_FIN, 1},
		{WN_TCP_PSH | WN_TCP_URG, 0},
		{WN_TCP_SYN | WN_TCP_FIN, 2},
	};
	struct wn_reply r;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		uint16_t payload = i % 2 ? 9 : 0;

		begin((uint16_t)(40 + payload), cases[i / 2].flags);
		r = fake_direct(&f.sent[9], WN_REPLY_RST);
		r.tcp_ack = f.sent[9].tcp_seq + cases[i / 2].acked + payload + 3;
		assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
		r.tcp_flags = WN_TCP_RST; /* what answers an acknowledgment answers none of these */
		r.tcp_seq = f.sent[9].tcp_seq;
		assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
		r.tcp_flags |= WN_TCP_ACK;
		r.tcp_ack -= 3;
		assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
		end();
		assert_int_equal(fake_counted(&f)->forged, 2);
		fake_fini(&f);
	}
}

/* Where each probe has a size of its own, a reset still says which one it answers. */
static void test_resets_of_any_length(void **state)
{
	const struct wn_sipkey key = {{1}};
	struct wn_act act;
	struct wn_reply r;

	(void)state;
	fake_init(&f, 10, FAKE_MS);
	f.params.proto = WN_PROTO_TCP;
	f.params.size = 40;
	f.params.flows = 1;
	assert_int_equal(
		wn_trace_new_guided(&f.params, 9, &key, FAKE_START, &f.trace, NULL), WN_OK);
	assert_int_equal(wn_trace_next(f.trace, FAKE_START, &act), WN_ACT_EMIT);
	for (uint16_t i = 0; i < 3; i++) {
		struct wn_ask ask = {.number = i, .size = (uint16_t)(40 + 500 * i), .ttl = 9};

		assert_int_equal(wn_trace_ask(f.trace, &ask), WN_OK);
		assert_int_equal(wn_trace_next(f.trace, FAKE_START, &act), WN_ACT_SEND);
		assert_int_equal(act.probe.size, ask.size);
		wn_trace_sent(f.trace, act.probe.id, FAKE_START, WN_CLOCK_SIM);
		r = fake_direct(&act.probe, WN_REPLY_RST);
		r.tcp_ack += 500u * i + 1;
		assert_int_equal(wn_trace_reply(f.trace, &r, FAKE_START, WN_CLOCK_SIM, FAKE_START),
			WN_CLAIM_REJECTED);
		r.tcp_ack--;
		assert_int_equal(wn_trace_reply(f.trace, &r, FAKE_START, WN_CLOCK_SIM, FAKE_START),
			WN_CLAIM_TAKEN);
		while (wn_trace_next(f.trace, FAKE_START, &act) == WN_ACT_EMIT)
			;
	}
	wn_trace_free(f.trace);
	f.trace = NULL;
	fake_fini(&f);
}

/* In a connection the target acknowledges what it had, and names the byte that it got. */
static struct wn_reply sack(const struct wn_probe *p)
{
	struct wn_reply r = fake_direct(p, WN_REPLY_TCP_OTHER);

	r.tcp_flags = WN_TCP_ACK;
	r.tcp_seq = CONN_ACK;
	r.tcp_ack = CONN_SEQ;
	r.tcp_opts = (struct wn_tcp_opts){.whole = true, .set = WN_TCP_OPT_SACK};
	r.tcp_sack[0] = (struct wn_sack){p->tcp_seq, p->tcp_seq + 1};
	return r;
}

static void test_sacks(void **state)
{
	struct wn_reply r;

	(void)state;
	begin(41, WN_TCP_ACK | WN_TCP_PSH);
	for (unsigned i = 0; i < 12; i++) {
		assert_int_equal(f.sent[i].tcp_seq, CONN_SEQ + 1 + 2 * i);
		assert_int_equal(f.sent[i].tcp_ack, CONN_ACK);
		assert_int_not_equal(f.sent[i].ip_id, 0);
	}
	/* Not those: bytes nobody sent, more than one, data acknowledged, other ports, no block. */
	r = sack(&f.sent[9]);
	r.tcp_sack[0].left++;
	r.tcp_sack[0].right++;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = sack(&f.sent[9]);
	r.tcp_sack[0].right++;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = sack(&f.sent[9]);
	r.tcp_ack++;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = sack(&f.sent[9]);
	r.tcp_opts.set = 0;
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = sack(&f.sent[9]);
	r.sport++;
	assert_int_equal(feed(&r), WN_CLAIM_NO);
	r = sack(&f.sent[9]);
	r.kind = WN_REPLY_RST;
	r.tcp_flags |= WN_TCP_RST;
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	assert_int_equal(f.counts[WN_EV_REPLY], 0);
	r = sack(&f.sent[10]);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r = sack(&f.sent[9]);
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	/* And what a router quotes. */
	r = fake_error(&f.sent[3], WN_REPLY_TIME_EXCEEDED, fake_router(4));
	assert_int_equal(feed(&r), WN_CLAIM_TAKEN);
	r.quote.tcp_seq++;
	assert_int_equal(feed(&r), WN_CLAIM_REJECTED);
	end();
	assert_int_equal(fake_counted(&f)->stale, 4);
	assert_int_equal(fake_counted(&f)->forged, 2);
	assert_int_equal(fake_counter_sum(&f), 6);
	assert_int_equal(f.counts[WN_EV_REPLY], 3);
	assert_int_equal(f.result->last_ttl, 10);
	assert_int_equal(f.result->replies[0].match, WN_MATCH_STRONG);
	fake_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_resets_of_acknowledgments),
		cmocka_unit_test(test_resets_of_other_flags),
		cmocka_unit_test(test_resets_of_any_length),
		cmocka_unit_test(test_sacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
