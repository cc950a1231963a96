/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics over the probes of a result, whole or selected. All times in ns; -1 where there is
 * no value (never 0). Integer arithmetic, so the same data give the same figures everywhere:
 * means are rounded to the nearest ns, the standard deviation (of a sample: divided by
 * samples - 1) downwards.
 * Only first replies count; an RTT that is not known counts as received, but is no sample.
 */
#ifndef WN_RESULT_STATS_H
#define WN_RESULT_STATS_H

#include <stdint.h>
#include "result/result.h"

struct wn_stats_filter {
	int ttl;	    /* -1 all */
	uint32_t responder; /* WN_NONE all: else only probes whose first reply came from it */
	int64_t flow;	    /* -1 all */
};

struct wn_stats {
	uint32_t sent;	   /* left this machine */
	uint32_t received; /* answered, late ones included */
	uint32_t lost;	   /* timed out without any reply */
	uint32_t pending;  /* unanswered yet: neither received nor lost */
	uint32_t failed;   /* never left */
	uint32_t late;
	uint32_t duplicates;
	uint32_t samples; /* RTTs known */
	int64_t last_ns, best_ns, worst_ns, mean_ns, stddev_ns;
	/* Jitter is -1 where samples of several TTLs are taken together. */
	int64_t jitter_ns;			 /* |last - previous| */
	int64_t jitter_mean_ns, jitter_worst_ns; /* over successive |differences| */
	int64_t jitter_rfc3550_ns; /* J += (|D| - J) / 16, RFC 3550 section 6.4.1, scaled right */
	int64_t p50_ns, p90_ns, p95_ns, p99_ns; /* nearest rank */
};

/* Order of samples is the order of sending. WN_ENOMEM is the only failure. */
wn_err wn_stats_compute(
	const struct wn_result *r, const struct wn_stats_filter *f, struct wn_stats *out);
/* lost / (received + lost) in 1/1000 percent; -1 when nothing is decided yet. */
int32_t wn_stats_loss_milli(const struct wn_stats *s);

#endif
