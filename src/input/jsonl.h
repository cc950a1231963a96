/* SPDX-License-Identifier: Apache-2.0 */
/* Our own event lines back into events. Hostile input: bounded, every field checked. */
#ifndef WN_INPUT_JSONL_H
#define WN_INPUT_JSONL_H

#include <stddef.h>
#include "base/err.h"
#include "result/event.h"

/* One line (without newline). Errors name the field; trace is the index within -P auto. */
wn_err wn_in_jsonl(const char *line, size_t len, struct wn_event *out, unsigned *out_trace,
	struct wn_errctx *ctx);

#endif
