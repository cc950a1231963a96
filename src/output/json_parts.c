/* SPDX-License-Identifier: Apache-2.0 */
/* Plain structs of a record as JSON, by the field table: the same in document and event lines. */
#include <string.h>
#include "output/json_writer.h"

static size_t text_len(const char *text, size_t size)
{
	const char *nul = memchr(text, '\0', size);

	return nul ? (size_t)(nul - text) : size;
}

static void write_field(struct wn_jw *w, const struct wn_field *f, const void *obj)
{
	const char *at = (const char *)obj + f->offset;

	switch (f->type) {
	case WN_FIELD_BOOL:
		wn_jw_bool(w, f->key, wn_field_get(f, obj) != 0);
		break;
	case WN_FIELD_UINT:
	case WN_FIELD_INT:
		wn_jw_int(w, f->key, wn_field_get(f, obj));
		break;
	case WN_FIELD_ADDR: {
		struct wn_addr addr;

		memcpy(&addr, at, sizeof(addr));
		wn_jw_addr(w, f->key, &addr);
		break;
	}
	case WN_FIELD_TEXT:
		wn_jw_text_n(w, f->key, at, text_len(at, f->size));
		break;
	case WN_FIELD_BYTES:
		wn_jw_hex(w, f->key, at, f->size);
		break;
	case WN_FIELD_ENUM:
		wn_jw_text(w, f->key, f->names->name((int)wn_field_get(f, obj)));
		break;
	}
}

void wn_jw_fields(struct wn_jw *w, const struct wn_fields *fields, const void *obj, unsigned about)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct wn_field *f = &fields->items[i];

		if (wn_field_is_null(f, obj, about))
			wn_jw_null(w, f->key);
		else
			write_field(w, f, obj);
	}
}

void wn_jw_params(struct wn_jw *w, const struct wn_params *p)
{
	wn_jw_object(w, "parameters");
	wn_jw_fields(w, &wn_fields_params, p, wn_about_params(p));
	wn_jw_end(w);
	wn_jw_object(w, "backend");
	wn_jw_fields(w, &wn_fields_caps, &p->caps, 0);
	wn_jw_end(w);
}

void wn_jw_counters(struct wn_jw *w, const struct wn_counters *counters)
{
	wn_jw_object(w, "counters");
	wn_jw_fields(w, &wn_fields_counters, counters, 0);
	wn_jw_end(w);
}

void wn_jw_quote(struct wn_jw *w, const char *key, const struct wn_quote *q, bool ip_seen)
{
	unsigned about = wn_about_quote(q);

	if (!q->present) {
		wn_jw_null(w, key);
		return;
	}
	if (!ip_seen)
		about &= ~(unsigned)WN_ABOUT_IP_SEEN;
	wn_jw_object(w, key);
	wn_jw_fields(w, &wn_fields_quote, q, about);
	wn_jw_end(w);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void write_object(struct wn_jw *w, const struct wn_ext_object *o)
{
	wn_jw_object(w, NULL);
	wn_jw_fields(w, &wn_fields_object, o, 0);
	wn_jw_hex(w, "data", o->data, least(o->len, sizeof(o->data)));
	wn_jw_end(w);
}

void wn_jw_ext(struct wn_jw *w, const char *key, const struct wn_ext *ext)
{
	if (!ext || !ext->present) {
		wn_jw_null(w, key);
		return;
	}
	wn_jw_object(w, key);
	wn_jw_fields(w, &wn_fields_ext, ext, 0);
	wn_jw_array(w, "mpls");
	for (size_t i = 0; i < least(ext->mpls_count, WN_MPLS_MAX); i++) {
		wn_jw_object(w, NULL);
		wn_jw_fields(w, &wn_fields_mpls, &ext->mpls[i], 0);
		wn_jw_end(w);
	}
	wn_jw_end(w);
	wn_jw_array(w, "interfaces");
	for (size_t i = 0; i < least(ext->ifinfo_count, 4); i++) {
		wn_jw_object(w, NULL);
		wn_jw_fields(w, &wn_fields_ifinfo, &ext->ifinfo[i], 0);
		wn_jw_end(w);
	}
	wn_jw_end(w);
	wn_jw_array(w, "objects");
	for (size_t i = 0; i < least(ext->object_count, WN_EXT_OBJECTS_MAX); i++)
		write_object(w, &ext->objects[i]);
	wn_jw_end(w);
	wn_jw_end(w);
}
