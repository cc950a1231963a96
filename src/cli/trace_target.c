/* SPDX-License-Identifier: Apache-2.0 */
/* From what was typed to addresses. In a simulated network nothing leaves this machine. */
#include <string.h>

#include "base/fmt.h"
#include "cli/cli.h"
#include "cli/trace.h"

static void add_target(struct wn_session *s, const struct wn_addr *addr)
{
	const struct wn_addr *src = &s->req.params.src;

	if (addr->family == 0 || s->target_count == WN_CLI_TARGETS_MAX)
		return;
	if (src->family && src->family != addr->family)
		return;
	s->targets[s->target_count++] = *addr;
}

static int load_sim(struct wn_session *s)
{
	struct wn_errctx ctx = {0};
	wn_err err = wn_cli_topology(s->req.sim, &s->topo, &ctx);

	if (err == WN_EPARSE)
		return wn_cli_fail(WN_EXIT_USAGE, "%s", ctx.text);
	if (err != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "%s", ctx.text);
	err = wn_sim_new(s->topo, s->req.sim_seed, wn_run_now_ns(s->run), &s->sim);
	if (err != WN_OK)
		return wn_cli_fail(
			WN_EXIT_FAILED, "cannot simulate %s: %s", s->req.sim, wn_err_text(err));
	return WN_EXIT_OK;
}

/* Both families in our order of preference, or the one that was asked for. */
static void sim_addresses(struct wn_session *s)
{
	static const uint8_t families[] = {4, 6};
	const struct wn_params *p = &s->req.params;

	for (size_t i = 0; i < sizeof(families); i++) {
		struct wn_addr addr;

		if (s->req.family && s->req.family != families[i])
			continue;
		if (p->target[0])
			addr = wn_topo_addr_of(s->topo, p->host, families[i]);
		else
			addr = wn_topo_target(s->topo, families[i]);
		add_target(s, &addr);
	}
}

static int target_in_sim(struct wn_session *s)
{
	struct wn_params *p = &s->req.params;
	char addr[WN_ADDR_STRLEN];
	const char *name;
	int code = load_sim(s);

	if (code != WN_EXIT_OK)
		return code;
	if (p->dst.family)
		add_target(s, &p->dst);
	else
		sim_addresses(s);
	if (s->target_count == 0 && p->target[0])
		return wn_cli_fail(WN_EXIT_UNRESOLVED,
			"%s: no such name in the simulated network %s", p->target, s->req.sim);
	if (s->target_count == 0)
		return wn_cli_fail(WN_EXIT_USAGE,
			"the simulated network %s has no default target; name one", s->req.sim);
	if (!p->target[0]) {
		name = wn_topo_name_of(s->topo, &s->targets[0]);
		wn_fmt(p->target, sizeof(p->target), "%s",
			name && name[0] ? name : wn_addr_str(&s->targets[0], addr));
		wn_fmt(p->host, sizeof(p->host), "%s", p->target);
	}
	return WN_EXIT_OK;
}

static void on_addrs(
	void *user, const struct wn_addr *addrs, size_t count, wn_err err, const char *why)
{
	struct wn_session *s = user;

	if (s->resolved)
		return;
	s->resolved = true;
	s->resolve_err = err;
	wn_fmt(s->resolve_why, sizeof(s->resolve_why), "%s", why);
	for (size_t i = 0; i < count; i++)
		add_target(s, &addrs[i]);
}

static int resolve(struct wn_session *s)
{
	const struct wn_params *p = &s->req.params;
	uint8_t family = s->req.family ? s->req.family : p->src.family;
	wn_err err = wn_dns_resolve(s->dns, p->host, family, on_addrs, s);

	if (err != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "%s: %s", p->target, wn_err_text(err));
	while (!s->resolved && !s->interrupts)
		uv_run(&s->loop, UV_RUN_ONCE);
	if (!s->resolved) {
		s->resolved = true; /* an answer is of no use any more */
		return wn_cli_fail(WN_EXIT_UNREACHED, "interrupted while looking up %s", p->target);
	}
	if (s->target_count > 0)
		return WN_EXIT_OK;
	if (s->resolve_err == WN_OK)
		wn_fmt(s->resolve_why, sizeof(s->resolve_why), "the name has no IPv%u address",
			family ? family : 4);
	return wn_cli_fail(
		WN_EXIT_UNRESOLVED, "%s does not resolve: %s", p->target, s->resolve_why);
}

int wn_session_target(struct wn_session *s)
{
	if (s->req.sim)
		return target_in_sim(s);
	if (!s->req.params.dst.family)
		return resolve(s);
	add_target(s, &s->req.params.dst);
	return WN_EXIT_OK;
}
