/* SPDX-License-Identifier: Apache-2.0 */
/* What lowers the path MTU; and that probes which were too big are no evidence of anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "record.h"
#include "traced.h"
#include "multipath/pmtu_tally.h"

/* Told twice: the second is told to a probe that passed the first. */
static void test_told(void **state)
{
	const struct wn_found_mtu *m;
	struct traced t;

	(void)state;
	traced_line(&t, 6,
		PARTS({LINE_LINK, 4, "mtu 1400"}, {LINE_LINK, 6, "mtu 1300"},
			{LINE_NODE, 5, "dscp 0"}),
		"", "mtu yes dscp ef");
	expect_found(&t.found, "mtu-lowered certain 3-4..4\n"
			       "dscp-rewritten certain 5-6..7\n"
			       "mtu-lowered certain 5-6..6\n");
	m = &t.found.list[0].u.mtu;
	assert_int_equal(m->lowering.was, 1500);
	assert_int_equal(m->lowering.mtu, 1400);
	assert_true(m->lowering.told);
	assert_true(wn_addr_eq(&m->by, &t.r->responders[t.found.list[0].before.responder].addr));
	assert_int_equal(m->passed, 1);
	assert_int_equal(t.found.list[0].probe_count, 1);
	traced_close(&t);
}

/* Lost large probes are no loss of the path. */
static void test_hole(void **state)
{
	const struct wn_found_mtu *m;
	struct traced t;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		traced_line(&t, 6,
			PARTS({LINE_NODE, 3, "mtu-blackhole"}, {LINE_LINK, 4, "mtu 1400"}), "",
			family == 4 ? "mtu yes" : "6 mtu yes");
		expect_found(&t.found, "mtu-black-hole likely 3-4..4\n");
		m = &t.found.list[0].u.mtu;
		assert_int_equal(m->lowering.mtu, 1400);
		assert_int_equal(m->by.family, 0);
		assert_true(m->passed > 0);
		assert_true(t.found.list[0].probe_count >= WN_PMTU_LOSSES);
		assert_int_equal(t.found.unclear_first, 0);
		traced_close(&t);
	}
}

static uint32_t lost_of(const struct traced *t, unsigned above, unsigned most)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->r->probe_count; i++) {
		const struct wn_probe_rec *p = &t->r->probes[i];

		n += p->state == WN_PROBE_LOST && p->probe.size > above && p->probe.size <= most;
	}
	return n;
}

/* One hole behind the other: each lost probe is evidence of one of them. */
static void test_holes(void **state)
{
	struct traced t;

	(void)state;
	traced_line(&t, 7,
		PARTS({LINE_NODE, 3, "mtu-blackhole"}, {LINE_LINK, 4, "mtu 1400"},
			{LINE_NODE, 5, "mtu-blackhole"}, {LINE_LINK, 6, "mtu 1300"}),
		"", "mtu yes");
	expect_found(&t.found, "mtu-black-hole likely 3-4..4\n"
			       "mtu-black-hole likely 5-6..6\n");
	assert_int_equal(t.found.list[0].probe_count, lost_of(&t, 1400, 1500));
	assert_int_equal(t.found.list[1].probe_count, lost_of(&t, 1300, 1400));
	traced_close(&t);
}

static void sized(struct record *rec, uint16_t size, bool passes)
{
	struct wn_event *ev;
	uint64_t id;

	if (!passes) {
		record_failed(rec, 2, 0, WN_EMSGSIZE)->u.sent.probe.size = size;
		return;
	}
	ev = record_sent(rec, 2, 0, 3);
	ev->u.sent.probe.size = size;
	id = ev->probe_id;
	record_reply(rec, id, WN_REPLY_UNREACHABLE, "203.0.113.9", 2000)->u.reply.reached = true;
}

/* The system refuses what the route cannot take, whatever the first link could. */
static void test_local(void **state)
{
	struct record rec = {0};
	struct wn_findings f;
	struct wn_params *p;
	struct wn_result *r;

	(void)state;
	p = &record_start(&rec, "203.0.113.9")->u.start;
	p->pmtu = true;
	p->link_mtu = 1500;
	record_hop(&rec, 1, "198.51.100.1", 1000);
	record_dest(&rec, 2, "203.0.113.9", 2000);
	sized(&rec, 1500, false);
	sized(&rec, 1480, true);
	sized(&rec, 1481, false);
	r = record_fold(&rec);
	assert_int_equal(wn_findings_find(r, &f), WN_OK);
	expect_found(&f, "mtu-lowered certain 0-1..1\n");
	assert_true(f.list[0].u.mtu.lowering.local);
	assert_int_equal(f.list[0].u.mtu.lowering.mtu, 1480);
	assert_int_equal(f.list[0].probe_count, 2);
	assert_int_equal(f.list[0].u.mtu.passed, 1);
	wn_findings_free(&f);
	wn_result_free(r);
	record_fini(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
