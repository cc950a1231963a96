/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the raw back end, shared by its files. */
#ifndef WN_IO_RAW_H
#define WN_IO_RAW_H

#include <sys/socket.h>
#include "base/cursor.h"
#include "io/io.h"
#include "io/ports.h"
#include "io/raw_filter.h"
#include "io/sock.h"
#include "io/stamps.h"

#define WN_RAW_TX_BATCH 64
#define WN_RAW_TX_BYTES 65536 /* packets of one batch, back to back */
#define WN_RAW_RX_BATCH 64
#define WN_RAW_LATE_MAX 256 /* stamps read while sending that belong to earlier batches */

struct wn_raw_late {
	uint64_t id, at_ns;
	enum wn_clock clock;
};

struct wn_raw_rx_slot {
	struct wn_rx_head head;
	uint8_t bytes[WN_PACKET_MAX];
};

union wn_raw_tx_cmsg {
	struct cmsghdr head;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct wn_raw {
	struct wn_io io;
	struct wn_io_config config; /* src filled in */
	struct wn_raw_filter ours;
	struct wn_ports ports;
	int more_fd[WN_RAW_MORE_MAX]; /* hold ours.more */
	bool asleep;		      /* nothing has left, and nothing is heard */
	uint32_t ifindex;
	uint32_t mtu;			     /* of the way out; 0 not known */
	int epoll_fd, tx_fd, icmp_fd, l4_fd; /* -1 not open; l4_fd only for UDP and TCP */
	uint32_t drops[2];		     /* of icmp_fd and l4_fd, last told */
	bool l4_first;			     /* whose turn it is to be read first */

	struct wn_stamps stamps;
	struct wn_txkeys keys;
	struct wn_raw_late late[WN_RAW_LATE_MAX];
	uint32_t late_count;

	/* Owned scratch memory of the two directions. */
	struct mmsghdr *tx_msg;
	struct iovec *tx_iov;
	union wn_raw_tx_cmsg *tx_cmsg;
	uint8_t *tx_bytes;
	struct mmsghdr *rx_msg;
	struct wn_raw_rx_slot *rx_slot;
};

/* One of the span, or beside it. */
bool wn_raw_is_our_port(const struct wn_raw *raw, uint16_t port);
/* What is sent from now on has answers. */
void wn_raw_wake(struct wn_raw *raw);
size_t wn_raw_send(struct wn_io *io, struct wn_tx *tx, size_t n, uint64_t now_ns);
/*
 * Cuts a whole packet into fragments of at most mtu bytes, written back to back into out.
 * lens[0..n) are their lengths; returns n, 0 when they do not fit.
 */
size_t wn_raw_fragment(const uint8_t *packet, size_t len, uint32_t mtu, struct wn_wr *out,
	uint16_t lens[WN_RAW_TX_BATCH]);
size_t wn_raw_recv(struct wn_io *io, struct wn_rx *rx, size_t n, uint64_t now_ns);
/*
 * Reads the stamps of sent packets: each of a probe in tx[0..n) improves its tx_ns, others are
 * kept for wn_raw_recv.
 */
void wn_raw_read_stamps(struct wn_raw *raw, struct wn_tx *tx, size_t n);

#endif
