/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which model a graph claims to be whole. It says what was counted on: of a router that its
 * branches get equal shares of its flows; of a TTL that is judged as a whole that its interfaces
 * do, which is more, as routers before it need not all have as many branches.
 */
#include "output/ways.h"

#define RANGES_SHOWN 4

typedef bool (*ttl_test)(const struct wn_ways *p, unsigned ttl);

/* So is a TTL behind others that were not probed. */
static bool is_whole(const struct wn_ways *p, unsigned ttl)
{
	return p->g.hops[ttl].miss_ppb > 0 || (ttl == p->g.first_ttl && ttl > 1);
}

/* Taken for the one interface that it showed. */
static bool is_granted(const struct wn_ways *p, unsigned ttl)
{
	return wn_graph_width(&p->g, ttl) == 1 && p->g.hops[ttl].miss_ppb == 0 &&
	       !wn_graph_is_silent(&p->g, p->g.hop_first[ttl]);
}

static bool has_any(const struct wn_ways *p, ttl_test is_one)
{
	for (unsigned ttl = p->g.first_ttl; ttl <= p->g.last_ttl; ttl++)
		if (is_one(p, ttl))
			return true;
	return false;
}

/* "TTL 4", "TTLs 3-5, 7" */
static void put_ttls(struct wn_strbuf *out, const struct wn_ways *p, ttl_test is_one)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	unsigned ttls = 0, ranges = 0;

	for (unsigned ttl = p->g.first_ttl; ttl <= p->g.last_ttl; ttl++) {
		unsigned first = ttl;

		if (!is_one(p, ttl))
			continue;
		while (ttl < p->g.last_ttl && is_one(p, ttl + 1))
			ttl++;
		ttls += ttl - first + 1;
		if (ranges++ >= RANGES_SHOWN)
			continue;
		wn_strbuf_fmt(&text, "%s%u", ranges > 1 ? ", " : "", first);
		if (ttl > first)
			wn_strbuf_fmt(&text, "-%u", ttl);
	}
	wn_strbuf_fmt(out, "TTL%s %s%s", ttls > 1 ? "s" : "", wn_strbuf_str(&text),
		ranges > RANGES_SHOWN ? " and others" : "");
	wn_view_drop(out, &text);
}

static void put_share(struct wn_strbuf *out, const struct wn_ways *p)
{
	wn_strbuf_puts(out, " with at least ");
	wn_ways_percent(out, p->r->params.min_share_ppm, 1000000);
	wn_strbuf_puts(out, " of its flows");
}

static void put_nodes(struct wn_strbuf *out, const struct wn_ways *p)
{
	if (p->r->params.min_share_ppm == 0) {
		wn_strbuf_puts(out, ", all interfaces of a TTL alike");
	} else {
		wn_strbuf_puts(out, ", each interface of a TTL");
		put_share(out, p);
	}
	if (!has_any(p, is_granted))
		return;
	wn_strbuf_puts(out, ", no more than one at ");
	put_ttls(out, p, is_granted);
}

static void put_routers(struct wn_strbuf *out, const struct wn_ways *p)
{
	if (p->r->params.min_share_ppm == 0) {
		wn_strbuf_puts(out, ", all branches of a router alike");
	} else {
		wn_strbuf_puts(out, ", each branch of a router");
		put_share(out, p);
	}
	if (!has_any(p, is_whole))
		return;
	wn_strbuf_puts(out, p->r->params.min_share_ppm ? ", and so each interface at "
						       : ", and all interfaces at ");
	put_ttls(out, p, is_whole);
}

void wn_ways_model(struct wn_strbuf *out, const struct wn_ways *p)
{
	wn_strbuf_puts(out, "Model: per-flow balancing");
	/* Where no flow is sent twice on purpose. */
	if (p->r->params.paths == WN_PATHS_NODES)
		wn_strbuf_puts(out, " (--mode nodes does not test it)");
	if (p->r->params.paths == WN_PATHS_FLOWS)
		wn_strbuf_puts(out, " (--npaths does not test it)");
	if (p->r->params.paths == WN_PATHS_NODES)
		put_nodes(out, p);
	else
		put_routers(out, p);
}
