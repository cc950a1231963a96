/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes and the lines between them. What is joined between two TTLs falls into parts, each drawn
 * as one horizontal bar with its parents above and its children below. One parent or one child: the
 * bar says it all. Several of both: a double bar, and the column From says who belongs to whom.
 * Parts that would cross are taken together; those that then meet in a lane are drawn in rows in
 * an order in which no line runs through another part.
 */
#include "output/ways.h"

#include <string.h>
#include "base/text.h"

enum { UP = 1, DOWN = 2, LEFT = 4, RIGHT = 8 };

static const char *box(unsigned sides, bool tangle, bool unicode)
{
	static const char *const light[] = {
		" ", "╵", "╷", "│", "╴", "╯", "╮", "┤", "╶", "╰", "╭", "├", "─", "┴", "┬", "┼"};
	static const char *const heavy[] = {
		" ", "╵", "╷", "│", "═", "╛", "╕", "╡", "═", "╘", "╒", "╞", "═", "╧", "╤", "╪"};

	if (unicode)
		return tangle ? heavy[sides] : light[sides];
	if (sides == 0)
		return " ";
	if ((sides & (LEFT | RIGHT)) == 0)
		return "|";
	if (sides & (UP | DOWN))
		return "+";
	return tangle ? "=" : "-";
}

unsigned wn_rails_lanes(const struct wn_ways *p, unsigned ttl)
{
	uint32_t width = wn_graph_width(&p->g, ttl);

	if (width > p->lanes)
		return 1;
	return width;
}

static unsigned lane_of(const struct wn_ways *p, uint32_t node)
{
	unsigned ttl = p->g.nodes[node].ttl;

	return wn_graph_width(&p->g, ttl) > p->lanes ? 0 : node - p->g.hop_first[ttl];
}

/* Lanes of ttl with a line to the next, or from the one before. */
static uint32_t joined(const struct wn_ways *p, unsigned ttl, bool next)
{
	const struct wn_graph *g = &p->g;
	uint32_t lanes = 0;

	for (uint32_t i = g->hop_first[ttl]; i < g->hop_first[ttl + 1]; i++)
		if (next ? g->nodes[i].out_count > 0 : g->nodes[i].in_count > 0)
			lanes |= 1u << lane_of(p, i);
	return lanes;
}

/* The source has a row only where that shows something. */
static bool has_row_before(const struct wn_ways *p, unsigned ttl)
{
	return ttl > p->g.first_ttl || wn_graph_width(&p->g, p->g.first_ttl) > 1;
}

void wn_rails_row(struct wn_strbuf *out, const struct wn_ways *p, unsigned ttl, unsigned lane,
	const char *mark)
{
	uint32_t after = joined(p, ttl, true);
	uint32_t before = has_row_before(p, ttl) ? joined(p, ttl, false) : 0;
	unsigned lanes = wn_rails_lanes(p, ttl), cols = 0;

	for (unsigned i = 0; i < lanes; i++) {
		bool line = (i <= lane ? after : before) >> i & 1;

		if (i == lane && mark) {
			wn_strbuf_puts(out, mark);
			cols += (unsigned)wn_text_columns(mark, strlen(mark));
		} else {
			wn_strbuf_puts(out, box(line ? UP | DOWN : 0, false, p->o->unicode));
			cols++;
		}
		wn_columns_pad(out, cols, 2 * i + 2);
		cols = cols > 2 * i + 2 ? cols : 2 * i + 2;
	}
	wn_columns_pad(out, cols, p->rails);
}

/* ---- parts ---- */

static unsigned lowest(uint32_t lanes)
{
	return (unsigned)__builtin_ctz(lanes);
}

static unsigned highest(uint32_t lanes)
{
	return 31u - (unsigned)__builtin_clz(lanes);
}

/* Parts a and b, neither empty on a side, where all of a is to the left of all of b. */
static bool is_before(const struct wn_join *j, unsigned a, unsigned b)
{
	return highest(j->parts[a].parents) < lowest(j->parts[b].parents) &&
	       highest(j->parts[a].children) < lowest(j->parts[b].children);
}

static void merge(struct wn_join *j, unsigned a, unsigned b)
{
	j->parts[a].parents |= j->parts[b].parents;
	j->parts[a].children |= j->parts[b].children;
	j->parts[b] = j->parts[--j->count];
}

static void add_line(struct wn_join *j, unsigned from, unsigned to)
{
	unsigned first = WN_LANES_MAX * 2;

	for (unsigned i = 0; i < j->count;) {
		bool touches =
			(j->parts[i].parents >> from & 1) || (j->parts[i].children >> to & 1);

		if (touches && first < j->count) {
			merge(j, first, i);
			continue;
		}
		if (touches)
			first = i;
		i++;
	}
	if (first >= j->count) {
		first = j->count++;
		memset(&j->parts[first], 0, sizeof(j->parts[first]));
	}
	j->parts[first].parents |= 1u << from;
	j->parts[first].children |= 1u << to;
}

static bool merge_crossing(struct wn_join *j)
{
	for (unsigned a = 0; a < j->count; a++)
		for (unsigned b = a + 1; b < j->count; b++)
			if (!is_before(j, a, b) && !is_before(j, b, a)) {
				merge(j, a, b);
				return true;
			}
	return false;
}

static bool is_straight(const struct wn_join *j, unsigned part)
{
	uint32_t lanes = j->parts[part].parents;

	return lanes == j->parts[part].children && (lanes & (lanes - 1)) == 0;
}

/* a to the left of b: which must have its bar above, so that they do not touch. */
static void order_rows(struct wn_join *j, unsigned a, unsigned b, bool *changed)
{
	unsigned *upper = &j->parts[b].row, *lower = &j->parts[a].row;

	if (highest(j->parts[a].children) < lowest(j->parts[b].parents)) {
		if (lowest(j->parts[b].children) > highest(j->parts[a].parents))
			return;
		upper = &j->parts[a].row;
		lower = &j->parts[b].row;
	}
	if (*lower <= *upper) {
		*lower = *upper + 1;
		*changed = true;
	}
}

static void choose_rows(struct wn_join *j)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (unsigned a = 0; a < j->count; a++)
			for (unsigned b = 0; b < j->count; b++)
				if (a != b && is_before(j, a, b))
					order_rows(j, a, b, &changed);
	}
	for (unsigned i = 0; i < j->count; i++)
		if (!is_straight(j, i) && j->parts[i].row + 1 > j->rows)
			j->rows = j->parts[i].row + 1;
}

/* Nodes that share a lane are several. */
static bool is_several(const struct wn_ways *p, unsigned ttl, uint32_t lanes)
{
	return (lanes & (lanes - 1)) != 0 || wn_graph_width(&p->g, ttl) > wn_rails_lanes(p, ttl);
}

void wn_rails_join(struct wn_ways *p, unsigned ttl, struct wn_join *out)
{
	const struct wn_graph *g = &p->g;
	bool unsure = false, tangled = false;

	*out = (struct wn_join){
		.near = wn_rails_lanes(p, ttl),
		.far = wn_rails_lanes(p, ttl + 1),
	};
	for (uint32_t i = g->hop_first[ttl]; i < g->hop_first[ttl + 1]; i++)
		for (uint32_t l = 0; l < g->nodes[i].out_count; l++) {
			const struct wn_graph_link *link = &g->links[g->nodes[i].first_out + l];

			add_line(out, lane_of(p, i), lane_of(p, link->to));
			unsure = unsure || link->unsure;
		}
	while (unsure ? out->count > 1 : merge_crossing(out))
		if (unsure)
			merge(out, 0, 1);
	choose_rows(out);
	for (unsigned i = 0; i < out->count; i++) {
		out->parts[i].tangle = is_several(p, ttl, out->parts[i].parents) &&
				       is_several(p, ttl + 1, out->parts[i].children);
		tangled = tangled || (out->parts[i].tangle && !is_straight(out, i));
	}
	p->unsure = p->unsure || (tangled && unsure);
	p->tangled = p->tangled || (tangled && !unsure);
}

/* ---- lines ---- */

/* What part i shows in a lane, at a row. */
static unsigned sides_in(const struct wn_join *j, unsigned i, unsigned lane, unsigned row)
{
	uint32_t parents = j->parts[i].parents, children = j->parts[i].children;
	uint32_t all = parents | children;
	unsigned sides = 0;

	if (is_straight(j, i) || row != j->parts[i].row) {
		uint32_t lines = row < j->parts[i].row ? parents : children;

		return lines >> lane & 1 ? UP | DOWN : 0;
	}
	sides |= parents >> lane & 1 ? UP : 0;
	sides |= children >> lane & 1 ? DOWN : 0;
	sides |= lane > lowest(all) && lane <= highest(all) ? LEFT : 0;
	sides |= lane >= lowest(all) && lane < highest(all) ? RIGHT : 0;
	return sides;
}

void wn_rails_join_row(
	struct wn_strbuf *out, const struct wn_ways *p, const struct wn_join *j, unsigned row)
{
	unsigned lanes = j->near > j->far ? j->near : j->far;

	for (unsigned lane = 0; lane < lanes; lane++) {
		unsigned sides = 0;
		bool tangle = false;

		for (unsigned i = 0; i < j->count; i++) {
			unsigned more = sides_in(j, i, lane, row);

			tangle = tangle || (more && j->parts[i].tangle);
			sides |= more;
		}
		wn_strbuf_puts(out, box(sides, tangle, p->o->unicode));
		wn_strbuf_puts(out, box(sides & RIGHT ? LEFT | RIGHT : 0, tangle, p->o->unicode));
	}
	wn_columns_pad(out, 2 * lanes, p->rails);
}
