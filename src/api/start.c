/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to a trace of run/, and from its events back to those of the library. Places in
 * the table are used again; an id has above its place how often that was used, so that a stale one
 * is nobody's.
 */
#include "api/api_priv.h"

#include <string.h>

#include "base/alloc.h"
#include "packet/reply.h"

#define PLACE_BITS 20
#define PLACES	   (1u << PLACE_BITS)

/* ---- the table ---- */

struct wn_api_item *wn_api_find(const wend *w, uint64_t id)
{
	uint64_t place = id & (PLACES - 1);

	return place < w->item_count && w->items[place] && w->items[place]->id == id
		       ? w->items[place]
		       : NULL;
}

static bool grow(wend *w)
{
	uint32_t cap = w->item_cap ? w->item_cap * 2 : 16;
	void *items = wn_realloc(w->items, cap, sizeof(void *)), *turns, *places;

	w->items = items ? items : w->items;
	turns = items ? wn_realloc(w->turns, cap, sizeof(*w->turns)) : NULL;
	w->turns = turns ? turns : w->turns;
	places = turns ? wn_realloc(w->free_places, cap, sizeof(*w->free_places)) : NULL;
	w->free_places = places ? places : w->free_places;
	if (!places)
		return false;
	memset(w->turns + w->item_cap, 0, (cap - w->item_cap) * sizeof(*w->turns));
	w->item_cap = cap;
	return true;
}

wn_err wn_api_item_new(wend *w, wend_callback *callback, void *user, struct wn_api_item **out)
{
	struct wn_api_item *item;
	uint32_t place;

	if (w->free_count == 0 && w->item_count == PLACES)
		return wn_fail(&w->why, WN_EFULL, "more than %u traces at once", PLACES);
	if (w->free_count == 0 && w->item_count == w->item_cap && !grow(w))
		return wn_fail(&w->why, WN_ENOMEM, "out of memory");
	item = wn_calloc(1, sizeof(*item));
	if (!item)
		return wn_fail(&w->why, WN_ENOMEM, "out of memory");
	place = w->free_count > 0 ? w->free_places[--w->free_count] : w->item_count++;
	item->id = (uint64_t)++w->turns[place] << PLACE_BITS | place;
	item->w = w;
	item->callback = callback;
	item->user = user;
	item->start_ns = wn_run_now_ns(w->run);
	w->items[place] = item;
	w->active++;
	w->running++;
	*out = item;
	return WN_OK;
}

void wn_api_item_free(wend *w, struct wn_api_item *item)
{
	uint32_t place = (uint32_t)(item->id & (PLACES - 1));

	w->items[place] = NULL;
	w->free_places[w->free_count++] = place;
	w->active--;
	wn_free(item->where);
	wn_free(item->asked);
	wn_free(item->req);
	wn_free(item);
}

void wn_api_item_undo(wend *w, struct wn_api_item *item)
{
	w->running--;
	wn_api_item_free(w, item);
}

/* ---- from run/ ---- */

/* Where a probe went; NULL: not known, which takes a link that came and went to send so many. */
static uint16_t *where(struct wn_api_item *item, uint64_t probe)
{
	return probe < item->where_cap ? &item->where[probe] : NULL;
}

/* For all probes of the trace. */
static bool take_where(struct wn_api_item *item, const struct wn_params *p)
{
	item->where_cap = (p->max_ttl - p->first_ttl + 1u) * p->probes;
	item->where = wn_calloc(item->where_cap, sizeof(*item->where));
	return item->where != NULL;
}

/* Those that are sent anew because the first did not leave come on top. */
static void grow_where(struct wn_api_item *item)
{
	uint32_t cap = item->where_cap * 2;
	uint16_t *more = wn_realloc(item->where, cap, sizeof(*more));

	if (!more)
		return;
	memset(more + item->where_cap, 0, item->where_cap * sizeof(*more));
	item->where = more;
	item->where_cap = cap;
}

static void note_sent(struct wn_api_item *item, const struct wn_event *ev)
{
	uint16_t *at;

	if (ev->probe_id >= item->where_cap && ev->probe_id < 2u * item->where_cap)
		grow_where(item);
	at = where(item, ev->probe_id);
	item->sent++;
	if (at)
		*at = (uint16_t)(ev->u.sent.probe.ttl << 8 | (ev->u.sent.number & 0xff));
}

static struct wend_event about(struct wn_api_item *item, const struct wn_event *ev, uint32_t kind)
{
	const uint16_t *at = where(item, ev->probe_id);

	return (struct wend_event){
		.kind = kind,
		.at_ns = (int64_t)ev->at_ns,
		.rtt_ns = -1,
		.reply_ttl = -1,
		.ttl = at ? (uint8_t)(*at >> 8) : 0,
		.probe = at ? *at & 0xffu : 0,
	};
}

static void tell_labels(const struct wn_ext *ext, struct wend_event *out)
{
	size_t room = sizeof(out->mpls) / sizeof(out->mpls[0]);

	for (uint32_t i = 0; ext->present && i < ext->mpls_count && i < room; i++) {
		const struct wn_mpls *m = &ext->mpls[i];

		out->mpls[out->mpls_count++] =
			m->label << 12 | (uint32_t)m->tc << 9 | (uint32_t)m->bottom << 8 | m->ttl;
	}
}

void wn_api_tell_reply(const struct wn_reply *r, struct wend_event *out)
{
	out->family = r->from.family;
	memcpy(out->address, r->from.bytes, sizeof(out->address));
	out->icmp_type = r->icmp_type;
	out->icmp_code = r->icmp_code;
	out->tcp_flags = r->tcp_flags;
	out->reply_ttl = r->ttl;
	tell_labels(&r->ext, out);
}

static void tell_reply(struct wn_api_item *item, const struct wn_event *ev)
{
	const struct wn_reply *r = &ev->u.reply.reply;
	struct wend_event out = about(item, ev, WEND_REPLY);

	if (ev->u.reply.duplicate || r->kind == WN_REPLY_REDIRECT)
		return;
	item->received++;
	if (ev->u.reply.reached && (item->reached_ttl == 0 || out.ttl < item->reached_ttl)) {
		item->reached_ttl = out.ttl;
		item->by = r->from;
	}
	out.rtt_ns = ev->u.reply.rtt_ns;
	out.reached = ev->u.reply.reached;
	out.late = ev->u.reply.late;
	wn_api_tell_reply(r, &out);
	wn_api_queue_push(item->w, item, &out);
	if (item->names)
		wn_api_names_want(item, &r->from);
}

static void note_stop(struct wn_api_item *item, const struct wn_event *ev)
{
	item->stop = (uint8_t)ev->u.stop.stop;
	item->ttl = ev->u.stop.ttl;
	item->err = ev->u.stop.err;
	item->sys = ev->u.stop.sys;
	if (item->reached_ttl == 0)
		item->by = ev->u.stop.by;
	if (ev->u.stop.stop == WN_STOP_INTERRUPTED)
		item->err = WEND_ECANCELED;
}

static void on_event(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	struct wn_api_item *item = user;
	struct wend_event out;

	(void)rt;
	switch (ev->kind) {
	case WN_EV_SENT:
		note_sent(item, ev);
		break;
	case WN_EV_REPLY:
		tell_reply(item, ev);
		break;
	case WN_EV_TIMEOUT:
		out = about(item, ev, WEND_LOST);
		wn_api_queue_push(item->w, item, &out);
		break;
	case WN_EV_STOP:
		note_stop(item, ev);
		break;
	case WN_EV_END:
		item->took_ns = ev->at_ns;
		break;
	default:
		break;
	}
}

static void on_done(void *user, struct wn_run_trace *rt)
{
	struct wn_api_item *item = user;

	item->rt = NULL;
	wn_run_drop(rt);
	wn_api_names_end(item);
}

/* ---- starting ---- */

enum wn_proto wn_api_proto(enum wn_req_proto asked)
{
	if (asked == WN_REQ_TCP)
		return WN_PROTO_TCP;
	return asked == WN_REQ_ICMP ? WN_PROTO_ICMP : WN_PROTO_UDP;
}

wn_err wn_api_start(
	wend *w, struct wn_api_item *item, const struct wn_request *req, const struct wn_addr *dst)
{
	struct wn_run_trace_config c = {
		.backend = w->sim ? WN_BACKEND_SIM : w->backend,
		.sim = w->sim,
		.share = true,
		.lean = true,
		.on_event = on_event,
		.on_done = on_done,
		.user = item,
	};
	struct wn_run_trace *rt;
	wn_err err = wn_request_params(req, wn_api_proto(req->proto), dst, &c.params, &w->why);

	if (err != WN_OK)
		return err;
	if (w->topo) {
		c.params.src = wn_topo_source(w->topo, dst->family);
		if (c.params.src.family == 0)
			return wn_fail(&w->why, WN_ENOROUTE,
				"the simulated network has no IPv%u source", dst->family);
	}
	if (!take_where(item, &c.params))
		return wn_fail(&w->why, WN_ENOMEM, "out of memory");
	err = wn_run_prepare(w->run, &c, &rt, &w->why);
	if (err != WN_OK)
		return err;
	err = wn_run_start(rt, &w->why);
	if (err != WN_OK) {
		wn_run_drop(rt);
		return err;
	}
	item->rt = rt;
	item->start_ns = wn_run_now_ns(w->run);
	return WN_OK;
}

/* IPv4 where both will do. */
static wn_err start_in_topology(wend *w, struct wn_api_item *item, const struct wn_request *req)
{
	const char *host = req->params.host;
	struct wn_addr dst = {0};

	if (req->family != 6)
		dst = wn_topo_addr_of(w->topo, host, 4);
	if (dst.family == 0 && req->family != 4)
		dst = wn_topo_addr_of(w->topo, host, 6);
	if (dst.family == 0)
		return wn_fail(
			&w->why, WN_ERESOLVE, "%s: no such name in the simulated network", host);
	return wn_api_start(w, item, req, &dst);
}

static wn_err go(wend *w, struct wn_api_item *item, const struct wn_request *req)
{
	if (req->params.dst.family)
		return wn_api_start(w, item, req, &req->params.dst);
	return w->topo ? start_in_topology(w, item, req) : wn_api_resolve(w, item, req);
}

int wn_api_begin(wend *w, const char *target, struct wn_request *req, wend_callback *callback,
	void *user, uint64_t *out_id)
{
	struct wn_api_item *item = NULL;
	wn_err err;

	memset(&w->why, 0, sizeof(w->why));
	if (w->ending)
		return wn_fail(&w->why, WN_ESTATE, "this context is being freed");
	if (!target)
		return wn_fail(&w->why, WN_EINVAL, "no target was given");
	err = wn_request_target(req, target, &w->why);
	if (err == WN_OK)
		err = wn_request_check(req, &w->why);
	if (err == WN_OK && req->proto == WN_REQ_AUTO)
		err = wn_fail(&w->why, WN_EUSAGE, "protocol auto is for the command: choose one");
	if (err == WN_OK)
		err = wn_api_item_new(w, callback, user, &item);
	if (!item)
		return err;
	item->names = !req->numeric;
	if (item->names && !w->topo)
		err = wn_api_need_dns(w, &w->why);
	if (err == WN_OK)
		err = go(w, item, req);
	if (err != WN_OK) {
		wn_api_item_undo(w, item);
		return err;
	}
	if (out_id)
		*out_id = item->id;
	return WN_OK;
}

int wend_trace(wend *w, const char *target, const wend_options *options, wend_callback *callback,
	void *user, uint64_t *out_id)
{
	struct wn_request req = wn_api_request(options);

	return wn_api_begin(w, target, &req, callback, user, out_id);
}

/* ---- canceling ---- */

static void cancel(struct wn_api_item *item)
{
	item->canceled = true;
	if (item->rt)
		wn_run_stop(item->rt, WN_STOP_INTERRUPTED);
	else if (item->probe.net)
		wn_run_probe_cancel(&item->probe);
	wn_api_resolve_cancel(item);
	wn_api_names_cancel(item);
}

/* What has ended, and only waits to tell so, is as good as gone. */
int wend_cancel(wend *w, uint64_t id)
{
	struct wn_api_item *item = wn_api_find(w, id);

	memset(&w->why, 0, sizeof(w->why));
	if (!item)
		return wn_fail(&w->why, WN_ENOENT, "no trace has this id");
	cancel(item);
	return WEND_OK;
}

void wn_api_cancel_all(wend *w)
{
	for (uint32_t i = 0; i < w->item_count; i++)
		if (w->items[i])
			cancel(w->items[i]);
}

void wn_api_items_fini(wend *w)
{
	for (uint32_t i = 0; i < w->item_count; i++)
		if (w->items[i])
			wn_api_item_free(w, w->items[i]);
	wn_free(w->items);
	wn_free(w->turns);
	wn_free(w->free_places);
}
