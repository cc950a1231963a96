/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A context of the library by hand, for tests in namespaces. Options of its traces are arguments
 * (protocol=icmp), and so are its own bounds (all-pps, destination-pps, router-pps). Commands are
 * lines on stdin, each answered by one JSON line:
 *
 *   trace ADDRESS        one trace to its end
 *   many COUNT ADDRESS   so many at once, to this IPv4 address and those that follow it
 *   stand COUNT ADDRESS  the same, with a line before: packets sent until there was nothing to do
 *                        but to wait
 *   stats                the context's counters
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wend/wend.h>
#include "base/addr.h"

struct count {
	unsigned done, reached, replies, lost, sent;
	int64_t worst_rtt_ns;
};

static void on_event(void *user, const struct wend_event *ev)
{
	struct count *c = user;

	c->lost += ev->kind == WEND_LOST;
	c->replies += ev->kind == WEND_REPLY;
	if (ev->kind == WEND_REPLY && ev->rtt_ns > c->worst_rtt_ns)
		c->worst_rtt_ns = ev->rtt_ns;
	if (ev->kind != WEND_DONE)
		return;
	c->done++;
	c->reached += ev->reached;
	c->sent += (unsigned)ev->sent;
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Until the descriptor says that there is nothing to do now. */
static void tell_standing(wend *w)
{
	struct wend_stats s = {.size = sizeof(s)};
	struct pollfd fd = {.fd = wend_fd(w), .events = POLLIN};

	while (poll(&fd, 1, 0) > 0)
		if (wend_process(w, 0) < 0)
			fail("process", wend_error(w));
	if (wend_stats(w, &s) != WEND_OK)
		fail("stats", "refused");
	printf("{\"sent\":%llu}\n", (unsigned long long)s.sent);
	fflush(stdout);
}

static void run(wend *w, const wend_options *o, unsigned count, const char *first, bool standing)
{
	struct count c = {0};
	struct wn_addr a;
	double began = now_s();

	if (wn_addr_parse(first, &a) != WN_OK)
		fail(first, "no address");
	for (unsigned i = 0; i < count; i++) {
		char text[WN_ADDR_STRLEN];

		wn_addr_str(&a, text);
		if (wend_trace(w, text, o, on_event, &c, NULL) != WEND_OK)
			fail(text, wend_error(w));
		if (a.family == 4)
			a = wn_addr_v4(wn_addr_to_v4(&a) + 1);
	}
	if (standing)
		tell_standing(w);
	if (wend_run(w, -1) != WEND_OK)
		fail("run", wend_error(w));
	printf("{\"done\":%u,\"reached\":%u,\"replies\":%u,\"lost\":%u,\"sent\":%u,"
	       "\"worst_rtt_ms\":%.3f,\"seconds\":%.3f}\n",
		c.done, c.reached, c.replies, c.lost, c.sent, (double)c.worst_rtt_ns / 1e6,
		now_s() - began);
}

static void tell_stats(const wend *w)
{
	struct wend_stats s = {.size = sizeof(s)};

	if (wend_stats(w, &s) != WEND_OK)
		fail("stats", "refused");
#define PUT(field, end) printf("\"" #field "\":%llu" end, (unsigned long long)s.field)
	printf("{");
	PUT(sent, ",");
	PUT(waits_pace, ",");
	PUT(waits_room, ",");
	PUT(eagain, ",");
	PUT(enobufs, ",");
	PUT(dropped, ",");
	PUT(routes_asked, ",");
	PUT(routes_known, ",");
	PUT(pace_shared, "}\n");
#undef PUT
}

static void obey(wend *w, const wend_options *o, char *line)
{
	char first[64];
	unsigned count = 1;

	if (sscanf(line, "trace %63s", first) == 1 ||
		sscanf(line, "many %u %63s", &count, first) == 2)
		run(w, o, count, first, false);
	else if (sscanf(line, "stand %u %63s", &count, first) == 2)
		run(w, o, count, first, true);
	else if (strncmp(line, "stats", 5) == 0)
		tell_stats(w);
	else
		fail(line, "no such command");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct wend_config config = {.size = sizeof(config)};
	wend_options *o;
	char line[128];
	wend *w;

	if (wend_options_new(&o) != WEND_OK)
		return 1;
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			fail(argv[i], "should be key=value");
		*value++ = '\0';
		if (strcmp(argv[i], "all-pps") == 0)
			config.pps = (uint32_t)atoi(value);
		else if (strcmp(argv[i], "destination-pps") == 0)
			config.pps_per_destination = (uint32_t)atoi(value);
		else if (strcmp(argv[i], "router-pps") == 0)
			config.pps_per_router = (uint32_t)atoi(value);
		else if (wend_options_set(o, argv[i], value) != WEND_OK)
			fail(argv[i], wend_options_error(o));
	}
	if (wend_new(&config, &w) != WEND_OK)
		fail("context", "cannot be made");
	while (fgets(line, sizeof(line), stdin))
		obey(w, o, line);
	wend_free(w);
	wend_options_free(o);
	return 0;
}
