/* SPDX-License-Identifier: Apache-2.0 */
/* Changing fields of any bytes that look like a packet keeps its length, sets what was asked, and
 * leaves every checksum exactly as right or wrong as it was. */
#include "prop.h"
#include <stdlib.h>
#include "packets.h"

#define SETTINGS 38 /* bytes in front of the packet: what to set */

/* One's complement has two zeros; as residues they are the same. */
static uint16_t residue(uint16_t sum)
{
	return sum % 0xffff;
}

/* Has it a transport checksum that the naive sum covers? */
static bool comparable(const uint8_t *pkt, size_t len, const struct wn_wire_head *h)
{
	size_t header = pkt[0] >> 4 == 4 ? (size_t)(pkt[0] & 15) * 4 : 40;
	size_t l4 = len - h->l4_offset;

	if (h->l4_offset != header || h->l4_offset > len)
		return false;
	if (pkt[0] >> 4 == 4 && ((pkt[6] & 0x1f) | pkt[7]) != 0)
		return false;
	if (h->proto == WN_IP_UDP)
		return l4 >= 8 && h->checksum != 0;
	if (h->proto == WN_IP_TCP)
		return l4 >= 18;
	return h->proto == WN_IP_ICMP6 && pkt[0] >> 4 == 6 && l4 >= 8;
}

static void set_all(uint8_t *pkt, size_t len, const uint8_t *s, const struct wn_wire_head *was)
{
	struct wn_addr src = wn_addr_from_bytes(was->src.family, s);
	struct wn_addr dst = wn_addr_from_bytes(was->src.family, s + 16);
	uint16_t sport = (uint16_t)(s[32] << 8 | s[33]), dport = (uint16_t)(s[34] << 8 | s[35]);
	struct wn_wire_head h;

	prop_check(wn_wire_set_ttl(pkt, len, s[36]) == WN_OK);
	prop_check(wn_wire_set_tos(pkt, len, s[37]) == WN_OK);
	prop_check(wn_wire_set_src(pkt, len, &src, sport) == WN_OK);
	prop_check(wn_wire_set_dst(pkt, len, &dst, dport) == WN_OK);
	wn_wire_strip_tcp(pkt, len, s[37]);
	wn_wire_clamp_mss(pkt, len, sport);
	prop_check(wn_wire_head(pkt, len, &h) == WN_OK);
	prop_check(h.ttl == s[36] && h.tos == s[37]);
	prop_check(wn_addr_eq(&h.src, &src) && wn_addr_eq(&h.dst, &dst));
	prop_check(h.length == was->length && h.proto == was->proto);
	prop_check(h.l4_offset == was->l4_offset && h.flow_label == was->flow_label);
	if (comparable(pkt, len, &h) && h.proto != WN_IP_ICMP6)
		prop_check(h.sport == (sport ? sport : was->sport) &&
			   h.dport == (dport ? dport : was->dport));
}

static void change_packet(const uint8_t *settings, uint8_t *pkt, size_t len)
{
	struct wn_wire_head h;
	uint16_t ip = 0, l4 = 0;
	bool compare, v4;

	if (wn_wire_head(pkt, len, &h) != WN_OK) {
		/* None may be changed of which the header cannot be read; TTL and TOS need less. */
		prop_check(wn_wire_set_src(pkt, len, &h.src, 1) != WN_OK);
		wn_wire_set_ttl(pkt, len, settings[36]);
		wn_wire_set_tos(pkt, len, settings[37]);
		return;
	}
	v4 = h.src.family == 4;
	compare = comparable(pkt, len, &h);
	if (compare)
		l4 = residue(naive_l4_sum(pkt, len));
	if (v4)
		ip = residue(naive_sum(0, pkt, 20));
	set_all(pkt, len, settings, &h);
	if (compare)
		prop_check(residue(naive_l4_sum(pkt, len)) == l4);
	if (v4)
		prop_check(residue(naive_sum(0, pkt, 20)) == ip);
}

int prop_wire_rewrite(const uint8_t *data, size_t size)
{
	uint8_t *pkt;

	if (size < SETTINGS)
		return 0;
	size -= SETTINGS;
	pkt = malloc(size ? size : 1);
	if (pkt == NULL)
		return 0;
	memcpy(pkt, data + SETTINGS, size);
	change_packet(data, pkt, size);
	free(pkt);
	return 0;
}
