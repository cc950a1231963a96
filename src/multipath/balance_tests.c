/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What flows tell that differ in one thing only. Flows that are paths differ in ports and, over
 * IPv6, in the flow label together; tests keep one of both, or go to another destination, and
 * whether they met the same responder says what the node before them looks at.
 */
#include "multipath/graph_int.h"

#include "base/alloc.h"
#include "base/sort.h"
#include "multipath/stopping.h"

#define CHANCE_PPB 50000000 /* 5%: what is less likely is taken for no chance */

struct sample {
	uint32_t node; /* that it passed at the TTL before */
	uint32_t same; /* what is kept in a comparison, and what varies */
	uint32_t varied;
	uint32_t responder;
};

struct samples {
	struct sample *items;
	uint32_t count;
};

/* What comparing said of a node. */
struct verdict {
	uint32_t pairs; /* compared */
	bool differs;	/* in one of them at least */
};

static uint32_t ports_of(const struct wn_probe *p)
{
	if (p->proto == WN_PROTO_ICMP)
		return (uint32_t)p->icmp_id << 16 | p->checksum;
	return (uint32_t)p->sport << 16 | p->dport;
}

/* ---- which node a test passed ---- */

struct test {
	const struct wn_probe *probe;
	const struct wn_reply_rec *reply;
};

struct tests {
	struct test *items;
	uint32_t count;
};

static bool test_before(const void *items, size_t a, size_t b)
{
	const struct test *x = (const struct test *)items + a, *y = (const struct test *)items + b;

	if (x->probe->flow != y->probe->flow)
		return x->probe->flow < y->probe->flow;
	if (x->probe->ttl != y->probe->ttl)
		return x->probe->ttl < y->probe->ttl;
	return x->probe->id < y->probe->id;
}

static void add_test(
	struct tests *t, const struct wn_probe *probe, const struct wn_reply_rec *reply)
{
	if (probe->flow > WN_GRAPH_FLOW_MAX)
		t->items[t->count++] = (struct test){probe, reply};
}

/* One for each flow and TTL that was answered, by flow and TTL. */
static void order_tests(struct tests *t)
{
	uint32_t n = t->count;

	wn_sort_array(t->items, n, sizeof(*t->items), test_before);
	t->count = 0;
	for (uint32_t i = 0; i < n; i++)
		if (t->count == 0 ||
			t->items[t->count - 1].probe->flow != t->items[i].probe->flow ||
			t->items[t->count - 1].probe->ttl != t->items[i].probe->ttl)
			t->items[t->count++] = t->items[i];
}

/* Those that keep ports or label of a flow. */
static wn_err collect_tests(const struct wn_result *r, struct tests *out)
{
	out->items = wn_calloc(r->probe_count, sizeof(*out->items));
	if (!out->items)
		return WN_ENOMEM;
	for (uint32_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].first_reply != WN_NONE)
			add_test(out, &r->probes[i].probe, &r->replies[r->probes[i].first_reply]);
	order_tests(out);
	return WN_OK;
}

/* Those that go to other destinations, as the target's flow does. */
static wn_err collect_sides(const struct wn_result *r, struct tests *out)
{
	out->items = wn_calloc(r->side_count, sizeof(*out->items));
	if (!out->items)
		return WN_ENOMEM;
	for (uint32_t i = 0; i < r->side_count; i++)
		if (r->sides[i].sent.first_reply != WN_NONE)
			add_test(out, &r->sides[i].sent.probe, &r->sides[i].reply);
	order_tests(out);
	return WN_OK;
}

static uint32_t node_before_test(const struct wn_builder *b, const struct tests *tests, uint32_t i)
{
	const struct test *t = &tests->items[i], *near = t - 1;
	unsigned before = t->probe->ttl - 1u;

	if (wn_graph_width(b->g, before) == 1)
		return b->g->hop_first[before];
	if (i == 0 || near->probe->flow != t->probe->flow || near->probe->ttl != before)
		return WN_NONE;
	return wn_graph_find(b, (uint8_t)before, near->reply->responder);
}

/* ---- samples ---- */

static void add_sample(struct samples *s, uint32_t node, const struct test *t)
{
	if (node == WN_NONE)
		return;
	s->items[s->count++] = (struct sample){
		.node = node,
		.same = ports_of(t->probe),
		.varied = t->probe->flow_label,
		.responder = t->reply->responder,
	};
}

static struct test first_answered(const struct wn_builder *b, const struct wn_cell *c)
{
	uint32_t i = c->first;

	while (b->r->probes[wn_order_probe(b, i)].first_reply == WN_NONE)
		i++;
	i = wn_order_probe(b, i);
	return (struct test){&b->r->probes[i].probe, &b->r->replies[b->r->probes[i].first_reply]};
}

/* Flows that are paths count only where there are tests to compare them with. */
static void collect_samples(
	const struct wn_builder *b, const struct tests *tests, struct samples *out)
{
	bool tested[256] = {false};

	for (uint32_t i = 0; i < tests->count; i++) {
		tested[tests->items[i].probe->ttl] = true;
		add_sample(out, node_before_test(b, tests, i), &tests->items[i]);
	}
	for (uint32_t i = 0; i < b->cell_count; i++) {
		const struct wn_cell *c = &b->cells[i];
		struct test flow;

		if (!tested[c->ttl] || c->kind != WN_CELL_ONE)
			continue;
		flow = first_answered(b, c);
		add_sample(out, wn_graph_before(b, i), &flow);
	}
}

static bool sample_before(const void *items, size_t a, size_t b)
{
	const struct sample *x = (const struct sample *)items + a;
	const struct sample *y = (const struct sample *)items + b;

	if (x->node != y->node)
		return x->node < y->node;
	return x->same != y->same ? x->same < y->same : x->varied < y->varied;
}

/* Neighbours in order that agree in node and in what is kept, and differ in the rest. */
static void compare(struct samples *s, struct verdict *verdicts)
{
	wn_sort_array(s->items, s->count, sizeof(*s->items), sample_before);
	for (uint32_t i = 1; i < s->count; i++) {
		const struct sample *x = &s->items[i - 1], *y = &s->items[i];
		struct verdict *v = &verdicts[y->node];

		if (x->node != y->node || x->same != y->same || x->varied == y->varied)
			continue;
		v->pairs++;
		v->differs = v->differs || x->responder != y->responder;
	}
}

static void turn_round(struct samples *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t same = s->items[i].same;

		s->items[i].same = s->items[i].varied;
		s->items[i].varied = same;
	}
}

/* ---- judgement ---- */

/* Enough pairs met the same responder that this is no chance, with so many to choose from. */
static bool is_indifferent(const struct wn_graph_node *n, const struct verdict *v)
{
	uint32_t other_ppm = 1000000 - 1000000 / n->out_count;

	return !v->differs && wn_stopping_miss_share_ppb(other_ppm, v->pairs) <= CHANCE_PPB;
}

static void judge(struct wn_builder *b, const struct verdict *label, const struct verdict *ports)
{
	for (uint32_t i = 0; i < b->g->node_count; i++) {
		struct wn_graph_node *n = &b->g->nodes[i];

		if (n->lb != WN_LB_FLOW && n->lb != WN_LB_ICMP_CHECKSUM)
			continue;
		n->label_known = label[i].differs || is_indifferent(n, &label[i]);
		if (label[i].differs)
			n->lb = ports[i].differs ? WN_LB_FLOW_AND_LABEL : WN_LB_FLOW_LABEL;
	}
}

static bool has_successor(const struct wn_graph *g, uint32_t node, uint32_t responder)
{
	const struct wn_graph_node *n = &g->nodes[node];

	for (uint32_t i = 0; i < n->out_count; i++)
		if (g->nodes[g->links[n->first_out + i].to].responder == responder)
			return true;
	return false;
}

/* Where all flows to the target take one way, and one to another address takes another. */
static void judge_destinations(struct wn_builder *b, const struct tests *tests)
{
	for (uint32_t i = 0; i < tests->count; i++) {
		const struct wn_reply_rec *reply = tests->items[i].reply;
		uint32_t node = node_before_test(b, tests, i);
		struct wn_graph_node *n;

		if (node == WN_NONE || reply->kind != WN_REPLY_TIME_EXCEEDED)
			continue;
		n = &b->g->nodes[node];
		if (n->out_count != 1 || (n->lb != WN_LB_NONE && n->lb != WN_LB_DESTINATION))
			continue;
		n->destinations++;
		if (has_successor(b->g, node, reply->responder))
			continue;
		n->lb = WN_LB_DESTINATION;
		if (n->elsewhere++ == 0)
			n->elsewhere_to = reply->responder;
	}
}

static wn_err judge_labels(struct wn_builder *b, const struct tests *tests)
{
	struct samples s = {0};
	struct verdict *label = wn_calloc(b->g->node_count, sizeof(*label));
	struct verdict *ports = wn_calloc(b->g->node_count, sizeof(*ports));
	wn_err err = WN_ENOMEM;

	s.items = wn_calloc((size_t)tests->count + b->cell_count, sizeof(*s.items));
	if (s.items && label && ports) {
		collect_samples(b, tests, &s);
		compare(&s, label);
		turn_round(&s);
		compare(&s, ports);
		judge(b, label, ports);
		err = WN_OK;
	}
	wn_free(s.items);
	wn_free(label);
	wn_free(ports);
	return err;
}

wn_err wn_balance_compare(struct wn_builder *b)
{
	struct tests tests = {0}, sides = {0};
	wn_err err = collect_tests(b->r, &tests);

	if (!err && tests.count > 0)
		err = judge_labels(b, &tests);
	if (!err)
		err = collect_sides(b->r, &sides);
	if (!err)
		judge_destinations(b, &sides);
	wn_free(tests.items);
	wn_free(sides.items);
	return err;
}
