/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of their own for each of several traces in one context, both IP versions at once: what
 * leaves is read by ordinary sockets at the targets, in a namespace of our own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wend/wend.h>
#include "ns.h"

struct trace {
	const char *target, *source;
	uint16_t port, source_port;
	uint8_t first_ttl;
};

static const struct trace traces[] = {
	{"127.0.0.5", "127.0.0.3", 40005, 50005, 1},
	{"fd00::5", "fd00::3", 40006, 50006, 2},
	{"127.0.0.6", "127.0.0.4", 40007, 50007, 3},
	{"fd00::6", "fd00::4", 40008, 50008, 4},
};
#define TRACES (sizeof(traces) / sizeof(traces[0]))

static void fill(struct sockaddr_storage *at, const char *address, uint16_t port)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)at;
	struct sockaddr_in *four = (struct sockaddr_in *)at;

	memset(at, 0, sizeof(*at));
	at->ss_family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (at->ss_family == AF_INET6) {
		six->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, address, &six->sin6_addr), 1);
	} else {
		four->sin_port = htons(port);
		assert_int_equal(inet_pton(AF_INET, address, &four->sin_addr), 1);
	}
}

static int listen_at(const struct trace *t)
{
	struct sockaddr_storage at;
	int fd, one = 1;

	fill(&at, t->target, t->port);
	fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (at.ss_family == AF_INET)
		assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)), 0);
	else
		assert_int_equal(
			setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void expect_packet(int fd, const struct trace *t, int ttl)
{
	struct sockaddr_storage from, want;
	char bytes[2048], control[256];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct msghdr msg = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	int got_ttl;

	memset(&from, 0, sizeof(from));
	assert_true(recvmsg(fd, &msg, 0) > 0);
	fill(&want, t->source, t->source_port);
	assert_memory_equal(&from, &want, sizeof(struct sockaddr_in6));
	assert_non_null(CMSG_FIRSTHDR(&msg));
	memcpy(&got_ttl, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got_ttl));
	assert_int_equal(got_ttl, ttl);
}

static void on_event(void *user, const struct wend_event *ev)
{
	unsigned *done = user;

	if (ev->kind != WEND_DONE)
		return;
	assert_int_equal(ev->err, WEND_OK);
	(*done)++;
}

static void start(wend *w, const struct trace *t, unsigned *done)
{
	wend_options *o;

	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set_source(o, t->source), WEND_OK);
	assert_int_equal(wend_options_set_interface(o, "lo"), WEND_OK);
	assert_int_equal(wend_options_set_port(o, t->port), WEND_OK);
	assert_int_equal(wend_options_set_source_port(o, t->source_port), WEND_OK);
	assert_int_equal(wend_options_set_first_ttl(o, t->first_ttl), WEND_OK);
	assert_int_equal(wend_options_set_max_ttl(o, t->first_ttl), WEND_OK);
	assert_int_equal(wend_options_set_probes(o, 2), WEND_OK);
	assert_int_equal(wend_options_set_wait_ns(o, 30000000), WEND_OK);
	assert_int_equal(wend_options_set_deadline_ns(o, 5000000000), WEND_OK);
	assert_int_equal(wend_options_set_names(o, 0), WEND_OK);
	if (wend_trace(w, t->target, o, on_event, done, NULL) != WEND_OK)
		fail_msg("%s", wend_error(w));
	wend_options_free(o);
}

/* Listening programs answer nothing: all that is looked at is what arrives. */
static void test_each_its_own(void **state)
{
	int fds[TRACES];
	unsigned done = 0;
	wend *w;

	(void)state;
	for (size_t i = 0; i < TRACES; i++)
		fds[i] = listen_at(&traces[i]);
	assert_int_equal(wend_new(NULL, &w), WEND_OK);
	for (size_t i = 0; i < TRACES; i++)
		start(w, &traces[i], &done);
	assert_int_equal(wend_active(w), TRACES);
	assert_int_equal(wend_run(w, 20000000), WEND_OK);
	assert_int_equal(done, TRACES);
	for (size_t i = 0; i < TRACES; i++) {
		expect_packet(fds[i], &traces[i], traces[i].first_ttl);
		expect_packet(fds[i], &traces[i], traces[i].first_ttl);
		assert_true(recv(fds[i], &(char){0}, 1, 0) < 0);
		close(fds[i]);
	}
	assert_int_equal(wend_free(w), WEND_OK);
}

/* What is not there on this machine is said by name, at once. */
static void test_not_here(void **state)
{
	unsigned done = 0;
	wend_options *o;
	wend *w;

	(void)state;
	assert_int_equal(wend_new(NULL, &w), WEND_OK);
	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set_interface(o, "nowhere0"), WEND_OK);
	assert_int_equal(wend_trace(w, "127.0.0.5", o, on_event, &done, NULL), WEND_EIFACE);
	assert_non_null(strstr(wend_error(w), "nowhere0"));
	wend_options_free(o);
	assert_int_equal(wend_options_new(&o), WEND_OK);
	assert_int_equal(wend_options_set_source(o, "192.0.2.77"), WEND_OK);
	assert_int_equal(wend_trace(w, "127.0.0.5", o, on_event, &done, NULL), WEND_EADDRNOTAVAIL);
	assert_non_null(strstr(wend_error(w), "192.0.2.77"));
	assert_int_equal(wend_trace(w, "fd00::5", o, on_event, &done, NULL), WEND_EUSAGE);
	wend_options_free(o);
	assert_int_equal(wend_active(w), 0);
	assert_int_equal(wend_free(w), WEND_OK);
	assert_int_equal(done, 0);
}

static bool take_addresses(void)
{
	for (int i = 3; i <= 6; i++) {
		char six[] = "fd00::0";

		six[6] = (char)('0' + i);
		if (!ns_address(six, 128, true))
			return false;
	}
	return true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_its_own),
		cmocka_unit_test(test_not_here),
	};

	if (!ns_enter() || !take_addresses()) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
