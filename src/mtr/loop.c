/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets are opened, privileges are given up, then one loop over three descriptors: commands, the
 * network, answers. What arrived is always taken before anything is sent.
 */
#include "mtr/mtr.h"
#include "mtr/mtr_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define READ_BYTES   65536
#define OUTPUT_HIGH  (16u << 20) /* bytes of answers that wait: no more commands are read */
#define PROBES_HIGH  500000u	 /* the same for probes under way */
#define DIALECT_NAME "WEND_PACKET_DIALECT"

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* The words of mtr 0.95, which Debian 12 has, or those of its successors. */
static bool read_dialect(const char *argv0, bool *out_newer)
{
	const char *asked = getenv(DIALECT_NAME);

	*out_newer = ends_with(argv0, "-0.96");
	if (!asked || !*asked)
		return true;
	*out_newer = strcmp(asked, "0.96") == 0;
	if (*out_newer || strcmp(asked, "0.95") == 0)
		return true;
	fprintf(stderr, "%s: %s=%s: it must be 0.95 or 0.96\n", argv0, DIALECT_NAME, asked);
	return false;
}

/* Without raw sockets each probe has some of its own. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Which protocols can be had at all, and their sockets where they take privileges. */
static int open_sockets(struct mtr *m)
{
	static const int protos[PROTOS] = {
		[PROTO_ICMP] = WEND_ICMP, [PROTO_UDP] = WEND_UDP, [PROTO_TCP] = WEND_TCP};
	wend_options *o;
	int err = wend_options_new(&o);

	for (int i = 0; i < PROTOS && !err; i++) {
		(void)wend_options_set_protocol(o, protos[i]);
		err = wend_open_probes(m->w, o);
		m->can[i] = wend_can_probe(m->w, protos[i]) == WEND_OK;
		if (err != WEND_ENOMEM)
			err = WEND_OK;
	}
	wend_options_free(o);
	return err;
}

static int begin(struct mtr *m, const char *argv0)
{
	int err = wend_new(NULL, &m->w);

	if (!err)
		err = open_sockets(m);
	if (err) {
		fprintf(stderr, "%s: %s\n", argv0, wend_err_text(err));
		return err;
	}
	raise_descriptors();
	err = wend_drop_privileges(m->w);
	if (err)
		fprintf(stderr, "%s: privileges cannot be given up: %s\n", argv0, wend_error(m->w));
	return err;
}

static bool may_read(const struct mtr *m)
{
	return m->out.len < OUTPUT_HIGH && wend_active(m->w) < PROBES_HIGH && !m->held;
}

/* False: no more will come. */
static bool take_input(struct mtr *m, char *buffer)
{
	ssize_t n = read(STDIN_FILENO, buffer, READ_BYTES);

	if (n > 0)
		mtr_input(m, buffer, (size_t)n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static int loop(struct mtr *m, char *buffer)
{
	bool open = true;

	while (open || wend_active(m->w) > 0 || m->held || m->out.len > 0) {
		struct pollfd fd[3] = {
			{.fd = open && may_read(m) ? STDIN_FILENO : -1, .events = POLLIN},
			{.fd = wend_fd(m->w), .events = POLLIN},
			{.fd = m->out.len > 0 ? STDOUT_FILENO : -1, .events = POLLOUT},
		};

		if (poll(fd, 3, -1) < 0 && errno != EINTR)
			return 1;
		if (fd[1].revents)
			wend_process(m->w, 0);
		if (fd[0].revents)
			open = take_input(m, buffer);
		if (fd[0].revents)
			wend_process(m->w, 0);
		if (m->held)
			mtr_retry_held(m);
		mtr_output_flush(&m->out);
		if (m->out.broken)
			return 1;
	}
	return 0;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Nothing of ours may come to lie where one of the three is closed. */
static bool has_ends(const char *argv0)
{
	if (!is_open(STDOUT_FILENO)) {
		fprintf(stderr, "%s: standard output is closed\n", argv0);
		return false;
	}
	if (!is_open(STDIN_FILENO) && open("/dev/null", O_RDONLY) != STDIN_FILENO)
		return false;
	return is_open(STDERR_FILENO) || open("/dev/null", O_WRONLY) == STDERR_FILENO;
}

int wn_mtr_main(int argc, char **argv)
{
	const char *argv0 = argc > 0 ? argv[0] : "mtr-packet";
	struct mtr *m = calloc(1, sizeof(*m));
	char *buffer = malloc(READ_BYTES);
	int code = 1;

	if (!m || !buffer) {
		fprintf(stderr, "%s: out of memory\n", argv0);
	} else if (has_ends(argv0) && read_dialect(argv0, &m->newer)) {
		m->held_end = &m->held;
		mtr_output_init(&m->out);
		if (begin(m, argv0) == WEND_OK)
			code = loop(m, buffer);
		mtr_probes_fini(m);
		(void)wend_free(m->w);
		mtr_output_fini(&m->out);
	}
	free(buffer);
	free(m);
	return code;
}
