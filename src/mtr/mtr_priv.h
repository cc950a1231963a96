/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of mtr-packet's protocol:
 *
 *   loop.c     life: privileges, the poll loop, end
 *   input.c    bytes to lines
 *   command.c  lines to commands, and what needs no probe
 *   probe.c    probes and their answers
 *   output.c   answers to bytes, one to a read
 */
#ifndef WN_MTR_MTR_PRIV_H
#define WN_MTR_MTR_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wend/wend.h>

#define LINE_MAX_BYTES 4095 /* of a command, with its newline */
#define ARGS_MAX       16   /* name and value */
#define OPTIONS_KEPT   16

enum proto { PROTO_ICMP, PROTO_UDP, PROTO_TCP };
#define PROTOS 3

struct command {
	int32_t token;
	const char *name;
	unsigned args;
	struct {
		const char *name, *value;
	} arg[ARGS_MAX];
};

/* What a probe has in common with those before it: compared byte by byte. */
struct traits {
	int32_t proto, family;
	int32_t port, local_port, size, tos, pattern, timeout;
	char local[48]; /* source address; "" by route */
	char device[32];
};

struct output {
	char *bytes; /* owned; len of them from head on wait, whole lines at the end */
	size_t head, len, cap;
	bool one_by_one; /* a line to a read */
	bool is_socket;
	bool broken; /* nobody reads it, or no memory */
};

struct input {
	char line[LINE_MAX_BYTES];
	size_t len;
};

struct mtr {
	wend *w;
	bool newer;	  /* words of mtr after 0.95 */
	bool can[PROTOS]; /* can be sent at all */
	bool was_asked;	  /* check-support came */
	struct input in;
	struct output out;
	struct kept {
		struct traits traits;
		wend_options *options; /* owned; NULL free */
	} kept[OPTIONS_KEPT];
	unsigned next_kept;
	/* Probes that the system had no room for: tried again when others have ended. */
	struct held *held, **held_end;
};

/* input.c: takes bytes, runs the commands in them. */
void mtr_input(struct mtr *m, const char *bytes, size_t len);
/* command.c: one line, NUL-terminated in place of its newline; it is cut up. */
void mtr_command(struct mtr *m, char *line, size_t len);
/* probe.c */
void mtr_send_probe(struct mtr *m, const struct command *c);
void mtr_retry_held(struct mtr *m);
void mtr_probes_fini(struct mtr *m);
/* output.c */
void mtr_output_init(struct output *out);
void mtr_output_fini(struct output *out);
/* A line without its newline, in printf's manner. */
void mtr_say(struct mtr *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes what may be written now. */
void mtr_output_flush(struct output *out);

#endif
