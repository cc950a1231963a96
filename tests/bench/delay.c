/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delay DEVICE MICROSECONDS : a TUN device behind which every IPv4 echo request is answered after
 * this time. Says "ready" when it is there, and ends when its input does.
 *
 * Answers wait in a ring in the order in which they came, which is the order in which they are due.
 * It polls without sleeping while some are due within a millisecond, for timers are not that exact.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1 << 17, PACKET_BYTES = 256, LUMP = 64, SOON_NS = 1000000 };

struct slot {
	int64_t due_ns;
	uint32_t bytes;
	uint8_t packet[PACKET_BYTES];
};

static struct slot *ring;
static uint32_t head, tail; /* next to come, next to go */
static unsigned long lost;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int open_tun(const char *name)
{
	struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	strncpy(req.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &req) < 0) {
		perror("tun");
		exit(2);
	}
	return fd;
}

/* Swaps the addresses and turns the type; both checksums follow (RFC 1624: 8 << 8 less). */
static int answer(uint8_t *p, size_t size)
{
	uint8_t address[4];
	uint32_t sum;

	if (size < 28 || p[0] != 0x45 || p[9] != 1 || p[20] != 8)
		return 0;
	memcpy(address, p + 12, 4);
	memcpy(p + 12, p + 16, 4);
	memcpy(p + 16, address, 4);
	p[20] = 0;
	sum = ((uint32_t)p[22] << 8 | p[23]) + 0x0800;
	sum = (sum & 0xFFFF) + (sum >> 16);
	p[22] = (uint8_t)(sum >> 8);
	p[23] = (uint8_t)sum;
	return 1;
}

static void take(int tun, int64_t delay_ns)
{
	for (int i = 0; i < LUMP; i++) {
		struct slot *slot = &ring[head % SLOTS];
		ssize_t n;

		if (head - tail == SLOTS)
			return;
		n = read(tun, slot->packet, PACKET_BYTES);
		if (n < 0)
			return;
		if (!answer(slot->packet, (size_t)n))
			continue;
		slot->bytes = (uint32_t)n;
		slot->due_ns = now_ns() + delay_ns;
		head++;
	}
}

static void give(int tun)
{
	for (int i = 0; i < LUMP && head != tail; i++) {
		struct slot *slot = &ring[tail % SLOTS];

		if (slot->due_ns > now_ns())
			return;
		lost += write(tun, slot->packet, slot->bytes) < 0;
		tail++;
	}
}

static int wait_ms(void)
{
	int64_t left;

	if (head == tail)
		return 1000;
	left = ring[tail % SLOTS].due_ns - now_ns();
	return left < SOON_NS ? 0 : (int)(left / 1000000);
}

int main(int argc, char **argv)
{
	struct pollfd fds[] = {{-1, POLLIN, 0}, {0, POLLIN, 0}};
	int64_t delay_ns;

	if (argc != 3)
		return 2;
	ring = calloc(SLOTS, sizeof(*ring));
	if (!ring)
		return 2;
	delay_ns = atoll(argv[2]) * 1000;
	fds[0].fd = open_tun(argv[1]);
	puts("ready");
	fflush(stdout);
	while (!fds[1].revents) {
		poll(fds, 2, wait_ms());
		take(fds[0].fd, delay_ns);
		give(fds[0].fd);
	}
	if (lost)
		fprintf(stderr, "delay: %lu answers were not taken\n", lost);
	free(ring);
	return 0;
}
