/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the library's API, shared by its files:
 *
 *   context.c  contexts: descriptor, processing, callbacks
 *   events.c   events that wait to be told
 *   start.c    traces and probes: from a request to run/, and back to events
 *   probe.c    single probes
 *   resolve.c  addresses of targets that were given by name
 *   names.c    names of addresses: of those who answered, and of any
 *   sync.c     one trace in one call
 *   options.c  options by name and by value
 *   text.c     versions, names of errors, addresses as text
 *
 * A trace's events wait in a queue that may find no memory; that it is done is kept in its own
 * record, and told when the queue is empty, so that the last event is never lost.
 */
#ifndef WN_API_API_PRIV_H
#define WN_API_API_PRIV_H

#include <stdbool.h>
#include <wend/wend.h>

#include "base/err.h"
#include "config/options.h"
#include "enrich/dns.h"
#include "os/pollset.h"
#include "run/run.h"

#define WN_API_QUEUE_MAX 65536 /* events that nobody has taken */

struct wn_api_names; /* names.c */

struct wend_options {
	struct wn_request req;
	/* Of single probes, over IPv4 and IPv6, once the options are checked. */
	struct wn_run_probe plan[2];
	bool planned;
	char source[WN_ADDR_STRLEN]; /* what options of text are about is kept here */
	struct wn_errctx why;
};

/* One trace or probe. */
struct wn_api_item {
	wend *w;
	uint64_t id;
	wend_callback *callback; /* NULL: events are pulled */
	void *user;
	struct wn_run_trace *rt;       /* NULL: not yet, or no more */
	struct wn_run_probe_id probe;  /* net NULL: it is a trace, or has ended */
	struct wn_request *req;	       /* owned; until the address of its target is known; NULL */
	struct wn_api_item *req_next;  /* of those that wait for their turn to be looked up */
	struct wn_api_item *done_next; /* of those whose end is to be told */
	uint16_t *where;	       /* owned; by probe id: TTL << 8 | number */
	uint32_t where_cap;
	uint32_t sent, received;
	int32_t err, sys;
	uint8_t stop, ttl, reached_ttl;
	bool canceled;
	bool resolving; /* DNS has been asked for its target */
	bool names;	/* of those who answer are looked up */
	bool lookup;	/* it is about the name of `by` alone */
	bool ended;	/* but for names that are still open */
	bool finished;	/* its end is to be told */
	struct wn_addr by;
	uint64_t start_ns, took_ns;
	struct wn_addr *asked; /* owned; whose names it wants or has told; of these open ... */
	uint32_t asked_count, asked_cap, names_open;
	struct wn_api_item *wait_prev, *wait_next; /* of those that have ended but for names */
	uint64_t wait_until_ns;
};

struct wn_api_queue {
	struct wend_event *ring; /* owned, and so are their names; cap, a power of two */
	uint32_t head, len, cap;
	struct wn_api_item *done_first, *done_last;
};

struct wend {
	struct wn_run *run;
	struct wn_dns *dns; /* NULL until a name is asked for */
	char *resolver;	    /* owned; whom it asks; NULL: whom the system does */
	struct wn_api_item *req_first, *req_last; /* to be looked up */
	uint32_t resolving;			  /* questions under way */
	struct wn_api_names *names;		  /* owned; NULL until one is wanted */
	struct wn_api_item *wait_first, *wait_last;
	struct wn_pollset poll;
	struct wn_topo *topo;
	struct wn_sim *sim;
	enum wn_backend backend;
	struct wn_api_item **items; /* NULL: free */
	uint32_t *turns;       /* by place: how often it was used; ids have it above the place */
	uint32_t *free_places; /* free_count of them */
	uint32_t item_count, item_cap, free_count;
	uint32_t active;  /* items */
	uint32_t running; /* of these are not among those that are done */
	struct wn_api_queue to_call, to_pull;
	char *told_name; /* owned; of the last event that was taken */
	bool inside;	 /* a callback */
	bool ending;	 /* nothing new is started */
	struct wn_errctx why;
};

/* events.c. A name of ev is taken over, whatever happens. */
void wn_api_queue_push(wend *w, const struct wn_api_item *item, const struct wend_event *ev);
void wn_api_queue_done(wend *w, struct wn_api_item *item);
/* The next event and whose it is; false: there is none. A DONE one frees its item. */
bool wn_api_queue_take(
	wend *w, struct wn_api_queue *q, struct wend_event *out, wend_callback **out_callback);
void wn_api_queue_fini(struct wn_api_queue *q);

/* options.c: those of a caller, or all defaults. */
struct wn_request wn_api_request(const wend_options *o);

/* start.c */
wn_err wn_api_item_new(wend *w, wend_callback *callback, void *user, struct wn_api_item **out);
/* Starts the trace of a request whose target is given as text. */
int wn_api_begin(wend *w, const char *target, struct wn_request *req, wend_callback *callback,
	void *user, uint64_t *out_id);
enum wn_proto wn_api_proto(enum wn_req_proto asked); /* which is not AUTO */
/* Who answered, and what. */
void wn_api_tell_reply(const struct wn_reply *r, struct wend_event *out);
struct wn_api_item *wn_api_find(const wend *w, uint64_t id); /* NULL: none by this id */
void wn_api_item_free(wend *w, struct wn_api_item *item);
void wn_api_items_fini(wend *w);
/* Before it was started. */
void wn_api_item_undo(wend *w, struct wn_api_item *item);
wn_err wn_api_start(
	wend *w, struct wn_api_item *item, const struct wn_request *req, const struct wn_addr *dst);
/* Everything under way is to end as soon as may be. */
void wn_api_cancel_all(wend *w);

/* resolve.c */
wn_err wn_api_need_dns(wend *w, struct wn_errctx *why);
/* The address of its target is to be found, and then it is started. */
wn_err wn_api_resolve(wend *w, struct wn_api_item *item, const struct wn_request *req);
void wn_api_resolve_work(wend *w);
bool wn_api_resolve_is_due(const wend *w); /* has something to do now */
/* It was canceled: does not wait for DNS. */
void wn_api_resolve_cancel(struct wn_api_item *item);

/* names.c */
/* Tells the name of addr to item, once, as soon as it is known. */
void wn_api_names_want(struct wn_api_item *item, const struct wn_addr *addr);
/* It has ended: tells so when its names are known, or have been waited for. */
void wn_api_names_end(struct wn_api_item *item);
/* It is not to wait any more. */
void wn_api_names_cancel(struct wn_api_item *item);
void wn_api_names_work(wend *w);
uint64_t wn_api_names_next_ns(const wend *w); /* when there is some; UINT64_MAX never */
void wn_api_names_fini(wend *w);

#endif
