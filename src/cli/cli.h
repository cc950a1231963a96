/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the program, and what they share: exit codes, messages and files.
 * Single-threaded. A command gets its own word as argv[0] and its arguments from argv[1] on, and
 * returns the exit code of the program.
 */
#ifndef WN_CLI_CLI_H
#define WN_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/strbuf.h"
#include "sim/sim.h"

enum wn_exit {
	WN_EXIT_OK = 0,	   /* the destination was reached; other commands: done */
	WN_EXIT_UNREACHED, /* it was not */
	WN_EXIT_USAGE,	   /* the words make no sense */
	WN_EXIT_FAILED,	   /* could not run: no route, no permission, no interface, no output */
	WN_EXIT_UNRESOLVED /* the name does not resolve */
};

int wn_cmd_trace(int argc, char **argv);
int wn_cmd_paths(int argc, char **argv);
int wn_cmd_explain(int argc, char **argv);
int wn_cmd_batch(int argc, char **argv);
int wn_cmd_pipe(int argc, char **argv);
int wn_cmd_lab(int argc, char **argv);
int wn_cmd_packet(int argc, char **argv);
int wn_cmd_help(int argc, char **argv);
int wn_cmd_version(int argc, char **argv);
int wn_cmd_completion(int argc, char **argv);
int wn_cmd_man(int argc, char **argv);

/* A program of this name is expected to be mtr-packet, whatever its arguments. */
bool wn_cli_is_packet(const char *argv0);
/* Blocks SIGINT, SIGTERM and SIGHUP; a descriptor that tells of them, or -1 with errno. */
int wn_cli_signals(void);
/* "wend: TEXT" on stderr, one line whatever the text holds. Returns code. */
int wn_cli_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same of --backend raw, which is not allowed to us. Returns WN_EXIT_FAILED. */
int wn_cli_fail_raw(void);
/* Writes a finished text to stdout, every byte checked. An exit code: 0 or WN_EXIT_FAILED. */
int wn_cli_print(const struct wn_strbuf *text);

/* Columns of the terminal that fd is, 0 when it is none; out_rows may be NULL. */
unsigned wn_cli_columns(int fd, unsigned *out_rows);
/*
 * Opens a file as the user who called us, even where the program is set-uid. Returns a
 * descriptor or -1 with errno.
 */
int wn_cli_open(const char *path, int flags);
/* Why it could not be opened for writing. */
const char *wn_cli_why_not_open(const char *path, int sys);
/* The topology of FILE or "builtin". WN_EPARSE: malformed, too large; WN_EIO: not readable. */
wn_err wn_cli_topology_text(const char *path, struct wn_strbuf *out, struct wn_errctx *ctx);
wn_err wn_cli_topology(const char *path, struct wn_topo **out, struct wn_errctx *ctx);

#endif
