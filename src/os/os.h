/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operating system knows: time, entropy, routes, interfaces, privileges.
 * src/os/linux/ implements it; other systems later.
 */
#ifndef WN_OS_OS_H
#define WN_OS_OS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"
#include "base/siphash.h"

uint64_t wn_os_mono_ns(void);
uint64_t wn_os_unix_ns(void);
/*
 * Wall clock minus monotonic clock, which changes only when the clock is set or the machine slept.
 * Exact to out_error_ns (half the time the reading took); out_error_ns may be NULL.
 */
int64_t wn_os_clock_offset_ns(uint64_t *out_error_ns);
/*
 * A wall-clock stamp of the kernel as monotonic time, by the offset of both clocks now. Valid
 * only when it falls into [not_before, not_after]; else 0: the clock was set in between.
 */
uint64_t wn_os_mono_from_unix(uint64_t unix_ns, uint64_t not_before, uint64_t not_after);
wn_err wn_os_entropy(void *out, size_t len);

struct wn_os_route {
	struct wn_addr src; /* the address the kernel would use */
	struct wn_addr via; /* family 0: on link */
	uint32_t ifindex;
	char iface[32];
	uint32_t mtu;	   /* of the route, as far as the kernel knows by now */
	uint32_t link_mtu; /* of the interface */
	bool local;	   /* dst is an address of this machine */
};
/* The route to dst over netlink (RTM_GETROUTE); src and iface constrain it when given. */
wn_err wn_os_route_get(const struct wn_addr *dst, const struct wn_addr *src, const char *iface,
	uint32_t mark, struct wn_os_route *out, struct wn_errctx *ctx);
/*
 * The same for who asks often: sockets that stay open, and the interface that was met last. Whoever
 * keeps one forgets that interface when links may have changed.
 */
struct wn_os_asker {
	int netlink_fd, any_fd; /* -1: not open */
	uint32_t ifindex;	/* 0: none is known; */
	char iface[32];		/* its name ... */
	uint32_t mtu;		/* ... and MTU */
};
#define WN_OS_ASKER_NONE                                                                           \
	{                                                                                          \
		.netlink_fd = -1, .any_fd = -1                                                     \
	}
wn_err wn_os_route_ask(struct wn_os_asker *a, const struct wn_addr *dst, const struct wn_addr *src,
	const char *iface, uint32_t mark, struct wn_os_route *out, struct wn_errctx *ctx);
void wn_os_asker_close(struct wn_os_asker *a);
wn_err wn_os_iface_index(const char *name, uint32_t *out, struct wn_errctx *ctx);
/* WN_OK when addr belongs to this machine, WN_EADDRNOTAVAIL when not. */
wn_err wn_os_addr_is_local(const struct wn_addr *addr, struct wn_errctx *ctx);

struct wn_os_privs {
	bool net_raw, net_admin; /* effective capabilities */
	bool ping_socket;	 /* ICMP datagram sockets are allowed to us */
};
void wn_os_privs_get(struct wn_os_privs *out);
/*
 * Gives up every privilege for good, after the sockets are open: bounding and ambient sets,
 * groups, ids (real user when set-uid; nobody for root), permitted, effective and inheritable
 * capabilities, NO_NEW_PRIVS, not dumpable; Landlock and seccomp where the kernel has them.
 * Verified by trying to get them back. WN_EPERM: something could be regained: do not go on.
 */
wn_err wn_os_privs_drop(struct wn_errctx *ctx);
/*
 * The same but for CAP_NET_RAW, where we have it: for who does not know yet which sockets will be
 * asked for.
 */
wn_err wn_os_privs_drop_but_raw(struct wn_errctx *ctx);

/*
 * Changes of links and addresses of this machine, as they happen (rtnetlink multicast). Of routes
 * only the default ones are told: a router with a full table would never be quiet.
 */
enum wn_os_change_kind {
	WN_OS_LINK_DOWN,
	WN_OS_LINK_UP,
	WN_OS_ADDR_GONE,
	WN_OS_ADDR_NEW,
	WN_OS_ROUTE_CHANGED
};
struct wn_os_change {
	enum wn_os_change_kind kind;
	uint32_t ifindex;
	char iface[32];
	struct wn_addr addr; /* ADDR_* */
};
/* A pollable, non-blocking descriptor (close() it), or a negative wn_err. */
int wn_os_monitor_open(void);
/* The next change; WN_EAGAIN when there is none now, WN_EFULL when some were lost. */
wn_err wn_os_monitor_read(int fd, struct wn_os_change *out);
/*
 * For whoever keeps answers of wn_os_route_get: a non-blocking descriptor (close() it), or a
 * negative wn_err. Has any link, address, route, rule or next hop changed since it was opened or
 * last asked? True as well where that cannot be told, because there were too many.
 */
int wn_os_changes_open(void);
bool wn_os_changes_any(int fd);

/* The errno of a failed send as an error of ours: EPERM is WN_EBLOCKED, and so on. */
wn_err wn_os_send_err(int sys);

#endif
