/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How findings are put into words. Each kind has up to three texts: what happened (a sentence),
 * from which evidence, and, unless it is certain, what else may be behind it.
 *
 *   findings.c         the list, and phrases that all share
 *   findings_box.c     boxes that change packets, routers that quote oddly
 *   findings_tunnel.c  MPLS
 *   findings_loss.c    loss (of large packets, too), limits, changes of the path
 */
#ifndef WN_OUTPUT_FINDINGS_SAY_H
#define WN_OUTPUT_FINDINGS_SAY_H

#include "multipath/findings.h"
#include "output/output.h"
#include "output/view.h"

struct wn_say {
	struct wn_strbuf *out; /* the text being made */
	const struct wn_result *r;
	const struct wn_table_opts *o;
	const struct wn_finding *f;
};

/* What one kind of finding says; or_else may be NULL, or add nothing. */
struct wn_saying {
	void (*what)(const struct wn_say *s);
	void (*evidence)(const struct wn_say *s);
	void (*or_else)(const struct wn_say *s);
};
extern const struct wn_saying wn_say_nat, wn_say_field, wn_say_quoted, wn_say_ttl, wn_say_zero_ttl;
extern const struct wn_saying wn_say_labels, wn_say_opaque, wn_say_implicit, wn_say_invisible;
extern const struct wn_saying wn_say_mtu;
extern const struct wn_saying wn_say_limit, wn_say_replies, wn_say_path;
extern const struct wn_saying wn_say_changed, wn_say_packets;

/* ---- phrases ---- */

void wn_say(const struct wn_say *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "hop 3 (gw.example.net, 192.0.2.1)", "this machine", "the target (...)". */
void wn_say_hop(const struct wn_say *s, struct wn_finding_at at);
void wn_say_addr(const struct wn_say *s, const struct wn_addr *addr);
/* "hops 3 to 5", "hop 3": TTLs alone. */
void wn_say_hops(const struct wn_say *s, unsigned first, unsigned last);
/* "at hop 2 (...) or between it and hop 3 (...)": where it happened. */
void wn_say_between(const struct wn_say *s);
/* "3 probes", "1 probe" */
void wn_say_count(const struct wn_say *s, unsigned n, const char *one);
/* " show", of one " shows" */
void wn_say_verb(const struct wn_say *s, unsigned n, const char *many);
/* "23% (12% to 37%)" */
void wn_say_share(const struct wn_say *s, const struct wn_found_share *share);
/* "1 of 200 cases" */
void wn_say_chance(const struct wn_say *s, uint32_t ppb);

/* The sentence of a finding alone, for JSON: addresses without names. */
void wn_findings_sentence(
	struct wn_strbuf *out, const struct wn_result *r, const struct wn_finding *f);

#endif
