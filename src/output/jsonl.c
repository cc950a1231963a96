/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as lines. Nothing of an event is left out and no text is mended, so that folding the
 * lines gives the same result as folding the events.
 */
#include "output/json_writer.h"

static void write_start(struct wn_jw *w, const struct wn_params *p)
{
	wn_jw_text(w, "schema", WN_JSON_SCHEMA);
	wn_jw_params(w, p);
}

static void write_probe(struct wn_jw *w, const struct wn_probe *p)
{
	wn_jw_object(w, "probe");
	wn_jw_fields(w, &wn_fields_probe, p, wn_about_probe(p));
	wn_jw_end(w);
}

static void write_reply(struct wn_jw *w, const struct wn_reply *reply)
{
	wn_jw_object(w, "reply");
	wn_jw_fields(w, &wn_fields_reply, reply, wn_about_reply(reply));
	wn_jw_quote(w, "quote", &reply->quote, true);
	wn_jw_ext(w, "extensions", &reply->ext);
	wn_jw_end(w);
}

void wn_out_jsonl(struct wn_strbuf *out, const struct wn_event *ev, unsigned trace)
{
	struct wn_jw w;

	if ((unsigned)ev->kind > WN_EV_END)
		return;
	wn_jw_init(&w, out, 0);
	w.raw_text = true;
	wn_jw_object(&w, NULL);
	wn_jw_text(&w, "event", wn_event_name(ev->kind));
	wn_jw_int(&w, "trace", trace);
	wn_jw_fields(&w, &wn_fields_event[ev->kind], ev, 0);
	if (ev->kind == WN_EV_START)
		write_start(&w, &ev->u.start);
	else if (ev->kind == WN_EV_SENT)
		write_probe(&w, &ev->u.sent.probe);
	else if (ev->kind == WN_EV_FAILED)
		write_probe(&w, &ev->u.failed.probe);
	else if (ev->kind == WN_EV_REPLY)
		write_reply(&w, &ev->u.reply.reply);
	else if (ev->kind == WN_EV_END)
		wn_jw_counters(&w, &ev->u.end.counters);
	wn_jw_end(&w);
	wn_strbuf_putc(out, '\n');
}
