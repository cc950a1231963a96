/* SPDX-License-Identifier: Apache-2.0 */
/* What a user may do to a trace while it runs. */
#include "run/run_priv.h"

#include <assert.h>
#include <string.h>

#include "base/fmt.h"

void wn_run_stop(struct wn_run_trace *rt, enum wn_stop why)
{
	if (rt->state != WN_RUN_RUNNING)
		return;
	wn_run_engine_stop(&rt->engine, why, WN_OK, 0);
	wn_run_ready(rt);
}

void wn_run_name(struct wn_run_trace *rt, const struct wn_addr *addr, const char *name, wn_err err)
{
	struct wn_event ev = {.kind = WN_EV_NAME};

	if (rt->state != WN_RUN_RUNNING && rt->state != WN_RUN_QUIET)
		return;
	ev.at_ns = wn_run_now_ns(rt->run) - rt->start_ns;
	ev.u.name.addr = *addr;
	ev.u.name.err = err;
	wn_fmt(ev.u.name.name, sizeof(ev.u.name.name), "%s", name ? name : "");
	wn_run_trace_emit(rt, &ev);
}

void wn_run_note(struct wn_run_trace *rt, enum wn_note_kind kind, int64_t value, const char *text)
{
	struct wn_event ev = {.kind = WN_EV_NOTE};

	if (rt->state != WN_RUN_RUNNING && rt->state != WN_RUN_QUIET)
		return;
	if (!rt->announced) {
		/* START is still the engine's to give: behind it, not before, is the place. */
		wn_trace_note(rt->engine.trace, kind, value, text);
		return;
	}
	ev.at_ns = wn_run_now_ns(rt->run) - rt->start_ns;
	ev.u.note.kind = kind;
	ev.u.note.value = value;
	wn_fmt(ev.u.note.text, sizeof(ev.u.note.text), "%s", text ? text : "");
	wn_run_trace_emit(rt, &ev);
}

void wn_run_hold(struct wn_run_trace *rt)
{
	rt->holds++;
}

void wn_run_release(struct wn_run_trace *rt)
{
	assert(rt->holds > 0);
	rt->holds--;
	if (rt->holds == 0 && rt->state == WN_RUN_QUIET)
		wn_run_ready(rt);
}

bool wn_run_trace_quiet(const struct wn_run_trace *rt)
{
	return rt->state == WN_RUN_QUIET || rt->state == WN_RUN_DONE;
}

const struct wn_result *wn_run_result(const struct wn_run_trace *rt)
{
	return rt->result;
}
