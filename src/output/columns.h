/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of figures behind a host cell, for every table. Figures and addresses are never cut:
 * where the line is too short, columns go first, in a fixed order, then names are shortened.
 */
#ifndef WN_OUTPUT_COLUMNS_H
#define WN_OUTPUT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/strbuf.h"

#define WN_COLUMNS_MAX 12
#define WN_COLUMNS_GAP 2 /* before each */
#define WN_CELL_SIZE   32
#define WN_TTL_COLS    3 /* of the TTL, which stands before the host */

struct wn_column {
	const char *title;
	unsigned drop;					      /* lower numbers go first; 0 stays */
	bool left;					      /* words: aligned to the left */
	void (*put)(const void *row, char buf[WN_CELL_SIZE]); /* buf is "" */
};

struct wn_columns {
	const struct wn_column *list;
	size_t count;
	unsigned width[WN_COLUMNS_MAX]; /* 0: not shown */
	unsigned host;
};

/* What host cells need. */
struct wn_columns_need {
	unsigned before;      /* columns of the line in front of them */
	unsigned least, most; /* with names cut as far as can be, and in full */
};

/* hidden: a bit for each column that is not to be shown. */
void wn_columns_init(
	struct wn_columns *c, const struct wn_column *list, size_t count, unsigned hidden);
/* Widens the columns to what row needs. */
void wn_columns_measure(struct wn_columns *c, const void *row);
/* Chooses columns and the width of the host cell for a line (0: any length). */
void wn_columns_fit(struct wn_columns *c, const struct wn_columns_need *need, unsigned line);

void wn_columns_titles(struct wn_strbuf *out, const struct wn_columns *c);
/* One cell with its gap; nothing where the column is not shown. */
void wn_columns_cell(
	struct wn_strbuf *out, const struct wn_columns *c, size_t column, const void *row);
void wn_columns_pad(struct wn_strbuf *out, unsigned have, unsigned want);
/* Ends a line, without blanks at its end. */
void wn_columns_end(struct wn_strbuf *out);

#endif
