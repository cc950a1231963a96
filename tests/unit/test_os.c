/* SPDX-License-Identifier: Apache-2.0 */
/* What the operating system tells: clocks, routes, interfaces, changes, errors. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "ns.h"
#include "os/os.h"

#define SECOND 1000000000u

static struct wn_addr addr(const char *text)
{
	struct wn_addr a;

	assert_int_equal(wn_addr_parse(text, &a), WN_OK);
	return a;
}

static void assert_addr(const struct wn_addr *a, const char *text)
{
	char buf[WN_ADDR_STRLEN];

	assert_string_equal(wn_addr_str(a, buf), text);
}

static void test_clocks(void **state)
{
	uint64_t before = wn_os_mono_ns(), error_ns, unix_ns, mono;
	int64_t offset = wn_os_clock_offset_ns(&error_ns);

	(void)state;
	assert_true(error_ns < SECOND);
	unix_ns = wn_os_unix_ns();
	mono = wn_os_mono_from_unix(unix_ns, before, before + 100ull * SECOND);
	assert_true(mono >= before);
	/* The same instant by both ways, up to what reading the clocks takes. */
	assert_true((int64_t)(unix_ns - mono) - offset < (int64_t)SECOND);
	assert_true((int64_t)(unix_ns - mono) - offset > -(int64_t)SECOND);
	/* A wall clock that was set by an hour: not within the time in which it must have been. */
	assert_int_equal(wn_os_mono_from_unix(unix_ns - 3600ull * SECOND, before, UINT64_MAX), 0);
	assert_int_equal(wn_os_mono_from_unix(unix_ns + 3600ull * SECOND, 0, wn_os_mono_ns()), 0);
	assert_int_equal(wn_os_mono_from_unix(0, before, wn_os_mono_ns()), 0);
}

static void test_entropy(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};

	(void)state;
	assert_int_equal(wn_os_entropy(a, sizeof(a)), WN_OK);
	assert_int_equal(wn_os_entropy(b, sizeof(b)), WN_OK);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_send_errors(void **state)
{
	(void)state;
	assert_int_equal(wn_os_send_err(0), WN_OK);
	assert_int_equal(wn_os_send_err(EPERM), WN_EBLOCKED);
	assert_int_equal(wn_os_send_err(EACCES), WN_EBLOCKED);
	assert_int_equal(wn_os_send_err(ENETUNREACH), WN_ENOROUTE);
	assert_int_equal(wn_os_send_err(EHOSTUNREACH), WN_ENOROUTE);
	assert_int_equal(wn_os_send_err(ENETDOWN), WN_ENETDOWN);
	assert_int_equal(wn_os_send_err(EMSGSIZE), WN_EMSGSIZE);
	assert_int_equal(wn_os_send_err(ENOBUFS), WN_ENOBUFS);
	assert_int_equal(wn_os_send_err(EAGAIN), WN_EAGAIN);
	assert_int_equal(wn_os_send_err(EADDRNOTAVAIL), WN_EADDRNOTAVAIL);
	assert_int_equal(wn_os_send_err(123456), WN_ESYS);
}

static void test_route_to_self(void **state)
{
	static const char *const selves[] = {"127.0.0.1", "::1"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wn_addr self = addr(selves[i]);
		struct wn_os_route r;

		assert_int_equal(wn_os_route_get(&self, NULL, NULL, 0, &r, NULL), WN_OK);
		assert_true(r.local);
		assert_string_equal(r.iface, "lo");
		assert_addr(&r.src, selves[i]);
		assert_int_equal(r.via.family, 0);
		assert_true(r.mtu >= 1280);
		assert_true(r.ifindex > 0);
		assert_int_equal(wn_os_addr_is_local(&self, NULL), WN_OK);
	}
}

static void test_route_refusals(void **state)
{
	struct wn_addr v4 = addr("192.0.2.1"), v6 = addr("2001:db8::1"), none = {0};
	struct wn_errctx ctx;
	struct wn_os_route r;
	uint32_t index;

	(void)state;
	assert_int_equal(wn_os_route_get(&v4, NULL, NULL, 0, &r, &ctx), WN_ENOROUTE);
	assert_non_null(strstr(ctx.text, "192.0.2.1"));
	assert_int_equal(wn_os_route_get(&v6, NULL, NULL, 0, &r, &ctx), WN_ENOROUTE);
	assert_int_equal(wn_os_route_get(&none, NULL, NULL, 0, &r, &ctx), WN_EINVAL);
	assert_int_equal(wn_os_route_get(&v4, &v6, NULL, 0, &r, &ctx), WN_EINVAL);
	assert_int_equal(wn_os_route_get(&v4, NULL, "nosuch0", 0, &r, &ctx), WN_EIFACE);
	assert_non_null(strstr(ctx.text, "nosuch0"));
	assert_int_equal(wn_os_addr_is_local(&v4, NULL), WN_EADDRNOTAVAIL);
	assert_int_equal(wn_os_iface_index("", &index, &ctx), WN_EIFACE);
	assert_int_equal(
		wn_os_iface_index("a-name-longer-than-any-interface", &index, &ctx), WN_EIFACE);
	assert_int_equal(wn_os_iface_index("lo", &index, &ctx), WN_OK);
}

static void test_route_types(void **state)
{
	static const uint8_t types[] = {RTN_UNREACHABLE, RTN_PROHIBIT, RTN_BLACKHOLE};
	static const struct {
		const char *prefix, *inside, *self;
	} nets[] = {{"198.51.100.0/24", "198.51.100.7", "127.0.0.1"},
		{"2001:db8:1::/48", "2001:db8:1::7", "::1"}};

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		struct wn_addr dst = addr(nets[n].inside), self = addr(nets[n].self);
		struct wn_os_route r;

		for (size_t t = 0; t < sizeof(types); t++) {
			assert_true(ns_route(nets[n].prefix, types[t], true));
			assert_int_equal(
				wn_os_route_get(&dst, NULL, NULL, 0, &r, NULL), WN_ENOROUTE);
			assert_true(ns_route(nets[n].prefix, types[t], false));
		}
		assert_true(ns_route(nets[n].prefix, RTN_UNICAST, true));
		assert_int_equal(wn_os_route_get(&dst, &self, "lo", 0, &r, NULL), WN_OK);
		assert_true(wn_addr_eq(&r.src, &self));
		assert_false(r.local);
		/* A way out, but no address to send from: lo's own ones do not reach beyond it. */
		if (n == 0)
			assert_int_equal(
				wn_os_route_get(&dst, NULL, NULL, 0, &r, NULL), WN_EADDRNOTAVAIL);
		assert_true(ns_route(nets[n].prefix, RTN_UNICAST, false));
	}
}

/* The next change of this kind, which may take the kernel a moment. */
static struct wn_os_change expect_change(int fd, enum wn_os_change_kind kind)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct wn_os_change c;
	wn_err err;

	do {
		while ((err = wn_os_monitor_read(fd, &c)) == WN_EAGAIN)
			assert_int_equal(poll(&p, 1, 10000), 1);
		assert_int_equal(err, WN_OK);
	} while (c.kind != kind);
	return c;
}

static void test_monitor(void **state)
{
	struct pollfd p = {.fd = wn_os_monitor_open(), .events = POLLIN};
	struct wn_os_change c;

	(void)state;
	assert_true(p.fd >= 0);
	assert_int_equal(wn_os_monitor_read(p.fd, &c), WN_EAGAIN);
	assert_int_equal(poll(&p, 1, 0), 0);

	assert_true(ns_address("203.0.113.9", 32, true));
	assert_int_equal(poll(&p, 1, 0), 1);
	c = expect_change(p.fd, WN_OS_ADDR_NEW);
	assert_addr(&c.addr, "203.0.113.9");
	assert_true(ns_address("203.0.113.9", 32, false));
	c = expect_change(p.fd, WN_OS_ADDR_GONE);
	assert_addr(&c.addr, "203.0.113.9");
	assert_true(ns_address("2001:db8::9", 128, true));
	c = expect_change(p.fd, WN_OS_ADDR_NEW);
	assert_addr(&c.addr, "2001:db8::9");
	assert_true(ns_address("2001:db8::9", 128, false));

	assert_true(ns_route("0.0.0.0/0", RTN_UNICAST, true));
	expect_change(p.fd, WN_OS_ROUTE_CHANGED);
	while (wn_os_monitor_read(p.fd, &c) == WN_OK)
		;
	/* Other routes are kept away in the kernel. */
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, true));
	assert_int_equal(poll(&p, 1, 0), 0);

	assert_true(ns_link("lo", false));
	c = expect_change(p.fd, WN_OS_LINK_DOWN);
	assert_string_equal(c.iface, "lo");
	assert_true(ns_link("lo", true));
	c = expect_change(p.fd, WN_OS_LINK_UP);
	assert_int_equal(c.ifindex, 1);
	close(p.fd);
}

int main(void)
{
	const struct CMUnitTest anywhere[] = {
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_entropy),
		cmocka_unit_test(test_send_errors),
		cmocka_unit_test(test_route_to_self),
		cmocka_unit_test(test_route_refusals),
		cmocka_unit_test(test_route_types),
		cmocka_unit_test(test_monitor),
	};

	if (!ns_enter()) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(anywhere, NULL, NULL);
}
