/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was lost is asked for again before it is taken for silence, because a flow that shows
 * nothing says nothing about links: so often that the loss seen on this path hardly explains it.
 * Where nobody at a TTL has ever answered, a few flows are enough for all. Where others have
 * answered, the last try comes more than a second later, the usual time in which a router's limit
 * of replies lets the next one out (limit.c).
 */
#include "multipath/paths_priv.h"

#define SILENT_CHANCE .002 /* of a flow to be taken for silent though its answers got lost */

double wn_paths_loss(const struct wn_paths *p)
{
	return p->recovered / (double)(p->recovered + p->answered + 1);
}

static uint32_t silence_at(const struct wn_paths *p, double loss)
{
	double chance = p->sent + 1.0;
	uint32_t tries = 0, least = TRIES + (p->recovered > 0);

	if (p->params.paths == WN_PATHS_FLOWS)
		return TRIES_FLOWS; /* nothing hangs on it */
	for (; tries < least || (chance > UNLIKELY && tries < TRIES_LOSSY); tries++)
		chance *= loss;
	return tries;
}

/*
 * Lost answers in a row that are silence: at the rate at which answers were lost that came when
 * asked for again, chance makes that happen to hardly any of the probes there are.
 */
uint32_t wn_paths_silence(const struct wn_paths *p)
{
	return silence_at(p, wn_paths_loss(p));
}

uint32_t wn_paths_darkness(const struct wn_paths *p, unsigned ttl)
{
	const struct hop *next = wn_paths_hop(p, ttl < p->params.max_ttl ? ttl + 1 : ttl);
	double loss = wn_paths_loss(p), there = next->lost / (next->lost + next->answered + 1.0);

	return silence_at(p, next->answered > 0 && !next->limited && there > loss ? there : loss);
}

/* Then each of them may be a dead end of its own, and the silence of one says nothing of others. */
bool wn_paths_is_behind_several(const struct wn_paths *p, unsigned ttl)
{
	return ttl > p->params.first_ttl && wn_paths_hop(p, ttl - 1)->vertices > 1;
}

static void give_up(struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	static const struct wn_addr nobody = {0};
	struct cell *cell = wn_paths_cell(p, flow, ttl);
	struct hop *hop = wn_paths_hop(p, ttl);

	hop->star = wn_paths_vertex(p, ttl, &nobody);
	cell->state = hop->star == NO_VERTEX ? CELL_NONE : CELL_SEEN;
	cell->vertex = hop->star;
	if (hop->answered == 0 && !wn_paths_is_behind_several(p, ttl))
		hop->assume = hop->star;
}

/* Silent branches are known here: so many tries until a further flow is taken to be in one. */
static uint32_t tries_beside_silence(const struct wn_paths *p, const struct hop *hop)
{
	double loss = wn_paths_loss(p) + 1 / (hop->answered + 2.0), chance = loss;
	uint32_t tries = 1;

	for (; chance > SILENT_CHANCE && tries < wn_paths_silence(p); tries++)
		chance *= loss;
	return tries;
}

static bool is_enough(const struct wn_paths *p, const struct cell *cell, unsigned ttl)
{
	const struct hop *hop = wn_paths_hop(p, ttl);

	if (hop->limited)
		return wn_paths_is_hopeless(p, ttl, cell->tries);
	if (hop->star != NO_VERTEX && p->vertex[hop->star].flows >= SILENT_FLOWS)
		return cell->tries >= tries_beside_silence(p, hop);
	return cell->tries >= wn_paths_silence(p);
}

/* The last try comes after a pause, unless silence is known there already. */
static bool is_last_try(const struct wn_paths *p, const struct hop *hop, const struct cell *cell)
{
	uint32_t tries = wn_paths_silence(p);
	bool known = hop->star != NO_VERTEX && p->vertex[hop->star].flows > 0;

	return p->params.paths != WN_PATHS_FLOWS && !hop->limited && !known && cell->tries == tries;
}

void wn_paths_lost(struct wn_paths *p, const struct who *who)
{
	uint32_t flow = who->flow - p->params.flow;
	struct cell *cell = wn_paths_cell(p, flow, who->ttl);
	struct hop *hop = wn_paths_hop(p, who->ttl);

	if (cell->state != CELL_OUT)
		return;
	hop->lost++;
	hop->lost_since++;
	cell->first_lost |= cell->tries == 1;
	cell->state = CELL_AGAIN;
	if (hop->answered == 0) {
		if (hop->lost >= wn_paths_silence(p))
			give_up(p, flow, who->ttl);
		return;
	}
	wn_paths_pace_lost(p, who);
	if (is_last_try(p, hop, cell))
		wn_paths_pause(p, who->ttl);
	else if (is_enough(p, cell, who->ttl))
		give_up(p, flow, who->ttl);
}

/* Others have answered there: who was taken for silent after less than `tries` is asked again. */
static void take_back(struct wn_paths *p, unsigned ttl, uint32_t tries)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	for (uint32_t flow = 0; flow < p->used; flow++) {
		struct cell *cell = wn_paths_cell(p, flow, ttl);

		if (cell->state != CELL_SEEN || cell->vertex != hop->star || cell->tries >= tries)
			continue;
		cell->state = CELL_AGAIN;
		hop->again++;
	}
}

void wn_paths_answered(struct wn_paths *p, const struct who *who, uint32_t tries)
{
	struct hop *hop = wn_paths_hop(p, who->ttl);

	p->answered++;
	if (!hop->limited)
		p->recovered += tries - 1;
	hop->answered++;
	if (hop->assume != NO_VERTEX && hop->assume == hop->star) {
		hop->assume = NO_VERTEX; /* not silent after all */
		take_back(p, who->ttl, TRIES_LIMITED);
	}
	if (hop->answered > 1)
		wn_paths_pace_answered(p, who, tries);
	hop->lost_since = 0;
}

/* Of those to be asked again, the one that was asked least. */
static uint32_t least_tried(const struct wn_paths *p, unsigned ttl)
{
	uint32_t least = p->used;

	for (uint32_t flow = 0; flow < p->used; flow++) {
		const struct cell *cell = wn_paths_cell(p, flow, ttl);

		if (cell->state == CELL_AGAIN &&
			(least == p->used || cell->tries < wn_paths_cell(p, least, ttl)->tries))
			least = flow;
	}
	return least;
}

void wn_paths_retry(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	/* As more is known of the loss on this path, more tries may be worth while. */
	if (hop->answered > 0 && hop->star != NO_VERTEX && p->vertex[hop->star].flows > 0)
		take_back(p, ttl, wn_paths_silence(p));
	while (hop->again > 0) {
		uint32_t flow = least_tried(p, ttl);
		struct cell *cell;

		if (flow == p->used)
			return;
		cell = wn_paths_cell(p, flow, ttl);
		/* Meanwhile silence is taken for granted. */
		if (hop->assume != NO_VERTEX && hop->assume == hop->star) {
			cell->state = CELL_SEEN;
			cell->vertex = hop->assume;
			hop->again--;
			continue;
		}
		if (!wn_paths_ask(p, flow, ttl))
			return;
	}
}
