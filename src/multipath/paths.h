/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of all paths: finds every load-balanced way between here and a target, with a chosen
 * chance of missing one. It steers a guided trace engine (trace/trace.h), which does everything
 * about single probes: this one decides which flow to probe at which TTL, and reads the events.
 *
 * How (params->paths, docs/paths.md):
 *   FULL   the Multipath Detection Algorithm: at each vertex, a responder at a TTL, as many flows
 *          as rule out a further successor (stopping.h); flows that pass a vertex are found by
 *          trying more at its TTL
 *   LITE   the same, but a TTL with many vertices before it is judged as a whole, unless flows
 *          show that links cross (MDA-Lite: Vermeulen et al., IMC 2018), and whoever delivers to
 *          the target is taken to do nothing else
 *   FLOWS  all flows at every TTL, each until it arrives; nothing is proved, and miss_ppm is not
 * used NODES  each TTL as a whole: all interfaces, links as far as flows show them
 *
 * The chance of missing something is shared out over the vertices, so that it holds for the whole
 * graph; with miss_by_vertex each has it for itself.
 *
 * Driven as the trace engine is: wn_paths_next instead of wn_trace_next; sent, failed, reply,
 * note, stop and count go to wn_paths_trace. Pure; memory is taken once.
 */
#ifndef WN_MULTIPATH_PATHS_H
#define WN_MULTIPATH_PATHS_H

#include "trace/trace.h"

#define WN_PATHS_FLOWS_MAX 16384

struct wn_paths;

/*
 * params: paths, flows (1 to WN_PATHS_FLOWS_MAX) and miss_ppm (1 to 500000) are set; probes is not
 * used. Errors as of wn_trace_new, and WN_ERANGE for these.
 */
wn_err wn_paths_new(const struct wn_params *params, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_paths **out, struct wn_errctx *ctx);
void wn_paths_free(struct wn_paths *p);

enum wn_act_kind wn_paths_next(struct wn_paths *p, uint64_t now_ns, struct wn_act *out);

/* The engine that knows the probes; lives as long as p. */
struct wn_trace *wn_paths_trace(struct wn_paths *p);

/* Bytes held, those of the trace engine included. */
size_t wn_paths_bytes(const struct wn_paths *p);

#endif
