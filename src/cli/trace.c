/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wend trace. The order of the phases is what matters: everything that needs a privilege or a
 * file comes first, then all privileges go, then packets fly.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "cli/cli.h"
#include "cli/trace.h"
#include "os/os.h"

#define FRAME_MS       50  /* between two frames of the live table */
#define NAME_WAIT_MS   500 /* for names, once probing is over */
#define DNS_TIMEOUT_NS 5000000000ull

static const int signal_numbers[WN_CLI_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};

/* The first one ends the trace and keeps what there is; whoever insists is obeyed at once. */
static void interrupt(struct wn_session *s)
{
	if (++s->interrupts > 1)
		_exit(WN_EXIT_UNREACHED);
	for (unsigned i = 0; i < s->trace_count; i++)
		if (s->traces[i].rt)
			wn_run_stop(s->traces[i].rt, WN_STOP_INTERRUPTED);
	wn_session_names_release(s);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct wn_session *s = handle->data;

	if (number == SIGWINCH)
		wn_session_live_resized(s);
	else if (number == SIGCONT)
		wn_session_live_resumed(s);
	else
		interrupt(s);
}

static void on_run(uv_poll_t *handle, int status, int events)
{
	struct wn_session *s = handle->data;

	(void)status;
	(void)events;
	wn_run_process(s->run);
}

static void on_dns(uv_poll_t *handle, int status, int events)
{
	struct wn_session *s = handle->data;

	(void)status;
	(void)events;
	wn_dns_process(s->dns);
}

static void on_frame(uv_timer_t *handle)
{
	wn_session_live_frame(handle->data);
}

static void on_name_wait(uv_timer_t *handle)
{
	wn_session_names_release(handle->data);
}

static int open_loop(struct wn_session *s)
{
	struct wn_errctx ctx = {0};
	struct wn_dns_config dns = {.servers = s->req.resolver, .timeout_ns = DNS_TIMEOUT_NS};

	signal(SIGPIPE, SIG_IGN);
	if (wn_run_new(false, &s->run, &ctx) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "%s", ctx.text);
	if (!s->req.sim && wn_dns_new(&dns, &s->dns, &ctx) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "%s", ctx.text);
	if (uv_loop_init(&s->loop) != 0)
		return wn_cli_fail(WN_EXIT_FAILED, "cannot set up an event loop");
	s->loop_open = true;
	s->frame_timer.data = s->name_timer.data = s->run_poll.data = s->dns_poll.data = s;
	uv_timer_init(&s->loop, &s->frame_timer);
	uv_timer_init(&s->loop, &s->name_timer);
	for (size_t i = 0; i < WN_CLI_SIGNALS; i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		uv_signal_start(&s->signals[i], on_signal, signal_numbers[i]);
	}
	if (uv_poll_init(&s->loop, &s->run_poll, wn_run_fd(s->run)) != 0 ||
		uv_poll_start(&s->run_poll, UV_READABLE, on_run) != 0)
		return wn_cli_fail(WN_EXIT_FAILED, "cannot watch for replies");
	if (s->dns && (uv_poll_init(&s->loop, &s->dns_poll, wn_dns_fd(s->dns)) != 0 ||
			      uv_poll_start(&s->dns_poll, UV_READABLE, on_dns) != 0))
		return wn_cli_fail(WN_EXIT_FAILED, "cannot watch for names");
	return WN_EXIT_OK;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void close_session(struct wn_session *s)
{
	if (s->loop_open) {
		uv_walk(&s->loop, close_handle, NULL);
		uv_run(&s->loop, UV_RUN_DEFAULT);
		uv_loop_close(&s->loop);
	}
	wn_dns_free(s->dns);
	wn_run_free(s->run);
	wn_sim_free(s->sim);
	wn_topo_free(s->topo);
	wn_session_names_free(s);
	wn_session_live_free(s);
}

static void on_event(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	struct wn_cli_trace *t = user;

	(void)rt;
	wn_session_out_event(t, ev);
	if (ev->kind == WN_EV_REPLY)
		wn_session_name_ask(t, &ev->u.reply.reply.from);
}

static wn_err prepare_one(struct wn_session *s, struct wn_cli_trace *t, const struct wn_addr *dst)
{
	struct wn_run_trace_config c = {
		.params = {.proto = t->proto, .dst = *dst},
		.backend = wn_prepare_backend(&s->req),
		.sim = s->sim,
		.on_event = on_event,
		.user = t,
	};
	wn_err err;

	memset(&t->why, 0, sizeof(t->why));
	err = wn_prepare_params(&s->req, s->topo, &c.params, &t->why);
	if (err == WN_OK)
		err = wn_run_prepare(s->run, &c, &t->rt, &t->why);
	if (err == WN_OK)
		wn_run_hold(t->rt); /* until its names are there, see run() */
	return err;
}

static wn_err prepare_all(struct wn_session *s, const struct wn_addr *dst)
{
	wn_err first = WN_OK;
	bool any = false;

	for (unsigned i = 0; i < s->trace_count; i++) {
		wn_err err = prepare_one(s, &s->traces[i], dst);

		if (err != WN_OK && first == WN_OK)
			first = err;
		any |= err == WN_OK;
	}
	return any ? WN_OK : first;
}

static int tell_why(const struct wn_session *s, const struct wn_errctx *why, wn_err err)
{
	if (err == WN_EUSAGE)
		return wn_cli_fail(WN_EXIT_USAGE, "%s", why->text);
	if (err == WN_EPERM && s->req.backend == WN_REQ_BACKEND_RAW)
		return wn_cli_fail_raw();
	return wn_cli_fail(WN_EXIT_FAILED, "%s: %s", s->req.params.target,
		why->text[0] ? why->text : wn_err_text(err));
}

static int prepare(struct wn_session *s)
{
	enum wn_proto protos[WN_PROTO_COUNT];
	struct wn_errctx first = {0};
	wn_err err = WN_OK, first_err = WN_OK;

	s->trace_count = wn_prepare_protos(&s->req, protos);
	for (unsigned i = 0; i < s->trace_count; i++) {
		s->traces[i].session = s;
		s->traces[i].index = i;
		s->traces[i].proto = protos[i];
	}
	for (size_t i = 0; i < s->targets.count; i++) {
		err = prepare_all(s, &s->targets.list[i]);
		if (err == WN_OK)
			return WN_EXIT_OK;
		if (i == 0) {
			first = s->traces[0].why;
			first_err = err;
		}
		if (!wn_prepare_is_worth_another(err))
			break;
	}
	return tell_why(s, &first, first_err);
}

int wn_session_output(struct wn_session *s)
{
	if (!s->req.output)
		wn_sink_init(&s->out, STDOUT_FILENO, "standard output");
	else if (!wn_sink_open(&s->out, s->req.output))
		return wn_cli_fail(WN_EXIT_FAILED, "cannot open --output %s: %s", s->req.output,
			wn_cli_why_not_open(s->req.output, errno));
	s->out_open = true;
	wn_session_live_init(s);
	return WN_EXIT_OK;
}

static int start(struct wn_session *s)
{
	struct wn_errctx ctx = {0};

	if (wn_os_privs_drop(&ctx) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "privileges could not be dropped: %s", ctx.text);
	for (unsigned i = 0; i < s->trace_count; i++) {
		struct wn_cli_trace *t = &s->traces[i];

		if (t->rt && wn_run_start(t->rt, &ctx) != WN_OK)
			return wn_cli_fail(WN_EXIT_FAILED, "%s", ctx.text);
	}
	if (s->live.on)
		uv_timer_start(&s->frame_timer, on_frame, FRAME_MS, FRAME_MS);
	return WN_EXIT_OK;
}

static bool all_quiet(const struct wn_session *s)
{
	for (unsigned i = 0; i < s->trace_count; i++)
		if (s->traces[i].rt && !wn_run_trace_quiet(s->traces[i].rt))
			return false;
	return true;
}

/* Once probing is over, END waits for names, though not for long. */
static void wait_for_names(struct wn_session *s)
{
	if (s->names.ended || !all_quiet(s))
		return;
	if (!wn_session_names_waiting(s))
		wn_session_names_end(s);
	else if (!uv_is_active((uv_handle_t *)&s->name_timer))
		uv_timer_start(&s->name_timer, on_name_wait, NAME_WAIT_MS, 0);
}

/* Output that nobody takes any more ends the trace; nothing is left to measure for. */
static void run(struct wn_session *s)
{
	while (!wn_run_idle(s->run) && !s->out.failed) {
		uv_run(&s->loop, UV_RUN_ONCE);
		wn_session_out_idle(s);
		wait_for_names(s);
	}
	/* From here on a change of the screen is no reason to stop writing. */
	uv_timer_stop(&s->frame_timer);
	for (size_t i = 0; i < WN_CLI_SIGNALS; i++)
		if (signal_numbers[i] == SIGWINCH || signal_numbers[i] == SIGCONT)
			uv_signal_stop(&s->signals[i]);
}

static int judge(struct wn_session *s)
{
	const struct wn_cli_trace *best = wn_session_best(s);
	const struct wn_result *r = wn_run_result(best->rt);
	char why[160];

	if (r->reached)
		return WN_EXIT_OK;
	if (r->stop != WN_STOP_ERROR)
		return WN_EXIT_UNREACHED;
	wn_fmt(why, sizeof(why), "%s%s%s", wn_err_text(r->stop_err), r->stop_sys ? ": " : "",
		r->stop_sys ? strerror(r->stop_sys) : "");
	return wn_cli_fail(WN_EXIT_FAILED, "%s: nothing %scould be sent: %s", r->params.target,
		r->reply_count > 0 ? "more " : "", why);
}

int wn_session_run(struct wn_session *s)
{
	int code = open_loop(s), written;

	if (code == WN_EXIT_OK)
		code = wn_session_target(s);
	if (code == WN_EXIT_OK)
		code = prepare(s);
	if (code == WN_EXIT_OK)
		code = wn_session_output(s);
	if (code == WN_EXIT_OK)
		code = start(s);
	if (code == WN_EXIT_OK) {
		run(s);
		wn_session_out_final(s);
		code = judge(s);
	}
	if (s->out_open) {
		written = wn_sink_close(&s->out);
		code = written != WN_EXIT_OK ? written : code;
	}
	close_session(s);
	return code;
}

static int read_request(struct wn_request *req, const char *command, int argc, char **argv)
{
	const char *operand = NULL;
	struct wn_errctx ctx = {0};
	size_t count;
	wn_err err;

	wn_request_init(req);
	req->paths = strcmp(command, "paths") == 0;
	err = wn_request_argv(req, command, argc - 1, argv + 1, &operand, 1, &count, &ctx);
	if (err == WN_OK && (req->help || req->version))
		return WN_EXIT_OK;
	if (err == WN_OK && count == 0 && !req->sim)
		err = wn_fail(&ctx, WN_EUSAGE, "no target; give a host name or an address");
	if (err == WN_OK && count > 0)
		err = wn_request_target(req, operand, &ctx);
	if (err == WN_OK && req->paths && !wn_request_has(req, "format"))
		req->format = WN_FMT_TREE;
	if (err == WN_OK)
		err = wn_request_check(req, &ctx);
	return err == WN_OK ? WN_EXIT_OK : wn_cli_fail(WN_EXIT_USAGE, "%s", ctx.text);
}

/* Without its word a command line means a trace, and help explains the program as a whole. */
static int run_command(const char *command, int argc, char **argv)
{
	char *help[] = {(char[]){"help"}, (char *)command, NULL};
	struct wn_session *s = wn_calloc(1, sizeof(*s));
	int code;

	if (!s)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	code = read_request(&s->req, command, argc, argv);
	if (code == WN_EXIT_OK && s->req.help)
		code = wn_cmd_help(strcmp(argv[0], command) == 0 ? 2 : 1, help);
	else if (code == WN_EXIT_OK && s->req.version)
		code = wn_cmd_version(1, argv);
	else if (code == WN_EXIT_OK)
		code = wn_session_run(s);
	wn_free(s);
	return code;
}

int wn_cmd_trace(int argc, char **argv)
{
	return run_command("trace", argc, argv);
}

int wn_cmd_paths(int argc, char **argv)
{
	return run_command("paths", argc, argv);
}
