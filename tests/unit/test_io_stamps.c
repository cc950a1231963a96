/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel stamps on the monotonic clock, and whose they are. No socket is needed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "io/ports.h"
#include "io/stamps.h"
#include "os/os.h"

#define SECOND 1000000000ull

static void test_conversion(void **state)
{
	struct wn_stamps s = {.offset_ns = (int64_t)(1000 * SECOND)};
	enum wn_clock clock = WN_CLOCK_USER;
	uint64_t at = 50 * SECOND;

	(void)state;
	wn_stamps_apply(&s, 1049 * SECOND, 40 * SECOND, &at, &clock);
	assert_int_equal(at, 49 * SECOND);
	assert_int_equal(clock, WN_CLOCK_KERNEL);
	/* No stamp, one from before the packet can have been, one from the future. */
	for (size_t i = 0; i < 3; i++) {
		const uint64_t stamps[] = {0, 1039 * SECOND, 1051 * SECOND};

		at = 50 * SECOND;
		clock = WN_CLOCK_USER;
		wn_stamps_apply(&s, stamps[i], 40 * SECOND, &at, &clock);
		assert_int_equal(at, 50 * SECOND);
		assert_int_equal(clock, WN_CLOCK_USER);
	}
}

/* The wall clock is set between two looks: what was stamped before is not believed any more. */
static void test_clock_set(void **state)
{
	static const int64_t steps[] = {
		3600 * (int64_t)SECOND, -3600 * (int64_t)SECOND, 1000000, -1000000};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		enum wn_clock clock = WN_CLOCK_USER;
		struct wn_stamps s;
		uint64_t now, at, stamp;

		wn_stamps_init(&s);
		s.offset_ns -= steps[i]; /* as it was before the step */
		stamp = wn_os_mono_ns() + (uint64_t)s.offset_ns;
		now = wn_os_mono_ns();
		wn_stamps_look(&s, now);
		at = now;
		wn_stamps_apply(&s, stamp, 0, &at, &clock);
		assert_int_equal(clock, WN_CLOCK_USER);
		assert_int_equal(at, now);
		/* By the clock as it is now all is well again. */
		stamp = wn_os_unix_ns();
		at = wn_os_mono_ns() + SECOND;
		wn_stamps_apply(&s, stamp, now, &at, &clock);
		assert_int_equal(clock, WN_CLOCK_KERNEL);
		assert_true(at >= now && at < now + SECOND);
	}
}

/* Noise of reading clocks is no step: one offset serves for the whole life of a back end. */
static void test_one_offset(void **state)
{
	struct wn_stamps s;
	int64_t offset;

	(void)state;
	wn_stamps_init(&s);
	offset = s.offset_ns;
	for (int i = 0; i < 10000; i++)
		wn_stamps_look(&s, wn_os_mono_ns());
	assert_int_equal(s.offset_ns, offset);
	assert_int_equal(s.since_ns, 0);
}

static void test_keys(void **state)
{
	struct wn_txkeys k;
	const struct wn_txkey *at;

	(void)state;
	assert_int_equal(wn_txkeys_init(&k, 100), WN_OK);
	assert_int_equal(k.mask, 127);
	assert_null(wn_txkeys_take(&k, 0));
	for (uint64_t id = 1000; id < 1200; id++) {
		if (id == 1190)
			wn_txkeys_skip(&k);
		wn_txkeys_sent(&k, id, id * 10);
	}
	/* The oldest gave way, the youngest are there, each once. */
	assert_null(wn_txkeys_take(&k, 0));
	at = wn_txkeys_take(&k, 189);
	assert_non_null(at);
	assert_int_equal(at->id, 1189);
	assert_int_equal(at->tx_ns, 11890);
	assert_null(wn_txkeys_take(&k, 189));
	assert_null(wn_txkeys_take(&k, 190));
	assert_int_equal(wn_txkeys_take(&k, 191)->id, 1190);
	assert_null(wn_txkeys_take(&k, 191 + 128));
	assert_null(wn_txkeys_take(&k, UINT32_MAX));
	/* Without stamps there is nothing to be out of step with. */
	wn_txkeys_failed(&k);
	assert_false(k.stale);
	k.enabled = true;
	wn_txkeys_failed(&k);
	assert_true(k.stale);
	wn_txkeys_renew(&k, -1);
	assert_false(k.stale);
	/* What was sent before may leave later; a second failure does not change that. */
	wn_txkeys_failed(&k);
	wn_txkeys_renew(&k, -1);
	assert_int_equal(wn_txkeys_take(&k, 195)->id, 1194);
	assert_null(wn_txkeys_take(&k, 195));
	wn_txkeys_sent(&k, 7, 1);
	assert_int_equal(wn_txkeys_take(&k, 0)->id, 7);
	assert_null(wn_txkeys_take(&k, 0));
	wn_txkeys_fini(&k);
}

struct claims {
	unsigned count, refuse;
	uint16_t last;
};

static wn_err claim(void *user, uint16_t first, struct wn_errctx *ctx)
{
	struct claims *c = user;

	(void)ctx;
	c->count++;
	c->last = first;
	return c->count <= c->refuse ? WN_EADDRINUSE : WN_OK;
}

static void test_choosing_ports(void **state)
{
	struct wn_io_config c = {.port_span = 64, .dport = 33434};
	struct wn_errctx ctx;
	uint16_t first, before = 0, same = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct claims claims = {.refuse = (unsigned)i % 5};

		assert_int_equal(wn_ports_choose(&c, claim, &claims, &first, &ctx), WN_OK);
		assert_int_equal(first, claims.last);
		assert_int_equal(claims.count, claims.refuse + 1);
		assert_true(first >= 32768 && first + 64u <= 65536);
		/* Apart from the destination ports that a classic trace walks through. */
		assert_true(first + 64u <= 33434 || first >= 33434 + 1024);
		same = (uint16_t)(same + (first == before));
		before = first;
	}
	assert_true(same < 5);
	struct claims never = {.refuse = UINT32_MAX};

	assert_int_equal(wn_ports_choose(&c, claim, &never, &first, &ctx), WN_EADDRINUSE);
	assert_true(never.count < 1000);
	never.count = 0;
	c.sport = 500;
	assert_int_equal(wn_ports_choose(&c, claim, &never, &first, &ctx), WN_EADDRINUSE);
	assert_int_equal(never.count, 1);
	assert_int_equal(never.last, 500);
	c.sport = 65500;
	assert_int_equal(wn_ports_choose(&c, claim, &never, &first, &ctx), WN_ERANGE);
	c.sport = 0;
	c.port_span = 32768;
	never.refuse = 0;
	assert_int_equal(wn_ports_choose(&c, claim, &never, &first, &ctx), WN_OK);
	assert_int_equal(first, 32768);
	c.port_span = 0;
	assert_int_equal(wn_ports_choose(&c, claim, &never, &first, &ctx), WN_ERANGE);
	assert_true(wn_ports_within(65535, 1, 65535));
	assert_false(wn_ports_within(65535, 5, 0));
	assert_false(wn_ports_within(100, 5, 105));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversion),
		cmocka_unit_test(test_clock_set),
		cmocka_unit_test(test_one_offset),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_choosing_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
