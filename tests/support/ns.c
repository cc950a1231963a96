/* SPDX-License-Identifier: Apache-2.0 */
#include "ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/linux/netlink.h"
#include "os/os.h"

#define LOCAL_MS 5000 /* for the route of a new address, which takes less than one */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

bool ns_enter(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];

	if (unshare(CLONE_NEWNET) == 0)
		return ns_link("lo", true);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	return write_file("/proc/self/gid_map", map) && ns_link("lo", true);
}

bool ns_link(const char *name, bool up)
{
	struct ifreq req;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = false;

	memset(&req, 0, sizeof(req));
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &req) == 0) {
		req.ifr_flags = (short)(up ? req.ifr_flags | IFF_UP : req.ifr_flags & ~IFF_UP);
		ok = ioctl(fd, SIOCSIFFLAGS, &req) == 0;
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool ask(struct wn_nl_buf *b, uint16_t flags)
{
	struct nlmsghdr *h = (struct nlmsghdr *)b->bytes;
	int sys;

	h->nlmsg_flags = (uint16_t)(h->nlmsg_flags | NLM_F_ACK | flags);
	/* An acknowledgement is an error message that says 0, which wn_nl_ask calls EPROTO. */
	sys = wn_nl_ask(b);
	return sys == EPROTO;
}

static size_t bytes_of(const struct wn_addr *a)
{
	return a->family == 4 ? 4 : 16;
}

/* The kernel has an IPv6 address at once and its route a little later, of which it tells. */
static bool becomes_local(const struct wn_addr *addr, int monitor_fd)
{
	struct pollfd fd = {.fd = monitor_fd, .events = POLLIN};
	struct wn_os_change change;

	while (wn_os_addr_is_local(addr, NULL) != WN_OK) {
		if (monitor_fd < 0 || poll(&fd, 1, LOCAL_MS) <= 0)
			return false;
		while (wn_os_monitor_read(monitor_fd, &change) == WN_OK)
			continue;
	}
	return true;
}

bool ns_address(const char *text, uint8_t len, bool add)
{
	struct wn_nl_buf b;
	struct ifaddrmsg *msg;
	struct wn_addr addr;
	int monitor_fd;
	bool ok;

	if (wn_addr_parse(text, &addr) != WN_OK)
		return false;
	msg = wn_nl_request(&b, add ? RTM_NEWADDR : RTM_DELADDR, sizeof(*msg));
	msg->ifa_family = addr.family == 4 ? AF_INET : AF_INET6;
	msg->ifa_prefixlen = len;
	msg->ifa_flags = IFA_F_NODAD;
	msg->ifa_index = if_nametoindex("lo");
	wn_nl_add(&b, IFA_LOCAL, addr.bytes, bytes_of(&addr));
	wn_nl_add(&b, IFA_ADDRESS, addr.bytes, bytes_of(&addr));
	if (!add)
		return ask(&b, 0);
	monitor_fd = wn_os_monitor_open();
	ok = ask(&b, NLM_F_CREATE | NLM_F_EXCL) && becomes_local(&addr, monitor_fd);
	if (monitor_fd >= 0)
		close(monitor_fd);
	return ok;
}

bool ns_route(const char *text, uint8_t type, bool add)
{
	struct wn_nl_buf b;
	struct wn_prefix prefix;
	struct rtmsg *msg;
	uint32_t lo = if_nametoindex("lo");

	if (wn_prefix_parse(text, &prefix) != WN_OK)
		return false;
	msg = wn_nl_request(&b, add ? RTM_NEWROUTE : RTM_DELROUTE, sizeof(*msg));
	msg->rtm_family = prefix.addr.family == 4 ? AF_INET : AF_INET6;
	msg->rtm_dst_len = prefix.len;
	msg->rtm_table = RT_TABLE_MAIN;
	msg->rtm_protocol = RTPROT_BOOT;
	msg->rtm_scope =
		type == RTN_UNICAST && prefix.addr.family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	msg->rtm_type = type;
	wn_nl_add(&b, RTA_DST, prefix.addr.bytes, bytes_of(&prefix.addr));
	if (type == RTN_UNICAST || prefix.addr.family == 6)
		wn_nl_add(&b, RTA_OIF, &lo, sizeof(lo));
	return ask(&b, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
}

bool ns_sysctl(const char *path, const char *value)
{
	char file[128];

	snprintf(file, sizeof(file), "/proc/sys/%s", path);
	return write_file(file, value);
}

bool ns_nft(const char *text)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execlp("nft", "nft", text, (char *)NULL);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool ns_send(const uint8_t *packet, size_t len, const struct wn_addr *dst)
{
	bool v4 = dst->family == 4;
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct sockaddr_in to4 = {.sin_family = AF_INET};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	ssize_t n;

	if (fd < 0)
		return false;
	memcpy(&to4.sin_addr, dst->bytes, 4);
	memcpy(&to6.sin6_addr, dst->bytes, 16);
	if (v4)
		n = sendto(fd, packet, len, 0, (struct sockaddr *)&to4, sizeof(to4));
	else
		n = sendto(fd, packet, len, 0, (struct sockaddr *)&to6, sizeof(to6));
	close(fd);
	return n == (ssize_t)len;
}
