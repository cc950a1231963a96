/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated network for a test, its clock, and probes through it in one line each. Aborts on
 * what is the test's own mistake; what comes back is the test's to judge.
 */
#ifndef WN_TEST_SIMKIT_H
#define WN_TEST_SIMKIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "packet/wire.h"
#include "sim/sim.h"

#define SIM_MS 1000000ull
#define SIM_S  1000000000ull

struct simkit {
	struct wn_topo *topo;
	struct wn_sim *sim;
	uint64_t now_ns; /* the test's; the network starts at 0 */
	uint64_t at_ns;	 /* when the last packet taken arrived */
	uint8_t bytes[WN_PACKET_MAX];
	size_t len; /* of the last packet taken */
};

static inline void simkit_open(struct simkit *k, const char *text)
{
	struct wn_errctx ctx = {0};

	memset(k, 0, sizeof *k);
	if (wn_topo_parse(text, strlen(text), &k->topo, &ctx) != WN_OK)
		fail_msg("%s", ctx.text);
	assert_int_equal(wn_sim_new(k->topo, 0, 0, &k->sim), WN_OK);
}

static inline void simkit_close(struct simkit *k)
{
	wn_sim_free(k->sim);
	wn_topo_free(k->topo);
}

static inline struct wn_addr simkit_addr(const char *text)
{
	struct wn_addr a;

	assert_int_equal(wn_addr_parse(text, &a), WN_OK);
	return a;
}

/* An ordinary probe to the topology's target. */
static inline struct wn_probe simkit_probe(
	const struct simkit *k, uint8_t family, enum wn_proto proto, uint8_t ttl)
{
	return (struct wn_probe){.src = wn_topo_source(k->topo, family),
		.dst = wn_topo_target(k->topo, family),
		.proto = proto,
		.ttl = ttl,
		.ip_id = (uint16_t)(ttl + 1000),
		.size = family == 4 ? 60 : 80,
		.sport = 50000,
		.dport = proto == WN_PROTO_TCP ? 443 : 33434,
		.icmp_id = 77,
		.icmp_seq = ttl,
		.checksum = (uint16_t)(proto == WN_PROTO_ICMP ? 0x4242 : 0x4200 + ttl),
		.tcp_seq = 100000u + ttl,
		.cookie = {1, 2, 3, 4, 5, 6, 7, ttl},
		.pattern = 0x55};
}

static inline size_t simkit_build(const struct wn_probe *p, uint8_t *buf, size_t cap)
{
	size_t len;

	assert_int_equal(wn_wire_build(p, buf, cap, &len), WN_OK);
	return len;
}

static inline wn_err simkit_send(struct simkit *k, const struct wn_probe *p)
{
	uint8_t buf[WN_PACKET_MAX];
	size_t len = simkit_build(p, buf, sizeof buf);

	return wn_sim_send(k->sim, buf, len, k->now_ns);
}

/* The next packet that arrives up to until_ns as it is read; false when there is none. */
static inline bool simkit_recv(struct simkit *k, uint64_t until_ns, struct wn_reply *out)
{
	k->len = wn_sim_recv(k->sim, until_ns, k->bytes, sizeof k->bytes, &k->at_ns);
	if (!k->len)
		return false;
	memset(out, 0, sizeof *out);
	wn_wire_parse(k->bytes, k->len, out);
	return true;
}

/* One probe, alone in the network; its reply within ten seconds, or false. */
static inline bool simkit_ask(struct simkit *k, const struct wn_probe *p, struct wn_reply *out)
{
	bool got;

	assert_int_equal(simkit_send(k, p), WN_OK);
	got = simkit_recv(k, k->now_ns + 10 * SIM_S, out);
	k->now_ns += 10 * SIM_S;
	return got;
}

static inline void simkit_from(const struct wn_reply *r, const char *want)
{
	char got[WN_ADDR_STRLEN];

	assert_string_equal(wn_addr_str(&r->from, got), want);
}

/* Asks and checks kind and responder. */
static inline void simkit_expect(struct simkit *k, const struct wn_probe *p,
	enum wn_reply_kind kind, const char *from, struct wn_reply *out)
{
	if (!simkit_ask(k, p, out))
		fail_msg("nothing came back at TTL %u", p->ttl);
	simkit_from(out, from);
	assert_string_equal(wn_reply_kind_name(out->kind), wn_reply_kind_name(kind));
	assert_false(out->checksum_bad);
	assert_false(out->truncated);
}

/* The path as text, "a b * c". */
static inline const char *simkit_truth(
	struct simkit *k, const struct wn_probe *p, char *buf, size_t cap)
{
	uint8_t packet[WN_PACKET_MAX];
	struct wn_addr hops[255];
	size_t len = simkit_build(p, packet, sizeof packet);
	size_t n = wn_sim_truth(k->sim, packet, len, hops, 255);
	char text[WN_ADDR_STRLEN];

	buf[0] = 0;
	for (size_t i = 0; i < n; i++) {
		if (i)
			strncat(buf, " ", cap - strlen(buf) - 1);
		strncat(buf, hops[i].family ? wn_addr_str(&hops[i], text) : "*",
			cap - strlen(buf) - 1);
	}
	return buf;
}

/* source 10.0.0.1 - r1 10.0.1.1 - ... - host t 10.0.9.9, both families. */
#define SIM_LINE(r1, r2, t, l1, l2, l3)                                                            \
	"source s\ntarget t\n"                                                                     \
	"host s addr 10.0.0.1 addr6 fd00::1\n"                                                     \
	"node r1 addr 10.0.1.1 addr6 fd00:1::1 " r1 "\n"                                           \
	"node r2 addr 10.0.2.1 addr6 fd00:2::1 " r2 "\n"                                           \
	"host t addr 10.0.9.9 addr6 fd00:9::9 " t "\n"                                             \
	"link s r1 " l1 "\n"                                                                       \
	"link r1 r2 " l2 "\n"                                                                      \
	"link r2 t " l3 "\n"

#endif
