/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks with known truth for the engine of all paths: a graph of routers, each of which sends a
 * flow to one of its successors by chance, anew for every run and always the same within it. Probes
 * and replies are plain data, time is virtual, nothing is lost unless asked for.
 */
#ifndef WN_TESTS_MAZE_H
#define WN_TESTS_MAZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/rng.h"
#include "multipath/paths.h"

#define MAZE_NODES 512
#define MAZE_LINKS 4096
#define MAZE_TTLS  40

struct maze_node {
	uint16_t first, count; /* of links */
	uint32_t weights;      /* of all its links */
	bool per_packet, silent, limited;
};

struct maze_link {
	uint16_t to;
	uint16_t weight;
};

/* Node 0 is the source, 1 the target. */
struct maze {
	struct maze_node nodes[MAZE_NODES];
	struct maze_link links[MAZE_LINKS];
	uint16_t node_count, link_count;
	/* Truth: who is at which TTL of some flow, and which links join them. */
	bool at[MAZE_TTLS][MAZE_NODES];
	uint16_t hops; /* TTL of the farthest appearance of the target */
	uint32_t vertices, edges;
};

/*
 * "s>a a>b,c b,c>d d>t": each of the left goes to each of the right; s the source, t the target.
 * x*8 is a name with a weight, "p!": balances by packet, "q?": never answers, "l%": answers no more
 * than the options allow. Aborts on nonsense.
 */
void maze_parse(struct maze *m, const char *text);
/* Diamonds of random widths, depths and links in a row; some branches longer than others. */
void maze_random(struct maze *m, struct wn_rng *rng);

struct maze_run {
	uint32_t probes;
	uint64_t took_ns;
	uint32_t missed_vertices, missed_edges; /* that exist and were not found */
	uint32_t false_vertices, false_edges;	/* found, not as unsure, and do not exist */
	uint32_t inferred_edges, wrong_edges;	/* shown though no flow did; those wrong */
	uint32_t by_packet, unnamed; /* found nodes that balance by packet; not called so */
	bool too_unsure;	     /* more is left to chance than was asked for */
	bool links_claimed;	     /* else the graph is sure of its interfaces alone */
	bool uneven; /* shares are called unequal, which they never are but for weights */
	/*
	 * What branches in truth (found vertices with several successors; where no links are
	 * claimed, TTLs with several vertices), and where something of that was missed.
	 */
	uint32_t branching, left_early;
	enum wn_stop stop;
	bool partial;
};

struct maze_options {
	enum wn_paths_mode mode;
	uint32_t miss_ppm, flows, min_share_ppm;
	bool by_vertex;
	enum wn_proto proto;
	double loss;	 /* of replies */
	double hop_loss; /* at every router, there and back */
	/* Of those that are limited: a bucket of `limit_burst` tokens, filled by so many per
	 * second; or so many in each second by the clock, when there is no burst.
	 */
	double limit_pps, limit_burst;
};

void maze_trace(
	const struct maze *m, const struct maze_options *o, uint64_t seed, struct maze_run *out);

#endif
