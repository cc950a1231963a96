/* SPDX-License-Identifier: Apache-2.0 */
/* From what was typed to addresses. In a simulated network nothing leaves this machine. */
#include <string.h>

#include "base/fmt.h"
#include "cli/cli.h"
#include "cli/trace.h"

static int target_in_sim(struct wn_session *s)
{
	struct wn_params *p = &s->req.params;
	char addr[WN_ADDR_STRLEN];
	const char *name;
	int code = wn_prepare_sim(&s->req, s->run, &s->topo, &s->sim);

	if (code != WN_EXIT_OK)
		return code;
	if (p->dst.family)
		wn_prepare_add(&s->targets, &s->req, &p->dst);
	else
		wn_prepare_in_topology(&s->targets, &s->req, s->topo);
	if (s->targets.count == 0 && p->target[0])
		return wn_cli_fail(WN_EXIT_UNRESOLVED,
			"%s: no such name in the simulated network %s", p->target, s->req.sim);
	if (s->targets.count == 0)
		return wn_cli_fail(WN_EXIT_USAGE,
			"the simulated network %s has no default target; name one", s->req.sim);
	if (!p->target[0]) {
		name = wn_topo_name_of(s->topo, &s->targets.list[0]);
		wn_fmt(p->target, sizeof(p->target), "%s",
			name && name[0] ? name : wn_addr_str(&s->targets.list[0], addr));
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
		wn_prepare_add(&s->targets, &s->req, &addrs[i]);
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
	if (s->targets.count > 0)
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
	wn_prepare_add(&s->targets, &s->req, &s->req.params.dst);
	return WN_EXIT_OK;
}
