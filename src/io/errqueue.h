/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error queue of a socket: where Linux tells an unprivileged program which ICMP errors its
 * packets caused, and when they left.
 */
#ifndef WN_IO_ERRQUEUE_H
#define WN_IO_ERRQUEUE_H

#include <sys/socket.h>
#include "io/sock.h"
#include "packet/reply.h"

#define WN_ERRQ_BATCH 16
#define WN_ERRQ_BYTES 2048 /* of one ICMP error; they are smaller than any link's MTU */

struct wn_errq {
	struct mmsghdr msg[WN_ERRQ_BATCH];
	struct wn_errq_slot {
		struct wn_rx_head head;
		uint8_t bytes[WN_ERRQ_BYTES];
	} slot[WN_ERRQ_BATCH];
};

enum wn_errq_kind {
	WN_ERRQ_OTHER, /* errors of this machine: the failed call told them already */
	WN_ERRQ_STAMP, /* a send left: key, c.unix_ns */
	WN_ERRQ_ICMP
};

struct wn_errq_msg {
	enum wn_errq_kind kind;
	uint32_t key;
	struct wn_cmsgs c;
	struct wn_addr dst; /* where the packet went that caused the error */
	uint16_t dport;
	const uint8_t
		*data; /* what was quoted after the headers that the kernel takes off; borrowed */
	size_t len;
};

/* Asks for errors, with TTL, TOS and extensions. */
bool wn_errq_enable(int fd, uint8_t family);
/* Reads up to max (at most WN_ERRQ_BATCH) messages of fd; returns how many. */
size_t wn_errq_read(struct wn_errq *q, int fd, size_t max);
void wn_errq_get(struct wn_errq *q, size_t i, struct wn_errq_msg *out);
/*
 * What an ICMP message says, as a reply: everything but what depends on the protocol of the
 * probe. headers: bytes of it that the kernel took off the quote. false: not an error we know.
 */
bool wn_errq_reply(
	const struct wn_errq_msg *m, uint8_t family, size_t headers, struct wn_reply *out);

#endif
