/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "packets.h"

static size_t answer(enum wn_reply_kind kind, const struct wn_probe *p, uint8_t *buf)
{
	uint8_t probe[WN_PACKET_MAX];
	size_t n = build_probe(p, probe), len = 0;

	assert_int_equal(wn_wire_build_answer(kind, probe, n, 57, buf, WN_PACKET_MAX, &len), WN_OK);
	assert_true(naive_right(buf, len));
	return len;
}

static void parse_answer(
	const struct wn_probe *p, const uint8_t *buf, size_t len, struct wn_reply *r)
{
	assert_int_equal(wn_wire_parse(buf, len, r), WN_OK);
	assert_false(r->truncated || r->checksum_bad);
	assert_true(wn_addr_eq(&r->from, &p->dst) && wn_addr_eq(&r->to, &p->src));
	assert_int_equal(r->ttl, 57);
	assert_int_equal(r->length, len);
}

static void echo(void **state)
{
	uint8_t buf[WN_PACKET_MAX];
	struct wn_reply r;

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint16_t extra = 0; extra < 9; extra++) {
			struct wn_probe p = make_probe(family, WN_PROTO_ICMP, extra);
			size_t len = answer(WN_REPLY_ECHO, &p, buf);

			assert_int_equal(len, p.size);
			parse_answer(&p, buf, len, &r);
			assert_int_equal(r.kind, WN_REPLY_ECHO);
			assert_int_equal(r.tos, p.tos);
			assert_int_equal(r.icmp_id, p.icmp_id);
			assert_int_equal(r.icmp_seq, p.icmp_seq);
			assert_true(r.payload_present);
			assert_memory_equal(r.cookie, p.cookie, 8);
		}
}

static void tcp(void **state)
{
	uint8_t buf[WN_PACKET_MAX];
	struct wn_reply r;
	uint32_t tag;

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint16_t extra = 0; extra < 20; extra += 9) {
			struct wn_probe p = make_probe(family, WN_PROTO_TCP, extra);

			parse_answer(&p, buf, answer(WN_REPLY_SYN_ACK, &p, buf), &r);
			assert_int_equal(r.kind, WN_REPLY_SYN_ACK);
			assert_int_equal(r.sport, p.dport);
			assert_int_equal(r.dport, p.sport);
			assert_true(wn_reply_tag(&r, WN_PROTO_TCP, &tag));
			assert_int_equal(tag, p.tcp_seq);

			parse_answer(&p, buf, answer(WN_REPLY_RST, &p, buf), &r);
			assert_int_equal(r.kind, WN_REPLY_RST);
			assert_int_equal(r.tcp_seq, 0);
			assert_true(wn_reply_tag(&r, WN_PROTO_TCP, &tag));
			assert_int_equal((uint32_t)(tag - wn_probe_payload_size(&p)), p.tcp_seq);
		}
}

static void udp(void **state)
{
	uint8_t buf[WN_PACKET_MAX];
	struct wn_reply r;

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct wn_probe p = make_probe(family, WN_PROTO_UDP, 3);

		parse_answer(&p, buf, answer(WN_REPLY_UDP, &p, buf), &r);
		assert_int_equal(r.kind, WN_REPLY_UDP);
		assert_int_equal(r.sport, p.dport);
		assert_int_equal(r.dport, p.sport);
	}
}

/* An echoed sum of 0 must not go out as "no checksum"; all ports are tried to meet it. */
static void udp_sum_is_never_zero(void **state)
{
	uint8_t buf[WN_PACKET_MAX];
	bool seen = false;

	(void)state;
	for (uint32_t port = 0; port <= 0xffff; port++) {
		struct wn_probe p = make_probe(6, WN_PROTO_UDP, 0);

		p.checksum = 0;
		p.sport = (uint16_t)port;
		answer(WN_REPLY_UDP, &p, buf);
		assert_true(buf[46] || buf[47]);
		seen |= buf[46] == 0xff && buf[47] == 0xff;
	}
	assert_true(seen);
}

static void padding_is_not_answered(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_ICMP, 0);
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;

	(void)state;
	memset(probe + n, 0, 8);
	assert_int_equal(
		wn_wire_build_answer(WN_REPLY_ECHO, probe, n + 8, 60, buf, sizeof(buf), &len),
		WN_OK);
	assert_int_equal(len, n);
}

static void only_what_was_asked(void **state)
{
	static const enum wn_reply_kind right[][2] = {
		[WN_PROTO_UDP] = {WN_REPLY_UDP, WN_REPLY_UDP},
		[WN_PROTO_ICMP] = {WN_REPLY_ECHO, WN_REPLY_ECHO},
		[WN_PROTO_TCP] = {WN_REPLY_SYN_ACK, WN_REPLY_RST},
	};
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];

	(void)state;
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		struct wn_probe p = make_probe(4, (enum wn_proto)proto, 0);
		size_t n = build_probe(&p, probe), len;

		for (int k = 0; k < WN_REPLY_KINDS; k++) {
			enum wn_reply_kind kind = (enum wn_reply_kind)k;
			bool fits = kind == right[proto][0] || kind == right[proto][1];

			assert_int_equal(wn_wire_build_answer(kind, probe, n, 60, buf, sizeof(buf),
						 &len) == WN_OK,
				fits);
		}
		/* A reply is not answered, nor a packet cut within its header. */
		for (size_t cut = 0; cut < 28; cut++)
			assert_int_not_equal(wn_wire_build_answer(right[proto][0], probe, cut, 60,
						     buf, sizeof(buf), &len),
				WN_OK);
	}
}

static void echo_reply_is_not_answered(void **state)
{
	struct wn_probe p = make_probe(6, WN_PROTO_ICMP, 0);
	uint8_t first[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = answer(WN_REPLY_ECHO, &p, first), len;

	(void)state;
	assert_int_equal(wn_wire_build_answer(WN_REPLY_ECHO, first, n, 60, buf, sizeof(buf), &len),
		WN_EINVAL);
}

static void every_kind_of_error(void **state)
{
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	struct wn_reply r;

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (int k = 0; k < WN_REPLY_KINDS; k++) {
			struct wn_probe p = make_probe(family, WN_PROTO_UDP, 0);
			struct wn_wire_error e = {.kind = (enum wn_reply_kind)k,
				.code = 1,
				.mtu = 1480,
				.from = p.dst,
				.to = p.src,
				.ttl = 60,
				.ip_id = 77};
			size_t n = build_probe(&p, probe), len;
			wn_err err = wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len);

			if (k >= WN_REPLY_ECHO ||
				(family == 6 &&
					(k == WN_REPLY_SOURCE_QUENCH || k == WN_REPLY_REDIRECT))) {
				assert_int_equal(err, WN_EINVAL);
				continue;
			}
			assert_int_equal(err, WN_OK);
			assert_true(naive_right(buf, len));
			assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
			assert_int_equal(r.kind, k);
			assert_int_equal(r.mtu, k == WN_REPLY_TOO_BIG ? 1480 : 0);
			if (k == WN_REPLY_UNREACHABLE || k == WN_REPLY_PARAM_PROBLEM)
				assert_int_equal(r.icmp_code, 1);
		}
}

static void size_limits(void **state)
{
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct wn_probe p = make_probe(family, WN_PROTO_UDP, 4000);
		struct wn_wire_error e = {
			.kind = WN_REPLY_UNREACHABLE, .from = p.dst, .to = p.src, .ttl = 60};
		size_t n = build_probe(&p, probe), len, full = family == 4 ? 576 : 1280;

		assert_int_equal(wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len), WN_OK);
		assert_int_equal(len, full);
		assert_int_equal(wn_wire_build_error(&e, probe, n, buf, full - 1, &len), WN_EFULL);
		assert_int_equal(len, 0);
		assert_int_equal(wn_wire_build_answer(WN_REPLY_UDP, probe, n, 60, buf, n - 1, &len),
			WN_EFULL);
		e.to.family = 0;
		assert_int_equal(
			wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len), WN_EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo),
		cmocka_unit_test(tcp),
		cmocka_unit_test(udp),
		cmocka_unit_test(udp_sum_is_never_zero),
		cmocka_unit_test(padding_is_not_answered),
		cmocka_unit_test(only_what_was_asked),
		cmocka_unit_test(echo_reply_is_not_answered),
		cmocka_unit_test(every_kind_of_error),
		cmocka_unit_test(size_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
