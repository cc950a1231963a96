/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was lost is asked for again before it is taken for silence, because a flow that shows
 * nothing says nothing about links: so often that the loss seen on this path hardly explains it.
 * Where nobody at a TTL has ever answered, a few flows are enough for all. Where others have
 * answered, the tries spread over more than a second, the usual time in which a router's limit of
 * replies lets the next one out; and once that is seen to help, the TTL is probed no faster than
 * its answers come.
 */
#include "multipath/paths_priv.h"

bool wn_paths_may_send(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	if (p->now_ns < hop->next_ns) {
		p->wake_ns = hop->next_ns < p->wake_ns ? hop->next_ns : p->wake_ns;
		return false;
	}
	if (hop->limited)
		hop->next_ns = p->now_ns + hop->interval_ns;
	return true;
}

/*
 * Lost answers in a row that are silence: at the rate at which answers were lost that came when
 * asked for again, chance makes that happen to hardly any of the probes there are.
 */
uint32_t wn_paths_silence(const struct wn_paths *p)
{
	double loss = p->recovered / (double)(p->recovered + p->answered + 1);
	double chance = p->sent + 1.0;
	uint32_t tries = 0;

	if (p->params.paths == WN_PATHS_FLOWS)
		return TRIES_FLOWS; /* nothing hangs on it */
	for (; tries < TRIES || (chance > UNLIKELY && tries < TRIES_LIMITED); tries++)
		chance *= loss;
	return tries;
}

static void slow_down(struct wn_paths *p, struct hop *hop)
{
	hop->interval_ns += hop->interval_ns / 2;
	if (hop->interval_ns > LIMIT_LAST_NS)
		hop->interval_ns = LIMIT_LAST_NS;
	hop->next_ns = p->now_ns + hop->interval_ns;
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

void wn_paths_lost(struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	struct cell *cell = wn_paths_cell(p, flow, ttl);
	struct hop *hop = wn_paths_hop(p, ttl);

	if (cell->state != CELL_OUT)
		return;
	hop->lost++;
	hop->lost_since++;
	cell->state = CELL_AGAIN;
	if (hop->answered == 0) {
		if (hop->lost >= wn_paths_silence(p))
			give_up(p, flow, ttl);
		return;
	}
	if (cell->tries >= (hop->limited ? TRIES_LIMITED : wn_paths_silence(p))) {
		give_up(p, flow, ttl);
		return;
	}
	if (hop->limited)
		slow_down(p, hop);
	else if (p->params.paths != WN_PATHS_FLOWS &&
		 hop->lost_since >= LIMIT_LOST) /* else it looks like chance */
		hop->next_ns = p->now_ns + (cell->tries > 1 ? RETRY_LAST_NS : RETRY_NS);
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

void wn_paths_answered(struct wn_paths *p, unsigned ttl, uint32_t tries)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	p->answered++;
	p->recovered += tries - 1;
	hop->answered++;
	if (hop->assume != NO_VERTEX && hop->assume == hop->star) {
		hop->assume = NO_VERTEX; /* not silent after all */
		take_back(p, ttl, TRIES_LIMITED);
	}
	if (p->params.paths != WN_PATHS_FLOWS && tries > 1 && hop->lost_since >= LIMIT_LOST &&
		!hop->limited && hop->answered > 1) {
		hop->limited = true;
		hop->interval_ns = LIMIT_FIRST_NS;
	} else if (hop->limited)
		hop->interval_ns -= hop->interval_ns / 8;
	hop->lost_since = 0;
}

void wn_paths_retry(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	/* As more is known of the loss on this path, more tries may be worth while. */
	if (hop->answered > 0 && hop->star != NO_VERTEX && p->vertex[hop->star].flows > 0)
		take_back(p, ttl, wn_paths_silence(p));
	for (uint32_t flow = 0; flow < p->used && hop->again > 0; flow++) {
		struct cell *cell = wn_paths_cell(p, flow, ttl);

		if (cell->state != CELL_AGAIN)
			continue;
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
