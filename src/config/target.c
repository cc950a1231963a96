/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user may write as the target. An address in any form is decided by the strict parsers of
 * base; everything else must be a host name, so that no typing error becomes a DNS question.
 */
#include "config/config_priv.h"

#include <string.h>

#include "base/fmt.h"
#include "base/text.h"
#include "enrich/dns.h"

static wn_err bad_target(struct wn_errctx *ctx, const char *text, const char *why)
{
	char shown[WN_OPT_VALUE_SHOWN + 16];

	return wn_fail(ctx, WN_EUSAGE, "target %s: %s", wn_opt_quote(shown, text), why);
}

static wn_err set_port(
	struct wn_request *req, const char *text, const char *port, struct wn_errctx *ctx)
{
	char shown[WN_OPT_VALUE_SHOWN + 16], line[WN_OPT_VALUE_SHOWN + 64];
	uint64_t number;

	if (wn_text_u64(port, 1, 65535, &number) != WN_OK) {
		wn_fmt(line, sizeof(line), "port %s must be a number from 1 to 65535",
			wn_opt_quote(shown, port));
		return bad_target(ctx, text, line);
	}
	if (req->port_set && req->params.dport != number) {
		wn_fmt(line, sizeof(line), "contradicts --port %u; give one of the two",
			req->params.dport);
		return bad_target(ctx, text, line);
	}
	req->params.dport = (uint16_t)number;
	req->port_set = true;
	return WN_OK;
}

bool wn_opt_is_broadcast(const struct wn_addr *addr)
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	return addr->family == 4 && memcmp(addr->bytes, all, sizeof(all)) == 0;
}

static wn_err set_literal(
	struct wn_request *req, const char *text, const struct wn_addr *addr, struct wn_errctx *ctx)
{
	static const struct wn_addr zero;

	if (wn_addr_is_multicast(addr))
		return bad_target(ctx, text, "a multicast group is no single destination");
	if (wn_opt_is_broadcast(addr))
		return bad_target(ctx, text, "broadcast address; give the address of one host");
	if (memcmp(addr->bytes, zero.bytes, sizeof(zero.bytes)) == 0)
		return bad_target(ctx, text, "the unspecified address is no destination");
	req->params.dst = *addr;
	wn_addr_str(addr, req->params.host);
	return WN_OK;
}

/* A name whose last label is a number can only be a mistyped IPv4 address. */
static bool ends_in_number(const char *host)
{
	size_t len = strlen(host), at;

	if (len > 0 && host[len - 1] == '.')
		len--;
	for (at = len; at > 0 && host[at - 1] >= '0' && host[at - 1] <= '9';)
		at--;
	return at < len && (at == 0 || host[at - 1] == '.');
}

static wn_err set_host(
	struct wn_request *req, const char *text, const char *host, struct wn_errctx *ctx)
{
	struct wn_addr addr;
	struct wn_errctx why = {0};

	if (wn_addr_parse(host, &addr) == WN_OK)
		return set_literal(req, text, &addr, ctx);
	if (ends_in_number(host))
		return bad_target(ctx, text, "not an IPv4 address; that has four numbers 0 to 255");
	if (wn_dns_to_ascii(host, req->params.host, sizeof(req->params.host), &why) != WN_OK)
		return bad_target(ctx, text, why.text[0] ? why.text : "not a host name");
	return WN_OK;
}

static wn_err set_bracketed(struct wn_request *req, const char *text, struct wn_errctx *ctx)
{
	const char *end = strchr(text, ']');
	char inside[WN_ADDR_STRLEN];
	struct wn_addr addr;
	wn_err err;
	size_t len;

	if (!end || (end[1] != '\0' && end[1] != ':'))
		return bad_target(ctx, text, "must be [IPV6] or [IPV6]:PORT");
	len = (size_t)(end - text - 1);
	if (len >= sizeof(inside))
		return bad_target(ctx, text, "no IPv6 address between the brackets");
	memcpy(inside, text + 1, len);
	inside[len] = '\0';
	if (wn_addr_parse(inside, &addr) != WN_OK || addr.family != 6)
		return bad_target(ctx, text, "no IPv6 address between the brackets");
	err = set_literal(req, text, &addr, ctx);
	if (err == WN_OK && end[1] == ':')
		err = set_port(req, text, end + 2, ctx);
	return err;
}

static wn_err set_with_colon(
	struct wn_request *req, const char *text, const char *colon, struct wn_errctx *ctx)
{
	char host[WN_TEXT_MAX];
	size_t len = (size_t)(colon - text);
	wn_err err;

	memcpy(host, text, len);
	host[len] = '\0';
	err = set_port(req, text, colon + 1, ctx);
	return err == WN_OK ? set_host(req, text, host, ctx) : err;
}

wn_err wn_request_target(struct wn_request *req, const char *text, struct wn_errctx *ctx)
{
	const char *colon = strchr(text, ':');
	struct wn_addr addr;

	if (text[0] == '\0')
		return bad_target(ctx, text, "empty; give a name or an address");
	if (strlen(text) >= sizeof(req->params.target))
		return bad_target(ctx, text, "longer than any host name");
	memset(&req->params.dst, 0, sizeof(req->params.dst));
	memset(req->params.target, 0, sizeof(req->params.target));
	memset(req->params.host, 0, sizeof(req->params.host));
	memcpy(req->params.target, text, strlen(text));
	if (strstr(text, "://"))
		return bad_target(ctx, text, "a URL; give the name of the host alone");
	if (text[0] == '[')
		return set_bracketed(req, text, ctx);
	if (!colon)
		return set_host(req, text, text, ctx);
	if (wn_addr_parse(text, &addr) == WN_OK)
		return set_literal(req, text, &addr, ctx);
	if (strchr(text, '%'))
		return bad_target(ctx, text, "give the interface with -i, not after %");
	if (strchr(colon + 1, ':'))
		return bad_target(ctx, text, "not an IPv6 address");
	return set_with_colon(req, text, colon, ctx);
}
