/* SPDX-License-Identifier: Apache-2.0 */
/* Flags and options of TCP: as they leave, as they are quoted, as targets answer them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/cursor.h"
#include "packets.h"

#define IP4    20
#define QUOTED (20 + 8 + 20) /* where the quoted TCP header begins */

static struct wn_probe make_tcp(uint8_t family, uint8_t flags, uint8_t options)
{
	struct wn_probe p = make_probe(family, WN_PROTO_TCP, wn_tcp_options_size(options));

	p.tcp_flags = flags;
	p.tcp_options = options;
	wn_probe_stamp(&p, &test_key, 7, 0);
	return p;
}

/* The SYN of a Linux machine, as tcpdump shows it: mss, sackOK, TS, nop, wscale. */
static void usual_syn(void **state)
{
	static const uint8_t options[] = {
		2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7};
	struct wn_probe p = make_tcp(4, WN_TCP_SYN, WN_TCP_OPT_USUAL);
	uint8_t buf[WN_PACKET_MAX], want[sizeof(options)];
	size_t len = build_probe(&p, buf);

	(void)state;
	assert_int_equal(len, 60);
	assert_true(naive_right(buf, len));
	assert_int_equal(buf[IP4 + 12], 0xa0); /* 40 bytes of header */
	assert_int_equal(buf[IP4 + 13], 0x02);
	memcpy(want, options, sizeof(want));
	memcpy(want + 8, p.cookie, 4);
	assert_memory_equal(buf + IP4 + 20, want, sizeof(want));

	p = make_tcp(6, WN_TCP_SYN, WN_TCP_OPT_MSS);
	assert_int_equal(build_probe(&p, buf), 64);
	assert_int_equal(wn_get_be16(buf + 62), 1440);
}

/* Every set is padded to words and read back. */
static void every_set(void **state)
{
	(void)state;
	for (uint8_t set = 0; set <= WN_TCP_OPT_USUAL; set++) {
		struct wn_probe p = make_tcp(4, 0, set);
		uint8_t buf[WN_PACKET_MAX], stripped, changed;
		size_t len = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);
		struct wn_reply r;

		assert_int_equal(wn_tcp_options_size(set) % 4, 0);
		assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
		assert_int_equal(r.quote.tcp_flags, WN_TCP_SYN);
		assert_true(r.quote.tcp_opts.whole);
		assert_int_equal(r.quote.tcp_opts.set, set);
		assert_int_equal(r.quote.tcp_opts.wscale, set & WN_TCP_OPT_WSCALE ? 7 : 0);
		assert_true(wn_tcp_changes(&p, &r.quote, &stripped, &changed));
		assert_int_equal(stripped | changed, 0);
	}
	assert_int_equal(wn_tcp_options_size(WN_TCP_OPT_USUAL), 20);
}

static void numbers_that_come_back(void **state)
{
	struct wn_probe p = make_tcp(4, WN_TCP_ACK, 0);
	uint8_t buf[WN_PACKET_MAX];

	(void)state;
	assert_int_equal(p.tcp_ack, p.tcp_seq);
	assert_int_equal(p.tcp_tsval, 0);
	build_probe(&p, buf);
	assert_memory_equal(buf + IP4 + 4, buf + IP4 + 8, 4);
	assert_int_equal(buf[IP4 + 13], WN_TCP_ACK);
	p = make_tcp(4, WN_TCP_SYN, WN_TCP_OPT_TIMESTAMPS);
	assert_int_equal(p.tcp_ack, 0);
	assert_int_equal(p.tcp_tsval, wn_cookie_u64(p.cookie) >> 32);
}

static void options_that_no_probe_has(void **state)
{
	struct wn_probe p = make_tcp(4, 0, 0);

	(void)state;
	p.tcp_options = WN_TCP_OPT_SACK;
	assert_int_equal(wn_probe_check(&p, NULL), WN_EINVAL);
	p.tcp_options = WN_TCP_OPT_MSS; /* and no room for it */
	assert_int_equal(wn_probe_check(&p, NULL), WN_ERANGE);
}

/* Where the quote ends within the options, none of them is known. */
static void cut_quotes(void **state)
{
	struct wn_probe p = make_tcp(4, WN_TCP_SYN, WN_TCP_OPT_USUAL);
	uint8_t buf[WN_PACKET_MAX], stripped, changed;
	size_t full = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);
	struct wn_reply r;

	(void)state;
	for (size_t tcp = 8; tcp <= 40; tcp++) {
		fix_sums(buf, QUOTED + tcp);
		assert_int_equal(wn_wire_parse(buf, QUOTED + tcp, &r), WN_OK);
		assert_int_equal(r.quote.tcp_seq, p.tcp_seq);
		assert_int_equal(r.quote.tcp_flags, tcp >= 20 ? WN_TCP_SYN : 0);
		assert_int_equal(r.quote.tcp_opts.whole, tcp == 40);
		assert_int_equal(r.quote.tcp_opts.set, tcp == 40 ? WN_TCP_OPT_USUAL : 0);
		assert_int_equal(wn_tcp_changes(&p, &r.quote, &stripped, &changed), tcp == 40);
		assert_int_equal(stripped, 0);
	}
	assert_int_equal(full, QUOTED + 40);
}

/* Reads a quote whose 20 option bytes are these. */
static struct wn_tcp_opts read_options(const char *hex)
{
	struct wn_probe p = make_tcp(4, WN_TCP_SYN, WN_TCP_OPT_USUAL);
	uint8_t buf[WN_PACKET_MAX], stripped, changed;
	size_t len = make_error(buf, WN_REPLY_TIME_EXCEEDED, &p);
	struct wn_reply r;

	assert_int_equal(from_hex(hex, buf + QUOTED + 20, 20), 20);
	fix_sums(buf, len);
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_true(wn_tcp_changes(&p, &r.quote, &stripped, &changed));
	assert_int_equal(stripped, WN_TCP_OPT_USUAL & ~r.quote.tcp_opts.set);
	return r.quote.tcp_opts;
}

static void strange_options(void **state)
{
	struct wn_tcp_opts o;

	(void)state;
	/* Another order, unknown kinds between, the end before the end. */
	o = read_options("01030309 fe04aaaa 020404d2 0402 0000 02040001");
	assert_int_equal(o.set, WN_TCP_OPT_WSCALE | WN_TCP_OPT_MSS | WN_TCP_OPT_SACK_OK);
	assert_int_equal(o.wscale, 9);
	assert_int_equal(o.mss, 1234);
	/* Lengths that a kind does not have are none of it. */
	o = read_options("0203ff 0403ff 0302 0805ffffff 0804ffff 010101");
	assert_int_equal(o.set, 0);
	/* A length of 0 or 1, or beyond the header, ends what can be read. */
	o = read_options("040202000101010101010101010101010204ffff");
	assert_int_equal(o.set, WN_TCP_OPT_SACK_OK);
	o = read_options("0402020101010101010101010101010101010101");
	assert_int_equal(o.set, WN_TCP_OPT_SACK_OK);
	o = read_options("01010101010101010101010101010101010102ff");
	assert_int_equal(o.set, 0);
	o = read_options("0101010101010101010101010101010101010102");
	assert_int_equal(o.set, 0);
}

static void changed_values(void **state)
{
	struct wn_probe p = make_tcp(6, WN_TCP_SYN, WN_TCP_OPT_USUAL);
	struct wn_quote q = {.tcp_opts = {.whole = true, .set = WN_TCP_OPT_USUAL, .mss = 1440}};
	uint8_t stripped, changed;

	(void)state;
	q.tcp_opts.wscale = 7;
	q.tcp_opts.tsval = p.tcp_tsval;
	assert_true(wn_tcp_changes(&p, &q, &stripped, &changed));
	assert_int_equal(changed, 0);
	q.tcp_opts.mss--;
	q.tcp_opts.wscale = 0;
	q.tcp_opts.tsval++;
	assert_true(wn_tcp_changes(&p, &q, &stripped, &changed));
	assert_int_equal(changed, WN_TCP_OPT_MSS | WN_TCP_OPT_WSCALE | WN_TCP_OPT_TIMESTAMPS);
	assert_int_equal(stripped, 0);
	q.tcp_opts.set = 0; /* what is gone has no other value */
	q.tcp_opts.mss = 0;
	assert_true(wn_tcp_changes(&p, &q, &stripped, &changed));
	assert_int_equal(changed, 0);
	assert_int_equal(stripped, WN_TCP_OPT_USUAL);
	p.tcp_tsval = 0; /* the back end's own clock */
	q.tcp_opts.set = WN_TCP_OPT_TIMESTAMPS;
	assert_true(wn_tcp_changes(&p, &q, &stripped, &changed));
	assert_int_equal(changed, 0);
	p.proto = WN_PROTO_UDP;
	assert_false(wn_tcp_changes(&p, &q, &stripped, &changed));
}

static wn_err answer(enum wn_reply_kind kind, uint8_t flags, uint8_t options, struct wn_reply *out)
{
	struct wn_probe p = make_tcp(4, flags, options);
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;
	wn_err err = wn_wire_build_answer(kind, probe, n, 60, buf, sizeof(buf), &len);

	if (err != WN_OK)
		return err;
	assert_true(naive_right(buf, len));
	assert_int_equal(wn_wire_parse(buf, len, out), WN_OK);
	assert_int_equal(out->kind, kind);
	return WN_OK;
}

static void listeners_take_up_what_they_are_offered(void **state)
{
	struct wn_probe p = make_tcp(4, WN_TCP_SYN, WN_TCP_OPT_USUAL);
	struct wn_reply r;

	(void)state;
	assert_int_equal(answer(WN_REPLY_SYN_ACK, WN_TCP_SYN, WN_TCP_OPT_USUAL, &r), WN_OK);
	assert_true(r.tcp_opts.whole);
	assert_int_equal(r.tcp_opts.set, WN_TCP_OPT_USUAL);
	assert_int_equal(r.tcp_opts.mss, 1460);
	assert_int_equal(r.tcp_tsecr, p.tcp_tsval);
	assert_int_equal(r.tcp_window, 65160);
	assert_int_equal(answer(WN_REPLY_SYN_ACK, WN_TCP_SYN, 0, &r), WN_OK);
	assert_int_equal(r.tcp_opts.set, WN_TCP_OPT_MSS);
	assert_int_equal(answer(WN_REPLY_SYN_ACK, WN_TCP_ACK, 0, &r), WN_EINVAL);
	assert_int_equal(answer(WN_REPLY_SYN_ACK, WN_TCP_SYN | WN_TCP_FIN, 0, &r), WN_EINVAL);
	assert_int_equal(
		answer(WN_REPLY_SYN_ACK, WN_TCP_SYN | WN_TCP_ECE | WN_TCP_CWR, 0, &r), WN_OK);
}

/* RFC 9293 3.10.7.1 */
static void resets(void **state)
{
	struct wn_probe p = make_tcp(4, 0, 0);
	struct wn_reply r;
	uint32_t tag;

	(void)state;
	assert_int_equal(answer(WN_REPLY_RST, WN_TCP_ACK, 0, &r), WN_OK);
	assert_int_equal(r.tcp_flags, WN_TCP_RST);
	assert_int_equal(r.tcp_seq, p.tcp_seq);
	assert_int_equal(r.tcp_ack, 0);
	assert_true(wn_reply_tag(&r, WN_PROTO_TCP, &tag));
	assert_int_equal(tag, p.tcp_seq);
	assert_int_equal(answer(WN_REPLY_RST, WN_TCP_FIN, 0, &r), WN_OK);
	assert_int_equal(r.tcp_flags, WN_TCP_RST | WN_TCP_ACK);
	assert_int_equal(r.tcp_ack, p.tcp_seq + 1);
	assert_int_equal(answer(WN_REPLY_RST, WN_TCP_PSH, 0, &r), WN_OK);
	assert_int_equal(r.tcp_ack, p.tcp_seq);
	assert_int_equal(answer(WN_REPLY_RST, WN_TCP_SYN | WN_TCP_FIN, 0, &r), WN_OK);
	assert_int_equal(r.tcp_ack, p.tcp_seq + 2);
	assert_int_equal(answer(WN_REPLY_RST, WN_TCP_RST | WN_TCP_ACK, 0, &r), WN_EINVAL);
}

/* A duplicate acknowledgment with SACK blocks, as targets send it inside a connection. */
static void sack_blocks(void **state)
{
	static const char dup_ack[] =
		"45000048 00004000 40060000 c6336407 c0000201 0050c3cb 00001000 00002000"
		"d0100200 00000000 0101080a 00000001 00000002 0101050a 00002007 00002008"
		"00002003 00002004";
	uint8_t buf[128];
	struct wn_reply r;
	size_t len = from_hex(dup_ack, buf, sizeof(buf));

	(void)state;
	buf[3] = (uint8_t)len;
	buf[32] = (uint8_t)((len - 20) / 4 << 4);
	buf[20 + 20 + 12 + 3] = 18; /* two blocks */
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_int_equal(r.kind, WN_REPLY_TCP_OTHER);
	assert_int_equal(r.tcp_opts.set, WN_TCP_OPT_TIMESTAMPS | WN_TCP_OPT_SACK);
	assert_int_equal(r.tcp_sack[0].left, 0x2007);
	assert_int_equal(r.tcp_sack[0].right, 0x2008);
	buf[20 + 20 + 12 + 3] = 17; /* no whole block more */
	assert_int_equal(wn_wire_parse(buf, len, &r), WN_OK);
	assert_int_equal(r.tcp_opts.set, WN_TCP_OPT_TIMESTAMPS);
}

static void names(void **state)
{
	(void)state;
	assert_int_equal(wn_tcp_flag("syn,ack", 3), WN_TCP_SYN);
	assert_int_equal(wn_tcp_flag("cwr", 3), WN_TCP_CWR);
	assert_int_equal(wn_tcp_flag("sy", 2), 0);
	assert_int_equal(wn_tcp_flag("", 0), 0);
	for (uint8_t bit = 1; bit <= WN_TCP_OPT_WSCALE; bit = (uint8_t)(bit << 1)) {
		const char *name = wn_tcp_option_name(bit);

		assert_int_equal(wn_tcp_option(name, strlen(name)), bit);
	}
	assert_string_equal(wn_tcp_option_name(WN_TCP_OPT_SACK), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_syn),
		cmocka_unit_test(every_set),
		cmocka_unit_test(numbers_that_come_back),
		cmocka_unit_test(options_that_no_probe_has),
		cmocka_unit_test(cut_quotes),
		cmocka_unit_test(strange_options),
		cmocka_unit_test(changed_values),
		cmocka_unit_test(listeners_take_up_what_they_are_offered),
		cmocka_unit_test(resets),
		cmocka_unit_test(sack_blocks),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
