/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of a run, shared by its files. */
#ifndef WN_RUN_RUN_PRIV_H
#define WN_RUN_RUN_PRIV_H

#include "base/siphash.h"
#include "multipath/beside.h"
#include "os/pollset.h"
#include "run/run.h"
#include "trace/trace.h"

#define WN_RUN_BATCH 64 /* probes or replies handed over at once */

enum wn_run_state {
	WN_RUN_PREPARED,
	WN_RUN_RUNNING,
	WN_RUN_QUIET, /* the engine is done; END waits in `end` until it is released */
	WN_RUN_DONE
};

/*
 * Drives one trace, and then its side probes; engine.c. All zero: none yet.
 */
struct wn_run_engine {
	const struct wn_run_engine_ops *ops;
	void *self;
	struct wn_trace *trace;	  /* knows the probes; lives as long as self */
	struct wn_beside *beside; /* NULL: not yet, or there are none */
	struct wn_event *end;	  /* the END event, while they are under way */
};

struct wn_run_trace {
	struct wn_run *run;
	struct wn_run_trace *next;
	struct wn_run_trace_config config;
	struct wn_io *io;
	struct wn_io *echo_io; /* pings where the trace itself is not ICMP; NULL */
	struct wn_run_engine engine;
	struct wn_result *result;
	struct wn_sipkey key;
	struct wn_event end; /* QUIET: the held-back END event */
	enum wn_run_state state;
	unsigned holds;
	char note[160];	  /* for the record, when it starts; "" none */
	uint32_t ifindex; /* of the route in use; 0 unknown */
	bool link_down;	  /* as the record has it */
	uint64_t start_ns;
	uint64_t wake_ns;   /* when the engine wants to be asked again */
	uint64_t unclaimed; /* replies that no engine took */
	size_t tx_count;    /* SENDs collected and not handed over */
	struct wn_tx *tx;   /* WN_RUN_BATCH */
};

struct wn_run {
	bool virtual_time;
	bool processing;
	uint64_t now_ns; /* virtual time only */
	struct wn_pollset poll;
	int monitor_fd; /* changes of links and addresses; -1 none */
	struct wn_run_trace *traces;
	struct wn_rx *rx; /* WN_RUN_BATCH, shared by all traces */
};

/* The back end that the trace's configuration asks for. */
wn_err wn_run_open(const struct wn_run_trace *rt, const struct wn_io_config *io, struct wn_io **out,
	struct wn_errctx *ctx);
/* The same inside a TCP connection, or what takes its place. */
wn_err wn_run_open_sack(struct wn_run_trace *rt, struct wn_io_config *io, struct wn_errctx *ctx);
wn_err wn_run_engine_new(const struct wn_params *p, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_run_engine *out, struct wn_errctx *ctx);
void wn_run_engine_free(struct wn_run_engine *e);
/* As of a trace engine, whichever it is now. */
enum wn_act_kind wn_run_engine_next(struct wn_run_trace *rt, uint64_t now_ns, struct wn_act *out);
void wn_run_engine_sent(struct wn_run_engine *e, uint64_t id, uint64_t tx_ns, enum wn_clock clock);
void wn_run_engine_failed(
	struct wn_run_engine *e, uint64_t id, wn_err err, int sys, uint64_t now_ns);
enum wn_claim wn_run_engine_reply(struct wn_run_engine *e, const struct wn_rx *rx, uint64_t now_ns);
void wn_run_engine_stop(struct wn_run_engine *e, enum wn_stop why, wn_err err, int sys);

/* Takes what the network has for this trace, lets the engine act, delivers events. */
void wn_run_trace_pump(struct wn_run_trace *rt);
/* Delivers the held-back END event when nothing holds it any more. */
void wn_run_trace_finish(struct wn_run_trace *rt);
/* Folds an event into the result and tells the user. */
void wn_run_trace_emit(struct wn_run_trace *rt, const struct wn_event *ev);
/* When this trace needs wn_run_process without its descriptor becoming readable. */
uint64_t wn_run_trace_next_ns(const struct wn_run_trace *rt);
void wn_run_trace_free(struct wn_run_trace *rt);

#endif
