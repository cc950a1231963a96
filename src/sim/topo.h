/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsed topology as plain data, for the files of this room only. Nodes, links, routes and
 * tunnels refer to each other by index; everything is owned by struct wn_topo and never changes
 * after wn_topo_parse, so many running networks may share one.
 */
#ifndef WN_SIM_TOPO_H
#define WN_SIM_TOPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"
#include "packet/probe.h"
#include "packet/reply.h"
#include "sim/sim.h"

#define WN_TOPO_NODES_MAX 4096
#define WN_TOPO_LINKS_MAX 16384
#define WN_TOPO_NAME	  64  /* node name with its NUL */
#define WN_TOPO_HOST	  256 /* DNS name with its NUL */
#define WN_TOPO_NONE	  UINT32_MAX
#define WN_TOPO_PPB	  1000000000u /* probabilities are parts per this */

/* Families as array indices: 0 is IPv4, 1 is IPv6. */
static inline unsigned wn_topo_fam(uint8_t family)
{
	return family == 6;
}

enum wn_topo_balance {
	WN_BALANCE_FLOW,       /* addresses, protocol, ports or ICMP id and checksum */
	WN_BALANCE_FLOW_LABEL, /* the same and the IPv6 flow label */
	WN_BALANCE_LABEL,      /* addresses and flow label only (RFC 6437 section 3) */
	WN_BALANCE_DEST,       /* destination address only */
	WN_BALANCE_PACKET      /* drawn anew for every packet */
};

enum wn_topo_port_state {
	WN_PORT_CLOSED,	   /* RST, port unreachable */
	WN_PORT_OPEN,	   /* SYN-ACK, a UDP datagram */
	WN_PORT_FILTERED,  /* nothing at all */
	WN_PORT_PROHIBITED /* administratively prohibited */
};

struct wn_topo_ports {
	enum wn_proto proto;
	enum wn_topo_port_state state;
	uint16_t first, last;
};

/* What a router does to packets for a prefix instead of forwarding them. */
enum wn_topo_block_kind {
	WN_BLOCK_ROUTE,	 /* unreachable, found while routing: before the TTL is looked at */
	WN_BLOCK_FILTER, /* unreachable, after the TTL check, as a packet filter does it */
	WN_BLOCK_HOLE	 /* dropped without a word */
};

struct wn_topo_block {
	enum wn_topo_block_kind kind;
	uint8_t code4, code6; /* of the unreachable */
	bool all;	      /* every destination but the source; else prefix */
	struct wn_prefix prefix;
};

struct wn_topo_nat {
	bool dest;	      /* else source NAT */
	bool keep_quotes;     /* errors keep quoting the translated packet */
	bool keep_checksum;   /* errors get addresses and ports back, but not the checksum */
	struct wn_addr outer; /* the address the world sees */
	struct wn_addr inner; /* destination NAT: where it goes; else family 0: the source */
	uint16_t port_shift;  /* added to source ports and ICMP ids */
};

/* Lengths that routers claim of the packet they quote. */
enum wn_topo_quote_length {
	WN_QUOTE_RIGHT,
	WN_QUOTE_SWAPPED, /* bytes in the machine's own order */
	WN_QUOTE_PAYLOAD, /* without the IP header */
	WN_QUOTE_LONGER
};

#define WN_TOPO_PER_NODE 8 /* bound of the small lists of a node */

struct wn_topo_node {
	char name[WN_TOPO_NAME];
	char *host;   /* DNS name, owned; NULL none */
	bool is_host; /* forwards nothing */
	struct wn_addr addr[2][WN_TOPO_PER_NODE];
	uint8_t addr_count[2];
	struct wn_prefix owned[WN_TOPO_PER_NODE];
	uint8_t owned_count;
	uint8_t silent;		    /* bit per enum wn_proto */
	uint64_t limit_interval_ns; /* of one token; 0: no limit */
	uint32_t limit_burst;
	struct wn_topo_block block[WN_TOPO_PER_NODE];
	uint8_t block_count;
	struct wn_topo_ports ports[WN_TOPO_PER_NODE];
	uint8_t port_count;
	struct wn_topo_nat nat[WN_TOPO_PER_NODE];
	uint8_t nat_count;
	uint16_t quote_bytes; /* 0: as much as is allowed */
	uint8_t reply_ttl;
	uint8_t echo_ttl; /* of echo replies; 0: reply_ttl */
	uint32_t drop_replies_ppb;
	uint64_t reply_delay_ns, reply_jitter_ns;
	int16_t set_dscp;   /* -1: leave it */
	int8_t set_ecn;	    /* -1: leave it */
	uint8_t strip_tcp;  /* WN_TCP_OPT_* taken out of what passes */
	uint16_t clamp_mss; /* 0: leave it */
	/* What passes on its way from the source leaves with these. */
	uint8_t set_ttl;     /* 0: leave it */
	int32_t set_ip_id;   /* -1: leave it */
	bool clear_df;	     /* fragmentation is allowed again */
	bool clear_payload;  /* zeros behind the cookie, and the checksum that fits */
	bool clear_checksum; /* of UDP over IPv4: 0, which means none */
	enum wn_topo_quote_length quote_length;
	uint16_t quote_longer; /* QUOTE_LONGER: by so much */
	bool zero_ttl;	       /* forwards what it should have expired */
	bool mtu_hole;	       /* drops packets that are too big without a word */
	bool ifinfo;	       /* errors tell of the incoming interface (RFC 5837) */
	bool legacy_ext;       /* extensions without a length field, as before RFC 4884 */
	enum wn_topo_balance balance;
	uint32_t forge_ppb;
	struct wn_addr forge_as[2];
};

struct wn_topo_window {
	uint64_t from_ns, to_ns; /* since the network began */
};

struct wn_topo_way { /* one direction of a link */
	uint64_t delay_ns, jitter_ns;
	uint64_t reorder_ns; /* how long a reordered packet is held back */
	uint32_t loss_ppb, reorder_ppb, duplicate_ppb, corrupt_ppb, truncate_ppb;
	uint64_t rate_bps; /* 0: no limit */
	uint64_t queue_ns; /* what may wait for the link; beyond is lost */
};

struct wn_topo_link {
	uint32_t end[2];	   /* nodes */
	struct wn_topo_way way[2]; /* [0] from end[0] to end[1] */
	struct wn_addr addr[2][2]; /* [end][family index]: family 0 when the node's own counts */
	uint16_t mtu;		   /* 0: no limit */
	uint32_t cost, weight;
	struct wn_topo_window down[WN_TOPO_PER_NODE];
	uint8_t down_count;
};

struct wn_topo_hop {
	uint32_t edge; /* link * 2 + direction */
	uint32_t weight;
};

struct wn_topo_route { /* overrides the shortest path at one node */
	uint32_t node;
	enum { WN_ROUTE_ANY, WN_ROUTE_PREFIX, WN_ROUTE_NODE } dest;
	uint32_t dest_node;
	struct wn_prefix prefix;
	struct wn_topo_window during;  /* to_ns 0: always */
	uint32_t first_hop, hop_count; /* in topo->hops */
};

enum wn_topo_mpls_kind {
	WN_LSP_EXPLICIT, /* TTL propagated, labels told */
	WN_LSP_IMPLICIT, /* TTL propagated, labels not told */
	WN_LSP_OPAQUE,	 /* TTL not propagated, the egress tells its label */
	WN_LSP_INVISIBLE /* neither */
};

#define WN_LSP_PATH 16

struct wn_topo_lsp {
	enum wn_topo_mpls_kind kind;
	uint32_t path[WN_LSP_PATH];  /* ingress, label switches, egress */
	uint32_t edge[WN_LSP_PATH];  /* edge[i] leads from path[i] to path[i + 1] */
	uint32_t label[WN_LSP_PATH]; /* label[i] is on packets arriving at path[i] */
	uint8_t len;
	uint8_t tc;
	bool u_turn;	/* errors of its switches go to the egress first */
	uint32_t inner; /* a second label below; 0 none */
};

struct wn_topo_local { /* an address and whose it is, sorted by address */
	struct wn_addr addr;
	uint32_t node;
	bool back; /* the source's, or one that the source hides behind */
};

struct wn_topo_owned { /* a prefix and whose it is, the longest first */
	struct wn_prefix prefix;
	uint32_t node;
};

struct wn_topo {
	uint64_t seed;
	struct wn_topo_node *nodes;
	struct wn_topo_link *links;
	struct wn_topo_route *routes;
	struct wn_topo_hop *hops;
	struct wn_topo_lsp *lsps;
	struct wn_topo_local *locals;
	struct wn_topo_owned *owned;
	uint32_t node_count, link_count, route_count, hop_count, lsp_count, local_count,
		owned_count;
	/* Edges that leave node n: edges[edge_start[n]] .. edges[edge_start[n + 1]]. */
	uint32_t *edge_start, *edges;
	uint32_t *route_start; /* routes are sorted by node; the same way */
	uint32_t source;       /* a node */
	struct wn_addr target[2];
};

static inline uint32_t wn_topo_edge_to(const struct wn_topo *t, uint32_t edge)
{
	return t->links[edge / 2].end[1 - edge % 2];
}

static inline uint32_t wn_topo_edge_from(const struct wn_topo *t, uint32_t edge)
{
	return t->links[edge / 2].end[edge % 2];
}

/* Makes room for one more zeroed entry of an array; NULL when there is no memory. */
void *wn_topo_grow(void **array, uint32_t *count, size_t item_bytes);
/* Builds the indices once all statements are read. */
wn_err wn_topo_finish(struct wn_topo *t, struct wn_errctx *ctx);
uint32_t wn_topo_node_by_name(const struct wn_topo *t, const char *name); /* or WN_TOPO_NONE */
/*
 * Whose address it is: exact addresses first, then owned prefixes; WN_TOPO_NONE nobody's.
 * out_back: packets to it are on their way back to the source.
 */
uint32_t wn_topo_owner(const struct wn_topo *t, const struct wn_addr *addr, bool *out_back);
/* The edge from one node to a neighbour, the first when several; slow, for parsing. */
uint32_t wn_topo_edge_between(const struct wn_topo *t, uint32_t from, uint32_t to);
/* Forwards for others: hosts and the source do not. */
bool wn_topo_transits(const struct wn_topo *t, uint32_t node);

#endif
