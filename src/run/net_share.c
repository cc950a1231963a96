/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One back end for many traces. A trace has a port (ICMP: an identifier) that it shares with traces
 * to other targets only, so that target and port name it. Where a translator has put another target
 * into a quote all traces with the port are asked in turn; cookies tell whose it is.
 *
 * Ports go round, so that what comes late for one trace does not meet the next one at once.
 */
#include "run/run_priv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "os/os.h"
#include "packet/wire.h"

#define PORTS	    64	  /* of a back end; more traces than that to one target open another one */
#define OUTSTANDING 16384 /* probes: room to receive, and stamps that are waited for */

struct wn_run_share {
	enum wn_backend backend;
	const struct wn_sim *sim;
	enum wn_proto proto;
	uint8_t family;
	char iface[32];
	uint32_t mark;
	struct wn_map owners;		     /* by target and port: the slot */
	struct wn_run_trace *by_port[PORTS]; /* lists */
	uint16_t next;			     /* port to try first, from 0 */
};

static bool fits(const struct wn_run_share *s, const struct wn_run_trace *rt)
{
	const struct wn_params *p = &rt->request->params;

	return s->backend == rt->request->backend && s->sim == rt->request->sim &&
	       s->proto == p->proto && s->family == p->dst.family && s->mark == p->mark &&
	       strcmp(s->iface, p->iface) == 0;
}

static uint64_t owner_key(const struct wn_addr *dst, uint16_t port)
{
	return wn_addr_hash(dst) ^ (uint64_t)port << 48;
}

static uint64_t key_of(const struct wn_run_trace *rt)
{
	return owner_key(&rt->dst, rt->port);
}

/* ---- who it is for ---- */

static uint16_t port_in(const struct wn_run_share *s, const struct wn_reply *r)
{
	if (!wn_reply_is_direct(r->kind))
		return s->proto == WN_PROTO_ICMP ? r->quote.icmp_id : r->quote.sport;
	return s->proto == WN_PROTO_ICMP ? r->icmp_id : r->dport;
}

void wn_run_share_reply(struct wn_run_net *net, const struct wn_rx *rx, uint64_t now_ns)
{
	const struct wn_reply *r = &rx->reply;
	const struct wn_addr *dst = wn_reply_is_direct(r->kind) ? &r->from : &r->quote.dst;
	struct wn_run_share *s = net->share;
	uint16_t port = port_in(s, r), first = wn_io_sport(net->io);
	struct wn_run_trace *rt;
	uint32_t slot;

	if (wn_map_get(&s->owners, owner_key(dst, port), &slot)) {
		if (net->run->slots[slot]->state == WN_RUN_RUNNING)
			wn_run_trace_reply(net->run->slots[slot], rx, now_ns);
		return;
	}
	rt = (uint16_t)(port - first) < PORTS ? s->by_port[port - first] : NULL;
	for (; rt; rt = rt->port_next)
		if (rt->state == WN_RUN_RUNNING && wn_run_trace_claim(rt, rx, now_ns))
			return;
	net->io->counters.foreign++;
}

/* ---- joining and leaving ---- */

/* Others have sockets that are about one trace. */
bool wn_run_is_raw(struct wn_run *run, enum wn_backend backend)
{
	struct wn_os_privs privs;

	if (backend != WN_BACKEND_AUTO)
		return backend != WN_BACKEND_ERRQUEUE;
	if (run->raw == WN_RUN_RAW_UNKNOWN) {
		wn_os_privs_get(&privs);
		run->raw = privs.net_raw ? WN_RUN_RAW_YES : WN_RUN_RAW_NO;
	}
	return run->raw == WN_RUN_RAW_YES;
}

bool wn_run_may_share(const struct wn_run_trace *rt)
{
	const struct wn_params *p = &rt->request->params;

	return rt->request->share && p->flow_mode == WN_FLOW_FIXED && p->paths == WN_PATHS_OFF &&
	       !p->pmtu && p->sport == 0 && p->flow == 0 && p->destinations == 0 &&
	       (p->tcp_method == WN_TCP_METHOD_SYN || p->tcp_method == WN_TCP_METHOD_ACK ||
		       p->tcp_method == WN_TCP_METHOD_FLAGS) &&
	       p->size <= WN_RUN_SHARED_SIZE && wn_run_is_raw(rt->run, rt->request->backend);
}

/* NULL: *out_err says why. */
static struct wn_run_net *open_share(
	struct wn_run_trace *rt, wn_err *out_err, struct wn_errctx *ctx)
{
	const struct wn_params *p = &rt->request->params;
	struct wn_io_config io = {
		.proto = p->proto,
		.family = p->dst.family,
		.dst.family = p->dst.family,
		.dport = p->dport,
		.port_span = PORTS,
		.mark = p->mark,
		.outstanding = OUTSTANDING,
		.shared = true,
	};
	struct wn_run_share *s = wn_calloc(1, sizeof(*s));
	struct wn_run_net *net = NULL;

	if (!s || wn_map_init(&s->owners, PORTS) != WN_OK) {
		wn_free(s);
		*out_err = wn_fail(ctx, WN_ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(io.iface, p->iface, sizeof(io.iface));
	*out_err =
		wn_run_open(&(struct wn_run_where){rt->run, rt->request->backend, rt->request->sim},
			&io, &net, ctx);
	if (!net) {
		wn_run_share_free(s);
		return NULL;
	}
	s->backend = rt->request->backend;
	s->sim = rt->request->sim;
	s->proto = p->proto;
	s->family = p->dst.family;
	s->mark = p->mark;
	memcpy(s->iface, p->iface, sizeof(s->iface));
	net->share = s;
	wn_run_credit_new(net);
	return net;
}

void wn_run_share_free(struct wn_run_share *s)
{
	if (!s)
		return;
	wn_map_fini(&s->owners);
	wn_free(s);
}

/* A port that no other trace to this target has. */
static bool choose_port(struct wn_run_net *net, struct wn_run_trace *rt)
{
	struct wn_run_share *s = net->share;

	for (unsigned i = 0; i < PORTS; i++) {
		uint32_t slot;

		rt->port = (uint16_t)(wn_io_sport(net->io) + s->next);
		s->next = (uint16_t)((s->next + 1) % PORTS);
		if (!wn_map_get(&s->owners, key_of(rt), &slot))
			return true;
	}
	return false;
}

static struct wn_run_net *find_room(struct wn_run_trace *rt)
{
	struct wn_run_net *net = rt->run->nets;

	while (net && !(net->share && fits(net->share, rt) && choose_port(net, rt)))
		net = net->next;
	return net;
}

wn_err wn_run_share_join(struct wn_run_trace *rt, struct wn_errctx *ctx)
{
	struct wn_run_net *net = find_room(rt);
	struct wn_run_trace **list;
	wn_err err = WN_OK;

	if (!net) {
		net = open_share(rt, &err, ctx);
		if (!net)
			return err;
		(void)choose_port(net, rt); /* the first to come */
	}
	if (wn_map_room(&net->share->owners) != WN_OK)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	(void)wn_map_put(&net->share->owners, key_of(rt), rt->slot);
	list = &net->share->by_port[rt->port - wn_io_sport(net->io)];
	rt->port_next = *list;
	if (*list)
		(*list)->port_link = &rt->port_next;
	rt->port_link = list;
	*list = rt;
	rt->net = net;
	return WN_OK;
}

wn_err wn_run_open_ahead(
	struct wn_run *run, const struct wn_run_trace_config *c, struct wn_errctx *ctx)
{
	struct wn_run_trace_config request = *c;
	struct wn_run_trace like = {.run = run, .request = &request, .dst = c->params.dst};
	wn_err err = WN_OK;

	if (wn_run_may_share(&like) && !find_room(&like))
		(void)open_share(&like, &err, ctx);
	return err;
}

void wn_run_share_leave(struct wn_run_trace *rt)
{
	struct wn_run_net *net = rt->net;

	if (!net || !net->share || !rt->port_link)
		return;
	wn_map_del(&net->share->owners, key_of(rt));
	*rt->port_link = rt->port_next;
	if (rt->port_next)
		rt->port_next->port_link = rt->port_link;
	rt->port_link = NULL;
}
