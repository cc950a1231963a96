/* SPDX-License-Identifier: Apache-2.0 */
/* Which flow may be probed at a TTL: one that is known to come there, or one that is new. */
#include "multipath/paths_priv.h"

bool wn_paths_ask(struct wn_paths *p, uint32_t flow, unsigned ttl)
{
	struct cell *cell = wn_paths_cell(p, flow, ttl);
	struct wn_ask ask = {
		.flow = p->params.flow + flow,
		.number = cell->tries,
		.ttl = (uint8_t)ttl,
	};
	wn_err err;

	if (p->ask_err != WN_OK || cell->tries == UINT8_MAX || !wn_paths_may_send(p, ttl))
		return false;
	err = wn_trace_ask(p->trace, &ask);
	if (err != WN_OK) {
		p->ask_err = err;
		return false;
	}
	if (cell->tries++ == 0)
		wn_paths_first_try(p, flow, ttl);
	if (cell->state == CELL_AGAIN)
		wn_paths_hop(p, ttl)->again--;
	cell->state = CELL_OUT;
	wn_paths_hop(p, ttl)->out++;
	p->under_way++;
	p->asked++;
	return true;
}

bool wn_paths_take_flow(struct wn_paths *p, uint32_t *out)
{
	if (p->used == p->flows) {
		p->short_of_flows = p->params.paths != WN_PATHS_FLOWS;
		return false;
	}
	*out = p->used++;
	p->ends[*out] = 0;
	return true;
}

bool wn_paths_is_spare(const struct wn_paths *p, uint32_t flow, unsigned ttl, uint16_t at)
{
	uint16_t before;

	if (wn_paths_cell(p, flow, ttl)->state != CELL_NONE ||
		(p->ends[flow] != 0 && p->ends[flow] < ttl))
		return false;
	before = wn_paths_vertex_of(p, flow, ttl - 1);
	if (before != NO_VERTEX && wn_paths_is_beyond(p, &p->vertex[before]))
		return false;
	return at == NO_VERTEX ? before != NO_VERTEX : before == at;
}

uint32_t wn_paths_ask_spare(struct wn_paths *p, uint16_t at, unsigned ttl, uint32_t count)
{
	for (uint32_t flow = 0; flow < p->used && count > 0; flow++) {
		if (!wn_paths_is_spare(p, flow, ttl, at))
			continue;
		if (!wn_paths_ask(p, flow, ttl))
			return 0;
		count--;
	}
	return count;
}

void wn_paths_ask_new(struct wn_paths *p, unsigned ttl, uint32_t count)
{
	uint32_t flow;

	while (count-- > 0 && wn_paths_take_flow(p, &flow))
		if (!wn_paths_ask(p, flow, ttl))
			return;
}
