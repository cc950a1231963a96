/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels of all kinds, each in a network that has it, and hops that look like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "record.h"
#include "traced.h"

#define DST "203.0.113.9"

static struct wn_reply *last_reply(struct record *rec)
{
	return &rec->events[rec->count - 1].u.reply.reply;
}

static void find(struct record *rec, struct wn_findings *f)
{
	struct wn_result *r = record_fold(rec);

	assert_int_equal(wn_findings_find(r, f), WN_OK);
	wn_result_free(r);
	record_fini(rec);
}

static void test_explicit(void **state)
{
	struct traced t;
	const struct wn_finding *f;

	(void)state;
	traced_line(
		&t, 8, NO_PARTS, "mpls explicit r2 r3 r4 r5 r6 labels 500 600 700 inner 99\n", "");
	expect_found(&t.found, "mpls-explicit certain 2-3..5\n");
	f = &t.found.list[0];
	assert_int_equal(f->until.ttl, 6);
	assert_int_equal(f->hops, 3);
	assert_int_equal(f->u.mpls.label_count, 3);
	assert_int_equal(f->u.mpls.labels[0], 500);
	assert_int_equal(f->u.mpls.labels[2], 700);
	assert_int_equal(f->u.mpls.depth, 2);
	assert_int_equal(f->u.mpls.quoted_most, 3);
	traced_close(&t);
	/* Side by side, and with a switch that does not answer. */
	expect_line(9, NO_PARTS, "mpls explicit r2 r3 r4 r5\nmpls explicit r5 r6 r7 r8\n", "6",
		"mpls-explicit certain 2-3..4\nmpls-explicit certain 5-6..7\n");
	expect_line(9, NO_PARTS, "mpls explicit r2 r3 r4 r5\nmpls explicit r4 r5 r6 r7\n", "",
		"mpls-explicit certain 2-3..4\n");
	expect_line(8, PARTS({LINE_NODE, 4, "silent"}), "mpls explicit r2 r3 r4 r5 r6\n",
		"protocol icmp", "mpls-explicit certain 2-3..5\n");
	expect_line(8, PARTS({LINE_NODE, 3, "legacy-ext"}), "mpls explicit r2 r3 r4 r5 r6\n",
		"protocol tcp", "mpls-explicit certain 2-3..5\n");
}

static void test_implicit(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 8, NO_PARTS, "mpls implicit r2 r3 r4 r5 r6\n", "");
	expect_found(&t.found, "mpls-implicit likely 2-3..5\n");
	assert_int_equal(t.found.list[0].until.ttl, 6);
	assert_int_equal(t.found.list[0].u.mpls.sign, WN_SIGN_QUOTED_TTL);
	assert_int_equal(t.found.list[0].u.mpls.quoted_most, 3);
	assert_false(t.found.list[0].u.mpls.u_turn);
	traced_close(&t);
	/* Two switches: 1 and 2 are quoted, which one router alone may do. */
	expect_line(
		8, NO_PARTS, "mpls implicit r2 r3 r4 r5\n", "", "mpls-implicit possible 2-3..4\n");
	/* One switch shows nothing. */
	expect_line(8, NO_PARTS, "mpls implicit r2 r3 r4\n", "", "");
	/* The first switch is silent: the place is as wide. */
	expect_line(8, PARTS({LINE_NODE, 3, "silent"}), "mpls implicit r2 r3 r4 r5 r6\n", "",
		"mpls-implicit likely 2-4..5\n");
	expect_line(8, NO_PARTS, "mpls implicit r2 r3 r4 r5 r6\n", "6 protocol icmp",
		"mpls-implicit likely 2-3..5\n");
}

/* Errors that go on through the tunnel: one more sign, and one of its own without the others. */
static void test_u_turn(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 8, NO_PARTS, "mpls implicit r2 r3 r4 r5 r6 u-turn\n", "");
	expect_found(&t.found, "mpls-implicit likely 2-3..5\n");
	assert_true(t.found.list[0].u.mpls.u_turn);
	traced_close(&t);
	traced_line(&t, 8, NO_PARTS, "mpls implicit r2 r3 r4 r5 u-turn\n", "");
	expect_found(&t.found, "mpls-implicit likely 2-3..4\n");
	traced_close(&t);
	traced_line(&t, 8, NO_PARTS, "mpls explicit r2 r3 r4 r5 r6 u-turn\n", "");
	expect_found(&t.found, "mpls-explicit certain 2-3..5\n");
	assert_true(t.found.list[0].u.mpls.u_turn);
	traced_close(&t);
}

static void test_opaque(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 8, NO_PARTS, "mpls opaque r2 r3 r4 r5 r6 labels 500 600 700 800\n", "");
	expect_found(&t.found, "mpls-opaque likely 2-3..3\n");
	assert_int_equal(t.found.list[0].u.mpls.labels[0], 800);
	assert_int_equal(t.found.list[0].u.mpls.label_ttl, 252);
	assert_int_equal(t.found.list[0].u.mpls.hidden, 3);
	traced_close(&t);
}

/* Hidden switches make the way back longer; with one or two of them that is too ordinary. */
static void test_invisible(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 9, NO_PARTS, "mpls invisible r2 r3 r4 r5 r6\n", "");
	expect_found(&t.found, "mpls-invisible possible 2-3..3\n");
	assert_int_equal(t.found.list[0].u.mpls.sign, WN_SIGN_FRPLA);
	assert_int_equal(t.found.list[0].u.mpls.hidden, 3);
	assert_int_equal(t.found.list[0].u.mpls.excess_was, 0);
	assert_int_equal(t.found.list[0].u.mpls.excess_is, 3);
	assert_int_equal(t.found.list[0].u.mpls.reply_ttl_was, 254);
	assert_int_equal(t.found.list[0].u.mpls.reply_ttl_is, 250);
	traced_close(&t);
	expect_line(9, NO_PARTS, "mpls invisible r2 r3 r4 r5\n", "", "");
	/* Reply TTLs that begin elsewhere change nothing. */
	expect_line(9,
		PARTS({LINE_NODE, 1, "reply-ttl 64"}, {LINE_NODE, 6, "reply-ttl 128"},
			{LINE_NODE, 7, "reply-ttl 64"}),
		"mpls invisible r2 r3 r4 r5 r6\n", "6", "mpls-invisible possible 2-3..3\n");
}

/*
 * Of two TTLs the smaller one is kept where a tunnel ends: 64 hides the tunnel on the way back, 255
 * counts it.
 */
static void test_pings(void **state)
{
	static const char lsp[] = "mpls invisible r2 r3 r4 r5\nmpls invisible r5 r4 r3 r2\n";
	const struct wn_finding *found;
	struct traced t;

	(void)state;
	traced_line(&t, 8, PARTS({LINE_NODE, 5, "echo-ttl 64"}, {LINE_NODE, 6, "echo-ttl 64"}), lsp,
		"ping-hops yes");
	expect_found(&t.found, "mpls-invisible likely 2-3..3\n");
	found = &t.found.list[0];
	assert_int_equal(found->u.mpls.sign, WN_SIGN_RTLA);
	assert_int_equal(found->u.mpls.hidden, 2);
	assert_int_equal(found->u.mpls.reply_ttl_is, 251);
	assert_int_equal(found->u.mpls.echo_ttl, 62);
	/* Both TTLs are among the probes that show it. */
	assert_int_equal(wn_result_find_side(t.r, found->probes[found->probes_kept - 1]), 2);
	assert_int_equal(t.r->side_count, 6); /* of the routers that are seen */
	traced_close(&t);
	/* Pings alone say nothing: echo replies from 255 count the tunnel as well. */
	traced_line(&t, 8, NO_PARTS, lsp, "ping-hops yes");
	expect_found(&t.found, "");
	traced_close(&t);
	traced_line(&t, 8, PARTS({LINE_NODE, 5, "echo-ttl 64"}), lsp, "");
	expect_found(&t.found, "");
	assert_int_equal(t.r->side_count, 0);
	traced_close(&t);
	/* Without a tunnel the start makes no difference. */
	expect_line(8, PARTS({LINE_NODE, 5, "echo-ttl 64"}), "", "ping-hops yes 6", "");
}

/* Another way back looks the same: the finding says no more than possible. */
static void test_asymmetry_is_alike(void **state)
{
	(void)state;
	expect_line(6, NO_PARTS,
		"node w addr 10.8.0.1\nnode x addr 10.8.0.2\nnode y addr 10.8.0.3\n"
		"node z addr 10.8.0.4\nlink r3 w\nlink w x\nlink x y\nlink y z\nlink z r1\n"
		"return r3 via w\nreturn w via x\nreturn x via y\nreturn y via z\nreturn z via "
		"r1\n",
		"", "mpls-invisible possible 2-3..3\n");
}

/* Quoted TTLs that rise and fall are no tunnel. */
static void test_no_ramp(void **state)
{
	static const uint8_t quoted[] = {1, 1, 2, 2, 3, 1};
	struct record rec = {0};
	struct wn_findings f;

	(void)state;
	record_start(&rec, DST);
	for (uint8_t ttl = 1; ttl <= 6; ttl++) {
		char from[32];

		snprintf(from, sizeof(from), "198.51.100.%u", ttl);
		record_hop(&rec, ttl, from, 1000);
		last_reply(&rec)->quote.ttl = quoted[ttl - 1];
	}
	find(&rec, &f);
	/* 1 2 is one; the second 2 is none, nor is the 3 behind it. */
	expect_found(&f, "mpls-implicit possible 1-2..3\nttl-rewritten possible 3-4..4\n"
			 "ttl-rewritten possible 4-5..5\n");
	wn_findings_free(&f);
}

/* Labels all along, but the quoted TTL begins again: there a tunnel ends and another begins. */
static void test_tunnel_behind_tunnel(void **state)
{
	static const uint8_t quoted[] = {1, 1, 2, 3, 1, 2, 1};
	struct record rec = {0};
	struct wn_findings f;

	(void)state;
	record_start(&rec, DST);
	for (uint8_t ttl = 1; ttl <= 7; ttl++) {
		char from[32];

		snprintf(from, sizeof(from), "198.51.100.%u", ttl);
		record_hop(&rec, ttl, from, 1000);
		last_reply(&rec)->quote.ttl = quoted[ttl - 1];
		if (ttl > 1 && ttl < 7)
			last_reply(&rec)->ext = (struct wn_ext){.present = true,
				.mpls_count = 1,
				.mpls = {{.label = 16u + ttl, .ttl = 1, .bottom = true}}};
	}
	find(&rec, &f);
	expect_found(&f, "mpls-explicit certain 1-2..4\nmpls-explicit certain 4-5..6\n");
	assert_int_equal(f.list[1].u.mpls.labels[0], 21);
	wn_findings_free(&f);
}

/* Extensions that cannot be believed are not. */
static void test_bad_extension(void **state)
{
	struct record rec = {0};
	struct wn_findings f;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, "198.51.100.1", 1000);
	last_reply(&rec)->ext = (struct wn_ext){
		.present = true, .bad = true, .mpls_count = 1, .mpls = {{.label = 77, .ttl = 1}}};
	find(&rec, &f);
	expect_found(&f, "");
	wn_findings_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_explicit),
		cmocka_unit_test(test_implicit),
		cmocka_unit_test(test_u_turn),
		cmocka_unit_test(test_opaque),
		cmocka_unit_test(test_invisible),
		cmocka_unit_test(test_pings),
		cmocka_unit_test(test_asymmetry_is_alike),
		cmocka_unit_test(test_no_ramp),
		cmocka_unit_test(test_tunnel_behind_tunnel),
		cmocka_unit_test(test_bad_extension),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
