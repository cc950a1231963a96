/* SPDX-License-Identifier: Apache-2.0 */
/* The socket calls that differ between IPv4 and IPv6 in name only are made the same here. */
#include "io/sock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"

#define ROOM_PER_REPLY 4096 /* an ICMP error with its bookkeeping in the kernel */
#define ROOM_OF_REPLY  2304 /* what one takes up: half a page of a driver's, and its description */
#define ROOM_MIN       (256 * 1024)
#define ROOM_MAX       (16 * 1024 * 1024)

/* From <linux/in6.h>, which cannot be included beside <netinet/in.h>. */
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif

int wn_af(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

socklen_t wn_sa_set(union wn_sa *out, const struct wn_addr *a, uint16_t port, uint32_t ifindex)
{
	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, a->bytes, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	memcpy(&out->v6.sin6_addr, a->bytes, 16);
	if (wn_addr_is_link_local(a) || wn_addr_is_multicast(a))
		out->v6.sin6_scope_id = ifindex;
	return sizeof(out->v6);
}

struct wn_addr wn_sa_addr(const union wn_sa *sa, uint16_t *out_port)
{
	struct wn_addr none = {0};
	uint16_t port = 0;

	if (sa->any.sa_family == AF_INET) {
		none = wn_addr_from_bytes(4, (const uint8_t *)&sa->v4.sin_addr);
		port = ntohs(sa->v4.sin_port);
	} else if (sa->any.sa_family == AF_INET6) {
		none = wn_addr_from_bytes(6, sa->v6.sin6_addr.s6_addr);
		port = ntohs(sa->v6.sin6_port);
	}
	if (out_port)
		*out_port = port;
	return none;
}

bool wn_sock_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static wn_err refuse(struct wn_errctx *ctx, int sys, const char *what, const char *need)
{
	if (sys == EPERM || sys == EACCES)
		return wn_fail_sys(ctx, WN_EPERM, sys, "%s needs %s", what, need);
	if (sys == EAFNOSUPPORT || sys == EPROTONOSUPPORT)
		return wn_fail_sys(
			ctx, WN_EUNSUPPORTED, sys, "%s: this kernel does not support it", what);
	return wn_fail_sys(ctx, WN_ESYS, sys, "%s failed: %s", what, strerror(sys));
}

wn_err wn_sock_open(
	const struct wn_io_config *c, int type, int protocol, int *out, struct wn_errctx *ctx)
{
	int fd = socket(wn_af(c->family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	wn_err err;

	*out = -1;
	if (fd < 0)
		return refuse(ctx, errno, type == SOCK_RAW ? "a raw socket" : "a socket",
			"the capability CAP_NET_RAW");
	/* Else it takes its port from IPv4, too. Raw ones have none. */
	if (c->family == 6 && type != SOCK_RAW)
		wn_sock_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (c->mark && !wn_sock_set(fd, SOL_SOCKET, SO_MARK, (int)c->mark)) {
		err = refuse(ctx, errno, "a packet mark", "the capability CAP_NET_ADMIN");
		goto fail;
	}
	if (c->iface[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->iface,
				   (socklen_t)strlen(c->iface)) != 0) {
		int sys = errno;

		if (sys == ENODEV)
			err = wn_fail_sys(ctx, WN_EIFACE, sys, "no such interface: %s", c->iface);
		else
			err = refuse(
				ctx, sys, "binding to an interface", "the capability CAP_NET_RAW");
		goto fail;
	}
	*out = fd;
	return WN_OK;
fail:
	close(fd);
	return err;
}

uint32_t wn_sock_room(int fd, uint32_t outstanding)
{
	uint64_t bytes = (uint64_t)outstanding * ROOM_PER_REPLY;
	int room = bytes < ROOM_MIN ? ROOM_MIN : bytes > ROOM_MAX ? ROOM_MAX : (int)bytes;
	socklen_t len = sizeof(room);

	if (!wn_sock_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, room))
		wn_sock_set(fd, SOL_SOCKET, SO_RCVBUF, room);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &len) != 0 || room < ROOM_OF_REPLY)
		return 1;
	return (uint32_t)room / ROOM_OF_REPLY;
}

bool wn_sock_tell_ttl(int fd, uint8_t family)
{
	if (family == 4)
		return wn_sock_set(fd, IPPROTO_IP, IP_RECVTTL, 1) &&
		       wn_sock_set(fd, IPPROTO_IP, IP_RECVTOS, 1);
	return wn_sock_set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
	       wn_sock_set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
}

void wn_sock_dont_fragment(int fd, uint8_t family, bool df)
{
	if (family == 4) {
		wn_sock_set(
			fd, IPPROTO_IP, IP_MTU_DISCOVER, df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
		return;
	}
	wn_sock_set(
		fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, df ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
	wn_sock_set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, df);
}

bool wn_sock_choose_label(int fd)
{
	return wn_sock_set(fd, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1);
}

bool wn_sock_labels_work(const struct wn_io_config *c)
{
	union wn_sa to;
	socklen_t len = wn_sa_set(&to, &c->dst, 1, wn_sock_ifindex(c));
	bool work = false;
	int fd;

	if (c->family != 6 || wn_sock_open(c, SOCK_DGRAM, 0, &fd, NULL) != WN_OK)
		return false;
	to.v6.sin6_flowinfo = htonl(1);
	if (wn_sock_choose_label(fd))
		work = connect(fd, &to.any, len) == 0 || errno != EINVAL;
	wn_sock_close(&fd);
	return work;
}

uint32_t wn_sock_ifindex(const struct wn_io_config *c)
{
	uint32_t index = 0;

	if (c->iface[0])
		wn_os_iface_index(c->iface, &index, NULL);
	return index;
}

wn_err wn_sock_queue(int *out, struct wn_errctx *ctx)
{
	*out = epoll_create1(EPOLL_CLOEXEC);
	if (*out < 0)
		return wn_fail_sys(ctx, WN_ESYS, errno, "cannot create an event queue");
	return WN_OK;
}

bool wn_sock_watch(int epoll_fd, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

bool wn_sock_is_scarce(int sys)
{
	return sys == EMFILE || sys == ENFILE || sys == ENOBUFS || sys == ENOMEM;
}

void wn_sock_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static uint64_t timespec_ns(const void *data)
{
	struct timespec ts;

	memcpy(&ts, data, sizeof(ts));
	if (ts.tv_sec < 0 || ts.tv_nsec < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int16_t small_int(const struct cmsghdr *c)
{
	int v = -1;

	if (c->cmsg_len >= CMSG_LEN(sizeof(v)))
		memcpy(&v, CMSG_DATA(c), sizeof(v));
	else if (c->cmsg_len >= CMSG_LEN(1))
		v = CMSG_DATA(c)[0];
	return v >= 0 && v <= 255 ? (int16_t)v : (int16_t)-1;
}

static void read_socket_level(const struct cmsghdr *c, struct wn_cmsgs *out)
{
	switch (c->cmsg_type) {
	case SO_TIMESTAMPING: /* three stamps; the first is the software one */
	case SO_TIMESTAMPNS:
		if (c->cmsg_len >= CMSG_LEN(sizeof(struct timespec)))
			out->unix_ns = timespec_ns(CMSG_DATA(c));
		break;
	case SO_RXQ_OVFL:
		if (c->cmsg_len >= CMSG_LEN(sizeof(out->drops))) {
			memcpy(&out->drops, CMSG_DATA(c), sizeof(out->drops));
			out->has_drops = true;
		}
		break;
	default:
		break;
	}
}

/* An extended error is followed by the address of the one who reported it. */
static void read_extended_error(const struct cmsghdr *c, struct wn_cmsgs *out)
{
	size_t len = c->cmsg_len - CMSG_LEN(0), left;
	const uint8_t *data = CMSG_DATA(c);

	if (c->cmsg_len < CMSG_LEN(sizeof(*out->ee)))
		return;
	out->ee = (const struct sock_extended_err *)data;
	left = len - sizeof(*out->ee);
	if (left > sizeof(out->offender))
		left = sizeof(out->offender);
	memcpy(&out->offender, data + sizeof(*out->ee), left);
	if ((out->offender.any.sa_family == AF_INET && left < sizeof(out->offender.v4)) ||
		(out->offender.any.sa_family == AF_INET6 && left < sizeof(out->offender.v6)))
		out->offender.any.sa_family = AF_UNSPEC;
}

static void read_v4(const struct cmsghdr *c, struct wn_cmsgs *out)
{
	struct in_pktinfo info;

	switch (c->cmsg_type) {
	case IP_TTL:
		out->ttl = small_int(c);
		break;
	case IP_TOS:
		out->tos = small_int(c);
		break;
	case IP_RECVERR:
		read_extended_error(c, out);
		break;
	case IP_PKTINFO:
		if (c->cmsg_len < CMSG_LEN(sizeof(info)))
			break;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		out->to = wn_addr_from_bytes(4, (const uint8_t *)&info.ipi_addr);
		break;
	default:
		break;
	}
}

static void read_v6(const struct cmsghdr *c, struct wn_cmsgs *out)
{
	struct in6_pktinfo info;

	switch (c->cmsg_type) {
	case IPV6_HOPLIMIT:
		out->ttl = small_int(c);
		break;
	case IPV6_TCLASS:
		out->tos = small_int(c);
		break;
	case IPV6_RECVERR:
		read_extended_error(c, out);
		break;
	case IPV6_PKTINFO:
		if (c->cmsg_len < CMSG_LEN(sizeof(info)))
			break;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		out->to = wn_addr_from_bytes(6, info.ipi6_addr.s6_addr);
		break;
	default:
		break;
	}
}

void wn_cmsgs_read(struct msghdr *msg, struct wn_cmsgs *out)
{
	memset(out, 0, sizeof(*out));
	out->ttl = out->tos = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET)
			read_socket_level(c, out);
		else if (c->cmsg_level == IPPROTO_IP)
			read_v4(c, out);
		else if (c->cmsg_level == IPPROTO_IPV6)
			read_v6(c, out);
	}
}

void wn_rx_head_ready(struct wn_rx_head *head, struct msghdr *msg, uint8_t *bytes, size_t size)
{
	head->name.any.sa_family = AF_UNSPEC;
	head->iov = (struct iovec){.iov_base = bytes, .iov_len = size};
	*msg = (struct msghdr){
		.msg_name = &head->name,
		.msg_namelen = sizeof(head->name),
		.msg_iov = &head->iov,
		.msg_iovlen = 1,
		.msg_control = head->cmsg,
		.msg_controllen = sizeof(head->cmsg),
	};
}

void wn_tx_settle(struct wn_tx *tx, wn_err err, int sys, uint64_t tx_ns)
{
	tx->err = err;
	tx->sys = sys;
	tx->tx_ns = tx_ns;
	tx->clock = err == WN_OK ? WN_CLOCK_USER : WN_CLOCK_NONE;
}
