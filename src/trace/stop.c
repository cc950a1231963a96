/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the path ends, and whether everything up to there is decided. The end may come nearer
 * with every answer (the destination at a lower TTL) and may move away again (a farther router
 * answers after a nearer one refused): it is found anew from what each TTL has shown.
 */
#include "trace/trace_priv.h"

#include <string.h>

/* One responder, neither the target nor silent: may be part of a loop. */
static const struct wn_addr *sole_router(const struct wn_trace *t, unsigned ttl)
{
	const struct hop *hop = wn_trace_hop(t, (uint8_t)ttl);

	if (!(hop->flags & HOP_F_EXPIRED) || (hop->flags & (HOP_F_MIXED | HOP_F_UNREACHABLE)) ||
		wn_addr_eq(&hop->addr, &t->params.dst))
		return NULL;
	return &hop->addr;
}

/* Two full periods from ttl on: the same routers in the same order, more than one of them. */
static bool repeats(const struct wn_trace *t, unsigned ttl, unsigned period)
{
	bool differ = false;

	for (unsigned i = 0; i < period; i++) {
		const struct wn_addr *a = sole_router(t, ttl + i);
		const struct wn_addr *b = sole_router(t, ttl + period + i);

		if (!a || !b || !wn_addr_eq(a, b))
			return false;
		differ = differ || !wn_addr_eq(a, &wn_trace_hop(t, (uint8_t)ttl)->addr);
	}
	return differ;
}

/* The last TTL of the earliest two periods of a loop; 0 none. Probes of many flows prove none. */
uint8_t wn_trace_loop_end(const struct wn_trace *t)
{
	unsigned best = 0;

	if (t->params.flow_mode == WN_FLOW_CLASSIC)
		return 0;
	for (unsigned ttl = t->params.first_ttl; ttl + 3 <= t->expire_top; ttl++) {
		for (unsigned period = 2; ttl + 2 * period - 1 <= t->expire_top; period++) {
			unsigned end = ttl + 2 * period - 1;

			if ((best == 0 || end < best) && repeats(t, ttl, period))
				best = end;
		}
	}
	return (uint8_t)best;
}

static void end_at(struct wn_trace *t, uint8_t ttl, enum wn_stop why)
{
	if (ttl > 0 && (t->end.why == WN_STOP_NONE || ttl < t->end.ttl))
		t->end = (struct path_end){.ttl = ttl, .why = why};
}

void wn_trace_find_end(struct wn_trace *t)
{
	const struct params *p = &t->params;

	if (t->settled)
		return;
	t->end = (struct path_end){.ttl = p->max_ttl, .why = WN_STOP_NONE};
	if (t->more)
		return;
	for (unsigned ttl = p->first_ttl; ttl <= t->frontier; ttl++) {
		uint8_t flags = wn_trace_hop(t, (uint8_t)ttl)->flags;

		if (flags & (HOP_F_REACHED | HOP_F_REACHED_TIE)) {
			t->end = (struct path_end){.ttl = (uint8_t)ttl, .why = WN_STOP_REACHED};
			return;
		}
		/* Refused here, but not always: a farther router has seen a probe. */
		if ((flags & HOP_F_UNREACHABLE) && ttl >= t->expire_top)
			end_at(t, (uint8_t)ttl, WN_STOP_UNREACHABLE);
	}
	end_at(t, wn_trace_loop_end(t), WN_STOP_LOOP);
}

uint8_t wn_trace_limit(const struct wn_trace *t)
{
	unsigned limit = t->frontier ? t->frontier : t->params.first_ttl - 1u;

	limit += t->params.gap;
	return limit < t->end.ttl ? (uint8_t)limit : t->end.ttl;
}

/* Answers came that no probe could be found for: ask the silent TTLs again, one at a time. */
static bool start_serial(struct wn_trace *t)
{
	bool any = false;

	if (t->serial || t->counters.unattributed == 0 || !wn_trace_is_anonymous(t))
		return false;
	for (unsigned ttl = t->params.first_ttl; ttl <= wn_trace_limit(t); ttl++) {
		struct hop *hop = wn_trace_hop(t, (uint8_t)ttl);

		if (hop->answered > 0)
			continue;
		hop->flags |= HOP_F_SERIAL;
		any = true;
	}
	t->serial = true;
	if (any)
		wn_trace_note(t, WN_NOTE_SERIAL_PASS, 0, "");
	return any;
}

/*
 * A router that refused one probe may have let a later one pass: what is under way beyond it gets
 * half a round trip more to say so. 0: nothing is.
 */
static uint64_t passed_until_ns(const struct wn_trace *t)
{
	if (t->end.why != WN_STOP_UNREACHABLE || t->end.ttl >= t->params.max_ttl ||
		wn_trace_hop(t, (uint8_t)(t->end.ttl + 1u))->left == 0)
		return 0;
	return t->news_ns + t->worst_ns / 2 + REFUSAL_NS;
}

bool wn_trace_settled(struct wn_trace *t, uint64_t *wake_ns)
{
	uint8_t limit = wn_trace_limit(t);
	uint64_t passed_ns = passed_until_ns(t);

	if (t->more)
		return t->settled;
	if (t->held.count > 0)
		return false;
	if (t->now_ns < passed_ns) {
		*wake_ns = passed_ns < *wake_ns ? passed_ns : *wake_ns;
		return false;
	}
	for (unsigned ttl = t->params.first_ttl; ttl <= limit; ttl++) {
		const struct hop *hop = wn_trace_hop(t, (uint8_t)ttl);

		if (hop->active > 0 || hop->ended < wn_trace_want(t, (uint8_t)ttl))
			return false;
	}
	return !start_serial(t);
}

/* No probe left to any TTL beyond the last that answered. */
static bool nothing_left_beyond(const struct wn_trace *t)
{
	for (unsigned ttl = t->frontier + 1u; ttl <= wn_trace_limit(t); ttl++)
		if (ttl >= t->params.first_ttl && wn_trace_hop(t, (uint8_t)ttl)->left > 0)
			return false;
	return t->first_err != WN_OK && t->frontier < wn_trace_limit(t);
}

static bool any_active(const struct wn_trace *t)
{
	for (unsigned ttl = t->params.first_ttl; ttl <= t->end.ttl; ttl++)
		if (wn_trace_hop(t, (uint8_t)ttl)->active > 0)
			return true;
	return false;
}

void wn_trace_stop_event(struct wn_trace *t, struct wn_event *ev)
{
	enum wn_stop why = t->forced;

	memset(ev, 0, sizeof(*ev));
	ev->kind = WN_EV_STOP;
	ev->at_ns = wn_trace_since(t, t->now_ns);
	if (why != WN_STOP_NONE) {
		ev->u.stop.err = t->forced_err;
		ev->u.stop.sys = t->forced_sys;
	} else if (t->settled) {
		why = t->end.why;
		ev->u.stop.ttl = t->end.ttl;
		if (why == WN_STOP_REACHED)
			ev->u.stop.by = t->params.dst;
		else if (why == WN_STOP_UNREACHABLE)
			ev->u.stop.by = wn_trace_hop(t, t->end.ttl)->addr;
		ev->u.stop.err = why == WN_STOP_ERROR ? t->first_err : WN_OK;
		ev->u.stop.sys = why == WN_STOP_ERROR ? t->first_sys : 0;
	} else if (t->end.why != WN_STOP_NONE) {
		why = t->end.why;
		ev->u.stop.ttl = t->end.ttl;
		ev->u.stop.by = wn_trace_hop(t, t->end.ttl)->addr;
	} else if (nothing_left_beyond(t)) {
		why = WN_STOP_ERROR;
		ev->u.stop.err = t->first_err;
		ev->u.stop.sys = t->first_sys;
	} else {
		why = wn_trace_limit(t) == t->params.max_ttl ? WN_STOP_MAX_TTL : WN_STOP_GAP;
		ev->u.stop.ttl = wn_trace_limit(t);
	}
	ev->u.stop.stop = why;
	t->partial = t->partial || why == WN_STOP_INTERRUPTED || why == WN_STOP_ERROR ||
		     (why == WN_STOP_DEADLINE && (t->more || any_active(t)));
}
