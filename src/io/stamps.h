/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel time stamps. The kernel stamps packets by the wall clock; results use the monotonic one.
 * All stamps of a back end are converted by the same offset, so its error cancels out of round
 * trip times, until the wall clock is seen to have been set: then what the kernel stamped before
 * is no longer believed and the caller's own reading of the clock counts. It counts, too, for what
 * arrives in the first moments: the kernel begins to stamp arrivals some time after it was asked
 * to.
 */
#ifndef WN_IO_STAMPS_H
#define WN_IO_STAMPS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "packet/probe.h"

struct wn_stamps {
	int64_t offset_ns;
	uint64_t error_ns; /* of offset_ns: as well as it could be read */
	uint64_t since_ns; /* stamps before this are not believed */
};

void wn_stamps_init(struct wn_stamps *s);
/* Looks whether the wall clock was set since the last look. Once per batch is enough. */
void wn_stamps_look(struct wn_stamps *s, uint64_t now_ns);
/*
 * The monotonic time of a stamp. *at_ns and *clock are changed when it lies within
 * [not_before, *at_ns]; otherwise they keep the caller's own reading.
 */
void wn_stamps_apply(const struct wn_stamps *s, uint64_t unix_ns, uint64_t not_before,
	uint64_t *at_ns, enum wn_clock *clock);

enum wn_stamps_have { WN_STAMPS_NONE, WN_STAMPS_RX, WN_STAMPS_RX_TX };
/* Asks the kernel to stamp what fd receives and, when tx, what it sends. */
enum wn_stamps_have wn_stamps_enable(int fd, bool tx);

/*
 * Which probe a send stamp belongs to: the kernel numbers the sends of a socket from 0. A failed
 * send may or may not have used up a number, so after one the numbering is begun anew. What still
 * waits in a queue of this machine then has an old number, and leaves before all newer ones.
 */
struct wn_txkey {
	uint64_t id;
	uint64_t tx_ns; /* when the call began: no stamp can be older */
	uint32_t key;
	bool open; /* its stamp has not come */
};

struct wn_txkeys {
	struct wn_txkey *ring; /* owned, like old */
	struct wn_txkey *old;  /* of the numbering before */
	uint32_t mask;
	uint32_t next;
	uint32_t waiting; /* entries that are open */
	bool enabled;	  /* set by the owner when the socket stamps its sends */
	bool stale;	  /* a send failed: the kernel's next number is not known */
};

wn_err wn_txkeys_init(struct wn_txkeys *k, uint32_t outstanding);
void wn_txkeys_fini(struct wn_txkeys *k);
void wn_txkeys_sent(struct wn_txkeys *k, uint64_t id, uint64_t tx_ns);
/* The kernel numbered a packet whose stamp nobody wants. */
void wn_txkeys_skip(struct wn_txkeys *k);
void wn_txkeys_failed(struct wn_txkeys *k);
/* Begins anew on fd. To be called when stale, after the stamps so far were read. */
void wn_txkeys_renew(struct wn_txkeys *k, int fd);
/* The send that key names, once; NULL when it is not known (any more). */
const struct wn_txkey *wn_txkeys_take(struct wn_txkeys *k, uint32_t key);

#endif
