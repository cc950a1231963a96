/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TUN device: IP packets that this machine routes to it are read from a descriptor, and what is
 * written there arrives as if from the network. The device, its addresses and its routes vanish
 * when the descriptor is closed, however the process ends. Needs CAP_NET_ADMIN.
 */
#ifndef WN_OS_TUN_H
#define WN_OS_TUN_H

#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"

#define WN_TUN_NAME 16 /* with its NUL */

struct wn_os_tun {
	int fd; /* non-blocking; one packet for each read and write, without any header */
	char name[WN_TUN_NAME];
};

/* name "" lets the kernel choose wend0, wend1, ... A device of that name is never taken over. */
wn_err wn_os_tun_open(const char *name, struct wn_os_tun *out, struct wn_errctx *ctx);
void wn_os_tun_close(struct wn_os_tun *tun);
/* An address of this machine, on the device alone (no network behind it). */
wn_err wn_os_tun_addr(
	const struct wn_os_tun *tun, const struct wn_addr *addr, struct wn_errctx *ctx);
wn_err wn_os_tun_up(const struct wn_os_tun *tun, uint16_t mtu, struct wn_errctx *ctx);
/* Packets to prefix go to the device, which must be up. One that is there already is fine. */
wn_err wn_os_tun_route(
	const struct wn_os_tun *tun, const struct wn_prefix *prefix, struct wn_errctx *ctx);

#endif
