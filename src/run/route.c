/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes that the kernel has told once. To ask it takes sockets and some microseconds, and
 * thousands of probes ask for few targets. What is kept counts only while nothing has changed that
 * a route may depend on, and that is looked at before each use: a change that was made before a
 * trace is started is never missed. Where changes cannot be watched nothing is kept.
 */
#include "run/run_priv.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/os.h"

#define KEPT 4096 /* pairs of neighbours, each a power of two */

struct wn_run_kept_route {
	uint64_t age; /* 0: none */
	struct wn_addr dst, src;
	char iface[32];
	uint32_t mark;
	struct wn_run_route route;
};

void wn_run_routes_init(struct wn_run_routes *r)
{
	*r = (struct wn_run_routes){
		.changes_fd = -1, .asker = WN_OS_ASKER_NONE, .age = 1, .burst = UINT64_MAX};
}

void wn_run_routes_fini(struct wn_run_routes *r)
{
	if (r->changes_fd >= 0)
		close(r->changes_fd);
	wn_os_asker_close(&r->asker);
	wn_free(r->kept);
}

/* Opened before the first answer is kept, so that no change after it is missed. */
static bool may_keep(struct wn_run_routes *r, bool look)
{
	if (r->changes_fd < 0)
		r->changes_fd = wn_os_changes_open();
	if (r->changes_fd >= 0 && !r->kept)
		r->kept = wn_calloc(KEPT, sizeof(*r->kept));
	if (r->changes_fd < 0 || !r->kept)
		return false;
	if (look && wn_os_changes_any(r->changes_fd)) {
		r->age++;
		r->asker.ifindex = 0;
	}
	return true;
}

static struct wn_run_kept_route *place_of(
	const struct wn_run_routes *r, const struct wn_run_way *way)
{
	uint64_t h = wn_addr_hash(&way->dst) ^ wn_addr_hash(&way->src) << 1 ^ way->mark;

	return &r->kept[h & (KEPT - 1)];
}

static bool is_for(const struct wn_run_routes *r, const struct wn_run_kept_route *k,
	const struct wn_run_way *way)
{
	return k->age == r->age && k->mark == way->mark && wn_addr_eq(&k->dst, &way->dst) &&
	       wn_addr_eq(&k->src, &way->src) && strcmp(k->iface, way->iface) == 0;
}

static const struct wn_run_route *find_kept(
	const struct wn_run_routes *r, const struct wn_run_way *way)
{
	struct wn_run_kept_route *k = place_of(r, way), *other = &r->kept[(k - r->kept) ^ 1];

	if (is_for(r, k, way))
		return &k->route;
	return is_for(r, other, way) ? &other->route : NULL;
}

/* What was there before moves next door, where it displaces another one. */
static void keep(
	struct wn_run_routes *r, const struct wn_run_way *way, const struct wn_run_route *route)
{
	struct wn_run_kept_route *k = place_of(r, way);
	size_t len = strlen(way->iface);

	if (len >= sizeof(k->iface))
		return;
	if (k->age == r->age)
		r->kept[(k - r->kept) ^ 1] = *k;
	*k = (struct wn_run_kept_route){.age = r->age,
		.dst = way->dst,
		.src = way->src,
		.mark = way->mark,
		.route = *route};
	memcpy(k->iface, way->iface, len);
}

static wn_err ask(struct wn_run_routes *r, const struct wn_run_way *way, struct wn_run_route *out,
	struct wn_errctx *ctx)
{
	const struct wn_addr *src = way->src.family ? &way->src : NULL;
	struct wn_os_route route;
	wn_err err = src ? wn_os_addr_is_local(src, ctx) : WN_OK;

	if (err != WN_OK)
		return err;
	err = wn_os_route_ask(&r->asker, &way->dst, src, way->iface[0] ? way->iface : NULL,
		way->mark, &route, ctx);
	if (err != WN_OK)
		return err;
	*out = (struct wn_run_route){
		.src = route.src, .ifindex = route.ifindex, .link_mtu = route.link_mtu};
	return WN_OK;
}

wn_err wn_run_route_find(struct wn_run *run, const struct wn_run_way *way, struct wn_run_route *out,
	struct wn_errctx *ctx)
{
	struct wn_run_routes *r = &run->routes;
	bool keeping = may_keep(r, !way->in_burst || r->burst != run->round);
	const struct wn_run_route *known = keeping ? find_kept(r, way) : NULL;
	wn_err err;

	r->burst = way->in_burst ? run->round : r->burst;
	if (known) {
		r->known++;
		*out = *known;
		return WN_OK;
	}
	r->asked++;
	err = ask(r, way, out, ctx);
	if (!keeping)
		r->asker.ifindex = 0;
	else if (err == WN_OK)
		keep(r, way, out);
	return err;
}
