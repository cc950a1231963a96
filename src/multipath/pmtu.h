/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of the path MTU: finds the path of one flow, then which size of packet gets how far
 * without being cut, and so which hop lowers it. It steers a guided trace engine (trace/trace.h).
 *
 * How (docs/pmtu.md): the path as a trace finds it, with small probes that must not be fragmented;
 * then one as large as the first link allows, to the end of the path. A router that cannot pass it
 * on says so and what it could pass; the next probe has that size. Where nobody says anything, but
 * small probes still come through, the place is found by halving the path and the size by halving
 * the sizes. What all that shows is read from the record alone, by pmtu_view.h.
 *
 * Driven as the trace engine is: wn_pmtu_next instead of wn_trace_next; sent, failed, reply, note,
 * stop and count go to wn_pmtu_trace. Pure; memory is taken once.
 */
#ifndef WN_MULTIPATH_PMTU_H
#define WN_MULTIPATH_PMTU_H

#include "trace/trace.h"

struct wn_pmtu;

/* params: pmtu is set; UDP or ICMP. Errors as of wn_trace_new. */
wn_err wn_pmtu_new(const struct wn_params *params, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_pmtu **out, struct wn_errctx *ctx);
void wn_pmtu_free(struct wn_pmtu *p);

enum wn_act_kind wn_pmtu_next(struct wn_pmtu *p, uint64_t now_ns, struct wn_act *out);

/* The engine that knows the probes; lives as long as p. */
struct wn_trace *wn_pmtu_trace(struct wn_pmtu *p);

/* Bytes held, those of the trace engine included. */
size_t wn_pmtu_bytes(const struct wn_pmtu *p);
/* No more probes than this are ever sent. */
uint32_t wn_pmtu_probes_max(const struct wn_pmtu *p);

#endif
