/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum (RFC 1071), over pieces and incrementally (RFC 1624).
 * Sums travel as partly folded 32-bit values: each piece is folded before it is added, so that
 * no number of pieces overflows.
 */
#include "packet/wire.h"
#include "packet/wire_int.h"

static uint32_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

uint32_t wn_csum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t wide = 0;

	for (; len >= 2; len -= 2, p += 2)
		wide += (uint32_t)p[0] << 8 | p[1];
	if (len)
		wide += (uint32_t)p[0] << 8;
	while (wide >> 16)
		wide = (wide & 0xffff) + (wide >> 16);
	return fold(sum) + (uint32_t)wide;
}

uint16_t wn_csum_finish(uint32_t sum)
{
	return (uint16_t)~fold(sum);
}

/* RFC 768, RFC 9293 3.1 and RFC 8200 8.1 lay it out differently, but the words add up alike. */
uint32_t wn_csum_pseudo(
	const struct wn_addr *src, const struct wn_addr *dst, uint8_t proto, uint32_t len)
{
	uint32_t sum = (len >> 16) + (len & 0xffff) + proto;

	/* The bytes beyond a v4 address are zero: sixteen can be summed in either family. */
	sum = wn_csum_add(sum, src->bytes, sizeof(src->bytes));
	return wn_csum_add(sum, dst->bytes, sizeof(dst->bytes));
}

uint16_t wn_csum_update(uint16_t csum, const void *was, const void *now, size_t len)
{
	uint32_t sum = (uint16_t)~csum;

	/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m') */
	sum += (uint16_t)~fold(wn_csum_add(0, was, len));
	return wn_csum_finish(wn_csum_add(sum, now, len));
}

uint16_t wn_csum_compensate(uint32_t sum_of_rest, uint16_t want)
{
	return (uint16_t)fold((uint32_t)(uint16_t)~want + (uint16_t)~fold(sum_of_rest));
}
