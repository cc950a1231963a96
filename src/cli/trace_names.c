/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of those who answered. Each address is asked for once in a session; every trace in which
 * it answered gets the name into its record. Traces are held from ending until no question is
 * open, or until somebody decides that it was long enough.
 */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "cli/trace.h"

#define NAMES_MAX 4096 /* beyond, addresses are shown without name */

static struct wn_cli_name *find(struct wn_cli_names *names, const struct wn_addr *addr)
{
	for (size_t i = 0; i < names->count; i++)
		if (wn_addr_eq(&names->list[i].addr, addr))
			return &names->list[i];
	return NULL;
}

static struct wn_cli_name *add(struct wn_cli_names *names, const struct wn_addr *addr)
{
	struct wn_cli_name *n;

	if (names->count == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 64;
		struct wn_cli_name *list;

		if (cap > NAMES_MAX)
			return NULL;
		list = wn_realloc(names->list, cap, sizeof(*list));
		if (!list)
			return NULL;
		names->list = list;
		names->cap = cap;
	}
	assert(names->list);
	n = &names->list[names->count++];
	memset(n, 0, sizeof(*n));
	n->addr = *addr;
	return n;
}

static void tell(struct wn_cli_trace *t, struct wn_cli_name *n)
{
	unsigned bit = 1u << t->index;

	if (n->told & bit)
		return;
	n->told |= bit;
	/* Copies: what follows from the event may ask for names and move the list. */
	struct wn_cli_name copy = *n;

	wn_run_name(t->rt, &copy.addr, copy.name, copy.err);
}

static void settle(struct wn_session *s, size_t i, const char *name, wn_err err)
{
	unsigned waiting = s->names.list[i].waiting;

	s->names.list[i].known = true;
	s->names.list[i].err = err;
	s->names.list[i].waiting = 0;
	wn_fmt(s->names.list[i].name, sizeof(s->names.list[i].name), "%s", name);
	for (unsigned t = 0; t < s->trace_count; t++) {
		if (!(waiting & 1u << t))
			continue;
		tell(&s->traces[t], &s->names.list[i]);
	}
}

static void on_name(void *user, const struct wn_addr *addr, const char *name, wn_err err)
{
	struct wn_session *s = user;
	struct wn_cli_name *n;

	if (err == WN_OK || err == WN_ENOENT)
		s->names.answered = true;
	n = find(&s->names, addr);
	if (n && !n->known)
		settle(s, (size_t)(n - s->names.list), name, err);
}

void wn_session_name_ask(struct wn_cli_trace *t, const struct wn_addr *addr)
{
	struct wn_session *s = t->session;
	struct wn_cli_name *n;
	const char *name;

	if (s->req.numeric || s->names.given_up)
		return;
	n = find(&s->names, addr);
	if (!n) {
		n = add(&s->names, addr);
		if (!n)
			return;
		if (s->topo) {
			name = wn_topo_name_of(s->topo, addr);
			n->known = true;
			n->err = name && name[0] ? WN_OK : WN_ENOENT;
			wn_fmt(n->name, sizeof(n->name), "%s", name ? name : "");
		} else if (!s->dns || wn_dns_reverse(s->dns, addr, on_name, s) != WN_OK) {
			n->known = true;
			n->err = WN_ERESOLVE;
		} else {
			s->names.asked = true;
		}
	}
	if (n->known)
		tell(t, n);
	else
		n->waiting |= 1u << t->index;
}

bool wn_session_names_waiting(const struct wn_session *s)
{
	for (size_t i = 0; i < s->names.count; i++)
		if (s->names.list[i].waiting)
			return true;
	return false;
}

void wn_session_names_release(struct wn_session *s)
{
	s->names.given_up = true;
	for (size_t i = 0; i < s->names.count; i++)
		if (s->names.list[i].waiting)
			settle(s, i, "", WN_ECANCELED);
}

void wn_session_names_end(struct wn_session *s)
{
	/* Who interrupts us did not give the server its time. */
	bool dead = s->names.asked && !s->names.answered && !s->interrupts;

	s->names.ended = s->names.given_up = true;
	for (unsigned i = 0; i < s->trace_count; i++) {
		if (!s->traces[i].rt)
			continue;
		if (dead)
			wn_run_note(s->traces[i].rt, WN_NOTE_DNS_DEAD, 0,
				"no DNS server gave an answer; names are missing");
		wn_run_release(s->traces[i].rt);
	}
}

void wn_session_names_free(struct wn_session *s)
{
	wn_free(s->names.list);
	memset(&s->names, 0, sizeof(s->names));
}
