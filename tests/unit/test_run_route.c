/* SPDX-License-Identifier: Apache-2.0 */
/* Kept routes in a namespace of our own: asked for once, and again after each kind of change. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ns.h"
#include "run/run_priv.h"

static struct wn_run *new_run(void)
{
	struct wn_run *run;

	assert_int_equal(wn_run_new(false, &run, NULL), WN_OK);
	return run;
}

static struct wn_run_way to(const char *dst)
{
	struct wn_run_way way = {.iface = ""};

	assert_int_equal(wn_addr_parse(dst, &way.dst), WN_OK);
	return way;
}

/* Whether the kernel had to be asked. */
static bool was_asked(struct wn_run *run, const struct wn_run_way *way, struct wn_run_route *out)
{
	uint64_t asked = run->routes.asked, known = run->routes.known;

	assert_int_equal(wn_run_route_find(run, way, out, NULL), WN_OK);
	assert_int_equal(run->routes.asked + run->routes.known, asked + known + 1);
	return run->routes.asked > asked;
}

static void test_keys(void **state)
{
	struct wn_run *run = new_run();
	struct wn_run_way ways[5];
	struct wn_run_route r, again;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		ways[i] = to(i == 1 ? "127.0.0.2" : i == 2 ? "::1" : "127.0.0.1");
	ways[3].iface = "lo";
	ways[4].src = ways[1].dst;
	for (size_t i = 0; i < 5; i++) {
		assert_true(was_asked(run, &ways[i], &r));
		assert_false(was_asked(run, &ways[i], &again));
		assert_true(wn_addr_eq(&r.src, &again.src));
		assert_int_equal(again.ifindex, 1);
		assert_int_equal(again.link_mtu, r.link_mtu);
	}
	assert_true(wn_addr_eq(&again.src, &ways[1].dst));
	ways[0].mark = 7;
	assert_true(was_asked(run, &ways[0], &r));
	wn_run_free(run);
}

/* What fails is asked anew each time. */
static void test_failures(void **state)
{
	struct wn_run *run = new_run();
	struct wn_run_way way = to("198.51.100.7");
	struct wn_run_route r;

	(void)state;
	assert_int_equal(wn_run_route_find(run, &way, &r, NULL), WN_ENOROUTE);
	assert_int_equal(wn_run_route_find(run, &way, &r, NULL), WN_ENOROUTE);
	assert_int_equal(run->routes.known, 0);
	way = to("127.0.0.1");
	assert_int_equal(wn_addr_parse("192.0.2.55", &way.src), WN_OK);
	assert_int_equal(wn_run_route_find(run, &way, &r, NULL), WN_EADDRNOTAVAIL);
	assert_int_equal(run->routes.known, 0);
	wn_run_free(run);
}

static void test_changes(void **state)
{
	struct wn_run *run = new_run();
	struct wn_run_way way = to("127.0.0.1"), far = to("198.51.100.7");
	struct wn_run_route r;

	(void)state;
	assert_true(was_asked(run, &way, &r));
	assert_true(ns_address("203.0.113.9", 32, true));
	assert_true(was_asked(run, &way, &r));
	assert_false(was_asked(run, &way, &r));
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, true));
	assert_true(was_asked(run, &way, &r));
	assert_true(was_asked(run, &far, &r));
	assert_false(was_asked(run, &far, &r));
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, false));
	assert_int_equal(wn_run_route_find(run, &far, &r, NULL), WN_ENOROUTE);
	assert_true(was_asked(run, &way, &r));
	assert_true(ns_link("lo", false));
	assert_true(ns_link("lo", true));
	assert_true(was_asked(run, &way, &r));
	assert_false(was_asked(run, &way, &r));
	assert_true(ns_address("203.0.113.9", 32, false));
	assert_true(was_asked(run, &way, &r));
	wn_run_free(run);
}

static void set_mtu(int mtu)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_mtu = mtu};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFMTU, &req), 0);
	close(fd);
}

/* What is known of an interface is not older than the routes through it. */
static void test_mtu(void **state)
{
	struct wn_run *run = new_run();
	struct wn_run_way way = to("127.0.0.1"), other = to("127.0.0.2");
	struct wn_run_route r;

	(void)state;
	set_mtu(9000);
	assert_true(was_asked(run, &way, &r));
	assert_int_equal(r.link_mtu, 9000);
	set_mtu(1400);
	assert_true(was_asked(run, &other, &r));
	assert_int_equal(r.link_mtu, 1400);
	set_mtu(65536);
	assert_true(was_asked(run, &way, &r));
	assert_int_equal(r.link_mtu, 65536);
	wn_run_free(run);
}

/* More changes than the queue holds, the last one of which is the one that counts. */
static void test_too_many(void **state)
{
	struct wn_run *run = new_run();
	struct wn_run_way way = to("198.51.100.7");
	struct wn_run_route r;

	(void)state;
	assert_true(ns_address("203.0.113.8", 32, true)); /* to send from */
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, true));
	assert_true(was_asked(run, &way, &r));
	for (int i = 0; i < 300; i++)
		assert_true(ns_address("203.0.113.9", 32, i % 2 == 0));
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, false));
	assert_int_equal(wn_run_route_find(run, &way, &r, NULL), WN_ENOROUTE);
	way = to("127.0.0.1");
	assert_true(was_asked(run, &way, &r));
	assert_false(was_asked(run, &way, &r));
	wn_run_free(run);
}

/* Far more ways than are kept: each answer is right all the same. */
static void test_many(void **state)
{
	struct wn_run *run = new_run();
	struct wn_run_route r;

	(void)state;
	for (unsigned i = 0; i < 30000; i++) {
		struct wn_run_way way = {.iface = "", .dst = wn_addr_v4(0x7f000001u + i % 12000)};

		was_asked(run, &way, &r);
		assert_true(wn_addr_eq(&r.src, &way.dst) || r.src.bytes[0] == 127);
	}
	assert_in_range(run->routes.asked, 12000, 30000);
	wn_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_many),
	};

	if (!ns_enter()) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
