/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns fit a line, and how they are written. */
#include "output/columns.h"

#include <string.h>

static unsigned max(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static void cell(const struct wn_columns *c, size_t column, const void *row, char *buf)
{
	buf[0] = '\0';
	c->list[column].put(row, buf);
}

void wn_columns_init(
	struct wn_columns *c, const struct wn_column *list, size_t count, unsigned hidden)
{
	*c = (struct wn_columns){.list = list, .count = count};
	for (size_t i = 0; i < count; i++)
		if (!(hidden >> i & 1))
			c->width[i] = (unsigned)strlen(list[i].title);
}

void wn_columns_measure(struct wn_columns *c, const void *row)
{
	char buf[WN_CELL_SIZE];

	for (size_t i = 0; i < c->count; i++) {
		if (!c->width[i])
			continue;
		cell(c, i, row, buf);
		c->width[i] = max(c->width[i], (unsigned)strlen(buf));
	}
}

static unsigned figures_cols(const struct wn_columns *c)
{
	unsigned sum = 0;

	for (size_t i = 0; i < c->count; i++)
		sum += c->width[i] ? c->width[i] + WN_COLUMNS_GAP : 0;
	return sum;
}

static unsigned last_drop(const struct wn_columns *c)
{
	unsigned last = 0;

	for (size_t i = 0; i < c->count; i++)
		last = max(last, c->list[i].drop);
	return last;
}

/*
 * Names may have a share of the line before figures go, a larger one where there is room for the
 * loss and two times beside it; addresses have what they need.
 */
static unsigned names_share(unsigned line)
{
	return line * (line >= 72 ? 3 : 2) / 5;
}

void wn_columns_fit(struct wn_columns *c, const struct wn_columns_need *need, unsigned line)
{
	unsigned last = last_drop(c), want, room;

	c->host = need->most;
	if (line == 0)
		return;
	want = max(need->least, names_share(line));
	want = want < need->most ? want : need->most;
	room = line > need->before ? line - need->before : 0;
	for (unsigned drop = 1; drop <= last && want + figures_cols(c) > room; drop++)
		for (size_t i = 0; i < c->count; i++)
			if (c->list[i].drop == drop)
				c->width[i] = 0;
	if (room > figures_cols(c) + need->least)
		c->host = room - figures_cols(c);
	else
		c->host = need->least;
	if (c->host > need->most)
		c->host = need->most;
}

static void write_cell(
	struct wn_strbuf *out, const struct wn_columns *c, size_t column, const char *text)
{
	int width = (int)c->width[column];

	if (width == 0)
		return;
	if (c->list[column].left)
		wn_strbuf_fmt(out, "%*s%-*s", WN_COLUMNS_GAP, "", width, text);
	else
		wn_strbuf_fmt(out, "%*s", width + WN_COLUMNS_GAP, text);
}

void wn_columns_titles(struct wn_strbuf *out, const struct wn_columns *c)
{
	for (size_t i = 0; i < c->count; i++)
		write_cell(out, c, i, c->list[i].title);
}

void wn_columns_cell(
	struct wn_strbuf *out, const struct wn_columns *c, size_t column, const void *row)
{
	char buf[WN_CELL_SIZE];

	cell(c, column, row, buf);
	write_cell(out, c, column, buf);
}

void wn_columns_pad(struct wn_strbuf *out, unsigned have, unsigned want)
{
	for (; have < want; have++)
		wn_strbuf_putc(out, ' ');
}

void wn_columns_end(struct wn_strbuf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	wn_strbuf_putc(out, '\n');
}
