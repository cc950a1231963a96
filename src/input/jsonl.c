/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event lines back into events, by the field table they were written from. A line is somebody
 * else's: every key must be there (but for those that a later version of the schema added), of its
 * type and within the bounds of its field. Unknown keys are passed over, because later versions may
 * add some.
 */
#include "input/jsonl.h"

#include <string.h>
#include "base/text.h"
#include "input/json_line.h"
#include "result/fields.h"

#define LINE_MAX_BYTES (256 * 1024)
#define SCHEMA	       "wend.trace/1"
#define TRACE_MAX      255

struct reader {
	struct wn_errctx *ctx;
	const char *where; /* the object being read */
};

static wn_err bad(const struct reader *rd, const char *key, const char *what)
{
	return wn_fail(rd->ctx, WN_EPARSE, "%s.%s: %s", rd->where, key, what);
}

/* ---- one field ---- */

static wn_err read_number(
	const struct reader *rd, const struct wn_field *f, const json_t *v, void *obj)
{
	bool is_signed = f->type == WN_FIELD_INT;
	unsigned bits = (unsigned)f->size * 8 - is_signed;
	uint64_t most = bits >= 63 ? INT64_MAX : ((uint64_t)1 << bits) - 1;
	int64_t least = is_signed ? -(int64_t)most - 1 : 0;
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v))
		return bad(rd, f->key, "must be an integer");
	if (f->max && f->max < most)
		most = f->max;
	if (n < least || (n > 0 && (uint64_t)n > most))
		return bad(rd, f->key, "number out of range");
	wn_field_set(f, obj, n);
	return WN_OK;
}

static wn_err read_enum(
	const struct reader *rd, const struct wn_field *f, const json_t *v, void *obj)
{
	const char *text = json_string_value(v);

	for (int i = 0; text && i < f->names->count; i++)
		if (strcmp(text, f->names->name(i * f->names->step)) == 0) {
			wn_field_set(f, obj, i * f->names->step);
			return WN_OK;
		}
	return bad(rd, f->key, "unknown name");
}

/* At most size bytes of hex text into out. Their number, or -1. */
static int read_hex(const json_t *v, uint8_t *out, size_t size)
{
	const char *text = json_string_value(v);
	size_t len = json_string_length(v);

	if (!text || len % 2 != 0 || len / 2 > size)
		return -1;
	for (size_t i = 0; i < len / 2; i++) {
		int high = wn_text_hex_digit(text[2 * i]);
		int low = wn_text_hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(len / 2);
}

static wn_err read_text(
	const struct reader *rd, const struct wn_field *f, const json_t *v, void *obj)
{
	char *at = (char *)obj + f->offset;
	int len;

	if (json_is_object(v)) {
		len = read_hex(json_object_get(v, "hex"), (uint8_t *)at, f->size - 1);
		if (len < 0 || memchr(at, '\0', (size_t)len))
			return bad(rd, f->key, "must be text or {\"hex\": ...}");
		at[len] = '\0';
		return WN_OK;
	}
	if (!json_is_string(v))
		return bad(rd, f->key, "must be text");
	if (json_string_length(v) >= f->size)
		return bad(rd, f->key, "text is too long");
	memcpy(at, json_string_value(v), json_string_length(v) + 1);
	return WN_OK;
}

static wn_err read_addr(
	const struct reader *rd, const struct wn_field *f, const json_t *v, void *obj)
{
	struct wn_addr addr;

	if (!json_is_string(v) || wn_addr_parse(json_string_value(v), &addr))
		return bad(rd, f->key, "must be an IP address");
	memcpy((char *)obj + f->offset, &addr, sizeof(addr));
	return WN_OK;
}

/* Null stands for the value that the zeroed object has already, or for the field's own. */
static wn_err read_null(const struct reader *rd, const struct wn_field *f, void *obj)
{
	if (f->has_null)
		wn_field_set(f, obj, f->null);
	else if (f->needs == 0 && f->type != WN_FIELD_ADDR)
		return bad(rd, f->key, "must not be null");
	return WN_OK;
}

static wn_err read_field(
	const struct reader *rd, const struct wn_field *f, const json_t *v, void *obj)
{
	if (!v)
		return f->added ? WN_OK : bad(rd, f->key, "is missing");
	if (json_is_null(v))
		return read_null(rd, f, obj);
	switch (f->type) {
	case WN_FIELD_BOOL:
		if (!json_is_boolean(v))
			return bad(rd, f->key, "must be true or false");
		wn_field_set(f, obj, json_is_true(v));
		return WN_OK;
	case WN_FIELD_UINT:
	case WN_FIELD_INT:
		return read_number(rd, f, v, obj);
	case WN_FIELD_ENUM:
		return read_enum(rd, f, v, obj);
	case WN_FIELD_TEXT:
		return read_text(rd, f, v, obj);
	case WN_FIELD_ADDR:
		return read_addr(rd, f, v, obj);
	case WN_FIELD_BYTES:
		if (read_hex(v, (uint8_t *)obj + f->offset, f->size) != (int)f->size)
			return bad(rd, f->key, "must be hex digits, two for each byte");
		return WN_OK;
	}
	return WN_EINVAL;
}

/* ---- objects ---- */

static wn_err read_fields(
	const struct reader *rd, const struct wn_fields *fields, const json_t *from, void *obj)
{
	wn_err err = WN_OK;

	for (size_t i = 0; i < fields->count && !err; i++)
		err = read_field(
			rd, &fields->items[i], json_object_get(from, fields->items[i].key), obj);
	return err;
}

/* The object under key. */
static wn_err read_object(const struct reader *rd, const struct wn_fields *fields,
	const json_t *line, const char *key, void *obj)
{
	const json_t *from = json_object_get(line, key);
	struct reader sub = {.ctx = rd->ctx, .where = key};

	if (!json_is_object(from))
		return bad(rd, key, "must be an object");
	return read_fields(&sub, fields, from, obj);
}

static wn_err read_ext_object(
	const struct reader *rd, const json_t *from, struct wn_ext_object *out)
{
	wn_err err = read_fields(rd, &wn_fields_object, from, out);
	size_t kept = out->len < sizeof(out->data) ? out->len : sizeof(out->data);

	if (!err && read_hex(json_object_get(from, "data"), out->data, kept) != (int)kept)
		err = bad(rd, "data", "must be the bytes in hex");
	return err;
}

/* The array under key, of at most max objects. */
static wn_err read_list(const struct reader *rd, const json_t *from, const char *key, size_t max,
	const json_t **out, uint8_t *out_count)
{
	*out = json_object_get(from, key);
	if (!json_is_array(*out) || json_array_size(*out) > max)
		return wn_fail(rd->ctx, WN_EPARSE, "%s.%s: must be an array of up to %u", rd->where,
			key, (unsigned)max);
	*out_count = (uint8_t)json_array_size(*out);
	return WN_OK;
}

static wn_err read_ext(const struct reader *rd, const json_t *from, struct wn_ext *out)
{
	const json_t *mpls, *ifaces, *objects;
	wn_err err;

	if (json_is_null(from))
		return WN_OK;
	if (!json_is_object(from))
		return bad(rd, "extensions", "must be an object or null");
	out->present = true;
	err = read_fields(rd, &wn_fields_ext, from, out);
	if (!err)
		err = read_list(rd, from, "mpls", WN_MPLS_MAX, &mpls, &out->mpls_count);
	if (!err)
		err = read_list(rd, from, "interfaces", 4, &ifaces, &out->ifinfo_count);
	if (!err)
		err = read_list(
			rd, from, "objects", WN_EXT_OBJECTS_MAX, &objects, &out->object_count);
	for (size_t i = 0; !err && i < out->mpls_count; i++)
		err = read_fields(rd, &wn_fields_mpls, json_array_get(mpls, i), &out->mpls[i]);
	for (size_t i = 0; !err && i < out->ifinfo_count; i++) {
		out->ifinfo[i].present = true;
		err = read_fields(
			rd, &wn_fields_ifinfo, json_array_get(ifaces, i), &out->ifinfo[i]);
	}
	for (size_t i = 0; !err && i < out->object_count; i++)
		err = read_ext_object(rd, json_array_get(objects, i), &out->objects[i]);
	return err;
}

static wn_err read_reply(const struct reader *rd, const json_t *line, struct wn_reply *out)
{
	const json_t *from = json_object_get(line, "reply");
	struct reader ext = {.ctx = rd->ctx, .where = "extensions"};
	wn_err err = read_object(rd, &wn_fields_reply, line, "reply", out);

	if (!err && out->from.family == 0)
		err = bad(rd, "reply", "from must not be null");
	if (!err && !json_is_null(json_object_get(from, "quote"))) {
		struct reader sub = {.ctx = rd->ctx, .where = "reply"};

		err = read_object(&sub, &wn_fields_quote, from, "quote", &out->quote);
		out->quote.present = true;
	}
	return err ? err : read_ext(&ext, json_object_get(from, "extensions"), &out->ext);
}

static wn_err read_probe(const struct reader *rd, const json_t *line, const struct wn_event *ev,
	struct wn_probe *out)
{
	wn_err err = read_object(rd, &wn_fields_probe, line, "probe", out);

	if (!err && out->id != ev->probe_id)
		err = bad(rd, "probe_id", "is not the id of the probe");
	return err;
}

static wn_err read_start(const struct reader *rd, const json_t *line, struct wn_params *out)
{
	const char *schema = json_string_value(json_object_get(line, "schema"));
	wn_err err;

	if (!schema || strcmp(schema, SCHEMA) != 0)
		return bad(rd, "schema", "must be " SCHEMA);
	err = read_object(rd, &wn_fields_params, line, "parameters", out);
	return err ? err : read_object(rd, &wn_fields_caps, line, "backend", &out->caps);
}

/* ---- lines ---- */

static wn_err read_kind(const struct reader *rd, const json_t *line, struct wn_event *out)
{
	const char *name = json_string_value(json_object_get(line, "event"));

	for (int i = 0; name && i <= WN_EV_END; i++)
		if (strcmp(name, wn_event_name((enum wn_event_kind)i)) == 0) {
			out->kind = (enum wn_event_kind)i;
			return WN_OK;
		}
	return bad(rd, "event", "unknown name");
}

static wn_err read_trace(const struct reader *rd, const json_t *line, unsigned *out)
{
	const json_t *v = json_object_get(line, "trace");
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > TRACE_MAX)
		return bad(rd, "trace", "must be a small integer");
	*out = (unsigned)n;
	return WN_OK;
}

static wn_err read_rest(const struct reader *rd, const json_t *line, struct wn_event *out)
{
	switch (out->kind) {
	case WN_EV_START:
		return read_start(rd, line, &out->u.start);
	case WN_EV_SENT:
		return read_probe(rd, line, out, &out->u.sent.probe);
	case WN_EV_FAILED:
		return read_probe(rd, line, out, &out->u.failed.probe);
	case WN_EV_REPLY:
		return read_reply(rd, line, &out->u.reply.reply);
	case WN_EV_END:
		return read_object(rd, &wn_fields_counters, line, "counters", &out->u.end.counters);
	default:
		return WN_OK;
	}
}

wn_err wn_in_jsonl(const char *line, size_t len, struct wn_event *out, unsigned *out_trace,
	struct wn_errctx *ctx)
{
	struct reader rd = {.ctx = ctx, .where = "line"};
	json_t *root;
	wn_err err;

	memset(out, 0, sizeof(*out));
	if (len > LINE_MAX_BYTES)
		return wn_fail(ctx, WN_ERANGE, "line is longer than %u bytes", LINE_MAX_BYTES);
	err = wn_in_json_line(line, len, &root, ctx);
	if (err)
		return err;
	err = read_kind(&rd, root, out);
	if (!err)
		err = read_trace(&rd, root, out_trace);
	rd.where = err ? rd.where : wn_event_name(out->kind);
	if (!err)
		err = read_fields(&rd, &wn_fields_event[out->kind], root, out);
	if (!err)
		err = read_rest(&rd, root, out);
	json_decref(root);
	return err;
}
