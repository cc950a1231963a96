/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets come from the kernel, complete or not at all. */
#include "os/os.h"

#include <errno.h>
#include <sys/random.h>

wn_err wn_os_entropy(void *out, size_t len)
{
	uint8_t *at = out;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return WN_ESYS;
		at += n;
		len -= (size_t)n;
	}
	return WN_OK;
}
