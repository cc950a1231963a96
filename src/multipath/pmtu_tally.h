/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was lost at one TTL, and when that means that a size does not get there. Engine and view
 * count by the same rule, so that the one claims what the other has asked for, and no more.
 *
 * Silence has three reasons: the size, a limit of replies, and chance. Against a limit, a loss is
 * clean when the two small probes behind it were answered; WN_PMTU_LOSSES clean ones are wanted.
 * Against chance, all the losses in a row must be unlikely: by Fisher's exact test, against the
 * small probes to this TTL, or, whatever gets lost, by the number of clean ones. For before an
 * answer comes a clean loss does with less than 1 in 5: lost, answered, answered, p(1-p)(1-p),
 * against answered, 1-p.
 */
#ifndef WN_MULTIPATH_PMTU_TALLY_H
#define WN_MULTIPATH_PMTU_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#define WN_PMTU_LOSSES 3

struct wn_pmtu_tally {
	uint32_t small, small_lost; /* probes */
	/* Large ones of one size, in a row. */
	uint16_t size;
	uint32_t lost, clean;
	uint8_t controls; /* small ones answered since the last one, which was lost */
	bool open;	  /* it was, and no small one was lost since */
};

/* A small probe ended. True: that makes the loss before it a clean one. */
bool wn_pmtu_tally_small(struct wn_pmtu_tally *t, bool answered);
void wn_pmtu_tally_large(struct wn_pmtu_tally *t, uint16_t size, bool lost);
/* Packets of this size do not get there. */
bool wn_pmtu_tally_is_no(const struct wn_pmtu_tally *t);
/* The share of small ones that get lost, in millionths. */
uint32_t wn_pmtu_tally_loss_ppm(const struct wn_pmtu_tally *t);

#endif
