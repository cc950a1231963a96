/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many COUNT PREFIX [KEY=VALUE...] : COUNT traces at once through libwend's public API, to
 * PREFIX.x.y (PREFIX is "10.77"), each with these options.
 *
 * Prints: wall ns from the first start to the last end, CPU us, memory before the first start and
 * its highest, both in KiB, then how many traces ended, reached their target, and how many probes
 * were lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <wend/wend.h>

enum { PER_NET = 250 };

struct tally {
	long ended, reached, lost;
};

static void count(void *user, const struct wend_event *event)
{
	struct tally *tally = user;

	if (event->kind == WEND_DONE) {
		tally->ended++;
		tally->reached += event->reached != 0;
	}
	tally->lost += event->kind == WEND_LOST;
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static long resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all, here = 0;

	if (!f || fscanf(f, "%ld %ld", &all, &here) != 2)
		here = 0;
	if (f)
		fclose(f);
	return here * (sysconf(_SC_PAGESIZE) / 1024);
}

static int set(wend_options *options, char *pair)
{
	char *value = strchr(pair, '=');

	if (!value)
		return -1;
	*value = '\0';
	return wend_options_set(options, pair, value + 1);
}

static int start(wend *w, const char *prefix, long i, wend_options *options, struct tally *tally)
{
	char target[40];
	int err;

	snprintf(target, sizeof(target), "%s.%ld.%ld", prefix, i / PER_NET, i % PER_NET + 1);
	err = wend_trace(w, target, options, count, tally, NULL);
	if (err)
		fprintf(stderr, "many: %s: %s\n", target, wend_error(w));
	return err;
}

int main(int argc, char **argv)
{
	struct tally tally = {0, 0, 0};
	struct rusage used;
	wend_options *options;
	long long began;
	long traces, before;
	wend *w;

	if (argc < 3 || wend_options_new(&options) || wend_new(NULL, &w))
		return 2;
	for (int i = 3; i < argc; i++) {
		if (set(options, argv[i])) {
			fprintf(stderr, "many: %s: not taken\n", argv[i]);
			return 2;
		}
	}
	traces = atol(argv[1]);
	before = resident_kib();
	began = now_ns();
	for (long i = 0; i < traces; i++) {
		if (start(w, argv[2], i, options, &tally))
			return 2;
	}
	if (wend_run(w, -1))
		fprintf(stderr, "many: %s\n", wend_error(w));
	getrusage(RUSAGE_SELF, &used);
	printf("%lld %ld %ld %ld %ld %ld %ld\n", now_ns() - began,
		used.ru_utime.tv_sec * 1000000l + used.ru_utime.tv_usec +
			used.ru_stime.tv_sec * 1000000l + used.ru_stime.tv_usec,
		before, used.ru_maxrss, tally.ended, tally.reached, tally.lost);
	wend_free(w);
	wend_options_free(options);
	return 0;
}
