/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trace in one call: a context of its own, whose events are put into a table by TTL and probe.
 * Hops are made of it when all is over, for only then it is known where the path ends.
 */
#include "api/api_priv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"

struct named {
	struct wn_addr addr;
	char *name; /* owned */
};

struct path {
	struct wend_path pub; /* what the caller has of it */
	char error[sizeof(((struct wn_errctx *)0)->text)];
	uint32_t first_ttl, ttl_count, probes;
	uint32_t last_ttl;	       /* of the target, or the last that answered; 0 none */
	struct wend_path_probe *cells; /* owned; by TTL and probe */
	uint32_t *first;	       /* owned; by TTL: which probe was answered first */
	struct wend_path_hop *hops;    /* owned */
	struct named *names;	       /* owned; name_count of them */
	uint32_t name_count, name_cap;
};

static struct wend_path_probe *cell(const struct path *p, uint32_t ttl, uint32_t probe)
{
	uint32_t row = ttl - p->first_ttl;

	return ttl >= p->first_ttl && row < p->ttl_count && probe < p->probes
		       ? &p->cells[row * p->probes + probe]
		       : NULL;
}

static struct wn_addr addr_of(uint8_t family, const uint8_t bytes[16])
{
	struct wn_addr a = {.family = family};

	memcpy(a.bytes, bytes, sizeof(a.bytes));
	return a;
}

/* ---- events ---- */

static void take_reply(struct path *p, const struct wend_event *ev)
{
	struct wend_path_probe *c = cell(p, ev->ttl, ev->probe);
	uint32_t *first;

	if (!c || c->family != 0 || ev->family == 0)
		return;
	c->rtt_ns = ev->rtt_ns;
	c->family = ev->family;
	c->reached = ev->reached;
	c->icmp_type = ev->icmp_type;
	c->icmp_code = ev->icmp_code;
	memcpy(c->address, ev->address, sizeof(c->address));
	wend_event_address(ev, c->ip);
	first = &p->first[ev->ttl - p->first_ttl];
	if (*first == p->probes)
		*first = ev->probe;
	if (ev->ttl > p->last_ttl)
		p->last_ttl = ev->ttl;
}

static void take_name(struct path *p, const struct wend_event *ev)
{
	struct named *n;

	if (ev->name[0] == '\0')
		return;
	if (p->name_count == p->name_cap) {
		uint32_t cap = p->name_cap ? p->name_cap * 2 : 32;
		struct named *grown = wn_realloc(p->names, cap, sizeof(*grown));

		if (!grown)
			return;
		p->names = grown;
		p->name_cap = cap;
	}
	n = &p->names[p->name_count];
	n->addr = addr_of(ev->family, ev->address);
	n->name = wn_strdup(ev->name);
	if (n->name)
		p->name_count++;
}

static void take_done(struct path *p, const struct wend_event *ev)
{
	p->pub.err = ev->err;
	p->pub.stop = ev->stop;
	p->pub.took_ns = ev->at_ns;
	p->pub.sent = ev->sent;
	p->pub.received = ev->received;
	p->pub.reached = ev->reached;
	if (ev->reached || ev->stop == WEND_STOP_UNREACHABLE)
		p->last_ttl = ev->ttl;
}

static void on_event(void *user, const struct wend_event *ev)
{
	if (ev->kind == WEND_REPLY)
		take_reply(user, ev);
	else if (ev->kind == WEND_NAME)
		take_name(user, ev);
	else if (ev->kind == WEND_DONE)
		take_done(user, ev);
}

/* ---- hops ---- */

static const char *name_of(const struct path *p, const struct wend_path_probe *c)
{
	struct wn_addr a = addr_of(c->family, c->address);

	for (uint32_t i = 0; c->family != 0 && i < p->name_count; i++)
		if (wn_addr_eq(&p->names[i].addr, &a))
			return p->names[i].name;
	return "";
}

static void make_hop(struct path *p, uint32_t row)
{
	struct wend_path_hop *hop = &p->hops[row];
	struct wend_path_probe *cells = &p->cells[row * p->probes];
	const struct wend_path_probe *first;

	hop->ttl = p->first_ttl + row;
	hop->probe_count = p->probes;
	hop->probes = cells;
	hop->name = "";
	for (uint32_t i = 0; i < p->probes; i++) {
		cells[i].name = name_of(p, &cells[i]);
		hop->reached = hop->reached || cells[i].reached;
	}
	if (p->first[row] == p->probes)
		return;
	first = &cells[p->first[row]];
	hop->name = first->name;
	hop->family = first->family;
	memcpy(hop->address, first->address, sizeof(hop->address));
	memcpy(hop->ip, first->ip, sizeof(hop->ip));
}

static void make_hops(struct path *p)
{
	uint32_t count = p->last_ttl >= p->first_ttl ? p->last_ttl - p->first_ttl + 1 : 0;

	p->pub.hop_count = count < p->ttl_count ? count : p->ttl_count;
	p->pub.hops = p->hops;
	for (uint32_t row = 0; row < p->pub.hop_count; row++)
		make_hop(p, row);
}

/* ---- the call ---- */

void wend_path_free(struct wend_path *path)
{
	struct path *p = (struct path *)path; /* whose first member it is */

	if (!p)
		return;
	for (uint32_t i = 0; i < p->name_count; i++)
		wn_free(p->names[i].name);
	wn_free(p->names);
	wn_free(p->hops);
	wn_free(p->first);
	wn_free(p->cells);
	wn_free(p);
}

static struct path *path_new(const wend_options *o)
{
	struct wn_params params = wn_api_request(o).params;
	struct path *p = wn_calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->pub.size = sizeof(p->pub);
	p->pub.error = p->error;
	p->first_ttl = params.first_ttl;
	p->ttl_count = params.max_ttl >= params.first_ttl
			       ? (uint32_t)params.max_ttl - params.first_ttl + 1
			       : 1; /* which wend_trace will refuse */
	p->probes = params.probes;
	p->cells = wn_calloc((size_t)p->ttl_count * p->probes, sizeof(*p->cells));
	p->first = wn_calloc(p->ttl_count, sizeof(*p->first));
	p->hops = wn_calloc(p->ttl_count, sizeof(*p->hops));
	if (!p->cells || !p->first || !p->hops) {
		wend_path_free(&p->pub);
		return NULL;
	}
	for (uint32_t i = 0; i < p->ttl_count * p->probes; i++) {
		p->cells[i].rtt_ns = -1;
		p->cells[i].name = "";
	}
	for (uint32_t row = 0; row < p->ttl_count; row++)
		p->first[row] = p->probes;
	return p;
}

static int run(struct path *p, const char *target, const wend_options *o, wend *w)
{
	int err = wend_trace(w, target, o, on_event, p, NULL);

	if (err == WEND_OK)
		err = wend_run(w, -1);
	if (err != WEND_OK) {
		wn_fmt(p->error, sizeof(p->error), "%s", wend_error(w));
		return err;
	}
	if (p->pub.err != WEND_OK)
		wn_fmt(p->error, sizeof(p->error), "%s: %s", target, wend_err_text(p->pub.err));
	return p->pub.err;
}

int wend_traceroute(const char *target, const wend_options *options,
	const struct wend_config *config, struct wend_path **out)
{
	struct wend_config explained = {.size = sizeof(explained)};
	struct path *p = path_new(options);
	wend *w;
	int err;

	*out = p ? &p->pub : NULL;
	if (!p)
		return WEND_ENOMEM;
	if (config)
		explained = *config;
	explained.error = p->error;
	explained.error_size = sizeof(p->error);
	err = wend_new(&explained, &w);
	if (err == WEND_OK)
		err = run(p, target, options, w);
	wend_free(w); /* which tells a trace that could not go on that it has ended */
	p->pub.err = err;
	make_hops(p);
	return err;
}
