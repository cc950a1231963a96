/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps away in the kernel what cannot be meant for us, so that other traces and traffic of the
 * machine cost us nothing. What is too short to tell passes: it shall be counted as truncated.
 * The receiver checks everything again; a filter is an economy, not a guard.
 */
#ifndef WN_IO_RAW_FILTER_H
#define WN_IO_RAW_FILTER_H

#include <stdbool.h>
#include <stdint.h>
#include "packet/probe.h"

#define WN_RAW_MORE_MAX 16

struct wn_raw_filter {
	uint8_t family;
	enum wn_proto proto; /* of our probes */
	uint16_t first;	     /* first source port, or ICMP id */
	uint32_t span;
	uint16_t more[WN_RAW_MORE_MAX]; /* ports beside the span; more_count of them */
	uint8_t more_count;
};

/* For an ICMP socket: errors that quote our probes, and answers to our echo requests. */
bool wn_raw_filter_icmp(int fd, const struct wn_raw_filter *f);
/* For an ICMP socket of which nothing is wanted yet: the kernel does not even copy packets. */
bool wn_raw_filter_sleep(int fd, uint8_t family);
/* For a TCP or UDP socket: what is sent to our ports; of TCP only what can be an answer. */
bool wn_raw_filter_l4(int fd, const struct wn_raw_filter *f);
/* For sockets that only send. */
bool wn_raw_filter_nothing(int fd);

#endif
