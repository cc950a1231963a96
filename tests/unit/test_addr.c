/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "base/addr.h"

static void test_canonical_text(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"2001:DB8::A", "2001:db8::a"},			  /* 4.3 */
		{"2001:0db8::0001", "2001:db8::1"},		  /* 4.1 */
		{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},	  /* 4.2.1 */
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* 4.2.2 */
		{"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"}, /* 4.2.3 */
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
		{"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"}, /* 5 */
		{"::ffff:c000:201", "::ffff:192.0.2.1"},
		{"::192.0.2.1", "::c000:201"},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	char buf[WN_ADDR_STRLEN];
	struct wn_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(wn_addr_parse(cases[i].in, &a), WN_OK);
		assert_string_equal(wn_addr_str(&a, buf), cases[i].want);
	}
	a = (struct wn_addr){0};
	assert_string_equal(wn_addr_str(&a, buf), "");
}

static void test_refused_addresses(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.4 ",
		" 1.2.3.4",
		"01.2.3.4",
		"1.2.3.00",
		"256.1.1.1",
		"1.2.3.4x",
		"0x1.2.3.4",
		"1..2.3",
		".1.2.3",
		"1.2.3.",
		"+1.2.3.4",
		"4294967296.0.0.0",
		":",
		":::",
		"1:",
		":1",
		"1:2",
		"1::2::3",
		"1:::2",
		"::1:",
		":1::",
		"12345::",
		"g::",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8",
		"1:2:3:4::5:6:7:8",
		"1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3",
		"::1.2.3.4:5",
		"::01.2.3.4",
		"1.2.3.4::",
		"fe80::1%eth0",
		"[::1]",
		"::1/128",
		"0:0:0:0:0:0:0:0:",
		"1.2.3.4:80",
	};
	struct wn_addr a = {9, {1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (wn_addr_parse(cases[i], &a) != WN_EPARSE)
			fail_msg("accepted: '%s'", cases[i]);
	assert_int_equal(a.family, 9); /* out is untouched */
}

static void test_prefixes(void **state)
{
	static const char *const good[] = {"0.0.0.0/0", "10.0.0.0/8", "192.0.2.128/25",
		"192.0.2.1/32", "::/0", "2001:db8::/32", "2001:db8::1/128", "fe80::/10"};
	static const char *const bad[] = {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8",
		"10.0.0.0/08", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/-1", "/8", "::/129",
		"2001:db8::1/64", "fe80::/8", "10.0.0.0/8/8",
		"0000000000000000000000000000000000000000000000000000::/0"};
	char buf[WN_PREFIX_STRLEN];
	struct wn_prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(wn_prefix_parse(good[i], &p), WN_OK);
		assert_string_equal(wn_prefix_str(&p, buf), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (wn_prefix_parse(bad[i], &p) != WN_EPARSE)
			fail_msg("accepted: '%s'", bad[i]);
}

static bool holds(const char *prefix, const char *addr)
{
	struct wn_prefix p;
	struct wn_addr a;

	assert_int_equal(wn_prefix_parse(prefix, &p), WN_OK);
	assert_int_equal(wn_addr_parse(addr, &a), WN_OK);
	return wn_prefix_contains(&p, &a);
}

static void test_contains(void **state)
{
	struct wn_prefix none = {0};
	struct wn_addr nobody = {0};

	(void)state;
	assert_true(holds("0.0.0.0/0", "255.1.2.3"));
	assert_true(holds("10.32.0.0/11", "10.63.255.255"));
	assert_false(holds("10.32.0.0/11", "10.64.0.0"));
	assert_true(holds("192.0.2.1/32", "192.0.2.1"));
	assert_false(holds("192.0.2.1/32", "192.0.2.0"));
	assert_true(holds("2001:db8::/33", "2001:db8:7fff::"));
	assert_false(holds("2001:db8::/33", "2001:db8:8000::"));
	assert_false(holds("::/0", "10.0.0.1"));
	assert_false(holds("0.0.0.0/0", "::"));
	assert_false(wn_prefix_contains(&none, &nobody));
}

static void test_v4_numbers(void **state)
{
	struct wn_addr a = wn_addr_v4(0xc0000201);
	struct wn_addr six = {6, {1, 2, 3, 4}};
	static const uint8_t raw[16] = {192, 0, 2, 1, 0xee};
	struct wn_addr b = wn_addr_from_bytes(4, raw);
	char buf[WN_ADDR_STRLEN];

	(void)state;
	assert_string_equal(wn_addr_str(&a, buf), "192.0.2.1");
	assert_true(wn_addr_to_v4(&a) == 0xc0000201);
	assert_int_equal(wn_addr_to_v4(&six), 0);
	assert_true(wn_addr_eq(&a, &b)); /* byte four was not taken over */
	assert_memory_equal(&a, &b, sizeof(a));
}

static void test_order_and_hash(void **state)
{
	struct wn_addr a, b, c;

	(void)state;
	wn_addr_parse("1.2.3.4", &a);
	wn_addr_parse("1.2.3.5", &b);
	wn_addr_parse("102:304::", &c); /* the same bytes as 1.2.3.4, another family */
	assert_true(wn_addr_cmp(&a, &b) < 0 && wn_addr_cmp(&b, &a) > 0);
	assert_true(wn_addr_cmp(&b, &c) < 0 && wn_addr_cmp(&c, &b) > 0);
	assert_false(wn_addr_eq(&a, &c));
	assert_true(wn_addr_hash(&a) != wn_addr_hash(&b));
	assert_true(wn_addr_hash(&a) != wn_addr_hash(&c));
}

static void test_classes(void **state)
{
	static const struct {
		const char *text;
		bool multicast, loopback, link_local;
	} cases[] = {
		{"224.0.0.1", true, false, false},
		{"239.255.255.255", true, false, false},
		{"240.0.0.0", false, false, false},
		{"127.255.0.1", false, true, false},
		{"128.0.0.1", false, false, false},
		{"169.254.1.1", false, false, true},
		{"169.253.1.1", false, false, false},
		{"ff02::1", true, false, false},
		{"::1", false, true, false},
		{"::2", false, false, false},
		{"fe80::1", false, false, true},
		{"febf::1", false, false, true},
		{"fec0::1", false, false, false},
	};
	struct wn_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(wn_addr_parse(cases[i].text, &a), WN_OK);
		assert_int_equal(wn_addr_is_multicast(&a), cases[i].multicast);
		assert_int_equal(wn_addr_is_loopback(&a), cases[i].loopback);
		assert_int_equal(wn_addr_is_link_local(&a), cases[i].link_local);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical_text),
		cmocka_unit_test(test_refused_addresses),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_v4_numbers),
		cmocka_unit_test(test_order_and_hash),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
