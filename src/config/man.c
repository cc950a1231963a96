/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table as a manual page, in mdoc(7). Every text goes through roff_text, so that no
 * word of the table can become a macro or an escape.
 */
#include "config/config_priv.h"

#include <string.h>

#include "base/fmt.h"

#define LINE_MAX_BYTES 76

static void roff_char(struct wn_strbuf *out, char c)
{
	if (c == '\\')
		wn_strbuf_puts(out, "\\e");
	else if (c == '-')
		wn_strbuf_puts(out, "\\-");
	else
		wn_strbuf_putc(out, c);
}

/* A word or several within a macro's line. */
static void roff_arg(struct wn_strbuf *out, const char *text)
{
	for (; *text; text++)
		roff_char(out, *text);
}

/* Running text: lines of bearable length, a new one after each sentence, no control lines. */
static void roff_text(struct wn_strbuf *out, const char *text)
{
	size_t at = 0;
	bool fresh = true;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (!fresh && at + len > LINE_MAX_BYTES) {
			wn_strbuf_putc(out, '\n');
			fresh = true;
		}
		if (fresh) {
			at = 0;
			if (text[0] == '.' || text[0] == '\'')
				wn_strbuf_puts(out, "\\&");
		} else {
			wn_strbuf_putc(out, ' ');
		}
		for (size_t i = 0; i < len; i++)
			roff_char(out, text[i]);
		at += len + 1;
		fresh = len > 0 && text[len - 1] == '.' && text[len];
		if (fresh)
			wn_strbuf_putc(out, '\n');
		text += len + (text[len] == ' ');
	}
}

static void roff_list(struct wn_strbuf *out, const char *list)
{
	const char *word;
	size_t len;

	for (size_t i = 0; wn_opt_choice(list, i, &word, &len); i++)
		wn_strbuf_fmt(out, ".Cm %.*s%s\n", (int)len, word, word[len] ? " ," : " .");
}

static void add_option(struct wn_strbuf *out, const struct wn_opt *opt)
{
	char dflt[96], line[128];

	wn_strbuf_puts(out, ".It");
	if (opt->short_name)
		wn_strbuf_fmt(out, " Fl %c ,", opt->short_name);
	wn_strbuf_puts(out, " Fl \\-");
	roff_arg(out, opt->key);
	if (opt->arg) {
		wn_strbuf_puts(out, " Ar ");
		roff_arg(out, opt->arg);
	}
	wn_strbuf_putc(out, '\n');
	roff_text(out, opt->help);
	wn_strbuf_putc(out, '\n');
	if (opt->commands && !wn_opt_applies(opt, "trace"))
		wn_strbuf_fmt(out, "For\n.Nm\n.Cm %s\nonly.\n", opt->commands);
	if (opt->choices) {
		wn_strbuf_puts(out, "One of\n");
		roff_list(out, opt->choices);
	}
	if (wn_opt_default(opt, dflt, sizeof(dflt))[0]) {
		wn_fmt(line, sizeof(line), "Default: %s.", dflt);
		roff_text(out, line);
		wn_strbuf_putc(out, '\n');
	}
}

static void add_options(struct wn_strbuf *out)
{
	const char *group = NULL;
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	for (size_t i = 0; i < count; i++) {
		if (opts[i].group != group) {
			if (group)
				wn_strbuf_puts(out, ".El\n");
			group = opts[i].group;
			wn_strbuf_fmt(out, ".Ss %s\n.Bl -tag -width Ds\n", group);
		}
		add_option(out, &opts[i]);
	}
	wn_strbuf_puts(out, ".El\n");
}

static void add_commands(struct wn_strbuf *out)
{
	size_t count;
	const struct wn_command *commands = wn_commands(&count);

	wn_strbuf_puts(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < count; i++) {
		wn_strbuf_fmt(out, ".It Cm %s", commands[i].word);
		if (commands[i].operands[0]) {
			wn_strbuf_puts(out, " Ar ");
			roff_arg(out, commands[i].operands);
		}
		wn_strbuf_putc(out, '\n');
		roff_text(out, commands[i].details);
		wn_strbuf_putc(out, '\n');
	}
	wn_strbuf_puts(out, ".El\n");
}

static void add_exits(struct wn_strbuf *out, const char *command)
{
	const struct wn_command *c = wn_command_find(command);
	const char *text;

	for (size_t i = 0; (text = wn_exit_text(c, i)); i++) {
		wn_strbuf_fmt(out, ".It %u\n", (unsigned)i);
		roff_text(out, text);
		wn_strbuf_putc(out, '\n');
	}
}

static void add_tail(struct wn_strbuf *out)
{
	wn_strbuf_puts(out, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
			    ".It Ev NO_COLOR\nAny value that is not empty means no colour.\n"
			    ".It Ev TERM\nWith dumb there is no colour and no live table.\n"
			    ".It Ev WEND_PACKET_DIALECT\nWhose words\n.Nm\n.Cm packet\nspeaks: "
			    "0.95 or 0.96 of mtr.\n"
			    ".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n");
	add_exits(out, "trace");
	wn_strbuf_puts(out, ".El\nOf\n.Nm\n.Cm batch :\n.Bl -tag -width Ds\n");
	add_exits(out, "batch");
	wn_strbuf_puts(out, ".El\n.Sh EXAMPLES\nThe path to a host, live:\n"
			    ".Dl wend example.org\n"
			    "As data, by ICMP, without names:\n"
			    ".Dl wend \\-n \\-P icmp \\-\\-format json example.org\n"
			    "A web server behind a firewall that drops the rest:\n"
			    ".Dl wend \\-P tcp example.org:443\n"
			    "Every host of a list, as lines of JSON:\n"
			    ".Dl wend batch \\-o results.jsonl hosts.txt\n"
			    "A network to play with:\n"
			    ".Dl wend \\-\\-sim builtin\n"
			    ".Sh SEE ALSO\n.Xr mtr 8 ,\n.Xr ping 8 ,\n.Xr traceroute 8\n");
}

void wn_opts_man(struct wn_strbuf *out, const char *version, const char *date)
{
	wn_strbuf_fmt(out, ".Dd %s\n.Dt WEND 1\n.Os\n", date);
	wn_strbuf_puts(out,
		".Sh NAME\n.Nm wend\n.Nd trace and measure network paths\n"
		".Sh SYNOPSIS\n.Nm\n.Op Cm trace\n.Op Ar OPTION ...\n"
		".Op Ar HOST Ns Op : Ns Ar PORT\n.Nm\n.Ar COMMAND ...\n"
		".Sh DESCRIPTION\n.Nm\n"
		"shows which routers packets pass on their way to a host, how long each\n"
		"takes to answer, and what stopped the trace if it was not the host.\n"
		"It needs no privilege, and sees more with CAP_NET_RAW.\n");
	wn_strbuf_fmt(out, "This page describes version %s.\n", version);
	add_commands(out);
	wn_strbuf_puts(out, ".Sh OPTIONS\n"
			    "Long names may be shortened while they stay clear;\n"
			    "values follow as the next word or after an equals sign.\n");
	add_options(out);
	add_tail(out);
}
