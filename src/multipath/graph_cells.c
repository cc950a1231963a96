/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record cut into cells, one for each flow and TTL that was probed: what the flow met there.
 * A flow ends where all its answers say that nothing travels on; what was probed beyond tells of
 * no further hop, and is left out.
 */
#include "multipath/graph_int.h"

#include "base/alloc.h"

#define HARDLY_PPM 10000 /* flows expected to lose all their probes: one that does is silent */

static bool is_counted(const struct wn_probe_rec *p)
{
	return p->state != WN_PROBE_FAILED && p->probe.flow <= WN_GRAPH_FLOW_MAX;
}

static wn_err order_probes(struct wn_builder *b)
{
	const struct wn_result *r = b->r;

	b->order = wn_calloc(r->probe_count, sizeof(*b->order));
	if (!b->order)
		return WN_ENOMEM;
	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe *p = &r->probes[i].probe;

		if (is_counted(&r->probes[i]))
			b->order[b->order_count++] =
				(uint64_t)p->flow << 40 | (uint64_t)p->ttl << 32 | i;
	}
	wn_graph_sort(b->order, b->order_count);
	return WN_OK;
}

/* Nothing travels on behind it. */
static bool is_end(const struct wn_reply_rec *reply)
{
	switch (reply->kind) {
	case WN_REPLY_UNREACHABLE:
	case WN_REPLY_TOO_BIG:
	case WN_REPLY_PARAM_PROBLEM:
		return true;
	default:
		return reply->reached;
	}
}

static void add_answer(struct wn_cell *c, const struct wn_reply_rec *reply)
{
	if (c->kind != WN_CELL_ONE && c->kind != WN_CELL_TORN) {
		c->kind = WN_CELL_ONE;
		c->responder = reply->responder;
		c->ends = true;
	} else if (reply->responder != c->responder) {
		c->kind = WN_CELL_TORN;
	}
	c->ends = c->ends && is_end(reply);
	c->reached = c->reached || reply->reached;
}

static struct wn_cell read_cell(const struct wn_builder *b, uint32_t first)
{
	uint64_t key = b->order[first] >> 32;
	struct wn_cell c = {
		.flow = (uint32_t)(key >> 8),
		.ttl = (uint8_t)key,
		.first = first,
		.node = WN_NONE,
	};
	bool pending = false;

	for (uint32_t i = first; i < b->order_count && b->order[i] >> 32 == key; i++) {
		const struct wn_probe_rec *p = &b->r->probes[wn_order_probe(b, i)];

		c.count++;
		pending = pending || p->state == WN_PROBE_PENDING;
		if (p->first_reply != WN_NONE)
			add_answer(&c, &b->r->replies[p->first_reply]);
	}
	if (c.kind == WN_CELL_UNKNOWN && !pending)
		c.kind = WN_CELL_LOST;
	return c;
}

static wn_err read_cells(struct wn_builder *b)
{
	bool ended = false;

	b->cells = wn_calloc(b->order_count, sizeof(*b->cells));
	if (!b->cells)
		return WN_ENOMEM;
	for (uint32_t i = 0; i < b->order_count;) {
		struct wn_cell c = read_cell(b, i);

		i += c.count;
		if (b->cell_count == 0 || b->cells[b->cell_count - 1].flow != c.flow)
			ended = false;
		if (!ended)
			b->cells[b->cell_count++] = c;
		ended = ended || c.ends;
	}
	return WN_OK;
}

static bool is_answered(const struct wn_cell *c)
{
	return c->kind == WN_CELL_ONE || c->kind == WN_CELL_TORN;
}

/* ---- silence or loss ---- */

/* Of a TTL: flows that were answered with their probes, and flows that were not though they might.
 */
struct tally {
	uint32_t answered, probes, lost;
	uint32_t silent, tries;
};

static uint32_t count_lost(const struct wn_builder *b, const struct wn_cell *c)
{
	uint32_t n = 0;

	for (uint32_t i = c->first; i < c->first + c->count; i++)
		n += b->r->probes[wn_order_probe(b, i)].state == WN_PROBE_LOST;
	return n;
}

/*
 * How many flows are to be expected, in millionths, to lose all their probes where the others lost
 * as many as they did. Where others lost none, that is still one in as many as they sent.
 */
static uint64_t expected_ppm(const struct tally *t)
{
	uint64_t share_ppm = (t->lost + UINT64_C(1)) * 1000000 / (t->probes + UINT64_C(2));
	uint64_t all_ppm = 1000000;

	for (uint32_t i = 0; i < t->tries / t->silent && all_ppm > 0; i++)
		all_ppm = all_ppm * share_ppm / 1000000;
	return all_ppm * (t->answered + t->silent);
}

/*
 * Beside interfaces that answer: far more than loss explains, or one that it hardly does. Where
 * the flows are so many whatever they show, lost probes are not asked again until a limit lets them
 * through: then nothing is said.
 */
static bool is_silence(const struct wn_builder *b, const struct tally *t)
{
	uint64_t expected;

	if (t->answered == 0)
		return true;
	if (b->r->params.paths == WN_PATHS_FLOWS)
		return false;
	expected = expected_ppm(t);
	return expected <= HARDLY_PPM || UINT64_C(1000000) * t->silent > 3 * expected + 1000000;
}

/*
 * A flow that got no answer met silence, or its probes were lost. It tells of neither unless it
 * was answered from farther away, or nobody was answered at this TTL though somebody was from
 * farther away.
 */
static void find_silence(struct wn_builder *b, struct tally tallies[256])
{
	uint32_t farther_flow = WN_NONE; /* the flow that was answered from farther away */

	for (uint32_t i = b->cell_count; i-- > 0;) {
		struct wn_cell *c = &b->cells[i];
		struct tally *t = &tallies[c->ttl];

		if (is_answered(c))
			farther_flow = c->flow;
		if (c->kind != WN_CELL_LOST || c->ttl >= b->g->last_ttl ||
			(farther_flow != c->flow && t->answered > 0))
			continue;
		c->kind = WN_CELL_SILENT;
		t->silent++;
		t->tries += c->count;
	}
}

static void drop_losses(struct wn_builder *b, const struct tally tallies[256])
{
	for (uint32_t i = 0; i < b->cell_count; i++) {
		struct wn_cell *c = &b->cells[i];

		if (c->kind != WN_CELL_SILENT || is_silence(b, &tallies[c->ttl]))
			continue;
		c->kind = WN_CELL_LOST;
		b->g->hops[c->ttl].lost++;
	}
}

wn_err wn_graph_collect(struct wn_builder *b)
{
	uint8_t first = UINT8_MAX, last = 0;
	struct tally tallies[256] = {0};
	wn_err err = order_probes(b);

	if (!err)
		err = read_cells(b);
	if (!err)
		err = wn_graph_cut_ends(b);
	if (err)
		return err;
	for (uint32_t i = 0; i < b->cell_count; i++) {
		const struct wn_cell *c = &b->cells[i];

		first = c->ttl < first ? c->ttl : first;
		if (!is_answered(c))
			continue;
		last = c->ttl > last ? c->ttl : last;
		tallies[c->ttl].answered++;
		tallies[c->ttl].probes += c->count;
		tallies[c->ttl].lost += count_lost(b, c);
	}
	if (b->cell_count == 0)
		first = b->r->params.first_ttl > 0 ? b->r->params.first_ttl : 1;
	b->g->first_ttl = first;
	b->g->last_ttl = last;
	find_silence(b, tallies);
	drop_losses(b, tallies);
	return WN_OK;
}
