/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which loss is real. Every probe to a farther TTL passes the hops before it, so what is lost on
 * the path is lost to all farther TTLs as well; a hop that loses more than those behind it loses
 * only its own replies, which harms nobody. The path loses where the share rises and stays risen,
 * on the way there or back: which of them, probes from one end cannot tell. Times in which the path
 * changed are left out, and each time between is looked at by itself.
 */
#include "multipath/find_loss_int.h"

#include <string.h>
#include "base/alloc.h"
#include "base/sort.h"

bool wn_loss_counts(const struct wn_loss *t, const struct wn_seen *s)
{
	const struct wn_probe_rec *p = wn_seen_probe(t->f, s);

	if (t->router != WN_NONE && t->router_of[s->lane] != t->router)
		return false;
	return !s->silent && s->sent_ns >= t->span.from_ns && s->sent_ns <= t->span.to_ns &&
	       (p->first_reply != WN_NONE || p->state == WN_PROBE_LOST);
}

static void count(struct wn_loss *t)
{
	for (uint32_t i = 0; i < t->f->seen_count; i++) {
		const struct wn_seen *s = &t->f->seen[i];

		if (!wn_loss_counts(t, s))
			continue;
		t->hop[s->ttl].sent++;
		t->hop[s->ttl].lost += !wn_seen_reply(t->f, s);
	}
	for (unsigned ttl = 1; ttl < 256; ttl++) {
		if (t->hop[ttl].lost == t->hop[ttl].sent)
			t->hop[ttl] = (struct wn_tally){0, 0}; /* silent: that is no loss */
		if (t->hop[ttl].sent == 0)
			continue;
		t->first = t->first ? t->first : ttl;
		t->last = ttl;
	}
}

static void add_tally(struct wn_tally *to, const struct wn_tally *t)
{
	to->sent += t->sent;
	to->lost += t->lost;
}

struct wn_tally wn_loss_sum(const struct wn_loss *t, unsigned first, unsigned last)
{
	struct wn_tally all = {0, 0};

	for (unsigned ttl = first; ttl <= last; ttl++)
		if (!t->own[ttl])
			add_tally(&all, &t->hop[ttl]);
	return all;
}

uint32_t wn_loss_chance(const struct wn_tally *here, const struct wn_tally *there)
{
	return wn_chance_more_lost(here->lost, here->sent, there->lost, there->sent);
}

unsigned wn_loss_hops(const struct wn_loss *t)
{
	unsigned n = 0;

	for (unsigned ttl = t->first; ttl <= t->last; ttl++)
		n += t->hop[ttl].sent > 0;
	return n;
}

uint32_t wn_loss_of_tries(uint32_t ppb, unsigned tries)
{
	return ppb < WN_CHANCE_PPB / (tries ? tries : 1) ? ppb * tries : WN_CHANCE_PPB;
}

/*
 * From the far end: the more hops behind one are clean, the surer it is. Where all of them are,
 * less is asked for: there is nothing on the path to have caused it.
 */
static void find_own(struct wn_loss *t)
{
	struct wn_tally behind = {0, 0};
	unsigned tries = wn_loss_hops(t);

	for (unsigned ttl = t->last; ttl >= t->first; ttl--) {
		uint32_t ppb;

		if (t->hop[ttl].sent == 0)
			continue;
		ppb = wn_loss_chance(&t->hop[ttl], &behind);
		if (behind.lost > 0)
			ppb = wn_loss_of_tries(ppb, tries);
		t->own[ttl] = ttl < t->last && ppb <= WN_LOSS_PPB ? WN_OWN_HOP : WN_OWN_NOT;
		if (!t->own[ttl])
			add_tally(&behind, &t->hop[ttl]);
	}
}

/*
 * How well two shares that part at ttl fit hops first to last, better than one share does: chi
 * squared. Negative where the share falls.
 */
static double step_at(const struct wn_loss *t, unsigned first, unsigned ttl, unsigned last)
{
	struct wn_tally before = wn_loss_sum(t, first, ttl - 1), behind = wn_loss_sum(t, ttl, last);
	double n1 = before.sent, n2 = behind.sent, n = n1 + n2;
	double share = ((double)before.lost + behind.lost) / n, diff;

	if (before.sent == 0 || behind.sent == 0 || share <= 0 || share >= 1)
		return 0;
	diff = behind.lost / n2 - before.lost / n1;
	diff = diff * (diff < 0 ? -diff : diff);
	return diff * n1 * n2 / n / (share * (1 - share));
}

static bool is_step(const struct wn_loss *t, unsigned first, unsigned ttl)
{
	return ttl > first && !t->own[ttl] && t->hop[ttl].sent > 0;
}

bool wn_loss_rise(const struct wn_loss *t, unsigned first, unsigned last, struct wn_rise *out)
{
	struct wn_tally before, behind;
	double best = 0, step;
	unsigned tries = 0;

	*out = (struct wn_rise){0};
	for (unsigned ttl = first + 1; ttl <= last; ttl++) {
		if (!is_step(t, first, ttl))
			continue;
		tries++;
		step = step_at(t, first, ttl, last);
		if (step > best) {
			best = step;
			out->ttl = ttl;
		}
	}
	out->fit = best;
	if (best <= 0)
		return false;
	before = wn_loss_sum(t, first, out->ttl - 1);
	behind = wn_loss_sum(t, out->ttl, last);
	out->ppb = wn_loss_of_tries(wn_loss_chance(&behind, &before), tries);
	for (unsigned ttl = first + 1; ttl <= last; ttl++) {
		if (!is_step(t, first, ttl) || step_at(t, first, ttl, last) < best - WN_LOSS_WORSE)
			continue;
		out->least = out->least ? out->least : ttl;
		out->most = ttl;
	}
	return out->ppb <= WN_LOSS_PPB;
}

/* Where the share falls again: what is before it was not lost on the path. 0: nowhere. */
static unsigned find_fall(const struct wn_loss *t, uint32_t *out_ppb)
{
	struct wn_tally before, behind;
	double best = 0, step;
	unsigned tries = 0, fall = 0;

	for (unsigned ttl = t->first + 1; ttl <= t->last; ttl++) {
		if (!is_step(t, t->first, ttl))
			continue;
		tries++;
		step = step_at(t, t->first, ttl, t->last);
		if (step < best) {
			best = step;
			fall = ttl;
		}
	}
	if (fall == 0)
		return 0;
	before = wn_loss_sum(t, t->first, fall - 1);
	behind = wn_loss_sum(t, fall, t->last);
	*out_ppb = wn_loss_of_tries(wn_loss_chance(&before, &behind), tries);
	return *out_ppb <= WN_LOSS_PPB ? fall : 0;
}

/* Neighbouring hops that lose replies together, too few each to be told alone. */
static void find_blocks(struct wn_loss *t)
{
	struct wn_rise rise;
	uint32_t ppb;
	unsigned fall;

	while (t->block_count < WN_LOSS_BLOCKS && (fall = find_fall(t, &ppb)) != 0) {
		struct wn_loss_block *b = &t->blocks[t->block_count++];

		*b = (struct wn_loss_block){.first = t->first, .last = fall - 1, .ppb = ppb};
		if (wn_loss_rise(t, t->first, fall - 1, &rise))
			b->first = rise.ttl;
		while (t->hop[b->first].lost == 0 || t->own[b->first])
			b->first++;
		while (t->hop[b->last].lost == 0 || t->own[b->last])
			b->last--;
		b->here = wn_loss_sum(t, b->first, b->last);
		b->rest = wn_loss_sum(t, fall, t->last);
		b->own = (uint8_t)(WN_OWN_BLOCK + t->block_count);
		for (unsigned ttl = b->first; ttl <= b->last; ttl++)
			if (!t->own[ttl])
				t->own[ttl] = b->own;
	}
}

/* All rises, in order. */
static void find_rises(struct wn_loss *t, unsigned first, unsigned last)
{
	struct wn_rise rise;

	if (!wn_loss_rise(t, first, last, &rise))
		return;
	find_rises(t, first, rise.ttl - 1);
	if (t->rise_count < WN_LOSS_RISES)
		t->rises[t->rise_count++] = rise;
	find_rises(t, rise.ttl, last);
}

static void look(struct wn_loss *t, uint64_t from_ns, uint64_t to_ns)
{
	struct wn_loss now = {
		.f = t->f,
		.by_time = t->by_time,
		.next_ns = t->next_ns,
		.router_of = t->router_of,
		.router = WN_NONE,
	};

	now.span = (struct wn_span){from_ns, to_ns};
	count(&now);
	if (now.first == 0)
		return;
	find_own(&now);
	find_blocks(&now);
	find_rises(&now, now.first, now.last);
	wn_loss_add(&now);
}

static void look_at_all(struct wn_loss *t)
{
	const struct wn_finder *f = t->f;
	uint64_t from_ns = 0;

	for (uint32_t i = 0; i < f->change_count; i++) {
		if (f->changes[i].from_ns >= from_ns)
			look(t, from_ns, f->changes[i].from_ns);
		if (f->changes[i].to_ns > from_ns)
			from_ns = f->changes[i].to_ns;
	}
	look(t, from_ns, UINT64_MAX);
}

static bool seen_less(const void *items, size_t a, size_t b)
{
	const struct wn_seen *x = (const struct wn_seen *)items + a;
	const struct wn_seen *y = (const struct wn_seen *)items + b;

	if (x->lane != y->lane)
		return x->lane < y->lane;
	return x->sent_ns != y->sent_ns ? x->sent_ns < y->sent_ns : x->probe < y->probe;
}

void wn_find_loss(struct wn_finder *f)
{
	struct wn_seen *by_time = wn_calloc((size_t)f->seen_count + 1, sizeof(*by_time));
	struct wn_loss t = {.f = f, .by_time = by_time};

	t.next_ns = wn_calloc((size_t)f->seen_count + 1, sizeof(*t.next_ns));
	t.router_of = wn_calloc((size_t)f->lane_count + 1, sizeof(*t.router_of));
	if (by_time && t.next_ns && t.router_of) {
		memcpy(by_time, f->seen, f->seen_count * sizeof(*by_time));
		wn_sort_array(by_time, f->seen_count, sizeof(*by_time), seen_less);
		look_at_all(&t);
	} else {
		f->err = WN_ENOMEM;
	}
	wn_free(by_time);
	wn_free(t.next_ns);
	wn_free(t.router_of);
}
