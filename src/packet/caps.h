/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet back end can do, as data: an unprivileged run is no forest of ifs. */
#ifndef WN_PACKET_CAPS_H
#define WN_PACKET_CAPS_H

#include <stdbool.h>
#include <stdint.h>
#include "packet/probe.h"

/* What the back end in use can send and see; decides how an engine behaves, and is shown. */
struct wn_caps {
	char name[24];	     /* "raw" "errqueue" "tcp-connect" "ping" "sim" */
	bool sends_ip_id;    /* we choose the IP-ID */
	bool sends_checksum; /* UDP and ICMP checksum come out as asked */
	bool sends_icmp_id;
	bool sends_flow_label;
	bool sees_quote_l4; /* the quoted transport header: tags can be read */
	bool sees_quote_ip; /* the quoted IP header: quoted TTL, TOS, length, rewritten addresses */
	bool sees_reply_ttl;
	bool sees_extensions;
	bool sees_foreign; /* replies not meant for our sockets arrive too and must be filtered */
	uint32_t per_flow; /* probes outstanding at once in one flow; 0 means no limit */
	enum wn_clock tx_clock, rx_clock; /* best clocks it has */
	char blind[160]; /* one line for people: what it cannot see; "" when nothing */
};

#endif
