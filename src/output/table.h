/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the table share. */
#ifndef WN_OUTPUT_TABLE_H
#define WN_OUTPUT_TABLE_H

#include "output/output.h"
#include "output/view.h"

enum wn_row_kind {
	WN_ROW_RESPONDER,
	WN_ROW_SILENT,	/* asked, waited, nothing came */
	WN_ROW_WAITING, /* not answered yet */
	WN_ROW_UNSENT	/* no probe left this machine */
};

struct wn_row {
	enum wn_row_kind kind;
	uint8_t ttl, last_ttl; /* the same but for ranges */
	bool range;	       /* part of the unanswered end */
	bool first;	       /* of its TTL: carries what belongs to the TTL as a whole */
	const struct wn_hop_responder *hr; /* RESPONDER */
	struct wn_stats stats; /* of the responder, of the TTL where that has only one */
	struct wn_stats ttl_stats;
	wn_err err;	   /* UNSENT: why */
	uint16_t mtu;	   /* of the path up to here, 0 not known; the first row of a TTL */
	unsigned min_cols; /* of the host cell */
	unsigned max_cols;
};

struct wn_table {
	const struct wn_result *r;
	const struct wn_table_opts *o;
	struct wn_row *rows; /* owned */
	size_t count, cap;
	bool many; /* some TTL has several responders */
	wn_err err;
	int expected_tos; /* what the next quote should show, -1 unknown */
};

/* SGR sequences, or nothing where there is no colour. */
enum wn_paint { WN_PAINT_BOLD, WN_PAINT_DIM, WN_PAINT_RED, WN_PAINT_YELLOW, WN_PAINT_GREEN };
void wn_paint(struct wn_strbuf *out, const struct wn_table_opts *o, enum wn_paint paint);
void wn_paint_end(struct wn_strbuf *out, const struct wn_table_opts *o);

/* What was sent to whom: "Trace to ...". */
void wn_table_title(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o,
	const char *what);
/* Cells of columns; row is a struct wn_row, or a struct that begins with one. */
void wn_table_put_loss(const void *row, char *buf);
void wn_table_put_best(const void *row, char *buf);
void wn_table_put_mean(const void *row, char *buf);
/* Fills rows in order of TTL. */
void wn_table_collect(struct wn_table *t);
/* The host cell within `columns` (0: no bound), without padding; its width is returned. */
unsigned wn_table_host(struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row,
	unsigned columns);
/* The indented lines below a row. */
void wn_table_details(struct wn_strbuf *out, struct wn_table *t, const struct wn_row *row);
/* Very verbose: every probe, in the order of sending. */
void wn_table_probes(struct wn_strbuf *out, const struct wn_table *t);
/* Verbose: the path of each flow. */
void wn_table_flows(struct wn_strbuf *out, const struct wn_table *t);

/* Port unreachable, but from somebody else than the target: it looks like an end and is none. */
bool wn_view_foreign_port_unreachable(const struct wn_result *r, const struct wn_reply_rec *reply);
/* What was sent: "UDP to port 33434", "ICMP echo", "TCP SYN to port 80". */
void wn_view_probe_kind(struct wn_strbuf *out, const struct wn_params *p);

#endif
