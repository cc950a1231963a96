/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet_load [-c COUNT] [-w WINDOW] [-b] [-f] [-t HOPS] [-s] [-r FILE] PROGRAM "ARGUMENTS OF
 * send-probe"
 *
 * Drives a program that speaks mtr-packet's protocol: COUNT probes, at most WINDOW under way, TTLs
 * 1 to HOPS in turn (none: no ttl is given). -b: the next WINDOW only when all are answered. -f:
 * asks for a feature before the first probe, as mtr does. -s: a socket pair as its stdout. -r:
 * writes the RTT of each probe in us (-1: none), one a line.
 *
 * Prints: wall ns, program's CPU us, its peak RSS in KiB, own CPU us, then how many answers were
 * reply, ttl-expired, no-reply, other. Reads and writes are as large as the pipes allow, and lines
 * are neither copied nor kept, so that the program and not this one is what is measured.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { IN_BYTES = 1 << 17, OUT_BYTES = 4096, LINE_BYTES = 300, LIMIT_MS = 30000 };

static struct {
	long count, window, hops, sent, answered;
	int burst, features, sockets;
	const char *rtt_file, *program, *arguments;
	long reply, expired, silent, other;
	long *rtts_us;
} load = {.count = 100000, .window = 900};

static void die(const char *why)
{
	perror(why);
	exit(2);
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static long cpu_us(const struct rusage *used)
{
	return used->ru_utime.tv_sec * 1000000l + used->ru_utime.tv_usec +
	       used->ru_stime.tv_sec * 1000000l + used->ru_stime.tv_usec;
}

static pid_t start(int *to, int *from)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0 ||
		(load.sockets ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out)
			      : pipe2(out, O_CLOEXEC)) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(load.program, load.program, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = out[0];
	fcntl(*to, F_SETFL, O_NONBLOCK);
	return pid;
}

/* How many may be sent now: in lumps, so that a write is worth its system call. */
static long room(void)
{
	long under_way = load.sent - load.answered, left = load.count - load.sent;
	long room = load.window - under_way;

	if (load.burst && under_way)
		return load.sent % load.window ? (left < room ? left : room) : 0;
	if (left <= room)
		return left;
	return room * 16 >= load.window || room >= 32 ? room : 0;
}

static int append(char *at)
{
	long ttl = load.hops ? load.sent % load.hops + 1 : 0;
	int n = sprintf(at, "%ld send-probe %s", load.sent, load.arguments);

	if (ttl)
		n += sprintf(at + n, " ttl %ld", ttl);
	at[n++] = '\n';
	load.sent++;
	return n;
}

/* A pipe that is writable takes PIPE_BUF bytes at once. */
static void feed(int to)
{
	char out[OUT_BYTES];
	int n = 0;

	for (long left = room(); left && n + LINE_BYTES < OUT_BYTES; left--)
		n += append(out + n);
	if (n && write(to, out, (size_t)n) != n)
		die("write");
}

static void take_line(const char *line, const char *end)
{
	char *word;
	long token = strtol(line, &word, 10);
	const char *rtt = NULL;

	word++;
	load.answered++;
	if (!memcmp(word, "reply", 5))
		load.reply++;
	else if (!memcmp(word, "ttl-expired", 11))
		load.expired++;
	else if (!memcmp(word, "no-reply", 8))
		load.silent++;
	else if (load.other++ == 0)
		fprintf(stderr, "%.*s\n", (int)(end - line), line);
	if (!load.rtts_us || token < 0 || token >= load.count)
		return;
	rtt = memmem(line, (size_t)(end - line), "round-trip-time ", 16);
	if (rtt)
		load.rtts_us[token] = strtol(rtt + 16, NULL, 10);
}

/* Returns how much of an unfinished line is left at the front. */
static size_t take(char *in, size_t size)
{
	char *line = in, *end;

	while ((end = memchr(line, '\n', size - (size_t)(line - in)))) {
		take_line(line, end);
		line = end + 1;
	}
	size -= (size_t)(line - in);
	memmove(in, line, size);
	return size;
}

static void ask(int to, int from)
{
	static const char question[] = "1 check-support feature send-probe\n";
	char answer[LINE_BYTES];

	if (write(to, question, sizeof(question) - 1) < 0 ||
		read(from, answer, sizeof(answer)) <= 0)
		die("check-support");
}

static void drive(int to, int from)
{
	static char in[IN_BYTES];
	size_t kept = 0;

	if (load.features)
		ask(to, from);
	while (load.answered < load.count) {
		struct pollfd fds[] = {{from, POLLIN, 0}, {to, room() ? POLLOUT : 0, 0}};
		ssize_t n;

		if (poll(fds, 2, LIMIT_MS) <= 0)
			die("poll");
		if (fds[1].revents & POLLOUT)
			feed(to);
		if (!(fds[0].revents & (POLLIN | POLLHUP)))
			continue;
		n = read(from, in + kept, sizeof(in) - 1 - kept);
		if (n <= 0)
			break;
		kept = take(in, kept + (size_t)n);
	}
}

static void options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:w:bft:sr:")) != -1) {
		if (c == 'c')
			load.count = atol(optarg);
		else if (c == 'w')
			load.window = atol(optarg);
		else if (c == 'b')
			load.burst = 1;
		else if (c == 'f')
			load.features = 1;
		else if (c == 't')
			load.hops = atol(optarg);
		else if (c == 's')
			load.sockets = 1;
		else if (c == 'r')
			load.rtt_file = optarg;
		else
			exit(2);
	}
	if (argc - optind != 2 || load.count <= 0 || load.window <= 0 ||
		strlen(argv[argc - 1]) > 200)
		exit(2);
	load.program = argv[optind];
	load.arguments = argv[optind + 1];
}

static void write_rtts(void)
{
	FILE *out = fopen(load.rtt_file, "w");

	if (!out)
		die(load.rtt_file);
	for (long i = 0; i < load.count; i++)
		fprintf(out, "%ld\n", load.rtts_us[i]);
	fclose(out);
}

int main(int argc, char **argv)
{
	struct rusage program, own;
	long long began, wall;
	int to, from, status;
	pid_t pid;

	options(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (load.rtt_file) {
		load.rtts_us = malloc((size_t)load.count * sizeof(long));
		if (!load.rtts_us)
			die("malloc");
		for (long i = 0; i < load.count; i++)
			load.rtts_us[i] = -1;
	}
	pid = start(&to, &from);
	began = now_ns();
	drive(to, from);
	wall = now_ns() - began;
	close(to);
	if (wait4(pid, &status, 0, &program) < 0)
		die("wait");
	getrusage(RUSAGE_SELF, &own);
	if (load.rtts_us)
		write_rtts();
	printf("%lld %ld %ld %ld %ld %ld %ld %ld\n", wall, cpu_us(&program), program.ru_maxrss,
		cpu_us(&own), load.reply, load.expired, load.silent,
		load.other + load.count - load.answered);
	free(load.rtts_us);
	return 0;
}
