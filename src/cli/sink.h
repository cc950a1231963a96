/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where output goes: a descriptor with a buffer, every write checked. A reader that does not read
 * delays neither probes nor signals. Failure is sticky; it is reported once, by close, as one line
 * on stderr, except a closed pipe, which needs no words.
 */
#ifndef WN_CLI_SINK_H
#define WN_CLI_SINK_H

#include <stdbool.h>
#include "base/strbuf.h"

struct wn_sink {
	int fd;
	const char *name;     /* for messages; borrowed */
	bool owned;	      /* fd is closed by us, and synced: it is a file of the user's */
	struct wn_strbuf buf; /* what is to be written is added here */
	size_t done;	      /* of it that is written and still there */
	int failed;	      /* errno of the first failure */
};

void wn_sink_init(struct wn_sink *s, int fd, const char *name); /* SIGPIPE must be ignored */
/* Opens or empties a file; errno tells why it returned false. */
bool wn_sink_open(struct wn_sink *s, const char *path);
/* The same, but what is in the file stays there. */
bool wn_sink_append(struct wn_sink *s, const char *path);
/*
 * Writes of the buffer what can be written without waiting, whole lines at a time. False when any
 * write failed.
 */
bool wn_sink_flush(struct wn_sink *s);
size_t wn_sink_waiting(const struct wn_sink *s); /* bytes that are not written */
/*
 * Writes the rest, waiting for a slow reader until a signal comes; makes a file durable, gives
 * everything back. 0 or WN_EXIT_FAILED.
 */
int wn_sink_close(struct wn_sink *s);

#endif
