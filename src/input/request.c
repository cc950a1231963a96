/* SPDX-License-Identifier: Apache-2.0 */
#include "input/request.h"

#include <string.h>
#include "base/fmt.h"
#include "base/text.h"
#include "input/json_line.h"

#define KEY_BYTES   32
#define SHOWN_BYTES 48
#define REAL_MAX    1000000000
#define DECIMALS    9
#define NANO	    1e9

/* The key that says what is asked for. */
static const struct {
	const char *key;
	enum wn_in_ask ask;
} asks[] = {
	{"target", WN_IN_TRACE},
	{"probe", WN_IN_PROBE},
	{"lookup", WN_IN_LOOKUP},
	{"cancel", WN_IN_CANCEL},
	{"ping", WN_IN_PING},
};
#define ASKS (sizeof(asks) / sizeof(asks[0]))

const char *wn_in_ask_name(enum wn_in_ask ask)
{
	static const char *const names[] = {[WN_IN_TRACE] = "trace",
		[WN_IN_PROBE] = "probe",
		[WN_IN_LOOKUP] = "lookup",
		[WN_IN_CANCEL] = "cancel",
		[WN_IN_PING] = "ping"};

	return names[ask];
}

bool wn_in_ask_starts(enum wn_in_ask ask)
{
	return ask == WN_IN_TRACE || ask == WN_IN_PROBE || ask == WN_IN_LOOKUP;
}

bool wn_in_id_eq(const struct wn_in_id *a, const struct wn_in_id *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == WN_IN_ID_TEXT ? strcmp(a->text, b->text) == 0 : a->number == b->number;
}

static wn_err read_id(const json_t *v, const char *key, struct wn_in_id *out, struct wn_errctx *ctx)
{
	size_t len = json_string_length(v);

	if (json_is_integer(v)) {
		out->number = json_integer_value(v);
		out->kind = WN_IN_ID_NUMBER;
		return WN_OK;
	}
	if (!json_is_string(v) || len == 0 || len > WN_IN_ID_BYTES)
		return wn_fail(ctx, WN_EUSAGE, "%s: must be an integer or a text of 1 to %u bytes",
			key, WN_IN_ID_BYTES);
	memcpy(out->text, json_string_value(v), len + 1);
	out->kind = WN_IN_ID_TEXT;
	return WN_OK;
}

/* Whose it is and what, before anything else can be wrong with it. */
static wn_err read_ask(const json_t *root, struct wn_in_request *out, struct wn_errctx *ctx)
{
	const json_t *id = json_object_get(root, "id"), *v;
	const char *key = NULL;
	wn_err err = WN_OK;

	for (size_t i = 0; i < ASKS; i++) {
		if (!json_object_get(root, asks[i].key))
			continue;
		if (key) {
			out->ask = WN_IN_UNKNOWN;
			err = wn_fail(ctx, WN_EUSAGE,
				"%s and %s are two requests: give each a line", key, asks[i].key);
			break;
		}
		key = asks[i].key;
		out->ask = asks[i].ask;
	}
	if (out->ask == WN_IN_CANCEL || out->ask == WN_IN_PING) {
		v = json_object_get(root, key);
		return read_id(v, key, &out->id, ctx);
	}
	if (id && read_id(id, "id", &out->id, err ? NULL : ctx) != WN_OK)
		err = WN_EUSAGE;
	if (!key)
		return wn_fail(ctx, WN_EUSAGE,
			"nothing is asked for: give one of target, probe, lookup, cancel and "
			"ping");
	if (!id && !err)
		return wn_fail(
			ctx, WN_EUSAGE, "id is missing: name the %s", wn_in_ask_name(out->ask));
	return err;
}

/* ---- options ---- */

/* Room for len bytes and the NUL; NULL when there is none, which a line of legal size cannot need.
 */
static char *keep(struct wn_in_request *out, const char *text, size_t len)
{
	char *at = out->store + out->used;

	if (len >= sizeof(out->store) - out->used)
		return NULL;
	memcpy(at, text, len);
	at[len] = '\0';
	out->used += len + 1;
	return at;
}

/* Looks like the name of an option, so that whoever knows those may say something about it. */
static bool is_key(const char *key)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = strspn(key, letters);

	return len > 0 && len <= KEY_BYTES && key[len] == '\0';
}

static wn_err bad_key(const char *key, struct wn_errctx *ctx)
{
	char shown[SHOWN_BYTES];

	wn_text_clean(shown, sizeof(shown), key, strlen(key));
	return wn_fail(ctx, WN_EUSAGE, "%s: there is no such key; keys are like max-ttl", shown);
}

/* As the option table reads numbers: up to nine decimals. */
static size_t write_real(double v, char out[WN_IN_NUMBER_BYTES])
{
	int64_t nano = (int64_t)(v * NANO + (v < 0 ? -0.5 : 0.5));
	size_t len = wn_fmt_fixed(out, WN_IN_NUMBER_BYTES, nano, DECIMALS, DECIMALS);

	while (out[len - 1] == '0')
		len--;
	return out[len - 1] == '.' ? len - 1 : len;
}

static bool add_setting(struct wn_in_request *out, const char *key, const char *value, size_t len)
{
	const char *key_kept = keep(out, key, strlen(key));
	const char *value_kept = key_kept ? keep(out, value, len) : NULL;

	if (!value_kept)
		return false;
	out->settings[out->setting_count].key = key_kept;
	out->settings[out->setting_count++].value = value_kept;
	return true;
}

static wn_err read_value(
	const char *key, const json_t *v, struct wn_in_request *out, struct wn_errctx *ctx)
{
	char number[WN_IN_NUMBER_BYTES];
	const char *text = number;
	size_t len;

	if (json_is_string(v)) {
		text = json_string_value(v);
		len = json_string_length(v);
	} else if (json_is_boolean(v)) {
		text = json_is_true(v) ? "yes" : "no";
		len = strlen(text);
	} else if (json_is_integer(v)) {
		len = wn_fmt(number, sizeof(number), "%lld", (long long)json_integer_value(v));
	} else if (json_is_real(v) && json_real_value(v) < REAL_MAX &&
		   json_real_value(v) > -REAL_MAX) {
		len = write_real(json_real_value(v), number);
	} else {
		return wn_fail(ctx, WN_EUSAGE, "%s: must be a text, a number%s, true or false", key,
			json_is_real(v) ? " below 1e9" : "");
	}
	if (out->setting_count == WN_IN_SETTINGS)
		return wn_fail(ctx, WN_EUSAGE, "%s: is one option too many", key);
	return add_setting(out, key, text, len)
		       ? WN_OK
		       : wn_fail(ctx, WN_ERANGE, "%s: the line is too long", key);
}

static wn_err read_ttl(const json_t *v, struct wn_in_request *out, struct wn_errctx *ctx)
{
	json_int_t ttl = json_integer_value(v);

	if (out->ask == WN_IN_TRACE)
		return wn_fail(ctx, WN_EUSAGE,
			"ttl: is of a single probe; a trace has first-ttl and max-ttl");
	if (!json_is_integer(v) || ttl < 1 || ttl > UINT8_MAX)
		return wn_fail(ctx, WN_EUSAGE, "ttl: must be an integer from 1 to 255");
	out->ttl = (uint8_t)ttl;
	return WN_OK;
}

static wn_err read_target(
	const char *key, const json_t *v, struct wn_in_request *out, struct wn_errctx *ctx)
{
	if (!json_is_string(v))
		return wn_fail(ctx, WN_EUSAGE, "%s: must be a text, an address%s", key,
			out->ask == WN_IN_TRACE ? " or a host name" : "");
	out->target = keep(out, json_string_value(v), json_string_length(v));
	return out->target ? WN_OK : wn_fail(ctx, WN_ERANGE, "%s: the line is too long", key);
}

static wn_err read_key(
	const char *key, const json_t *v, struct wn_in_request *out, struct wn_errctx *ctx)
{
	bool starts = wn_in_ask_starts(out->ask);

	if (strcmp(key, wn_in_ask_name(out->ask)) == 0 && !starts)
		return WN_OK;
	if (!starts)
		return wn_fail(ctx, WN_EUSAGE, "%s stands alone on its line, with its id as value",
			wn_in_ask_name(out->ask));
	if (strcmp(key, "id") == 0)
		return WN_OK;
	if (strcmp(key, "target") == 0 || strcmp(key, "probe") == 0 || strcmp(key, "lookup") == 0)
		return read_target(key, v, out, ctx);
	if (out->ask == WN_IN_LOOKUP)
		return wn_fail(ctx, WN_EUSAGE, "a lookup has an id and no options");
	if (strcmp(key, "ttl") == 0)
		return read_ttl(v, out, ctx);
	return is_key(key) ? read_value(key, v, out, ctx) : bad_key(key, ctx);
}

wn_err wn_in_request(const char *line, size_t len, struct wn_in_request *out, struct wn_errctx *ctx)
{
	const char *key;
	json_t *root, *v;
	wn_err err;

	memset(out, 0, offsetof(struct wn_in_request, store));
	if (len >= WN_IN_REQUEST_BYTES)
		return wn_fail(
			ctx, WN_ERANGE, "the line is longer than %u bytes", WN_IN_REQUEST_BYTES);
	err = wn_in_json_line(line, len, &root, ctx);
	if (err)
		return err;
	err = read_ask(root, out, ctx);
	json_object_foreach(root, key, v)
	{
		if (err)
			break;
		err = read_key(key, v, out, ctx);
	}
	if (!err && out->ask == WN_IN_PROBE && out->ttl == 0)
		err = wn_fail(ctx, WN_EUSAGE, "ttl is missing: a probe needs one, from 1 to 255");
	json_decref(root);
	return err;
}
