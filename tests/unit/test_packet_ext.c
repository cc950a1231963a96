/* SPDX-License-Identifier: Apache-2.0 */
/* Extension structures written by hand after the figures of RFC 4884, 4950 and 5837. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "packets.h"

/* version 2, checksum; object of 12 bytes, class 1, type 1; labels 24001/5/0/254, 16/0/1/1 */
#define MPLS "2000bd16 000c0101 05dc1afe 00010101"
/* incoming interface: index 517, 192.0.2.9, "ge-0/0/1", MTU 9000; next hop: 2001:db8::42 */
#define INTERFACES                                                                                 \
	"2000c2cc 0020020f 00000205 00010000 c0000209 0c67652d302f302f31000000 00002328"           \
	"001802c4 00020000 20010db8000000000000000000000042"
/* an object nobody knows before the labels */
#define UNKNOWN "2000286f 0008f701 deadbeef 000c0101 05dc1afe 00010101"

static void parse_hex(const char *hex, struct wn_ext *ext)
{
	uint8_t buf[512];
	size_t len = from_hex(hex, buf, sizeof(buf));

	wn_wire_parse_ext(buf, len, ext);
}

static void mpls(void **state)
{
	struct wn_ext ext;

	(void)state;
	parse_hex(MPLS, &ext);
	assert_true(ext.present);
	assert_false(ext.bad);
	assert_int_equal(ext.mpls_count, 2);
	assert_int_equal(ext.mpls[0].label, 24001);
	assert_int_equal(ext.mpls[0].tc, 5);
	assert_false(ext.mpls[0].bottom);
	assert_int_equal(ext.mpls[0].ttl, 254);
	assert_int_equal(ext.mpls[1].label, 16);
	assert_true(ext.mpls[1].bottom);
	assert_int_equal(ext.mpls[1].ttl, 1);
	assert_int_equal(ext.ifinfo_count + ext.object_count + ext.dropped, 0);
}

static void interfaces(void **state)
{
	char buf[WN_ADDR_STRLEN];
	struct wn_ext ext;

	(void)state;
	parse_hex(INTERFACES, &ext);
	assert_false(ext.bad);
	assert_int_equal(ext.ifinfo_count, 2);
	assert_true(ext.ifinfo[0].present);
	assert_int_equal(ext.ifinfo[0].role, 0);
	assert_int_equal(ext.ifinfo[0].ifindex, 517);
	assert_string_equal(wn_addr_str(&ext.ifinfo[0].addr, buf), "192.0.2.9");
	assert_string_equal(ext.ifinfo[0].name, "ge-0/0/1");
	assert_int_equal(ext.ifinfo[0].mtu, 9000);
	assert_int_equal(ext.ifinfo[1].role, 3);
	assert_int_equal(ext.ifinfo[1].ifindex, 0);
	assert_string_equal(wn_addr_str(&ext.ifinfo[1].addr, buf), "2001:db8::42");
	assert_string_equal(ext.ifinfo[1].name, "");
}

static void unknown_objects_are_kept(void **state)
{
	static const uint8_t bytes[4] = {0xde, 0xad, 0xbe, 0xef};
	struct wn_ext ext;

	(void)state;
	parse_hex(UNKNOWN, &ext);
	assert_false(ext.bad);
	assert_int_equal(ext.object_count, 1);
	assert_int_equal(ext.objects[0].class_num, 247);
	assert_int_equal(ext.objects[0].c_type, 1);
	assert_int_equal(ext.objects[0].len, 4);
	assert_memory_equal(ext.objects[0].data, bytes, 4);
	assert_int_equal(ext.mpls_count, 2);
}

/* Sets the checksum; 0 in the field means that there is none. */
static void parse_summed(uint8_t *buf, size_t len, bool sum, struct wn_ext *ext)
{
	uint8_t *exact = malloc(len ? len : 1);
	uint16_t csum;

	if (len >= 4) {
		buf[2] = buf[3] = 0;
		csum = (uint16_t)~naive_sum(0, buf, len);
		buf[2] = (uint8_t)(sum ? csum >> 8 : 0);
		buf[3] = (uint8_t)(sum ? csum : 0);
	}
	memcpy(exact, buf, len);
	wn_wire_parse_ext(exact, len, ext);
	free(exact);
}

static void no_checksum_is_allowed(void **state)
{
	uint8_t buf[64];
	size_t len = from_hex(MPLS, buf, sizeof(buf));
	struct wn_ext ext;

	(void)state;
	parse_summed(buf, len, false, &ext);
	assert_false(ext.bad);
	assert_int_equal(ext.mpls_count, 2);
}

static void assert_unbelieved(const struct wn_ext *ext)
{
	assert_true(ext->present && ext->bad);
	assert_int_equal(ext->mpls_count + ext->ifinfo_count + ext->object_count, 0);
}

static void broken_ones_are_not_believed(void **state)
{
	static const char *const broken[] = {
		"", "20", "200000", "1000 0000 000c0101 05dc1afe 00010101", /* version 1 */
		"2000 0000 00030101",			     /* shorter than itself */
		"2000 0000 00000101 05dc1afe",		     /* no length at all */
		"2000 0000 00100101 05dc1afe 00010101",	     /* longer than the rest */
		"2000 0000 000b0101 05dc1a fe0001",	     /* half a label */
		"2000 0000 00080101 05dc1afe 0001",	     /* half an object */
		"2000 0000 00060208 0001",		     /* half an index */
		"2000 0000 000c0204 00010000 c0000209 0000", /* bytes after it */
		"2000 0000 000c0204 00030000 c0000209",	     /* unknown kind of address */
		"2000 0000 00080202 00414243",		     /* name of length 0 */
		"2000 0000 00080202 41414243",		     /* name beyond 64 */
		"2000 0000 00080202 08414243",		     /* name beyond the object */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		uint8_t buf[64];
		size_t len = from_hex(broken[i], buf, sizeof(buf));
		struct wn_ext ext;

		parse_summed(buf, len, true, &ext);
		assert_unbelieved(&ext);
	}
}

static void wrong_checksum(void **state)
{
	uint8_t buf[64];
	size_t len = from_hex(UNKNOWN, buf, sizeof(buf));
	struct wn_ext ext;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		buf[i] ^= 1;
		wn_wire_parse_ext(buf, len, &ext);
		assert_unbelieved(&ext);
		buf[i] ^= 1;
	}
}

static void bounds_are_counted(void **state)
{
	uint8_t buf[4 + 4 + 4 * 20] = {0x20, 0, 0, 0, 0, 4 + 4 * 20, 1, 1};
	uint8_t objects[4 + 20 * 4] = {0x20};
	struct wn_ext ext;

	(void)state;
	for (uint8_t i = 0; i < 20; i++)
		buf[8 + 4 * i] = i;
	parse_summed(buf, sizeof(buf), true, &ext);
	assert_int_equal(ext.mpls_count, WN_MPLS_MAX);
	assert_int_equal(ext.mpls[7].label, 7 << 12);
	assert_int_equal(ext.dropped, 20 - WN_MPLS_MAX);

	for (uint8_t i = 0; i < 20; i++) {
		objects[4 + 4 * i + 1] = 4;
		objects[4 + 4 * i + 2] = 9;
		objects[4 + 4 * i + 3] = i;
	}
	parse_summed(objects, sizeof(objects), true, &ext);
	assert_int_equal(ext.object_count, WN_EXT_OBJECTS_MAX);
	assert_int_equal(ext.objects[7].c_type, 7);
	assert_int_equal(ext.objects[7].len, 0);
	assert_int_equal(ext.dropped, 20 - WN_EXT_OBJECTS_MAX);

	for (uint8_t i = 0; i < 20; i++) {
		objects[4 + 4 * i + 2] = 2;
		objects[4 + 4 * i + 3] = 0x40;
	}
	parse_summed(objects, sizeof(objects), true, &ext);
	assert_int_equal(ext.ifinfo_count, 4);
	assert_int_equal(ext.ifinfo[3].role, 1);
	assert_int_equal(ext.dropped, 16);
}

static void long_objects_tell_their_length(void **state)
{
	uint8_t buf[8 + 100] = {0x20, 0, 0, 0, 0, 104, 77, 1};
	struct wn_ext ext;

	(void)state;
	memset(buf + 8, 0x99, 100);
	parse_summed(buf, sizeof(buf), true, &ext);
	assert_int_equal(ext.objects[0].len, 100);
	assert_int_equal(ext.objects[0].data[WN_EXT_OBJECT_BYTES - 1], 0x99);
}

static void longest_interface_name(void **state)
{
	uint8_t buf[8 + 64] = {0x20, 0, 0, 0, 0, 68, 2, 0x82, 64};
	struct wn_ext ext;

	(void)state;
	memset(buf + 9, 'x', 63);
	parse_summed(buf, sizeof(buf), true, &ext);
	assert_false(ext.bad);
	assert_int_equal(ext.ifinfo[0].role, 2);
	assert_int_equal(strlen(ext.ifinfo[0].name), 63);
}

static void interface_of_a_later_rfc(void **state)
{
	uint8_t buf[] = {0x20, 0, 0, 0, 0, 8, 2, 0x18, 1, 2, 3, 4}; /* a reserved bit is set */
	struct wn_ext ext;

	(void)state;
	parse_summed(buf, sizeof(buf), true, &ext);
	assert_int_equal(ext.ifinfo_count, 0);
	assert_int_equal(ext.object_count, 1);
	assert_int_equal(ext.objects[0].c_type, 0x18);
}

/* An ICMP time exceeded with `quote` bytes of a probe, padded to `padded`, and an extension. */
static size_t message(uint8_t *msg, uint8_t length, size_t quote, size_t padded, const char *ext)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 0);
	uint8_t probe[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe);

	memset(msg, 0, 8 + padded);
	msg[0] = 11;
	msg[5] = length;
	memcpy(msg + 8, probe, quote < n ? quote : n);
	return 8 + padded + from_hex(ext, msg + 8 + padded, 200);
}

static void parse_message(uint8_t *msg, size_t len, struct wn_reply *r)
{
	memset(r, 0, sizeof(*r));
	r->from = addr_of("192.0.2.9");
	assert_int_equal(wn_wire_parse_l4(WN_IP_ICMP, msg, len, r), WN_OK);
}

static void length_field(void **state)
{
	uint8_t msg[600];
	struct wn_reply r;

	(void)state;
	parse_message(msg, message(msg, 32, 38, 128, MPLS), &r);
	assert_int_equal(r.ext.mpls_count, 2);
	assert_int_equal(r.quote.quoted_bytes, 38);
	assert_true(r.quote.payload_present);
	/* Shorter than the RFC wants, but believable. */
	parse_message(msg, message(msg, 10, 38, 40, MPLS), &r);
	assert_int_equal(r.ext.mpls_count, 2);
	/* Rubbish in the field, no extension behind: nothing of the quote is lost. */
	parse_message(msg, message(msg, 3, 38, 38, ""), &r);
	assert_true(r.ext.present && r.ext.bad);
	assert_true(r.quote.payload_present);
	parse_message(msg, message(msg, 200, 38, 38, ""), &r);
	assert_false(r.ext.present);
	assert_true(r.quote.payload_present);
	/* The length covers everything. */
	parse_message(msg, message(msg, 32, 38, 128, ""), &r);
	assert_false(r.ext.present);
}

static void legacy_form(void **state)
{
	uint8_t msg[600];
	struct wn_reply r;
	size_t len;

	(void)state;
	parse_message(msg, message(msg, 0, 38, 128, MPLS), &r);
	assert_true(r.ext.present);
	assert_int_equal(r.ext.mpls_count, 2);
	assert_int_equal(r.quote.quoted_bytes, 38);
	/* Without a right checksum at that place it is just data that was quoted. */
	len = message(msg, 0, 38, 128, MPLS);
	msg[len - 1] ^= 1;
	parse_message(msg, len, &r);
	assert_false(r.ext.present);
	len = message(msg, 0, 38, 128, MPLS);
	msg[8 + 128 + 2] = msg[8 + 128 + 3] = 0;
	parse_message(msg, len, &r);
	assert_false(r.ext.present);
}

static struct wn_ext rich_ext(void)
{
	struct wn_ext ext = {.mpls_count = 2, .ifinfo_count = 2, .object_count = 1};

	ext.mpls[0] = (struct wn_mpls){.label = 0xfffff, .tc = 7, .ttl = 255};
	ext.mpls[1] = (struct wn_mpls){.label = 3, .bottom = true, .ttl = 1};
	ext.ifinfo[0] = (struct wn_ifinfo){.present = true,
		.role = 2,
		.ifindex = 9,
		.addr = addr_of("2001:db8::9"),
		.name = "xe-1",
		.mtu = 1500};
	ext.ifinfo[1] = (struct wn_ifinfo){
		.present = true, .role = 1, .addr = addr_of("192.0.2.77"), .name = "seven.7"};
	ext.objects[0] = (struct wn_ext_object){.class_num = 200, .c_type = 3, .len = 8};
	memcpy(ext.objects[0].data, "\1\2\3\4\5\6\7\10", 8);
	return ext;
}

/* Builds an error about p and checks that it says what it was given. */
static void check_built(const struct wn_probe *p, const struct wn_wire_error *e)
{
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(p, probe), len;
	struct wn_reply r;

	assert_int_equal(wn_wire_build_error(e, probe, n, buf, sizeof(buf), &len), WN_OK);
	assert_true(naive_right(buf, len));
	if (e->quote_bytes == 0)
		assert_in_range(len, 1, p->dst.family == 4 ? 576 : 1280);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_int_equal(r.kind, e->kind);
	assert_true(r.ext.present && !r.ext.bad);
	assert_true(same_ext(&r.ext, e->ext));
	assert_int_equal(r.ext.objects[0].len, e->ext->objects[0].len);
	assert_true(r.quote.l4_present);
	if (e->quote_bytes && e->quote_bytes < p->size && e->quote_bytes < 128 && !e->legacy_ext)
		assert_in_range(r.quote.quoted_bytes, e->quote_bytes, 128);
}

static void build_and_parse(void **state)
{
	static const size_t quotes[] = {0, 28, 48, 61, 128, 129, 200, 4000};
	static const uint16_t extras[] = {0, 60, 83, 90, 91, 400, 1400};
	struct wn_ext ext = rich_ext();

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (size_t q = family == 4 ? 0 : 2; q < sizeof(quotes) / sizeof(quotes[0]); q++)
			for (size_t x = 0; x < sizeof(extras) / sizeof(extras[0]); x++)
				for (int legacy = 0; legacy < 2; legacy++) {
					struct wn_probe p =
						make_probe(family, WN_PROTO_UDP, extras[x]);
					struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED,
						.from = p.dst,
						.to = p.src,
						.ttl = 60,
						.quote_bytes = quotes[q],
						.ext = &ext,
						.legacy_ext = legacy};

					check_built(&p, &e);
				}
}

static void parameter_problem_of_v4_has_them_too(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 0);
	struct wn_ext ext = rich_ext();
	struct wn_wire_error e = {
		.kind = WN_REPLY_PARAM_PROBLEM, .from = p.dst, .to = p.src, .ttl = 60, .ext = &ext};

	(void)state;
	check_built(&p, &e);
	e.kind = WN_REPLY_TOO_BIG;
	check_built(&p, &e);
}

/* One label is tried after the other until the sum comes out at 0, which means "none". */
static void sum_of_zero_is_written_as_ones(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 0);
	struct wn_ext ext = {.mpls_count = 1};
	struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED,
		.from = p.dst,
		.to = p.src,
		.ttl = 60,
		.ext = &ext,
		.legacy_ext = true};
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;
	const uint8_t *csum = buf + 28 + 128 + 2;
	bool seen = false;

	(void)state;
	for (uint32_t label = 0; label < 1 << 16; label++) {
		ext.mpls[0].label = label;
		ext.mpls[0].ttl = 0xf6; /* completes a word that labels alone cannot */
		assert_int_equal(wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len), WN_OK);
		assert_true(csum[0] || csum[1]);
		seen |= csum[0] == 0xff && csum[1] == 0xff;
	}
	assert_true(seen);
}

static void layout_of_rfc4884(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 0);
	struct wn_ext ext = {.mpls_count = 1, .mpls[0] = {.label = 100, .bottom = true, .ttl = 1}};
	struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED,
		.from = p.dst,
		.to = p.src,
		.ttl = 60,
		.quote_bytes = 28,
		.ext = &ext};
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;

	(void)state;
	assert_int_equal(wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len), WN_OK);
	assert_int_equal(len, 20 + 8 + 128 + 12);
	assert_int_equal(buf[25], 32); /* 128 bytes in words of 4 */
	assert_memory_equal(buf + 28, probe, 28);
	for (size_t i = 28 + 28; i < 28 + 128; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(buf[28 + 128], 0x20);
	assert_int_equal(naive_sum(0, buf + 28 + 128, 12), 0xffff);

	p = make_probe(6, WN_PROTO_UDP, 90);
	e.from = p.dst;
	e.to = p.src;
	e.quote_bytes = 0;
	n = build_probe(&p, probe);
	assert_int_equal(wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len), WN_OK);
	assert_int_equal(buf[44], 19); /* 148 bytes, padded to 152, in words of 8 */
	e.legacy_ext = true;
	assert_int_equal(wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len), WN_OK);
	assert_int_equal(buf[44], 0);
	assert_int_equal(len, 40 + 8 + 128 + 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mpls),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(unknown_objects_are_kept),
		cmocka_unit_test(no_checksum_is_allowed),
		cmocka_unit_test(broken_ones_are_not_believed),
		cmocka_unit_test(wrong_checksum),
		cmocka_unit_test(bounds_are_counted),
		cmocka_unit_test(long_objects_tell_their_length),
		cmocka_unit_test(longest_interface_name),
		cmocka_unit_test(interface_of_a_later_rfc),
		cmocka_unit_test(length_field),
		cmocka_unit_test(legacy_form),
		cmocka_unit_test(build_and_parse),
		cmocka_unit_test(parameter_problem_of_v4_has_them_too),
		cmocka_unit_test(sum_of_zero_is_written_as_ones),
		cmocka_unit_test(layout_of_rfc4884),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
