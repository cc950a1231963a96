/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_priv.h"

#include <string.h>

#include "base/alloc.h"

#define CAP_MIN 64u
#define PORTION 1024u /* events that callbacks are told of before more are made */

static struct wn_api_queue *queue_of(wend *w, const struct wn_api_item *item)
{
	return item->callback ? &w->to_call : &w->to_pull;
}

static bool grow(struct wn_api_queue *q)
{
	uint32_t cap = q->cap ? q->cap * 2 : CAP_MIN;
	struct wend_event *ring = wn_calloc(cap, sizeof(*ring));

	if (!ring)
		return false;
	for (uint32_t i = 0; i < q->len; i++)
		ring[i] = q->ring[(q->head + i) & (q->cap - 1)];
	wn_free(q->ring);
	q->ring = ring;
	q->head = 0;
	q->cap = cap;
	return true;
}

void wn_api_queue_push(wend *w, const struct wn_api_item *item, const struct wend_event *ev)
{
	struct wn_api_queue *q = queue_of(w, item);
	struct wend_event *slot;

	if (q->len == q->cap && !grow(q)) {
		wn_free((void *)ev->name);
		return; /* as the header says */
	}
	slot = &q->ring[(q->head + q->len++) & (q->cap - 1)];
	*slot = *ev;
	slot->size = sizeof(*slot);
	slot->id = item->id;
	slot->user = item->user;
	if (q->len >= (item->callback ? PORTION : WN_API_QUEUE_MAX) && !w->ending)
		wn_run_pause(w->run);
}

void wn_api_queue_done(wend *w, struct wn_api_item *item)
{
	struct wn_api_queue *q = queue_of(w, item);

	w->running--;
	item->finished = true;
	item->done_next = NULL;
	if (q->done_first)
		q->done_last->done_next = item;
	else
		q->done_first = item;
	q->done_last = item;
}

static void tell_done(const struct wn_api_item *item, struct wend_event *out)
{
	*out = (struct wend_event){
		.size = sizeof(*out),
		.kind = WEND_DONE,
		.id = item->id,
		.user = item->user,
		.at_ns = (int64_t)item->took_ns,
		.rtt_ns = -1,
		.sent = item->sent,
		.received = item->received,
		.err = item->err,
		.sys_errno = item->sys,
		.stop = item->stop,
		.ttl = item->reached_ttl ? item->reached_ttl : item->ttl,
		.reached = item->reached_ttl > 0,
		.reply_ttl = -1,
		.family = item->by.family,
	};
	memcpy(out->address, item->by.bytes, sizeof(out->address));
}

/* It stays until the next event is taken. */
static void keep_name(wend *w, struct wend_event *ev)
{
	wn_free(w->told_name);
	w->told_name = (char *)ev->name;
	if (!ev->name)
		ev->name = "";
}

bool wn_api_queue_take(
	wend *w, struct wn_api_queue *q, struct wend_event *out, wend_callback **out_callback)
{
	struct wn_api_item *item = q->done_first;

	if (q->len > 0) {
		*out = q->ring[q->head];
		q->head = (q->head + 1) & (q->cap - 1);
		q->len--;
		keep_name(w, out);
		item = wn_api_find(w, out->id);
		*out_callback = item ? item->callback : NULL;
		return true;
	}
	if (!item)
		return false;
	q->done_first = item->done_next;
	tell_done(item, out);
	keep_name(w, out);
	*out_callback = item->callback;
	wn_api_item_free(w, item);
	return true;
}

void wn_api_queue_fini(struct wn_api_queue *q)
{
	for (uint32_t i = 0; i < q->len; i++)
		wn_free((void *)q->ring[(q->head + i) & (q->cap - 1)].name);
	wn_free(q->ring);
	*q = (struct wn_api_queue){0};
}
