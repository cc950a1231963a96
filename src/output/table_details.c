/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands below a row: what a hop told beyond its address, always where it changes the
 * picture (labels, interfaces, rewritten DSCP), the rest when asked to be verbose.
 */
#include "output/table.h"

#include <string.h>

#define INDENT	    7
#define FLOWS_SHOWN 64

static void write_line(struct wn_strbuf *out, const struct wn_table *t, const char *text)
{
	wn_paint(out, t->o, WN_PAINT_DIM);
	wn_view_wrap(out, text, (struct wn_indent){INDENT, INDENT + 2}, t->o->columns);
	if (t->o->color && out->len > 0) {
		/* Colour ends before the line does. */
		out->data[--out->len] = '\0';
		wn_paint_end(out, t->o);
		wn_strbuf_putc(out, '\n');
	}
}

/* Writes and empties text; nothing when it is empty. */
static void flush(struct wn_strbuf *out, const struct wn_table *t, struct wn_strbuf *text)
{
	if (text->len > 0)
		write_line(out, t, wn_strbuf_str(text));
	if (text->err)
		out->err = text->err;
	wn_strbuf_reset(text);
}

/* ---- extensions ---- */

static void add_mpls(struct wn_strbuf *text, const struct wn_ext *ext)
{
	for (unsigned i = 0; i < ext->mpls_count && i < WN_MPLS_MAX; i++) {
		const struct wn_mpls *m = &ext->mpls[i];

		wn_strbuf_fmt(text, "%s L=%u TC=%u S=%u TTL=%u", i == 0 ? "MPLS" : " /",
			(unsigned)m->label, (unsigned)m->tc, (unsigned)m->bottom, (unsigned)m->ttl);
	}
}

static void add_interface(
	struct wn_strbuf *text, const struct wn_table *t, const struct wn_ifinfo *i)
{
	static const char *const roles[] = {"incoming", "sub-IP", "outgoing", "next hop"};
	char addr[WN_ADDR_STRLEN];

	wn_strbuf_fmt(text, "%s interface", roles[i->role & 3]);
	if (i->name[0]) {
		wn_strbuf_putc(text, ' ');
		wn_view_name(text, i->name, t->o->unicode);
	}
	if (i->ifindex)
		wn_strbuf_fmt(text, " index %u", (unsigned)i->ifindex);
	if (i->addr.family)
		wn_strbuf_fmt(text, " address %s", wn_addr_str(&i->addr, addr));
	if (i->mtu)
		wn_strbuf_fmt(text, " MTU %u", (unsigned)i->mtu);
}

static void write_ext(struct wn_strbuf *out, const struct wn_table *t, const struct wn_ext *ext,
	struct wn_strbuf *text)
{
	if (!ext || ext->bad)
		return;
	add_mpls(text, ext);
	flush(out, t, text);
	for (unsigned i = 0; i < ext->ifinfo_count && i < 4; i++) {
		add_interface(text, t, &ext->ifinfo[i]);
		flush(out, t, text);
	}
}

static void write_ext_rest(struct wn_strbuf *out, const struct wn_table *t,
	const struct wn_ext *ext, struct wn_strbuf *text)
{
	if (!ext)
		return;
	if (ext->bad)
		write_line(out, t, "extensions that cannot be believed (checksum or lengths)");
	for (unsigned i = 0; i < ext->object_count && i < WN_EXT_OBJECTS_MAX; i++) {
		const struct wn_ext_object *o = &ext->objects[i];

		wn_strbuf_fmt(text,
			"extension object class %u type %u, %u bytes: ", (unsigned)o->class_num,
			(unsigned)o->c_type, (unsigned)o->len);
		wn_strbuf_hex(text, o->data, o->len < sizeof(o->data) ? o->len : sizeof(o->data));
		flush(out, t, text);
	}
	if (ext->dropped)
		wn_strbuf_fmt(
			text, "%u more extension objects were not kept", (unsigned)ext->dropped);
	flush(out, t, text);
}

/* ---- quotes ---- */

/* Says where DSCP or ECN changed: at this hop the packet arrived with other bits than before. */
static void write_tos(
	struct wn_strbuf *out, struct wn_table *t, const struct wn_row *row, struct wn_strbuf *text)
{
	const struct wn_quote *q = &t->r->replies[row->hr->first_reply].quote;
	unsigned was = (unsigned)t->expected_tos;

	if (!q->present || !t->r->params.caps.sees_quote_ip)
		return;
	if (q->tos >> 2 != was >> 2)
		wn_strbuf_fmt(text, "DSCP is %u here, was %u", q->tos >> 2, was >> 2);
	if ((q->tos & 3u) != (was & 3u))
		wn_strbuf_fmt(text, "%sECN is %u here, was %u", text->len ? "; " : "", q->tos & 3u,
			was & 3u);
	flush(out, t, text);
	if (row->first)
		t->expected_tos = q->tos;
}

static void add_translated(struct wn_strbuf *text, const char *what, const struct wn_addr *quoted,
	const struct wn_addr *sent)
{
	char buf[WN_ADDR_STRLEN];

	if (quoted->family == 0 || sent->family == 0 || wn_addr_eq(quoted, sent))
		return;
	wn_strbuf_fmt(
		text, "%squoted %s is %s, ", text->len ? "; " : "", what, wn_addr_str(quoted, buf));
	wn_strbuf_fmt(text, "sent was %s", wn_addr_str(sent, buf));
}

static void add_tcp(struct wn_strbuf *text, const struct wn_probe *p, const struct wn_quote *q)
{
	uint8_t stripped, changed;
	unsigned count = 0;

	wn_tcp_changes(p, q, &stripped, &changed);
	for (uint8_t bit = 1; bit & WN_TCP_OPT_USUAL; bit = (uint8_t)(bit << 1))
		if (stripped & bit)
			wn_strbuf_fmt(text, "%s %s",
				count++ ? "," : "TCP options taken away:", wn_tcp_option_name(bit));
	if (changed & WN_TCP_OPT_MSS)
		wn_strbuf_fmt(text, "%squoted MSS is %u, sent was %u", text->len ? "; " : "",
			(unsigned)q->tcp_opts.mss, (unsigned)wn_tcp_mss(p->dst.family));
	if (changed & WN_TCP_OPT_WSCALE)
		wn_strbuf_fmt(text, "%squoted window scale is %u, sent was %u",
			text->len ? "; " : "", (unsigned)q->tcp_opts.wscale, WN_TCP_WSCALE);
	if (changed & WN_TCP_OPT_TIMESTAMPS)
		wn_strbuf_fmt(text, "%squoted TCP time stamp was changed", text->len ? "; " : "");
}

static void write_quote(struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row,
	struct wn_strbuf *text)
{
	const struct wn_reply_rec *reply = &t->r->replies[row->hr->first_reply];
	const struct wn_probe *p = &t->r->probes[reply->probe].probe;
	const struct wn_quote *q = &reply->quote;

	if (!q->present || !t->r->params.caps.sees_quote_ip)
		return;
	if (q->ttl != 1)
		wn_strbuf_fmt(text, "quoted TTL is %u, 1 is usual: hops may be hidden here",
			(unsigned)q->ttl);
	if (q->length != p->size)
		wn_strbuf_fmt(text, "%squoted length is %u, sent was %u", text->len ? "; " : "",
			(unsigned)q->length, (unsigned)p->size);
	flush(out, t, text);
	add_translated(text, "source", &q->src, &p->src);
	add_translated(text, "destination", &q->dst, &p->dst);
	flush(out, t, text);
	add_tcp(text, p, q);
	flush(out, t, text);
}

/* ---- replies and probes ---- */

bool wn_view_foreign_port_unreachable(const struct wn_result *r, const struct wn_reply_rec *reply)
{
	uint8_t family = r->responders[reply->responder].addr.family;

	return reply->kind == WN_REPLY_UNREACHABLE && !reply->reached &&
	       reply->icmp_code == (family == 4 ? 3 : 4);
}

static void write_unsent(struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row,
	struct wn_strbuf *text)
{
	unsigned failed = row->ttl_stats.failed;
	wn_err err = WN_OK;

	if (!row->first || failed == 0 || row->kind == WN_ROW_UNSENT)
		return;
	for (uint32_t i = 0; i < t->r->probe_count && !err; i++)
		if (t->r->probes[i].probe.ttl == row->ttl)
			err = t->r->probes[i].err;
	wn_strbuf_fmt(text, "%u %s not sent: %s", failed, failed == 1 ? "probe" : "probes",
		wn_err_text(err));
	flush(out, t, text);
}

static void add_named_ms(struct wn_strbuf *text, const char *name, int64_t ns)
{
	wn_strbuf_puts(text, name);
	wn_view_ms(text, ns);
}

static void write_spread(struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row,
	struct wn_strbuf *text)
{
	const struct wn_stats *s = &row->stats;

	if (s->samples < 2)
		return;
	add_named_ms(text, "p50 ", s->p50_ns);
	add_named_ms(text, ", p90 ", s->p90_ns);
	add_named_ms(text, ", p95 ", s->p95_ns);
	add_named_ms(text, ", p99 ", s->p99_ns);
	add_named_ms(text, "; jitter ", s->jitter_ns);
	add_named_ms(text, ", mean ", s->jitter_mean_ns);
	add_named_ms(text, ", worst ", s->jitter_worst_ns);
	add_named_ms(text, ", RFC 3550 ", s->jitter_rfc3550_ns);
	flush(out, t, text);
}

static void write_reply_facts(struct wn_strbuf *out, const struct wn_table *t,
	const struct wn_row *row, struct wn_strbuf *text)
{
	const struct wn_reply_rec *reply = &t->r->replies[row->hr->first_reply];

	wn_strbuf_puts(text, wn_view_reply_text(t->r, reply));
	if (reply->kind == WN_REPLY_SYN_ACK && reply->tcp_opts.mss)
		wn_strbuf_fmt(text, ", its MSS %u", (unsigned)reply->tcp_opts.mss);
	if (reply->ttl >= 0)
		wn_strbuf_fmt(text, ", its TTL %d", reply->ttl);
	if (reply->tos > 0)
		wn_strbuf_fmt(text, ", its TOS 0x%02x", (unsigned)reply->tos);
	wn_strbuf_fmt(text, ", clock %s", wn_clock_name(reply->clock));
	if (row->stats.duplicates > 0)
		wn_strbuf_fmt(text, ", duplicates: %u", (unsigned)row->stats.duplicates);
	flush(out, t, text);
}

static void add_outcome(
	struct wn_strbuf *text, const struct wn_result *r, const struct wn_probe_rec *p)
{
	const struct wn_reply_rec *reply;
	char addr[WN_ADDR_STRLEN];

	if (p->state == WN_PROBE_FAILED) {
		wn_strbuf_fmt(text, ": not sent: %s", wn_err_text(p->err));
	} else if (p->state == WN_PROBE_PENDING) {
		wn_strbuf_puts(text, ": waiting");
	} else if (p->first_reply == WN_NONE) {
		wn_strbuf_puts(text, ": no reply in ");
		wn_view_duration(text, p->waited_ns);
	} else {
		reply = &r->replies[p->first_reply];
		add_named_ms(text, ": ", reply->rtt_ns);
		wn_strbuf_fmt(text, " ms from %s, %s",
			wn_addr_str(&r->responders[reply->responder].addr, addr),
			wn_reply_kind_name(reply->kind));
		if (p->state == WN_PROBE_LATE)
			wn_strbuf_puts(text, ", late");
		if (reply->match == WN_MATCH_WEAK)
			wn_strbuf_puts(text, ", weak match");
	}
}

static void add_probe(
	struct wn_strbuf *text, const struct wn_result *r, const struct wn_probe_rec *p)
{
	const struct wn_probe *b = &p->probe;

	wn_strbuf_fmt(text, "#%u flow %u", (unsigned)p->number, (unsigned)(b->flow & UINT16_MAX));
	if (b->flow > UINT16_MAX)
		wn_strbuf_fmt(text, " with the label of flow %u", (unsigned)(b->flow >> 16) - 1);
	if (b->proto == WN_PROTO_ICMP)
		wn_strbuf_fmt(text, " id %u seq %u", (unsigned)b->icmp_id, (unsigned)b->icmp_seq);
	else
		wn_strbuf_fmt(text, " ports %u > %u", (unsigned)b->sport, (unsigned)b->dport);
	if (b->proto == WN_PROTO_TCP && b->tcp_seq)
		wn_strbuf_fmt(text, " seq 0x%08x", (unsigned)b->tcp_seq);
	else if (b->proto != WN_PROTO_TCP)
		wn_strbuf_fmt(text, " checksum 0x%04x", (unsigned)b->checksum);
	add_named_ms(text, " at ", (int64_t)p->sent_ns);
	wn_strbuf_puts(text, " ms");
	add_outcome(text, r, p);
}

void wn_table_probes(struct wn_strbuf *out, const struct wn_table *t)
{
	struct wn_strbuf text = WN_STRBUF_INIT;

	for (uint32_t i = 0; i < t->r->probe_count; i++) {
		const struct wn_probe_rec *p = &t->r->probes[i];

		wn_strbuf_fmt(&text, "TTL %u ", (unsigned)p->probe.ttl);
		add_probe(&text, t->r, p);
		flush(out, t, &text);
	}
	wn_view_drop(out, &text);
}

/* Every probe of the TTLs of this row, below the last row of the TTL. */
static void write_probes(struct wn_strbuf *out, const struct wn_table *t, const struct wn_row *row,
	struct wn_strbuf *text)
{
	if (row + 1 < t->rows + t->count && row[1].ttl == row->ttl)
		return;
	for (uint32_t i = 0; i < t->r->probe_count; i++) {
		const struct wn_probe_rec *p = &t->r->probes[i];

		if (p->probe.ttl < row->ttl || p->probe.ttl > row->last_ttl)
			continue;
		if (row->last_ttl > row->ttl)
			wn_strbuf_fmt(text, "TTL %u ", (unsigned)p->probe.ttl);
		add_probe(text, t->r, p);
		flush(out, t, text);
	}
}

void wn_table_details(struct wn_strbuf *out, struct wn_table *t, const struct wn_row *row)
{
	struct wn_strbuf text = WN_STRBUF_INIT;

	if (row->kind == WN_ROW_RESPONDER) {
		const struct wn_reply_rec *reply = &t->r->replies[row->hr->first_reply];

		if (wn_view_foreign_port_unreachable(t->r, reply))
			write_line(out, t, "port unreachable, but this is not the target");
		write_ext(out, t, reply->ext, &text);
		write_tos(out, t, row, &text);
		if (t->o->verbose > 0) {
			write_reply_facts(out, t, row, &text);
			write_quote(out, t, row, &text);
			write_ext_rest(out, t, reply->ext, &text);
			write_spread(out, t, row, &text);
		}
	}
	write_unsent(out, t, row, &text);
	if (t->o->verbose > 1)
		write_probes(out, t, row, &text);
	wn_view_drop(out, &text);
}

/* ---- flows ---- */

/* A flow that met fewer than two responders has no path (with --flow classic all are so). */
static bool add_flow(struct wn_strbuf *text, const struct wn_result *r, uint32_t flow)
{
	char addr[WN_ADDR_STRLEN];
	unsigned known = 0;
	uint32_t path[256];
	size_t n = wn_result_path(r, flow, path, 256);

	wn_strbuf_fmt(text, "Flow %u:", (unsigned)flow);
	for (size_t i = 0; i < n; i++) {
		if (path[i] == WN_NONE) {
			wn_strbuf_puts(text, " *");
			continue;
		}
		known++;
		wn_strbuf_fmt(text, " %s", wn_addr_str(&r->responders[path[i]].addr, addr));
	}
	return known >= 2;
}

void wn_table_flows(struct wn_strbuf *out, const struct wn_table *t)
{
	uint32_t flows[FLOWS_SHOWN];
	size_t count = wn_result_flows(t->r, flows, FLOWS_SHOWN);
	struct wn_strbuf text = WN_STRBUF_INIT;

	for (size_t i = 0; i < count && i < FLOWS_SHOWN; i++) {
		if (add_flow(&text, t->r, flows[i]))
			wn_view_wrap(
				out, wn_strbuf_str(&text), (struct wn_indent){0, 2}, t->o->columns);
		if (!text.err)
			wn_strbuf_reset(&text);
	}
	wn_view_drop(out, &text);
}
