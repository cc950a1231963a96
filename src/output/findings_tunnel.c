/* SPDX-License-Identifier: Apache-2.0 */
/* MPLS tunnels in words. */
#include "output/findings_say.h"

/* "from hop 2 (...) to hop 6 (...)": those that tell nothing of it, at either end. */
static void add_ends(const struct wn_say *s)
{
	const struct wn_finding *f = s->f;

	if (f->before.ttl > 0) {
		wn_say(s, " behind ");
		wn_say_hop(s, f->before);
	}
	if (f->until.ttl > 0) {
		wn_say(s, f->before.ttl > 0 ? ", up to " : " up to ");
		wn_say_hop(s, f->until);
	}
}

static void add_u_turn(const struct wn_say *s)
{
	if (s->f->u.mpls.u_turn)
		wn_say(s,
			" Their replies come back by the far end of the tunnel: the way back gets "
			"shorter by two with each hop.");
}

/* ---- with labels ---- */

static void say_labels(const struct wn_say *s)
{
	const struct wn_found_mpls *m = &s->f->u.mpls;

	wn_say(s, "An MPLS tunnel");
	add_ends(s);
	wn_say(s, ": ");
	wn_say_hops(s, s->f->first.ttl, s->f->last.ttl);
	wn_say(s, " switch%s by label", s->f->hops == 1 ? "es" : "");
	for (unsigned i = 0; i < m->label_count; i++)
		wn_say(s, "%s %u", i ? "," : "", (unsigned)m->labels[i]);
	if (s->f->hops > m->label_count)
		wn_say(s, ", ...");
	if (m->depth > 1)
		wn_say(s, ", up to %u on top of each other", m->depth);
	wn_say(s, ".");
}

static void prove_labels(const struct wn_say *s)
{
	wn_say(s, "The label stack is in the answers of ");
	wn_say_count(s, s->f->hops, "hop");
	wn_say(s, ".");
	add_u_turn(s);
}

static void say_opaque(const struct wn_say *s)
{
	const struct wn_found_mpls *m = &s->f->u.mpls;

	wn_say(s, "An MPLS tunnel ends at ");
	wn_say_hop(s, s->f->first);
	if (m->hidden > 0) {
		wn_say(s, "; ");
		wn_say_count(s, m->hidden, "router");
		wn_say(s, " in it %s not shown", m->hidden == 1 ? "is" : "are");
	} else {
		wn_say(s, "; routers in it are not shown");
	}
	wn_say(s, ".");
}

static void prove_opaque(const struct wn_say *s)
{
	const struct wn_found_mpls *m = &s->f->u.mpls;

	wn_say(s, "Label %u came with TTL %u", (unsigned)m->labels[0], m->label_ttl);
	wn_say(s, m->hidden > 0 ? "; it begins at 255 and loses one at each router."
				: ", though time exceeded should come when it has run out.");
}

static void else_opaque(const struct wn_say *s)
{
	wn_say(s, "the label's TTL began with another value.");
}

/* ---- without ---- */

static void say_implicit(const struct wn_say *s)
{
	wn_say(s, "An MPLS tunnel that tells no labels");
	add_ends(s);
	wn_say(s, ": ");
	wn_say_hops(s, s->f->first.ttl, s->f->last.ttl);
	wn_say(s, " %s in it.", s->f->first.ttl == s->f->last.ttl ? "is" : "are");
}

static void prove_implicit(const struct wn_say *s)
{
	const struct wn_found_mpls *m = &s->f->u.mpls;

	if (m->sign == WN_SIGN_U_TURN) {
		wn_say(s,
			"Against the way there, the way back is longer by %d hops at hop %u, and "
			"by two less with each hop from there on: replies go through the tunnel "
			"first.",
			m->excess_is - m->excess_was, (unsigned)s->f->first.ttl);
		return;
	}
	wn_say(s,
		"The quoted TTL rises by one with each hop, to %u at hop %u, where 1 is usual: "
		"inside a tunnel only the label's TTL is counted down.",
		m->quoted_most, (unsigned)s->f->last.ttl);
	add_u_turn(s);
}

static void else_implicit(const struct wn_say *s)
{
	if (s->f->u.mpls.sign == WN_SIGN_U_TURN)
		wn_say(s, "the ways back differ for another reason.");
	else
		wn_say(s, "hop %u quotes a TTL of its own making.", (unsigned)s->f->last.ttl);
}

static void say_invisible(const struct wn_say *s)
{
	wn_say(s, "An MPLS tunnel may hide about ");
	wn_say_count(s, s->f->u.mpls.hidden, "router");
	wn_say(s, " between ");
	wn_say_hop(s, s->f->before);
	wn_say(s, " and ");
	wn_say_hop(s, s->f->first);
	wn_say(s, ".");
}

static void prove_invisible(const struct wn_say *s)
{
	const struct wn_found_mpls *m = &s->f->u.mpls;

	if (m->sign == WN_SIGN_RTLA) {
		wn_say(s,
			"Its time exceeded comes with TTL %d, %d hops from 255, and its echo reply "
			"with TTL %d, %d hops from 64: a tunnel is counted in the first alone.",
			m->reply_ttl_is, 255 - m->reply_ttl_is, m->echo_ttl, 64 - m->echo_ttl);
		return;
	}
	wn_say(s,
		"From there on replies come back over %u hops more than before, against the TTL of "
		"the probes (the TTL of replies falls from %d to %d).",
		m->hidden, m->reply_ttl_was, m->reply_ttl_is);
}

static void else_invisible(const struct wn_say *s)
{
	if (s->f->u.mpls.sign == WN_SIGN_RTLA)
		wn_say(s, "echo replies take another way back than time exceeded.");
	else
		wn_say(s, "the way back is another one than the way there, and longer.");
}

const struct wn_saying wn_say_labels = {say_labels, prove_labels, NULL};
const struct wn_saying wn_say_opaque = {say_opaque, prove_opaque, else_opaque};
const struct wn_saying wn_say_implicit = {say_implicit, prove_implicit, else_implicit};
const struct wn_saying wn_say_invisible = {say_invisible, prove_invisible, else_invisible};
