/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces whose probes are paced, over a made-up network: all leave exactly once, no line is
 * overfull, and nobody who looks at what has left, or at what a router got, counts more in any span
 * of time than the contract says.
 */
#include "prop.h"

#include <string.h>
#include "base/cursor.h"
#include "trace/pace.h"

#define TRACES	  12
#define TTLS	  5
#define ROUTERS	  10
#define LOG_MAX	  1200
#define EVENT_MAX 600
#define MS	  UINT64_C(1000000)
#define SECOND	  (1000 * MS)

struct trace {
	struct wn_pace_wait wait;
	struct wn_pace_probe probe;
	struct wn_addr met[TTLS + 1]; /* who answered at a TTL */
	uint8_t dst, ttl;
	bool waiting;
	uint64_t since;
};

struct left {
	uint64_t at_ns, place;
	uint8_t dst, router, ttl, trace;
	bool answered;
};

struct world {
	struct wn_rd in;
	struct wn_pace_config c;
	struct wn_pace *p;
	struct trace traces[TRACES];
	struct left log[LOG_MAX];
	unsigned left, taken_back;
	uint32_t line, room, out; /* of the line: out of room */
	uint64_t now_ns, rtt_ns;
	uint8_t spread; /* how paths part */
};

static unsigned pick(struct world *w, unsigned n)
{
	return wn_rd_left(&w->in) > 0 ? wn_rd_u8(&w->in) % n : 0;
}

/* Which router a destination's probes meet: all the same at first, then more and more. */
static uint8_t router_of(const struct world *w, uint8_t dst, uint8_t ttl)
{
	return (uint8_t)((ttl + (ttl > 1 ? dst % (1 + w->spread) : 0) * (ttl - 1u)) % ROUTERS);
}

static struct wn_addr router_addr(unsigned r)
{
	return wn_addr_v4(0xc6336401u + r);
}

/* As run/ tells it: behind the farthest router known before it, or so many hops behind us. */
static uint64_t place_of(const struct trace *t)
{
	struct wn_addr none = {0};

	for (unsigned ttl = t->ttl - 1u; ttl > 0; ttl--)
		if (t->met[ttl].family)
			return wn_pace_place(&t->met[ttl], 0, t->ttl - ttl);
	return wn_pace_place(&none, 2, t->ttl);
}

static void leaves(struct world *w, unsigned i, const struct wn_pace_toll *toll)
{
	struct trace *t = &w->traces[i];

	w->log[w->left] = (struct left){.at_ns = w->now_ns,
		.place = t->probe.router.family ? 0 : t->probe.places[0],
		.dst = t->dst,
		.router = router_of(w, t->dst, t->ttl),
		.ttl = t->ttl,
		.trace = (uint8_t)i};
	wn_pace_sent(w->p, w->left, toll, &t->probe);
	w->left++;
	w->out += w->line != WN_PACE_NO_GATE;
	prop_check(w->line == WN_PACE_NO_GATE || w->out <= w->room);
}

static void answer(struct world *w, unsigned i)
{
	struct left *l = &w->log[i];
	struct trace *t = &w->traces[l->trace];
	struct wn_addr by = router_addr(l->router);

	l->answered = true;
	wn_pace_answered(w->p, i, &by, w->now_ns);
	t->met[l->ttl] = by;
	if (w->line != WN_PACE_NO_GATE)
		wn_pace_line_give(w->p, w->line, 1);
	w->out -= w->line != WN_PACE_NO_GATE;
}

static void offer(struct world *w, unsigned i)
{
	struct trace *t = &w->traces[i];
	struct wn_pace_toll toll;

	if (t->waiting || w->left + TRACES >= LOG_MAX)
		return;
	t->ttl = (uint8_t)(1 + pick(w, TTLS));
	t->probe = (struct wn_pace_probe){.dst = wn_addr_v4(0xcb007100u + t->dst),
		.router = t->met[t->ttl],
		.places = {place_of(t)},
		.line = w->line};
	wn_pace_toll_of(w->p, &t->probe, w->now_ns, &toll);
	if (wn_pace_pass(w->p, &toll, w->now_ns)) {
		leaves(w, i, &toll);
		return;
	}
	wn_pace_wait(w->p, &t->wait, &toll, w->now_ns);
	t->waiting = true;
	t->since = w->now_ns;
}

/* Those whose turn it is; now and then one does not want it any more. */
static void take(struct world *w)
{
	struct wn_pace_wait *wait;

	while ((wait = wn_pace_take(w->p, w->now_ns))) {
		unsigned i = 0;

		while (&w->traces[i].wait != wait)
			i++;
		prop_check(w->traces[i].waiting && wait->paid && !wait->waiting);
		w->traces[i].waiting = false;
		if (pick(w, 16) == 1) {
			wn_pace_leave(w->p, wait);
			w->taken_back++;
			continue;
		}
		leaves(w, i, &wait->toll);
		wn_pace_use(w->p, wait);
	}
}

static void advance(struct world *w, uint64_t by_ns)
{
	uint64_t end = w->now_ns + by_ns;

	for (;;) {
		uint64_t next = wn_pace_next_ns(w->p);
		unsigned first = LOG_MAX;

		for (unsigned i = 0; i < w->left; i++)
			if (!w->log[i].answered &&
				(first == LOG_MAX || w->log[i].at_ns < w->log[first].at_ns))
				first = i;
		if (first < LOG_MAX && w->log[first].at_ns + w->rtt_ns < next)
			next = w->log[first].at_ns + w->rtt_ns;
		if (next > end)
			break;
		w->now_ns = next > w->now_ns ? next : w->now_ns;
		if (first < LOG_MAX && w->log[first].at_ns + w->rtt_ns <= w->now_ns)
			answer(w, first);
		take(w);
	}
	w->now_ns = end;
}

/* ---- what others count ---- */

static bool is_of(const struct left *l, int dst, int router)
{
	return (dst < 0 || l->dst == dst) && (router < 0 || l->router == router);
}

static void check_rate(const struct world *w, int dst, int router, uint32_t pps, uint64_t slack)
{
	for (unsigned i = 0; pps > 0 && i < w->left; i++) {
		uint64_t n = 0;

		if (!is_of(&w->log[i], dst, router))
			continue;
		for (unsigned j = i; j < w->left; j++) {
			uint64_t span = w->log[j].at_ns - w->log[i].at_ns;

			n += is_of(&w->log[j], dst, router);
			prop_check(n <= WN_PACE_BURST(pps) + slack + span * pps / SECOND + 1);
		}
	}
}

/* Until the first answer is back each place that leads to a router may have sent at its own rate.
 */
static uint64_t places_slack(const struct world *w, int router)
{
	uint64_t seen[LOG_MAX], each;
	unsigned n = 0;

	for (unsigned i = 0; i < w->left; i++) {
		unsigned j = 0;

		if (w->log[i].router != router || w->log[i].place == 0)
			continue;
		while (j < n && seen[j] != w->log[i].place)
			j++;
		if (j == n)
			seen[n++] = w->log[i].place;
	}
	each = WN_PACE_BURST(w->c.pps_per_router) + w->rtt_ns * w->c.pps_per_router / SECOND + 1;
	return n * each;
}

static void check(const struct world *w)
{
	check_rate(w, -1, -1, w->c.pps, 0);
	for (int i = 0; i < TRACES; i++)
		check_rate(w, i, -1, w->c.pps_per_destination, 0);
	for (int i = 0; w->c.pps_per_router > 0 && i < ROUTERS; i++)
		check_rate(w, -1, i, w->c.pps_per_router, places_slack(w, i));
}

static void set_up(struct world *w)
{
	static const uint32_t rates[] = {0, 1, 7, 50, 400, 3000};

	w->c.pps = rates[pick(w, 6)];
	w->c.pps_per_destination = rates[pick(w, 6)];
	w->c.pps_per_router = rates[pick(w, 6)];
	w->spread = (uint8_t)pick(w, 4);
	w->rtt_ns = (1 + pick(w, 40)) * MS;
	w->now_ns = SECOND;
	w->line = WN_PACE_NO_GATE;
	prop_check(wn_pace_new(&w->c, &w->p) == WN_OK);
	w->room = pick(w, 6);
	if (w->room > 0)
		w->line = wn_pace_line_new(w->p, w->room);
	for (unsigned i = 0; i < TRACES; i++)
		w->traces[i].dst = (uint8_t)(pick(w, 2) ? i : 0);
}

int prop_pace(const uint8_t *data, size_t size)
{
	static struct world w;
	unsigned waiting = 0;

	memset(&w, 0, sizeof(w));
	wn_rd_init(&w.in, data, size);
	set_up(&w);
	for (unsigned i = 0; i < EVENT_MAX && wn_rd_left(&w.in) > 0; i++) {
		unsigned t = pick(&w, TRACES);

		if (pick(&w, 8) > 1) {
			offer(&w, t);
		} else if (pick(&w, 6) == 1) {
			wn_pace_leave(w.p, &w.traces[t].wait);
			w.traces[t].waiting = false;
		} else {
			advance(&w, pick(&w, 100) * pick(&w, 100) * MS / 100);
		}
	}
	/* Nobody waits for ever. */
	advance(&w, 1000 * SECOND);
	for (unsigned i = 0; i < TRACES; i++)
		waiting += w.traces[i].waiting;
	prop_check(waiting == 0);
	prop_check(wn_pace_next_ns(w.p) == UINT64_MAX);
	check(&w);
	if (w.line != WN_PACE_NO_GATE)
		wn_pace_line_free(w.p, w.line);
	wn_pace_free(w.p);
	return 0;
}
