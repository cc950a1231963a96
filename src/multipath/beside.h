/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Side probes: what is asked of others once the trace to the target has ended.
 *
 *   params.ping_hops     an echo request to every router that answered. The TTL that its reply
 *                        arrives with, against that of its time exceeded, tells of invisible
 *                        tunnels (RTLA, return_ttl.h)
 *   params.destinations  flow 0 once more to addresses beside the target's, to every TTL below the
 *                        target's: where one of them meets somebody else, a router balances by
 *                        destination (Augustin, Friedman, Teixeira: Measuring Multipath Routing in
 *                        the Internet, ToN 2011)
 *
 * Driven like the trace engine (trace/trace.h), but for START, STOP and END, which are those of the
 * trace that ended before. Ids go on behind those of its probes. Pure; all memory is taken at
 * first.
 */
#ifndef WN_MULTIPATH_BESIDE_H
#define WN_MULTIPATH_BESIDE_H

#include "result/result.h"
#include "trace/trace.h"

#define WN_BESIDE_PINGS_MAX 512

/* Flows of side probes: of pings, and of the nth destination. Greater than any of the target's. */
#define WN_FLOW_PING	    0x80000000u
#define WN_FLOW_DESTINATION 0x80000001u

struct wn_beside;

struct wn_beside_config {
	const struct wn_result *r; /* the trace, after its STOP; borrowed while this is made */
	const struct wn_sipkey *key;
	uint64_t start_ns;   /* of the trace */
	struct wn_caps echo; /* of the back end that pings */
	uint16_t echo_id;    /* its ICMP identifier */
};

/* *out is NULL where there is nothing to ask: of a trace that was cut short, say. WN_ENOMEM. */
wn_err wn_beside_new(const struct wn_beside_config *c, uint64_t now_ns, struct wn_beside **out,
	struct wn_errctx *ctx);
void wn_beside_free(struct wn_beside *b);

/* SEND; EMIT of SENT, FAILED, REPLY, TIMEOUT; WAIT; DONE: nothing more will come. */
enum wn_act_kind wn_beside_next(struct wn_beside *b, uint64_t now_ns, struct wn_act *out);
/* False: the id is none of its probes. */
bool wn_beside_sent(struct wn_beside *b, uint64_t id, uint64_t tx_ns, enum wn_clock clock);
bool wn_beside_failed(struct wn_beside *b, uint64_t id, wn_err err, int sys, uint64_t now_ns);
/* Kept back as of wn_trace_hold; and all that are may go. */
void wn_beside_hold(struct wn_beside *b, uint64_t id);
void wn_beside_go(struct wn_beside *b, uint64_t now_ns);
enum wn_claim wn_beside_reply(struct wn_beside *b, const struct wn_reply *reply, uint64_t rx_ns,
	enum wn_clock clock, uint64_t now_ns);
/* Ends as soon as may be. */
void wn_beside_stop(struct wn_beside *b);
/* It was stopped, or the trace's deadline has passed, before all was answered or waited for. */
bool wn_beside_is_partial(const struct wn_beside *b);
/* Final once DONE. */
const struct wn_counters *wn_beside_counters(const struct wn_beside *b);

/* The nth address beside dst, from 0, near enough to be routed alike; false: there is none. */
bool wn_beside_neighbour(const struct wn_addr *dst, unsigned n, struct wn_addr *out);

#endif
