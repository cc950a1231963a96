/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the probes of many traces may leave: all together, to each destination, to each router,
 * and as many as a receive buffer has room for the answers of. Pure: time is an argument.
 *
 * A probe pays a toll at up to four gates, in this order, and leaves when all of them are open:
 *
 *   destination   the address it is sent to
 *   router        whoever is expected to answer it; where nobody is known, the place it goes to
 *   line          a buffer's room, which is given back; of whoever drives the sockets
 *   all           every probe
 *
 * Who has to wait stands in line at the first gate that is closed, first come first served; the
 * head of a line keeps its place there while it stands at a later gate. So a gate that is open is
 * passed by whoever else may, and at each gate nobody is overtaken.
 *
 * A gate with N per second lets through at most N * T + WN_PACE_BURST(N) in any T seconds.
 *
 * Routers are charged when a probe leaves that they are expected to answer, or when they answer one
 * for which another gate was charged. Such a gate is one of a place: "the next hop behind this
 * router", "three hops behind this interface". It has the same rate, and is closed while any of
 * those that were met there is in debt. So over time no router sees more than N per second; at once
 * it sees at most the burst of its own gate and, until its first answer is back, that of each place
 * that leads to it.
 *
 * Tables are bounded. Who finds no room in them shares a gate with others like him: that is slower,
 * never faster.
 */
#ifndef WN_TRACE_PACE_H
#define WN_TRACE_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"

#define WN_PACE_GATES	 4
#define WN_PACE_LINE	 2 /* which of them a line is */
#define WN_PACE_NO_GATE	 UINT32_MAX
#define WN_PACE_BURST(n) ((n) < 100 ? 1u : (n) / 50u) /* 20 ms worth */
#define WN_PACE_TABLE	 65536u			      /* gates, unless the configuration has less */

struct wn_pace;

struct wn_pace_config {
	uint32_t pps, pps_per_destination, pps_per_router; /* 0: no bound */
	uint32_t gates_max;				   /* 0: WN_PACE_TABLE; at least 64 */
};

/* What is known of a probe before it leaves. */
struct wn_pace_probe {
	struct wn_addr dst;
	struct wn_addr router; /* who answered this trace at this TTL before; family 0 nobody yet */
	/*
	 * Where it goes, of wn_pace_place, the most certain first; 0 none. The first at which
	 * anybody was met counts, else the last.
	 */
	uint64_t places[2];
	uint32_t line; /* of wn_pace_line_new; WN_PACE_NO_GATE */
};

struct wn_pace_toll {
	uint32_t gates[WN_PACE_GATES]; /* WN_PACE_NO_GATE: none */
};

/*
 * One that waits, or has paid and not left yet: the user's memory, which must stay where it is. All
 * zero: neither.
 */
struct wn_pace_wait {
	struct wn_pace_wait *next[WN_PACE_GATES], *prev[WN_PACE_GATES];
	struct wn_pace_toll toll;
	uint8_t gate; /* at which it stands */
	bool waiting, paid;
};

wn_err wn_pace_new(const struct wn_pace_config *config, struct wn_pace **out);
void wn_pace_free(struct wn_pace *p);

/* The place so many hops behind a router, or with family 0 behind this machine's interface. */
uint64_t wn_pace_place(const struct wn_addr *behind, uint32_t ifindex, unsigned hops);

void wn_pace_toll_of(struct wn_pace *p, const struct wn_pace_probe *probe, uint64_t now_ns,
	struct wn_pace_toll *out);
/* True: it may leave now, and has paid. False: it may not, or others wait before it. */
bool wn_pace_pass(struct wn_pace *p, const struct wn_pace_toll *toll, uint64_t now_ns);
/* One that could not pass: w comes from wn_pace_take when it has. */
void wn_pace_wait(struct wn_pace *p, struct wn_pace_wait *w, const struct wn_pace_toll *toll,
	uint64_t now_ns);
/* The next that may leave now, and has paid; NULL: nobody. */
struct wn_pace_wait *wn_pace_take(struct wn_pace *p, uint64_t now_ns);
/* One that came from wn_pace_take has left. */
void wn_pace_use(struct wn_pace *p, struct wn_pace_wait *w);
/* It does not wait any more; or it does not leave, and has what it paid back. */
void wn_pace_leave(struct wn_pace *p, struct wn_pace_wait *w);
/* When wn_pace_take may have one; 0: now; UINT64_MAX: not of itself. */
uint64_t wn_pace_next_ns(const struct wn_pace *p);

/* The probe of this id (unique among those under way) has left; and, once, router has answered it.
 */
void wn_pace_sent(struct wn_pace *p, uint64_t id, const struct wn_pace_toll *toll,
	const struct wn_pace_probe *probe);
void wn_pace_answered(
	struct wn_pace *p, uint64_t id, const struct wn_addr *router, uint64_t now_ns);

/* A line with room for so many; WN_PACE_NO_GATE: no memory. Given up when nobody waits in it. */
uint32_t wn_pace_line_new(struct wn_pace *p, uint32_t room);
void wn_pace_line_free(struct wn_pace *p, uint32_t line);
void wn_pace_line_give(struct wn_pace *p, uint32_t line, uint32_t count); /* back */
bool wn_pace_line_is_waited_for(const struct wn_pace *p, uint32_t line);
bool wn_pace_line_is_full(const struct wn_pace *p, uint32_t line); /* WN_PACE_NO_GATE: never */

/* How often a gate was shared because the table was full. */
uint64_t wn_pace_shared(const struct wn_pace *p);

#endif
