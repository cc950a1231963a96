/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far chance goes: tests that hold for any number of samples, few ones above all. Chances are
 * in 1/WN_CHANCE_PPB and rounded up, so that 0 is never said of what can happen.
 */
#ifndef WN_MULTIPATH_CHANCE_H
#define WN_MULTIPATH_CHANCE_H

#include <stdint.h>

#define WN_CHANCE_PPB 1000000000u /* certainty */

/*
 * Fisher's exact test, one-sided: the chance that of lost_here + lost_there losses, dealt out to
 * all sent packets alike, at least lost_here fall on those sent here.
 */
uint32_t wn_chance_more_lost(
	uint32_t lost_here, uint32_t sent_here, uint32_t lost_there, uint32_t sent_there);

/*
 * Wald and Wolfowitz: the chance that a row of a things of one kind and b of another, in random
 * order, falls into at most so many runs of equal ones.
 */
uint32_t wn_chance_few_runs(uint32_t a, uint32_t b, uint32_t runs);

/*
 * The chance that a way which is as good as each of `ways` is taken so rarely, or so often, as by
 * `part` of so many: the binomial test, two-sided by twice the smaller side.
 */
uint32_t wn_chance_share(uint32_t part, uint32_t of, uint32_t ways);

/* The product of two chances. */
uint32_t wn_chance_both(uint32_t ppb, uint32_t other_ppb);

/* Wilson's 95% interval of a share, in millionths, rounded outwards; of 0 packets 0 to all. */
void wn_chance_interval(uint32_t part, uint32_t of, uint32_t *out_low_ppm, uint32_t *out_high_ppm);

#endif
