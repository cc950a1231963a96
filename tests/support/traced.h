/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole trace through a simulated network in virtual time, for tests that want its record: a
 * topology and options by their long names. Aborts on what is the test's own mistake.
 */
#ifndef WN_TESTS_TRACED_H
#define WN_TESTS_TRACED_H

#include "config/options.h"
#include "multipath/findings.h"
#include "run/run.h"
#include "sim/sim.h"

struct traced {
	struct wn_request req;
	struct wn_topo *topo;
	struct wn_sim *sim;
	struct wn_run *run;
	const struct wn_result *r;
	struct wn_findings found;
};

/* options: "protocol udp probes 20", words by pairs; "6" traces over IPv6. */
void traced_open(struct traced *t, const char *topology, const char *options, uint64_t seed);
void traced_close(struct traced *t);

/*
 * source 10.0.0.1 - r1 10.0.1.1 - ... - rN 10.0.N.1 - target 10.0.99.9, links of 2 ms, IPv6 alike
 * (fd00:N::1). The list says what nodes and links have more: at 0 is the source, at N + 1 the
 * target; a link is that to the node of this number. extra is put at the end, and may name another
 * target. Ends with text NULL.
 */
struct line_part {
	enum { LINE_NODE, LINE_LINK } what;
	unsigned at;
	const char *text;
};
const char *line_text(
	char *buf, size_t size, unsigned routers, const struct line_part *parts, const char *extra);
/* The same, traced at once with seed 1. */
void traced_line(struct traced *t, unsigned routers, const struct line_part *parts,
	const char *extra, const char *options);
#define PARTS(...) ((const struct line_part[]){__VA_ARGS__, {LINE_NODE, 0, NULL}})
#define NO_PARTS   ((const struct line_part[]){{LINE_NODE, 0, NULL}})

/* The nth finding of a kind, from 0; NULL. */
const struct wn_finding *found_nth(
	const struct wn_findings *f, enum wn_finding_kind kind, size_t n);
size_t found_count(const struct wn_findings *f, enum wn_finding_kind kind);
/* "kind certainty before-first..last" of all, one per line: what tests compare and show. */
const char *found_text(const struct wn_findings *f, char *buf, size_t size);
#define expect_found(found, want)                                                                  \
	do {                                                                                       \
		char text_[4096];                                                                  \
		assert_string_equal(found_text(found, text_, sizeof(text_)), want);                \
	} while (0)
/* Traces a line of routers and expects these findings. */
#define expect_line(routers, parts, extra, options, want)                                          \
	do {                                                                                       \
		struct traced t_;                                                                  \
		traced_line(&t_, routers, parts, extra, options);                                  \
		expect_found(&t_.found, want);                                                     \
		traced_close(&t_);                                                                 \
	} while (0)

#endif
