/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels by the TTL of replies (return_ttl.h): from a record to its hops, and back to findings. */
#include "multipath/find_int.h"

#include "base/alloc.h"
#include "multipath/return_ttl.h"

#define FOUND_MAX 16

/*
 * TTLs of echo replies by responder, -1 for none: of routers that were sent probes themselves. What
 * answers at the traced target's address may be several machines (find_nat.c).
 */
static int16_t *collect_echoes(struct wn_finder *f)
{
	const struct wn_result *r = f->r;
	int16_t *echoes = wn_calloc((size_t)r->responder_count + 1, sizeof(*echoes));

	if (!echoes) {
		f->err = WN_ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < r->responder_count; i++)
		echoes[i] = -1;
	for (uint32_t i = 0; i < r->reply_count; i++) {
		const struct wn_reply_rec *reply = &r->replies[i];
		const struct wn_addr *from = &r->responders[reply->responder].addr;

		if (reply->kind == WN_REPLY_ECHO && reply->ttl <= UINT8_MAX &&
			wn_addr_eq(&r->probes[reply->probe].probe.dst, from) &&
			!wn_addr_eq(from, &r->params.dst))
			echoes[reply->responder] = reply->ttl;
	}
	return echoes;
}

static size_t collect(
	const struct wn_hop_view views[256], const int16_t *echoes, struct wn_return_ttl hops[256])
{
	size_t n = 0;

	for (unsigned ttl = 1; ttl < 256; ttl++) {
		const struct wn_hop_view *v = &views[ttl];

		if (v->probe == WN_NONE || v->reply_ttl < 0)
			continue;
		hops[n++] = (struct wn_return_ttl){
			.ttl = (uint8_t)ttl,
			.exceeded = v->reply_ttl,
			.echo = echoes[v->at.responder],
		};
	}
	return n;
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

struct scene {
	const struct wn_hop_view *views;
	const struct wn_return_ttl *hops;
};

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
	int16_t *echoes = collect_echoes(f);

	for (uint32_t lane = 0; echoes && lane < f->lane_count; lane++) {
		struct wn_return_found found[FOUND_MAX];
		struct wn_return_ttl hops[256];
		struct wn_hop_view views[256];
		struct scene at = {views, hops};
		size_t count, n;

		wn_find_views(f, lane, views);
		count = collect(views, echoes, hops);
		n = wn_return_infer(hops, count, found, FOUND_MAX);
		for (size_t i = 0; i < n && i < FOUND_MAX; i++)
			add(f, &at, &found[i]);
	}
	wn_free(echoes);
}
