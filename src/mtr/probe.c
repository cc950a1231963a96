/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From arguments to a probe of the library, and from its events to one answer. mtr ends itself when
 * it is told that there was no room: what the system has no room for now waits here until there is.
 */
#include "mtr/mtr_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_DEFAULT 64
#define SIZE_MAX_V4  9000
#define SIZE_MAX_V6  9040
#define PORT_LOWEST  1024
#define TTL_DEFAULT  255
#define TIMEOUT_MAX  3600 /* seconds */
#define MPLS_TEXT    (8 * 20)

struct wanted {
	struct traits traits;
	int32_t ttl;
	int local_family; /* 0: no source was given */
	bool is_marked;
	char target[48];
};

struct held {
	struct held *next;
	struct wanted wanted;
	int32_t token;
};

/* ---- arguments ---- */

/* What is too large becomes something, as in the original; only what is no number is refused. */
static bool read_number(const char *text, int32_t *out)
{
	char *end;
	long value;

	value = strtol(text, &end, 10);
	*out = (int32_t)value;
	return end != text && !*end;
}

static bool read_proto(const char *text, struct traits *t)
{
	static const char *const names[] = {"icmp", "udp", "tcp", "sctp"};

	for (int i = 0; i <= PROTOS; i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		t->proto = i;
		return true;
	}
	return false;
}

static bool copy(char *out, size_t cap, const char *text)
{
	size_t len = strlen(text);

	if (len >= cap)
		return false;
	memset(out, 0, cap);
	memcpy(out, text, len);
	return true;
}

static bool read_target(const char *text, int family, struct wanted *out)
{
	out->traits.family = family;
	return copy(out->target, sizeof(out->target), text);
}

static bool read_mark(const char *text, struct wanted *out)
{
	int32_t value;

	if (!read_number(text, &value))
		return false;
	out->is_marked = value != 0;
	return true;
}

static bool read_local(const char *value, int family, struct wanted *out)
{
	out->local_family = family;
	return copy(out->traits.local, sizeof(out->traits.local), value);
}

static bool read_local_port(const char *value, struct traits *t)
{
	return read_number(value, &t->local_port) && t->local_port >= PORT_LOWEST;
}

/* What is not known is for somebody newer. */
static bool read_arg(const char *name, const char *value, bool newer, struct wanted *out)
{
	struct traits *t = &out->traits;

#define IS(word) (strcmp(name, word) == 0)
	switch (name[0]) {
	case 'b':
		return IS("bit-pattern") ? read_number(value, &t->pattern) : true;
	case 'i':
		return IS("ip-4") || IS("ip-6") ? read_target(value, name[3] - '0', out) : true;
	case 'l':
		if (IS("local-ip-4") || IS("local-ip-6"))
			return read_local(value, name[9] - '0', out);
		/* mtr 0.95 knows no such word. */
		if (IS("local-device") && newer)
			return copy(t->device, sizeof(t->device), value);
		return IS("local-port") ? read_local_port(value, t) : true;
	case 'm':
		return IS("mark") ? read_mark(value, out) : true;
	case 'p':
		if (IS("protocol"))
			return read_proto(value, t);
		return IS("port") ? read_number(value, &t->port) : true;
	case 's':
		return IS("size") ? read_number(value, &t->size) : true;
	case 't':
		if (IS("ttl"))
			return read_number(value, &out->ttl);
		if (IS("tos"))
			return read_number(value, &t->tos);
		return IS("timeout") ? read_number(value, &t->timeout) : true;
	default:
		return true;
	}
#undef IS
}

static bool is_address(int family, const char *text)
{
	uint8_t bytes[16];

	return inet_pton(family == 4 ? AF_INET : AF_INET6, text, bytes) == 1;
}

/* As the original's packets come out of it: bytes and ports are what is left of larger numbers. */
static bool settle(struct wanted *w)
{
	struct traits *t = &w->traits;
	int32_t least;

	if (t->proto != PROTO_TCP && t->size > (t->family == 4 ? SIZE_MAX_V4 : SIZE_MAX_V6))
		return false;
	if (t->family == 6 && (t->tos < 0 || t->tos > 255))
		return false;
	/* The original puts four bytes of its own behind UDP headers. */
	least = (t->family == 4 ? 28 : 48) + (t->proto == PROTO_UDP ? 4 : 0);
	if (t->size < least)
		t->size = least;
	if (t->proto != PROTO_UDP)
		t->local_port = 0;
	if (t->proto == PROTO_ICMP)
		t->port = 0;
	if ((t->family == 6 || t->proto == PROTO_TCP) && (w->ttl < 0 || w->ttl > 255))
		return false;
	w->ttl &= 0xff;
	t->port &= 0xffff;
	t->local_port &= 0xffff;
	t->tos &= 0xff;
	t->pattern &= 0xff;
	if (t->timeout > TIMEOUT_MAX)
		t->timeout = TIMEOUT_MAX;
	if (t->timeout < 0)
		t->timeout = 0;
	return w->ttl > 0;
}

/* NULL: it is a probe. Else what is wrong, in words that follow the token. */
static const char *read_probe(const struct mtr *m, const struct command *c, struct wanted *out)
{
	memset(out, 0, sizeof(*out));
	out->ttl = TTL_DEFAULT;
	out->traits.size = SIZE_DEFAULT;
	out->traits.timeout = 10;
	for (unsigned i = 0; i < c->args; i++)
		if (!read_arg(c->arg[i].name, c->arg[i].value, m->newer, out))
			return "invalid-argument";
	if (!out->traits.family)
		return "invalid-argument reason ip-version-not-supported";
	if (out->traits.proto >= PROTOS)
		return "invalid-argument reason protocol-not-supported";
	if (!is_address(out->traits.family, out->target))
		return "invalid-argument";
	if (out->local_family && (out->local_family != out->traits.family ||
					 !is_address(out->local_family, out->traits.local)))
		return "invalid-argument";
	if (!settle(out))
		return "invalid-argument";
	/* The privilege to mark was given up. Without its mark a packet goes another way. */
	if (out->is_marked)
		return "permission-denied";
	return m->can[out->traits.proto] ? NULL : "permission-denied";
}

/* ---- answers ---- */

static void say_error(struct mtr *m, int32_t token, int err, int sys)
{
	switch (err) {
	case WEND_ENOROUTE:
		if (!m->newer)
			mtr_say(m, "%d no-route", token);
		else
			mtr_say(m, "%d no-route-%s", token,
				sys == EHOSTUNREACH ? "host" : "network");
		return;
	case WEND_ENETDOWN:
		mtr_say(m, "%d network-down", token);
		return;
	case WEND_EPERM:
	case WEND_EBLOCKED:
		mtr_say(m, "%d permission-denied", token);
		return;
	case WEND_EADDRINUSE:
		mtr_say(m, "%d address-in-use", token);
		return;
	case WEND_EADDRNOTAVAIL:
		mtr_say(m, "%d address-not-available", token);
		return;
	case WEND_EUSAGE:
	case WEND_EINVAL:
	case WEND_ERANGE:
		mtr_say(m, "%d invalid-argument", token);
		return;
	default:
		break;
	}
	if (sys == 0)
		sys = err == WEND_EMSGSIZE ? EMSGSIZE : err == WEND_EIFACE ? ENODEV : EIO;
	if (sys == EHOSTDOWN && m->newer)
		mtr_say(m, "%d host-down", token);
	else
		mtr_say(m, "%d unexpected-error errno %d", token, sys);
}

static const char *word_of(const struct mtr *m, const struct wend_event *ev)
{
	uint8_t exceeded = ev->family == 4 ? 11 : 3;

	if (ev->reached)
		return "reply";
	if (ev->icmp_type == exceeded)
		return "ttl-expired";
	/* The original does not hear it. */
	if (ev->family == 6 && ev->icmp_type == 2)
		return NULL;
	return m->newer ? "no-route-host" : "no-route";
}

static void write_labels(const struct wend_event *ev, char *out, size_t cap)
{
	size_t len = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < ev->mpls_count; i++) {
		uint32_t e = ev->mpls[i];

		len += (size_t)snprintf(out + len, cap - len, "%s%u,%u,%u,%u", i ? "," : " mpls ",
			e >> 12, e >> 9 & 7, e >> 8 & 1, e & 0xff);
		if (len >= cap)
			return;
	}
}

static void say_reply(struct mtr *m, int32_t token, const struct wend_event *ev)
{
	char address[WEND_ADDRESS_TEXT], labels[MPLS_TEXT];
	const char *word = word_of(m, ev); /* NULL: it is no answer */
	int64_t us = ev->rtt_ns > 0 ? (ev->rtt_ns + 500) / 1000 : 0;

	if (!word) {
		mtr_say(m, "%d no-reply", token);
		return;
	}
	write_labels(ev, labels, sizeof(labels));
	mtr_say(m, "%d %s ip-%d %s round-trip-time %lld%s", token, word, ev->family,
		wend_event_address(ev, address), (long long)us, labels);
}

/* ---- options ---- */

static int set_number(wend_options *o, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return wend_options_set(o, key, text);
}

static int set_timeout(wend_options *o, int32_t seconds)
{
	char text[24];

	/* The original looks once more at what has arrived. */
	snprintf(text, sizeof(text), seconds ? "%ds" : "1ms", seconds);
	return wend_options_set(o, "wait", text);
}

static int fill(wend_options *o, const struct traits *t)
{
	static const int protos[PROTOS] = {
		[PROTO_ICMP] = WEND_ICMP, [PROTO_UDP] = WEND_UDP, [PROTO_TCP] = WEND_TCP};
	int err = wend_options_set_protocol(o, protos[t->proto]);

	if (!err && t->port)
		err = wend_options_set_port(o, (uint16_t)t->port);
	if (!err && t->local_port)
		err = set_number(o, "source-port", t->local_port);
	if (!err && t->proto != PROTO_TCP)
		err = set_number(o, "size", t->size);
	if (!err && t->tos)
		err = set_number(o, "tos", t->tos);
	/* Where a pattern was asked for all of the payload is it. */
	if (!err && t->pattern)
		err = set_number(o, "pattern", t->pattern);
	if (!err && t->local[0])
		err = wend_options_set_source(o, t->local);
	if (!err && t->device[0])
		err = wend_options_set_interface(o, t->device);
	return err ? err : set_timeout(o, t->timeout);
}

/* Commands that follow each other differ in target and TTL, hardly ever in the rest. */
static int find_options(struct mtr *m, const struct traits *t, wend_options **out)
{
	struct kept *kept;
	int err;

	for (unsigned i = 0; i < OPTIONS_KEPT; i++) {
		kept = &m->kept[(m->next_kept + OPTIONS_KEPT - 1 - i) % OPTIONS_KEPT];
		if (kept->options && memcmp(&kept->traits, t, sizeof(*t)) == 0) {
			*out = kept->options;
			return WEND_OK;
		}
	}
	err = wend_options_new(out);
	if (err)
		return err;
	err = fill(*out, t);
	if (err) {
		wend_options_free(*out);
		return err;
	}
	kept = &m->kept[m->next_kept++ % OPTIONS_KEPT];
	wend_options_free(kept->options);
	kept->traits = *t;
	kept->options = *out;
	return WEND_OK;
}

/* ---- probes ---- */

struct probe {
	struct mtr *m;
	int32_t token;
	bool answered;
};

static void on_event(void *user, const struct wend_event *ev)
{
	struct probe *p = user;

	if (ev->kind != WEND_DONE) {
		if (p->answered)
			return;
		p->answered = true;
		if (ev->kind == WEND_REPLY)
			say_reply(p->m, p->token, ev);
		else
			mtr_say(p->m, "%d no-reply", p->token);
		return;
	}
	if (!p->answered && ev->err)
		say_error(p->m, p->token, ev->err, ev->sys_errno);
	else if (!p->answered)
		mtr_say(p->m, "%d no-reply", p->token);
	free(p);
}

static int start(struct mtr *m, int32_t token, const struct wanted *w)
{
	struct probe *p;
	wend_options *o;
	int err = find_options(m, &w->traits, &o);

	if (err)
		return err;
	p = malloc(sizeof(*p));
	if (!p)
		return WEND_ENOMEM;
	*p = (struct probe){.m = m, .token = token};
	err = wend_probe(m->w, w->target, (uint8_t)w->ttl, o, on_event, p, NULL);
	if (err)
		free(p);
	return err;
}

/* It may work when others have ended. */
static bool may_pass(const struct mtr *m, int err, int sys)
{
	if (wend_active(m->w) == 0)
		return false;
	return err == WEND_ENOMEM || err == WEND_EFULL || err == WEND_EAGAIN ||
	       err == WEND_ENOBUFS || err == WEND_EADDRINUSE || sys == EMFILE || sys == ENFILE ||
	       sys == ENOMEM || sys == ENOBUFS;
}

static bool hold(struct mtr *m, int32_t token, const struct wanted *w)
{
	struct held *h = malloc(sizeof(*h));

	if (!h)
		return false;
	*h = (struct held){.wanted = *w, .token = token};
	*m->held_end = h;
	m->held_end = &h->next;
	return true;
}

void mtr_send_probe(struct mtr *m, const struct command *c)
{
	struct wanted w;
	const char *wrong = read_probe(m, c, &w);
	int err, sys;

	if (wrong) {
		mtr_say(m, "%d %s", c->token, wrong);
		return;
	}
	/* Who has asked what we can do (mtr, mtrpacket) reads lines. */
	if (m->was_asked)
		m->out.one_by_one = false;
	if (m->held && hold(m, c->token, &w)) /* one after the other */
		return;
	err = start(m, c->token, &w);
	sys = err ? wend_error_errno(m->w) : 0;
	if (err && !(may_pass(m, err, sys) && hold(m, c->token, &w)))
		say_error(m, c->token, err, sys);
}

void mtr_retry_held(struct mtr *m)
{
	struct held *h;

	while ((h = m->held)) {
		int err = start(m, h->token, &h->wanted), sys = wend_error_errno(m->w);

		if (err && may_pass(m, err, sys))
			return;
		if (err)
			say_error(m, h->token, err, sys);
		m->held = h->next;
		if (!m->held)
			m->held_end = &m->held;
		free(h);
	}
}

void mtr_probes_fini(struct mtr *m)
{
	for (struct held *h; (h = m->held); free(h))
		m->held = h->next;
	for (unsigned i = 0; i < OPTIONS_KEPT; i++)
		wend_options_free(m->kept[i].options);
}
