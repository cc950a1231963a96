/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a perfect trace would see: the same steps as in the running network, one packet at a time,
 * without links' faults, limits and time. Whatever forwarding does, the truth does too.
 */
#include "sim/model.h"

#include "base/alloc.h"

#define STEPS_MAX 4096 /* longer than any path: two TTLs of 255 and tunnels */

enum outcome { MET_HOP, MET_END, MET_SILENT_HOP, MET_SILENT_END };

/* Follows one packet until it, or the reply it became, is delivered or gone. */
static enum outcome follow(struct wn_sim *s, struct wn_sim_pkt *p, struct wn_addr *out)
{
	struct wn_sim_move mv = {.dry = true, .now_ns = s->now_ns};
	bool expired = false;

	for (unsigned i = 0; i < STEPS_MAX; i++) {
		bool is_probe = !mv.replied;
		enum wn_sim_fate fate = wn_sim_step(s, p, &mv);
		struct wn_wire_head h;

		/* The probe's own end counts, not that of its reply on the way back. */
		if (is_probe && mv.expired)
			expired = true;
		if (fate == WN_FATE_GONE)
			break;
		if (fate == WN_FATE_DELIVERED) {
			if (wn_wire_head(p->data, p->len, &h))
				break;
			*out = h.src;
			return expired ? MET_HOP : MET_END;
		}
		p->in_edge = mv.edge;
		p->node = wn_topo_edge_to(s->topo, mv.edge);
	}
	return expired ? MET_SILENT_HOP : MET_SILENT_END;
}

size_t wn_sim_truth(
	struct wn_sim *s, const uint8_t *packet, size_t len, struct wn_addr *out, size_t cap)
{
	struct wn_rng rng = s->rng;
	struct wn_sim_pkt p = {0};
	size_t count = 0, last = 0;
	uint32_t link;
	bool end = wn_sim_first_link(s, packet, len, &link) != WN_OK;

	while (!end && count < cap && count < 255 && wn_sim_pkt_set(&p, packet, len)) {
		enum outcome met;

		if (wn_wire_set_ttl(p.data, p.len, (uint8_t)(count + 1)))
			break;
		p.node = s->topo->source;
		p.in_edge = p.out_edge = p.lsp = WN_TOPO_NONE;
		out[count] = (struct wn_addr){0};
		met = follow(s, &p, &out[count]);
		count++;
		end = met == MET_END || met == MET_SILENT_END;
		if (end || met == MET_HOP)
			last = count;
	}
	wn_free(p.data);
	s->rng = rng; /* looking changes nothing */
	return last;
}
