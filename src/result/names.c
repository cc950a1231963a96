/* SPDX-License-Identifier: Apache-2.0 */
/* The stable names of everything enumerable in a record; files and programs depend on them. */
#include <string.h>
#include "result/event.h"
#include "result/result.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *const event_names[] = {
	[WN_EV_START] = "start",
	[WN_EV_SENT] = "sent",
	[WN_EV_REPLY] = "reply",
	[WN_EV_TIMEOUT] = "timeout",
	[WN_EV_FAILED] = "failed",
	[WN_EV_NAME] = "name",
	[WN_EV_NOTE] = "note",
	[WN_EV_STOP] = "stop",
	[WN_EV_END] = "end",
};

static const char *const stop_names[] = {
	[WN_STOP_NONE] = "none",
	[WN_STOP_REACHED] = "reached",
	[WN_STOP_MAX_TTL] = "max-ttl",
	[WN_STOP_GAP] = "gap",
	[WN_STOP_LOOP] = "loop",
	[WN_STOP_UNREACHABLE] = "unreachable",
	[WN_STOP_DEADLINE] = "deadline",
	[WN_STOP_INTERRUPTED] = "interrupted",
	[WN_STOP_ERROR] = "error",
};

static const char *const note_names[] = {
	[WN_NOTE_GAP_IN_TIME] = "gap-in-time",
	[WN_NOTE_LINK_DOWN] = "link-down",
	[WN_NOTE_LINK_UP] = "link-up",
	[WN_NOTE_ADDRESS_CHANGED] = "address-changed",
	[WN_NOTE_SERIAL_PASS] = "serial-pass",
	[WN_NOTE_DNS_DEAD] = "dns-dead",
	[WN_NOTE_TEXT] = "text",
	[WN_NOTE_MORE_FLOWS] = "more-flows-needed",
	[WN_NOTE_TARGET_MUTE] = "target-mute",
	[WN_NOTE_TOO_LARGE] = "too-large",
};

static const char *const state_names[] = {
	[WN_PROBE_PENDING] = "pending",
	[WN_PROBE_ANSWERED] = "answered",
	[WN_PROBE_LATE] = "late",
	[WN_PROBE_LOST] = "lost",
	[WN_PROBE_FAILED] = "failed",
};

static const char *const match_names[] = {
	[WN_MATCH_STRONG] = "strong",
	[WN_MATCH_WEAK] = "weak",
};

static const char *const paths_mode_names[] = {
	[WN_PATHS_OFF] = "off",
	[WN_PATHS_NODES] = "nodes",
	[WN_PATHS_LITE] = "lite",
	[WN_PATHS_FULL] = "full",
	[WN_PATHS_FLOWS] = "flows",
};

static const char *const tcp_method_names[WN_TCP_METHODS] = {
	[WN_TCP_METHOD_SYN] = "syn",
	[WN_TCP_METHOD_ACK] = "ack",
	[WN_TCP_METHOD_SACK] = "sack",
	[WN_TCP_METHOD_PREFER_SACK] = "prefer-sack",
	[WN_TCP_METHOD_FLAGS] = "flags",
};

static const char *name_of(const char *const *names, size_t count, unsigned value)
{
	return value < count ? names[value] : "unknown";
}

const char *wn_event_name(enum wn_event_kind kind)
{
	return name_of(event_names, LEN(event_names), (unsigned)kind);
}

const char *wn_stop_name(enum wn_stop stop)
{
	return name_of(stop_names, LEN(stop_names), (unsigned)stop);
}

bool wn_stop_from_name(const char *name, enum wn_stop *out)
{
	for (size_t i = 0; i < LEN(stop_names); i++)
		if (strcmp(name, stop_names[i]) == 0) {
			*out = (enum wn_stop)i;
			return true;
		}
	return false;
}

const char *wn_note_name(enum wn_note_kind kind)
{
	return name_of(note_names, LEN(note_names), (unsigned)kind);
}

const char *wn_probe_state_name(enum wn_probe_state state)
{
	return name_of(state_names, LEN(state_names), (unsigned)state);
}

const char *wn_match_name(enum wn_match match)
{
	return name_of(match_names, LEN(match_names), (unsigned)match);
}

const char *wn_paths_mode_name(enum wn_paths_mode mode)
{
	return name_of(paths_mode_names, LEN(paths_mode_names), (int)mode);
}

const char *wn_tcp_method_name(enum wn_tcp_method method)
{
	return name_of(tcp_method_names, LEN(tcp_method_names), (unsigned)method);
}
