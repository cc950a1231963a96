/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of "address name [alias ...]" with comments behind #. Names are kept as they stand, cut
 * out of the text in place; who shows them cleans them as any other name.
 */
#include "enrich/hosts.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define TEXT_MAX  (1u << 20)
#define HOSTS_MAX 8192
#define NAME_MAX  253

static char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : wn_malloc(TEXT_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	while (text && n > 0 && len < TEXT_MAX) {
		n = read(fd, text + len, TEXT_MAX - len);
		if (n > 0)
			len += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (text)
		text[len] = '\0';
	return text;
}

/* The next word of a line, cut out of it; NULL at its end. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t\r");
	size_t len = strcspn(word, " \t\r#");

	if (len == 0)
		return NULL;
	*at = word + len;
	if (**at == '#')
		**at = '\0';
	else if (**at)
		*(*at)++ = '\0';
	return word;
}

static void add_line(struct wn_hosts *h, char *line)
{
	char *addr = next_word(&line), *name = addr ? next_word(&line) : NULL;
	struct wn_addr parsed;

	if (!name || strlen(name) > NAME_MAX || wn_addr_parse(addr, &parsed) != WN_OK)
		return;
	h->list[h->count].addr = parsed;
	h->list[h->count++].name = name;
}

void wn_hosts_load(struct wn_hosts *h, const char *path)
{
	char *line, *end;

	memset(h, 0, sizeof(*h));
	h->text = read_text(path);
	h->list = h->text ? wn_calloc(HOSTS_MAX, sizeof(*h->list)) : NULL;
	for (line = h->text; h->list && line && h->count < HOSTS_MAX; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		add_line(h, line);
	}
}

void wn_hosts_free(struct wn_hosts *h)
{
	wn_free(h->list);
	wn_free(h->text);
	memset(h, 0, sizeof(*h));
}

const char *wn_hosts_name(const struct wn_hosts *h, const struct wn_addr *addr)
{
	for (size_t i = 0; i < h->count; i++)
		if (wn_addr_eq(&h->list[i].addr, addr))
			return h->list[i].name;
	return NULL;
}
