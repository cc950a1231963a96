/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a topology file, with their places, and the values they spell. All readers take the
 * next word; a wrong one ends in an error that names line and column and says what would be
 * right. Once failed, a lexer stays failed.
 */
#ifndef WN_SIM_LEX_H
#define WN_SIM_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"

#define WN_LEX_WORD 256 /* longest word with its NUL */

struct wn_lex {
	const char *text; /* borrowed */
	size_t len, pos;
	uint32_t line;
	size_t line_start;
	/* The current word. */
	char word[WN_LEX_WORD];
	uint32_t column;
	struct wn_errctx *ctx;
	wn_err err;
};

void wn_lex_init(struct wn_lex *lx, const char *text, size_t len, struct wn_errctx *ctx);
/* Goes to the next line that has words; false at the end of the text or after an error. */
bool wn_lex_line(struct wn_lex *lx);
/* Takes the next word of this line; false when there is none. */
bool wn_lex_next(struct wn_lex *lx);
/* Takes the next word only if it is this one. */
bool wn_lex_accept(struct wn_lex *lx, const char *word);
/* Whether the next word starts with a digit; takes nothing. */
bool wn_lex_peek_digit(struct wn_lex *lx);

/* Records an error at the current word; format as wn_fmt. */
wn_err wn_lex_fail(struct wn_lex *lx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Each takes the next word; what names the value in errors ("delay"). */
wn_err wn_lex_need(struct wn_lex *lx, const char *what);
wn_err wn_lex_u32(struct wn_lex *lx, const char *what, uint32_t min, uint32_t max, uint32_t *out);
wn_err wn_lex_time(struct wn_lex *lx, const char *what, uint64_t *out_ns);
wn_err wn_lex_share(struct wn_lex *lx, const char *what, uint32_t *out_ppb);   /* "5%" */
wn_err wn_lex_interval(struct wn_lex *lx, const char *what, uint64_t *out_ns); /* "10/s" */
wn_err wn_lex_bitrate(struct wn_lex *lx, const char *what, uint64_t *out_bps); /* "10Mbit" */
wn_err wn_lex_addr(struct wn_lex *lx, const char *what, uint8_t family, struct wn_addr *out);
wn_err wn_lex_prefix(struct wn_lex *lx, const char *what, struct wn_prefix *out);
/* "2s..3s" */
wn_err wn_lex_window(struct wn_lex *lx, const char *what, uint64_t *out_from, uint64_t *out_to);
/* "53", "33434-33500" or "53,80,443-445": calls add for each range. */
typedef wn_err (*wn_lex_range_fn)(void *user, uint16_t first, uint16_t last);
wn_err wn_lex_ports(struct wn_lex *lx, wn_lex_range_fn add, void *user);

#endif
