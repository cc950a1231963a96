/* SPDX-License-Identifier: Apache-2.0 */
/* wend completion SHELL */
#include "cli/cli.h"
#include "config/options.h"

int wn_cmd_completion(int argc, char **argv)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	int code;

	if (argc == 2)
		wn_opts_completion(&text, argv[1]);
	if (text.len == 0)
		return wn_cli_fail(WN_EXIT_USAGE, "completion: name one shell: bash, zsh or fish");
	code = wn_cli_print(&text);
	wn_strbuf_fini(&text);
	return code;
}
