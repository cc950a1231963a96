/* SPDX-License-Identifier: Apache-2.0 */
#include "multipath/pmtu_view.h"

#include <string.h>

#include "multipath/pmtu_tally.h"

#define MTU_USUAL  1500 /* where the first link's is not known */
#define MTU_MIN_V4 68	/* RFC 791 3.2 */
#define MTU_MIN_V6 1280 /* RFC 8200 5 */

uint16_t wn_pmtu_start(const struct wn_params *params)
{
	uint32_t mtu = params->link_mtu ? params->link_mtu : MTU_USUAL;

	if (mtu > WN_PACKET_MAX)
		mtu = WN_PACKET_MAX;
	return (uint16_t)(mtu > params->size ? mtu : params->size);
}

bool wn_pmtu_is_credible(const struct wn_params *params, uint16_t size, uint32_t mtu)
{
	return mtu < size && mtu > params->size &&
	       mtu >= (params->dst.family == 6 ? MTU_MIN_V6 : MTU_MIN_V4);
}

uint16_t wn_pmtu_of(const struct wn_pmtu_view *v, unsigned ttl)
{
	const struct wn_pmtu_hop *hop = &v->hops[ttl & 255];

	return hop->low == hop->high ? hop->low : 0;
}

const char *wn_pmtu_known_by(const struct wn_pmtu_lowering *l)
{
	if (l->local)
		return "local";
	return l->told ? "icmp" : "search";
}

bool wn_pmtu_is_hole(const struct wn_pmtu_lowering *l)
{
	return l->by == WN_NONE && !l->local;
}

/* ---- evidence ---- */

static void passes(struct wn_pmtu_view *v, unsigned ttl, uint16_t size)
{
	if (size > v->hops[ttl].low)
		v->hops[ttl].low = size;
}

/* No packet larger than most gets to this TTL. */
static void stops(struct wn_pmtu_view *v, unsigned ttl, uint16_t most)
{
	if (ttl < 256 && most < v->hops[ttl].high)
		v->hops[ttl].high = most;
}

/* The TTL before `before` where this one answers; 0 where it does not. */
static unsigned place_of(const struct wn_result *r, uint32_t responder, unsigned before)
{
	for (unsigned ttl = before; ttl-- > 1;)
		for (uint32_t i = 0; i < r->hops[ttl].responder_count; i++)
			if (r->hops[ttl].responders[i].responder == responder)
				return ttl;
	return 0;
}

static bool is_own(const struct wn_result *r, uint32_t responder)
{
	return wn_addr_eq(&r->responders[responder].addr, &r->params.src);
}

static void learn_too_big(const struct wn_result *r, const struct wn_probe *probe,
	const struct wn_reply_rec *reply, struct wn_pmtu_view *v)
{
	unsigned at = place_of(r, reply->responder, probe->ttl);
	bool known = at > 0 || is_own(r, reply->responder);
	bool credible = wn_pmtu_is_credible(&r->params, probe->size, reply->mtu);

	if (known)
		passes(v, at, probe->size);
	stops(v, known ? at + 1 : probe->ttl,
		credible ? (uint16_t)reply->mtu : (uint16_t)(probe->size - 1));
}

/* Small probes to this TTL are refused there: then that is how large ones arrive, too. */
static bool is_refused_at(const struct wn_result *r, unsigned ttl)
{
	const struct wn_hop *hop = &r->hops[ttl];

	for (uint32_t i = 0; i < hop->responder_count; i++)
		if (r->replies[hop->responders[i].first_reply].kind == WN_REPLY_UNREACHABLE)
			return true;
	return false;
}

static bool has_arrived(const struct wn_result *r, const struct wn_probe_rec *p)
{
	const struct wn_reply_rec *reply;

	if (p->first_reply == WN_NONE)
		return false;
	reply = &r->replies[p->first_reply];
	return reply->reached || reply->kind == WN_REPLY_TIME_EXCEEDED ||
	       (reply->kind == WN_REPLY_UNREACHABLE && is_refused_at(r, p->probe.ttl));
}

static void learn_answer(
	const struct wn_result *r, const struct wn_probe_rec *p, struct wn_pmtu_view *v)
{
	const struct wn_reply_rec *reply = &r->replies[p->first_reply];

	if (has_arrived(r, p))
		passes(v, p->probe.ttl, p->probe.size);
	else if (reply->kind == WN_REPLY_TOO_BIG && wn_result_is_sizing(r, &p->probe))
		learn_too_big(r, &p->probe, reply, v);
}

static void learn_loss(const struct wn_result *r, const struct wn_probe_rec *p,
	struct wn_pmtu_tally *t, struct wn_pmtu_view *v)
{
	if (p->state == WN_PROBE_PENDING)
		return;
	if (wn_result_is_sizing(r, &p->probe))
		wn_pmtu_tally_large(t, p->probe.size, p->state == WN_PROBE_LOST);
	else
		wn_pmtu_tally_small(t, p->state == WN_PROBE_ANSWERED && has_arrived(r, p));
	if (wn_pmtu_tally_is_no(t))
		stops(v, p->probe.ttl, (uint16_t)(t->size - 1));
}

static void learn(const struct wn_result *r, struct wn_pmtu_view *v)
{
	struct wn_pmtu_tally tallies[256];

	memset(tallies, 0, sizeof(tallies));
	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];

		if (p->probe.size == 0)
			continue;
		if (p->state == WN_PROBE_FAILED) {
			if (p->err == WN_EMSGSIZE)
				stops(v, 1, (uint16_t)(p->probe.size - 1));
			continue;
		}
		if (p->first_reply != WN_NONE)
			learn_answer(r, p, v);
		learn_loss(r, p, &tallies[p->probe.ttl], v);
	}
}

/* What gets far got near, and what did not get near did not get far. An answer is proof. */
static void conclude(struct wn_pmtu_view *v)
{
	for (unsigned ttl = 255; ttl-- > 0;)
		passes(v, ttl, v->hops[ttl + 1].low);
	for (unsigned ttl = 1; ttl < 256; ttl++)
		stops(v, ttl, v->hops[ttl - 1].high);
	for (unsigned ttl = 0; ttl < 256; ttl++)
		if (v->hops[ttl].low > v->hops[ttl].high)
			v->hops[ttl].high = v->hops[ttl].low;
}

/* ---- lowerings ---- */

static bool is_about(const struct wn_result *r, const struct wn_reply_rec *reply,
	const struct wn_pmtu_lowering *l)
{
	const struct wn_probe *probe = &r->probes[reply->probe].probe;
	unsigned at;

	if (reply->kind != WN_REPLY_TOO_BIG || reply->duplicate || probe->size <= l->mtu ||
		probe->size > l->was || probe->ttl < l->before)
		return false;
	at = place_of(r, reply->responder, probe->ttl);
	return at == 0 || at == l->after;
}

static void find_who(const struct wn_result *r, struct wn_pmtu_lowering *l)
{
	l->by = WN_NONE;
	for (uint32_t i = 0; i < r->reply_count && !l->told; i++) {
		const struct wn_reply_rec *reply = &r->replies[i];

		if (!is_about(r, reply, l) ||
			!wn_result_is_sizing(r, &r->probes[reply->probe].probe))
			continue;
		l->by = reply->responder;
		l->said = reply->mtu;
		l->told = reply->mtu == l->mtu;
	}
}

static bool is_local(const struct wn_result *r, const struct wn_pmtu_lowering *l)
{
	for (uint32_t i = 0; l->after == 0 && i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];

		if (p->state == WN_PROBE_FAILED && p->err == WN_EMSGSIZE && p->probe.size > l->mtu)
			return true;
	}
	return false;
}

static void find_lowerings(const struct wn_result *r, struct wn_pmtu_view *v)
{
	uint16_t was = v->start;

	for (unsigned ttl = 1; ttl <= v->last; ttl++) {
		struct wn_pmtu_lowering *l = &v->lowerings[v->count];
		uint16_t mtu = wn_pmtu_of(v, ttl);
		unsigned after = ttl - 1;

		if (mtu == 0 || mtu >= was)
			continue;
		while (after > 0 && v->hops[after].low <= mtu)
			after--;
		*l = (struct wn_pmtu_lowering){
			.after = (uint8_t)after, .before = (uint8_t)ttl, .mtu = mtu, .was = was};
		find_who(r, l);
		l->local = is_local(r, l);
		v->count++;
		was = mtu;
	}
}

void wn_pmtu_view(const struct wn_result *r, struct wn_pmtu_view *out)
{
	memset(out, 0, sizeof(*out));
	out->start = wn_pmtu_start(&r->params);
	out->last = r->last_ttl < 255 ? (uint8_t)r->last_ttl : 255;
	for (unsigned ttl = 0; ttl < 256; ttl++)
		out->hops[ttl].high = out->start;
	out->hops[0].low = out->start;
	learn(r, out);
	conclude(out);
	find_lowerings(r, out);
}
