/* SPDX-License-Identifier: Apache-2.0 */
/* Error queues and answers of datagram sockets, as replies. */
#include "io/dgram.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "os/os.h"
#include "packet/wire.h"

#define READY_MAX   16 /* sockets looked at in one call */
#define ERROR_TRIES 4  /* pending socket errors read away before giving up on a socket */

static struct wn_rx *next_rx(struct wn_rx_list *list, enum wn_rx_kind kind, uint64_t id)
{
	struct wn_rx *rx = &list->rx[list->len++];

	rx->kind = kind;
	rx->id = id;
	rx->err = WN_OK;
	rx->sys = 0;
	rx->clock = WN_CLOCK_USER;
	return rx;
}

static void take_stamp(struct wn_dgram *d, struct wn_dgram_flow *flow, const struct wn_errq_msg *m,
	struct wn_rx_list *list, struct wn_tx *tx, size_t n)
{
	const struct wn_txkey *key = wn_txkeys_take(&flow->keys, m->key);
	enum wn_clock clock = WN_CLOCK_NONE;
	uint64_t at_ns = wn_os_mono_ns();
	struct wn_rx *rx;

	if (!key)
		return;
	wn_stamps_apply(&d->stamps, m->c.unix_ns, key->tx_ns, &at_ns, &clock);
	if (clock == WN_CLOCK_NONE)
		return;
	for (size_t i = 0; i < n; i++) {
		if (tx[i].probe.id == key->id) {
			tx[i].tx_ns = at_ns;
			tx[i].clock = clock;
			return;
		}
	}
	rx = next_rx(list, WN_RX_STAMP, key->id);
	rx->at_ns = at_ns;
	rx->clock = clock;
}

/* The kernel's match of a packet to this socket names the probe if there can be only one. */
static uint64_t only_probe(const struct wn_dgram_flow *flow)
{
	return flow->outstanding == 1 && !flow->lost ? flow->ids : WN_HINT_NONE;
}

static bool take_error(struct wn_dgram *d, struct wn_dgram_flow *flow, const struct wn_errq_msg *m,
	struct wn_rx_list *list)
{
	size_t headers = wn_ip_header_size(d->config.family) + d->proto->quote_headers;
	struct wn_reply *r = &list->rx[list->len].reply;
	struct wn_rx *rx;

	if (!wn_errq_reply(m, d->config.family, headers, r)) {
		d->io.counters.foreign++;
		return false;
	}
	r->to = r->quote.src = d->config.src;
	r->quote.sport = flow->port;
	d->proto->read_quote(m, &r->quote);
	r->from_errqueue = !r->quote.l4_present;
	if (r->from_errqueue && !r->quote.payload_present)
		r->hint_id = only_probe(flow);
	rx = next_rx(list, WN_RX_REPLY, WN_HINT_NONE);
	rx->at_ns = wn_os_mono_ns();
	wn_stamps_apply(&d->stamps, m->c.unix_ns, 0, &rx->at_ns, &rx->clock);
	return true;
}

size_t wn_dgram_drain(struct wn_dgram *d, struct wn_dgram_flow *flow, struct wn_rx_list *list,
	struct wn_tx *tx, size_t n)
{
	size_t errors = 0, got, want;

	do {
		want = list->cap - list->len;
		if (want > WN_ERRQ_BATCH)
			want = WN_ERRQ_BATCH;
		got = want ? wn_errq_read(&d->scratch->errq, flow->fd, want) : 0;
		for (size_t i = 0; i < got; i++) {
			struct wn_errq_msg m;

			wn_errq_get(&d->scratch->errq, i, &m);
			if (m.kind == WN_ERRQ_STAMP)
				take_stamp(d, flow, &m, list, tx, n);
			else if (m.kind == WN_ERRQ_ICMP)
				errors += take_error(d, flow, &m, list);
		}
	} while (got > 0 && got == want);
	return errors;
}

static void prepare(struct wn_dgram *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct wn_scratch_rx_slot *slot = &d->scratch->rx_slot[i];

		wn_rx_head_ready(&slot->head, &d->scratch->rx_msg[i].msg_hdr, slot->bytes,
			sizeof(slot->bytes));
	}
}

static void take_answer(struct wn_dgram *d, struct wn_dgram_flow *flow, size_t i, uint64_t now_ns,
	struct wn_rx_list *list)
{
	const struct wn_scratch_rx_slot *slot = &d->scratch->rx_slot[i];
	struct wn_reply *r = &list->rx[list->len].reply;
	struct wn_cmsgs c;
	struct wn_rx *rx;
	uint16_t port;
	wn_err err;

	wn_cmsgs_read(&d->scratch->rx_msg[i].msg_hdr, &c);
	memset(r, 0, sizeof(*r));
	r->from = wn_sa_addr(&slot->head.name, &port);
	r->to = c.to.family ? c.to : d->config.src;
	r->ttl = c.ttl;
	r->tos = c.tos;
	err = d->proto->read_answer(flow, port, slot->bytes, d->scratch->rx_msg[i].msg_len, r);
	if (err == WN_ETRUNC) {
		d->io.counters.truncated++;
	} else if (err == WN_EPARSE) {
		d->io.counters.corrupt++;
	} else if (err != WN_OK) {
		d->io.counters.foreign++;
	} else {
		r->hint_id = only_probe(flow);
		rx = next_rx(list, WN_RX_REPLY, WN_HINT_NONE);
		rx->at_ns = now_ns;
		wn_stamps_apply(&d->stamps, c.unix_ns, 0, &rx->at_ns, &rx->clock);
	}
}

static void read_answers(struct wn_dgram *d, struct wn_dgram_flow *flow, struct wn_rx_list *list)
{
	int tries = 0, got;
	size_t want;

	do {
		want = list->cap - list->len;
		if (want > WN_SCRATCH_RX)
			want = WN_SCRATCH_RX;
		if (want == 0)
			return;
		prepare(d, want);
		got = recvmmsg(flow->fd, d->scratch->rx_msg, (unsigned)want, MSG_DONTWAIT, NULL);
		if (got < 0 && errno != EAGAIN && ++tries < ERROR_TRIES) {
			/* An ICMP error stood before the data; it is told by the error queue. */
			wn_dgram_drain(d, flow, list, NULL, 0);
			got = (int)want;
			continue;
		}
		for (int i = 0; i < got; i++)
			take_answer(d, flow, (size_t)i, wn_os_mono_ns(), list);
	} while (got == (int)want);
}

static void give_stash(struct wn_dgram *d, struct wn_rx_list *list)
{
	size_t n = d->stash.len < list->cap ? d->stash.len : list->cap;

	memcpy(list->rx, d->stash.rx, n * sizeof(*list->rx));
	list->len = n;
	d->stash.len -= n;
	memmove(d->stash.rx, d->stash.rx + n, d->stash.len * sizeof(*d->stash.rx));
}

/*
 * An error that found no room in the queue is still pending on the socket, and would keep it
 * readable for ever.
 */
static void clear_error(const struct wn_dgram_flow *flow)
{
	socklen_t len = sizeof(int);
	int sys;

	getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &sys, &len);
}

static void read_flow(struct wn_dgram *d, const struct epoll_event *ready, struct wn_rx_list *list)
{
	struct wn_dgram_flow *flow = &d->flows[ready->data.u64];

	if (ready->events & EPOLLERR) {
		wn_dgram_drain(d, flow, list, NULL, 0);
		clear_error(flow);
	}
	if (ready->events & EPOLLIN)
		read_answers(d, flow, list);
}

size_t wn_dgram_recv(struct wn_io *io, struct wn_rx *rx, size_t n, uint64_t now_ns)
{
	struct wn_dgram *d = (struct wn_dgram *)io;
	struct wn_rx_list list = {.rx = rx, .cap = n};
	struct epoll_event ready[READY_MAX];
	uint32_t rounds = d->config.port_span / READY_MAX + 1;
	int count;

	wn_stamps_look(&d->stamps, now_ns);
	give_stash(d, &list);
	do {
		count = epoll_wait(d->epoll_fd, ready, READY_MAX, 0);
		for (int i = 0; i < count; i++)
			read_flow(d, &ready[i], &list);
	} while (count == READY_MAX && list.len < list.cap && --rounds > 0);
	return list.len;
}
