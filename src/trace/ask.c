/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guided engine's probes: whoever knows what to learn of the network asks for them one by one,
 * and everything else about them (pace, identity, matching, timeouts) is as for any other probe.
 * What is asked for has its record at once, so that the table is the only bound.
 */
#include "trace/trace_priv.h"

#include <assert.h>

static bool is_flow(const struct params *p, uint32_t flow)
{
	return flow >= p->flow && flow - p->flow < p->flows;
}

static bool is_within(const struct params *p, const struct wn_ask *ask)
{
	uint32_t ports = ask->flow & ((1u << WN_FLOW_LABEL_SHIFT) - 1);
	uint32_t label = ask->flow >> WN_FLOW_LABEL_SHIFT;

	return ask->ttl >= p->first_ttl && ask->ttl <= p->max_ttl && is_flow(p, ports) &&
	       (label == 0 || is_flow(p, label - 1));
}

wn_err wn_trace_ask(struct wn_trace *t, const struct wn_ask *ask)
{
	uint16_t index;

	assert(t->more);
	if (!is_within(&t->params, ask))
		return WN_ERANGE;
	index = wn_trace_rec_new(t, ask);
	if (index == NO_REC)
		return WN_EFULL;
	t->recs[index].state = REC_ASKED;
	if (t->ask_head == NO_REC)
		t->ask_head = index;
	else
		t->recs[t->ask_tail].say_next = index;
	t->ask_tail = index;
	return WN_OK;
}

static bool flow_has_room(const struct wn_trace *t, uint16_t index)
{
	uint32_t same = 0;

	if (t->params.caps.per_flow == 0)
		return true;
	for (uint16_t i = 0; i < t->out_count; i++)
		same += t->more[t->out[i].rec].flow == t->more[index].flow;
	return same < t->params.caps.per_flow;
}

uint16_t wn_trace_ask_take(struct wn_trace *t)
{
	uint16_t before = NO_REC;

	for (uint16_t i = t->ask_head; i != NO_REC; before = i, i = t->recs[i].say_next) {
		uint16_t next = t->recs[i].say_next;

		if (!flow_has_room(t, i))
			continue;
		if (before == NO_REC)
			t->ask_head = next;
		else
			t->recs[before].say_next = next;
		if (t->ask_tail == i)
			t->ask_tail = before;
		t->recs[i].say_next = NO_REC;
		return i;
	}
	return NO_REC;
}

void wn_trace_settle(struct wn_trace *t, enum wn_stop why, uint8_t ttl, bool partial)
{
	assert(t->more);
	t->settled = true;
	t->partial = partial;
	t->end = (struct path_end){.ttl = ttl, .why = why};
}
