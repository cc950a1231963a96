/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces in a loop of libevent:
 *
 *   cc -o traces libevent.c common.c $(pkg-config --cflags --libs wend libevent)
 *   ./traces 192.0.2.1 2001:db8::1
 */
#include <event2/event.h>

#include "common.h"

static void on_readable(evutil_socket_t fd, short what, void *user)
{
	wend *w = user;

	(void)fd;
	(void)what;
	wend_process(w, 0);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct event *readable;
	wend *w = traces_start(argc, argv);

	if (!w || !base)
		return 1;
	readable = event_new(base, wend_fd(w), EV_READ | EV_PERSIST, on_readable, w);
	event_add(readable, NULL);
	while (wend_active(w) > 0 && event_base_loop(base, EVLOOP_ONCE) == 0)
		continue;
	event_free(readable);
	event_base_free(base);
	return traces_end(w);
}
