/* SPDX-License-Identifier: Apache-2.0 */
/* What back ends of this room share beside sockets. */
#ifndef WN_IO_IO_PRIV_H
#define WN_IO_IO_PRIV_H

#include "io/io.h"

/* Families agree, the ports exist, the interface name ends. */
wn_err wn_io_config_check(const struct wn_io_config *c, struct wn_errctx *ctx);
/* Sets c->src, when it has none, to what the kernel would use. out_mtu may be NULL. */
wn_err wn_io_find_source(struct wn_io_config *c, uint32_t *out_mtu, struct wn_errctx *ctx);

/* The unprivileged back ends, one for each protocol. */
wn_err wn_io_udp_errqueue_open(
	const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx);
wn_err wn_io_ping_open(const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx);
wn_err wn_io_tcp_connect_open(
	const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx);

#endif
