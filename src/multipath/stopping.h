/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When enough flows have been seen: the stopping points of the Multipath Detection Algorithm
 * (Augustin, Friedman, Teixeira: Multipath tracing with Paris traceroute, E2EMON 2007), with the
 * chance of a premature end over all steps of a vertex kept below the bound, not only of the last
 * (Veitch, Augustin, Friedman, Teixeira: Failure control in multipath route tracing, INFOCOM 2009).
 *
 * The model is a router that sends each flow to one of its successors, all alike, or, where a
 * smallest share is given, each with at least that share. Computed, no tables; exact up to what a
 * double holds, and the same on every machine.
 */
#ifndef WN_MULTIPATH_STOPPING_H
#define WN_MULTIPATH_STOPPING_H

#include <stdint.h>

#define WN_STOPPING_PPB 1000000000u /* certainty */

/*
 * Flows after which k successors may be taken for all: the chance that a router with more of them
 * has shown no more is at most miss (above 0, below 1). k at least 1. share_ppm: 0, or the
 * smallest share of a branch in millionths.
 */
uint32_t wn_stopping_flows(uint32_t k, double miss, uint32_t share_ppm);

/*
 * The chance, in 1/WN_STOPPING_PPB, that n flows showed no more than k of k + 1 successors, all
 * alike; rounded up. Certain for n < k and for k == 0.
 */
uint32_t wn_stopping_miss_ppb(uint32_t k, uint32_t n);
/* The chance that n flows all missed a branch with this share. */
uint32_t wn_stopping_miss_share_ppb(uint32_t share_ppm, uint32_t n);

#endif
