/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first word decides: a command, or the target of a trace. So does the name that we were called
 * by: mtr calls what its variable MTR_PACKET names "mtr-packet".
 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/options.h"
#include "mtr/mtr.h"

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
} commands[] = {
#define X(name, operands, summary, details) {#name, wn_cmd_##name},
	WN_COMMAND_LIST(X)
#undef X
};

/*
 * A standard descriptor that was closed would be given to a socket, and output to the network.
 * Reading from where output goes makes the first write fail, as it should.
 */
static void hold_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			_exit(WN_EXIT_FAILED);
}

int main(int argc, char **argv)
{
	hold_standard_fds();
	if (argc > 0 && wn_cli_is_packet(argv[0]))
		return wn_mtr_main(argc, argv);
	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		fputs("Usage: wend [OPTION]... HOST\n"
		      "Try wend --help, or wend --sim builtin for a network to play with.\n",
			stderr);
		return WN_EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].word, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return wn_cmd_trace(argc, argv);
}
