/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field table: every plain struct of a record, field by field, with the key and form it has
 * in our JSON. Whoever writes and whoever reads walk the same table, so that they cannot differ.
 */
#ifndef WN_RESULT_FIELDS_H
#define WN_RESULT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "result/event.h"

enum wn_field_type {
	WN_FIELD_BOOL,
	WN_FIELD_UINT,	/* size 1, 2, 4 or 8 bytes; at most INT64_MAX */
	WN_FIELD_INT,	/* size 2, 4 or 8 bytes */
	WN_FIELD_ADDR,	/* struct wn_addr; family 0 is null */
	WN_FIELD_TEXT,	/* char[size]; bytes that are not UTF-8 are kept, see docs/json.md */
	WN_FIELD_BYTES, /* uint8_t[size], as hex */
	WN_FIELD_ENUM	/* by its name in the field's enumeration */
};

/* What an object is about; decides which fields have a meaning in it. */
enum wn_field_about {
	WN_ABOUT_V4 = 1 << 0,
	WN_ABOUT_V6 = 1 << 1,
	WN_ABOUT_PORTS = 1 << 2, /* UDP, TCP */
	WN_ABOUT_ICMP = 1 << 3,
	WN_ABOUT_TCP = 1 << 4,
	WN_ABOUT_CHECKSUM = 1 << 5, /* UDP, ICMP */
	WN_ABOUT_IP_SEEN = 1 << 6,  /* quotes: the back end sees the IP header */
	WN_ABOUT_PAYLOAD = 1 << 7,
	WN_ABOUT_ECHO = 1 << 8,
	WN_ABOUT_TCP_HEADER = 1 << 10, /* a TCP header with its options is all there */
	WN_ABOUT_VALUE = 1 << 9	       /* never set: a field that needs it is null when it is 0 */
};

/* The values 0 .. count-1 of a C enum; errors count downwards. */
struct wn_enum {
	int count;
	int step; /* 1 or -1 */
	const char *(*name)(int value);
};

struct wn_field {
	const char *key;
	const struct wn_enum *names;
	size_t offset, size;
	int64_t null; /* a number that means null, where has_null is set */
	uint64_t max; /* UINT: largest value read; 0: what size holds */
	enum wn_field_type type;
	unsigned needs; /* null when it is 0 and the object is not about all of these */
	bool has_null;
	bool added; /* by a later version of the schema: where it is missing it is 0 */
};

struct wn_fields {
	const struct wn_field *items;
	size_t count;
};

extern const struct wn_fields wn_fields_params; /* struct wn_params without caps */
extern const struct wn_fields wn_fields_caps;
extern const struct wn_fields wn_fields_probe;
extern const struct wn_fields wn_fields_reply; /* struct wn_reply without quote and ext */
extern const struct wn_fields wn_fields_quote;
extern const struct wn_fields wn_fields_ext; /* struct wn_ext without its lists */
extern const struct wn_fields wn_fields_mpls;
extern const struct wn_fields wn_fields_ifinfo;
extern const struct wn_fields wn_fields_object; /* struct wn_ext_object without its data */
extern const struct wn_fields wn_fields_counters;
/* struct wn_event without the structs above, by kind. */
extern const struct wn_fields wn_fields_event[WN_EV_END + 1];

/* WN_ABOUT_* of each. */
unsigned wn_about_params(const struct wn_params *p);
unsigned wn_about_probe(const struct wn_probe *p);
unsigned wn_about_reply(const struct wn_reply *r);
unsigned wn_about_quote(const struct wn_quote *q);

/* The number in an integer, bool or enum field of obj, and putting it there (it must fit). */
int64_t wn_field_get(const struct wn_field *f, const void *obj);
void wn_field_set(const struct wn_field *f, void *obj, int64_t value);
/* True when the field is written as null. */
bool wn_field_is_null(const struct wn_field *f, const void *obj, unsigned about);

#endif
