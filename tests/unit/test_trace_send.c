/* SPDX-License-Identifier: Apache-2.0 */
/* When probes go out, and how they look. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_path.h"

static struct fake f;

static void run(void)
{
	fake_run(&f);
	assert_true(f.done);
}

/* In any span of time no more than the window and what the pace allows. */
static void assert_pace(void)
{
	for (size_t i = 0; i < f.sent_count; i++) {
		for (size_t j = i; j < f.sent_count; j++) {
			uint64_t span = f.sent_ns[j] - f.sent_ns[i];
			uint64_t allowed =
				f.params.window + span * f.params.pps / (1000 * FAKE_MS) + 1;

			assert_true(j - i + 1 <= allowed);
		}
	}
}

static void test_window(void **state)
{
	static const uint32_t windows[] = {1, 2, 7, 32, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		fake_init(&f, 14, 3 * FAKE_MS);
		fake_silent(&f, 5, 5);
		f.params.window = windows[i];
		f.params.pps = 0;
		run();
		assert_in_range(f.peak, 1, windows[i]);
		if (windows[i] < 12)
			assert_int_equal(f.peak, windows[i]);
		assert_int_equal(f.stop.u.stop.ttl, 14);
		fake_fini(&f);
	}
}

static void test_pace(void **state)
{
	static const uint32_t rates[] = {20, 100, 1000, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		fake_init(&f, 14, 3 * FAKE_MS);
		fake_silent(&f, 5, 5);
		f.params.window = 8;
		f.params.pps = rates[i];
		run();
		assert_pace();
		assert_int_equal(f.stop.u.stop.ttl, 14);
		fake_fini(&f);
	}
}

static void test_per_flow(void **state)
{
	(void)state;
	for (uint32_t limit = 1; limit < 4; limit++) {
		fake_init(&f, 9, 2 * FAKE_MS);
		fake_silent(&f, 5, 5);
		f.params.caps.per_flow = limit;
		run();
		assert_int_equal(f.peak, limit);
		assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
		fake_fini(&f);
	}
}

/* Classic TCP comes back to a source port: not while its limit is used up. */
static uint8_t ports[65536];

static void count_ports(struct fake *net, const struct wn_probe *p)
{
	assert_int_equal(ports[p->sport]++, 0);
	assert_true(p->sport >= net->params.sport && p->sport < net->params.sport + 64);
	fake_answer(net, p);
}

static void free_ports(struct fake *net, const struct wn_event *ev)
{
	if (ev->kind == WN_EV_REPLY || ev->kind == WN_EV_TIMEOUT)
		for (size_t i = 0; i < net->sent_count; i++)
			if (net->sent[i].id == ev->probe_id)
				ports[net->sent[i].sport] = 0;
}

static void test_per_flow_classic(void **state)
{
	(void)state;
	memset(ports, 0, sizeof(ports));
	fake_init(&f, 28, 4 * FAKE_MS);
	f.params.proto = WN_PROTO_TCP;
	f.params.flow_mode = WN_FLOW_CLASSIC;
	f.params.caps.per_flow = 1;
	f.params.window = 500;
	f.params.probes = 10;
	f.params.pps = 0;
	f.network = count_ports;
	f.event = free_ports;
	run();
	assert_int_equal(f.stop.u.stop.ttl, 28);
	assert_true(f.sent_count >= 280);
	assert_true(f.peak <= 64);
	fake_fini(&f);
}

/* First probes go in the order of TTL, never farther than the gap beyond the last answer. */
static void check_lookahead(struct fake *net, const struct wn_probe *p)
{
	uint32_t last = net->result->last_ttl;

	assert_true(p->ttl <= last + net->params.gap);
	fake_answer(net, p);
}

static void test_lookahead(void **state)
{
	uint8_t highest = 0;

	(void)state;
	fake_init(&f, 20, 2 * FAKE_MS);
	f.params.gap = 4;
	f.network = check_lookahead;
	run();
	for (size_t i = 0; i < f.sent_count; i++) {
		assert_true(f.sent[i].ttl <= highest + 1);
		if (f.sent[i].ttl > highest)
			highest = f.sent[i].ttl;
	}
	assert_int_equal(highest, 23);
	assert_int_equal(f.stop.u.stop.ttl, 20);
	fake_fini(&f);
}

/* Nothing goes beyond the destination once it is known, nor does anything there delay the end. */
static void silent_beyond(struct fake *net, const struct wn_probe *p)
{
	if (net->result->reached)
		assert_true(p->ttl <= net->length);
	if (p->ttl <= net->length)
		fake_answer(net, p);
}

static void test_beyond_the_destination(void **state)
{
	uint32_t pending = 0;

	(void)state;
	fake_init(&f, 6, 2 * FAKE_MS);
	f.network = silent_beyond;
	run();
	assert_in_range(fake_took_ms(&f), 14, 14);
	assert_int_equal(f.counts[WN_EV_TIMEOUT], 0);
	for (uint32_t i = 0; i < f.result->probe_count; i++)
		pending += f.result->probes[i].state == WN_PROBE_PENDING;
	assert_true(pending > 0);
	assert_false(f.end.u.end.partial);
	fake_fini(&f);
}

/* Nor are they late when they do come, long after anyone waited for them. */
static void slow_beyond(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (fake_reply_to(net, p, &r))
		fake_deliver(net, (p->ttl <= net->length ? 100 : 180) * FAKE_MS, &r);
}

static void test_answers_from_beyond_are_not_late(void **state)
{
	(void)state;
	fake_init(&f, 3, 0);
	fake_silent(&f, 2, 2);
	f.network = slow_beyond;
	run();
	assert_int_equal(f.stop.u.stop.ttl, 3);
	assert_true(f.result->hops[5].responder_count == 1);
	assert_int_equal(f.end.u.end.counters.late, 0);
	assert_int_equal(f.counts[WN_EV_TIMEOUT], 3);
	fake_fini(&f);
}

/* The destination answers at several TTLs in any order: the lowest counts. */
static void farthest_first(struct fake *net, const struct wn_probe *p)
{
	struct wn_reply r;

	if (fake_reply_to(net, p, &r))
		fake_deliver(net, (p->ttl > 30 ? 1 : 31 - p->ttl) * FAKE_MS, &r);
}

static void test_destination_comes_nearer(void **state)
{
	(void)state;
	fake_init(&f, 5, 0);
	f.network = farthest_first;
	run();
	assert_int_equal(f.stop.u.stop.ttl, 5);
	assert_int_equal(f.result->last_ttl, 5);
	fake_fini(&f);
}

/* When the record says that a probe was over: answered, or given up. */
static uint64_t over_ns(const struct wn_probe_rec *p)
{
	if (p->first_reply != WN_NONE)
		return f.result->replies[p->first_reply].at_ns;
	return p->state == WN_PROBE_LOST ? p->sent_ns + p->waited_ns : UINT64_MAX;
}

/* At the target one SYN follows the other; a silent hop on the way is not waited for. */
static void test_tcp_one_syn_at_a_time(void **state)
{
	unsigned early = 0;

	(void)state;
	fake_init(&f, 8, 2 * FAKE_MS);
	f.params.proto = WN_PROTO_TCP;
	f.params.size = 44;
	fake_silent(&f, 4, 4);
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
	for (size_t i = 0; i < f.result->probe_count; i++) {
		const struct wn_probe_rec *a = &f.result->probes[i];

		for (size_t j = i + 1; j < f.result->probe_count; j++) {
			const struct wn_probe_rec *b = &f.result->probes[j];

			if (b->probe.ttl != a->probe.ttl)
				continue;
			if (a->probe.ttl >= 8)
				assert_true(b->sent_ns >= over_ns(a));
			early += a->probe.ttl == 4 && b->sent_ns < over_ns(a);
		}
	}
	assert_true(early > 0);
	fake_fini(&f);
}

/* And a silent target is not asked again sooner than an answer would have come. */
static void test_tcp_dead_target(void **state)
{
	(void)state;
	fake_init(&f, 40, 4 * FAKE_MS);
	f.params.proto = WN_PROTO_TCP;
	f.params.size = 44;
	fake_silent(&f, 11, 40);
	run();
	assert_int_equal(f.stop.u.stop.stop, WN_STOP_GAP);
	assert_in_range(fake_took_ms(&f), 200, 500);
	for (size_t i = 0; i < f.sent_count; i++)
		for (size_t j = i + 1; j < f.sent_count; j++)
			if (f.sent[i].ttl > 10 && f.sent[i].ttl == f.sent[j].ttl)
				assert_true(f.sent_ns[j] - f.sent_ns[i] >= 50 * FAKE_MS);
	fake_fini(&f);
}

static void test_fixed_flow(void **state)
{
	(void)state;
	for (uint32_t flow = 0; flow < 4; flow++) {
		for (int proto = WN_PROTO_UDP; proto <= WN_PROTO_TCP; proto++) {
			fake_init(&f, 6, FAKE_MS);
			f.params.proto = (enum wn_proto)proto;
			f.params.flow = flow;
			f.params.flow_checksum = 0xfffe;
			f.params.tos = 0xb8;
			run();
			assert_int_equal(f.stop.u.stop.stop, WN_STOP_REACHED);
			for (size_t i = 0; i < f.sent_count; i++) {
				const struct wn_probe *p = &f.sent[i];

				assert_int_equal(p->flow, flow);
				assert_int_equal(p->tos, 0xb8);
				assert_int_equal(p->dport, proto == WN_PROTO_ICMP ? 0 : 33434);
				assert_int_equal(
					p->sport, proto == WN_PROTO_ICMP ? 0 : 40000 + flow);
				if (proto == WN_PROTO_ICMP) {
					assert_int_equal(p->icmp_id, 40000);
					assert_int_equal(p->checksum, flow ? flow : 0xfffe);
				}
			}
			fake_fini(&f);
		}
	}
}

static void test_flow_label(void **state)
{
	uint32_t labels[8];

	(void)state;
	for (uint32_t flow = 0; flow < 8; flow++) {
		fake_init(&f, 3, FAKE_MS);
		f.params.src.family = f.params.dst.family = 6;
		for (unsigned i = 1; i < FAKE_HOPS; i++)
			f.hops[i].addr.family = 6;
		f.params.size = 80;
		f.params.flow = flow;
		f.params.flow_label = 0xabcde;
		run();
		labels[flow] = f.sent[0].flow_label;
		for (size_t i = 0; i < f.sent_count; i++)
			assert_int_equal(f.sent[i].flow_label, labels[flow]);
		assert_in_range(labels[flow], 1, 0xfffff);
		for (uint32_t i = 0; i < flow; i++)
			assert_int_not_equal(labels[i], labels[flow]);
		fake_fini(&f);
	}
	assert_int_equal(labels[0], 0xabcde);
}

static void test_classic_flow(void **state)
{
	(void)state;
	for (int proto = WN_PROTO_UDP; proto <= WN_PROTO_TCP; proto++) {
		fake_init(&f, 28, FAKE_MS);
		f.params.proto = (enum wn_proto)proto;
		f.params.flow_mode = WN_FLOW_CLASSIC;
		f.params.dport = 65500;
		run();
		assert_int_equal(f.stop.u.stop.ttl, 28);
		for (size_t i = 0; i < f.sent_count; i++) {
			const struct wn_probe *p = &f.sent[i];

			assert_int_equal(p->flow, i);
			if (proto == WN_PROTO_UDP)
				assert_int_equal(p->dport, 65500 + i % 36);
			if (proto == WN_PROTO_TCP)
				assert_int_equal(p->sport, 40000 + i % 64);
			if (proto == WN_PROTO_ICMP)
				assert_int_equal(p->checksum, 0);
		}
		fake_fini(&f);
	}
}

static void test_identities_are_unique(void **state)
{
	static uint8_t tags[65536];

	(void)state;
	memset(tags, 0, sizeof(tags));
	fake_init(&f, 40, FAKE_MS / 10);
	f.params.max_ttl = 40;
	f.params.probes = 64;
	f.params.pps = 0;
	fake_silent(&f, 39, 40);
	run();
	assert_true(f.sent_count >= 38 * 64);
	for (size_t i = 0; i < f.sent_count; i++) {
		assert_int_equal(tags[wn_probe_tag(&f.sent[i])], 0);
		tags[wn_probe_tag(&f.sent[i])] = 1;
	}
	fake_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_per_flow),
		cmocka_unit_test(test_per_flow_classic),
		cmocka_unit_test(test_lookahead),
		cmocka_unit_test(test_beyond_the_destination),
		cmocka_unit_test(test_answers_from_beyond_are_not_late),
		cmocka_unit_test(test_destination_comes_nearer),
		cmocka_unit_test(test_tcp_one_syn_at_a_time),
		cmocka_unit_test(test_tcp_dead_target),
		cmocka_unit_test(test_fixed_flow),
		cmocka_unit_test(test_flow_label),
		cmocka_unit_test(test_classic_flow),
		cmocka_unit_test(test_identities_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
