/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the engine of single probes:
 *
 *   single.c        probes from birth to end: table, queues, timers
 *   single_match.c  which of them a reply belongs to
 */
#ifndef WN_TRACE_SINGLE_PRIV_H
#define WN_TRACE_SINGLE_PRIV_H

#include "base/map.h"
#include "base/wheel.h"
#include "trace/single.h"

#define NO_SLOT UINT32_MAX

enum slot_state {
	SLOT_FREE,
	SLOT_QUEUED, /* waits to be sent */
	SLOT_HELD,   /* not before somebody says so */
	SLOT_OUT,    /* was handed out */
	SLOT_OVER    /* its end waits to be told */
};

struct slot {
	struct wn_probe probe; /* id is the whole name: slot, and above it the turn */
	void *user;
	void *keeper; /* HELD */
	uint64_t wait_ns, added_ns;
	uint64_t tx_ns;	     /* OUT: 0 not known yet */
	uint64_t tag;	     /* its key in by_tag */
	uint32_t prev, next; /* in a queue, or among the free; NO_SLOT */
	uint32_t peer[2];    /* before and behind it, of those between the same ports */
	enum slot_state state;
	enum wn_single_kind end; /* OVER */
	wn_err err;
	int sys;
	bool left;
	bool is_again;		   /* QUEUED: in that queue */
	bool own_sport, own_dport; /* nobody asked for these ports */
};

struct queue {
	uint32_t first, last; /* NO_SLOT */
};

struct wn_single {
	struct wn_single_config config;
	struct slot *slots; /* owned; cap */
	uint32_t count, cap, free, live, out;
	struct queue again; /* found no room, or was held: to be sent before ... */
	struct queue wait;  /* ... those that are new */
	struct queue over;
	uint64_t retry_ns; /* nothing is sent before */
	uint32_t number;   /* probes so far */
	uint32_t sequence; /* counted names so far */
	uint16_t flow_checksum;
	struct wn_wheel wheel;
	struct wn_map by_tag, by_cookie, by_ports;
	struct wn_single_counters counters;
};

/* single_match.c */
/* Names the probe: every field that tells it from others. */
void wn_single_name(struct wn_single *s, struct slot *slot);
/* Into the tables, and out of them. There is room. */
void wn_single_index(struct wn_single *s, uint32_t slot);
void wn_single_unindex(struct wn_single *s, uint32_t slot);
/* NO_SLOT: none that is out; counted. */
uint32_t wn_single_match(struct wn_single *s, const struct wn_reply *r);

#endif
