/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of `wend pipe`, one JSON line (docs/pipe.md): what is asked for, by whom, and its
 * options as texts, which are not judged here. Hostile input: bounded, every type checked.
 */
#ifndef WN_INPUT_REQUEST_H
#define WN_INPUT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

#define WN_IN_REQUEST_BYTES 16384 /* a line, newline included */
#define WN_IN_ID_BYTES	    64
#define WN_IN_SETTINGS	    64
#define WN_IN_NUMBER_BYTES  32 /* a number as text */

enum wn_in_ask { WN_IN_UNKNOWN, WN_IN_TRACE, WN_IN_PROBE, WN_IN_LOOKUP, WN_IN_CANCEL, WN_IN_PING };

/* What a client calls something: a number or a text, which are never the same. */
struct wn_in_id {
	enum { WN_IN_ID_NONE, WN_IN_ID_NUMBER, WN_IN_ID_TEXT } kind;
	int64_t number;
	char text[WN_IN_ID_BYTES + 1];
};

struct wn_in_request {
	enum wn_in_ask ask;
	struct wn_in_id id; /* of CANCEL whose end is asked for, of PING what comes back */
	const char *target; /* TRACE, PROBE, LOOKUP; all texts lie in store */
	uint8_t ttl;	    /* PROBE */
	size_t setting_count;
	struct {
		const char *key, *value;
	} settings[WN_IN_SETTINGS];
	size_t used;
	char store[WN_IN_REQUEST_BYTES + WN_IN_SETTINGS * WN_IN_NUMBER_BYTES];
};

/*
 * One line without its newline. An error leaves in ask and id what could be read of them, so that
 * it can be told whose it is.
 */
wn_err wn_in_request(
	const char *line, size_t len, struct wn_in_request *out, struct wn_errctx *ctx);
const char *wn_in_ask_name(enum wn_in_ask ask); /* NULL: UNKNOWN */
/* It takes an id of its own, and tells events by it. */
bool wn_in_ask_starts(enum wn_in_ask ask);
bool wn_in_id_eq(const struct wn_in_id *a, const struct wn_in_id *b);

#endif
