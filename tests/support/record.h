/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of traces made by hand: each call adds one event, and gives it back so that a test can
 * change what it is about (the pointer is good until the next call). Times advance by 1 ms with
 * each probe; a reply arrives at its probe's time plus the RTT.
 * Whatever cannot be ends the program: a test that builds nonsense is itself wrong.
 */
#ifndef WN_TESTS_RECORD_H
#define WN_TESTS_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include "result/event.h"
#include "result/result.h"

#define RECORD_MS 1000000

struct record {
	struct wn_event *events; /* owned */
	size_t count, cap;
	uint64_t at_ns;
	uint64_t next_id;
};

void record_fini(struct record *rec);

/* UDP over the family of dst to it; parameters as the defaults have them. */
struct wn_event *record_start(struct record *rec, const char *dst);
/* number: which probe at this TTL in this flow. The new probe's id is events[].probe_id. */
struct wn_event *record_sent(struct record *rec, uint8_t ttl, uint32_t flow, uint32_t number);
/* The answers below are to probe id; rtt_us counts from its sending. */
struct wn_event *record_reply(
	struct record *rec, uint64_t id, enum wn_reply_kind kind, const char *from, int64_t rtt_us);
struct wn_event *record_timeout(struct record *rec, uint64_t id);
struct wn_event *record_failed(struct record *rec, uint8_t ttl, uint32_t number, wn_err err);
struct wn_event *record_name(struct record *rec, const char *addr, const char *name);
struct wn_event *record_note(
	struct record *rec, enum wn_note_kind kind, int64_t value, const char *text);
struct wn_event *record_stop(struct record *rec, enum wn_stop stop, uint8_t ttl);
struct wn_event *record_end(struct record *rec);

/* Shorthands: a probe of flow 0 and what became of it; the probe's id. */
uint64_t record_hop(struct record *rec, uint8_t ttl, const char *from, int64_t rtt_us);
uint64_t record_lost(struct record *rec, uint8_t ttl);
/* The destination answers: port unreachable. */
uint64_t record_dest(struct record *rec, uint8_t ttl, const char *from, int64_t rtt_us);

/* Folds all events so far; each must be accepted. */
struct wn_result *record_fold(const struct record *rec);
struct wn_addr record_addr(const char *text);

#endif
