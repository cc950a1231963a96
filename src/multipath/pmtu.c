/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, events and the end, as in paths.c. */
#include "multipath/pmtu_priv.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "multipath/pmtu_view.h"

static wn_err check(const struct wn_params *params, struct wn_errctx *ctx)
{
	if (params->proto == WN_PROTO_TCP)
		return wn_fail(ctx, WN_EINVAL, "the path MTU needs probes of UDP or ICMP");
	if (params->flow_mode != WN_FLOW_FIXED)
		return wn_fail(ctx, WN_EINVAL, "the path MTU needs probes that keep their flow");
	if (params->paths != WN_PATHS_OFF)
		return wn_fail(ctx, WN_EINVAL, "the path MTU is that of one path");
	return WN_OK;
}

static uint32_t path_tries(const struct wn_params *params)
{
	return params->probes > PATH_TRIES_MAX ? params->probes : PATH_TRIES_MAX;
}

struct layout {
	size_t hop, who, best, bytes;
};

static void lay_out(const struct wn_pmtu *p, struct layout *l)
{
	l->hop = sizeof(*p);
	l->who = l->hop + p->hops * sizeof(struct hop);
	l->best = l->who + p->probe_cap * sizeof(struct who);
	l->bytes = l->best + 256 * sizeof(uint16_t);
}

wn_err wn_pmtu_new(const struct wn_params *params, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_pmtu **out, struct wn_errctx *ctx)
{
	struct wn_pmtu init = {.params = *params, .now_ns = now_ns, .wake_ns = NEVER}, *p;
	struct wn_trace *trace;
	struct layout l;
	wn_err err = check(params, ctx);

	_Static_assert(_Alignof(struct wn_pmtu) >= _Alignof(struct hop) &&
			       _Alignof(struct hop) >= _Alignof(struct who) &&
			       _Alignof(struct who) >= _Alignof(uint16_t),
		"the tables stand one behind the other in one block");
	if (err != WN_OK)
		return err;
	init.params.flows = 1;
	init.params.df = true;
	init.hops = params->max_ttl - params->first_ttl + 1u;
	init.probe_cap = init.hops * path_tries(params) + SEARCH_PROBES;
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
	p->bytes = l.bytes;
	p->trace = trace;
	p->hop = (struct hop *)(void *)((uint8_t *)p + l.hop);
	p->who = (struct who *)(void *)((uint8_t *)p + l.who);
	p->best = (uint16_t *)(void *)((uint8_t *)p + l.best);
	p->size = wn_pmtu_start(&p->params);
	*out = p;
	return WN_OK;
}

void wn_pmtu_free(struct wn_pmtu *p)
{
	if (!p)
		return;
	wn_trace_free(p->trace);
	wn_free(p);
}

struct wn_trace *wn_pmtu_trace(struct wn_pmtu *p)
{
	return p->trace;
}

size_t wn_pmtu_bytes(const struct wn_pmtu *p)
{
	return p->bytes + wn_trace_bytes(p->trace);
}

uint32_t wn_pmtu_probes_max(const struct wn_pmtu *p)
{
	return p->probe_cap;
}

bool wn_pmtu_send(struct wn_pmtu *p, unsigned ttl, uint16_t size)
{
	struct hop *hop = wn_pmtu_hop(p, ttl);
	struct wn_ask ask = {
		.flow = p->params.flow, .number = hop->number, .size = size, .ttl = (uint8_t)ttl};
	wn_err err = wn_trace_ask(p->trace, &ask);

	if (err != WN_OK) {
		p->ask_err = err;
		return false;
	}
	hop->number++;
	hop->last_ns = p->now_ns;
	p->asked++;
	return true;
}

/* ---- events ---- */

static struct who *who_of(struct wn_pmtu *p, uint64_t id)
{
	return &p->who[id % p->probe_cap];
}

static void learn_probe(struct wn_pmtu *p, uint64_t id, const struct wn_probe *probe)
{
	*who_of(p, id) = (struct who){.size = probe->size, .ttl = probe->ttl};
	if (p->q.open && p->q.out && !p->q.id_known && probe->ttl == p->q.ttl) {
		p->q.id = id;
		p->q.id_known = true;
	}
}

static void learn_reply(struct wn_pmtu *p, const struct wn_event *ev)
{
	const struct who *who = who_of(p, ev->probe_id);

	if (ev->u.reply.duplicate || ev->u.reply.reply.kind == WN_REPLY_REDIRECT)
		return;
	if (wn_pmtu_is_arrival(p, who->ttl, ev) && who->size > p->best[who->ttl])
		p->best[who->ttl] = who->size;
	if (p->step == STEP_PATH)
		wn_pmtu_path_reply(p, who->ttl, ev);
	else
		wn_pmtu_ask_reply(p, who, ev);
}

static void learn(struct wn_pmtu *p, const struct wn_event *ev)
{
	switch (ev->kind) {
	case WN_EV_SENT:
		learn_probe(p, ev->probe_id, &ev->u.sent.probe);
		p->sent++;
		break;
	case WN_EV_FAILED:
		/* It may have been announced as sent before. */
		learn_probe(p, ev->probe_id, &ev->u.failed.probe);
		if (p->step == STEP_PATH)
			wn_pmtu_path_lost(p, ev->u.failed.probe.ttl);
		else
			wn_pmtu_ask_failed(p, who_of(p, ev->probe_id), ev);
		break;
	case WN_EV_REPLY:
		learn_reply(p, ev);
		break;
	case WN_EV_TIMEOUT:
		if (p->step == STEP_PATH)
			wn_pmtu_path_lost(p, who_of(p, ev->probe_id)->ttl);
		else
			wn_pmtu_ask_lost(p, who_of(p, ev->probe_id), ev->probe_id);
		break;
	default:
		break;
	}
}

/* ---- the end ---- */

static uint8_t last_asked(const struct wn_pmtu *p)
{
	for (unsigned ttl = p->params.max_ttl; ttl > p->params.first_ttl; ttl--)
		if (wn_pmtu_hop(p, ttl)->asked)
			return (uint8_t)ttl;
	return p->params.first_ttl;
}

static void settle(struct wn_pmtu *p)
{
	const struct hop *end = p->end ? wn_pmtu_hop(p, p->end) : NULL;
	enum wn_stop why = WN_STOP_GAP;
	uint8_t ttl = last_asked(p);

	if (p->ask_err != WN_OK)
		wn_trace_note(p->trace, WN_NOTE_TOO_LARGE, p->probe_cap, "");
	if (ttl == p->params.max_ttl)
		why = WN_STOP_MAX_TTL;
	if (end && (end->reached || end->refused)) {
		why = end->reached ? WN_STOP_REACHED : WN_STOP_UNREACHABLE;
		ttl = p->end;
	}
	if (p->loop && why != WN_STOP_REACHED && why != WN_STOP_UNREACHABLE) {
		why = WN_STOP_LOOP;
		ttl = p->loop;
	}
	if (p->sent == 0)
		why = WN_STOP_ERROR;
	wn_trace_settle(p->trace, why, ttl, p->partial || p->ask_err != WN_OK);
	p->settled = true;
}

static bool is_waiting(const struct wn_pmtu *p)
{
	for (uint32_t i = 0; p->step == STEP_PATH && i < p->hops; i++)
		if (p->hop[i].out > 0)
			return true;
	return p->q.out || p->wake_ns != NEVER;
}

static void plan(struct wn_pmtu *p)
{
	p->asked = 0;
	p->wake_ns = NEVER;
	if (p->step == STEP_PATH)
		wn_pmtu_path_plan(p);
	if (p->step > STEP_PATH && p->step < STEP_DONE &&
		p->now_ns > p->search_ns + SEARCH_LAST_NS) {
		p->partial = true;
		p->step = STEP_DONE;
	}
	while (p->step > STEP_PATH && p->step < STEP_DONE && p->ask_err == WN_OK) {
		wn_pmtu_ask_plan(p);
		if (p->q.open)
			break;
		if (!wn_pmtu_search_plan(p))
			p->step = STEP_DONE;
	}
}

enum wn_act_kind wn_pmtu_next(struct wn_pmtu *p, uint64_t now_ns, struct wn_act *out)
{
	for (;;) {
		enum wn_act_kind kind = wn_trace_next(p->trace, now_ns, out);

		if (now_ns > p->now_ns)
			p->now_ns = now_ns;
		if (kind == WN_ACT_EMIT)
			learn(p, &out->event);
		if (kind != WN_ACT_WAIT || p->settled)
			return kind;
		plan(p);
		if (p->asked > 0)
			continue;
		if (p->step != STEP_DONE && p->ask_err == WN_OK && is_waiting(p)) {
			out->until_ns = p->wake_ns < out->until_ns ? p->wake_ns : out->until_ns;
			return kind;
		}
		settle(p);
	}
}
