/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll holding the watched descriptors and a timerfd. The invariant: armed_ns is what the
 * timerfd is set to, so that arming the same deadline again costs no system call.
 */
#include "os/pollset.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define READY_MAX 64

wn_err wn_pollset_init(struct wn_pollset *p, struct wn_errctx *ctx)
{
	p->armed_ns = UINT64_MAX;
	p->timer_fd = -1;
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd >= 0)
		p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (p->timer_fd < 0 || wn_pollset_watch(p, p->timer_fd, false) != WN_OK) {
		int sys = errno;

		wn_pollset_fini(p);
		return wn_fail_sys(ctx, WN_ESYS, sys, "cannot create an event queue");
	}
	return WN_OK;
}

void wn_pollset_fini(struct wn_pollset *p)
{
	if (p->timer_fd >= 0)
		close(p->timer_fd);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = p->timer_fd = -1;
}

static wn_err watch(struct wn_pollset *p, int fd, struct epoll_event ev)
{
	if (epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return WN_OK;
	if (errno == EEXIST && epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &ev) == 0)
		return WN_OK;
	return WN_ESYS;
}

wn_err wn_pollset_watch(struct wn_pollset *p, int fd, bool writing)
{
	return watch(p, fd, (struct epoll_event){.events = EPOLLIN | (writing ? EPOLLOUT : 0u)});
}

wn_err wn_pollset_watch_for(struct wn_pollset *p, int fd, void *whose)
{
	return watch(p, fd, (struct epoll_event){.events = EPOLLIN, .data.ptr = whose});
}

size_t wn_pollset_ready(struct wn_pollset *p, void **out, size_t n)
{
	struct epoll_event ev[READY_MAX];
	int count = epoll_wait(p->fd, ev, n < READY_MAX ? (int)n : READY_MAX, 0);

	for (int i = 0; i < count; i++)
		out[i] = ev[i].data.ptr;
	return count > 0 ? (size_t)count : 0;
}

void wn_pollset_unwatch(struct wn_pollset *p, int fd)
{
	epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
}

wn_err wn_pollset_arm(struct wn_pollset *p, uint64_t at_ns)
{
	struct itimerspec spec = {0};

	if (at_ns == p->armed_ns)
		return WN_OK;
	if (at_ns != UINT64_MAX) {
		/* An all-zero value would disarm: a deadline long past becomes the first instant.
		 */
		spec.it_value.tv_sec = (time_t)(at_ns / 1000000000u);
		spec.it_value.tv_nsec = (long)(at_ns % 1000000000u);
		if (at_ns == 0)
			spec.it_value.tv_nsec = 1;
	}
	if (timerfd_settime(p->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
		return WN_ESYS;
	p->armed_ns = at_ns;
	return WN_OK;
}

wn_err wn_pollset_wait(struct wn_pollset *p)
{
	struct epoll_event ev;

	if (epoll_wait(p->fd, &ev, 1, -1) < 0 && errno != EINTR)
		return WN_ESYS;
	return WN_OK;
}
