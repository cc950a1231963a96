/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a back end needs within one call only: messages on their way in and out. Back ends of one
 * thread take turns, so that thousands of them can do with one.
 */
#ifndef WN_IO_SCRATCH_H
#define WN_IO_SCRATCH_H

#include "io/errqueue.h"
#include "io/io.h"
#include "io/sock.h"
#include "packet/wire.h"

#define WN_SCRATCH_TX	    32
#define WN_SCRATCH_TX_BYTES 65536
#define WN_SCRATCH_RX	    8

struct wn_io_scratch {
	struct wn_errq errq;
	struct mmsghdr tx_msg[WN_SCRATCH_TX];
	struct wn_scratch_tx_slot {
		union wn_sa to;
		struct iovec iov;
		_Alignas(struct cmsghdr) uint8_t cmsg[64];
	} tx_slot[WN_SCRATCH_TX];
	uint8_t tx_bytes[WN_SCRATCH_TX_BYTES];
	struct mmsghdr rx_msg[WN_SCRATCH_RX];
	struct wn_scratch_rx_slot {
		struct wn_rx_head head;
		uint8_t bytes[WN_PACKET_MAX];
	} rx_slot[WN_SCRATCH_RX];
};

/*
 * The one that c names, made by the first who asks; where it names none, *own, which the caller
 * frees in any case. NULL: no memory.
 */
struct wn_io_scratch *wn_io_scratch_get(const struct wn_io_config *c, struct wn_io_scratch **own);

#endif
