/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One vtable of packet back ends. A back end turns probes into packets on some network and
 * packets from it into replies; it keeps no opinion on what they mean.
 *
 * Single-threaded, never blocks. ids are the engine's; a back end may keep as many outstanding
 * as it likes, within bounds it states in io->limit (beyond: WN_EAGAIN).
 */
#ifndef WN_IO_IO_H
#define WN_IO_IO_H

#include <stdint.h>
#include "base/err.h"
#include "packet/caps.h"
#include "packet/probe.h"
#include "packet/reply.h"

struct wn_tx {
	struct wn_probe probe; /* in */
	wn_err err;	       /* out: WN_OK it left; WN_EAGAIN, WN_ENOBUFS it may be tried again */
	int sys;	       /* out: errno */
	uint64_t tx_ns;	       /* out: monotonic, taken around the call */
	enum wn_clock clock;
};

enum wn_rx_kind {
	WN_RX_REPLY,  /* reply, at_ns */
	WN_RX_STAMP,  /* a better send time of probe id: at_ns, clock */
	WN_RX_FAILED, /* probe id was accepted by send but did not leave: err, sys */
	WN_RX_CLOSED, /* probe id can get no reply any more (its socket ended): id */
	WN_RX_OVER    /* nothing can be sent any more: err; comes once */
};

struct wn_rx {
	enum wn_rx_kind kind;
	uint64_t id;
	uint64_t at_ns; /* monotonic */
	enum wn_clock clock;
	wn_err err;
	int sys;
	struct wn_reply reply;
};

struct wn_io;
struct wn_io_ops {
	/* Tries tx[0..n): fills out fields of those handled, in order; returns how many. Stops
	 * before the first that would block (returned count < n) only when nothing else can go. */
	size_t (*send_batch)(struct wn_io *io, struct wn_tx *tx, size_t n, uint64_t now_ns);
	/* Up to n received things; 0 when there is nothing now. */
	size_t (*recv_batch)(struct wn_io *io, struct wn_rx *rx, size_t n, uint64_t now_ns);
	/* Readable when recv_batch has something; -1 for one driven by time alone. */
	int (*fd)(const struct wn_io *io);
	/* When recv_batch will next have something without fd; UINT64_MAX never. */
	uint64_t (*next_ns)(const struct wn_io *io);
	/*
	 * This source port (or ICMP id) is ours, too, from now on. NULL: it has those it was opened
	 * with. WN_EADDRINUSE, WN_EPERM; WN_EFULL: it has no room for more.
	 */
	wn_err (*add_port)(struct wn_io *io, uint16_t port, struct wn_errctx *ctx);
	/* This probe is finished: its socket or slot may be given up. Unknown ids are ignored. */
	void (*forget)(struct wn_io *io, uint64_t id);
	void (*close)(struct wn_io *io);
};

struct wn_io {
	const struct wn_io_ops *ops;
	struct wn_caps caps;
	uint16_t sport;	      /* first source port (or ICMP id) reserved; set by open */
	uint32_t answers_max; /* its buffers have room for at once; 0: not known, or no bound */
	struct wn_io_conn {   /* of the connection in which all probes travel, where there is one */
		uint32_t seq, ack; /* what target and we expect next */
		uint8_t options;   /* WN_TCP_OPT_* that each segment has */
	} conn;
	struct wn_counters_io {
		uint64_t foreign, corrupt, truncated, overflow;
	} counters; /* packets dropped before they became replies */
};

/* What a back end is opened for: one protocol and family, and the options that live on sockets. */
struct wn_io_config {
	enum wn_proto proto;
	uint8_t family;
	struct wn_addr src; /* family 0: any */
	struct wn_addr dst;
	uint16_t sport; /* 0: choose one, see out_sport */
	uint16_t dport;
	/* Source ports (ICMP ids) sport .. sport + span - 1 belong to us; at least 1. */
	uint32_t port_span;
	char iface[32]; /* bind to it; "" none */
	uint32_t mark;
	bool df;
	uint8_t tcp_flags;    /* of the probes; 0: SYN */
	uint32_t flow_label;  /* IPv6, of a connection */
	uint32_t probes;      /* in all: a connection must have room for them */
	uint32_t outstanding; /* how many probes at once; receive buffers are sized for it */
	/*
	 * For probes of many traces, each with its own source and destination: of src and dst the
	 * family counts. Only the raw and the simulated back end.
	 */
	bool shared;
	/*
	 * Where back ends that are never used at the same time keep what they need within a call
	 * only; outlives them. NULL: each has its own.
	 */
	struct wn_io_scratch **scratch;
};
void wn_io_scratch_free(struct wn_io_scratch *s);

wn_err wn_io_raw_open(const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx);
wn_err wn_io_errqueue_open(const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx);
/*
 * TCP inside a connection (RFC 2018), which is made here and now and takes a few seconds at most;
 * the text of a failure is a reason ("port 81 is closed") without advice.
 */
wn_err wn_io_tcp_sack_open(const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx);
/* The source port (or ICMP id) it reserved. */
uint16_t wn_io_sport(const struct wn_io *io);

#endif
