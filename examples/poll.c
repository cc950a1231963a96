/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces all the targets of the command line at once in a plain poll() loop:
 *
 *   cc -o traces poll.c $(pkg-config --cflags --libs wend)
 *   ./traces 192.0.2.1 2001:db8::1
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <wend/wend.h>

static void on_event(void *user, const struct wend_event *ev)
{
	const char *target = user;
	char address[WEND_ADDRESS_TEXT];

	if (ev->kind == WEND_REPLY && ev->probe == 0)
		printf("%s: %2u  %s  %.3f ms\n", target, ev->ttl, wend_event_address(ev, address),
			(double)ev->rtt_ns / 1e6);
	else if (ev->kind == WEND_DONE)
		printf("%s: %s%s%s\n", target, wend_stop_name(ev->stop), ev->err ? ": " : "",
			ev->err ? wend_err_text(ev->err) : "");
}

int main(int argc, char **argv)
{
	struct pollfd fd = {.events = POLLIN};
	int err, code = 0;
	wend *w;

	err = wend_new(NULL, &w);
	if (err != WEND_OK) {
		fprintf(stderr, "wend: %s\n", wend_err_text(err));
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		if (wend_trace(w, argv[i], NULL, on_event, argv[i], NULL) == WEND_OK)
			continue;
		fprintf(stderr, "%s: %s\n", argv[i], wend_error(w));
		code = 1;
	}
	fd.fd = wend_fd(w);
	while (wend_active(w) > 0) {
		if (poll(&fd, 1, -1) < 0 && errno != EINTR)
			break;
		wend_process(w, 0);
	}
	wend_free(w);
	return code;
}
