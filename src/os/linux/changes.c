/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether anything has changed that a route may depend on. What exactly is not looked at, so the
 * queue is kept small: that it overflowed says the same as what it holds. Nobody waits for it; a
 * router with a full table wakes nobody by this.
 */
#include "os/os.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/linux/netlink.h"

#define QUEUE_BYTES 8192
#define READ_MAX    1024 /* messages in one call: more may be coming all the time */

/* The last of them older kernels do not have, nor what it is about. */
static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
	RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
	RTNLGRP_NEXTHOP};

static bool join(int fd)
{
	const size_t count = sizeof(groups) / sizeof(groups[0]);

	for (size_t i = 0; i < count; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			    sizeof(groups[i])) != 0 &&
			i + 1 < count)
			return false;
	return true;
}

int wn_os_changes_open(void)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	const int room = QUEUE_BYTES;

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? WN_EFULL : WN_ESYS;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) != 0 ||
		bind(fd, (struct sockaddr *)&self, sizeof(self)) != 0 || !join(fd)) {
		close(fd);
		return WN_ESYS;
	}
	return fd;
}

/* A message is cut to its first byte and gone; whoever sent it, to ask again is never wrong. */
bool wn_os_changes_any(int fd)
{
	bool any = false;
	char byte;

	for (int i = 0; i < READ_MAX; i++) {
		ssize_t n = recv(fd, &byte, sizeof(byte), 0);

		if (n < 0 && errno == EAGAIN)
			break;
		any = any || n >= 0 || errno != EINTR;
	}
	return any;
}
