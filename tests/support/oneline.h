/* SPDX-License-Identifier: Apache-2.0 */
/* For properties: texts that a program may print as they are, whatever the input was. */
#ifndef WN_TESTS_ONELINE_H
#define WN_TESTS_ONELINE_H

#include <stdbool.h>
#include <string.h>
#include "base/err.h"
#include "base/strbuf.h"
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

/* Lines of clean text; of control characters only newlines and, where asked for, colours. */
static inline void check_clean_lines(const struct wn_strbuf *sb, bool color)
{
	size_t used;

	prop_check(sb->err == WN_OK);
	for (size_t i = 0; i < sb->len; i += used) {
		uint32_t cp = 0;

		used = wn_text_utf8(sb->data + i, sb->len - i, &cp);
		prop_check(used > 0);
		if (cp == '\n')
			continue;
		if (cp == 0x1b && color && i + 2 < sb->len && sb->data[i + 1] == '[') {
			used = 2 + strspn(sb->data + i + 2, "0123456789;");
			prop_check(i + used < sb->len && sb->data[i + used] == 'm');
			used++;
			continue;
		}
		prop_check(!wn_text_unsafe(cp));
	}
}

#endif
