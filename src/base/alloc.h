/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator every room uses. It is one object file of the base archive, so that a test can
 * link its own in front of it and let the nth allocation fail.
 * All return NULL on failure; the array forms refuse products that overflow.
 */
#ifndef WN_BASE_ALLOC_H
#define WN_BASE_ALLOC_H

#include <stddef.h>

void *wn_malloc(size_t bytes);
void *wn_calloc(size_t count, size_t bytes);
void *wn_realloc(void *ptr, size_t count, size_t bytes); /* array of count * bytes */
char *wn_strdup(const char *text);
void wn_free(void *ptr);

#endif
