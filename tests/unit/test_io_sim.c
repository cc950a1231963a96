/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated network as a back end; several of them on one network. */
#include "simkit.h"
#include "io/sim.h"

static const char text[] = SIM_LINE(
	"", "", "open tcp 443 open udp 53", "delay 1ms", "delay 1ms", "delay 1ms mtu 1400");

static struct wn_io_config config(const struct simkit *k, enum wn_proto proto, uint8_t family)
{
	return (struct wn_io_config){.proto = proto,
		.family = family,
		.dst = wn_topo_target(k->topo, family),
		.port_span = 1,
		.outstanding = 16};
}

static struct wn_io *open_io(struct simkit *k, enum wn_proto proto, uint8_t family)
{
	struct wn_io_config c = config(k, proto, family);
	struct wn_errctx ctx = {0};
	struct wn_io *io;

	if (wn_io_sim_open(&c, k->sim, &io, &ctx) != WN_OK)
		fail_msg("%s", ctx.text);
	return io;
}

static struct wn_tx tx_of(
	struct simkit *k, const struct wn_io *io, uint8_t family, enum wn_proto proto, uint8_t ttl)
{
	struct wn_tx tx = {.probe = simkit_probe(k, family, proto, ttl), .tx_ns = 1};

	tx.probe.src = (struct wn_addr){0};
	tx.probe.sport = tx.probe.icmp_id = io->sport;
	tx.probe.id = ttl;
	return tx;
}

static void test_one(void **state)
{
	struct wn_tx tx[3];
	struct wn_rx rx[8];
	struct wn_io *io;
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	io = open_io(&k, WN_PROTO_UDP, 6);
	assert_string_equal(io->caps.name, "sim");
	assert_true(io->caps.sees_quote_l4 && io->caps.sends_ip_id && io->caps.sees_extensions);
	assert_int_equal(io->caps.rx_clock, WN_CLOCK_SIM);
	assert_int_equal(io->caps.per_flow, 0);
	assert_int_equal(io->ops->fd(io), -1);
	assert_true(io->ops->next_ns(io) == UINT64_MAX);
	assert_int_not_equal(wn_io_sport(io), 0);
	for (uint8_t i = 0; i < 3; i++)
		tx[i] = tx_of(&k, io, 6, WN_PROTO_UDP, (uint8_t)(i + 1));
	assert_int_equal(io->ops->send_batch(io, tx, 3, 5 * SIM_MS), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(tx[i].err, WN_OK);
		assert_true(tx[i].tx_ns == 5 * SIM_MS);
		assert_int_equal(tx[i].clock, WN_CLOCK_SIM);
	}
	assert_true(io->ops->next_ns(io) == 7 * SIM_MS);
	assert_int_equal(io->ops->recv_batch(io, rx, 8, 7 * SIM_MS - 1), 0);
	/* Seen late, it still has the time at which it came. */
	assert_int_equal(io->ops->recv_batch(io, rx, 8, 9 * SIM_MS + 5), 2);
	assert_int_equal(rx[0].kind, WN_RX_REPLY);
	assert_true(rx[0].at_ns == 7 * SIM_MS && rx[1].at_ns == 9 * SIM_MS);
	assert_int_equal(rx[0].clock, WN_CLOCK_SIM);
	assert_true(rx[0].reply.hint_id == WN_HINT_NONE);
	simkit_from(&rx[1].reply, "fd00:2::1");
	assert_memory_equal(rx[1].reply.quote.cookie, tx[1].probe.cookie, 8);
	assert_int_equal(io->ops->recv_batch(io, rx, 1, SIM_S), 1);
	assert_int_equal(rx[0].reply.kind, WN_REPLY_UNREACHABLE);
	io->ops->forget(io, 3);
	io->ops->close(io);
	assert_null(*wn_sim_user(k.sim));
	simkit_close(&k);
}

/* Whoever takes packets out of the network, each gets its own. */
static void test_siblings(void **state)
{
	struct wn_io *io[WN_PROTO_COUNT * 2 + 1];
	unsigned got[WN_PROTO_COUNT * 2 + 1] = {0};
	struct wn_rx rx[16];
	struct simkit k;
	const unsigned n = WN_PROTO_COUNT * 2 + 1;

	(void)state;
	simkit_open(&k, text);
	for (unsigned i = 0; i < n; i++) /* the last is a second one of UDP over IPv4 */
		io[i] = open_io(&k, (enum wn_proto)(i % 6 / 2), i & 1 ? 6 : 4);
	for (unsigned i = 0; i < n; i++) {
		for (uint8_t ttl = 1; ttl <= 5; ttl++) {
			struct wn_tx tx =
				tx_of(&k, io[i], i & 1 ? 6 : 4, (enum wn_proto)(i % 6 / 2), ttl);

			if (i == 0)
				tx.probe.dport = 53; /* a direct answer, too */
			assert_int_equal(io[i]->ops->send_batch(io[i], &tx, 1, 0), 1);
			assert_int_equal(tx.err, WN_OK);
		}
	}
	assert_int_equal(io[3]->ops->recv_batch(io[3], rx, 16, SIM_S), 5);
	got[3] = 5;
	assert_true(io[0]->ops->next_ns(io[0]) == 0);
	for (unsigned i = 0; i < n; i++)
		got[i] += (unsigned)io[i]->ops->recv_batch(io[i], rx, 16, SIM_S);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(got[i], 5);
		assert_int_equal(io[i]->counters.foreign, 0);
		io[i]->ops->close(io[i]);
	}
	simkit_close(&k);
}

static void test_ports(void **state)
{
	struct wn_io_config c;
	struct wn_io *a, *b, *other;
	struct wn_errctx ctx = {0};
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	c = config(&k, WN_PROTO_UDP, 4);
	c.sport = 40000;
	c.port_span = 10;
	assert_int_equal(wn_io_sim_open(&c, k.sim, &a, &ctx), WN_OK);
	c.sport = 40009;
	assert_int_equal(wn_io_sim_open(&c, k.sim, &b, &ctx), WN_EADDRINUSE);
	assert_null(b);
	c.proto = WN_PROTO_TCP;
	assert_int_equal(wn_io_sim_open(&c, k.sim, &other, &ctx), WN_OK);
	c.proto = WN_PROTO_UDP;
	c.sport = 0;
	c.port_span = 30000;
	assert_int_equal(wn_io_sim_open(&c, k.sim, &b, &ctx), WN_OK);
	assert_true(b->sport >= 1024 && (b->sport + 30000 <= 40000 || b->sport >= 40010));
	b->ops->close(b);
	c.port_span = 65536;
	assert_int_equal(wn_io_sim_open(&c, k.sim, &b, &ctx), WN_EADDRINUSE);
	c.family = 6;
	assert_int_equal(wn_io_sim_open(&c, k.sim, &b, &ctx), WN_EINVAL);
	a->ops->close(a);
	other->ops->close(other);
	simkit_close(&k);
	simkit_open(&k, "source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.0.2"
			" addr6 fd00::2\nlink s t\n");
	c = config(&k, WN_PROTO_ICMP, 6);
	assert_int_equal(wn_io_sim_open(&c, k.sim, &b, &ctx), WN_EADDRNOTAVAIL);
	simkit_close(&k);
}

/* What the first link refuses is the probe's error; foreign and spoilt packets are counted. */
static void test_errors_and_counters(void **state)
{
	static const char spoilt[] =
		"source s\ntarget t\nhost s addr 10.0.0.1\nhost t addr 10.0.0.2\n"
		"link s t mtu 1000 corrupt-back 50% truncate-back 50%\n";
	struct wn_counters_io *count;
	struct wn_rx rx[4];
	struct wn_io *io;
	struct wn_tx tx;
	struct simkit k;
	unsigned got = 0;

	(void)state;
	simkit_open(&k, spoilt);
	io = open_io(&k, WN_PROTO_ICMP, 4);
	count = &io->counters;
	tx = tx_of(&k, io, 4, WN_PROTO_ICMP, 9);
	tx.probe.size = 1001;
	tx.probe.df = true;
	assert_int_equal(io->ops->send_batch(io, &tx, 1, 0), 1);
	assert_int_equal(tx.err, WN_EMSGSIZE);
	tx.probe.size = 60;
	for (unsigned i = 0; i < 100; i++)
		io->ops->send_batch(io, &tx, 1, 0);
	while (io->ops->recv_batch(io, rx, 4, SIM_S))
		got++;
	assert_true(got > 0 && count->corrupt > 10 && count->truncated > 10);
	tx.probe.icmp_id++; /* nobody's id */
	for (unsigned i = 0; i < 100; i++)
		io->ops->send_batch(io, &tx, 1, SIM_S);
	assert_int_equal(io->ops->recv_batch(io, rx, 4, 2 * SIM_S), 0);
	assert_true(count->foreign > 10);
	io->ops->close(io);
	simkit_close(&k);
}

/* A sibling that never looks keeps a bounded queue and counts the rest. */
static void test_bounded_queue(void **state)
{
	struct wn_io *busy, *idle;
	struct wn_rx rx[4];
	struct simkit k;

	(void)state;
	simkit_open(&k, text);
	busy = open_io(&k, WN_PROTO_TCP, 4);
	idle = open_io(&k, WN_PROTO_UDP, 4);
	for (unsigned i = 0; i < 1000; i++) {
		struct wn_tx tx = tx_of(&k, idle, 4, WN_PROTO_UDP, 1);

		idle->ops->send_batch(idle, &tx, 1, 0);
	}
	assert_int_equal(busy->ops->recv_batch(busy, rx, 4, SIM_S), 0);
	assert_int_equal(idle->counters.overflow, 1000 - 256);
	idle->ops->close(idle);
	busy->ops->close(busy);
	simkit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_siblings),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_errors_and_counters),
		cmocka_unit_test(test_bounded_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
