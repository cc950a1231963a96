/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes say: errors about packets that end at them, and the answers of their own ports.
 * Silence, rate limits and the shape of quotes are decided here and nowhere else.
 */
#include "sim/model.h"

#include <string.h>

#define ERROR_BYTES 1280 /* no ICMP error is longer: RFC 4443 2.4 c */
#define IP6_LONGER  20	 /* than an IPv4 header */
#define ERROR_TOS   0xc0 /* internetwork control, RFC 1812 4.3.2.5 */

#define ECHO4	    8
#define ECHO6	    128

bool wn_sim_is_error(const struct wn_wire_head *h)
{
	static const uint8_t errors4[] = {3, 4, 5, 11, 12};

	if (h->proto == WN_IP_ICMP6)
		return h->icmp_type < 128;
	return h->proto == WN_IP_ICMP && memchr(errors4, h->icmp_type, sizeof errors4);
}

static bool is_echo_request(const struct wn_wire_head *h)
{
	return (h->proto == WN_IP_ICMP && h->icmp_type == ECHO4) ||
	       (h->proto == WN_IP_ICMP6 && h->icmp_type == ECHO6);
}

bool wn_sim_intact(const uint8_t *data, size_t len, const struct wn_wire_head *h)
{
	size_t l4 = h->length - h->l4_offset;
	uint32_t sum = 0;

	if (h->length > len || h->l4_offset > h->length)
		return false;
	if (h->proto == WN_IP_UDP && h->checksum == 0 && h->src.family == 4)
		return true; /* RFC 768: not summed */
	if (h->proto != WN_IP_ICMP)
		sum = wn_csum_pseudo(&h->src, &h->dst, h->proto, (uint32_t)l4);
	return wn_csum_finish(wn_csum_add(sum, data + h->l4_offset, l4)) == 0;
}

/* The probe protocol that a packet stands for. */
static enum wn_proto proto_of(const struct wn_wire_head *h)
{
	if (h->proto == WN_IP_TCP)
		return WN_PROTO_TCP;
	return h->proto == WN_IP_ICMP || h->proto == WN_IP_ICMP6 ? WN_PROTO_ICMP : WN_PROTO_UDP;
}

static bool is_silent(const struct wn_topo_node *n, const struct wn_wire_head *h)
{
	return n->silent & 1u << proto_of(h);
}

/*
 * A token bucket as the generic cell rate algorithm: one time stands for the whole bucket, so
 * nothing rounds and nothing has to be refilled.
 */
static bool take_token(struct wn_sim *s, uint32_t node, uint64_t now_ns)
{
	const struct wn_topo_node *n = &s->topo->nodes[node];
	uint64_t tat = s->nodes[node].limit_tat_ns;

	if (!n->limit_interval_ns)
		return true;
	if (tat < now_ns)
		tat = now_ns;
	if (tat - now_ns > n->limit_interval_ns * (n->limit_burst - 1))
		return false;
	s->nodes[node].limit_tat_ns = tat + n->limit_interval_ns;
	return true;
}

/* Whether an answer is given at all; what the ground truth knows comes first. */
static bool may_answer(struct wn_sim *s, const struct wn_sim_pkt *p, const struct wn_wire_head *h,
	bool limited, const struct wn_sim_move *mv)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];

	if (is_silent(n, h)) {
		s->stats.silent += !mv->dry;
		return false;
	}
	if (mv->dry)
		return true;
	if (wn_sim_chance(s, n->drop_replies_ppb)) {
		s->stats.lost++;
		return false;
	}
	if (limited && !take_token(s, p->node, mv->now_ns)) {
		s->stats.limited++;
		return false;
	}
	return true;
}

/* The address of the interface by which p came in, else the node's own. */
static struct wn_addr responder(const struct wn_sim *s, const struct wn_sim_pkt *p, uint8_t family)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];
	unsigned f = wn_topo_fam(family);

	if (p->in_edge != WN_TOPO_NONE) {
		const struct wn_topo_link *l = &s->topo->links[p->in_edge / 2];
		const struct wn_addr *a = &l->addr[1 - p->in_edge % 2][f];

		if (a->family)
			return *a;
	}
	return n->addr_count[f] ? n->addr[f][0] : (struct wn_addr){0};
}

/* RFC 5837: by which interface the packet came in. */
static void tell_interface(const struct wn_sim *s, const struct wn_sim_pkt *p,
	const struct wn_addr *from, struct wn_ext *ext)
{
	const struct wn_topo_link *l = &s->topo->links[p->in_edge / 2];
	const char *peer = s->topo->nodes[l->end[p->in_edge % 2]].name;
	struct wn_ifinfo *info = &ext->ifinfo[ext->ifinfo_count++];
	size_t n = strlen(peer);

	ext->present = true;
	info->present = true;
	info->ifindex = p->in_edge / 2 + 1;
	info->addr = *from;
	info->mtu = l->mtu ? l->mtu : 1500;
	memcpy(info->name, "to-", 3);
	if (n > sizeof info->name - 4)
		n = sizeof info->name - 4;
	memcpy(info->name + 3, peer, n);
}

/* p takes the reply's bytes and begins anew at its node. */
static enum wn_sim_fate become(struct wn_sim *s, struct wn_sim_pkt *p, const uint8_t *data,
	size_t len, struct wn_sim_move *mv)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];

	if (!wn_sim_pkt_set(p, data, len)) {
		s->stats.overflow += !mv->dry;
		return WN_FATE_GONE;
	}
	p->in_edge = p->lsp = WN_TOPO_NONE;
	mv->replied = true;
	mv->delay_ns = n->reply_delay_ns;
	if (n->reply_jitter_ns && !mv->dry)
		mv->delay_ns += wn_rng_below(&s->rng, n->reply_jitter_ns + 1);
	return wn_sim_originate(s, p, mv);
}

/* The length that the quote is going to claim, in the bytes that are quoted. */
static void claim_length(const struct wn_topo_node *n, uint8_t *data, const struct wn_wire_head *h)
{
	uint8_t *at = data + (h->src.family == 4 ? 2 : 4);
	uint16_t length = (uint16_t)(at[0] << 8 | at[1]);

	if (n->quote_length == WN_QUOTE_SWAPPED)
		length = (uint16_t)(length << 8 | length >> 8);
	else if (n->quote_length == WN_QUOTE_PAYLOAD)
		length = (uint16_t)(length - (h->src.family == 4 ? 20 : 40));
	else if (n->quote_length == WN_QUOTE_LONGER)
		length = (uint16_t)(length + n->quote_longer);
	at[0] = (uint8_t)(length >> 8);
	at[1] = (uint8_t)length;
}

enum wn_sim_fate wn_sim_error(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	const struct wn_sim_cause *cause, struct wn_sim_move *mv)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];
	struct wn_wire_error e = {.kind = cause->kind,
		.code = cause->code,
		.mtu = cause->mtu,
		.from = cause->from,
		.to = h->src,
		.ttl = n->reply_ttl,
		.tos = ERROR_TOS,
		.quote_bytes = n->quote_bytes,
		.legacy_ext = n->legacy_ext};
	struct wn_ext ext = {0};
	uint8_t buf[ERROR_BYTES];
	size_t len;

	if (wn_sim_is_error(h)) { /* RFC 1122 3.2.2: never an error about an error */
		s->stats.lost += !mv->dry;
		return WN_FATE_GONE;
	}
	if (!may_answer(s, p, h, true, mv))
		return WN_FATE_GONE;
	if (!e.from.family)
		e.from = responder(s, p, h->src.family);
	if (!e.from.family) {
		s->stats.silent += !mv->dry;
		return WN_FATE_GONE;
	}
	if (n->quote_bytes && h->src.family == 6)
		e.quote_bytes += IP6_LONGER; /* as much of what follows the header */
	if (cause->labels)
		wn_sim_mpls_labels(s, p, &ext);
	if (n->ifinfo && p->in_edge != WN_TOPO_NONE)
		tell_interface(s, p, &e.from, &ext);
	if (ext.present)
		e.ext = &ext;
	if (!mv->dry)
		e.ip_id = ++s->nodes[p->node].ip_id;
	claim_length(n, p->data, h); /* p ends here: its bytes are free */
	if (wn_wire_build_error(&e, p->data, p->len, buf, sizeof buf, &len)) {
		s->stats.lost += !mv->dry;
		return WN_FATE_GONE;
	}
	return become(s, p, buf, len, mv);
}

static enum wn_topo_port_state port_state(
	const struct wn_topo_node *n, enum wn_proto proto, uint16_t port)
{
	for (unsigned i = 0; i < n->port_count; i++) {
		const struct wn_topo_ports *r = &n->ports[i];

		if (r->proto == proto && port >= r->first && port <= r->last)
			return r->state;
	}
	return proto == WN_PROTO_ICMP ? WN_PORT_OPEN : WN_PORT_CLOSED;
}

static enum wn_sim_fate answer(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	enum wn_reply_kind kind, struct wn_sim_move *mv)
{
	const struct wn_topo_node *n = &s->topo->nodes[p->node];
	uint8_t ttl = kind == WN_REPLY_ECHO && n->echo_ttl ? n->echo_ttl : n->reply_ttl;
	uint8_t buf[WN_PACKET_MAX];
	size_t len;

	if (!may_answer(s, p, h, false, mv))
		return WN_FATE_GONE;
	if (wn_wire_build_answer(kind, p->data, p->len, ttl, buf, sizeof buf, &len)) {
		s->stats.lost += !mv->dry;
		return WN_FATE_GONE;
	}
	return become(s, p, buf, len, mv);
}

static enum wn_sim_fate refuse(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	enum wn_topo_port_state state, struct wn_sim_move *mv)
{
	bool v4 = h->dst.family == 4;
	struct wn_sim_cause cause = {.kind = WN_REPLY_UNREACHABLE, .from = h->dst};

	if (state == WN_PORT_PROHIBITED)
		cause.code = v4 ? 13 : 1;
	else if (h->proto == WN_IP_UDP)
		cause.code = v4 ? 3 : 4;
	else if (v4)
		cause.code = 2;
	else
		cause.kind = WN_REPLY_PARAM_PROBLEM, cause.code = 1;
	return wn_sim_error(s, p, h, &cause, mv);
}

/* RFC 9293 3.10.7.1 and 3.10.7.2: what a closed or listening port answers; false: nothing. */
static bool tcp_answer(const struct wn_wire_head *h, bool open, enum wn_reply_kind *out)
{
	*out = WN_REPLY_RST;
	if (h->tcp_flags & WN_TCP_RST)
		return false;
	if (!open || h->tcp_flags & WN_TCP_ACK)
		return true;
	*out = WN_REPLY_SYN_ACK;
	return (h->tcp_flags & (WN_TCP_SYN | WN_TCP_FIN)) == WN_TCP_SYN;
}

enum wn_sim_fate wn_sim_local(struct wn_sim *s, struct wn_sim_pkt *p, const struct wn_wire_head *h,
	struct wn_sim_move *mv)
{
	enum wn_proto proto = proto_of(h);
	enum wn_topo_port_state state = port_state(&s->topo->nodes[p->node], proto, h->dport);
	enum wn_reply_kind kind;

	if (wn_sim_is_error(h) || !wn_sim_intact(p->data, p->len, h)) {
		s->stats.lost += !mv->dry;
		return WN_FATE_GONE;
	}
	if (state == WN_PORT_FILTERED) {
		s->stats.silent += !mv->dry;
		return WN_FATE_GONE;
	}
	if (state == WN_PORT_PROHIBITED)
		return refuse(s, p, h, state, mv);
	if (is_echo_request(h))
		return answer(s, p, h, WN_REPLY_ECHO, mv);
	if (h->proto == WN_IP_TCP && tcp_answer(h, state == WN_PORT_OPEN, &kind))
		return answer(s, p, h, kind, mv);
	if (h->proto == WN_IP_UDP && state == WN_PORT_OPEN)
		return answer(s, p, h, WN_REPLY_UDP, mv);
	if (h->proto == WN_IP_TCP || h->proto == WN_IP_ICMP || h->proto == WN_IP_ICMP6) {
		s->stats.lost += !mv->dry; /* a reset, an echo reply: nobody answers it */
		return WN_FATE_GONE;
	}
	return refuse(s, p, h, state, mv);
}
