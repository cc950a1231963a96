/* SPDX-License-Identifier: Apache-2.0 */
/* Room for answers in virtual time, with a back end that has some for three. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "run/run_priv.h"

#define MS  UINT64_C(1000000)
#define T0  (5000 * MS)
#define BIN (9 * MS) /* to which times are known, and a little more */

static struct wn_io io;
static struct wn_run_net net;

static void open_net(uint32_t answers)
{
	net = (struct wn_run_net){.io = &io};
	io = (struct wn_io){.answers_max = answers};
	assert_int_equal(wn_run_new(true, &net.run, NULL), WN_OK);
	wn_run_credit_new(&net);
}

static void close_net(void)
{
	wn_run_credit_free(&net);
	wn_run_free(net.run);
}

static struct wn_pace_toll toll(void)
{
	return (struct wn_pace_toll){{WN_PACE_NO_GATE, WN_PACE_NO_GATE, net.line, WN_PACE_NO_GATE}};
}

/* How many may leave now. */
static unsigned send_all(uint64_t now_ns)
{
	struct wn_pace_toll t = toll();
	unsigned n = 0;

	wn_run_credit_expire(&net, now_ns);
	for (; n < 100 && wn_pace_pass(net.run->pace, &t, now_ns); n++)
		wn_run_credit_sent(&net, now_ns);
	return n;
}

static void test_unknown_room(void **state)
{
	(void)state;
	open_net(0);
	assert_null(net.credit);
	assert_int_equal(net.line, WN_PACE_NO_GATE);
	close_net();
}

static void test_answers(void **state)
{
	(void)state;
	open_net(3);
	assert_int_equal(send_all(T0), 3);
	assert_int_equal(send_all(T0 + 20 * MS), 0);
	wn_run_credit_answered(&net, T0, 20 * MS);
	wn_run_credit_answered(&net, T0 + 1000, 20 * MS); /* a later stamp than we took */
	assert_int_equal(send_all(T0 + 20 * MS), 2);
	wn_run_credit_back(&net, T0 + 20 * MS); /* it did not leave */
	assert_int_equal(send_all(T0 + 20 * MS), 1);
	/* More answers than probes, or to some that are long gone, give nothing. */
	for (unsigned i = 0; i < 10; i++)
		wn_run_credit_answered(&net, T0 - 2000 * MS, 20 * MS);
	assert_int_equal(send_all(T0 + 20 * MS), 0);
	close_net();
}

static void test_silence(void **state)
{
	struct wn_pace_toll t;
	struct wn_pace_wait w = {0};

	(void)state;
	open_net(3);
	t = toll();
	assert_int_equal(send_all(T0), 3);
	assert_int_equal(wn_run_credit_next_ns(&net), UINT64_MAX);
	wn_pace_wait(net.run->pace, &w, &t, T0);
	assert_in_range(wn_run_credit_next_ns(&net), T0 + 250 * MS, T0 + 250 * MS + BIN);
	wn_run_credit_expire(&net, T0 + 249 * MS);
	assert_null(wn_pace_take(net.run->pace, T0 + 249 * MS));
	wn_run_credit_expire(&net, wn_run_credit_next_ns(&net));
	assert_ptr_equal(wn_pace_take(net.run->pace, T0 + 260 * MS), &w);
	wn_pace_leave(net.run->pace, &w);
	assert_int_equal(send_all(T0 + 260 * MS), 3);
	close_net();
}

/* By the slowest answer of late: 50 ms at least, a second at most. */
static void test_patience(void **state)
{
	static const unsigned rtt_ms[] = {1, 20, 100, 400, 5000},
			      wait_ms[] = {50, 50, 200, 800, 1000};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		uint64_t end = T0 + wait_ms[i] * MS;

		open_net(4);
		assert_int_equal(send_all(T0), 4);
		wn_run_credit_answered(&net, T0, rtt_ms[i] * MS);
		assert_int_equal(send_all(T0), 1);
		assert_int_equal(send_all(end - 1), 0);
		assert_int_equal(send_all(end + BIN), 4);
		close_net();
	}
	/* What was slow once is forgotten by and by. */
	open_net(1);
	wn_run_credit_answered(&net, 0, 400 * MS);
	for (unsigned i = 0; i < 2000; i++)
		wn_run_credit_answered(&net, 0, MS);
	assert_int_equal(send_all(T0), 1);
	assert_int_equal(send_all(T0 + 49 * MS), 0);
	assert_int_equal(send_all(T0 + 50 * MS + BIN), 1);
	/* A clock that jumps. */
	assert_int_equal(send_all(T0 + 100000 * MS), 1);
	close_net();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_room),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
