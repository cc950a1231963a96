/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens during a trace, one event at a time. Events are the complete record: a result is
 * nothing but the fold of its events (wn_result_apply), so a JSON-lines file of events and the
 * run itself give the same result.
 * at_ns is monotonic, counted from the start of the trace. at_ns and probe_id are below 2^63.
 */
#ifndef WN_RESULT_EVENT_H
#define WN_RESULT_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include "packet/probe.h"
#include "packet/reply.h"
#include "result/params.h"

enum wn_event_kind {
	WN_EV_START, /* parameters */
	WN_EV_SENT,  /* a probe left */
	/* An accepted reply: answer, late answer or duplicate. A duplicate changes nothing about
	 * its probe, nor does a redirect, whose packet travels on; any other reply to a probe that
	 * has one already is refused. An answer after TIMEOUT that is not marked late arrived in
	 * time by the kernel's stamp and was only seen late. */
	WN_EV_REPLY,
	WN_EV_TIMEOUT, /* waited long enough: lost, unless a late reply comes */
	WN_EV_FAILED,  /* a probe could not be sent; it is not counted as sent */
	WN_EV_NAME,    /* a name became known, or is known not to exist; only of responders */
	WN_EV_NOTE,    /* something about this machine or run a reader must know */
	/* The engine decided to end; replies may still follow. Of several the last counts. */
	WN_EV_STOP,
	WN_EV_END /* the last one: counters, complete or partial */
};

enum wn_stop {
	WN_STOP_NONE,	     /* still running */
	WN_STOP_REACHED,     /* the destination answered */
	WN_STOP_MAX_TTL,     /* all TTLs probed, destination not seen */
	WN_STOP_GAP,	     /* too many silent TTLs in a row */
	WN_STOP_LOOP,	     /* the same routers again and again */
	WN_STOP_UNREACHABLE, /* a router or host refused: see mark */
	WN_STOP_DEADLINE,    /* --deadline */
	WN_STOP_INTERRUPTED, /* by a signal or the caller */
	WN_STOP_ERROR	     /* nothing more can be sent: see error */
};
const char *wn_stop_name(enum wn_stop stop); /* "reached" "max-ttl" "gap" ... stable */
bool wn_stop_from_name(const char *name, enum wn_stop *out);

/* How a reply was tied to its probe. */
enum wn_match {
	WN_MATCH_STRONG, /* all bits that came back verify, cookie or 32 bits of keyed number
			    included */
	WN_MATCH_WEAK,	 /* only 8 transport bytes or ports came back, or one probe was possible */
};
const char *wn_match_name(enum wn_match match); /* "strong" "weak" */

/* Everything that was not shown as a hop, counted. X(field, text) */
#define WN_COUNTER_LIST(X)                                                                         \
	X(foreign, "packets that were not about our probes")                                       \
	X(forged, "replies with our ports but a wrong cookie")                                     \
	X(corrupt, "replies with a wrong checksum")                                                \
	X(truncated, "replies too short to be matched")                                            \
	X(duplicate, "second replies to one probe")                                                \
	X(late, "replies after the timeout")                                                       \
	X(weak, "replies matched by few bits")                                                     \
	X(unattributed, "replies that fit several probes")                                         \
	X(stale, "replies to probes long finished")                                                \
	X(overflow, "events not kept because a table was full")                                    \
	X(send_retries, "sends repeated because this machine's queue was full")                    \
	X(blocked, "probes refused by this machine")

struct wn_counters {
#define X(field, text) uint64_t field;
	WN_COUNTER_LIST(X)
#undef X
};

enum wn_note_kind {
	WN_NOTE_GAP_IN_TIME, /* the process was stopped or suspended: value is ns */
	WN_NOTE_LINK_DOWN,
	WN_NOTE_LINK_UP,
	WN_NOTE_ADDRESS_CHANGED,
	WN_NOTE_SERIAL_PASS, /* answers without identity came: probing again one at a time */
	WN_NOTE_DNS_DEAD,
	WN_NOTE_TEXT,	     /* free text */
	WN_NOTE_MORE_FLOWS,  /* all paths: value flows were not enough */
	WN_NOTE_TARGET_MUTE, /* all paths: the target answered value probes, and then none any more
			      */
	WN_NOTE_TOO_LARGE    /* all paths: no room for more probes, interfaces or links */
};
const char *wn_note_name(enum wn_note_kind kind);

struct wn_event {
	enum wn_event_kind kind;
	uint64_t at_ns;
	uint64_t probe_id; /* SENT, REPLY, TIMEOUT, FAILED */
	union {
		struct wn_params start; /* START */
		struct {
			struct wn_probe probe;
			uint32_t number;     /* which probe at this TTL in this flow, from 0 */
			enum wn_clock clock; /* at_ns is this clock's, mapped to monotonic */
		} sent;
		struct {
			struct wn_reply reply;
			int64_t rtt_ns;	     /* -1 when it cannot be known */
			enum wn_clock clock; /* the worse of the two stamps' clocks */
			enum wn_match match;
			bool late, duplicate;
			bool reached; /* this reply is the destination's answer */
		} reply;
		struct {
			uint64_t waited_ns;
		} timeout;
		struct {
			struct wn_probe probe;
			uint32_t number;
			wn_err err;
			int sys;
		} failed;
		struct {
			struct wn_addr addr;
			char name[WN_TEXT_MAX]; /* "" : looked up, has none */
			wn_err err;		/* WN_OK, WN_ENOENT, WN_ERESOLVE, WN_ECANCELED */
		} name;
		struct {
			enum wn_note_kind kind;
			int64_t value;
			char text[160];
		} note;
		struct {
			enum wn_stop stop;
			uint8_t ttl; /* where; 0 none */
			struct wn_addr by;
			wn_err err;
			int sys;
		} stop;
		struct {
			bool partial;
			struct wn_counters counters;
		} end;
	} u;
};

const char *wn_event_name(enum wn_event_kind kind); /* "start" "sent" "reply" ... stable */

#endif
