/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of event lines from anywhere: each line is refused with one clean line or says the same
 * when written again, and a result of what was accepted has faces that are well-formed and
 * harmless.
 */
#include "oneline.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include "base/strbuf.h"
#include "input/jsonl.h"
#include "output/output.h"

struct replay {
	struct wn_result *as_read, *as_rewritten;
};

static const struct wn_result_limits limits = {
	.probes = 512,
	.replies = 1024,
	.responders = 128,
	.notes = 32,
	.bytes = 65536,
};

/* Written, read and written again: the same bytes, and the same effect on a result. */
static void check_event(struct replay *rp, const struct wn_event *ev, unsigned trace)
{
	struct wn_strbuf one = WN_STRBUF_INIT, two = WN_STRBUF_INIT;
	struct wn_event *again = malloc(sizeof(*again));
	unsigned trace_again;
	struct wn_errctx ctx = {0};

	prop_check(again != NULL);
	wn_out_jsonl(&one, ev, trace);
	prop_check(one.len > 1 && one.data[one.len - 1] == '\n');
	prop_check(wn_in_jsonl(one.data, one.len - 1, again, &trace_again, &ctx) == WN_OK);
	prop_check(trace == trace_again && ev->kind == again->kind);
	wn_out_jsonl(&two, again, trace);
	prop_check(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	prop_check(wn_result_apply(rp->as_read, ev) == wn_result_apply(rp->as_rewritten, again));
	wn_strbuf_fini(&one);
	wn_strbuf_fini(&two);
	free(again);
}

static void check_line(struct replay *rp, const char *line, size_t len)
{
	struct wn_event *ev = malloc(sizeof(*ev));
	char *copy = malloc(len ? len : 1);
	struct wn_errctx ctx = {0};
	unsigned trace;

	prop_check(ev && copy);
	memcpy(copy, line, len); /* ends where the line ends */
	if (wn_in_jsonl(copy, len, ev, &trace, &ctx))
		check_one_line(&ctx);
	else
		check_event(rp, ev, trace);
	free(copy);
	free(ev);
}

static void check_json(const struct replay *rp)
{
	struct wn_strbuf one = WN_STRBUF_INIT, two = WN_STRBUF_INIT;
	json_t *parsed;

	wn_out_json(&one, rp->as_read, NULL, 0);
	wn_out_json(&two, rp->as_rewritten, NULL, 0);
	prop_check(one.err == WN_OK && one.len == two.len);
	prop_check(memcmp(one.data, two.data, one.len) == 0);
	parsed = json_loadb(one.data, one.len, JSON_REJECT_DUPLICATES, NULL);
	prop_check(json_is_object(parsed));
	json_decref(parsed);
	wn_strbuf_fini(&one);
	wn_strbuf_fini(&two);
}

static void check_tables(const struct wn_result *r)
{
	static const struct wn_table_opts faces[] = {
		{.columns = 0, .names = true, .verbose = 2},
		{.columns = 80, .color = true, .unicode = true, .names = true},
		{.columns = 20, .unicode = true, .live = true, .verbose = 1},
	};

	for (size_t i = 0; i < sizeof(faces) / sizeof(faces[0]); i++) {
		struct wn_strbuf sb = WN_STRBUF_INIT;

		wn_out_table(&sb, r, &faces[i]);
		wn_out_paths_tree(&sb, r, &faces[i]);
		wn_out_paths_table(&sb, r, &faces[i]);
		wn_out_paths_dot(&sb, r, &faces[i]);
		check_clean_lines(&sb, faces[i].color);
		wn_strbuf_fini(&sb);
	}
}

static void check_findings(const struct wn_result *r)
{
	static const struct wn_table_opts faces[] = {
		{.columns = 0, .names = true},
		{.columns = 20, .unicode = true, .names = true},
	};

	for (size_t i = 0; i < sizeof(faces) / sizeof(faces[0]); i++) {
		struct wn_strbuf sb = WN_STRBUF_INIT;

		wn_out_findings(&sb, r, &faces[i]);
		check_clean_lines(&sb, false);
		wn_strbuf_fini(&sb);
	}
}

static void check_classic(const struct wn_result *r)
{
	struct wn_strbuf sb = WN_STRBUF_INIT;
	unsigned last = wn_out_classic_last(r);

	wn_out_classic_header(&sb, r);
	for (unsigned ttl = r->params.first_ttl; ttl <= last; ttl++)
		wn_out_classic_hop(&sb, r, (uint8_t)ttl, true);
	check_clean_lines(&sb, false);
	wn_strbuf_fini(&sb);
}

int prop_replay(const uint8_t *data, size_t size)
{
	struct replay rp = {wn_result_new(&limits), wn_result_new(&limits)};
	const char *line = (const char *)data;
	const char *end = line + size;

	prop_check(rp.as_read && rp.as_rewritten);
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;

		check_line(&rp, line, (size_t)(stop - line));
		line = stop + 1;
	}
	if (rp.as_read->started) {
		check_json(&rp);
		check_tables(rp.as_read);
		check_classic(rp.as_read);
		check_findings(rp.as_read);
	}
	wn_result_free(rp.as_read);
	wn_result_free(rp.as_rewritten);
	return 0;
}
