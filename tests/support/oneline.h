/* SPDX-License-Identifier: Apache-2.0 */
/* For properties: an error text a program may print as it is, whatever the input was. */
#ifndef WN_TESTS_ONELINE_H
#define WN_TESTS_ONELINE_H

#include <string.h>
#include "base/err.h"
#include "base/text.h"
#include "prop.h"

static inline void check_one_line(const struct wn_errctx *ctx)
{
	size_t len = strnlen(ctx->text, sizeof(ctx->text));
	size_t used;

	prop_check(ctx->code != WN_OK);
	prop_check(len > 0 && len < sizeof(ctx->text));
	for (size_t i = 0; i < len; i += used) {
		uint32_t cp = 0;

		used = wn_text_utf8(ctx->text + i, len - i, &cp);
		prop_check(used > 0 && !wn_text_unsafe(cp));
	}
}

#endif
