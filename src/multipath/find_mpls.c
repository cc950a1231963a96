/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MPLS tunnels by what their routers tell (Donnet, Luckie, Merindol, Pansiot: Revealing MPLS
 * tunnels obscured from traceroute, CCR 2012): explicit  each switch tells its label, whose TTL has
 * run out implicit  no labels, but the IP TTL that is quoted rises 1, 2, 3, because inside only the
 *             label's TTL is counted down
 *   opaque    one hop tells a label whose TTL is still large: it began at 255 and those who took
 *             it down are not to be seen
 * Tunnels that tell nothing: find_return.c.
 */
#include "multipath/find_int.h"

#define LABEL_TTL_FULL 255
#define LABEL_TTL_HIGH 128 /* below, it did not begin at 255, and nothing can be counted */

static bool is_labelled(const struct wn_hop_view *v)
{
	return v->probe != WN_NONE && v->ext;
}

/* A label that expired here, or one on its way. */
static bool is_opaque(const struct wn_hop_view *v)
{
	return is_labelled(v) && v->ext->mpls[0].ttl > 1;
}

static void add_label(struct wn_finding *finding, const struct wn_ext *ext)
{
	struct wn_found_mpls *m = &finding->u.mpls;

	if (m->label_count < WN_FINDING_LABELS)
		m->labels[m->label_count++] = ext->mpls[0].label;
	if (ext->mpls_count > m->depth)
		m->depth = ext->mpls_count;
}

/* A tunnel whose first shown switch is at ttl; one that several flows show counts once. */
static struct wn_finding *add(struct wn_finder *f, enum wn_finding_kind kind,
	const struct wn_hop_view views[256], unsigned ttl, unsigned last)
{
	struct wn_finding *finding = wn_find_known(f, kind, views[ttl].at);

	if (finding && finding->last.ttl >= last) {
		finding->flows++;
		return NULL;
	}
	if (finding) { /* seen in full only now */
		uint32_t flows = finding->flows + 1;

		*finding = (struct wn_finding){.kind = kind, .flows = flows};
	} else {
		finding = wn_find_add(f, kind);
		if (!finding)
			return NULL;
	}
	finding->between = true;
	finding->before = wn_view_before(views, ttl);
	finding->first = views[ttl].at;
	finding->last = views[last].at;
	finding->until = wn_view_behind(views, last);
	finding->u.mpls.reply_ttl_was = finding->u.mpls.reply_ttl_is = -1;
	finding->u.mpls.echo_ttl = -1;
	return finding;
}

/* ---- labels ---- */

/* The last hop of the tunnel that begins at ttl: silent switches may stand in between. */
static unsigned last_labelled(const struct wn_hop_view views[256], unsigned ttl)
{
	unsigned last = ttl;

	for (unsigned i = ttl + 1; i < 256; i++) {
		const struct wn_hop_view *v = &views[i];

		if (v->probe == WN_NONE)
			continue;
		if (!is_labelled(v) || is_opaque(v))
			break;
		/* Where the quoted TTL begins again, so does a tunnel. */
		if (views[last].quoted_ttl > 1 && v->quoted_ttl >= 0 && v->quoted_ttl <= 1)
			break;
		last = i;
	}
	return last;
}

static void add_explicit(
	struct wn_finder *f, const struct wn_hop_view views[256], unsigned ttl, unsigned last)
{
	struct wn_finding *finding = add(f, WN_FINDING_MPLS_EXPLICIT, views, ttl, last);

	if (!finding)
		return;
	finding->certainty = WN_CERTAIN;
	finding->u.mpls.sign = WN_SIGN_LABELS;
	for (unsigned i = ttl; i <= last; i++) {
		if (!is_labelled(&views[i]))
			continue;
		finding->hops++;
		add_label(finding, views[i].ext);
		if (views[i].quoted_ttl > finding->u.mpls.quoted_most)
			finding->u.mpls.quoted_most = (uint8_t)views[i].quoted_ttl;
		wn_find_evidence(f, finding, views[i].probe);
	}
}

static void add_opaque(struct wn_finder *f, const struct wn_hop_view views[256], unsigned ttl)
{
	struct wn_finding *finding = add(f, WN_FINDING_MPLS_OPAQUE, views, ttl, ttl);
	uint8_t label_ttl = views[ttl].ext->mpls[0].ttl;

	if (!finding)
		return;
	finding->certainty = WN_LIKELY;
	finding->hops = 1;
	finding->u.mpls.sign = WN_SIGN_LABELS;
	finding->u.mpls.label_ttl = label_ttl;
	if (label_ttl >= LABEL_TTL_HIGH)
		finding->u.mpls.hidden = (uint8_t)(LABEL_TTL_FULL - label_ttl);
	add_label(finding, views[ttl].ext);
	wn_find_evidence(f, finding, views[ttl].probe);
}

static void find_labels(struct wn_finder *f, const struct wn_hop_view views[256])
{
	for (unsigned ttl = 1; ttl < 256; ttl++) {
		unsigned last;

		if (!is_labelled(&views[ttl]))
			continue;
		if (is_opaque(&views[ttl])) {
			add_opaque(f, views, ttl);
			continue;
		}
		last = last_labelled(views, ttl);
		add_explicit(f, views, ttl, last);
		ttl = last;
	}
}

/* ---- quoted TTLs ---- */

static void add_implicit(
	struct wn_finder *f, const struct wn_hop_view views[256], unsigned start, unsigned last)
{
	unsigned ttl = start, high = 0;
	struct wn_finding *finding;

	while (views[ttl].probe == WN_NONE) /* a switch that does not answer */
		ttl++;
	finding = add(f, WN_FINDING_MPLS_IMPLICIT, views, ttl, last);
	if (!finding)
		return;
	finding->u.mpls.sign = WN_SIGN_QUOTED_TTL;
	finding->u.mpls.quoted_most = (uint8_t)views[last].quoted_ttl;
	for (unsigned i = ttl; i <= last; i++) {
		if (views[i].probe == WN_NONE)
			continue;
		finding->hops++;
		high += views[i].quoted_ttl > 1;
		wn_find_evidence(f, finding, views[i].probe);
	}
	/* One router that quotes 2 may have a habit of its own; one that quotes 3 behind it not. */
	finding->certainty = high > 1 ? WN_LIKELY : WN_POSSIBLE;
}

static void find_ramps(struct wn_finder *f, const struct wn_hop_view views[256])
{
	for (unsigned ttl = 1; ttl < 256; ttl++) {
		unsigned start = wn_view_ramp(views, ttl), last = ttl;

		if (start == 0 || views[ttl].ext)
			continue;
		for (unsigned i = ttl + 1; i < 256; i++) {
			if (views[i].probe == WN_NONE)
				continue;
			if (wn_view_ramp(views, i) != start || views[i].ext)
				break;
			last = i;
		}
		add_implicit(f, views, start, last);
		ttl = last;
	}
}

void wn_find_mpls(struct wn_finder *f)
{
	struct wn_hop_view views[256];

	for (uint32_t lane = 0; lane < f->lane_count; lane++) {
		wn_find_views(f, lane, views);
		find_labels(f, views);
		find_ramps(f, views);
	}
}
