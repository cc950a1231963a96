/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label switching. Inside a tunnel nobody looks at the IP header: the IP TTL stays as the ingress
 * left it, and a label carries its own. What traces see follows from two switches: whether the
 * ingress copies the TTL into the label (RFC 3443 uniform) or writes 255 (pipe), and whether
 * label switches tell their labels (RFC 4950).
 *
 *             TTL copied   labels told
 *   explicit  yes          yes          all hops, with labels
 *   implicit  yes          no           all hops; the quoted IP TTL rises
 *   opaque    no           yes          the egress only, its label's TTL far below 255
 *   invisible no           no           nothing of the tunnel
 *
 * The label is taken off one node before the egress, except in an opaque tunnel.
 * In a u-turn tunnel a switch sends its errors on to the egress, which knows the way back.
 */
#include "sim/model.h"

#define PIPE_TTL 255

static bool copies_ttl(const struct wn_topo_lsp *lsp)
{
	return lsp->kind == WN_LSP_EXPLICIT || lsp->kind == WN_LSP_IMPLICIT;
}

static bool tells_labels(const struct wn_topo_lsp *lsp)
{
	return lsp->kind == WN_LSP_EXPLICIT || lsp->kind == WN_LSP_OPAQUE;
}

/* Routers inside are reached by plain IP. */
static bool is_tunnelled(const struct wn_topo_lsp *lsp, uint32_t owner)
{
	for (unsigned i = 0; i + 1 < lsp->len; i++)
		if (lsp->path[i] == owner)
			return false;
	return true;
}

void wn_sim_mpls_enter(
	struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h, uint32_t edge)
{
	const struct wn_topo *t = s->topo;
	bool back;
	uint32_t owner = wn_topo_owner(t, &h->dst, &back);

	for (uint32_t i = 0; i < t->lsp_count; i++) {
		const struct wn_topo_lsp *lsp = &t->lsps[i];

		if (lsp->path[0] != p->node || lsp->edge[0] != edge || !is_tunnelled(lsp, owner))
			continue;
		p->lsp = i;
		p->lsp_pos = 1;
		p->lse_ttl = copies_ttl(lsp) ? h->ttl : PIPE_TTL;
		return;
	}
}

void wn_sim_mpls_labels(const struct wn_sim *s, const struct wn_sim_pkt *p, struct wn_ext *ext)
{
	const struct wn_topo_lsp *lsp = &s->topo->lsps[p->lsp];
	struct wn_mpls *m = ext->mpls;

	if (!tells_labels(lsp))
		return;
	ext->present = true;
	ext->mpls_count = 1;
	*m = (struct wn_mpls){lsp->label[p->lsp_pos], lsp->tc, true, p->lse_ttl};
	if (!lsp->inner)
		return;
	m->bottom = false;
	ext->mpls_count = 2;
	m[1] = (struct wn_mpls){lsp->inner, lsp->tc, true, p->lse_ttl};
}

/* The error of a switch goes on in the tunnel instead of straight back. */
static void turn_later(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_sim_pkt *was,
	struct wn_sim_move *mv)
{
	const struct wn_topo_lsp *lsp = &s->topo->lsps[was->lsp];
	struct wn_wire_head h;

	if (wn_wire_head(p->data, p->len, &h))
		return;
	mv->edge = lsp->edge[was->lsp_pos];
	p->lsp = was->lsp;
	p->lsp_pos = (uint8_t)(was->lsp_pos + 1);
	p->lse_ttl = copies_ttl(lsp) ? h.ttl : PIPE_TTL;
	if (p->lsp_pos + 1 == lsp->len && lsp->kind != WN_LSP_OPAQUE)
		p->lsp = WN_TOPO_NONE; /* the label is off already */
}

bool wn_sim_mpls_step(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	struct wn_sim_move *mv, enum wn_sim_fate *out)
{
	const struct wn_topo_lsp *lsp = &s->topo->lsps[p->lsp];
	const struct wn_sim_pkt was = *p;
	struct wn_sim_cause cause = {.kind = WN_REPLY_TIME_EXCEEDED, .labels = true};

	if (p->lsp_pos + 1 == lsp->len)
		return false; /* the egress goes on with IP, and still knows the label */
	if (p->lse_ttl <= 1) {
		s->stats.expired += !mv->dry;
		mv->expired = true;
		*out = wn_sim_error(s, p, h, &cause, mv);
		if (lsp->u_turn && *out == WN_FATE_LEAVES)
			turn_later(s, p, &was, mv);
		return true;
	}
	p->lse_ttl--;
	mv->edge = lsp->edge[p->lsp_pos];
	p->lsp_pos++;
	*out = WN_FATE_LEAVES;
	if (p->lsp_pos + 1 < lsp->len || lsp->kind == WN_LSP_OPAQUE)
		return true;
	if (p->lse_ttl < h->ttl)
		wn_wire_set_ttl(p->data, p->len, p->lse_ttl);
	p->lsp = WN_TOPO_NONE;
	return true;
}
