/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chance or a limit? Where answers are lost by chance, those that come stand among those that do
 * not in any order, and to ask again at once is as good as later. Where a router limits them, those
 * asked for first come and the others do not, and only time brings more. So the row of first tries
 * at a TTL is looked at: in few runs of equal ones, fewer than chance explains, it is a limit
 * (Wald and Wolfowitz). A limit that lets single answers out shows no such row: it is known by
 * answers that come after a pause, when asking again at once brought none.
 *
 * A TTL that is limited is asked one probe at a time. The pace is learned: each lost probe makes it
 * slower, each answer faster, so that about a quarter is lost, which is a little faster than the
 * router lets answers out. A verdict that a pause led to is less sure, and half may be lost: as
 * chance takes less than that, it makes the pace faster and faster until it is none any more.
 */
#include "multipath/paths_priv.h"

#include "multipath/chance.h"

#define FEW_RUNS_PPB 2000000 /* a row of so few runs by chance: a limit */
#define FIRST_NS     (100 * MS)
#define FREE_NS	     (10 * MS)
#define SLOWEST_NS   (2000 * MS)
#define SURE_NS	     (200 * MS) /* no faster after so many answers: not by chance */
#define SURE_ANSWERS 5
#define RATE_ANSWERS 3
#define TRIES_MOST   48
#define HOPELESS_MS  2000 /* without an answer, or the first at the pace: probes tried often ... */
#define DEAD_MS	     3000 /* ... and all are given up */
#define SOON	     8	  /* this part of the pace after a loss */
#define ROW_ANSWERS  8	  /* in a row: the pace is far too slow */

/* Time in which nothing was asked does not count. */
static void take_turn(const struct wn_paths *p, struct hop *hop)
{
	uint32_t gap_ms = wn_paths_ms(p) - hop->last_ms;
	uint32_t most_ms = (uint32_t)(2 * hop->interval_ns / MS);
	uint32_t idle_ms = gap_ms > most_ms ? gap_ms - most_ms : 0;

	hop->busy_ms += gap_ms - idle_ms;
	hop->came_ms += idle_ms;
	hop->last_ms += gap_ms;
	hop->next_ns = p->now_ns + hop->interval_ns;
}

bool wn_paths_may_send(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	if (p->now_ns < hop->next_ns) {
		p->wake_ns = hop->next_ns < p->wake_ns ? hop->next_ns : p->wake_ns;
		return false;
	}
	if (hop->limited)
		take_turn(p, hop);
	return true;
}

void wn_paths_first_try(struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	if (!hop->limited)
		hop->row[hop->row_count++ % ROW_MAX] = (uint16_t)flow;
}

/* The row of first tries at a TTL, as far as it is known what became of them. */
static bool has_few_runs(const struct wn_paths *p, unsigned ttl)
{
	const struct hop *hop = wn_paths_hop(p, ttl);
	uint32_t i = hop->row_count > ROW_MAX ? hop->row_count - ROW_MAX : 0;
	uint32_t counts[2] = {0, 0}, runs = 0, last = 2;

	for (; i < hop->row_count; i++) {
		const struct cell *cell = wn_paths_cell(p, hop->row[i % ROW_MAX], ttl);
		uint32_t lost = cell->first_lost;

		if (!lost && cell->state != CELL_SEEN)
			continue;
		counts[lost]++;
		runs += lost != last;
		last = lost;
	}
	return wn_chance_few_runs(counts[0], counts[1], runs) <= FEW_RUNS_PPB;
}

static void begin(struct wn_paths *p, struct hop *hop, bool sure)
{
	/* Silent branches lose as a limit does. */
	if (hop->star != NO_VERTEX && p->vertex[hop->star].flows >= SILENT_FLOWS)
		return;
	hop->limited = true;
	hop->sure = sure;
	hop->came = hop->in_row = hop->busy_ms = 0;
	hop->last_ms = hop->came_ms = wn_paths_ms(p);
	hop->interval_ns = FIRST_NS;
	hop->since_ms = wn_paths_ms(p);
	hop->next_ns = p->now_ns + hop->interval_ns;
}

static void end(struct hop *hop)
{
	hop->limited = false;
	hop->row_count = 0;
	hop->next_ns = 0;
}

/* Only what was asked at the pace tells of it. */
static bool is_paced(const struct hop *hop, const struct who *who)
{
	return hop->limited && (int32_t)(who->sent_ms - hop->since_ms) >= 0;
}

/* By how much, in 1/1000: until an answer has come it is far too fast. */
static uint64_t step_of(const struct hop *hop)
{
	return hop->sure && hop->came > 0 ? 200 : 500;
}

/* No slower than answers have come so far, and where the limit is sure not much faster. */
static void keep_to_rate(struct hop *hop)
{
	uint64_t rate_ns = hop->came ? hop->busy_ms * MS / hop->came : 0;

	if (hop->came < RATE_ANSWERS || rate_ns > SLOWEST_NS)
		rate_ns = SLOWEST_NS;
	else if (hop->sure && hop->interval_ns < rate_ns * 5 / 8)
		hop->interval_ns = rate_ns * 5 / 8;
	if (hop->interval_ns > rate_ns)
		hop->interval_ns = rate_ns;
}

void wn_paths_pace_lost(struct wn_paths *p, const struct who *who)
{
	struct hop *hop = wn_paths_hop(p, who->ttl);
	uint64_t most_ns, slower_ns;

	if (p->params.paths == WN_PATHS_FLOWS)
		return; /* nothing hangs on it */
	if (!hop->limited && hop->answered > 0 && has_few_runs(p, who->ttl)) {
		begin(p, hop, true);
		return;
	}
	if (!is_paced(hop, who))
		return;
	hop->in_row = 0;
	/* However many are lost while nothing comes: that is no longer than it has not come. */
	most_ns = (uint32_t)(who->sent_ms - hop->came_ms) * MS * 5 / 8;
	slower_ns = hop->interval_ns + hop->interval_ns * step_of(hop) / 1000;
	if (slower_ns > most_ns)
		slower_ns = most_ns;
	if (slower_ns > hop->interval_ns)
		hop->interval_ns = slower_ns;
	keep_to_rate(hop);
	/* The next answer may be due any moment: a limit that saves none up loses what is not used.
	 */
	if (hop->next_ns > p->now_ns + hop->interval_ns / SOON)
		hop->next_ns = p->now_ns + hop->interval_ns / SOON;
}

void wn_paths_pace_answered(struct wn_paths *p, const struct who *who, uint32_t tries)
{
	struct hop *hop = wn_paths_hop(p, who->ttl);
	double goes = hop->sure ? .75 : .5;
	uint64_t gap_ns;

	if (!hop->limited && hop->paused && tries > TRIES &&
		(int32_t)(who->sent_ms - hop->since_ms) >= 0)
		begin(p, hop, false);
	if (!is_paced(hop, who))
		return;
	hop->came++;
	gap_ns = (uint64_t)(uint32_t)(who->sent_ms - hop->came_ms) * MS;
	/* After losses: so long it took until there was one more. */
	if (hop->sure && hop->in_row == 0 && hop->interval_ns < gap_ns * 7 / 8)
		hop->interval_ns = gap_ns * 7 / 8;
	hop->came_ms = who->sent_ms;
	if (hop->came >= SURE_ANSWERS && hop->interval_ns >= SURE_NS)
		hop->sure = true;
	goes *= 1 - wn_paths_loss(p);
	if (++hop->in_row >= ROW_ANSWERS)
		hop->interval_ns /= 2;
	else
		hop->interval_ns -= (uint64_t)((double)hop->interval_ns * (double)step_of(hop) /
					       1000 * (1 - goes) / (goes + (1 - goes) * .5));
	keep_to_rate(hop);
	if (hop->interval_ns < FREE_NS)
		end(hop);
}

void wn_paths_pause(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	hop->paused = true;
	hop->next_ns = p->now_ns + PAUSE_NS;
	hop->since_ms = (uint32_t)(hop->next_ns / MS);
}

bool wn_paths_is_hopeless(const struct wn_paths *p, unsigned ttl, uint32_t tries)
{
	const struct hop *hop = wn_paths_hop(p, ttl);
	uint32_t silent_ms = wn_paths_ms(p) - hop->came_ms;

	return tries >= TRIES_MOST || silent_ms >= DEAD_MS ||
	       (hop->came == 0 && silent_ms >= HOPELESS_MS) ||
	       (tries >= TRIES_LIMITED && silent_ms >= HOPELESS_MS);
}
