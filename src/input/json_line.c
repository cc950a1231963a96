/* SPDX-License-Identifier: Apache-2.0 */
#include "input/json_line.h"

#include <string.h>
#include "base/text.h"

/* The parser's message quotes the line, which is foreign text. */
static wn_err fail_syntax(struct wn_errctx *ctx, const json_error_t *error)
{
	char clean[sizeof(ctx->text)];

	wn_text_clean(clean, sizeof(clean), error->text, strlen(error->text));
	return wn_fail(ctx, WN_EPARSE, "not JSON at byte %d: %s", error->position, clean);
}

wn_err wn_in_json_line(const char *line, size_t len, json_t **out, struct wn_errctx *ctx)
{
	json_error_t error;

	*out = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!*out)
		return fail_syntax(ctx, &error);
	if (json_is_object(*out))
		return WN_OK;
	json_decref(*out);
	*out = NULL;
	return wn_fail(ctx, WN_EPARSE, "a line must be an object");
}
