/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the path engine, shared by its files:
 *
 *   trace.c     memory, and the order in which next() does things
 *   record.c    one small record per probe; the probe itself is rebuilt from the parameters
 *   ask.c       probes that a guided engine was asked for
 *   schedule.c  which probe next, and when; what became of sending it
 *   timeout.c   how long a probe is waited for; time in which we did not run
 *   match.c     which probe a reply belongs to, and whether that is proved
 *   tie.c       UDP answers, which name no probe
 *   answer.c    what an accepted reply changes
 *   stop.c      where the path ends and when everything up to there is decided
 *   queue.c     replies and notes that wait to be emitted
 *
 * Everything lives in one block of memory. Tables hold 16-bit indices; NO_REC ends a list.
 */
#ifndef WN_TRACE_TRACE_PRIV_H
#define WN_TRACE_TRACE_PRIV_H

#include "trace/trace.h"

#define NO_REC		  UINT16_MAX
#define NEVER		  UINT64_MAX
#define NO_TTL		  256
#define MS		  UINT64_C(1000000)

#define WAIT_FLOOR_NS	  (100 * MS) /* for hops whose silence is measured by farther ones */
#define RETRY_FLOOR_NS	  (50 * MS)  /* between passes over trailing hops */
#define PASS_PROBES	  3	     /* sent to a TTL before the next is probed */
#define REFUSAL_NS	  (10 * MS)  /* for others to pass where one was refused */
#define BURST_NS	  (20 * MS)  /* so much of the pace may be sent at once */
#define AHEAD		  6	     /* TTLs probed ahead of the farthest answer */
#define FIRST_WINDOW	  16	     /* outstanding while no hop is known */
#define AGAIN_FIRST_NS	  (1 * MS)   /* backoff when this machine's queue is full ... */
#define AGAIN_LAST_NS	  (50 * MS)  /* ... doubling up to this */
#define AGAIN_TRIES	  30	     /* then, with nothing else outstanding, it is final */
#define LINK_FIRST_NS	  (50 * MS)  /* backoff when the link is down, doubling up to wait_max */
#define LINK_TRIES	  6	     /* in a row without a probe that left */
#define JUMP_NS		  (250 * MS) /* later than asked by this: we were not running */
#define RTT_ABSURD_NS	  (UINT64_C(3600) * 1000 * MS)
#define CLASSIC_SPORTS	  64 /* source ports that classic TCP walks through */
#define REPLY_EVENT_BYTES 75 /* of the queue for each outstanding probe, see queue.c */
#define PLAIN_EVENT_MAX	  64 /* bytes of a queued reply without extensions */

enum rec_state {
	REC_FREE,
	REC_ASKED,   /* guided: waits to be handed out */
	REC_OFFERED, /* handed out by next, nothing heard of it */
	REC_OUT,     /* it left */
	REC_AGAIN,   /* the queue was full: it will be offered again */
	REC_ANSWERED,
	REC_LOST,
	REC_LATE,    /* answered after its timeout */
	REC_DROPPED, /* beyond the end of the path: not waited for, not lost */
	REC_FAILED
};

#define REC_F_SAID    1u /* its SENT event was emitted or is queued */
#define REC_F_TIED    4u /* chosen for a held answer */
#define REC_F_REPLACE 2u /* FAILED, and another probe shall take its place */

struct rec {
	uint64_t sent_ns; /* best stamp; of a FAILED one, when it failed */
	uint32_t tag;
	uint16_t number;      /* which probe at its TTL */
	uint16_t tag_next;    /* chain of equal hash, or of free records */
	uint16_t cookie_next; /* chain of equal hash */
	uint16_t say_next;    /* SENT and FAILED events that wait; ASKED ones */
	int16_t sys;	      /* FAILED: errno */
	int8_t err;	      /* FAILED: wn_err */
	uint8_t ttl;
	uint8_t salt;
	uint8_t gen; /* times this record was used again */
	uint8_t state;
	uint8_t clock;
	uint8_t tries; /* AGAIN */
	uint8_t flags;
};

struct more { /* guided: what else differs between probes */
	uint32_t flow;
	uint16_t size;
};

#define HOP_F_REACHED	  1u  /* the destination answered, proved */
#define HOP_F_REACHED_TIE 2u  /* it answered, but which probe is a guess */
#define HOP_F_UNREACHABLE 4u  /* something refused here: addr */
#define HOP_F_MIXED	  8u  /* several responders */
#define HOP_F_SERIAL	  16u /* one more probe in the serial pass */
#define HOP_F_EXPIRED	  32u /* a time exceeded came from here */

struct hop {
	uint64_t last_ns; /* when its last probe left, moved by time lost */
	uint64_t rtt_ns;  /* worst seen; 0 none */
	struct wn_addr addr;
	uint8_t flags;
	uint16_t next_number;
	uint16_t active;   /* offered, out or to be sent again */
	uint16_t ended;	   /* decided, for good */
	uint16_t answered; /* of them with a reply */
	uint16_t left;	   /* probes that left this machine */
};

struct out {		  /* a probe in REC_OFFERED, REC_OUT or REC_AGAIN */
	uint64_t base_ns; /* its waiting counts from here */
	uint16_t rec;
};

/* Of the parameters what is needed all the time; names and texts go out with START. X(type, field)
 */
#define PARAM_LIST(X)                                                                              \
	X(struct wn_addr, src)                                                                     \
	X(struct wn_addr, dst)                                                                     \
	X(enum wn_proto, proto)                                                                    \
	X(uint16_t, sport)                                                                         \
	X(uint16_t, dport)                                                                         \
	X(uint32_t, flow_label)                                                                    \
	X(uint16_t, flow_checksum)                                                                 \
	X(uint8_t, first_ttl)                                                                      \
	X(uint8_t, max_ttl)                                                                        \
	X(enum wn_flow_mode, flow_mode)                                                            \
	X(uint32_t, flow)                                                                          \
	X(uint32_t, flows)                                                                         \
	X(uint32_t, probes)                                                                        \
	X(uint32_t, window)                                                                        \
	X(uint32_t, gap)                                                                           \
	X(uint32_t, pps)                                                                           \
	X(uint64_t, wait_max_ns)                                                                   \
	X(uint64_t, wait_min_ns)                                                                   \
	X(uint32_t, wait_here_milli)                                                               \
	X(uint32_t, wait_near_milli)                                                               \
	X(uint64_t, deadline_ns)                                                                   \
	X(enum wn_tcp_method, tcp_method)                                                          \
	X(uint32_t, tcp_seq)                                                                       \
	X(uint32_t, tcp_ack)                                                                       \
	X(uint16_t, size)                                                                          \
	X(uint8_t, tos)                                                                            \
	X(bool, df)                                                                                \
	X(uint8_t, pattern)                                                                        \
	X(bool, plain)                                                                             \
	X(uint8_t, tcp_flags)                                                                      \
	X(uint8_t, tcp_options)                                                                    \
	X(uint32_t, mark)
#define CAP_LIST(X)                                                                                \
	X(bool, sends_ip_id)                                                                       \
	X(bool, sends_checksum)                                                                    \
	X(bool, sends_icmp_id)                                                                     \
	X(bool, sees_quote_l4)                                                                     \
	X(bool, sees_quote_ip)                                                                     \
	X(uint32_t, per_flow)

#define X(type, field) type field;
struct caps {
	CAP_LIST(X)
};
struct params {
	PARAM_LIST(X)
	struct caps caps;
};
#undef X

/* Answers that wait for their probes to be found; what they have in common. */
struct held {
	uint64_t first_ns, until_ns;
	struct wn_addr to;
	uint8_t clock;
	int16_t ttl, tos;
	uint16_t length, count;
};

enum phase { PHASE_START, PHASE_RUN, PHASE_STOPPED, PHASE_ENDED };

/* Where the path ends as far as is known, and why. */
struct path_end {
	uint8_t ttl;
	enum wn_stop why; /* WN_STOP_NONE: at max_ttl or by the gap */
};

struct wn_trace {
	struct params params;
	struct wn_sipkey key;
	size_t bytes;
	uint64_t start_ns, now_ns;
	uint64_t asked_ns; /* the last WAIT's; NEVER when none is open */

	struct rec *recs;
	struct more *more; /* by record; NULL: not guided */
	struct hop *hops;
	struct out *out;
	uint32_t *held_after_ns;	    /* out_cap: arrival of the held ones after the first */
	uint16_t *tag_heads, *cookie_heads; /* index_mask + 1 each */
	uint8_t *queue;
	uint16_t rec_cap, rec_count, free_head, index_mask;
	uint16_t out_count, out_cap;
	uint32_t offered, again; /* of out */
	uint16_t say_head, say_tail;
	uint16_t ask_head, ask_tail;
	uint32_t queue_cap, queue_at, queue_len;

	struct held held;
	uint64_t tie_rtt_ns; /* about the target's round trip, from its first such answer; 0 none */
	uint64_t tat_ns;     /* theoretical arrival time of the next probe, for pps */
	uint64_t hold_until_ns, again_ns;
	uint64_t link_until_ns;
	uint64_t expire_ns; /* earliest timeout, valid unless dirty */
	bool dirty;
	bool held_back; /* until wn_trace_go */
	uint8_t link_tries;

	uint64_t first_ns; /* when the first probe left, moved by time lost */
	uint64_t news_ns; /* when the frontier last moved, or a probe was let go; moved by time lost
			   */
	uint64_t worst_ns;  /* RTT */
	uint8_t frontier;   /* highest TTL that answered; 0 none */
	uint8_t expire_top; /* highest TTL with time exceeded */
	struct path_end end;
	uint16_t dropped_from; /* no REC_DROPPED below this TTL */
	bool settled;	       /* guided: end says where and why */
	bool serial;	       /* one outstanding at a time */
	uint32_t left;	       /* probes that left this machine */
	wn_err first_err;
	int first_sys;

	enum phase phase;
	enum wn_stop forced;
	wn_err forced_err;
	int forced_sys;
	bool partial;
	struct wn_counters counters;
};

/* record.c */
struct rec *wn_trace_rec(struct wn_trace *t, uint64_t id, uint16_t *out_index);
uint64_t wn_trace_rec_id(const struct wn_trace *t, uint16_t index);
/*
 * A new probe, with a tag of its own, in REC_OFFERED; NO_REC when the table is full. flow and size
 * count where the engine is guided.
 */
uint16_t wn_trace_rec_new(struct wn_trace *t, const struct wn_ask *ask);
void wn_trace_rec_recycle(struct wn_trace *t, uint16_t index);
void wn_trace_rec_probe(const struct wn_trace *t, uint16_t index, struct wn_probe *out);
/* The same for the record of the trace: without what the kernel chooses, not us. */
void wn_trace_rec_tell(const struct wn_trace *t, uint16_t index, struct wn_probe *out);
/* Next record after `from` (NO_REC: the first) whose tag may be this one. */
uint16_t wn_trace_rec_by_tag(const struct wn_trace *t, uint32_t tag, uint16_t from);
uint16_t wn_trace_rec_by_cookie(const struct wn_trace *t, const uint8_t cookie[8]);
bool wn_trace_rec_has_cookie(const struct wn_trace *t, uint16_t index, const uint8_t cookie[8]);
void wn_trace_rec_init(struct wn_trace *t);

static inline struct hop *wn_trace_hop(const struct wn_trace *t, uint8_t ttl)
{
	return &t->hops[ttl - t->params.first_ttl];
}

/* Time of an event: from the start, never negative and below 2^63 whatever a clock says. */
static inline uint64_t wn_trace_since(const struct wn_trace *t, uint64_t at_ns)
{
	uint64_t since = at_ns > t->start_ns ? at_ns - t->start_ns : 0;

	return since < INT64_MAX ? since : INT64_MAX;
}

/* Answers may come that name no probe: then the serial pass has room for one more per TTL. */
static inline bool wn_trace_is_anonymous(const struct wn_trace *t)
{
	return !t->params.caps.sees_quote_ip || !t->params.caps.sees_quote_l4 ||
	       !t->params.caps.sends_checksum;
}

/* schedule.c: false, and *wake_ns lowered, when nothing may be sent now. */
bool wn_trace_pick(struct wn_trace *t, uint16_t *out_rec, uint64_t *wake_ns);
/* Takes it off the outstanding ones; returns since when it was waited for. */
uint64_t wn_trace_out_remove(struct wn_trace *t, uint16_t index);
void wn_trace_say(struct wn_trace *t, uint16_t index);
void wn_trace_left(struct wn_trace *t, uint16_t index, uint64_t tx_ns, enum wn_clock clock);
/* Probes that this TTL shall get. */
uint32_t wn_trace_want(const struct wn_trace *t, uint8_t ttl);

/* ask.c: the ASKED ones, first in first out. */
uint16_t wn_trace_ask_take(struct wn_trace *t); /* NO_REC: none that may go now */

/* timeout.c */
uint64_t wn_trace_expiry(struct wn_trace *t, uint16_t *out_rec);
void wn_trace_clock(struct wn_trace *t, uint64_t now_ns);

/* match.c: TAKEN without a record means counted and done with. */
struct verdict {
	enum wn_claim claim;
	uint16_t rec;
	enum wn_match match;
	bool tie; /* a UDP answer: see tie.c */
};
struct verdict wn_trace_match(struct wn_trace *t, const struct wn_reply *r);

/* answer.c */
void wn_trace_take(struct wn_trace *t, const struct wn_reply *r, uint64_t rx_ns,
	enum wn_clock clock, const struct verdict *v);

/* tie.c: an answer of the target that names no probe. It may be held for a while. */
enum wn_claim wn_trace_tie(
	struct wn_trace *t, const struct wn_reply *r, uint64_t rx_ns, enum wn_clock clock);
bool wn_trace_tie_is_due(const struct wn_trace *t);
void wn_trace_tie_resolve(struct wn_trace *t);

/* stop.c */
void wn_trace_find_end(struct wn_trace *t);
/* The highest TTL that may be probed now. */
uint8_t wn_trace_limit(const struct wn_trace *t);
/*
 * Everything up to the end is decided. May start the serial pass, and is false then; lowers
 * *wake_ns to when it is to be asked again.
 */
bool wn_trace_settled(struct wn_trace *t, uint64_t *wake_ns);
/* Fills the STOP event of a settled or forced end. */
void wn_trace_stop_event(struct wn_trace *t, struct wn_event *ev);

/* queue.c */
/* Bytes to keep for the answers that the outstanding probes may still get. */
static inline uint32_t wn_trace_queue_reserve(const struct wn_trace *t)
{
	return t->out_count * (uint32_t)PLAIN_EVENT_MAX;
}
/* False when it does not fit with `keep` bytes left over. rec: whose reply it is, or NO_REC. */
bool wn_trace_queue_push(
	struct wn_trace *t, const struct wn_event *ev, uint16_t rec, uint32_t keep);
bool wn_trace_queue_pop(struct wn_trace *t, struct wn_event *ev);

#endif
