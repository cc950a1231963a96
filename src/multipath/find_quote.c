/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Length and IP-ID of the packet as quoted. Both are more often ways of quoting than changes: BSD
 * kernels of old swapped bytes of the header, or took its length off, before they quoted it.
 */
#include "multipath/find_int.h"

#include "packet/wire.h"

/* Values of both traits: 0 as sent; small ones are differences in bytes. */
#define SWAPPED (INT64_C(1) << 20)
#define LESS_IP (INT64_C(2) << 20)
#define CLEARED (INT64_C(3) << 20)
#define OTHER	(INT64_C(4) << 20)

static uint16_t swapped(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

/* In IPv6 the field holds what follows the header, and that is what is swapped. */
static uint16_t swapped_length(uint16_t size, uint8_t family)
{
	uint16_t header = family == 6 ? wn_ip_header_size(6) : 0;

	return (uint16_t)(swapped((uint16_t)(size - header)) + header);
}

static bool read_length(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);
	uint16_t size = wn_seen_probe(f, s)->probe.size;
	uint8_t family = f->r->params.dst.family;

	if (!q || size == 0)
		return false;
	*out_sent = 0;
	if (q->length == size)
		*out_is = 0;
	else if (q->length == swapped_length(size, family))
		*out_is = SWAPPED;
	else if (q->length + wn_ip_header_size(family) == size)
		*out_is = LESS_IP;
	else
		*out_is = (int64_t)q->length - size;
	return true;
}

static bool read_ip_id(
	const struct wn_finder *f, const struct wn_seen *s, int64_t *out_sent, int64_t *out_is)
{
	const struct wn_quote *q = wn_seen_ip(f, s);
	uint16_t id = wn_seen_probe(f, s)->probe.ip_id;

	if (!q || q->dst.family != 4 || id == 0 || !f->r->params.caps.sends_ip_id)
		return false;
	*out_sent = 0;
	if (q->ip_id == id)
		*out_is = 0;
	else if (q->ip_id == swapped(id))
		*out_is = SWAPPED;
	else
		*out_is = q->ip_id == 0 ? CLEARED : OTHER;
	return true;
}

static enum wn_found_how how(int64_t value)
{
	switch (value) {
	case SWAPPED:
		return WN_HOW_SWAPPED;
	case LESS_IP:
		return WN_HOW_LESS_IP;
	case CLEARED:
		return WN_HOW_CLEARED;
	default:
		return WN_HOW_VALUE;
	}
}

/* The figures of one packet stand for those of all. */
static void show_example(const struct wn_finder *f, struct wn_finding *finding)
{
	uint32_t probe = wn_result_find_probe(f->r, finding->probes[0]);
	const struct wn_probe_rec *p = &f->r->probes[probe];
	const struct wn_quote *q = &f->r->replies[p->first_reply].quote;
	bool length = finding->kind == WN_FINDING_LENGTH;

	finding->u.change.sent = length ? p->probe.size : p->probe.ip_id;
	finding->u.change.is = length ? q->length : q->ip_id;
	finding->u.change.was = finding->u.change.sent;
	finding->certainty = WN_CERTAIN; /* that it is quoted so */
}

void wn_find_quote(struct wn_finder *f)
{
	static const struct wn_trait traits[] = {
		{.kind = WN_FINDING_LENGTH, .read = read_length},
		{.kind = WN_FINDING_IP_ID, .read = read_ip_id},
	};
	uint32_t first = f->out->count;

	for (size_t i = 0; i < sizeof(traits) / sizeof(traits[0]); i++)
		wn_find_trait(f, &traits[i], how);
	for (uint32_t i = first; i < f->out->count; i++)
		show_example(f, &f->out->list[i]);
}
