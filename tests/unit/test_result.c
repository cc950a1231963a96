/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "alloc_fault.h"
#include "record.h"
#include "result/stats.h"

#define DST "203.0.113.9"
#define A   "198.51.100.1"
#define B   "198.51.100.2"
#define C   "198.51.100.3"
#define E   "198.51.100.5"

static void check_addr(const struct wn_result *r, uint32_t responder, const char *want)
{
	struct wn_addr a = record_addr(want);

	assert_int_not_equal(responder, WN_NONE);
	assert_true(wn_addr_eq(&r->responders[responder].addr, &a));
}

static void test_every_state_of_a_probe(void **state)
{
	struct record rec = {0};
	uint64_t answered, lost, late, pending, failed;
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	answered = record_hop(&rec, 1, A, 1500);
	lost = record_lost(&rec, 2);
	late = record_lost(&rec, 3);
	record_reply(&rec, late, WN_REPLY_TIME_EXCEEDED, B, 250000)->u.reply.late = true;
	pending = record_sent(&rec, 4, 0, 0)->probe_id;
	failed = record_failed(&rec, 4, 1, WN_EBLOCKED)->probe_id;
	r = record_fold(&rec);

	assert_int_equal(r->probe_count, 5);
	assert_int_equal(r->probes[wn_result_find_probe(r, answered)].state, WN_PROBE_ANSWERED);
	assert_int_equal(r->probes[wn_result_find_probe(r, lost)].state, WN_PROBE_LOST);
	assert_int_equal(r->probes[wn_result_find_probe(r, lost)].waited_ns, 200 * RECORD_MS);
	assert_int_equal(r->probes[wn_result_find_probe(r, late)].state, WN_PROBE_LATE);
	assert_int_equal(r->probes[wn_result_find_probe(r, pending)].state, WN_PROBE_PENDING);
	assert_int_equal(r->probes[wn_result_find_probe(r, failed)].state, WN_PROBE_FAILED);
	assert_int_equal(r->probes[wn_result_find_probe(r, failed)].err, WN_EBLOCKED);
	assert_int_equal(wn_result_find_probe(r, 99), WN_NONE);
	assert_int_equal(r->counters.late, 1);
	assert_int_equal(r->counters.blocked, 1);
	assert_int_equal(r->hops[4].probes, 2);
	assert_int_equal(r->last_ttl, 3);
	assert_false(r->reached);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_duplicates_and_redirects_answer_nothing(void **state)
{
	struct record rec = {0};
	struct wn_result *r;
	uint64_t id;

	(void)state;
	record_start(&rec, DST);
	id = record_sent(&rec, 1, 0, 0)->probe_id;
	record_reply(&rec, id, WN_REPLY_REDIRECT, C, 10);
	record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, A, 1000);
	record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, B, 5000)->u.reply.duplicate = true;
	rec.events[rec.count - 1].u.reply.reached = true;
	id = record_lost(&rec, 2);
	record_reply(&rec, id, WN_REPLY_REDIRECT, C, 300000)->u.reply.late = true;
	r = record_fold(&rec);

	assert_int_equal(r->reply_count, 4);
	assert_int_equal(r->probes[0].state, WN_PROBE_ANSWERED);
	assert_int_equal(r->probes[0].first_reply, 1);
	assert_int_equal(r->probes[1].state, WN_PROBE_LOST);
	assert_int_equal(r->hops[1].responder_count, 1);
	check_addr(r, r->hops[1].responders[0].responder, A);
	assert_int_equal(r->hops[2].responder_count, 0);
	assert_int_equal(r->counters.duplicate, 1);
	assert_false(r->reached);
	wn_result_free(r);
	record_fini(&rec);
}

/* The reply was in the socket before its timeout; only we were late (a stopped process). */
static void test_reply_in_time_but_seen_late(void **state)
{
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	record_reply(&rec, record_lost(&rec, 1), WN_REPLY_TIME_EXCEEDED, A, 20);
	r = record_fold(&rec);
	assert_int_equal(r->probes[0].state, WN_PROBE_ANSWERED);
	assert_int_equal(r->counters.late, 0);
	wn_result_free(r);
	record_fini(&rec);
}

/* Applies a changed copy of an event, which must be refused and change no count. */
static void refuse(struct wn_result *r, const struct wn_event *ev)
{
	uint32_t probes = r->probe_count, replies = r->reply_count, resp = r->responder_count;
	uint32_t last = r->last_ttl;

	assert_int_equal(wn_result_apply(r, ev), WN_EINVAL);
	assert_int_equal(r->probe_count, probes);
	assert_int_equal(r->reply_count, replies);
	assert_int_equal(r->responder_count, resp);
	assert_int_equal(r->last_ttl, last);
}

static void test_nonsense_is_refused(void **state)
{
	struct record rec = {0};
	struct wn_result *r;
	struct wn_event ev;
	uint64_t id;

	(void)state;
	r = wn_result_new(NULL);
	record_start(&rec, DST);
	ev = *record_sent(&rec, 1, 0, 0);
	refuse(r, &ev); /* before the start */
	wn_result_free(r);

	id = ev.probe_id;
	record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, A, 100);
	record_failed(&rec, 2, 0, WN_EPERM);
	r = record_fold(&rec);
	for (size_t i = 0; i < rec.count; i++)
		refuse(r, &rec.events[i]); /* each a second time */

	ev = *record_sent(&rec, 3, 0, 0);
	ev.u.sent.probe.ttl = 0;
	refuse(r, &ev);
	ev.u.sent.probe.ttl = 3;
	ev.probe_id++;
	refuse(r, &ev);
	ev.probe_id--;
	ev.u.sent.probe.proto = (enum wn_proto)9;
	refuse(r, &ev);
	assert_int_equal(wn_result_apply(r, &rec.events[rec.count - 1]), WN_OK);

	ev = *record_reply(&rec, 3, WN_REPLY_TIME_EXCEEDED, B, 100);
	ev.u.reply.rtt_ns = -2;
	refuse(r, &ev);
	ev.u.reply.rtt_ns = INT64_MAX;
	refuse(r, &ev);
	ev.u.reply.rtt_ns = 5;
	ev.probe_id = 77;
	refuse(r, &ev);
	ev.probe_id = 2; /* the one that never left */
	refuse(r, &ev);
	ev.probe_id = 3;
	ev.u.reply.reply.from.family = 0;
	refuse(r, &ev);
	ev = *record_name(&rec, E, "nobody.example");
	refuse(r, &ev);
	ev = *record_stop(&rec, (enum wn_stop)99, 0);
	refuse(r, &ev);
	ev.kind = (enum wn_event_kind)99;
	refuse(r, &ev);
	ev = *record_end(&rec);
	assert_int_equal(wn_result_apply(r, &ev), WN_OK);
	refuse(r, &ev);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_hop_is_a_set(void **state)
{
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, B, 100);
	record_hop(&rec, 1, A, 100);
	record_hop(&rec, 1, B, 100);
	record_lost(&rec, 1);
	r = record_fold(&rec);
	assert_int_equal(r->responder_count, 2);
	assert_int_equal(r->hops[1].probes, 4);
	assert_int_equal(r->hops[1].responder_count, 2);
	check_addr(r, r->hops[1].responders[0].responder, B);
	assert_int_equal(r->hops[1].responders[0].replies, 2);
	assert_int_equal(r->hops[1].responders[0].first_reply, 0);
	check_addr(r, r->hops[1].responders[1].responder, A);
	assert_int_equal(r->hops[1].responders[1].replies, 1);
	assert_int_equal(r->hops[1].responders[1].first_reply, 1);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_destination_ends_the_path(void **state)
{
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 100);
	record_dest(&rec, 4, DST, 900); /* probes ahead find it first */
	record_dest(&rec, 3, DST, 950);
	record_dest(&rec, 3, DST, 700);
	record_lost(&rec, 5);
	r = record_fold(&rec);
	assert_true(r->reached);
	assert_int_equal(r->last_ttl, 3);
	assert_int_equal(r->reached_reply, 2);
	assert_int_equal(r->probe_count, 5);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_last_ttl_by_stop(void **state)
{
	static const struct {
		enum wn_stop stop;
		uint8_t ttl, want;
	} cases[] = {
		{WN_STOP_UNREACHABLE, 2, 2},
		{WN_STOP_LOOP, 2, 2},
		{WN_STOP_UNREACHABLE, 0, 3},
		{WN_STOP_GAP, 2, 3},
		{WN_STOP_MAX_TTL, 30, 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record rec = {0};
		struct wn_result *r;

		record_start(&rec, DST);
		record_hop(&rec, 1, A, 100);
		record_hop(&rec, 3, C, 100);
		record_stop(&rec, WN_STOP_INTERRUPTED, 0);
		record_stop(&rec, cases[i].stop, cases[i].ttl);
		r = record_fold(&rec);
		assert_int_equal(r->stop, cases[i].stop);
		assert_int_equal(r->last_ttl, cases[i].want);
		wn_result_free(r);
		record_fini(&rec);
	}
}

static void test_names(void **state)
{
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 100);
	record_hop(&rec, 2, B, 100);
	record_hop(&rec, 3, C, 100);
	record_name(&rec, A, "a.example");
	record_name(&rec, B, "");
	r = record_fold(&rec);
	assert_string_equal(r->responders[0].name, "a.example");
	assert_true(r->responders[0].name_known);
	assert_string_equal(r->responders[1].name, "");
	assert_true(r->responders[1].name_known);
	assert_int_equal(r->responders[1].name_err, WN_ENOENT);
	assert_false(r->responders[2].name_known);
	assert_string_equal(r->responders[2].name, "");
	wn_result_free(r);
	record_fini(&rec);
}

static void test_end_has_the_final_counters(void **state)
{
	struct record rec = {0};
	struct wn_event *end;
	struct wn_result *r;
	uint64_t id;

	(void)state;
	record_start(&rec, DST);
	id = record_hop(&rec, 1, A, 100);
	record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, A, 200)->u.reply.duplicate = true;
	record_stop(&rec, WN_STOP_DEADLINE, 1);
	end = record_end(&rec);
	end->u.end.partial = true;
	end->u.end.counters.forged = 4;
	end->u.end.counters.duplicate = 1;
	r = record_fold(&rec);
	assert_true(r->ended);
	assert_true(r->partial);
	assert_int_equal(r->counters.forged, 4);
	assert_int_equal(r->counters.duplicate, 1);
	assert_int_equal(r->stop, WN_STOP_DEADLINE);
	wn_result_free(r);
	record_fini(&rec);
}

/* Folds under limits: the error of the last event. */
static wn_err fold_within(
	const struct record *rec, const struct wn_result_limits *l, struct wn_result **out)
{
	wn_err err = WN_OK;

	*out = wn_result_new(l);
	for (size_t i = 0; i < rec->count; i++)
		err = wn_result_apply(*out, &rec->events[i]);
	return err;
}

static void test_tables_are_bounded(void **state)
{
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 100);
	record_hop(&rec, 2, B, 100);
	record_note(&rec, WN_NOTE_LINK_DOWN, 0, "");
	record_note(&rec, WN_NOTE_LINK_UP, 0, "");
	assert_int_equal(fold_within(&rec, &(struct wn_result_limits){.notes = 1}, &r), WN_EFULL);
	assert_int_equal(r->note_count, 1);
	assert_int_equal(r->counters.overflow, 1);
	wn_result_free(r);
	(void)fold_within(&rec, &(struct wn_result_limits){.probes = 1}, &r);
	assert_int_equal(r->probe_count, 1);
	assert_int_equal(r->hops[2].probes, 0);
	assert_int_equal(r->counters.overflow, 1);
	wn_result_free(r);
	(void)fold_within(&rec, &(struct wn_result_limits){.responders = 1}, &r);
	assert_int_equal(r->responder_count, 1);
	assert_int_equal(r->reply_count, 1);
	assert_int_equal(r->counters.overflow, 1);
	wn_result_free(r);

	/* What did not fit is still counted after the end. */
	record_end(&rec)->u.end.counters.overflow = 5;
	(void)fold_within(&rec, &(struct wn_result_limits){.responders = 1}, &r);
	assert_int_equal(r->counters.overflow, 6);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_duplicates_leave_room_for_answers(void **state)
{
	struct wn_result_limits limits = {.probes = 4, .replies = 6};
	struct record rec = {0};
	struct wn_result *r;
	uint64_t id;

	(void)state;
	record_start(&rec, DST);
	id = record_hop(&rec, 1, A, 100);
	for (int i = 0; i < 20; i++)
		record_reply(&rec, id, WN_REPLY_TIME_EXCEEDED, A, 200)->u.reply.duplicate = true;
	for (uint8_t ttl = 2; ttl <= 4; ttl++)
		record_hop(&rec, ttl, A, 100);
	assert_int_equal(fold_within(&rec, &limits, &r), WN_OK);
	assert_int_equal(r->reply_count, 6);
	assert_int_equal(r->counters.overflow, 18);
	for (int i = 0; i < 4; i++)
		assert_int_equal(r->probes[i].state, WN_PROBE_ANSWERED);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_reply_survives_its_extensions(void **state)
{
	struct wn_result_limits limits = {.bytes = 64};
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, A, 100);
	rec.events[rec.count - 1].u.reply.reply.ext.present = true;
	assert_int_equal(fold_within(&rec, &limits, &r), WN_EFULL);
	assert_int_equal(r->probes[0].state, WN_PROBE_ANSWERED);
	assert_null(r->replies[0].ext);
	wn_result_free(r);
	r = record_fold(&rec);
	assert_non_null(r->replies[0].ext);
	wn_result_free(r);
	record_fini(&rec);
}

/* Whichever allocation fails, the same event can be applied again afterwards. */
static void test_without_memory(void **state)
{
	struct record rec = {0};
	char text[WN_ADDR_STRLEN];

	(void)state;
	record_start(&rec, DST);
	for (uint32_t i = 0; i < 40; i++) {
		struct wn_addr a = wn_addr_v4(0x0a000000 + i);

		record_reply(&rec, record_sent(&rec, 2, i, 0)->probe_id, WN_REPLY_TIME_EXCEEDED,
			wn_addr_str(&a, text), 2000);
		record_name(&rec, text, text);
	}
	for (unsigned long nth = 1;; nth++) {
		unsigned long live = alloc_fault_live();
		struct wn_result *r = wn_result_new(NULL);
		bool hit;

		alloc_fault_arm(nth);
		for (size_t i = 0; i < rec.count; i++) {
			wn_err err = wn_result_apply(r, &rec.events[i]);

			if (err)
				err = wn_result_apply(r, &rec.events[i]);
			assert_int_equal(err, WN_OK);
		}
		hit = alloc_fault_disarm();
		assert_int_equal(r->probe_count, 40);
		assert_int_equal(r->reply_count, 40);
		assert_int_equal(r->responder_count, 40);
		wn_result_free(r);
		assert_int_equal(alloc_fault_live(), live);
		if (!hit)
			break;
	}
	record_fini(&rec);
}

static uint64_t side(struct record *rec, uint8_t ttl, uint32_t flow, const char *to)
{
	struct wn_event *ev = record_sent(rec, ttl, flow, 0);

	ev->u.sent.probe.dst = record_addr(to);
	return ev->probe_id;
}

/* What is sent to others is kept, and changes nothing about the path. */
static void test_side_probes_are_no_hops(void **state)
{
	struct record rec = {0};
	uint64_t hop, ping, lost, again, failed;
	struct wn_event *ev;
	struct wn_result *r;
	struct wn_stats s;

	(void)state;
	record_start(&rec, DST);
	hop = record_hop(&rec, 1, A, 1500);
	record_dest(&rec, 2, DST, 2500);
	ping = side(&rec, 64, 0x80000000u, A);
	ev = record_reply(&rec, ping, WN_REPLY_ECHO, A, 900);
	ev->u.reply.reached = true;
	ev->u.reply.reply.ttl = 63;
	record_reply(&rec, ping, WN_REPLY_ECHO, A, 950)->u.reply.duplicate = true;
	lost = side(&rec, 64, 0x80000000u, B);
	record_timeout(&rec, lost);
	record_reply(&rec, lost, WN_REPLY_ECHO, B, 500000)->u.reply.late = true;
	again = side(&rec, 1, 0x80000001u, C);
	ev = record_failed(&rec, 64, 0, WN_EBLOCKED);
	ev->u.failed.probe.dst = record_addr(E);
	failed = ev->probe_id;
	r = record_fold(&rec);

	assert_int_equal(r->probe_count, 2);
	assert_int_equal(r->reply_count, 2);
	assert_int_equal(r->side_count, 4);
	assert_int_equal(wn_result_find_probe(r, ping), WN_NONE);
	assert_int_equal(wn_result_find_side(r, hop), WN_NONE);
	assert_int_equal(wn_result_find_side(r, ping), 0);
	assert_int_equal(r->sides[0].sent.state, WN_PROBE_ANSWERED);
	assert_int_equal(r->sides[0].sent.duplicates, 1);
	assert_int_equal(r->sides[0].reply.ttl, 63);
	assert_int_equal(r->sides[0].reply.rtt_ns, 900000);
	check_addr(r, r->sides[0].reply.responder, A);
	assert_int_equal(r->sides[wn_result_find_side(r, lost)].sent.state, WN_PROBE_LATE);
	assert_int_equal(r->sides[wn_result_find_side(r, again)].sent.state, WN_PROBE_PENDING);
	assert_int_equal(r->sides[wn_result_find_side(r, again)].sent.first_reply, WN_NONE);
	assert_int_equal(r->sides[wn_result_find_side(r, failed)].sent.state, WN_PROBE_FAILED);
	assert_int_equal(r->hops[64].probes, 0);
	assert_int_equal(r->hops[1].responder_count, 1);
	assert_int_equal(r->last_ttl, 2);
	assert_int_equal(wn_result_flows(r, NULL, 0), 1);
	assert_int_equal(
		wn_stats_compute(r, &(struct wn_stats_filter){-1, WN_NONE, -1}, &s), WN_OK);
	assert_int_equal(s.sent, 2);
	/* An id is either of one or of the other. */
	ev = record_sent(&rec, 3, 0, 0);
	ev->probe_id = ev->u.sent.probe.id = ping;
	assert_int_equal(wn_result_apply(r, ev), WN_EINVAL);
	ev->probe_id = ev->u.sent.probe.id = hop;
	ev->u.sent.probe.dst = record_addr(B);
	assert_int_equal(wn_result_apply(r, ev), WN_EINVAL);
	wn_result_free(r);
	(void)fold_within(&rec, &(struct wn_result_limits){.sides = 1}, &r);
	assert_int_equal(r->side_count, 1);
	assert_int_equal(r->counters.overflow, 3);
	wn_result_free(r);
	record_fini(&rec);
}

static void test_stable_names(void **state)
{
	enum wn_stop stop;

	(void)state;
	for (int i = 0; i <= WN_STOP_ERROR; i++) {
		assert_true(wn_stop_from_name(wn_stop_name((enum wn_stop)i), &stop));
		assert_int_equal(stop, i);
	}
	assert_false(wn_stop_from_name("unknown", &stop));
	assert_string_equal(wn_stop_name(WN_STOP_MAX_TTL), "max-ttl");
	assert_string_equal(wn_stop_name((enum wn_stop)99), "unknown");
	assert_string_equal(wn_event_name(WN_EV_END), "end");
	assert_string_equal(wn_event_name((enum wn_event_kind) - 1), "unknown");
	assert_string_equal(wn_note_name(WN_NOTE_TEXT), "text");
	assert_string_equal(wn_probe_state_name(WN_PROBE_FAILED), "failed");
	assert_string_equal(wn_match_name(WN_MATCH_WEAK), "weak");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_state_of_a_probe),
		cmocka_unit_test(test_duplicates_and_redirects_answer_nothing),
		cmocka_unit_test(test_reply_in_time_but_seen_late),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_hop_is_a_set),
		cmocka_unit_test(test_destination_ends_the_path),
		cmocka_unit_test(test_last_ttl_by_stop),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_end_has_the_final_counters),
		cmocka_unit_test(test_tables_are_bounded),
		cmocka_unit_test(test_duplicates_leave_room_for_answers),
		cmocka_unit_test(test_reply_survives_its_extensions),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_side_probes_are_no_hops),
		cmocka_unit_test(test_stable_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
