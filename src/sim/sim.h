/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated Internet: a topology, IP packets in, IP packets out, all in the caller's time.
 * Deterministic: the same topology, seed and sequence of calls give the same packets. Pure: it
 * works on packet bytes, so the same model serves tests in virtual time, the sim back end, and a
 * TUN device where other tools trace it.
 */
#ifndef WN_SIM_SIM_H
#define WN_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"

struct wn_topo; /* a parsed topology, immutable */
struct wn_sim;	/* a running network */

/* Parses a topology (docs/topology.md). Errors name line and column: "line 3, column 7: ...". */
wn_err wn_topo_parse(const char *text, size_t len, struct wn_topo **out, struct wn_errctx *ctx);
void wn_topo_free(struct wn_topo *t);
/* The newcomer's network. */
const char *wn_topo_builtin(void);

/* topo is borrowed. seed 0 takes the one that the topology names. */
wn_err wn_sim_new(const struct wn_topo *topo, uint64_t seed, uint64_t now_ns, struct wn_sim **out);
void wn_sim_free(struct wn_sim *s);
const struct wn_topo *wn_sim_topo(const struct wn_sim *s);
/* A place where those who share the network keep what they share; NULL at first, never freed. */
void **wn_sim_user(struct wn_sim *s);

/* The address from which traces start, and the default target, of a family; family 0 if none. */
struct wn_addr wn_topo_source(const struct wn_topo *t, uint8_t family);
struct wn_addr wn_topo_target(const struct wn_topo *t, uint8_t family);
/* Forward and reverse names of the topology. NULL when it has none. */
const char *wn_topo_name_of(const struct wn_topo *t, const struct wn_addr *addr);
struct wn_addr wn_topo_addr_of(const struct wn_topo *t, const char *name, uint8_t family);

/*
 * Where packets to the network go, one by one from index 0 on until it returns false: addresses
 * of nodes, prefixes they own and prefixes that routes name. Some may be there twice.
 */
bool wn_topo_prefix(const struct wn_topo *t, size_t index, struct wn_prefix *out);
/* The MTU of the source's first link, 0 when it has none. */
uint16_t wn_topo_mtu(const struct wn_topo *t);

/* A packet enters at the source at now_ns. WN_EMSGSIZE and the like: the first link refused. */
wn_err wn_sim_send(struct wn_sim *s, const uint8_t *packet, size_t len, uint64_t now_ns);
/*
 * Nothing is delivered before this time unless something is sent; UINT64_MAX when nothing is
 * under way. A bound: there may be nothing yet, then ask again.
 */
uint64_t wn_sim_next(const struct wn_sim *s);
/*
 * Runs the network up to now_ns and takes the next packet delivered to the source: its length,
 * and when it arrived; 0 when none is there. buf should have WN_PACKET_MAX bytes.
 */
size_t wn_sim_recv(
	struct wn_sim *s, uint64_t now_ns, uint8_t *buf, size_t cap, uint64_t *out_at_ns);

/*
 * Ground truth for tests: the responder (or family 0 for silent) that the packet would meet at
 * each TTL from 1 on, ignoring loss and rate limits. Returns the count up to the end of the path,
 * which is what answers for good (the target, an unreachable) or where packets vanish (family 0);
 * 0 when the source's own link refuses the packet. A path that never ends (a loop) is told up to
 * 255 hops. Per-packet balancing makes it a sample.
 */
size_t wn_sim_truth(
	struct wn_sim *s, const uint8_t *packet, size_t len, struct wn_addr *out, size_t cap);

struct wn_sim_stats {
	uint64_t sent, delivered, lost, limited, silent, expired, no_route, too_big, overflow;
};
const struct wn_sim_stats *wn_sim_stats(const struct wn_sim *s);

#endif
