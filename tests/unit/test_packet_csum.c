/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/rng.h"
#include "packets.h"

static void rfc1071_example(void **state)
{
	static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	/* RFC 1071 3: these words sum to ddf2. */
	assert_int_equal(wn_csum_finish(wn_csum_add(0, data, sizeof(data))), (uint16_t)~0xddf2);
}

static void equals_naive(void **state)
{
	uint8_t buf[2048];
	struct wn_rng rng;

	(void)state;
	wn_rng_seed(&rng, 1);
	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)wn_rng_below(&rng, sizeof(buf));
		size_t cut = len ? (size_t)wn_rng_below(&rng, len) & ~(size_t)1 : 0;
		uint8_t fill = (uint8_t)wn_rng_u64(&rng);
		uint32_t sum;

		for (size_t i = 0; i < len; i++)
			buf[i] = round % 3 ? (uint8_t)wn_rng_u64(&rng) : fill;
		sum = wn_csum_add(wn_csum_add(0, buf, cut), buf + cut, len - cut);
		assert_int_equal(wn_csum_finish(sum), (uint16_t)~naive_sum(0, buf, len));
	}
}

static void many_pieces_do_not_overflow(void **state)
{
	uint8_t ones[WN_PACKET_MAX];
	uint32_t sum = 0;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 100000; i++)
		sum = wn_csum_add(sum, ones, i % 2 ? sizeof(ones) : 2);
	assert_int_equal(wn_csum_finish(sum), 0);
	assert_int_equal(wn_csum_finish(UINT32_MAX), 0);
}

static void pseudo_headers(void **state)
{
	struct wn_addr a4 = addr_of("192.0.2.1"), b4 = addr_of("255.255.255.255");
	struct wn_addr a6 = addr_of("2001:db8::1"), b6 = addr_of("ff02::1");
	uint8_t v4[12] = {192, 0, 2, 1, 255, 255, 255, 255, 0, 17, 0x12, 0x34};
	uint8_t v6[40] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1, 0xff, 0x02, [31] = 1, 0, 1, 0x02,
		0x03, [39] = 58};

	(void)state;
	assert_int_equal(wn_csum_finish(wn_csum_pseudo(&a4, &b4, 17, 0x1234)),
		(uint16_t)~naive_sum(0, v4, sizeof(v4)));
	assert_int_equal(wn_csum_finish(wn_csum_pseudo(&a6, &b6, 58, 0x10203)),
		(uint16_t)~naive_sum(0, v6, sizeof(v6)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc1071_example),
		cmocka_unit_test(equals_naive),
		cmocka_unit_test(many_pieces_do_not_overflow),
		cmocka_unit_test(pseudo_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
