/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/rng.h"
#include "packets.h"

static struct wn_addr random_addr(struct wn_rng *rng, uint8_t family)
{
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)wn_rng_u64(rng);
	return wn_addr_from_bytes(family, bytes);
}

/* Any series of changes leaves right checksums, and the header says what was set. */
static void checksums_stay_right(void **state)
{
	uint8_t buf[WN_PACKET_MAX];
	struct wn_wire_head h;
	struct wn_rng rng;

	(void)state;
	wn_rng_seed(&rng, 3);
	for (int round = 0; round < 20000; round++) {
		uint8_t family = round % 2 ? 4 : 6;
		enum wn_proto proto = (enum wn_proto)wn_rng_below(&rng, WN_PROTO_COUNT);
		struct wn_probe p = make_probe(family, proto, (uint16_t)(round % 16));
		struct wn_addr src = random_addr(&rng, family), dst = random_addr(&rng, family);
		uint16_t sport = (uint16_t)(1 + wn_rng_below(&rng, 0xffff));
		uint16_t dport = (uint16_t)(1 + wn_rng_below(&rng, 0xffff));
		uint8_t ttl = (uint8_t)wn_rng_u64(&rng), tos = (uint8_t)wn_rng_u64(&rng);
		size_t len = build_probe(&p, buf);

		assert_int_equal(wn_wire_set_ttl(buf, len, ttl), WN_OK);
		assert_int_equal(wn_wire_set_tos(buf, len, tos), WN_OK);
		assert_int_equal(wn_wire_set_src(buf, len, &src, sport), WN_OK);
		assert_true(naive_right(buf, len));
		assert_int_equal(wn_wire_set_dst(buf, len, &dst, dport), WN_OK);
		assert_true(naive_right(buf, len));
		assert_int_equal(wn_wire_head(buf, len, &h), WN_OK);
		assert_int_equal(h.ttl, ttl);
		assert_int_equal(h.tos, tos);
		assert_int_equal(h.flow_label, p.flow_label);
		assert_true(wn_addr_eq(&h.src, &src) && wn_addr_eq(&h.dst, &dst));
		if (proto == WN_PROTO_ICMP) {
			assert_int_equal(h.icmp_id, dport);
			assert_int_equal(h.icmp_seq, p.icmp_seq);
		} else {
			assert_int_equal(h.sport, sport);
			assert_int_equal(h.dport, dport);
		}
	}
}

static struct wn_tcp_opts options_of(const uint8_t *pkt, size_t len)
{
	struct wn_reply r;

	assert_true(naive_right(pkt, len));
	assert_int_equal(wn_wire_parse(pkt, len, &r), WN_OK);
	assert_true(r.tcp_opts.whole);
	return r.tcp_opts;
}

/* Each set of options less each other one; what is behind the header is not touched. */
static void tcp_options_become_padding(void **state)
{
	uint8_t buf[WN_PACKET_MAX], was[WN_PACKET_MAX];

	(void)state;
	for (unsigned i = 0; i < 16 * 16 * 2; i++) {
		uint8_t set = i & 15, strip = i >> 4 & 15, family = i >> 8 ? 6 : 4;
		uint16_t size = wn_tcp_options_size(set);
		struct wn_probe p = make_probe(family, WN_PROTO_TCP, (uint16_t)(size + 11));
		struct wn_tcp_opts o;
		size_t len;

		p.tcp_options = set;
		wn_probe_stamp(&p, &test_key, i, 0);
		len = build_probe(&p, buf);
		memcpy(was, buf, len);
		wn_wire_strip_tcp(buf, len, strip);
		o = options_of(buf, len);
		assert_int_equal(o.set, set & ~strip);
		assert_int_equal(o.tsval, o.set & WN_TCP_OPT_TIMESTAMPS ? p.tcp_tsval : 0);
		assert_memory_equal(buf + len - 11, was + len - 11, 11);
		wn_wire_clamp_mss(buf, len, 1234);
		o = options_of(buf, len);
		assert_int_equal(o.mss, o.set & WN_TCP_OPT_MSS ? 1234 : 0);
		wn_wire_clamp_mss(buf, len, 1235); /* never raised */
		assert_int_equal(options_of(buf, len).mss, o.mss);
	}
}

/* An MSS at an odd place, as the last bytes of the packet; in no SYN; in a header that is cut. */
static void strange_tcp_headers(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_TCP, 8);
	uint8_t buf[WN_PACKET_MAX], was[WN_PACKET_MAX];
	size_t len;

	(void)state;
	p.tcp_options = WN_TCP_OPT_MSS | WN_TCP_OPT_WSCALE;
	len = build_probe(&p, buf);
	from_hex("03030701020405b4", buf + 40, 8);
	buf[36] = buf[37] = 0;
	put_sum(buf + 36, naive_l4_sum(buf, len));
	wn_wire_clamp_mss(buf, len, 536);
	assert_int_equal(options_of(buf, len).mss, 536);
	from_hex("030307020405b401", buf + 40, 8);
	buf[36] = buf[37] = 0;
	put_sum(buf + 36, naive_l4_sum(buf, len));
	wn_wire_clamp_mss(buf, len, 536);
	assert_int_equal(options_of(buf, len).mss, 536);
	assert_int_equal(buf[47], 1);

	p.tcp_flags = WN_TCP_ACK;
	len = build_probe(&p, buf);
	wn_wire_clamp_mss(buf, len, 536);
	assert_int_equal(options_of(buf, len).mss, 1460);
	memcpy(was, buf, len);
	wn_wire_strip_tcp(buf, len - 1, WN_TCP_OPT_USUAL);
	assert_memory_equal(buf, was, len);
	p = make_probe(4, WN_PROTO_UDP, 30);
	len = build_probe(&p, buf);
	memcpy(was, buf, len);
	wn_wire_strip_tcp(buf, len, WN_TCP_OPT_USUAL);
	wn_wire_clamp_mss(buf, len, 1);
	assert_memory_equal(buf, was, len);
}

static void port_zero_keeps_the_port(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_ICMP, 0);
	struct wn_addr nat = addr_of("203.0.113.200");
	uint8_t buf[WN_PACKET_MAX];
	size_t len = build_probe(&p, buf);
	struct wn_wire_head h;

	(void)state;
	assert_int_equal(wn_wire_set_src(buf, len, &nat, 0), WN_OK);
	assert_int_equal(wn_wire_head(buf, len, &h), WN_OK);
	assert_int_equal(h.icmp_id, p.icmp_id);
	assert_int_equal(h.checksum, p.checksum); /* no address in ICMP's sum */
	assert_true(naive_right(buf, len));
}

static void udp_without_checksum_stays_so(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 0);
	struct wn_addr nat = addr_of("203.0.113.200");
	uint8_t buf[WN_PACKET_MAX];
	size_t len = build_probe(&p, buf);

	(void)state;
	buf[26] = buf[27] = 0;
	assert_int_equal(wn_wire_set_src(buf, len, &nat, 4000), WN_OK);
	assert_int_equal(buf[26] | buf[27], 0);
	assert_true(naive_right(buf, len));
}

/* All ports are tried, so the one is among them at which the sum comes out at 0. */
static void udp_checksum_never_becomes_zero(void **state)
{
	struct wn_probe p = make_probe(6, WN_PROTO_UDP, 0);
	uint8_t buf[WN_PACKET_MAX];
	size_t len = build_probe(&p, buf);
	bool seen = false;

	(void)state;
	for (uint32_t port = 1; port <= 0xffff; port++) {
		assert_int_equal(wn_wire_set_dst(buf, len, &p.dst, (uint16_t)port), WN_OK);
		assert_true(buf[46] || buf[47]);
		assert_true(naive_right(buf, len));
		seen |= buf[46] == 0xff && buf[47] == 0xff;
	}
	assert_true(seen);
}

/* A wrong checksum must not be healed by the way. */
static void corruption_survives(void **state)
{
	struct wn_addr nat4 = addr_of("203.0.113.200"), nat6 = addr_of("2001:db8:a::b");
	uint8_t buf[WN_PACKET_MAX];

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
			struct wn_probe p = make_probe(family, (enum wn_proto)proto, 4);
			size_t len = build_probe(&p, buf);

			buf[len - 1] ^= 0x40;
			assert_int_equal(
				wn_wire_set_src(buf, len, family == 4 ? &nat4 : &nat6, 9), WN_OK);
			assert_int_equal(wn_wire_set_ttl(buf, len, 3), WN_OK);
			assert_false(naive_right(buf, len));
		}
}

/* Quotes: a NAT changes what is there and nothing beyond; the part changed stays consistent. */
static void cut_packets(void **state)
{
	struct wn_addr nat = addr_of("2001:db8:a::b");
	uint8_t whole[WN_PACKET_MAX], cut[WN_PACKET_MAX];

	(void)state;
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		struct wn_probe p = make_probe(6, (enum wn_proto)proto, 0);
		size_t len = build_probe(&p, whole);

		memcpy(cut, whole, len);
		assert_int_equal(wn_wire_set_dst(whole, len, &nat, 1234), WN_OK);
		for (size_t n = 0; n <= len; n++) {
			uint8_t part[WN_PACKET_MAX];

			memset(part, 0xaa, sizeof(part));
			memcpy(part, cut, n);
			assert_int_equal(
				wn_wire_set_dst(part, n, &nat, 1234), n < 40 ? WN_ETRUNC : WN_OK);
			if (n >= 48)
				assert_memory_equal(part, whole, n < 58 ? 48 : n);
			for (size_t i = n; i < len + 8; i++)
				assert_int_equal(part[i], 0xaa);
		}
	}
}

/* A later fragment holds data where the first has ports and checksum. */
static void later_fragments(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 10);
	struct wn_addr nat = addr_of("203.0.113.200");
	uint8_t buf[WN_PACKET_MAX], was[WN_PACKET_MAX];
	size_t len = build_probe(&p, buf);

	(void)state;
	buf[7] = 1;
	memcpy(was, buf, len);
	assert_int_equal(wn_wire_set_src(buf, len, &nat, 7), WN_OK);
	assert_memory_equal(buf + 20, was + 20, len - 20);
	assert_memory_equal(buf + 12, nat.bytes, 4);
}

static void refusals(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_TCP, 0);
	struct wn_addr six = addr_of("2001:db8::1");
	uint8_t buf[WN_PACKET_MAX];
	size_t len = build_probe(&p, buf);

	(void)state;
	assert_int_equal(wn_wire_set_src(buf, len, &six, 1), WN_EINVAL);
	assert_true(naive_right(buf, len));
	assert_int_equal(wn_wire_set_ttl(buf, 19, 1), WN_ETRUNC);
	assert_int_equal(wn_wire_set_tos(buf, 0, 1), WN_ETRUNC);
	buf[0] = 0x75;
	assert_int_equal(wn_wire_set_ttl(buf, len, 1), WN_EPARSE);
	assert_int_equal(wn_wire_set_tos(buf, len, 1), WN_EPARSE);
	assert_int_equal(wn_wire_set_src(buf, len, &six, 1), WN_EPARSE);
}

static void head_of_an_error(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 0);
	struct wn_wire_error e = {.kind = WN_REPLY_UNREACHABLE,
		.code = 13,
		.from = p.dst,
		.to = p.src,
		.ttl = 60,
		.ip_id = 0x1234};
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;
	struct wn_wire_head h;

	(void)state;
	assert_int_equal(wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len), WN_OK);
	assert_int_equal(wn_wire_head(buf, len, &h), WN_OK);
	assert_int_equal(h.proto, WN_IP_ICMP);
	assert_int_equal(h.icmp_type, 3);
	assert_int_equal(h.icmp_code, 13);
	assert_int_equal(h.ip_id, 0x1234);
	assert_int_equal(h.icmp_id | h.icmp_seq, 0); /* an error has other fields there */
	assert_int_equal(h.l4_offset, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_stay_right),
		cmocka_unit_test(tcp_options_become_padding),
		cmocka_unit_test(strange_tcp_headers),
		cmocka_unit_test(port_zero_keeps_the_port),
		cmocka_unit_test(udp_without_checksum_stays_so),
		cmocka_unit_test(udp_checksum_never_becomes_zero),
		cmocka_unit_test(corruption_survives),
		cmocka_unit_test(cut_packets),
		cmocka_unit_test(later_fragments),
		cmocka_unit_test(refusals),
		cmocka_unit_test(head_of_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
