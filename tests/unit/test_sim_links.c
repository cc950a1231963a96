/* SPDX-License-Identifier: Apache-2.0 */
/* What links do to packets, and when things happen. */
#include "simkit.h"
#include "base/rng.h"

#define ONE_LINK(options)                                                                          \
	"seed 11\nsource s\ntarget t\nhost s addr 10.0.0.1 addr6 fd00::1\n"                        \
	"host t addr 10.0.9.9 addr6 fd00:9::9\nlink s t " options "\n"

struct tally {
	unsigned got, corrupt, cut, plausible, reordered, twice;
	uint64_t min_ns, max_ns;
};

/* n echo requests, one each millisecond; the sequence number tells which came back. */
static struct tally run(const char *text, unsigned n)
{
	static uint8_t seen[65536];
	struct tally t = {.min_ns = UINT64_MAX};
	uint16_t highest = 0;
	struct simkit k;

	memset(seen, 0, sizeof seen);
	simkit_open(&k, text);
	for (unsigned i = 0; i <= n; i++) {
		struct wn_probe p = simkit_probe(&k, i & 1 ? 6 : 4, WN_PROTO_ICMP, 64);
		uint64_t until = (i + 1) * SIM_MS - 1;
		struct wn_reply r;

		p.icmp_seq = (uint16_t)i;
		if (i < n)
			assert_int_equal(simkit_send(&k, &p), WN_OK);
		while (simkit_recv(&k, i < n ? until : 100 * SIM_S, &r)) {
			uint64_t rtt;

			t.got++;
			if (r.checksum_bad || r.truncated || r.kind != WN_REPLY_ECHO ||
				k.len < p.size) {
				t.corrupt += r.checksum_bad && !r.truncated;
				t.cut += k.len != 60 && k.len != 80;
				t.plausible += k.len < p.size && !r.checksum_bad && !r.truncated;
				continue;
			}
			rtt = k.at_ns - r.icmp_seq * SIM_MS;
			t.min_ns = rtt < t.min_ns ? rtt : t.min_ns;
			t.max_ns = rtt > t.max_ns ? rtt : t.max_ns;
			t.twice += seen[r.icmp_seq]++;
			t.reordered += r.icmp_seq < highest;
			highest = r.icmp_seq > highest ? r.icmp_seq : highest;
		}
		k.now_ns = (i + 1) * SIM_MS;
	}
	assert_int_equal(wn_sim_stats(k.sim)->sent, n);
	assert_int_equal(wn_sim_stats(k.sim)->delivered, t.got);
	simkit_close(&k);
	return t;
}

static void test_plain(void **state)
{
	struct tally t = run(ONE_LINK("delay 4ms"), 1000);

	(void)state;
	assert_int_equal(t.got, 1000);
	assert_int_equal(t.reordered + t.twice + t.corrupt + t.cut, 0);
	assert_true(t.min_ns == 8 * SIM_MS && t.max_ns == 8 * SIM_MS);
}

static void test_delay_back(void **state)
{
	struct tally t = run(ONE_LINK("delay 4ms delay-back 9ms"), 10);

	(void)state;
	assert_true(t.min_ns == 13 * SIM_MS && t.max_ns == 13 * SIM_MS);
}

/* Jitter spreads the times over its whole width but does not reorder. */
static void test_jitter(void **state)
{
	struct tally t = run(ONE_LINK("delay 4ms jitter-back 3ms"), 4000);

	(void)state;
	assert_int_equal(t.got, 4000);
	assert_int_equal(t.reordered, 0);
	assert_true(t.min_ns >= 8 * SIM_MS && t.min_ns < 8 * SIM_MS + SIM_MS / 50);
	assert_true(t.max_ns <= 11 * SIM_MS && t.max_ns > 11 * SIM_MS - SIM_MS / 50);
}

static void test_loss(void **state)
{
	struct tally both = run(ONE_LINK("loss 10%"), 10000);
	struct tally back = run(ONE_LINK("loss-back 10%"), 10000);
	struct tally none = run(ONE_LINK("loss 0%"), 100);
	struct tally all = run(ONE_LINK("loss 100%"), 100);

	(void)state;
	assert_in_range(both.got, 8100 - 160, 8100 + 160); /* 4 sigma */
	assert_in_range(back.got, 9000 - 120, 9000 + 120);
	assert_int_equal(none.got, 100);
	assert_int_equal(all.got, 0);
}

static void test_reorder(void **state)
{
	struct tally t = run(ONE_LINK("delay 1ms reorder-back 5% by 20ms"), 10000);

	(void)state;
	assert_int_equal(t.got, 10000);
	assert_in_range(t.reordered, 500 - 90, 500 + 90);
	assert_true(t.min_ns == 2 * SIM_MS && t.max_ns == 22 * SIM_MS);
}

static void test_duplicate(void **state)
{
	struct tally t = run(ONE_LINK("delay 1ms duplicate-back 5%"), 10000);

	(void)state;
	assert_in_range(t.twice, 500 - 90, 500 + 90);
	assert_int_equal(t.got, 10000 + t.twice);
	/* Doubled on the way there, it is answered twice. */
	t = run(ONE_LINK("delay 1ms duplicate 100% duplicate-back 0%"), 100);
	assert_int_equal(t.twice, 100);
}

/* Spoilt replies arrive, and can be told; spoilt probes are not answered. */
static void test_corrupt(void **state)
{
	struct tally t = run(ONE_LINK("corrupt-back 10%"), 10000);

	(void)state;
	assert_int_equal(t.got, 10000);
	assert_in_range(t.corrupt, 1000 - 120, 1000 + 120);
	t = run(ONE_LINK("corrupt 100% corrupt-back 0%"), 100);
	assert_int_equal(t.got, 0);
}

static void test_truncate(void **state)
{
	struct tally t = run(ONE_LINK("truncate-back 10%"), 10000);

	(void)state;
	assert_int_equal(t.got, 10000);
	assert_in_range(t.cut, 1000 - 120, 1000 + 120);
	/* Some look right, as long as the ICMP header is whole: 8 of 40 bytes. */
	assert_in_range(t.plausible, 400 - 80, 400 + 80);
}

/* Down by schedule; the source's own link says so. */
static void test_down(void **state)
{
	static const char text[] =
		SIM_LINE("", "", "", "down 1s..2s", "down 3s..4s down 5s..6s", "");
	unsigned got[8] = {0};
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	for (unsigned i = 0; i < 80; i++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_ICMP, 9);
		wn_err err;
		struct wn_reply r;

		k.now_ns = i * 100 * SIM_MS;
		err = simkit_send(&k, &p);
		assert_int_equal(err, i / 10 == 1 ? WN_ENETDOWN : WN_OK);
		got[i / 10] += simkit_recv(&k, k.now_ns, &r);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(got[i], i == 1 || i == 3 || i == 5 ? 0 : 10);
	simkit_close(&k);
}

/* 60 bytes at 48 kbit/s take 10 ms; 30 ms may wait; the rest finds no room. */
static void test_rate_and_queue(void **state)
{
	struct simkit k;
	struct wn_reply r;
	unsigned got = 0;

	(void)state;
	simkit_open(&k, ONE_LINK("rate 48kbit queue 30ms rate-back 1Gbit delay 1ms"));
	for (unsigned i = 0; i < 10; i++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_ICMP, 9);

		simkit_send(&k, &p);
	}
	while (simkit_recv(&k, SIM_S, &r)) {
		got++;
		assert_true(k.at_ns == got * 10 * SIM_MS + 2 * SIM_MS + 480);
	}
	assert_int_equal(got, 4);
	assert_int_equal(wn_sim_stats(k.sim)->lost, 6);
	simkit_close(&k);
}

/* Doubled inside a tunnel, both are still in it. */
static void test_duplicate_in_a_tunnel(void **state)
{
	static const char text[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.9.9\n"
		"node i addr 10.0.1.1\nnode a addr 10.0.2.1\nnode b addr 10.0.3.1\n"
		"node e addr 10.0.4.1\n"
		"link s i\nlink i a duplicate 100% duplicate-back 0%\nlink a b\nlink b e\n"
		"link e t\nmpls explicit i a b e\n";
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	p = simkit_probe(&k, 4, WN_PROTO_UDP, 3);
	simkit_send(&k, &p);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(simkit_recv(&k, SIM_S, &r));
		simkit_from(&r, "10.0.3.1");
		assert_int_equal(r.ext.mpls_count, 1);
	}
	assert_false(simkit_recv(&k, SIM_S, &r));
	simkit_close(&k);
}

/* Nothing comes before the time that next tells, and with fixed delays it is met soon. */
static void test_next_is_a_bound(void **state)
{
	static const char text[] = SIM_LINE("reply-delay 3ms", "", "", "delay 1ms delay-back 7ms",
		"delay 8ms delay-back 2ms", "delay 50ms delay-back 1ms");
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	for (uint8_t ttl = 1; ttl <= 4; ttl++) {
		struct wn_probe p = simkit_probe(&k, 4, WN_PROTO_ICMP, ttl);
		unsigned asked = 0;
		struct wn_reply r;
		uint64_t next;

		simkit_send(&k, &p);
		do {
			next = wn_sim_next(k.sim);
			assert_true(next != UINT64_MAX && ++asked < 12);
			assert_false(simkit_recv(&k, next - 1, &r));
		} while (!simkit_recv(&k, next, &r));
		assert_true(k.at_ns == next);
		assert_true(wn_sim_next(k.sim) == UINT64_MAX);
		k.now_ns = next;
	}
	simkit_close(&k);
}

#define ROUGH "delay 1ms jitter 1ms loss 2% reorder 3% duplicate 3% corrupt 2% truncate 2%"

static uint64_t digest(uint64_t seed, uint64_t polls)
{
	static const char text[] = SIM_LINE("balance packet drop-replies 3%",
		"limit 50/s burst 5 reply-delay 1ms jitter 2ms", "", ROUGH, ROUGH,
		ROUGH) "node r3 addr 10.0.3.1 addr6 fd00:3::1\nlink r1 r3\nlink r3 t\n";
	struct wn_sipkey key = {{0}};
	struct wn_rng rng;
	uint64_t sum = 0;
	struct simkit k;

	simkit_open(&k, text);
	wn_sim_free(k.sim);
	assert_int_equal(wn_sim_new(k.topo, seed, 0, &k.sim), WN_OK);
	wn_rng_seed(&rng, polls);
	for (unsigned i = 0; i <= 500; i++) {
		struct wn_probe p = simkit_probe(&k, i & 1 ? 6 : 4, (enum wn_proto)(i % 3), 1);
		uint64_t end = i < 500 ? (i + 1) * SIM_MS : 100 * SIM_S;
		uint64_t now = k.now_ns;
		char path[100];
		struct wn_reply r;

		p.ttl = (uint8_t)(i % 4 + 1);
		if (i < 500)
			simkit_send(&k, &p);
		if (polls & 1) /* to ask for the truth changes nothing */
			simkit_truth(&k, &p, path, sizeof path);
		while (now < end) {
			now += polls ? wn_rng_below(&rng, end - now) + 1 : end - now;
			while (simkit_recv(&k, now, &r)) {
				sum = sum * 31 + wn_siphash(&key, k.bytes, k.len);
				sum = sum * 31 + k.at_ns;
			}
		}
		k.now_ns = end;
	}
	simkit_close(&k);
	return sum;
}

/* The same seed gives the same packets at the same times, however often one looks. */
static void test_deterministic(void **state)
{
	uint64_t first = digest(1, 0);

	(void)state;
	assert_true(digest(1, 0) == first);
	for (uint64_t polls = 1; polls < 5; polls++)
		assert_true(digest(1, polls) == first);
	assert_true(digest(2, 0) != first);
}

/* Too many packets under way are counted and dropped; taken ones make room again. */
static void test_overflow(void **state)
{
	struct wn_probe p;
	struct wn_reply r;
	struct simkit k;
	unsigned full = 0;

	(void)state;
	simkit_open(&k, ONE_LINK("delay 1s"));
	p = simkit_probe(&k, 4, WN_PROTO_ICMP, 9);
	for (unsigned i = 0; i < 65536 + 10; i++)
		full += simkit_send(&k, &p) == WN_ENOBUFS;
	assert_int_equal(full, 10);
	assert_int_equal(wn_sim_stats(k.sim)->overflow, 10);
	for (unsigned i = 0; i < 65536; i++)
		assert_true(simkit_recv(&k, 3 * SIM_S, &r));
	k.now_ns = 3 * SIM_S;
	assert_int_equal(simkit_send(&k, &p), WN_OK);
	simkit_close(&k);
}

static void test_bad_packets_are_refused(void **state)
{
	static const uint8_t none[40];
	struct simkit k;

	(void)state;
	simkit_open(&k, ONE_LINK(""));
	assert_int_equal(wn_sim_send(k.sim, none, 0, 0), WN_EINVAL);
	assert_int_equal(wn_sim_send(k.sim, none, 40, 0), WN_EINVAL);
	assert_int_equal(wn_sim_send(k.sim, (const uint8_t *)"\x45\0\0\0", 4, 0), WN_EINVAL);
	assert_int_equal(wn_sim_stats(k.sim)->sent, 0);
	simkit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_delay_back),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_rate_and_queue),
		cmocka_unit_test(test_duplicate_in_a_tunnel),
		cmocka_unit_test(test_next_is_a_bound),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_bad_packets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
