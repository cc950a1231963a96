/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares behind one descriptor. Two clocks bound every question: the tries of c-ares, and our
 * own deadline, which holds even if c-ares or a server does something unforeseen. A question whose
 * asker was told at the deadline stays in the list, silent, until c-ares lets go of it.
 *
 * c-ares may answer within the call that asks (hosts file). Answers are therefore only noted in
 * its callbacks and handed out by wn_dns_process and wn_dns_free.
 */
#include "enrich/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "enrich/hosts.h"
#include "os/os.h"
#include "os/pollset.h"

#define TIMEOUT_NS    3000000000ull
#define TRIES	      2
#define TRY_LEAST_MS  50
#define QUERIES_MAX   1024
#define SOCKETS_MAX   64
#define ADDRS_MAX     16
#define NAME_BYTES    256
#define ROUNDS_MAX    (4 * QUERIES_MAX)
#define NS_PER_MS     1000000ull
#define NS_PER_S      1000000000ull
#define HOSTS_PATH    "/etc/hosts"
#define WHY_NO_ANSWER "no DNS server answers"

struct waiter {
	struct waiter *next;
	wn_dns_ptr_cb *ptr_cb; /* one of the two */
	wn_dns_addr_cb *addr_cb;
	void *user;
};

struct query {
	struct query *next;
	struct wn_dns *dns;
	struct waiter *waiters; /* owned, in order of asking; NULL once told */
	struct wn_addr addr;	/* PTR: of what; else family 0 */
	uint64_t deadline_ns;
	bool released; /* c-ares is done with it */
	bool told;
	wn_err err;
	const char *why;
	char name[NAME_BYTES];
	struct wn_addr addrs[ADDRS_MAX];
	size_t addr_count;
};

struct socket_watch {
	ares_socket_t fd;
	bool reading, writing;
};

struct wn_dns {
	ares_channel channel;
	struct wn_hosts hosts;
	struct wn_pollset poll;
	uint64_t timeout_ns;
	struct query *queries;
	size_t query_count, pending;
	struct socket_watch sockets[SOCKETS_MAX];
	size_t socket_count;
	bool freeing;
};

/* What a c-ares status means for who asked. */
static void note_status(struct query *q, int status)
{
	static const struct {
		int status;
		wn_err err;
		const char *why;
	} meanings[] = {
		{ARES_SUCCESS, WN_OK, ""},
		{ARES_ENOTFOUND, WN_ENOENT, "no such name"},
		{ARES_ENODATA, WN_ENOENT, "the name has no such address"},
		{ARES_ETIMEOUT, WN_ERESOLVE, WHY_NO_ANSWER},
		/* Older c-ares also says this when every server answered SERVFAIL or REFUSED. */
		{ARES_ECONNREFUSED, WN_ERESOLVE,
			"the DNS server failed to answer (SERVFAIL or refused)"},
		{ARES_ESERVFAIL, WN_ERESOLVE, "the DNS server failed to answer (SERVFAIL)"},
		{ARES_EREFUSED, WN_ERESOLVE, "the DNS server refused to answer (REFUSED)"},
		{ARES_EDESTRUCTION, WN_ECANCELED, "canceled"},
		{ARES_ECANCELLED, WN_ECANCELED, "canceled"},
		{ARES_ENOMEM, WN_ENOMEM, "out of memory"},
	};

	q->err = WN_ERESOLVE;
	q->why = "the DNS server's answer makes no sense";
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].status == status) {
			q->err = meanings[i].err;
			q->why = meanings[i].why;
		}
	}
}

static void wake(struct wn_dns *d)
{
	wn_pollset_arm(&d->poll, 0);
}

static void take_name(struct query *q, const char *name)
{
	struct wn_addr numeric;

	/* A name that is an address would be believed to be one. */
	if (!name || strlen(name) >= sizeof(q->name) || wn_addr_parse(name, &numeric) == WN_OK)
		note_status(q, ARES_EBADRESP);
	else
		memcpy(q->name, name, strlen(name) + 1);
}

static void on_ptr(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct query *q = arg;
	struct hostent *host = NULL;
	bool v4 = q->addr.family == 4;

	(void)timeouts;
	q->released = true;
	wake(q->dns);
	if (q->told)
		return;
	if (status == ARES_SUCCESS)
		status = ares_parse_ptr_reply(
			answer, len, q->addr.bytes, v4 ? 4 : 16, v4 ? AF_INET : AF_INET6, &host);
	note_status(q, status);
	if (q->err == WN_OK)
		take_name(q, host ? host->h_name : NULL);
	if (host)
		ares_free_hostent(host);
}

static void add_node(struct query *q, const struct ares_addrinfo_node *node)
{
	struct wn_addr a;

	if (q->addr_count == ADDRS_MAX)
		return;
	if (node->ai_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)node->ai_addr;

		a = wn_addr_from_bytes(4, (const uint8_t *)&in->sin_addr);
	} else if (node->ai_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)node->ai_addr;

		a = wn_addr_from_bytes(6, in6->sin6_addr.s6_addr);
	} else {
		return;
	}
	for (size_t i = 0; i < q->addr_count; i++)
		if (wn_addr_eq(&q->addrs[i], &a))
			return;
	q->addrs[q->addr_count++] = a;
}

static void on_addrs(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct query *q = arg;

	(void)timeouts;
	q->released = true;
	wake(q->dns);
	if (!q->told) {
		note_status(q, status);
		for (const struct ares_addrinfo_node *n = info ? info->nodes : NULL; n;
			n = n->ai_next)
			add_node(q, n);
		if (q->err == WN_OK && q->addr_count == 0)
			note_status(q, ARES_ENODATA);
	}
	if (info)
		ares_freeaddrinfo(info);
}

static struct socket_watch *socket_find(struct wn_dns *d, ares_socket_t fd)
{
	for (size_t i = 0; i < d->socket_count; i++)
		if (d->sockets[i].fd == fd)
			return &d->sockets[i];
	return NULL;
}

/* c-ares tells what it wants of a socket; both false: it is about to close it. */
static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
	struct wn_dns *d = data;
	struct socket_watch *s = socket_find(d, fd);

	if (!readable && !writable) {
		if (s) {
			wn_pollset_unwatch(&d->poll, fd);
			*s = d->sockets[--d->socket_count];
		}
		return;
	}
	if (!s) {
		/* Beyond the bound a server is not heard, which its deadline ends. */
		if (d->socket_count == SOCKETS_MAX)
			return;
		s = &d->sockets[d->socket_count++];
		s->fd = fd;
	}
	s->reading = readable;
	s->writing = writable;
	wn_pollset_watch(&d->poll, fd, writable);
}

static wn_err open_channel(
	struct wn_dns *d, const char *servers, uint64_t try_ms, struct wn_errctx *ctx)
{
	char lookups[] = "fb"; /* hosts file, then DNS */
	struct ares_options options = {
		/* No file named by the environment is read: we may be privileged. */
		.flags = ARES_FLAG_NOALIASES,
		.timeout = (int)(try_ms < INT32_MAX ? try_ms : INT32_MAX),
		.tries = TRIES,
		.lookups = lookups,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = d,
	};
	int rc = ares_init_options(&d->channel, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
			ARES_OPT_SOCK_STATE_CB);

	if (rc != ARES_SUCCESS)
		return wn_fail(ctx, rc == ARES_ENOMEM ? WN_ENOMEM : WN_ESYS,
			"cannot set up name lookups: %s", ares_strerror(rc));
	if (servers && ares_set_servers_ports_csv(d->channel, servers) != ARES_SUCCESS) {
		ares_destroy(d->channel);
		return wn_fail(ctx, WN_EINVAL, "not addresses of DNS servers: %s", servers);
	}
	return WN_OK;
}

static unsigned count_servers(struct wn_dns *d)
{
	struct ares_addr_port_node *list = NULL;
	unsigned count = 0;

	if (ares_get_servers_ports(d->channel, &list) == ARES_SUCCESS)
		for (const struct ares_addr_port_node *n = list; n; n = n->next)
			count++;
	if (list)
		ares_free_data(list);
	return count ? count : 1;
}

/*
 * c-ares asks each server, then each again with twice the patience: 3 * servers * try_ms in all,
 * which should end a little before our own deadline so that its reason reaches the user.
 */
static wn_err open_tuned(struct wn_dns *d, const char *servers, struct wn_errctx *ctx)
{
	wn_err err = open_channel(d, servers, TRY_LEAST_MS, ctx);
	uint64_t try_ms;

	if (err != WN_OK)
		return err;
	try_ms = d->timeout_ns / NS_PER_MS * 9 / 10 / (3 * count_servers(d));
	ares_destroy(d->channel);
	if (try_ms < TRY_LEAST_MS)
		try_ms = TRY_LEAST_MS;
	return open_channel(d, servers, try_ms, ctx);
}

wn_err wn_dns_new(const struct wn_dns_config *c, struct wn_dns **out, struct wn_errctx *ctx)
{
	struct wn_dns *d = wn_calloc(1, sizeof(*d));
	wn_err err;

	if (!d)
		return wn_fail(ctx, WN_ENOMEM, "out of memory");
	d->timeout_ns = c->timeout_ns ? c->timeout_ns : TIMEOUT_NS;
	err = wn_pollset_init(&d->poll, ctx);
	if (err != WN_OK)
		goto fail_poll;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		err = wn_fail(ctx, WN_ESYS, "cannot set up name lookups");
		goto fail_library;
	}
	err = open_tuned(d, c->servers, ctx);
	if (err != WN_OK)
		goto fail_channel;
	wn_hosts_load(&d->hosts, HOSTS_PATH);
	*out = d;
	return WN_OK;
fail_channel:
	ares_library_cleanup();
fail_library:
	wn_pollset_fini(&d->poll);
fail_poll:
	wn_free(d);
	return err;
}

static void tell(struct query *q)
{
	struct waiter *w = q->waiters, *next;
	struct wn_dns *d = q->dns;

	q->told = true;
	q->waiters = NULL;
	for (; w; w = next) {
		next = w->next;
		d->pending--;
		if (w->ptr_cb)
			w->ptr_cb(w->user, &q->addr, q->err == WN_OK ? q->name : "", q->err);
		else
			w->addr_cb(w->user, q->addrs, q->err == WN_OK ? q->addr_count : 0, q->err,
				q->why);
		wn_free(w);
	}
}

static void drop(struct wn_dns *d, struct query *q)
{
	struct query **at = &d->queries;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	d->query_count--;
	wn_free(q);
}

void wn_dns_free(struct wn_dns *d)
{
	if (!d)
		return;
	d->freeing = true;
	ares_destroy(d->channel);
	while (d->queries) {
		struct query *q = d->queries;

		assert(q->released);
		if (!q->told) {
			note_status(q, ARES_EDESTRUCTION);
			tell(q);
		}
		drop(d, q);
	}
	ares_library_cleanup();
	wn_hosts_free(&d->hosts);
	wn_pollset_fini(&d->poll);
	wn_free(d);
}

int wn_dns_fd(const struct wn_dns *d)
{
	return d->poll.fd;
}

size_t wn_dns_pending(const struct wn_dns *d)
{
	return d->pending;
}

static void arm(struct wn_dns *d)
{
	struct timeval tv;
	uint64_t now_ns = wn_os_mono_ns(), at_ns = UINT64_MAX;

	if (ares_timeout(d->channel, NULL, &tv))
		at_ns = now_ns + (uint64_t)tv.tv_sec * NS_PER_S + (uint64_t)tv.tv_usec * 1000;
	for (const struct query *q = d->queries; q; q = q->next) {
		if (q->released)
			at_ns = 0; /* to be told or dropped */
		else if (!q->told && q->deadline_ns < at_ns)
			at_ns = q->deadline_ns;
	}
	wn_pollset_arm(&d->poll, at_ns);
}

/* Lets c-ares read and write where that does not block, then look at its clock. */
static void process_sockets(struct wn_dns *d)
{
	struct pollfd fds[SOCKETS_MAX];
	size_t n = d->socket_count;

	for (size_t i = 0; i < n; i++) {
		fds[i].fd = d->sockets[i].fd;
		fds[i].events = (short)((d->sockets[i].reading ? POLLIN : 0) |
					(d->sockets[i].writing ? POLLOUT : 0));
		fds[i].revents = 0;
	}
	if (n > 0 && poll(fds, n, 0) > 0) {
		for (size_t i = 0; i < n; i++) {
			short r = fds[i].revents;

			/* An earlier one may have made c-ares close this one. */
			if (!r || !socket_find(d, fds[i].fd))
				continue;
			ares_process_fd(d->channel,
				r & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd : ARES_SOCKET_BAD,
				r & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
		}
	}
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* The first query with something to hand out or give up; NULL when there is none. */
static struct query *find_due(struct wn_dns *d, uint64_t now_ns)
{
	for (struct query *q = d->queries; q; q = q->next)
		if (q->released || (!q->told && q->deadline_ns <= now_ns))
			return q;
	return NULL;
}

void wn_dns_process(struct wn_dns *d)
{
	uint64_t now_ns;
	struct query *q;

	process_sockets(d);
	now_ns = wn_os_mono_ns();
	/* Those told may ask again at once; the bound keeps even a foolish asker from a spin. */
	for (int rounds = 0; rounds < ROUNDS_MAX && (q = find_due(d, now_ns)); rounds++) {
		if (!q->released)
			note_status(q, ARES_ETIMEOUT);
		if (!q->told)
			tell(q);
		if (q->released)
			drop(d, q);
	}
	arm(d);
}

static struct query *query_new(struct wn_dns *d)
{
	struct query *q, **tail;

	if (d->query_count >= QUERIES_MAX || !(q = wn_calloc(1, sizeof(*q))))
		return NULL;
	q->dns = d;
	q->why = "";
	q->deadline_ns = wn_os_mono_ns() + d->timeout_ns;
	for (tail = &d->queries; *tail; tail = &(*tail)->next)
		;
	*tail = q;
	d->query_count++;
	return q;
}

/* Adds who asks to q; a fresh q that nobody could be added to is taken back. */
static wn_err add_waiter(struct query *q, const struct waiter *like)
{
	struct waiter *w = wn_malloc(sizeof(*w)), **tail;

	if (!w) {
		if (!q->waiters)
			drop(q->dns, q);
		return WN_ENOMEM;
	}
	*w = *like;
	for (tail = &q->waiters; *tail; tail = &(*tail)->next)
		;
	*tail = w;
	q->dns->pending++;
	return WN_OK;
}

/* The name under which an address stands in DNS: RFC 1035 3.5, RFC 3596 2.5. */
static void ptr_name(const struct wn_addr *a, char *out, size_t size)
{
	size_t at = 0;

	if (a->family == 4) {
		wn_fmt(out, size, "%u.%u.%u.%u.in-addr.arpa", a->bytes[3], a->bytes[2], a->bytes[1],
			a->bytes[0]);
		return;
	}
	for (int i = 15; i >= 0; i--)
		at += wn_fmt(out + at, size - at, "%x.%x.", a->bytes[i] & 15u, a->bytes[i] >> 4u);
	wn_fmt(out + at, size - at, "ip6.arpa");
}

static void ask_ptr(struct wn_dns *d, struct query *q)
{
	const char *known = wn_hosts_name(&d->hosts, &q->addr);
	char name[80];

	if (known) {
		q->released = true;
		note_status(q, ARES_SUCCESS);
		take_name(q, known);
		return;
	}
	ptr_name(&q->addr, name, sizeof(name));
	ares_query(d->channel, name, ns_c_in, ns_t_ptr, on_ptr, q);
}

wn_err wn_dns_reverse(struct wn_dns *d, const struct wn_addr *addr, wn_dns_ptr_cb *cb, void *user)
{
	struct waiter w = {.ptr_cb = cb, .user = user};
	struct query *q;
	wn_err err;

	assert(addr->family == 4 || addr->family == 6);
	if (d->freeing)
		return WN_ECANCELED;
	if (d->pending >= QUERIES_MAX)
		return WN_EFULL;
	for (q = d->queries; q; q = q->next)
		if (!q->told && wn_addr_eq(&q->addr, addr))
			return add_waiter(q, &w);
	q = query_new(d);
	if (!q)
		return d->query_count >= QUERIES_MAX ? WN_EFULL : WN_ENOMEM;
	q->addr = *addr;
	err = add_waiter(q, &w);
	if (err != WN_OK)
		return err;
	ask_ptr(d, q);
	arm(d);
	return WN_OK;
}

wn_err wn_dns_resolve(
	struct wn_dns *d, const char *host, uint8_t family, wn_dns_addr_cb *cb, void *user)
{
	struct waiter w = {.addr_cb = cb, .user = user};
	struct ares_addrinfo_hints hints = {.ai_socktype = SOCK_DGRAM};
	struct query *q;
	wn_err err;

	if (d->freeing)
		return WN_ECANCELED;
	q = query_new(d);
	if (!q)
		return d->query_count >= QUERIES_MAX ? WN_EFULL : WN_ENOMEM;
	err = add_waiter(q, &w);
	if (err != WN_OK)
		return err;
	hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
	ares_getaddrinfo(d->channel, host, NULL, &hints, on_addrs, q);
	arm(d);
	return WN_OK;
}
