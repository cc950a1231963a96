/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked output. A result that did not arrive is a failed run, so nothing here ignores what the
 * system says, up to the last close.
 */
#include "cli/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define CHUNK_BYTES 4096 /* PIPE_BUF: a pipe that polls writable takes that much */

void wn_sink_init(struct wn_sink *s, int fd, const char *name)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->name = name;
	signal(SIGPIPE, SIG_IGN);
}

static bool open_file(struct wn_sink *s, const char *path, int how)
{
	/* Nothing may wait here, where signals do not reach us: a pipe without reader is an error.
	 */
	int fd = wn_cli_open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | how);

	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	wn_sink_init(s, fd, path);
	s->owned = true;
	return fd >= 0;
}

bool wn_sink_open(struct wn_sink *s, const char *path)
{
	return open_file(s, path, O_TRUNC);
}

bool wn_sink_append(struct wn_sink *s, const char *path)
{
	return open_file(s, path, O_APPEND);
}

/* As much as goes out at once: whole lines, where there are any. */
static size_t chunk(const char *data, size_t left)
{
	const char *newline = left > CHUNK_BYTES ? memrchr(data, '\n', CHUNK_BYTES) : NULL;

	if (left <= CHUNK_BYTES)
		return left;
	return newline ? (size_t)(newline + 1 - data) : CHUNK_BYTES;
}

/* What is written is taken out of the buffer, though not a little of much each time. */
static void take_out(struct wn_sink *s)
{
	if (s->failed || s->done == s->buf.len) {
		wn_strbuf_reset(&s->buf);
		s->done = 0;
	} else if (s->done > s->buf.len / 2) {
		memmove(s->buf.data, s->buf.data + s->done, s->buf.len - s->done + 1);
		s->buf.len -= s->done;
		s->done = 0;
	}
}

/*
 * Writes while poll says that there is room for a chunk. wait_ms -1 waits for room; a signal ends
 * the waiting.
 */
static void push(struct wn_sink *s, int wait_ms)
{
	if (!s->failed && s->buf.err != WN_OK)
		s->failed = ENOMEM;
	while (!s->failed && s->done < s->buf.len) {
		struct pollfd p = {.fd = s->fd, .events = POLLOUT};
		const char *at = s->buf.data + s->done;
		int ready = poll(&p, 1, wait_ms);
		ssize_t n;

		if (ready == 0)
			break;
		if (ready < 0) {
			s->failed = wait_ms < 0 || errno != EINTR ? errno : 0;
			break;
		}
		n = write(s->fd, at, chunk(at, s->buf.len - s->done));
		if (n > 0)
			s->done += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			s->failed = n == 0 ? EIO : errno;
	}
	take_out(s);
}

size_t wn_sink_waiting(const struct wn_sink *s)
{
	return s->buf.len - s->done;
}

bool wn_sink_flush(struct wn_sink *s)
{
	push(s, 0);
	return !s->failed;
}

/* fsync of what is no file fails, which says nothing about what was written. */
static bool sync_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || fsync(fd) == 0);
}

int wn_sink_close(struct wn_sink *s)
{
	push(s, -1);
	if (s->fd >= 0 && s->owned) {
		if (!s->failed && !sync_file(s->fd))
			s->failed = errno;
		if (close(s->fd) != 0 && errno != EINTR && !s->failed)
			s->failed = errno;
	}
	s->fd = -1;
	wn_strbuf_fini(&s->buf);
	if (!s->failed)
		return WN_EXIT_OK;
	if (s->failed == EINTR)
		return wn_cli_fail(WN_EXIT_FAILED, "interrupted while writing to %s", s->name);
	if (s->failed != EPIPE && s->failed != ECONNRESET)
		wn_cli_fail(WN_EXIT_FAILED, "cannot write to %s: %s", s->name, strerror(s->failed));
	return WN_EXIT_FAILED;
}
