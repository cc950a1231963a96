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

#define WN_TEXT_MAX 256 /* host name (253) with NUL, rounded up */

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
	uint32_t flow; /* --flow N */
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
	uint32_t mark;
	struct wn_caps caps;
	uint64_t start_unix_ns;
};

#endif
