/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP probes inside an established connection, for firewalls that let nothing else pass. The
 * kernel makes the connection, over the socket that holds the source port; what is sent into it
 * are raw segments of one byte beyond a gap in the stream. The gap is never filled: nothing of it
 * reaches the application there. Routers quote the sequence number, and the target answers each
 * byte with a duplicate acknowledgment whose first SACK block names it (RFC 2018 section 4).
 *
 * The raw back end below does all of the sending and receiving. This file knows the connection:
 * its numbers, read from the SYN-ACK by the raw listener that is open before connect(), its time
 * stamps, and when it is over. The kernel, which has sent no data, takes no notice of SACK blocks,
 * nor of ICMP errors that quote numbers it has not used; closing the connection resets it.
 *
 * A receiver may answer several bytes that arrive within a millisecond at once (Linux does from
 * the fourth on): then the further blocks name what else came, and each of them is an answer.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "io/io_priv.h"
#include "io/raw.h"
#include "os/os.h"
#include "packet/wire.h"

#define CONNECT_NS   3500000000u /* two SYNs of the kernel, and time to answer the second */
#define RECEIVE_ROOM 65536	 /* for what the other end may say to a connection */
#define BATCH	     16
#define GRACE_MIN_NS 50000000u /* for answers under way when the connection ends */
#define GRACE_MAX_NS 1000000000u
#define MS	     1000000u

struct sack {
	struct wn_io io;
	struct wn_io *raw; /* owned; NULL until open */
	struct wn_addr dst;
	uint16_t dport;
	uint32_t window; /* bytes that the target takes */
	uint32_t tsval, tsecr;
	uint64_t base_ns;  /* when tsval was true, or a little before */
	uint64_t grace_ns; /* about the target's round trip */
	uint64_t over_ns;  /* when the end of the connection is told; 0: it stands */
	bool over_told;
	uint8_t *seen;	  /* owned; a bit for each probe: the target has told of it */
	struct wn_rx *rx; /* owned; BATCH */
};

static int connection(const struct sack *s)
{
	return ((const struct wn_raw *)s->raw)->ports.fds[0];
}

static bool info_of(const struct sack *s, struct tcp_info *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	return getsockopt(connection(s), IPPROTO_TCP, TCP_INFO, out, &len) == 0;
}

/* ---- sending ---- */

/*
 * The clock of the connection's time stamps counts milliseconds. Its true value lies between two
 * of ours, and a segment behind that of the last one that was taken would be dropped (RFC 7323 5).
 */
static uint32_t time_stamp(const struct sack *s, uint64_t now_ns)
{
	return s->tsval + (uint32_t)((now_ns - s->base_ns) / MS) + 1;
}

static size_t sack_send(struct wn_io *io, struct wn_tx *tx, size_t n, uint64_t now_ns)
{
	struct sack *s = (struct sack *)io;

	for (size_t i = 0; i < n; i++) {
		tx[i].probe.tcp_tsval = time_stamp(s, now_ns);
		tx[i].probe.tcp_tsecr = s->tsecr;
	}
	return s->raw->ops->send_batch(s->raw, tx, n, now_ns);
}

/* ---- receiving ---- */

static bool is_of_connection(const struct sack *s, const struct wn_reply *r)
{
	return wn_addr_eq(&r->from, &s->dst) && r->sport == s->dport && r->dport == s->io.sport;
}

/* A block that is one byte of a probe; which one. */
static bool names_probe(const struct sack *s, const struct wn_sack *block, uint32_t *out)
{
	uint32_t at = block->left - WN_SACK_SEQ(s->io.conn.seq, 0);

	*out = at / WN_SACK_STRIDE;
	return block->right == block->left + 1 && at < s->window && at % WN_SACK_STRIDE == 0;
}

/* The first block is what came last; of the others those count that were never told. */
static size_t take_blocks(struct sack *s, const struct wn_rx *in, struct wn_rx *rx, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < WN_SACK_MAX && out < n; i++) {
		const struct wn_sack *block = &in->reply.tcp_sack[i];
		uint32_t probe;
		uint8_t bit;

		if (!names_probe(s, block, &probe))
			continue;
		bit = (uint8_t)(1u << probe % 8);
		if (i > 0 && s->seen[probe / 8] & bit)
			continue;
		s->seen[probe / 8] |= bit;
		rx[out] = *in;
		memset(rx[out].reply.tcp_sack, 0, sizeof(rx[out].reply.tcp_sack));
		rx[out++].reply.tcp_sack[0] = *block;
	}
	return out;
}

/* A reset counts when the kernel, which knows all numbers, has believed it. */
static void look_for_end(struct sack *s, uint64_t now_ns)
{
	struct tcp_info info;

	if (!s->over_ns && info_of(s, &info) && info.tcpi_state == TCP_CLOSE)
		s->over_ns = now_ns + s->grace_ns;
}

/* What the connection itself is about is the kernel's business and no reply. */
static size_t take(
	struct sack *s, const struct wn_rx *in, struct wn_rx *rx, size_t n, uint64_t now_ns)
{
	const struct wn_reply *r = &in->reply;

	if (in->kind != WN_RX_REPLY || !wn_reply_is_direct(r->kind) || r->truncated ||
		r->checksum_bad || !is_of_connection(s, r)) {
		rx[0] = *in;
		return 1;
	}
	if (r->kind == WN_REPLY_RST)
		look_for_end(s, now_ns);
	if (r->kind != WN_REPLY_TCP_OTHER || r->tcp_ack != s->io.conn.seq)
		return 0;
	return take_blocks(s, in, rx, n);
}

static bool tell_end(struct sack *s, struct wn_rx *rx, uint64_t now_ns)
{
	if (!s->over_ns || s->over_told || now_ns < s->over_ns)
		return false;
	memset(rx, 0, sizeof(*rx));
	rx->kind = WN_RX_OVER;
	rx->id = WN_HINT_NONE;
	rx->err = WN_ECLOSED;
	s->over_told = true;
	return true;
}

static size_t sack_recv(struct wn_io *io, struct wn_rx *rx, size_t n, uint64_t now_ns)
{
	struct sack *s = (struct sack *)io;
	size_t out = 0, got = 1;

	while (got > 0 && out < n) {
		/* Room for all that a packet may name; the last one may tell less than it could. */
		size_t want = (n - out) / WN_SACK_MAX;

		want = want < 1 ? 1 : want > BATCH ? BATCH : want;
		got = s->raw->ops->recv_batch(s->raw, s->rx, want, now_ns);
		for (size_t i = 0; i < got; i++)
			out += take(s, &s->rx[i], rx + out, n - out, now_ns);
	}
	if (out < n)
		out += tell_end(s, rx + out, now_ns);
	s->io.counters = s->raw->counters;
	return out;
}

/* ---- the rest of the vtable ---- */

static int sack_fd(const struct wn_io *io)
{
	const struct sack *s = (const struct sack *)io;

	return s->raw->ops->fd(s->raw);
}

static uint64_t sack_next(const struct wn_io *io)
{
	const struct sack *s = (const struct sack *)io;
	uint64_t next = s->raw->ops->next_ns(s->raw);

	if (s->over_ns && !s->over_told && s->over_ns < next)
		next = s->over_ns;
	return next;
}

static void sack_forget(struct wn_io *io, uint64_t id)
{
	struct sack *s = (struct sack *)io;

	s->raw->ops->forget(s->raw, id);
}

static void sack_close(struct wn_io *io)
{
	struct sack *s = (struct sack *)io;

	if (s->raw)
		s->raw->ops->close(s->raw); /* and the connection, which lingers for no time */
	wn_free(s->seen);
	wn_free(s->rx);
	wn_free(s);
}

static const struct wn_io_ops sack_ops = {
	.send_batch = sack_send,
	.recv_batch = sack_recv,
	.fd = sack_fd,
	.next_ns = sack_next,
	.forget = sack_forget,
	.close = sack_close,
};

/* ---- opening ---- */

/* A window change or a stop key is no reason to give up; whoever interrupts us is. */
static int wait_writable(int fd, uint64_t until_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	uint64_t now_ns = wn_os_mono_ns(), left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000u),
		.tv_nsec = (long)(left_ns % 1000000000u)};
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigaddset(&mask, SIGWINCH);
	sigaddset(&mask, SIGCONT);
	sigaddset(&mask, SIGCHLD);
	return ppoll(&p, 1, &left, &mask);
}

static wn_err refused(const struct wn_io_config *c, int sys, struct wn_errctx *ctx)
{
	unsigned port = c->dport;

	switch (sys) {
	case ECONNREFUSED:
		return wn_fail_sys(ctx, WN_EUNSUPPORTED, sys,
			"port %u is closed: SACK mode needs an open port", port);
	case ETIMEDOUT:
		return wn_fail_sys(ctx, WN_EUNSUPPORTED, sys,
			"port %u does not answer: SACK mode needs an open port", port);
	case EINTR:
		return wn_fail_sys(
			ctx, WN_ECANCELED, sys, "interrupted while connecting to port %u", port);
	default:
		return wn_fail_sys(ctx, wn_os_send_err(sys), sys, "cannot connect to port %u: %s",
			port, strerror(sys));
	}
}

/* 0, or the errno for which there is no connection. */
static int finish_connect(int fd, uint64_t until_ns)
{
	int got = wait_writable(fd, until_ns), sys = 0;
	socklen_t len = sizeof(sys);

	if (got == 0)
		return ETIMEDOUT;
	if (got < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) != 0)
		return errno;
	return sys;
}

static wn_err make_connection(struct sack *s, const struct wn_io_config *c, struct wn_errctx *ctx)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	int fd = connection(s), sys = 0;
	uint64_t done_ns;
	union wn_sa to;
	socklen_t len = wn_sa_set(&to, &c->dst, c->dport, wn_sock_ifindex(c));

	if (wn_sock_labels_work(c) && wn_sock_choose_label(fd))
		to.v6.sin6_flowinfo = htonl(c->flow_label);
	wn_sock_set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_ROOM);
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) != 0)
		return wn_fail_sys(ctx, WN_ESYS, errno, "cannot set up a connection");
	s->base_ns = wn_os_mono_ns();
	if (connect(fd, &to.any, len) != 0)
		sys = errno == EINPROGRESS ? finish_connect(fd, s->base_ns + CONNECT_NS) : errno;
	if (sys)
		return refused(c, sys, ctx);
	done_ns = wn_os_mono_ns();
	s->grace_ns = (done_ns - s->base_ns) * 3 / 2;
	if (s->grace_ns < GRACE_MIN_NS)
		s->grace_ns = GRACE_MIN_NS;
	if (s->grace_ns > GRACE_MAX_NS)
		s->grace_ns = GRACE_MAX_NS;
	return WN_OK;
}

static bool same_numbers(const struct wn_reply *a, const struct wn_reply *b)
{
	return a->tcp_seq == b->tcp_seq && a->tcp_ack == b->tcp_ack;
}

/*
 * The raw listener has a copy of the SYN-ACK before connect() returns. The kernel has believed
 * one with its numbers; where several differ, somebody guesses, and which is right is not known.
 */
static wn_err read_numbers(struct sack *s, struct wn_reply *out, struct wn_errctx *ctx)
{
	uint64_t now_ns = wn_os_mono_ns();
	bool found = false;
	size_t got;

	do {
		got = s->raw->ops->recv_batch(s->raw, s->rx, BATCH, now_ns);
		for (size_t i = 0; i < got; i++) {
			const struct wn_reply *r = &s->rx[i].reply;

			if (s->rx[i].kind != WN_RX_REPLY || r->kind != WN_REPLY_SYN_ACK ||
				r->truncated || r->checksum_bad || !is_of_connection(s, r))
				continue;
			if (found && !same_numbers(r, out))
				return wn_fail(ctx, WN_EUNSUPPORTED,
					"port %u answers with different numbers: somebody forges",
					(unsigned)s->dport);
			*out = *r;
			found = true;
		}
	} while (got > 0);
	if (!found)
		return wn_fail(ctx, WN_EUNSUPPORTED, "the answer of port %u was not seen",
			(unsigned)s->dport);
	return WN_OK;
}

static wn_err take_numbers(struct sack *s, const struct wn_io_config *c, struct wn_errctx *ctx)
{
	struct wn_reply syn_ack = {0};
	struct tcp_info info;
	wn_err err = read_numbers(s, &syn_ack, ctx);

	if (err != WN_OK)
		return err;
	if (!info_of(s, &info) || !(info.tcpi_options & TCPI_OPT_SACK))
		return wn_fail(ctx, WN_EUNSUPPORTED,
			"the connection to port %u has no SACK: switched off at either end "
			"(net.ipv4.tcp_sack) or taken away on the path",
			(unsigned)c->dport);
	s->window = syn_ack.tcp_window; /* never scaled in a SYN-ACK, RFC 7323 2.2 */
	if (c->probes * (uint64_t)WN_SACK_STRIDE + 1 > s->window)
		return wn_fail(ctx, WN_EUNSUPPORTED,
			"port %u takes %u bytes, too few for %u probes", (unsigned)c->dport,
			(unsigned)s->window, (unsigned)c->probes);
	s->io.conn = (struct wn_io_conn){.seq = syn_ack.tcp_ack, .ack = syn_ack.tcp_seq + 1};
	if (info.tcpi_options & TCPI_OPT_TIMESTAMPS)
		s->io.conn.options = WN_TCP_OPT_TIMESTAMPS;
	s->tsval = syn_ack.tcp_tsecr;
	s->tsecr = syn_ack.tcp_opts.tsval;
	s->seen = wn_calloc(s->window / WN_SACK_STRIDE / 8 + 1, 1);
	return s->seen ? WN_OK : wn_fail(ctx, WN_ENOMEM, "out of memory");
}

wn_err wn_io_tcp_sack_open(const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx)
{
	struct sack *s;
	wn_err err;

	*out = NULL;
	if (c->proto != WN_PROTO_TCP || c->port_span != 1)
		return wn_fail(ctx, WN_EINVAL, "a connection is TCP and has one source port");
	s = wn_calloc(1, sizeof(*s));
	if (!s)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	s->io.ops = &sack_ops;
	s->dst = c->dst;
	s->dport = c->dport;
	s->rx = wn_calloc(BATCH, sizeof(*s->rx));
	if (!s->rx)
		err = wn_fail(ctx, WN_ENOMEM, "out of memory");
	else
		err = wn_io_raw_open(c, &s->raw, ctx);
	if (err == WN_OK) {
		s->io.sport = s->raw->sport;
		s->io.caps = s->raw->caps;
		wn_fmt(s->io.caps.name, sizeof(s->io.caps.name), "tcp-sack");
		err = make_connection(s, c, ctx);
	}
	if (err == WN_OK)
		err = take_numbers(s, c, ctx);
	if (err != WN_OK) {
		sack_close(&s->io);
		return err;
	}
	*out = &s->io;
	return WN_OK;
}
