/* SPDX-License-Identifier: Apache-2.0 */
#include "traced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "packet/wire.h"

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "traced: %s\n", what);
	abort();
}

static void read_options(struct traced *t, const char *options)
{
	char words[512], *save = NULL;
	struct wn_errctx ctx = {0};

	snprintf(words, sizeof(words), "%s", options);
	for (char *key = strtok_r(words, " ", &save); key; key = strtok_r(NULL, " ", &save)) {
		char *value;

		if (strcmp(key, "6") == 0) {
			t->req.family = 6;
			continue;
		}
		value = strtok_r(NULL, " ", &save);
		must(value != NULL, options);
		must(wn_request_set(&t->req, key, value, &ctx) == WN_OK, ctx.text);
	}
}

static struct wn_params params_of(struct traced *t)
{
	uint8_t family = t->req.family ? t->req.family : 4;
	struct wn_errctx ctx = {0};
	struct wn_params p;
	struct wn_addr dst = wn_topo_target(t->topo, family);

	must(wn_request_target(&t->req, "target", &ctx) == WN_OK, ctx.text);
	must(wn_request_params(&t->req, (enum wn_proto)t->req.proto, &dst, &p, &ctx) == WN_OK,
		ctx.text);
	p.src = wn_topo_source(t->topo, family);
	return p;
}

void traced_open(struct traced *t, const char *topology, const char *options, uint64_t seed)
{
	struct wn_run_trace_config c = {.backend = WN_BACKEND_SIM};
	struct wn_errctx ctx = {0};
	struct wn_run_trace *rt;

	memset(t, 0, sizeof(*t));
	wn_request_init(&t->req);
	read_options(t, options);
	must(wn_topo_parse(topology, strlen(topology), &t->topo, &ctx) == WN_OK, ctx.text);
	must(wn_run_new(true, &t->run, &ctx) == WN_OK, ctx.text);
	must(wn_sim_new(t->topo, seed, wn_run_now_ns(t->run), &t->sim) == WN_OK, "no memory");
	c.params = params_of(t);
	c.sim = t->sim;
	must(wn_run_prepare(t->run, &c, &rt, &ctx) == WN_OK, ctx.text);
	must(wn_run_start(rt, &ctx) == WN_OK, ctx.text);
	must(wn_run_until_done(t->run, &ctx) == WN_OK, ctx.text);
	t->r = wn_run_result(rt);
	must(wn_findings_find(t->r, &t->found) == WN_OK, "no memory");
}

static const char *part_of(const struct line_part *parts, int what, unsigned at)
{
	for (; parts->text; parts++)
		if ((int)parts->what == what && parts->at == at)
			return parts->text;
	return "";
}

const char *line_text(
	char *buf, size_t size, unsigned routers, const struct line_part *parts, const char *extra)
{
	size_t n =
		(size_t)snprintf(buf, size, "source r0\nhost r0 addr 10.0.0.1 addr6 fd00::1 %s\n",
			part_of(parts, LINE_NODE, 0));

	if (!strstr(extra, "target "))
		n += (size_t)snprintf(buf + n, size - n, "target r%u\n", routers + 1);
	for (unsigned i = 1; i <= routers; i++)
		n += (size_t)snprintf(buf + n, size - n,
			"node r%u addr 10.0.%u.1 addr6 fd00:%u::1 %s\n", i, i, i,
			part_of(parts, LINE_NODE, i));
	n += (size_t)snprintf(buf + n, size - n, "host r%u addr 10.0.99.9 addr6 fd00:99::9 %s\n",
		routers + 1, part_of(parts, LINE_NODE, routers + 1));
	for (unsigned i = 1; i <= routers + 1; i++)
		n += (size_t)snprintf(buf + n, size - n, "link r%u r%u delay 2ms %s\n", i - 1, i,
			part_of(parts, LINE_LINK, i));
	n += (size_t)snprintf(buf + n, size - n, "%s", extra);
	must(n < size, "topology too long");
	return buf;
}

void traced_line(struct traced *t, unsigned routers, const struct line_part *parts,
	const char *extra, const char *options)
{
	char text[8192];

	traced_open(t, line_text(text, sizeof(text), routers, parts, extra), options, 1);
}

void traced_close(struct traced *t)
{
	wn_findings_free(&t->found);
	wn_run_free(t->run);
	wn_sim_free(t->sim);
	wn_topo_free(t->topo);
}

const struct wn_finding *found_nth(const struct wn_findings *f, enum wn_finding_kind kind, size_t n)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->list[i].kind == kind && n-- == 0)
			return &f->list[i];
	return NULL;
}

size_t found_count(const struct wn_findings *f, enum wn_finding_kind kind)
{
	size_t n = 0;

	for (uint32_t i = 0; i < f->count; i++)
		n += f->list[i].kind == kind;
	return n;
}

const char *found_text(const struct wn_findings *f, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < f->count && at < size; i++) {
		const struct wn_finding *x = &f->list[i];
		char between[16] = "";

		if (x->between)
			snprintf(between, sizeof(between), "%u-", x->before.ttl);
		at += (size_t)snprintf(buf + at, size - at, "%s %s %s%u..%u\n",
			wn_finding_name(x->kind), wn_certainty_name(x->certainty), between,
			x->first.ttl, x->last.ttl);
	}
	return buf;
}
