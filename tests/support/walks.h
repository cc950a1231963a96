/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of many flows made by hand, one line for each flow: what it met at TTL 1, 2, ...
 *
 *	3     10.0.0.3 says time exceeded	-	not probed
 *	!     the target answers		*	lost
 *	x3    10.0.0.3 refuses (host)		?	not answered yet
 *	!3    10.0.0.3 answers as the target	#	could not be sent
 *
 * Several probes of a flow at one TTL are joined by slashes, as in "1 2/3/2 !".
 */
#ifndef WN_TESTS_WALKS_H
#define WN_TESTS_WALKS_H

#include "record.h"

#define WALK_DST "203.0.113.9"

/* START of a trace of all paths, proved as mode says. */
struct wn_params *walk_start(struct record *rec, enum wn_paths_mode mode);
void walk(struct record *rec, uint32_t flow, const char *text);
/* One probe of a flow, at ttl; the event SENT stays changeable until the answer. */
struct wn_event *walk_probe(struct record *rec, uint8_t ttl, uint32_t flow, uint32_t number);
void walk_answer(struct record *rec, struct wn_event *sent, const char *token, size_t len);
/* The end of a trace that reached the target, or (ttl 0) did not. */
void walk_end(struct record *rec, uint8_t ttl);

/* ---- whole traces ---- */

/* 1-4-2-1, 48 flows. */
void scene_paths_diamond(struct record *rec);
/* A diamond in a diamond, then branches of unequal length. */
void scene_paths_nested(struct record *rec);
/* 1-4-4-1, every router of one TTL with every one of the next. */
void scene_paths_mesh(struct record *rec);
/* 1-97-1. */
void scene_paths_wide(struct record *rec);
/* 1-12-12-1 with some silence. */
void scene_paths_twelve(struct record *rec);
/* Per packet at TTL 3, until all meet at TTL 6. */
void scene_paths_packet(struct record *rec);
/* Interfaces only: links between wide TTLs follow or are not known. */
void scene_paths_nodes(struct record *rec);
/* Silent routers, labels, loss, no end. */
void scene_paths_silent(struct record *rec);
/* Names that want to be more than names. */
void scene_paths_hostile(struct record *rec);
/* IPv6 with long addresses, and a balancer that looks at the flow label. */
void scene_paths_v6(struct record *rec);

#endif
