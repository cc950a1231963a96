/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hosts file, read once: afterwards no file needs to be opened, which a confined process
 * cannot do. Plain data; owned by whoever loaded it.
 */
#ifndef WN_ENRICH_HOSTS_H
#define WN_ENRICH_HOSTS_H

#include <stddef.h>
#include "base/addr.h"

struct wn_host {
	struct wn_addr addr;
	const char *name; /* into text */
};

struct wn_hosts {
	char *text; /* owned, like list */
	struct wn_host *list;
	size_t count;
};

/* A file that is missing, too large or nonsense is one with fewer names in it. */
void wn_hosts_load(struct wn_hosts *h, const char *path);
void wn_hosts_free(struct wn_hosts *h);
/* The first name of addr, NULL when it has none. */
const char *wn_hosts_name(const struct wn_hosts *h, const struct wn_addr *addr);

#endif
