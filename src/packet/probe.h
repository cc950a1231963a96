/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of probes: what an engine asks a back end to send.
 * A wn_probe is plain data, complete: from it a raw back end builds every byte of the packet, and
 * an unprivileged one takes what its socket lets it choose. Host byte order throughout.
 */
#ifndef WN_PACKET_PROBE_H
#define WN_PACKET_PROBE_H

#include <stdbool.h>
#include <stddef.h>
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

/* Flags of a TCP header, RFC 9293 3.1 and RFC 3168 6.1. */
#define WN_TCP_FIN 0x01
#define WN_TCP_SYN 0x02
#define WN_TCP_RST 0x04
#define WN_TCP_PSH 0x08
#define WN_TCP_ACK 0x10
#define WN_TCP_URG 0x20
#define WN_TCP_ECE 0x40
#define WN_TCP_CWR 0x80

/* Sets of TCP options. */
#define WN_TCP_OPT_MSS	      0x01 /* RFC 9293 3.2; sent as wn_tcp_mss */
#define WN_TCP_OPT_SACK_OK    0x02 /* SACK permitted, RFC 2018 2 */
#define WN_TCP_OPT_TIMESTAMPS 0x04 /* RFC 7323 3.2 */
#define WN_TCP_OPT_WSCALE     0x08 /* RFC 7323 2.2; sent as WN_TCP_WSCALE */
#define WN_TCP_OPT_USUAL      0x0f /* all of them, as the SYN of any Linux machine */
#define WN_TCP_OPT_SACK	      0x10 /* blocks of data received, RFC 2018 3; only in answers */
#define WN_TCP_WSCALE	      7

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
	uint32_t tcp_seq, tcp_ack;
	/* Where the options have time stamps. 0 in a connection, whose back end knows the time. */
	uint32_t tcp_tsval, tcp_tsecr;
	uint8_t tcp_flags;   /* WN_TCP_*; 0 stands for a SYN */
	uint8_t tcp_options; /* WN_TCP_OPT_*, as sent */
	uint8_t cookie[8];   /* first bytes of the payload, where there is one */
	uint8_t pattern;     /* the rest of the payload ... */
	bool plain;	     /* ... or all of it: no cookie, and no checksum as asked */
	uint32_t mark;	     /* SO_MARK; 0 none */
	uint32_t ifindex; /* leave by this interface; 0: as routed. Where a back end can choose */
};

/* Of flow 0 it is base. Odd factor: different flows have different labels, none is 0. */
static inline uint32_t wn_flow_label(uint32_t base, uint32_t flow)
{
	uint32_t label = (base + flow * 0x9e375u) & 0xfffff;

	return flow == 0 ? base : label ? label : 1;
}

/*
 * In a connection probe n is one byte, each two further on and the first beyond a gap of one:
 * none touches another or what the target expects next.
 */
#define WN_SACK_STRIDE	    2u
#define WN_SACK_SEQ(seq, n) ((seq) + 1u + WN_SACK_STRIDE * (n))

/* The flag or option of a name ("syn", "timestamps") that need not end; 0 when there is none. */
uint8_t wn_tcp_flag(const char *name, size_t len);
uint8_t wn_tcp_option(const char *name, size_t len);
/* Of one of them; "" when there is none. */
const char *wn_tcp_flag_name(uint8_t flag);
const char *wn_tcp_option_name(uint8_t option);
/* The flags that p goes out with. */
uint8_t wn_tcp_flags(const struct wn_probe *p);
uint16_t wn_tcp_mss(uint8_t family); /* as our probes say it */
/* Bytes that a set of options takes in the header, padding included. */
uint16_t wn_tcp_options_size(uint8_t options);

/*
 * The smallest size that proto can have over family: IP header, transport header, 8 cookie bytes
 * and 2 for compensation (UDP, ICMP); TCP has no payload at minimum, and its options
 * (wn_tcp_options_size) come on top.
 */
uint16_t wn_probe_min_size(uint8_t family, enum wn_proto proto);
/*
 * Bytes behind the transport header. In TCP they matter twice: 8 or more carry the cookie, and
 * a RST acknowledges them (RFC 9293 3.10.7.1), so that its tag lies that much higher.
 */
uint16_t wn_probe_payload_size(const struct wn_probe *p);

/*
 * Authentication. A probe's identity is a keyed hash (SipHash, key drawn anew for each run) of
 * (target, ttl, flow, number, salt), put into every bit that the network quotes back and the
 * protocol leaves free:
 *   UDP   IP-ID, checksum (never 0 or 0xffff), first 8 payload bytes
 *   ICMP  IP-ID, sequence, first 8 payload bytes; id and checksum stay those of the flow
 *   TCP   IP-ID, sequence number; where they are sent, acknowledgment number (the same number)
 *         and time stamp (the first half of the cookie)
 * The tag is the part by which a table finds the probe again: UDP checksum, ICMP sequence or TCP
 * sequence number. salt lets the caller try again when a tag is taken.
 */
void wn_probe_stamp(
	struct wn_probe *p, const struct wn_sipkey *key, uint32_t number, uint32_t salt);
uint32_t wn_probe_tag(const struct wn_probe *p);
/* The 64 bits of the cookie as a table key. */
uint64_t wn_cookie_u64(const uint8_t cookie[8]);

#endif
