/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact tests without factorials: the weights of a distribution follow from each other by ratios
 * of small numbers, so they are summed up from the heaviest outwards, in units of that one. What
 * becomes too small for a double was nothing.
 */
#include "multipath/chance.h"

#include <assert.h>

#define TINY	1e-30 /* of the heaviest weight */
#define Z95	1.959963984540054
#define MILLION 1000000.0

static uint32_t to_ppb(double part, double whole)
{
	double ppb = part / whole * WN_CHANCE_PPB;

	if (ppb >= WN_CHANCE_PPB)
		return WN_CHANCE_PPB;
	return (uint32_t)ppb + 1;
}

/* Weights over k from least to most, by the ratio of that of k + 1 to that of k. */
struct spread {
	uint32_t least, most, heaviest;
	double (*ratio)(const void *of, uint32_t k);
	const void *of;
};

/* The weights of k between from and to. */
static double sum_up(const struct spread *s, uint32_t from, uint32_t to)
{
	double sum = 0, weight = 1;

	for (uint32_t k = s->heaviest; k <= s->most && weight > TINY; k++) {
		sum += k >= from && k <= to ? weight : 0;
		weight *= s->ratio(s->of, k);
	}
	weight = 1;
	for (uint32_t k = s->heaviest; k > s->least; k--) {
		weight /= s->ratio(s->of, k - 1);
		if (weight <= TINY)
			break;
		sum += k - 1 >= from && k - 1 <= to ? weight : 0;
	}
	return sum;
}

/* ---- Fisher ---- */

struct urn {
	uint32_t here, all, lost;
};

/* Of k + 1 losses here to k of them: hypergeometric. */
static double urn_ratio(const void *of, uint32_t k)
{
	const struct urn *u = of;

	return (u->here - (double)k) * (u->lost - (double)k) /
	       ((k + 1.0) * ((double)u->all - u->here - u->lost + k + 1));
}

uint32_t wn_chance_more_lost(
	uint32_t lost_here, uint32_t sent_here, uint32_t lost_there, uint32_t sent_there)
{
	struct urn u = {sent_here, sent_here + sent_there, lost_here + lost_there};
	struct spread s = {.ratio = urn_ratio, .of = &u};
	double whole, tail;

	assert(lost_here <= sent_here && lost_there <= sent_there);
	if (lost_here == 0 || u.all == 0)
		return WN_CHANCE_PPB;
	s.least = u.lost > sent_there ? u.lost - sent_there : 0;
	s.most = u.lost < u.here ? u.lost : u.here;
	s.heaviest = (uint32_t)((uint64_t)(u.here + 1) * (u.lost + 1) / (u.all + 2));
	if (s.heaviest < s.least)
		s.heaviest = s.least;
	if (s.heaviest > s.most)
		s.heaviest = s.most;
	whole = sum_up(&s, s.least, s.most);
	tail = sum_up(&s, lost_here, s.most);
	return to_ppb(tail, whole);
}

/* ---- runs ---- */

/*
 * With m runs of either kind there are w(m) = C(a-1, m-1) C(b-1, m-1) rows that begin with one
 * kind, and as many that begin with the other: 2m runs. One run more of the one or the other kind
 * makes w(m) ((a-m)/m + (b-m)/m) rows: 2m + 1 runs.
 */
struct row {
	double a, b;
};

static double row_ratio(const struct row *r, double m)
{
	return (r->a - m) * (r->b - m) / (m * m);
}

static void add_runs(const struct row *r, double m, double weight, uint32_t runs, double sums[2])
{
	double even = 2 * weight, odd = weight * (r->a + r->b - 2 * m) / m;

	sums[1] += even + odd;
	sums[0] += 2 * m <= runs ? even : 0;
	sums[0] += 2 * m + 1 <= runs ? odd : 0;
}

uint32_t wn_chance_few_runs(uint32_t a, uint32_t b, uint32_t runs)
{
	struct row r = {a, b};
	uint32_t most = a < b ? a : b, peak;
	double sums[2] = {0, 0}; /* few runs, all */
	double weight = 1;

	if (most == 0)
		return WN_CHANCE_PPB;
	peak = (uint32_t)((uint64_t)a * b / ((uint64_t)a + b));
	if (peak < 1)
		peak = 1;
	for (uint32_t m = peak; m <= most && weight > TINY; m++) {
		add_runs(&r, m, weight, runs, sums);
		weight *= row_ratio(&r, m);
	}
	weight = 1;
	for (uint32_t m = peak; m > 1 && weight > TINY; m--) {
		weight /= row_ratio(&r, m - 1.0);
		add_runs(&r, m - 1.0, weight, runs, sums);
	}
	return to_ppb(sums[0], sums[1]);
}

/* ---- one of several ways ---- */

struct draw {
	uint32_t of, ways;
};

/* Of k + 1 draws of one way to k of them. */
static double draw_ratio(const void *of, uint32_t k)
{
	const struct draw *d = of;

	return (d->of - (double)k) / ((k + 1.0) * (d->ways - 1.0));
}

uint32_t wn_chance_share(uint32_t part, uint32_t of, uint32_t ways)
{
	struct draw d = {of, ways};
	struct spread s = {.most = of, .ratio = draw_ratio, .of = &d};
	double whole, low, high;

	assert(part <= of);
	if (of == 0 || ways < 2)
		return WN_CHANCE_PPB;
	s.heaviest = (uint32_t)(((uint64_t)of + 1) / ways);
	whole = sum_up(&s, 0, of);
	low = sum_up(&s, 0, part);
	high = sum_up(&s, part, of);
	return to_ppb(2 * (low < high ? low : high), whole);
}

/* ---- small things ---- */

uint32_t wn_chance_both(uint32_t ppb, uint32_t other_ppb)
{
	return (uint32_t)(((uint64_t)ppb * other_ppb + WN_CHANCE_PPB - 1) / WN_CHANCE_PPB);
}

/* Newton's way to a square root of what lies between 0 and 1; the step down ends it. */
static double root(double v)
{
	double x = 1;

	for (int i = 0; i < 64 && v > 0; i++)
		x = (x + v / x) / 2;
	return v > 0 ? x : 0;
}

/* Wilson 1927: the shares whose own spread just reaches the one seen. */
void wn_chance_interval(uint32_t part, uint32_t of, uint32_t *out_low_ppm, uint32_t *out_high_ppm)
{
	double n = of, p = of ? part / n : 0, z2 = Z95 * Z95, middle, half;
	double low, high;

	assert(part <= of);
	*out_low_ppm = 0;
	*out_high_ppm = (uint32_t)MILLION;
	if (of == 0)
		return;
	middle = (p + z2 / (2 * n)) / (1 + z2 / n);
	half = Z95 / (1 + z2 / n) * root((p * (1 - p) + z2 / (4 * n)) / n);
	low = (middle - half) * MILLION;
	high = (middle + half) * MILLION;
	if (part > 0 && low > 0)
		*out_low_ppm = (uint32_t)low;
	if (part < of && high < MILLION)
		*out_high_ppm = (uint32_t)high + 1;
}
