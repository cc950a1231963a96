/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows a table has: a responder each, and one for any number of unanswered hops at the end.
 */
#include "output/table.h"

#include <assert.h>
#include <string.h>
#include "base/alloc.h"
#include "base/text.h"
#include "multipath/pmtu_view.h"

static bool reserve_row(struct wn_table *t)
{
	size_t cap = t->cap ? t->cap * 2 : 32;
	struct wn_row *rows;

	if (t->count < t->cap)
		return true;
	rows = wn_realloc(t->rows, cap, sizeof(*rows));
	if (!rows) {
		t->err = WN_ENOMEM;
		return false;
	}
	t->rows = rows;
	t->cap = cap;
	return true;
}

static struct wn_row *add_row(struct wn_table *t, enum wn_row_kind kind, unsigned ttl)
{
	struct wn_row *row;

	if (!reserve_row(t) || !t->rows)
		return NULL;
	row = &t->rows[t->count++];
	*row = (struct wn_row){
		.kind = kind,
		.ttl = (uint8_t)ttl,
		.last_ttl = (uint8_t)ttl,
		.first = true,
	};
	return row;
}

static void measure(struct wn_table *t, struct wn_row *row)
{
	struct wn_strbuf text = WN_STRBUF_INIT;

	row->max_cols = wn_table_host(&text, t, row, 0);
	row->min_cols = wn_table_host(&text, t, row, 1);
	if (text.err)
		t->err = text.err;
	wn_strbuf_fini(&text);
}

static void add_responders(struct wn_table *t, const struct wn_hop *hop, const struct wn_stats *all)
{
	if (hop->responder_count > 1)
		t->many = true;
	for (uint32_t i = 0; i < hop->responder_count; i++) {
		struct wn_row *row = add_row(t, WN_ROW_RESPONDER, hop->ttl);

		if (!row)
			return;
		row->first = i == 0;
		row->hr = &hop->responders[i];
		row->ttl_stats = *all;
		row->stats = *all;
		if (hop->responder_count > 1)
			row->stats = wn_view_stats(
				t->r, wn_view_filter(hop->ttl, row->hr->responder, -1), &t->err);
		measure(t, row);
	}
}

static wn_err first_error(const struct wn_result *r, unsigned ttl)
{
	for (uint32_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].probe.ttl == ttl && r->probes[i].state == WN_PROBE_FAILED)
			return r->probes[i].err;
	return WN_OK;
}

static enum wn_row_kind unanswered_kind(const struct wn_stats *s)
{
	if (s->pending > 0)
		return WN_ROW_WAITING;
	return s->sent > 0 ? WN_ROW_SILENT : WN_ROW_UNSENT;
}

/* One row for neighbouring TTLs that are alike, when they are beyond all answers. */
static void add_unanswered(struct wn_table *t, unsigned ttl, const struct wn_stats *s)
{
	enum wn_row_kind kind = unanswered_kind(s);
	wn_err err = kind == WN_ROW_UNSENT ? first_error(t->r, ttl) : WN_OK;
	bool beyond = ttl > t->r->last_ttl;
	struct wn_row *row = t->count > 0 ? &t->rows[t->count - 1] : NULL;

	if (row && row->range && row->kind == kind && row->err == err) {
		row->last_ttl = (uint8_t)ttl;
		return;
	}
	row = add_row(t, kind, ttl);
	if (!row)
		return;
	row->range = beyond;
	row->err = err;
	row->ttl_stats = *s;
}

static void add_mtus(struct wn_table *t)
{
	struct wn_pmtu_view v;

	if (!t->r->params.pmtu)
		return;
	wn_pmtu_view(t->r, &v);
	for (size_t i = 0; i < t->count; i++)
		t->rows[i].mtu = wn_pmtu_of(&v, t->rows[i].ttl);
}

void wn_table_collect(struct wn_table *t)
{
	unsigned last = wn_view_last_ttl(t->r);

	for (unsigned ttl = 1; ttl <= last && !t->err; ttl++) {
		const struct wn_hop *hop = &t->r->hops[ttl];
		struct wn_stats s;

		if (hop->probes == 0)
			continue;
		s = wn_view_stats(t->r, wn_view_filter((int)ttl, WN_NONE, -1), &t->err);
		if (hop->responder_count > 0)
			add_responders(t, hop, &s);
		else
			add_unanswered(t, ttl, &s);
	}
	add_mtus(t);
}

/* ---- host cell ---- */

/* The head and the tail of a name say most: "ae-1.r20...example.net". Returns its columns. */
static unsigned add_shortened(
	struct wn_strbuf *out, const char *name, unsigned columns, bool unicode)
{
	const char *dots = unicode ? "\xe2\x80\xa6" : "..";
	unsigned room = columns - (unicode ? 1 : 2);
	unsigned head = (room + 1) / 2;
	size_t len = strlen(name), start = out->len, from, to = 0;
	uint32_t cp;

	while (to < len &&
		wn_text_columns(name, to + wn_text_utf8(name + to, len - to, &cp)) <= head)
		to += wn_text_utf8(name + to, len - to, &cp);
	for (from = to; wn_text_columns(name + from, len - from) > room - head;)
		from += wn_text_utf8(name + from, len - from, &cp);
	wn_strbuf_add(out, name, to);
	wn_strbuf_puts(out, dots);
	wn_strbuf_puts(out, name + from);
	return (unsigned)wn_text_columns(wn_strbuf_str(out) + start, out->len - start);
}

static void add_once(struct wn_strbuf *out, const char *mark)
{
	size_t len = strlen(mark);

	for (const char *p = wn_strbuf_str(out); *p; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		if (strcspn(p, " ") == len && memcmp(p, mark, len) == 0)
			return;
	}
	wn_strbuf_putc(out, ' ');
	wn_strbuf_puts(out, mark);
}

/* Marks of this responder's replies at this TTL, each once, and the signs explained below. */
static void add_marks(struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row)
{
	const struct wn_result *r = t->r;
	bool weak = false, late = false;
	char mark[WN_MARK_STRLEN];

	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];
		const struct wn_reply_rec *reply;

		if (p->probe.ttl != row->ttl || p->first_reply == WN_NONE ||
			wn_result_is_sizing(r, &p->probe))
			continue;
		reply = &r->replies[p->first_reply];
		if (reply->responder != row->hr->responder)
			continue;
		weak = weak || reply->match == WN_MATCH_WEAK;
		late = late || p->state == WN_PROBE_LATE;
		wn_reply_mark(reply->kind, r->responders[reply->responder].addr.family,
			reply->icmp_code, reply->mtu, mark);
		if (mark[0])
			add_once(out, mark);
	}
	if (weak)
		wn_strbuf_puts(out, " ?");
	if (late)
		wn_strbuf_puts(out, " +");
}

#define NAME_COLS_MIN 8 /* shorter pieces of a name say nothing */

unsigned wn_table_host(
	struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row, unsigned columns)
{
	const struct wn_responder *resp = &t->r->responders[row->hr->responder];
	struct wn_strbuf name = WN_STRBUF_INIT, marks = WN_STRBUF_INIT;
	unsigned name_cols, fixed_cols, room;
	char addr[WN_ADDR_STRLEN];

	if (t->o->names && resp->name[0])
		wn_view_name(&name, resp->name, t->o->unicode);
	add_marks(&marks, t, row);
	wn_addr_str(&resp->addr, addr);
	name_cols = (unsigned)wn_text_columns(wn_strbuf_str(&name), name.len);
	fixed_cols = (unsigned)(strlen(addr) + marks.len);
	room = columns > fixed_cols + 3 ? columns - fixed_cols - 3 : 0;
	if (name_cols == 0 || (columns > 0 && name_cols > room && room < NAME_COLS_MIN)) {
		wn_strbuf_puts(out, addr);
		name_cols = 0;
	} else if (columns > 0 && name_cols > room) {
		name_cols = add_shortened(out, wn_strbuf_str(&name), room, t->o->unicode) + 3;
		wn_strbuf_fmt(out, " (%s)", addr);
	} else {
		wn_strbuf_fmt(out, "%s (%s)", wn_strbuf_str(&name), addr);
		name_cols += 3;
	}
	if (marks.len > 0) {
		wn_paint(out, t->o, WN_PAINT_RED);
		wn_strbuf_puts(out, wn_strbuf_str(&marks));
		wn_paint_end(out, t->o);
	}
	wn_view_drop(out, &name);
	wn_view_drop(out, &marks);
	return name_cols + fixed_cols;
}
