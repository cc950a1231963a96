/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question: does a packet of this size get to this TTL? An answer settles it at once. Silence
 * has three reasons, and only one of them is the size. So behind each large probe that was lost go
 * two small ones, each after the same pause: the first shows that the TTL answers still, the second
 * that one pause after an answer it answers again, as the large one was due to. Only then the loss
 * counts, and only WN_PMTU_LOSSES of them, more where small ones get lost now and then, are a no.
 * Where a limit of replies swallows the small ones the pause grows until it does not.
 */
#include "multipath/pmtu_priv.h"

#include <string.h>

#include "multipath/pmtu_view.h"

/* So many losses that all of them are chance with less than one in ten thousand. */
static uint32_t losses_wanted(const struct wn_pmtu *p)
{
	uint64_t share_ppm = p->small ? (uint64_t)p->small_lost * 1000000 / p->small : 0;
	uint64_t chance_ppm = 1000000;
	uint32_t losses = 0;

	for (; losses < LOSSES_MAX && (losses < LOSSES || chance_ppm > 100); losses++)
		chance_ppm = chance_ppm * share_ppm / 1000000;
	return losses;
}

void wn_pmtu_ask(struct wn_pmtu *p, unsigned ttl, uint16_t size)
{
	p->q = (struct question){.ttl = (uint8_t)ttl, .size = size, .open = true};
}

static void decide(struct wn_pmtu *p, enum verdict verdict)
{
	p->q.verdict = verdict;
	p->q.open = p->q.out = false;
}

void wn_pmtu_ask_plan(struct wn_pmtu *p)
{
	struct question *q = &p->q;
	struct hop *hop;
	uint64_t at_ns;

	if (!q->open || q->out)
		return;
	hop = wn_pmtu_hop(p, q->ttl);
	at_ns = hop->space_ns ? hop->last_ns + hop->space_ns : 0;
	if (p->now_ns < at_ns) {
		p->wake_ns = at_ns;
		return;
	}
	q->id_known = false;
	q->out = wn_pmtu_send(p, q->ttl, q->stage == STAGE_BIG ? q->size : 0);
}

static void slow_down(struct hop *hop)
{
	hop->space_ns *= 2;
	if (hop->space_ns > SPACE_LAST_NS)
		hop->space_ns = SPACE_LAST_NS;
}

static void control_came(struct wn_pmtu *p)
{
	struct question *q = &p->q;
	struct hop *hop = wn_pmtu_hop(p, q->ttl);

	p->small++;
	q->controls_lost = 0;
	if (q->stage == STAGE_CONTROL) {
		q->stage = STAGE_CONTROL_AGAIN;
		return;
	}
	q->stage = STAGE_BIG;
	if (!q->clean)
		return;
	hop->space_ns -= hop->space_ns / 8;
	if (++q->losses >= losses_wanted(p))
		decide(p, VERDICT_LOST);
}

static void control_lost(struct wn_pmtu *p)
{
	struct question *q = &p->q;

	p->small++;
	p->small_lost++;
	q->clean = false;
	q->stage = STAGE_CONTROL;
	slow_down(wn_pmtu_hop(p, q->ttl));
	if (++q->controls_lost >= CONTROLS_MAX)
		decide(p, VERDICT_MUTE);
}

static bool is_current(const struct question *q, uint64_t id)
{
	return q->open && q->out && q->id_known && q->id == id;
}

void wn_pmtu_ask_lost(struct wn_pmtu *p, const struct who *who, uint64_t id)
{
	struct question *q = &p->q;
	struct hop *hop = wn_pmtu_hop(p, who->ttl);

	if (!is_current(q, id))
		return;
	q->out = false;
	if (q->stage != STAGE_BIG) {
		control_lost(p);
		return;
	}
	if (hop->space_ns < SPACE_FIRST_NS)
		hop->space_ns = SPACE_FIRST_NS;
	q->clean = true;
	q->stage = STAGE_CONTROL;
}

void wn_pmtu_ask_failed(struct wn_pmtu *p, const struct who *who, const struct wn_event *failed)
{
	struct question *q = &p->q;

	if (!is_current(q, failed->probe_id))
		return;
	if (q->stage == STAGE_BIG && failed->u.failed.err == WN_EMSGSIZE) {
		memset(&q->from, 0, sizeof(q->from));
		q->mtu = 0;
		decide(p, VERDICT_BIG);
		return;
	}
	wn_pmtu_ask_lost(p, who, failed->probe_id);
}

void wn_pmtu_ask_reply(struct wn_pmtu *p, const struct who *who, const struct wn_event *reply)
{
	struct question *q = &p->q;
	bool arrived = wn_pmtu_is_arrival(p, who->ttl, reply);

	/* Of a large one even a late answer counts. */
	if (q->open && who->ttl == q->ttl && who->size == q->size) {
		if (arrived) {
			decide(p, VERDICT_PASS);
			return;
		}
		if (reply->u.reply.reply.kind == WN_REPLY_TOO_BIG) {
			q->from = reply->u.reply.reply.from;
			q->mtu = reply->u.reply.reply.mtu;
			decide(p, VERDICT_BIG);
			return;
		}
	}
	if (!is_current(q, reply->probe_id))
		return;
	if (!arrived || q->stage == STAGE_BIG) {
		wn_pmtu_ask_lost(p, who, reply->probe_id);
		return;
	}
	q->out = false;
	control_came(p);
}
