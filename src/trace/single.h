/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of single probes: any number of them, each to its own target with its own TTL, that
 * go out as soon as may be and end with one answer or none. What mtr and whoever decides himself
 * which probe is next asks for. Pure, as the engine of traces is; memory grows with what is
 * outstanding.
 *
 *   wn_single_add                           any number of times
 *   while (wn_single_ready(s, now))         send wn_single_next, then wn_single_sent or _failed;
 *                                           or wn_single_hold, and wn_single_go later
 *   wn_single_reply, wn_single_end          tell how one ended; nothing is told twice
 *   wn_single_next_ns                       when to come back
 *
 * One engine has one protocol. The identity of a probe is that of packet/probe.h, with two names
 * that are counted instead of drawn, because users of mtr-packet expect them: the ICMP sequence
 * and, where no port was asked for, the UDP destination port go up from 33000.
 *
 * Flows: ICMP keeps identifier and checksum, UDP to a port that was asked for keeps both ports, so
 * that a balancer sends all probes the same way. UDP without a port and TCP go through ports.
 */
#ifndef WN_TRACE_SINGLE_H
#define WN_TRACE_SINGLE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/siphash.h"
#include "packet/probe.h"
#include "packet/reply.h"

#define WN_SINGLE_FIRST_NUMBER 33000u /* of ICMP sequences and UDP ports */

struct wn_single_config {
	enum wn_proto proto;
	uint16_t sport; /* first of our source ports, or ICMP ids ... */
	uint32_t span;	/* ... and how many, at least 1 */
	uint32_t limit; /* probes at once; more wait until others have ended */
	struct wn_sipkey key;
};

struct wn_single_spec {
	/*
	 * src, dst, ttl, tos, df, flow_label, size (raised to what headers and identity need),
	 * pattern, plain (UDP without a port, ICMP), sport (0: ours), dport (UDP 0: counted),
	 * tcp_flags, tcp_options, ifindex, mark; other fields are the engine's.
	 */
	struct wn_probe probe;
	uint64_t wait_ns; /* for the answer, after it left */
	void *user;
};

enum wn_single_kind {
	WN_SINGLE_REPLY,
	WN_SINGLE_LOST,	  /* no answer in time */
	WN_SINGLE_FAILED, /* could not be sent: err, sys */
	WN_SINGLE_CANCELED
};

struct wn_single_end {
	enum wn_single_kind kind;
	void *user;
	uint64_t id;
	uint64_t added_ns, ended_ns;
	uint64_t sent_ns; /* REPLY: when it left; 0 not known */
	struct wn_addr dst;
	uint8_t ttl;
	bool left;    /* it was sent */
	bool reached; /* REPLY: the target's own answer */
	int64_t rtt_ns;
	const struct wn_reply *reply; /* REPLY: that of the call; else NULL */
	wn_err err;
	int sys;
};

struct wn_single_counters {
	uint64_t forged;  /* about our ports, without the proof */
	uint64_t stale;	  /* about probes that have ended */
	uint64_t damaged; /* their checksum is wrong, or they end too soon */
	uint64_t retried; /* sends that found no room: tried again */
};

struct wn_single;

wn_err wn_single_new(const struct wn_single_config *c, uint64_t now_ns, struct wn_single **out);
void wn_single_free(struct wn_single *s);

/* WN_ENOMEM; WN_EINVAL: dst is missing, TTL 0; WN_ERANGE: the size is too large. */
wn_err wn_single_add(
	struct wn_single *s, const struct wn_single_spec *spec, uint64_t now_ns, uint64_t *out_id);
/* It ends with the next wn_single_end. WN_ENOENT. */
wn_err wn_single_cancel(struct wn_single *s, uint64_t id);

/* All that are under way fail with this error: nothing can be sent any more. */
void wn_single_stop(struct wn_single *s, wn_err err, int sys);

/* Whether one may leave now; if so, the next one. */
bool wn_single_ready(struct wn_single *s, uint64_t now_ns);
/* Of the same one beforehand: id and what was asked for. It may be held instead ... */
const struct wn_probe *wn_single_peek(const struct wn_single *s);
/* ... and is not ready then, until it goes: then it is the next. WN_ENOENT: it is not held. */
void wn_single_hold(struct wn_single *s, void *keeper);
void *wn_single_keeper(const struct wn_single *s, uint64_t id); /* NULL: it is not held */
wn_err wn_single_go(struct wn_single *s, uint64_t id);
void wn_single_next(struct wn_single *s, uint64_t now_ns, struct wn_probe *out);
/* As of traces: better stamps may follow; WN_EAGAIN and WN_ENOBUFS are tried again. */
void wn_single_sent(struct wn_single *s, uint64_t id, uint64_t tx_ns);
void wn_single_failed(struct wn_single *s, uint64_t id, wn_err err, int sys, uint64_t now_ns);

/* True: a probe has ended, see out. False: it answers none that is waited for; counted. */
bool wn_single_reply(struct wn_single *s, const struct wn_reply *r, uint64_t rx_ns, uint64_t now_ns,
	struct wn_single_end *out);
/* One that has ended otherwise; false: there is none (more). */
bool wn_single_end(struct wn_single *s, uint64_t now_ns, struct wn_single_end *out);

uint64_t wn_single_next_ns(const struct wn_single *s); /* 0: now; UINT64_MAX: never of itself */
uint32_t wn_single_count(const struct wn_single *s);   /* that have not ended */
const struct wn_single_counters *wn_single_counters(const struct wn_single *s);

#endif
