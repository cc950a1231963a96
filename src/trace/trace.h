/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of one path: decides which probe to send when, ties replies to probes, ends.
 * Pure: time comes in as an argument, packets go in and out as plain data. Memory is taken once
 * in wn_trace_new and bounded by probes * TTLs; nothing is allocated afterwards.
 *
 *   for (;;) switch (wn_trace_next(t, now, &act)) {
 *   case WN_ACT_SEND: send act.probe, then wn_trace_sent or wn_trace_failed; continue;
 *   case WN_ACT_EMIT: act.event is the next event of the record; continue;
 *   case WN_ACT_WAIT: nothing until act.until_ns or a reply; poll; continue;
 *   case WN_ACT_DONE: no more events will come; return; }
 *
 * Sends may be batched: the driver may call wn_trace_next again, and take further SENDs, before it
 * reports wn_trace_sent or wn_trace_failed for earlier ones; it reports all of them, in order,
 * before it polls.
 *
 * A guided engine sends what it is asked for instead of what a path needs, see wn_trace_ask; all
 * else, from pacing to matching, is the same. It is what engines of more than one path drive.
 *
 * now must not go backwards; a jump forward is treated as time in which we were not running.
 */
#ifndef WN_TRACE_TRACE_H
#define WN_TRACE_TRACE_H

#include <stdint.h>
#include "base/err.h"
#include "base/siphash.h"
#include "packet/probe.h"
#include "packet/reply.h"
#include "result/event.h"
#include "result/params.h"

enum wn_act_kind { WN_ACT_SEND, WN_ACT_WAIT, WN_ACT_EMIT, WN_ACT_DONE };

struct wn_act {
	struct wn_probe probe; /* SEND */
	struct wn_event event; /* EMIT */
	uint64_t until_ns;     /* WAIT; UINT64_MAX: only a reply can change anything */
};

/* What became of a reply. */
enum wn_claim {
	WN_CLAIM_NO,	  /* not about this trace: another may take it */
	WN_CLAIM_TAKEN,	  /* accepted, or counted as duplicate, late, weak */
	WN_CLAIM_REJECTED /* about this trace by its addresses and ports, but not authentic; counted
			   */
};

struct wn_trace;

/* now_ns is the start: event times count from it. params->caps tells what the back end can do. */
wn_err wn_trace_new(const struct wn_params *params, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_trace **out, struct wn_errctx *ctx);
/*
 * The same, guided: it sends nothing by itself and ends when wn_trace_settle says so. probes: how
 * many may be asked for in all, at most 65534. Flows are params->flow to flow + flows - 1, each
 * with a source port (ICMP: a checksum; IPv6: a flow label, too) of its own.
 */
wn_err wn_trace_new_guided(const struct wn_params *params, uint32_t probes,
	const struct wn_sipkey *key, uint64_t now_ns, struct wn_trace **out, struct wn_errctx *ctx);
void wn_trace_free(struct wn_trace *t);

#define WN_FLOW_LABEL_SHIFT 16
/* Ports (ICMP: checksum) of one flow with the IPv6 label of another: to tell which one counts. */
#define WN_FLOW_MIXED(ports, label) ((ports) | ((label) + 1u) << WN_FLOW_LABEL_SHIFT)

struct wn_ask {
	uint32_t flow;	 /* or WN_FLOW_MIXED */
	uint16_t number; /* which probe of this flow at this TTL; (ttl, flow, number) is asked once
			  */
	uint16_t size;	 /* 0: as the parameters have it */
	uint8_t ttl;
};
/*
 * Guided: send this one as soon as pace, window and link allow, after those asked for before. What
 * became of it the events tell. WN_EFULL: as many as may be were asked for; WN_ERANGE: TTL or flow
 * are not within the parameters.
 */
wn_err wn_trace_ask(struct wn_trace *t, const struct wn_ask *ask);
/*
 * Guided: nothing more will be asked for. What is outstanding stays pending in the record. partial:
 * it was not for having learned all there is to learn.
 */
void wn_trace_settle(struct wn_trace *t, enum wn_stop why, uint8_t ttl, bool partial);

/* The TTL at which answers have shown twice the same routers in the same order; 0: no loop. */
uint8_t wn_trace_loop_end(const struct wn_trace *t);

enum wn_act_kind wn_trace_next(struct wn_trace *t, uint64_t now_ns, struct wn_act *out);

/*
 * The probe left at tx_ns (monotonic). A better stamp may come later: call again; the RTT is
 * computed from the best of them if it is there when the reply is.
 */
void wn_trace_sent(struct wn_trace *t, uint64_t id, uint64_t tx_ns, enum wn_clock clock);
/* It did not leave. WN_EAGAIN and WN_ENOBUFS: try again soon (counted); others are final. */
void wn_trace_failed(struct wn_trace *t, uint64_t id, wn_err err, int sys, uint64_t now_ns);
/*
 * It may not leave now, through no fault of its own: nothing is offered any more until wn_trace_go,
 * then this one or what has become more useful. Nobody waits for its answer meanwhile, and nobody's
 * patience wears out.
 */
void wn_trace_hold(struct wn_trace *t, uint64_t id);
void wn_trace_go(struct wn_trace *t, uint64_t now_ns);
enum wn_claim wn_trace_reply(struct wn_trace *t, const struct wn_reply *reply, uint64_t rx_ns,
	enum wn_clock clock, uint64_t now_ns);
/* Ends as soon as may be; what is outstanding stays pending in the record. */
void wn_trace_stop(struct wn_trace *t, enum wn_stop why, wn_err err, int sys);
/* A remark for the record, made by the driver (link down, time lost). Emitted in order. */
void wn_trace_note(struct wn_trace *t, enum wn_note_kind kind, int64_t value, const char *text);
/* What a back end rejected on its own (corrupt, foreign): added to the counters. */
void wn_trace_count(struct wn_trace *t, const struct wn_counters *add);

/* Who alone has answered at this TTL; NULL: nobody yet, several, or it is none of this trace's. */
const struct wn_addr *wn_trace_responder(const struct wn_trace *t, uint8_t ttl);
/* Bytes this engine holds, for the stated cost per trace. */
size_t wn_trace_bytes(const struct wn_trace *t);

#endif
