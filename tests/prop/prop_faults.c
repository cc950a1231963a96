/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library on sockets that fail and under clocks that jump, over the kernel's loopback
 * interface: whatever call fails and whenever, each trace ends exactly once, nothing is told of it
 * after that, no round trip ends before it began, and neither memory nor a descriptor is left.
 */
#include "prop.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <wend/wend.h>
#include "alloc_fault.h"
#include "base/cursor.h"
#include "faults.h"
#include "ns.h"

#define STARTS_MAX 24
#define CALLS_MAX  120
#define NS_PER_MS  INT64_C(1000000)

struct started {
	uint64_t id;
	unsigned done;
	bool lookup;
};

struct world {
	struct wn_rd in;
	wend *w;
	wend_options *o;
	struct started list[STARTS_MAX];
	unsigned count;
	bool calm; /* nothing is done any more, but to wait for what is under way */
};

static unsigned pick(struct world *w, unsigned n)
{
	return wn_rd_left(&w->in) > 0 ? wn_rd_u8(&w->in) % n : 0;
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	prop_check(dir != NULL);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* ---- what is told ---- */

static void take(struct world *w, const struct wend_event *ev)
{
	struct started *s = NULL;

	for (unsigned i = 0; i < w->count; i++)
		if (w->list[i].id == ev->id)
			s = &w->list[i];
	prop_check(s != NULL);
	prop_check(s->done == 0);
	prop_check(ev->at_ns >= 0);
	prop_check(ev->rtt_ns >= -1 && ev->rtt_ns <= ev->at_ns);
	if (ev->kind != WEND_DONE)
		return;
	s->done++;
	if (s->lookup)
		return;
	prop_check(ev->stop != WEND_STOP_NONE && ev->received <= ev->sent);
	prop_check((ev->err == WEND_OK) ==
		   (ev->stop != WEND_STOP_ERROR && ev->stop != WEND_STOP_CANCELED));
}

static void act(struct world *w);

static void on_event(void *user, const struct wend_event *ev)
{
	struct world *w = user;

	take(w, ev);
	if (!w->calm && pick(w, 8) == 1)
		act(w);
}

/* ---- what is done ---- */

static void renew_options(struct world *w)
{
	wend_options_free(w->o);
	prop_check(wend_options_new(&w->o) == WEND_OK);
	(void)wend_options_set(w->o, "wait", "2ms,3,3");
	(void)wend_options_set(w->o, "max-ttl", "3");
}

static void choose_options(struct world *w)
{
	static const char *const settings[][2] = {{"protocol", "udp"}, {"protocol", "icmp"},
		{"protocol", "tcp"}, {"probes", "1"}, {"probes", "4"}, {"max-ttl", "1"},
		{"max-ttl", "5"}, {"window", "1"}, {"window", "64"}, {"source-port", "40000"},
		{"flow", "3"}, {"flow", "classic"}, {"size", "1400"}, {"source", "127.0.0.1"},
		{"source", "fd00::1"}, {"interface", "lo"}, {"tcp-method", "ack"},
		{"deadline", "3ms"}, {"numeric", "no"}, {"port", "9"}};
	unsigned i = pick(w, sizeof(settings) / sizeof(settings[0]));

	(void)wend_options_set(w->o, settings[i][0], settings[i][1]);
}

static void start(struct world *w)
{
	static const char *const targets[] = {"127.0.0.1", "127.0.0.7", "::1", "fd00::1",
		"localhost", "fd00::77", "192.0.2.1"}; /* the last two are not there */
	const char *target = targets[pick(w, 7)];
	wend_callback *callback = pick(w, 3) ? on_event : NULL;
	unsigned kind = pick(w, 6);
	uint64_t id = 0;
	int err;

	if (w->count == STARTS_MAX)
		return;
	if (kind == 1)
		err = wend_lookup(w->w, target, callback, w, &id);
	else if (kind == 0)
		err = wend_probe(w->w, target, (uint8_t)pick(w, 4), w->o, callback, w, &id);
	else
		err = wend_trace(w->w, target, w->o, callback, w, &id);
	if (err != WEND_OK) {
		prop_check(wend_error(w->w)[0] != '\0');
		return;
	}
	w->list[w->count++] = (struct started){.id = id, .lookup = kind == 1};
}

static void cancel(struct world *w)
{
	unsigned i = pick(w, STARTS_MAX);

	if (i < w->count)
		prop_check(wend_cancel(w->w, w->list[i].id) ==
			   (w->list[i].done ? WEND_ENOENT : WEND_OK));
}

static void pull(struct world *w)
{
	struct wend_event ev;

	for (unsigned n = pick(w, 20); n > 0 && wend_next_event(w->w, &ev) == WEND_OK; n--)
		take(w, &ev);
}

/* As any loop does, for at most so long. */
static void wait(struct world *w)
{
	struct pollfd fd = {.fd = wend_fd(w->w), .events = POLLIN};

	if (poll(&fd, 1, (int)pick(w, 3)) > 0)
		(void)wend_process(w->w, pick(w, 8));
}

static void fail(struct world *w)
{
	static const struct {
		enum fault_call call;
		int sys;
	} faults[] = {{FAULT_SOCKET, EMFILE}, {FAULT_SOCKET, EPERM}, {FAULT_SOCKET, ENOBUFS},
		{FAULT_BIND, EADDRINUSE}, {FAULT_BIND, EACCES}, {FAULT_CONNECT, ENETDOWN},
		{FAULT_CONNECT, EADDRNOTAVAIL}, {FAULT_CONNECT, EPERM}, {FAULT_SETSOCKOPT, EPERM},
		{FAULT_SETSOCKOPT, ENOMEM}, {FAULT_SEND, ENOBUFS}, {FAULT_SEND, EAGAIN},
		{FAULT_SEND, EPERM}, {FAULT_SEND, ENETDOWN}, {FAULT_SEND, ENETUNREACH},
		{FAULT_SEND, EINTR}, {FAULT_SEND, ENOMEM}, {FAULT_SEND, EMSGSIZE},
		{FAULT_SEND, EINVAL}, {FAULT_SEND, EADDRNOTAVAIL}, {FAULT_RECEIVE, EAGAIN},
		{FAULT_RECEIVE, EINTR}, {FAULT_RECEIVE, ENETDOWN}, {FAULT_RECEIVE, ENOMEM},
		{FAULT_RECEIVE, ECONNREFUSED}, {FAULT_ASK, ENOBUFS}, {FAULT_ASK, EINTR},
		{FAULT_EPOLL_CREATE, EMFILE}, {FAULT_EPOLL_CTL, ENOSPC},
		{FAULT_TIMER_CREATE, EMFILE}, {FAULT_OPEN, EMFILE}};
	unsigned i = pick(w, sizeof(faults) / sizeof(faults[0]));
	unsigned after = pick(w, 12), count = pick(w, 40);

	/* None: for as long as nothing else is to fail there, but for a signal, which passes. */
	if (count == 0)
		count = faults[i].sys == EINTR ? 1 : FAULT_ALWAYS;
	fault_set(faults[i].call, faults[i].sys, after, count);
}

static void jump(struct world *w)
{
	static const int64_t steps_ns[] = {
		1000, 15000, 30000, NS_PER_MS, 40 * NS_PER_MS, 3600000 * NS_PER_MS};
	int64_t step_ns = steps_ns[pick(w, 6)];

	switch (pick(w, 3)) {
	case 0:
		fault_jump_wall(step_ns);
		break;
	case 1:
		fault_jump_wall(-step_ns);
		break;
	default: /* this one never goes back; more than a minute at once is a stopped process */
		fault_jump_mono(
			(uint64_t)(step_ns > 60000 * NS_PER_MS ? 60000 * NS_PER_MS : step_ns));
		break;
	}
}

static void act(struct world *w)
{
	static void (*const acts[])(struct world * w) = {renew_options, choose_options, start,
		start, start, cancel, pull, wait, wait, fail, jump};

	acts[pick(w, sizeof(acts) / sizeof(acts[0]))](w);
}

/* Once nothing fails any more, all comes to its end by itself. */
static void finish(struct world *w)
{
	struct wend_event ev;

	w->calm = true;
	fault_clear();
	prop_check(wend_run(w->w, 20000000) == WEND_OK);
	while (wend_next_event(w->w, &ev) == WEND_OK)
		take(w, &ev);
	for (unsigned i = 0; i < w->count; i++)
		prop_check(w->list[i].done == 1);
	prop_check(wend_active(w->w) == 0);
}

static void use(struct world *w)
{
	bool to_the_end = pick(w, 4) > 0;

	for (unsigned i = 0; i < CALLS_MAX && wn_rd_left(&w->in) > 0; i++)
		act(w);
	if (to_the_end)
		finish(w);
	prop_check(wend_free(w->w) == WEND_OK);
	for (unsigned i = 0; i < w->count; i++)
		prop_check(w->list[i].done <= 1);
}

static void enter_once(void)
{
	static bool entered;

	if (!entered && ns_enter())
		(void)ns_address("fd00::1", 128, true);
	entered = true;
}

int prop_faults(const uint8_t *data, size_t size)
{
	/* Nobody is there to answer questions about names. */
	struct wend_config config = {.size = sizeof(config), .resolver = "127.0.0.1:9"};
	unsigned long live = alloc_fault_live();
	struct world w = {0};
	unsigned before;

	enter_once();
	before = open_descriptors();
	wn_rd_init(&w.in, data, size);
	if (pick(&w, 3) == 1)
		config.backend = WEND_BACKEND_ERRQUEUE;
	if (pick(&w, 8) == 1)
		fail(&w);
	renew_options(&w);
	if (wend_new(&config, &w.w) == WEND_OK)
		use(&w);
	wend_options_free(w.o);
	fault_clear();
	prop_check(open_descriptors() == before);
	prop_check(alloc_fault_live() == live);
	return 0;
}
