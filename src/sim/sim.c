/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When things happen: events in a heap, taken in order of time, each moving one packet by one
 * step. Nothing happens by itself: send and recv run the network up to the caller's now, so the
 * outcome depends on when packets are sent and not on how often anybody looks.
 */
#include "sim/model.h"

#include <string.h>
#include "base/alloc.h"

#define EVENTS_MAX  (WN_SIM_PACKETS_MAX + 1)
#define LOOK_AT_ALL 256

wn_err wn_sim_new(const struct wn_topo *topo, uint64_t seed, uint64_t now_ns, struct wn_sim **out)
{
	struct wn_sim *s = wn_calloc(1, sizeof *s);

	if (!s)
		return WN_ENOMEM;
	s->topo = topo;
	s->seed = seed ? seed : topo->seed;
	s->start_ns = s->now_ns = now_ns;
	s->free_head = WN_TOPO_NONE;
	wn_rng_seed(&s->rng, s->seed);
	wn_heap_init(&s->events, EVENTS_MAX);
	wn_heap_init(&s->ready, EVENTS_MAX);
	s->nodes = wn_calloc(topo->node_count, sizeof *s->nodes);
	s->ways = wn_calloc((size_t)topo->link_count * 2 + 1, sizeof *s->ways);
	s->nearest_ns = wn_calloc(topo->node_count, sizeof *s->nearest_ns);
	if (!s->nodes || !s->ways || !s->nearest_ns || wn_sim_measure(s)) {
		wn_sim_free(s);
		return WN_ENOMEM;
	}
	for (uint32_t i = 0; i < topo->node_count; i++)
		s->nodes[i].ip_id = (uint16_t)wn_rng_u64(&s->rng);
	*out = s;
	return WN_OK;
}

void wn_sim_free(struct wn_sim *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->pkt_count; i++)
		wn_free(s->pkts[i].data);
	for (unsigned i = 0; i < WN_SIM_TREES; i++)
		wn_free(s->trees[i].dist);
	wn_free(s->pkts);
	wn_free(s->nodes);
	wn_free(s->ways);
	wn_free(s->nearest_ns);
	wn_heap_fini(&s->events);
	wn_heap_fini(&s->ready);
	wn_free(s);
}

const struct wn_topo *wn_sim_topo(const struct wn_sim *s)
{
	return s->topo;
}

void **wn_sim_user(struct wn_sim *s)
{
	return &s->user;
}

const struct wn_sim_stats *wn_sim_stats(const struct wn_sim *s)
{
	return &s->stats;
}

static void deliver(struct wn_sim *s, uint32_t index)
{
	if (wn_heap_push(&s->ready, s->now_ns, index) == WN_OK) {
		s->stats.delivered++;
		return;
	}
	s->stats.overflow++;
	wn_sim_pkt_drop(s, index);
}

static void move(struct wn_sim *s, uint32_t index)
{
	struct wn_sim_move mv = {.now_ns = s->now_ns};
	/* By value: forging puts a packet into the pool, which may move. */
	struct wn_sim_pkt p = s->pkts[index];
	enum wn_sim_fate fate = wn_sim_step(s, &p, &mv);

	s->pkts[index] = p;
	switch (fate) {
	case WN_FATE_LEAVES:
		wn_sim_emit(s, index, mv.edge, s->now_ns + mv.delay_ns);
		break;
	case WN_FATE_DELIVERED:
		deliver(s, index);
		break;
	case WN_FATE_GONE:
		wn_sim_pkt_drop(s, index);
		break;
	}
}

static void run(struct wn_sim *s, uint64_t now_ns)
{
	const struct wn_heap_item *top;
	struct wn_heap_item item;

	while ((top = wn_heap_peek(&s->events)) && top->at_ns <= now_ns) {
		uint32_t index = (uint32_t)top->value;

		wn_heap_pop(&s->events, &item);
		if (item.at_ns > s->now_ns)
			s->now_ns = item.at_ns;
		if (s->pkts[index].out_edge != WN_TOPO_NONE)
			wn_sim_emit(s, index, s->pkts[index].out_edge, s->now_ns);
		else
			move(s, index);
	}
	if (now_ns > s->now_ns)
		s->now_ns = now_ns;
}

wn_err wn_sim_first_link(struct wn_sim *s, const uint8_t *packet, size_t len, uint32_t *out_link)
{
	const struct wn_topo *t = s->topo;
	const struct wn_topo_link *l;
	struct wn_wire_head h;
	uint32_t edge;
	bool back;

	*out_link = WN_TOPO_NONE;
	if (len > WN_PACKET_MAX || wn_wire_head(packet, len, &h))
		return WN_EINVAL;
	if (wn_topo_owner(t, &h.dst, &back) == t->source)
		return WN_OK;
	edge = wn_sim_route(s, t->source, &h);
	if (edge == WN_TOPO_NONE)
		return WN_ENOROUTE;
	*out_link = edge / 2;
	l = &t->links[edge / 2];
	return l->mtu && len > l->mtu && h.df ? WN_EMSGSIZE : WN_OK;
}

wn_err wn_sim_send(struct wn_sim *s, const uint8_t *packet, size_t len, uint64_t now_ns)
{
	uint32_t index, link;
	wn_err err;

	run(s, now_ns);
	err = wn_sim_first_link(s, packet, len, &link);
	if (err)
		return err;
	if (link != WN_TOPO_NONE && wn_sim_link_down(s, link, s->now_ns))
		return WN_ENETDOWN;
	index = wn_sim_pkt_new(s, packet, len);
	if (index == WN_TOPO_NONE)
		return WN_ENOBUFS;
	s->stats.sent++;
	move(s, index);
	return WN_OK;
}

/*
 * Events inside the network may wait until somebody can see what came of them: a packet at the
 * far end is not back before the ways there are. With many under way the next event will do.
 */
uint64_t wn_sim_next(const struct wn_sim *s)
{
	const struct wn_heap_item *top = wn_heap_peek(s->ready.len ? &s->ready : &s->events);
	uint64_t next = UINT64_MAX;

	if (!top || s->ready.len || s->events.len > LOOK_AT_ALL)
		return top ? top->at_ns : UINT64_MAX;
	for (size_t i = 0; i < s->events.len; i++) {
		const struct wn_heap_item *item = &s->events.items[i];
		uint64_t at = item->at_ns + s->nearest_ns[s->pkts[item->value].node];

		if (at < next)
			next = at;
	}
	return next;
}

size_t wn_sim_recv(struct wn_sim *s, uint64_t now_ns, uint8_t *buf, size_t cap, uint64_t *out_at_ns)
{
	struct wn_heap_item item;
	struct wn_sim_pkt *p;
	size_t len;

	run(s, now_ns);
	if (!wn_heap_pop(&s->ready, &item))
		return 0;
	p = &s->pkts[item.value];
	len = p->len < cap ? p->len : cap;
	memcpy(buf, p->data, len);
	*out_at_ns = item.at_ns;
	wn_sim_pkt_drop(s, (uint32_t)item.value);
	return len;
}
