/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trace between its engine and its back ends: what the engine wants to be sent, told or waited
 * for, until it has nothing more to do now.
 */
#include "run/run_priv.h"

#include <assert.h>

void wn_run_trace_emit(struct wn_run_trace *rt, const struct wn_event *ev)
{
	/* A full table is counted by the result itself, and shown at the end. */
	if (rt->result)
		(void)wn_result_apply(rt->result, ev);
	rt->announced = true;
	if (rt->on_event)
		rt->on_event(rt->user, rt, ev);
}

bool wn_run_trace_claim(struct wn_run_trace *rt, const struct wn_rx *rx, uint64_t now_ns)
{
	bool claimed = wn_run_engine_reply(&rt->engine, rx, now_ns) != WN_CLAIM_NO;

	if (claimed)
		wn_run_ready(rt);
	return claimed;
}

void wn_run_trace_reply(struct wn_run_trace *rt, const struct wn_rx *rx, uint64_t now_ns)
{
	/* Once side probes are out, what is not theirs may be the trace's, too late. */
	if (!wn_run_trace_claim(rt, rx, now_ns) && !rt->engine.end)
		rt->unclaimed++;
}

static struct wn_run_net *net_for(const struct wn_run_trace *rt, const struct wn_probe *p)
{
	return rt->echo && p->proto == WN_PROTO_ICMP ? rt->echo : rt->net;
}

/* What several traces share counts for none of them. */
static void add_counters(const struct wn_run_net *net, struct wn_counters *c)
{
	if (net->share)
		return;
	c->foreign += net->io->counters.foreign;
	c->corrupt += net->io->counters.corrupt;
	c->truncated += net->io->counters.truncated;
	c->overflow += net->io->counters.overflow;
}

static void take_end(struct wn_run_trace *rt, const struct wn_event *ev)
{
	rt->end.partial = ev->u.end.partial;
	rt->end.counters = ev->u.end.counters;
	rt->end.counters.foreign += rt->unclaimed;
	add_counters(rt->net, &rt->end.counters);
	if (rt->echo)
		add_counters(rt->echo, &rt->end.counters);
	rt->state = WN_RUN_QUIET;
	wn_run_hold_end(rt);
}

/* What an answer gives back, and whom it is charged to. */
static void settle_answer(struct wn_run_trace *rt, const struct wn_event *ev)
{
	uint64_t rtt_ns = ev->u.reply.rtt_ns > 0 ? (uint64_t)ev->u.reply.rtt_ns : 0;
	uint64_t at_ns = rt->start_ns + ev->at_ns;

	if (!ev->u.reply.duplicate)
		wn_run_turn_answered(rt->net, wn_run_net_id(rt, ev->probe_id),
			&ev->u.reply.reply.from, at_ns > rtt_ns ? at_ns - rtt_ns : 0, rtt_ns);
}

static void take_event(struct wn_run_trace *rt, const struct wn_event *ev)
{
	if (ev->kind == WN_EV_END) {
		take_end(rt, ev);
		return;
	}
	if (ev->kind == WN_EV_REPLY)
		settle_answer(rt, ev);
	wn_run_trace_emit(rt, ev);
	wn_run_net_forget(rt->net, rt, ev);
	if (rt->echo)
		wn_run_net_forget(rt->echo, rt, ev);
}

static void finish(struct wn_run_trace *rt)
{
	struct wn_event ev = {.kind = WN_EV_END, .at_ns = wn_run_now_ns(rt->run) - rt->start_ns};

	ev.u.end.partial = rt->end.partial;
	ev.u.end.counters = rt->end.counters;
	rt->state = WN_RUN_DONE;
	rt->run->active--;
	wn_run_share_leave(rt);
	wn_run_trace_emit(rt, &ev);
	if (rt->on_done)
		rt->on_done(rt->user, rt);
}

static void send_probe(
	struct wn_run_trace *rt, struct wn_run_net *net, const struct wn_probe *probe)
{
	if (wn_run_may_send(rt, net, probe))
		wn_run_net_put(net, rt, probe);
}

static void ask_engine(struct wn_run_trace *rt)
{
	const uint64_t seen_ns = rt->run->seen_ns;
	const uint64_t now_ns = seen_ns > rt->start_ns ? seen_ns : rt->start_ns;
	struct wn_act act;

	while (rt->state == WN_RUN_RUNNING) {
		switch (wn_run_engine_next(rt, now_ns, &act)) {
		case WN_ACT_SEND:
			send_probe(rt, net_for(rt, &act.probe), &act.probe);
			break;
		case WN_ACT_EMIT:
			take_event(rt, &act.event);
			break;
		case WN_ACT_WAIT:
			wn_run_wake_at(rt, act.until_ns);
			return;
		case WN_ACT_DONE:
			assert(rt->state != WN_RUN_RUNNING); /* END comes before DONE */
			return;
		}
	}
}

void wn_run_trace_step(struct wn_run_trace *rt)
{
	ask_engine(rt);
	wn_run_hold_unused(rt);
	if (rt->state == WN_RUN_QUIET && rt->holds == 0)
		finish(rt);
}
