/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two clocks and the distance between them. Both run at the same, disciplined rate, so the
 * distance is constant until somebody sets the wall clock or the machine sleeps.
 */
#include "os/os.h"

#include <time.h>

#define OFFSET_TRIES   8
#define OFFSET_GOOD_NS 500 /* narrower than this is not worth another try */

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t wn_os_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t wn_os_unix_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t wn_os_clock_offset_ns(uint64_t *out_error_ns)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;

	/* The reading that was least disturbed by interrupts and other processes counts. */
	for (int i = 0; i < OFFSET_TRIES && best > OFFSET_GOOD_NS; i++) {
		uint64_t before = wn_os_mono_ns();
		uint64_t wall = wn_os_unix_ns();
		uint64_t width = wn_os_mono_ns() - before;

		if (width < best) {
			best = width;
			offset = (int64_t)(wall - before - width / 2);
		}
	}
	if (out_error_ns)
		*out_error_ns = best / 2 + 1;
	return offset;
}

uint64_t wn_os_mono_from_unix(uint64_t unix_ns, uint64_t not_before, uint64_t not_after)
{
	uint64_t mono = unix_ns - (uint64_t)wn_os_clock_offset_ns(NULL);

	/* A wall time before the machine started wraps around. */
	return mono >= not_before && mono <= not_after && mono <= INT64_MAX ? mono : 0;
}
