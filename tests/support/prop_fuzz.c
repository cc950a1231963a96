/* SPDX-License-Identifier: Apache-2.0 */
/* The property under libFuzzer, which brings its own main and shows the input by itself. */
#include "prop.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return PROP_NAME(data, size);
}

void prop_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}
