/* SPDX-License-Identifier: Apache-2.0 */
/* What the faces of all paths say of records made by hand. */
#ifndef WN_TESTS_FACES_H
#define WN_TESTS_FACES_H

#include <string.h>
#include "output/output.h"
#include "walks.h"

typedef void (*face_fn)(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o);

static const struct wn_table_opts plain = {.columns = 80, .unicode = true, .names = true};

static inline void draw(struct wn_strbuf *out, const struct record *rec, face_fn face,
	const struct wn_table_opts *o)
{
	struct wn_result *r = record_fold(rec);

	face(out, r, o);
	wn_result_free(r);
}

/* What face says of rec must (or must not) contain text. */
static inline void expect_face(
	const struct record *rec, face_fn face, const char *text, bool wanted)
{
	struct wn_table_opts o = plain;
	struct wn_strbuf out = WN_STRBUF_INIT;

	o.columns = 0;
	draw(&out, rec, face, &o);
	if ((strstr(wn_strbuf_str(&out), text) != NULL) != wanted)
		fail_msg("%s '%s' in:\n%s", wanted ? "no" : "unwanted", text, wn_strbuf_str(&out));
	wn_strbuf_fini(&out);
}

static inline void expect(const struct record *rec, const char *text)
{
	expect_face(rec, wn_out_paths_tree, text, true);
}

static inline void lines_of(struct record *rec, enum wn_paths_mode mode, const char *const *lines)
{
	walk_start(rec, mode);
	for (uint32_t flow = 0; lines[flow]; flow++)
		walk(rec, flow, lines[flow]);
}

#endif
