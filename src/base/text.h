/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked reading of numbers and making foreign text harmless.
 * Text from the network (host names, error texts) never reaches a terminal or file raw.
 */
#ifndef WN_BASE_TEXT_H
#define WN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* The whole text must be one decimal number (or 0x hex) within [min, max]. WN_EPARSE, WN_ERANGE. */
wn_err wn_text_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* A decimal number with up to nine decimals, times 10^9: "0.25" gives 250000000. No sign. */
wn_err wn_text_nano(const char *text, uint64_t *out_nano);
/* The value of a hexadecimal digit, -1 for any other character. */
int wn_text_hex_digit(char c);
/* A duration: a number with unit ns us ms s m h, or none, then seconds. */
wn_err wn_text_duration_ns(const char *text, uint64_t *out_ns);
/* Decodes one UTF-8 sequence of at most len bytes: its length, or 0 when malformed
 * (overlong, surrogate, above U+10FFFF: RFC 3629). */
size_t wn_text_utf8(const char *text, size_t len, uint32_t *out_cp);
/* True for code points that must not reach a terminal: C0, C1, DEL, bidi controls (U+061C,
 * U+200E..F, U+202A..E, U+2066..9), zero-width, line and paragraph separators, noncharacters. */
bool wn_text_unsafe(uint32_t cp);
/* Copies text for a terminal: unsafe code points and malformed bytes become \xHH or \u{H..}.
 * Truncates at whole characters. Returns the length it would have had. */
size_t wn_text_clean(char *out, size_t size, const char *text, size_t len);
/* Columns a terminal needs for clean UTF-8 text (0 for combining, 2 for wide East Asian). */
size_t wn_text_columns(const char *text, size_t len);

/*
 * For "did you mean": the candidate with the fewest slips of the finger between it and what was
 * typed, the first of equals. NULL when none is near.
 */
const char *wn_text_nearest(const char *typed, const char *(*candidate)(const void *user, size_t i),
	const void *user, size_t count);

#endif
