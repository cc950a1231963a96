/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All paths as a drawing: TTL by TTL a row for each interface, lanes in front of them with the
 * lines between, and at the lines how the router above them balances. Where too many stand at one
 * TTL for lanes they are listed in one, and where they are too many to list, counted.
 */
#include "output/ways.h"

#include <string.h>
#include "base/alloc.h"

#define LEN(a)	     (sizeof(a) / sizeof((a)[0]))
#define LIST_MAX     16 /* interfaces in one lane that are listed unasked */
#define PATHS_SHOWN  64
#define TEXT_MIN     20 /* columns that a text beside lanes gets in any case */
#define INDENT	     2	/* of what stands below a row, beside the host cell */
#define WN_WAYS_LEFT (WN_TTL_COLS + WN_COLUMNS_GAP)

static const struct wn_column columns[] = {
	{"From", 0, true, wn_ways_put_from},
	{"Flows", 3, false, wn_ways_put_share},
	{"Best", 1, false, wn_table_put_best},
	{"Avg", 2, false, wn_table_put_mean},
};
#define FROM  0
#define TIMES 2 /* from here on */

struct tree {
	struct wn_ways p;
	struct wn_columns c;
	struct wn_ways_row *rows; /* owned; in order of TTL */
	size_t count;
};

static const char *text_mark(const struct tree *t, const struct wn_ways_row *row, char *letters)
{
	bool unicode = t->p.o->unicode;

	if (wn_graph_width(&t->p.g, row->row.ttl) > 1)
		return row->count > 1 ? (unicode ? "┇" : ":")
				      : wn_ways_letters(&t->p, row->node, letters);
	if (row->node == WN_GRAPH_SOURCE ? t->p.g.first_ttl > 1 : row->row.kind == WN_ROW_SILENT)
		return unicode ? "○" : ".";
	return unicode ? "●" : "o";
}

/* ---- rows ---- */

static bool is_summed(const struct tree *t, unsigned ttl)
{
	uint32_t width = wn_graph_width(&t->p.g, ttl);

	return width > LIST_MAX && width > t->p.lanes && t->p.o->verbose == 0;
}

/* With a row of the source where flows part at once. */
static unsigned first_ttl(const struct tree *t)
{
	unsigned ttl = t->p.g.first_ttl;

	return wn_graph_width(&t->p.g, ttl) > 1 ? ttl - 1 : ttl;
}

static void collect(struct tree *t)
{
	const struct wn_graph *g = &t->p.g;

	t->rows = wn_calloc(g->node_count, sizeof(*t->rows));
	if (!t->rows) {
		t->p.err = WN_ENOMEM;
		return;
	}
	for (unsigned ttl = first_ttl(t); ttl <= g->last_ttl; ttl++) {
		uint32_t first = g->hop_first[ttl], width = wn_graph_width(g, ttl);
		uint32_t each = is_summed(t, ttl) ? width : 1;

		for (uint32_t i = 0; i < width; i += each)
			wn_ways_row(&t->p, first + i, each, &t->rows[t->count++]);
	}
}

/* From says nothing that lines do not, unless two TTLs in a row have several nodes. */
static bool needs_from(const struct wn_graph *g)
{
	for (unsigned ttl = g->first_ttl; ttl < g->last_ttl; ttl++)
		if (wn_graph_width(g, ttl) > 1 && wn_graph_width(g, ttl + 1) > 1)
			return true;
	return false;
}

static void choose_columns(struct tree *t)
{
	struct wn_columns_need need = {WN_WAYS_LEFT + t->p.rails, 4, 4};

	wn_columns_init(&t->c, columns, LEN(columns), needs_from(&t->p.g) ? 0 : 1u << FROM);
	for (size_t i = 0; i < t->count; i++) {
		wn_columns_measure(&t->c, &t->rows[i]);
		wn_ways_need(&t->p, &t->rows[i], &need);
	}
	wn_columns_fit(&t->c, &need, t->p.o->columns);
}

static unsigned lane_of(const struct tree *t, const struct wn_ways_row *row)
{
	unsigned ttl = row->row.ttl;

	if (wn_graph_width(&t->p.g, ttl) > t->p.lanes)
		return 0;
	return row->node - t->p.g.hop_first[ttl];
}

/* ---- lines ---- */

static void write_header(struct wn_strbuf *out, const struct tree *t)
{
	wn_paint(out, t->p.o, WN_PAINT_BOLD);
	wn_strbuf_puts(out, "TTL  ");
	wn_columns_pad(out, 0, t->p.rails);
	wn_strbuf_puts(out, "Host");
	wn_columns_pad(out, 4, t->c.host);
	wn_columns_titles(out, &t->c);
	wn_paint_end(out, t->p.o);
	wn_columns_end(out);
}

static void write_row(struct wn_strbuf *out, const struct tree *t, const struct wn_ways_row *row)
{
	char letters[WN_LETTERS_SIZE];
	bool painted;
	unsigned cols;

	if (row->row.first)
		wn_strbuf_fmt(out, "%*u  ", WN_TTL_COLS, (unsigned)row->row.ttl);
	else
		wn_columns_pad(out, 0, WN_WAYS_LEFT);
	wn_rails_row(out, &t->p, row->row.ttl, lane_of(t, row), text_mark(t, row, letters));
	painted = wn_ways_paint(out, row);
	cols = wn_ways_host(out, row, t->c.host);
	if (painted)
		wn_paint_end(out, t->p.o);
	wn_columns_pad(out, cols, t->c.host);
	for (size_t i = 0; i < t->c.count && row->node != WN_GRAPH_SOURCE; i++)
		if (row->row.kind != WN_ROW_SILENT || i < TIMES)
			wn_columns_cell(out, &t->c, i, row);
	wn_columns_end(out);
}

static void write_details(struct wn_strbuf *out, struct tree *t, const struct wn_ways_row *row)
{
	struct wn_strbuf rails = WN_STRBUF_INIT;

	wn_rails_row(&rails, &t->p, row->row.ttl, lane_of(t, row), NULL);
	wn_ways_details(out, row, wn_strbuf_str(&rails));
	wn_view_drop(out, &rails);
}

/* ---- between two TTLs ---- */

static bool is_alike(const struct wn_graph_node *a, const struct wn_graph_node *b)
{
	return a->lb == b->lb && a->out_count == b->out_count && a->label_known == b->label_known;
}

/* "a-c: per flow over 2, 11-14 flows each": nodes from first to last, which are alike. */
static void add_group(struct wn_strbuf *text, const struct tree *t, uint32_t first, uint32_t last)
{
	const struct wn_graph_node *nodes = t->p.g.nodes;
	uint32_t low = nodes[first].tested, high = low;
	char letters[WN_LETTERS_SIZE];

	if (wn_graph_width(&t->p.g, nodes[first].ttl) > 1) {
		wn_strbuf_puts(text, wn_ways_letters(&t->p, first, letters));
		if (last > first)
			wn_strbuf_fmt(text, "%c%s", last == first + 1 ? ',' : '-',
				wn_ways_letters(&t->p, last, letters));
		wn_strbuf_puts(text, ": ");
	}
	for (uint32_t i = first; i <= last; i++) {
		low = nodes[i].tested < low ? nodes[i].tested : low;
		high = nodes[i].tested > high ? nodes[i].tested : high;
	}
	wn_ways_balance(text, &t->p, first);
	wn_strbuf_fmt(text, ", %u", (unsigned)low);
	if (high > low)
		wn_strbuf_fmt(text, "-%u", (unsigned)high);
	wn_strbuf_puts(text, high == 1 ? " flow" : " flows");
	wn_strbuf_puts(text, last > first ? " each\n" : "\n");
}

/* One line for each router at ttl that balances, or for several alike beside each other. */
static void add_balancing(struct wn_strbuf *text, const struct tree *t, unsigned ttl)
{
	const struct wn_graph *g = &t->p.g;
	uint32_t end = g->hop_first[ttl + 1], many = 0;

	for (uint32_t i = g->hop_first[ttl], last; i < end; i = last + 1) {
		last = i;
		if (!wn_ways_is_balancing(g, i))
			continue;
		while (last + 1 < end && is_alike(&g->nodes[i], &g->nodes[last + 1]))
			last++;
		many += last - i + 1;
		if (!is_summed(t, ttl))
			add_group(text, t, i, last);
	}
	if (is_summed(t, ttl) && many > 0)
		wn_strbuf_fmt(text, "%u of %u balance\n", (unsigned)many,
			(unsigned)wn_graph_width(g, ttl));
}

static void write_line(struct wn_strbuf *out, const struct tree *t, const struct wn_join *j,
	unsigned row, const char *text, size_t len)
{
	wn_columns_pad(out, 0, WN_WAYS_LEFT);
	wn_rails_join_row(out, &t->p, j, row);
	if (len > 0) {
		wn_paint(out, t->p.o, WN_PAINT_DIM);
		wn_strbuf_add(out, text, len);
		wn_paint_end(out, t->p.o);
	}
	wn_columns_end(out);
}

/* Columns of a line that are left beside what stands in front; 0: any number. */
static unsigned room(const struct tree *t, unsigned before)
{
	unsigned line = t->p.o->columns;

	if (line == 0)
		return 0;
	return line > before + TEXT_MIN ? line - before : TEXT_MIN;
}

/* The text of several lines as lines that fit. */
static void wrap(struct wn_strbuf *out, const struct tree *t, const struct wn_strbuf *text)
{
	struct wn_strbuf line = WN_STRBUF_INIT;

	for (const char *s = wn_strbuf_str(text); *s;) {
		size_t len = strcspn(s, "\n");

		wn_strbuf_add(&line, s, len);
		wn_view_wrap(out, wn_strbuf_str(&line), (struct wn_indent){INDENT, INDENT + 2},
			room(t, WN_WAYS_LEFT + t->p.rails));
		if (!line.err)
			wn_strbuf_reset(&line);
		s += len + (s[len] == '\n');
	}
	wn_view_drop(out, &line);
}

static void write_join(struct wn_strbuf *out, struct tree *t, unsigned ttl)
{
	struct wn_strbuf text = WN_STRBUF_INIT, lines = WN_STRBUF_INIT;
	struct wn_join j;
	const char *s;

	wn_rails_join(&t->p, ttl, &j);
	add_balancing(&text, t, ttl);
	wrap(&lines, t, &text);
	s = wn_strbuf_str(&lines);
	for (unsigned row = 0; row < j.rows || *s; row++) {
		size_t len = strcspn(s, "\n");

		write_line(out, t, &j, row, s, len);
		s += len + (s[len] == '\n');
	}
	wn_view_drop(out, &text);
	wn_view_drop(out, &lines);
}

static void write_unknown(struct wn_strbuf *out, const struct tree *t, unsigned ttl)
{
	wn_paint(out, t->p.o, WN_PAINT_DIM);
	wn_strbuf_fmt(out, "%*u  ", WN_TTL_COLS, ttl);
	wn_columns_pad(out, 0, t->p.rails);
	wn_strbuf_puts(out, t->p.r->hops[ttl].probes == 0 ? "not probed" : "not answered yet");
	wn_paint_end(out, t->p.o);
	wn_strbuf_putc(out, '\n');
}

static void write_tree(struct wn_strbuf *out, struct tree *t)
{
	const struct wn_graph *g = &t->p.g;
	size_t i = 0;

	for (unsigned ttl = first_ttl(t); ttl <= g->last_ttl; ttl++) {
		if (wn_graph_width(g, ttl) == 0)
			write_unknown(out, t, ttl);
		for (; i < t->count && t->rows[i].row.ttl == ttl; i++) {
			write_row(out, t, &t->rows[i]);
			write_details(out, t, &t->rows[i]);
		}
		if (ttl < g->last_ttl)
			write_join(out, t, ttl);
	}
	wn_ways_silent_end(out, &t->p);
}

/* ---- which flow took which path ---- */

static void add_range(struct wn_strbuf *text, uint32_t first, uint32_t last)
{
	wn_strbuf_fmt(text, " %u", (unsigned)first);
	if (last > first)
		wn_strbuf_fmt(text, "-%u", (unsigned)last);
}

static void add_flow_numbers(struct wn_strbuf *text, const struct wn_graph *g, uint32_t path)
{
	uint32_t first = g->flows[g->paths[path].flow].flow, last = first;

	for (uint32_t i = g->paths[path].flow + 1; i < g->flow_count; i++) {
		uint32_t flow = g->flows[i].flow;

		if (g->flows[i].path != path)
			continue;
		if (flow != last + 1) {
			add_range(text, first, last);
			first = flow;
		}
		last = flow;
	}
	add_range(text, first, last);
}

/* Where a flow was not seen it passed the only node of the TTL. */
static void add_nodes(
	struct wn_strbuf *text, const struct wn_ways *p, const struct wn_graph_path *path)
{
	const struct wn_graph *g = &p->g;
	const struct wn_graph_flow *f = &g->flows[path->flow];
	const struct wn_graph_step *s = g->steps + f->first_step, *end = s + f->step_count;

	for (unsigned ttl = g->first_ttl; ttl <= path->last_ttl; ttl++) {
		bool seen = s < end && s->ttl == ttl;

		wn_strbuf_putc(text, ' ');
		wn_ways_name(text, p, seen ? s->node : g->hop_first[ttl]);
		s += seen;
	}
}

static void write_paths(struct wn_strbuf *out, const struct tree *t)
{
	const struct wn_graph *g = &t->p.g;
	struct wn_strbuf text = WN_STRBUF_INIT;

	for (uint32_t i = 0; i < g->path_count && i < PATHS_SHOWN; i++) {
		wn_strbuf_fmt(&text, "Path %u:", (unsigned)i + 1);
		add_nodes(&text, &t->p, &g->paths[i]);
		wn_strbuf_puts(&text, g->paths[i].flows == 1 ? "; flow" : "; flows");
		add_flow_numbers(&text, g, i);
		wn_view_wrap(out, wn_strbuf_str(&text), (struct wn_indent){0, 2}, t->p.o->columns);
		if (!text.err)
			wn_strbuf_reset(&text);
	}
	if (g->path_count > PATHS_SHOWN)
		wn_strbuf_fmt(
			out, "... and %u more paths\n", (unsigned)(g->path_count - PATHS_SHOWN));
	wn_view_drop(out, &text);
}

void wn_out_paths_tree(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct tree t = {0};

	if (!r->started || !wn_ways_open(&t.p, out, r, o))
		return;
	t.p.details.columns = room(&t, t.p.rails);
	collect(&t);
	choose_columns(&t);
	wn_table_title(out, r, o, "Paths");
	write_header(out, &t);
	write_tree(out, &t);
	if (o->verbose > 0)
		write_paths(out, &t);
	wn_ways_probes(out, &t.p);
	wn_free(t.rows);
	wn_ways_claims(out, &t.p);
	wn_ways_close(&t.p, out);
}
