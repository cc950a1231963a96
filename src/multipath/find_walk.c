/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where along the path a property of packets changes. Routers quote a packet as it came to them, so
 * what one quotes as sent and the next does not was changed between the two: by the first on its
 * way out, by the second on its way in, or by something in the middle.
 *
 * Changes nest: a value that comes back to what it was before a change ends that change.
 */
#include "multipath/find_int.h"

#define OPEN_MAX 8 /* changes in effect at once; more are no pattern */

/* What most quotes of one TTL say. */
struct sight {
	struct wn_slice slice;
	struct wn_finding_at at;
	int64_t is;
	uint32_t probe; /* the first that says so */
	uint32_t n, of;
};

struct walk {
	const struct wn_finder *f;
	const struct wn_trait *t;
	struct wn_change open[OPEN_MAX];
	unsigned depth;
	int64_t sent, is;
	struct wn_finding_at prev;
	uint32_t prev_probe;
	struct wn_changes *out;
};

/* The value of the majority, if there is one; else that of some packet (Boyer and Moore 1981). */
static bool vote(
	const struct walk *w, const struct wn_slice *slice, int64_t *out_sent, struct sight *out)
{
	uint32_t lead = 0;
	int64_t sent, is;

	out->of = 0;
	for (uint32_t i = 0; i < slice->count; i++) {
		const struct wn_seen *s = &w->f->seen[slice->first + i];

		if (!w->t->read(w->f, s, &sent, &is))
			continue;
		if (out->of++ == 0)
			*out_sent = sent;
		if (w->t->sticky) {
			out->is = lead == 0 || is != sent ? is : out->is;
			lead = 1;
		} else if (lead == 0) {
			out->is = is;
			lead = 1;
		} else if (is == out->is) {
			lead++;
		} else {
			lead--;
		}
	}
	return out->of > 0;
}

static void count_votes(const struct walk *w, struct sight *out)
{
	int64_t sent, is;

	out->n = 0;
	for (uint32_t i = 0; i < out->slice.count; i++) {
		const struct wn_seen *s = &w->f->seen[out->slice.first + i];

		if (!w->t->read(w->f, s, &sent, &is) || is != out->is)
			continue;
		if (out->n++ == 0) {
			out->at = wn_find_at(w->f, s);
			out->probe = s->probe;
		}
	}
}

uint32_t wn_change_hops(const struct wn_change *c)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < WN_TTLS_WORDS; i++)
		for (uint64_t bits = c->ttls[i]; bits != 0; bits &= bits - 1)
			n++;
	return n;
}

static void keep_probe(struct wn_change *c, uint32_t probe)
{
	if (c->probes_kept < WN_FINDING_PROBES)
		c->probes[c->probes_kept++] = probe;
}

/* One TTL more that shows a change. */
static void extend(const struct walk *w, struct wn_change *c, const struct sight *s)
{
	int64_t sent, is;

	c->last = s->at;
	c->ttls[s->at.ttl / 64] |= UINT64_C(1) << s->at.ttl % 64;
	c->quotes += s->n;
	c->of += s->of;
	for (uint32_t i = 0; i < s->slice.count && c->probes_kept < WN_FINDING_PROBES; i++) {
		const struct wn_seen *seen = &w->f->seen[s->slice.first + i];

		if (w->t->read(w->f, seen, &sent, &is) && is == s->is)
			keep_probe(c, seen->probe);
	}
}

/* ---- several lanes ---- */

/* Both can have happened at one place. */
static bool overlap(const struct wn_change *a, const struct wn_change *b)
{
	return a->before.ttl < b->first.ttl && b->before.ttl < a->first.ttl;
}

static void merge(struct wn_change *into, const struct wn_change *c)
{
	if (c->before.ttl > into->before.ttl) {
		into->before = c->before;
		into->was = c->was;
		into->probe_was = c->probe_was;
	}
	if (c->first.ttl < into->first.ttl) {
		into->first = c->first;
		into->probe_is = c->probe_is;
	}
	if (c->last.ttl > into->last.ttl)
		into->last = c->last;
	if (into->until.ttl == 0 || (c->until.ttl != 0 && c->until.ttl < into->until.ttl))
		into->until = c->until;
	for (unsigned i = 0; i < WN_TTLS_WORDS; i++)
		into->ttls[i] |= c->ttls[i];
	for (uint32_t i = 0; i < c->probes_kept; i++)
		keep_probe(into, c->probes[i]);
	into->quotes += c->quotes;
	into->of += c->of;
	into->flows++;
}

static void finish(struct wn_changes *out, const struct wn_change *c)
{
	for (uint32_t i = 0; i < out->count; i++)
		if (out->list[i].is == c->is && overlap(&out->list[i], c)) {
			merge(&out->list[i], c);
			return;
		}
	if (out->count == WN_CHANGES_MAX)
		out->dropped++;
	else
		out->list[out->count++] = *c;
}

/* ---- one lane ---- */

/* Ends the changes above level; until tells where it was seen. */
static void close_to(struct walk *w, unsigned level, struct wn_finding_at until)
{
	while (w->depth > level) {
		w->open[--w->depth].until = until;
		finish(w->out, &w->open[w->depth]);
	}
}

/* The change that a return to this value undoes; depth: none. */
static unsigned find_undone(const struct walk *w, int64_t is)
{
	for (unsigned i = w->depth; i-- > 0;)
		if (w->open[i].was == is)
			return i;
	return w->depth;
}

static void begin(struct walk *w, const struct sight *s)
{
	struct wn_change *c = &w->open[w->depth++];

	*c = (struct wn_change){
		.sent = w->sent,
		.was = w->is,
		.is = s->is,
		.before = w->prev,
		.first = s->at,
		.until = {0, WN_NONE},
		.flows = 1,
		.probe_was = w->prev_probe,
		.probe_is = s->probe,
	};
}

static void look(struct walk *w, const struct sight *s)
{
	unsigned undone;

	if (s->is != w->is) {
		undone = find_undone(w, s->is);
		if (undone < w->depth)
			close_to(w, undone, s->at);
		else if (w->depth < OPEN_MAX)
			begin(w, s);
		w->is = s->is;
	}
	if (w->depth > 0 && w->open[w->depth - 1].is == s->is)
		extend(w, &w->open[w->depth - 1], s);
	w->prev = s->at;
	w->prev_probe = s->probe;
}

static void walk_lane(struct walk *w, uint32_t lane)
{
	uint32_t at = w->f->lane_first[lane];
	struct sight s = {0};
	bool begun = false;
	int64_t sent = 0;

	while (wn_find_slice(w->f, lane, &at, &s.slice)) {
		if (!vote(w, &s.slice, &sent, &s))
			continue;
		if (!begun) {
			begun = true;
			w->sent = w->is = sent;
			w->prev = (struct wn_finding_at){0, WN_NONE};
			w->prev_probe = WN_NONE;
		}
		count_votes(w, &s);
		if (w->t->sticky && w->depth > 0 && s.is == w->sent)
			w->open[0].of += s.of; /* without it, which ends nothing */
		else
			look(w, &s);
	}
	close_to(w, 0, (struct wn_finding_at){0, WN_NONE});
}

void wn_find_changes(const struct wn_finder *f, const struct wn_trait *t, struct wn_changes *out)
{
	struct walk w = {.f = f, .t = t, .out = out};

	out->count = out->dropped = 0;
	for (uint32_t lane = 0; lane < f->lane_count; lane++)
		walk_lane(&w, lane);
}

/* ---- findings ---- */

enum wn_certainty wn_change_certainty(const struct wn_change *c)
{
	if (wn_change_hops(c) > 1)
		return WN_CERTAIN;
	/* Those behind do not show it: it may be a way of quoting. */
	return c->until.ttl != 0 ? WN_POSSIBLE : WN_LIKELY;
}

void wn_find_from_change(
	const struct wn_finder *f, const struct wn_change *c, struct wn_finding *out)
{
	out->between = true;
	out->before = c->before;
	out->first = c->first;
	out->last = c->last;
	out->until = c->until;
	out->hops = wn_change_hops(c);
	out->flows = c->flows;
	out->certainty = wn_change_certainty(c);
	for (uint32_t i = 0; i < c->probes_kept; i++)
		wn_find_evidence(f, out, c->probes[i]);
	out->probe_count = c->quotes;
}

void wn_find_trait(
	struct wn_finder *f, const struct wn_trait *t, enum wn_found_how (*how)(int64_t value))
{
	struct wn_changes changes;

	wn_find_changes(f, t, &changes);
	f->out->dropped += changes.dropped;
	for (uint32_t i = 0; i < changes.count; i++) {
		const struct wn_change *c = &changes.list[i];
		struct wn_finding *finding = wn_find_add(f, t->kind);

		if (!finding)
			continue;
		wn_find_from_change(f, c, finding);
		finding->u.change = (struct wn_found_change){
			.sent = c->sent,
			.was = c->was,
			.is = c->is,
			.how = how ? how(c->is) : WN_HOW_VALUE,
			.quotes = c->quotes,
			.of = c->of,
		};
	}
}
