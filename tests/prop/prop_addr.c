/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and prefixes: what is accepted is what the C library accepts, and text and value turn
 * into each other without loss.
 */
#include "prop.h"

#include <arpa/inet.h>
#include <string.h>
#include "base/addr.h"

#define TEXT_MAX 128

/* The C library writes the deprecated IPv4-compatible form (::/96) dotted; RFC 5952 does not. */
static bool is_compatible(const struct wn_addr *a)
{
	static const uint8_t zero[12];

	return a->family == 6 && memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

static void check_value(const struct wn_addr *a)
{
	char text[WN_ADDR_STRLEN], host[INET6_ADDRSTRLEN];
	struct wn_addr back;

	wn_addr_str(a, text);
	prop_check(wn_addr_parse(text, &back) == WN_OK);
	prop_check(wn_addr_eq(a, &back) && wn_addr_hash(a) == wn_addr_hash(&back));
	prop_check(wn_addr_cmp(a, &back) == 0);
	inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, host, sizeof(host));
	prop_check(is_compatible(a) || strcmp(text, host) == 0);
}

static void check_text(const char *text)
{
	uint8_t host[16] = {0};
	struct wn_addr a;
	bool ours = wn_addr_parse(text, &a) == WN_OK;
	bool theirs = inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, host) == 1;

	prop_check(ours == theirs);
	if (!ours)
		return;
	prop_check(memcmp(a.bytes, host, sizeof(host)) == 0);
	check_value(&a);
}

static void check_prefix_text(const char *text)
{
	char out[WN_PREFIX_STRLEN];
	struct wn_prefix p, back;

	if (wn_prefix_parse(text, &p))
		return;
	wn_prefix_str(&p, out);
	prop_check(wn_prefix_parse(out, &back) == WN_OK);
	prop_check(p.len == back.len && wn_addr_eq(&p.addr, &back.addr));
	prop_check(wn_prefix_contains(&p, &p.addr));
}

/* Any address cut to any length is a prefix that holds the address; one flipped bit is outside. */
static void check_prefix_value(const struct wn_addr *a, unsigned len)
{
	unsigned bits = a->family == 4 ? 32 : 128;
	char text[WN_PREFIX_STRLEN];
	struct wn_prefix p = {*a, 0}, back;
	struct wn_addr other = *a;

	p.len = (uint8_t)(len % (bits + 1));
	for (unsigned i = p.len; i < bits; i++)
		p.addr.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	prop_check(wn_prefix_contains(&p, a));
	prop_check(wn_prefix_parse(wn_prefix_str(&p, text), &back) == WN_OK);
	prop_check(back.len == p.len && wn_addr_eq(&back.addr, &p.addr));
	if (p.len == 0)
		return;
	len %= p.len;
	other.bytes[len / 8] ^= (uint8_t)(0x80u >> len % 8);
	prop_check(!wn_prefix_contains(&p, &other));
}

int prop_addr(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX] = {0};

	memcpy(text, data, size < TEXT_MAX ? size : TEXT_MAX - 1);
	check_text(text);
	check_prefix_text(text);
	if (size >= 18) {
		struct wn_addr a = wn_addr_from_bytes(data[0] & 1 ? 6 : 4, data + 2);

		check_value(&a);
		check_prefix_value(&a, data[1]);
	}
	return 0;
}
