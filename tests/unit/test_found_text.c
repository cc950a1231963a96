/* SPDX-License-Identifier: Apache-2.0 */
/* Findings in words, as people read them: the whole text of networks that have something to tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "golden.h"
#include "output/output.h"
#include "record.h"
#include "scenes.h"
#include "traced.h"

static const struct wn_table_opts usual = {.columns = 80, .unicode = true, .names = true};

static void check(const struct wn_result *r, const char *golden, const struct wn_table_opts *o)
{
	struct wn_strbuf text = WN_STRBUF_INIT;

	wn_out_findings(&text, r, o);
	assert_int_equal(text.err, WN_OK);
	golden_check(golden, wn_strbuf_str(&text));
	wn_strbuf_fini(&text);
}

struct net {
	unsigned routers;
	const struct line_part *parts;
	const char *extra, *options;
};

/* Several networks one after the other in one file. */
static void check_nets(const struct net *nets, size_t count, const char *golden)
{
	struct wn_strbuf text = WN_STRBUF_INIT;

	for (size_t i = 0; i < count; i++) {
		struct traced t;

		traced_line(&t, nets[i].routers, nets[i].parts, nets[i].extra, nets[i].options);
		wn_out_findings(&text, t.r, &usual);
		traced_close(&t);
	}
	assert_int_equal(text.err, WN_OK);
	golden_check(golden, wn_strbuf_str(&text));
	wn_strbuf_fini(&text);
}

#define CHECK_NETS(golden, ...)                                                                    \
	do {                                                                                       \
		const struct net nets_[] = {__VA_ARGS__};                                          \
		check_nets(nets_, sizeof(nets_) / sizeof(nets_[0]), golden);                       \
	} while (0)

static void test_nat(void **state)
{
	(void)state;
	CHECK_NETS("found_nat.txt",
		{6,
			PARTS({LINE_NODE, 2, "nat source 192.0.2.7 keep-quotes"},
				{LINE_NODE, 4, "nat source 192.0.2.9 from 192.0.2.7 keep-quotes"}),
			"", ""},
		{6,
			PARTS({LINE_NODE, 2,
				      "silent nat source 192.0.2.7 port-shift 9 keep-checksum"},
				{LINE_NODE, 3, "silent"}),
			"", "protocol icmp"},
		{6, PARTS({LINE_NODE, 3, "nat dest 192.0.2.80 to 10.0.99.9"}),
			"target 192.0.2.80\n", ""},
		{3, PARTS({LINE_NODE, 3, "nat source 2001:db8::9 keep-quotes"}), "", "6"});
}

static void test_fields(void **state)
{
	(void)state;
	CHECK_NETS("found_fields.txt",
		{6, PARTS({LINE_NODE, 2, "dscp 0 ecn clear clear df"}, {LINE_NODE, 5, "dscp 46"}),
			"", "tos 186 df yes"},
		{5, PARTS({LINE_NODE, 2, "ecn ce"}, {LINE_NODE, 3, "silent"}), "", "tos 1"},
		{4, PARTS({LINE_NODE, 2, "clear checksum"}), "", ""},
		{4, PARTS({LINE_NODE, 4, "dscp 8"}), "", ""});
}

static void test_quotes(void **state)
{
	(void)state;
	CHECK_NETS("found_quotes.txt",
		{6,
			PARTS({LINE_NODE, 2, "quote-length swapped"},
				{LINE_NODE, 4, "quote-length payload"},
				{LINE_NODE, 5, "quote-length payload"}),
			"", ""},
		{4, PARTS({LINE_NODE, 3, "quote-length plus 4"}), "", "6"});
}

static void test_ttls(void **state)
{
	(void)state;
	CHECK_NETS("found_ttl.txt",
		{6, PARTS({LINE_NODE, 2, "zero-ttl"}, {LINE_NODE, 5, "ttl 60"}), "", ""},
		{7, PARTS({LINE_NODE, 2, "ttl 3"}), "", "max-ttl 9"});
}

static void test_tunnels(void **state)
{
	(void)state;
	CHECK_NETS("found_tunnels.txt",
		{8, NO_PARTS, "mpls explicit r2 r3 r4 r5 r6 labels 500 600 700 inner 99 u-turn\n",
			""},
		{8, NO_PARTS, "mpls implicit r2 r3 r4 r5 r6 u-turn\n", "6"},
		{6, NO_PARTS, "mpls implicit r1 r2 r3 r4\n", ""},
		{8, NO_PARTS, "mpls opaque r2 r3 r4 r5 r6 labels 500 600 700 800\n", ""},
		{9, NO_PARTS, "mpls invisible r2 r3 r4 r5 r6\n", ""});
}

static void test_sizes(void **state)
{
	(void)state;
	CHECK_NETS("found_mtu.txt",
		{6, PARTS({LINE_LINK, 4, "mtu 1400"}, {LINE_LINK, 6, "mtu 1300"}), "", "mtu yes"},
		{6, PARTS({LINE_NODE, 3, "mtu-blackhole"}, {LINE_LINK, 4, "mtu 1400"}), "",
			"mtu yes"});
}

static void test_loss(void **state)
{
	(void)state;
	CHECK_NETS("found_loss.txt",
		{8, PARTS({LINE_NODE, 4, "limit 50/s burst 6"}), "", "probes 40"},
		{6, PARTS({LINE_NODE, 7, "limit 1/s burst 6"}), "", "probes 20"},
		{8, PARTS({LINE_LINK, 6, "loss 20%"}, {LINE_NODE, 3, "drop-replies 60%"}), "",
			"probes 40"},
		{5, PARTS({LINE_LINK, 1, "loss 20%"}), "", "probes 20"},
		{8, PARTS({LINE_NODE, 4, "limit 1/s burst 1"}), "", ""},
		{8, PARTS({LINE_NODE, 4, "limit 1/s burst 2"}), "", ""});
}

#define OTHER_WAY                                                                                  \
	"node a addr 10.1.1.1\nnode b addr 10.1.2.1\nlink r2 a delay 2ms\nlink a b delay 2ms\n"    \
	"link b r5 delay 2ms\n"

static void test_changes(void **state)
{
	(void)state;
	CHECK_NETS("found_changes.txt",
		{6, PARTS({LINE_LINK, 3, "down 60ms..100ms"}),
			OTHER_WAY
			"route r2 to r7 via r3\nroute r2 to r7 via a during 100ms..180ms\n",
			"probes 60"},
		{6, PARTS({LINE_NODE, 2, "balance packet"}),
			OTHER_WAY "route r2 to r7 via r3 via a\n", "probes 20"},
		{6, PARTS({LINE_NODE, 2, "balance packet"}),
			OTHER_WAY "route r2 to r7 via r3 via a\n", ""});
}

static struct wn_reply *last_reply(struct record *rec)
{
	return &rec->events[rec->count - 1].u.reply.reply;
}

/* What a router tells beyond its address, in the nth answer. */
static void odd_quote(struct wn_quote *q, uint8_t ttl, int nth)
{
	if (ttl == 2)
		q->tos = 0;
	if (ttl == 4)
		q->ttl = 64;
	if (ttl == 5)
		q->ttl = 0;
	if (ttl < 5)
		return;
	q->ip_id = 0;
	q->length = 48;
	q->checksum ^= (uint16_t)(0x1234 << nth);
	q->src = record_addr("100.64.0.9");
	q->sport = 1024;
}

/* What networks of ours cannot do, and a tunnel from echo replies. */
static void by_hand(struct record *rec)
{
	static const int ttls[] = {255, 254, 252, 251, 250, 249};

	record_start(rec, "203.0.113.9")->u.start.tos = 0xb8;
	for (uint8_t ttl = 1; ttl <= 6; ttl++) {
		char from[32];
		uint64_t id;

		snprintf(from, sizeof(from), "198.51.100.%u", ttl);
		for (int nth = 0; nth < 2; nth++) {
			record_hop(rec, ttl, from, 1000);
			last_reply(rec)->ttl = (int16_t)ttls[ttl - 1];
			odd_quote(&last_reply(rec)->quote, ttl, nth);
		}
		id = record_sent(rec, ttl, 7, 0)->probe_id;
		rec->events[rec->count - 1].u.sent.probe.dst = record_addr(from);
		record_reply(rec, id, WN_REPLY_ECHO, from, 1000);
		last_reply(rec)->ttl = (int16_t)(65 - ttl);
	}
	record_name(rec, "198.51.100.2", "core.example.net");
}

static void test_by_hand(void **state)
{
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	by_hand(&rec);
	r = record_fold(&rec);
	check(r, "found_by_hand.txt", &usual);
	check(r, "found_40.txt", &(struct wn_table_opts){.columns = 40});
	wn_result_free(r);
	record_fini(&rec);
}

/* Nothing, and nothing that could be seen: not the same. */
static void test_nothing(void **state)
{
	struct wn_result *r;
	struct record rec;

	(void)state;
	for (int blind = 0; blind < 2; blind++) {
		rec = (struct record){0};
		record_start(&rec, "203.0.113.9")->u.start.caps.sees_quote_ip = !blind;
		record_hop(&rec, 1, "192.0.2.254", 412);
		record_dest(&rec, 2, "203.0.113.9", 900);
		r = record_fold(&rec);
		check(r, blind ? "found_blind.txt" : "found_nothing.txt", &usual);
		wn_result_free(r);
		record_fini(&rec);
	}
}

/* More probes are the advice only where their number can be asked for. */
static void test_too_few(void **state)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	struct record rec = {0};
	struct wn_result *r;
	char unclear[] = "Some probes to hop 1 got no answer, too few to say why";

	(void)state;
	record_start(&rec, "203.0.113.9");
	record_hop(&rec, 1, "192.0.2.254", 412);
	record_lost(&rec, 1);
	record_dest(&rec, 2, "203.0.113.9", 900);
	r = record_fold(&rec);
	wn_out_findings(&text, r, &usual);
	assert_non_null(strstr(wn_strbuf_str(&text), unclear));
	assert_non_null(strstr(wn_strbuf_str(&text), ": try -q 20."));
	wn_result_free(r);
	rec.events[0].u.start.paths = WN_PATHS_LITE;
	r = record_fold(&rec);
	wn_strbuf_reset(&text);
	wn_out_findings(&text, r, &usual);
	assert_non_null(strstr(wn_strbuf_str(&text), unclear));
	assert_null(strstr(wn_strbuf_str(&text), "try"));
	wn_result_free(r);
	wn_strbuf_fini(&text);
	record_fini(&rec);
}

/* Names that want to be more than text. */
static void test_hostile(void **state)
{
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	scene_hostile(&rec);
	for (size_t i = 0; i < rec.count; i++)
		if (rec.events[i].kind == WN_EV_REPLY && rec.events[i].probe_id >= 2)
			rec.events[i].u.reply.reply.quote.tos = 4;
	r = record_fold(&rec);
	check(r, "found_hostile.txt", &usual);
	check(r, "found_hostile_ascii.txt", &(struct wn_table_opts){.columns = 80, .names = true});
	wn_result_free(r);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_ttls),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
