/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many traces at once on few sockets, over the kernel's loopback interface in a namespace of our
 * own, where every target answers at the first TTL.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <string.h>
#include <unistd.h>
#include "ns.h"
#include "run/run.h"

#define MANY	     900
#define NOBODY	     65534
#define LATE_WAIT_NS 20000000u

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static struct wn_addr target(uint8_t family, unsigned i)
{
	struct wn_addr a = {.family = family};

	if (family == 4)
		return wn_addr_v4(0x7f000000u | (i / 200 + 1) << 8 | (i % 200 + 1));
	a.bytes[0] = 0xfd;
	a.bytes[14] = (uint8_t)(i >> 8);
	a.bytes[15] = (uint8_t)(i + 7);
	return a;
}

static void begin(struct wn_run *run, struct wn_run_trace **out, enum wn_proto proto,
	const struct wn_addr *dst)
{
	struct wn_run_trace_config c = {
		.backend = WN_BACKEND_AUTO,
		.share = true,
		.params = {.dst = *dst,
			.proto = proto,
			.dport = proto == WN_PROTO_TCP	 ? 9
				 : proto == WN_PROTO_UDP ? 33434
							 : 0,
			.first_ttl = 1,
			.max_ttl = 4,
			.probes = 3,
			.window = 32,
			.gap = 12,
			.wait_max_ns = 2000000000,
			.wait_min_ns = 200000000,
			.size = dst->family == 6 ? 80 : 60,
			.tcp_options = proto == WN_PROTO_TCP ? WN_TCP_OPT_USUAL : 0},
	};
	struct wn_errctx ctx = {0};

	if (wn_run_prepare(run, &c, out, &ctx) != WN_OK || wn_run_start(*out, &ctx) != WN_OK)
		fail_msg("%s", ctx.text);
}

static void many(uint8_t family)
{
	static struct wn_run_trace *rt[MANY];
	unsigned before = open_descriptors();
	struct wn_errctx ctx = {0};
	struct wn_run *run;

	assert_int_equal(wn_run_new(false, &run, &ctx), WN_OK);
	for (unsigned i = 0; i < MANY; i++) {
		struct wn_addr dst = target(family, i / 3);

		begin(run, &rt[i], (enum wn_proto)(i % WN_PROTO_COUNT), &dst);
	}
	/* For each protocol four sockets, and 64 that hold a port. */
	assert_in_range(open_descriptors() - before, 3, 3 * 4 + 2 * 64 + 8);
	assert_int_equal(wn_run_until_done(run, &ctx), WN_OK);
	for (unsigned i = 0; i < MANY; i++) {
		const struct wn_result *r = wn_run_result(rt[i]);

		assert_true(r->reached);
		assert_int_equal(r->last_ttl, 1);
		assert_int_equal(r->hops[1].responder_count, 1);
		assert_true(wn_addr_eq(&r->responders[0].addr, &r->params.dst));
		assert_true(r->replies[r->reached_reply].rtt_ns > 0);
		assert_int_equal(r->counters.forged, 0);
	}
	wn_run_free(run);
	assert_int_equal(open_descriptors(), before);
}

static void on_event(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	const struct wn_run *run = user;
	uint64_t until_ns = wn_run_now_ns(run) + 2 * LATE_WAIT_NS;

	(void)rt;
	if (ev->kind == WN_EV_SENT)
		while (wn_run_now_ns(run) < until_ns)
			;
}

/* What came while we did nothing, for longer than the timeout, is an answer all the same. */
static void test_answers_before_timeouts(void **state)
{
	const enum wn_backend backends[] = {WN_BACKEND_RAW, WN_BACKEND_ERRQUEUE};
	struct wn_run_trace_config c = {
		.on_event = on_event,
		.params = {.dst = target(4, 0),
			.first_ttl = 1,
			.max_ttl = 1,
			.probes = 3,
			.window = 3,
			.proto = WN_PROTO_ICMP,
			.wait_max_ns = LATE_WAIT_NS,
			.wait_min_ns = LATE_WAIT_NS,
			.size = 60},
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct wn_errctx ctx = {0};
		struct wn_run_trace *rt;
		struct wn_run *run;

		c.backend = backends[i / 2];
		c.share = i & 1;
		assert_int_equal(wn_run_new(false, &run, &ctx), WN_OK);
		c.user = run;
		if (wn_run_prepare(run, &c, &rt, &ctx) != WN_OK || wn_run_start(rt, &ctx) != WN_OK)
			fail_msg("%s", ctx.text);
		assert_int_equal(wn_run_until_done(run, &ctx), WN_OK);
		assert_int_equal(wn_run_result(rt)->reply_count, 3);
		assert_true(wn_run_result(rt)->reached);
		wn_run_free(run);
	}
}

/* Sockets that see one trace's errors alone are not shared, whoever asks for it. */
static void test_without_privileges(void **state)
{
	static struct wn_run_trace *rt[60];
	struct wn_errctx ctx = {0};
	struct wn_addr first = target(4, 100);
	struct wn_run_trace *raw;
	struct wn_run *run;

	(void)state;
	/* Raw sockets are there for one protocol when the privilege goes. */
	assert_int_equal(wn_run_new(false, &run, &ctx), WN_OK);
	begin(run, &raw, WN_PROTO_ICMP, &first);
	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0) {
		print_message("# SKIP in a user namespace there is no other user to become\n");
		wn_run_free(run);
		skip();
	}
	for (unsigned i = 0; i < 60; i++) {
		struct wn_addr dst = target(4, i / 3);

		begin(run, &rt[i], (enum wn_proto)(i % WN_PROTO_COUNT), &dst);
	}
	assert_int_equal(wn_run_until_done(run, &ctx), WN_OK);
	assert_true(wn_run_result(raw)->reached);
	for (unsigned i = 0; i < 60; i++)
		assert_true(wn_run_result(rt[i])->reached);
	wn_run_free(run);
}

static void test_v4(void **state)
{
	(void)state;
	many(4);
}

static void test_v6(void **state)
{
	(void)state;
	many(6);
}

/* An address that is only routed here answers errors from another one. */
static bool take_addresses(void)
{
	char text[WN_ADDR_STRLEN];

	for (unsigned i = 0; i < MANY / 3; i++) {
		struct wn_addr a = target(6, i);

		if (!ns_address(wn_addr_str(&a, text), 128, true))
			return false;
	}
	return true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v4), cmocka_unit_test(test_v6),
		cmocka_unit_test(test_answers_before_timeouts),
		cmocka_unit_test(test_without_privileges), /* the last one */
	};

	if (!ns_enter() || !ns_sysctl("net/ipv4/icmp_ratemask", "0") ||
		!ns_sysctl("net/ipv6/icmp/ratelimit", "0") ||
		!ns_sysctl("net/ipv4/ping_group_range", "0 2147483647") || !take_addresses()) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
