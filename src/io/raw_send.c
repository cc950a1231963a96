/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole packets, many per system call. A batch that stops in the middle says nothing about why;
 * the packet it stopped at is offered again as the first of the next call, which does.
 */
#include "io/raw.h"

#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>

#include "os/os.h"
#include "packet/wire.h"

#define STAMP_BATCH (WN_RAW_TX_BATCH + 1) /* less than that many: it was all */
#define STAMP_CMSG  256

struct stamp_batch {
	struct mmsghdr msg[STAMP_BATCH];
	_Alignas(struct cmsghdr) uint8_t cmsg[STAMP_BATCH][STAMP_CMSG];
};

static void keep_late(struct wn_raw *raw, uint64_t id, uint64_t at_ns)
{
	if (raw->late_count == WN_RAW_LATE_MAX)
		return; /* our own reading of the clock stays */
	raw->late[raw->late_count++] =
		(struct wn_raw_late){.id = id, .at_ns = at_ns, .clock = WN_CLOCK_KERNEL};
}

static void take_stamp(
	struct wn_raw *raw, struct msghdr *msg, struct wn_tx *tx, size_t n, uint64_t at_ns)
{
	const struct wn_txkey *key;
	enum wn_clock clock = WN_CLOCK_NONE;
	struct wn_cmsgs c;

	wn_cmsgs_read(msg, &c);
	if (!c.ee || c.ee->ee_origin != SO_EE_ORIGIN_TIMESTAMPING)
		return;
	key = wn_txkeys_take(&raw->keys, c.ee->ee_data);
	if (!key)
		return;
	wn_stamps_apply(&raw->stamps, c.unix_ns, key->tx_ns, &at_ns, &clock);
	if (clock == WN_CLOCK_NONE)
		return;
	for (size_t i = 0; i < n; i++) {
		if (tx[i].probe.id == key->id && tx[i].err == WN_OK) {
			tx[i].tx_ns = at_ns;
			tx[i].clock = clock;
			return;
		}
	}
	keep_late(raw, key->id, at_ns);
}

void wn_raw_read_stamps(struct wn_raw *raw, struct wn_tx *tx, size_t n)
{
	struct stamp_batch b;
	int got;

	if (!raw->keys.enabled || (raw->keys.waiting == 0 && !raw->keys.stale))
		return;
	do {
		memset(b.msg, 0, sizeof(b.msg));
		for (size_t i = 0; i < STAMP_BATCH; i++) {
			b.msg[i].msg_hdr.msg_control = b.cmsg[i];
			b.msg[i].msg_hdr.msg_controllen = sizeof(b.cmsg[i]);
		}
		got = recvmmsg(raw->tx_fd, b.msg, STAMP_BATCH, MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
		for (int i = 0; i < got; i++)
			take_stamp(raw, &b.msg[i].msg_hdr, tx, n, wn_os_mono_ns());
	} while (got == STAMP_BATCH);
}

static wn_err build(
	struct wn_raw *raw, const struct wn_probe *given, uint8_t *at, size_t cap, size_t *out_len)
{
	struct wn_probe p = *given;

	*out_len = 0;
	if (!p.src.family)
		p.src = raw->config.src;
	if (p.proto != raw->config.proto || p.dst.family != raw->config.family)
		return WN_EINVAL;
	if (p.proto != WN_PROTO_ICMP) {
		bool within = wn_ports_within(raw->ports.first, raw->ports.span, p.sport);

		if (!within && !wn_raw_is_our_port(raw, p.sport))
			return WN_EINVAL;
		if (within && wn_ports_hold(&raw->ports, p.sport, NULL) != WN_OK)
			return WN_EADDRINUSE;
	}
	return wn_wire_build(&p, at, cap, out_len);
}

/* The socket is bound to none, since others' packets may go another way. */
static void choose_interface(struct msghdr *h, union wn_raw_tx_cmsg *at, const struct wn_probe *p)
{
	struct in6_pktinfo v6 = {.ipi6_ifindex = p->ifindex};
	struct in_pktinfo v4 = {.ipi_ifindex = (int)p->ifindex};
	bool is_v4 = p->dst.family == 4;
	size_t len = is_v4 ? sizeof(v4) : sizeof(v6);

	at->head = (struct cmsghdr){.cmsg_len = CMSG_LEN(len),
		.cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6,
		.cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO};
	memcpy(CMSG_DATA(&at->head), is_v4 ? (void *)&v4 : (void *)&v6, len);
	h->msg_control = at;
	h->msg_controllen = CMSG_SPACE(len);
}

static void add_message(struct wn_raw *raw, size_t i, union wn_sa *to, const struct wn_probe *p,
	uint8_t *at, size_t len)
{
	struct msghdr *h = &raw->tx_msg[i].msg_hdr;

	memset(h, 0, sizeof(*h));
	raw->tx_iov[i] = (struct iovec){.iov_base = at, .iov_len = len};
	h->msg_name = to;
	h->msg_namelen = wn_sa_set(to, &p->dst, 0, p->ifindex ? p->ifindex : raw->ifindex);
	h->msg_iov = &raw->tx_iov[i];
	h->msg_iovlen = 1;
	if (p->ifindex)
		choose_interface(h, &raw->tx_cmsg[i], p);
}

static bool needs_fragments(const struct wn_raw *raw, const struct wn_probe *p)
{
	return !p->df && raw->mtu && p->size > raw->mtu;
}

/* Builds as many of tx[0..n) as fit; stops at one that cannot be built. Returns how many. */
static size_t build_batch(
	struct wn_raw *raw, struct wn_tx *tx, size_t n, union wn_sa *to, wn_err *out_err)
{
	size_t used = 0, count;

	*out_err = WN_OK;
	for (count = 0; count < n && count < WN_RAW_TX_BATCH; count++) {
		size_t len;

		if (WN_RAW_TX_BYTES - used < tx[count].probe.size ||
			needs_fragments(raw, &tx[count].probe))
			break;
		*out_err = build(
			raw, &tx[count].probe, raw->tx_bytes + used, WN_RAW_TX_BYTES - used, &len);
		if (*out_err != WN_OK)
			break;
		add_message(raw, count, &to[count], &tx[count].probe, raw->tx_bytes + used, len);
		used += len;
	}
	return count;
}

/*
 * A packet longer than the MTU here that may be fragmented: the kernel does not do it for whole
 * packets. The first fragment's stamp is the probe's; routers answer to that one only.
 */
static bool send_fragments(struct wn_raw *raw, struct wn_tx *tx)
{
	const struct wn_probe *p = &tx->probe;
	uint16_t lens[WN_RAW_TX_BATCH];
	uint64_t tx_ns;
	union wn_sa to;
	struct wn_wr w;
	size_t len, count;
	int sent;

	if (build(raw, p, raw->tx_bytes, WN_RAW_TX_BYTES, &len) != WN_OK)
		return false;
	wn_wr_init(&w, raw->tx_bytes + len, WN_RAW_TX_BYTES - len);
	count = wn_raw_fragment(raw->tx_bytes, len, raw->mtu, &w, lens);
	if (count == 0)
		return false;
	w.pos = 0;
	for (size_t i = 0; i < count; i++) {
		add_message(raw, i, &to, p, w.data + w.pos, lens[i]);
		w.pos += lens[i];
	}
	tx_ns = wn_os_mono_ns();
	sent = sendmmsg(raw->tx_fd, raw->tx_msg, (unsigned)count, MSG_DONTWAIT);
	if (sent != (int)count) {
		wn_txkeys_failed(&raw->keys);
		return false;
	}
	wn_tx_settle(tx, WN_OK, 0, tx_ns);
	wn_txkeys_sent(&raw->keys, p->id, tx_ns);
	for (size_t i = 1; i < count; i++)
		wn_txkeys_skip(&raw->keys);
	return true;
}

/* One system call's worth. Returns how many of tx were settled; 0: nothing can go now. */
static size_t send_some(struct wn_raw *raw, struct wn_tx *tx, size_t n)
{
	union wn_sa to[WN_RAW_TX_BATCH];
	wn_err err;
	size_t count;
	uint64_t tx_ns;
	int sent;

	if (needs_fragments(raw, &tx[0].probe)) {
		if (!send_fragments(raw, &tx[0]))
			wn_tx_settle(&tx[0], WN_EMSGSIZE, EMSGSIZE, 0);
		return 1;
	}
	count = build_batch(raw, tx, n, to, &err);
	if (count == 0) {
		wn_tx_settle(&tx[0], err, 0, 0);
		return 1;
	}
	tx_ns = wn_os_mono_ns();
	do
		sent = sendmmsg(raw->tx_fd, raw->tx_msg, (unsigned)count, MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	for (int i = 0; i < sent; i++) {
		wn_tx_settle(&tx[i], WN_OK, 0, tx_ns);
		wn_txkeys_sent(&raw->keys, tx[i].probe.id, tx_ns);
	}
	if (sent < (int)count)
		wn_txkeys_failed(&raw->keys);
	if (sent >= 0)
		return (size_t)sent;
	if (errno == EAGAIN)
		return 0;
	wn_tx_settle(&tx[0], wn_os_send_err(errno), errno, 0);
	return 1;
}

size_t wn_raw_send(struct wn_io *io, struct wn_tx *tx, size_t n, uint64_t now_ns)
{
	struct wn_raw *raw = (struct wn_raw *)io;
	size_t done = 0, some;

	if (raw->asleep)
		wn_raw_wake(raw);
	wn_stamps_look(&raw->stamps, now_ns);
	while (done < n) {
		if (raw->keys.stale) {
			wn_raw_read_stamps(raw, tx, done);
			wn_txkeys_renew(&raw->keys, raw->tx_fd);
		}
		some = send_some(raw, tx + done, n - done);
		if (some == 0)
			break;
		done += some;
	}
	wn_raw_read_stamps(raw, tx, done);
	return done;
}
