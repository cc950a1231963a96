/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a back end when something is missing: each allocation and each descriptor in turn. It
 * fails with an error and gives back everything, or does without.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>
#include "alloc_fault.h"
#include "iokit.h"

static const struct {
	kit_opener *opener;
	enum wn_proto proto;
	const char *dst;
} backends[] = {
	{wn_io_raw_open, WN_PROTO_UDP, "127.0.0.1"},
	{wn_io_raw_open, WN_PROTO_TCP, "::1"},
	{wn_io_raw_open, WN_PROTO_ICMP, "127.0.0.1"},
	{wn_io_errqueue_open, WN_PROTO_UDP, "::1"},
	{wn_io_errqueue_open, WN_PROTO_ICMP, "127.0.0.1"},
	{wn_io_errqueue_open, WN_PROTO_TCP, "127.0.0.1"},
};
#define BACKENDS (sizeof(backends) / sizeof(backends[0]))

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;
	struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

static rlim_t lowest_free(void)
{
	int fd = dup(0);

	assert_true(fd >= 0);
	close(fd);
	return (rlim_t)fd;
}

static struct wn_io_config config_of(size_t i)
{
	struct wn_io_config c = kit_config(backends[i].proto, backends[i].dst, 33434);

	c.port_span = 3;
	return c;
}

static void test_without_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < BACKENDS; i++) {
		struct wn_io_config c = config_of(i);
		unsigned files = open_files();
		unsigned long live = alloc_fault_live(), nth;

		for (nth = 1; nth < 1000; nth++) {
			struct wn_errctx ctx = {0};
			struct wn_io *io;
			wn_err err;

			alloc_fault_arm(nth);
			err = backends[i].opener(&c, &io, &ctx);
			if (!alloc_fault_disarm()) {
				assert_int_equal(err, WN_OK);
				io->ops->close(io);
				break;
			}
			assert_int_equal(err, WN_ENOMEM);
			assert_int_equal(ctx.code, WN_ENOMEM);
			assert_null(io);
			assert_int_equal(open_files(), files);
			assert_int_equal(alloc_fault_live(), live);
		}
		assert_true(nth > 3 && nth < 1000);
		assert_int_equal(alloc_fault_live(), live);
	}
}

static void test_without_descriptors(void **state)
{
	struct rlimit was;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	for (size_t i = 0; i < BACKENDS; i++) {
		struct wn_io_config c = config_of(i);
		struct wn_io *io = NULL;
		unsigned files = open_files(), spare;
		unsigned long live = alloc_fault_live();

		for (spare = 0; spare < 100 && !io; spare++) {
			struct rlimit few = {
				.rlim_cur = lowest_free() + spare, .rlim_max = was.rlim_max};
			struct wn_errctx ctx = {0};
			wn_err err;

			assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
			err = backends[i].opener(&c, &io, &ctx);
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
			if (err == WN_OK)
				continue;
			assert_null(io);
			assert_true(ctx.text[0] != '\0');
			assert_int_equal(open_files(), files);
			assert_int_equal(alloc_fault_live(), live);
		}
		assert_non_null(io);
		assert_true(spare > 2);
		io->ops->close(io);
		assert_int_equal(open_files(), files);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_without_descriptors),
	};

	if (!ns_enter() || !ns_sysctl("net/ipv4/ping_group_range", "0 0")) {
		print_message("1..0 # SKIP no network namespaces here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
