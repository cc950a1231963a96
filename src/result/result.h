/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of a trace: the only model that outputs, stores and services know.
 *
 *   probes      every single one, with its fields, times, state and first reply
 *   replies     every accepted one, duplicates and late ones included
 *   sides       probes to other addresses than the target's, with their replies: they tell about
 *               the path and are none of it
 *   responders  each address once, with its name
 *   hops        per TTL a *set* of responders
 *   flows       per flow an ordered path
 *   links       between responders of neighbouring TTLs, seen within one flow
 *
 * A result owns its memory (arena plus growing arrays with bounds); pointers into it are valid
 * until the next wn_result_apply. One thread at a time.
 */
#ifndef WN_RESULT_RESULT_H
#define WN_RESULT_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "result/event.h"
#include "result/params.h"

#define WN_NONE UINT32_MAX

enum wn_probe_state {
	WN_PROBE_PENDING,  /* sent, not answered yet: not lost */
	WN_PROBE_ANSWERED, /* in time */
	WN_PROBE_LATE,	   /* after its timeout */
	WN_PROBE_LOST,	   /* timed out */
	WN_PROBE_FAILED	   /* never left this machine */
};
const char *wn_probe_state_name(enum wn_probe_state state);

struct wn_probe_rec {
	struct wn_probe probe;
	uint32_t number; /* which probe at this TTL in this flow, from 0 */
	enum wn_probe_state state;
	uint64_t sent_ns; /* since the start */
	enum wn_clock clock;
	uint64_t waited_ns;   /* when timed out */
	uint32_t first_reply; /* index into replies, WN_NONE */
	uint32_t duplicates;
	wn_err err; /* FAILED */
	int sys;
};

struct wn_reply_rec {
	uint32_t probe;	    /* index into probes */
	uint32_t responder; /* index into responders */
	uint64_t at_ns;
	int64_t rtt_ns; /* -1 unknown */
	enum wn_clock clock;
	enum wn_match match;
	bool late, duplicate, reached;
	enum wn_reply_kind kind;
	uint8_t icmp_type, icmp_code, tcp_flags;
	int16_t ttl, tos;
	uint32_t mtu;
	uint16_t length;
	struct wn_tcp_opts tcp_opts; /* of a TCP answer */
	struct wn_quote quote;
	const struct wn_ext *ext; /* NULL when there is none */
};

/* A side probe, apart from all others because its TTL is no hop of the path. */
struct wn_side_rec {
	struct wn_probe_rec sent;  /* first_reply: WN_NONE, or 0 where there is reply */
	struct wn_reply_rec reply; /* probe: index into sides */
};

struct wn_responder {
	struct wn_addr addr;
	bool name_known;  /* looked up: name may still be "" */
	const char *name; /* as DNS gave it, never NULL; not clean text */
	wn_err name_err;
};

struct wn_hop_responder {
	uint32_t responder;
	uint32_t replies;     /* first replies from it at this TTL */
	uint32_t first_reply; /* index of the first of them */
};

struct wn_hop {
	uint8_t ttl;
	struct wn_hop_responder *responders; /* in order of first answer; owned by the result */
	uint32_t responder_count, responder_cap;
	uint32_t probes; /* probes at this TTL, failed ones included */
};

struct wn_link {
	uint8_t ttl;	   /* of the near end; the far end is at ttl + 1 */
	uint32_t from, to; /* responders */
	uint32_t flows;	   /* flows in which it was seen */
};

struct wn_result {
	struct wn_params params;
	struct wn_probe_rec *probes;
	struct wn_reply_rec *replies;
	struct wn_responder *responders;
	struct wn_hop hops[256]; /* by TTL; probes == 0 where none was sent */
	struct wn_event *notes;	 /* NOTE events */
	struct wn_side_rec *sides;
	uint32_t probe_count, reply_count, responder_count, note_count, side_count;
	bool started, ended, partial;
	enum wn_stop stop;
	uint8_t stop_ttl;
	struct wn_addr stop_by;
	wn_err stop_err;
	int stop_sys;
	uint64_t stop_ns, end_ns;
	/* What to show: destination or stop TTL, else the last that answered; all paths: the last
	 * TTL that a flow needed to get there. */
	uint32_t last_ttl;
	bool reached;
	uint32_t reached_reply;	     /* WN_NONE */
	struct wn_counters counters; /* final once ended */
	struct wn_result_priv *priv;
};

struct wn_result_limits {
	/* 0: defaults 65536, 131072, 16384, 1024, 4096 */
	uint32_t probes, replies, responders, notes, sides;
	size_t bytes; /* arena for names and extensions; 0: 16 MiB */
};

struct wn_result *wn_result_new(const struct wn_result_limits *limits); /* NULL: no memory */
void wn_result_free(struct wn_result *r);
/*
 * Folds one event in. An event that makes no sense (a reply to an unknown probe, a second START)
 * is WN_EINVAL and changes nothing; a full table counts in overflow and is WN_EFULL.
 */
wn_err wn_result_apply(struct wn_result *r, const struct wn_event *ev);

/*
 * A probe that asks what size gets through, by another size than the rest: its fate tells of the
 * path's MTU, and nothing of who is at its TTL or of loss. So hops, flows, links and their
 * statistics leave it out; only figures of the trace as a whole count it.
 */
bool wn_result_is_sizing(const struct wn_result *r, const struct wn_probe *probe);

/* Index of a probe id or responder address, WN_NONE when absent. */
uint32_t wn_result_find_probe(const struct wn_result *r, uint64_t id);
uint32_t wn_result_find_side(const struct wn_result *r, uint64_t id);
uint32_t wn_result_find_responder(const struct wn_result *r, const struct wn_addr *addr);

/* Flow ids in order of first use; at most cap are written, the true count is returned. */
size_t wn_result_flows(const struct wn_result *r, uint32_t *out, size_t cap);
/* The path of a flow: responder index or WN_NONE for each TTL from first_ttl to last_ttl. */
size_t wn_result_path(const struct wn_result *r, uint32_t flow, uint32_t *out, size_t cap);
/* Links by TTL, then order of discovery. Returns the true count; SIZE_MAX: no memory for them. */
size_t wn_result_links(const struct wn_result *r, struct wn_link *out, size_t cap);
/* The TTL from which every further TTL up to last probed was silent; 0 when none is. */
uint8_t wn_result_trailing_silent(const struct wn_result *r, uint8_t *out_last);

#endif
