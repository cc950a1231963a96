/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rusage FILE SECONDS PROGRAM ARG... : runs a program and writes what it cost to FILE, one line:
 * wall ns, user us, system us, peak RSS KiB, exit code (128 + signal when killed, 256 when
 * stopped by us after SECONDS).
 *
 * It exists because a peak RSS is inherited through fork and exec: measured from Python, every
 * small program would weigh as much as Python.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t child, stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
	kill((pid_t)-child, SIGKILL);
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static long long us(struct timeval t)
{
	return t.tv_sec * 1000000ll + t.tv_usec;
}

static int code(int status)
{
	if (stopped)
		return 256;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct rusage cost;
	long long start, wall;
	int status = 0;
	FILE *out;

	if (argc < 4)
		return 2;
	signal(SIGALRM, stop);
	start = now_ns();
	child = fork();
	if (child < 0)
		return 2;
	if (child == 0) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	alarm((unsigned)atoi(argv[2]));
	while (wait4(child, &status, 0, &cost) < 0 && errno == EINTR)
		;
	wall = now_ns() - start;
	out = fopen(argv[1], "w");
	if (!out)
		return 2;
	fprintf(out, "%lld %lld %lld %ld %d\n", wall, us(cost.ru_utime), us(cost.ru_stime),
		cost.ru_maxrss, code(status));
	return fclose(out) == 0 ? 0 : 2;
}
