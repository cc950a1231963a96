/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP without privileges: each probe is a connection attempt of the kernel with a small TTL. A
 * hop's ICMP error ends the attempt at once, an open port is left again by a reset. The kernel
 * allows one attempt at a time for each pair of ports, and sends the SYN again after a second:
 * an answer after that names no round trip time, because it may be to either of the two.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "io/io_priv.h"
#include "io/ports.h"
#include "io/scratch.h"
#include "io/stamps.h"
#include "os/os.h"
#include "packet/wire.h"

#define ATTEMPTS_MAX 256 /* at once; beyond, send answers WN_EAGAIN */
#define SPARE	     8	 /* attempts beyond the probes that are waited for */
#define STASH_MAX    64	 /* ended by send, told by the next recv */
#define READY_MAX    64

struct attempt {
	int fd;	 /* -1 free */
	int sys; /* what connect() said at once; 0 in progress */
	uint64_t id, tx_ns;
	struct wn_addr dst;
	uint16_t sport, dport;
};

struct tcp {
	struct wn_io io;
	struct wn_io_config config; /* src filled in */
	struct wn_ports ports;
	uint32_t ifindex;
	bool labels;
	int epoll_fd;
	struct wn_stamps stamps;
	struct wn_io_scratch *scratch, *own_scratch;
	struct attempt *attempts; /* owned; room of them */
	size_t room;
	int spare_fd;		   /* a socket for the first of them; -1 none */
	uint64_t stash[STASH_MAX]; /* ids of attempts that can get no answer any more */
	size_t stash_len;
};

static void end(struct attempt *a)
{
	wn_sock_close(&a->fd); /* lingers for no time: an open connection is reset */
}

static struct wn_rx *next_rx(struct wn_rx *rx, enum wn_rx_kind kind, uint64_t id)
{
	memset(rx, 0, sizeof(*rx));
	rx->kind = kind;
	rx->id = id;
	rx->at_ns = wn_os_mono_ns();
	rx->clock = WN_CLOCK_USER;
	return rx;
}

/* The same ports again: the earlier attempt ends, or the new one could not begin. */
static bool make_way(struct tcp *t, const struct wn_probe *p)
{
	for (size_t i = 0; i < t->room; i++) {
		struct attempt *a = &t->attempts[i];

		if (a->fd < 0 || a->sport != p->sport || a->dport != p->dport ||
			!wn_addr_eq(&a->dst, &p->dst))
			continue;
		if (t->stash_len == STASH_MAX)
			return false;
		t->stash[t->stash_len++] = a->id;
		end(a);
	}
	return true;
}

static struct attempt *free_slot(struct tcp *t)
{
	for (size_t i = 0; i < t->room; i++)
		if (t->attempts[i].fd < 0)
			return &t->attempts[i];
	return NULL;
}

static bool set_up(const struct tcp *t, int fd, const struct wn_probe *p)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	bool v4 = p->dst.family == 4;

	wn_stamps_enable(fd, false);
	wn_sock_set(fd, IPPROTO_TCP, TCP_SYNCNT, 1);
	wn_sock_dont_fragment(fd, p->dst.family, p->df);
	if (t->labels)
		wn_sock_choose_label(fd);
	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0 &&
	       wn_sock_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
	       wn_sock_set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS,
		       p->ttl) &&
	       wn_sock_set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, p->tos) &&
	       wn_errq_enable(fd, p->dst.family);
}

/* 0 when the SYN left or may have; else the errno for which it did not. */
static int begin(struct tcp *t, struct attempt *a, const struct wn_probe *p)
{
	union wn_sa to;
	socklen_t len = wn_sa_set(&to, &p->dst, p->dport, t->ifindex);

	if (t->labels)
		to.v6.sin6_flowinfo = htonl(p->flow_label);
	a->sys = 0;
	a->tx_ns = wn_os_mono_ns();
	if (connect(a->fd, &to.any, len) == 0 || errno == EINPROGRESS)
		return 0;
	/* A target on this machine may have refused before connect() returned. */
	if (errno != ECONNREFUSED)
		return errno;
	a->sys = errno;
	return 0;
}

/* What there is too little of now may be there later. */
static wn_err refuse(wn_err err, int sys, int *out_sys)
{
	*out_sys = sys;
	return wn_sock_is_scarce(sys) ? WN_EAGAIN : err;
}

static wn_err take_socket(struct tcp *t, struct attempt *a, uint16_t port, int *out_sys)
{
	struct wn_errctx why = {0};
	wn_err err = wn_ports_hold(&t->ports, port, &why);

	if (err != WN_OK)
		return refuse(WN_EADDRINUSE, why.sys, out_sys);
	a->fd = t->spare_fd;
	t->spare_fd = -1;
	if (a->fd >= 0)
		return WN_OK;
	err = wn_sock_open(&t->config, SOCK_STREAM, IPPROTO_TCP, &a->fd, &why);
	return err == WN_OK ? WN_OK : refuse(err, why.sys, out_sys);
}

static wn_err try_probe(struct tcp *t, const struct wn_probe *p, struct attempt *a, int *out_sys)
{
	uint64_t index = (uint64_t)(a - t->attempts);
	struct wn_errctx why = {0};
	wn_err err;

	if (p->proto != WN_PROTO_TCP || p->dst.family != t->config.family ||
		!wn_ports_within(t->ports.first, t->ports.span, p->sport))
		return WN_EINVAL;
	err = take_socket(t, a, p->sport, out_sys);
	if (err != WN_OK)
		return err;
	if (!set_up(t, a->fd, p))
		return refuse(WN_ESYS, errno, out_sys);
	err = wn_ports_bind(a->fd, &t->config, p->sport, &why);
	if (err != WN_OK)
		return refuse(err, why.sys, out_sys);
	a->id = p->id;
	a->dst = p->dst;
	a->sport = p->sport;
	a->dport = p->dport;
	*out_sys = begin(t, a, p);
	if (*out_sys)
		return wn_os_send_err(*out_sys);
	if (!wn_sock_watch(t->epoll_fd, a->fd, EPOLLIN | EPOLLOUT, index))
		return refuse(WN_ESYS, errno, out_sys);
	return WN_OK;
}

static size_t tcp_send(struct wn_io *io, struct wn_tx *tx, size_t n, uint64_t now_ns)
{
	struct tcp *t = (struct tcp *)io;
	size_t done;

	wn_stamps_look(&t->stamps, now_ns);
	for (done = 0; done < n; done++) {
		struct wn_tx *one = &tx[done];
		struct attempt *a;
		wn_err err;
		int sys = 0;

		if (!make_way(t, &one->probe))
			break;
		a = free_slot(t);
		if (!a)
			break;
		err = try_probe(t, &one->probe, a, &sys);
		wn_tx_settle(one, err, sys, a->tx_ns);
		if (one->err != WN_OK)
			end(a);
	}
	return done;
}

/* Has the kernel sent the SYN more than once? Then no answer tells a round trip time. */
static bool info_of(const struct attempt *a, struct tcp_info *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	return getsockopt(a->fd, IPPROTO_TCP, TCP_INFO, out, &len) == 0;
}

static bool take_error(
	struct tcp *t, struct attempt *a, const struct tcp_info *info, struct wn_rx *out)
{
	size_t got = wn_errq_read(&t->scratch->errq, a->fd, WN_ERRQ_BATCH);

	for (size_t i = 0; i < got; i++) {
		struct wn_errq_msg m;
		struct wn_reply *r = &out->reply;

		wn_errq_get(&t->scratch->errq, i, &m);
		if (m.kind != WN_ERRQ_ICMP)
			continue;
		next_rx(out, WN_RX_REPLY, a->id);
		/* The kernel takes the quoted IP header off, the TCP header stays. */
		if (!wn_errq_reply(&m, t->config.family, wn_ip_header_size(t->config.family), r)) {
			t->io.counters.foreign++;
			continue;
		}
		r->to = r->quote.src = t->config.src;
		r->quote.proto = WN_IP_TCP;
		r->quote.sport = a->sport;
		r->quote.dport = a->dport;
		r->hint_id = a->id;
		wn_stamps_apply(&t->stamps, m.c.unix_ns, a->tx_ns, &out->at_ns, &out->clock);
		if (info->tcpi_total_retrans)
			out->clock = WN_CLOCK_NONE;
		return true;
	}
	return false;
}

static void take_answer(struct tcp *t, struct attempt *a, const struct tcp_info *info,
	enum wn_reply_kind kind, struct wn_rx *out)
{
	struct wn_reply *r = &next_rx(out, WN_RX_REPLY, a->id)->reply;

	r->kind = kind;
	r->from = a->dst;
	r->to = t->config.src;
	r->ttl = r->tos = -1;
	r->sport = a->dport;
	r->dport = a->sport;
	r->tcp_flags = WN_TCP_ACK | (kind == WN_REPLY_RST ? WN_TCP_RST : WN_TCP_SYN);
	r->hint_id = a->id;
	if (info->tcpi_total_retrans) {
		out->clock = WN_CLOCK_NONE;
	} else if (kind == WN_REPLY_SYN_ACK && info->tcpi_rtt) {
		out->at_ns = a->tx_ns + (uint64_t)info->tcpi_rtt * 1000;
		out->clock = WN_CLOCK_TCP;
	}
}

/* What an attempt has come to. false: nothing yet. */
static bool conclude(struct tcp *t, struct attempt *a, struct wn_rx *out)
{
	struct tcp_info info;
	socklen_t len = sizeof(int);
	int sys = 0;

	if (!info_of(a, &info))
		info.tcpi_total_retrans = 1;
	if (take_error(t, a, &info, out))
		return true;
	getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &sys, &len);
	if (a->sys)
		sys = a->sys;
	if (sys == ECONNREFUSED || sys == ECONNRESET)
		take_answer(t, a, &info, WN_REPLY_RST, out);
	else if (sys == 0 && info.tcpi_state == TCP_SYN_SENT)
		return false;
	else if (sys == 0 && info.tcpi_state != TCP_CLOSE)
		take_answer(t, a, &info, WN_REPLY_SYN_ACK, out);
	else
		next_rx(out, WN_RX_CLOSED, a->id);
	return true;
}

static size_t tcp_recv(struct wn_io *io, struct wn_rx *rx, size_t n, uint64_t now_ns)
{
	struct tcp *t = (struct tcp *)io;
	struct epoll_event ready[READY_MAX];
	size_t out = t->stash_len < n ? t->stash_len : n;
	int count;

	wn_stamps_look(&t->stamps, now_ns);
	for (size_t i = 0; i < out; i++)
		next_rx(&rx[i], WN_RX_CLOSED, t->stash[i]);
	t->stash_len -= out;
	memmove(t->stash, t->stash + out, t->stash_len * sizeof(t->stash[0]));
	if (out == n)
		return out;
	count = epoll_wait(t->epoll_fd, ready, n - out < READY_MAX ? (int)(n - out) : READY_MAX, 0);
	for (int i = 0; i < count; i++) {
		struct attempt *a = &t->attempts[ready[i].data.u64];

		if (!conclude(t, a, &rx[out]))
			continue;
		out++;
		end(a);
	}
	return out;
}

static int tcp_fd(const struct wn_io *io)
{
	return ((const struct tcp *)io)->epoll_fd;
}

/* The stash lies in memory, where no descriptor tells of it. */
static uint64_t tcp_next(const struct wn_io *io)
{
	return ((const struct tcp *)io)->stash_len ? 0 : UINT64_MAX;
}

static void tcp_forget(struct wn_io *io, uint64_t id)
{
	struct tcp *t = (struct tcp *)io;

	for (size_t i = 0; i < t->room; i++)
		if (t->attempts[i].fd >= 0 && t->attempts[i].id == id)
			end(&t->attempts[i]);
}

static void tcp_close(struct wn_io *io)
{
	struct tcp *t = (struct tcp *)io;

	for (size_t i = 0; t->attempts && i < t->room; i++)
		end(&t->attempts[i]);
	wn_ports_close(&t->ports);
	wn_sock_close(&t->epoll_fd);
	wn_free(t->attempts);
	wn_sock_close(&t->spare_fd);
	wn_io_scratch_free(t->own_scratch);
	wn_free(t);
}

static const struct wn_io_ops tcp_ops = {
	.send_batch = tcp_send,
	.recv_batch = tcp_recv,
	.fd = tcp_fd,
	.next_ns = tcp_next,
	.forget = tcp_forget,
	.close = tcp_close,
};

static wn_err take_memory(struct tcp *t, struct wn_errctx *ctx)
{
	t->room = t->config.outstanding < ATTEMPTS_MAX - SPARE ? t->config.outstanding + SPARE
							       : ATTEMPTS_MAX;
	t->attempts = wn_calloc(t->room, sizeof(*t->attempts));
	t->scratch = wn_io_scratch_get(&t->config, &t->own_scratch);
	for (size_t i = 0; t->attempts && i < t->room; i++)
		t->attempts[i].fd = -1;
	if (!t->attempts || !t->scratch)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	return WN_OK;
}

static void tell_caps(struct tcp *t)
{
	struct wn_caps *caps = &t->io.caps;

	wn_fmt(caps->name, sizeof(caps->name), "tcp-connect");
	wn_fmt(caps->blind, sizeof(caps->blind),
		"quoted headers, the target's own TTL, SYNs that a firewall here drops; "
		"one probe at a time in each flow, one per TTL in a silent end");
	caps->sends_flow_label = t->labels;
	caps->sees_reply_ttl = caps->sees_extensions = true;
	caps->per_flow = 1;
	caps->tx_clock = WN_CLOCK_USER;
	caps->rx_clock = WN_CLOCK_TCP;
}

wn_err wn_io_tcp_connect_open(
	const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx)
{
	struct tcp *t;
	wn_err err;

	if (c->tcp_flags && c->tcp_flags != WN_TCP_SYN)
		return wn_fail(ctx, WN_EUNSUPPORTED,
			"TCP probes other than SYN need raw sockets, which take the capability "
			"CAP_NET_RAW; use sudo, or --tcp-method syn");
	/* Each attempt is a new socket, and to mark it takes a privilege that will be gone. */
	if (c->mark)
		return wn_fail(ctx, WN_EUNSUPPORTED,
			"connections cannot be marked; a packet mark for TCP needs raw sockets");
	t = wn_calloc(1, sizeof(*t));
	if (!t)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	t->io.ops = &tcp_ops;
	t->config = *c;
	t->ifindex = wn_sock_ifindex(c);
	t->labels = wn_sock_labels_work(c);
	wn_stamps_init(&t->stamps);
	t->spare_fd = t->epoll_fd = -1;
	err = take_memory(t, ctx);
	if (err == WN_OK)
		err = wn_sock_queue(&t->epoll_fd, ctx);
	if (err == WN_OK)
		err = wn_io_find_source(&t->config, NULL, ctx);
	if (err == WN_OK)
		err = wn_ports_open(&t->ports, &t->config, SOCK_STREAM, true, ctx);
	/* Many that were opened first must not leave each other no descriptor for a probe. */
	if (err == WN_OK)
		err = wn_sock_open(&t->config, SOCK_STREAM, IPPROTO_TCP, &t->spare_fd, ctx);
	if (err != WN_OK) {
		tcp_close(&t->io);
		return err;
	}
	t->io.sport = t->ports.first;
	/* The kernel begins to stamp a while after the first socket asked: one that stays does. */
	wn_stamps_enable(t->ports.fds[0], false);
	tell_caps(t);
	*out = &t->io;
	return WN_OK;
}
