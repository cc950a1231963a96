/* SPDX-License-Identifier: Apache-2.0 */
/* What several faces of a result agree upon: which hops are shown, how texts and times look. */
#ifndef WN_OUTPUT_VIEW_H
#define WN_OUTPUT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/strbuf.h"
#include "result/result.h"
#include "result/stats.h"

#define WN_TIME_STRLEN 32

/* The path is known to end at last_ttl: what was probed beyond belongs to nobody. */
bool wn_view_ended(const struct wn_result *r);
/* The last TTL that has something to say: where the path ended, else the last one probed. */
unsigned wn_view_last_ttl(const struct wn_result *r);
/* UTC time as RFC 3339 with nanoseconds. Returns buf. */
const char *wn_view_rfc3339(uint64_t unix_ns, char buf[WN_TIME_STRLEN]);
/* Statistics of what is selected (-1, WN_NONE: all). err is set only when it fails. */
struct wn_stats_filter wn_view_filter(int ttl, uint32_t responder, int64_t flow);
struct wn_stats wn_view_stats(
	const struct wn_result *r, struct wn_stats_filter filter, wn_err *err);
/* Ends a text made beside out; that it is not whole makes out not whole. */
void wn_view_drop(struct wn_strbuf *out, struct wn_strbuf *text);

/* What holds up a run of all paths that is not over, in a sentence; nothing where nothing does. */
void wn_view_waiting(struct wn_strbuf *out, const struct wn_result *r);

struct wn_pmtu_lowering;
/* What lowers the path MTU, as a sentence. */
void wn_view_lowering(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_pmtu_lowering *l);

/* What a reply says, in words. */
const char *wn_view_reply_text(const struct wn_result *r, const struct wn_reply_rec *reply);
/* The same of any probe: that of a side probe's reply is not among the probes of the path. */
const char *wn_view_answer_text(
	const struct wn_result *r, const struct wn_probe *probe, const struct wn_reply_rec *reply);

/* Foreign text made harmless; without unicode everything beyond ASCII is escaped as well. */
void wn_view_text(struct wn_strbuf *out, const char *text, bool unicode);
/* A host name, in which nothing can pass for the punctuation around it. */
void wn_view_name(struct wn_strbuf *out, const char *name, bool unicode);
/* True for what a DNS name consists of: letters, digits, dots, hyphens, underscores. */
bool wn_view_is_hostname(const char *name);
/*
 * text on lines of up to `columns` (0: one line), the first indented by `first` spaces, the
 * others by `rest`. Words longer than a line are not cut.
 */
struct wn_indent {
	unsigned first, rest;
};
void wn_view_wrap(
	struct wn_strbuf *out, const char *text, struct wn_indent indent, unsigned columns);
/* Milliseconds with as many decimals as make sense: 0.123 12.34 123.4; "-" for none. */
void wn_view_ms(struct wn_strbuf *out, int64_t ns);
void wn_view_fmt_ms(char *buf, size_t size, int64_t ns);
/* A duration with its unit: "350 ms", "1.2 s". */
void wn_view_duration(struct wn_strbuf *out, uint64_t ns);

/* How many routers were pinged, and how many answered, in a sentence; nothing where none was. */
void wn_view_pings(struct wn_strbuf *out, const struct wn_result *r);

#endif
