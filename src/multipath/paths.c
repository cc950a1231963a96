/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, events and the end. Between two rounds of planning the trace engine runs alone; a round
 * comes whenever it has nothing more to do than to wait, so that what arrives together is judged
 * together.
 */
#include "multipath/paths_priv.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

#define PROBES_MAX	 65534u
#define PROBES_PER_FLOW	 24u /* at most, on the average; few flows are probed at every TTL */
#define VERTICES_PER_HOP 16u
#define LINKS_MIN	 1024u

struct layout {
	size_t hop, who, links, vertex, cells, ends, bytes;
};

static wn_err check(const struct wn_params *params, struct wn_errctx *ctx)
{
	if (params->flows < 1 || params->flows > WN_PATHS_FLOWS_MAX)
		return wn_fail(ctx, WN_ERANGE, "%u flows: all paths need 1 to %u",
			(unsigned)params->flows, (unsigned)WN_PATHS_FLOWS_MAX);
	if (params->miss_ppm < 1 || params->miss_ppm > 500000)
		return wn_fail(ctx, WN_ERANGE,
			"the chance to miss something must be within 0.0001%% and 50%%");
	if (params->min_share_ppm >= 1000000)
		return wn_fail(ctx, WN_ERANGE, "the smallest share must be below 100%%");
	if (!wn_flow_is_fixed(params->flow_mode))
		return wn_fail(ctx, WN_EINVAL, "all paths need probes that keep their flow");
	return WN_OK;
}

static void size_tables(struct wn_paths *p)
{
	uint64_t probes = (uint64_t)p->flows * PROBES_PER_FLOW;
	uint32_t vertices = p->hops * VERTICES_PER_HOP + 4 * p->flows;

	p->probe_cap = probes < PROBES_MAX ? (uint32_t)probes : PROBES_MAX;
	p->vertex_cap = (uint16_t)(vertices < VERTICES_MAX ? vertices : VERTICES_MAX);
	for (p->link_mask = LINKS_MIN; p->link_mask < 8 * p->flows;)
		p->link_mask *= 2;
	p->link_mask--;
}

static void lay_out(const struct wn_paths *p, struct layout *l)
{
	l->hop = sizeof(*p);
	l->vertex = l->hop + p->hops * sizeof(struct hop);
	l->who = l->vertex + (p->vertex_cap + p->vertex_cap % 2u) * sizeof(struct vertex);
	l->links = l->who + p->probe_cap * sizeof(struct who);
	l->cells = l->links + (p->link_mask + 1u) * sizeof(struct link);
	l->ends = l->cells + (size_t)p->flows * p->hops * sizeof(struct cell);
	l->bytes = l->ends + p->flows;
}

static void take_memory(struct wn_paths *p, const struct layout *l)
{
	uint8_t *base = (uint8_t *)p;

	_Static_assert(_Alignof(struct wn_paths) >= _Alignof(struct hop) &&
			       _Alignof(struct hop) >= _Alignof(struct vertex) &&
			       _Alignof(struct vertex) >= _Alignof(struct who) &&
			       _Alignof(struct who) >= _Alignof(struct link) &&
			       _Alignof(struct link) >= _Alignof(struct cell),
		"the tables stand one behind the other in one block");
	p->bytes = l->bytes;
	p->hop = (struct hop *)(void *)(base + l->hop);
	p->vertex = (struct vertex *)(void *)(base + l->vertex);
	p->who = (struct who *)(void *)(base + l->who);
	p->links = (struct link *)(void *)(base + l->links);
	p->cells = (struct cell *)(void *)(base + l->cells);
	p->ends = base + l->ends;
	for (uint32_t i = 0; i < p->hops; i++)
		p->hop[i].first = p->hop[i].star = p->hop[i].assume = NO_VERTEX;
	p->vertex[SOURCE] = (struct vertex){
		.addr = p->params.src,
		.ttl = (uint8_t)(p->params.first_ttl - 1),
		.next = NO_VERTEX,
	};
	p->vertex_count = 1;
}

wn_err wn_paths_new(const struct wn_params *params, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_paths **out, struct wn_errctx *ctx)
{
	struct wn_paths init = {.params = *params, .now_ns = now_ns, .wake_ns = NEVER}, *p;
	struct wn_trace *trace;
	struct layout l;
	wn_err err = check(params, ctx);

	if (err != WN_OK)
		return err;
	init.params.probes = 1; /* without a meaning here, but the trace engine wants one */
	init.miss = params->miss_ppm / 1e6;
	init.flows = params->flows;
	init.hops = params->max_ttl - params->first_ttl + 1u;
	size_tables(&init);
	err = wn_trace_new_guided(&init.params, init.probe_cap, key, now_ns, &trace, ctx);
	if (err != WN_OK)
		return err;
	if (init.params.gap == 0)
		init.params.gap = UINT8_MAX;
	lay_out(&init, &l);
	p = wn_calloc(1, l.bytes);
	if (!p) {
		wn_trace_free(trace);
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	}
	*p = init;
	p->trace = trace;
	take_memory(p, &l);
	*out = p;
	return WN_OK;
}

void wn_paths_free(struct wn_paths *p)
{
	if (!p)
		return;
	wn_trace_free(p->trace);
	wn_free(p);
}

struct wn_trace *wn_paths_trace(struct wn_paths *p)
{
	return p->trace;
}

size_t wn_paths_bytes(const struct wn_paths *p)
{
	return p->bytes + wn_trace_bytes(p->trace);
}

/* ---- events ---- */

static struct who *who_of(struct wn_paths *p, uint64_t id)
{
	return &p->who[id % p->probe_cap];
}

static bool is_extra(const struct wn_paths *p, const struct who *who)
{
	return who->flow >> WN_FLOW_LABEL_SHIFT ||
	       wn_paths_cell(p, who->flow - p->params.flow, who->ttl)->state != CELL_OUT;
}

static uint8_t flags_of(const struct wn_event *ev)
{
	switch (ev->u.reply.reply.kind) {
	case WN_REPLY_TIME_EXCEEDED:
		return 0;
	case WN_REPLY_UNREACHABLE:
	case WN_REPLY_TOO_BIG:
	case WN_REPLY_PARAM_PROBLEM:
		return ev->u.reply.reached ? VERTEX_TARGET : VERTEX_REFUSED;
	default:
		return ev->u.reply.reached ? VERTEX_TARGET : 0;
	}
}

static void learn_reply(struct wn_paths *p, const struct wn_event *ev)
{
	const struct who *who = who_of(p, ev->probe_id);
	struct cell *cell;
	uint16_t at;

	if (ev->u.reply.duplicate || ev->u.reply.reply.kind == WN_REPLY_REDIRECT)
		return;
	if (!ev->u.reply.late)
		p->under_way--;
	if (who->flow >> WN_FLOW_LABEL_SHIFT)
		return;
	cell = wn_paths_cell(p, who->flow - p->params.flow, who->ttl);
	at = wn_paths_vertex(p, who->ttl, &ev->u.reply.reply.from);
	if (at == NO_VERTEX)
		return;
	p->vertex[at].flags |= flags_of(ev);
	if (ev->u.reply.reached && (p->target_ttl == 0 || who->ttl < p->target_ttl))
		p->target_ttl = who->ttl;
	if (cell->state == CELL_SEEN && cell->vertex != at &&
		!(p->vertex[cell->vertex].flags & VERTEX_SILENT)) {
		wn_paths_hop(p, who->ttl)->per_packet = true;
		cell->torn = 1;
		return;
	}
	if (cell->state != CELL_SEEN)
		wn_paths_answered(p, who, cell->tries);
	cell->state = CELL_SEEN;
	cell->vertex = at;
}

static void learn_sent(struct wn_paths *p, uint64_t id, const struct wn_probe *probe)
{
	*who_of(p, id) = (struct who){
		.flow = probe->flow,
		.ttl = probe->ttl,
		.sent_ms = wn_paths_ms(p),
	};
}

static void learn_lost(struct wn_paths *p, uint64_t id)
{
	const struct who *who = who_of(p, id);

	p->under_way--;
	if (!is_extra(p, who))
		wn_paths_lost(p, who);
}

static void learn(struct wn_paths *p, const struct wn_event *ev)
{
	switch (ev->kind) {
	case WN_EV_SENT:
		learn_sent(p, ev->probe_id, &ev->u.sent.probe);
		p->sent++;
		p->refused = 0;
		break;
	case WN_EV_FAILED:
		/* It may have been announced as sent before. */
		learn_sent(p, ev->probe_id, &ev->u.failed.probe);
		learn_lost(p, ev->probe_id);
		p->refused++;
		break;
	case WN_EV_REPLY:
		learn_reply(p, ev);
		break;
	case WN_EV_TIMEOUT:
		learn_lost(p, ev->probe_id);
		break;
	default:
		break;
	}
}

/* ---- the end ---- */

static bool is_waiting(const struct wn_paths *p)
{
	bool more = p->ask_err == WN_OK; /* may be asked for */

	for (uint32_t i = 0; i < p->hops; i++)
		if (more && p->hop[i].again > 0)
			return true;
	return p->under_way > 0 || (more && p->wake_ns != NEVER);
}

/* The first TTL with a vertex of this kind; 0 none. */
static uint8_t first_with(const struct wn_paths *p, uint8_t flag)
{
	for (unsigned ttl = p->params.first_ttl; ttl <= p->params.max_ttl; ttl++)
		for (uint16_t i = wn_paths_hop(p, ttl)->first; i != NO_VERTEX;
			i = p->vertex[i].next)
			if (p->vertex[i].flags & flag)
				return (uint8_t)ttl;
	return 0;
}

static uint8_t last_asked(const struct wn_paths *p)
{
	for (unsigned ttl = p->params.max_ttl; ttl >= p->params.first_ttl; ttl--)
		if (wn_paths_hop(p, ttl)->lost + wn_paths_hop(p, ttl)->answered > 0)
			return (uint8_t)ttl;
	return p->params.first_ttl;
}

static uint16_t target_at(const struct wn_paths *p, unsigned ttl)
{
	uint16_t i = wn_paths_hop(p, ttl)->first;

	while (i != NO_VERTEX && !(p->vertex[i].flags & VERTEX_TARGET))
		i = p->vertex[i].next;
	return i;
}

/*
 * It answered flows through somebody, and then no more through the same, however often asked. (A
 * branch on which everything gets lost is another matter.)
 */
static bool is_mute(const struct wn_paths *p, uint8_t ttl)
{
	const struct hop *hop = wn_paths_hop(p, ttl);
	uint16_t target = target_at(p, ttl);
	uint16_t i = ttl > p->params.first_ttl ? wn_paths_hop(p, ttl - 1u)->first : SOURCE;

	if (hop->lost_since < TRIES || hop->star == NO_VERTEX)
		return false;
	for (; i != NO_VERTEX; i = i == SOURCE ? NO_VERTEX : p->vertex[i].next)
		if (!(p->vertex[i].flags & VERTEX_SILENT) && wn_paths_link(p, i, target) &&
			wn_paths_link(p, i, hop->star))
			return true;
	return false;
}

static void settle(struct wn_paths *p)
{
	bool partial = p->short_of_flows || p->ask_err != WN_OK || p->full;
	enum wn_stop why = WN_STOP_REACHED;
	uint8_t ttl = first_with(p, VERTEX_TARGET);

	if (ttl > 0 && is_mute(p, ttl)) {
		wn_trace_note(p->trace, WN_NOTE_TARGET_MUTE, wn_paths_hop(p, ttl)->answered, "");
		partial = true;
	}
	if (p->short_of_flows)
		wn_trace_note(p->trace, WN_NOTE_MORE_FLOWS, p->flows, "");
	if (p->ask_err != WN_OK || p->full)
		wn_trace_note(p->trace, WN_NOTE_TOO_LARGE, p->probe_cap, "");
	if (ttl == 0) {
		ttl = first_with(p, VERTEX_REFUSED);
		why = WN_STOP_UNREACHABLE;
	}
	if (ttl == 0) {
		ttl = first_with(p, VERTEX_LOOP);
		why = WN_STOP_LOOP;
	}
	if (ttl == 0) {
		ttl = last_asked(p);
		why = ttl == p->params.max_ttl ? WN_STOP_MAX_TTL : WN_STOP_GAP;
	}
	if (p->sent == 0 || p->refused >= REFUSED_MAX) {
		why = WN_STOP_ERROR;
		partial = true;
	}
	wn_trace_settle(p->trace, why, ttl, partial);
	p->settled = true;
}

/*
 * A round of planning looks at every flow at every TTL. Where they are many it is not worth a
 * single answer: while probes are out, it waits until that takes but a part of the time.
 */
static uint64_t plan_again_ns(const struct wn_paths *p)
{
	if (p->used <= MANY_FLOWS || p->under_way == 0)
		return 0;
	return p->planned_ns + (uint64_t)p->used * p->hops * CELL_NS;
}

enum wn_act_kind wn_paths_next(struct wn_paths *p, uint64_t now_ns, struct wn_act *out)
{
	for (;;) {
		enum wn_act_kind kind = wn_trace_next(p->trace, now_ns, out);

		if (now_ns > p->now_ns)
			p->now_ns = now_ns;
		if (kind == WN_ACT_EMIT)
			learn(p, &out->event);
		if (kind != WN_ACT_WAIT || p->settled)
			return kind;
		if (p->refused >= REFUSED_MAX && p->under_way == 0) {
			settle(p);
			continue;
		}
		if (now_ns < plan_again_ns(p)) {
			if (plan_again_ns(p) < out->until_ns)
				out->until_ns = plan_again_ns(p);
			return kind;
		}
		p->planned_ns = now_ns;
		if (p->refused < REFUSED_MAX)
			wn_paths_plan(p);
		else
			p->asked = 0;
		if (p->asked > 0)
			continue;
		if (is_waiting(p)) {
			out->until_ns = p->wake_ns < out->until_ns ? p->wake_ns : out->until_ns;
			return kind;
		}
		settle(p);
	}
}
