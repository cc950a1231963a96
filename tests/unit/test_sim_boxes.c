/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes that rewrite packets, routers that quote them wrong, and ways that change with time. */
#include "simkit.h"

/* Whatever a box changes, the target takes the packet for a good one. */
static void expect_answer(struct simkit *k, struct wn_probe p)
{
	struct wn_reply r;

	p.ttl = 9;
	assert_true(simkit_ask(k, &p, &r));
	assert_false(r.checksum_bad);
	assert_true(wn_addr_eq(&r.from, &p.dst));
}

static void ask(struct simkit *k, struct wn_probe *p, uint8_t ttl, struct wn_reply *r)
{
	p->ttl = ttl;
	assert_true(simkit_ask(k, p, r));
	assert_false(r->checksum_bad);
}

/* The box itself quotes what came in. */
static void test_ip_fields(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("ip-id 777 clear df", "", "", "", "", ""));
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
	p.df = true;
	ask(&k, &p, 1, &r);
	assert_int_equal(r.quote.ip_id, p.ip_id);
	assert_true(r.quote.df);
	ask(&k, &p, 2, &r);
	assert_int_equal(r.quote.ip_id, 777);
	assert_false(r.quote.df);
	assert_int_equal(r.quote.checksum, p.checksum);
	expect_answer(&k, p);
	p = simkit_probe(&k, 6, WN_PROTO_UDP, 1);
	expect_answer(&k, p);
	simkit_close(&k);
}

/* From the box on the TTL is what it says, whatever it was: farther routers are not seen. */
static void test_ttl(void **state)
{
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("ttl 60", "", "", "", "", ""));
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct wn_probe p = simkit_probe(&k, family, WN_PROTO_UDP, 1);

		ask(&k, &p, 1, &r);
		assert_int_equal(r.quote.ttl, 1);
		for (uint8_t ttl = 2; ttl < 6; ttl++) {
			ask(&k, &p, ttl, &r);
			simkit_from(&r, family == 4 ? "10.0.9.9" : "fd00:9::9");
			assert_int_equal(r.quote.ttl, 59);
		}
	}
	simkit_close(&k);
	/* Back to the source it is left alone. */
	simkit_open(&k, SIM_LINE("ttl 2", "", "", "", "", ""));
	for (uint8_t ttl = 2; ttl < 6; ttl++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);

		ask(&k, &p, ttl, &r);
		simkit_from(&r, "10.0.9.9");
		assert_int_equal(r.ttl, 62);
	}
	simkit_close(&k);
}

static void test_payload_and_checksum(void **state)
{
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("clear payload", "", "", "", "", ""));
	for (unsigned n = 0; n < 6; n++) {
		struct wn_probe p = simkit_probe(&k, n & 1 ? 6 : 4, (enum wn_proto)(n / 2), 1);

		if (p.proto == WN_PROTO_TCP) {
			expect_answer(&k, p);
			continue;
		}
		ask(&k, &p, 1, &r);
		assert_int_equal(r.quote.checksum, p.checksum);
		ask(&k, &p, 2, &r);
		assert_int_not_equal(r.quote.checksum, p.checksum);
		assert_memory_equal(r.quote.cookie, p.cookie, 8);
		expect_answer(&k, p);
	}
	simkit_close(&k);
	simkit_open(&k, SIM_LINE("clear checksum", "", "", "", "", ""));
	for (unsigned n = 0; n < 6; n++) {
		struct wn_probe p = simkit_probe(&k, n & 1 ? 6 : 4, (enum wn_proto)(n / 2), 1);
		bool cleared = n == 0;

		ask(&k, &p, 2, &r);
		if (p.proto != WN_PROTO_TCP)
			assert_int_equal(r.quote.checksum, cleared ? 0 : p.checksum);
		expect_answer(&k, p);
	}
	simkit_close(&k);
}

static void test_quoted_length(void **state)
{
	static const struct {
		const char *text;
		uint16_t v4, v6;
	} cases[] = {
		{SIM_LINE("", "quote-length swapped", "", "", "", ""), 60 << 8, (40 << 8) + 40},
		{SIM_LINE("", "quote-length payload", "", "", "", ""), 40, 40},
		{SIM_LINE("", "quote-length plus 8", "", "", "", ""), 68, 88},
	};
	struct wn_reply r;
	struct simkit k;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		simkit_open(&k, cases[i].text);
		for (uint8_t family = 4; family <= 6; family += 2) {
			struct wn_probe p = simkit_probe(&k, family, WN_PROTO_UDP, 1);

			ask(&k, &p, 1, &r);
			assert_int_equal(r.quote.length, p.size);
			ask(&k, &p, 2, &r);
			assert_int_equal(r.quote.length, family == 4 ? cases[i].v4 : cases[i].v6);
			assert_true(r.quote.l4_present);
			ask(&k, &p, 3, &r);
			assert_int_equal(r.quote.length, p.size);
		}
		simkit_close(&k);
	}
}

/* Addresses and ports are ours again, the checksum is the one that belongs to the others. */
static void test_kept_checksum(void **state)
{
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("nat source 192.0.2.1 port-shift 1000 keep-checksum"
				 " nat source 2001:db8::1 port-shift 1000 keep-checksum",
				"", "", "", "", ""));
	for (unsigned n = 0; n < 4; n++) {
		struct wn_probe p = simkit_probe(&k, n & 1 ? 6 : 4, (enum wn_proto)(n / 2), 1);

		ask(&k, &p, 1, &r);
		assert_int_equal(r.quote.checksum, p.checksum);
		ask(&k, &p, 2, &r);
		assert_true(wn_addr_eq(&r.quote.src, &p.src));
		assert_int_equal(r.quote.sport, p.proto == WN_PROTO_ICMP ? 0 : p.sport);
		assert_int_equal(r.quote.icmp_id, p.proto == WN_PROTO_ICMP ? p.icmp_id : 0);
		assert_int_not_equal(r.quote.checksum, p.checksum);
		expect_answer(&k, p);
	}
	simkit_close(&k);
}

/* For a while another way; the time counts from the beginning of the network. */
static void test_route_for_a_time(void **state)
{
	static const char text[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9\n"
		"node d addr 10.0.1.1\nnode a addr 10.0.2.1\nnode b addr 10.0.2.2\n"
		"link s d\nlink d a\nlink a t\nlink d b\nlink b t\n"
		"route d to t via a\nroute d to t via b during 2s..3s\n";
	static const struct {
		uint64_t at_ns;
		const char *hop2;
	} cases[] = {{0, "10.0.2.1"}, {2 * SIM_S - 1, "10.0.2.1"}, {2 * SIM_S, "10.0.2.2"},
		{3 * SIM_S - 1, "10.0.2.2"}, {3 * SIM_S, "10.0.2.1"}};
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_UDP, 2);

		k.now_ns = cases[i].at_ns;
		assert_int_equal(simkit_send(&k, &p), WN_OK);
		assert_true(simkit_recv(&k, k.now_ns, &r));
		simkit_from(&r, cases[i].hop2);
	}
	simkit_close(&k);
}

/* s - i - a - b - c - e - t: errors of a go through b, c and e, which sends them back. */
static void test_u_turn(void **state)
{
	static const char text[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9\n"
		"node i addr 10.0.1.1\nnode a addr 10.0.2.1\nnode b addr 10.0.3.1\n"
		"node c addr 10.0.4.1\nnode e addr 10.0.5.1\n"
		"link s i\nlink i a\nlink a b\nlink b c\nlink c e\nlink e t\n"
		"mpls implicit i a b c e u-turn\n";
	static const struct {
		const char *from;
		uint8_t quoted, ttl;
	} hops[] = {
		{"10.0.1.1", 1, 255},
		{"10.0.2.1", 1, 255 - 7}, /* b c e c b a i */
		{"10.0.3.1", 2, 255 - 6},
		{"10.0.4.1", 3, 255 - 5},
		{"10.0.5.1", 1, 255 - 4},
		{"10.0.9.9", 1, 64 - 5},
	};
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	for (size_t i = 0; i < sizeof hops / sizeof hops[0]; i++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);

		ask(&k, &p, (uint8_t)(i + 1), &r);
		simkit_from(&r, hops[i].from);
		assert_int_equal(r.quote.ttl, hops[i].quoted);
		assert_int_equal(r.ttl, hops[i].ttl);
	}
	simkit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip_fields),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_payload_and_checksum),
		cmocka_unit_test(test_quoted_length),
		cmocka_unit_test(test_kept_checksum),
		cmocka_unit_test(test_route_for_a_time),
		cmocka_unit_test(test_u_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
