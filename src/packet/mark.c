/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for replies: stable names, traceroute's marks, and sentences for people.
 * The marks are those that Linux traceroute prints, because scripts read them; it has only
 * numbers for the newer ICMPv6 codes, where !A says that a policy other than a filter forbids.
 */
#include "base/fmt.h"
#include "packet/reply.h"

static const char *const kind_names[WN_REPLY_KINDS] = {
	[WN_REPLY_TIME_EXCEEDED] = "time-exceeded",
	[WN_REPLY_REASSEMBLY] = "reassembly-time-exceeded",
	[WN_REPLY_UNREACHABLE] = "unreachable",
	[WN_REPLY_TOO_BIG] = "too-big",
	[WN_REPLY_PARAM_PROBLEM] = "parameter-problem",
	[WN_REPLY_SOURCE_QUENCH] = "source-quench",
	[WN_REPLY_REDIRECT] = "redirect",
	[WN_REPLY_ECHO] = "echo-reply",
	[WN_REPLY_UDP] = "udp",
	[WN_REPLY_SYN_ACK] = "syn-ack",
	[WN_REPLY_RST] = "rst",
	[WN_REPLY_TCP_OTHER] = "tcp-other",
};

static const char *const kind_texts[WN_REPLY_KINDS] = {
	[WN_REPLY_TIME_EXCEEDED] = "time to live exceeded",
	[WN_REPLY_REASSEMBLY] = "fragment reassembly time exceeded",
	[WN_REPLY_UNREACHABLE] = "destination unreachable",
	[WN_REPLY_TOO_BIG] = "packet too big, fragmentation needed",
	[WN_REPLY_PARAM_PROBLEM] = "parameter problem",
	[WN_REPLY_SOURCE_QUENCH] = "source quench",
	[WN_REPLY_REDIRECT] = "redirect to a better route",
	[WN_REPLY_ECHO] = "echo reply",
	[WN_REPLY_UDP] = "UDP answer",
	[WN_REPLY_SYN_ACK] = "port open",
	[WN_REPLY_RST] = "port closed",
	[WN_REPLY_TCP_OTHER] = "TCP segment",
};

struct code {
	const char *mark; /* NULL: "!<code>" */
	const char *text;
};

/* RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1 */
static const struct code v4_codes[] = {
	[0] = {"!N", "network unreachable"},
	[1] = {"!H", "host unreachable"},
	[2] = {"!P", "protocol unreachable"},
	[3] = {"", "port unreachable"},
	[4] = {"!F", "packet too big, fragmentation needed"},
	[5] = {"!S", "source route failed"},
	[6] = {"!N", "network unknown"},
	[7] = {"!H", "host unknown"},
	[8] = {"!N", "source host isolated"},
	[9] = {"!X", "network administratively prohibited"},
	[10] = {"!X", "host administratively prohibited"},
	[11] = {"!N", "network unreachable for this type of service"},
	[12] = {"!H", "host unreachable for this type of service"},
	[13] = {"!X", "communication administratively prohibited"},
	[14] = {"!V", "host precedence violation"},
	[15] = {"!C", "precedence cutoff in effect"},
};

/* RFC 4443 3.1, RFC 8883 for 8 */
static const struct code v6_codes[] = {
	[0] = {"!N", "no route to destination"},
	[1] = {"!X", "communication administratively prohibited"},
	[2] = {"!H", "beyond scope of source address"},
	[3] = {"!H", "address unreachable"},
	[4] = {"", "port unreachable"},
	[5] = {"!A", "source address failed policy"},
	[6] = {"!A", "route to destination rejected"},
	[7] = {"!S", "error in source routing header"},
	[8] = {NULL, "headers too long"},
};

static const struct code *find_code(uint8_t family, uint8_t code)
{
	if (family == 4 && code < sizeof(v4_codes) / sizeof(v4_codes[0]))
		return &v4_codes[code];
	if (family == 6 && code < sizeof(v6_codes) / sizeof(v6_codes[0]))
		return &v6_codes[code];
	return NULL;
}

const char *wn_reply_kind_name(enum wn_reply_kind kind)
{
	return (unsigned)kind < WN_REPLY_KINDS ? kind_names[kind] : "unknown";
}

static void mark_unreachable(uint8_t family, uint8_t code, char buf[WN_MARK_STRLEN])
{
	const struct code *c = find_code(family, code);

	if (c != NULL && c->mark != NULL)
		wn_fmt(buf, WN_MARK_STRLEN, "%s", c->mark);
	else
		wn_fmt(buf, WN_MARK_STRLEN, "!<%u>", (unsigned)code);
}

const char *wn_reply_mark(enum wn_reply_kind kind, uint8_t family, uint8_t code, uint32_t mtu,
	char buf[WN_MARK_STRLEN])
{
	buf[0] = '\0';
	switch (kind) {
	case WN_REPLY_UNREACHABLE:
		mark_unreachable(family, code, buf);
		break;
	case WN_REPLY_TOO_BIG:
		wn_fmt(buf, WN_MARK_STRLEN, "!F-%u", (unsigned)mtu);
		break;
	case WN_REPLY_REASSEMBLY:
		wn_fmt(buf, WN_MARK_STRLEN, "!<%u-%u>", family == 4 ? 11u : 3u, (unsigned)code);
		break;
	case WN_REPLY_PARAM_PROBLEM:
		wn_fmt(buf, WN_MARK_STRLEN, "!<%u-%u>", family == 4 ? 12u : 4u, (unsigned)code);
		break;
	case WN_REPLY_SOURCE_QUENCH:
		wn_fmt(buf, WN_MARK_STRLEN, "!<4-%u>", (unsigned)code);
		break;
	default:
		break;
	}
	return buf;
}

const char *wn_reply_text(enum wn_reply_kind kind, uint8_t family, uint8_t code)
{
	const struct code *c;

	if (kind == WN_REPLY_UNREACHABLE) {
		c = find_code(family, code);
		if (c != NULL)
			return c->text;
	}
	return (unsigned)kind < WN_REPLY_KINDS ? kind_texts[kind] : "unknown";
}
