/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the detectors: probes in the order they want them in, and the list that findings go
 * to, which is bounded whatever the record holds.
 */
#include "multipath/find_int.h"

#include <string.h>
#include "base/alloc.h"
#include "base/sort.h"

#define LEN(a)	     (sizeof(a) / sizeof((a)[0]))
#define SILENT_LEAST 3 /* probes of a flow at one TTL: fewer may have got lost */

/* ---- names ---- */

static const char *const kind_names[WN_FINDING_KINDS] = {
#define X(sym, name, group) [WN_FINDING_##sym] = name,
	WN_FINDING_LIST(X)
#undef X
};

const char *wn_finding_name(enum wn_finding_kind kind)
{
	return (unsigned)kind < WN_FINDING_KINDS ? kind_names[kind] : "unknown";
}

const char *wn_certainty_name(enum wn_certainty certainty)
{
	static const char *const names[] = {"certain", "likely", "possible"};

	return (unsigned)certainty < LEN(names) ? names[certainty] : "unknown";
}

/* ---- probes in order ---- */

static bool seen_less(const void *items, size_t a, size_t b)
{
	const struct wn_seen *x = (const struct wn_seen *)items + a;
	const struct wn_seen *y = (const struct wn_seen *)items + b;

	if (x->lane != y->lane)
		return x->lane < y->lane;
	if (x->ttl != y->ttl)
		return x->ttl < y->ttl;
	return x->sent_ns != y->sent_ns ? x->sent_ns < y->sent_ns : x->probe < y->probe;
}

/* Where the probe's TTL ends up; 0: beyond what anybody knows to be the path. */
static uint8_t seen_ttl(const struct wn_finder *f, uint8_t ttl)
{
	if (ttl <= f->end_ttl)
		return ttl;
	return f->r->reached ? f->end_ttl : 0;
}

static void collect(struct wn_finder *f)
{
	const struct wn_result *r = f->r;
	bool classic = r->params.flow_mode == WN_FLOW_CLASSIC;

	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];
		uint8_t ttl = seen_ttl(f, p->probe.ttl);

		/* What was too big for the path is lost, or answered by a nearer hop. */
		if (p->state == WN_PROBE_FAILED || ttl == 0 || wn_result_is_sizing(r, &p->probe))
			continue;
		f->seen[f->seen_count++] = (struct wn_seen){
			.probe = i,
			.lane = classic ? 0 : p->probe.flow,
			.ttl = ttl,
			.sent_ns = p->sent_ns,
		};
	}
	wn_sort_array(f->seen, f->seen_count, sizeof(*f->seen), seen_less);
}

/* Flows become numbers from 0. */
static void number_lanes(struct wn_finder *f)
{
	uint32_t flow = 0;

	for (uint32_t i = 0; i < f->seen_count; i++) {
		if (i == 0 || f->seen[i].lane != flow) {
			flow = f->seen[i].lane;
			f->lane_first[f->lane_count++] = i;
		}
		f->seen[i].lane = f->lane_count - 1;
	}
	f->lane_first[f->lane_count] = f->seen_count;
}

static bool is_silent(const struct wn_finder *f, const struct wn_slice *s)
{
	for (uint32_t i = s->first; i < s->first + s->count; i++)
		if (wn_seen_probe(f, &f->seen[i])->state != WN_PROBE_LOST)
			return false;
	return s->count >= SILENT_LEAST;
}

/*
 * Where all paths were looked for, some may lead to silence, or over silent routers, beside others
 * that answer. Their flows were asked again until silence was the better explanation.
 */
static void mark_silence(struct wn_finder *f)
{
	const struct wn_result *r = f->r;
	struct wn_slice s;

	if (r->params.paths == WN_PATHS_OFF || r->partial)
		return;
	for (uint32_t lane = 0; lane < f->lane_count; lane++)
		for (uint32_t at = f->lane_first[lane]; wn_find_slice(f, lane, &at, &s);)
			for (uint32_t i = s.first; is_silent(f, &s) && i < s.first + s.count; i++)
				f->seen[i].silent = true;
}

static wn_err open_finder(struct wn_finder *f)
{
	const struct wn_result *r = f->r;
	bool ended = r->reached || r->stop == WN_STOP_UNREACHABLE || r->stop == WN_STOP_LOOP;

	f->end_ttl = ended && r->last_ttl > 0 ? (uint8_t)r->last_ttl : UINT8_MAX;
	f->seen = wn_calloc((size_t)r->probe_count + 1, sizeof(*f->seen));
	f->lane_first = wn_calloc((size_t)r->probe_count + 2, sizeof(*f->lane_first));
	f->varied = wn_calloc((size_t)r->probe_count + 1, sizeof(*f->varied));
	if (!f->seen || !f->lane_first || !f->varied)
		return WN_ENOMEM;
	collect(f);
	number_lanes(f);
	mark_silence(f);
	return WN_OK;
}

static void close_finder(struct wn_finder *f)
{
	wn_free(f->seen);
	wn_free(f->lane_first);
	wn_free(f->varied);
}

bool wn_find_slice(const struct wn_finder *f, uint32_t lane, uint32_t *at, struct wn_slice *out)
{
	uint32_t end = f->lane_first[lane + 1], i = *at;

	if (i >= end)
		return false;
	*out = (struct wn_slice){.first = i, .ttl = f->seen[i].ttl};
	while (i < end && f->seen[i].ttl == out->ttl)
		i++;
	out->count = i - out->first;
	*at = i;
	return true;
}

const struct wn_quote *wn_seen_ip(const struct wn_finder *f, const struct wn_seen *s)
{
	const struct wn_reply_rec *reply = wn_seen_reply(f, s);

	if (!reply || !reply->quote.present || !f->r->params.caps.sees_quote_ip)
		return NULL;
	return &reply->quote;
}

const struct wn_quote *wn_seen_l4(const struct wn_finder *f, const struct wn_seen *s)
{
	const struct wn_quote *q = wn_seen_ip(f, s);

	return q && q->l4_present && f->r->params.caps.sees_quote_l4 ? q : NULL;
}

/* ---- findings ---- */

struct wn_finding *wn_find_add(struct wn_finder *f, enum wn_finding_kind kind)
{
	struct wn_findings *out = f->out;
	struct wn_finding *list;

	if (f->err)
		return NULL;
	if (out->count == WN_FINDINGS_MAX) {
		out->dropped++;
		return NULL;
	}
	if ((out->count & (out->count - 1)) == 0) { /* 0, 1, 2, 4, ...: full */
		list = wn_realloc(
			out->list, out->count ? 2 * (size_t)out->count : 1, sizeof(*list));
		if (!list) {
			f->err = WN_ENOMEM;
			return NULL;
		}
		out->list = list;
	}
	list = &out->list[out->count++];
	memset(list, 0, sizeof(*list));
	list->kind = kind;
	list->flows = 1;
	list->before.responder = list->first.responder = WN_NONE;
	list->last.responder = list->until.responder = WN_NONE;
	return list;
}

struct wn_finding *wn_find_known(
	const struct wn_finder *f, enum wn_finding_kind kind, struct wn_finding_at first)
{
	for (uint32_t i = 0; i < f->out->count; i++) {
		struct wn_finding *have = &f->out->list[i];

		if (have->kind == kind && wn_find_same_at(have->first, first))
			return have;
	}
	return NULL;
}

static void keep(struct wn_finding *finding, uint64_t id)
{
	finding->probe_count++;
	if (finding->probes_kept < WN_FINDING_PROBES)
		finding->probes[finding->probes_kept++] = id;
}

void wn_find_evidence(const struct wn_finder *f, struct wn_finding *finding, uint32_t probe)
{
	keep(finding, f->r->probes[probe].probe.id);
}

void wn_find_evidence_aside(const struct wn_finder *f, struct wn_finding *finding, uint32_t side)
{
	keep(finding, f->r->sides[side].sent.probe.id);
}

static bool finding_less(const void *items, size_t a, size_t b)
{
	const struct wn_finding *x = (const struct wn_finding *)items + a;
	const struct wn_finding *y = (const struct wn_finding *)items + b;

	if (x->first.ttl != y->first.ttl)
		return x->first.ttl < y->first.ttl;
	if (x->kind != y->kind)
		return x->kind < y->kind;
	if (x->kind == WN_FINDING_PATH_CHANGED && x->u.epoch.from_ns != y->u.epoch.from_ns)
		return x->u.epoch.from_ns < y->u.epoch.from_ns;
	if (x->last.ttl != y->last.ttl)
		return x->last.ttl < y->last.ttl;
	if (x->first.responder != y->first.responder)
		return x->first.responder < y->first.responder;
	return x->probes[0] < y->probes[0];
}

wn_err wn_findings_find(const struct wn_result *r, struct wn_findings *out)
{
	static void (*const detectors[])(struct wn_finder *) = {
		wn_find_rewrite,
		wn_find_quote,
		wn_find_varied,
		wn_find_checksum,
		wn_find_nat,
		wn_find_ttl,
		wn_find_mpls,
		wn_find_return,
		wn_find_mtu,
		wn_find_epoch,
		wn_find_flows,
		wn_find_loss,
	};
	struct wn_finder f = {.r = r, .out = out};

	*out = (struct wn_findings){0};
	f.err = open_finder(&f);
	for (size_t i = 0; i < LEN(detectors) && !f.err; i++)
		detectors[i](&f);
	close_finder(&f);
	if (f.err)
		wn_findings_free(out);
	else
		wn_sort_array(out->list, out->count, sizeof(*out->list), finding_less);
	return f.err;
}

void wn_findings_free(struct wn_findings *f)
{
	wn_free(f->list);
	*f = (struct wn_findings){0};
}
