/* SPDX-License-Identifier: Apache-2.0 */
/* What one flow met at each TTL, for detectors that compare neighbouring hops. */
#include "multipath/find_int.h"

static void note(const struct wn_finder *f, const struct wn_seen *s, struct wn_hop_view *v)
{
	const struct wn_reply_rec *reply = wn_seen_reply(f, s);
	const struct wn_quote *q = wn_seen_ip(f, s);

	if (!reply)
		return;
	if (v->probe == WN_NONE) {
		v->probe = s->probe;
		v->at = wn_find_at(f, s);
		v->expired = reply->kind == WN_REPLY_TIME_EXCEEDED;
	}
	if (reply->responder != v->at.responder)
		return;
	/* The target quotes one more with each TTL beyond its own. */
	if (q && v->quoted_ttl < 0 && wn_seen_probe(f, s)->probe.ttl == s->ttl)
		v->quoted_ttl = q->ttl;
	if (reply->ttl > v->reply_ttl && reply->ttl <= UINT8_MAX)
		v->reply_ttl = reply->ttl;
	if (!v->ext && reply->ext && !reply->ext->bad && reply->ext->mpls_count > 0)
		v->ext = reply->ext;
}

void wn_find_views(const struct wn_finder *f, uint32_t lane, struct wn_hop_view views[256])
{
	for (unsigned i = 0; i < 256; i++)
		views[i] = (struct wn_hop_view){
			.probe = WN_NONE, .at = {0, WN_NONE}, .quoted_ttl = -1, .reply_ttl = -1};
	for (uint32_t i = f->lane_first[lane]; i < f->lane_first[lane + 1]; i++)
		note(f, &f->seen[i], &views[f->seen[i].ttl]);
}

struct wn_finding_at wn_view_before(const struct wn_hop_view views[256], unsigned ttl)
{
	while (ttl-- > 1)
		if (views[ttl].probe != WN_NONE)
			return views[ttl].at;
	return (struct wn_finding_at){0, WN_NONE};
}

struct wn_finding_at wn_view_behind(const struct wn_hop_view views[256], unsigned ttl)
{
	while (++ttl < 256)
		if (views[ttl].probe != WN_NONE)
			return views[ttl].at;
	return (struct wn_finding_at){0, WN_NONE};
}

unsigned wn_view_ramp(const struct wn_hop_view views[256], unsigned ttl)
{
	const struct wn_hop_view *v = &views[ttl];
	unsigned start;

	if (v->probe == WN_NONE || !v->expired || v->quoted_ttl < 2 ||
		(unsigned)v->quoted_ttl > ttl)
		return 0;
	start = ttl + 1 - (unsigned)v->quoted_ttl;
	for (unsigned i = start; i < ttl; i++)
		if (views[i].probe != WN_NONE && views[i].quoted_ttl >= 0 &&
			views[i].quoted_ttl != (int)(i - start + 1))
			return 0;
	return start;
}
