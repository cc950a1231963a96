/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait for an answer. Judged anew whenever something was learned, for as long as the
 * probe is outstanding: what its TTL or a farther one has shown bounds the wait; where nothing
 * farther answers, the worst round trip seen anywhere does; where nothing at all has answered,
 * only wait_max_ns. Time in which this process did not run is nobody's silence.
 */
#include "trace/trace_priv.h"

#include <string.h>

static uint64_t times_milli(uint64_t ns, uint32_t milli)
{
	return ns > NEVER / 1000000 ? NEVER / 2 : ns * milli / 1000;
}

/* The round trip of the nearest farther TTL that has one; 0 none. */
static uint64_t farther_ns(const struct wn_trace *t, uint8_t ttl)
{
	for (unsigned far = ttl + 1u; far <= t->frontier; far++)
		if (wn_trace_hop(t, (uint8_t)far)->rtt_ns > 0)
			return wn_trace_hop(t, (uint8_t)far)->rtt_ns;
	return 0;
}

/* While nothing has answered, the network as a whole gets wait_max_ns, once. */
static uint64_t dark_wait_ns(const struct wn_trace *t, uint64_t base_ns)
{
	uint64_t max = t->params.wait_max_ns, min = t->params.wait_min_ns;
	uint64_t since = base_ns > t->first_ns ? base_ns - t->first_ns : 0;

	if (min > max)
		return max;
	return since < max - min ? max - since : min;
}

static uint64_t wait_ns(const struct wn_trace *t, uint8_t ttl, uint64_t base_ns)
{
	const struct params *p = &t->params;
	uint64_t here = times_milli(wn_trace_hop(t, ttl)->rtt_ns, p->wait_here_milli);
	uint64_t far = times_milli(farther_ns(t, ttl), p->wait_near_milli);
	uint64_t wait = here > far ? here : far, floor = WAIT_FLOOR_NS;

	if (wait == 0) {
		if (t->worst_ns == 0)
			return dark_wait_ns(t, base_ns);
		wait = times_milli(t->worst_ns, p->wait_near_milli);
		floor = p->wait_min_ns;
	}
	if (wait < floor)
		wait = floor;
	return wait < p->wait_max_ns ? wait : p->wait_max_ns;
}

/* Its answer may be among those that are held: tie.c decides soon. */
static bool is_in_question(const struct wn_trace *t, uint16_t index)
{
	return t->held.count > 0 && t->recs[index].ttl > t->expire_top;
}

uint64_t wn_trace_expiry(struct wn_trace *t, uint16_t *out_rec)
{
	uint64_t first = NEVER;

	*out_rec = NO_REC;
	if (!t->dirty && t->now_ns < t->expire_ns)
		return t->expire_ns;
	for (uint16_t i = 0; i < t->out_count; i++) {
		struct out *out = &t->out[i];
		uint64_t at;

		if (t->recs[out->rec].state != REC_OUT || is_in_question(t, out->rec))
			continue;
		if (out->base_ns > t->now_ns)
			out->base_ns = t->now_ns; /* a stamp from the future */
		at = out->base_ns + wait_ns(t, t->recs[out->rec].ttl, out->base_ns);
		if (at < first || (at == first && out->rec < *out_rec)) {
			first = at;
			*out_rec = out->rec;
		}
	}
	t->expire_ns = first;
	t->dirty = false;
	return first;
}

static void shift(struct wn_trace *t, uint64_t by_ns)
{
	const struct params *p = &t->params;

	t->first_ns += by_ns;
	t->news_ns += by_ns;
	t->held.until_ns += by_ns;
	for (uint16_t i = 0; i < t->out_count; i++)
		t->out[i].base_ns += by_ns;
	for (unsigned ttl = p->first_ttl; ttl <= p->max_ttl; ttl++)
		wn_trace_hop(t, (uint8_t)ttl)->last_ns += by_ns;
	t->dirty = true;
}

void wn_trace_clock(struct wn_trace *t, uint64_t now_ns)
{
	uint64_t excess;

	if (now_ns <= t->now_ns)
		return;
	t->now_ns = now_ns;
	if (t->first_ns > now_ns)
		t->first_ns = now_ns; /* a stamp from the future */
	if (t->asked_ns == NEVER || now_ns - t->start_ns < JUMP_NS ||
		now_ns - JUMP_NS <= t->asked_ns)
		return;
	excess = now_ns - t->asked_ns;
	t->asked_ns = NEVER;
	shift(t, excess);
	wn_trace_note(t, WN_NOTE_GAP_IN_TIME, excess > INT64_MAX ? INT64_MAX : (int64_t)excess, "");
}
