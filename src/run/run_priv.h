/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of a run, shared by its files. */
#ifndef WN_RUN_RUN_PRIV_H
#define WN_RUN_RUN_PRIV_H

#include "base/heap.h"
#include "base/siphash.h"
#include "multipath/beside.h"
#include "os/os.h"
#include "os/pollset.h"
#include "run/run.h"
#include "trace/trace.h"

#define WN_RUN_BATCH	   64 /* probes or replies handed over at once */
#define WN_RUN_SLOT_MASK   0xfffffu
#define WN_RUN_SHARED_SIZE 1280 /* packets that no link of this machine has to cut */

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

/*
 * A probe that waits for its turn, whoever sends it. wait.toll says whose turn that is; go is
 * called in a round when it has come, and has been paid: then wn_pace_use or wn_pace_leave.
 */
struct wn_run_hold {
	struct wn_pace_wait wait; /* the first member */
	void (*go)(struct wn_run_hold *h);
	void *owner;
};

/* A back end, and what waits to be sent through it. */
struct wn_run_net {
	struct wn_run *run;
	struct wn_run_net *next;
	struct wn_run_trace *owner;   /* whose replies come by it; NULL: shared */
	struct wn_run_share *share;   /* owned; by which traces; NULL: by none */
	struct wn_run_probes *probes; /* owned; it is theirs; NULL */
	bool used;		      /* something has left by it */
	struct wn_io *io;	      /* owned */
	struct wn_run_credit *credit; /* owned; NULL: its buffers are not watched */
	uint32_t line;		      /* in which probes wait for room in them; WN_PACE_NO_GATE */
	size_t tx_count, tx_cap;
	struct wn_tx *tx; /* owned; grows to WN_RUN_BATCH */
};

/* What asks for a way out, and the way. */
struct wn_run_way {
	struct wn_addr dst;
	struct wn_addr src; /* family 0: by route */
	const char *iface;  /* "": by route */
	uint32_t mark;
	bool in_burst; /* one of many in a round: the first of them looks for changes */
};
struct wn_run_route {
	struct wn_addr src;
	uint32_t ifindex, link_mtu;
};
/* Those the kernel has told, for as long as nothing changes that they depend on; route.c. */
struct wn_run_routes {
	int changes_fd; /* tells of that; -1 not open: nothing is kept */
	struct wn_os_asker asker;
	uint64_t burst;			/* the round in which one last looked for changes */
	uint64_t age;			/* entries of another one are not valid */
	struct wn_run_kept_route *kept; /* owned; NULL until there is one */
	uint64_t asked, known;		/* of the kernel; without it */
};

struct wn_run_trace {
	struct wn_run *run;
	uint32_t slot;	 /* in run->slots */
	uint32_t serial; /* the slot, and above it how often it was used before */
	struct wn_run_trace_config *request; /* owned; a lean trace gives it up when it starts */
	void (*on_event)(void *user, struct wn_run_trace *rt, const struct wn_event *ev);
	void (*on_done)(void *user, struct wn_run_trace *rt);
	void *user;
	struct wn_addr src, dst;
	struct wn_run_net *net;
	struct wn_run_net *echo; /* pings where the trace itself is not ICMP; NULL */
	/* Of a shared back end: its source port or ICMP id, and the others with the same one. */
	uint16_t port;
	struct wn_run_trace *port_next, **port_link;
	struct wn_run_engine engine;
	struct wn_run_hold *hold; /* owned; NULL: no probe of it has had to wait */
	struct wn_result *result; /* NULL: lean */
	struct wn_sipkey key;
	struct { /* QUIET: of the held-back END event */
		bool partial;
		struct wn_counters counters;
	} end;
	enum wn_run_state state;
	unsigned holds;
	char *note;	  /* owned; for the record, when it starts; NULL none */
	uint32_t ifindex; /* of the route in use; 0 unknown */
	bool link_down;	  /* as the record has it */
	uint64_t start_ns;
	uint64_t wake_ns;   /* when the engine wants to be asked again */
	uint64_t timer_ns;  /* its earliest entry in run->timers; UINT64_MAX none */
	uint64_t unclaimed; /* replies that no engine took */
	struct wn_run_trace *ready_next;
	struct wn_run_trace *drop_next;
	bool ready;	/* on run's list of those */
	bool announced; /* START was told */
	bool dropped;
};

struct wn_run {
	bool virtual_time;
	bool processing;
	bool pause;	 /* ... is to end */
	uint64_t round;	 /* how often it was processed */
	uint64_t now_ns; /* virtual time only */
	/*
	 * What arrived before was taken. Engines are asked as of then: what waits unread while we
	 * cannot run must not be late.
	 */
	uint64_t seen_ns;
	struct wn_pollset poll;
	int monitor_fd;		     /* changes of links and addresses; -1 none */
	struct wn_run_trace **slots; /* NULL: free */
	uint32_t *serials;	     /* by slot: of the next trace there */
	uint32_t *free_slots;	     /* free_count of them */
	uint32_t slot_count, slot_cap, free_count;
	uint32_t active;	 /* traces started and not done */
	uint32_t probing;	 /* single probes that have not ended */
	struct wn_sipkey secret; /* of which those of its traces are made ... */
	uint64_t keys;		 /* ... so many so far; 0: not drawn yet */
	uint32_t probes_opened;	 /* back ends for them, so far */
	struct wn_run_net *nets;
	struct wn_rx *rx;	       /* WN_RUN_BATCH, for all traces in turn */
	struct wn_io_scratch *scratch; /* owned; NULL until a back end has asked for it */
	enum wn_run_raw { WN_RUN_RAW_UNKNOWN, WN_RUN_RAW_YES, WN_RUN_RAW_NO } raw; /* may it be */
	struct wn_heap timers; /* when which slot wants to be asked; older entries may be there */
	struct wn_run_routes routes;
	struct wn_pace *pace;
	bool paced, spares_routers; /* by any bound; by the one of routers */
	struct wn_run_stats stats;  /* what is counted as it happens */
	bool scan;		    /* a timer found no memory: look at each trace instead */
	struct wn_run_trace *ready_first, *ready_last; /* have something to do now */
	struct wn_run_trace *drops;		       /* to be freed after the round */
};

/* Of which network a back end is. */
struct wn_run_where {
	struct wn_run *run;
	enum wn_backend backend;
	struct wn_sim *sim;
};
/* WN_EPERM for a shared one: the privilege was given up, and now wn_run_is_raw knows. */
wn_err wn_run_open(const struct wn_run_where *where, const struct wn_io_config *io,
	struct wn_run_net **out, struct wn_errctx *ctx);
/* The one that the trace's configuration asks for, for it alone. */
wn_err wn_run_open_own(struct wn_run_trace *rt, const struct wn_io_config *io,
	struct wn_run_net **out, struct wn_errctx *ctx);
/* For the record, when it starts. */
void wn_run_keep_note(
	struct wn_run_trace *rt, const char *before, const char *why, const char *behind);
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
/* As of wn_trace_hold and wn_trace_go. */
void wn_run_engine_hold(struct wn_run_engine *e, uint64_t id);
void wn_run_engine_go(struct wn_run_engine *e, uint64_t now_ns);
enum wn_claim wn_run_engine_reply(struct wn_run_engine *e, const struct wn_rx *rx, uint64_t now_ns);
void wn_run_engine_stop(struct wn_run_engine *e, enum wn_stop why, wn_err err, int sys);

/* The trace of a serial; NULL: it is no more. */
static inline struct wn_run_trace *wn_run_by_serial(const struct wn_run *run, uint64_t serial)
{
	struct wn_run_trace *rt = run->slots[serial & WN_RUN_SLOT_MASK];

	return rt && rt->serial == serial ? rt : NULL;
}

/* run.c: this trace is to be asked in the current round, or in the next; or at that time. */
void wn_run_ready(struct wn_run_trace *rt);
/* A round is due now. */
void wn_run_soon(struct wn_run *run);
void wn_run_wake_at(struct wn_run_trace *rt, uint64_t at_ns);

/* route.c: the source is one of this machine; errors as of wn_os_route_get. */
wn_err wn_run_route_find(struct wn_run *run, const struct wn_run_way *way, struct wn_run_route *out,
	struct wn_errctx *ctx);
void wn_run_routes_init(struct wn_run_routes *r);
void wn_run_routes_fini(struct wn_run_routes *r);

/* hold.c */
/* A probe that would like to leave; id towards the back end, unique among those under way. */
struct wn_run_turn {
	struct wn_run_net *net;
	struct wn_pace_probe probe;
	uint64_t id;
	struct wn_pace_toll toll; /* filled by wn_run_turn_pass ... */
	uint64_t at_ns;		  /* ... and when that was */
};
/* What is known of a probe that belongs to no trace. */
struct wn_pace_probe wn_run_lone_probe(
	const struct wn_run_net *net, const struct wn_addr *dst, uint8_t ttl, uint32_t ifindex);
/* May it leave now? h: its own, whose turn may have come; NULL: it has not waited. */
bool wn_run_turn_pass(struct wn_run_turn *turn, struct wn_run_hold *h);
/* It may not: h->go will be called, and then it may pass; or wn_pace_leave(run->pace, &h->wait). */
void wn_run_turn_wait(const struct wn_run_turn *turn, struct wn_run_hold *h);
/* Once for each probe: who answered it. */
void wn_run_turn_answered(struct wn_run_net *net, uint64_t id, const struct wn_addr *from,
	uint64_t sent_ns, uint64_t rtt_ns);
/* The same for a trace's probe. False: it was kept back. */
bool wn_run_may_send(struct wn_run_trace *rt, struct wn_run_net *net, const struct wn_probe *probe);
void wn_run_hold_unused(struct wn_run_trace *rt);
void wn_run_hold_end(struct wn_run_trace *rt); /* of the trace */
/* True: somebody's turn has come. */
bool wn_run_hold_grant(struct wn_run *run);
uint64_t wn_run_hold_next_ns(const struct wn_run *run);

/* credit.c */
void wn_run_credit_new(struct wn_run_net *net); /* sets credit and line */
void wn_run_credit_free(struct wn_run_net *net);
void wn_run_credit_sent(struct wn_run_net *net, uint64_t now_ns);
void wn_run_credit_back(struct wn_run_net *net, uint64_t sent_ns);
void wn_run_credit_answered(struct wn_run_net *net, uint64_t sent_ns, uint64_t rtt_ns);
void wn_run_credit_expire(struct wn_run_net *net, uint64_t now_ns);
/* When somebody who waits may have a place; UINT64_MAX: nobody waits, or only answers help. */
uint64_t wn_run_credit_next_ns(const struct wn_run_net *net);

/* trace_step.c */
/* Lets the engine act until it waits, delivers events; END, unless it is held back. */
void wn_run_trace_step(struct wn_run_trace *rt);
void wn_run_trace_reply(struct wn_run_trace *rt, const struct wn_rx *rx, uint64_t now_ns);
/* The same, for one of several: false: it is not this one's. */
bool wn_run_trace_claim(struct wn_run_trace *rt, const struct wn_rx *rx, uint64_t now_ns);
/* Folds an event into the result and tells the user. */
void wn_run_trace_emit(struct wn_run_trace *rt, const struct wn_event *ev);
void wn_run_trace_free(struct wn_run_trace *rt);

/* net.c. io belongs to the net from here on, even when that fails. */
wn_err wn_run_net_new(
	struct wn_run *run, struct wn_io *io, struct wn_run_net **out, struct wn_errctx *ctx);
void wn_run_net_free(struct wn_run_net *net);
/* Takes what the network has. */
void wn_run_net_drain(struct wn_run_net *net);
/* Of the next probe to be sent, to be filled; the batch before it may leave first. */
struct wn_probe *wn_run_net_room(struct wn_run_net *net);
void wn_run_net_put(
	struct wn_run_net *net, const struct wn_run_trace *rt, const struct wn_probe *probe);
void wn_run_net_flush(struct wn_run_net *net);
/* The probe's id towards the back end. */
uint64_t wn_run_net_id(const struct wn_run_trace *rt, uint64_t id);
/* The back end may give up what it keeps for the probe of this event. */
void wn_run_net_forget(
	struct wn_run_net *net, const struct wn_run_trace *rt, const struct wn_event *ev);
/* When it has something without its descriptor becoming readable; never while nobody uses it. */
uint64_t wn_run_net_next_ns(const struct wn_run_net *net);

/* net_share.c */
/*
 * Of the back ends of real networks the raw one alone may serve many. Whether there is the
 * privilege is asked once.
 */
bool wn_run_is_raw(struct wn_run *run, enum wn_backend backend);
bool wn_run_may_share(const struct wn_run_trace *rt);
/* Fills net and port. */
wn_err wn_run_share_join(struct wn_run_trace *rt, struct wn_errctx *ctx);
void wn_run_share_leave(struct wn_run_trace *rt); /* does nothing for one that has not joined */
void wn_run_share_free(struct wn_run_share *s);
void wn_run_share_reply(struct wn_run_net *net, const struct wn_rx *rx, uint64_t now_ns);

/* probes.c */
void wn_run_probes_free(struct wn_run_net *net);
void wn_run_probes_take(struct wn_run_net *net, const struct wn_rx *rx, uint64_t now_ns);
void wn_run_probes_told(
	struct wn_run_net *net, const struct wn_tx *tx, wn_err err, uint64_t now_ns);
/* Puts out what may leave, tells what has ended. True: there is more to do now. */
bool wn_run_probes_step(struct wn_run_net *net);
uint64_t wn_run_probes_next_ns(const struct wn_run_probes *p);

#endif
