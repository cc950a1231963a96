/* SPDX-License-Identifier: Apache-2.0 */
/* Losses as findings: with their shares, their evidence, and how sure that makes them. */
#include "multipath/find_loss_int.h"

#include "base/alloc.h"
#include "base/sort.h"

#define LIKELY_PPB     (WN_CHANCE_PPB / 1000)
#define CERTAIN_PPB    (WN_CHANCE_PPB / 1000000)
#define LIMIT_SURE_PPB (WN_CHANCE_PPB / 500)
#define LIKELY_SENT    10
#define EVEN_LEAST     3 /* losses spread over a path that are worth a word */
#define EVEN_LIKELY    5
#define EVEN_SURE      10
#define CLOSE_NS       50000000
#define LIMITS_MAX     16	     /* hops of a record that are looked at for a limit */
#define SEVERAL	       (WN_NONE - 1) /* routers that one flow met at a TTL */
#define TAIL_SENT      10 /* probes to the farthest hops that have to show a loss of the path */

static void share(const struct wn_tally *t, struct wn_found_share *out)
{
	out->lost = t->lost;
	out->sent = t->sent;
	wn_chance_interval(t->lost, t->sent, &out->low_ppm, &out->high_ppm);
}

static enum wn_certainty certainty_of(uint32_t ppb, const struct wn_tally *here)
{
	if (here->sent < LIKELY_SENT || ppb > LIKELY_PPB)
		return WN_POSSIBLE;
	return ppb <= CERTAIN_PPB ? WN_CERTAIN : WN_LIKELY;
}

/* Who answered at a TTL in this time; several, and none of them is to blame alone. */
static struct wn_finding_at at_hop(const struct wn_loss *t, unsigned ttl)
{
	struct wn_finding_at at = {(uint8_t)ttl, WN_NONE};

	for (uint32_t i = 0; i < t->f->seen_count; i++) {
		const struct wn_seen *s = &t->f->seen[i];
		const struct wn_reply_rec *reply = wn_seen_reply(t->f, s);

		if (s->ttl != ttl || !reply || !wn_loss_counts(t, s))
			continue;
		if (at.responder != WN_NONE && at.responder != reply->responder)
			return (struct wn_finding_at){(uint8_t)ttl, WN_NONE};
		at.responder = reply->responder;
	}
	return at;
}

/* The nearest hop before ttl that was looked at, this machine if none. */
static struct wn_finding_at before_hop(const struct wn_loss *t, unsigned ttl)
{
	for (unsigned i = ttl; i-- > t->first;)
		if (t->hop[i].sent > 0 && !t->own[i])
			return at_hop(t, i);
	return (struct wn_finding_at){0, WN_NONE};
}

/* Lost probes of these TTLs, as far as the hops lose in this way. */
static void show_lost(const struct wn_loss *t, uint8_t own, struct wn_finding *out)
{
	const struct wn_finder *f = t->f;

	for (uint32_t i = 0; i < f->seen_count; i++) {
		const struct wn_seen *s = &f->seen[i];

		if (s->ttl >= out->first.ttl && s->ttl <= out->last.ttl && t->own[s->ttl] == own &&
			t->hop[s->ttl].sent > 0 && wn_loss_counts(t, s) && !wn_seen_reply(f, s))
			wn_find_evidence(f, out, s->probe);
	}
}

static void show_times(const struct wn_loss *t, struct wn_found_loss *out)
{
	struct wn_tally target = {0, 0};

	if (t->f->r->reached)
		target = t->hop[t->f->end_ttl];
	share(&target, &out->target);
	out->from_ns = t->span.from_ns;
	out->to_ns = t->span.to_ns < t->f->r->end_ns ? t->span.to_ns : t->f->r->end_ns;
}

/* ---- own replies ---- */

static bool sample_less(const void *items, size_t a, size_t b)
{
	const struct wn_limit_sample *s = items;

	return s[a].at_ns != s[b].at_ns ? s[a].at_ns < s[b].at_ns : s[a].order < s[b].order;
}

static uint32_t collect_samples(
	const struct wn_loss *t, unsigned ttl, struct wn_limit_sample *samples)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->f->seen_count; i++) {
		const struct wn_seen *s = &t->f->seen[i];

		if (s->ttl == ttl && wn_loss_counts(t, s))
			samples[n++] = (struct wn_limit_sample){
				s->sent_ns, s->probe, wn_seen_reply(t->f, s) != NULL};
	}
	wn_sort_array(samples, n, sizeof(*samples), sample_less);
	return n;
}

/* Whether the answers of a hop look like a limit. */
static bool is_limited(struct wn_loss *t, unsigned ttl, struct wn_found_loss *out)
{
	struct wn_limit_sample *samples;
	bool limited;

	if (++t->f->limit_count > LIMITS_MAX)
		return false;
	samples = wn_calloc((size_t)t->hop[ttl].sent + 1, sizeof(*samples));
	if (!samples) {
		t->f->err = WN_ENOMEM;
		return false;
	}
	limited = wn_limit_fit(samples, collect_samples(t, ttl, samples), out);
	wn_free(samples);
	return limited;
}

static bool came_through(const struct wn_loss *t, const struct wn_seen *s, unsigned ttl)
{
	return s->ttl > ttl && wn_seen_reply(t->f, s);
}

/* Of each probe, when the next of its lane came through to a farther TTL. */
static void fill_next(struct wn_loss *t, unsigned ttl)
{
	uint64_t next_ns = UINT64_MAX;

	for (uint32_t i = t->f->seen_count; i-- > 0;) {
		const struct wn_seen *s = &t->by_time[i];

		if (i + 1 < t->f->seen_count && t->by_time[i + 1].lane != s->lane)
			next_ns = UINT64_MAX;
		if (came_through(t, s, ttl))
			next_ns = s->sent_ns;
		t->next_ns[i] = next_ns;
	}
}

/* Probes lost at a TTL, next to one of the same lane that came through to a farther TTL. */
static uint32_t count_passed(struct wn_loss *t, unsigned ttl)
{
	uint32_t n = 0, lane = UINT32_MAX;
	uint64_t last_ns = 0;
	bool any = false;

	fill_next(t, ttl);
	for (uint32_t i = 0; i < t->f->seen_count; i++) {
		const struct wn_seen *s = &t->by_time[i];

		any = any && lane == s->lane;
		lane = s->lane;
		if (came_through(t, s, ttl)) {
			any = true;
			last_ns = s->sent_ns;
		}
		if (s->ttl != ttl || !wn_loss_counts(t, s) || wn_seen_reply(t->f, s))
			continue;
		n += (any && s->sent_ns - last_ns <= CLOSE_NS) ||
		     (t->next_ns[i] != UINT64_MAX && t->next_ns[i] - s->sent_ns <= CLOSE_NS);
	}
	return n;
}

/* The worse of two. */
static enum wn_certainty less_sure(enum wn_certainty a, enum wn_certainty b)
{
	return a > b ? a : b;
}

static void show_own(struct wn_loss *t, const struct wn_loss_block *b, struct wn_found_loss *loss,
	struct wn_finding *out)
{
	share(&b->here, &loss->here);
	share(&b->rest, &loss->rest);
	show_times(t, loss);
	out->first = at_hop(t, b->first);
	out->last = at_hop(t, b->last);
	for (unsigned ttl = b->first; ttl <= b->last; ttl++) {
		if (t->own[ttl] != b->own || t->hop[ttl].sent == 0)
			continue;
		out->hops++;
		loss->passed += b->rest.sent > 0 ? count_passed(t, ttl) : 0;
	}
	out->u.loss = *loss;
	show_lost(t, b->own, out);
}

/* One hop that loses its own replies: by a limit, or somehow. rest.sent 0: it is the last. */
static bool add_hop(struct wn_loss *t, const struct wn_loss_block *b, bool only_limit)
{
	struct wn_found_loss loss = {0};
	bool limited = is_limited(t, b->first, &loss);
	enum wn_certainty certainty = certainty_of(b->ppb, &b->here);
	struct wn_finding *finding;

	if (only_limit && !limited)
		return false;
	if (limited)
		certainty = less_sure(
			certainty, loss.chance_ppb <= LIMIT_SURE_PPB ? WN_CERTAIN : WN_LIKELY);
	else
		loss = (struct wn_found_loss){.chance_ppb = b->ppb};
	finding = wn_find_add(t->f, limited ? WN_FINDING_RATE_LIMIT : WN_FINDING_LOSS_REPLIES);
	if (!finding)
		return true;
	finding->certainty = certainty;
	show_own(t, b, &loss, finding);
	return true;
}

/* Flows keep to their router: of each it is known which, by what it was answered. */
static void find_routers(struct wn_loss *t, unsigned ttl)
{
	const struct wn_finder *f = t->f;

	for (uint32_t i = 0; i < f->lane_count; i++)
		t->router_of[i] = WN_NONE;
	for (uint32_t i = 0; i < f->seen_count; i++) {
		const struct wn_seen *s = &f->seen[i];
		const struct wn_reply_rec *reply = wn_seen_reply(f, s);
		uint32_t *router = &t->router_of[s->lane];

		if (s->ttl != ttl || !reply || !wn_loss_counts(t, s))
			continue;
		if (*router != WN_NONE && *router != reply->responder)
			*router = SEVERAL;
		else
			*router = reply->responder;
	}
}

static struct wn_tally tally_of(const struct wn_loss *t, unsigned ttl)
{
	struct wn_tally all = {0, 0};

	for (uint32_t i = 0; i < t->f->seen_count; i++) {
		const struct wn_seen *s = &t->f->seen[i];

		if (s->ttl != ttl || !wn_loss_counts(t, s))
			continue;
		all.sent++;
		all.lost += !wn_seen_reply(t->f, s);
	}
	return all;
}

/* Each router of a TTL for itself, as far as flows tell which of them they pass. */
static bool add_routers(struct wn_loss *t, const struct wn_loss_block *b, unsigned tries)
{
	const struct wn_hop *hop = &t->f->r->hops[b->first];
	struct wn_loss_block one = *b;
	bool any = false;

	if (at_hop(t, b->first).responder != WN_NONE)
		return false;
	find_routers(t, b->first);
	for (uint32_t i = 0; i < hop->responder_count; i++) {
		t->router = hop->responders[i].responder;
		one.here = tally_of(t, b->first);
		one.ppb = wn_loss_of_tries(
			wn_loss_chance(&one.here, &one.rest), tries + hop->responder_count - 1);
		any = (one.ppb <= WN_LOSS_PPB && add_hop(t, &one, false)) || any;
	}
	t->router = WN_NONE;
	return any;
}

static void add_hops(struct wn_loss *t)
{
	unsigned tries = wn_loss_hops(t);

	for (unsigned ttl = t->first; ttl < t->last; ttl++) {
		struct wn_loss_block b = {
			.first = ttl, .last = ttl, .here = t->hop[ttl], .own = WN_OWN_HOP};

		if (t->own[ttl] != WN_OWN_HOP)
			continue;
		b.rest = wn_loss_sum(t, ttl + 1, t->last);
		b.ppb = wn_loss_of_tries(wn_loss_chance(&b.here, &b.rest), tries);
		if (!add_routers(t, &b, tries))
			add_hop(t, &b, false);
	}
}

static void add_blocks(struct wn_loss *t)
{
	for (unsigned i = 0; i < t->block_count; i++) {
		struct wn_found_loss loss = {.chance_ppb = t->blocks[i].ppb};
		struct wn_finding *finding = wn_find_add(t->f, WN_FINDING_LOSS_REPLIES);

		if (!finding)
			return;
		finding->certainty = certainty_of(t->blocks[i].ppb, &t->blocks[i].here);
		show_own(t, &t->blocks[i], &loss, finding);
	}
}

/* ---- the path ---- */

/* Too few probes went farther to tell whose loss it is. */
static bool is_end_of_tale(const struct wn_loss *t, unsigned ttl)
{
	struct wn_tally behind = {0, 0};

	if (ttl < t->last)
		behind = wn_loss_sum(t, ttl + 1, t->last);
	return behind.lost == 0 && behind.sent < TAIL_SENT;
}

/* The last hop that was asked often: it may answer no more often. */
static bool add_limited_end(struct wn_loss *t, const struct wn_rise *rise)
{
	struct wn_loss_block b = {.first = rise->ttl, .last = rise->ttl, .here = t->hop[rise->ttl]};

	if (rise->ttl < t->last)
		b.rest = wn_loss_sum(t, rise->ttl + 1, t->last);
	b.ppb = rise->ppb;
	return add_hop(t, &b, true);
}

/* The last TTL at which it may have risen; from last on it rose again. */
static unsigned most_of(const struct wn_loss *t, const struct wn_rise *rise, unsigned last)
{
	unsigned most = rise->most < last ? rise->most : last;

	while (most > rise->ttl && (t->own[most] || t->hop[most].sent == 0))
		most--;
	return most;
}

/* From the rise up to TTL last the path loses alike. */
static void add_path(struct wn_loss *t, const struct wn_rise *rise, unsigned last)
{
	struct wn_tally here = wn_loss_sum(t, rise->ttl, last), before = {0, 0};
	unsigned most = most_of(t, rise, last);
	struct wn_found_loss loss = {.chance_ppb = rise->place_ppb ? rise->place_ppb : rise->ppb};
	struct wn_finding *finding = wn_find_add(t->f, WN_FINDING_LOSS_PATH);

	if (!finding)
		return;
	if (rise->ttl > t->first)
		before = wn_loss_sum(t, t->first, rise->ttl - 1);
	share(&here, &loss.here);
	share(&before, &loss.rest);
	show_times(t, &loss);
	finding->between = true;
	finding->before = before_hop(t, rise->least);
	finding->first = at_hop(t, most);
	finding->last = at_hop(t, last);
	for (unsigned ttl = most; ttl <= last; ttl++)
		finding->hops += t->hop[ttl].sent > 0 && !t->own[ttl];
	finding->certainty = certainty_of(rise->ppb, &here);
	if (rise->place_ppb)
		finding->certainty = less_sure(finding->certainty, WN_LIKELY);
	finding->u.loss = loss;
	show_lost(t, WN_OWN_NOT, finding);
}

/* What the farthest hops lost, of as many probes as it takes to say something. */
static struct wn_tally tail_of(const struct wn_loss *t, unsigned last)
{
	struct wn_tally tail = {0, 0};

	for (unsigned ttl = last; ttl >= t->first && tail.sent < TAIL_SENT; ttl--)
		tail = wn_loss_sum(t, ttl, last);
	return tail;
}

/* Hops that lost nothing, beside so much loss behind them, are before the place of it. */
static void place_even(const struct wn_loss *t, unsigned last, struct wn_rise *rise)
{
	struct wn_tally before, behind;
	struct wn_rise step;

	wn_loss_rise(t, t->first, last, &step);
	if (step.fit < WN_LOSS_WORSE || step.least > rise->most)
		return;
	before = wn_loss_sum(t, t->first, step.least - 1);
	behind = wn_loss_sum(t, step.least, last);
	rise->ttl = rise->least = step.least;
	rise->place_ppb = wn_loss_chance(&behind, &before);
}

/*
 * What is lost from the start on has nothing before it to be compared with: it begins somewhere
 * up to the first hop that lost any. It has to reach the far end; what does not may be limits here
 * and there.
 */
static bool add_even(struct wn_loss *t, unsigned last)
{
	struct wn_rise rise = {.ttl = t->first, .least = t->first};
	uint32_t lost = wn_loss_sum(t, t->first, last).lost;

	if (lost < EVEN_LEAST || (last == t->last && tail_of(t, last).lost == 0))
		return lost == 0;
	for (unsigned ttl = last; ttl >= t->first; ttl--)
		if (!t->own[ttl] && t->hop[ttl].lost > 0)
			rise.most = ttl;
	place_even(t, last, &rise);
	rise.ppb = lost >= EVEN_SURE ? CERTAIN_PPB : lost >= EVEN_LIKELY ? LIKELY_PPB : WN_LOSS_PPB;
	add_path(t, &rise, last);
	return true;
}

/* Losses that nothing can be said about: too few, or here and there. */
static void note_unclear(struct wn_loss *t, unsigned last)
{
	struct wn_findings *out = t->f->out;

	for (unsigned ttl = t->first; ttl <= last; ttl++) {
		if (t->own[ttl] || t->hop[ttl].lost == 0)
			continue;
		if (out->unclear_first == 0 || ttl < out->unclear_first)
			out->unclear_first = (uint8_t)ttl;
		if (ttl > out->unclear_last)
			out->unclear_last = (uint8_t)ttl;
	}
}

static void add_paths(struct wn_loss *t)
{
	unsigned even = t->rise_count > 0 ? t->rises[0].ttl - 1 : t->last;

	if (!add_even(t, even))
		note_unclear(t, even);
	for (unsigned i = 0; i < t->rise_count; i++) {
		unsigned last = i + 1 < t->rise_count ? t->rises[i + 1].ttl - 1 : t->last;

		if (is_end_of_tale(t, t->rises[i].ttl) && add_limited_end(t, &t->rises[i]))
			continue;
		add_path(t, &t->rises[i], last);
	}
}

void wn_loss_add(struct wn_loss *t)
{
	add_hops(t);
	add_blocks(t);
	add_paths(t);
}
