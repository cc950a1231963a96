/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of Linux traceroute (Modern traceroute for Linux 2.1), because scripts read it: probes
 * of a hop in one line, the address only where it differs from the one before.
 */
#include "output/output.h"
#include "output/view.h"

void wn_out_classic_header(struct wn_strbuf *out, const struct wn_result *r)
{
	char addr[WN_ADDR_STRLEN];

	wn_strbuf_puts(out, "traceroute to ");
	wn_view_name(out, r->params.host, false);
	wn_strbuf_fmt(out, " (%s), %u hops max, %u byte packets\n",
		wn_addr_str(&r->params.dst, addr), (unsigned)r->params.max_ttl,
		(unsigned)r->params.size);
}

uint8_t wn_out_classic_last(const struct wn_result *r)
{
	return (uint8_t)wn_view_last_ttl(r);
}

/* A name with anything unusual in it could pass for fields of the line: then the address. */
static void add_responder(struct wn_strbuf *out, const struct wn_responder *resp, bool names)
{
	char addr[WN_ADDR_STRLEN];

	wn_addr_str(&resp->addr, addr);
	if (names)
		wn_strbuf_fmt(
			out, " %s (%s)", wn_view_is_hostname(resp->name) ? resp->name : addr, addr);
	else
		wn_strbuf_fmt(out, " %s", addr);
}

static void add_reply(struct wn_strbuf *out, const struct wn_result *r,
	const struct wn_reply_rec *reply, bool show_responder, bool names)
{
	const struct wn_responder *resp = &r->responders[reply->responder];
	char mark[WN_MARK_STRLEN];

	if (show_responder)
		add_responder(out, resp, names);
	if (reply->rtt_ns >= 0) {
		wn_strbuf_puts(out, "  ");
		wn_strbuf_fixed(out, reply->rtt_ns, 6, 3);
		wn_strbuf_puts(out, " ms");
	}
	wn_reply_mark(reply->kind, resp->addr.family, reply->icmp_code, reply->mtu, mark);
	if (mark[0])
		wn_strbuf_fmt(out, " %s", mark);
}

void wn_out_classic_hop(struct wn_strbuf *out, const struct wn_result *r, uint8_t ttl, bool names)
{
	uint32_t shown = WN_NONE;

	wn_strbuf_fmt(out, "%2u ", (unsigned)ttl);
	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];
		const struct wn_reply_rec *reply;

		if (p->probe.ttl != ttl)
			continue;
		if (p->first_reply == WN_NONE) {
			wn_strbuf_puts(out, " *");
			continue;
		}
		reply = &r->replies[p->first_reply];
		add_reply(out, r, reply, reply->responder != shown, names);
		shown = reply->responder;
	}
	wn_strbuf_putc(out, '\n');
}
