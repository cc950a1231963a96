/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random networks, with everything or only with what a flow meets every time. In all of them
 * packets come to an end and what comes back is whole; without chance in them, each probe gets
 * exactly the answer that the ground truth foretells.
 */
#include "prop.h"

#include <string.h>
#include "base/cursor.h"
#include "packet/wire.h"
#include "sim/sim.h"
#include "topo_gen.h"

#define SECOND 1000000000ull
#define HOPS   40

struct world {
	struct wn_topo *topo;
	struct wn_sim *sim;
	uint64_t now_ns;
	uint64_t taken;
};

static void open_world(struct world *w, uint64_t seed, uint32_t flags)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	struct wn_errctx ctx = {0};

	memset(w, 0, sizeof *w);
	topo_gen(seed, flags, &text);
	prop_check(text.err == WN_OK);
	prop_check(wn_topo_parse(text.data, text.len, &w->topo, &ctx) == WN_OK);
	prop_check(wn_sim_new(w->topo, 0, 0, &w->sim) == WN_OK);
	wn_strbuf_fini(&text);
}

/* Lets everything come to its end, and gives memory back. */
static void close_world(struct world *w)
{
	uint8_t packet[WN_PACKET_MAX];
	uint64_t at_ns;

	while (wn_sim_recv(w->sim, w->now_ns + 1000 * SECOND, packet, sizeof packet, &at_ns))
		w->taken++;
	prop_check(wn_sim_next(w->sim) == UINT64_MAX);
	prop_check(wn_sim_stats(w->sim)->delivered == w->taken);
	wn_sim_free(w->sim);
	wn_topo_free(w->topo);
}

static struct wn_probe any_probe(struct world *w, struct wn_rd *r)
{
	uint8_t family = wn_rd_u8(r) & 1 ? 6 : 4;
	struct wn_probe p = {.src = wn_topo_source(w->topo, family),
		.dst = wn_topo_target(w->topo, family),
		.proto = (enum wn_proto)(wn_rd_u8(r) % WN_PROTO_COUNT),
		.ttl = 1,
		.tos = wn_rd_u8(r),
		.df = true,
		.sport = (uint16_t)(1024 + wn_rd_be16(r) % 60000),
		.dport = 443,
		.icmp_id = 7,
		.checksum = (uint16_t)(1 + wn_rd_be16(r) % 65534)};

	p.size = (uint16_t)(wn_probe_min_size(family, p.proto) + wn_rd_u8(r) * 4);
	if (p.proto == WN_PROTO_UDP)
		p.dport = (uint16_t)(33434 + p.sport % 100);
	return p;
}

/* What the truth says at a TTL is what comes, and nothing else comes. */
static void ask(struct world *w, const struct wn_probe *p, const struct wn_addr *want)
{
	uint8_t packet[WN_PACKET_MAX];
	struct wn_reply reply;
	uint64_t at_ns;
	size_t len;

	prop_check(wn_wire_build(p, packet, sizeof packet, &len) == WN_OK);
	prop_check(wn_sim_send(w->sim, packet, len, w->now_ns) == WN_OK);
	w->now_ns += 100 * SECOND;
	len = wn_sim_recv(w->sim, w->now_ns, packet, sizeof packet, &at_ns);
	prop_check((len > 0) == (want->family != 0));
	if (!len)
		return;
	w->taken++;
	prop_check(wn_wire_parse(packet, len, &reply) == WN_OK);
	prop_check(!reply.checksum_bad && !reply.truncated && !reply.ext.bad);
	prop_check(wn_addr_eq(&reply.from, want));
	prop_check(wn_addr_eq(&reply.to, &p->src));
	prop_check(!wn_sim_recv(w->sim, w->now_ns, packet, sizeof packet, &at_ns));
}

static void check_truth(uint64_t seed, uint32_t flags, struct wn_rd *r)
{
	uint8_t packet[WN_PACKET_MAX];
	struct wn_addr truth[HOPS];
	struct world w;
	struct wn_probe p;
	size_t len, n;

	open_world(&w, seed, flags & GEN_DETERMINISTIC);
	p = any_probe(&w, r);
	prop_check(wn_wire_build(&p, packet, sizeof packet, &len) == WN_OK);
	memset(truth, 0, sizeof truth);
	n = wn_sim_truth(w.sim, packet, len, truth, HOPS);
	if (n == 0) /* larger than the first link's MTU */
		prop_check(wn_sim_send(w.sim, packet, len, w.now_ns) == WN_EMSGSIZE);
	if (!(flags & GEN_DETERMINISTIC & ~GEN_REACHED))
		prop_check(n > 1 && n < 25 && wn_addr_eq(&truth[n - 1], &p.dst));
	for (size_t i = 0; i < n; i++) {
		p.ttl = (uint8_t)(i + 1);
		p.icmp_seq++;
		p.tcp_seq++;
		p.ip_id++;
		ask(&w, &p, &truth[i]);
	}
	p.ttl = 200; /* beyond the end of the path it is the end that answers; a loop has none */
	if (n && !(flags & GEN_LOOP))
		ask(&w, &p, &truth[n - 1]);
	close_world(&w);
}

/* Everything at once, with foreign bytes in between. */
static void check_storm(uint64_t seed, struct wn_rd *r)
{
	uint8_t packet[WN_PACKET_MAX];
	struct world w;
	uint64_t at_ns;
	size_t len;

	open_world(&w, seed, GEN_EVERYTHING);
	for (unsigned i = 0; i < 30; i++) {
		struct wn_probe p = any_probe(&w, r);

		p.ttl = (uint8_t)(i + 1);
		prop_check(wn_wire_build(&p, packet, sizeof packet, &len) == WN_OK);
		wn_sim_send(w.sim, packet, len, w.now_ns);
		if (wn_rd_left(r)) {
			packet[wn_rd_u8(r) % len] = wn_rd_u8(r);
			wn_sim_send(w.sim, packet, wn_rd_u8(r) % len, w.now_ns);
			wn_sim_send(w.sim, packet, len, w.now_ns);
		}
		w.now_ns += SECOND / 50;
		while (wn_sim_recv(w.sim, w.now_ns, packet, sizeof packet, &at_ns)) {
			prop_check(at_ns <= w.now_ns);
			w.taken++;
		}
		prop_check(wn_sim_next(w.sim) > w.now_ns);
	}
	close_world(&w);
}

int prop_sim(const uint8_t *data, size_t size)
{
	struct wn_rd r;
	uint64_t seed;
	uint32_t flags;

	wn_rd_init(&r, data, size);
	seed = wn_rd_be64(&r);
	flags = wn_rd_be32(&r);
	check_truth(seed, flags, &r);
	check_truth(seed + 1, flags & GEN_REACHED, &r);
	check_storm(seed, &r);
	return 0;
}
