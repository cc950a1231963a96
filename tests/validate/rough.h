/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WN_TESTS_ROUGH_H
#define WN_TESTS_ROUGH_H

#include "maze.h"

/* Of all runs over one network. */
struct rough {
	uint32_t runs, missed, wrong, partial;
	uint32_t far;		  /* show the target too far: nobody was answered at its TTL */
	double *seconds, *probes; /* in order */
};

typedef void (*rough_judge)(
	const char *name, double most_seconds, uint32_t most_probes, const struct rough *sum);

/* Networks whose name contains `only`. */
void rough_run(uint32_t runs, const char *only, rough_judge judge);

#endif
