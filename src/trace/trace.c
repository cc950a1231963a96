/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's memory and the order in which next() does things. What happened is told before
 * anything new is decided, timeouts come before the question whether all is decided, and that
 * before new probes; so the events of a run are START, ..., STOP, END whatever is fed when.
 */
#include "trace/trace_priv.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "packet/wire.h"

#define QUEUE_MIN 1536 /* bytes: one event with everything in it fits */
#define QUEUE_MAX 65536
#define REC_MAX	  (NO_REC - 1u)

static void set_default_u32(uint32_t *value, uint32_t dflt)
{
	if (*value == 0)
		*value = dflt;
}

static uint32_t last_flow(const struct wn_params *p)
{
	return p->flow + (p->flows ? p->flows - 1 : 0);
}

static wn_err check(struct wn_params *p, struct wn_errctx *ctx)
{
	struct wn_probe probe = {.src = p->src,
		.dst = p->dst,
		.proto = p->proto,
		.ttl = 1,
		.size = p->size,
		.tcp_options = p->tcp_options};
	wn_err err;

	if (p->flow_mode == WN_FLOW_DUBLIN && p->dst.family == 6)
		probe.size = (uint16_t)(probe.size + p->max_ttl); /* the longest */
	err = wn_probe_check(&probe, ctx);
	if (err != WN_OK)
		return err;
	if (p->first_ttl == 0 || p->first_ttl > p->max_ttl)
		return wn_fail(ctx, WN_ERANGE, "first TTL %u is not within 1 to %u",
			(unsigned)p->first_ttl, (unsigned)p->max_ttl);
	if (p->probes == 0)
		return wn_fail(ctx, WN_ERANGE, "a trace needs at least one probe per hop");
	if (p->flow > UINT16_MAX || p->flows > UINT16_MAX ||
		(p->proto != WN_PROTO_ICMP && p->sport + last_flow(p) > UINT16_MAX))
		return wn_fail(ctx, WN_ERANGE, "flow %u from source port %u: beyond port 65535",
			(unsigned)last_flow(p), (unsigned)p->sport);
	set_default_u32(&p->window, 32);
	set_default_u32(&p->gap, UINT8_MAX);
	set_default_u32(&p->wait_here_milli, 3000);
	set_default_u32(&p->wait_near_milli, 3000);
	if (p->gap > UINT8_MAX)
		p->gap = UINT8_MAX;
	if (p->wait_max_ns == 0)
		p->wait_max_ns = 1000 * MS;
	if (p->wait_min_ns == 0)
		p->wait_min_ns = 200 * MS;
	return WN_OK;
}

struct layout {
	size_t recs, more, hops, out, held, tag_heads, cookie_heads, queue, bytes;
	uint16_t rec_cap, out_cap, index_size;
	uint32_t queue_cap;
};

static void take_params(struct wn_trace *t, const struct wn_params *p)
{
#define X(type, field) t->params.field = p->field;
	PARAM_LIST(X)
#undef X
#define X(type, field) t->params.caps.field = p->caps.field;
	CAP_LIST(X)
#undef X
}

static wn_err plan(
	const struct wn_trace *t, uint32_t guided, struct layout *l, struct wn_errctx *ctx)
{
	const struct params *p = &t->params;
	uint64_t hops = p->max_ttl - p->first_ttl + 1u, recs = hops * p->probes;

	if (wn_trace_is_anonymous(t))
		recs += hops;
	if (guided > 0)
		recs = guided;
	if (recs > REC_MAX)
		return wn_fail(ctx, WN_ERANGE, "%u probes at %u hops: more than %u in one trace",
			(unsigned)(guided ? guided : p->probes), (unsigned)hops, (unsigned)REC_MAX);
	l->rec_cap = (uint16_t)recs;
	l->out_cap = (uint16_t)(p->window < recs ? p->window : recs);
	for (l->index_size = 16; l->index_size * 2u <= recs && l->index_size < 0x8000;)
		l->index_size = (uint16_t)(l->index_size * 2);
	l->queue_cap = l->out_cap * (uint32_t)REPLY_EVENT_BYTES;
	if (l->queue_cap < QUEUE_MIN)
		l->queue_cap = QUEUE_MIN;
	if (l->queue_cap > QUEUE_MAX)
		l->queue_cap = QUEUE_MAX;
	l->recs = sizeof(struct wn_trace);
	l->more = l->recs + recs * sizeof(struct rec);
	l->hops = l->more + (guided > 0 ? (recs + recs % 2) * sizeof(struct more) : 0);
	l->out = l->hops + hops * sizeof(struct hop);
	l->held = l->out + l->out_cap * sizeof(struct out);
	l->tag_heads = l->held + l->out_cap * sizeof(uint32_t);
	l->cookie_heads = l->tag_heads + l->index_size * sizeof(uint16_t);
	l->queue = l->cookie_heads + l->index_size * sizeof(uint16_t);
	l->bytes = l->queue + l->queue_cap;
	return WN_OK;
}

static void take_memory(struct wn_trace *t, const struct layout *l)
{
	uint8_t *base = (uint8_t *)t;

	_Static_assert(_Alignof(struct wn_trace) >= _Alignof(struct rec) &&
			       _Alignof(struct rec) >= _Alignof(struct hop) &&
			       2 * sizeof(struct more) % _Alignof(struct hop) == 0 &&
			       _Alignof(struct hop) >= _Alignof(struct out),
		"the tables stand one behind the other in one block");
	t->bytes = l->bytes;
	t->recs = (struct rec *)(void *)(base + l->recs);
	t->more = l->more < l->hops ? (struct more *)(void *)(base + l->more) : NULL;
	t->hops = (struct hop *)(void *)(base + l->hops);
	t->out = (struct out *)(void *)(base + l->out);
	t->held_after_ns = (uint32_t *)(void *)(base + l->held);
	t->tag_heads = (uint16_t *)(void *)(base + l->tag_heads);
	t->cookie_heads = (uint16_t *)(void *)(base + l->cookie_heads);
	t->queue = base + l->queue;
	t->rec_cap = l->rec_cap;
	t->out_cap = l->out_cap;
	t->index_mask = (uint16_t)(l->index_size - 1);
	t->queue_cap = l->queue_cap;
}

static wn_err create(const struct wn_params *params, uint32_t guided, const struct wn_trace *init,
	struct wn_trace **out, struct wn_errctx *ctx)
{
	struct wn_event start = {.kind = WN_EV_START, .u.start = *params};
	struct wn_trace first = *init, *t;
	struct layout l = {0};
	wn_err err = check(&start.u.start, ctx);
	bool pushed;

	if (err != WN_OK)
		return err;
	take_params(&first, &start.u.start);
	if ((err = plan(&first, guided, &l, ctx)) != WN_OK)
		return err;
	t = wn_calloc(1, l.bytes);
	if (!t)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	*t = first;
	take_memory(t, &l);
	wn_trace_rec_init(t);
	wn_trace_find_end(t);
	pushed = wn_trace_queue_push(t, &start, NO_REC, 0);
	assert(pushed); /* QUEUE_MIN */
	(void)pushed;
	*out = t;
	return WN_OK;
}

static struct wn_trace begin(const struct wn_sipkey *key, uint64_t now_ns)
{
	return (struct wn_trace){
		.key = *key,
		.start_ns = now_ns,
		.now_ns = now_ns,
		.asked_ns = NEVER,
		.dirty = true,
		.dropped_from = NO_TTL,
	};
}

wn_err wn_trace_new(const struct wn_params *params, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_trace **out, struct wn_errctx *ctx)
{
	struct wn_trace init = begin(key, now_ns);

	return create(params, 0, &init, out, ctx);
}

wn_err wn_trace_new_guided(const struct wn_params *params, uint32_t probes,
	const struct wn_sipkey *key, uint64_t now_ns, struct wn_trace **out, struct wn_errctx *ctx)
{
	struct wn_trace init = begin(key, now_ns);

	assert(probes > 0 && wn_flow_is_fixed(params->flow_mode));
	return create(params, probes, &init, out, ctx);
}

void wn_trace_free(struct wn_trace *t)
{
	wn_free(t);
}

size_t wn_trace_bytes(const struct wn_trace *t)
{
	return t->bytes;
}

const struct wn_addr *wn_trace_responder(const struct wn_trace *t, uint8_t ttl)
{
	const struct hop *hop;

	if (ttl < t->params.first_ttl || ttl > t->params.max_ttl)
		return NULL;
	hop = wn_trace_hop(t, ttl);
	return hop->addr.family && !(hop->flags & HOP_F_MIXED) ? &hop->addr : NULL;
}

void wn_trace_stop(struct wn_trace *t, enum wn_stop why, wn_err err, int sys)
{
	if (t->forced != WN_STOP_NONE || t->phase > PHASE_RUN)
		return;
	t->forced = why;
	t->forced_err = err;
	t->forced_sys = sys;
}

void wn_trace_note(struct wn_trace *t, enum wn_note_kind kind, int64_t value, const char *text)
{
	struct wn_event ev;

	memset(&ev, 0, sizeof(ev));
	ev.kind = WN_EV_NOTE;
	ev.at_ns = wn_trace_since(t, t->now_ns);
	ev.u.note.kind = kind;
	ev.u.note.value = value;
	for (size_t i = 0; text && text[i] && i + 1 < sizeof(ev.u.note.text); i++)
		ev.u.note.text[i] = text[i];
	if (t->phase == PHASE_ENDED ||
		!wn_trace_queue_push(t, &ev, NO_REC, wn_trace_queue_reserve(t)))
		t->counters.overflow++;
}

void wn_trace_count(struct wn_trace *t, const struct wn_counters *add)
{
#define X(field, text) t->counters.field += add->field;
	WN_COUNTER_LIST(X)
#undef X
}

/* SENT or FAILED of the record that waits longest for it. */
static void said_event(struct wn_trace *t, struct wn_event *ev)
{
	uint16_t index = t->say_head;
	struct rec *rec = &t->recs[index];

	memset(ev, 0, sizeof(*ev));
	t->say_head = rec->say_next;
	ev->probe_id = wn_trace_rec_id(t, index);
	ev->at_ns = wn_trace_since(t, rec->sent_ns);
	if (rec->state != REC_FAILED) {
		ev->kind = WN_EV_SENT;
		wn_trace_rec_tell(t, index, &ev->u.sent.probe);
		ev->u.sent.number = rec->number;
		ev->u.sent.clock = (enum wn_clock)rec->clock;
		return;
	}
	ev->kind = WN_EV_FAILED;
	wn_trace_rec_tell(t, index, &ev->u.failed.probe);
	ev->u.failed.number = rec->number;
	ev->u.failed.err = (wn_err)rec->err;
	ev->u.failed.sys = rec->sys;
	if (rec->flags & REC_F_REPLACE)
		wn_trace_rec_recycle(t, index);
}

static bool told(struct wn_trace *t, struct wn_event *ev)
{
	if (t->phase == PHASE_START) {
		t->phase = PHASE_RUN;
		return wn_trace_queue_pop(t, ev);
	}
	if (t->say_head != NO_REC) {
		said_event(t, ev);
		return true;
	}
	return wn_trace_queue_pop(t, ev);
}

static void timeout_event(
	struct wn_trace *t, uint16_t index, uint64_t since_ns, struct wn_event *ev)
{
	t->recs[index].state = REC_LOST;
	memset(ev, 0, sizeof(*ev));
	ev->kind = WN_EV_TIMEOUT;
	ev->at_ns = wn_trace_since(t, t->now_ns);
	ev->probe_id = wn_trace_rec_id(t, index);
	ev->u.timeout.waited_ns = t->now_ns > since_ns ? t->now_ns - since_ns : 0;
}

/* Let go beyond the end of the path, but the end has moved away since: lost after all. */
static bool lost_after_all(struct wn_trace *t, struct wn_event *ev)
{
	uint16_t lowest = NO_TTL;

	if (t->dropped_from > t->end.ttl)
		return false;
	for (uint16_t i = 0; i < t->rec_count; i++) {
		if (t->recs[i].state != REC_DROPPED)
			continue;
		if (t->recs[i].ttl <= t->end.ttl) {
			timeout_event(
				t, i, t->start_ns + wn_trace_since(t, t->recs[i].sent_ns), ev);
			return true;
		}
		lowest = t->recs[i].ttl < lowest ? t->recs[i].ttl : lowest;
	}
	t->dropped_from = lowest;
	return false;
}

/* A probe beyond the end of the path is let go without a word: it is not lost. */
static bool timed_out(struct wn_trace *t, struct wn_event *ev)
{
	uint16_t index;

	while (wn_trace_expiry(t, &index) <= t->now_ns && index != NO_REC) {
		struct rec *rec = &t->recs[index];
		uint64_t since_ns = wn_trace_out_remove(t, index);

		wn_trace_hop(t, rec->ttl)->ended++;
		if (rec->ttl <= t->end.ttl) {
			timeout_event(t, index, since_ns, ev);
			return true;
		}
		rec->state = REC_DROPPED;
		if (rec->ttl < t->dropped_from)
			t->dropped_from = rec->ttl;
	}
	return lost_after_all(t, ev);
}

static enum wn_act_kind finish(struct wn_trace *t, struct wn_event *ev)
{
	if (t->phase == PHASE_ENDED)
		return WN_ACT_DONE;
	if (t->phase == PHASE_STOPPED) {
		memset(ev, 0, sizeof(*ev));
		ev->kind = WN_EV_END;
		ev->at_ns = wn_trace_since(t, t->now_ns);
		ev->u.end.partial = t->partial;
		ev->u.end.counters = t->counters;
		t->phase = PHASE_ENDED;
		return WN_ACT_EMIT;
	}
	wn_trace_stop_event(t, ev);
	t->phase = PHASE_STOPPED;
	return WN_ACT_EMIT;
}

static uint64_t deadline_ns(const struct wn_trace *t)
{
	uint64_t left = NEVER - t->start_ns;

	return t->params.deadline_ns && t->params.deadline_ns < left
		       ? t->start_ns + t->params.deadline_ns
		       : NEVER;
}

static enum wn_act_kind decide(struct wn_trace *t, struct wn_act *out)
{
	uint64_t wake = deadline_ns(t), expiry;
	uint16_t index;

	if (t->now_ns >= wake)
		wn_trace_stop(t, WN_STOP_DEADLINE, WN_OK, 0);
	if (wn_trace_tie_is_due(t)) {
		wn_trace_tie_resolve(t);
		if (wn_trace_queue_pop(t, &out->event))
			return WN_ACT_EMIT;
	}
	if (t->held.count > 0 && t->held.until_ns < wake)
		wake = t->held.until_ns;
	if (t->phase > PHASE_RUN || t->forced != WN_STOP_NONE)
		return finish(t, &out->event);
	if (timed_out(t, &out->event))
		return WN_ACT_EMIT;
	if (wn_trace_settled(t, &wake))
		return finish(t, &out->event);
	if (wn_trace_queue_pop(t, &out->event)) /* the serial pass began */
		return WN_ACT_EMIT;
	if (wn_trace_pick(t, &index, &wake)) {
		wn_trace_rec_probe(t, index, &out->probe);
		return WN_ACT_SEND;
	}
	expiry = wn_trace_expiry(t, &index);
	out->until_ns = t->asked_ns = expiry < wake ? expiry : wake;
	return WN_ACT_WAIT;
}

enum wn_act_kind wn_trace_next(struct wn_trace *t, uint64_t now_ns, struct wn_act *out)
{
	wn_trace_clock(t, now_ns);
	t->asked_ns = NEVER;
	if (told(t, &out->event))
		return WN_ACT_EMIT;
	return decide(t, out);
}
