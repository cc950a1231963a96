/* SPDX-License-Identifier: Apache-2.0 */
/* What ICMP errors quote: cut, padded, with options, as fragments, spoilt. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "packets.h"

static void assert_clean(const struct wn_reply *r)
{
	assert_false(r->truncated);
	assert_false(r->checksum_bad);
	assert_false(r->ext.present);
	assert_true(r->hint_id == WN_HINT_NONE);
	assert_false(r->from_errqueue);
}

/* RFC 792: header and eight bytes, by a router of old */
static void eight_byte_quote(void **state)
{
	uint8_t buf[64];
	struct wn_reply r;
	size_t len;

	(void)state;
	len = from_hex("45000038000000003f018f81c0000209c6336407 0b00b0d500000000"
		       "4500002643c900000111a000 c6336407 cb007101 9c40829a0012 94fe",
		buf, sizeof(buf));
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_clean(&r);
	assert_true(r.quote.l4_present);
	assert_false(r.quote.payload_present);
	assert_int_equal(r.quote.quoted_bytes, 28);
	assert_int_equal(r.quote.checksum, 0x94fe);
}

static size_t insert(uint8_t *pkt, size_t len, size_t at, const uint8_t *data, size_t n)
{
	memmove(pkt + at + n, pkt + at, len - at);
	memcpy(pkt + at, data, n);
	return len + n;
}

static void options_in_both_headers(void **state)
{
	static const uint8_t options[8] = {7, 7, 4, 0, 0, 0, 0, 0}; /* record route, end */
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 0);
	uint8_t buf[WN_PACKET_MAX + 64];
	size_t len = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);
	struct wn_reply r;

	(void)state;
	len = insert(buf, len, 48, options, sizeof(options));
	buf[28] = 0x47;
	buf[31] = (uint8_t)(p.size + 8);
	len = insert(buf, len, 20, options, sizeof(options));
	buf[0] = 0x47;
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_clean(&r);
	assert_int_equal(r.quote.checksum, p.checksum);
	assert_memory_equal(r.quote.cookie, p.cookie, 8);

	buf[36] = 0x4f; /* quoted options that reach beyond the quote */
	len = 36 + 50;
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_true(r.truncated && r.quote.present);
	assert_false(r.quote.l4_present);

	buf[36] = 0x44; /* a header shorter than a header */
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_false(r.quote.present);
}

static void v6_extension_headers(void **state)
{
	static const uint8_t hop[8] = {60, 0, 5, 2, 0, 0, 1, 0};  /* router alert */
	static const uint8_t dest[16] = {44, 1, 1, 12};		  /* padding */
	static const uint8_t frag[8] = {17, 0, 0, 1, 1, 2, 3, 4}; /* the first of some */
	static const uint8_t outer[8] = {58, 0, 1, 4, 0, 0, 0, 0};
	struct wn_probe p = make_probe(6, WN_PROTO_UDP, 0);
	uint8_t buf[WN_PACKET_MAX + 64];
	size_t len = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);
	struct wn_reply r;

	(void)state;
	len = insert(buf, len, 88, frag, sizeof(frag));
	len = insert(buf, len, 88, dest, sizeof(dest));
	len = insert(buf, len, 88, hop, sizeof(hop));
	buf[48 + 6] = 0;
	buf[48 + 5] = (uint8_t)(p.size - 40 + 32);
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_clean(&r);
	assert_int_equal(r.quote.proto, WN_IP_UDP);
	assert_int_equal(r.quote.checksum, p.checksum);
	assert_memory_equal(r.quote.cookie, p.cookie, 8);
	assert_int_equal(r.quote.quoted_bytes, p.size + 32);

	buf[48 + 40 + 24 + 2] = 0x10; /* a later fragment has no transport header */
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_true(r.quote.present);
	assert_false(r.quote.l4_present || r.truncated);

	len = insert(buf, len, 40, outer, sizeof(outer));
	buf[6] = 60;
	buf[4] = (uint8_t)((len - 40) >> 8);
	buf[5] = (uint8_t)(len - 40);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_false(r.checksum_bad);
	assert_int_equal(r.icmp_type, 3);
}

static void quoted_fragment(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_UDP, 40);
	uint8_t buf[WN_PACKET_MAX];
	size_t len = make_error(buf, WN_REPLY_REASSEMBLY, &p);
	struct wn_reply r;

	(void)state;
	buf[28 + 6] = 0x20;
	buf[28 + 7] = 5;
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_int_equal(r.kind, WN_REPLY_REASSEMBLY);
	assert_true(r.quote.present);
	assert_false(r.quote.l4_present || r.truncated || r.quote.df);
}

/* Quotes padded beyond the packet, and quotes whose length field a router spoilt. */
static void claimed_lengths_of_quotes(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_TCP, 0);
	uint8_t buf[WN_PACKET_MAX] = {0};
	size_t len = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);
	struct wn_reply r;

	(void)state;
	memset(buf + len, 0, 40);
	len += 40;
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_int_equal(r.quote.quoted_bytes, p.size);
	assert_false(r.quote.payload_present); /* padding is no cookie */

	buf[28 + 2] = 0;
	buf[28 + 3] = 24; /* the header's length taken off once */
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_int_equal(r.quote.length, 24);
	assert_true(r.quote.l4_present);
	assert_int_equal(r.quote.tcp_seq, p.tcp_seq);

	buf[28 + 2] = 0xff; /* more than there is */
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_true(r.quote.l4_present);
}

/* Each length of quote: what is there is present, the rest is not, nothing beyond is read. */
static void quotes_cut_everywhere(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
			struct wn_probe p = make_probe(family, (enum wn_proto)proto, 8);
			size_t ip = family == 4 ? 20 : 40;
			size_t body = proto == WN_PROTO_TCP ? 20 : 8;
			uint8_t buf[WN_PACKET_MAX];
			size_t full = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);

			for (size_t n = 0; n <= p.size; n++) {
				uint8_t *exact = malloc(full - p.size + n);
				struct wn_reply r;

				memcpy(exact, buf, full - p.size + n);
				fix_sums(exact, full - p.size + n);
				assert_int_equal(
					wn_wire_parse(exact, full - p.size + n, &r), WN_OK);
				assert_false(r.checksum_bad);
				assert_int_equal(r.quote.present, n >= ip);
				assert_int_equal(r.quote.l4_present, n >= ip + 8);
				assert_int_equal(r.truncated, n < ip + 8);
				assert_int_equal(r.quote.payload_present, n >= ip + body + 8);
				free(exact);
			}
		}
}

/* Only an echo request can be our probe; a quoted error has other fields in its place. */
static void quoted_icmp_that_is_no_probe(void **state)
{
	struct wn_probe p = make_probe(4, WN_PROTO_ICMP, 0);
	uint8_t buf[WN_PACKET_MAX];
	size_t len = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);
	struct wn_reply r;
	uint32_t tag;

	(void)state;
	buf[28 + 20] = 0;
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_true(r.quote.present);
	assert_false(r.quote.l4_present || r.quote.payload_present);
	assert_false(wn_reply_tag(&r, WN_PROTO_ICMP, &tag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_byte_quote),
		cmocka_unit_test(options_in_both_headers),
		cmocka_unit_test(v6_extension_headers),
		cmocka_unit_test(quoted_fragment),
		cmocka_unit_test(claimed_lengths_of_quotes),
		cmocka_unit_test(quotes_cut_everywhere),
		cmocka_unit_test(quoted_icmp_that_is_no_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
