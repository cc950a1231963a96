/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network of one's own for a test program: a fresh namespace with nothing but a loopback
 * interface that is up. Nothing of it outlives the process.
 */
#ifndef WN_TESTS_NS_H
#define WN_TESTS_NS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"

/*
 * Moves the process into a new network namespace, as root directly, otherwise in a new user
 * namespace where it is root. false where the machine allows neither. Call before any thread.
 */
bool ns_enter(void);

bool ns_link(const char *name, bool up);
/* Adds or removes an address of lo, or a route; type is RTN_UNICAST (through lo), RTN_PROHIBIT ...
 */
bool ns_address(const char *addr, uint8_t len, bool add);
bool ns_route(const char *prefix, uint8_t type, bool add);
/* Writes a sysctl of this namespace: "net/ipv4/ping_group_range". */
bool ns_sysctl(const char *path, const char *value);
/* Runs `nft TEXT` here; false where there is no nft. */
bool ns_nft(const char *text);
/*
 * A program of ours as a second witness: sends packet (whole, IP header included) from this
 * namespace.
 */
bool ns_send(const uint8_t *packet, size_t len, const struct wn_addr *dst);

#endif
