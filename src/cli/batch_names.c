/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of those who answered. A trace is held from ending while a question of its own is open, for
 * NAME_WAIT_NS at most. Routers near us are on every path: what is known stays in a cache of fixed
 * size, in which a name may be pushed out by another.
 */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "cli/batch.h"

#define CACHE_SIZE   4096u
#define NAME_WAIT_NS 2000000000ull
#define VAIN_MAX     32 /* questions that nobody answered: nobody will */

struct wn_batch_name {
	struct wn_addr addr; /* family 0: none */
	wn_err err;
	char name[WN_TEXT_MAX];
};

/* A question. It lives until DNS lets go of it, and is in the list while somebody waits. */
struct wn_batch_waiter {
	struct wn_batch *b;
	struct wn_batch_waiter *next, **link; /* link NULL: not in the list */
	struct wn_batch_trace *t;
	struct wn_addr addr;
	uint64_t give_up_ns;
};

wn_err wn_batch_names_init(struct wn_batch *b)
{
	struct wn_batch_names *n = &b->names;

	n->last = &n->first;
	n->cache = wn_calloc(CACHE_SIZE, sizeof(*n->cache));
	return n->cache ? WN_OK : WN_ENOMEM;
}

void wn_batch_names_free(struct wn_batch *b)
{
	wn_free(b->names.cache);
	b->names.cache = NULL;
}

static struct wn_batch_name *place(struct wn_batch *b, const struct wn_addr *addr)
{
	return &b->names.cache[wn_addr_hash(addr) % CACHE_SIZE];
}

static void unlink_waiter(struct wn_batch_waiter *w)
{
	assert(w->link);
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	else
		w->b->names.last = w->link;
	w->link = NULL;
}

static void settle(struct wn_batch_waiter *w, const char *name, wn_err err)
{
	struct wn_run_trace *rt = w->t->rt;

	unlink_waiter(w);
	wn_run_name(rt, &w->addr, name, err);
	wn_run_release(rt);
}

static void on_name(void *user, const struct wn_addr *addr, const char *name, wn_err err)
{
	struct wn_batch_waiter *w = user;
	struct wn_batch *b = w->b;

	if (err == WN_OK || err == WN_ENOENT) {
		struct wn_batch_name *known = place(b, addr);

		b->names.answered = true;
		known->addr = *addr;
		known->err = err;
		wn_fmt(known->name, sizeof(known->name), "%s", name);
	}
	if (w->link)
		settle(w, name, err);
	wn_free(w);
}

static void ask_dns(struct wn_batch_trace *t, const struct wn_addr *addr)
{
	struct wn_batch *b = t->line->b;
	struct wn_batch_waiter *w = wn_calloc(1, sizeof(*w));
	wn_err err = WN_ENOMEM;

	if (w) {
		*w = (struct wn_batch_waiter){.b = b, .t = t, .addr = *addr};
		err = wn_dns_reverse(b->dns, addr, on_name, w);
	}
	if (err != WN_OK) {
		wn_free(w);
		wn_run_name(t->rt, addr, "", err);
		return;
	}
	w->give_up_ns = wn_run_now_ns(b->run) + NAME_WAIT_NS;
	w->link = b->names.last;
	*b->names.last = w;
	b->names.last = &w->next;
	wn_run_hold(t->rt);
}

static void ask(struct wn_batch_trace *t, const struct wn_addr *addr)
{
	struct wn_batch *b = t->line->b;
	const struct wn_batch_name *known = place(b, addr);

	if (b->topo) {
		const char *name = wn_topo_name_of(b->topo, addr);

		wn_run_name(t->rt, addr, name, name && name[0] ? WN_OK : WN_ENOENT);
	} else if (wn_addr_eq(&known->addr, addr)) {
		wn_run_name(t->rt, addr, known->name, known->err);
	} else if (!b->names.off) {
		ask_dns(t, addr);
	}
}

/* Each responder is in the result once, in the order of first answers. */
void wn_batch_names_ask(struct wn_batch_trace *t)
{
	const struct wn_result *r = wn_run_result(t->rt);

	if (t->line->req.numeric)
		return;
	while (t->named < r->responder_count) {
		struct wn_addr addr = r->responders[t->named++].addr;

		ask(t, &addr);
	}
}

/* ---- those that do not come ---- */

static void give_up(struct wn_batch_waiter *w)
{
	struct wn_batch_trace *t = w->t;
	struct wn_batch *b = w->b;

	if (!b->names.answered && !t->nameless) {
		t->nameless = true;
		wn_run_note(t->rt, WN_NOTE_DNS_DEAD, 0,
			"no DNS server gave an answer; names are missing");
	}
	settle(w, "", WN_ECANCELED);
	if (b->names.answered || b->names.off || ++b->names.vain < VAIN_MAX)
		return;
	b->names.off = true;
	wn_batch_say(b, "no DNS server answers: names of hops are left out from here on (with -n "
			"they are not asked for)");
}

void wn_batch_names_expire(struct wn_batch *b, uint64_t now_ns)
{
	while (b->names.first && b->names.first->give_up_ns <= now_ns)
		give_up(b->names.first);
}

uint64_t wn_batch_names_next_ns(const struct wn_batch *b)
{
	return b->names.first ? b->names.first->give_up_ns : UINT64_MAX;
}
