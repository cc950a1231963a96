/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same for every back end, and the choice among the unprivileged ones. */
#include "io/io.h"

#include <string.h>

#include "io/io_priv.h"
#include "os/os.h"

#define PORTS 65536u

uint16_t wn_io_sport(const struct wn_io *io)
{
	return io->sport;
}

wn_err wn_io_config_check(const struct wn_io_config *c, struct wn_errctx *ctx)
{
	if ((c->family != 4 && c->family != 6) || c->dst.family != c->family ||
		(c->src.family && c->src.family != c->family))
		return wn_fail(ctx, WN_EINVAL, "source and destination differ in IP version");
	if (!memchr(c->iface, '\0', sizeof(c->iface)))
		return wn_fail(ctx, WN_EIFACE, "the name of the interface is too long");
	if (c->port_span == 0 || c->port_span > PORTS || c->sport + c->port_span > PORTS)
		return wn_fail(ctx, WN_ERANGE, "%u source ports from %u on do not exist",
			(unsigned)c->port_span, (unsigned)c->sport);
	return WN_OK;
}

wn_err wn_io_find_source(struct wn_io_config *c, uint32_t *out_mtu, struct wn_errctx *ctx)
{
	struct wn_os_route route;
	wn_err err;

	if (c->src.family && !out_mtu)
		return WN_OK;
	err = wn_os_route_get(&c->dst, c->src.family ? &c->src : NULL,
		c->iface[0] ? c->iface : NULL, c->mark, &route, ctx);
	if (err != WN_OK)
		return err;
	c->src = route.src;
	if (out_mtu)
		*out_mtu = route.mtu;
	return WN_OK;
}

wn_err wn_io_errqueue_open(const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx)
{
	wn_err err = wn_io_config_check(c, ctx);

	*out = NULL;
	if (err != WN_OK)
		return err;
	switch (c->proto) {
	case WN_PROTO_UDP:
		return wn_io_udp_errqueue_open(c, out, ctx);
	case WN_PROTO_ICMP:
		return wn_io_ping_open(c, out, ctx);
	case WN_PROTO_TCP:
		return wn_io_tcp_connect_open(c, out, ctx);
	}
	return wn_fail(ctx, WN_EINVAL, "no such protocol");
}
