/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that fail to order, and clocks that jump: for a test program that names faults_dep
 * among its dependencies, which puts this between our archives and the C library (--wrap).
 */
#ifndef WN_TESTS_FAULTS_H
#define WN_TESTS_FAULTS_H

#include <stdint.h>

enum fault_call {
	FAULT_SOCKET,
	FAULT_BIND,
	FAULT_CONNECT,
	FAULT_SETSOCKOPT,
	FAULT_SEND,    /* sendmmsg: probes */
	FAULT_RECEIVE, /* recvmmsg: answers, stamps */
	FAULT_ASK,     /* sendto, recvfrom: routes and what changes of them */
	FAULT_EPOLL_CREATE,
	FAULT_EPOLL_CTL,
	FAULT_TIMER_CREATE,
	FAULT_OPEN,
	FAULT_CALLS
};

#define FAULT_ALWAYS UINT32_MAX

/*
 * The calls number `after` + 1 to `after` + `count` from now on fail with this errno. Of batches to
 * be sent every other one fails in its middle only, unless they always fail.
 */
void fault_set(enum fault_call call, int sys, unsigned after, unsigned count);
void fault_clear(void);
/* That were made to fail since the program began. */
unsigned long fault_hits(void);
/* Moves a clock; what is armed already on the monotonic one, which moves forward only, moves along.
 */
void fault_jump_wall(int64_t ns);
void fault_jump_mono(uint64_t ns);

#endif
