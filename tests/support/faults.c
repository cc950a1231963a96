/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#define NS_PER_S   1000000000
#define TIMERS_MAX 64

/* Globals, as the calls they stand before have no other place; only tests may have them. */
static struct {
	int sys;
	unsigned after, count;
} plan[FAULT_CALLS];
static unsigned long hits;
static int64_t wall_ns, mono_ns; /* by which clocks are ahead */
static struct {
	int fd; /* -1 none */
	int64_t at_ns;
} timers[TIMERS_MAX];
static unsigned timer_count;

int __real_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __real_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __real_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags);
ssize_t __real_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
	socklen_t addr_len);
int __real_recvmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags, struct timespec *timeout);
ssize_t __real_recvfrom(
	int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len);
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int __real_timerfd_create(clockid_t clock, int flags);
int __real_timerfd_settime(
	int fd, int flags, const struct itimerspec *spec, struct itimerspec *old);
int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __real_open64(const char *path, int flags, ...);

int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags);
ssize_t __wrap_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
	socklen_t addr_len);
int __wrap_recvmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags, struct timespec *timeout);
ssize_t __wrap_recvfrom(
	int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int __wrap_timerfd_create(clockid_t clock, int flags);
int __wrap_timerfd_settime(
	int fd, int flags, const struct itimerspec *spec, struct itimerspec *old);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_open64(const char *path, int flags, ...);

/* ---- calls ---- */

void fault_set(enum fault_call call, int sys, unsigned after, unsigned count)
{
	plan[call].sys = sys;
	plan[call].after = after;
	plan[call].count = count;
}

void fault_clear(void)
{
	memset(plan, 0, sizeof(plan));
}

unsigned long fault_hits(void)
{
	return hits;
}

static bool fails(enum fault_call call)
{
	if (plan[call].count == 0)
		return false;
	if (plan[call].after > 0) {
		plan[call].after--;
		return false;
	}
	if (plan[call].count != FAULT_ALWAYS)
		plan[call].count--;
	hits++;
	errno = plan[call].sys;
	return true;
}

int __wrap_socket(int domain, int type, int protocol)
{
	return fails(FAULT_SOCKET) ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return fails(FAULT_BIND) ? -1 : __real_bind(fd, addr, len);
}

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return fails(FAULT_CONNECT) ? -1 : __real_connect(fd, addr, len);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return fails(FAULT_SETSOCKOPT) ? -1 : __real_setsockopt(fd, level, name, value, len);
}

int __wrap_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags)
{
	if (fails(FAULT_SEND)) {
		/* The call says how far it came; the next one will say why not farther. */
		if (n > 1 && plan[FAULT_SEND].count % 2 == 0)
			return __real_sendmmsg(fd, msg, n / 2, flags);
		return -1;
	}
	return __real_sendmmsg(fd, msg, n, flags);
}

ssize_t __wrap_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
	socklen_t addr_len)
{
	return fails(FAULT_ASK) ? -1 : __real_sendto(fd, buf, len, flags, addr, addr_len);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags, struct timespec *timeout)
{
	return fails(FAULT_RECEIVE) ? -1 : __real_recvmmsg(fd, msg, n, flags, timeout);
}

ssize_t __wrap_recvfrom(
	int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len)
{
	return fails(FAULT_ASK) ? -1 : __real_recvfrom(fd, buf, len, flags, addr, addr_len);
}

int __wrap_epoll_create1(int flags)
{
	return fails(FAULT_EPOLL_CREATE) ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	return op != EPOLL_CTL_DEL && fails(FAULT_EPOLL_CTL) ? -1
							     : __real_epoll_ctl(epfd, op, fd, ev);
}

int __wrap_timerfd_create(clockid_t clock, int flags)
{
	return fails(FAULT_TIMER_CREATE) ? -1 : __real_timerfd_create(clock, flags);
}

int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if (flags & O_CREAT) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return fails(FAULT_OPEN) ? -1 : __real_open64(path, flags, mode);
}

/* ---- clocks ---- */

static int64_t to_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * NS_PER_S + ts->tv_nsec;
}

static struct timespec from_ns(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	int rc = __real_clock_gettime(clock, ts);

	if (clock == CLOCK_REALTIME)
		*ts = from_ns(to_ns(ts) + wall_ns);
	else if (clock == CLOCK_MONOTONIC)
		*ts = from_ns(to_ns(ts) + mono_ns);
	return rc;
}

static int set_timer(int fd, int64_t at_ns)
{
	struct itimerspec spec = {0};

	/* What is past by now, and what would disarm, is the first instant. */
	if (at_ns != 0)
		spec.it_value = from_ns(at_ns - mono_ns > 0 ? at_ns - mono_ns : 1);
	return __real_timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* All of ours are absolute and without interval. A descriptor that is used again is set again. */
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *spec, struct itimerspec *old)
{
	unsigned i = 0;

	(void)flags;
	(void)old;
	while (i < timer_count && timers[i].fd != fd)
		i++;
	if (i == TIMERS_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if (i == timer_count)
		timer_count++;
	timers[i].fd = fd;
	timers[i].at_ns = to_ns(&spec->it_value);
	return set_timer(fd, timers[i].at_ns);
}

void fault_jump_wall(int64_t ns)
{
	wall_ns += ns;
}

void fault_jump_mono(uint64_t ns)
{
	mono_ns += (int64_t)ns;
	for (unsigned i = 0; i < timer_count; i++)
		(void)set_timer(timers[i].fd, timers[i].at_ns); /* one that is closed fails */
}
