/* SPDX-License-Identifier: Apache-2.0 */
/* The option table as completions for bash, zsh and fish. */
#include "config/config_priv.h"

#include <string.h>

#include "base/fmt.h"

/* Text inside single quotes of any of the three shells, and inside zsh's brackets. */
static void add_quoted(struct wn_strbuf *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			wn_strbuf_puts(out, "'\\''");
		else if (*text == '[' || *text == ']' || *text == ':')
			wn_strbuf_putc(out, ' ');
		else
			wn_strbuf_putc(out, *text);
}

static void add_spaced(struct wn_strbuf *out, const char *list)
{
	for (; *list; list++)
		wn_strbuf_putc(out, *list == ',' ? ' ' : *list);
}

/*
 * The words to be typed as they stand in a text like "[--tun NAME] FILE|builtin": options, or the
 * others. Capitals stand for something else. Each is written between before and after.
 */
static void add_literals(struct wn_strbuf *out, const char *text, bool options, const char *before,
	const char *after)
{
	static const char letters[] = "-abcdefghijklmnopqrstuvwxyz0123456789";

	while (*text) {
		size_t skip = strcspn(text, " |[]"), len = strspn(text, letters);

		if (len > 0 && len == skip && (text[0] == '-') == options)
			wn_strbuf_fmt(out, "%s%.*s%s", before, (int)len, text, after);
		text += skip + (text[skip] != '\0');
	}
}

static bool has_file(const char *text)
{
	return text && strstr(text, "FILE");
}

/* What an operand or a value can be, without files: words with a space before each. */
static void add_values(struct wn_strbuf *out, const char *choices, const char *text)
{
	size_t count;
	const struct wn_command *commands = wn_commands(&count);

	if (choices) {
		wn_strbuf_putc(out, ' ');
		add_spaced(out, choices);
		return;
	}
	add_literals(out, text, false, " ", "");
	for (size_t i = 0; i < count && strstr(text, "COMMAND"); i++)
		wn_strbuf_fmt(out, " %s", commands[i].word);
}

static bool takes_iface(const struct wn_opt *opt)
{
	return strcmp(opt->key, "interface") == 0;
}

/* A command that traces, or takes a file instead. */
static bool takes_file(const struct wn_command *command)
{
	return wn_command_traces(command) && has_file(command->operands);
}

static void add_commands(struct wn_strbuf *out, bool tracing)
{
	size_t count;
	const struct wn_command *commands = wn_commands(&count);

	for (size_t i = 0; i < count; i++)
		if (tracing || !wn_command_traces(&commands[i]))
			wn_strbuf_fmt(out, " %s", commands[i].word);
}

static void bash_option(struct wn_strbuf *out, const struct wn_opt *opt)
{
	wn_strbuf_puts(out, "\t");
	if (opt->short_name)
		wn_strbuf_fmt(out, "-%c|", opt->short_name);
	wn_strbuf_fmt(out, "--%s) _wend_offer ", opt->key);
	if (takes_iface(opt)) {
		wn_strbuf_puts(out, "\"$(command ls /sys/class/net 2>/dev/null)\"");
	} else {
		wn_strbuf_puts(out, "'");
		add_values(out, opt->choices, opt->arg);
		wn_strbuf_fmt(out, "'%s", has_file(opt->arg) ? " file" : "");
	}
	wn_strbuf_puts(out, "; return ;;\n");
}

static void bash_command(struct wn_strbuf *out, const struct wn_command *command)
{
	wn_strbuf_fmt(out, "\t%s)\n\t\tcase $prev in\n", command->word);
	add_literals(out, command->operands, true, "\t\t", ") return ;;\n");
	wn_strbuf_puts(out, "\t\tesac\n\t\t_wend_offer '");
	add_literals(out, command->operands, true, " ", "");
	add_values(out, NULL, command->operands);
	wn_strbuf_fmt(out, "'%s\n\t\treturn ;;\n", has_file(command->operands) ? " file" : "");
}

/* Commands that have options of their own, or lack some: all others are alike. */
static const char *const special[] = {"batch"};
#define SPECIALS (sizeof(special) / sizeof(special[0]))

/* The options of a command, as words. */
static void bash_keys(struct wn_strbuf *out, const char *command)
{
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	wn_strbuf_puts(out, "_wend_offer '");
	for (size_t i = 0; i < count; i++)
		if (wn_opt_applies(&opts[i], command))
			wn_strbuf_fmt(out, " --%s", opts[i].key);
	wn_strbuf_puts(out, "' ;;\n");
}

static void bash(struct wn_strbuf *out)
{
	size_t count, command_count;
	const struct wn_opt *opts = wn_opts(&count);
	const struct wn_command *commands = wn_commands(&command_count);

	wn_strbuf_puts(out, "# bash completion for wend\n_wend_offer() # WORDS [file|hostname]\n{\n"
			    "\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"\n"
			    "\t\t[[ -z $2 ]] || compgen -A \"$2\" -- \"$cur\")\n"
			    "\t[[ $2 != file ]] || compopt -o filenames 2>/dev/null\n}\n"
			    "_wend()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
			    "prev=${COMP_WORDS[COMP_CWORD-1]} operand=hostname\n\tCOMPREPLY=()\n"
			    "\t# In --name=value the shell takes = for a word.\n"
			    "\tif [[ $cur == = ]]; then\n\t\tcur=\n\telif [[ $prev == = ]]; then\n"
			    "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n\tfi\n"
			    "\t((COMP_CWORD == 1)) || case ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; i < command_count; i++) {
		if (!wn_command_traces(&commands[i]))
			bash_command(out, &commands[i]);
		else if (takes_file(&commands[i]))
			wn_strbuf_fmt(out, "\t%s) operand=file ;;\n", commands[i].word);
	}
	wn_strbuf_puts(out, "\tesac\n\tcase $prev in\n");
	for (size_t i = 0; i < count; i++)
		if (opts[i].arg)
			bash_option(out, &opts[i]);
	wn_strbuf_puts(out, "\tesac\n\tif [[ $cur == -* ]]; then\n\t\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; i < SPECIALS; i++) {
		wn_strbuf_fmt(out, "\t\t%s) ", special[i]);
		bash_keys(out, special[i]);
	}
	wn_strbuf_puts(out, "\t\t*) ");
	bash_keys(out, "trace");
	wn_strbuf_puts(out, "\t\tesac\n\telif ((COMP_CWORD == 1)); then\n\t\t_wend_offer '");
	add_commands(out, true);
	wn_strbuf_puts(out, "' hostname\n\telse\n\t\t_wend_offer '' \"$operand\"\n\tfi\n}\n"
			    "complete -F _wend wend\n");
}

/* What zsh calls an action: words, files or both. */
static void zsh_action(struct wn_strbuf *out, const char *choices, const char *text)
{
	wn_strbuf_puts(out, "{compadd --");
	add_values(out, choices, text);
	wn_strbuf_fmt(out, "%s}", has_file(text) ? "; _files" : "");
}

static void zsh_option(struct wn_strbuf *out, const struct wn_opt *opt)
{
	wn_strbuf_puts(out, "\t\t");
	if (opt->short_name)
		wn_strbuf_fmt(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", opt->short_name, opt->key,
			opt->short_name, opt->arg ? "+" : "", opt->key, opt->arg ? "=" : "");
	else
		wn_strbuf_fmt(out, "'--%s%s[", opt->key, opt->arg ? "=" : "");
	add_quoted(out, opt->help);
	wn_strbuf_puts(out, "]");
	if (opt->arg) {
		wn_strbuf_puts(out, ":");
		add_quoted(out, opt->arg);
		wn_strbuf_puts(out, ":");
		if (takes_iface(opt))
			wn_strbuf_puts(out, "_net_interfaces");
		else
			zsh_action(out, opt->choices, opt->arg);
	}
	wn_strbuf_puts(out, "' \\\n");
}

static void zsh_command(struct wn_strbuf *out, const struct wn_command *command)
{
	wn_strbuf_fmt(out, "\t%s) _arguments ", command->word);
	add_literals(out, command->operands, true, "'", "=: :' ");
	wn_strbuf_puts(out, "'2: :");
	zsh_action(out, NULL, command->operands);
	wn_strbuf_puts(out, "'; return ;;\n");
}

/* Those options of a command that not all commands have. */
static void zsh_own(struct wn_strbuf *out, const char *pattern, const char *command)
{
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	wn_strbuf_fmt(out, "\t%s) own=( \\\n", pattern);
	for (size_t i = 0; i < count; i++)
		if (opts[i].commands && wn_opt_applies(&opts[i], command))
			zsh_option(out, &opts[i]);
	wn_strbuf_puts(out, "\t\t) ;;\n");
}

static void zsh(struct wn_strbuf *out)
{
	size_t count, command_count;
	const struct wn_opt *opts = wn_opts(&count);
	const struct wn_command *commands = wn_commands(&command_count);

	wn_strbuf_puts(out, "#compdef wend\n_wend()\n{\n"
			    "\t((CURRENT == 2)) || case $words[2] in\n");
	for (size_t i = 0; i < command_count; i++)
		if (!wn_command_traces(&commands[i]))
			zsh_command(out, &commands[i]);
	wn_strbuf_puts(out, "\tesac\n\tlocal -a own\n\tcase $words[2] in\n");
	for (size_t i = 0; i < SPECIALS; i++)
		zsh_own(out, special[i], special[i]);
	zsh_own(out, "*", "trace");
	wn_strbuf_puts(out, "\tesac\n\t_arguments -s -S $own \\\n");
	for (size_t i = 0; i < count; i++)
		if (!opts[i].commands)
			zsh_option(out, &opts[i]);
	wn_strbuf_puts(out, "\t\t'1:host or command:{_hosts; compadd --");
	add_commands(out, true);
	wn_strbuf_puts(out, "}' \\\n\t\t'*:operand:{_hosts");
	for (size_t i = 0; i < command_count; i++)
		if (takes_file(&commands[i]))
			wn_strbuf_fmt(out, "; [[ $words[2] != %s ]] || _files", commands[i].word);
	wn_strbuf_puts(out, "}'\n}\n"
			    "if [[ $funcstack[1] == _wend ]]; then\n\t_wend \"$@\"\n"
			    "else\n\tcompdef _wend wend\nfi\n");
}

static void fish_command(struct wn_strbuf *out, const struct wn_command *command)
{
	char start[96];

	wn_strbuf_fmt(out, "complete -c wend -n __fish_use_subcommand -a %s -d '", command->word);
	add_quoted(out, command->summary);
	wn_strbuf_puts(out, "'\n");
	if (takes_file(command))
		wn_strbuf_fmt(out, "complete -c wend -n '__fish_seen_subcommand_from %s' -F\n",
			command->word);
	if (wn_command_traces(command))
		return;
	wn_fmt(start, sizeof(start), "complete -c wend -n '__fish_seen_subcommand_from %s'",
		command->word);
	wn_strbuf_fmt(out, "%s%s -a '", start, has_file(command->operands) ? " -F" : "");
	add_values(out, NULL, command->operands);
	add_literals(out, command->operands, true, " ", "");
	wn_strbuf_puts(out, "'\n");
}

/* In addition, of an option that not all commands have. */
static const char *fish_when(const struct wn_opt *opt)
{
	if (!opt->commands)
		return "";
	return wn_opt_applies(opt, "batch") ? "; and __fish_seen_subcommand_from batch"
					    : "; and not __fish_seen_subcommand_from batch";
}

static void fish_option(struct wn_strbuf *out, const struct wn_opt *opt)
{
	wn_strbuf_fmt(out, "complete -c wend -n '_wend_traces%s' -l %s", fish_when(opt), opt->key);
	if (opt->short_name)
		wn_strbuf_fmt(out, " -s %c", opt->short_name);
	if (opt->arg) {
		wn_strbuf_puts(out, has_file(opt->arg) ? " -r -F" : " -x");
		wn_strbuf_puts(out, " -a '");
		if (takes_iface(opt))
			wn_strbuf_puts(out, "(__fish_print_interfaces)");
		else
			add_values(out, opt->choices, opt->arg);
		wn_strbuf_puts(out, "'");
	}
	wn_strbuf_puts(out, " -d '");
	add_quoted(out, opt->help);
	wn_strbuf_puts(out, "'\n");
}

static void fish(struct wn_strbuf *out)
{
	size_t count, command_count;
	const struct wn_opt *opts = wn_opts(&count);
	const struct wn_command *commands = wn_commands(&command_count);

	wn_strbuf_puts(out, "# fish completion for wend\nfunction _wend_traces\n"
			    "\tnot __fish_seen_subcommand_from");
	add_commands(out, false);
	wn_strbuf_puts(out, "\nend\ncomplete -c wend -f\n"
			    "complete -c wend -n _wend_traces -a '(__fish_print_hostnames)'\n");
	for (size_t i = 0; i < command_count; i++)
		fish_command(out, &commands[i]);
	for (size_t i = 0; i < count; i++)
		fish_option(out, &opts[i]);
}

void wn_opts_completion(struct wn_strbuf *out, const char *shell)
{
	static const struct {
		const char *name;
		void (*write)(struct wn_strbuf *out);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(shells[i].name, shell) == 0)
			shells[i].write(out);
}
