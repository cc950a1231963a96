/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagram sockets with an error queue: the back end of UDP and of ICMP echo without privileges.
 * One socket for each source port, because the kernel tells by the socket alone which flow an
 * error is about. What differs between the two protocols is in struct wn_dgram_proto.
 */
#ifndef WN_IO_DGRAM_H
#define WN_IO_DGRAM_H

#include "base/map.h"
#include "io/errqueue.h"
#include "io/io.h"
#include "io/scratch.h"
#include "io/sock.h"
#include "io/stamps.h"

#define WN_DGRAM_STASH	    64	 /* at most: replies read while sending, for the next recv */
#define WN_DGRAM_REMEMBERED 4096 /* probes remembered as outstanding, see wn_dgram_flow.lost */

struct wn_dgram_flow {
	int fd; /* -1 not open */
	uint16_t port;
	struct wn_txkeys keys;
	bool df;
	int ttl, tos; /* as set on the socket; -1 unknown */
	uint32_t outstanding;
	uint64_t ids; /* XOR of the outstanding ones: with one outstanding, its id */
	bool lost;    /* some could not be remembered: then no reply can be named by its socket */
};

struct wn_rx_list {
	struct wn_rx *rx;
	size_t len, cap;
};

struct wn_dgram;
struct wn_dgram_proto {
	const char *name, *blind;
	bool socket_options; /* TTL and TOS by setsockopt: control messages are not for all kernels
			      */
	bool sees_quote_l4;
	size_t quote_headers; /* transport bytes that the kernel takes off quotes */
	wn_err (*open)(const struct wn_io_config *c, int *out, struct wn_errctx *ctx);
	/* What the quoted bytes tell of the probe. */
	void (*read_quote)(const struct wn_errq_msg *m, struct wn_quote *out);
	/* An answer by the target; from, to, ttl and tos are set. */
	wn_err (*read_answer)(const struct wn_dgram_flow *flow, uint16_t from_port,
		const uint8_t *data, size_t len, struct wn_reply *out);
};

struct wn_dgram {
	struct wn_io io;
	struct wn_io_config config; /* src filled in */
	const struct wn_dgram_proto *proto;
	uint32_t ifindex;
	bool labels; /* IPv6 flow labels can be chosen */
	int epoll_fd;
	struct wn_dgram_flow *flows; /* owned; config.port_span of them from io.sport on */
	struct wn_map owner;	     /* id to index of its flow; grows */
	struct wn_stamps stamps;
	struct wn_rx_list stash;
	struct wn_io_scratch *scratch, *own_scratch;
};

wn_err wn_dgram_open(const struct wn_dgram_proto *proto, const struct wn_io_config *c,
	struct wn_io **out, struct wn_errctx *ctx);
/* Opens the socket of this flow unless it is open. */
wn_err wn_dgram_flow_open(struct wn_dgram *d, struct wn_dgram_flow *flow, struct wn_errctx *ctx);

/* More room in the stash when it is full. It stays so without memory, or when it is large enough.
 */
void wn_dgram_stash_room(struct wn_dgram *d);
void wn_dgram_remember(struct wn_dgram *d, struct wn_dgram_flow *flow, uint64_t id);
void wn_dgram_forget(struct wn_io *io, uint64_t id);

size_t wn_dgram_send(struct wn_io *io, struct wn_tx *tx, size_t n, uint64_t now_ns);
size_t wn_dgram_recv(struct wn_io *io, struct wn_rx *rx, size_t n, uint64_t now_ns);
/*
 * Reads the error queue of flow into list as far as there is room; stamps of probes in tx[0..n)
 * go there instead. Returns the number of ICMP errors.
 */
size_t wn_dgram_drain(struct wn_dgram *d, struct wn_dgram_flow *flow, struct wn_rx_list *list,
	struct wn_tx *tx, size_t n);

#endif
