/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One option table. Parser, --help, man page, shell completions and (later) HTTP parameters are
 * all made from it, so they cannot disagree.
 */
#ifndef WN_CONFIG_OPTIONS_H
#define WN_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/strbuf.h"
#include "result/params.h"

enum wn_opt_type {
	WN_OPT_FLAG,	 /* no value; --no-X where negatable */
	WN_OPT_UINT,	 /* min..max */
	WN_OPT_DURATION, /* ns, with unit; a bare number is seconds */
	WN_OPT_CHOICE,	 /* one of choices, comma separated in the table */
	WN_OPT_STRING,
	WN_OPT_CUSTOM /* its own parse function */
};

enum wn_req_proto { WN_REQ_UDP, WN_REQ_ICMP, WN_REQ_TCP, WN_REQ_AUTO };
enum wn_req_format {
	WN_FMT_TABLE,
	WN_FMT_JSON,
	WN_FMT_JSONL,
	WN_FMT_CLASSIC,
	WN_FMT_TREE, /* all paths only, and so is DOT */
	WN_FMT_DOT
};
enum wn_req_mode { WN_REQ_MODE_NODES, WN_REQ_MODE_LITE, WN_REQ_MODE_FULL };
enum wn_req_bound { WN_REQ_BOUND_AUTO, WN_REQ_BOUND_TRACE, WN_REQ_BOUND_VERTEX };
enum wn_req_backend { WN_REQ_BACKEND_AUTO, WN_REQ_BACKEND_RAW, WN_REQ_BACKEND_ERRQUEUE };
enum wn_req_color { WN_COLOR_AUTO, WN_COLOR_ALWAYS, WN_COLOR_NEVER };

/* A checked request: what the words of a command line, a file or a URL asked for. */
struct wn_request {
	struct wn_params params; /* target, and every option that an engine knows */
	enum wn_req_proto proto;
	enum wn_req_format format;
	enum wn_req_backend backend;
	enum wn_req_color color;
	uint8_t family;	    /* 4, 6, 0 either */
	bool port_set;	    /* dport was given, by --port or HOST:PORT */
	bool help, version; /* -h, -V */
	bool numeric;	    /* -n */
	unsigned verbose;   /* -v, counted */
	const char *output; /* -o FILE, NULL stdout; borrowed from argv */
	const char *sim;    /* --sim FILE or "builtin"; NULL real network */
	uint64_t sim_seed;
	const char *resolver; /* NULL: the system's */
	bool alone;	      /* a single probe: it needs no room for a cookie */
	bool paths;	      /* all paths, and how (docs/paths.md) */
	enum wn_req_mode mode;
	enum wn_req_bound bound;
	uint32_t flows, miss_ppm, min_share_ppm;
	uint32_t npaths;   /* exactly so many flows; 0: as many as are needed */
	uint32_t parallel; /* lines of a list under way at once */
	uint32_t all_pps, target_pps, router_pps; /* of all lines; 0: no bound */
	bool resume;				  /* go on with what the output file holds */
	uint64_t set_mask[4];			  /* bit i: option i of the table was given */
};

struct wn_opt {
	const char *key; /* the name in files and URLs: "max-ttl" */
	enum wn_opt_type type;
	uint8_t width;	   /* bytes of the field at offset */
	char short_name;   /* 0 none */
	uint64_t min, max; /* UINT */
	const char *arg;   /* placeholder in help: "N", "TIME[,HERE,NEAR]" */
	const char *choices;
	const char *dflt; /* as text, parsed through the same parser, shown in help with its unit */
	const char *shown; /* what help says of a default that depends; NULL: dflt and unit */
	const char *unit;
	const char *help;  /* one or two lines */
	const char *group; /* heading in help and man page; those of a group stand together */
	size_t offset;	   /* into struct wn_request, for the plain types */
	wn_err (*parse)(struct wn_request *req, const struct wn_opt *opt, const char *value,
		struct wn_errctx *ctx);
	const char *commands; /* commands it applies to, comma separated; NULL: all that trace */
};

const struct wn_opt *wn_opts(size_t *out_count);
const struct wn_opt *wn_opt_find(const char *key);

void wn_request_init(struct wn_request *req); /* every default from the table */
/* Sets one option by its key. Error text names the option, the value and what would be right. */
wn_err wn_request_set(
	struct wn_request *req, const char *key, const char *value, struct wn_errctx *ctx);
/*
 * Reads a command line (without the command word) into req; operands are collected in order.
 * Understands -x V, -xV, -xy for flags, --key V, --key=V, --no-key, -- and unambiguous prefixes
 * of long names. argv stays borrowed.
 */
wn_err wn_request_argv(struct wn_request *req, const char *command, int argc, char **argv,
	const char **operands, size_t cap, size_t *out_operands, struct wn_errctx *ctx);
/* Target forms: HOST, HOST:PORT, [v6]:PORT, v6. Sets params.target, host, dport. */
wn_err wn_request_target(struct wn_request *req, const char *text, struct wn_errctx *ctx);
/* Contradictions between options (first-ttl above max-ttl, -4 with a v6 target, ...). */
wn_err wn_request_check(const struct wn_request *req, struct wn_errctx *ctx);
/* True when the option of this key was given, whatever its value. */
bool wn_request_has(const struct wn_request *req, const char *key);
/*
 * The parameters of one trace of the request: proto, dst and what depends on them (destination
 * port, size) filled in. WN_EUSAGE when the size given is too small for them.
 */
wn_err wn_request_params(const struct wn_request *req, enum wn_proto proto,
	const struct wn_addr *dst, struct wn_params *out, struct wn_errctx *ctx);

/* What such a trace's probes have beyond what stands in params: ports, size, flags and options of
 * TCP, into p, whose proto and dst are set. Without --port that of UDP is 0. */
void wn_request_probe(const struct wn_request *req, struct wn_probe *p);
/* A link-local address needs an interface. */
wn_err wn_request_scope(
	const struct wn_request *req, const struct wn_addr *dst, struct wn_errctx *ctx);

/*
 * The commands, in the order of help. X(word, operands, summary, details): details is one
 * paragraph. The program makes its dispatch table from the same list.
 */
#define WN_COMMAND_LIST(X)                                                                         \
	X(trace, "[OPTION]... [HOST[:PORT]]", "Trace the network path to a host",                  \
		"Sends probes with growing TTL to HOST and shows which routers answer. HOST is a " \
		"name (international ones too), an IPv4 or an IPv6 address; a port may follow as " \
		"HOST:PORT or [IPV6]:PORT. The word trace may be left out. Without HOST, --sim "   \
		"traces to the default target of the simulated network.")                          \
	X(paths, "[OPTION]... [HOST[:PORT]]", "Find all load-balanced paths to a host",            \
		"Sends many flows to HOST until, with the confidence asked for, no load balancer " \
		"on the way has a branch that was not seen, and shows the paths as a graph: "      \
		"interfaces, links, the share of the flows on each, and how each router "          \
		"balances. It is the same as wend trace --paths.")                                 \
	X(explain, "[OPTION]... FILE|-|HOST[:PORT]", "Say what happened on the path",              \
		"Prints the findings of a trace in plain sentences, each with its evidence: "      \
		"address translation, rewritten fields, MPLS tunnels, limits told from loss, "     \
		"changes of the path. FILE is a saved trace, as --format jsonl writes it, and - "  \
		"is standard input; what is no existing file, and has no slash in it, is a HOST "  \
		"to trace, with the options of trace. --format json gives the findings as data. "  \
		"More probes show more: try -q 20.")                                               \
	X(batch, "[OPTION]... FILE|-", "Trace every target of a list, many at once",               \
		"FILE has a target on each line, and options of its own behind it if need be, as " \
		"on a command line; those given here are the defaults of all lines. Empty lines "  \
		"and what follows a # are passed over; - is standard input. Each line gives one "  \
		"line of JSON, as soon as its trace is over: the line's number and text, and "     \
		"what --format json prints, or why there is no trace. With -o FILE a batch that "  \
		"was stopped or killed goes on where it was by --resume.")                         \
	X(pipe, "[OPTION VALUE]...", "Trace for a program in any language",                        \
		"Reads requests as JSON lines from standard input and tells what happens as "      \
		"JSON lines on standard output, many traces and single probes at once: "           \
		"{\"id\": 1, \"target\": \"192.0.2.1\"} starts a trace, {\"cancel\": 1} ends it "  \
		"early. "                                                                          \
		"Options go into requests, by their long names. --parallel says how many may be "  \
		"under way at once (default 1000); further requests wait. --all-pps, "             \
		"--target-pps "                                                                    \
		"and --router-pps bound the packets per second of all together, to one address, "  \
		"and of those that one router has to answer. --sim (and --sim-seed) uses a "       \
		"simulated "                                                                       \
		"network, --backend is auto, raw or errqueue, --resolver a DNS server. At the "    \
		"end of its input it "                                                             \
		"finishes "                                                                        \
		"what is under way and exits with 0; a signal cancels all, and it exits with 1; "  \
		"2 is wrong usage, 3 that it could not run or write. docs/pipe.md describes the "  \
		"protocol.")                                                                       \
	X(lab, "[--tun NAME] [--seed N] FILE|builtin", "Put a simulated network on a TUN device",  \
		"Attaches the simulated network of FILE to a TUN device, so that any tool can "    \
		"trace it. --tun names the device, --seed replaces the seed of the topology. "     \
		"Needs root.")                                                                     \
	X(packet, "", "Send probes for mtr (protocol of mtr-packet)",                              \
		"Reads commands from standard input, one a line, and answers on standard output, " \
		"as mtr-packet does: for mtr set MTR_PACKET to this program or to wend-packet, "   \
		"which does nothing else. docs/packet.md has the protocol. WEND_PACKET_DIALECT "   \
		"chooses the words of mtr 0.95 (the default) or 0.96.")                            \
	X(help, "[COMMAND]", "Explain a command", "Shows what a command does and its options.")    \
	X(version, "", "Show the version",                                                         \
		"Shows the version of the program and of the "                                     \
		"libraries it runs with.")                                                         \
	X(completion, "bash|zsh|fish", "Print completions for a shell",                            \
		"Prints a script that teaches the shell our commands and options.")                \
	X(man, "", "Print the manual page", "Prints the manual page in mdoc for man(1).")

struct wn_command {
	const char *word, *operands, *summary, *details;
};
const struct wn_command *wn_commands(size_t *out_count);
const struct wn_command *wn_command_find(const char *word); /* NULL when there is none */

/* Faces of the table. columns 0 means 80. command NULL or "": the program as a whole. */
void wn_opts_help(struct wn_strbuf *out, const char *command, unsigned columns);
void wn_opts_man(struct wn_strbuf *out, const char *version, const char *date);
void wn_opts_completion(struct wn_strbuf *out, const char *shell); /* bash zsh fish */

#endif
