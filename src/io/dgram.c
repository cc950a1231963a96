/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing of the datagram back end, and what it remembers of probes. */
#include "io/dgram.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "io/io_priv.h"
#include "io/ports.h"
#include "os/os.h"

#define STASH_MIN 2

/* Ids count up; the map wants its keys spread. */
static uint64_t spread(uint64_t id)
{
	return (id + 1) * 0x9e3779b97f4a7c15u;
}

void wn_dgram_remember(struct wn_dgram *d, struct wn_dgram_flow *flow, uint64_t id)
{
	uint32_t index = (uint32_t)(flow - d->flows), before;

	if (d->owner.len > 0 && wn_map_get(&d->owner, spread(id), &before))
		return;
	if (d->owner.len == WN_DGRAM_REMEMBERED || wn_map_room(&d->owner) != WN_OK ||
		wn_map_put(&d->owner, spread(id), index) != WN_OK) {
		flow->lost = true;
		return;
	}
	flow->outstanding++;
	flow->ids ^= id;
}

void wn_dgram_forget(struct wn_io *io, uint64_t id)
{
	struct wn_dgram *d = (struct wn_dgram *)io;
	uint32_t index;

	if (d->owner.len == 0 || !wn_map_get(&d->owner, spread(id), &index))
		return;
	wn_map_del(&d->owner, spread(id));
	d->flows[index].outstanding--;
	d->flows[index].ids ^= id;
}

static int dgram_fd(const struct wn_io *io)
{
	return ((const struct wn_dgram *)io)->epoll_fd;
}

/* The stash lies in memory, where no descriptor tells of it. */
static uint64_t dgram_next(const struct wn_io *io)
{
	return ((const struct wn_dgram *)io)->stash.len ? 0 : UINT64_MAX;
}

static void flow_close(struct wn_dgram_flow *flow)
{
	wn_sock_close(&flow->fd);
	wn_txkeys_fini(&flow->keys);
}

static void dgram_close(struct wn_io *io)
{
	struct wn_dgram *d = (struct wn_dgram *)io;

	for (uint32_t i = 0; d->flows && i < d->config.port_span; i++)
		flow_close(&d->flows[i]);
	wn_sock_close(&d->epoll_fd);
	wn_map_fini(&d->owner);
	wn_free(d->flows);
	wn_free(d->stash.rx);
	wn_io_scratch_free(d->own_scratch);
	wn_free(d);
}

static const struct wn_io_ops dgram_ops = {
	.send_batch = wn_dgram_send,
	.recv_batch = wn_dgram_recv,
	.fd = dgram_fd,
	.next_ns = dgram_next,
	.forget = wn_dgram_forget,
	.close = dgram_close,
};

void wn_dgram_stash_room(struct wn_dgram *d)
{
	size_t cap = d->stash.cap ? d->stash.cap * 2 : d->config.outstanding / 4;
	struct wn_rx *rx;

	if (d->stash.len < d->stash.cap || d->stash.cap == WN_DGRAM_STASH)
		return;
	if (cap < STASH_MIN)
		cap = STASH_MIN;
	if (cap > WN_DGRAM_STASH)
		cap = WN_DGRAM_STASH;
	rx = wn_realloc(d->stash.rx, cap, sizeof(*rx));
	if (!rx)
		return;
	d->stash.rx = rx;
	d->stash.cap = cap;
}

static wn_err take_memory(struct wn_dgram *d, struct wn_errctx *ctx)
{
	d->flows = wn_calloc(d->config.port_span, sizeof(*d->flows));
	/* At once: closing after a failure further down must not meet descriptor 0. */
	for (uint32_t i = 0; d->flows && i < d->config.port_span; i++) {
		d->flows[i].fd = -1;
		d->flows[i].ttl = d->flows[i].tos = -1;
	}
	d->scratch = wn_io_scratch_get(&d->config, &d->own_scratch);
	wn_dgram_stash_room(d);
	if (!d->flows || !d->scratch || !d->stash.rx)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	return WN_OK;
}

static bool set_up(struct wn_dgram *d, struct wn_dgram_flow *flow)
{
	uint8_t family = d->config.family;
	enum wn_stamps_have have = wn_stamps_enable(flow->fd, true);

	flow->keys.enabled = have == WN_STAMPS_RX_TX;
	if (have != WN_STAMPS_NONE)
		d->io.caps.rx_clock = WN_CLOCK_KERNEL;
	d->io.caps.tx_clock = flow->keys.enabled ? WN_CLOCK_KERNEL : WN_CLOCK_USER;
	flow->df = d->config.df;
	wn_sock_dont_fragment(flow->fd, family, flow->df);
	wn_sock_room(flow->fd, d->config.outstanding);
	if (family == 4)
		wn_sock_set(flow->fd, IPPROTO_IP, IP_PKTINFO, 1);
	else
		wn_sock_set(flow->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	if (d->labels)
		wn_sock_choose_label(flow->fd);
	return wn_errq_enable(flow->fd, family);
}

wn_err wn_dgram_flow_open(struct wn_dgram *d, struct wn_dgram_flow *flow, struct wn_errctx *ctx)
{
	uint32_t index = (uint32_t)(flow - d->flows);
	wn_err err;

	if (flow->fd >= 0)
		return WN_OK;
	flow->port = (uint16_t)(d->io.sport + index);
	err = d->proto->open(&d->config, &flow->fd, ctx);
	if (err != WN_OK)
		return err;
	err = wn_ports_bind(flow->fd, &d->config, flow->port, ctx);
	if (err == WN_OK && wn_txkeys_init(&flow->keys, d->config.outstanding) != WN_OK)
		err = wn_fail(ctx, WN_ENOMEM, "out of memory");
	if (err == WN_OK &&
		(!set_up(d, flow) || !wn_sock_watch(d->epoll_fd, flow->fd, EPOLLIN, index)))
		err = wn_fail_sys(ctx, WN_ESYS, errno, "cannot set up a socket");
	if (err != WN_OK)
		flow_close(flow);
	return err;
}

static wn_err claim(void *user, uint16_t first, struct wn_errctx *ctx)
{
	struct wn_dgram *d = user;
	wn_err err = WN_OK;

	d->io.sport = first;
	for (uint32_t i = 0; i < d->config.port_span && i < WN_PORTS_EAGER && err == WN_OK; i++)
		err = wn_dgram_flow_open(d, &d->flows[i], ctx);
	for (uint32_t i = 0; i < d->config.port_span && err != WN_OK; i++)
		flow_close(&d->flows[i]);
	return err;
}

static void tell_caps(struct wn_dgram *d)
{
	struct wn_caps *caps = &d->io.caps;

	wn_fmt(caps->name, sizeof(caps->name), "%s", d->proto->name);
	wn_fmt(caps->blind, sizeof(caps->blind), "%s", d->proto->blind);
	caps->sends_checksum = true;
	caps->sends_flow_label = d->labels;
	caps->sees_quote_l4 = d->proto->sees_quote_l4;
	caps->sees_reply_ttl = caps->sees_extensions = true;
}

wn_err wn_dgram_open(const struct wn_dgram_proto *proto, const struct wn_io_config *c,
	struct wn_io **out, struct wn_errctx *ctx)
{
	struct wn_dgram *d = wn_calloc(1, sizeof(*d));
	uint16_t first;
	wn_err err;

	if (!d)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	d->io.ops = &dgram_ops;
	d->io.caps.rx_clock = d->io.caps.tx_clock = WN_CLOCK_USER;
	d->proto = proto;
	d->config = *c;
	d->ifindex = wn_sock_ifindex(c);
	d->labels = wn_sock_labels_work(c);
	wn_stamps_init(&d->stamps);
	d->epoll_fd = -1;
	err = take_memory(d, ctx);
	if (err == WN_OK)
		err = wn_sock_queue(&d->epoll_fd, ctx);
	if (err == WN_OK)
		err = wn_io_find_source(&d->config, NULL, ctx);
	if (err == WN_OK)
		err = wn_ports_choose(&d->config, claim, d, &first, ctx);
	if (err != WN_OK) {
		dgram_close(&d->io);
		return err;
	}
	tell_caps(d);
	*out = &d->io;
	return WN_OK;
}
