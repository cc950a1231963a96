/* SPDX-License-Identifier: Apache-2.0 */
/* wend man: the manual page that is installed. */
#include "cli/cli.h"
#include "config/options.h"

#define MAN_DATE "November 21, 2025" /* of the last change to the option table's words */

int wn_cmd_man(int argc, char **argv)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	int code;

	if (argc > 1)
		return wn_cli_fail(WN_EXIT_USAGE, "man takes no %s", argv[1]);
	wn_opts_man(&text, WN_VERSION, MAN_DATE);
	code = wn_cli_print(&text);
	wn_strbuf_fini(&text);
	return code;
}
