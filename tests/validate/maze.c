/* SPDX-License-Identifier: Apache-2.0 */
#include "maze.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multipath/graph.h"
#include "packet/wire.h"

#define NAME_MAX_BYTES 16
#define RTT_NS	       10000000u
#define SECOND_NS      1000000000u
#define START_NS       1000000000u
#define REPLIES_MAX    4096 /* more than are under way at once */
#define SIDE_MAX       256

/* ---- graphs ---- */

struct names {
	char name[MAZE_NODES][NAME_MAX_BYTES];
};

static void nonsense(const char *text, const char *why)
{
	fprintf(stderr, "maze: %s: %s\n", text, why);
	abort();
}

static uint16_t node_named(struct maze *m, struct names *names, const char *name, size_t len)
{
	uint16_t i;

	for (i = 0; i < m->node_count; i++)
		if (strlen(names->name[i]) == len && memcmp(names->name[i], name, len) == 0)
			return i;
	if (m->node_count == MAZE_NODES || len == 0 || len >= NAME_MAX_BYTES)
		nonsense(name, "too many or too long names");
	memcpy(names->name[i], name, len);
	m->node_count++;
	return i;
}

struct side {
	uint16_t node[SIDE_MAX], weight[SIDE_MAX];
	size_t count;
};

/* name[!][?][%][*weight],... up to one of " >" or the end. */
static const char *read_side(struct maze *m, struct names *names, const char *at, struct side *out)
{
	out->count = 0;
	for (;;) {
		size_t len = strcspn(at, "!?%*,> ");
		struct maze_node *n;
		uint16_t node = node_named(m, names, at, len);

		n = &m->nodes[node];
		for (at += len; *at && strchr("!?%", *at); at++) {
			n->per_packet |= *at == '!';
			n->silent |= *at == '?';
			n->limited |= *at == '%';
		}
		out->weight[out->count] = 1;
		if (*at == '*')
			out->weight[out->count] = (uint16_t)strtoul(at + 1, (char **)&at, 10);
		out->node[out->count++] = node;
		if (*at != ',' || out->count == SIDE_MAX)
			return at;
		at++;
	}
}

struct pair {
	uint16_t from, to, weight;
};

static int by_from(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return x->from != y->from ? x->from - y->from : x->to - y->to;
}

static void take_links(struct maze *m, struct pair *pairs, size_t count)
{
	qsort(pairs, count, sizeof(*pairs), by_from);
	for (size_t i = 0; i < count; i++) {
		struct maze_node *n = &m->nodes[pairs[i].from];

		if (n->count == 0)
			n->first = m->link_count;
		n->count++;
		n->weights += pairs[i].weight;
		m->links[m->link_count++] =
			(struct maze_link){.to = pairs[i].to, .weight = pairs[i].weight};
	}
}

static void find_truth(struct maze *m)
{
	memset(m->at, 0, sizeof(m->at));
	m->at[0][0] = true;
	m->vertices = m->edges = 0;
	for (unsigned ttl = 0; ttl + 1 < MAZE_TTLS; ttl++) {
		for (uint16_t i = 0; i < m->node_count; i++) {
			if (!m->at[ttl][i])
				continue;
			m->vertices += ttl > 0;
			m->edges += m->nodes[i].count;
			for (uint16_t l = 0; l < m->nodes[i].count; l++)
				m->at[ttl + 1][m->links[m->nodes[i].first + l].to] = true;
		}
		if (m->at[ttl][1])
			m->hops = (uint16_t)ttl;
	}
}

void maze_parse(struct maze *m, const char *text)
{
	static struct pair pairs[MAZE_LINKS];
	static struct names names;
	struct side left, right;
	size_t count = 0;

	memset(m, 0, sizeof(*m));
	memset(&names, 0, sizeof(names));
	node_named(m, &names, "s", 1);
	node_named(m, &names, "t", 1);
	while (*text) {
		text = read_side(m, &names, text, &left);
		if (*text++ != '>')
			nonsense(text - 1, "'>' expected");
		text = read_side(m, &names, text, &right);
		for (size_t i = 0; i < left.count; i++)
			for (size_t j = 0; j < right.count; j++) {
				if (count == MAZE_LINKS)
					nonsense(text, "too many links");
				pairs[count++] =
					(struct pair){left.node[i], right.node[j], right.weight[j]};
			}
		text += strspn(text, " ");
	}
	take_links(m, pairs, count);
	find_truth(m);
}

/* ---- random graphs ---- */

static uint32_t below(struct wn_rng *rng, uint32_t bound)
{
	return (uint32_t)wn_rng_below(rng, bound);
}

struct growing {
	struct pair pairs[MAZE_LINKS];
	size_t count;
	uint16_t level[SIDE_MAX], level_count;
};

static void join(struct growing *g, uint16_t from, uint16_t to)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->pairs[i].from == from && g->pairs[i].to == to)
			return;
	g->pairs[g->count++] = (struct pair){from, to, 1};
}

/* A further level: every old node gets a successor, every new one a predecessor, some get more. */
static void add_level(struct maze *m, struct growing *g, uint16_t width, struct wn_rng *rng)
{
	uint16_t next[SIDE_MAX], extra = (uint16_t)below(rng, 4) ? 0 : width;

	for (uint16_t i = 0; i < width; i++)
		next[i] = m->node_count++;
	for (uint16_t i = 0; i < g->level_count || i < width; i++)
		join(g, g->level[i % g->level_count], next[i % width]);
	for (uint16_t i = 0; i < extra; i++)
		join(g, g->level[below(rng, g->level_count)], next[below(rng, width)]);
	memcpy(g->level, next, sizeof(next));
	g->level_count = width;
}

/* One branch of the last level gets a router more before the next. */
static void lengthen(struct maze *m, struct growing *g)
{
	uint16_t node = m->node_count++;

	join(g, g->level[0], node);
	g->level[0] = node;
}

void maze_random(struct maze *m, struct wn_rng *rng)
{
	static struct growing g;
	uint32_t diamonds = 1 + below(rng, 3);

	memset(m, 0, sizeof(*m));
	memset(&g, 0, sizeof(g));
	m->node_count = 2;
	g.level_count = 1; /* the source */
	add_level(m, &g, 1, rng);
	for (uint32_t d = 0; d < diamonds; d++) {
		uint32_t depth = 1 + below(rng, 3);

		for (uint32_t i = 0; i < depth; i++)
			add_level(m, &g, (uint16_t)(2 + below(rng, below(rng, 3) ? 4 : 10)), rng);
		if (below(rng, 6) == 0)
			lengthen(m, &g);
		add_level(m, &g, 1, rng);
	}
	join(&g, g.level[0], 1);
	take_links(m, g.pairs, g.count);
	find_truth(m);
}

/* ---- traces ---- */

struct delivery {
	struct wn_reply reply;
	uint64_t at_ns;
};

struct walk {
	const struct maze *m;
	uint64_t seed;
	struct wn_rng rng;
	struct wn_addr target;
	const struct maze_options *o;
	struct bucket {
		double tokens;
		uint64_t at_ns;
	} bucket[MAZE_NODES];
	struct delivery *replies; /* first in, first out */
	size_t head, tail;
	struct wn_result *result;
};

static struct wn_addr addr_of(const struct walk *w, uint16_t node)
{
	return node == 1 ? w->target : wn_addr_v4(0x0a000000u | node);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185u;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44du;
	return x ^ x >> 33;
}

static uint16_t next_node(struct walk *w, uint16_t node, uint32_t flow)
{
	const struct maze_node *n = &w->m->nodes[node];
	uint64_t h = mix(mix(w->seed + flow * 0x9e3779b97f4a7c15u) ^ (node + 1ull) << 40);
	uint32_t at;

	if (n->count == 0)
		nonsense("a probe", "it went beyond the target");
	if (n->per_packet)
		h = (uint64_t)below(&w->rng, UINT32_MAX) << 32;
	at = (uint32_t)((h >> 32) * n->weights >> 32);
	for (uint16_t i = 0; i < n->count; i++) {
		const struct maze_link *l = &w->m->links[n->first + i];

		if (at < l->weight)
			return l->to;
		at -= l->weight;
	}
	abort();
}

static void fill_quote(const struct wn_probe *p, struct wn_quote *q)
{
	q->present = q->l4_present = true;
	q->payload_present = p->proto != WN_PROTO_TCP;
	q->src = p->src;
	q->dst = p->dst;
	q->proto = wn_ip_proto(p->proto, 4);
	q->ttl = 1;
	q->length = q->quoted_bytes = p->size;
	q->ip_id = p->ip_id;
	q->sport = p->sport;
	q->dport = p->dport;
	q->checksum = p->checksum;
	q->icmp_id = p->icmp_id;
	q->icmp_seq = p->icmp_seq;
	q->tcp_seq = p->tcp_seq;
	if (q->payload_present)
		memcpy(q->cookie, p->cookie, sizeof(p->cookie));
}

static void fill_arrival(const struct wn_probe *p, struct wn_reply *r)
{
	switch (p->proto) {
	case WN_PROTO_UDP:
		r->kind = WN_REPLY_UNREACHABLE;
		r->icmp_type = r->icmp_code = 3;
		fill_quote(p, &r->quote);
		break;
	case WN_PROTO_ICMP:
		r->kind = WN_REPLY_ECHO;
		r->icmp_id = p->icmp_id;
		r->icmp_seq = p->icmp_seq;
		r->payload_present = true;
		memcpy(r->cookie, p->cookie, sizeof(p->cookie));
		break;
	case WN_PROTO_TCP:
		r->kind = WN_REPLY_RST;
		r->sport = p->dport;
		r->dport = p->sport;
		r->tcp_ack = p->tcp_seq + 1;
		r->tcp_flags = WN_TCP_RST | WN_TCP_ACK;
		break;
	}
}

static bool by_chance(struct walk *w, double chance)
{
	return chance > 0 && below(&w->rng, 1000000) < chance * 1e6;
}

/* The limit of a router lets one more answer out. */
static bool is_let_out(struct walk *w, uint16_t node, uint64_t now_ns)
{
	struct bucket *b = &w->bucket[node];
	double most = w->o->limit_burst;

	if (!w->m->nodes[node].limited)
		return true;
	if (most == 0) {
		if (now_ns / SECOND_NS != b->at_ns / SECOND_NS)
			b->tokens = w->o->limit_pps;
	} else {
		b->tokens += (double)(now_ns - b->at_ns) / SECOND_NS * w->o->limit_pps;
		b->tokens = b->at_ns == 0 || b->tokens > most ? most : b->tokens;
	}
	b->at_ns = now_ns;
	if (b->tokens < 1)
		return false;
	b->tokens -= 1;
	return true;
}

/* The node that answers, there and back; false: nobody, or it gets lost. */
static bool is_answered(struct walk *w, const struct wn_probe *p, uint64_t now_ns, uint16_t *out)
{
	unsigned hops = 0;
	uint16_t node = 0;

	for (; hops < p->ttl && node != 1; hops++) {
		node = next_node(w, node, p->flow);
		if (by_chance(w, w->o->hop_loss))
			return false;
	}
	*out = node;
	if (w->m->nodes[node].silent || !is_let_out(w, node, now_ns) || by_chance(w, w->o->loss))
		return false;
	while (--hops > 0)
		if (by_chance(w, w->o->hop_loss))
			return false;
	return true;
}

static void answer(struct walk *w, const struct wn_probe *p, uint64_t now_ns)
{
	struct delivery *d = &w->replies[w->tail % REPLIES_MAX];
	uint16_t node;

	if (!is_answered(w, p, now_ns, &node))
		return;
	memset(d, 0, sizeof(*d));
	d->at_ns = now_ns + RTT_NS;
	d->reply.from = addr_of(w, node);
	d->reply.to = p->src;
	d->reply.ttl = 60;
	d->reply.hint_id = WN_HINT_NONE;
	d->reply.kind = WN_REPLY_TIME_EXCEEDED;
	d->reply.icmp_type = 11;
	if (node == 1)
		fill_arrival(p, &d->reply);
	else
		fill_quote(p, &d->reply.quote);
	w->tail++;
}

static void watch(struct walk *w, const struct wn_event *ev, struct maze_run *out)
{
	out->probes += ev->kind == WN_EV_SENT;
	if (wn_result_apply(w->result, ev) != WN_OK)
		nonsense("an event", "it does not fit those before it");
	if (ev->kind == WN_EV_STOP) {
		out->stop = ev->u.stop.stop;
		out->took_ns = ev->at_ns;
	}
	if (ev->kind == WN_EV_END)
		out->partial = ev->u.end.partial;
}

static bool is_link(const struct maze *m, uint16_t from, uint16_t to, uint16_t *out_index)
{
	for (uint16_t i = 0; i < m->nodes[from].count; i++) {
		*out_index = (uint16_t)(m->nodes[from].first + i);
		if (m->links[*out_index].to == to)
			return true;
	}
	return false;
}

/* Which node of the network a node of the graph is; none for silence. */
static uint16_t node_of(const struct walk *w, const struct wn_graph *g, uint32_t node)
{
	const struct wn_addr *a;

	if (node == WN_GRAPH_SOURCE)
		return 0;
	if (g->nodes[node].responder == WN_NONE)
		return MAZE_NODES;
	a = &w->result->responders[g->nodes[node].responder].addr;
	if (wn_addr_eq(a, &w->target))
		return 1;
	return (uint16_t)(a->bytes[2] << 8 | a->bytes[3]);
}

static void judge_link(const struct walk *w, const struct wn_graph *g,
	const struct wn_graph_link *l, bool linked[], struct maze_run *out)
{
	uint16_t from = node_of(w, g, l->from), to = node_of(w, g, l->to), at;

	if (from == MAZE_NODES || to == MAZE_NODES)
		return;
	out->inferred_edges += l->inferred;
	if (is_link(w->m, from, to, &at))
		linked[at] = true;
	else if (l->inferred)
		out->wrong_edges++;
	else if (!l->unsure)
		out->false_edges++;
}

/* Nodes of one TTL, and links from there. */
static void judge_ttl(
	const struct walk *w, const struct wn_graph *g, unsigned ttl, struct maze_run *out)
{
	static bool linked[MAZE_LINKS];
	const struct maze *m = w->m;
	bool seen[MAZE_NODES + 1] = {0};
	uint32_t missed_here = 0, width = 0;

	memset(linked, 0, sizeof(linked));
	for (uint32_t i = g->hop_first[ttl]; i < g->hop_first[ttl + 1]; i++) {
		const struct wn_graph_node *n = &g->nodes[i];
		uint16_t node = node_of(w, g, i);

		seen[node] = true;
		out->false_vertices += node < MAZE_NODES && !m->at[ttl][node];
		if (node < MAZE_NODES && m->nodes[node].per_packet &&
			(n->lb == WN_LB_PACKET || n->out_count > 1)) {
			out->by_packet++;
			out->unnamed += n->lb != WN_LB_PACKET;
		}
		for (uint32_t l = n->first_out; l < n->first_out + n->out_count; l++)
			judge_link(w, g, &g->links[l], linked, out);
	}
	for (uint16_t i = 0; i < m->node_count; i++) {
		uint32_t missed = 0;

		if (!m->at[ttl][i])
			continue;
		width++;
		missed_here += !seen[i] && !m->nodes[i].silent;
		for (uint16_t l = 0; l < m->nodes[i].count; l++)
			missed += !linked[m->nodes[i].first + l] && !m->nodes[i].silent &&
				  !m->nodes[m->links[m->nodes[i].first + l].to].silent;
		out->missed_edges += missed;
		if (m->nodes[i].count > 1 && seen[i] && g->links_claimed) {
			out->branching++;
			out->left_early += missed > 0;
		}
	}
	out->missed_vertices += missed_here;
	if (!g->links_claimed && width > 1) {
		out->branching++;
		out->left_early += missed_here > 0;
	}
}

/* What is shown is the graph of the record; so that is what is judged. */
static void judge(const struct walk *w, struct maze_run *out)
{
	uint32_t judged = 0, least_ppb = UINT32_MAX;
	struct wn_graph g;

	if (wn_graph_build(w->result, &g) != WN_OK)
		abort();
	for (unsigned ttl = 0; ttl < MAZE_TTLS; ttl++)
		judge_ttl(w, &g, ttl, out);
	for (uint32_t i = 0; i < g.node_count; i++) {
		uint32_t ppb = g.nodes[i].uneven_ppb;

		judged += ppb > 0;
		least_ppb = ppb > 0 && ppb < least_ppb ? ppb : least_ppb;
	}
	out->links_claimed = g.links_claimed;
	out->too_unsure = !w->o->by_vertex && g.whole_ppb > w->o->miss_ppm * 1000;
	out->uneven = judged > 0 && least_ppb <= 10000000 / judged;
	wn_graph_free(&g);
}

static void drive(struct walk *w, struct wn_paths *paths, struct maze_run *out)
{
	struct wn_trace *t = wn_paths_trace(paths);
	uint64_t now_ns = START_NS;
	struct wn_act act;

	for (;;) {
		switch (wn_paths_next(paths, now_ns, &act)) {
		case WN_ACT_SEND:
			wn_trace_sent(t, act.probe.id, now_ns, WN_CLOCK_SIM);
			answer(w, &act.probe, now_ns);
			break;
		case WN_ACT_EMIT:
			watch(w, &act.event, out);
			break;
		case WN_ACT_WAIT:
			if (w->head < w->tail &&
				w->replies[w->head % REPLIES_MAX].at_ns < act.until_ns)
				now_ns = w->replies[w->head % REPLIES_MAX].at_ns;
			else
				now_ns = act.until_ns;
			for (; w->head < w->tail &&
				w->replies[w->head % REPLIES_MAX].at_ns <= now_ns;
				w->head++)
				wn_trace_reply(t, &w->replies[w->head % REPLIES_MAX].reply, now_ns,
					WN_CLOCK_SIM, now_ns);
			break;
		case WN_ACT_DONE:
			return;
		}
	}
}

static struct wn_params params_for(const struct maze_options *o)
{
	return (struct wn_params){
		.src = wn_addr_v4(0xc0000201),
		.dst = wn_addr_v4(0xcb007105),
		.proto = o->proto,
		.sport = 33000,
		.dport = 33434,
		.flow_checksum = 0x1234,
		.paths = o->mode,
		.flows = o->flows,
		.miss_ppm = o->miss_ppm,
		.miss_by_vertex = o->by_vertex,
		.min_share_ppm = o->min_share_ppm,
		.first_ttl = 1,
		.max_ttl = 30,
		.window = 512,
		.gap = 5,
		.size = 60,
		.caps = {.sends_ip_id = true,
			.sends_checksum = true,
			.sends_icmp_id = true,
			.sees_quote_l4 = true,
			.sees_quote_ip = true},
	};
}

void maze_trace(
	const struct maze *m, const struct maze_options *o, uint64_t seed, struct maze_run *out)
{
	struct wn_params params = params_for(o);
	struct wn_errctx ctx = {0};
	struct wn_paths *paths;
	struct wn_sipkey key = {{0}};
	struct walk w = {.m = m, .seed = mix(seed), .target = params.dst, .o = o};

	memset(out, 0, sizeof(*out));
	wn_rng_seed(&w.rng, seed);
	memcpy(key.bytes, &seed, sizeof(seed));
	w.replies = malloc(REPLIES_MAX * sizeof(*w.replies));
	w.result = wn_result_new(NULL);
	if (!w.replies || !w.result)
		abort();
	if (wn_paths_new(&params, &key, START_NS, &paths, &ctx) != WN_OK)
		nonsense("wn_paths_new", ctx.text);
	drive(&w, paths, out);
	judge(&w, out);
	wn_paths_free(paths);
	wn_result_free(w.result);
	free(w.replies);
}
