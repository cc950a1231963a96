/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts as they should look, in files of $WN_GOLDEN_DIR (set by the build). After a change that
 * is meant: WN_GOLDEN_UPDATE=1 meson test ..., then read the diff.
 */
#ifndef WN_TESTS_GOLDEN_H
#define WN_TESTS_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN_MAX 65536

static inline void golden_check(const char *name, const char *text)
{
	static char want[GOLDEN_MAX];
	const char *dir = getenv("WN_GOLDEN_DIR");
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "tests/unit/golden", name);
	if (getenv("WN_GOLDEN_UPDATE")) {
		f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
		assert_int_equal(fclose(f), 0);
		return;
	}
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s is not there", path);
	len = fread(want, 1, sizeof(want) - 1, f);
	want[len] = '\0';
	fclose(f);
	if (strcmp(text, want) != 0)
		fail_msg("differs from %s:\n%s", path, text);
}

#endif
