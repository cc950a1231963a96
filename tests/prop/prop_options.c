/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a user types is either refused with one clean line or becomes a request from which an
 * engine can start: options that pass never make a later step fail.
 */
#include "oneline.h"

#include <stdbool.h>
#include "config/options.h"
#include "packet/wire.h"
#include "trace/trace.h"

#define WORDS_MAX 24
#define TEXT_MAX  600

static const struct wn_caps able = {
	.name = "able",
	.sends_ip_id = true,
	.sends_checksum = true,
	.sends_icmp_id = true,
	.sends_flow_label = true,
	.sees_quote_l4 = true,
	.sees_quote_ip = true,
};

/* What a driver adds to a checked request before the engine starts. */
static void check_engine(struct wn_params p)
{
	struct wn_errctx ctx = {0};
	struct wn_sipkey key = {{0}};
	struct wn_trace *t;
	struct wn_act act;

	p.caps = able;
	p.src = p.dst;
	if (p.sport == 0)
		p.sport = 40000;
	prop_check(wn_trace_new(&p, &key, 0, &t, &ctx) == WN_OK);
	for (int i = 0; i < 8; i++)
		if (wn_trace_next(t, 0, &act) == WN_ACT_SEND)
			prop_check(wn_probe_check(&act.probe, &ctx) == WN_OK);
	wn_trace_free(t);
}

static void check_request(struct wn_request *req)
{
	static const uint8_t some[16] = {0x20, 0x01, 0x0d, 0xb8, 1};
	struct wn_errctx ctx = {0};
	struct wn_params p;
	uint8_t family;

	if (wn_request_check(req, &ctx)) {
		check_one_line(&ctx);
		return;
	}
	family = req->params.dst.family ? req->params.dst.family : req->family;
	for (int proto = 0; proto < WN_PROTO_COUNT; proto++) {
		struct wn_addr dst = wn_addr_from_bytes(family == 4 ? 4 : 6, some);
		wn_err err = wn_request_params(req, (enum wn_proto)proto, &dst, &p, &ctx);

		if (err)
			check_one_line(&ctx);
		else
			check_engine(p);
	}
}

/* Words between newlines. */
static int split(char *text, char **words)
{
	int n = 0;

	while (n < WORDS_MAX) {
		char *end = strchr(text, '\n');

		words[n++] = text;
		if (!end)
			break;
		*end = '\0';
		text = end + 1;
	}
	return n;
}

static void check_argv(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1] = {0};
	char *words[WORDS_MAX + 1] = {0};
	const char *operands[2];
	struct wn_errctx ctx = {0};
	struct wn_request req;
	size_t count = 0;
	int n;

	memcpy(text, data, size < TEXT_MAX ? size : TEXT_MAX);
	n = split(text, words);
	wn_request_init(&req);
	if (wn_request_argv(&req, "trace", n, words, operands, 2, &count, &ctx)) {
		check_one_line(&ctx);
		return;
	}
	prop_check(count <= 2);
	if (count > 0 && wn_request_target(&req, operands[0], &ctx)) {
		check_one_line(&ctx);
		return;
	}
	check_request(&req);
}

/* Every option of the table with any value, as a file or URL gives them. */
static void check_keys(const uint8_t *data, size_t size)
{
	char value[TEXT_MAX + 1] = {0};
	struct wn_request req;
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	wn_request_init(&req);
	while (size > 1) {
		const struct wn_opt *opt = &opts[data[0] % count];
		size_t len = data[1] % 24u;
		struct wn_errctx ctx = {0};

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		memcpy(value, data, len);
		value[len] = '\0';
		data += len;
		size -= len;
		if (wn_request_set(&req, opt->key, value, &ctx))
			check_one_line(&ctx);
	}
	check_request(&req);
}

int prop_options(const uint8_t *data, size_t size)
{
	check_argv(data, size);
	check_keys(data, size);
	return 0;
}
