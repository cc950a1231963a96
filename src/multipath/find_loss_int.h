/* SPDX-License-Identifier: Apache-2.0 */
/* What find_loss.c works out about the losses of one time, and find_loss_add.c makes findings of.
 */
#ifndef WN_MULTIPATH_FIND_LOSS_INT_H
#define WN_MULTIPATH_FIND_LOSS_INT_H

#include "multipath/chance.h"
#include "multipath/find_int.h"

#define WN_LOSS_PPB    (WN_CHANCE_PPB / 100) /* a difference that is rarer by chance is one */
#define WN_LOSS_WORSE  4.0 /* chi squared: places that fit so much worse are ruled out */
#define WN_LOSS_RISES  8
#define WN_LOSS_BLOCKS 4

/* How a hop loses: as the path does, replies of its own, or those together with its neighbours. */
#define WN_OWN_NOT   0
#define WN_OWN_HOP   1
#define WN_OWN_BLOCK 1 /* plus the number of the block, from 1 */

struct wn_tally {
	uint32_t sent, lost;
};

/* The share of loss is larger from ttl on, or from one between least and most. */
struct wn_rise {
	unsigned ttl, least, most;
	uint32_t ppb;
	double fit;	    /* how much better than no step, chi squared */
	uint32_t place_ppb; /* the chance that less is lost before it alone; 0: ppb is of that */
};

/* Hops that lose their own replies, as one. */
struct wn_loss_block {
	unsigned first, last;
	struct wn_tally here, rest;
	uint32_t ppb;
	uint8_t own;
};

struct wn_loss {
	struct wn_finder *f;
	const struct wn_seen *by_time; /* all of f->seen, by lane and time */
	uint64_t *next_ns;	       /* room for as many */
	uint32_t *router_of;	       /* by lane: who answers it at the TTL that is looked at */
	uint32_t router;	       /* only probes of lanes that meet it count; WN_NONE: all */
	struct wn_span span;
	struct wn_tally hop[256]; /* decided probes; nothing where all were lost */
	uint8_t own[256];	  /* WN_OWN_* */
	unsigned first, last;	  /* TTLs that answered */
	struct wn_loss_block blocks[WN_LOSS_BLOCKS];
	unsigned block_count;
	struct wn_rise rises[WN_LOSS_RISES];
	unsigned rise_count;
};

/* A probe of this time whose fate is known, and of the router that is looked at. */
bool wn_loss_counts(const struct wn_loss *t, const struct wn_seen *s);
/* Hops first to last that lose as the path does. */
struct wn_tally wn_loss_sum(const struct wn_loss *t, unsigned first, unsigned last);
/* Where between first and last the share rises, and how exactly that is known (all 0: nowhere).
 * False: nowhere, or it may be chance. */
bool wn_loss_rise(const struct wn_loss *t, unsigned first, unsigned last, struct wn_rise *out);
/* That here has so much more loss than there by chance alone. */
uint32_t wn_loss_chance(const struct wn_tally *here, const struct wn_tally *there);
/* The best of so many tries is better than chance by itself. */
uint32_t wn_loss_of_tries(uint32_t ppb, unsigned tries);
unsigned wn_loss_hops(const struct wn_loss *t); /* that answered */

/* Findings of all that was worked out. */
void wn_loss_add(struct wn_loss *t);

#endif
