/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that somebody on the path rewrote: DSCP, ECN, DF, flow label, options of TCP. */
#include "multipath/find_int.h"

#define ECN_CE 3 /* congestion experienced, RFC 3168 section 5 */

static bool read_dscp(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);

	if (!q)
		return false;
	*out_sent = wn_seen_probe(f, s)->probe.tos >> 2;
	*out_is = q->tos >> 2;
	return true;
}

/* Marks of congestion are another matter: they come and go with the load. */
static bool read_ecn(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);

	if (!q)
		return false;
	*out_sent = wn_seen_probe(f, s)->probe.tos & 3;
	*out_is = q->tos & 3;
	return *out_is != ECN_CE || *out_sent == ECN_CE;
}

static bool read_ce(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);

	if (!q)
		return false;
	*out_sent = wn_seen_probe(f, s)->probe.tos & 3;
	*out_is = (q->tos & 3) == ECN_CE ? ECN_CE : *out_sent;
	return true;
}

static bool read_df(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);

	if (!q || q->dst.family != 4)
		return false;
	*out_sent = wn_seen_probe(f, s)->probe.df;
	*out_is = q->df;
	return true;
}

static bool read_flow_label(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);

	if (!q || q->dst.family != 6 || !f->r->params.caps.sends_flow_label)
		return false;
	*out_sent = wn_seen_probe(f, s)->probe.flow_label;
	*out_is = q->flow_label;
	return true;
}

/* Only a router that quotes the whole header tells of options. */
static bool read_mss(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_l4(f, s);
	const struct wn_probe *p = &wn_seen_probe(f, s)->probe;

	if (!q || !q->tcp_opts.whole || !(p->tcp_options & q->tcp_opts.set & WN_TCP_OPT_MSS))
		return false;
	*out_sent = wn_tcp_mss(p->dst.family);
	*out_is = q->tcp_opts.mss;
	return true;
}

/* WN_TCP_OPT_* that are gone and that have another value; false where nothing is known. */
static bool see_options(const struct wn_finder *f, const struct wn_seen *s, uint8_t *out_stripped,
	uint8_t *out_changed)
{
	const struct wn_quote *q = wn_seen_l4(f, s);
	const struct wn_probe *p = &wn_seen_probe(f, s)->probe;

	return q && p->tcp_options != 0 && wn_tcp_changes(p, q, out_stripped, out_changed);
}

static bool read_stripped(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	uint8_t stripped, changed;

	if (!see_options(f, s, &stripped, &changed))
		return false;
	*out_sent = wn_seen_probe(f, s)->probe.tcp_options;
	*out_is = *out_sent & ~(int64_t)stripped;
	return true;
}

/* But for the MSS, which has a finding of its own. */
static bool read_changed(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	uint8_t stripped, changed;

	if (!see_options(f, s, &stripped, &changed))
		return false;
	*out_sent = 0;
	*out_is = changed & ~WN_TCP_OPT_MSS;
	return true;
}

void wn_find_rewrite(struct wn_finder *f)
{
	static const struct wn_trait traits[] = {
		{.kind = WN_FINDING_DSCP, .read = read_dscp},
		{.kind = WN_FINDING_ECN, .read = read_ecn},
		{.kind = WN_FINDING_CONGESTION, .sticky = true, .read = read_ce},
		{.kind = WN_FINDING_DF, .read = read_df},
		{.kind = WN_FINDING_FLOW_LABEL, .read = read_flow_label},
		{.kind = WN_FINDING_MSS, .read = read_mss},
		{.kind = WN_FINDING_TCP_STRIPPED, .read = read_stripped},
		{.kind = WN_FINDING_TCP_CHANGED, .read = read_changed},
	};

	for (size_t i = 0; i < sizeof(traits) / sizeof(traits[0]); i++)
		wn_find_trait(f, &traits[i], NULL);
	for (uint32_t i = 0; i < f->out->count; i++) {
		struct wn_finding *finding = &f->out->list[i];

		/* What marks only some packets may have let those pass that hops before quote. */
		if (finding->kind == WN_FINDING_CONGESTION &&
			finding->u.change.quotes < finding->u.change.of)
			finding->certainty = WN_LIKELY;
	}
}
