/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives one property over its corpus, over seeded random bytes and over mutated corpus entries,
 * and reports three TAP points. The same arguments give the same inputs. Whatever ends the program
 * early (a failed check, a signal, a sanitizer, an input that takes too long) first shows the
 * input in hex; saved to a file it can be given as an argument to see it again.
 *
 *	prop_<name> --corpus DIR [--runs N] [--seed N]
 *	prop_<name> FILE...
 */
#include "prop.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/rng.h"
#include "base/text.h"

#define INPUT_MAX     65536
#define RANDOM_MAX    4096
#define CORPUS_MAX    4096
#define SECONDS_MAX   60 /* for one input */
#define MUTATIONS_MAX 8

#define STRING_(x)    #x
#define STRING(x)     STRING_(x)

struct input {
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input entries[CORPUS_MAX];
	size_t n;
};

/* What the handlers show: globals, because signals and sanitizers pass no argument. */
static struct {
	const uint8_t *data;
	size_t size;
	const char *kind;
	uint64_t seed, number;
	int point;
	bool shown;
} now;

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void show_input(void)
{
	if (now.shown || !now.kind)
		return;
	now.shown = true;
	printf("not ok %d - %s\n# input %llu of seed %llu, %zu bytes, in hex:\n", now.point,
		now.kind, (unsigned long long)now.number, (unsigned long long)now.seed, now.size);
	for (size_t i = 0; i < now.size; i++)
		printf("%s%02x%s", i % 32 == 0 ? "#   " : "", now.data[i],
			i % 32 == 31 || i + 1 == now.size ? "\n" : "");
	fflush(stdout);
}

void prop_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	show_input();
	abort();
}

/* stdio in a handler is not safe in general; here the program is lost anyway. */
static void on_signal(int sig)
{
	fprintf(stderr, "%s\n", sig == SIGALRM ? "input takes too long" : strsignal(sig));
	show_input();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void install_handlers(void)
{
	static const int signals[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(show_input);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], on_signal);
}

static void run_one(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	now.data = copy;
	now.size = size;
	alarm(SECONDS_MAX);
	PROP_NAME(copy, size);
	alarm(0);
	now.number++;
	free(copy);
}

static void begin(const char *kind)
{
	now.kind = kind;
	now.number = 0;
	now.point++;
}

static void end(void)
{
	printf("ok %d - %s: %llu inputs\n", now.point, now.kind, (unsigned long long)now.number);
	now.kind = NULL;
}

static bool read_file(const char *path, struct input *out)
{
	static uint8_t buf[INPUT_MAX];
	FILE *f = fopen(path, "rb");

	if (!f)
		return false;
	out->size = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	out->data = malloc(out->size ? out->size : 1);
	if (!out->data)
		return false;
	memcpy(out->data, buf, out->size);
	return true;
}

/* In the order of names, so that the same corpus gives the same mutations everywhere. */
static bool read_corpus(const char *dir, struct corpus *c)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	bool ok = n >= 0;
	char path[4096];

	if (n < 0)
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (ok && names[i]->d_name[0] != '.' && c->n < CORPUS_MAX) {
			snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
			ok = read_file(path, &c->entries[c->n++]);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return ok;
}

static size_t below(struct wn_rng *r, size_t bound)
{
	return (size_t)wn_rng_below(r, bound);
}

static size_t random_size(struct wn_rng *r)
{
	static const size_t limits[] = {4, 16, 64, 256, 1500, RANDOM_MAX};

	return below(r, limits[below(r, sizeof(limits) / sizeof(limits[0]))] + 1);
}

/* Uniform bytes rarely get past a first check; texts and zeros do. */
static size_t random_input(struct wn_rng *r, uint8_t *buf)
{
	static const char text[] = "0123456789abcdefx:./-, \n\"{}[]%";
	size_t size = random_size(r);
	size_t style = below(r, 4);

	for (size_t i = 0; i < size; i++) {
		if (style == 0)
			buf[i] = (uint8_t)below(r, 256);
		else if (style == 1)
			buf[i] = (uint8_t)text[below(r, sizeof(text) - 1)];
		else if (style == 2)
			buf[i] = (uint8_t)(' ' + below(r, 95));
		else
			buf[i] = below(r, 4) == 0 ? (uint8_t)below(r, 256) : 0;
	}
	return size;
}

static size_t cut(struct wn_rng *r, uint8_t *buf, size_t size)
{
	size_t at = below(r, size);
	size_t n = 1 + below(r, size - at);

	memmove(buf + at, buf + at + n, size - at - n);
	return size - n;
}

/* Inserts a piece of another entry, or of the input itself. */
static size_t splice(struct wn_rng *r, uint8_t *buf, size_t size, const struct input *from)
{
	size_t at = below(r, size + 1);
	size_t start, n;

	if (from->size == 0)
		return size;
	start = below(r, from->size);
	n = 1 + below(r, from->size - start);
	if (n > INPUT_MAX - size)
		n = INPUT_MAX - size;
	memmove(buf + at + n, buf + at, size - at);
	memcpy(buf + at, from->data + start, n);
	return size + n;
}

static void poke(struct wn_rng *r, uint8_t *buf, size_t size)
{
	static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
	size_t at = below(r, size);

	switch (below(r, 4)) {
	case 0:
		buf[at] ^= (uint8_t)(1u << below(r, 8));
		break;
	case 1:
		buf[at] = edges[below(r, sizeof(edges))];
		break;
	case 2:
		buf[at] = (uint8_t)(buf[at] + below(r, 33) - 16);
		break;
	default:
		buf[at] = (uint8_t)below(r, 256);
		break;
	}
}

static size_t mutated_input(struct wn_rng *r, uint8_t *buf, const struct corpus *c)
{
	const struct input *in = &c->entries[below(r, c->n)];
	size_t size = in->size;

	memcpy(buf, in->data, size);
	for (size_t left = 1 + below(r, MUTATIONS_MAX); left > 0; left--) {
		size_t what = below(r, 8);

		if (what == 0)
			size = splice(r, buf, size, &c->entries[below(r, c->n)]);
		else if (size > 0 && what == 1)
			size = cut(r, buf, size);
		else if (size > 0 && what == 2)
			size = below(r, size);
		else if (size > 0)
			poke(r, buf, size);
	}
	return size;
}

static int run_all(const char *dir, uint64_t runs, uint64_t seed)
{
	static struct corpus c;
	static uint8_t buf[INPUT_MAX];
	struct wn_rng r;

	now.seed = seed;
	printf("1..3\n# property %s, seed %llu\n", STRING(PROP_NAME), (unsigned long long)seed);
	if (!read_corpus(dir, &c) || c.n == 0) {
		printf("Bail out! a property needs at least one input in %s\n", dir);
		return 1;
	}
	begin("corpus");
	for (size_t i = 0; i < c.n; i++)
		run_one(c.entries[i].data, c.entries[i].size);
	end();
	wn_rng_seed(&r, seed);
	begin("random");
	for (uint64_t i = 0; i < runs; i++)
		run_one(buf, random_input(&r, buf));
	end();
	begin("mutated");
	for (uint64_t i = 0; i < runs; i++)
		run_one(buf, mutated_input(&r, buf, &c));
	end();
	for (size_t i = 0; i < c.n; i++)
		free(c.entries[i].data);
	return 0;
}

static int run_files(char **paths, int n)
{
	struct input in;

	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		if (!read_file(paths[i], &in)) {
			fprintf(stderr, "%s: %s\n", paths[i], strerror(errno));
			return 1;
		}
		begin(paths[i]);
		run_one(in.data, in.size);
		end();
		free(in.data);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *dir = NULL;
	uint64_t runs = 1000;
	uint64_t seed = 1;
	int i;

	install_handlers();
	for (i = 1; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
		wn_err err = WN_OK;

		if (strcmp(argv[i], "--corpus") == 0)
			dir = argv[i + 1];
		else if (strcmp(argv[i], "--runs") == 0)
			err = wn_text_u64(argv[i + 1], 0, UINT64_MAX, &runs);
		else if (strcmp(argv[i], "--seed") == 0)
			err = wn_text_u64(argv[i + 1], 0, UINT64_MAX, &seed);
		else
			err = WN_EUSAGE;
		if (err) {
			fprintf(stderr, "%s %s: %s\n", argv[i], argv[i + 1], wn_err_text(err));
			return 2;
		}
	}
	if (dir)
		return run_all(dir, runs, seed);
	return run_files(argv + i, argc - i);
}
