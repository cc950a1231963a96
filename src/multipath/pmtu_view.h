/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record says about the MTU of its path, hop by hop: a function of the result alone, so
 * that every face, and a record read back, say the same. Any result may be asked, at any moment;
 * where nothing was searched for nothing is known.
 *
 * Proof that a size gets to a TTL is an answer from there. That it does not is known from a "too
 * big" (ICMP), or by search: so many of it were lost there, and of small ones were not, that it is
 * hardly chance (pmtu_tally.h).
 */
#ifndef WN_MULTIPATH_PMTU_VIEW_H
#define WN_MULTIPATH_PMTU_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include "result/result.h"

struct wn_pmtu_hop {
	uint16_t low;  /* the largest packet that got there, or farther */
	uint16_t high; /* no larger one does */
};

struct wn_pmtu_lowering {
	/* The last TTL that larger packets get to, 0 being this machine, and the first known that
	 * they do not get to. */
	uint8_t after, before;
	uint16_t mtu, was;
	uint32_t by;   /* the responder that said "too big", WN_NONE: nobody did */
	uint32_t said; /* the MTU it named; 0 none */
	bool told;     /* ... is mtu: else that was found by search */
	bool local;    /* this machine refused to send larger ones */
};

struct wn_pmtu_view {
	uint16_t start;		      /* the first link's MTU, from which the search goes down */
	uint8_t last;		      /* TTL */
	struct wn_pmtu_hop hops[256]; /* by TTL */
	struct wn_pmtu_lowering lowerings[255]; /* by TTL */
	uint32_t count;
};

/* The size to begin with. */
uint16_t wn_pmtu_start(const struct wn_params *params);
/* Whether a router may be right that of packets of this size only those up to mtu get through. */
bool wn_pmtu_is_credible(const struct wn_params *params, uint16_t size, uint32_t mtu);
/* How it is known: "icmp", "local" or "search". Where nobody spoke it is a black hole. */
const char *wn_pmtu_known_by(const struct wn_pmtu_lowering *l);
bool wn_pmtu_is_hole(const struct wn_pmtu_lowering *l);

void wn_pmtu_view(const struct wn_result *r, struct wn_pmtu_view *out);
/* The MTU of the path up to this TTL; 0 when it is not known. */
uint16_t wn_pmtu_of(const struct wn_pmtu_view *v, unsigned ttl);

#endif
