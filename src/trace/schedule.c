/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which probe goes out next, and when. A pass walks over the TTLs, some ahead of the farthest
 * answer, and sends PASS_PROBES to each before it goes on: so one round trip is enough, and a
 * target that limits its replies spends them on its own TTL, which is probed first, instead of on
 * TTLs beyond it that nobody needs. Later passes follow a TTL as soon as it or a farther one
 * answered, so that they do not wait for silence.
 *
 * Invariants: never more outstanding than the window, the back end's limit per flow, and one in
 * the serial pass; never more than pps allows, but for a burst of BURST_NS' worth.
 */
#include "trace/trace_priv.h"

/*
 * Where only one probe of a flow can be out, silence at the end of a path is waited for in turn:
 * one probe to each TTL there is enough, since those beyond the target reach it too.
 */
uint32_t wn_trace_want(const struct wn_trace *t, uint8_t ttl)
{
	uint32_t probes = t->params.probes;

	if (t->params.caps.per_flow == 1 && wn_flow_is_fixed(t->params.flow_mode) &&
		ttl > t->frontier)
		probes = 1;
	return probes + (wn_trace_hop(t, ttl)->flags & HOP_F_SERIAL ? 1 : 0);
}

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_ns(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* After how long without an answer the next step is taken, though nothing has timed out yet. */
static uint64_t patience_ns(const struct wn_trace *t)
{
	uint64_t ns = t->worst_ns ? t->worst_ns + t->worst_ns / 2 : t->params.wait_min_ns;

	return min_ns(max_ns(ns, RETRY_FLOOR_NS), t->params.wait_max_ns);
}

/*
 * May a SYN follow one that is still out at the same TTL? Not to where it can reach the target:
 * a second SYN with the same ports, while the first is being answered, confuses it.
 */
static bool is_staged(const struct wn_trace *t, uint8_t ttl)
{
	return t->params.proto == WN_PROTO_TCP && wn_flow_is_fixed(t->params.flow_mode) &&
	       ttl > t->expire_top;
}

/* Which pass over the TTLs its next probe belongs to. */
static uint32_t pass_of(const struct hop *hop)
{
	return (hop->active + hop->ended) / PASS_PROBES;
}

/*
 * TTLs well ahead of the last hop found are probed only when no news came for as long as patience
 * lasts: where hops go on answering, the target most likely comes first.
 */
static uint64_t ahead_ns(const struct wn_trace *t, uint8_t ttl)
{
	unsigned found = t->frontier ? t->frontier : t->params.first_ttl - 1u;

	if (ttl <= found + AHEAD || t->first_ns == 0)
		return 0; /* near, or this machine refuses all: there is no silence to wait for */
	return max_ns(t->first_ns, t->news_ns) + patience_ns(t);
}

/* When this TTL may get its next probe: 0 now, NEVER when something must happen first. */
static uint64_t ready_ns(const struct wn_trace *t, uint8_t ttl)
{
	const struct hop *hop = wn_trace_hop(t, ttl);
	bool staged = hop->active > 0 && is_staged(t, ttl);

	if (hop->active + hop->ended >= wn_trace_want(t, ttl))
		return NEVER;
	if (hop->left == 0 && hop->active == 0)
		return ahead_ns(t, ttl);
	if (ttl <= t->frontier)
		return staged ? NEVER : 0;
	if (!staged && ((hop->active + hop->ended) % PASS_PROBES != 0 || hop->ended > 0))
		return 0;
	return hop->last_ns ? hop->last_ns + patience_ns(t) : NEVER;
}

static uint64_t gate_ns(const struct wn_trace *t)
{
	uint64_t at = max_ns(t->hold_until_ns, t->link_until_ns);

	if (t->params.pps > 0) {
		uint64_t interval = 1000 * MS / t->params.pps;
		uint64_t burst = min_ns(BURST_NS, (t->params.window - 1) * interval);

		if (t->tat_ns > burst)
			at = max_ns(at, t->tat_ns - burst);
	}
	return at;
}

static void pace(struct wn_trace *t)
{
	if (t->params.pps > 0)
		t->tat_ns = max_ns(t->tat_ns, t->now_ns) + 1000 * MS / t->params.pps;
}

/* What did not leave does not count against the pace. */
static void unpace(struct wn_trace *t)
{
	if (t->params.pps > 0 && t->tat_ns > 1000 * MS / t->params.pps)
		t->tat_ns -= 1000 * MS / t->params.pps;
}

/*
 * Until something is known of the path the window is small, so that a near target is not met by
 * probes for a dozen hops it does not have; each hop found opens it, and silence for longer than
 * patience opens it wholly. *wake_ns is lowered to that moment.
 */
static uint32_t window(const struct wn_trace *t, uint64_t *wake_ns)
{
	uint32_t limit = t->out_cap;
	uint32_t known = FIRST_WINDOW + 2 * PASS_PROBES * t->frontier;
	uint64_t open_ns = t->first_ns ? t->first_ns + patience_ns(t) : NEVER;

	if (t->more)
		return limit;
	if (limit > known && t->now_ns < open_ns) {
		limit = known;
		*wake_ns = min_ns(*wake_ns, open_ns);
	}
	if (t->params.caps.per_flow > 0 && wn_flow_is_fixed(t->params.flow_mode))
		limit = (uint32_t)min_ns(limit, t->params.caps.per_flow);
	return t->serial ? 1 : limit;
}

/* Classic flows come back after CLASSIC_SPORTS probes, and the next one is known beforehand. */
static bool flow_is_full(const struct wn_trace *t)
{
	uint64_t next, span = UINT64_MAX;
	uint32_t same = 0;

	if (t->params.caps.per_flow == 0 || wn_flow_is_fixed(t->params.flow_mode))
		return false;
	if (t->params.proto == WN_PROTO_TCP)
		span = CLASSIC_SPORTS;
	else if (t->params.proto == WN_PROTO_UDP)
		span = 0x10000u - t->params.dport;
	next = t->free_head != NO_REC ? wn_trace_rec_id(t, t->free_head) : t->rec_count;
	for (uint16_t i = 0; i < t->out_count; i++)
		same += wn_trace_rec_id(t, t->out[i].rec) % span == next % span;
	return same >= t->params.caps.per_flow;
}

/* The TTL to probe next; 0 when none may be, with *wake_ns lowered to when that changes. */
static uint8_t pick_ttl(const struct wn_trace *t, uint64_t *wake_ns)
{
	uint8_t limit = wn_trace_limit(t), best = 0;

	for (unsigned ttl = t->params.first_ttl; ttl <= limit; ttl++) {
		uint64_t at = ready_ns(t, (uint8_t)ttl);

		if (t->held.count > 0 && ttl > t->expire_top)
			break; /* a further answer from there would only confuse */
		if (at > t->now_ns)
			*wake_ns = min_ns(*wake_ns, at);
		else if (best == 0 ||
			 pass_of(wn_trace_hop(t, (uint8_t)ttl)) < pass_of(wn_trace_hop(t, best)))
			best = (uint8_t)ttl;
	}
	return best;
}

/* The oldest that the full queue refused. Those that the path's end has overtaken never were. */
static uint16_t pick_again(struct wn_trace *t)
{
	uint16_t best = NO_REC;

	for (uint16_t i = t->out_count; i-- > 0;) {
		uint16_t rec = t->out[i].rec;

		if (t->recs[rec].state != REC_AGAIN)
			continue;
		if (t->recs[rec].ttl > t->end.ttl) {
			wn_trace_out_remove(t, rec);
			wn_trace_rec_recycle(t, rec);
		} else if (best == NO_REC || wn_trace_rec_id(t, rec) < wn_trace_rec_id(t, best)) {
			best = rec;
		}
	}
	return best;
}

/* The next probe of a path, as a record; NO_REC. */
static uint16_t pick_next(struct wn_trace *t, uint64_t *wake_ns)
{
	struct wn_ask ask = {.ttl = pick_ttl(t, wake_ns)};
	struct hop *hop;

	if (ask.ttl == 0)
		return NO_REC;
	if (t->now_ns < gate_ns(t)) {
		*wake_ns = min_ns(*wake_ns, gate_ns(t));
		return NO_REC;
	}
	hop = wn_trace_hop(t, ask.ttl);
	ask.number = hop->next_number++;
	return wn_trace_rec_new(t, &ask);
}

/* The next one that was asked for. */
static uint16_t pick_asked(struct wn_trace *t, uint64_t *wake_ns)
{
	if (t->ask_head == NO_REC)
		return NO_REC;
	if (t->now_ns < gate_ns(t)) {
		*wake_ns = min_ns(*wake_ns, gate_ns(t));
		return NO_REC;
	}
	return wn_trace_ask_take(t);
}

static uint16_t pick_new(struct wn_trace *t, uint64_t *wake_ns)
{
	struct hop *hop;
	uint16_t rec;

	if (t->out_count >= window(t, wake_ns) || (!t->more && flow_is_full(t)))
		return NO_REC;
	rec = t->more ? pick_asked(t, wake_ns) : pick_next(t, wake_ns);
	if (rec == NO_REC)
		return NO_REC;
	hop = wn_trace_hop(t, t->recs[rec].ttl);
	hop->active++;
	hop->last_ns = t->now_ns; /* known better once it left */
	t->out[t->out_count++] = (struct out){.base_ns = t->now_ns, .rec = rec};
	return rec;
}

bool wn_trace_pick(struct wn_trace *t, uint16_t *out_rec, uint64_t *wake_ns)
{
	uint16_t rec = NO_REC;

	/* While the link seems down one probe at a time tries it. */
	if (t->held_back || (t->link_tries > 0 && t->offered > 0))
		return false;
	if (t->again > 0) {
		if (t->now_ns < gate_ns(t)) {
			*wake_ns = min_ns(*wake_ns, gate_ns(t));
			return false;
		}
		rec = pick_again(t);
		t->again -= rec != NO_REC;
	}
	if (rec == NO_REC)
		rec = pick_new(t, wake_ns);
	if (rec == NO_REC)
		return false;
	t->recs[rec].state = REC_OFFERED;
	t->offered++;
	pace(t);
	*out_rec = rec;
	return true;
}

uint64_t wn_trace_out_remove(struct wn_trace *t, uint16_t index)
{
	uint64_t base_ns = 0;

	for (uint16_t i = 0; i < t->out_count; i++) {
		if (t->out[i].rec == index) {
			base_ns = t->out[i].base_ns;
			t->out[i] = t->out[--t->out_count];
			break;
		}
	}
	t->offered -= t->recs[index].state == REC_OFFERED;
	t->again -= t->recs[index].state == REC_AGAIN;
	wn_trace_hop(t, t->recs[index].ttl)->active--;
	t->dirty = true;
	return base_ns;
}

void wn_trace_say(struct wn_trace *t, uint16_t index)
{
	if (t->say_head == NO_REC)
		t->say_head = index;
	else
		t->recs[t->say_tail].say_next = index;
	t->say_tail = index;
	t->recs[index].say_next = NO_REC;
}

/* Waiting counts from its leaving, but not from before it was handed out, whatever a clock says. */
static void rebase(struct wn_trace *t, uint16_t index, uint64_t at_ns)
{
	for (uint16_t i = 0; i < t->out_count; i++)
		if (t->out[i].rec == index)
			t->out[i].base_ns = max_ns(t->out[i].base_ns, at_ns);
	t->dirty = true;
}

/* First news that it left. */
void wn_trace_left(struct wn_trace *t, uint16_t index, uint64_t tx_ns, enum wn_clock clock)
{
	struct rec *rec = &t->recs[index];
	struct hop *hop = wn_trace_hop(t, rec->ttl);

	t->offered -= rec->state == REC_OFFERED;
	t->again -= rec->state == REC_AGAIN;
	rec->state = REC_OUT;
	rec->sent_ns = tx_ns;
	rec->clock = (uint8_t)clock;
	rebase(t, index, tx_ns);
	hop->left++;
	hop->last_ns = tx_ns;
	if (t->left++ == 0)
		t->first_ns = tx_ns;
	t->link_tries = 0;
	t->again_ns = 0;
	if (!(rec->flags & REC_F_SAID)) {
		rec->flags |= REC_F_SAID;
		wn_trace_say(t, index);
	}
}

void wn_trace_sent(struct wn_trace *t, uint64_t id, uint64_t tx_ns, enum wn_clock clock)
{
	uint16_t index;
	struct rec *rec = wn_trace_rec(t, id, &index);

	if (!rec || rec->state == REC_FAILED)
		return;
	if ((unsigned)clock > WN_CLOCK_SIM)
		clock = WN_CLOCK_NONE;
	if (rec->state == REC_OFFERED || rec->state == REC_AGAIN) {
		wn_trace_left(t, index, tx_ns, clock);
	} else if (clock > rec->clock) {
		rec->sent_ns = tx_ns;
		rec->clock = (uint8_t)clock;
	}
}

static void queue_was_full(struct wn_trace *t, uint16_t index)
{
	struct rec *rec = &t->recs[index];
	uint64_t back = t->again_ns ? t->again_ns : AGAIN_FIRST_NS;

	t->offered -= rec->state == REC_OFFERED;
	rec->state = REC_AGAIN;
	t->again++;
	if (rec->tries < UINT8_MAX)
		rec->tries++;
	/* Those of one batch are one refusal. */
	if (t->now_ns >= t->hold_until_ns) {
		t->hold_until_ns = t->now_ns + back;
		t->again_ns = min_ns(back * 2, AGAIN_LAST_NS);
	}
}

void wn_trace_hold(struct wn_trace *t, uint64_t id)
{
	uint16_t index;
	struct rec *rec = wn_trace_rec(t, id, &index);

	t->held_back = true;
	if (!rec || rec->state != REC_OFFERED)
		return;
	unpace(t);
	t->offered--;
	rec->state = REC_AGAIN;
	t->again++;
}

void wn_trace_go(struct wn_trace *t, uint64_t now_ns)
{
	t->held_back = false;
	t->news_ns = now_ns;
}

static bool is_link_error(wn_err err)
{
	return err == WN_ENETDOWN || err == WN_ENOROUTE || err == WN_EADDRNOTAVAIL;
}

/* A link that was up may come up again: the TTL gets another probe after a pause. */
static bool link_may_return(struct wn_trace *t, const struct rec *rec, wn_err err)
{
	uint64_t back = LINK_FIRST_NS;

	if (!is_link_error(err) || t->left == 0 || rec->gen == UINT8_MAX)
		return false;
	if (t->now_ns < t->link_until_ns)
		return true; /* of the batch that met it first */
	if (t->link_tries == LINK_TRIES)
		return false;
	back <<= t->link_tries++;
	t->link_until_ns = t->now_ns + min_ns(back, t->params.wait_max_ns);
	return true;
}

static void is_final(struct wn_trace *t, uint16_t index, wn_err err, int sys)
{
	struct rec *rec = &t->recs[index];
	struct hop *hop = wn_trace_hop(t, rec->ttl);

	wn_trace_out_remove(t, index);
	if (rec->state == REC_OUT) {
		t->left--;
		hop->left--;
	}
	if (link_may_return(t, rec, err))
		rec->flags |= REC_F_REPLACE;
	else
		hop->ended++;
	if (err == WN_EBLOCKED)
		t->counters.blocked++;
	if (t->first_err == WN_OK) {
		t->first_err = err;
		t->first_sys = sys;
	}
	rec->state = REC_FAILED;
	rec->err = (int8_t)err;
	rec->sys = (int16_t)sys;
	rec->sent_ns = t->now_ns;
	/* It may still wait to be announced as sent: then this replaces it. */
	for (uint16_t i = t->say_head; i != NO_REC; i = t->recs[i].say_next)
		if (i == index)
			return;
	wn_trace_say(t, index);
}

void wn_trace_failed(struct wn_trace *t, uint64_t id, wn_err err, int sys, uint64_t now_ns)
{
	uint16_t index;
	struct rec *rec = wn_trace_rec(t, id, &index);

	if (!rec || (rec->state != REC_OFFERED && rec->state != REC_OUT))
		return;
	if (now_ns > t->now_ns)
		wn_trace_clock(t, now_ns);
	unpace(t);
	if (err == WN_EAGAIN || err == WN_ENOBUFS) {
		t->counters.send_retries++;
		if (rec->state == REC_OFFERED &&
			(rec->tries < AGAIN_TRIES || t->out_count > t->offered + t->again)) {
			queue_was_full(t, index);
			return;
		}
	}
	is_final(t, index, err, sys);
}
