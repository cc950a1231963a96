/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a packet would leave, asked of the kernel rather than guessed from tables. */
#include "os/os.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/linux/netlink.h"

static uint8_t af(const struct wn_addr *a)
{
	return a->family == 4 ? AF_INET : AF_INET6;
}

static size_t addr_bytes(const struct wn_addr *a)
{
	return a->family == 4 ? 4 : 16;
}

static void build(struct wn_nl_buf *b, const struct wn_addr *dst, const struct wn_addr *src,
	uint32_t oif, uint32_t mark)
{
	struct rtmsg *rt = wn_nl_request(b, RTM_GETROUTE, sizeof(*rt));

	rt->rtm_family = af(dst);
	rt->rtm_dst_len = (uint8_t)(addr_bytes(dst) * 8);
	wn_nl_add(b, RTA_DST, dst->bytes, addr_bytes(dst));
	if (src) {
		rt->rtm_src_len = (uint8_t)(addr_bytes(src) * 8);
		wn_nl_add(b, RTA_SRC, src->bytes, addr_bytes(src));
	}
	if (oif)
		wn_nl_add(b, RTA_OIF, &oif, sizeof(oif));
	if (mark)
		wn_nl_add(b, RTA_MARK, &mark, sizeof(mark));
}

/* RTA_METRICS nests attributes of the same shape. */
static uint32_t metric_mtu(const struct rtattr *metrics)
{
	size_t left;
	const uint8_t *at = wn_nl_data(metrics, &left);

	while (left >= sizeof(struct rtattr)) {
		const struct rtattr *m = (const struct rtattr *)at;
		size_t step;

		if (m->rta_len < sizeof(*m) || m->rta_len > left)
			break;
		if (m->rta_type == RTAX_MTU)
			return wn_nl_u32(m);
		step = RTA_ALIGN(m->rta_len);
		if (step > left)
			break;
		at += step;
		left -= step;
	}
	return 0;
}

/* RTA_VIA: a next hop of the other family, a family (2 bytes) and its address. */
static struct wn_addr via_addr(const struct rtattr *at)
{
	struct wn_addr none = {0};
	size_t len;
	const uint8_t *data = wn_nl_data(at, &len);

	if (len != 2 + 4 && len != 2 + 16)
		return none;
	return wn_addr_from_bytes(len == 2 + 4 ? 4 : 6, data + 2);
}

static void read_answer(const struct nlmsghdr *msg, struct wn_os_route *out)
{
	const struct rtattr *at = NULL;

	while ((at = wn_nl_next(msg, sizeof(struct rtmsg), at)) != NULL) {
		switch (at->rta_type) {
		case RTA_PREFSRC:
			out->src = wn_nl_addr(at);
			break;
		case RTA_GATEWAY:
			out->via = wn_nl_addr(at);
			break;
		case RTA_VIA:
			out->via = via_addr(at);
			break;
		case RTA_OIF:
			out->ifindex = wn_nl_u32(at);
			break;
		case RTA_METRICS:
			out->mtu = metric_mtu(at);
			break;
		default:
			break;
		}
	}
}

/* Of another interface than the last one. 0 or an errno. */
static int look_at(struct wn_os_asker *a, uint32_t ifindex)
{
	struct ifreq req;

	if (a->any_fd < 0)
		a->any_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (a->any_fd < 0)
		return errno;
	memset(&req, 0, sizeof(req));
	memset(a->iface, 0, sizeof(a->iface));
	a->ifindex = ifindex;
	a->mtu = 0;
	req.ifr_ifindex = (int)ifindex;
	if (ioctl(a->any_fd, SIOCGIFNAME, &req) != 0)
		return 0;
	memcpy(a->iface, req.ifr_name, sizeof(req.ifr_name));
	if (ioctl(a->any_fd, SIOCGIFMTU, &req) == 0 && req.ifr_mtu > 0)
		a->mtu = (uint32_t)req.ifr_mtu;
	return 0;
}

/* The interface's name and MTU, which is the route's unless that has its own. 0 or an errno. */
static int name_interface(struct wn_os_asker *a, struct wn_os_route *out)
{
	int sys = a->ifindex && a->ifindex == out->ifindex ? 0 : look_at(a, out->ifindex);

	if (sys)
		return sys;
	memcpy(out->iface, a->iface, sizeof(out->iface));
	out->link_mtu = a->mtu;
	if (!out->mtu)
		out->mtu = out->link_mtu;
	return 0;
}

/* The question failed, not the route. */
static bool is_of_asking(int sys)
{
	static const int causes[] = {EPROTO, EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EINTR, EPERM};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i] == sys)
			return true;
	return false;
}

static wn_err no_route(struct wn_errctx *ctx, const struct wn_addr *dst, const struct wn_addr *src,
	const char *iface, int sys)
{
	char to[WN_ADDR_STRLEN], from[WN_ADDR_STRLEN];

	if (sys == EINVAL && src)
		return wn_fail_sys(ctx, WN_EADDRNOTAVAIL, sys,
			"no route to %s from %s: is it an address of this machine?",
			wn_addr_str(dst, to), wn_addr_str(src, from));
	if (sys == EACCES)
		return wn_fail_sys(ctx, WN_ENOROUTE, sys, "the route to %s is set to prohibit",
			wn_addr_str(dst, to));
	if (is_of_asking(sys))
		return wn_fail_sys(ctx, WN_ESYS, sys, "cannot ask the kernel for the route to %s",
			wn_addr_str(dst, to));
	return wn_fail_sys(ctx, WN_ENOROUTE, sys, "no route to %s%s%s", wn_addr_str(dst, to),
		iface ? " through " : "", iface ? iface : "");
}

wn_err wn_os_route_ask(struct wn_os_asker *a, const struct wn_addr *dst, const struct wn_addr *src,
	const char *iface, uint32_t mark, struct wn_os_route *out, struct wn_errctx *ctx)
{
	struct wn_nl_buf b;
	const struct nlmsghdr *msg;
	const struct rtmsg *rt;
	uint32_t oif = 0;
	int sys;

	memset(out, 0, sizeof(*out));
	if (dst->family != 4 && dst->family != 6)
		return wn_fail(ctx, WN_EINVAL, "a route needs a destination address");
	if (src && src->family != dst->family)
		return wn_fail(ctx, WN_EINVAL, "source and destination differ in IP version");
	if (iface && wn_os_iface_index(iface, &oif, ctx) != WN_OK)
		return WN_EIFACE;
	build(&b, dst, src, oif, mark);
	sys = wn_nl_ask_by(&a->netlink_fd, &b);
	if (sys)
		return no_route(ctx, dst, src, iface, sys);
	msg = wn_nl_message(&b, sizeof(b.bytes), sizeof(*rt));
	if (!msg || msg->nlmsg_type != RTM_NEWROUTE)
		return no_route(ctx, dst, src, iface, EPROTO);
	rt = NLMSG_DATA(msg);
	if (rt->rtm_type == RTN_UNREACHABLE || rt->rtm_type == RTN_BLACKHOLE)
		return no_route(ctx, dst, src, iface, EHOSTUNREACH);
	if (rt->rtm_type == RTN_PROHIBIT)
		return no_route(ctx, dst, src, iface, EACCES);
	out->local = rt->rtm_type == RTN_LOCAL;
	read_answer(msg, out);
	if (src)
		out->src = *src;
	sys = name_interface(a, out);
	if (sys)
		return no_route(ctx, dst, src, iface, sys);
	if (!out->src.family)
		return wn_fail(ctx, WN_EADDRNOTAVAIL, "%s has no address to send from",
			out->iface[0] ? out->iface : "this machine");
	return WN_OK;
}

void wn_os_asker_close(struct wn_os_asker *a)
{
	if (a->netlink_fd >= 0)
		close(a->netlink_fd);
	if (a->any_fd >= 0)
		close(a->any_fd);
	*a = (struct wn_os_asker)WN_OS_ASKER_NONE;
}

wn_err wn_os_route_get(const struct wn_addr *dst, const struct wn_addr *src, const char *iface,
	uint32_t mark, struct wn_os_route *out, struct wn_errctx *ctx)
{
	struct wn_os_asker a = WN_OS_ASKER_NONE;
	wn_err err = wn_os_route_ask(&a, dst, src, iface, mark, out, ctx);

	wn_os_asker_close(&a);
	return err;
}
