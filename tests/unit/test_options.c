/* SPDX-License-Identifier: Apache-2.0 */
/* The option table as its users meet it: words in, a request or one clear sentence out. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/addr.h"
#include "config/options.h"

#define ARGS_MAX 16

struct read {
	struct wn_request req;
	struct wn_errctx ctx;
	const char *operands[2];
	size_t count;
	char line[512];
	char *argv[ARGS_MAX];
};

/* Splits line at spaces and reads it as the program would, the contradictions included. */
static wn_err read_line(struct read *r, const char *line)
{
	int argc = 0;
	wn_err err;

	memset(r, 0, sizeof(*r));
	strncpy(r->line, line, sizeof(r->line) - 1);
	for (char *save = NULL, *word = strtok_r(r->line, " ", &save); word && argc < ARGS_MAX;
		word = strtok_r(NULL, " ", &save))
		r->argv[argc++] = word;
	wn_request_init(&r->req);
	err = wn_request_argv(&r->req, "trace", argc, r->argv, r->operands, 1, &r->count, &r->ctx);
	if (err == WN_OK && r->count == 1)
		err = wn_request_target(&r->req, r->operands[0], &r->ctx);
	return err == WN_OK ? wn_request_check(&r->req, &r->ctx) : err;
}

static void test_defaults(void **state)
{
	struct wn_request req;
	struct wn_params p;
	struct wn_addr v4 = wn_addr_v4(0xc0000201), v6;

	(void)state;
	wn_request_init(&req);
	assert_int_equal(req.proto, WN_REQ_UDP);
	assert_int_equal(req.format, WN_FMT_TABLE);
	assert_int_equal(req.params.first_ttl, 1);
	assert_int_equal(req.params.max_ttl, 30);
	assert_int_equal(req.params.probes, 3);
	assert_int_equal(req.params.wait_max_ns, 1000000000);
	assert_int_equal(req.params.wait_min_ns, 200000000);
	assert_int_equal(req.params.wait_here_milli, 3000);
	assert_int_equal(req.params.wait_near_milli, 3000);
	assert_int_equal(req.params.gap, 12);
	assert_int_equal(req.params.pps, 2500);
	assert_int_equal(req.params.window, 48);
	assert_int_equal(req.params.flow_mode, WN_FLOW_FIXED);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(req.set_mask[i], 0);

	assert_int_equal(wn_addr_parse("2001:db8::1", &v6), WN_OK);
	assert_int_equal(wn_request_params(&req, WN_PROTO_UDP, &v4, &p, NULL), WN_OK);
	assert_int_equal(p.dport, 33434);
	assert_int_equal(p.size, 60);
	assert_int_equal(wn_request_params(&req, WN_PROTO_TCP, &v6, &p, NULL), WN_OK);
	assert_int_equal(p.dport, 80);
	assert_int_equal(p.size, 40 + 20 + 20);
	assert_int_equal(p.tcp_flags, WN_TCP_SYN);
	assert_int_equal(p.tcp_options, WN_TCP_OPT_USUAL);
	assert_int_equal(wn_request_params(&req, WN_PROTO_ICMP, &v6, &p, NULL), WN_OK);
	assert_int_equal(p.dport, 0);
	assert_int_equal(p.size, 80);
	req.proto = WN_REQ_AUTO;
	assert_int_equal(wn_request_params(&req, WN_PROTO_TCP, &v4, &p, NULL), WN_OK);
	assert_int_equal(p.dport, 443);
}

static void test_spellings(void **state)
{
	struct read r;

	(void)state;
	assert_int_equal(read_line(&r, "-q5 -m 20 --first=2 --wait 500ms,2,1.5 host.example"), 0);
	assert_int_equal(r.req.params.probes, 5);
	assert_int_equal(r.req.params.max_ttl, 20);
	assert_int_equal(r.req.params.first_ttl, 2);
	assert_int_equal(r.req.params.wait_max_ns, 500000000);
	assert_int_equal(r.req.params.wait_here_milli, 2000);
	assert_int_equal(r.req.params.wait_near_milli, 1500);
	assert_string_equal(r.req.params.host, "host.example");

	assert_int_equal(read_line(&r, "-nvvq 2 -P tcp host"), 0);
	assert_true(r.req.numeric);
	assert_int_equal(r.req.verbose, 2);
	assert_int_equal(r.req.params.probes, 2);
	assert_int_equal(r.req.proto, WN_REQ_TCP);

	assert_int_equal(read_line(&r, "--numeric --no-numeric --df -w2 host"), 0);
	assert_false(r.req.numeric);
	assert_true(r.req.params.df);
	assert_int_equal(r.req.params.wait_max_ns, 2000000000);
	assert_int_equal(r.req.params.wait_here_milli, 3000);

	assert_int_equal(read_line(&r, "-q 1 -q 2 -- host"), 0);
	assert_int_equal(r.req.params.probes, 2);
	assert_int_equal(r.count, 1);
	assert_true(wn_request_has(&r.req, "probes"));
	assert_false(wn_request_has(&r.req, "gap"));
	/* A key that begins another one is still itself. */
	assert_int_equal(read_line(&r, "--wait 3 --sim builtin"), 0);
	assert_int_equal(r.req.params.wait_max_ns, 3000000000);
	assert_string_equal(r.req.sim, "builtin");
}

static void test_values(void **state)
{
	struct read r;

	(void)state;
	assert_int_equal(read_line(&r, "--dscp ef --pattern 0xff --mark 0xdeadbeef h"), 0);
	assert_int_equal(r.req.params.tos, 46 << 2);
	assert_int_equal(r.req.params.pattern, 255);
	assert_int_equal(r.req.params.mark, 0xdeadbeefu);
	assert_int_equal(read_line(&r, "--dscp 63 --flow classic h"), 0);
	assert_int_equal(r.req.params.tos, 252);
	assert_int_equal(r.req.params.flow_mode, WN_FLOW_CLASSIC);
	assert_int_equal(read_line(&r, "--flow 7 --pps 0 --deadline 1m h"), 0);
	assert_int_equal(r.req.params.flow, 7);
	assert_int_equal(r.req.params.flow_mode, WN_FLOW_FIXED);
	assert_int_equal(r.req.params.pps, 0);
	assert_int_equal(r.req.params.deadline_ns, 60000000000);
	assert_int_equal(
		read_line(&r, "--resolver 192.0.2.1,[2001:db8::1]:53,192.0.2.2:5353 h"), 0);
	assert_int_equal(read_line(&r, "-s 192.0.2.9 -i eth0 --size 100 h"), 0);
	assert_int_equal(r.req.params.src.family, 4);
	assert_string_equal(r.req.params.iface, "eth0");
	assert_int_equal(r.req.params.size, 100);
	assert_int_equal(
		read_line(&r, "--color never --backend errqueue --format jsonl -o x h"), 0);
	assert_int_equal(r.req.color, WN_COLOR_NEVER);
	assert_int_equal(r.req.backend, WN_REQ_BACKEND_ERRQUEUE);
	assert_int_equal(r.req.format, WN_FMT_JSONL);
	assert_string_equal(r.req.output, "x");
}

static void test_targets(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned family, port;
	} good[] = {
		{"example.org", "example.org", 0, 0},
		{"example.org:8080", "example.org", 0, 8080},
		{"192.0.2.1", "192.0.2.1", 4, 0},
		{"192.0.2.1:53", "192.0.2.1", 4, 53},
		{"2001:db8::1", "2001:db8::1", 6, 0},
		{"[2001:DB8::1]", "2001:db8::1", 6, 0},
		{"[2001:db8::1]:443", "2001:db8::1", 6, 443},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1", 6, 0},
		{"b\xc3\xbc"
		 "cher.example",
			"xn--bcher-kva.example", 0, 0},
		{"\xe4\xbe\x8b\xe3\x81\x88.example:80", "xn--r8jz45g.example", 0, 80},
		{"r3---sn-x.example", "r3---sn-x.example", 0, 0},
		{"_dmarc.example.org.", "_dmarc.example.org.", 0, 0},
		{"host-1", "host-1", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct wn_request req;
		struct wn_errctx ctx = {0};

		wn_request_init(&req);
		if (wn_request_target(&req, good[i].text, &ctx) != WN_OK)
			fail_msg("%s: %s", good[i].text, ctx.text);
		assert_string_equal(req.params.host, good[i].host);
		assert_string_equal(req.params.target, good[i].text);
		assert_int_equal(req.params.dst.family, good[i].family);
		assert_int_equal(req.params.dport, good[i].port);
		assert_int_equal(req.port_set, good[i].port != 0);
	}
}

static const char *const mistakes[][3] = {
	{"-m 0 h", "--max-ttl 0", "1 to 255"},
	{"-m 256 h", "--max-ttl 256", "1 to 255 hops"},
	{"--first-ttl 0 h", "--first-ttl 0", "1 to 255"},
	{"-q 0 h", "--probes 0", "1 to 64"},
	{"-q 65 h", "--probes 65", "1 to 64"},
	{"-q -1 h", "--probes -1", "1 to 64"},
	{"-q 3x h", "--probes 3x", "a number"},
	{"-p 0 h", "--port 0", "1 to 65535"},
	{"-p 65536 h", "--port 65536", "1 to 65535"},
	{"-p http h", "--port http", "1 to 65535"},
	{"h:0", "port 0", "1 to 65535"},
	{"h:99999", "port 99999", "1 to 65535"},
	{"h:", "port ''", "1 to 65535"},
	{"-p 80 h:81", "contradicts --port 80", ""},
	{"-P sctp h", "--protocol sctp", "udp,icmp,tcp,auto"},
	{"-P h", "one of", "udp"},
	{"h -P", "--protocol needs a value", "NAME"},
	{"--max-tll 3 h", "--max-tll", "did you mean --max-ttl?"},
	{"--s 3 h", "ambiguous", "--source"},
	{"--no-probes h", "unknown option --no-probes", ""},
	{"-Z h", "unknown option -Z", ""},
	{"--df=1 h", "--df takes no value", ""},
	{"-w 0 h", "--wait 0", "1ms"},
	{"-w x h", "--wait x", "a time"},
	{"-w 1,2,3,4 h", "--wait 1,2,3,4", "MAX[,HERE[,NEAR]]"},
	{"-w 1,0 h", "--wait 1,0", "multiples"},
	{"-w 1, h", "--wait 1,", "multiples"},
	{"--deadline 0 h", "--deadline 0", "a time"},
	{"--wait-min 2 h", "--wait-min", "longer"},
	{"--window 0 h", "--window 0", "1 to 4096"},
	{"--gap 0 h", "--gap 0", "1 to 255"},
	{"--pps 10000000 h", "--pps", "1000000"},
	{"-i waytoolongforanifname h", "--interface", "interface"},
	{"-s nobody h", "--source nobody", "address"},
	{"--dscp 64 h", "--dscp 64", "0 to 63"},
	{"--tos 256 h", "--tos 256", "0 to 255"},
	{"--tos 1 --dscp ef h", "--tos and --dscp", "exclude"},
	{"--pattern 256 h", "--pattern 256", "0 to 255"},
	{"--mark 4294967296 h", "--mark", "4294967295"},
	{"--flow 1024 h", "--flow 1024", "0 to 1023"},
	{"--flow 10 --source-port 65530 h", "--flow 10", "--source-port 65530"},
	{"--size 37 h", "--size 37", "38 bytes"},
	{"--size 57 -6 h", "--size 57", "58 bytes"},
	{"--size 43 -P tcp h", "--size 43",
		"60 bytes with its options; 40 with --tcp-options none"},
	{"--size 47 -P tcp --tcp-options mss,sack h", "--size 47", "at least 48 bytes"},
	{"--size 39 -P tcp --tcp-options none h", "--size 39", "at least 40 bytes"},
	{"--tcp-flags 0 -P tcp h", "--tcp-flags 0", "sum from 1 to 255"},
	{"--tcp-flags 256 -P tcp h", "--tcp-flags 256", "like fin,ack"},
	{"--tcp-flags syn,,ack -P tcp h", "--tcp-flags syn,,ack", "a list of fin, syn"},
	{"--tcp-flags fin h", "--tcp-flags", "needs -P tcp or -P auto"},
	{"--tcp-method ack -P icmp h", "--tcp-method", "needs -P tcp or -P auto"},
	{"--tcp-options none h", "--tcp-options", "needs -P tcp or -P auto"},
	{"--tcp-method ack --tcp-flags fin -P tcp h", "--tcp-method and --tcp-flags",
		"exclude each other"},
	{"--tcp-method xmas -P tcp h", "--tcp-method xmas", "one of syn,ack,sack,prefer-sack"},
	{"--tcp-method sack -P tcp --size 60 h", "--tcp-method sack excludes --size", "one byte"},
	{"--tcp-method prefer-sack -P auto --tcp-options mss h",
		"--tcp-method prefer-sack excludes --tcp-options", "agreed on"},
	{"--tcp-method sack -P tcp --paths h", "excludes all paths", "one flow"},
	{"--tcp-method sack -P tcp --flow classic h", "excludes --flow classic", "one flow"},
	{"--tcp-options mss, h", "--tcp-options mss,", "none or a list of mss, sack"},
	{"--tcp-options fast h", "--tcp-options fast", "like mss,sack"},
	{"--size 9217 h", "--size 9217", "9216"},
	{"--resolver dns.example h", "--resolver dns.example", "address"},
	{"--resolver 192.0.2.1, h", "--resolver", "address"},
	{"--resolver [192.0.2.1]:53 h", "--resolver", "address"},
	{"--format xml h", "--format xml", "table,json,jsonl,classic"},
	{"--color maybe h", "--color maybe", "auto,always,never"},
	{"--output= h", "--output ''", "FILE"},
	{"-f 5 -m 4 h", "--first-ttl 5", "--max-ttl 4"},
	{"-4 -6 h", "--ipv4 and --ipv6", "exclude"},
	{"-4 2001:db8::1", "-4", "an IPv6 address"},
	{"-6 192.0.2.1", "-6", "an IPv4 address"},
	{"-6 -s 192.0.2.1 h", "-6", "--source 192.0.2.1"},
	{"-s 192.0.2.1 2001:db8::1", "--source 192.0.2.1", "IPv4"},
	{"-P icmp -p 7 h", "port 7", "ICMP has no ports"},
	{"-P icmp h:7", "port 7", "ICMP has no ports"},
	{"--sim builtin --backend raw", "--sim and --backend", "exclude"},
	{"--sim builtin -i eth0", "--sim and --interface", "exclude"},
	{"--sim-seed 4 h", "--sim-seed", "needs --sim"},
	{"h1 h2", "h2", "too many"},
	{"192.0.2.256", "192.0.2.256", "not an IPv4 address"},
	{"1.2.3", "1.2.3", "not an IPv4 address"},
	{"010.0.0.1", "010.0.0.1", "not an IPv4 address"},
	{"2001:db8:::1", "2001:db8:::1", "not an IPv6 address"},
	{"[2001:db8::1", "[2001:db8::1", "[IPV6]:PORT"},
	{"[::1]x", "[::1]x", "[IPV6]:PORT"},
	{"[192.0.2.1]", "[192.0.2.1]", "no IPv6 address"},
	{"fe80::1%eth0", "fe80::1%eth0", "-i"},
	{"https://example.org/", "https://example.org/", "URL"},
	{"a..b", "a..b", "two dots"},
	{"-- -a.example", "-a.example", "hyphen"},
	{"a_b!.example", "a_b!.example", "letters"},
	{"\xff\xfe.example", "\\xff", "host name"},
	{"224.0.0.1", "224.0.0.1", "multicast"},
	{"ff02::1", "ff02::1", "multicast"},
	{"255.255.255.255", "255.255.255.255", "broadcast address; give the address of one host"},
	{"fe80::1", "link-local address fe80::1", "needs an interface: give -i NAME"},
	{"-w 0 h", "--wait 0",
		"MAX[,HERE[,NEAR]], MAX a time from 1ms to 1h, such as 2 or 1.5s,3,3"},
	{"-w abc h", "--wait abc", "MAX a time from 1ms to 1h, such as 2 or 1.5s,3,3"},
	{"-w 2h h", "--wait 2h", "MAX a time from 1ms to 1h, such as 2 or 1.5s,3,3"},
	{"0.0.0.0", "0.0.0.0", "unspecified"},
	{"::", "::", "unspecified"},
};

/* Each mistake with the words a user must find in the answer. */
static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct read r;

		if (read_line(&r, mistakes[i][0]) != WN_EUSAGE)
			fail_msg("\"%s\" was accepted", mistakes[i][0]);
		if (!strstr(r.ctx.text, mistakes[i][1]) || !strstr(r.ctx.text, mistakes[i][2]))
			fail_msg("\"%s\" says: %s", mistakes[i][0], r.ctx.text);
		assert_null(strchr(r.ctx.text, '\n'));
		/* Not cut off in the middle of what would be right. */
		assert_in_range(strlen(r.ctx.text), 10, sizeof(r.ctx.text) - 2);
	}
}

/* Whatever a user pastes, the answer is one harmless line. */
static void test_hostile_words(void **state)
{
	char huge[4096];
	const char *const words[] = {huge, "\x1b[2Jx", "a\nb",
		"\xe2\x80\xae"
		"evil",
		""};

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t count;
		const struct wn_opt *opts = wn_opts(&count);
		struct wn_request req;
		struct wn_errctx ctx = {0};

		wn_request_init(&req);
		for (size_t o = 0; o < count; o++) {
			if (opts[o].type == WN_OPT_STRING && words[i][0])
				continue;
			assert_int_equal(
				wn_request_set(&req, opts[o].key, words[i], &ctx), WN_EUSAGE);
			assert_null(strpbrk(ctx.text, "\n\x1b\xe2"));
		}
		assert_int_equal(wn_request_target(&req, words[i], &ctx), WN_EUSAGE);
		assert_null(strpbrk(ctx.text, "\n\x1b\xe2"));
	}
}

/* Flags and options of TCP as they end up in the probes. */
static void test_tcp_probes(void **state)
{
	static const struct {
		const char *line;
		enum wn_tcp_method method;
		uint8_t flags, options;
		uint16_t size;
	} cases[] = {
		{"-P tcp h", WN_TCP_METHOD_SYN, WN_TCP_SYN, WN_TCP_OPT_USUAL, 60},
		{"-P tcp --tcp-method ack h", WN_TCP_METHOD_ACK, WN_TCP_ACK, 0, 40},
		{"-P tcp --tcp-flags fin,psh,urg h", WN_TCP_METHOD_FLAGS, 0x29, 0, 40},
		{"-P tcp --tcp-flags 0xc2 h", WN_TCP_METHOD_FLAGS, 0xc2, WN_TCP_OPT_USUAL, 60},
		{"-P tcp --tcp-method sack h", WN_TCP_METHOD_SACK, WN_TCP_SYN, WN_TCP_OPT_USUAL,
			60},
		{"-P tcp --tcp-method prefer-sack h", WN_TCP_METHOD_PREFER_SACK, WN_TCP_SYN,
			WN_TCP_OPT_USUAL, 60},
		{"-P auto --tcp-method ack --tcp-options timestamps h", WN_TCP_METHOD_ACK,
			WN_TCP_ACK, WN_TCP_OPT_TIMESTAMPS, 52},
		{"-P tcp --tcp-options mss,sack --size 70 h", WN_TCP_METHOD_SYN, WN_TCP_SYN,
			WN_TCP_OPT_MSS | WN_TCP_OPT_SACK_OK, 70},
	};
	struct wn_addr v4 = wn_addr_v4(0xc0000201);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wn_params p;
		struct read r;

		assert_int_equal(read_line(&r, cases[i].line), WN_OK);
		assert_int_equal(wn_request_params(&r.req, WN_PROTO_TCP, &v4, &p, NULL), WN_OK);
		assert_int_equal(p.tcp_method, cases[i].method);
		assert_int_equal(p.tcp_flags, cases[i].flags);
		assert_int_equal(p.tcp_options, cases[i].options);
		assert_int_equal(p.size, cases[i].size);
		assert_int_equal(wn_request_params(&r.req, WN_PROTO_UDP, &v4, &p, NULL), WN_OK);
		assert_int_equal(p.tcp_method | p.tcp_flags | p.tcp_options, 0);
	}
}

/* The size that a name's family needs is known only after it was resolved. */
static void test_size_after_resolving(void **state)
{
	struct wn_errctx ctx = {0};
	struct wn_params p;
	struct wn_addr v6;
	struct read r;

	(void)state;
	assert_int_equal(wn_addr_parse("2001:db8::1", &v6), WN_OK);
	assert_int_equal(read_line(&r, "--size 45 h"), WN_OK);
	assert_int_equal(wn_request_params(&r.req, WN_PROTO_UDP, &v6, &p, &ctx), WN_EUSAGE);
	assert_non_null(strstr(ctx.text, "58 bytes"));
	assert_int_equal(read_line(&r, "-w 50ms h"), WN_OK);
	assert_int_equal(wn_request_params(&r.req, WN_PROTO_UDP, &v6, &p, &ctx), WN_OK);
	assert_int_equal(p.wait_min_ns, 50000000);
}

/* No option without explanation, no default that its own parser refuses, in any face. */
static void test_faces_agree(void **state)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};
	struct wn_strbuf help = WN_STRBUF_INIT, man = WN_STRBUF_INIT;
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	(void)state;
	wn_opts_help(&help, NULL, 80);
	wn_opts_help(&help, "batch", 80); /* which has options of its own */
	wn_opts_man(&man, "1", "November 1, 2025");
	for (size_t i = 0; i < count; i++) {
		struct wn_request req;
		char dashed[64] = "--";

		strncat(dashed, opts[i].key, sizeof(dashed) - 3);
		assert_non_null(strstr(wn_strbuf_str(&help), dashed));
		assert_non_null(opts[i].help);
		assert_non_null(opts[i].group);
		wn_request_init(&req);
		if (opts[i].dflt)
			assert_int_equal(
				wn_request_set(&req, opts[i].key, opts[i].dflt, NULL), WN_OK);
		if (opts[i].type == WN_OPT_UINT && !opts[i].dflt)
			assert_non_null(opts[i].shown);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(opts[i].key, opts[j].key);
			if (opts[i].short_name)
				assert_int_not_equal(opts[i].short_name, opts[j].short_name);
		}
		for (size_t s = 0; s < 3; s++) {
			struct wn_strbuf script = WN_STRBUF_INIT;

			wn_opts_completion(&script, shells[s]);
			assert_non_null(strstr(wn_strbuf_str(&script), opts[i].key));
			wn_strbuf_fini(&script);
		}
	}
	for (const char *line = wn_strbuf_str(&help); line; line = strchr(line + 1, '\n'))
		assert_in_range(strcspn(line + 1, "\n"), 0, 80);
	wn_strbuf_fini(&help);
	wn_strbuf_fini(&man);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_hostile_words),
		cmocka_unit_test(test_tcp_probes),
		cmocka_unit_test(test_size_after_resolving),
		cmocka_unit_test(test_faces_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
