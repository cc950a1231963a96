/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of this machine's network while traces run. The kernel sends each change as a message
 * of its own; what is of no interest is skipped here, and a full table of routes is kept out by a
 * filter in the kernel, so that a busy router does not wake us thousands of times.
 */
#include "os/os.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/linux/netlink.h"

#define GROUPS                                                                                     \
	(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |               \
		RTMGRP_IPV6_ROUTE)
#define READ_TRIES 256

/* Lets through everything but routes to particular destinations. */
static bool only_default_routes(int fd)
{
	/* The filter machine loads big-endian, netlink is in host order. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_dst_len)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0;
}

int wn_os_monitor_open(void)
{
	struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = GROUPS};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? WN_EFULL : WN_ESYS;
	if (!only_default_routes(fd) || bind(fd, (struct sockaddr *)&groups, sizeof(groups)) != 0) {
		close(fd);
		return WN_ESYS;
	}
	return fd;
}

/*
 * A link counts as up when it is switched on and has a carrier. ifi_change is the set of flags
 * that changed; 0 is what the kernel sends for a carrier that came or went.
 */
static bool read_link(const struct nlmsghdr *msg, struct wn_os_change *out)
{
	const unsigned state = IFF_UP | IFF_RUNNING;
	const struct ifinfomsg *info = NLMSG_DATA(msg);
	const struct rtattr *at = NULL;

	if (msg->nlmsg_type == RTM_NEWLINK && info->ifi_change && !(info->ifi_change & state))
		return false;
	out->kind = WN_OS_LINK_DOWN;
	if (msg->nlmsg_type == RTM_NEWLINK && (info->ifi_flags & state) == state)
		out->kind = WN_OS_LINK_UP;
	out->ifindex = (uint32_t)info->ifi_index;
	while ((at = wn_nl_next(msg, sizeof(*info), at)) != NULL)
		if (at->rta_type == IFLA_IFNAME)
			wn_nl_name(at, out->iface, sizeof(out->iface));
	return true;
}

static bool read_addr(const struct nlmsghdr *msg, struct wn_os_change *out)
{
	const struct ifaddrmsg *info = NLMSG_DATA(msg);
	const struct rtattr *at = NULL;
	uint32_t flags = info->ifa_flags;
	bool local = false;

	while ((at = wn_nl_next(msg, sizeof(*info), at)) != NULL) {
		/* On point-to-point links IFA_ADDRESS is the peer's, IFA_LOCAL ours. */
		if (at->rta_type == IFA_LOCAL || (at->rta_type == IFA_ADDRESS && !local))
			out->addr = wn_nl_addr(at);
		if (at->rta_type == IFA_LOCAL)
			local = true;
		if (at->rta_type == IFA_FLAGS)
			flags = wn_nl_u32(at);
	}
	out->kind = msg->nlmsg_type == RTM_NEWADDR ? WN_OS_ADDR_NEW : WN_OS_ADDR_GONE;
	out->ifindex = info->ifa_index;
	/* Not usable before duplicate address detection; it is announced again after it. */
	if (out->kind == WN_OS_ADDR_NEW && (flags & IFA_F_TENTATIVE))
		return false;
	return out->addr.family != 0;
}

static bool read_route(const struct nlmsghdr *msg, struct wn_os_change *out)
{
	const struct rtmsg *rt = NLMSG_DATA(msg);
	const struct rtattr *at = NULL;

	if ((rt->rtm_flags & RTM_F_CLONED) || rt->rtm_dst_len != 0)
		return false;
	while ((at = wn_nl_next(msg, sizeof(*rt), at)) != NULL)
		if (at->rta_type == RTA_OIF)
			out->ifindex = wn_nl_u32(at);
	out->kind = WN_OS_ROUTE_CHANGED;
	return true;
}

static bool read_change(const struct wn_nl_buf *b, size_t len, struct wn_os_change *out)
{
	const struct nlmsghdr *msg = wn_nl_message(b, len, 0);

	memset(out, 0, sizeof(*out));
	if (!msg)
		return false;
	switch (msg->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return wn_nl_message(b, len, sizeof(struct ifinfomsg)) && read_link(msg, out);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return wn_nl_message(b, len, sizeof(struct ifaddrmsg)) && read_addr(msg, out);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return wn_nl_message(b, len, sizeof(struct rtmsg)) && read_route(msg, out);
	default:
		return false;
	}
}

wn_err wn_os_monitor_read(int fd, struct wn_os_change *out)
{
	struct sockaddr_nl from;
	struct wn_nl_buf b;

	for (int i = 0; i < READ_TRIES; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t n;

		memset(&from, 0, sizeof(from));
		n = recvfrom(fd, b.bytes, sizeof(b.bytes), 0, (struct sockaddr *)&from, &from_len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOBUFS ? WN_EFULL : errno == EAGAIN ? WN_EAGAIN : WN_ESYS;
		if (from.nl_pid == 0 && read_change(&b, (size_t)n, out))
			return WN_OK;
	}
	return WN_EAGAIN;
}
