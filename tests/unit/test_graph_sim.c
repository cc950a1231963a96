/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs against ground truth: many flows through random networks with diamonds, meshes, branches
 * of unequal length and silent routers. Every link is one that the truth has, seen by just as many
 * flows, and none is missing.
 */
#include "simkit.h"

#include "multipath/graph.h"
#include "record.h"
#include "topo_gen.h"

#define FLOWS	 40
#define HOPS	 40
#define NETWORKS 150
#define TRIES	 3 /* before a router is silent */

struct world {
	struct simkit k;
	struct record rec;
	struct wn_addr truth[FLOWS][HOPS]; /* [ttl]; family 0: silent */
	uint8_t ends[FLOWS];
};

static struct wn_probe flow_probe(
	const struct world *w, uint8_t family, enum wn_proto proto, uint32_t flow)
{
	struct wn_probe p = simkit_probe(&w->k, family, proto, 1);

	p.flow = flow;
	if (proto == WN_PROTO_ICMP)
		p.checksum = (uint16_t)(p.checksum + flow);
	else
		p.sport = (uint16_t)(p.sport + flow);
	return p;
}

static void learn(struct world *w, const struct wn_probe *p)
{
	uint8_t packet[WN_PACKET_MAX];
	struct wn_addr hops[HOPS - 1];
	size_t len = simkit_build(p, packet, sizeof(packet));
	size_t n = wn_sim_truth(w->k.sim, packet, len, hops, HOPS - 1);

	assert_true(n > 0 && n < HOPS);
	memcpy(&w->truth[p->flow][1], hops, n * sizeof(hops[0]));
	w->ends[p->flow] = (uint8_t)n;
}

/* Whether it was answered. */
static bool ask(struct world *w, struct wn_probe *p, uint32_t number)
{
	struct wn_event *ev = record_sent(&w->rec, p->ttl, p->flow, number);
	uint64_t id = ev->probe_id;
	struct wn_reply reply;

	p->id = id;
	ev->u.sent.probe = *p;
	if (!simkit_ask(&w->k, p, &reply)) {
		record_timeout(&w->rec, id);
		return false;
	}
	ev = record_reply(&w->rec, id, reply.kind, "192.0.2.1", 1000);
	ev->u.reply.reply = reply;
	ev->u.reply.reached = p->ttl == w->ends[p->flow];
	return true;
}

static void probe_all(struct world *w, uint64_t seed)
{
	uint8_t family = seed & 1 ? 6 : 4;
	enum wn_proto proto = (enum wn_proto)(seed / 2 % WN_PROTO_COUNT);
	struct wn_params *params;

	params = &record_start(&w->rec, family == 4 ? "192.0.2.1" : "2001:db8::1")->u.start;
	params->dst = wn_topo_target(w->k.topo, family);
	params->proto = proto;
	params->paths = WN_PATHS_FULL;
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		struct wn_probe p = flow_probe(w, family, proto, flow);

		learn(w, &p);
		/* One TTL beyond the end as well. */
		for (p.ttl = 1; p.ttl <= w->ends[flow] + 1; p.ttl++) {
			uint32_t tries = 0;

			while (tries < TRIES && !ask(w, &p, tries))
				tries++;
		}
	}
}

static uint32_t witnesses(
	const struct world *w, unsigned ttl, const struct wn_addr *from, const struct wn_addr *to)
{
	uint32_t n = 0;

	for (uint32_t flow = 0; flow < FLOWS; flow++)
		n += ttl < w->ends[flow] && wn_addr_eq(&w->truth[flow][ttl], from) &&
		     wn_addr_eq(&w->truth[flow][ttl + 1], to);
	return n;
}

static struct wn_addr addr_of(const struct wn_result *r, const struct wn_graph_node *n)
{
	if (n->responder == WN_NONE)
		return (struct wn_addr){0};
	return r->responders[n->responder].addr;
}

static bool has_link(const struct world *w, const struct wn_result *r, const struct wn_graph *g,
	uint32_t flow, unsigned ttl)
{
	for (uint32_t i = 0; i < g->link_count; i++) {
		const struct wn_graph_node *from = &g->nodes[g->links[i].from];
		struct wn_addr a = addr_of(r, from), b = addr_of(r, &g->nodes[g->links[i].to]);

		if (from->ttl == ttl && wn_addr_eq(&a, &w->truth[flow][ttl]) &&
			wn_addr_eq(&b, &w->truth[flow][ttl + 1]))
			return true;
	}
	return false;
}

static void compare(const struct world *w, const struct wn_result *r, const struct wn_graph *g)
{
	for (uint32_t i = 0; i < g->link_count; i++) {
		const struct wn_graph_link *l = &g->links[i];
		struct wn_addr a = addr_of(r, &g->nodes[l->from]);
		struct wn_addr b = addr_of(r, &g->nodes[l->to]);

		if (l->from != WN_GRAPH_SOURCE)
			assert_int_equal(l->flows, witnesses(w, g->nodes[l->from].ttl, &a, &b));
		assert_true(l->flows > 0 && !l->inferred && !l->unsure);
	}
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		for (unsigned ttl = 1; ttl < w->ends[flow]; ttl++)
			assert_true(has_link(w, r, g, flow, ttl));
		assert_int_equal(g->flows[flow].end, WN_GRAPH_REACHED);
		assert_int_equal(g->flows[flow].step_count, w->ends[flow]);
	}
	assert_int_equal(g->torn_flows, 0);
}

static void test_truth(void **state)
{
	static struct world w; /* of one network at a time */
	unsigned wide = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= NETWORKS; seed++) {
		struct wn_strbuf text = WN_STRBUF_INIT;
		struct wn_result *r;
		struct wn_graph g;

		memset(&w, 0, sizeof(w));
		topo_gen(seed, GEN_REACHED, &text);
		simkit_open(&w.k, wn_strbuf_str(&text));
		wn_strbuf_fini(&text);
		probe_all(&w, seed);
		r = record_fold(&w.rec);
		assert_int_equal(wn_graph_build(r, &g), WN_OK);
		compare(&w, r, &g);
		wide += g.path_count > 1;
		wn_graph_free(&g);
		wn_result_free(r);
		record_fini(&w.rec);
		simkit_close(&w.k);
	}
	assert_true(wide > NETWORKS / 4); /* it is about balancing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
