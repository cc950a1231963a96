/* SPDX-License-Identifier: Apache-2.0 */
/* `wend packet`: what build/wend-packet is, and what we are under the name mtr-packet. */
#include <stdbool.h>
#include <string.h>

#include "cli/cli.h"
#include "mtr/mtr.h"

bool wn_cli_is_packet(const char *argv0)
{
	static const char *const names[] = {"mtr-packet", "wend-packet"};
	const char *slash = strrchr(argv0, '/'), *name = slash ? slash + 1 : argv0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

int wn_cmd_packet(int argc, char **argv)
{
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return wn_cmd_help(2, (char *[]){"help", "packet", NULL});
	if (argc > 1)
		return wn_cli_fail(WN_EXIT_USAGE,
			"packet takes no %s: commands come by standard input, docs/packet.md says "
			"which",
			argv[1]);
	return wn_mtr_main(argc, argv) == 0 ? WN_EXIT_OK : WN_EXIT_FAILED;
}
