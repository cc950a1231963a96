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

#define STEP_BATCH   64	   /* traces that send before the network is looked at again */
#define READY_MAX    64	   /* back ends told of at once */
#define READY_ROUNDS 4096  /* one that nobody uses may stay readable */
#define ROUNDS_MAX   65536 /* of them in one call: others in the same loop have their turn */
#define STALE_NS     1000000u

wn_err wn_run_new(bool virtual_time, struct wn_run **out, struct wn_errctx *ctx)
{
	struct wn_run *run = wn_calloc(1, sizeof(*run));
	wn_err err;

	if (!run)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	run->virtual_time = virtual_time;
	run->monitor_fd = run->poll.fd = run->poll.timer_fd = -1;
	run->now_ns = 1000000000u; /* virtual time starts at one second: 0 means "never" nowhere */
	wn_heap_init(&run->timers, SIZE_MAX);
	wn_run_routes_init(&run->routes);
	run->rx = wn_calloc(WN_RUN_BATCH, sizeof(*run->rx));
	if (!run->rx || wn_pace_new(&(struct wn_pace_config){0}, &run->pace) != WN_OK) {
		wn_free(run->rx);
		wn_free(run);
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	}
	if (!virtual_time) {
		err = wn_pollset_init(&run->poll, ctx);
		if (err != WN_OK) {
			wn_pace_free(run->pace);
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
	if (!run)
		return;
	assert(!run->processing);
	for (uint32_t i = 0; i < run->slot_count; i++)
		if (run->slots[i])
			wn_run_trace_free(run->slots[i]);
	while (run->nets)
		wn_run_net_free(run->nets);
	wn_pace_free(run->pace);
	wn_heap_fini(&run->timers);
	wn_run_routes_fini(&run->routes);
	wn_free(run->slots);
	wn_free(run->serials);
	wn_free(run->free_slots);
	if (run->monitor_fd >= 0)
		close(run->monitor_fd);
	wn_pollset_fini(&run->poll);
	wn_free(run->rx);
	wn_io_scratch_free(run->scratch);
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

/* ---- whose turn it is ---- */

void wn_run_soon(struct wn_run *run)
{
	if (!run->virtual_time && !run->processing)
		wn_pollset_arm(&run->poll, 0);
}

void wn_run_ready(struct wn_run_trace *rt)
{
	struct wn_run *run = rt->run;

	if (rt->ready)
		return;
	rt->ready = true;
	rt->ready_next = NULL;
	if (run->ready_first)
		run->ready_last->ready_next = rt;
	else
		run->ready_first = rt;
	run->ready_last = rt;
	wn_run_soon(run);
}

static struct wn_run_trace *take_ready(struct wn_run *run)
{
	struct wn_run_trace *rt = run->ready_first;

	if (!rt)
		return NULL;
	run->ready_first = rt->ready_next;
	rt->ready = false;
	return rt;
}

/*
 * A trace whose time moves back keeps its earlier entry, at which it is asked in vain and comes
 * back with the right one: cheaper than to look for it.
 */
void wn_run_wake_at(struct wn_run_trace *rt, uint64_t at_ns)
{
	struct wn_run *run = rt->run;

	rt->wake_ns = at_ns;
	if (at_ns >= rt->timer_ns || run->scan)
		return;
	if (wn_heap_push(&run->timers, at_ns, rt->serial) == WN_OK)
		rt->timer_ns = at_ns;
	else
		run->scan = true;
}

/* Whose earliest entry this is; NULL: nobody's, an earlier one came before. */
static struct wn_run_trace *timed(const struct wn_run *run, const struct wn_heap_item *item)
{
	struct wn_run_trace *rt = wn_run_by_serial(run, item->value);

	return rt && rt->timer_ns == item->at_ns ? rt : NULL;
}

static bool is_running(const struct wn_run_trace *rt)
{
	return rt && rt->state == WN_RUN_RUNNING;
}

/* Of all traces, one by one: without memory for timers. */
static void scan_timers(struct wn_run *run, uint64_t now_ns)
{
	for (uint32_t i = 0; i < run->slot_count; i++)
		if (is_running(run->slots[i]) && run->slots[i]->wake_ns <= now_ns)
			wn_run_ready(run->slots[i]);
}

static void take_timers(struct wn_run *run, uint64_t now_ns)
{
	const struct wn_heap_item *first;
	struct wn_heap_item item;

	if (run->scan)
		scan_timers(run, now_ns);
	while ((first = wn_heap_peek(&run->timers)) && first->at_ns <= now_ns) {
		struct wn_run_trace *rt;

		wn_heap_pop(&run->timers, &item);
		rt = timed(run, &item);
		if (!rt)
			continue;
		rt->timer_ns = UINT64_MAX;
		if (rt->state != WN_RUN_RUNNING)
			continue;
		if (rt->wake_ns <= now_ns)
			wn_run_ready(rt);
		else
			wn_run_wake_at(rt, rt->wake_ns);
	}
}

static uint64_t next_timer_ns(const struct wn_run *run)
{
	const struct wn_heap_item *first = wn_heap_peek(&run->timers);
	uint64_t next = first ? first->at_ns : UINT64_MAX;

	for (uint32_t i = 0; run->scan && i < run->slot_count; i++)
		if (is_running(run->slots[i]) && run->slots[i]->wake_ns < next)
			next = run->slots[i]->wake_ns;
	return next;
}

uint64_t wn_run_next_ns(const struct wn_run *run)
{
	uint64_t next = next_timer_ns(run), held = wn_run_hold_next_ns(run);

	if (run->ready_first)
		return 0;
	next = held < next ? held : next;
	for (const struct wn_run_net *net = run->nets; net; net = net->next) {
		uint64_t at = wn_run_net_next_ns(net);

		if (net->probes && wn_run_probes_next_ns(net->probes) < at)
			at = wn_run_probes_next_ns(net->probes);
		if (at < next)
			next = at;
	}
	return next;
}

bool wn_run_idle(const struct wn_run *run)
{
	return run->active == 0 && run->probing == 0;
}

void wn_run_stats(const struct wn_run *run, struct wn_run_stats *out)
{
	*out = run->stats;
	out->routes_asked = run->routes.asked;
	out->routes_known = run->routes.known;
	out->pace_shared = wn_pace_shared(run->pace);
	for (const struct wn_run_net *net = run->nets; net; net = net->next)
		out->dropped += net->io->counters.overflow;
}

/* ---- changes of this machine ---- */

/* A change of this machine's network belongs into the record of every trace it can touch. */
static void note_change(struct wn_run_trace *rt, const struct wn_os_change *change)
{
	bool down = change->kind == WN_OS_LINK_DOWN;
	char addr[WN_ADDR_STRLEN], line[128];

	wn_run_ready(rt);
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
		if (!wn_addr_eq(&change->addr, &rt->src))
			return;
		wn_fmt(line, sizeof(line), "%s is no longer an address of this machine",
			wn_addr_str(&change->addr, addr));
		wn_trace_note(rt->engine.trace, WN_NOTE_ADDRESS_CHANGED, 0, line);
		break;
	case WN_OS_ADDR_NEW:
		if (!wn_addr_eq(&change->addr, &rt->src))
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
		for (uint32_t i = 0; i < run->slot_count; i++)
			if (is_running(run->slots[i]))
				note_change(run->slots[i], &change);
	}
}

/* ---- a round ---- */

static void drain_readable(struct wn_run *run)
{
	unsigned rounds = READY_ROUNDS;
	void *net[READY_MAX];
	size_t n;

	do {
		n = wn_pollset_ready(&run->poll, net, READY_MAX);
		for (size_t i = 0; i < n; i++)
			if (net[i])
				wn_run_net_drain(net[i]);
	} while (n == READY_MAX && --rounds > 0);
}

/* Of thousands of back ends few have something: their descriptors tell which, or they do. */
static void drain_all(struct wn_run *run)
{
	run->seen_ns = wn_run_now_ns(run);
	for (struct wn_run_net *net = run->nets; net; net = net->next)
		if (wn_run_net_next_ns(net) <= run->seen_ns)
			wn_run_net_drain(net);
	if (!run->virtual_time)
		drain_readable(run);
}

/* What was sent since must not look as if it had been sent in the future, whoever took his time. */
static bool must_look(const struct wn_run *run)
{
	return run->slot_count > STEP_BATCH || wn_run_now_ns(run) - run->seen_ns > STALE_NS;
}

static void flush_all(struct wn_run *run)
{
	for (struct wn_run_net *net = run->nets; net; net = net->next)
		wn_run_net_flush(net);
}

/* True: there is more to do now. */
static bool step_probes(struct wn_run *run)
{
	bool more = false;

	for (struct wn_run_net *net = run->nets; net && run->probing > 0; net = net->next)
		if (net->probes && wn_run_probes_step(net))
			more = true;
	return more;
}

static void free_one(struct wn_run_trace *rt)
{
	struct wn_run *run = rt->run;

	run->slots[rt->slot] = NULL;
	run->serials[rt->slot] = rt->serial + WN_RUN_SLOT_MASK + 1;
	run->free_slots[run->free_count++] = rt->slot;
	wn_run_trace_free(rt);
}

static void free_dropped(struct wn_run *run)
{
	struct wn_run_trace *rt;

	while ((rt = run->drops)) {
		run->drops = rt->drop_next;
		free_one(rt);
	}
}

void wn_run_drop(struct wn_run_trace *rt)
{
	struct wn_run *run = rt->run;

	assert(!rt->dropped && (rt->state == WN_RUN_DONE || rt->state == WN_RUN_PREPARED));
	rt->dropped = true;
	if (!run->processing && !rt->ready) {
		free_one(rt);
		return;
	}
	rt->drop_next = run->drops;
	run->drops = rt;
}

void wn_run_pause(struct wn_run *run)
{
	run->pause = true;
}

/*
 * The order is the point: first everything the network already holds, then the engines with the
 * time read before that, so that a process that was stopped, or a user who took his time in a
 * callback, never makes an answer late that was waiting. What was sent changes what an engine waits
 * for: it is asked again. Of many traces some send at a time, and their answers are taken before
 * others do: no queue of the kernel has to hold what all of them ask for at once.
 */
void wn_run_process(struct wn_run *run)
{
	struct wn_run_trace *rt;
	unsigned rounds = 0;
	bool more = true;

	assert(!run->processing);
	run->processing = true;
	run->pause = false;
	run->round++;
	read_monitor(run);
	drain_all(run);
	take_timers(run, run->seen_ns);
	wn_run_hold_grant(run);
	while ((run->ready_first || more) && rounds++ < ROUNDS_MAX) {
		for (unsigned i = 0; i < STEP_BATCH && (rt = take_ready(run)); i++)
			wn_run_trace_step(rt);
		more = step_probes(run);
		flush_all(run);
		if (run->pause)
			break;
		if (more || (run->ready_first && must_look(run)))
			drain_all(run);
		more = wn_run_hold_grant(run) || more;
	}
	run->processing = false;
	free_dropped(run);
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
