/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces in a main loop of GLib, which GTK and many daemons have:
 *
 *   cc -o traces glib.c common.c $(pkg-config --cflags --libs wend glib-2.0)
 *   ./traces 192.0.2.1 2001:db8::1
 */
#include <glib-unix.h>
#include <glib.h>

#include "common.h"

struct program {
	GMainLoop *loop;
	wend *w;
};

static gboolean on_readable(gint fd, GIOCondition condition, gpointer user)
{
	struct program *p = user;

	(void)fd;
	(void)condition;
	wend_process(p->w, 0);
	if (wend_active(p->w) > 0)
		return G_SOURCE_CONTINUE;
	g_main_loop_quit(p->loop);
	return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
	struct program p = {.w = traces_start(argc, argv)};

	if (!p.w)
		return 1;
	p.loop = g_main_loop_new(NULL, FALSE);
	if (wend_active(p.w) > 0) {
		g_unix_fd_add(wend_fd(p.w), G_IO_IN, on_readable, &p);
		g_main_loop_run(p.loop);
	}
	g_main_loop_unref(p.loop);
	return traces_end(p.w);
}
