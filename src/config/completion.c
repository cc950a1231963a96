/* SPDX-License-Identifier: Apache-2.0 */
/* The option table as completions for bash, zsh and fish. */
#include "config/config_priv.h"

#include <string.h>

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

static bool takes_file(const struct wn_opt *opt)
{
	return opt->arg && strncmp(opt->arg, "FILE", 4) == 0;
}

static bool takes_iface(const struct wn_opt *opt)
{
	return strcmp(opt->key, "interface") == 0;
}

static void add_words(struct wn_strbuf *out)
{
	size_t count;
	const struct wn_command *commands = wn_commands(&count);

	for (size_t i = 0; i < count; i++)
		wn_strbuf_fmt(out, "%s%s", i ? " " : "", commands[i].word);
}

static void bash_case(struct wn_strbuf *out, const struct wn_opt *opt)
{
	wn_strbuf_puts(out, "\t");
	if (opt->short_name)
		wn_strbuf_fmt(out, "-%c|", opt->short_name);
	wn_strbuf_fmt(out, "--%s) ", opt->key);
	if (opt->choices) {
		wn_strbuf_puts(out, "COMPREPLY=($(compgen -W '");
		add_spaced(out, opt->choices);
		wn_strbuf_puts(out, "' -- \"$cur\")); ");
	} else if (takes_file(opt)) {
		wn_strbuf_puts(out, "COMPREPLY=($(compgen -f -- \"$cur\")); ");
	} else if (takes_iface(opt)) {
		wn_strbuf_puts(out, "COMPREPLY=($(compgen -W \"$(command ls /sys/class/net "
				    "2>/dev/null)\" -- \"$cur\")); ");
	}
	wn_strbuf_puts(out, "return ;;\n");
}

static void bash(struct wn_strbuf *out)
{
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	wn_strbuf_puts(out,
		"# bash completion for wend\n_wend()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tCOMPREPLY=()\n\tcase $prev in\n");
	for (size_t i = 0; i < count; i++)
		if (opts[i].arg)
			bash_case(out, &opts[i]);
	wn_strbuf_puts(out, "\tcompletion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\")); "
			    "return ;;\n\tesac\n\tif [[ $cur == -* ]]; then\n"
			    "\t\tCOMPREPLY=($(compgen -W '");
	for (size_t i = 0; i < count; i++)
		wn_strbuf_fmt(out, "%s--%s", i ? " " : "", opts[i].key);
	wn_strbuf_puts(out, "' -- \"$cur\"))\n\t\treturn\n\tfi\n"
			    "\tCOMPREPLY=($(compgen -A hostname -- \"$cur\"))\n"
			    "\tif ((COMP_CWORD == 1)); then\n\t\tCOMPREPLY+=($(compgen -W '");
	add_words(out);
	wn_strbuf_puts(out, "' -- \"$cur\"))\n\tfi\n}\ncomplete -F _wend wend\n");
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
		if (opt->choices) {
			wn_strbuf_puts(out, "(");
			add_spaced(out, opt->choices);
			wn_strbuf_puts(out, ")");
		} else if (takes_file(opt)) {
			wn_strbuf_puts(out, "_files");
		} else if (takes_iface(opt)) {
			wn_strbuf_puts(out, "_net_interfaces");
		}
	}
	wn_strbuf_puts(out, "' \\\n");
}

static void zsh(struct wn_strbuf *out)
{
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	wn_strbuf_puts(out, "#compdef wend\n_wend()\n{\n\tlocal -a words\n\twords=(");
	add_words(out);
	wn_strbuf_puts(out, ")\n\t_arguments -s -S \\\n");
	for (size_t i = 0; i < count; i++)
		zsh_option(out, &opts[i]);
	wn_strbuf_puts(out, "\t\t'1:host or command:{_hosts; compadd -a words}' \\\n"
			    "\t\t'*:operand:_hosts'\n}\n"
			    "if [[ $funcstack[1] == _wend ]]; then\n\t_wend \"$@\"\n"
			    "else\n\tcompdef _wend wend\nfi\n");
}

static void fish(struct wn_strbuf *out)
{
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);
	const struct wn_command *commands = wn_commands(&count);

	wn_strbuf_puts(out, "# fish completion for wend\ncomplete -c wend -f\n"
			    "complete -c wend -a '(__fish_print_hostnames)'\n");
	for (size_t i = 0; i < count; i++) {
		wn_strbuf_fmt(out, "complete -c wend -n __fish_use_subcommand -a %s -d '",
			commands[i].word);
		add_quoted(out, commands[i].summary);
		wn_strbuf_puts(out, "'\n");
	}
	wn_strbuf_puts(out, "complete -c wend -n '__fish_seen_subcommand_from completion' "
			    "-a 'bash zsh fish'\n");
	wn_opts(&count);
	for (size_t i = 0; i < count; i++) {
		wn_strbuf_fmt(out, "complete -c wend -l %s", opts[i].key);
		if (opts[i].short_name)
			wn_strbuf_fmt(out, " -s %c", opts[i].short_name);
		if (opts[i].arg)
			wn_strbuf_puts(out, takes_file(&opts[i]) ? " -r -F" : " -x");
		if (opts[i].choices) {
			wn_strbuf_puts(out, " -a '");
			add_spaced(out, opts[i].choices);
			wn_strbuf_puts(out, "'");
		} else if (takes_iface(&opts[i])) {
			wn_strbuf_puts(out, " -a '(__fish_print_interfaces)'");
		}
		wn_strbuf_puts(out, " -d '");
		add_quoted(out, opts[i].help);
		wn_strbuf_puts(out, "'\n");
	}
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
