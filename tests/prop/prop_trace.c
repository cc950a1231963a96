/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path engine, or that of all paths, under any sequence of replies, refusals, garbage, lost
 * time and wishes to stop: its events always fold into a result, every probe ends at most once and
 * is accounted for at the end, bounds hold after each step, and it comes to an end once the network
 * falls silent.
 */
#include "prop.h"

#include <stdlib.h>
#include <string.h>
#include "base/cursor.h"
#include "packet/wire.h"
#include "multipath/paths.h"
#include "result/result.h"
#include "trace/trace_priv.h"

#define BATCH	   16
#define PROBES	   512	       /* sent ones that are remembered for replies */
#define QUIET_EACH 12	       /* steps per probe, without input, until it must have ended */
#define EACH_NS	   (4000 * MS) /* no probe of a silent network takes longer, one after another */

struct world {
	struct wn_rd in;
	struct wn_params params;
	struct wn_paths *paths; /* NULL: one path */
	struct wn_trace *trace;
	struct wn_result *result;
	uint64_t now_ns;
	struct wn_probe sent[PROBES];
	size_t sent_count;
	struct wn_probe batch[BATCH];
	size_t batched;
	bool stopped, started, stop_seen, end_seen;
};

static uint32_t pick(struct wn_rd *in, uint32_t n)
{
	return wn_rd_be16(in) % n;
}

static void read_paths(struct world *w)
{
	struct wn_params *p = &w->params;
	uint8_t bits = wn_rd_u8(&w->in);

	if (bits & 128)
		p->flow_mode = WN_FLOW_DUBLIN;
	if (!(bits & 1))
		return;
	p->paths = (enum wn_paths_mode)(WN_PATHS_NODES + (bits >> 1) % 4);
	p->flow_mode = bits & 128 ? WN_FLOW_DUBLIN : WN_FLOW_FIXED;
	p->flows = 1 + pick(&w->in, bits & 8 ? 200 : 20);
	p->miss_ppm = 1 + pick(&w->in, 60000) * 8;
	p->miss_by_vertex = bits & 16;
	p->min_share_ppm = bits & 32 ? 100000 + pick(&w->in, 60000) : 0;
	p->caps.sends_flow_label = bits & 64;
}

static void read_tcp(struct world *w)
{
	struct wn_params *p = &w->params;

	p->tcp_flags = wn_rd_u8(&w->in);
	p->tcp_options = wn_rd_u8(&w->in) & WN_TCP_OPT_USUAL;
	p->size = (uint16_t)(p->size + wn_tcp_options_size(p->tcp_options));
	if (p->tcp_flags % 4 || p->flow_mode != WN_FLOW_FIXED || p->paths)
		return;
	p->tcp_method = WN_TCP_METHOD_SACK;
	p->tcp_seq = wn_rd_be32(&w->in);
	p->tcp_ack = wn_rd_be32(&w->in);
}

static void read_params(struct world *w)
{
	struct wn_params *p = &w->params;
	uint8_t bits = wn_rd_u8(&w->in), caps = wn_rd_u8(&w->in);
	bool v6 = bits & 1;

	p->proto = (enum wn_proto)(wn_rd_u8(&w->in) % WN_PROTO_COUNT);
	p->src = wn_addr_v4(0xc0000201);
	p->dst = wn_addr_v4(0xcb007105);
	if (v6)
		p->src.family = p->dst.family = 6;
	if (bits & 2)
		p->src = (struct wn_addr){0};
	p->flow_mode = bits & 4 ? WN_FLOW_CLASSIC : WN_FLOW_FIXED;
	p->flow = bits & 8 ? wn_rd_u8(&w->in) : 0;
	p->sport = (uint16_t)(1 + pick(&w->in, 0xff00));
	p->dport = wn_rd_be16(&w->in);
	p->flow_checksum = wn_rd_be16(&w->in);
	p->first_ttl = (uint8_t)(1 + pick(&w->in, bits & 16 ? 255 : 4));
	p->max_ttl = (uint8_t)(p->first_ttl + pick(&w->in, 256u - p->first_ttl));
	p->probes = 1 + pick(&w->in, bits & 32 ? 20 : 4);
	p->window = pick(&w->in, 40);
	p->gap = pick(&w->in, 20);
	p->pps = bits & 64 ? 50 + pick(&w->in, 5000) : 0;
	p->deadline_ns = bits & 128 ? pick(&w->in, 3000) * MS : 0;
	p->wait_max_ns = pick(&w->in, 2000) * MS;
	p->wait_min_ns = pick(&w->in, 400) * MS;
	p->wait_here_milli = pick(&w->in, 10000);
	p->wait_near_milli = pick(&w->in, 10000);
	p->size = (uint16_t)(wn_probe_min_size(p->dst.family, p->proto) + pick(&w->in, 40));
	p->caps.sends_ip_id = caps & 1;
	p->caps.sends_checksum = caps & 2;
	p->caps.sends_icmp_id = caps & 4;
	p->caps.sees_quote_l4 = caps & 8;
	p->caps.sees_quote_ip = caps & 16;
	p->caps.per_flow = caps & 32 ? 1 + caps / 64 : 0;
	read_paths(w);
	if (p->proto == WN_PROTO_TCP)
		read_tcp(w);
}

/* ---- what must hold at any time ---- */

static void check_bounds(const struct world *w)
{
	const struct wn_trace *t = w->trace;
	uint32_t offered = 0, again = 0, active = 0, limit = t->out_cap;

	for (uint16_t i = 0; i < t->out_count; i++) {
		uint8_t state = t->recs[t->out[i].rec].state;

		prop_check(state == REC_OFFERED || state == REC_OUT || state == REC_AGAIN);
		offered += state == REC_OFFERED;
		again += state == REC_AGAIN;
	}
	for (unsigned ttl = t->params.first_ttl; ttl <= t->params.max_ttl; ttl++) {
		const struct hop *hop = wn_trace_hop(t, (uint8_t)ttl);

		active += hop->active;
		prop_check(w->paths || hop->active + hop->ended <= wn_trace_want(t, (uint8_t)ttl));
		prop_check(hop->answered <= hop->ended);
	}
	prop_check(offered == t->offered && again == t->again && active == t->out_count);
	if (!w->paths && t->params.caps.per_flow && wn_flow_is_fixed(t->params.flow_mode) &&
		t->params.caps.per_flow < limit)
		limit = t->params.caps.per_flow;
	prop_check(t->out_count <= limit);
	prop_check(t->queue_len <= t->queue_cap && t->rec_count <= t->rec_cap);
}

static void check_event(struct world *w, const struct wn_event *ev)
{
	prop_check(wn_result_apply(w->result, ev) == WN_OK);
	prop_check(!w->end_seen);
	prop_check(w->started == (ev->kind != WN_EV_START));
	w->started = true;
	if (ev->kind == WN_EV_STOP) {
		prop_check(!w->stop_seen && ev->u.stop.stop != WN_STOP_NONE);
		w->stop_seen = true;
	}
	if (ev->kind == WN_EV_END) {
		prop_check(w->stop_seen);
		w->end_seen = true;
	}
	if (ev->kind == WN_EV_TIMEOUT)
		prop_check(ev->u.timeout.waited_ns <= ev->at_ns);
}

/* Unanswered yet at the end: only what lies beyond it, or what a stop cut short. */
static void check_account(const struct world *w)
{
	const struct wn_result *r = w->result;
	bool forced = r->stop == WN_STOP_INTERRUPTED || r->stop == WN_STOP_DEADLINE || w->stopped;

	prop_check(r->ended && w->end_seen);
	for (uint32_t i = 0; i < r->probe_count; i++) {
		const struct wn_probe_rec *p = &r->probes[i];

		if (p->state == WN_PROBE_PENDING)
			prop_check(forced || (!w->paths && p->probe.ttl > w->trace->end.ttl));
	}
	prop_check(r->probe_count <= w->trace->rec_cap * 256u);
	if (r->stop == WN_STOP_REACHED)
		prop_check(r->reached && r->stop_ttl >= w->params.first_ttl);
}

/* ---- what the network and the driver may do ---- */

static struct wn_addr some_addr(struct world *w)
{
	uint8_t which = wn_rd_u8(&w->in);
	struct wn_addr a = wn_addr_v4(0x0a000000u + which % 16);

	if (which >= 200)
		return w->params.dst;
	a.family = which >= 190 ? (uint8_t)(which & 6) : w->params.dst.family;
	return a;
}

static void copy_of_probe(struct world *w, struct wn_reply *r)
{
	const struct wn_probe *p;

	if (w->sent_count == 0)
		return;
	p = &w->sent[pick(&w->in, (uint32_t)w->sent_count)];
	r->quote.src = p->src;
	r->quote.dst = p->dst;
	r->quote.proto = p->proto == WN_PROTO_UDP   ? WN_IP_UDP
			 : p->proto == WN_PROTO_TCP ? WN_IP_TCP
			 : p->dst.family == 6	    ? WN_IP_ICMP6
						    : WN_IP_ICMP;
	r->quote.ip_id = p->ip_id;
	r->quote.sport = r->dport = p->sport;
	r->quote.dport = r->sport = p->dport;
	r->quote.checksum = p->checksum;
	r->quote.icmp_id = r->icmp_id = p->icmp_id;
	r->quote.icmp_seq = r->icmp_seq = p->icmp_seq;
	r->quote.tcp_seq = p->tcp_seq;
	r->tcp_seq = p->tcp_ack;
	r->tcp_ack = p->tcp_seq + 1;
	if (w->params.tcp_method == WN_TCP_METHOD_SACK) {
		r->tcp_ack = w->params.tcp_seq;
		r->tcp_opts.set = WN_TCP_OPT_SACK;
		r->tcp_sack[0] = (struct wn_sack){p->tcp_seq, p->tcp_seq + 1};
	}
	memcpy(r->quote.cookie, p->cookie, 8);
	memcpy(r->cookie, p->cookie, 8);
	r->hint_id = wn_rd_u8(&w->in) < 32 ? p->id : WN_HINT_NONE;
}

/* Right, wrong or something in between. */
static void some_reply(struct world *w)
{
	uint8_t bits = wn_rd_u8(&w->in), harm = wn_rd_u8(&w->in);
	struct wn_reply r;
	uint64_t rx;

	memset(&r, 0, sizeof(r));
	r.hint_id = WN_HINT_NONE;
	r.kind = (enum wn_reply_kind)(bits & 1 ? WN_REPLY_TIME_EXCEEDED : wn_rd_u8(&w->in) % 14);
	r.icmp_code = wn_rd_u8(&w->in) % 5;
	r.from = some_addr(w);
	r.tcp_flags = (uint8_t)(WN_TCP_ACK | (bits & 2 ? WN_TCP_RST : WN_TCP_SYN));
	r.quote.present = bits & (4 | 8);
	r.quote.l4_present = bits & (8 | 16);
	r.payload_present = r.quote.payload_present = bits & (16 | 32);
	r.from_errqueue = (bits & 0xc0) == 0xc0;
	copy_of_probe(w, &r);
	r.checksum_bad = harm == 1;
	r.truncated = harm == 2;
	r.ext.present = harm == 3;
	if (harm == 4)
		r.quote.cookie[0] ^= wn_rd_u8(&w->in);
	if (harm == 5)
		r.quote.checksum ^= wn_rd_u8(&w->in);
	if (harm == 6)
		r.quote.ip_id ^= wn_rd_u8(&w->in);
	if (harm == 7)
		r.hint_id = wn_rd_be16(&w->in);
	if (harm == 8)
		wn_rd_bytes(&w->in, r.ext.objects, 200);
	if (harm == 9)
		r.tcp_ack += wn_rd_u8(&w->in);
	if (harm == 11)
		r.tcp_sack[0].left += wn_rd_u8(&w->in);
	rx = harm == 10 ? wn_rd_be64(&w->in) : w->now_ns;
	wn_trace_reply(w->trace, &r, rx, (enum wn_clock)(harm % 7), w->now_ns);
}

static void send_one(struct world *w, const struct wn_probe *p)
{
	static const wn_err errors[] = {WN_EAGAIN, WN_ENOBUFS, WN_EBLOCKED, WN_ENETDOWN,
		WN_ENOROUTE, WN_EMSGSIZE, WN_EIO, WN_EADDRNOTAVAIL};
	uint8_t how = wn_rd_u8(&w->in);

	prop_check(p->ttl >= w->params.first_ttl && p->ttl <= w->params.max_ttl);
	if (how >= 200) {
		wn_trace_failed(w->trace, p->id, errors[how % 8], how, w->now_ns);
		return;
	}
	if (w->sent_count < PROBES)
		w->sent[w->sent_count++] = *p;
	wn_trace_sent(w->trace, p->id, how == 199 ? wn_rd_be64(&w->in) : w->now_ns,
		(enum wn_clock)(how % 6));
	if (how % 16 == 3) /* heard of before its SENT event was taken */
		wn_trace_failed(w->trace, p->id, WN_EIO, 5, w->now_ns);
	if (how % 16 == 4)
		wn_trace_sent(w->trace, p->id, w->now_ns + how, WN_CLOCK_KERNEL);
}

static void flush(struct world *w)
{
	for (size_t i = 0; i < w->batched; i++) {
		send_one(w, &w->batch[i]);
		check_bounds(w);
	}
	w->batched = 0;
}

/* The network or the driver does something, or time goes on to when the engine asked for it. */
static void happen(struct world *w, uint64_t until_ns)
{
	uint8_t what = wn_rd_left(&w->in) ? wn_rd_u8(&w->in) : 255;

	if (what < 120) {
		some_reply(w);
	} else if (what < 150) {
		w->now_ns += wn_rd_be16(&w->in) * UINT64_C(2000);
	} else if (what < 153) {
		w->now_ns += wn_rd_be16(&w->in) * MS;
	} else if (what == 153) {
		wn_trace_note(w->trace, WN_NOTE_TEXT, what, "x");
	} else if (what == 154 && wn_rd_u8(&w->in) < 20) {
		wn_trace_stop(w->trace, WN_STOP_INTERRUPTED, WN_OK, 0);
		w->stopped = true;
	} else if (what == 155) {
		wn_trace_sent(w->trace, wn_rd_be16(&w->in), w->now_ns, WN_CLOCK_USER);
	} else if (until_ns != NEVER && until_ns > w->now_ns) {
		w->now_ns = until_ns;
	}
}

static enum wn_act_kind next(struct world *w, struct wn_act *act)
{
	return w->paths ? wn_paths_next(w->paths, w->now_ns, act)
			: wn_trace_next(w->trace, w->now_ns, act);
}

static wn_err make(struct world *w)
{
	static const struct wn_sipkey key = {{1, 2, 3}};
	wn_err err;

	if (w->params.paths == WN_PATHS_OFF)
		return wn_trace_new(&w->params, &key, w->now_ns, &w->trace, NULL);
	err = wn_paths_new(&w->params, &key, w->now_ns, &w->paths, NULL);
	if (err == WN_OK)
		w->trace = wn_paths_trace(w->paths);
	return err;
}

static void run(struct world *w)
{
	uint64_t quiet_from = 0;
	unsigned quiet = 0;
	struct wn_act act;

	for (;;) {
		enum wn_act_kind kind = next(w, &act);

		check_bounds(w);
		if (wn_rd_left(&w->in) == 0) {
			quiet_from = quiet_from ? quiet_from : w->now_ns;
			prop_check(++quiet < QUIET_EACH * (w->trace->rec_cap + 100u));
			prop_check((w->now_ns - quiet_from) / EACH_NS < w->trace->rec_cap + 10u);
		}
		if (kind == WN_ACT_DONE)
			return;
		if (kind == WN_ACT_EMIT) {
			check_event(w, &act.event);
		} else if (kind == WN_ACT_SEND) {
			w->batch[w->batched++] = act.probe;
			if (w->batched == BATCH || wn_rd_u8(&w->in) < 40)
				flush(w);
		} else if (w->batched > 0) {
			flush(w);
		} else {
			/* With nothing to wait for it would never end. */
			prop_check(act.until_ns != NEVER && act.until_ns > w->now_ns);
			happen(w, act.until_ns);
			check_bounds(w);
		}
	}
}

int prop_trace(const uint8_t *data, size_t size)
{
	struct world *w = calloc(1, sizeof(*w));
	struct wn_act act;

	prop_check(w);
	wn_rd_init(&w->in, data, size);
	read_params(w);
	w->now_ns = 1000 * MS;
	if (make(w) == WN_OK) {
		w->result = wn_result_new(NULL);
		prop_check(w->result);
		run(w);
		check_account(w);
		prop_check(next(w, &act) == WN_ACT_DONE);
	}
	if (w->paths)
		wn_paths_free(w->paths);
	else
		wn_trace_free(w->trace);
	wn_result_free(w->result);
	free(w);
	return 0;
}
