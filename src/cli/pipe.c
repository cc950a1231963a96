/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wend pipe. Which sockets will be needed is not known before the requests come, so that of all
 * privileges CAP_NET_RAW alone is kept, where it is there and of use.
 */
#include "cli/pipe.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/options.h"

#define PARALLEL      1000
#define FDS_OWN	      64 /* descriptors besides those of traces */
#define FDS_PER_TRACE 8	 /* without raw sockets: two or three, and some for odd options */

static const char *const backend_names[] = {[WEND_BACKEND_AUTO] = "auto",
	[WEND_BACKEND_RAW] = "raw",
	[WEND_BACKEND_ERRQUEUE] = "errqueue"};

/* ---- words ---- */

static int read_backend(struct wn_pipe_words *w, const char *value)
{
	for (uint32_t i = 0; i < sizeof(backend_names) / sizeof(backend_names[0]); i++)
		if (strcmp(value, backend_names[i]) == 0) {
			w->backend = i;
			return WN_EXIT_OK;
		}
	return wn_cli_fail(
		WN_EXIT_USAGE, "pipe: --backend is \"%s\", should be auto, raw or errqueue", value);
}

static int read_number(
	const char *word, const char *value, uint64_t min, uint64_t max, uint64_t *out)
{
	if (wn_text_u64(value, min, max, out) == WN_OK)
		return WN_EXIT_OK;
	return wn_cli_fail(WN_EXIT_USAGE,
		"pipe: %s is \"%s\", should be a number from %llu to %llu", word, value,
		(unsigned long long)min, (unsigned long long)max);
}

static int read_value(struct wn_pipe_words *w, const char *word, const char *value)
{
	const struct {
		const char *word;
		uint64_t min, max, *out;
	} numbers[] = {
		{"--sim-seed", 1, UINT64_MAX, &w->seed},
		{"--parallel", 1, WN_PIPE_PARALLEL_MAX, &w->parallel},
		{"--all-pps", 0, WN_PIPE_PPS_MAX, &w->all_pps},
		{"--target-pps", 0, WN_PIPE_PPS_MAX, &w->target_pps},
		{"--router-pps", 0, WN_PIPE_PPS_MAX, &w->router_pps},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(word, numbers[i].word) == 0)
			return read_number(
				word, value, numbers[i].min, numbers[i].max, numbers[i].out);
	if (strcmp(word, "--backend") == 0)
		return read_backend(w, value);
	*(strcmp(word, "--sim") == 0 ? &w->sim : &w->resolver) = value;
	return WN_EXIT_OK;
}

static int read_word(struct wn_pipe_words *w, int argc, char **argv, int *at)
{
	static const char *const words[] = {"--sim", "--sim-seed", "--backend", "--parallel",
		"--all-pps", "--target-pps", "--router-pps", "--resolver"};
	const size_t count = sizeof(words) / sizeof(words[0]);
	const char *word = argv[*at];
	size_t which = 0, len = strcspn(word, "=");

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		w->help = true;
		return WN_EXIT_OK;
	}
	while (which < count &&
		(strlen(words[which]) != len || memcmp(word, words[which], len) != 0))
		which++;
	if (which == count)
		return wn_cli_fail(WN_EXIT_USAGE,
			"pipe: unknown word %s (there are --sim, --sim-seed, --backend, "
			"--parallel, --all-pps, --target-pps, --router-pps and --resolver; other "
			"options go into requests)",
			word);
	if (word[len] == '=')
		return read_value(w, words[which], word + len + 1);
	if (++*at == argc)
		return wn_cli_fail(WN_EXIT_USAGE, "pipe: %s needs a value", word);
	return read_value(w, words[which], argv[*at]);
}

static int read_words(struct wn_pipe_words *w, int argc, char **argv)
{
	*w = (struct wn_pipe_words){.parallel = PARALLEL};
	for (int i = 1; i < argc; i++) {
		int code = read_word(w, argc, argv, &i);

		if (code != WN_EXIT_OK)
			return code;
	}
	if (w->sim && w->backend != WEND_BACKEND_AUTO)
		return wn_cli_fail(WN_EXIT_USAGE,
			"pipe: --sim and --backend exclude each other: a simulated network has "
			"its own back end");
	if (w->sim && w->resolver)
		return wn_cli_fail(WN_EXIT_USAGE,
			"pipe: --sim and --resolver exclude each other: a simulated network has "
			"its own names");
	if (w->seed && !w->sim)
		return wn_cli_fail(WN_EXIT_USAGE, "pipe: --sim-seed needs --sim");
	return WN_EXIT_OK;
}

/* ---- beginning ---- */

static int open_context(struct wn_pipe *p, const struct wn_pipe_words *w)
{
	struct wend_config config = {
		.size = sizeof(config),
		.backend = w->backend,
		.seed = w->seed,
		.resolver = w->resolver,
		.pps = (uint32_t)w->all_pps,
		.pps_per_destination = (uint32_t)w->target_pps,
		.pps_per_router = (uint32_t)w->router_pps,
	};
	struct wn_strbuf text = WN_STRBUF_INIT;
	struct wn_errctx ctx = {0};
	struct wn_topo *topo = NULL;
	int err = WEND_OK;

	if (w->sim)
		err = wn_cli_topology_text(w->sim, &text, &ctx);
	if (err == WEND_OK) {
		config.topology = w->sim ? wn_strbuf_str(&text) : NULL;
		err = wend_new(&config, &p->w);
		if (err == WEND_EPARSE) /* where and why it is wrong is not told otherwise */
			wn_cli_topology(w->sim, &topo, &ctx);
	}
	wn_topo_free(topo);
	wn_strbuf_fini(&text);
	if (err == WEND_OK)
		err = wend_options_new(&p->plain);
	if (err == WEND_OK)
		return WN_EXIT_OK;
	if (err == WEND_EUSAGE)
		return wn_cli_fail(WN_EXIT_USAGE,
			"pipe: --resolver is \"%s\", should be the address of a DNS server, like "
			"192.0.2.53 or [2001:db8::53]:53",
			w->resolver);
	return wn_cli_fail(err == WEND_EPARSE ? WN_EXIT_USAGE : WN_EXIT_FAILED, "pipe: %s",
		ctx.code ? ctx.text : wend_err_text(err));
}

/* As many at once as there will be descriptors for. */
static uint32_t fit(const struct wn_pipe *p, uint32_t parallel)
{
	struct rlimit files;
	rlim_t room;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return parallel;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (strcmp(p->backend, "errqueue") != 0)
		return parallel;
	getrlimit(RLIMIT_NOFILE, &files);
	room = files.rlim_cur > FDS_OWN ? (files.rlim_cur - FDS_OWN) / FDS_PER_TRACE : 0;
	if (room < 1)
		room = 1;
	return room < parallel ? (uint32_t)room : parallel;
}

static int open_signals(struct wn_pipe *p)
{
	p->signal_fd = wn_cli_signals();
	return p->signal_fd >= 0 ? WN_EXIT_OK
				 : wn_cli_fail(WN_EXIT_FAILED, "pipe: cannot wait for signals");
}

static int drop_privileges(struct wn_pipe *p)
{
	bool raw = strcmp(p->backend, "raw") == 0;
	struct wn_errctx ctx = {0};

	if ((raw ? wn_os_privs_drop_but_raw(&ctx) : wn_os_privs_drop(&ctx)) != WN_OK)
		return wn_cli_fail(
			WN_EXIT_FAILED, "pipe: privileges could not be dropped: %s", ctx.text);
	wn_os_privs_get(&p->privs);
	return WN_EXIT_OK;
}

static int begin(struct wn_pipe *p, const struct wn_pipe_words *w)
{
	struct wn_errctx ctx = {0};
	struct wn_os_privs privs;
	int code = open_context(p, w);

	if (code != WN_EXIT_OK)
		return code;
	wn_os_privs_get(&privs);
	if (w->backend == WEND_BACKEND_RAW && !privs.net_raw)
		return wn_cli_fail_raw();
	p->backend = privs.net_raw && w->backend != WEND_BACKEND_ERRQUEUE ? "raw" : "errqueue";
	if (w->sim)
		p->backend = "sim";
	p->parallel = fit(p, (uint32_t)w->parallel);
	if (wn_pipe_items_init(p, &ctx) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "pipe: %s", ctx.text);
	if (wn_in_lines_init(&p->in, WN_IN_REQUEST_BYTES) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "pipe: out of memory");
	code = open_signals(p);
	return code == WN_EXIT_OK ? drop_privileges(p) : code;
}

static int serve(const struct wn_pipe_words *w)
{
	struct wn_pipe *p = wn_calloc(1, sizeof(*p));
	int code, written;

	if (!p)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	p->signal_fd = -1;
	wn_sink_init(&p->out, STDOUT_FILENO, "standard output");
	code = begin(p, w);
	if (code == WN_EXIT_OK)
		code = wn_pipe_run(p);
	written = wn_sink_close(&p->out);
	wend_free(p->w);
	wend_options_free(p->plain);
	wn_pipe_items_fini(p);
	wn_in_lines_fini(&p->in);
	if (p->signal_fd >= 0)
		close(p->signal_fd);
	wn_free(p);
	return written != WN_EXIT_OK ? written : code;
}

int wn_cmd_pipe(int argc, char **argv)
{
	struct wn_pipe_words words;
	int code = read_words(&words, argc, argv);

	if (code == WN_EXIT_OK && words.help) {
		char *help[] = {(char[]){"help"}, argv[0], NULL};

		return wn_cmd_help(2, help);
	}
	return code == WN_EXIT_OK ? serve(&words) : code;
}
