/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formatter of rooms without stdio. Every byte goes through emit(), which keeps the one
 * invariant: count the length wanted, never write at or beyond size - 1.
 */
#include "base/fmt.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define DIGITS_MAX 20 /* of 2^64 - 1 */
#define SCALE_MAX  18

struct sink {
	char *buf;
	size_t size;
	size_t len; /* wanted so far, may exceed size */
};

struct spec {
	bool left, zero, has_prec;
	size_t width, prec;
	int size; /* 0 int, 1 long, 2 long long, 3 size_t */
};

static void emit(struct sink *s, char c)
{
	if (s->size > 0 && s->len < s->size - 1)
		s->buf[s->len] = c;
	s->len++;
}

static void emit_many(struct sink *s, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		emit(s, text[i]);
}

static void pad(struct sink *s, char c, size_t have, size_t width)
{
	for (; have < width; have++)
		emit(s, c);
}

static void emit_text(struct sink *s, const struct spec *sp, const char *text, size_t len)
{
	if (!sp->left)
		pad(s, ' ', len, sp->width);
	emit_many(s, text, len);
	if (sp->left)
		pad(s, ' ', len, sp->width);
}

static void emit_number(
	struct sink *s, const struct spec *sp, uint64_t mag, bool neg, unsigned base)
{
	char digits[DIGITS_MAX];
	size_t n = 0;
	size_t len;

	do {
		digits[DIGITS_MAX - ++n] = "0123456789abcdef"[mag % base];
		mag /= base;
	} while (mag);
	len = n + neg;
	if (!sp->left && !sp->zero)
		pad(s, ' ', len, sp->width);
	if (neg)
		emit(s, '-');
	if (!sp->left && sp->zero)
		pad(s, '0', len, sp->width);
	emit_many(s, digits + DIGITS_MAX - n, n);
	if (sp->left)
		pad(s, ' ', len, sp->width);
}

static const char *read_count(const char *p, size_t *out)
{
	*out = 0;
	for (; *p >= '0' && *p <= '9'; p++)
		*out = *out * 10 + (size_t)(*p - '0');
	return p;
}

/* A '*' takes its value from the arguments, which only the caller can read: told by *_arg. */
static const char *read_spec(const char *p, struct spec *sp, bool *width_arg, bool *prec_arg)
{
	for (; *p == '-' || *p == '0'; p++) {
		sp->left |= *p == '-';
		sp->zero |= *p == '0';
	}
	*width_arg = *p == '*';
	p = *width_arg ? p + 1 : read_count(p, &sp->width);
	*prec_arg = false;
	if (*p == '.') {
		p++;
		sp->has_prec = true;
		*prec_arg = *p == '*';
		p = *prec_arg ? p + 1 : read_count(p, &sp->prec);
	}
	if (*p == 'z') {
		sp->size = 3;
		p++;
	}
	for (; *p == 'l' && sp->size < 2; p++)
		sp->size++;
	return p;
}

/* Negative counts mean what they mean in C: left-aligned, and no precision. */
static void apply_counts(struct spec *sp, const int *width, const int *prec)
{
	if (width) {
		sp->left |= *width < 0;
		sp->width = *width < 0 ? 0u - (unsigned)*width : (unsigned)*width;
	}
	if (prec) {
		sp->has_prec = *prec >= 0;
		sp->prec = *prec >= 0 ? (unsigned)*prec : 0;
	}
}

static size_t bounded_len(const char *text, const struct spec *sp)
{
	size_t n = 0;

	if (!sp->has_prec)
		return strlen(text);
	while (n < sp->prec && text[n])
		n++;
	return n;
}

static uint64_t magnitude(int64_t v)
{
	return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

size_t wn_vfmt(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink s = {buf, size, 0};

	for (const char *p = fmt; *p; p++) {
		struct spec sp = {0};
		bool width_arg, prec_arg;
		int width = 0, prec = 0;

		if (*p != '%') {
			emit(&s, *p);
			continue;
		}
		p = read_spec(p + 1, &sp, &width_arg, &prec_arg);
		if (width_arg)
			width = va_arg(ap, int);
		if (prec_arg)
			prec = va_arg(ap, int);
		apply_counts(&sp, width_arg ? &width : NULL, prec_arg ? &prec : NULL);
		if (*p == '%') {
			emit(&s, '%');
		} else if (*p == 'c') {
			char c = (char)va_arg(ap, int);

			emit_text(&s, &sp, &c, 1);
		} else if (*p == 's') {
			const char *text = va_arg(ap, const char *);

			emit_text(&s, &sp, text, bounded_len(text, &sp));
		} else if (*p == 'd') {
			int64_t v = sp.size == 0   ? va_arg(ap, int)
				    : sp.size == 1 ? va_arg(ap, long)
				    : sp.size == 2 ? va_arg(ap, long long)
						   : va_arg(ap, ptrdiff_t);

			emit_number(&s, &sp, magnitude(v), v < 0, 10);
		} else if (*p == 'u' || *p == 'x') {
			uint64_t v = sp.size == 0   ? va_arg(ap, unsigned)
				     : sp.size == 1 ? va_arg(ap, unsigned long)
				     : sp.size == 2 ? va_arg(ap, unsigned long long)
						    : va_arg(ap, size_t);

			emit_number(&s, &sp, v, false, *p == 'x' ? 16 : 10);
		} else {
			assert(0 && "conversion outside of the subset in fmt.h");
			break;
		}
	}
	if (size > 0)
		buf[s.len < size ? s.len : size - 1] = '\0';
	return s.len;
}

size_t wn_fmt(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = wn_vfmt(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

static uint64_t power10(unsigned n)
{
	uint64_t v = 1;

	while (n-- > 0)
		v *= 10;
	return v;
}

size_t wn_fmt_fixed(char *buf, size_t size, int64_t value, unsigned scale, unsigned decimals)
{
	uint64_t mag = magnitude(value);
	uint64_t drop, unit, q;
	const char *sign;

	assert(scale <= SCALE_MAX && decimals <= scale);
	drop = power10(scale - decimals);
	unit = power10(decimals);
	q = mag / drop;
	if (drop > 1 && mag % drop >= drop / 2)
		q++;
	sign = value < 0 && q > 0 ? "-" : "";
	if (decimals == 0)
		return wn_fmt(buf, size, "%s%llu", sign, (unsigned long long)q);
	return wn_fmt(buf, size, "%s%llu.%0*llu", sign, (unsigned long long)(q / unit),
		(int)decimals, (unsigned long long)(q % unit));
}
