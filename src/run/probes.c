/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single probes: one back end and one engine for each kind of them. They do not share with traces,
 * which have their ports for themselves.
 */
#include "run/run_priv.h"

#include <string.h>

#include "base/alloc.h"
#include "os/os.h"
#include "trace/single.h"

#define PORTS	    16	  /* source ports, or ICMP ids, of a back end */
#define OUTSTANDING 16384 /* probes at once; more wait */
#define STEP	    64	  /* sent before the network is looked at again */

struct wn_run_probes {
	enum wn_backend backend;
	const struct wn_sim *sim;
	enum wn_proto proto;
	uint8_t family;
	uint32_t mark;
	void (*on_end)(void *user, const struct wn_single_end *end);
	struct wn_single *engine;
};

void wn_run_probes_free(struct wn_run_probes *p)
{
	if (!p)
		return;
	wn_single_free(p->engine);
	wn_free(p);
}

/* ---- from and to the network ---- */

static void tell(struct wn_run_net *net, const struct wn_single_end *end)
{
	net->run->probing--;
	net->probes->on_end(end->user, end);
}

static void take_over(struct wn_run_net *net, const struct wn_rx *rx, uint64_t now_ns)
{
	struct wn_single_end end;

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
		if (wn_single_reply(engine, &rx->reply, rx->at_ns, now_ns, &end))
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

bool wn_run_probes_step(struct wn_run_net *net)
{
	struct wn_single *engine = net->probes->engine;
	uint64_t now_ns = wn_run_now_ns(net->run);
	struct wn_single_end end;

	while (wn_single_end(engine, net->run->seen_ns, &end))
		tell(net, &end);
	for (unsigned i = 0; i < STEP && wn_single_ready(engine, now_ns); i++)
		wn_single_next(engine, now_ns, wn_run_net_room(net));
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
	if (err == WN_OK)
		return WN_OK;
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

	if (err == WN_OK)
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
	wn_single_cancel(id->net->probes->engine, id->id);
	wn_run_soon(id->net->run);
}
