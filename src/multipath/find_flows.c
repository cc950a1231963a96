/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What flows tell together, where all paths were looked for. Each of them was asked too few times
 * to tell a path that changed from packets that go their own ways; but one change is one moment for
 * all of them, and from it on flows that nobody saw before may all go one way.
 */
#include "multipath/find_int.h"

#include "base/alloc.h"
#include "base/sort.h"
#include "multipath/chance.h"
#include "multipath/graph.h"

#define SEEN_PPB       (WN_CHANCE_PPB / 1000) /* flows may be dealt out in some order: be strict */
#define LIKELY_PPB     (WN_CHANCE_PPB / 1000000)
#define ROUTERS_MAX    64 /* behind one more are not looked at */
#define MOMENTS_LIKELY 3  /* changes of one path in one trace, which are rare */
#define MOMENTS_SURE   8
#define LATER_CHANCE   0.01 /* that the change was later (or earlier) than said */

/* ---- one moment, or several ---- */

static bool span_less(const void *items, size_t a, size_t b)
{
	const struct wn_span *s = items;

	return s[a].to_ns != s[b].to_ns ? s[a].to_ns < s[b].to_ns : s[a].from_ns < s[b].from_ns;
}

/* Times in which the answers of a flow changed. */
static uint32_t add_spans(
	const struct wn_finder *f, const struct wn_slice *slice, struct wn_span *out)
{
	const struct wn_seen *prev = NULL;
	uint32_t n = 0;

	for (uint32_t i = slice->first; i < slice->first + slice->count; i++) {
		const struct wn_seen *s = &f->seen[i];

		if (wn_seen_responder(f, s) == WN_NONE)
			continue;
		if (prev && wn_seen_responder(f, s) != wn_seen_responder(f, prev))
			out[n++] = (struct wn_span){prev->sent_ns, s->sent_ns};
		prev = s;
	}
	return n;
}

/* At how many moments the path must have changed to explain what all flows met at a TTL. */
static uint32_t count_moments(struct wn_finder *f, uint8_t ttl)
{
	struct wn_span *spans = wn_calloc((size_t)f->seen_count + 1, sizeof(*spans));
	uint32_t count = 0, moments = 0;
	uint64_t last_ns = 0;
	struct wn_slice slice;

	if (!spans) {
		f->err = WN_ENOMEM;
		return 0;
	}
	for (uint32_t lane = 0; lane < f->lane_count; lane++)
		for (uint32_t at = f->lane_first[lane]; wn_find_slice(f, lane, &at, &slice);)
			if (slice.ttl == ttl)
				count += add_spans(f, &slice, spans + count);
	wn_sort_array(spans, count, sizeof(*spans), span_less);
	for (uint32_t i = 0; i < count; i++) {
		if (moments > 0 && spans[i].from_ns < last_ns)
			continue;
		last_ns = spans[i].to_ns;
		moments++;
	}
	wn_free(spans);
	return moments;
}

/* Whether the graph says so of a node behind which the finding is. */
static bool is_per_packet(const struct wn_graph *g, const struct wn_finding *finding)
{
	unsigned ttl = finding->first.ttl - 1u;

	for (uint32_t i = g->hop_first[ttl]; i < g->hop_first[ttl + 1]; i++)
		if (g->nodes[i].lb == WN_LB_PACKET &&
			(finding->before.ttl != ttl ||
				g->nodes[i].responder == finding->before.responder))
			return true;
	return false;
}

static struct wn_finding *find_packets(const struct wn_finder *f, const struct wn_finding *than)
{
	for (uint32_t i = 0; i < f->out->count; i++) {
		struct wn_finding *have = &f->out->list[i];

		if (have != than && have->kind == WN_FINDING_PER_PACKET &&
			have->first.ttl <= than->last.ttl && have->last.ttl >= than->first.ttl)
			return have;
	}
	return NULL;
}

/* By how many moments would have to be; one flow alone may have told more. */
static void raise_certainty(struct wn_finding *finding, uint32_t moments)
{
	enum wn_certainty by = moments > MOMENTS_SURE	   ? WN_CERTAIN
			       : moments >= MOMENTS_LIKELY ? WN_LIKELY
							   : WN_POSSIBLE;

	finding->u.epoch.moments = moments;
	if (by < finding->certainty)
		finding->certainty = by;
}

static void judge_unsteady(struct wn_finder *f, const struct wn_graph *g)
{
	for (uint32_t i = f->out->count; i-- > 0 && !f->err;) {
		struct wn_finding *finding = &f->out->list[i], *have;

		if (finding->kind != WN_FINDING_UNSTEADY || !is_per_packet(g, finding))
			continue;
		have = find_packets(f, finding);
		if (have) {
			have->flows += finding->flows;
			*finding = f->out->list[--f->out->count];
			continue;
		}
		finding->kind = WN_FINDING_PER_PACKET;
	}
	for (uint32_t i = 0; i < f->out->count && !f->err; i++)
		if (f->out->list[i].kind == WN_FINDING_PER_PACKET)
			raise_certainty(
				&f->out->list[i], count_moments(f, f->out->list[i].first.ttl));
}

/* ---- flows that go one way from a moment on ---- */

/* A flow at a TTL. */
struct item {
	uint32_t before; /* responder one TTL before; WN_NONE: nobody answers there */
	uint64_t at_ns;	 /* when it was asked first */
	uint32_t probe;
	uint32_t responder; /* WN_NONE: it got no answer */
};

/* A router of those that flows behind one other met, in order of time. */
struct router {
	uint32_t responder, count, first, last;
};

struct group {
	const struct item *items;
	uint32_t count;
	struct router routers[ROUTERS_MAX];
	uint32_t router_count;
	uint8_t ttl;
};

/* From items[at] on none of some routers is met, or (appear) they are not before. */
struct shift {
	uint32_t at, ppb, some;
	double chance; /* the same below the end of ppb, where nobody was silent */
	bool appear;
};

static bool item_less(const void *items, size_t a, size_t b)
{
	const struct item *x = (const struct item *)items + a;
	const struct item *y = (const struct item *)items + b;

	if (x->before != y->before)
		return x->before < y->before;
	return x->at_ns != y->at_ns ? x->at_ns < y->at_ns : x->probe < y->probe;
}

/* Who answered a lane at a TTL; WN_NONE: nobody, or several. */
static uint32_t met_at(const struct wn_finder *f, const struct wn_slice *slice)
{
	uint32_t met = WN_NONE;

	for (uint32_t i = slice->first; i < slice->first + slice->count; i++) {
		uint32_t by = wn_seen_responder(f, &f->seen[i]);

		if (by != WN_NONE && met != WN_NONE && by != met)
			return WN_NONE;
		met = by != WN_NONE ? by : met;
	}
	return met;
}

/*
 * The flow at this TTL, if it was not chosen for what it had met farther on, or for whom it was
 * found to have met before: chosen flows do not tell of the others. False: it does not count.
 */
static bool read_item(const struct wn_finder *f, uint32_t lane, uint8_t ttl, struct item *out)
{
	const struct wn_hop *before = &f->r->hops[ttl - 1];
	uint64_t before_ns = UINT64_MAX, beyond_ns = UINT64_MAX;
	uint32_t at = f->lane_first[lane];
	struct wn_slice slice;
	bool here = false;

	*out = (struct item){.before = WN_NONE};
	if (wn_seen_probe(f, &f->seen[at])->probe.flow > WN_GRAPH_FLOW_MAX)
		return false;
	while (wn_find_slice(f, lane, &at, &slice)) {
		const struct wn_seen *s = &f->seen[slice.first];

		if (slice.ttl + 1 == ttl) {
			before_ns = s->sent_ns;
			out->before = met_at(f, &slice);
		} else if (slice.ttl == ttl) {
			here = true;
			out->at_ns = s->sent_ns;
			out->probe = s->probe;
			out->responder = met_at(f, &slice);
		} else if (slice.ttl > ttl && s->sent_ns < beyond_ns) {
			beyond_ns = s->sent_ns;
		}
	}
	if (!here || beyond_ns < out->at_ns)
		return false;
	if (before->responder_count > 1)
		return out->before != WN_NONE && before_ns <= out->at_ns;
	out->before = before->responder_count ? before->responders[0].responder : WN_NONE;
	return true;
}

static bool count_routers(struct group *g)
{
	g->router_count = 0;
	for (uint32_t i = 0; i < g->count; i++) {
		uint32_t k = 0, by = g->items[i].responder;

		if (by == WN_NONE)
			continue;
		while (k < g->router_count && g->routers[k].responder != by)
			k++;
		if (k == ROUTERS_MAX)
			return false;
		if (k == g->router_count)
			g->routers[g->router_count++] = (struct router){by, 0, i, i};
		g->routers[k].count++;
		g->routers[k].last = i;
	}
	return g->router_count > 1;
}

static uint32_t unanswered(const struct group *g, uint32_t from, uint32_t to)
{
	uint32_t n = 0;

	for (uint32_t i = from; i < to; i++)
		n += g->items[i].responder == WN_NONE;
	return n;
}

/* The chance that some of all flows fall on one side of the moment, as far down as it goes. */
static double chance_of(uint32_t some, uint32_t side, uint32_t all)
{
	uint32_t off = all - side, n = some < off ? some : off, of = some < off ? side : all - some;
	double chance = 1;

	for (uint32_t i = 0; i < n && chance > 0; i++)
		chance *= i < of ? ((double)of - i) / ((double)all - i) : 0;
	return chance;
}

static void try_shift(const struct group *g, uint32_t at, bool appear, struct shift *best)
{
	uint32_t before = at, behind = g->count - at;
	struct shift s = {.at = at, .appear = appear};

	for (uint32_t i = 0; i < g->router_count; i++)
		if (appear ? g->routers[i].first >= at : g->routers[i].last < at)
			s.some += g->routers[i].count;
	/* Who got no answer may have met one of them. */
	if (appear)
		s.ppb = wn_chance_more_lost(s.some, behind, unanswered(g, 0, at), before);
	else
		s.ppb = wn_chance_more_lost(s.some, before, unanswered(g, at, g->count), behind);
	s.chance = chance_of(s.some, appear ? behind : before, g->count);
	if (s.some > 0 && (s.ppb < best->ppb || (s.ppb == best->ppb && s.chance < best->chance)))
		*best = s;
}

/* The moment that fits best, and how rarely flows that are dealt out by chance look so. */
static struct shift find_shift(const struct group *g, uint32_t groups)
{
	struct shift best = {.ppb = WN_CHANCE_PPB};
	uint32_t tries = 2 * g->router_count * groups;

	if (tries == 0)
		return best; /* nobody was met */
	for (uint32_t i = 0; i < g->router_count; i++) {
		if (g->routers[i].last + 1 < g->count)
			try_shift(g, g->routers[i].last + 1, false, &best);
		if (g->routers[i].first > 0)
			try_shift(g, g->routers[i].first, true, &best);
	}
	best.ppb = best.ppb < WN_CHANCE_PPB / tries ? best.ppb * tries : WN_CHANCE_PPB;
	return best;
}

/* The next flows beyond the moment may have met by chance what all meet since then. */
static struct wn_span when(const struct group *g, const struct shift *s)
{
	uint32_t from = s->at - 1, to = s->at, side = s->appear ? g->count - s->at : s->at;
	double same = (side - s->some + 1.0) / (side + 2.0), p = same; /* Laplace */

	while (p > LATER_CHANCE) {
		p *= same;
		if (s->appear && from > 0)
			from--;
		else if (!s->appear && to + 1 < g->count)
			to++;
		else
			break;
	}
	return (struct wn_span){g->items[from].at_ns, g->items[to].at_ns};
}

static uint32_t routers_of(const struct group *g, uint32_t from, uint32_t to)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < g->router_count; k++)
		for (uint32_t i = from; i < to; i++)
			if (g->items[i].responder == g->routers[k].responder) {
				n++;
				break;
			}
	return n;
}

/* The answered flow nearest to the moment, before or behind it. */
static const struct item *nearest(const struct group *g, uint32_t at, bool behind)
{
	uint32_t i = behind ? at : at - 1;

	while (g->items[i].responder == WN_NONE && (behind ? i + 1 < g->count : i > 0))
		i = behind ? i + 1 : i - 1;
	return &g->items[i];
}

/* Told already by a flow that was asked before and after, or torn anyway. */
static bool is_known(const struct wn_finder *f, uint8_t ttl)
{
	for (uint32_t i = 0; i < f->out->count; i++) {
		const struct wn_finding *have = &f->out->list[i];

		if ((have->kind == WN_FINDING_PATH_CHANGED ||
			    have->kind == WN_FINDING_PER_PACKET) &&
			have->first.ttl <= ttl && have->last.ttl >= ttl)
			return true;
	}
	return false;
}

static void add_shift(struct wn_finder *f, const struct group *g, const struct shift *s)
{
	const struct item *was = nearest(g, s->at, false), *is = nearest(g, s->at, true);
	struct wn_span span = when(g, s);
	struct wn_finding *finding;

	if (was->responder == WN_NONE || is->responder == WN_NONE)
		return;
	finding = wn_find_add(f, WN_FINDING_PATH_CHANGED);
	if (!finding)
		return;
	finding->certainty = s->ppb <= LIKELY_PPB ? WN_LIKELY : WN_POSSIBLE;
	finding->between = true;
	finding->before = (struct wn_finding_at){(uint8_t)(g->ttl - 1), g->items[0].before};
	finding->first = finding->last = (struct wn_finding_at){g->ttl, is->responder};
	finding->hops = 1;
	finding->flows = g->count;
	finding->u.epoch = (struct wn_found_epoch){
		.from_ns = span.from_ns,
		.to_ns = span.to_ns,
		.was = f->r->responders[was->responder].addr,
		.is = f->r->responders[is->responder].addr,
		.answered = g->count - unanswered(g, 0, g->count),
		.responders = g->router_count,
		.flow = f->r->probes[is->probe].probe.flow,
		.chance_ppb = s->ppb,
		.moments = 1,
		.flows_before = s->at,
		.flows_after = g->count - s->at,
		.routers_before = routers_of(g, 0, s->at),
		.routers_after = routers_of(g, s->at, g->count),
	};
	wn_find_evidence(f, finding, was->probe);
	wn_find_evidence(f, finding, is->probe);
}

static void look_at_ttl(struct wn_finder *f, uint8_t ttl, struct item *items)
{
	struct group g = {.ttl = ttl};
	uint32_t n = 0;

	for (uint32_t lane = 0; lane < f->lane_count; lane++)
		n += read_item(f, lane, ttl, &items[n]);
	wn_sort_array(items, n, sizeof(*items), item_less);
	for (uint32_t at = 0; at < n; at += g.count) {
		struct shift s;

		g.items = &items[at];
		for (g.count = 1; at + g.count < n && g.items[g.count].before == g.items[0].before;)
			g.count++;
		if (!count_routers(&g))
			continue;
		s = find_shift(&g, f->r->last_ttl);
		if (s.ppb <= SEEN_PPB)
			add_shift(f, &g, &s);
	}
}

static void find_shifts(struct wn_finder *f)
{
	struct item *items = wn_calloc((size_t)f->lane_count + 1, sizeof(*items));
	unsigned last = f->r->last_ttl < f->end_ttl ? f->r->last_ttl : f->end_ttl;

	if (!items)
		f->err = WN_ENOMEM;
	for (unsigned ttl = 1; ttl <= last && !f->err; ttl++)
		if (f->r->hops[ttl].responder_count > 1 && !is_known(f, (uint8_t)ttl))
			look_at_ttl(f, (uint8_t)ttl, items);
	wn_free(items);
}

void wn_find_flows(struct wn_finder *f)
{
	struct wn_graph g;

	if (f->r->params.paths == WN_PATHS_OFF || f->r->params.flow_mode == WN_FLOW_CLASSIC)
		return;
	f->err = wn_graph_build(f->r, &g);
	if (f->err)
		return;
	judge_unsteady(f, &g);
	wn_graph_free(&g);
	find_shifts(f);
}
