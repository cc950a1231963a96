/* SPDX-License-Identifier: Apache-2.0 */
/* What lowers the size of packets: the view of the path MTU, with the probes that tell. */
#include "multipath/find_int.h"

static bool refuses(
	const struct wn_finder *f, const struct wn_pmtu_lowering *l, const struct wn_probe_rec *p)
{
	const struct wn_reply_rec *reply;

	if (p->probe.size <= l->mtu || p->probe.size > l->was)
		return false;
	if (p->state == WN_PROBE_FAILED)
		return l->local && p->err == WN_EMSGSIZE;
	if (p->probe.ttl < l->before)
		return false;
	if (p->first_reply == WN_NONE)
		return wn_pmtu_is_hole(l) && p->state == WN_PROBE_LOST;
	reply = &f->r->replies[p->first_reply];
	return reply->kind == WN_REPLY_TOO_BIG && reply->responder == l->by;
}

/* One that is too big farther on has passed here. */
static bool passes(
	const struct wn_finder *f, const struct wn_pmtu_lowering *l, const struct wn_probe_rec *p)
{
	const struct wn_reply_rec *reply;

	if (p->probe.size != l->mtu || p->probe.ttl < l->before || p->first_reply == WN_NONE)
		return false;
	reply = &f->r->replies[p->first_reply];
	return reply->reached || reply->kind == WN_REPLY_TIME_EXCEEDED ||
	       (reply->kind == WN_REPLY_TOO_BIG && reply->responder != l->by);
}

/* Sizes may contradict each other, where routers lie. */
static bool is_refused(const struct wn_finder *f, const struct wn_pmtu_lowering *l)
{
	for (uint32_t i = 0; i < f->r->probe_count; i++)
		if (refuses(f, l, &f->r->probes[i]))
			return true;
	return false;
}

static void add(struct wn_finder *f, const struct wn_pmtu_lowering *l)
{
	bool hole = wn_pmtu_is_hole(l);
	struct wn_finding *out;

	if (!is_refused(f, l))
		return;
	out = wn_find_add(f, hole ? WN_FINDING_MTU_HOLE : WN_FINDING_MTU);
	if (!out)
		return;
	out->certainty = hole ? WN_LIKELY : WN_CERTAIN;
	out->between = true;
	out->before = wn_find_hop(f, l->after);
	out->first = out->last = wn_find_hop(f, l->before);
	out->hops = 1;
	out->u.mtu.lowering = *l;
	if (l->by != WN_NONE)
		out->u.mtu.by = f->r->responders[l->by].addr;
	for (uint32_t i = 0; i < f->r->probe_count; i++) {
		const struct wn_probe_rec *p = &f->r->probes[i];

		out->u.mtu.passed += passes(f, l, p);
		if (refuses(f, l, p))
			wn_find_evidence(f, out, i);
	}
}

void wn_find_mtu(struct wn_finder *f)
{
	struct wn_pmtu_view v;

	if (!f->r->params.pmtu)
		return;
	wn_pmtu_view(f->r, &v);
	for (uint32_t i = 0; i < v.count; i++)
		add(f, &v.lowerings[i]);
}
