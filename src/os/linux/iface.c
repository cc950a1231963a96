/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces by name, and which addresses are ours. */
#include "os/os.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

wn_err wn_os_iface_index(const char *name, uint32_t *out, struct wn_errctx *ctx)
{
	unsigned index;

	if (name[0] == '\0' || strlen(name) >= IF_NAMESIZE)
		return wn_fail(ctx, WN_EIFACE, "no such interface: '%.40s'", name);
	index = if_nametoindex(name);
	if (index == 0)
		return wn_fail_sys(ctx, WN_EIFACE, errno, "no such interface: %s", name);
	*out = index;
	return WN_OK;
}

wn_err wn_os_addr_is_local(const struct wn_addr *addr, struct wn_errctx *ctx)
{
	struct wn_os_route route;
	char text[WN_ADDR_STRLEN];
	wn_err err = wn_os_route_get(addr, NULL, NULL, 0, &route, ctx);

	/* The kernel routes to its own addresses, and to no others, by entries of type local. */
	if (err == WN_ESYS || (err == WN_OK && route.local))
		return err;
	return wn_fail(ctx, WN_EADDRNOTAVAIL, "source %s is not an address of this machine",
		wn_addr_str(addr, text));
}
