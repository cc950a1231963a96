/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address translation without a table: there is one source, so a packet itself tells what it was
 * before. Source NAT maps the source to an outer address; destination NAT maps an outer address
 * to a host behind, and everything that comes back about that host, time exceeded of routers
 * included, comes from the outer address, as Linux does it.
 */
#include "sim/model.h"

#include <string.h>

#define ICMP_HEADER 8

/* The packet quoted by an ICMP error in p; NULL when p is none. */
static uint8_t *quote_of(const struct wn_sim_pkt *p, const struct wn_wire_head *h, size_t *out_len)
{
	size_t at = h->l4_offset + ICMP_HEADER;

	if (!wn_sim_is_error(h) || at >= p->len)
		return NULL;
	*out_len = p->len - at;
	return p->data + at;
}

/* Where the checksum of the quoted transport header is, which must be there; NULL elsewhere. */
static uint8_t *quoted_sum(uint8_t *quote, size_t len)
{
	struct wn_wire_head q;
	size_t at;

	if (wn_wire_head(quote, len, &q))
		return NULL;
	at = q.l4_offset + (q.proto == WN_IP_UDP ? 6u : q.proto == WN_IP_TCP ? 16u : 2u);
	return at + 2 <= len ? quote + at : NULL;
}

struct end { /* of a packet */
	const struct wn_addr *addr;
	uint16_t port; /* 0: stays */
	bool source;
};

/*
 * Changes one end of the quoted packet. The checksum of the error moves along by the difference,
 * so that a corrupt one stays corrupt (RFC 1624).
 */
static void rewrite_quote(struct wn_sim_pkt *p, const struct wn_wire_head *h, const struct end *to,
	bool keep_checksum)
{
	size_t len;
	uint8_t *quote = quote_of(p, h, &len), *inner;
	uint8_t *csum = p->data + h->l4_offset + 2, was[2];
	uint32_t sum;
	uint16_t now;

	if (!quote)
		return;
	sum = (uint16_t) ~(csum[0] << 8 | csum[1]);
	sum += wn_csum_finish(wn_csum_add(0, quote, len));
	inner = keep_checksum ? quoted_sum(quote, len) : NULL;
	if (inner)
		memcpy(was, inner, sizeof was);
	if (to->source)
		wn_wire_set_src(quote, len, to->addr, to->port);
	else
		wn_wire_set_dst(quote, len, to->addr, to->port);
	if (inner)
		memcpy(inner, was, sizeof was);
	now = wn_csum_finish(wn_csum_add(sum, quote, len));
	csum[0] = (uint8_t)(now >> 8);
	csum[1] = (uint8_t)now;
}

/* The port or ICMP id that identifies the flow at the source's side. */
static uint16_t source_port(const struct wn_wire_head *h)
{
	return h->proto == WN_IP_UDP || h->proto == WN_IP_TCP ? h->sport : h->icmp_id;
}

static uint16_t dest_port(const struct wn_wire_head *h)
{
	return h->proto == WN_IP_UDP || h->proto == WN_IP_TCP ? h->dport : h->icmp_id;
}

const struct wn_topo_nat *wn_sim_nat_for(
	const struct wn_sim *s, uint32_t node, const struct wn_addr *dst)
{
	const struct wn_topo_node *n = &s->topo->nodes[node];

	for (unsigned i = 0; i < n->nat_count; i++)
		if (n->nat[i].dest && wn_addr_eq(&n->nat[i].outer, dst))
			return &n->nat[i];
	return NULL;
}

bool wn_sim_nat_dest(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	const struct wn_topo_nat *nat = wn_sim_nat_for(s, p->node, &h->dst);

	return nat && wn_wire_set_dst(p->data, p->len, &nat->inner, 0) == WN_OK;
}

/* Whom source NAT hides: the source, or the outer address of another NAT before. */
static struct wn_addr hidden(const struct wn_sim *s, const struct wn_topo_nat *nat)
{
	return nat->inner.family ? nat->inner : wn_topo_source(s->topo, nat->outer.family);
}

/* Back to the source through its source NAT. */
static bool undo_source(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	const struct wn_topo_nat *nat)
{
	struct wn_addr inner = hidden(s, nat);
	uint16_t port = dest_port(h);
	struct wn_wire_head q;
	size_t len;
	const uint8_t *quote;

	if (!inner.family)
		return false;
	if (!wn_sim_is_error(h)) {
		if (nat->port_shift)
			port = (uint16_t)(port - nat->port_shift);
		return wn_wire_set_dst(p->data, p->len, &inner, port) == WN_OK;
	}
	quote = quote_of(p, h, &len);
	if (quote && !nat->keep_quotes && wn_wire_head(quote, len, &q) == WN_OK &&
		wn_addr_eq(&q.src, &nat->outer)) {
		port = (uint16_t)(source_port(&q) - nat->port_shift);
		rewrite_quote(p, h,
			&(struct end){&inner, nat->port_shift ? port : (uint16_t)0, true},
			nat->keep_checksum);
	}
	return wn_wire_set_dst(p->data, p->len, &inner, 0) == WN_OK;
}

/* Something about the host behind destination NAT leaves for the source. */
static bool undo_dest(
	struct wn_sim_pkt *p, const struct wn_wire_head *h, const struct wn_topo_nat *nat)
{
	struct wn_wire_head q;
	size_t len;
	const uint8_t *quote = quote_of(p, h, &len);

	if (!quote) {
		if (!wn_addr_eq(&h->src, &nat->inner))
			return false;
		return wn_wire_set_src(p->data, p->len, &nat->outer, 0) == WN_OK;
	}
	if (wn_wire_head(quote, len, &q) || !wn_addr_eq(&q.dst, &nat->inner))
		return false;
	if (!nat->keep_quotes)
		rewrite_quote(p, h, &(struct end){&nat->outer, 0, false}, nat->keep_checksum);
	return wn_wire_set_src(p->data, p->len, &nat->outer, 0) == WN_OK;
}

bool wn_sim_nat_in(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];

	for (unsigned i = 0; i < n->nat_count; i++) {
		const struct wn_topo_nat *nat = &n->nat[i];

		if (nat->dest ? undo_dest(p, h, nat)
			      : wn_addr_eq(&nat->outer, &h->dst) && undo_source(s, p, h, nat))
			return true;
	}
	return false;
}

bool wn_sim_nat_out(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];

	for (unsigned i = 0; i < n->nat_count && p->in_edge != WN_TOPO_NONE; i++) {
		const struct wn_topo_nat *nat = &n->nat[i];
		uint16_t port = (uint16_t)(source_port(h) + nat->port_shift);
		struct wn_addr inner = hidden(s, nat);

		if (nat->dest || !wn_addr_eq(&inner, &h->src))
			continue;
		return wn_wire_set_src(p->data, p->len, &nat->outer, nat->port_shift ? port : 0) ==
		       WN_OK;
	}
	return false;
}
