/* SPDX-License-Identifier: Apache-2.0 */
/* Which replies become hops: everything a network or an attacker may send back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_path.h"

static struct fake f;

/* The path shown is the path there is, and every hop has all its answers. */
static void assert_whole_path(enum wn_probe_state state)
{
	assert_true(f.result->reached);
	assert_int_equal(f.result->last_ttl, f.length);
	for (unsigned ttl = 1; ttl <= f.length; ttl++) {
		const struct wn_hop *hop = &f.result->hops[ttl];

		assert_int_equal(hop->responder_count, 1);
		assert_true(wn_addr_eq(&f.result->responders[hop->responders[0].responder].addr,
			&f.hops[ttl].addr));
		assert_int_equal(hop->responders[0].replies, 3);
	}
	for (uint32_t i = 0; i < f.result->probe_count; i++)
		if (f.result->probes[i].probe.ttl <= f.length)
			assert_int_equal(f.result->probes[i].state, state);
}

static void run(void (*network)(struct fake *, const struct wn_probe *))
{
	f.network = network;
	fake_run(&f);
	assert_true(f.done);
}

static void twice(struct fake *net, const struct wn_probe *p)
{
	fake_answer(net, p);
	net->now_ns += FAKE_MS / 10;
	fake_answer(net, p);
	net->now_ns -= FAKE_MS / 10;
}

static void test_duplicate(void **state)
{
	(void)state;
	fake_init(&f, 6, 2 * FAKE_MS);
	run(twice);
	assert_whole_path(WN_PROBE_ANSWERED);
	assert_in_range(fake_counted(&f)->duplicate, 12, 3 * 30);
	assert_int_equal(fake_counter_sum(&f), fake_counted(&f)->duplicate);
	fake_fini(&f);
}

static void reordered(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (fake_reply_to(net, p, &r))
		fake_deliver(net, (40 - p->ttl * 3u) * FAKE_MS, &r);
}

static void test_reorder(void **state)
{
	(void)state;
	fake_init(&f, 8, 0);
	run(reordered);
	assert_whole_path(WN_PROBE_ANSWERED);
	assert_int_equal(fake_counter_sum(&f), 0);
	fake_fini(&f);
}

static void late_hop(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (!fake_reply_to(net, p, &r))
		return;
	fake_deliver(net, p->ttl == 3 ? 150 * FAKE_MS : 5 * FAKE_MS, &r);
}

static void test_late(void **state)
{
	(void)state;
	fake_init(&f, 40, 0);
	fake_silent(&f, 6, 40);
	run(late_hop);
	assert_int_equal(fake_counted(&f)->late, 3);
	assert_int_equal(fake_counter_sum(&f), 3);
	assert_int_equal(f.result->hops[3].responders[0].replies, 3);
	for (uint32_t i = 0; i < f.result->probe_count; i++)
		if (f.result->probes[i].probe.ttl == 3)
			assert_int_equal(f.result->probes[i].state, WN_PROBE_LATE);
	fake_fini(&f);
}

/* One damaged copy of each answer comes first, then the answer. */
static void (*damage)(struct wn_reply *r, const struct wn_probe *p);

static void damaged_first(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (!fake_reply_to(net, p, &r))
		return;
	damage(&r, p);
	fake_deliver(net, net->hops[p->ttl].rtt_ns / 2, &r);
	fake_answer(net, p);
}

static void run_damaged(void (*how)(struct wn_reply *, const struct wn_probe *))
{
	damage = how;
	run(damaged_first);
	assert_whole_path(WN_PROBE_ANSWERED);
}

static void make_corrupt(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->checksum_bad = true;
	r->from = fake_router(99);
}

static void make_truncated(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->truncated = true;
	r->quote.l4_present = r->quote.payload_present = false;
}

static void make_headless(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->quote.l4_present = r->quote.payload_present = false;
}

static void make_forged(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->from = fake_router(66);
	r->quote.cookie[7] ^= 1;
	r->cookie[7] ^= 1;
}

/* An attacker who knows the ports but neither tag nor cookie, quoting 8 bytes. */
static void make_forged_short(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->from = fake_router(66);
	r->quote.payload_present = false;
	r->quote.checksum ^= 0x0100;
	r->quote.icmp_seq ^= 0x0100;
	r->quote.tcp_seq ^= 0x0100;
}

static void make_forged_ip_id(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->from = fake_router(66);
	r->quote.payload_present = false;
	r->quote.ip_id ^= 0x4000;
}

static void make_foreign(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->quote.dst = wn_addr_v4(0x08080808);
	r->quote.cookie[0] ^= 1;
}

static void make_foreign_port(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->quote.sport++;
	r->quote.cookie[0] ^= 1;
}

static void make_foreign_proto(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->quote.proto = WN_IP_TCP;
}

static void make_redirect(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->kind = WN_REPLY_REDIRECT;
	r->icmp_code = 1;
}

static void make_quench(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->kind = WN_REPLY_SOURCE_QUENCH;
}

static void make_nameless(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->from = (struct wn_addr){0};
}

static void make_nonsense(struct wn_reply *r, const struct wn_probe *p)
{
	(void)p;
	r->kind = (enum wn_reply_kind)WN_REPLY_KINDS;
}

static void test_damaged(void **state)
{
#define COUNTER(field) offsetof(struct wn_counters, field)
	static const struct {
		void (*how)(struct wn_reply *, const struct wn_probe *);
		size_t counter;
		enum wn_claim claim;
	} cases[] = {
		{make_corrupt, COUNTER(corrupt), WN_CLAIM_REJECTED},
		{make_truncated, COUNTER(truncated), WN_CLAIM_REJECTED},
		{make_headless, COUNTER(truncated), WN_CLAIM_REJECTED},
		{make_nameless, COUNTER(truncated), WN_CLAIM_REJECTED},
		{make_forged, COUNTER(forged), WN_CLAIM_REJECTED},
		{make_forged_short, COUNTER(forged), WN_CLAIM_REJECTED},
		{make_forged_ip_id, COUNTER(forged), WN_CLAIM_REJECTED},
		{make_foreign, SIZE_MAX, WN_CLAIM_NO},
		{make_foreign_port, SIZE_MAX, WN_CLAIM_NO},
		{make_foreign_proto, SIZE_MAX, WN_CLAIM_NO},
		{make_nonsense, SIZE_MAX, WN_CLAIM_NO},
		{make_redirect, SIZE_MAX, WN_CLAIM_TAKEN},
		{make_quench, SIZE_MAX, WN_CLAIM_TAKEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t n = 0;

		fake_init(&f, 6, 2 * FAKE_MS);
		run_damaged(cases[i].how);
		if (cases[i].counter != SIZE_MAX)
			memcpy(&n, (const char *)fake_counted(&f) + cases[i].counter, sizeof(n));
		assert_int_equal(fake_counter_sum(&f), n);
		if (cases[i].counter != SIZE_MAX)
			assert_true(n >= 18);
		assert_int_equal(f.claims[0], cases[i].claim);
		fake_fini(&f);
	}
}

static bool padded;

/* With extensions behind it a short quote is padded with zeros, which look like payload. */
static void make_short(struct wn_reply *r)
{
	r->quote.payload_present = padded && r->quote.payload_present;
	memset(r->quote.cookie, 0, sizeof(r->quote.cookie));
	r->quote.quoted_bytes = 28;
}

static void short_quotes(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (!fake_reply_to(net, p, &r))
		return;
	make_short(&r);
	fake_deliver(net, net->hops[p->ttl].rtt_ns, &r);
}

static void test_eight_byte_quotes(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * WN_PROTO_COUNT; i++) {
		int proto = i % WN_PROTO_COUNT;
		uint64_t direct = 0;

		padded = i >= WN_PROTO_COUNT;
		fake_init(&f, 6, 2 * FAKE_MS);
		f.params.proto = (enum wn_proto)proto;
		run(short_quotes);
		assert_whole_path(WN_PROBE_ANSWERED);
		/* TCP's 32 bits are proof, echo replies carry the cookie themselves. */
		for (uint32_t k = 0; k < f.result->reply_count; k++)
			direct += f.result->replies[k].match == WN_MATCH_STRONG;
		if (proto == WN_PROTO_TCP)
			assert_int_equal(fake_counted(&f)->weak, 0);
		else
			assert_int_equal(fake_counted(&f)->weak + direct, f.result->reply_count);
		assert_int_equal(fake_counter_sum(&f), fake_counted(&f)->weak);
		if (proto != WN_PROTO_TCP)
			assert_true(fake_counted(&f)->weak >= 15);
		fake_fini(&f);
	}
}

/* An address translator on the way that does not mend what errors quote. */
static void translated(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (!fake_reply_to(net, p, &r))
		return;
	if (r.quote.present && p->ttl > 2) {
		r.quote.src = wn_addr_v4(0xc6336407);
		r.quote.dst = wn_addr_v4(0x0a0a0a0a);
		r.quote.sport = 1025;
		r.quote.checksum ^= 0x1111;
	}
	fake_deliver(net, net->hops[p->ttl < net->length ? p->ttl : net->length].rtt_ns, &r);
}

static void test_translated_quotes(void **state)
{
	(void)state;
	for (int proto = WN_PROTO_UDP; proto <= WN_PROTO_TCP; proto++) {
		fake_init(&f, 6, 2 * FAKE_MS);
		f.params.proto = (enum wn_proto)proto;
		run(translated);
		assert_whole_path(WN_PROBE_ANSWERED);
		assert_int_equal(fake_counter_sum(&f), 0);
		fake_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_eight_byte_quotes),
		cmocka_unit_test(test_translated_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
