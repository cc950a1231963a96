/* SPDX-License-Identifier: Apache-2.0 */
/* What lowers the path MTU, in words: for the end of a trace, and for findings. */
#include "multipath/pmtu_view.h"
#include "output/view.h"

static void add_addr(struct wn_strbuf *out, const struct wn_addr *addr)
{
	char buf[WN_ADDR_STRLEN];

	wn_strbuf_puts(out, wn_addr_str(addr, buf));
}

/* "behind hop 3 (10.0.2.1)": one who told is known even where hops do not answer. */
static void add_behind(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_pmtu_lowering *l)
{
	const struct wn_hop *hop = &r->hops[l->after];

	if (l->after == 0) {
		wn_strbuf_puts(out, " behind this machine");
		return;
	}
	wn_strbuf_fmt(out, " behind hop %u", (unsigned)l->after);
	if (hop->responder_count > 0) {
		wn_strbuf_puts(out, " (");
		add_addr(out, &r->responders[hop->responders[0].responder].addr);
		wn_strbuf_puts(out, ")");
	}
	if (l->before > l->after + 1)
		wn_strbuf_fmt(out, " and before hop %u", (unsigned)l->before);
}

static bool is_behind_itself(const struct wn_result *r, const struct wn_pmtu_lowering *l)
{
	const struct wn_hop *hop = &r->hops[l->after];

	for (uint32_t i = 0; i < hop->responder_count; i++)
		if (hop->responders[i].responder == l->by)
			return true;
	return false;
}

void wn_view_lowering(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_pmtu_lowering *l)
{
	if (l->local) {
		wn_strbuf_fmt(out, "This machine sends no packets of more than %u bytes.",
			(unsigned)l->mtu);
		return;
	}
	if (wn_pmtu_is_hole(l)) {
		wn_strbuf_fmt(out, "Packets of more than %u bytes are lost without a word",
			(unsigned)l->mtu);
		add_behind(out, r, l);
		wn_strbuf_puts(out, ": a PMTU black hole.");
		return;
	}
	wn_strbuf_fmt(out, "MTU falls to %u", (unsigned)l->mtu);
	add_behind(out, r, l);
	wn_strbuf_puts(out, ", ");
	if (is_behind_itself(r, l)) {
		wn_strbuf_puts(out, "which says so");
	} else {
		add_addr(out, &r->responders[l->by].addr);
		wn_strbuf_puts(out, " says so");
	}
	if (!l->told && l->said == 0)
		wn_strbuf_puts(out, " without the number: that was found by search");
	else if (!l->told)
		wn_strbuf_fmt(
			out, ", but names %u: the number was found by search", (unsigned)l->said);
	wn_strbuf_puts(out, ".");
}
