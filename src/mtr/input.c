/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of at most 4095 bytes. What is longer is told and thrown away by so many bytes, as the
 * original does; what follows is a line of its own.
 */
#include "mtr/mtr_priv.h"

#include <string.h>

void mtr_input(struct mtr *m, const char *bytes, size_t len)
{
	struct input *in = &m->in;

	while (len > 0) {
		size_t room = sizeof(in->line) - in->len, some = len < room ? len : room;
		const char *end = memchr(bytes, '\n', some);

		some = end ? (size_t)(end - bytes) + 1 : some;
		memcpy(in->line + in->len, bytes, some);
		in->len += some;
		bytes += some;
		len -= some;
		if (end) {
			in->line[in->len - 1] = '\0';
			mtr_command(m, in->line, in->len - 1);
		} else if (in->len == sizeof(in->line)) {
			mtr_say(m, "0 command-buffer-overflow");
		} else {
			return;
		}
		in->len = 0;
	}
}
