/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces in a loop of libuv:
 *
 *   cc -o traces libuv.c common.c $(pkg-config --cflags --libs wend libuv)
 *   ./traces 192.0.2.1 2001:db8::1
 */
#include <uv.h>

#include "common.h"

static void on_readable(uv_poll_t *handle, int status, int events)
{
	wend *w = handle->data;

	(void)status;
	(void)events;
	wend_process(w, 0);
	if (wend_active(w) == 0)
		uv_close((uv_handle_t *)handle, NULL); /* the last one: the loop ends */
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	wend *w = traces_start(argc, argv);
	uv_poll_t handle;

	if (!w)
		return 1;
	if (wend_active(w) > 0) {
		uv_poll_init(loop, &handle, wend_fd(w));
		handle.data = w;
		uv_poll_start(&handle, UV_READABLE, on_readable);
		uv_run(loop, UV_RUN_DEFAULT);
	}
	uv_loop_close(loop);
	return traces_end(w);
}
