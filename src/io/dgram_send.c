/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending through datagram sockets. A pending ICMP error makes the next send fail without
 * anything being sent: the queue is read and the send tried again, so that a reply is never
 * taken for a local failure, nor a probe for sent that was not.
 */
#include "io/dgram.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "os/os.h"
#include "packet/wire.h"

#define PENDING_TRIES 8

/* The errnos that ICMP errors turn into. The others are certainly this machine's. */
static bool may_be_pending(int sys)
{
	switch (sys) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENOPROTOOPT:
	case ECONNREFUSED:
	case EMSGSIZE:
	case EOPNOTSUPP:
	case EHOSTDOWN:
	case ENONET:
	case EACCES:
	case EPROTO:
		return true;
	default:
		return false;
	}
}

static struct wn_dgram_flow *find_flow(struct wn_dgram *d, const struct wn_probe *p)
{
	uint32_t index = 0;

	if (p->proto != d->config.proto || p->dst.family != d->config.family)
		return NULL;
	if (p->proto == WN_PROTO_UDP) {
		if (p->sport < d->io.sport)
			return NULL;
		index = (uint32_t)(p->sport - d->io.sport);
	}
	return index < d->config.port_span ? &d->flows[index] : NULL;
}

static void add_cmsg(struct msghdr *h, int level, int type, int value)
{
	struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)h->msg_control + h->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(sizeof(value));
	memcpy(CMSG_DATA(c), &value, sizeof(value));
	h->msg_controllen += CMSG_SPACE(sizeof(value));
}

static void add_message(
	struct wn_dgram *d, size_t i, const struct wn_probe *p, size_t at, size_t len)
{
	struct msghdr *h = &d->scratch->tx_msg[i].msg_hdr;
	struct wn_scratch_tx_slot *slot = &d->scratch->tx_slot[i];
	uint16_t port = p->proto == WN_PROTO_UDP ? p->dport : 0;
	bool v4 = p->dst.family == 4;

	memset(h, 0, sizeof(*h));
	h->msg_name = &slot->to;
	h->msg_namelen = wn_sa_set(&slot->to, &p->dst, port, d->ifindex);
	if (d->labels)
		slot->to.v6.sin6_flowinfo = htonl(p->flow_label);
	slot->iov = (struct iovec){.iov_base = d->scratch->tx_bytes + at, .iov_len = len};
	h->msg_iov = &slot->iov;
	h->msg_iovlen = 1;
	if (d->proto->socket_options)
		return;
	memset(slot->cmsg, 0, sizeof(slot->cmsg));
	h->msg_control = slot->cmsg;
	add_cmsg(h, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_HOPLIMIT, p->ttl);
	add_cmsg(h, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, p->tos);
}

/* The options that control messages do not carry. false: this probe waits for the next batch. */
static bool set_options(
	struct wn_dgram *d, struct wn_dgram_flow *flow, const struct wn_probe *p, bool first)
{
	uint8_t family = d->config.family;

	if (flow->df != p->df) {
		if (!first)
			return false;
		wn_sock_dont_fragment(flow->fd, family, p->df);
		flow->df = p->df;
	}
	if (!d->proto->socket_options || (flow->ttl == p->ttl && flow->tos == p->tos))
		return true;
	if (!first)
		return false;
	if (family == 4) {
		wn_sock_set(flow->fd, IPPROTO_IP, IP_TTL, p->ttl);
		wn_sock_set(flow->fd, IPPROTO_IP, IP_TOS, p->tos);
	} else {
		wn_sock_set(flow->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, p->ttl);
		wn_sock_set(flow->fd, IPPROTO_IPV6, IPV6_TCLASS, p->tos);
	}
	flow->ttl = p->ttl;
	flow->tos = p->tos;
	return true;
}

static wn_err build(struct wn_dgram *d, const struct wn_probe *given, size_t at, size_t *out_len)
{
	struct wn_probe p = *given;

	if (!p.src.family)
		p.src = d->config.src;
	if (p.proto == WN_PROTO_ICMP)
		p.icmp_id = d->io.sport; /* the kernel writes its own anyway */
	return wn_wire_build_payload(
		&p, d->scratch->tx_bytes + at, WN_SCRATCH_TX_BYTES - at, out_len);
}

/* Collects probes of the flow of tx[0]. Returns how many; 0 when that one cannot be sent at all. */
static size_t build_batch(
	struct wn_dgram *d, struct wn_dgram_flow *flow, struct wn_tx *tx, size_t n, wn_err *out_err)
{
	size_t count, used = 0;

	*out_err = WN_OK;
	for (count = 0; count < n && count < WN_SCRATCH_TX; count++) {
		const struct wn_probe *p = &tx[count].probe;
		size_t len;

		if (find_flow(d, p) != flow || p->size > WN_SCRATCH_TX_BYTES - used ||
			!set_options(d, flow, p, count == 0))
			break;
		*out_err = build(d, p, used, &len);
		if (*out_err != WN_OK)
			break;
		add_message(d, count, p, used, len);
		used += len;
	}
	return count;
}

static size_t drain(struct wn_dgram *d, struct wn_dgram_flow *flow, struct wn_tx *tx, size_t n)
{
	wn_dgram_stash_room(d);
	return wn_dgram_drain(d, flow, &d->stash, tx, n);
}

/*
 * Offers a built batch until some of it goes or it is certain that its first packet cannot.
 * Returns the number sent; 0 with *out_sys the reason (EAGAIN: try again later).
 */
static size_t offer(struct wn_dgram *d, struct wn_dgram_flow *flow, size_t count,
	uint64_t *out_tx_ns, int *out_sys)
{
	int before = 0;

	if (flow->keys.stale)
		drain(d, flow, NULL, 0);
	for (int i = 0; i < PENDING_TRIES; i++) {
		int sent, sys;

		if (flow->keys.stale)
			wn_txkeys_renew(&flow->keys, flow->fd);
		*out_tx_ns = wn_os_mono_ns();
		sent = sendmmsg(flow->fd, d->scratch->tx_msg, (unsigned)count, MSG_DONTWAIT);
		if (sent < (int)count)
			wn_txkeys_failed(&flow->keys);
		if (sent > 0)
			return (size_t)sent;
		sys = errno;
		if (sys == EINTR)
			continue;
		*out_sys = sys;
		if (!may_be_pending(sys))
			return 0;
		/* Twice the same and no ICMP error in between: the machine itself refuses. */
		wn_dgram_stash_room(d);
		if (d->stash.len == d->stash.cap)
			break;
		if (drain(d, flow, NULL, 0) == 0 && sys == before)
			return 0;
		before = sys;
	}
	*out_sys = EAGAIN;
	return 0;
}

/* Returns how many of tx were settled; 0: nothing can go now. */
static size_t send_some(struct wn_dgram *d, struct wn_tx *tx, size_t n)
{
	struct wn_dgram_flow *flow = find_flow(d, &tx[0].probe);
	uint64_t tx_ns = 0;
	size_t count, sent;
	struct wn_errctx why = {0};
	wn_err err = flow ? wn_dgram_flow_open(d, flow, &why) : WN_EINVAL;
	int sys = 0;

	count = err == WN_OK ? build_batch(d, flow, tx, n, &err) : 0;
	if (count == 0) {
		wn_tx_settle(&tx[0], wn_sock_is_scarce(why.sys) ? WN_EAGAIN : err, why.sys, 0);
		return 1;
	}
	sent = offer(d, flow, count, &tx_ns, &sys);
	if (sent == 0) {
		if (sys == EAGAIN)
			return 0;
		wn_tx_settle(&tx[0], wn_os_send_err(sys), sys, 0);
		return 1;
	}
	for (size_t i = 0; i < sent; i++) {
		wn_tx_settle(&tx[i], WN_OK, 0, tx_ns);
		wn_txkeys_sent(&flow->keys, tx[i].probe.id, tx_ns);
		wn_dgram_remember(d, flow, tx[i].probe.id);
	}
	drain(d, flow, tx, sent);
	return sent;
}

size_t wn_dgram_send(struct wn_io *io, struct wn_tx *tx, size_t n, uint64_t now_ns)
{
	struct wn_dgram *d = (struct wn_dgram *)io;
	size_t done = 0, some;

	wn_stamps_look(&d->stamps, now_ns);
	while (done < n && (some = send_some(d, tx + done, n - done)) > 0)
		done += some;
	return done;
}
