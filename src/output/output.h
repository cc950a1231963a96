/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many faces of the same result. Each is a function of a result (or of one event) that appends
 * text to a buffer; who writes it where is the caller's affair.
 */
#ifndef WN_OUTPUT_OUTPUT_H
#define WN_OUTPUT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/strbuf.h"
#include "result/event.h"
#include "result/result.h"

#define WN_JSON_SCHEMA	   "wend.trace/1"
#define WN_FINDINGS_SCHEMA "wend.findings/1"
#define WN_BATCH_SCHEMA	   "wend.batch/1"

struct wn_table_opts {
	unsigned columns; /* width of the terminal; 0: do not fit, widest form */
	bool color;
	bool unicode;	  /* else ASCII only */
	bool names;	  /* show host names where known */
	bool live;	  /* still running: waiting probes are shown as such */
	unsigned verbose; /* 1: flows, quoted fields, extensions in full; 2: every probe */
};

/* The table: header, a line per responder per TTL, trailing silence in one line, closing lines
 * (what stopped it, what to try, back end and what it cannot see, counters that matter). */
void wn_out_table(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);
/* The closing lines alone. */
void wn_out_closing(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);

/* Of these, how it ended, and the notes about this machine or run. */
void wn_out_stop(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);
void wn_out_notes(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);

/* All paths of a trace whose parameters ask for them (docs/paths.md): drawn TTL by TTL, or a row
 * for each interface, both with closing lines. verbose: every interface of wide TTLs and the path
 * of each flow, then what the table shows when it is verbose. */
void wn_out_paths_tree(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);
void wn_out_paths_table(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);
/* The same graph for Graphviz. */
void wn_out_paths_dot(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);
/* What happened on the path (docs/findings.md), in sentences with their evidence, and as JSON. */
void wn_out_findings(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);
void wn_out_findings_json(struct wn_strbuf *out, const struct wn_result *r);

/* Our JSON, complete (docs/json.md). tried: other results of -P auto, summarised; may be NULL. */
void wn_out_json(struct wn_strbuf *out, const struct wn_result *r,
	const struct wn_result *const *tried, size_t tried_count);
/*
 * What became of a line of a list of targets, as one line of JSON with its newline (docs/batch.md).
 * A reader may rely on the order of its keys.
 */
struct wn_out_record {
	uint64_t line;	   /* its number, from 1 */
	const char *input; /* its text */
	size_t input_len;
	const struct wn_result *result;	      /* NULL: there is no trace */
	const struct wn_result *const *tried; /* as of wn_out_json */
	size_t tried_count;
	wn_err err; /* why there is none, or why it broke off */
	const char *why;
};
void wn_out_record(struct wn_strbuf *out, const struct wn_out_record *rec);
/* One event as one line of JSON with its newline. trace: index within -P auto, else 0. */
void wn_out_jsonl(struct wn_strbuf *out, const struct wn_event *ev, unsigned trace);

/* What scripts that parse Linux traceroute expect: header line once, then the hop lines. */
void wn_out_classic_header(struct wn_strbuf *out, const struct wn_result *r);
void wn_out_classic_hop(struct wn_strbuf *out, const struct wn_result *r, uint8_t ttl, bool names);
/* The last TTL that has a line in classic output. */
uint8_t wn_out_classic_last(const struct wn_result *r);

/* A JSON string literal of text bytes; malformed UTF-8 becomes U+FFFD. */
void wn_json_string(struct wn_strbuf *out, const char *text, size_t len);

#endif
