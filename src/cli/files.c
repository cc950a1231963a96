/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: files named by the user are opened with the user's rights, never with more. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/cli.h"

#define TOPOLOGY_MAX (4u << 20)

int wn_cli_open(const char *path, int flags)
{
	uid_t euid = geteuid();
	gid_t egid = getegid();
	bool lower = euid != getuid() || egid != getgid();
	int fd, sys;

	if (lower && (setegid(getgid()) != 0 || seteuid(getuid()) != 0))
		return -1;
	fd = open(path, flags, 0666);
	sys = errno;
	if (lower && (seteuid(euid) != 0 || setegid(egid) != 0)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	errno = sys;
	return fd;
}

/* A pipe that nobody reads has no error number of its own. */
const char *wn_cli_why_not_open(const char *path, int sys)
{
	struct stat st;

	if (sys == ENXIO && stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
		return "no reader";
	return strerror(sys);
}

static wn_err read_all(int fd, struct wn_strbuf *out)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno != EINTR)
			return WN_EIO;
		if (n > 0)
			wn_strbuf_add(out, chunk, (size_t)n);
		if (out->err != WN_OK)
			return out->err;
		if (out->len > TOPOLOGY_MAX)
			return WN_EMSGSIZE;
	}
	return WN_OK;
}

static wn_err load(const char *path, struct wn_strbuf *text, struct wn_errctx *ctx)
{
	int fd = wn_cli_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	wn_err err;

	if (fd < 0)
		return wn_fail_sys(
			ctx, WN_EIO, errno, "cannot open topology %s: %s", path, strerror(errno));
	err = read_all(fd, text);
	if (err == WN_EIO)
		wn_fail_sys(ctx, err, errno, "cannot read topology %s: %s", path, strerror(errno));
	else if (err == WN_EMSGSIZE)
		err = wn_fail(ctx, WN_EPARSE, "topology %s is larger than 4 MiB", path);
	else if (err != WN_OK)
		wn_fail(ctx, err, "out of memory");
	close(fd);
	return err;
}

wn_err wn_cli_topology_text(const char *path, struct wn_strbuf *out, struct wn_errctx *ctx)
{
	wn_err err;

	if (strcmp(path, "builtin") != 0)
		return load(path, out, ctx);
	wn_strbuf_puts(out, wn_topo_builtin());
	err = out->err;
	return err == WN_OK ? err : wn_fail(ctx, err, "out of memory");
}

wn_err wn_cli_topology(const char *path, struct wn_topo **out, struct wn_errctx *ctx)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	struct wn_errctx why = {0};
	wn_err err = wn_cli_topology_text(path, &text, ctx);

	if (err == WN_OK) {
		err = wn_topo_parse(wn_strbuf_str(&text), text.len, out, &why);
		if (err != WN_OK)
			err = wn_fail(ctx, err == WN_ENOMEM ? err : WN_EPARSE, "topology %s: %s",
				path, why.text);
	}
	wn_strbuf_fini(&text);
	return err;
}

int wn_cli_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
		return -1;
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}
