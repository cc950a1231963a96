/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the detectors of findings share. Each has a file and a function of its own, looks at the
 * record through struct wn_finder, and adds its findings:
 *
 *   findings.c       the probes in order, the list of findings
 *   find_walk.c      where along a path a property of packets changes
 *   find_hops.c      what one flow met at each TTL
 *   find_rewrite.c   DSCP, ECN, DF, label, TCP options  find_quote.c    quoted length, IP-ID
 *   find_checksum.c  checksums                          find_nat.c      addresses and ports
 *   find_ttl.c       TTLs                               find_mpls.c     labels and quoted TTLs
 *   find_return.c    tunnels by the TTL of replies (return_ttl.h)
 *   find_mtu.c       what lowers the path MTU
 *   find_epoch.c     changes of the path in mid-run
 *   find_flows.c     ... as many flows tell of them together
 *   find_loss.c      which loss is real (find_loss_add.c: findings of it)
 *   find_limit.c     and which is a limit
 */
#ifndef WN_MULTIPATH_FIND_INT_H
#define WN_MULTIPATH_FIND_INT_H

#include "multipath/findings.h"

#define WN_EPOCHS_MAX  8
#define WN_CHANGES_MAX 64
#define WN_TTLS_WORDS  4

/* A probe that left. */
struct wn_seen {
	uint32_t probe;
	uint32_t lane;
	uint8_t ttl; /* what lies beyond the target counts as the target's */
	bool silent; /* nobody answers its flow here, though others may be answered */
	uint64_t sent_ns;
};

/* Probes of one lane and TTL, from seen[first] on. */
struct wn_slice {
	uint32_t first, count;
	uint8_t ttl;
};

struct wn_span {
	uint64_t from_ns, to_ns;
};

struct wn_finder {
	const struct wn_result *r;
	struct wn_findings *out;
	/*
	 * By lane, TTL, time of sending. A lane is a flow; the probes of classic flows, each of
	 * another port, are all one lane.
	 */
	struct wn_seen *seen;
	uint32_t seen_count;
	uint32_t *lane_first; /* lane_count + 1 of them */
	uint32_t lane_count;
	bool *varied;	 /* by lane: checksums differ from packet to packet, see find_checksum.c */
	uint8_t end_ttl; /* beyond it nothing is looked at */
	struct wn_span changes[WN_EPOCHS_MAX]; /* times in which the path changed, in order */
	uint32_t change_count;
	uint32_t limit_count; /* hops that were looked at for a limit */
	wn_err err;
};

/* ---- looking ---- */

/* The slice that begins at *at, which goes on to the next; false at the end of the lane. */
bool wn_find_slice(const struct wn_finder *f, uint32_t lane, uint32_t *at, struct wn_slice *out);

static inline const struct wn_probe_rec *wn_seen_probe(
	const struct wn_finder *f, const struct wn_seen *s)
{
	return &f->r->probes[s->probe];
}

/* Its first reply, NULL when there is none. */
static inline const struct wn_reply_rec *wn_seen_reply(
	const struct wn_finder *f, const struct wn_seen *s)
{
	uint32_t reply = f->r->probes[s->probe].first_reply;

	return reply == WN_NONE ? NULL : &f->r->replies[reply];
}

/* Whose first reply that is, of a probe that was sent to just this TTL; WN_NONE: no answer. */
static inline uint32_t wn_seen_responder(const struct wn_finder *f, const struct wn_seen *s)
{
	const struct wn_reply_rec *reply = wn_seen_reply(f, s);

	return reply && wn_seen_probe(f, s)->probe.ttl == s->ttl ? reply->responder : WN_NONE;
}

/* What its first reply quotes of the IP header, of the transport header; NULL: nothing. */
const struct wn_quote *wn_seen_ip(const struct wn_finder *f, const struct wn_seen *s);
const struct wn_quote *wn_seen_l4(const struct wn_finder *f, const struct wn_seen *s);

static inline struct wn_finding_at wn_find_at(const struct wn_finder *f, const struct wn_seen *s)
{
	const struct wn_reply_rec *reply = wn_seen_reply(f, s);

	return (struct wn_finding_at){s->ttl, reply ? reply->responder : WN_NONE};
}

/* A TTL and the first that answered there. */
static inline struct wn_finding_at wn_find_hop(const struct wn_finder *f, unsigned ttl)
{
	const struct wn_hop *hop = &f->r->hops[ttl];

	return (struct wn_finding_at){
		(uint8_t)ttl, hop->responder_count > 0 ? hop->responders[0].responder : WN_NONE};
}

static inline bool wn_find_same_at(struct wn_finding_at a, struct wn_finding_at b)
{
	return a.ttl == b.ttl && a.responder == b.responder;
}

/* ---- finding ---- */

/* A new one with its kind set, at the end of the list; NULL: there is no room. */
struct wn_finding *wn_find_add(struct wn_finder *f, enum wn_finding_kind kind);
/* One of this kind that begins at the same place; NULL. */
struct wn_finding *wn_find_known(
	const struct wn_finder *f, enum wn_finding_kind kind, struct wn_finding_at first);
/* One probe more that shows it, by its index. */
void wn_find_evidence(const struct wn_finder *f, struct wn_finding *finding, uint32_t probe);
void wn_find_evidence_aside(const struct wn_finder *f, struct wn_finding *finding, uint32_t side);

/* ---- find_walk.c ---- */

/* One property of packets, as quotes tell of it. */
struct wn_trait {
	enum wn_finding_kind kind;
	bool sticky; /* a TTL shows it when one packet does, and so do all behind it */
	/* Its value as sent and as quoted, where equal values mean no change. False: not known. */
	bool (*read)(const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent,
		int64_t *out_is);
};

struct wn_change {
	int64_t sent, was, is;
	struct wn_finding_at before, first, last, until;
	uint64_t ttls[WN_TTLS_WORDS]; /* that show it, a bit each */
	uint32_t quotes, of;
	uint32_t flows;
	uint32_t probe_was, probe_is; /* the nearest on both sides, WN_NONE: as sent */
	uint32_t probes[WN_FINDING_PROBES];
	uint32_t probes_kept;
};

struct wn_changes {
	struct wn_change list[WN_CHANGES_MAX];
	uint32_t count, dropped;
};

/* All changes of a property, those that several lanes show once. */
void wn_find_changes(const struct wn_finder *f, const struct wn_trait *t, struct wn_changes *out);
uint32_t wn_change_hops(const struct wn_change *c);
/* How sure a change is that nothing but its quotes tell of. */
enum wn_certainty wn_change_certainty(const struct wn_change *c);
/* Place, evidence and certainty of a finding from a change. */
void wn_find_from_change(
	const struct wn_finder *f, const struct wn_change *c, struct wn_finding *out);
/* Findings of a trait whose values are their own figures; how may be NULL. */
void wn_find_trait(
	struct wn_finder *f, const struct wn_trait *t, enum wn_found_how (*how)(int64_t value));

/* ---- find_hops.c ---- */

/* What a lane met at a TTL, from its first answer there. */
struct wn_hop_view {
	uint32_t probe; /* WN_NONE: no answer, and the rest means nothing */
	struct wn_finding_at at;
	bool expired;		  /* it is a time exceeded */
	int16_t quoted_ttl;	  /* -1: not seen */
	int16_t reply_ttl;	  /* the largest; -1: not seen */
	const struct wn_ext *ext; /* with labels; NULL */
};

/* Fills views[0 .. 255] by TTL. Replies of the target count at the first TTL that reached it. */
void wn_find_views(const struct wn_finder *f, uint32_t lane, struct wn_hop_view views[256]);
/* The nearest answer before and behind a TTL; ttl 0: none. */
struct wn_finding_at wn_view_before(const struct wn_hop_view views[256], unsigned ttl);
struct wn_finding_at wn_view_behind(const struct wn_hop_view views[256], unsigned ttl);
/*
 * Where the quoted TTLs that rise by one with each hop begin, if what this TTL quotes is one of
 * them and more than 1; 0: it is not.
 */
unsigned wn_view_ramp(const struct wn_hop_view views[256], unsigned ttl);

/* ---- detectors ---- */

void wn_find_rewrite(struct wn_finder *f);
void wn_find_quote(struct wn_finder *f);
void wn_find_checksum(struct wn_finder *f);
void wn_find_nat(struct wn_finder *f);
void wn_find_ttl(struct wn_finder *f);
void wn_find_mpls(struct wn_finder *f);
void wn_find_return(struct wn_finder *f); /* after wn_find_mpls */
void wn_find_mtu(struct wn_finder *f);
void wn_find_epoch(struct wn_finder *f);
void wn_find_flows(struct wn_finder *f); /* after wn_find_epoch */
void wn_find_loss(struct wn_finder *f);	 /* after wn_find_epoch */

/* find_checksum.c */
/* Fills f->varied. */
void wn_find_varied(struct wn_finder *f);
/*
 * By how much more the quoted checksum differs from the one sent than the quoted addresses and
 * ports explain, in one's complement: 0 is as it should be. False: not known, or none is quoted.
 */
bool wn_find_residue(const struct wn_finder *f, const struct wn_seen *s, uint16_t *out);

/* find_limit.c */
struct wn_limit_sample {
	uint64_t at_ns;
	uint32_t order; /* of those sent at the same time */
	bool answered;
};
/*
 * Whether samples, in order of time, look like a bucket of replies that fills at a rate. False:
 * they do not, or not more than losses by chance would (out->chance_ppb). Shuffles samples.
 */
bool wn_limit_fit(struct wn_limit_sample *samples, uint32_t count, struct wn_found_loss *out);

#endif
