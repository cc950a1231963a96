/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up privileges, in child processes: as the root or user who runs this, and as the root of a
 * user namespace. Each child does everything that must be refused afterwards, and what must go on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ns.h"
#include "os/os.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			die(#cond, __LINE__);                                                      \
	} while (0)

__attribute__((noreturn)) static void die(const char *what, int line)
{
	fprintf(stderr, "# line %d: %s (%s)\n", line, what, strerror(errno));
	_exit(1);
}

static bool can_open(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A raw socket from before still sends to ourselves and hears it. */
static void use_raw(int fd)
{
	struct sockaddr_in self = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	/* An echo reply, which nobody answers. */
	uint8_t message[8] = {0, 0, 0xff, 0xff}, got[64];

	CHECK(sendto(fd, message, 8, 0, (struct sockaddr *)&self, sizeof(self)) == 8);
	CHECK(recv(fd, got, sizeof(got), 0) == 28);
}

/* The second fence stands as far as kernel and build have the means. */
static void must_be_fenced(void)
{
	bool files = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* asks the version */) >= 1;
	bool calls = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;

	if (files) {
		CHECK(open("/tmp/wend-privs-test", O_WRONLY | O_CREAT, 0600) < 0);
		CHECK(open("/bin/sh", O_RDONLY) < 0);
	}
	if (calls)
		CHECK(unshare(CLONE_NEWUSER) != 0 && errno == EPERM);
	if (!files && !calls)
		return;
	execl("/bin/true", "true", (char *)NULL); /* does not return if it may */
	CHECK(errno == EPERM || errno == EACCES);
}

static void must_be_refused(int report)
{
	struct wn_os_privs privs;

	wn_os_privs_get(&privs);
	CHECK(!privs.net_raw && !privs.net_admin);
	CHECK(!can_open(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	CHECK(!can_open(AF_PACKET, SOCK_RAW, 0));
	CHECK(setsockopt(report, SOL_SOCKET, SO_MARK, &(int){1}, sizeof(int)) != 0);
	if (getuid() != 0)
		CHECK(setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	must_be_fenced();
}

static void must_work(void)
{
	struct wn_addr self;
	struct wn_os_route route;
	struct sockaddr_in closed = {
		.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* Resolvers ask over UDP and TCP and read /etc; TCP mode connects. */
	CHECK(can_open(AF_INET, SOCK_DGRAM, 0) && can_open(AF_INET6, SOCK_DGRAM, 0));
	CHECK(fd >= 0);
	CHECK(connect(fd, (struct sockaddr *)&closed, sizeof(closed)) < 0 && errno == ECONNREFUSED);
	CHECK(wn_addr_parse("127.0.0.1", &self) == WN_OK);
	CHECK(wn_os_route_get(&self, NULL, NULL, 0, &route, NULL) == WN_OK && route.local);
	CHECK(wn_os_monitor_open() >= 0);
	CHECK(open("/etc/passwd", O_RDONLY) >= 0);
}

static void drop_and_look(bool have_raw)
{
	int raw = -1, report = open("/dev/null", O_WRONLY), udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct wn_errctx ctx = {0};

	if (have_raw) {
		raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
		CHECK(raw >= 0);
	}
	if (wn_os_privs_drop(&ctx) != WN_OK) {
		fprintf(stderr, "# %s\n", ctx.text);
		_exit(1);
	}
	must_be_refused(udp);
	must_work();
	CHECK(write(report, "x", 1) == 1); /* open files go on */
	if (raw >= 0)
		use_raw(raw);
	/* Dropping what is gone is no error. */
	CHECK(wn_os_privs_drop(&ctx) == WN_OK);
}

/* Raw sockets can be opened all along, and nothing else is left. */
static void drop_but_raw(bool have_raw)
{
	struct wn_errctx ctx = {0};
	struct wn_os_privs privs;

	if (wn_os_privs_drop_but_raw(&ctx) != WN_OK) {
		fprintf(stderr, "# %s\n", ctx.text);
		_exit(1);
	}
	wn_os_privs_get(&privs);
	CHECK(privs.net_raw == have_raw && !privs.net_admin);
	CHECK(can_open(AF_INET, SOCK_RAW, IPPROTO_ICMP) == have_raw);
	CHECK(can_open(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) == have_raw);
	if (getuid() != 0)
		CHECK(setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
	must_be_fenced();
	must_work();
	/* What was kept can be dropped later. */
	CHECK(wn_os_privs_drop(&ctx) == WN_OK);
	CHECK(!can_open(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static void run(void (*body)(void))
{
	pid_t child = fork();
	int status = -1;

	assert_true(child >= 0);
	if (child == 0) {
		body();
		_exit(42);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

static void as_we_are(void)
{
	struct wn_os_privs privs;
	uid_t was = getuid();

	wn_os_privs_get(&privs);
	drop_and_look(privs.net_raw);
	CHECK(getuid() == (was ? was : 65534));
	CHECK(geteuid() == getuid());
}

static void but_raw_as_we_are(void)
{
	struct wn_os_privs privs;
	uid_t was = getuid();

	wn_os_privs_get(&privs);
	drop_but_raw(privs.net_raw);
	CHECK(getuid() == (was ? was : 65534));
	CHECK(geteuid() == getuid());
}

static void enter_namespace(void)
{
	char map[32];
	FILE *f;
	uid_t uid = getuid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		_exit(77);
	snprintf(map, sizeof(map), "0 %u 1\n", (unsigned)uid);
	f = fopen("/proc/self/setgroups", "w");
	if (f) {
		fputs("deny", f);
		fclose(f);
	}
	f = fopen("/proc/self/uid_map", "w");
	if (!f || fputs(map, f) < 0 || fclose(f) != 0)
		_exit(77);
	CHECK(getuid() == 0);
	CHECK(ns_link("lo", true));
}

static void as_root_of_a_namespace(void)
{
	enter_namespace();
	/* Nobody is not mapped here: the id stays, and is worth nothing without capabilities. */
	drop_and_look(true);
	CHECK(getuid() == 0);
}

static void but_raw_as_root_of_a_namespace(void)
{
	enter_namespace();
	drop_but_raw(true);
	CHECK(getuid() == 0);
}

static void test_as_we_are(void **state)
{
	(void)state;
	run(as_we_are);
}

static void test_in_a_namespace(void **state)
{
	(void)state;
	run(as_root_of_a_namespace);
}

static void test_but_raw_as_we_are(void **state)
{
	(void)state;
	run(but_raw_as_we_are);
}

static void test_but_raw_in_a_namespace(void **state)
{
	(void)state;
	run(but_raw_as_root_of_a_namespace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_we_are),
		cmocka_unit_test(test_in_a_namespace),
		cmocka_unit_test(test_but_raw_as_we_are),
		cmocka_unit_test(test_but_raw_in_a_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
