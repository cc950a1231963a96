/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold of side probes. They have a table of their own, so that nothing that reads the path
 * (hops, flows, links, statistics) can take one of them for a part of it.
 */
#include "result/result_int.h"

static bool is_to_another(const struct wn_result *r, const struct wn_probe *probe)
{
	return r->params.dst.family != 0 && !wn_addr_eq(&probe->dst, &r->params.dst);
}

bool wn_result_is_aside(const struct wn_result *r, const struct wn_event *ev)
{
	switch (ev->kind) {
	case WN_EV_SENT:
		return is_to_another(r, &ev->u.sent.probe);
	case WN_EV_FAILED:
		return is_to_another(r, &ev->u.failed.probe);
	case WN_EV_REPLY:
	case WN_EV_TIMEOUT:
		return wn_result_find_side(r, ev->probe_id) != WN_NONE;
	default:
		return false;
	}
}

static wn_err reserve(struct wn_result *r)
{
	struct wn_result_priv *p = r->priv;
	wn_err err = wn_result_grow(&r->sides, &p->sides, r->side_count, sizeof(*r->sides));

	return err ? err : wn_map_room(&p->probe_map);
}

static wn_err add(struct wn_result *r, const struct wn_event *ev, const struct wn_probe *probe,
	struct wn_probe_rec **out)
{
	struct wn_side_rec *side;
	wn_err err;

	if (probe->ttl == 0 || (unsigned)probe->proto >= WN_PROTO_COUNT ||
		probe->id != ev->probe_id || wn_result_knows_id(r, probe->id))
		return WN_EINVAL;
	err = wn_result_full(r, reserve(r));
	if (err)
		return err;
	(void)wn_map_put(&r->priv->probe_map, probe->id, r->side_count | WN_SIDE_BIT);
	side = &r->sides[r->side_count++];
	*side = (struct wn_side_rec){
		.sent = {.probe = *probe, .sent_ns = ev->at_ns, .first_reply = WN_NONE},
	};
	*out = &side->sent;
	return WN_OK;
}

static wn_err apply_sent(struct wn_result *r, const struct wn_event *ev)
{
	struct wn_probe_rec *rec;
	wn_err err = wn_result_check_stamp(ev->u.sent.clock);

	if (!err)
		err = add(r, ev, &ev->u.sent.probe, &rec);
	if (err)
		return err;
	wn_result_note_sent(rec, ev);
	return WN_OK;
}

static wn_err apply_failed(struct wn_result *r, const struct wn_event *ev)
{
	struct wn_probe_rec *rec;
	wn_err err = add(r, ev, &ev->u.failed.probe, &rec);

	if (err)
		return err;
	wn_result_note_failed(rec, ev);
	return WN_OK;
}

/* Of what is no first answer only the number is kept. */
static wn_err apply_reply(struct wn_result *r, uint32_t index, const struct wn_event *ev)
{
	struct wn_side_rec *side = &r->sides[index];
	struct wn_reply_rec rec = {.probe = index};
	wn_err err = wn_result_check_reply(ev, &side->sent);

	if (err)
		return err;
	if (!wn_result_is_first(ev)) {
		side->sent.duplicates += ev->u.reply.duplicate;
		r->counters.duplicate += ev->u.reply.duplicate;
		return WN_OK;
	}
	err = wn_result_full(
		r, wn_result_add_responder(r, &ev->u.reply.reply.from, &rec.responder));
	if (err)
		return err;
	err = wn_result_copy_ext(r, &ev->u.reply.reply.ext, &rec.ext);
	wn_result_record_reply(r, ev, &rec);
	side->reply = rec;
	side->sent.first_reply = 0;
	side->sent.state = ev->u.reply.late ? WN_PROBE_LATE : WN_PROBE_ANSWERED;
	return wn_result_full(r, err);
}

wn_err wn_result_apply_side(struct wn_result *r, const struct wn_event *ev)
{
	uint32_t index = wn_result_find_side(r, ev->probe_id);

	switch (ev->kind) {
	case WN_EV_SENT:
		return apply_sent(r, ev);
	case WN_EV_FAILED:
		return apply_failed(r, ev);
	case WN_EV_TIMEOUT:
		return wn_result_note_timeout(&r->sides[index].sent, ev);
	default:
		return apply_reply(r, index, ev);
	}
}
