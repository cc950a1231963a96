/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wend batch. Everything that needs a privilege or a file comes first, then all privileges go, and
 * only then is anything read that others have written: the list, and what an output file holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "os/os.h"

#define NS_PER_MS      UINT64_C(1000000)
#define DNS_TIMEOUT_NS UINT64_C(5000000000)
#define GRACE_NS       UINT64_C(3000000000) /* for what is under way, after the first signal */
#define OUT_MAX	       (1u << 20)	    /* bytes that wait to be taken: nothing new begins */
#define ASKED_MAX      768		    /* questions of DNS: the same */
#define BEGIN_MAX      64		    /* lines, until the network is looked at again */
/* Descriptors that a line takes without shared sockets, at most: of one flow, and of many. */
#define FDS_PER_LINE	4
#define FDS_PER_CLASSIC 110
#define FDS_OTHER	64

void wn_batch_say(struct wn_batch *b, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	wn_vfmt(text, sizeof(text), fmt, ap);
	va_end(ap);
	wn_batch_bar_erase(b);
	wn_cli_fail(0, "%s", text);
}

void wn_batch_fail(struct wn_batch *b, int code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	wn_vfmt(text, sizeof(text), fmt, ap);
	va_end(ap);
	wn_batch_say(b, "%s", text);
	b->code = code;
}

/* ---- words ---- */

static int read_request(struct wn_request *req, int argc, char **argv, const char **operand)
{
	struct wn_errctx ctx = {0};
	size_t count;
	wn_err err;

	wn_request_init(req);
	err = wn_request_argv(req, "batch", argc - 1, argv + 1, operand, 1, &count, &ctx);
	if (err == WN_OK && (req->help || req->version))
		return WN_EXIT_OK;
	if (err == WN_OK && count == 0)
		err = wn_fail(&ctx, WN_EUSAGE,
			"no list; give a file with a target on each line, or - for standard input");
	if (err == WN_OK && req->resume && !req->output)
		err = wn_fail(&ctx, WN_EUSAGE,
			"--resume needs -o FILE: the file with the results of the batch that is to "
			"go on");
	if (err == WN_OK)
		err = wn_request_check(req, &ctx);
	return err == WN_OK ? WN_EXIT_OK : wn_cli_fail(WN_EXIT_USAGE, "%s", ctx.text);
}

/* ---- files and sockets ---- */

/* What is in a file may have taken days: it is not emptied by a command that was meant to go on. */
static int open_results(struct wn_batch *b)
{
	const char *path = b->req.output;
	struct stat st;

	if (!wn_sink_append(&b->out, path))
		return wn_cli_fail(WN_EXIT_FAILED, "cannot open --output %s: %s", path,
			wn_cli_why_not_open(path, errno));
	b->out_open = true;
	if (fstat(b->out.fd, &st) != 0)
		return wn_cli_fail(
			WN_EXIT_FAILED, "cannot open --output %s: %s", path, strerror(errno));
	b->out_regular = S_ISREG(st.st_mode);
	if (!b->out_regular)
		return b->req.resume
			       ? wn_cli_fail(WN_EXIT_USAGE,
					 "--resume: %s is no file that could be read again", path)
			       : WN_EXIT_OK;
	if (flock(b->out.fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return wn_cli_fail(
			WN_EXIT_FAILED, "another batch is writing to %s at this moment", path);
	if (!b->req.resume && st.st_size > 0)
		return wn_cli_fail(WN_EXIT_USAGE,
			"%s is not empty: go on with it by --resume, or remove it first", path);
	if (!b->req.resume)
		return WN_EXIT_OK;
	b->out_read = wn_cli_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return b->out_read >= 0 ? WN_EXIT_OK
				: wn_cli_fail(WN_EXIT_FAILED, "cannot read --output %s: %s", path,
					  strerror(errno));
}

static int open_output(struct wn_batch *b)
{
	if (b->req.output)
		return open_results(b);
	wn_sink_init(&b->out, STDOUT_FILENO, "standard output");
	b->out_open = true;
	return WN_EXIT_OK;
}

static int open_run(struct wn_batch *b)
{
	struct wn_dns_config dns = {.servers = b->req.resolver, .timeout_ns = DNS_TIMEOUT_NS};
	struct wn_errctx ctx = {0};
	const struct wn_pace_config pace = {
		.pps = b->req.all_pps,
		.pps_per_destination = b->req.target_pps,
		.pps_per_router = b->req.router_pps,
	};
	wn_err err = wn_run_new(false, &b->run, &ctx);

	if (err == WN_OK)
		err = wn_run_set_pace(b->run, &pace, &ctx);
	if (err == WN_OK && !b->req.sim)
		err = wn_dns_new(&dns, &b->dns, &ctx);
	if (err == WN_OK && wn_batch_names_init(b) != WN_OK)
		err = wn_fail(&ctx, WN_ENOMEM, "out of memory");
	if (err != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "%s", ctx.text);
	if (b->req.sim)
		return wn_prepare_sim(&b->req, b->run, &b->topo, &b->sim);
	return WN_EXIT_OK;
}

static rlim_t raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return RLIM_INFINITY;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max;
}

/* Without raw sockets each line has descriptors of its own: as many as we may open. */
static void fit_descriptors(struct wn_batch *b, rlim_t limit)
{
	bool classic = b->req.params.flow_mode == WN_FLOW_CLASSIC;
	rlim_t each = classic ? FDS_PER_CLASSIC : FDS_PER_LINE;
	rlim_t most = limit > FDS_OTHER + each ? (limit - FDS_OTHER) / each : 1;

	b->parallel = b->req.parallel;
	if (b->sim || (b->raw && !classic) || limit == RLIM_INFINITY || b->parallel <= most)
		return;
	b->parallel = (uint32_t)most;
	wn_batch_say(b,
		"%u lines at once instead of %u: %s each takes descriptors of its own, and only "
		"%llu may be open (ulimit -n)",
		b->parallel, b->req.parallel,
		classic ? "with --flow classic" : "without raw sockets", (unsigned long long)limit);
}

static int catch_signals(struct wn_batch *b)
{
	b->signals = wn_cli_signals();
	if (b->signals < 0)
		return wn_cli_fail(WN_EXIT_FAILED, "cannot watch for signals");
	return WN_EXIT_OK;
}

static int drop_privileges(struct wn_batch *b)
{
	struct wn_errctx ctx = {0};

	wn_batch_open_ahead(b);
	if (wn_os_privs_drop(&ctx) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "privileges could not be dropped: %s", ctx.text);
	return WN_EXIT_OK;
}

static int prepare(struct wn_batch *b, const char *operand)
{
	rlim_t descriptors = raise_descriptors();
	int code = wn_batch_open(b, operand);

	if (code == WN_EXIT_OK)
		code = open_run(b);
	if (code == WN_EXIT_OK)
		code = open_output(b);
	if (code == WN_EXIT_OK)
		code = drop_privileges(b);
	if (code == WN_EXIT_OK && b->out_read >= 0)
		code = wn_batch_resume(b);
	if (code == WN_EXIT_OK)
		code = wn_batch_survey(b);
	if (code == WN_EXIT_OK)
		code = wn_batch_drop_rest(b);
	if (code != WN_EXIT_OK)
		return code;
	fit_descriptors(b, descriptors);
	if (b->in_terminal)
		wn_batch_say(
			b, "type a target on each line; Ctrl-D on an empty line ends the list");
	return catch_signals(b);
}

/* ---- the loop ---- */

static bool wants_lines(const struct wn_batch *b)
{
	return !b->in_ended_all && b->code == WN_EXIT_OK && b->interrupts == 0 && !b->wait_first &&
	       b->active < b->parallel && b->out.buf.len < OUT_MAX &&
	       (!b->dns || wn_dns_pending(b->dns) < ASKED_MAX);
}

/* True: there is more to begin at once. */
static bool begin_lines(struct wn_batch *b)
{
	struct wn_line line;

	for (unsigned i = 0; i < BEGIN_MAX; i++) {
		if (!wants_lines(b))
			return false;
		if (!wn_batch_next(b, &line)) {
			b->in_ended_all = b->in_ended;
			return false;
		}
		wn_batch_begin(b, &line);
	}
	return true;
}

static bool is_over(const struct wn_batch *b, uint64_t now_ns)
{
	bool more = !b->in_ended_all && b->code == WN_EXIT_OK && b->interrupts == 0;

	if (b->out.failed || now_ns >= b->stop_ns)
		return true;
	return !more && b->active == 0 && b->out.buf.len == 0;
}

/* The first one ends the batch in order; whoever insists is obeyed at once. */
static void take_signals(struct wn_batch *b, uint64_t now_ns)
{
	struct signalfd_siginfo info;

	while (read(b->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (++b->interrupts > 1)
			_exit(WN_EXIT_UNREACHED);
		b->stop_ns = now_ns + GRACE_NS;
	}
}

static int poll_ms(const struct wn_batch *b, uint64_t now_ns)
{
	uint64_t at = wn_batch_names_next_ns(b), bar = wn_batch_bar_next_ns(b);

	if (bar < at)
		at = bar;
	if (b->stop_ns < at)
		at = b->stop_ns;
	if (at == UINT64_MAX)
		return -1;
	return at <= now_ns ? 0 : (int)((at - now_ns) / NS_PER_MS + 1);
}

enum { ON_RUN, ON_SIGNALS, ON_DNS, ON_OUT, ON_IN, ON_COUNT };

static void wait_for_events(struct wn_batch *b, bool hungry, uint64_t now_ns)
{
	struct pollfd fds[ON_COUNT] = {
		[ON_RUN] = {.fd = wn_run_fd(b->run), .events = POLLIN},
		[ON_SIGNALS] = {.fd = b->signals, .events = POLLIN},
		[ON_DNS] = {.fd = b->dns ? wn_dns_fd(b->dns) : -1, .events = POLLIN},
		[ON_OUT] = {.fd = b->out.buf.len > 0 ? b->out.fd : -1, .events = POLLOUT},
		[ON_IN] = {.fd = !b->in_regular && wants_lines(b) ? b->in : -1, .events = POLLIN},
	};

	if (poll(fds, ON_COUNT, hungry ? 0 : poll_ms(b, now_ns)) <= 0)
		return;
	b->in_ready = fds[ON_IN].revents != 0;
	if (fds[ON_SIGNALS].revents)
		take_signals(b, now_ns);
}

static void loop(struct wn_batch *b)
{
	uint64_t now_ns = wn_run_now_ns(b->run);

	for (;;) {
		bool hungry = begin_lines(b);

		if (is_over(b, now_ns))
			break;
		wn_batch_bar_draw(b, now_ns);
		wait_for_events(b, hungry, now_ns);
		if (b->dns)
			wn_dns_process(b->dns);
		wn_run_process(b->run);
		now_ns = wn_run_now_ns(b->run);
		wn_batch_names_expire(b, now_ns);
		wn_batch_retry(b);
		wn_sink_flush(&b->out);
	}
	wn_batch_bar_end(b, now_ns);
}

/* ---- the end ---- */

static void tell_interrupted(struct wn_batch *b)
{
	char of[32] = "";

	if (b->total > 0)
		wn_fmt(of, sizeof(of), " of %llu", (unsigned long long)b->total);
	if (b->out_regular)
		wn_batch_say(b,
			"interrupted: %llu%s lines are done; the same command with --resume goes "
			"on "
			"with the rest",
			(unsigned long long)b->done, of);
	else
		wn_batch_say(b,
			"interrupted: %llu%s lines are done; with -o FILE a batch can go on",
			(unsigned long long)b->done, of);
}

static int judge(struct wn_batch *b)
{
	bool rest = b->active > 0 || !b->in_ended_all;

	if (b->code != WN_EXIT_OK)
		return b->code;
	if (b->interrupts > 0 && rest && !b->out.failed)
		tell_interrupted(b);
	if (rest || b->failed > 0)
		return WN_EXIT_UNREACHED;
	if (b->done > 0)
		return WN_EXIT_OK;
	return wn_cli_fail(WN_EXIT_USAGE,
		"%s: there was no target in it; a list has one on each line", b->path);
}

static void close_batch(struct wn_batch *b)
{
	wn_dns_free(b->dns);
	if (b->run)
		wn_run_free(b->run);
	wn_batch_lines_free(b);
	wn_batch_names_free(b);
	wn_batch_marks_free(&b->marks);
	wn_lines_fini(&b->lines);
	wn_sim_free(b->sim);
	wn_topo_free(b->topo);
	if (b->in > STDERR_FILENO)
		close(b->in);
	if (b->out_read >= 0)
		close(b->out_read);
	if (b->signals >= 0)
		close(b->signals);
}

static int run_batch(struct wn_batch *b, const char *operand)
{
	int code = prepare(b, operand), written;

	if (code == WN_EXIT_OK) {
		wn_batch_bar_init(b);
		loop(b);
		code = judge(b);
	}
	/* Who interrupts a batch whose output nobody takes does not wait for that. */
	if (b->interrupts > 0 && b->out.buf.len > 0 && !b->out.failed)
		b->out.failed = EINTR;
	if (b->out_open) {
		written = wn_sink_close(&b->out);
		code = written != WN_EXIT_OK ? written : code;
	}
	close_batch(b);
	return code;
}

int wn_cmd_batch(int argc, char **argv)
{
	char *help[] = {(char[]){"help"}, (char[]){"batch"}, NULL};
	struct wn_batch *b = wn_calloc(1, sizeof(*b));
	const char *operand = NULL;
	int code;

	if (!b)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	b->out_read = b->signals = -1;
	b->stop_ns = UINT64_MAX;
	b->wait_last = &b->wait_first;
	code = read_request(&b->req, argc, argv, &operand);
	if (code == WN_EXIT_OK && b->req.help)
		code = wn_cmd_help(2, help);
	else if (code == WN_EXIT_OK && b->req.version)
		code = wn_cmd_version(1, argv);
	else if (code == WN_EXIT_OK)
		code = run_batch(b, operand);
	wn_free(b);
	return code;
}
