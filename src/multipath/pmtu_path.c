/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path, with small probes: a few TTLs ahead of what is known, as many probes to each as a trace
 * would send, and at least PATH_TRIES where nobody answers.
 */
#include "multipath/pmtu_priv.h"

#define UNSEEN_PPM 1000

static bool is_end(const struct hop *hop)
{
	return hop->reached || hop->refused;
}

bool wn_pmtu_is_arrival(const struct wn_pmtu *p, unsigned ttl, const struct wn_event *reply)
{
	enum wn_reply_kind kind = reply->u.reply.reply.kind;

	if (reply->u.reply.reached || kind == WN_REPLY_TIME_EXCEEDED)
		return true;
	/* Refusals arrive where small ones are refused, too. */
	return kind == WN_REPLY_UNREACHABLE &&
	       (p->step == STEP_PATH || wn_pmtu_hop(p, ttl)->refused);
}

void wn_pmtu_path_reply(struct wn_pmtu *p, unsigned ttl, const struct wn_event *reply)
{
	struct hop *hop = wn_pmtu_hop(p, ttl);

	bool arrived = wn_pmtu_is_arrival(p, ttl, reply);

	hop->out -= hop->out > 0 && !reply->u.reply.late;
	if (!reply->u.reply.late)
		wn_pmtu_tally_small(&hop->tally, arrived);
	if (!arrived)
		return;
	hop->answered++;
	hop->addr = reply->u.reply.reply.from;
	hop->reached = hop->reached || reply->u.reply.reached;
	hop->refused = hop->refused || (reply->u.reply.reply.kind == WN_REPLY_UNREACHABLE &&
					       !reply->u.reply.reached);
}

void wn_pmtu_path_lost(struct wn_pmtu *p, unsigned ttl)
{
	struct hop *hop = wn_pmtu_hop(p, ttl);

	hop->out -= hop->out > 0;
	wn_pmtu_tally_small(&hop->tally, false);
}

/* The share of answers that gets lost at the hop that loses most. */
static uint32_t worst_loss_ppm(const struct wn_pmtu *p)
{
	uint32_t worst = 0;

	for (uint32_t i = 0; i < p->hops; i++) {
		uint32_t loss_ppm = wn_pmtu_tally_loss_ppm(&p->hop[i].tally);

		if (p->hop[i].answered > 0 && loss_ppm > worst)
			worst = loss_ppm;
	}
	return worst;
}

/*
 * As many probes as will hardly get lost all: else somebody who answers goes unseen. He whom only
 * the target stands behind is asked more often, for he may be the target himself.
 */
static uint32_t tries_wanted(const struct wn_pmtu *p, unsigned ttl)
{
	bool last = ttl < p->params.max_ttl && is_end(wn_pmtu_hop(p, ttl + 1));
	uint32_t tries = 0, least = last ? 2 * PATH_TRIES : PATH_TRIES;
	uint64_t loss_ppm = worst_loss_ppm(p), chance_ppm = 1000000;

	for (; tries < PATH_TRIES_MAX && (tries < least || chance_ppm > UNSEEN_PPM); tries++)
		chance_ppm = chance_ppm * loss_ppm / 1000000;
	return tries;
}

/* Sends what this TTL still needs; false when all is known of it. */
static bool look(struct wn_pmtu *p, unsigned ttl)
{
	struct hop *hop = wn_pmtu_hop(p, ttl);
	uint32_t count = hop->asked ? 1 : p->params.probes;

	if (hop->out > 0)
		return true;
	if (hop->asked) {
		if (hop->answered > 0 || hop->tries >= tries_wanted(p, ttl))
			return false;
		if (p->now_ns < hop->last_ns + PATH_RETRY_NS) {
			if (hop->last_ns + PATH_RETRY_NS < p->wake_ns)
				p->wake_ns = hop->last_ns + PATH_RETRY_NS;
			return true;
		}
	}
	hop->asked = true;
	for (; count > 0 && wn_pmtu_send(p, ttl, 0); count--) {
		hop->tries++;
		hop->out++;
	}
	return true;
}

static void finish(struct wn_pmtu *p, unsigned last)
{
	for (unsigned ttl = p->params.first_ttl; ttl <= last; ttl++) {
		if (wn_pmtu_hop(p, ttl)->answered > 0)
			p->end = (uint8_t)ttl;
	}
	p->loss_ppm = worst_loss_ppm(p);
	p->step = p->end ? STEP_END : STEP_DONE;
	p->search_ns = p->now_ns;
}

void wn_pmtu_path_plan(struct wn_pmtu *p)
{
	unsigned known = p->params.first_ttl - 1u, open = 0, last = known;

	p->loop = wn_trace_loop_end(p->trace);

	for (unsigned ttl = p->params.first_ttl; ttl <= p->params.max_ttl; ttl++) {
		if (open >= STEP || ttl > known + p->params.gap)
			break;
		last = ttl;
		open += look(p, ttl);
		if (wn_pmtu_hop(p, ttl)->answered > 0)
			known = ttl;
		if (is_end(wn_pmtu_hop(p, ttl)) || ttl == p->loop)
			break;
	}
	if (open == 0)
		finish(p, last);
}
