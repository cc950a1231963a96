/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source ports (or ICMP ids) that are ours: chosen at random, so that a stranger cannot guess
 * them, and held by bound sockets, so that no other program gets our replies or we its.
 */
#ifndef WN_IO_PORTS_H
#define WN_IO_PORTS_H

#include <stdbool.h>
#include "io/io.h"

/*
 * Of a span so many are bound when it opens, and every so manieth as a mark, the others at first
 * use. So no two spans of ours overlap: the one's first ports would meet a mark of the other. When
 * no place without a mark is found the marks are left out.
 */
#define WN_PORTS_EAGER 64

/*
 * Offers first ports to claim until it takes one: WN_OK taken, WN_EADDRINUSE try another, else
 * give up. Only c->sport when it is not 0.
 */
typedef wn_err wn_port_claim(void *user, uint16_t first, struct wn_errctx *ctx);
wn_err wn_ports_choose(const struct wn_io_config *c, wn_port_claim *claim, void *user,
	uint16_t *out, struct wn_errctx *ctx);
/* Is port one of the span of ports that begins at first? */
bool wn_ports_within(uint16_t first, uint32_t span, uint16_t port);
/* Binds fd to the source address and port. WN_EADDRINUSE, WN_EPERM, WN_EADDRNOTAVAIL. */
wn_err wn_ports_bind(int fd, const struct wn_io_config *c, uint16_t port, struct wn_errctx *ctx);

/* Ports held by sockets that do nothing else. */
struct wn_ports {
	int *fds; /* owned; -1 not held */
	uint32_t span;
	uint16_t first;
	int type;	/* SOCK_DGRAM, SOCK_STREAM */
	bool shared;	/* SO_REUSEADDR: sockets of our own will bind to the same port */
	uint32_t tries; /* to find a place for the span */
	const struct wn_io_config *config;
};
/* config is borrowed for the life of p. */
wn_err wn_ports_open(struct wn_ports *p, const struct wn_io_config *config, int type, bool shared,
	struct wn_errctx *ctx);
/* Makes sure that port, one of the span, is held. */
wn_err wn_ports_hold(struct wn_ports *p, uint16_t port, struct wn_errctx *ctx);
/* The same for any port, by a socket of the caller's. */
wn_err wn_ports_hold_one(
	const struct wn_ports *p, uint16_t port, int *out_fd, struct wn_errctx *ctx);
/* Whether it is: of a port that is not, nothing of ours has left. */
bool wn_ports_is_held(const struct wn_ports *p, uint16_t port);
void wn_ports_close(struct wn_ports *p);

#endif
