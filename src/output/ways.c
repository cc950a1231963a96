/* SPDX-License-Identifier: Apache-2.0 */
/* A graph of all paths in words and cells, alike in every face. */
#include "output/ways.h"

#include <string.h>
#include "base/fmt.h"
#include "multipath/stopping.h"

#define LANE_SHARE 5 /* of a line at most one in so many columns is for lanes */
#define MILLI_PPB  (WN_STOPPING_PPB / 1000)
#define ROUGH_PPB  MILLI_PPB /* 0.1% */
#define FINE_PPB   1000	     /* 0.0001% */
#define PEERS_COLS 14	     /* a longer list of names becomes a number */

static unsigned lanes_for(unsigned columns)
{
	unsigned lanes = columns / LANE_SHARE / 2;

	if (columns == 0 || lanes > WN_LANES_MAX)
		return WN_LANES_MAX;
	return lanes > 2 ? lanes : 2;
}

static unsigned rails_for(const struct wn_ways *p)
{
	char letters[WN_LETTERS_SIZE];
	unsigned most = 2;

	for (unsigned ttl = 0; ttl < 256; ttl++) {
		uint32_t width = wn_graph_width(&p->g, ttl);
		unsigned cols = 2 * wn_rails_lanes(p, ttl);

		if (width > p->lanes)
			cols = 1 + (unsigned)strlen(wn_ways_letters(
					   p, p->g.hop_first[ttl + 1] - 1, letters));
		most = cols > most ? cols : most;
	}
	return most;
}

bool wn_ways_open(struct wn_ways *p, struct wn_strbuf *out, const struct wn_result *r,
	const struct wn_table_opts *o)
{
	wn_err err;

	*p = (struct wn_ways){.r = r, .o = o, .details = *o, .lanes = lanes_for(o->columns)};
	err = wn_graph_build(r, &p->g);
	if (err) {
		out->err = err;
		return false;
	}
	p->rails = rails_for(p);
	/* The first step of being verbose is to show every node; probes stand below the graph. */
	p->details.verbose = o->verbose > 1;
	p->table = (struct wn_table){.r = r, .o = &p->details, .expected_tos = r->params.tos};
	return true;
}

void wn_ways_close(struct wn_ways *p, struct wn_strbuf *out)
{
	if (p->err)
		out->err = p->err;
	wn_graph_free(&p->g);
}

/* ---- words ---- */

const char *wn_ways_letters(const struct wn_ways *p, uint32_t node, char buf[WN_LETTERS_SIZE])
{
	uint32_t n = node - p->g.hop_first[p->g.nodes[node].ttl] + 1;
	size_t len = 0;

	for (uint32_t rest = n; rest > 0; rest = (rest - 1) / 26)
		len++;
	buf[len] = '\0';
	for (; n > 0; n = (n - 1) / 26)
		buf[--len] = (char)('a' + (n - 1) % 26);
	return buf;
}

void wn_ways_name(struct wn_strbuf *out, const struct wn_ways *p, uint32_t node)
{
	unsigned ttl = p->g.nodes[node].ttl;
	char letters[WN_LETTERS_SIZE];

	wn_strbuf_fmt(out, "%u%s", ttl,
		wn_graph_width(&p->g, ttl) > 1 ? wn_ways_letters(p, node, letters) : "");
}

struct peers {
	const struct wn_ways *p;
	struct wn_strbuf *out;
	uint32_t first, last; /* a run of neighbours; WN_NONE: none yet */
	bool any;
};

static void end_run(struct peers *e)
{
	char letters[WN_LETTERS_SIZE];

	if (e->first == WN_NONE)
		return;
	wn_strbuf_puts(e->out, e->any ? "," : "");
	wn_strbuf_puts(e->out, wn_ways_letters(e->p, e->first, letters));
	if (e->last > e->first)
		wn_strbuf_fmt(e->out, "%c%s", e->last == e->first + 1 ? ',' : '-',
			wn_ways_letters(e->p, e->last, letters));
	e->first = WN_NONE;
	e->any = true;
}

static const struct wn_graph_link *link_at(
	const struct wn_graph *g, const struct wn_graph_node *n, uint32_t i, bool to)
{
	return to ? &g->links[n->first_out + i] : &g->links[g->in_links[n->first_in + i]];
}

/* Those seen, or those inferred. */
static void add_runs(struct peers *e, uint32_t node, bool to, bool inferred)
{
	const struct wn_graph *g = &e->p->g;
	const struct wn_graph_node *n = &g->nodes[node];

	for (uint32_t i = 0; i < (to ? n->out_count : n->in_count); i++) {
		const struct wn_graph_link *l = link_at(g, n, i, to);
		uint32_t peer = to ? l->to : l->from;

		if (l->inferred != inferred)
			continue;
		if (e->first != WN_NONE && peer == e->last + 1) {
			e->last = peer;
			continue;
		}
		end_run(e);
		e->first = e->last = peer;
	}
	end_run(e);
}

static void add_peers(struct wn_strbuf *out, const struct wn_ways *p, uint32_t node, bool to)
{
	struct wn_strbuf inferred = WN_STRBUF_INIT;
	struct peers seen = {p, out, WN_NONE, WN_NONE, false};
	struct peers rest = {p, &inferred, WN_NONE, WN_NONE, false};

	add_runs(&seen, node, to, false);
	add_runs(&rest, node, to, true);
	if (inferred.len > 0)
		wn_strbuf_fmt(out, "(%s)", wn_strbuf_str(&inferred));
	wn_view_drop(out, &inferred);
}

void wn_ways_peers(
	struct wn_strbuf *out, const struct wn_ways *p, uint32_t node, bool to, bool alone)
{
	const struct wn_graph_node *n = &p->g.nodes[node];
	uint32_t count = to ? n->out_count : n->in_count;
	unsigned ttl = to ? n->ttl + 1u : n->ttl - 1u;
	struct wn_strbuf names = WN_STRBUF_INIT;

	if (count == 0)
		return;
	if (wn_graph_width(&p->g, ttl) == 1) {
		/* A TTL that was not probed is nobody to come from. */
		if (alone && (ttl == 0 || ttl >= p->g.first_ttl))
			wn_strbuf_fmt(out, "%u", ttl);
		return;
	}
	if (link_at(&p->g, n, 0, to)->unsure) {
		wn_strbuf_putc(out, '?');
		return;
	}
	add_peers(&names, p, node, to);
	if (names.len > PEERS_COLS)
		wn_strbuf_fmt(out, "%u nodes", (unsigned)count);
	else
		wn_strbuf_puts(out, wn_strbuf_str(&names));
	wn_view_drop(out, &names);
}

void wn_ways_percent(struct wn_strbuf *out, uint64_t part, uint64_t all)
{
	uint64_t milli = all ? (part * 100000 + all / 2) / all : 0;

	if (part > 0 && milli < 50)
		wn_strbuf_puts(out, "<0.1%");
	else {
		wn_strbuf_fixed(out, (int64_t)milli, 3, milli < 9950 && milli > 0 ? 1 : 0);
		wn_strbuf_putc(out, '%');
	}
}

uint32_t wn_ways_least_ppb(const struct wn_ways *p)
{
	uint32_t asked_ppm = p->r->params.miss_ppm;

	return asked_ppm > 0 && asked_ppm < ROUGH_PPB / 1000 ? FINE_PPB : ROUGH_PPB;
}

/* Two figures, rounded up. */
static void put_small(struct wn_strbuf *out, uint32_t ppb)
{
	unsigned decimals = 7; /* of percent */

	for (; ppb > 99; decimals--)
		ppb = ppb / 10 + (ppb % 10 > 0);
	for (; ppb % 10 == 0; decimals--)
		ppb /= 10;
	wn_strbuf_fixed(out, ppb, decimals, decimals);
	wn_strbuf_putc(out, '%');
}

void wn_ways_bound(struct wn_strbuf *out, const struct wn_ways *p, uint32_t ppb)
{
	uint32_t milli = ppb / MILLI_PPB + (ppb % MILLI_PPB > 0); /* of one */
	uint32_t least_ppb = wn_ways_least_ppb(p);

	if (ppb == 0 || ppb >= MILLI_PPB) {
		wn_strbuf_fixed(out, milli, 1, milli % 10 ? 1 : 0);
		wn_strbuf_putc(out, '%');
		return;
	}
	if (ppb < least_ppb) {
		wn_strbuf_putc(out, '<');
		ppb = least_ppb;
	}
	put_small(out, ppb);
}

static const char *balance_words(const struct wn_ways *p, const struct wn_graph_node *n)
{
	switch (n->lb) {
	case WN_LB_FLOW:
		if (p->r->params.dst.family == 4)
			return "per flow";
		return n->label_known ? "per flow (ports)" : "per flow (ports or flow label)";
	case WN_LB_ICMP_CHECKSUM:
		return "per ICMP checksum";
	case WN_LB_FLOW_LABEL:
		return "per flow label";
	case WN_LB_FLOW_AND_LABEL:
		return "per flow (ports and flow label)";
	case WN_LB_PACKET:
		return "per packet";
	case WN_LB_DESTINATION:
		return "per destination";
	default:
		return "per flow or packet";
	}
}

bool wn_ways_is_balancing(const struct wn_graph *g, uint32_t node)
{
	const struct wn_graph_node *n = &g->nodes[node];
	bool unsure = n->out_count > 0 && g->links[n->first_out].unsure;

	return n->lb != WN_LB_NONE && !unsure;
}

void wn_ways_balance(struct wn_strbuf *out, const struct wn_ways *p, uint32_t node)
{
	const struct wn_graph_node *n = &p->g.nodes[node];

	if (n->lb == WN_LB_NONE)
		return;
	wn_strbuf_puts(out, balance_words(p, n));
	if (n->out_count > 1)
		wn_strbuf_fmt(out, " over %u%s", (unsigned)n->out_count,
			p->r->params.paths == WN_PATHS_NODES ? " or more" : "");
}

/* ---- rows ---- */

static const struct wn_hop_responder *find_responder(
	const struct wn_result *r, unsigned ttl, uint32_t responder)
{
	const struct wn_hop *hop = &r->hops[ttl];

	for (uint32_t i = 0; i < hop->responder_count; i++)
		if (hop->responders[i].responder == responder)
			return &hop->responders[i];
	return NULL;
}

void wn_ways_row(struct wn_ways *p, uint32_t node, uint32_t count, struct wn_ways_row *out)
{
	const struct wn_graph_node *n = &p->g.nodes[node];
	uint32_t responder = count == 1 ? n->responder : WN_NONE;
	struct wn_row *row = &out->row;

	*out = (struct wn_ways_row){.p = p, .node = node, .count = count};
	row->kind = count == 1 && responder == WN_NONE ? WN_ROW_SILENT : WN_ROW_RESPONDER;
	row->ttl = row->last_ttl = n->ttl;
	row->first = node == p->g.hop_first[n->ttl];
	row->stats = (struct wn_stats){.best_ns = -1, .mean_ns = -1};
	if (row->first)
		row->ttl_stats =
			wn_view_stats(p->r, wn_view_filter((int)n->ttl, WN_NONE, -1), &p->err);
	if (row->kind == WN_ROW_RESPONDER)
		row->stats =
			wn_view_stats(p->r, wn_view_filter((int)n->ttl, responder, -1), &p->err);
	if (responder != WN_NONE)
		row->hr = find_responder(p->r, n->ttl, responder);
}

bool wn_ways_paint(struct wn_strbuf *out, const struct wn_ways_row *row)
{
	bool target = row->row.hr && row->p->g.nodes[row->node].target;

	if (!target && row->row.hr)
		return false;
	wn_paint(out, row->p->o, target ? WN_PAINT_GREEN : WN_PAINT_DIM);
	return true;
}

static unsigned common_bits(const struct wn_addr *a, const struct wn_addr *b)
{
	unsigned max = a->family == 4 ? 32 : 128, n = 0;

	while (n < max && ((a->bytes[n / 8] ^ b->bytes[n / 8]) >> (7 - n % 8) & 1) == 0)
		n++;
	return n;
}

/* What many nodes have in common: a prefix, where that is not nearly the whole world. */
static void add_prefix(struct wn_strbuf *out, const struct wn_ways_row *row)
{
	const struct wn_graph *g = &row->p->g;
	const struct wn_addr *first = NULL;
	struct wn_prefix prefix = {0};
	char text[WN_PREFIX_STRLEN];

	for (uint32_t i = row->node; i < row->node + row->count; i++) {
		const struct wn_addr *a;

		if (g->nodes[i].responder == WN_NONE)
			continue;
		a = &row->p->r->responders[g->nodes[i].responder].addr;
		if (first && a->family != first->family)
			return;
		if (!first)
			prefix.len = a->family == 4 ? 32 : 128;
		first = first ? first : a;
		if (common_bits(first, a) < prefix.len)
			prefix.len = (uint8_t)common_bits(first, a);
	}
	if (!first || prefix.len < 8)
		return;
	prefix.addr = *first;
	for (unsigned n = prefix.len; n < 128; n++)
		prefix.addr.bytes[n / 8] &= (uint8_t) ~(0x80u >> n % 8);
	wn_strbuf_fmt(out, " in %s", wn_prefix_str(&prefix, text));
}

static void add_several(struct wn_strbuf *out, const struct wn_ways_row *row)
{
	uint32_t silent = 0;

	for (uint32_t i = row->node; i < row->node + row->count; i++)
		silent += wn_graph_is_silent(&row->p->g, i);
	wn_strbuf_fmt(out, "%u interfaces", (unsigned)(row->count - silent));
	add_prefix(out, row);
	wn_strbuf_puts(out, silent ? ", *" : "");
}

static void add_source(struct wn_strbuf *out, const struct wn_ways *p)
{
	char addr[WN_ADDR_STRLEN];

	wn_strbuf_puts(out, p->g.first_ttl > 1 ? "not probed" : "here");
	if (p->g.first_ttl == 1 && p->r->params.src.family)
		wn_strbuf_fmt(out, " (%s)", wn_addr_str(&p->r->params.src, addr));
}

unsigned wn_ways_host(struct wn_strbuf *out, const struct wn_ways_row *row, unsigned columns)
{
	size_t start = out->len;

	if (row->row.hr)
		return wn_table_host(out, &row->p->table, &row->row, columns);
	if (row->count > 1)
		add_several(out, row);
	else if (row->node == WN_GRAPH_SOURCE)
		add_source(out, row->p);
	else
		wn_strbuf_putc(out, '*');
	return (unsigned)(out->len - start);
}

void wn_ways_need(struct wn_ways *p, const struct wn_ways_row *row, struct wn_columns_need *need)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	unsigned most = wn_ways_host(&text, row, 0), least = wn_ways_host(&text, row, 1);

	need->most = most > need->most ? most : need->most;
	need->least = least > need->least ? least : need->least;
	if (text.err)
		p->err = text.err;
	wn_strbuf_fini(&text);
}

/* Lines of the table's begin with WN_WAYS_LEFT blanks, behind a colour. */
void wn_ways_details(struct wn_strbuf *out, const struct wn_ways_row *row, const char *prefix)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	const char *line;

	if (row->count > 1 || row->node == WN_GRAPH_SOURCE)
		return;
	wn_table_details(&text, &row->p->table, &row->row);
	for (line = wn_strbuf_str(&text); *line;) {
		size_t len = strcspn(line, "\n");
		size_t paint = *line == '\033' ? strcspn(line, "m") + 1 : 0;

		wn_columns_pad(out, 0, WN_WAYS_LEFT);
		wn_strbuf_puts(out, prefix);
		wn_strbuf_add(out, line, paint);
		wn_strbuf_add(out, line + paint + WN_WAYS_LEFT, len - paint - WN_WAYS_LEFT);
		wn_columns_end(out);
		line += len + (line[len] == '\n');
	}
	wn_view_drop(out, &text);
}

void wn_ways_probes(struct wn_strbuf *out, const struct wn_ways *p)
{
	/* On the screen they would push the graph out of sight. */
	if (p->o->verbose < 2 || p->o->live)
		return;
	wn_strbuf_puts(out, "Probes:\n");
	wn_table_probes(out, &p->table);
}

void wn_ways_to_cell(struct wn_ways *p, struct wn_strbuf *text, char *buf)
{
	wn_fmt(buf, WN_CELL_SIZE, "%s", wn_strbuf_str(text));
	if (text->err)
		p->err = text->err;
	wn_strbuf_fini(text);
}

void wn_ways_put_from(const void *row, char *buf)
{
	const struct wn_ways_row *r = row;
	struct wn_strbuf text = WN_STRBUF_INIT;

	if (r->count == 1 && r->node != WN_GRAPH_SOURCE)
		wn_ways_peers(&text, r->p, r->node, false, false);
	wn_ways_to_cell(r->p, &text, buf);
}

void wn_ways_put_share(const void *row, char *buf)
{
	const struct wn_ways_row *r = row;
	const struct wn_graph *g = &r->p->g;
	struct wn_strbuf text = WN_STRBUF_INIT;
	uint64_t met = g->hops[r->row.ttl].met;

	if (r->node != WN_GRAPH_SOURCE)
		wn_ways_percent(&text, r->count > 1 ? met : g->nodes[r->node].flows, met);
	wn_ways_to_cell(r->p, &text, buf);
}

void wn_ways_silent_end(struct wn_strbuf *out, const struct wn_ways *p)
{
	uint8_t last;
	uint8_t first = wn_result_trailing_silent(p->r, &last);

	if (first == 0)
		return;
	wn_paint(out, p->o, WN_PAINT_DIM);
	if (last > first)
		wn_strbuf_fmt(out, "%u-%u  no reply (%u hops)", (unsigned)first, (unsigned)last,
			(unsigned)(last - first + 1));
	else
		wn_strbuf_fmt(out, "%*u  *", WN_TTL_COLS, (unsigned)first);
	wn_paint_end(out, p->o);
	wn_strbuf_putc(out, '\n');
}
