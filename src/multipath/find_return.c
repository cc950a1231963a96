/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels by the TTL of replies (return_ttl.h): from a record to its hops, and back to findings. */
#include "multipath/find_int.h"

#include "base/alloc.h"
#include "multipath/return_ttl.h"

#define FOUND_MAX 16

/*
 * The pings that were answered, as indices of sides by responder, WN_NONE for none. What answers at
 * the traced target's address may be several machines (find_nat.c): it is not pinged.
 */
static uint32_t *collect_pings(struct wn_finder *f)
{
	const struct wn_result *r = f->r;
	uint32_t *pings = wn_calloc((size_t)r->responder_count + 1, sizeof(*pings));

	if (!pings) {
		f->err = WN_ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < r->responder_count; i++)
		pings[i] = WN_NONE;
	for (uint32_t i = 0; i < r->side_count; i++) {
		const struct wn_side_rec *s = &r->sides[i];

		if (s->sent.first_reply != WN_NONE && s->reply.kind == WN_REPLY_ECHO &&
			s->reply.ttl >= 0 && s->reply.ttl <= UINT8_MAX &&
			wn_addr_eq(&s->sent.probe.dst, &r->responders[s->reply.responder].addr))
			pings[s->reply.responder] = i;
	}
	return pings;
}

struct scene {
	const struct wn_hop_view *views;
	const uint32_t *pings;
	struct wn_return_ttl hops[256];
	size_t count;
};

static void collect(const struct wn_finder *f, struct scene *at)
{
	at->count = 0;
	for (unsigned ttl = 1; ttl < 256; ttl++) {
		const struct wn_hop_view *v = &at->views[ttl];
		uint32_t ping;

		if (v->probe == WN_NONE || v->reply_ttl < 0)
			continue;
		ping = at->pings[v->at.responder];
		at->hops[at->count++] = (struct wn_return_ttl){
			.ttl = (uint8_t)ttl,
			.exceeded = v->reply_ttl,
			.echo = ping == WN_NONE ? (int16_t)-1 : f->r->sides[ping].reply.ttl,
		};
	}
}

/* A tunnel that is known already by labels or quoted TTLs, between these TTLs. */
static struct wn_finding *known_tunnel(const struct wn_finder *f, uint8_t first, uint8_t last)
{
	for (uint32_t i = 0; i < f->out->count; i++) {
		struct wn_finding *have = &f->out->list[i];

		if ((have->kind == WN_FINDING_MPLS_EXPLICIT ||
			    have->kind == WN_FINDING_MPLS_IMPLICIT ||
			    have->kind == WN_FINDING_MPLS_OPAQUE) &&
			have->first.ttl <= last && have->last.ttl >= first)
			return have;
	}
	return NULL;
}

static void place(const struct wn_finder *f, const struct scene *at,
	const struct wn_return_found *found, struct wn_finding *out)
{
	const struct wn_return_ttl *was = &at->hops[found->from];
	bool u_turn = found->sign == WN_RETURN_U_TURN;
	const struct wn_return_ttl *is = &at->hops[u_turn ? found->from + 1 : found->to];
	unsigned last = at->hops[found->to].ttl;

	out->between = true;
	out->before = wn_view_before(at->views, is->ttl);
	out->first = at->views[is->ttl].at;
	out->last = at->views[last].at;
	out->hops = (uint32_t)(found->to - found->from);
	out->u.mpls.reply_ttl_was = was->ttl == is->ttl ? (int16_t)-1 : was->exceeded;
	out->u.mpls.reply_ttl_is = is->exceeded;
	out->u.mpls.echo_ttl = found->sign == WN_RETURN_RTLA ? is->echo : (int16_t)-1;
	out->u.mpls.excess_was = (int16_t)found->was;
	out->u.mpls.excess_is = (int16_t)found->is;
	out->u.mpls.hidden = (uint8_t)found->hidden;
	if (was->ttl != is->ttl)
		wn_find_evidence(f, out, at->views[was->ttl].probe);
	for (unsigned ttl = is->ttl; ttl <= last; ttl++)
		if (at->views[ttl].probe != WN_NONE)
			wn_find_evidence(f, out, at->views[ttl].probe);
	if (found->sign == WN_RETURN_RTLA)
		wn_find_evidence_aside(f, out, at->pings[out->first.responder]);
}

/* Switches that send their errors through the tunnel: one more sign of it. */
static bool confirm(struct wn_finding *tunnel)
{
	if (tunnel->kind == WN_FINDING_MPLS_OPAQUE)
		return false;
	tunnel->u.mpls.u_turn = true;
	if (tunnel->certainty == WN_POSSIBLE)
		tunnel->certainty = WN_LIKELY;
	return true;
}

static void add(struct wn_finder *f, const struct scene *at, const struct wn_return_found *found)
{
	static const enum wn_found_sign signs[] = {
		[WN_RETURN_FRPLA] = WN_SIGN_FRPLA,
		[WN_RETURN_RTLA] = WN_SIGN_RTLA,
		[WN_RETURN_U_TURN] = WN_SIGN_U_TURN,
	};
	bool u_turn = found->sign == WN_RETURN_U_TURN;
	enum wn_finding_kind kind = u_turn ? WN_FINDING_MPLS_IMPLICIT : WN_FINDING_MPLS_INVISIBLE;
	uint8_t first = at->hops[u_turn ? found->from + 1 : found->to].ttl;
	struct wn_finding *have = known_tunnel(f, first, at->hops[found->to].ttl);

	if (have && (!u_turn || confirm(have)))
		return;
	have = wn_find_known(f, kind, at->views[first].at);
	if (have && have->u.mpls.sign == signs[found->sign]) {
		have->flows++;
		return;
	}
	have = wn_find_add(f, kind);
	if (!have)
		return;
	have->certainty = found->sign == WN_RETURN_RTLA ? WN_LIKELY : WN_POSSIBLE;
	have->u.mpls.sign = signs[found->sign];
	place(f, at, found, have);
}

void wn_find_return(struct wn_finder *f)
{
	uint32_t *pings = collect_pings(f);

	for (uint32_t lane = 0; pings && lane < f->lane_count; lane++) {
		struct wn_return_found found[FOUND_MAX];
		struct wn_hop_view views[256];
		struct scene at = {.views = views, .pings = pings};
		size_t n;

		wn_find_views(f, lane, views);
		collect(f, &at);
		n = wn_return_infer(at.hops, at.count, found, FOUND_MAX);
		for (size_t i = 0; i < n && i < FOUND_MAX; i++)
			add(f, &at, &found[i]);
	}
	wn_free(pings);
}
