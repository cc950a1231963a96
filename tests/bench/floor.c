/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor ADDRESS TARGETS HOPS COUNT WINDOW : what the packets alone cost, whoever sends them. ICMP
 * echoes to TARGETS addresses from ADDRESS (IPv4) on, TTLs 1 to HOPS in turn to each, in batches as
 * large as WINDOW under way allows. Nothing is remembered, matched or stamped: no program that asks
 * for answers to these probes through the same calls can be faster.
 *
 * Prints: wall ns, CPU us, answers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, PACKET = 60, QUIET_MS = 1000, BUFFER = 1 << 26 };

struct batch {
	struct mmsghdr msg[BATCH];
	struct iovec part[BATCH];
	struct sockaddr_in to[BATCH];
	unsigned char bytes[BATCH][512];
};

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static unsigned short checksum(const void *data, size_t len)
{
	const unsigned short *word = data;
	unsigned sum = 0;

	for (; len > 1; len -= 2)
		sum += *word++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned short)~sum;
}

static void prepare(struct batch *b, size_t len)
{
	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < BATCH; i++) {
		b->part[i] = (struct iovec){b->bytes[i], len};
		b->msg[i].msg_hdr.msg_iov = &b->part[i];
		b->msg[i].msg_hdr.msg_iovlen = 1;
	}
}

static void build(struct batch *b, unsigned at, struct in_addr to, unsigned ttl, long number)
{
	struct iphdr *ip = (struct iphdr *)b->bytes[at];
	struct icmphdr *icmp = (struct icmphdr *)(b->bytes[at] + sizeof(*ip));

	*ip = (struct iphdr){.version = 4,
		.ihl = 5,
		.tot_len = htons(PACKET),
		.ttl = (unsigned char)ttl,
		.protocol = IPPROTO_ICMP,
		.daddr = to.s_addr};
	memset(icmp, 0, PACKET - sizeof(*ip));
	icmp->type = ICMP_ECHO;
	icmp->un.echo.id = htons(1);
	icmp->un.echo.sequence = htons((unsigned short)number);
	icmp->checksum = checksum(icmp, PACKET - sizeof(*ip));
	b->to[at] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = to};
	b->msg[at].msg_hdr.msg_name = &b->to[at];
	b->msg[at].msg_hdr.msg_namelen = sizeof(b->to[at]);
}

static int open_socket(int protocol)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, protocol), size = BUFFER;

	if (fd < 0) {
		perror("floor: socket");
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static void send_all(int fd, struct batch *b, unsigned count)
{
	for (unsigned done = 0; done < count;) {
		int n = sendmmsg(fd, b->msg + done, count - done, 0);

		if (n > 0)
			done += (unsigned)n;
		else if (errno != EAGAIN && errno != ENOBUFS) {
			perror("floor: sendmmsg");
			exit(1);
		}
	}
}

/* Of whatever there is, or comes within that time. */
static long take(int fd, struct batch *b, int wait_ms)
{
	struct pollfd watched = {.fd = fd, .events = POLLIN};
	long got = 0;
	int n;

	if (wait_ms > 0)
		poll(&watched, 1, wait_ms);
	while ((n = recvmmsg(fd, b->msg, BATCH, MSG_DONTWAIT, NULL)) > 0)
		got += n;
	return got;
}

int main(int argc, char **argv)
{
	static struct batch out, in;
	struct in_addr first;
	struct rusage used;
	long targets, hops, count, window, sent = 0, got = 0, news = 1;
	long long began;
	int in_fd, out_fd;

	if (argc != 6 || inet_pton(AF_INET, argv[1], &first) != 1)
		return 2;
	targets = atol(argv[2]);
	hops = atol(argv[3]);
	count = atol(argv[4]);
	window = atol(argv[5]);
	if (targets < 1 || hops < 1 || window < 1)
		return 2;
	in_fd = open_socket(IPPROTO_ICMP);
	out_fd = open_socket(IPPROTO_RAW);
	prepare(&out, PACKET);
	prepare(&in, sizeof(in.bytes[0]));
	began = now_ns();
	while (got < count && (sent < count || news > 0)) {
		unsigned n = 0;

		for (; n < BATCH && sent < count && sent - got < window; n++, sent++) {
			long which = sent / hops % targets;
			struct in_addr to = {htonl(ntohl(first.s_addr) + (unsigned)which)};

			build(&out, n, to, (unsigned)(sent % hops + 1), sent);
		}
		send_all(out_fd, &out, n);
		news = take(in_fd, &in, n > 0 ? 0 : QUIET_MS);
		got += news;
		if (n == 0 && news == 0)
			break; /* the rest is lost */
	}
	getrusage(RUSAGE_SELF, &used);
	printf("%lld %lld %ld\n", now_ns() - began,
		(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000ll + used.ru_utime.tv_usec +
			used.ru_stime.tv_usec,
		got);
	close(in_fd);
	close(out_fd);
	return 0;
}
