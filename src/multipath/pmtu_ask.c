/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question: does a packet of this size get to this TTL? An answer settles it at once. Behind
 * each large probe that was lost go small ones, each after the same pause, until one is answered:
 * where that and the next are, the TTL answers still, and answers again one pause after an answer,
 * as the large one was due to. How many losses are a no is the matter of pmtu_tally.h. Where a
 * limit of replies swallows the small ones the pause grows until it does not; where the path loses
 * packets anyway, only when more of them are lost than that explains.
 */
#include "multipath/pmtu_priv.h"

#include <string.h>

#include "multipath/chance.h"
#include "multipath/pmtu_view.h"

#define SPOILED_PPM 50000 /* unlikely */
#define SPOILED_MAX 12
#define MUTE_PPB    1000000

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
	if (q->sent++ >= ASK_PROBES) {
		decide(p, VERDICT_MUTE);
		return;
	}
	q->id_known = false;
	q->out = wn_pmtu_send(p, q->ttl, q->stage == STAGE_BIG ? q->size : 0);
}

/*
 * Small probes lost, none of them behind a clean loss, that the path's own loss hardly explains: to
 * be answered twice in a row has a chance of q * q.
 */
static uint32_t spoiled_max(const struct wn_pmtu *p)
{
	uint64_t kept_ppm = 1000000 - p->loss_ppm;
	uint64_t spoil_ppm = 1000000 - kept_ppm * kept_ppm / 1000000, chance_ppm = spoil_ppm;
	uint32_t most = 1;

	for (; most < SPOILED_MAX && chance_ppm > SPOILED_PPM; most++)
		chance_ppm = chance_ppm * spoil_ppm / 1000000;
	return most;
}

static void slow_down(struct wn_pmtu *p, struct hop *hop)
{
	if (++hop->spoiled < spoiled_max(p))
		return;
	hop->spoiled = 0;
	if (hop->space_ns == SPACE_LAST_NS) {
		/* No limit is that slow: it is the path. */
		uint32_t loss_ppm = wn_pmtu_tally_loss_ppm(&hop->tally);

		p->loss_ppm = loss_ppm > p->loss_ppm ? loss_ppm : p->loss_ppm;
	}
	hop->space_ns *= 2;
	if (hop->space_ns > SPACE_LAST_NS)
		hop->space_ns = SPACE_LAST_NS;
}

static void control_came(struct wn_pmtu *p)
{
	struct question *q = &p->q;
	struct hop *hop = wn_pmtu_hop(p, q->ttl);
	bool clean = wn_pmtu_tally_small(&hop->tally, true);

	q->controls_lost = 0;
	if (!hop->tally.open)
		q->stage = STAGE_BIG;
	if (!clean)
		return;
	hop->spoiled = 0;
	hop->space_ns -= p->loss_ppm ? hop->space_ns / 2 : hop->space_ns / 8;
	if (hop->space_ns < SPACE_FIRST_NS)
		hop->space_ns = SPACE_FIRST_NS;
	if (wn_pmtu_tally_is_no(&hop->tally))
		decide(p, VERDICT_LOST);
}

/* All of these are chance with less than one in a thousand, by what was seen before them. */
static bool is_mute(const struct question *q, const struct wn_pmtu_tally *t)
{
	uint32_t small = t->small - q->controls_lost, lost = t->small_lost - q->controls_lost;

	if (q->controls_lost < MUTE_MIN)
		return false;
	return q->controls_lost >= MUTE_MAX ||
	       wn_chance_more_lost(q->controls_lost, q->controls_lost, lost, small) <= MUTE_PPB;
}

static void control_lost(struct wn_pmtu *p)
{
	struct question *q = &p->q;
	struct hop *hop = wn_pmtu_hop(p, q->ttl);

	wn_pmtu_tally_small(&hop->tally, false);
	q->controls_lost++;
	slow_down(p, hop);
	if (is_mute(q, &hop->tally))
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
	wn_pmtu_tally_large(&hop->tally, q->size, true);
	q->stage = STAGE_CONTROL;
	if (wn_pmtu_tally_is_no(&hop->tally))
		decide(p, VERDICT_LOST);
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
