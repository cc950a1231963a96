/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wend explain: the findings of a trace, of one that is made now or of one that was saved. A saved
 * one is somebody else's file: it is read line by line within bounds, by the reader that checks
 * every field, after all privileges are gone. Lines that are of no use are named, and the rest is
 * explained.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "cli/cli.h"
#include "cli/trace.h"
#include "input/jsonl.h"
#include "os/os.h"

#define CHUNK_BYTES   65536u
#define LINE_BYTES    (512u * 1024) /* more than the reader takes */

#define REFUSED_NAMED 3	  /* lines that are named; more are counted */
#define START_WITHIN  100 /* lines: where no trace begins by then, it is no record */
#define WHY_BYTES     160

/* ---- lines of a file ---- */

struct refusal {
	unsigned long long line;
	char why[WHY_BYTES];
};

struct record {
	const char *path;
	int fd;
	char *buf;		 /* owned, LINE_BYTES */
	size_t len;		 /* bytes in it */
	size_t at;		 /* where the next line begins */
	bool ended;		 /* nothing more can be read */
	bool too_long;		 /* the line at hand is; what it began with is gone */
	unsigned long long line; /* number of the line at hand, from 1 */
	struct wn_result *results[WN_CLI_TRACES_MAX];
	struct refusal refused[REFUSED_NAMED];
	unsigned long long refused_count;
	bool brace;		   /* the first line is one alone */
	bool document;		   /* it begins as those of --format json do */
	unsigned long long second; /* the line with which another record begins; 0: none */
};

/* A line of it. */
struct line {
	const char *text;
	size_t len;
	bool whole; /* it has its newline */
};

/* One line that is of no use is no reason to lose the others. */
static void refuse(struct record *rec, const char *why)
{
	if (rec->refused_count < REFUSED_NAMED) {
		struct refusal *to = &rec->refused[rec->refused_count];

		to->line = rec->line;
		wn_fmt(to->why, sizeof(to->why), "%s", why);
	}
	rec->refused_count++;
}

static bool is_begun(const struct record *rec)
{
	for (unsigned i = 0; i < WN_CLI_TRACES_MAX; i++)
		if (rec->results[i] && rec->results[i]->started)
			return true;
	return false;
}

/* A trace has begun and not ended. */
static bool is_open(const struct record *rec)
{
	for (unsigned i = 0; i < WN_CLI_TRACES_MAX; i++)
		if (rec->results[i] && rec->results[i]->started && !rec->results[i]->ended)
			return true;
	return false;
}

/* Nothing of what came so far is of use, so that no more need be read: it may be without end. */
static bool is_hopeless(const struct record *rec)
{
	return !is_begun(rec) && (rec->too_long || rec->line >= START_WITHIN);
}

static int fill(struct record *rec)
{
	ssize_t n;

	memmove(rec->buf, rec->buf + rec->at, rec->len - rec->at);
	rec->len -= rec->at;
	rec->at = 0;
	if (rec->len + CHUNK_BYTES > LINE_BYTES) {
		rec->too_long = true;
		rec->len = 0;
	}
	do
		n = read(rec->fd, rec->buf + rec->len, CHUNK_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return wn_cli_fail(
			WN_EXIT_FAILED, "cannot read %s: %s", rec->path, strerror(errno));
	rec->ended = n == 0;
	rec->len += (size_t)n;
	return WN_EXIT_OK;
}

/* The next line without its newline; text NULL at the end. An exit code. */
static int next_line(struct record *rec, struct line *out)
{
	char *newline;
	int code;

	*out = (struct line){NULL, 0, false};
	rec->too_long = false;
	rec->line++;
	while (!(newline = memchr(rec->buf + rec->at, '\n', rec->len - rec->at)) && !rec->ended) {
		code = fill(rec);
		if (code != WN_EXIT_OK)
			return code;
		if (rec->too_long && is_hopeless(rec))
			break;
	}
	if (!newline && rec->at == rec->len && !rec->too_long)
		return WN_EXIT_OK;
	out->text = rec->buf + rec->at;
	out->whole = newline != NULL;
	out->len = newline ? (size_t)(newline - out->text) : rec->len - rec->at;
	rec->at += out->len + (newline ? 1 : 0);
	return WN_EXIT_OK;
}

/* ---- events ---- */

/* It starts a trace that was there: the same one again after its end, or another one. */
static bool is_second(const struct record *rec, const struct wn_event *ev, unsigned trace)
{
	const struct wn_result *r = rec->results[trace];

	return ev->kind == WN_EV_START && r && r->started &&
	       (r->ended || r->params.start_unix_ns != ev->u.start.start_unix_ns);
}

static int apply(struct record *rec, const struct wn_event *ev, unsigned trace)
{
	wn_err err;

	if (trace >= WN_CLI_TRACES_MAX) {
		refuse(rec, "no trace has so many parts");
		return WN_EXIT_OK;
	}
	if (is_second(rec, ev, trace)) {
		rec->second = rec->line;
		return WN_EXIT_OK;
	}
	if (!rec->results[trace])
		rec->results[trace] = wn_result_new(NULL);
	if (!rec->results[trace])
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	err = wn_result_apply(rec->results[trace], ev);
	if (err == WN_ENOMEM)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	if (err == WN_EINVAL)
		refuse(rec, "this event does not fit those before it");
	return WN_EXIT_OK; /* what there is no room for is counted in the result */
}

static bool begins(const struct line *line, const char *with)
{
	return line->len >= strlen(with) && memcmp(line->text, with, strlen(with)) == 0;
}

/* The documents of --format json begin with a brace alone on its line, and then their schema. */
static void refuse_text(struct record *rec, const struct line *line, const char *why)
{
	if (rec->refused_count == 0) {
		rec->brace = line->len == 1 && begins(line, "{");
		rec->document = begins(line, "{\"schema\"");
	} else if (rec->refused_count == 1 && rec->brace) {
		rec->document = begins(line, " \"schema\"");
	}
	refuse(rec, why);
}

static int read_event(struct record *rec, const struct line *line)
{
	struct wn_event *ev = wn_calloc(1, sizeof(*ev));
	struct wn_errctx ctx = {0};
	unsigned trace = 0;
	int code = WN_EXIT_OK;

	if (!ev)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	if (wn_in_jsonl(line->text, line->len, ev, &trace, &ctx) == WN_OK)
		code = apply(rec, ev, trace);
	else if (line->whole || !is_open(rec))
		refuse_text(rec, line, ctx.text);
	/* Else it is where the record was cut: the trace says that its end is missing. */
	wn_free(ev);
	return code;
}

/* All lines, as far as they are of one record. */
static int read_events(struct record *rec)
{
	struct line line;
	int code;

	rec->buf = wn_malloc(LINE_BYTES);
	if (!rec->buf)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	do {
		code = next_line(rec, &line);
		if (code != WN_EXIT_OK || !line.text)
			return code;
		if (rec->too_long)
			refuse(rec, "it is too long for an event of a trace");
		else if (line.len > 0)
			code = read_event(rec, &line);
	} while (code == WN_EXIT_OK && !rec->second && !is_hopeless(rec));
	return code;
}

/* The part that got farthest, as -P auto keeps it; NULL: there is none. */
static const struct wn_result *best_of(const struct record *rec)
{
	const struct wn_result *best = NULL;

	for (unsigned i = 0; i < WN_CLI_TRACES_MAX; i++) {
		const struct wn_result *r = rec->results[i];

		if (r && r->started && (!best || wn_session_farther(r, best)))
			best = r;
	}
	return best;
}

/* ---- saved traces ---- */

static int open_record(struct record *rec)
{
	bool input = strcmp(rec->path, "-") == 0;

	rec->fd = input ? STDIN_FILENO : wn_cli_open(rec->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (rec->fd < 0)
		return wn_cli_fail(
			WN_EXIT_FAILED, "cannot open %s: %s", rec->path, strerror(errno));
	if (input)
		rec->path = "standard input";
	return WN_EXIT_OK;
}

/* One line, whatever it is that is no record. */
static int tell_no_trace(const struct record *rec)
{
	const struct refusal *first = &rec->refused[0];

	if (rec->refused_count == 0)
		return wn_cli_fail(WN_EXIT_USAGE, "%s: there is no trace in it", rec->path);
	if (rec->document)
		return wn_cli_fail(WN_EXIT_USAGE,
			"%s: this is a JSON document (--format json); explain reads what --format "
			"jsonl writes",
			rec->path);
	return wn_cli_fail(WN_EXIT_USAGE,
		"%s: there is no trace in it; line %llu: %s (what --format jsonl writes can be "
		"explained)",
		rec->path, first->line, first->why);
}

/* What the findings were made without. */
static int tell_left_out(const struct record *rec)
{
	unsigned long long more = 0;
	int code = WN_EXIT_OK;

	for (unsigned i = 0; i < REFUSED_NAMED && i < rec->refused_count; i++)
		code = wn_cli_fail(WN_EXIT_USAGE, "%s: line %llu: %s; it was left out", rec->path,
			rec->refused[i].line, rec->refused[i].why);
	if (rec->refused_count > REFUSED_NAMED)
		more = rec->refused_count - REFUSED_NAMED;
	if (more > 0)
		code = wn_cli_fail(WN_EXIT_USAGE, "%s: %llu more line%s left out", rec->path, more,
			more == 1 ? " was" : "s were");
	if (rec->second)
		code = wn_cli_fail(WN_EXIT_USAGE,
			"%s: line %llu: another record begins here; only the first is explained",
			rec->path, rec->second);
	return code;
}

static int show(struct wn_session *s, struct record *rec)
{
	const struct wn_result *r;
	int code = read_events(rec);

	if (code != WN_EXIT_OK)
		return code;
	r = best_of(rec);
	if (!r)
		return tell_no_trace(rec);
	wn_session_explain(s, r);
	return tell_left_out(rec);
}

static int explain_record(struct wn_session *s, const char *path)
{
	struct record rec = {.path = path};
	struct wn_errctx ctx = {0};
	int code = open_record(&rec), written;

	if (code == WN_EXIT_OK)
		code = wn_session_output(s);
	if (code == WN_EXIT_OK && wn_os_privs_drop(&ctx) != WN_OK)
		code = wn_cli_fail(WN_EXIT_FAILED, "privileges could not be dropped: %s", ctx.text);
	if (code == WN_EXIT_OK)
		code = show(s, &rec);
	if (s->out_open) {
		written = wn_sink_close(&s->out);
		code = code == WN_EXIT_OK ? written : code;
	}
	for (unsigned i = 0; i < WN_CLI_TRACES_MAX; i++)
		wn_result_free(rec.results[i]);
	wn_free(rec.buf);
	wn_session_live_free(s);
	return code;
}

/* ---- the command ---- */

/* A name that is a file here is meant as one; with a slash it can be nothing else. */
static bool is_record(const char *operand)
{
	struct stat st;

	if (strcmp(operand, "-") == 0 || strchr(operand, '/'))
		return true;
	return stat(operand, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* What was sent is past: only how it is shown can still be chosen. */
static int check_record(const struct wn_request *req, const char *path)
{
	static const char *const shown[] = {"format", "output", "numeric", "color", "verbose"};
	size_t count;
	const struct wn_opt *opts = wn_opts(&count);

	for (size_t i = 0; i < count; i++) {
		bool fine = !wn_request_has(req, opts[i].key);

		for (size_t k = 0; k < sizeof(shown) / sizeof(shown[0]); k++)
			fine = fine || strcmp(opts[i].key, shown[k]) == 0;
		if (!fine)
			return wn_cli_fail(WN_EXIT_USAGE,
				"--%s is about a trace to be made; %s is one that was saved",
				opts[i].key, path);
	}
	return WN_EXIT_OK;
}

static int read_request(struct wn_request *req, int argc, char **argv, const char **operand)
{
	struct wn_errctx ctx = {0};
	size_t count;
	wn_err err;

	wn_request_init(req);
	err = wn_request_argv(req, "explain", argc - 1, argv + 1, operand, 1, &count, &ctx);
	if (err == WN_OK && (req->help || req->version))
		return WN_EXIT_OK;
	if (err == WN_OK && req->format != WN_FMT_TABLE && req->format != WN_FMT_JSON)
		err = wn_fail(&ctx, WN_EUSAGE,
			"explain has two formats: table, which are its sentences, and json");
	if (err == WN_OK && count == 0 && !req->sim)
		err = wn_fail(&ctx, WN_EUSAGE,
			"nothing to explain; give a file that --format jsonl wrote, or a host");
	if (err == WN_OK && count > 0 && is_record(*operand))
		return check_record(req, *operand);
	if (err == WN_OK && count > 0)
		err = wn_request_target(req, *operand, &ctx);
	/* Of the protocols that auto tries one alone is kept: those pings would be in vain. */
	if (!wn_request_has(req, "ping-hops"))
		req->params.ping_hops = req->proto != WN_REQ_AUTO;
	if (err == WN_OK)
		err = wn_request_check(req, &ctx);
	return err == WN_OK ? WN_EXIT_OK : wn_cli_fail(WN_EXIT_USAGE, "%s", ctx.text);
}

int wn_cmd_explain(int argc, char **argv)
{
	char *help[] = {(char[]){"help"}, (char[]){"explain"}, NULL};
	struct wn_session *s = wn_calloc(1, sizeof(*s));
	const char *operand = NULL;
	int code;

	if (!s)
		return wn_cli_fail(WN_EXIT_FAILED, "out of memory");
	s->explain = true;
	code = read_request(&s->req, argc, argv, &operand);
	if (code == WN_EXIT_OK && s->req.help)
		code = wn_cmd_help(2, help);
	else if (code == WN_EXIT_OK && s->req.version)
		code = wn_cmd_version(1, argv);
	else if (code == WN_EXIT_OK && operand && is_record(operand))
		code = explain_record(s, operand);
	else if (code == WN_EXIT_OK)
		code = wn_session_run(s);
	wn_free(s);
	return code;
}
