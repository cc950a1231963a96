/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit of replies and a loss of them leave different traces: a limited router answers up to a
 * burst and then one probe each interval, like a bucket of tokens; chance takes any. The bucket
 * that explains best which probes were answered is found, and then whether the same answers in
 * random order are explained as well: only if they hardly ever are, it is a limit.
 */
#include "multipath/find_int.h"

#include "base/rng.h"
#include "multipath/chance.h"

#define LEAST	     6	 /* samples */
#define MOST	     256 /* more tell no more */
#define SHUFFLES     1000
#define CHANCE_PPB   (WN_CHANCE_PPB / 50)
#define AS_WELL_MOST (SHUFFLES / 50 + 1) /* beyond, it is no limit */
#define MISFITS	     10			 /* one of so many may not fit: others use up tokens too */
#define SLACK	     8 /* an interval may be off by this part of it: packets jitter */
#define STEPS	     9 /* of intervals tried, each way */

struct bucket {
	uint64_t interval_ns; /* 0: never filled again */
	uint32_t burst;
	uint32_t misfits;
};

struct row {
	const struct wn_limit_sample *s;
	uint32_t count;
	uint32_t first_lost; /* count: none is */
	uint32_t later;	     /* answered behind it */
};

static void measure(struct row *row)
{
	uint32_t i = 0;

	while (i < row->count && row->s[i].answered)
		i++;
	row->first_lost = i;
	row->later = 0;
	for (; i < row->count; i++)
		row->later += row->s[i].answered;
}

/* The least size that lets the first answers through. */
static uint32_t burst_for(const struct row *row, uint64_t interval_ns)
{
	uint32_t burst = 1;

	for (uint32_t i = 0; i < row->first_lost; i++) {
		uint64_t filled =
			interval_ns ? (row->s[i].at_ns - row->s[0].at_ns) / interval_ns : 0;

		if (i + 1 > filled && i + 1 - (uint32_t)filled > burst)
			burst = i + 1 - (uint32_t)filled;
	}
	return burst;
}

/*
 * Tokens are counted in the time that they take to come. What was answered has taken one. The
 * bucket is full at first, and holds no more than burst, but when a token has come is known only
 * up to the slack.
 */
static uint32_t count_misfits(const struct row *row, const struct bucket *b)
{
	uint64_t token = b->interval_ns ? b->interval_ns : SLACK;
	uint64_t full = token * b->burst, slack = token / SLACK, level = full + token;
	uint32_t misfits = 0;

	for (uint32_t i = 0; i < row->count; i++) {
		if (i > 0 && b->interval_ns)
			level += row->s[i].at_ns - row->s[i - 1].at_ns;
		misfits += row->s[i].answered ? level + slack < token : level > token + slack;
		if (level > full)
			level = full;
		if (row->s[i].answered)
			level = level > token ? level - token : 0;
	}
	return misfits;
}

static void try_interval(const struct row *row, uint64_t interval_ns, struct bucket *best)
{
	struct bucket b = {interval_ns, burst_for(row, interval_ns), 0};

	b.misfits = count_misfits(row, &b);
	if (b.misfits < best->misfits)
		*best = b;
}

/* The interval that the answers suggest, and others around it. */
static struct bucket fit(struct row *row)
{
	struct bucket best = {.misfits = UINT32_MAX};
	uint64_t all_ns, more, less;

	measure(row);
	if (row->later == 0 || row->first_lost == row->count) {
		try_interval(row, 0, &best);
		return best;
	}
	all_ns = row->s[row->count - 1].at_ns - row->s[row->first_lost].at_ns;
	more = less = all_ns / row->later + 1;
	try_interval(row, more, &best);
	for (int i = 0; i < STEPS; i++) {
		more += more / 12;
		less -= less / 13;
		try_interval(row, more, &best);
		try_interval(row, less, &best);
	}
	return best;
}

static void shuffle(struct wn_limit_sample *s, uint32_t count, struct wn_rng *rng)
{
	for (uint32_t i = count; i-- > 1;) {
		uint32_t k = (uint32_t)wn_rng_below(rng, i + 1);
		bool was = s[i].answered;

		s[i].answered = s[k].answered;
		s[k].answered = was;
	}
}

/* How often other orders of the same answers are explained as well, in parts of SHUFFLES + 1. */
static uint32_t count_as_well(
	struct wn_limit_sample *samples, const struct row *as, uint32_t misfits)
{
	struct row row = *as;
	uint32_t as_well = 1; /* the order seen is one of them */
	struct wn_rng rng;

	wn_rng_seed(&rng, row.count);
	for (int i = 0; i < SHUFFLES && as_well <= AS_WELL_MOST; i++) {
		shuffle(samples, row.count, &rng);
		as_well += fit(&row).misfits <= misfits;
	}
	return as_well;
}

bool wn_limit_fit(struct wn_limit_sample *samples, uint32_t count, struct wn_found_loss *out)
{
	struct row row = {.s = samples, .count = count < MOST ? count : MOST};
	struct bucket best;

	if (row.count < LEAST)
		return false;
	best = fit(&row);
	if (row.first_lost + row.later == 0 || row.first_lost == row.count ||
		best.misfits * MISFITS > row.count)
		return false;
	out->burst = best.burst;
	out->interval_ns = best.interval_ns;
	/* Answers first, then none: of all orders this one alone looks so, and its mirror. */
	if (row.later == 0)
		out->chance_ppb =
			wn_chance_few_runs(row.first_lost, row.count - row.first_lost, 2) / 2 + 1;
	else
		out->chance_ppb = count_as_well(samples, &row, best.misfits) *
				  (WN_CHANCE_PPB / (SHUFFLES + 1));
	return out->chance_ppb <= CHANCE_PPB;
}
