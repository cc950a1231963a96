/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of wend pipe. Nothing is lost for want of a reader: while much waits to be written, no
 * request is read and the library is left alone, so that nothing more is sent and what comes in
 * waits in the kernel, with its time on it. poll() and not epoll, which takes no files.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/pipe.h"

#define OUT_HIGH      (256u * 1024)	   /* bytes that wait to be written */
#define LINES_AT_ONCE 64		   /* of input before the network has its turn */
#define GRACE_NS      UINT64_C(1000000000) /* after a signal, without any progress */
#define MS	      UINT64_C(1000000)

enum { IN, OUT, LIBRARY, SIGNALS, FDS };

static bool is_high(const struct wn_pipe *p)
{
	return wn_sink_waiting(&p->out) >= OUT_HIGH;
}

static bool may_ask(const struct wn_pipe *p)
{
	return !p->interrupted && p->active < p->parallel && !is_high(p);
}

static bool is_over(const struct wn_pipe *p)
{
	bool asked = p->interrupted || (p->in.ended && !p->more);

	return p->out.failed || (asked && p->active == 0 && wn_sink_waiting(&p->out) == 0);
}

/* ---- output ---- */

static void pull(struct wn_pipe *p)
{
	struct wend_event ev;

	while (!is_high(p) && wend_next_event(p->w, &ev) == WEND_OK)
		wn_pipe_take(p, &ev);
}

static void advance(struct wn_pipe *p)
{
	pull(p);
	if (is_high(p))
		return;
	wend_process(p->w, 0);
	pull(p);
}

/* ---- input ---- */

static void read_input(struct wn_pipe *p)
{
	size_t room;
	char *at = wn_in_lines_room(&p->in, &room);
	ssize_t n = read(STDIN_FILENO, at, room);

	if (n > 0) {
		wn_in_lines_add(&p->in, (size_t)n);
	} else if (n == 0) {
		p->in.ended = true;
	} else if (errno != EINTR && errno != EAGAIN) {
		p->in.ended = true;
		p->in_errno = errno;
	}
}

static void ask(struct wn_pipe *p, bool readable)
{
	const char *line;
	size_t len;

	p->more = true;
	for (unsigned i = 0; i < LINES_AT_ONCE && may_ask(p); i++) {
		switch (wn_in_lines_next(&p->in, &line, &len)) {
		case WN_IN_LINE_WHOLE:
			wn_pipe_ask(p, line, len);
			break;
		case WN_IN_LINE_TOO_LONG:
			wn_pipe_ask_too_long(p);
			break;
		case WN_IN_LINE_NONE:
			p->more = readable && !p->in.ended;
			if (!p->more)
				return;
			read_input(p);
			readable = false;
			break;
		}
	}
}

/* ---- signals ---- */

/* Whoever insists is obeyed at once. */
static void take_signals(struct wn_pipe *p)
{
	struct signalfd_siginfo info;

	while (read(p->signal_fd, &info, sizeof(info)) > 0) {
		if (p->interrupted)
			_exit(WN_EXIT_UNREACHED);
		p->interrupted = true;
		wn_pipe_cancel_all(p);
	}
}

/* Nothing has moved since a signal: nobody reads, or a name server does not answer. */
static void give_up(struct wn_pipe *p)
{
	if (wn_sink_waiting(&p->out) > 0)
		p->out.failed = EINTR;
	else
		wn_pipe_abandon_all(p);
}

static void hurry(struct wn_pipe *p)
{
	uint64_t left = wn_sink_waiting(&p->out) + p->active, now_ns = wn_os_mono_ns();

	if (left == p->left && now_ns >= p->give_up_ns)
		give_up(p);
	if (left != p->left)
		p->give_up_ns = now_ns + GRACE_NS;
	p->left = left;
}

/* ---- the loop ---- */

static int timeout_ms(const struct wn_pipe *p)
{
	uint64_t now_ns = wn_os_mono_ns();

	if (p->more && may_ask(p))
		return 0;
	if (!p->interrupted)
		return -1;
	return p->give_up_ns > now_ns ? (int)((p->give_up_ns - now_ns) / MS) + 1 : 0;
}

static int turn(struct wn_pipe *p)
{
	bool listen = may_ask(p) && !p->more && !p->in.ended;
	struct pollfd fds[FDS] = {
		[IN] = {.fd = listen ? STDIN_FILENO : -1, .events = POLLIN},
		/* Without anything to write it tells that the reader is gone. */
		[OUT] = {.fd = p->out.fd, .events = wn_sink_waiting(&p->out) > 0 ? POLLOUT : 0},
		[LIBRARY] = {.fd = is_high(p) ? -1 : wend_fd(p->w), .events = POLLIN},
		[SIGNALS] = {.fd = p->signal_fd, .events = POLLIN},
	};
	int n = poll(fds, FDS, timeout_ms(p));

	if (n < 0 && errno != EINTR)
		return wn_cli_fail(
			WN_EXIT_FAILED, "pipe: cannot wait for requests: %s", strerror(errno));
	if (n < 0)
		return WN_EXIT_OK;
	take_signals(p);
	wn_sink_flush(&p->out);
	advance(p);
	ask(p, fds[IN].revents != 0);
	wn_sink_flush(&p->out);
	if (p->interrupted)
		hurry(p);
	if ((fds[OUT].revents & (POLLERR | POLLHUP)) && !is_over(p))
		p->out.failed = EPIPE;
	return WN_EXIT_OK;
}

int wn_pipe_run(struct wn_pipe *p)
{
	int code = WN_EXIT_OK;

	wn_pipe_tell_hello(p);
	wn_sink_flush(&p->out);
	while (code == WN_EXIT_OK && !is_over(p))
		code = turn(p);
	if (code == WN_EXIT_OK && p->interrupted)
		code = WN_EXIT_UNREACHED;
	if (code == WN_EXIT_OK && p->in_errno)
		code = wn_cli_fail(WN_EXIT_FAILED, "pipe: cannot read standard input: %s",
			strerror(p->in_errno));
	return code;
}
