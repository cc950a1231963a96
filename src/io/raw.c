/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw back end: three sockets. One sends whole packets, one hears ICMP, one hears answers of
 * the probed protocol; ordinary bound sockets hold the source ports, so that no other program
 * uses them and the kernel knows them as taken.
 */
#include "io/raw.h"

#include <errno.h>
#include <linux/icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "io/io_priv.h"
#include "os/os.h"
#include "packet/wire.h"

static int raw_fd(const struct wn_io *io)
{
	return ((const struct wn_raw *)io)->epoll_fd;
}

/* Late stamps lie in memory, where no descriptor tells of them. */
static uint64_t raw_next(const struct wn_io *io)
{
	return ((const struct wn_raw *)io)->late_count ? 0 : UINT64_MAX;
}

static void raw_forget(struct wn_io *io, uint64_t id)
{
	/* A raw probe holds nothing. */
	(void)io;
	(void)id;
}

/* The kernel looks at ICMP for us only once there is something to hear. */
void wn_raw_wake(struct wn_raw *raw)
{
	raw->asleep = false;
	(void)wn_raw_filter_icmp(raw->icmp_fd, &raw->ours);
}

static wn_err raw_add_port(struct wn_io *io, uint16_t port, struct wn_errctx *ctx)
{
	struct wn_raw *raw = (struct wn_raw *)io;
	bool icmp = raw->config.proto == WN_PROTO_ICMP;
	int fd = -1;
	wn_err err = WN_OK;

	if (wn_raw_is_our_port(raw, port))
		return WN_OK;
	if (raw->ours.more_count == WN_RAW_MORE_MAX)
		return wn_fail(ctx, WN_EFULL, "more than %u source ports", WN_RAW_MORE_MAX);
	if (!icmp)
		err = wn_ports_hold_one(&raw->ports, port, &fd, ctx);
	if (err != WN_OK)
		return err;
	raw->more_fd[raw->ours.more_count] = fd;
	raw->ours.more[raw->ours.more_count++] = port;
	raw->asleep = false;
	if (wn_raw_filter_icmp(raw->icmp_fd, &raw->ours) &&
		(icmp || wn_raw_filter_l4(raw->l4_fd, &raw->ours)))
		return WN_OK;
	return wn_fail_sys(ctx, WN_ESYS, errno, "cannot attach a socket filter");
}

static void raw_close(struct wn_io *io)
{
	struct wn_raw *raw = (struct wn_raw *)io;

	wn_sock_close(&raw->tx_fd);
	wn_sock_close(&raw->icmp_fd);
	wn_sock_close(&raw->l4_fd);
	wn_sock_close(&raw->epoll_fd);
	wn_ports_close(&raw->ports);
	for (unsigned i = 0; i < raw->ours.more_count; i++)
		wn_sock_close(&raw->more_fd[i]);
	wn_txkeys_fini(&raw->keys);
	wn_free(raw->tx_msg);
	wn_free(raw->tx_iov);
	wn_free(raw->tx_cmsg);
	wn_free(raw->tx_bytes);
	wn_free(raw->rx_msg);
	wn_free(raw->rx_slot);
	wn_free(raw);
}

static const struct wn_io_ops raw_ops = {
	.send_batch = wn_raw_send,
	.recv_batch = wn_raw_recv,
	.fd = raw_fd,
	.next_ns = raw_next,
	.add_port = raw_add_port,
	.forget = raw_forget,
	.close = raw_close,
};

static wn_err take_memory(struct wn_raw *raw, struct wn_errctx *ctx)
{
	raw->tx_msg = wn_calloc(WN_RAW_TX_BATCH, sizeof(*raw->tx_msg));
	raw->tx_iov = wn_calloc(WN_RAW_TX_BATCH, sizeof(*raw->tx_iov));
	raw->tx_cmsg = wn_calloc(WN_RAW_TX_BATCH, sizeof(*raw->tx_cmsg));
	raw->tx_bytes = wn_malloc(WN_RAW_TX_BYTES);
	raw->rx_msg = wn_calloc(WN_RAW_RX_BATCH, sizeof(*raw->rx_msg));
	raw->rx_slot = wn_calloc(WN_RAW_RX_BATCH, sizeof(*raw->rx_slot));
	if (!raw->tx_msg || !raw->tx_iov || !raw->tx_cmsg || !raw->tx_bytes || !raw->rx_msg ||
		!raw->rx_slot || wn_txkeys_init(&raw->keys, raw->config.outstanding) != WN_OK)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	return WN_OK;
}

static wn_err claim_icmp_id(void *user, uint16_t id, struct wn_errctx *ctx)
{
	/* Raw sockets have no owner of ids; the cookies keep traces apart. */
	(void)user;
	(void)id;
	(void)ctx;
	return WN_OK;
}

static wn_err reserve(struct wn_raw *raw, struct wn_errctx *ctx)
{
	const struct wn_io_config *c = &raw->config;
	wn_err err;

	if (c->proto == WN_PROTO_ICMP) {
		err = wn_ports_choose(c, claim_icmp_id, NULL, &raw->io.sport, ctx);
	} else {
		int type = c->proto == WN_PROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;

		err = wn_ports_open(&raw->ports, c, type, false, ctx);
		raw->io.sport = raw->ports.first;
	}
	raw->ours = (struct wn_raw_filter){.family = c->family,
		.proto = c->proto,
		.first = raw->io.sport,
		.span = c->port_span};
	return err;
}

static wn_err open_sender(struct wn_raw *raw, struct wn_errctx *ctx)
{
	uint8_t family = raw->config.family;
	wn_err err = wn_sock_open(&raw->config, SOCK_RAW, IPPROTO_RAW, &raw->tx_fd, ctx);

	if (err != WN_OK)
		return err;
	/* IPPROTO_RAW takes whole packets in both families. A full queue fails only with RECVERR.
	 */
	if (family == 4)
		wn_sock_set(raw->tx_fd, IPPROTO_IP, IP_RECVERR, 1);
	else
		wn_sock_set(raw->tx_fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	/* What was learned of the path's MTU must not hold probes back: only routers shall. */
	wn_sock_dont_fragment(raw->tx_fd, family, true);
	wn_sock_room(raw->tx_fd, raw->config.outstanding);
	if (!wn_raw_filter_nothing(raw->tx_fd))
		return wn_fail_sys(ctx, WN_ESYS, errno, "cannot attach a socket filter");
	raw->keys.enabled = wn_stamps_enable(raw->tx_fd, true) == WN_STAMPS_RX_TX;
	return WN_OK;
}

/* Replies may come in through another interface than the one probes leave by: not bound. */
static wn_err open_listener(struct wn_raw *raw, int protocol, int *out, struct wn_errctx *ctx)
{
	struct wn_io_config c = raw->config;
	uint32_t room;
	wn_err err;
	int fd;

	c.iface[0] = '\0';
	c.mark = 0;
	err = wn_sock_open(&c, SOCK_RAW, protocol, &fd, ctx);
	*out = fd;
	if (err != WN_OK)
		return err;
	room = wn_sock_room(fd, c.outstanding);
	if (raw->io.answers_max == 0 || room < raw->io.answers_max)
		raw->io.answers_max = room;
	wn_sock_set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	/* Else the kernel drops what has a wrong checksum, and counts it as a full queue. */
	if (protocol == IPPROTO_ICMPV6)
		wn_sock_set(fd, SOL_RAW, IPV6_CHECKSUM, -1);
	if (c.family == 6 &&
		(!wn_sock_tell_ttl(fd, 6) || !wn_sock_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)))
		return wn_fail_sys(ctx, WN_ESYS, errno, "cannot set up an IPv6 raw socket");
	if (wn_stamps_enable(fd, false) != WN_STAMPS_NONE)
		raw->io.caps.rx_clock = WN_CLOCK_KERNEL;
	if (!wn_sock_watch(raw->epoll_fd, fd, EPOLLIN, 0))
		return wn_fail_sys(ctx, WN_ESYS, errno, "cannot watch a socket");
	return WN_OK;
}

static wn_err open_listeners(struct wn_raw *raw, struct wn_errctx *ctx)
{
	const struct wn_io_config *c = &raw->config;
	wn_err err;

	err = open_listener(
		raw, c->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, &raw->icmp_fd, ctx);
	raw->asleep = c->shared;
	if (err == WN_OK && !(raw->asleep ? wn_raw_filter_sleep(raw->icmp_fd, c->family)
					  : wn_raw_filter_icmp(raw->icmp_fd, &raw->ours)))
		err = wn_fail_sys(ctx, WN_ESYS, errno, "cannot attach a socket filter");
	if (err != WN_OK || c->proto == WN_PROTO_ICMP)
		return err;
	err = open_listener(
		raw, c->proto == WN_PROTO_TCP ? IPPROTO_TCP : IPPROTO_UDP, &raw->l4_fd, ctx);
	if (err == WN_OK && !wn_raw_filter_l4(raw->l4_fd, &raw->ours))
		err = wn_fail_sys(ctx, WN_ESYS, errno, "cannot attach a socket filter");
	return err;
}

static void tell_caps(struct wn_raw *raw)
{
	struct wn_caps *caps = &raw->io.caps;
	bool v4 = raw->config.family == 4;

	wn_fmt(caps->name, sizeof(caps->name), "raw");
	caps->sends_ip_id = v4;
	caps->sends_flow_label = !v4;
	caps->sends_checksum = caps->sends_icmp_id = true;
	caps->sees_quote_l4 = caps->sees_quote_ip = true;
	caps->sees_reply_ttl = caps->sees_extensions = caps->sees_foreign = true;
	caps->tx_clock = raw->keys.enabled ? WN_CLOCK_KERNEL : WN_CLOCK_USER;
}

wn_err wn_io_raw_open(const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx)
{
	struct wn_raw *raw;
	wn_err err = wn_io_config_check(c, ctx);

	*out = NULL;
	if (err != WN_OK)
		return err;
	raw = wn_calloc(1, sizeof(*raw));
	if (!raw)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	raw->io.ops = &raw_ops;
	raw->io.caps.rx_clock = WN_CLOCK_USER;
	raw->config = *c;
	raw->ifindex = wn_sock_ifindex(c);
	raw->tx_fd = raw->icmp_fd = raw->l4_fd = -1;
	wn_stamps_init(&raw->stamps);
	raw->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (raw->epoll_fd < 0)
		err = wn_fail_sys(ctx, WN_ESYS, errno, "cannot create an event queue");
	if (err == WN_OK)
		err = take_memory(raw, ctx);
	/* Ports of many sources are held on all of them. */
	if (err == WN_OK && c->shared)
		raw->config.src = (struct wn_addr){0};
	else if (err == WN_OK)
		err = wn_io_find_source(&raw->config, &raw->mtu, ctx);
	/* The sender first: without permission it says so before anything else is tried. */
	if (err == WN_OK)
		err = open_sender(raw, ctx);
	if (err == WN_OK)
		err = reserve(raw, ctx);
	if (err == WN_OK)
		err = open_listeners(raw, ctx);
	if (err != WN_OK) {
		raw_close(&raw->io);
		return err;
	}
	tell_caps(raw);
	*out = &raw->io;
	return WN_OK;
}
