/* SPDX-License-Identifier: Apache-2.0 */
/* Cleaned text is harmless whatever came in; numbers are what the C library reads, or refused. */
#include "prop.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

#define NUMBER_MAX 64

static void check_harmless(const char *text, size_t len)
{
	size_t used;

	for (size_t i = 0; i < len; i += used) {
		uint32_t cp = 0;

		used = wn_text_utf8(text + i, len - i, &cp);
		prop_check(used > 0);
		prop_check(!wn_text_unsafe(cp));
	}
}

static void check_clean(const char *in, size_t size)
{
	size_t len = wn_text_clean(NULL, 0, in, size);
	char *full = malloc(len + 1);
	char *other = malloc(len + 1);

	prop_check(full && other);
	prop_check(wn_text_clean(full, len + 1, in, size) == len);
	prop_check(strlen(full) == len);
	check_harmless(full, len);
	prop_check(wn_text_columns(full, len) <= 2 * len);

	prop_check(wn_text_clean(other, len + 1, full, len) == len);
	prop_check(memcmp(full, other, len + 1) == 0);

	/* Cut anywhere it is a harmless beginning of the whole. */
	for (size_t room = 1; room <= len; room += 1 + len / 16) {
		prop_check(wn_text_clean(other, room, in, size) == len);
		prop_check(strlen(other) < room && strncmp(full, other, strlen(other)) == 0);
		check_harmless(other, strlen(other));
	}
	free(full);
	free(other);
}

static void check_u64(const char *text)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t ours = 0;
	wn_err err = wn_text_u64(text, 0, UINT64_MAX, &ours);
	unsigned long long theirs;
	char *end;

	if (!isxdigit((unsigned char)text[hex ? 2 : 0])) {
		prop_check(err == WN_EPARSE); /* strtoull would skip blanks and signs */
		return;
	}
	errno = 0;
	theirs = strtoull(text, &end, hex ? 16 : 10);
	if (*end || end == text)
		prop_check(err == WN_EPARSE);
	else if (errno == ERANGE)
		prop_check(err == WN_ERANGE);
	else
		prop_check(err == WN_OK && ours == theirs);
}

/* A bare number means seconds, and a thousandth of it means the same in ms. */
static void check_duration(const char *text)
{
	char with_unit[NUMBER_MAX + 4];
	uint64_t nano, bare, seconds, ms;

	if (wn_text_nano(text, &nano))
		return;
	prop_check(wn_text_duration_ns(text, &bare) == WN_OK && bare == nano);
	strcpy(with_unit, text);
	strcat(with_unit, "s");
	prop_check(wn_text_duration_ns(with_unit, &seconds) == WN_OK && seconds == nano);
	strcpy(with_unit, text);
	strcat(with_unit, "ms");
	prop_check(wn_text_duration_ns(with_unit, &ms) == WN_OK && ms == nano / 1000);
}

int prop_text(const uint8_t *data, size_t size)
{
	char text[NUMBER_MAX] = {0};

	check_clean((const char *)data, size);
	memcpy(text, data, size < NUMBER_MAX ? size : NUMBER_MAX - 1);
	check_u64(text);
	check_duration(text);
	return 0;
}
