/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are for ever: a version of the schema may add some, never rename or drop one. */
#include "result/fields.h"

#include <string.h>
#include "packet/wire.h"

#define LEN(a)	  (sizeof(a) / sizeof((a)[0]))
#define FIELDS(a) .items = (a), .count = LEN(a)
#define F(T, t, k, m)                                                                              \
	.key = (k), .type = WN_FIELD_##t, .offset = offsetof(T, m), .size = sizeof(((T *)NULL)->m)
/* A number that is null when it is -1. */
#define OPT(T, k, m) F(T, INT, k, m), .null = -1, .has_null = true

#define V4	     WN_ABOUT_V4
#define V6	     WN_ABOUT_V6
#define PORTS	     WN_ABOUT_PORTS
#define ICMP	     WN_ABOUT_ICMP
#define TCP	     WN_ABOUT_TCP
#define CSUM	     WN_ABOUT_CHECKSUM
#define SEEN	     WN_ABOUT_IP_SEEN
#define PAYLOAD	     WN_ABOUT_PAYLOAD
#define ECHO	     WN_ABOUT_ECHO
#define VALUE	     WN_ABOUT_VALUE
#define HEADER	     WN_ABOUT_TCP_HEADER
/* A number that a later version of the schema added. */
#define ADDED(T, k, m, about)                                                                      \
	{                                                                                          \
		F(T, UINT, k, m), .needs = (about), .added = true                                  \
	}
/* What a reply and a quote alike tell of the options of TCP. */
#define TCP_OPTION_FIELDS(T)                                                                       \
	{F(T, BOOL, "tcp_header_seen", tcp_opts.whole), .needs = TCP, .added = true},              \
		ADDED(T, "tcp_options", tcp_opts.set, HEADER),                                     \
		ADDED(T, "tcp_mss", tcp_opts.mss, HEADER),                                         \
		ADDED(T, "tcp_window_scale", tcp_opts.wscale, HEADER),                             \
		ADDED(T, "tcp_timestamp", tcp_opts.tsval, HEADER)

_Static_assert(sizeof(enum wn_proto) == sizeof(int) && sizeof(wn_err) == sizeof(int),
	"enums are read and written as int");

/* ---- enumerations ---- */

#define NAMES(which, enumeration, n, by)                                                           \
	static const char *which##_name(int value)                                                 \
	{                                                                                          \
		return wn_##which##_name((enumeration)value);                                      \
	}                                                                                          \
	static const struct wn_enum which##_values = {                                             \
		.count = (n), .step = (by), .name = which##_name}

NAMES(proto, enum wn_proto, WN_PROTO_COUNT, 1);
NAMES(clock, enum wn_clock, WN_CLOCK_SIM + 1, 1);
NAMES(reply_kind, enum wn_reply_kind, WN_REPLY_KINDS, 1);
NAMES(match, enum wn_match, WN_MATCH_WEAK + 1, 1);
NAMES(stop, enum wn_stop, WN_STOP_ERROR + 1, 1);
NAMES(note, enum wn_note_kind, WN_NOTE_TOO_LARGE + 1, 1);
NAMES(paths_mode, enum wn_paths_mode, WN_PATHS_FLOWS + 1, 1);
NAMES(tcp_method, enum wn_tcp_method, WN_TCP_METHODS, 1);
NAMES(err, wn_err, 1 - (WN_ECLOSED), -1);

static const char *flow_mode_name(int value)
{
	static const char *const modes[] = {"fixed", "classic", "dublin"};

	return modes[value % 3];
}

/* RFC 5837 section 4.2 */
static const char *role_name(int value)
{
	static const char *const roles[] = {"incoming", "sub-ip", "outgoing", "next-hop"};

	return roles[value & 3];
}

static const struct wn_enum flow_mode_values = {.count = 3, .step = 1, .name = flow_mode_name};
static const struct wn_enum role_values = {.count = 4, .step = 1, .name = role_name};

/* ---- parameters ---- */

#define P struct wn_params
static const struct wn_field params[] = {
	{F(P, TEXT, "target", target)},
	{F(P, TEXT, "host", host)},
	{F(P, ADDR, "source", src)},
	{F(P, ADDR, "destination", dst)},
	{F(P, TEXT, "interface", iface), .needs = VALUE},
	{F(P, ENUM, "protocol", proto), .names = &proto_values},
	{F(P, UINT, "source_port", sport), .needs = PORTS},
	{F(P, UINT, "destination_port", dport), .needs = PORTS},
	{F(P, UINT, "flow_label", flow_label), .needs = V6},
	{F(P, UINT, "flow_checksum", flow_checksum), .needs = ICMP},
	{F(P, ENUM, "flow_mode", flow_mode), .names = &flow_mode_values},
	{F(P, UINT, "flow", flow)},
	{F(P, ENUM, "paths", paths), .names = &paths_mode_values, .added = true},
	{F(P, UINT, "flows", flows), .needs = VALUE, .added = true},
	{F(P, UINT, "miss_ppm", miss_ppm), .needs = VALUE, .max = 1000000, .added = true},
	{F(P, BOOL, "miss_by_vertex", miss_by_vertex), .added = true},
	{F(P, UINT, "min_share_ppm", min_share_ppm), .needs = VALUE, .max = 1000000, .added = true},
	{F(P, BOOL, "path_mtu", pmtu), .added = true},
	{F(P, UINT, "link_mtu", link_mtu), .needs = VALUE, .added = true},
	{F(P, BOOL, "ping_hops", ping_hops), .added = true},
	{F(P, UINT, "destinations", destinations), .needs = VALUE, .added = true},
	{F(P, UINT, "first_ttl", first_ttl)},
	{F(P, UINT, "max_ttl", max_ttl)},
	{F(P, UINT, "probes", probes)},
	{F(P, UINT, "window", window)},
	{F(P, UINT, "gap", gap)},
	{F(P, UINT, "pps", pps)},
	{F(P, UINT, "wait_max_ns", wait_max_ns)},
	{F(P, UINT, "wait_min_ns", wait_min_ns)},
	{F(P, UINT, "wait_here_milli", wait_here_milli)},
	{F(P, UINT, "wait_near_milli", wait_near_milli)},
	{F(P, UINT, "deadline_ns", deadline_ns), .needs = VALUE},
	{F(P, UINT, "size_bytes", size)},
	{F(P, UINT, "tos", tos)},
	{F(P, BOOL, "dont_fragment", df)},
	{F(P, UINT, "pattern", pattern)},
	{F(P, ENUM, "tcp_method", tcp_method), .names = &tcp_method_values, .needs = TCP,
		.added = true},
	ADDED(P, "tcp_flags", tcp_flags, VALUE),
	ADDED(P, "tcp_options", tcp_options, VALUE),
	ADDED(P, "tcp_seq", tcp_seq, VALUE),
	ADDED(P, "tcp_ack", tcp_ack, VALUE),
	{F(P, UINT, "mark", mark), .needs = VALUE},
	{F(P, UINT, "start_unix_ns", start_unix_ns)},
};
const struct wn_fields wn_fields_params = {FIELDS(params)};

#define C struct wn_caps
static const struct wn_field caps[] = {
	{F(C, TEXT, "name", name)},
	{F(C, TEXT, "cannot_see", blind), .needs = VALUE},
	{F(C, BOOL, "sends_ip_id", sends_ip_id)},
	{F(C, BOOL, "sends_checksum", sends_checksum)},
	{F(C, BOOL, "sends_icmp_id", sends_icmp_id)},
	{F(C, BOOL, "sends_flow_label", sends_flow_label)},
	{F(C, BOOL, "sees_quote_transport", sees_quote_l4)},
	{F(C, BOOL, "sees_quote_ip", sees_quote_ip)},
	{F(C, BOOL, "sees_reply_ttl", sees_reply_ttl)},
	{F(C, BOOL, "sees_extensions", sees_extensions)},
	{F(C, BOOL, "sees_foreign", sees_foreign)},
	{F(C, UINT, "per_flow", per_flow), .needs = VALUE},
	{F(C, ENUM, "send_clock", tx_clock), .names = &clock_values},
	{F(C, ENUM, "receive_clock", rx_clock), .names = &clock_values},
};
const struct wn_fields wn_fields_caps = {FIELDS(caps)};

/* ---- packets ---- */

#define B struct wn_probe
static const struct wn_field probe[] = {
	{F(B, UINT, "id", id)},
	{F(B, UINT, "flow", flow)},
	{F(B, ADDR, "source", src)},
	{F(B, ADDR, "destination", dst)},
	{F(B, ENUM, "protocol", proto), .names = &proto_values},
	{F(B, UINT, "ttl", ttl)},
	{F(B, UINT, "tos", tos)},
	{F(B, BOOL, "dont_fragment", df)},
	{F(B, UINT, "flow_label", flow_label), .needs = V6},
	{F(B, UINT, "ip_id", ip_id), .needs = VALUE},
	{F(B, UINT, "size_bytes", size)},
	{F(B, UINT, "source_port", sport), .needs = PORTS},
	{F(B, UINT, "destination_port", dport), .needs = PORTS},
	{F(B, UINT, "icmp_id", icmp_id), .needs = ICMP},
	{F(B, UINT, "icmp_seq", icmp_seq), .needs = ICMP},
	{F(B, UINT, "checksum", checksum), .needs = CSUM},
	{F(B, UINT, "tcp_seq", tcp_seq), .needs = TCP | VALUE},
	ADDED(B, "tcp_ack", tcp_ack, VALUE),
	ADDED(B, "tcp_flags", tcp_flags, VALUE),
	ADDED(B, "tcp_options", tcp_options, VALUE),
	ADDED(B, "tcp_timestamp", tcp_tsval, VALUE),
	{F(B, BYTES, "cookie", cookie), .needs = PAYLOAD},
	{F(B, UINT, "pattern", pattern)},
	{F(B, UINT, "mark", mark), .needs = VALUE},
};
const struct wn_fields wn_fields_probe = {FIELDS(probe)};

#define R struct wn_reply
static const struct wn_field reply[] = {
	{F(R, ENUM, "kind", kind), .names = &reply_kind_values},
	{F(R, ADDR, "from", from)},
	{F(R, ADDR, "to", to)},
	{F(R, UINT, "icmp_type", icmp_type), .needs = ICMP},
	{F(R, UINT, "icmp_code", icmp_code), .needs = ICMP},
	{OPT(R, "ttl", ttl)},
	{OPT(R, "tos", tos)},
	{F(R, UINT, "mtu", mtu), .needs = VALUE},
	{F(R, UINT, "length_bytes", length), .needs = VALUE},
	{F(R, BOOL, "truncated", truncated)},
	{F(R, BOOL, "checksum_bad", checksum_bad)},
	{F(R, UINT, "source_port", sport), .needs = PORTS},
	{F(R, UINT, "destination_port", dport), .needs = PORTS},
	{F(R, UINT, "icmp_id", icmp_id), .needs = ECHO},
	{F(R, UINT, "icmp_seq", icmp_seq), .needs = ECHO},
	{F(R, UINT, "tcp_seq", tcp_seq), .needs = TCP},
	{F(R, UINT, "tcp_ack", tcp_ack), .needs = TCP},
	{F(R, UINT, "tcp_flags", tcp_flags), .needs = TCP},
	TCP_OPTION_FIELDS(R),
	ADDED(R, "tcp_timestamp_echo", tcp_tsecr, HEADER),
	ADDED(R, "tcp_window", tcp_window, HEADER),
	ADDED(R, "tcp_sack_left", tcp_sack[0].left, HEADER),
	ADDED(R, "tcp_sack_right", tcp_sack[0].right, HEADER),
	{F(R, BOOL, "payload_seen", payload_present), .needs = ECHO},
	{F(R, BYTES, "cookie", cookie), .needs = PAYLOAD},
	{OPT(R, "hint_id", hint_id)},
	{F(R, BOOL, "from_errqueue", from_errqueue)},
};
const struct wn_fields wn_fields_reply = {FIELDS(reply)};

#define Q struct wn_quote
static const struct wn_field quote[] = {
	{F(Q, ADDR, "source", src)},
	{F(Q, ADDR, "destination", dst)},
	{F(Q, UINT, "protocol", proto), .needs = VALUE},
	{F(Q, UINT, "ttl", ttl), .needs = SEEN},
	{F(Q, UINT, "tos", tos), .needs = SEEN},
	{F(Q, UINT, "length_bytes", length), .needs = SEEN},
	{F(Q, UINT, "ip_id", ip_id), .needs = SEEN | V4},
	{F(Q, BOOL, "dont_fragment", df), .needs = SEEN | V4},
	{F(Q, UINT, "flow_label", flow_label), .needs = SEEN | V6},
	{F(Q, BOOL, "transport_seen", l4_present)},
	{F(Q, BOOL, "payload_seen", payload_present)},
	{F(Q, UINT, "source_port", sport), .needs = PORTS},
	{F(Q, UINT, "destination_port", dport), .needs = PORTS},
	{F(Q, UINT, "icmp_id", icmp_id), .needs = ICMP},
	{F(Q, UINT, "icmp_seq", icmp_seq), .needs = ICMP},
	{F(Q, UINT, "checksum", checksum), .needs = CSUM},
	{F(Q, UINT, "tcp_seq", tcp_seq), .needs = TCP},
	ADDED(Q, "tcp_flags", tcp_flags, VALUE),
	TCP_OPTION_FIELDS(Q),
	{F(Q, BYTES, "cookie", cookie), .needs = PAYLOAD},
	{F(Q, UINT, "quoted_bytes", quoted_bytes)},
};
const struct wn_fields wn_fields_quote = {FIELDS(quote)};

/* ---- extensions ---- */

static const struct wn_field ext[] = {
	{F(struct wn_ext, BOOL, "bad", bad)},
	{F(struct wn_ext, UINT, "dropped", dropped)},
};
const struct wn_fields wn_fields_ext = {FIELDS(ext)};

static const struct wn_field mpls[] = {
	{F(struct wn_mpls, UINT, "label", label), .max = 0xfffff},
	{F(struct wn_mpls, UINT, "traffic_class", tc), .max = 7},
	{F(struct wn_mpls, BOOL, "bottom", bottom)},
	{F(struct wn_mpls, UINT, "ttl", ttl)},
};
const struct wn_fields wn_fields_mpls = {FIELDS(mpls)};

#define I struct wn_ifinfo
static const struct wn_field ifinfo[] = {
	{F(I, ENUM, "role", role), .names = &role_values},
	{F(I, UINT, "index", ifindex), .needs = VALUE},
	{F(I, ADDR, "address", addr)},
	{F(I, TEXT, "name", name), .needs = VALUE},
	{F(I, UINT, "mtu", mtu), .needs = VALUE},
};
const struct wn_fields wn_fields_ifinfo = {FIELDS(ifinfo)};

static const struct wn_field object[] = {
	{F(struct wn_ext_object, UINT, "class", class_num)},
	{F(struct wn_ext_object, UINT, "type", c_type)},
	{F(struct wn_ext_object, UINT, "length_bytes", len)},
};
const struct wn_fields wn_fields_object = {FIELDS(object)};

/* ---- events ---- */

#define X(field, text) {F(struct wn_counters, UINT, #field, field)},
static const struct wn_field counters[] = {WN_COUNTER_LIST(X)};
#undef X
const struct wn_fields wn_fields_counters = {FIELDS(counters)};

#define E struct wn_event
#define TIME                                                                                       \
	{                                                                                          \
		F(E, UINT, "at_ns", at_ns)                                                         \
	}
#define ID                                                                                         \
	{                                                                                          \
		F(E, UINT, "probe_id", probe_id)                                                   \
	}

static const struct wn_field start[] = {TIME};
static const struct wn_field sent[] = {
	TIME,
	ID,
	{F(E, UINT, "number", u.sent.number)},
	{F(E, ENUM, "clock", u.sent.clock), .names = &clock_values},
};
static const struct wn_field answer[] = {
	TIME,
	ID,
	{OPT(E, "rtt_ns", u.reply.rtt_ns)},
	{F(E, ENUM, "clock", u.reply.clock), .names = &clock_values},
	{F(E, ENUM, "match", u.reply.match), .names = &match_values},
	{F(E, BOOL, "late", u.reply.late)},
	{F(E, BOOL, "duplicate", u.reply.duplicate)},
	{F(E, BOOL, "reached", u.reply.reached)},
};
static const struct wn_field timeout[] = {
	TIME,
	ID,
	{F(E, UINT, "waited_ns", u.timeout.waited_ns)},
};
static const struct wn_field failed[] = {
	TIME,
	ID,
	{F(E, UINT, "number", u.failed.number)},
	{F(E, ENUM, "error", u.failed.err), .names = &err_values},
	{F(E, INT, "errno", u.failed.sys), .needs = VALUE},
};
static const struct wn_field name[] = {
	TIME,
	{F(E, ADDR, "address", u.name.addr)},
	{F(E, TEXT, "name", u.name.name), .needs = VALUE},
	{F(E, ENUM, "status", u.name.err), .names = &err_values},
};
static const struct wn_field note[] = {
	TIME,
	{F(E, ENUM, "note", u.note.kind), .names = &note_values},
	{F(E, INT, "value", u.note.value)},
	{F(E, TEXT, "text", u.note.text), .needs = VALUE},
};
static const struct wn_field stop[] = {
	TIME,
	{F(E, ENUM, "reason", u.stop.stop), .names = &stop_values},
	{F(E, UINT, "ttl", u.stop.ttl), .needs = VALUE},
	{F(E, ADDR, "by", u.stop.by)},
	{F(E, ENUM, "error", u.stop.err), .names = &err_values, .needs = VALUE},
	{F(E, INT, "errno", u.stop.sys), .needs = VALUE},
};
static const struct wn_field end[] = {TIME, {F(E, BOOL, "partial", u.end.partial)}};

const struct wn_fields wn_fields_event[WN_EV_END + 1] = {
	[WN_EV_START] = {FIELDS(start)},
	[WN_EV_SENT] = {FIELDS(sent)},
	[WN_EV_REPLY] = {FIELDS(answer)},
	[WN_EV_TIMEOUT] = {FIELDS(timeout)},
	[WN_EV_FAILED] = {FIELDS(failed)},
	[WN_EV_NAME] = {FIELDS(name)},
	[WN_EV_NOTE] = {FIELDS(note)},
	[WN_EV_STOP] = {FIELDS(stop)},
	[WN_EV_END] = {FIELDS(end)},
};

/* ---- what an object is about ---- */

static unsigned about_family(const struct wn_addr *a)
{
	return a->family == 4 ? V4 : a->family == 6 ? V6 : 0;
}

static unsigned about_proto(enum wn_proto proto)
{
	switch (proto) {
	case WN_PROTO_UDP:
		return PORTS | CSUM;
	case WN_PROTO_ICMP:
		return ICMP | CSUM;
	case WN_PROTO_TCP:
		return PORTS | TCP;
	}
	return 0;
}

unsigned wn_about_params(const struct wn_params *p)
{
	return about_family(&p->dst) | about_proto(p->proto);
}

unsigned wn_about_probe(const struct wn_probe *p)
{
	bool payload = p->proto != WN_PROTO_TCP || wn_probe_payload_size(p) >= sizeof(p->cookie);

	return about_family(&p->dst) | about_proto(p->proto) | (payload ? PAYLOAD : 0);
}

unsigned wn_about_reply(const struct wn_reply *r)
{
	unsigned about = about_family(&r->from) | (r->payload_present ? PAYLOAD : 0) |
			 (r->tcp_opts.whole ? HEADER : 0);

	switch (r->kind) {
	case WN_REPLY_ECHO:
		return about | ICMP | ECHO;
	case WN_REPLY_UDP:
		return about | PORTS;
	case WN_REPLY_SYN_ACK:
	case WN_REPLY_RST:
	case WN_REPLY_TCP_OTHER:
		return about | PORTS | TCP;
	default:
		return about | ICMP;
	}
}

unsigned wn_about_quote(const struct wn_quote *q)
{
	unsigned about = about_family(&q->dst) | SEEN | (q->payload_present ? PAYLOAD : 0) |
			 (q->tcp_opts.whole ? HEADER : 0);

	if (!q->l4_present)
		return about;
	if (q->proto == WN_IP_UDP)
		about |= about_proto(WN_PROTO_UDP);
	else if (q->proto == WN_IP_TCP)
		about |= about_proto(WN_PROTO_TCP);
	else if (q->proto == WN_IP_ICMP || q->proto == WN_IP_ICMP6)
		about |= about_proto(WN_PROTO_ICMP);
	return about;
}

/* ---- access ---- */

int64_t wn_field_get(const struct wn_field *f, const void *obj)
{
	const char *at = (const char *)obj + f->offset;
	bool is_signed = f->type == WN_FIELD_INT || f->type == WN_FIELD_ENUM;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;

	switch (f->size) {
	case 1:
		memcpy(&u8, at, 1);
		return u8;
	case 2:
		memcpy(&u16, at, 2);
		return is_signed ? (int16_t)u16 : u16;
	case 4:
		memcpy(&u32, at, 4);
		return is_signed ? (int32_t)u32 : (int64_t)u32;
	default:
		memcpy(&u64, at, 8);
		return (int64_t)u64;
	}
}

void wn_field_set(const struct wn_field *f, void *obj, int64_t value)
{
	char *at = (char *)obj + f->offset;
	uint64_t u64 = (uint64_t)value;
	uint32_t u32 = (uint32_t)u64;
	uint16_t u16 = (uint16_t)u64;
	uint8_t u8 = (uint8_t)u64;

	switch (f->size) {
	case 1:
		memcpy(at, &u8, 1);
		break;
	case 2:
		memcpy(at, &u16, 2);
		break;
	case 4:
		memcpy(at, &u32, 4);
		break;
	default:
		memcpy(at, &u64, 8);
		break;
	}
}

static bool is_zero(const struct wn_field *f, const void *obj)
{
	const char *at = (const char *)obj + f->offset;
	size_t len = f->type == WN_FIELD_TEXT ? 1 : f->size; /* of a text: is it empty */

	for (size_t i = 0; i < len; i++)
		if (at[i] != 0)
			return false;
	return true;
}

bool wn_field_is_null(const struct wn_field *f, const void *obj, unsigned about)
{
	if (f->type == WN_FIELD_ADDR)
		return *((const char *)obj + f->offset + offsetof(struct wn_addr, family)) == 0;
	if (f->has_null)
		return wn_field_get(f, obj) == f->null;
	return (f->needs & ~about) != 0 && is_zero(f, obj);
}
