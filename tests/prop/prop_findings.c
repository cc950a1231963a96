/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings of any record, however little sense it makes: bounded, in order, about hops, responders
 * and probes that are in the record, with intervals that hold what they are about. The same record
 * gives the same findings.
 */
#include "prop.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/cursor.h"
#include "multipath/findings.h"

static const struct wn_result_limits limits = {
	.probes = 400, .replies = 500, .responders = 24, .notes = 4, .bytes = 65536};

static struct wn_addr some_addr(uint8_t bits, uint8_t family)
{
	uint8_t bytes[16] = {10, 0, 0, bits & 15};

	return family ? wn_addr_from_bytes(family, bytes) : (struct wn_addr){0};
}

static struct wn_params some_params(struct wn_rd *r)
{
	uint8_t bits = wn_rd_u8(r), more = wn_rd_u8(r);
	uint8_t family = bits & 1 ? 6 : 4;

	return (struct wn_params){
		.src = some_addr(1, bits & 2 ? 0 : family),
		.dst = some_addr(2, family),
		.proto = (enum wn_proto)(more % WN_PROTO_COUNT),
		.flow_mode = bits & 4 ? WN_FLOW_CLASSIC : WN_FLOW_FIXED,
		.tos = wn_rd_u8(r),
		.first_ttl = 1,
		.max_ttl = 30,
		.probes = 3,
		.size = 60,
		.pmtu = more & 32,
		.link_mtu = 1500,
		.caps = {.sends_ip_id = bits & 8,
			.sends_checksum = bits & 16 || more & 1,
			.sends_icmp_id = bits & 32,
			.sends_flow_label = true,
			.sees_quote_l4 = bits & 64 || more & 2,
			.sees_quote_ip = bits & 128 || more & 4,
			.sees_reply_ttl = true},
	};
}

static uint16_t some_size(struct wn_rd *r, const struct wn_params *p)
{
	static const uint16_t sizes[] = {60, 1500, 1400, 1399, 1300};

	return p->pmtu ? sizes[wn_rd_u8(r) % 5] : p->size;
}

static void some_probe(struct wn_rd *r, const struct wn_params *p, struct wn_probe *out)
{
	uint8_t bits = wn_rd_u8(r);

	*out = (struct wn_probe){
		.flow = bits & 3,
		.src = p->src,
		.dst = bits == 0xff ? some_addr(3, p->dst.family) : p->dst,
		.proto = p->proto,
		.ttl = (uint8_t)(1 + (bits >> 2) % 12),
		.tos = p->tos,
		.size = some_size(r, p),
		.sport = (uint16_t)(5000 + (bits & 3)),
		.dport = 33434,
		.icmp_id = 77,
		.ip_id = (uint16_t)(1 + bits),
		.checksum = (uint16_t)(0x1000 + bits),
	};
}

/* As sent but for a few fields. */
static void some_quote(struct wn_rd *r, const struct wn_probe *p, struct wn_quote *out)
{
	static const uint8_t protos[2][WN_PROTO_COUNT] = {{17, 1, 6}, {17, 58, 6}};
	uint8_t bits = wn_rd_u8(r), value = wn_rd_u8(r);

	*out = (struct wn_quote){
		.present = bits != 0xff,
		.l4_present = bits != 0xfe,
		.src = p->src,
		.dst = p->dst,
		.proto = protos[p->dst.family == 6][p->proto],
		.ttl = 1,
		.tos = p->tos,
		.length = p->size,
		.ip_id = p->ip_id,
		.sport = p->sport,
		.dport = p->dport,
		.checksum = p->checksum,
		.icmp_id = p->icmp_id,
	};
	if (bits & 1)
		out->ttl = value;
	if (bits & 2)
		out->tos = value;
	if (bits & 4)
		out->checksum = (uint16_t)(out->checksum + value);
	if (bits & 8)
		out->src = some_addr(value, value & 16 ? 6 : 4);
	if (bits & 16)
		out->length = (uint16_t)(value << 8 | bits);
	if (bits & 32)
		out->sport = out->icmp_id = value;
	if (bits & 64)
		out->ip_id = (uint16_t)(value << 8);
}

static void some_reply(struct wn_rd *r, const struct wn_probe *p, struct wn_event *ev)
{
	uint8_t bits = wn_rd_u8(r);
	struct wn_reply *reply = &ev->u.reply.reply;

	reply->kind =
		bits & 1 ? (enum wn_reply_kind)(bits % WN_REPLY_KINDS) : WN_REPLY_TIME_EXCEEDED;
	reply->from = some_addr((uint8_t)(bits >> 4 ^ (bits & 2 ? p->ttl : 0)), p->dst.family);
	reply->ttl = (int16_t)((int)wn_rd_be16(r) - (bits & 8 ? 300 : 0));
	if (bits & 4)
		reply->ttl = (int16_t)(255 - p->ttl);
	if (reply->kind == WN_REPLY_TOO_BIG)
		reply->mtu = bits & 2 ? 1400 : bits & 16 ? 1300 : bits;
	some_quote(r, p, &reply->quote);
	reply->ext.present = bits & 32;
	reply->ext.mpls_count = bits >> 5 & 3;
	for (unsigned i = 0; i < reply->ext.mpls_count; i++)
		reply->ext.mpls[i] = (struct wn_mpls){.label = bits, .ttl = bits & 64 ? 250 : 1};
	ev->u.reply.rtt_ns = bits;
	ev->u.reply.late = (bits & 0x90) == 0x90;
	ev->u.reply.reached = wn_addr_eq(&reply->from, &p->dst) && bits & 16;
}

/* One probe, and what becomes of it. */
static void some_fate(struct wn_rd *r, struct wn_result *result, uint64_t id, uint64_t *now_ns)
{
	struct wn_event ev = {.kind = WN_EV_SENT, .probe_id = id};
	uint8_t fate = wn_rd_u8(r);
	struct wn_probe probe;

	*now_ns += (uint64_t)(fate >> 2) * 1000000;
	ev.at_ns = *now_ns;
	some_probe(r, &result->params, &probe);
	probe.id = id;
	ev.u.sent.probe = probe;
	if (wn_result_apply(result, &ev) != WN_OK)
		return;
	memset(&ev, 0, sizeof(ev));
	ev.probe_id = id;
	ev.at_ns = *now_ns + 1000000;
	ev.kind = (fate & 3) == 0 ? WN_EV_TIMEOUT : WN_EV_REPLY;
	if (ev.kind == WN_EV_REPLY)
		some_reply(r, &probe, &ev);
	if ((fate & 3) != 1 || fate < 0xf0) /* few stay pending */
		(void)wn_result_apply(result, &ev);
}

static void check_at(const struct wn_result *r, struct wn_finding_at at)
{
	prop_check(at.responder == WN_NONE || at.responder < r->responder_count);
}

static void check_share(const struct wn_found_share *s)
{
	prop_check(s->lost <= s->sent);
	prop_check(s->low_ppm <= s->high_ppm && s->high_ppm <= 1000000);
	if (s->sent == 0)
		return;
	prop_check((uint64_t)s->low_ppm * s->sent <= (uint64_t)s->lost * 1000000 + s->sent);
	prop_check((uint64_t)s->high_ppm * s->sent + s->sent >= (uint64_t)s->lost * 1000000);
}

static void check_figures(const struct wn_finding *f)
{
	switch (f->kind) {
	case WN_FINDING_RATE_LIMIT:
	case WN_FINDING_LOSS_REPLIES:
	case WN_FINDING_LOSS_PATH:
		check_share(&f->u.loss.here);
		check_share(&f->u.loss.rest);
		check_share(&f->u.loss.target);
		prop_check(f->u.loss.here.lost > 0);
		prop_check(f->u.loss.passed <= f->u.loss.here.lost);
		prop_check(f->u.loss.chance_ppb <= 1000000000);
		break;
	case WN_FINDING_MPLS_EXPLICIT:
	case WN_FINDING_MPLS_OPAQUE:
		prop_check(f->u.mpls.label_count >= 1);
		prop_check(f->u.mpls.label_count <= WN_FINDING_LABELS);
		break;
	case WN_FINDING_MTU:
	case WN_FINDING_MTU_HOLE:
		prop_check(f->u.mtu.lowering.mtu < f->u.mtu.lowering.was);
		prop_check(f->before.ttl == f->u.mtu.lowering.after);
		prop_check(f->kind != WN_FINDING_MTU_HOLE || f->u.mtu.by.family == 0);
		break;
	case WN_FINDING_PATH_CHANGED:
		prop_check(f->u.epoch.from_ns <= f->u.epoch.to_ns);
		prop_check(f->u.epoch.chance_ppb <= 10000000);
		break;
	case WN_FINDING_PER_PACKET:
	case WN_FINDING_UNSTEADY:
		prop_check(f->u.epoch.responders >= 2 && f->u.epoch.switches >= 1);
		break;
	default:
		break;
	}
}

static void check_finding(const struct wn_result *r, const struct wn_finding *f)
{
	prop_check((unsigned)f->kind < WN_FINDING_KINDS && f->certainty <= WN_POSSIBLE);
	prop_check(f->first.ttl >= 1 && f->first.ttl <= f->last.ttl);
	prop_check(!f->between || f->before.ttl < f->first.ttl);
	prop_check(f->hops >= 1 && f->flows >= 1);
	prop_check(f->probes_kept <= WN_FINDING_PROBES && f->probes_kept <= f->probe_count);
	prop_check(f->probes_kept > 0);
	check_at(r, f->before);
	check_at(r, f->first);
	check_at(r, f->last);
	check_at(r, f->until);
	for (uint32_t i = 0; i < f->probes_kept; i++)
		prop_check(wn_result_find_probe(r, f->probes[i]) != WN_NONE);
	check_figures(f);
}

static void check_same(const struct wn_finding *a, const struct wn_finding *b)
{
	const struct wn_fields *fields = wn_finding_fields(a->kind);

	prop_check(a->kind == b->kind && a->certainty == b->certainty && a->hops == b->hops);
	prop_check(a->before.ttl == b->before.ttl && a->first.ttl == b->first.ttl);
	prop_check(a->last.ttl == b->last.ttl && a->probe_count == b->probe_count);
	prop_check(memcmp(a->probes, b->probes, sizeof(a->probes)) == 0);
	for (size_t i = 0; i < fields->count; i++) {
		const struct wn_field *f = &fields->items[i];

		prop_check(memcmp((const char *)a + f->offset, (const char *)b + f->offset,
				   f->size) == 0);
	}
}

static void check_all(const struct wn_result *r)
{
	struct wn_findings one, two;

	prop_check(wn_findings_find(r, &one) == WN_OK && wn_findings_find(r, &two) == WN_OK);
	prop_check(one.count <= WN_FINDINGS_MAX);
	prop_check(one.count == two.count && one.dropped == two.dropped);
	prop_check(one.unclear_first <= one.unclear_last);
	for (uint32_t i = 0; i < one.count; i++) {
		check_finding(r, &one.list[i]);
		prop_check(i == 0 || one.list[i - 1].first.ttl <= one.list[i].first.ttl);
		check_same(&one.list[i], &two.list[i]);
	}
	wn_findings_free(&one);
	wn_findings_free(&two);
}

int prop_findings(const uint8_t *data, size_t size)
{
	struct wn_result *r = wn_result_new(&limits);
	struct wn_event ev = {.kind = WN_EV_START};
	uint64_t now_ns = 0, id = 0;
	struct wn_rd rd;

	prop_check(r != NULL);
	wn_rd_init(&rd, data, size);
	ev.u.start = some_params(&rd);
	prop_check(wn_result_apply(r, &ev) == WN_OK);
	while (wn_rd_left(&rd) > 0)
		some_fate(&rd, r, ++id, &now_ns);
	check_all(r);
	wn_result_free(r);
	return 0;
}
