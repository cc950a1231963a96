/* SPDX-License-Identifier: Apache-2.0 */
/* Whole traces made by hand, as whoever draws or writes results meets them. */
#ifndef WN_TESTS_SCENES_H
#define WN_TESTS_SCENES_H

#include "record.h"

/*
 * A path of seven hops with nearly everything on it: names, a silent hop, two responders with
 * MPLS labels and an interface, a rewritten DSCP, loss, a late and a weak reply, a duplicate, an
 * address translation, a probe refused here; the destination answers at hop 7.
 */
void scene_rich(struct record *rec);
/* Two hops answer, then nothing up to the gap limit. */
void scene_silent(struct record *rec);
/* The same while it runs: some are waiting. */
void scene_running(struct record *rec);
/* A router refuses with host unreachable. */
void scene_refused(struct record *rec);
/* Port unreachable from an address that is not the target. */
void scene_foreign_port(struct record *rec);
/* IPv6, ICMP echo, long addresses, reached. */
void scene_v6(struct record *rec);
/* Names and texts that want to be more than text. */
void scene_hostile(struct record *rec);

#endif
