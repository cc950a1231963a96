/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the engine of all paths miss no more than it was allowed to? Many runs with chances of their
 * own over networks whose truth is known: the share of runs that missed something must not exceed
 * the bound by more than chance explains, by an exact binomial test; and no link may be shown that
 * does not exist, seen or inferred, ever. What was missed is judged against what the result claims:
 * where it claims no links, interfaces alone; where the network is none of those that the model
 * named there speaks of, nothing.
 *
 *   validate [--runs N] [--random N] [--rough N] [--tap] [--only TEXT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binomial.h"
#include "maze.h"
#include "rough.h"

#define SIGNIFICANT .001
#define UNEVEN	    .01	 /* of graphs with equal shares may be called uneven */
#define SLIPS	    .005 /* of graphs where packets part may show what is not so */
#define FLOWS	    2048

static bool tap;
static unsigned cases, failures;

struct graph {
	const char *name;
	const char *text; /* NULL: a fan of this width */
	unsigned width;
	/*
	 * The vertices of each TTL get equal shares: what is counted on wherever a TTL is judged as
	 * a whole, in mode nodes everywhere (and one vertex at the first TTL), else where packets
	 * part. Of other networks nothing is promised there.
	 */
	bool alike;
	/* Some balance by packet: links are not claimed then, and nodes does not look for it. */
	bool packets;
};

static const struct graph catalogue[] = {
	{"width 2", NULL, 2, true},
	{"width 3", NULL, 3, true},
	{"width 4", NULL, 4, true},
	{"width 8", NULL, 8, true},
	{"width 16", NULL, 16, true},
	{"width 32", NULL, 32, true},
	{"width 64", NULL, 64, true},
	{"width 97", NULL, 97, true},
	{"1-4-2-1", "s>r r>a,b,c,d a,b>e c,d>f e,f>j j>t", 0, true},
	{"nested", "s>r r>a,b a>c,d b>e,f,g c,d,e,f,g>j j>t", 0, false},
	{"mesh 4x4", "s>r r>a,b,c,d a,b,c,d>e,f,g,h e,f,g,h>j j>t", 0, true},
	{"asymmetric", "s>r r>a,b,c,d a>e,f b,c,d>e e,f>j j>t", 0, false},
	{"asymmetric, no join", "s>r r>a,b a>c b>d,e c,d,e>t", 0, false},
	{"unequal length", "s>r r>a,b a>j b>c c>j j>t", 0, true},
	{"unequal at the end", "s>r r>a,b a>t b>c c>t", 0, true},
	{"two in a row", "s>r r>a,b a,b>j j>c,d c,d>k k>t", 0, true},
	{"three in a row", "s>r r>a,b a,b>j j>c,d c,d>k k>e,f e,f>l l>t", 0, true},
	{"wide then narrow", "s>r r>a,b,c,d,e,f,g,h a,b,c,d,e,f,g,h>j j>k,l k,l>m m>t", 0, true},
	{"20 wide, then 2",
		"s>r r>b0,b1,b2,b3,b4,b5,b6,b7,b8,b9,b10,b11,b12,b13,b14,b15,b16,b17,b18,b19 "
		"b0,b1,b2,b3,b4,b5,b6,b7,b8,b9,b10,b11,b12,b13,b14,b15,b16,b17,b18,b19>x,y x,y>j "
		"j>t",
		0, true},
	{"2, then 20 wide",
		"s>x,y x,y>b0,b1,b2,b3,b4,b5,b6,b7,b8,b9,b10,b11,b12,b13,b14,b15,b16,b17,b18,b19 "
		"b0,b1,b2,b3,b4,b5,b6,b7,b8,b9,b10,b11,b12,b13,b14,b15,b16,b17,b18,b19>j j>t",
		0, false},
	{"at the first hop", "s>a,b a,b>j j>t", 0, false},
	{"no balancing", "s>a a>b b>c c>d d>t", 0, true},
	{"by packet", "s>r r!>a,b a,b>j j>t", 0, true, true},
	{"by packet, behind flows", "s>r r>a,b a!>c,d b>e c>f d>g e>h f,g,h>j j>t", 0, false, true},
	{"by packet, far behind", "s>r r>a,b a>c b>d c!>e,f d>g e>h f>i g>k h,i,k>j j>t", 0, false,
		true},
	{"by packet, one of four",
		"s>r r>a,b,c,d a!>e,f b>e,f c>g,h d>g,h e>i f>k g>l h>m i,k,l,m>j j>t", 0, true,
		true},
};

static const char *text_of(const struct graph *g)
{
	static char text[8192];
	size_t at;

	if (g->text)
		return g->text;
	at = (size_t)snprintf(text, sizeof(text), "s>r r>b0");
	for (unsigned i = 1; i < g->width; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ",b%u", i);
	at += (size_t)snprintf(text + at, sizeof(text) - at, " b0");
	for (unsigned i = 1; i < g->width; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ",b%u", i);
	snprintf(text + at, sizeof(text) - at, ">j j>t");
	return text;
}

struct sums {
	uint32_t runs, failed, partial;
	uint64_t probes, most, branching, left_early, inferred, lost_target, uneven;
	uint64_t by_packet, unnamed, false_runs, too_unsure;
	double took_s;
};

static void add(struct sums *s, const struct maze_run *r)
{
	s->false_runs += r->false_edges + r->false_vertices + r->wrong_edges > 0;
	s->partial += r->partial;
	if (r->partial)
		return; /* it does not claim to be whole */
	s->runs++;
	s->failed += r->missed_vertices > 0 || (r->links_claimed && r->missed_edges > 0);
	s->probes += r->probes;
	s->most = r->probes > s->most ? r->probes : s->most;
	s->branching += r->branching;
	s->left_early += r->left_early;
	s->inferred += r->inferred_edges;
	s->uneven += r->uneven;
	s->by_packet += r->by_packet;
	s->unnamed += r->unnamed;
	s->too_unsure += r->too_unsure;
	s->lost_target += r->stop != WN_STOP_REACHED;
	s->took_s += (double)r->took_ns / 1e9;
}

static const char *const mode_names[] = {"", "nodes", "lite", "full"};

/* Where packets part, and were not caught at it; or not at the router that does it. */
static bool is_often(const struct sums *s, uint64_t count)
{
	return count > 0 &&
	       binomial_at_least((uint32_t)count, s->runs + s->partial, SLIPS) < SIGNIFICANT;
}

static bool is_false(const struct sums *s)
{
	if (s->by_packet == 0)
		return s->false_runs > 0;
	return is_often(s, s->false_runs) || is_often(s, s->too_unsure);
}

/* Both shares are shown; that of what was asked for is judged, where anything is promised. */
static void judge(
	const char *name, const struct maze_options *o, const struct sums *s, bool promised)
{
	double miss = o->miss_ppm / 1e6;
	uint64_t bad = o->by_vertex ? s->left_early : s->failed;
	uint64_t of = o->by_vertex ? s->branching : s->runs;
	double p = bad && promised ? binomial_at_least((uint32_t)bad, (uint32_t)of, miss) : 1;
	/* Few flows are enough for all but some random networks. */
	bool called =
		s->uneven && binomial_at_least((uint32_t)s->uneven, s->runs, UNEVEN) < SIGNIFICANT;
	bool unnamed = s->unnamed && binomial_at_least((uint32_t)s->unnamed, (uint32_t)s->by_packet,
					     miss) < SIGNIFICANT;
	bool ok = p >= SIGNIFICANT && !called && !unnamed && !is_false(s) && s->lost_target == 0 &&
		  s->partial * 20 <= s->runs;

	cases++;
	failures += !ok;
	if (tap)
		printf("%sok %u - %s, %s, %g%%\n", ok ? "" : "not ", cases, name,
			mode_names[o->mode], 100 * (1 - miss));
	printf("%s%-23s %-5s %6.4g%% by %-6s %8.1f probes (most %llu)  graph missed %6.3f%%  "
	       "vertex missed %6.3f%%  ",
		tap ? "# " : "", name, mode_names[o->mode], 100 * (1 - miss),
		o->by_vertex ? "vertex" : "trace", (double)s->probes / s->runs,
		(unsigned long long)s->most, 100.0 * s->failed / s->runs,
		s->branching ? 100.0 * (double)s->left_early / (double)s->branching : 0);
	if (promised)
		printf("p=%.2g", p);
	else
		printf("nothing promised");
	printf("  false in %llu  inferred %.1f  called uneven %.2f%%  packets not named %.2f%%  "
	       "too unsure %llu  partial %u  %.0f ms%s\n",
		(unsigned long long)s->false_runs, (double)s->inferred / s->runs,
		100.0 * (double)s->uneven / s->runs,
		s->by_packet ? 100.0 * (double)s->unnamed / (double)s->by_packet : 0,
		(unsigned long long)s->too_unsure, s->partial, 1000 * s->took_s / s->runs,
		ok ? "" : "  FAILED");
	fflush(stdout);
}

static void run_graph(const struct graph *g, const struct maze_options *o, uint32_t runs)
{
	static struct maze m;
	struct sums s = {0};
	struct maze_run r;

	maze_parse(&m, text_of(g));
	for (uint32_t i = 0; i < runs; i++) {
		maze_trace(&m, o, i * 0x9e3779b97f4a7c15u + 1, &r);
		add(&s, &r);
	}
	judge(g->name, o, &s, g->alike || (o->mode != WN_PATHS_NODES && !g->packets));
}

static void run_random(const struct maze_options *o, uint32_t graphs)
{
	static struct maze m;
	struct sums s = {0};
	struct wn_rng rng;
	struct maze_run r;

	for (uint32_t i = 0; i < graphs; i++) {
		wn_rng_seed(&rng, i + 1);
		maze_random(&m, &rng);
		maze_trace(&m, o, i * 0x9e3779b97f4a7c15u + 7, &r);
		add(&s, &r);
	}
	judge("random networks", o, &s, o->mode != WN_PATHS_NODES);
}

/* 95% of the runs are within these bounds. */
static void judge_rough(
	const char *name, double most_seconds, uint32_t most_probes, const struct rough *s)
{
	uint32_t half = s->runs / 2, most = s->runs * 95 / 100, last = s->runs - 1;
	double p = s->missed ? binomial_at_least(s->missed, s->runs, .05) : 1;
	bool ok = s->wrong == 0 && s->far * 250 <= s->runs && s->partial * 50 <= s->runs &&
		  p >= SIGNIFICANT && s->seconds[most] <= most_seconds &&
		  s->probes[most] <= most_probes;

	cases++;
	failures += !ok;
	if (tap)
		printf("%sok %u - %s\n", ok ? "" : "not ", cases, name);
	printf("%s%-28s seconds %.2f, 95%% %.2f, most %.2f  probes %.0f, %.0f, %.0f  missed %.3g%% "
	       "p=%.2g  wrong %u  far %u  partial %u%s\n",
		tap ? "# " : "", name, s->seconds[half], s->seconds[most], s->seconds[last],
		s->probes[half], s->probes[most], s->probes[last], 100.0 * s->missed / s->runs, p,
		s->wrong, s->far, s->partial, ok ? "" : "  FAILED");
	fflush(stdout);
}

static const struct maze_options questions[] = {
	{.mode = WN_PATHS_NODES, .miss_ppm = 50000, .by_vertex = true, .flows = FLOWS},
	{.mode = WN_PATHS_LITE, .miss_ppm = 50000, .flows = FLOWS},
	{.mode = WN_PATHS_FULL, .miss_ppm = 50000, .flows = FLOWS},
	{.mode = WN_PATHS_LITE, .miss_ppm = 10000, .flows = FLOWS},
};

int main(int argc, char **argv)
{
	uint32_t runs = 100000, graphs = 10000, rough = 1000;
	const char *only = "";

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--tap") == 0)
			tap = true;
		else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
			runs = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--random") == 0 && i + 1 < argc)
			graphs = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--rough") == 0 && i + 1 < argc)
			rough = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			only = argv[++i];
		else
			return fprintf(stderr, "validate: %s?\n", argv[i]), 2;
	}
	if (rough > 0)
		rough_run(rough, only, judge_rough);
	for (size_t q = 0; runs > 0 && q < sizeof(questions) / sizeof(questions[0]); q++) {
		for (size_t i = 0; i < sizeof(catalogue) / sizeof(catalogue[0]); i++)
			if (strstr(catalogue[i].name, only) &&
				(questions[q].mode != WN_PATHS_FULL || catalogue[i].width <= 32) &&
				(questions[q].mode != WN_PATHS_NODES || !catalogue[i].packets))
				run_graph(&catalogue[i], &questions[q], runs);
		if (graphs > 0 && strstr("random networks", only))
			run_random(&questions[q], graphs);
	}
	if (tap)
		printf("1..%u\n", cases);
	return failures > 0;
}
