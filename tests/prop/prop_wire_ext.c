/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an extension structure: read within bounds, believed only when its sum is right,
 * and what was read says the same after it was written and read again. */
#include "prop.h"
#include "packets.h"

static void round_trip(const struct wn_ext *ext, uint8_t family, bool legacy)
{
	struct wn_probe p = make_probe(family, WN_PROTO_UDP, 0);
	struct wn_wire_error e = {.kind = WN_REPLY_UNREACHABLE,
		.from = p.dst,
		.to = p.src,
		.ttl = 1,
		.ext = ext,
		.legacy_ext = legacy};
	uint8_t probe[WN_PACKET_MAX], buf[WN_PACKET_MAX];
	size_t n = build_probe(&p, probe), len;
	struct wn_reply r;

	prop_check(wn_wire_build_error(&e, probe, n, buf, sizeof(buf), &len) == WN_OK);
	prop_check(naive_right(buf, len));
	prop_check(wn_wire_parse(buf, len, &r) == WN_OK);
	prop_check(r.quote.payload_present);
	/* Legacy readers cannot tell an empty structure from data. */
	if (legacy && ext->mpls_count + ext->ifinfo_count + ext->object_count == 0)
		return;
	prop_check(r.ext.present && !r.ext.bad);
	prop_check(same_ext(&r.ext, ext));
}

int prop_wire_ext(const uint8_t *data, size_t size)
{
	struct wn_ext ext, again;

	memset(&ext, 0xa5, sizeof(ext));
	memset(&again, 0x5a, sizeof(again));
	wn_wire_parse_ext(data, size, &ext);
	wn_wire_parse_ext(data, size, &again);
	prop_check(memcmp(&ext, &again, sizeof(ext)) == 0);
	prop_check(ext.present);
	if (ext.bad)
		return 0;
	prop_check(size >= 4 && data[0] >> 4 == 2);
	prop_check((data[2] | data[3]) == 0 || naive_sum(0, data, size) == 0xffff);
	round_trip(&ext, 4, false);
	round_trip(&ext, 6, false);
	round_trip(&ext, 4, true);
	round_trip(&ext, 6, true);
	return 0;
}
