/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes that have to wait before they may leave, for the pace or for room in a receive buffer. A
 * trace has one of them at a time: its engine keeps it back and offers it, or what is more useful
 * by then, when its turn has come.
 */
#include "run/run_priv.h"

#include <string.h>

#include "base/alloc.h"

#define OF_TARGET UINT32_MAX /* no interface: the place is one on the way to a target */

wn_err wn_run_set_pace(struct wn_run *run, const struct wn_pace_config *c, struct wn_errctx *ctx)
{
	struct wn_pace *pace;

	if (run->slot_count > 0 || run->nets)
		return wn_fail(ctx, WN_ESTATE, "the pace is chosen before the first trace");
	if (wn_pace_new(c, &pace) != WN_OK)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	wn_pace_free(run->pace);
	run->pace = pace;
	run->paced = c->pps || c->pps_per_destination || c->pps_per_router;
	run->spares_routers = c->pps_per_router > 0;
	return WN_OK;
}

/* Behind the nearest router that is known, or so many hops behind the interface. */
static uint64_t place_of(const struct wn_run_trace *rt, const struct wn_probe *probe)
{
	struct wn_addr none = {.family = probe->dst.family};

	for (unsigned ttl = probe->ttl - 1u; ttl > 0; ttl--) {
		const struct wn_addr *a = wn_trace_responder(rt->engine.trace, (uint8_t)ttl);

		if (a)
			return wn_pace_place(a, 0, probe->ttl - ttl);
	}
	return wn_pace_place(&none, rt->ifindex, probe->ttl);
}

static struct wn_pace_probe describe(
	const struct wn_run_trace *rt, const struct wn_run_net *net, const struct wn_probe *probe)
{
	struct wn_pace_probe about = {.dst = probe->dst, .line = net->line};
	const struct wn_addr *router;

	if (!rt->run->spares_routers)
		return about;
	router = wn_trace_responder(rt->engine.trace, probe->ttl);
	if (router)
		about.router = *router;
	about.places[0] = place_of(rt, probe);
	return about;
}

struct wn_pace_probe wn_run_lone_probe(
	const struct wn_run_net *net, const struct wn_addr *dst, uint8_t ttl, uint32_t ifindex)
{
	struct wn_pace_probe about = {.dst = *dst, .line = net->line};
	struct wn_addr none = {.family = dst->family};

	if (!net->run->spares_routers)
		return about;
	about.places[0] = wn_pace_place(dst, OF_TARGET, ttl);
	about.places[1] = wn_pace_place(&none, ifindex, ttl);
	return about;
}

/* A ping is answered by whom it is sent to. */
static struct wn_pace_probe describe_aside(
	const struct wn_run_net *net, const struct wn_probe *probe)
{
	struct wn_pace_probe about =
		wn_run_lone_probe(net, &probe->dst, probe->ttl, probe->ifindex);

	if (probe->flow == WN_FLOW_PING)
		about.router = probe->dst;
	return about;
}

/* Whether its turn has come for just this toll. */
static bool has_paid(struct wn_run *run, struct wn_run_hold *h, const struct wn_pace_toll *toll)
{
	if (!h || !h->wait.paid)
		return false;
	if (memcmp(&h->wait.toll, toll, sizeof(*toll)) == 0) {
		wn_pace_use(run->pace, &h->wait);
		return true;
	}
	wn_pace_leave(run->pace, &h->wait);
	return false;
}

bool wn_run_turn_pass(struct wn_run_turn *turn, struct wn_run_hold *h)
{
	struct wn_run *run = turn->net->run;
	uint64_t now_ns;

	if (!run->paced && turn->net->line == WN_PACE_NO_GATE)
		return true;
	now_ns = wn_run_now_ns(run);
	turn->at_ns = now_ns;
	wn_pace_toll_of(run->pace, &turn->probe, now_ns, &turn->toll);
	if (!has_paid(run, h, &turn->toll) && !wn_pace_pass(run->pace, &turn->toll, now_ns))
		return false;
	wn_pace_sent(run->pace, turn->id, &turn->toll, &turn->probe);
	if (turn->net->credit)
		wn_run_credit_sent(turn->net, now_ns);
	return true;
}

void wn_run_turn_wait(const struct wn_run_turn *turn, struct wn_run_hold *h)
{
	struct wn_run *run = turn->net->run;

	if (wn_pace_line_is_full(run->pace, turn->toll.gates[WN_PACE_LINE]))
		run->stats.waits_room++;
	else
		run->stats.waits_pace++;
	/* As of when it could not pass: by now it might, and who waits does not. */
	wn_pace_wait(run->pace, &h->wait, &turn->toll, turn->at_ns);
}

void wn_run_turn_answered(struct wn_run_net *net, uint64_t id, const struct wn_addr *from,
	uint64_t sent_ns, uint64_t rtt_ns)
{
	struct wn_run *run = net->run;

	if (run->spares_routers)
		wn_pace_answered(run->pace, id, from, wn_run_now_ns(run));
	if (net->credit)
		wn_run_credit_answered(net, sent_ns, rtt_ns);
}

/* ---- traces ---- */

static void go(struct wn_run_hold *h)
{
	struct wn_run_trace *rt = h->owner;

	wn_run_engine_go(&rt->engine, rt->run->seen_ns);
	wn_run_ready(rt);
}

static void keep_back(struct wn_run_trace *rt, const struct wn_run_turn *turn, uint64_t id)
{
	if (!rt->hold)
		rt->hold = wn_calloc(1, sizeof(*rt->hold));
	if (!rt->hold) { /* it will be offered again */
		wn_run_engine_failed(&rt->engine, id, WN_EAGAIN, 0, rt->run->seen_ns);
		return;
	}
	rt->hold->owner = rt;
	rt->hold->go = go;
	if (!rt->hold->wait.waiting) /* another side probe stands in line: then they are offered
					anew */
		wn_run_turn_wait(turn, rt->hold);
	wn_run_engine_hold(&rt->engine, id);
}

bool wn_run_may_send(struct wn_run_trace *rt, struct wn_run_net *net, const struct wn_probe *probe)
{
	struct wn_run_turn turn = {.net = net, .id = wn_run_net_id(rt, probe->id)};

	if (!rt->run->paced && net->line == WN_PACE_NO_GATE)
		return true;
	turn.probe = rt->engine.end ? describe_aside(net, probe) : describe(rt, net, probe);
	if (wn_run_turn_pass(&turn, rt->hold))
		return true;
	keep_back(rt, &turn, probe->id);
	return false;
}

/* What was paid for a probe that there is no need of any more. */
void wn_run_hold_unused(struct wn_run_trace *rt)
{
	if (rt->hold && rt->hold->wait.paid)
		wn_pace_leave(rt->run->pace, &rt->hold->wait);
}

void wn_run_hold_end(struct wn_run_trace *rt)
{
	if (rt->hold)
		wn_pace_leave(rt->run->pace, &rt->hold->wait);
	wn_free(rt->hold);
	rt->hold = NULL;
}

bool wn_run_hold_grant(struct wn_run *run)
{
	uint64_t now_ns = wn_run_now_ns(run);
	struct wn_pace_wait *w;
	bool any = false;

	for (struct wn_run_net *net = run->nets; net; net = net->next)
		if (net->credit)
			wn_run_credit_expire(net, now_ns);
	while ((w = wn_pace_take(run->pace, now_ns))) {
		struct wn_run_hold *h = (struct wn_run_hold *)w; /* its first member */

		h->go(h);
		any = true;
	}
	return any;
}

uint64_t wn_run_hold_next_ns(const struct wn_run *run)
{
	uint64_t next = wn_pace_next_ns(run->pace);

	for (const struct wn_run_net *net = run->nets; net; net = net->next) {
		uint64_t at = net->credit ? wn_run_credit_next_ns(net) : UINT64_MAX;

		next = at < next ? at : next;
	}
	return next;
}
