/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "packets.h"

static void names(void **state)
{
	(void)state;
	assert_string_equal(wn_proto_name(WN_PROTO_UDP), "udp");
	assert_string_equal(wn_proto_name(WN_PROTO_TCP), "tcp");
	assert_string_equal(wn_proto_name((enum wn_proto)99), "unknown");
	assert_string_equal(wn_clock_name(WN_CLOCK_TCP), "tcp-info");
	assert_string_equal(wn_clock_name(WN_CLOCK_SIM), "sim");
	assert_string_equal(wn_clock_name((enum wn_clock) - 1), "unknown");
}

static void smallest_sizes(void **state)
{
	(void)state;
	assert_int_equal(wn_probe_min_size(4, WN_PROTO_UDP), 20 + 8 + 10);
	assert_int_equal(wn_probe_min_size(6, WN_PROTO_UDP), 40 + 8 + 10);
	assert_int_equal(wn_probe_min_size(4, WN_PROTO_ICMP), 38);
	assert_int_equal(wn_probe_min_size(4, WN_PROTO_TCP), 40);
	assert_int_equal(wn_probe_min_size(6, WN_PROTO_TCP), 60);
}

#define REFUSED(field, value, want)                                                                \
	do {                                                                                       \
		struct wn_probe bad = make_probe(6, WN_PROTO_UDP, 0);                              \
		struct wn_errctx ctx = {0};                                                        \
		bad.field = (value);                                                               \
		assert_int_equal(wn_probe_check(&bad, &ctx), want);                                \
		assert_int_equal(ctx.code, want);                                                  \
		assert_true(ctx.text[0] != '\0');                                                  \
		assert_int_equal(wn_probe_check(&bad, NULL), want);                                \
	} while (0)

static void check_refuses(void **state)
{
	(void)state;
	REFUSED(proto, (enum wn_proto)3, WN_EINVAL);
	REFUSED(dst.family, 0, WN_EINVAL);
	REFUSED(src.family, 4, WN_EINVAL);
	REFUSED(ttl, 0, WN_ERANGE);
	REFUSED(flow_label, 0x100000, WN_ERANGE);
	REFUSED(size, 47, WN_ERANGE); /* no room for the headers */
	REFUSED(size, WN_PACKET_MAX + 1, WN_ERANGE);
}

static void check_accepts(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_ICMP, 0);

	(void)state;
	assert_int_equal(wn_probe_check(&p, NULL), WN_OK);
	p.src.family = 0; /* a socket chooses */
	p.ttl = 255;
	p.size = WN_PACKET_MAX;
	assert_int_equal(wn_probe_check(&p, NULL), WN_OK);
	p.size = 28;
	p.checksum = 0;
	assert_int_equal(wn_probe_check(&p, NULL), WN_OK);
	p.checksum = 1; /* that takes two bytes of payload */
	assert_int_equal(wn_probe_check(&p, NULL), WN_ERANGE);
	p.size = 30;
	assert_int_equal(wn_probe_check(&p, NULL), WN_OK);
}

/* What the stamp sets differs with every input of the identity, and only by them. */
static void identity(void **state)
{
	struct wn_probe a, b;
	struct wn_sipkey other = test_key;

	(void)state;
	other.bytes[15] ^= 1;
	for (int i = 0; i < 7; i++) {
		a = make_probe(4, WN_PROTO_TCP, 0);
		b = a;
		b.dst.bytes[3] ^= i == 1;
		b.ttl ^= i == 2;
		b.flow ^= i == 3;
		b.sport ^= i == 6; /* no part of it */
		wn_probe_stamp(&a, &test_key, 1, 0);
		wn_probe_stamp(&b, i == 4 ? &other : &test_key, 1, i == 5);
		assert_int_equal(
			memcmp(a.cookie, b.cookie, sizeof(a.cookie)) == 0, i == 0 || i == 6);
		assert_int_equal(a.tcp_seq == b.tcp_seq, i == 0 || i == 6);
	}
	wn_probe_stamp(&b, &test_key, 2, 0);
	assert_int_not_equal(wn_cookie_u64(a.cookie), wn_cookie_u64(b.cookie));
}

static void stamp_touches_the_protocols_fields_only(void **state)
{
	struct wn_probe p;

	(void)state;
	p = make_probe(4, WN_PROTO_ICMP, 0);
	assert_int_equal(p.checksum, 0xbeef);
	assert_int_equal(p.icmp_id, 0x4242);
	assert_int_equal(p.tcp_seq, 0);
	assert_int_equal(wn_probe_tag(&p), p.icmp_seq);
	p = make_probe(4, WN_PROTO_UDP, 0);
	assert_int_equal(p.icmp_seq, 0);
	assert_int_equal(wn_probe_tag(&p), p.checksum);
	p = make_probe(4, WN_PROTO_TCP, 0);
	assert_int_equal(p.checksum, 0);
	assert_int_equal(wn_probe_tag(&p), p.tcp_seq);
}

static void forbidden_values_never_come(void **state)
{
	struct wn_probe p = make_probe(6, WN_PROTO_UDP, 0);
	bool low = false, high = false;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		wn_probe_stamp(&p, &test_key, i, 0);
		assert_in_range(p.checksum, 1, 0xfffe);
		assert_int_not_equal(p.ip_id, 0);
		low |= p.checksum == 1;
		high |= p.checksum == 0xfffe;
	}
	assert_true(low && high);
}

static void cookie_as_key(void **state)
{
	static const uint8_t cookie[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	assert_true(wn_cookie_u64(cookie) == 0x0102030405060708u);
}

static void tags_of_replies(void **state)
{
	struct wn_reply r = {.kind = WN_REPLY_TIME_EXCEEDED};
	uint32_t tag = 0;

	(void)state;
	r.quote.proto = WN_IP_UDP;
	r.quote.checksum = 0x1111;
	r.quote.present = true;
	assert_false(wn_reply_tag(&r, WN_PROTO_UDP, &tag)); /* transport header not quoted */
	r.quote.l4_present = true;
	assert_true(wn_reply_tag(&r, WN_PROTO_UDP, &tag));
	assert_int_equal(tag, 0x1111);
	assert_false(wn_reply_tag(&r, WN_PROTO_TCP, &tag));
	r.quote.proto = WN_IP_ICMP6;
	r.quote.icmp_seq = 0x2222;
	assert_true(wn_reply_tag(&r, WN_PROTO_ICMP, &tag));
	assert_int_equal(tag, 0x2222);
	r.kind = WN_REPLY_RST;
	r.tcp_ack = 0;
	r.tcp_seq = 0x4444;
	assert_true(wn_reply_tag(&r, WN_PROTO_TCP, &tag)); /* answers an acknowledgment */
	assert_int_equal(tag, 0x4444);
	r.tcp_flags = WN_TCP_RST | WN_TCP_ACK;
	assert_true(wn_reply_tag(&r, WN_PROTO_TCP, &tag));
	assert_int_equal(tag, UINT32_MAX);
	assert_false(wn_reply_tag(&r, WN_PROTO_UDP, &tag));
	r.kind = WN_REPLY_UDP;
	assert_false(wn_reply_tag(&r, WN_PROTO_UDP, &tag));
	r.kind = WN_REPLY_ECHO;
	r.icmp_seq = 0x3333;
	assert_true(wn_reply_tag(&r, WN_PROTO_ICMP, &tag));
	assert_int_equal(tag, 0x3333);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(smallest_sizes),
		cmocka_unit_test(check_refuses),
		cmocka_unit_test(check_accepts),
		cmocka_unit_test(identity),
		cmocka_unit_test(stamp_touches_the_protocols_fields_only),
		cmocka_unit_test(forbidden_values_never_come),
		cmocka_unit_test(cookie_as_key),
		cmocka_unit_test(tags_of_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
