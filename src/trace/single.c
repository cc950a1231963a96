/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of slots. A probe waits in a queue until it is handed out, is out until an answer or its
 * timer ends it, and is over until that was told. Nothing depends on how many there are.
 */
#include "trace/single_priv.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "packet/wire.h"

#define SLOT_BITS 24
#define SLOT_MASK ((UINT64_C(1) << SLOT_BITS) - 1)
#define CAP_MIN	  64u
#define RETRY_NS  1000000u /* after a send that found no room */

static void push(struct wn_single *s, struct queue *q, struct slot *slot)
{
	uint32_t at = (uint32_t)(slot - s->slots);

	slot->next = NO_SLOT;
	slot->prev = q->last;
	if (q->last == NO_SLOT)
		q->first = at;
	else
		s->slots[q->last].next = at;
	q->last = at;
}

static void push_first(struct wn_single *s, struct queue *q, struct slot *slot)
{
	uint32_t at = (uint32_t)(slot - s->slots);

	slot->prev = NO_SLOT;
	slot->next = q->first;
	if (q->first == NO_SLOT)
		q->last = at;
	else
		s->slots[q->first].prev = at;
	q->first = at;
}

static void take_out(struct wn_single *s, struct queue *q, const struct slot *slot)
{
	if (slot->prev == NO_SLOT)
		q->first = slot->next;
	else
		s->slots[slot->prev].next = slot->next;
	if (slot->next == NO_SLOT)
		q->last = slot->prev;
	else
		s->slots[slot->next].prev = slot->prev;
}

/* NULL: it is empty. */
static struct slot *first(const struct wn_single *s, const struct queue *q)
{
	return q->first == NO_SLOT ? NULL : &s->slots[q->first];
}

/* ---- the table ---- */

wn_err wn_single_new(const struct wn_single_config *c, uint64_t now_ns, struct wn_single **out)
{
	static const char purpose[] = "single";
	struct wn_single *s = wn_calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return WN_ENOMEM;
	s->config = *c;
	s->free = NO_SLOT;
	s->again = s->wait = s->over = (struct queue){NO_SLOT, NO_SLOT};
	s->flow_checksum = (uint16_t)(1 + wn_siphash(&c->key, purpose, sizeof(purpose)) % 0xf000);
	if (wn_wheel_init(&s->wheel, now_ns) != WN_OK ||
		wn_map_init(&s->by_tag, CAP_MIN) != WN_OK ||
		wn_map_init(&s->by_cookie, CAP_MIN) != WN_OK ||
		wn_map_init(&s->by_ports, CAP_MIN) != WN_OK) {
		wn_single_free(s);
		return WN_ENOMEM;
	}
	*out = s;
	return WN_OK;
}

void wn_single_free(struct wn_single *s)
{
	if (!s)
		return;
	wn_wheel_fini(&s->wheel);
	wn_map_fini(&s->by_tag);
	wn_map_fini(&s->by_cookie);
	wn_map_fini(&s->by_ports);
	wn_free(s->slots);
	wn_free(s);
}

static wn_err grow(struct wn_single *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : CAP_MIN;
	struct slot *slots;

	if (s->cap > SLOT_MASK / 2 || wn_wheel_room(&s->wheel, cap) != WN_OK)
		return WN_ENOMEM;
	slots = wn_realloc(s->slots, cap, sizeof(*slots));
	if (!slots)
		return WN_ENOMEM;
	memset(slots + s->cap, 0, (cap - s->cap) * sizeof(*slots));
	s->slots = slots;
	s->cap = cap;
	return WN_OK;
}

static uint32_t take_slot(struct wn_single *s)
{
	uint32_t slot = s->free;

	if (slot != NO_SLOT)
		s->free = s->slots[slot].next;
	else
		slot = s->count++;
	return slot;
}

/* NULL: it has ended. */
static struct slot *find(const struct wn_single *s, uint64_t id)
{
	uint64_t slot = id & SLOT_MASK;

	if (slot >= s->count || s->slots[slot].state == SLOT_FREE || s->slots[slot].probe.id != id)
		return NULL;
	return &s->slots[slot];
}

static uint32_t index_of(const struct wn_single *s, const struct slot *slot)
{
	return (uint32_t)(slot - s->slots);
}

/* ---- in ---- */

static void raise_size(struct wn_probe *p)
{
	uint32_t least = wn_ip_header_size(p->dst.family) + 8u;

	if (p->proto == WN_PROTO_TCP)
		least = wn_probe_min_size(p->dst.family, p->proto) +
			(uint32_t)wn_tcp_options_size(p->tcp_options);
	else if (p->proto == WN_PROTO_UDP && p->dport)
		least += 2; /* the checksum alone tells it from others */
	if (p->size < least)
		p->size = (uint16_t)least;
}

wn_err wn_single_add(
	struct wn_single *s, const struct wn_single_spec *spec, uint64_t now_ns, uint64_t *out_id)
{
	struct wn_probe probe = spec->probe;
	struct slot *slot;
	uint32_t at;
	wn_err err;

	probe.proto = s->config.proto;
	probe.checksum = 0;
	raise_size(&probe);
	err = wn_probe_check(&probe, NULL);
	if (err == WN_OK && s->free == NO_SLOT && s->count == s->cap)
		err = grow(s);
	if (err != WN_OK)
		return err;
	at = take_slot(s);
	slot = &s->slots[at];
	probe.id = (((slot->probe.id >> SLOT_BITS) + 1) << SLOT_BITS | at) & (UINT64_MAX >> 1);
	*slot = (struct slot){.probe = probe,
		.user = spec->user,
		.wait_ns = spec->wait_ns,
		.added_ns = now_ns,
		.own_sport = probe.sport == 0,
		.own_dport = probe.dport == 0,
		.state = SLOT_QUEUED};
	s->live++;
	push(s, &s->wait, slot);
	*out_id = probe.id;
	return WN_OK;
}

/* It waits for nothing any more. */
static void release(struct wn_single *s, struct slot *slot)
{
	if (slot->state == SLOT_OUT) {
		wn_wheel_drop(&s->wheel, index_of(s, slot));
		wn_single_unindex(s, index_of(s, slot));
		s->out--;
	} else if (slot->state == SLOT_QUEUED) {
		take_out(s, slot->is_again ? &s->again : &s->wait, slot);
	}
}

static void end(struct wn_single *s, struct slot *slot, enum wn_single_kind kind)
{
	release(s, slot);
	slot->end = kind;
	slot->state = SLOT_OVER;
	push(s, &s->over, slot);
}

wn_err wn_single_cancel(struct wn_single *s, uint64_t id)
{
	struct slot *slot = find(s, id);

	if (!slot)
		return WN_ENOENT;
	if (slot->state != SLOT_OVER)
		end(s, slot, WN_SINGLE_CANCELED);
	return WN_OK;
}

void wn_single_stop(struct wn_single *s, wn_err err, int sys)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct slot *slot = &s->slots[i];

		if (slot->state == SLOT_FREE || slot->state == SLOT_OVER)
			continue;
		slot->err = err;
		slot->sys = sys;
		end(s, slot, WN_SINGLE_FAILED);
	}
}

/* ---- out ---- */

static bool has_room(struct wn_single *s)
{
	return wn_map_room(&s->by_tag) == WN_OK && wn_map_room(&s->by_cookie) == WN_OK &&
	       wn_map_room(&s->by_ports) == WN_OK;
}

bool wn_single_ready(struct wn_single *s, uint64_t now_ns)
{
	if ((s->again.first == NO_SLOT && s->wait.first == NO_SLOT) || now_ns < s->retry_ns ||
		s->out >= s->config.limit)
		return false;
	if (has_room(s))
		return true;
	s->retry_ns = now_ns + RETRY_NS;
	return false;
}

static struct slot *next_of(const struct wn_single *s)
{
	return first(s, s->again.first == NO_SLOT ? &s->wait : &s->again);
}

const struct wn_probe *wn_single_peek(const struct wn_single *s)
{
	assert(next_of(s));
	return &next_of(s)->probe;
}

void wn_single_hold(struct wn_single *s, void *keeper)
{
	struct slot *slot = next_of(s);

	assert(slot);
	release(s, slot);
	slot->state = SLOT_HELD;
	slot->keeper = keeper;
}

void *wn_single_keeper(const struct wn_single *s, uint64_t id)
{
	const struct slot *slot = find(s, id);

	return slot && slot->state == SLOT_HELD ? slot->keeper : NULL;
}

wn_err wn_single_go(struct wn_single *s, uint64_t id)
{
	struct slot *slot = find(s, id);

	if (!slot || slot->state != SLOT_HELD)
		return WN_ENOENT;
	slot->state = SLOT_QUEUED;
	slot->is_again = true;
	push_first(s, &s->again, slot);
	return WN_OK;
}

void wn_single_next(struct wn_single *s, uint64_t now_ns, struct wn_probe *out)
{
	struct slot *slot = next_of(s);

	assert(slot);
	release(s, slot);
	wn_single_name(s, slot);
	slot->state = SLOT_OUT;
	slot->tx_ns = 0;
	s->out++;
	wn_single_index(s, index_of(s, slot));
	wn_wheel_set(&s->wheel, index_of(s, slot), now_ns + slot->wait_ns);
	*out = slot->probe;
}

void wn_single_sent(struct wn_single *s, uint64_t id, uint64_t tx_ns)
{
	struct slot *slot = find(s, id);

	if (!slot || slot->state != SLOT_OUT)
		return;
	slot->tx_ns = tx_ns;
	slot->left = true;
}

void wn_single_failed(struct wn_single *s, uint64_t id, wn_err err, int sys, uint64_t now_ns)
{
	struct slot *slot = find(s, id);

	if (!slot || slot->state != SLOT_OUT)
		return;
	slot->left = false;
	if (err == WN_EAGAIN || err == WN_ENOBUFS) {
		release(s, slot);
		slot->state = SLOT_QUEUED;
		slot->is_again = true;
		push(s, &s->again, slot);
		s->retry_ns = now_ns + RETRY_NS;
		s->counters.retried++;
		return;
	}
	slot->err = err;
	slot->sys = sys;
	end(s, slot, WN_SINGLE_FAILED);
}

/* ---- ends ---- */

static void tell(struct wn_single *s, struct slot *slot, uint64_t now_ns, struct wn_single_end *out)
{
	*out = (struct wn_single_end){
		.kind = slot->end,
		.user = slot->user,
		.id = slot->probe.id,
		.added_ns = slot->added_ns,
		.ended_ns = now_ns,
		.dst = slot->probe.dst,
		.ttl = slot->probe.ttl,
		.left = slot->left,
		.rtt_ns = -1,
		.err = slot->err,
		.sys = slot->sys,
	};
	slot->state = SLOT_FREE;
	slot->next = s->free;
	s->free = index_of(s, slot);
	s->live--;
}

/* The port is closed, and that only the target can know. */
static bool is_of_target(const struct wn_reply *r)
{
	return wn_reply_is_direct(r->kind) ||
	       (r->kind == WN_REPLY_UNREACHABLE && r->icmp_code == (r->from.family == 4 ? 3 : 4));
}

bool wn_single_reply(struct wn_single *s, const struct wn_reply *r, uint64_t rx_ns, uint64_t now_ns,
	struct wn_single_end *out)
{
	uint32_t at = wn_single_match(s, r);
	struct slot *slot;
	uint64_t tx_ns;

	if (at == NO_SLOT)
		return false;
	slot = &s->slots[at];
	tx_ns = slot->tx_ns;
	slot->left = true;
	slot->end = WN_SINGLE_REPLY;
	release(s, slot);
	/* It may have come after the caller had looked at his clock; it left after it was added. */
	tell(s, slot, rx_ns > now_ns ? rx_ns : now_ns, out);
	if (tx_ns && tx_ns < out->added_ns)
		tx_ns = out->added_ns;
	out->reply = r;
	out->reached = is_of_target(r);
	out->sent_ns = tx_ns;
	if (tx_ns)
		out->rtt_ns = rx_ns > tx_ns ? (int64_t)(rx_ns - tx_ns) : 0;
	return true;
}

bool wn_single_end(struct wn_single *s, uint64_t now_ns, struct wn_single_end *out)
{
	struct slot *slot = first(s, &s->over);
	uint32_t at;

	if (slot) {
		take_out(s, &s->over, slot);
	} else if (wn_wheel_take(&s->wheel, now_ns, &at)) {
		slot = &s->slots[at];
		slot->end = WN_SINGLE_LOST;
		release(s, slot);
	} else {
		return false;
	}
	tell(s, slot, now_ns, out);
	return true;
}

uint64_t wn_single_next_ns(const struct wn_single *s)
{
	uint64_t next = wn_wheel_next_ns(&s->wheel);

	if (s->over.first != NO_SLOT)
		return 0;
	if ((s->wait.first != NO_SLOT || s->again.first != NO_SLOT) && s->out < s->config.limit &&
		s->retry_ns < next)
		next = s->retry_ns;
	return next;
}

uint32_t wn_single_count(const struct wn_single *s)
{
	return s->live;
}

const struct wn_single_counters *wn_single_counters(const struct wn_single *s)
{
	return &s->counters;
}
