/* SPDX-License-Identifier: Apache-2.0 */
/* Stamps by one offset, and the numbering of sends; see stamps.h for both rules. */
#include "io/stamps.h"

#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "os/os.h"

/* Less than this is noise of reading two clocks, more is a clock that was set. */
#define STEP_NS	 20000

#define RING_MIN 16 /* stamps come when a packet leaves, hardly ever after the next ones */

#define RX_FLAGS (SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE)
#define TX_FLAGS (SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY)

void wn_stamps_init(struct wn_stamps *s)
{
	s->offset_ns = wn_os_clock_offset_ns(&s->error_ns);
	s->since_ns = 0;
}

void wn_stamps_look(struct wn_stamps *s, uint64_t now_ns)
{
	uint64_t error_ns, moved;
	int64_t offset = wn_os_clock_offset_ns(&error_ns);

	moved = (uint64_t)(offset > s->offset_ns ? offset - s->offset_ns : s->offset_ns - offset);
	if (moved <= STEP_NS + error_ns + s->error_ns)
		return;
	s->offset_ns = offset;
	s->error_ns = error_ns;
	s->since_ns = now_ns;
}

void wn_stamps_apply(const struct wn_stamps *s, uint64_t unix_ns, uint64_t not_before,
	uint64_t *at_ns, enum wn_clock *clock)
{
	uint64_t mono = unix_ns - (uint64_t)s->offset_ns;

	if (unix_ns == 0 || mono < s->since_ns || mono < not_before || mono > *at_ns)
		return;
	*at_ns = mono;
	*clock = WN_CLOCK_KERNEL;
}

static bool set_flags(int fd, unsigned flags)
{
	int value = (int)flags;

	return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &value, sizeof(value)) == 0;
}

enum wn_stamps_have wn_stamps_enable(int fd, bool tx)
{
	int on = 1;

	if (tx && set_flags(fd, RX_FLAGS | TX_FLAGS | SOF_TIMESTAMPING_OPT_ID))
		return WN_STAMPS_RX_TX;
	if (set_flags(fd, RX_FLAGS))
		return WN_STAMPS_RX;
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0)
		return WN_STAMPS_RX;
	return WN_STAMPS_NONE;
}

wn_err wn_txkeys_init(struct wn_txkeys *k, uint32_t outstanding)
{
	uint32_t size = RING_MIN;

	memset(k, 0, sizeof(*k));
	while (size < outstanding && size < 65536)
		size *= 2;
	k->ring = wn_calloc(size, sizeof(*k->ring));
	k->old = wn_calloc(size, sizeof(*k->old));
	k->mask = size - 1;
	if (k->ring && k->old)
		return WN_OK;
	wn_txkeys_fini(k);
	return WN_ENOMEM;
}

void wn_txkeys_fini(struct wn_txkeys *k)
{
	wn_free(k->ring);
	wn_free(k->old);
	k->ring = k->old = NULL;
}

void wn_txkeys_sent(struct wn_txkeys *k, uint64_t id, uint64_t tx_ns)
{
	struct wn_txkey *at = &k->ring[k->next & k->mask];

	/* The oldest entry gives way; its stamp, should it still come, is no longer wanted. */
	k->waiting += !at->open;
	at->id = id;
	at->tx_ns = tx_ns;
	at->key = k->next++;
	at->open = true;
}

void wn_txkeys_skip(struct wn_txkeys *k)
{
	struct wn_txkey *at = &k->ring[k->next++ & k->mask];

	k->waiting -= at->open;
	at->open = false;
}

void wn_txkeys_failed(struct wn_txkeys *k)
{
	k->stale = k->enabled;
}

static bool any_open(const struct wn_txkeys *k)
{
	for (uint32_t i = 0; i <= k->mask; i++)
		if (k->ring[i].open)
			return true;
	return false;
}

void wn_txkeys_renew(struct wn_txkeys *k, int fd)
{
	/* Only switching the numbering off and on again sets it to 0. */
	set_flags(fd, RX_FLAGS | TX_FLAGS);
	set_flags(fd, RX_FLAGS | TX_FLAGS | SOF_TIMESTAMPING_OPT_ID);
	/* One failure after the other must not make us forget what is still to come. */
	if (any_open(k)) {
		struct wn_txkey *ring = k->ring;

		k->ring = k->old;
		k->old = ring;
		for (uint32_t i = 0; i <= k->mask; i++)
			k->waiting -= k->ring[i].open;
		memset(k->ring, 0, (k->mask + 1) * sizeof(*k->ring));
	}
	k->next = 0;
	k->stale = false;
}

const struct wn_txkey *wn_txkeys_take(struct wn_txkeys *k, uint32_t key)
{
	struct wn_txkey *at = &k->old[key & k->mask];

	if (!at->open || at->key != key)
		at = &k->ring[key & k->mask];
	if (!at->open || at->key != key)
		return NULL;
	at->open = false;
	k->waiting--;
	return at;
}
