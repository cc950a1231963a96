/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: rows are collected first, then the columns are chosen that fit the width.
 */
#include "output/table.h"

#include <string.h>
#include "base/alloc.h"
#include "base/fmt.h"
#include "output/columns.h"

#define LEN(a)	  (sizeof(a) / sizeof((a)[0]))
#define CELL_SIZE WN_CELL_SIZE

/* ---- columns ---- */

void wn_table_put_loss(const void *of, char *buf)
{
	const struct wn_row *row = of;
	int32_t milli = row->first ? wn_stats_loss_milli(&row->ttl_stats) : -1;
	size_t n;

	if (milli < 0) {
		wn_fmt(buf, CELL_SIZE, "%s", row->first ? "-" : "");
		return;
	}
	n = wn_fmt_fixed(buf, CELL_SIZE, milli, 3, milli % 100000 == 0 ? 0 : 1);
	wn_fmt(buf + n, CELL_SIZE - n, "%%");
}

static void put_sent(const void *of, char *buf)
{
	const struct wn_row *row = of;

	if (row->first)
		wn_fmt(buf, CELL_SIZE, "%u", (unsigned)row->ttl_stats.sent);
}

static void put_received(const void *of, char *buf)
{
	const struct wn_row *row = of;

	wn_fmt(buf, CELL_SIZE, "%u", (unsigned)row->hr->replies);
}

static void put_last(const void *of, char *buf)
{
	const struct wn_row *row = of;

	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.last_ns);
}

void wn_table_put_best(const void *of, char *buf)
{
	const struct wn_row *row = of;

	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.best_ns);
}

void wn_table_put_mean(const void *of, char *buf)
{
	const struct wn_row *row = of;

	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.mean_ns);
}

static void put_worst(const void *of, char *buf)
{
	const struct wn_row *row = of;

	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.worst_ns);
}

static void put_stddev(const void *of, char *buf)
{
	const struct wn_row *row = of;

	wn_view_fmt_ms(buf, CELL_SIZE, row->stats.stddev_ns);
}

static void put_mtu(const void *of, char *buf)
{
	const struct wn_row *row = of;

	if (row->first)
		wn_fmt(buf, CELL_SIZE, row->mtu ? "%u" : "-", (unsigned)row->mtu);
}

static const struct wn_column columns[] = {
	{"MTU", 0, false, put_mtu},
	{"Loss", 7, false, wn_table_put_loss},
	{"Snt", 6, false, put_sent},
	{"Rcv", 5, false, put_received},
	{"Last", 2, false, put_last},
	{"Best", 4, false, wn_table_put_best},
	{"Avg", 0, false, wn_table_put_mean},
	{"Worst", 3, false, put_worst},
	{"StDev", 1, false, put_stddev},
};
#define MTU	 0
#define RECEIVED 3 /* says something new only where a TTL has several responders */

static void choose_columns(const struct wn_table *t, struct wn_columns *c)
{
	struct wn_columns_need need = {WN_TTL_COLS + WN_COLUMNS_GAP, 4, 4};

	unsigned hidden = (t->many ? 0 : 1u << RECEIVED) | (t->r->params.pmtu ? 0 : 1u << MTU);

	wn_columns_init(c, columns, LEN(columns), hidden);
	for (size_t i = 0; i < t->count; i++) {
		const struct wn_row *row = &t->rows[i];

		if (row->kind == WN_ROW_RESPONDER)
			wn_columns_measure(c, row);
		need.least = row->min_cols > need.least ? row->min_cols : need.least;
		need.most = row->max_cols > need.most ? row->max_cols : need.most;
	}
	wn_columns_fit(c, &need, t->o->columns);
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

static void write_header(
	struct wn_strbuf *out, const struct wn_table *t, const struct wn_columns *c)
{
	wn_paint(out, t->o, WN_PAINT_BOLD);
	wn_strbuf_puts(out, "TTL  Host");
	wn_columns_pad(out, 4, c->host);
	wn_columns_titles(out, c);
	wn_paint_end(out, t->o);
	wn_strbuf_putc(out, '\n');
}

static void write_figures(struct wn_strbuf *out, const struct wn_table *t,
	const struct wn_columns *c, const struct wn_row *row)
{
	for (size_t i = 0; i < c->count; i++) {
		bool loss = c->width[i] && c->list[i].put == wn_table_put_loss &&
			    row->ttl_stats.lost > 0;

		if (loss)
			wn_paint(out, t->o, WN_PAINT_YELLOW);
		wn_columns_cell(out, c, i, row);
		if (loss)
			wn_paint_end(out, t->o);
	}
}

static bool is_destination(const struct wn_table *t, const struct wn_row *row)
{
	return t->r->reached && row->ttl == t->r->last_ttl &&
	       t->r->replies[row->hr->first_reply].reached;
}

static void write_responder(struct wn_strbuf *out, const struct wn_table *t,
	const struct wn_columns *c, const struct wn_row *row)
{
	unsigned cols;

	if (row->first)
		wn_strbuf_fmt(out, "%*u  ", WN_TTL_COLS, (unsigned)row->ttl);
	else
		wn_columns_pad(out, 0, WN_TTL_COLS + WN_COLUMNS_GAP);
	if (is_destination(t, row))
		wn_paint(out, t->o, WN_PAINT_GREEN);
	cols = wn_table_host(out, t, row, c->host);
	if (is_destination(t, row))
		wn_paint_end(out, t->o);
	wn_columns_pad(out, cols, c->host);
	write_figures(out, t, c, row);
	wn_columns_end(out);
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
		wn_strbuf_fmt(out, "%*u  ", WN_TTL_COLS, (unsigned)row->ttl);
	add_silence(out, t, row);
	wn_paint_end(out, t->o);
	wn_strbuf_putc(out, '\n');
}

/* ---- head ---- */

/* "SYN", "FIN,ACK" */
static void add_flags(struct wn_strbuf *out, uint8_t flags)
{
	const char *comma = "";

	for (unsigned bit = 1; bit <= UINT8_MAX; bit <<= 1) {
		if (!(flags & bit))
			continue;
		wn_strbuf_puts(out, comma);
		for (const char *c = wn_tcp_flag_name((uint8_t)bit); *c; c++)
			wn_strbuf_putc(out, (char)(*c - 'a' + 'A'));
		comma = ",";
	}
}

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
		wn_strbuf_puts(out, "TCP ");
		if (p->tcp_method == WN_TCP_METHOD_SACK)
			wn_strbuf_puts(out, "data in a connection");
		else
			add_flags(out, p->tcp_flags ? p->tcp_flags : WN_TCP_SYN);
		wn_strbuf_fmt(out, " to port %u", (unsigned)p->dport);
		break;
	}
}

void wn_table_title(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o,
	const char *what)
{
	const struct wn_params *p = &r->params;
	struct wn_strbuf text = WN_STRBUF_INIT;
	char addr[WN_ADDR_STRLEN];

	wn_addr_str(&p->dst, addr);
	wn_strbuf_fmt(&text, "%s to ", what);
	if (strcmp(p->host, addr) != 0) {
		wn_view_name(&text, p->host, o->unicode);
		wn_strbuf_fmt(&text, " (%s)", addr);
	} else {
		wn_strbuf_puts(&text, addr);
	}
	wn_strbuf_puts(&text, ", ");
	wn_view_probe_kind(&text, p);
	wn_strbuf_fmt(&text, ", up to %u hop%s, %u byte packets, times in ms", (unsigned)p->max_ttl,
		p->max_ttl == 1 ? "" : "s", (unsigned)p->size);
	wn_view_wrap(out, wn_strbuf_str(&text), (struct wn_indent){0, 2}, o->columns);
	wn_view_drop(out, &text);
}

void wn_out_table(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct wn_table t = {.r = r, .o = o, .expected_tos = r->params.tos};
	struct wn_columns c;

	if (!r->started)
		return;
	wn_table_collect(&t);
	if (t.err)
		out->err = t.err;
	choose_columns(&t, &c);
	wn_table_title(out, r, o, "Trace");
	write_header(out, &t, &c);
	for (size_t i = 0; i < t.count; i++) {
		const struct wn_row *row = &t.rows[i];

		if (row->kind == WN_ROW_RESPONDER)
			write_responder(out, &t, &c, row);
		else
			write_unanswered(out, &t, row);
		wn_table_details(out, &t, row);
	}
	if (o->verbose > 0)
		wn_table_flows(out, &t);
	wn_free(t.rows);
	wn_out_closing(out, r, o);
}
