/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a command line. Options and operands may be mixed; "--" ends the options. An option that
 * is given again replaces what it said before, except where it counts.
 */
#include "config/config_priv.h"

#include <string.h>

#include "base/fmt.h"
#include "base/text.h"

#define NAME_MAX_BYTES 32

struct reader {
	struct wn_request *req;
	const char *command;
	int argc, next;
	char **argv;
	struct wn_errctx *ctx;
};

bool wn_opt_applies(const struct wn_opt *opt, const char *command)
{
	const char *word;
	size_t len;

	if (!opt->commands)
		return true;
	for (size_t i = 0; wn_opt_choice(opt->commands, i, &word, &len); i++)
		if (strlen(command) == len && memcmp(word, command, len) == 0)
			return true;
	return false;
}

static bool negatable(const struct wn_opt *opt)
{
	return opt->type == WN_OPT_FLAG && opt->width == sizeof(bool);
}

static const char *key_at(const void *opts, size_t i)
{
	return ((const struct wn_opt *)opts)[i].key;
}

static wn_err unknown_long(struct reader *r, const char *name)
{
	char shown[WN_OPT_VALUE_SHOWN + 16];
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);
	const char *near = wn_text_nearest(name, key_at, opts, count);
	const struct wn_opt *other = wn_opt_find(name);

	wn_opt_quote(shown, name);
	if (other && other->commands)
		return wn_fail(r->ctx, WN_EUSAGE, "--%s is no option of wend %s; it is one of %s",
			shown, r->command, other->commands);
	if (near)
		return wn_fail(
			r->ctx, WN_EUSAGE, "unknown option --%s; did you mean --%s?", shown, near);
	return wn_fail(
		r->ctx, WN_EUSAGE, "unknown option --%s; see wend help %s", shown, r->command);
}

static const char *command_at(const void *names, size_t i)
{
	return ((const char *const *)names)[i];
}

/* Who has no command there may have meant one. */
static wn_err too_many(struct reader *r, const char *first, const char *arg)
{
#define X(name, ...) #name,
	static const char *const names[] = {WN_COMMAND_LIST(X)};
#undef X
	char shown[WN_OPT_VALUE_SHOWN + 16], before[WN_OPT_VALUE_SHOWN + 16];
	const char *near = strcmp(r->command, "trace") == 0
				   ? wn_text_nearest(first, command_at, names,
					     sizeof(names) / sizeof(names[0]))
				   : NULL;

	wn_opt_quote(shown, arg);
	if (near)
		return wn_fail(r->ctx, WN_EUSAGE,
			"%s is one operand too many behind %s; did you mean wend %s?", shown,
			wn_opt_quote(before, first), near);
	return wn_fail(r->ctx, WN_EUSAGE, "%s is one operand too many", shown);
}

static wn_err ambiguous(struct reader *r, const char *name)
{
	char shown[WN_OPT_VALUE_SHOWN + 16], list[128] = "";
	size_t count, at = 0;
	const struct wn_opt *opts = wn_opts(&count);

	for (size_t i = 0; i < count && at < sizeof(list); i++)
		if (wn_opt_applies(&opts[i], r->command) &&
			strncmp(opts[i].key, name, strlen(name)) == 0)
			at += wn_fmt(list + at, sizeof(list) - at, " --%s", opts[i].key);
	return wn_fail(r->ctx, WN_EUSAGE, "--%s is ambiguous; it could be%s",
		wn_opt_quote(shown, name), list);
}

/* An exact key or an unambiguous beginning of one; NULL with the reason in ctx. */
static const struct wn_opt *find_long(struct reader *r, const char *name)
{
	size_t count, found = 0, len = strlen(name);
	const struct wn_opt *opts = wn_opts(&count), *match = NULL;

	for (size_t i = 0; len > 0 && i < count; i++) {
		if (!wn_opt_applies(&opts[i], r->command) || strncmp(opts[i].key, name, len) != 0)
			continue;
		match = &opts[i];
		if (match->key[len] == '\0')
			return match;
		found++;
	}
	if (found == 1)
		return match;
	if (found > 1)
		ambiguous(r, name);
	else
		unknown_long(r, name);
	return NULL;
}

static const struct wn_opt *find_short(const struct reader *r, char name)
{
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	for (size_t i = 0; i < count; i++)
		if (opts[i].short_name == name && wn_opt_applies(&opts[i], r->command))
			return &opts[i];
	return NULL;
}

static wn_err need_value(struct reader *r, const struct wn_opt *opt, const char **out)
{
	if (r->next >= r->argc)
		return wn_fail(r->ctx, WN_EUSAGE, "--%s needs a value: %s", opt->key, opt->arg);
	*out = r->argv[r->next++];
	return WN_OK;
}

static wn_err read_long(struct reader *r, const char *text)
{
	const char *value = strchr(text, '='), *flag = WN_OPT_YES;
	size_t len = value ? (size_t)(value - text) : strlen(text);
	char name[NAME_MAX_BYTES + 1];
	const struct wn_opt *opt;
	wn_err err;

	if (len >= sizeof(name))
		return unknown_long(r, text);
	memcpy(name, text, len);
	name[len] = '\0';
	if (strncmp(name, "no-", 3) == 0) {
		opt = wn_opt_find(name + 3);
		flag = WN_OPT_NO;
		if (!opt || !negatable(opt) || !wn_opt_applies(opt, r->command))
			return unknown_long(r, name);
	} else if (!(opt = find_long(r, name))) {
		return WN_EUSAGE;
	}
	if (opt->type == WN_OPT_FLAG) {
		if (value)
			return wn_fail(r->ctx, WN_EUSAGE, "--%s takes no value", name);
		value = flag;
	} else if (value) {
		value++;
	} else if ((err = need_value(r, opt, &value)) != WN_OK) {
		return err;
	}
	return wn_request_set(r->req, opt->key, value, r->ctx);
}

/* "-nq5" is -n -q 5. */
static wn_err read_short(struct reader *r, const char *text)
{
	for (; *text; text++) {
		const struct wn_opt *opt = find_short(r, *text);
		const char *value = WN_OPT_YES;
		char shown[WN_OPT_VALUE_SHOWN + 16];
		wn_err err;

		if (!opt)
			return wn_fail(r->ctx, WN_EUSAGE, "unknown option -%s; see wend help %s",
				wn_opt_quote(shown, text), r->command);
		if (opt->type != WN_OPT_FLAG) {
			if (text[1])
				return wn_request_set(r->req, opt->key, text + 1, r->ctx);
			err = need_value(r, opt, &value);
			return err == WN_OK ? wn_request_set(r->req, opt->key, value, r->ctx) : err;
		}
		err = wn_request_set(r->req, opt->key, value, r->ctx);
		if (err != WN_OK)
			return err;
	}
	return WN_OK;
}

wn_err wn_request_argv(struct wn_request *req, const char *command, int argc, char **argv,
	const char **operands, size_t cap, size_t *out_operands, struct wn_errctx *ctx)
{
	struct reader r = {req, command, argc, 0, argv, ctx};
	bool only_operands = false;
	wn_err err = WN_OK;

	*out_operands = 0;
	while (err == WN_OK && r.next < argc) {
		const char *arg = argv[r.next++];

		if (only_operands || arg[0] != '-' || arg[1] == '\0') {
			if (*out_operands == cap)
				return too_many(&r, cap > 0 ? operands[0] : "", arg);
			operands[(*out_operands)++] = arg;
		} else if (strcmp(arg, "--") == 0) {
			only_operands = true;
		} else if (arg[1] == '-') {
			err = read_long(&r, arg + 2);
		} else {
			err = read_short(&r, arg + 1);
		}
	}
	return err;
}
