/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closing lines: how it ended and what to try, through which back end and what that cannot
 * see, what was counted but not shown, and what else a reader must know.
 */
#include "output/output.h"

#include <inttypes.h>
#include <string.h>
#include "multipath/pmtu_view.h"
#include "output/table.h"

#define SECOND_NS    1000000000ull
#define WAIT_MIN_MAX 60 /* seconds: more --wait-min does not take */
#define GAP_USUAL    12

struct closing {
	struct wn_strbuf *out;
	const struct wn_result *r;
	const struct wn_table_opts *o;
	struct wn_strbuf text; /* the line being made */
};

static void end_line(struct closing *c)
{
	if (c->text.len > 0)
		wn_view_wrap(
			c->out, wn_strbuf_str(&c->text), (struct wn_indent){0, 2}, c->o->columns);
	if (!c->text.err)
		wn_strbuf_reset(&c->text);
}

static void add(struct closing *c, const char *text)
{
	wn_strbuf_puts(&c->text, text);
}

static void add_count(struct closing *c, unsigned n, const char *one)
{
	wn_strbuf_fmt(&c->text, "%u %s%s", n, one, n == 1 ? "" : "s");
}

static void add_addr(struct closing *c, const struct wn_addr *addr)
{
	char buf[WN_ADDR_STRLEN];

	wn_strbuf_puts(&c->text, wn_addr_str(addr, buf));
}

/* ---- what to try ---- */

static uint64_t last_reply_ns(const struct wn_result *r)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < r->reply_count; i++)
		if (r->replies[i].at_ns > last)
			last = r->replies[i].at_ns;
	return last;
}

static void add_other_protocols(struct closing *c)
{
	static const char *const tries[WN_PROTO_COUNT] = {
		[WN_PROTO_UDP] = "try -P icmp, -P tcp -p 443, or -P auto",
		[WN_PROTO_ICMP] = "try -P udp, -P tcp -p 443, or -P auto",
		[WN_PROTO_TCP] = "try another port (-p 443), -P icmp, or -P auto",
	};
	enum wn_proto proto = c->r->params.proto;

	/* A SYN has no size to choose. */
	if (c->r->params.pmtu)
		add(c, proto == WN_PROTO_UDP ? "try -P icmp" : "try -P udp");
	else
		add(c, tries[proto]);
}

/* The longest that a probe beyond the last answer was waited for. */
static uint64_t silent_wait_ns(const struct wn_result *r)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];

		if (p->state == WN_PROBE_LOST && p->probe.ttl > r->last_ttl &&
			p->waited_ns > longest)
			longest = p->waited_ns;
	}
	return longest;
}

/* Silence has two readings, not answering and not answering in time: say how long we waited. */
static void add_waited(struct closing *c)
{
	const struct wn_result *r = c->r;
	uint64_t last_ns = last_reply_ns(r), wait_ns;

	/* Replies go on to come from nearer hops, whose MTU is looked for. */
	if (r->params.pmtu && last_ns > 0) {
		wait_ns = silent_wait_ns(r);
		add(c, wait_ns ? "; waited " : "");
		if (wait_ns)
			wn_view_duration(&c->text, wait_ns);
		add(c, wait_ns ? " for each reply" : "");
		return;
	}
	if (r->stop_ns > last_ns) {
		add(c, "; waited ");
		wn_view_duration(&c->text, r->stop_ns - last_ns);
		add(c, last_ns > 0 ? " after the last reply" : "");
	}
}

/* How long a hop beyond the last that answers is waited for. */
static uint64_t silence_ns(const struct wn_result *r)
{
	const struct wn_params *p = &r->params;
	uint64_t wait = 0;

	for (uint32_t i = 0; i < r->reply_count; i++) {
		int64_t rtt = r->replies[i].rtt_ns;
		uint64_t near = rtt > 0 ? (uint64_t)rtt / 1000 * p->wait_near_milli : 0;

		wait = near > wait ? near : wait;
	}
	if (wait < p->wait_min_ns)
		wait = p->wait_min_ns;
	return wait < p->wait_max_ns ? wait : p->wait_max_ns;
}

/*
 * While nothing at all answers -w is what is waited; beyond the last hop that answers it is the
 * least wait, unless some multiple is more, and never above -w.
 */
static void add_patience(struct closing *c)
{
	const struct wn_params *p = &c->r->params;
	bool dark = c->r->reply_count == 0;
	uint64_t now_ns = dark ? p->wait_max_ns : silence_ns(c->r), more_s = dark ? 2 : 1;

	if (now_ns >= SECOND_NS)
		more_s = (2 * now_ns + SECOND_NS - 1) / SECOND_NS;
	if (more_s > WAIT_MIN_MAX)
		return;
	add(c, "; for slow links try");
	if (!dark)
		wn_strbuf_fmt(&c->text, " --wait-min %us", (unsigned)more_s);
	if (more_s * SECOND_NS > p->wait_max_ns)
		wn_strbuf_fmt(&c->text, "%s -w %us", dark ? "" : " with", (unsigned)more_s);
}

static void add_wider_gap(struct closing *c)
{
	unsigned gap = c->r->params.gap;

	if (gap < GAP_USUAL)
		wn_strbuf_fmt(&c->text, "; for more silent hops in a row try --gap %u",
			2 * gap > GAP_USUAL ? 2 * gap : GAP_USUAL);
}

static void add_after(struct closing *c)
{
	const struct wn_result *r = c->r;
	const struct wn_hop *hop = &r->hops[r->last_ttl];

	if (hop->responder_count == 0)
		return;
	wn_strbuf_fmt(&c->text, " after hop %u (", (unsigned)r->last_ttl);
	add_addr(c, &r->responders[hop->responders[0].responder].addr);
	add(c, ")");
}

/* ---- how it ended ---- */

static void say_reached(struct closing *c)
{
	const struct wn_result *r = c->r;
	const struct wn_reply_rec *reply = &r->replies[r->reached_reply];
	const struct wn_addr *from = &r->responders[reply->responder].addr;
	unsigned ttl = r->probes[reply->probe].probe.ttl;

	add(c, "Reached ");
	add_addr(c, from);
	/* With TTLs skipped, the first one probed may already be more than enough. */
	wn_strbuf_fmt(&c->text, " at %shop %u",
		r->params.first_ttl > 1 && ttl == r->params.first_ttl ? "or before " : "", ttl);
	if (r->last_ttl > ttl && !r->partial)
		wn_strbuf_fmt(&c->text, ", by longer paths at hop %u", (unsigned)r->last_ttl);
	if (reply->rtt_ns >= 0) {
		add(c, ", first reply after ");
		wn_view_ms(&c->text, reply->rtt_ns);
		add(c, " ms");
	}
	wn_strbuf_fmt(&c->text, " (%s)", wn_view_reply_text(r, reply));
}

static void say_gap(struct closing *c)
{
	unsigned silent = (unsigned)c->r->params.gap;

	if (c->r->responder_count == 0) {
		add(c, "No reply at all, from ");
		add_count(c, silent, "hop");
		add(c, ": a firewall on this machine or next to it may drop probes or replies; ");
	} else {
		add(c, "Stopped: ");
		add_count(c, silent, "silent hop");
		add_after(c);
		add(c, ". The target, or a firewall before it, does not answer ");
		wn_view_probe_kind(&c->text, &c->r->params);
		add(c, ": ");
	}
	add_other_protocols(c);
	add_waited(c);
	add_patience(c);
	add_wider_gap(c);
}

static void say_max_ttl(struct closing *c)
{
	unsigned max = c->r->params.max_ttl;

	add(c, "Not reached within ");
	add_count(c, max, "hop");
	if (c->r->last_ttl < max) {
		add(c, ", no answer");
		add_after(c);
		add(c, ": ");
		add_other_protocols(c);
		add_waited(c);
		add_patience(c);
	} else if (max < 255) {
		wn_strbuf_fmt(&c->text, ": try -m %u", max < 127 ? 2 * max : 255);
	}
}

static void say_loop(struct closing *c)
{
	wn_strbuf_fmt(&c->text,
		"Stopped at hop %u: a routing loop, the same routers come again and again",
		(unsigned)c->r->stop_ttl);
}

/* The reply that stopped it: an error from there that is no time exceeded. */
static const struct wn_reply_rec *find_refusal(const struct wn_result *r)
{
	for (uint32_t i = 0; i < r->reply_count; i++) {
		const struct wn_reply_rec *reply = &r->replies[i];

		if (r->probes[reply->probe].probe.ttl == r->stop_ttl && !reply->duplicate &&
			reply->kind != WN_REPLY_TIME_EXCEEDED &&
			wn_addr_eq(&r->responders[reply->responder].addr, &r->stop_by))
			return reply;
	}
	return NULL;
}

static void say_unreachable(struct closing *c)
{
	const struct wn_result *r = c->r;
	const struct wn_reply_rec *reply = find_refusal(r);
	char mark[WN_MARK_STRLEN];

	wn_strbuf_fmt(&c->text, "Stopped at hop %u: ", (unsigned)r->stop_ttl);
	add_addr(c, &r->stop_by);
	if (!reply) {
		add(c, " refused");
		return;
	}
	wn_reply_mark(reply->kind, r->stop_by.family, reply->icmp_code, reply->mtu, mark);
	wn_strbuf_fmt(&c->text, " says: %s", wn_view_reply_text(r, reply));
	if (mark[0])
		wn_strbuf_fmt(&c->text, " (%s)", mark);
	if (reply->kind == WN_REPLY_TOO_BIG && reply->mtu)
		wn_strbuf_fmt(&c->text, "; try --size %u or less", (unsigned)reply->mtu);
	if (wn_view_foreign_port_unreachable(r, reply)) {
		add(c, ". It is not the target, so that was not reached: ");
		add_other_protocols(c);
	}
}

static void say_deadline(struct closing *c)
{
	add(c, "Stopped by the deadline of ");
	wn_view_duration(&c->text, c->r->params.deadline_ns);
	add(c, c->r->last_ttl ? "," : ", no answer");
	if (c->r->last_ttl)
		wn_strbuf_fmt(&c->text, " last answer from hop %u", (unsigned)c->r->last_ttl);
	add(c, ": try a longer --deadline");
}

static void say_interrupted(struct closing *c)
{
	add(c, "Stopped after ");
	wn_view_duration(&c->text, c->r->stop_ns);
}

static void say_error(struct closing *c)
{
	static const unsigned mtus[] = {1500, 1280}; /* Ethernet; what every IPv6 link carries */
	const struct wn_params *p = &c->r->params;
	size_t i = 0;

	if (c->r->stop_err != WN_EMSGSIZE) {
		wn_strbuf_fmt(&c->text, "Stopped: nothing more can be sent: %s",
			wn_err_text(c->r->stop_err));
		return;
	}
	while (i < sizeof(mtus) / sizeof(mtus[0]) && p->size <= mtus[i])
		i++;
	add(c, "Stopped: packet larger than the MTU of the first link; try ");
	if (i < sizeof(mtus) / sizeof(mtus[0]))
		wn_strbuf_fmt(&c->text, "--size %u or less", mtus[i]);
	else
		add(c, "a smaller --size");
	add(c, p->df ? ", or leave --df out" : "");
}

/* Where the destination has answered nothing else says what cut it short. */
static void add_partial(struct closing *c, enum wn_stop stop)
{
	bool reached = c->r->reached_reply != WN_NONE;

	add(c, stop == WN_STOP_INTERRUPTED	      ? " (interrupted: partial result"
		: stop == WN_STOP_DEADLINE && reached ? " (deadline: partial result"
						      : " (partial result");
	if (stop == WN_STOP_ERROR && reached)
		wn_strbuf_fmt(&c->text, ": %s", wn_err_text(c->r->stop_err));
	add(c, ")");
}

static void say_stop(struct closing *c)
{
	static void (*const say[])(struct closing *) = {
		[WN_STOP_REACHED] = say_reached,
		[WN_STOP_MAX_TTL] = say_max_ttl,
		[WN_STOP_GAP] = say_gap,
		[WN_STOP_LOOP] = say_loop,
		[WN_STOP_UNREACHABLE] = say_unreachable,
		[WN_STOP_DEADLINE] = say_deadline,
		[WN_STOP_INTERRUPTED] = say_interrupted,
		[WN_STOP_ERROR] = say_error,
	};
	enum wn_stop stop = c->r->stop;

	/* The destination may have answered although something else ended the trace. */
	if (c->r->reached_reply != WN_NONE)
		say_reached(c);
	else if (stop != WN_STOP_NONE && stop != WN_STOP_REACHED)
		say[stop](c);
	else
		add(c, "Not reached");
	if (c->r->partial)
		add_partial(c, stop);
	add(c, ".");
	end_line(c);
}

/* ---- path MTU ---- */

/* It was not found: what is known of it all the same. */
static void add_mtu_limits(struct closing *c, const struct wn_pmtu_view *v)
{
	const struct wn_pmtu_hop *hop = &v->hops[v->last];

	wn_strbuf_fmt(&c->text, "not found, at least %u", (unsigned)hop->low);
	if (hop->high < v->start)
		wn_strbuf_fmt(&c->text, " and at most %u", (unsigned)hop->high);
	add(c, " bytes");
	if (c->r->partial && c->r->stop != WN_STOP_INTERRUPTED && c->r->stop != WN_STOP_DEADLINE)
		add(c, "; too few packets came through to tell");
}

static void say_mtu(struct closing *c)
{
	struct wn_pmtu_view v;
	uint16_t mtu;

	if (!c->r->params.pmtu || c->r->last_ttl == 0)
		return;
	wn_pmtu_view(c->r, &v);
	mtu = wn_pmtu_of(&v, v.last);
	for (uint32_t i = 0; i < v.count; i++) {
		wn_view_lowering(&c->text, c->r, &v.lowerings[i]);
		end_line(c);
	}
	wn_strbuf_fmt(&c->text, "Path MTU up to hop %u: ", (unsigned)v.last);
	if (mtu)
		wn_strbuf_fmt(&c->text, "%u bytes", (unsigned)mtu);
	else
		add_mtu_limits(c, &v);
	if (mtu == WN_PACKET_MAX)
		add(c, " or more; larger packets were not tried");
	else if (mtu == v.start)
		add(c, ", that of the first link");
	add(c, ".");
	end_line(c);
}

/* ---- the rest ---- */

static void say_progress(struct closing *c)
{
	struct wn_stats s = wn_view_stats(c->r, wn_view_filter(-1, WN_NONE, -1), &c->text.err);

	add_count(c, (unsigned)s.sent, "probe");
	wn_strbuf_fmt(&c->text, " sent, %u answered, %u waiting.", (unsigned)s.received,
		(unsigned)s.pending);
	end_line(c);
	wn_view_waiting(&c->text, c->r);
	end_line(c);
}

static void say_backend(struct closing *c)
{
	static const char *const stamps[] = {
		[WN_CLOCK_NONE] = "no time stamps",
		[WN_CLOCK_USER] = "times read by this program",
		[WN_CLOCK_KERNEL] = "kernel time stamps",
		[WN_CLOCK_TCP] = "the kernel's TCP times",
		[WN_CLOCK_SIM] = "simulated time",
	};
	const struct wn_caps *caps = &c->r->params.caps;
	unsigned clock = (unsigned)caps->rx_clock;

	add(c, "Back end: ");
	wn_view_text(&c->text, caps->name, c->o->unicode);
	if (clock <= WN_CLOCK_SIM)
		wn_strbuf_fmt(&c->text, ", %s", stamps[clock]);
	if (caps->blind[0]) {
		add(c, "; it cannot see ");
		wn_view_text(&c->text, caps->blind, c->o->unicode);
	}
	add(c, ".");
	end_line(c);
}

/* The signs behind addresses, where there are any. */
static void say_signs(struct closing *c)
{
	unsigned last = wn_view_last_ttl(c->r);
	bool weak = false, late = false;

	for (uint32_t i = 0; i < c->r->probe_count; i++) {
		const struct wn_probe_rec *p = &c->r->probes[i];

		if (p->first_reply == WN_NONE || p->probe.ttl > last)
			continue;
		weak = weak || c->r->replies[p->first_reply].match == WN_MATCH_WEAK;
		late = late || p->state == WN_PROBE_LATE;
	}
	if (weak)
		add(c, "? the reply carries too little of the probe to be sure that it is "
		       "genuine.");
	end_line(c);
	if (late)
		add(c, "+ some of its replies came after the timeout.");
	end_line(c);
}

enum {
#define X(field, words) COUNTER_##field,
	WN_COUNTER_LIST(X)
#undef X
};

/* What the texts of the list say of several, said of one. */
static const char *const of_one[] = {
	[COUNTER_foreign] = "packet that was not about our probes",
	[COUNTER_forged] = "reply with our ports but a wrong cookie",
	[COUNTER_corrupt] = "reply with a wrong checksum",
	[COUNTER_truncated] = "reply too short to be matched",
	[COUNTER_duplicate] = "second reply to one probe",
	[COUNTER_late] = "reply after the timeout",
	[COUNTER_weak] = "reply matched by few bits",
	[COUNTER_unattributed] = "reply that fits several probes",
	[COUNTER_stale] = "reply to a probe long finished",
	[COUNTER_overflow] = "event not kept because a table was full",
	[COUNTER_send_retries] = "send repeated because this machine's queue was full",
	[COUNTER_blocked] = "probe refused by this machine",
};

struct counter {
	const char *name, *text;
	size_t offset;
};

static const struct counter counters[] = {
#define X(field, words) {#field, words, offsetof(struct wn_counters, field)},
	WN_COUNTER_LIST(X)
#undef X
};

static bool matters(const struct closing *c, const struct counter *k)
{
	/* Raw sockets see everybody's packets; weak and late replies carry their signs. */
	static const char *const usual[] = {"foreign", "weak", "late"};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (strcmp(k->name, usual[i]) == 0)
			return c->o->verbose > 0;
	return true;
}

static void say_counters(struct closing *c)
{
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		const char *at = (const char *)&c->r->counters + counters[i].offset;
		uint64_t n;

		memcpy(&n, at, sizeof(n));
		if (n == 0 || !matters(c, &counters[i]))
			continue;
		add(c, c->text.len > 0 ? ", " : "Counted: ");
		wn_strbuf_fmt(&c->text, "%llu %s", (unsigned long long)n,
			n == 1 ? of_one[i] : counters[i].text);
	}
	if (c->text.len > 0)
		add(c, ".");
	end_line(c);
}

static void say_note(struct closing *c, const struct wn_event *ev)
{
	static const char *const texts[] = {
		[WN_NOTE_GAP_IN_TIME] = "this process did not run for ",
		[WN_NOTE_LINK_DOWN] = "the link went down",
		[WN_NOTE_LINK_UP] = "the link came up again",
		[WN_NOTE_ADDRESS_CHANGED] = "an address of this machine changed",
		[WN_NOTE_SERIAL_PASS] =
			"answers fitted several probes: silent hops were asked again",
		[WN_NOTE_DNS_DEAD] = "name servers do not answer",
		[WN_NOTE_TEXT] = "",
		[WN_NOTE_MORE_FLOWS] = "not all is proved: more flows are needed than the ",
		[WN_NOTE_TARGET_MUTE] = "the target stopped answering in the middle of it, after ",
		[WN_NOTE_TOO_LARGE] = "not all is proved: there is room for no more probes, links",
	};
	unsigned kind = (unsigned)ev->u.note.kind;

	add(c, "Note: ");
	add(c, kind < sizeof(texts) / sizeof(texts[0]) ? texts[kind] : "");
	if (kind == WN_NOTE_GAP_IN_TIME)
		wn_view_duration(&c->text, ev->u.note.value > 0 ? (uint64_t)ev->u.note.value : 0);
	if (kind == WN_NOTE_TARGET_MUTE)
		add_count(c, (unsigned)ev->u.note.value, "probe");
	if (kind == WN_NOTE_MORE_FLOWS)
		wn_strbuf_fmt(&c->text, "%" PRId64 " allowed by --flows", ev->u.note.value);
	if (ev->u.note.text[0]) {
		add(c, kind == WN_NOTE_TEXT ? "" : ": ");
		wn_view_text(&c->text, ev->u.note.text, c->o->unicode);
	}
	add(c, ".");
	end_line(c);
}

static void say_notes(struct closing *c)
{
	for (uint32_t i = 0; i < c->r->note_count; i++)
		say_note(c, &c->r->notes[i]);
}

void wn_out_stop(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct closing c = {.out = out, .r = r, .o = o, .text = WN_STRBUF_INIT};

	say_stop(&c);
	wn_view_drop(out, &c.text);
}

void wn_out_notes(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct closing c = {.out = out, .r = r, .o = o, .text = WN_STRBUF_INIT};

	say_notes(&c);
	wn_view_drop(out, &c.text);
}

void wn_out_closing(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	struct closing c = {.out = out, .r = r, .o = o, .text = WN_STRBUF_INIT};

	if (!r->started)
		return;
	if (o->live && r->stop == WN_STOP_NONE)
		say_progress(&c);
	else
		say_stop(&c);
	say_mtu(&c);
	say_signs(&c);
	wn_view_pings(&c.text, r);
	end_line(&c);
	if (!o->live) {
		say_backend(&c);
		say_counters(&c);
	}
	say_notes(&c);
	wn_view_drop(out, &c.text);
}
