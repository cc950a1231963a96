/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers wait here until they can be written without blocking.
 *
 * A client that takes each read of the pipe for one answer (twisted-mtr does) loses all but the
 * first of those that come together. So a pipe is made as small as pipes get, one page: it is
 * writable only when it is empty, and a line written then is what the next read returns. For
 * everybody else it is the same stream of bytes.
 */
#include "mtr/mtr_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAP_MIN	  4096u
#define PAGE_SIZE 4096
#define SAY_MAX	  512

void mtr_output_init(struct output *out)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (fstat(STDOUT_FILENO, &st) != 0)
		return;
	out->is_socket = S_ISSOCK(st.st_mode);
	out->one_by_one = S_ISFIFO(st.st_mode);
	if (out->one_by_one)
		(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PAGE_SIZE);
}

void mtr_output_fini(struct output *out)
{
	free(out->bytes);
	out->bytes = NULL;
}

static bool make_room(struct output *out, size_t more)
{
	size_t cap = out->cap ? out->cap : CAP_MIN;
	char *bytes;

	if (out->head + out->len + more <= out->cap)
		return true;
	if (out->head > 0 && out->head >= out->len) {
		memmove(out->bytes, out->bytes + out->head, out->len);
		out->head = 0;
		if (out->len + more <= out->cap)
			return true;
	}
	while (cap < out->head + out->len + more)
		cap *= 2;
	bytes = realloc(out->bytes, cap);
	if (!bytes)
		return false;
	out->bytes = bytes;
	out->cap = cap;
	return true;
}

void mtr_say(struct mtr *m, const char *format, ...)
{
	struct output *out = &m->out;
	va_list args;
	int len;

	if (!make_room(out, SAY_MAX)) {
		out->broken = true;
		return;
	}
	va_start(args, format);
	len = vsnprintf(out->bytes + out->head + out->len, SAY_MAX, format, args);
	va_end(args);
	if (len < 0 || len >= SAY_MAX)
		return; /* no answer is that long */
	out->len += (size_t)len;
	out->bytes[out->head + out->len++] = '\n';
}

static size_t first_line(const struct output *out)
{
	const char *at = out->bytes + out->head;
	const char *end = memchr(at, '\n', out->len);

	return end ? (size_t)(end - at) + 1 : out->len;
}

/* poll() is asked although a pipe could be written to: only its answer tells that it is empty. */
static bool is_writable(void)
{
	struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&fd, 1, 0) > 0;
}

void mtr_output_flush(struct output *out)
{
	while (out->len > 0 && !out->broken && is_writable()) {
		const char *at = out->bytes + out->head;
		size_t want = out->one_by_one ? first_line(out) : out->len;
		ssize_t n = out->is_socket ? send(STDOUT_FILENO, at, want, MSG_DONTWAIT)
					   : write(STDOUT_FILENO, at, want);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n < 0) {
			out->broken = true;
			return;
		}
		out->head += (size_t)n;
		out->len -= (size_t)n;
		if (out->len == 0)
			out->head = 0;
	}
}
