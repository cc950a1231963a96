/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does loss make the search for the path MTU say what is not true? Many runs with chances of their
 * own through simulated networks whose MTUs are known and that lose packets, both ways. A run is
 * wrong when any hop's MTU, or any lowering, its place or how it is known, is not the true one; it
 * is unsure when it does not claim to know the MTU of the whole path. Exact binomial tests hold
 * what was counted against what is allowed; time and probes are bounded in every run.
 *
 *   validate_mtu [--runs N] [--tap] [--only TEXT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binomial.h"
#include "multipath/pmtu_view.h"
#include "traced.h"

#define SIGNIFICANT   .001
#define WRONG_MAX     .001 /* of the runs of all networks, and twice that of those of one */
#define ROUTERS	      5
#define HOPS	      (ROUTERS + 1)
#define LINK	      1500
#define SECOND_NS     1000000000u
#define TOOK_MAX_S    310 /* the engine gives up after 300 s of search */
#define PROBES_MAX    1500
#define TEXT_MAX      8192
#define FIRST_SEED    1
#define LOWERINGS_MAX 2

static bool tap;
static unsigned cases, failures;

struct lowering {
	unsigned after;
	uint16_t mtu;
	bool hole;
};

struct network {
	const char *name;
	struct lowering lowerings[LOWERINGS_MAX]; /* by TTL; mtu 0: no more */
};

static const struct network networks[] = {
	{"no limit", {{0}}},
	{"told", {{3, 1400, false}}},
	{"told at once", {{1, 1400, false}}},
	{"hole", {{3, 1380, true}}},
	{"hole before the target", {{5, 1437, true}}},
	{"hole, then told", {{2, 1400, true}, {4, 1300, false}}},
};

struct lossy {
	const char *name;
	unsigned percent;  /* of the packets that a link loses each way */
	unsigned from, to; /* the links that do */
	double unsure_max; /* of all runs */
};

static const struct lossy losses[] = {
	{"no loss", 0, 1, 1, .0001},
	{"10% at link 2", 10, 2, 2, .01},
	{"20% at link 1", 20, 1, 1, .02},
	{"20% at link 4", 20, 4, 4, .02},
	{"20% at link 6", 20, 6, 6, .02},
	{"30% at link 3", 30, 3, 3, .08},
	{"30% at link 6", 30, 6, 6, .08},
	{"5% at every link", 5, 1, 6, .05},
};

static const char *const options[] = {
	"mtu yes protocol udp", "mtu yes protocol icmp", "mtu yes protocol udp 6"};

static const char *write_network(char *text, const struct network *n, const struct lossy *l)
{
	struct line_part parts[HOPS + LOWERINGS_MAX + 1] = {{LINE_NODE, 0, NULL}};
	static char words[HOPS][64];
	size_t at = 0;

	for (unsigned link = 1; link <= HOPS; link++) {
		char *word = words[link - 1];
		size_t used = 0;

		word[0] = '\0';
		if (l->percent && link >= l->from && link <= l->to)
			used = (size_t)snprintf(word, sizeof(words[0]), "loss %u%% ", l->percent);
		for (size_t i = 0; i < LOWERINGS_MAX && n->lowerings[i].mtu; i++)
			if (n->lowerings[i].after + 1 == link)
				snprintf(word + used, sizeof(words[0]) - used, "mtu %u",
					n->lowerings[i].mtu);
		parts[at++] = (struct line_part){LINE_LINK, link, word};
	}
	for (size_t i = 0; i < LOWERINGS_MAX; i++)
		if (n->lowerings[i].hole)
			parts[at++] = (struct line_part){
				LINE_NODE, n->lowerings[i].after, "mtu-blackhole"};
	parts[at].text = NULL;
	return line_text(text, TEXT_MAX, ROUTERS, parts, "");
}

static uint16_t true_mtu(const struct network *n, unsigned ttl)
{
	uint16_t mtu = LINK;

	for (size_t i = 0; i < LOWERINGS_MAX && n->lowerings[i].mtu; i++)
		if (ttl > n->lowerings[i].after)
			mtu = n->lowerings[i].mtu;
	return mtu;
}

static bool is_true(const struct network *n, const struct wn_pmtu_lowering *got)
{
	for (size_t i = 0; i < LOWERINGS_MAX && n->lowerings[i].mtu; i++) {
		const struct lowering *l = &n->lowerings[i];

		if (got->after <= l->after && l->after < got->before && got->mtu == l->mtu &&
			wn_pmtu_is_hole(got) == l->hole)
			return true;
	}
	return false;
}

struct sums {
	uint32_t runs, wrong, unsure, misplaced;
	uint64_t probes, most, took_ns, longest_ns;
};

static void judge_run(const struct network *n, const struct wn_result *r, struct sums *s)
{
	static struct wn_pmtu_view v;
	bool wrong = false;

	wn_pmtu_view(r, &v);
	for (unsigned ttl = 1; ttl <= v.last; ttl++)
		wrong = wrong || (wn_pmtu_of(&v, ttl) && wn_pmtu_of(&v, ttl) != true_mtu(n, ttl));
	for (uint32_t i = 0; i < v.count; i++)
		wrong = wrong || !is_true(n, &v.lowerings[i]);
	s->wrong += wrong;
	s->unsure += !r->reached || r->partial || wn_pmtu_of(&v, v.last) == 0;
	s->misplaced += !r->reached || r->last_ttl != HOPS;
	s->probes += r->probe_count;
	s->most = r->probe_count > s->most ? r->probe_count : s->most;
	s->took_ns += r->stop_ns;
	s->longest_ns = r->stop_ns > s->longest_ns ? r->stop_ns : s->longest_ns;
	s->runs++;
}

static void judge(const char *name, const struct sums *s, const struct lossy *l)
{
	double wrong_p = binomial_at_least(s->wrong, s->runs, 2 * WRONG_MAX);
	double unsure_p = binomial_at_least(s->unsure, s->runs, l->unsure_max);
	bool ok = wrong_p >= SIGNIFICANT && unsure_p >= SIGNIFICANT &&
		  s->longest_ns <= (uint64_t)TOOK_MAX_S * SECOND_NS && s->most <= PROBES_MAX;

	cases++;
	failures += !ok;
	if (tap)
		printf("%sok %u - %s\n", ok ? "" : "not ", cases, name);
	printf("%s%-60s wrong %u (p=%.2g) unsure %u (p=%.2g) misplaced %u of %u  %5.1f probes "
	       "(most %llu)  %5.1f s "
	       "(longest %.1f)%s\n",
		tap ? "# " : "", name, s->wrong, wrong_p, s->unsure, unsure_p, s->misplaced,
		s->runs, (double)s->probes / s->runs, (unsigned long long)s->most,
		(double)s->took_ns / s->runs / SECOND_NS, (double)s->longest_ns / SECOND_NS,
		ok ? "" : "  FAILED");
	fflush(stdout);
}

static void run_network(const struct network *n, const struct lossy *l, const char *name,
	uint32_t runs, struct sums *all)
{
	struct sums s = {0};
	char text[TEXT_MAX];

	write_network(text, n, l);
	for (uint32_t run = 0; run < runs; run++) {
		struct traced t;

		traced_open(&t, text, options[run % 3], FIRST_SEED + run);
		judge_run(n, t.r, &s);
		traced_close(&t);
	}
	judge(name, &s, l);
	all->runs += s.runs;
	all->wrong += s.wrong;
}

static void judge_all(const struct sums *all)
{
	double wrong_p = binomial_at_least(all->wrong, all->runs, WRONG_MAX);
	bool ok = wrong_p >= SIGNIFICANT;

	cases++;
	failures += !ok;
	if (tap)
		printf("%sok %u - all networks\n", ok ? "" : "not ", cases);
	printf("%sall networks: wrong %u of %u (p=%.2g)%s\n", tap ? "# " : "", all->wrong,
		all->runs, wrong_p, ok ? "" : "  FAILED");
}

int main(int argc, char **argv)
{
	uint32_t runs = 1000;
	const char *only = "";
	struct sums all = {0};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--tap") == 0)
			tap = true;
		else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
			runs = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			only = argv[++i];
		else
			return fprintf(stderr, "validate_mtu: %s?\n", argv[i]), 2;
	}
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		for (size_t k = 0; k < sizeof(losses) / sizeof(losses[0]); k++) {
			char name[128];

			snprintf(name, sizeof(name), "%s, %s", networks[i].name, losses[k].name);
			if (strstr(name, only))
				run_network(&networks[i], &losses[k], name, runs, &all);
		}
	}
	judge_all(&all);
	if (tap)
		printf("1..%u\n", cases);
	return failures > 0;
}
