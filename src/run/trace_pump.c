/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trace between its engine and its back end. The order within a round is the point of this
 * file: first everything the network already holds, then the engine with the time read after
 * that, so that a process that was stopped never takes an answer for lost that was waiting.
 */
#include "run/run_priv.h"

#include <assert.h>

#include "base/alloc.h"
#include "os/os.h"

void wn_run_trace_emit(struct wn_run_trace *rt, const struct wn_event *ev)
{
	/* A full table is counted by the result itself, and shown at the end. */
	(void)wn_result_apply(rt->result, ev);
	if (rt->config.on_event)
		rt->config.on_event(rt->config.user, rt, ev);
}

static void take_rx(struct wn_run_trace *rt, const struct wn_rx *rx, uint64_t now_ns)
{
	switch (rx->kind) {
	case WN_RX_REPLY:
		/* Once side probes are out, what is not theirs may be the trace's, too late. */
		if (wn_run_engine_reply(&rt->engine, rx, now_ns) == WN_CLAIM_NO && !rt->engine.end)
			rt->unclaimed++;
		break;
	case WN_RX_STAMP:
		wn_run_engine_sent(&rt->engine, rx->id, rx->at_ns, rx->clock);
		break;
	case WN_RX_FAILED:
		wn_run_engine_failed(&rt->engine, rx->id, rx->err, rx->sys, now_ns);
		break;
	case WN_RX_OVER:
		wn_run_engine_stop(&rt->engine, WN_STOP_ERROR, rx->err, rx->sys);
		break;
	case WN_RX_CLOSED:
		break; /* silence; the engine's own timeout decides when it has waited enough */
	}
}

static void drain(struct wn_run_trace *rt, struct wn_io *io)
{
	struct wn_run *run = rt->run;
	unsigned rounds = 64; /* a flood must not keep us from sending and from timers */
	size_t n;

	do {
		uint64_t now_ns = wn_run_now_ns(run);

		n = io->ops->recv_batch(io, run->rx, WN_RUN_BATCH, now_ns);
		for (size_t i = 0; i < n; i++)
			take_rx(rt, &run->rx[i], now_ns);
	} while (n == WN_RUN_BATCH && --rounds > 0);
}

static struct wn_io *io_for(const struct wn_run_trace *rt, const struct wn_probe *p)
{
	return rt->echo_io && p->proto == WN_PROTO_ICMP ? rt->echo_io : rt->io;
}

/* From `from` on those that go through the same back end. */
static size_t run_of_one(const struct wn_run_trace *rt, size_t from)
{
	size_t n = from;

	while (n < rt->tx_count && io_for(rt, &rt->tx[n].probe) == io_for(rt, &rt->tx[from].probe))
		n++;
	return n - from;
}

static void flush(struct wn_run_trace *rt)
{
	size_t done = 0;

	while (done < rt->tx_count) {
		uint64_t now_ns = wn_run_now_ns(rt->run);
		struct wn_io *io = io_for(rt, &rt->tx[done].probe);
		size_t n = io->ops->send_batch(io, rt->tx + done, run_of_one(rt, done), now_ns);

		for (size_t i = done; i < done + n; i++) {
			const struct wn_tx *tx = &rt->tx[i];

			if (tx->err == WN_OK)
				wn_run_engine_sent(&rt->engine, tx->probe.id, tx->tx_ns, tx->clock);
			else
				wn_run_engine_failed(
					&rt->engine, tx->probe.id, tx->err, tx->sys, now_ns);
		}
		done += n;
		if (n > 0)
			continue;
		/* Nothing more can go now: the engine will offer the rest again. */
		for (; done < rt->tx_count; done++)
			wn_run_engine_failed(
				&rt->engine, rt->tx[done].probe.id, WN_EAGAIN, 0, now_ns);
	}
	rt->tx_count = 0;
}

static void add_counters(const struct wn_io *io, struct wn_counters *c)
{
	c->foreign += io->counters.foreign;
	c->corrupt += io->counters.corrupt;
	c->truncated += io->counters.truncated;
	c->overflow += io->counters.overflow;
}

/*
 * An answer frees the probe's slot. A timeout does not, for a late reply may still come, unless the
 * back end has one slot per flow and the next probe needs it.
 */
static void forget(struct wn_io *io, const struct wn_event *ev)
{
	if (io && io->ops->forget &&
		(ev->kind == WN_EV_REPLY || (ev->kind == WN_EV_TIMEOUT && io->caps.per_flow == 1)))
		io->ops->forget(io, ev->probe_id);
}

static void take_event(struct wn_run_trace *rt, const struct wn_event *ev)
{
	if (ev->kind == WN_EV_END) {
		rt->end = *ev;
		rt->end.u.end.counters.foreign += rt->unclaimed;
		add_counters(rt->io, &rt->end.u.end.counters);
		if (rt->echo_io)
			add_counters(rt->echo_io, &rt->end.u.end.counters);
		rt->state = WN_RUN_QUIET;
		return;
	}
	wn_run_trace_emit(rt, ev);
	forget(rt->io, ev);
	forget(rt->echo_io, ev);
}

void wn_run_trace_pump(struct wn_run_trace *rt)
{
	struct wn_act act;

	drain(rt, rt->io);
	if (rt->echo_io)
		drain(rt, rt->echo_io);
	while (rt->state == WN_RUN_RUNNING) {
		switch (wn_run_engine_next(rt, wn_run_now_ns(rt->run), &act)) {
		case WN_ACT_SEND:
			rt->tx[rt->tx_count].probe = act.probe;
			if (++rt->tx_count == WN_RUN_BATCH)
				flush(rt);
			break;
		case WN_ACT_EMIT:
			take_event(rt, &act.event);
			break;
		case WN_ACT_WAIT:
			if (rt->tx_count == 0) {
				rt->wake_ns = act.until_ns;
				return;
			}
			flush(rt);
			break;
		case WN_ACT_DONE:
			assert(rt->state != WN_RUN_RUNNING); /* END comes before DONE */
			return;
		}
	}
}

void wn_run_trace_finish(struct wn_run_trace *rt)
{
	if (rt->holds > 0)
		return;
	rt->end.at_ns = wn_run_now_ns(rt->run) - rt->start_ns;
	rt->state = WN_RUN_DONE;
	wn_run_trace_emit(rt, &rt->end);
	if (rt->config.on_done)
		rt->config.on_done(rt->config.user, rt);
}

static uint64_t next_of(const struct wn_io *io)
{
	return io && io->ops->next_ns ? io->ops->next_ns(io) : UINT64_MAX;
}

uint64_t wn_run_trace_next_ns(const struct wn_run_trace *rt)
{
	uint64_t io_ns, echo_ns;

	if (rt->state == WN_RUN_QUIET)
		return rt->holds > 0 ? UINT64_MAX : 0;
	if (rt->state != WN_RUN_RUNNING)
		return UINT64_MAX;
	io_ns = next_of(rt->io);
	echo_ns = next_of(rt->echo_io);
	io_ns = echo_ns < io_ns ? echo_ns : io_ns;
	return io_ns < rt->wake_ns ? io_ns : rt->wake_ns;
}
