/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet at one node: the order in which a router looks at it. That order is what traces
 * see: a filter rejects after the TTL check, a missing route before it, NAT rewrites on the way
 * out, so that the translating node itself still quotes what came in.
 */
#include "sim/model.h"

static enum wn_sim_fate expire(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	struct wn_sim_move *mv)
{
	struct wn_sim_cause cause = {
		.kind = WN_REPLY_TIME_EXCEEDED, .labels = p->lsp != WN_TOPO_NONE};

	if (!mv->dry)
		s->stats.expired++;
	mv->expired = true;
	return wn_sim_error(s, p, h, &cause, mv);
}

static enum wn_sim_fate no_route(struct wn_sim *s, struct wn_sim_pkt *p,
	const struct wn_wire_head *h, struct wn_sim_move *mv)
{
	struct wn_sim_cause cause = {.kind = WN_REPLY_UNREACHABLE};

	s->stats.no_route += !mv->dry;
	if (s->topo->nodes[p->node].is_host && p->in_edge != WN_TOPO_NONE)
		return WN_FATE_GONE; /* hosts do not forward, nor do they speak about it */
	return wn_sim_error(s, p, h, &cause, mv);
}

/* The first block of this kind that covers the packet; never what is on its way back. */
static const struct wn_topo_block *find_block(const struct wn_topo_node *n,
	const struct wn_wire_head *h, enum wn_topo_block_kind kind, bool back)
{
	for (unsigned i = 0; i < n->block_count; i++) {
		const struct wn_topo_block *b = &n->block[i];

		if (b->kind != kind)
			continue;
		if (b->all ? !back : wn_prefix_contains(&b->prefix, &h->dst))
			return b;
	}
	return NULL;
}

static enum wn_sim_fate blocked(struct wn_sim *s, struct wn_sim_pkt *p,
	const struct wn_wire_head *h, const struct wn_topo_block *b, struct wn_sim_move *mv)
{
	struct wn_sim_cause cause = {
		.kind = WN_REPLY_UNREACHABLE, .code = h->dst.family == 4 ? b->code4 : b->code6};

	s->stats.no_route += !mv->dry;
	return wn_sim_error(s, p, h, &cause, mv);
}

static enum wn_sim_fate vanish(uint64_t *counter, const struct wn_sim_move *mv)
{
	*counter += !mv->dry;
	return WN_FATE_GONE;
}

/* A packet without DF passes as if it had been cut and put together again. */
static bool too_big(const struct wn_sim *s, const struct wn_sim_pkt *p,
	const struct wn_wire_head *h, uint32_t edge)
{
	uint16_t mtu = s->topo->links[edge / 2].mtu;

	return mtu && p->len > mtu && h->df;
}

static enum wn_sim_fate refuse_size(struct wn_sim *s, struct wn_sim_pkt *p,
	const struct wn_wire_head *h, uint32_t edge, struct wn_sim_move *mv)
{
	struct wn_sim_cause cause = {.kind = WN_REPLY_TOO_BIG,
		.code = h->src.family == 4 ? 4 : 0,
		.mtu = s->topo->links[edge / 2].mtu};

	s->stats.too_big += !mv->dry;
	if (s->topo->nodes[p->node].mtu_hole)
		return WN_FATE_GONE;
	return wn_sim_error(s, p, h, &cause, mv);
}

/* What happens behind the routing decision. */
static enum wn_sim_fate leave(struct wn_sim *s, struct wn_sim_pkt *p, struct wn_wire_head *h,
	uint32_t edge, struct wn_sim_move *mv)
{
	if (too_big(s, p, h, edge))
		return refuse_size(s, p, h, edge, mv);
	if (wn_sim_nat_out(s, p, h) && wn_wire_head(p->data, p->len, h))
		return vanish(&s->stats.lost, mv);
	p->lsp = WN_TOPO_NONE; /* of a tunnel that ended here */
	wn_sim_mpls_enter(s, p, h, edge);
	mv->edge = edge;
	return WN_FATE_LEAVES;
}

enum wn_sim_fate wn_sim_originate(struct wn_sim *s, struct wn_sim_pkt *p, struct wn_sim_move *mv)
{
	struct wn_wire_head h;
	bool back;
	uint32_t edge;

	if (wn_wire_head(p->data, p->len, &h))
		return vanish(&s->stats.lost, mv);
	if (wn_topo_owner(s->topo, &h.dst, &back) == p->node)
		return p->node == s->topo->source ? WN_FATE_DELIVERED : vanish(&s->stats.lost, mv);
	edge = wn_sim_route(s, p->node, &h);
	if (edge == WN_TOPO_NONE)
		return vanish(&s->stats.no_route, mv);
	wn_sim_mpls_enter(s, p, &h, edge);
	mv->edge = edge;
	return WN_FATE_LEAVES;
}

/* RFC 1812 5.3.1; some routers forget it at 1 and send the packet on with 0. */
static bool has_expired(const struct wn_topo_node *n, const struct wn_wire_head *h)
{
	return h->ttl == 0 || (h->ttl == 1 && !n->zero_ttl);
}

/* A packet that is not for this node. */
static enum wn_sim_fate transit(struct wn_sim *s, struct wn_sim_pkt *p, struct wn_wire_head *h,
	bool back, struct wn_sim_move *mv)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];
	const struct wn_topo_block *b;
	bool began_here = p->in_edge == WN_TOPO_NONE;
	uint32_t edge;

	if (!began_here && !wn_topo_transits(s->topo, p->node))
		return no_route(s, p, h, mv);
	b = find_block(n, h, WN_BLOCK_ROUTE, back);
	if (b)
		return blocked(s, p, h, b, mv);
	edge = wn_sim_route(s, p->node, h);
	if (edge == WN_TOPO_NONE)
		return no_route(s, p, h, mv);
	if (!began_here) {
		if (has_expired(n, h))
			return expire(s, p, h, mv);
		wn_wire_set_ttl(p->data, p->len, (uint8_t)(h->ttl - 1));
		h->ttl--;
	}
	if (find_block(n, h, WN_BLOCK_HOLE, back))
		return vanish(&s->stats.lost, mv);
	b = find_block(n, h, WN_BLOCK_FILTER, back);
	if (b)
		return blocked(s, p, h, b, mv);
	wn_sim_rewrite(n, p, h, back);
	if (!mv->dry && !back && n->forge_ppb && wn_sim_chance(s, n->forge_ppb))
		wn_sim_forge(s, p, h);
	return leave(s, p, h, edge, mv);
}

enum wn_sim_fate wn_sim_step(struct wn_sim *s, struct wn_sim_pkt *p, struct wn_sim_move *mv)
{
	struct wn_wire_head h;
	enum wn_sim_fate fate;
	uint32_t owner;
	bool back;

	mv->delay_ns = 0;
	if (wn_wire_head(p->data, p->len, &h))
		return vanish(&s->stats.lost, mv);
	if (p->lsp != WN_TOPO_NONE && wn_sim_mpls_step(s, p, &h, mv, &fate))
		return fate;
	if (wn_sim_nat_for(s, p->node, &h.dst)) {
		/* Translated before routing, but the node's own errors quote what came in. */
		if (has_expired(&s->topo->nodes[p->node], &h))
			return expire(s, p, &h, mv);
		wn_sim_nat_dest(s, p, &h);
	} else {
		wn_sim_nat_in(s, p, &h);
	}
	if (wn_wire_head(p->data, p->len, &h))
		return vanish(&s->stats.lost, mv);
	owner = wn_topo_owner(s->topo, &h.dst, &back);
	if (owner != p->node)
		return transit(s, p, &h, back, mv);
	if (owner == s->topo->source)
		return WN_FATE_DELIVERED;
	return wn_sim_local(s, p, &h, mv);
}
