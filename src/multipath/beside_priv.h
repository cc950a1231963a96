/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of side probes: beside_whom.c decides whom to ask what and takes the memory, beside.c
 * asks.
 */
#ifndef WN_MULTIPATH_BESIDE_PRIV_H
#define WN_MULTIPATH_BESIDE_PRIV_H

#include "multipath/beside.h"

#define MS    UINT64_C(1000000)
#define NEVER UINT64_MAX
#define TRIES 2 /* of each question */

enum state { TO_ASK, ASKED, OVER };

struct question {
	uint16_t job;
	uint8_t ttl;
	uint8_t tries;
	uint8_t state;
};

struct job { /* one address */
	struct wn_trace *trace;
	struct wn_addr dst;
	uint32_t flow;
	uint32_t first, count; /* questions */
	uint32_t open;	       /* of them not over */
	bool alone;	       /* its flow is that of the job before: they take turns */
	bool drained;	       /* ending: its counters are in */
};

struct probe {		/* in order of sending: its id is first_id and this index */
	uint64_t inner; /* id that the job's engine knows it by */
	uint16_t job;
};

struct wn_beside {
	struct wn_params params;
	struct wn_counters counters;
	struct job *jobs;
	struct question *questions;
	struct probe *probes;
	uint32_t probe_count;
	/* By record of a job's engine, TRIES for each of its questions: the last probe there. */
	uint32_t *records;
	uint32_t *asked; /* by record: the question */
	uint32_t job_count, question_count;
	uint32_t next_job; /* that next() goes on with */
	uint32_t under_way, open;
	uint64_t first_id;
	uint64_t start_ns;    /* of the trace */
	uint64_t offset_ns;   /* from then to our own start */
	uint64_t deadline_ns; /* NEVER: none */
	uint64_t tat_ns;      /* pace, as the trace engine keeps it */
	uint32_t pps;
	bool ending, partial;
};

#endif
