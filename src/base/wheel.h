/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer wheel: many timers, most of which are dropped before they are due. Setting and dropping
 * cost the same however many there are; times are rounded up to ticks of about a millisecond
 * (2^20 ns). A timer is named by a small number, which the user chooses.
 */
#ifndef WN_BASE_WHEEL_H
#define WN_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

struct wn_wheel {
	struct wn_wheel_timer *timers; /* owned; cap */
	uint32_t *heads;	       /* owned; first timer of each bucket, 0 none, else + 1 */
	uint64_t *filled;	       /* owned; bit by bucket */
	uint64_t tick;		       /* everything before it was taken */
	uint32_t cap, len;
};

/* now_ns: no timer is ever set to an earlier time (one that is, is due at once). WN_ENOMEM. */
wn_err wn_wheel_init(struct wn_wheel *w, uint64_t now_ns);
void wn_wheel_fini(struct wn_wheel *w);
/* Timers 0 to cap - 1 may be set from here on. WN_ENOMEM. */
wn_err wn_wheel_room(struct wn_wheel *w, uint32_t cap);
void wn_wheel_set(struct wn_wheel *w, uint32_t timer, uint64_t at_ns); /* moves one that is set */
void wn_wheel_drop(struct wn_wheel *w, uint32_t timer);		       /* does nothing if not set */
/* A timer that is due, which is then not set any more; false: there is none. */
bool wn_wheel_take(struct wn_wheel *w, uint64_t now_ns, uint32_t *out_timer);
/* When to ask again: not later than the next one is due; UINT64_MAX: none is set. */
uint64_t wn_wheel_next_ns(const struct wn_wheel *w);

#endif
