/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of wend pipe: those under way by their ids, and lines that become calls of the library.
 */
#include "cli/pipe.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "cli/cli.h"

/* ---- who is under way ---- */

wn_err wn_pipe_items_init(struct wn_pipe *p, struct wn_errctx *ctx)
{
	uint32_t count = 1;

	while (count < p->parallel)
		count *= 2;
	p->bucket_mask = count - 1;
	p->buckets = wn_calloc(count, sizeof(struct wn_pipe_item *));
	if (!p->buckets)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	if (wn_os_entropy(p->key.bytes, sizeof(p->key.bytes)) != WN_OK)
		return wn_fail(ctx, WN_ESYS, "no random numbers from the kernel");
	return WN_OK;
}

void wn_pipe_items_fini(struct wn_pipe *p)
{
	for (uint32_t i = 0; p->buckets && i <= p->bucket_mask; i++)
		while (p->buckets[i]) {
			struct wn_pipe_item *item = p->buckets[i];

			p->buckets[i] = item->next;
			wn_free(item);
		}
	wn_free(p->buckets);
}

/* Where the item with this id is linked, or would be. */
static struct wn_pipe_item **link_of(const struct wn_pipe *p, const struct wn_in_id *id)
{
	bool text = id->kind == WN_IN_ID_TEXT;
	uint64_t hash = text ? wn_siphash(&p->key, id->text, strlen(id->text))
			     : wn_siphash(&p->key, &id->number, sizeof(id->number));
	struct wn_pipe_item **at = &p->buckets[hash & p->bucket_mask];

	while (*at && !wn_in_id_eq(&(*at)->id, id))
		at = &(*at)->next;
	return at;
}

static void remove_item(struct wn_pipe *p, struct wn_pipe_item *item)
{
	*link_of(p, &item->id) = item->next;
	p->active--;
	p->done++;
	wn_free(item);
}

void wn_pipe_take(struct wn_pipe *p, const struct wend_event *ev)
{
	wn_pipe_tell_event(p, ev->user, ev);
	if (ev->kind == WEND_DONE)
		remove_item(p, ev->user);
}

void wn_pipe_cancel_all(struct wn_pipe *p)
{
	for (uint32_t i = 0; i <= p->bucket_mask; i++)
		for (struct wn_pipe_item *item = p->buckets[i]; item; item = item->next)
			wend_cancel(p->w, item->wend_id);
}

void wn_pipe_abandon_all(struct wn_pipe *p)
{
	struct wend_event ev = {
		.kind = WEND_DONE, .stop = WEND_STOP_CANCELED, .err = WEND_ECANCELED};

	for (uint32_t i = 0; i <= p->bucket_mask; i++)
		while ((ev.user = p->buckets[i]))
			wn_pipe_take(p, &ev);
}

/* ---- what is asked for ---- */

/* About the id itself. */
static void fail(struct wn_pipe *p, int err, const char *why)
{
	char text[192];
	const struct wn_in_id *id = &p->request.id;

	if (id->kind == WN_IN_ID_TEXT)
		wn_fmt(text, sizeof(text), "id \"%s\" %s", id->text, why);
	else
		wn_fmt(text, sizeof(text), "id %lld %s", (long long)id->number, why);
	wn_pipe_tell_error(p, err, text);
}

/* *out is NULL where an option is wrong, which was told then. */
static void read_options(struct wn_pipe *p, wend_options **out)
{
	const struct wn_in_request *r = &p->request;
	int err = wend_options_copy(p->plain, out);

	if (err != WEND_OK)
		wn_pipe_tell_error(p, err, "");
	for (size_t i = 0; err == WEND_OK && i < r->setting_count; i++) {
		err = wend_options_set(*out, r->settings[i].key, r->settings[i].value);
		if (err != WEND_OK)
			wn_pipe_tell_error(p, err, wend_options_error(*out));
	}
	if (err == WEND_OK)
		return;
	wend_options_free(*out);
	*out = NULL;
}

static bool is_icmp(const struct wn_in_request *r)
{
	for (size_t i = 0; i < r->setting_count; i++)
		if (strcmp(r->settings[i].key, "protocol") == 0)
			return strcmp(r->settings[i].value, "icmp") == 0;
	return false;
}

static void start(struct wn_pipe *p, struct wn_pipe_item **at, const wend_options *o)
{
	const struct wn_in_request *r = &p->request;
	struct wn_pipe_item *item = wn_calloc(1, sizeof(*item));
	int err;

	if (!item) {
		wn_pipe_tell_error(p, WEND_ENOMEM, "");
		return;
	}
	item->id = r->id;
	item->icmp = is_icmp(r);
	if (r->ask == WN_IN_LOOKUP)
		err = wend_lookup(p->w, r->target, NULL, item, &item->wend_id);
	else if (r->ask == WN_IN_PROBE)
		err = wend_probe(p->w, r->target, r->ttl, o, NULL, item, &item->wend_id);
	else
		err = wend_trace(p->w, r->target, o, NULL, item, &item->wend_id);
	if (err != WEND_OK) {
		wn_pipe_tell_error(p, err, wend_error(p->w));
		wn_free(item);
		return;
	}
	*at = item;
	p->active++;
	p->started++;
}

static void ask_start(struct wn_pipe *p)
{
	struct wn_pipe_item **at = link_of(p, &p->request.id);
	wend_options *o;

	if (*at) {
		fail(p, WEND_ESTATE, "is under way: choose another, or wait for its done");
		return;
	}
	read_options(p, &o);
	if (o)
		start(p, at, o);
	wend_options_free(o);
}

static void ask_cancel(struct wn_pipe *p)
{
	struct wn_pipe_item *item = *link_of(p, &p->request.id);

	if (!item || wend_cancel(p->w, item->wend_id) != WEND_OK)
		fail(p, WEND_ENOENT, "is not under way: it is done, or never was");
}

static bool is_blank(const char *line, size_t len)
{
	while (len > 0 && strchr(" \t\r", line[len - 1]) && line[len - 1])
		len--;
	return len == 0;
}

void wn_pipe_ask(struct wn_pipe *p, const char *line, size_t len)
{
	struct wn_errctx ctx = {0};

	if (is_blank(line, len))
		return;
	if (wn_in_request(line, len, &p->request, &ctx) != WN_OK) {
		wn_pipe_tell_error(p, ctx.code, ctx.text);
		return;
	}
	switch (p->request.ask) {
	case WN_IN_TRACE:
	case WN_IN_PROBE:
	case WN_IN_LOOKUP:
		ask_start(p);
		break;
	case WN_IN_CANCEL:
		ask_cancel(p);
		break;
	case WN_IN_PING:
		wn_pipe_tell_pong(p);
		break;
	case WN_IN_UNKNOWN:
		break;
	}
}

void wn_pipe_ask_too_long(struct wn_pipe *p)
{
	char text[80];

	p->request.ask = WN_IN_UNKNOWN;
	p->request.id = (struct wn_in_id){0};
	wn_fmt(text, sizeof(text), "the line is longer than %u bytes", WN_IN_REQUEST_BYTES);
	wn_pipe_tell_error(p, WEND_ERANGE, text);
}
