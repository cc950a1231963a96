/* SPDX-License-Identifier: Apache-2.0 */
/* All paths as a table: a row for each interface at each TTL, whatever their number. */
#include "output/ways.h"

#include <string.h>
#include "base/alloc.h"
#include "base/fmt.h"
#include "multipath/stopping.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void put_peers(const void *row, bool to, char *buf)
{
	const struct wn_ways_row *r = row;
	struct wn_strbuf text = WN_STRBUF_INIT;

	wn_ways_peers(&text, r->p, r->node, to, true);
	wn_ways_to_cell(r->p, &text, buf);
}

static void put_from(const void *row, char *buf)
{
	put_peers(row, false, buf);
}

static void put_to(const void *row, char *buf)
{
	put_peers(row, true, buf);
}

static void put_balance(const void *row, char *buf)
{
	const struct wn_ways_row *r = row;
	const struct wn_graph_node *n = &r->p->g.nodes[r->node];

	if (!wn_ways_is_balancing(&r->p->g, r->node))
		return;
	if (n->out_count > 1)
		wn_fmt(buf, WN_CELL_SIZE, "%u%s %s", (unsigned)n->out_count,
			r->p->r->params.paths == WN_PATHS_NODES ? "+" : "", wn_lb_name(n->lb));
	else
		wn_fmt(buf, WN_CELL_SIZE, "%s", wn_lb_name(n->lb));
}

/* Nothing where nothing is claimed. */
static void put_bound(struct wn_strbuf *text, const struct wn_ways *p, uint32_t ppb)
{
	if (ppb == WN_STOPPING_PPB)
		wn_strbuf_putc(text, '?');
	else if (ppb > 0)
		wn_ways_bound(text, p, ppb);
}

/* What hangs on an interface, or what stands at a TTL as a whole. */
static void put_miss(const void *row, char *buf)
{
	const struct wn_ways_row *r = row;
	const struct wn_graph_node *n = &r->p->g.nodes[r->node];
	struct wn_strbuf text = WN_STRBUF_INIT;

	if (r->p->r->params.paths == WN_PATHS_NODES)
		put_bound(&text, r->p, r->row.first ? r->p->g.hops[r->row.ttl].miss_ppb : 0);
	else
		put_bound(&text, r->p, n->miss_ppb);
	wn_ways_to_cell(r->p, &text, buf);
}

#define MISSED 7 /* in columns */

static const struct wn_column columns[] = {
	{"From", 0, true, put_from},
	{"To", 7, true, put_to},
	{"Flows", 6, false, wn_ways_put_share},
	{"Loss", 3, false, wn_table_put_loss},
	{"Best", 2, false, wn_table_put_best},
	{"Avg", 5, false, wn_table_put_mean},
	{"Balances", 4, true, put_balance},
	{"Missed", 1, false, put_miss},
};

struct ways_table {
	struct wn_ways p;
	struct wn_columns c;
	struct wn_ways_row *rows; /* owned; of every node but the source */
	size_t count;
	unsigned letters; /* columns of the longest */
};

static unsigned letters_cols(const struct wn_ways *p)
{
	char letters[WN_LETTERS_SIZE];
	size_t most = 0;

	for (unsigned ttl = 0; ttl < 256; ttl++)
		if (wn_graph_width(&p->g, ttl) > 1) {
			uint32_t last = p->g.hop_first[ttl + 1] - 1;
			size_t len = strlen(wn_ways_letters(p, last, letters));

			most = len > most ? len : most;
		}
	return (unsigned)most;
}

static void collect(struct ways_table *t)
{
	t->rows = wn_calloc(t->p.g.node_count, sizeof(*t->rows));
	if (!t->rows) {
		t->p.err = WN_ENOMEM;
		return;
	}
	for (uint32_t i = 1; i < t->p.g.node_count; i++)
		wn_ways_row(&t->p, i, 1, &t->rows[t->count++]);
}

static void choose_columns(struct ways_table *t)
{
	struct wn_columns_need need = {WN_TTL_COLS + t->letters + WN_COLUMNS_GAP, 4, 4};

	wn_columns_init(&t->c, columns, LEN(columns), 0);
	for (size_t i = 0; i < t->count; i++) {
		wn_columns_measure(&t->c, &t->rows[i]);
		wn_ways_need(&t->p, &t->rows[i], &need);
	}
	wn_columns_fit(&t->c, &need, t->p.o->columns);
}

/* A ? under Missed has to be explained, where the column is shown. */
static bool has_unknown(const struct ways_table *t)
{
	bool found = false;

	for (size_t i = 0; t->c.width[MISSED] > 0 && i < t->count; i++) {
		char cell[WN_CELL_SIZE] = "";

		put_miss(&t->rows[i], cell);
		found = found || cell[0] == '?';
	}
	return found;
}

static void write_header(struct wn_strbuf *out, const struct ways_table *t)
{
	wn_paint(out, t->p.o, WN_PAINT_BOLD);
	wn_strbuf_puts(out, "TTL");
	wn_columns_pad(out, 0, t->letters + WN_COLUMNS_GAP);
	wn_strbuf_puts(out, "Host");
	wn_columns_pad(out, 4, t->c.host);
	wn_columns_titles(out, &t->c);
	wn_paint_end(out, t->p.o);
	wn_columns_end(out);
}

static void write_row(
	struct wn_strbuf *out, const struct ways_table *t, const struct wn_ways_row *row)
{
	bool alone = wn_graph_width(&t->p.g, row->row.ttl) == 1;
	char letters[WN_LETTERS_SIZE];
	bool painted;
	unsigned cols;

	wn_strbuf_fmt(out, "%*u%-*s%*s", WN_TTL_COLS, (unsigned)row->row.ttl, (int)t->letters,
		alone ? "" : wn_ways_letters(&t->p, row->node, letters), WN_COLUMNS_GAP, "");
	painted = wn_ways_paint(out, row);
	cols = wn_ways_host(out, row, t->c.host);
	if (painted)
		wn_paint_end(out, t->p.o);
	wn_columns_pad(out, cols, t->c.host);
	for (size_t i = 0; i < t->c.count; i++)
		wn_columns_cell(out, &t->c, i, row);
	wn_columns_end(out);
}

void wn_out_paths_table(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct wn_strbuf blanks = WN_STRBUF_INIT;
	struct ways_table t = {0};

	if (!r->started || !wn_ways_open(&t.p, out, r, o))
		return;
	t.letters = letters_cols(&t.p);
	wn_columns_pad(&blanks, 0, t.letters);
	collect(&t);
	choose_columns(&t);
	t.p.unknown = has_unknown(&t);
	wn_table_title(out, r, o, "Paths");
	write_header(out, &t);
	for (size_t i = 0; i < t.count; i++) {
		write_row(out, &t, &t.rows[i]);
		wn_ways_details(out, &t.rows[i], wn_strbuf_str(&blanks));
	}
	wn_ways_silent_end(out, &t.p);
	wn_free(t.rows);
	wn_view_drop(out, &blanks);
	wn_ways_probes(out, &t.p);
	wn_ways_claims(out, &t.p);
	wn_ways_close(&t.p, out);
}
