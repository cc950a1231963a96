/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 (Aumasson, Bernstein 2012), 64 and 128 bit output, for cookies and hash tables. */
#ifndef WN_BASE_SIPHASH_H
#define WN_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct wn_sipkey {
	uint8_t bytes[16];
};

uint64_t wn_siphash(const struct wn_sipkey *key, const void *data, size_t len);
void wn_siphash128(const struct wn_sipkey *key, const void *data, size_t len, uint8_t out[16]);

#endif
