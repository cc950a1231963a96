/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names through the library: of those who answer on loopback, against a DNS server of ours
 * that helps or keeps silent, and in simulated networks.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <wend/wend.h>
#include "alloc_fault.h"
#include "dns_server.h"

#define MS    INT64_C(1000000)
#define MANY  200
#define TABLE 4096 /* names that a context keeps */

static const struct dns_entry zone[] = {
	{"2.0.0.127.in-addr.arpa", DNS_TYPE_PTR, DNS_ANSWER, "two.example", 0},
	{"3.0.0.127.in-addr.arpa", DNS_TYPE_PTR, DNS_NEGATIVE, "", DNS_RCODE_NO_NAME},
	{"4.0.0.127.in-addr.arpa", DNS_TYPE_PTR, DNS_SILENT, "", 0},
	{"5.0.0.127.in-addr.arpa", DNS_TYPE_PTR, DNS_ANSWER, "192.0.2.99", 0},
	{"6.0.0.127.in-addr.arpa", DNS_TYPE_PTR, DNS_RAW_LABEL, "x\x1b[2Jy", 0},
	{"four.example", DNS_TYPE_A, DNS_ANSWER, "127.0.0.2", 0},
	{"four.example", DNS_TYPE_AAAA, DNS_ANSWER, "::1", 0},
	{"dead.example", DNS_TYPE_A, DNS_SILENT, "", 0},
	{"dead.example", DNS_TYPE_AAAA, DNS_SILENT, "", 0},
};

static const char network[] = "source me\ntarget dst\n"
			      "host me addr 192.0.2.1\n"
			      "node r1 addr 198.51.100.1 name r1.example\n"
			      "node r2 addr 198.51.100.2\n"
			      "host dst addr 203.0.113.9 name www.example\n"
			      "link me r1 delay 100us\nlink r1 r2 delay 100us\n"
			      "link r2 dst delay 100us\n";

struct seen {
	wend *w;
	struct dns_server server;
	wend_options *o;
	unsigned replies, names, done;
	char name[8][64]; /* by their order */
	char address[8][WEND_ADDRESS_TEXT];
	int err[8];
	unsigned errors[3]; /* none, no room, others */
	struct wend_event end;
	bool cancel_at_reply;
};

static void take(struct seen *s, const struct wend_event *ev)
{
	assert_non_null(ev->name);
	assert_int_equal(ev->kind == WEND_NAME || ev->name[0] == '\0', 1);
	if (ev->kind == WEND_REPLY) {
		s->replies++;
		if (s->cancel_at_reply)
			assert_int_equal(wend_cancel(s->w, ev->id), WEND_OK);
	} else if (ev->kind == WEND_NAME) {
		if (s->names < 8) {
			strncpy(s->name[s->names], ev->name, sizeof(s->name[0]) - 1);
			wend_event_address(ev, s->address[s->names]);
			s->err[s->names] = ev->err;
		}
		s->names++;
	} else if (ev->kind == WEND_DONE) {
		s->done++;
		s->end = *ev;
	}
}

static void on_event(void *user, const struct wend_event *ev)
{
	take(user, ev);
}

static void open_loopback(struct seen *s)
{
	struct wend_config config = {.size = sizeof(config)};

	memset(s, 0, sizeof(*s));
	dns_server_open(&s->server, zone, sizeof(zone) / sizeof(zone[0]));
	config.resolver = s->server.address;
	assert_int_equal(wend_new(&config, &s->w), WEND_OK);
	assert_int_equal(wend_options_new(&s->o), WEND_OK);
	assert_int_equal(wend_options_set(s->o, "numeric", "no"), WEND_OK);
}

static void close_loopback(struct seen *s)
{
	assert_int_equal(wend_free(s->w), WEND_OK);
	wend_options_free(s->o);
	dns_server_close(&s->server);
}

/* Both ends in one loop, until `done` have ended or nothing happens for so long. */
static void pump(struct seen *s, unsigned done, int ms)
{
	struct pollfd fds[2] = {
		{.fd = wend_fd(s->w), .events = POLLIN}, {.fd = s->server.fd, .events = POLLIN}};

	while (s->done < done && poll(fds, 2, ms) > 0) {
		if (fds[1].revents)
			dns_server_answer(&s->server);
		if (fds[0].revents)
			wend_process(s->w, 0);
	}
}

static void test_off_by_default(void **state)
{
	struct seen s;

	(void)state;
	open_loopback(&s);
	assert_int_equal(wend_trace(s.w, "127.0.0.2", NULL, on_event, &s, NULL), WEND_OK);
	pump(&s, 1, 5000);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.names, 0);
	assert_int_equal(s.server.questions, 0);
	close_loopback(&s);
}

static void test_trace(void **state)
{
	static const struct {
		const char *target, *name;
		int err;
	} cases[] = {{"127.0.0.2", "two.example", WEND_OK}, {"127.0.0.3", "", WEND_ENOENT},
		{"127.0.0.5", "", WEND_ERESOLVE}, {"127.0.0.6", "", WEND_ERESOLVE}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen s;

		open_loopback(&s);
		assert_int_equal(
			wend_trace(s.w, cases[i].target, s.o, on_event, &s, NULL), WEND_OK);
		pump(&s, 1, 5000);
		assert_int_equal(s.done, 1);
		assert_true(s.replies >= 3);
		assert_int_equal(s.names, 1); /* once, whoever often it answered */
		assert_int_equal(s.err[0], cases[i].err);
		assert_string_equal(s.name[0], cases[i].name);
		assert_string_equal(s.address[0], cases[i].target);
		assert_int_equal(s.end.stop, WEND_STOP_REACHED);
		assert_int_equal(s.end.err, WEND_OK);
		close_loopback(&s);
	}
}

/* Many traces by the same router are one question, and so are later ones. */
static void test_asked_once(void **state)
{
	struct seen s;

	(void)state;
	open_loopback(&s);
	for (int i = 0; i < 20; i++)
		assert_int_equal(wend_trace(s.w, "127.0.0.2", s.o, on_event, &s, NULL), WEND_OK);
	pump(&s, 20, 5000);
	assert_int_equal(s.names, 20);
	assert_int_equal(wend_trace(s.w, "127.0.0.2", s.o, on_event, &s, NULL), WEND_OK);
	pump(&s, 21, 5000);
	assert_int_equal(s.names, 21);
	assert_int_equal(s.server.questions, 1);
	close_loopback(&s);
}

/* The end does not wait for ever. */
static void test_silent_server(void **state)
{
	struct seen s;

	(void)state;
	open_loopback(&s);
	assert_int_equal(wend_trace(s.w, "127.0.0.4", s.o, on_event, &s, NULL), WEND_OK);
	pump(&s, 1, 5000);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.names, 1); /* that there is none to be had */
	assert_string_equal(s.name[0], "");
	assert_int_equal(s.end.stop, WEND_STOP_REACHED);
	assert_in_range(s.end.at_ns, 900 * MS, 2500 * MS);
	assert_int_equal(wend_active(s.w), 0);
	close_loopback(&s);
}

static void test_lookup(void **state)
{
	struct seen s;
	uint64_t id;

	(void)state;
	open_loopback(&s);
	assert_int_equal(wend_lookup(s.w, "127.0.0.2", on_event, &s, &id), WEND_OK);
	assert_int_equal(s.names + s.done, 0); /* nothing from inside the call */
	assert_int_equal(wend_active(s.w), 1);
	pump(&s, 1, 5000);
	assert_string_equal(s.name[0], "two.example");
	assert_int_equal(s.end.id, id);
	assert_int_equal(s.end.err, WEND_OK);
	assert_int_equal(s.end.family, 4);
	assert_int_equal(wend_cancel(s.w, id), WEND_ENOENT);
	assert_int_equal(wend_lookup(s.w, "127.0.0.2", on_event, &s, &id), WEND_OK); /* known */
	pump(&s, 2, 5000);
	assert_int_equal(s.names, 2);
	assert_int_equal(wend_lookup(s.w, "127.0.0.3", on_event, &s, &id), WEND_OK);
	pump(&s, 3, 5000);
	assert_int_equal(s.end.err, WEND_ENOENT);
	assert_int_equal(wend_lookup(s.w, "two.example", on_event, &s, &id), WEND_EUSAGE);
	assert_int_equal(wend_lookup(s.w, "127.0.0.4", on_event, &s, &id), WEND_OK);
	pump(&s, 4, 5000);
	assert_int_equal(s.end.err, WEND_ERESOLVE);
	close_loopback(&s);
}

static void test_cancel(void **state)
{
	struct wend_event ev;
	struct seen s;
	uint64_t id;

	(void)state;
	open_loopback(&s);
	/* While DNS is asked for a name, for a target, and before it is. */
	assert_int_equal(wend_lookup(s.w, "127.0.0.4", on_event, &s, &id), WEND_OK);
	pump(&s, 1, 20);
	assert_int_equal(wend_cancel(s.w, id), WEND_OK);
	assert_int_equal(s.done, 0);
	wend_process(s.w, 0);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.end.stop, WEND_STOP_CANCELED);
	assert_int_equal(s.end.err, WEND_ECANCELED);
	assert_int_equal(wend_trace(s.w, "dead.example", s.o, on_event, &s, &id), WEND_OK);
	pump(&s, 2, 20);
	assert_int_equal(wend_cancel(s.w, id), WEND_OK);
	wend_process(s.w, 0);
	assert_int_equal(s.done, 2);
	assert_int_equal(wend_trace(s.w, "four.example", s.o, on_event, &s, &id), WEND_OK);
	assert_int_equal(wend_cancel(s.w, id), WEND_OK);
	wend_process(s.w, 0);
	assert_int_equal(s.done, 3);
	assert_int_equal(s.end.err, WEND_ECANCELED);
	/* A trace that has ended but for its names, and one in a callback. */
	assert_int_equal(wend_trace(s.w, "127.0.0.4", s.o, NULL, &s, &id), WEND_OK);
	pump(&s, 4, 50);
	while (wend_next_event(s.w, &ev) == WEND_OK)
		take(&s, &ev);
	assert_int_equal(s.done, 3);
	assert_int_equal(wend_cancel(s.w, id), WEND_OK);
	assert_int_equal(wend_next_event(s.w, &ev), WEND_OK);
	assert_int_equal(ev.kind, WEND_DONE);
	s.cancel_at_reply = true;
	assert_int_equal(wend_trace(s.w, "127.0.0.2", s.o, on_event, &s, &id), WEND_OK);
	pump(&s, 4, 1000);
	assert_int_equal(s.done, 4);
	assert_int_equal(wend_active(s.w), 0);
	close_loopback(&s);
}

static void test_free_in_mid_flight(void **state)
{
	struct seen s;

	(void)state;
	open_loopback(&s);
	for (int i = 0; i < MANY; i++) {
		static const char *const targets[] = {"127.0.0.4", "dead.example", "127.0.0.2"};

		assert_int_equal(wend_trace(s.w, targets[i % 3], s.o, on_event, &s, NULL), WEND_OK);
		assert_int_equal(wend_lookup(s.w, "127.0.0.4", on_event, &s, NULL), WEND_OK);
	}
	assert_int_equal(wend_lookup(s.w, "127.0.0.2", NULL, &s, NULL), WEND_OK);
	pump(&s, 1, 50);
	close_loopback(&s);
	assert_int_equal(s.done, 2 * MANY);
}

/* More names of targets than DNS is asked at once: they wait, none is refused. */
static void test_many_targets(void **state)
{
	struct seen s;

	(void)state;
	open_loopback(&s);
	for (int i = 0; i < 8 * MANY; i++)
		assert_int_equal(wend_trace(s.w, i % 2 ? "four.example" : "nobody.example", s.o,
					 on_event, &s, NULL),
			WEND_OK);
	pump(&s, 8 * MANY, 5000);
	assert_int_equal(s.done, 8 * MANY);
	assert_int_equal(wend_active(s.w), 0);
	close_loopback(&s);
}

static void count_errors(void *user, const struct wend_event *ev)
{
	struct seen *s = user;

	if (ev->kind == WEND_NAME)
		s->errors[ev->err == WEND_EFULL ? 1 : ev->err == WEND_ENOENT ? 0 : 2]++;
	else
		take(s, ev);
}

/* The table is bounded: those for whom there is no room are told so, and what is known gives way.
 */
static void test_more_than_the_table(void **state)
{
	char text[32];
	struct seen s;

	(void)state;
	open_loopback(&s);
	for (unsigned i = 0; i < TABLE + MANY; i++) {
		snprintf(text, sizeof(text), "127.1.%u.%u", i / 200 + 1, i % 200 + 1);
		assert_int_equal(wend_lookup(s.w, text, count_errors, &s, NULL), WEND_OK);
	}
	pump(&s, TABLE + MANY, 5000);
	assert_int_equal(s.done, TABLE + MANY);
	assert_int_equal(s.errors[0], TABLE);
	assert_int_equal(s.errors[1], MANY);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "127.2.1.%u", i + 1);
		assert_int_equal(wend_lookup(s.w, text, count_errors, &s, NULL), WEND_OK);
	}
	pump(&s, TABLE + 2 * MANY, 5000);
	assert_int_equal(s.errors[0], TABLE + MANY);
	assert_int_equal(s.errors[2], 0);
	assert_int_equal(s.server.questions, TABLE + MANY);
	close_loopback(&s);
}

static void test_simulated(void **state)
{
	struct wend_config config = {.size = sizeof(config), .topology = network};
	struct seen s = {0};

	(void)state;
	assert_int_equal(wend_new(&config, &s.w), WEND_OK);
	assert_int_equal(wend_options_new(&s.o), WEND_OK);
	assert_int_equal(wend_options_set(s.o, "numeric", "no"), WEND_OK);
	assert_int_equal(wend_trace(s.w, "www.example", s.o, on_event, &s, NULL), WEND_OK);
	assert_int_equal(wend_run(s.w, -1), WEND_OK);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.names, 3);
	assert_string_equal(s.name[0], "r1.example");
	assert_string_equal(s.name[1], "");
	assert_int_equal(s.err[1], WEND_ENOENT);
	assert_string_equal(s.name[2], "www.example");
	assert_int_equal(wend_lookup(s.w, "198.51.100.1", on_event, &s, NULL), WEND_OK);
	assert_int_equal(wend_run(s.w, -1), WEND_OK);
	assert_string_equal(s.name[3], "r1.example");
	assert_int_equal(wend_free(s.w), WEND_OK);
	wend_options_free(s.o);
}

/* The name of an event that was pulled stays until the next one is. */
static void test_pulled(void **state)
{
	struct wend_event ev, last;
	struct seen s;

	(void)state;
	open_loopback(&s);
	assert_int_equal(wend_lookup(s.w, "127.0.0.2", NULL, NULL, NULL), WEND_OK);
	while (wend_next_event(s.w, &ev) != WEND_OK)
		pump(&s, 1, 10);
	wend_process(s.w, 0);
	assert_string_equal(ev.name, "two.example");
	assert_int_equal(wend_next_event(s.w, &last), WEND_OK);
	assert_int_equal(last.kind, WEND_DONE);
	assert_string_equal(last.name, "");
	close_loopback(&s);
}

static void test_mistakes(void **state)
{
	struct wend_config config = {.size = sizeof(config), .resolver = "nonsense"};
	wend *w;

	(void)state;
	assert_int_equal(wend_new(&config, &w), WEND_EUSAGE);
	assert_null(w);
}

/* Whichever allocation fails: what was started ends once, nothing is left. */
static void test_without_memory(void **state)
{
	unsigned long live = alloc_fault_live();
	bool hit = true;

	(void)state;
	for (unsigned long n = 1; hit; n++) {
		struct wend_config config = {.size = sizeof(config)};
		struct seen s = {0};
		unsigned started = 0;

		dns_server_open(&s.server, zone, sizeof(zone) / sizeof(zone[0]));
		config.resolver = s.server.address;
		assert_int_equal(wend_options_new(&s.o), WEND_OK);
		assert_int_equal(wend_options_set(s.o, "numeric", "no"), WEND_OK);
		assert_int_equal(wend_options_set(s.o, "wait", "20ms,3,3"), WEND_OK);
		alloc_fault_arm(n);
		if (wend_new(&config, &s.w) == WEND_OK) {
			started += wend_trace(s.w, "127.0.0.2", s.o, on_event, &s, NULL) == WEND_OK;
			started +=
				wend_trace(s.w, "four.example", s.o, on_event, &s, NULL) == WEND_OK;
			started += wend_lookup(s.w, "127.0.0.3", on_event, &s, NULL) == WEND_OK;
			pump(&s, started, 5000);
			assert_int_equal(wend_free(s.w), WEND_OK);
		}
		hit = alloc_fault_disarm();
		assert_int_equal(s.done, started);
		wend_options_free(s.o);
		dns_server_close(&s.server);
		assert_int_equal(alloc_fault_live(), live);
		assert_true(n < 5000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off_by_default),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_asked_once),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_free_in_mid_flight),
		cmocka_unit_test(test_many_targets),
		cmocka_unit_test(test_more_than_the_table),
		cmocka_unit_test(test_simulated),
		cmocka_unit_test(test_pulled),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
