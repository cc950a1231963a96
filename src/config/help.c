/* SPDX-License-Identifier: Apache-2.0 */
/* The option table as a page of help. */
#include "config/config_priv.h"

#include <string.h>

#include "base/fmt.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_LEAST	48
#define COLUMNS_MOST	100 /* longer lines are hard to read */
#define LEFT_COLUMNS	27  /* where the explanations start */

struct wrap {
	struct wn_strbuf *out;
	size_t indent, columns, at;
};

/* Breaks lines at spaces. */
static void wrap_words(struct wrap *w, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (w->at > w->indent && w->at + 1 + len > w->columns) {
			wn_strbuf_putc(w->out, '\n');
			w->at = 0;
		}
		if (w->at < w->indent) {
			wn_strbuf_fmt(w->out, "%*s", (int)(w->indent - w->at), "");
			w->at = w->indent;
		} else if (w->at > w->indent) {
			wn_strbuf_putc(w->out, ' ');
			w->at++;
		}
		wn_strbuf_add(w->out, text, len);
		w->at += len;
		text += len + (text[len] == ' ');
	}
}

const char *wn_opt_default(const struct wn_opt *opt, char *buf, size_t size)
{
	if (opt->shown)
		wn_fmt(buf, size, "%s", opt->shown);
	else if (opt->dflt)
		wn_fmt(buf, size, "%s%s%s", opt->dflt, opt->unit ? " " : "",
			opt->unit ? opt->unit : "");
	else
		buf[0] = '\0';
	return buf;
}

static void add_option(struct wn_strbuf *out, const struct wn_opt *opt, size_t columns)
{
	char left[64], dflt[96], line[128];
	size_t at = 0;
	struct wrap w = {out, LEFT_COLUMNS, columns, 0};

	if (opt->short_name)
		at = wn_fmt(left, sizeof(left), "  -%c, --%s", opt->short_name, opt->key);
	else
		at = wn_fmt(left, sizeof(left), "      --%s", opt->key);
	if (opt->arg)
		at += wn_fmt(left + at, sizeof(left) - at, " %s", opt->arg);
	wn_strbuf_puts(out, left);
	w.at = at;
	if (at + 2 > LEFT_COLUMNS) {
		wn_strbuf_putc(out, '\n');
		w.at = 0;
	}
	wrap_words(&w, opt->help);
	if (opt->choices) {
		const char *word;
		size_t len;

		wrap_words(&w, "One of");
		for (size_t i = 0; wn_opt_choice(opt->choices, i, &word, &len); i++) {
			wn_fmt(line, sizeof(line), "%.*s%s", (int)len, word, word[len] ? "," : ".");
			wrap_words(&w, line);
		}
	}
	wn_opt_default(opt, dflt, sizeof(dflt));
	if (dflt[0]) {
		wn_fmt(line, sizeof(line), "[default: %s]", dflt);
		wrap_words(&w, line);
	}
	wn_strbuf_putc(out, '\n');
}

/* A paragraph. */
static void add_text(struct wn_strbuf *out, const char *text, size_t columns)
{
	struct wrap w = {out, 0, columns, 0};

	wrap_words(&w, text);
	wn_strbuf_putc(out, '\n');
}

static void add_options(struct wn_strbuf *out, const char *command, size_t columns)
{
	const char *group = NULL;
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	for (size_t i = 0; i < count; i++) {
		if (!wn_opt_applies(&opts[i], command))
			continue;
		if (opts[i].group != group) {
			group = opts[i].group;
			wn_strbuf_fmt(out, "\n%s:\n", group);
		}
		add_option(out, &opts[i], columns);
	}
	wn_strbuf_putc(out, '\n');
	add_text(out,
		"Names of options may be shortened while they stay clear. --no-df and "
		"--no-numeric undo those switches. Times are seconds unless a unit ns us ms s m "
		"h follows.",
		columns);
}

static void add_exits(struct wn_strbuf *out, const struct wn_command *command, size_t columns)
{
	const char *text;

	wn_strbuf_puts(out, "\nExit status:\n");
	for (size_t i = 0; (text = wn_exit_text(command, i)); i++) {
		struct wrap w = {out, 5, columns, 3};

		wn_strbuf_fmt(out, "  %u", (unsigned)i);
		wrap_words(&w, text);
		wn_strbuf_putc(out, '\n');
	}
}

static void add_commands(struct wn_strbuf *out, size_t columns)
{
	size_t count;
	const struct wn_command *commands = wn_commands(&count);

	wn_strbuf_puts(out, "\nCommands:\n");
	for (size_t i = 0; i < count; i++)
		wn_strbuf_fmt(out, "  %-11s %s\n", commands[i].word, commands[i].summary);
	add_text(out,
		"wend HOST is short for wend trace HOST; a host named like a command needs the "
		"long form.",
		columns);
}

void wn_opts_help(struct wn_strbuf *out, const char *command, unsigned columns)
{
	bool whole = !command || command[0] == '\0';
	const struct wn_command *c = wn_command_find(whole ? "trace" : command);

	if (columns == 0)
		columns = COLUMNS_DEFAULT;
	if (columns < COLUMNS_LEAST)
		columns = COLUMNS_LEAST;
	if (columns > COLUMNS_MOST)
		columns = COLUMNS_MOST;
	if (!c)
		return;
	wn_strbuf_fmt(out, "Usage: wend %s%s%s\n", whole ? "[trace]" : c->word,
		c->operands[0] ? " " : "", c->operands);
	if (whole)
		wn_strbuf_puts(out, "       wend COMMAND ...\n");
	wn_strbuf_putc(out, '\n');
	add_text(out, c->details, columns);
	if (whole)
		add_commands(out, columns);
	if (wn_command_traces(c)) {
		add_options(out, c->word, columns);
		add_exits(out, c, columns);
	}
}
