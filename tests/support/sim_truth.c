/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulator says a flow meets, for tests that let other programs trace it:
 *
 *	sim_truth FILE udp|icmp|tcp DESTINATION SPORT DPORT
 *
 * prints an address or * for each hop. For icmp, id and checksum take the places of the ports.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "packet/wire.h"
#include "sim/sim.h"

static struct wn_topo *load(const char *path)
{
	static char text[1 << 20];
	struct wn_errctx ctx = {0};
	struct wn_topo *topo;
	FILE *f = strcmp(path, "builtin") ? fopen(path, "r") : NULL;
	size_t len;

	if (f) {
		len = fread(text, 1, sizeof text, f);
		fclose(f);
	} else {
		len = strlen(wn_topo_builtin());
		memcpy(text, wn_topo_builtin(), len);
	}
	if (wn_topo_parse(text, len, &topo, &ctx) != WN_OK) {
		fprintf(stderr, "%s: %s\n", path, ctx.text);
		exit(1);
	}
	return topo;
}

int main(int argc, char **argv)
{
	struct wn_probe p = {.ttl = 1, .ip_id = 1, .size = 60};
	struct wn_addr hops[255];
	char text[WN_ADDR_STRLEN];
	uint8_t packet[200];
	struct wn_topo *topo;
	struct wn_sim *sim;
	size_t len, n;

	if (argc != 6 || wn_addr_parse(argv[3], &p.dst)) {
		fprintf(stderr, "usage: sim_truth FILE udp|icmp|tcp DESTINATION SPORT DPORT\n");
		return 2;
	}
	topo = load(argv[1]);
	for (int i = 0; i < WN_PROTO_COUNT; i++)
		if (strcmp(argv[2], wn_proto_name((enum wn_proto)i)) == 0)
			p.proto = (enum wn_proto)i;
	p.src = wn_topo_source(topo, p.dst.family);
	p.size = (uint16_t)(p.dst.family == 6 ? 80 : 60);
	p.sport = p.icmp_id = (uint16_t)atoi(argv[4]);
	p.dport = p.checksum = (uint16_t)atoi(argv[5]);
	if (p.proto == WN_PROTO_UDP)
		p.checksum = 1;
	if (wn_wire_build(&p, packet, sizeof packet, &len) || wn_sim_new(topo, 0, 0, &sim))
		return 1;
	n = wn_sim_truth(sim, packet, len, hops, 255);
	for (size_t i = 0; i < n; i++)
		puts(hops[i].family ? wn_addr_str(&hops[i], text) : "*");
	wn_sim_free(sim);
	wn_topo_free(topo);
	return 0;
}
