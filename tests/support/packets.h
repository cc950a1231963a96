/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets for tests, and a checksum written without a look at the one under test: one addition
 * at a time, carry brought round at once.
 */
#ifndef WN_TEST_PACKETS_H
#define WN_TEST_PACKETS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "packet/wire.h"

static inline uint16_t naive_add(uint16_t sum, uint16_t word)
{
	uint32_t wide = (uint32_t)sum + word;

	return (uint16_t)(wide > 0xffff ? wide - 0xffff : wide);
}

static inline uint16_t naive_sum(uint16_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = naive_add(sum, (uint16_t)(i % 2 ? p[i] : p[i] << 8));
	return sum;
}

/* Sum over pseudo header and message of a packet without extension headers. */
static inline uint16_t naive_l4_sum(const uint8_t *pkt, size_t len)
{
	size_t header = pkt[0] >> 4 == 4 ? (size_t)(pkt[0] & 15) * 4 : 40;
	uint8_t proto = pkt[0] >> 4 == 4 ? pkt[9] : pkt[6];
	uint16_t sum = 0;

	if (proto != WN_IP_ICMP) {
		if (pkt[0] >> 4 == 4)
			sum = naive_sum(sum, pkt + 12, 8);
		else
			sum = naive_sum(sum, pkt + 8, 32);
		sum = naive_add(sum, proto);
		sum = naive_add(sum, (uint16_t)(len - header));
	}
	return naive_sum(sum, pkt + header, len - header);
}

/* Are IP header checksum, transport checksum and lengths right? A UDP checksum of 0 is. */
static inline bool naive_right(const uint8_t *pkt, size_t len)
{
	size_t header = pkt[0] >> 4 == 4 ? (size_t)(pkt[0] & 15) * 4 : 40;
	size_t claimed;

	if (pkt[0] >> 4 == 4) {
		claimed = (size_t)(pkt[2] << 8 | pkt[3]);
		if (naive_sum(0, pkt, header) != 0xffff)
			return false;
		if (pkt[9] == WN_IP_UDP && pkt[header + 6] == 0 && pkt[header + 7] == 0)
			return claimed == len;
	} else {
		claimed = 40 + (size_t)(pkt[4] << 8 | pkt[5]);
	}
	return claimed == len && naive_l4_sum(pkt, len) == 0xffff;
}

static inline size_t from_hex(const char *hex, uint8_t *out, size_t cap)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *hex; hex++) {
		const char *d = strchr(digits, *hex);

		if (d == NULL)
			continue; /* blanks between fields */
		assert(n / 2 < cap);
		out[n / 2] = (uint8_t)((n % 2 ? out[n / 2] << 4 : 0) | (d - digits));
		n++;
	}
	assert(n % 2 == 0);
	(void)cap;
	return n / 2;
}

static inline struct wn_addr addr_of(const char *text)
{
	struct wn_addr a;
	wn_err err = wn_addr_parse(text, &a);

	assert(err == WN_OK);
	(void)err;
	return a;
}

static inline bool same_ifinfo(const struct wn_ifinfo *a, const struct wn_ifinfo *b)
{
	return a->present == b->present && a->role == b->role && a->ifindex == b->ifindex &&
	       wn_addr_eq(&a->addr, &b->addr) && strcmp(a->name, b->name) == 0 && a->mtu == b->mtu;
}

/* Do two structures say the same? Of objects, what is kept of them. */
static inline bool same_ext(const struct wn_ext *a, const struct wn_ext *b)
{
	bool same = a->mpls_count == b->mpls_count && a->ifinfo_count == b->ifinfo_count &&
		    a->object_count == b->object_count;

	for (size_t i = 0; same && i < a->mpls_count; i++)
		same = a->mpls[i].label == b->mpls[i].label && a->mpls[i].tc == b->mpls[i].tc &&
		       a->mpls[i].bottom == b->mpls[i].bottom && a->mpls[i].ttl == b->mpls[i].ttl;
	for (size_t i = 0; same && i < a->ifinfo_count; i++)
		same = same_ifinfo(&a->ifinfo[i], &b->ifinfo[i]);
	for (size_t i = 0; same && i < a->object_count; i++)
		same = a->objects[i].class_num == b->objects[i].class_num &&
		       a->objects[i].c_type == b->objects[i].c_type &&
		       memcmp(a->objects[i].data, b->objects[i].data, WN_EXT_OBJECT_BYTES) == 0;
	return same;
}

static const struct wn_sipkey test_key = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

static inline struct wn_probe make_probe(uint8_t family, enum wn_proto proto, uint16_t extra)
{
	struct wn_probe p;

	memset(&p, 0, sizeof(p));
	p.flow = 3;
	p.src = addr_of(family == 4 ? "192.0.2.1" : "2001:db8::1");
	p.dst = addr_of(family == 4 ? "198.51.100.7" : "2001:db8:ffff::7");
	p.proto = proto;
	p.ttl = 9;
	p.tos = 0xb9;
	p.df = true;
	p.flow_label = family == 6 ? 0xabcde : 0;
	p.size = (uint16_t)(wn_probe_min_size(family, proto) + extra);
	p.sport = proto == WN_PROTO_ICMP ? 0 : 50123;
	p.dport = proto == WN_PROTO_ICMP ? 0 : 33434;
	p.icmp_id = proto == WN_PROTO_ICMP ? 0x4242 : 0;
	p.checksum = proto == WN_PROTO_ICMP ? 0xbeef : 0;
	p.pattern = 0x5a;
	wn_probe_stamp(&p, &test_key, 7, 0);
	return p;
}

static inline size_t build_probe(const struct wn_probe *p, uint8_t buf[WN_PACKET_MAX])
{
	size_t len = 0;
	wn_err err = wn_wire_build(p, buf, WN_PACKET_MAX, &len);

	assert(err == WN_OK);
	(void)err;
	return len;
}

/* An ICMP error about p, in which bytes may then be changed. */
static inline size_t make_error(uint8_t *buf, enum wn_reply_kind kind, const struct wn_probe *p)
{
	uint8_t probe[WN_PACKET_MAX];
	struct wn_wire_error e = {
		.kind = kind, .from = p->dst, .to = p->src, .ttl = 50, .mtu = 1300};
	size_t len = build_probe(p, probe), out_len = 0;
	wn_err err = wn_wire_build_error(&e, probe, len, buf, WN_PACKET_MAX, &out_len);

	assert(err == WN_OK);
	(void)err;
	return out_len;
}

static inline void put_sum(uint8_t *at, uint16_t sum)
{
	at[0] = (uint8_t)(~sum >> 8);
	at[1] = (uint8_t)~sum;
}

/* Puts length and checksum of the IP header right. */
static inline void fix_ip(uint8_t *pkt, size_t len)
{
	if (pkt[0] >> 4 == 6) {
		pkt[4] = (uint8_t)((len - 40) >> 8);
		pkt[5] = (uint8_t)(len - 40);
		return;
	}
	pkt[2] = (uint8_t)(len >> 8);
	pkt[3] = (uint8_t)len;
	pkt[10] = pkt[11] = 0;
	put_sum(pkt + 10, naive_sum(0, pkt, (size_t)(pkt[0] & 15) * 4));
}

/* And the checksum of an ICMP message without extension headers before it. */
static inline void fix_sums(uint8_t *pkt, size_t len)
{
	uint8_t *icmp = pkt + (pkt[0] >> 4 == 4 ? (pkt[0] & 15) * 4 : 40);

	fix_ip(pkt, len);
	icmp[2] = icmp[3] = 0;
	put_sum(icmp + 2, naive_l4_sum(pkt, len));
}

#endif
