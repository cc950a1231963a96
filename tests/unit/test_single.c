/* SPDX-License-Identifier: Apache-2.0 */
/* Single probes in virtual time: what they are called, when they go, what ends them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "alloc_fault.h"
#include "packets.h"
#include "trace/single.h"

#define MS    UINT64_C(1000000)
#define SPORT 40000
#define SPAN  4

static struct wn_single *open_single(enum wn_proto proto, uint32_t limit)
{
	struct wn_single_config c = {
		.proto = proto, .sport = SPORT, .span = SPAN, .limit = limit, .key = test_key};
	struct wn_single *s;

	assert_int_equal(wn_single_new(&c, 100 * MS, &s), WN_OK);
	return s;
}

static struct wn_single_spec spec_to(const char *dst, uint8_t ttl)
{
	struct wn_single_spec spec = {
		.probe = {.dst = addr_of(dst), .ttl = ttl, .size = 64}, .wait_ns = 1000 * MS};

	spec.probe.src = addr_of(spec.probe.dst.family == 4 ? "192.0.2.1" : "2001:db8::1");
	return spec;
}

static uint64_t add(struct wn_single *s, const struct wn_single_spec *spec)
{
	uint64_t id;

	assert_int_equal(wn_single_add(s, spec, 100 * MS, &id), WN_OK);
	return id;
}

static struct wn_probe sent(struct wn_single *s, uint64_t at_ns)
{
	struct wn_probe p;

	assert_true(wn_single_ready(s, at_ns));
	wn_single_next(s, at_ns, &p);
	wn_single_sent(s, p.id, at_ns);
	return p;
}

static struct wn_probe one(struct wn_single *s, const struct wn_single_spec *spec)
{
	add(s, spec);
	return sent(s, 100 * MS);
}

/* As the bytes of a real error give it. */
static struct wn_reply error_about(const struct wn_probe *p, enum wn_reply_kind kind, size_t quoted)
{
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	struct wn_wire_error e = {.kind = kind,
		.code = kind == WN_REPLY_UNREACHABLE ? (p->dst.family == 4 ? 3 : 4) : 0,
		.from = addr_of(p->dst.family == 4 ? "10.0.0.1" : "fd00::1"),
		.to = p->src,
		.ttl = 60,
		.quote_bytes = quoted};
	size_t len = build_probe(p, probe), out = 0;
	struct wn_reply r;

	assert_int_equal(wn_wire_build_error(&e, probe, len, buf, sizeof(buf), &out), WN_OK);
	assert_int_equal(wn_wire_parse(buf, out, &r), WN_OK);
	return r;
}

static struct wn_reply answer_to(const struct wn_probe *p, enum wn_reply_kind kind)
{
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t len = build_probe(p, probe), out = 0;
	struct wn_reply r;

	assert_int_equal(wn_wire_build_answer(kind, probe, len, 50, buf, sizeof(buf), &out), WN_OK);
	assert_int_equal(wn_wire_parse(buf, out, &r), WN_OK);
	return r;
}

static void ends(
	struct wn_single *s, const struct wn_probe *p, const struct wn_reply *r, bool reached)
{
	struct wn_single_end end;

	assert_true(wn_single_reply(s, r, 107 * MS, 107 * MS, &end));
	assert_int_equal(end.kind, WN_SINGLE_REPLY);
	assert_int_equal(end.id, p->id);
	assert_int_equal(end.ttl, p->ttl);
	assert_int_equal(end.rtt_ns, 7 * MS);
	assert_int_equal(end.reached, reached);
	assert_ptr_equal(end.reply, r);
	assert_true(end.left);
	assert_false(wn_single_reply(s, r, 107 * MS, 107 * MS, &end));
}

static void test_icmp_names(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 1000);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	uint16_t checksum = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		uint8_t buf[WN_PACKET_MAX];
		struct wn_probe p = one(s, &spec);
		size_t len = build_probe(&p, buf);

		assert_int_equal(p.icmp_seq, 33000 + i);
		assert_int_equal(p.icmp_id, SPORT);
		assert_true(naive_right(buf, len));
		/* A balancer that looks at it sends them all the same way. */
		assert_int_equal(buf[22] << 8 | buf[23], p.checksum);
		checksum = checksum ? checksum : p.checksum;
		assert_int_equal(p.checksum, checksum);
	}
	wn_single_free(s);
}

static void test_udp_names(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_UDP, 1000);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_probe a = one(s, &spec), b = one(s, &spec);

	(void)state;
	assert_int_equal(a.dport, 33000);
	assert_int_equal(b.dport, 33001);
	assert_int_equal(a.sport, b.sport);
	spec.probe.dport = 53;
	a = one(s, &spec);
	b = one(s, &spec);
	assert_int_equal(a.dport, 53);
	assert_int_equal(a.sport, b.sport);
	assert_in_range(a.sport, SPORT, SPORT + SPAN - 1);
	assert_int_not_equal(a.checksum, b.checksum);
	spec.probe.sport = 4000;
	a = one(s, &spec);
	assert_int_equal(a.sport, 4000);
	wn_single_free(s);
}

/* Where the target is this machine a probe to one of these would meet ourselves. */
static void test_own_ports_are_left_out(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_UDP, 20000);
	struct wn_single_spec spec = spec_to("127.0.0.1", 3);

	(void)state;
	for (unsigned i = 0; i < 8000; i++) {
		struct wn_probe p = one(s, &spec);

		assert_false(p.dport >= SPORT && p.dport < SPORT + SPAN);
	}
	wn_single_free(s);
}

/* Sequences begin again; one that is waited for is passed over. */
static void test_names_are_not_used_twice(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 20000);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_probe first = one(s, &spec), p = first;
	struct wn_single_end end;

	(void)state;
	for (unsigned i = 0; i < SPAN * (65536u - 33000u) + 2; i++) {
		struct wn_reply r;

		p = one(s, &spec);
		assert_false(p.icmp_seq == first.icmp_seq && p.icmp_id == first.icmp_id);
		r = answer_to(&p, WN_REPLY_ECHO);
		assert_true(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	}
	assert_int_equal(wn_single_count(s), 1);
	wn_single_free(s);
}

static void test_errors_end_probes(void **state)
{
	static const char *const targets[] = {"198.51.100.7", "2001:db8:ffff::7"};

	(void)state;
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		for (int i = 0; i < 2; i++) {
			struct wn_single *s = open_single((enum wn_proto)proto, 100);
			struct wn_single_spec spec = spec_to(targets[i], 5);
			size_t header = i ? 40 : 20;

			/* All of it, and as little as old routers give. */
			for (unsigned quoted = 0; quoted < 2; quoted++) {
				struct wn_probe p = one(s, &spec), other = one(s, &spec);
				struct wn_reply r = error_about(
					&p, WN_REPLY_TIME_EXCEEDED, quoted ? header + 8 : 0);

				ends(s, &p, &r, false);
				r = error_about(
					&other, WN_REPLY_UNREACHABLE, quoted ? header + 8 : 0);
				ends(s, &other, &r, true);
			}
			assert_int_equal(wn_single_count(s), 0);
			wn_single_free(s);
		}
	}
}

static void test_answers_end_probes(void **state)
{
	static const struct {
		enum wn_proto proto;
		enum wn_reply_kind kind;
	} rows[] = {{WN_PROTO_ICMP, WN_REPLY_ECHO}, {WN_PROTO_UDP, WN_REPLY_UDP},
		{WN_PROTO_TCP, WN_REPLY_SYN_ACK}, {WN_PROTO_TCP, WN_REPLY_RST}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wn_single *s = open_single(rows[i].proto, 100);
		struct wn_single_spec spec = spec_to("198.51.100.7", 64);
		struct wn_probe p, stranger;
		struct wn_single_end end;
		struct wn_reply r;

		if (rows[i].proto != WN_PROTO_ICMP)
			spec.probe.dport = 53;
		p = one(s, &spec);
		r = answer_to(&p, rows[i].kind);
		stranger = p;
		r.from = addr_of("198.51.100.8");
		/* An echo reply with our cookie is ours, whoever sends it. */
		if (rows[i].proto != WN_PROTO_ICMP)
			assert_false(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
		r.from = stranger.dst;
		ends(s, &p, &r, true);
		wn_single_free(s);
	}
}

/* It names only ports: it was the probe that went farthest, and of two such the first. */
static void test_udp_answer_is_for_the_farthest(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_UDP, 100);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_single_end end;
	struct wn_probe near, far, again;
	struct wn_reply r;

	(void)state;
	spec.probe.dport = 53;
	near = one(s, &spec);
	spec.probe.ttl = 9;
	far = one(s, &spec);
	again = one(s, &spec);
	r = answer_to(&near, WN_REPLY_UDP);
	assert_true(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	assert_int_equal(end.id, far.id);
	assert_true(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	assert_int_equal(end.id, again.id);
	wn_single_free(s);
}

/* A translator writes other addresses, ports and checksums into what routers behind it quote. */
static void test_cookie_sees_through_translators(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_UDP, 100);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_probe p = one(s, &spec);
	struct wn_reply r = error_about(&p, WN_REPLY_TIME_EXCEEDED, 0);

	(void)state;
	r.quote.src = r.quote.dst = addr_of("203.0.113.77");
	r.quote.sport = r.quote.dport = 9;
	r.quote.checksum ^= 0x1234;
	r.quote.ip_id = 1;
	ends(s, &p, &r, false);
	wn_single_free(s);
}

static void test_strangers(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 100);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_probe p = one(s, &spec);
	struct wn_reply r = error_about(&p, WN_REPLY_TIME_EXCEEDED, 28);
	struct wn_single_end end;

	(void)state;
	r.quote.ip_id ^= 1;
	assert_false(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	r = error_about(&p, WN_REPLY_TIME_EXCEEDED, 0);
	r.quote.cookie[0] ^= 1;
	assert_false(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	r = answer_to(&p, WN_REPLY_ECHO);
	r.cookie[0] ^= 1;
	assert_false(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	assert_int_equal(wn_single_counters(s)->forged, 3);
	r = answer_to(&p, WN_REPLY_ECHO);
	r.checksum_bad = true;
	assert_false(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	assert_int_equal(wn_single_counters(s)->damaged, 1);
	r.checksum_bad = false;
	r.icmp_seq++;
	assert_false(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	assert_int_equal(wn_single_counters(s)->stale, 1);
	assert_int_equal(wn_single_count(s), 1);
	wn_single_free(s);
}

static void test_sizes(void **state)
{
	struct wn_single *icmp = open_single(WN_PROTO_ICMP, 100);
	struct wn_single *udp = open_single(WN_PROTO_UDP, 100);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_reply r;
	struct wn_probe p;
	uint64_t id;

	(void)state;
	for (uint16_t size = 0; size < 50; size++) {
		spec.probe.size = size;
		p = one(icmp, &spec);
		assert_int_equal(p.size, size < 28 ? 28 : size);
		r = error_about(&p, WN_REPLY_TIME_EXCEEDED, 0);
		ends(icmp, &p, &r, false);
		p = one(udp, &spec);
		assert_int_equal(p.size, size < 28 ? 28 : size);
		r = error_about(&p, WN_REPLY_TIME_EXCEEDED, 0);
		ends(udp, &p, &r, false);
	}
	spec.probe.size = WN_PACKET_MAX + 1;
	assert_int_equal(wn_single_add(udp, &spec, 0, &id), WN_ERANGE);
	wn_single_free(icmp);
	wn_single_free(udp);
}

/* All of the payload is what was asked for. */
static void test_plain(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 100);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	uint8_t buf[WN_PACKET_MAX];
	struct wn_probe p;
	struct wn_reply r;
	size_t len;

	(void)state;
	spec.probe.plain = true;
	spec.probe.pattern = 44;
	p = one(s, &spec);
	len = build_probe(&p, buf);
	assert_true(naive_right(buf, len));
	for (size_t i = 28; i < len; i++)
		assert_int_equal(buf[i], 44);
	r = answer_to(&p, WN_REPLY_ECHO);
	ends(s, &p, &r, true);
	wn_single_free(s);
}

/* ---- time ---- */

static void test_lost(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 100);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_single_end end;
	struct wn_probe p = one(s, &spec);

	(void)state;
	assert_false(wn_single_end(s, 1099 * MS, &end));
	assert_in_range(wn_single_next_ns(s), 1100 * MS, 1102 * MS);
	assert_true(wn_single_end(s, 1102 * MS, &end));
	assert_int_equal(end.kind, WN_SINGLE_LOST);
	assert_int_equal(end.id, p.id);
	assert_true(end.left);
	assert_false(wn_single_end(s, 9000 * MS, &end));
	assert_true(wn_single_next_ns(s) == UINT64_MAX);
	assert_int_equal(wn_single_cancel(s, p.id), WN_ENOENT);
	wn_single_free(s);
}

static void test_no_room_to_send(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 100);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	uint64_t first = add(s, &spec), second = add(s, &spec), third = add(s, &spec);
	struct wn_single_end end;
	struct wn_probe p;

	(void)state;
	wn_single_next(s, 100 * MS, &p);
	wn_single_failed(s, p.id, WN_ENOBUFS, 105, 100 * MS);
	assert_false(wn_single_ready(s, 100 * MS));
	assert_int_equal(wn_single_next_ns(s), 101 * MS);
	assert_true(wn_single_ready(s, 101 * MS));
	assert_int_equal(sent(s, 101 * MS).id, first);
	assert_int_equal(sent(s, 101 * MS).id, second);
	assert_int_equal(wn_single_counters(s)->retried, 1);
	wn_single_next(s, 101 * MS, &p);
	assert_int_equal(p.id, third);
	wn_single_failed(s, p.id, WN_ENOROUTE, 101, 101 * MS);
	assert_true(wn_single_end(s, 101 * MS, &end));
	assert_int_equal(end.kind, WN_SINGLE_FAILED);
	assert_int_equal(end.err, WN_ENOROUTE);
	assert_int_equal(end.sys, 101);
	assert_false(end.left);
	wn_single_free(s);
}

static void test_limit(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 2);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_single_end end;
	struct wn_probe p = one(s, &spec);
	uint64_t waits;
	struct wn_reply r;

	(void)state;
	one(s, &spec);
	waits = add(s, &spec);
	assert_false(wn_single_ready(s, 100 * MS));
	r = answer_to(&p, WN_REPLY_ECHO);
	assert_true(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	assert_int_equal(sent(s, 107 * MS).id, waits);
	wn_single_free(s);
}

/* Held ones let others pass, and are the first when they may go; what ended meanwhile is none. */
static void test_held(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 2);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	uint64_t a = add(s, &spec), b = add(s, &spec), c = add(s, &spec);
	struct wn_single_end end;
	struct wn_probe p;

	(void)state;
	assert_int_equal(wn_single_peek(s)->id, a);
	wn_single_hold(s, &a);
	assert_int_equal(wn_single_peek(s)->id, b);
	wn_single_hold(s, &b);
	assert_ptr_equal(wn_single_keeper(s, a), &a);
	assert_null(wn_single_keeper(s, c));
	p = sent(s, 100 * MS);
	assert_int_equal(p.id, c);
	assert_false(wn_single_ready(s, 100 * MS));
	/* Of the one that is out. */
	assert_in_range(wn_single_next_ns(s), 1090 * MS, 1110 * MS);
	assert_int_equal(wn_single_go(s, c), WN_ENOENT); /* it is not held */
	assert_int_equal(wn_single_go(s, b), WN_OK);
	assert_int_equal(wn_single_go(s, b), WN_ENOENT);
	assert_null(wn_single_keeper(s, b));
	add(s, &spec);
	p = sent(s, 200 * MS);
	assert_int_equal(p.id, b);
	assert_false(wn_single_ready(s, 200 * MS)); /* the limit */
	assert_int_equal(wn_single_cancel(s, a), WN_OK);
	assert_int_equal(wn_single_go(s, a), WN_ENOENT);
	assert_true(wn_single_end(s, 200 * MS, &end));
	assert_int_equal(end.id, a);
	assert_int_equal(end.kind, WN_SINGLE_CANCELED);
	assert_false(end.left);
	wn_single_free(s);
}

/* The caller's clock is read before answers are. */
static void test_answers_that_came_later(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 2);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_probe p = one(s, &spec);
	struct wn_reply r = error_about(&p, WN_REPLY_TIME_EXCEEDED, 28);
	struct wn_single_end end;

	(void)state;
	assert_true(wn_single_reply(s, &r, 107 * MS, 106 * MS, &end));
	assert_int_equal(end.rtt_ns, 7 * MS);
	assert_int_equal(end.sent_ns, 100 * MS);
	assert_int_equal(end.ended_ns, 107 * MS);
	wn_single_free(s);
}

static void test_cancel(void **state)
{
	struct wn_single *s = open_single(WN_PROTO_ICMP, 1);
	struct wn_single_spec spec = spec_to("198.51.100.7", 3);
	struct wn_probe p = one(s, &spec);
	struct wn_reply r = answer_to(&p, WN_REPLY_ECHO);
	uint64_t queued = add(s, &spec);
	struct wn_single_end end;

	(void)state;
	assert_int_equal(wn_single_cancel(s, queued), WN_OK);
	assert_int_equal(wn_single_next_ns(s), 0);
	assert_true(wn_single_end(s, 100 * MS, &end));
	assert_int_equal(end.kind, WN_SINGLE_CANCELED);
	assert_false(end.left);
	assert_int_equal(wn_single_cancel(s, p.id), WN_OK);
	assert_int_equal(wn_single_cancel(s, p.id), WN_OK);
	assert_false(wn_single_reply(s, &r, 107 * MS, 107 * MS, &end));
	assert_true(wn_single_end(s, 100 * MS, &end));
	assert_true(end.left);
	assert_int_equal(wn_single_count(s), 0);
	add(s, &spec);
	wn_single_stop(s, WN_ECLOSED, 5);
	assert_true(wn_single_end(s, 100 * MS, &end));
	assert_int_equal(end.err, WN_ECLOSED);
	wn_single_free(s);
}

/* Each allocation fails in turn: a start is refused or a send put off, nothing is lost. */
static void test_without_memory(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 40; n++) {
		struct wn_single_config c = {.proto = WN_PROTO_UDP,
			.sport = SPORT,
			.span = SPAN,
			.limit = 1000,
			.key = test_key};
		struct wn_single_spec spec = spec_to("198.51.100.7", 3);
		struct wn_single_end end;
		struct wn_single *s;
		unsigned added = 0, ended = 0;
		uint64_t id;

		alloc_fault_arm(n);
		if (wn_single_new(&c, 100 * MS, &s) != WN_OK) {
			assert_null(s);
			alloc_fault_arm(0);
			assert_int_equal(alloc_fault_live(), 0);
			continue;
		}
		for (unsigned i = 0; i < 300; i++)
			added += wn_single_add(s, &spec, 100 * MS, &id) == WN_OK;
		for (uint64_t now = 100 * MS; now < 120 * MS; now += MS)
			while (wn_single_ready(s, now))
				sent(s, now);
		alloc_fault_arm(0);
		for (; wn_single_end(s, 5000 * MS, &end); ended++)
			;
		assert_int_equal(ended, added);
		wn_single_free(s);
		assert_int_equal(alloc_fault_live(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_icmp_names),
		cmocka_unit_test(test_udp_names),
		cmocka_unit_test(test_own_ports_are_left_out),
		cmocka_unit_test(test_names_are_not_used_twice),
		cmocka_unit_test(test_errors_end_probes),
		cmocka_unit_test(test_answers_end_probes),
		cmocka_unit_test(test_udp_answer_is_for_the_farthest),
		cmocka_unit_test(test_cookie_sees_through_translators),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_no_room_to_send),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_answers_that_came_later),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
