/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without memory: every constructor, and whole simulated runs, with the nth allocation failing
 * for each n there is, once alone and once with everything after it. Nothing may crash, leak a
 * block or a descriptor, or pretend that all went well.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include "alloc_fault.h"
#include "base/strbuf.h"
#include "config/options.h"
#include "enrich/dns.h"
#include "output/output.h"
#include "run/run.h"

#define FDS_MAX	    256
#define SWEEP_LIMIT 4000 /* allocations of one attempt: more is a mistake of the test */

static const char network[] = "seed 3\n"
			      "source me\n"
			      "target dst\n"
			      "host me addr 192.0.2.1 addr6 fd00::1 name me.example.net\n"
			      "node r1 addr 198.51.100.1 addr6 fd00::2 name r1.example.net\n"
			      "node r2 addr 198.51.100.2 addr6 fd00::3 limit 5/s\n"
			      "node r3 addr 198.51.100.3 addr6 fd00::4 silent\n"
			      "node r4 addr 198.51.100.4 addr6 fd00::5 nat source 192.0.2.77\n"
			      "host dst addr 203.0.113.9 addr6 fd00::9 open tcp 80\n"
			      "link me r1 delay 2ms duplicate 10%\n"
			      "link r1 r2 delay 2ms\n"
			      "link r2 r3 delay 2ms loss 5%\n"
			      "link r3 r4 delay 2ms\n"
			      "link r2 r4 delay 9ms\n"
			      "link r4 dst delay 2ms\n"
			      "mpls explicit r1 r2 r3 r4\n";

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < FDS_MAX; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* One try of something: WN_OK or its error, and everything given back in either case. */
typedef wn_err attempt(int variant);

static void sweep_once(attempt *try, int variant, void (*arm)(unsigned long), bool may_succeed)
{
	unsigned long live = alloc_fault_live();
	int fds = open_descriptors();

	for (unsigned long n = 1;; n++) {
		wn_err err;
		bool hit;

		arm(n);
		err = try(variant);
		hit = alloc_fault_disarm();
		if (hit && !may_succeed && err != WN_ENOMEM)
			fail_msg("allocation %lu: %s", n, wn_err_name(err));
		if (alloc_fault_live() != live || open_descriptors() != fds)
			fail_msg("allocation %lu: %lu blocks, %d descriptors are left", n,
				alloc_fault_live() - live, open_descriptors() - fds);
		if (!hit) {
			assert_int_equal(err, WN_OK);
			break;
		}
		assert_true(n < SWEEP_LIMIT);
	}
}

static void sweep(attempt *try, int variant, bool may_succeed)
{
	sweep_once(try, variant, alloc_fault_arm, may_succeed);
	sweep_once(try, variant, alloc_fault_arm_from, may_succeed);
}

static wn_err try_topology(int variant)
{
	struct wn_errctx ctx = {0};
	struct wn_topo *topo;
	struct wn_sim *sim = NULL;
	const char *text = variant ? network : wn_topo_builtin();
	wn_err err = wn_topo_parse(text, strlen(text), &topo, &ctx);

	if (err) {
		assert_int_equal(ctx.code, err);
		return err;
	}
	err = wn_sim_new(topo, 0, 0, &sim);
	wn_sim_free(err ? NULL : sim);
	wn_topo_free(topo);
	return err;
}

static void test_topologies(void **state)
{
	(void)state;
	sweep(try_topology, 0, false);
	sweep(try_topology, 1, false);
}

static wn_err try_faces(int variant)
{
	struct wn_strbuf sb = WN_STRBUF_INIT;
	wn_err err;

	if (variant == 0)
		wn_opts_help(&sb, "trace", 80);
	else if (variant == 1)
		wn_opts_man(&sb, "1.0", "2024-01-01");
	else
		wn_opts_completion(&sb, "bash");
	err = sb.err;
	wn_strbuf_fini(&sb);
	return err;
}

static void test_faces_of_the_options(void **state)
{
	(void)state;
	for (int variant = 0; variant < 3; variant++)
		sweep(try_faces, variant, false);
}

static void ignore_ptr(void *user, const struct wn_addr *addr, const char *name, wn_err err)
{
	(void)addr;
	(void)name;
	(void)err;
	++*(int *)user;
}

static void ignore_addr(
	void *user, const struct wn_addr *addrs, size_t count, wn_err err, const char *why)
{
	(void)addrs;
	(void)count;
	(void)err;
	(void)why;
	++*(int *)user;
}

/* Nobody listens on the discard port of loopback; freeing answers what is still open. */
static wn_err try_names(int variant)
{
	const struct wn_dns_config config = {.servers = "127.0.0.1:9"};
	const struct wn_addr addr = wn_addr_v4(0xc0000201);
	struct wn_dns *dns;
	int asked = 0, answered = 0;
	wn_err err = wn_dns_new(&config, &dns, NULL);

	(void)variant;
	if (err)
		return err;
	for (int i = 0; i < 2 && !err; i++) {
		err = wn_dns_reverse(dns, &addr, ignore_ptr, &answered);
		asked += !err;
	}
	if (!err) {
		err = wn_dns_resolve(dns, "example.org", 0, ignore_addr, &answered);
		asked += !err;
	}
	wn_dns_free(dns);
	assert_int_equal(asked, answered);
	return err;
}

/* Without memory for the hosts file names come from DNS alone, and the service works. */
static void test_names(void **state)
{
	(void)state;
	sweep(try_names, 0, true);
}

/* Real sockets without privilege, on loopback; nothing is sent. */
static wn_err try_sockets(int variant)
{
	struct wn_io_config config = {
		.proto = (enum wn_proto)variant,
		.family = 4,
		.src = wn_addr_v4(0x7f000001),
		.dst = wn_addr_v4(0x7f000001),
		.dport = 33434,
		.port_span = 3,
		.outstanding = 32,
	};
	struct wn_io *io;
	wn_err err = wn_io_errqueue_open(&config, &io, NULL);

	if (!err)
		io->ops->close(io);
	return err;
}

static void test_sockets(void **state)
{
	(void)state;
	sweep(try_sockets, WN_PROTO_UDP, false);
	sweep(try_sockets, WN_PROTO_TCP, false);
}

struct watch {
	unsigned ends, done;
};

static void on_event(void *user, struct wn_run_trace *rt, const struct wn_event *ev)
{
	struct watch *w = user;

	(void)rt;
	w->ends += ev->kind == WN_EV_END;
}

static void on_done(void *user, struct wn_run_trace *rt)
{
	struct watch *w = user;
	const struct wn_result *r = wn_run_result(rt);

	w->done++;
	for (uint32_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].state == WN_PROBE_PENDING)
			assert_true(r->stop != WN_STOP_NONE || r->counters.overflow > 0);
}

static struct wn_run_trace_config request(struct wn_sim *sim, int variant, struct watch *w)
{
	uint8_t family = variant < WN_PROTO_COUNT ? 4 : 6;
	enum wn_proto proto = (enum wn_proto)(variant % WN_PROTO_COUNT);
	struct wn_run_trace_config c = {
		.params = {.target = "dst",
			.host = "dst",
			.src = wn_topo_source(wn_sim_topo(sim), family),
			.dst = wn_topo_target(wn_sim_topo(sim), family),
			.proto = proto,
			.dport = proto == WN_PROTO_TCP ? 80 : 33434,
			.first_ttl = 1,
			.max_ttl = 8,
			.probes = 2,
			.window = 32,
			.gap = 12,
			.pps = 1000,
			.wait_max_ns = 1000000000,
			.wait_min_ns = 200000000,
			.wait_here_milli = 3000,
			.wait_near_milli = 3000,
			.ping_hops = variant % 2 != 0,
			.destinations = variant % 2 != 0 ? 2 : 0,
			.size = family == 6 ? 80 : 60},
		.backend = WN_BACKEND_SIM,
		.sim = sim,
		.on_event = on_event,
		.on_done = on_done,
		.user = w,
	};

	return c;
}

struct net {
	struct wn_topo *topo;
	struct wn_sim *sim;
	struct wn_run *run;
};

static void net_close(struct net *n)
{
	wn_run_free(n->run);
	wn_sim_free(n->sim);
	wn_topo_free(n->topo);
}

static wn_err net_open(struct net *n)
{
	struct wn_errctx ctx = {0};
	wn_err err = wn_topo_parse(network, strlen(network), &n->topo, &ctx);

	if (!err)
		err = wn_sim_new(n->topo, 0, 0, &n->sim);
	if (!err)
		err = wn_run_new(true, &n->run, &ctx);
	return err;
}

/* What a started trace owes, whatever is missing: one END, one call, a result that is closed. */
static wn_err run_to_the_end(struct net *n, int variant, const struct wn_result **out)
{
	struct watch w = {0};
	struct wn_run_trace_config c = request(n->sim, variant, &w);
	struct wn_run_trace *rt;
	struct wn_errctx ctx = {0};
	struct wn_addr r1 = wn_addr_v4(0xc6336401);
	wn_err err = wn_run_prepare(n->run, &c, &rt, &ctx);

	if (err)
		return err;
	err = wn_run_start(rt, &ctx);
	if (err)
		return err;
	err = wn_run_until_done(n->run, &ctx);
	if (err)
		return err;
	assert_int_equal(w.ends, 1);
	assert_int_equal(w.done, 1);
	assert_true(wn_run_result(rt)->ended || wn_run_result(rt)->counters.overflow > 0);
	wn_run_name(rt, &r1, "late.example.net", WN_OK);
	if (out)
		*out = wn_run_result(rt);
	return WN_OK;
}

static wn_err try_run(int variant)
{
	struct net n = {0};
	wn_err err = net_open(&n);

	if (!err)
		err = run_to_the_end(&n, variant, NULL);
	net_close(&n);
	return err;
}

/* A packet that found no memory in the network is lost there, which is no error of the run. */
static void test_whole_runs(void **state)
{
	(void)state;
	for (int variant = 0; variant < 2 * WN_PROTO_COUNT; variant++)
		sweep(try_run, variant, true);
}

static const struct wn_result *shown; /* by try_rendering: an attempt has one argument */

static wn_err try_rendering(int variant)
{
	const struct wn_table_opts opts = {.columns = 80, .names = true, .verbose = 2};
	struct wn_strbuf sb = WN_STRBUF_INIT;
	wn_err err;

	if (variant == 0)
		wn_out_json(&sb, shown, NULL, 0);
	else if (variant == 1)
		wn_out_table(&sb, shown, &opts);
	else
		for (unsigned ttl = 1; ttl <= wn_out_classic_last(shown); ttl++)
			wn_out_classic_hop(&sb, shown, (uint8_t)ttl, true);
	err = sb.err;
	wn_strbuf_fini(&sb);
	return err;
}

/* A text that lacks something says so: it must not be written as if it were whole. */
static void test_renderings(void **state)
{
	struct net n = {0};

	(void)state;
	assert_int_equal(net_open(&n), WN_OK);
	assert_int_equal(run_to_the_end(&n, 0, &shown), WN_OK);
	for (int variant = 0; variant < 3; variant++)
		sweep(try_rendering, variant, false);
	net_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_topologies),
		cmocka_unit_test(test_faces_of_the_options),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_whole_runs),
		cmocka_unit_test(test_renderings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
