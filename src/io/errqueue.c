/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the error queue. The kernel has matched the error to our socket by addresses and ports
 * and took the quoted IP header off; what remains is the offender, type and code, and the quoted
 * payload with the extension structure behind it.
 */
#include "io/errqueue.h"

#include <linux/errqueue.h>
#include <string.h>

#include "packet/wire.h"

/* RFC 4884 section 5.5: without a length field extensions follow 128 bytes of quote, or nothing. */
#define LEGACY_QUOTE 128
#define EXT_HEADER   4

bool wn_errq_enable(int fd, uint8_t family)
{
	int level = family == 4 ? IPPROTO_IP : IPPROTO_IPV6;

	/* Kernels before 5.9 have no RFC4884 option: then only legacy extensions are found. */
	wn_sock_set(fd, level, family == 4 ? IP_RECVERR_RFC4884 : IPV6_RECVERR_RFC4884, 1);
	return wn_sock_set(fd, level, family == 4 ? IP_RECVERR : IPV6_RECVERR, 1) &&
	       wn_sock_tell_ttl(fd, family);
}

size_t wn_errq_read(struct wn_errq *q, int fd, size_t max)
{
	size_t n = max < WN_ERRQ_BATCH ? max : WN_ERRQ_BATCH;
	int got;

	for (size_t i = 0; i < n; i++) {
		struct wn_errq_slot *slot = &q->slot[i];

		wn_rx_head_ready(&slot->head, &q->msg[i].msg_hdr, slot->bytes, sizeof(slot->bytes));
	}
	got = recvmmsg(fd, q->msg, (unsigned)n, MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
	return got > 0 ? (size_t)got : 0;
}

void wn_errq_get(struct wn_errq *q, size_t i, struct wn_errq_msg *out)
{
	struct wn_errq_slot *slot = &q->slot[i];

	memset(out, 0, sizeof(*out));
	wn_cmsgs_read(&q->msg[i].msg_hdr, &out->c);
	out->kind = WN_ERRQ_OTHER;
	if (!out->c.ee)
		return;
	out->dst = wn_sa_addr(&slot->head.name, &out->dport);
	out->data = slot->bytes;
	out->len = q->msg[i].msg_len;
	if (out->c.ee->ee_origin == SO_EE_ORIGIN_TIMESTAMPING) {
		out->kind = WN_ERRQ_STAMP;
		out->key = out->c.ee->ee_data;
	} else if (out->c.ee->ee_origin == SO_EE_ORIGIN_ICMP ||
		   out->c.ee->ee_origin == SO_EE_ORIGIN_ICMP6) {
		out->kind = WN_ERRQ_ICMP;
	}
}

/*
 * The kernel tells where the extensions begin when the message has an RFC 4884 length, and
 * whether their checksum is wrong. Otherwise they are looked for where older routers put them,
 * and believed only with a right checksum. Returns the bytes that belong to the quote.
 */
static size_t read_extensions(const struct wn_errq_msg *m, size_t legacy_at, struct wn_ext *out)
{
	struct sock_ee_data_rfc4884 where = m->c.ee->ee_rfc4884;
	struct wn_ext ext;
	size_t at = where.len;

	memset(out, 0, sizeof(*out));
	if (at > 0 && at + EXT_HEADER <= m->len) {
		wn_wire_parse_ext(m->data + at, m->len - at, out);
		out->present = true;
		if (where.flags & SO_EE_RFC4884_FLAG_INVALID) {
			memset(out, 0, sizeof(*out));
			out->present = out->bad = true;
		}
		return at;
	}
	at = legacy_at;
	if (at + EXT_HEADER > m->len || (m->data[at + 2] == 0 && m->data[at + 3] == 0))
		return m->len;
	wn_wire_parse_ext(m->data + at, m->len - at, &ext);
	if (!ext.present || ext.bad)
		return m->len;
	*out = ext;
	return at;
}

bool wn_errq_reply(
	const struct wn_errq_msg *m, uint8_t family, size_t headers, struct wn_reply *out)
{
	const struct sock_extended_err *ee = m->c.ee;
	enum wn_reply_kind kind;

	if (!wn_icmp_error_kind(family, ee->ee_type, ee->ee_code, &kind))
		return false;
	memset(out, 0, sizeof(*out));
	out->kind = kind;
	out->from = wn_sa_addr(&m->c.offender, NULL);
	if (out->from.family != family)
		return false;
	out->icmp_type = ee->ee_type;
	out->icmp_code = ee->ee_code;
	out->ttl = m->c.ttl;
	out->tos = m->c.tos;
	if (out->kind == WN_REPLY_TOO_BIG)
		out->mtu = ee->ee_info;
	out->hint_id = WN_HINT_NONE;
	out->from_errqueue = true;
	out->quote.present = true;
	out->quote.dst = m->dst;
	out->quote.quoted_bytes =
		(uint16_t)(headers + read_extensions(m,
					     LEGACY_QUOTE > headers ? LEGACY_QUOTE - headers : 0,
					     &out->ext));
	return true;
}
