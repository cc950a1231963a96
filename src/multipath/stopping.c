/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chances behind the stopping points. Of K successors, all alike, n flows show at most K - 1
 * with a chance that inclusion and exclusion give: sum over i of (-1)^(i+1) C(K,i) (1 - i/K)^n.
 * Its terms shrink fast where it matters, so that a few are enough.
 */
#include "multipath/stopping.h"

#include <assert.h>

#define FLOWS_MAX 1000000u /* of a search: beyond any trace */
#define STAGES	  3	   /* earlier stopping points that add noticeably to a failure */
#define TINY	  1e-15

static double power(double base, uint32_t n)
{
	double result = 1;

	for (; n > 0; n >>= 1, base *= base)
		if (n & 1)
			result *= base;
	return result;
}

static double choose(uint32_t n, uint32_t k)
{
	double result = 1;

	for (uint32_t i = 1; i <= k; i++)
		result = result * (n - k + i) / i;
	return result;
}

/* That n flows show at most k of k + 1. */
static double miss(uint32_t k, uint32_t n)
{
	double of = k + 1.0, sum = 0;

	if (k == 0 || n <= k)
		return 1;
	for (uint32_t i = 1; i <= k; i++) {
		double term = choose(k + 1, i) * power((of - i) / of, n);

		sum += i % 2 ? term : -term;
		if (term < TINY)
			break;
		/* Far from any stopping point the series swings wildly, and the answer is near 1.
		 */
		if (i == 1 && term > 4)
			return 1;
	}
	return sum < 0 ? 0 : sum > 1 ? 1 : sum;
}

static uint32_t plain_flows(uint32_t k, double bound)
{
	uint32_t low = k, high = k + 1;

	while (high < FLOWS_MAX && miss(k, high) > bound) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (miss(k, mid) > bound)
			low = mid;
		else
			high = mid;
	}
	return high;
}

/*
 * What the stopping points of fewer successors add, for those who would have shown one more than k
 * by n: having stopped with j + 1 missing, each of those would have come in the flows not sent.
 */
static double earlier(uint32_t k, uint32_t n, const uint32_t points[STAGES])
{
	double of = k + 1.0, sum = 0;

	for (uint32_t j = 1; j <= STAGES && j < k; j++) {
		uint32_t at = points[j - 1];
		double stopped = choose(k + 1, j + 1) * power((of - j - 1) / of, at);

		if (n > at)
			sum += stopped * power(1 - power((of - 1) / of, n - at), j + 1);
	}
	return sum;
}

static uint32_t share_flows(double bound, uint32_t share_ppm)
{
	double left = 1 - share_ppm / 1e6, chance = 1;
	uint32_t n = 0;

	for (; n < FLOWS_MAX && chance > bound; n++)
		chance *= left;
	return n;
}

uint32_t wn_stopping_flows(uint32_t k, double bound, uint32_t share_ppm)
{
	uint32_t points[STAGES] = {0}, n = plain_flows(k, bound);

	assert(k > 0 && bound > 0 && bound < 1);
	for (uint32_t j = 1; j <= STAGES && j < k; j++)
		points[j - 1] = plain_flows(k - j, bound);
	while (n < FLOWS_MAX && miss(k, n) + earlier(k, n, points) > bound)
		n++;
	if (share_ppm > 0) {
		uint32_t least = share_flows(bound, share_ppm);

		n = least > n ? least : n;
	}
	return n;
}

static uint32_t to_ppb(double chance)
{
	double ppb = chance * WN_STOPPING_PPB;
	uint32_t whole = (uint32_t)ppb;

	return whole < ppb ? whole + 1 : whole;
}

uint32_t wn_stopping_miss_ppb(uint32_t k, uint32_t n)
{
	return to_ppb(miss(k, n));
}

uint32_t wn_stopping_miss_share_ppb(uint32_t share_ppm, uint32_t n)
{
	if (share_ppm >= 1000000)
		return n ? 0 : WN_STOPPING_PPB;
	return to_ppb(power(1 - share_ppm / 1e6, n));
}
