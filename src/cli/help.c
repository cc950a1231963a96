/* SPDX-License-Identifier: Apache-2.0 */
/* wend help [COMMAND] */
#include <unistd.h>

#include "cli/cli.h"
#include "config/options.h"

int wn_cmd_help(int argc, char **argv)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	const char *word = argc > 1 ? argv[1] : NULL;
	int code;

	if (argc > 2)
		return wn_cli_fail(WN_EXIT_USAGE, "help: %s is one operand too many", argv[2]);
	if (word && !wn_command_find(word))
		return wn_cli_fail(
			WN_EXIT_USAGE, "help: no command %s; wend help lists them", word);
	wn_opts_help(&text, word, wn_cli_columns(STDOUT_FILENO, NULL));
	code = wn_cli_print(&text);
	wn_strbuf_fini(&text);
	return code;
}
