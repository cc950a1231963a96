/* SPDX-License-Identifier: Apache-2.0 */
/* "node" and "host" lines: one handler for each option, found in a table. */
#include "sim/topo_parse.h"

#include <string.h>
#include "base/alloc.h"

#define REPLY_TTL_ROUTER 255
#define REPLY_TTL_HOST	 64

typedef wn_err (*option_fn)(struct wn_topo_parser *p, struct wn_topo_node *n);

static wn_err add_addr(struct wn_topo_parser *p, struct wn_topo_node *n, uint8_t family)
{
	unsigned f = wn_topo_fam(family);
	struct wn_addr a;

	if (wn_lex_addr(&p->lx, "the address", family, &a))
		return p->lx.err;
	if (n->addr_count[f] == WN_TOPO_PER_NODE)
		return wn_lex_fail(
			&p->lx, "a node has at most %d addresses of a family", WN_TOPO_PER_NODE);
	n->addr[f][n->addr_count[f]++] = a;
	return WN_OK;
}

static wn_err opt_addr(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return add_addr(p, n, 4);
}

static wn_err opt_addr6(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return add_addr(p, n, 6);
}

static wn_err opt_name(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	if (wn_lex_need(&p->lx, "the host name"))
		return p->lx.err;
	if (n->host)
		return wn_lex_fail(&p->lx, "this node has the name %.80s already", n->host);
	if (strlen(p->lx.word) > 253)
		return wn_lex_fail(&p->lx, "a host name has at most 253 bytes");
	n->host = wn_strdup(p->lx.word);
	return n->host ? WN_OK : (p->lx.err = WN_ENOMEM);
}

static wn_err opt_owns(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	if (n->owned_count == WN_TOPO_PER_NODE) {
		wn_lex_next(&p->lx);
		return wn_lex_fail(&p->lx, "a node owns at most %d prefixes", WN_TOPO_PER_NODE);
	}
	return wn_lex_prefix(&p->lx, "the prefix", &n->owned[n->owned_count++]);
}

static bool accept_proto(struct wn_topo_parser *p, enum wn_proto *out)
{
	for (int i = 0; i < WN_PROTO_COUNT; i++) {
		if (wn_lex_accept(&p->lx, wn_proto_name((enum wn_proto)i))) {
			*out = (enum wn_proto)i;
			return true;
		}
	}
	return false;
}

/* "silent", or with the protocols it is silent to. */
static wn_err opt_silent(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	enum wn_proto proto;

	if (!accept_proto(p, &proto)) {
		n->silent = (1u << WN_PROTO_COUNT) - 1;
		return WN_OK;
	}
	do
		n->silent |= (uint8_t)(1u << proto);
	while (accept_proto(p, &proto));
	return WN_OK;
}

static wn_err opt_limit(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	n->limit_burst = 1;
	if (wn_lex_interval(&p->lx, "the limit", &n->limit_interval_ns))
		return p->lx.err;
	if (wn_lex_accept(&p->lx, "burst"))
		return wn_lex_u32(&p->lx, "the burst", 1, 1000000, &n->limit_burst);
	return WN_OK;
}

/* Words for what is unreachable, RFC 792, 1122, 1812 and 4443; 255: that family has no such. */
static const struct {
	const char *word;
	uint8_t code4, code6;
} unreachables[] = {
	{"net", 0, 0},
	{"host", 1, 3},
	{"protocol", 2, 255},
	{"port", 3, 4},
	{"source-route", 5, 255},
	{"net-unknown", 6, 255},
	{"host-unknown", 7, 255},
	{"isolated", 8, 255},
	{"net-prohibited", 9, 1},
	{"host-prohibited", 10, 1},
	{"net-tos", 11, 255},
	{"host-tos", 12, 255},
	{"admin", 13, 1},
	{"precedence", 14, 255},
	{"cutoff", 15, 255},
	{"scope", 255, 2},
	{"policy", 255, 5},
	{"reject", 13, 6},
};

static wn_err block_code(struct wn_topo_parser *p, struct wn_topo_block *b)
{
	uint32_t code;

	if (wn_lex_accept(&p->lx, "code")) {
		if (wn_lex_u32(&p->lx, "the code", 0, 255, &code))
			return p->lx.err;
		b->code4 = b->code6 = (uint8_t)code;
		return WN_OK;
	}
	if (wn_lex_need(&p->lx, "what is unreachable"))
		return p->lx.err;
	for (size_t i = 0; i < sizeof unreachables / sizeof unreachables[0]; i++) {
		if (strcmp(p->lx.word, unreachables[i].word) == 0) {
			b->code4 = unreachables[i].code4 == 255 ? 0 : unreachables[i].code4;
			b->code6 = unreachables[i].code6 == 255 ? 0 : unreachables[i].code6;
			return WN_OK;
		}
	}
	return wn_lex_fail(&p->lx,
		"\"%.40s\" is nothing unreachable: write net, host, port, admin, ... or code N",
		p->lx.word);
}

static wn_err add_block(
	struct wn_topo_parser *p, struct wn_topo_node *n, enum wn_topo_block_kind kind)
{
	struct wn_topo_block *b;

	if (n->block_count == WN_TOPO_PER_NODE)
		return wn_lex_fail(&p->lx, "a node blocks at most %d prefixes", WN_TOPO_PER_NODE);
	b = &n->block[n->block_count++];
	b->kind = kind;
	b->all = true;
	if (kind != WN_BLOCK_HOLE && block_code(p, b))
		return p->lx.err;
	if (!wn_lex_accept(&p->lx, "for"))
		return WN_OK;
	b->all = false;
	return wn_lex_prefix(&p->lx, "the prefix", &b->prefix);
}

static wn_err opt_unreachable(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return add_block(p, n, WN_BLOCK_ROUTE);
}

static wn_err opt_reject(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return add_block(p, n, WN_BLOCK_FILTER);
}

static wn_err opt_blackhole(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return add_block(p, n, WN_BLOCK_HOLE);
}

struct port_rule {
	struct wn_topo_parser *p;
	struct wn_topo_node *n;
	enum wn_proto proto;
	enum wn_topo_port_state state;
};

static wn_err add_ports(void *user, uint16_t first, uint16_t last)
{
	struct port_rule *r = user;

	if (r->n->port_count == WN_TOPO_PER_NODE)
		return wn_lex_fail(
			&r->p->lx, "a node has at most %d ranges of ports", WN_TOPO_PER_NODE);
	r->n->ports[r->n->port_count++] = (struct wn_topo_ports){r->proto, r->state, first, last};
	return WN_OK;
}

/* "open tcp 80,443", "filtered udp": without ports all of them. */
static wn_err port_option(
	struct wn_topo_parser *p, struct wn_topo_node *n, enum wn_topo_port_state state)
{
	struct port_rule r = {p, n, WN_PROTO_UDP, state};

	if (!accept_proto(p, &r.proto)) {
		wn_lex_next(&p->lx);
		return wn_lex_fail(&p->lx, "here follows udp, tcp or icmp, then ports if not all");
	}
	if (r.proto == WN_PROTO_ICMP || !wn_lex_peek_digit(&p->lx))
		return add_ports(&r, 0, 65535);
	return wn_lex_ports(&p->lx, add_ports, &r);
}

static wn_err opt_open(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return port_option(p, n, WN_PORT_OPEN);
}

static wn_err opt_closed(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return port_option(p, n, WN_PORT_CLOSED);
}

static wn_err opt_filtered(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return port_option(p, n, WN_PORT_FILTERED);
}

static wn_err opt_prohibited(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return port_option(p, n, WN_PORT_PROHIBITED);
}

/* "nat source ADDR [from ADDR]", "nat dest ADDR to ADDR", then "port-shift N", "keep-quotes" or
 * "keep-checksum". */
static wn_err opt_nat(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	struct wn_topo_nat *nat;
	uint32_t shift;

	if (wn_lex_need(&p->lx, "source or dest"))
		return p->lx.err;
	if (n->nat_count == WN_TOPO_PER_NODE)
		return wn_lex_fail(
			&p->lx, "a node translates at most %d addresses", WN_TOPO_PER_NODE);
	nat = &n->nat[n->nat_count++];
	nat->dest = strcmp(p->lx.word, "dest") == 0;
	if (!nat->dest && strcmp(p->lx.word, "source") != 0)
		return wn_lex_fail(
			&p->lx, "\"%.40s\" is no kind of NAT: write source or dest", p->lx.word);
	if (wn_lex_addr(&p->lx, "the outer address", 0, &nat->outer))
		return p->lx.err;
	if (nat->dest) {
		if (!wn_lex_accept(&p->lx, "to")) {
			wn_lex_next(&p->lx);
			return wn_lex_fail(&p->lx, "here follows to and the inner address");
		}
		if (wn_lex_addr(&p->lx, "the inner address", nat->outer.family, &nat->inner))
			return p->lx.err;
	}
	if (!nat->dest && wn_lex_accept(&p->lx, "from") &&
		wn_lex_addr(&p->lx, "the inner address", nat->outer.family, &nat->inner))
		return p->lx.err;
	if (!nat->dest && wn_lex_accept(&p->lx, "port-shift")) {
		if (wn_lex_u32(&p->lx, "the port shift", 1, 65535, &shift))
			return p->lx.err;
		nat->port_shift = (uint16_t)shift;
	}
	nat->keep_quotes = wn_lex_accept(&p->lx, "keep-quotes");
	nat->keep_checksum = !nat->keep_quotes && wn_lex_accept(&p->lx, "keep-checksum");
	return WN_OK;
}

static wn_err opt_quote(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	uint32_t bytes;

	n->quote_bytes = 0;
	if (wn_lex_accept(&p->lx, "full"))
		return WN_OK;
	if (wn_lex_u32(&p->lx, "the quote", 28, 1232, &bytes))
		return p->lx.err;
	n->quote_bytes = (uint16_t)bytes;
	return WN_OK;
}

static wn_err opt_reply_ttl(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	uint32_t ttl;

	if (wn_lex_u32(&p->lx, "the reply TTL", 1, 255, &ttl))
		return p->lx.err;
	n->reply_ttl = (uint8_t)ttl;
	return WN_OK;
}

static wn_err opt_echo_ttl(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	uint32_t ttl;

	if (wn_lex_u32(&p->lx, "the echo TTL", 1, 255, &ttl))
		return p->lx.err;
	n->echo_ttl = (uint8_t)ttl;
	return WN_OK;
}

static wn_err opt_drop_replies(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	return wn_lex_share(&p->lx, "the share of dropped replies", &n->drop_replies_ppb);
}

static wn_err opt_reply_delay(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	if (wn_lex_time(&p->lx, "the reply delay", &n->reply_delay_ns))
		return p->lx.err;
	if (wn_lex_accept(&p->lx, "jitter"))
		return wn_lex_time(&p->lx, "the jitter", &n->reply_jitter_ns);
	return WN_OK;
}

static wn_err opt_dscp(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	uint32_t v;

	if (wn_lex_u32(&p->lx, "the DSCP", 0, 63, &v))
		return p->lx.err;
	n->set_dscp = (int16_t)v;
	return WN_OK;
}

static wn_err opt_ecn(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	if (wn_lex_accept(&p->lx, "clear")) {
		n->set_ecn = 0;
		return WN_OK;
	}
	if (wn_lex_accept(&p->lx, "ce")) {
		n->set_ecn = 3;
		return WN_OK;
	}
	wn_lex_next(&p->lx);
	return wn_lex_fail(&p->lx, "here follows clear or ce");
}

/* "strip-tcp-options sack,timestamps": those options become padding. */
static wn_err opt_strip_tcp(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	const char *word;
	size_t len;

	if (wn_lex_need(&p->lx, "the TCP options"))
		return p->lx.err;
	for (word = p->lx.word;; word += len + 1) {
		uint8_t option;

		len = strcspn(word, ",");
		option = wn_tcp_option(word, len);
		if (!option)
			return wn_lex_fail(&p->lx,
				"\"%.40s\" are no TCP options: write some of mss, sack, "
				"timestamps, wscale with commas between",
				p->lx.word);
		n->strip_tcp |= option;
		if (word[len] == '\0')
			return WN_OK;
	}
}

static wn_err opt_clamp_mss(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	uint32_t mss;

	if (wn_lex_u32(&p->lx, "the MSS", 1, 65535, &mss))
		return p->lx.err;
	n->clamp_mss = (uint16_t)mss;
	return WN_OK;
}

static wn_err opt_balance(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	static const char *const words[] = {
		[WN_BALANCE_FLOW] = "flow",
		[WN_BALANCE_FLOW_LABEL] = "flow+label",
		[WN_BALANCE_LABEL] = "label",
		[WN_BALANCE_DEST] = "dest",
		[WN_BALANCE_PACKET] = "packet",
	};

	if (wn_lex_need(&p->lx, "how to balance"))
		return p->lx.err;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(p->lx.word, words[i]) == 0) {
			n->balance = (enum wn_topo_balance)i;
			return WN_OK;
		}
	}
	return wn_lex_fail(&p->lx,
		"\"%.40s\" is no way to balance: write flow, flow+label, label, dest or packet",
		p->lx.word);
}

/* "forge 30% as ADDR [as ADDR6]": bogus time exceeded for packets that pass. */
static wn_err opt_forge(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	struct wn_addr a;

	if (wn_lex_share(&p->lx, "the share of forged replies", &n->forge_ppb))
		return p->lx.err;
	if (!wn_lex_accept(&p->lx, "as")) {
		wn_lex_next(&p->lx);
		return wn_lex_fail(&p->lx, "here follows as and the address to forge");
	}
	do {
		if (wn_lex_addr(&p->lx, "the forged address", 0, &a))
			return p->lx.err;
		n->forge_as[wn_topo_fam(a.family)] = a;
	} while (wn_lex_accept(&p->lx, "as"));
	return WN_OK;
}

static wn_err opt_zero_ttl(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	(void)p;
	n->zero_ttl = true;
	return WN_OK;
}

static wn_err opt_mtu_blackhole(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	(void)p;
	n->mtu_hole = true;
	return WN_OK;
}

static wn_err opt_ifinfo(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	(void)p;
	n->ifinfo = true;
	return WN_OK;
}

static wn_err opt_legacy_ext(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	(void)p;
	n->legacy_ext = true;
	return WN_OK;
}

static wn_err opt_ttl(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	uint32_t ttl;

	if (wn_lex_u32(&p->lx, "the TTL", 1, 255, &ttl))
		return p->lx.err;
	n->set_ttl = (uint8_t)ttl;
	return WN_OK;
}

static wn_err opt_ip_id(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	uint32_t id;

	if (wn_lex_u32(&p->lx, "the IP-ID", 0, 65535, &id))
		return p->lx.err;
	n->set_ip_id = (int32_t)id;
	return WN_OK;
}

/* "clear df", "clear payload", "clear checksum" */
static wn_err opt_clear(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	if (wn_lex_need(&p->lx, "what to clear"))
		return p->lx.err;
	if (strcmp(p->lx.word, "df") == 0)
		n->clear_df = true;
	else if (strcmp(p->lx.word, "payload") == 0)
		n->clear_payload = true;
	else if (strcmp(p->lx.word, "checksum") == 0)
		n->clear_checksum = true;
	else
		return wn_lex_fail(&p->lx,
			"\"%.40s\" cannot be cleared: write df, payload or checksum", p->lx.word);
	return WN_OK;
}

/* "quote-length swapped", "quote-length payload", "quote-length plus N" */
static wn_err opt_quote_length(struct wn_topo_parser *p, struct wn_topo_node *n)
{
	uint32_t longer;

	if (wn_lex_accept(&p->lx, "swapped")) {
		n->quote_length = WN_QUOTE_SWAPPED;
		return WN_OK;
	}
	if (wn_lex_accept(&p->lx, "payload")) {
		n->quote_length = WN_QUOTE_PAYLOAD;
		return WN_OK;
	}
	if (!wn_lex_accept(&p->lx, "plus")) {
		wn_lex_next(&p->lx);
		return wn_lex_fail(&p->lx, "here follows swapped, payload or plus N");
	}
	if (wn_lex_u32(&p->lx, "what is added", 1, 1000, &longer))
		return p->lx.err;
	n->quote_length = WN_QUOTE_LONGER;
	n->quote_longer = (uint16_t)longer;
	return WN_OK;
}

static const struct {
	const char *word;
	option_fn fn;
} options[] = {
	{"addr", opt_addr},
	{"addr6", opt_addr6},
	{"name", opt_name},
	{"owns", opt_owns},
	{"silent", opt_silent},
	{"limit", opt_limit},
	{"unreachable", opt_unreachable},
	{"reject", opt_reject},
	{"blackhole", opt_blackhole},
	{"open", opt_open},
	{"closed", opt_closed},
	{"filtered", opt_filtered},
	{"prohibited", opt_prohibited},
	{"nat", opt_nat},
	{"quote", opt_quote},
	{"reply-ttl", opt_reply_ttl},
	{"echo-ttl", opt_echo_ttl},
	{"reply-delay", opt_reply_delay},
	{"drop-replies", opt_drop_replies},
	{"dscp", opt_dscp},
	{"ecn", opt_ecn},
	{"strip-tcp-options", opt_strip_tcp},
	{"clamp-mss", opt_clamp_mss},
	{"ttl", opt_ttl},
	{"ip-id", opt_ip_id},
	{"clear", opt_clear},
	{"quote-length", opt_quote_length},
	{"balance", opt_balance},
	{"forge", opt_forge},
	{"zero-ttl", opt_zero_ttl},
	{"mtu-blackhole", opt_mtu_blackhole},
	{"ifinfo", opt_ifinfo},
	{"legacy-ext", opt_legacy_ext},
};

/* NULL when there is none, with the reason in the lexer. */
static struct wn_topo_node *new_node(struct wn_topo_parser *p, bool is_host)
{
	struct wn_topo *t = p->topo;
	struct wn_topo_node *n;

	if (wn_lex_need(&p->lx, "the name of the node"))
		return NULL;
	if (strlen(p->lx.word) >= WN_TOPO_NAME)
		return wn_lex_fail(&p->lx, "a node name has at most %d bytes", WN_TOPO_NAME - 1),
		       NULL;
	if (wn_topo_node_by_name(t, p->lx.word) != WN_TOPO_NONE)
		return wn_lex_fail(&p->lx, "there is a node %s already", p->lx.word), NULL;
	if (t->node_count == WN_TOPO_NODES_MAX)
		return wn_lex_fail(&p->lx, "a topology has at most %d nodes", WN_TOPO_NODES_MAX),
		       NULL;
	n = wn_topo_grow((void **)&t->nodes, &t->node_count, sizeof *n);
	if (!n) {
		p->lx.err = WN_ENOMEM;
		return NULL;
	}
	memcpy(n->name, p->lx.word, strlen(p->lx.word) + 1);
	n->is_host = is_host;
	n->set_dscp = -1;
	n->set_ecn = -1;
	n->set_ip_id = -1;
	n->reply_ttl = is_host ? REPLY_TTL_HOST : REPLY_TTL_ROUTER;
	return n;
}

wn_err wn_topo_parse_node(struct wn_topo_parser *p, bool is_host)
{
	const char *known[sizeof options / sizeof options[0] + 1] = {NULL};
	struct wn_topo_node *n = new_node(p, is_host);

	if (!n)
		return p->lx.err;
	while (wn_lex_next(&p->lx)) {
		size_t i = 0;

		while (i < sizeof options / sizeof options[0] &&
			strcmp(p->lx.word, options[i].word) != 0)
			i++;
		if (i < sizeof options / sizeof options[0]) {
			if (options[i].fn(p, n))
				return p->lx.err;
			continue;
		}
		for (i = 0; i < sizeof options / sizeof options[0]; i++)
			known[i] = options[i].word;
		return wn_topo_unknown(p, "node", known);
	}
	return p->lx.err;
}
