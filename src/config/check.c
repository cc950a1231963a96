/* SPDX-License-Identifier: Apache-2.0 */
/* Options that are right one by one and wrong together; and what one trace is made of. */
#include "config/config_priv.h"

#include <string.h>

#include "base/fmt.h"

/* Two options that exclude each other, by key. */
static const struct {
	const char *one, *other, *why;
} exclusive[] = {
	{"ipv4", "ipv6", "choose one"},
	{"tos", "dscp", "the DSCP is part of the TOS byte"},
	{"npaths", "flows", "both say how many"},
	{"npaths", "mode", "a fixed number of flows proves nothing"},
	{"npaths", "confidence", "a fixed number of flows proves nothing"},
	{"npaths", "bound", "a fixed number of flows proves nothing"},
	{"npaths", "min-share", "a fixed number of flows proves nothing"},
	{"tcp-method", "tcp-flags", "the method chooses the flags"},
	{"mtu", "size", "sizes are what it looks for"},
	{"sim", "backend", "a simulated network has its own back end"},
	{"sim", "interface", "a simulated network has no interfaces of this machine"},
	{"sim", "source", "traces of a simulated network start at its own source"},
	{"sim", "mark", "a simulated network has no firewall of this machine"},
	{"sim", "resolver", "a simulated network has its own names"},
};

static wn_err check_exclusive(const struct wn_request *req, struct wn_errctx *ctx)
{
	for (size_t i = 0; i < sizeof(exclusive) / sizeof(exclusive[0]); i++)
		if (wn_request_has(req, exclusive[i].one) &&
			wn_request_has(req, exclusive[i].other))
			return wn_fail(ctx, WN_EUSAGE, "--%s and --%s exclude each other: %s",
				exclusive[i].one, exclusive[i].other, exclusive[i].why);
	if (wn_request_has(req, "sim-seed") && !req->sim)
		return wn_fail(ctx, WN_EUSAGE, "--sim-seed needs --sim");
	return WN_OK;
}

static wn_err check_family(const struct wn_request *req, struct wn_errctx *ctx)
{
	const struct wn_addr *src = &req->params.src, *dst = &req->params.dst;
	char a[WN_ADDR_STRLEN], b[WN_ADDR_STRLEN];

	if (req->family && dst->family && req->family != dst->family)
		return wn_fail(ctx, WN_EUSAGE, "-%u contradicts the target %s, an IPv%u address",
			req->family, wn_addr_str(dst, a), dst->family);
	if (req->family && src->family && req->family != src->family)
		return wn_fail(ctx, WN_EUSAGE, "-%u contradicts --source %s, an IPv%u address",
			req->family, wn_addr_str(src, a), src->family);
	if (src->family && dst->family && src->family != dst->family)
		return wn_fail(ctx, WN_EUSAGE,
			"--source %s is an IPv%u address, the target %s is not",
			wn_addr_str(src, a), src->family, wn_addr_str(dst, b));
	return WN_OK;
}

/* The same link-local address may be on every link. */
wn_err wn_request_scope(
	const struct wn_request *req, const struct wn_addr *dst, struct wn_errctx *ctx)
{
	char text[WN_ADDR_STRLEN];

	if (dst->family != 6 || !wn_addr_is_link_local(dst) || req->params.iface[0] || req->sim)
		return WN_OK;
	return wn_fail(ctx, WN_EUSAGE, "link-local address %s needs an interface: give -i NAME",
		wn_addr_str(dst, text));
}

static wn_err check_target_scope(const struct wn_request *req, struct wn_errctx *ctx)
{
	return wn_request_scope(req, &req->params.dst, ctx);
}

static wn_err check_range(const struct wn_request *req, struct wn_errctx *ctx)
{
	const struct wn_params *p = &req->params;

	if (p->first_ttl > p->max_ttl)
		return wn_fail(ctx, WN_EUSAGE, "--first-ttl %u is above --max-ttl %u", p->first_ttl,
			p->max_ttl);
	if (p->wait_min_ns > p->wait_max_ns && wn_request_has(req, "wait-min"))
		return wn_fail(ctx, WN_EUSAGE, "--wait-min is longer than the maximum of --wait");
	if (p->sport && wn_flow_is_fixed(p->flow_mode) && req->proto != WN_REQ_ICMP &&
		p->sport + p->flow > UINT16_MAX)
		return wn_fail(ctx, WN_EUSAGE, "--flow %u above --source-port %u leaves no port",
			p->flow, p->sport);
	if (req->port_set && req->proto == WN_REQ_ICMP)
		return wn_fail(ctx, WN_EUSAGE, "port %u: ICMP has no ports; use -P udp or -P tcp",
			p->dport);
	return WN_OK;
}

static uint8_t tcp_flags(const struct wn_request *req)
{
	if (wn_request_has(req, "tcp-flags"))
		return req->params.tcp_flags;
	return req->params.tcp_method == WN_TCP_METHOD_ACK ? WN_TCP_ACK : WN_TCP_SYN;
}

static uint8_t tcp_options(const struct wn_request *req)
{
	if (wn_request_has(req, "tcp-options"))
		return req->params.tcp_options;
	return tcp_flags(req) & WN_TCP_SYN ? WN_TCP_OPT_USUAL : 0;
}

static void set_tcp(const struct wn_request *req, struct wn_params *out)
{
	bool tcp = out->proto == WN_PROTO_TCP;

	if (!tcp)
		out->tcp_method = WN_TCP_METHOD_SYN;
	else if (wn_request_has(req, "tcp-flags"))
		out->tcp_method = WN_TCP_METHOD_FLAGS;
	out->tcp_flags = tcp ? tcp_flags(req) : 0;
	out->tcp_options = tcp ? tcp_options(req) : 0;
}

/* What the connection decides for its probes. */
static wn_err check_sack(const struct wn_request *req, struct wn_errctx *ctx)
{
	static const struct {
		const char *key, *why;
	} decided[] = {
		{"size", "a probe in a connection carries one byte"},
		{"tcp-options", "those of a connection are agreed on when it is made"},
	};
	enum wn_tcp_method method = req->params.tcp_method;

	if (method != WN_TCP_METHOD_SACK && method != WN_TCP_METHOD_PREFER_SACK)
		return WN_OK;
	for (size_t i = 0; i < sizeof(decided) / sizeof(decided[0]); i++)
		if (wn_request_has(req, decided[i].key))
			return wn_fail(ctx, WN_EUSAGE, "--tcp-method %s excludes --%s: %s",
				wn_tcp_method_name(method), decided[i].key, decided[i].why);
	if (!wn_flow_is_fixed(req->params.flow_mode) || req->paths)
		return wn_fail(ctx, WN_EUSAGE,
			"--tcp-method %s excludes %s: a connection is one flow",
			wn_tcp_method_name(method), req->paths ? "all paths" : "--flow classic");
	return WN_OK;
}

static wn_err check_tcp(const struct wn_request *req, struct wn_errctx *ctx)
{
	static const char *const keys[] = {"tcp-method", "tcp-flags", "tcp-options"};

	if (req->proto == WN_REQ_TCP || req->proto == WN_REQ_AUTO)
		return check_sack(req, ctx);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (wn_request_has(req, keys[i]))
			return wn_fail(ctx, WN_EUSAGE, "--%s needs -P tcp or -P auto", keys[i]);
	return WN_OK;
}

static uint16_t least_size(const struct wn_request *req, enum wn_proto proto, uint8_t family)
{
	uint16_t options = proto == WN_PROTO_TCP ? wn_tcp_options_size(tcp_options(req)) : 0;

	return (uint16_t)(wn_probe_min_size(family, proto) + options);
}

static wn_err check_size(
	const struct wn_request *req, enum wn_proto proto, uint8_t family, struct wn_errctx *ctx)
{
	uint16_t bare = wn_probe_min_size(family, proto), least = least_size(req, proto, family);

	if (!wn_request_has(req, "size") || req->alone || req->params.size >= least)
		return WN_OK;
	if (req->params.size >= bare)
		return wn_fail(ctx, WN_EUSAGE,
			"--size %u: tcp over IPv%u needs at least %u bytes with its options; "
			"%u with --tcp-options none",
			req->params.size, family, least, bare);
	return wn_fail(ctx, WN_EUSAGE, "--size %u: %s over IPv%u needs at least %u bytes",
		req->params.size, wn_proto_name(proto), family, least);
}

static wn_err check_sizes(const struct wn_request *req, struct wn_errctx *ctx)
{
	static const enum wn_proto proto_of[] = {
		[WN_REQ_UDP] = WN_PROTO_UDP,
		[WN_REQ_ICMP] = WN_PROTO_ICMP,
		[WN_REQ_TCP] = WN_PROTO_TCP,
	};
	uint8_t family = req->params.dst.family ? req->params.dst.family : req->family;
	wn_err err = WN_OK;

	if (family == 0)
		family =
			4; /* the smaller need; wn_request_params knows the family and asks again */
	if (req->proto != WN_REQ_AUTO)
		return check_size(req, proto_of[req->proto], family, ctx);
	for (int proto = 0; proto < WN_PROTO_COUNT && err == WN_OK; proto++)
		err = check_size(req, (enum wn_proto)proto, family, ctx);
	return err;
}

static wn_err check_mtu(const struct wn_request *req, struct wn_errctx *ctx)
{
	if (!req->params.pmtu)
		return WN_OK;
	if (req->paths)
		return wn_fail(ctx, WN_EUSAGE, "--mtu is for one path: use wend trace");
	if (req->proto != WN_REQ_UDP && req->proto != WN_REQ_ICMP)
		return wn_fail(ctx, WN_EUSAGE,
			"--mtu needs packets of any size: choose -P udp or -P icmp");
	if (req->params.flow_mode == WN_FLOW_CLASSIC)
		return wn_fail(ctx, WN_EUSAGE,
			"--flow classic changes the path with each probe; --mtu needs a fixed one");
	if (req->format == WN_FMT_CLASSIC)
		return wn_fail(ctx, WN_EUSAGE,
			"--format classic has no place for MTUs; use table, json or jsonl");
	return WN_OK;
}

/* Options that mean something for one path only, or for all of them only. */
static wn_err check_paths(const struct wn_request *req, struct wn_errctx *ctx)
{
	static const char *const of_paths[] = {
		"confidence", "mode", "bound", "min-share", "npaths", "flows", "destinations"};
	const struct wn_params *p = &req->params;
	uint32_t flows = req->npaths ? req->npaths : req->flows;

	for (size_t i = 0; !req->paths && i < sizeof(of_paths) / sizeof(of_paths[0]); i++)
		if (wn_request_has(req, of_paths[i]))
			return wn_fail(ctx, WN_EUSAGE,
				"--%s is for all paths: use wend paths or --paths", of_paths[i]);
	if (!req->paths && (req->format == WN_FMT_TREE || req->format == WN_FMT_DOT))
		return wn_fail(ctx, WN_EUSAGE,
			"--format %s shows all paths: use wend paths or --paths",
			req->format == WN_FMT_TREE ? "tree" : "dot");
	if (!req->paths)
		return WN_OK;
	if (req->proto == WN_REQ_AUTO)
		return wn_fail(ctx, WN_EUSAGE,
			"-P auto is for one path; for all paths choose udp, icmp or tcp");
	if (p->flow_mode == WN_FLOW_CLASSIC)
		return wn_fail(ctx, WN_EUSAGE,
			"--flow classic changes flows at random; all paths need fixed ones");
	if (wn_request_has(req, "probes"))
		return wn_fail(ctx, WN_EUSAGE,
			"--probes is for one path; for all paths --confidence decides");
	if (req->format == WN_FMT_CLASSIC)
		return wn_fail(ctx, WN_EUSAGE,
			"--format classic shows one path; for all paths use tree, table, json, "
			"jsonl "
			"or dot");
	if (req->proto != WN_REQ_ICMP && p->sport + p->flow + flows - 1 > UINT16_MAX)
		return wn_fail(ctx, WN_EUSAGE,
			"--%s %u from source port %u on: there are only %u ports",
			req->npaths ? "npaths" : "flows", flows, (unsigned)(p->sport + p->flow),
			UINT16_MAX + 1 - (p->sport + p->flow));
	return WN_OK;
}

wn_err wn_request_check(const struct wn_request *req, struct wn_errctx *ctx)
{
	static wn_err (*const checks[])(const struct wn_request *, struct wn_errctx *) = {
		check_exclusive, check_family, check_target_scope, check_range, check_tcp,
		check_sizes, check_paths, check_mtu};
	wn_err err = WN_OK;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && err == WN_OK; i++)
		err = checks[i](req, ctx);
	return err;
}

static uint16_t port_for(const struct wn_request *req, enum wn_proto proto)
{
	/* With auto, a port that was given is meant for TCP: it is the one a firewall lets in. */
	bool given = req->port_set && (req->proto != WN_REQ_AUTO || proto == WN_PROTO_TCP);

	switch (proto) {
	case WN_PROTO_UDP:
		return given ? req->params.dport : WN_REQ_PORT_UDP;
	case WN_PROTO_TCP:
		if (given)
			return req->params.dport;
		return req->proto == WN_REQ_AUTO ? WN_REQ_PORT_AUTO : WN_REQ_PORT_TCP;
	case WN_PROTO_ICMP:
		break;
	}
	return 0;
}

static uint16_t size_for(const struct wn_request *req, enum wn_proto proto, uint8_t family)
{
	uint16_t headers = proto == WN_PROTO_TCP ? least_size(req, proto, family)
						 : (uint16_t)((family == 4 ? 20u : 40u) + 8u);

	if (wn_request_has(req, "size"))
		return req->alone && req->params.size < headers ? headers : req->params.size;
	if (proto == WN_PROTO_TCP)
		return least_size(req, proto, family);
	return family == 6 ? WN_REQ_SIZE_V6 : WN_REQ_SIZE_V4;
}

static void set_paths(const struct wn_request *req, struct wn_params *out)
{
	static const enum wn_paths_mode modes[] = {
		[WN_REQ_MODE_NODES] = WN_PATHS_NODES,
		[WN_REQ_MODE_LITE] = WN_PATHS_LITE,
		[WN_REQ_MODE_FULL] = WN_PATHS_FULL,
	};

	out->paths = modes[req->mode];
	if (req->npaths)
		out->paths = WN_PATHS_FLOWS;
	out->flows = req->npaths ? req->npaths : req->flows;
	out->miss_ppm = req->miss_ppm;
	out->min_share_ppm = req->min_share_ppm;
	out->miss_by_vertex = req->bound == WN_REQ_BOUND_VERTEX ||
			      (req->bound == WN_REQ_BOUND_AUTO && req->mode == WN_REQ_MODE_NODES);
	/* Some tens of flows leave for one TTL at once. */
	if (!wn_request_has(req, "window"))
		out->window = WN_REQ_WINDOW_ALL;
}

wn_err wn_request_params(const struct wn_request *req, enum wn_proto proto,
	const struct wn_addr *dst, struct wn_params *out, struct wn_errctx *ctx)
{
	wn_err err = wn_request_scope(req, dst, ctx);

	if (err != WN_OK)
		return err;
	*out = req->params;
	out->proto = proto;
	out->dst = *dst;
	out->dport = port_for(req, proto);
	out->size = size_for(req, proto, dst->family);
	out->plain = req->alone && wn_request_has(req, "pattern");
	set_tcp(req, out);
	if (req->paths)
		set_paths(req, out);
	if (out->wait_min_ns > out->wait_max_ns)
		out->wait_min_ns = out->wait_max_ns; /* -w 100ms means it */
	return check_size(req, proto, dst->family, ctx);
}

void wn_request_probe(const struct wn_request *req, struct wn_probe *p)
{
	bool tcp = p->proto == WN_PROTO_TCP;

	p->dport = p->proto == WN_PROTO_UDP && !req->port_set ? 0 : port_for(req, p->proto);
	p->size = size_for(req, p->proto, p->dst.family);
	p->tcp_flags = tcp ? tcp_flags(req) : 0;
	p->tcp_options = tcp ? tcp_options(req) : 0;
}
