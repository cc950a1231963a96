/* SPDX-License-Identifier: Apache-2.0 */
/* TCP inside a connection: its numbers, what a receiver tells, how it ends, why it is not made. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/cursor.h"
#include "iokit.h"
#include "packets.h"

static struct wn_io_config config(const char *dst, uint16_t port)
{
	struct wn_io_config c = kit_config(WN_PROTO_TCP, dst, port);

	c.src = kit_addr(dst);
	c.probes = 100;
	c.flow_label = 0x12345;
	return c;
}

/* The nth probe of the connection, as an engine makes it. */
static struct wn_probe segment(const struct kit *k, uint32_t n)
{
	const struct wn_io_conn *conn = &k->io->conn;
	struct wn_probe p = kit_probe(k, n);

	p.tcp_seq = WN_SACK_SEQ(conn->seq, n);
	p.tcp_ack = conn->ack;
	p.tcp_flags = WN_TCP_ACK | WN_TCP_PSH;
	p.tcp_options = conn->options;
	p.size = (uint16_t)(p.size + wn_tcp_options_size(conn->options) + 1);
	return p;
}

static void assert_names(const struct kit *k, const struct wn_rx *rx, uint32_t n)
{
	const struct wn_reply *r = &rx->reply;

	assert_int_equal(rx->kind, WN_RX_REPLY);
	assert_int_equal(r->kind, WN_REPLY_TCP_OTHER);
	assert_int_equal(r->tcp_ack, k->io->conn.seq);
	assert_int_equal(r->tcp_sack[0].left, WN_SACK_SEQ(k->io->conn.seq, n));
	assert_int_equal(r->tcp_sack[0].right, r->tcp_sack[0].left + 1);
	assert_int_equal(r->tcp_sack[1].left | r->tcp_sack[1].right, 0);
}

static int take(int listener)
{
	int fd = accept(listener, NULL, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void test_one_byte_each(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		uint16_t port;
		int listener = kit_listen(kit_selves[f], &port, SOCK_STREAM), fd;
		char byte;

		kit_open(&k, wn_io_tcp_sack_open, config(kit_selves[f], port));
		assert_string_equal(k.io->caps.name, "tcp-sack");
		assert_true(k.io->caps.sees_quote_ip);
		assert_int_equal(k.io->conn.options, WN_TCP_OPT_TIMESTAMPS);
		fd = take(listener);
		for (uint32_t n = 0; n < 3; n++) {
			struct wn_probe p = segment(&k, n);
			struct wn_tx tx = kit_send(&k, &p);

			assert_names(&k, kit_recv(&k, n + 1), n);
			assert_true(k.rx[n].at_ns >= tx.tx_ns);
		}
		kit_recv_only(&k, 3);
		/* The same byte again is told again (RFC 2883): a second answer to one probe. */
		struct wn_probe again = segment(&k, 1);

		kit_send(&k, &again);
		assert_names(&k, kit_recv(&k, 4), 1);
		assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
		assert_int_equal(errno, EAGAIN);
		kit_close(&k);
		assert_int_equal(recv(fd, &byte, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(fd);
		close(listener);
	}
}

/* An acknowledgment with two blocks, as the target sends it when bytes came close together. */
static void tell_two(const struct kit *k, uint32_t acked, uint32_t latest, uint32_t other)
{
	const struct wn_io_conn *conn = &k->io->conn;
	struct wn_probe p = {.src = k->config.dst,
		.dst = k->config.dst,
		.proto = WN_PROTO_TCP,
		.ttl = 64,
		.sport = k->config.dport,
		.dport = wn_io_sport(k->io),
		.size = 60,
		.tcp_seq = conn->ack,
		.tcp_ack = acked,
		.tcp_flags = WN_TCP_ACK,
		.tcp_options = WN_TCP_OPT_USUAL};
	uint8_t bytes[WN_PACKET_MAX];
	struct wn_wr w;

	assert_int_equal(build_probe(&p, bytes), 60);
	wn_wr_init(&w, bytes + 40, 20);
	wn_wr_be32(&w, 0x01010512);
	wn_wr_be32(&w, WN_SACK_SEQ(conn->seq, latest));
	wn_wr_be32(&w, WN_SACK_SEQ(conn->seq, latest) + 1);
	wn_wr_be32(&w, WN_SACK_SEQ(conn->seq, other));
	wn_wr_be32(&w, WN_SACK_SEQ(conn->seq, other) + 1);
	memset(bytes + 36, 0, 2);
	put_sum(bytes + 36, naive_l4_sum(bytes, 60));
	assert_true(naive_right(bytes, 60));
	assert_true(ns_send(bytes, 60, &p.dst));
}

/* Each byte that is named counts, the latest in any case, others when they are new. */
static void test_several_blocks(void **state)
{
	uint16_t port;
	int listener = kit_listen(kit_selves[0], &port, SOCK_STREAM);
	struct kit k;

	(void)state;
	kit_open(&k, wn_io_tcp_sack_open, config(kit_selves[0], port));
	tell_two(&k, k.io->conn.seq, 5, 3);
	assert_names(&k, kit_recv(&k, 1), 5);
	assert_names(&k, kit_recv(&k, 2), 3);
	tell_two(&k, k.io->conn.seq, 6, 5);
	assert_names(&k, kit_recv(&k, 3), 6);
	tell_two(&k, k.io->conn.seq, 5, 6);
	assert_names(&k, kit_recv(&k, 4), 5);
	/* Nobody can have got what was never sent, nor is there anything beyond the window. */
	tell_two(&k, k.io->conn.seq + 1, 7, 8);
	tell_two(&k, k.io->conn.seq, 60000, UINT32_MAX);
	kit_recv_only(&k, 4);
	kit_close(&k);
	close(listener);
}

/* What this connection itself says is no reply; what others say about it is not believed. */
static void test_what_is_no_answer(void **state)
{
	uint8_t bytes[WN_PACKET_MAX];
	struct wn_probe p, forged;
	uint16_t port;
	int listener = kit_listen(kit_selves[0], &port, SOCK_STREAM), fd;
	struct kit k;
	size_t len;

	(void)state;
	kit_open(&k, wn_io_tcp_sack_open, config(kit_selves[0], port));
	fd = take(listener);
	assert_int_equal(send(fd, "hello", 5, 0), 5);
	/* A reset from the target's address with a number that the kernel does not expect. */
	p = segment(&k, 0);
	forged = p;
	forged.src = p.dst;
	forged.dst = p.src;
	forged.sport = p.dport;
	forged.dport = p.sport;
	forged.tcp_flags = WN_TCP_RST;
	forged.tcp_seq = k.io->conn.ack - 1000;
	forged.tcp_options = 0;
	forged.size = wn_probe_min_size(4, WN_PROTO_TCP);
	assert_int_equal(wn_wire_build(&forged, bytes, sizeof(bytes), &len), WN_OK);
	assert_true(ns_send(bytes, len, &forged.dst));
	kit_send(&k, &p);
	assert_names(&k, kit_recv(&k, 1), 0);
	kit_recv_only(&k, 1);
	kit_close(&k);
	close(fd);
	close(listener);
}

/* Errors of routers go through as they are. */
static void test_errors(void **state)
{
	uint16_t port;
	int listener = kit_listen(kit_selves[1], &port, SOCK_STREAM);
	struct wn_wire_error e = {.kind = WN_REPLY_TIME_EXCEEDED,
		.from = kit_addr(kit_selves[1]),
		.to = kit_addr(kit_selves[1])};
	struct wn_probe p;
	struct kit k;

	(void)state;
	kit_open(&k, wn_io_tcp_sack_open, config(kit_selves[1], port));
	p = segment(&k, 7);
	kit_error(&p, e, false, 0);
	assert_int_equal(kit_recv(&k, 1)->reply.kind, WN_REPLY_TIME_EXCEEDED);
	assert_int_equal(k.rx[0].reply.quote.tcp_seq, p.tcp_seq);
	/* Nor does the kernel take it for its own: the connection stands. */
	kit_send(&k, &p);
	assert_names(&k, kit_recv(&k, 2), 7);
	kit_close(&k);
	close(listener);
}

static void test_the_end(void **state)
{
	const struct linger at_once = {.l_onoff = 1};
	struct wn_probe p;
	uint16_t port;
	int listener = kit_listen(kit_selves[0], &port, SOCK_STREAM), fd;
	struct kit k;
	uint64_t at_ns;

	(void)state;
	kit_open(&k, wn_io_tcp_sack_open, config(kit_selves[0], port));
	fd = take(listener);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(fd);
	while (k.io->ops->next_ns(k.io) == UINT64_MAX) {
		assert_true(kit_poll(&k, KIT_PATIENCE_MS));
		kit_take(&k);
	}
	/* Answers under way have their time, and routers answer still; then it is told, once. */
	assert_int_equal(k.rx_count, 0);
	p = segment(&k, 0);
	kit_send(&k, &p);
	at_ns = k.io->ops->next_ns(k.io);
	assert_true(at_ns > wn_os_mono_ns());
	assert_int_equal(k.io->ops->recv_batch(k.io, k.rx, KIT_RX, at_ns - 1), 0);
	assert_int_equal(k.io->ops->recv_batch(k.io, k.rx, KIT_RX, at_ns), 1);
	assert_int_equal(k.rx[0].kind, WN_RX_OVER);
	assert_int_equal(k.rx[0].err, WN_ECLOSED);
	assert_int_equal(k.io->ops->recv_batch(k.io, k.rx, KIT_RX, at_ns + 1), 0);
	assert_true(k.io->ops->next_ns(k.io) == UINT64_MAX);
	kit_close(&k);
	close(listener);
}

static void refuses(struct wn_io_config c, wn_err want, const char *why)
{
	struct wn_errctx ctx = {0};
	struct wn_io *io;

	assert_int_equal(wn_io_tcp_sack_open(&c, &io, &ctx), want);
	assert_null(io);
	if (!strstr(ctx.text, why))
		fail_msg("'%s' does not say '%s'", ctx.text, why);
}

static void test_no_connection(void **state)
{
	uint16_t port;
	int listener = kit_listen(kit_selves[0], &port, SOCK_STREAM);
	struct wn_io_config c = config(kit_selves[0], port);

	(void)state;
	refuses(config(kit_selves[0], 1), WN_EUNSUPPORTED, "port 1 is closed");
	refuses(config(kit_selves[1], 1), WN_EUNSUPPORTED, "port 1 is closed");
	c.probes = 65000;
	refuses(c, WN_EUNSUPPORTED, "too few for 65000 probes");
	c = config(kit_selves[0], port);
	c.port_span = 2;
	refuses(c, WN_EINVAL, "one source port");
	c = config(kit_selves[0], port);
	c.proto = WN_PROTO_UDP;
	refuses(c, WN_EINVAL, "TCP");
	assert_true(ns_sysctl("net/ipv4/tcp_sack", "0"));
	refuses(config(kit_selves[0], port), WN_EUNSUPPORTED, "has no SACK");
	assert_true(ns_sysctl("net/ipv4/tcp_sack", "1"));
	if (ns_nft("add table inet t; add chain inet t o { type filter hook output priority 0; };"
		   "add rule inet t o tcp dport 7 reject with icmpx type admin-prohibited")) {
		refuses(config(kit_selves[0], 7), WN_ENOROUTE, "cannot connect to port 7");
		assert_true(ns_nft("delete table inet t"));
	}
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_byte_each),
		cmocka_unit_test(test_several_blocks),
		cmocka_unit_test(test_what_is_no_answer),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_the_end),
		cmocka_unit_test(test_no_connection),
	};

	if (!ns_enter()) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
