/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which flows to probe next, TTL by TTL. A vertex needs so many flows, known to pass it, probed
 * one TTL on. Flows that pass it already come first. When there are too few, more flows are tried
 * at its own TTL (node control), as many as its share of them makes likely to help: directly, for
 * to lead them there through the TTLs before would cost more than it helps.
 */
#include "multipath/paths_priv.h"

#include "multipath/stopping.h"

#define STEER_MAX 64 /* flows tried at once to find one through a vertex */

/* More flows at a TTL to find some through one of its vertices. */
static void steer(struct wn_paths *p, unsigned ttl, uint32_t count)
{
	if (wn_paths_hop(p, ttl)->out + wn_paths_hop(p, ttl)->again > 0)
		return; /* what is under way may be enough */
	if (count > STEER_MAX)
		count = STEER_MAX;
	count = wn_paths_ask_spare(p, NO_VERTEX, ttl, count);
	if (count > 0)
		wn_paths_ask_new(p, ttl, count);
}

/* Nothing more is needed at this TTL, as far as is known now. */
static bool is_settled(const struct wn_paths *p, unsigned ttl)
{
	return ttl < p->params.first_ttl || wn_paths_hop(p, ttl)->settled;
}

/* ---- vertex by vertex ---- */

static bool delivers(const struct wn_paths *p, const struct vertex *v)
{
	return p->params.paths == WN_PATHS_LITE && v->succ == 1 &&
	       (p->vertex[v->sole].flags & VERTEX_END);
}

static uint32_t vertex_wants(struct wn_paths *p, const struct vertex *v)
{
	/* One first: it may be the target, and then it is enough. */
	if (p->params.paths == WN_PATHS_LITE && (v->succ == 0 || delivers(p, v)))
		return 1;
	return wn_paths_points(p, v->succ ? v->succ : 1);
}

static bool is_taken_for_granted(const struct wn_paths *p, uint16_t at, unsigned ttl)
{
	if (at == SOURCE || wn_paths_hop(p, ttl)->assume == at)
		return true;
	return (p->vertex[at].flags & VERTEX_SILENT) && wn_paths_hop(p, ttl)->answered == 0;
}

bool wn_paths_is_beyond(const struct wn_paths *p, const struct vertex *v)
{
	if (!(v->flags & VERTEX_SILENT) || p->target_ttl == 0 || v->ttl < p->target_ttl)
		return false;
	for (uint16_t i = wn_paths_hop(p, v->ttl)->first; i != NO_VERTEX; i = p->vertex[i].next)
		if (p->vertex[i].flows > 0 && !(p->vertex[i].flags & (VERTEX_END | VERTEX_SILENT)))
			return false;
	return true;
}

/*
 * Flows to try at the TTL of a vertex to get `count` more that pass it: fewer than its share among
 * all makes likely, since chance may bring them sooner, and a further round costs only time.
 */
static uint32_t tries_for(const struct hop *hop, const struct vertex *v, uint32_t count)
{
	uint64_t tries = (uint64_t)count * (hop->seen + hop->vertices) / (4 * (v->flows + 1));

	if (tries == 0)
		return 1;
	return tries < STEER_MAX ? (uint32_t)tries : STEER_MAX;
}

/* What the vertex still needs at ttl is asked for. Returns flows to be tried at its own TTL. */
static uint32_t plan_vertex(struct wn_paths *p, uint16_t at, unsigned ttl, uint32_t wants)
{
	const struct vertex *v = &p->vertex[at];
	uint32_t have = v->via + v->pending, missing;

	/* Without flows: silence that was none after all. */
	if ((v->flags & VERTEX_END) || have >= wants || v->flows == 0 || wn_paths_is_beyond(p, v))
		return 0;
	wn_paths_hop(p, ttl)->settled = false;
	missing = wn_paths_ask_spare(p, at, ttl, wants - have);
	if (missing == 0)
		return 0;
	if (is_taken_for_granted(p, at, ttl - 1)) {
		wn_paths_ask_new(p, ttl, missing);
		return 0;
	}
	/* Silence beside others may be a dead end, or one lost flow: then nobody looks for more. */
	if ((v->flags & VERTEX_SILENT) && (!(v->flags & VERTEX_GOES_ON) || v->flows < SILENT_FLOWS))
		return 0;
	return tries_for(wn_paths_hop(p, ttl - 1), v, missing);
}

static double miss_of(const struct wn_paths *p, const struct vertex *v)
{
	uint32_t flows = v->via + v->pending, share_ppm = p->params.min_share_ppm;
	uint32_t ppb = wn_stopping_miss_ppb(v->succ, flows);
	uint32_t by_share = share_ppm ? wn_stopping_miss_share_ppb(share_ppm, flows) : 0;

	return (by_share > ppb ? by_share : ppb) / (double)WN_STOPPING_PPB;
}

struct sum {
	double allowed, missed;
};

static void add_wide(const struct wn_paths *p, uint16_t at, struct sum *sum)
{
	const struct vertex *v = &p->vertex[at];

	if (v->succ < 3 || (v->flags & VERTEX_END) || wn_paths_is_hidden(p, at))
		return;
	sum->allowed += wn_paths_share(p, v->succ);
	sum->missed += miss_of(p, v);
}

/*
 * Wide vertices share what they may miss, those before one TTL and all of them: one that many
 * flows happen to pass makes up for one that few do. (Which flows pass it tells nothing of where
 * they go on.)
 */
static bool is_enough_together(const struct wn_paths *p, unsigned ttl)
{
	struct sum here = {0}, all = {0};

	if (p->params.miss_by_vertex || ttl == p->params.first_ttl)
		return false;
	for (uint16_t i = wn_paths_hop(p, ttl - 1)->first; i != NO_VERTEX; i = p->vertex[i].next)
		add_wide(p, i, &here);
	if (here.missed <= here.allowed)
		return true;
	for (uint16_t i = 0; i < p->vertex_count; i++)
		add_wide(p, i, &all);
	return all.missed <= all.allowed;
}

/* The wide ones, or the others, before a TTL. Returns flows to be tried at their TTL. */
static uint32_t plan_alike(struct wn_paths *p, unsigned ttl, bool wide, bool ready)
{
	uint32_t most = 0;

	for (uint16_t i = wn_paths_hop(p, ttl - 1)->first; i != NO_VERTEX; i = p->vertex[i].next) {
		struct vertex *v = &p->vertex[i];
		uint32_t tries;

		if ((v->succ > 2) != wide)
			continue;
		/* While vertices may still be added, one flow through each is all that is sure. */
		tries = plan_vertex(p, i, ttl, ready ? vertex_wants(p, v) : 1);
		most = tries > most ? tries : most;
	}
	return most;
}

/* A flow through any wide vertex, though not the one that needs it most: it helps the sum. */
static bool ask_for_sum(struct wn_paths *p, unsigned ttl)
{
	if (p->params.miss_by_vertex)
		return false;
	for (uint16_t i = wn_paths_hop(p, ttl - 1)->first; i != NO_VERTEX; i = p->vertex[i].next)
		if (p->vertex[i].succ > 2 && wn_paths_ask_spare(p, i, ttl, 1) == 0)
			return true;
	return false;
}

static void plan_by_vertex(struct wn_paths *p, unsigned ttl)
{
	bool ready = is_settled(p, ttl - 1);
	uint32_t narrow, wide = 0;

	if (ttl == p->params.first_ttl) {
		plan_vertex(p, SOURCE, ttl, vertex_wants(p, &p->vertex[SOURCE]));
		return;
	}
	wn_paths_hop(p, ttl)->settled &= ready;
	narrow = plan_alike(p, ttl, false, ready);
	if (!is_enough_together(p, ttl))
		wide = plan_alike(p, ttl, true, ready);
	if (wide > 0 && ask_for_sum(p, ttl))
		wide = 0;
	if (narrow > 0 || wide > 0)
		steer(p, ttl - 1, narrow > wide ? narrow : wide);
}

/* ---- a TTL as a whole ---- */

static bool only_target(const struct wn_paths *p, unsigned ttl)
{
	for (uint16_t i = wn_paths_hop(p, ttl)->first; i != NO_VERTEX; i = p->vertex[i].next)
		if (p->vertex[i].flows > 0 && !(p->vertex[i].flags & VERTEX_END))
			return false;
	/* Without vertices: whoever answered there is known to end nearer. */
	return wn_paths_hop(p, ttl)->vertices + wn_paths_hop(p, ttl)->answered > 0;
}

static bool is_single(const struct wn_paths *p, unsigned ttl)
{
	return ttl < p->params.first_ttl || wn_paths_hop(p, ttl)->vertices == 1;
}

static uint32_t hop_wants(struct wn_paths *p, unsigned ttl)
{
	uint32_t k = wn_paths_hop(p, ttl)->vertices;

	if (k == 0)
		return 1;
	if (p->params.paths == WN_PATHS_NODES && k == 1 &&
		(ttl == p->params.first_ttl || (only_target(p, ttl) && is_single(p, ttl - 1))))
		return 1;
	/*
	 * LITE: that all those before it lead to this one alone was asked of none of them. What is
	 * missed here hides what they are, so that nothing of it is in what they may miss: it comes
	 * on top, and is made as good as nothing.
	 */
	if (p->params.paths == WN_PATHS_LITE && k == 1 && !only_target(p, ttl))
		return 2 * wn_paths_points(p, 1);
	return wn_paths_points(p, k);
}

/* Flows through vertices that were asked about least come first: all of them shall have a say. */
static uint32_t ask_spread(struct wn_paths *p, unsigned ttl, uint32_t count)
{
	uint16_t i = ttl > p->params.first_ttl ? wn_paths_hop(p, ttl - 1)->first : NO_VERTEX;

	for (; i != NO_VERTEX && count > 0; i = p->vertex[i].next) {
		const struct vertex *v = &p->vertex[i];

		if ((v->flags & VERTEX_END) || v->via + v->pending > 0)
			continue;
		count -= 1 - wn_paths_ask_spare(p, i, ttl, 1);
	}
	return wn_paths_ask_spare(p, NO_VERTEX, ttl, count);
}

static void plan_by_hop(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);
	uint32_t have = hop->seen + hop->out + hop->again, wants = hop_wants(p, ttl), missing;

	if (ttl > p->params.first_ttl && only_target(p, ttl - 1))
		return;
	if (p->params.paths != WN_PATHS_NODES && !is_settled(p, ttl - 1)) {
		hop->settled = false;
		wants = 1;
	}
	if (have >= wants)
		return;
	hop->settled = false;
	missing = ask_spread(p, ttl, wants - have);
	if (missing > 0)
		wn_paths_ask_new(p, ttl, missing);
}

static bool has_crossing(const struct wn_paths *p, unsigned ttl)
{
	for (uint16_t i = wn_paths_hop(p, ttl - 1)->first; i != NO_VERTEX; i = p->vertex[i].next)
		if (p->vertex[i].succ > 1)
			return true;
	return false;
}

/* MDA-Lite: where not all ways meet, a few flows through each vertex, and do they part again? */
static void plan_meshing(struct wn_paths *p, unsigned ttl)
{
	uint32_t most = 0, tries;

	if (wn_paths_hop(p, ttl)->vertices < 2)
		return;
	if (has_crossing(p, ttl)) {
		wn_paths_hop(p, ttl)->meshed = true;
		return;
	}
	for (uint16_t i = wn_paths_hop(p, ttl - 1)->first; i != NO_VERTEX; i = p->vertex[i].next) {
		tries = plan_vertex(p, i, ttl, LITE_PHI);
		most = tries > most ? tries : most;
	}
	if (most > 0)
		steer(p, ttl - 1, most);
}

/* The first vertex at a TTL that flows pass; there is one. */
static uint16_t first_alive(const struct wn_paths *p, unsigned ttl)
{
	uint16_t i = wn_paths_hop(p, ttl)->first;

	while (p->vertex[i].flows == 0)
		i = p->vertex[i].next;
	return i;
}

/*
 * Nobody before it has another successor, as far as chance allows to say: every flow passes it, and
 * need not be probed here to be one of its own. Found silent it stays so without that.
 */
static void plan_single(struct wn_paths *p, unsigned ttl)
{
	struct hop *hop = wn_paths_hop(p, ttl);

	if (p->params.paths == WN_PATHS_NODES || hop->answered == 0)
		return;
	if (hop->vertices != 1 || (p->vertex[first_alive(p, ttl)].flags & VERTEX_END))
		hop->assume = NO_VERTEX;
	else if (hop->settled && hop->out + hop->again == 0)
		hop->assume = first_alive(p, ttl);
}

/*
 * But links shall have been seen, as far as that is cheap: one of the flows that came on by it is
 * probed here, too.
 */
static void plan_proofs(struct wn_paths *p, unsigned ttl)
{
	uint16_t at = wn_paths_hop(p, ttl)->assume;

	if (at == NO_VERTEX || ttl == p->params.max_ttl ||
		(p->params.paths == WN_PATHS_LITE && p->vertex[at].succ > LITE_WIDTH) ||
		(p->vertex[at].flags & VERTEX_SILENT) ||
		wn_paths_hop(p, ttl)->out + wn_paths_hop(p, ttl)->again > 0)
		return;
	for (uint32_t flow = 0; flow < p->used; flow++) {
		uint16_t to = wn_paths_vertex_of(p, flow, ttl + 1);
		struct link *l = to == NO_VERTEX ? NULL : wn_paths_link(p, at, to);

		if (!l || l->proved || wn_paths_cell(p, flow, ttl)->state != CELL_NONE ||
			wn_paths_cell(p, flow, ttl + 1)->state != CELL_SEEN)
			continue;
		if (!wn_paths_ask(p, flow, ttl))
			return;
		l->proved = true;
	}
}

static void plan_hop(struct wn_paths *p, unsigned ttl)
{
	bool wide = ttl > p->params.first_ttl && wn_paths_hop(p, ttl - 1)->vertices > LITE_WIDTH &&
		    !wn_paths_hop(p, ttl)->meshed;

	if (wn_paths_is_whole(p, ttl)) {
		plan_by_hop(p, ttl);
	} else if (p->params.paths == WN_PATHS_LITE && wide) {
		plan_by_hop(p, ttl);
		plan_meshing(p, ttl);
	} else {
		plan_by_vertex(p, ttl);
	}
}

static bool is_silent(const struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	uint16_t at = wn_paths_vertex_of(p, flow, ttl);

	return at != NO_VERTEX && (p->vertex[at].flags & VERTEX_SILENT);
}

/* Flow 0 met silence where others may go on: its branch may be a dead end. */
static bool is_leader_lost(const struct wn_paths *p, unsigned ttl)
{
	return ttl > p->params.first_ttl && wn_paths_hop(p, ttl - 1)->answered > 0 &&
	       (is_silent(p, 0, ttl - 1) || is_silent(p, 0, ttl));
}

void wn_paths_plan(struct wn_paths *p)
{
	unsigned last;

	p->asked = 0;
	p->wake_ns = NEVER;
	if (p->params.paths == WN_PATHS_FLOWS) {
		wn_paths_plan_flows(p);
		return;
	}
	if (p->used == 0) {
		p->used = 1;
		p->ends[0] = 0;
	}
	wn_paths_count(p);
	last = wn_paths_last_ttl(p);
	wn_paths_plan_lost(p);
	for (unsigned ttl = p->params.first_ttl; ttl <= last; ttl++) {
		bool known = wn_paths_hop(p, ttl)->answered > 0;

		/* Before anybody has answered there, flow 0 asks alone, if it can. */
		if (known || (p->ends[0] != 0 && ttl > p->ends[0]) || is_leader_lost(p, ttl))
			plan_hop(p, ttl);
		wn_paths_hop(p, ttl)->settled &=
			wn_paths_hop(p, ttl)->out + wn_paths_hop(p, ttl)->again == 0;
		if (known)
			wn_paths_kind_plan(p, ttl);
		plan_single(p, ttl);
		plan_proofs(p, ttl);
	}
	wn_paths_plan_ahead(p);
}
