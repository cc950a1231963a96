/* SPDX-License-Identifier: Apache-2.0 */
/* The wheel does what a list of times does, under any sequence of setting, dropping and waiting. */
#include "prop.h"

#include <stdbool.h>
#include <string.h>
#include "base/cursor.h"
#include "base/wheel.h"

#define TIMERS 40
#define TICK   (UINT64_C(1) << 20)

struct naive {
	bool set[TIMERS];
	uint64_t at_ns[TIMERS];
	uint64_t now_ns;
	uint32_t len;
};

/* Due when the tick of its time is over. */
static bool is_due(const struct naive *n, uint32_t i)
{
	return n->set[i] && n->at_ns[i] / TICK < n->now_ns / TICK;
}

static void take_all(struct wn_wheel *w, struct naive *n)
{
	uint32_t timer;

	while (wn_wheel_take(w, n->now_ns, &timer)) {
		prop_check(timer < TIMERS && is_due(n, timer));
		n->set[timer] = false;
		n->len--;
	}
	for (uint32_t i = 0; i < TIMERS; i++)
		prop_check(!is_due(n, i));
}

static void check_next(const struct wn_wheel *w, const struct naive *n)
{
	uint64_t next = wn_wheel_next_ns(w);

	prop_check(w->len == n->len);
	prop_check((next == UINT64_MAX) == (n->len == 0));
	for (uint32_t i = 0; i < TIMERS; i++)
		prop_check(!n->set[i] || next <= (n->at_ns[i] / TICK + 1) * TICK);
}

int prop_wheel(const uint8_t *data, size_t size)
{
	struct naive n = {.now_ns = 5 * TICK};
	struct wn_wheel w;
	struct wn_rd r;

	wn_rd_init(&r, data, size);
	n.now_ns += wn_rd_be32(&r);
	prop_check(wn_wheel_init(&w, n.now_ns) == WN_OK);
	prop_check(wn_wheel_room(&w, TIMERS / 2) == WN_OK);
	prop_check(wn_wheel_room(&w, TIMERS) == WN_OK);
	while (wn_rd_left(&r) >= 4) {
		uint8_t op = wn_rd_u8(&r);
		uint32_t i = wn_rd_u8(&r) % TIMERS;
		/* Up to 17 s, and sometimes near the time it is. */
		uint64_t some_ns = (uint64_t)wn_rd_be16(&r) << (op & 64 ? 18 : 12);

		if (op % 4 < 2) {
			n.len += !n.set[i];
			n.set[i] = true;
			n.at_ns[i] = n.now_ns + some_ns;
			wn_wheel_set(&w, i, n.at_ns[i]);
		} else if (op % 4 == 2) {
			n.len -= n.set[i];
			n.set[i] = false;
			wn_wheel_drop(&w, i);
		} else {
			n.now_ns += some_ns;
			take_all(&w, &n);
		}
		check_next(&w, &n);
	}
	n.now_ns += 60000 * TICK;
	take_all(&w, &n);
	prop_check(w.len == 0);
	wn_wheel_fini(&w);
	return 0;
}
