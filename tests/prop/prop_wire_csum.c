/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of any bytes, in any even pieces, is the naive one. */
#include "prop.h"
#include "packets.h"

int prop_wire_csum(const uint8_t *data, size_t size)
{
	uint16_t want = (uint16_t)~naive_sum(0, data, size);
	uint32_t sum = 0;
	size_t at = 0;

	while (at < size) {
		size_t piece = 2 * (1 + (size_t)data[at]);

		if (piece > size - at)
			piece = size - at;
		sum = wn_csum_add(sum, data + at, piece);
		at += piece;
	}
	prop_check(wn_csum_finish(sum) == want);
	prop_check(wn_csum_finish(wn_csum_add(0, data, size)) == want);
	return 0;
}
