/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes that change packets, and routers that quote them in ways of their own, in words. */
#include "output/findings_say.h"

/* ": set back between hop 6 and hop 7" */
static void add_until(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;

	if (f->until.ttl == 0)
		return;
	wn_say(s, "; from ");
	wn_say_hop(s, f->until);
	wn_say(s, " on it is as before");
}

static void add_showing(const struct wn_say *s, unsigned quotes, unsigned of)
{
	if (quotes == of)
		wn_say_count(s, quotes, "quote");
	else
		wn_say(s, "%u of %u quotes", quotes, of);
	wn_say(s, " of ");
	wn_say_hops(s, s->f->first.ttl, s->f->last.ttl);
}

/* ---- address translation ---- */

/* Several clauses behind a colon. */
static void add_clause(const struct wn_say *s)
{
	char last = s->out->len > 0 ? s->out->data[s->out->len - 1] : '\0';

	wn_say(s, last == ':' ? " " : ", ");
}

static void add_end(const struct wn_say *s, const char *what, const struct wn_addr *was,
	const struct wn_addr *is)
{
	if (is->family == 0)
		return;
	add_clause(s);
	wn_say(s, "%s from ", what);
	wn_say_addr(s, was);
	wn_say(s, " to ");
	wn_say_addr(s, is);
}

static void add_port(const struct wn_say *s, const char *what, unsigned was, unsigned is)
{
	if (is == 0 || is == was)
		return;
	add_clause(s);
	wn_say(s, "%s from %u to %u", what, was, is);
}

static bool is_target(const struct wn_say *s)
{
	uint32_t who = s->f->first.responder;

	return who < s->r->responder_count &&
	       wn_addr_eq(&s->r->responders[who].addr, &s->r->params.dst);
}

static void say_nat(const struct wn_say *s)
{
	const struct wn_found_nat *n = &s->f->u.nat;
	bool icmp = s->r->params.proto == WN_PROTO_ICMP;
	size_t len;

	wn_say(s, "Address translation ");
	wn_say_between(s);
	wn_say(s, ":");
	len = s->out->len;
	add_end(s, "the source goes", &n->src_was, &n->src_is);
	add_port(s, icmp ? "the ICMP identifier goes" : "the source port goes", n->sport_was,
		n->sport_is);
	add_end(s, "the destination goes", &n->dst_was, &n->dst_is);
	add_port(s, "the destination port goes", n->dport_was, n->dport_is);
	if (n->by_answers) {
		add_clause(s);
		wn_say(s, "the routers behind it all answer with %s",
			is_target(s) ? "the target's address" : "one address");
	}
	if (s->out->len == len)
		wn_say(s,
			" addresses or ports are translated, and back again in what routers quote");
	wn_say(s, ".");
}

static void prove_nat(const struct wn_say *s)
{
	const struct wn_found_nat *n = &s->f->u.nat;

	wn_say_count(s, s->f->probe_count, "answer");
	wn_say(s, " of ");
	wn_say_hops(s, s->f->first.ttl, s->f->last.ttl);
	if (n->by_checksum) {
		wn_say_verb(s, s->f->probe_count, "quote");
		wn_say(s,
			" a checksum that differs by 0x%04x more than the addresses and ports "
			"beside it explain (0x%04x before)",
			n->sum_is, n->sum_was);
	} else if (n->by_answers && n->src_is.family == 0 && n->dst_is.family == 0) {
		wn_say(s, s->f->probe_count == 1 ? " is" : " are");
		wn_say(s, " time exceeded from one address");
	} else {
		wn_say_verb(s, s->f->probe_count, "quote");
		wn_say(s, " it so");
	}
	add_until(s);
	wn_say(s, ".");
}

static void else_nat(const struct wn_say *s)
{
	const struct wn_found_nat *n = &s->f->u.nat;

	if (n->by_checksum)
		wn_say(s,
			"something else was changed that is the same in each packet of a flow and "
			"is not quoted.");
	else if (n->by_answers)
		wn_say(s, "a router has this address.");
	else
		wn_say(s, "one router quotes in a way of its own.");
}

/* ---- fields ---- */

static const char *ecn_name(int64_t ecn)
{
	static const char *const names[] = {"Not-ECT", "ECT(1)", "ECT(0)", "CE"};

	return names[ecn & 3];
}

/* "sack, timestamps" */
static void add_options(const struct wn_say *s, int64_t set)
{
	const char *comma = "";

	for (unsigned bit = 1; bit < 0x100; bit <<= 1) {
		if (!(set & bit))
			continue;
		wn_say(s, "%s%s", comma, wn_tcp_option_name((uint8_t)bit));
		comma = ", ";
	}
}

static void add_tcp_change(const struct wn_say *s)
{
	const struct wn_found_change *c = &s->f->u.change;
	int64_t gone = c->was & ~c->is;

	if (s->f->kind == WN_FINDING_MSS) {
		wn_say(s, "The MSS of TCP is %s from %u to %u ",
			c->is < c->was ? "clamped" : "raised", (unsigned)c->was, (unsigned)c->is);
		return;
	}
	wn_say(s, "TCP options are ");
	if (s->f->kind == WN_FINDING_TCP_CHANGED)
		wn_say(s, c->is ? "given other values (" : "given their values back (");
	else
		wn_say(s, gone ? "taken out (" : "put back (");
	add_options(s, s->f->kind == WN_FINDING_TCP_CHANGED ? c->was | c->is
		       : gone				    ? gone
							    : c->is & ~c->was);
	wn_say(s, ") ");
}

static void add_change(const struct wn_say *s)
{
	const struct wn_found_change *c = &s->f->u.change;

	switch (s->f->kind) {
	case WN_FINDING_DSCP:
		wn_say(s, "The DSCP is rewritten from %u to %u ", (unsigned)c->was,
			(unsigned)c->is);
		break;
	case WN_FINDING_ECN:
		wn_say(s,
			c->is == 0 ? "ECN is bleached, from %s to %s, " : "ECN goes from %s to %s ",
			ecn_name(c->was), ecn_name(c->is));
		break;
	case WN_FINDING_CONGESTION:
		wn_say(s, "Packets are marked as having met congestion (ECN CE) ");
		break;
	case WN_FINDING_DF:
		wn_say(s, "The don't-fragment bit is %s ", c->is ? "set" : "cleared");
		break;
	case WN_FINDING_FLOW_LABEL:
		wn_say(s, "The flow label is rewritten from 0x%05x to 0x%05x ", (unsigned)c->was,
			(unsigned)c->is);
		break;
	case WN_FINDING_MSS:
	case WN_FINDING_TCP_STRIPPED:
	case WN_FINDING_TCP_CHANGED:
		add_tcp_change(s);
		break;
	default:
		wn_say(s, c->how == WN_HOW_CLEARED ? "The UDP checksum is taken out "
						   : "The payload is changed ");
		break;
	}
}

static void say_field(const struct wn_say *s)
{
	add_change(s);
	wn_say_between(s);
	if (s->f->kind != WN_FINDING_CONGESTION)
		add_until(s);
	wn_say(s, ".");
}

static void prove_field(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;
	const struct wn_found_change *c = &f->u.change;

	add_showing(s, c->quotes, c->of);
	switch (f->kind) {
	case WN_FINDING_CHECKSUM:
		if (c->how == WN_HOW_CLEARED)
			wn_say(s, " with checksum 0, which means none");
		else
			wn_say(s,
				" with a checksum that differs from what was sent by another "
				"amount each time, like 0x%04x for 0x%04x",
				(unsigned)c->is, (unsigned)c->sent);
		break;
	case WN_FINDING_CONGESTION:
		wn_say(s, " with the mark");
		break;
	default:
		wn_say_verb(s, c->of, "show");
		wn_say(s, " it");
		break;
	}
	if (f->before.ttl > 0)
		wn_say(s, "; hop %u still quotes what was there before", (unsigned)f->before.ttl);
	wn_say(s, ".");
}

static void else_field(const struct wn_say *s)
{
	if (s->f->kind == WN_FINDING_CONGESTION)
		wn_say(s,
			"it happens nearer, to some packets only, and those that hops before quote "
			"were spared.");
	else if (s->f->hops == 1)
		wn_say(s,
			"hop %u alone shows it, and may have changed the packet only as it quotes "
			"it.",
			(unsigned)s->f->first.ttl);
}

/* ---- quotes ---- */

static void say_quoted(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;
	const struct wn_found_change *c = &f->u.change;
	bool length = f->kind == WN_FINDING_LENGTH;

	wn_say_hop(s, f->first);
	if (f->last.ttl > f->first.ttl)
		wn_say(s, " and those behind it up to hop %u", (unsigned)f->last.ttl);
	wn_say(s, length ? " quote%s a length of %u" : " quote%s an IP-ID of %u",
		f->last.ttl > f->first.ttl ? "" : "s", (unsigned)c->is);
	wn_say(s, " where %u was sent", (unsigned)c->sent);
	switch (c->how) {
	case WN_HOW_SWAPPED:
		wn_say(s, ": the two bytes are swapped");
		break;
	case WN_HOW_LESS_IP:
		wn_say(s, ": the IP header is not counted");
		break;
	case WN_HOW_CLEARED:
		wn_say(s, ": it is cleared");
		break;
	default:
		if (f->hops > 1)
			wn_say(s, ": it was changed on the way");
		break;
	}
	wn_say(s, ".");
}

static void prove_quoted(const struct wn_say *s)
{
	add_showing(s, s->f->u.change.quotes, s->f->u.change.of);
	wn_say_verb(s, s->f->u.change.of, "show");
	wn_say(s, " it");
	add_until(s);
	wn_say(s, ".");
}

/* ---- TTL ---- */

static void say_ttl(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;
	const struct wn_found_ttl *t = &f->u.ttl;

	if (t->fixed) {
		wn_say(s, "The TTL is set anew ");
		wn_say_between(s);
		wn_say(s, ": whatever TTL was sent (%u to %u), ", t->sent_first, t->sent_last);
		if (f->hops > 1)
			wn_say(s, "one router answers.");
		else
			wn_say(s, "%u is quoted.", t->quoted_least);
	} else {
		wn_say_hop(s, f->first);
		wn_say(s, " quotes TTL %u of packets sent with %u: the TTL is raised ",
			t->quoted_most, t->sent_first);
		wn_say_between(s);
		wn_say(s, ".");
	}
}

static void prove_ttl(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;
	const struct wn_found_ttl *t = &f->u.ttl;

	wn_say_count(s, f->probe_count, "answer");
	if (t->fixed && f->hops > 1)
		wn_say(s, " from one address, with one TTL of their own");
	else if (t->quoted_least == t->quoted_most)
		wn_say(s, " quote%s TTL %u", f->probe_count == 1 ? "s" : "", t->quoted_least);
	else
		wn_say(s, " quote TTL %u to %u", t->quoted_least, t->quoted_most);
	if (!t->fixed)
		wn_say(s, "; 1 is usual");
	else if (f->hops == 1)
		wn_say(s, "; usual is 1, and one more for each TTL beyond the target");
	wn_say(s, ".");
}

static void else_ttl(const struct wn_say *s)
{
	if (s->f->u.ttl.fixed && s->f->hops > 1)
		wn_say(s, "the router sends packets on to itself.");
	else
		wn_say(s, "it quotes a TTL of its own making.");
}

static void say_zero_ttl(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;

	if (f->certainty == WN_CERTAIN) {
		wn_say(s, "A router behind ");
		wn_say_hop(s, f->before);
		wn_say(s, " sends packets on whose TTL has run out, and is not seen itself: ");
		wn_say_hops(s, f->first.ttl, f->last.ttl);
		wn_say(s, " are one router, ");
		wn_say_addr(s, &s->r->responders[f->first.responder].addr);
		wn_say(s, ".");
	} else {
		wn_say_hop(s, f->first);
		wn_say(s, " quotes TTL 0: a router behind ");
		wn_say_hop(s, f->before);
		wn_say(s, " sends packets on whose TTL has run out, and is not seen itself.");
	}
}

static void prove_zero_ttl(const struct wn_say *s)
{
	wn_say(s, "TTL 0 is quoted of packets sent with %u", s->f->u.ttl.sent_first);
	if (s->f->certainty == WN_CERTAIN)
		wn_say(s, ", and TTL 1 of those sent with %u", s->f->u.ttl.sent_last);
	wn_say(s, ".");
}

static void else_zero_ttl(const struct wn_say *s)
{
	wn_say(s, "it takes one off before it quotes.");
}

const struct wn_saying wn_say_nat = {say_nat, prove_nat, else_nat};
const struct wn_saying wn_say_field = {say_field, prove_field, else_field};
const struct wn_saying wn_say_quoted = {say_quoted, prove_quoted, NULL};
const struct wn_saying wn_say_ttl = {say_ttl, prove_ttl, else_ttl};
const struct wn_saying wn_say_zero_ttl = {say_zero_ttl, prove_zero_ttl, else_zero_ttl};
