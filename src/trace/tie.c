/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that carry nothing of their probe: UDP datagrams from the target, of one flow. When
 * probes of several TTLs are out, one answer does not tell which of them arrived; but all that
 * arrive are answered, and if a TTL reaches the target every higher one does. So the answers are
 * held until each probe that is out has had its time: k answers are those of the k highest TTLs,
 * paired in the order of sending. Meanwhile nothing more goes to where the target may be.
 *
 * With one TTL in question there is nothing to wait for. All such matches are weak.
 */
#include "trace/trace_priv.h"

#include <string.h>

#define SLACK_NS (2 * MS)
#define HOLD_NS	 (20 * MS) /* a program answers, and may have to wait for its turn */

/*
 * May have been what the target answered to by rx_ns: those that were long silent when the first of
 * the held answers came are not. That others come later makes no probe older.
 */
static bool is_candidate(const struct wn_trace *t, uint16_t index, uint64_t rx_ns)
{
	const struct rec *rec = &t->recs[index];
	uint64_t long_ns = 2 * t->tie_rtt_ns + SLACK_NS;

	if (rec->state != REC_OUT || rec->ttl <= t->expire_top || rec->sent_ns > rx_ns)
		return false;
	if (t->held.count > 0 && t->held.first_ns < rx_ns)
		rx_ns = t->held.first_ns;
	return t->tie_rtt_ns == 0 || rec->sent_ns + long_ns >= rx_ns;
}

struct candidates {
	uint32_t count;
	uint16_t oldest;
	uint64_t last_ns; /* when the latest was sent */
	bool one_ttl;
};

static struct candidates find_candidates(const struct wn_trace *t, uint64_t rx_ns)
{
	struct candidates c = {.oldest = NO_REC, .one_ttl = true};

	for (uint16_t i = 0; i < t->out_count; i++) {
		uint16_t index = t->out[i].rec;
		const struct rec *rec = &t->recs[index], *old;

		if (!is_candidate(t, index, rx_ns))
			continue;
		if (c.count++ == 0)
			c.oldest = index;
		old = &t->recs[c.oldest];
		c.one_ttl = c.one_ttl && rec->ttl == old->ttl;
		if (rec->sent_ns > c.last_ns)
			c.last_ns = rec->sent_ns;
		if (rec->sent_ns < old->sent_ns ||
			(rec->sent_ns == old->sent_ns && index < c.oldest))
			c.oldest = index;
	}
	return c;
}

static void hold(struct wn_trace *t, const struct wn_reply *r, uint64_t rx_ns, enum wn_clock clock)
{
	struct held *h = &t->held;
	uint64_t after = rx_ns > h->first_ns ? rx_ns - h->first_ns : 0;

	if (h->count == 0) {
		*h = (struct held){
			.first_ns = rx_ns,
			.to = r->to,
			.ttl = r->ttl,
			.tos = r->tos,
			.length = r->length,
			.clock = (uint8_t)clock,
		};
		after = 0;
	}
	if ((uint8_t)clock < h->clock)
		h->clock = (uint8_t)clock;
	t->held_after_ns[h->count++] = after < UINT32_MAX ? (uint32_t)after : UINT32_MAX;
	t->dirty = true;
}

enum wn_claim wn_trace_tie(
	struct wn_trace *t, const struct wn_reply *r, uint64_t rx_ns, enum wn_clock clock)
{
	struct candidates c = find_candidates(t, rx_ns);
	uint64_t rtt_ns = c.count ? rx_ns - t->recs[c.oldest].sent_ns : 0;

	if (t->tie_rtt_ns == 0)
		t->tie_rtt_ns = rtt_ns;
	if (t->held.count == 0 && c.count > 0 && c.one_ttl) {
		wn_trace_take(t, r, rx_ns, clock,
			&(struct verdict){.rec = c.oldest, .match = WN_MATCH_WEAK});
		return WN_CLAIM_TAKEN;
	}
	if (c.count == 0 || t->held.count >= t->out_cap) {
		t->counters.stale++;
		return WN_CLAIM_TAKEN;
	}
	hold(t, r, rx_ns, clock);
	if (t->held.count == 1)
		t->held.until_ns = c.last_ns + rtt_ns + rtt_ns / 4 + HOLD_NS;
	return WN_CLAIM_TAKEN;
}

bool wn_trace_tie_is_due(const struct wn_trace *t)
{
	if (t->held.count == 0)
		return false;
	return t->now_ns >= t->held.until_ns || t->forced != WN_STOP_NONE ||
	       t->held.count >= find_candidates(t, t->now_ns).count;
}

/* Marks the highest TTL that is not marked yet. */
static void mark_one(struct wn_trace *t, uint64_t rx_ns)
{
	struct rec *best = NULL;

	for (uint16_t i = 0; i < t->out_count; i++) {
		struct rec *rec = &t->recs[t->out[i].rec];

		if (!(rec->flags & REC_F_TIED) && is_candidate(t, t->out[i].rec, rx_ns) &&
			(!best || rec->ttl > best->ttl ||
				(rec->ttl == best->ttl && rec->number < best->number)))
			best = rec;
	}
	if (best)
		best->flags |= REC_F_TIED;
}

static uint16_t first_marked(const struct wn_trace *t)
{
	uint16_t first = NO_REC;

	for (uint16_t i = 0; i < t->out_count; i++) {
		uint16_t index = t->out[i].rec;
		const struct rec *rec = &t->recs[index];

		if (!(rec->flags & REC_F_TIED))
			continue;
		if (first == NO_REC || rec->sent_ns < t->recs[first].sent_ns ||
			(rec->sent_ns == t->recs[first].sent_ns && index < first))
			first = index;
	}
	return first;
}

void wn_trace_tie_resolve(struct wn_trace *t)
{
	struct held h = t->held;
	struct wn_reply r;

	memset(&r, 0, sizeof(r));
	r.kind = WN_REPLY_UDP;
	r.from = t->params.dst;
	r.to = h.to;
	r.ttl = h.ttl;
	r.tos = h.tos;
	r.length = h.length;
	r.sport = t->params.dport;
	r.dport = (uint16_t)(t->params.sport + t->params.flow);
	r.hint_id = WN_HINT_NONE;
	for (uint16_t i = 0; i < h.count; i++)
		mark_one(t, h.first_ns + t->held_after_ns[h.count - 1]);
	t->held.count = 0;
	t->dirty = true;
	for (uint16_t i = 0; i < h.count; i++) {
		struct verdict v = {.rec = first_marked(t), .match = WN_MATCH_WEAK};

		if (v.rec == NO_REC) {
			t->counters.stale++;
			continue;
		}
		t->recs[v.rec].flags &= (uint8_t)~REC_F_TIED;
		wn_trace_take(t, &r, h.first_ns + t->held_after_ns[i], (enum wn_clock)h.clock, &v);
	}
}
