/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All the paths that a record shows, as one graph (docs/paths.md). A node is an interface at a TTL,
 * a link joins nodes of neighbouring TTLs. The graph is built from the record alone, when it is
 * asked for; it owns its arrays and points into nothing.
 *
 * Flows above WN_GRAPH_FLOW_MAX are tests of what a balancer looks at (base flow in the low 16
 * bits): they tell how a node balances, and belong to no node, link or path.
 */
#ifndef WN_MULTIPATH_GRAPH_H
#define WN_MULTIPATH_GRAPH_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "result/result.h"

#define WN_GRAPH_FLOW_MAX 0xffffu
#define WN_GRAPH_SOURCE	  0 /* index of the node that all flows leave */

/* By what a node chooses among its successors. */
enum wn_lb {
	WN_LB_NONE,	      /* one successor */
	WN_LB_FLOW,	      /* ports; over IPv6, unless label_known, maybe the flow label */
	WN_LB_ICMP_CHECKSUM,  /* in which alone flows of ICMP probes differ */
	WN_LB_FLOW_LABEL,     /* the flow label; ports do not matter, or were not tested */
	WN_LB_FLOW_AND_LABEL, /* both */
	WN_LB_PACKET,	      /* each packet anew */
	WN_LB_DESTINATION,    /* other destinations take another way */
	WN_LB_UNKNOWN	      /* each packet anew, or the path changed: cannot be told */
};
#define WN_LB_COUNT 8
const char *wn_lb_name(enum wn_lb lb); /* "none" "per-flow" ... stable */

struct wn_graph_node {
	uint32_t responder;	       /* WN_NONE: the source, or silence */
	uint32_t flows;		       /* that met it */
	uint32_t torn;		       /* of these met something else at this TTL as well */
	uint32_t ended;		       /* of these went no farther: reached or refused */
	uint32_t first_out, out_count; /* its links, in links */
	uint32_t first_in, in_count;   /* links to it, in in_links */
	uint32_t tested;	       /* flows through it seen one TTL on */
	/*
	 * With one successor: other destinations, by side probes, of which is known where they go;
	 * those that go elsewhere, and where the first of them does (a responder, WN_NONE).
	 */
	uint32_t destinations, elsewhere, elsewhere_to;
	uint32_t taken; /* of links from it: sum of passed */
	/* Bound on the chance that ways taken alike are taken so unequally; 0: not looked at. */
	uint32_t uneven_ppb;
	/* Bound on the chance that one more successor was missed; WN_STOPPING_PPB: nothing is
	 * known of what follows; 0: none is to be expected, that is taken for granted, or links
	 * were not asked for. */
	uint32_t miss_ppb;
	enum wn_lb lb;
	bool label_known; /* IPv6: whether it looks at the flow label */
	uint8_t ttl;
	bool target;
	bool loop;     /* packets are back where they were: it and the one before it once more */
	bool dead_end; /* flows went on from it, and nobody answered one TTL on */
};

struct wn_graph_link {
	uint32_t from, to; /* nodes */
	uint32_t flows;	   /* that showed it */
	/* That took it: showed it or, where its start alone can have been before, met its end. */
	uint32_t passed;
	bool inferred; /* no flow showed it, but one of the TTLs has this single node */
	bool unsure;   /* behind a node that balances packets: its ends may not belong together */
};

enum wn_graph_end {
	WN_GRAPH_OPEN, /* nobody ended it */
	WN_GRAPH_REACHED,
	WN_GRAPH_REFUSED /* something else than time exceeded came back */
};
const char *wn_graph_end_name(enum wn_graph_end end); /* "open" "reached" "refused" */

struct wn_graph_step {
	uint32_t node; /* WN_NONE: several at once */
	uint8_t ttl;
};

struct wn_graph_flow {
	uint32_t flow;
	uint32_t first_step, step_count; /* by TTL; none where nothing is known */
	uint32_t path;			 /* in paths; WN_NONE: not seen whole */
	enum wn_graph_end end;
};

/*
 * A way from the source to an end that one flow took. Where a TTL has one node only, and links are
 * inferred, the flow need not have been seen there.
 */
struct wn_graph_path {
	uint32_t flow; /* in flows: the first that took it */
	uint32_t flows;
	uint8_t last_ttl;
};

struct wn_graph_hop {
	uint32_t flows; /* of which it is known what they met here */
	uint32_t met;	/* flows of all its nodes: what shares are parts of */
	uint32_t torn;	/* of these met several interfaces */
	uint32_t lost;	/* flows that got no answer here, which loss is enough to explain */
	bool apart;	/* two probes of one flow may have met different nodes here */
	/* Bound on the chance that one more interface was missed here; 0: the TTL is not looked at
	 * as a whole, or taken for granted. */
	uint32_t miss_ppb;
};

struct wn_graph {
	struct wn_graph_node *nodes; /* by TTL, those with a parent in common side by side */
	struct wn_graph_link *links; /* by from, then to */
	uint32_t *in_links;	     /* indices of links, by to, then from */
	struct wn_graph_flow *flows; /* by number */
	struct wn_graph_step *steps;
	struct wn_graph_path *paths; /* by the nodes on them */
	uint32_t node_count, link_count, flow_count, step_count, path_count;
	uint32_t hop_first[257]; /* nodes of a TTL: from hop_first[ttl] below hop_first[ttl + 1] */
	struct wn_graph_hop hops[256];
	uint8_t first_ttl, last_ttl; /* of the flows; the source stands at first_ttl - 1 */
	uint32_t interfaces;	     /* addresses among the nodes */
	uint32_t inferred;	     /* links */
	bool links_claimed;  /* what is bounded is links as well as interfaces: they were asked for,
			      * and no packet may have taken its own way */
	uint32_t torn_flows; /* that met several interfaces at some TTL */
	uint64_t paths_possible; /* along the links; INT64_MAX: that many or more; 0: links do not
				  * tell */
	/* Where most is left to chance: at a node (of the TTL before), or, where a TTL is looked at
	 * as a whole, WN_NONE. worst_ttl 0: there is nothing to bound. */
	uint32_t worst_node, worst_ppb;
	uint8_t worst_ttl;
	uint32_t whole_ppb; /* bound on the chance that anything was missed: balance_bounds.c */
};

/* WN_ENOMEM is the only failure; out is then empty. */
wn_err wn_graph_build(const struct wn_result *r, struct wn_graph *out);
void wn_graph_free(struct wn_graph *g);

static inline uint32_t wn_graph_width(const struct wn_graph *g, unsigned ttl)
{
	return g->hop_first[ttl + 1] - g->hop_first[ttl];
}

static inline bool wn_graph_is_silent(const struct wn_graph *g, uint32_t node)
{
	return node != WN_GRAPH_SOURCE && g->nodes[node].responder == WN_NONE;
}

#endif
