/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the chance of missing something in the whole graph is shared out.
 *
 * Something is missed when a vertex is left before its last successor came. Say that is one vertex
 * of two successors: it looked like a single one, and was left after as many flows as those get,
 * while everything else was found. That may happen to each of the pairs, so the chance of it,
 * times the pairs found and the one that was not, belongs to what is allowed; and so does the
 * chance that one of the wider vertices is left with one successor too few:
 *
 *     (pairs + 1) * miss of a single vertex + sum over wider ones of their miss  <=  allowed
 *
 * Where the line is drawn between the two makes no difference to that, but to the probes needed:
 * single vertices are many, and each flow more is paid for at each of them, and at the TTL before
 * to find it; a wide one needs the more flows the wider it is. The cheapest line is taken.
 */
#include "multipath/paths_priv.h"

#include <string.h>

#include "multipath/stopping.h"

#define LINES_TRIED 5
#define WIDE_BASE   48 /* wider vertices share by their width and this: the wider, the dearer */

struct found {
	uint32_t singles, pairs;
	double wide; /* weight of all wider ones */
};

static double weight_of(uint32_t k)
{
	return WIDE_BASE + (double)k;
}

static void find(struct found *f, uint32_t k, uint32_t count)
{
	if (k < 2)
		f->singles += count;
	else if (k == 2)
		f->pairs++;
	else
		f->wide += weight_of(k);
}

/* Where TTLs are judged as a whole they are what may miss something. */
static struct found find_all(const struct wn_paths *p)
{
	struct found f = {.singles = 1};

	for (uint32_t i = 0; i < p->hops; i++)
		if (wn_paths_is_whole(p, p->params.first_ttl + i))
			find(&f, p->hop[i].vertices, 1);
	for (uint16_t i = 0; i < p->vertex_count && p->params.paths != WN_PATHS_NODES; i++) {
		const struct vertex *v = &p->vertex[i];
		uint32_t width = i == SOURCE ? 1 : wn_paths_hop(p, v->ttl)->vertices;
		/* Those that get flows of their own, see plan.c. */
		bool own = width > 1 && (p->params.paths == WN_PATHS_FULL || width <= LITE_WIDTH);

		if (!(v->flags & VERTEX_END) && !wn_paths_is_hidden(p, i))
			find(&f, v->succ, own);
	}
	return f;
}

static double half_to(uint32_t n)
{
	double chance = 1;

	for (; n > 0; n--)
		chance /= 2;
	return chance;
}

/*
 * What wide vertices may miss: where one of them is left too early all the pairs have been found,
 * and what these might have been missed by is no more than single vertices get when all but one of
 * the pairs are known.
 */
static double left_for_wide(const struct wn_paths *p, uint32_t pairs)
{
	uint32_t flows = 2;

	while (pairs * half_to(flows - 1) >= p->miss)
		flows++;
	return p->miss - pairs * half_to(flows - 1);
}

/* What a vertex with k successors may miss, when a single one gets `flows` flows. */
static double miss_at(const struct wn_paths *p, const struct found *f, uint32_t flows, uint32_t k)
{
	double single = half_to(flows - 1);
	double left = p->miss - (f->pairs + 1) * single;

	if (k < 2)
		return single;
	/* It may be one of three: then it is no pair, whose part it takes over. */
	if (k == 2)
		return 2 * single + (f->wide > 0 ? 0 : left);
	return left_for_wide(p, f->pairs) * weight_of(k) / (f->wide > 0 ? f->wide : weight_of(k));
}

static double cost_at(const struct wn_paths *p, const struct found *f, uint32_t flows)
{
	double cost = 2.0 * f->singles * flows;

	for (uint16_t i = 0; i < p->vertex_count; i++) {
		const struct vertex *v = &p->vertex[i];
		uint32_t need;

		if (v->succ < 2 || (v->flags & VERTEX_END))
			continue;
		need = wn_stopping_flows(v->succ, miss_at(p, f, flows, v->succ), 0);
		cost += need > v->via ? need : v->via;
	}
	return cost;
}

void wn_paths_share_out(struct wn_paths *p)
{
	struct found f = find_all(p);
	uint32_t flows = 2, best = 0, tried = 0;
	double least = 0;

	if (p->single_flows > 0 && p->found_singles == f.singles && p->found_pairs == f.pairs &&
		p->found_wide == f.wide)
		return;
	for (; tried < LINES_TRIED; flows++) {
		double cost, left = p->miss - (f.pairs + 1) * half_to(flows - 1);

		if (left < 0)
			continue;
		tried++;
		cost = cost_at(p, &f, flows);
		if (best == 0 || cost < least) {
			best = flows;
			least = cost;
		}
	}
	p->single_flows = best;
	p->found_singles = f.singles;
	p->found_pairs = f.pairs;
	p->found_wide = f.wide;
	memset(p->points, 0, sizeof(p->points));
}

double wn_paths_share(const struct wn_paths *p, uint32_t k)
{
	struct found f = {p->found_singles, p->found_pairs, p->found_wide};

	return p->params.miss_by_vertex ? p->miss : miss_at(p, &f, p->single_flows, k);
}

uint32_t wn_paths_points(struct wn_paths *p, uint32_t k)
{
	uint32_t share_ppm = p->params.min_share_ppm;

	if (k >= POINTS_MAX)
		return wn_stopping_flows(k, wn_paths_share(p, k), share_ppm);
	if (p->points[k] == 0)
		p->points[k] = wn_stopping_flows(k, wn_paths_share(p, k), share_ppm);
	return p->points[k];
}
