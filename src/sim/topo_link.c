/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "link" lines. What can differ by direction is written once for both, or with "-back" for the
 * way from the second node to the first; with only "-back" the way there has none of it.
 */
#include "sim/topo_parse.h"

#include <string.h>

enum value_kind { V_TIME, V_SHARE, V_RATE };

/* Options of one direction; suffix "-back" for the other. */
static const struct way_option {
	const char *word;
	enum value_kind kind;
	size_t offset;
} way_options[] = {
	{"delay", V_TIME, offsetof(struct wn_topo_way, delay_ns)},
	{"jitter", V_TIME, offsetof(struct wn_topo_way, jitter_ns)},
	{"loss", V_SHARE, offsetof(struct wn_topo_way, loss_ppb)},
	{"reorder", V_SHARE, offsetof(struct wn_topo_way, reorder_ppb)},
	{"duplicate", V_SHARE, offsetof(struct wn_topo_way, duplicate_ppb)},
	{"corrupt", V_SHARE, offsetof(struct wn_topo_way, corrupt_ppb)},
	{"truncate", V_SHARE, offsetof(struct wn_topo_way, truncate_ppb)},
	{"rate", V_RATE, offsetof(struct wn_topo_way, rate_bps)},
	{"queue", V_TIME, offsetof(struct wn_topo_way, queue_ns)},
};
#define WAY_OPTIONS	   (sizeof way_options / sizeof way_options[0])

#define REORDER_DEFAULT_NS 10000000ull
#define QUEUE_DEFAULT_NS   50000000ull

struct link_seen { /* which way options were written, by direction */
	bool set[WAY_OPTIONS][2];
};

static wn_err read_way(struct wn_topo_parser *p, const struct way_option *o, struct wn_topo_way *w)
{
	char *at = (char *)w + o->offset;

	switch (o->kind) {
	case V_TIME:
		return wn_lex_time(&p->lx, o->word, (uint64_t *)(void *)at);
	case V_SHARE:
		return wn_lex_share(&p->lx, o->word, (uint32_t *)(void *)at);
	case V_RATE:
		break;
	}
	return wn_lex_bitrate(&p->lx, o->word, (uint64_t *)(void *)at);
}

/* Finds "delay" or "delay-back"; false when the word is neither. */
static bool find_way(const char *word, size_t *out_index, unsigned *out_dir)
{
	size_t n = strlen(word);
	unsigned dir = 0;

	if (n > 5 && strcmp(word + n - 5, "-back") == 0) {
		n -= 5;
		dir = 1;
	}
	for (size_t i = 0; i < WAY_OPTIONS; i++) {
		if (strlen(way_options[i].word) == n && memcmp(word, way_options[i].word, n) == 0) {
			*out_index = i;
			*out_dir = dir;
			return true;
		}
	}
	return false;
}

static wn_err way_option(struct wn_topo_parser *p, struct wn_topo_link *l, struct link_seen *seen,
	size_t index, unsigned dir)
{
	const struct way_option *o = &way_options[index];

	if (seen->set[index][dir])
		return wn_lex_fail(&p->lx, "%s stands here twice", p->lx.word);
	seen->set[index][dir] = true;
	if (read_way(p, o, &l->way[dir]))
		return p->lx.err;
	if (strcmp(o->word, "reorder") == 0 && wn_lex_accept(&p->lx, "by"))
		return wn_lex_time(&p->lx, "the time to hold back", &l->way[dir].reorder_ns);
	return WN_OK;
}

/* Options written without "-back" hold for both ways. */
static void mirror_ways(struct wn_topo_link *l, const struct link_seen *seen)
{
	for (size_t i = 0; i < WAY_OPTIONS; i++) {
		size_t bytes = way_options[i].kind == V_SHARE ? sizeof(uint32_t) : sizeof(uint64_t);

		if (seen->set[i][0] && !seen->set[i][1])
			memcpy((char *)&l->way[1] + way_options[i].offset,
				(const char *)&l->way[0] + way_options[i].offset, bytes);
	}
	for (unsigned d = 0; d < 2; d++) {
		if (!l->way[d].reorder_ns)
			l->way[d].reorder_ns =
				l->way[0].reorder_ns ? l->way[0].reorder_ns : REORDER_DEFAULT_NS;
		if (l->way[d].rate_bps && !l->way[d].queue_ns)
			l->way[d].queue_ns = QUEUE_DEFAULT_NS;
	}
}

static wn_err both_addrs(struct wn_topo_parser *p, struct wn_topo_link *l, uint8_t family)
{
	unsigned f = wn_topo_fam(family);

	if (wn_lex_addr(&p->lx, "the first node's address", family, &l->addr[0][f]))
		return p->lx.err;
	return wn_lex_addr(&p->lx, "the second node's address", family, &l->addr[1][f]);
}

static wn_err add_down(struct wn_topo_parser *p, struct wn_topo_link *l)
{
	struct wn_topo_window *w;

	if (l->down_count == WN_TOPO_PER_NODE)
		return wn_lex_fail(&p->lx, "a link is down at most %d times", WN_TOPO_PER_NODE);
	w = &l->down[l->down_count++];
	return wn_lex_window(&p->lx, "the time down", &w->from_ns, &w->to_ns);
}

static wn_err link_option(struct wn_topo_parser *p, struct wn_topo_link *l)
{
	static const char *const known[] = {"delay", "jitter", "loss", "reorder", "duplicate",
		"corrupt", "truncate", "rate", "queue", "mtu", "cost", "weight", "addr", "addr6",
		"down", NULL};
	const char *word = p->lx.word;
	uint32_t mtu;

	if (strcmp(word, "addr") == 0)
		return both_addrs(p, l, 4);
	if (strcmp(word, "addr6") == 0)
		return both_addrs(p, l, 6);
	if (strcmp(word, "down") == 0)
		return add_down(p, l);
	if (strcmp(word, "cost") == 0)
		return wn_lex_u32(&p->lx, "the cost", 1, 1000, &l->cost);
	if (strcmp(word, "weight") == 0)
		return wn_lex_u32(&p->lx, "the weight", 1, 1000, &l->weight);
	if (strcmp(word, "mtu") == 0) {
		if (wn_lex_u32(&p->lx, "the MTU", 68, 9216, &mtu))
			return p->lx.err;
		l->mtu = (uint16_t)mtu;
		return WN_OK;
	}
	return wn_topo_unknown(p, "link", known);
}

wn_err wn_topo_parse_link(struct wn_topo_parser *p)
{
	struct wn_topo *t = p->topo;
	struct wn_topo_link *l;
	struct link_seen seen = {0};
	uint32_t a, b;
	size_t index;
	unsigned dir;

	if (wn_topo_need_node(p, "the first node", &a) ||
		wn_topo_need_node(p, "the second node", &b))
		return p->lx.err;
	if (a == b)
		return wn_lex_fail(&p->lx, "a link joins two different nodes");
	if (t->link_count == WN_TOPO_LINKS_MAX)
		return wn_lex_fail(&p->lx, "a topology has at most %d links", WN_TOPO_LINKS_MAX);
	l = wn_topo_grow((void **)&t->links, &t->link_count, sizeof *l);
	if (!l)
		return p->lx.err = WN_ENOMEM;
	l->end[0] = a;
	l->end[1] = b;
	l->cost = l->weight = 1;
	while (wn_lex_next(&p->lx)) {
		if (find_way(p->lx.word, &index, &dir)) {
			if (way_option(p, l, &seen, index, dir))
				return p->lx.err;
		} else if (link_option(p, l)) {
			return p->lx.err;
		}
	}
	mirror_ways(l, &seen);
	return p->lx.err;
}
