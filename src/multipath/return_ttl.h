/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels inferred from the TTL that replies arrive with. A reply starts with 64, 128 or 255; what
 * is missing of the next of these is the length of its way back, which may be compared
 *   with the way there (FRPLA): where the way back gets much longer at one hop, and stays so, the
 *     way there hides hops in an invisible tunnel, or the way back is simply another one;
 *   between time exceeded, from 255, and echo reply, from 64, of one router (RTLA): a tunnel on the
 *     way back is counted in the first alone, because of two TTLs the smaller one is kept;
 *   between the switches of one tunnel (u-turn): those that send their errors on through the tunnel
 *     have ways back that get shorter by two with each hop.
 * Vanaubel, Merindol, Pansiot, Donnet: Through the wormhole, IMC 2017; for u-turn as find_mpls.c.
 */
#ifndef WN_MULTIPATH_RETURN_TTL_H
#define WN_MULTIPATH_RETURN_TTL_H

#include <stddef.h>
#include <stdint.h>

struct wn_return_ttl {
	uint8_t ttl;	  /* of the probes */
	int16_t exceeded; /* TTL that the router's time exceeded arrived with, or the target's
			     answer */
	int16_t echo;	  /* the same of its echo reply; -1: none */
};

enum wn_return_sign { WN_RETURN_FRPLA, WN_RETURN_RTLA, WN_RETURN_U_TURN };

struct wn_return_found {
	enum wn_return_sign sign;
	size_t from, to; /* hops[from] is the last before; up to hops[to] it shows. FRPLA, RTLA:
			  * to is the first behind the tunnel */
	unsigned hidden; /* hops that the tunnel hides; U_TURN: 0 */
	int was, is;	 /* FRPLA, U_TURN: what the way back has more than the way there, at from
			  * and behind it; RTLA: time exceeded more than echo reply */
};

/* The TTL that it started with: the next of 64, 128 and 255. */
int wn_return_initial(int ttl);

/*
 * hops: by TTL, each TTL once, those without a reply left out. At most cap findings are written,
 * the true count is returned.
 */
size_t wn_return_infer(
	const struct wn_return_ttl *hops, size_t count, struct wn_return_found *out, size_t cap);

#endif
