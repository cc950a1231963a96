/* SPDX-License-Identifier: Apache-2.0 */
/* The error list as tables; every lookup is total, so that a foreign value still prints. */
#include "base/err.h"

#include <string.h>
#include "base/fmt.h"

struct entry {
	wn_err err;
	const char *name;
	const char *text;
};

#define X(sym, val, name, text) {sym, name, text},
static const struct entry entries[] = {WN_ERR_LIST(X)};
#undef X

#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

static const struct entry *find(wn_err err)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (entries[i].err == err)
			return &entries[i];
	return NULL;
}

const char *wn_err_name(wn_err err)
{
	const struct entry *e = find(err);

	return e ? e->name : "unknown";
}

const char *wn_err_text(wn_err err)
{
	const struct entry *e = find(err);

	return e ? e->text : "unknown";
}

wn_err wn_err_from_name(const char *name)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (strcmp(entries[i].name, name) == 0)
			return entries[i].err;
	return WN_EINVAL;
}

static __attribute__((format(printf, 4, 0))) void record(
	struct wn_errctx *ctx, wn_err code, int sys, const char *fmt, va_list ap)
{
	if (!ctx)
		return;
	ctx->code = code;
	ctx->sys = sys;
	wn_vfmt(ctx->text, sizeof(ctx->text), fmt, ap);
}

wn_err wn_fail(struct wn_errctx *ctx, wn_err code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(ctx, code, 0, fmt, ap);
	va_end(ap);
	return code;
}

wn_err wn_fail_sys(struct wn_errctx *ctx, wn_err code, int sys, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(ctx, code, sys, fmt, ap);
	va_end(ap);
	return code;
}
