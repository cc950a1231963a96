/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wend pipe: traces and probes for a program in any language, asked for by JSON lines on standard
 * input and told by JSON lines on standard output (docs/pipe.md). It is a client of the library's
 * public API like any other. Single-threaded; a wn_pipe owns everything in it.
 *
 *   pipe.c       the command: words, privileges, exit code
 *   pipe_loop.c  who may go on: input, library, output, signals
 *   pipe_ask.c   from a line to a call of the library, or to an error
 *   pipe_tell.c  what is told: hello, events, errors
 */
#ifndef WN_CLI_PIPE_H
#define WN_CLI_PIPE_H

#include <stdbool.h>
#include <wend/wend.h>

#include "cli/sink.h"
#include "input/lines.h"
#include "input/request.h"
#include "os/os.h"

#define WN_PIPE_PARALLEL_MAX 100000u
#define WN_PIPE_PPS_MAX	     1000000

/* A trace or probe under way. */
struct wn_pipe_item {
	struct wn_in_id id;
	uint64_t wend_id;
	struct wn_pipe_item *next; /* in its bucket */
	bool icmp;		   /* its probes are echo requests */
};

struct wn_pipe_words { /* what was typed */
	const char *sim, *resolver;
	uint64_t seed, parallel, all_pps, target_pps, router_pps;
	uint32_t backend; /* enum wend_backend */
	bool help;
};

struct wn_pipe {
	wend *w;
	wend_options *plain;	  /* every default */
	const char *backend;	  /* its name, for the hello line */
	struct wn_os_privs privs; /* those that are left */
	struct wn_in_lines in;
	struct wn_sink out;
	int signal_fd;
	uint32_t parallel, active;
	uint32_t bucket_mask;
	struct wn_pipe_item **buckets; /* owned; items by id */
	struct wn_sipkey key;
	uint64_t started, done, refused; /* since the beginning */
	bool more;			 /* of the input is here, but not looked at */
	int in_errno;			 /* why no more of it can be read; 0 */
	bool interrupted;		 /* by a signal; then: */
	uint64_t left, give_up_ns;	 /* what is to be told, and until when it must get less */
	struct wn_in_request request;	 /* the one being read */
};

/* Until all is done, or a signal or the output ends it. An exit code; the output is not closed. */
int wn_pipe_run(struct wn_pipe *p);

wn_err wn_pipe_items_init(struct wn_pipe *p, struct wn_errctx *ctx);
void wn_pipe_items_fini(struct wn_pipe *p);
/* One line of input, and what was wrong with it. */
void wn_pipe_ask(struct wn_pipe *p, const char *line, size_t len);
void wn_pipe_ask_too_long(struct wn_pipe *p);
void wn_pipe_cancel_all(struct wn_pipe *p);
/* Tells of those that do not end in time that they were canceled. */
void wn_pipe_abandon_all(struct wn_pipe *p);
/* An event of the library; the last one of an item frees it. */
void wn_pipe_take(struct wn_pipe *p, const struct wend_event *ev);

void wn_pipe_tell_hello(struct wn_pipe *p);
void wn_pipe_tell_event(
	struct wn_pipe *p, const struct wn_pipe_item *item, const struct wend_event *ev);
void wn_pipe_tell_pong(struct wn_pipe *p);
/* About the line read last and p->request, as far as it was understood. */
void wn_pipe_tell_error(struct wn_pipe *p, int err, const char *text);

#endif
