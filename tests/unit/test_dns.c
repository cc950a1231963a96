/* SPDX-License-Identifier: Apache-2.0 */
/* Names against a small DNS server on loopback, in the same poll loop. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dns_server.h"
#include "enrich/dns.h"
#include "enrich/hosts.h"
#include "os/os.h"

#define MS 1000000ull

static const struct dns_entry zone[] = {
	{"both.example", DNS_TYPE_A, DNS_ANSWER, "192.0.2.7", 0},
	{"both.example", DNS_TYPE_AAAA, DNS_ANSWER, "2001:db8::7", 0},
	{"four.example", DNS_TYPE_A, DNS_ANSWER, "192.0.2.4", 0},
	{"four.example", DNS_TYPE_AAAA, DNS_NEGATIVE, "", 0},
	{"half.example", DNS_TYPE_A, DNS_ANSWER, "192.0.2.5", 0},
	{"half.example", DNS_TYPE_AAAA, DNS_SILENT, "", 0},
	{"dead.example", DNS_TYPE_A, DNS_SILENT, "", 0},
	{"dead.example", DNS_TYPE_AAAA, DNS_SILENT, "", 0},
	{"broken.example", DNS_TYPE_A, DNS_NEGATIVE, "", DNS_RCODE_SERVER},
	{"broken.example", DNS_TYPE_AAAA, DNS_NEGATIVE, "", DNS_RCODE_SERVER},
	{"refused.example", DNS_TYPE_A, DNS_NEGATIVE, "", DNS_RCODE_REFUSED},
	{"refused.example", DNS_TYPE_AAAA, DNS_NEGATIVE, "", DNS_RCODE_REFUSED},
	{"garbage.example", DNS_TYPE_A, DNS_GARBAGE, "", 0},
	{"garbage.example", DNS_TYPE_AAAA, DNS_GARBAGE, "", 0},
	{"forged.example", DNS_TYPE_A, DNS_WRONG_ID, "203.0.113.66", 0},
	{"forged.example", DNS_TYPE_AAAA, DNS_WRONG_ID, "", 0},
	{"1.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_ANSWER, "r1.example", 0},
	{"2.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_NEGATIVE, "", DNS_RCODE_NO_NAME},
	{"3.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_SILENT, "", 0},
	{"4.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_LOOP, "", 0},
	{"5.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_RAW_LABEL, "\x1b[2J\r\nevil", 0},
	{"6.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_LONG, "", 0},
	{"7.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_GARBAGE, "", 0},
	{"8.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_ANSWER, "203.0.113.9", 0},
	{"9.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_RAW_LABEL, "a.b c<script>", 0},
	{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", DNS_TYPE_PTR,
		DNS_ANSWER, "six.example", 0},
};

struct fixture {
	struct dns_server server;
	struct wn_dns *dns;
};

struct answer {
	unsigned calls;
	wn_err err;
	char name[512], why[128];
	struct wn_addr addrs[16];
	size_t count;
};

/* Runs both ends until nothing is asked any more; returns how long it took. */
static uint64_t pump(struct fixture *f)
{
	uint64_t start_ns = wn_os_mono_ns();

	while (wn_dns_pending(f->dns) > 0) {
		struct pollfd fds[2] = {
			{.fd = wn_dns_fd(f->dns), .events = POLLIN},
			{.fd = f->server.fd, .events = POLLIN},
		};

		assert_true(poll(fds, 2, 20000) > 0);
		if (fds[0].revents)
			wn_dns_process(f->dns);
		if (fds[1].revents)
			dns_server_answer(&f->server);
	}
	return wn_os_mono_ns() - start_ns;
}

static int set_up(void **state, uint64_t timeout_ns)
{
	static struct fixture f;
	struct wn_dns_config c = {.servers = f.server.address, .timeout_ns = timeout_ns};
	struct wn_errctx ctx = {0};

	memset(&f, 0, sizeof(f));
	dns_server_open(&f.server, zone, sizeof(zone) / sizeof(zone[0]));
	if (wn_dns_new(&c, &f.dns, &ctx) != WN_OK)
		fail_msg("%s", ctx.text);
	*state = &f;
	return 0;
}

static int set_up_patient(void **state)
{
	return set_up(state, 10000 * MS);
}

static int set_up_hasty(void **state)
{
	return set_up(state, 400 * MS);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	wn_dns_free(f->dns);
	dns_server_close(&f->server);
	return 0;
}

static void on_name(void *user, const struct wn_addr *addr, const char *name, wn_err err)
{
	struct answer *a = user;

	assert_int_not_equal(addr->family, 0);
	a->calls++;
	a->err = err;
	snprintf(a->name, sizeof(a->name), "%s", name);
}

static void on_addrs(
	void *user, const struct wn_addr *addrs, size_t count, wn_err err, const char *why)
{
	struct answer *a = user;

	a->calls++;
	a->err = err;
	a->count = count;
	snprintf(a->why, sizeof(a->why), "%s", why);
	memcpy(a->addrs, addrs, count * sizeof(*addrs));
}

static void ask_name(struct fixture *f, const char *addr, struct answer *a)
{
	struct wn_addr parsed;

	memset(a, 0, sizeof(*a));
	assert_int_equal(wn_addr_parse(addr, &parsed), WN_OK);
	assert_int_equal(wn_dns_reverse(f->dns, &parsed, on_name, a), WN_OK);
	assert_int_equal(a->calls, 0); /* never from within the asking */
}

static void ask_addrs(struct fixture *f, const char *host, uint8_t family, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	assert_int_equal(wn_dns_resolve(f->dns, host, family, on_addrs, a), WN_OK);
	assert_int_equal(a->calls, 0);
}

static void test_reverse(void **state)
{
	struct fixture *f = *state;
	struct answer a[5];

	ask_name(f, "192.0.2.1", &a[0]);
	ask_name(f, "192.0.2.2", &a[1]);
	ask_name(f, "2001:db8::1", &a[2]);
	ask_name(f, "192.0.2.1", &a[3]);
	ask_name(f, "192.0.2.8", &a[4]);
	assert_int_equal(wn_dns_pending(f->dns), 5);
	pump(f);
	assert_int_equal(f->server.questions, 4); /* the same address once */
	assert_int_equal(a[0].err, WN_OK);
	assert_string_equal(a[0].name, "r1.example");
	assert_int_equal(a[1].err, WN_ENOENT);
	assert_string_equal(a[1].name, "");
	assert_string_equal(a[2].name, "six.example");
	assert_string_equal(a[3].name, "r1.example");
	assert_int_equal(a[4].err, WN_ERESOLVE); /* a name that looks like another address */
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(a[i].calls, 1);
}

static void test_resolve(void **state)
{
	struct fixture *f = *state;
	struct answer a[5];

	ask_addrs(f, "both.example", 0, &a[0]);
	ask_addrs(f, "both.example", 6, &a[1]);
	ask_addrs(f, "four.example", 0, &a[2]);
	ask_addrs(f, "four.example", 6, &a[3]);
	ask_addrs(f, "missing.example", 0, &a[4]);
	pump(f);
	assert_int_equal(a[0].count, 2);
	assert_int_equal(a[1].count, 1);
	assert_int_equal(a[1].addrs[0].family, 6);
	assert_int_equal(a[2].count, 1);
	assert_int_equal(wn_addr_to_v4(&a[2].addrs[0]), 0xc0000204);
	assert_int_equal(a[3].err, WN_ENOENT);
	assert_int_equal(a[4].err, WN_ENOENT);
	assert_int_equal(a[4].count, 0);
	assert_int_not_equal(a[4].why[0], 0);
}

static void test_hosts_file(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	ask_name(f, "127.0.0.1", &a);
	pump(f);
	assert_int_equal(a.err, WN_OK);
	assert_string_equal(a.name, "localhost");
	ask_addrs(f, "localhost", 4, &a);
	pump(f);
	assert_int_equal(a.err, WN_OK);
	assert_true(wn_addr_is_loopback(&a.addrs[0]));
	assert_int_equal(f->server.questions, 0);
}

static void test_hosts_text(void **state)
{
	static const char text[] = "# nothing\n192.0.2.1 one uno#rest\n\t2001:db8::1\tsix \r\n"
				   "192.0.2.2#none\n192.0.2.300 bad\n192.0.2.3\n192.0.2.1 again\n"
				   "fe80::1%eth0 scoped\n192.0.2.4 last";
	char path[] = "/tmp/wend-hosts-XXXXXX";
	struct wn_addr one = wn_addr_v4(0xc0000201), two = wn_addr_v4(0xc0000202),
		       last = wn_addr_v4(0xc0000204), six;
	struct wn_hosts h;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
	wn_hosts_load(&h, path);
	unlink(path);
	assert_int_equal(h.count, 4);
	assert_int_equal(wn_addr_parse("2001:db8::1", &six), WN_OK);
	assert_string_equal(wn_hosts_name(&h, &one), "one");
	assert_string_equal(wn_hosts_name(&h, &six), "six");
	assert_string_equal(wn_hosts_name(&h, &last), "last");
	assert_null(wn_hosts_name(&h, &two));
	wn_hosts_free(&h);
	wn_hosts_load(&h, "/nonexistent");
	assert_null(wn_hosts_name(&h, &one));
	wn_hosts_free(&h);
}

static void test_failing_servers(void **state)
{
	struct fixture *f = *state;
	struct answer a[2];

	ask_addrs(f, "broken.example", 0, &a[0]);
	ask_addrs(f, "refused.example", 0, &a[1]);
	pump(f);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(a[i].err, WN_ERESOLVE);
		assert_int_equal(a[i].calls, 1);
	}
	/* Which of the two it was not every version of c-ares tells. */
	assert_non_null(strstr(a[0].why, "failed to answer (SERVFAIL"));
	assert_non_null(strstr(a[1].why, "refused"));
}

/* Answers that lie about their own form end as "no answer", in bounded time, with no name. */
static void test_hostile_answers(void **state)
{
	static const char *const addrs[] = {
		"192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.9"};
	struct fixture *f = *state;
	struct answer a[8];
	size_t n = sizeof(addrs) / sizeof(addrs[0]);

	for (size_t i = 0; i < n; i++)
		ask_name(f, addrs[i], &a[i]);
	ask_addrs(f, "garbage.example", 0, &a[n]);
	ask_addrs(f, "forged.example", 4, &a[n + 1]);
	assert_in_range(pump(f), 0, 600 * MS);
	for (size_t i = 0; i < n + 2; i++) {
		assert_int_equal(a[i].calls, 1);
		if (a[i].err != WN_ERESOLVE)
			fail_msg("question %zu: %s", i, wn_err_name(a[i].err));
		assert_string_equal(a[i].name, "");
		assert_int_equal(a[i].count, 0);
	}
}

static void test_dead_server_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct answer a[3];

	ask_addrs(f, "dead.example", 0, &a[0]);
	ask_name(f, "192.0.2.3", &a[1]);
	ask_addrs(f, "half.example", 0, &a[2]);
	assert_in_range(pump(f), 50 * MS, 600 * MS);
	assert_int_equal(a[0].err, WN_ERESOLVE);
	assert_non_null(strstr(a[0].why, "no DNS server"));
	assert_int_equal(a[1].err, WN_ERESOLVE);
	/* A server that drops questions for IPv6 does not make the IPv4 address unknown. */
	assert_int_equal(a[2].err, WN_OK);
	assert_int_equal(a[2].count, 1);
}

static void test_free_tells_everybody(void **state)
{
	struct fixture *f = *state;
	struct answer a[3];

	ask_addrs(f, "dead.example", 0, &a[0]);
	ask_name(f, "192.0.2.3", &a[1]);
	ask_name(f, "192.0.2.3", &a[2]);
	wn_dns_free(f->dns);
	f->dns = NULL;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(a[i].calls, 1);
		assert_int_equal(a[i].err, WN_ECANCELED);
	}
}

static void test_questions_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};
	wn_err err = WN_OK;
	unsigned asked = 0;

	for (uint32_t i = 0; i < 5000 && err == WN_OK; i++) {
		struct wn_addr addr = wn_addr_v4(0x0a000000 + i);

		err = wn_dns_reverse(f->dns, &addr, on_name, &a);
		asked += err == WN_OK;
	}
	assert_int_equal(err, WN_EFULL);
	assert_in_range(asked, 256, 4096);
	wn_dns_free(f->dns);
	f->dns = NULL;
	assert_int_equal(a.calls, asked);
}

static void test_bad_server_list(void **state)
{
	struct wn_dns_config c = {.servers = "not an address"};
	struct wn_errctx ctx = {0};
	struct wn_dns *d = NULL;

	(void)state;
	assert_int_equal(wn_dns_new(&c, &d, &ctx), WN_EINVAL);
	assert_null(d);
	assert_non_null(strstr(ctx.text, "not an address"));
}

static void test_ascii(void **state)
{
	static const char *const good[][2] = {
		{"example.org", "example.org"},
		{"M\xc3\xbcnchen.example", "xn--mnchen-3ya.example"},
		{"stra\xc3\x9f"
		 "e.example",
			"xn--strae-oqa.example"},
		{"r3---sn-x.example", "r3---sn-x.example"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
	};
	static const char *const bad[] = {"", ".", "a..b", "-a", "a b", "a/b", "\xff\xff",
		"a\xe2\x80\xae"
		"b",
		"\xe2\x84\x80",
		"a\x01"
		"b"};
	char out[256], longest[300], tiny[4];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(wn_dns_to_ascii(good[i][0], out, sizeof(out), NULL), WN_OK);
		assert_string_equal(out, good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wn_errctx ctx = {0};

		assert_int_equal(wn_dns_to_ascii(bad[i], out, sizeof(out), &ctx), WN_EPARSE);
		assert_int_not_equal(ctx.text[0], 0);
	}
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 50; i < sizeof(longest) - 1; i += 51)
		longest[i] = '.';
	assert_int_equal(wn_dns_to_ascii(longest, out, sizeof(out), NULL), WN_EPARSE);
	assert_int_equal(wn_dns_to_ascii("abcdef", tiny, sizeof(tiny), NULL), WN_EFULL);
	memset(longest, 'a', 64);
	assert_int_equal(wn_dns_to_ascii(longest, out, sizeof(out), NULL), WN_EPARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reverse, set_up_patient, tear_down),
		cmocka_unit_test_setup_teardown(test_resolve, set_up_patient, tear_down),
		cmocka_unit_test_setup_teardown(test_hosts_file, set_up_patient, tear_down),
		cmocka_unit_test_setup_teardown(test_failing_servers, set_up_hasty, tear_down),
		cmocka_unit_test_setup_teardown(test_hostile_answers, set_up_hasty, tear_down),
		cmocka_unit_test_setup_teardown(
			test_dead_server_is_bounded, set_up_hasty, tear_down),
		cmocka_unit_test_setup_teardown(
			test_free_tells_everybody, set_up_patient, tear_down),
		cmocka_unit_test_setup_teardown(
			test_questions_are_bounded, set_up_patient, tear_down),
		cmocka_unit_test(test_hosts_text),
		cmocka_unit_test(test_bad_server_list),
		cmocka_unit_test(test_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
