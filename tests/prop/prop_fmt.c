/* SPDX-License-Identifier: Apache-2.0 */
/* The formatter agrees with the C library's wherever both understand the format. */
#include "prop.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/cursor.h"
#include "base/fmt.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

#define ROOM 300

#define BOTH(fmt, ...)                                                                             \
	do {                                                                                       \
		int want_ = snprintf(theirs, sizeof(theirs), fmt, __VA_ARGS__);                    \
		size_t len_ = wn_fmt(ours, sizeof(ours), fmt, __VA_ARGS__);                        \
		prop_check(len_ == (size_t)want_ && strcmp(ours, theirs) == 0);                    \
		memset(ours, '#', sizeof(ours));                                                   \
		prop_check(wn_fmt(ours, room, fmt, __VA_ARGS__) == len_);                          \
		prop_check(room == 0 ||                                                            \
			   (strlen(ours) < room && strncmp(ours, theirs, strlen(ours)) == 0));     \
		prop_check(room == 0 || strlen(ours) == (len_ < room ? len_ : room - 1));          \
		prop_check(ours[room] == '#');                                                     \
	} while (0)

/* "%", flags, width, size and letter; never '-' with '0', which C leaves to '-'. */
static void build_format(char out[32], struct wn_rd *r, const char *size, char letter)
{
	static const char *const flags[] = {"", "-", "0", ""};
	char width[8] = "";
	uint8_t how = wn_rd_u8(r);

	if (how & 4)
		snprintf(width, sizeof(width), "%u", wn_rd_u8(r) % 40);
	snprintf(out, 32, "<%%%s%s%s%c>", flags[how & 3], width, size, letter);
}

static void check_numbers(struct wn_rd *r)
{
	static const char *const sizes[] = {"", "l", "ll", "z"};
	char ours[ROOM], theirs[ROOM], format[32];
	uint8_t which = wn_rd_u8(r);
	uint64_t v = wn_rd_be64(r) >> (wn_rd_u8(r) & 63);
	size_t room = wn_rd_u8(r) % 64;
	char letter = "duxd"[which >> 2 & 3];

	build_format(format, r, sizes[which & 3], letter);
	if ((which & 3) == 0)
		BOTH(format, (int)(uint32_t)v);
	else if ((which & 3) == 2)
		BOTH(format, (unsigned long long)v);
	else
		BOTH(format, (size_t)v);
}

static void check_texts(struct wn_rd *r)
{
	char ours[ROOM], theirs[ROOM], text[33] = {0};
	size_t room = wn_rd_u8(r) % 64;
	int width = (int)(wn_rd_u8(r) % 80) - 40;
	int prec = (int)(wn_rd_u8(r) % 50) - 5;
	size_t n = wn_rd_left(r) < 32 ? wn_rd_left(r) : 32;

	wn_rd_bytes(r, text, n);
	BOTH("%s|%%", text);
	BOTH("%*s", width, text);
	BOTH("%.*s", prec, text);
	BOTH("%*.*s|%c", width, prec, text, 'c');
}

static __int128 power10(unsigned n)
{
	__int128 v = 1;

	while (n-- > 0)
		v *= 10;
	return v;
}

/* The printed number is at most half a unit of its last digit away from the value. */
static void check_fixed(struct wn_rd *r)
{
	int64_t value = (int64_t)(wn_rd_be64(r) >> (wn_rd_u8(r) & 63));
	unsigned scale = wn_rd_u8(r) % 19;
	unsigned decimals = wn_rd_u8(r) % (scale + 1);
	char out[48];
	const char *point;
	__int128 printed = 0, distance;

	prop_check(wn_fmt_fixed(out, sizeof(out), value, scale, decimals) == strlen(out));
	for (const char *p = out; *p; p++)
		if (*p >= '0' && *p <= '9')
			printed = printed * 10 + (*p - '0');
	printed = out[0] == '-' ? -printed : printed;
	distance = printed * power10(scale - decimals) - value;
	prop_check(2 * (distance < 0 ? -distance : distance) <= power10(scale - decimals));
	point = strchr(out, '.');
	prop_check((point ? strlen(point + 1) : 0) == decimals);
}

int prop_fmt(const uint8_t *data, size_t size)
{
	struct wn_rd r;

	wn_rd_init(&r, data, size);
	check_numbers(&r);
	check_fixed(&r);
	check_texts(&r);
	return 0;
}
