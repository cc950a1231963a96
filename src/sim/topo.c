/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topology as data: growing it while it is read, the indices that forwarding needs, and the
 * questions others ask about it.
 */
#include "sim/topo.h"

#include <string.h>
#include "base/alloc.h"
#include "base/sort.h"

void *wn_topo_grow(void **array, uint32_t *count, size_t item_bytes)
{
	/* Capacities are the powers of two from 8: a full one is recognised by its count. */
	if (*count == 0 || (*count >= 8 && (*count & (*count - 1)) == 0)) {
		void *more = wn_realloc(*array, *count ? (size_t)*count * 2 : 8, item_bytes);

		if (!more)
			return NULL;
		*array = more;
	}
	return memset((char *)*array + (size_t)(*count)++ * item_bytes, 0, item_bytes);
}

void wn_topo_free(struct wn_topo *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->node_count; i++)
		wn_free(t->nodes[i].host);
	wn_free(t->nodes);
	wn_free(t->links);
	wn_free(t->routes);
	wn_free(t->hops);
	wn_free(t->lsps);
	wn_free(t->locals);
	wn_free(t->owned);
	wn_free(t->edge_start);
	wn_free(t->edges);
	wn_free(t->route_start);
	wn_free(t);
}

uint32_t wn_topo_node_by_name(const struct wn_topo *t, const char *name)
{
	for (uint32_t i = 0; i < t->node_count; i++)
		if (strcmp(t->nodes[i].name, name) == 0)
			return i;
	return WN_TOPO_NONE;
}

uint32_t wn_topo_edge_between(const struct wn_topo *t, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < t->link_count; i++)
		for (uint32_t d = 0; d < 2; d++)
			if (t->links[i].end[d] == from && t->links[i].end[1 - d] == to)
				return i * 2 + d;
	return WN_TOPO_NONE;
}

bool wn_topo_transits(const struct wn_topo *t, uint32_t node)
{
	return !t->nodes[node].is_host && node != t->source;
}

/* Edges grouped by the node they leave, each group in the order of the file. */
static wn_err index_edges(struct wn_topo *t)
{
	uint32_t *fill;

	t->edge_start = wn_calloc((size_t)t->node_count + 1, sizeof *t->edge_start);
	t->edges = wn_calloc((size_t)t->link_count * 2 + 1, sizeof *t->edges);
	fill = wn_calloc(t->node_count, sizeof *fill);
	if (!t->edge_start || !t->edges || !fill) {
		wn_free(fill);
		return WN_ENOMEM;
	}
	for (uint32_t e = 0; e < t->link_count * 2; e++)
		t->edge_start[wn_topo_edge_from(t, e) + 1]++;
	for (uint32_t n = 0; n < t->node_count; n++) {
		t->edge_start[n + 1] += t->edge_start[n];
		fill[n] = t->edge_start[n];
	}
	for (uint32_t e = 0; e < t->link_count * 2; e++)
		t->edges[fill[wn_topo_edge_from(t, e)]++] = e;
	wn_free(fill);
	return WN_OK;
}

/* Routes grouped by node, each group in the order of the file. */
static wn_err index_routes(struct wn_topo *t)
{
	struct wn_topo_route *sorted = wn_calloc((size_t)t->route_count + 1, sizeof *sorted);
	uint32_t at = 0;

	t->route_start = wn_calloc((size_t)t->node_count + 1, sizeof *t->route_start);
	if (!sorted || !t->route_start) {
		wn_free(sorted);
		return WN_ENOMEM;
	}
	for (uint32_t i = 0; i < t->route_count; i++)
		t->route_start[t->routes[i].node + 1]++;
	for (uint32_t n = 0; n < t->node_count; n++) {
		uint32_t end = t->route_start[n + 1] + at;

		for (uint32_t i = 0; i < t->route_count && at < end; i++)
			if (t->routes[i].node == n)
				sorted[at++] = t->routes[i];
		t->route_start[n + 1] = end;
	}
	wn_free(t->routes);
	t->routes = sorted;
	return WN_OK;
}

static wn_err add_local(struct wn_topo *t, const struct wn_addr *a, uint32_t node, bool back)
{
	struct wn_topo_local *l;

	if (!a->family)
		return WN_OK;
	l = wn_topo_grow((void **)&t->locals, &t->local_count, sizeof *l);
	if (!l)
		return WN_ENOMEM;
	l->addr = *a;
	l->node = node;
	l->back = back;
	return WN_OK;
}

static wn_err collect_node(struct wn_topo *t, uint32_t i)
{
	const struct wn_topo_node *n = &t->nodes[i];
	wn_err err = WN_OK;

	for (unsigned f = 0; f < 2; f++)
		for (unsigned k = 0; k < n->addr_count[f] && !err; k++)
			err = add_local(t, &n->addr[f][k], i, i == t->source);
	for (unsigned k = 0; k < n->nat_count && !err; k++)
		err = add_local(t, &n->nat[k].outer, i, !n->nat[k].dest);
	return err;
}

static wn_err collect_locals(struct wn_topo *t)
{
	wn_err err = WN_OK;

	for (uint32_t i = 0; i < t->node_count && !err; i++)
		err = collect_node(t, i);
	for (uint32_t i = 0; i < t->link_count && !err; i++) {
		const struct wn_topo_link *l = &t->links[i];

		for (unsigned k = 0; k < 4 && !err; k++)
			err = add_local(t, &l->addr[k / 2][k % 2], l->end[k / 2],
				l->end[k / 2] == t->source);
	}
	return err;
}

static bool is_less(const void *locals, size_t a, size_t b)
{
	const struct wn_topo_local *v = locals;
	int c = wn_addr_cmp(&v[a].addr, &v[b].addr);

	return c ? c < 0 : v[a].node < v[b].node;
}

static void sort_locals(struct wn_topo_local *v, uint32_t n)
{
	wn_sort_array(v, n, sizeof(*v), is_less);
}

/* Sorted as they come: few nodes own prefixes. */
static wn_err index_owned(struct wn_topo *t)
{
	for (uint32_t i = 0; i < t->node_count; i++) {
		for (unsigned k = 0; k < t->nodes[i].owned_count; k++) {
			struct wn_topo_owned new = {t->nodes[i].owned[k], i};
			uint32_t at = t->owned_count;

			if (!wn_topo_grow((void **)&t->owned, &t->owned_count, sizeof *t->owned))
				return WN_ENOMEM;
			for (; at && t->owned[at - 1].prefix.len < new.prefix.len; at--)
				t->owned[at] = t->owned[at - 1];
			t->owned[at] = new;
		}
	}
	return WN_OK;
}

static wn_err index_locals(struct wn_topo *t, struct wn_errctx *ctx)
{
	char text[WN_ADDR_STRLEN];
	wn_err err = collect_locals(t);

	if (!err)
		err = index_owned(t);
	if (err)
		return wn_fail(ctx, err, "no memory for a topology");
	sort_locals(t->locals, t->local_count);
	for (uint32_t i = 1; i < t->local_count; i++) {
		const struct wn_topo_local *a = &t->locals[i - 1], *b = &t->locals[i];

		if (a->node != b->node && wn_addr_eq(&a->addr, &b->addr))
			return wn_fail(ctx, WN_EPARSE, "the address %s stands at both %s and %s",
				wn_addr_str(&a->addr, text), t->nodes[a->node].name,
				t->nodes[b->node].name);
	}
	return WN_OK;
}

wn_err wn_topo_finish(struct wn_topo *t, struct wn_errctx *ctx)
{
	if (t->source == WN_TOPO_NONE)
		return wn_fail(
			ctx, WN_EPARSE, "the topology has no source: add a line \"source NODE\"");
	if (!t->nodes[t->source].addr_count[0] && !t->nodes[t->source].addr_count[1])
		return wn_fail(ctx, WN_EPARSE,
			"the source %s has no address: give it addr or addr6",
			t->nodes[t->source].name);
	for (uint32_t i = 0; i < t->route_count; i++)
		if (t->routes[i].dest == WN_ROUTE_NODE && t->routes[i].dest_node == WN_TOPO_NONE)
			t->routes[i].dest_node = t->source;
	if (index_edges(t) || index_routes(t))
		return wn_fail(ctx, WN_ENOMEM, "no memory for a topology");
	return index_locals(t, ctx);
}

static const struct wn_topo_local *find_local(const struct wn_topo *t, const struct wn_addr *addr)
{
	uint32_t lo = 0, hi = t->local_count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = wn_addr_cmp(&t->locals[mid].addr, addr);

		if (c == 0)
			return &t->locals[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

uint32_t wn_topo_owner(const struct wn_topo *t, const struct wn_addr *addr, bool *out_back)
{
	const struct wn_topo_local *l = find_local(t, addr);

	*out_back = l && l->back;
	if (l)
		return l->node;
	for (uint32_t i = 0; i < t->owned_count; i++)
		if (wn_prefix_contains(&t->owned[i].prefix, addr))
			return t->owned[i].node;
	return WN_TOPO_NONE;
}

struct wn_addr wn_topo_source(const struct wn_topo *t, uint8_t family)
{
	const struct wn_topo_node *n = &t->nodes[t->source];
	unsigned f = wn_topo_fam(family);

	return n->addr_count[f] ? n->addr[f][0] : (struct wn_addr){0};
}

struct wn_addr wn_topo_target(const struct wn_topo *t, uint8_t family)
{
	return t->target[wn_topo_fam(family)];
}

const char *wn_topo_name_of(const struct wn_topo *t, const struct wn_addr *addr)
{
	bool back;
	uint32_t node = wn_topo_owner(t, addr, &back);

	return node == WN_TOPO_NONE ? NULL : t->nodes[node].host;
}

/* Takes index down by count; true when it lies within, then *index is the place there. */
static bool within(size_t *index, size_t count)
{
	if (*index < count)
		return true;
	*index -= count;
	return false;
}

bool wn_topo_prefix(const struct wn_topo *t, size_t index, struct wn_prefix *out)
{
	if (within(&index, t->local_count)) {
		out->addr = t->locals[index].addr;
		out->len = out->addr.family == 4 ? 32 : 128;
		return true;
	}
	if (within(&index, t->owned_count)) {
		*out = t->owned[index].prefix;
		return true;
	}
	for (uint32_t i = 0; i < t->node_count; i++) {
		const struct wn_topo_node *n = &t->nodes[i];

		for (unsigned k = 0; k < n->block_count; k++) {
			if (!n->block[k].all && within(&index, 1)) {
				*out = n->block[k].prefix;
				return true;
			}
		}
	}
	for (uint32_t i = 0; i < t->route_count; i++) {
		if (t->routes[i].dest == WN_ROUTE_PREFIX && within(&index, 1)) {
			*out = t->routes[i].prefix;
			return true;
		}
	}
	return false;
}

uint16_t wn_topo_mtu(const struct wn_topo *t)
{
	uint32_t first = t->edge_start[t->source];

	return first < t->edge_start[t->source + 1] ? t->links[t->edges[first] / 2].mtu : 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* DNS names: case does not count, nor does the root's dot. */
static bool same_name(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return (*a == 0 || strcmp(a, ".") == 0) && (*b == 0 || strcmp(b, ".") == 0);
}

struct wn_addr wn_topo_addr_of(const struct wn_topo *t, const char *name, uint8_t family)
{
	unsigned f = wn_topo_fam(family);

	for (uint32_t i = 0; i < t->node_count; i++) {
		const struct wn_topo_node *n = &t->nodes[i];

		if (n->addr_count[f] &&
			((n->host && same_name(n->host, name)) || same_name(n->name, name)))
			return n->addr[f][0];
	}
	return (struct wn_addr){0};
}
