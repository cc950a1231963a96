/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics without floating point. A result admits RTTs below 2^53 ns and at most 2^22 probes,
 * so sums of squares stay below 2^128.
 */
#include "result/stats.h"

#include "base/alloc.h"
#include "result/result_int.h"

#define JITTER_SHIFT 8 /* fractional bits kept in the running RFC 3550 estimate */

struct u128 {
	uint64_t hi, lo;
};

static struct u128 square(uint64_t v)
{
	uint64_t h = v >> 32;
	uint64_t l = v & UINT32_MAX;
	uint64_t cross = h * l; /* counts twice, at bit 32 */
	struct u128 out;

	out.hi = h * h + (cross >> 31);
	out.hi += __builtin_add_overflow(l * l, cross << 33, &out.lo);
	return out;
}

static struct u128 add(struct u128 a, struct u128 b)
{
	struct u128 out;

	out.hi = a.hi + b.hi;
	out.hi += __builtin_add_overflow(a.lo, b.lo, &out.lo);
	return out;
}

static struct u128 divide(struct u128 v, uint32_t by)
{
	uint64_t limbs[4] = {v.hi >> 32, v.hi & UINT32_MAX, v.lo >> 32, v.lo & UINT32_MAX};
	uint64_t rest = 0;

	for (int i = 0; i < 4; i++) {
		rest = rest << 32 | limbs[i];
		limbs[i] = rest / by;
		rest %= by;
	}
	return (struct u128){limbs[0] << 32 | limbs[1], limbs[2] << 32 | limbs[3]};
}

/* The largest root whose square is not above v. */
static uint64_t isqrt(struct u128 v)
{
	uint64_t root = 0;

	for (uint64_t bit = (uint64_t)1 << 63; bit != 0; bit >>= 1) {
		struct u128 sq = square(root | bit);

		if (sq.hi < v.hi || (sq.hi == v.hi && sq.lo <= v.lo))
			root |= bit;
	}
	return root;
}

static uint64_t distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)(a - b) : (uint64_t)(b - a);
}

/* Quotients and remainders are summed apart, so that no sum can overflow. */
static int64_t mean(const int64_t *v, uint32_t n)
{
	uint64_t whole = 0, rest = 0;

	for (uint32_t i = 0; i < n; i++) {
		whole += (uint64_t)v[i] / n;
		rest += (uint64_t)v[i] % n;
	}
	return (int64_t)(whole + (rest + n / 2) / n);
}

static void spread(const int64_t *v, uint32_t n, struct wn_stats *out)
{
	struct u128 sum = {0, 0};

	out->mean_ns = mean(v, n);
	out->best_ns = out->worst_ns = v[0];
	for (uint32_t i = 0; i < n; i++) {
		sum = add(sum, square(distance(v[i], out->mean_ns)));
		if (v[i] < out->best_ns)
			out->best_ns = v[i];
		if (v[i] > out->worst_ns)
			out->worst_ns = v[i];
	}
	if (n > 1)
		out->stddev_ns = (int64_t)isqrt(divide(sum, n - 1));
}

/* Jitter is about successive differences: the first sample has none and adds nothing. */
static void jitter(const int64_t *v, uint32_t n, struct wn_stats *out)
{
	int64_t estimate = 0; /* times 2^JITTER_SHIFT */
	uint64_t whole = 0, rest = 0;
	uint32_t count = n - 1;

	if (n < 2)
		return;
	for (uint32_t i = 1; i < n; i++) {
		int64_t d = (int64_t)distance(v[i], v[i - 1]);

		whole += (uint64_t)d / count;
		rest += (uint64_t)d % count;
		if (d > out->jitter_worst_ns)
			out->jitter_worst_ns = d;
		out->jitter_ns = d;
		/* RFC 3550 6.4.1: J(i) = J(i-1) + (|D(i-1,i)| - J(i-1)) / 16 */
		estimate += ((d << JITTER_SHIFT) - estimate) / 16;
	}
	out->jitter_mean_ns = (int64_t)(whole + (rest + count / 2) / count);
	out->jitter_rfc3550_ns = (estimate + (1 << (JITTER_SHIFT - 1))) >> JITTER_SHIFT;
}

/* The smallest sample that at least percent of all are not above. */
static int64_t nearest_rank(const struct wn_sort_item *sorted, uint32_t n, unsigned percent)
{
	uint64_t rank = ((uint64_t)n * percent + 99) / 100;

	return (int64_t)sorted[rank - 1].key;
}

static void percentiles(
	const int64_t *v, uint32_t n, struct wn_sort_item *items, struct wn_stats *out)
{
	for (uint32_t i = 0; i < n; i++)
		items[i] = (struct wn_sort_item){.key = (uint64_t)v[i], .val = i};
	wn_sort_items(items, n);
	out->p50_ns = nearest_rank(items, n, 50);
	out->p90_ns = nearest_rank(items, n, 90);
	out->p95_ns = nearest_rank(items, n, 95);
	out->p99_ns = nearest_rank(items, n, 99);
}

static bool selects(
	const struct wn_result *r, const struct wn_stats_filter *f, const struct wn_probe_rec *p)
{
	bool whole = f->ttl < 0 && f->flow < 0 && f->responder == WN_NONE;

	if (!whole && wn_result_is_sizing(r, &p->probe))
		return false;
	if (f->ttl >= 0 && p->probe.ttl != f->ttl)
		return false;
	if (f->flow >= 0 && p->probe.flow != f->flow)
		return false;
	return f->responder == WN_NONE ||
	       (p->first_reply != WN_NONE && r->replies[p->first_reply].responder == f->responder);
}

static void count_probe(const struct wn_probe_rec *p, struct wn_stats *out)
{
	if (p->state == WN_PROBE_FAILED) {
		out->failed++;
		return;
	}
	out->sent++;
	out->pending += p->state == WN_PROBE_PENDING;
	out->lost += p->state == WN_PROBE_LOST;
	out->late += p->state == WN_PROBE_LATE;
	out->received += p->first_reply != WN_NONE;
	out->duplicates += p->duplicates;
}

/* The probes a filter has to look at: a flow's own chain, else all. */
static uint32_t first_probe(const struct wn_result *r, const struct wn_stats_filter *f)
{
	if (f->flow >= 0)
		return f->flow < WN_NONE ? wn_result_first_in_flow(r, (uint32_t)f->flow) : WN_NONE;
	return r->probe_count > 0 ? 0 : WN_NONE;
}

static uint32_t next_probe(
	const struct wn_result *r, const struct wn_stats_filter *f, uint32_t probe)
{
	if (f->flow >= 0)
		return r->priv->next_in_flow[probe];
	return probe + 1 < r->probe_count ? probe + 1 : WN_NONE;
}

static bool has_rtt(const struct wn_result *r, const struct wn_probe_rec *p)
{
	return p->first_reply != WN_NONE && r->replies[p->first_reply].rtt_ns >= 0;
}

static void count_all(
	const struct wn_result *r, const struct wn_stats_filter *f, struct wn_stats *out)
{
	for (uint32_t i = first_probe(r, f); i != WN_NONE; i = next_probe(r, f, i))
		if (selects(r, f, &r->probes[i])) {
			count_probe(&r->probes[i], out);
			out->samples += has_rtt(r, &r->probes[i]);
		}
}

/* The RTTs selected, in the order of sending, which stamps may set apart from that of events. */
static void collect(const struct wn_result *r, const struct wn_stats_filter *f,
	struct wn_sort_item *items, int64_t *rtts)
{
	uint32_t n = 0;

	for (uint32_t i = first_probe(r, f); i != WN_NONE; i = next_probe(r, f, i))
		if (selects(r, f, &r->probes[i]) && has_rtt(r, &r->probes[i]))
			items[n++] = (struct wn_sort_item){.key = r->probes[i].sent_ns, .val = i};
	wn_sort_items(items, n);
	for (uint32_t i = 0; i < n; i++)
		rtts[i] = r->replies[r->probes[items[i].val].first_reply].rtt_ns;
}

/* From one TTL to the next the RTT differs by the distance, which is no jitter. */
static bool is_one_ttl(const struct wn_result *r, const struct wn_sort_item *items, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (r->probes[items[i].val].probe.ttl != r->probes[items[0].val].probe.ttl)
			return false;
	return true;
}

wn_err wn_stats_compute(
	const struct wn_result *r, const struct wn_stats_filter *f, struct wn_stats *out)
{
	struct wn_sort_item *items;
	int64_t *rtts;
	uint32_t n;

	*out = (struct wn_stats){0};
	out->last_ns = out->best_ns = out->worst_ns = out->mean_ns = out->stddev_ns = -1;
	out->jitter_ns = out->jitter_mean_ns = out->jitter_worst_ns = out->jitter_rfc3550_ns = -1;
	out->p50_ns = out->p90_ns = out->p95_ns = out->p99_ns = -1;
	count_all(r, f, out);
	n = out->samples;
	if (n == 0)
		return WN_OK;
	items = wn_calloc(n, sizeof(*items));
	rtts = wn_calloc(n, sizeof(*rtts));
	if (items && rtts) {
		collect(r, f, items, rtts);
		out->last_ns = rtts[n - 1];
		spread(rtts, n, out);
		if (is_one_ttl(r, items, n))
			jitter(rtts, n, out);
		percentiles(rtts, n, items, out);
	}
	wn_free(items);
	wn_free(rtts);
	return out->last_ns >= 0 ? WN_OK : WN_ENOMEM;
}

int32_t wn_stats_loss_milli(const struct wn_stats *s)
{
	uint64_t decided = (uint64_t)s->received + s->lost;

	if (decided == 0)
		return -1;
	return (int32_t)(((uint64_t)s->lost * 100000 + decided / 2) / decided);
}
