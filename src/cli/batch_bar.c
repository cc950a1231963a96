/* SPDX-License-Identifier: Apache-2.0 */
/* How far the batch is, in one line at the bottom of a terminal. */
#include <string.h>
#include <unistd.h>
#include <stdlib.h>

#include "base/fmt.h"
#include "base/text.h"
#include "cli/batch.h"
#include "cli/cli.h"

#define FRAME_NS     UINT64_C(100000000)
#define RATE_NS	     UINT64_C(1000000000) /* over which a rate is taken */
#define NS_PER_S     UINT64_C(1000000000)
#define BAR_COLUMNS  24
#define TEXT_COLUMNS 160

void wn_batch_bar_init(struct wn_batch *b)
{
	const char *term = getenv("TERM");
	bool results = b->out.fd == STDOUT_FILENO && isatty(STDOUT_FILENO);
	uint64_t now_ns = wn_run_now_ns(b->run);

	/* What is typed, or records on the same screen, would be in its way. */
	b->bar.on = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !results &&
		    !b->in_terminal;
	b->bar.began_ns = b->bar.rate_ns = b->bar.next_ns = now_ns;
	b->bar.rate_done = b->done;
}

/* Nobody is left to tell when this fails. */
static void put(const char *text, size_t len)
{
	ssize_t n = write(STDERR_FILENO, text, len);

	(void)n;
}

void wn_batch_bar_erase(struct wn_batch *b)
{
	static const char erase[] = "\r\033[K";

	if (b->bar.shown)
		put(erase, sizeof(erase) - 1);
	b->bar.shown = false;
	b->bar.next_ns = 0;
}

/* Of the last seconds rather than of the whole, but not jumping. */
static void update_rate(struct wn_batch *b, uint64_t now_ns)
{
	struct wn_batch_bar *bar = &b->bar;
	uint64_t ns = now_ns - bar->rate_ns;
	double now;

	if (ns < RATE_NS)
		return;
	now = (double)(b->done - bar->rate_done) * (double)NS_PER_S / (double)ns;
	bar->rate = bar->rate > 0 ? bar->rate + (now - bar->rate) * 0.3 : now;
	bar->rate_ns = now_ns;
	bar->rate_done = b->done;
}

static size_t add_duration(char *buf, size_t size, uint64_t s)
{
	if (s >= 3600)
		return wn_fmt(buf, size, "%llu:%02llu:%02llu", (unsigned long long)s / 3600,
			(unsigned long long)s / 60 % 60, (unsigned long long)s % 60);
	return wn_fmt(
		buf, size, "%llu:%02llu", (unsigned long long)s / 60, (unsigned long long)s % 60);
}

static size_t add_rate(char *buf, size_t size, double rate)
{
	if (rate >= 100)
		return wn_fmt(buf, size, "  %llu/s", (unsigned long long)(rate + 0.5));
	return wn_fmt(buf, size, "  %llu.%llu/s", (unsigned long long)rate,
		(unsigned long long)(rate * 10) % 10);
}

/* "[#####-----]  45%  " */
static size_t add_share(const struct wn_batch *b, char *buf, size_t size)
{
	uint64_t done = b->done < b->total ? b->done : b->total;
	unsigned full = (unsigned)(done * BAR_COLUMNS / b->total);
	size_t at = wn_fmt(buf, size, "[");

	for (unsigned i = 0; i < BAR_COLUMNS; i++)
		at += wn_fmt(buf + at, size - at, "%c", i < full ? '#' : '-');
	return at + wn_fmt(buf + at, size - at, "] %3llu%%  ",
			    (unsigned long long)(done * 100 / b->total));
}

/* Fills buf; what the terminal has no room for is cut off. */
static size_t compose(const struct wn_batch *b, char *buf, size_t size, uint64_t now_ns)
{
	uint64_t left = b->total > b->done ? b->total - b->done : 0;
	uint64_t took_s = (now_ns - b->bar.began_ns) / NS_PER_S;
	size_t at = b->total > 0 ? add_share(b, buf, size) : 0;

	at += wn_fmt(buf + at, size - at, "%llu", (unsigned long long)b->done);
	if (b->total > 0)
		at += wn_fmt(buf + at, size - at, "/%llu", (unsigned long long)b->total);
	at += wn_fmt(buf + at, size - at, " done");
	if (b->bar.rate > 0)
		at += add_rate(buf + at, size - at, b->bar.rate);
	at += wn_fmt(buf + at, size - at, "  ");
	at += add_duration(buf + at, size - at, took_s);
	if (b->stop_ns != UINT64_MAX && b->active > 0) {
		at += wn_fmt(buf + at, size - at, "  stopping, %u under way", b->active);
	} else if (left > 0 && b->bar.rate > 0) {
		at += wn_fmt(buf + at, size - at, ", ");
		at += add_duration(buf + at, size - at, (uint64_t)((double)left / b->bar.rate) + 1);
		at += wn_fmt(buf + at, size - at, " left");
	}
	if (b->failed > 0)
		at += wn_fmt(buf + at, size - at, "  %llu failed", (unsigned long long)b->failed);
	return at;
}

static void draw(struct wn_batch *b, uint64_t now_ns, const char *end)
{
	char text[TEXT_COLUMNS], line[TEXT_COLUMNS + 16];
	unsigned columns = wn_cli_columns(STDERR_FILENO, NULL);
	size_t len = compose(b, text, sizeof(text), now_ns);

	if (columns > 0 && len >= columns)
		len = columns - 1;
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	len = wn_fmt(line, sizeof(line), "\r%.*s\033[K%s", (int)len, text, end);
	put(line, len);
}

void wn_batch_bar_draw(struct wn_batch *b, uint64_t now_ns)
{
	if (!b->bar.on || now_ns < b->bar.next_ns)
		return;
	update_rate(b, now_ns);
	draw(b, now_ns, "");
	b->bar.shown = true;
	b->bar.next_ns = now_ns + FRAME_NS;
}

void wn_batch_bar_end(struct wn_batch *b, uint64_t now_ns)
{
	uint64_t ns = now_ns - b->bar.began_ns;

	if (!b->bar.on)
		return;
	b->bar.rate =
		ns > 0 ? (double)(b->done - b->marks.count) * (double)NS_PER_S / (double)ns : 0;
	draw(b, now_ns, "\n");
	b->bar.shown = false;
	b->bar.on = false;
}

uint64_t wn_batch_bar_next_ns(const struct wn_batch *b)
{
	return b->bar.on ? b->bar.next_ns : UINT64_MAX;
}
