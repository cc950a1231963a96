/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces in a plain poll() loop:
 *
 *   cc -o traces poll.c common.c $(pkg-config --cflags --libs wend)
 *   ./traces 192.0.2.1 2001:db8::1
 */
#include <errno.h>
#include <poll.h>

#include "common.h"

int main(int argc, char **argv)
{
	struct pollfd fd = {.events = POLLIN};
	wend *w = traces_start(argc, argv);

	if (!w)
		return 1;
	fd.fd = wend_fd(w);
	while (wend_active(w) > 0) {
		if (poll(&fd, 1, -1) < 0 && errno != EINTR)
			break;
		wend_process(w, 0);
	}
	return traces_end(w);
}
