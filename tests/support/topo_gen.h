/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random topologies for property tests: from a seed and a mask of what may occur in them, a text
 * for wn_topo_parse. The same seed and mask give the same text. Both families, one source "s" and
 * one target; 2 to about 20 hops. Without any flag it is a chain of routers with fixed delays.
 */
#ifndef WN_TEST_TOPO_GEN_H
#define WN_TEST_TOPO_GEN_H

#include <stdint.h>
#include "base/strbuf.h"

enum topo_gen_flag {
	GEN_SILENT = 1 << 0,	/* routers that do not answer, to all or some protocols */
	GEN_BALANCE = 1 << 1,	/* per-flow diamonds, meshes, unequal branches, weights */
	GEN_TUNNEL = 1 << 2,	/* MPLS of the four kinds */
	GEN_QUOTE = 1 << 3,	/* short quotes, interface information, odd reply TTLs */
	GEN_MARK = 1 << 4,	/* DSCP and ECN rewritten */
	GEN_RETURN = 1 << 5,	/* another way back */
	GEN_IFADDR = 1 << 6,	/* answers from interface addresses */
	GEN_PORTS = 1 << 7,	/* what the target does with its ports, dead ones included */
	GEN_REFUSE = 1 << 8,	/* unreachable, filters, black holes on the way */
	GEN_NAT = 1 << 9,	/* source or destination NAT */
	GEN_LOOP = 1 << 10,	/* routing loops */
	GEN_ZERO_TTL = 1 << 11, /* routers that forward with TTL 0 */
	GEN_MTU = 1 << 12,	/* links from 600 bytes up, black holes */
	/* From here on truth is only what may be seen, not what must be. */
	GEN_PACKET = 1 << 13, /* per-packet balancing */
	GEN_LIMIT = 1 << 14,
	GEN_JITTER = 1 << 15,
	GEN_LOSS = 1 << 16,
	GEN_REORDER = 1 << 17,
	GEN_DUPLICATE = 1 << 18,
	GEN_CORRUPT = 1 << 19,
	GEN_TRUNCATE = 1 << 20,
	GEN_FORGE = 1 << 21,
	GEN_FLAP = 1 << 22 /* links go down for a while */
};
/* A fixed flow sees exactly the truth, every time, and the target is reached. */
#define GEN_REACHED                                                                                \
	(GEN_BALANCE | GEN_TUNNEL | GEN_QUOTE | GEN_MARK | GEN_RETURN | GEN_IFADDR | GEN_SILENT)
/* The same, but the path may end anywhere or nowhere, and addresses may repeat. */
#define GEN_DETERMINISTIC                                                                          \
	(GEN_REACHED | GEN_PORTS | GEN_REFUSE | GEN_NAT | GEN_LOOP | GEN_ZERO_TTL | GEN_MTU)
#define GEN_EVERYTHING ((1 << 23) - 1)

void topo_gen(uint64_t seed, uint32_t flags, struct wn_strbuf *out);

#endif
