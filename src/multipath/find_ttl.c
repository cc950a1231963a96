/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TTL itself. A router that should have dropped a packet at TTL 1 sends it on with 0, and the
 * next one quotes that. A box that sets the TTL anew sends all that passes it the same way on,
 * whatever was left: the target, or one router, answers all farther TTLs, and if it was the target,
 * quotes a TTL that does not grow with that of the probes.
 */
#include "multipath/find_int.h"

#define FIXED_SURE 3 /* different TTLs that the same happened to */

/* A finding that begins here; one of another flow is the same. NULL: nothing to fill in. */
static struct wn_finding *add(struct wn_finder *f, enum wn_finding_kind kind,
	const struct wn_hop_view views[256], struct wn_finding_at first)
{
	struct wn_finding *have = wn_find_known(f, kind, first);

	if (have) {
		have->flows++;
		return NULL;
	}
	have = wn_find_add(f, kind);
	if (!have)
		return NULL;
	have->between = true;
	have->before = wn_view_before(views, first.ttl);
	have->first = have->last = first;
	have->hops = 1;
	return have;
}

/* ---- forwarded with 0 ---- */

static void find_zero(struct wn_finder *f, const struct wn_hop_view views[256])
{
	for (unsigned ttl = 1; ttl < 255; ttl++) {
		const struct wn_hop_view *v = &views[ttl], *next = &views[ttl + 1];
		bool again = next->probe != WN_NONE && next->at.responder == v->at.responder;
		struct wn_finding *finding;

		if (v->probe == WN_NONE || v->quoted_ttl != 0)
			continue;
		finding = add(f, WN_FINDING_ZERO_TTL, views, v->at);
		if (!finding)
			continue;
		/* Who takes one off before quoting shows only once. */
		finding->certainty = again ? WN_CERTAIN : WN_POSSIBLE;
		finding->u.ttl.sent_first = finding->u.ttl.sent_last = (uint8_t)ttl;
		wn_find_evidence(f, finding, v->probe);
		if (again) {
			finding->last = next->at;
			wn_find_evidence(f, finding, next->probe);
			finding->u.ttl.sent_last = (uint8_t)(ttl + 1);
			finding->u.ttl.quoted_most = 1;
		}
	}
}

/* ---- set anew, and the target answers ---- */

struct range {
	uint32_t first; /* in seen, the first that counts */
	uint32_t ttls;	/* different ones */
	uint8_t sent_first, sent_last, quoted_first, quoted_least, quoted_most;
};

/* Answers of the target in a lane, by their probes' own TTLs. */
static bool quotes_of_target(const struct wn_finder *f, uint32_t lane, struct range *out)
{
	bool ttls[256] = {false};

	*out = (struct range){.sent_first = UINT8_MAX, .quoted_least = UINT8_MAX};
	for (uint32_t i = f->lane_first[lane]; i < f->lane_first[lane + 1]; i++) {
		const struct wn_reply_rec *reply = wn_seen_reply(f, &f->seen[i]);
		const struct wn_quote *q = wn_seen_ip(f, &f->seen[i]);
		uint8_t ttl = wn_seen_probe(f, &f->seen[i])->probe.ttl;

		if (!q || !reply || !reply->reached)
			continue;
		if (ttl < out->sent_first) {
			out->first = i;
			out->sent_first = ttl;
			out->quoted_first = q->ttl;
		}
		out->ttls += !ttls[ttl];
		ttls[ttl] = true;
		out->sent_last = ttl > out->sent_last ? ttl : out->sent_last;
		out->quoted_least = q->ttl < out->quoted_least ? q->ttl : out->quoted_least;
		out->quoted_most = q->ttl > out->quoted_most ? q->ttl : out->quoted_most;
	}
	return out->ttls > 0;
}

static void show_target(
	const struct wn_finder *f, uint32_t lane, const struct range *range, struct wn_finding *out)
{
	out->u.ttl = (struct wn_found_ttl){
		.sent_first = range->sent_first,
		.sent_last = range->sent_last,
		.quoted_least = range->quoted_least,
		.quoted_most = range->quoted_most,
		.fixed = range->ttls > 1 && range->quoted_least == range->quoted_most,
	};
	for (uint32_t i = range->first; i < f->lane_first[lane + 1]; i++)
		if (wn_seen_ip(f, &f->seen[i]))
			wn_find_evidence(f, out, f->seen[i].probe);
}

static void find_at_target(struct wn_finder *f, uint32_t lane, const struct wn_hop_view views[256])
{
	struct wn_finding *finding;
	struct wn_finding_at before;
	struct range range;
	bool fixed, too_much;

	if (!quotes_of_target(f, lane, &range) || range.quoted_first < 2)
		return;
	before = wn_view_before(views, range.sent_first);
	/* Or the target is nearer, and did not answer there. */
	too_much = range.quoted_first > range.sent_first - before.ttl;
	fixed = range.ttls >= FIXED_SURE && range.quoted_least == range.quoted_most;
	if (!too_much && !fixed)
		return;
	finding = add(f, WN_FINDING_TTL, views, wn_find_at(f, &f->seen[range.first]));
	if (!finding)
		return;
	finding->certainty = fixed ? WN_CERTAIN : WN_LIKELY;
	show_target(f, lane, &range, finding);
}

/* ---- quoted too high ---- */

/* More is quoted than a tunnel can explain: it was raised, or the router quotes what it likes. */
static void find_high(struct wn_finder *f, const struct wn_hop_view views[256])
{
	for (unsigned ttl = 1; ttl < 256; ttl++) {
		const struct wn_hop_view *v = &views[ttl];
		struct wn_finding *finding;

		if (v->probe == WN_NONE || !v->expired || v->quoted_ttl < 2 || v->ext ||
			wn_view_ramp(views, ttl) != 0)
			continue;
		finding = add(f, WN_FINDING_TTL, views, v->at);
		if (!finding)
			continue;
		finding->certainty = WN_POSSIBLE;
		finding->u.ttl.sent_first = finding->u.ttl.sent_last = (uint8_t)ttl;
		finding->u.ttl.quoted_least = finding->u.ttl.quoted_most = (uint8_t)v->quoted_ttl;
		wn_find_evidence(f, finding, v->probe);
	}
}

/* ---- one router for many TTLs ---- */

/* How many TTLs from this one on the same router answers. */
static unsigned repeats(const struct wn_hop_view views[256], unsigned ttl)
{
	unsigned n = 1;

	while (ttl + n < 256 && views[ttl + n].probe != WN_NONE && views[ttl + n].expired &&
		views[ttl + n].at.responder == views[ttl].at.responder)
		n++;
	return n;
}

/* Replies of different routers behind one address have longer and longer ways. */
static bool replies_differ(const struct wn_hop_view views[256], unsigned ttl, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (views[ttl + i].reply_ttl < 0 ||
			views[ttl + i].reply_ttl >= views[ttl + i - 1].reply_ttl)
			return false;
	return true;
}

static void add_repeats(
	struct wn_finder *f, const struct wn_hop_view views[256], unsigned ttl, unsigned n)
{
	bool differ = replies_differ(views, ttl, n);
	struct wn_finding *finding =
		add(f, differ ? WN_FINDING_NAT : WN_FINDING_TTL, views, views[ttl].at);

	if (!finding)
		return;
	finding->certainty = WN_LIKELY;
	finding->last = views[ttl + n - 1].at;
	finding->hops = n;
	for (unsigned i = 0; i < n; i++)
		wn_find_evidence(f, finding, views[ttl + i].probe);
	if (differ) {
		finding->u.nat.by_answers = true;
		return;
	}
	finding->u.ttl.fixed = true;
	finding->u.ttl.sent_first = (uint8_t)ttl;
	finding->u.ttl.sent_last = (uint8_t)(ttl + n - 1);
	finding->u.ttl.quoted_least = finding->u.ttl.quoted_most =
		(uint8_t)(views[ttl].quoted_ttl > 0 ? views[ttl].quoted_ttl : 0);
}

static void find_repeats(struct wn_finder *f, const struct wn_hop_view views[256])
{
	const struct wn_addr *dst = &f->r->params.dst;
	unsigned n;

	for (unsigned ttl = 1; ttl < 256; ttl += n) {
		const struct wn_hop_view *v = &views[ttl];

		n = 1;
		if (v->probe == WN_NONE || !v->expired ||
			wn_addr_eq(&f->r->responders[v->at.responder].addr, dst))
			continue;
		n = repeats(views, ttl);
		if (n >= FIXED_SURE)
			add_repeats(f, views, ttl, n);
	}
}

void wn_find_ttl(struct wn_finder *f)
{
	struct wn_hop_view views[256];

	for (uint32_t lane = 0; lane < f->lane_count; lane++) {
		wn_find_views(f, lane, views);
		find_zero(f, views);
		find_at_target(f, lane, views);
		find_high(f, views);
		find_repeats(f, views);
	}
}
