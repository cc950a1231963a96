/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One wheel of 4096 ticks, 4.3 s. What is farther away lies in its bucket for more than one turn.
 * Within a bucket timers are due in the order in which they were set.
 */
#include "base/wheel.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

#define TICK_SHIFT 20
#define BUCKETS	   4096u
#define WORD_BITS  64u

struct wn_wheel_timer {
	uint64_t tick;	     /* in which it is due */
	uint32_t next, prev; /* + 1; 0 none. The first one's prev is the last */
	uint32_t bucket;
	bool set;
};

wn_err wn_wheel_init(struct wn_wheel *w, uint64_t now_ns)
{
	memset(w, 0, sizeof(*w));
	w->tick = now_ns >> TICK_SHIFT;
	w->heads = wn_calloc(BUCKETS, sizeof(*w->heads));
	w->filled = wn_calloc(BUCKETS / WORD_BITS, sizeof(*w->filled));
	if (w->heads && w->filled)
		return WN_OK;
	wn_wheel_fini(w);
	return WN_ENOMEM;
}

void wn_wheel_fini(struct wn_wheel *w)
{
	wn_free(w->timers);
	wn_free(w->heads);
	wn_free(w->filled);
	memset(w, 0, sizeof(*w));
}

wn_err wn_wheel_room(struct wn_wheel *w, uint32_t cap)
{
	struct wn_wheel_timer *timers;

	if (cap <= w->cap)
		return WN_OK;
	timers = wn_realloc(w->timers, cap, sizeof(*timers));
	if (!timers)
		return WN_ENOMEM;
	memset(timers + w->cap, 0, (cap - w->cap) * sizeof(*timers));
	w->timers = timers;
	w->cap = cap;
	return WN_OK;
}

void wn_wheel_drop(struct wn_wheel *w, uint32_t timer)
{
	struct wn_wheel_timer *t = &w->timers[timer], *head;
	uint32_t *first = &w->heads[t->bucket];

	if (!t->set)
		return;
	head = &w->timers[*first - 1];
	if (t->next)
		w->timers[t->next - 1].prev = t->prev;
	else
		head->prev = t->prev; /* the last one was it */
	if (t == head)
		*first = t->next;
	else
		w->timers[t->prev - 1].next = t->next;
	if (*first == 0)
		w->filled[t->bucket / WORD_BITS] &= ~(UINT64_C(1) << t->bucket % WORD_BITS);
	t->set = false;
	w->len--;
}

void wn_wheel_set(struct wn_wheel *w, uint32_t timer, uint64_t at_ns)
{
	struct wn_wheel_timer *t = &w->timers[timer], *head;
	uint32_t *first;

	assert(timer < w->cap);
	wn_wheel_drop(w, timer);
	t->tick = at_ns >> TICK_SHIFT;
	if (t->tick < w->tick)
		t->tick = w->tick;
	t->bucket = (uint32_t)(t->tick % BUCKETS);
	first = &w->heads[t->bucket];
	t->next = 0;
	t->prev = timer + 1;
	t->set = true;
	w->len++;
	if (*first == 0) {
		*first = timer + 1;
		w->filled[t->bucket / WORD_BITS] |= UINT64_C(1) << t->bucket % WORD_BITS;
		return;
	}
	head = &w->timers[*first - 1];
	t->prev = head->prev;
	w->timers[head->prev - 1].next = timer + 1;
	head->prev = timer + 1;
}

/* The first tick from w->tick on whose bucket is not empty; less than a turn away. len > 0. */
static uint64_t next_filled(const struct wn_wheel *w)
{
	uint32_t at = (uint32_t)(w->tick % BUCKETS);
	uint64_t bits = w->filled[at / WORD_BITS] >> at % WORD_BITS, tick = w->tick;

	while (bits == 0) {
		tick += WORD_BITS - tick % WORD_BITS;
		bits = w->filled[tick % BUCKETS / WORD_BITS];
	}
	return tick + (unsigned)__builtin_ctzll(bits);
}

static bool take_of(struct wn_wheel *w, uint64_t tick, uint32_t *out_timer)
{
	for (uint32_t i = w->heads[tick % BUCKETS]; i; i = w->timers[i - 1].next) {
		if (w->timers[i - 1].tick > tick)
			continue;
		*out_timer = i - 1;
		wn_wheel_drop(w, i - 1);
		return true;
	}
	return false;
}

/* A tick is due when it is over, so that no timer comes early. */
bool wn_wheel_take(struct wn_wheel *w, uint64_t now_ns, uint32_t *out_timer)
{
	uint64_t end = now_ns >> TICK_SHIFT;

	while (w->len > 0 && w->tick < end) {
		uint64_t tick = next_filled(w);

		/* After a jump of more than a turn the last turn has them all. */
		if (end - w->tick > BUCKETS) {
			w->tick = end - BUCKETS;
			continue;
		}
		if (tick >= end)
			break;
		w->tick = tick;
		if (take_of(w, tick, out_timer))
			return true;
		w->tick++;
	}
	if (w->tick < end)
		w->tick = end;
	return false;
}

uint64_t wn_wheel_next_ns(const struct wn_wheel *w)
{
	return w->len > 0 ? (next_filled(w) + 1) << TICK_SHIFT : UINT64_MAX;
}
