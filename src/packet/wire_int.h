/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share with each other and with nobody else. */
#ifndef WN_PACKET_WIRE_INT_H
#define WN_PACKET_WIRE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/cursor.h"
#include "packet/reply.h"

#define WN_IP4_HEADER	      20
#define WN_IP6_HEADER	      40
#define WN_UDP_HEADER	      8
#define WN_ICMP_HEADER	      8
#define WN_TCP_HEADER	      20
#define WN_TCP_HEADER_MAX     60
#define WN_TCP_OPTIONS_MAX    20 /* of ours */
#define WN_COOKIE_BYTES	      8
#define WN_COMPENSATION_BYTES 2 /* in the payload, that make a checksum come out as asked */

#define WN_ICMP4_ECHO	      8
#define WN_ICMP4_ECHO_REPLY   0
#define WN_ICMP6_ECHO	      128
#define WN_ICMP6_ECHO_REPLY   129

/* An IP header of either family, with what follows it located. */
struct wn_ip {
	uint8_t family;
	uint8_t proto; /* of the transport header; the last header known when l4 is not */
	uint8_t ttl, tos;
	bool df;
	bool more_fragments;
	bool later_fragment; /* it does not begin with the transport header */
	bool l4_known;	     /* the chain of headers was read to its end */
	uint16_t ip_id;
	uint16_t length; /* as claimed, header included */
	uint32_t flow_label;
	size_t l4_offset; /* meaningful when l4_known; <= the length given */
	struct wn_addr src, dst;
};

/* WN_ETRUNC: the fixed header is not all there. WN_EPARSE: no IP header. */
wn_err wn_ip_read(const uint8_t *buf, size_t len, struct wn_ip *out);

/* Kinds of TCP options. */
#define WN_TCP_END	       0
#define WN_TCP_NOP	       1
#define WN_TCP_KIND_MSS	       2
#define WN_TCP_KIND_WSCALE     3
#define WN_TCP_KIND_SACK_OK    4
#define WN_TCP_KIND_SACK       5
#define WN_TCP_KIND_TIMESTAMPS 8

/* A TCP header but for its ports and numbers. */
struct wn_tcp_header {
	uint8_t flags;
	uint16_t window, checksum;
	struct wn_tcp_opts opts;
	uint32_t tsecr;
	struct wn_sack sack[WN_SACK_MAX];
};
/*
 * Reads a header from behind its acknowledgment number on; behind it r is at the payload, or bad
 * when the header is cut. False when there are no 20 bytes of it, or it says so itself.
 */
bool wn_tcp_read(struct wn_rd *r, struct wn_tcp_header *out);
/* The option of a kind, 0 for one that is not known here. */
uint8_t wn_tcp_kind_option(uint8_t kind);
/* Steps to the next option that is no padding; out is a cursor over its content. */
bool wn_tcp_next_option(struct wn_rd *r, uint8_t *out_kind, struct wn_rd *out);
/* Writes the options of h, wn_tcp_options_size bytes; not SACK blocks. */
void wn_tcp_write_options(const struct wn_tcp_header *h, struct wn_wr *w);

/* How one kind of ICMP error looks on the wire. */
struct wn_icmp_form {
	uint8_t family;
	uint8_t type;
	int16_t code; /* -1: the kind has several */
	enum wn_reply_kind kind;
	uint8_t length_at;   /* RFC 4884 length field in the ICMP header; 0: no extensions */
	uint8_t length_unit; /* bytes it counts in */
	bool mtu;
};
const struct wn_icmp_form *wn_icmp_form_of_type(uint8_t family, uint8_t type, uint8_t code);
const struct wn_icmp_form *wn_icmp_form_of_kind(uint8_t family, enum wn_reply_kind kind);

/* The field for want such that the sum over everything else plus the returned word gives it. */
uint16_t wn_csum_compensate(uint32_t sum_of_rest, uint16_t want);
/* RFC 1624: csum after len (even) bytes at an even offset changed from was to now. */
uint16_t wn_csum_update(uint16_t csum, const void *was, const void *now, size_t len);

/* Reads the message after an IP header; from, to, ttl, tos, length, truncated are set. */
wn_err wn_parse_icmp(uint8_t family, const uint8_t *buf, size_t len, struct wn_reply *out);
/* The packet an ICMP error quotes. Returns false when it ends before its transport header does. */
bool wn_parse_quote(uint8_t family, const uint8_t *buf, size_t len, struct wn_quote *out);
/* True when the bytes are a legacy extension: version 2 and a right checksum. */
bool wn_ext_plausible(const uint8_t *buf, size_t len);
/* Writes an RFC 4884 extension structure. */
void wn_ext_write(const struct wn_ext *ext, struct wn_wr *w);
/* Writes an IP header without options and with its checksum; length includes it. */
void wn_ip_write(const struct wn_ip *ip, struct wn_wr *w);

#endif
