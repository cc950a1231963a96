/* SPDX-License-Identifier: Apache-2.0 */
#include "dns_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/cursor.h"

static void put_name(struct wn_wr *w, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		wn_wr_u8(w, (uint8_t)len);
		wn_wr_bytes(w, name, len);
		name += len + (name[len] == '.');
	}
	wn_wr_u8(w, 0);
}

static void get_name(struct wn_rd *r, char *out, size_t size)
{
	size_t at = 0, len;

	while ((len = wn_rd_u8(r)) > 0 && len < 64 && at + len + 2 < size) {
		wn_rd_bytes(r, out + at, len);
		at += len;
		out[at++] = '.';
	}
	out[at > 0 ? at - 1 : 0] = '\0';
}

static void put_rdata(struct wn_wr *w, const struct dns_entry *e)
{
	struct wn_addr addr;
	size_t len_at = w->pos;

	wn_wr_be16(w, 0);
	switch (e->how) {
	case DNS_LOOP: /* a compression pointer to itself */
		wn_wr_be16(w, (uint16_t)(0xc000 | w->pos));
		break;
	case DNS_RAW_LABEL:
		wn_wr_u8(w, (uint8_t)strlen(e->text));
		wn_wr_bytes(w, e->text, strlen(e->text));
		wn_wr_u8(w, 0);
		break;
	case DNS_LONG: /* beyond the 255 bytes of RFC 1035 */
		for (int i = 0; i < 9; i++) {
			wn_wr_u8(w, 63);
			wn_wr_fill(w, 'x', 63);
		}
		wn_wr_u8(w, 0);
		break;
	default:
		if (e->type == DNS_TYPE_PTR)
			put_name(w, e->text);
		else if (wn_addr_parse(e->text, &addr) == WN_OK)
			wn_wr_bytes(w, addr.bytes, addr.family == 4 ? 4 : 16);
	}
	wn_wr_patch_be16(w, len_at, (uint16_t)(w->pos - len_at - 2));
}

static const struct dns_entry *find(const struct dns_server *s, const char *name, uint16_t type)
{
	static const struct dns_entry none = {"", 0, DNS_NEGATIVE, "", DNS_RCODE_NO_NAME};

	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->zone[i].name, name) == 0 && s->zone[i].type == type)
			return &s->zone[i];
	return &none;
}

static size_t compose(uint8_t *out, size_t cap, uint16_t id, const char *name,
	const struct dns_entry *e, uint16_t type)
{
	bool has = e->how != DNS_NEGATIVE;
	struct wn_wr w;

	wn_wr_init(&w, out, cap);
	wn_wr_be16(&w, e->how == DNS_WRONG_ID ? (uint16_t)(id + 1) : id);
	wn_wr_be16(&w, (uint16_t)(0x8180 | e->rcode));
	wn_wr_be16(&w, 1);
	wn_wr_be16(&w, has);
	wn_wr_be32(&w, 0);
	put_name(&w, name);
	wn_wr_be16(&w, type);
	wn_wr_be16(&w, 1);
	if (has) {
		wn_wr_be16(&w, 0xc00c);
		wn_wr_be16(&w, type);
		wn_wr_be16(&w, 1);
		wn_wr_be32(&w, 60);
		put_rdata(&w, e);
	}
	assert(!w.bad);
	/* The header of an answer and then nothing of what it promises. */
	return e->how == DNS_GARBAGE ? 20 : w.pos;
}

void dns_server_open(struct dns_server *s, const struct dns_entry *zone, size_t count)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int rc;

	*s = (struct dns_server){.zone = zone, .count = count};
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert(s->fd >= 0);
	rc = bind(s->fd, (struct sockaddr *)&at, sizeof(at));
	assert(rc == 0);
	rc = getsockname(s->fd, (struct sockaddr *)&at, &len);
	assert(rc == 0);
	snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", ntohs(at.sin_port));
}

void dns_server_close(struct dns_server *s)
{
	close(s->fd);
}

void dns_server_answer(struct dns_server *s)
{
	uint8_t in[512], out[1500];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(s->fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);
	const struct dns_entry *e;
	uint16_t id, type;
	char name[256];
	struct wn_rd r;
	size_t len;

	assert(n > 12);
	s->questions++;
	wn_rd_init(&r, in, (size_t)n);
	id = wn_rd_be16(&r);
	wn_rd_skip(&r, 10);
	get_name(&r, name, sizeof(name));
	type = wn_rd_be16(&r);
	assert(!r.bad);
	e = find(s, name, type);
	if (e->how == DNS_SILENT)
		return;
	len = compose(out, sizeof(out), id, name, e, type);
	n = sendto(s->fd, out, len, 0, (struct sockaddr *)&from, from_len);
	assert(n == (ssize_t)len);
}
