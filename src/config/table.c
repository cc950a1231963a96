/* SPDX-License-Identifier: Apache-2.0 */
/* The option table. Every default a user can see is written here and nowhere else. */
#include "config/config_priv.h"

#include <string.h>

#define FIELD(name)                                                                                \
	.offset = offsetof(struct wn_request, name),                                               \
	.width = sizeof(((struct wn_request *)NULL)->name)

/* A bound of packets per second over all that one run traces. */
#define RATE_OF_ALL(name, field, what)                                                             \
	{                                                                                          \
		.key = name, .type = WN_OPT_UINT, .min = 0, .max = WN_REQ_PPS_MAX, .arg = "RATE",  \
		.dflt = "0", .shown = "no bound", .help = what, .group = g_batch,                  \
		.commands = "batch", FIELD(field)                                                  \
	}

#define MS 1000000ull
#define S  (1000 * MS)

static const char g_what[] = "What to trace";
static const char g_far[] = "How far and how fast";
static const char g_paths[] = "All paths";
static const char g_batch[] = "Many targets";
static const char g_from[] = "From where";
static const char g_packet[] = "Packets";
static const char g_output[] = "Output";
static const char g_help[] = "Help";

static const struct wn_opt opts[] = {
	{.key = "ipv4",
		.short_name = '4',
		.type = WN_OPT_FLAG,
		.help = "Use IPv4 only.",
		.shown = "either, as the name's addresses are ordered",
		.group = g_what,
		.parse = wn_opt_parse_family},
	{.key = "ipv6",
		.short_name = '6',
		.type = WN_OPT_FLAG,
		.help = "Use IPv6 only.",
		.group = g_what,
		.parse = wn_opt_parse_family},
	{.key = "protocol",
		.short_name = 'P',
		.type = WN_OPT_CHOICE,
		.arg = "NAME",
		.choices = "udp,icmp,tcp,auto",
		.dflt = "udp",
		.help = "Protocol of the probes: UDP, ICMP echo or TCP SYN. auto tries all three "
			"side by side and keeps the one that gets farthest.",
		.group = g_what,
		FIELD(proto)},
	{.key = "port",
		.short_name = 'p',
		.type = WN_OPT_UINT,
		.min = 1,
		.max = 65535,
		.arg = "PORT",
		.shown = "33434 for udp, 80 for tcp, 443 for the tcp of auto",
		.help = "Destination port. With auto it is that of TCP.",
		.group = g_what,
		.parse = wn_opt_parse_port},
	{.key = "source-port",
		.type = WN_OPT_UINT,
		.min = 1,
		.max = 65535,
		.arg = "PORT",
		.shown = "a free one, at random",
		.help = "Source port; the identifier where the protocol is ICMP.",
		.group = g_what,
		FIELD(params.sport)},
	{.key = "flow",
		.type = WN_OPT_CUSTOM,
		.arg = "N|paris|dublin|classic",
		.dflt = "0",
		.help = "Which path where traffic is balanced: N from 0 to 1023 picks a flow, and "
			"every probe takes the same path; paris (or fixed) is flow 0. dublin is "
			"that, too, but names probes by what translators leave alone: the IP-ID "
			"(needs CAP_NET_RAW), over IPv6 the length. classic changes the port "
			"(ICMP: the checksum) with "
			"each probe as old traceroutes do.",
		.group = g_what,
		.parse = wn_opt_parse_flow},

	{.key = "first-ttl",
		.short_name = 'f',
		.type = WN_OPT_UINT,
		.min = 1,
		.max = 255,
		.arg = "TTL",
		.dflt = "1",
		.shown = "1 hop",
		.help = "First TTL probed.",
		.group = g_far,
		FIELD(params.first_ttl)},
	{.key = "max-ttl",
		.short_name = 'm',
		.type = WN_OPT_UINT,
		.min = 1,
		.max = 255,
		.arg = "TTL",
		.dflt = "30",
		.unit = "hops",
		.help = "Last TTL probed.",
		.group = g_far,
		FIELD(params.max_ttl)},
	{.key = "probes",
		.short_name = 'q',
		.type = WN_OPT_UINT,
		.min = 1,
		.max = 64,
		.arg = "N",
		.dflt = "3",
		.unit = "probes per hop",
		.help = "Probes sent at each TTL.",
		.group = g_far,
		FIELD(params.probes)},
	{.key = "wait",
		.short_name = 'w',
		.type = WN_OPT_CUSTOM,
		.arg = "MAX[,HERE[,NEAR]]",
		.dflt = "1s,3,3",
		.shown = "1s, 3 times, 3 times",
		.help = "How long to wait for a reply: at most MAX (seconds unless a unit ns us ms "
			"s m h follows), and no longer than HERE times what the same hop or NEAR "
			"times what a farther one has shown.",
		.group = g_far,
		.parse = wn_opt_parse_wait},
	{.key = "wait-min",
		.type = WN_OPT_DURATION,
		.min = MS,
		.max = 60 * S,
		.arg = "TIME",
		.dflt = "200ms",
		.help = "But wait at least this long where no farther hop has answered.",
		.group = g_far,
		FIELD(params.wait_min_ns)},
	{.key = "gap",
		.type = WN_OPT_UINT,
		.min = 1,
		.max = 255,
		.arg = "N",
		.dflt = "12",
		.unit = "hops",
		.help = "End after this many silent hops in a row.",
		.group = g_far,
		FIELD(params.gap)},
	{.key = "deadline",
		.type = WN_OPT_DURATION,
		.min = MS,
		.max = 86400 * S,
		.arg = "TIME",
		.shown = "none",
		.help = "End the trace after this time, whatever has come.",
		.group = g_far,
		FIELD(params.deadline_ns)},
	{.key = "pps",
		.type = WN_OPT_UINT,
		.min = 0,
		.max = WN_REQ_PPS_MAX,
		.arg = "RATE",
		.dflt = "2500",
		.unit = "packets per second",
		.help = "Pace of sending, after a first 20 ms' worth at once; 0 sends as fast as "
			"the window allows.",
		.group = g_far,
		FIELD(params.pps)},
	{.key = "window",
		.type = WN_OPT_UINT,
		.min = 1,
		.max = WN_REQ_WINDOW_MAX,
		.arg = "N",
		.dflt = "48",
		.shown = "48 probes, 256 for all paths",
		.help = "Probes outstanding at once; a trace begins with 16 and opens the window "
			"as hops answer.",
		.group = g_far,
		FIELD(params.window)},

	{.key = "paths",
		.type = WN_OPT_FLAG,
		.shown = "off; wend paths does",
		.help = "Find all load-balanced paths instead of tracing one.",
		.group = g_paths,
		FIELD(paths)},
	{.key = "confidence",
		.type = WN_OPT_CUSTOM,
		.arg = "PERCENT",
		.dflt = "95",
		.unit = "%",
		.help = "How sure to be that nothing was missed: 50 to 99.999.",
		.group = g_paths,
		.parse = wn_opt_parse_confidence},
	{.key = "mode",
		.type = WN_OPT_CHOICE,
		.arg = "NAME",
		.choices = "nodes,lite,full",
		.dflt = "lite",
		.help = "What to prove: nodes, all interfaces at each TTL; full, all links of "
			"every "
			"interface, too (MDA); lite, the same with fewer probes where a TTL is "
			"very "
			"wide and its links do not cross (MDA-Lite).",
		.group = g_paths,
		FIELD(mode)},
	{.key = "bound",
		.type = WN_OPT_CHOICE,
		.arg = "NAME",
		.choices = "auto,trace,vertex",
		.dflt = "auto",
		.help = "What the confidence is about: trace, the graph as a whole; vertex, each "
			"balancing router for itself, with fewer probes. auto is trace, but vertex "
			"in mode nodes.",
		.group = g_paths,
		FIELD(bound)},
	{.key = "min-share",
		.type = WN_OPT_CUSTOM,
		.arg = "PERCENT",
		.shown = "none: all branches alike",
		.help = "Look for branches with as little as this share of a router's flows, where "
			"balancing is weighted.",
		.group = g_paths,
		.parse = wn_opt_parse_min_share},
	{.key = "destinations",
		.type = WN_OPT_UINT,
		.min = 0,
		.max = WN_DESTINATIONS_MAX,
		.arg = "N",
		.dflt = "0",
		.shown = "0, the target alone",
		.help = "Then send to N addresses beside the target's, too, to every TTL below "
			"it: shows which routers balance by destination.",
		.group = g_paths,
		FIELD(params.destinations)},
	{.key = "npaths",
		.type = WN_OPT_UINT,
		.min = 1,
		.max = WN_REQ_FLOWS_MAX,
		.arg = "N",
		.shown = "as many flows as the confidence needs",
		.help = "Send exactly N flows to every TTL instead, whatever they may miss, as "
			"dublin-traceroute does.",
		.group = g_paths,
		FIELD(npaths)},
	{.key = "flows",
		.type = WN_OPT_UINT,
		.min = 1,
		.max = WN_REQ_FLOWS_MAX,
		.arg = "N",
		.dflt = "1024",
		.unit = "flows",
		.help = "Use no more flows than this; each has a source port (ICMP: a checksum) of "
			"its own.",
		.group = g_paths,
		FIELD(flows)},

	{.key = "parallel",
		.type = WN_OPT_UINT,
		.min = 1,
		.max = WN_REQ_LINES_MAX,
		.arg = "N",
		.dflt = "64",
		.unit = "lines at once",
		.help = "Trace so many lines of the list at once.",
		.group = g_batch,
		.commands = "batch",
		FIELD(parallel)},
	RATE_OF_ALL("all-pps", all_pps,
		"So many packets per second at most of all lines together; those that would come "
		"too early wait."),
	RATE_OF_ALL("target-pps", target_pps, "So many at most to one address."),
	RATE_OF_ALL("router-pps", router_pps,
		"So many at most that one router, or target, has to answer."),
	{.key = "resume",
		.type = WN_OPT_FLAG,
		.shown = "off",
		.help = "Go on with the file of -o: lines whose result is in it are not traced "
			"again, and one that was cut off is taken out. Without such a file, begin.",
		.group = g_batch,
		.commands = "batch",
		FIELD(resume)},

	{.key = "interface",
		.short_name = 'i',
		.type = WN_OPT_CUSTOM,
		.arg = "NAME",
		.shown = "by route",
		.help = "Send through this network interface.",
		.group = g_from,
		.parse = wn_opt_parse_iface},
	{.key = "source",
		.short_name = 's',
		.type = WN_OPT_CUSTOM,
		.arg = "ADDRESS",
		.shown = "by route",
		.help = "Source address; it must be one of this machine.",
		.group = g_from,
		.parse = wn_opt_parse_source},
	{.key = "mark",
		.type = WN_OPT_UINT,
		.min = 0,
		.max = UINT32_MAX,
		.arg = "N",
		.dflt = "0",
		.shown = "0, no mark",
		.help = "Firewall mark of the packets, for policy routing.",
		.group = g_from,
		FIELD(params.mark)},
	{.key = "backend",
		.type = WN_OPT_CHOICE,
		.arg = "NAME",
		.choices = "auto,raw,errqueue",
		.dflt = "auto",
		.help = "How packets are sent: raw sockets (needs CAP_NET_RAW), or ordinary "
			"sockets and their error queue (needs nothing). auto takes raw where "
			"it is allowed.",
		.group = g_from,
		FIELD(backend)},
	{.key = "sim",
		.type = WN_OPT_STRING,
		.arg = "FILE|builtin",
		.shown = "the real network",
		.help = "Trace a simulated network: a topology file, or the one built in.",
		.group = g_from,
		FIELD(sim)},
	{.key = "sim-seed",
		.type = WN_OPT_UINT,
		.min = 0,
		.max = UINT64_MAX,
		.arg = "N",
		.dflt = "0",
		.shown = "that of the topology",
		.help = "Seed of the simulation's chances.",
		.group = g_from,
		FIELD(sim_seed)},

	{.key = "size",
		.type = WN_OPT_UINT,
		.min = 1,
		.max = WN_PACKET_MAX,
		.arg = "BYTES",
		.shown = "60 bytes over IPv4, 80 bytes over IPv6; tcp: the least its options take",
		.unit = "bytes",
		.help = "Size of a probe, IP header included.",
		.group = g_packet,
		FIELD(params.size)},
	{.key = "tos",
		.type = WN_OPT_UINT,
		.min = 0,
		.max = 255,
		.arg = "N",
		.dflt = "0",
		.help = "TOS or traffic class byte: DSCP and ECN.",
		.group = g_packet,
		FIELD(params.tos)},
	{.key = "dscp",
		.type = WN_OPT_CUSTOM,
		.arg = "NAME|N",
		.shown = "0",
		.help = "The DSCP alone: 0 to 63, or a name such as ef, af41, cs1, le.",
		.group = g_packet,
		.parse = wn_opt_parse_dscp},
	{.key = "df",
		.type = WN_OPT_FLAG,
		.shown = "off",
		.help = "Forbid fragmentation.",
		.group = g_packet,
		FIELD(params.df)},
	{.key = "mtu",
		.type = WN_OPT_FLAG,
		.shown = "off",
		.help = "Find the path MTU hop by hop, and which hop lowers it: from what routers "
			"say or, where they say nothing, by search. UDP or ICMP.",
		.group = g_packet,
		FIELD(params.pmtu)},
	{.key = "ping-hops",
		.type = WN_OPT_FLAG,
		.shown = "off; wend explain does",
		.help = "Then ping every router that answered: the TTLs of its replies show "
			"invisible tunnels (RTLA).",
		.group = g_packet,
		FIELD(params.ping_hops)},
	{.key = "pattern",
		.type = WN_OPT_UINT,
		.min = 0,
		.max = 255,
		.arg = "BYTE",
		.dflt = "0",
		.help = "Byte that fills the payload, decimal or 0x hex.",
		.group = g_packet,
		FIELD(params.pattern)},
	{.key = "tcp-method",
		.type = WN_OPT_CHOICE,
		.arg = "NAME",
		.choices = "syn,ack,sack,prefer-sack",
		.dflt = "syn",
		.help = "What TCP probes are. syn: the first packet of a connection. ack: a packet "
			"of a connection that does not exist, which passes filters that look at "
			"single packets only and is answered with a reset. sack: data inside a "
			"connection that is made first, which passes firewalls that let nothing "
			"else through; the port must be open. prefer-sack: that, or else syn. All "
			"but syn need raw sockets.",
		.group = g_packet,
		FIELD(params.tcp_method)},
	{.key = "tcp-flags",
		.type = WN_OPT_CUSTOM,
		.arg = "LIST|N",
		.shown = "those of the method",
		.help = "Other flags of TCP probes: some of fin, syn, rst, psh, ack, urg, ece, "
			"cwr, "
			"or their sum; needs raw sockets. Not all of them are answered by a "
			"target.",
		.group = g_packet,
		.parse = wn_opt_parse_tcp_flags},
	{.key = "tcp-options",
		.type = WN_OPT_CUSTOM,
		.arg = "LIST|none",
		.shown = "all of them in a SYN, as any Linux machine",
		.help = "TCP options of a probe: some of mss, sack, timestamps, wscale. Routers "
			"that "
			"quote enough of it show who takes options away or changes them. Needs raw "
			"sockets.",
		.group = g_packet,
		.parse = wn_opt_parse_tcp_options},

	{.key = "numeric",
		.short_name = 'n',
		.type = WN_OPT_FLAG,
		.shown = "off",
		.help = "Show addresses only, look up no names of routers.",
		.group = g_output,
		FIELD(numeric)},
	{.key = "resolver",
		.type = WN_OPT_CUSTOM,
		.arg = "ADDRESS[:PORT]",
		.shown = "the system's",
		.help = "DNS server to ask; several may be given, separated by commas.",
		.group = g_output,
		.parse = wn_opt_parse_resolver},
	{.key = "format",
		.type = WN_OPT_CHOICE,
		.arg = "NAME",
		.choices = "table,json,jsonl,classic,tree,dot",
		.dflt = "table",
		.shown = "table; tree for all paths",
		.help = "table for people, live on a terminal; json, the whole result; jsonl, one "
			"event per line as it happens; classic, what scripts expect of traceroute. "
			"All paths: tree, the graph as text; dot, for Graphviz.",
		.group = g_output,
		.commands = "trace,paths,explain",
		FIELD(format)},
	{.key = "output",
		.short_name = 'o',
		.type = WN_OPT_STRING,
		.arg = "FILE",
		.shown = "standard output",
		.help = "Write the result to FILE.",
		.group = g_output,
		FIELD(output)},
	{.key = "verbose",
		.short_name = 'v',
		.type = WN_OPT_FLAG,
		.shown = "off",
		.help = "Show more in the table: quoted fields and extensions; twice: every probe.",
		.group = g_output,
		.commands = "trace,paths,explain",
		.parse = wn_opt_parse_verbose},
	{.key = "color",
		.type = WN_OPT_CHOICE,
		.arg = "WHEN",
		.choices = "auto,always,never",
		.dflt = "auto",
		.help = "Colour: auto means on a terminal where NO_COLOR is not set.",
		.group = g_output,
		.commands = "trace,paths,explain",
		FIELD(color)},

	{.key = "help",
		.short_name = 'h',
		.type = WN_OPT_FLAG,
		.help = "Show this help and exit.",
		.group = g_help,
		FIELD(help)},
	{.key = "version",
		.short_name = 'V',
		.type = WN_OPT_FLAG,
		.help = "Show the version and exit.",
		.group = g_help,
		FIELD(version)},
};

#define OPT_COUNT (sizeof(opts) / sizeof(opts[0]))
_Static_assert(OPT_COUNT <= 256, "set_mask of struct wn_request has 256 bits");

#define X(name, args, what, more) {#name, args, what, more},
static const struct wn_command commands[] = {WN_COMMAND_LIST(X)};
#undef X

static const char *const batch_exits[] = {
	"every line was traced, whether its target was reached or not",
	"some lines have no trace: each was named, or the batch was interrupted",
	"wrong usage: options, list, or a list that is not the one to resume",
	"could not run: list not readable, output not written",
};

static const char *const trace_exits[] = {
	"the destination was reached",
	"it was not reached; an interrupted trace that had not reached it counts here",
	"wrong usage: options, target, topology file or saved trace",
	"could not run: no route, no permission, no such interface, output not written",
	"the name does not resolve",
};

const char *wn_exit_text(const struct wn_command *command, size_t status)
{
	bool batch = strcmp(command->word, "batch") == 0;
	size_t count = batch ? sizeof(batch_exits) / sizeof(batch_exits[0])
			     : sizeof(trace_exits) / sizeof(trace_exits[0]);

	return status < count ? (batch ? batch_exits : trace_exits)[status] : NULL;
}

const struct wn_opt *wn_opts(size_t *out_count)
{
	*out_count = OPT_COUNT;
	return opts;
}

const struct wn_opt *wn_opt_find(const char *key)
{
	for (size_t i = 0; i < OPT_COUNT; i++)
		if (strcmp(opts[i].key, key) == 0)
			return &opts[i];
	return NULL;
}

size_t wn_opt_index(const struct wn_opt *opt)
{
	return (size_t)(opt - opts);
}

const struct wn_command *wn_commands(size_t *out_count)
{
	*out_count = sizeof(commands) / sizeof(commands[0]);
	return commands;
}

bool wn_command_traces(const struct wn_command *command)
{
	return strstr(command->operands, "[OPTION]") != NULL;
}

const struct wn_command *wn_command_find(const char *word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].word, word) == 0)
			return &commands[i];
	return NULL;
}
