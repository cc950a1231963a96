/* SPDX-License-Identifier: Apache-2.0 */
/* Small views on a result that every text form needs. */
#include "output/view.h"

#include <string.h>
#include "base/fmt.h"
#include "base/text.h"

#define MS     1000000
#define SECOND 1000000000u

bool wn_view_ended(const struct wn_result *r)
{
	return r->reached || r->stop == WN_STOP_UNREACHABLE || r->stop == WN_STOP_LOOP;
}

unsigned wn_view_last_ttl(const struct wn_result *r)
{
	unsigned last = r->last_ttl;

	if (wn_view_ended(r) && last > 0)
		return last;
	for (unsigned ttl = last + 1; ttl < 256; ttl++)
		if (r->hops[ttl].probes > 0)
			last = ttl;
	return last;
}

/* Days since 1970 to a date of the Gregorian calendar, in years that begin in March. */
static void civil(uint64_t days, unsigned *y, unsigned *m, unsigned *d)
{
	uint64_t z = days + 719468; /* since 0000-03-01 */
	uint64_t era = z / 146097;
	uint64_t doe = z % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t mp = (5 * doy + 2) / 153;

	*d = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*m = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*y = (unsigned)(yoe + era * 400 + (*m <= 2));
}

const char *wn_view_rfc3339(uint64_t unix_ns, char buf[WN_TIME_STRLEN])
{
	uint64_t s = unix_ns / SECOND;
	unsigned y, m, d;

	civil(s / 86400, &y, &m, &d);
	s %= 86400;
	wn_fmt(buf, WN_TIME_STRLEN, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", y, m, d,
		(unsigned)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60),
		(unsigned)(unix_ns % SECOND));
	return buf;
}

struct wn_stats_filter wn_view_filter(int ttl, uint32_t responder, int64_t flow)
{
	return (struct wn_stats_filter){.ttl = ttl, .responder = responder, .flow = flow};
}

struct wn_stats wn_view_stats(const struct wn_result *r, struct wn_stats_filter filter, wn_err *err)
{
	struct wn_stats s;
	wn_err failed = wn_stats_compute(r, &filter, &s);

	if (failed)
		*err = failed;
	return s;
}

void wn_view_drop(struct wn_strbuf *out, struct wn_strbuf *text)
{
	if (text->err)
		out->err = text->err;
	wn_strbuf_fini(text);
}

static void add_ascii(struct wn_strbuf *out, const char *text)
{
	size_t len = strlen(text);
	uint32_t cp;

	for (size_t n; len > 0; text += n, len -= n) {
		n = wn_text_utf8(text, len, &cp);
		if (n > 1)
			wn_strbuf_fmt(out, "\\u{%x}", (unsigned)cp);
		else
			wn_strbuf_putc(out, *text);
		n += n == 0;
	}
}

void wn_view_text(struct wn_strbuf *out, const char *text, bool unicode)
{
	char clean[4 * WN_TEXT_MAX]; /* no byte becomes more than four */

	wn_text_clean(clean, sizeof(clean), text, strlen(text));
	if (unicode)
		wn_strbuf_puts(out, clean);
	else
		add_ascii(out, clean);
}

bool wn_view_is_hostname(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

	return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

void wn_view_name(struct wn_strbuf *out, const char *name, bool unicode)
{
	struct wn_strbuf clean = WN_STRBUF_INIT;

	wn_view_text(&clean, name, unicode);
	for (const char *p = wn_strbuf_str(&clean); *p; p++) {
		if (strchr(" ()*!?+", *p))
			wn_strbuf_fmt(out, "\\x%02x", (unsigned)*p);
		else
			wn_strbuf_putc(out, *p);
	}
	wn_view_drop(out, &clean);
}

static void add_spaces(struct wn_strbuf *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		wn_strbuf_putc(out, ' ');
}

void wn_view_wrap(
	struct wn_strbuf *out, const char *text, struct wn_indent indent, unsigned columns)
{
	size_t at = indent.first;
	bool empty = true; /* the line has no word yet */

	add_spaces(out, indent.first);
	while (*text) {
		size_t len = strcspn(text, " ");
		size_t need = wn_text_columns(text, len);

		if (!empty && columns > 0 && at + 1 + need > columns) {
			wn_strbuf_putc(out, '\n');
			add_spaces(out, indent.rest);
			at = indent.rest;
			empty = true;
		}
		if (!empty)
			wn_strbuf_putc(out, ' ');
		wn_strbuf_add(out, text, len);
		at += need + !empty;
		empty = false;
		text += len;
		text += strspn(text, " ");
	}
	wn_strbuf_putc(out, '\n');
}

void wn_view_fmt_ms(char *buf, size_t size, int64_t ns)
{
	if (ns < 0)
		wn_fmt(buf, size, "-");
	else
		wn_fmt_fixed(buf, size, ns, 6, ns < 10 * MS ? 3 : ns < 100 * MS ? 2 : 1);
}

void wn_view_ms(struct wn_strbuf *out, int64_t ns)
{
	char buf[32];

	wn_view_fmt_ms(buf, sizeof(buf), ns);
	wn_strbuf_puts(out, buf);
}

void wn_view_duration(struct wn_strbuf *out, uint64_t ns)
{
	int64_t v = ns > INT64_MAX ? INT64_MAX : (int64_t)ns;

	if (ns < SECOND) {
		wn_strbuf_fixed(out, v, 6, v < 10 * MS ? 1 : 0);
		wn_strbuf_puts(out, " ms");
	} else {
		wn_strbuf_fixed(out, v, 9, v < 100 * (int64_t)SECOND ? 1 : 0);
		wn_strbuf_puts(out, " s");
	}
}

const char *wn_view_reply_text(const struct wn_result *r, const struct wn_reply_rec *reply)
{
	return wn_view_answer_text(r, &r->probes[reply->probe].probe, reply);
}

const char *wn_view_answer_text(
	const struct wn_result *r, const struct wn_probe *p, const struct wn_reply_rec *reply)
{
	/* What belongs to no connection is reset by open and closed ports alike. */
	if (reply->kind == WN_REPLY_RST && wn_tcp_flags(p) & WN_TCP_ACK)
		return "reset";
	if (reply->kind == WN_REPLY_TCP_OTHER && reply->tcp_opts.set & WN_TCP_OPT_SACK)
		return "data acknowledged";
	return wn_reply_text(
		reply->kind, r->responders[reply->responder].addr.family, reply->icmp_code);
}
