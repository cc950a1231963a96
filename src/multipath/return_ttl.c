/* SPDX-License-Identifier: Apache-2.0 */
#include "multipath/return_ttl.h"

#include <stdbool.h>

#define FRPLA_LEAST 3 /* a smaller difference is ordinary: TNT, Vanaubel et al., TMA 2019 */
#define RTLA_LEAST  1

struct scan {
	const struct wn_return_ttl *hops;
	size_t count;
	struct wn_return_found *out;
	size_t cap, found;
};

static void add(struct scan *s, const struct wn_return_found *found)
{
	if (s->found < s->cap)
		s->out[s->found] = *found;
	s->found++;
}

int wn_return_initial(int ttl)
{
	return ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

/* Hops on the way back, the router itself included. */
static int way_back(int ttl)
{
	return wn_return_initial(ttl) - ttl + 1;
}

/* What the way back has more than the way there. */
static int excess(const struct wn_return_ttl *h)
{
	return way_back(h->exceeded) - h->ttl;
}

/* ---- u-turn ---- */

/* From hops[i] on each way back is shorter by two against the way there; the last such hop. */
static size_t falls_to(const struct scan *s, size_t i)
{
	while (i + 1 < s->count && s->hops[i + 1].ttl == s->hops[i].ttl + 1 &&
		excess(&s->hops[i + 1]) == excess(&s->hops[i]) - 2)
		i++;
	return i;
}

/* A rise by all that is lost again up to the egress, two for each switch. */
static bool is_u_turn(const struct scan *s, size_t first, size_t egress)
{
	int base = excess(&s->hops[first - 1]);
	int rise = excess(&s->hops[first]) - base;
	int rest = excess(&s->hops[egress]) - base;

	return egress - first >= 2 && s->hops[first].ttl == s->hops[first - 1].ttl + 1 &&
	       rise >= 2 * (int)(egress - first) && rest >= -1 && rest <= 1;
}

static void find_u_turns(struct scan *s)
{
	for (size_t i = 1; i < s->count; i++) {
		size_t egress = falls_to(s, i);

		if (egress == i || !is_u_turn(s, i, egress))
			continue;
		add(s, &(struct wn_return_found){.sign = WN_RETURN_U_TURN,
			       .from = i - 1,
			       .to = egress - 1,
			       .was = excess(&s->hops[i - 1]),
			       .is = excess(&s->hops[i])});
		i = egress;
	}
}

/* ---- FRPLA ---- */

/* The least excess from hops[i] on. */
static int least_from(const struct scan *s, size_t i)
{
	int least = excess(&s->hops[i]);

	for (; i < s->count; i++)
		if (excess(&s->hops[i]) < least)
			least = excess(&s->hops[i]);
	return least;
}

/* Only what a further hop confirms is taken for lasting. */
static void find_frpla(struct scan *s)
{
	for (size_t i = 1; i + 1 < s->count; i++) {
		int was = excess(&s->hops[i - 1]), least = least_from(s, i);

		if (excess(&s->hops[i]) - was < FRPLA_LEAST || least - was < FRPLA_LEAST)
			continue;
		add(s, &(struct wn_return_found){.sign = WN_RETURN_FRPLA,
			       .from = i - 1,
			       .to = i,
			       .hidden = (unsigned)(least - was),
			       .was = was,
			       .is = excess(&s->hops[i])});
	}
}

/* ---- RTLA ---- */

/* The tunnel that the way back of time exceeded has and that of the echo reply has not; -1. */
static int rtla(const struct wn_return_ttl *h)
{
	if (h->echo < 0 || wn_return_initial(h->exceeded) != 255 ||
		wn_return_initial(h->echo) != 64)
		return -1;
	return way_back(h->exceeded) - way_back(h->echo);
}

static void find_rtla(struct scan *s)
{
	int was = 0;

	for (size_t i = 0; i < s->count; i++) {
		int is = rtla(&s->hops[i]);

		if (is < 0)
			continue;
		if (is - was >= RTLA_LEAST)
			add(s, &(struct wn_return_found){.sign = WN_RETURN_RTLA,
				       .from = i > 0 ? i - 1 : 0,
				       .to = i,
				       .hidden = (unsigned)(is - was),
				       .was = was,
				       .is = is});
		was = is;
	}
}

size_t wn_return_infer(
	const struct wn_return_ttl *hops, size_t count, struct wn_return_found *out, size_t cap)
{
	struct scan s = {.hops = hops, .count = count, .out = out, .cap = cap};

	find_u_turns(&s);
	find_frpla(&s);
	find_rtla(&s);
	return s.found;
}
