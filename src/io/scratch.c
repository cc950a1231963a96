/* SPDX-License-Identifier: Apache-2.0 */
/* Memory within a call, and whose it is. */
#include "io/scratch.h"

#include "base/alloc.h"

struct wn_io_scratch *wn_io_scratch_get(const struct wn_io_config *c, struct wn_io_scratch **own)
{
	struct wn_io_scratch **at = c->scratch ? c->scratch : own;

	if (!*at)
		*at = wn_malloc(sizeof(**at));
	return *at;
}

void wn_io_scratch_free(struct wn_io_scratch *s)
{
	wn_free(s);
}
