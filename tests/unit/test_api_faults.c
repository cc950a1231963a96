/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library makes of calls that fail, one at a time, over loopback in a namespace of our
 * own: what passes is waited for and costs no answer, what stays is said.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <wend/wend.h>
#include "faults.h"
#include "ns.h"

struct seen {
	unsigned replies, lost, done;
	int64_t least_rtt_ns, most_rtt_ns;
	struct wend_event end;
};

static void on_event(void *user, const struct wend_event *ev)
{
	struct seen *s = user;

	if (ev->kind == WEND_REPLY) {
		if (s->replies == 0 || ev->rtt_ns < s->least_rtt_ns)
			s->least_rtt_ns = ev->rtt_ns;
		if (ev->rtt_ns > s->most_rtt_ns)
			s->most_rtt_ns = ev->rtt_ns;
		s->replies++;
	}
	s->lost += ev->kind == WEND_LOST;
	if (ev->kind != WEND_DONE)
		return;
	s->done++;
	s->end = *ev;
}

static void trace(uint32_t backend, const char *deadline, struct seen *s)
{
	struct wend_config config = {.size = sizeof(config), .backend = backend};
	wend_options *o;
	wend *w;

	memset(s, 0, sizeof(*s));
	assert_int_equal(wend_new(&config, &w), WEND_OK);
	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set_max_ttl(o, 4), WEND_OK);
	assert_int_equal(wend_options_set(o, "deadline", deadline), WEND_OK);
	if (wend_trace(w, "127.0.0.1", o, on_event, s, NULL) != WEND_OK)
		fail_msg("%s", wend_error(w));
	assert_int_equal(wend_run(w, 20000000), WEND_OK);
	assert_int_equal(s->done, 1);
	wend_options_free(o);
	assert_int_equal(wend_free(w), WEND_OK);
	fault_clear();
}

static void test_full_queues(void **state)
{
	static const int causes[] = {ENOBUFS, EAGAIN, EINTR};

	(void)state;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		for (uint32_t backend = WEND_BACKEND_RAW; backend <= WEND_BACKEND_ERRQUEUE;
			backend++) {
			struct seen s;

			fault_set(FAULT_SEND, causes[i], 1, 25);
			trace(backend, "5s", &s);
			assert_int_equal(s.end.stop, WEND_STOP_REACHED);
			assert_int_equal(s.lost, 0);
			assert_true(s.replies >= 3);
		}
	}
}

/* It is tried again now and then, not all the time. */
static void test_queue_that_stays_full(void **state)
{
	static const int causes[] = {ENOBUFS, EAGAIN};

	(void)state;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		for (uint32_t backend = WEND_BACKEND_RAW; backend <= WEND_BACKEND_ERRQUEUE;
			backend++) {
			unsigned long before = fault_hits();
			struct seen s;

			fault_set(FAULT_SEND, causes[i], 0, FAULT_ALWAYS);
			trace(backend, "300ms", &s);
			assert_int_equal(s.end.stop, WEND_STOP_DEADLINE);
			assert_int_equal(s.end.sent, 0);
			assert_in_range(fault_hits() - before, 2, 1000);
		}
	}
}

static void test_refusals(void **state)
{
	static const struct {
		int sys, err;
	} causes[] = {
		{EPERM, WEND_EBLOCKED}, {ENETDOWN, WEND_ENETDOWN}, {ENETUNREACH, WEND_ENOROUTE}};

	(void)state;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		struct seen s;

		fault_set(FAULT_SEND, causes[i].sys, 0, FAULT_ALWAYS);
		trace(WEND_BACKEND_RAW, "5s", &s);
		assert_int_equal(s.end.stop, WEND_STOP_ERROR);
		assert_int_equal(s.end.err, causes[i].err);
		assert_int_equal(s.end.sent, 0);
	}
}

/* A call that fails before there is a trace is said by the call that starts it. */
static void test_starts(void **state)
{
	static const struct {
		enum fault_call call;
		int sys, err;
	} causes[] = {{FAULT_SOCKET, EMFILE, WEND_ESYS}, {FAULT_SOCKET, ENFILE, WEND_ESYS},
		{FAULT_ASK, ENOBUFS, WEND_ESYS}, {FAULT_ASK, EAGAIN, WEND_ESYS},
		{FAULT_ASK, ENETUNREACH, WEND_ENOROUTE}, {FAULT_BIND, EADDRINUSE, WEND_EADDRINUSE},
		{FAULT_EPOLL_CREATE, EMFILE, WEND_ESYS}, {FAULT_EPOLL_CTL, ENOSPC, WEND_ESYS}};

	(void)state;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		struct seen s = {0};
		int err;
		wend *w;

		assert_int_equal(wend_new(NULL, &w), WEND_OK);
		fault_set(causes[i].call, causes[i].sys, 0, FAULT_ALWAYS);
		err = wend_trace(w, "127.0.0.1", NULL, on_event, &s, NULL);
		fault_clear();
		if (err != causes[i].err)
			fail_msg("%zu: %s: %s", i, wend_err_name(err), wend_error(w));
		assert_int_equal(wend_active(w), 0);
		/* The context is as good as before. */
		assert_int_equal(wend_trace(w, "127.0.0.1", NULL, on_event, &s, NULL), WEND_OK);
		assert_int_equal(wend_run(w, 20000000), WEND_OK);
		assert_int_equal(s.end.stop, WEND_STOP_REACHED);
		assert_int_equal(wend_free(w), WEND_OK);
		assert_int_equal(s.done, 1);
	}
}

/* Round trips are those of the monotonic clock, whoever sets the other one meanwhile. */
static void test_clock_that_is_set(void **state)
{
	static const int64_t steps_ns[] = {3600000000000, -3600000000000, 50000, -50000};

	(void)state;
	for (size_t i = 0; i < sizeof(steps_ns) / sizeof(steps_ns[0]); i++) {
		wend_options *o;
		wend *w;

		assert_int_equal(wend_options_new(&o), WEND_OK);
		assert_int_equal(wend_options_set_max_ttl(o, 4), WEND_OK);
		assert_int_equal(wend_new(NULL, &w), WEND_OK);
		for (int n = 0; n < 20; n++) {
			struct seen s = {0};

			assert_int_equal(
				wend_trace(w, "127.0.0.1", o, on_event, &s, NULL), WEND_OK);
			wend_process(w, 0);
			fault_jump_wall(steps_ns[i]);
			assert_int_equal(wend_run(w, 20000000), WEND_OK);
			assert_int_equal(s.done, 1);
			/* A small step between two stamps may be as long as the round trip. */
			assert_in_range(s.least_rtt_ns, i < 2, 1000000000);
			assert_in_range(s.most_rtt_ns, i < 2, 1000000000);
		}
		wend_options_free(o);
		assert_int_equal(wend_free(w), WEND_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_queues),
		cmocka_unit_test(test_queue_that_stays_full),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_clock_that_is_set),
	};

	if (!ns_enter()) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
