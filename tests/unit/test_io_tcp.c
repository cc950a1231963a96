/* SPDX-License-Identifier: Apache-2.0 */
/* The unprivileged back end of TCP: connection attempts. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>
#include "iokit.h"

static void test_tcp_answers(void **state)
{
	struct kit k;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		uint16_t port;
		int listener = kit_listen(kit_selves[f], &port, SOCK_STREAM);
		const struct wn_rx *rx;
		struct wn_probe p;
		struct wn_tx tx;

		kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_TCP, kit_selves[f], 1));
		assert_string_equal(k.io->caps.name, "tcp-connect");
		assert_int_equal(k.io->caps.per_flow, 1);
		p = kit_probe(&k, 1);
		kit_send(&k, &p);
		rx = kit_recv(&k, 1);
		assert_int_equal(rx->reply.kind, WN_REPLY_RST);
		assert_int_equal(rx->reply.hint_id, 1);
		p = kit_probe(&k, 2);
		p.dport = port;
		tx = kit_send(&k, &p);
		rx = kit_recv(&k, 2);
		assert_int_equal(rx->reply.kind, WN_REPLY_SYN_ACK);
		assert_int_equal(rx->reply.hint_id, 2);
		assert_int_equal(rx->clock, WN_CLOCK_TCP);
		assert_true(rx->at_ns >= tx.tx_ns && rx->at_ns <= wn_os_mono_ns());
		assert_true(wn_addr_eq(&rx->reply.from, &k.config.dst));
		assert_int_equal(rx->reply.sport, port);
		/* The same ports again: nothing of the first connection is in the way. */
		p.id = 3;
		kit_send(&k, &p);
		assert_int_equal(kit_recv(&k, 3)->reply.kind, WN_REPLY_SYN_ACK);
		assert_int_equal(k.rx[2].reply.hint_id, 3);
		kit_recv_only(&k, 3);
		kit_close(&k);
		close(listener);
	}
}

static struct wn_io_config elsewhere(void)
{
	struct wn_io_config c = kit_config(WN_PROTO_TCP, "192.0.2.1", 80);

	c.src = kit_addr("127.0.0.1");
	return c;
}

/* What goes out through lo to a foreign address is dropped there: a silent hop. */
static void test_tcp_turns(void **state)
{
	struct kit k;
	struct wn_probe p;

	(void)state;
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, true));
	kit_open(&k, wn_io_errqueue_open, elsewhere());
	p = kit_probe(&k, 1);
	kit_send(&k, &p);
	p.id = 2;
	kit_send(&k, &p); /* the same ports: the first has to go */
	assert_int_equal(kit_recv(&k, 1)->kind, WN_RX_CLOSED);
	assert_int_equal(k.rx[0].id, 1);
	p.id = 3;
	p.dport = 81;
	kit_send(&k, &p); /* other ports: side by side */
	kit_recv_only(&k, 1);
	k.io->ops->forget(k.io, 2);
	k.io->ops->forget(k.io, 2);
	p.id = 4;
	p.dport = 80;
	kit_send(&k, &p);
	kit_recv_only(&k, 1);
	kit_close(&k);
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, false));
}

/* The first SYN is lost, the kernel's second one is answered: an answer without an RTT. */
static void test_tcp_retransmission(void **state)
{
	struct kit k;
	struct wn_probe p;

	(void)state;
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, true));
	kit_open(&k, wn_io_errqueue_open, elsewhere());
	p = kit_probe(&k, 1);
	kit_send(&k, &p);
	assert_true(ns_address("192.0.2.1", 32, true));
	assert_int_equal(kit_recv(&k, 1)->reply.kind, WN_REPLY_RST);
	assert_int_equal(k.rx[0].clock, WN_CLOCK_NONE);
	kit_close(&k);
	assert_true(ns_address("192.0.2.1", 32, false));
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, false));
}

static void test_tcp_local_failures(void **state)
{
	struct wn_probe p;
	struct kit k;
	struct wn_tx tx;

	(void)state;
	kit_open(&k, wn_io_errqueue_open, kit_config(WN_PROTO_TCP, "127.0.0.1", 1));
	assert_true(ns_route("192.0.2.0/24", RTN_PROHIBIT, true));
	p = kit_probe(&k, 1);
	p.dst = kit_addr("192.0.2.1");
	tx = kit_send_for(&k, &p, WN_EBLOCKED);
	assert_int_equal(tx.sys, EACCES);
	assert_true(ns_route("192.0.2.0/24", RTN_PROHIBIT, false));
	kit_send_for(&k, &p, WN_ENOROUTE);
	p = kit_probe(&k, 2);
	p.sport = (uint16_t)(p.sport + 1);
	kit_send_for(&k, &p, WN_EINVAL);
	p = kit_probe(&k, 3);
	kit_send(&k, &p);
	assert_int_equal(kit_recv(&k, 1)->reply.kind, WN_REPLY_RST);
	kit_recv_only(&k, 1);
	kit_close(&k);
}

/* No more attempts at once than there are slots, and room again when some are forgotten. */
static void test_tcp_slots(void **state)
{
	uint64_t sent = 0;
	struct wn_probe p;
	struct kit k;

	(void)state;
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, true));
	kit_open(&k, wn_io_errqueue_open, elsewhere());
	for (; sent < 1000; sent++) {
		struct wn_tx tx = {.probe = kit_probe(&k, sent)};

		tx.probe.dport = (uint16_t)(1000 + sent);
		if (k.io->ops->send_batch(k.io, &tx, 1, wn_os_mono_ns()) == 0)
			break;
		assert_int_equal(tx.err, WN_OK);
	}
	assert_int_equal(sent, 256);
	k.io->ops->forget(k.io, 100);
	p = kit_probe(&k, 2000);
	kit_send(&k, &p);
	kit_close(&k);
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_answers),
		cmocka_unit_test(test_tcp_turns),
		cmocka_unit_test(test_tcp_retransmission),
		cmocka_unit_test(test_tcp_local_failures),
		cmocka_unit_test(test_tcp_slots),
	};

	if (!ns_enter()) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
