/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of findings as fields, so that whoever writes them need not know the kinds. */
#include "multipath/findings.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define F(t, k, m)                                                                                 \
	.key = (k), .type = WN_FIELD_##t, .offset = offsetof(struct wn_finding, u.m),              \
	.size = sizeof(((struct wn_finding *)NULL)->u.m)
#define VALUE .needs = WN_ABOUT_VALUE

static const char *const how_names[] = {
	[WN_HOW_VALUE] = "value",
	[WN_HOW_SWAPPED] = "byte-swapped",
	[WN_HOW_LESS_IP] = "less-ip-header",
	[WN_HOW_CLEARED] = "cleared",
	[WN_HOW_VARIES] = "varies",
};

static const char *const sign_names[] = {
	[WN_SIGN_LABELS] = "labels",
	[WN_SIGN_QUOTED_TTL] = "quoted-ttl",
	[WN_SIGN_U_TURN] = "u-turn",
	[WN_SIGN_FRPLA] = "frpla",
	[WN_SIGN_RTLA] = "rtla",
};

const char *wn_found_how_name(enum wn_found_how how)
{
	return (unsigned)how < LEN(how_names) ? how_names[how] : "unknown";
}

const char *wn_found_sign_name(enum wn_found_sign sign)
{
	return (unsigned)sign < LEN(sign_names) ? sign_names[sign] : "unknown";
}

static const char *how_name(int value)
{
	return wn_found_how_name((enum wn_found_how)value);
}

static const char *sign_name(int value)
{
	return wn_found_sign_name((enum wn_found_sign)value);
}

static const struct wn_enum how_values = {.count = LEN(how_names), .step = 1, .name = how_name};
static const struct wn_enum sign_values = {.count = LEN(sign_names), .step = 1, .name = sign_name};

static const struct wn_field change[] = {
	{F(INT, "sent", change.sent)},
	{F(INT, "before", change.was)},
	{F(INT, "after", change.is)},
	{F(ENUM, "how", change.how), .names = &how_values},
	{F(UINT, "quotes", change.quotes)},
	{F(UINT, "quotes_of", change.of)},
};

static const struct wn_field nat[] = {
	{F(ADDR, "source_before", nat.src_was)},
	{F(ADDR, "source_after", nat.src_is)},
	{F(ADDR, "destination_before", nat.dst_was)},
	{F(ADDR, "destination_after", nat.dst_is)},
	{F(UINT, "source_port_before", nat.sport_was), VALUE},
	{F(UINT, "source_port_after", nat.sport_is), VALUE},
	{F(UINT, "destination_port_before", nat.dport_was), VALUE},
	{F(UINT, "destination_port_after", nat.dport_is), VALUE},
	{F(BOOL, "by_checksum", nat.by_checksum)},
	{F(UINT, "checksum_residue_before", nat.sum_was)},
	{F(UINT, "checksum_residue_after", nat.sum_is)},
	{F(BOOL, "by_answers", nat.by_answers)},
};

static const struct wn_field ttl[] = {
	{F(UINT, "sent_ttl_first", ttl.sent_first)},
	{F(UINT, "sent_ttl_last", ttl.sent_last)},
	{F(UINT, "quoted_ttl_least", ttl.quoted_least)},
	{F(UINT, "quoted_ttl_most", ttl.quoted_most)},
	{F(BOOL, "fixed", ttl.fixed)},
};

static const struct wn_field mpls[] = {
	{F(ENUM, "sign", mpls.sign), .names = &sign_values},
	{F(BOOL, "u_turn", mpls.u_turn)},
	{F(UINT, "depth", mpls.depth), VALUE},
	{F(UINT, "label_ttl", mpls.label_ttl), VALUE},
	{F(UINT, "quoted_ttl_most", mpls.quoted_most), VALUE},
	{F(UINT, "hidden", mpls.hidden), VALUE},
	{F(INT, "excess_before", mpls.excess_was)},
	{F(INT, "excess_after", mpls.excess_is)},
	{F(INT, "reply_ttl_before", mpls.reply_ttl_was), .null = -1, .has_null = true},
	{F(INT, "reply_ttl_after", mpls.reply_ttl_is), .null = -1, .has_null = true},
	{F(INT, "echo_ttl", mpls.echo_ttl), .null = -1, .has_null = true},
};

static const struct wn_field mtu[] = {
	{F(UINT, "before", mtu.lowering.was)},
	{F(UINT, "after", mtu.lowering.mtu)},
	{F(ADDR, "said_by", mtu.by)},
	{F(UINT, "said", mtu.lowering.said), VALUE},
	{F(BOOL, "local", mtu.lowering.local)},
	{F(UINT, "passed", mtu.passed)},
};

#define SHARE(k, m)                                                                                \
	{F(UINT, k "lost", loss.m.lost)}, {F(UINT, k "sent", loss.m.sent)},                        \
		{F(UINT, k "loss_low_ppm", loss.m.low_ppm)},                                       \
	{                                                                                          \
		F(UINT, k "loss_high_ppm", loss.m.high_ppm)                                        \
	}

static const struct wn_field loss[] = {
	SHARE("", here),
	SHARE("rest_", rest),
	SHARE("target_", target),
	{F(UINT, "passed", loss.passed)},
	{F(UINT, "chance_ppb", loss.chance_ppb)},
	{F(UINT, "burst", loss.burst), VALUE},
	{F(UINT, "interval_ns", loss.interval_ns), VALUE},
	{F(UINT, "from_ns", loss.from_ns)},
	{F(UINT, "to_ns", loss.to_ns)},
};

static const struct wn_field epoch[] = {
	{F(UINT, "from_ns", epoch.from_ns)},
	{F(UINT, "to_ns", epoch.to_ns)},
	{F(ADDR, "before", epoch.was)},
	{F(ADDR, "after", epoch.is)},
	{F(BOOL, "back", epoch.back)},
	{F(UINT, "lost", epoch.lost)},
	{F(UINT, "answered", epoch.answered)},
	{F(UINT, "responders", epoch.responders), VALUE},
	{F(UINT, "switches", epoch.switches)},
	{F(UINT, "flow", epoch.flow)},
	{F(UINT, "chance_ppb", epoch.chance_ppb)},
	{F(UINT, "moments", epoch.moments)},
	{F(UINT, "flows_before", epoch.flows_before)},
	{F(UINT, "flows_after", epoch.flows_after)},
	{F(UINT, "routers_before", epoch.routers_before)},
	{F(UINT, "routers_after", epoch.routers_after)},
};

enum group { CHANGE, NAT, TTL, MPLS, MTU, LOSS, EPOCH };

static const struct wn_fields groups[] = {
	[CHANGE] = {change, LEN(change)},
	[NAT] = {nat, LEN(nat)},
	[TTL] = {ttl, LEN(ttl)},
	[MPLS] = {mpls, LEN(mpls)},
	[MTU] = {mtu, LEN(mtu)},
	[LOSS] = {loss, LEN(loss)},
	[EPOCH] = {epoch, LEN(epoch)},
};

static const enum group group_of[WN_FINDING_KINDS] = {
#define X(sym, name, group) [WN_FINDING_##sym] = group,
	WN_FINDING_LIST(X)
#undef X
};

const struct wn_fields *wn_finding_fields(enum wn_finding_kind kind)
{
	return &groups[group_of[kind]];
}
