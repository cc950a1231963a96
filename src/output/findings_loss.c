/* SPDX-License-Identifier: Apache-2.0 */
/* Loss, limits, and paths that change, in words. */
#include "output/findings_say.h"

#define SECOND_NS UINT64_C(1000000000)

/* Several times were looked at: say which this was. */
static void add_time(const struct wn_say *s)
{
	const struct wn_found_loss *l = &s->f->u.loss;

	if (l->from_ns == 0 && l->to_ns >= s->r->end_ns)
		return;
	wn_say(s, " from ");
	wn_view_duration(s->out, l->from_ns);
	wn_say(s, " to ");
	wn_view_duration(s->out, l->to_ns);
	wn_say(s, " after the start");
}

static void add_lost(const struct wn_say *s, const struct wn_found_share *share)
{
	wn_say(s, "%u of %u probes", (unsigned)share->lost, (unsigned)share->sent);
}

static void add_target(const struct wn_say *s)
{
	const struct wn_found_share *t = &s->f->u.loss.target;

	if (t->sent == 0)
		return;
	wn_say(s, " The target left %u of %u unanswered.", (unsigned)t->lost, (unsigned)t->sent);
}

/* ---- size ---- */

static void say_mtu(const struct wn_say *s)
{
	wn_view_lowering(s->out, s->r, &s->f->u.mtu.lowering);
}

static void prove_mtu(const struct wn_say *s)
{
	const struct wn_found_mtu *m = &s->f->u.mtu;

	wn_say_count(s, s->f->probe_count, "probe");
	wn_say(s, " of more than %u bytes ", (unsigned)m->lowering.mtu);
	if (m->lowering.local)
		wn_say(s, "could not be sent");
	else if (m->by.family == 0)
		wn_say(s, "got no answer, small ones right behind them did");
	else
		wn_say(s, "%s answered \"too big\"", s->f->probe_count == 1 ? "was" : "were");
	if (m->passed > 0)
		wn_say(s, "; %u of just %u bytes got through", (unsigned)m->passed,
			(unsigned)m->lowering.mtu);
	wn_say(s, ".");
}

static void doubt_mtu(const struct wn_say *s)
{
	wn_say(s, "large packets are dropped there for another reason, such as a firewall.");
}

const struct wn_saying wn_say_mtu = {say_mtu, prove_mtu, doubt_mtu};

/* ---- replies ---- */

static bool is_target(const struct wn_say *s)
{
	return s->r->reached && s->f->first.ttl == s->r->last_ttl;
}

/* "10 per second", "1 in 20 s" */
static void add_rate(const struct wn_say *s, uint64_t interval_ns)
{
	wn_say(s, "about ");
	if (interval_ns > 0 && interval_ns <= SECOND_NS) {
		wn_say(s, "%u per second", (unsigned)((SECOND_NS + interval_ns / 2) / interval_ns));
	} else {
		wn_say(s, "one in ");
		wn_view_duration(s->out, interval_ns);
	}
}

static void say_limit(const struct wn_say *s)
{
	const struct wn_found_loss *l = &s->f->u.loss;

	wn_say_hop(s, s->f->first);
	wn_say(s, " limits its replies, ");
	if (l->interval_ns > 0) {
		add_rate(s, l->interval_ns);
		wn_say(s, " after a burst of %u", (unsigned)l->burst);
	} else {
		wn_say(s, "none came after the first %u", (unsigned)l->burst);
	}
	wn_say(s, is_target(s) ? ": what it leaves unanswered need not be lost."
			       : ": what it leaves unanswered is no loss of the path.");
}

/* What the hop lost against those behind it. */
static void add_rest(const struct wn_say *s)
{
	const struct wn_found_loss *l = &s->f->u.loss;

	add_lost(s, &l->here);
	wn_say(s, " got no answer, ");
	wn_say_share(s, &l->here);
	add_time(s);
	if (l->rest.sent == 0) {
		wn_say(s, ".");
		return;
	}
	wn_say(s, ", and %u of %u to the hops behind", (unsigned)l->rest.lost,
		(unsigned)l->rest.sent);
	if (l->passed > 0)
		wn_say(s,
			". Next to %u of them a probe of the same flow passed to a hop behind "
			"within "
			"50 ms",
			(unsigned)l->passed);
	wn_say(s, ".");
}

static void prove_limit(const struct wn_say *s)
{
	add_rest(s);
	wn_say(s, " Answers lost by chance look as regular in ");
	wn_say_chance(s, s->f->u.loss.chance_ppb);
	wn_say(s, ".");
	if (!is_target(s))
		add_target(s);
}

static void else_limit(const struct wn_say *s)
{
	wn_say(s, "replies are lost on their way back, in an order that looks like a limit.");
}

static void say_replies(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;

	if (f->first.ttl == f->last.ttl) {
		wn_say_hop(s, f->first);
		wn_say(s, " leaves probes unanswered that the path did not lose");
	} else {
		wn_say_hops(s, f->first.ttl, f->last.ttl);
		wn_say(s, " leave probes unanswered that the path did not lose");
	}
	wn_say(s, ": a limit, or replies lost on their own way back.");
}

static void prove_replies(const struct wn_say *s)
{
	add_rest(s);
	wn_say(s, " Chance alone parts them so in ");
	wn_say_chance(s, s->f->u.loss.chance_ppb);
	wn_say(s, ".");
	add_target(s);
}

static void else_chance(const struct wn_say *s)
{
	wn_say(s, "chance; more probes would tell (-q).");
}

/* ---- the path ---- */

static void say_path(const struct wn_say *s)
{
	wn_say(s, "The path loses packets between ");
	wn_say_hop(s, s->f->before);
	wn_say(s, " and ");
	wn_say_hop(s, s->f->first);
	wn_say(s, ", there or on the way back: ");
	wn_say_share(s, &s->f->u.loss.here);
	wn_say(s, " from there on.");
}

static void prove_path(const struct wn_say *s)
{
	const struct wn_found_loss *l = &s->f->u.loss;

	add_lost(s, &l->here);
	wn_say(s, " to ");
	wn_say_hops(s, s->f->first.ttl, s->f->last.ttl);
	wn_say(s, " were lost");
	add_time(s);
	if (l->rest.sent > 0) {
		wn_say(s, ", and %u of %u to the hops before; chance alone parts them so in ",
			(unsigned)l->rest.lost, (unsigned)l->rest.sent);
		wn_say_chance(s, l->chance_ppb);
	}
	wn_say(s, ".");
	if (s->f->last.ttl < s->r->last_ttl || !s->r->reached)
		return;
	add_target(s);
}

/* ---- changes ---- */

/* Flows that were asked before it, and others after it. */
static void say_shift(const struct wn_say *s)
{
	const struct wn_found_epoch *e = &s->f->u.epoch;

	wn_say(s, "behind ");
	wn_say_hop(s, s->f->before);
	wn_say(s, " flows met ");
	wn_say_count(s, e->routers_before, "router");
	wn_say(s, " at hop %u up to then (", (unsigned)s->f->first.ttl);
	wn_say_addr(s, &e->was);
	wn_say(s, "%s), and %u since then (", e->routers_before > 1 ? " last" : "",
		(unsigned)e->routers_after);
	wn_say_addr(s, &e->is);
	wn_say(s, "%s).", e->routers_after > 1 ? " first" : "");
}

static void prove_shift(const struct wn_say *s)
{
	const struct wn_found_epoch *e = &s->f->u.epoch;

	wn_say_count(s, e->flows_before, "flow");
	wn_say(s, " up to then, and %u since then; flows that are dealt out by chance fall so in ",
		(unsigned)e->flows_after);
	wn_say_chance(s, e->chance_ppb);
	wn_say(s, ".");
}

static void say_changed(const struct wn_say *s)
{
	const struct wn_found_epoch *e = &s->f->u.epoch;

	wn_say(s, "The path changed%s between ", e->back ? " back" : "");
	wn_view_duration(s->out, e->from_ns);
	wn_say(s, " and ");
	wn_view_duration(s->out, e->to_ns);
	wn_say(s, " after the start: ");
	if (e->flows_before > 0) {
		say_shift(s);
		return;
	}
	wn_say(s, "at hop %u from ", (unsigned)s->f->first.ttl);
	wn_say_addr(s, &e->was);
	wn_say(s, " to ");
	wn_say_addr(s, &e->is);
	if (s->f->last.ttl > s->f->first.ttl)
		wn_say(s, ", and so on up to hop %u", (unsigned)s->f->last.ttl);
	wn_say(s, ".");
}

static void prove_changed(const struct wn_say *s)
{
	const struct wn_found_epoch *e = &s->f->u.epoch;

	if (e->flows_before > 0) {
		prove_shift(s);
		return;
	}
	wn_say(s,
		"Up to then all answers of flow %u came from the one, and since then from the "
		"other, at ",
		(unsigned)e->flow);
	wn_say_count(s, s->f->hops, "hop");
	wn_say(s, "; packets that are balanced one by one look so in ");
	wn_say_chance(s, e->chance_ppb);
	wn_say(s, ".");
	if (e->lost > 0) {
		wn_say(s, " ");
		wn_say_count(s, e->lost, "probe");
		wn_say(s, " of that time %s lost.", e->lost == 1 ? "was" : "were");
	}
}

static void else_changed(const struct wn_say *s)
{
	wn_say(s, s->f->u.epoch.flows_before > 0 ? "neighbouring flows are sent the same way."
						 : "packets are balanced one by one.");
}

static void say_packets(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;

	if (f->kind == WN_FINDING_PER_PACKET) {
		wn_say(s, "Packets of one flow are balanced one by one");
		wn_say(s, f->before.ttl > 0 ? " at or behind " : " behind ");
		wn_say_hop(s, f->before);
		wn_say(s, ": ");
	} else {
		wn_say(s, "One flow met several routers: ");
	}
	wn_say_hops(s, f->first.ttl, f->last.ttl);
	wn_say(s, " show%s %s%u routers%s.", f->first.ttl == f->last.ttl ? "s" : "",
		f->u.epoch.responders > 2 ? "at least " : "", (unsigned)f->u.epoch.responders,
		f->first.ttl == f->last.ttl ? "" : " each");
}

static void prove_packets(const struct wn_say *s)
{
	const struct wn_found_epoch *e = &s->f->u.epoch;

	wn_say_count(s, e->answered, "answer");
	wn_say(s, " of flow %u, and ", (unsigned)e->flow);
	wn_say_count(s, e->switches, "time");
	wn_say(s, " another router than for the packet before.");
	if (e->moments > 1)
		wn_say(s, " Had the path changed, it would have done so %u times or more.",
			(unsigned)e->moments);
}

static void else_packets(const struct wn_say *s)
{
	if (s->f->kind == WN_FINDING_UNSTEADY)
		wn_say(s, "the path changed, or each packet goes its own way: these answers cannot "
			  "tell.");
	else
		wn_say(s, "the path changed several times.");
}

const struct wn_saying wn_say_limit = {say_limit, prove_limit, else_limit};
const struct wn_saying wn_say_replies = {say_replies, prove_replies, else_chance};
const struct wn_saying wn_say_path = {say_path, prove_path, else_chance};
const struct wn_saying wn_say_changed = {say_changed, prove_changed, else_changed};
const struct wn_saying wn_say_packets = {say_packets, prove_packets, else_packets};
