/* SPDX-License-Identifier: Apache-2.0 */
/* Same symbols as base/alloc.c: linked first, it keeps that object in its archive. */
#include "alloc_fault.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

static struct {
	unsigned long nth, count, live;
	bool armed, onward, failed;
} fault;

void alloc_fault_arm(unsigned long nth)
{
	fault.nth = nth;
	fault.count = 0;
	fault.armed = true;
	fault.onward = fault.failed = false;
}

void alloc_fault_arm_from(unsigned long nth)
{
	alloc_fault_arm(nth);
	fault.onward = true;
}

bool alloc_fault_disarm(void)
{
	fault.armed = false;
	return fault.failed;
}

unsigned long alloc_fault_count(void)
{
	return fault.count;
}

unsigned long alloc_fault_live(void)
{
	return fault.live;
}

static bool refuse(void)
{
	bool hit;

	if (!fault.armed)
		return false;
	fault.count++;
	hit = fault.nth > 0 && (fault.onward ? fault.count >= fault.nth : fault.count == fault.nth);
	fault.failed |= hit;
	return hit;
}

static void *counted(void *p)
{
	fault.live += p != NULL;
	return p;
}

void *wn_malloc(size_t bytes)
{
	return refuse() ? NULL : counted(malloc(bytes ? bytes : 1));
}

void *wn_calloc(size_t count, size_t bytes)
{
	size_t total;

	if (refuse() || __builtin_mul_overflow(count, bytes, &total))
		return NULL;
	return counted(calloc(total ? total : 1, 1));
}

void *wn_realloc(void *ptr, size_t count, size_t bytes)
{
	size_t total;
	void *p;

	if (refuse() || __builtin_mul_overflow(count, bytes, &total))
		return NULL;
	p = realloc(ptr, total ? total : 1);
	return ptr ? p : counted(p);
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
	fault.live -= ptr != NULL;
	free(ptr);
}
