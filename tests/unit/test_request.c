/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as lines, and lines as requests or one clear sentence. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/lines.h"
#include "input/request.h"

static struct wn_in_request got;
static struct wn_errctx why;

static wn_err ask(const char *line)
{
	memset(&why, 0, sizeof(why));
	return wn_in_request(line, strlen(line), &got, &why);
}

/* ---- lines ---- */

static void put(struct wn_in_lines *l, const char *bytes, size_t len)
{
	size_t room;
	char *at = wn_in_lines_room(l, &room);

	assert_non_null(at);
	assert_true(room >= len);
	memcpy(at, bytes, len);
	wn_in_lines_add(l, len);
}

static void expect_line(struct wn_in_lines *l, uint64_t number, const char *want)
{
	const char *line;
	size_t len;

	assert_int_equal(wn_in_lines_next(l, &line, &len), WN_IN_LINE_WHOLE);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(line, want, len);
	assert_int_equal(l->number, number);
}

static void expect_kind(struct wn_in_lines *l, enum wn_in_line want)
{
	const char *line;
	size_t len;

	assert_int_equal(wn_in_lines_next(l, &line, &len), want);
}

static void test_lines(void **state)
{
	struct wn_in_lines l;

	(void)state;
	assert_int_equal(wn_in_lines_init(&l, 8), WN_OK);
	put(&l, "one\n\ntw", 7);
	expect_line(&l, 1, "one");
	expect_line(&l, 2, "");
	expect_kind(&l, WN_IN_LINE_NONE);
	put(&l, "o\nlast", 6);
	expect_line(&l, 3, "two");
	expect_kind(&l, WN_IN_LINE_NONE);
	l.ended = true;
	expect_line(&l, 4, "last");
	expect_kind(&l, WN_IN_LINE_NONE);
	wn_in_lines_fini(&l);
}

/* 8 bytes with the newline: 7 fit, 8 do not, and are told before their newline has come. */
static void test_long_lines(void **state)
{
	struct wn_in_lines l;

	(void)state;
	assert_int_equal(wn_in_lines_init(&l, 8), WN_OK);
	put(&l, "1234567\n12345678", 16);
	expect_line(&l, 1, "1234567");
	expect_kind(&l, WN_IN_LINE_TOO_LONG);
	assert_int_equal(l.number, 2);
	expect_kind(&l, WN_IN_LINE_NONE);
	for (int i = 0; i < 100; i++) {
		put(&l, "0123456789", 10);
		expect_kind(&l, WN_IN_LINE_NONE);
	}
	put(&l, "0\nnext\n123456789\nmore\n", 22);
	expect_line(&l, 3, "next");
	expect_kind(&l, WN_IN_LINE_TOO_LONG);
	expect_line(&l, 5, "more");
	put(&l, "123456789", 9);
	expect_kind(&l, WN_IN_LINE_TOO_LONG);
	l.ended = true;
	expect_kind(&l, WN_IN_LINE_NONE);
	assert_int_equal(l.number, 6);
	wn_in_lines_fini(&l);
}

/* Whoever does not take lines is told so, and loses nothing. */
static void test_full(void **state)
{
	struct wn_in_lines l;
	size_t room;

	(void)state;
	assert_int_equal(wn_in_lines_init(&l, 4), WN_OK);
	put(&l, "a\nb\nc\nd\ne\nf\ng\nh\n", 16);
	assert_null(wn_in_lines_room(&l, &room));
	for (char c[] = "a"; c[0] <= 'h'; c[0]++)
		expect_line(&l, (uint64_t)(c[0] - 'a' + 1), c);
	assert_non_null(wn_in_lines_room(&l, &room));
	wn_in_lines_fini(&l);
}

/* ---- requests ---- */

static void expect_setting(size_t i, const char *key, const char *value)
{
	assert_true(i < got.setting_count);
	assert_string_equal(got.settings[i].key, key);
	assert_string_equal(got.settings[i].value, value);
}

static void test_trace(void **state)
{
	(void)state;
	assert_int_equal(
		ask("{\"id\": -7, \"target\": \"h\\u00e9\", \"max-ttl\": 20, \"df\": true, "
		    "\"wait\": 0.5, \"source\": \"192.0.2.1\", \"deadline\": 1e2, "
		    "\"wait-min\": 1e-9, \"numeric\": false}"),
		WN_OK);
	assert_int_equal(got.ask, WN_IN_TRACE);
	assert_int_equal(got.id.kind, WN_IN_ID_NUMBER);
	assert_int_equal(got.id.number, -7);
	assert_string_equal(got.target, "h\xc3\xa9");
	assert_int_equal(got.setting_count, 7);
	expect_setting(0, "max-ttl", "20");
	expect_setting(1, "df", "yes");
	expect_setting(2, "wait", "0.5");
	expect_setting(3, "source", "192.0.2.1");
	expect_setting(4, "deadline", "100");
	expect_setting(5, "wait-min", "0.000000001");
	expect_setting(6, "numeric", "no");
}

static void test_others(void **state)
{
	struct wn_in_id number;

	(void)state;
	assert_int_equal(ask("{\"probe\": \"192.0.2.1\", \"ttl\": 3, \"id\": \"5\"}"), WN_OK);
	assert_int_equal(got.ask, WN_IN_PROBE);
	assert_int_equal(got.ttl, 3);
	assert_string_equal(got.id.text, "5");
	assert_int_equal(got.setting_count, 0);
	assert_int_equal(ask("{\"lookup\": \"192.0.2.1\", \"id\": 5}"), WN_OK);
	assert_int_equal(got.ask, WN_IN_LOOKUP);
	assert_string_equal(got.target, "192.0.2.1");
	assert_int_equal(ask("{\"cancel\": 5}"), WN_OK);
	assert_int_equal(got.ask, WN_IN_CANCEL);
	number = got.id;
	assert_int_equal(ask("{\"ping\": \"5\"}"), WN_OK);
	assert_int_equal(got.ask, WN_IN_PING);
	assert_false(wn_in_id_eq(&number, &got.id)); /* 5 is not "5" */
	assert_true(wn_in_id_eq(&got.id, &got.id));
}

/* Each with what the sentence must say, and whose id and request the error is known to be about. */
static const struct {
	const char *line, *says;
	wn_err err;
	enum wn_in_ask ask;
	int64_t id; /* 0: not known */
} mistakes[] = {
	{"", "not JSON", WN_EPARSE, WN_IN_UNKNOWN, 0},
	{"{\"id\": 1, \"target\": \"h\"", "not JSON", WN_EPARSE, WN_IN_UNKNOWN, 0},
	{"{\"id\": 1} {}", "not JSON", WN_EPARSE, WN_IN_UNKNOWN, 0},
	{"{\"id\": 1, \"id\": 2}", "not JSON", WN_EPARSE, WN_IN_UNKNOWN, 0},
	{"{\"id\": 1, \"target\": \"a\\u0000b\"}", "not JSON", WN_EPARSE, WN_IN_UNKNOWN, 0},
	{"{\"id\": 1, \"target\": \"\xff\"}", "not JSON", WN_EPARSE, WN_IN_UNKNOWN, 0},
	{"{\"id\": 99999999999999999999}", "not JSON", WN_EPARSE, WN_IN_UNKNOWN, 0},
	{"[1]", "must be an object", WN_EPARSE, WN_IN_UNKNOWN, 0},
	{"{}", "lookup, cancel and ping", WN_EUSAGE, WN_IN_UNKNOWN, 0},
	{"{\"id\": 3}", "lookup, cancel and ping", WN_EUSAGE, WN_IN_UNKNOWN, 3},
	{"{\"target\": \"h\"}", "id is missing", WN_EUSAGE, WN_IN_TRACE, 0},
	{"{\"probe\": \"h\", \"ttl\": 1}", "name the probe", WN_EUSAGE, WN_IN_PROBE, 0},
	{"{\"id\": null, \"target\": \"h\"}", "id: must be", WN_EUSAGE, WN_IN_TRACE, 0},
	{"{\"id\": 1.5, \"target\": \"h\"}", "id: must be", WN_EUSAGE, WN_IN_TRACE, 0},
	{"{\"id\": \"\", \"target\": \"h\"}", "1 to 64 bytes", WN_EUSAGE, WN_IN_TRACE, 0},
	{"{\"id\": 3, \"target\": 5}", "target: must be", WN_EUSAGE, WN_IN_TRACE, 3},
	{"{\"id\": 3, \"probe\": []}", "probe: must be", WN_EUSAGE, WN_IN_PROBE, 3},
	{"{\"id\": 3, \"probe\": \"h\"}", "ttl is missing", WN_EUSAGE, WN_IN_PROBE, 3},
	{"{\"id\": 3, \"probe\": \"h\", \"ttl\": 0}", "1 to 255", WN_EUSAGE, WN_IN_PROBE, 3},
	{"{\"id\": 3, \"probe\": \"h\", \"ttl\": 256}", "1 to 255", WN_EUSAGE, WN_IN_PROBE, 3},
	{"{\"id\": 3, \"probe\": \"h\", \"ttl\": \"1\"}", "1 to 255", WN_EUSAGE, WN_IN_PROBE, 3},
	{"{\"id\": 3, \"target\": \"h\", \"ttl\": 1}", "max-ttl", WN_EUSAGE, WN_IN_TRACE, 3},
	{"{\"id\": 3, \"target\": \"h\", \"probe\": \"i\"}", "two requests", WN_EUSAGE,
		WN_IN_UNKNOWN, 3},
	{"{\"id\": 3, \"lookup\": \"h\", \"wait\": 1}", "no options", WN_EUSAGE, WN_IN_LOOKUP, 3},
	{"{\"id\": 3, \"lookup\": \"h\", \"ttl\": 1}", "no options", WN_EUSAGE, WN_IN_LOOKUP, 3},
	{"{\"cancel\": 3, \"ping\": 4}", "two requests", WN_EUSAGE, WN_IN_UNKNOWN, 0},
	{"{\"cancel\": {}}", "cancel: must be", WN_EUSAGE, WN_IN_CANCEL, 0},
	{"{\"cancel\": 3, \"id\": 4}", "stands alone", WN_EUSAGE, WN_IN_CANCEL, 3},
	{"{\"ping\": 3, \"wait\": 4}", "stands alone", WN_EUSAGE, WN_IN_PING, 3},
	{"{\"id\": 3, \"target\": \"h\", \"wait\": null}", "wait: must be", WN_EUSAGE, WN_IN_TRACE,
		3},
	{"{\"id\": 3, \"target\": \"h\", \"wait\": [[]]}", "wait: must be", WN_EUSAGE, WN_IN_TRACE,
		3},
	{"{\"id\": 3, \"target\": \"h\", \"wait\": 1e9}", "below 1e9", WN_EUSAGE, WN_IN_TRACE, 3},
	{"{\"id\": 3, \"target\": \"h\", \"\\u001b[2J\": 1}", "\\x1b[2J: there is no such key",
		WN_EUSAGE, WN_IN_TRACE, 3},
	{"{\"id\": 3, \"target\": \"h\", \"\": 1}", "no such key", WN_EUSAGE, WN_IN_TRACE, 3},
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const char *line = mistakes[i].line;

		if (ask(line) != mistakes[i].err || why.code != mistakes[i].err ||
			!strstr(why.text, mistakes[i].says))
			fail_msg("%s: %d, \"%s\"", line, why.code, why.text);
		assert_int_equal(got.ask, mistakes[i].ask);
		assert_int_equal(got.id.number, mistakes[i].id);
		assert_int_equal(got.id.kind == WN_IN_ID_NUMBER, mistakes[i].id != 0);
	}
}

static void test_ids_at_the_limit(void **state)
{
	char line[128] = "{\"cancel\": \"", id[WN_IN_ID_BYTES + 2];

	(void)state;
	memset(id, 'x', sizeof(id));
	id[WN_IN_ID_BYTES] = '\0';
	strcat(strcat(line, id), "\"}");
	assert_int_equal(ask(line), WN_OK);
	assert_string_equal(got.id.text, id);
	strcpy(line, "{\"cancel\": \"x");
	strcat(strcat(line, id), "\"}");
	assert_int_equal(ask(line), WN_EUSAGE);
}

/* A line of {"id":1,"target":"h" and `count` options, made long by spaces. */
static wn_err ask_many(unsigned count, size_t size)
{
	char *line = malloc(size + 1);
	size_t len;
	wn_err err;

	assert_non_null(line);
	strcpy(line, "{\"id\":1,\"target\":\"h\"");
	len = strlen(line);
	for (unsigned i = 0; i < count; i++)
		len += (size_t)sprintf(line + len, ",\"k%u\":1e8", i);
	memset(line + len, ' ', size - len);
	line[size - 1] = '}';
	line[size] = '\0';
	err = ask(line);
	free(line);
	return err;
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(ask_many(WN_IN_SETTINGS, 8000), WN_OK);
	expect_setting(WN_IN_SETTINGS - 1, "k63", "100000000");
	assert_int_equal(ask_many(WN_IN_SETTINGS + 1, 8000), WN_EUSAGE);
	assert_int_equal(ask_many(1, WN_IN_REQUEST_BYTES - 1), WN_OK);
	assert_int_equal(ask_many(1, WN_IN_REQUEST_BYTES), WN_ERANGE);
}

/* Brackets without end are refused, not followed. */
static void test_deep_nesting(void **state)
{
	char line[WN_IN_REQUEST_BYTES];

	(void)state;
	memset(line, '[', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(ask(line), WN_EPARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_ids_at_the_limit),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deep_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
