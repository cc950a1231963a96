/* SPDX-License-Identifier: Apache-2.0 */
/* What the faces of all paths share: the graph in words, its rows, and the lines between them. */
#ifndef WN_OUTPUT_WAYS_H
#define WN_OUTPUT_WAYS_H

#include "multipath/graph.h"
#include "output/columns.h"
#include "output/output.h"
#include "output/table.h"
#include "output/view.h"

#define WN_LETTERS_SIZE 8
#define WN_WAYS_LEFT	(WN_TTL_COLS + WN_COLUMNS_GAP) /* columns of a TTL with its gap */
#define WN_LANES_MAX	16 /* nodes of a TTL that are drawn side by side */

struct wn_ways {
	const struct wn_result *r;
	const struct wn_table_opts *o;
	struct wn_graph g;
	struct wn_table_opts details; /* for what stands below a row */
	struct wn_table table;	      /* for host cells and details; has no rows */
	unsigned lanes;		      /* most that this line length has room for */
	unsigned rails;		      /* columns of lanes and letters */
	bool tangled;		      /* somewhere From alone says what is joined to what */
	bool unsure;		      /* somewhere nothing does */
	bool unknown;		      /* a chance is shown as ? */
	wn_err err;
};

/* False, and out has the error, when there is no graph. */
bool wn_ways_open(struct wn_ways *p, struct wn_strbuf *out, const struct wn_result *r,
	const struct wn_table_opts *o);
void wn_ways_close(struct wn_ways *p, struct wn_strbuf *out);

/* ---- words ---- */

/* A node among those of its TTL: "a" ... "z", "aa" ... Returns buf. */
const char *wn_ways_letters(const struct wn_ways *p, uint32_t node, char buf[WN_LETTERS_SIZE]);
/* "3b", or "3" where it is alone at its TTL. */
void wn_ways_name(struct wn_strbuf *out, const struct wn_ways *p, uint32_t node);
/*
 * The nodes that it has links from, or to: "a-c,f", in parentheses those whose links are inferred,
 * "?" where links are unsure. Nothing where the TTL has one node, unless alone says its name, nor
 * where it was not probed.
 */
void wn_ways_peers(
	struct wn_strbuf *out, const struct wn_ways *p, uint32_t node, bool to, bool alone);
/* Part of all in percent: "26%", "3.1%". */
void wn_ways_percent(struct wn_strbuf *out, uint64_t part, uint64_t all);
/* Smaller chances are not told apart: of no use, unless still smaller ones were asked for. */
uint32_t wn_ways_least_ppb(const struct wn_ways *p);
/* A chance that is no larger: "3.2%", "<0.1%"; where such were asked for "0.0041%". */
void wn_ways_bound(struct wn_strbuf *out, const struct wn_ways *p, uint32_t ppb);
/* The model under which a graph claims to be whole. */
void wn_ways_model(struct wn_strbuf *out, const struct wn_ways *p);
/* It balances, in a way that can be told. */
bool wn_ways_is_balancing(const struct wn_graph *g, uint32_t node);
/* "per flow over 4": how it balances; nothing for a node that does not. */
void wn_ways_balance(struct wn_strbuf *out, const struct wn_ways *p, uint32_t node);
/* How many paths there are and how sure that is, then the closing lines of every table. */
void wn_ways_claims(struct wn_strbuf *out, const struct wn_ways *p);

/* ---- rows ---- */

/* row comes first: columns of the table work on it as well. */
struct wn_ways_row {
	struct wn_row row;
	struct wn_ways *p;
	uint32_t node, count; /* how many nodes it stands for, from node on */
};

void wn_ways_row(struct wn_ways *p, uint32_t node, uint32_t count, struct wn_ways_row *out);
/* Colours the target and silence; true when that has to be ended. */
bool wn_ways_paint(struct wn_strbuf *out, const struct wn_ways_row *row);
/* The host cell within `columns` (0: no bound); its width is returned. */
unsigned wn_ways_host(struct wn_strbuf *out, const struct wn_ways_row *row, unsigned columns);
void wn_ways_need(struct wn_ways *p, const struct wn_ways_row *row, struct wn_columns_need *need);
/* What the table shows below a row, with prefix in front of what is beside the TTL. */
void wn_ways_details(struct wn_strbuf *out, const struct wn_ways_row *row, const char *prefix);
/* Where that verbose, every probe below the graph. */
void wn_ways_probes(struct wn_strbuf *out, const struct wn_ways *p);
/* A cell of a text, which ends. */
void wn_ways_to_cell(struct wn_ways *p, struct wn_strbuf *text, char *buf);
void wn_ways_put_from(const void *row, char *buf);
void wn_ways_put_share(const void *row, char *buf);
/* The unanswered end in one line; nothing where there is none. */
void wn_ways_silent_end(struct wn_strbuf *out, const struct wn_ways *p);

/* ---- rails ---- */

/*
 * Nodes of a TTL stand side by side, each in a lane, with lines to those of the next; where they
 * are too many for the line length, all share the first lane.
 */
unsigned wn_rails_lanes(const struct wn_ways *p, unsigned ttl);
/* What stands in front of a row of the node in lane: mark, and the lanes beside it. NULL: the lane
 * itself below its row. */
void wn_rails_row(struct wn_strbuf *out, const struct wn_ways *p, unsigned ttl, unsigned lane,
	const char *mark);

/* The lines between two TTLs. */
struct wn_join {
	unsigned near, far; /* lanes */
	unsigned rows;
	struct {
		uint32_t parents, children; /* lanes, a bit each */
		unsigned row;
		bool tangle; /* several on both sides */
	} parts[2 * WN_LANES_MAX];
	unsigned count;
};

void wn_rails_join(struct wn_ways *p, unsigned ttl, struct wn_join *out);
void wn_rails_join_row(
	struct wn_strbuf *out, const struct wn_ways *p, const struct wn_join *j, unsigned row);

#endif
