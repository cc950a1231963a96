/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which question next. A size is tried to the end of the path (STEP_END). When it does not get
 * there and somebody says what would, that is the next; where it is not said who that is, or
 * nothing is said at all, halving the TTLs shows behind which hop the packets stay (STEP_WHERE),
 * and halving the sizes what gets to the next hop that answers (STEP_SIZE): sizes that links have
 * first. Each size tried at the end is smaller than the one before, so that it comes to an end.
 */
#include "multipath/pmtu_priv.h"

#include "multipath/pmtu_view.h"

#define NEARER 4 /* a quarter of the way up */

/* MTUs that links and tunnels have, upwards; RFC 1191 7.1 names some of them. */
static const uint16_t usual[] = {68, 296, 508, 576, 1006, 1280, 1300, 1350, 1358, 1360, 1372, 1380,
	1384, 1390, 1392, 1400, 1408, 1412, 1416, 1420, 1428, 1430, 1432, 1434, 1436, 1438, 1440,
	1442, 1446, 1450, 1454, 1456, 1458, 1460, 1462, 1464, 1468, 1470, 1472, 1476, 1478, 1480,
	1484, 1488, 1490, 1492, 1496, 1500, 2002, 4352, 4470, 8166, 8192, 8500, 8900, 8950, 8970,
	8981, 9000, 9001, 9180, 9198, 9202, 9216};
#define USUAL (sizeof(usual) / sizeof(usual[0]))

static bool is_usable(const struct wn_pmtu *p, unsigned ttl)
{
	const struct hop *hop = wn_pmtu_hop(p, ttl);

	return hop->answered > 0 && !hop->mute;
}

/* The largest that is known to get to this TTL, or past it. */
static uint16_t known_low(const struct wn_pmtu *p, unsigned from)
{
	uint16_t low = p->params.size;

	for (unsigned ttl = from; ttl <= p->end; ttl++)
		low = p->best[ttl] > low ? p->best[ttl] : low;
	return low;
}

/* The last TTL that this size is known to get to; 0: to none. */
static uint8_t known_near(const struct wn_pmtu *p, uint16_t size)
{
	for (unsigned ttl = p->end; ttl >= p->params.first_ttl; ttl--)
		if (p->best[ttl] >= size)
			return (uint8_t)ttl;
	return 0;
}

/* Where the responder of a "too big" is on the path, before a TTL; 0: nowhere. */
static uint8_t place_of(const struct wn_pmtu *p, const struct wn_addr *addr, unsigned before)
{
	for (unsigned ttl = before - 1; ttl >= p->params.first_ttl; ttl--)
		if (wn_pmtu_hop(p, ttl)->answered > 0 &&
			wn_addr_eq(&wn_pmtu_hop(p, ttl)->addr, addr))
			return (uint8_t)ttl;
	return 0;
}

/* The TTL to ask in the middle between near and far; 0: nobody there answers. */
static uint8_t middle(const struct wn_pmtu *p)
{
	unsigned count = 0,
		 first = p->near > p->params.first_ttl - 1 ? p->near + 1u : p->params.first_ttl;

	for (unsigned ttl = first; ttl < p->far; ttl++)
		count += is_usable(p, ttl);
	if (count == 0)
		return 0;
	count = (count + 1) / 2;
	for (unsigned ttl = first; ttl < p->far; ttl++)
		if (is_usable(p, ttl) && --count == 0)
			return (uint8_t)ttl;
	return 0;
}

static void try_at_end(struct wn_pmtu *p, uint16_t size)
{
	p->size = size;
	p->step = STEP_END;
}

static void look_where(struct wn_pmtu *p)
{
	p->near = known_near(p, p->size);
	p->far = p->end;
	p->step = STEP_WHERE;
}

static void look_size(struct wn_pmtu *p)
{
	p->low = known_low(p, p->far);
	p->high = p->size;
	p->step = STEP_SIZE;
}

/*
 * The next size to try between low and high: the usual ones first. When none is left, low is most
 * likely one of them, and one byte more shows that it was right. A size that passes says so after
 * a round trip, one that does not takes seconds to find out: so it is not the middle that is tried
 * but one nearer to low.
 */
static uint16_t next_size(const struct wn_pmtu *p)
{
	size_t from = 0, to;

	while (from < USUAL && usual[from] <= p->low)
		from++;
	for (to = from; to < USUAL && usual[to] < p->high; to++)
		;
	if (to > from)
		return usual[from + (to - from) / NEARER];
	if (from > 0 && usual[from - 1] == p->low)
		return (uint16_t)(p->low + 1);
	return (uint16_t)(p->low + (p->high - p->low + NEARER - 1) / NEARER);
}

/* ---- what the answers mean ---- */

static bool mute(struct wn_pmtu *p)
{
	wn_pmtu_hop(p, p->q.ttl)->mute = true;
	if (p->q.ttl == p->end) {
		p->partial = true;
		return false;
	}
	look_where(p);
	return true;
}

/* The end of the path did not get it, but somebody told why. */
static void told(struct wn_pmtu *p)
{
	const struct question *q = &p->q;
	uint8_t at = place_of(p, &q->from, q->ttl);

	p->told = wn_pmtu_is_credible(&p->params, q->size, q->mtu) ? (uint16_t)q->mtu : 0;
	if (q->from.family == 0)
		p->best[0] = p->size;
	if (at && p->best[at] < q->size)
		p->best[at] = q->size;
	look_where(p);
	if (!at && q->from.family != 0)
		return;
	/* It is behind this one: the next that answers is the first that does not get it. */
	p->near = at;
	for (unsigned ttl = at + 1u; ttl < p->far; ttl++)
		if (ttl >= p->params.first_ttl && is_usable(p, ttl))
			p->far = (uint8_t)ttl;
}

static bool judge_end(struct wn_pmtu *p)
{
	p->told = 0;
	switch (p->q.verdict) {
	case VERDICT_PASS:
		return false;
	case VERDICT_BIG:
		told(p);
		return true;
	case VERDICT_LOST:
		look_where(p);
		return true;
	default:
		return mute(p);
	}
}

static bool judge_where(struct wn_pmtu *p)
{
	switch (p->q.verdict) {
	case VERDICT_PASS:
		p->near = p->q.ttl;
		return true;
	case VERDICT_BIG:
		p->far = p->q.ttl;
		if (wn_pmtu_is_credible(&p->params, p->q.size, p->q.mtu))
			p->told = (uint16_t)p->q.mtu;
		return true;
	case VERDICT_LOST:
		p->far = p->q.ttl;
		return true;
	default:
		return mute(p);
	}
}

static bool judge_size(struct wn_pmtu *p)
{
	switch (p->q.verdict) {
	case VERDICT_PASS:
		p->low = p->q.size;
		return true;
	case VERDICT_BIG:
		p->high = p->q.size;
		/* Now it is said after all. */
		if (wn_pmtu_is_credible(&p->params, p->q.size, p->q.mtu) && p->q.mtu >= p->low)
			p->high = (uint16_t)(p->q.mtu + 1);
		return true;
	case VERDICT_LOST:
		p->high = p->q.size;
		return true;
	default:
		return mute(p);
	}
}

static bool judge(struct wn_pmtu *p)
{
	enum verdict verdict = p->q.verdict;
	bool more = true;

	if (verdict == VERDICT_NONE)
		return true;
	if (p->step == STEP_END)
		more = judge_end(p);
	else if (p->step == STEP_WHERE)
		more = judge_where(p);
	else
		more = judge_size(p);
	p->q.verdict = VERDICT_NONE;
	return more;
}

/* ---- what to ask ---- */

static bool ask_end(struct wn_pmtu *p)
{
	if (known_low(p, p->end) >= p->size)
		return false;
	wn_pmtu_ask(p, p->end, p->size);
	return true;
}

static bool ask_where(struct wn_pmtu *p)
{
	uint8_t ttl = middle(p);

	if (ttl) {
		wn_pmtu_ask(p, ttl, p->size);
		return true;
	}
	if (p->told) {
		try_at_end(p, p->told);
		return ask_end(p);
	}
	look_size(p);
	/* It got farther than where it does not get: the path changed. */
	p->partial = p->partial || p->low >= p->high;
	return p->low < p->high;
}

static bool ask_size(struct wn_pmtu *p)
{
	if (p->high > p->low + 1) {
		wn_pmtu_ask(p, p->far, next_size(p));
		return true;
	}
	try_at_end(p, p->low);
	return ask_end(p);
}

bool wn_pmtu_search_plan(struct wn_pmtu *p)
{
	if (!judge(p))
		return false;
	if (p->step == STEP_WHERE && !ask_where(p))
		return false;
	if (p->q.open)
		return true;
	if (p->step == STEP_SIZE)
		return ask_size(p);
	return p->step == STEP_END ? ask_end(p) : true;
}
