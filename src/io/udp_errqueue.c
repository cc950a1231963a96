/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP without privileges. The kernel takes the quoted IP and UDP headers off, so the first 8 bytes
 * of payload, the cookie, are what a reply is known by.
 */
#include "io/dgram.h"
#include "io/io_priv.h"
#include "packet/wire.h"

#include <string.h>

#define UDP_HEADER 8

static wn_err udp_open(const struct wn_io_config *c, int *out, struct wn_errctx *ctx)
{
	return wn_sock_open(c, SOCK_DGRAM, IPPROTO_UDP, out, ctx);
}

static void udp_read_quote(const struct wn_errq_msg *m, struct wn_quote *out)
{
	out->proto = WN_IP_UDP;
	out->dport = m->dport;
	out->payload_present = m->len >= sizeof(out->cookie);
	if (out->payload_present)
		memcpy(out->cookie, m->data, sizeof(out->cookie));
}

static wn_err udp_read_answer(const struct wn_dgram_flow *flow, uint16_t from_port,
	const uint8_t *data, size_t len, struct wn_reply *out)
{
	(void)data; /* an answer's content is the service's affair */
	out->kind = WN_REPLY_UDP;
	out->sport = from_port;
	out->dport = flow->port;
	out->length = (uint16_t)(len + UDP_HEADER + wn_ip_header_size(out->from.family));
	return out->from.family ? WN_OK : WN_EPARSE;
}

static const struct wn_dgram_proto udp = {
	.name = "errqueue",
	.blind = "quoted headers (hidden hops, changed DSCP, translated addresses); replies that "
		 "quote 8 bytes are weak matches",
	.quote_headers = UDP_HEADER,
	.open = udp_open,
	.read_quote = udp_read_quote,
	.read_answer = udp_read_answer,
};

wn_err wn_io_udp_errqueue_open(
	const struct wn_io_config *c, struct wn_io **out, struct wn_errctx *ctx)
{
	return wn_dgram_open(&udp, c, out, ctx);
}
