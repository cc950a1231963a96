/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for base/alloc.c whose allocations can be made to fail. A test program that names
 * alloc_fault_dep among its dependencies in meson.build links it in place of the real one.
 * Not for threads: it counts in globals, which only tests may have.
 */
#ifndef WN_TESTS_ALLOC_FAULT_H
#define WN_TESTS_ALLOC_FAULT_H

#include <stdbool.h>

/* From now on counts allocations; the nth (1: the next one) fails alone. 0 only counts. */
void alloc_fault_arm(unsigned long nth);
/* The same, but the nth and every later one fail, as on a machine that stays full. */
void alloc_fault_arm_from(unsigned long nth);
/* Ends it: true when an allocation was made to fail since arming. */
bool alloc_fault_disarm(void);
/* Allocations asked for since arming. */
unsigned long alloc_fault_count(void);
/* Blocks which were handed out and not given back yet, since the program began. */
unsigned long alloc_fault_live(void);

#endif
