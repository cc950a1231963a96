/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of targets that were given by name. So many questions are under way at once; the other
 * names wait for their turn, whose time begins then. A question knows its trace by id alone: the
 * trace may be canceled, told and gone before DNS answers.
 */
#include "api/api_priv.h"

#include <string.h>

#include "base/alloc.h"

#define RESOLVING_MAX 256 /* questions under way: enrich/dns.h bounds its own at more */

struct question {
	wend *w;
	uint64_t id;
};

wn_err wn_api_need_dns(wend *w, struct wn_errctx *why)
{
	struct wn_dns_config c = {.servers = w->resolver};
	wn_err err;

	if (w->dns)
		return WN_OK;
	err = wn_dns_new(&c, &w->dns, why);
	if (err != WN_OK)
		return err;
	if (wn_pollset_watch(&w->poll, wn_dns_fd(w->dns), false) == WN_OK)
		return WN_OK;
	wn_dns_free(w->dns);
	w->dns = NULL;
	return wn_fail(why, WN_ESYS, "cannot watch for names");
}

/* Its end without ever having sent anything. */
static void fail_later(struct wn_api_item *item, wn_err err)
{
	wn_free(item->req);
	item->req = NULL;
	item->stop = item->canceled ? WEND_STOP_CANCELED : WEND_STOP_ERROR;
	item->err = item->canceled ? WEND_ECANCELED : err;
	wn_api_queue_done(item->w, item);
}

/* The first that the source allows. */
static const struct wn_addr *choose(
	const struct wn_request *req, const struct wn_addr *addrs, size_t count)
{
	uint8_t family = req->params.src.family;

	for (size_t i = 0; i < count; i++)
		if (family == 0 || addrs[i].family == family)
			return &addrs[i];
	return NULL;
}

static void on_addresses(
	void *user, const struct wn_addr *addrs, size_t count, wn_err err, const char *why)
{
	struct question *q = user;
	struct wn_api_item *item = wn_api_find(q->w, q->id);
	const struct wn_addr *dst = NULL;

	(void)why;
	q->w->resolving--;
	wn_free(q);
	if (!item || item->finished)
		return;
	if (err == WN_OK)
		dst = choose(item->req, addrs, count);
	if (item->canceled || (err == WN_OK && !dst))
		err = WN_ERESOLVE;
	if (err == WN_OK)
		err = wn_api_start(item->w, item, item->req, dst);
	if (err != WN_OK) {
		fail_later(item, err);
		return;
	}
	wn_free(item->req);
	item->req = NULL;
}

static wn_err ask(wend *w, struct wn_api_item *item)
{
	struct question *q = wn_malloc(sizeof(*q));
	wn_err err;

	if (!q)
		return WN_ENOMEM;
	*q = (struct question){w, item->id};
	err = wn_dns_resolve(w->dns, item->req->params.host, item->req->family, on_addresses, q);
	if (err != WN_OK) {
		wn_free(q);
		return err;
	}
	w->resolving++;
	item->resolving = true;
	return WN_OK;
}

wn_err wn_api_resolve(wend *w, struct wn_api_item *item, const struct wn_request *req)
{
	wn_err err = wn_api_need_dns(w, &w->why);

	if (err != WN_OK)
		return err;
	item->req = wn_malloc(sizeof(*item->req));
	if (!item->req)
		return wn_fail(&w->why, WN_ENOMEM, "out of memory");
	*item->req = *req;
	if (w->req_first)
		w->req_last->req_next = item;
	else
		w->req_first = item;
	w->req_last = item;
	wn_pollset_arm(&w->poll, 0);
	return WN_OK;
}

bool wn_api_resolve_is_due(const wend *w)
{
	return w->req_first && (w->resolving < RESOLVING_MAX || w->ending);
}

void wn_api_resolve_work(wend *w)
{
	while (wn_api_resolve_is_due(w)) {
		struct wn_api_item *item = w->req_first;
		wn_err err = item->canceled ? WN_ECANCELED : ask(w, item);

		w->req_first = item->req_next;
		if (err != WN_OK)
			fail_later(item, err);
	}
}

void wn_api_resolve_cancel(struct wn_api_item *item)
{
	if (item->resolving && item->req && !item->finished)
		fail_later(item, WN_ECANCELED);
	wn_pollset_arm(&item->w->poll, 0);
}
