/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests are built and answers are read in one fixed buffer. Lengths in answers are checked
 * against what was received, as if the kernel were a stranger: the same code reads what
 * multicast groups deliver, where truncation is normal.
 */
#include "os/linux/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_TRIES 16 /* messages looked at for the one with our sequence number */
#define SEQUENCE     1

void *wn_nl_request(struct wn_nl_buf *b, uint16_t type, size_t body_len)
{
	struct nlmsghdr *h = (struct nlmsghdr *)b->bytes;

	memset(b->bytes, 0, NLMSG_SPACE(body_len));
	h->nlmsg_len = (uint32_t)NLMSG_LENGTH(body_len);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = SEQUENCE;
	return NLMSG_DATA(h);
}

void wn_nl_add(struct wn_nl_buf *b, uint16_t type, const void *data, size_t len)
{
	struct nlmsghdr *h = (struct nlmsghdr *)b->bytes;
	struct rtattr at = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};
	size_t pos = NLMSG_ALIGN(h->nlmsg_len);

	memset(b->bytes + pos, 0, RTA_SPACE(len));
	memcpy(b->bytes + pos, &at, sizeof(at));
	memcpy(b->bytes + pos + RTA_LENGTH(0), data, len);
	h->nlmsg_len = (uint32_t)(pos + RTA_SPACE(len));
}

const struct nlmsghdr *wn_nl_message(const struct wn_nl_buf *b, size_t len, size_t body_len)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)b->bytes;

	if (len < sizeof(*h) || h->nlmsg_len > len || h->nlmsg_len < NLMSG_LENGTH(body_len))
		return NULL;
	return h;
}

/* 0: the answer is in b. EAGAIN: this message is not for us. Else the kernel's refusal. */
static int judge(const struct wn_nl_buf *b, size_t len)
{
	const struct nlmsghdr *h = wn_nl_message(b, len, 0);
	const struct nlmsgerr *refusal;

	if (!h)
		return EPROTO;
	if (h->nlmsg_seq != SEQUENCE)
		return EAGAIN;
	if (h->nlmsg_type != NLMSG_ERROR)
		return 0;
	if (!wn_nl_message(b, len, sizeof(*refusal)))
		return EPROTO;
	refusal = (const struct nlmsgerr *)NLMSG_DATA(h);
	return refusal->error < 0 ? -refusal->error : EPROTO;
}

static int exchange(int fd, struct wn_nl_buf *b)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK}, from;
	const struct nlmsghdr *h = (const struct nlmsghdr *)b->bytes;

	if (sendto(fd, b->bytes, h->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return errno;
	for (int i = 0; i < ANSWER_TRIES; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t n;
		int sys;

		memset(&from, 0, sizeof(from));
		n = recvfrom(
			fd, b->bytes, sizeof(b->bytes), 0, (struct sockaddr *)&from, &from_len);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n < 0 || from.nl_pid != 0) /* only the kernel speaks for the kernel */
			continue;
		sys = judge(b, (size_t)n);
		if (sys != EAGAIN)
			return sys;
	}
	return EPROTO;
}

int wn_nl_ask_by(int *fd, struct wn_nl_buf *b)
{
	int sys;

	if (*fd < 0)
		*fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (*fd < 0)
		return errno;
	sys = exchange(*fd, b);
	if (sys == 0)
		return 0;
	/* An answer that comes late after all must not be the next one's. */
	close(*fd);
	*fd = -1;
	return sys;
}

int wn_nl_ask(struct wn_nl_buf *b)
{
	int fd = -1, sys = wn_nl_ask_by(&fd, b);

	if (fd >= 0)
		close(fd);
	return sys;
}

const struct rtattr *wn_nl_next(
	const struct nlmsghdr *msg, size_t body_len, const struct rtattr *at)
{
	const uint8_t *end = (const uint8_t *)msg + msg->nlmsg_len;
	const uint8_t *pos = (const uint8_t *)msg + NLMSG_SPACE(body_len);

	if (at)
		pos = (const uint8_t *)at + RTA_ALIGN(at->rta_len);
	if (pos > end || (size_t)(end - pos) < sizeof(*at))
		return NULL;
	at = (const struct rtattr *)pos;
	if (at->rta_len < sizeof(*at) || at->rta_len > (size_t)(end - pos))
		return NULL;
	return at;
}

const void *wn_nl_data(const struct rtattr *at, size_t *out_len)
{
	*out_len = at->rta_len - RTA_LENGTH(0);
	return (const uint8_t *)at + RTA_LENGTH(0);
}

uint32_t wn_nl_u32(const struct rtattr *at)
{
	size_t len;
	const void *data = wn_nl_data(at, &len);
	uint32_t v = 0;

	if (len == sizeof(v))
		memcpy(&v, data, sizeof(v));
	return v;
}

struct wn_addr wn_nl_addr(const struct rtattr *at)
{
	struct wn_addr none = {0};
	size_t len;
	const void *data = wn_nl_data(at, &len);

	if (len != 4 && len != 16)
		return none;
	return wn_addr_from_bytes(len == 4 ? 4 : 6, data);
}

void wn_nl_name(const struct rtattr *at, char *out, size_t size)
{
	size_t len;
	const char *data = wn_nl_data(at, &len);

	len = strnlen(data, len < size - 1 ? len : size - 1);
	memcpy(out, data, len);
	out[len] = '\0';
}
