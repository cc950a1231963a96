/* SPDX-License-Identifier: Apache-2.0 */
/* Words that somebody may have meant. */
#include "base/text.h"

#include <string.h>

#define WORD_MAX 32 /* longer ones are far from everything */

/* Edit distance (Wagner and Fischer), of which one row is kept. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *wn_text_nearest(const char *typed, const char *(*candidate)(const void *user, size_t i),
	const void *user, size_t count)
{
	size_t best = strlen(typed) / 3 + 2; /* more slips than that is another word */
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(typed, candidate(user, i));

		if (d < best) {
			best = d;
			found = candidate(user, i);
		}
	}
	return found;
}
