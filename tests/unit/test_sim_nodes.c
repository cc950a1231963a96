/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes do to packets and say about them, one behaviour at a time. */
#include "simkit.h"

static void test_path_and_times(void **state)
{
	struct wn_reply r;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, SIM_LINE("", "", "open tcp 443", "delay 1ms", "delay 2ms", "delay 3ms"));
	for (uint8_t family = 4; family <= 6; family += 2) {
		const char *hops[2][3] = {{"10.0.1.1", "10.0.2.1", "10.0.9.9"},
			{"fd00:1::1", "fd00:2::1", "fd00:9::9"}};
		const enum wn_reply_kind ends[] = {
			WN_REPLY_UNREACHABLE, WN_REPLY_ECHO, WN_REPLY_SYN_ACK};

		for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
			struct wn_probe p = simkit_probe(&k, family, (enum wn_proto)proto, 1);
			uint64_t began = k.now_ns;

			simkit_truth(&k, &p, path, sizeof path);
			assert_string_equal(path, family == 4 ? "10.0.1.1 10.0.2.1 10.0.9.9"
							      : "fd00:1::1 fd00:2::1 fd00:9::9");
			simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, hops[family == 6][0], &r);
			assert_true(k.at_ns - began == 2 * SIM_MS);
			assert_int_equal(r.ttl, 255);
			assert_int_equal(r.quote.ttl, 1);
			assert_memory_equal(&r.to, &p.src, sizeof p.src);
			p.ttl = 2;
			began = k.now_ns;
			simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, hops[family == 6][1], &r);
			assert_true(k.at_ns - began == 6 * SIM_MS);
			assert_int_equal(r.ttl, 254);
			assert_int_equal(r.quote.ttl, 1);
			p.ttl = 9;
			began = k.now_ns;
			simkit_expect(&k, &p, ends[proto], hops[family == 6][2], &r);
			assert_true(k.at_ns - began == 12 * SIM_MS);
			assert_int_equal(r.ttl, 62);
		}
	}
	assert_true(wn_sim_next(k.sim) == UINT64_MAX);
	assert_int_equal(wn_sim_stats(k.sim)->sent, 18);
	assert_int_equal(wn_sim_stats(k.sim)->delivered, 18);
	assert_int_equal(wn_sim_stats(k.sim)->expired, 12);
	simkit_close(&k);
}

/* The quote is what arrived at the router: tags and cookie come back bit by bit. */
static void test_quote(void **state)
{
	struct wn_reply r;
	struct wn_probe p;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("quote 28", "quote full", "", "", "", ""));
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.1.1", &r);
	assert_int_equal(r.quote.quoted_bytes, 28);
	assert_true(r.quote.l4_present);
	assert_false(r.quote.payload_present);
	assert_int_equal(r.quote.checksum, p.checksum);
	p.ttl = 2;
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.2.1", &r);
	assert_int_equal(r.quote.quoted_bytes, 60);
	assert_true(r.quote.payload_present);
	assert_memory_equal(r.quote.cookie, p.cookie, 8);
	assert_int_equal(r.quote.ip_id, p.ip_id);
	assert_int_equal(r.quote.sport, p.sport);
	simkit_close(&k);
}

static void test_silence(void **state)
{
	struct wn_reply r;
	struct wn_probe p;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, SIM_LINE("silent", "silent udp tcp", "silent tcp", "", "", ""));
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
	assert_false(simkit_ask(&k, &p, &r));
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path), "* * 10.0.9.9");
	p = simkit_probe(&k, 4, WN_PROTO_ICMP, 2);
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.2.1", &r);
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path), "* 10.0.2.1 10.0.9.9");
	p = simkit_probe(&k, 4, WN_PROTO_TCP, 9);
	assert_false(simkit_ask(&k, &p, &r));
	/* A dead target ends the path, silently. */
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path), "* * *");
	assert_int_equal(wn_sim_stats(k.sim)->silent, 2);
	simkit_close(&k);
}

/* burst at once, then one for each interval, no matter how many ask. */
static void test_rate_limit(void **state)
{
	unsigned got = 0, late = 0;
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, SIM_LINE("limit 2/s burst 6", "", "", "", "", ""));
	p = simkit_probe(&k, 6, WN_PROTO_ICMP, 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(simkit_send(&k, &p), WN_OK);
	while (simkit_recv(&k, k.now_ns, &r))
		got++;
	assert_int_equal(got, 6);
	assert_int_equal(wn_sim_stats(k.sim)->limited, 14);
	for (int i = 0; i < 100; i++) { /* five seconds, 20 probes each */
		k.now_ns += 50 * SIM_MS;
		simkit_send(&k, &p);
		while (simkit_recv(&k, k.now_ns, &r))
			late++;
	}
	assert_int_equal(late, 10);
	assert_string_equal(
		simkit_truth(&k, &p, path, sizeof path), "fd00:1::1 fd00:2::1 fd00:9::9");
	k.now_ns += 100 * SIM_S; /* the bucket is never fuller than full */
	for (int i = 0; i < 20; i++)
		simkit_send(&k, &p);
	for (got = 0; simkit_recv(&k, k.now_ns, &r);)
		got++;
	assert_int_equal(got, 6);
	simkit_close(&k);
}

/* A missing route is seen before the TTL, a filter behind it, a hole not at all. */
static void test_refusals(void **state)
{
	static const char text[] =
		SIM_LINE("unreachable host for 10.0.9.9 unreachable policy for fd00:9::9/128",
			"reject admin for 10.0.9.8/32 blackhole for 10.0.9.7/32", "", "", "", "");
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, text);
	p = simkit_probe(&k, 4, WN_PROTO_TCP, 1);
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "10.0.1.1", &r);
	assert_int_equal(r.icmp_code, 1);
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path), "10.0.1.1");
	p = simkit_probe(&k, 6, WN_PROTO_UDP, 4);
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "fd00:1::1", &r);
	assert_int_equal(r.icmp_code, 5);
	simkit_close(&k);
	simkit_open(&k, SIM_LINE("", "reject admin for 10.0.9.8/32 blackhole for 10.0.9.7/32",
				"addr 10.0.9.8 addr 10.0.9.7 addr6 fd00:9::8", "", "", ""));
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 2);
	p.dst = simkit_addr("10.0.9.8");
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.2.1", &r);
	p.ttl = 3;
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "10.0.2.1", &r);
	assert_int_equal(r.icmp_code, 13);
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path), "10.0.1.1 10.0.2.1 10.0.2.1");
	p.dst = simkit_addr("10.0.9.7");
	assert_false(simkit_ask(&k, &p, &r));
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path), "10.0.1.1 10.0.2.1 *");
	simkit_close(&k);
}

static void test_every_unreachable_code(void **state)
{
	static const struct {
		const char *word;
		int code4, code6;
	} codes[] = {{"net", 0, 0}, {"host", 1, 3}, {"protocol", 2, -1}, {"port", 3, 4},
		{"source-route", 5, -1}, {"net-unknown", 6, -1}, {"host-unknown", 7, -1},
		{"isolated", 8, -1}, {"net-prohibited", 9, 1}, {"host-prohibited", 10, 1},
		{"net-tos", 11, -1}, {"host-tos", 12, -1}, {"admin", 13, 1}, {"precedence", 14, -1},
		{"cutoff", 15, -1}, {"scope", -1, 2}, {"policy", -1, 5}, {"reject", 13, 6},
		{"code 99", 99, 99}};

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct wn_reply r;
		struct simkit k;
		char text[512];

		strcpy(text, "source s\ntarget t\nhost s addr 10.0.0.1 addr6 fd00::1\n"
			     "host t addr 10.0.9.9 addr6 fd00:9::9\nlink s r\nlink r t\n"
			     "node r addr 10.0.1.1 addr6 fd00:1::1 unreachable ");
		strcat(text, codes[i].word);
		simkit_open(&k, text);
		for (uint8_t family = 4; family <= 6; family += 2) {
			int want = family == 4 ? codes[i].code4 : codes[i].code6;
			struct wn_probe p = simkit_probe(&k, family, WN_PROTO_ICMP, 5);

			if (want < 0)
				continue;
			simkit_expect(&k, &p, WN_REPLY_UNREACHABLE,
				family == 4 ? "10.0.1.1" : "fd00:1::1", &r);
			assert_int_equal(r.icmp_code, want);
		}
		simkit_close(&k);
	}
}

static void test_unknown_destination(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("", "", "owns 192.0.2.0/24", "", "",
				"") "host u addr 10.0.8.8 owns 192.0.2.128/25\nlink r1 u\n"
				    "host v addr 10.0.7.7 owns 192.0.0.0/16\nlink r1 v\n");
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 5);
	p.dst = simkit_addr("8.8.8.8");
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "10.0.1.1", &r);
	assert_int_equal(r.icmp_code, 0);
	p.dst = simkit_addr("192.0.2.77"); /* the owner of a prefix answers as any of it */
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "192.0.2.77", &r);
	assert_int_equal(r.icmp_code, 3);
	p.ttl = 2;
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.2.1", &r);
	p.dst = simkit_addr("192.0.2.129"); /* the longer prefix counts */
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "192.0.2.129", &r);
	p.ttl = 5;
	p.dst = simkit_addr("10.0.2.1"); /* routers are hosts too */
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "10.0.2.1", &r);
	assert_int_equal(r.icmp_code, 3);
	simkit_close(&k);
}

static void test_ports(void **state)
{
	static const char ports[] = "open tcp 80,443 filtered tcp 25 prohibited tcp 22-23"
				    " open udp 53 filtered udp 1-1000 filtered icmp";
	static const struct {
		enum wn_proto proto;
		uint16_t port;
		int kind, code; /* -1: nothing comes */
	} cases[] = {
		{WN_PROTO_TCP, 80, WN_REPLY_SYN_ACK, 0},
		{WN_PROTO_TCP, 443, WN_REPLY_SYN_ACK, 0},
		{WN_PROTO_TCP, 81, WN_REPLY_RST, 0},
		{WN_PROTO_TCP, 25, -1, 0},
		{WN_PROTO_TCP, 23, WN_REPLY_UNREACHABLE, 13},
		{WN_PROTO_UDP, 53, WN_REPLY_UDP, 0},
		{WN_PROTO_UDP, 52, -1, 0},
		{WN_PROTO_UDP, 1001, WN_REPLY_UNREACHABLE, 3},
		{WN_PROTO_ICMP, 0, -1, 0},
	};
	char text[600] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nlink s t\nhost t addr 10.0.9.9 ";
	struct simkit k;

	(void)state;
	strcat(text, ports);
	simkit_open(&k, text);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wn_probe p = simkit_probe(&k, 4, cases[i].proto, 9);
		struct wn_reply r;

		p.dport = cases[i].port;
		if (cases[i].kind < 0) {
			assert_false(simkit_ask(&k, &p, &r));
			continue;
		}
		simkit_expect(&k, &p, (enum wn_reply_kind)cases[i].kind, "10.0.9.9", &r);
		assert_int_equal(r.icmp_code, cases[i].code);
	}
	simkit_close(&k);
}

static void test_marks_and_clocks_of_replies(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("dscp 10 ecn clear reply-ttl 64", "ecn ce reply-delay 7ms", "", "",
				"", ""));
	for (uint8_t family = 4; family <= 6; family += 2) {
		uint64_t began;

		p = simkit_probe(&k, family, WN_PROTO_UDP, 1);
		p.tos = 46 << 2 | 1;
		simkit_ask(&k, &p, &r);
		assert_int_equal(r.quote.tos, 46 << 2 | 1); /* as it came in */
		assert_int_equal(r.ttl, 64);
		p.ttl = 2;
		began = k.now_ns;
		simkit_ask(&k, &p, &r);
		assert_int_equal(r.quote.tos, 10 << 2);
		assert_true(k.at_ns - began == 7 * SIM_MS);
		p.ttl = 3;
		simkit_ask(&k, &p, &r);
		assert_int_equal(r.quote.tos, 10 << 2 | 3);
		assert_false(r.checksum_bad);
	}
	simkit_close(&k);
}

/* Options go and the MSS falls where a box takes them, in either direction. */
static void test_tcp_options_change(void **state)
{
	struct wn_reply r;
	struct wn_probe p;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("strip-tcp-options sack,wscale", "clamp-mss 1300", "open tcp", "",
				"", ""));
	for (uint8_t family = 4; family <= 6; family += 2) {
		p = simkit_probe(&k, family, WN_PROTO_TCP, 1);
		p.tcp_options = WN_TCP_OPT_USUAL;
		p.size = (uint16_t)(p.size + wn_tcp_options_size(p.tcp_options));
		simkit_ask(&k, &p, &r);
		assert_int_equal(r.quote.tcp_opts.set, WN_TCP_OPT_USUAL); /* as it came in */
		p.ttl = 2;
		simkit_ask(&k, &p, &r);
		assert_int_equal(r.quote.tcp_opts.set, WN_TCP_OPT_MSS | WN_TCP_OPT_TIMESTAMPS);
		assert_int_equal(r.quote.tcp_opts.mss, wn_tcp_mss(family));
		p.ttl = 3;
		simkit_ask(&k, &p, &r);
		assert_int_equal(r.kind, WN_REPLY_SYN_ACK);
		assert_false(r.checksum_bad);
		/* The answer's MSS is clamped as well; what the SYN lost is not taken up. */
		assert_int_equal(r.tcp_opts.set, WN_TCP_OPT_MSS | WN_TCP_OPT_TIMESTAMPS);
		assert_int_equal(r.tcp_opts.mss, 1300);
	}
	simkit_close(&k);
}

/* What ports answer to other flags than SYN, RFC 9293 3.10.7. */
static void test_tcp_flags(void **state)
{
	static const struct {
		uint8_t flags;
		int open, closed; /* the kind of the answer, -1 none */
	} cases[] = {
		{WN_TCP_ACK, WN_REPLY_RST, WN_REPLY_RST},
		{WN_TCP_SYN | WN_TCP_ACK, WN_REPLY_RST, WN_REPLY_RST},
		{WN_TCP_FIN, -1, WN_REPLY_RST},
		{WN_TCP_SYN | WN_TCP_FIN, -1, WN_REPLY_RST},
		{WN_TCP_RST, -1, -1},
		{WN_TCP_SYN | WN_TCP_ECE | WN_TCP_CWR, WN_REPLY_SYN_ACK, WN_REPLY_RST},
	};
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("", "", "open tcp 443", "", "", ""));
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_TCP, 3);
		bool open = i % 2;
		int kind = open ? cases[i / 2].open : cases[i / 2].closed;

		p.tcp_flags = cases[i / 2].flags;
		p.tcp_ack = 77;
		p.dport = open ? 443 : 444;
		assert_int_equal(simkit_ask(&k, &p, &r), kind >= 0);
		if (kind < 0)
			continue;
		assert_int_equal(r.kind, kind);
		if (p.tcp_flags & WN_TCP_ACK)
			assert_int_equal(r.tcp_seq, 77);
	}
	simkit_close(&k);
}

/* A router that sends on what it should have expired: the next one tells of TTL 0. */
static void test_zero_ttl(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, SIM_LINE("zero-ttl", "", "", "", "", ""));
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.2.1", &r);
	assert_int_equal(r.quote.ttl, 0);
	p.ttl = 2;
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.2.1", &r);
	assert_int_equal(r.quote.ttl, 1);
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path), "10.0.2.1 10.0.2.1 10.0.9.9");
	simkit_close(&k);
}

static void test_mtu(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("", "", "", "mtu 1500", "mtu 1400", "mtu 1300"));
	for (uint8_t family = 4; family <= 6; family += 2) {
		p = simkit_probe(&k, family, WN_PROTO_UDP, 9);
		p.df = true;
		p.size = 1501;
		assert_int_equal(simkit_send(&k, &p), WN_EMSGSIZE);
		p.size = 1500;
		simkit_expect(&k, &p, WN_REPLY_TOO_BIG, family == 4 ? "10.0.1.1" : "fd00:1::1", &r);
		assert_int_equal(r.mtu, 1400);
		p.size = 1400;
		simkit_expect(&k, &p, WN_REPLY_TOO_BIG, family == 4 ? "10.0.2.1" : "fd00:2::1", &r);
		assert_int_equal(r.mtu, 1300);
		p.size = 1300;
		simkit_expect(
			&k, &p, WN_REPLY_UNREACHABLE, family == 4 ? "10.0.9.9" : "fd00:9::9", &r);
	}
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 9);
	p.size = 1500; /* without DF it is cut and put together */
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "10.0.9.9", &r);
	simkit_close(&k);
	simkit_open(&k, SIM_LINE("mtu-blackhole", "", "", "", "mtu 1400", ""));
	p.df = true;
	assert_false(simkit_ask(&k, &p, &r));
	simkit_close(&k);
}

static void test_interface_addresses(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("", "ifinfo", "", "addr 10.1.0.1 10.1.0.2",
				"addr 10.2.0.1 10.2.0.2 addr6 fd02::1 fd02::2 mtu 1400", ""));
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.1.0.2", &r);
	p.ttl = 2;
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.2.0.2", &r);
	assert_int_equal(r.ext.ifinfo_count, 1);
	assert_int_equal(r.ext.ifinfo[0].role, 0);
	assert_int_equal(r.ext.ifinfo[0].ifindex, 2);
	assert_string_equal(r.ext.ifinfo[0].name, "to-r1");
	assert_int_equal(r.ext.ifinfo[0].mtu, 1400);
	assert_memory_equal(&r.ext.ifinfo[0].addr, &r.from, sizeof r.from);
	p = simkit_probe(&k, 6, WN_PROTO_UDP, 2);
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "fd02::2", &r);
	p.dst = simkit_addr("fd02::1"); /* an interface's address is reached at its node */
	simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, "fd02::1", &r);
	simkit_close(&k);
}

/* Right addresses and ports, wrong tag: what an engine must not believe. */
static void test_forger(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("forge 100% as 10.66.6.6 as fd66::6", "", "", "", "", ""));
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		unsigned right_tags = 0, forged = 0;

		for (uint8_t i = 0; i < 20; i++) {
			uint32_t tag = 0;

			p = simkit_probe(&k, i & 1 ? 6 : 4, (enum wn_proto)proto, 3);
			assert_int_equal(simkit_send(&k, &p), WN_OK);
			assert_true(simkit_recv(&k, k.now_ns, &r));
			simkit_from(&r, i & 1 ? "fd66::6" : "10.66.6.6");
			assert_false(r.checksum_bad);
			assert_int_equal(r.kind, WN_REPLY_TIME_EXCEEDED);
			assert_int_equal(r.quote.ttl, 1);
			assert_memory_equal(&r.quote.dst, &p.dst, sizeof p.dst);
			if (proto == WN_PROTO_ICMP)
				assert_int_equal(r.quote.icmp_id, p.icmp_id);
			else
				assert_int_equal(r.quote.sport, p.sport);
			assert_true(wn_reply_tag(&r, p.proto, &tag));
			right_tags += tag == wn_probe_tag(&p);
			forged++;
			assert_true(simkit_recv(&k, k.now_ns, &r)); /* the true one follows */
			simkit_from(&r, i & 1 ? "fd00:9::9" : "10.0.9.9");
		}
		assert_int_equal(forged, 20);
		assert_int_equal(right_tags, 0);
	}
	simkit_close(&k);
}

static void test_no_answer_to_errors(void **state)
{
	struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED, .ttl = 1};
	uint8_t probe[100], packet[300];
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	size_t len;

	(void)state;
	simkit_open(&k, SIM_LINE("", "", "", "", "", ""));
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
	len = simkit_build(&p, probe, sizeof probe);
	e.from = p.src;
	e.to = p.dst;
	assert_int_equal(wn_wire_build_error(&e, probe, len, packet, sizeof packet, &len), WN_OK);
	assert_int_equal(wn_sim_send(k.sim, packet, len, 0), WN_OK);
	assert_false(simkit_recv(&k, SIM_S, &r));
	assert_true(wn_sim_next(k.sim) == UINT64_MAX);
	assert_int_equal(wn_sim_stats(k.sim)->lost, 1);
	simkit_close(&k);
}

static void test_dropped_replies(void **state)
{
	unsigned got = 0;
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, SIM_LINE("drop-replies 25%", "", "", "", "", ""));
	for (int i = 0; i < 4000; i++) {
		p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
		got += simkit_ask(&k, &p, &r);
	}
	assert_in_range(got, 2890, 3110); /* 4 sigma */
	assert_int_equal(wn_sim_stats(k.sim)->lost, 4000 - got);
	simkit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_and_times),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_rate_limit),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_every_unreachable_code),
		cmocka_unit_test(test_unknown_destination),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_marks_and_clocks_of_replies),
		cmocka_unit_test(test_zero_ttl),
		cmocka_unit_test(test_tcp_options_change),
		cmocka_unit_test(test_tcp_flags),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_interface_addresses),
		cmocka_unit_test(test_forger),
		cmocka_unit_test(test_no_answer_to_errors),
		cmocka_unit_test(test_dropped_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
