/* SPDX-License-Identifier: Apache-2.0 */
/* Commands are words; what they mean is in docs/packet.md. */
#include "mtr/mtr_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX (2 + 2 * ARGS_MAX)

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Cuts line into words, WORDS_MAX + 1 of them at most. Returns how many. */
static unsigned split(char *line, char *word[WORDS_MAX + 1])
{
	unsigned count = 0;

	for (char *at = line;;) {
		while (is_space(*at))
			*at++ = '\0';
		if (!*at || count > WORDS_MAX)
			return count;
		word[count++] = at;
		while (*at && !is_space(*at))
			at++;
	}
}

/* A number as far as it goes, as the original reads it. */
static bool read_token(const char *word, int32_t *out)
{
	long value;

	errno = 0;
	value = strtol(word, NULL, 10);
	*out = (int32_t)value;
	return errno != ERANGE;
}

static bool parse(char *line, size_t len, struct command *out)
{
	char *word[WORDS_MAX + 1];
	unsigned count;

	if (memchr(line, '\0', len))
		return false;
	count = split(line, word);
	if (count < 2 || count > WORDS_MAX || count % 2 || !read_token(word[0], &out->token))
		return false;
	out->name = word[1];
	out->args = 0;
	for (unsigned i = 2; i < count; i += 2) {
		out->arg[out->args].name = word[i];
		out->arg[out->args++].value = word[i + 1];
	}
	return true;
}

static const char *feature(const struct mtr *m, const char *name)
{
	static const char *const always[] = {"send-probe", "ip-4", "ip-6"};
	static const char *const protos[PROTOS] = {
		[PROTO_ICMP] = "icmp", [PROTO_UDP] = "udp", [PROTO_TCP] = "tcp"};

	if (strcmp(name, "version") == 0)
		return wend_version_text();
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (strcmp(name, always[i]) == 0)
			return "ok";
	for (int i = 0; i < PROTOS; i++)
		if (strcmp(name, protos[i]) == 0)
			return m->can[i] ? "ok" : "no";
	/* A mark takes a privilege that we have not kept. */
	return m->newer && strcmp(name, "local-device") == 0 ? "ok" : "no";
}

static void check_support(struct mtr *m, const struct command *c)
{
	m->was_asked = true;
	for (unsigned i = 0; i < c->args; i++) {
		if (strcmp(c->arg[i].name, "feature") != 0)
			continue;
		mtr_say(m, "%d feature-support support %s", c->token, feature(m, c->arg[i].value));
		return;
	}
	mtr_say(m, "%d invalid-argument", c->token);
}

void mtr_command(struct mtr *m, char *line, size_t len)
{
	struct command c;

	if (!parse(line, len, &c))
		mtr_say(m, "0 command-parse-error");
	else if (strcmp(c.name, "check-support") == 0)
		check_support(m, &c);
	else if (strcmp(c.name, "send-probe") == 0)
		mtr_send_probe(m, &c);
	else
		mtr_say(m, "%d unknown-command", c.token);
}
