/* SPDX-License-Identifier: Apache-2.0 */
/* The raw back end against the kernel's own answers, and against forged and damaged ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "iokit.h"
#include "io/raw.h"

static void assert_quote_is(const struct wn_quote *q, const struct wn_probe *p)
{
	assert_true(q->present && q->l4_present);
	assert_true(wn_addr_eq(&q->dst, &p->dst));
	assert_int_equal(q->ttl, p->ttl);
	assert_int_equal(q->tos, p->tos);
	assert_int_equal(q->length, p->size);
	if (p->dst.family == 4)
		assert_int_equal(q->ip_id, p->ip_id);
	else
		assert_int_equal(q->flow_label, p->flow_label);
	assert_int_equal(q->sport, p->sport);
	assert_int_equal(q->dport, p->dport);
	assert_int_equal(q->checksum, p->checksum);
	assert_true(q->payload_present);
	assert_memory_equal(q->cookie, p->cookie, 8);
}

/* Every field of a probe arrives as asked: the kernel's port unreachable quotes it. */
static void test_udp(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct wn_probe p;
		const struct wn_rx *rx;

		kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_UDP, kit_selves[f], 33434));
		assert_string_equal(k.io->caps.name, "raw");
		p = kit_probe(&k, 7);
		p.tos = 0xb8;
		p.ttl = 9;
		p.df = true;
		p.size = 200;
		p.pattern = 0x5a;
		p.flow_label = f ? 0xabcde : 0;
		kit_send(&k, &p);
		rx = kit_recv(&k, 1);
		assert_int_equal(rx->kind, WN_RX_REPLY);
		assert_int_equal(rx->reply.kind, WN_REPLY_UNREACHABLE);
		assert_int_equal(rx->reply.icmp_code, f ? 4 : 3);
		assert_true(wn_addr_eq(&rx->reply.from, &k.config.dst));
		assert_false(rx->reply.checksum_bad);
		assert_int_equal(rx->reply.ttl, 64);
		assert_quote_is(&rx->reply.quote, &p);
		kit_recv_only(&k, 1);
		kit_close(&k);
	}
}

static void test_icmp(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct wn_probe p;
		const struct wn_rx *rx;

		kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_ICMP, kit_selves[f], 0));
		p = kit_probe(&k, 3);
		kit_send(&k, &p);
		rx = kit_recv(&k, 1);
		assert_int_equal(rx->reply.kind, WN_REPLY_ECHO);
		assert_int_equal(rx->reply.icmp_id, p.icmp_id);
		assert_int_equal(rx->reply.icmp_seq, p.icmp_seq);
		assert_memory_equal(rx->reply.cookie, p.cookie, 8);
		/* Our own request, which raw sockets on loopback see too, is no reply. */
		kit_recv_only(&k, 1);
		assert_int_equal(k.io->counters.foreign, 0);
		kit_close(&k);
	}
}

static void test_tcp(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		uint16_t open_port;
		int listener = kit_listen(kit_selves[f], &open_port, SOCK_STREAM);
		struct wn_probe p;
		const struct wn_rx *rx;

		kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_TCP, kit_selves[f], 1));
		p = kit_probe(&k, 1);
		kit_send(&k, &p);
		rx = kit_recv(&k, 1);
		assert_int_equal(rx->reply.kind, WN_REPLY_RST);
		assert_int_equal(rx->reply.tcp_ack, p.tcp_seq + 1);
		p = kit_probe(&k, 2);
		p.dport = open_port;
		kit_send(&k, &p);
		rx = kit_recv(&k, 2);
		assert_int_equal(rx->reply.kind, WN_REPLY_SYN_ACK);
		assert_int_equal(rx->reply.tcp_ack, p.tcp_seq + 1);
		assert_false(rx->reply.checksum_bad);
		assert_int_equal(rx->reply.sport, open_port);
		/* Our own SYN came in as well. */
		kit_recv_only(&k, 2);
		kit_close(&k);
		close(listener);
	}
}

static void test_udp_answer(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		uint16_t port;
		int server = kit_listen(kit_selves[f], &port, SOCK_DGRAM);
		struct wn_probe p;
		union wn_sa from;
		socklen_t len = sizeof(from);
		char data[64];
		ssize_t n;
		const struct wn_rx *rx;

		kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_UDP, kit_selves[f], port));
		p = kit_probe(&k, 1);
		kit_send(&k, &p);
		n = recvfrom(server, data, sizeof(data), 0, &from.any, &len);
		assert_int_equal(n, 10);
		assert_memory_equal(data, p.cookie, 8);
		assert_int_equal(sendto(server, "yes", 3, 0, &from.any, len), 3);
		rx = kit_recv(&k, 1);
		assert_int_equal(rx->reply.kind, WN_REPLY_UDP);
		assert_int_equal(rx->reply.sport, port);
		assert_int_equal(rx->reply.dport, p.sport);
		kit_recv_only(&k, 1);
		kit_close(&k);
		close(server);
	}
}

/* Kernel stamps are there, in order, and near to what we read ourselves. */
static void test_stamps(void **state)
{
	struct wn_tx tx[40];
	struct kit k;

	(void)state;
	kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_ICMP, "127.0.0.1", 0));
	for (size_t i = 0; i < 40; i++)
		tx[i].probe = kit_probe(&k, i);
	assert_int_equal(k.io->ops->send_batch(k.io, tx, 40, wn_os_mono_ns()), 40);
	kit_recv(&k, 40);
	for (size_t i = 0; i < 40; i++) {
		assert_int_equal(tx[i].err, WN_OK);
		assert_int_equal(tx[i].clock, WN_CLOCK_KERNEL);
		assert_int_equal(k.rx[i].reply.icmp_seq, tx[i].probe.icmp_seq);
		assert_true(k.rx[i].at_ns >= tx[i].tx_ns);
		if (i)
			assert_true(tx[i].tx_ns > tx[i - 1].tx_ns);
	}
	kit_close(&k);
}

/* Some probes fail, the others leave, and stamps go to the right ones nevertheless. */
static void test_failures_within_a_batch(void **state)
{
	static const struct {
		uint8_t type;
		wn_err err;
		int sys;
	} routes[] = {{RTN_PROHIBIT, WN_EBLOCKED, EACCES},
		{RTN_UNREACHABLE, WN_ENOROUTE, EHOSTUNREACH}, {RTN_BLACKHOLE, WN_ENOROUTE, EINVAL}};

	(void)state;
	for (size_t r = 0; r < 3; r++) {
		struct wn_tx tx[12];
		struct kit k;
		size_t good = 0;

		assert_true(ns_route("192.0.2.0/24", routes[r].type, true));
		kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_ICMP, "127.0.0.1", 0));
		for (size_t i = 0; i < 12; i++) {
			tx[i].probe = kit_probe(&k, i);
			tx[i].probe.src = k.config.dst;
			if (i % 5 == 2 || i % 5 == 3)
				tx[i].probe.dst = kit_addr("192.0.2.1");
		}
		assert_int_equal(k.io->ops->send_batch(k.io, tx, 12, wn_os_mono_ns()), 12);
		kit_recv(&k, 8);
		for (size_t i = 0; i < 12; i++) {
			if (tx[i].probe.dst.bytes[0] == 192) {
				assert_int_equal(tx[i].err, routes[r].err);
				assert_int_equal(tx[i].sys, routes[r].sys);
				continue;
			}
			assert_int_equal(tx[i].err, WN_OK);
			assert_int_equal(tx[i].clock, WN_CLOCK_KERNEL);
			assert_true(k.rx[good].at_ns >= tx[i].tx_ns);
			assert_int_equal(k.rx[good++].reply.icmp_seq, tx[i].probe.icmp_seq);
		}
		kit_recv_only(&k, 8);
		kit_close(&k);
		assert_true(ns_route("192.0.2.0/24", routes[r].type, false));
	}
}

static void test_blocked_here(void **state)
{
	(void)state;
	kit_check_blocked_here(wn_io_raw_open);
}

static void test_link_down(void **state)
{
	struct wn_io_config c = kit_config(WN_PROTO_UDP, "198.51.100.1", 33434);
	struct kit k;
	struct wn_probe p;

	(void)state;
	c.src = kit_addr("127.0.0.1");
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, true));
	kit_open(&k, wn_io_raw_open, c);
	p = kit_probe(&k, 1);
	kit_send(&k, &p);
	assert_true(ns_link("lo", false));
	kit_send_for(&k, &p, WN_ENOROUTE);
	assert_true(ns_link("lo", true));
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, true));
	kit_send(&k, &p);
	kit_close(&k);
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, false));
}

static void test_too_big(void **state)
{
	struct wn_io_config c = kit_config(WN_PROTO_UDP, "198.51.100.1", 9);
	struct kit k;
	struct wn_probe p;

	(void)state;
	c.src = kit_addr("127.0.0.1");
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, true));
	kit_open(&k, wn_io_raw_open, c);
	((struct wn_raw *)k.io)->mtu = 1500; /* a lower one than lo really has */
	p = kit_probe(&k, 1);
	p.size = 4000;
	kit_send(&k, &p);
	kit_close(&k);
	assert_true(ns_route("198.51.100.0/24", RTN_UNICAST, false));
}

/* A hop's error as routers write it, and everything that can be wrong with one. */
static void test_forged(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct wn_addr self = kit_addr(kit_selves[f]);
		struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED, .from = self, .to = self};
		struct wn_probe p, other;

		kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_UDP, kit_selves[f], 33434));
		p = kit_probe(&k, 1);
		p.src = self;
		kit_error(&p, e, false, 0);
		assert_int_equal(kit_recv(&k, 1)->reply.kind, WN_REPLY_TIME_EXCEEDED);
		/* About a port that is not ours: kept away in the kernel. */
		other = p;
		other.sport++;
		kit_error(&other, e, false, 0);
		/* About another protocol. */
		other = kit_probe(&k, 2);
		other.proto = WN_PROTO_TCP;
		other.size = wn_probe_min_size(self.family, WN_PROTO_TCP);
		other.src = self;
		kit_error(&other, e, false, 0);
		kit_recv_only(&k, 1);
		/* Damaged: handed on as such, to be counted. */
		kit_error(&p, e, true, 0);
		assert_true(kit_recv(&k, 2)->reply.checksum_bad);
		kit_recv_only(&k, 2);
		kit_close(&k);
	}
}

/* Cut within the quoted transport header: there, and marked, so that it can be counted. */
static void test_truncated(void **state)
{
	struct kit k;
	struct wn_addr self = kit_addr("127.0.0.1");
	struct wn_wire_error e = {
		.kind = WN_REPLY_TIME_EXCEEDED, .from = self, .to = self, .quote_bytes = 28};
	struct wn_probe p;

	(void)state;
	kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_UDP, "127.0.0.1", 33434));
	p = kit_probe(&k, 1);
	p.src = self;
	kit_error(&p, e, false, 0);
	assert_false(kit_recv(&k, 1)->reply.truncated);
	assert_false(k.rx[0].reply.quote.payload_present);
	for (size_t cut = 1; cut <= 8; cut++) {
		kit_error(&p, e, false, cut);
		assert_true(kit_recv(&k, 1 + cut)->reply.truncated);
	}
	kit_close(&k);
}

static void test_ports_are_ours(void **state)
{
	struct wn_io_config c = kit_config(WN_PROTO_UDP, "127.0.0.1", 33434);
	struct wn_errctx ctx;
	struct wn_io *second;
	struct kit k;

	(void)state;
	c.port_span = 5;
	kit_open(&k, wn_io_raw_open, c);
	assert_true(wn_io_sport(k.io) >= 32768);
	for (uint16_t i = 0; i < 5; i++) {
		struct wn_probe p = kit_probe(&k, i);
		struct wn_io_config same = k.config;

		p.sport = (uint16_t)(p.sport + i);
		kit_send(&k, &p);
		assert_int_equal(kit_recv(&k, 1u + i)->reply.quote.sport, p.sport);
		same.sport = p.sport;
		same.port_span = 1;
		assert_int_equal(wn_io_raw_open(&same, &second, &ctx), WN_EADDRINUSE);
	}
	struct wn_probe beyond = kit_probe(&k, 9);

	beyond.sport = (uint16_t)(beyond.sport + 5);
	kit_send_for(&k, &beyond, WN_EINVAL);
	kit_close(&k);
	c.sport = 65535;
	assert_int_equal(wn_io_raw_open(&c, &second, &ctx), WN_ERANGE);
	c.sport = 40000;
	c.port_span = 1;
	kit_open(&k, wn_io_raw_open, c);
	assert_int_equal(wn_io_sport(k.io), 40000);
	kit_close(&k);
}

/* Two spans that overlap, as the caller wants: what is about the other's port is not ours. */
static void test_spans_overlap(void **state)
{
	struct kit one, other;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct wn_io_config c = kit_config(WN_PROTO_UDP, kit_selves[f], 33434);
		struct wn_probe p;

		c.port_span = 200;
		c.sport = 40000;
		kit_open(&one, wn_io_raw_open, c);
		c.sport = 40100;
		kit_open(&other, wn_io_raw_open, c);
		p = kit_probe(&one, 1);
		p.sport = 40190;
		kit_send(&one, &p);
		assert_int_equal(kit_recv(&one, 1)->reply.quote.sport, 40190);
		kit_recv_only(&other, 0);
		assert_int_equal(other.io->counters.foreign, 1);
		p.sport = 40150;
		kit_send_for(&one, &p, WN_EADDRINUSE);
		kit_close(&other);
		kit_close(&one);
	}
}

/* Where there is room, spans do not overlap; where there is none they are found a place. */
static void test_spans_keep_apart(void **state)
{
	struct wn_io_config c = kit_config(WN_PROTO_UDP, "127.0.0.1", 33434);
	struct kit kits[6];

	(void)state;
	c.port_span = 8192;
	for (int round = 0; round < 5; round++) {
		int apart;

		for (size_t i = 0; i < 2; i++)
			kit_open(&kits[i], wn_io_raw_open, c);
		apart = wn_io_sport(kits[0].io) - wn_io_sport(kits[1].io);
		assert_true(abs(apart) >= 8192);
		for (size_t i = 2; round == 0 && i < 6; i++)
			kit_open(&kits[i], wn_io_raw_open, c);
		for (size_t i = 0; i < (round == 0 ? 6 : 2); i++)
			kit_close(&kits[i]);
	}
}

/* More replies than the socket holds: the loss is counted. */
static void test_overflow(void **state)
{
	struct kit k;
	struct wn_addr self = kit_addr("127.0.0.1");
	struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED, .from = self, .to = self};
	struct wn_raw *raw;
	struct wn_probe p;

	(void)state;
	kit_open(&k, wn_io_raw_open, kit_config(WN_PROTO_UDP, "127.0.0.1", 33434));
	raw = (struct wn_raw *)k.io;
	wn_sock_set(raw->icmp_fd, SOL_SOCKET, SO_RCVBUF, 0);
	p = kit_probe(&k, 1);
	p.src = self;
	for (int i = 0; i < 50; i++)
		kit_error(&p, e, false, 0);
	kit_take(&k);
	assert_true(k.rx_count > 0 && k.rx_count < 50);
	/* The kernel tells with the next packet. */
	kit_error(&p, e, false, 0);
	kit_recv(&k, k.rx_count + 1);
	assert_int_equal(k.io->counters.overflow, 51 - k.rx_count);
	kit_close(&k);
}

static void check_fragments(const struct wn_probe *p, uint32_t mtu)
{
	static uint8_t packet[WN_PACKET_MAX], out[2 * WN_PACKET_MAX], again[WN_PACKET_MAX];
	size_t header = p->dst.family == 4 ? 20 : 40, extra = p->dst.family == 4 ? 20 : 48;
	size_t len, n, done = 0;
	uint16_t lens[WN_RAW_TX_BATCH];
	struct wn_wr w;

	assert_int_equal(wn_wire_build(p, packet, sizeof(packet), &len), WN_OK);
	wn_wr_init(&w, out, sizeof(out));
	n = wn_raw_fragment(packet, len, mtu, &w, lens);
	assert_true(n > 1);
	for (size_t i = 0, at = 0; i < n; at += lens[i++]) {
		const uint8_t *f = out + at;
		size_t where = f[header == 20 ? 6 : 42] << 8 | f[header == 20 ? 7 : 43];
		bool more = header == 20 ? where & 0x2000 : where & 1;
		size_t part = lens[i] - extra;

		where = header == 20 ? (where & 0x1fff) * 8 : where & 0xfff8;
		assert_true(lens[i] <= mtu);
		assert_int_equal(where, done);
		assert_int_equal(more, i + 1 < n);
		assert_int_equal(part % 8, more ? 0 : part % 8);
		/* All have the same identification. */
		assert_memory_equal(f + (header == 20 ? 4 : 44), out + (header == 20 ? 4 : 44), 2);
		memcpy(again + done, f + extra, part);
		done += part;
	}
	assert_int_equal(done, len - header);
	assert_memory_equal(again, packet + header, done);
}

static void test_fragments(void **state)
{
	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct wn_probe p = {.proto = WN_PROTO_UDP,
			.src = kit_addr(kit_selves[f]),
			.dst = kit_addr(kit_selves[f]),
			.ttl = 3,
			.dport = 9,
			.ip_id = f ? 0 : 77};

		for (uint16_t size = 1600; size < WN_PACKET_MAX; size = (uint16_t)(size + 333)) {
			p.size = size;
			check_fragments(&p, 1500);
			check_fragments(&p, 576);
		}
		p.size = 1281;
		p.ip_id = 0;
		check_fragments(&p, 1280);
	}
}

static void test_refusals(void **state)
{
	struct wn_io_config c = kit_config(WN_PROTO_UDP, "127.0.0.1", 33434);
	struct wn_errctx ctx;
	struct wn_io *io;

	(void)state;
	strcpy(c.iface, "nosuch0");
	assert_int_equal(wn_io_raw_open(&c, &io, &ctx), WN_EIFACE);
	c = kit_config(WN_PROTO_UDP, "127.0.0.1", 33434);
	c.src = kit_addr("::1");
	assert_int_equal(wn_io_raw_open(&c, &io, &ctx), WN_EINVAL);
	c.src = kit_addr("192.0.2.200");
	assert_int_not_equal(wn_io_raw_open(&c, &io, &ctx), WN_OK);
	c = kit_config(WN_PROTO_UDP, "203.0.113.1", 33434);
	assert_int_equal(wn_io_raw_open(&c, &io, &ctx), WN_ENOROUTE);
	c = kit_config(WN_PROTO_UDP, "127.0.0.1", 33434);
	c.port_span = 0;
	assert_int_equal(wn_io_raw_open(&c, &io, &ctx), WN_ERANGE);
	c.port_span = UINT32_MAX;
	assert_int_equal(wn_io_raw_open(&c, &io, &ctx), WN_ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_udp_answer),
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_failures_within_a_batch),
		cmocka_unit_test(test_link_down),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_ports_are_ours),
		cmocka_unit_test(test_spans_overlap),
		cmocka_unit_test(test_spans_keep_apart),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_blocked_here),
		cmocka_unit_test(test_refusals),
	};

	if (!ns_enter() || !ns_sysctl("net/ipv4/icmp_ratemask", "0") ||
		!ns_sysctl("net/ipv6/icmp/ratelimit", "0")) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
