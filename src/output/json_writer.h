/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON in one pass: commas, quotes and line ends take care of themselves. Containers down
 * to depth `lines` put each item on a line of its own; deeper ones stay on one line, so that a
 * large document can be read and searched by lines. key is NULL for items of arrays.
 */
#ifndef WN_OUTPUT_JSON_WRITER_H
#define WN_OUTPUT_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/strbuf.h"
#include "output/output.h"
#include "result/fields.h"

#define WN_JW_DEPTH_MAX 16

struct wn_jw {
	struct wn_strbuf *out; /* borrowed */
	unsigned lines;
	unsigned depth;
	bool raw_text; /* text that is no UTF-8 becomes {"hex": "..."}: nothing is lost */
	bool used[WN_JW_DEPTH_MAX];
	char close[WN_JW_DEPTH_MAX];
};

void wn_jw_init(struct wn_jw *w, struct wn_strbuf *out, unsigned lines);
void wn_jw_object(struct wn_jw *w, const char *key);
void wn_jw_array(struct wn_jw *w, const char *key);
void wn_jw_end(struct wn_jw *w);
void wn_jw_null(struct wn_jw *w, const char *key);
void wn_jw_bool(struct wn_jw *w, const char *key, bool value);
void wn_jw_int(struct wn_jw *w, const char *key, int64_t value);
/* The value, or null for -1. */
void wn_jw_opt(struct wn_jw *w, const char *key, int64_t value);
/* value / 10^scale as a decimal number, or null for -1. */
void wn_jw_fixed(struct wn_jw *w, const char *key, int64_t value, unsigned scale);
void wn_jw_text(struct wn_jw *w, const char *key, const char *text);
void wn_jw_text_n(struct wn_jw *w, const char *key, const char *text, size_t len);
void wn_jw_hex(struct wn_jw *w, const char *key, const void *data, size_t len);
void wn_jw_addr(struct wn_jw *w, const char *key, const struct wn_addr *addr); /* null for none */

/* Every field of a table into the object that is open. about: WN_ABOUT_*. */
void wn_jw_fields(struct wn_jw *w, const struct wn_fields *fields, const void *obj, unsigned about);
/* "parameters" and "backend". */
void wn_jw_params(struct wn_jw *w, const struct wn_params *p);
void wn_jw_counters(struct wn_jw *w, const struct wn_counters *counters);
void wn_jw_quote(struct wn_jw *w, const char *key, const struct wn_quote *q, bool ip_seen);
void wn_jw_ext(struct wn_jw *w, const char *key, const struct wn_ext *ext); /* NULL: null */
/* The graph of all paths; null where one path was traced. */
void wn_jw_paths(struct wn_jw *w, const char *key, const struct wn_result *r);
/* What is known of the path MTU; null where it was not asked for. */
void wn_jw_pmtu(struct wn_jw *w, const char *key, const struct wn_result *r);
/* The whole document. tried: other results of -P auto; may be NULL. */
void wn_jw_result(struct wn_jw *w, const char *key, const struct wn_result *r,
	const struct wn_result *const *tried, size_t tried_count);
void wn_jw_stop(struct wn_jw *w, const struct wn_result *r);  /* "stop" */
void wn_jw_notes(struct wn_jw *w, const struct wn_result *r); /* "notes" */
/* "findings" and "findings_dropped". */
void wn_jw_findings(struct wn_jw *w, const struct wn_result *r);

#endif
