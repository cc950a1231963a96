/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a batch. They begin with the line they are about, so that whoever goes on with a batch
 * need not read documents: its number, its text, and whether there is an error.
 */
#include "output/json_writer.h"

static void write_error(struct wn_jw *w, const struct wn_out_record *rec)
{
	if (rec->err == WN_OK) {
		wn_jw_null(w, "error");
		return;
	}
	wn_jw_object(w, "error");
	wn_jw_text(w, "name", wn_err_name(rec->err));
	wn_jw_text(w, "text", rec->why);
	wn_jw_end(w);
}

void wn_out_record(struct wn_strbuf *out, const struct wn_out_record *rec)
{
	struct wn_jw w;

	wn_jw_init(&w, out, 0);
	wn_jw_object(&w, NULL);
	wn_jw_text(&w, "schema", WN_BATCH_SCHEMA);
	wn_jw_int(&w, "line", (int64_t)rec->line);
	wn_jw_text_n(&w, "input", rec->input, rec->input_len);
	write_error(&w, rec);
	if (rec->result)
		wn_jw_result(&w, "trace", rec->result, rec->tried, rec->tried_count);
	else
		wn_jw_null(&w, "trace");
	wn_jw_end(&w);
	wn_strbuf_putc(out, '\n');
}
