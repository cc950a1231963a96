/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deterministic random numbers (xoshiro256**, Blackman and Vigna 2018, seeded by splitmix64):
 * the same seed gives the same sequence everywhere. Never for secrets: those come from
 * wn_os_entropy and go through SipHash.
 */
#ifndef WN_BASE_RNG_H
#define WN_BASE_RNG_H

#include <stdint.h>

struct wn_rng {
	uint64_t s[4];
};

void wn_rng_seed(struct wn_rng *r, uint64_t seed);
uint64_t wn_rng_u64(struct wn_rng *r);
uint64_t wn_rng_below(struct wn_rng *r, uint64_t bound); /* unbiased, 0 <= x < bound; bound > 0 */
double wn_rng_unit(struct wn_rng *r);			 /* 0 <= x < 1 */

#endif
