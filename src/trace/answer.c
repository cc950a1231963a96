/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an accepted reply changes. The first one to a probe is its answer, in time or late; any
 * further one is a duplicate that is recorded and changes nothing.
 */
#include "trace/trace_priv.h"

#include <string.h>

static bool is_port_unreachable(const struct wn_reply *r)
{
	return r->kind == WN_REPLY_UNREACHABLE && r->icmp_code == (r->from.family == 6 ? 4 : 3);
}

/* The target's address alone says nothing: behind address translation every hop may carry it. */
static bool is_destination(const struct wn_trace *t, const struct wn_reply *r)
{
	return wn_addr_eq(&r->from, &t->params.dst) &&
	       (wn_reply_is_direct(r->kind) || is_port_unreachable(r));
}

static enum wn_clock worse(enum wn_clock tx, enum wn_clock rx)
{
	if ((unsigned)rx > WN_CLOCK_SIM)
		return WN_CLOCK_NONE;
	/* TCP_INFO measures both ends itself. */
	return rx == WN_CLOCK_TCP || tx > rx ? rx : tx;
}

static void take_rtt(
	const struct rec *rec, uint64_t rx_ns, enum wn_clock clock, struct wn_event *ev)
{
	ev->u.reply.rtt_ns = -1;
	ev->u.reply.clock = worse((enum wn_clock)rec->clock, clock);
	if (ev->u.reply.clock == WN_CLOCK_NONE || rx_ns < rec->sent_ns ||
		rx_ns - rec->sent_ns > RTT_ABSURD_NS)
		return;
	ev->u.reply.rtt_ns = (int64_t)(rx_ns - rec->sent_ns);
}

/*
 * Extensions and duplicates have what the answers still to come do not need; without extensions
 * those always fit, unless their other fields are forged to be large. Such a reply has not come.
 */
static bool record(struct wn_trace *t, struct wn_event *ev, uint16_t index)
{
	uint32_t own = t->recs[index].state == REC_OUT ? PLAIN_EVENT_MAX : 0;

	if (wn_trace_queue_push(t, ev, index, wn_trace_queue_reserve(t) - own))
		return true;
	t->counters.overflow++;
	if (ev->u.reply.duplicate)
		return false;
	memset(&ev->u.reply.reply.ext, 0, sizeof(ev->u.reply.reply.ext));
	return wn_trace_queue_push(t, ev, index, 0);
}

static void learn_rtt(struct wn_trace *t, struct hop *hop, int64_t rtt_ns)
{
	uint64_t rtt = rtt_ns > 0 ? (uint64_t)rtt_ns : 0;

	if (rtt > hop->rtt_ns)
		hop->rtt_ns = rtt;
	if (rtt > t->worst_ns)
		t->worst_ns = rtt;
}

/* A time exceeded from here proves that answers tied to this or a nearer TTL were not its own. */
static void drop_ties(struct wn_trace *t, uint8_t ttl)
{
	for (unsigned i = t->params.first_ttl; i <= ttl; i++)
		wn_trace_hop(t, (uint8_t)i)->flags &= (uint8_t)~HOP_F_REACHED_TIE;
}

static void learn_hop(struct wn_trace *t, uint8_t ttl, const struct wn_event *ev)
{
	const struct wn_reply *r = &ev->u.reply.reply;
	struct hop *hop = wn_trace_hop(t, ttl);

	if (ttl > t->frontier) {
		t->frontier = ttl;
		t->news_ns = t->now_ns;
	}
	if (hop->addr.family && !wn_addr_eq(&hop->addr, &r->from))
		hop->flags |= HOP_F_MIXED;
	if (!hop->addr.family)
		hop->addr = r->from;
	if (ev->u.reply.reached) {
		hop->flags |= r->kind == WN_REPLY_UDP ? HOP_F_REACHED_TIE : HOP_F_REACHED;
	} else if (r->kind == WN_REPLY_TIME_EXCEEDED) {
		hop->flags |= HOP_F_EXPIRED;
		if (ttl > t->expire_top)
			t->expire_top = ttl;
		drop_ties(t, ttl);
	} else if (!(hop->flags & HOP_F_UNREACHABLE)) {
		hop->flags |= HOP_F_UNREACHABLE;
		hop->addr = r->from;
	}
}

static void learn(struct wn_trace *t, uint16_t index, const struct wn_event *ev)
{
	struct rec *rec = &t->recs[index];
	struct hop *hop = wn_trace_hop(t, rec->ttl);
	bool late = rec->state == REC_LOST;

	if (rec->state == REC_OUT) {
		wn_trace_out_remove(t, index);
		hop->ended++;
	}
	rec->state = late ? REC_LATE : REC_ANSWERED;
	hop->answered++;
	learn_rtt(t, hop, ev->u.reply.rtt_ns);
	learn_hop(t, rec->ttl, ev);
	wn_trace_find_end(t);
	t->dirty = true;
}

void wn_trace_take(struct wn_trace *t, const struct wn_reply *r, uint64_t rx_ns,
	enum wn_clock clock, const struct verdict *v)
{
	struct rec *rec = &t->recs[v->rec];
	bool duplicate = rec->state == REC_ANSWERED || rec->state == REC_LATE;
	struct wn_event ev;

	memset(&ev, 0, sizeof(ev));
	ev.kind = WN_EV_REPLY;
	ev.at_ns = wn_trace_since(t, rx_ns);
	ev.probe_id = wn_trace_rec_id(t, v->rec);
	ev.u.reply.reply = *r;
	ev.u.reply.match = v->match;
	ev.u.reply.late = rec->state == REC_LOST;
	ev.u.reply.duplicate = duplicate;
	ev.u.reply.reached = is_destination(t, r);
	take_rtt(rec, rx_ns, clock, &ev);
	if (!record(t, &ev, v->rec))
		return;
	t->counters.weak += v->match == WN_MATCH_WEAK;
	t->counters.duplicate += duplicate;
	t->counters.late += ev.u.reply.late;
	if (!duplicate)
		learn(t, v->rec, &ev);
}

enum wn_claim wn_trace_reply(struct wn_trace *t, const struct wn_reply *reply, uint64_t rx_ns,
	enum wn_clock clock, uint64_t now_ns)
{
	struct verdict v;

	if (t->phase == PHASE_ENDED)
		return WN_CLAIM_NO;
	wn_trace_clock(t, now_ns);
	v = wn_trace_match(t, reply);
	if (v.tie)
		return wn_trace_tie(t, reply, rx_ns, clock);
	if (v.rec == NO_REC)
		return v.claim;
	if (t->recs[v.rec].state == REC_FAILED) {
		t->counters.stale++;
		return WN_CLAIM_TAKEN;
	}
	/* An answer to a probe of which we have not heard that it left: it did. */
	if (t->recs[v.rec].state == REC_OFFERED || t->recs[v.rec].state == REC_AGAIN)
		wn_trace_left(t, v.rec, now_ns, WN_CLOCK_NONE);
	wn_trace_take(t, reply, rx_ns, clock, &v);
	return WN_CLAIM_TAKEN;
}
