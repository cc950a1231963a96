/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back ends and the traces that send through them. Probes of all of a back end's traces leave in
 * common batches; what comes back is handed to the trace it belongs to. Towards the back end a
 * probe's id names its trace as well, so that stamps, failures and hints find their way.
 */
#include "run/run_priv.h"

#include <assert.h>
#include <errno.h>

#include "base/alloc.h"

#define ID_BITS	     32 /* of an engine's own ids; above them the trace's serial */
#define TX_FIRST     4	/* a power of two, like WN_RUN_BATCH */
#define DRAIN_ROUNDS 64 /* a flood must not keep us from sending and from timers */

uint64_t wn_run_net_id(const struct wn_run_trace *rt, uint64_t id)
{
	assert(id < UINT64_C(1) << ID_BITS);
	return (uint64_t)rt->serial << ID_BITS | id;
}

static uint64_t inner_id(uint64_t outer)
{
	return outer & ((UINT64_C(1) << ID_BITS) - 1);
}

/* NULL: of a trace that takes nothing any more. */
static struct wn_run_trace *trace_of(const struct wn_run_net *net, uint64_t outer)
{
	struct wn_run_trace *rt = wn_run_by_serial(net->run, outer >> ID_BITS);

	return rt && rt->state == WN_RUN_RUNNING ? rt : NULL;
}

/* ---- birth and end ---- */

/* Room for more probes at once. False: there is no memory, or enough of them are together. */
static bool grow(struct wn_run_net *net)
{
	size_t cap = net->tx_cap ? net->tx_cap * 2 : TX_FIRST;
	struct wn_tx *tx;

	if (cap > WN_RUN_BATCH)
		return false;
	tx = wn_realloc(net->tx, cap, sizeof(*tx));
	if (!tx)
		return false;
	net->tx = tx;
	net->tx_cap = cap;
	return true;
}

wn_err wn_run_net_new(
	struct wn_run *run, struct wn_io *io, struct wn_run_net **out, struct wn_errctx *ctx)
{
	struct wn_run_net *net = wn_calloc(1, sizeof(*net));
	int fd = io->ops->fd(io);

	if (!net || !grow(net)) {
		io->ops->close(io);
		wn_free(net);
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	}
	if (!run->virtual_time && fd >= 0 && wn_pollset_watch_for(&run->poll, fd, net) != WN_OK) {
		int sys = errno;

		io->ops->close(io);
		wn_free(net->tx);
		wn_free(net);
		return wn_fail_sys(ctx, WN_ESYS, sys, "cannot watch the back end's socket");
	}
	net->run = run;
	net->io = io;
	net->line = WN_PACE_NO_GATE;
	net->next = run->nets;
	run->nets = net;
	*out = net;
	return WN_OK;
}

void wn_run_net_free(struct wn_run_net *net)
{
	struct wn_run *run = net->run;
	struct wn_run_net **link = &run->nets;
	int fd = net->io->ops->fd(net->io);

	while (*link != net)
		link = &(*link)->next;
	*link = net->next;
	if (!run->virtual_time && fd >= 0)
		wn_pollset_unwatch(&run->poll, fd);
	run->stats.dropped += net->io->counters.overflow;
	wn_run_probes_free(net);
	wn_run_credit_free(net);
	net->io->ops->close(net->io);
	wn_run_share_free(net->share);
	wn_free(net->tx);
	wn_free(net);
}

/* What comes late to a back end that others may still use is thrown away at once. */
static bool may_hold(const struct wn_run_net *net)
{
	return net->used && (!net->owner || net->owner->state == WN_RUN_RUNNING);
}

/* ---- from the network ---- */

static void take_reply(struct wn_run_net *net, struct wn_rx *rx, uint64_t now_ns)
{
	struct wn_run_trace *rt = net->owner;

	if (net->share) {
		wn_run_share_reply(net, rx, now_ns);
		return;
	}
	if (rx->reply.hint_id != WN_HINT_NONE) {
		rt = trace_of(net, rx->reply.hint_id);
		rx->reply.hint_id = inner_id(rx->reply.hint_id);
	}
	if (rt && rt->state == WN_RUN_RUNNING)
		wn_run_trace_reply(rt, rx, now_ns);
}

static void take_failure(struct wn_run_net *net, const struct wn_rx *rx, uint64_t now_ns)
{
	struct wn_run_trace *rt = trace_of(net, rx->id);

	if (!rt)
		return;
	wn_run_engine_failed(&rt->engine, inner_id(rx->id), rx->err, rx->sys, now_ns);
	wn_run_ready(rt);
}

static void take_stamp(struct wn_run_net *net, const struct wn_rx *rx)
{
	struct wn_run_trace *rt = trace_of(net, rx->id);

	if (rt)
		wn_run_engine_sent(&rt->engine, inner_id(rx->id), rx->at_ns, rx->clock);
}

static void take_rx(struct wn_run_net *net, struct wn_rx *rx, uint64_t now_ns)
{
	if (net->probes) {
		wn_run_probes_take(net, rx, now_ns);
		return;
	}
	switch (rx->kind) {
	case WN_RX_REPLY:
		take_reply(net, rx, now_ns);
		break;
	case WN_RX_STAMP:
		take_stamp(net, rx);
		break;
	case WN_RX_FAILED:
		take_failure(net, rx, now_ns);
		break;
	case WN_RX_OVER:
		wn_run_engine_stop(&net->owner->engine, WN_STOP_ERROR, rx->err, rx->sys);
		wn_run_ready(net->owner);
		break;
	case WN_RX_CLOSED:
		break; /* silence; the engine's own timeout decides when it has waited enough */
	}
}

void wn_run_net_drain(struct wn_run_net *net)
{
	struct wn_run *run = net->run;
	unsigned rounds = DRAIN_ROUNDS;
	size_t n;

	if (!may_hold(net))
		return;
	do {
		uint64_t now_ns = wn_run_now_ns(run);

		n = net->io->ops->recv_batch(net->io, run->rx, WN_RUN_BATCH, now_ns);
		for (size_t i = 0; i < n; i++)
			take_rx(net, &run->rx[i], now_ns);
	} while (n == WN_RUN_BATCH && --rounds > 0);
}

/* ---- to the network ---- */

static void tell(struct wn_run_net *net, const struct wn_tx *tx, wn_err err, uint64_t now_ns)
{
	struct wn_run_stats *stats = &net->run->stats;
	struct wn_run_trace *rt;
	uint64_t id;

	stats->sent += err == WN_OK;
	stats->eagain += err == WN_EAGAIN;
	stats->enobufs += err == WN_ENOBUFS;
	if (err != WN_OK && net->credit)
		wn_run_credit_back(net, wn_run_now_ns(net->run));
	if (net->probes) {
		wn_run_probes_told(net, tx, err, now_ns);
		return;
	}
	id = inner_id(tx->probe.id);
	rt = trace_of(net, tx->probe.id);
	if (!rt)
		return;
	if (err == WN_OK)
		wn_run_engine_sent(&rt->engine, id, tx->tx_ns, tx->clock);
	else
		wn_run_engine_failed(&rt->engine, id, err, tx->sys, now_ns);
	wn_run_ready(rt);
}

void wn_run_net_flush(struct wn_run_net *net)
{
	size_t done = 0;

	while (done < net->tx_count) {
		uint64_t now_ns = wn_run_now_ns(net->run);
		size_t n = net->io->ops->send_batch(
			net->io, net->tx + done, net->tx_count - done, now_ns);

		for (size_t i = done; i < done + n; i++)
			tell(net, &net->tx[i], net->tx[i].err, net->run->seen_ns);
		done += n;
		if (n > 0)
			continue;
		/* Nothing more can go now: the engines will offer the rest again. */
		for (; done < net->tx_count; done++) {
			net->tx[done].sys = 0;
			tell(net, &net->tx[done], WN_EAGAIN, net->run->seen_ns);
		}
	}
	net->tx_count = 0;
}

struct wn_probe *wn_run_net_room(struct wn_run_net *net)
{
	net->used = true;
	if (net->tx_count == net->tx_cap && !grow(net))
		wn_run_net_flush(net);
	return &net->tx[net->tx_count++].probe;
}

void wn_run_net_put(
	struct wn_run_net *net, const struct wn_run_trace *rt, const struct wn_probe *probe)
{
	struct wn_probe *at = wn_run_net_room(net);

	*at = *probe;
	at->id = wn_run_net_id(rt, probe->id);
}

/*
 * An answer frees the probe's slot. A timeout does not, for a late reply may still come, unless the
 * back end has one slot per flow and the next probe needs it.
 */
void wn_run_net_forget(
	struct wn_run_net *net, const struct wn_run_trace *rt, const struct wn_event *ev)
{
	struct wn_io *io = net->io;

	if (io->ops->forget &&
		(ev->kind == WN_EV_REPLY || (ev->kind == WN_EV_TIMEOUT && io->caps.per_flow == 1)))
		io->ops->forget(io, wn_run_net_id(rt, ev->probe_id));
}

uint64_t wn_run_net_next_ns(const struct wn_run_net *net)
{
	return may_hold(net) && net->io->ops->next_ns ? net->io->ops->next_ns(net->io) : UINT64_MAX;
}
