/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow 0 walks ahead of all others, alone, so that a near target is not met by flows that nobody
 * needs; where it meets silence it goes several TTLs at once, with some company. Where the number
 * of flows is fixed the others follow it.
 */
#include "multipath/paths_priv.h"

#define AHEAD_DARK 6

static bool is_dark(const struct wn_paths *p, unsigned ttl)
{
	const struct hop *hop = wn_paths_hop(p, ttl);

	return hop->answered == 0 && hop->lost > 0;
}

/* Where nobody answers, a few flows at a time find out quickly. */
static void ask_dark(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);
	uint32_t flow = 0;

	if (hop->assume != NO_VERTEX)
		return;
	while (hop->out + hop->again + hop->lost < DARK_FLOWS) {
		while (flow < p->used && wn_paths_cell(p, flow, ttl)->state != CELL_NONE)
			flow++;
		if (flow == p->used && !wn_paths_take_flow(p, &flow))
			return;
		if (!wn_paths_ask(p, flow, ttl))
			return;
	}
}

unsigned wn_paths_last_ttl(const struct wn_paths *p)
{
	unsigned last = p->params.first_ttl - 1u;

	for (unsigned ttl = p->params.first_ttl; ttl <= p->params.max_ttl; ttl++)
		if (wn_paths_hop(p, ttl)->answered > 0)
			last = ttl;
	return last < p->params.max_ttl ? last + 1 : last;
}

/* What was taken for silence when less was known of the loss on this path is looked at again. */
static void plan_doubt(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);
	uint32_t have = hop->lost + hop->out + hop->again, wants;

	if (hop->answered > 0 || hop->assume == NO_VERTEX)
		return;
	if (wn_paths_is_behind_several(p, ttl)) {
		hop->assume = NO_VERTEX;
		return;
	}
	wants = wn_paths_darkness(p, ttl);
	/* It may be one branch that is silent: then others answer to one of so many flows. */
	if (p->params.paths != WN_PATHS_FLOWS && ttl + 1 < wn_paths_last_ttl(p)) {
		uint32_t flows = wn_paths_points(p, 1), asked = hop->seen + hop->out + hop->again;

		if (flows > asked && wants < have + flows - asked)
			wants = have + flows - asked;
	}
	if (have >= wants)
		return;
	wants = wn_paths_ask_spare(p, NO_VERTEX, ttl, wants - have);
	if (wants > 0)
		wn_paths_ask_new(p, ttl, wants);
}

void wn_paths_plan_lost(struct wn_paths *p)
{
	for (unsigned ttl = p->params.first_ttl; ttl <= p->params.max_ttl; ttl++) {
		wn_paths_retry(p, ttl);
		plan_doubt(p, ttl);
	}
}

static void plan_vanguard(struct wn_paths *p)
{
	unsigned ttl = p->params.first_ttl, silent = 0, ahead = AHEAD_DARK;

	for (; ttl <= p->params.max_ttl; ttl++) {
		uint16_t at = wn_paths_vertex_of(p, 0, ttl);

		if (at == NO_VERTEX)
			break;
		if (p->ends[0] != 0 && ttl >= p->ends[0])
			return;
		silent = p->vertex[at].flags & VERTEX_SILENT ? silent + 1 : 0;
	}
	if (ttl > p->params.max_ttl)
		return;
	if (silent == 0 && !is_dark(p, ttl)) {
		if (wn_paths_cell(p, 0, ttl)->state == CELL_NONE)
			wn_paths_ask(p, 0, ttl);
		return;
	}
	for (; ttl <= p->params.max_ttl && silent < p->params.gap && ahead > 0;
		ttl++, silent++, ahead--)
		if (wn_paths_hop(p, ttl)->answered == 0)
			ask_dark(p, ttl);
}

/*
 * Who looked for somebody beyond a silent TTL may have met the target, and only then was it seen
 * to stand nearer. A flow that is known to have met it later than others is asked where these met
 * it, and only if it passes there farther on: it may have a longer way, or the same.
 */
/* It lost all its answers where others met the target, and hardly anybody else did. */
static bool is_doubtful(const struct wn_paths *p, const struct cell *cell, unsigned ttl)
{
	const struct vertex *v = &p->vertex[cell->vertex];

	return (v->flags & VERTEX_SILENT) && cell->tries < 2 * wn_paths_silence(p) + 2 &&
	       (v->flows == 1 || v->flows * 8 <= wn_paths_hop(p, ttl)->seen);
}

static void plan_late_end(struct wn_paths *p, uint32_t flow, unsigned nearest)
{
	for (unsigned ttl = nearest; ttl < p->ends[flow]; ttl++) {
		struct cell *cell = wn_paths_cell(p, flow, ttl);

		if (wn_paths_hop(p, ttl)->answered == 0)
			continue;
		if (cell->state == CELL_SEEN && !is_doubtful(p, cell, ttl))
			continue;
		if (cell->state == CELL_SEEN || cell->state == CELL_NONE)
			wn_paths_ask(p, flow, ttl);
		return;
	}
}

static void plan_late_ends(struct wn_paths *p)
{
	unsigned nearest = 0;

	for (uint32_t flow = 0; flow < p->used; flow++)
		if (p->ends[flow] != 0 && (nearest == 0 || p->ends[flow] < nearest))
			nearest = p->ends[flow];
	for (uint32_t flow = 0; flow < p->used; flow++)
		if (p->ends[flow] > nearest)
			plan_late_end(p, flow, nearest);
}

void wn_paths_plan_ahead(struct wn_paths *p)
{
	plan_vanguard(p);
	plan_late_ends(p);
}

/* ---- a fixed number of flows ---- */

/* Where flow 0 or another has found somebody, and one step farther than it is known itself. */
static void plan_flow(struct wn_paths *p, uint32_t flow)
{
	for (unsigned ttl = p->params.first_ttl; ttl <= p->params.max_ttl; ttl++) {
		if (p->ends[flow] != 0 && ttl > p->ends[flow])
			return;
		if (wn_paths_vertex_of(p, flow, ttl) == NO_VERTEX &&
			(wn_paths_hop(p, ttl)->answered > 0 ||
				wn_paths_is_spare(p, flow, ttl, NO_VERTEX)) &&
			wn_paths_cell(p, flow, ttl)->state == CELL_NONE)
			wn_paths_ask(p, flow, ttl);
	}
}

void wn_paths_plan_flows(struct wn_paths *p)
{
	p->used = p->flows;
	wn_paths_count(p);
	wn_paths_plan_lost(p);
	plan_vanguard(p);
	for (uint32_t flow = 1; flow < p->flows && wn_paths_last_ttl(p) > p->params.first_ttl;
		flow++)
		plan_flow(p, flow);
}
