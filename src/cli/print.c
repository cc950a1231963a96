/* SPDX-License-Identifier: Apache-2.0 */
/* What commands say to people, and finished texts on standard output. */
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/sink.h"

int wn_cli_fail(int code, const char *fmt, ...)
{
	char text[512], clean[1024], line[1100];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	wn_vfmt(text, sizeof(text), fmt, ap);
	va_end(ap);
	wn_text_clean(clean, sizeof(clean), text, strlen(text));
	len = wn_fmt(line, sizeof(line), "wend: %s\n", clean);
	/* One write, so that lines of several programs do not mix. Nobody is left to tell if it
	 * fails. */
	if (write(STDERR_FILENO, line, len < sizeof(line) ? len : sizeof(line) - 1) < 0)
		return code;
	return code;
}

int wn_cli_fail_raw(void)
{
	return wn_cli_fail(WN_EXIT_FAILED,
		"--backend raw: no permission for raw sockets; use sudo, give wend "
		"CAP_NET_RAW (setcap cap_net_raw+ep), or use --backend errqueue");
}

int wn_cli_print(const struct wn_strbuf *text)
{
	struct wn_sink sink;

	wn_sink_init(&sink, STDOUT_FILENO, "standard output");
	if (text->err != WN_OK)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	wn_strbuf_add(&sink.buf, wn_strbuf_str(text), text->len);
	return wn_sink_close(&sink);
}

unsigned wn_cli_columns(int fd, unsigned *out_rows)
{
	struct winsize size;

	if (out_rows)
		*out_rows = 0;
	if (!isatty(fd))
		return 0;
	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
		size.ws_col = 80;
		size.ws_row = 24;
	}
	if (out_rows)
		*out_rows = size.ws_row;
	return size.ws_col;
}
