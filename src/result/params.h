/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one trace was asked to do, resolved and checked: the request an engine works from and the
 * record of it a result keeps. Plain data without pointers, copied freely.
 */
#ifndef WN_RESULT_PARAMS_H
#define WN_RESULT_PARAMS_H

#include <stdbool.h>
#include <stdint.h>
#include "packet/caps.h"
#include "packet/probe.h"

#define WN_DESTINATIONS_MAX 32

#define WN_TEXT_MAX	    256 /* host name (253) with NUL, rounded up */

/* Whether one path is traced or all of them, and what is proved of them (docs/paths.md). */
enum wn_paths_mode {
	WN_PATHS_OFF,	/* one path */
	WN_PATHS_NODES, /* interfaces at each TTL; links as far as the flows show them */
	WN_PATHS_LITE, /* links proved vertex by vertex, but by hop where that is affordable only so
			*/
	WN_PATHS_FULL, /* links proved vertex by vertex everywhere */
	WN_PATHS_FLOWS /* so many flows at every TTL: nothing is proved */
};
const char *wn_paths_mode_name(enum wn_paths_mode mode); /* "off" "nodes" "lite" ... */

/* By what TCP probes make hops and target answer. */
enum wn_tcp_method {
	WN_TCP_METHOD_SYN,
	WN_TCP_METHOD_ACK,	   /* which a port answers with a reset */
	WN_TCP_METHOD_SACK,	   /* data in a connection, beyond a gap: answered with a SACK */
	WN_TCP_METHOD_PREFER_SACK, /* the same, or SYNs; what it came to is one of these two */
	WN_TCP_METHOD_FLAGS	   /* chosen one by one */
};
#define WN_TCP_METHODS 5
const char *wn_tcp_method_name(enum wn_tcp_method method); /* "syn" "ack" "sack" ... */

struct wn_params {
	char target[WN_TEXT_MAX]; /* as typed */
	char host[WN_TEXT_MAX];	  /* the name part without port, in ASCII (IDNA) */
	struct wn_addr src, dst;
	char iface[32]; /* interface asked for, "" none */
	enum wn_proto proto;
	uint16_t sport, dport; /* first of them; ICMP: sport is the id */
	uint32_t flow_label;
	uint16_t flow_checksum; /* ICMP: the checksum of flow 0 */
	enum wn_flow_mode flow_mode;
	uint32_t flow; /* --flow N; where all paths are traced, the first of them */
	enum wn_paths_mode paths;
	uint32_t flows;		/* how many flows may be used; 0 where one path is traced */
	uint32_t miss_ppm;	/* chance allowed that something is missed, in millionths ... */
	bool miss_by_vertex;	/* ... at each balancing router; else in the whole trace */
	uint32_t min_share_ppm; /* smallest share of a branch; 0: all branches alike */
	bool pmtu;		/* find the path MTU hop by hop (docs/pmtu.md) ... */
	uint32_t link_mtu;	/* ... from that of the interface downwards; 0 not known */
	/* Side probes, once the rest is done (docs/findings.md, docs/paths.md): */
	bool ping_hops;	       /* an echo request to every router that answered */
	uint32_t destinations; /* so many addresses beside the target's, along its path */
	uint8_t first_ttl, max_ttl;
	uint32_t probes; /* per TTL */
	uint32_t window; /* outstanding at once */
	uint32_t gap;	 /* trailing silent TTLs that end the trace */
	uint32_t pps;
	uint64_t wait_max_ns, wait_min_ns;
	uint32_t wait_here_milli, wait_near_milli; /* multiples of RTTs seen, times 1000 */
	uint64_t deadline_ns;			   /* after the start; 0 none */
	uint16_t size;
	uint8_t tos;
	bool df;
	uint8_t pattern;
	bool plain; /* as of struct wn_probe */
	enum wn_tcp_method tcp_method;
	uint8_t tcp_flags, tcp_options; /* as in struct wn_probe */
	uint32_t tcp_seq, tcp_ack;	/* of the connection: what either end expects next */
	uint32_t mark;
	struct wn_caps caps;
	uint64_t start_unix_ns;
};

#endif
