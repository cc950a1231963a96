/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: rows are collected first, then the columns are chosen that fit the width. Figures
 * and addresses are never cut: columns go first, in a fixed order, then names are shortened.
 */
#include "output/table.h"

#include <string.h>
#include "base/alloc.h"
#include "base/fmt.h"

#define LEN(a)	  (sizeof(a) / sizeof((a)[0]))
#define CELL_SIZE 32
#define TTL_COLS  3
#define GAP	  2 /* between columns */

/* ---- columns ---- */

static void put_loss(const struct wn_row *row, char *buf)
{
	int32_t milli = row->first ? wn_stats_loss_milli(&row->ttl_stats) : -1;
	size_t n;

	if (milli < 0) {
		wn_fmt(buf, CELL_SIZE, "%s", row->first ? "-" : "");
		return;
	}
	n = wn_fmt_fixed(buf, CELL_SIZE, milli, 3, milli % 100000 == 0 ? 0 : 1);
	wn_fmt(buf + n, CELL_SIZE - n, "%%");
}

static void put_sent(const struct wn_row *row, char *buf)
{
	if (row->first)
		wn_fmt(buf, CELL_SIZE, "%u", (unsigned)row->ttl_stats.sent);
}

static void put_received(const struct wn_row *row, char *buf)
{
	wn_fmt(buf, CELL_SIZE, "%u", (unsigned)row->hr->replies);
}

static void put_last(const struct wn_row *row, char *buf)
{
	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.last_ns);
}

static void put_best(const struct wn_row *row, char *buf)
{
	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.best_ns);
}

static void put_mean(const struct wn_row *row, char *buf)
{
	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.mean_ns);
}

static void put_worst(const struct wn_row *row, char *buf)
{
	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.worst_ns);
}

static void put_stddev(const struct wn_row *row, char *buf)
{
	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.stddev_ns);
}

struct column {
	const char *title;
	unsigned drop; /* lower numbers go first; 0 stays */
	void (*put)(const struct wn_row *row, char *buf);
};

static const struct column columns[] = {
	{"Loss", 7, put_loss},
	{"Snt", 6, put_sent},
	{"Rcv", 5, put_received},
	{"Last", 2, put_last},
	{"Best", 4, put_best},
	{"Avg", 0, put_mean},
	{"Worst", 3, put_worst},
	{"StDev", 1, put_stddev},
};
#define COLUMNS	 LEN(columns)
#define DROP_MAX 7
#define RECEIVED 2 /* says something new only where a TTL has several responders */

struct layout {
	unsigned width[COLUMNS]; /* 0: not shown */
	unsigned host;
};

static unsigned max(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static void cell(const struct wn_row *row, size_t column, char buf[CELL_SIZE])
{
	buf[0] = '\0';
	columns[column].put(row, buf);
}

static void natural_widths(const struct wn_table *t, struct layout *l)
{
	char buf[CELL_SIZE];

	for (size_t c = 0; c < COLUMNS; c++) {
		if (c == RECEIVED && !t->many)
			continue;
		l->width[c] = (unsigned)strlen(columns[c].title);
		for (size_t i = 0; i < t->count; i++)
			if (t->rows[i].kind == WN_ROW_RESPONDER) {
				cell(&t->rows[i], c, buf);
				l->width[c] = max(l->width[c], (unsigned)strlen(buf));
			}
	}
}

static unsigned figures_cols(const struct layout *l)
{
	unsigned sum = 0;

	for (size_t c = 0; c < COLUMNS; c++)
		sum += l->width[c] ? l->width[c] + GAP : 0;
	return sum;
}

/*
 * Names may have a share of the line before figures go, a larger one where there is room for the
 * loss and two times beside it; addresses have what they need.
 */
static unsigned names_share(unsigned line)
{
	return line * (line >= 72 ? 3 : 2) / 5;
}

static void fit(const struct wn_table *t, struct layout *l)
{
	unsigned least = 4, most = 4, want, room;

	for (size_t i = 0; i < t->count; i++) {
		least = max(least, t->rows[i].min_cols);
		most = max(most, t->rows[i].max_cols);
	}
	l->host = most;
	if (t->o->columns == 0)
		return;
	want = max(least, names_share(t->o->columns));
	want = want < most ? want : most;
	room = t->o->columns > TTL_COLS + GAP ? t->o->columns - TTL_COLS - GAP : 0;
	for (unsigned drop = 1; drop <= DROP_MAX && want + figures_cols(l) > room; drop++)
		for (size_t c = 0; c < COLUMNS; c++)
			if (columns[c].drop == drop)
				l->width[c] = 0;
	if (room > figures_cols(l) + least)
		l->host = room - figures_cols(l);
	else
		l->host = least;
	if (l->host > most)
		l->host = most;
}

/* ---- lines ---- */

void wn_paint(struct wn_strbuf *out, const struct wn_table_opts *o, enum wn_paint paint)
{
	static const char *const codes[] = {"1", "2", "31", "33", "32"};

	if (o->color)
		wn_strbuf_fmt(out, "\033[%sm", codes[paint]);
}

void wn_paint_end(struct wn_strbuf *out, const struct wn_table_opts *o)
{
	if (o->color)
		wn_strbuf_puts(out, "\033[0m");
}

static void add_padding(struct wn_strbuf *out, unsigned have, unsigned want)
{
	for (; have < want; have++)
		wn_strbuf_putc(out, ' ');
}

static void end_line(struct wn_strbuf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	wn_strbuf_putc(out, '\n');
}

static void write_header(struct wn_strbuf *out, const struct wn_table *t, const struct layout *l)
{
	wn_paint(out, t->o, WN_PAINT_BOLD);
	wn_strbuf_puts(out, "TTL  Host");
	add_padding(out, 4, l->host);
	for (size_t c = 0; c < COLUMNS; c++)
		if (l->width[c])
			wn_strbuf_fmt(out, "%*s", (int)(l->width[c] + GAP), columns[c].title);
	wn_paint_end(out, t->o);
	wn_strbuf_putc(out, '\n');
}

static void write_figures(struct wn_strbuf *out, const struct wn_table *t, const struct layout *l,
	const struct wn_row *row)
{
	char buf[CELL_SIZE];

	for (size_t c = 0; c < COLUMNS; c++) {
		bool loss = columns[c].put == put_loss && row->ttl_stats.lost > 0;

		if (!l->width[c])
			continue;
		cell(row, c, buf);
		if (loss)
			wn_paint(out, t->o, WN_PAINT_YELLOW);
		wn_strbuf_fmt(out, "%*s", (int)(l->width[c] + GAP), buf);
		if (loss)
			wn_paint_end(out, t->o);
	}
}

static bool is_destination(const struct wn_table *t, const struct wn_row *row)
{
	return t->r->reached && row->ttl == t->r->last_ttl &&
	       t->r->replies[row->hr->first_reply].reached;
}

static void write_responder(struct wn_strbuf *out, const struct wn_table *t, const struct layout *l,
	const struct wn_row *row)
{
	unsigned cols;

	if (row->first)
		wn_strbuf_fmt(out, "%*u  ", TTL_COLS, (unsigned)row->ttl);
	else
		add_padding(out, 0, TTL_COLS + GAP);
	if (is_destination(t, row))
		wn_paint(out, t->o, WN_PAINT_GREEN);
	cols = wn_table_host(out, t, row, l->host);
	if (is_destination(t, row))
		wn_paint_end(out, t->o);
	add_padding(out, cols, l->host);
	write_figures(out, t, l, row);
	end_line(out);
}

static void add_silence(struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row)
{
	switch (row->kind) {
	case WN_ROW_WAITING:
		wn_strbuf_puts(out, t->o->live ? "waiting" : "not answered yet");
		break;
	case WN_ROW_UNSENT:
		wn_strbuf_fmt(out, "not sent: %s", wn_err_text(row->err));
		break;
	default:
		wn_strbuf_puts(out, row->last_ttl > row->ttl ? "no reply" : "*");
		break;
	}
	if (row->last_ttl > row->ttl)
		wn_strbuf_fmt(out, " (%u hops)", (unsigned)(row->last_ttl - row->ttl + 1));
}

static void write_unanswered(
	struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row)
{
	wn_paint(out, t->o, WN_PAINT_DIM);
	if (row->last_ttl > row->ttl)
		wn_strbuf_fmt(out, "%u-%u  ", (unsigned)row->ttl, (unsigned)row->last_ttl);
	else
		wn_strbuf_fmt(out, "%*u  ", TTL_COLS, (unsigned)row->ttl);
	add_silence(out, t, row);
	wn_paint_end(out, t->o);
	wn_strbuf_putc(out, '\n');
}

/* ---- head ---- */

void wn_view_probe_kind(struct wn_strbuf *out, const struct wn_params *p)
{
	switch (p->proto) {
	case WN_PROTO_UDP:
		wn_strbuf_fmt(out, "UDP to port %u", (unsigned)p->dport);
		break;
	case WN_PROTO_ICMP:
		wn_strbuf_puts(out, "ICMP echo");
		break;
	case WN_PROTO_TCP:
		wn_strbuf_fmt(out, "TCP SYN to port %u", (unsigned)p->dport);
		break;
	}
}

static void write_title(struct wn_strbuf *out, const struct wn_table *t)
{
	const struct wn_params *p = &t->r->params;
	struct wn_strbuf text = WN_STRBUF_INIT;
	char addr[WN_ADDR_STRLEN];

	wn_addr_str(&p->dst, addr);
	wn_strbuf_puts(&text, "Trace to ");
	if (strcmp(p->host, addr) != 0) {
		wn_view_name(&text, p->host, t->o->unicode);
		wn_strbuf_fmt(&text, " (%s)", addr);
	} else {
		wn_strbuf_puts(&text, addr);
	}
	wn_strbuf_puts(&text, ", ");
	wn_view_probe_kind(&text, p);
	wn_strbuf_fmt(&text, ", up to %u hop%s, %u byte packets, times in ms", (unsigned)p->max_ttl,
		p->max_ttl == 1 ? "" : "s", (unsigned)p->size);
	wn_view_wrap(out, wn_strbuf_str(&text), (struct wn_indent){0, 2}, t->o->columns);
	wn_view_drop(out, &text);
}

void wn_out_table(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct wn_table t = {.r = r, .o = o, .expected_tos = r->params.tos};
	struct layout l = {0};

	if (!r->started)
		return;
	wn_table_collect(&t);
	if (t.err)
		out->err = t.err;
	natural_widths(&t, &l);
	fit(&t, &l);
	write_title(out, &t);
	write_header(out, &t, &l);
	for (size_t i = 0; i < t.count; i++) {
		const struct wn_row *row = &t.rows[i];

		if (row->kind == WN_ROW_RESPONDER)
			write_responder(out, &t, &l, row);
		else
			write_unanswered(out, &t, row);
		wn_table_details(out, &t, row);
	}
	if (o->verbose > 0)
		wn_table_flows(out, &t);
	wn_free(t.rows);
	wn_out_closing(out, r, o);
}
