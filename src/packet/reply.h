/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of replies: what came back, as plain data. Everything in it is the network's
 * claim; what is authentic the engine decides by comparing with what it sent.
 */
#ifndef WN_PACKET_REPLY_H
#define WN_PACKET_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include "packet/probe.h"

#define WN_MPLS_MAX	    8  /* label stack entries kept of one reply */
#define WN_EXT_OBJECTS_MAX  8  /* other extension objects kept */
#define WN_SACK_MAX	    4  /* blocks of a SACK option, as many as fit */
#define WN_EXT_OBJECT_BYTES 64 /* payload bytes kept of each; ext len tells the true length */

enum wn_reply_kind {
	WN_REPLY_TIME_EXCEEDED, /* ICMP 11/0, ICMPv6 3/0 */
	WN_REPLY_REASSEMBLY,	/* ICMP 11/1, ICMPv6 3/1 */
	WN_REPLY_UNREACHABLE,	/* ICMP 3, ICMPv6 1; code tells which */
	WN_REPLY_TOO_BIG,	/* ICMP 3/4, ICMPv6 2; mtu is set */
	WN_REPLY_PARAM_PROBLEM, /* ICMP 12, ICMPv6 4 */
	WN_REPLY_SOURCE_QUENCH, /* ICMP 4 */
	WN_REPLY_REDIRECT,	/* ICMP 5, ICMPv6 137; information, no answer */
	WN_REPLY_ECHO,		/* echo reply */
	WN_REPLY_UDP,		/* a UDP datagram from the target */
	WN_REPLY_SYN_ACK,
	WN_REPLY_RST,
	WN_REPLY_TCP_OTHER /* a TCP segment that is neither */
};
#define WN_REPLY_KINDS 12
const char *wn_reply_kind_name(enum wn_reply_kind kind); /* "time-exceeded", "syn-ack", ... */
/* The target's own answer, not an error that quotes the probe. */
bool wn_reply_is_direct(enum wn_reply_kind kind);

/* Which options a TCP header has. */
struct wn_tcp_opts {
	bool whole;  /* the header is there to its end; else nothing is known of them */
	uint8_t set; /* WN_TCP_OPT_* that are there and well formed; the others' fields are 0 */
	uint8_t wscale;
	uint16_t mss;
	uint32_t tsval;
};

/* What an ICMP error quotes of the packet that caused it. */
struct wn_quote {
	bool present;
	bool l4_present;      /* the first 8 transport bytes were quoted (and seen by us) */
	bool payload_present; /* all 8 cookie bytes were quoted */
	struct wn_addr src, dst;
	uint8_t proto; /* IP protocol number as quoted */
	uint8_t ttl;   /* as the router saw it: 1 is normal, more tells of hidden hops */
	uint8_t tos;
	uint16_t length; /* IPv4 total length; IPv6 payload length + 40 */
	uint16_t ip_id;	 /* IPv4 */
	bool df;
	uint32_t flow_label; /* IPv6 */
	uint16_t sport, dport;
	uint16_t checksum; /* UDP, ICMP; TCP when 20 bytes were quoted */
	uint16_t icmp_id, icmp_seq;
	uint32_t tcp_seq;
	uint8_t tcp_flags; /* 0 when fewer than 20 bytes of TCP were quoted */
	struct wn_tcp_opts tcp_opts;
	uint8_t cookie[8];
	uint16_t quoted_bytes; /* bytes of the original packet, IP header included */
};

struct wn_mpls { /* RFC 4950 section 3 */
	uint32_t label;
	uint8_t tc;
	bool bottom;
	uint8_t ttl;
};

struct wn_ifinfo { /* RFC 5837 section 4 */
	bool present;
	uint8_t role;	  /* 0 incoming, 1 sub-IP, 2 outgoing, 3 next hop */
	uint32_t ifindex; /* 0 when absent */
	struct wn_addr addr;
	char name[64]; /* as sent, up to 63 bytes; not clean text */
	uint32_t mtu;  /* 0 when absent */
};

struct wn_ext_object { /* an object of unknown class or type, RFC 4884 section 8 */
	uint8_t class_num, c_type;
	uint16_t len; /* payload length as sent */
	uint8_t data[WN_EXT_OBJECT_BYTES];
};

struct wn_ext {
	bool present;
	bool bad; /* checksum, version or lengths are wrong; nothing of it is believed */
	uint8_t mpls_count, ifinfo_count, object_count;
	uint8_t dropped; /* objects or labels beyond the bounds above */
	struct wn_mpls mpls[WN_MPLS_MAX];
	struct wn_ifinfo ifinfo[4];
	struct wn_ext_object objects[WN_EXT_OBJECTS_MAX];
};

#define WN_HINT_NONE UINT64_MAX

struct wn_reply {
	enum wn_reply_kind kind;
	struct wn_addr from; /* responder */
	struct wn_addr to;   /* family 0 when the socket does not say */
	uint8_t icmp_type, icmp_code;
	int16_t ttl; /* of the reply as it arrived; -1 unknown */
	int16_t tos; /* -1 unknown */
	uint32_t mtu;
	uint16_t length; /* of the reply packet, 0 unknown */
	/* It ends inside a header it should have, or before the length it claims: then its
	 * checksum could not be verified. */
	bool truncated;
	bool checksum_bad;	    /* its own checksum is wrong: not to be believed. Half done for
				     * an offload (UDP, TCP over virtual links) is right. */
	uint16_t sport, dport;	    /* of a direct UDP or TCP answer */
	uint16_t icmp_id, icmp_seq; /* of an echo reply */
	uint32_t tcp_seq, tcp_ack;
	uint8_t tcp_flags;
	uint16_t tcp_window;
	struct wn_tcp_opts tcp_opts;
	uint32_t tcp_tsecr; /* of the time stamps option */
	struct wn_sack {
		uint32_t left, right; /* the byte behind it */
	} tcp_sack[WN_SACK_MAX]; /* blocks of the SACK option, the latest first; others are 0 */
	bool payload_present;	 /* an echo reply carried 8 payload bytes */
	uint8_t cookie[8];
	struct wn_quote quote;
	struct wn_ext ext;
	/*
	 * An unprivileged socket names the probe or flow by itself: the id of the only probe that
	 * can be meant, or WN_HINT_NONE. A hint is the kernel's match by addresses and ports.
	 */
	uint64_t hint_id;
	bool from_errqueue; /* quote has no transport header, see wn_quote.l4_present */
};

/*
 * What became of p's TCP options on the way to where q was quoted: those that are gone, and those
 * whose value is another. False when q does not hold all of p's header: nothing is known.
 */
bool wn_tcp_changes(const struct wn_probe *p, const struct wn_quote *q, uint8_t *out_stripped,
	uint8_t *out_changed);

/*
 * Where a quote or a direct answer keeps the tag (see wn_probe_tag) and whether it has one.
 * For SYN-ACK and RST that is tcp_ack - 1; a RST acknowledges the SYN's payload as well, so for
 * probes that have one (wn_probe_payload_size) its length is to be taken off too. A RST that
 * acknowledges nothing answers an acknowledgment, whose number is then its own.
 * wn_quote.proto must agree with proto. UDP answers have no tag.
 */
bool wn_reply_tag(const struct wn_reply *r, enum wn_proto proto, uint32_t *out_tag);

/* traceroute's mark of an error ("!H", "!N", "!F-1400", "!<13>"), "" for none. Returns buf. */
#define WN_MARK_STRLEN 16
const char *wn_reply_mark(enum wn_reply_kind kind, uint8_t family, uint8_t code, uint32_t mtu,
	char buf[WN_MARK_STRLEN]);
/* The same in words ("host unreachable", "communication administratively prohibited"). */
const char *wn_reply_text(enum wn_reply_kind kind, uint8_t family, uint8_t code);

#endif
