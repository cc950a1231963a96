/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line from its text to its record. Exactly one record comes of each, whatever happens, unless
 * the batch is interrupted before: then none does, and the line is as if it had not been read.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/trace.h"
#include "os/os.h"

#define NOT_TEXT_MAX 100 /* lines: where none before is text either, it is no list */

/* ---- the end of a line ---- */

static void free_line(struct wn_batch_line *l)
{
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	l->b->active--;
	wn_free(l->text);
	wn_free(l);
}

/* The trace that got farthest, NULL: none; the others go to tried. */
static const struct wn_result *best_of(
	const struct wn_batch_line *l, const struct wn_result **tried, size_t *out_tried)
{
	const struct wn_result *best = NULL, *r;

	for (unsigned i = 0; i < l->trace_count; i++) {
		r = l->traces[i].rt ? wn_run_result(l->traces[i].rt) : NULL;
		if (r && (!best || wn_session_farther(r, best)))
			best = r;
	}
	*out_tried = 0;
	for (unsigned i = 0; i < l->trace_count; i++) {
		r = l->traces[i].rt ? wn_run_result(l->traces[i].rt) : NULL;
		if (r && r != best)
			tried[(*out_tried)++] = r;
	}
	return best;
}

/* Writes the record of a line. why: NULL where nothing is wrong. */
static void record(struct wn_batch *b, const struct wn_batch_line *l, const struct wn_errctx *why)
{
	const struct wn_result *tried[WN_PROTO_COUNT];
	struct wn_out_record rec = {
		.line = l->number,
		.input = l->text,
		.input_len = l->len,
		.tried = tried,
		.err = why ? why->code : WN_OK,
		.why = why ? why->text : NULL,
	};

	rec.result = best_of(l, tried, &rec.tried_count);
	wn_out_record(&b->out.buf, &rec);
	b->done++;
	if (!why)
		return;
	b->failed++;
	wn_batch_say(b, "%s:%llu: %s", b->path, (unsigned long long)l->number, why->text);
}

static void fail(struct wn_batch_line *l)
{
	record(l->b, l, &l->why);
	free_line(l);
}

/* Not a single probe could be sent, or no more of them. */
static bool has_broken(const struct wn_result *r, struct wn_errctx *why)
{
	if (r->reached || r->stop != WN_STOP_ERROR)
		return false;
	wn_fail(why, r->stop_err, "%s: nothing %scould be sent: %s%s%s", r->params.target,
		r->reply_count > 0 ? "more " : "", wn_err_text(r->stop_err),
		r->stop_sys ? ": " : "", r->stop_sys ? strerror(r->stop_sys) : "");
	return true;
}

static void finish(struct wn_batch_line *l)
{
	const struct wn_result *tried[WN_PROTO_COUNT], *best;
	size_t count;

	best = best_of(l, tried, &count);
	record(l->b, l, has_broken(best, &l->why) ? &l->why : NULL);
	for (unsigned i = 0; i < l->trace_count; i++)
		if (l->traces[i].rt)
			wn_run_drop(l->traces[i].rt);
	l->b->tracing--;
	free_line(l);
}

/* ---- traces ---- */

static void on_event(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	(void)rt;
	if (ev->kind == WN_EV_REPLY)
		wn_batch_names_ask(user);
}

static void on_done(void *user, struct wn_run_trace *rt)
{
	struct wn_batch_trace *t = user;

	(void)rt;
	if (--t->line->running == 0)
		finish(t->line);
}

/* Raw sockets of its own a line cannot have: privileges are gone. */
static wn_err prepare(struct wn_batch_trace *t, struct wn_run_trace_config *c)
{
	struct wn_batch_line *l = t->line;
	struct wn_batch *b = l->b;
	bool shared = c->backend == WN_BACKEND_AUTO && b->raw;
	wn_err err;

	if (shared)
		c->backend = WN_BACKEND_RAW;
	err = wn_run_prepare(b->run, c, &t->rt, &l->why);
	if (err == WN_EPERM && shared) {
		c->backend = WN_BACKEND_AUTO;
		err = wn_run_prepare(b->run, c, &t->rt, &l->why);
	}
	if (err == WN_EPERM && b->raw)
		wn_fail(&l->why, err,
			"%s: its options need raw sockets of its own, and a batch gives up its "
			"rights before it reads lines; use wend trace for it, or leave them out",
			l->req.params.target);
	else if (err == WN_EPERM && c->backend == WN_BACKEND_RAW)
		wn_fail(&l->why, err,
			"--backend raw: no permission for raw sockets; use sudo, or --backend "
			"errqueue");
	return err;
}

static wn_err begin_trace(struct wn_batch_trace *t, enum wn_proto proto, const struct wn_addr *dst)
{
	struct wn_batch_line *l = t->line;
	struct wn_run_trace_config c = {
		.params = {.proto = proto, .dst = *dst},
		.backend = wn_prepare_backend(&l->req),
		.sim = l->b->sim,
		.share = true,
		.on_event = on_event,
		.on_done = on_done,
		.user = t,
	};
	wn_err err = wn_prepare_params(&l->req, l->b->topo, &c.params, &l->why);

	if (err == WN_OK)
		err = prepare(t, &c);
	if (err != WN_OK)
		return err;
	err = wn_run_start(t->rt, &l->why);
	if (err == WN_OK) {
		l->running++;
		return WN_OK;
	}
	wn_run_drop(t->rt);
	t->rt = NULL;
	return err;
}

/* WN_OK when one of its traces runs; else why the first does not. */
static wn_err begin_all(struct wn_batch_line *l, const struct wn_addr *dst)
{
	enum wn_proto protos[WN_PROTO_COUNT];
	struct wn_errctx first = {0};

	l->trace_count = wn_prepare_protos(&l->req, protos);
	for (unsigned i = 0; i < l->trace_count; i++) {
		memset(&l->why, 0, sizeof(l->why));
		l->traces[i] = (struct wn_batch_trace){.line = l};
		if (begin_trace(&l->traces[i], protos[i], dst) != WN_OK && !first.code)
			first = l->why;
	}
	l->why = first;
	return l->running > 0 ? WN_OK : first.code;
}

static bool is_crowded(const struct wn_batch_line *l)
{
	return l->b->tracing > 0 && (l->why.sys == EMFILE || l->why.sys == ENFILE);
}

/* Fewer at once from now on: those that run need descriptors, too. */
static void wait_for_room(struct wn_batch_line *l)
{
	struct wn_batch *b = l->b;

	l->wait_next = NULL;
	*b->wait_last = l;
	b->wait_last = &l->wait_next;
	b->parallel = b->tracing * 3 / 4 > 1 ? b->tracing * 3 / 4 : 1;
	if (!b->crowded)
		wn_batch_say(b,
			"no more than %u lines at once: each takes descriptors of its own, and no "
			"more may be open (ulimit -n)",
			b->parallel);
	b->crowded = true;
}

static void start(struct wn_batch_line *l)
{
	struct wn_errctx first = {0};

	for (size_t i = 0; i < l->targets.count; i++) {
		wn_err err = begin_all(l, &l->targets.list[i]);

		if (err == WN_OK) {
			l->b->tracing++;
			return;
		}
		if (is_crowded(l)) {
			wait_for_room(l);
			return;
		}
		if (i == 0)
			first = l->why;
		if (!wn_prepare_is_worth_another(err))
			break;
	}
	l->why = first;
	fail(l);
}

void wn_batch_retry(struct wn_batch *b)
{
	while (b->wait_first && b->tracing < b->parallel) {
		struct wn_batch_line *l = b->wait_first;

		b->wait_first = l->wait_next;
		if (!b->wait_first)
			b->wait_last = &b->wait_first;
		start(l);
	}
}

/* ---- from the text to addresses ---- */

static void on_addrs(
	void *user, const struct wn_addr *addrs, size_t count, wn_err err, const char *why)
{
	struct wn_batch_line *l = user;
	const struct wn_params *p = &l->req.params;
	uint8_t family = l->req.family ? l->req.family : p->src.family;

	if (err == WN_ECANCELED)
		return; /* the batch is over */
	for (size_t i = 0; i < count; i++)
		wn_prepare_add(&l->targets, &l->req, &addrs[i]);
	if (l->targets.count > 0) {
		start(l);
		return;
	}
	if (err != WN_OK)
		wn_fail(&l->why, WN_ERESOLVE, "%s does not resolve: %s", p->target, why);
	else
		wn_fail(&l->why, WN_ERESOLVE, "%s does not resolve: the name has no IPv%u address",
			p->target, family ? family : 4);
	fail(l);
}

static void look_up(struct wn_batch_line *l)
{
	const struct wn_params *p = &l->req.params;
	uint8_t family = l->req.family ? l->req.family : p->src.family;
	wn_err err = wn_dns_resolve(l->b->dns, p->host, family, on_addrs, l);

	if (err == WN_OK)
		return;
	wn_fail(&l->why, err, "%s: %s", p->target, wn_err_text(err));
	fail(l);
}

static void find_targets(struct wn_batch_line *l)
{
	struct wn_batch *b = l->b;

	if (l->req.params.dst.family)
		wn_prepare_add(&l->targets, &l->req, &l->req.params.dst);
	else if (b->topo)
		wn_prepare_in_topology(&l->targets, &l->req, b->topo);
	if (l->targets.count > 0) {
		start(l);
		return;
	}
	if (!b->topo) {
		look_up(l);
		return;
	}
	wn_fail(&l->why, WN_ERESOLVE, "%s: no such name in the simulated network %s",
		l->req.params.target, b->req.sim);
	fail(l);
}

/* A file was looked at before; a pipe may be no list at all. */
static void count_text(struct wn_batch *b, bool text)
{
	b->good += text;
	b->not_text += !text;
	if (b->good == 0 && b->not_text == NOT_TEXT_MAX)
		wn_batch_fail(b, WN_EXIT_USAGE, "%s is no text: a list has a target on each line",
			b->path);
}

void wn_batch_begin(struct wn_batch *b, struct wn_line *line)
{
	struct wn_batch_line *l = wn_calloc(1, sizeof(*l));
	bool text = wn_line_check(line, NULL) == WN_OK;

	if (l)
		l->text = wn_malloc(line->len + 1);
	if (!l || !l->text) {
		wn_free(l);
		wn_batch_fail(b, WN_EXIT_FAILED, "out of memory");
		return;
	}
	memcpy(l->text, line->text, line->len + 1);
	l->len = line->len;
	l->number = line->number;
	l->b = b;
	l->next = b->first;
	l->link = &b->first;
	if (b->first)
		b->first->link = &l->next;
	b->first = l;
	b->active++;
	if (wn_line_request(line, &b->req, &l->req, &l->why) != WN_OK) {
		fail(l);
		count_text(b, text);
		return;
	}
	count_text(b, text);
	find_targets(l);
}

void wn_batch_lines_free(struct wn_batch *b)
{
	while (b->first)
		free_line(b->first);
}

/* ---- before privileges go ---- */

static void open_one(struct wn_batch *b, enum wn_proto proto, uint8_t family)
{
	struct wn_run_trace_config c = {
		.params = {.proto = proto, .dst.family = family},
		.backend = WN_BACKEND_RAW,
		.share = true,
	};
	struct wn_errctx why = {0};

	/* Where this fails, lines that would need it take other sockets, or say why not. */
	if (wn_prepare_params(&b->req, NULL, &c.params, &why) == WN_OK &&
		wn_run_open_ahead(b->run, &c, &why) == WN_OK)
		b->raw = true;
}

void wn_batch_open_ahead(struct wn_batch *b)
{
	struct wn_os_privs privs;

	if (b->sim || b->req.backend == WN_REQ_BACKEND_ERRQUEUE)
		return;
	wn_os_privs_get(&privs);
	for (int proto = 0; privs.net_raw && proto < WN_PROTO_COUNT; proto++) {
		open_one(b, (enum wn_proto)proto, 4);
		open_one(b, (enum wn_proto)proto, 6);
	}
}
