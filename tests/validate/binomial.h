/* SPDX-License-Identifier: Apache-2.0 */
/* The exact binomial test of the programs that count what chance does. */
#ifndef WN_TESTS_BINOMIAL_H
#define WN_TESTS_BINOMIAL_H

#include <math.h>
#include <stdint.h>

/* P(X >= x) of n tries with chance p. */
static inline double binomial_at_least(uint32_t x, uint32_t n, double p)
{
	double sum = 0;

	for (uint32_t i = 0; i < x; i++)
		sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(p) +
			   (n - i) * log1p(-p));
	return sum < 1 ? 1 - sum : 0;
}

#endif
