/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which engine a trace is driven by: that of one path, or one that steers it. All know the probes
 * by a trace engine; they differ in who decides what is next.
 */
#include "run/run_priv.h"

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

enum wn_act_kind wn_run_engine_next(struct wn_run_engine *e, uint64_t now_ns, struct wn_act *out)
{
	return e->ops->next(e->self, now_ns, out);
}

void wn_run_engine_free(struct wn_run_engine *e)
{
	if (e->ops)
		e->ops->free(e->self);
}
