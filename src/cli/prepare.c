/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prepare.h"

#include "cli/cli.h"

int wn_prepare_sim(const struct wn_request *req, const struct wn_run *run,
	struct wn_topo **out_topo, struct wn_sim **out_sim)
{
	struct wn_errctx ctx = {0};
	wn_err err = wn_cli_topology(req->sim, out_topo, &ctx);

	if (err == WN_EPARSE)
		return wn_cli_fail(WN_EXIT_USAGE, "%s", ctx.text);
	if (err != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "%s", ctx.text);
	err = wn_sim_new(*out_topo, req->sim_seed, wn_run_now_ns(run), out_sim);
	if (err != WN_OK)
		return wn_cli_fail(
			WN_EXIT_FAILED, "cannot simulate %s: %s", req->sim, wn_err_text(err));
	return WN_EXIT_OK;
}

void wn_prepare_add(
	struct wn_cli_targets *t, const struct wn_request *req, const struct wn_addr *addr)
{
	const struct wn_addr *src = &req->params.src;

	if (addr->family == 0 || t->count == WN_CLI_TARGETS_MAX)
		return;
	if (src->family && src->family != addr->family)
		return;
	t->list[t->count++] = *addr;
}

/* Both families in our order of preference, or the one that was asked for. */
void wn_prepare_in_topology(
	struct wn_cli_targets *t, const struct wn_request *req, const struct wn_topo *topo)
{
	static const uint8_t families[] = {4, 6};
	const struct wn_params *p = &req->params;

	for (size_t i = 0; i < sizeof(families); i++) {
		struct wn_addr addr;

		if (req->family && req->family != families[i])
			continue;
		if (p->target[0])
			addr = wn_topo_addr_of(topo, p->host, families[i]);
		else
			addr = wn_topo_target(topo, families[i]);
		wn_prepare_add(t, req, &addr);
	}
}

unsigned wn_prepare_protos(const struct wn_request *req, enum wn_proto out[WN_PROTO_COUNT])
{
	static const enum wn_proto proto_of[] = {
		[WN_REQ_UDP] = WN_PROTO_UDP,
		[WN_REQ_ICMP] = WN_PROTO_ICMP,
		[WN_REQ_TCP] = WN_PROTO_TCP,
	};

	if (req->proto != WN_REQ_AUTO) {
		out[0] = proto_of[req->proto];
		return 1;
	}
	for (unsigned i = 0; i < WN_PROTO_COUNT; i++)
		out[i] = (enum wn_proto)i;
	return WN_PROTO_COUNT;
}

enum wn_backend wn_prepare_backend(const struct wn_request *req)
{
	if (req->sim)
		return WN_BACKEND_SIM;
	switch (req->backend) {
	case WN_REQ_BACKEND_RAW:
		return WN_BACKEND_RAW;
	case WN_REQ_BACKEND_ERRQUEUE:
		return WN_BACKEND_ERRQUEUE;
	case WN_REQ_BACKEND_AUTO:
		break;
	}
	return WN_BACKEND_AUTO;
}

wn_err wn_prepare_params(const struct wn_request *req, const struct wn_topo *topo,
	struct wn_params *out, struct wn_errctx *ctx)
{
	struct wn_addr dst = out->dst;
	wn_err err = wn_request_params(req, out->proto, &dst, out, ctx);

	if (err != WN_OK || !topo)
		return err;
	out->src = wn_topo_source(topo, dst.family);
	if (out->src.family == 0)
		return wn_fail(
			ctx, WN_ENOROUTE, "the simulated network has no IPv%u source", dst.family);
	return WN_OK;
}

bool wn_prepare_is_worth_another(wn_err err)
{
	return err == WN_ENOROUTE || err == WN_ENETDOWN || err == WN_EADDRNOTAVAIL;
}
