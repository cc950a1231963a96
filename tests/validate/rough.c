/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lost answers and limited ones: how long does it take, how many probes, and is still no more
 * missed than allowed? Chance is met by asking again at once, a limit by waiting.
 */
#include "rough.h"

#include <stdlib.h>
#include <string.h>

#define FLOWS 1024

struct network {
	const char *name, *text;
	double loss, hop_loss, limit_pps, limit_burst;
	/* Bounds that were kept when they were set, with some room: 95% of the runs. */
	double seconds;
	uint32_t probes;
};

#define WIDE_2	"s>r r>a,b a,b>j j>t"
#define WIDE_4	"s>r r>a,b,c,d a,b,c,d>j j>t"
#define WIDE_2L "s>r% r%>a%,b% a,b>j% j>t"
#define WIDE_4L "s>r% r>a%,b%,c%,d% a,b,c,d>j% j>t"
#define J_LIM	"s>r r>a,b a,b>j% j>t"
#define SILENT	"s>r r>a,b? a>c b>d,e,f c,d,e,f>j j>t"
#define SILENT3 "s>r r>a,b,c? a,b>d c>e,f d,e,f>j j>t"
#define SILENT2 "s>r r>a,b? a>c b>d? c>e d>f,g e,f,g>j j>t"
#define LONG	"s>p p>q q>r r>a,b a,b>j j>k k>l l>t"

static const struct network networks[] = {
	{"no loss", WIDE_2, 0, 0, 0, 0, 0.2, 60},
	{"loss 5%", WIDE_2, .05, 0, 0, 0, 1.4, 70},
	{"loss 10%", WIDE_2, .1, 0, 0, 0, 1.6, 75},
	{"loss 20%", WIDE_2, .2, 0, 0, 0, 2.2, 90},
	{"loss 30%", WIDE_2, .3, 0, 0, 0, 2.8, 100},
	{"loss 40%", WIDE_2, .4, 0, 0, 0, 3.2, 120},
	{"4 wide, loss 10%", WIDE_4, .1, 0, 0, 0, 1.7, 115},
	{"4 wide, loss 30%", WIDE_4, .3, 0, 0, 0, 3.2, 150},
	{"loss 10% at every router", WIDE_2, 0, .1, 0, 0, 2.6, 120},
	{"4 wide, the same", WIDE_4, 0, .1, 0, 0, 3, 170},
	{"8 hops, 5% at every router", LONG, 0, .05, 0, 0, 3.8, 170},
	{"silent branch", SILENT, 0, 0, 0, 0, 7, 230},
	{"one of three silent", SILENT3, 0, 0, 0, 0, 6, 210},
	{"two silent in a row", SILENT2, 0, 0, 0, 0, 7.5, 200},
	{"silent branch, loss 10%", SILENT, .1, 0, 0, 0, 11.5, 310},
	{"one limited, 1/s", J_LIM, 0, 0, 1, 1, 16.5, 120},
	{"one limited, 1/s, burst 6", J_LIM, 0, 0, 1, 6, 9.5, 90},
	{"one limited, 2/s, burst 3", J_LIM, 0, 0, 2, 3, 6.5, 125},
	{"one limited, 10/s", J_LIM, 0, 0, 10, 1, 3.3, 150},
	{"one limited, 5 each second", J_LIM, 0, 0, 5, 0, 6.6, 85},
	{"one limited, 1 each second", J_LIM, 0, 0, 1, 0, 14.5, 120},
	{"1/s, burst 6, loss 10%", J_LIM, .1, 0, 1, 6, 18, 175},
	{"all limited, 1/s, burst 6", WIDE_2L, 0, 0, 1, 6, 17, 165},
	{"4 wide, all 1/s, burst 6", WIDE_4L, 0, 0, 1, 6, 25, 190},
	{"4 wide, all 10/s, burst 10", WIDE_4L, 0, 0, 10, 10, 2, 120},
	{"4 wide, all 50 each second", WIDE_4L, 0, 0, 50, 0, 0.3, 95},
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_all(const struct network *n, enum wn_paths_mode mode, struct rough *sum)
{
	static struct maze m;
	struct maze_options o = {
		.mode = mode,
		.miss_ppm = 50000,
		.flows = FLOWS,
		.loss = n->loss,
		.hop_loss = n->hop_loss,
		.limit_pps = n->limit_pps,
		.limit_burst = n->limit_burst,
	};
	struct maze_run r;

	maze_parse(&m, n->text);
	for (uint32_t i = 0; i < sum->runs; i++) {
		maze_trace(&m, &o, i * 0x9e3779b97f4a7c15u + 11, &r);
		sum->seconds[i] = (double)r.took_ns / 1e9;
		sum->probes[i] = r.probes;
		sum->missed += r.missed_vertices + r.missed_edges > 0;
		sum->wrong += r.false_edges > 0;
		sum->far += r.false_vertices > 0;
		sum->partial += r.partial;
	}
	qsort(sum->seconds, sum->runs, sizeof(*sum->seconds), by_size);
	qsort(sum->probes, sum->runs, sizeof(*sum->probes), by_size);
}

void rough_run(uint32_t runs, const char *only, rough_judge judge)
{
	struct rough sum = {.runs = runs};

	sum.seconds = malloc(runs * sizeof(double));
	sum.probes = malloc(runs * sizeof(double));
	if (!sum.seconds || !sum.probes)
		abort();
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		const struct network *n = &networks[i];

		if (!strstr(n->name, only))
			continue;
		sum.missed = sum.wrong = sum.far = sum.partial = 0;
		run_all(n, WN_PATHS_LITE, &sum);
		judge(n->name, n->seconds, n->probes, &sum);
	}
	free(sum.seconds);
	free(sum.probes);
}
