/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of traces on one descriptor and one clock. Everything that happens to a trace is in
 * trace_pump.c; how it gets its route and back end is in prepare.c.
 */
#include "run/run_priv.h"

#include <assert.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "os/os.h"

wn_err wn_run_new(bool virtual_time, struct wn_run **out, struct wn_errctx *ctx)
{
	struct wn_run *run = wn_calloc(1, sizeof(*run));
	wn_err err;

	if (!run)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	run->virtual_time = virtual_time;
	run->monitor_fd = run->poll.fd = run->poll.timer_fd = -1;
	run->now_ns = 1000000000u; /* virtual time starts at one second: 0 means "never" nowhere */
	run->rx = wn_calloc(WN_RUN_BATCH, sizeof(*run->rx));
	if (!run->rx) {
		wn_free(run);
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	}
	if (!virtual_time) {
		err = wn_pollset_init(&run->poll, ctx);
		if (err != WN_OK) {
			wn_free(run->rx);
			wn_free(run);
			return err;
		}
	}
	*out = run;
	return WN_OK;
}

void wn_run_free(struct wn_run *run)
{
	struct wn_run_trace *rt, *next;

	if (!run)
		return;
	assert(!run->processing);
	for (rt = run->traces; rt; rt = next) {
		next = rt->next;
		wn_run_trace_free(rt);
	}
	if (run->monitor_fd >= 0)
		close(run->monitor_fd);
	wn_pollset_fini(&run->poll);
	wn_free(run->rx);
	wn_free(run);
}

int wn_run_fd(const struct wn_run *run)
{
	return run->poll.fd;
}

uint64_t wn_run_now_ns(const struct wn_run *run)
{
	return run->virtual_time ? run->now_ns : wn_os_mono_ns();
}

uint64_t wn_run_next_ns(const struct wn_run *run)
{
	uint64_t next = UINT64_MAX;

	for (const struct wn_run_trace *rt = run->traces; rt; rt = rt->next) {
		uint64_t at = wn_run_trace_next_ns(rt);

		if (at < next)
			next = at;
	}
	return next;
}

bool wn_run_idle(const struct wn_run *run)
{
	for (const struct wn_run_trace *rt = run->traces; rt; rt = rt->next)
		if (rt->state == WN_RUN_RUNNING || rt->state == WN_RUN_QUIET)
			return false;
	return true;
}

/* A change of this machine's network belongs into the record of every trace it can touch. */
static void note_change(struct wn_run_trace *rt, const struct wn_os_change *change)
{
	bool down = change->kind == WN_OS_LINK_DOWN;
	char addr[WN_ADDR_STRLEN], line[128];

	if (rt->state != WN_RUN_RUNNING)
		return;
	switch (change->kind) {
	case WN_OS_LINK_DOWN:
	case WN_OS_LINK_UP:
		/* The kernel tells of a flag and of the carrier apart; it is one event. */
		if (change->ifindex != rt->ifindex || rt->link_down == down)
			return;
		rt->link_down = down;
		wn_trace_note(rt->engine.trace, down ? WN_NOTE_LINK_DOWN : WN_NOTE_LINK_UP, 0,
			change->iface);
		break;
	case WN_OS_ADDR_GONE:
		if (!wn_addr_eq(&change->addr, &rt->config.params.src))
			return;
		wn_fmt(line, sizeof(line), "%s is no longer an address of this machine",
			wn_addr_str(&change->addr, addr));
		wn_trace_note(rt->engine.trace, WN_NOTE_ADDRESS_CHANGED, 0, line);
		break;
	case WN_OS_ADDR_NEW:
		if (!wn_addr_eq(&change->addr, &rt->config.params.src))
			return;
		wn_fmt(line, sizeof(line), "%s is an address of this machine again",
			wn_addr_str(&change->addr, addr));
		wn_trace_note(rt->engine.trace, WN_NOTE_ADDRESS_CHANGED, 1, line);
		break;
	case WN_OS_ROUTE_CHANGED:
		break;
	}
}

static void read_monitor(struct wn_run *run)
{
	struct wn_os_change change;
	unsigned bound = 256; /* a storm of changes must not starve the probes */

	while (run->monitor_fd >= 0 && bound-- > 0) {
		wn_err err = wn_os_monitor_read(run->monitor_fd, &change);

		if (err == WN_EFULL)
			continue;
		if (err != WN_OK)
			break;
		for (struct wn_run_trace *rt = run->traces; rt; rt = rt->next)
			note_change(rt, &change);
	}
}

void wn_run_process(struct wn_run *run)
{
	assert(!run->processing);
	run->processing = true;
	read_monitor(run);
	for (struct wn_run_trace *rt = run->traces; rt; rt = rt->next) {
		if (rt->state == WN_RUN_RUNNING)
			wn_run_trace_pump(rt);
		if (rt->state == WN_RUN_QUIET)
			wn_run_trace_finish(rt);
	}
	run->processing = false;
	if (!run->virtual_time)
		wn_pollset_arm(&run->poll, wn_run_next_ns(run));
}

wn_err wn_run_until_done(struct wn_run *run, struct wn_errctx *ctx)
{
	for (;;) {
		wn_run_process(run);
		if (wn_run_idle(run))
			return WN_OK;
		if (!run->virtual_time) {
			if (wn_pollset_wait(&run->poll) != WN_OK)
				return wn_fail(ctx, WN_ESYS, "waiting for events failed");
			continue;
		}
		uint64_t next = wn_run_next_ns(run);

		if (next == UINT64_MAX)
			return wn_fail(ctx, WN_ESTATE, "nothing will happen any more");
		if (next > run->now_ns)
			run->now_ns = next;
	}
}
