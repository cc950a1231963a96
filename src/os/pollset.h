/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pollable descriptor that stands for many descriptors and a deadline: what lets a whole
 * engine room be embedded in any event loop by watching a single fd for readability.
 */
#ifndef WN_OS_POLLSET_H
#define WN_OS_POLLSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

struct wn_pollset {
	int fd;	      /* give this one to the event loop */
	int timer_fd; /* inside it */
	uint64_t armed_ns;
};

wn_err wn_pollset_init(struct wn_pollset *p, struct wn_errctx *ctx);
void wn_pollset_fini(struct wn_pollset *p);
/* Watch fd: reading always, writing when asked. Calling it again changes what is watched. */
wn_err wn_pollset_watch(struct wn_pollset *p, int fd, bool writing);
/* Reading; whose it is (not NULL) is what wn_pollset_ready tells. */
wn_err wn_pollset_watch_for(struct wn_pollset *p, int fd, void *whose);
/*
 * Whose those are that are readable now, up to n and 64: NULL for others than watch_for has.
 * Calling it again comes to the rest.
 */
size_t wn_pollset_ready(struct wn_pollset *p, void **out, size_t n);
void wn_pollset_unwatch(struct wn_pollset *p, int fd);
/* Readable at at_ns (monotonic) at the latest; UINT64_MAX disarms. */
wn_err wn_pollset_arm(struct wn_pollset *p, uint64_t at_ns);
/* Blocks until something is ready, the deadline has come, or a signal arrived. */
wn_err wn_pollset_wait(struct wn_pollset *p);

#endif
