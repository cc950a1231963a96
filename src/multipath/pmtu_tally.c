/* SPDX-License-Identifier: Apache-2.0 */
/* Counting, and the two bounds of pmtu_tally.h. */
#include "multipath/pmtu_tally.h"

#include "multipath/chance.h"

#define UNLIKELY_PPB 150000 /* one in six thousand */
#define CLEAN_MAX    7	    /* all chance: 5^-7, one in 78,000 */

bool wn_pmtu_tally_small(struct wn_pmtu_tally *t, bool answered)
{
	t->small++;
	t->small_lost += !answered;
	t->open = t->open && answered;
	if (!t->open || ++t->controls < 2)
		return false;
	t->open = false;
	t->clean++;
	return true;
}

void wn_pmtu_tally_large(struct wn_pmtu_tally *t, uint16_t size, bool lost)
{
	if (size != t->size || !lost) {
		t->size = size;
		t->lost = t->clean = 0;
	}
	t->lost += lost;
	t->open = lost;
	t->controls = 0;
}

bool wn_pmtu_tally_is_no(const struct wn_pmtu_tally *t)
{
	if (t->clean < WN_PMTU_LOSSES)
		return false;
	return t->clean >= CLEAN_MAX ||
	       wn_chance_more_lost(t->lost, t->lost, t->small_lost, t->small) <= UNLIKELY_PPB;
}

uint32_t wn_pmtu_tally_loss_ppm(const struct wn_pmtu_tally *t)
{
	return t->small ? (uint32_t)((uint64_t)t->small_lost * 1000000 / t->small) : 0;
}
