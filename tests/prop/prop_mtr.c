/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as commands to mtr-packet, in pieces of any size: each line is answered, a probe
 * exactly once, in words of the protocol; nothing hangs, nothing leaks. Over a simulated network.
 */
#include "prop.h"

#include <stdlib.h>
#include <string.h>
#include "mtr/mtr_priv.h"

#define RUN_US 2000

static const char network[] = "source me\n"
			      "target dst\n"
			      "host me addr 192.0.2.1 addr6 fd00::1\n"
			      "node r1 addr 198.51.100.1 addr6 fd00:1::1\n"
			      "host dst addr 203.0.113.9 addr6 fd00:9::9\n"
			      "link me r1\n"
			      "link r1 dst\n";

static struct mtr *open_mtr(void)
{
	struct wend_config config = {.size = sizeof(config), .topology = network};
	struct mtr *m = calloc(1, sizeof(*m));

	prop_check(m && wend_new(&config, &m->w) == WEND_OK);
	m->held_end = &m->held;
	for (int i = 0; i < PROTOS; i++)
		m->can[i] = true;
	return m;
}

static bool is_answer(const char *word)
{
	static const char *const words[] = {"feature-support ", "unknown-command\n",
		"command-parse-error\n", "command-buffer-overflow\n", "invalid-argument",
		"reply ip-", "ttl-expired ip-", "no-route", "no-reply\n", "network-down\n",
		"permission-denied\n", "address-in-use\n", "address-not-available\n",
		"unexpected-error errno "};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(word, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* Of lines, each a number, one space and an answer. Returns how many. */
static size_t check_output(const struct output *out)
{
	size_t lines = 0, at = 0;

	prop_check(!out->broken);
	while (at < out->len) {
		const char *line = out->bytes + out->head + at;
		const char *end = memchr(line, '\n', out->len - at);
		char *word;

		prop_check(end != NULL);
		(void)strtol(line, &word, 10);
		prop_check(word != line && *word == ' ' && is_answer(word + 1));
		prop_check(!memchr(line, '\0', (size_t)(end - line)));
		at += (size_t)(end - line) + 1;
		lines++;
	}
	return lines;
}

/* Lines, and for each 4095 bytes without a newline one more. */
static size_t count_commands(const uint8_t *data, size_t size)
{
	size_t commands = 0, len = 0;

	for (size_t i = 0; i < size; i++) {
		len++;
		if (data[i] != '\n' && len < LINE_MAX_BYTES)
			continue;
		commands++;
		len = 0;
	}
	return commands;
}

int prop_mtr(const uint8_t *data, size_t size)
{
	struct mtr *m = open_mtr();
	size_t piece = size > 0 ? 1 + data[0] : 1;

	m->newer = size > 1 && data[1] & 1;
	for (size_t at = 0; at < size; at += piece)
		mtr_input(m, (const char *)data + at, size - at < piece ? size - at : piece);
	/* What the network has not answered by then is canceled, which is an answer, too. */
	(void)wend_run(m->w, RUN_US);
	prop_check(!m->held);
	mtr_probes_fini(m);
	prop_check(wend_free(m->w) == WEND_OK);
	prop_check(check_output(&m->out) == count_commands(data, size));
	mtr_output_fini(&m->out);
	free(m);
	return 0;
}
