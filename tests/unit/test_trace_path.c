/* SPDX-License-Identifier: Apache-2.0 */
/* Where a trace ends, why, and after how long. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_path.h"

static struct wn_addr path_addr(const struct fake *f, uint32_t index)
{
	uint32_t path[256];
	size_t n = wn_result_path(f->result, f->sent[0].flow, path, 256);

	assert_true(index < n);
	return path[index] == WN_NONE ? (struct wn_addr){0}
				      : f->result->responders[path[index]].addr;
}

static void assert_stop(const struct fake *f, enum wn_stop why, uint8_t ttl)
{
	assert_true(f->done);
	assert_int_equal(f->counts[WN_EV_START], 1);
	assert_int_equal(f->counts[WN_EV_STOP], 1);
	assert_int_equal(f->counts[WN_EV_END], 1);
	assert_string_equal(wn_stop_name(f->stop.u.stop.stop), wn_stop_name(why));
	assert_int_equal(f->stop.u.stop.ttl, ttl);
}

static void test_normal_path(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 10);
	assert_true(wn_addr_eq(&f.stop.u.stop.by, &f.params.dst));
	assert_false(f.end.u.end.partial);
	assert_int_equal(f.counts[WN_EV_TIMEOUT], 0);
	assert_int_equal(f.result->last_ttl, 10);
	for (uint32_t i = 0; i < 10; i++) {
		struct wn_addr a = path_addr(&f, i);

		assert_true(wn_addr_eq(&a, &f.hops[i + 1].addr));
		assert_int_equal(f.result->hops[i + 1].responders[0].replies, 3);
	}
	/* A round trip to the target, sent to when the fourth hop had answered. */
	assert_in_range(fake_took_ms(&f), 54, 58);
	fake_fini(&f);
}

static void test_silent_hops_cost_little(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	fake_silent(&f, 3, 3);
	fake_silent(&f, 6, 6);
	fake_silent(&f, 9, 9);
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 10);
	assert_int_equal(f.counts[WN_EV_TIMEOUT], 9);
	assert_in_range(fake_took_ms(&f), 100, 199);
	fake_fini(&f);
}

static void test_dead_target_ends_soon(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	fake_silent(&f, 11, 40);
	f.length = 40;
	f.hops[10].addr = fake_router(10);
	fake_run(&f);
	assert_stop(&f, WN_STOP_GAP, 22);
	assert_int_equal(f.result->last_ttl, 10);
	assert_int_equal(f.counts[WN_EV_TIMEOUT], 36);
	assert_in_range(fake_took_ms(&f), 200, 450);
	fake_fini(&f);
}

static void test_nothing_answers(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 40, 0);
	fake_silent(&f, 1, 40);
	fake_run(&f);
	assert_stop(&f, WN_STOP_GAP, 12);
	assert_int_equal(f.sent_count, 36);
	/* Nothing is known of the network: the full wait, but only once over. */
	assert_in_range(fake_took_ms(&f), 1000, 2100);
	fake_fini(&f);
}

static void test_max_ttl(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 20, FAKE_MS);
	f.params.max_ttl = 8;
	fake_run(&f);
	assert_stop(&f, WN_STOP_MAX_TTL, 8);
	assert_int_equal(f.sent_count, 24);
	fake_fini(&f);
}

static void test_first_ttl(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 9, FAKE_MS);
	f.params.first_ttl = 7;
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 9);
	assert_int_equal(f.sent[0].ttl, 7);
	fake_fini(&f);
}

static void test_ttl_255(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 60, FAKE_MS / 10);
	f.params.first_ttl = 200;
	f.params.max_ttl = 255;
	f.params.gap = 255;
	f.length = 60;
	fake_silent(&f, 60, 60);
	fake_run(&f);
	assert_stop(&f, WN_STOP_MAX_TTL, 255);
	assert_int_equal(f.sent_count, 56 * 3);
	fake_fini(&f);
}

/* Behind address translation every hop beyond the gateway bears the target's address. */
static void test_target_address_is_no_end(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 8, FAKE_MS);
	for (unsigned ttl = 3; ttl < 8; ttl++)
		f.hops[ttl].addr = f.params.dst;
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 8);
	fake_fini(&f);
	/* Nor does it make a loop. */
	fake_init(&f, 28, FAKE_MS);
	for (unsigned ttl = 3; ttl < 9; ttl++)
		f.hops[ttl].addr = ttl % 2 ? f.params.dst : fake_router(3);
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 28);
	fake_fini(&f);
}

static void test_unreachable(void **state)
{
	static const struct {
		enum wn_reply_kind kind;
		uint8_t code;
	} kinds[] = {{WN_REPLY_UNREACHABLE, 1}, {WN_REPLY_UNREACHABLE, 13},
		{WN_REPLY_UNREACHABLE, 3}, {WN_REPLY_PARAM_PROBLEM, 0}, {WN_REPLY_TOO_BIG, 0},
		{WN_REPLY_REASSEMBLY, 1}};
	static struct fake f;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct wn_addr by = fake_router(5);

		fake_init(&f, 5, 2 * FAKE_MS);
		f.hops[5] = (struct fake_hop){by, 10 * FAKE_MS, kinds[i].kind, kinds[i].code, 1400};
		fake_silent(&f, 2, 2);
		fake_run(&f);
		assert_stop(&f, WN_STOP_UNREACHABLE, 5);
		assert_true(wn_addr_eq(&f.stop.u.stop.by, &by));
		assert_int_equal(f.result->hops[4].responders[0].replies, 3);
		assert_false(f.result->reached);
		fake_fini(&f);
	}
}

/* A router that refuses now and then is passed by others: no stop. */
static void flapping(struct fake *f, const struct wn_probe *p)
{
	struct wn_reply r;

	if (p->ttl != 4) {
		fake_answer(f, p);
		return;
	}
	r = fake_error(p, WN_REPLY_UNREACHABLE, fake_router(4));
	r.icmp_code = 1;
	fake_deliver(f, 4 * FAKE_MS, &r);
}

static void test_refusal_that_is_passed(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 8, FAKE_MS);
	f.network = flapping;
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 8);
	fake_fini(&f);
	fake_init(&f, 20, FAKE_MS);
	f.network = flapping;
	fake_silent(&f, 7, 20);
	fake_run(&f);
	assert_stop(&f, WN_STOP_GAP, 18);
	fake_fini(&f);
}

static void test_loop(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 40, FAKE_MS);
	for (unsigned ttl = 4; ttl < 40; ttl++)
		f.hops[ttl].addr = fake_router(ttl % 2 ? 4 : 5);
	fake_run(&f);
	assert_stop(&f, WN_STOP_LOOP, 7);
	assert_true(f.sent_count < 3 * 19);
	fake_fini(&f);
	fake_init(&f, 40, FAKE_MS);
	for (unsigned ttl = 2; ttl < 40; ttl++)
		f.hops[ttl].addr = fake_router(2 + ttl % 3);
	fake_run(&f);
	assert_stop(&f, WN_STOP_LOOP, 7);
	fake_fini(&f);
}

static void test_same_router_twice_is_no_loop(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 12, FAKE_MS);
	for (unsigned ttl = 4; ttl < 10; ttl++)
		f.hops[ttl].addr = fake_router(4);
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 12);
	fake_fini(&f);
	/* A period and a half. */
	fake_init(&f, 12, FAKE_MS);
	f.hops[6].addr = f.hops[4].addr;
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 12);
	fake_fini(&f);
	/* In classic mode each probe has its own flow: balancing may look like a loop. */
	fake_init(&f, 20, FAKE_MS);
	f.params.flow_mode = WN_FLOW_CLASSIC;
	for (unsigned ttl = 4; ttl < 12; ttl++)
		f.hops[ttl].addr = fake_router(ttl % 2 ? 4 : 5);
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 20);
	fake_fini(&f);
}

/* Balanced packet by packet: the first probes look like a loop, the next ones do not. */
static void two_at_each_hop(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;
	bool again = net->sent_count > 12;

	if (!fake_reply_to(net, p, &r))
		return;
	if (p->ttl >= 4 && p->ttl < 10)
		r.from = again ? fake_router(50 + p->ttl) : fake_router(p->ttl % 2 ? 4 : 5);
	fake_deliver(net, net->hops[p->ttl].rtt_ns, &r);
}

static void test_balanced_packets_are_no_loop(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 28, FAKE_MS);
	f.network = two_at_each_hop;
	fake_run(&f);
	assert_stop(&f, WN_STOP_REACHED, 28);
	fake_fini(&f);
}

static void test_deadline(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	f.params.deadline_ns = 30 * FAKE_MS;
	fake_run(&f);
	assert_stop(&f, WN_STOP_DEADLINE, 0);
	assert_true(f.end.u.end.partial);
	assert_int_equal(fake_took_ms(&f), 30);
	assert_int_equal(f.counts[WN_EV_TIMEOUT], 0);
	fake_fini(&f);
}

static void test_stop_in_every_phase(void **state)
{
	static struct fake f;

	(void)state;
	for (uint64_t at = 0; at < 130; at++) {
		fake_init(&f, 10, 4 * FAKE_MS);
		fake_silent(&f, 9, 9);
		fake_start(&f);
		if (at > 0)
			fake_run_until(&f, FAKE_START + at * FAKE_MS);
		wn_trace_stop(f.trace, WN_STOP_INTERRUPTED, WN_OK, 0);
		wn_trace_stop(f.trace, WN_STOP_ERROR, WN_ENOROUTE, 0); /* too late to matter */
		fake_run(&f);
		assert_stop(&f, WN_STOP_INTERRUPTED, 0);
		assert_true(f.end.u.end.partial);
		assert_int_equal(f.end.at_ns, at * FAKE_MS);
		fake_fini(&f);
	}
}

static void test_stop_error(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 10, 4 * FAKE_MS);
	fake_start(&f);
	fake_run_until(&f, FAKE_START + 5 * FAKE_MS);
	wn_trace_stop(f.trace, WN_STOP_ERROR, WN_EIO, 5);
	fake_run(&f);
	assert_stop(&f, WN_STOP_ERROR, 0);
	assert_int_equal(f.stop.u.stop.err, WN_EIO);
	assert_int_equal(f.stop.u.stop.sys, 5);
	fake_fini(&f);
}

static void test_protocols_and_families(void **state)
{
	static struct fake f;

	(void)state;
	for (int proto = WN_PROTO_UDP; proto <= WN_PROTO_TCP; proto++) {
		for (int v6 = 0; v6 < 2; v6++) {
			fake_init(&f, 7, 3 * FAKE_MS);
			f.params.proto = (enum wn_proto)proto;
			f.params.size = proto == WN_PROTO_TCP ? 44 : 60;
			if (v6) {
				f.params.size = proto == WN_PROTO_TCP ? 64 : 80;
				f.params.src.family = f.params.dst.family = 6;
				f.params.flow_label = 0x12345;
				for (unsigned i = 1; i < FAKE_HOPS; i++)
					f.hops[i].addr.family = 6;
			}
			fake_run(&f);
			assert_stop(&f, WN_STOP_REACHED, 7);
			assert_int_equal(f.end.u.end.counters.weak, 0);
			assert_int_equal(f.result->hops[7].responders[0].replies, 3);
			fake_fini(&f);
		}
	}
}

static void test_bad_parameters(void **state)
{
	static struct fake f;
	struct wn_errctx ctx = {0};
	struct wn_trace *t = NULL;
	struct wn_params p;

	(void)state;
	fake_init(&f, 3, 0);
	p = f.params;
	p.first_ttl = 0;
	assert_int_equal(wn_trace_new(&p, &f.key, 0, &t, &ctx), WN_ERANGE);
	p = f.params;
	p.first_ttl = 31;
	assert_int_equal(wn_trace_new(&p, &f.key, 0, &t, &ctx), WN_ERANGE);
	p = f.params;
	p.probes = 0;
	assert_int_equal(wn_trace_new(&p, &f.key, 0, &t, &ctx), WN_ERANGE);
	p = f.params;
	p.probes = UINT32_MAX;
	assert_int_equal(wn_trace_new(&p, &f.key, 0, &t, &ctx), WN_ERANGE);
	p = f.params;
	p.flow = 30000;
	assert_int_equal(wn_trace_new(&p, &f.key, 0, &t, &ctx), WN_ERANGE);
	p = f.params;
	p.size = 10;
	assert_int_equal(wn_trace_new(&p, &f.key, 0, &t, &ctx), WN_ERANGE);
	assert_null(t);
	assert_true(ctx.text[0] != '\0');
	fake_fini(&f);
}

static void test_memory(void **state)
{
	static struct fake f;

	(void)state;
	fake_init(&f, 10, FAKE_MS);
	fake_start(&f);
	assert_in_range(wn_trace_bytes(f.trace), 1000, 8192);
	fake_run(&f);
	fake_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal_path),
		cmocka_unit_test(test_silent_hops_cost_little),
		cmocka_unit_test(test_dead_target_ends_soon),
		cmocka_unit_test(test_nothing_answers),
		cmocka_unit_test(test_max_ttl),
		cmocka_unit_test(test_first_ttl),
		cmocka_unit_test(test_ttl_255),
		cmocka_unit_test(test_target_address_is_no_end),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_refusal_that_is_passed),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_same_router_twice_is_no_loop),
		cmocka_unit_test(test_balanced_packets_are_no_loop),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_stop_in_every_phase),
		cmocka_unit_test(test_stop_error),
		cmocka_unit_test(test_protocols_and_families),
		cmocka_unit_test(test_bad_parameters),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
