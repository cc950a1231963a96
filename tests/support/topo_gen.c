/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages are put one behind the other: a router, a diamond, a mesh, branches of unequal length, a
 * tunnel. Between two stages there is always one router, so everything joins again.
 */
#include "topo_gen.h"
#include <stdbool.h>
#include "base/rng.h"

#define STAGES_MAX 6
#define WIDTH_MAX  4

struct gen {
	struct wn_rng rng;
	uint32_t flags;
	struct wn_strbuf *out;
	struct wn_strbuf late; /* lines that name nodes which come later */
	unsigned nodes, links;
	bool refused; /* one obstacle is enough */
	bool detour;  /* links are made that shortest paths shall avoid */
};

static unsigned below(struct gen *g, unsigned bound)
{
	return (unsigned)wn_rng_below(&g->rng, bound);
}

static bool may(struct gen *g, uint32_t flag, unsigned percent)
{
	return (g->flags & flag) && below(g, 100) < percent;
}

static void answers(struct gen *g)
{
	static const char *const silent[] = {" silent", " silent udp", " silent icmp tcp"};
	static const char *const marks[] = {" dscp 0", " ecn clear", " dscp 46 ecn ce"};

	if (may(g, GEN_SILENT, 15))
		wn_strbuf_puts(g->out, silent[below(g, 3)]);
	if (may(g, GEN_QUOTE, 25))
		wn_strbuf_puts(g->out, below(g, 2) ? " quote 28" : " quote 64");
	if (may(g, GEN_QUOTE, 20))
		wn_strbuf_fmt(g->out, " ifinfo reply-ttl %u", 64 + below(g, 2) * 64);
	if (may(g, GEN_MARK, 20))
		wn_strbuf_puts(g->out, marks[below(g, 3)]);
	if (may(g, GEN_ZERO_TTL, 8))
		wn_strbuf_puts(g->out, " zero-ttl");
	if (may(g, GEN_LIMIT, 20))
		wn_strbuf_fmt(g->out, " limit %u/s burst %u", 1 + below(g, 20), 1 + below(g, 8));
	if (may(g, GEN_LOSS, 10))
		wn_strbuf_fmt(g->out, " drop-replies %u%%", below(g, 60));
	if (may(g, GEN_FORGE, 15))
		wn_strbuf_fmt(g->out, " forge %u%% as 10.66.6.6 as fd66::6", 10 + below(g, 90));
	if (may(g, GEN_JITTER, 15))
		wn_strbuf_fmt(
			g->out, " reply-delay %uus jitter %uus", below(g, 3000), below(g, 5000));
	if (may(g, GEN_MTU, 5))
		wn_strbuf_puts(g->out, " mtu-blackhole");
}

static void refuses(struct gen *g)
{
	static const char *const how[] = {" unreachable host", " unreachable net", " reject admin",
		" unreachable code 5", " blackhole", " reject port"};

	if (g->refused || !may(g, GEN_REFUSE, 4))
		return;
	g->refused = true;
	wn_strbuf_puts(g->out, how[below(g, 6)]);
}

static unsigned new_node(struct gen *g)
{
	unsigned n = ++g->nodes;

	wn_strbuf_fmt(g->out, "node n%u addr 10.1.%u.1 addr6 fd00:1:%x::1", n, n, n);
	if (may(g, GEN_PACKET, 30))
		wn_strbuf_puts(g->out, " balance packet");
	else if (may(g, GEN_BALANCE, 20))
		wn_strbuf_puts(g->out, below(g, 2) ? " balance dest" : " balance flow+label");
	answers(g);
	refuses(g);
	wn_strbuf_putc(g->out, '\n');
	return n;
}

static void faults(struct gen *g)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} shares[] = {{GEN_LOSS, "loss"}, {GEN_REORDER, "reorder"}, {GEN_DUPLICATE, "duplicate"},
		{GEN_CORRUPT, "corrupt"}, {GEN_TRUNCATE, "truncate"}};

	if (may(g, GEN_JITTER, 40))
		wn_strbuf_fmt(g->out, " jitter %uus", below(g, 3000));
	for (unsigned i = 0; i < sizeof shares / sizeof shares[0]; i++)
		if (may(g, shares[i].flag, 15))
			wn_strbuf_fmt(g->out, " %s%s %u%%", shares[i].word,
				below(g, 2) ? "-back" : "", 1 + below(g, 15));
	if (may(g, GEN_FLAP, 8)) {
		unsigned from = below(g, 400);

		wn_strbuf_fmt(g->out, " down %ums..%ums", from, from + 1 + below(g, 500));
	}
	if (may(g, GEN_MTU, 10))
		wn_strbuf_fmt(g->out, " mtu %u", 600 + below(g, 900));
}

static void node_name(struct wn_strbuf *out, unsigned n, const char *without)
{
	if (n)
		wn_strbuf_fmt(out, " n%u", n);
	else
		wn_strbuf_fmt(out, " %s", without);
}

/* from 0 is the source, to 0 the target. */
static void link_nodes(struct gen *g, unsigned from, unsigned to)
{
	unsigned l = ++g->links;

	wn_strbuf_puts(g->out, "link");
	node_name(g->out, from, "s");
	node_name(g->out, to, "t");
	wn_strbuf_fmt(g->out, " delay %uus", below(g, 20000));
	if (g->detour)
		wn_strbuf_puts(g->out, " cost 100");
	if (may(g, GEN_RETURN, 20))
		wn_strbuf_fmt(g->out, " delay-back %uus", below(g, 20000));
	if (may(g, GEN_IFADDR, 40))
		wn_strbuf_fmt(g->out, " addr 10.2.%u.1 10.2.%u.2 addr6 fd00:2:%x::1 fd00:2:%x::2",
			l, l, l, l);
	if (may(g, GEN_BALANCE, 30))
		wn_strbuf_fmt(g->out, " weight %u", 1 + below(g, 8));
	faults(g);
	wn_strbuf_putc(g->out, '\n');
}

/* 1 - w - 1, or 1 - w - w - 1 with all links between. */
static unsigned diamond(struct gen *g, unsigned from)
{
	unsigned width = 2 + below(g, WIDTH_MAX - 1);
	unsigned depth = 1 + below(g, 2);
	unsigned before[WIDTH_MAX] = {from}, wide = 1, join;

	for (unsigned d = 0; d < depth; d++) {
		unsigned layer[WIDTH_MAX];

		for (unsigned i = 0; i < width; i++)
			layer[i] = new_node(g);
		for (unsigned i = 0; i < wide; i++)
			for (unsigned k = 0; k < width; k++)
				link_nodes(g, before[i], layer[k]);
		for (unsigned i = 0; i < width; i++)
			before[i] = layer[i];
		wide = width;
	}
	join = new_node(g);
	for (unsigned i = 0; i < wide; i++)
		link_nodes(g, before[i], join);
	return join;
}

/* Branches of 1 to 3 routers; the first router is told to use them all. */
static unsigned unequal(struct gen *g, unsigned from)
{
	unsigned width = 2 + below(g, 2), ends[3], join;

	wn_strbuf_fmt(&g->late, "route n%u to t", from);
	for (unsigned i = 0; i < width; i++) {
		unsigned length = 1 + i + below(g, 2);

		ends[i] = from;
		for (unsigned k = 0; k < length; k++) {
			unsigned n = new_node(g);

			/* Whoever was sent into a branch must not find it shorter to turn back. */
			g->detour = k == 0;
			link_nodes(g, ends[i], n);
			g->detour = false;
			if (k == 0)
				wn_strbuf_fmt(&g->late, " via n%u weight %u", n, 1 + below(g, 4));
			ends[i] = n;
		}
	}
	wn_strbuf_putc(&g->late, '\n');
	join = new_node(g);
	for (unsigned i = 0; i < width; i++)
		link_nodes(g, ends[i], join);
	return join;
}

static unsigned tunnel(struct gen *g, unsigned from)
{
	static const char *const kinds[] = {"explicit", "implicit", "opaque", "invisible"};
	unsigned length = 2 + below(g, 3);

	wn_strbuf_fmt(&g->late, "mpls %s n%u", kinds[below(g, 4)], from);
	for (unsigned i = 0; i < length; i++) {
		unsigned n = new_node(g);

		link_nodes(g, from, n);
		wn_strbuf_fmt(&g->late, " n%u", n);
		from = n;
	}
	if (below(g, 3) == 0)
		wn_strbuf_fmt(&g->late, " inner %u", 16 + below(g, 100000));
	wn_strbuf_putc(&g->late, '\n');
	return from;
}

static unsigned stage(struct gen *g, unsigned from)
{
	unsigned n;

	if (from && may(g, GEN_BALANCE, 40))
		return below(g, 3) ? diamond(g, from) : unequal(g, from);
	if (from && may(g, GEN_TUNNEL, 30))
		return tunnel(g, from);
	n = new_node(g);
	link_nodes(g, from, n);
	if (from > 1 && may(g, GEN_LOOP, 5))
		wn_strbuf_fmt(&g->late, "route n%u to t via n%u\n", n, from);
	return n;
}

/* A router that translates, as the first or last of the path. */
static unsigned translator(struct gen *g, unsigned from, bool dest)
{
	unsigned n = ++g->nodes;

	wn_strbuf_fmt(g->out, "node n%u addr 10.1.%u.1 addr6 fd00:1:%x::1", n, n, n);
	if (dest)
		wn_strbuf_puts(g->out, " nat dest 192.0.2.80 to 10.0.9.9"
				       " nat dest 2001:db8::80 to fd00:9::9");
	else
		wn_strbuf_puts(g->out, " nat source 192.0.2.1 nat source 2001:db8::1");
	wn_strbuf_putc(g->out, '\n');
	link_nodes(g, from, n);
	return n;
}

static void target(struct gen *g, unsigned last, bool translated)
{
	static const char *const ports[] = {" open tcp 80,443 open udp 33434-33700",
		" filtered udp", " filtered tcp", " filtered icmp", " silent",
		" prohibited tcp prohibited udp", " filtered udp filtered tcp"};

	wn_strbuf_puts(g->out, "host t addr 10.0.9.9 addr6 fd00:9::9 name t.example.org");
	if (may(g, GEN_PORTS, 80))
		wn_strbuf_puts(g->out, ports[below(g, 7)]);
	wn_strbuf_putc(g->out, '\n');
	link_nodes(g, last, 0);
	wn_strbuf_puts(
		g->out, translated ? "target 192.0.2.80\ntarget 2001:db8::80\n" : "target t\n");
}

void topo_gen(uint64_t seed, uint32_t flags, struct wn_strbuf *out)
{
	struct gen g = {.flags = flags, .out = out, .late = WN_STRBUF_INIT};
	unsigned stages, at = 0;
	bool source_nat, dest_nat;

	wn_rng_seed(&g.rng, seed);
	wn_strbuf_fmt(
		out, "seed %u\nsource s\nhost s addr 10.0.0.1 addr6 fd00::1\n", below(&g, 1000000));
	source_nat = may(&g, GEN_NAT, 25);
	dest_nat = may(&g, GEN_NAT, 25);
	stages = 1 + below(&g, STAGES_MAX);
	for (unsigned i = 0; i < stages; i++) {
		at = stage(&g, at);
		if (i == 0 && source_nat)
			at = translator(&g, at, false);
	}
	if (dest_nat)
		at = translator(&g, at, true);
	target(&g, at, dest_nat);
	wn_strbuf_puts(out, wn_strbuf_str(&g.late));
	wn_strbuf_fini(&g.late);
}
