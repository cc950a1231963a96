/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small formatter, because base and the pure rooms know no stdio.
 * Understands: %s %.Ns %.*s %c %d %u %x %% with optional width, '0' and '-' flags and the sizes
 * (none) l ll z; no floating point: use wn_fmt_fixed. Output is always NUL-terminated when
 * size > 0, and truncated rather than overrun. Returns the length it would have had.
 */
#ifndef WN_BASE_FMT_H
#define WN_BASE_FMT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

size_t wn_fmt(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t wn_vfmt(char *buf, size_t size, const char *fmt, va_list ap);

/*
 * value / 10^scale with `decimals` digits after the point (decimals <= scale <= 18), rounded
 * half away from zero: wn_fmt_fixed(b, n, 1234567, 6, 3) gives "1.235".
 */
size_t wn_fmt_fixed(char *buf, size_t size, int64_t value, unsigned scale, unsigned decimals);

#endif
