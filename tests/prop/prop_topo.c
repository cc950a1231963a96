/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text is either refused with line and column, or is a network that works: probes may enter,
 * time passes, everything that comes out is a packet, and it comes to rest.
 */
#include "oneline.h"

#include <stdbool.h>
#include "packet/wire.h"
#include "sim/sim.h"

#define PACKETS_MAX 4096 /* of nine probes, duplicates included */
#define FOREVER_NS  ((uint64_t)1 << 60)

static void send_probes(struct wn_sim *sim, uint8_t family)
{
	const struct wn_topo *topo = wn_sim_topo(sim);
	struct wn_probe p = {
		.src = wn_topo_source(topo, family),
		.dst = wn_topo_target(topo, family),
		.size = 80,
		.sport = 40000,
		.dport = 443,
		.checksum = 0x1234,
	};
	uint8_t packet[WN_PACKET_MAX];
	struct wn_addr truth[255];
	size_t len;

	if (p.src.family != family || p.dst.family != family)
		return;
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		p.proto = (enum wn_proto)proto;
		for (p.ttl = 1; p.ttl < 20; p.ttl = (uint8_t)(p.ttl * 4)) {
			prop_check(wn_wire_build(&p, packet, sizeof(packet), &len) == WN_OK);
			wn_sim_send(sim, packet, len, 0);
		}
		prop_check(wn_sim_truth(sim, packet, len, truth, 255) <= 255);
	}
}

static void drain(struct wn_sim *sim)
{
	uint8_t packet[WN_PACKET_MAX];
	uint64_t at_ns, last_ns = 0;
	unsigned count = 0;
	size_t len;

	while ((len = wn_sim_recv(sim, FOREVER_NS, packet, sizeof(packet), &at_ns)) > 0) {
		struct wn_wire_head head;

		prop_check(++count <= PACKETS_MAX);
		prop_check(len <= sizeof(packet) && at_ns >= last_ns && at_ns <= FOREVER_NS);
		prop_check(wn_wire_head(packet, len, &head) == WN_OK);
		last_ns = at_ns;
	}
	prop_check(wn_sim_next(sim) > FOREVER_NS);
}

int prop_topo(const uint8_t *data, size_t size)
{
	struct wn_errctx ctx = {0};
	struct wn_topo *topo;
	struct wn_sim *sim;

	if (wn_topo_parse((const char *)data, size, &topo, &ctx)) {
		check_one_line(&ctx);
		prop_check(strncmp(ctx.text, "line ", 5) == 0 || strncmp(ctx.text, "the ", 4) == 0);
		return 0;
	}
	prop_check(wn_sim_new(topo, 1, 0, &sim) == WN_OK);
	send_probes(sim, 4);
	send_probes(sim, 6);
	drain(sim);
	wn_sim_free(sim);
	wn_topo_free(topo);
	return 0;
}
