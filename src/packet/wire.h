/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes. Building is total (a probe that passed wn_probe_check always builds); parsing trusts
 * nothing and never reads beyond the given length.
 */
#ifndef WN_PACKET_WIRE_H
#define WN_PACKET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "packet/probe.h"
#include "packet/reply.h"

#define WN_IP_ICMP  1
#define WN_IP_TCP   6
#define WN_IP_UDP   17
#define WN_IP_ICMP6 58

/* The IP protocol number that probes of this kind have, and errors quote. */
uint8_t wn_ip_proto(enum wn_proto proto, uint8_t family);
/* Bytes of an IP header without options and extensions. */
uint16_t wn_ip_header_size(uint8_t family);

/* RFC 1071 one's complement sum, for checksums over several pieces; odd lengths only at the end. */
uint32_t wn_csum_add(uint32_t sum, const void *data, size_t len);
uint16_t wn_csum_finish(uint32_t sum); /* the checksum field's value */
uint32_t wn_csum_pseudo(
	const struct wn_addr *src, const struct wn_addr *dst, uint8_t proto, uint32_t len);

/* Fields in range, families equal, size fits proto. */
wn_err wn_probe_check(const struct wn_probe *p, struct wn_errctx *ctx);
/* The whole packet, IP header included. out_len <= cap; WN_EFULL when cap is too small. */
wn_err wn_wire_build(const struct wn_probe *p, uint8_t *buf, size_t cap, size_t *out_len);
/*
 * Only the transport payload (UDP) or ICMP message (type and code excluded from nothing: header
 * and payload), for sockets whose kernel writes the rest. The UDP checksum comes out as asked
 * when src, ports and length are what the kernel will use.
 */
wn_err wn_wire_build_payload(const struct wn_probe *p, uint8_t *buf, size_t cap, size_t *out_len);

/*
 * Reads one received IP packet (header included) of either family. WN_OK: out is filled, which
 * includes packets whose truncated or checksum_bad is set. WN_EUNSUPPORTED: no kind of reply we
 * know (an echo request, say). WN_EPARSE, WN_ETRUNC: not even that much can be read.
 */
wn_err wn_wire_parse(const uint8_t *buf, size_t len, struct wn_reply *out);
/*
 * The same for sockets that deliver no IP header (all IPv6 ones): the caller fills from, to, ttl
 * and tos in out beforehand; proto is the IP protocol number.
 */
wn_err wn_wire_parse_l4(uint8_t proto, const uint8_t *buf, size_t len, struct wn_reply *out);
/* RFC 4884 extension structure at buf. Sets out->present; errors end in out->bad, never fail. */
void wn_wire_parse_ext(const uint8_t *buf, size_t len, struct wn_ext *out);

/* What kind of error an ICMP message is; false: none, or none that we know. */
bool wn_icmp_error_kind(uint8_t family, uint8_t type, uint8_t code, enum wn_reply_kind *out);

/*
 * The other direction, for the simulator: what a router or host answers. `offending` is the
 * packet as it arrived there (TTL as seen). quote_bytes bounds the quoted part; ext may be NULL.
 */
struct wn_wire_error {
	enum wn_reply_kind kind;
	uint8_t code;
	uint32_t mtu; /* TOO_BIG */
	struct wn_addr from, to;
	uint8_t ttl, tos;
	uint16_t ip_id;
	size_t quote_bytes; /* 28 for an old IPv4 router; 0 means as much as fits in 576 / 1280 */
	const struct wn_ext *ext; /* left out of messages that cannot carry it (RFC 4884 4) */
	bool legacy_ext; /* as routers before RFC 4884 do: extensions after 128 bytes, no length */
};
wn_err wn_wire_build_error(const struct wn_wire_error *e, const uint8_t *offending,
	size_t offending_len, uint8_t *buf, size_t cap, size_t *out_len);
/* The target's own answer to a probe packet: echo reply, SYN-ACK, RST or a UDP datagram. */
wn_err wn_wire_build_answer(enum wn_reply_kind kind, const uint8_t *probe, size_t probe_len,
	uint8_t ttl, uint8_t *buf, size_t cap, size_t *out_len);

/*
 * The header fields of any IP packet, for routing simulated packets: addresses, TTL, TOS,
 * protocol, ports or ICMP id/checksum. Fields that are not there are 0.
 */
struct wn_wire_head {
	struct wn_addr src, dst;
	uint8_t proto, ttl, tos;
	bool df;
	uint16_t length, ip_id;
	uint32_t flow_label;
	size_t l4_offset;
	uint16_t sport, dport;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq, checksum;
	uint8_t tcp_flags;
};
wn_err wn_wire_head(const uint8_t *buf, size_t len, struct wn_wire_head *out);
/*
 * Changes in place with the checksums kept right (RFC 1624): TTL, TOS, addresses, ports. A
 * transport header that is cut (a quote) is changed as far as it is there. Port 0 leaves the
 * port as it is; in ICMP echoes the identifier stands for either port, as in NAT.
 */
wn_err wn_wire_set_ttl(uint8_t *buf, size_t len, uint8_t ttl);
wn_err wn_wire_set_tos(uint8_t *buf, size_t len, uint8_t tos);
wn_err wn_wire_set_src(uint8_t *buf, size_t len, const struct wn_addr *src, uint16_t sport);
wn_err wn_wire_set_dst(uint8_t *buf, size_t len, const struct wn_addr *dst, uint16_t dport);
/*
 * What middleboxes do to TCP: options (a set) become padding; the MSS of a SYN or SYN-ACK becomes
 * mss where it is larger. Anything but a whole TCP header is left alone.
 */
void wn_wire_strip_tcp(uint8_t *buf, size_t len, uint8_t options);
void wn_wire_clamp_mss(uint8_t *buf, size_t len, uint16_t mss);

#endif
