/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to a trace that can start: route and source address, back end by capability,
 * identity of the flow. Everything that may need privileges happens here and nowhere later.
 */
#include "run/run_priv.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "base/rng.h"
#include "io/sim.h"
#include "os/os.h"

#define NOTE_BYTES    160
#define CLASSIC_PORTS 64 /* source ports that classic mode walks through, see trace.h */

void wn_run_keep_note(
	struct wn_run_trace *rt, const char *before, const char *why, const char *behind)
{
	rt->note = wn_malloc(NOTE_BYTES);
	if (rt->note)
		wn_fmt(rt->note, NOTE_BYTES, "%s%s%s", before, why, behind);
}

static wn_err find_route(struct wn_run_trace *rt, struct wn_errctx *ctx)
{
	struct wn_params *p = &rt->request->params;
	const struct wn_run_way way = {
		.dst = p->dst, .src = p->src, .iface = p->iface, .mark = p->mark};
	struct wn_run_route route;
	wn_err err = wn_run_route_find(rt->run, &way, &route, ctx);

	if (err != WN_OK)
		return err;
	p->src = route.src;
	rt->ifindex = route.ifindex;
	if (p->pmtu)
		p->link_mtu = route.link_mtu;
	return WN_OK;
}

/* What is permitted: raw where it is, but one that many share is raw or not at all. */
static wn_err open_best(struct wn_run *run, const struct wn_io_config *io, struct wn_io **out,
	struct wn_errctx *ctx)
{
	wn_err err = wn_run_is_raw(run, WN_BACKEND_AUTO) ? wn_io_raw_open(io, out, ctx) : WN_EPERM;

	if (err != WN_EPERM)
		return err;
	run->raw = WN_RUN_RAW_UNKNOWN; /* the privilege was given up, or it was another one */
	return io->shared ? err : wn_io_errqueue_open(io, out, ctx);
}

static wn_err open_real(const struct wn_run_where *where, const struct wn_io_config *wanted,
	struct wn_io **out, struct wn_errctx *ctx)
{
	struct wn_io_config io = *wanted;

	io.scratch = &where->run->scratch;
	switch (where->backend) {
	case WN_BACKEND_RAW:
		return wn_io_raw_open(&io, out, ctx);
	case WN_BACKEND_ERRQUEUE:
		return wn_io_errqueue_open(&io, out, ctx);
	case WN_BACKEND_AUTO:
		return open_best(where->run, &io, out, ctx);
	case WN_BACKEND_SIM:
		break;
	}
	return wn_fail(ctx, WN_EINVAL, "no such back end");
}

wn_err wn_run_open(const struct wn_run_where *where, const struct wn_io_config *io,
	struct wn_run_net **out, struct wn_errctx *ctx)
{
	struct wn_io *opened;
	wn_err err;

	if (where->backend == WN_BACKEND_SIM)
		err = wn_io_sim_open(io, where->sim, &opened, ctx);
	else
		err = open_real(where, io, &opened, ctx);
	return err == WN_OK ? wn_run_net_new(where->run, opened, out, ctx) : err;
}

wn_err wn_run_open_own(struct wn_run_trace *rt, const struct wn_io_config *io,
	struct wn_run_net **out, struct wn_errctx *ctx)
{
	struct wn_run_where where = {rt->run, rt->request->backend, rt->request->sim};
	wn_err err = wn_run_open(&where, io, out, ctx);

	if (err == WN_OK)
		(*out)->owner = rt;
	return err;
}

/*
 * The one source port that flow N uses is sport + N (see trace.h); an ICMP flow differs by its
 * checksum and keeps the id. 0 stays 0: the back end chooses.
 */
static uint16_t flow_port(const struct wn_params *p)
{
	if (p->sport == 0 || p->proto == WN_PROTO_ICMP)
		return p->sport;
	return (uint16_t)(p->sport + p->flow);
}

static uint16_t flow_base(const struct wn_params *p, uint16_t port)
{
	return p->proto == WN_PROTO_ICMP ? port : (uint16_t)(port - p->flow);
}

/* Source ports that the flows go through. */
static uint32_t port_span(const struct wn_params *p)
{
	if (p->proto == WN_PROTO_ICMP)
		return 1;
	if (p->flow_mode == WN_FLOW_CLASSIC)
		return CLASSIC_PORTS;
	return p->paths ? p->flows : 1;
}

/*
 * A real network gets another port with each run, and so another path whatever the flow; a
 * simulated one the same: there flow N is to be the Nth after the one that it would be else.
 */
static uint16_t flow_above(const struct wn_run_trace *rt)
{
	const struct wn_params *p = &rt->request->params;
	bool chosen = rt->request->backend == WN_BACKEND_SIM && p->sport == 0;

	return chosen && p->proto != WN_PROTO_ICMP ? (uint16_t)p->flow : 0;
}

static wn_err open_backend(struct wn_run_trace *rt, struct wn_errctx *ctx)
{
	const struct wn_params *p = &rt->request->params;
	struct wn_io_config io = {
		.proto = p->proto,
		.family = p->dst.family,
		.src = p->src,
		.dst = p->dst,
		.sport = flow_port(p),
		.dport = p->dport,
		.port_span = port_span(p) + flow_above(rt),
		.mark = p->mark,
		.df = p->df,
		.tcp_flags = p->tcp_flags,
		.outstanding = p->window,
	};

	if (wn_run_may_share(rt)) {
		wn_err err = wn_run_share_join(rt, ctx);

		if (err != WN_EPERM)
			return err;
	}
	memcpy(io.iface, p->iface, sizeof(io.iface));
	if (p->tcp_method == WN_TCP_METHOD_SACK || p->tcp_method == WN_TCP_METHOD_PREFER_SACK)
		return wn_run_open_sack(rt, &io, ctx);
	return wn_run_open_own(rt, &io, &rt->net, ctx);
}

/* Routers are pinged by ICMP, whatever the trace uses. Without it the trace goes on, and says so.
 */
static void open_echo(struct wn_run_trace *rt)
{
	struct wn_params *p = &rt->request->params;
	struct wn_io_config io = {
		.proto = WN_PROTO_ICMP,
		.family = p->dst.family,
		.src = p->src,
		.dst = p->dst,
		.port_span = 1,
		.mark = p->mark,
		.df = p->df,
		.outstanding = p->window,
	};
	struct wn_errctx why = {0};

	if (!p->ping_hops || p->proto == WN_PROTO_ICMP)
		return;
	memcpy(io.iface, p->iface, sizeof(io.iface));
	if (wn_run_open_own(rt, &io, &rt->echo, &why) == WN_OK)
		return;
	p->ping_hops = false;
	if (!rt->note)
		wn_run_keep_note(rt, "routers are not pinged: ", why.text, "");
}

/* What the kernel would send otherwise than it was asked for is not sent at all. */
static wn_err check_sends(const struct wn_run_trace *rt, struct wn_errctx *ctx)
{
	const struct wn_params *p = &rt->request->params;
	const struct wn_caps *caps = &rt->net->io->caps;

	if (p->flow_mode == WN_FLOW_DUBLIN && p->dst.family == 4 && !caps->sends_ip_id)
		return wn_fail(ctx, WN_EPERM,
			"--flow dublin names IPv4 probes by their IP-ID, which needs raw sockets, "
			"and these the capability CAP_NET_RAW; use sudo, or --flow paris, whose "
			"probes take the same paths");
	if (p->proto == WN_PROTO_TCP && p->tcp_options != WN_TCP_OPT_USUAL && !caps->sends_checksum)
		return wn_fail(ctx, WN_EPERM,
			"--tcp-options needs raw sockets, which take the capability CAP_NET_RAW: "
			"without them the kernel sends its own options; use sudo, or leave "
			"--tcp-options out");
	return WN_OK;
}

/*
 * Keys are secrets where the network is real: the kernel is asked for one, of which others follow
 * by a keyed hash. In virtual time they follow from the flow's ports, so that the same request
 * gives the same packets.
 */
static wn_err draw_key(struct wn_run_trace *rt, struct wn_errctx *ctx)
{
	struct wn_run *run = rt->run;
	uint64_t half;

	if (run->virtual_time) {
		struct wn_rng rng;

		wn_rng_seed(&rng,
			(uint64_t)rt->request->params.sport << 16 | rt->request->params.dport);
		for (size_t i = 0; i < sizeof(rt->key.bytes); i++)
			rt->key.bytes[i] = (uint8_t)wn_rng_below(&rng, 256);
		return WN_OK;
	}
	if (run->keys == 0 && wn_os_entropy(run->secret.bytes, sizeof(run->secret.bytes)) != WN_OK)
		return wn_fail(ctx, WN_ESYS, "no random numbers from the kernel");
	for (size_t i = 0; i < sizeof(rt->key.bytes); i += sizeof(half)) {
		run->keys++;
		half = wn_siphash(&run->secret, &run->keys, sizeof(run->keys));
		memcpy(rt->key.bytes + i, &half, sizeof(half));
	}
	return WN_OK;
}

/* Flow fields nobody asked for: a constant, unpredictable label and ICMP checksum. */
static void draw_flow(struct wn_run_trace *rt)
{
	static const char purpose[] = "flow";
	struct wn_params *p = &rt->request->params;
	uint64_t h = wn_siphash(&rt->key, purpose, sizeof(purpose));

	if (!p->flow_label && p->dst.family == 6)
		p->flow_label = (uint32_t)(h & 0xfffff) | 1u;
	if (!p->flow_checksum && p->proto == WN_PROTO_ICMP)
		p->flow_checksum = (uint16_t)(1 + (h >> 32) % 0xf000);
}

/* Without it a link that goes down is seen by its errors only. */
static void watch_links(struct wn_run_trace *rt)
{
	struct wn_run *run = rt->run;

	if (run->virtual_time || run->monitor_fd >= 0 || rt->request->backend == WN_BACKEND_SIM)
		return;
	run->monitor_fd = wn_os_monitor_open();
	if (run->monitor_fd >= 0)
		wn_pollset_watch(&run->poll, run->monitor_fd, false);
}

static bool grow_slots(struct wn_run *run)
{
	uint32_t cap = run->slot_cap ? run->slot_cap * 2 : 8;
	void *slots = wn_realloc(run->slots, cap, sizeof(void *));
	void *serials, *free_slots;

	run->slots = slots ? slots : run->slots;
	serials = slots ? wn_realloc(run->serials, cap, sizeof(*run->serials)) : NULL;
	run->serials = serials ? serials : run->serials;
	free_slots = serials ? wn_realloc(run->free_slots, cap, sizeof(*run->free_slots)) : NULL;
	run->free_slots = free_slots ? free_slots : run->free_slots;
	if (free_slots)
		run->slot_cap = cap;
	return free_slots != NULL;
}

/* The slot that fill_slot will use. */
static wn_err take_slot(struct wn_run_trace *rt, struct wn_errctx *ctx)
{
	struct wn_run *run = rt->run;

	if (run->free_count > 0) {
		rt->slot = run->free_slots[run->free_count - 1];
		rt->serial = run->serials[rt->slot];
		return WN_OK;
	}
	if (run->slot_count > WN_RUN_SLOT_MASK)
		return wn_fail(ctx, WN_EFULL, "more than %u traces at once", WN_RUN_SLOT_MASK + 1);
	if (run->slot_count == run->slot_cap && !grow_slots(run))
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	rt->slot = rt->serial = run->slot_count;
	return WN_OK;
}

static void fill_slot(struct wn_run_trace *rt)
{
	struct wn_run *run = rt->run;

	if (rt->slot == run->slot_count)
		run->slot_count++;
	else
		run->free_count--;
	run->slots[rt->slot] = rt;
}

wn_err wn_run_prepare(struct wn_run *run, const struct wn_run_trace_config *c,
	struct wn_run_trace **out, struct wn_errctx *ctx)
{
	struct wn_run_trace *rt = wn_calloc(1, sizeof(*rt));
	wn_err err = WN_ENOMEM;

	if (!rt)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	rt->run = run;
	rt->wake_ns = rt->timer_ns = UINT64_MAX;
	rt->request = wn_malloc(sizeof(*rt->request));
	rt->result = c->lean ? NULL : wn_result_new(NULL);
	if (!rt->request || (!rt->result && !c->lean)) {
		wn_fail(ctx, WN_ENOMEM, "out of memory");
		goto fail;
	}
	*rt->request = *c;
	rt->on_event = c->on_event;
	rt->on_done = c->on_done;
	rt->user = c->user;
	rt->dst = c->params.dst;
	if (c->lean) {
		rt->request->params.ping_hops = false;
		rt->request->params.destinations = 0;
	}
	if (c->backend == WN_BACKEND_SIM && c->params.pmtu)
		rt->request->params.link_mtu = wn_topo_mtu(wn_sim_topo(c->sim));
	if (c->backend != WN_BACKEND_SIM && (err = find_route(rt, ctx)) != WN_OK)
		goto fail;
	if ((err = take_slot(rt, ctx)) != WN_OK || (err = open_backend(rt, ctx)) != WN_OK)
		goto fail;
	if ((err = check_sends(rt, ctx)) != WN_OK)
		goto fail;
	if (!rt->net->share)
		rt->port = (uint16_t)(wn_io_sport(rt->net->io) + flow_above(rt));
	rt->request->params.sport = flow_base(&rt->request->params, rt->port);
	rt->request->params.caps = rt->net->io->caps;
	open_echo(rt);
	if ((err = draw_key(rt, ctx)) != WN_OK)
		goto fail;
	fill_slot(rt);
	watch_links(rt);
	draw_flow(rt);
	rt->src = rt->request->params.src;
	*out = rt;
	return WN_OK;
fail:
	wn_run_trace_free(rt);
	return err;
}

wn_err wn_run_start(struct wn_run_trace *rt, struct wn_errctx *ctx)
{
	uint64_t now_ns = wn_run_now_ns(rt->run);
	wn_err err;

	assert(rt->state == WN_RUN_PREPARED);
	rt->request->params.start_unix_ns = rt->run->virtual_time ? 0 : wn_os_unix_ns();
	err = wn_run_engine_new(&rt->request->params, &rt->key, now_ns, &rt->engine, ctx);
	if (err != WN_OK)
		return err;
	rt->start_ns = now_ns;
	rt->state = WN_RUN_RUNNING;
	rt->run->active++;
	if (rt->note)
		wn_trace_note(rt->engine.trace, WN_NOTE_TEXT, 0, rt->note);
	if (!rt->result) {
		wn_free(rt->request);
		rt->request = NULL;
	}
	wn_run_ready(rt);
	return WN_OK;
}

void wn_run_trace_free(struct wn_run_trace *rt)
{
	wn_run_hold_end(rt);
	wn_run_engine_free(&rt->engine);
	wn_result_free(rt->result);
	wn_free(rt->request);
	wn_free(rt->note);
	wn_run_share_leave(rt);
	if (rt->net && !rt->net->share)
		wn_run_net_free(rt->net);
	if (rt->echo)
		wn_run_net_free(rt->echo);
	wn_free(rt);
}
