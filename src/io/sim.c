/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated network as a back end: bytes are built and parsed as for raw sockets, so a trace
 * over it runs the same code but for the system calls.
 *
 * All back ends on one network form a hub, which hangs on the network itself: whoever takes a
 * packet out of it hands it to the one whose protocol and ports it belongs to.
 */
#include "io/sim.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "io/io_priv.h"
#include "io/ports.h"
#include "packet/wire.h"

#define PORT_FIRST 49152u /* of the ports that nobody registers, RFC 6335 6 */
#define PORT_LOW   1024u  /* for a span that does not fit there */
#define PORT_END   65536u
#define QUEUE_MIN  256u
#define MORE_MAX   16 /* ports beside the span */

struct sim_io;

struct hub {
	struct sim_io *members; /* a list */
	uint32_t next_port;
};

struct sim_io {
	struct wn_io io; /* first: the vtable's view */
	struct wn_io_config config;
	struct wn_sim *sim;
	struct hub *hub;
	struct sim_io *next;
	uint16_t more[MORE_MAX];
	unsigned more_count;
	/* What another member took out of the network for us: a ring, made when first needed. */
	struct wn_rx *queue;
	uint32_t queue_head, queue_len, queue_cap;
};

static bool is_direct(enum wn_reply_kind kind, enum wn_proto proto)
{
	if (proto == WN_PROTO_UDP)
		return kind == WN_REPLY_UDP;
	return proto == WN_PROTO_TCP &&
	       (kind == WN_REPLY_SYN_ACK || kind == WN_REPLY_RST || kind == WN_REPLY_TCP_OTHER);
}

static bool within(const struct sim_io *sio, uint16_t port)
{
	for (unsigned i = 0; i < sio->more_count; i++)
		if (sio->more[i] == port)
			return true;
	return wn_ports_within(sio->io.sport, sio->config.port_span, port);
}

static bool is_ours(const struct sim_io *sio, const struct wn_reply *r)
{
	const struct wn_quote *q = &r->quote;

	if (r->from.family != sio->config.family)
		return false;
	if (r->kind == WN_REPLY_ECHO)
		return sio->config.proto == WN_PROTO_ICMP && within(sio, r->icmp_id);
	if (is_direct(r->kind, sio->config.proto))
		return within(sio, r->dport);
	if (!q->present || !q->l4_present ||
		q->proto != wn_ip_proto(sio->config.proto, sio->config.family))
		return false;
	return within(sio, sio->config.proto == WN_PROTO_ICMP ? q->icmp_id : q->sport);
}

/* The first that a reply may be for; several only when they share ports. */
static struct sim_io *find_owner(struct sim_io *sio, const struct wn_reply *r)
{
	if (is_ours(sio, r))
		return sio;
	for (struct sim_io *m = sio->hub->members; m; m = m->next)
		if (is_ours(m, r))
			return m;
	return NULL;
}

static bool make_queue(struct sim_io *sio)
{
	uint32_t cap = sio->config.outstanding * 2;

	if (sio->queue)
		return true;
	cap = cap < QUEUE_MIN ? QUEUE_MIN : cap;
	sio->queue = wn_calloc(cap, sizeof(*sio->queue));
	sio->queue_cap = cap;
	return sio->queue != NULL;
}

static void hand_over(struct sim_io *to, const struct wn_rx *rx)
{
	if (!make_queue(to) || to->queue_len == to->queue_cap) {
		to->io.counters.overflow++;
		return;
	}
	to->queue[(to->queue_head + to->queue_len++) % to->queue_cap] = *rx;
}

static bool take_queued(struct sim_io *sio, struct wn_rx *rx)
{
	if (!sio->queue_len)
		return false;
	*rx = sio->queue[sio->queue_head];
	sio->queue_head = (sio->queue_head + 1) % sio->queue_cap;
	sio->queue_len--;
	return true;
}

/* The same gate as for real packets: what is not whole or not intact never becomes a reply. */
static bool read_packet(struct sim_io *sio, const uint8_t *bytes, size_t len, struct wn_reply *out)
{
	struct wn_counters_io *count = &sio->io.counters;
	wn_err err = wn_wire_parse(bytes, len, out);

	if (err == WN_ETRUNC || (err == WN_OK && out->truncated))
		count->truncated++;
	else if (err == WN_EPARSE || (err == WN_OK && out->checksum_bad))
		count->corrupt++;
	else if (err != WN_OK)
		count->foreign++;
	else
		return true;
	return false;
}

/* One packet out of the network; true when it is for sio and rx is filled. */
static bool take_packet(struct sim_io *sio, struct wn_rx *rx, uint64_t now_ns, bool *out_empty)
{
	uint8_t bytes[WN_PACKET_MAX];
	struct sim_io *owner;
	uint64_t at_ns;
	size_t len = wn_sim_recv(sio->sim, now_ns, bytes, sizeof(bytes), &at_ns);

	*out_empty = len == 0;
	if (!len)
		return false;
	memset(rx, 0, sizeof(*rx));
	if (!read_packet(sio, bytes, len, &rx->reply))
		return false;
	rx->kind = WN_RX_REPLY;
	rx->at_ns = at_ns;
	rx->clock = WN_CLOCK_SIM;
	rx->reply.hint_id = WN_HINT_NONE;
	owner = find_owner(sio, &rx->reply);
	if (owner == sio)
		return true;
	if (owner)
		hand_over(owner, rx);
	else
		sio->io.counters.foreign++;
	return false;
}

static size_t sim_recv(struct wn_io *io, struct wn_rx *rx, size_t n, uint64_t now_ns)
{
	struct sim_io *sio = (struct sim_io *)io;
	size_t done = 0;
	bool empty = false;

	while (done < n && take_queued(sio, &rx[done]))
		done++;
	while (done < n && !empty)
		done += take_packet(sio, &rx[done], now_ns, &empty);
	return done;
}

static void send_one(struct sim_io *sio, struct wn_tx *tx, uint64_t now_ns)
{
	uint8_t bytes[WN_PACKET_MAX];
	struct wn_probe p = tx->probe;
	size_t len;

	if (!p.src.family)
		p.src = sio->config.src;
	tx->sys = 0;
	tx->tx_ns = now_ns;
	tx->clock = WN_CLOCK_SIM;
	tx->err = wn_wire_build(&p, bytes, sizeof(bytes), &len);
	if (tx->err == WN_OK)
		tx->err = wn_sim_send(sio->sim, bytes, len, now_ns);
}

static size_t sim_send(struct wn_io *io, struct wn_tx *tx, size_t n, uint64_t now_ns)
{
	for (size_t i = 0; i < n; i++)
		send_one((struct sim_io *)io, &tx[i], now_ns);
	return n;
}

static int sim_fd(const struct wn_io *io)
{
	(void)io;
	return -1;
}

static uint64_t sim_next(const struct wn_io *io)
{
	const struct sim_io *sio = (const struct sim_io *)io;

	return sio->queue_len ? 0 : wn_sim_next(sio->sim);
}

static void sim_forget(struct wn_io *io, uint64_t id)
{
	/* A simulated probe holds nothing. */
	(void)io;
	(void)id;
}

static void leave_hub(struct sim_io *sio)
{
	struct sim_io **at = &sio->hub->members;

	while (*at != sio)
		at = &(*at)->next;
	*at = sio->next;
	if (sio->hub->members)
		return;
	*wn_sim_user(sio->sim) = NULL;
	wn_free(sio->hub);
}

static void sim_close(struct wn_io *io)
{
	struct sim_io *sio = (struct sim_io *)io;

	leave_hub(sio);
	wn_free(sio->queue);
	wn_free(sio);
}

static wn_err sim_add_port(struct wn_io *io, uint16_t port, struct wn_errctx *ctx)
{
	struct sim_io *sio = (struct sim_io *)io;

	if (within(sio, port))
		return WN_OK;
	if (sio->more_count == MORE_MAX)
		return wn_fail(ctx, WN_EFULL, "more than %u source ports", MORE_MAX);
	sio->more[sio->more_count++] = port;
	return WN_OK;
}

static const struct wn_io_ops sim_ops = {
	.send_batch = sim_send,
	.recv_batch = sim_recv,
	.fd = sim_fd,
	.next_ns = sim_next,
	.add_port = sim_add_port,
	.forget = sim_forget,
	.close = sim_close,
};

static wn_err join_hub(struct sim_io *sio)
{
	void **place = wn_sim_user(sio->sim);
	struct hub *hub = *place;

	if (!hub) {
		hub = wn_calloc(1, sizeof(*hub));
		if (!hub)
			return WN_ENOMEM;
		hub->next_port = PORT_FIRST;
		*place = hub;
	}
	sio->hub = hub;
	sio->next = hub->members;
	hub->members = sio;
	return WN_OK;
}

/* A range of ports from first on would collide with another member's. */
static bool is_taken(const struct sim_io *sio, uint32_t first)
{
	for (const struct sim_io *m = sio->hub->members; m; m = m->next) {
		uint32_t theirs = m->io.sport;

		if (m == sio || m->config.proto != sio->config.proto ||
			m->config.family != sio->config.family)
			continue;
		if (first < theirs + m->config.port_span && theirs < first + sio->config.port_span)
			return true;
	}
	return false;
}

static wn_err choose_port(struct sim_io *sio, struct wn_errctx *ctx)
{
	uint32_t span = sio->config.port_span;
	struct hub *hub = sio->hub;

	if (sio->config.sport) {
		if (is_taken(sio, sio->config.sport))
			return wn_fail(ctx, WN_EADDRINUSE, "source port %u is in use",
				(unsigned)sio->config.sport);
		sio->io.sport = sio->config.sport;
		return WN_OK;
	}
	for (uint32_t tries = 0; tries < PORT_END - PORT_FIRST; tries++) {
		uint32_t first = hub->next_port;

		if (first + span > PORT_END) {
			hub->next_port = span > PORT_END - PORT_FIRST ? PORT_LOW : PORT_FIRST;
			continue;
		}
		hub->next_port += span;
		if (is_taken(sio, first))
			continue;
		sio->io.sport = (uint16_t)first;
		return WN_OK;
	}
	return wn_fail(ctx, WN_EADDRINUSE, "no %u free source ports in a row", (unsigned)span);
}

static void tell_caps(struct wn_caps *caps)
{
	*caps = (struct wn_caps){
		.sends_ip_id = true,
		.sends_checksum = true,
		.sends_icmp_id = true,
		.sends_flow_label = true,
		.sees_quote_l4 = true,
		.sees_quote_ip = true,
		.sees_reply_ttl = true,
		.sees_extensions = true,
		.sees_foreign = true,
		.tx_clock = WN_CLOCK_SIM,
		.rx_clock = WN_CLOCK_SIM,
	};
	wn_fmt(caps->name, sizeof(caps->name), "sim");
}

wn_err wn_io_sim_open(
	const struct wn_io_config *c, struct wn_sim *sim, struct wn_io **out, struct wn_errctx *ctx)
{
	struct sim_io *sio;
	wn_err err = wn_io_config_check(c, ctx);

	*out = NULL;
	if (err != WN_OK)
		return err;
	sio = wn_calloc(1, sizeof(*sio));
	if (!sio)
		return wn_fail(ctx, WN_ENOMEM, "no memory for a back end");
	sio->io.ops = &sim_ops;
	sio->config = *c;
	sio->sim = sim;
	tell_caps(&sio->io.caps);
	if (!sio->config.src.family)
		sio->config.src = wn_topo_source(wn_sim_topo(sim), c->family);
	if (!sio->config.src.family) {
		wn_free(sio);
		return wn_fail(ctx, WN_EADDRNOTAVAIL,
			"the source of the simulated network has no IPv%u address",
			(unsigned)c->family);
	}
	if (join_hub(sio) != WN_OK) {
		wn_free(sio);
		return wn_fail(ctx, WN_ENOMEM, "no memory for a back end");
	}
	err = choose_port(sio, ctx);
	if (err != WN_OK) {
		sim_close(&sio->io);
		return err;
	}
	*out = &sio->io;
	return WN_OK;
}
