/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses and prefixes as plain values, without socket headers.
 * family is 0 (none), 4 or 6; bytes are in network order; for family 4 the first four count and
 * the rest are zero, so that memcmp-style comparison over the whole struct is valid.
 */
#ifndef WN_BASE_ADDR_H
#define WN_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

#define WN_ADDR_STRLEN	 46 /* longest text of an address with its NUL */
#define WN_PREFIX_STRLEN 50 /* the same for a prefix */

struct wn_addr {
	uint8_t family;
	uint8_t bytes[16];
};

struct wn_prefix {
	struct wn_addr addr; /* host bits zero */
	uint8_t len;
};

struct wn_addr wn_addr_v4(uint32_t host_order);
struct wn_addr wn_addr_from_bytes(uint8_t family, const uint8_t *bytes); /* 4 or 16 bytes */
uint32_t wn_addr_to_v4(const struct wn_addr *a); /* host order; 0 unless family is 4 */

/* Strict numeric forms only: dotted quad without leading zeros (RFC 6943 3.1.1), RFC 4291 2.2
 * for IPv6 (embedded IPv4 allowed, no scope id). */
wn_err wn_addr_parse(const char *text, struct wn_addr *out);
/* Canonical text (RFC 5952 for IPv6); "" for family 0. Returns buf. */
const char *wn_addr_str(const struct wn_addr *a, char buf[WN_ADDR_STRLEN]);

wn_err wn_prefix_parse(const char *text, struct wn_prefix *out); /* host bits must be zero */
const char *wn_prefix_str(const struct wn_prefix *p, char buf[WN_PREFIX_STRLEN]);
bool wn_prefix_contains(const struct wn_prefix *p, const struct wn_addr *a);

bool wn_addr_eq(const struct wn_addr *a, const struct wn_addr *b);
int wn_addr_cmp(const struct wn_addr *a, const struct wn_addr *b); /* family, then bytes */
uint64_t wn_addr_hash(const struct wn_addr *a);
bool wn_addr_is_multicast(const struct wn_addr *a);
bool wn_addr_is_loopback(const struct wn_addr *a);
bool wn_addr_is_link_local(const struct wn_addr *a);

#endif
