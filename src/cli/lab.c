/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `wend lab`: the simulated network on a TUN device, so that any tool can trace it. The kernel of
 * this machine is the source node; the network behind the device is the model, in real time.
 * Everything is gone when the program ends, however it ends: the device lives in a descriptor.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "config/options.h"
#include "os/os.h"
#include "os/pollset.h"
#include "os/tun.h"
#include "packet/wire.h"
#include "sim/sim.h"

#define MTU_USUAL 1500
#define BATCH	  64 /* packets from the machine before those for it get their turn */

struct lab_words { /* what was typed */
	const char *file, *device;
	uint64_t seed;
	bool help;
};

struct lab {
	struct wn_topo *topo;
	struct wn_sim *sim;
	struct wn_os_tun tun;
	struct wn_pollset wake; /* the device, signals, the next packet's time */
	int signal_fd;
};

static int read_word(struct lab_words *w, int argc, char **argv, int *at)
{
	const char *word = argv[*at];

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		w->help = true;
	} else if (strcmp(word, "--tun") == 0 || strcmp(word, "--seed") == 0) {
		if (++*at == argc)
			return wn_cli_fail(WN_EXIT_USAGE, "lab: %s needs a value", word);
		if (word[2] == 't')
			w->device = argv[*at];
		else if (wn_text_u64(argv[*at], 1, UINT64_MAX, &w->seed) != WN_OK)
			return wn_cli_fail(WN_EXIT_USAGE,
				"lab: --seed is \"%s\", should be a number from 1 on", argv[*at]);
	} else if (word[0] == '-' && word[1]) {
		return wn_cli_fail(
			WN_EXIT_USAGE, "lab: unknown option %s (there are --tun and --seed)", word);
	} else if (w->file) {
		return wn_cli_fail(WN_EXIT_USAGE, "lab: %s is one topology too many", word);
	} else {
		w->file = word;
	}
	return WN_EXIT_OK;
}

static int read_words(struct lab_words *w, int argc, char **argv)
{
	*w = (struct lab_words){.device = ""};
	for (int i = 1; i < argc; i++) {
		int code = read_word(w, argc, argv, &i);

		if (code != WN_EXIT_OK)
			return code;
	}
	if (!w->file && !w->help)
		return wn_cli_fail(WN_EXIT_USAGE, "lab: name a topology file, or builtin for ours");
	return WN_EXIT_OK;
}

static int load(struct lab *lab, const struct lab_words *w)
{
	struct wn_errctx ctx = {0};
	wn_err err = wn_cli_topology(w->file, &lab->topo, &ctx);

	if (err == WN_OK)
		err = wn_sim_new(lab->topo, w->seed, wn_os_mono_ns(), &lab->sim);
	if (err == WN_OK)
		return WN_EXIT_OK;
	return wn_cli_fail(err == WN_EPARSE ? WN_EXIT_USAGE : WN_EXIT_FAILED, "%s",
		ctx.code ? ctx.text : wn_err_text(err));
}

static wn_err set_addresses(struct lab *lab, struct wn_errctx *ctx)
{
	static const uint8_t families[] = {4, 6};
	wn_err err = WN_OK;

	for (size_t i = 0; i < sizeof(families) && !err; i++) {
		struct wn_addr source = wn_topo_source(lab->topo, families[i]);

		if (source.family)
			err = wn_os_tun_addr(&lab->tun, &source, ctx);
	}
	return err;
}

static wn_err set_routes(struct lab *lab, struct wn_errctx *ctx)
{
	struct wn_prefix prefix;
	wn_err err = WN_OK;

	for (size_t i = 0; !err && wn_topo_prefix(lab->topo, i, &prefix); i++) {
		struct wn_addr source = wn_topo_source(lab->topo, prefix.addr.family);

		/* Without a source address of that family nothing could come back. */
		if (source.family && !wn_addr_eq(&source, &prefix.addr))
			err = wn_os_tun_route(&lab->tun, &prefix, ctx);
	}
	return err;
}

static int make_device(struct lab *lab, const char *name)
{
	struct wn_errctx ctx = {0};
	uint16_t mtu = wn_topo_mtu(lab->topo);
	wn_err err = wn_os_tun_open(name, &lab->tun, &ctx);

	if (err == WN_OK)
		err = set_addresses(lab, &ctx);
	if (err == WN_OK)
		err = wn_os_tun_up(&lab->tun, mtu ? mtu : MTU_USUAL, &ctx);
	if (err == WN_OK)
		err = set_routes(lab, &ctx);
	if (err == WN_OK)
		return WN_EXIT_OK;
	return wn_cli_fail(err == WN_EIFACE ? WN_EXIT_USAGE : WN_EXIT_FAILED, "lab: %s", ctx.text);
}

static int fail_to_wait(void)
{
	return wn_cli_fail(WN_EXIT_FAILED, "lab: cannot wait for packets: %s", strerror(errno));
}

/* Signals end the program between two packets; privileges are not needed any more. */
static int make_loop(struct lab *lab)
{
	struct wn_errctx ctx = {0};

	lab->signal_fd = wn_cli_signals();
	if (lab->signal_fd < 0)
		return fail_to_wait();
	if (wn_pollset_init(&lab->wake, &ctx) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "lab: %s", ctx.text);
	if (wn_pollset_watch(&lab->wake, lab->signal_fd, false) != WN_OK ||
		wn_pollset_watch(&lab->wake, lab->tun.fd, false) != WN_OK)
		return fail_to_wait();
	prctl(PR_SET_TIMERSLACK, 1ul); /* delays are what we are for */
	if (wn_os_privs_drop(&ctx) != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "lab: %s", ctx.text);
	return WN_EXIT_OK;
}

static void put_ends(struct wn_strbuf *out, const char *what,
	struct wn_addr (*end)(const struct wn_topo *, uint8_t), const struct wn_topo *topo)
{
	struct wn_addr v4 = end(topo, 4), v6 = end(topo, 6);
	char text[WN_ADDR_STRLEN];

	wn_strbuf_fmt(out, ", %s", what);
	if (!v4.family && !v6.family)
		wn_strbuf_puts(out, " none");
	if (v4.family)
		wn_strbuf_fmt(out, " %s", wn_addr_str(&v4, text));
	if (v6.family)
		wn_strbuf_fmt(out, " %s", wn_addr_str(&v6, text));
}

static int tell_ready(const struct lab *lab)
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	int code;

	wn_strbuf_fmt(&out, "ready: device %s", lab->tun.name);
	put_ends(&out, "source", wn_topo_source, lab->topo);
	put_ends(&out, "target", wn_topo_target, lab->topo);
	wn_strbuf_putc(&out, '\n');
	code = wn_cli_print(&out);
	wn_strbuf_fini(&out);
	return code;
}

/*
 * Only what the source itself sends: the kernel also tells its neighbours about itself, who are
 * not part of the model.
 */
static bool is_from_source(const struct lab *lab, const uint8_t *bytes, size_t len)
{
	struct wn_addr source;
	struct wn_wire_head h;

	if (wn_wire_head(bytes, len, &h) != WN_OK)
		return false;
	source = wn_topo_source(lab->topo, h.src.family);
	return wn_addr_eq(&source, &h.src) && !wn_addr_is_multicast(&h.dst);
}

/* False when the device is gone. */
static bool take_in(struct lab *lab)
{
	uint8_t bytes[WN_PACKET_MAX];

	for (unsigned i = 0; i < BATCH; i++) {
		ssize_t n = read(lab->tun.fd, bytes, sizeof(bytes));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (is_from_source(lab, bytes, (size_t)n))
			wn_sim_send(lab->sim, bytes, (size_t)n, wn_os_mono_ns());
	}
	return true;
}

/* A packet that the kernel does not take (no memory, device down) is lost like any other. */
static bool give_out(struct lab *lab)
{
	uint8_t bytes[WN_PACKET_MAX];
	uint64_t at_ns;
	size_t len;

	while ((len = wn_sim_recv(lab->sim, wn_os_mono_ns(), bytes, sizeof(bytes), &at_ns)))
		if (write(lab->tun.fd, bytes, len) < 0 && errno == EBADFD)
			return false;
	return true;
}

static bool is_told_to_end(const struct lab *lab)
{
	struct signalfd_siginfo info;

	return read(lab->signal_fd, &info, sizeof(info)) > 0;
}

static int run(struct lab *lab)
{
	for (;;) {
		if (wn_pollset_arm(&lab->wake, wn_sim_next(lab->sim)) != WN_OK ||
			wn_pollset_wait(&lab->wake) != WN_OK)
			return fail_to_wait();
		if (is_told_to_end(lab))
			return WN_EXIT_OK;
		/* Due packets first: reading new ones must not make them late. */
		if (!give_out(lab) || !take_in(lab) || !give_out(lab))
			return wn_cli_fail(
				WN_EXIT_FAILED, "lab: the device %s is gone", lab->tun.name);
	}
}

static int serve(const struct lab_words *w)
{
	struct lab lab = {.tun.fd = -1, .wake = {.fd = -1, .timer_fd = -1}, .signal_fd = -1};
	int code = load(&lab, w);

	if (code == WN_EXIT_OK)
		code = make_device(&lab, w->device);
	if (code == WN_EXIT_OK)
		code = make_loop(&lab);
	if (code == WN_EXIT_OK)
		code = tell_ready(&lab);
	if (code == WN_EXIT_OK)
		code = run(&lab);
	wn_pollset_fini(&lab.wake);
	if (lab.signal_fd >= 0)
		close(lab.signal_fd);
	wn_os_tun_close(&lab.tun);
	wn_sim_free(lab.sim);
	wn_topo_free(lab.topo);
	return code;
}

int wn_cmd_lab(int argc, char **argv)
{
	struct lab_words words;
	int code = read_words(&words, argc, argv);

	if (code == WN_EXIT_OK && words.help) {
		struct wn_strbuf out = WN_STRBUF_INIT;

		wn_opts_help(&out, "lab", wn_cli_columns(STDOUT_FILENO, NULL));
		code = wn_cli_print(&out);
		wn_strbuf_fini(&out);
		return code;
	}
	return code == WN_EXIT_OK ? serve(&words) : code;
}
