/* SPDX-License-Identifier: Apache-2.0 */
#include "simkit.h"
#include "alloc_fault.h"

static const char *error_of(const char *text, struct wn_errctx *ctx)
{
	struct wn_topo *t = NULL;

	memset(ctx, 0, sizeof *ctx);
	if (wn_topo_parse(text, strlen(text), &t, ctx) == WN_OK) {
		wn_topo_free(t);
		return "no error";
	}
	assert_int_not_equal(ctx->code, WN_OK);
	return ctx->text;
}

#define BASE "source s\nhost s addr 10.0.0.1\nnode r addr 10.0.1.1\nlink s r\n" /* 4 lines */

static const struct {
	const char *text, *want;
} mistakes[] = {
	{"", "the topology has no source: add a line \"source NODE\""},
	{"sorce s\n", "line 1, column 1: a topology has no \"sorce\"; did you mean \"source\"?"},
	{"gibberish\n", "line 1, column 1: a topology has no \"gibberish\" "
			"(docs/topology.md lists what it has)"},
	{"node\n", "line 1, column 5: the name of the node is missing"},
	{"# c\n\n  node r1 adr 10.0.0.1\n",
		"line 3, column 11: a node has no \"adr\"; did you mean \"addr\"?"},
	{"node r addr 10.0.0.256\n", "line 1, column 13: the address is \"10.0.0.256\", "
				     "should be an IPv4 address"},
	{"node r addr fd00::1\n",
		"line 1, column 13: the address is \"fd00::1\", should be an IPv4 address"},
	{"node r addr6 10.0.0.1\n", "line 1, column 14: the address is \"10.0.0.1\", "
				    "should be an IPv6 address"},
	{"node r addr\n", "line 1, column 12: the address is missing"},
	{"node r\nnode r\n", "line 2, column 6: there is a node r already"},
	{"source s\nnode s\n", "the source s has no address: give it addr or addr6"},
	{"source s\n", "line 1, column 8: there is no node s"},
	{BASE "source r\n", "line 5, column 8: there is a source already: s"},
	{BASE "node q addr 10.0.1.1\n", "the address 10.0.1.1 stands at both r and q"},
	{BASE "link s x\n", "line 5, column 8: there is no node x"},
	{BASE "link s s\n", "line 5, column 8: a link joins two different nodes"},
	{BASE "link s r delay 4\n", "line 5, column 16: delay is \"4\", should be a time with "
				    "its unit, like 4ms, 250us or 1.5s"},
	{BASE "link s r delay\t4mm\n", "line 5, column 16: delay is \"4mm\", should be a time with "
				       "its unit, like 4ms, 250us or 1.5s"},
	{BASE "link s r delay 25h\n", "line 5, column 16: delay is \"25h\", should be a time "
				      "with its unit, like 4ms, 250us or 1.5s"},
	{BASE "link s r loss 5\n", "line 5, column 15: loss is \"5\", should be a share from "
				   "0% to 100%, like 5% or 0.5%"},
	{BASE "link s r loss 100.1%\n", "line 5, column 15: loss is \"100.1%\", should be a "
					"share from 0% to 100%, like 5% or 0.5%"},
	{BASE "link s r loss %\n", "line 5, column 15: loss is \"%\", should be a share from "
				   "0% to 100%, like 5% or 0.5%"},
	{BASE "link s r loss 1% loss 2%\n", "line 5, column 18: loss stands here twice"},
	{BASE "link s r dealy 1ms\n",
		"line 5, column 10: a link has no \"dealy\"; did you mean \"delay\"?"},
	{BASE "link s r mtu 67\n", "line 5, column 14: the MTU is \"67\", should be a whole "
				   "number from 68 to 9216"},
	{BASE "link s r rate 5\n", "line 5, column 15: rate is \"5\", should be a bit rate "
				   "from 1kbit to 1000Gbit, like 10Mbit"},
	{BASE "link s r down 3s..2s\n", "line 5, column 15: the time down is \"3s..2s\", "
					"should be a span of time like 2s..3s, the later behind"},
	{BASE "link s r down 3s\n", "line 5, column 15: the time down is \"3s\", should be a "
				    "span of time like 2s..3s, the later behind"},
	{BASE "node q limit 1\n", "line 5, column 14: the limit is \"1\", should be a rate "
				  "like 1/s, 100/s or 6/m"},
	{BASE "node q limit 0/s\n", "line 5, column 14: the limit is \"0/s\", should be a "
				    "rate like 1/s, 100/s or 6/m"},
	{BASE "node q limit 1/s burst 0\n", "line 5, column 24: the burst is \"0\", should be "
					    "a whole number from 1 to 1000000"},
	{BASE "node q unreachable planet\n", "line 5, column 20: \"planet\" is nothing "
					     "unreachable: write net, host, port, "
					     "admin, ... or code N"},
	{BASE "node q blackhole for 10.0.0.1/8\n",
		"line 5, column 22: the prefix is \"10.0.0.1/8\", should be a prefix like "
		"203.0.113.0/24 (host bits zero)"},
	{BASE "node q open 80\n",
		"line 5, column 13: here follows udp, tcp or icmp, then ports if not all"},
	{BASE "node q open tcp 80-70\n", "line 5, column 17: \"80-70\" is no port list: write "
					 "53 or 80,443 or 33434-33500, up to 65535"},
	{BASE "node q open tcp 80,,81\n", "line 5, column 17: \"80,,81\" is no port list: "
					  "write 53 or 80,443 or 33434-33500, up to 65535"},
	{BASE "node q nat twice\n",
		"line 5, column 12: \"twice\" is no kind of NAT: write source or dest"},
	{BASE "node q nat dest 10.0.0.9\n",
		"line 5, column 25: here follows to and the inner address"},
	{BASE "node q balance round\n", "line 5, column 16: \"round\" is no way to balance: "
					"write flow, flow+label, label, dest or packet"},
	{BASE "node q ecn set\n", "line 5, column 12: here follows clear or ce"},
	{BASE "node q strip-tcp-options sack,speed\n",
		"line 5, column 26: \"sack,speed\" are no TCP options: write some of mss, sack, "
		"timestamps, wscale with commas between"},
	{BASE "node q clamp-mss 0\n", "line 5, column 18: the MSS is \"0\", should be a whole "
				      "number from 1 to 65535"},
	{BASE "node q forge 5%\n", "line 5, column 16: here follows as and the address to forge"},
	{BASE "route r to nowhere via s\n", "line 5, column 12: \"nowhere\" is neither a node "
					    "nor a prefix like 203.0.113.0/24"},
	{BASE "route r to s\n", "line 5, column 13: here follows via and the next node"},
	{BASE "node q addr 10.0.0.9\nroute r via q\n",
		"line 6, column 13: there is no link between r and q"},
	{BASE "route r via s weigth 2\n", "line 5, column 15: \"weigth\" cannot stand "
					  "here: write via NODE [weight N] or during SPAN"},
	{BASE "route r via s during 2s\n", "line 5, column 22: the span of time is \"2s\", should "
					   "be a span of time like 2s..3s, the later behind"},
	{BASE "node q clear sky\n", "line 5, column 14: \"sky\" cannot be cleared: write df, "
				    "payload or checksum"},
	{BASE "node q quote-length odd\n",
		"line 5, column 21: here follows swapped, payload or plus N"},
	{BASE "node q ttl 0\n",
		"line 5, column 12: the TTL is \"0\", should be a whole number from 1 to 255"},
	{BASE "mpls foggy s r\n", "line 5, column 6: \"foggy\" is no kind of tunnel: write "
				  "explicit, implicit, opaque or invisible"},
	{BASE "mpls explicit s r\n", "line 5, column 18: a tunnel needs at least three nodes: "
				     "ingress, one that switches, egress"},
	{BASE "mpls explicit s r s labels 15\n", "line 5, column 28: the label is \"15\", "
						 "should be a whole number from 16 to 1048575"},
	{BASE "seed 1 2\n", "line 5, column 8: \"2\" is too much here: one statement to a line"},
	{BASE "target 10.0.0\n", "line 5, column 8: there is no node 10.0.0, nor is it an address"},
	{BASE "node q name a\x01z\n",
		"line 5, column 14: byte 0x01 is not allowed here: words are plain ASCII"},
	{BASE "node q name \xc3\xa4\n",
		"line 5, column 13: byte 0xc3 is not allowed here: words are plain ASCII"},
};

/* Every message names the place and says what would be right. */
static void test_errors_name_the_place(void **state)
{
	struct wn_errctx ctx;

	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
		assert_string_equal(error_of(mistakes[i].text, &ctx), mistakes[i].want);
}

/* Long words and many things end in an error, not beyond a table. */
static void test_bounds(void **state)
{
	static char text[200000];
	struct wn_errctx ctx;
	size_t n = 0;

	(void)state;
	memcpy(text, "node ", 5);
	memset(text + 5, 'a', 300);
	text[305] = 0;
	assert_string_equal(
		error_of(text, &ctx), "line 1, column 6: this word is longer than 255 bytes");
	text[5 + 64] = 0;
	assert_string_equal(
		error_of(text, &ctx), "line 1, column 6: a node name has at most 63 bytes");
	strcpy(text, "node n addr 10.0.0.1 addr 10.0.0.2 addr 10.0.0.3 addr 10.0.0.4 addr 10.0.0.5"
		     " addr 10.0.0.6 addr 10.0.0.7 addr 10.0.0.8 addr 10.0.0.9");
	assert_string_equal(error_of(text, &ctx),
		"line 1, column 125: a node has at most 8 addresses of a family");
	for (unsigned i = 0; i <= 4096; i++) {
		memcpy(text + n, "node ", 5);
		n += 5;
		for (unsigned v = i; v || text[n - 1] == ' '; v /= 26)
			text[n++] = (char)('a' + v % 26);
		text[n++] = '\n';
	}
	text[n] = 0;
	assert_string_equal(
		error_of(text, &ctx), "line 4097, column 6: a topology has at most 4096 nodes");
}

static void test_any_order_and_layout(void **state)
{
	static const char text[] = "link s r delay 1ms # names what comes later\r\n"
				   "\t target r\n"
				   "   # nothing\n"
				   "source s\n"
				   "node r addr 10.0.1.1 name R.example.net addr 10.0.1.2\n"
				   "host s addr 10.0.0.1 addr6 fd00::1 name s.example.net";
	struct wn_addr a;
	char buf[WN_ADDR_STRLEN];
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	a = wn_topo_source(k.topo, 6);
	assert_string_equal(wn_addr_str(&a, buf), "fd00::1");
	a = wn_topo_target(k.topo, 4);
	assert_string_equal(wn_addr_str(&a, buf), "10.0.1.1");
	assert_int_equal(wn_topo_target(k.topo, 6).family, 0);
	a = simkit_addr("10.0.1.2");
	assert_string_equal(wn_topo_name_of(k.topo, &a), "R.example.net");
	a = simkit_addr("10.0.1.3");
	assert_null(wn_topo_name_of(k.topo, &a));
	a = wn_topo_addr_of(k.topo, "r.EXAMPLE.net.", 4);
	assert_string_equal(wn_addr_str(&a, buf), "10.0.1.1");
	assert_int_equal(wn_topo_addr_of(k.topo, "r.example.net", 6).family, 0);
	assert_int_equal(wn_topo_addr_of(k.topo, "r.example.ne", 4).family, 0);
	assert_int_equal(wn_topo_addr_of(k.topo, "s", 6).family, 6);
	simkit_close(&k);
}

/* Everything that a machine must route to the network, each kind of it. */
static void test_prefixes(void **state)
{
	static const char text[] =
		BASE "host t addr 10.0.9.9 owns 192.0.2.0/24 owns 2001:db8::/48\n"
		     "link r t addr 10.3.0.1 10.3.0.2\n"
		     "node q blackhole reject admin for 10.4.0.0/16\n"
		     "node n nat dest 192.0.9.1 to 10.0.9.9\n"
		     "route r to 10.5.0.0/16 via t\nroute r to t via t\n";
	static const char *const want[] = {"10.0.0.1/32", "10.0.1.1/32", "10.0.9.9/32",
		"10.3.0.1/32", "10.3.0.2/32", "192.0.9.1/32", "2001:db8::/48", "192.0.2.0/24",
		"10.4.0.0/16", "10.5.0.0/16"};
	char buf[WN_PREFIX_STRLEN];
	struct wn_prefix prefix;
	struct simkit k;
	size_t n = 0;

	(void)state;
	simkit_open(&k, text);
	for (; wn_topo_prefix(k.topo, n, &prefix); n++) {
		assert_in_range(n, 0, 9);
		assert_string_equal(wn_prefix_str(&prefix, buf), want[n]);
	}
	assert_int_equal(n, 10);
	assert_int_equal(wn_topo_mtu(k.topo), 0);
	simkit_close(&k);
	simkit_open(&k, "source s\nhost s addr 10.0.0.1\nnode r\nlink r s mtu 1280\n");
	assert_int_equal(wn_topo_mtu(k.topo), 1280);
	simkit_close(&k);
}

/* The newcomer's network shows one of everything. */
static void test_builtin(void **state)
{
	struct wn_probe p;
	struct simkit k;
	char path[600];

	(void)state;
	simkit_open(&k, wn_topo_builtin());
	p = simkit_probe(&k, 6, WN_PROTO_TCP, 1);
	simkit_truth(&k, &p, path, sizeof path);
	assert_non_null(strstr(path, "2001:db8:1::9 * 2001:db8:3::1 2001:db8:3::5 "));
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
	simkit_truth(&k, &p, path, sizeof path);
	assert_non_null(strstr(path, "198.51.100.9 * 203.0.113.1 203.0.113.5 "));
	assert_string_equal(path + strlen(path) - 14, "198.51.100.200");
	assert_string_equal(wn_topo_name_of(k.topo, &p.dst), "www.example.org");
	simkit_close(&k);
}

/* Without memory there is an error and nothing left behind, whatever allocation fails. */
static void test_no_memory(void **state)
{
	const char *text = wn_topo_builtin();
	struct wn_errctx ctx;
	struct wn_topo *t;
	struct wn_sim *s;

	(void)state;
	for (uint64_t n = 1; n < 10000; n++) {
		wn_err err;

		alloc_fault_arm(n);
		err = wn_topo_parse(text, strlen(text), &t, &ctx);
		if (err == WN_OK) {
			err = wn_sim_new(t, 0, 0, &s);
			if (err == WN_OK)
				wn_sim_free(s);
			wn_topo_free(t);
		}
		alloc_fault_disarm();
		assert_int_equal(alloc_fault_live(), 0);
		if (err == WN_OK) {
			assert_true(n > 20);
			return;
		}
		assert_int_equal(err, WN_ENOMEM);
	}
	fail_msg("it never ends");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_name_the_place),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_any_order_and_layout),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
