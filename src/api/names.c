/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names of addresses. A table of the context has those it was asked for, each once: many
 * traces pass the same routers. Traces that want a name stand in its entry by id alone, so that
 * one may be canceled, told and gone before DNS answers.
 *
 * The table is bounded: what is known longest makes room. So many questions are under way at once,
 * the others wait for their turn.
 */
#include "api/api_priv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/text.h"

#define NAMES_MAX   4096
#define ASKING_MAX  128			   /* questions under way */
#define WANTED_MAX  1024		   /* addresses of one trace that are looked up */
#define CLEAN_BYTES 1024		   /* of a name: each of its 255 bytes may take four */
#define KEPT_NS	    UINT64_C(300000000000) /* a name that is known */
#define PATIENCE_NS UINT64_C(1000000000)   /* of a trace that has ended */

enum state { QUEUED, ASKED, KNOWN };

struct name {
	struct wn_addr addr;
	enum state state;
	wn_err err;	   /* KNOWN: WN_OK, WN_ENOENT, WN_ERESOLVE ... */
	char *text;	   /* owned; NULL none */
	uint64_t old_ns;   /* KNOWN: when it is to be asked for again */
	uint64_t *waiters; /* owned; ids */
	uint32_t waiter_count, waiter_cap;
	struct name *queue_next;
};

struct wn_api_names {
	struct wn_map by_addr; /* hash to place in list */
	struct name *list[NAMES_MAX];
	uint32_t count, hand; /* whose turn it is to make room */
	uint32_t asking;
	struct name *queue_first, *queue_last;
};

/* ---- telling ---- */

static void tell(struct wn_api_item *item, const struct wn_addr *addr, const char *text, wn_err err)
{
	struct wend_event ev = {
		.kind = WEND_NAME,
		.at_ns = (int64_t)(wn_run_now_ns(item->w->run) - item->start_ns),
		.rtt_ns = -1,
		.reply_ttl = -1,
		.err = err,
		.family = addr->family,
	};

	if (item->lookup)
		item->err = err;
	if (err == WN_OK && text) {
		char clean[CLEAN_BYTES];

		wn_text_clean(clean, sizeof(clean), text, strlen(text));
		ev.name = wn_strdup(clean);
		if (!ev.name)
			return; /* as the header says */
	}
	memcpy(ev.address, addr->bytes, sizeof(ev.address));
	wn_api_queue_push(item->w, item, &ev);
}

static void unlink_waiting(struct wn_api_item *item)
{
	wend *w = item->w;

	if (item->wait_until_ns == 0)
		return;
	item->wait_until_ns = 0;
	if (item->wait_prev)
		item->wait_prev->wait_next = item->wait_next;
	else
		w->wait_first = item->wait_next;
	if (item->wait_next)
		item->wait_next->wait_prev = item->wait_prev;
	else
		w->wait_last = item->wait_prev;
}

static void finish(struct wn_api_item *item)
{
	if (item->lookup || item->wait_until_ns)
		item->took_ns = wn_run_now_ns(item->w->run) - item->start_ns;
	unlink_waiting(item);
	if (item->lookup && item->canceled) {
		item->stop = WEND_STOP_CANCELED;
		item->err = WEND_ECANCELED;
	}
	wn_api_queue_done(item->w, item);
}

static void tell_waiter(wend *w, uint64_t id, const struct name *n)
{
	struct wn_api_item *item = wn_api_find(w, id);

	if (!item || item->finished)
		return;
	tell(item, &n->addr, n->text, n->err);
	item->names_open--;
	if (item->ended && item->names_open == 0)
		finish(item);
}

static void settle(wend *w, struct name *n, const char *text, wn_err err)
{
	bool answered = err == WN_OK || err == WN_ENOENT;

	wn_free(n->text);
	n->text = err == WN_OK ? wn_strdup(text) : NULL;
	n->err = err == WN_OK && !n->text ? WN_ENOMEM : err;
	n->state = KNOWN;
	n->old_ns = wn_run_now_ns(w->run) + (answered ? KEPT_NS : 0);
	for (uint32_t i = 0; i < n->waiter_count; i++)
		tell_waiter(w, n->waiters[i], n);
	wn_free(n->waiters);
	n->waiters = NULL;
	n->waiter_count = n->waiter_cap = 0;
}

/* ---- asking ---- */

static struct name *find(const struct wn_api_names *names, const struct wn_addr *addr)
{
	uint32_t place;

	if (names->count == 0 || !wn_map_get(&names->by_addr, wn_addr_hash(addr), &place))
		return NULL;
	return names->list[place];
}

static void on_name(void *user, const struct wn_addr *addr, const char *text, wn_err err)
{
	wend *w = user;
	struct name *n = find(w->names, addr);

	w->names->asking--;
	if (n)
		settle(w, n, text, err);
}

static void ask(wend *w, struct name *n)
{
	wn_err err = wn_api_need_dns(w, NULL);

	n->state = ASKED;
	if (err == WN_OK)
		err = wn_dns_reverse(w->dns, &n->addr, on_name, w);
	if (err == WN_OK)
		w->names->asking++;
	else
		settle(w, n, "", err);
}

static void ask_some(wend *w)
{
	struct wn_api_names *names = w->names;

	while (names->queue_first && names->asking < ASKING_MAX) {
		struct name *n = names->queue_first;

		names->queue_first = n->queue_next;
		ask(w, n);
	}
}

static void queue(struct wn_api_names *names, struct name *n)
{
	n->state = QUEUED;
	n->queue_next = NULL;
	if (names->queue_first)
		names->queue_last->queue_next = n;
	else
		names->queue_first = n;
	names->queue_last = n;
}

/* ---- the table ---- */

static void name_free(struct name *n)
{
	wn_free(n->text);
	wn_free(n->waiters);
	wn_free(n);
}

/* A place for one more; NAMES_MAX: all are being asked for. */
static uint32_t make_room(struct wn_api_names *names)
{
	if (names->count < NAMES_MAX)
		return names->count++;
	for (uint32_t i = 0; i < NAMES_MAX; i++) {
		uint32_t place = names->hand++ % NAMES_MAX;
		struct name *n = names->list[place];

		if (n->state != KNOWN)
			continue;
		wn_map_del(&names->by_addr, wn_addr_hash(&n->addr));
		name_free(n);
		return place;
	}
	return NAMES_MAX;
}

static struct name *add(struct wn_api_names *names, const struct wn_addr *addr, wn_err *out_err)
{
	struct name *n = wn_calloc(1, sizeof(*n));
	uint32_t place;

	*out_err = WN_ENOMEM;
	if (!n)
		return NULL;
	if (wn_map_room(&names->by_addr) != WN_OK) {
		wn_free(n);
		return NULL;
	}
	place = make_room(names);
	if (place == NAMES_MAX) {
		wn_free(n);
		*out_err = WN_EFULL;
		return NULL;
	}
	n->addr = *addr;
	names->list[place] = n;
	(void)wn_map_put(&names->by_addr, wn_addr_hash(addr), place);
	queue(names, n);
	return n;
}

/* The entry of addr, known or on its way to be; NULL: *out_err says why there is none. */
static struct name *obtain(wend *w, const struct wn_addr *addr, wn_err *out_err)
{
	struct name *n;

	*out_err = WN_ENOMEM;
	if (!w->names)
		w->names = wn_calloc(1, sizeof(*w->names));
	if (!w->names)
		return NULL;
	n = find(w->names, addr);
	if (!n)
		return add(w->names, addr, out_err);
	if (!wn_addr_eq(&n->addr, addr)) {
		*out_err = WN_EFULL; /* two addresses of one hash: there is room for one of them */
		return NULL;
	}
	if (n->state == KNOWN && n->old_ns <= wn_run_now_ns(w->run))
		queue(w->names, n);
	return n;
}

static bool add_waiter(struct name *n, uint64_t id)
{
	if (n->waiter_count == n->waiter_cap) {
		uint32_t cap = n->waiter_cap ? n->waiter_cap * 2 : 2;
		uint64_t *grown = wn_realloc(n->waiters, cap, sizeof(*grown));

		if (!grown)
			return false;
		n->waiters = grown;
		n->waiter_cap = cap;
	}
	n->waiters[n->waiter_count++] = id;
	return true;
}

/* ---- what traces want ---- */

static void want(struct wn_api_item *item, const struct wn_addr *addr)
{
	wend *w = item->w;
	const char *text;
	struct name *n;
	wn_err err;

	if (w->topo) {
		text = wn_topo_name_of(w->topo, addr);
		tell(item, addr, text, text && text[0] ? WN_OK : WN_ENOENT);
		return;
	}
	n = obtain(w, addr, &err);
	if (n && n->state == KNOWN) {
		tell(item, addr, n->text, n->err);
	} else if (n && add_waiter(n, item->id)) {
		item->names_open++;
	} else {
		tell(item, addr, NULL, n ? WN_ENOMEM : err);
	}
}

/* False: it was wanted before, or there is no room to know that. */
static bool note_wanted(struct wn_api_item *item, const struct wn_addr *addr)
{
	for (uint32_t i = 0; i < item->asked_count; i++)
		if (wn_addr_eq(&item->asked[i], addr))
			return false;
	if (item->asked_count == item->asked_cap) {
		uint32_t cap = item->asked_cap ? item->asked_cap * 2 : 16;
		struct wn_addr *grown =
			cap > WANTED_MAX ? NULL : wn_realloc(item->asked, cap, sizeof(*grown));

		if (!grown)
			return false;
		item->asked = grown;
		item->asked_cap = cap;
	}
	item->asked[item->asked_count++] = *addr;
	return true;
}

void wn_api_names_want(struct wn_api_item *item, const struct wn_addr *addr)
{
	if (addr->family != 0 && !item->canceled && note_wanted(item, addr))
		want(item, addr);
}

void wn_api_names_end(struct wn_api_item *item)
{
	wend *w = item->w;

	item->ended = true;
	if (item->names_open == 0 || item->canceled) {
		finish(item);
		return;
	}
	item->wait_until_ns = wn_run_now_ns(w->run) + PATIENCE_NS;
	item->wait_next = NULL;
	item->wait_prev = w->wait_last;
	if (w->wait_last)
		w->wait_last->wait_next = item;
	else
		w->wait_first = item;
	w->wait_last = item;
}

void wn_api_names_cancel(struct wn_api_item *item)
{
	if (item->ended && !item->finished)
		finish(item);
}

/* ---- time ---- */

static bool waits_for(const struct wn_api_item *item, const struct name *n)
{
	for (uint32_t i = 0; i < n->waiter_count; i++)
		if (n->waiters[i] == item->id)
			return true;
	return false;
}

/* No server has answered in time. */
static void give_up(wend *w, struct wn_api_item *item)
{
	for (uint32_t i = 0; i < item->asked_count; i++) {
		const struct name *n = find(w->names, &item->asked[i]);

		if (n && wn_addr_eq(&n->addr, &item->asked[i]) && waits_for(item, n))
			tell(item, &n->addr, NULL, WN_ERESOLVE);
	}
	finish(item);
}

void wn_api_names_work(wend *w)
{
	uint64_t now_ns = wn_run_now_ns(w->run);

	while (w->wait_first && w->wait_first->wait_until_ns <= now_ns)
		give_up(w, w->wait_first);
	if (w->names)
		ask_some(w);
}

uint64_t wn_api_names_next_ns(const wend *w)
{
	const struct wn_api_names *names = w->names;

	if (wn_api_resolve_is_due(w) || (names && names->queue_first && names->asking < ASKING_MAX))
		return 0;
	return w->wait_first ? w->wait_first->wait_until_ns : UINT64_MAX;
}

void wn_api_names_fini(wend *w)
{
	if (!w->names)
		return;
	for (uint32_t i = 0; i < w->names->count; i++)
		name_free(w->names->list[i]);
	wn_map_fini(&w->names->by_addr);
	wn_free(w->names);
}

/* ---- an address by itself ---- */

int wend_lookup(wend *w, const char *address, wend_callback *callback, void *user, uint64_t *out_id)
{
	struct wn_api_item *item = NULL;
	struct wn_addr addr;
	wn_err err = WN_OK;

	memset(&w->why, 0, sizeof(w->why));
	if (w->ending)
		return wn_fail(&w->why, WN_ESTATE, "this context is being freed");
	if (!address)
		return wn_fail(&w->why, WN_EINVAL, "no address was given");
	if (wn_addr_parse(address, &addr) != WN_OK)
		return wn_fail(&w->why, WN_EUSAGE, "not an address: %s", address);
	if (!w->topo)
		err = wn_api_need_dns(w, &w->why);
	if (err == WN_OK)
		err = wn_api_item_new(w, callback, user, &item);
	if (err != WN_OK)
		return err;
	item->lookup = item->ended = true;
	item->by = addr;
	want(item, &addr);
	if (item->names_open == 0)
		finish(item);
	wn_pollset_arm(&w->poll, 0);
	if (out_id)
		*out_id = item->id;
	return WN_OK;
}
