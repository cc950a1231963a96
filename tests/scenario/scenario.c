/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs scenario files in virtual time: a topology, options by the names of the command line, and
 * what must come out. One TAP point per file. The format is described in tests/README.md.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/text.h"
#include "config/options.h"
#include "multipath/pmtu_view.h"
#include "run/run.h"
#include "sim/sim.h"

#define LINE_MAX_BYTES 512

enum section { NO_SECTION, TOPOLOGY, OPTIONS, EXPECT };

struct scenario {
	const char *path;
	struct wn_strbuf topology, expect;
	struct wn_request req;
	uint64_t seed;
	unsigned failures;
	const struct wn_result *result;
};

static void complain(struct scenario *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(struct scenario *s, const char *fmt, ...)
{
	va_list ap;

	s->failures++;
	printf("# %s: ", s->path);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void read_option(struct scenario *s, char *line)
{
	struct wn_errctx ctx = {0};
	char *value = strchr(line, ' ');

	if (value)
		*value++ = '\0';
	if (strcmp(line, "seed") == 0) {
		s->seed = strtoull(value, NULL, 10);
		return;
	}
	if (wn_request_set(&s->req, line, value ? value : "yes", &ctx) != WN_OK)
		complain(s, "option %s: %s", line, ctx.text);
}

static int read_file(struct scenario *s)
{
	static const struct {
		const char *head;
		enum section section;
	} heads[] = {{"[topology]", TOPOLOGY}, {"[options]", OPTIONS}, {"[expect]", EXPECT}};
	enum section section = NO_SECTION;
	char line[LINE_MAX_BYTES];
	FILE *f = fopen(s->path, "r");

	if (!f) {
		complain(s, "cannot be opened");
		return -1;
	}
	while (fgets(line, sizeof(line), f)) {
		bool head = false;

		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
			if (strcmp(line, heads[i].head) == 0) {
				section = heads[i].section;
				head = true;
			}
		}
		if (head || (section != TOPOLOGY && (line[0] == '#' || line[0] == '\0')))
			continue;
		if (section == TOPOLOGY)
			wn_strbuf_fmt(&s->topology, "%s\n", line);
		else if (section == EXPECT)
			wn_strbuf_fmt(&s->expect, "%s\n", line);
		else if (section == OPTIONS)
			read_option(s, line);
	}
	fclose(f);
	return 0;
}

/* "ttl 3 ADDR ADDR" is the exact set of responders; "ttl 3 *" is silence. */
static void expect_ttl(struct scenario *s, char *words)
{
	unsigned ttl = (unsigned)strtoul(words, &words, 10);
	const struct wn_hop *hop = &s->result->hops[ttl & 255];
	uint32_t wanted = 0;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		struct wn_addr addr;
		bool found = false;

		if (strcmp(word, "*") == 0)
			continue;
		wanted++;
		if (wn_addr_parse(word, &addr) != WN_OK) {
			complain(s, "ttl %u: '%s' is no address", ttl, word);
			continue;
		}
		for (uint32_t i = 0; i < hop->responder_count; i++) {
			uint32_t at = hop->responders[i].responder;

			found |= wn_addr_eq(&s->result->responders[at].addr, &addr);
		}
		if (!found)
			complain(s, "ttl %u: no reply from %s", ttl, word);
	}
	if (hop->responder_count != wanted)
		complain(
			s, "ttl %u: %u responders, expected %u", ttl, hop->responder_count, wanted);
}

/* "links 2 ADDR>ADDR ..." are exactly those from TTL 2 to 3 that flows have shown. */
static void expect_links(struct scenario *s, char *words)
{
	static struct wn_link links[256];
	unsigned ttl = (unsigned)strtoul(words, &words, 10);
	size_t count = wn_result_links(s->result, links, 256), here = 0, wanted = 0;

	for (size_t i = 0; i < count; i++)
		here += links[i].ttl == ttl;
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "), wanted++) {
		char *far = strchr(word, '>');
		struct wn_addr a, b;
		bool found = false;

		if (far)
			*far++ = '\0';
		if (!far || wn_addr_parse(word, &a) != WN_OK || wn_addr_parse(far, &b) != WN_OK) {
			complain(s, "links %u: '%s' is no link", ttl, word);
			continue;
		}
		for (size_t i = 0; i < count; i++)
			found |= links[i].ttl == ttl &&
				 wn_addr_eq(&s->result->responders[links[i].from].addr, &a) &&
				 wn_addr_eq(&s->result->responders[links[i].to].addr, &b);
		if (!found)
			complain(s, "links %u: none from %s to %s", ttl, word, far);
	}
	if (here != wanted)
		complain(s, "links %u: %zu, expected %zu", ttl, here, wanted);
}

static void expect_note(struct scenario *s, const char *name)
{
	for (uint32_t i = 0; i < s->result->note_count; i++)
		if (strcmp(wn_note_name(s->result->notes[i].u.note.kind), name) == 0)
			return;
	complain(s, "no note %s", name);
}

static bool holds(uint64_t got, const char *condition, uint64_t want)
{
	switch (condition[0]) {
	case '<':
		return condition[1] == '=' ? got <= want : got < want;
	case '>':
		return condition[1] == '=' ? got >= want : got > want;
	default:
		return got == want;
	}
}

/* "<N", ">=N", "N" with a unit where durations are compared. */
static void expect_number(
	struct scenario *s, const char *what, uint64_t got, const char *text, bool duration)
{
	size_t skip = strspn(text, "<>= ");
	uint64_t want = 0;
	wn_err err = duration ? wn_text_duration_ns(text + skip, &want)
			      : wn_text_u64(text + skip, 0, UINT64_MAX, &want);

	if (err != WN_OK)
		complain(s, "%s: '%s' is no number", what, text);
	else if (!holds(got, text, want))
		complain(s, "%s is %llu, expected %s", what, (unsigned long long)got, text);
}

static void expect_counter(struct scenario *s, char *words)
{
	const struct wn_counters *c = &s->result->counters;
	char *condition = strchr(words, ' ');

	if (!condition) {
		complain(s, "counter %s: needs a number", words);
		return;
	}
	*condition++ = '\0';
#define X(field, text)                                                                             \
	if (strcmp(words, #field) == 0) {                                                          \
		expect_number(s, words, c->field, condition, false);                               \
		return;                                                                            \
	}
	WN_COUNTER_LIST(X)
#undef X
	complain(s, "there is no counter %s", words);
}

/* "mark 4 !H", "label 3 16001", "mtu 4 1400": some reply at that TTL has it. */
static void expect_reply(struct scenario *s, const char *what, char *words)
{
	unsigned ttl = (unsigned)strtoul(words, &words, 10);
	const struct wn_result *r = s->result;
	char mark[WN_MARK_STRLEN];

	words += strspn(words, " ");
	for (uint32_t i = 0; i < r->reply_count; i++) {
		const struct wn_reply_rec *rec = &r->replies[i];
		unsigned long number = strtoul(words, NULL, 10);

		if (r->probes[rec->probe].probe.ttl != ttl)
			continue;
		wn_reply_mark(rec->kind, r->params.dst.family, rec->icmp_code, rec->mtu, mark);
		if (strcmp(what, "mark") == 0 && strcmp(mark, words) == 0)
			return;
		if (strcmp(what, "mtu") == 0 && rec->mtu == number)
			return;
		if (strcmp(what, "quoted-tos") == 0 && rec->quote.tos == number)
			return;
		if (strcmp(what, "quoted-ttl") == 0 && rec->quote.ttl == number)
			return;
		for (unsigned k = 0; rec->ext && k < rec->ext->mpls_count; k++)
			if (strcmp(what, "label") == 0 && rec->ext->mpls[k].label == number)
				return;
	}
	complain(s, "ttl %u: no reply has %s %s", ttl, what, words);
}

static uint64_t count_sent(const struct wn_result *r)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->probe_count; i++)
		n += r->probes[i].state != WN_PROBE_FAILED;
	return n;
}

/* "mtu-up-to 3 1400": of the path up to there; 0: not known. */
static void expect_mtu(struct scenario *s, char *words)
{
	static struct wn_pmtu_view v;
	unsigned ttl = (unsigned)strtoul(words, &words, 10);

	wn_pmtu_view(s->result, &v);
	expect_number(s, "MTU", wn_pmtu_of(&v, ttl), words + strspn(words, " "), false);
}

/* "lowering 2 icmp 1400 ADDR", "lowering 2 search 1380": behind that TTL, and who says so. */
static void expect_lowering(struct scenario *s, char *words)
{
	static struct wn_pmtu_view v;
	unsigned after = (unsigned)strtoul(words, &words, 10);
	char *how = strtok(words, " "), *mtu = strtok(NULL, " "), *who = strtok(NULL, " ");
	char addr[WN_ADDR_STRLEN] = "";

	wn_pmtu_view(s->result, &v);
	for (uint32_t i = 0; i < v.count; i++) {
		const struct wn_pmtu_lowering *l = &v.lowerings[i];

		if (l->by != WN_NONE)
			wn_addr_str(&s->result->responders[l->by].addr, addr);
		else
			addr[0] = '\0';
		if (l->after == after && l->mtu == strtoul(mtu, NULL, 10) &&
			strcmp(how, l->told ? "icmp" : "search") == 0 &&
			strcmp(who ? who : "", addr) == 0)
			return;
	}
	complain(s, "no lowering to %s behind TTL %u by %s %s", mtu, after, how, who ? who : "");
}

static void expect_line(struct scenario *s, char *line)
{
	const struct wn_result *r = s->result;
	char *rest = strchr(line, ' ');

	if (!rest) {
		complain(s, "'%s' needs a value", line);
		return;
	}
	*rest++ = '\0';
	if (strcmp(line, "stop") == 0) {
		if (strcmp(wn_stop_name(r->stop), rest) != 0)
			complain(s, "stop is %s, expected %s", wn_stop_name(r->stop), rest);
	} else if (strcmp(line, "reached") == 0) {
		if (strcmp(r->reached ? "yes" : "no", rest) != 0)
			complain(s, "reached is not %s", rest);
	} else if (strcmp(line, "partial") == 0) {
		if (strcmp(r->partial ? "yes" : "no", rest) != 0)
			complain(s, "partial is not %s", rest);
	} else if (strcmp(line, "mtu-up-to") == 0) {
		expect_mtu(s, rest);
	} else if (strcmp(line, "lowering") == 0) {
		expect_lowering(s, rest);
	} else if (strcmp(line, "lowerings") == 0) {
		static struct wn_pmtu_view v;

		wn_pmtu_view(r, &v);
		expect_number(s, "lowerings", v.count, rest, false);
	} else if (strcmp(line, "links") == 0) {
		expect_links(s, rest);
	} else if (strcmp(line, "note") == 0) {
		expect_note(s, rest);
	} else if (strcmp(line, "ttl") == 0) {
		expect_ttl(s, rest);
	} else if (strcmp(line, "responders") == 0) {
		unsigned ttl = (unsigned)strtoul(rest, &rest, 10) & 255;

		expect_number(s, "responders", r->hops[ttl].responder_count, rest, false);
	} else if (strcmp(line, "replies") == 0) {
		unsigned ttl = (unsigned)strtoul(rest, &rest, 10) & 255;
		const struct wn_hop *hop = &r->hops[ttl];

		expect_number(s, "replies", hop->responder_count ? hop->responders[0].replies : 0,
			rest + strspn(rest, " "), false);
	} else if (strcmp(line, "counter") == 0) {
		expect_counter(s, rest);
	} else if (strcmp(line, "time") == 0) {
		expect_number(s, "time", r->end_ns, rest, true);
	} else if (strcmp(line, "last-ttl") == 0) {
		expect_number(s, "last-ttl", r->last_ttl, rest, false);
	} else if (strcmp(line, "sent") == 0) {
		expect_number(s, "sent", count_sent(r), rest, false);
	} else {
		expect_reply(s, line, rest);
	}
}

static wn_err start(struct scenario *s, struct wn_run *run, struct wn_sim *sim,
	const struct wn_topo *topo, struct wn_run_trace **out, struct wn_errctx *ctx)
{
	struct wn_run_trace_config c = {.backend = WN_BACKEND_SIM, .sim = sim};
	uint8_t family = s->req.family ? s->req.family : 4;
	struct wn_addr dst;
	wn_err err;

	if (s->req.params.host[0] == '\0')
		wn_request_target(&s->req, "target", ctx);
	dst = wn_topo_target(topo, family);
	err = wn_request_params(&s->req, (enum wn_proto)s->req.proto, &dst, &c.params, ctx);
	c.params.src = wn_topo_source(topo, family);
	if (err == WN_OK)
		err = wn_run_prepare(run, &c, out, ctx);
	return err == WN_OK ? wn_run_start(*out, ctx) : err;
}

static void play(struct scenario *s)
{
	struct wn_errctx ctx = {0};
	struct wn_topo *topo = NULL;
	struct wn_sim *sim = NULL;
	struct wn_run *run = NULL;
	struct wn_run_trace *rt;

	if (wn_topo_parse(wn_strbuf_str(&s->topology), s->topology.len, &topo, &ctx) != WN_OK ||
		wn_run_new(true, &run, &ctx) != WN_OK ||
		wn_sim_new(topo, s->seed, wn_run_now_ns(run), &sim) != WN_OK ||
		start(s, run, sim, topo, &rt, &ctx) != WN_OK ||
		wn_run_until_done(run, &ctx) != WN_OK) {
		complain(s, "%s", ctx.text);
	} else {
		s->result = wn_run_result(rt);
		for (char *line = s->expect.data, *end; line && *line; line = end) {
			end = strchr(line, '\n');
			*end++ = '\0';
			expect_line(s, line);
		}
	}
	wn_run_free(run);
	wn_sim_free(sim);
	wn_topo_free(topo);
}

int main(int argc, char **argv)
{
	unsigned failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		struct scenario s = {.path = argv[i], .seed = 1};
		const char *base = strrchr(argv[i], '/');

		wn_request_init(&s.req);
		if (read_file(&s) == 0)
			play(&s);
		if (s.expect.len == 0)
			complain(&s, "expects nothing");
		printf("%sok %d - %s\n", s.failures ? "not " : "", i, base ? base + 1 : argv[i]);
		failed += s.failures > 0;
		wn_strbuf_fini(&s.topology);
		wn_strbuf_fini(&s.expect);
	}
	return failed > 0;
}
