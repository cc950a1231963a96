/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "packet/wire.h"

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "record: %s\n", what);
	abort();
}

struct wn_addr record_addr(const char *text)
{
	struct wn_addr a;

	must(wn_addr_parse(text, &a) == WN_OK, text);
	return a;
}

void record_fini(struct record *rec)
{
	free(rec->events);
	*rec = (struct record){0};
}

static struct wn_event *add(struct record *rec, enum wn_event_kind kind)
{
	struct wn_event *ev;

	if (rec->count == rec->cap) {
		rec->cap = rec->cap ? rec->cap * 2 : 64;
		rec->events = realloc(rec->events, rec->cap * sizeof(*rec->events));
		must(rec->events != NULL, "no memory");
	}
	ev = &rec->events[rec->count++];
	memset(ev, 0, sizeof(*ev));
	ev->kind = kind;
	ev->at_ns = rec->at_ns;
	return ev;
}

static const struct wn_params *params_of(const struct record *rec)
{
	must(rec->count > 0 && rec->events[0].kind == WN_EV_START, "no start event");
	return &rec->events[0].u.start;
}

static const struct wn_event *find_sent(const struct record *rec, uint64_t id)
{
	for (size_t i = 0; i < rec->count; i++)
		if (rec->events[i].kind == WN_EV_SENT && rec->events[i].probe_id == id)
			return &rec->events[i];
	must(false, "no such probe");
	return NULL;
}

static void set_caps(struct wn_caps *c)
{
	snprintf(c->name, sizeof(c->name), "raw");
	c->sends_ip_id = c->sends_checksum = c->sends_icmp_id = c->sends_flow_label = true;
	c->sees_quote_l4 = c->sees_quote_ip = c->sees_reply_ttl = c->sees_extensions = true;
	c->sees_foreign = true;
	c->tx_clock = c->rx_clock = WN_CLOCK_KERNEL;
}

struct wn_event *record_start(struct record *rec, const char *dst)
{
	struct wn_event *ev = add(rec, WN_EV_START);
	struct wn_params *p = &ev->u.start;

	must(rec->count == 1, "start is the first event");
	snprintf(p->target, sizeof(p->target), "target.example");
	snprintf(p->host, sizeof(p->host), "target.example");
	p->dst = record_addr(dst);
	p->src = record_addr(p->dst.family == 4 ? "192.0.2.1" : "2001:db8::1");
	p->proto = WN_PROTO_UDP;
	p->sport = 50000;
	p->dport = 33434;
	p->flow_mode = WN_FLOW_FIXED;
	p->first_ttl = 1;
	p->max_ttl = 30;
	p->probes = 3;
	p->window = 32;
	p->gap = 8;
	p->pps = 500;
	p->wait_max_ns = 1000 * RECORD_MS;
	p->wait_min_ns = 200 * RECORD_MS;
	p->wait_here_milli = 3000;
	p->wait_near_milli = 3000;
	p->size = p->dst.family == 4 ? 60 : 80;
	p->start_unix_ns = 1700000000123456789;
	set_caps(&p->caps);
	return ev;
}

static void fill_probe(struct record *rec, struct wn_probe *p, uint8_t ttl, uint32_t flow)
{
	const struct wn_params *params = params_of(rec);

	p->id = ++rec->next_id;
	p->flow = flow;
	p->src = params->src;
	p->dst = params->dst;
	p->proto = params->proto;
	p->ttl = ttl;
	p->tos = params->tos;
	p->size = params->size;
	p->sport = (uint16_t)(params->sport + flow);
	p->dport = params->dport;
	p->ip_id = (uint16_t)(0x1000 + p->id);
	p->checksum = (uint16_t)(0x2000 + p->id);
	memset(p->cookie, (int)p->id, sizeof(p->cookie));
}

struct wn_event *record_sent(struct record *rec, uint8_t ttl, uint32_t flow, uint32_t number)
{
	struct wn_event *ev;

	rec->at_ns += RECORD_MS;
	ev = add(rec, WN_EV_SENT);
	fill_probe(rec, &ev->u.sent.probe, ttl, flow);
	ev->probe_id = ev->u.sent.probe.id;
	ev->u.sent.number = number;
	ev->u.sent.clock = WN_CLOCK_KERNEL;
	return ev;
}

static bool is_error(enum wn_reply_kind kind)
{
	return kind <= WN_REPLY_REDIRECT;
}

static void fill_quote(struct wn_quote *q, const struct wn_probe *p)
{
	static const uint8_t protos[] = {WN_IP_UDP, WN_IP_ICMP, WN_IP_TCP};

	q->present = q->l4_present = q->payload_present = true;
	q->src = p->src;
	q->dst = p->dst;
	q->proto = protos[p->proto];
	q->ttl = 1;
	q->tos = p->tos;
	q->length = q->quoted_bytes = p->size;
	q->ip_id = p->ip_id;
	q->sport = p->sport;
	q->dport = p->dport;
	q->checksum = p->checksum;
	memcpy(q->cookie, p->cookie, sizeof(q->cookie));
}

struct wn_event *record_reply(
	struct record *rec, uint64_t id, enum wn_reply_kind kind, const char *from, int64_t rtt_us)
{
	uint8_t family = params_of(rec)->dst.family;
	struct wn_event *ev = add(rec, WN_EV_REPLY);
	const struct wn_event *sent = find_sent(rec, id);
	struct wn_reply *reply = &ev->u.reply.reply;

	ev->probe_id = id;
	ev->at_ns = sent->at_ns + (uint64_t)(rtt_us > 0 ? rtt_us : 0) * 1000;
	ev->u.reply.rtt_ns = rtt_us < 0 ? -1 : rtt_us * 1000;
	ev->u.reply.clock = WN_CLOCK_KERNEL;
	reply->kind = kind;
	reply->from = record_addr(from);
	reply->to = params_of(rec)->src;
	reply->ttl = 64;
	reply->tos = 0;
	reply->length = 88;
	reply->hint_id = WN_HINT_NONE;
	if (kind == WN_REPLY_TIME_EXCEEDED)
		reply->icmp_type = family == 4 ? 11 : 3;
	if (kind == WN_REPLY_UNREACHABLE) {
		reply->icmp_type = family == 4 ? 3 : 1;
		reply->icmp_code = family == 4 ? 3 : 4;
	}
	if (is_error(kind))
		fill_quote(&reply->quote, &sent->u.sent.probe);
	return ev;
}

struct wn_event *record_timeout(struct record *rec, uint64_t id)
{
	struct wn_event *ev = add(rec, WN_EV_TIMEOUT);

	ev->probe_id = id;
	ev->u.timeout.waited_ns = 200 * RECORD_MS;
	ev->at_ns = find_sent(rec, id)->at_ns + ev->u.timeout.waited_ns;
	return ev;
}

struct wn_event *record_failed(struct record *rec, uint8_t ttl, uint32_t number, wn_err err)
{
	struct wn_event *ev;

	rec->at_ns += RECORD_MS;
	ev = add(rec, WN_EV_FAILED);
	fill_probe(rec, &ev->u.failed.probe, ttl, 0);
	ev->probe_id = ev->u.failed.probe.id;
	ev->u.failed.number = number;
	ev->u.failed.err = err;
	ev->u.failed.sys = 1;
	return ev;
}

struct wn_event *record_name(struct record *rec, const char *addr, const char *name)
{
	struct wn_event *ev = add(rec, WN_EV_NAME);

	ev->u.name.addr = record_addr(addr);
	must(strlen(name) < sizeof(ev->u.name.name), "name too long");
	memcpy(ev->u.name.name, name, strlen(name) + 1);
	ev->u.name.err = name[0] ? WN_OK : WN_ENOENT;
	return ev;
}

struct wn_event *record_note(
	struct record *rec, enum wn_note_kind kind, int64_t value, const char *text)
{
	struct wn_event *ev = add(rec, WN_EV_NOTE);

	ev->u.note.kind = kind;
	ev->u.note.value = value;
	must(strlen(text) < sizeof(ev->u.note.text), "note too long");
	memcpy(ev->u.note.text, text, strlen(text) + 1);
	return ev;
}

struct wn_event *record_stop(struct record *rec, enum wn_stop stop, uint8_t ttl)
{
	struct wn_event *ev = add(rec, WN_EV_STOP);

	ev->u.stop.stop = stop;
	ev->u.stop.ttl = ttl;
	return ev;
}

struct wn_event *record_end(struct record *rec)
{
	rec->at_ns += 300 * RECORD_MS;
	return add(rec, WN_EV_END);
}

static uint32_t next_number(const struct record *rec, uint8_t ttl)
{
	uint32_t n = 0;

	for (size_t i = 0; i < rec->count; i++)
		n += rec->events[i].kind == WN_EV_SENT && rec->events[i].u.sent.probe.ttl == ttl &&
		     rec->events[i].u.sent.probe.flow == 0;
	return n;
}

uint64_t record_hop(struct record *rec, uint8_t ttl, const char *from, int64_t rtt_us)
{
	uint64_t id = record_sent(rec, ttl, 0, next_number(rec, ttl))->probe_id;

	record_reply(rec, id, WN_REPLY_TIME_EXCEEDED, from, rtt_us);
	return id;
}

uint64_t record_lost(struct record *rec, uint8_t ttl)
{
	uint64_t id = record_sent(rec, ttl, 0, next_number(rec, ttl))->probe_id;

	record_timeout(rec, id);
	return id;
}

uint64_t record_dest(struct record *rec, uint8_t ttl, const char *from, int64_t rtt_us)
{
	uint64_t id = record_sent(rec, ttl, 0, next_number(rec, ttl))->probe_id;
	struct wn_event *ev = record_reply(rec, id, WN_REPLY_UNREACHABLE, from, rtt_us);

	ev->u.reply.reached = true;
	return id;
}

struct wn_result *record_fold(const struct record *rec)
{
	struct wn_result *r = wn_result_new(NULL);

	must(r != NULL, "no memory");
	for (size_t i = 0; i < rec->count; i++)
		must(wn_result_apply(r, &rec->events[i]) == WN_OK, "an event is refused");
	return r;
}
