/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topology file, line by line, in two passes: nodes first, then everything that names nodes, so
 * that lines may stand in any order. Links come before routes for the same reason.
 */
#include "sim/topo_parse.h"

#include <string.h>
#include "base/alloc.h"
#include "base/text.h"

#define TEXT_MAX (4u << 20)

wn_err wn_topo_need_node(struct wn_topo_parser *p, const char *what, uint32_t *out)
{
	if (wn_lex_need(&p->lx, what))
		return p->lx.err;
	*out = wn_topo_node_by_name(p->topo, p->lx.word);
	if (*out == WN_TOPO_NONE)
		return wn_lex_fail(&p->lx, "there is no node %.60s", p->lx.word);
	return WN_OK;
}

static const char *word_at(const void *words, size_t i)
{
	return ((const char *const *)words)[i];
}

wn_err wn_topo_unknown(struct wn_topo_parser *p, const char *kind, const char *const *known)
{
	const char *best;
	size_t count = 0;

	while (known[count])
		count++;
	best = wn_text_nearest(p->lx.word, word_at, known, count);
	if (best)
		return wn_lex_fail(&p->lx, "a %s has no \"%.40s\"; did you mean \"%s\"?", kind,
			p->lx.word, best);
	return wn_lex_fail(&p->lx, "a %s has no \"%.40s\" (docs/topology.md lists what it has)",
		kind, p->lx.word);
}

static wn_err parse_seed(struct wn_topo_parser *p)
{
	uint32_t seed;

	if (wn_lex_u32(&p->lx, "the seed", 0, UINT32_MAX, &seed))
		return p->lx.err;
	p->topo->seed = seed;
	return WN_OK;
}

static wn_err parse_source(struct wn_topo_parser *p)
{
	if (p->topo->source != WN_TOPO_NONE) {
		wn_lex_next(&p->lx);
		return wn_lex_fail(&p->lx, "there is a source already: %s",
			p->topo->nodes[p->topo->source].name);
	}
	return wn_topo_need_node(p, "the source", &p->topo->source);
}

/* "target NODE" for all its families, or "target ADDRESS". */
static wn_err parse_target(struct wn_topo_parser *p)
{
	const struct wn_topo_node *n;
	struct wn_addr a;
	uint32_t node;

	if (wn_lex_need(&p->lx, "the target"))
		return p->lx.err;
	node = wn_topo_node_by_name(p->topo, p->lx.word);
	if (node == WN_TOPO_NONE) {
		if (wn_addr_parse(p->lx.word, &a))
			return wn_lex_fail(
				&p->lx, "there is no node %.60s, nor is it an address", p->lx.word);
		p->topo->target[wn_topo_fam(a.family)] = a;
		return WN_OK;
	}
	n = &p->topo->nodes[node];
	for (unsigned f = 0; f < 2; f++)
		if (n->addr_count[f])
			p->topo->target[f] = n->addr[f][0];
	return WN_OK;
}

static wn_err parse_router(struct wn_topo_parser *p)
{
	return wn_topo_parse_node(p, false);
}

static wn_err parse_host(struct wn_topo_parser *p)
{
	return wn_topo_parse_node(p, true);
}

static const struct statement {
	const char *word;
	unsigned pass;
	wn_err (*fn)(struct wn_topo_parser *p);
} statements[] = {
	{"node", 0, parse_router},
	{"host", 0, parse_host},
	{"link", 1, wn_topo_parse_link},
	{"route", 2, wn_topo_parse_route},
	{"return", 2, wn_topo_parse_return},
	{"mpls", 2, wn_topo_parse_mpls},
	{"seed", 2, parse_seed},
	{"source", 2, parse_source},
	{"target", 2, parse_target},
};
#define STATEMENTS (sizeof statements / sizeof statements[0])

static wn_err parse_line(struct wn_topo_parser *p, unsigned pass)
{
	const char *known[STATEMENTS + 1] = {NULL};
	size_t i = 0;

	if (!wn_lex_next(&p->lx))
		return p->lx.err;
	while (i < STATEMENTS && strcmp(p->lx.word, statements[i].word) != 0)
		i++;
	if (i == STATEMENTS) {
		for (i = 0; i < STATEMENTS; i++)
			known[i] = statements[i].word;
		return wn_topo_unknown(p, "topology", known);
	}
	if (statements[i].pass != pass)
		return WN_OK;
	if (statements[i].fn(p))
		return p->lx.err;
	if (wn_lex_next(&p->lx))
		return wn_lex_fail(
			&p->lx, "\"%.40s\" is too much here: one statement to a line", p->lx.word);
	return p->lx.err;
}

wn_err wn_topo_parse(const char *text, size_t len, struct wn_topo **out, struct wn_errctx *ctx)
{
	struct wn_topo_parser p;
	wn_err err = WN_OK;

	if (len > TEXT_MAX)
		return wn_fail(ctx, WN_ERANGE, "a topology has at most %u bytes", TEXT_MAX);
	p.topo = wn_calloc(1, sizeof *p.topo);
	if (!p.topo)
		return wn_fail(ctx, WN_ENOMEM, "no memory for a topology");
	p.topo->source = WN_TOPO_NONE;
	for (unsigned pass = 0; pass < 3 && !err; pass++) {
		wn_lex_init(&p.lx, text, len, ctx);
		while (wn_lex_line(&p.lx) && !parse_line(&p, pass))
			continue;
		err = p.lx.err;
	}
	if (!err)
		err = wn_topo_finish(p.topo, ctx);
	else if (err == WN_ENOMEM)
		wn_fail(ctx, WN_ENOMEM, "no memory for a topology");
	if (err) {
		wn_topo_free(p.topo);
		return err;
	}
	*out = p.topo;
	return WN_OK;
}
