/* SPDX-License-Identifier: Apache-2.0 */
/* wend version: ours, and that of the libraries which decide how we behave. */
#include <ares.h>
#include <idn2.h>
#include <uv.h>

#include "cli/cli.h"

int wn_cmd_version(int argc, char **argv)
{
	struct wn_strbuf text = WN_STRBUF_INIT;
	int code;

	if (argc > 1)
		return wn_cli_fail(WN_EXIT_USAGE, "version takes no %s", argv[1]);
	wn_strbuf_fmt(&text, "wend %s\nlibuv %s, c-ares %s, libidn2 %s\n", WN_VERSION,
		uv_version_string(), ares_version(NULL), idn2_check_version(NULL));
	code = wn_cli_print(&text);
	wn_strbuf_fini(&text);
	return code;
}
