/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets to replies. Kernel filters are trusted with nothing: what cannot be read or is not about
 * our ports is dropped and counted here.
 */
#include "io/raw.h"

#include <errno.h>
#include <string.h>

#include "os/os.h"
#include "packet/wire.h"

#define ERROR_TRIES 4  /* pending socket errors read away before giving up on a socket */
#define ROUNDS_MAX  16 /* batches of dropped packets looked through in one call */
#define IP6_HEADER  40

/* Of our span another program, a second wend above all, may hold the ports that we do not. */
bool wn_raw_is_our_port(const struct wn_raw *raw, uint16_t port)
{
	for (unsigned i = 0; i < raw->ours.more_count; i++)
		if (raw->ours.more[i] == port)
			return true;
	if (raw->config.proto != WN_PROTO_ICMP)
		return wn_ports_is_held(&raw->ports, port);
	return wn_ports_within(raw->ours.first, raw->ours.span, port);
}

static bool is_ours(const struct wn_raw *raw, const struct wn_reply *r, bool icmp)
{
	const struct wn_quote *q = &r->quote;

	if (r->kind == WN_REPLY_ECHO)
		return raw->config.proto == WN_PROTO_ICMP && wn_raw_is_our_port(raw, r->icmp_id);
	if (!icmp)
		return wn_raw_is_our_port(raw, r->dport);
	if (!q->present || !q->l4_present ||
		q->proto != wn_ip_proto(raw->config.proto, raw->config.family))
		return false;
	return wn_raw_is_our_port(raw, raw->config.proto == WN_PROTO_ICMP ? q->icmp_id : q->sport);
}

static wn_err parse(const struct wn_raw *raw, const struct wn_raw_rx_slot *slot, size_t len,
	const struct wn_cmsgs *c, bool icmp, struct wn_reply *out)
{
	wn_err err;

	if (raw->config.family == 4)
		return wn_wire_parse(slot->bytes, len, out);
	out->from = wn_sa_addr(&slot->head.name, NULL);
	out->to = c->to;
	out->ttl = c->ttl;
	out->tos = c->tos;
	err = wn_wire_parse_l4(
		wn_ip_proto(icmp ? WN_PROTO_ICMP : raw->config.proto, raw->config.family),
		slot->bytes, len, out);
	out->length = (uint16_t)(len + IP6_HEADER);
	return err;
}

/*
 * What is damaged may be about our probes as well as about others': the engine sees the addresses
 * it knows and decides whose it was.
 */
static bool keep(struct wn_raw *raw, wn_err err, const struct wn_reply *r, bool icmp)
{
	struct wn_counters_io *count = &raw->io.counters;

	if (err == WN_ETRUNC)
		count->truncated++;
	else if (err == WN_EPARSE)
		count->corrupt++;
	else if (err != WN_OK)
		count->foreign++;
	else if (r->truncated || r->checksum_bad || is_ours(raw, r, icmp))
		return true;
	else
		count->foreign++;
	return false;
}

static void prepare(struct wn_raw *raw, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct wn_raw_rx_slot *slot = &raw->rx_slot[i];

		wn_rx_head_ready(
			&slot->head, &raw->rx_msg[i].msg_hdr, slot->bytes, sizeof(slot->bytes));
	}
}

/* The kernel tells how many packets found no room in the queue, since the socket was opened. */
static void count_drops(struct wn_raw *raw, const struct wn_cmsgs *c, bool icmp)
{
	uint32_t *last = &raw->drops[icmp ? 0 : 1];

	if (!c->has_drops)
		return;
	raw->io.counters.overflow += (uint32_t)(c->drops - *last);
	*last = c->drops;
}

static bool take_packet(struct wn_raw *raw, size_t i, bool icmp, uint64_t now_ns, struct wn_rx *out)
{
	struct mmsghdr *m = &raw->rx_msg[i];
	struct wn_cmsgs c;
	wn_err err;

	wn_cmsgs_read(&m->msg_hdr, &c);
	count_drops(raw, &c, icmp);
	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		raw->io.counters.truncated++;
		return false;
	}
	err = parse(raw, &raw->rx_slot[i], m->msg_len, &c, icmp, &out->reply);
	if (!keep(raw, err, &out->reply, icmp))
		return false;
	out->kind = WN_RX_REPLY;
	out->id = WN_HINT_NONE;
	out->err = WN_OK;
	out->sys = 0;
	out->at_ns = now_ns;
	out->clock = WN_CLOCK_USER;
	wn_stamps_apply(&raw->stamps, c.unix_ns, 0, &out->at_ns, &out->clock);
	return true;
}

/* Up to n replies from fd. */
static size_t read_socket(struct wn_raw *raw, int fd, bool icmp, struct wn_rx *rx, size_t n)
{
	size_t out = 0;
	int tries = 0;

	for (int round = 0; round < ROUNDS_MAX && out < n; round++) {
		size_t want = n - out < WN_RAW_RX_BATCH ? n - out : WN_RAW_RX_BATCH;
		uint64_t now_ns;
		int got;

		prepare(raw, want);
		got = recvmmsg(fd, raw->rx_msg, (unsigned)want, MSG_DONTWAIT, NULL);
		if (got < 0 && errno != EAGAIN && ++tries < ERROR_TRIES)
			continue;
		if (got <= 0)
			break;
		now_ns = wn_os_mono_ns();
		for (int i = 0; i < got; i++)
			if (take_packet(raw, (size_t)i, icmp, now_ns, &rx[out]))
				out++;
		if ((size_t)got < want)
			break;
	}
	return out;
}

static size_t give_late_stamps(struct wn_raw *raw, struct wn_rx *rx, size_t n)
{
	size_t out = raw->late_count < n ? raw->late_count : n;

	for (size_t i = 0; i < out; i++) {
		rx[i].kind = WN_RX_STAMP;
		rx[i].id = raw->late[i].id;
		rx[i].at_ns = raw->late[i].at_ns;
		rx[i].clock = raw->late[i].clock;
	}
	raw->late_count -= (uint32_t)out;
	memmove(raw->late, raw->late + out, raw->late_count * sizeof(raw->late[0]));
	return out;
}

size_t wn_raw_recv(struct wn_io *io, struct wn_rx *rx, size_t n, uint64_t now_ns)
{
	struct wn_raw *raw = (struct wn_raw *)io;
	size_t out;

	wn_stamps_look(&raw->stamps, now_ns);
	/* Send stamps come first: a reply's RTT wants the best there is. */
	wn_raw_read_stamps(raw, NULL, 0);
	out = give_late_stamps(raw, rx, n);
	raw->l4_first = !raw->l4_first && raw->l4_fd >= 0;
	if (raw->l4_first)
		out += read_socket(raw, raw->l4_fd, false, rx + out, n - out);
	out += read_socket(raw, raw->icmp_fd, true, rx + out, n - out);
	if (!raw->l4_first && raw->l4_fd >= 0)
		out += read_socket(raw, raw->l4_fd, false, rx + out, n - out);
	return out;
}
