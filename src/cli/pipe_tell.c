/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of wend pipe. Each is made of numbers, fixed words, an id and at most one bounded text, so
 * that none comes near the length that readers allow.
 */
#include "cli/pipe.h"

#include "output/json_writer.h"
#include "packet/reply.h"
#include "result/fields.h"

#define PROTOCOL_VERSION 1

static void begin(struct wn_pipe *p, struct wn_jw *w, const char *event)
{
	wn_jw_init(w, &p->out.buf, 0);
	wn_jw_object(w, NULL);
	wn_jw_text(w, "event", event);
}

static void end(struct wn_pipe *p, struct wn_jw *w)
{
	wn_jw_end(w);
	wn_strbuf_putc(&p->out.buf, '\n');
}

static void write_id(struct wn_jw *w, const char *key, const struct wn_in_id *id)
{
	if (id->kind == WN_IN_ID_NUMBER)
		wn_jw_int(w, key, id->number);
	else if (id->kind == WN_IN_ID_TEXT)
		wn_jw_text(w, key, id->text);
	else
		wn_jw_null(w, key);
}

static void write_address(struct wn_jw *w, const struct wend_event *ev)
{
	char text[WEND_ADDRESS_TEXT];

	if (ev->family)
		wn_jw_text(w, "address", wend_event_address(ev, text));
	else
		wn_jw_null(w, "address");
}

void wn_pipe_tell_hello(struct wn_pipe *p)
{
	struct wn_jw w;

	begin(p, &w, "hello");
	wn_jw_text(&w, "program", "wend");
	wn_jw_text(&w, "version", wend_version_text());
	wn_jw_int(&w, "protocol", PROTOCOL_VERSION);
	wn_jw_object(&w, "limits");
	wn_jw_int(&w, "line_bytes", WN_IN_REQUEST_BYTES);
	wn_jw_int(&w, "id_bytes", WN_IN_ID_BYTES);
	wn_jw_int(&w, "parallel", p->parallel);
	wn_jw_end(&w);
	wn_jw_text(&w, "backend", p->backend);
	wn_jw_object(&w, "privileges");
	wn_jw_bool(&w, "raw_sockets", p->privs.net_raw);
	wn_jw_bool(&w, "ping_sockets", p->privs.ping_socket);
	wn_jw_end(&w);
	end(p, &w);
}

/* ICMP type 0 is an echo reply over IPv4, and else means that it was no ICMP message. */
static bool is_icmp(const struct wn_pipe_item *item, const struct wend_event *ev)
{
	return ev->icmp_type != 0 || (item->icmp && ev->family == 4);
}

static void write_labels(struct wn_jw *w, const struct wend_event *ev)
{
	wn_jw_array(w, "mpls");
	for (uint32_t i = 0; i < ev->mpls_count; i++) {
		struct wn_mpls label = {
			.label = ev->mpls[i] >> 12,
			.tc = ev->mpls[i] >> 9 & 7,
			.bottom = ev->mpls[i] >> 8 & 1,
			.ttl = ev->mpls[i] & 0xff,
		};

		wn_jw_object(w, NULL);
		wn_jw_fields(w, &wn_fields_mpls, &label, 0);
		wn_jw_end(w);
	}
	wn_jw_end(w);
}

static void write_reply(
	struct wn_jw *w, const struct wn_pipe_item *item, const struct wend_event *ev)
{
	bool icmp = is_icmp(item, ev);

	write_address(w, ev);
	wn_jw_opt(w, "rtt_ns", ev->rtt_ns);
	wn_jw_bool(w, "reached", ev->reached);
	wn_jw_bool(w, "late", ev->late);
	wn_jw_opt(w, "icmp_type", icmp ? ev->icmp_type : -1);
	wn_jw_opt(w, "icmp_code", icmp ? ev->icmp_code : -1);
	wn_jw_opt(w, "tcp_flags", ev->tcp_flags ? ev->tcp_flags : -1);
	wn_jw_opt(w, "reply_ttl", ev->reply_ttl);
	write_labels(w, ev);
}

static void write_name(struct wn_jw *w, const struct wend_event *ev)
{
	write_address(w, ev);
	if (ev->err == WEND_OK)
		wn_jw_text(w, "name", ev->name);
	else
		wn_jw_null(w, "name");
	wn_jw_text(w, "status", wend_err_name(ev->err));
}

static void write_failure(struct wn_jw *w, int err, const char *text)
{
	if (err) {
		wn_jw_text(w, "error", wend_err_name(err));
		wn_jw_text(w, "text", text);
	} else {
		wn_jw_null(w, "error");
		wn_jw_null(w, "text");
	}
}

static void write_done(struct wn_jw *w, const struct wend_event *ev)
{
	if (ev->stop == WEND_STOP_NONE) /* a look-up has nothing to stop */
		wn_jw_null(w, "stop");
	else
		wn_jw_text(w, "stop", wend_stop_name(ev->stop));
	wn_jw_bool(w, "reached", ev->reached);
	wn_jw_opt(w, "ttl", ev->ttl ? ev->ttl : -1);
	write_address(w, ev);
	wn_jw_int(w, "sent", ev->sent);
	wn_jw_int(w, "received", ev->received);
	write_failure(w, ev->err, wend_err_text(ev->err));
}

void wn_pipe_tell_event(
	struct wn_pipe *p, const struct wn_pipe_item *item, const struct wend_event *ev)
{
	static const char *const names[] = {
		[WEND_REPLY] = "reply",
		[WEND_LOST] = "lost",
		[WEND_DONE] = "done",
		[WEND_NAME] = "name",
	};
	struct wn_jw w;

	if (ev->kind < WEND_REPLY || ev->kind > WEND_NAME)
		return; /* a later library may tell more */
	begin(p, &w, names[ev->kind]);
	write_id(&w, "id", &item->id);
	wn_jw_int(&w, "at_ns", ev->at_ns);
	if (ev->kind == WEND_REPLY || ev->kind == WEND_LOST) {
		wn_jw_int(&w, "ttl", ev->ttl);
		wn_jw_int(&w, "number", ev->probe);
	}
	if (ev->kind == WEND_REPLY)
		write_reply(&w, item, ev);
	else if (ev->kind == WEND_NAME)
		write_name(&w, ev);
	else if (ev->kind == WEND_DONE)
		write_done(&w, ev);
	end(p, &w);
}

void wn_pipe_tell_pong(struct wn_pipe *p)
{
	struct wn_jw w;

	begin(p, &w, "pong");
	write_id(&w, "ping", &p->request.id);
	wn_jw_int(&w, "line", (int64_t)p->in.number);
	wn_jw_int(&w, "active", p->active);
	wn_jw_int(&w, "started", (int64_t)p->started);
	wn_jw_int(&w, "done", (int64_t)p->done);
	wn_jw_int(&w, "refused", (int64_t)p->refused);
	end(p, &w);
}

void wn_pipe_tell_error(struct wn_pipe *p, int err, const char *text)
{
	const char *request = wn_in_ask_name(p->request.ask);
	struct wn_jw w;

	p->refused++;
	begin(p, &w, "error");
	write_id(&w, "id", &p->request.id);
	wn_jw_int(&w, "line", (int64_t)p->in.number);
	if (request)
		wn_jw_text(&w, "request", request);
	else
		wn_jw_null(&w, "request");
	write_failure(&w, err, text[0] ? text : wend_err_text(err));
	end(p, &w);
}
