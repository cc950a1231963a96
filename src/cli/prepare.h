/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to what a run needs to know, for one trace or for many: the network, the
 * addresses of the target, and the parameters of a trace.
 */
#ifndef WN_CLI_PREPARE_H
#define WN_CLI_PREPARE_H

#include <stdbool.h>
#include "config/options.h"
#include "run/run.h"
#include "sim/sim.h"

#define WN_CLI_TARGETS_MAX 16

struct wn_cli_targets { /* in order of preference */
	struct wn_addr list[WN_CLI_TARGETS_MAX];
	size_t count;
};

/* The simulated network of --sim. An exit code, with the reason told. */
int wn_prepare_sim(const struct wn_request *req, const struct wn_run *run,
	struct wn_topo **out_topo, struct wn_sim **out_sim);
/* An address of the target, if the request can use it. */
void wn_prepare_add(
	struct wn_cli_targets *t, const struct wn_request *req, const struct wn_addr *addr);
/* Those of the target's name in a simulated network; without a name, those of its own target. */
void wn_prepare_in_topology(
	struct wn_cli_targets *t, const struct wn_request *req, const struct wn_topo *topo);
/* With which protocols the target is traced. Returns their number. */
unsigned wn_prepare_protos(const struct wn_request *req, enum wn_proto out[WN_PROTO_COUNT]);
enum wn_backend wn_prepare_backend(const struct wn_request *req);
/* As wn_request_params: proto and dst are in *out. topo: of the simulated network, or NULL. */
wn_err wn_prepare_params(const struct wn_request *req, const struct wn_topo *topo,
	struct wn_params *out, struct wn_errctx *ctx);
/* An address of another kind may work where this one has no way out. */
bool wn_prepare_is_worth_another(wn_err err);

#endif
