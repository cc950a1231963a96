/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP echo without privileges, where net.ipv4.ping_group_range allows it. The kernel writes and
 * matches the id; sequence and payload are ours, and errors return the echo header with them.
 */
#include "io/dgram.h"
#include "io/io_priv.h"
#include "base/cursor.h"
#include "packet/wire.h"

#include <errno.h>

static wn_err ping_open(const struct wn_io_config *c, int *out, struct wn_errctx *ctx)
{
	int protocol = c->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	struct wn_errctx why = {0};
	wn_err err = wn_sock_open(c, SOCK_DGRAM, protocol, out, &why);

	if (err == WN_OK) {
		/* Ping sockets are born willing to share their id, and the last one gets all
		 * replies. */
		wn_sock_set(*out, SOL_SOCKET, SO_REUSEADDR, 0);
		return WN_OK;
	}
	if (why.sys == EACCES)
		return wn_fail_sys(ctx, WN_EPERM, why.sys,
			"ICMP probes need CAP_NET_RAW or a group within the sysctl "
			"net.ipv4.ping_group_range");
	return wn_fail_sys(ctx, err, why.sys, "%s", why.text);
}

static void ping_read_quote(const struct wn_errq_msg *m, struct wn_quote *out)
{
	struct wn_rd r;

	out->proto = wn_ip_proto(WN_PROTO_ICMP, out->dst.family);
	wn_rd_init(&r, m->data, m->len);
	wn_rd_skip(&r, 2);
	out->checksum = wn_rd_be16(&r);
	out->icmp_id = wn_rd_be16(&r);
	out->icmp_seq = wn_rd_be16(&r);
	out->l4_present = !r.bad;
	wn_rd_bytes(&r, out->cookie, sizeof(out->cookie));
	out->payload_present = !r.bad;
}

static wn_err ping_read_answer(const struct wn_dgram_flow *flow, uint16_t from_port,
	const uint8_t *data, size_t len, struct wn_reply *out)
{
	uint8_t proto = wn_ip_proto(WN_PROTO_ICMP, out->from.family);
	wn_err err = wn_wire_parse_l4(proto, data, len, out);

	(void)from_port;
	if (err != WN_OK)
		return err;
	out->length = (uint16_t)(len + wn_ip_header_size(out->from.family));
	return out->kind == WN_REPLY_ECHO && out->icmp_id == flow->port ? WN_OK : WN_EUNSUPPORTED;
}

static const struct wn_dgram_proto ping = {
	.name = "ping",
	.blind = "quoted IP headers (hidden hops, changed DSCP, translated addresses); of ICMPv6 "
		 "also "
		 "packets that a firewall here drops",
	.socket_options = true,
	.sees_quote_l4 = true,
	.quote_headers = 0,
	.open = ping_open,
	.read_quote = ping_read_quote,
	.read_answer = ping_read_answer,
};

wn_err wn_io_ping_open(const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx)
{
	struct wn_io_config one = *c;

	one.port_span = 1; /* flows of ICMP differ by checksum, the id is one */
	return wn_dgram_open(&ping, &one, out, ctx);
}
