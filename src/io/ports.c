/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing and holding source ports. */
#include "io/ports.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "io/sock.h"
#include "os/os.h"

#define PORT_LOW	  32768u
#define PORT_END	  65536u
#define PORT_UNPRIVILEGED 1024u
#define CHOOSE_TRIES	  64
#define MARK_TRIES	  32 /* of these */
/*
 * Classic traces walk up the destination ports. When the target is this machine, a probe to one
 * of our own source ports would be taken for an answer, so the two ranges stay apart.
 */
#define DPORT_WALK 1024

static bool meets_targets(const struct wn_io_config *c, uint32_t first)
{
	return first < (uint32_t)c->dport + DPORT_WALK && first + c->port_span > c->dport;
}

static uint32_t random_first(const struct wn_io_config *c)
{
	uint32_t random = 0, room = PORT_END - PORT_LOW - c->port_span + 1;

	for (int i = 0; i < CHOOSE_TRIES; i++) {
		uint32_t first;

		if (wn_os_entropy(&random, sizeof(random)) != WN_OK)
			return 0;
		first = PORT_LOW + random % room;
		if (!meets_targets(c, first))
			return first;
	}
	return PORT_LOW + random % room;
}

wn_err wn_ports_choose(const struct wn_io_config *c, wn_port_claim *claim, void *user,
	uint16_t *out, struct wn_errctx *ctx)
{
	wn_err err = WN_EADDRINUSE;

	if (c->port_span == 0 || c->port_span > PORT_END - PORT_LOW ||
		c->sport + c->port_span > PORT_END)
		return wn_fail(ctx, WN_ERANGE, "%u source ports from %u on do not exist",
			(unsigned)c->port_span, (unsigned)c->sport);
	if (c->sport) {
		*out = c->sport;
		return claim(user, c->sport, ctx);
	}
	for (int i = 0; i < CHOOSE_TRIES && err == WN_EADDRINUSE; i++) {
		uint32_t first = random_first(c);

		if (first == 0)
			return wn_fail(ctx, WN_ESYS, "no random numbers from the kernel");
		*out = (uint16_t)first;
		err = claim(user, *out, ctx);
	}
	return err;
}

bool wn_ports_within(uint16_t first, uint32_t span, uint16_t port)
{
	return port >= first && (uint32_t)(port - first) < span;
}

wn_err wn_ports_bind(int fd, const struct wn_io_config *c, uint16_t port, struct wn_errctx *ctx)
{
	struct wn_addr any = {.family = c->family};
	const struct wn_addr *src = c->src.family ? &c->src : &any;
	char text[WN_ADDR_STRLEN];
	union wn_sa sa;
	socklen_t len = wn_sa_set(&sa, src, port, wn_sock_ifindex(c));

	if (bind(fd, &sa.any, len) == 0)
		return WN_OK;
	switch (errno) {
	case EADDRINUSE:
		return wn_fail_sys(ctx, WN_EADDRINUSE, errno,
			"source port %u is in use by another program", (unsigned)port);
	case EACCES:
	case EPERM:
		return wn_fail_sys(ctx, WN_EPERM, errno,
			"source port %u needs the capability CAP_NET_BIND_SERVICE", (unsigned)port);
	case EADDRNOTAVAIL:
		return wn_fail_sys(ctx, WN_EADDRNOTAVAIL, errno,
			"%s is not an address of this machine", wn_addr_str(src, text));
	default:
		return wn_fail_sys(ctx, WN_ESYS, errno, "cannot bind source port %u: %s",
			(unsigned)port, strerror(errno));
	}
}

wn_err wn_ports_hold(struct wn_ports *p, uint16_t port, struct wn_errctx *ctx)
{
	int *slot = &p->fds[port - p->first];

	return *slot >= 0 ? WN_OK : wn_ports_hold_one(p, port, slot, ctx);
}

wn_err wn_ports_hold_one(
	const struct wn_ports *p, uint16_t port, int *out_fd, struct wn_errctx *ctx)
{
	int fd;
	wn_err err = wn_sock_open(p->config, p->type, 0, &fd, ctx);

	if (err != WN_OK)
		return err;
	/* Nothing is read from it: what it would queue only costs memory. */
	wn_sock_set(fd, SOL_SOCKET, SO_RCVBUF, 0);
	/*
	 * Sockets that may share their port share it with those of other programs, too. So a port
	 * that we choose is bound alone at first; one that was asked for may have connections left.
	 */
	if (p->shared && p->config->sport)
		wn_sock_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	err = wn_ports_bind(fd, p->config, port, ctx);
	if (p->shared)
		wn_sock_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (err != WN_OK)
		wn_sock_close(&fd);
	else
		*out_fd = fd;
	return err;
}

bool wn_ports_is_held(const struct wn_ports *p, uint16_t port)
{
	return wn_ports_within(p->first, p->span, port) && p->fds[port - p->first] >= 0;
}

static void release(struct wn_ports *p)
{
	for (uint32_t i = 0; i < p->span; i++)
		wn_sock_close(&p->fds[i]);
}

static bool is_bound_early(const struct wn_ports *p, uint32_t i, bool marked)
{
	/* Those that need a privilege are bound while it is there. */
	if (p->first + i < PORT_UNPRIVILEGED)
		return true;
	return i < WN_PORTS_EAGER || (marked && (i % WN_PORTS_EAGER == 0 || i == p->span - 1));
}

static wn_err claim(void *user, uint16_t first, struct wn_errctx *ctx)
{
	struct wn_ports *p = user;
	/* A place that somebody asked for is not refused for a mark. */
	bool marked = p->config->sport == 0 && p->tries++ < MARK_TRIES;

	p->first = first;
	for (uint32_t i = 0; i < p->span; i++) {
		wn_err err = is_bound_early(p, i, marked)
				     ? wn_ports_hold(p, (uint16_t)(first + i), ctx)
				     : WN_OK;

		if (err != WN_OK) {
			release(p);
			return err;
		}
	}
	return WN_OK;
}

wn_err wn_ports_open(struct wn_ports *p, const struct wn_io_config *config, int type, bool shared,
	struct wn_errctx *ctx)
{
	uint16_t first;
	wn_err err;

	p->config = config;
	p->type = type;
	p->shared = shared;
	p->span = config->port_span;
	p->fds = wn_calloc(p->span, sizeof(*p->fds));
	if (!p->fds) {
		p->span = 0;
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < p->span; i++)
		p->fds[i] = -1;
	err = wn_ports_choose(config, claim, p, &first, ctx);
	if (err != WN_OK)
		wn_ports_close(p);
	return err;
}

void wn_ports_close(struct wn_ports *p)
{
	if (p->fds)
		release(p);
	wn_free(p->fds);
	p->fds = NULL;
	p->span = 0;
}
