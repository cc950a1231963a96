/* SPDX-License-Identifier: Apache-2.0 */
/* The path MTU as an object of the document: a function of the record like the rest. */
#include "output/json_writer.h"

#include "multipath/pmtu_view.h"

#define LINES 3 /* one for each hop and lowering */

/* How the MTU of a hop is known: as that of the first link, or by the last lowering before it. */
static const char *known_by(const struct wn_pmtu_view *v, unsigned ttl)
{
	const char *how = "link";

	for (uint32_t i = 0; i < v->count && v->lowerings[i].before <= ttl; i++)
		how = wn_pmtu_known_by(&v->lowerings[i]);
	return how;
}

static void write_hop(struct wn_jw *w, const struct wn_pmtu_view *v, unsigned ttl)
{
	uint16_t mtu = wn_pmtu_of(v, ttl);

	wn_jw_object(w, NULL);
	wn_jw_int(w, "ttl", ttl);
	wn_jw_opt(w, "mtu", mtu ? mtu : -1);
	wn_jw_int(w, "passed", v->hops[ttl].low);
	if (mtu)
		wn_jw_text(w, "known_by", known_by(v, ttl));
	else
		wn_jw_null(w, "known_by");
	wn_jw_end(w);
}

static void write_lowering(
	struct wn_jw *w, const struct wn_result *r, const struct wn_pmtu_lowering *l)
{
	bool said = l->by != WN_NONE;
	struct wn_addr none = {0};

	wn_jw_object(w, NULL);
	wn_jw_int(w, "after_ttl", l->after);
	wn_jw_int(w, "before_ttl", l->before);
	wn_jw_int(w, "mtu", l->mtu);
	wn_jw_text(w, "known_by", wn_pmtu_known_by(l));
	wn_jw_bool(w, "black_hole", wn_pmtu_is_hole(l));
	wn_jw_opt(w, "responder", said ? (int64_t)l->by : -1);
	wn_jw_addr(w, "address", said ? &r->responders[l->by].addr : &none);
	wn_jw_opt(w, "said", l->said ? (int64_t)l->said : -1);
	wn_jw_end(w);
}

void wn_jw_pmtu(struct wn_jw *w, const char *key, const struct wn_result *r)
{
	unsigned lines = w->lines;
	struct wn_pmtu_view v;
	uint16_t mtu;

	if (!r->params.pmtu) {
		wn_jw_null(w, key);
		return;
	}
	wn_pmtu_view(r, &v);
	mtu = v.last ? wn_pmtu_of(&v, v.last) : 0;
	w->lines = lines > 0 ? LINES : 0;
	wn_jw_object(w, key);
	wn_jw_opt(w, "mtu", mtu ? mtu : -1);
	wn_jw_int(w, "first_link", v.start);
	wn_jw_array(w, "hops");
	for (unsigned ttl = r->params.first_ttl; ttl <= v.last; ttl++)
		write_hop(w, &v, ttl);
	wn_jw_end(w);
	wn_jw_array(w, "lowerings");
	for (uint32_t i = 0; i < v.count; i++)
		write_lowering(w, r, &v.lowerings[i]);
	wn_jw_end(w);
	wn_jw_end(w);
	w->lines = lines;
}
