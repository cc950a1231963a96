/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "packets.h"

static const uint16_t extras[] = {0, 1, 2, 7, 8, 9, 26, 100, 1421, 9000};

#define EXTRAS (sizeof(extras) / sizeof(extras[0]))

/* Calls check for every protocol, family and a range of sizes. */
static void for_all(void (*check)(const struct wn_probe *p))
{
	for (uint8_t family = 4; family <= 6; family += 2)
		for (int proto = 0; proto < WN_PROTO_COUNT; proto++)
			for (size_t i = 0; i < EXTRAS; i++) {
				struct wn_probe p =
					make_probe(family, (enum wn_proto)proto, extras[i]);

				check(&p);
			}
}

static void check_bytes(const struct wn_probe *p)
{
	uint8_t buf[WN_PACKET_MAX];
	size_t len = build_probe(p, buf);
	struct wn_wire_head h;

	assert_int_equal(len, p->size);
	assert_true(naive_right(buf, len));
	assert_int_equal(wn_wire_head(buf, len, &h), WN_OK);
	assert_true(wn_addr_eq(&h.src, &p->src));
	assert_true(wn_addr_eq(&h.dst, &p->dst));
	assert_int_equal(h.ttl, p->ttl);
	assert_int_equal(h.tos, p->tos);
	assert_true(h.df);
	assert_int_equal(h.length, p->size);
	assert_int_equal(h.ip_id, p->dst.family == 4 ? p->ip_id : 0);
	assert_int_equal(h.flow_label, p->flow_label);
	assert_int_equal(h.sport, p->sport);
	assert_int_equal(h.dport, p->dport);
	assert_int_equal(h.icmp_id, p->icmp_id);
	assert_int_equal(h.icmp_seq, p->proto == WN_PROTO_ICMP ? p->icmp_seq : 0);
	assert_int_equal(h.tcp_flags, p->proto == WN_PROTO_TCP ? WN_TCP_SYN : 0);
	if (p->proto != WN_PROTO_TCP)
		assert_int_equal(h.checksum, p->checksum);
}

static void all_bytes_right(void **state)
{
	(void)state;
	for_all(check_bytes);
}

/* What a router quotes in full gives back every field of the probe. */
static void check_quote(const struct wn_probe *p)
{
	uint8_t buf[WN_PACKET_MAX], err[WN_PACKET_MAX];
	struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED,
		.from = p->dst,
		.to = p->src,
		.ttl = 61,
		.tos = 0xc0};
	struct wn_reply r;
	const struct wn_quote *q = &r.quote;
	size_t len = build_probe(p, buf), err_len;
	uint32_t tag;

	assert_int_equal(wn_wire_build_error(&e, buf, len, err, sizeof(err), &err_len), WN_OK);
	assert_true(naive_right(err, err_len));
	assert_int_equal(wn_wire_parse(err, err_len, &r), WN_OK);
	assert_int_equal(r.kind, WN_REPLY_TIME_EXCEEDED);
	assert_false(r.truncated || r.checksum_bad || r.ext.present);
	assert_int_equal(r.ttl, 61);
	assert_int_equal(r.tos, 0xc0);
	assert_true(q->present && q->l4_present);
	assert_true(wn_addr_eq(&q->src, &p->src) && wn_addr_eq(&q->dst, &p->dst));
	assert_int_equal(q->ttl, p->ttl);
	assert_int_equal(q->tos, p->tos);
	assert_int_equal(q->length, p->size);
	assert_int_equal(q->flow_label, p->flow_label);
	assert_int_equal(q->sport, p->sport);
	assert_int_equal(q->dport, p->dport);
	assert_int_equal(q->icmp_id, p->icmp_id);
	assert_true(wn_reply_tag(&r, p->proto, &tag));
	assert_int_equal(tag, wn_probe_tag(p));
	assert_int_equal(q->payload_present, wn_probe_payload_size(p) >= 8);
	if (q->payload_present)
		assert_memory_equal(q->cookie, p->cookie, 8);
}

static void quotes_give_probes_back(void **state)
{
	(void)state;
	for_all(check_quote);
}

/* The same fixed flow for every probe: nothing but what identifies it differs. */
static void icmp_checksum_is_the_flows(void **state)
{
	uint8_t buf[WN_PACKET_MAX];
	struct wn_wire_head h;

	(void)state;
	for (uint32_t n = 0; n < 2000; n++) {
		struct wn_probe p = make_probe(n % 2 ? 4 : 6, WN_PROTO_ICMP, (uint16_t)(n % 60));
		size_t len;

		wn_probe_stamp(&p, &test_key, n, 0);
		len = build_probe(&p, buf);
		assert_int_equal(wn_wire_head(buf, len, &h), WN_OK);
		assert_int_equal(h.checksum, 0xbeef);
		assert_true(naive_right(buf, len));
	}
}

static void every_checksum_can_be_had(void **state)
{
	uint8_t buf[WN_PACKET_MAX];
	struct wn_wire_head h;

	(void)state;
	for (uint32_t want = 1; want <= 0xffff; want++) {
		struct wn_probe p = make_probe(4, want % 2 ? WN_PROTO_UDP : WN_PROTO_ICMP, 0);
		size_t len;

		p.checksum = (uint16_t)want;
		len = build_probe(&p, buf);
		assert_int_equal(wn_wire_head(buf, len, &h), WN_OK);
		assert_int_equal(h.checksum, want);
		assert_true(naive_right(buf, len));
	}
}

static void natural_checksum(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_ICMP, 0);
	uint8_t buf[WN_PACKET_MAX];
	size_t len;

	(void)state;
	p.checksum = 0;
	len = build_probe(&p, buf);
	assert_true(naive_right(buf, len));
	assert_int_equal(buf[28 + 8] | buf[28 + 9], 0); /* nothing compensated */
	/* A natural UDP checksum of 0 must go out as 0xffff. Found by trying all ports. */
	for (uint32_t port = 0; port <= 0xffff; port++) {
		p = make_probe(4, WN_PROTO_UDP, 0);
		p.checksum = 0;
		p.dport = (uint16_t)port;
		len = build_probe(&p, buf);
		assert_true(buf[26] || buf[27]);
		assert_int_equal(naive_l4_sum(buf, len), 0xffff);
	}
}

static void payload_layout(void **state)
{
	struct wn_probe p = make_probe(6, WN_PROTO_UDP, 5);
	uint8_t buf[WN_PACKET_MAX], part[WN_PACKET_MAX];
	size_t len = build_probe(&p, buf), part_len;

	(void)state;
	assert_memory_equal(buf + 48, p.cookie, 8);
	for (size_t i = 58; i < len; i++)
		assert_int_equal(buf[i], p.pattern);
	assert_int_equal(wn_wire_build_payload(&p, part, sizeof(part), &part_len), WN_OK);
	assert_int_equal(part_len, len - 48);
	assert_memory_equal(part, buf + 48, part_len);

	p = make_probe(4, WN_PROTO_ICMP, 5);
	len = build_probe(&p, buf);
	assert_int_equal(wn_wire_build_payload(&p, part, sizeof(part), &part_len), WN_OK);
	assert_int_equal(part_len, len - 20);
	assert_memory_equal(part, buf + 20, part_len);

	p = make_probe(4, WN_PROTO_TCP, 0);
	assert_int_equal(wn_wire_build_payload(&p, part, sizeof(part), &part_len), WN_OK);
	assert_int_equal(part_len, 0);
}

static void short_buffers(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 0);
	uint8_t buf[WN_PACKET_MAX];
	size_t len = 1;

	(void)state;
	assert_int_equal(wn_wire_build(&p, buf, p.size - 1u, &len), WN_EFULL);
	assert_int_equal(len, 0);
	assert_int_equal(wn_wire_build_payload(&p, buf, 9, &len), WN_EFULL);
	assert_int_equal(wn_wire_build_payload(&p, buf, 10, &len), WN_OK);
	p.ttl = 0;
	assert_int_equal(wn_wire_build(&p, buf, sizeof(buf), &len), WN_ERANGE);
	assert_int_equal(wn_wire_build_payload(&p, buf, sizeof(buf), &len), WN_ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_bytes_right),
		cmocka_unit_test(quotes_give_probes_back),
		cmocka_unit_test(icmp_checksum_is_the_flows),
		cmocka_unit_test(every_checksum_can_be_had),
		cmocka_unit_test(natural_checksum),
		cmocka_unit_test(payload_layout),
		cmocka_unit_test(short_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
