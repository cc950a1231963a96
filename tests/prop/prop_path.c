/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole traces through random networks in virtual time: driver, engine, back end and simulator as
 * they are in the program. Whatever the network does, every probe is accounted for, nothing is
 * shown that the network did not say, and memory does not grow. Where nothing is left to chance
 * the path shown is the path simulated, TTL by TTL, with its end.
 */
#include "prop.h"

#include <string.h>
#include "base/cursor.h"
#include "packet/wire.h"
#include "run/run.h"
#include "sim/sim.h"
#include "topo_gen.h"

#define HOPS 64
#define MS   1000000ull

/*
 * Chances under which a fixed flow still meets the same routers at the same TTLs. A probe whose
 * ports were changed or cut off on the way is not such a one: balancers send it elsewhere.
 */
#define GEN_SAME_PATH                                                                              \
	(GEN_DETERMINISTIC | GEN_JITTER | GEN_LOSS | GEN_REORDER | GEN_DUPLICATE | GEN_LIMIT |     \
		GEN_FORGE)

struct world {
	struct wn_topo *topo;
	struct wn_sim *sim;
	struct wn_run *run;
	struct wn_run_trace *rt;
	struct wn_params params;
	const struct wn_result *result;
	struct wn_addr truth[HOPS];
	size_t truth_len;
	uint64_t seed;
	uint32_t flags;
	unsigned done;
};

static void read_world(struct world *w, struct wn_rd *in)
{
	static const uint32_t worlds[] = {
		GEN_REACHED, GEN_DETERMINISTIC, GEN_SAME_PATH, GEN_EVERYTHING};
	struct wn_params *p = &w->params;
	uint8_t family = wn_rd_u8(in) & 1 ? 6 : 4;
	struct wn_strbuf text = WN_STRBUF_INIT;

	w->seed = wn_rd_be64(in);
	w->flags = worlds[wn_rd_u8(in) % 4] & wn_rd_be32(in);
	topo_gen(w->seed, w->flags, &text);
	prop_check(wn_topo_parse(text.data, text.len, &w->topo, NULL) == WN_OK);
	prop_check(wn_sim_new(w->topo, 0, 0, &w->sim) == WN_OK);
	wn_strbuf_fini(&text);
	p->proto = (enum wn_proto)(wn_rd_u8(in) % WN_PROTO_COUNT);
	p->src = wn_topo_source(w->topo, family);
	p->dst = wn_topo_target(w->topo, family);
	p->dport = p->proto == WN_PROTO_TCP ? 80 : 33434;
	p->sport = (uint16_t)(33000 + wn_rd_u8(in));
	p->flow = wn_rd_u8(in);
	p->flow_label = p->flow_checksum = 1000;
	p->first_ttl = 1;
	p->max_ttl = HOPS - 1;
	p->probes = 1 + wn_rd_u8(in) % 4;
	p->window = 1 + wn_rd_u8(in) % 64;
	p->gap = 40;
	p->pps = wn_rd_u8(in) % 2 ? 1000 : 0;
	p->wait_max_ns = 5000 * MS; /* loops of slow links are longer than a second */
	p->wait_min_ns = 2000 * MS; /* the far part may be three times as far as the near one */
	p->wait_here_milli = p->wait_near_milli = 3000;
	p->size = (uint16_t)(wn_probe_min_size(family, p->proto) + wn_rd_u8(in) % 40);
	p->tos = wn_rd_u8(in);
}

static void count_done(void *user, struct wn_run_trace *rt)
{
	(void)rt;
	((struct world *)user)->done++;
}

static void trace(struct world *w)
{
	struct wn_run_trace_config c = {.params = w->params,
		.backend = WN_BACKEND_SIM,
		.sim = w->sim,
		.on_done = count_done,
		.user = w};

	prop_check(wn_run_new(true, &w->run, NULL) == WN_OK);
	prop_check(wn_run_prepare(w->run, &c, &w->rt, NULL) == WN_OK);
	prop_check(wn_run_start(w->rt, NULL) == WN_OK);
	prop_check(wn_run_until_done(w->run, NULL) == WN_OK);
	prop_check(w->done == 1);
	w->result = wn_run_result(w->rt);
}

static void find_truth(struct world *w)
{
	uint8_t packet[WN_PACKET_MAX];
	size_t len;

	prop_check(w->result->probe_count > 0);
	prop_check(
		wn_wire_build(&w->result->probes[0].probe, packet, sizeof(packet), &len) == WN_OK);
	w->truth_len = wn_sim_truth(w->sim, packet, len, w->truth, HOPS);
}

/* ---- whatever happens ---- */

static void check_account(const struct world *w)
{
	const struct wn_result *r = w->result;
	uint32_t sent = 0, number[HOPS] = {0};

	prop_check(r->ended && !r->partial && r->stop != WN_STOP_NONE);
	/* Bursts of extensions or duplicates may be too much for the engine's queue, answers not.
	 */
	if (!(w->flags & (GEN_QUOTE | GEN_TUNNEL | GEN_DUPLICATE)))
		prop_check(r->counters.overflow == 0);
	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];

		prop_check(p->number == number[p->probe.ttl]++);
		prop_check(p->probe.flow == w->params.flow);
		if (p->state == WN_PROBE_PENDING)
			prop_check(p->probe.ttl > r->stop_ttl);
		prop_check(p->state != WN_PROBE_FAILED || p->err != WN_OK);
		sent += p->state != WN_PROBE_FAILED;
	}
	prop_check(sent == wn_sim_stats(w->sim)->sent);
	prop_check(r->stop != WN_STOP_REACHED || r->reached);
	/* Every TTL up to the end got what was asked for. */
	for (unsigned ttl = 1; ttl <= r->stop_ttl; ttl++)
		prop_check(r->hops[ttl].probes == w->params.probes || r->stop == WN_STOP_ERROR);
}

/*
 * Whoever does not know the key is never believed. Only where a quote in IPv6 ends before the
 * cookie, 16 bits are all the proof there is, and one guess in a thousand runs hits them.
 */
static void check_no_forgery(const struct world *w)
{
	bool v6 = w->params.dst.family == 6;
	struct wn_addr forged;
	uint32_t index;

	wn_addr_parse(v6 ? "fd66::6" : "10.66.6.6", &forged);
	index = wn_result_find_responder(w->result, &forged);
	for (uint32_t i = 0; index != WN_NONE && i < w->result->reply_count; i++) {
		const struct wn_reply_rec *r = &w->result->replies[i];

		if (r->responder == index)
			prop_check(v6 && r->match == WN_MATCH_WEAK && !r->quote.payload_present);
	}
}

/* ---- where the flow has one path ---- */

static struct wn_addr true_addr(const struct world *w, unsigned ttl)
{
	return ttl <= w->truth_len ? w->truth[ttl - 1] : (struct wn_addr){0};
}

/* Answers of an open port are told apart by their number: one that came twice deceives. */
static bool is_countable(const struct world *w)
{
	for (uint32_t i = 0; i < w->result->reply_count; i++)
		if (w->result->replies[i].kind == WN_REPLY_UDP)
			return !(w->flags & GEN_DUPLICATE);
	return true;
}

/* Beyond the path's end every TTL gets the answer of the last one. */
static void check_sound(const struct world *w)
{
	for (unsigned ttl = 1; ttl < HOPS; ttl++) {
		const struct wn_hop *hop = &w->result->hops[ttl];
		struct wn_addr want =
			true_addr(w, ttl < w->truth_len ? ttl : (unsigned)w->truth_len);

		prop_check(hop->responder_count <= 1);
		if (hop->responder_count == 1)
			prop_check(wn_addr_eq(
				&w->result->responders[hop->responders[0].responder].addr, &want));
	}
}

static void check_complete(const struct world *w)
{
	const struct wn_result *r = w->result;
	unsigned end = r->stop == WN_STOP_LOOP ? r->stop_ttl : (unsigned)w->truth_len;

	for (unsigned ttl = 1; ttl <= end && ttl <= r->stop_ttl; ttl++) {
		struct wn_addr want = true_addr(w, ttl);

		prop_check((r->hops[ttl].responder_count == 1) == (want.family != 0));
	}
	prop_check(r->stop != WN_STOP_REACHED || r->stop_ttl == w->truth_len);
	prop_check(r->stop != WN_STOP_UNREACHABLE || r->stop_ttl == w->truth_len);
}

/* Nothing was lost, so nothing may be shown as lost but silence. */
static void check_no_loss(const struct world *w)
{
	const struct wn_result *r = w->result;

	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];

		if (p->probe.ttl <= r->stop_ttl && true_addr(w, p->probe.ttl).family)
			prop_check(p->state == WN_PROBE_ANSWERED || p->state == WN_PROBE_LATE);
	}
	prop_check(r->counters.forged + r->counters.corrupt + r->counters.truncated +
			   r->counters.duplicate + r->counters.foreign ==
		   0);
}

int prop_path(const uint8_t *data, size_t size)
{
	struct world w = {0};
	struct wn_rd in;

	wn_rd_init(&in, data, size);
	read_world(&w, &in);
	trace(&w);
	find_truth(&w);
	check_account(&w);
	check_no_forgery(&w);
	if ((w.flags & ~(uint32_t)GEN_SAME_PATH) == 0 && is_countable(&w))
		check_sound(&w);
	if ((w.flags & ~(uint32_t)GEN_DETERMINISTIC) == 0) {
		check_complete(&w);
		check_no_loss(&w);
	}
	if ((w.flags & ~(uint32_t)GEN_REACHED) == 0) {
		prop_check(w.result->stop == WN_STOP_REACHED);
		prop_check(w.result->stop_ttl == w.truth_len);
	}
	wn_run_free(w.run);
	wn_sim_free(w.sim);
	wn_topo_free(w.topo);
	return 0;
}
