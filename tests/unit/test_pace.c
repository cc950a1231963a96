/* SPDX-License-Identifier: Apache-2.0 */
/* Gates and their lines in virtual time: who may leave when, and who pays for it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "alloc_fault.h"
#include "trace/pace.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)
#define T0     (5 * SECOND)

static struct wn_pace *new_pace(uint32_t all, uint32_t destination, uint32_t router)
{
	struct wn_pace_config c = {
		.pps = all, .pps_per_destination = destination, .pps_per_router = router};
	struct wn_pace *p;

	assert_int_equal(wn_pace_new(&c, &p), WN_OK);
	return p;
}

static struct wn_pace_probe to(unsigned dst)
{
	return (struct wn_pace_probe){
		.dst = wn_addr_v4(0xcb007100u + dst), .line = WN_PACE_NO_GATE};
}

static struct wn_pace_probe by(unsigned dst, unsigned router)
{
	struct wn_pace_probe probe = to(dst);

	probe.router = wn_addr_v4(0xc6336400u + router);
	return probe;
}

static struct wn_pace_probe at_place(unsigned dst, uint64_t place)
{
	struct wn_pace_probe probe = to(dst);

	probe.places[0] = place;
	return probe;
}

static bool passes(struct wn_pace *p, const struct wn_pace_probe *probe, uint64_t now_ns)
{
	struct wn_pace_toll toll;

	wn_pace_toll_of(p, probe, now_ns, &toll);
	return wn_pace_pass(p, &toll, now_ns);
}

/* It has to wait. */
static void waits(struct wn_pace *p, struct wn_pace_wait *w, const struct wn_pace_probe *probe,
	uint64_t now_ns)
{
	struct wn_pace_toll toll;

	wn_pace_toll_of(p, probe, now_ns, &toll);
	assert_false(wn_pace_pass(p, &toll, now_ns));
	wn_pace_wait(p, w, &toll, now_ns);
}

/* The next to leave is this one, at this time and not before. */
static void leaves_at(struct wn_pace *p, struct wn_pace_wait *w, uint64_t at_ns)
{
	assert_null(wn_pace_take(p, at_ns - 1));
	assert_in_range(wn_pace_next_ns(p), 0, at_ns);
	assert_ptr_equal(wn_pace_take(p, at_ns), w);
	wn_pace_use(p, w);
}

static void sends(
	struct wn_pace *p, uint64_t id, const struct wn_pace_probe *probe, uint64_t now_ns)
{
	struct wn_pace_toll toll;

	wn_pace_toll_of(p, probe, now_ns, &toll);
	assert_true(wn_pace_pass(p, &toll, now_ns));
	wn_pace_sent(p, id, &toll, probe);
}

static void test_no_bounds(void **state)
{
	struct wn_pace *p = new_pace(0, 0, 0);
	struct wn_pace_probe probe = by(1, 1);

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		assert_true(passes(p, &probe, T0));
	assert_int_equal(wn_pace_next_ns(p), UINT64_MAX);
	wn_pace_free(p);
}

static void test_rate_and_burst(void **state)
{
	static const uint32_t rates[] = {1, 3, 99, 100, 1000, 1000000};

	(void)state;
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		struct wn_pace *p = new_pace(rates[r], 0, 0);
		struct wn_pace_probe probe = to(1);
		unsigned n = 0;

		while (passes(p, &probe, T0))
			n++;
		assert_int_equal(n, WN_PACE_BURST(rates[r]));
		for (unsigned step = 1; step <= 300000; step++) /* of 10 us */
			while (passes(p, &probe, T0 + step * MS / 100))
				n++;
		assert_in_range(
			n, 3 * rates[r] * 99u / 100, 3 * rates[r] + WN_PACE_BURST(rates[r]));
		wn_pace_free(p);
	}
}

static void test_first_come(void **state)
{
	struct wn_pace *p = new_pace(10, 0, 0);
	struct wn_pace_wait w[5] = {0};
	struct wn_pace_probe probe = to(1);

	(void)state;
	assert_true(passes(p, &probe, T0));
	for (unsigned i = 0; i < 5; i++)
		waits(p, &w[i], &probe, T0 + i);
	/* Somebody new does not overtake, even if it is open. */
	assert_false(passes(p, &probe, T0 + 100 * MS));
	for (unsigned i = 0; i < 5; i++)
		leaves_at(p, &w[i], T0 + (i + 1) * 100 * MS);
	assert_int_equal(wn_pace_next_ns(p), UINT64_MAX);
	wn_pace_free(p);
}

/* One destination's line keeps nobody else from leaving. */
static void test_lines_apart(void **state)
{
	struct wn_pace *p = new_pace(1000, 1, 0);
	struct wn_pace_wait w[3] = {0};
	struct wn_pace_probe slow = to(1);

	(void)state;
	assert_true(passes(p, &slow, T0));
	for (unsigned i = 0; i < 3; i++)
		waits(p, &w[i], &slow, T0);
	for (unsigned i = 0; i < 100; i++) {
		struct wn_pace_probe other = to(2 + i);

		assert_true(passes(p, &other, T0 + (1 + i) * MS));
	}
	for (unsigned i = 0; i < 3; i++)
		leaves_at(p, &w[i], T0 + (i + 1) * SECOND);
	wn_pace_free(p);
}

static void test_leaving(void **state)
{
	struct wn_pace *p = new_pace(10, 5, 0);
	struct wn_pace_wait w[4] = {0};
	struct wn_pace_probe probe = to(1), other = to(2);

	(void)state;
	wn_pace_leave(p, &w[0]); /* does not wait */
	assert_true(passes(p, &probe, T0));
	for (unsigned i = 0; i < 4; i++)
		waits(p, &w[i], &probe, T0);
	wn_pace_leave(p, &w[1]);
	wn_pace_leave(p, &w[0]);
	assert_ptr_equal(wn_pace_take(p, T0 + 200 * MS), &w[2]);
	wn_pace_leave(p, &w[2]); /* what it paid is there for the next */
	assert_true(passes(p, &other, T0 + 200 * MS));
	assert_null(wn_pace_take(p, T0 + 200 * MS)); /* of all there are ten a second */
	leaves_at(p, &w[3], T0 + 400 * MS);
	wn_pace_free(p);
}

static void test_room(void **state)
{
	struct wn_pace *p = new_pace(0, 0, 0);
	struct wn_pace_wait w[2] = {0};
	struct wn_pace_probe probe = to(1);
	uint32_t line = wn_pace_line_new(p, 2);

	(void)state;
	probe.line = line;
	assert_true(passes(p, &probe, T0));
	assert_true(passes(p, &probe, T0));
	assert_false(wn_pace_line_is_waited_for(p, line));
	waits(p, &w[0], &probe, T0);
	waits(p, &w[1], &probe, T0);
	assert_true(wn_pace_line_is_waited_for(p, line));
	assert_true(wn_pace_line_is_full(p, line));
	assert_int_equal(wn_pace_next_ns(p), UINT64_MAX);
	wn_pace_line_give(p, line, 1);
	assert_int_equal(wn_pace_next_ns(p), 0);
	assert_ptr_equal(wn_pace_take(p, T0), &w[0]);
	assert_null(wn_pace_take(p, T0));
	wn_pace_leave(p, &w[0]); /* not used: the room is the next one's */
	assert_ptr_equal(wn_pace_take(p, T0), &w[1]);
	wn_pace_use(p, &w[1]);
	wn_pace_line_give(p, line, 2);
	wn_pace_line_free(p, line);
	assert_int_equal(wn_pace_line_new(p, 1), line);
	wn_pace_free(p);
}

/* Whoever waits for the buffer does not use up the pace, nor the other way round. */
static void test_room_and_pace(void **state)
{
	struct wn_pace *p = new_pace(10, 0, 0);
	struct wn_pace_wait w[2] = {0};
	struct wn_pace_probe probe = to(1), other = to(2);

	(void)state;
	probe.line = wn_pace_line_new(p, 1);
	assert_true(passes(p, &probe, T0));
	waits(p, &w[0], &probe, T0);
	assert_true(passes(p, &other, T0 + 100 * MS));
	wn_pace_line_give(p, probe.line, 1);
	assert_null(wn_pace_take(p, T0 + 150 * MS)); /* stands at the last gate now */
	assert_false(passes(p, &other, T0 + 200 * MS));
	leaves_at(p, &w[0], T0 + 200 * MS);
	wn_pace_free(p);
}

static void test_known_router(void **state)
{
	struct wn_pace *p = new_pace(0, 0, 10);
	struct wn_pace_wait w = {0};
	struct wn_pace_probe a = by(1, 1), b = by(2, 1), c = by(3, 2);
	struct wn_addr router = a.router;

	(void)state;
	sends(p, 1, &a, T0);
	assert_true(passes(p, &c, T0));
	wn_pace_answered(p, 1, &router, T0 + MS); /* paid already */
	waits(p, &w, &b, T0 + 2 * MS);
	leaves_at(p, &w, T0 + 100 * MS);
	wn_pace_free(p);
}

/* Before anybody answered the place has the rate of a router; after that it is that router's. */
static void test_place(void **state)
{
	struct wn_addr none = {0}, first = wn_addr_v4(0xc6336401);
	uint64_t place = wn_pace_place(&none, 3, 1);
	struct wn_pace *p = new_pace(0, 0, 10);
	struct wn_pace_probe probe = at_place(1, place), known = by(9, 1);
	struct wn_pace_probe elsewhere = at_place(1, wn_pace_place(&none, 4, 1));
	struct wn_pace_wait w = {0};

	(void)state;
	sends(p, 1, &probe, T0);
	assert_true(passes(p, &elsewhere, T0));
	waits(p, &w, &probe, T0);
	leaves_at(p, &w, T0 + 100 * MS);
	wn_pace_answered(p, 1, &first, T0 + 150 * MS);
	/* Charged by its answer; and the next one there is expected to meet it. */
	assert_false(passes(p, &known, T0 + 200 * MS));
	waits(p, &w, &probe, T0 + 200 * MS);
	leaves_at(p, &w, T0 + 250 * MS);
	assert_false(passes(p, &known, T0 + 349 * MS));
	assert_true(passes(p, &known, T0 + 350 * MS));
	wn_pace_free(p);
}

/* Answers that nobody was charged for make a debt, and all that lead there wait for it. */
static void test_debt(void **state)
{
	struct wn_addr router = wn_addr_v4(0xc6336401), other = wn_addr_v4(0xc6336402);
	struct wn_pace *p = new_pace(0, 0, 10);
	struct wn_pace_probe probe[4], known = by(9, 1), free_one = by(9, 2);
	struct wn_pace_wait w = {0};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		probe[i] = at_place(i, 100 + i);
		sends(p, i, &probe[i], T0);
	}
	for (unsigned i = 0; i < 4; i++)
		wn_pace_answered(p, i, &router, T0 + MS);
	sends(p, 9, &probe[0], T0 + 401 * MS); /* four intervals of debt */
	wn_pace_answered(p, 9, &other, T0 + 500 * MS);
	/* Now the place leads to two: a probe there waits for both, and for the place itself. */
	sends(p, 10, &known, T0 + 501 * MS);
	waits(p, &w, &probe[0], T0 + 502 * MS);
	assert_false(passes(p, &free_one, T0 + 599 * MS));
	assert_true(passes(p, &free_one, T0 + 600 * MS));
	leaves_at(p, &w, T0 + 700 * MS);
	wn_pace_free(p);
}

/* A debt that came up while somebody stands at a later gate is waited for all the same. */
static void test_debt_meanwhile(void **state)
{
	struct wn_addr router = wn_addr_v4(0xc6336401);
	struct wn_pace *p = new_pace(2, 0, 10);
	struct wn_pace_probe a = at_place(1, 100), known = by(2, 1), plain = to(3);
	struct wn_pace_wait w = {0}, next = {0};

	(void)state;
	sends(p, 1, &a, T0);
	waits(p, &w, &known, T0 + MS); /* the router is free, all together are not */
	waits(p, &next, &plain, T0 + 2 * MS);
	wn_pace_answered(p, 1, &router, T0 + 450 * MS);
	/* Until 550 ms the router is not: whoever comes behind goes first. */
	leaves_at(p, &next, T0 + 500 * MS);
	leaves_at(p, &w, T0 + 1000 * MS);
	wn_pace_free(p);
}

/* A single probe's places: where this target was answered before, else the distance from here. */
static void test_two_places(void **state)
{
	struct wn_addr router = wn_addr_v4(0xc6336401);
	struct wn_pace *p = new_pace(0, 0, 10);
	struct wn_pace_probe a = to(1), b = to(2), known = by(3, 1);

	(void)state;
	a.places[0] = 1000;
	b.places[0] = 2000;
	a.places[1] = b.places[1] = 3000;
	sends(p, 1, &a, T0);
	assert_false(passes(p, &b, T0 + MS));
	wn_pace_answered(p, 1, &router, T0 + 10 * MS);
	assert_true(passes(p, &a, T0 + 110 * MS)); /* pays for the router */
	assert_false(passes(p, &known, T0 + 120 * MS));
	wn_pace_free(p);
}

/* More than the table holds: some share, and each is as slow as it is to be or slower. */
static void test_table(void **state)
{
	struct wn_pace_config c = {.pps_per_destination = 10, .gates_max = 64};
	static struct wn_pace_wait w[500];
	static unsigned left[500];
	struct wn_pace *p;
	unsigned waiting = 0, total = 0;

	(void)state;
	assert_int_equal(wn_pace_new(&c, &p), WN_OK);
	for (unsigned i = 0; i < 500; i++) {
		struct wn_pace_probe probe = to(i);
		struct wn_pace_toll toll;

		wn_pace_toll_of(p, &probe, T0, &toll);
		if (!wn_pace_pass(p, &toll, T0)) {
			wn_pace_wait(p, &w[i], &toll, T0);
			waiting++;
		}
		left[i] = 0;
	}
	assert_in_range(wn_pace_shared(p), 400, 500);
	assert_in_range(waiting, 400, 440);
	for (uint64_t now = T0; now < T0 + 100 * SECOND && total < waiting; now += MS) {
		struct wn_pace_wait *one;

		while ((one = wn_pace_take(p, now))) {
			assert_int_equal(left[one - w]++, 0);
			wn_pace_use(p, one);
			total++;
		}
	}
	assert_int_equal(total, waiting);
	/* What is full again makes room for others. */
	for (unsigned i = 0; i < 500; i++) {
		struct wn_pace_probe probe = to(1000 + i);

		assert_true(passes(p, &probe, T0 + (1000 + i / 32) * SECOND));
	}
	wn_pace_free(p);
}

/* Without memory for a gate its kind's common one is there. */
static void test_no_memory(void **state)
{
	struct wn_pace_config c = {.pps_per_destination = 10, .pps_per_router = 10};
	struct wn_pace *p = NULL;
	unsigned long live = alloc_fault_live();
	unsigned failed = 0;

	(void)state;
	for (unsigned n = 1; !p; n++) {
		alloc_fault_arm(n);
		if (wn_pace_new(&c, &p) != WN_OK)
			failed++;
		alloc_fault_disarm();
	}
	assert_in_range(failed, 4, 12);
	for (unsigned i = 0; i < 1000; i++) {
		struct wn_pace_probe probe = by(i, i);
		struct wn_pace_toll toll;

		if (i == 50)
			alloc_fault_arm_from(1);
		wn_pace_toll_of(p, &probe, T0, &toll);
		(void)wn_pace_pass(p, &toll, T0);
	}
	assert_true(wn_pace_shared(p) > 0);
	assert_int_equal(wn_pace_line_new(p, 1), WN_PACE_NO_GATE);
	assert_true(alloc_fault_disarm());
	wn_pace_free(p);
	assert_int_equal(alloc_fault_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_bounds),
		cmocka_unit_test(test_rate_and_burst),
		cmocka_unit_test(test_first_come),
		cmocka_unit_test(test_lines_apart),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_and_pace),
		cmocka_unit_test(test_known_router),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_debt),
		cmocka_unit_test(test_debt_meanwhile),
		cmocka_unit_test(test_two_places),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
