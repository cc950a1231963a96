/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings in plain sentences, one after the other along the path: what happened, the evidence, and
 * what else may explain it. What they are made from is in multipath/findings.h.
 */
#include "output/findings_say.h"

#include <stdarg.h>
#include <string.h>
#include "base/fmt.h"
#include "output/table.h"

#define INDENT	     4
#define PROBES_SHOWN 4

static const struct wn_saying *const sayings[WN_FINDING_KINDS] = {
	[WN_FINDING_NAT] = &wn_say_nat,
	[WN_FINDING_DSCP] = &wn_say_field,
	[WN_FINDING_ECN] = &wn_say_field,
	[WN_FINDING_CONGESTION] = &wn_say_field,
	[WN_FINDING_DF] = &wn_say_field,
	[WN_FINDING_FLOW_LABEL] = &wn_say_field,
	[WN_FINDING_MSS] = &wn_say_field,
	[WN_FINDING_TCP_STRIPPED] = &wn_say_field,
	[WN_FINDING_TCP_CHANGED] = &wn_say_field,
	[WN_FINDING_IP_ID] = &wn_say_quoted,
	[WN_FINDING_CHECKSUM] = &wn_say_field,
	[WN_FINDING_LENGTH] = &wn_say_quoted,
	[WN_FINDING_TTL] = &wn_say_ttl,
	[WN_FINDING_ZERO_TTL] = &wn_say_zero_ttl,
	[WN_FINDING_MPLS_EXPLICIT] = &wn_say_labels,
	[WN_FINDING_MPLS_IMPLICIT] = &wn_say_implicit,
	[WN_FINDING_MPLS_OPAQUE] = &wn_say_opaque,
	[WN_FINDING_MPLS_INVISIBLE] = &wn_say_invisible,
	[WN_FINDING_MTU] = &wn_say_mtu,
	[WN_FINDING_MTU_HOLE] = &wn_say_mtu,
	[WN_FINDING_RATE_LIMIT] = &wn_say_limit,
	[WN_FINDING_LOSS_REPLIES] = &wn_say_replies,
	[WN_FINDING_LOSS_PATH] = &wn_say_path,
	[WN_FINDING_PATH_CHANGED] = &wn_say_changed,
	[WN_FINDING_PER_PACKET] = &wn_say_packets,
	[WN_FINDING_UNSTEADY] = &wn_say_packets,
};

/* ---- phrases ---- */

void wn_say(const struct wn_say *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	wn_vfmt(text, sizeof(text), fmt, ap);
	va_end(ap);
	wn_strbuf_puts(s->out, text);
}

void wn_say_addr(const struct wn_say *s, const struct wn_addr *addr)
{
	char buf[WN_ADDR_STRLEN];

	wn_strbuf_puts(s->out, wn_addr_str(addr, buf));
}

void wn_say_hop(const struct wn_say *s, struct wn_finding_at at)
{
	const struct wn_responder *resp;

	if (at.ttl == 0) {
		wn_say(s, "this machine");
		return;
	}
	wn_say(s, "hop %u", (unsigned)at.ttl);
	if (at.responder >= s->r->responder_count) {
		if (s->r->hops[at.ttl].responder_count > 1)
			wn_say(s, " (its %u routers)",
				(unsigned)s->r->hops[at.ttl].responder_count);
		return;
	}
	resp = &s->r->responders[at.responder];
	wn_say(s, " (");
	if (s->o->names && resp->name[0]) {
		wn_view_name(s->out, resp->name, s->o->unicode);
		wn_say(s, ", ");
	}
	wn_say_addr(s, &resp->addr);
	wn_say(s, ")");
}

void wn_say_hops(const struct wn_say *s, unsigned first, unsigned last)
{
	if (first == last)
		wn_say(s, "hop %u", first);
	else
		wn_say(s, "hops %u %s %u", first, last == first + 1 ? "and" : "to", last);
}

/* A router quotes what came in, so that it may have been the first itself, on its way out. */
void wn_say_between(const struct wn_say *s)
{
	struct wn_finding_at before = s->f->before, first = s->f->first;
	unsigned silent = first.ttl - before.ttl - 1u;

	if (before.ttl == 0 && silent == 0) {
		wn_say(s, "at or before ");
		wn_say_hop(s, first);
		return;
	}
	wn_say(s, "between ");
	wn_say_hop(s, before);
	wn_say(s, " and ");
	wn_say_hop(s, first);
	if (silent > 0 && first.ttl > before.ttl + 1) {
		wn_say(s, " (");
		wn_say_hops(s, before.ttl + 1u, first.ttl - 1u);
		wn_say(s, " cannot tell)");
	}
}

void wn_say_count(const struct wn_say *s, unsigned n, const char *one)
{
	wn_say(s, "%u %s%s", n, one, n == 1 ? "" : "s");
}

void wn_say_verb(const struct wn_say *s, unsigned n, const char *many)
{
	wn_say(s, " %s%s", many, n == 1 ? "s" : "");
}

/* With as many decimals as help. */
static void add_percent(const struct wn_say *s, uint32_t ppm)
{
	wn_strbuf_fixed(s->out, ppm, 4, ppm > 0 && ppm < 100000 && ppm % 10000 != 0 ? 1 : 0);
	wn_say(s, "%%");
}

void wn_say_share(const struct wn_say *s, const struct wn_found_share *share)
{
	if (share->sent == 0)
		return;
	add_percent(s, (uint32_t)((uint64_t)share->lost * 1000000 / share->sent));
	wn_say(s, " (");
	add_percent(s, share->low_ppm);
	wn_say(s, " to ");
	add_percent(s, share->high_ppm);
	wn_say(s, ")");
}

void wn_say_chance(const struct wn_say *s, uint32_t ppb)
{
	uint32_t cases = 1000000000u / (ppb ? ppb : 1), digit = 1;

	while (cases / digit >= 100)
		digit *= 10;
	cases = cases / digit * digit; /* two digits are enough */
	if (cases >= 1000000000u)
		wn_say(s, "less than 1 of 1000 million cases");
	else if (cases >= 1000000)
		wn_say(s, "1 of %u million cases", (unsigned)(cases / 1000000));
	else
		wn_say(s, "1 of %u cases", (unsigned)cases);
}

/* A sentence may begin with the name of a hop, and begins with a capital. */
static void say_what(const struct wn_say *s)
{
	size_t at = s->out->len;

	sayings[s->f->kind]->what(s);
	if (s->out->len > at && s->out->data[at] >= 'a' && s->out->data[at] <= 'z')
		s->out->data[at] = (char)(s->out->data[at] - 'a' + 'A');
}

/* ---- the list ---- */

struct list {
	struct wn_strbuf *out;
	struct wn_strbuf text; /* the line being made */
	const struct wn_table_opts *o;
};

static void end_line(struct list *l, unsigned first, unsigned rest)
{
	if (l->text.len > 0)
		wn_view_wrap(l->out, wn_strbuf_str(&l->text), (struct wn_indent){first, rest},
			l->o->columns);
	if (!l->text.err)
		wn_strbuf_reset(&l->text);
}

static void add_probes(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;
	uint32_t shown = f->probes_kept < PROBES_SHOWN ? f->probes_kept : PROBES_SHOWN;

	if (shown == 0)
		return;
	wn_say(s, " Probe%s", f->probe_count == 1 ? "" : "s");
	for (uint32_t i = 0; i < shown; i++)
		wn_say(s, "%s %llu",
			i == 0					  ? ""
			: i + 1 < shown || f->probe_count > shown ? ","
								  : " and",
			(unsigned long long)f->probes[i]);
	if (f->probe_count > shown)
		wn_say(s, " and %u more", (unsigned)(f->probe_count - shown));
	wn_say(s, ".");
}

static void add_finding(struct list *l, struct wn_say *s, uint32_t number)
{
	const struct wn_saying *say = sayings[s->f->kind];
	size_t prefix;

	wn_strbuf_fmt(&l->text, "%u. ", (unsigned)number);
	say_what(s);
	end_line(l, 0, INDENT);
	wn_strbuf_fmt(&l->text, "Evidence (%s): ", wn_certainty_name(s->f->certainty));
	say->evidence(s);
	if (s->f->flows > 1)
		wn_say(s, " Seen in %u flows.", (unsigned)s->f->flows);
	add_probes(s);
	end_line(l, INDENT, INDENT);
	if (s->f->certainty == WN_CERTAIN || !say->or_else)
		return;
	wn_strbuf_puts(&l->text, "Or else: ");
	prefix = l->text.len;
	say->or_else(s);
	if (l->text.len == prefix && !l->text.err)
		wn_strbuf_reset(&l->text);
	end_line(l, INDENT, INDENT);
}

static void add_title(struct list *l, const struct wn_result *r)
{
	const struct wn_params *p = &r->params;
	char addr[WN_ADDR_STRLEN];

	wn_strbuf_puts(&l->text, "Findings of the trace to ");
	wn_addr_str(&p->dst, addr);
	if (strcmp(p->host, addr) != 0) {
		wn_view_name(&l->text, p->host, l->o->unicode);
		wn_strbuf_fmt(&l->text, " (%s)", addr);
	} else {
		wn_strbuf_puts(&l->text, addr);
	}
	wn_strbuf_puts(&l->text, ", ");
	wn_view_probe_kind(&l->text, p);
	wn_strbuf_fmt(&l->text, ", %u hop%s, %u probe%s", (unsigned)r->last_ttl,
		r->last_ttl == 1 ? "" : "s", (unsigned)r->probe_count,
		r->probe_count == 1 ? "" : "s");
	if (r->side_count > 0)
		wn_strbuf_fmt(&l->text, " and %u beside", (unsigned)r->side_count);
	wn_strbuf_puts(&l->text, r->partial || !r->ended ? ", partial:" : ":");
	end_line(l, 0, 2);
}

/* Before what is unusual on the way: whether it leads to the target at all. */
static void add_end(struct list *l, const struct wn_result *r)
{
	if (!r->ended)
		wn_strbuf_puts(&l->text, "The record ends without its end: it is partial.");
	end_line(l, 0, 2);
	if (r->reached)
		return;
	if (r->stop != WN_STOP_MAX_TTL) /* which says so itself */
		wn_strbuf_puts(&l->text, "The target was not reached.");
	end_line(l, 0, 2);
	if (r->stop != WN_STOP_NONE)
		wn_out_stop(l->out, r, l->o);
}

/* What nothing was found of because nothing can be: silence is no all-clear. */
static void add_blind(struct list *l, const struct wn_result *r)
{
	const struct wn_caps *caps = &r->params.caps;

	if (!caps->sees_quote_ip || !caps->sees_quote_l4) {
		wn_strbuf_puts(&l->text, "Not seen here: ");
		if (!caps->sees_quote_ip)
			wn_strbuf_puts(&l->text,
				"the IP header that routers quote, which tells of address "
				"translation, rewritten fields and most tunnels");
		else
			wn_strbuf_puts(&l->text, "the ports and checksums that routers quote");
		wn_strbuf_puts(&l->text, ". Raw sockets (CAP_NET_RAW) show more.");
		end_line(l, 0, 2);
	}
}

static void add_unclear(struct list *l, const struct wn_result *r, const struct wn_findings *f)
{
	unsigned more = r->params.probes < 10 ? 20 : 64;
	struct wn_say s = {.out = &l->text, .r = r, .o = l->o};

	if (f->unclear_first == 0)
		return;
	wn_strbuf_puts(&l->text, "Some probes to ");
	wn_say_hops(&s, f->unclear_first, f->unclear_last);
	wn_strbuf_puts(&l->text, " got no answer, too few to say why");
	if (r->params.probes < more && r->params.paths == WN_PATHS_OFF)
		wn_strbuf_fmt(&l->text, ": try -q %u", more);
	wn_strbuf_puts(&l->text, ".");
	end_line(l, 0, 2);
}

void wn_out_findings(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct list l = {.out = out, .text = WN_STRBUF_INIT, .o = o};
	struct wn_say s = {.out = &l.text, .r = r, .o = o};
	struct wn_findings found;

	if (!r->started)
		return;
	if (wn_findings_find(r, &found) != WN_OK) {
		out->err = WN_ENOMEM;
		return;
	}
	add_title(&l, r);
	add_end(&l, r);
	for (uint32_t i = 0; i < found.count; i++) {
		s.f = &found.list[i];
		add_finding(&l, &s, i + 1);
	}
	if (found.count == 0 && found.unclear_first == 0)
		wn_strbuf_puts(&l.text, r->reached ? "Nothing unusual was seen."
						   : "Nothing else unusual was seen.");
	if (found.dropped > 0)
		wn_strbuf_fmt(&l.text, "%u more findings are not shown.", (unsigned)found.dropped);
	end_line(&l, 0, 2);
	add_unclear(&l, r, &found);
	add_blind(&l, r);
	wn_out_notes(out, r, o);
	wn_findings_free(&found);
	wn_view_drop(out, &l.text);
}

void wn_findings_sentence(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_finding *f)
{
	static const struct wn_table_opts plain = {.unicode = true};
	struct wn_say s = {.out = out, .r = r, .o = &plain, .f = f};

	say_what(&s);
}
