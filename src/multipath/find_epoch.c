/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flow that meets several routers at a TTL: the path changed, or somebody sends each packet on
 * its own way. A path that changes shows one router up to some time and another from then on, at
 * all TTLs concerned at the same time; packets on their own ways show both in random order. How
 * well the order can be random decides; where it can be either, that is said.
 */
#include "multipath/find_int.h"

#include "base/alloc.h"
#include "base/sort.h"
#include "multipath/chance.h"

#define CHANGE_PPB	(WN_CHANCE_PPB / 100) /* rarer than this by chance: it is a change */
#define CHANGE_SURE_PPB (WN_CHANCE_PPB / 1000000)
#define PACKETS_LIKELY	8 /* answers from which on a random order is told from a flapping path */
#define RTT_MOST_NS	UINT64_C(1000000000)
#define PACKETS_SURE	20

/* A TTL of a lane with several responders. */
struct torn {
	struct wn_slice slice;
	uint32_t first, others; /* answers of the first responder and of all others */
	uint32_t runs;		/* of equal responders; of the first one and the others */
	uint32_t first_runs;
	uint32_t responders; /* at least */
};

/* From one answer of a TTL to the next another responder. */
struct turn {
	uint64_t from_ns, to_ns;
	uint32_t probe_was, probe_is;
	uint8_t ttl;
};

struct lane {
	uint32_t lane;
	struct torn torn[256];
	unsigned torn_count;
	struct turn *turns; /* owned */
	uint32_t turn_count;
	uint32_t chance_ppb; /* that the order is random */
};

static bool look(const struct wn_finder *f, const struct wn_slice *slice, struct torn *out)
{
	uint32_t first = WN_NONE, prev = WN_NONE, third = WN_NONE;

	*out = (struct torn){.slice = *slice, .responders = 1};
	for (uint32_t i = 0; i < slice->count; i++) {
		uint32_t responder = wn_seen_responder(f, &f->seen[slice->first + i]);

		if (responder == WN_NONE)
			continue;
		if (first == WN_NONE)
			first = responder;
		else if (responder != first && third == WN_NONE)
			third = responder, out->responders = 2;
		else if (responder != first && responder != third)
			out->responders = 3;
		out->first += responder == first;
		out->others += responder != first;
		out->runs += responder != prev;
		out->first_runs += prev == WN_NONE || (responder == first) != (prev == first);
		prev = responder;
	}
	return out->others > 0;
}

static void collect_torn(const struct wn_finder *f, struct lane *l)
{
	uint32_t at = f->lane_first[l->lane];
	struct wn_slice slice;

	l->torn_count = 0;
	l->turn_count = 0;
	while (wn_find_slice(f, l->lane, &at, &slice))
		if (l->torn_count < 256 && look(f, &slice, &l->torn[l->torn_count]))
			l->turn_count += l->torn[l->torn_count++].runs - 1;
}

/* That all of these TTLs fall into no more runs than the one with most of them has. */
static uint32_t chance_of(const struct lane *l)
{
	uint32_t ppb = WN_CHANCE_PPB, most = 0;

	for (unsigned i = 0; i < l->torn_count; i++)
		if (l->torn[i].first_runs > most)
			most = l->torn[i].first_runs;
	for (unsigned i = 0; i < l->torn_count; i++)
		ppb = wn_chance_both(
			ppb, wn_chance_few_runs(l->torn[i].first, l->torn[i].others, most));
	return ppb;
}

/* ---- turns ---- */

static bool turn_less(const void *items, size_t a, size_t b)
{
	const struct turn *x = (const struct turn *)items + a;
	const struct turn *y = (const struct turn *)items + b;

	if (x->from_ns != y->from_ns)
		return x->from_ns < y->from_ns;
	return x->ttl != y->ttl ? x->ttl < y->ttl : x->probe_was < y->probe_was;
}

static uint32_t add_turns(const struct wn_finder *f, const struct torn *torn, struct turn *out)
{
	const struct wn_seen *prev = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < torn->slice.count; i++) {
		const struct wn_seen *s = &f->seen[torn->slice.first + i];

		if (wn_seen_responder(f, s) == WN_NONE)
			continue;
		if (prev && wn_seen_responder(f, s) != wn_seen_responder(f, prev))
			out[n++] = (struct turn){
				.from_ns = prev->sent_ns,
				.to_ns = s->sent_ns,
				.probe_was = prev->probe,
				.probe_is = s->probe,
				.ttl = s->ttl,
			};
		prev = s;
	}
	return n;
}

static bool collect_turns(struct wn_finder *f, struct lane *l)
{
	uint32_t n = 0;

	l->turns = wn_calloc(l->turn_count, sizeof(*l->turns));
	if (!l->turns) {
		f->err = WN_ENOMEM;
		return false;
	}
	for (unsigned i = 0; i < l->torn_count; i++)
		n += add_turns(f, &l->torn[i], l->turns + n);
	wn_sort_array(l->turns, n, sizeof(*l->turns), turn_less);
	return true;
}

/* The turns from *at on that can have happened at once: their number, and when. */
static uint32_t together(const struct lane *l, uint32_t at, struct wn_span *out)
{
	uint32_t n = 0;

	*out = (struct wn_span){0, UINT64_MAX};
	while (at + n < l->turn_count && l->turns[at + n].from_ns < out->to_ns) {
		const struct turn *t = &l->turns[at + n];

		out->from_ns = t->from_ns; /* in order: the latest */
		if (t->to_ns < out->to_ns)
			out->to_ns = t->to_ns;
		n++;
	}
	return n;
}

static uint32_t count_epochs(const struct lane *l)
{
	struct wn_span span;
	uint32_t n = 0, at = 0;

	while (at < l->turn_count && n <= WN_EPOCHS_MAX) {
		uint32_t step = together(l, at, &span);

		at += step ? step : 1;
		n++;
	}
	return n;
}

/* ---- a change of the path ---- */

static const struct wn_reply_rec *reply_of(const struct wn_finder *f, uint32_t probe)
{
	return &f->r->replies[f->r->probes[probe].first_reply];
}

static uint32_t lost_within(const struct wn_finder *f, const struct wn_span *span)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->r->probe_count; i++) {
		const struct wn_probe_rec *p = &f->r->probes[i];

		n += p->state == WN_PROBE_LOST && p->sent_ns > span->from_ns &&
		     p->sent_ns < span->to_ns;
	}
	return n;
}

/* The turn at the lowest TTL: there the ways part. */
static const struct turn *nearest(const struct lane *l, uint32_t at, uint32_t n)
{
	const struct turn *best = &l->turns[at];

	for (uint32_t i = at; i < at + n; i++)
		if (l->turns[i].ttl < best->ttl)
			best = &l->turns[i];
	return best;
}

/* Whether who answers from this turn on answered at some time before the last one. */
static bool came_before(const struct wn_finder *f, const struct lane *l, const struct turn *t)
{
	uint32_t is = reply_of(f, t->probe_is)->responder;

	for (uint32_t i = 0; i < l->turn_count; i++)
		if (l->turns[i].ttl == t->ttl && l->turns[i].from_ns < t->from_ns &&
			reply_of(f, l->turns[i].probe_was)->responder == is)
			return true;
	return false;
}

/* Another flow that changed at the same place and time. */
static struct wn_finding *find_change(
	const struct wn_finder *f, struct wn_finding_at first, const struct wn_span *span)
{
	for (uint32_t i = 0; i < f->out->count; i++) {
		struct wn_finding *have = &f->out->list[i];

		if (have->kind == WN_FINDING_PATH_CHANGED && wn_find_same_at(have->first, first) &&
			have->u.epoch.from_ns < span->to_ns && span->from_ns < have->u.epoch.to_ns)
			return have;
	}
	return NULL;
}

/* The longest round trip, as far as that goes. */
static uint64_t worst_rtt_ns(const struct wn_finder *f)
{
	int64_t worst = 0;

	for (uint32_t i = 0; i < f->r->reply_count; i++)
		if (f->r->replies[i].rtt_ns > worst)
			worst = f->r->replies[i].rtt_ns;
	return (uint64_t)worst < RTT_MOST_NS ? (uint64_t)worst : RTT_MOST_NS;
}

/* Who was under way when the path changed was sent before: one round trip at most. */
static struct wn_span widened(const struct wn_finder *f, const struct wn_span *span)
{
	uint64_t rtt_ns = worst_rtt_ns(f);

	return (struct wn_span){span->from_ns > rtt_ns ? span->from_ns - rtt_ns : 0, span->to_ns};
}

/* Probes sent in this time tell of neither path. */
static void note_span(struct wn_finder *f, const struct wn_span *span)
{
	for (uint32_t i = 0; i < f->change_count; i++) {
		struct wn_span *have = &f->changes[i];

		if (have->from_ns < span->to_ns && span->from_ns < have->to_ns) {
			have->from_ns =
				span->from_ns < have->from_ns ? span->from_ns : have->from_ns;
			have->to_ns = span->to_ns > have->to_ns ? span->to_ns : have->to_ns;
			return;
		}
	}
	if (f->change_count < WN_EPOCHS_MAX)
		f->changes[f->change_count++] = *span;
}

static void show_turns(
	const struct wn_finder *f, const struct turn *turns, uint32_t n, struct wn_finding *out)
{
	bool ttls[256] = {false};

	for (uint32_t i = 0; i < n; i++) {
		const struct turn *t = &turns[i];

		wn_find_evidence(f, out, t->probe_was);
		wn_find_evidence(f, out, t->probe_is);
		out->hops += !ttls[t->ttl];
		ttls[t->ttl] = true;
		if (t->ttl > out->last.ttl)
			out->last =
				(struct wn_finding_at){t->ttl, reply_of(f, t->probe_is)->responder};
	}
}

static void add_change(struct wn_finder *f, const struct lane *l, uint32_t at, uint32_t n)
{
	const struct turn *t = nearest(l, at, n);
	struct wn_finding_at first = {t->ttl, reply_of(f, t->probe_is)->responder};
	struct wn_hop_view views[256];
	struct wn_finding *finding;
	struct wn_span span, wide;

	together(l, at, &span);
	wide = widened(f, &span);
	note_span(f, &wide);
	finding = find_change(f, first, &span);
	if (finding) {
		finding->flows++;
		return;
	}
	finding = wn_find_add(f, WN_FINDING_PATH_CHANGED);
	if (!finding)
		return;
	wn_find_views(f, l->lane, views);
	finding->certainty = l->chance_ppb <= CHANGE_SURE_PPB ? WN_CERTAIN : WN_LIKELY;
	finding->between = true;
	finding->before = wn_view_before(views, t->ttl);
	finding->first = finding->last = first;
	finding->u.epoch = (struct wn_found_epoch){
		.from_ns = span.from_ns,
		.to_ns = span.to_ns,
		.was = f->r->responders[reply_of(f, t->probe_was)->responder].addr,
		.is = f->r->responders[first.responder].addr,
		.back = came_before(f, l, t),
		.lost = lost_within(f, &wide),
		.flow = f->r->probes[t->probe_is].probe.flow,
		.switches = n,
		.chance_ppb = l->chance_ppb,
	};
	for (unsigned i = 0; i < l->torn_count; i++)
		finding->u.epoch.answered += l->torn[i].first + l->torn[i].others;
	show_turns(f, &l->turns[at], n, finding);
}

static void add_changes(struct wn_finder *f, const struct lane *l)
{
	struct wn_span span;
	uint32_t at = 0;

	while (at < l->turn_count) {
		uint32_t n = together(l, at, &span);

		if (n == 0)
			n = 1; /* two probes with one time: cannot be told apart */
		else
			add_change(f, l, at, n);
		at += n;
	}
}

/* ---- packets on their own ways ---- */

static struct wn_finding *find_unsteady(
	const struct wn_finder *f, enum wn_finding_kind kind, uint8_t first, uint8_t last)
{
	for (uint32_t i = 0; i < f->out->count; i++) {
		struct wn_finding *have = &f->out->list[i];

		if (have->kind == kind && have->first.ttl <= last && have->last.ttl >= first)
			return have;
	}
	return NULL;
}

static void show_torn(const struct wn_finder *f, const struct torn *torn, struct wn_finding *out)
{
	struct wn_found_epoch *e = &out->u.epoch;

	out->hops++;
	e->answered += torn->first + torn->others;
	e->switches += torn->runs - 1;
	if (torn->responders > e->responders)
		e->responders = torn->responders;
	for (uint32_t i = 0; i < torn->slice.count; i++) {
		const struct wn_seen *s = &f->seen[torn->slice.first + i];

		if (wn_seen_responder(f, s) == WN_NONE)
			continue;
		if (out->probe_count == 0) {
			e->from_ns = s->sent_ns;
			e->flow = wn_seen_probe(f, s)->probe.flow;
		}
		e->from_ns = s->sent_ns < e->from_ns ? s->sent_ns : e->from_ns;
		e->to_ns = s->sent_ns > e->to_ns ? s->sent_ns : e->to_ns;
		wn_find_evidence(f, out, s->probe);
	}
}

static struct wn_finding_at at_torn(const struct wn_finder *f, const struct torn *torn)
{
	for (uint32_t i = 0; i < torn->slice.count; i++) {
		uint32_t responder = wn_seen_responder(f, &f->seen[torn->slice.first + i]);

		if (responder != WN_NONE)
			return (struct wn_finding_at){torn->slice.ttl, responder};
	}
	return (struct wn_finding_at){torn->slice.ttl, WN_NONE};
}

/* Neighbouring TTLs from torn[i] on, up to but not including torn[end]. */
static void add_group(struct wn_finder *f, const struct lane *l, unsigned i, unsigned end)
{
	const struct torn *first = &l->torn[i], *last = &l->torn[end - 1];
	enum wn_finding_kind kind = WN_FINDING_UNSTEADY;
	struct wn_hop_view views[256];
	struct wn_finding *finding;

	for (unsigned k = i; k < end; k++)
		/* Back to one that was there before; in no order but chance. */
		if (l->torn[k].runs > 2 && l->chance_ppb > CHANGE_PPB)
			kind = WN_FINDING_PER_PACKET;
	finding = find_unsteady(f, kind, first->slice.ttl, last->slice.ttl);
	if (finding) {
		finding->flows++;
		return;
	}
	finding = wn_find_add(f, kind);
	if (!finding)
		return;
	wn_find_views(f, l->lane, views);
	finding->between = true;
	finding->before = wn_view_before(views, first->slice.ttl);
	finding->first = at_torn(f, first);
	finding->last = at_torn(f, last);
	finding->until = wn_view_behind(views, last->slice.ttl);
	finding->u.epoch.chance_ppb = l->chance_ppb;
	for (unsigned k = i; k < end; k++)
		show_torn(f, &l->torn[k], finding);
	finding->certainty = WN_POSSIBLE;
	if (kind == WN_FINDING_PER_PACKET && finding->u.epoch.answered >= PACKETS_LIKELY)
		finding->certainty =
			finding->u.epoch.answered >= PACKETS_SURE ? WN_CERTAIN : WN_LIKELY;
}

static void add_groups(struct wn_finder *f, const struct lane *l)
{
	for (unsigned i = 0, end; i < l->torn_count; i = end) {
		end = i + 1;
		while (end < l->torn_count &&
			l->torn[end].slice.ttl == l->torn[end - 1].slice.ttl + 1)
			end++;
		add_group(f, l, i, end);
	}
}

static void sort_spans(struct wn_finder *f)
{
	for (uint32_t i = 1; i < f->change_count; i++)
		for (uint32_t k = i; k > 0 && f->changes[k].from_ns < f->changes[k - 1].from_ns;
			k--) {
			struct wn_span was = f->changes[k];

			f->changes[k] = f->changes[k - 1];
			f->changes[k - 1] = was;
		}
}

void wn_find_epoch(struct wn_finder *f)
{
	struct lane l;

	/* Classic probes are of another flow each. */
	if (f->r->params.flow_mode == WN_FLOW_CLASSIC)
		return;
	for (l.lane = 0; l.lane < f->lane_count && !f->err; l.lane++) {
		collect_torn(f, &l);
		if (l.torn_count == 0 || !collect_turns(f, &l))
			continue;
		l.chance_ppb = chance_of(&l);
		if (l.chance_ppb <= CHANGE_PPB && count_epochs(&l) <= WN_EPOCHS_MAX)
			add_changes(f, &l);
		else
			add_groups(f, &l);
		wn_free(l.turns);
	}
	sort_spans(f);
}
