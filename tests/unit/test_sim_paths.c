/* SPDX-License-Identifier: Apache-2.0 */
/* Which way packets take: balancing, explicit routes, loops, NAT and tunnels. */
#include "simkit.h"

/* s - d - {a, b, c} - j - t */
#define DIAMOND(how) "seed 5\n" UNSEEDED(how)
#define UNSEEDED(how)                                                                              \
	"source s\ntarget t\n"                                                                     \
	"host s addr 10.0.0.1 addr6 fd00::1\n"                                                     \
	"node d addr 10.0.1.1 addr6 fd00:1::1 " how "\n"                                           \
	"node a addr 10.0.2.1 addr6 fd00:2::1\n"                                                   \
	"node b addr 10.0.2.2 addr6 fd00:2::2\n"                                                   \
	"node c addr 10.0.2.3 addr6 fd00:2::3\n"                                                   \
	"node j addr 10.0.3.1 addr6 fd00:3::1\n"                                                   \
	"host t addr 10.0.9.9 addr6 fd00:9::9 owns 10.99.0.0/16 owns fd99::/32\n"                  \
	"link s d\nlink d a weight 4\nlink d b weight 2\nlink d c weight 2\n"                      \
	"link a j\nlink b j\nlink c j\nlink j t\n"

/* Which branch a probe takes: the last byte of the responder at TTL 2. */
static unsigned branch(struct simkit *k, struct wn_probe *p)
{
	struct wn_reply r;

	p->ttl = 2;
	assert_true(simkit_ask(k, p, &r));
	assert_int_equal(r.kind, WN_REPLY_TIME_EXCEEDED);
	return r.from.bytes[r.from.family == 4 ? 3 : 15];
}

/* Same flow, same way, for truth and packets alike; another flow may take another. */
static void test_flow_balancing(void **state)
{
	struct simkit k;

	(void)state;
	simkit_open(&k, DIAMOND("balance flow"));
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		unsigned seen[4] = {0};

		for (unsigned i = 0; i < 400; i++) {
			struct wn_probe p =
				simkit_probe(&k, i & 1 ? 6 : 4, (enum wn_proto)proto, 2);
			unsigned way;

			p.sport = (uint16_t)(p.sport + i);
			if (proto == WN_PROTO_ICMP)
				p.checksum = (uint16_t)(p.checksum + i);
			way = branch(&k, &p);
			seen[way]++;
			p.ip_id++; /* what differs between probes of one flow */
			p.icmp_seq++;
			p.tcp_seq++;
			p.flow_label = i;
			if (proto == WN_PROTO_UDP)
				p.checksum++;
			assert_int_equal(branch(&k, &p), way);
		}
		/* Weights 4, 2, 2 of 400: sigma is 10 and below. */
		assert_in_range(seen[1], 160, 240);
		assert_in_range(seen[2], 65, 135);
		assert_in_range(seen[3], 65, 135);
	}
	simkit_close(&k);
}

static unsigned distinct(struct simkit *k, uint8_t family, int vary)
{
	unsigned ways = 0;

	for (unsigned i = 0; i < 64; i++) {
		struct wn_probe p = simkit_probe(k, family, WN_PROTO_UDP, 2);

		if (vary == 'p')
			p.sport = (uint16_t)(p.sport + i);
		else if (vary == 'l')
			p.flow_label = i;
		else if (vary == 'd') {
			p.dst = simkit_addr(family == 4 ? "10.99.0.1" : "fd99::1");
			p.dst.bytes[family == 4 ? 3 : 15] = (uint8_t)i;
		}
		ways |= 1u << branch(k, &p);
	}
	return (ways >> 1 & 1) + (ways >> 2 & 1) + (ways >> 3 & 1);
}

/* What each way of balancing looks at: ports, flow label, destination, nothing. */
static void test_kinds_of_balancing(void **state)
{
	static const struct {
		const char *text;
		unsigned ports, label, dest, none;
	} kinds[] = {
		{DIAMOND("balance flow"), 3, 1, 3, 1},
		{DIAMOND("balance flow+label"), 3, 3, 3, 1},
		{DIAMOND("balance label"), 1, 3, 3, 1},
		{DIAMOND("balance dest"), 1, 1, 3, 1},
		{DIAMOND("balance packet"), 3, 3, 3, 3},
	};
	struct simkit k;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		simkit_open(&k, kinds[i].text);
		assert_int_equal(distinct(&k, 6, 'p'), kinds[i].ports);
		assert_int_equal(distinct(&k, 6, 'l'), kinds[i].label);
		assert_int_equal(distinct(&k, 6, 'd'), kinds[i].dest);
		assert_int_equal(distinct(&k, 6, 0), kinds[i].none);
		assert_int_equal(distinct(&k, 4, 'p'), kinds[i].ports);
		assert_int_equal(distinct(&k, 4, 'd'), kinds[i].dest);
		simkit_close(&k);
	}
}

/* Two routers in a row decide independently: all pairs of branches are met. */
static void test_stages_are_independent(void **state)
{
	static const char text[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9\n"
		"node d addr 10.0.1.1\nnode a addr 10.0.2.1\nnode b addr 10.0.2.2\n"
		"node e addr 10.0.3.1\nnode f addr 10.0.4.1\nnode g addr 10.0.4.2\n"
		"link s d\nlink d a\nlink d b\nlink a e\nlink b e\nlink e f\n"
		"link e g\nlink f t\nlink g t\n";
	unsigned pairs = 0;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, text);
	for (unsigned i = 0; i < 60; i++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);

		p.sport = (uint16_t)(p.sport + i);
		simkit_truth(&k, &p, path, sizeof path);
		pairs |= 1u << ((strstr(path, "10.0.2.1") ? 1 : 0) +
				 (strstr(path, "10.0.4.1") ? 2 : 0));
	}
	assert_int_equal(pairs, 15);
	simkit_close(&k);
}

/* Branches of unequal length, a route for one prefix, weights in routes. */
static void test_explicit_routes(void **state)
{
	static const char text[] =
		"seed 3\nsource s\ntarget t\nhost s addr 10.0.0.1\n"
		"host t addr 10.0.9.9 addr 10.8.0.9 addr 10.8.1.9\n"
		"node d addr 10.0.1.1\nnode a addr 10.0.2.1\nnode b addr 10.0.2.2\n"
		"node c addr 10.0.3.2\n"
		"link s d\nlink d a\nlink a t\nlink d b\nlink b c\nlink c t\n"
		"route d to t via a weight 3 via b weight 1\n"
		"route d to 10.8.0.0/16 via b\n"
		"route d to 10.8.1.0/24 via a\n";
	unsigned longer = 0;
	struct wn_probe p;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, text);
	for (unsigned i = 0; i < 400; i++) {
		p = simkit_probe(&k, 4, WN_PROTO_TCP, 1);
		p.sport = (uint16_t)(p.sport + i);
		simkit_truth(&k, &p, path, sizeof path);
		if (strcmp(path, "10.0.1.1 10.0.2.2 10.0.3.2 10.0.9.9") == 0)
			longer++;
		else
			assert_string_equal(path, "10.0.1.1 10.0.2.1 10.0.9.9");
	}
	assert_in_range(longer, 65, 135);
	simkit_close(&k);
}

static void test_prefix_routes(void **state)
{
	static const char text[] =
		"source s\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9 owns 10.8.0.0/16\n"
		"node d addr 10.0.1.1\nnode a addr 10.0.2.1\nnode b addr 10.0.2.2\n"
		"link s d\nlink d a\nlink a t\nlink d b\nlink b t\n"
		"route d via a\nroute d to 10.8.0.0/16 via b\nroute d to 10.8.1.0/24 via a\n";
	static const struct {
		const char *dst, *hop2;
	} cases[] = {{"10.0.9.9", "10.0.2.1"}, {"10.8.0.1", "10.0.2.2"}, {"10.8.1.1", "10.0.2.1"}};
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	for (size_t i = 0; i < 3; i++)
		for (uint16_t flow = 0; flow < 20; flow++) {
			struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_UDP, 2);

			p.dst = simkit_addr(cases[i].dst);
			p.sport = (uint16_t)(p.sport + flow);
			simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, cases[i].hop2, &r);
		}
	simkit_close(&k);
}

/* A route over everything never catches what is on its way back. */
static void test_loop(void **state)
{
	static const char text[] = SIM_LINE("", "", "", "", "", "") "route r2 via r1\n";
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	char path[6000];

	(void)state;
	simkit_open(&k, text);
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 7);
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.1.1", &r);
	p.ttl = 8;
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.2.1", &r);
	simkit_truth(&k, &p, path, sizeof path);
	assert_int_equal(strlen(path), 255 * 9 - 1);
	p.ttl = 255;
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.1.1", &r);
	simkit_close(&k);
}

/* Back another way: the reply's TTL and time show it. */
static void test_asymmetric_return(void **state)
{
	static const char text[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9\n"
		"node a addr 10.0.1.1\nnode b addr 10.0.2.1\nnode c addr 10.0.3.1\n"
		"link s a delay 1ms delay-back 5ms\nlink a t delay 1ms\n"
		"link t b delay 20ms\nlink b c delay 20ms\nlink c s delay 20ms\n"
		"return t via b\n";
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	p = simkit_probe(&k, 4, WN_PROTO_ICMP, 1);
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.1.1", &r);
	assert_true(k.at_ns == 6 * SIM_MS);
	p.ttl = 2;
	simkit_expect(&k, &p, WN_REPLY_ECHO, "10.0.9.9", &r);
	assert_true(k.at_ns == 10 * SIM_S + 62 * SIM_MS);
	assert_int_equal(r.ttl, 62);
	simkit_close(&k);
}

/* The end is where the target's answer got lost, however it got lost. */
static void test_loop_on_the_way_back(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, SIM_LINE("", "", "", "", "", "") "return r1 via r2\n");
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 3);
	assert_false(simkit_ask(&k, &p, &r));
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path), "* * *");
	simkit_close(&k);
}

/* What a router refuses everybody else still gets back to the source through it. */
static void test_refusal_spares_the_way_back(void **state)
{
	static const char text[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9\n"
		"node a addr 10.0.1.1\nnode b addr 10.0.2.1 blackhole\n"
		"node c addr 10.0.3.1 unreachable host reject admin\n"
		"link s a\nlink a t\nlink t b\nlink b c\nlink c s\nreturn t via b\n";
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	p = simkit_probe(&k, 4, WN_PROTO_ICMP, 2);
	simkit_expect(&k, &p, WN_REPLY_ECHO, "10.0.9.9", &r);
	simkit_close(&k);
}

/*
 * Errors have no ports: whatever they quote, they come back by one way. (A whole quote would not
 * change their checksum: what it sums up to is 0.)
 */
static void test_errors_return_by_one_way(void **state)
{
	static const char text[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9\n"
		"node j addr 10.0.1.1\nnode a addr 10.0.2.1\nnode b addr 10.0.2.2\n"
		"node e addr 10.0.3.1 quote 28\n"
		"link s j\nlink j a\nlink j b\nlink a e delay-back 5ms\nlink b e delay-back 9ms\n"
		"link e t\n";
	struct wn_reply r;
	struct simkit k;
	uint64_t took = 0;

	(void)state;
	simkit_open(&k, text);
	for (uint16_t i = 0; i < 40; i++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_UDP, 3);
		uint64_t began = k.now_ns;

		p.sport = (uint16_t)(p.sport + i);
		p.checksum = (uint16_t)(p.checksum + i);
		simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.3.1", &r);
		if (i)
			assert_true(k.at_ns - began == took);
		took = k.at_ns - began;
	}
	simkit_close(&k);
}

/* Hosts and the source carry nothing for others, however short the way through them is. */
static void test_hosts_are_no_way(void **state)
{
	static const char text[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9\n"
		"node a addr 10.0.1.1\nnode b addr 10.0.2.1\nnode c addr 10.0.3.1\n"
		"node d addr 10.0.4.1\nhost h addr 10.0.5.1\n"
		"link s a\nlink a h\nlink h d\nlink a b\nlink b c\nlink c d\nlink d t\n"
		"link s d cost 9\n";
	struct wn_probe p;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, text);
	p = simkit_probe(&k, 4, WN_PROTO_ICMP, 1);
	assert_string_equal(simkit_truth(&k, &p, path, sizeof path),
		"10.0.1.1 10.0.2.1 10.0.3.1 10.0.4.1 10.0.9.9");
	simkit_close(&k);
}

/* The seed decides which flow goes where; the file's, unless another is given. */
static void test_seed(void **state)
{
	struct wn_sim *sims[3];
	unsigned differ = 0;
	struct simkit a, b;

	(void)state;
	simkit_open(&a, DIAMOND(""));
	simkit_open(&b, "seed 6\n" UNSEEDED(""));
	sims[0] = a.sim;
	assert_int_equal(wn_sim_new(b.topo, 5, 0, &sims[1]), WN_OK);
	sims[2] = b.sim;
	for (uint16_t i = 0; i < 64; i++) {
		struct wn_probe p = simkit_probe(&a, 4, WN_PROTO_UDP, 1);
		struct wn_addr hops[3][8];
		uint8_t packet[100];
		size_t len;

		p.sport = (uint16_t)(p.sport + i);
		len = simkit_build(&p, packet, sizeof packet);
		for (unsigned n = 0; n < 3; n++)
			assert_int_equal(wn_sim_truth(sims[n], packet, len, hops[n], 8), 4);
		assert_true(wn_addr_eq(&hops[0][1], &hops[1][1]));
		differ += !wn_addr_eq(&hops[0][1], &hops[2][1]);
	}
	assert_in_range(differ, 20, 60);
	wn_sim_free(sims[1]);
	simkit_close(&a);
	simkit_close(&b);
}

static void test_source_nat(void **state)
{
	static const char *const texts[] = {
		/* A route over everything does not catch what returns to the outer address. */
		SIM_LINE("nat source 192.0.2.1 nat source 2001:db8::1", "", "", "", "",
			"") "route r2 via t\n",
		SIM_LINE("nat source 192.0.2.1 port-shift 1000 nat source 2001:db8::1 port-shift 7",
			"", "", "", "", ""),
		SIM_LINE("nat source 192.0.2.1 port-shift 1000 keep-quotes"
			 " nat source 2001:db8::1 port-shift 1000 keep-quotes",
			"quote 28", "open tcp 443 open udp 33434", "", "", ""),
	};
	struct simkit k;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		simkit_open(&k, texts[i]);
		for (unsigned n = 0; n < 6; n++) {
			uint8_t family = n & 1 ? 6 : 4;
			struct wn_probe p = simkit_probe(&k, family, (enum wn_proto)(n / 2), 1);
			struct wn_addr outer = simkit_addr(n & 1 ? "2001:db8::1" : "192.0.2.1");
			const struct wn_addr *want = i == 2 ? &outer : &p.src;
			uint16_t port = i == 2 ? 1000 : 0;
			struct wn_reply r;

			/* The translator itself quotes what came in. */
			simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED,
				n & 1 ? "fd00:1::1" : "10.0.1.1", &r);
			assert_true(wn_addr_eq(&r.quote.src, &p.src));
			p.ttl = 2;
			simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED,
				n & 1 ? "fd00:2::1" : "10.0.2.1", &r);
			assert_true(wn_addr_eq(&r.to, &p.src));
			assert_true(wn_addr_eq(&r.quote.src, want));
			if (p.proto == WN_PROTO_ICMP)
				assert_int_equal(r.quote.icmp_id, p.icmp_id + port);
			else
				assert_int_equal(r.quote.sport, p.sport + port);
			/* Translated back as it should be, the checksum is ours again. */
			if (i < 2 && p.proto != WN_PROTO_TCP)
				assert_int_equal(r.quote.checksum, p.checksum);
			p.ttl = 9;
			assert_true(simkit_ask(&k, &p, &r));
			simkit_from(&r, n & 1 ? "fd00:9::9" : "10.0.9.9");
			assert_false(r.checksum_bad);
			if (p.proto == WN_PROTO_TCP)
				assert_int_equal(r.dport, p.sport);
			if (r.kind == WN_REPLY_ECHO)
				assert_int_equal(r.icmp_id, p.icmp_id);
		}
		simkit_close(&k);
	}
}

/* From behind, even time exceeded carries the target's address: TTL 2 looks like the end. */
static void test_dest_nat(void **state)
{
	static const char text[] = "target 192.0.2.80\ntarget 2001:db8::80\n"
				   "source s\n"
				   "host s addr 10.0.0.1 addr6 fd00::1\n"
				   "node r1 addr 10.0.1.1 addr6 fd00:1::1"
				   " nat dest 192.0.2.80 to 10.0.9.9"
				   " nat dest 2001:db8::80 to fd00:9::9\n"
				   "node r2 addr 10.0.2.1 addr6 fd00:2::1\n"
				   "host t addr 10.0.9.9 addr6 fd00:9::9\n"
				   "link s r1\nlink r1 r2\nlink r2 t\n";
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, text);
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 1);
	assert_string_equal(
		simkit_truth(&k, &p, path, sizeof path), "10.0.1.1 192.0.2.80 192.0.2.80");
	simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, "10.0.1.1", &r);
	assert_true(wn_addr_eq(&r.quote.dst, &p.dst));
	for (uint8_t family = 4; family <= 6; family += 2) {
		const char *outer = family == 4 ? "192.0.2.80" : "2001:db8::80";

		p = simkit_probe(&k, family, WN_PROTO_UDP, 2);
		simkit_expect(&k, &p, WN_REPLY_TIME_EXCEEDED, outer, &r);
		assert_true(wn_addr_eq(&r.quote.dst, &p.dst));
		assert_int_equal(r.quote.checksum, p.checksum);
		p.ttl = 3;
		simkit_expect(&k, &p, WN_REPLY_UNREACHABLE, outer, &r);
		p = simkit_probe(&k, family, WN_PROTO_ICMP, 3);
		simkit_expect(&k, &p, WN_REPLY_ECHO, outer, &r);
		p = simkit_probe(&k, family, WN_PROTO_TCP, 3);
		simkit_expect(&k, &p, WN_REPLY_RST, outer, &r);
	}
	simkit_close(&k);
}

#define TUNNEL(line)                                                                               \
	"source s\ntarget t\nhost s addr 10.0.0.1 addr6 fd00::1\n"                                 \
	"node i addr 10.0.1.1 addr6 fd00:1::1\nnode a addr 10.0.2.1 addr6 fd00:2::1\n"             \
	"node b addr 10.0.3.1 addr6 fd00:3::1\nnode e addr 10.0.4.1 addr6 fd00:4::1\n"             \
	"node x addr 10.0.5.1 addr6 fd00:5::1\nhost t addr 10.0.9.9 addr6 fd00:9::9\n"             \
	"link s i\nlink i a\nlink a b\nlink b e\nlink e x\nlink x t\n" line

struct hop {
	const char *from;
	int quoted_ttl, labels;
	uint32_t label;
	uint8_t lse_ttl;
};

static void check_tunnel(const char *text, const struct hop *hops, size_t n)
{
	struct simkit k;

	simkit_open(&k, text);
	for (size_t i = 0; i < n; i++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_UDP, (uint8_t)(i + 1));
		struct wn_reply r;

		assert_true(simkit_ask(&k, &p, &r));
		simkit_from(&r, hops[i].from);
		assert_false(r.checksum_bad);
		assert_false(r.ext.bad);
		assert_int_equal(r.quote.ttl, hops[i].quoted_ttl);
		assert_int_equal(r.ext.mpls_count, hops[i].labels);
		if (hops[i].labels) {
			assert_int_equal(r.ext.mpls[0].label, hops[i].label);
			assert_int_equal(r.ext.mpls[0].ttl, hops[i].lse_ttl);
			assert_int_equal(r.ext.mpls[0].bottom, hops[i].labels == 1);
		}
	}
	simkit_close(&k);
}

static void test_tunnels(void **state)
{
	static const struct hop explicit[] = {{"10.0.1.1", 1, 0}, {"10.0.2.1", 1, 1, 500, 1},
		{"10.0.3.1", 2, 1, 600, 1}, {"10.0.4.1", 1, 0}, {"10.0.5.1", 1, 0},
		{"10.0.9.9", 1, 0}, {"10.0.9.9", 2, 0}};
	static const struct hop stacked[] = {{"10.0.1.1", 1, 0}, {"10.0.2.1", 1, 2, 500, 1},
		{"10.0.3.1", 2, 2, 600, 1}, {"10.0.4.1", 1, 0}};
	static const struct hop implicit[] = {{"10.0.1.1", 1, 0}, {"10.0.2.1", 1, 0},
		{"10.0.3.1", 2, 0}, {"10.0.4.1", 1, 0}, {"10.0.5.1", 1, 0}, {"10.0.9.9", 1, 0}};
	static const struct hop opaque[] = {{"10.0.1.1", 1, 0}, {"10.0.4.1", 1, 1, 700, 253},
		{"10.0.5.1", 1, 0}, {"10.0.9.9", 1, 0}, {"10.0.9.9", 2, 0}};
	static const struct hop invisible[] = {
		{"10.0.1.1", 1, 0}, {"10.0.4.1", 1, 0}, {"10.0.5.1", 1, 0}, {"10.0.9.9", 1, 0}};

	(void)state;
	check_tunnel(TUNNEL("mpls explicit i a b e labels 500 600\n"), explicit, 7);
	check_tunnel(TUNNEL("mpls explicit i a b e labels 500 600 inner 77\n"), stacked, 4);
	check_tunnel(TUNNEL("mpls implicit i a b e\n"), implicit, 6);
	check_tunnel(TUNNEL("mpls opaque i a b e labels 500 600 700\n"), opaque, 5);
	check_tunnel(TUNNEL("mpls invisible i a b e\n"), invisible, 4);
}

/* Routers inside are reached by plain IP; truth knows the tunnel as packets do. */
static void test_tunnel_edges(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	char path[200];

	(void)state;
	simkit_open(&k, TUNNEL("mpls invisible i a b e\n"));
	p = simkit_probe(&k, 6, WN_PROTO_ICMP, 3);
	assert_string_equal(
		simkit_truth(&k, &p, path, sizeof path), "fd00:1::1 fd00:4::1 fd00:5::1 fd00:9::9");
	p.dst = simkit_addr("fd00:3::1");
	simkit_expect(&k, &p, WN_REPLY_ECHO, "fd00:3::1", &r);
	assert_string_equal(
		simkit_truth(&k, &p, path, sizeof path), "fd00:1::1 fd00:2::1 fd00:3::1");
	simkit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow_balancing),
		cmocka_unit_test(test_kinds_of_balancing),
		cmocka_unit_test(test_stages_are_independent),
		cmocka_unit_test(test_explicit_routes),
		cmocka_unit_test(test_prefix_routes),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_asymmetric_return),
		cmocka_unit_test(test_loop_on_the_way_back),
		cmocka_unit_test(test_refusal_spares_the_way_back),
		cmocka_unit_test(test_errors_return_by_one_way),
		cmocka_unit_test(test_hosts_are_no_way),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_source_nat),
		cmocka_unit_test(test_dest_nat),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_tunnel_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
