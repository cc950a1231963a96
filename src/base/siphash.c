/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 after the paper; the 128 bit form differs by three constants and a second tail. */
#include "base/siphash.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned k)
{
	return x << k | x >> (64 - k);
}

static uint64_t load_le(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static void store_le(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void rounds(struct state *s, int n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 = rotl(s->v2, 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

static struct state hash(
	const struct wn_sipkey *key, const uint8_t *data, size_t len, uint64_t wide)
{
	uint64_t k0 = load_le(key->bytes, 8);
	uint64_t k1 = load_le(key->bytes + 8, 8);
	struct state s = {
		k0 ^ 0x736f6d6570736575u,
		k1 ^ 0x646f72616e646f6du ^ wide,
		k0 ^ 0x6c7967656e657261u,
		k1 ^ 0x7465646279746573u,
	};
	size_t whole = len / 8 * 8;

	for (size_t i = 0; i < whole; i += 8)
		absorb(&s, load_le(data + i, 8));
	absorb(&s, (uint64_t)len << 56 | (len > whole ? load_le(data + whole, len - whole) : 0));
	return s;
}

static uint64_t squeeze(struct state *s)
{
	rounds(s, 4);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t wn_siphash(const struct wn_sipkey *key, const void *data, size_t len)
{
	struct state s = hash(key, data, len, 0);

	s.v2 ^= 0xff;
	return squeeze(&s);
}

void wn_siphash128(const struct wn_sipkey *key, const void *data, size_t len, uint8_t out[16])
{
	struct state s = hash(key, data, len, 0xee);

	s.v2 ^= 0xee;
	store_le(out, squeeze(&s));
	s.v1 ^= 0xdd;
	store_le(out + 8, squeeze(&s));
}
