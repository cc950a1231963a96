/* SPDX-License-Identifier: Apache-2.0 */
/* Whom to ask: routers that answered, addresses beside the target's. What it takes to ask them. */
#include "multipath/beside_priv.h"

#include "base/alloc.h"

#define ECHO_TTL  64 /* as ping has it */
#define WAIT_RTTS 3  /* a reply is waited for so many times the worst round trip of the trace */

bool wn_beside_neighbour(const struct wn_addr *dst, unsigned n, struct wn_addr *out)
{
	unsigned last = dst->family == 4 ? 3 : 15, found = 0;

	for (unsigned bits = 1; bits < 256; bits++) {
		struct wn_addr a = *dst;

		a.bytes[last] = (uint8_t)(a.bytes[last] ^ bits);
		if (a.bytes[last] == 0 || (a.family == 4 && a.bytes[last] == 255))
			continue; /* of a network as a whole, or of all in it */
		if (found++ < n)
			continue;
		*out = a;
		return true;
	}
	return false;
}

static bool is_whole(const struct wn_result *r)
{
	switch (r->stop) {
	case WN_STOP_NONE:
	case WN_STOP_DEADLINE:
	case WN_STOP_INTERRUPTED:
	case WN_STOP_ERROR:
		return false;
	default:
		return true;
	}
}

/* Below the target, whose answers say nothing of others' ways; else as far as anybody answers. */
static unsigned end_ttl(const struct wn_result *r)
{
	return r->reached ? r->last_ttl : r->last_ttl + 1u;
}

static uint32_t path_length(const struct wn_result *r)
{
	unsigned end = end_ttl(r);

	return end > r->params.first_ttl ? end - r->params.first_ttl : 0;
}

static uint32_t others(const struct wn_result *r)
{
	return r->params.destinations < WN_DESTINATIONS_MAX ? r->params.destinations
							    : WN_DESTINATIONS_MAX;
}

static void add_job(struct wn_beside *b, const struct wn_addr *dst, uint32_t flow)
{
	b->jobs[b->job_count++] = (struct job){
		.dst = *dst,
		.flow = flow,
		.first = b->question_count,
	};
}

static void add_question(struct wn_beside *b, unsigned ttl)
{
	b->questions[b->question_count++] = (struct question){
		.job = (uint16_t)(b->job_count - 1),
		.ttl = (uint8_t)ttl,
	};
	b->jobs[b->job_count - 1].count++;
	b->jobs[b->job_count - 1].open++;
	b->open++;
}

static bool is_asked(const struct wn_beside *b, const struct wn_addr *dst)
{
	for (uint32_t i = 0; i < b->job_count; i++)
		if (wn_addr_eq(&b->jobs[i].dst, dst))
			return true;
	return false;
}

static void add_pings(struct wn_beside *b, const struct wn_result *r)
{
	for (unsigned ttl = r->params.first_ttl; ttl <= r->last_ttl; ttl++) {
		const struct wn_hop *hop = &r->hops[ttl];

		for (uint32_t i = 0; i < hop->responder_count; i++) {
			const struct wn_addr *a = &r->responders[hop->responders[i].responder].addr;

			if (b->job_count == WN_BESIDE_PINGS_MAX)
				return;
			if (wn_addr_eq(a, &r->params.dst) || is_asked(b, a))
				continue;
			add_job(b, a, WN_FLOW_PING);
			add_question(b, ECHO_TTL);
		}
	}
}

static void add_destinations(struct wn_beside *b, const struct wn_result *r)
{
	struct wn_addr dst;
	uint32_t found = 0;

	for (unsigned n = 0; found < others(r) && wn_beside_neighbour(&r->params.dst, n, &dst);
		n++) {
		if (is_asked(b, &dst))
			continue; /* two engines must not hear of one address */
		add_job(b, &dst, WN_FLOW_DESTINATION + found);
		b->jobs[b->job_count - 1].alone = found > 0 && r->params.caps.per_flow > 0;
		for (uint32_t i = 0; i < path_length(r); i++)
			add_question(b, r->params.first_ttl + i);
		found++;
	}
}

/* ---- memory ---- */

static uint64_t first_free_id(const struct wn_result *r)
{
	uint64_t id = 0;

	for (uint32_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].probe.id >= id)
			id = r->probes[i].probe.id + 1;
	return id;
}

static uint64_t worst_rtt_ns(const struct wn_result *r)
{
	int64_t worst = 0;

	for (uint32_t i = 0; i < r->reply_count; i++)
		if (r->replies[i].rtt_ns > worst)
			worst = r->replies[i].rtt_ns;
	return (uint64_t)worst;
}

/* Who answers pings does so in about the time that anything took. */
static uint64_t wait_ns(const struct wn_result *r)
{
	const struct wn_params *p = &r->params;
	uint64_t wait = WAIT_RTTS * worst_rtt_ns(r);

	if (wait < p->wait_min_ns)
		wait = p->wait_min_ns;
	return wait < p->wait_max_ns ? wait : p->wait_max_ns;
}

static void set_params(struct wn_beside *b, const struct wn_result *r)
{
	struct wn_params *p = &b->params;

	*p = r->params;
	p->paths = WN_PATHS_OFF;
	p->flows = 1;
	p->probes = 1;
	p->pmtu = false;
	p->deadline_ns = 0;
	p->pps = 0; /* see may_ask_ns */
	p->wait_max_ns = wait_ns(r);
	if (p->wait_min_ns > p->wait_max_ns)
		p->wait_min_ns = p->wait_max_ns;
}

static wn_err open_job(const struct wn_beside *b, const struct wn_beside_config *c, struct job *j,
	uint64_t now_ns, struct wn_errctx *ctx)
{
	struct wn_params p = b->params;

	p.dst = j->dst;
	if (j->flow == WN_FLOW_PING) {
		p.proto = WN_PROTO_ICMP;
		p.caps = c->echo;
		p.sport = c->echo_id;
		p.dport = 0;
		p.flow = 0;
		p.flow_mode = WN_FLOW_FIXED;
		p.tcp_method = WN_TCP_METHOD_SYN;
		p.tcp_flags = p.tcp_options = 0;
		p.size = wn_probe_min_size(p.dst.family, WN_PROTO_ICMP);
		p.first_ttl = p.max_ttl = ECHO_TTL;
	}
	return wn_trace_new_guided(&p, j->count * TRIES, c->key, now_ns, &j->trace, ctx);
}

static bool take_tables(struct wn_beside *b, const struct wn_result *r)
{
	size_t pings = r->params.ping_hops ? WN_BESIDE_PINGS_MAX : 0;
	size_t questions = pings + (size_t)others(r) * path_length(r);

	b->jobs = wn_calloc(pings + others(r) + 1, sizeof(*b->jobs));
	b->questions = wn_calloc(questions + 1, sizeof(*b->questions));
	b->probes = wn_calloc(questions * TRIES + 1, sizeof(*b->probes));
	b->records = wn_calloc(questions * TRIES + 1, sizeof(*b->records));
	b->asked = wn_calloc(questions * TRIES + 1, sizeof(*b->asked));
	return b->jobs && b->questions && b->probes && b->records && b->asked;
}

static wn_err fill(struct wn_beside *b, const struct wn_beside_config *c, uint64_t now_ns,
	struct wn_errctx *ctx)
{
	const struct wn_result *r = c->r;
	wn_err err = WN_OK;

	if (!take_tables(b, r))
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	set_params(b, r);
	b->first_id = first_free_id(r);
	b->start_ns = c->start_ns;
	b->offset_ns = now_ns - c->start_ns;
	b->deadline_ns = r->params.deadline_ns ? c->start_ns + r->params.deadline_ns : NEVER;
	b->pps = r->params.pps;
	if (r->params.ping_hops)
		add_pings(b, r);
	if (path_length(r) > 0)
		add_destinations(b, r);
	for (uint32_t i = 0; i < b->job_count && err == WN_OK; i++)
		err = open_job(b, c, &b->jobs[i], now_ns, ctx);
	return err;
}

wn_err wn_beside_new(const struct wn_beside_config *c, uint64_t now_ns, struct wn_beside **out,
	struct wn_errctx *ctx)
{
	struct wn_beside *b;
	wn_err err;

	*out = NULL;
	if (!is_whole(c->r) || (!c->r->params.ping_hops && c->r->params.destinations == 0))
		return WN_OK;
	b = wn_calloc(1, sizeof(*b));
	if (!b)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	err = fill(b, c, now_ns, ctx);
	if (err != WN_OK || b->open == 0) {
		wn_beside_free(b);
		return err;
	}
	*out = b;
	return WN_OK;
}

void wn_beside_free(struct wn_beside *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; b->jobs && i < b->job_count; i++)
		if (b->jobs[i].trace)
			wn_trace_free(b->jobs[i].trace);
	wn_free(b->jobs);
	wn_free(b->questions);
	wn_free(b->probes);
	wn_free(b->records);
	wn_free(b->asked);
	wn_free(b);
}
