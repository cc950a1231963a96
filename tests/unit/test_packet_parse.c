/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in hex that say "Linux" were captured from kernel routers and hosts. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "packets.h"

static wn_err parse_hex(const char *hex, struct wn_reply *r)
{
	uint8_t buf[1600];
	size_t len = from_hex(hex, buf, sizeof(buf));

	return wn_wire_parse(buf, len, r);
}

static void assert_clean(const struct wn_reply *r)
{
	assert_false(r->truncated);
	assert_false(r->checksum_bad);
	assert_false(r->ext.present);
	assert_true(r->hint_id == WN_HINT_NONE);
	assert_false(r->from_errqueue);
}

static void assert_addr(const struct wn_addr *a, const char *text)
{
	char buf[WN_ADDR_STRLEN];

	assert_string_equal(wn_addr_str(a, buf), text);
}

/* Linux, time exceeded, whole UDP probe quoted */
static void v4_time_exceeded_udp(void **state)
{
	static const uint8_t cookie[8] = {0xc5, 0xd9, 0x8c, 0xc2, 0xee, 0x24, 0x24, 0xf1};
	struct wn_reply r;

	(void)state;
	assert_int_equal(parse_hex("45c8004bf98d000040016b5c0a0100fe0a010001 0b00093200000000"
				   "4528002f43c94000011121c80a0100010a020002 9c40829a001b94fe"
				   "c5d98cc2ee2424f1 eb6d 2e2e2e2e2e2e2e2e2e",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_TIME_EXCEEDED);
	assert_addr(&r.from, "10.1.0.254");
	assert_addr(&r.to, "10.1.0.1");
	assert_int_equal(r.icmp_type, 11);
	assert_int_equal(r.icmp_code, 0);
	assert_int_equal(r.ttl, 64);
	assert_int_equal(r.tos, 0xc8);
	assert_int_equal(r.length, 75);
	assert_true(r.quote.present && r.quote.l4_present && r.quote.payload_present);
	assert_addr(&r.quote.src, "10.1.0.1");
	assert_addr(&r.quote.dst, "10.2.0.2");
	assert_int_equal(r.quote.proto, WN_IP_UDP);
	assert_int_equal(r.quote.ttl, 1);
	assert_int_equal(r.quote.tos, 0x28);
	assert_int_equal(r.quote.length, 47);
	assert_int_equal(r.quote.ip_id, 0x43c9);
	assert_true(r.quote.df);
	assert_int_equal(r.quote.sport, 40000);
	assert_int_equal(r.quote.dport, 33434);
	assert_int_equal(r.quote.checksum, 0x94fe);
	assert_memory_equal(r.quote.cookie, cookie, 8);
	assert_int_equal(r.quote.quoted_bytes, 47);
}

/* Linux */
static void v4_time_exceeded_icmp_and_tcp(void **state)
{
	struct wn_reply r;

	(void)state;
	assert_int_equal(parse_hex("45c8004bf98e000040016b5b0a0100fe0a0100010b00f4ff00000000"
				   "4528002f43c94000010121d80a0100010a0200020800 1234004dc9bd"
				   "c5d98cc2ee2424f1cf552e2e2e2e2e2e2e2e2e",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.quote.checksum, 0x1234);
	assert_int_equal(r.quote.icmp_id, 77);
	assert_int_equal(r.quote.icmp_seq, 0xc9bd);
	assert_true(r.quote.payload_present);
	assert_int_equal(r.quote.sport, 0);

	assert_int_equal(
		parse_hex("45c80051f98f000040016b540a0100fe0a0100010b00092d00000000"
			  "4528003543c94000010621cd0a0100010a0200029c401f90e59ec9bd00000000"
			  "6002faf08a470000020405b4c5d98cc2ee2424f12e",
			&r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.quote.tcp_seq, 0xe59ec9bd);
	assert_int_equal(r.quote.checksum, 0x8a47);
	assert_int_equal(r.quote.dport, 8080);
	assert_true(r.quote.payload_present);
	assert_int_equal(r.quote.cookie[7], 0xf1);
}

/* Linux, IPv6 */
static void v6_errors(void **state)
{
	struct wn_reply r;

	(void)state;
	assert_int_equal(parse_hex("600b9581004b3a40fd0100000000000000000000000000fefd010000000000"
				   "000000000000000001 03006ac100000000"
				   "62812345001b1101fd010000000000000000000000000001fd020000000000"
				   "000000000000000002 9c40829a001b46a00ddc3fa64608c7d45e1d"
				   "2e2e2e2e2e2e2e2e2e",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_TIME_EXCEEDED);
	assert_addr(&r.from, "fd01::fe");
	assert_int_equal(r.quote.flow_label, 0x12345);
	assert_int_equal(r.quote.tos, 0x28);
	assert_int_equal(r.quote.length, 67);
	assert_int_equal(r.quote.ttl, 1);
	assert_int_equal(r.quote.ip_id, 0);
	assert_int_equal(r.quote.checksum, 0x46a0);
	assert_true(r.quote.payload_present);

	assert_int_equal(parse_hex("600c024e004b3a3ffd020000000000000000000000000002fd010000000000"
				   "000000000000000001 01046db100000000"
				   "62812345001b1108fd010000000000000000000000000001fd020000000000"
				   "000000000000000002 9c40829a001b23f99cf1f5b5f043ae50aae7"
				   "2e2e2e2e2e2e2e2e2e",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_UNREACHABLE);
	assert_int_equal(r.icmp_code, 4);
	assert_int_equal(r.quote.ttl, 8);
}

/* Linux */
static void echo_replies(void **state)
{
	struct wn_reply r;

	(void)state;
	assert_int_equal(parse_hex("4528002fe7e100003f017fbf0a0200020a01000100001a34004ddd32"
				   "d9bd0c38a22ebe35db382e2e2e2e2e2e2e2e2e",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_ECHO);
	assert_int_equal(r.icmp_id, 77);
	assert_int_equal(r.icmp_seq, 0xdd32);
	assert_true(r.payload_present);
	assert_int_equal(r.cookie[0], 0xd9);
	assert_false(r.quote.present);

	assert_int_equal(parse_hex("628a969b001b3a3ffd020000000000000000000000000002fd010000000000"
				   "000000000000000001 81001134004d96729cf1f5b5f043ae50c4b9"
				   "2e2e2e2e2e2e2e2e2e",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_ECHO);
	assert_int_equal(r.icmp_seq, 0x9672);
}

/* Linux. Over veth the sums of UDP and SYN-ACK are left to an offload that never happens. */
static void tcp_and_udp_answers(void **state)
{
	struct wn_reply r;
	uint32_t tag;

	(void)state;
	assert_int_equal(parse_hex("4500002c000040003f0627c70a0200020a0100011f909c40da546d51"
				   "b883dd336012faf014240000020405b4",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_SYN_ACK);
	assert_int_equal(r.sport, 8080);
	assert_int_equal(r.dport, 40000);
	assert_int_equal(r.tcp_ack, 0xb883dd33);
	assert_true(wn_reply_tag(&r, WN_PROTO_TCP, &tag));
	assert_int_equal(tag, 0xb883dd32);

	assert_int_equal(parse_hex("45280028000040003f0627a30a0200020a01000100519c4000000000"
				   "b883dd335014000069820000",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_RST);

	assert_int_equal(parse_hex("6009fb48000d113ffd020000000000000000000000000002fd010000000000"
				   "000000000000000001 1e619c40000dfa2568656c6c6f",
				 &r),
		WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_UDP);
	assert_int_equal(r.sport, 7777);
}

static void endless_extension_chain(void **state)
{
	uint8_t buf[400] = {0x60};
	struct wn_reply r;

	(void)state;
	buf[4] = (uint8_t)((sizeof(buf) - 40) >> 8);
	buf[5] = (uint8_t)(sizeof(buf) - 40);
	buf[6] = 60; /* and every header after it is 0: hop by hop again */
	assert_int_equal(wn_wire_parse(buf, sizeof(buf), &r), WN_ETRUNC);
}

/* n extension headers of 8 bytes and then an ICMPv6 message of 8. */
static wn_err parse_chain(const uint8_t *kinds, size_t n, uint8_t third_byte, struct wn_reply *r)
{
	struct wn_addr a = addr_of("2001:db8::1");
	uint8_t buf[40 + 8 * 16] = {0x60};

	buf[5] = (uint8_t)(8 * n + 8);
	memcpy(buf + 8, a.bytes, 16);
	memcpy(buf + 24, a.bytes, 16);
	for (size_t i = 0; i <= n; i++)
		buf[i ? 32 + 8 * i : 6] = i < n ? kinds[i] : WN_IP_ICMP6;
	buf[40 + 2] = third_byte;
	buf[40 + 8 * n] = 129;
	return wn_wire_parse(buf, 40 + 8 * n + 8, r);
}

static void extension_header_kinds(void **state)
{
	static const uint8_t many[] = {0, 60, 43, 60, 60, 60, 60, 60, 60};
	static const uint8_t fragment[] = {44}, auth[] = {51};
	struct wn_reply r;

	(void)state;
	assert_int_equal(parse_chain(many, 8, 0, &r), WN_OK);
	assert_int_equal(r.kind, WN_REPLY_ECHO);
	assert_int_equal(parse_chain(many, 9, 0, &r), WN_ETRUNC);
	assert_int_equal(parse_chain(auth, 1, 0, &r), WN_OK);
	assert_int_equal(parse_chain(fragment, 1, 0, &r), WN_OK);
	assert_false(r.truncated);
}

static void fragments(void **state)
{
	static const uint8_t fragment[] = {44};
	struct wn_probe p = make_probe(4, WN_PROTO_TCP, 0);
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;
	struct wn_addr a = addr_of("2001:db8::1");
	uint8_t six[64] = {0x60, 0, 0, 0, 0, 16, 44, 64};
	struct wn_reply r;

	(void)state;
	assert_int_equal(parse_chain(fragment, 1, 1, &r), WN_EUNSUPPORTED); /* offset 256 */
	memcpy(six + 8, a.bytes, 16);
	six[40] = WN_IP_ICMP6;
	six[43] = 8; /* the smallest offset there is */
	six[48] = 129;
	assert_int_equal(wn_wire_parse(six, 56, &r), WN_EUNSUPPORTED);
	six[43] = 1; /* the first of several: its checksum covers what is not here */
	assert_int_equal(wn_wire_parse(six, 56, &r), WN_OK);
	assert_true(r.truncated && !r.checksum_bad);

	assert_int_equal(
		wn_wire_build_answer(WN_REPLY_RST, probe, n, 60, buf, sizeof(buf), &len), WN_OK);
	buf[6] = 0x20;
	fix_ip(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_true(r.truncated && !r.checksum_bad);
}

/* Without mended headers: a packet cut in transit or by a small buffer. */
static void packets_cut_everywhere(void **state)
{
	struct wn_probe p = make_probe(6, WN_PROTO_UDP, 0);
	uint8_t buf[WN_PACKET_MAX];
	size_t full = make_error(buf, WN_REPLY_UNREACHABLE, &p);

	(void)state;
	for (size_t n = 0; n < full; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		struct wn_reply r;
		wn_err err;

		memcpy(exact, buf, n);
		err = wn_wire_parse(exact, n, &r);
		assert_int_equal(err, n < 44 ? WN_ETRUNC : WN_OK);
		if (err == WN_OK)
			assert_true(r.truncated && !r.checksum_bad);
		free(exact);
	}
}

static void corruption_is_seen(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct wn_probe p = make_probe(family, WN_PROTO_UDP, 0);
		size_t header = family == 4 ? 20 : 40;
		uint8_t buf[WN_PACKET_MAX];
		size_t len = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);

		for (size_t i = header + 4; i < len; i++) {
			struct wn_reply r;

			buf[i] ^= 0x10;
			assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
			assert_true(r.checksum_bad);
			buf[i] ^= 0x10;
		}
	}
}

static void corrupt_direct_answers(void **state)
{
	static const enum wn_reply_kind kinds[] = {WN_REPLY_UDP, WN_REPLY_ECHO, WN_REPLY_SYN_ACK};
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	struct wn_reply r;
	size_t len;

	(void)state;
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		struct wn_probe p = make_probe(4, (enum wn_proto)proto, 0);
		size_t n = build_probe(&p, probe);

		assert_int_equal(
			wn_wire_build_answer(kinds[proto], probe, n, 60, buf, sizeof(buf), &len),
			WN_OK);
		buf[len - 1] ^= 1;
		assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
		assert_true(r.checksum_bad);
		buf[len - 1] ^= 1;
		buf[9 + 3] ^= 1; /* source address: header and pseudo header */
		assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
		assert_true(r.checksum_bad);
	}
	/* UDP without a checksum is right in IPv4 and wrong in IPv6. */
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct wn_probe p = make_probe(family, WN_PROTO_UDP, 0);
		size_t n = build_probe(&p, probe), l4 = family == 4 ? 20 : 40;

		assert_int_equal(
			wn_wire_build_answer(WN_REPLY_UDP, probe, n, 60, buf, sizeof(buf), &len),
			WN_OK);
		buf[l4 + 6] = buf[l4 + 7] = 0;
		assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
		assert_int_equal(r.checksum_bad, family == 6);
	}
}

static void without_ip_header(void **state)
{
	struct wn_probe p = make_probe(6, WN_PROTO_ICMP, 0);
	uint8_t buf[WN_PACKET_MAX];
	size_t len = make_error(buf, WN_REPLY_TOO_BIG, &p);
	struct wn_reply r;

	(void)state;
	memset(&r, 0xff, sizeof(r));
	r.from = p.dst;
	r.to = p.src;
	r.ttl = 44;
	r.tos = -1;
	assert_int_equal(wn_wire_parse_l4(WN_IP_ICMP6, buf + 40, len - 40, &r), WN_OK);
	assert_clean(&r);
	assert_int_equal(r.kind, WN_REPLY_TOO_BIG);
	assert_int_equal(r.mtu, 1300);
	assert_int_equal(r.ttl, 44);
	assert_int_equal(r.tos, -1);
	assert_int_equal(r.length, 0);
	assert_true(wn_addr_eq(&r.from, &p.dst) && wn_addr_eq(&r.to, &p.src));
	assert_int_equal(r.quote.icmp_seq, p.icmp_seq);

	buf[len - 1] ^= 1;
	assert_int_equal(wn_wire_parse_l4(WN_IP_ICMP6, buf + 40, len - 40, &r), WN_OK);
	assert_true(r.checksum_bad);
	memset(&r.to, 0, sizeof(r.to)); /* without both ends nobody can tell */
	assert_int_equal(wn_wire_parse_l4(WN_IP_ICMP6, buf + 40, len - 40, &r), WN_OK);
	assert_false(r.checksum_bad);
	buf[40] = 3; /* unreachable, were it ICMP of IPv4 */
	assert_int_equal(wn_wire_parse_l4(WN_IP_ICMP, buf + 40, len - 40, &r), WN_EUNSUPPORTED);
}

static void kinds_and_codes(void **state)
{
	static const struct {
		uint8_t family, type, code;
		int kind; /* -1: none we know */
	} cases[] = {
		{4, 11, 0, WN_REPLY_TIME_EXCEEDED},
		{4, 11, 1, WN_REPLY_REASSEMBLY},
		{4, 11, 2, -1},
		{4, 3, 0, WN_REPLY_UNREACHABLE},
		{4, 3, 4, WN_REPLY_TOO_BIG},
		{4, 3, 255, WN_REPLY_UNREACHABLE},
		{4, 12, 0, WN_REPLY_PARAM_PROBLEM},
		{4, 4, 0, WN_REPLY_SOURCE_QUENCH},
		{4, 5, 1, WN_REPLY_REDIRECT},
		{4, 8, 0, -1},
		{4, 13, 0, -1},
		{6, 3, 0, WN_REPLY_TIME_EXCEEDED},
		{6, 3, 1, WN_REPLY_REASSEMBLY},
		{6, 1, 6, WN_REPLY_UNREACHABLE},
		{6, 2, 0, WN_REPLY_TOO_BIG},
		{6, 4, 1, WN_REPLY_PARAM_PROBLEM},
		{6, 137, 0, WN_REPLY_REDIRECT},
		{6, 128, 0, -1},
		{6, 135, 0, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t msg[8] = {cases[i].type, cases[i].code};
		struct wn_reply r = {.from.family = cases[i].family};
		wn_err err = wn_wire_parse_l4(
			cases[i].family == 4 ? WN_IP_ICMP : WN_IP_ICMP6, msg, sizeof(msg), &r);

		assert_int_equal(err, cases[i].kind < 0 ? WN_EUNSUPPORTED : WN_OK);
		if (cases[i].kind >= 0)
			assert_int_equal(r.kind, cases[i].kind);
	}
}

static void v6_redirect(void **state)
{
	struct wn_probe p = make_probe(6, WN_PROTO_UDP, 0);
	uint8_t msg[WN_PACKET_MAX] = {137}, probe[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe);
	struct wn_reply r = {.from = p.dst};

	(void)state;
	assert_int_equal(wn_wire_parse_l4(WN_IP_ICMP6, msg, 40, &r), WN_OK);
	assert_false(r.truncated || r.quote.present);
	msg[40] = 2; /* target link-layer address */
	msg[41] = 1;
	msg[48] = 4; /* redirected header */
	msg[49] = (uint8_t)((8 + n + 7) / 8);
	memcpy(msg + 56, probe, n);
	assert_int_equal(wn_wire_parse_l4(WN_IP_ICMP6, msg, 48 + msg[49] * 8u, &r), WN_OK);
	assert_int_equal(r.kind, WN_REPLY_REDIRECT);
	assert_true(r.quote.payload_present);
	assert_int_equal(r.quote.quoted_bytes, n);
	msg[41] = 0; /* an option without a length must not be stepped over for ever */
	assert_int_equal(wn_wire_parse_l4(WN_IP_ICMP6, msg, 48 + msg[49] * 8u, &r), WN_OK);
	assert_false(r.quote.present);
}

static void not_replies(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_ICMP, 0);
	uint8_t buf[WN_PACKET_MAX];
	size_t len = build_probe(&p, buf);
	struct wn_reply r;

	(void)state;
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_EUNSUPPORTED); /* our own probe */
	buf[9] = 89;
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_EUNSUPPORTED);
	buf[9] = WN_IP_ICMP;
	buf[7] = 1; /* a later fragment */
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_EUNSUPPORTED);
	buf[0] = 0x44;
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_EPARSE);
	buf[0] = 0x55;
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_EPARSE);
	buf[0] = 0x45;
	buf[3] = 19; /* total length inside the header */
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_EPARSE);
	assert_int_equal(wn_wire_parse(buf, 0, &r), WN_ETRUNC);
}

static void broken_transport_headers(void **state)
{
	struct wn_reply r = {.from = addr_of("192.0.2.1")};
	uint8_t tcp[20] = {0, 80, 0, 81, [12] = 0x60, [13] = WN_TCP_SYN | WN_TCP_ACK};
	uint8_t udp[8] = {0, 80, 0, 81, 0, 7};

	(void)state;
	assert_int_equal(wn_wire_parse_l4(WN_IP_TCP, tcp, sizeof(tcp), &r), WN_OK);
	assert_true(r.truncated); /* options that are not there */
	tcp[12] = 0x40;
	assert_int_equal(wn_wire_parse_l4(WN_IP_TCP, tcp, sizeof(tcp), &r), WN_EPARSE);
	assert_int_equal(wn_wire_parse_l4(WN_IP_TCP, tcp, 19, &r), WN_OK);
	assert_true(r.truncated);
	assert_int_equal(r.sport, 80);
	assert_int_equal(wn_wire_parse_l4(WN_IP_TCP, tcp, 3, &r), WN_ETRUNC);
	assert_int_equal(wn_wire_parse_l4(WN_IP_UDP, udp, sizeof(udp), &r), WN_EPARSE);
	udp[5] = 9;
	assert_int_equal(wn_wire_parse_l4(WN_IP_UDP, udp, sizeof(udp), &r), WN_OK);
	assert_true(r.truncated);
}

/* What is half done by Linux for UDP and TCP is never so for ICMPv6. */
static void half_a_checksum_is_wrong_in_icmp6(void **state)
{
	struct wn_probe p = make_probe(6, WN_PROTO_ICMP, 0);
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;
	struct wn_reply r;
	uint16_t half;

	(void)state;
	assert_int_equal(
		wn_wire_build_answer(WN_REPLY_ECHO, probe, n, 60, buf, sizeof(buf), &len), WN_OK);
	half = (uint16_t)~wn_csum_finish(
		wn_csum_pseudo(&p.src, &p.dst, WN_IP_ICMP6, (uint32_t)(len - 40)));
	buf[42] = (uint8_t)(half >> 8);
	buf[43] = (uint8_t)half;
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_true(r.checksum_bad);
}

static void link_padding_is_ignored(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_TCP, 0);
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;
	struct wn_reply r;

	(void)state;
	assert_int_equal(
		wn_wire_build_answer(WN_REPLY_RST, probe, n, 60, buf, sizeof(buf), &len), WN_OK);
	assert_int_equal(len, 40);
	memset(buf + len, 0xee, 6); /* Ethernet's smallest frame */
	assert_int_equal(wn_wire_parse(buf, len + 6, &r), WN_OK);
	assert_clean(&r);
	assert_int_equal(r.length, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v4_time_exceeded_udp),
		cmocka_unit_test(v4_time_exceeded_icmp_and_tcp),
		cmocka_unit_test(v6_errors),
		cmocka_unit_test(echo_replies),
		cmocka_unit_test(tcp_and_udp_answers),
		cmocka_unit_test(endless_extension_chain),
		cmocka_unit_test(extension_header_kinds),
		cmocka_unit_test(fragments),
		cmocka_unit_test(packets_cut_everywhere),
		cmocka_unit_test(corruption_is_seen),
		cmocka_unit_test(corrupt_direct_answers),
		cmocka_unit_test(without_ip_header),
		cmocka_unit_test(kinds_and_codes),
		cmocka_unit_test(v6_redirect),
		cmocka_unit_test(not_replies),
		cmocka_unit_test(broken_transport_headers),
		cmocka_unit_test(half_a_checksum_is_wrong_in_icmp6),
		cmocka_unit_test(link_padding_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
