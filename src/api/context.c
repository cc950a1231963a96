/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts. A round is: let the network and the names do what they have to do, which queues events;
 * then tell those. So callbacks run when nothing inside is under way, and may start and cancel.
 */
#include "api/api_priv.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "os/os.h"

#define DNS_US	    20000 /* how often names are looked after by whoever polls by timeouts alone */
#define FREE_ROUNDS 1000  /* for all that was canceled to have ended: one does */
#define US	    UINT64_C(1000)
#define MS	    UINT64_C(1000000)

/* A configuration of this version from one of any. */
static wn_err read_config(const struct wend_config *given, struct wend_config *out)
{
	const size_t first = offsetof(struct wend_config, pps); /* the first version's size */

	*out = (struct wend_config){0};
	if (given->size != sizeof(*out) && given->size != first)
		return WN_EINVAL;
	memcpy(out, given, given->size);
	return out->backend > WEND_BACKEND_ERRQUEUE ? WN_EINVAL : WN_OK;
}

static wn_err load_resolver(wend *w, const char *resolver)
{
	struct wn_request req;
	wn_err err;

	wn_request_init(&req);
	err = wn_request_set(&req, "resolver", resolver, &w->why);
	if (err != WN_OK)
		return err;
	w->resolver = wn_strdup(resolver);
	return w->resolver ? WN_OK : WN_ENOMEM;
}

static wn_err load(wend *w, const struct wend_config *c)
{
	const struct wn_pace_config pace = {
		.pps = c->pps,
		.pps_per_destination = c->pps_per_destination,
		.pps_per_router = c->pps_per_router,
	};
	wn_err err = wn_run_set_pace(w->run, &pace, &w->why);

	if (err != WN_OK)
		return err;
	w->backend = (enum wn_backend)c->backend;
	if (c->resolver)
		err = load_resolver(w, c->resolver);
	if (err != WN_OK || !c->topology)
		return err;
	err = wn_topo_parse(c->topology, strlen(c->topology), &w->topo, &w->why);
	if (err != WN_OK)
		return err;
	return wn_sim_new(w->topo, c->seed, wn_run_now_ns(w->run), &w->sim);
}

/* What has more to say than its kind has said it. */
static int explain(const struct wend_config *c, wn_err err, const struct wn_errctx *why)
{
	if (c->error && c->error_size > 0)
		wn_fmt(c->error, c->error_size, "%s", why->text[0] ? why->text : wn_err_text(err));
	return err;
}

int wend_new(const struct wend_config *config, wend **out)
{
	static const struct wend_config plain = {.size = sizeof(plain)};
	struct wend_config c;
	struct wn_errctx why = {0};
	wend *w;
	wn_err err;

	*out = NULL;
	if (read_config(config ? config : &plain, &c) != WN_OK)
		return explain(&c, WN_EINVAL, &why);
	w = wn_calloc(1, sizeof(*w));
	if (!w)
		return explain(&c, WN_ENOMEM, &why);
	w->poll.fd = w->poll.timer_fd = -1;
	err = wn_pollset_init(&w->poll, &w->why);
	if (err == WN_OK)
		err = wn_run_new(false, &w->run, &w->why);
	if (err == WN_OK)
		err = wn_pollset_watch(&w->poll, wn_run_fd(w->run), false);
	if (err == WN_OK)
		err = load(w, &c);
	if (err != WN_OK) {
		why = w->why;
		wend_free(w);
		return explain(&c, err, &why);
	}
	*out = w;
	return WEND_OK;
}

const char *wend_error(const wend *w)
{
	return w->why.text;
}

int wend_error_errno(const wend *w)
{
	return w->why.sys;
}

int wend_fd(const wend *w)
{
	return w->poll.fd;
}

size_t wend_active(const wend *w)
{
	return w->active;
}

int wend_stats(const wend *w, struct wend_stats *out)
{
	struct wend_stats all = {.traces = w->active};
	struct wn_run_stats run;
	uint32_t size = out->size < sizeof(all) ? out->size : (uint32_t)sizeof(all);

	if (size < offsetof(struct wend_stats, sent))
		return WEND_EINVAL;
	wn_run_stats(w->run, &run);
	all.size = size;
	all.sent = run.sent;
	all.waits_pace = run.waits_pace;
	all.waits_room = run.waits_room;
	all.eagain = run.eagain;
	all.enobufs = run.enobufs;
	all.dropped = run.dropped;
	all.routes_asked = run.routes_asked;
	all.routes_known = run.routes_known;
	all.pace_shared = run.pace_shared;
	memcpy(out, &all, size);
	return WEND_OK;
}

static bool has_events(const struct wn_api_queue *q)
{
	return q->len > 0 || q->done_first;
}

/* Whoever does not take what waits for him gets nothing new. */
static bool is_full(const wend *w)
{
	return w->to_pull.len >= WN_API_QUEUE_MAX || w->to_call.len >= WN_API_QUEUE_MAX;
}

int64_t wend_timeout_us(const wend *w)
{
	uint64_t next = wn_run_next_ns(w->run), now = wn_run_now_ns(w->run), wait;
	uint64_t names = wn_api_names_next_ns(w);

	if (has_events(&w->to_call))
		return 0;
	if (is_full(w))
		return -1;
	if (names < next)
		next = names;
	wait = next > now ? (next - now + US - 1) / US : 0;
	if (next == UINT64_MAX)
		wait = UINT64_MAX;
	if (w->dns && wn_dns_pending(w->dns) > 0 && wait > DNS_US)
		wait = DNS_US;
	return wait > INT64_MAX ? -1 : (int64_t)wait;
}

static void do_work(wend *w)
{
	if (is_full(w))
		return;
	if (w->dns)
		wn_dns_process(w->dns);
	wn_api_resolve_work(w);
	wn_run_process(w->run);
	wn_api_names_work(w);
}

static int tell(wend *w, uint32_t budget)
{
	struct wend_event ev;
	wend_callback *callback;
	uint32_t told = 0;

	while ((budget == 0 || told < budget) &&
		wn_api_queue_take(w, &w->to_call, &ev, &callback)) {
		told++;
		w->inside = true;
		callback(ev.user, &ev);
		w->inside = false;
	}
	return (int)told;
}

int wend_process(wend *w, uint32_t budget)
{
	int told;

	if (w->inside)
		return WEND_ESTATE;
	do_work(w);
	told = tell(w, budget);
	wn_pollset_arm(&w->poll, has_events(&w->to_call) ? 0 : wn_api_names_next_ns(w));
	return told;
}

int wend_next_event(wend *w, struct wend_event *out)
{
	wend_callback *callback;

	if (!wn_api_queue_take(w, &w->to_pull, out, &callback))
		return WEND_EAGAIN;
	return WEND_OK;
}

/* In milliseconds for poll(): rounded up, -1 for ever. */
static int poll_ms(uint64_t now_ns, uint64_t end_ns)
{
	uint64_t ms = (end_ns - now_ns) / MS + 1;

	if (end_ns == UINT64_MAX)
		return -1;
	return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

int wend_run(wend *w, int64_t timeout_us)
{
	struct pollfd fd = {.fd = w->poll.fd, .events = POLLIN};
	uint64_t end = UINT64_MAX, now;

	if (timeout_us >= 0)
		end = wn_run_now_ns(w->run) + (uint64_t)timeout_us * US;
	for (;;) {
		int told = wend_process(w, 0);

		if (told < 0)
			return told;
		if (w->running == 0 && !has_events(&w->to_call))
			return WEND_OK;
		now = wn_run_now_ns(w->run);
		if (now >= end || is_full(w))
			return WEND_EAGAIN;
		if (poll(&fd, 1, poll_ms(now, end)) < 0 && errno != EINTR)
			return wn_fail_sys(&w->why, WN_ESYS, errno, "waiting for events failed");
	}
}

/* ---- the end ---- */

static void end_all(wend *w)
{
	wn_api_cancel_all(w);
	wn_dns_free(w->dns); /* which answers all questions */
	w->dns = NULL;
	wn_api_resolve_work(w);
	for (int i = 0; i < FREE_ROUNDS && w->running > 0; i++)
		wn_run_process(w->run);
	tell(w, 0);
}

int wend_free(wend *w)
{
	if (!w)
		return WEND_OK;
	if (w->inside)
		return wn_fail(&w->why, WN_ESTATE, "not in a callback");
	w->ending = true;
	if (w->run && w->running > 0)
		end_all(w);
	wn_dns_free(w->dns);
	if (w->run)
		wn_run_free(w->run);
	wn_api_items_fini(w);
	wn_api_names_fini(w);
	wn_api_queue_fini(&w->to_call);
	wn_api_queue_fini(&w->to_pull);
	wn_free(w->told_name);
	wn_free(w->resolver);
	wn_sim_free(w->sim);
	wn_topo_free(w->topo);
	wn_pollset_fini(&w->poll);
	wn_free(w);
	return WEND_OK;
}
