/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All paths for Graphviz. Names come from the network: what could end a string, start an escape or
 * name an entity in the DOT language is escaped, so that a label is text and nothing else.
 */
#include "output/ways.h"

#include <string.h>
#include "base/alloc.h"
#include "multipath/stopping.h"

/* Without the control characters, which wn_view_text has replaced. */
static void add_escaped(struct wn_strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			wn_strbuf_putc(out, '\\');
		if (*text == '&')
			wn_strbuf_puts(out, "&amp;");
		else
			wn_strbuf_putc(out, *text);
	}
}

static void add_name(struct wn_strbuf *out, const struct wn_ways *p, const char *name)
{
	struct wn_strbuf clean = WN_STRBUF_INIT;

	wn_view_text(&clean, name, p->o->unicode);
	add_escaped(out, wn_strbuf_str(&clean));
	wn_view_drop(out, &clean);
}

/* ---- nodes ---- */

static void add_host(struct wn_strbuf *out, const struct wn_ways *p, uint32_t node)
{
	const struct wn_graph_node *n = &p->g.nodes[node];
	const struct wn_responder *resp;
	char addr[WN_ADDR_STRLEN];

	if (node == WN_GRAPH_SOURCE && p->g.first_ttl > 1) {
		wn_strbuf_fmt(out, "not probed\\nbelow TTL %u", (unsigned)p->g.first_ttl);
		return;
	}
	if (node == WN_GRAPH_SOURCE) {
		wn_strbuf_fmt(out, "source\\n%s", wn_addr_str(&p->r->params.src, addr));
		return;
	}
	if (n->responder == WN_NONE) {
		wn_strbuf_puts(out, "*");
		return;
	}
	resp = &p->r->responders[n->responder];
	wn_strbuf_puts(out, wn_addr_str(&resp->addr, addr));
	if (p->o->names && resp->name[0]) {
		wn_strbuf_puts(out, "\\n");
		add_name(out, p, resp->name);
	}
}

static void add_figures(struct wn_strbuf *out, struct wn_ways *p, uint32_t node)
{
	struct wn_ways_row row;

	if (node == WN_GRAPH_SOURCE)
		return;
	wn_ways_row(p, node, 1, &row);
	wn_strbuf_puts(out, "\\n");
	wn_ways_percent(out, p->g.nodes[node].flows, p->g.hops[row.row.ttl].met);
	if (row.row.stats.mean_ns >= 0) {
		wn_strbuf_puts(out, ", ");
		wn_view_ms(out, row.row.stats.mean_ns);
		wn_strbuf_puts(out, " ms");
	}
	if (wn_ways_is_balancing(&p->g, node)) {
		wn_strbuf_puts(out, "\\n");
		wn_ways_balance(out, p, node);
		wn_strbuf_fmt(out, ", %u flow%s", (unsigned)p->g.nodes[node].tested,
			p->g.nodes[node].tested == 1 ? "" : "s");
	}
}

static const char *look_of(const struct wn_graph *g, uint32_t node)
{
	const struct wn_graph_node *n = &g->nodes[node];

	if (wn_graph_is_silent(g, node))
		return ", color=gray, fontcolor=gray";
	return n->target ? ", peripheries=2" : "";
}

static void write_nodes(struct wn_strbuf *out, struct wn_ways *p, unsigned ttl)
{
	const struct wn_graph *g = &p->g;

	if (wn_graph_width(g, ttl) == 0)
		return;
	wn_strbuf_fmt(out, "  subgraph ttl%u {\n    rank=same;\n", ttl);
	for (uint32_t i = g->hop_first[ttl]; i < g->hop_first[ttl + 1]; i++) {
		wn_strbuf_fmt(out, "    n%u [label=\"", (unsigned)i);
		add_host(out, p, i);
		add_figures(out, p, i);
		wn_strbuf_fmt(out, "\"%s];\n", look_of(g, i));
	}
	wn_strbuf_puts(out, "  }\n");
}

/* ---- links ---- */

static void write_link(struct wn_strbuf *out, const struct wn_ways *p, uint32_t link)
{
	const struct wn_graph_link *l = &p->g.links[link];
	const struct wn_graph_node *from = &p->g.nodes[l->from];

	wn_strbuf_fmt(out, "  n%u -> n%u", (unsigned)l->from, (unsigned)l->to);
	if (l->inferred)
		wn_strbuf_puts(out, " [style=dashed]");
	else if (l->unsure)
		wn_strbuf_puts(out, " [style=dotted]");
	else if (from->out_count > 1 && p->r->params.paths != WN_PATHS_NODES) {
		wn_strbuf_puts(out, " [label=\"");
		wn_ways_percent(out, l->passed, from->taken);
		wn_strbuf_puts(out, "\"]");
	}
	wn_strbuf_puts(out, ";\n");
}

/* What the drawing claims, for whoever sees it alone. */
static void add_claim(struct wn_strbuf *out, const struct wn_ways *p)
{
	const struct wn_graph *g = &p->g;

	if (p->r->partial)
		wn_strbuf_puts(out, ", partial result");
	if (g->worst_ttl == 0)
		return;
	wn_strbuf_puts(out, "\\n");
	wn_ways_model(out, p);
	if (g->worst_ppb == WN_STOPPING_PPB) {
		wn_strbuf_puts(out, "\\nThere may be more than is shown");
		return;
	}
	wn_strbuf_fmt(out, "\\nBound on the chance that %s was missed: ",
		g->links_claimed ? "anything" : "an interface");
	wn_ways_bound(out, p, g->whole_ppb);
}

void wn_out_paths_dot(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct wn_ways p;
	char addr[WN_ADDR_STRLEN];

	if (!r->started || !wn_ways_open(&p, out, r, o))
		return;
	wn_strbuf_puts(out, "digraph paths {\n  charset=\"UTF-8\";\n  label=\"Paths to ");
	wn_addr_str(&r->params.dst, addr);
	add_name(out, &p, r->params.host);
	if (strcmp(r->params.host, addr) != 0)
		wn_strbuf_fmt(out, " (%s)", addr);
	wn_strbuf_puts(out, ", ");
	wn_view_probe_kind(out, &r->params);
	add_claim(out, &p);
	wn_strbuf_puts(out, "\";\n  node [shape=box, style=rounded];\n");
	for (unsigned ttl = p.g.first_ttl - 1u; ttl <= p.g.last_ttl; ttl++)
		write_nodes(out, &p, ttl);
	for (uint32_t i = 0; i < p.g.link_count; i++)
		write_link(out, &p, i);
	wn_strbuf_puts(out, "}\n");
	wn_ways_close(&p, out);
}
