/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place where engines meet network and clock: many traces on one descriptor.
 *
 * Prepare (finds route and source, opens the back end: the part that may need privileges), drop
 * privileges, start, then call wn_run_process whenever wn_run_fd is readable; the descriptor
 * holds a timer too, so a poll loop needs nothing else. One thread, no callback outside
 * wn_run_process; wn_run_* except wn_run_process and wn_run_free may be called in callbacks.
 */
#ifndef WN_RUN_RUN_H
#define WN_RUN_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include "io/io.h"
#include "result/event.h"
#include "result/params.h"
#include "result/result.h"
#include "sim/sim.h"
#include "trace/single.h"
#include "trace/pace.h"

enum wn_backend { WN_BACKEND_AUTO, WN_BACKEND_RAW, WN_BACKEND_ERRQUEUE, WN_BACKEND_SIM };

struct wn_run;
struct wn_run_trace;

struct wn_run_trace_config {
	struct wn_params params; /* src family 0: by route; sport 0: chosen; caps: filled in */
	enum wn_backend backend;
	struct wn_sim *sim; /* WN_BACKEND_SIM; borrowed */
	/*
	 * One of many: it may share a back end with others, where its parameters leave the source
	 * port (ICMP: the identifier) to us and one flow of small packets is all it needs.
	 */
	bool share;
	/* Only its events are wanted: there is no result, and no side probes, which follow from it.
	 */
	bool lean;
	/* Every event, after it was folded into the result. Either may be NULL. */
	void (*on_event)(void *user, struct wn_run_trace *rt, const struct wn_event *ev);
	/* Exactly once, after the END event. */
	void (*on_done)(void *user, struct wn_run_trace *rt);
	void *user;
};

/* virtual_time: the clock stands still except for wn_run_until_done, which advances it. */
wn_err wn_run_new(bool virtual_time, struct wn_run **out, struct wn_errctx *ctx);
void wn_run_free(struct wn_run *run); /* frees its traces too; no callbacks */

/* How fast the probes of all traces together may leave; before the first is prepared. */
wn_err wn_run_set_pace(struct wn_run *run, const struct wn_pace_config *c, struct wn_errctx *ctx);

/* Since the run was made. */
struct wn_run_stats {
	uint64_t sent;	     /* probes */
	uint64_t waits_pace; /* probes that were kept back for the pace ... */
	uint64_t waits_room; /* ... until there was room for their answers */
	uint64_t eagain;  /* sends that this machine's queues refused, and that were repeated ... */
	uint64_t enobufs; /* ... for want of buffers */
	uint64_t dropped; /* answers for which the kernel had no room */
	uint64_t routes_asked; /* of the kernel ... */
	uint64_t routes_known; /* ... and known from before */
	uint64_t pace_shared;  /* probes paced with others, for want of room in the tables */
};
void wn_run_stats(const struct wn_run *run, struct wn_run_stats *out);

wn_err wn_run_prepare(struct wn_run *run, const struct wn_run_trace_config *c,
	struct wn_run_trace **out, struct wn_errctx *ctx);
/*
 * Opens what traces like c would share, for when privileges are gone; does nothing where they share
 * nothing, or it is open. Of its addresses the family counts.
 */
wn_err wn_run_open_ahead(
	struct wn_run *run, const struct wn_run_trace_config *c, struct wn_errctx *ctx);
wn_err wn_run_start(struct wn_run_trace *rt, struct wn_errctx *ctx);
/* Ends a trace early: STOP and END (partial) follow from process. */
void wn_run_stop(struct wn_run_trace *rt, enum wn_stop why);
/* A name or remark for the record of rt, in order with the rest; ignored after END. */
void wn_run_name(struct wn_run_trace *rt, const struct wn_addr *addr, const char *name, wn_err err);
void wn_run_note(struct wn_run_trace *rt, enum wn_note_kind kind, int64_t value, const char *text);
/* Holds back END of rt (names are still being looked up) until released. Nests. */
void wn_run_hold(struct wn_run_trace *rt);
void wn_run_release(struct wn_run_trace *rt);

/*
 * Single probes, see trace/single.h: no trace, one answer or none. Only where a back end serves
 * many, the raw and the simulated one; others: WN_EUNSUPPORTED, and a trace of one probe does it.
 */
struct wn_run_probe {
	enum wn_backend backend;
	struct wn_sim *sim;	    /* WN_BACKEND_SIM; borrowed */
	struct wn_single_spec spec; /* probe.src family 0: by route */
	char iface[32];		    /* to leave by; "" as routed */
	/* Exactly once, from wn_run_process, for each that was started. */
	void (*on_end)(void *user, const struct wn_single_end *end);
};
/* Names a probe under way. */
struct wn_run_probe_id {
	struct wn_run_net *net;
	uint64_t id;
};
wn_err wn_run_probe(struct wn_run *run, const struct wn_run_probe *c, struct wn_run_probe_id *out,
	struct wn_errctx *ctx);
void wn_run_probe_cancel(const struct wn_run_probe_id *id); /* ends it with the next round */
/* Opens now what such probes will need, so that privileges may be given up. */
wn_err wn_run_probe_open(struct wn_run *run, const struct wn_run_probe *c, struct wn_errctx *ctx);

/* Probing has finished; the END event may still be held back. */
bool wn_run_trace_quiet(const struct wn_run_trace *rt);
const struct wn_result *wn_run_result(const struct wn_run_trace *rt); /* NULL: lean */
/*
 * Frees a trace that was never started or has ended: at once, or after the round that is running
 * now. rt is not to be used any more.
 */
void wn_run_drop(struct wn_run_trace *rt);

int wn_run_fd(const struct wn_run *run); /* -1 in virtual time */
uint64_t wn_run_next_ns(const struct wn_run *run);
uint64_t wn_run_now_ns(const struct wn_run *run);
void wn_run_process(struct wn_run *run);
/* In a callback: enough was told for now; traces that wait for their turn have it next time. */
void wn_run_pause(struct wn_run *run);
bool wn_run_idle(const struct wn_run *run); /* no started trace or probe is left unfinished */
/* Blocks until idle; in virtual time jumps from event to event instead. */
wn_err wn_run_until_done(struct wn_run *run, struct wn_errctx *ctx);

#endif
