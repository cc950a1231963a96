/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A property is one function over bytes: whatever the bytes are, what it checks must hold.
 * tests/prop/prop_<name>.c includes this and defines
 *
 *	int prop_<name>(const uint8_t *data, size_t size)
 *
 * which returns 0. The build declares it through PROP_NAME, links it with prop.c (corpus, random
 * and mutated inputs, TAP) and, with -Dfuzz=true, with prop_fuzz.c as a libFuzzer target. data is
 * exactly size bytes of heap, so that a sanitizer sees every step beyond. Memory of one call must
 * be gone at its end; nothing may be kept between calls.
 */
#ifndef WN_TESTS_PROP_H
#define WN_TESTS_PROP_H

#include <stddef.h>
#include <stdint.h>

int PROP_NAME(const uint8_t *data, size_t size);

/* The property does not hold: says where, shows the input and ends the program. */
#define prop_check(cond) ((cond) ? (void)0 : prop_fail(#cond, __FILE__, __LINE__))

__attribute__((noreturn)) void prop_fail(const char *what, const char *file, int line);

#endif
