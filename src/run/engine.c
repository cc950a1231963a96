/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which engine a trace is driven by: that of one path, or one that steers it. All know the probes
 * by a trace engine; they differ in who decides what is next. When it has ended, side probes may
 * follow: END waits for them.
 */
#include "run/run_priv.h"

#include "base/alloc.h"
#include "base/fmt.h"
#include "multipath/paths.h"
#include "multipath/pmtu.h"

struct wn_run_engine_ops {
	enum wn_act_kind (*next)(void *self, uint64_t now_ns, struct wn_act *out);
	void (*free)(void *self);
};

static enum wn_act_kind next_of_one(void *self, uint64_t now_ns, struct wn_act *out)
{
	return wn_trace_next(self, now_ns, out);
}

static void free_one(void *self)
{
	wn_trace_free(self);
}

static enum wn_act_kind next_of_all(void *self, uint64_t now_ns, struct wn_act *out)
{
	return wn_paths_next(self, now_ns, out);
}

static void free_all(void *self)
{
	wn_paths_free(self);
}

static enum wn_act_kind next_of_mtu(void *self, uint64_t now_ns, struct wn_act *out)
{
	return wn_pmtu_next(self, now_ns, out);
}

static void free_mtu(void *self)
{
	wn_pmtu_free(self);
}

static const struct wn_run_engine_ops one_path = {next_of_one, free_one};
static const struct wn_run_engine_ops all_paths = {next_of_all, free_all};
static const struct wn_run_engine_ops path_mtu = {next_of_mtu, free_mtu};

static wn_err new_one(const struct wn_params *p, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_run_engine *out, struct wn_errctx *ctx)
{
	wn_err err = wn_trace_new(p, key, now_ns, &out->trace, ctx);

	if (err == WN_OK)
		*out = (struct wn_run_engine){&one_path, out->trace, out->trace};
	return err;
}

static wn_err new_all(const struct wn_params *p, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_run_engine *out, struct wn_errctx *ctx)
{
	struct wn_paths *paths;
	wn_err err = wn_paths_new(p, key, now_ns, &paths, ctx);

	if (err == WN_OK)
		*out = (struct wn_run_engine){&all_paths, paths, wn_paths_trace(paths)};
	return err;
}

static wn_err new_mtu(const struct wn_params *p, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_run_engine *out, struct wn_errctx *ctx)
{
	struct wn_pmtu *pmtu;
	wn_err err = wn_pmtu_new(p, key, now_ns, &pmtu, ctx);

	if (err == WN_OK)
		*out = (struct wn_run_engine){&path_mtu, pmtu, wn_pmtu_trace(pmtu)};
	return err;
}

wn_err wn_run_engine_new(const struct wn_params *p, const struct wn_sipkey *key, uint64_t now_ns,
	struct wn_run_engine *out, struct wn_errctx *ctx)
{
	if (p->pmtu)
		return new_mtu(p, key, now_ns, out, ctx);
	return (p->paths == WN_PATHS_OFF ? new_one : new_all)(p, key, now_ns, out, ctx);
}

void wn_run_engine_free(struct wn_run_engine *e)
{
	if (e->ops)
		e->ops->free(e->self);
	wn_beside_free(e->beside);
	wn_free(e->end);
}

/* ---- side probes ---- */

/* False: there are none, and END is to be had now. */
static bool go_aside(struct wn_run_trace *rt, uint64_t now_ns, const struct wn_event *end)
{
	const struct wn_io *echo = rt->echo ? rt->echo->io : rt->net->io;
	struct wn_run_engine *e = &rt->engine;
	struct wn_errctx why = {0};
	struct wn_beside_config c = {
		.r = rt->result,
		.key = &rt->key,
		.start_ns = rt->start_ns,
		.echo = echo->caps,
		.echo_id = wn_io_sport(echo),
	};

	if (!rt->result)
		return false;
	if (wn_beside_new(&c, now_ns, &e->beside, &why) != WN_OK) {
		struct wn_event note = {.kind = WN_EV_NOTE, .at_ns = now_ns - rt->start_ns};

		note.u.note.kind = WN_NOTE_TEXT;
		wn_fmt(note.u.note.text, sizeof(note.u.note.text), "no side probes: %s", why.text);
		wn_run_trace_emit(rt, &note);
	}
	if (!e->beside)
		return false;
	e->end = wn_malloc(sizeof(*e->end));
	if (e->end)
		*e->end = *end;
	return e->end != NULL;
}

static void come_back(struct wn_run_engine *e, uint64_t at_ns, struct wn_event *out)
{
	const struct wn_counters *c = wn_beside_counters(e->beside);

	*out = *e->end;
	out->at_ns = at_ns;
	out->u.end.partial = out->u.end.partial || wn_beside_is_partial(e->beside);
#define X(field, text) out->u.end.counters.field += c->field;
	WN_COUNTER_LIST(X)
#undef X
}

enum wn_act_kind wn_run_engine_next(struct wn_run_trace *rt, uint64_t now_ns, struct wn_act *out)
{
	struct wn_run_engine *e = &rt->engine;
	enum wn_act_kind kind;

	if (!e->end) {
		kind = e->ops->next(e->self, now_ns, out);
		if (kind != WN_ACT_EMIT || out->event.kind != WN_EV_END ||
			!go_aside(rt, now_ns, &out->event))
			return kind;
	}
	kind = wn_beside_next(e->beside, now_ns, out);
	if (kind != WN_ACT_DONE)
		return kind;
	come_back(e, now_ns - rt->start_ns, &out->event);
	return WN_ACT_EMIT;
}

void wn_run_engine_sent(struct wn_run_engine *e, uint64_t id, uint64_t tx_ns, enum wn_clock clock)
{
	if (!e->end || !wn_beside_sent(e->beside, id, tx_ns, clock))
		wn_trace_sent(e->trace, id, tx_ns, clock);
}

void wn_run_engine_failed(
	struct wn_run_engine *e, uint64_t id, wn_err err, int sys, uint64_t now_ns)
{
	if (!e->end || !wn_beside_failed(e->beside, id, err, sys, now_ns))
		wn_trace_failed(e->trace, id, err, sys, now_ns);
}

void wn_run_engine_hold(struct wn_run_engine *e, uint64_t id)
{
	if (e->end)
		wn_beside_hold(e->beside, id);
	else
		wn_trace_hold(e->trace, id);
}

void wn_run_engine_go(struct wn_run_engine *e, uint64_t now_ns)
{
	if (e->end)
		wn_beside_go(e->beside, now_ns);
	else
		wn_trace_go(e->trace, now_ns);
}

enum wn_claim wn_run_engine_reply(struct wn_run_engine *e, const struct wn_rx *rx, uint64_t now_ns)
{
	if (e->end)
		return wn_beside_reply(e->beside, &rx->reply, rx->at_ns, rx->clock, now_ns);
	return wn_trace_reply(e->trace, &rx->reply, rx->at_ns, rx->clock, now_ns);
}

void wn_run_engine_stop(struct wn_run_engine *e, enum wn_stop why, wn_err err, int sys)
{
	if (e->end)
		wn_beside_stop(e->beside);
	else
		wn_trace_stop(e->trace, why, err, sys);
}
