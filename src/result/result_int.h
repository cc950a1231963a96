/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share with each other and with nobody else. */
#ifndef WN_RESULT_RESULT_INT_H
#define WN_RESULT_RESULT_INT_H

#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/map.h"
#include "result/result.h"

#define WN_SIDE_BIT 0x80000000u

/* Longest RTT a record may hold, some 104 days: sums and squares of it cannot overflow. */
#define WN_RTT_MAX_NS ((int64_t)1 << 53)

struct wn_growth {
	uint32_t cap, limit; /* in items */
};

struct wn_flow_rec {
	uint32_t id;
	uint32_t first, last; /* probes, chained by priv->next_in_flow */
	uint8_t reached_ttl;  /* the first where the destination answered; 0 none */
	uint8_t answered_ttl; /* the last where anybody did */
};

struct wn_result_priv {
	struct wn_result_limits limits;
	struct wn_arena arena;	 /* names and extensions */
	struct wn_map probe_map; /* probe id to index; with WN_SIDE_BIT for a side probe */
	struct wn_map responder_map;
	struct wn_map flow_map;
	struct wn_flow_rec *flows;
	uint32_t *next_in_flow; /* by probe index; WN_NONE ends */
	uint32_t flow_count;
	struct wn_growth probes, replies, responders, notes, sides, flows_g, next_g;
	uint32_t firsts;       /* probes that have their first reply */
	uint64_t overflow;     /* events there was no room for */
	uint8_t last_answered; /* the farthest TTL that answered */
	uint8_t flows_end;     /* the TTL where the longest flow ends */
};

/*
 * Room for one item more than count in the array whose address is array_at. WN_EFULL at the
 * limit, WN_ENOMEM; in both cases the array is as it was.
 */
wn_err wn_result_grow(void *array_at, struct wn_growth *g, uint32_t count, size_t item_bytes);
/* Where addr is in responder_map, or the key under which it can be put. */
uint32_t wn_result_responder_key(
	const struct wn_result *r, const struct wn_addr *addr, uint64_t *out_key);

/* apply.c: parts of the fold that side probes have in common with all others. */
wn_err wn_result_check_stamp(enum wn_clock clock);
wn_err wn_result_check_reply(const struct wn_event *ev, const struct wn_probe_rec *to);
void wn_result_note_sent(struct wn_probe_rec *rec, const struct wn_event *ev);
void wn_result_note_failed(struct wn_probe_rec *rec, const struct wn_event *ev);
wn_err wn_result_note_timeout(struct wn_probe_rec *rec, const struct wn_event *ev);
/* It answers its probe: is no duplicate, and no redirect. */
bool wn_result_is_first(const struct wn_event *ev);
wn_err wn_result_add_responder(struct wn_result *r, const struct wn_addr *addr, uint32_t *out);
wn_err wn_result_copy_ext(struct wn_result *r, const struct wn_ext *ext, const struct wn_ext **out);
/* Fills out, of which probe, responder and ext are set, and counts it. */
void wn_result_record_reply(
	struct wn_result *r, const struct wn_event *ev, struct wn_reply_rec *out);
/* No room: readers can see that something is missing. */
wn_err wn_result_full(struct wn_result *r, wn_err err);

/* apply_side.c: what is about a side probe, and its fold. */
bool wn_result_is_aside(const struct wn_result *r, const struct wn_event *ev);
wn_err wn_result_apply_side(struct wn_result *r, const struct wn_event *ev);

/* A probe of this id, or a side probe. */
bool wn_result_knows_id(const struct wn_result *r, uint64_t id);
/* The first probe of a flow, WN_NONE; the others follow by priv->next_in_flow. */
uint32_t wn_result_first_in_flow(const struct wn_result *r, uint32_t flow);

struct wn_sort_item {
	uint64_t key;
	uint32_t val;
};

/* By key, then val: the order is the same whatever the order before was. */
void wn_sort_items(struct wn_sort_item *items, size_t count);

#endif
