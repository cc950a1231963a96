/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP probes inside a connection, or SYNs where that cannot be and SACK was only preferred. What
 * it came to is in the parameters before a trace starts.
 */
#include "base/fmt.h"
#include "os/os.h"
#include "packet/wire.h"
#include "run/run_priv.h"

/* The connection must take the path of its probes, where routers look at labels. */
static wn_err choose_label(struct wn_params *p, struct wn_io_config *io, struct wn_errctx *ctx)
{
	if (p->dst.family != 6)
		return WN_OK;
	if (!p->flow_label) {
		if (wn_os_entropy(&p->flow_label, sizeof(p->flow_label)) != WN_OK)
			return wn_fail(ctx, WN_ESYS, "no random numbers from the kernel");
		p->flow_label = (p->flow_label & 0xfffff) | 1u;
	}
	io->flow_label = wn_flow_label(p->flow_label, p->flow);
	return WN_OK;
}

static void take_connection(struct wn_params *p, const struct wn_io_conn *conn)
{
	p->tcp_method = WN_TCP_METHOD_SACK;
	p->tcp_flags = WN_TCP_ACK | WN_TCP_PSH;
	p->tcp_options = conn->options;
	p->tcp_seq = conn->seq;
	p->tcp_ack = conn->ack;
	p->size = (uint16_t)(wn_probe_min_size(p->dst.family, WN_PROTO_TCP) +
			     wn_tcp_options_size(conn->options) + 1);
}

static wn_err connect_first(struct wn_run_trace *rt, struct wn_io_config *io, struct wn_errctx *ctx)
{
	struct wn_params *p = &rt->request->params;
	struct wn_io *opened;
	wn_err err;

	if (rt->request->backend == WN_BACKEND_SIM)
		return wn_fail(ctx, WN_EUNSUPPORTED, "a simulated network has no connections");
	if (rt->request->backend == WN_BACKEND_ERRQUEUE)
		return wn_fail(ctx, WN_EUNSUPPORTED, "SACK mode needs raw sockets");
	if (p->paths != WN_PATHS_OFF || p->flow_mode != WN_FLOW_FIXED)
		return wn_fail(
			ctx, WN_EUNSUPPORTED, "SACK mode has one flow, that of its connection");
	io->probes = (p->max_ttl - p->first_ttl + 1u) * p->probes;
	err = choose_label(p, io, ctx);
	if (err == WN_OK)
		err = wn_io_tcp_sack_open(io, &opened, ctx);
	if (err == WN_OK)
		err = wn_run_net_new(rt->run, opened, &rt->net, ctx);
	if (err != WN_OK)
		return err;
	rt->net->owner = rt;
	take_connection(p, &rt->net->io->conn);
	return WN_OK;
}

wn_err wn_run_open_sack(struct wn_run_trace *rt, struct wn_io_config *io, struct wn_errctx *ctx)
{
	struct wn_params *p = &rt->request->params;
	struct wn_errctx why = {0};
	wn_err err = connect_first(rt, io, &why);

	if (err == WN_OK)
		return WN_OK;
	if (p->tcp_method == WN_TCP_METHOD_SACK)
		return wn_fail_sys(
			ctx, err, why.sys, "%s; use --tcp-method syn or prefer-sack", why.text);
	wn_run_keep_note(rt, "", why.text, "; SYN probes instead");
	p->tcp_method = WN_TCP_METHOD_SYN;
	return wn_run_open_own(rt, io, &rt->net, ctx);
}
