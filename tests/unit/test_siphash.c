/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: key 00..0f, input 00 01 02 ... of the given length, from the authors' reference. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/siphash.h"

static void fill(struct wn_sipkey *key, uint8_t in[64])
{
	for (uint8_t i = 0; i < 16; i++)
		key->bytes[i] = i;
	for (uint8_t i = 0; i < 64; i++)
		in[i] = i;
}

static const uint64_t vectors_64[] = {
	0x726fdb47dd0e0e31u,
	0x74f839c593dc67fdu,
	0x0d6c8009d9a94f5au,
	0x85676696d7fb7e2du,
	0xcf2794e0277187b7u,
	0x18765564cd99a68du,
	0xcbc9466e58fee3ceu,
	0xab0200f58b01d137u,
	0x93f5f5799a932462u,
	0x9e0082df0ba9e4b0u,
	0x7a5dbbc594ddb9f3u,
	0xf4b32f46226bada7u,
	0x751e8fbc860ee5fbu,
	0x14ea5627c0843d90u,
	0xf723ca908e7af2eeu,
	0xa129ca6149be45e5u,
	0x3f2acc7f57c29bdbu,
	0x699ae9f52cbe4794u,
	0x4bc1b3f0968dd39cu,
	0xbb6dc91da77961bdu,
	0xbed65cf21aa2ee98u,
	0xd0f2cbb02e3b67c7u,
	0x93536795e3a33e88u,
	0xa80c038ccd5ccec8u,
	0xb8ad50c6f649af94u,
	0xbce192de8a85b8eau,
	0x17d835b85bbb15f3u,
	0x2f2e6163076bcfadu,
	0xde4daaaca71dc9a5u,
	0xa6a2506687956571u,
	0xad87a3535c49ef28u,
	0x32d892fad841c342u,
	0x7127512f72f27cceu,
	0xa7f32346f95978e3u,
	0x12e0b01abb051238u,
	0x15e034d40fa197aeu,
	0x314dffbe0815a3b4u,
	0x027990f029623981u,
	0xcadcd4e59ef40c4du,
	0x9abfd8766a33735cu,
	0x0e3ea96b5304a7d0u,
	0xad0c42d6fc585992u,
	0x187306c89bc215a9u,
	0xd4a60abcf3792b95u,
	0xf935451de4f21df2u,
	0xa9538f0419755787u,
	0xdb9acddff56ca510u,
	0xd06c98cd5c0975ebu,
	0xe612a3cb9ecba951u,
	0xc766e62cfcadaf96u,
	0xee64435a9752fe72u,
	0xa192d576b245165au,
	0x0a8787bf8ecb74b2u,
	0x81b3e73d20b49b6fu,
	0x7fa8220ba3b2eceau,
	0x245731c13ca42499u,
	0xb78dbfaf3a8d83bdu,
	0xea1ad565322a1a0bu,
	0x60e61c23a3795013u,
	0x6606d7e446282b93u,
	0x6ca4ecb15c5f91e1u,
	0x9f626da15c9625f3u,
	0xe51b38608ef25f57u,
	0x958a324ceb064572u,
};

static void test_64_bit_vectors(void **state)
{
	struct wn_sipkey key;
	uint8_t in[64];

	(void)state;
	fill(&key, in);
	for (size_t i = 0; i < sizeof(vectors_64) / sizeof(vectors_64[0]); i++)
		assert_true(wn_siphash(&key, in, i) == vectors_64[i]);
}

static void test_128_bit_vectors(void **state)
{
	static const struct {
		size_t len;
		uint8_t want[16];
	} cases[] = {
		{0, {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
			    0x55, 0x02, 0x93}},
		{1, {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
			    0x22, 0xfc, 0x45}},
		{7, {0xa1, 0xf1, 0xeb, 0xbe, 0xd8, 0xdb, 0xc1, 0x53, 0xc0, 0xb8, 0x4a, 0xa6, 0x1f,
			    0xf0, 0x82, 0x39}},
		{8, {0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83, 0xe2, 0x64, 0xf3,
			    0x14, 0x97, 0xb4}},
		{15, {0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97,
			     0xcf, 0xc3, 0xd9}},
		{16, {0x6e, 0xe2, 0xa4, 0xca, 0x67, 0xb0, 0x54, 0xbb, 0xfd, 0x33, 0x15, 0xbf, 0x85,
			     0x23, 0x05, 0x77}},
		{63, {0x51, 0x50, 0xd1, 0x77, 0x2f, 0x50, 0x83, 0x4a, 0x50, 0x3e, 0x06, 0x9a, 0x97,
			     0x3f, 0xbd, 0x7c}},
	};
	struct wn_sipkey key;
	uint8_t in[64];
	uint8_t out[16];

	(void)state;
	fill(&key, in);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wn_siphash128(&key, in, cases[i].len, out);
		assert_memory_equal(out, cases[i].want, sizeof(out));
	}
}

/* Input may lie anywhere; a hash must not care. */
static void test_unaligned_input(void **state)
{
	struct wn_sipkey key;
	uint8_t in[64], shifted[65];

	(void)state;
	fill(&key, in);
	for (int i = 0; i < 64; i++)
		shifted[i + 1] = in[i];
	assert_true(wn_siphash(&key, in, 63) == wn_siphash(&key, shifted + 1, 63));
	assert_true(wn_siphash(&key, NULL, 0) == wn_siphash(&key, in, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_64_bit_vectors),
		cmocka_unit_test(test_128_bit_vectors),
		cmocka_unit_test(test_unaligned_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
