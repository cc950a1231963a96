/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "output/json_writer.h"
#include "output/view.h"
#include "scenes.h"
#include "walks.h"

#define DST "203.0.113.9"

static json_t *parse(const struct wn_strbuf *text)
{
	json_error_t error;
	json_t *doc = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, &error);

	if (!doc)
		fail_msg("%s at %d in %s", error.text, error.position, wn_strbuf_str(text));
	return doc;
}

static json_t *document(void (*scene)(struct record *rec))
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record rec = {0};
	struct wn_result *r;
	json_t *doc;

	scene(&rec);
	r = record_fold(&rec);
	wn_out_json(&out, r, NULL, 0);
	doc = parse(&out);
	wn_strbuf_fini(&out);
	wn_result_free(r);
	record_fini(&rec);
	return doc;
}

/* The value at a path like "hops/2/ttl"; it must be there. */
static const json_t *at(const json_t *doc, const char *path)
{
	const char *whole = path;
	char key[64];

	while (*path) {
		size_t len = strcspn(path, "/");

		assert_true(len < sizeof(key));
		memcpy(key, path, len);
		key[len] = '\0';
		doc = json_is_array(doc) ? json_array_get(doc, (size_t)atoi(key))
					 : json_object_get(doc, key);
		if (!doc)
			fail_msg("nothing at %s of %s", key, whole);
		path += len + (path[len] == '/');
	}
	return doc;
}

static void is_int(const json_t *doc, const char *path, json_int_t want)
{
	const json_t *v = at(doc, path);

	if (!json_is_integer(v) || json_integer_value(v) != want)
		fail_msg("%s is %lld, not %lld", path, (long long)json_integer_value(v),
			(long long)want);
}

static void is_text(const json_t *doc, const char *path, const char *want)
{
	const json_t *v = at(doc, path);

	if (!json_is_string(v) || strcmp(json_string_value(v), want) != 0)
		fail_msg("%s is '%s', not '%s'", path, json_string_value(v), want);
}

static void is_null(const json_t *doc, const char *path)
{
	if (!json_is_null(at(doc, path)))
		fail_msg("%s is not null", path);
}

static void is_false(const json_t *doc, const char *path)
{
	if (!json_is_false(at(doc, path)))
		fail_msg("%s is not false", path);
}

static void is_true(const json_t *doc, const char *path)
{
	if (!json_is_true(at(doc, path)))
		fail_msg("%s is not true", path);
}

static void has_count(const json_t *doc, const char *path, size_t want)
{
	assert_true(json_is_array(at(doc, path)));
	assert_int_equal(json_array_size(at(doc, path)), want);
}

static void test_head(void **state)
{
	json_t *doc = document(scene_rich);

	(void)state;
	is_text(doc, "schema", "wend.trace/1");
	is_text(doc, "started", "2023-11-14T22:13:20.123456789Z");
	is_int(doc, "parameters/start_unix_ns", 1700000000123456789);
	is_true(doc, "complete");
	is_true(doc, "reached");
	is_int(doc, "last_ttl", 7);
	is_text(doc, "parameters/protocol", "udp");
	is_int(doc, "parameters/destination_port", 33434);
	is_null(doc, "parameters/interface");
	is_null(doc, "parameters/deadline_ns");
	is_text(doc, "backend/name", "raw");
	is_null(doc, "backend/cannot_see");
	is_text(doc, "stop/reason", "reached");
	is_text(doc, "stop/by", DST);
	is_null(doc, "stop/error");
	is_int(doc, "counters/forged", 2);
	is_null(doc, "trailing_silence");
	is_text(doc, "responders/0/name", "gw.example");
	is_null(doc, "responders/2/name");
	is_null(doc, "responders/2/name_status");
	is_text(doc, "responders/3/name_status", "not-found");
	is_text(doc, "notes/0/note", "gap-in-time");
	is_int(doc, "notes/0/value", 1500000000);
	has_count(doc, "tried", 0);
	json_decref(doc);
}

/* Lost is null, never 0, wherever a time could stand. */
static void test_lost_is_null(void **state)
{
	json_t *doc = document(scene_rich);

	(void)state;
	is_text(doc, "probes/3/state", "lost");
	is_null(doc, "probes/3/rtt_ns");
	is_null(doc, "probes/3/reply");
	is_int(doc, "probes/3/waited_ns", 200000000);
	is_int(doc, "hops/1/statistics/lost", 3);
	is_null(doc, "hops/1/statistics/last_ns");
	is_null(doc, "hops/1/statistics/best_ns");
	is_null(doc, "hops/1/statistics/p99_ns");
	is_null(doc, "hops/1/statistics/jitter_rfc3550_ns");
	has_count(doc, "hops/1/responders", 0);
	is_null(doc, "flows/0/path/1");
	is_null(doc, "hops/5/responders/0/stddev_ns");
	is_text(doc, "probes/14/state", "failed");
	is_text(doc, "probes/14/error", "blocked-here");
	is_null(doc, "probes/14/sent_ns");
	is_null(doc, "probes/14/rtt_ns");
	json_decref(doc);
}

static void test_pending_is_not_lost(void **state)
{
	json_t *doc = document(scene_running);

	(void)state;
	is_null(doc, "stop");
	is_null(doc, "duration_ns");
	assert_true(json_is_false(at(doc, "complete")));
	is_int(doc, "hops/2/statistics/pending", 1);
	is_int(doc, "hops/2/statistics/lost", 0);
	is_null(doc, "hops/2/statistics/loss_percent");
	is_text(doc, "probes/2/state", "pending");
	is_null(doc, "probes/2/waited_ns");
	json_decref(doc);
}

static void test_packets(void **state)
{
	json_t *doc = document(scene_rich);

	(void)state;
	has_count(doc, "probes", 21); /* the one beyond the destination, too */
	has_count(doc, "hops", 7);
	is_int(doc, "probes/0/source_port", 50000);
	is_int(doc, "probes/0/ip_id", 0x1001);
	is_text(doc, "probes/0/cookie", "0101010101010101");
	is_null(doc, "probes/0/icmp_id");
	is_null(doc, "probes/0/tcp_seq");
	is_null(doc, "probes/0/flow_label");
	is_int(doc, "replies/0/icmp_type", 11);
	is_null(doc, "replies/0/tcp_flags");
	is_null(doc, "replies/0/mark");
	is_null(doc, "replies/0/extensions");
	is_int(doc, "replies/0/quote/ttl", 1);
	is_int(doc, "replies/3/extensions/mpls/0/label", 16004);
	is_true(doc, "replies/3/extensions/mpls/1/bottom");
	is_text(doc, "replies/3/extensions/interfaces/0/role", "incoming");
	is_text(doc, "replies/3/extensions/interfaces/0/name", "xe-0/1/0");
	is_text(doc, "replies/9/match", "weak");
	is_null(doc, "replies/9/quote/cookie");
	is_text(doc, "replies/9/extensions/objects/0/data", "0001feff3c3e");
	is_text(doc, "replies/11/quote/destination", "10.1.2.3");
	is_true(doc, "replies/7/duplicate");
	is_true(doc, "replies/8/late");
	is_int(doc, "replies/8/rtt_ns", 412000000);
	has_count(doc, "hops/2/responders", 2);
	is_int(doc, "hops/2/responders/1/received", 1);
	is_int(doc, "links/0/ttl", 3);
	json_decref(doc);
}

static void test_marks_and_silence(void **state)
{
	json_t *doc = document(scene_refused);

	(void)state;
	is_text(doc, "replies/1/mark", "!H");
	is_text(doc, "replies/1/text", "host unreachable");
	is_text(doc, "stop/reason", "unreachable");
	has_count(doc, "hops", 2);
	json_decref(doc);
	doc = document(scene_silent);
	is_int(doc, "trailing_silence/first_ttl", 3);
	is_int(doc, "trailing_silence/last_ttl", 10);
	has_count(doc, "hops", 10);
	json_decref(doc);
}

static void test_v6_and_icmp(void **state)
{
	json_t *doc = document(scene_v6);

	(void)state;
	is_int(doc, "parameters/flow_label", 0x54321);
	is_int(doc, "parameters/flow_checksum", 0x1234);
	is_null(doc, "parameters/destination_port");
	is_int(doc, "probes/0/icmp_seq", 0);
	is_null(doc, "probes/0/destination_port");
	is_int(doc, "probes/0/flow_label", 0);
	is_text(doc, "replies/2/kind", "echo-reply");
	is_null(doc, "replies/2/quote");
	json_decref(doc);
}

/* A back end that does not see quoted IP headers has nothing to say about them, not zeros. */
static void test_unseen_is_null(void **state)
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record rec = {0};
	struct wn_result *r;
	struct wn_reply *reply;
	json_t *doc;

	(void)state;
	record_start(&rec, DST)->u.start.caps.sees_quote_ip = false;
	record_hop(&rec, 1, "192.0.2.254", -1);
	reply = &rec.events[rec.count - 1].u.reply.reply;
	reply->quote.ttl = reply->quote.tos = 0;
	reply->quote.length = reply->quote.ip_id = 0;
	reply->ttl = reply->tos = -1;
	r = record_fold(&rec);
	wn_out_json(&out, r, NULL, 0);
	doc = parse(&out);
	is_null(doc, "replies/0/quote/ttl");
	is_null(doc, "replies/0/quote/tos");
	is_null(doc, "replies/0/quote/length_bytes");
	is_null(doc, "replies/0/ttl");
	is_null(doc, "replies/0/rtt_ns");
	is_text(doc, "probes/0/state", "answered");
	json_decref(doc);
	wn_strbuf_fini(&out);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_tried(void **state)
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record best = {0}, other = {0};
	const struct wn_result *tried[1];
	struct wn_result *r, *t;
	json_t *doc;

	(void)state;
	scene_rich(&best);
	scene_silent(&other);
	r = record_fold(&best);
	t = record_fold(&other);
	tried[0] = t;
	wn_out_json(&out, r, tried, 1);
	doc = parse(&out);
	has_count(doc, "tried", 1);
	is_text(doc, "tried/0/protocol", "udp");
	is_text(doc, "tried/0/stop/reason", "gap");
	is_int(doc, "tried/0/last_ttl", 2);
	is_int(doc, "tried/0/statistics/lost", 8);
	json_decref(doc);
	wn_strbuf_fini(&out);
	wn_result_free(r);
	wn_result_free(t);
	record_fini(&best);
	record_fini(&other);
}

static void test_paths(void **state)
{
	json_t *doc = document(scene_paths_packet);

	(void)state;
	is_text(doc, "parameters/paths", "full");
	is_text(doc, "paths/model", "uniform");
	is_int(doc, "paths/paths_seen", 0);
	is_null(doc, "paths/paths_possible");
	is_false(doc, "paths/links_claimed");
	is_int(doc, "paths/interfaces", 10);
	is_int(doc, "paths/torn_flows", 6);
	is_int(doc, "paths/worst_ttl", 3);
	has_count(doc, "paths/hops", 7);
	is_int(doc, "paths/hops/2/node_count", 2);
	is_int(doc, "paths/hops/2/torn", 6);
	is_text(doc, "paths/nodes/0/kind", "source");
	is_null(doc, "paths/nodes/0/address");
	is_text(doc, "paths/nodes/2/balancing", "per-packet");
	is_text(doc, "paths/nodes/3/address", "10.0.0.32");
	is_int(doc, "paths/nodes/3/flows", 9);
	is_true(doc, "paths/nodes/10/target");
	is_int(doc, "paths/links/0/flows", 12);
	is_true(doc, "paths/links/4/unsure");
	is_text(doc, "paths/flows/0/end", "reached");
	is_null(doc, "paths/flows/0/nodes/2");
	is_int(doc, "paths/flows/0/nodes/6", 10);
	is_null(doc, "paths/flows/0/path");
	json_decref(doc);
	doc = document(scene_paths_nodes);
	is_text(doc, "paths/model", "minimum-share");
	is_null(doc, "paths/worst_node");
	is_null(doc, "paths/paths_possible");
	is_null(doc, "paths/nodes/1/miss_ppb");
	is_null(doc, "paths/hops/0/miss_ppb");
	is_false(doc, "paths/links/3/inferred");
	is_int(doc, "paths/flows/1/path", 0);
	is_null(doc, "paths/flows/12/nodes/0");
	has_count(doc, "paths/flows/31/nodes", 3);
	json_decref(doc);
	doc = document(scene_rich);
	is_null(doc, "paths");
	json_decref(doc);
}

static void test_empty_result(void **state)
{
	struct wn_result *r = wn_result_new(NULL);
	struct wn_strbuf out = WN_STRBUF_INIT;
	json_t *doc;

	(void)state;
	wn_out_json(&out, r, NULL, 0);
	doc = parse(&out);
	is_null(doc, "last_ttl");
	has_count(doc, "probes", 0);
	json_decref(doc);
	wn_strbuf_fini(&out);
	wn_result_free(r);
}

/* Whatever a text holds, it reads back as it was, and is ASCII where it could do harm. */
static void check_string(const char *text, size_t len, const char *want)
{
	struct wn_strbuf out = WN_STRBUF_INIT;

	wn_json_string(&out, text, len);
	assert_string_equal(wn_strbuf_str(&out), want);
	wn_strbuf_fini(&out);
}

static void test_strings(void **state)
{
	(void)state;
	check_string("plain", 5, "\"plain\"");
	check_string("\"\\/\b\f\n\r\t", 8, "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
	check_string("\033[2J\x7f", 5, "\"\\u001b[2J\\u007f\"");
	check_string("a\0b", 3, "\"a\\u0000b\"");
	check_string("</script>&", 10, "\"\\u003c/script\\u003e\\u0026\"");
	check_string("\xc2\x9b\xe2\x80\xae\xe2\x80\xa8", 8, "\"\\u009b\\u202e\\u2028\"");
	check_string("\xc3\xbc\xf0\x9f\x92\xa9", 6, "\"\xc3\xbc\xf0\x9f\x92\xa9\"");
	check_string("\xf3\xa0\x80\x81", 4, "\"\\udb40\\udc01\"");
	check_string("\xff\xc3(\xed\xa0\x80", 6, "\"\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd\"");
}

static void test_hostile_document(void **state)
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record rec = {0};
	struct wn_result *r;
	json_t *doc;

	(void)state;
	scene_hostile(&rec);
	r = record_fold(&rec);
	wn_out_json(&out, r, NULL, 0);
	for (size_t i = 0; i < out.len; i++)
		if (((unsigned char)out.data[i] < ' ' && out.data[i] != '\n') ||
			strchr("<>&\177", out.data[i]))
			fail_msg("byte 0x%02x", (unsigned char)out.data[i]);
	assert_null(strstr(out.data, "\xe2\x80\xae"));
	doc = parse(&out);
	is_text(doc, "parameters/host", "\033]0;owned\007</script>\xe2\x80\xae\"host");
	is_text(doc, "responders/1/name", "a (203.0.113.9)  0.001 ms\" <b>&amp;'\\");
	json_decref(doc);
	wn_strbuf_fini(&out);
	wn_result_free(r);
	record_fini(&rec);
}

static void check_time(uint64_t unix_s, const char *want)
{
	char buf[WN_TIME_STRLEN];

	assert_string_equal(wn_view_rfc3339(unix_s * 1000000000, buf), want);
}

static void test_dates(void **state)
{
	(void)state;
	check_time(0, "1970-01-01T00:00:00.000000000Z");
	check_time(951782399, "2000-02-28T23:59:59.000000000Z");
	check_time(951782400, "2000-02-29T00:00:00.000000000Z");
	check_time(951868800, "2000-03-01T00:00:00.000000000Z");
	check_time(1735689599, "2024-12-31T23:59:59.000000000Z");
	check_time(4107542400, "2100-03-01T00:00:00.000000000Z");
}

/* The same result gives the same bytes, key by key in the same order. */
static void test_stable(void **state)
{
	static const char *const order[] = {"\"schema\"", "\"generator\"", "\"started\"",
		"\"parameters\"", "\"backend\"", "\"stop\"", "\"counters\"", "\"trailing_silence\"",
		"\"responders\"", "\"hops\"", "\"flows\"", "\"links\"", "\"paths\"", "\"probes\"",
		"\"replies\"", "\"notes\"", "\"tried\""};
	struct wn_strbuf one = WN_STRBUF_INIT, two = WN_STRBUF_INIT;
	struct record rec = {0};
	struct wn_result *r;
	const char *from;

	(void)state;
	scene_rich(&rec);
	r = record_fold(&rec);
	wn_out_json(&one, r, NULL, 0);
	wn_out_json(&two, r, NULL, 0);
	assert_string_equal(one.data, two.data);
	from = one.data;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		char key[32] = "\n ";

		strcat(key, order[i]);
		from = strstr(from, key);
		if (!from)
			fail_msg("%s is not in its place", order[i]);
	}
	wn_strbuf_fini(&one);
	wn_strbuf_fini(&two);
	wn_result_free(r);
	record_fini(&rec);
}

/* Keys of doc at any depth, which must stand in docs/json.md in backquotes. */
static void check_documented(const json_t *doc, const char *manual)
{
	const char *key;
	json_t *value;
	char quoted[64];
	size_t i;

	for (i = 0; i < json_array_size(doc); i++)
		check_documented(json_array_get(doc, i), manual);
	json_object_foreach((json_t *)doc, key, value)
	{
		snprintf(quoted, sizeof(quoted), "`%s`", key);
		if (!strstr(manual, quoted))
			fail_msg("docs/json.md does not tell of %s", quoted);
		check_documented(value, manual);
	}
}

static void test_every_key_is_documented(void **state)
{
	struct wn_strbuf line = WN_STRBUF_INIT;
	static char manual[65536];
	struct record rec = {0};
	json_t *doc = document(scene_rich);
	char path[4096];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/../../../docs/json.md", getenv("WN_GOLDEN_DIR"));
	f = fopen(path, "rb");
	assert_non_null(f);
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = '\0';
	fclose(f);
	check_documented(doc, manual);
	json_decref(doc);
	doc = document(scene_paths_packet);
	check_documented(doc, manual);
	json_decref(doc);
	scene_rich(&rec);
	for (size_t i = 0; i < rec.count; i++) {
		wn_strbuf_reset(&line);
		wn_out_jsonl(&line, &rec.events[i], 0);
		doc = parse(&line);
		check_documented(doc, manual);
		json_decref(doc);
	}
	wn_strbuf_fini(&line);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_lost_is_null),
		cmocka_unit_test(test_pending_is_not_lost),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_marks_and_silence),
		cmocka_unit_test(test_v6_and_icmp),
		cmocka_unit_test(test_unseen_is_null),
		cmocka_unit_test(test_tried),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_empty_result),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_hostile_document),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_every_key_is_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
