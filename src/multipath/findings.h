/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to packets on the path, and what the numbers of a trace mean: a pure function of
 * its record (docs/findings.md). Each finding says where, how sure it is, from which probes, and
 * has its figures as numbers, so that every face of it is made without reading prose.
 *
 * A finding is what the record shows, never more than it can show: where something else explains
 * the same, it is LIKELY or POSSIBLE, and where too little was measured there is none.
 */
#ifndef WN_MULTIPATH_FINDINGS_H
#define WN_MULTIPATH_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "multipath/pmtu_view.h"
#include "result/fields.h"
#include "result/result.h"

#define WN_FINDINGS_MAX	  256 /* more of one record are counted */
#define WN_FINDING_PROBES 8   /* kept as evidence of each */
#define WN_FINDING_LABELS 8

/* X(symbol, stable name, group of figures) */
#define WN_FINDING_LIST(X)                                                                         \
	X(NAT, "nat", NAT)                                                                         \
	X(DSCP, "dscp-rewritten", CHANGE)                                                          \
	X(ECN, "ecn-rewritten", CHANGE)                                                            \
	X(CONGESTION, "congestion-marked", CHANGE)                                                 \
	X(DF, "df-rewritten", CHANGE)                                                              \
	X(FLOW_LABEL, "flow-label-rewritten", CHANGE)                                              \
	X(MSS, "mss-clamped", CHANGE)                                                              \
	X(TCP_STRIPPED, "tcp-options-stripped", CHANGE)                                            \
	X(TCP_CHANGED, "tcp-options-changed", CHANGE)                                              \
	X(IP_ID, "ip-id-changed", CHANGE)                                                          \
	X(CHECKSUM, "checksum-changed", CHANGE)                                                    \
	X(LENGTH, "quoted-length", CHANGE)                                                         \
	X(TTL, "ttl-rewritten", TTL)                                                               \
	X(ZERO_TTL, "zero-ttl-forwarding", TTL)                                                    \
	X(MPLS_EXPLICIT, "mpls-explicit", MPLS)                                                    \
	X(MPLS_IMPLICIT, "mpls-implicit", MPLS)                                                    \
	X(MPLS_OPAQUE, "mpls-opaque", MPLS)                                                        \
	X(MPLS_INVISIBLE, "mpls-invisible", MPLS)                                                  \
	X(MTU, "mtu-lowered", MTU)                                                                 \
	X(MTU_HOLE, "mtu-black-hole", MTU)                                                         \
	X(RATE_LIMIT, "rate-limited", LOSS)                                                        \
	X(LOSS_REPLIES, "loss-replies", LOSS)                                                      \
	X(LOSS_PATH, "loss-path", LOSS)                                                            \
	X(PATH_CHANGED, "path-changed", EPOCH)                                                     \
	X(PER_PACKET, "per-packet", EPOCH)                                                         \
	X(UNSTEADY, "path-unsteady", EPOCH)

enum wn_finding_kind {
#define X(sym, name, group) WN_FINDING_##sym,
	WN_FINDING_LIST(X)
#undef X
};
#define WN_FINDING_KINDS (WN_FINDING_UNSTEADY + 1)
const char *wn_finding_name(enum wn_finding_kind kind);

enum wn_certainty {
	WN_CERTAIN, /* nothing else fits what was seen */
	WN_LIKELY,  /* other causes are known, but rare */
	WN_POSSIBLE /* one explanation of several */
};
const char *wn_certainty_name(enum wn_certainty certainty); /* "certain" "likely" "possible" */

struct wn_finding_at {
	uint8_t ttl;	    /* 0: this machine, or nowhere */
	uint32_t responder; /* WN_NONE */
};

/* How a field differs from what was sent, where its value alone would say little. */
enum wn_found_how {
	WN_HOW_VALUE,	/* look at the values */
	WN_HOW_SWAPPED, /* its two bytes */
	WN_HOW_LESS_IP, /* less by the length of the IP header */
	WN_HOW_CLEARED, /* 0, which means none */
	WN_HOW_VARIES	/* in each packet otherwise */
};

struct wn_found_change {
	/* CHECKSUM, IP_ID, LENGTH: of one packet, as an example. TCP_STRIPPED: the WN_TCP_OPT_*
	 * that are there; TCP_CHANGED: those with another value than was sent, 0 none. */
	int64_t sent, was, is;
	enum wn_found_how how;
	uint32_t quotes; /* that show it ... */
	uint32_t of;	 /* ... among those of the same TTLs */
};

/* Ends of the packet before and behind the box; family or port 0: not changed, or not seen. */
struct wn_found_nat {
	struct wn_addr src_was, src_is, dst_was, dst_is;
	uint16_t sport_was, sport_is, dport_was, dport_is; /* ICMP: sport is the identifier */
	/* The checksum does not fit the quoted ends: it differs by so much more than they do, in
	 * one's complement. */
	bool by_checksum;
	uint16_t sum_was, sum_is;
	bool by_answers; /* time exceeded comes from an address that all behind the box share */
};

struct wn_found_ttl {
	uint8_t sent_first, sent_last;	   /* TTLs of the probes */
	uint8_t quoted_least, quoted_most; /* TTLs that their quotes have */
	bool fixed;			   /* the same whatever was sent */
};

enum wn_found_sign {
	WN_SIGN_LABELS,
	WN_SIGN_QUOTED_TTL, /* it rises from hop to hop */
	WN_SIGN_U_TURN,	    /* replies of its switches come back by the far end */
	WN_SIGN_FRPLA, /* the way back gets longer than the way there, at one hop and for good */
	WN_SIGN_RTLA   /* ... longer for time exceeded than for echo replies */
};

struct wn_found_mpls {
	enum wn_found_sign sign;
	bool u_turn;			    /* seen as well */
	uint32_t labels[WN_FINDING_LABELS]; /* the top one of each hop */
	uint8_t label_count;
	uint8_t depth;	     /* of the largest stack */
	uint8_t label_ttl;   /* OPAQUE: of the top label */
	uint8_t quoted_most; /* largest quoted IP TTL */
	uint8_t hidden;	     /* switches that no TTL shows; 0 none or unknown */
	int16_t excess_was;  /* hops that the way back has more than the way there */
	int16_t excess_is;
	int16_t reply_ttl_was, reply_ttl_is; /* of time exceeded; -1 not looked at */
	int16_t echo_ttl;		     /* RTLA: of the echo reply; -1 */
};

struct wn_found_mtu {
	struct wn_pmtu_lowering lowering;
	struct wn_addr by; /* who said so; family 0: nobody */
	uint32_t passed;   /* probes of just that size that got there */
};

/* Shares have their 95% interval (Wilson), in millionths. */
struct wn_found_share {
	uint32_t lost, sent;
	uint32_t low_ppm, high_ppm;
};

struct wn_found_loss {
	struct wn_found_share here;   /* at these TTLs */
	struct wn_found_share rest;   /* later TTLs; LOSS_PATH: those before; sent 0: none */
	struct wn_found_share target; /* sent 0: it did not answer at all */
	/* Of those lost, as many had a probe of the same flow to a later TTL, sent at about the
	 * same time, answered. */
	uint32_t passed;
	/* Chance that this difference comes from one and the same loss; RATE_LIMIT: that losses by
	 * chance look as much like a limit. In 1/10^9. */
	uint32_t chance_ppb;
	/* RATE_LIMIT: a bucket of so many replies, one more each interval (0: longer than the
	 * trace). */
	uint32_t burst;
	uint64_t interval_ns;
	uint64_t from_ns, to_ns; /* the time it was looked at */
};

struct wn_found_epoch {
	uint64_t from_ns, to_ns; /* CHANGED: it happened in this time; else of the probes */
	struct wn_addr was, is;	 /* CHANGED: who answered at the first TTL of it */
	bool back;		 /* CHANGED: to a path that was taken before */
	uint32_t lost;		 /* CHANGED: probes of that time and one round trip before */
	uint32_t answered;	 /* probes that tell of it */
	uint32_t responders;	 /* different ones, most at one TTL */
	uint32_t switches;	 /* from one probe to the next of a TTL another responder */
	uint32_t flow;		 /* the first in which it was seen */
	uint32_t chance_ppb;	 /* that balancing packet by packet looks so much like a change */
	/* Of all paths. PER_PACKET: at so many moments at least the path would have to change.
	 * CHANGED: told by flows that were asked before, and others that were asked after it, and
	 * how many routers they met; 0: told by one flow. */
	uint32_t moments;
	uint32_t flows_before, flows_after, routers_before, routers_after;
};

struct wn_finding {
	enum wn_finding_kind kind;
	enum wn_certainty certainty;
	bool between; /* it happens between `before` (ttl 0: this machine) and `first` */
	struct wn_finding_at before;
	struct wn_finding_at first, last; /* that show it */
	struct wn_finding_at until;	  /* the next one, which does not; ttl 0: none */
	uint32_t hops;			  /* TTLs that show it */
	uint32_t flows;			  /* in which it was seen */
	uint32_t probe_count;		  /* that show it */
	uint32_t probes_kept;
	uint64_t probes[WN_FINDING_PROBES]; /* ids of some */
	union {
		struct wn_found_change change;
		struct wn_found_nat nat;
		struct wn_found_ttl ttl;
		struct wn_found_mpls mpls;
		struct wn_found_mtu mtu;
		struct wn_found_loss loss;
		struct wn_found_epoch epoch;
	} u;
};

struct wn_findings {
	struct wn_finding *list; /* owned; by TTL, then kind */
	uint32_t count;
	uint32_t dropped; /* for which there was no room */
	/* TTLs that lost replies in a way that so few probes cannot tell the reason of; 0 none. */
	uint8_t unclear_first, unclear_last;
};

/* WN_ENOMEM is the only failure; out is then empty. */
wn_err wn_findings_find(const struct wn_result *r, struct wn_findings *out);
void wn_findings_free(struct wn_findings *f);

/* The figures of a kind, as fields of struct wn_finding; labels are apart. */
const struct wn_fields *wn_finding_fields(enum wn_finding_kind kind);
const char *wn_found_how_name(enum wn_found_how how);	 /* "value" "swapped" ... */
const char *wn_found_sign_name(enum wn_found_sign sign); /* "labels" "quoted-ttl" ... */

#endif
