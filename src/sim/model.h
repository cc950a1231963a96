/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running network, for the files of this room only.
 *
 * A packet moves by steps: wn_sim_step takes one that is at a node, and changes it into what
 * leaves the node (itself, or the reply it caused) and says by which edge. Steps know no time but
 * `now`; what a link does to a packet (delay, loss, ...) is link.c, when things happen is sim.c.
 * A dry step (ground truth) leaves rate limits, counters and random faults out of account.
 */
#ifndef WN_SIM_MODEL_H
#define WN_SIM_MODEL_H

#include "base/heap.h"
#include "base/rng.h"
#include "packet/wire.h"
#include "sim/topo.h"

#define WN_SIM_PACKETS_MAX 65536 /* under way or waiting to be taken; beyond is overflow */
#define WN_SIM_TREES	   256	 /* shortest-path trees kept */

struct wn_sim_pkt {
	uint8_t *data; /* owned; kept when the slot is free */
	uint32_t len, cap;
	uint32_t node;
	uint32_t in_edge;  /* WN_TOPO_NONE: it began here */
	uint32_t out_edge; /* set: it leaves by this edge at its event; else it arrives */
	uint32_t lsp;	   /* tunnel it is in, WN_TOPO_NONE none */
	uint8_t lsp_pos;   /* index in the tunnel's path of the node it is at or goes to */
	uint8_t lse_ttl;
	uint32_t next_free;
};

struct wn_sim_node {
	uint64_t limit_tat_ns; /* when the next token's bucket would be full again (GCRA) */
	uint16_t ip_id;
};

struct wn_sim_way {
	uint64_t free_ns;	  /* when the link has sent all that waits */
	uint64_t last_arrival_ns; /* packets keep their order unless reordered */
};

struct wn_sim_tree {
	uint32_t dest;
	uint32_t *dist; /* owned; per node, UINT32_MAX unreachable */
};

struct wn_sim {
	const struct wn_topo *topo; /* borrowed */
	struct wn_rng rng;
	uint64_t seed;
	uint64_t start_ns;
	uint64_t now_ns; /* of the event at hand; never goes back */
	struct wn_sim_node *nodes;
	struct wn_sim_way *ways; /* per edge */
	uint64_t *nearest_ns;	 /* per node: no packet gets from it to the source in less */
	struct wn_sim_tree trees[WN_SIM_TREES];
	struct wn_sim_pkt *pkts;
	uint32_t pkt_count, pkt_cap, free_head;
	struct wn_heap events; /* of packet indices */
	struct wn_heap ready;  /* delivered to the source, not yet taken */
	struct wn_sim_stats stats;
	void *user;
};

enum wn_sim_fate { WN_FATE_LEAVES, WN_FATE_DELIVERED, WN_FATE_GONE };

struct wn_sim_move {
	bool dry;
	uint64_t now_ns;
	/* Results. */
	uint32_t edge;	   /* LEAVES: by this one */
	uint64_t delay_ns; /* LEAVES: after this long */
	bool replied;	   /* the packet has become a reply */
	bool expired;	   /* its TTL ended here, answered or not */
};

/* forward.c */
enum wn_sim_fate wn_sim_step(struct wn_sim *s, struct wn_sim_pkt *p, struct wn_sim_move *mv);
/* A reply made at p->node goes on its way. */
enum wn_sim_fate wn_sim_originate(struct wn_sim *s, struct wn_sim_pkt *p, struct wn_sim_move *mv);

/* answer.c */
struct wn_sim_cause {
	enum wn_reply_kind kind;
	uint8_t code;
	uint32_t mtu;
	struct wn_addr from; /* family 0: of the incoming interface */
	bool labels;	     /* tell the label stack */
};
/* p becomes the error that it causes, or is gone. */
enum wn_sim_fate wn_sim_error(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	const struct wn_sim_cause *cause, struct wn_sim_move *mv);
/* p has reached its destination, which is not the source. */
enum wn_sim_fate wn_sim_local(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	struct wn_sim_move *mv);
bool wn_sim_is_error(const struct wn_wire_head *h);
/* The checksums of p's transport header and payload are right and all of it is there. */
bool wn_sim_intact(const uint8_t *data, size_t len, const struct wn_wire_head *h);

/* route.c: fills s->nearest_ns. */
wn_err wn_sim_measure(struct wn_sim *s);
/* The edge by which a packet with head h to dst leaves node, WN_TOPO_NONE none. */
uint32_t wn_sim_route(struct wn_sim *s, uint32_t node, const struct wn_wire_head *h);

/* middlebox.c: what node n changes of a packet that passes; back: to the source. */
void wn_sim_rewrite(const struct wn_topo_node *n, struct wn_sim_pkt *p,
	const struct wn_wire_head *h, bool back);

/* nat.c: false when nothing was changed. */
bool wn_sim_nat_in(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h);
bool wn_sim_nat_dest(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h);
bool wn_sim_nat_out(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h);
/* The destination NAT that would apply to a packet to dst at node; NULL none. */
const struct wn_topo_nat *wn_sim_nat_for(
	const struct wn_sim *s, uint32_t node, const struct wn_addr *dst);

/* mpls.c */
/* p leaves by edge: puts it into a tunnel that begins here, if there is one. */
void wn_sim_mpls_enter(
	struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h, uint32_t edge);
/* p is in a tunnel. True: fate is decided; false: it left the tunnel, go on with IP. */
bool wn_sim_mpls_step(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	struct wn_sim_move *mv, enum wn_sim_fate *out);
void wn_sim_mpls_labels(const struct wn_sim *s, const struct wn_sim_pkt *p, struct wn_ext *ext);

/* forge.c */
void wn_sim_forge(struct wn_sim *s, const struct wn_sim_pkt *p, const struct wn_wire_head *h);

/* link.c: packet `index` leaves its node by edge at at_ns; it may be lost, changed, doubled. */
void wn_sim_emit(struct wn_sim *s, uint32_t index, uint32_t edge, uint64_t at_ns);
bool wn_sim_link_down(const struct wn_sim *s, uint32_t link, uint64_t at_ns);

/*
 * sim.c: whether the source's own link takes a packet (faults aside), and which link that is;
 * WN_TOPO_NONE when it goes nowhere.
 */
wn_err wn_sim_first_link(struct wn_sim *s, const uint8_t *packet, size_t len, uint32_t *out_link);

/* pool.c */
/* An index into s->pkts with room for len bytes copied from data; WN_TOPO_NONE: overflow. */
uint32_t wn_sim_pkt_new(struct wn_sim *s, const uint8_t *data, size_t len);
void wn_sim_pkt_drop(struct wn_sim *s, uint32_t index);
/* Replaces the bytes. False: no memory. */
bool wn_sim_pkt_set(struct wn_sim_pkt *p, const uint8_t *data, size_t len);
bool wn_sim_chance(struct wn_sim *s, uint32_t ppb);

#endif
