/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single probes: one back end and one engine for each kind of them. They do not share with traces,
 * which have their ports for themselves.
 */
#include "run/run_priv.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "os/os.h"
#include "trace/pace.h"
#include "trace/single.h"

#define PORTS	    16	  /* source ports, or ICMP ids, of a back end */
#define OUTSTANDING 16384 /* probes at once; more wait */
#define OUTER_BITS  8	  /* one that is set, and the back end's number */
#define STEP	    64	  /* sent before the network is looked at again */

/* A probe that waits for its turn, hold.c. */
struct held {
	struct wn_run_hold hold; /* the first member */
	struct held *next, **link;
	uint64_t id;
};

struct wn_run_probes {
	enum wn_backend backend;
	const struct wn_sim *sim;
	enum wn_proto proto;
	uint8_t family;
	uint32_t mark;
	void (*on_end)(void *user, const struct wn_single_end *end);
	struct wn_single *engine;
	uint64_t outer; /* what ids towards trace/pace.h have more than those of the engine */
	struct held *held;
};

static void drop(struct wn_run *run, struct held *h)
{
	wn_pace_leave(run->pace, &h->hold.wait);
	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	wn_free(h);
}

static void drop_all(struct wn_run_net *net)
{
	while (net->probes->held)
		drop(net->run, net->probes->held);
}

void wn_run_probes_free(struct wn_run_net *net)
{
	struct wn_run_probes *p = net->probes;

	if (!p)
		return;
	drop_all(net);
	wn_single_free(p->engine);
	wn_free(p);
}

/* ---- from and to the network ---- */

/* Unique among those of all back ends: traces have none that is so large. */
static uint64_t outer_id(const struct wn_run_probes *p, uint64_t id)
{
	return p->outer | (id & (UINT64_MAX >> OUTER_BITS));
}

static void tell(struct wn_run_net *net, const struct wn_single_end *end)
{
	net->run->probing--;
	net->probes->on_end(end->user, end);
}

static void answered(struct wn_run_net *net, const struct wn_single_end *end)
{
	if (end->sent_ns)
		wn_run_turn_answered(net, outer_id(net->probes, end->id), &end->reply->from,
			end->sent_ns, (uint64_t)end->rtt_ns);
}

static void take_over(struct wn_run_net *net, const struct wn_rx *rx, uint64_t now_ns)
{
	struct wn_single_end end;

	drop_all(net);
	wn_single_stop(net->probes->engine, rx->err, rx->sys);
	while (wn_single_end(net->probes->engine, now_ns, &end))
		tell(net, &end);
}

void wn_run_probes_take(struct wn_run_net *net, const struct wn_rx *rx, uint64_t now_ns)
{
	struct wn_single *engine = net->probes->engine;
	struct wn_single_end end;

	switch (rx->kind) {
	case WN_RX_REPLY:
		if (!wn_single_reply(engine, &rx->reply, rx->at_ns, now_ns, &end))
			break;
		answered(net, &end);
		tell(net, &end);
		break;
	case WN_RX_STAMP:
		wn_single_sent(engine, rx->id, rx->at_ns);
		break;
	case WN_RX_FAILED:
		wn_single_failed(engine, rx->id, rx->err, rx->sys, now_ns);
		break;
	case WN_RX_OVER:
		take_over(net, rx, now_ns);
		break;
	case WN_RX_CLOSED:
		break;
	}
}

void wn_run_probes_told(struct wn_run_net *net, const struct wn_tx *tx, wn_err err, uint64_t now_ns)
{
	struct wn_single *engine = net->probes->engine;

	if (err == WN_OK)
		wn_single_sent(engine, tx->probe.id, tx->tx_ns);
	else
		wn_single_failed(engine, tx->probe.id, err, tx->sys, now_ns);
}

/* ---- turns ---- */

static void send_next(struct wn_run_net *net, struct held *h);

static void go(struct wn_run_hold *hold)
{
	struct held *h = (struct held *)hold; /* its first member */
	struct wn_run_net *net = hold->owner;
	struct wn_single *engine = net->probes->engine;

	if (wn_single_go(engine, h->id) == WN_OK && wn_single_ready(engine, net->run->seen_ns))
		send_next(net, h);
	else
		drop(net->run, h); /* it is offered again */
}

/* NULL: there is no memory. */
static struct held *held_new(struct wn_run_net *net, uint64_t id)
{
	struct wn_run_probes *p = net->probes;
	struct held *h = wn_calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->hold.go = go;
	h->hold.owner = net;
	h->id = id;
	h->next = p->held;
	h->link = &p->held;
	if (h->next)
		h->next->link = &h->next;
	p->held = h;
	return h;
}

static void put(struct wn_run_net *net)
{
	struct wn_probe *room = wn_run_net_room(net);

	wn_single_next(net->probes->engine, wn_run_now_ns(net->run), room);
}

/* The one that is ready. h: its own, whose turn has come; NULL: it has not waited. */
static void send_next(struct wn_run_net *net, struct held *h)
{
	struct wn_single *engine = net->probes->engine;
	const struct wn_probe *probe = wn_single_peek(engine);
	struct wn_run_turn turn = {
		.net = net,
		.probe = wn_run_lone_probe(net, &probe->dst, probe->ttl, probe->ifindex),
		.id = outer_id(net->probes, probe->id),
	};
	uint64_t id = probe->id;

	if (wn_run_turn_pass(&turn, h ? &h->hold : NULL)) {
		if (h)
			drop(net->run, h);
		put(net);
		return;
	}
	if (!h)
		h = held_new(net, id);
	if (!h) { /* as if a queue were full */
		struct wn_probe again;

		wn_single_next(engine, net->run->seen_ns, &again);
		wn_single_failed(engine, id, WN_EAGAIN, 0, net->run->seen_ns);
		return;
	}
	wn_single_hold(engine, h);
	wn_run_turn_wait(&turn, &h->hold);
}

bool wn_run_probes_step(struct wn_run_net *net)
{
	struct wn_single *engine = net->probes->engine;
	uint64_t now_ns = wn_run_now_ns(net->run);
	struct wn_single_end end;

	while (wn_single_end(engine, net->run->seen_ns, &end))
		tell(net, &end);
	for (unsigned i = 0; i < STEP && wn_single_ready(engine, now_ns); i++)
		send_next(net, NULL);
	return wn_single_ready(engine, now_ns);
}

uint64_t wn_run_probes_next_ns(const struct wn_run_probes *p)
{
	return wn_single_next_ns(p->engine);
}

/* ---- starting ---- */

static bool fits(const struct wn_run_probes *p, const struct wn_run_probe *c)
{
	const struct wn_probe *probe = &c->spec.probe;

	return p->backend == c->backend && p->sim == c->sim && p->proto == probe->proto &&
	       p->family == probe->dst.family && p->mark == probe->mark && p->on_end == c->on_end;
}

static struct wn_run_net *find(const struct wn_run *run, const struct wn_run_probe *c)
{
	struct wn_run_net *net = run->nets;

	while (net && !(net->probes && fits(net->probes, c)))
		net = net->next;
	return net;
}

static wn_err make_engine(struct wn_run_net *net, const struct wn_run_probe *c)
{
	struct wn_single_config config = {.proto = c->spec.probe.proto,
		.sport = wn_io_sport(net->io),
		.span = PORTS,
		.limit = OUTSTANDING};

	net->probes = wn_calloc(1, sizeof(*net->probes));
	if (!net->probes)
		return WN_ENOMEM;
	net->probes->backend = c->backend;
	net->probes->sim = c->sim;
	net->probes->proto = c->spec.probe.proto;
	net->probes->family = c->spec.probe.dst.family;
	net->probes->mark = c->spec.probe.mark;
	net->probes->on_end = c->on_end;
	net->probes->outer = (uint64_t)(net->run->probes_opened++ | 1u << (OUTER_BITS - 1))
			     << (64 - OUTER_BITS);
	/* In virtual time the same request gives the same packets. */
	if (!net->run->virtual_time &&
		wn_os_entropy(config.key.bytes, sizeof(config.key.bytes)) != WN_OK)
		return WN_ESYS;
	return wn_single_new(&config, wn_run_now_ns(net->run), &net->probes->engine);
}

static wn_err open_net(struct wn_run *run, const struct wn_run_probe *c, struct wn_run_net **out,
	struct wn_errctx *ctx)
{
	const struct wn_probe *probe = &c->spec.probe;
	struct wn_run_where where = {run, c->backend, c->sim};
	struct wn_io_config io = {
		.proto = probe->proto,
		.family = probe->dst.family,
		.dst.family = probe->dst.family,
		.port_span = PORTS,
		.mark = probe->mark,
		.outstanding = OUTSTANDING,
		.shared = true,
	};
	wn_err err;

	err = wn_run_is_raw(run, c->backend) ? wn_run_open(&where, &io, out, ctx) : WN_EPERM;
	if (err == WN_EPERM && !wn_run_is_raw(run, c->backend))
		return wn_fail(ctx, WN_EUNSUPPORTED, "single probes need raw sockets");
	if (err != WN_OK)
		return err;
	err = make_engine(*out, c);
	if (err == WN_OK) {
		wn_run_credit_new(*out);
		return WN_OK;
	}
	wn_run_net_free(*out);
	return wn_fail(ctx, err, "%s", wn_err_text(err));
}

wn_err wn_run_probe_open(struct wn_run *run, const struct wn_run_probe *c, struct wn_errctx *ctx)
{
	struct wn_run_net *net;

	run->raw = WN_RUN_RAW_UNKNOWN; /* who asks for it may have got the privilege just now */
	return find(run, c) ? WN_OK : open_net(run, c, &net, ctx);
}

/* The source address, the interface and the source port that were asked for, or what is right. */
static wn_err find_way(struct wn_run_net *net, const struct wn_run_probe *c, struct wn_probe *p,
	struct wn_errctx *ctx)
{
	const struct wn_run_way way = {
		.dst = p->dst, .src = p->src, .iface = c->iface, .mark = p->mark, .in_burst = true};
	struct wn_run_route route;
	wn_err err = WN_OK;

	if (p->sport && net->io->ops->add_port)
		err = net->io->ops->add_port(net->io, p->sport, ctx);
	if (err != WN_OK || c->backend == WN_BACKEND_SIM)
		return err;
	err = wn_run_route_find(net->run, &way, &route, ctx);
	if (err != WN_OK)
		return err;
	p->src = route.src;
	p->ifindex = c->iface[0] ? route.ifindex : 0;
	return WN_OK;
}

wn_err wn_run_probe(struct wn_run *run, const struct wn_run_probe *c, struct wn_run_probe_id *out,
	struct wn_errctx *ctx)
{
	struct wn_single_spec spec = c->spec;
	struct wn_run_net *net = find(run, c);
	wn_err err = net ? WN_OK : open_net(run, c, &net, ctx);

	if (err != WN_OK)
		return err;
	assert(net);
	err = find_way(net, c, &spec.probe, ctx);
	if (err != WN_OK)
		return err;
	err = wn_single_add(net->probes->engine, &spec, wn_run_now_ns(run), &out->id);
	if (err != WN_OK)
		return wn_fail(ctx, err, "%s", wn_err_text(err));
	out->net = net;
	run->probing++;
	wn_run_soon(run);
	return WN_OK;
}

void wn_run_probe_cancel(const struct wn_run_probe_id *id)
{
	struct wn_single *engine = id->net->probes->engine;
	struct held *h = wn_single_keeper(engine, id->id);

	if (h)
		drop(id->net->run, h);
	wn_single_cancel(engine, id->id);
	wn_run_soon(id->net->run);
}
