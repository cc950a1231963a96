/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256** 1.0 and splitmix64, as their authors published them. */
#include "base/rng.h"

#include <assert.h>

static uint64_t rotl(uint64_t x, unsigned k)
{
	return x << k | x >> (64 - k);
}

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void wn_rng_seed(struct wn_rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix(&seed);
}

uint64_t wn_rng_u64(struct wn_rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t wn_rng_below(struct wn_rng *r, uint64_t bound)
{
	uint64_t reject, x;

	assert(bound > 0);
	/* 2^64 mod bound values are too many: dropping that many makes all remainders equal. */
	reject = (0 - bound) % bound;
	do {
		x = wn_rng_u64(r);
	} while (x < reject);
	return x % bound;
}

double wn_rng_unit(struct wn_rng *r)
{
	return (double)(wn_rng_u64(r) >> 11) * 0x1p-53;
}
