/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TUN devices by ioctl, which is all they need: no message to build, and the kernel picks the
 * source address of a route from the device's own.
 */
#include "os/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH      "/dev/net/tun"
#define NAME_TEMPLATE "wend%d"

static wn_err fail(struct wn_errctx *ctx, int sys, const char *what, const char *name)
{
	if (sys == EPERM || sys == EACCES)
		return wn_fail_sys(
			ctx, WN_EPERM, sys, "%s %s: needs root (CAP_NET_ADMIN)", what, name);
	return wn_fail_sys(ctx, WN_ESYS, sys, "%s %s: %s", what, name, strerror(sys));
}

wn_err wn_os_tun_open(const char *name, struct wn_os_tun *out, struct wn_errctx *ctx)
{
	struct ifreq req = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL)};
	const char *wanted;
	int sys;

	out->fd = -1;
	out->name[0] = '\0';
	if (strlen(name) >= IFNAMSIZ || strchr(name, '/') || strchr(name, '%'))
		return wn_fail(ctx, WN_EIFACE, "%s is no name for a device (1 to %d bytes)", name,
			IFNAMSIZ - 1);
	out->fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (out->fd < 0)
		return fail(ctx, errno, "cannot open", TUN_PATH);
	wanted = *name ? name : NAME_TEMPLATE;
	memcpy(req.ifr_name, wanted, strlen(wanted) + 1);
	if (ioctl(out->fd, TUNSETIFF, &req) != 0) {
		sys = errno;
		wn_os_tun_close(out);
		if (sys == EBUSY)
			return wn_fail_sys(ctx, WN_EADDRINUSE, sys,
				"there is a device %s already: choose another name", name);
		return fail(ctx, sys, "cannot make the device", *name ? name : "wend0");
	}
	memcpy(out->name, req.ifr_name, sizeof(out->name));
	return WN_OK;
}

void wn_os_tun_close(struct wn_os_tun *tun)
{
	if (tun->fd >= 0)
		close(tun->fd);
	tun->fd = -1;
}

/* One ioctl on a socket of a family; 0 or errno. */
static int ask(int family, unsigned long request, void *arg)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int sys = 0;

	if (fd < 0)
		return errno;
	if (ioctl(fd, request, arg) != 0)
		sys = errno;
	close(fd);
	return sys;
}

static struct sockaddr sockaddr_v4(const uint8_t bytes[4])
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr out;

	memcpy(&in.sin_addr, bytes, 4);
	memcpy(&out, &in, sizeof(out));
	return out;
}

static struct sockaddr mask_v4(uint8_t len)
{
	uint32_t mask = len ? UINT32_MAX << (32 - len) : 0;
	const uint8_t bytes[4] = {
		(uint8_t)(mask >> 24), (uint8_t)(mask >> 16), (uint8_t)(mask >> 8), (uint8_t)mask};

	return sockaddr_v4(bytes);
}

static struct ifreq ifreq_of(const struct wn_os_tun *tun)
{
	struct ifreq req = {0};

	memcpy(req.ifr_name, tun->name, IFNAMSIZ);
	return req;
}

static int add_addr4(const struct wn_os_tun *tun, const struct wn_addr *addr)
{
	struct ifreq req = ifreq_of(tun);
	int sys;

	req.ifr_addr = sockaddr_v4(addr->bytes);
	sys = ask(AF_INET, SIOCSIFADDR, &req);
	if (sys)
		return sys;
	req.ifr_netmask = mask_v4(32);
	return ask(AF_INET, SIOCSIFNETMASK, &req);
}

static int add_addr6(const struct wn_os_tun *tun, const struct wn_addr *addr)
{
	struct in6_ifreq req = {
		.ifr6_prefixlen = 128, .ifr6_ifindex = (int)if_nametoindex(tun->name)};

	memcpy(&req.ifr6_addr, addr->bytes, 16);
	return ask(AF_INET6, SIOCSIFADDR, &req);
}

wn_err wn_os_tun_addr(
	const struct wn_os_tun *tun, const struct wn_addr *addr, struct wn_errctx *ctx)
{
	char text[WN_ADDR_STRLEN];
	int sys = addr->family == 4 ? add_addr4(tun, addr) : add_addr6(tun, addr);

	if (sys)
		return fail(ctx, sys, "cannot set the address", wn_addr_str(addr, text));
	return WN_OK;
}

wn_err wn_os_tun_up(const struct wn_os_tun *tun, uint16_t mtu, struct wn_errctx *ctx)
{
	struct ifreq req = ifreq_of(tun);
	int sys;

	req.ifr_mtu = mtu;
	sys = ask(AF_INET, SIOCSIFMTU, &req);
	if (sys)
		return fail(ctx, sys, "cannot set the MTU of", tun->name);
	req = ifreq_of(tun);
	req.ifr_flags = IFF_UP | IFF_RUNNING | IFF_NOARP | IFF_POINTOPOINT;
	sys = ask(AF_INET, SIOCSIFFLAGS, &req);
	if (sys)
		return fail(ctx, sys, "cannot bring up", tun->name);
	return WN_OK;
}

static int add_route4(const struct wn_os_tun *tun, const struct wn_prefix *prefix)
{
	char name[WN_TUN_NAME];
	struct rtentry rt = {.rt_flags = RTF_UP, .rt_dev = name};

	memcpy(name, tun->name, sizeof(name));
	rt.rt_dst = sockaddr_v4(prefix->addr.bytes);
	rt.rt_genmask = mask_v4(prefix->len);
	return ask(AF_INET, SIOCADDRT, &rt);
}

static int add_route6(const struct wn_os_tun *tun, const struct wn_prefix *prefix)
{
	struct in6_rtmsg rt = {.rtmsg_flags = RTF_UP,
		.rtmsg_metric = 1,
		.rtmsg_dst_len = prefix->len,
		.rtmsg_ifindex = (int)if_nametoindex(tun->name)};

	memcpy(&rt.rtmsg_dst, prefix->addr.bytes, 16);
	return ask(AF_INET6, SIOCADDRT, &rt);
}

wn_err wn_os_tun_route(
	const struct wn_os_tun *tun, const struct wn_prefix *prefix, struct wn_errctx *ctx)
{
	char text[WN_PREFIX_STRLEN];
	int sys = prefix->addr.family == 4 ? add_route4(tun, prefix) : add_route6(tun, prefix);

	if (sys && sys != EEXIST)
		return fail(ctx, sys, "cannot add the route to", wn_prefix_str(prefix, text));
	return WN_OK;
}
