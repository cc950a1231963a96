/* SPDX-License-Identifier: Apache-2.0 */
/* The library as a program sees it, over simulated networks in real time. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include <wend/wend.h>
#include "alloc_fault.h"

#define MANY 500

static const char network[] = "source me\n"
			      "target dst\n"
			      "host me addr 192.0.2.1 addr6 fd00::1\n"
			      "node r1 addr 198.51.100.1 addr6 fd00:1::1\n"
			      "node r2 addr 198.51.100.2 addr6 fd00:2::1\n"
			      "node r3 addr 198.51.100.3 addr6 fd00:3::1 silent\n"
			      "host dst addr 203.0.113.9 addr6 fd00:9::9 name www.example.org "
			      "owns 203.0.113.0/24\n"
			      "link me r1 delay 200us\n"
			      "link r1 r2 delay 200us\n"
			      "link r2 r3 delay 200us\n"
			      "link r3 dst delay 200us\n"
			      "mpls explicit r1 r2 r3\n";

struct seen {
	wend *w;
	unsigned replies, lost, done, at[5];
	struct wend_event end;
	char router[WEND_ADDRESS_TEXT];
	uint64_t cancel;   /* at the first reply */
	unsigned restarts; /* further traces, each from the last one's DONE */
};

/* Nothing comes back from it before a test has ended, however slow the machine. */
static const char far_network[] = "source me\n"
				  "target dst\n"
				  "host me addr 192.0.2.1\n"
				  "host dst addr 203.0.113.9\n"
				  "link me dst delay 1000s\n";

static wend *open_topology(const char *text)
{
	struct wend_config config = {.size = sizeof(config), .topology = text};
	wend *w;

	assert_int_equal(wend_new(&config, &w), WEND_OK);
	return w;
}

static wend *open_network(void)
{
	return open_topology(network);
}

static void on_event(void *user, const struct wend_event *ev)
{
	struct seen *s = user;

	assert_int_equal(ev->size, sizeof(*ev));
	assert_ptr_equal(ev->user, user);
	assert_int_equal(wend_process(s->w, 0), WEND_ESTATE);
	assert_int_equal(wend_run(s->w, 0), WEND_ESTATE);
	assert_int_equal(wend_free(s->w), WEND_ESTATE);
	switch (ev->kind) {
	case WEND_REPLY:
		s->replies++;
		assert_in_range(ev->ttl, 1, 4 + 16);
		if (ev->ttl < 5)
			s->at[ev->ttl]++;
		if (ev->ttl == 1)
			wend_event_address(ev, s->router);
		assert_true(ev->rtt_ns > 0);
		if (s->cancel)
			assert_int_equal(wend_cancel(s->w, ev->id), WEND_OK);
		break;
	case WEND_LOST:
		s->lost++;
		break;
	case WEND_DONE:
		s->done++;
		s->end = *ev;
		assert_int_equal(wend_cancel(s->w, ev->id), WEND_ENOENT);
		if (s->restarts > 0) {
			s->restarts--;
			assert_int_equal(
				wend_trace(s->w, "203.0.113.9", NULL, on_event, s, NULL), WEND_OK);
		}
		break;
	default:
		fail();
	}
}

static void test_trace(void **state)
{
	static const char *const targets[] = {"203.0.113.9", "fd00:9::9", "www.example.org"};

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct seen s = {.w = open_network()};
		uint64_t id;

		assert_int_equal(wend_trace(s.w, targets[i], NULL, on_event, &s, &id), WEND_OK);
		assert_int_equal(s.replies + s.done, 0); /* nothing from inside the call */
		assert_int_equal(wend_active(s.w), 1);
		assert_int_equal(wend_run(s.w, -1), WEND_OK);
		assert_int_equal(s.done, 1);
		assert_int_equal(wend_active(s.w), 0);
		assert_int_equal(s.end.id, id);
		assert_int_equal(s.end.stop, WEND_STOP_REACHED);
		assert_int_equal(s.end.err, WEND_OK);
		assert_true(s.end.reached);
		assert_int_equal(s.end.ttl, 4);
		assert_int_equal(s.at[1], 3);
		assert_int_equal(s.at[3], 0);
		assert_int_equal(s.at[4], 3);
		assert_true(s.end.sent >= 12);
		assert_string_equal(s.router, i == 1 ? "fd00:1::1" : "198.51.100.1");
		assert_int_equal(wend_cancel(s.w, id), WEND_ENOENT);
		assert_int_equal(wend_free(s.w), WEND_OK);
	}
}

/* By descriptor and time alone, as any event loop does it, and with a budget of one event. */
static void test_loop(void **state)
{
	struct seen s = {.w = open_network()};
	struct pollfd fd = {.fd = wend_fd(s.w), .events = POLLIN};
	unsigned rounds = 0;

	(void)state;
	assert_int_equal(wend_timeout_us(s.w), -1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(wend_trace(s.w, "203.0.113.9", NULL, on_event, &s, NULL), WEND_OK);
	assert_int_equal(wend_timeout_us(s.w), 0);
	while (s.done < 5) {
		assert_true(poll(&fd, 1, 5000) == 1);
		assert_in_range(wend_process(s.w, 1), 0, 1);
		assert_true(++rounds < 100000);
	}
	assert_true(rounds >= s.replies + s.lost + s.done);
	assert_int_equal(wend_free(s.w), WEND_OK);
}

static void test_pulled(void **state)
{
	unsigned replies = 0, done = 0;
	struct wend_event ev;
	wend *w = open_network();
	uint64_t id;

	(void)state;
	assert_int_equal(wend_next_event(w, &ev), WEND_EAGAIN);
	assert_int_equal(wend_trace(w, "203.0.113.9", NULL, NULL, &id, &id), WEND_OK);
	assert_int_equal(wend_run(w, -1), WEND_OK);
	assert_int_equal(wend_active(w), 1); /* its end was not taken */
	while (wend_next_event(w, &ev) == WEND_OK) {
		assert_ptr_equal(ev.user, &id);
		assert_int_equal(ev.id, id);
		assert_int_equal(done, 0);
		replies += ev.kind == WEND_REPLY;
		done += ev.kind == WEND_DONE;
	}
	assert_int_equal(done, 1);
	assert_true(replies >= 9);
	assert_int_equal(wend_active(w), 0);
	assert_int_equal(wend_free(w), WEND_OK);
}

static void test_cancel(void **state)
{
	struct seen s = {.w = open_network(), .cancel = 1};
	uint64_t id;

	(void)state;
	assert_int_equal(wend_trace(s.w, "203.0.113.9", NULL, on_event, &s, &id), WEND_OK);
	assert_int_equal(wend_run(s.w, -1), WEND_OK);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.end.stop, WEND_STOP_CANCELED);
	assert_int_equal(s.end.err, WEND_ECANCELED);
	/* Before it began, too; and at once, twice. */
	s.cancel = 0;
	assert_int_equal(wend_trace(s.w, "203.0.113.9", NULL, on_event, &s, &id), WEND_OK);
	assert_int_equal(wend_cancel(s.w, id), WEND_OK);
	assert_int_equal(wend_cancel(s.w, id), WEND_OK);
	assert_int_equal(s.done, 1);
	assert_int_equal(wend_run(s.w, -1), WEND_OK);
	assert_int_equal(s.done, 2);
	assert_int_equal(s.end.err, WEND_ECANCELED);
	assert_int_equal(wend_cancel(s.w, 0), WEND_ENOENT);
	assert_int_equal(wend_cancel(s.w, UINT64_MAX), WEND_ENOENT);
	assert_int_equal(wend_free(s.w), WEND_OK);
}

/* What is under way when all is freed tells its end, once. */
static void test_free_in_mid_flight(void **state)
{
	struct seen s = {.w = open_topology(far_network)};

	(void)state;
	for (int i = 0; i < MANY; i++)
		assert_int_equal(wend_trace(s.w, "203.0.113.9", NULL, on_event, &s, NULL), WEND_OK);
	assert_in_range(wend_process(s.w, 10), 0, 10);
	assert_int_equal(wend_trace(s.w, "203.0.113.9", NULL, NULL, NULL, NULL), WEND_OK);
	assert_int_equal(wend_free(s.w), WEND_OK);
	assert_int_equal(s.done, MANY);
	assert_int_equal(s.end.err, WEND_ECANCELED);
}

static void test_many(void **state)
{
	struct seen s = {.w = open_network(), .restarts = MANY};
	wend_options *o;

	(void)state;
	assert_int_equal(wend_options_new(&o), WEND_OK);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(wend_options_set_protocol(o, i % 3), WEND_OK);
		assert_int_equal(wend_trace(s.w, "203.0.113.9", o, on_event, &s, NULL), WEND_OK);
	}
	wend_options_free(o);
	assert_int_equal(wend_run(s.w, -1), WEND_OK);
	assert_int_equal(s.done, 2 * MANY);
	assert_int_equal(s.at[1], 2 * MANY * 3);
	assert_int_equal(s.at[4], 2 * MANY * 3);
	assert_int_equal(wend_free(s.w), WEND_OK);
}

/* What waits to be told does not grow with the number of traces. */
static void test_told_in_portions(void **state)
{
	struct seen s = {.w = open_network()};
	struct pollfd fd = {.fd = wend_fd(s.w), .events = POLLIN};
	int most = 0;

	(void)state;
	for (int i = 0; i < 8 * MANY; i++)
		assert_int_equal(wend_trace(s.w, "203.0.113.9", NULL, on_event, &s, NULL), WEND_OK);
	while (s.done < 8 * MANY) {
		int told;

		assert_true(poll(&fd, 1, 5000) == 1);
		told = wend_process(s.w, 0);
		most = told > most ? told : most;
	}
	assert_in_range(most, 1000, 8192);
	assert_int_equal(wend_free(s.w), WEND_OK);
}

static void test_probe(void **state)
{
	struct seen s = {.w = open_network()};
	wend_options *o;

	(void)state;
	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set(o, "wait", "300ms"), WEND_OK);
	assert_int_equal(wend_probe(s.w, "203.0.113.9", 2, o, on_event, &s, NULL), WEND_OK);
	assert_int_equal(wend_run(s.w, -1), WEND_OK);
	assert_int_equal(s.replies + s.lost, 1);
	assert_int_equal(s.at[2], 1);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.end.sent, 1);
	assert_int_equal(wend_probe(s.w, "203.0.113.9", 3, o, on_event, &s, NULL), WEND_OK);
	assert_int_equal(wend_run(s.w, -1), WEND_OK);
	assert_int_equal(s.lost, 1);
	assert_int_equal(wend_probe(s.w, "203.0.113.9", 9, o, on_event, &s, NULL), WEND_OK);
	assert_int_equal(wend_run(s.w, -1), WEND_OK);
	assert_true(s.end.reached);
	assert_int_equal(s.replies, 2);
	assert_int_equal(wend_probe(s.w, "203.0.113.9", 0, o, on_event, &s, NULL), WEND_EUSAGE);
	assert_int_equal(wend_probe(s.w, "www.example.org", 1, o, on_event, &s, NULL), WEND_EUSAGE);
	wend_options_free(o);
	assert_int_equal(wend_free(s.w), WEND_OK);
}

static void expect_refused(const char *key, const char *value, const char *why)
{
	wend_options *o;

	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set(o, key, value), WEND_EUSAGE);
	if (!strstr(wend_options_error(o), why))
		fail_msg("%s", wend_options_error(o));
	wend_options_free(o);
}

static void test_mistakes(void **state)
{
	struct wend_config config = {.size = 4};
	char why[64] = "";
	wend_options *o;
	wend *w;

	(void)state;
	expect_refused("max-ttl", "0", "max-ttl");
	expect_refused("hop-limit", "3", "there is no option hop-limit");
	expect_refused("format", "json", "not one of a single trace");
	expect_refused("tcp-method", "sack", "syn or ack");
	assert_int_equal(wend_new(&config, &w), WEND_EINVAL);
	config = (struct wend_config){.size = sizeof(config), .topology = "hosts me"};
	assert_int_equal(wend_new(&config, &w), WEND_EPARSE);
	assert_null(w);
	config.error = why;
	config.error_size = sizeof(why);
	assert_int_equal(wend_new(&config, &w), WEND_EPARSE);
	assert_non_null(strstr(why, "line 1, column"));
	w = open_network();
	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set_first_ttl(o, 9), WEND_OK);
	assert_int_equal(wend_options_set_max_ttl(o, 3), WEND_OK);
	assert_int_equal(wend_trace(w, "203.0.113.9", o, on_event, NULL, NULL), WEND_EUSAGE);
	assert_non_null(strstr(wend_error(w), "first-ttl"));
	assert_int_equal(wend_trace(w, "", NULL, on_event, NULL, NULL), WEND_EUSAGE);
	assert_int_equal(wend_trace(w, "nowhere", NULL, on_event, NULL, NULL), WEND_ERESOLVE);
	assert_int_equal(wend_options_set_protocol(o, 3), WEND_EUSAGE);
	assert_int_equal(wend_active(w), 0);
	wend_options_free(o);
	assert_int_equal(wend_free(w), WEND_OK);
	assert_int_equal(wend_free(NULL), WEND_OK);
}

/* What a program of the first version has, which knows nothing of a pace. */
static void test_older_config(void **state)
{
	struct wend_config config;
	wend *w;

	(void)state;
	memset(&config, 0xff, sizeof(config));
	config.size = offsetof(struct wend_config, pps);
	config.backend = WEND_BACKEND_AUTO;
	config.topology = network;
	config.seed = 0;
	assert_int_equal(wend_new(&config, &w), WEND_OK);
	assert_int_equal(wend_free(w), WEND_OK);
	config.size++;
	assert_int_equal(wend_new(&config, &w), WEND_EINVAL);
	config.size = sizeof(config) + 8;
	assert_int_equal(wend_new(&config, &w), WEND_EINVAL);
}

/* Of a language that has no other way to say "none". */
static void test_nothing_given(void **state)
{
	struct wend_config config = {.size = sizeof(config), .topology = network};
	struct wend_path *path;
	wend_options *o;
	uint64_t id;
	wend *w;

	(void)state;
	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set(o, NULL, "1"), WEND_EINVAL);
	assert_int_equal(wend_options_set(o, "max-ttl", NULL), WEND_EINVAL);
	assert_int_equal(wend_options_set_source(o, NULL), WEND_EINVAL);
	assert_string_not_equal(wend_options_error(o), "");
	assert_int_equal(wend_new(&config, &w), WEND_OK);
	assert_int_equal(wend_trace(w, NULL, o, NULL, NULL, &id), WEND_EINVAL);
	assert_string_equal(wend_error(w), "no target was given");
	assert_int_equal(wend_probe(w, NULL, 1, o, NULL, NULL, &id), WEND_EINVAL);
	assert_int_equal(wend_lookup(w, NULL, NULL, NULL, &id), WEND_EINVAL);
	assert_int_equal(wend_can_probe(w, 9), WEND_EINVAL);
	assert_int_equal(wend_can_probe(w, WEND_TCP), WEND_OK);
	assert_int_equal(wend_free(w), WEND_OK);
	assert_int_equal(wend_traceroute(NULL, o, &config, &path), WEND_EINVAL);
	assert_string_equal(path->error, "no target was given");
	wend_path_free(path);
	wend_options_free(o);
}

static void test_pace_and_stats(void **state)
{
	struct wend_config config = {
		.size = sizeof(config), .topology = network, .pps_per_router = 100};
	struct wend_stats s = {.size = sizeof(s)}, first = {.size = 16};
	struct seen seen = {0};

	(void)state;
	assert_int_equal(wend_new(&config, &seen.w), WEND_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			wend_trace(seen.w, "203.0.113.9", NULL, on_event, &seen, NULL), WEND_OK);
	assert_int_equal(wend_stats(seen.w, &s), WEND_OK);
	assert_int_equal(s.size, sizeof(s));
	assert_int_equal(s.traces, 3);
	assert_int_equal(s.sent, 0);
	assert_int_equal(wend_run(seen.w, -1), WEND_OK);
	assert_int_equal(seen.at[1], 9); /* at 100 a second they took some 70 ms */
	assert_true(seen.end.at_ns > 60000000);
	assert_int_equal(wend_stats(seen.w, &s), WEND_OK);
	assert_int_equal(s.traces, 0);
	assert_true(s.sent >= 36);
	assert_true(s.waits_pace > 6);
	assert_int_equal(s.dropped + s.eagain + s.enobufs + s.waits_room, 0);
	/* Whoever knows less gets no more. */
	first.waits_pace = 77;
	assert_int_equal(wend_stats(seen.w, &first), WEND_OK);
	assert_int_equal(first.size, 16);
	assert_int_equal(first.sent, s.sent);
	assert_int_equal(first.waits_pace, 77);
	first.size = 4;
	assert_int_equal(wend_stats(seen.w, &first), WEND_EINVAL);
	assert_int_equal(wend_free(seen.w), WEND_OK);
}

/* Whichever allocation fails: what was started ends once, nothing is left. */
static void test_without_memory(void **state)
{
	struct wend_config config = {.size = sizeof(config), .topology = network};
	unsigned long live;
	wend_options *o;
	bool hit = true;

	(void)state;
	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set(o, "wait", "20ms,3,3"), WEND_OK);
	live = alloc_fault_live();
	for (unsigned long n = 1; hit; n++) {
		struct seen s = {0};
		unsigned started = 0;

		config.pps_per_router = n % 2 ? 0 : 2000;
		alloc_fault_arm((n + 1) / 2);
		if (wend_new(&config, &s.w) == WEND_OK) {
			for (int i = 0; i < 3; i++)
				started += wend_trace(s.w, "203.0.113.9", o, on_event, &s, NULL) ==
					   WEND_OK;
			assert_int_equal(wend_run(s.w, 5000000), WEND_OK);
			assert_int_equal(wend_free(s.w), WEND_OK);
		}
		hit = alloc_fault_disarm() || n % 2;
		assert_int_equal(s.done, started);
		assert_int_equal(alloc_fault_live(), live);
		assert_true(n < 5000);
	}
	wend_options_free(o);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(wend_version(), WEND_VERSION);
	assert_string_equal(wend_version_text(), WEND_VERSION_TEXT);
	assert_string_equal(wend_err_name(WEND_ENOROUTE), "no-route");
	assert_string_equal(wend_stop_name(WEND_STOP_CANCELED), "canceled");
	assert_string_equal(wend_stop_name(99), "unknown");
	assert_non_null(wend_err_text(4711));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_pulled),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_free_in_mid_flight),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_told_in_portions),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_older_config),
		cmocka_unit_test(test_nothing_given),
		cmocka_unit_test(test_pace_and_stats),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
