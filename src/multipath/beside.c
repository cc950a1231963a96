/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each address that is asked has a guided trace engine of its own, which ties replies to probes and
 * knows when to give up; here is decided when who is asked. A question is one TTL of one address;
 * it is answered, or asked once more, or given up.
 */
#include "multipath/beside_priv.h"

#define BURST_NS (20 * MS) /* so much of the pace may be asked at once */

/* ---- asking ---- */

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t interval_ns(const struct wn_beside *b)
{
	return b->pps > 0 ? 1000 * MS / b->pps : 0;
}

/* When the next may be asked. */
static uint64_t may_ask_ns(const struct wn_beside *b)
{
	return b->tat_ns > BURST_NS ? b->tat_ns - BURST_NS : 0;
}

static bool has_turn(const struct wn_beside *b, uint32_t job)
{
	return !b->jobs[job].alone || b->jobs[job - 1].open == 0;
}

static void is_over(struct wn_beside *b, struct question *q)
{
	q->state = OVER;
	b->jobs[q->job].open--;
	b->open--;
}

static void ask(struct wn_beside *b, struct question *q, uint64_t now_ns)
{
	const struct job *j = &b->jobs[q->job];
	struct wn_ask ask = {
		.flow = j->flow == WN_FLOW_PING ? 0 : b->params.flow,
		.number = q->tries,
		.ttl = q->ttl,
	};

	if (wn_trace_ask(j->trace, &ask) != WN_OK) {
		is_over(b, q);
		return;
	}
	q->tries++;
	q->state = ASKED;
	b->under_way++;
	b->tat_ns = (b->tat_ns > now_ns ? b->tat_ns : now_ns) + interval_ns(b);
}

/* Asks what may be asked now; when it may go on. */
static uint64_t plan(struct wn_beside *b, uint64_t now_ns)
{
	for (uint32_t i = 0; i < b->question_count; i++) {
		struct question *q = &b->questions[i];

		if (q->state != TO_ASK || !has_turn(b, q->job))
			continue;
		if (b->under_way >= b->params.window)
			return NEVER;
		if (may_ask_ns(b) > now_ns)
			return may_ask_ns(b);
		ask(b, q, now_ns);
	}
	return NEVER;
}

/* ---- what became of it ---- */

static uint32_t record_of(const struct job *j, uint64_t inner)
{
	return j->first * TRIES + (uint32_t)(inner % (j->count * TRIES));
}

static uint32_t job_index(const struct wn_beside *b, const struct job *j)
{
	return (uint32_t)(j - b->jobs);
}

static bool is_named(const struct wn_beside *b, const struct job *j, uint64_t inner)
{
	uint32_t i = b->records[record_of(j, inner)];

	return i < b->probe_count && b->probes[i].job == job_index(b, j) &&
	       b->probes[i].inner == inner;
}

/* Our id of a probe. There are as many as may be asked for: a record is used again only by one
 * that was refused, which is not asked for again. */
static uint64_t name(struct wn_beside *b, const struct job *j, uint64_t inner)
{
	uint32_t *i = &b->records[record_of(j, inner)];

	if (!is_named(b, j, inner)) {
		*i = b->probe_count++;
		b->probes[*i] = (struct probe){inner, (uint16_t)job_index(b, j)};
	}
	return b->first_id + *i;
}

static const struct probe *find(const struct wn_beside *b, uint64_t id)
{
	return id >= b->first_id && id - b->first_id < b->probe_count ? &b->probes[id - b->first_id]
								      : NULL;
}

static void learn_left(struct wn_beside *b, const struct job *j, uint64_t id, uint8_t ttl)
{
	b->asked[record_of(j, id)] =
		j->first + (j->flow == WN_FLOW_PING ? 0 : ttl - b->params.first_ttl);
}

static void learn_end(struct wn_beside *b, const struct job *j, uint64_t id, bool again)
{
	struct question *q = &b->questions[b->asked[record_of(j, id)]];

	if (q->state != ASKED)
		return; /* a late answer: it may be asked once more already */
	b->under_way--;
	if (again && q->tries < TRIES)
		q->state = TO_ASK;
	else
		is_over(b, q);
}

static void learn_reply(struct wn_beside *b, const struct job *j, const struct wn_event *ev)
{
	struct question *q = &b->questions[b->asked[record_of(j, ev->probe_id)]];

	if (ev->u.reply.duplicate || ev->u.reply.reply.kind == WN_REPLY_REDIRECT)
		return;
	if (q->state == TO_ASK)
		is_over(b, q);
	else if (!ev->u.reply.late)
		learn_end(b, j, ev->probe_id, false);
}

static void name_probe(struct wn_beside *b, const struct job *j, struct wn_probe *p)
{
	p->id = name(b, j, p->id);
	p->flow = j->flow;
}

/* The event as the record has it; false: it is none of the record's. */
static bool take_event(struct wn_beside *b, const struct job *j, struct wn_event *ev)
{
	switch (ev->kind) {
	case WN_EV_SENT:
		learn_left(b, j, ev->probe_id, ev->u.sent.probe.ttl);
		name_probe(b, j, &ev->u.sent.probe);
		break;
	case WN_EV_FAILED:
		learn_left(b, j, ev->probe_id, ev->u.failed.probe.ttl);
		learn_end(b, j, ev->probe_id, false);
		name_probe(b, j, &ev->u.failed.probe);
		break;
	case WN_EV_TIMEOUT:
		learn_end(b, j, ev->probe_id, true);
		break;
	case WN_EV_REPLY:
		learn_reply(b, j, ev);
		break;
	default:
		return false;
	}
	ev->probe_id = name(b, j, ev->probe_id);
	ev->at_ns += b->offset_ns;
	return true;
}

static void add_counters(struct wn_counters *to, const struct wn_counters *c)
{
#define X(field, text) to->field += c->field;
	WN_COUNTER_LIST(X)
#undef X
}

/* ---- the way of a step ---- */

/* What the job has to say now: SEND, EMIT, or WAIT with *wake_ns lowered. */
static enum wn_act_kind step(
	struct wn_beside *b, struct job *j, uint64_t now_ns, struct wn_act *out, uint64_t *wake_ns)
{
	for (;;) {
		enum wn_act_kind kind = wn_trace_next(j->trace, now_ns, out);

		if (kind == WN_ACT_SEND)
			name_probe(b, j, &out->probe);
		if (kind == WN_ACT_EMIT && out->event.kind == WN_EV_END)
			add_counters(&b->counters, &out->event.u.end.counters);
		if (kind == WN_ACT_EMIT && !take_event(b, j, &out->event))
			continue;
		if (kind == WN_ACT_WAIT && out->until_ns < *wake_ns)
			*wake_ns = out->until_ns;
		j->drained = kind == WN_ACT_DONE;
		return kind == WN_ACT_DONE ? WN_ACT_WAIT : kind;
	}
}

/* The first job that has something, going on where the last one was. */
static enum wn_act_kind step_all(
	struct wn_beside *b, uint64_t now_ns, struct wn_act *out, uint64_t *wake_ns)
{
	for (uint32_t i = 0; i < b->job_count; i++) {
		enum wn_act_kind kind = step(b, &b->jobs[b->next_job], now_ns, out, wake_ns);

		if (kind != WN_ACT_WAIT)
			return kind;
		b->next_job = (b->next_job + 1) % b->job_count;
	}
	b->next_job = 0;
	return WN_ACT_WAIT;
}

static void end(struct wn_beside *b)
{
	b->ending = true;
	b->partial = b->open > 0;
	for (uint32_t i = 0; i < b->job_count; i++)
		wn_trace_settle(b->jobs[i].trace, WN_STOP_GAP, 0, false);
}

static bool is_drained(const struct wn_beside *b)
{
	for (uint32_t i = 0; i < b->job_count; i++)
		if (!b->jobs[i].drained)
			return false;
	return true;
}

enum wn_act_kind wn_beside_next(struct wn_beside *b, uint64_t now_ns, struct wn_act *out)
{
	for (;;) {
		uint64_t wake_ns = b->deadline_ns;
		enum wn_act_kind kind;

		if (!b->ending && (b->open == 0 || now_ns >= b->deadline_ns))
			end(b);
		if (!b->ending)
			wake_ns = min_ns(wake_ns, plan(b, now_ns));
		kind = step_all(b, now_ns, out, &wake_ns);
		if (kind != WN_ACT_WAIT)
			return kind;
		if (b->ending && is_drained(b))
			return WN_ACT_DONE;
		if (!b->ending && b->open == 0)
			continue;
		out->until_ns = wake_ns;
		return kind;
	}
}

/* ---- from the network ---- */

bool wn_beside_sent(struct wn_beside *b, uint64_t id, uint64_t tx_ns, enum wn_clock clock)
{
	const struct probe *p = find(b, id);

	if (p)
		wn_trace_sent(b->jobs[p->job].trace, p->inner, tx_ns, clock);
	return p != NULL;
}

bool wn_beside_failed(struct wn_beside *b, uint64_t id, wn_err err, int sys, uint64_t now_ns)
{
	const struct probe *p = find(b, id);

	if (p)
		wn_trace_failed(b->jobs[p->job].trace, p->inner, err, sys, now_ns);
	return p != NULL;
}

void wn_beside_hold(struct wn_beside *b, uint64_t id)
{
	const struct probe *p = find(b, id);

	if (p)
		wn_trace_hold(b->jobs[p->job].trace, p->inner);
}

void wn_beside_go(struct wn_beside *b, uint64_t now_ns)
{
	for (uint32_t i = 0; i < b->job_count; i++)
		wn_trace_go(b->jobs[i].trace, now_ns);
}

/* The socket that it came by names the probe. */
static enum wn_claim hinted(struct wn_beside *b, const struct wn_reply *reply, uint64_t rx_ns,
	enum wn_clock clock, uint64_t now_ns)
{
	const struct probe *p = find(b, reply->hint_id);
	struct wn_reply r = *reply;

	if (!p)
		return WN_CLAIM_NO;
	r.hint_id = p->inner;
	return wn_trace_reply(b->jobs[p->job].trace, &r, rx_ns, clock, now_ns);
}

/*
 * Each engine takes a reply that quotes no probe it knows for a forged one of its own: so those
 * alone are asked that sent to where it tells of.
 */
enum wn_claim wn_beside_reply(struct wn_beside *b, const struct wn_reply *reply, uint64_t rx_ns,
	enum wn_clock clock, uint64_t now_ns)
{
	const struct wn_addr *to =
		wn_reply_is_direct(reply->kind) ? &reply->from : &reply->quote.dst;

	if (reply->hint_id != WN_HINT_NONE)
		return hinted(b, reply, rx_ns, clock, now_ns);
	for (uint32_t i = 0; i < b->job_count; i++) {
		enum wn_claim claim = WN_CLAIM_NO;

		if (wn_addr_eq(&b->jobs[i].dst, to))
			claim = wn_trace_reply(b->jobs[i].trace, reply, rx_ns, clock, now_ns);
		if (claim != WN_CLAIM_NO)
			return claim;
	}
	return WN_CLAIM_NO;
}

void wn_beside_stop(struct wn_beside *b)
{
	if (!b->ending)
		end(b);
}

bool wn_beside_is_partial(const struct wn_beside *b)
{
	return b->partial;
}

const struct wn_counters *wn_beside_counters(const struct wn_beside *b)
{
	return &b->counters;
}
