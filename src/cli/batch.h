/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of `wend batch`: lines of a list, of which some are under way at once, and a record of
 * each in the output as soon as it is over. Single-threaded. Of the list, of what is under way and
 * of the output no more is held than bounds allow: nothing is read while as many lines as were
 * asked for are under way, or while the output is not taken.
 *
 *   batch.c         the command: words, phases, the loop, exit code
 *   batch_input.c   the list: bytes to lines, those that are done already left out
 *   batch_resume.c  what an output file holds already
 *   batch_line.c    a line: from its text to its record
 *   batch_names.c   who answered is asked for its name, and the trace waits a little for that
 *   batch_bar.c     how far it is, on a terminal
 */
#ifndef WN_CLI_BATCH_H
#define WN_CLI_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/prepare.h"
#include "cli/sink.h"
#include "config/lines.h"
#include "enrich/dns.h"
#include "output/output.h"
#include "run/run.h"

struct wn_batch;
struct wn_batch_line;
struct wn_batch_waiter;
struct wn_batch_name;

/* A trace of a line, which has several with -P auto. */
struct wn_batch_trace {
	struct wn_batch_line *line;
	struct wn_run_trace *rt; /* NULL: could not run */
	uint32_t named;		 /* responders whose name was asked for */
	bool nameless;		 /* it has a note that DNS is dead */
};

/* A line that is under way. */
struct wn_batch_line {
	struct wn_batch *b;
	struct wn_batch_line *next, **link; /* of all of them */
	struct wn_batch_line *wait_next;    /* of those that wait for descriptors */
	uint64_t number;
	char *text; /* owned; as it was read */
	size_t len;
	struct wn_request req;
	struct wn_cli_targets targets;
	struct wn_batch_trace traces[WN_PROTO_COUNT];
	unsigned trace_count, running;
	struct wn_errctx why;
};

/* Which lines an output file has a record of: a number that stands for the text of each. */
struct wn_batch_marks {
	uint32_t **pages; /* owned; NULL: nothing is resumed */
	uint64_t last;	  /* the highest line */
	uint64_t count;	  /* of lines ... */
	uint64_t failed;  /* ... and of those with an error */
	uint64_t whole;	  /* bytes of whole records ... */
	bool cut;	  /* ... behind which is one that was cut off */
};

struct wn_batch_names {
	struct wn_batch_name *cache;	       /* owned; by hash of the address */
	struct wn_batch_waiter *first, **last; /* in order of asking */
	uint32_t vain;			       /* questions without an answer, while none has one */
	bool answered, off;
};

struct wn_batch_bar {
	bool on, shown;
	uint64_t began_ns, next_ns;
	uint64_t rate_ns, rate_done; /* since when, and what was done then */
	double rate;		     /* lines per second; 0: not known yet */
};

struct wn_batch {
	struct wn_request req; /* the defaults of all lines */
	const char *path;      /* of the list, for messages */
	int in;
	bool in_regular, in_terminal;
	bool in_ready;	   /* to be read without waiting */
	bool in_ended;	   /* all bytes are read ... */
	bool in_ended_all; /* ... and all lines */
	struct wn_lines lines;
	uint64_t total; /* lines with a target; 0: not known */
	struct wn_batch_marks marks;
	struct wn_run *run;
	struct wn_dns *dns; /* NULL in a simulated network */
	struct wn_topo *topo;
	struct wn_sim *sim;
	struct wn_sink out;
	bool out_open, out_regular;
	int out_read; /* the same file, to be read; -1 */
	bool raw;     /* raw sockets were opened before privileges went */
	int signals;
	uint32_t parallel;
	struct wn_batch_line *first; /* under way */
	struct wn_batch_line *wait_first, **wait_last;
	uint32_t active, tracing; /* lines under way; of these, with traces */
	bool crowded;		  /* it was told that there are too few descriptors */
	uint64_t done, failed;	  /* lines with a record, those of an earlier run as well */
	uint64_t good, not_text;  /* lines that are text, and others */
	struct wn_batch_names names;
	struct wn_batch_bar bar;
	unsigned interrupts;
	uint64_t stop_ns; /* when what is under way is given up; UINT64_MAX: not at all */
	int code;	  /* why it cannot go on; WN_EXIT_OK */
};

/* ---- batch.c ---- */

/* A line on stderr, with the bar out of its way. */
void wn_batch_say(struct wn_batch *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The batch cannot go on; what is under way is finished. */
void wn_batch_fail(struct wn_batch *b, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- batch_input.c: exit codes, with the reason told ---- */

int wn_batch_open(struct wn_batch *b, const char *operand);
/* Reads a list that is a file once: how long it is, and whether it is the one to be resumed. */
int wn_batch_survey(struct wn_batch *b);
/* The next line that has no record. False: it has not come yet, the list has ended or is bad. */
bool wn_batch_next(struct wn_batch *b, struct wn_line *out);

/* ---- batch_resume.c ---- */

/* Reads what is in the output file. An exit code, with the reason told, and so is the next. */
int wn_batch_resume(struct wn_batch *b);
/* Takes a record that is cut off out of it, once it is known to be about this list. */
int wn_batch_drop_rest(struct wn_batch *b);
/* What stands for a line's text, never 0. */
uint32_t wn_batch_mark(const struct wn_line *line);
uint32_t wn_batch_marked(const struct wn_batch_marks *m, uint64_t line); /* 0: no record */
void wn_batch_marks_free(struct wn_batch_marks *m);

/* ---- batch_line.c ---- */

/* Opens what needs privileges, for the lines to come. */
void wn_batch_open_ahead(struct wn_batch *b);
void wn_batch_begin(struct wn_batch *b, struct wn_line *line);
/* Lines that waited for others to end may begin. */
void wn_batch_retry(struct wn_batch *b);
/* Frees what is under way, of which there is no record. Run and resolver are gone before. */
void wn_batch_lines_free(struct wn_batch *b);

/* ---- batch_names.c ---- */

wn_err wn_batch_names_init(struct wn_batch *b);
void wn_batch_names_free(struct wn_batch *b);
/* Asks for the names of those that answered t since the last time. */
void wn_batch_names_ask(struct wn_batch_trace *t);
/* Gives up questions that were asked too long ago. */
void wn_batch_names_expire(struct wn_batch *b, uint64_t now_ns);
uint64_t wn_batch_names_next_ns(const struct wn_batch *b); /* UINT64_MAX: there are none */

/* ---- batch_bar.c ---- */

void wn_batch_bar_init(struct wn_batch *b);
void wn_batch_bar_draw(struct wn_batch *b, uint64_t now_ns);
void wn_batch_bar_erase(struct wn_batch *b);
void wn_batch_bar_end(struct wn_batch *b, uint64_t now_ns); /* the last one stays */
uint64_t wn_batch_bar_next_ns(const struct wn_batch *b);    /* UINT64_MAX: there is none */

#endif
