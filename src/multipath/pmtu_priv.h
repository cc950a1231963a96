/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the engine of the path MTU, shared by its files:
 *
 *   pmtu.c         memory, events, the end
 *   pmtu_path.c    the path, with small probes
 *   pmtu_ask.c     one question: does this size get to this TTL?
 *   pmtu_search.c  which question next
 *
 * While the path is looked for many probes are under way; after that one at a time, so that what a
 * limit of replies takes away can be told from what is too big.
 */
#ifndef WN_MULTIPATH_PMTU_PRIV_H
#define WN_MULTIPATH_PMTU_PRIV_H

#include "multipath/pmtu.h"
#include "multipath/pmtu_tally.h"

#define MS	       UINT64_C(1000000)
#define NEVER	       UINT64_MAX
#define STEP	       6  /* TTLs looked at together */
#define PATH_TRIES     3  /* at least, of a TTL that does not answer ... */
#define PATH_TRIES_MAX 12 /* ... where others lose answers, too */
#define PATH_RETRY_NS  (300 * MS)
#define SEARCH_PROBES  3072
#define ASK_PROBES     150	     /* to one question */
#define SEARCH_LAST_NS (300000 * MS) /* what is not known by then is left open */
#define MUTE_MIN       8	     /* lost in a row: this TTL does not answer any more ... */
#define MUTE_MAX       16	     /* ... however much gets lost */
#define SPACE_FIRST_NS (200 * MS)    /* between probes to one TTL once one was lost ... */
#define SPACE_LAST_NS  (2000 * MS)   /* ... growing up to this */

struct hop {
	uint64_t last_ns;  /* when the last probe was asked for */
	uint64_t space_ns; /* between probes */
	uint32_t tries;	   /* small probes to find the path */
	uint32_t out, answered;
	uint32_t spoiled; /* losses that were not clean since the last pause was chosen */
	struct wn_pmtu_tally tally;
	uint16_t number; /* of the next probe */
	bool asked;	 /* before the others that make the first look at it */
	bool reached, refused;
	bool mute; /* answered once, but does not now */
	struct wn_addr addr;
};

struct who { /* a probe, by record of the trace engine */
	uint16_t size;
	uint8_t ttl;
};

enum verdict {
	VERDICT_NONE, /* not yet */
	VERDICT_PASS, /* it got there */
	VERDICT_BIG,  /* a router, or this machine, says that it is too big */
	VERDICT_LOST, /* it never gets there, smaller ones do */
	VERDICT_MUTE  /* neither do smaller ones now */
};

enum stage { STAGE_BIG, STAGE_CONTROL };

struct question {
	enum verdict verdict;
	enum stage stage;
	uint16_t size;
	uint8_t ttl;
	bool open, out; /* out: a probe is under way, id of which is */
	bool id_known;
	uint64_t id;
	uint32_t sent;
	uint32_t controls_lost; /* in a row */
	/* VERDICT_BIG */
	struct wn_addr from; /* family 0: this machine */
	uint32_t mtu;
};

enum step { STEP_PATH, STEP_END, STEP_WHERE, STEP_SIZE, STEP_DONE };

struct wn_pmtu {
	struct wn_params params;
	struct wn_trace *trace;
	size_t bytes;
	uint64_t now_ns, wake_ns;
	uint32_t probe_cap, hops;
	uint32_t asked; /* in this round of planning */
	uint32_t sent;
	wn_err ask_err; /* first refusal of the trace engine */
	bool settled, partial;

	enum step step;
	uint8_t loop;	    /* the TTL where a routing loop shows; 0 */
	uint8_t end;	    /* the last TTL, that of the target where it answers */
	uint32_t loss_ppm;  /* of probes that found the path, at the worst hop */
	uint64_t search_ns; /* the search began */
	struct question q;
	uint16_t size;	    /* tried now */
	uint16_t low, high; /* SIZE: passes, does not */
	uint8_t near, far;  /* TTLs: it passes to one, not to the other */
	uint16_t told;	    /* WHERE: the next size, as a router says; 0 */

	struct hop *hop; /* by TTL */
	uint16_t *best;	 /* by TTL: the largest that got there */
	struct who *who; /* probe_cap */
};

static inline struct hop *wn_pmtu_hop(const struct wn_pmtu *p, unsigned ttl)
{
	return &p->hop[ttl - p->params.first_ttl];
}

/* pmtu.c: false when the trace engine takes no more. size 0: a small one. */
bool wn_pmtu_send(struct wn_pmtu *p, unsigned ttl, uint16_t size);

/* pmtu_path.c */
void wn_pmtu_path_plan(struct wn_pmtu *p);
/* The reply of who is at this TTL, not of somebody before it. */
bool wn_pmtu_is_arrival(const struct wn_pmtu *p, unsigned ttl, const struct wn_event *reply);
void wn_pmtu_path_reply(struct wn_pmtu *p, unsigned ttl, const struct wn_event *reply);
void wn_pmtu_path_lost(struct wn_pmtu *p, unsigned ttl);

/* pmtu_ask.c */
void wn_pmtu_ask(struct wn_pmtu *p, unsigned ttl, uint16_t size);
/* Sends what the open question needs next, as soon as it may. */
void wn_pmtu_ask_plan(struct wn_pmtu *p);
void wn_pmtu_ask_reply(struct wn_pmtu *p, const struct who *who, const struct wn_event *reply);
void wn_pmtu_ask_lost(struct wn_pmtu *p, const struct who *who, uint64_t id);
void wn_pmtu_ask_failed(struct wn_pmtu *p, const struct who *who, const struct wn_event *failed);

/* pmtu_search.c: false when everything is known, or cannot be known. */
bool wn_pmtu_search_plan(struct wn_pmtu *p);

#endif
