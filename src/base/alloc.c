/* SPDX-License-Identifier: Apache-2.0 */
/* Alone in its object file, so that a test's allocator can take its place at link time. */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *wn_malloc(size_t bytes)
{
	return malloc(bytes ? bytes : 1);
}

void *wn_calloc(size_t count, size_t bytes)
{
	size_t total;

	/* Asked here, not of calloc: sanitizers report what they would have refused. */
	if (__builtin_mul_overflow(count, bytes, &total))
		return NULL;
	return calloc(total ? total : 1, 1);
}

void *wn_realloc(void *ptr, size_t count, size_t bytes)
{
	size_t total;

	if (__builtin_mul_overflow(count, bytes, &total))
		return NULL;
	return realloc(ptr, total ? total : 1);
}

char *wn_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = wn_malloc(size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void wn_free(void *ptr)
{
	free(ptr);
}
