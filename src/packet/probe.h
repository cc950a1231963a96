/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of probes: what an engine asks a back end to send.
 * A wn_probe is plain data, complete: from it a raw back end builds every byte of the packet, and
 * an unprivileged one takes what its socket lets it choose. Host byte order throughout.
 */
#ifndef WN_PACKET_PROBE_H
#define WN_PACKET_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/siphash.h"

#define WN_PACKET_MAX 9216 /* largest packet built or read, bytes with IP header */

enum wn_proto { WN_PROTO_UDP, WN_PROTO_ICMP, WN_PROTO_TCP };
#define WN_PROTO_COUNT 3
const char *wn_proto_name(enum wn_proto proto); /* "udp" "icmp" "tcp" */

/* Which clock a time stamp comes from; results say it. */
enum wn_clock {
	WN_CLOCK_NONE,	 /* no stamp */
	WN_CLOCK_USER,	 /* read by us around the system call */
	WN_CLOCK_KERNEL, /* software stamp of the kernel */
	WN_CLOCK_TCP,	 /* the kernel's own TCP_INFO RTT */
	WN_CLOCK_SIM	 /* the simulator's time */
};
const char *wn_clock_name(enum wn_clock clock); /* "none" "user" "kernel" "tcp-info" "sim" */

/* How probes of one trace relate to load balancers. */
enum wn_flow_mode {
	WN_FLOW_FIXED, /* every header field a balancer may hash stays the same */
	/* One more port (UDP destination, TCP source) or checksum with each probe. */
	WN_FLOW_CLASSIC,
	/*
	 * Fixed, and named by what translators leave alone: IPv4 the IP-ID, which is the UDP
	 * checksum (ICMP: the sequence, TCP: the low half of its sequence) as it was sent; IPv6 the
	 * length, one byte more with each TTL, where the probe has a payload. As dublin-traceroute
	 * does.
	 */
	WN_FLOW_DUBLIN
};
static inline bool wn_flow_is_fixed(enum wn_flow_mode mode)
{
	return mode != WN_FLOW_CLASSIC;
}

struct wn_probe {
	uint64_t id; /* the engine's; comes back in sent, failed and hints */
	uint32_t flow;
	struct wn_addr src; /* family 0: the back end has one socket-chosen source */
	struct wn_addr dst;
	enum wn_proto proto;
	uint8_t ttl;
	uint8_t tos;	     /* DSCP and ECN */
	bool df;	     /* IPv4 DF; IPv6: do not fragment here either */
	uint32_t flow_label; /* IPv6, 20 bits */
	uint16_t ip_id;	     /* IPv4; 0 lets the kernel choose */
	uint16_t size;	     /* whole packet with IP header, bytes */
	uint16_t sport, dport;
	uint16_t icmp_id, icmp_seq;
	uint16_t
		checksum; /* UDP and ICMP checksum to come out at, by a compensating payload word */
	uint32_t tcp_seq;
	uint8_t cookie[8]; /* first bytes of the payload, where there is one */
	uint8_t pattern;   /* the rest of the payload */
	uint32_t mark;	   /* SO_MARK; 0 none */
};

/*
 * The smallest and largest size that proto can have over family: IP header, transport header,
 * 8 cookie bytes and 2 for compensation (UDP, ICMP); TCP carries an MSS option, no payload at
 * minimum.
 */
uint16_t wn_probe_min_size(uint8_t family, enum wn_proto proto);
/*
 * Bytes behind the transport header. In a SYN they matter twice: 8 or more carry the cookie, and
 * a RST acknowledges them (RFC 9293 3.10.7.1), so that its tag lies that much higher.
 */
uint16_t wn_probe_payload_size(const struct wn_probe *p);

/*
 * Authentication. A probe's identity is a keyed hash (SipHash, key drawn anew for each run) of
 * (target, ttl, flow, number, salt), put into every bit that the network quotes back and the
 * protocol leaves free:
 *   UDP   IP-ID, checksum (never 0 or 0xffff), first 8 payload bytes
 *   ICMP  IP-ID, sequence, first 8 payload bytes; id and checksum stay those of the flow
 *   TCP   IP-ID, sequence number
 * The tag is the part by which a table finds the probe again: UDP checksum, ICMP sequence or TCP
 * sequence number. salt lets the caller try again when a tag is taken.
 */
void wn_probe_stamp(
	struct wn_probe *p, const struct wn_sipkey *key, uint32_t number, uint32_t salt);
uint32_t wn_probe_tag(const struct wn_probe *p);
/* The 64 bits of the cookie as a table key. */
uint64_t wn_cookie_u64(const uint8_t cookie[8]);

#endif
