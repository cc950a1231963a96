/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, asynchronously (c-ares). The same embedding as wn_run: one descriptor with a timer in
 * it; readable means wn_dns_process. Answers come only from wn_dns_process and wn_dns_free, each
 * request exactly once (WN_ECANCELED when freed). Never blocks.
 */
#ifndef WN_ENRICH_DNS_H
#define WN_ENRICH_DNS_H

#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"

struct wn_dns;

struct wn_dns_config {
	const char *servers; /* "addr[:port],..."; NULL: the system's */
	uint64_t timeout_ns; /* of one whole request; 0: 3 s */
};

/* err: WN_OK; WN_ENOENT no such name (name is ""); WN_ERESOLVE no answer; WN_ECANCELED. */
typedef void wn_dns_ptr_cb(void *user, const struct wn_addr *addr, const char *name, wn_err err);
typedef void wn_dns_addr_cb(
	void *user, const struct wn_addr *addrs, size_t count, wn_err err, const char *why);

wn_err wn_dns_new(const struct wn_dns_config *c, struct wn_dns **out, struct wn_errctx *ctx);
void wn_dns_free(struct wn_dns *d);
int wn_dns_fd(const struct wn_dns *d);
void wn_dns_process(struct wn_dns *d);
size_t wn_dns_pending(const struct wn_dns *d);

/* Name of addr: hosts file, then PTR; asked once per address while pending. Names are bounded and
 * unescaped bytes. */
wn_err wn_dns_reverse(struct wn_dns *d, const struct wn_addr *addr, wn_dns_ptr_cb *cb, void *user);
/* Addresses of an ASCII host name (hosts file included), family 4, 6 or 0 for both, in the
 * order of RFC 6724. */
wn_err wn_dns_resolve(
	struct wn_dns *d, const char *host, uint8_t family, wn_dns_addr_cb *cb, void *user);
/* A host name as typed (UTF-8) in ASCII (IDNA 2008, UTS 46 non-transitional). */
wn_err wn_dns_to_ascii(const char *name, char *out, size_t size, struct wn_errctx *ctx);

#endif
