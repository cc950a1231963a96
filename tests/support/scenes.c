/* SPDX-License-Identifier: Apache-2.0 */
#include "scenes.h"

#include <stdio.h>
#include <string.h>

#define DST "203.0.113.9"

static struct wn_reply *last_reply(struct record *rec)
{
	return &rec->events[rec->count - 1].u.reply.reply;
}

static void add_labels(struct wn_reply *reply)
{
	reply->ext.present = true;
	reply->ext.mpls_count = 2;
	reply->ext.mpls[0] = (struct wn_mpls){.label = 16004, .tc = 1, .ttl = 1};
	reply->ext.mpls[1] = (struct wn_mpls){.label = 24001, .bottom = true, .ttl = 1};
}

static void add_interface(struct wn_reply *reply)
{
	struct wn_ifinfo *i = &reply->ext.ifinfo[0];

	reply->ext.present = true;
	reply->ext.ifinfo_count = 1;
	i->present = true;
	i->role = 0;
	i->ifindex = 17;
	i->addr = record_addr("198.51.100.66");
	i->mtu = 9000;
	snprintf(i->name, sizeof(i->name), "xe-0/1/0");
}

static void add_object(struct wn_reply *reply)
{
	struct wn_ext_object *o = &reply->ext.objects[0];

	reply->ext.present = true;
	reply->ext.object_count = 1;
	o->class_num = 247;
	o->c_type = 9;
	o->len = 6;
	memcpy(o->data, "\x00\x01\xfe\xff<>", 6);
}

static void third_hop(struct record *rec)
{
	record_hop(rec, 3, "198.51.100.65", 8113);
	add_labels(last_reply(rec));
	add_interface(last_reply(rec));
	record_hop(rec, 3, "198.51.100.69", 8934);
	add_labels(last_reply(rec));
	last_reply(rec)->quote.ttl = 3;
	record_hop(rec, 3, "198.51.100.65", 8320);
}

static void fourth_hop(struct record *rec)
{
	uint64_t id = record_hop(rec, 4, "198.51.100.129", 12345);

	last_reply(rec)->quote.tos = 0;
	record_reply(rec, id, WN_REPLY_TIME_EXCEEDED, "198.51.100.129", 12999)->u.reply.duplicate =
		true;
	id = record_lost(rec, 4);
	record_reply(rec, id, WN_REPLY_TIME_EXCEEDED, "198.51.100.129", 412000)->u.reply.late =
		true;
	record_lost(rec, 4);
}

static void fifth_hop(struct record *rec)
{
	record_hop(rec, 5, "198.51.100.200", 30250);
	rec->events[rec->count - 1].u.reply.match = WN_MATCH_WEAK;
	last_reply(rec)->quote.tos = 0;
	last_reply(rec)->quote.payload_present = false;
	memset(last_reply(rec)->quote.cookie, 0, 8);
	last_reply(rec)->quote.quoted_bytes = 28;
	add_object(last_reply(rec));
	record_hop(rec, 5, "198.51.100.200", 30375);
	record_failed(rec, 5, 2, WN_EBLOCKED);
}

void scene_rich(struct record *rec)
{
	struct wn_event *ev = record_start(rec, DST);

	ev->u.start.tos = 46 << 2;
	record_hop(rec, 1, "192.0.2.254", 412);
	record_hop(rec, 1, "192.0.2.254", 388);
	record_hop(rec, 1, "192.0.2.254", 407);
	for (int i = 0; i < 3; i++)
		record_lost(rec, 2);
	third_hop(rec);
	fourth_hop(rec);
	fifth_hop(rec);
	record_lost(rec, 6);
	record_lost(rec, 6);
	record_hop(rec, 6, "198.51.100.222", 142118);
	last_reply(rec)->quote.tos = 0;
	last_reply(rec)->quote.dst = record_addr("10.1.2.3");
	record_dest(rec, 7, DST, 143002);
	last_reply(rec)->quote.tos = 0;
	record_dest(rec, 7, DST, 143871);
	record_lost(rec, 8);
	record_name(rec, "192.0.2.254", "gw.example");
	record_name(rec, "198.51.100.65", "xe-0-1-0.core1.fra.backbone.example");
	record_name(rec, "198.51.100.129", "");
	record_name(rec, DST, "target.example");
	record_note(rec, WN_NOTE_GAP_IN_TIME, 1500000000, "");
	record_stop(rec, WN_STOP_REACHED, 7)->u.stop.by = record_addr(DST);
	ev = record_end(rec);
	ev->u.end.counters = (struct wn_counters){
		.foreign = 12, .forged = 2, .duplicate = 1, .late = 1, .weak = 1, .blocked = 1};
}

void scene_silent(struct record *rec)
{
	record_start(rec, DST);
	record_hop(rec, 1, "192.0.2.254", 412);
	record_hop(rec, 2, "198.51.100.1", 9120);
	for (uint8_t ttl = 3; ttl <= 10; ttl++)
		record_lost(rec, ttl);
	rec->at_ns += 200 * RECORD_MS;
	record_stop(rec, WN_STOP_GAP, 10);
	record_end(rec);
}

void scene_running(struct record *rec)
{
	record_start(rec, DST);
	record_hop(rec, 1, "192.0.2.254", 412);
	record_lost(rec, 2);
	record_sent(rec, 3, 0, 0);
	record_hop(rec, 4, "198.51.100.1", 9120);
	record_sent(rec, 4, 0, 1);
	record_lost(rec, 5);
	for (uint8_t ttl = 6; ttl <= 9; ttl++)
		record_sent(rec, ttl, 0, 0);
}

void scene_refused(struct record *rec)
{
	record_start(rec, DST);
	record_hop(rec, 1, "192.0.2.254", 412);
	for (int i = 0; i < 2; i++) {
		uint64_t id = record_sent(rec, 2, 0, (uint32_t)i)->probe_id;

		record_reply(rec, id, WN_REPLY_UNREACHABLE, "198.51.100.1", 2000);
		last_reply(rec)->icmp_code = 1;
	}
	record_hop(rec, 2, "198.51.100.1", 2100);
	record_lost(rec, 3);
	record_stop(rec, WN_STOP_UNREACHABLE, 2)->u.stop.by = record_addr("198.51.100.1");
	record_end(rec);
}

void scene_foreign_port(struct record *rec)
{
	uint64_t id;

	record_start(rec, DST);
	record_hop(rec, 1, "192.0.2.254", 412);
	id = record_sent(rec, 2, 0, 0)->probe_id;
	record_reply(rec, id, WN_REPLY_UNREACHABLE, "198.51.100.1", 2000);
	record_stop(rec, WN_STOP_UNREACHABLE, 2)->u.stop.by = record_addr("198.51.100.1");
	record_end(rec);
}

void scene_v6(struct record *rec)
{
	struct wn_params *p = &record_start(rec, "2001:db8:ffff:ffff:ffff:ffff:ffff:fff9")->u.start;
	uint64_t id;

	p->proto = WN_PROTO_ICMP;
	p->sport = 4711;
	p->dport = 0;
	p->flow_checksum = 0x1234;
	p->flow_label = 0x54321;
	record_hop(rec, 1, "2001:db8::fe", 512);
	record_hop(rec, 2, "2001:db8:1234:5678:9abc:def0:1234:5678", 1512);
	id = record_sent(rec, 3, 0, 0)->probe_id;
	record_reply(rec, id, WN_REPLY_ECHO, "2001:db8:ffff:ffff:ffff:ffff:ffff:fff9", 2512)
		->u.reply.reached = true;
	last_reply(rec)->icmp_type = 129;
	record_name(rec, "2001:db8::fe", "gw.example");
	record_name(rec, "2001:db8:1234:5678:9abc:def0:1234:5678", "core.example");
	record_stop(rec, WN_STOP_REACHED, 3);
	record_end(rec);
}

void scene_hostile(struct record *rec)
{
	struct wn_event *ev = record_start(rec, DST);
	const char *host = "\033]0;owned\007</script>\xe2\x80\xae\"host";

	snprintf(ev->u.start.host, sizeof(ev->u.start.host), "%s", host);
	snprintf(ev->u.start.target, sizeof(ev->u.start.target), "%s", host);
	snprintf(ev->u.start.caps.blind, sizeof(ev->u.start.caps.blind), "\033[2J\r\xff");
	record_hop(rec, 1, "192.0.2.254", 412);
	add_interface(last_reply(rec));
	snprintf(last_reply(rec)->ext.ifinfo[0].name, 64, "\033[31m\xc3\x28<img>");
	record_hop(rec, 2, "198.51.100.1", 9120);
	record_hop(rec, 3, "198.51.100.2", 9120);
	record_hop(rec, 4, "198.51.100.3", 9120);
	record_dest(rec, 5, DST, 9999);
	record_name(rec, "192.0.2.254", "evil\033[1A\033[2K\n\r\x9b.example");
	record_name(rec, "198.51.100.1", "a (203.0.113.9)  0.001 ms\" <b>&amp;'\\");
	record_name(rec, "198.51.100.2", "\xe2\x80\xae\xe2\x81\xa6rtl\xef\xbb\xbf\xf0\x9f\x92\xa9");
	record_name(rec, "198.51.100.3", "m\xc3\xbcnchen-\xe8\xb7\xaf\xe7\x94\xb1.example");
	record_note(rec, WN_NOTE_TEXT, 0, "\033[5mblink\n\xc2\x9b");
	record_stop(rec, WN_STOP_REACHED, 5);
	record_end(rec);
}
