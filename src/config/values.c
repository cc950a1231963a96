/* SPDX-License-Identifier: Apache-2.0 */
/* The options whose values are more than a number or a word. */
#include "config/config_priv.h"

#include <string.h>

#include "base/fmt.h"
#include "base/text.h"

#define NS_PER_MS     1000000ull
#define NS_PER_S      1000000000ull
#define WAIT_MAX_NS   (3600 * NS_PER_S)
#define MULTIPLE_MAX  1000u
#define DSCP_MAX      63u
#define IFACE_MAX     15 /* IFNAMSIZ - 1 */
#define RESOLVERS_MAX 512

/* RFC 2474, 2597, 3246, 5865, 8622 */
static const struct {
	const char *name;
	uint8_t dscp;
} dscp_names[] = {
	{"default", 0},
	{"le", 1},
	{"cs0", 0},
	{"cs1", 8},
	{"cs2", 16},
	{"cs3", 24},
	{"cs4", 32},
	{"cs5", 40},
	{"cs6", 48},
	{"cs7", 56},
	{"af11", 10},
	{"af12", 12},
	{"af13", 14},
	{"af21", 18},
	{"af22", 20},
	{"af23", 22},
	{"af31", 26},
	{"af32", 28},
	{"af33", 30},
	{"af41", 34},
	{"af42", 36},
	{"af43", 38},
	{"voice-admit", 44},
	{"ef", 46},
};

wn_err wn_opt_parse_family(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	if (strcmp(value, WN_OPT_YES) != 0)
		return wn_opt_bad(ctx, opt, value, "%s", WN_OPT_YES);
	req->family = opt->short_name == '4' ? 4 : 6;
	return WN_OK;
}

wn_err wn_opt_parse_port(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint64_t port;

	if (wn_text_u64(value, opt->min, opt->max, &port) != WN_OK)
		return wn_opt_bad(ctx, opt, value, "a port from 1 to 65535");
	req->params.dport = (uint16_t)port;
	req->port_set = true;
	return WN_OK;
}

wn_err wn_opt_parse_flow(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint64_t flow = 0;
	static const struct {
		const char *name;
		enum wn_flow_mode mode;
	} modes[] = {{"fixed", WN_FLOW_FIXED}, {"paris", WN_FLOW_FIXED}, {"dublin", WN_FLOW_DUBLIN},
		{"classic", WN_FLOW_CLASSIC}};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(value, modes[i].name) != 0)
			continue;
		req->params.flow = 0;
		req->params.flow_mode = modes[i].mode;
		return WN_OK;
	}
	if (wn_text_u64(value, 0, WN_REQ_FLOW_MAX, &flow) != WN_OK)
		return wn_opt_bad(ctx, opt, value,
			"a number from 0 to %d, paris (or fixed), dublin or classic",
			WN_REQ_FLOW_MAX);
	req->params.flow = (uint32_t)flow;
	req->params.flow_mode = WN_FLOW_FIXED;
	return WN_OK;
}

/* A multiple of an RTT, in thousandths: "3", "2.5". */
static bool read_multiple(const char *text, uint32_t *out_milli)
{
	uint64_t nano;

	if (wn_text_nano(text, &nano) != WN_OK || nano < NS_PER_S || nano > MULTIPLE_MAX * NS_PER_S)
		return false;
	*out_milli = (uint32_t)(nano / 1000000);
	return true;
}

wn_err wn_opt_parse_wait(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint32_t milli[2] = {req->params.wait_here_milli, req->params.wait_near_milli};
	static const char shape[] = "%s, MAX a time from 1ms to 1h, such as 2 or 1.5s,3,3";
	char part[3][24];
	const char *word;
	size_t len, parts = 0;
	uint64_t max_ns;

	while (wn_opt_choice(value, parts, &word, &len)) {
		if (parts == 3 || len >= sizeof(part[0]))
			return wn_opt_bad(ctx, opt, value, shape, opt->arg);
		memcpy(part[parts], word, len);
		part[parts++][len] = '\0';
	}
	if (wn_text_duration_ns(part[0], &max_ns) != WN_OK || max_ns < NS_PER_MS ||
		max_ns > WAIT_MAX_NS)
		return wn_opt_bad(ctx, opt, value, shape, opt->arg);
	for (size_t i = 1; i < parts; i++)
		if (!read_multiple(part[i], &milli[i - 1]))
			return wn_opt_bad(ctx, opt, value,
				"%s with multiples from 1 to %u, like 1s,3,3", opt->arg,
				MULTIPLE_MAX);
	req->params.wait_max_ns = max_ns;
	req->params.wait_here_milli = milli[0];
	req->params.wait_near_milli = milli[1];
	return WN_OK;
}

/* Linux allows more in a name; nobody types it. */
static bool is_iface(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '/')
			return false;
	return len > 0 && len <= IFACE_MAX;
}

wn_err wn_opt_parse_iface(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	if (!is_iface(value))
		return wn_opt_bad(ctx, opt, value, "the name of an interface, like eth0");
	memset(req->params.iface, 0, sizeof(req->params.iface));
	memcpy(req->params.iface, value, strlen(value));
	return WN_OK;
}

wn_err wn_opt_parse_source(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	struct wn_addr addr;

	if (wn_addr_parse(value, &addr) != WN_OK || wn_addr_is_multicast(&addr) ||
		wn_opt_is_broadcast(&addr))
		return wn_opt_bad(ctx, opt, value, "an IPv4 or IPv6 address of this machine");
	req->params.src = addr;
	return WN_OK;
}

wn_err wn_opt_parse_dscp(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint64_t dscp = DSCP_MAX + 1;

	for (size_t i = 0; i < sizeof(dscp_names) / sizeof(dscp_names[0]); i++)
		if (strcmp(dscp_names[i].name, value) == 0)
			dscp = dscp_names[i].dscp;
	if (dscp > DSCP_MAX && wn_text_u64(value, 0, DSCP_MAX, &dscp) != WN_OK)
		return wn_opt_bad(ctx, opt, value,
			"a number from 0 to 63 or a name: ef, voice-admit, le, cs0 to cs7, "
			"af11 to af43");
	req->params.tos = (uint8_t)(dscp << 2);
	return WN_OK;
}

/* A comma separated list of names, found by bit_of, as a set; false when one is unknown. */
static bool read_set(const char *value, uint8_t (*bit_of)(const char *, size_t), uint8_t *out)
{
	const char *word;
	size_t len;

	*out = 0;
	for (size_t i = 0; wn_opt_choice(value, i, &word, &len); i++) {
		uint8_t bit = bit_of(word, len);

		if (!bit)
			return false;
		*out |= bit;
	}
	return true;
}

wn_err wn_opt_parse_tcp_flags(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint64_t number;
	uint8_t set;

	if (wn_text_u64(value, 1, UINT8_MAX, &number) == WN_OK)
		set = (uint8_t)number;
	else if (!read_set(value, wn_tcp_flag, &set))
		return wn_opt_bad(ctx, opt, value,
			"a list of fin, syn, rst, psh, ack, urg, ece and cwr, like fin,ack, or "
			"their sum from 1 to 255");
	req->params.tcp_flags = set;
	return WN_OK;
}

wn_err wn_opt_parse_tcp_options(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint8_t set = 0;

	if (strcmp(value, "none") != 0 && !read_set(value, wn_tcp_option, &set))
		return wn_opt_bad(ctx, opt, value,
			"none or a list of mss, sack, timestamps and wscale, like mss,sack");
	req->params.tcp_options = set;
	return WN_OK;
}

wn_err wn_opt_parse_verbose(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	if (strcmp(value, WN_OPT_NO) == 0) {
		req->verbose = 0;
		return WN_OK;
	}
	if (strcmp(value, WN_OPT_YES) != 0)
		return wn_opt_bad(ctx, opt, value, "yes or no");
	if (req->verbose < UINT32_MAX)
		req->verbose++;
	return WN_OK;
}

/* A percentage in millionths: "99.9" is 999000. */
static bool read_percent(const char *text, uint64_t *out_ppm)
{
	uint64_t nano;

	if (wn_text_nano(text, &nano) != WN_OK || nano > 100 * NS_PER_S)
		return false;
	*out_ppm = nano / 100000;
	return nano % 100000 == 0;
}

wn_err wn_opt_parse_confidence(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint64_t ppm;

	if (!read_percent(value, &ppm) || ppm < 500000 || ppm > 999990)
		return wn_opt_bad(
			ctx, opt, value, "a percentage from 50 to 99.999, like 95 or 99.9");
	req->miss_ppm = (uint32_t)(1000000 - ppm);
	return WN_OK;
}

wn_err wn_opt_parse_min_share(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	uint64_t ppm;

	if (!read_percent(value, &ppm) || ppm < 1000 || ppm > 500000)
		return wn_opt_bad(ctx, opt, value, "a percentage from 0.1 to 50, like 6.7");
	req->min_share_ppm = (uint32_t)ppm;
	return WN_OK;
}

/* ADDRESS, IPV4:PORT or [IPV6]:PORT. */
static bool is_server(const char *text, size_t len)
{
	char buf[WN_ADDR_STRLEN + 16], *addr = buf, *port = NULL;
	struct wn_addr parsed;
	uint64_t number;

	if (len == 0 || len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (wn_addr_parse(buf, &parsed) == WN_OK)
		return true;
	port = strrchr(buf, ':');
	if (!port)
		return false;
	*port++ = '\0';
	if (buf[0] == '[') {
		size_t n = strlen(buf);

		if (buf[n - 1] != ']')
			return false;
		buf[n - 1] = '\0';
		addr = buf + 1;
	}
	return wn_addr_parse(addr, &parsed) == WN_OK && (parsed.family == 6) == (addr != buf) &&
	       wn_text_u64(port, 1, 65535, &number) == WN_OK;
}

wn_err wn_opt_parse_resolver(
	struct wn_request *req, const struct wn_opt *opt, const char *value, struct wn_errctx *ctx)
{
	const char *word;
	size_t len;

	for (size_t i = 0; wn_opt_choice(value, i, &word, &len); i++)
		if (!is_server(word, len) || strlen(value) >= RESOLVERS_MAX)
			return wn_opt_bad(ctx, opt, value,
				"the address of a DNS server, like 192.0.2.53 or "
				"[2001:db8::53]:53");
	req->resolver = value;
	return WN_OK;
}
