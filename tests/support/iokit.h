/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driving a back end in a test: probes of one session, sent and answered on the namespace's own
 * loopback. Fails the running cmocka test by itself. To be included by tests, after cmocka.h.
 */
#ifndef WN_TESTS_IOKIT_H
#define WN_TESTS_IOKIT_H

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "io/io.h"
#include "io/sock.h"
#include "io/stamps.h"
#include "ns.h"
#include "os/os.h"
#include "packet/wire.h"

#define KIT_PATIENCE_MS 10000 /* what a test waits for comes, or the test fails */
#define KIT_QUIET_MS	50    /* nothing more is to come: long enough for loopback */
#define KIT_RX		128

/* This namespace, in both families. */
static const char *const kit_selves[] = {"127.0.0.1", "::1"};

struct kit {
	struct wn_io *io;
	struct wn_io_config config;
	struct wn_rx rx[KIT_RX]; /* all that was received, in order */
	size_t rx_count;
};

static inline struct wn_addr kit_addr(const char *text)
{
	struct wn_addr a;

	assert_int_equal(wn_addr_parse(text, &a), WN_OK);
	return a;
}

static inline struct wn_io_config kit_config(enum wn_proto proto, const char *dst, uint16_t dport)
{
	struct wn_io_config c = {.proto = proto,
		.dst = kit_addr(dst),
		.dport = dport,
		.port_span = 1,
		.outstanding = 64};

	c.family = c.dst.family;
	return c;
}

/* A socket at an address of ours and a port the kernel chooses; listening if it is a stream. */
static inline int kit_listen(const char *text, uint16_t *out_port, int type)
{
	struct wn_addr a = kit_addr(text);
	union wn_sa sa;
	socklen_t len = wn_sa_set(&sa, &a, 0, 0);
	int fd = socket(wn_af(a.family), type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &sa.any, len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, &sa.any, &len), 0);
	wn_sa_addr(&sa, out_port);
	return fd;
}

typedef wn_err kit_opener(const struct wn_io_config *, struct wn_io **, struct wn_errctx *);

static inline void kit_open(struct kit *k, kit_opener *opener, struct wn_io_config config)
{
	struct wn_errctx ctx = {0};

	memset(k, 0, sizeof(*k));
	k->config = config;
	if (opener(&k->config, &k->io, &ctx) != WN_OK)
		fail_msg("open: %s", ctx.text);
	assert_true(wn_io_sport(k->io) != 0);
	assert_true(k->io->ops->fd(k->io) >= 0);
}

static inline void kit_close(struct kit *k)
{
	k->io->ops->close(k->io);
}

static inline struct wn_probe kit_probe(const struct kit *k, uint64_t id)
{
	static const struct wn_sipkey key = {{1, 2, 3}};
	const struct wn_io_config *c = &k->config;
	struct wn_probe p = {.id = id,
		.src = c->src,
		.dst = c->dst,
		.proto = c->proto,
		.ttl = 64,
		.size = wn_probe_min_size(c->family, c->proto),
		.sport = wn_io_sport(k->io),
		.dport = c->dport,
		.icmp_id = wn_io_sport(k->io),
		.checksum = 0x1234};

	wn_probe_stamp(&p, &key, (uint32_t)id, 0);
	return p;
}

/* Sends a probe that must leave or fail as said. */
static inline struct wn_tx kit_send_for(struct kit *k, const struct wn_probe *p, wn_err want)
{
	struct wn_tx tx = {.probe = *p, .err = WN_ESTATE};
	uint64_t before = wn_os_mono_ns();

	assert_int_equal(k->io->ops->send_batch(k->io, &tx, 1, before), 1);
	assert_int_equal(tx.err, want);
	if (want == WN_OK) {
		assert_int_equal(tx.sys, 0);
		assert_true(tx.tx_ns >= before && tx.tx_ns <= wn_os_mono_ns());
		assert_true(tx.clock == WN_CLOCK_USER || tx.clock == WN_CLOCK_KERNEL);
	} else {
		assert_int_equal(tx.clock, WN_CLOCK_NONE);
	}
	return tx;
}

static inline struct wn_tx kit_send(struct kit *k, const struct wn_probe *p)
{
	return kit_send_for(k, p, WN_OK);
}

static inline bool kit_poll(struct kit *k, int ms)
{
	struct pollfd p = {.fd = k->io->ops->fd(k->io), .events = POLLIN};

	return k->io->ops->next_ns(k->io) != UINT64_MAX || poll(&p, 1, ms) > 0;
}

/* Stamps are kept out of the way: they may come or not. */
static inline void kit_take(struct kit *k)
{
	size_t n;

	do {
		struct wn_rx *at = k->rx + k->rx_count;

		n = k->io->ops->recv_batch(k->io, at, KIT_RX - k->rx_count, wn_os_mono_ns());
		for (size_t i = 0; i < n; i++)
			if (at[i].kind != WN_RX_STAMP)
				k->rx[k->rx_count++] = at[i];
	} while (n > 0 && k->rx_count < KIT_RX);
}

/* Waits until count things have come in all, and returns the last. */
static inline const struct wn_rx *kit_recv(struct kit *k, size_t count)
{
	while (k->rx_count < count) {
		if (!kit_poll(k, KIT_PATIENCE_MS))
			fail_msg("%d of %d came", (int)k->rx_count, (int)count);
		kit_take(k);
	}
	return &k->rx[count - 1];
}

/* Nothing more than count things comes. */
static inline void kit_recv_only(struct kit *k, size_t count)
{
	while (kit_poll(k, KIT_QUIET_MS)) {
		size_t before = k->rx_count;

		kit_take(k);
		if (k->rx_count == before && k->io->ops->next_ns(k->io) != UINT64_MAX)
			break;
	}
	assert_int_equal(k->rx_count, count);
}

/* An ICMP error by somebody about p, as if p had travelled; sent from this namespace. */
static inline void kit_error(
	const struct wn_probe *p, struct wn_wire_error e, bool corrupt, size_t cut)
{
	uint8_t probe[WN_PACKET_MAX], error[WN_PACKET_MAX];
	size_t probe_len, len;

	assert_int_equal(wn_wire_build(p, probe, sizeof(probe), &probe_len), WN_OK);
	e.ttl = e.ttl ? e.ttl : 60;
	assert_int_equal(
		wn_wire_build_error(&e, probe, probe_len, error, sizeof(error), &len), WN_OK);
	if (corrupt)
		error[len - 1] ^= 0x40;
	if (cut) {
		len -= cut;
		if (p->dst.family == 4) {
			error[2] = (uint8_t)(len >> 8);
			error[3] = (uint8_t)len;
		} else {
			error[4] = (uint8_t)((len - 40) >> 8);
			error[5] = (uint8_t)(len - 40);
		}
	}
	assert_true(ns_send(error, len, &e.to));
}

/*
 * A firewall of this machine drops some of a batch. Only such a failure comes after the kernel has
 * numbered the packet for its stamp, so this is where stamps could go astray.
 */
/*
 * Since this is called the kernel stamps what arrives, as long as the descriptor is open. It begins
 * some time after the first socket has asked for it (its work queue does it, late on a busy
 * machine), and until then wend goes by its own clock. For tests that compare stamps.
 */
static inline int kit_stamp_arrivals(void)
{
	struct wn_addr self = kit_addr("127.0.0.1");
	struct pollfd pfd = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), .events = POLLIN};
	uint64_t until_ns = wn_os_mono_ns() + KIT_PATIENCE_MS * UINT64_C(1000000);
	struct wn_cmsgs c = {0};
	union wn_sa sa;
	socklen_t len = wn_sa_set(&sa, &self, 0, 0);

	assert_int_equal(bind(pfd.fd, &sa.any, len), 0);
	assert_int_equal(getsockname(pfd.fd, &sa.any, &len), 0);
	assert_int_equal(wn_stamps_enable(pfd.fd, false), WN_STAMPS_RX);
	while (c.unix_ns == 0) {
		struct wn_rx_head head;
		struct msghdr msg;
		uint8_t byte = 0;

		assert_true(wn_os_mono_ns() < until_ns);
		assert_int_equal(sendto(pfd.fd, &byte, 1, 0, &sa.any, len), 1);
		assert_int_equal(poll(&pfd, 1, KIT_PATIENCE_MS), 1);
		wn_rx_head_ready(&head, &msg, &byte, sizeof(byte));
		assert_int_equal(recvmsg(pfd.fd, &msg, 0), 1);
		wn_cmsgs_read(&msg, &c);
	}
	return pfd.fd;
}

static inline void kit_check_blocked_here(kit_opener *opener)
{
	struct kit k;
	int stamped;

	if (!ns_nft("add table inet t; add chain inet t o { type filter hook output priority 0; };"
		    "add rule inet t o ip ttl 9 drop; add rule inet t o ip6 hoplimit 9 drop"))
		skip();
	stamped = kit_stamp_arrivals();
	for (size_t f = 0; f < 2; f++) {
		struct wn_tx tx[30];
		size_t good = 0;

		kit_open(&k, opener, kit_config(WN_PROTO_UDP, kit_selves[f], 33434));
		for (size_t i = 0; i < 30; i++) {
			tx[i].probe = kit_probe(&k, i);
			if (i % 7 == 3 || i % 7 == 4)
				tx[i].probe.ttl = 9;
		}
		assert_int_equal(k.io->ops->send_batch(k.io, tx, 30, wn_os_mono_ns()), 30);
		kit_recv(&k, 22);
		for (size_t i = 0; i < 30; i++) {
			const struct wn_rx *rx = &k.rx[good];

			if (tx[i].probe.ttl == 9) {
				assert_int_equal(tx[i].err, WN_EBLOCKED);
				assert_int_equal(tx[i].sys, EPERM);
				continue;
			}
			assert_int_equal(tx[i].err, WN_OK);
			assert_int_equal(tx[i].clock, WN_CLOCK_KERNEL);
			assert_memory_equal(rx->reply.quote.cookie, tx[i].probe.cookie, 8);
			assert_int_equal(rx->clock, WN_CLOCK_KERNEL);
			/* Each stamp is its own probe's: before its answer, after the one before.
			 */
			assert_true(tx[i].tx_ns <= rx->at_ns);
			if (good++)
				assert_true(tx[i].tx_ns > rx[-1].at_ns);
		}
		kit_recv_only(&k, 22);
		kit_close(&k);
	}
	close(stamped);
	assert_true(ns_nft("delete table inet t"));
}

#endif
