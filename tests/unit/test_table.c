/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "alloc_fault.h"
#include "golden.h"
#include "multipath/beside.h"
#include "output/output.h"
#include "scenes.h"
#include "screen_lines.h"

#define DST "203.0.113.9"

typedef void (*scene_fn)(struct record *rec);

static const scene_fn scenes[] = {scene_rich, scene_silent, scene_running, scene_refused,
	scene_foreign_port, scene_v6, scene_hostile};
#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

static const struct wn_table_opts plain = {.columns = 80, .unicode = true, .names = true};

static void draw(struct wn_strbuf *out, const struct record *rec, const struct wn_table_opts *o)
{
	struct wn_result *r = record_fold(rec);

	wn_out_table(out, r, o);
	wn_result_free(r);
}

static void check(scene_fn scene, const struct wn_table_opts *o, const char *golden)
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record rec = {0};

	scene(&rec);
	draw(&out, &rec, o);
	golden_check(golden, wn_strbuf_str(&out));
	wn_strbuf_fini(&out);
	record_fini(&rec);
}

/* The table of rec must (or must not) contain text. */
static void expect(
	const struct record *rec, const struct wn_table_opts *o, const char *text, bool wanted)
{
	struct wn_strbuf out = WN_STRBUF_INIT;

	draw(&out, rec, o);
	if ((strstr(wn_strbuf_str(&out), text) != NULL) != wanted)
		fail_msg("%s '%s' in:\n%s", wanted ? "no" : "unwanted", text, wn_strbuf_str(&out));
	wn_strbuf_fini(&out);
}

static void test_widths(void **state)
{
	struct wn_table_opts o = plain;

	(void)state;
	o.columns = 120;
	check(scene_rich, &o, "table_120.txt");
	o.columns = 80;
	check(scene_rich, &o, "table_80.txt");
	o.columns = 40;
	check(scene_rich, &o, "table_40.txt");
	o.columns = 0;
	check(scene_rich, &o, "table_widest.txt");
}

static void test_forms(void **state)
{
	struct wn_table_opts o = plain;

	(void)state;
	o.unicode = false;
	check(scene_rich, &o, "table_ascii.txt");
	o = plain;
	o.color = true;
	check(scene_rich, &o, "table_color.txt");
	o = plain;
	o.names = false;
	check(scene_rich, &o, "table_numeric.txt");
	o = plain;
	o.verbose = 1;
	check(scene_rich, &o, "table_verbose.txt");
	o.columns = 120;
	o.verbose = 2;
	check(scene_rich, &o, "table_probes.txt");
}

static void test_scenes(void **state)
{
	struct wn_table_opts o = plain;

	(void)state;
	check(scene_silent, &o, "table_silent.txt");
	check(scene_refused, &o, "table_refused.txt");
	check(scene_foreign_port, &o, "table_foreign_port.txt");
	check(scene_v6, &o, "table_v6.txt");
	o.columns = 40;
	check(scene_v6, &o, "table_v6_40.txt");
	o = plain;
	o.live = true;
	check(scene_running, &o, "table_live.txt");
}

static void test_hostile(void **state)
{
	struct wn_table_opts o = plain;

	(void)state;
	o.columns = 0;
	check(scene_hostile, &o, "table_hostile.txt");
	o.unicode = false;
	check(scene_hostile, &o, "table_hostile_ascii.txt");
}

static void check_lines(const struct record *rec, const struct wn_table_opts *o)
{
	struct wn_strbuf out = WN_STRBUF_INIT;

	draw(&out, rec, o);
	screen_check(&out, o);
	wn_strbuf_fini(&out);
}

/* From 60 columns on every line fits, whatever is shown; no raw byte gets through in any form. */
static void test_no_line_is_too_wide(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++) {
		struct record rec = {0};

		scenes[i](&rec);
		for (unsigned columns = 0; columns < 140; columns += 5)
			for (unsigned form = 0; form < 16; form++) {
				struct wn_table_opts o = {
					.columns = columns,
					.color = form & 1,
					.unicode = form & 2,
					.names = form & 4,
					.live = form & 8,
					.verbose = columns % 3,
				};

				check_lines(&rec, &o);
			}
		record_fini(&rec);
	}
}

/* What an interrupted run has not decided is neither lost nor silent. */
static void test_interrupted(void **state)
{
	struct wn_table_opts o = plain;
	struct record rec = {0};

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, "192.0.2.254", 412);
	record_sent(&rec, 1, 0, 1);
	record_sent(&rec, 2, 0, 0);
	record_sent(&rec, 3, 0, 0);
	record_stop(&rec, WN_STOP_INTERRUPTED, 0);
	record_end(&rec)->u.end.partial = true;
	o.columns = 0;
	expect(&rec, &o, "192.0.2.254    0%    2", true);
	expect(&rec, &o, "2-3  not answered yet (2 hops)", true);
	expect(&rec, &o, "no reply", false);
	expect(&rec, &o, "(interrupted: partial result).", true);
	record_fini(&rec);
}

static void stop_line(struct record *rec, enum wn_stop stop, uint8_t ttl, const char *want)
{
	struct wn_table_opts o = plain;

	o.columns = 0;
	record_stop(rec, stop, ttl);
	record_end(rec);
	expect(rec, &o, want, true);
	record_fini(rec);
}

static void test_one_is_no_plural(void **state)
{
	struct wn_table_opts o = plain;
	struct record rec = {0};

	(void)state;
	record_start(&rec, DST)->u.start.gap = 1;
	record_hop(&rec, 1, "192.0.2.254", 412);
	record_lost(&rec, 2);
	stop_line(&rec, WN_STOP_GAP, 2, "Stopped: 1 silent hop after hop 1");
	record_start(&rec, DST)->u.start.max_ttl = 1;
	record_hop(&rec, 1, "192.0.2.254", 412);
	stop_line(&rec, WN_STOP_MAX_TTL, 1, "Not reached within 1 hop: try -m 2.");
	record_start(&rec, DST);
	record_end(&rec)->u.end.counters.send_retries = 1;
	o.columns = 0;
	expect(&rec, &o, "Counted: 1 send repeated because this machine's queue was full.", true);
	record_fini(&rec);
}

static void test_more_patience(void **state)
{
	struct wn_params *p;
	struct record rec = {0};

	(void)state;
	record_start(&rec, DST);
	record_lost(&rec, 1);
	stop_line(&rec, WN_STOP_GAP, 8, "for slow links try -w 2s; for more silent hops");
	record_start(&rec, DST)->u.start.gap = 8;
	record_hop(&rec, 1, "192.0.2.254", 412);
	stop_line(
		&rec, WN_STOP_GAP, 9, "--wait-min 1s; for more silent hops in a row try --gap 16.");
	p = &record_start(&rec, DST)->u.start;
	p->wait_min_ns = p->wait_max_ns = 1000000000;
	p->gap = 12;
	record_hop(&rec, 1, "192.0.2.254", 412);
	stop_line(&rec, WN_STOP_GAP, 13, "for slow links try --wait-min 2s with -w 2s.");
}

static void test_reached_at_the_first_ttl(void **state)
{
	struct record rec = {0};

	(void)state;
	record_start(&rec, DST)->u.start.first_ttl = 4;
	record_dest(&rec, 4, DST, 5000);
	stop_line(&rec, WN_STOP_REACHED, 4,
		"Reached 203.0.113.9 at or before hop 4, first reply after 5.000 ms (port "
		"unreachable).");
}

static void test_too_big_and_partial(void **state)
{
	struct wn_table_opts o = plain;
	struct record rec = {0};
	struct wn_params *p;
	struct wn_event *ev;

	(void)state;
	p = &record_start(&rec, DST)->u.start;
	p->size = 1600;
	p->df = true;
	ev = record_stop(&rec, WN_STOP_ERROR, 0);
	ev->u.stop.err = WN_EMSGSIZE;
	ev->u.stop.sys = 90;
	record_end(&rec)->u.end.partial = true;
	o.columns = 0;
	expect(&rec, &o,
		"Stopped: packet larger than the MTU of the first link; try --size 1500 or less, "
		"or leave --df out (partial result).\n",
		true);
	record_fini(&rec);
}

static void test_every_stop_has_its_words(void **state)
{
	struct record rec = {0};
	struct wn_event *ev;

	(void)state;
	record_start(&rec, DST);
	record_lost(&rec, 1);
	stop_line(&rec, WN_STOP_GAP, 8, "No reply at all, from 8 hops: a firewall on this machine");
	record_start(&rec, DST)->u.start.max_ttl = 2;
	record_hop(&rec, 1, "192.0.2.254", 412);
	record_hop(&rec, 2, "192.0.2.253", 412);
	stop_line(&rec, WN_STOP_MAX_TTL, 2, "Not reached within 2 hops: try -m 4.");
	record_start(&rec, DST)->u.start.max_ttl = 255;
	record_hop(&rec, 255, "192.0.2.254", 412);
	stop_line(&rec, WN_STOP_MAX_TTL, 255, "Not reached within 255 hops.");
	record_start(&rec, DST)->u.start.proto = WN_PROTO_TCP;
	record_hop(&rec, 1, "192.0.2.254", 412);
	record_lost(&rec, 2);
	stop_line(&rec, WN_STOP_MAX_TTL, 30,
		"Not reached within 30 hops, no answer after hop 1 (192.0.2.254): try another "
		"port");
	record_start(&rec, DST);
	record_hop(&rec, 1, "192.0.2.254", 412);
	stop_line(&rec, WN_STOP_LOOP, 9, "Stopped at hop 9: a routing loop");
	record_start(&rec, DST)->u.start.deadline_ns = 2500000000;
	record_hop(&rec, 3, "192.0.2.254", 412);
	stop_line(&rec, WN_STOP_DEADLINE, 0,
		"Stopped by the deadline of 2.5 s, last answer from hop 3: try a longer");
	record_start(&rec, DST);
	ev = record_stop(&rec, WN_STOP_ERROR, 0);
	ev->u.stop.err = WN_EBLOCKED;
	ev->u.stop.sys = 1;
	expect(&rec, &plain, "blocked on this machine (firewall).", true);
	record_fini(&rec);
	record_start(&rec, DST);
	record_failed(&rec, 1, 0, WN_EBLOCKED);
	record_failed(&rec, 2, 0, WN_EBLOCKED);
	record_stop(&rec, WN_STOP_ERROR, 0);
	expect(&rec, &plain, "1-2  not sent: blocked on this machine (firewall) (2 hops)", true);
	record_fini(&rec);
}

/* It was reached, and then something else ended the run: that it was reached is what counts. */
static void test_reached_after_all(void **state)
{
	struct record rec = {0};

	(void)state;
	record_start(&rec, DST);
	record_stop(&rec, WN_STOP_GAP, 3);
	record_dest(&rec, 2, DST, 5000);
	record_end(&rec);
	expect(&rec, &plain, "Reached 203.0.113.9 at hop 2, first reply after 5.000 ms", true);
	record_fini(&rec);
}

/* Who was reached may have been cut short all the same, and by what is said. */
static void test_reached_and_cut_short(void **state)
{
	static const struct {
		enum wn_stop stop;
		const char *words;
	} cases[] = {
		{WN_STOP_ERROR, "(partial result: address or port is in use)."},
		{WN_STOP_DEADLINE, "(deadline: partial result)."},
		{WN_STOP_INTERRUPTED, "(interrupted: partial result)."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record rec = {0};

		record_start(&rec, DST);
		record_dest(&rec, 2, DST, 5000);
		record_stop(&rec, cases[i].stop, 3)->u.stop.err = WN_EADDRINUSE;
		record_end(&rec)->u.end.partial = true;
		expect(&rec, &plain, cases[i].words, true);
		record_fini(&rec);
	}
}

static void test_back_end_and_counters(void **state)
{
	struct wn_table_opts o = plain;
	struct record rec = {0};
	struct wn_caps *caps;

	(void)state;
	caps = &record_start(&rec, DST)->u.start.caps;
	snprintf(caps->name, sizeof(caps->name), "errqueue");
	snprintf(caps->blind, sizeof(caps->blind), "quoted headers");
	caps->sees_quote_ip = false;
	record_hop(&rec, 1, "192.0.2.254", 412);
	rec.events[rec.count - 1].u.reply.reply.quote.tos = 99; /* not seen: means nothing */
	record_end(&rec)->u.end.counters.foreign = 5;
	o.columns = 0;
	expect(&rec, &o, "Back end: errqueue, kernel time stamps; it cannot see quoted headers.",
		true);
	expect(&rec, &o, "DSCP", false);
	expect(&rec, &o, "foreign", false);
	o.verbose = 1;
	expect(&rec, &o, "Counted: 5 packets that were not about our probes.", true);
	expect(&rec, &o, "quoted TTL", false);
	record_fini(&rec);
}

static void test_notes(void **state)
{
	struct wn_table_opts o = plain;
	struct record rec = {0};

	(void)state;
	record_start(&rec, DST);
	record_note(&rec, WN_NOTE_LINK_DOWN, 0, "eth0");
	record_note(&rec, WN_NOTE_TEXT, 0, "words");
	record_note(&rec, WN_NOTE_GAP_IN_TIME, -5, "");
	record_note(&rec, (enum wn_note_kind)77, 0, "");
	expect(&rec, &o, "Note: the link went down: eth0.\n", true);
	expect(&rec, &o, "Note: words.\n", true);
	expect(&rec, &o, "Note: this process did not run for 0.0 ms.\n", true);
	record_fini(&rec);
}

/* Long figures widen their column; nothing is cut. */
static void ping(struct record *rec, const char *to, uint32_t number, bool answered)
{
	struct wn_event *ev = record_sent(rec, 64, WN_FLOW_PING, number);
	uint64_t id = ev->probe_id;

	ev->u.sent.probe.dst = record_addr(to);
	if (answered)
		record_reply(rec, id, WN_REPLY_ECHO, to, 900);
	else
		record_timeout(rec, id);
}

static void test_pings(void **state)
{
	struct record rec = {0};

	(void)state;
	record_start(&rec, "203.0.113.9");
	record_hop(&rec, 1, "192.0.2.254", 412);
	expect(&rec, &plain, "Pinged", false);
	ping(&rec, "192.0.2.254", 0, true);
	expect(&rec, &plain, "Pinged 1 router: it answered.\n", true);
	ping(&rec, "192.0.2.253", 0, false);
	expect(&rec, &plain, "Pinged 2 routers: 1 answered.\n", true);
	ping(&rec, "192.0.2.253", 1, true);
	expect(&rec, &plain, "Pinged 2 routers: all answered.\n", true);
	expect(&rec, &plain, "64 ", false); /* no hop */
	record_fini(&rec);
}

static void test_figures_are_never_cut(void **state)
{
	struct wn_table_opts o = plain;
	struct record rec = {0};

	(void)state;
	record_start(&rec, DST);
	record_hop(&rec, 1, "192.0.2.254", 123456789);
	record_hop(&rec, 2, "192.0.2.253", 1);
	o.columns = 40;
	expect(&rec, &o, "123456.8", true);
	expect(&rec, &o, "0.001", true);
	record_fini(&rec);
}

/* Without memory a table is short or wrong, but the buffer says so, and nothing leaks. */
static void test_without_memory(void **state)
{
	struct record rec = {0};
	struct wn_table_opts o = plain;
	struct wn_result *r;

	(void)state;
	scene_rich(&rec);
	r = record_fold(&rec);
	o.verbose = 2;
	for (unsigned long nth = 1;; nth++) {
		struct wn_strbuf out = WN_STRBUF_INIT;
		unsigned long live = alloc_fault_live();
		bool hit;

		alloc_fault_arm_from(nth);
		wn_out_table(&out, r, &o);
		hit = alloc_fault_disarm();
		if (hit)
			assert_int_equal(out.err, WN_ENOMEM);
		wn_strbuf_fini(&out);
		assert_int_equal(alloc_fault_live(), live);
		if (!hit)
			break;
	}
	wn_result_free(r);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_no_line_is_too_wide),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_every_stop_has_its_words),
		cmocka_unit_test(test_one_is_no_plural),
		cmocka_unit_test(test_more_patience),
		cmocka_unit_test(test_reached_at_the_first_ttl),
		cmocka_unit_test(test_too_big_and_partial),
		cmocka_unit_test(test_reached_after_all),
		cmocka_unit_test(test_reached_and_cut_short),
		cmocka_unit_test(test_back_end_and_counters),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_pings),
		cmocka_unit_test(test_figures_are_never_cut),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
