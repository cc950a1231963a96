/* SPDX-License-Identifier: Apache-2.0 */
#include "walks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wn_params *walk_start(struct record *rec, enum wn_paths_mode mode)
{
	struct wn_params *p = &record_start(rec, WALK_DST)->u.start;

	p->paths = mode;
	p->flows = 256;
	p->miss_ppm = 50000;
	return p;
}

struct wn_event *walk_probe(struct record *rec, uint8_t ttl, uint32_t flow, uint32_t number)
{
	return record_sent(rec, ttl, flow, number);
}

static struct wn_reply *answer(struct record *rec, uint64_t id, enum wn_reply_kind kind, int host)
{
	int64_t rtt_us = 0;
	char from[32];

	for (size_t i = 0; i < rec->count; i++)
		if (rec->events[i].kind == WN_EV_SENT && rec->events[i].probe_id == id)
			rtt_us = 1000 * rec->events[i].u.sent.probe.ttl + (int64_t)(id * 37 % 400);
	snprintf(from, sizeof(from), "10.0.%d.%d", host / 100, host % 100);
	return &record_reply(rec, id, kind, host ? from : WALK_DST, rtt_us)->u.reply.reply;
}

void walk_answer(struct record *rec, struct wn_event *sent, const char *token, size_t len)
{
	uint64_t id = sent->probe_id;
	size_t mark = *token == '!' || *token == 'x';
	int host = len > mark ? atoi(token + mark) : 0;

	if (len == 0 || *token == '?')
		return;
	if (*token == '*') {
		record_timeout(rec, id);
	} else if (*token == '!') {
		answer(rec, id, WN_REPLY_UNREACHABLE, host);
		rec->events[rec->count - 1].u.reply.reached = true;
	} else if (*token == 'x') {
		answer(rec, id, WN_REPLY_UNREACHABLE, host)->icmp_code = 1;
	} else {
		answer(rec, id, WN_REPLY_TIME_EXCEEDED, host);
	}
}

void walk(struct record *rec, uint32_t flow, const char *text)
{
	for (uint8_t ttl = 1; *text; ttl++, text += strspn(text, " ")) {
		uint32_t number = 0;

		for (;; text++) {
			size_t len = strcspn(text, " /");

			if (*text == '#')
				record_failed(rec, ttl, number, WN_EBLOCKED);
			else if (*text != '-')
				walk_answer(rec, walk_probe(rec, ttl, flow, number), text, len);
			number++;
			text += len;
			if (*text != '/')
				break;
		}
	}
}

void walk_end(struct record *rec, uint8_t ttl)
{
	record_stop(rec, ttl ? WN_STOP_REACHED : WN_STOP_GAP, ttl);
	record_end(rec);
}

/* ---- whole traces ---- */

void scene_paths_diamond(struct record *rec)
{
	static const char *const ways[] = {
		"1 2 31 41 5 !", "1 2 32 41 5 !", "1 2 33 42 5 !", "1 2 34 42 5 !"};

	walk_start(rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 48; flow++)
		walk(rec, flow, ways[flow * 7 % 13 % 4]);
	record_name(rec, "10.0.0.1", "gw.example");
	record_name(rec, "10.0.0.31", "ae-1.r20.frnkge13.de.bb.example.net");
	record_name(rec, "10.0.0.32", "ae-2.r20.frnkge13.de.bb.example.net");
	record_name(rec, WALK_DST, "target.example");
	walk_end(rec, 6);
}

void scene_paths_nested(struct record *rec)
{
	static const char *const ways[] = {"1 21 31 41 51 6 !", "1 21 32 41 51 6 !",
		"1 22 33 42 52 6 !", "1 22 34 42 52 6 !", "1 22 35 42 53 !", "1 22 35 43 53 !"};

	walk_start(rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 60; flow++)
		walk(rec, flow, ways[flow * 5 % 17 % 6]);
	walk_end(rec, 6);
}

void scene_paths_mesh(struct record *rec)
{
	char way[64];

	walk_start(rec, WN_PATHS_LITE);
	for (uint32_t flow = 0; flow < 96; flow++) {
		snprintf(way, sizeof(way), "1 2%u 3%u 4 !", flow % 4 + 1, flow / 4 * 7 % 4 + 1);
		walk(rec, flow, way);
	}
	walk_end(rec, 5);
}

void scene_paths_wide(struct record *rec)
{
	char way[64];

	walk_start(rec, WN_PATHS_LITE);
	for (uint32_t flow = 0; flow < 730; flow++) {
		snprintf(way, sizeof(way), "1 2 %u 4 !", 101 + flow * 31 % 97);
		walk(rec, flow, way);
	}
	walk_end(rec, 5);
}

void scene_paths_twelve(struct record *rec)
{
	char way[64];

	walk_start(rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 240; flow++) {
		unsigned n = flow * 7 % 12;

		snprintf(way, sizeof(way), n == 5 ? "1 %u * 4 !" : "1 %u %u 4 !", 20 + n, 40 + n);
		walk(rec, flow, way);
	}
	walk_end(rec, 5);
}

void scene_paths_packet(struct record *rec)
{
	static const char *const ways[] = {"1 2 31/32/31 41 51/52 6 !", "1 2 32/31/32 42 52 6 !",
		"1 2 31 42 51 6 !", "1 2 32 41 51 6 !"};

	walk_start(rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 12; flow++)
		walk(rec, flow, ways[flow % 4]);
	walk_end(rec, 7);
}

void scene_paths_nodes(struct record *rec)
{
	walk_start(rec, WN_PATHS_NODES)->min_share_ppm = 100000;
	for (uint32_t flow = 0; flow < 12; flow++)
		walk(rec, flow, flow % 2 ? "1 21 31 4 !" : "1 22 32 4 !");
	for (uint32_t flow = 12; flow < 32; flow++)
		walk(rec, flow, flow % 3 ? "- - 33 - -" : "- 23 - - -");
	walk_end(rec, 5);
}

static void add_label(struct record *rec)
{
	struct wn_reply *reply = &rec->events[rec->count - 1].u.reply.reply;

	reply->ext.present = true;
	reply->ext.mpls_count = 1;
	reply->ext.mpls[0] = (struct wn_mpls){.label = 24001, .bottom = true, .ttl = 1};
}

void scene_paths_silent(struct record *rec)
{
	walk_start(rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 12; flow++) {
		walk(rec, flow, "1 *");
		walk(rec, flow, flow % 2 ? "- - 31" : "- - 32");
		add_label(rec);
		walk(rec, flow, flow % 2 ? "- - - 41 */51 6 * * *" : "- - - */* 52 6 * * *");
	}
	walk(rec, 12, "1 * 31 */* 51 6 * * *");
	walk(rec, 13, "1 * */* 41 51 6 * * *");
	walk_end(rec, 0);
}

void scene_paths_hostile(struct record *rec)
{
	walk_start(rec, WN_PATHS_FULL);
	for (uint32_t flow = 0; flow < 8; flow++)
		walk(rec, flow, flow % 2 ? "1 21 3 !" : "1 22 3 !");
	record_name(rec, "10.0.0.1", "\"];}\nevil [label=<b>&amp;\\N\\\"");
	record_name(rec, "10.0.0.21", "\033[2J\xe2\x80\xae\\");
	record_name(rec, "10.0.0.22", "m\xc3\xbcnchen & co.example");
	record_name(rec, "10.0.0.3", "\xff\xfe");
	walk_end(rec, 4);
}

static void v6_probe(struct record *rec, uint8_t ttl, uint32_t flow, const char *from)
{
	struct wn_event *sent = record_sent(rec, ttl, flow, 0);
	uint32_t label = flow >> 16 ? (flow >> 16) - 1 : flow;
	uint64_t id = sent->probe_id;

	sent->u.sent.probe.sport = (uint16_t)(50000 + (flow & 0xffff));
	sent->u.sent.probe.flow_label = 0x10000 + label;
	if (from)
		record_reply(rec, id, WN_REPLY_TIME_EXCEEDED, from, 1000 * ttl + 10 * (int)label);
	else
		record_reply(rec, id, WN_REPLY_UNREACHABLE,
			"2001:db8:ffff:ffff:ffff:ffff:ffff:fff9", 9000)
			->u.reply.reached = true;
}

void scene_paths_v6(struct record *rec)
{
	static const char *const ways[] = {
		"2001:db8:1234:5678:9abc:def0:1234:5678", "2001:db8:1234:5678:9abc:def0:1234:567a"};
	struct wn_params *p = &record_start(rec, "2001:db8:ffff:ffff:ffff:ffff:ffff:fff9")->u.start;

	p->paths = WN_PATHS_FULL;
	p->flows = 256;
	p->miss_ppm = 50000;
	for (uint32_t flow = 0; flow < 11; flow++) {
		v6_probe(rec, 1, flow, "2001:db8::fe");
		v6_probe(rec, 2, flow, ways[flow % 2]);
		v6_probe(rec, 3, flow, NULL);
	}
	for (uint32_t label = 1; label < 8; label++) {
		v6_probe(rec, 2, (label + 1) << 16, ways[label % 2]);
		v6_probe(rec, 2, label | 1u << 16, ways[0]);
	}
	walk_end(rec, 3);
}
