/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A back end by hand: sends one probe for each TTL and prints what comes back, a line each.
 *
 *   io_probe BACKEND PROTO DST DPORT MAX_TTL [SIZE] [IFACE] [df] [drop]
 *   BACKEND raw errqueue; PROTO udp icmp tcp; drop: gives up all privileges before probing
 *
 * Lines: "caps ...", "sent ID TTL", "failed ID TTL ERROR ERRNO", "stamp ID",
 * "reply TTL KIND FROM type T code C rtt_us R clock CLOCK ttl T match how", "counters ...".
 * A probe that has not left for lack of buffers is offered again. Ends 500 ms after the last event.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "io/io.h"
#include "os/os.h"
#include "packet/wire.h"

#define MAX_TTL	 64
#define BATCH	 64
#define PATIENCE 500
#define TCP_TURN 300 /* one attempt at a time: how long each may take */

struct sent {
	struct wn_probe probe;
	uint64_t tx_ns;
	enum wn_clock clock;
	bool left;
};

struct session {
	struct wn_io *io;
	struct wn_io_config config;
	struct sent probes[MAX_TTL + 1]; /* by TTL; the id is the TTL */
	int max_ttl;
	bool quiet;
};

static void die(const char *what, const struct wn_errctx *ctx)
{
	printf("error %s: %s: %s\n", what, wn_err_name(ctx->code), ctx->text);
	exit(3);
}

static enum wn_proto proto_of(const char *name)
{
	for (int p = 0; p < WN_PROTO_COUNT; p++)
		if (strcmp(name, wn_proto_name((enum wn_proto)p)) == 0)
			return (enum wn_proto)p;
	exit(2);
}

static void make_probes(struct session *s, uint16_t size, bool df)
{
	const struct wn_io_config *c = &s->config;
	struct wn_sipkey key;

	if (wn_os_entropy(&key, sizeof(key)) != WN_OK)
		exit(3);
	for (int ttl = 1; ttl <= s->max_ttl; ttl++) {
		struct wn_probe *p = &s->probes[ttl].probe;

		p->id = (uint64_t)ttl;
		p->src = c->src;
		p->dst = c->dst;
		p->proto = c->proto;
		p->ttl = (uint8_t)ttl;
		p->df = df;
		p->flow_label = c->family == 6 ? 0x12345 : 0;
		p->size = size ? size : wn_probe_min_size(c->family, c->proto);
		p->sport = p->icmp_id = wn_io_sport(s->io);
		p->dport = c->dport;
		p->checksum = 0xbeef; /* ICMP: of the flow */
		wn_probe_stamp(p, &key, (uint32_t)ttl, 0);
	}
}

/* How a reply names its probe: by cookie, tag or hint. 0: it does not. */
static int match(const struct session *s, const struct wn_reply *r, const char **how)
{
	uint32_t tag;

	for (int ttl = 1; ttl <= s->max_ttl; ttl++) {
		const struct wn_probe *p = &s->probes[ttl].probe;

		if ((r->quote.payload_present && memcmp(r->quote.cookie, p->cookie, 8) == 0) ||
			(r->payload_present && memcmp(r->cookie, p->cookie, 8) == 0)) {
			*how = "cookie";
			return ttl;
		}
	}
	if (r->hint_id != WN_HINT_NONE) {
		*how = "hint";
		return (int)r->hint_id;
	}
	for (int ttl = 1; ttl <= s->max_ttl; ttl++)
		if (wn_reply_tag(r, s->config.proto, &tag) &&
			tag == wn_probe_tag(&s->probes[ttl].probe)) {
			*how = "tag";
			return ttl;
		}
	*how = "none";
	return 0;
}

static void print_reply(const struct session *s, const struct wn_rx *rx)
{
	const struct wn_reply *r = &rx->reply;
	char from[WN_ADDR_STRLEN];
	const char *how;
	int ttl = match(s, r, &how);
	double rtt = -1;

	if (ttl && rx->clock != WN_CLOCK_NONE)
		rtt = (double)(int64_t)(rx->at_ns - s->probes[ttl].tx_ns) / 1000;
	printf("reply %d %s %s type %d code %d rtt_us %.1f clock %s/%s ttl %d match %s", ttl,
		wn_reply_kind_name(r->kind), wn_addr_str(&r->from, from), r->icmp_type,
		r->icmp_code, rtt, ttl ? wn_clock_name(s->probes[ttl].clock) : "-",
		wn_clock_name(rx->clock), r->ttl, how);
	if (r->kind == WN_REPLY_TOO_BIG)
		printf(" mtu %u", r->mtu);
	if (r->ext.present)
		printf(" ext %s mpls %u", r->ext.bad ? "bad" : "ok", r->ext.mpls_count);
	if (r->truncated || r->checksum_bad)
		printf("%s%s", r->truncated ? " truncated" : "", r->checksum_bad ? " corrupt" : "");
	if (r->quote.present && s->io->caps.sees_quote_ip)
		printf(" quoted ttl %d id %s label %x", r->quote.ttl,
			ttl && r->quote.ip_id == s->probes[ttl].probe.ip_id ? "same" : "other",
			r->quote.flow_label);
	putchar('\n');
}

static bool receive(struct session *s)
{
	static struct wn_rx rx[BATCH];
	size_t n = s->io->ops->recv_batch(s->io, rx, BATCH, wn_os_mono_ns());

	for (size_t i = 0; i < n; i++) {
		switch (rx[i].kind) {
		case WN_RX_REPLY:
			print_reply(s, &rx[i]);
			break;
		case WN_RX_STAMP:
			s->probes[rx[i].id].tx_ns = rx[i].at_ns;
			s->probes[rx[i].id].clock = rx[i].clock;
			printf("stamp %d\n", (int)rx[i].id);
			break;
		case WN_RX_FAILED:
		case WN_RX_CLOSED:
		case WN_RX_OVER:
			printf("closed %d\n", (int)rx[i].id);
			break;
		}
	}
	return n > 0;
}

static void wait_for_more(struct session *s, int patience)
{
	struct pollfd p = {.fd = s->io->ops->fd(s->io), .events = POLLIN};

	while (receive(s) || s->io->ops->next_ns(s->io) != UINT64_MAX || poll(&p, 1, patience) > 0)
		;
}

static void send_all(struct session *s)
{
	static struct wn_tx tx[MAX_TTL];
	bool serial = s->io->caps.per_flow == 1;
	int n = 0;

	for (int ttl = 1; ttl <= s->max_ttl; ttl++)
		tx[n++].probe = s->probes[ttl].probe;
	for (int at = 0; at < n;) {
		size_t want = serial ? 1 : (size_t)(n - at);
		size_t done = s->io->ops->send_batch(s->io, tx + at, want, wn_os_mono_ns());

		for (size_t i = 0; i < done; i++) {
			const struct wn_tx *t = &tx[at + (int)i];
			struct sent *sent = &s->probes[t->probe.ttl];

			sent->tx_ns = t->tx_ns;
			sent->clock = t->clock;
			sent->left = t->err == WN_OK;
			if (t->err == WN_OK)
				printf("sent %d %d\n", (int)t->probe.id, t->probe.ttl);
			else
				printf("failed %d %d %s %d\n", (int)t->probe.id, t->probe.ttl,
					wn_err_name(t->err), t->sys);
		}
		at += (int)done;
		if (serial || done == 0)
			wait_for_more(s, TCP_TURN);
	}
}

static void read_options(struct session *s, char **argv, uint16_t *size, bool *df, bool *drop)
{
	for (; *argv; argv++) {
		if (strcmp(*argv, "df") == 0)
			*df = s->config.df = true;
		else if (strcmp(*argv, "drop") == 0)
			*drop = true;
		else if ((*argv)[0] >= '0' && (*argv)[0] <= '9')
			*size = (uint16_t)atoi(*argv);
		else
			snprintf(s->config.iface, sizeof(s->config.iface), "%s", *argv);
	}
}

int main(int argc, char **argv)
{
	static struct session s;
	struct wn_errctx ctx = {0};
	struct wn_os_route route;
	bool df = false, drop = false;
	uint16_t size = 0;
	wn_err err;

	if (argc < 6 || wn_addr_parse(argv[3], &s.config.dst) != WN_OK)
		return 2;
	s.config.proto = proto_of(argv[2]);
	s.config.family = s.config.dst.family;
	s.config.dport = (uint16_t)atoi(argv[4]);
	s.max_ttl = atoi(argv[5]) < MAX_TTL ? atoi(argv[5]) : MAX_TTL;
	s.config.port_span = 1;
	s.config.outstanding = BATCH;
	read_options(&s, argv + 6, &size, &df, &drop);
	if (wn_os_route_get(&s.config.dst, NULL, s.config.iface[0] ? s.config.iface : NULL, 0,
		    &route, &ctx) != WN_OK)
		die("route", &ctx);
	s.config.src = route.src;
	err = strcmp(argv[1], "raw") == 0 ? wn_io_raw_open(&s.config, &s.io, &ctx)
					  : wn_io_errqueue_open(&s.config, &s.io, &ctx);
	if (err != WN_OK)
		die("open", &ctx);
	if (drop && wn_os_privs_drop(&ctx) != WN_OK)
		die("drop", &ctx);
	printf("caps %s sport %u mtu %u local %d\n", s.io->caps.name, wn_io_sport(s.io), route.mtu,
		route.local);
	make_probes(&s, size, df);
	send_all(&s);
	wait_for_more(&s, PATIENCE);
	printf("counters foreign %llu corrupt %llu truncated %llu overflow %llu\n",
		(unsigned long long)s.io->counters.foreign,
		(unsigned long long)s.io->counters.corrupt,
		(unsigned long long)s.io->counters.truncated,
		(unsigned long long)s.io->counters.overflow);
	s.io->ops->close(s.io);
	return 0;
}
