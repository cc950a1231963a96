/* SPDX-License-Identifier: Apache-2.0 */
/* The unprivileged back ends of UDP and ICMP: error queues of datagram sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "iokit.h"
#include <linux/errqueue.h>
#include "io/dgram.h"

static void test_udp_unreachable(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		const struct wn_reply *r;
		struct wn_probe p;
		struct wn_tx tx;

		kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_UDP, kit_selves[f], 33434));
		assert_string_equal(k.io->caps.name, "errqueue");
		assert_true(k.io->caps.blind[0] != '\0');
		p = kit_probe(&k, 5);
		tx = kit_send(&k, &p);
		assert_int_equal(tx.clock, WN_CLOCK_KERNEL);
		r = &kit_recv(&k, 1)->reply;
		assert_int_equal(r->kind, WN_REPLY_UNREACHABLE);
		assert_int_equal(r->icmp_code, f ? 4 : 3);
		assert_true(wn_addr_eq(&r->from, &k.config.dst));
		assert_int_equal(r->ttl, 64);
		assert_true(r->from_errqueue);
		assert_false(r->quote.l4_present);
		assert_true(r->quote.payload_present);
		assert_memory_equal(r->quote.cookie, p.cookie, 8);
		assert_true(k.rx[0].at_ns >= tx.tx_ns);
		kit_recv_only(&k, 1);
		kit_close(&k);
	}
}

/*
 * The error of the first probe is pending when the second is sent: that send would fail without
 * sending. Both leave, both are answered, nothing is reported as failed.
 */
static void test_pending_error(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_UDP, kit_selves[f], 33434));
		for (uint64_t i = 0; i < 20; i++) {
			struct wn_probe p = kit_probe(&k, i);

			kit_send(&k, &p);
		}
		kit_recv(&k, 20);
		for (uint64_t i = 0; i < 20; i++) {
			struct wn_probe p = kit_probe(&k, i);

			assert_memory_equal(k.rx[i].reply.quote.cookie, p.cookie, 8);
		}
		kit_recv_only(&k, 20);
		kit_close(&k);
	}
}

/* The stash of replies read while sending is bounded: then sending waits, and nothing is lost. */
static void test_full_stash(void **state)
{
	size_t sent = 0;
	struct kit k;

	(void)state;
	kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_UDP, "127.0.0.1", 33434));
	for (uint64_t i = 0; i < KIT_RX; i++) {
		struct wn_tx tx = {.probe = kit_probe(&k, i)};

		if (k.io->ops->send_batch(k.io, &tx, 1, wn_os_mono_ns()) == 0)
			break;
		assert_int_equal(tx.err, WN_OK);
		sent++;
	}
	assert_true(sent >= WN_DGRAM_STASH && sent < KIT_RX);
	kit_recv(&k, sent);
	kit_recv_only(&k, sent);
	assert_int_equal(k.io->counters.overflow, 0);
	kit_close(&k);
}

static void test_udp_answer(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		uint16_t port;
		int server = kit_listen(kit_selves[f], &port, SOCK_DGRAM);
		const struct wn_reply *r;
		struct wn_probe p;
		union wn_sa from;
		socklen_t len = sizeof(from);
		char data[64];

		kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_UDP, kit_selves[f], port));
		p = kit_probe(&k, 42);
		kit_send(&k, &p);
		assert_int_equal(recvfrom(server, data, sizeof(data), 0, &from.any, &len), 10);
		assert_memory_equal(data, p.cookie, 8);
		assert_int_equal(sendto(server, "yes", 3, 0, &from.any, len), 3);
		r = &kit_recv(&k, 1)->reply;
		assert_int_equal(r->kind, WN_REPLY_UDP);
		assert_int_equal(r->sport, port);
		assert_int_equal(r->dport, p.sport);
		assert_int_equal(r->ttl, 64);
		assert_int_equal(r->hint_id, 42);
		assert_int_equal(r->length, f ? 51 : 31);
		kit_close(&k);
		close(server);
	}
}

/* A hop that quotes 8 bytes: only the socket names the probe, and only if there is but one. */
static void test_hints(void **state)
{
	struct wn_addr self = kit_addr("127.0.0.1");
	struct wn_wire_error e = {
		.kind = WN_REPLY_TIME_EXCEEDED, .from = self, .to = self, .quote_bytes = 28};
	uint16_t port;
	int silent = kit_listen("127.0.0.1", &port, SOCK_DGRAM);
	struct wn_probe first, second;
	struct kit k;

	(void)state;
	kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_UDP, "127.0.0.1", port));
	first = kit_probe(&k, 10);
	second = kit_probe(&k, 11);
	first.src = second.src = self;
	kit_send(&k, &first);
	kit_error(&first, e, false, 0);
	assert_int_equal(kit_recv(&k, 1)->reply.hint_id, 10);
	assert_false(k.rx[0].reply.quote.payload_present);
	kit_send(&k, &second);
	kit_error(&second, e, false, 0);
	assert_true(kit_recv(&k, 2)->reply.hint_id == WN_HINT_NONE);
	k.io->ops->forget(k.io, 10);
	k.io->ops->forget(k.io, 10);
	k.io->ops->forget(k.io, 12345);
	kit_error(&second, e, false, 0);
	assert_int_equal(kit_recv(&k, 3)->reply.hint_id, 11);
	/* With a cookie the hint would add nothing but mistakes. */
	e.quote_bytes = 0;
	kit_error(&first, e, false, 0);
	assert_true(kit_recv(&k, 4)->reply.hint_id == WN_HINT_NONE);
	assert_memory_equal(k.rx[3].reply.quote.cookie, first.cookie, 8);
	kit_close(&k);
	close(silent);
}

static struct wn_ext mpls_ext(void)
{
	return (struct wn_ext){.present = true,
		.mpls_count = 2,
		.mpls = {{.label = 24001, .tc = 3, .ttl = 1},
			{.label = 17, .bottom = true, .ttl = 250}}};
}

static void test_extensions(void **state)
{
	struct wn_ext ext = mpls_ext();

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct wn_addr self = kit_addr(kit_selves[f]);
		struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED,
			.from = self,
			.to = self,
			.ttl = 33,
			.ext = &ext};
		uint16_t port;
		int silent = kit_listen(kit_selves[f], &port, SOCK_DGRAM);
		const struct wn_reply *r;
		struct wn_probe p;
		struct kit k;

		kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_UDP, kit_selves[f], port));
		p = kit_probe(&k, 1);
		p.src = self;
		kit_error(&p, e, false, 0);
		r = &kit_recv(&k, 1)->reply;
		assert_int_equal(r->kind, WN_REPLY_TIME_EXCEEDED);
		assert_int_equal(r->ttl, 33);
		assert_true(r->ext.present);
		assert_false(r->ext.bad);
		assert_int_equal(r->ext.mpls_count, 2);
		assert_int_equal(r->ext.mpls[0].label, 24001);
		assert_int_equal(r->ext.mpls[1].ttl, 250);
		assert_memory_equal(r->quote.cookie, p.cookie, 8);
		kit_close(&k);
		close(silent);
	}
}

/* Where routers without RFC 4884 lengths put them, and with a checksum that is wrong. */
static void test_extensions_by_hand(void **state)
{
	struct sock_extended_err ee = {.ee_type = 11, .ee_origin = SO_EE_ORIGIN_ICMP};
	struct wn_errq_msg m = {.kind = WN_ERRQ_ICMP, .c = {.ttl = 9, .tos = 0, .ee = &ee}};
	struct wn_addr hop = kit_addr("192.0.2.1");
	struct wn_ext ext = mpls_ext();
	struct wn_wire_error e = {
		.kind = WN_REPLY_TIME_EXCEEDED, .from = hop, .to = hop, .ext = &ext};
	uint8_t probe[64], error[1500];
	struct wn_probe p = {.proto = WN_PROTO_UDP,
		.src = hop,
		.dst = hop,
		.ttl = 1,
		.size = wn_probe_min_size(4, WN_PROTO_UDP)};
	size_t probe_len, len;
	struct wn_reply r;

	(void)state;
	assert_int_equal(wn_wire_build(&p, probe, sizeof(probe), &probe_len), WN_OK);
	assert_int_equal(
		wn_wire_build_error(&e, probe, probe_len, error, sizeof(error), &len), WN_OK);
	wn_sa_set(&m.c.offender, &hop, 0, 0);
	m.data = error + 20 + 8 + 28; /* as the kernel hands it out */
	m.len = len - (20 + 8 + 28);
	assert_true(wn_errq_reply(&m, 4, 28, &r));
	assert_int_equal(r.ext.mpls_count, 2);
	assert_int_equal(r.quote.quoted_bytes, 128);
	/* Payload that merely is that long is no extension. */
	error[len - 1] ^= 1;
	assert_true(wn_errq_reply(&m, 4, 28, &r));
	assert_false(r.ext.present);
	/* With a length field it is one, and bad. */
	ee.ee_rfc4884.len = 100;
	ee.ee_rfc4884.flags = SO_EE_RFC4884_FLAG_INVALID;
	assert_true(wn_errq_reply(&m, 4, 28, &r));
	assert_true(r.ext.present && r.ext.bad);
	assert_int_equal(r.ext.mpls_count, 0);
	/* An offset beyond what was received. */
	ee.ee_rfc4884.len = 4000;
	ee.ee_rfc4884.flags = 0;
	assert_true(wn_errq_reply(&m, 4, 28, &r));
	/* Nobody said it. */
	m.c.offender.any.sa_family = AF_UNSPEC;
	assert_false(wn_errq_reply(&m, 4, 28, &r));
	ee.ee_type = 99;
	assert_false(wn_errq_reply(&m, 4, 28, &r));
}

static void test_too_big(void **state)
{
	struct wn_addr self = kit_addr("127.0.0.1");
	struct wn_wire_error e = {
		.kind = WN_REPLY_TOO_BIG, .code = 4, .mtu = 1280, .from = self, .to = self};
	uint16_t port;
	int silent = kit_listen("127.0.0.1", &port, SOCK_DGRAM);
	struct wn_probe p;
	struct kit k;

	(void)state;
	kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_UDP, "127.0.0.1", port));
	p = kit_probe(&k, 1);
	p.src = self;
	p.df = true;
	p.size = 1400;
	kit_send(&k, &p);
	kit_error(&p, e, false, 0);
	assert_int_equal(kit_recv(&k, 1)->reply.kind, WN_REPLY_TOO_BIG);
	assert_int_equal(k.rx[0].reply.mtu, 1280);
	/* The error was pending, and the path's MTU is known now: probes go on nevertheless. */
	kit_send(&k, &p);
	kit_close(&k);
	close(silent);
}

static void test_local_failures(void **state)
{
	static const struct {
		uint8_t type;
		wn_err err;
		int sys;
	} routes[] = {{RTN_PROHIBIT, WN_EBLOCKED, EACCES},
		{RTN_UNREACHABLE, WN_ENOROUTE, EHOSTUNREACH}, {RTN_BLACKHOLE, WN_ENOROUTE, EINVAL}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct wn_probe good, bad;
		struct kit k;
		struct wn_tx tx;

		assert_true(ns_route("192.0.2.0/24", routes[i].type, true));
		kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_UDP, "127.0.0.1", 33434));
		good = kit_probe(&k, 1);
		bad = kit_probe(&k, 2);
		bad.dst = kit_addr("192.0.2.1");
		kit_send(&k, &good);
		tx = kit_send_for(&k, &bad, routes[i].err);
		assert_int_equal(tx.sys, routes[i].sys);
		tx = kit_send(&k, &good);
		assert_int_equal(tx.clock, WN_CLOCK_KERNEL);
		kit_recv(&k, 2);
		kit_recv_only(&k, 2);
		kit_close(&k);
		assert_true(ns_route("192.0.2.0/24", routes[i].type, false));
	}
}

static void test_blocked_here(void **state)
{
	(void)state;
	kit_check_blocked_here(wn_io_errqueue_open);
}

static void test_span(void **state)
{
	struct wn_io_config c = kit_config(WN_PROTO_UDP, "127.0.0.1", 33434);
	struct wn_errctx ctx;
	struct wn_io *second;
	struct kit k;

	(void)state;
	c.port_span = 70; /* more than are opened at once */
	kit_open(&k, wn_io_errqueue_open, c);
	for (uint16_t i = 0; i < 70; i += 3) {
		struct wn_probe p = kit_probe(&k, i);

		p.sport = (uint16_t)(p.sport + i);
		kit_send(&k, &p);
		assert_int_equal(kit_recv(&k, 1 + i / 3u)->reply.quote.sport, p.sport);
	}
	c.sport = wn_io_sport(k.io);
	assert_int_equal(wn_io_errqueue_open(&c, &second, &ctx), WN_EADDRINUSE);
	assert_int_equal(ctx.sys, EADDRINUSE);
	struct wn_probe beyond = kit_probe(&k, 99);

	beyond.sport = (uint16_t)(beyond.sport + 70);
	kit_send_for(&k, &beyond, WN_EINVAL);
	kit_close(&k);
}

static void test_ping(void **state)
{
	struct wn_io_config c = kit_config(WN_PROTO_ICMP, "127.0.0.1", 0);
	struct wn_errctx ctx;
	struct wn_io *io;
	struct kit k;

	(void)state;
	assert_int_equal(wn_io_errqueue_open(&c, &io, &ctx), WN_EPERM);
	assert_non_null(strstr(ctx.text, "ping_group_range"));
	assert_true(ns_sysctl("net/ipv4/ping_group_range", "0 0"));
	for (size_t f = 0; f < 2; f++) {
		struct wn_addr self = kit_addr(kit_selves[f]);
		struct wn_wire_error e = {
			.kind = WN_REPLY_TIME_EXCEEDED, .from = self, .to = self, .ttl = 44};
		struct wn_probe p;
		const struct wn_reply *r;

		kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_ICMP, kit_selves[f], 0));
		assert_string_equal(k.io->caps.name, "ping");
		p = kit_probe(&k, 1);
		p.src = self;
		kit_send(&k, &p);
		r = &kit_recv(&k, 1)->reply;
		assert_int_equal(r->kind, WN_REPLY_ECHO);
		assert_int_equal(r->icmp_id, wn_io_sport(k.io));
		assert_int_equal(r->icmp_seq, p.icmp_seq);
		assert_memory_equal(r->cookie, p.cookie, 8);
		assert_false(r->checksum_bad);
		/* The error queue returns the echo header: an 8 byte quote still has its number. */
		kit_error(&p, e, false, 0);
		r = &kit_recv(&k, 2)->reply;
		assert_int_equal(r->kind, WN_REPLY_TIME_EXCEEDED);
		assert_int_equal(r->ttl, 44);
		assert_true(r->quote.l4_present && r->quote.payload_present);
		assert_int_equal(r->quote.checksum, p.checksum);
		assert_int_equal(r->quote.icmp_seq, p.icmp_seq);
		assert_memory_equal(r->quote.cookie, p.cookie, 8);
		e.quote_bytes = f ? 48 : 28;
		kit_error(&p, e, false, 0);
		r = &kit_recv(&k, 3)->reply;
		assert_true(r->quote.l4_present && !r->quote.payload_present);
		assert_int_equal(r->quote.icmp_seq, p.icmp_seq);
		assert_false(r->from_errqueue);
		kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp_unreachable),
		cmocka_unit_test(test_pending_error),
		cmocka_unit_test(test_full_stash),
		cmocka_unit_test(test_udp_answer),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_extensions_by_hand),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_local_failures),
		cmocka_unit_test(test_blocked_here),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_ping),
	};

	if (!ns_enter() || !ns_sysctl("net/ipv4/icmp_ratemask", "0") ||
		!ns_sysctl("net/ipv6/icmp/ratelimit", "0")) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
