/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting one option by its key: the same way for a command line, a file and a URL. A value is
 * either stored whole or not at all.
 */
#include "config/config_priv.h"

#include <stdarg.h>
#include <string.h>

#include "base/fmt.h"
#include "base/text.h"

const char *wn_opt_quote(char buf[WN_OPT_VALUE_SHOWN + 16], const char *text)
{
	size_t len = wn_text_clean(buf, WN_OPT_VALUE_SHOWN, text, strlen(text));

	if (len == 0)
		wn_fmt(buf, WN_OPT_VALUE_SHOWN, "''");
	else if (len >= WN_OPT_VALUE_SHOWN)
		wn_fmt(buf + strlen(buf), 4, "...");
	return buf;
}

wn_err wn_opt_bad(
	struct wn_errctx *ctx, const struct wn_opt *opt, const char *value, const char *fmt, ...)
{
	char shown[WN_OPT_VALUE_SHOWN + 16], right[144];
	va_list ap;

	va_start(ap, fmt);
	wn_vfmt(right, sizeof(right), fmt, ap);
	va_end(ap);
	return wn_fail(
		ctx, WN_EUSAGE, "--%s %s: must be %s", opt->key, wn_opt_quote(shown, value), right);
}

static void store(struct wn_request *req, const struct wn_opt *opt, uint64_t value)
{
	char *at = (char *)req + opt->offset;
	uint8_t v8 = (uint8_t)value;
	uint16_t v16 = (uint16_t)value;
	uint32_t v32 = (uint32_t)value;

	switch (opt->width) {
	case 1:
		memcpy(at, &v8, 1);
		break;
	case 2:
		memcpy(at, &v16, 2);
		break;
	case 4:
		memcpy(at, &v32, 4);
		break;
	case 8:
		memcpy(at, &value, 8);
		break;
	}
}

bool wn_opt_choice(const char *list, size_t n, const char **out, size_t *out_len)
{
	for (;;) {
		size_t len = strcspn(list, ",");

		if (n-- == 0) {
			*out = list;
			*out_len = len;
			return true;
		}
		if (list[len] == '\0')
			return false;
		list += len + 1;
	}
}

static wn_err set_flag(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	if (strcmp(value, WN_OPT_YES) == 0)
		store(req, opt, 1);
	else if (strcmp(value, WN_OPT_NO) == 0)
		store(req, opt, 0);
	else
		return wn_opt_bad(ctx, opt, value, "yes or no");
	return WN_OK;
}

static wn_err set_uint(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint64_t v;

	if (wn_text_u64(value, opt->min, opt->max, &v) != WN_OK)
		return wn_opt_bad(ctx, opt, value, "a number from %llu to %llu%s%s",
			(unsigned long long)opt->min, (unsigned long long)opt->max,
			opt->unit ? " " : "", opt->unit ? opt->unit : "");
	store(req, opt, v);
	return WN_OK;
}

static wn_err set_duration(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint64_t v;

	if (wn_text_duration_ns(value, &v) != WN_OK || v < opt->min || v > opt->max)
		return wn_opt_bad(ctx, opt, value,
			"a time from %llums to %llus (like 500ms, or 2 for 2 seconds)",
			(unsigned long long)opt->min / 1000000,
			(unsigned long long)opt->max / 1000000000);
	store(req, opt, v);
	return WN_OK;
}

static wn_err set_choice(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	const char *word;
	size_t len;

	for (size_t i = 0; wn_opt_choice(opt->choices, i, &word, &len); i++) {
		if (strlen(value) == len && memcmp(word, value, len) == 0) {
			store(req, opt, i);
			return WN_OK;
		}
	}
	return wn_opt_bad(ctx, opt, value, "one of %s", opt->choices);
}

static wn_err set_string(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	if (value[0] == '\0')
		return wn_opt_bad(ctx, opt, value, "%s", opt->arg);
	memcpy((char *)req + opt->offset, &value, sizeof(value));
	return WN_OK;
}

static wn_err set(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	if (opt->parse)
		return opt->parse(req, opt, value, ctx);
	switch (opt->type) {
	case WN_OPT_FLAG:
		return set_flag(req, opt, value, ctx);
	case WN_OPT_UINT:
		return set_uint(req, opt, value, ctx);
	case WN_OPT_DURATION:
		return set_duration(req, opt, value, ctx);
	case WN_OPT_CHOICE:
		return set_choice(req, opt, value, ctx);
	case WN_OPT_STRING:
		return set_string(req, opt, value, ctx);
	case WN_OPT_CUSTOM:
		break;
	}
	return wn_fail(ctx, WN_EUNSUPPORTED, "--%s cannot be set", opt->key);
}

wn_err wn_request_set(
	struct wn_request *req, const char *key, const char *value, struct wn_errctx *ctx)
{
	const struct wn_opt *opt = wn_opt_find(key);
	char shown[WN_OPT_VALUE_SHOWN + 16];
	wn_err err;

	if (!opt)
		return wn_fail(ctx, WN_EUSAGE, "unknown option --%s", wn_opt_quote(shown, key));
	err = set(req, opt, value, ctx);
	if (err == WN_OK) {
		size_t i = wn_opt_index(opt);

		req->set_mask[i / 64] |= 1ull << (i % 64);
	}
	return err;
}

bool wn_request_has(const struct wn_request *req, const char *key)
{
	const struct wn_opt *opt = wn_opt_find(key);
	size_t i = opt ? wn_opt_index(opt) : 0;

	return opt && (req->set_mask[i / 64] >> (i % 64) & 1);
}

void wn_request_init(struct wn_request *req)
{
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	memset(req, 0, sizeof(*req));
	for (size_t i = 0; i < count; i++)
		if (opts[i].dflt)
			set(req, &opts[i], opts[i].dflt, NULL);
	req->port_set = false;
}
