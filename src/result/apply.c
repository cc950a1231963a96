/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold: one event in, the result one step further. What a result holds depends on its events
 * and limits alone, never on time or on who applies them. Each step checks, then reserves, then
 * changes; the first two may fail and leave everything as it was.
 */
#include "result/result_int.h"

#include <string.h>
#include "base/alloc.h"

wn_err wn_result_check_stamp(enum wn_clock clock)
{
	return (unsigned)clock <= WN_CLOCK_SIM ? WN_OK : WN_EINVAL;
}

wn_err wn_result_full(struct wn_result *r, wn_err err)
{
	if (err == WN_EFULL) {
		r->priv->overflow++;
		r->counters.overflow++;
	}
	return err;
}

static uint8_t reached_ttl(const struct wn_result *r)
{
	return r->probes[r->replies[r->reached_reply].probe].probe.ttl;
}

/* Of many flows each ends where it reached the destination, or else was answered last. */
static uint8_t end_of_flow(const struct wn_flow_rec *f)
{
	return f->reached_ttl ? f->reached_ttl : f->answered_ttl;
}

static uint8_t last_of_flows(const struct wn_result *r)
{
	uint8_t last = 0;

	for (uint32_t i = 0; i < r->priv->flow_count; i++)
		if (end_of_flow(&r->priv->flows[i]) > last)
			last = end_of_flow(&r->priv->flows[i]);
	return last;
}

static void update_last_ttl(struct wn_result *r)
{
	bool refused = r->stop == WN_STOP_UNREACHABLE || r->stop == WN_STOP_LOOP;

	if (r->params.paths != WN_PATHS_OFF) {
		r->last_ttl = r->priv->flows_end;
		return;
	}
	if (r->reached_reply != WN_NONE)
		r->last_ttl = reached_ttl(r);
	else if (refused && r->stop_ttl != 0)
		r->last_ttl = r->stop_ttl;
	else
		r->last_ttl = r->priv->last_answered;
}

static wn_err apply_start(struct wn_result *r, const struct wn_event *ev)
{
	if (r->started)
		return WN_EINVAL;
	r->params = ev->u.start;
	r->started = true;
	return WN_OK;
}

/* ---- probes ---- */

static wn_err reserve_probe(struct wn_result *r)
{
	struct wn_result_priv *p = r->priv;
	wn_err err = wn_result_grow(&r->probes, &p->probes, r->probe_count, sizeof(*r->probes));

	if (!err)
		err = wn_result_grow(
			&p->next_in_flow, &p->next_g, r->probe_count, sizeof(*p->next_in_flow));
	if (!err)
		err = wn_result_grow(&p->flows, &p->flows_g, p->flow_count, sizeof(*p->flows));
	if (!err)
		err = wn_map_room(&p->probe_map);
	if (!err)
		err = wn_map_room(&p->flow_map);
	return wn_result_full(r, err);
}

static void chain_flow(struct wn_result_priv *p, uint32_t flow, uint32_t probe)
{
	uint32_t i;

	p->next_in_flow[probe] = WN_NONE;
	if (wn_map_get(&p->flow_map, flow, &i)) {
		p->next_in_flow[p->flows[i].last] = probe;
		p->flows[i].last = probe;
		return;
	}
	i = p->flow_count++;
	p->flows[i] = (struct wn_flow_rec){.id = flow, .first = probe, .last = probe};
	(void)wn_map_put(&p->flow_map, flow, i);
}

static wn_err add_probe(struct wn_result *r, const struct wn_event *ev,
	const struct wn_probe *probe, struct wn_probe_rec **out)
{
	uint32_t i = r->probe_count;
	wn_err err;

	if (probe->ttl == 0 || (unsigned)probe->proto >= WN_PROTO_COUNT ||
		probe->id != ev->probe_id || wn_result_knows_id(r, probe->id))
		return WN_EINVAL;
	err = reserve_probe(r);
	if (err)
		return err;
	(void)wn_map_put(&r->priv->probe_map, probe->id, i);
	chain_flow(r->priv, probe->flow, i);
	r->probe_count++;
	r->hops[probe->ttl].probes++;
	r->probes[i] = (struct wn_probe_rec){
		.probe = *probe,
		.sent_ns = ev->at_ns,
		.first_reply = WN_NONE,
	};
	*out = &r->probes[i];
	return WN_OK;
}

void wn_result_note_sent(struct wn_probe_rec *rec, const struct wn_event *ev)
{
	rec->state = WN_PROBE_PENDING;
	rec->number = ev->u.sent.number;
	rec->clock = ev->u.sent.clock;
}

void wn_result_note_failed(struct wn_probe_rec *rec, const struct wn_event *ev)
{
	rec->state = WN_PROBE_FAILED;
	rec->number = ev->u.failed.number;
	rec->err = ev->u.failed.err;
	rec->sys = ev->u.failed.sys;
}

wn_err wn_result_note_timeout(struct wn_probe_rec *rec, const struct wn_event *ev)
{
	if (rec->state != WN_PROBE_PENDING)
		return WN_EINVAL;
	rec->state = WN_PROBE_LOST;
	rec->waited_ns = ev->u.timeout.waited_ns;
	return WN_OK;
}

static wn_err apply_sent(struct wn_result *r, const struct wn_event *ev)
{
	struct wn_probe_rec *rec;
	wn_err err = wn_result_check_stamp(ev->u.sent.clock);

	if (!err)
		err = add_probe(r, ev, &ev->u.sent.probe, &rec);
	if (err)
		return err;
	wn_result_note_sent(rec, ev);
	return WN_OK;
}

static wn_err apply_failed(struct wn_result *r, const struct wn_event *ev)
{
	struct wn_probe_rec *rec;
	wn_err err = add_probe(r, ev, &ev->u.failed.probe, &rec);

	if (err)
		return err;
	wn_result_note_failed(rec, ev);
	if (rec->err == WN_EBLOCKED)
		r->counters.blocked++;
	return WN_OK;
}

static wn_err apply_timeout(struct wn_result *r, const struct wn_event *ev)
{
	uint32_t i = wn_result_find_probe(r, ev->probe_id);

	return i == WN_NONE ? WN_EINVAL : wn_result_note_timeout(&r->probes[i], ev);
}

/* ---- replies ---- */

/* A redirect tells of a better route while the packet travels on: it answers nothing. */
bool wn_result_is_first(const struct wn_event *ev)
{
	return !ev->u.reply.duplicate && ev->u.reply.reply.kind != WN_REPLY_REDIRECT;
}

wn_err wn_result_check_reply(const struct wn_event *ev, const struct wn_probe_rec *to)
{
	const struct wn_reply *reply = &ev->u.reply.reply;
	int64_t rtt_ns = ev->u.reply.rtt_ns;

	if (to->state == WN_PROBE_FAILED)
		return WN_EINVAL;
	if (wn_result_is_first(ev) && to->first_reply != WN_NONE)
		return WN_EINVAL;
	if ((unsigned)reply->kind >= WN_REPLY_KINDS || rtt_ns < -1 || rtt_ns > WN_RTT_MAX_NS ||
		(unsigned)ev->u.reply.match > WN_MATCH_WEAK)
		return WN_EINVAL;
	if (reply->from.family != 4 && reply->from.family != 6)
		return WN_EINVAL;
	return wn_result_check_stamp(ev->u.reply.clock);
}

/* Duplicates may fill the table only so far that every probe still has room for its first. */
static wn_err reserve_reply(struct wn_result *r, const struct wn_event *ev)
{
	struct wn_result_priv *p = r->priv;

	if (!wn_result_is_first(ev) &&
		(uint64_t)r->reply_count + (p->limits.probes - p->firsts) >= p->limits.replies)
		return WN_EFULL;
	return wn_result_grow(&r->replies, &p->replies, r->reply_count, sizeof(*r->replies));
}

wn_err wn_result_add_responder(struct wn_result *r, const struct wn_addr *addr, uint32_t *out)
{
	uint64_t key;
	wn_err err = wn_map_room(&r->priv->responder_map);

	if (err)
		return err;
	*out = wn_result_responder_key(r, addr, &key);
	if (*out != WN_NONE)
		return WN_OK;
	err = wn_result_grow(
		&r->responders, &r->priv->responders, r->responder_count, sizeof(*r->responders));
	if (err)
		return err;
	*out = r->responder_count++;
	r->responders[*out] = (struct wn_responder){.addr = *addr, .name = ""};
	(void)wn_map_put(&r->priv->responder_map, key, *out);
	return WN_OK;
}

static struct wn_hop_responder *find_in_hop(struct wn_hop *hop, uint32_t responder)
{
	for (uint32_t i = 0; i < hop->responder_count; i++)
		if (hop->responders[i].responder == responder)
			return &hop->responders[i];
	return NULL;
}

static wn_err reserve_hop(struct wn_result *r, struct wn_hop *hop)
{
	struct wn_growth g = {.cap = hop->responder_cap, .limit = r->priv->limits.responders};
	wn_err err = wn_result_grow(
		&hop->responders, &g, hop->responder_count, sizeof(*hop->responders));

	hop->responder_cap = g.cap;
	return err;
}

static void count_in_hop(struct wn_hop *hop, uint32_t responder, uint32_t reply)
{
	struct wn_hop_responder *hr = find_in_hop(hop, responder);

	if (!hr) {
		hr = &hop->responders[hop->responder_count++];
		*hr = (struct wn_hop_responder){.responder = responder, .first_reply = reply};
	}
	hr->replies++;
}

static void note_flow_end(struct wn_result *r, const struct wn_probe_rec *rec, bool reached)
{
	uint8_t ttl = rec->probe.ttl, before;
	struct wn_flow_rec *f;
	uint32_t i;

	if (!wn_map_get(&r->priv->flow_map, rec->probe.flow, &i))
		return;
	f = &r->priv->flows[i];
	before = end_of_flow(f);
	if (ttl > f->answered_ttl)
		f->answered_ttl = ttl;
	if (reached && (f->reached_ttl == 0 || ttl < f->reached_ttl))
		f->reached_ttl = ttl;
	if (end_of_flow(f) > r->priv->flows_end)
		r->priv->flows_end = end_of_flow(f);
	else if (end_of_flow(f) < before && before == r->priv->flows_end)
		r->priv->flows_end = last_of_flows(r); /* it was the longest: rare */
}

static void settle_probe(struct wn_result *r, const struct wn_event *ev, uint32_t reply)
{
	struct wn_probe_rec *rec = &r->probes[r->replies[reply].probe];
	uint8_t ttl = rec->probe.ttl;

	rec->state = ev->u.reply.late ? WN_PROBE_LATE : WN_PROBE_ANSWERED;
	rec->first_reply = reply;
	r->priv->firsts++;
	if (wn_result_is_sizing(r, &rec->probe))
		return;
	count_in_hop(&r->hops[ttl], r->replies[reply].responder, reply);
	if (ttl > r->priv->last_answered)
		r->priv->last_answered = ttl;
	note_flow_end(r, rec, ev->u.reply.reached);
	if (ev->u.reply.reached) {
		if (r->reached_reply == WN_NONE || ttl < reached_ttl(r))
			r->reached_reply = reply;
		r->reached = true;
	}
	update_last_ttl(r);
}

void wn_result_record_reply(
	struct wn_result *r, const struct wn_event *ev, struct wn_reply_rec *out)
{
	const struct wn_reply *reply = &ev->u.reply.reply;

	*out = (struct wn_reply_rec){
		.probe = out->probe,
		.responder = out->responder,
		.at_ns = ev->at_ns,
		.rtt_ns = ev->u.reply.rtt_ns,
		.clock = ev->u.reply.clock,
		.match = ev->u.reply.match,
		.late = ev->u.reply.late,
		.duplicate = ev->u.reply.duplicate,
		.reached = ev->u.reply.reached,
		.kind = reply->kind,
		.icmp_type = reply->icmp_type,
		.icmp_code = reply->icmp_code,
		.tcp_flags = reply->tcp_flags,
		.tcp_opts = reply->tcp_opts,
		.ttl = reply->ttl,
		.tos = reply->tos,
		.mtu = reply->mtu,
		.length = reply->length,
		.quote = reply->quote,
		.ext = out->ext,
	};
	r->counters.late += ev->u.reply.late;
	r->counters.duplicate += ev->u.reply.duplicate;
	r->counters.weak += ev->u.reply.match == WN_MATCH_WEAK;
}

/* Extensions are the largest part of a reply: without room for them the reply itself is kept. */
wn_err wn_result_copy_ext(struct wn_result *r, const struct wn_ext *ext, const struct wn_ext **out)
{
	struct wn_ext *copy;

	*out = NULL;
	if (!ext->present)
		return WN_OK;
	copy = wn_arena_alloc(&r->priv->arena, sizeof(*copy));
	if (!copy)
		return WN_EFULL;
	*copy = *ext;
	*out = copy;
	return WN_OK;
}

static wn_err apply_reply(struct wn_result *r, const struct wn_event *ev)
{
	struct wn_reply_rec rec = {.probe = wn_result_find_probe(r, ev->probe_id)};
	struct wn_probe_rec *to;
	wn_err err;

	if (rec.probe == WN_NONE)
		return WN_EINVAL;
	to = &r->probes[rec.probe];
	err = wn_result_check_reply(ev, to);
	if (err)
		return err;
	err = reserve_reply(r, ev);
	if (!err && wn_result_is_first(ev))
		err = reserve_hop(r, &r->hops[to->probe.ttl]);
	if (!err)
		err = wn_result_add_responder(r, &ev->u.reply.reply.from, &rec.responder);
	if (err)
		return wn_result_full(r, err);
	err = wn_result_copy_ext(r, &ev->u.reply.reply.ext, &rec.ext);
	wn_result_record_reply(r, ev, &rec);
	r->replies[r->reply_count] = rec;
	if (wn_result_is_first(ev))
		settle_probe(r, ev, r->reply_count);
	to->duplicates += ev->u.reply.duplicate;
	r->reply_count++;
	return wn_result_full(r, err);
}

/* ---- the rest ---- */

static wn_err apply_name(struct wn_result *r, const struct wn_event *ev)
{
	uint32_t i = wn_result_find_responder(r, &ev->u.name.addr);
	struct wn_responder *resp;

	if (i == WN_NONE || !memchr(ev->u.name.name, '\0', sizeof(ev->u.name.name)))
		return WN_EINVAL;
	resp = &r->responders[i];
	if (strcmp(resp->name, ev->u.name.name) != 0) {
		const char *copy = wn_arena_strdup(&r->priv->arena, ev->u.name.name);

		if (!copy)
			return wn_result_full(r, WN_EFULL);
		resp->name = copy;
	}
	resp->name_known = true;
	resp->name_err = ev->u.name.err;
	return WN_OK;
}

static wn_err apply_note(struct wn_result *r, const struct wn_event *ev)
{
	wn_err err = wn_result_grow(&r->notes, &r->priv->notes, r->note_count, sizeof(*r->notes));

	if (err)
		return wn_result_full(r, err);
	r->notes[r->note_count++] = *ev;
	return WN_OK;
}

static wn_err apply_stop(struct wn_result *r, const struct wn_event *ev)
{
	if ((unsigned)ev->u.stop.stop > WN_STOP_ERROR)
		return WN_EINVAL;
	r->stop = ev->u.stop.stop;
	r->stop_ttl = ev->u.stop.ttl;
	r->stop_by = ev->u.stop.by;
	r->stop_err = ev->u.stop.err;
	r->stop_sys = ev->u.stop.sys;
	r->stop_ns = ev->at_ns;
	update_last_ttl(r);
	return WN_OK;
}

static wn_err apply_end(struct wn_result *r, const struct wn_event *ev)
{
	r->ended = true;
	r->partial = ev->u.end.partial;
	r->end_ns = ev->at_ns;
	r->counters = ev->u.end.counters;
	r->counters.overflow += r->priv->overflow;
	return WN_OK;
}

wn_err wn_result_apply(struct wn_result *r, const struct wn_event *ev)
{
	static wn_err (*const steps[])(struct wn_result *, const struct wn_event *) = {
		[WN_EV_START] = apply_start,
		[WN_EV_SENT] = apply_sent,
		[WN_EV_REPLY] = apply_reply,
		[WN_EV_TIMEOUT] = apply_timeout,
		[WN_EV_FAILED] = apply_failed,
		[WN_EV_NAME] = apply_name,
		[WN_EV_NOTE] = apply_note,
		[WN_EV_STOP] = apply_stop,
		[WN_EV_END] = apply_end,
	};

	if ((unsigned)ev->kind >= sizeof(steps) / sizeof(steps[0]))
		return WN_EINVAL;
	/* Larger numbers do not survive every JSON reader. */
	if (ev->at_ns > INT64_MAX || ev->probe_id > INT64_MAX)
		return WN_EINVAL;
	if (r->ended || (!r->started && ev->kind != WN_EV_START))
		return WN_EINVAL;
	if (wn_result_is_aside(r, ev))
		return wn_result_apply_side(r, ev);
	return steps[ev->kind](r, ev);
}
