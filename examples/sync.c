/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each trace in one call that blocks, with host names:
 *
 *   cc -o sync sync.c common.c $(pkg-config --cflags --libs wend)
 *   ./sync 192.0.2.1
 */
#include <stdio.h>

#include "common.h"

static void print_hop(const struct wend_path_hop *hop)
{
	printf("%2u  %s", (unsigned)hop->ttl, hop->family ? hop->ip : "*");
	if (hop->name[0])
		printf(" (%s)", hop->name);
	for (uint32_t i = 0; i < hop->probe_count; i++) {
		if (hop->probes[i].rtt_ns >= 0)
			printf("  %.3f ms", (double)hop->probes[i].rtt_ns / 1e6);
		else
			printf("  *");
	}
	printf("\n");
}

static int trace(const char *target, const wend_options *options, const struct wend_config *config)
{
	struct wend_path *path;
	int err = wend_traceroute(target, options, config, &path);

	printf("%s\n", target);
	for (uint32_t i = 0; path && i < path->hop_count; i++)
		print_hop(&path->hops[i]);
	if (err != WEND_OK)
		fprintf(stderr, "%s\n", path ? path->error : wend_err_text(err));
	wend_path_free(path);
	return err != WEND_OK;
}

int main(int argc, char **argv)
{
	struct wend_config config;
	int first = read_arguments(argc, argv, &config), failed = 0;
	wend_options *options;

	if (first == 0 || wend_options_new(&options) != WEND_OK)
		return 1;
	wend_options_set_names(options, 1);
	for (int i = first; i < argc; i++)
		failed |= trace(argv[i], options, &config);
	wend_options_free(options);
	return failed;
}
