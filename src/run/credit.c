/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many answers may come at once through a back end that many traces share: no more than its
 * receive buffers have room for, however long this process does not run. Each probe takes one of so
 * many places and gives it back when it is answered, or when by what others took an answer is
 * hardly to be expected any more. Probes are counted by the time at which they left, not kept.
 */
#include "run/run_priv.h"

#include <string.h>

#include "base/alloc.h"

#define MS	  UINT64_C(1000000)
#define BIN_SHIFT 23 /* of nanoseconds: 8.4 ms each */
#define BINS	  128
#define WAIT_MIN  (50 * MS)
#define WAIT_NEW  (250 * MS) /* before anything was answered */
#define WAIT_MAX  (1000 * MS)
#define DECAY	  256 /* so many answers forget most of the slowest one */

struct wn_run_credit {
	uint64_t first;	  /* the earliest bin that counts, since the beginning of time */
	uint64_t slow_ns; /* about the slowest answer of late; 0 none yet */
	uint32_t bins[BINS];
};

void wn_run_credit_new(struct wn_run_net *net)
{
	struct wn_run_credit *c;

	net->line = WN_PACE_NO_GATE;
	if (net->io->answers_max == 0)
		return;
	c = wn_calloc(1, sizeof(*c));
	if (!c)
		return; /* as if there were room: what is lost is counted */
	net->line = wn_pace_line_new(net->run->pace, net->io->answers_max);
	if (net->line == WN_PACE_NO_GATE) {
		wn_free(c);
		return;
	}
	net->credit = c;
}

void wn_run_credit_free(struct wn_run_net *net)
{
	if (net->credit)
		wn_pace_line_free(net->run->pace, net->line);
	wn_free(net->credit);
}

static uint64_t wait_ns(const struct wn_run_credit *c)
{
	uint64_t ns = 2 * c->slow_ns;

	if (c->slow_ns == 0)
		return WAIT_NEW;
	return ns < WAIT_MIN ? WAIT_MIN : ns < WAIT_MAX ? ns : WAIT_MAX;
}

void wn_run_credit_sent(struct wn_run_net *net, uint64_t now_ns)
{
	wn_run_credit_expire(net, now_ns);
	net->credit->bins[(now_ns >> BIN_SHIFT) % BINS]++;
}

/* Not left after all, or answered. The stamp may be a little later than we counted. */
void wn_run_credit_back(struct wn_run_net *net, uint64_t sent_ns)
{
	struct wn_run_credit *c = net->credit;
	uint64_t bin = sent_ns >> BIN_SHIFT;

	for (unsigned i = 0; i < 2; i++, bin--) {
		if (bin < c->first || bin >= c->first + BINS || c->bins[bin % BINS] == 0)
			continue;
		c->bins[bin % BINS]--;
		wn_pace_line_give(net->run->pace, net->line, 1);
		return;
	}
}

void wn_run_credit_answered(struct wn_run_net *net, uint64_t sent_ns, uint64_t rtt_ns)
{
	struct wn_run_credit *c = net->credit;

	if (rtt_ns >= c->slow_ns)
		c->slow_ns = rtt_ns + 1;
	else
		c->slow_ns -= (c->slow_ns - rtt_ns) / DECAY;
	wn_run_credit_back(net, sent_ns);
}

void wn_run_credit_expire(struct wn_run_net *net, uint64_t now_ns)
{
	struct wn_run_credit *c = net->credit;
	uint64_t wait = wait_ns(c);
	uint64_t first = now_ns > wait ? (now_ns - wait) >> BIN_SHIFT : 0;
	uint32_t count = 0;

	if (first <= c->first)
		return;
	for (unsigned i = 0; i < BINS && c->first + i < first; i++) {
		count += c->bins[(c->first + i) % BINS];
		c->bins[(c->first + i) % BINS] = 0;
	}
	c->first = first;
	if (count > 0)
		wn_pace_line_give(net->run->pace, net->line, count);
}

uint64_t wn_run_credit_next_ns(const struct wn_run_net *net)
{
	const struct wn_run_credit *c = net->credit;

	if (!wn_pace_line_is_waited_for(net->run->pace, net->line))
		return UINT64_MAX;
	for (unsigned i = 0; i < BINS; i++)
		if (c->bins[(c->first + i) % BINS] > 0)
			return ((c->first + i + 1) << BIN_SHIFT) + wait_ns(c);
	return UINT64_MAX;
}
