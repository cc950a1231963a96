/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates are buckets in the form of a theoretical arrival time (GCRA): one number each. Those at
 * which somebody stands are in a heap, by when they open, at most once each.
 */
#include "trace/pace.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/heap.h"
#include "base/map.h"

#define NO_GATE	   WN_PACE_NO_GATE
#define NEVER	   UINT64_MAX
#define SECOND_NS  UINT64_C(1000000000)
#define MET_MAX	   4	 /* routers met at a place that are remembered */
#define EVICT_LOOK 16	 /* gates looked at for one that is not needed */
#define SENT_MAX   16384 /* probes under way that are remembered; a power of two */
#define GATES_MIN  64	 /* so that those of one toll do not displace each other */

enum kind { DESTINATION, ROUTER, LINE, ALL, KINDS }; /* the order in which tolls are paid */

_Static_assert((int)LINE == WN_PACE_LINE && (int)KINDS == WN_PACE_GATES, "as the header says");

struct gate {
	uint64_t key;
	uint64_t tat_ns;		   /* theoretical arrival time of the next probe */
	struct wn_pace_wait *first, *last; /* who stands here */
	uint64_t met[MET_MAX];		   /* of a place: keys of routers */
	uint32_t room;			   /* of a line */
	uint32_t tolls;			   /* of those that wait, or have paid */
	uint8_t kind, met_count;
	bool armed; /* in the heap */
	bool fixed; /* never taken for somebody else */
};

struct sent {
	uint64_t id, paid;  /* the key of the gate; 0 none */
	uint64_t places[2]; /* where it was sent to */
};

/* Gates 0 .. KINDS - 1 are shared by those that find no room, and the one of ALL. */
struct wn_pace {
	uint64_t interval_ns[KINDS], tolerance_ns[KINDS]; /* 0: no bound */
	struct gate *gates;
	uint32_t count, cap, max, hand;
	uint32_t free_line; /* a list by room; NO_GATE */
	struct wn_map by_key;
	struct wn_heap opening;
	struct sent *sent; /* SENT_MAX; NULL: routers are not bounded, or no memory */
	uint64_t shared;
};

static uint64_t max_ns(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- gates ---- */

static void set_rate(struct wn_pace *p, enum kind kind, uint32_t pps)
{
	if (pps == 0)
		return;
	p->interval_ns[kind] = (SECOND_NS + pps - 1) / pps;
	p->tolerance_ns[kind] = (WN_PACE_BURST(pps) - 1) * p->interval_ns[kind];
}

static bool make_room(struct wn_pace *p)
{
	struct gate *gates;

	if (wn_map_room(&p->by_key) != WN_OK || wn_heap_room(&p->opening, p->count + 1) != WN_OK)
		return false;
	if (p->count < p->cap)
		return true;
	gates = wn_realloc(p->gates, p->cap * 2, sizeof(*gates));
	if (!gates)
		return false;
	p->gates = gates;
	p->cap *= 2;
	return true;
}

/* A bucket that is full again is as good as one that was never made. */
static bool is_idle(const struct gate *g, uint64_t now_ns)
{
	return !g->fixed && g->tolls == 0 && !g->armed && g->tat_ns <= now_ns;
}

static uint32_t evict(struct wn_pace *p, uint64_t now_ns)
{
	for (unsigned i = 0; i < EVICT_LOOK; i++) {
		uint32_t at = p->hand;

		p->hand = at + 1 < p->count ? at + 1 : KINDS;
		if (at >= KINDS && at < p->count && is_idle(&p->gates[at], now_ns)) {
			wn_map_del(&p->by_key, p->gates[at].key);
			return at;
		}
	}
	return NO_GATE;
}

static uint32_t find_gate(struct wn_pace *p, uint64_t key, enum kind kind, uint64_t now_ns)
{
	uint32_t at = NO_GATE;

	if (wn_map_get(&p->by_key, key, &at))
		return at;
	if (p->count < p->max && make_room(p))
		at = p->count++;
	else
		at = evict(p, now_ns);
	if (at == NO_GATE) {
		p->shared++;
		return kind;
	}
	p->gates[at] = (struct gate){.key = key, .kind = (uint8_t)kind};
	(void)wn_map_put(&p->by_key, key, at);
	return at;
}

wn_err wn_pace_new(const struct wn_pace_config *config, struct wn_pace **out)
{
	struct wn_pace *p = wn_calloc(1, sizeof(*p));

	if (!p)
		return WN_ENOMEM;
	p->max = config->gates_max ? config->gates_max : WN_PACE_TABLE;
	p->max = p->max < GATES_MIN ? GATES_MIN : p->max;
	p->cap = GATES_MIN;
	p->count = p->hand = KINDS;
	p->free_line = NO_GATE;
	set_rate(p, DESTINATION, config->pps_per_destination);
	set_rate(p, ROUTER, config->pps_per_router);
	set_rate(p, ALL, config->pps);
	wn_heap_init(&p->opening, SIZE_MAX);
	p->gates = wn_calloc(p->cap, sizeof(*p->gates));
	if (!p->gates || wn_heap_room(&p->opening, KINDS) != WN_OK ||
		wn_map_init(&p->by_key, GATES_MIN) != WN_OK) {
		wn_pace_free(p);
		return WN_ENOMEM;
	}
	for (unsigned i = 0; i < KINDS; i++)
		p->gates[i] = (struct gate){.kind = (uint8_t)i, .fixed = true};
	/* Without memory each answer is charged anew: slower. */
	if (p->interval_ns[ROUTER])
		p->sent = wn_calloc(SENT_MAX, sizeof(*p->sent));
	*out = p;
	return WN_OK;
}

void wn_pace_free(struct wn_pace *p)
{
	if (!p)
		return;
	wn_map_fini(&p->by_key);
	wn_heap_fini(&p->opening);
	wn_free(p->gates);
	wn_free(p->sent);
	wn_free(p);
}

/* ---- opening ---- */

static uint64_t own_ns(const struct wn_pace *p, const struct gate *g)
{
	uint64_t tolerance_ns = p->tolerance_ns[g->kind];

	if (g->kind == LINE)
		return g->room > 0 ? 0 : NEVER;
	return g->tat_ns > tolerance_ns ? g->tat_ns - tolerance_ns : 0;
}

/* When it opens: that of a place not before those of whom it may lead to. */
static uint64_t opens_ns(const struct wn_pace *p, uint32_t gate)
{
	const struct gate *g = &p->gates[gate];
	uint64_t at_ns = own_ns(p, g);
	uint32_t router;

	for (unsigned i = 0; i < g->met_count; i++)
		if (wn_map_get(&p->by_key, g->met[i], &router))
			at_ns = max_ns(at_ns, own_ns(p, &p->gates[router]));
	return at_ns;
}

static void pay(struct wn_pace *p, uint32_t gate, uint64_t now_ns)
{
	struct gate *g = &p->gates[gate];

	if (g->kind == LINE)
		g->room--;
	else
		g->tat_ns = max_ns(g->tat_ns, now_ns) + p->interval_ns[g->kind];
}

/* make_room has seen to it that there is room for each gate once. */
static void arm(struct wn_pace *p, uint32_t gate)
{
	struct gate *g = &p->gates[gate];
	uint64_t at_ns = opens_ns(p, gate);

	if (g->armed || !g->first || at_ns == NEVER)
		return;
	g->armed = wn_heap_push(&p->opening, at_ns, gate) == WN_OK;
	assert(g->armed);
}

/* ---- standing in line ---- */

static void stand(struct wn_pace *p, struct wn_pace_wait *w)
{
	struct gate *g = &p->gates[w->toll.gates[w->gate]];

	w->next[w->gate] = NULL;
	w->prev[w->gate] = g->last;
	if (g->last)
		g->last->next[w->gate] = w;
	else
		g->first = w;
	g->last = w;
}

/* Gives up its place at a gate; whoever is first then is looked at when that is open. */
static void step_out(struct wn_pace *p, struct wn_pace_wait *w, unsigned at)
{
	uint32_t gate = w->toll.gates[at];
	struct gate *g;

	if (gate == NO_GATE)
		return;
	g = &p->gates[gate];
	if (w->prev[at])
		w->prev[at]->next[at] = w->next[at];
	else
		g->first = w->next[at];
	if (w->next[at])
		w->next[at]->prev[at] = w->prev[at];
	else
		g->last = w->prev[at];
	w->next[at] = w->prev[at] = NULL;
	arm(p, gate);
}

static unsigned next_gate(const struct wn_pace_toll *toll, unsigned from)
{
	while (from < WN_PACE_GATES && toll->gates[from] == NO_GATE)
		from++;
	return from;
}

/* The first gate of its toll that is closed now. */
static unsigned closed_gate(
	const struct wn_pace *p, const struct wn_pace_toll *toll, uint64_t now_ns)
{
	for (unsigned i = 0; i < WN_PACE_GATES; i++)
		if (toll->gates[i] != NO_GATE && opens_ns(p, toll->gates[i]) > now_ns)
			return i;
	return WN_PACE_GATES;
}

/* A gate closed behind it, for an answer was charged there: it is the first there still. */
static void go_back(struct wn_pace *p, struct wn_pace_wait *w, unsigned to)
{
	for (; w->gate > to; w->gate--)
		step_out(p, w, w->gate);
	arm(p, w->toll.gates[to]);
}

/* True: it has passed the last gate. */
static bool advance(struct wn_pace *p, struct wn_pace_wait *w, uint64_t now_ns)
{
	unsigned closed;

	for (;;) {
		uint32_t gate = w->toll.gates[w->gate];

		if (p->gates[gate].first != w)
			return false;
		if (opens_ns(p, gate) > now_ns) {
			arm(p, gate);
			return false;
		}
		if (next_gate(&w->toll, w->gate + 1u) == WN_PACE_GATES)
			break;
		w->gate = (uint8_t)next_gate(&w->toll, w->gate + 1u);
		stand(p, w);
	}
	closed = closed_gate(p, &w->toll, now_ns);
	if (closed == WN_PACE_GATES)
		return true;
	go_back(p, w, closed);
	return false;
}

/* While somebody has a gate in his toll it stays the one it is. */
static void refer(struct wn_pace *p, const struct wn_pace_toll *toll, int by)
{
	for (unsigned i = 0; i < WN_PACE_GATES; i++)
		if (toll->gates[i] != NO_GATE)
			p->gates[toll->gates[i]].tolls += (uint32_t)by;
}

static void pay_all(struct wn_pace *p, const struct wn_pace_toll *toll, uint64_t now_ns)
{
	for (unsigned i = 0; i < WN_PACE_GATES; i++)
		if (toll->gates[i] != NO_GATE)
			pay(p, toll->gates[i], now_ns);
}

bool wn_pace_pass(struct wn_pace *p, const struct wn_pace_toll *toll, uint64_t now_ns)
{
	for (unsigned i = 0; i < WN_PACE_GATES; i++)
		if (toll->gates[i] != NO_GATE && p->gates[toll->gates[i]].first)
			return false;
	if (closed_gate(p, toll, now_ns) < WN_PACE_GATES)
		return false;
	pay_all(p, toll, now_ns);
	return true;
}

void wn_pace_wait(
	struct wn_pace *p, struct wn_pace_wait *w, const struct wn_pace_toll *toll, uint64_t now_ns)
{
	bool passed;

	assert(!w->waiting && !w->paid && next_gate(toll, 0) < WN_PACE_GATES);
	w->toll = *toll;
	w->waiting = true;
	refer(p, toll, 1);
	w->gate = (uint8_t)next_gate(toll, 0);
	stand(p, w);
	passed = advance(p, w, now_ns);
	assert(!passed); /* it would have passed before */
	(void)passed;
}

static void leave_lines(struct wn_pace *p, struct wn_pace_wait *w)
{
	w->waiting = false;
	for (unsigned i = 0; i <= w->gate; i++)
		step_out(p, w, i);
}

struct wn_pace_wait *wn_pace_take(struct wn_pace *p, uint64_t now_ns)
{
	const struct wn_heap_item *first;
	struct wn_heap_item item;

	while ((first = wn_heap_peek(&p->opening)) && first->at_ns <= now_ns) {
		struct wn_pace_wait *w;
		uint32_t gate;

		wn_heap_pop(&p->opening, &item);
		gate = (uint32_t)item.value;
		p->gates[gate].armed = false;
		w = p->gates[gate].first;
		/* The head may stand at a later gate; then that one is armed. */
		if (!w || w->toll.gates[w->gate] != gate || !advance(p, w, now_ns))
			continue;
		pay_all(p, &w->toll, now_ns);
		leave_lines(p, w);
		w->paid = true;
		return w;
	}
	return NULL;
}

uint64_t wn_pace_next_ns(const struct wn_pace *p)
{
	const struct wn_heap_item *first = wn_heap_peek(&p->opening);

	return first ? first->at_ns : NEVER;
}

static void refund(struct wn_pace *p, uint32_t gate)
{
	struct gate *g = &p->gates[gate];

	if (g->kind == LINE)
		wn_pace_line_give(p, gate, 1);
	else if (g->tat_ns > p->interval_ns[g->kind])
		g->tat_ns -= p->interval_ns[g->kind];
}

void wn_pace_use(struct wn_pace *p, struct wn_pace_wait *w)
{
	assert(w->paid);
	w->paid = false;
	refer(p, &w->toll, -1);
}

void wn_pace_leave(struct wn_pace *p, struct wn_pace_wait *w)
{
	if (w->waiting)
		leave_lines(p, w);
	else if (!w->paid)
		return;
	for (unsigned i = 0; w->paid && i < WN_PACE_GATES; i++)
		if (w->toll.gates[i] != NO_GATE)
			refund(p, w->toll.gates[i]);
	w->paid = false;
	refer(p, &w->toll, -1);
}

/* ---- whom a probe is for ---- */

static uint64_t mix(uint64_t h, uint64_t with)
{
	h = (h ^ with) * UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 31;
}

static uint64_t key_of(const struct wn_addr *a, enum kind kind)
{
	return mix(wn_addr_hash(a), kind + 1u) | 1; /* never 0 */
}

uint64_t wn_pace_place(const struct wn_addr *behind, uint32_t ifindex, unsigned hops)
{
	return mix(mix(wn_addr_hash(behind), (uint64_t)ifindex << 32 | hops), KINDS + 1u) | 1;
}

static uint32_t router_gate(struct wn_pace *p, const struct wn_pace_probe *probe, uint64_t now_ns)
{
	uint64_t place = probe->places[1] ? probe->places[1] : probe->places[0];
	uint32_t at;

	if (probe->router.family)
		return find_gate(p, key_of(&probe->router, ROUTER), ROUTER, now_ns);
	if (probe->places[1] && wn_map_get(&p->by_key, probe->places[0], &at) &&
		p->gates[at].met_count > 0)
		place = probe->places[0];
	if (place == 0)
		return NO_GATE;
	at = find_gate(p, place, ROUTER, now_ns);
	if (p->gates[at].met_count != 1)
		return at;
	return find_gate(p, p->gates[at].met[0], ROUTER, now_ns);
}

void wn_pace_toll_of(struct wn_pace *p, const struct wn_pace_probe *probe, uint64_t now_ns,
	struct wn_pace_toll *out)
{
	*out = (struct wn_pace_toll){{NO_GATE, NO_GATE, probe->line, NO_GATE}};
	if (p->interval_ns[DESTINATION])
		out->gates[DESTINATION] =
			find_gate(p, key_of(&probe->dst, DESTINATION), DESTINATION, now_ns);
	if (p->interval_ns[ROUTER])
		out->gates[ROUTER] = router_gate(p, probe, now_ns);
	if (p->interval_ns[ALL])
		out->gates[ALL] = ALL;
}

static void meet(struct wn_pace *p, uint64_t place, uint64_t router, uint64_t now_ns)
{
	uint32_t found = find_gate(p, place, ROUTER, now_ns); /* which may move them all */
	struct gate *g = &p->gates[found];
	unsigned idle = 0;
	uint64_t least = NEVER;

	if (g->fixed)
		return;
	for (unsigned i = 0; i < g->met_count; i++) {
		uint64_t tat_ns = 0;
		uint32_t at;

		if (g->met[i] == router)
			return;
		if (wn_map_get(&p->by_key, g->met[i], &at))
			tat_ns = p->gates[at].tat_ns;
		if (tat_ns < least) {
			least = tat_ns;
			idle = i;
		}
	}
	/* Of many the busiest are those to look out for. */
	g->met[g->met_count < MET_MAX ? g->met_count++ : idle] = router;
}

static struct sent *sent_of(struct wn_pace *p, uint64_t id)
{
	return &p->sent[mix(id, 0) >> 40 & (SENT_MAX - 1)];
}

void wn_pace_sent(struct wn_pace *p, uint64_t id, const struct wn_pace_toll *toll,
	const struct wn_pace_probe *probe)
{
	struct sent *sent = p->sent ? sent_of(p, id) : NULL;

	if (!sent || toll->gates[ROUTER] == NO_GATE)
		return;
	*sent = (struct sent){.id = id, .paid = p->gates[toll->gates[ROUTER]].key};
	memcpy(sent->places, probe->places, sizeof(sent->places));
}

void wn_pace_answered(struct wn_pace *p, uint64_t id, const struct wn_addr *router, uint64_t now_ns)
{
	uint64_t key = key_of(router, ROUTER);
	struct sent sent = {0};

	if (!p->interval_ns[ROUTER])
		return;
	if (p->sent && sent_of(p, id)->id == id)
		sent = *sent_of(p, id);
	if (sent.paid != key)
		pay(p, find_gate(p, key, ROUTER, now_ns), now_ns);
	for (unsigned i = 0; i < 2; i++)
		if (sent.places[i])
			meet(p, sent.places[i], key, now_ns);
}

/* ---- lines ---- */

uint32_t wn_pace_line_new(struct wn_pace *p, uint32_t room)
{
	uint32_t at = p->free_line;

	if (at != NO_GATE)
		p->free_line = p->gates[at].room;
	else if (make_room(p))
		at = p->count++;
	else
		return NO_GATE;
	p->gates[at] = (struct gate){.kind = LINE, .room = room, .fixed = true};
	return at;
}

void wn_pace_line_free(struct wn_pace *p, uint32_t line)
{
	if (line == NO_GATE)
		return;
	assert(p->gates[line].kind == LINE && !p->gates[line].first);
	p->gates[line].room = p->free_line;
	p->free_line = line;
}

void wn_pace_line_give(struct wn_pace *p, uint32_t line, uint32_t count)
{
	p->gates[line].room += count;
	arm(p, line);
}

bool wn_pace_line_is_waited_for(const struct wn_pace *p, uint32_t line)
{
	return p->gates[line].first != NULL;
}

bool wn_pace_line_is_full(const struct wn_pace *p, uint32_t line)
{
	return line != NO_GATE && p->gates[line].room == 0;
}

uint64_t wn_pace_shared(const struct wn_pace *p)
{
	return p->shared;
}
