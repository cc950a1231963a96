/* SPDX-License-Identifier: Apache-2.0 */
/* The unprivileged back end of TCP: connection attempts. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/resource.h>
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
	/* Some more than are waited for at once. */
	assert_int_equal(sent, k.config.outstanding + 8);
	k.io->ops->forget(k.io, 50);
	p = kit_probe(&k, 2000);
	kit_send(&k, &p);
	kit_close(&k);
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, false));
}

/* From now on so many descriptors more can be opened; the first free one is where they begin. */
static struct rlimit spare_files(unsigned count)
{
	struct rlimit was, few;
	int fd = dup(0);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = (rlim_t)fd + count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	return was;
}

static void give_files_back(const struct rlimit *was)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, was), 0);
}

/* Whoever has a back end can send one probe; the next one waits for what others give back. */
static void test_tcp_without_files(void **state)
{
	struct rlimit was;
	struct wn_probe p;
	struct kit k;

	(void)state;
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, true));
	kit_open(&k, wn_io_errqueue_open, elsewhere());
	was = spare_files(0);
	p = kit_probe(&k, 1);
	kit_send(&k, &p);
	p.id = 2;
	p.dport = 81;
	assert_int_equal(kit_send_for(&k, &p, WN_EAGAIN).sys, EMFILE);
	k.io->ops->forget(k.io, 1);
	kit_send(&k, &p);
	give_files_back(&was);
	kit_close(&k);
	assert_true(ns_route("192.0.2.0/24", RTN_UNICAST, false));
}

/* Whichever descriptor it is that lacks, the errno says so. */
static void test_open_without_files(void **state)
{
	const enum wn_proto protos[] = {WN_PROTO_TCP, WN_PROTO_UDP};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wn_io_config c = kit_config(protos[i], "127.0.0.1", 33434);
		wn_err err = WN_ESYS;

		for (unsigned files = 0; err != WN_OK; files++) {
			struct rlimit was = spare_files(files);
			struct wn_errctx why = {0};
			struct wn_io *io;

			err = wn_io_errqueue_open(&c, &io, &why);
			give_files_back(&was);
			if (err == WN_OK) {
				assert_true(files > 1);
				io->ops->close(io);
				continue;
			}
			assert_int_equal(err, WN_ESYS);
			assert_int_equal(why.sys, EMFILE);
			assert_true(files < 10);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_answers),
		cmocka_unit_test(test_tcp_turns),
		cmocka_unit_test(test_tcp_retransmission),
		cmocka_unit_test(test_tcp_local_failures),
		cmocka_unit_test(test_tcp_slots),
		cmocka_unit_test(test_tcp_without_files),
		cmocka_unit_test(test_open_without_files),
	};

	if (!ns_enter()) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
