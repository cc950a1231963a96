/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was lost is asked for again before it is taken for silence, because a flow that shows
 * nothing says nothing about links: so often that the loss seen on this path hardly explains it.
 * Where nobody at a TTL has ever answered, a few flows are enough for all. Where others have
 * answered, the last try comes more than a second later, the usual time in which a router's limit
 * of replies lets the next one out (limit.c).
 */
#include "multipath/paths_priv.h"

double wn_paths_loss(const struct wn_paths *p)
{
	return p->recovered / (double)(p->recovered + p->answered + 1);
}

/*
 * Lost answers in a row that are silence: at the rate at which answers were lost that came when
 * asked for again, chance makes that happen to hardly any of the probes there are.
 */
uint32_t wn_paths_silence(const struct wn_paths *p)
{
	double loss = wn_paths_loss(p), chance = p->sent + 1.0;
	uint32_t tries = 0, least = TRIES + (p->recovered > 0);

	if (p->params.paths == WN_PATHS_FLOWS)
		return TRIES_FLOWS; /* nothing hangs on it */
	for (; tries < least || (chance > UNLIKELY && tries < TRIES_LIMITED); tries++)
		chance *= loss;
	return tries;
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
	else if (hop->limited ? wn_paths_is_hopeless(p, who->ttl, cell->tries)
			      : cell->tries >= wn_paths_silence(p))
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
