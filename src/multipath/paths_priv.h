/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the engine of all paths, shared by its files:
 *
 *   paths.c   memory, events, the end
 *   count.c   what the flows have shown so far: vertices, successors, who needs more
 *   share.c   the chance of missing something, shared out over them
 *   plan.c    which TTL needs which flows
 *   pick.c    which flows there are for it
 *   ahead.c   flow 0, which walks ahead; a fixed number of flows
 *   retry.c   what was lost: again, later, or silence
 *   limit.c   TTLs that limit their replies, and their pace
 *   kind.c    extra probes that tell how a router balances
 *
 * What a flow met at a TTL is in its cell, and everything else is counted anew from the cells
 * before each decision: so a late reply, or a hop that turns out to be silent, needs no undoing.
 */
#ifndef WN_MULTIPATH_PATHS_PRIV_H
#define WN_MULTIPATH_PATHS_PRIV_H

#include "multipath/paths.h"

#define MS	      UINT64_C(1000000)
#define NEVER	      UINT64_MAX
#define NO_VERTEX     UINT16_MAX
#define SOURCE	      0 /* the vertex before the first TTL */
#define VERTICES_MAX  8192
#define POINTS_MAX    1024 /* stopping points kept */
#define LITE_WIDTH    16   /* LITE: more vertices than this before a TTL are judged together */
#define LITE_PHI      2	   /* ... with so many flows through each where they do not all meet */
#define TRIES	      3	   /* of a probe where nothing tells of a limit */
#define TRIES_LOSSY   24   /* ... at most, where much is lost by chance */
#define TRIES_LIMITED 12   /* ... where replies are limited */
#define TRIES_FLOWS   2	   /* ... where the flows are so many, whatever they show */
#define SILENT_FLOWS  2	   /* silent at a TTL beside others: more than a lost one */
#define DARK_FLOWS    3	   /* tried at once at a TTL where nobody ever answered */
#define REFUSED_MAX   32   /* in a row: nothing more will leave */
#define MANY_FLOWS    256  /* more than these are not counted anew for every answer ... */
#define CELL_NS	      50   /* ... but when so much time has passed for each of their cells */
#define UNLIKELY      .01
#define ROW_MAX	      128	  /* first tries at a TTL that are looked at */
#define PAUSE_NS      (1100 * MS) /* in which nearly every limit lets an answer out */

enum cell_state {
	CELL_NONE,
	CELL_OUT,   /* asked for, nothing heard */
	CELL_AGAIN, /* lost, to be asked for again */
	CELL_SEEN   /* vertex: a responder, or the silent one */
};

struct cell {
	uint16_t vertex;
	uint8_t state : 6;
	uint8_t first_lost : 1; /* the first of the tries */
	uint8_t torn : 1;	/* answered by others as well */
	uint8_t tries;
};

#define VERTEX_SILENT  1u
#define VERTEX_TARGET  2u  /* flows end here: the target, ... */
#define VERTEX_REFUSED 4u  /* ... or somebody who refuses */
#define VERTEX_GOES_ON 16u /* somebody answered farther on, to a flow that passes; counted anew */
#define VERTEX_LOOP    8u  /* ... or where they began to go round in circles; counted anew */
#define VERTEX_END     (VERTEX_TARGET | VERTEX_REFUSED | VERTEX_LOOP)

struct vertex {
	struct wn_addr addr;
	uint8_t ttl;
	uint8_t flags;
	uint16_t next; /* at the same TTL */
	/* Probes of kind.c, sent: one TTL on, and here. */
	uint8_t repeated, confirmed;
	/* Counted anew by wn_paths_count. */
	uint16_t sole;	  /* its only successor so far */
	uint32_t flows;	  /* that pass it */
	uint32_t via;	  /* ... and are known one TTL on */
	uint32_t pending; /* ... or will be */
	uint32_t succ;	  /* successors */
};

struct hop {
	uint16_t first;	  /* of its vertices */
	uint16_t star;	  /* the silent vertex */
	uint16_t assume;  /* every flow is taken to pass this one */
	uint64_t next_ns; /* no probe before */
	uint64_t interval_ns;
	uint32_t lost, answered; /* probes */
	uint32_t lost_since;	 /* the last answer */
	bool mixed;		 /* flow labels have been asked about */
	uint16_t row[ROW_MAX];	 /* the flows tried last, in order: a ring */
	uint32_t row_count;
	uint32_t since_ms; /* since when the pace, or the end of the pause */
	uint32_t last_ms;  /* when the last probe was sent at the pace */
	uint32_t busy_ms;  /* for how long probes have been sent at the pace ... */
	uint32_t came;	   /* ... and the answers they got, */
	uint32_t came_ms;  /* ... when the last of these was asked for, */
	uint32_t in_row;   /* ... those since a loss */
	bool limited;	   /* only waiting brings what was lost: */
	bool sure;	   /* ... the first tries show it, or the pace */
	bool paused;	   /* to see whether waiting helps */
	bool per_packet;   /* one flow met several responders */
	bool meshed;	   /* flows of one vertex before it go to several here */
	/* Counted anew. */
	uint32_t vertices, out, again, seen;
	bool settled; /* those before it need no more flows here */
	bool apart;   /* two probes of one flow may be at different ones of its vertices */
};

struct who {	       /* a probe, by record of the trace engine */
	uint32_t flow; /* as the probe has it */
	uint32_t sent_ms;
	uint8_t ttl;
};

struct link {
	uint16_t from, to;
	bool proved;	   /* one flow was seen at both ends, or is asked for it */
	uint32_t repeated; /* flows that were asked more than once at its end */
};

struct wn_paths {
	struct wn_params params;
	struct wn_trace *trace;
	size_t bytes;
	uint64_t now_ns;
	uint64_t wake_ns;
	uint64_t planned_ns; /* when the last round of planning was */
	uint32_t probe_cap;  /* records of the trace engine */
	uint32_t used;	     /* flows 0 .. used-1 were probed somewhere */
	uint32_t asked;	     /* in this round of planning */
	uint8_t target_ttl;  /* the first where the target answered; 0 none */
	uint32_t under_way;  /* probes asked for and not ended */
	uint32_t sent, answered;
	uint32_t refused;   /* by this machine, since the last that left */
	uint32_t recovered; /* lost, before an answer to the same question came */
	wn_err ask_err;	    /* first refusal of the trace engine */
	bool short_of_flows, settled;

	double miss; /* allowed in all */
	/* What it was shared out for, see share.c; and flows that single vertices get. */
	uint32_t found_singles, found_pairs, single_flows;
	double found_wide;
	uint32_t points[POINTS_MAX];

	uint32_t flows, hops;
	struct cell *cells; /* [hop][flow] */
	uint8_t *ends;	    /* by flow: TTL where it ended, 0 not yet */
	struct hop *hop;    /* by TTL - first_ttl */
	struct who *who;    /* by record */
	struct link *links; /* open hashing; from NO_VERTEX: free */
	uint32_t link_mask, link_count;
	struct vertex *vertex;
	uint16_t vertex_count, vertex_cap;
	bool full; /* of vertices or links: the graph is not whole */
};

static inline struct cell *wn_paths_cell(const struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	return &p->cells[(size_t)(ttl - p->params.first_ttl) * p->flows + flow];
}

static inline struct hop *wn_paths_hop(const struct wn_paths *p, unsigned ttl)
{
	return &p->hop[ttl - p->params.first_ttl];
}

/* Wraps; for differences. */
static inline uint32_t wn_paths_ms(const struct wn_paths *p)
{
	return (uint32_t)(p->now_ns / MS);
}

/* count.c */
/* What a flow met at a TTL, seen or taken for granted; NO_VERTEX unknown. */
uint16_t wn_paths_vertex_of(const struct wn_paths *p, uint32_t flow, unsigned ttl);
/* The vertex of an address (family 0: the silent one) at a TTL, made if need be; or NO_VERTEX. */
uint16_t wn_paths_vertex(struct wn_paths *p, unsigned ttl, const struct wn_addr *addr);
void wn_paths_count(struct wn_paths *p);

/* share.c */
void wn_paths_share_out(struct wn_paths *p);
/* The chance of missing something at a vertex with k successors, as it is shared out now. */
double wn_paths_share(const struct wn_paths *p, uint32_t k);
/* Flows that rule out more than k successors, as the chance is shared out now. */
uint32_t wn_paths_points(struct wn_paths *p, uint32_t k);
/* A link that flows have shown; NULL. */
struct link *wn_paths_link(const struct wn_paths *p, uint16_t from, uint16_t to);

/* No link to this TTL is told by flows: it is judged by its vertices alone. */
bool wn_paths_is_whole(const struct wn_paths *p, unsigned ttl);
/* The TTL behind a vertex is such a one. */
bool wn_paths_is_hidden(const struct wn_paths *p, uint16_t at);

/* plan.c: asks for what is needed now. */
void wn_paths_plan(struct wn_paths *p);

/* Silence where all others meet the target stands for lost answers: such flows have come to an end.
 */
bool wn_paths_is_beyond(const struct wn_paths *p, const struct vertex *v);

/* pick.c */
/* Asks for a flow at a TTL, as far as pace allows. False: not now, or never. */
bool wn_paths_ask(struct wn_paths *p, uint32_t flow, unsigned ttl);
/* A flow that was never probed; false when there is none. */
bool wn_paths_take_flow(struct wn_paths *p, uint32_t *out);
/* A flow that passes `at` (NO_VERTEX: whatever is there) before ttl may be probed at ttl. */
bool wn_paths_is_spare(const struct wn_paths *p, uint32_t flow, unsigned ttl, uint16_t at);
/* Asks for up to `count` flows through `at`; returns how many more are needed. */
uint32_t wn_paths_ask_spare(struct wn_paths *p, uint16_t at, unsigned ttl, uint32_t count);
void wn_paths_ask_new(struct wn_paths *p, unsigned ttl, uint32_t count);

/* ahead.c */
/* What was lost, and what was taken for silence too early. */
void wn_paths_plan_lost(struct wn_paths *p);
void wn_paths_plan_ahead(struct wn_paths *p);
/* Instead of everything else, where the number of flows is fixed. */
void wn_paths_plan_flows(struct wn_paths *p);
/* The last TTL that others than flow 0 have business at: behind a long silence there is none. */
unsigned wn_paths_last_ttl(const struct wn_paths *p);

/* retry.c */
void wn_paths_lost(struct wn_paths *p, const struct who *who);
/* An answer at its TTL, to the nth try. */
void wn_paths_answered(struct wn_paths *p, const struct who *who, uint32_t tries);
/* The share of probes that got lost by chance, as far as they were answered when asked again. */
double wn_paths_loss(const struct wn_paths *p);
/* Several vertices are known one TTL before. */
bool wn_paths_is_behind_several(const struct wn_paths *p, unsigned ttl);
/* Lost answers in a row that are silence, as far as this path's loss is known. */
uint32_t wn_paths_silence(const struct wn_paths *p);
/* The same for a TTL where nobody answered: the farther, the more may get lost. */
uint32_t wn_paths_darkness(const struct wn_paths *p, unsigned ttl);
void wn_paths_retry(struct wn_paths *p, unsigned ttl);

/* limit.c */
/* True when this TTL may get a probe now; else wake_ns is lowered. */
bool wn_paths_may_send(struct wn_paths *p, unsigned ttl);
void wn_paths_first_try(struct wn_paths *p, uint32_t flow, unsigned ttl);
void wn_paths_pace_lost(struct wn_paths *p, const struct who *who);
void wn_paths_pace_answered(struct wn_paths *p, const struct who *who, uint32_t tries);
/* So many tries of a probe are enough, where replies are limited. */
bool wn_paths_is_hopeless(const struct wn_paths *p, unsigned ttl, uint32_t tries);
/* Asking again at once did not help: does waiting? */
void wn_paths_pause(struct wn_paths *p, unsigned ttl);

/* kind.c */
void wn_paths_kind_plan(struct wn_paths *p, unsigned ttl);

#endif
