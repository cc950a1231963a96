/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single probes. Where a back end serves many of them (run/probes.c) each costs one slot there;
 * elsewhere it is a trace of one TTL and one probe.
 */
#include "api/api_priv.h"

#include <string.h>

#include "os/os.h"
#include "packet/reply.h"

/* ---- the end ---- */

static void tell_answer(struct wn_api_item *item, const struct wn_single_end *end)
{
	const struct wn_reply *r = end->reply;
	struct wend_event ev = {
		.kind = WEND_REPLY,
		.at_ns = (int64_t)item->took_ns,
		.rtt_ns = end->rtt_ns,
		.ttl = end->ttl,
		.reached = end->reached,
	};

	item->received = 1;
	item->stop = WEND_STOP_MAX_TTL;
	if (end->reached) {
		item->stop = WEND_STOP_REACHED;
		item->reached_ttl = end->ttl;
		item->by = r->from;
	} else if (r->kind == WN_REPLY_UNREACHABLE) {
		item->stop = WEND_STOP_UNREACHABLE;
		item->by = r->from;
	}
	wn_api_tell_reply(r, &ev);
	wn_api_queue_push(item->w, item, &ev);
}

static void tell_lost(struct wn_api_item *item, const struct wn_single_end *end)
{
	struct wend_event ev = {
		.kind = WEND_LOST,
		.at_ns = (int64_t)item->took_ns,
		.rtt_ns = -1,
		.reply_ttl = -1,
		.ttl = end->ttl,
	};

	item->stop = WEND_STOP_MAX_TTL;
	wn_api_queue_push(item->w, item, &ev);
}

static void on_end(void *user, const struct wn_single_end *end)
{
	struct wn_api_item *item = user;

	item->probe.net = NULL;
	item->took_ns = end->ended_ns - end->added_ns;
	item->ttl = end->ttl;
	item->sent = end->left;
	switch (end->kind) {
	case WN_SINGLE_REPLY:
		tell_answer(item, end);
		break;
	case WN_SINGLE_LOST:
		tell_lost(item, end);
		break;
	case WN_SINGLE_FAILED:
		item->stop = WEND_STOP_ERROR;
		item->err = end->err;
		item->sys = end->sys;
		break;
	case WN_SINGLE_CANCELED:
		item->stop = WEND_STOP_CANCELED;
		item->err = WEND_ECANCELED;
		break;
	}
	wn_api_queue_done(item->w, item);
}

/* ---- the start ---- */

static void plan(const struct wn_request *req, uint8_t family, struct wn_run_probe *out)
{
	const struct wn_params *p = &req->params;
	struct wn_probe *probe = &out->spec.probe;

	*out = (struct wn_run_probe){.on_end = on_end, .spec.wait_ns = p->wait_max_ns};
	memcpy(out->iface, p->iface, sizeof(out->iface));
	probe->proto = wn_api_proto(req->proto);
	probe->src = p->src;
	probe->dst.family = family;
	probe->tos = p->tos;
	probe->df = p->df;
	probe->pattern = p->pattern;
	probe->plain = wn_request_has(req, "pattern");
	probe->sport = p->sport;
	probe->mark = p->mark;
	wn_request_probe(req, probe);
}

/* Once for all probes with these options. */
static wn_err prepare(wend *w, wend_options *o)
{
	struct wn_request req;
	wn_err err;

	if (o->planned)
		return WN_OK;
	req = o->req;
	req.alone = true;
	err = wn_request_check(&req, &w->why);
	if (err == WN_OK && req.proto == WN_REQ_AUTO)
		err = wn_fail(&w->why, WN_EUSAGE, "protocol auto is for the command: choose one");
	if (err != WN_OK)
		return err;
	plan(&o->req, 4, &o->plan[0]);
	plan(&o->req, 6, &o->plan[1]);
	o->planned = true;
	return WN_OK;
}

static void fill(const wend *w, const wend_options *o, uint8_t family, struct wn_run_probe *out)
{
	*out = o->plan[family == 6];
	out->backend = w->sim ? WN_BACKEND_SIM : w->backend;
	out->sim = w->sim;
	if (w->topo)
		out->spec.probe.src = wn_topo_source(w->topo, family);
}

static wn_err parse(
	wend *w, const char *target, uint8_t ttl, const struct wn_request *req, struct wn_addr *out)
{
	if (ttl == 0)
		return wn_fail(&w->why, WN_EUSAGE, "a probe needs a TTL of 1 to 255");
	if (wn_addr_parse(target, out) != WN_OK)
		return wn_fail(&w->why, WN_EUSAGE, "a single probe is for an address");
	if (req->family && req->family != out->family)
		return wn_fail(&w->why, WN_EUSAGE, "%s is no IPv%u address", target, req->family);
	if (req->params.src.family && req->params.src.family != out->family)
		return wn_fail(&w->why, WN_EUSAGE, "source and target differ in IP version");
	return wn_request_scope(req, out, &w->why);
}

static int start_trace(wend *w, const char *target, uint8_t ttl, const wend_options *options,
	wend_callback *callback, void *user, uint64_t *out_id)
{
	struct wn_request req = wn_api_request(options);

	req.params.first_ttl = req.params.max_ttl = ttl;
	req.params.probes = 1;
	req.params.window = 1;
	req.params.wait_min_ns = req.params.wait_max_ns;
	req.alone = true;
	return wn_api_begin(w, target, &req, callback, user, out_id);
}

int wend_probe(wend *w, const char *target, uint8_t ttl, const wend_options *options,
	wend_callback *callback, void *user, uint64_t *out_id)
{
	/* Only to keep what follows from them. */
	wend_options *o = (wend_options *)(uintptr_t)options, plain;
	struct wn_api_item *item;
	struct wn_run_probe c;
	struct wn_addr dst;
	wn_err err;

	w->why.text[0] = '\0';
	w->why.sys = 0;
	if (w->ending)
		return wn_fail(&w->why, WN_ESTATE, "this context is being freed");
	if (!o) {
		plain = (wend_options){.req = wn_api_request(NULL)};
		o = &plain;
	}
	if (!target)
		return wn_fail(&w->why, WN_EINVAL, "no target was given");
	err = prepare(w, o);
	if (err == WN_OK)
		err = parse(w, target, ttl, &o->req, &dst);
	if (err == WN_OK)
		err = wn_api_item_new(w, callback, user, &item);
	if (err != WN_OK)
		return err;
	fill(w, o, dst.family, &c);
	c.spec.probe.dst = dst;
	c.spec.probe.ttl = ttl;
	c.spec.user = item;
	err = wn_run_probe(w->run, &c, &item->probe, &w->why);
	if (err == WN_OK) {
		if (out_id)
			*out_id = item->id;
		return WEND_OK;
	}
	w->running--;
	wn_api_item_free(w, item);
	return err == WN_EUNSUPPORTED ? start_trace(w, target, ttl, o, callback, user, out_id)
				      : (int)err;
}

int wend_open_probes(wend *w, const wend_options *options)
{
	wend_options o = {.req = wn_api_request(options)};
	wn_err err = prepare(w, &o), best = WN_EPERM;
	struct wn_run_probe c;

	for (uint8_t family = 4; family <= 6 && err == WN_OK; family += 2) {
		wn_err opened;

		fill(w, &o, family, &c);
		opened = wn_run_probe_open(w->run, &c, &w->why);
		if (opened == WN_EUNSUPPORTED)
			opened = WN_EPERM;
		if (opened == WN_OK || best == WN_EPERM)
			best = opened;
	}
	return err == WN_OK ? best : err;
}

int wend_can_probe(const wend *w, int protocol)
{
	struct wn_os_privs privs;

	if (protocol < WEND_UDP || protocol > WEND_TCP)
		return WEND_EINVAL;
	if (w->sim || protocol != WEND_ICMP)
		return WEND_OK;
	wn_os_privs_get(&privs);
	if (w->backend != WN_BACKEND_ERRQUEUE && privs.net_raw)
		return WEND_OK;
	return privs.ping_socket && w->backend != WN_BACKEND_RAW ? WEND_OK : WEND_EPERM;
}

int wend_drop_privileges(wend *w)
{
	memset(&w->why, 0, sizeof(w->why));
	return wn_os_privs_drop(&w->why);
}
