/* SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>
#include <string.h>

static char network[65536];
static char why[256];
static int failed;

static int read_network(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t length;

	if (!file) {
		perror(path);
		return 0;
	}
	length = fread(network, 1, sizeof(network) - 1, file);
	network[length] = '\0';
	fclose(file);
	return 1;
}

int read_arguments(int argc, char **argv, struct wend_config *out_config)
{
	int first = argc > 2 && strcmp(argv[1], "--sim") == 0 ? 3 : 1;

	memset(out_config, 0, sizeof(*out_config));
	out_config->size = sizeof(*out_config);
	out_config->error = why;
	out_config->error_size = sizeof(why);
	if (argc <= first) {
		fprintf(stderr, "usage: %s [--sim FILE] HOST...\n", argv[0]);
		return 0;
	}
	if (first == 3 && !read_network(argv[2]))
		return 0;
	if (first == 3)
		out_config->topology = network;
	return first;
}

static void on_event(void *user, const struct wend_event *ev)
{
	const char *target = user;
	char address[WEND_ADDRESS_TEXT];

	if (ev->kind == WEND_REPLY && ev->probe == 0) {
		printf("%s: %2u  %s  %.3f ms\n", target, ev->ttl, wend_event_address(ev, address),
			(double)ev->rtt_ns / 1e6);
	} else if (ev->kind == WEND_DONE) {
		printf("%s: %s%s%s\n", target, wend_stop_name(ev->stop), ev->err ? ": " : "",
			ev->err ? wend_err_text(ev->err) : "");
		failed = failed || ev->err;
	}
}

wend *traces_start(int argc, char **argv)
{
	struct wend_config config;
	int first = read_arguments(argc, argv, &config);
	wend *w;

	if (first == 0)
		return NULL;
	if (wend_new(&config, &w) != WEND_OK) {
		fprintf(stderr, "%s\n", why);
		return NULL;
	}
	for (int i = first; i < argc; i++) {
		if (wend_trace(w, argv[i], NULL, on_event, argv[i], NULL) == WEND_OK)
			continue;
		fprintf(stderr, "%s: %s\n", argv[i], wend_error(w));
		failed = 1;
	}
	return w;
}

int traces_end(wend *w)
{
	wend_free(w);
	return failed;
}
