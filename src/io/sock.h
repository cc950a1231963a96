/* SPDX-License-Identifier: Apache-2.0 */
/* What all back ends with real sockets do alike: opening, addresses, options, buffers. */
#ifndef WN_IO_SOCK_H
#define WN_IO_SOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include "io/io.h"

union wn_sa {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

/* ifindex becomes the scope of link-local addresses. Returns the length of what was written. */
socklen_t wn_sa_set(union wn_sa *out, const struct wn_addr *a, uint16_t port, uint32_t ifindex);
/* family 0 for anything but IPv4 and IPv6. out_port may be NULL. */
struct wn_addr wn_sa_addr(const union wn_sa *sa, uint16_t *out_port);

int wn_af(uint8_t family);
/* Non-blocking and close-on-exec; mark set, bound to c->iface. WN_EPERM when that needs more
 * privilege than we have; other errors are of the machine. */
wn_err wn_sock_open(
	const struct wn_io_config *c, int type, int protocol, int *out, struct wn_errctx *ctx);
bool wn_sock_set(int fd, int level, int name, int value);
/*
 * Room for the replies to `outstanding` probes of usual size, and at least what is the default.
 * Returns for how many there is room now.
 */
uint32_t wn_sock_room(int fd, uint32_t outstanding);
/* Arrival TTL and TOS come with each packet. */
bool wn_sock_tell_ttl(int fd, uint8_t family);
/* An IPv4 socket sets DF or fragments; an IPv6 one never or ever fragments here. */
void wn_sock_dont_fragment(int fd, uint8_t family, bool df);
/* sin6_flowinfo of the destination is sent as flow label. */
bool wn_sock_choose_label(int fd);
/*
 * Any label may be chosen, unless some program of this namespace holds labels exclusively: then
 * the kernel wants each one leased. Asked by a connect() that sends nothing.
 */
bool wn_sock_labels_work(const struct wn_io_config *c);
/* The index of c->iface, 0 when there is none. */
uint32_t wn_sock_ifindex(const struct wn_io_config *c);
/* An epoll set. */
wn_err wn_sock_queue(int *out, struct wn_errctx *ctx);
/* Adds fd to an epoll set, with events (EPOLLIN ...) and data. */
bool wn_sock_watch(int epoll_fd, int fd, uint32_t events, uint64_t data);
/* Of a failed call: for want of what comes back when others are done with it. */
bool wn_sock_is_scarce(int sys);
void wn_sock_close(int *fd); /* and sets it to -1 */

/* What the control messages of a received packet say. */
struct wn_cmsgs {
	uint64_t unix_ns; /* kernel's stamp, 0 none */
	int16_t ttl, tos; /* -1 unknown */
	struct wn_addr to;
	uint32_t drops; /* SO_RXQ_OVFL, cumulative; valid when has_drops */
	bool has_drops;
	const struct sock_extended_err *ee; /* borrowed from the control buffer; NULL none */
	union wn_sa offender;
};
void wn_cmsgs_read(struct msghdr *msg, struct wn_cmsgs *out);

/* Where a received message goes, beside its bytes. */
#define WN_RX_CMSG 384
struct wn_rx_head {
	union wn_sa name;
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t cmsg[WN_RX_CMSG];
};
/* Makes msg receive into head and bytes, which it borrows. */
void wn_rx_head_ready(struct wn_rx_head *head, struct msghdr *msg, uint8_t *bytes, size_t size);
/* What became of sending: with WN_OK the time is our own, until a stamp is there. */
void wn_tx_settle(struct wn_tx *tx, wn_err err, int sys, uint64_t tx_ns);

#endif
