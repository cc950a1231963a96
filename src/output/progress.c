/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run that is not over waits for. All paths take long for one reason: a hop answers few of
 * the probes that it needs to answer, so that they are asked again and again, at its pace.
 */
#include "output/view.h"

#include "output/output.h"

#define TELLING	 3 /* lost at one hop: fewer are nothing to speak of */
#define RECENT	 8 /* probes: other hops are asked between those that hold up */
#define FLOW_MAX 65536u

/* A bit for each flow. */
struct flows {
	uint8_t bits[FLOW_MAX / 8];
};

static bool has(const struct flows *f, uint32_t flow)
{
	return f->bits[flow / 8] >> flow % 8 & 1;
}

static void set(struct flows *f, uint32_t flow)
{
	f->bits[flow / 8] = (uint8_t)(f->bits[flow / 8] | 1u << flow % 8);
}

/* The hop that was asked again last, if not long ago; 0: none. */
static unsigned asked_again(const struct wn_result *r)
{
	uint32_t oldest = r->probe_count > RECENT ? r->probe_count - RECENT : 0;

	for (uint32_t i = r->probe_count; i-- > oldest;)
		if (r->probes[i].number > 0)
			return r->probes[i].probe.ttl;
	return 0;
}

/* Flows that were asked about at ttl and have no answer there. */
static unsigned count_unanswered(const struct wn_result *r, unsigned ttl)
{
	struct flows answered = {{0}}, counted = {{0}};
	unsigned n = 0;

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < r->probe_count; i++) {
			const struct wn_probe_rec *p = &r->probes[i];
			uint32_t flow = p->probe.flow;

			if (p->probe.ttl != ttl || flow >= FLOW_MAX || p->state == WN_PROBE_FAILED)
				continue;
			if (pass == 0 && p->first_reply != WN_NONE)
				set(&answered, flow);
			if (pass == 0 || has(&answered, flow) || has(&counted, flow))
				continue;
			set(&counted, flow);
			n++;
		}
	return n;
}

void wn_view_waiting(struct wn_strbuf *out, const struct wn_result *r)
{
	unsigned ttl = r->params.paths == WN_PATHS_OFF ? 0 : asked_again(r), flows;
	struct wn_stats s;
	wn_err err = WN_OK;

	if (ttl == 0)
		return;
	s = wn_view_stats(r, wn_view_filter((int)ttl, WN_NONE, -1), &err);
	if (err)
		out->err = err;
	flows = count_unanswered(r, ttl);
	if (s.lost < TELLING || flows == 0 || err)
		return;
	wn_strbuf_fmt(out,
		"Waiting for hop %u, where %u of %u probes got no answer: %s; %u flow%s ", ttl,
		(unsigned)s.lost, (unsigned)s.sent,
		s.received > 0 ? "it limits its replies, loses them, or is silent on some ways"
			       : "it is silent, or farther than the path",
		flows, flows == 1 ? " is" : "s are");
	wn_strbuf_puts(out, "asked again. Ctrl-C ends it with what there is.");
}
