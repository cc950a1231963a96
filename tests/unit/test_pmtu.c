/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path MTU where the simulator has no such routers: those that name no size or a wrong one,
 * answer from elsewhere, or late; this machine; and a target that stops answering.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_path.h"
#include "multipath/pmtu.h"
#include "multipath/pmtu_view.h"

#define LINK	 1500
#define HOPS	 6
#define HERE	 3 /* the router that cannot pass on what is larger than ... */
#define CARRIES	 1437
#define STRANGER 0x0a630001u

struct scene {
	struct fake f;
	struct wn_pmtu *pmtu;
	struct wn_pmtu_view view;
	/* How the router at HERE behaves. */
	bool says, elsewhere;
	uint32_t said;
	uint16_t carries, local; /* local: what this machine lets out; 0 all */
	uint64_t slow_ns;	 /* large ones are answered this much later */
	uint32_t patience;	 /* of the target: answers, then no more; 0 no end */
	uint32_t large;		 /* sent */
};

static enum wn_act_kind next(struct fake *f, struct wn_act *out)
{
	return wn_pmtu_next(((struct scene *)f->user)->pmtu, f->now_ns, out);
}

static void network(struct fake *f, const struct wn_probe *p)
{
	struct scene *s = f->user;
	struct wn_reply r;

	s->large += p->size > f->params.size;
	if (p->ttl > HERE && p->size > s->carries) {
		r = fake_error(p, WN_REPLY_TOO_BIG,
			s->elsewhere ? wn_addr_v4(STRANGER) : fake_router(HERE));
		r.mtu = s->said;
		if (s->says)
			fake_deliver(f, 10 * FAKE_MS, &r);
		return;
	}
	if (s->patience && p->ttl >= HOPS && s->patience-- == 1)
		s->f.hops[HOPS].addr = (struct wn_addr){0};
	if (fake_reply_to(f, p, &r))
		fake_deliver(f,
			f->hops[p->ttl].rtt_ns + (p->size > f->params.size ? s->slow_ns : 0), &r);
}

static wn_err leave(struct fake *f, const struct wn_probe *p)
{
	const struct scene *s = f->user;

	return s->local && p->size > s->local ? WN_EMSGSIZE : WN_OK;
}

static void play(struct scene *s)
{
	s->f.user = s;
	s->f.next = next;
	s->f.network = network;
	s->f.send = leave;
	s->f.params.pmtu = true;
	s->f.params.link_mtu = LINK;
	assert_int_equal(wn_pmtu_new(&s->f.params, &s->f.key, s->f.now_ns, &s->pmtu, NULL), WN_OK);
	assert_true(wn_pmtu_bytes(s->pmtu) > wn_trace_bytes(wn_pmtu_trace(s->pmtu)));
	s->f.trace = wn_pmtu_trace(s->pmtu);
	s->f.result = wn_result_new(NULL);
	fake_run(&s->f);
	wn_pmtu_view(s->f.result, &s->view);
}

static void begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	fake_init(&s->f, HOPS, 5 * FAKE_MS);
	s->carries = CARRIES;
}

static void end(struct scene *s)
{
	s->f.trace = NULL; /* it goes with its owner */
	wn_pmtu_free(s->pmtu);
	fake_fini(&s->f);
}

/* One lowering, behind HERE, and each hop has its MTU. */
static const struct wn_pmtu_lowering *only(const struct scene *s, unsigned after, uint16_t mtu)
{
	const struct wn_pmtu_lowering *l = &s->view.lowerings[0];

	assert_int_equal(s->view.count, 1);
	assert_int_equal(l->after, after);
	assert_int_equal(l->before, after + 1);
	assert_int_equal(l->mtu, mtu);
	for (unsigned ttl = 1; ttl <= HOPS; ttl++)
		assert_int_equal(wn_pmtu_of(&s->view, ttl), ttl > after ? mtu : LINK);
	assert_false(s->f.result->partial);
	assert_int_equal(s->f.stop.u.stop.stop, WN_STOP_REACHED);
	return l;
}

static const struct wn_addr *who(const struct scene *s, const struct wn_pmtu_lowering *l)
{
	assert_true(l->by != WN_NONE);
	return &s->f.result->responders[l->by].addr;
}

static void test_told(void **state)
{
	static struct scene s;
	const struct wn_pmtu_lowering *l;
	struct wn_addr router = fake_router(HERE);

	(void)state;
	begin(&s);
	s.says = true;
	s.said = CARRIES;
	play(&s);
	l = only(&s, HERE, CARRIES);
	assert_true(l->told);
	assert_true(wn_addr_eq(who(&s, l), &router));
	assert_int_equal(s.large, 2);
	/* The probe that was too big has nothing to do with who is at its TTL. */
	assert_int_equal(s.f.result->hops[HOPS].responder_count, 1);
	end(&s);
}

static void test_told_from_elsewhere(void **state)
{
	static struct scene s;
	const struct wn_pmtu_lowering *l;
	struct wn_addr stranger = wn_addr_v4(STRANGER);

	(void)state;
	begin(&s);
	s.says = s.elsewhere = true;
	s.said = CARRIES;
	play(&s);
	l = only(&s, HERE, CARRIES);
	assert_true(l->told);
	assert_true(wn_addr_eq(who(&s, l), &stranger));
	end(&s);
}

/* RFC 1191 4: routers that do not know it leave the MTU 0. Others name what cannot be. */
static void test_wrong_number(void **state)
{
	static const uint32_t wrong[] = {0, LINK, 65535, 67};
	static struct scene s;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct wn_pmtu_lowering *l;

		begin(&s);
		s.says = true;
		s.said = wrong[i];
		play(&s);
		l = only(&s, HERE, CARRIES);
		assert_false(l->told);
		assert_true(l->by != WN_NONE);
		assert_int_equal(l->said, wrong[i]);
		assert_true(fake_took_ms(&s.f) < 5000); /* nothing to wait for */
		end(&s);
	}
}

static void test_black_hole(void **state)
{
	static const uint16_t sizes[] = {61, 68, 575, 576, 577, 1280, CARRIES, 1491, 1499};
	static struct scene s;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct wn_pmtu_lowering *l;

		begin(&s);
		s.carries = sizes[i];
		play(&s);
		l = only(&s, HERE, sizes[i]);
		assert_false(l->told);
		assert_true(wn_pmtu_is_hole(l));
		end(&s);
	}
}

static void test_this_machine(void **state)
{
	static struct scene s;
	const struct wn_pmtu_lowering *l;

	(void)state;
	begin(&s);
	s.carries = LINK;
	s.local = 1450;
	play(&s);
	l = only(&s, 0, 1450);
	assert_int_equal(l->by, WN_NONE);
	assert_true(l->local && !wn_pmtu_is_hole(l));
	assert_string_equal(wn_pmtu_known_by(l), "local");
	end(&s);
}

static void test_late_is_not_lost(void **state)
{
	static struct scene s;

	(void)state;
	begin(&s);
	s.carries = LINK;
	s.slow_ns = 400 * FAKE_MS;
	play(&s);
	assert_int_equal(s.view.count, 0);
	assert_int_equal(wn_pmtu_of(&s.view, HOPS), LINK);
	end(&s);
}

/* It answers the path's probes and no more: that is no black hole. */
static void test_target_falls_silent(void **state)
{
	static struct scene s;

	(void)state;
	begin(&s);
	s.patience = 18; /* probes to this TTL and beyond */
	play(&s);
	assert_int_equal(s.view.count, 0);
	assert_int_equal(wn_pmtu_of(&s.view, HOPS), 0);
	assert_true(s.f.result->partial);
	end(&s);
}

static void test_params(void **state)
{
	struct wn_errctx ctx = {0};
	struct wn_pmtu *pmtu;
	struct fake f;

	(void)state;
	fake_init(&f, HOPS, FAKE_MS);
	f.params.proto = WN_PROTO_TCP;
	assert_int_equal(wn_pmtu_new(&f.params, &f.key, 1, &pmtu, &ctx), WN_EINVAL);
	f.params.proto = WN_PROTO_UDP;
	f.params.flow_mode = WN_FLOW_CLASSIC;
	assert_int_equal(wn_pmtu_new(&f.params, &f.key, 1, &pmtu, &ctx), WN_EINVAL);
	f.params.flow_mode = WN_FLOW_FIXED;
	f.params.first_ttl = 0;
	assert_int_equal(wn_pmtu_new(&f.params, &f.key, 1, &pmtu, &ctx), WN_ERANGE);
	fake_fini(&f);
}

static void test_view_of_nothing(void **state)
{
	static struct wn_pmtu_view v;
	struct wn_result *r = wn_result_new(NULL);

	(void)state;
	wn_pmtu_view(r, &v);
	assert_int_equal(v.count, 0);
	assert_int_equal(wn_pmtu_of(&v, 1), 0);
	wn_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_told_from_elsewhere),
		cmocka_unit_test(test_wrong_number),
		cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_late_is_not_lost),
		cmocka_unit_test(test_target_falls_silent),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_view_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
