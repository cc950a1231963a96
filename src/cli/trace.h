/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of `wend trace`: up to three traces (-P auto) of one target on one loop, their names
 * and their output. Single-threaded. A session owns everything in it.
 *
 *   trace.c         the command: words, phases, exit code
 *   trace_target.c  from the words to an address: simulated network, literal or DNS
 *   trace_names.c   who answered is asked for its name, and END waits a little for that
 *   trace_out.c     events and results to the output, in the format asked for
 *   trace_live.c    the table that fills in on a terminal
 *   trace_auto.c    which of the traces of -P auto is kept
 *   explain.c       the same run, of which the findings are shown (or those of a saved one)
 */
#ifndef WN_CLI_TRACE_H
#define WN_CLI_TRACE_H

#include <stdbool.h>
#include <uv.h>

#include "cli/prepare.h"
#include "cli/sink.h"
#include "config/options.h"
#include "enrich/dns.h"
#include "output/output.h"
#include "run/run.h"

#define WN_CLI_TRACES_MAX WN_PROTO_COUNT
#define WN_CLI_SIGNALS	  5

struct wn_session;

struct wn_cli_trace {
	struct wn_session *session;
	enum wn_proto proto;
	unsigned index;		 /* in the output, from 0 */
	struct wn_run_trace *rt; /* NULL: could not run, see why */
	struct wn_errctx why;
};

/* An address that answered. */
struct wn_cli_name {
	struct wn_addr addr;
	bool known; /* name and err are final */
	wn_err err;
	unsigned waiting; /* bit i: trace i is held until this is known */
	unsigned told;	  /* bit i: trace i has it in its record */
	char name[WN_TEXT_MAX];
};

struct wn_cli_names {
	struct wn_cli_name *list; /* owned */
	size_t count, cap;
	bool asked;    /* of DNS */
	bool answered; /* a DNS server has said something */
	bool given_up; /* no more waiting */
	bool ended;    /* the traces are no longer held */
};

struct wn_cli_live {
	bool on;
	bool dirty; /* something happened since the last frame */
	unsigned columns, rows;
	struct wn_strbuf shown; /* the frame on the screen, above the cursor */
};

struct wn_session {
	struct wn_request req;
	bool explain; /* findings are what is shown at the end */
	uv_loop_t loop;
	uv_poll_t run_poll, dns_poll;
	uv_signal_t signals[WN_CLI_SIGNALS];
	uv_timer_t frame_timer, name_timer;
	bool loop_open, dns_watched;
	struct wn_run *run;
	struct wn_dns *dns;
	struct wn_topo *topo;
	struct wn_sim *sim;
	struct wn_cli_targets targets;
	bool resolved;
	wn_err resolve_err;
	char resolve_why[96];
	struct wn_cli_trace traces[WN_CLI_TRACES_MAX];
	unsigned trace_count;
	struct wn_cli_names names;
	struct wn_sink out;
	bool out_open;
	struct wn_cli_live live;
	unsigned classic_next; /* TTL of the next hop line; 0: no header yet */
	unsigned interrupts;
};

/* The run from the request to the exit code of the program, with everything told. */
int wn_session_run(struct wn_session *s);
/* Opens what --output names. An exit code, with the reason told. */
int wn_session_output(struct wn_session *s);

/* Fills targets. An exit code, with the reason told. */
int wn_session_target(struct wn_session *s);

/* Asks for the name of who answered t; does nothing with -n. */
void wn_session_name_ask(struct wn_cli_trace *t, const struct wn_addr *addr);
/* Gives up waiting: open questions become names that nobody knows. */
void wn_session_names_release(struct wn_session *s);
bool wn_session_names_waiting(const struct wn_session *s);
/* The last remark about names, when probing is over and nothing is waited for. */
void wn_session_names_end(struct wn_session *s);
void wn_session_names_free(struct wn_session *s);

void wn_session_out_event(struct wn_cli_trace *t, const struct wn_event *ev);
/* After each round of the loop: what can be shown already. */
void wn_session_out_idle(struct wn_session *s);
void wn_session_out_final(struct wn_session *s);
/* live: it is still running, and drawn as it is now. */
void wn_session_draw(
	const struct wn_session *s, const struct wn_result *r, bool live, struct wn_strbuf *out);

/* The findings of r, in the format asked for. */
void wn_session_explain(struct wn_session *s, const struct wn_result *r);

void wn_session_live_init(struct wn_session *s);
void wn_session_live_frame(struct wn_session *s);
/* Takes the live table off the screen; what is written next stands in its place. */
void wn_session_live_erase(struct wn_session *s);
void wn_session_live_resized(struct wn_session *s);
void wn_session_live_resumed(struct wn_session *s); /* others have written meanwhile */
void wn_session_live_free(struct wn_session *s);

/* Whether a got farther than b. */
bool wn_session_farther(const struct wn_result *a, const struct wn_result *b);
/* The trace that got farthest so far; NULL when none could run. */
struct wn_cli_trace *wn_session_best(struct wn_session *s);
/* "-P auto kept ...", without newline. */
void wn_session_auto_line(struct wn_session *s, struct wn_strbuf *out);

#endif
