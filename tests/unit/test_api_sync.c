/* SPDX-License-Identifier: Apache-2.0 */
/* One trace in one call, through simulated networks and to this machine. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <wend/wend.h>
#include "alloc_fault.h"

static const char network[] = "source me\ntarget dst\n"
			      "host me addr 192.0.2.1 addr6 fd00::1\n"
			      "node r1 addr 198.51.100.1 addr6 fd00:1::1 name r1.example\n"
			      "node r2 addr 198.51.100.2 addr6 fd00:2::1 silent\n"
			      "host dst addr 203.0.113.9 addr6 fd00:9::9 name www.example\n"
			      "link me r1 delay 200us\nlink r1 r2 delay 200us\n"
			      "link r2 dst delay 200us\n";

static const struct wend_config simulated = {.size = sizeof(simulated), .topology = network};

static wend_options *options(const char *const pairs[][2], size_t count)
{
	wend_options *o;

	assert_int_equal(wend_options_new(&o), WEND_OK);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(wend_options_set(o, pairs[i][0], pairs[i][1]), WEND_OK);
	return o;
}

static void test_path(void **state)
{
	static const char *const with_names[][2] = {{"numeric", "no"}};
	static const char *const targets[] = {"203.0.113.9", "fd00:9::9", "www.example"};
	wend_options *o = options(with_names, 1);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const char *ends[2] = {i == 1 ? "fd00:1::1" : "198.51.100.1",
			i == 1 ? "fd00:9::9" : "203.0.113.9"};
		struct wend_path *p;

		assert_int_equal(wend_traceroute(targets[i], o, &simulated, &p), WEND_OK);
		assert_int_equal(p->size, sizeof(*p));
		assert_int_equal(p->err, WEND_OK);
		assert_string_equal(p->error, "");
		assert_int_equal(p->stop, WEND_STOP_REACHED);
		assert_true(p->reached && p->took_ns > 0 && p->sent >= 9 && p->received >= 6);
		assert_int_equal(p->hop_count, 3);
		for (uint32_t h = 0; h < 3; h++) {
			const struct wend_path_hop *hop = &p->hops[h];

			assert_int_equal(hop->ttl, h + 1);
			assert_int_equal(hop->probe_count, 3);
			assert_int_equal(hop->reached, h == 2);
			assert_int_equal(hop->family, h == 1 ? 0 : i == 1 ? 6 : 4);
			assert_string_equal(hop->ip, h == 1 ? "" : ends[h / 2]);
			assert_string_equal(hop->name, h == 0	? "r1.example"
						       : h == 1 ? ""
								: "www.example");
			for (uint32_t q = 0; q < 3; q++) {
				assert_int_equal(hop->probes[q].rtt_ns > 0, h != 1);
				assert_int_equal(hop->probes[q].rtt_ns == -1, h == 1);
				assert_string_equal(hop->probes[q].ip, hop->ip);
				assert_string_equal(hop->probes[q].name, hop->name);
			}
		}
		wend_path_free(p);
	}
	wend_options_free(o);
}

/* It ends with who refused, though those behind him got probes as well. */
static void test_refused(void **state)
{
	static const struct wend_config refusing = {.size = sizeof(refusing),
		.topology = "source me\ntarget dst\n"
			    "host me addr 192.0.2.1\n"
			    "node r1 addr 198.51.100.1\n"
			    "node r2 addr 198.51.100.2 unreachable host-prohibited\n"
			    "host dst addr 203.0.113.9\n"
			    "link me r1 delay 200us\nlink r1 r2 delay 200us\n"
			    "link r2 dst delay 200us\n"};
	struct wend_path *p;

	(void)state;
	assert_int_equal(wend_traceroute("203.0.113.9", NULL, &refusing, &p), WEND_OK);
	assert_int_equal(p->stop, WEND_STOP_UNREACHABLE);
	assert_int_equal(p->reached, 0);
	assert_int_equal(p->hop_count, 2);
	assert_string_equal(p->hops[1].ip, "198.51.100.2");
	wend_path_free(p);
}

/* Where nobody answers the path ends with the last that did; options move its beginning. */
static void test_unreached(void **state)
{
	static const char *const few[][2] = {{"max-ttl", "2"}, {"probes", "2"}, {"wait", "20ms"}};
	static const char *const far[][2] = {{"first-ttl", "3"}};
	struct wend_path *p;
	wend_options *o;

	(void)state;
	o = options(few, 3);
	assert_int_equal(wend_traceroute("203.0.113.9", o, &simulated, &p), WEND_OK);
	assert_int_equal(p->stop, WEND_STOP_MAX_TTL);
	assert_int_equal(p->reached, 0);
	assert_int_equal(p->hop_count, 1);
	assert_int_equal(p->hops[0].probe_count, 2);
	assert_string_equal(p->hops[0].name, ""); /* not asked for */
	wend_path_free(p);
	wend_options_free(o);
	o = options(far, 1);
	assert_int_equal(wend_traceroute("203.0.113.9", o, &simulated, &p), WEND_OK);
	assert_int_equal(p->hop_count, 1);
	assert_int_equal(p->hops[0].ttl, 3);
	assert_true(p->hops[0].reached);
	wend_path_free(p);
	wend_options_free(o);
}

static void test_this_machine(void **state)
{
	static const uint8_t me[4] = {127, 0, 0, 1};
	struct wend_path *p;

	(void)state;
	assert_int_equal(wend_traceroute("127.0.0.1", NULL, NULL, &p), WEND_OK);
	assert_int_equal(p->hop_count, 1);
	assert_memory_equal(p->hops[0].address, me, sizeof(me));
	assert_true(p->hops[0].probes[2].rtt_ns > 0);
	wend_path_free(p);
	wend_path_free(NULL);
}

static void expect_failure(const char *target, const wend_options *o, const struct wend_config *c,
	int err, const char *why)
{
	struct wend_path *p;

	assert_int_equal(wend_traceroute(target, o, c, &p), err);
	assert_int_equal(p->err, err);
	assert_int_equal(p->hop_count, 0);
	if (!strstr(p->error, why))
		fail_msg("%s", p->error);
	wend_path_free(p);
}

static void test_failures(void **state)
{
	static const char *const contradiction[][2] = {{"first-ttl", "9"}, {"max-ttl", "3"}};
	struct wend_config broken = {.size = sizeof(broken), .topology = "hosts me"};
	wend_options *o = options(contradiction, 2);

	(void)state;
	expect_failure("203.0.113.9", o, &simulated, WEND_EUSAGE, "first-ttl");
	expect_failure("nobody", NULL, &simulated, WEND_ERESOLVE, "nobody");
	expect_failure("", NULL, &simulated, WEND_EUSAGE, "target");
	expect_failure("203.0.113.9", NULL, &broken, WEND_EPARSE, "line 1");
	wend_options_free(o);
}

static void test_without_memory(void **state)
{
	static const char *const quick[][2] = {{"wait", "20ms,3,3"}, {"numeric", "no"}};
	wend_options *o = options(quick, 2);
	unsigned long live = alloc_fault_live();
	bool hit = true;

	(void)state;
	for (unsigned long n = 1; hit; n++) {
		struct wend_path *p;

		alloc_fault_arm(n);
		(void)wend_traceroute("203.0.113.9", o, &simulated, &p);
		wend_path_free(p);
		hit = alloc_fault_disarm();
		assert_int_equal(alloc_fault_live(), live);
		assert_true(n < 5000);
	}
	wend_options_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unreached),
		cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
