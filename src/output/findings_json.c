/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as data: a document of their own, and the list in that of a trace. */
#include "output/json_writer.h"

#include "output/findings_say.h"

#define LINES 2

static void write_at(struct wn_jw *w, const char *key, const struct wn_result *r,
	struct wn_finding_at at, bool known)
{
	if (!known) {
		wn_jw_null(w, key);
		return;
	}
	wn_jw_object(w, key);
	wn_jw_int(w, "ttl", at.ttl);
	if (at.responder < r->responder_count) {
		wn_jw_int(w, "responder", at.responder);
		wn_jw_addr(w, "address", &r->responders[at.responder].addr);
	} else {
		wn_jw_null(w, "responder");
		wn_jw_null(w, "address");
	}
	wn_jw_end(w);
}

static void write_labels(struct wn_jw *w, const struct wn_finding *f)
{
	if (f->kind != WN_FINDING_MPLS_EXPLICIT && f->kind != WN_FINDING_MPLS_OPAQUE)
		return;
	wn_jw_array(w, "labels");
	for (unsigned i = 0; i < f->u.mpls.label_count; i++)
		wn_jw_int(w, NULL, f->u.mpls.labels[i]);
	wn_jw_end(w);
}

static void write_finding(struct wn_jw *w, const struct wn_result *r, const struct wn_finding *f)
{
	struct wn_strbuf text = WN_STRBUF_INIT;

	wn_jw_object(w, NULL);
	wn_jw_text(w, "kind", wn_finding_name(f->kind));
	wn_jw_text(w, "certainty", wn_certainty_name(f->certainty));
	write_at(w, "before", r, f->before, f->between);
	write_at(w, "first", r, f->first, true);
	write_at(w, "last", r, f->last, true);
	write_at(w, "until", r, f->until, f->until.ttl != 0);
	wn_jw_int(w, "hops", f->hops);
	wn_jw_int(w, "flows", f->flows);
	wn_jw_object(w, "figures");
	wn_jw_fields(w, wn_finding_fields(f->kind), f, 0);
	write_labels(w, f);
	wn_jw_end(w);
	wn_jw_int(w, "probe_count", f->probe_count);
	wn_jw_array(w, "probe_ids");
	for (uint32_t i = 0; i < f->probes_kept; i++)
		wn_jw_int(w, NULL, (int64_t)f->probes[i]);
	wn_jw_end(w);
	wn_findings_sentence(&text, r, f);
	wn_jw_text(w, "text", wn_strbuf_str(&text));
	wn_view_drop(w->out, &text);
	wn_jw_end(w);
}

void wn_jw_findings(struct wn_jw *w, const struct wn_result *r)
{
	struct wn_findings found;

	if (wn_findings_find(r, &found) != WN_OK)
		w->out->err = WN_ENOMEM;
	wn_jw_array(w, "findings");
	for (uint32_t i = 0; i < found.count; i++)
		write_finding(w, r, &found.list[i]);
	wn_jw_end(w);
	wn_jw_int(w, "findings_dropped", found.dropped);
	wn_findings_free(&found);
}

void wn_out_findings_json(struct wn_strbuf *out, const struct wn_result *r)
{
	const struct wn_params *p = &r->params;
	char time[WN_TIME_STRLEN];
	struct wn_jw w;

	wn_jw_init(&w, out, LINES);
	wn_jw_object(&w, NULL);
	wn_jw_text(&w, "schema", WN_FINDINGS_SCHEMA);
	wn_jw_text(&w, "generator", "wend " WN_VERSION);
	wn_jw_text(&w, "started", wn_view_rfc3339(p->start_unix_ns, time));
	wn_jw_bool(&w, "partial", r->partial || !r->ended);
	wn_jw_bool(&w, "reached", r->reached);
	wn_jw_opt(&w, "last_ttl", r->last_ttl ? (int64_t)r->last_ttl : -1);
	wn_jw_int(&w, "probes", r->probe_count);
	wn_jw_stop(&w, r);
	wn_jw_params(&w, p);
	wn_jw_notes(&w, r);
	wn_jw_findings(&w, r);
	wn_jw_end(&w);
	wn_strbuf_putc(out, '\n');
}
